"""The sweep under a clock that only tests move, on both databases, and the real scheduler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers import base as apscheduler_base
from mailer.clock import SECOND, Clock, ManualClock, SystemClock, from_datetime
from mailer.distribution import control, schedule
from mailer.distribution.context import Newsroom
from mailer.distribution.log import log, status, status_of
from mailer.distribution.schedule import Scheduler, Sweeper
from mailer.store import distributions, ledger
from mailer.store.core import raise_control
from mailer.store.states import DeliveryState

from tests.distribution.room import make_config, open_room
from tests.store.seed import address_hash, seed_distribution, seed_journalists

NOON = from_datetime(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))
GRACE = 15 * 60

OpenRoom = Callable[[Clock], Newsroom]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def open_with(tmp_path: Path, store_url: str) -> Iterator[OpenRoom]:
    """Opens the same newsroom, with eight journalists, under a clock."""
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config) as first:
        seed_journalists(first.store, 8)
    opened: list[Newsroom] = []

    def open_it(clock: Clock) -> Newsroom:
        opened.append(open_room(config, clock))
        return opened[-1]

    yield open_it
    for room in opened:
        room.close()


@pytest.fixture
def room(open_with: OpenRoom, clock: ManualClock) -> Newsroom:
    return open_with(clock)


def plan(room: Newsroom, due_in: float, **options: Any) -> int:
    """A distribution to journalists 1 to 4, due so many seconds from noon."""
    due = NOON + round(due_in * SECOND)
    if (embargo := options.pop("embargo_in", None)) is not None:
        options["embargo_until"] = NOON + round(embargo * SECOND)
    return seed_distribution(room.store, options.pop("who", (1, 2, 3, 4)), due_at=due, **options)


def states(room: Newsroom, number: int) -> tuple[str, list[str]]:
    """The state of a distribution, and of its waves."""
    found = status_of(room, number)
    return found["state"], [wave["state"] for wave in found["waves"]]


def deliver(room: Newsroom, number: int, limit: int = 100) -> int:
    """What a sender does: claim what the gates let through, and the server takes it."""
    with room.store.write() as tx:
        worker = ledger.add_worker(
            tx,
            host="h",
            name="s",
            pid=1,
            boot_id="b",
            journal="/none",
            config_digest=room.config.digest(),
        )
        sent = 0
        for wave in ledger.open_waves(tx):
            if wave.distribution == number:
                claimed = ledger.claim(tx, worker, wave, limit)
                ledger.record(tx, worker, [answer(tx.now(), each) for each in claimed])
                sent += len(claimed)
        ledger.worker_left(tx, worker)
    return sent


def answer(
    now: int, claimed: ledger.Claimed, state: DeliveryState = DeliveryState.ACCEPTED
) -> ledger.Result:
    return ledger.Result(
        distribution=claimed.distribution,
        delivery=claimed.id,
        number=claimed.attempts + 1,
        state=state,
        at=now,
        sent_date=now,
        route="default",
        phase="DOT",
        code=250 if state is DeliveryState.ACCEPTED else 451,
        enhanced="2.0.0",
        reply="taken",
        verdict="accepted",
        reason=None,
        due_at=now,
        sha256=b"x" * 32,
    )


def test_a_wave_opens_exactly_when_it_is_due(room: Newsroom, clock: ManualClock) -> None:
    """H3: not a microsecond before, and nothing of it can be claimed before."""
    number = plan(room, 60)
    sweeper = Sweeper(room)
    clock.advance(59.999999)
    swept = sweeper.sweep()
    assert (swept.busy, swept.next_due) == (False, NOON + 60 * SECOND)
    assert swept.next_in == pytest.approx(0.000001)
    assert states(room, number) == ("scheduled", ["scheduled"])
    assert deliver(room, number) == 0
    clock.advance(0.000001)
    swept = sweeper.sweep()
    assert (swept.busy, swept.next_due, swept.next_in) == (True, None, None)
    assert states(room, number) == ("sending", ["sending"])
    assert deliver(room, number) == 4
    assert not sweeper.sweep().busy
    assert states(room, number) == ("done", ["done"])


@pytest.mark.parametrize(
    ("late", "seconds", "expected"),
    [
        ("hold", GRACE, ("sending", ["sending"])),
        ("hold", GRACE + 0.000001, ("waiting", ["waiting"])),
        ("send", 30 * 86400, ("sending", ["sending"])),
        ("drop", GRACE, ("sending", ["sending"])),
        ("drop", GRACE + 1, ("done", ["dropped"])),
    ],
)
def test_what_is_late_is_held_sent_or_dropped(
    room: Newsroom,
    clock: ManualClock,
    late: str,
    seconds: float,
    expected: tuple[str, list[str]],
) -> None:
    """H3, decision 2: as its distribution says, once it is later than `late_grace`."""
    number = plan(room, 0, late=late)
    clock.advance(seconds)
    Sweeper(room).sweep()
    assert states(room, number) == expected
    if expected[1] == ["dropped"]:
        assert {(row["state"], row["reason"]) for row in log(room)} == {("cancelled", "too late")}
    if expected[0] == "waiting":
        assert deliver(room, number) == 0
        [decision] = status(room).decisions
        assert f"mailer resume {number}" in decision and "later than late_grace" in decision


@pytest.mark.parametrize("act", ["resume", "cancel"])
def test_what_is_waiting_goes_or_is_dropped_by_an_officers_word(
    room: Newsroom, clock: ManualClock, act: str
) -> None:
    """H3, contract: `resume` lets it go, `cancel` drops it; the sweep alone does neither."""
    number = plan(room, 0, late="hold")
    clock.advance(3600)
    sweeper = Sweeper(room)
    sweeper.sweep()
    clock.advance(3600)
    assert not sweeper.sweep().busy
    assert states(room, number) == ("waiting", ["waiting"])
    [decision] = status(room).decisions
    assert "(later than late_grace); 4 journalists have not had it yet: `mailer" in decision
    assert status_of(room, number)["decisions"] == [decision]
    assert status_of(room, number)["open"] == 4
    if act == "resume":
        assert control.resume(room, number, "anna") == "sending"
        assert sweeper.sweep().busy
        assert deliver(room, number) == 4
    else:
        assert control.cancel(room, number, "anna").cancelled == 4
        assert not sweeper.sweep().busy
        assert states(room, number) == ("cancelled", ["cancelled"])


@pytest.mark.parametrize("late", ["hold", "drop", "send"])
def test_an_embargo_lift_runs_however_late(room: Newsroom, clock: ManualClock, late: str) -> None:
    """H3, D22: ten days of a machine that was off do not stop it; before, nothing leaves."""
    number = plan(room, 60, late=late, embargo_in=60)
    clock.advance(59)
    sweeper = Sweeper(room)
    assert not sweeper.sweep().busy and deliver(room, number) == 0
    clock.advance(10 * 86400)
    assert Sweeper(room).sweep().busy
    assert deliver(room, number) == 4


def test_an_embargo_keeps_the_door_shut_even_when_a_wave_was_opened(
    room: Newsroom, clock: ManualClock
) -> None:
    """D4, H14: the gate looks at the clock itself; a run has nothing to wait for."""
    number = plan(room, 0, embargo_in=7200)
    sweeper = Sweeper(room)
    assert not sweeper.sweep().busy
    assert states(room, number) == ("sending", ["sending"])
    assert deliver(room, number) == 0
    clock.advance(7200)
    assert sweeper.sweep().busy and deliver(room, number) == 4


def test_a_distribution_is_done_only_after_its_last_wave(
    room: Newsroom, clock: ManualClock
) -> None:
    """Design section 2: waves finish one by one."""
    number = plan(room, 0, who=(1, 2))
    with room.store.write() as tx:
        tx.run(
            "distributions.insert_wave",
            distribution=number,
            id=2,
            due_at=NOON + 3600 * SECOND,
            zone="UTC",
            recipients=0,
            language="",
            awaits="",
        )
        distributions.insert_deliveries(
            tx, number, [distributions.PlannedDelivery((number << 32) + 9, 3, 1, 2)], NOON
        )
    sweeper = Sweeper(room)
    sweeper.sweep()
    assert deliver(room, number) == 2
    assert sweeper.sweep().next_due == NOON + 3600 * SECOND
    assert states(room, number) == ("sending", ["done", "scheduled"])
    clock.advance(3600)
    sweeper.sweep()
    assert deliver(room, number) == 1
    sweeper.sweep()
    assert states(room, number) == ("done", ["done", "done"])
    assert status_of(room, number)["finished_at"] == "2026-03-03T13:00:00.000Z"


def test_what_is_answered_in_the_middle_of_a_sweep_is_finished_by_the_next(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contract: `run --once` leaves once a sweep finds nothing to do, and nothing unfinished."""
    number = plan(room, 0)
    sweeper = Sweeper(room)
    sweeper.sweep()
    finish = Sweeper._finish

    def finish_too_early(self: Sweeper) -> None:
        finish(self)
        assert deliver(room, number) == 4

    with monkeypatch.context() as patch:
        patch.setattr(Sweeper, "_finish", finish_too_early)
        assert sweeper.sweep().busy
    assert states(room, number) == ("sending", ["sending"])
    assert not sweeper.sweep().busy
    assert states(room, number) == ("done", ["done"])


