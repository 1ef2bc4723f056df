"""Backups and putting them back: whole or not at all, while others write, on both databases."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mailer import config as configuration
from mailer.config import Config
from mailer.distribution import backup as backups
from mailer.distribution import files, restored
from mailer.distribution.backup import back_up, read_manifest
from mailer.distribution.context import open_newsroom
from mailer.distribution.log import log, status
from mailer.distribution.media import keep
from mailer.distribution.restore import examine, put_back
from mailer.distribution.schedule import Sweeper
from mailer.distribution.supervisor import Supervisor, alone_on_host
from mailer.distribution.tasks import QUEUES
from mailer.errors import ConfigError, InputError, NotFound, Refused, StoreUnavailable, UsageError
from mailer.release.media import take
from mailer.store import Store, media, open_store
from mailer.store import backup as copies
from mailer.store.media import PIECE

from tests.distribution.recorder import Recorder
from tests.distribution.sending import Office
from tests.distribution.shelf import Shelf
from tests.distribution.test_media import kept_pictures
from tests.release.pictures import grain

TOUCHED_BY_HOLDING = {"control", "counters", "distributions", "events", "held_back", "incidents",
                      "keepers", "migrations", "waves"}  # fmt: skip


def content(url: str) -> dict[str, tuple[int, str]]:
    """Rows and a SHA-256 over all of them, for each table of a store."""
    store: Store = open_store(url)
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        if store.dialect == "sqlite"
        else "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    try:
        with store.read() as tx:
            found = {}
            for row in tx.rows(names, {}):
                rows = sorted(
                    repr([bytes(v) if isinstance(v, memoryview) else v for v in _values(each)])
                    for each in tx.rows(f'SELECT * FROM "{row["name"]}"', {})
                )
                text = "\n".join(rows).encode()
                found[row["name"]] = len(rows), hashlib.sha256(text).hexdigest()
            return found
    finally:
        store.close()


def _values(row: Any) -> list[Any]:
    return [row[name] for name in row.keys()]  # noqa: SIM118


@pytest.fixture
def url(store_url: str, request: pytest.FixtureRequest) -> str:
    """An empty store's address; PostgreSQL's own programs are on the PATH."""
    if store_url.startswith("postgresql"):
        request.getfixturevalue("postgres_programs")
    return store_url


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def fill(folder: Path, url: str, server: Recorder) -> Office:
    """Twenty people, one distribution that was sent and one that is due in a while."""
    office = Office(folder, server.port, url, 20, sending=SENDING)
    run(office.config)
    office.queue(range(1, 6), due_in=3600)
    (office.config.lists_dir).mkdir(exist_ok=True)
    (office.config.lists_dir / "press.csv").write_text("email\n")
    return office


@pytest.fixture
def office(tmp_path: Path, url: str, server: Recorder) -> Office:
    """A newsroom on each database."""
    return fill(tmp_path / "room", url, server)


@pytest.fixture
def on_sqlite(tmp_path: Path, server: Recorder) -> Office:
    return fill(tmp_path / "room", "sqlite:///mailer.db", server)


@pytest.fixture
def on_postgresql(
    tmp_path: Path, postgres_url: str, postgres_programs: Path, server: Recorder
) -> Office:
    return fill(tmp_path / "room", postgres_url, server)


SENDING = 'retry = ["1s"]\nlate_grace = "15m"'


def run(config: Config) -> None:
    Supervisor(config, once=True).run()


def lose_store(config: Config) -> None:
    """The store as if it had never been."""
    if config.store.url.startswith("sqlite"):
        for beside in ("", "-wal", "-shm"):
            Path(config.store.url.removeprefix("sqlite:///") + beside).unlink(missing_ok=True)
        return
    with psycopg.connect(config.store.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def is_lost(config: Config) -> bool:
    """Is there no store, nor part of one?"""
    if config.store.url.startswith("sqlite"):
        return not Path(config.store.url.removeprefix("sqlite:///")).exists()
    with psycopg.connect(config.store.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    return row == (0,)


def test_what_is_put_back_is_what_was_backed_up(office: Office) -> None:
    """Every table has the same rows, but for what holding them back is; pictures too (D14)."""
    taken = take(grain(), "bridge.jpg")
    sha256 = hashlib.sha256(taken.full.data).hexdigest()
    with open_newsroom(office.config) as room:
        keep(room.store, {sha256: taken})
        with room.store.write() as tx:
            media.refer(tx, 1, 1, [sha256])
        pictures = kept_pictures(room)
    assert sum(len(data or b"") for data in pictures.values()) > 2 * PIECE
    before = content(office.config.store.url)
    made = back_up(office.config, "anna")
    assert made.path.parent == office.config.home / "backups"
    assert {n: rows for n, (rows, _) in before.items()} == made.manifest.copied.tables
    lose_store(office.config)
    done = put_back(made.path, office.config.path)
    after = content(office.config.store.url)
    assert before.keys() == after.keys()
    same = before.keys() - TOUCHED_BY_HOLDING
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert {n: after[n][0] for n in ("distributions", "waves")} == {
        n: before[n][0] for n in ("distributions", "waves")
    }
    assert done.held == 1 and done.aside == ""
    with open_newsroom(office.config) as room:
        assert kept_pictures(room) == pictures


def test_a_backup_put_back_next_day_sends_nothing_of_yesterday(
    office: Office, server: Recorder
) -> None:
    """Decision 14, with the real sender: what was sent after the backup is not sent again, and an
    officer's word decides. The supervisor was never told that anything happened."""
    number = office.queue(range(6, 16), due_in=0, late="send")
    made = back_up(office.config, "anna")
    run(office.config)
    assert len(server.got) == 30
    put_back(made.path, office.config.path, move_aside=True)
    run(office.config)
    assert len(server.got) == 30
    with open_newsroom(office.config) as room:
        rows = restored.held(room)
        assert [(row["distribution"], row["open"]) for row in rows] == [(number, 10), (2, 5)]
        assert "may have left meanwhile" in status(room).decisions[0]
        restored.decide(room, number, "anna", "left")
    run(office.config)
    assert len(server.got) == 30
    with open_newsroom(office.config) as room:
        assert {row["state"] for row in log(room, distribution=number)} == {"accepted"}


