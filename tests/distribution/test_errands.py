"""Imports and exports that are handed over: any machine does them, once, whoever dies."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import ManualClock, SystemClock
from mailer.config import Config
from mailer.distribution import errands, exports
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import export_list, import_file, list_lists
from mailer.distribution.log import log
from mailer.distribution.retention import retain, would_go
from mailer.distribution.suppressions import add as suppress
from mailer.errors import InputError, NotFound, Refused, UsageError
from mailer.store import errands as stored
from mailer.store.errands import MOST_TRIES

from tests.distribution.fleet import Fleet
from tests.distribution.press import Press
from tests.distribution.room import make_config, open_room, write_list

CSV = {"format": "csv"}


@pytest.fixture
def config(postgres_url: str, tmp_path: Path) -> Config:
    return make_config(tmp_path / "newsroom", port=1, store=postgres_url)


def a_list(folder: Path, name: str, count: int, *, bad: int = 0) -> Path:
    path = write_list(folder, name, count)
    with path.open("a") as file:
        file.writelines(f"nobody{n},Ada,N,Daily,eu,BE,en,UTC,opt_in,form\n" for n in range(bad))
    return path


def rows(room: Newsroom, sql: str) -> list[dict[str, Any]]:
    with room.store.read() as tx:
        return [dict(row) for row in tx.rows(sql, {})]  # type: ignore[call-overload]


def bytes_kept(room: Newsroom) -> int:
    found: int = rows(room, "SELECT count(*) AS n FROM errand_parts")[0]["n"]
    return found


def hand_over(room: Newsroom, path: Path) -> int:
    (number,) = errands.hand_over_imports(room, [path], "anna")
    return number


def is_private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_list_is_imported_as_if_it_were_done_here(
    room: Newsroom, tmp_path: Path, store_url: str
) -> None:
    """The file's bytes travel through the store; the result, rejected rows too, is read there."""
    path = a_list(tmp_path, "press", 300, bad=3)
    with open_room(make_config(tmp_path / "other", port=1)) as other:
        expected = import_file(other, path, actor="anna").as_json()
        assert expected["rejected_file"] is not None
        rejected = Path(expected["rejected_file"]).read_bytes()
        people = list(export_list(other, "press"))
    number = hand_over(room, path)
    path.unlink()
    assert errands.show(room, number)["state"] == "queued"
    assert errands.do(room, number) is None
    found = errands.show(room, number)
    assert (found["state"], found["actor"], found["to_fetch"]) == ("done", "anna", True)
    for name in ("new", "rejected", "rows", "warnings", "reasons", "list", "file"):
        assert found["result"][name] == expected[name], name
    assert list(export_list(room, "press")) == people
    fetched = errands.fetch(room, number, tmp_path / "out.csv", "anna")
    assert fetched.read_bytes() == rejected
    assert is_private(fetched)
    # Nothing personal is left lying where it was done, nor what is needed no more.
    assert not list(room.config.spool_dir.glob("jobs/*"))
    assert not list(room.config.home.glob("rejected/*"))
    assert bytes_kept(room) == 1
    assert errands.do(room, number) is None, "it is done"
    assert errands.ls(room) == [found]
    told = rows(room, "SELECT kind FROM events WHERE kind IN ('list_imported', 'job_done')")
    assert sorted(each["kind"] for each in told) == ["job_done", "list_imported"]


