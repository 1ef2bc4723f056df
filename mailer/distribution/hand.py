"""How many deliveries a sender takes in hand: what it sends in a quarter of a second.

With what is on the wire that stays below one second of sending, which is what a pause gives back
and a death leaves in doubt at most. The rate is measured; until it is known, and when it has grown,
the hand doubles each time half of it was gone at once.
"""

from __future__ import annotations

from mailer.distribution.turns import LARGEST_CLAIM

_SECONDS = 0.25
"""Of sending, that a hand holds."""

MEASURED_OVER = 0.08
"""Seconds of answers that make a measurement: they come in bursts, and what a few of them within a
millisecond say is no rate."""

_AT_ONCE = 0.1
"""Where half of a hand was gone within so many seconds, the whole was too small."""


class Hand:
    """The rate of one sender and the hand that follows from it; all instants are the loop's."""

    def __init__(self, now: float) -> None:
        self.rate = 0.0
        """Answers a second, 0 while it is unknown."""
        self._since = now
        self._answers = 0
        self._claimed_at = now
        self._burst = 0

    def size(self, connections: int) -> int:
        """How many deliveries to have in hand with so many connections allowed."""
        known = round(self.rate * _SECONDS) if self.rate else connections
        return min(LARGEST_CLAIM, max(1, known, self._burst))

    def claimed(self, now: float) -> None:
        """Some more were taken in hand."""
        self._claimed_at = now

    def left(self, waiting: int, now: float, connections: int) -> None:
        """So many are left that wait to be begun, and there is more to do."""
        size = self.size(connections)
        if waiting <= size // 2 and now - self._claimed_at < _AT_ONCE:
            self._burst = 2 * size

    def answered(self, count: int, now: float) -> None:
        """So many answers were read since the last call."""
        self._answers += count
        seconds = now - self._since
        if not self._answers or seconds < MEASURED_OVER:
            return
        found = self._answers / min(seconds, 1.0)
        if found > self.rate:
            self.rate += (found - self.rate) * (0.5 if self.rate else 1.0)
        else:
            self.rate += (found - self.rate) * max(min(1.0, seconds / 0.5), 0.2)
        self._answers, self._since, self._burst = 0, now, 0
