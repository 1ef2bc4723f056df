"""Time, from one place.

The whole program asks a `Clock` and never the operating system, so that tests decide what time
it is. Instants are integers: microseconds since 1970-01-01 UTC, as the store keeps them.
Durations are measured with `monotonic`, which does not jump when the wall clock is set (H4).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000_000
"""One second in the unit of all instants."""


class Clock(Protocol):
    """What the program may know about time."""

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FollowingClock:
    """Another clock's time, carried on between two words of it by a clock that nobody sets.

    Until it has heard anything it is its own clock.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._offset: int | None = None

    def hear(self, now: int, after: float, before: float) -> None:
        """The other clock showed `now` between these two readings of `monotonic`.

        What is known stays as long as it agrees with that, so that time does not tremble.
        """
        least, most = now - round(before * SECOND), now - round(after * SECOND)
        self._offset = least if self._offset is None else min(max(self._offset, least), most)

    def now(self) -> int:
        if self._offset is None:
            return self._own.now()
        return round(self._own.monotonic() * SECOND) + self._offset

    def monotonic(self) -> float:
        return self._own.monotonic()


class ManualClock:
    """A clock that moves only when told to; for tests and simulations."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        self._now += round(seconds * SECOND)
        self._monotonic += seconds


def to_datetime(instant: int) -> datetime:
    """The instant as an aware UTC datetime."""
    return datetime.fromtimestamp(instant // SECOND, UTC).replace(microsecond=instant % SECOND)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970-01-01 UTC."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone is not an instant")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds
