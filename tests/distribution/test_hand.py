"""How much a sender takes in hand: little from a slow server, soon enough for a fast one."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from mailer.distribution.hand import MEASURED_OVER, Hand
from mailer.distribution.turns import LARGEST_CLAIM


def sending(rate: float, connections: int, seconds: float) -> Iterator[tuple[float, int]]:
    """A sender whose server takes `rate` messages a second: (instant, hand) of each claim.

    It claims when half of its hand was begun, and tells what was answered by then.
    """
    hand = Hand(0.0)
    now = 0.0
    while now < seconds:
        size = hand.size(connections)
        hand.claimed(now)
        yield now, size
        taken = max(1, size // 2)
        now += max(taken / rate, 0.002)  # a claim takes a moment itself
        hand.answered(taken, now)
        hand.left(size - taken, now, connections)


@given(st.floats(20, 50_000), st.integers(1, 64))
def test_a_hand_is_never_much_more_than_half_a_second(rate: float, connections: int) -> None:
    """Decision 5 of the design: what is in hand is at most about one second of sending."""
    for now, size in sending(rate, connections, 3.0):
        assert size <= LARGEST_CLAIM
        if now:
            assert size <= max(connections, 0.6 * rate, 2)


@given(st.floats(500, 50_000))
def test_a_fast_server_gets_a_full_hand_soon(rate: float) -> None:
    wanted = min(LARGEST_CLAIM, 0.1 * rate)
    soon = next(now for now, size in sending(rate, 4, 5.0) if size >= wanted)
    assert soon <= 0.12


def test_a_burst_is_no_rate() -> None:
    """What a few answers within a millisecond say changes nothing."""
    hand = Hand(0.0)
    hand.answered(8, 0.001)
    assert hand.rate == 0
    hand.answered(10, MEASURED_OVER + 0.001)
    assert 200 < hand.rate < 240


def test_the_rate_falls_with_the_server() -> None:
    hand = Hand(0.0)
    now = 0.0
    for rate, seconds in ((8000, 2), (100, 3)):
        for _ in range(seconds * 10):
            now += 0.1
            hand.answered(rate // 10, now)
        assert abs(hand.rate - rate) < 0.1 * rate