@pytest.mark.parametrize("away", [GRACE - 10, GRACE + 10])
def test_sending_interrupted_for_long_waits_at_the_next_start(
    room: Newsroom, clock: ManualClock, away: float
) -> None:
    """Decision 14: within `late_grace` it simply goes on."""
    number = plan(room, 0, late="send")
    Sweeper(room).sweep()
    assert deliver(room, number, 2) == 2
    clock.advance(away)
    swept = Sweeper(room).sweep()
    if away < GRACE:
        assert swept.busy and deliver(room, number) == 2
        return
    assert not swept.busy and deliver(room, number) == 0
    assert states(room, number) == ("waiting", ["waiting"])
    assert "interrupted" in status_of(room, number)["reason"]
    control.resume(room, number, "anna")
    assert Sweeper(room).sweep().busy and deliver(room, number) == 2


def test_a_sweeper_that_never_stopped_holds_nothing(room: Newsroom, clock: ManualClock) -> None:
    """Decision 14: while somebody looks after it, a slow wave may take hours."""
    number = plan(room, 0)
    sweeper = Sweeper(room)
    for _ in range(8):
        assert sweeper.sweep().busy
        clock.advance(300)
    assert Sweeper(room).sweep().busy
    assert states(room, number) == ("sending", ["sending"])


