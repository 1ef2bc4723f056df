"""Pause, resume and cancel: what may follow what, and the sentence where it may not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution import control
from mailer.distribution.context import Newsroom
from mailer.distribution.log import log, show, status, status_of
from mailer.distribution.schedule import Sweeper
from mailer.errors import NotFound, Refused
from mailer.store.core import control_version

from tests.distribution.room import make_config, open_room
from tests.distribution.test_schedule import GRACE, NOON, deliver, plan, states
from tests.store.seed import seed_journalists


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def room(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Newsroom]:
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config, clock) as room:
        seed_journalists(room.store, 8)
        yield room


def bring_to(room: Newsroom, clock: ManualClock, state: str) -> int:
    """A distribution in that state."""
    now = (clock.now() - NOON) / SECOND
    number = plan(room, now + (60 if state in ("scheduled", "paused") else 0))
    if state == "paused":
        control.pause(room, number, "anna")
    elif state in ("sending", "done"):
        Sweeper(room).sweep()
    elif state == "waiting":
        with room.store.write() as tx:
            tx.execute("UPDATE distributions SET late = 'hold' WHERE id = :n", {"n": number})
        clock.advance(2 * GRACE)
        Sweeper(room).sweep()
    elif state == "cancelled":
        control.cancel(room, number, "anna")
    if state == "done":
        deliver(room, number)
        Sweeper(room).sweep()
    assert states(room, number)[0] == state
    return number


STATES = ("scheduled", "sending", "waiting", "paused", "done", "cancelled")
MOVES = {
    "pause": {"scheduled": "paused", "sending": "paused", "waiting": "paused"},
    "resume": {"paused": "scheduled", "waiting": "sending"},
    "cancel": dict.fromkeys(("scheduled", "sending", "waiting", "paused"), "cancelled"),
}
PAST = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


@pytest.mark.parametrize("act", sorted(MOVES))
def test_every_move_is_made_or_refused_with_a_sentence(
    room: Newsroom, clock: ManualClock, act: str
) -> None:
    """Design section 2, H15: each act that is answered raises the control version."""
    for state in STATES:
        number = bring_to(room, clock, state)
        before = facts(room, number)
        expected = MOVES[act].get(state)
        if expected is None:
            sentence = rf"^distribution {number} is {state} and cannot be {PAST[act]}\.$"
            with pytest.raises(Refused, match=sentence):
                getattr(control, act)(room, number, "anna")
            assert facts(room, number) == before
            continue
        getattr(control, act)(room, number, "anna")
        after = facts(room, number)
        assert after[0] == expected
        assert after[1] > before[1], "senders would not look"
        assert after[2] > before[2], "nobody could see who did it"


def facts(room: Newsroom, number: int) -> tuple[str, int, int]:
    """State, control version, events of anna's."""
    with room.store.read() as tx:
        version = control_version(tx)
        mine = tx.rows("SELECT count(*) AS n FROM events WHERE actor = 'anna'", {})[0]["n"]
    return states(room, number)[0], version, mine


def test_an_unknown_distribution_is_not_found(room: Newsroom) -> None:
    """Contract: exit code 5."""
    for act, number in itertools.product(MOVES, (0, 99, 10**11)):
        with pytest.raises(NotFound, match=rf"there is no distribution {number}\."):
            getattr(control, act)(room, number, "anna")


def test_pause_before_the_start_keeps_it_from_starting(room: Newsroom, clock: ManualClock) -> None:
    """H15: also past its time; the officer's word then lets it go, however late."""
    number = plan(room, 60, late="hold")
    control.pause(room, number, "anna", reason="call the minister first")
    clock.advance(60 + 10 * GRACE)
    sweeper = Sweeper(room)
    assert not sweeper.sweep().busy
    assert states(room, number) == ("paused", ["scheduled"])
    assert status_of(room, number)["reason"] == "call the minister first"
    [decision] = status(room).decisions
    assert decision == (
        f"Distribution {number} is paused; 4 journalists have not had it yet: "
        f"`mailer resume {number}` goes on."
    )
    assert control.resume(room, number, "anna") == "sending"
    assert sweeper.sweep().busy and deliver(room, number) == 4


