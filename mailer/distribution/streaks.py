"""Bad answers in a row in one sender: what they say beyond the deliveries that got them.

Only a first measure, before the store's history is asked (`consequences`): it keeps what is in hand
from running into the same wall.
"""

from __future__ import annotations

from collections import Counter

from mailer.distribution.consequences import IN_A_ROW

OF_A_DESTINATION = 5
"""Deferrals of one destination group in a row that mean a pause for all of it (G11)."""


class Streaks:
    """Counts by distribution (its number) and by destination group; an accepted message ends its
    own distribution's and its own group's."""

    def __init__(self) -> None:
        self._refused: Counter[int] = Counter()
        self._deferred: Counter[str] = Counter()

    def accepted(self, distribution: int, group: str) -> None:
        """A message was taken."""
        if self._refused:
            self._refused.pop(distribution, None)
        if self._deferred:
            self._deferred.pop(group, None)

    def refused(self, distribution: int) -> bool:
        """A message was refused for what it is; whether perhaps everybody's will be (G21)."""
        self._refused[distribution] += 1
        return self._refused[distribution] >= IN_A_ROW

    def deferred(self, group: str, *, asked: bool) -> bool:
        """A destination put a message off; whether all of its group should wait, which begins
        anew with that. `asked`: it said so itself."""
        self._deferred[group] += 1
        if not asked and self._deferred[group] < OF_A_DESTINATION:
            return False
        del self._deferred[group]
        return True