def test_what_another_process_queued_is_found(
    open_with: OpenRoom, room: Newsroom, clock: ManualClock
) -> None:
    """Decision 2, H5: rows are the truth; two sweepers open a wave once."""
    sweeper = Sweeper(room)
    assert sweeper.sweep().next_due is None
    number = plan(open_with(clock), 30)
    assert sweeper.sweep().next_due == NOON + 30 * SECOND
    clock.advance(30)
    other = Sweeper(open_with(clock))
    assert sweeper.sweep().busy and other.sweep().busy
    with room.store.read() as tx:
        kinds = [
            row["kind"]
            for row in tx.rows("SELECT kind FROM events WHERE distribution = :n", {"n": number})
        ]
    assert kinds.count("wave_open") == 1


def test_people_fall_out_between_queue_and_send(room: Newsroom, clock: ManualClock) -> None:
    """F10, H14: each with his reason; the others get it."""
    number = plan(room, 60)
    sweeper = Sweeper(room)
    sweeper.sweep()
    with room.store.write() as tx:
        tx.copy(
            "suppressions",
            ["id", "hash", "hash_version", "scope", "reason", "evidence", "actor", "created_at"],
            [
                (1, address_hash(1), 1, "all", "asked", "{}", "anna", NOON),
                (2, address_hash(2), 1, "list:2", "asked", "{}", "anna", NOON),
                (3, address_hash(3), 1, "list:1", "asked", "{}", "anna", NOON),
            ],
        )
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id IN (1, 4)", {})
        raise_control(tx)
    sweeper.sweep()
    found = {row["email"]: (row["state"], row["reason"]) for row in log(room)}
    assert found == {
        "j1@example.com": ("suppressed", "do not contact"),
        "j2@example.com": ("queued", None),
        "j3@example.com": ("suppressed", "do not contact"),
        "j4@example.com": ("skipped", "on hold"),
    }
    clock.advance(60)
    sweeper.sweep()
    assert deliver(room, number) == 1
    sweeper.sweep()
    assert states(room, number)[0] == "done"