def test_an_export_is_the_same_by_whomever(room: Newsroom, tmp_path: Path) -> None:
    """H18, E22: what a worker writes is what is written here; both are private and logged."""
    import_file(room, a_list(tmp_path, "press", 3000), actor="anna")
    import_file(room, a_list(tmp_path, "energy", 20), actor="anna")
    suppress(room, ["j7@example.com"], "anna", reason="asked")
    for what, asked, count in (
        ("journalists", {**CSV, "list": None}, 2999),
        ("journalists", {**CSV, "list": "energy"}, 19),
        ("journalists", {"format": "jsonl", "list": None}, 2999),
        ("suppressions", CSV, 1),
        ("log", CSV, 0),
    ):
        here = tmp_path / "here"
        assert exports.export(room, what, asked, here, "anna") == count
        assert is_private(here)
        number = errands.hand_over_export(room, what, asked, "anna")
        errands.do(room, number)
        assert errands.show(room, number)["result"]["rows"] == count
        there = errands.fetch(room, number, None, "anna")
        assert there.parent == room.config.home / "exports"
        assert is_private(there)
        assert there.read_bytes() == here.read_bytes()
    told = rows(room, "SELECT data FROM events WHERE kind = 'exported'")
    assert len(told) == 10
    assert len({line.partition("@")[0] for line in there.read_text().splitlines()}) == 1


def test_a_large_export_travels_in_parts(room: Newsroom, tmp_path: Path) -> None:
    """Streamed, in small compressed parts, so memory stays flat."""
    import_file(room, a_list(tmp_path, "press", 12_000), actor="anna")
    number = errands.hand_over_export(room, "journalists", CSV, "anna")
    errands.do(room, number)
    assert errands.show(room, number)["result"]["parts"] == bytes_kept(room) > 1
    path = errands.fetch(room, number, tmp_path / "all.csv", "anna")
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 12_000


def test_what_cannot_be_done_says_so(room: Newsroom, tmp_path: Path) -> None:
    """What is wrong at a glance is refused at once; the rest is the job's result."""
    path = a_list(tmp_path, "press", 5)
    with pytest.raises(UsageError, match="no kind of list"):
        errands.hand_over_imports(room, [path], "anna", kind="odd")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(InputError):
        errands.hand_over_imports(room, [path, empty], "anna")
    assert bytes_kept(room) == 0, "all or none"
    with pytest.raises(NotFound, match="no distribution 7"):
        errands.hand_over_export(room, "log", {**CSV, "distribution": 7}, "anna")
    for asked in ({**CSV, "state": "accepted"}, {"format": "odd"}):
        with pytest.raises(UsageError):
            exports.checked("journalists", asked)
    number = errands.hand_over_export(room, "journalists", CSV, "anna")
    with pytest.raises(Refused, match=f"job {number} is queued"):
        errands.fetch(room, number, None, "anna")
    with pytest.raises(NotFound, match="no job 99"):
        errands.show(room, 99)
    with room.store.write() as tx:
        tx.execute("UPDATE errands SET asked = replace(asked, 'format', 'list')", {})
        tx.execute("UPDATE errands SET asked = replace(asked, 'csv', 'nowhere')", {})
    with pytest.raises(KeyError):  # a fault of the program is told to its maker as well
        errands.do(room, number)
    found = errands.show(room, number)
    assert found["state"] == "failed"
    assert found["result"] == {"error": "an internal error (KeyError).", "exit_code": 70}


def test_who_was_taken_for_gone_changes_nothing(room: Newsroom, tmp_path: Path) -> None:
    """Two that do the same at the same time: only the one that took it last counts."""
    path = a_list(tmp_path, "press", 900)
    number = hand_over(room, path)
    asked = []

    def somebody_else_takes_it() -> bool:
        if not asked:
            with room.store.write() as tx:
                asked.append(stored.take(tx, number, "elsewhere"))
        return False

    assert errands.do(room, number, somebody_else_takes_it) is None
    assert asked
    assert list_lists(room) == []
    assert errands.show(room, number)["state"] == "running"
    assert errands.do(room, number) is None
    assert [each["members"] for each in list_lists(room)] == [900]
    assert rows(room, "SELECT count(*) AS n FROM imports WHERE state = 'done'") == [{"n": 1}]
    export = errands.hand_over_export(room, "journalists", CSV, "anna")
    asked.clear()
    number = export
    errands.do(room, export, somebody_else_takes_it)
    assert errands.do(room, export) is None
    fetched = errands.fetch(room, export, tmp_path / "out", "anna")
    assert len(fetched.read_text().splitlines()) == 901


