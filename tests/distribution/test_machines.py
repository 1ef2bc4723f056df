"""Several machines that share a store on PostgreSQL (design decisions 4, 12, 17; H5, H7, H9)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from mailer.distribution.log import iso
from mailer.distribution.schedule import Sweeper
from mailer.store.core import fact, set_fact

from tests.distribution.fleet import Fleet
from tests.distribution.room import make_config
from tests.exactness import rescued

RESCUE_AFTER = 3.0
QUICK = f'rescue_after = "{RESCUE_AFTER:g}s"\n'
SLACK = 0.3
"""Seconds that a MAIL FROM may take from the sender's decision to the server's record."""

LIMITED = """
[[destinations]]
name = "limited"
domains = ["d1.example.com"]
connections = 3

[[destinations]]
name = "slow"
domains = ["d2.example.com"]
rate = "10"
"""


@pytest.mark.parametrize("first", ["worker", "run"])
def test_two_machines_share_a_distribution(tmp_path: Path, postgres_url: str, first: str) -> None:
    """H5, H9: each sends a part, nobody gets it twice, and it comes to its end."""
    # Slow enough that one alone is not done before the other is there, on a busy machine too.
    with Fleet(tmp_path, postgres_url, 300, delay=0.25) as fleet:
        number = fleet.queue()
        for name, words in (("a", first), ("b", "worker")):
            fleet.machine(name).start(words)
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 300}
        assert fleet.compare().exact
        assert set(fleet.sent_by()) == {"a", "b"}
        assert [machine.end() for machine in fleet.machines] == [0, 0]
        assert fleet.press.rows("SELECT count(*) AS n FROM workers WHERE left_at IS NULL") == [(0,)]
        assert fleet.press.rows("SELECT count(*) AS n FROM procrastinate_workers") == [(0,)]


def test_a_machine_that_dies_is_rescued_by_another(tmp_path: Path, postgres_url: str) -> None:
    """H7, H8: what the dead one had claimed is not certain, the rest is sent, nothing twice."""
    with Fleet(tmp_path, postgres_url, 800, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        dying, other = fleet.machine("a"), fleet.machine("b")
        dying.start()
        other.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        dying.kill()
        fleet.until(lambda: "in_doubt" in fleet.counts(number), "the rescue")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        counts = fleet.counts(number)
        assert counts.keys() == {"accepted", "in_doubt"}
        assert 0 < counts["in_doubt"] <= 100, "at most a second of sending"
        found = fleet.compare(rescued=rescued(fleet.room.store))
        assert found.exact, found
        assert other.end() == 0


def test_a_machine_that_ends_in_order_leaves_nothing_behind(
    tmp_path: Path, postgres_url: str
) -> None:
    """H7: SIGTERM awaits the answers, gives back the rest, and the other machine goes on."""
    with Fleet(tmp_path, postgres_url, 800, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        leaving, staying = fleet.machine("a"), fleet.machine("b")
        leaving.start()
        staying.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        assert leaving.end() == 0
        assert fleet.state(number) == "sending"
        assert fleet.claims_of("a") == 0
        assert fleet.tasks("doing") <= 2
        assert list((leaving.folder / "spool" / "journals").glob("*")) == []
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 800}
        assert fleet.compare().exact


@pytest.mark.parametrize("hangs", [False, True])
def test_without_a_lease_no_message_is_begun(
    tmp_path: Path, postgres_url: str, hangs: bool
) -> None:
    """Decision 4: for half of `rescue_after`, whether renewals fail or the database hangs."""
    with Fleet(tmp_path, postgres_url, 3000, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: fleet.sent_by(), "it sends")
        with fleet.no_renewals("a", hangs=hangs) as began:
            fleet.until(lambda: "could not tell the store for 1.5 s" in machine.said, "it says so")
            time.sleep(RESCUE_AFTER)
            silent_from = began + (RESCUE_AFTER / 2 + SLACK) * 1e6
            late = [at for at, _ in fleet.record().mails if at > silent_from]
            assert late == []
            if not hangs:
                assert "Nothing was heard of a for" in fleet.status_text()
        fleet.until(lambda: "sending goes on: a could not tell" in machine.said, "it goes on")
        # After that a busy machine may be late once more, and says so again.
        before = machine.said.partition("That is over")[0]
        assert before.count("could not tell the store") == 1, "once, and that it is over"
        sent = fleet.counts(number)["accepted"]
        fleet.until(lambda: fleet.counts(number)["accepted"] > sent, "it sends again")
        assert machine.end() == 0
        assert fleet.compare(finished=False).exact


def test_a_machine_that_was_cut_off_is_rescued_while_it_lives(
    tmp_path: Path, postgres_url: str
) -> None:
    """Decision 4: it had stopped before anybody took over, and begins anew when it is back."""
    with Fleet(tmp_path, postgres_url, 1500, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        lost, other = fleet.machine("a"), fleet.machine("b")
        lost.start()
        other.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        with fleet.no_renewals("a"):
            fleet.cut_off("a")
            fleet.until(lambda: "took this sender for dead" in lost.said, "the rescue")
            fleet.until(lambda: rescued(fleet.room.store), "it is in the history")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number).keys() <= {"accepted", "in_doubt"}
        assert fleet.compare(rescued=rescued(fleet.room.store)).exact
        assert [machine.end() for machine in fleet.machines] == [0, 0]


def test_a_machine_whose_clock_is_off_claims_nothing(tmp_path: Path, postgres_url: str) -> None:
    """H4: more than two seconds; it says so, and goes on when the clock is right."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        number = fleet.queue()
        machine = fleet.machine("a")
        machine.turn_clock(30)
        machine.start()
        fleet.until(lambda: "its clock is 30 s ahead of the database" in machine.said, "it says so")
        fleet.until(lambda: "its clock is 30 s" in fleet.status_text(), "status says so")
        code, words = machine.doctor()
        assert code == 1 and "its clock is 30 s ahead" in words
        assert fleet.record().mails == []
        machine.turn_clock(0)
        fleet.until(lambda: "sending goes on: a claims nothing" in machine.said, "it goes on")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert machine.said.count("its clock is 30 s") == 2, "once, and that it is over"
        code, words = machine.doctor()
        assert code == 0 and "a fits (no other machine sends now)" in words
        assert fleet.compare().exact