def test_a_foreign_copy_of_a_backup_is_held_as_well(on_sqlite: Office, server: Recorder) -> None:
    """Decision 14: the store of a backup, put in place by hand, is behind its witness."""
    on_sqlite.queue(range(6, 16), due_in=0, late="send")
    made = back_up(on_sqlite.config, "anna")
    lose_store(on_sqlite.config)
    shutil.copyfile(
        made.path / "store.db", Path(on_sqlite.config.store.url.removeprefix("sqlite:///"))
    )
    run(on_sqlite.config)
    assert len(server.got) == 20


def test_nobody_sends_before_the_guard_has_looked(on_postgresql: Office, server: Recorder) -> None:
    """Decision 14: senders wait for the first sweep, which holds back what an older ledger has
    under way, however long that sweep has to wait."""
    office = on_postgresql
    number = office.queue(range(6, 16), due_in=0, late="send")
    shelf = Shelf(office.config.store.url, office.config.home / "copy")
    with open_newsroom(office.config) as room:
        Sweeper(room).sweep()  # under way: a sender would claim of it at once
    shelf.take()
    run(office.config)
    assert len(server.got) == 30
    shelf.put()

    told: list[tuple[str, str]] = []
    supervisor = Supervisor(
        office.config,
        once=False,
        queues=QUEUES,
        tell=lambda event: told.append((event["child"], event["event"])),
    )
    thread = threading.Thread(target=supervisor.run)
    with psycopg.connect(office.config.store.url) as other:
        other.execute("LOCK TABLE keepers IN ACCESS EXCLUSIVE MODE")
        thread.start()
        wait_for(lambda: ("scheduler", "ready") in told)
        time.sleep(3.0)  # far longer than a sender needs to be ready
        assert not [child for child, _ in told if child.startswith("sender")]
    wait_for(lambda: any(child.startswith("sender") for child, _ in told))
    supervisor.stop()
    thread.join()
    assert len(server.got) == 30
    with open_newsroom(office.config) as room:
        assert number in [row["distribution"] for row in restored.held(room)]


