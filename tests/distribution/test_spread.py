"""Spreading a batch over time: due one after the other, claimed only then, never finished early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution.instants import between
from mailer.distribution.log import log, status, status_of
from mailer.distribution.schedule import Sweeper
from mailer.errors import UsageError
from mailer.store import ledger
from mailer.store.ledger import OpenWave

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.test_schedule import NOON, deliver

MINUTE = 60 * SECOND


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    """Four people in Brussels and one in Tokyo."""
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        people = [f"b{n}@example.com" for n in range(1, 5)]
        press.people("brussels", [*people, ("t1@example.com", "Asia/Tokyo")])
        yield press


def sent_now(press: Press, number: int = 1) -> int:
    Sweeper(press.room).sweep()
    return deliver(press.room, number)


def test_each_delivery_of_a_spread_batch_is_due_in_its_turn(
    press: Press, clock: ManualClock
) -> None:
    """Issue, `--over`: evenly from the batch's time on, not one before its own; done at the end."""
    queued = press.queue("list:brussels", over="50m")
    assert [row["due_at"][11:16] for row in log(press.room)] == [
        *("12:00", "12:10", "12:20", "12:30", "12:40")
    ]
    assert (queued.first_at, queued.last_at) == (
        "2026-03-03T12:00:00.000Z",
        "2026-03-03T12:40:00.000Z",
    )
    sweeper = Sweeper(press.room)
    assert sweeper.sweep().busy and deliver(press.room, 1) == 1
    swept = sweeper.sweep()
    assert not swept.busy and swept.next_due == NOON + 10 * MINUTE
    assert swept.next_in is None, "senders find what is spread by themselves"
    assert status(press.room).next_due == "2026-03-03T12:10:00.000Z"
    clock.advance(10 * 60 - 0.000001)
    assert not sweeper.sweep().busy and deliver(press.room, 1) == 0
    clock.advance(0.000001)
    assert sweeper.sweep().busy and deliver(press.room, 1) == 1
    clock.advance(25 * 60)
    assert sweeper.sweep().busy and deliver(press.room, 1) == 2
    assert status_of(press.room, 1)["state"] == "sending"
    clock.advance(5 * 60)
    assert sweeper.sweep().busy and deliver(press.room, 1) == 1
    assert sweeper.sweep().next_due is None
    assert status_of(press.room, 1)["state"] == "done"


def test_every_zone_is_spread_by_itself(press: Press) -> None:
    """D22: each batch from its own time on."""
    queued = press.queue("list:brussels", at="2026-03-04T09:00", local_time=True, over="40m")
    due = {row["email"][:2]: row["due_at"][5:16] for row in log(press.room)}
    assert due == {
        "b1": "03-04T08:00",
        "b2": "03-04T08:10",
        "b3": "03-04T08:20",
        "b4": "03-04T08:30",
        "t1": "03-04T00:00",
    }
    assert queued.last_at == "2026-03-04T08:30:00.000Z"


def test_a_lift_reaches_all_at_once(press: Press, clock: ManualClock) -> None:
    """D22: --over is ignored with a warning; what is due after the embargo is spread."""
    queued = press.queue("list:brussels", embargo="2026-03-03T14:00", over="40m")
    [warning] = [w for w in queued.warnings if "--over" in w]
    assert "at once" in warning
    assert queued.first_at == queued.last_at == "2026-03-03T13:00:00.000Z"
    assert {row["due_at"] for row in log(press.room)} == {"2026-03-03T13:00:00.000Z"}
    later = press.queue(
        "list:brussels", embargo="2026-03-03T14:00", at="2026-03-03T14:30", over="40m"
    )
    assert not [w for w in later.warnings if "--over" in w]
    assert later.last_at == "2026-03-03T14:02:00.000Z"
    clock.advance(3600)
    assert sent_now(press) == 5


def test_an_embargo_moved_earlier_moves_the_deliveries(press: Press, clock: ManualClock) -> None:
    """D6: at a lift only the batch and the embargo hold anybody back."""
    press.queue("list:brussels", embargo="2026-03-03T18:00")
    clock.advance(60)
    with press.room.store.write() as tx:
        now = {"now": tx.now()}
        tx.execute("UPDATE distributions SET embargo_until = :now, due_at = :now", now)
        tx.execute("UPDATE waves SET due_at = :now", now)
    assert sent_now(press) == 5