def test_called_off_in_the_middle(room: Newsroom, tmp_path: Path) -> None:
    """All or nothing: nothing."""
    number = hand_over(room, a_list(tmp_path, "press", 900))

    def call_it_off() -> bool:
        if errands.show(room, number)["state"] == "running":
            errands.cancel(room, number, "anna")
        return False

    errands.do(room, number, call_it_off)
    assert list_lists(room) == []
    assert errands.show(room, number)["state"] == "cancelled"
    with pytest.raises(Refused, match="is cancelled"):
        errands.cancel(room, number, "anna")
    retain(room, "anna")
    assert bytes_kept(room) == 0


def test_a_process_that_ends_in_order_gives_it_back(room: Newsroom, tmp_path: Path) -> None:
    number = hand_over(room, a_list(tmp_path, "press", 900))
    for _ in range(MOST_TRIES + 2):
        assert errands.do(room, number, lambda: True) is None
        assert errands.show(room, number)["state"] == "queued"
    assert list_lists(room) == []
    errands.do(room, number)
    assert errands.show(room, number)["state"] == "done"


def test_while_another_import_runs_it_waits(room: Newsroom, tmp_path: Path) -> None:
    """It is given back, however often, and not called a failure."""
    number = hand_over(room, a_list(tmp_path, "press", 20))
    with room.store.presence_free(0) as mine:
        assert mine
        for _ in range(MOST_TRIES + 1):
            trouble = errands.do(room, number)
            assert trouble is not None
            assert "another import" in trouble
    assert errands.show(room, number)["state"] == "queued"
    errands.do(room, number)
    assert errands.show(room, number)["state"] == "done"


def test_what_was_handed_over_goes_as_well(room: Newsroom, config: Config, tmp_path: Path) -> None:
    """E13: its bytes are addresses."""
    done = errands.hand_over_export(room, "journalists", CSV, "anna")
    errands.do(room, done)
    waiting = hand_over(room, a_list(tmp_path, "press", 5))
    with room.store.write() as tx:
        half = stored.begin(tx, "import", {}, "anna")
        stored.add_part(tx, half, "in", 0, b"x")
    retain(room, "anna")
    assert bytes_kept(room) == 3
    with open_room(config, ManualClock(SystemClock().now() + 91 * 86_400 * 1_000_000)) as later:
        assert would_go(later)["jobs"] == 2
        assert retain(later, "anna")["jobs"] == 2
        assert [each["job"] for each in errands.ls(later)] == [waiting]
    assert bytes_kept(room) == 1


# Processes --------------------------------------------------------------------------------------

_DO = """
import sys
from pathlib import Path
from mailer import config
from mailer.distribution import errands
from mailer.distribution.context import open_newsroom
steps = 0
def stop():
    global steps
    steps += 1
    if steps > 2:
        sys.stdin.readline()
with open_newsroom(config.load(Path(sys.argv[1]))) as room:
    print("ready", flush=True)
    while errands.do(room, int(sys.argv[2]), stop) is not None:
        pass
"""