def test_machines_with_different_configurations_claim_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    """Decision 17: neither, also while one has nothing to do, until they are alike."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        one, other = fleet.machine("a"), fleet.machine("b")
        one.start()
        fleet.until(lambda: fleet.seen("a"), "the first is there")
        other.start(MAILER_SENDING__GIVE_UP_AFTER="3d")
        for machine, of in ((one, "b"), (other, "a")):
            fleet.until(
                lambda m=machine, o=of: f"its configuration and that of {o} differ" in m.said,
                "each says so",
            )
        number = fleet.queue()
        assert "its configuration and that of b differ" in fleet.status_text()
        code, words = one.doctor()
        assert code == 1 and "that of b differ" in words
        time.sleep(2.5)
        assert fleet.record().mails == []
        assert other.end() == 0
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 20}
        assert "sending goes on: a claims nothing" in one.said


@pytest.mark.parametrize("version", [1, 999])
def test_another_schema_than_the_stores_claims_nothing(
    tmp_path: Path, postgres_url: str, version: int
) -> None:
    """Decision 11: older or newer, found at the start and while it runs."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: fleet.takers(), "its sender is there")
        with fleet.schema(version):
            words = f"he store has schema {version}"
            fleet.until(lambda: words in machine.said, "it says so while it runs")
            number = fleet.queue()
            late = fleet.machine("b")
            late.start()
            fleet.until(lambda: words in late.said, "it says so at its start")
            assert words in late.doctor()[1]
            assert words in late.say("status").stderr
            time.sleep(2)
            assert fleet.record().mails == [] and late.process and late.process.poll() is None
        fleet.until(lambda: fleet.state(number) == "done", "done")
        fleet.until(lambda: fleet.seen("b"), "the other one came as well")
        assert late.said.count(words) == 1
        assert fleet.compare().exact


def test_without_its_job_tables_a_worker_waits(tmp_path: Path, postgres_url: str) -> None:
    """Decision 11: those of another version are not touched; `run` and `serve` need none."""
    with Fleet(tmp_path, postgres_url, 5, sending=QUICK) as fleet:
        number = fleet.queue()
        with fleet.room.store.write() as tx:
            version = fact(tx, "procrastinate") or ""
            set_fact(tx, "procrastinate", "00")
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: "job tables of the store are older" in machine.said, "it says so")
        assert "job tables of the store are older" in machine.doctor()[1]
        fleet.until(lambda: fleet.state(number) == "sending", "it is due")
        time.sleep(2)
        assert fleet.record().mails == []
        assert machine.said.count("job tables") == 1
        with fleet.room.store.write() as tx:
            set_fact(tx, "procrastinate", version)
        fleet.until(lambda: fleet.state(number) == "done", "done")


