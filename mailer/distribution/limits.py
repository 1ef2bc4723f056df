"""What waits for a connection in one sender, and how many messages one destination gets at once.

A destination that asked for a pause, or whose limit is configured, must not hold up the others
(H12, H13): its messages stand aside while the rest goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from mailer.distribution.job import Job

_FORGOTTEN_AT = 20.0
"""Messages at once from which on a destination that had asked for a pause is trusted again."""


class Limit:
    """How many messages to one destination group may be under way at once in this sender.

    `most` is configured (0: no limit). After a pause it begins with one and grows by one for
    each full round that was taken (G11).
    """

    __slots__ = ("allowed", "in_flight", "most")

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.allowed = float(most or _FORGOTTEN_AT)
        self.in_flight = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.in_flight >= int(self.allowed)

    @property
    def is_needed(self) -> bool:
        """Whether it still holds anything back."""
        return bool(self.most) or self.allowed < _FORGOTTEN_AT

    def accepted(self) -> None:
        """The destination took one."""
        ceiling = float(self.most or _FORGOTTEN_AT)
        self.allowed = min(ceiling, self.allowed + 1 / self.allowed)

    def slow_down(self) -> None:
        """The destination asked for a pause: begin anew with one at a time."""
        self.allowed = 1.0


class Limits:
    """The limits of one sender; a group without one has no entry. `share`: senders per host."""

    def __init__(self, configured: Mapping[str, int], share: int) -> None:
        self._limits = {
            group: Limit(max(1, -(-connections // share)))
            for group, connections in configured.items()
            if connections
        }

    def get(self, group: str) -> Limit | None:
        """The group's limit, None when it has none."""
        return self._limits.get(group)

    def __bool__(self) -> bool:
        return bool(self._limits)

    def slow_down(self, group: str) -> None:
        """The group asked for a pause."""
        if group not in self._limits:
            self._limits[group] = Limit()
        self._limits[group].slow_down()

    def begun(self, group: str) -> None:
        """A message to the group is under way."""
        if limit := self._limits.get(group):
            limit.in_flight += 1

    def ended(self, group: str, *, accepted: bool) -> None:
        """A message to the group is under way no more."""
        if limit := self._limits.get(group):
            limit.in_flight = max(0, limit.in_flight - 1)
            if accepted:
                limit.accepted()
                if not limit.is_needed and not limit.in_flight:
                    del self._limits[group]

    def room(self, waiting: Mapping[str, int]) -> dict[str, int]:
        """For each limited group how many more are worth claiming, beside those `waiting`."""
        return {
            group: max(0, 2 * int(limit.allowed) - limit.in_flight - waiting.get(group, 0))
            for group, limit in self._limits.items()
        }


class Ready:
    """Claimed deliveries waiting for a connection, first come first served where nobody's limit
    is in the way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: deque[Job] = deque()
        self._held: dict[str, deque[Job]] = {}

    def __len__(self) -> int:
        return len(self._line) + sum(map(len, self._held.values()))

    def extend(self, jobs: Iterable[Job]) -> None:
        """More to do."""
        self._line.extend(jobs)

    def put_first(self, job: Job) -> None:
        """Back to the front: its connection was lost before anything came of it."""
        self._line.appendleft(job)

    def take(self, now: float) -> Job | None:
        """The next that may go at `now` (loop's seconds), or None; see `next_at`."""
        if self._held:
            for group, held in self._held.items():
                limit = self._limits.get(group)
                if limit is None or not limit.is_full:
                    job = held.popleft()
                    if not held:
                        del self._held[group]
                    return job
        line = self._line
        while line:
            if line[0].not_before > now:
                return None
            job = line.popleft()
            limit = self._limits.get(job.group)
            if limit is None or not limit.is_full:
                return job
            self._held.setdefault(job.group, deque()).append(job)
        return None

    def next_at(self) -> float | None:
        """When the first in line may go (loop's seconds); None when nobody waits for a time."""
        return self._line[0].not_before if self._line else None

    def waiting(self) -> dict[str, int]:
        """How many stand aside, by destination group."""
        return {group: len(held) for group, held in self._held.items()}

    def clear(self) -> list[Job]:
        """Take everything out."""
        jobs = [*self._line, *(job for held in self._held.values() for job in held)]
        self._line.clear()
        self._held.clear()
        return jobs
