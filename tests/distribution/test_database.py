"""What machines do while their database is gone, cut off or full, and what came of it.

Each test ends with the mail server's own record beside the ledger.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.clock import SECOND
from mailer.distribution.log import iso

from tests.cluster.line import Line
from tests.distribution.fleet import Fleet, Machine
from tests.exactness import rescued, rows
from tests.postgres import Postgres

RESCUE_AFTER = 3.0
QUICK = f'rescue_after = "{RESCUE_AFTER:g}s"\n'
SLACK = 0.3
"""Seconds that a MAIL FROM may take from the sender's decision to the server's record."""

OFF = 300
"""Seconds by which a clock is wrong."""

AWAY = "he store cannot be used now"
NO_LEASE = "could not tell the store for 1.5 s"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server that may be stopped: nobody else's."""
    # Not below pytest's own folder: it may be swept while the server runs.
    with (
        tempfile.TemporaryDirectory(prefix="mailer-pg-", ignore_cleanup_errors=True) as folder,
        Postgres(Path(folder) / "data") as server,
    ):
        yield server


def test_a_database_that_is_restarted_in_mid_send(tmp_path: Path, postgres: Postgres) -> None:
    """H5, H20: in order and as in a crash, machines say so, and go on by themselves."""
    url = postgres.database()
    with Fleet(tmp_path, url, 500, delay=0.05) as fleet:
        number = fleet.queue()
        machines = [fleet.machine(name) for name in ("a", "b")]
        for machine in machines:
            machine.start()
        for mode in ("fast", "immediate"):
            before = fleet.sent_by()
            fleet.until(lambda b=before: _more(b, fleet.sent_by()), "both send")
            postgres.stop(mode)
            try:
                fleet.until(lambda: any(AWAY in each.said for each in machines), "one says so")
                if mode == "fast":
                    asked = machines[0].say("status")
                    assert asked.returncode == 75 and AWAY in asked.stderr
                    assert "Traceback" not in asked.stderr
            finally:
                postgres.start()
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 500}
        assert fleet.compare().exact
        assert [machine.end() for machine in machines] == [0, 0]
        assert not any("Traceback" in machine.said for machine in machines)


def test_a_line_that_is_cut_and_one_that_dies_without_a_word(
    tmp_path: Path, postgres: Postgres
) -> None:
    """Decision 4, H20: one machine's connections are reset, from the other's nothing comes any
    more. Neither begins a message once its lease is old; when the lines are back both go on by
    themselves, and as nobody was there who could take them for dead, nothing is in doubt."""
    url = postgres.database()
    with (
        Line(postgres.socket) as told,
        Line(postgres.socket, notices=2.0) as untold,
        Fleet(tmp_path, url, 600, sending=QUICK, delay=0.05) as fleet,
    ):
        number = fleet.queue()
        machines = [
            fleet.machine("a", MAILER_STORE__URL=told.url(url)),
            fleet.machine("b", MAILER_STORE__URL=untold.url(url)),
        ]
        for machine in machines:
            machine.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        began = time.time_ns() // 1000
        told.cut()
        untold.swallow()
        fleet.until(lambda: all(NO_LEASE in each.said for each in machines), "both say so")
        fleet.until(lambda: AWAY in machines[0].said, "who is told says why")
        silent_from = began + (RESCUE_AFTER / 2 + SLACK) * 1e6
        assert [at for at, _ in fleet.record().mails if at > silent_from] == []
        told.mend()
        untold.mend()
        for machine in machines:
            fleet.until(lambda m=machine: _goes_on(m), f"{machine.name} goes on")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        gone = rescued(fleet.room.store)
        assert fleet.counts(number).keys() <= {"accepted", *(["in_doubt"] if gone else [])}
        assert fleet.compare(rescued=gone).exact
        assert [machine.end() for machine in machines] == [0, 0]


def test_a_machine_whose_line_died_without_a_word_is_rescued(
    tmp_path: Path, postgres: Postgres
) -> None:
    """Decision 4, H7: the other takes what it had claimed as not certain, once the database has
    missed it; it begins anew over a new connection when it reaches the database."""
    url = postgres.database()
    with (
        Line(postgres.socket, notices=1.0) as line,
        Fleet(tmp_path, url, 600, sending=QUICK, delay=0.1) as fleet,
    ):
        number = fleet.queue()
        lost = fleet.machine("a", MAILER_STORE__URL=line.url(url))
        other = fleet.machine("b")
        lost.start()
        other.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        line.swallow()
        fleet.until(lambda: NO_LEASE in lost.said, "it says that it stops")
        fleet.until(lambda: rescued(fleet.room.store), "the rescue")
        before = fleet.sent_by()["a"]
        line.mend()
        fleet.until(lambda: "took this sender for dead" in lost.said, "it learns of it")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.sent_by()["a"] >= before
        assert fleet.counts(number).keys() <= {"accepted", "in_doubt"}
        found = fleet.compare(rescued=rescued(fleet.room.store))
        assert found.exact, found
        assert [machine.end() for machine in fleet.machines] == [0, 0]