def test_a_backup_while_senders_run_is_consistent(tmp_path: Path, url: str) -> None:
    """It is the ledger at one instant: it passes every check, whatever was on its way."""
    with Recorder(delay=0.002) as server:
        office = Office(tmp_path / "room", server.port, url, 400, sending=SENDING)
        thread = threading.Thread(target=run, args=(office.config,))
        thread.start()
        try:
            while len(server.got) < 40:
                time.sleep(0.01)
            made = back_up(office.config, "anna", tmp_path / "one")
            again = back_up(office.config, "anna", tmp_path / "two", with_keys=True)
        finally:
            thread.join()
        assert len(server.got) == 400
    for each in (made, again):
        put_back(each.path, office.config.path, move_aside=True)
        with open_newsroom(office.config) as room:
            counts = status(room).distributions[0]["counts"]
            assert sum(counts.values()) == 400


def test_nobody_else_reads_a_backup_and_nothing_is_overwritten(office: Office) -> None:
    """Mode 700 and 600; a name that is taken is refused, and what has it stays as it is."""
    made = back_up(office.config, "anna", office.config.home / "mine")
    assert made.path == office.config.home / "mine"
    modes = {f"{path.stat().st_mode & 0o777:o}" for path in made.path.rglob("*") if path.is_file()}
    assert modes == {"600"} and made.path.stat().st_mode & 0o777 == 0o700
    assert (made.path / "newsroom" / "lists" / "press.csv").exists()
    assert not (made.path / "newsroom" / "keys").exists()
    assert not (made.path / "newsroom" / "spool").exists()
    assert "suppression key is not in this backup" in made.warnings[0]
    stamps = {path: path.stat().st_mtime_ns for path in made.path.rglob("*")}
    with pytest.raises(UsageError, match="of that name already"):
        back_up(office.config, "anna", made.path / "manifest.json")
    (office.config.home / "backups").mkdir()
    shelf = office.config.home / "backups"
    paths = {back_up(office.config, "anna", shelf).path for _ in range(3)}  # in one second
    assert len(paths) == 3 and {path.parent for path in paths} == {shelf}
    inside = back_up(office.config, "anna", office.config.home / "backups" / "x")
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert inside.path != made.path


