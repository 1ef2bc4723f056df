"""The places of a rate, on both databases."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from mailer.clock import SECOND
from mailer.store import Store, paces
from mailer.store.paces import Queue

RATES = st.sampled_from((0.1, 0.5, 1.0, 3.0, 50.0, 999.0))


@given(RATES, st.integers(0, 10 * SECOND), st.integers(1, 3000))
def test_places_lie_one_step_apart_within_the_horizon(rate: float, ahead: int, wanted: int) -> None:
    """H12: never in the past, never closer than the rate; as many as there is room for."""
    now = 1_000_000 * SECOND
    queue = Queue("route:main", rate, now, now + ahead, now)
    room = queue.room(SECOND)
    places = [queue.take() for _ in range(min(room, wanted))]
    assert all(now <= place < now + SECOND for place in places)
    assert all(b - a == queue.step for a, b in itertools.pairwise(places))
    if not ahead:
        assert room >= 1, "a free rate always has a place"
    if len(places) == room:
        assert queue.room(SECOND) == 0


@given(RATES, st.lists(st.booleans(), max_size=60))
def test_what_is_put_off_is_set_apart_and_behind_every_place(rate: float, acts: list[bool]) -> None:
    """H12: the backlog only grows."""
    now = 1_000_000 * SECOND
    queue = Queue("to:paper", rate, now, now, now)
    last = now
    for takes in acts:
        if takes:
            queue.take()
        else:
            later = queue.later()
            assert later >= last + queue.step and later >= queue.next_at
            last = later


def test_a_queue_goes_on_where_the_last_sender_left_it(store: Store) -> None:
    """H12: the store is the one owner; what nobody used is gone."""
    with store.write() as tx:
        queue = paces.queue(tx, "route:main", 10)
        first = [queue.take() for _ in range(5)]
        queue.keep(tx)
    with store.write() as tx:
        assert paces.queue(tx, "route:main", 10).next_at == first[-1] + queue.step
        tx.execute("UPDATE paces SET next_at = 5", {})
    with store.write() as tx:
        queue = paces.queue(tx, "route:main", 10)
        assert queue.next_at == queue.now


def test_a_rest_is_prolonged_and_never_shortened(store: Store) -> None:
    """G11."""
    with store.write() as tx:
        now = tx.now()
        paces.rest(tx, "gmail", now + 60 * SECOND)
        paces.rest(tx, "gmail", now + 30 * SECOND)
        paces.rest(tx, "gone", now - SECOND)
        assert paces.rests(tx) == {"gmail": now + 60 * SECOND}


def test_a_days_messages_are_counted_and_given_back(store: Store) -> None:
    """A31."""
    with store.write() as tx:
        assert paces.used(tx, "main", "2026-03-03") == 0
        paces.use(tx, "main", "2026-03-03", 7)
        paces.use(tx, "main", "2026-03-03", -2)
        assert paces.used(tx, "main", "2026-03-03") == 5
        assert paces.used(tx, "main", "2026-03-04") == 0


def test_an_officers_stop_waits_for_no_sender(store: Store) -> None:
    """H15: while a sender holds a queue, a change can be said, and it is told until it is seen."""
    with store.write() as tx:
        paces.queue(tx, "route:main", 10)
        paces.rest(tx, "gmail", tx.now() + 60 * SECOND)
    if store.dialect == "postgresql":
        with store.write() as tx, store.write() as other:
            paces.queue(tx, "route:main", 10).keep(tx)
            paces.changed(other)
    else:  # one writer at a time in any case
        with store.write() as tx:
            paces.changed(tx)
    with store.write() as tx:
        at = paces.changed_at(tx)
        assert at is not None and paces.held_up(tx, SECOND) == ["route:main"]
        paces.seen(tx, at - 1)
        assert paces.held_up(tx, SECOND) == ["route:main"]
        paces.seen(tx, at)
        assert paces.changed_at(tx) is None and paces.held_up(tx, SECOND) == []