def test_a_clock_set_back_sends_nothing_twice(room: Newsroom, clock: ManualClock) -> None:
    """H4: neither what is done nor what is under way."""
    done, under_way = plan(room, 0, who=(1, 2)), plan(room, 0, who=(3, 4))
    sweeper = Sweeper(room)
    sweeper.sweep()
    assert deliver(room, done) == 2 and deliver(room, under_way, 1) == 1
    sweeper.sweep()
    clock.advance(-86400)
    for each in (sweeper, Sweeper(room)):
        each.sweep()
        assert deliver(room, done) == 0 and deliver(room, under_way) == 0
    clock.advance(86400)
    sweeper.sweep()
    assert deliver(room, done) == 0 and deliver(room, under_way) == 1


def test_the_29th_of_february_is_a_day(open_with: OpenRoom) -> None:
    """H4."""
    due = from_datetime(datetime(2028, 2, 29, 9, 0, tzinfo=UTC))
    clock = ManualClock(due - SECOND)
    room = open_with(clock)
    number = seed_distribution(room.store, [1], due_at=due)
    assert not Sweeper(room).sweep().busy
    assert status(room).next_due == "2028-02-29T09:00:00.000Z"
    clock.advance(1)
    assert Sweeper(room).sweep().busy
    assert states(room, number)[0] == "sending"


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_a_pause_between_the_look_and_the_opening_is_not_undone(
    room: Newsroom, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """H15: the sweep read that the wave is due, then the officer was quicker."""
    number = plan(room, 0)
    due_waves = distributions.due_waves

    def and_then_the_officer(tx: Any) -> Any:
        rows = due_waves(tx)
        threads = threading.Thread(target=lambda: getattr(control, act)(room, number, "anna"))
        threads.start()
        threads.join()
        return rows

    monkeypatch.setattr(distributions, "due_waves", and_then_the_officer)
    assert not Sweeper(room).sweep().busy
    monkeypatch.undo()
    expected = ("paused", ["scheduled"]) if act == "pause" else ("cancelled", ["cancelled"])
    assert states(room, number) == expected
    assert deliver(room, number) == 0


def test_what_is_deferred_after_a_cancel_is_cancelled_too(
    room: Newsroom, clock: ManualClock
) -> None:
    """H15: a temporary refusal that was on its way must not wait to retry for ever."""
    number = plan(room, 0)
    sweeper = Sweeper(room)
    sweeper.sweep()
    with room.store.write() as tx:
        worker = ledger.add_worker(
            tx,
            host="x",
            name="s",
            pid=1,
            boot_id="b",
            journal="/none",
            config_digest=room.config.digest(),
        )
        [wave] = ledger.open_waves(tx)
        claimed = ledger.claim(tx, worker, wave, 2)
    assert control.cancel(room, number, "anna", reason="wrong text").cancelled == 2
    with room.store.write() as tx:
        later = answer(tx.now(), claimed[0], DeliveryState.DEFERRED)
        ledger.record(tx, worker, [later, answer(tx.now(), claimed[1])])
    sweeper.sweep()
    assert status_of(room, number)["counts"] == {"cancelled": 3, "accepted": 1}
    assert {r["reason"] for r in log(room, state="cancelled")} == {"wrong text"}


def test_a_plan_that_nobody_finished_is_removed(room: Newsroom, clock: ManualClock) -> None:
    """H20: whole, also when it is larger than one step, and not only at a start."""
    number = plan(room, 3600)
    sweeper = Sweeper(room)
    sweeper.sweep()
    with room.store.write() as tx:
        distributions.insert(
            tx,
            distributions.NewDistribution(1, 1, "digest", 50, "hold", None, NOON, "UTC", {}),
            "anna",
        )
        base = (number + 1) << 32
        tx.copy(
            "deliveries",
            [
                *("distribution", "id", "journalist", "wave", "list", "kind", "state"),
                *("due_at", "queued_at", "attempts"),
            ],
            [(number + 1, base + n, n, 1, 1, "release", 0, NOON, NOON, 0) for n in range(1, 4501)],
        )
    clock.advance(1800)
    sweeper.sweep()
    assert remains(room, number + 1) == (1, 4500), "a plan still under way was removed"
    clock.advance(1860)
    sweeper.sweep()
    assert remains(room, number + 1) == (0, 0)
    assert remains(room, number) == (1, 4)


def remains(room: Newsroom, number: int) -> tuple[int, int]:
    """Rows of a distribution, and of its deliveries."""
    with room.store.read() as tx:
        one = tx.rows("SELECT count(*) AS n FROM distributions WHERE id = :id", {"id": number})
        many = tx.rows(
            "SELECT count(*) AS n FROM deliveries WHERE distribution = :id", {"id": number}
        )
    return one[0]["n"], many[0]["n"]


def test_a_plan_finished_at_last_is_never_removed(room: Newsroom) -> None:
    """H6: neither order of the two loses anybody."""
    number = plan(room, 0)
    with room.store.write() as tx:
        assert distributions.forget(tx, number, 100)
    assert remains(room, number) == (1, 4)


def test_the_scheduler_wakes_at_the_very_instant(open_with: OpenRoom) -> None:
    """H3, decision 2: not at the next sweep, five seconds later."""
    room = open_with(SystemClock())
    due = room.clock.now() + SECOND // 2
    number = seed_distribution(room.store, [1], due_at=due)
    opened: list[int] = []

    def report(event: dict[str, Any]) -> None:
        if event.get("busy") and not opened:
            opened.append(room.clock.now())

    scheduler = Scheduler(Sweeper(room), report, every=5.0)
    scheduler.start()
    until = time.monotonic() + 4
    while not opened and time.monotonic() < until:
        time.sleep(0.01)
    scheduler.stop()
    assert opened and 0 <= opened[0] - due < 0.5 * SECOND
    assert states(room, number)[0] == "sending"


class _SetBack(datetime):
    """The wall clock that APScheduler sees."""

    by = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> _SetBack:
        moment = datetime.now(tz) - cls.by
        return cls.fromtimestamp(moment.timestamp(), tz)


def test_a_clock_set_back_does_not_put_the_scheduler_to_sleep(
    open_with: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H4: the sweep goes on by the monotonic clock, and finds what becomes due."""
    monkeypatch.setattr(apscheduler_base, "datetime", _SetBack)
    monkeypatch.setattr(schedule, "datetime", _SetBack)
    monkeypatch.setattr(_SetBack, "by", timedelta())
    room = open_with(SystemClock())
    sweeps: list[bool] = []
    scheduler = Scheduler(Sweeper(room), lambda e: sweeps.append(e.get("busy", False)), every=0.1)
    scheduler.start()
    try:
        monkeypatch.setattr(_SetBack, "by", timedelta(hours=2))
        time.sleep(0.3)
        before = len(sweeps)
        seed_distribution(room.store, [1], due_at=room.clock.now())
        until = time.monotonic() + 3
        while not any(sweeps) and time.monotonic() < until:
            time.sleep(0.02)
        assert len(sweeps) > before and any(sweeps)
    finally:
        scheduler.stop()


def test_trouble_is_told_and_the_next_sweep_does_the_rest(
    open_with: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H20: no operator is needed once the store is back."""
    from mailer.errors import StoreUnavailable

    room = open_with(SystemClock())
    number = seed_distribution(room.store, [1], due_at=room.clock.now())
    sweeper = Sweeper(room)
    real, away = sweeper.sweep, [True, True]

    def sweep() -> Any:
        if away:
            away.pop()
            raise StoreUnavailable("the disk of the store is full; nothing was done.")
        return real()

    monkeypatch.setattr(sweeper, "sweep", sweep)
    events: list[dict[str, Any]] = []
    scheduler = Scheduler(sweeper, events.append, every=0.05)
    scheduler.start()
    until = time.monotonic() + 5
    while not any(e["event"] == "swept" for e in events) and time.monotonic() < until:
        time.sleep(0.02)
    scheduler.stop()
    assert [e["event"] for e in events[:3]] == ["trouble", "trouble", "swept"]
    assert states(room, number)[0] == "sending"