@pytest.mark.parametrize("off", [OFF, -OFF])
def test_whatever_is_waited_for_is_counted_by_the_databases_clock(
    tmp_path: Path, postgres_url: str, off: int
) -> None:
    """H4: a machine whose clock jumps while answers are awaited puts them off, and notes them, as
    if it had not; then it stands aside and says so."""
    later = {"verb": "RCPT", "act": {"wait": 1.0, "act": "451 4.3.0 not now"}}
    with Fleet(
        tmp_path, postgres_url, 20, sending='rescue_after = "12s"\n', rules=[later]
    ) as fleet:
        began = fleet.now()
        number = fleet.queue()
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: fleet.claims_of("a"), "it sends")
        machine.turn_clock(off)
        fleet.until(lambda: fleet.counts(number).get("deferred"), "an answer is recorded")
        which = "ahead of" if off > 0 else "behind"
        words = f"its clock is {OFF} s {which} the database server's"
        fleet.until(lambda: words in machine.said, "it says so")
        waiting = rows(fleet.room.store, "SELECT due_at FROM deliveries WHERE state = 2")
        attempts = rows(fleet.room.store, "SELECT at, sent_date FROM attempts")
        now = fleet.now()
        assert waiting and all(began < each["due_at"] < now + 2 * SECOND for each in waiting)
        for each in attempts:
            assert began < each["sent_date"] <= each["at"] < now
        fleet.server.obey([])
        machine.turn_clock(0)
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.compare().exact


@pytest.mark.parametrize("off", [OFF, -OFF])
def test_an_order_from_a_machine_with_a_wrong_clock_is_due_by_the_databases(
    tmp_path: Path, postgres_url: str, off: int
) -> None:
    """H4: `--at now` is now, `--over` spreads from now, an embargo holds to its end, and what was
    sent stands in `log --since` of a moment ago; another machine sends."""
    with Fleet(tmp_path, postgres_url, 40, sending=QUICK) as fleet:
        release = str(fleet.press.release)
        wrong, right = fleet.machine("a"), fleet.machine("b")
        wrong.turn_clock(off)
        right.start()
        began = fleet.now()
        embargo = iso(began + 5 * SECOND)
        assert embargo is not None

        def order(*words: str) -> int:
            done = wrong.say("queue", release, "--to", "list:all", "--json", *words)
            assert done.returncode == 0, done.stderr
            return int(json.loads(done.stdout)["distribution"])

        lift = order("--embargo", embargo)
        at_once, spread = order("--at", "now"), order("--at", "now", "--over", "2s")
        for number in (at_once, spread, lift):
            fleet.until(lambda n=number: fleet.state(n) == "done", "done")
        first = {
            row["distribution"]: row["first"]
            for row in rows(
                fleet.room.store,
                "SELECT distribution, min(at) AS first FROM attempts GROUP BY distribution",
            )
        }
        assert first[lift] >= began + 5 * SECOND, "not before the embargo ended"
        due = rows(fleet.room.store, "SELECT distribution, due_at FROM waves")
        for each in due:
            if each["distribution"] != lift:
                assert began < each["due_at"] < fleet.now()
        shown = wrong.say("log", str(lift), "--since", "200s", "--json")
        assert len(json.loads(shown.stdout)) == 40, "queued less than 200 s ago"
        assert fleet.compare().exact


def test_a_machine_whose_disk_is_full_claims_nothing(tmp_path: Path, postgres_url: str) -> None:
    """H20: it says so, the other one sends, and with room it takes its part again."""
    with Fleet(tmp_path, postgres_url, 300, sending=QUICK, delay=0.02) as fleet:
        full, other = fleet.machine("a"), fleet.machine("b")
        full.start()
        fleet.until(lambda: fleet.takers() and full.senders, "its sender is there")
        for pid in full.senders:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        number = fleet.queue()
        words = "the sender's journal cannot be written"
        fleet.until(lambda: words in full.said, "it says so")
        assert fleet.record().mails == [] and fleet.claims_of("a") == 0
        other.start()
        fleet.until(lambda: fleet.state(number) == "done", "the other one sends")
        for pid in full.senders:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        assert other.end() == 0
        again = fleet.queue()
        fleet.until(lambda: fleet.state(again) == "done", "with room it goes on")
        assert fleet.sent_by() == {"a": 300, "b": 300}
        assert fleet.compare().exact


def test_a_database_without_room_for_answers_doubles_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    """H7, H20: answers stay in the journals, nothing more is claimed, and with room they are
    recorded."""
    with Fleet(tmp_path, postgres_url, 400, sending=QUICK, delay=0.05) as fleet:
        number = fleet.queue()
        machines = [fleet.machine(name) for name in ("a", "b")]
        for machine in machines:
            machine.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        with fleet.no_room():
            fleet.until(lambda: all("No space left" in m.said for m in machines), "both say so")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 400}
        assert fleet.compare().exact
        assert [machine.end() for machine in machines] == [0, 0]


def _goes_on(machine: Machine) -> bool:
    """Whether it said that it does; if the other one was back much earlier, it begins anew."""
    mine = f"sending goes on: {machine.name} could not tell"
    return mine in machine.said or "took this sender for dead" in machine.said


def _more(before: dict[str, int], now: dict[str, int]) -> bool:
    """Whether both machines got further."""
    return all(now.get(name, 0) > before.get(name, 0) for name in ("a", "b"))