def test_killed_at_any_moment_it_is_done_once(room: Newsroom, tmp_path: Path) -> None:
    """After each kill -9 it begins anew; in the end it is as if nobody had died."""
    number = hand_over(room, a_list(tmp_path, "press", 4000, bad=2))
    rng = random.Random(9)
    for _ in range(MOST_TRIES - 1):  # none comes to the end, so none dies in vain
        process = subprocess.Popen(
            [sys.executable, "-c", _DO, str(room.config.path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
        assert list_lists(room) == []
    # Whoever's connection the server still holds keeps others from importing for a moment.
    until = time.monotonic() + 60
    while errands.do(room, number) is not None:
        assert time.monotonic() < until
    found = errands.show(room, number)
    assert found["state"] == "done"
    assert (found["result"]["new"], found["result"]["rejected"]) == (4000, 2)
    assert [each["members"] for each in list_lists(room)] == [4000]
    assert rows(room, "SELECT count(*) AS n FROM imports WHERE state = 'done'") == [{"n": 1}]
    assert rows(room, "SELECT count(*) AS n FROM journalists") == [{"n": 4000}]
    assert rows(room, "SELECT count(*) AS n FROM events WHERE kind = 'job_done'") == [{"n": 1}]


def test_what_kills_its_process_each_time_is_given_up(room: Newsroom, tmp_path: Path) -> None:
    number = hand_over(room, a_list(tmp_path, "press", 5))
    for _ in range(MOST_TRIES):
        with room.store.write() as tx:
            assert stored.take(tx, number, "elsewhere") is not None
    assert errands.do(room, number) is None
    found = errands.show(room, number)
    assert (found["state"], found["result"]["exit_code"]) == ("failed", 70)


def test_a_worker_on_another_machine_does_it(tmp_path: Path, postgres_url: str) -> None:
    """Design decision 12: queues `imports` and `exports`, by a process that sends nothing; sending
    goes on beside it, and a machine that dies loses nothing."""
    with Fleet(tmp_path, postgres_url, 40) as fleet:
        officer = fleet.machine("officer")
        first = fleet.machine("a")
        first.start("worker", "--queues", "imports,exports")
        fleet.until(lambda: fleet.takers(), "somebody takes tasks")
        assert first.senders == []
        path = a_list(tmp_path, "fresh", 3000, bad=1)
        said = officer.say("lists", "import", str(path), "--later", "--json")
        assert said.returncode == 0, said.stderr
        (job,) = json.loads(said.stdout)["jobs"]
        path.unlink()
        first.kill()
        fleet.machine("b").start()
        number = fleet.queue()
        fleet.until(lambda: errands.show(fleet.room, job)["state"] == "done", "imported", 120)
        fleet.until(lambda: fleet.state(number) == "done", "sent")
        shown = json.loads(officer.say("jobs", "show", str(job), "--json").stdout)
        assert (shown["result"]["new"], shown["result"]["rejected"]) == (3000, 1)
        assert rows(fleet.room, "SELECT count(*) AS n FROM imports WHERE state = 'done'") == [
            {"n": 2}
        ]
        said = officer.say("export", "log", "--out", str(tmp_path / "log.csv"), "--json")
        (job,) = json.loads(said.stdout)["jobs"]
        fleet.until(lambda: errands.show(fleet.room, job)["state"] == "done", "exported", 120)
        assert officer.say("jobs", "fetch", str(job)).returncode == 0
        with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
            read = list(csv.DictReader(file))
        assert [row["delivery"] for row in read] == [row["delivery"] for row in log(fleet.room)]
        assert "exported" not in officer.say("jobs", "ls").stderr


def test_without_a_worker_it_is_done_at_once(tmp_path: Path) -> None:
    """SQLite, or nobody there: the same file, here and now."""
    with Press(tmp_path / "room", "sqlite:///mailer.db") as press:

        def say(*words: str) -> subprocess.CompletedProcess[str]:
            head = [sys.executable, "-m", "mailer", "--config", str(press.config.path)]
            return subprocess.run(
                [*head, *words], capture_output=True, text=True, check=False, env={**os.environ}
            )

        path = a_list(tmp_path, "press", 30)
        said = say("lists", "import", str(path), "--later", "--json")
        assert json.loads(said.stdout)["new"] == 30
        assert "No worker takes jobs" in said.stderr
        said = say("export", "journalists", "--json")
        found = json.loads(said.stdout)
        assert (found["rows"], found["job"]) == (30, None)
        assert is_private(Path(found["file"]))
        assert Path(found["file"]).parent == press.config.home / "exports"
        assert say("export", "journalists", "--state", "accepted").returncode == 2
        assert say("export", "odd").returncode == 2
        assert say("jobs", "ls").stdout == "Nothing was handed over.\n"
        assert say("jobs", "show", "3").returncode == 5
