"""`store copy`: a whole newsroom into an empty store of the other kind, and back, proven equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mailer.distribution import moving
from mailer.distribution.context import Newsroom, create_store
from mailer.distribution.lists import import_file
from mailer.distribution.moving import Move
from mailer.distribution.queue import Order, queue
from mailer.distribution.supervisor import alone_on_host
from mailer.errors import Refused, StoreUnavailable, UsageError
from mailer.store import Store, jobs, ledger, open_store, workers
from mailer.store.core import add_event, fact, set_fact
from mailer.store.migrations import tables

from tests.distribution.room import make_config, open_room, write_list, write_release
from tests.distribution.test_media import TEXT, kept_pictures
from tests.release.pictures import grain

ODD = (
    "plain",
    "",
    "tab\tnewline\nreturn\rbackslash\\N \\x41 \\.",
    "Zoë 東京 \U0001f600 e\u0301 \u2028 \ufeff",
    "'quoted' \"twice\" {a,b} NULL null",
    " leading and trailing ",
    "\x01\x1f\x7f\x85",
    "x" * 70_000,
)
NUMBERS = (0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))
BLOBS = (b"", b"\x00", bytes(range(256)), b"\\x41", b"\xff" * 5000)


class Moves:
    """A newsroom on one kind of store, and an empty store of the other kind."""

    def __init__(self, folder: Path, old: str, new: str) -> None:
        self.config = make_config(folder, port=1, store=old)
        self.old, self.new = self.config.store.url, new

    def move(self, **more: Any) -> Move:
        return moving.move(self.config, self.old, self.new, "anna", **more)

    def opened(self, url: str) -> Newsroom:
        store = self.config.store.model_copy(update={"url": url})
        return open_room(self.config.model_copy(update={"store": store}))


@pytest.fixture(params=["to postgresql", "to sqlite"])
def moves(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> Iterator[Moves]:
    file = f"sqlite:///{tmp_path / 'stores' / 'mailer.db'}"
    (tmp_path / "stores").mkdir()
    pair = (file, postgres_url) if request.param == "to postgresql" else (postgres_url, file)
    yield Moves(tmp_path / "room", *pair)


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, and what was counted up to."""
    with store.write() as tx:
        found = {
            name: sorted(
                (row for row in tx.tuples(name, table.columns) if row[0] != jobs.FACT), key=repr
            )
            for name, table in tables().items()
        }
        found["counted"] = [
            (name, tx.counted_up(name)) for name, table in tables().items() if table.counts
        ]
        return found


def fill(moves: Moves) -> None:
    """A queued release, and values of every kind wherever they can stand."""
    folder = moves.config.path.parent
    with moves.opened(moves.old) as room:
        import_file(room, write_list(folder, "press", 40), actor="anna")
        (folder / "bridge.jpg").write_bytes(grain())
        queue(room, Order(str(write_release(folder, TEXT)), ["list:press"]), "anna")
        with room.store.write() as tx:
            for number, text in enumerate(ODD):
                set_fact(tx, f"odd {number}", text)
                add_event(tx, text, "anna", data={"text": text})
            tx.copy("counters", ["name", "value"], [(f"n{n}", n) for n in NUMBERS])
            tx.copy(
                "compiled",
                ["digest", "data", "created_at"],
                [(f"{n}", blob, n) for n, blob in enumerate(BLOBS)],
            )
            tx.execute(
                "UPDATE deliveries SET reply = :text, code = 250 WHERE id % 3 = 0", {"text": ODD[2]}
            )
            # The last rows are gone, and their numbers must not come again.
            tx.execute("DELETE FROM events WHERE id > (SELECT max(id) - 2 FROM events)", {})