def test_another_suppression_key_claims_nothing(tmp_path: Path, postgres_url: str) -> None:
    """Decision 8: nobody who said stop would be recognised."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        number = fleet.queue()
        machine = fleet.machine("a")
        key = machine.folder / "keys" / "suppression.key"
        right = key.read_text()
        key.write_text("00" * 32)
        machine.start()
        fleet.until(lambda: "the suppression key is not the one" in machine.said, "it says so")
        assert "the suppression key is not the one" in machine.doctor()[1]
        assert machine.say("status").returncode == 6
        time.sleep(4)
        assert machine.said.count("the suppression key is not the one") == 1
        assert fleet.record().mails == []
        key.write_text(right)
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.compare().exact


def test_a_database_that_restarts_stops_nobody_for_long(tmp_path: Path, postgres_url: str) -> None:
    """H20: whatever was connected to it, locks included, begins anew without an operator."""
    with Fleet(tmp_path, postgres_url, 1000, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        for name in ("a", "b"):
            fleet.machine(name).start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        for _ in range(3):
            fleet.disconnect_all()
            time.sleep(0.7)
        fleet.until(lambda: fleet.state(number) == "done", "done")
        counts = fleet.counts(number)
        assert counts == {"accepted": 1000}
        assert fleet.compare().exact
        assert [machine.end() for machine in fleet.machines] == [0, 0]


def test_two_schedulers_double_nothing_and_one_takes_over(
    tmp_path: Path, postgres_url: str
) -> None:
    """H5: one sweeps at a time; when it dies in the middle, the lock is free for the other."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        store = fleet.room.store
        with store.alone() as first, store.alone() as second:
            assert first and not second
        holder = fleet.hold_the_sweep()
        one, other = fleet.machine("a"), fleet.machine("b")
        one.start()
        other.start()
        fleet.until(lambda: fleet.seen("a") and fleet.seen("b"), "both sweep")
        number = fleet.queue()
        time.sleep(2)
        assert fleet.state(number) == "scheduled", "whoever holds the lock has not opened it"
        holder.kill()
        fleet.until(lambda: fleet.state(number) == "done", "done")
        events = fleet.press.rows(
            "SELECT kind, count(*) AS n FROM events WHERE kind LIKE 'wave_%' GROUP BY kind"
        )
        assert set(dict(events).values()) == {1}
        assert fleet.compare().exact


def test_limits_hold_over_all_machines(tmp_path: Path, postgres_url: str) -> None:
    """H12: a route's rate and a destination's connections are for all machines together."""
    rules = [{"verb": "DOT", "act": {"wait": 0.2}}]
    with Fleet(tmp_path, postgres_url, 350, sending=QUICK + LIMITED, rules=rules) as fleet:
        number = fleet.queue()
        for name in ("a", "b"):
            fleet.machine(name, MAILER_SENDING__PROCESSES="2").start()
        fleet.until(lambda: fleet.state(number) == "done", "done", 120)
        assert fleet.compare().exact
        assert set(fleet.sent_by()) == {"a", "b"}
        few = fleet.taken("d1.example.com")
        at_once = [sum(b <= begun < e for b, e in few) for begun, _ in few]
        assert len(few) == 50 and max(at_once) <= 3
        # Counted from the claim that took the first place, as that message itself may be late.
        slow = [begun for begun, _ in fleet.taken("d2.example.com")]
        since = fleet.first_claimed("d2.example.com")
        early = [at for place, at in enumerate(slow) if at < since + (place - 1) * 100_000]
        assert len(slow) == 50 and not early, "10 a second by both together"


def test_a_worker_serves_only_its_queues(tmp_path: Path, postgres_url: str) -> None:
    """H13: a machine kept free for what is urgent leaves the rest to others."""
    with Fleet(tmp_path, postgres_url, 20, sending=QUICK) as fleet:
        machine = fleet.machine("a")
        machine.start("worker", "--queues", "urgent,upkeep")
        fleet.until(lambda: fleet.seen("a"), "it is there")
        number = fleet.queue()
        fleet.until(lambda: fleet.state(number) == "sending", "it is due")
        time.sleep(2)
        assert fleet.record().mails == []
        soon = iso(fleet.room.clock.now() + 2_000_000)
        lift = fleet.queue(at=soon, embargo=soon)
        fleet.until(lambda: fleet.state(lift) == "done", "the lift")
        assert fleet.counts(number) == {"queued": 20}
        machine.end()
        assert machine.say("worker", "--queues", "urgent,nonsense").returncode == 2


def test_lost_and_doubled_tasks_do_no_harm(tmp_path: Path, postgres_url: str) -> None:
    """Decision 12: the ledger is the truth; the sweep makes again what is missing."""
    with Fleet(tmp_path, postgres_url, 400, sending=QUICK, delay=0.1) as fleet:
        first = fleet.queue()
        Sweeper(fleet.room).sweep()
        assert fleet.state(first) == "sending" and fleet.tasks() == 0, "nobody is there to wake"
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: fleet.state(first) == "done", "what was opened before is sent as well")
        number = fleet.queue()
        for _ in range(20):
            fleet.lose_tasks()
            fleet.double_tasks(number)
            time.sleep(0.1)
        fleet.until(lambda: fleet.state(number) == "done", "done")
        fleet.until(lambda: fleet.tasks() == 0, "no task is left over")
        assert fleet.counts(number) == {"accepted": 400}
        assert fleet.compare().exact


def test_sqlite_is_for_one_machine(tmp_path: Path) -> None:
    """Contract: exit code 3, in one sentence."""
    config = make_config(tmp_path / "room", port=1)
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "--config", str(config.path), "worker"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert (
        "they can share only a store on PostgreSQL. On one machine use `mailer run`" in done.stderr
    )