@pytest.mark.parametrize("harm", ["cut", "gone", "flipped", "manifest", "no manifest"])
def test_a_torn_backup_is_recognised(office: Office, harm: str) -> None:
    """Nothing of it is put back."""
    made = back_up(office.config, "anna")
    dialect = made.manifest.dialect
    store, manifest = made.path / backups.STORE[dialect], made.path / backups.MANIFEST
    if harm == "cut":
        os.truncate(store, store.stat().st_size - 1)
    elif harm == "gone":
        store.unlink()
    elif harm == "flipped":
        data = bytearray(store.read_bytes())
        data[len(data) // 2] ^= 1
        store.write_bytes(data)
    elif harm == "manifest":
        manifest.write_text(manifest.read_text().replace('"keys": false', '"keys": true'))
    else:
        manifest.unlink()
    lose_store(office.config)
    with pytest.raises(InputError):
        examine(made.path)
    with pytest.raises(InputError):
        put_back(made.path, office.config.path)
    assert is_lost(office.config)


def test_a_store_in_the_way_is_refused_or_moved_aside(office: Office) -> None:
    """It stays as it was until somebody says so, and then it is kept."""
    made = back_up(office.config, "anna")
    before = content(office.config.store.url)
    with pytest.raises(Refused, match="there is a store already"):
        put_back(made.path, office.config.path)
    assert content(office.config.store.url) == before
    done = put_back(made.path, office.config.path, move_aside=True)
    assert done.aside
    if made.manifest.dialect == "sqlite":
        assert content(f"sqlite:///{done.aside}") == before
    else:
        name = done.aside.removeprefix("schema ")
        with psycopg.connect(office.config.store.url) as connection:
            found = connection.execute(f"SELECT count(*) FROM {name}.deliveries").fetchone()
        assert found == (25,)
        # What was moved aside is not backed up with the rest.
        assert len(back_up(office.config, "anna").manifest.copied.tables) == len(before)


def test_a_store_that_cannot_be_opened_any_more_is_moved_aside(on_sqlite: Office) -> None:
    """The disaster that backups are for."""
    made = back_up(on_sqlite.config, "anna")
    path = Path(on_sqlite.config.store.url.removeprefix("sqlite:///"))
    lose_store(on_sqlite.config)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(Refused, match="there is a store already"):
        put_back(made.path, on_sqlite.config.path)
    done = put_back(made.path, on_sqlite.config.path, move_aside=True)
    assert Path(done.aside).read_bytes().startswith(b"no database")
    with open_newsroom(on_sqlite.config) as room:
        assert len(status(room).distributions) == 2


def test_a_fresh_newsroom_takes_a_backup(on_sqlite: Office, tmp_path: Path) -> None:
    """On a new machine: `init` made a store with nothing in it and keys of its own, and the wrong
    key is said at once."""
    made = back_up(on_sqlite.config, "anna")
    fresh = Office(tmp_path / "fresh", 1, "sqlite:///mailer.db", 0, queued=False)
    lose_store(fresh.config)
    from mailer.distribution.context import create_store

    create_store(fresh.config)
    with pytest.raises(Refused, match="suppression key here is not the one"):
        put_back(made.path, fresh.config.path)
    shutil.copy(on_sqlite.config.keys_dir / "suppression.key", fresh.config.keys_dir)
    done = put_back(made.path, fresh.config.path)
    assert Path(done.aside).exists() and done.held == 1


def test_a_backup_with_keys_is_enough_for_an_empty_folder(office: Office, tmp_path: Path) -> None:
    """Configuration, lists and keys come back where they are missing; the rest is the store."""
    made = back_up(office.config, "anna", with_keys=True)
    assert "keys are in this backup" in made.warnings[0]
    if made.manifest.dialect == "postgresql":
        lose_store(office.config)
    elsewhere = tmp_path / "elsewhere"
    lose_store(office.config)
    done = put_back(made.path, elsewhere / "config.toml")
    assert {"config.toml", "keys/suppression.key", "lists/press.csv"} <= set(done.files)
    config = configuration.load(elsewhere / "config.toml", {})
    assert (config.keys_dir / "token.keys").stat().st_mode & 0o777 == 0o600
    with open_newsroom(config) as room:
        assert len(status(room).distributions) == 2


def test_what_fails_takes_its_files_away_again(office: Office, tmp_path: Path) -> None:
    """All or nothing: a folder without a key gets no configuration either."""
    made = back_up(office.config, "anna")
    elsewhere = tmp_path / "elsewhere"
    lose_store(office.config)
    with pytest.raises(ConfigError, match="key is missing"):
        put_back(made.path, elsewhere / "config.toml")
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []
    assert is_lost(office.config)


def test_what_fails_once_it_is_back_takes_nothing_away(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is in its place: configuration and keys stay beside it, and nothing leaves."""
    made = back_up(office.config, "anna", with_keys=True)
    lose_store(office.config)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    elsewhere = tmp_path / "elsewhere"
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_durably", full)
        with pytest.raises(StoreUnavailable):
            put_back(made.path, elsewhere / "config.toml")
    config = configuration.load(elsewhere / "config.toml", {})
    with open_newsroom(config) as room:
        assert len(restored.held(room)) == 1


def test_never_while_a_supervisor_runs(office: Office) -> None:
    """Whoever has the newsroom at work is in the way."""
    made = back_up(office.config, "anna")
    with alone_on_host(office.config), pytest.raises(Refused, match="already runs"):
        put_back(made.path, office.config.path, move_aside=True)


def test_never_while_another_machine_is_at_work(
    on_postgresql: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from another machine there is no lock, but a sign of life."""
    made = back_up(on_postgresql.config, "anna")
    monkeypatch.setenv("MAILER_HOST", "press-2")
    with pytest.raises(Refused, match=r"runs this newsroom on (?!press-2)"):
        put_back(made.path, on_postgresql.config.path, move_aside=True)


def test_of_the_other_database(office: Office, tmp_path: Path) -> None:
    """A copy is for its own kind of store."""
    made = back_up(office.config, "anna")
    text = (made.path / "manifest.json").read_text()
    other = "sqlite" if made.manifest.dialect == "postgresql" else "postgresql"
    data = json.loads(text)
    data["dialect"] = other
    data.pop("seal")
    (made.path / "manifest.json").write_text(json.dumps({**data, "seal": backups._seal(data)}))
    lose_store(office.config)
    with pytest.raises(Refused, match="a store of its own kind"):
        put_back(made.path, office.config.path)


def test_postgresql_programs_that_are_missing_or_too_old(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install; nothing is left of the backup."""
    office = Office(tmp_path / "room", 1, postgres_url, 3)
    monkeypatch.setattr(copies, "_DEBIAN", tmp_path)
    old = tmp_path / "bin"
    old.mkdir()
    monkeypatch.setenv("PATH", str(old))
    with pytest.raises(ConfigError, match=r"pg_dump is missing.*postgresql-client-\d\d"):
        back_up(office.config, "anna")
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.3'\n")
    (old / "pg_dump").chmod(0o755)
    with pytest.raises(ConfigError, match=r"is of PostgreSQL 12, and the server"):
        back_up(office.config, "anna")
    assert list((office.config.home / "backups").iterdir()) == []


def test_names_that_are_no_backup(office: Office, tmp_path: Path) -> None:
    """A wrong name is said in words."""
    with pytest.raises(NotFound):
        put_back(tmp_path / "nothing", office.config.path)
    with pytest.raises(InputError, match="no manifest"):
        put_back(office.config.home, office.config.path)
    with pytest.raises(InputError, match="no manifest"):
        put_back(office.config.path, office.config.path)


# Killed on the way ------------------------------------------------------------------------------

_KILLED = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from mailer import config as configuration
from mailer.distribution.backup import back_up
from mailer.distribution.restore import put_back
what, config, backup, module, name, after = sys.argv[1:]
place = import_module(module)
owner, _, name = name.rpartition(".")
place = getattr(place, owner) if owner else place
real = getattr(place, name)
def dies(*arguments, **named):
    if after == "after":
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, dies)
if what == "backup":
    back_up(configuration.load(Path(config), {}), "anna", Path(backup))
else:
    put_back(Path(backup), Path(config), move_aside=True)
"""


def killed(what: str, config: Config, backup: Path, module: str, name: str, when: str) -> None:
    words = [what, str(config.path), str(backup), module, name, when]
    done = subprocess.run([sys.executable, "-c", _KILLED, *words], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("module", "name", "when"),
    [
        ("mailer.store.backup", "copy_to", "before"),
        ("mailer.store.backup", "copy_to", "after"),
        ("mailer.distribution.backup", "_copy", "after"),
        ("mailer.distribution.backup", "add_event", "after"),
        ("mailer.distribution.backup", "_publish", "before"),
    ],
)
def test_killed_in_mid_backup(
    office: Office, tmp_path: Path, module: str, name: str, when: str
) -> None:
    """There is no backup of that name, the newsroom goes on, and the next one clears up."""
    target = tmp_path / "shelf" / "b"
    target.parent.mkdir()
    killed("backup", office.config, target, module, name, when)
    assert not target.exists()
    run(office.config)
    with open_newsroom(office.config) as room:
        assert restored.held(room) == []
    made = back_up(office.config, "anna", target)
    assert list(target.parent.iterdir()) == [target]
    assert examine(made.path) == made.manifest


_STEPS_OF_BOTH = [
    ("mailer.distribution.restore", "configuration.load", "before"),
    ("mailer.distribution.restore", "create_store", "before"),
    ("mailer.distribution.guard", "Guard.put_back", "before"),
    ("mailer.distribution.guard", "write_witness", "before"),
]


@pytest.mark.parametrize(
    ("module", "name", "when"),
    [
        *_STEPS_OF_BOTH,
        ("mailer.distribution.restore", "_hold", "before"),
        ("mailer.distribution.restore", "_hold", "after"),
        ("mailer.distribution.restore", "sync", "before"),
    ],
)
def test_killed_in_mid_restore(
    on_sqlite: Office, server: Recorder, module: str, name: str, when: str
) -> None:
    """Either nothing was put back, and doing it again does it; or all was, and nothing leaves."""
    _killed_in_mid_restore(on_sqlite, server, module, name, when)
    folder = Path(on_sqlite.config.store.url.removeprefix("sqlite:///")).parent
    assert [path.name for path in folder.iterdir() if path.name.startswith(".mailer.db")] == []


@pytest.mark.parametrize(
    ("module", "name", "when"),
    [
        *_STEPS_OF_BOTH,
        ("mailer.store.backup", "put_back_postgres", "before"),
        ("mailer.store.backup", "put_back_postgres", "after"),
    ],
)
def test_killed_in_mid_restore_of_postgresql(
    on_postgresql: Office, server: Recorder, module: str, name: str, when: str
) -> None:
    """The same."""
    _killed_in_mid_restore(on_postgresql, server, module, name, when)


def _killed_in_mid_restore(
    office: Office, server: Recorder, module: str, name: str, when: str
) -> None:
    number = office.queue(range(6, 16), due_in=0, late="send")
    made = back_up(office.config, "anna")
    run(office.config)
    assert len(server.got) == 30
    lose_store(office.config)
    killed("restore", office.config, made.path, module, name, when)
    if is_lost(office.config):
        put_back(made.path, office.config.path)
    for _ in range(2):
        run(office.config)
    assert len(server.got) == 30
    with open_newsroom(office.config) as room:
        assert restored.held(room)[0]["distribution"] == number


def test_killed_while_psql_writes(
    tmp_path: Path, postgres_url: str, postgres_programs: Path, server: Recorder
) -> None:
    """The end of its input is no commit: PostgreSQL takes back what had arrived."""
    office = Office(tmp_path / "room", server.port, postgres_url, 20, sending=SENDING)
    made = back_up(office.config, "anna")
    lose_store(office.config)
    slow = tmp_path / "slow"
    slow.mkdir()
    # Hands over most of the dump, then stays until it is killed with its parent.
    (slow / "pg_restore").write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then exec {postgres_programs}/pg_restore "$1"; fi\n'
        f'{postgres_programs}/pg_restore "$@" | head -c 30000\ntouch {tmp_path}/fed\nsleep 60\n'
    )
    (slow / "pg_restore").chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from mailer.distribution.restore import put_back; "
        "put_back(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    environ = {**os.environ, "PATH": f"{slow}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(made.path), str(office.config.path)],
        env=environ,
        start_new_session=True,
    )
    wait_for(lambda: (tmp_path / "fed").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert is_lost(office.config)
    assert put_back(made.path, office.config.path).held == 1


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_manifest_says_what_is_in_it(office: Office) -> None:
    """It can be read without mailer: JSON with sizes, sums and rows."""
    made = back_up(office.config, "anna")
    assert read_manifest(made.path) == made.manifest
    data = json.loads((made.path / "manifest.json").read_text())
    for name, (size, sha256) in data["files"].items():
        found = (made.path / name).read_bytes()
        assert (len(found), hashlib.sha256(found).hexdigest()) == (size, sha256)