def test_everything_arrives(moves: Moves) -> None:
    """Odd texts, numbers, blobs, NULLs and pictures are the same in both; counting goes on."""
    fill(moves)
    with moves.opened(moves.old) as room:
        pictures = kept_pictures(room)
    assert sum(data is not None for data in pictures.values()) == 3
    with closing(open_store(moves.old)) as old:
        before = contents(old)
    done = moves.move()
    with closing(open_store(moves.new)) as new:
        after = contents(new)
    # The new one's history has one line more, with the number after the last ever given.
    own = [row for row in after["events"] if "store_moved" in row]
    assert [row[0] for row in own] == [dict(before["counted"])["events"] + 1]
    after["events"].remove(own[0])
    after["counted"] = [("events", dict(after["counted"])["events"] - 1)]
    assert after == before
    assert {each.table: each.rows for each in done.tables} == {
        name: len(rows) for name, rows in before.items() if name != "counted"
    }
    with moves.opened(moves.new) as room:
        assert kept_pictures(room) == pictures
    with moves.opened(moves.new) as room, room.store.write() as tx:
        assert fact(tx, "ledger_id") == dict(before["facts"])["ledger_id"]
        assert tx.next_ids("journalist") == dict(before["counters"])["journalist"] + 1


def test_the_old_store_is_not_used_any_more(moves: Moves) -> None:
    """The one that was copied refuses everything, with the place where it went (exit 6)."""
    fill(moves)
    moves.move()
    with pytest.raises(Refused, match="was moved to"):
        moves.opened(moves.old)
    with pytest.raises(Refused, match="was moved to"):
        create_store(moves.config)
    with pytest.raises(Refused, match="was moved to"):
        moves.move()


def test_back_again(moves: Moves, tmp_path: Path) -> None:
    """What arrived can be moved on, and is still the same."""
    fill(moves)
    first = moves.move()
    moves.old, moves.new = moves.new, f"sqlite:///{tmp_path / 'third.db'}"
    second = moves.move()
    one, two = ({each.table: each.digest for each in done.tables} for done in (first, second))
    assert one.pop("events") != two.pop("events")  # that it was moved stands there
    assert one == two


def test_only_into_an_empty_store(moves: Moves) -> None:
    """A target that holds anything is refused and stays as it is; so does the source."""
    fill(moves)
    with closing(open_store(moves.old)) as old:
        before = contents(old)
    store = moves.config.store.model_copy(update={"url": moves.new})
    create_store(moves.config.model_copy(update={"store": store}))
    with closing(open_store(moves.new)) as new:
        other = contents(new)
    with pytest.raises(Refused, match="is not empty"):
        moves.move()
    with closing(open_store(moves.new)) as new, closing(open_store(moves.old)) as old:
        assert contents(new) == other
        assert contents(old) == before
    with pytest.raises(UsageError):
        moving.move(moves.config, moves.old, moves.old, "anna")


def _supervisor(moves: Moves) -> Any:
    return alone_on_host(moves.config)


class _Worker:
    def __init__(self, moves: Moves) -> None:
        self._moves = moves

    def __enter__(self) -> None:
        with self._moves.opened(self._moves.old) as room, room.store.write() as tx:
            about = {"host": "elsewhere", "name": "sender-1", "pid": 1, "boot_id": "b"}
            ledger.add_worker(tx, **about, journal="/nowhere", config_digest="")

    def __exit__(self, *_: object) -> None:
        with closing(open_store(self._moves.old)) as store, store.write() as tx:
            ledger.worker_left(tx, 1)


class _Machine(_Worker):
    """One whose senders are not there yet."""

    def __enter__(self) -> None:
        with closing(open_store(self._moves.old)) as store, store.write() as tx:
            workers.machine_seen(tx, "elsewhere", "", None)

    def __exit__(self, *_: object) -> None:
        with closing(open_store(self._moves.old)) as store, store.write() as tx:
            workers.machine_left(tx, "elsewhere")


class _State:
    """Rows that say that somebody is at work, or died of it."""

    def __init__(self, moves: Moves, change: str, back: str) -> None:
        self._url, self._texts = moves.old, (change, back)

    def _run(self, text: str) -> None:
        with closing(open_store(self._url)) as store, store.write() as tx:
            assert tx.execute(text, {})

    def __enter__(self) -> None:
        self._run(self._texts[0])

    def __exit__(self, *_: object) -> None:
        self._run(self._texts[1])