def test_a_spread_batch_that_began_in_time_is_not_late(press: Press, clock: ManualClock) -> None:
    """H3: an hour in which nothing was due needs nobody; what lay due too long waits."""
    press.queue("list:brussels", over="5h")
    assert sent_now(press) == 1
    clock.advance(3600 + 14 * 60)  # the second is due since 14 minutes, nobody looked since
    assert sent_now(press) == 1
    clock.advance(3600 + 2 * 60)
    assert sent_now(press) == 0, "due since 16 minutes"
    assert status_of(press.room, 1)["state"] == "waiting"


def test_a_spread_batch_that_begins_late_is_held_as_any(press: Press, clock: ManualClock) -> None:
    """H3."""
    press.queue("list:brussels", over="5h")
    clock.advance(16 * 60)
    assert sent_now(press) == 0
    assert status_of(press.room, 1)["state"] == "waiting"


def test_a_mail_service_that_is_away_puts_off_only_what_is_due(
    press: Press, clock: ManualClock
) -> None:
    """Decision 5: what is due later keeps its time."""
    press.queue("list:brussels", over="50m")
    Sweeper(press.room).sweep()
    clock.advance(10 * 60)
    with press.room.store.write() as tx:
        wave = OpenWave(1, 1, "")
        due = tx.now() + 60 * MINUTE
        assert ledger.defer_wave(tx, wave, due, "mail service is away", 100) == 2
        assert ledger.open_waves(tx) == [], "nothing of it may be claimed now"
    clock.advance(10 * 60)
    assert sent_now(press) == 1


def test_resume_lets_go_what_came_due_meanwhile_and_no_more(
    press: Press, clock: ManualClock
) -> None:
    """H15: a pause does not move anybody's time."""
    from mailer.distribution import control

    press.queue("list:brussels", over="50m")
    assert sent_now(press) == 1
    control.pause(press.room, 1, "anna")
    clock.advance(20 * 60)
    assert sent_now(press) == 0
    control.resume(press.room, 1, "anna")
    assert sent_now(press) == 2


@pytest.mark.parametrize("over", ["", "soon", "40", "-5m", "2y"])
def test_a_spread_that_is_no_duration_is_wrong_usage(press: Press, over: str) -> None:
    """Contract: exit 2, nothing kept."""
    before = press.sizes()
    with pytest.raises(UsageError, match="is not a duration"):
        press.queue("list:brussels", over=over)
    assert press.sizes() == before


def test_a_run_sends_what_is_due_and_leaves(tmp_path: Path, store_url: str) -> None:
    """Contract, `run --once`: what is due later stays; the real senders keep to the times."""
    with (
        Recorder() as server,
        Press(tmp_path / "room", store_url, port=server.port) as press,
    ):
        press.people("brussels", [f"b{n}@example.com" for n in range(1, 5)])
        press.queue("list:brussels", over="10h")
        assert press.run().counts == {"accepted": 1}
        assert [got.rcpt_to for got in server.got] == ["b1@example.com"]
        assert press.run().counts == {}
        assert status_of(press.room, 1)["counts"] == {"queued": 3, "accepted": 1}
        again = press.queue("list:brussels", over="1s")
        press.run()
        states = [row["state"] for row in log(press.room, distribution=again.distribution)]
        assert states[0] == "accepted" and set(states) <= {"accepted", "queued"}


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-12-01T08:00:00.000Z", "2026-12-01T08:40:00.000Z",
         "first 2026-12-01 09:00, last about 09:40 Europe/Brussels"),
        ("2026-12-01T22:30:00.000Z", "2026-12-01T23:30:00.000Z",
         "first 2026-12-01 23:30, last about 2026-12-02 00:30 Europe/Brussels"),
        ("2026-12-01T08:00:00.000Z", "2026-12-01T08:00:59.000Z",
         "begins 2026-12-01 09:00 Europe/Brussels"),
    ],
)  # fmt: skip
def test_the_forecast_is_told_with_its_zone(first: str, last: str, told: str) -> None:
    """Look: times always carry their zone."""
    assert between(first, last, "Europe/Brussels") == told
