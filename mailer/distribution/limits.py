"""What waits for a connection in one sender, and how many messages one destination gets at once.

A destination that asked for a pause, or whose limit is configured, must not hold up the others
(H12, H13): its messages stand aside while the rest goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush

from mailer.distribution.job import Job

_FORGOTTEN_AT = 20.0
"""Messages at once from which on a destination that had asked for a pause is trusted again."""


class Limit:
    """How many messages to one destination group may be under way at once in this sender.

    `most` is this sender's part of what is configured: None is no limit, 0 leaves the group to
    the other senders. After a pause it begins with one and grows by one for each full round that
    was taken (G11).
    """

    __slots__ = ("allowed", "in_flight", "most")

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.allowed = self._ceiling
        self.in_flight = 0

    @property
    def _ceiling(self) -> float:
        return _FORGOTTEN_AT if self.most is None else float(self.most)

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.in_flight >= int(self.allowed)

    @property
    def is_needed(self) -> bool:
        """Whether it still holds anything back."""
        return self.most is not None or self.allowed < _FORGOTTEN_AT

    def deal(self, most: int) -> None:
        """This sender's part is another one from now."""
        full = self.allowed >= self._ceiling
        self.most = most
        self.allowed = self._ceiling if full else min(self.allowed, self._ceiling)

    def accepted(self) -> None:
        """The destination took one."""
        if self.allowed:
            self.allowed = min(self._ceiling, self.allowed + 1 / self.allowed)

    def slow_down(self) -> None:
        """The destination asked for a pause: begin anew with one at a time."""
        self.allowed = min(1.0, self._ceiling)


class Limits:
    """The limits of one sender; a group without one has no entry.

    `configured` is for all `share` senders of a host, of which this is the `number`-th (from 1):
    each gets its part, and where there are more senders than messages at once, the last get none.
    """

    def __init__(self, configured: Mapping[str, int], share: int, number: int = 1) -> None:
        self._configured = {group: most for group, most in configured.items() if most}
        self._limits = {
            group: Limit(_part(most, share, number)) for group, most in self._configured.items()
        }

    def get(self, group: str) -> Limit | None:
        """The group's limit, None when it has none."""
        return self._limits.get(group)

    def __bool__(self) -> bool:
        return bool(self._limits)

    def deal_out(self, share: int, number: int) -> None:
        """There are `share` senders now, over all hosts, of which this is the `number`-th; with
        none (0) every limited destination is left to others."""
        for group, most in self._configured.items():
            part = _part(most, share, number)
            if self._limits[group].most != part:
                self._limits[group].deal(part)

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

    @property
    def closed(self) -> frozenset[str]:
        """Groups that are left to other senders: this one has no part of their limit."""
        return frozenset(group for group, limit in self._limits.items() if limit.most == 0)

    def room(self, waiting: Mapping[str, int]) -> dict[str, int]:
        """For each limited group how many more are worth claiming, beside those `waiting`."""
        return {
            group: max(0, 2 * int(limit.allowed) - limit.in_flight - waiting.get(group, 0))
            for group, limit in self._limits.items()
        }


def _part(most: int, share: int, number: int) -> int:
    return most // share + (number <= most % share) if share else 0


class Ready:
    """Claimed deliveries waiting for a connection: first come first served where nobody's limit
    is in the way, and each not before its time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: deque[Job] = deque()
        self._timed: list[tuple[float, int, Job]] = []
        self._held: dict[str, deque[Job]] = {}
        self._count = 0

    def __len__(self) -> int:
        waiting = len(self._line) + len(self._timed)
        return waiting + sum(map(len, self._held.values())) if self._held else waiting

    def extend(self, jobs: Iterable[Job]) -> None:
        """More to do."""
        for job in jobs:
            if job.not_before:
                # Apart from the others: who waits for his place must not hold up who need not.
                self._count += 1
                heappush(self._timed, (job.not_before, self._count, job))
            else:
                self._line.append(job)

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
        while True:
            if self._timed and self._timed[0][0] <= now:
                job = heappop(self._timed)[2]
            elif self._line:
                job = self._line.popleft()
            else:
                return None
            limit = self._limits.get(job.group)
            if limit is None or not limit.is_full:
                return job
            self._held.setdefault(job.group, deque()).append(job)

    def next_at(self) -> float | None:
        """When the first may go of those that wait for a time (loop's seconds); else None."""
        return self._timed[0][0] if self._timed else None

    def waiting(self) -> dict[str, int]:
        """How many stand aside, by destination group."""
        return {group: len(held) for group, held in self._held.items()}

    def take_out(self, group: str) -> list[Job]:
        """Everything for one destination group."""
        every = self.clear()
        self.extend(job for job in every if job.group != group)
        return [job for job in every if job.group == group]

    def clear(self) -> list[Job]:
        """Take everything out."""
        jobs = [*self._line, *(job for held in self._held.values() for job in held)]
        jobs += [job for _, _, job in sorted(self._timed, key=lambda each: each[:2])]
        self._line.clear()
        self._timed.clear()
        self._held.clear()
        return jobs