def test_resumed_in_time_it_leaves_at_its_time(room: Newsroom, clock: ManualClock) -> None:
    """H15."""
    number = plan(room, 60)
    control.pause(room, number, "anna")
    assert control.resume(room, number, "anna") == "scheduled"
    sweeper = Sweeper(room)
    assert not sweeper.sweep().busy and deliver(room, number) == 0
    clock.advance(60)
    assert sweeper.sweep().busy and deliver(room, number) == 4


def test_what_is_to_be_dropped_when_late_is_dropped_after_a_pause_too(
    room: Newsroom, clock: ManualClock
) -> None:
    """H3: resume does not overrule what was asked for when it was queued."""
    number = plan(room, 60, late="drop")
    control.pause(room, number, "anna")
    clock.advance(60 + 10 * GRACE)
    assert control.resume(room, number, "anna") == "scheduled"
    Sweeper(room).sweep()
    assert states(room, number) == ("done", ["dropped"])


def test_pause_in_the_middle_goes_on_with_the_rest(room: Newsroom, clock: ManualClock) -> None:
    """H15: once each."""
    number = plan(room, 0)
    sweeper = Sweeper(room)
    sweeper.sweep()
    assert deliver(room, number, 1) == 1
    control.pause(room, number, "anna")
    assert not sweeper.sweep().busy and deliver(room, number) == 0
    clock.advance(10 * GRACE)
    assert control.resume(room, number, "anna") == "sending"
    assert sweeper.sweep().busy and deliver(room, number) == 3
    sweeper.sweep()
    assert states(room, number) == ("done", ["done"])


def test_the_embargo_is_not_lifted_by_resume(room: Newsroom, clock: ManualClock) -> None:
    """D3, H14."""
    number = plan(room, 60, embargo_in=3600)
    control.pause(room, number, "anna")
    clock.advance(120)
    control.resume(room, number, "anna")
    assert not Sweeper(room).sweep().busy and deliver(room, number) == 0


def test_cancel_says_who_has_it_and_who_will_not(room: Newsroom, clock: ManualClock) -> None:
    """H15: counts, then by name; nothing of it moves any more."""
    number = plan(room, 0)
    sweeper = Sweeper(room)
    sweeper.sweep()
    assert deliver(room, number, 1) == 1
    with room.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 5 WHERE journalist = 2", {})
    stopped = control.cancel(room, number, "anna", reason="withdrawn by the board")
    assert (stopped.accepted, stopped.in_doubt, stopped.cancelled) == (1, 1, 2)
    assert [r["email"] for r in log(room, distribution=number, state="accepted")] == [
        "j1@example.com"
    ]
    rest = list(log(room, distribution=number, state="cancelled"))
    assert {r["reason"] for r in rest} == {"withdrawn by the board"}
    events = show(room, rest[0]["delivery"])["events"]
    assert {"event": "stopped", "actor": "anna"}.items() <= events[-1].items()
    sweeper.sweep()
    assert states(room, number) == ("cancelled", ["cancelled"])
    assert deliver(room, number) == 0
    assert status_of(room, number)["finished_at"] is not None


def test_a_waiting_distribution_lets_its_other_waves_go_when_resumed(
    room: Newsroom, clock: ManualClock
) -> None:
    """H3: one word is enough for all that came due meanwhile; what is not due stays."""
    number = plan(room, 0, late="hold")
    with room.store.write() as tx:
        for wave, due in ((2, 4 * GRACE), (3, 20 * GRACE)):
            tx.run(
                "distributions.insert_wave",
                distribution=number,
                id=wave,
                due_at=NOON + due * SECOND,
                zone="UTC",
                recipients=1,
                language="",
                awaits="",
            )
    clock.advance(2 * GRACE)
    sweeper = Sweeper(room)
    sweeper.sweep()
    clock.advance(10 * GRACE)
    sweeper.sweep()
    assert states(room, number) == ("waiting", ["waiting", "scheduled", "scheduled"])
    control.resume(room, number, "anna")
    assert states(room, number) == ("sending", ["sending", "sending", "scheduled"])