@pytest.mark.parametrize(
    "busy",
    [
        _supervisor,
        _Worker,
        _Machine,
        lambda moves: _State(
            moves,
            "UPDATE deliveries SET state = 1, worker = 1 WHERE id % 2 = 0",
            "UPDATE deliveries SET state = 0, worker = NULL WHERE state = 1",
        ),
        lambda moves: _State(
            moves,
            "UPDATE imports SET state = 'staging'",
            "UPDATE imports SET state = 'done'",
        ),
        lambda moves: _State(
            moves,
            "UPDATE distributions SET state = 'planning'",
            "UPDATE distributions SET state = 'scheduled'",
        ),
    ],
    ids=["supervisor", "worker", "machine", "claims", "import", "plan"],
)
def test_refused_while_anybody_is_at_work(moves: Moves, busy: Callable[[Moves], Any]) -> None:
    """Nothing is copied while somebody sends or writes; afterwards it is."""
    fill(moves)
    with busy(moves), pytest.raises(Refused):
        moves.move()
    assert moves.move().tables


def test_no_writer_comes_between(moves: Moves) -> None:
    """Who writes while the copy runs is told that the store is busy: nothing is left behind."""
    fill(moves)
    said: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        if not said:
            said.append("")
            with (
                closing(open_store(moves.old, busy_timeout=0.2)) as store,
                pytest.raises(StoreUnavailable),
                store.write() as tx,
            ):
                set_fact(tx, "late", "yes")

    moves.move(tell=meanwhile)
    assert said


class _Broken(Exception):
    pass


def test_a_copy_that_breaks_off_leaves_nothing(
    moves: Moves,
) -> None:
    """Until the end everything can be done again; the old store is used as before."""
    fill(moves)
    with closing(open_store(moves.old)) as old:
        before = contents(old)

    def tell(done: int, total: int) -> None:
        if done == total:
            raise _Broken

    with pytest.raises(_Broken):
        moves.move(tell=tell)
    with closing(open_store(moves.old)) as old:
        assert contents(old) == before
    assert moves.move().tables


def test_broken_off_between_the_two_marks(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    """Died with the old store marked and the new one not in force: neither is used, and the same
    command brings the new one in force."""
    fill(moves)

    def dies(*_: object, **__: object) -> None:
        raise _Broken

    monkeypatch.setattr(moving, "add_event", dies)
    with pytest.raises(_Broken):
        moves.move()
    for url in (moves.old, moves.new):
        with pytest.raises(Refused):
            moves.opened(url)
    monkeypatch.undo()
    assert moves.move().tables == ()
    moves.opened(moves.new).close()
    with pytest.raises(Refused, match="was moved to"):
        moves.opened(moves.old)


def test_what_arrives_altered_is_found(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that differs on arrival ends the copy: the proof can fail."""
    fill(moves)
    with closing(open_store(moves.new, create=True)) as new:
        kind = _tx_class(new)
    real = kind.copy

    def alter(self: Any, table: str, columns: Any, rows: Any) -> int:
        if table == "addresses":
            rows = ((row[0], row[1].upper(), *row[2:]) for row in rows)
        return int(real(self, table, columns, rows))

    monkeypatch.setattr(kind, "copy", alter)
    with pytest.raises(Exception, match="did not arrive as it was sent"):
        moves.move()
    monkeypatch.undo()
    assert moves.move().tables


def _tx_class(store: Store) -> Any:
    with store.read() as tx:
        return type(tx)


def test_a_value_that_postgresql_cannot_keep(tmp_path: Path, postgres_url: str) -> None:
    """A NUL in a text, or a number too large, is named by its table; nothing was done."""
    moves = Moves(tmp_path / "room", f"sqlite:///{tmp_path / 'mailer.db'}", postgres_url)
    fill(moves)
    for change, back in (
        (
            "UPDATE facts SET value = 'a' || char(0) WHERE name = 'odd 0'",
            "UPDATE facts SET value = 'plain' WHERE name = 'odd 0'",
        ),
        ("UPDATE waves SET recipients = 5000000000", "UPDATE waves SET recipients = 40"),
    ):
        with _State(moves, change, back), pytest.raises(Refused, match="PostgreSQL cannot keep"):
            moves.move()
    assert moves.move().tables


def test_passwords_are_not_shown() -> None:
    """What is told and kept of an address has no password in it."""
    assert moving.shown("postgresql://u:secret@h/d") == "postgresql://u@h/d"
    assert "secret" not in moving.shown("postgresql:///d?host=/s&password=secret&user=u")
