"""How the newsroom fares, for those who watch it: is it ready, and in numbers how it goes.

Labels come from fixed sets: states, the configured routes, the known providers and the
newsroom's own destination groups; everything else is "other". No address, no name, no release.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mailer.distribution.context import fingerprint
from mailer.distribution.doctor import NO_SPACE, free_space
from mailer.distribution.spool import Spool
from mailer.errors import MailerError, StoreUnavailable
from mailer.smtp.destinations import PROVIDERS, Destinations
from mailer.store import telemetry as ledger
from mailer.store.core import fact
from mailer.store.migrations import check
from mailer.store.telemetry import Answers, Backlog, Place

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

SILENT = 30.0
"""Seconds after which a sender that was not heard of counts as gone."""

OTHER = "other"

BOUNDS = ledger.BOUNDS
"""Upper bounds of the buckets from due to accepted, in seconds."""

_STEP = 5_000
_MOST_LINES, _MOST_ANSWERS = 300_000, 300_000
"""Lines of the history read in one transaction; lines, and answers told by them, read in one look.
"""

_REST = 50
"""How many times as long as counting the backlog took it is left alone."""

_T = TypeVar("_T")
Labels = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """One look at the newsroom. Pairs of labels are (route, destination group).

    `answers`, `buckets` and `took` grow from this object's first look on; `backlog_age` is how
    many seconds ago the backlog was counted; `behind` how many events were left for the next look.
    """

    answers: Mapping[tuple[str, str, str], int]
    buckets: Mapping[str, tuple[int, ...]]
    took: Mapping[str, float]
    queued: int
    claimed: int
    deferred: Mapping[Labels, int]
    in_doubt: Mapping[Labels, int]
    backlog_age: float
    queue_age: float
    waiting: Mapping[str, int]
    workers: int
    workers_alive: int
    behind: int


@dataclass(slots=True)
class _Sums:
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    buckets: dict[str, list[int]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)


class Telemetry:
    """Looks at one newsroom again and again; safe to share between threads."""

    def __init__(self, room: Newsroom) -> None:
        config = room.config
        own = {each.name: each.domains for each in config.destinations}
        self._room = room
        self._groups = Destinations(own)
        self._known = {*PROVIDERS, *own}
        self._routes = {route.name for route in config.routes}
        self._spool = Spool(config.spool_dir)
        self._lock = threading.Lock()
        self._sums = _Sums()
        self._read_to: int | None = None
        self._backlog: tuple[Backlog, float, float] | None = None
        self.store_errors = 0
        """How often this object found the store unusable."""

    def spooled(self) -> int:
        """Opt-outs that wait in the spool of this machine (StoreUnavailable if unreadable)."""
        return self._spool.length()

    def free_bytes(self) -> int:
        """Room left on the fullest disk that ledger and spool stand on."""
        return free_space(self._room.config)

    def look(self) -> Figures:
        """The figures now. Raises StoreUnavailable, and counts it, when nothing can be read."""
        with self._lock:
            return self._asked(self._look)

    def troubles(self) -> dict[str, str]:
        """What keeps the newsroom from working, by part; empty when it is ready.

        Parts: store, schema, suppression_key, sender, spool, disk.
        """
        found: dict[str, str] = {}
        try:
            self._asked(lambda: self._store_troubles(found))
        except StoreUnavailable as error:
            found["store"] = str(error)
        try:
            self._spool.pending()
        except StoreUnavailable as error:
            found["spool"] = str(error)
        free = self.free_bytes()
        if free < NO_SPACE:
            found["disk"] = f"only {free / 1e6:,.0f} MB are free; make room."
        return found

    def _store_troubles(self, found: dict[str, str]) -> None:
        store = self._room.store
        with store.read():
            pass
        try:
            check(store)
        except MailerError as error:
            found["schema"] = str(error)
            return
        with store.read() as tx:
            if fact(tx, "suppression_key") != fingerprint(self._room.suppression_key):
                found["suppression_key"] = (
                    "the key here is not the one this ledger was made with; put the newsroom's "
                    "own suppression.key back from its backup."
                )
            if not ledger.workers(tx, SILENT)[1]:
                found["sender"] = f"no sender was heard of in the last {SILENT:.0f} s."

    def _asked(self, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except StoreUnavailable:
            self.store_errors += 1
            raise

    def _begin(self) -> None:
        if self._read_to is None:
            with self._room.store.read() as tx:
                self._read_to = ledger.last_event(tx)

    def _look(self) -> Figures:
        self._begin()
        behind = self._catch_up()
        counted, age = self._counted()
        with self._room.store.read() as tx:
            queue_age = ledger.oldest_due(tx)
            waiting = ledger.waiting(tx)
            present, alive = ledger.workers(tx, SILENT)
        return Figures(
            answers=dict(self._sums.answers),
            buckets={group: tuple(counts) for group, counts in self._sums.buckets.items()},
            took=dict(self._sums.took),
            queued=counted.queued,
            claimed=counted.claimed,
            deferred=self._by_labels(counted.deferred),
            in_doubt=self._by_labels(counted.in_doubt),
            backlog_age=age,
            queue_age=queue_age,
            waiting=waiting,
            workers=present,
            workers_alive=alive,
            behind=behind,
        )

    def _catch_up(self) -> int:
        """Read the events since the last look, in short transactions; how many are left."""
        assert self._read_to is not None
        with self._room.store.read() as tx:
            last = ledger.last_event(tx)
        until = min(last, self._read_to + _MOST_LINES)
        answers = 0
        while self._read_to < until and answers < _MOST_ANSWERS:
            upto = min(until, self._read_to + _STEP)
            with self._room.store.read() as tx:
                found = ledger.answers(tx, self._read_to, upto)
            for answer in found:
                self._add(answer)
                answers += answer.place.count
            self._read_to = upto
        return max(0, last - self._read_to)

    def _add(self, answer: Answers) -> None:
        route, group = self._labels(answer.place)
        self._sums.answers[answer.kind, route, group] += answer.place.count
        if answer.bucket is not None:
            counts = self._sums.buckets.setdefault(group, [0] * (len(BOUNDS) + 1))
            counts[answer.bucket] += answer.place.count
            took = self._sums.took.get(group, 0.0)
            self._sums.took[group] = took + answer.took / 1_000_000

    def _counted(self) -> tuple[Backlog, float]:
        """The backlog and its age: a long count is not made again at once."""
        now = time.monotonic()
        if self._backlog is not None:
            counted, at, cost = self._backlog
            if now - at < _REST * cost:
                return counted, now - at
        with self._room.store.read() as tx:
            counted = ledger.backlog(tx)
        ended = time.monotonic()
        self._backlog = counted, ended, ended - now
        return counted, 0.0

    def _by_labels(self, places: Iterable[Place]) -> dict[Labels, int]:
        sums: Counter[Labels] = Counter()
        for place in places:
            sums[self._labels(place)] += place.count
        return dict(sums)

    def _labels(self, place: Place) -> Labels:
        group = self._groups.group_of(place.domain) if place.domain else OTHER
        # A route that was taken out of the configuration is "other" too; "" was never tried.
        route = place.route if not place.route or place.route in self._routes else OTHER
        return route or "none", group if group in self._known else OTHER
