"""Clocks: one that follows another (H4)."""

from __future__ import annotations

from mailer.clock import SECOND, FollowingClock, ManualClock


def test_what_follows_another_clock_is_not_moved_by_its_own() -> None:
    """However far off its own is, and however that is set meanwhile."""
    own = ManualClock(1_000 * SECOND)
    clock = FollowingClock(own)
    assert clock.now() == own.now(), "nothing was heard yet"
    clock.hear(5_000 * SECOND, own.monotonic(), own.monotonic())
    assert clock.now() == 5_000 * SECOND
    own.advance(2.0)
    assert clock.now() == 5_002 * SECOND
    own._now += 300 * SECOND
    assert clock.now() == 5_002 * SECOND


def test_it_does_not_tremble() -> None:
    """A word that took long on its way says little, and changes nothing that agrees with it."""
    own = ManualClock(0)
    clock = FollowingClock(own)
    own.advance(10.0)
    clock.hear(100 * SECOND, 9.99, 10.0)
    first = clock.now()
    assert abs(first - 100 * SECOND) <= SECOND // 100
    clock.hear(100 * SECOND, 9.5, 10.5)
    assert clock.now() == first
    clock.hear(107 * SECOND, 9.99, 10.0)
    assert abs(clock.now() - 107 * SECOND) <= SECOND // 100, "the other clock was set"
