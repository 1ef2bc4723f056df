"""Dealing: by which route each claimed delivery leaves, and not before when.

Asked inside the transaction of a claim, so that rates, warm-up and pauses hold over all senders
and machines. What finds no place now is put off, untried, and others come first (H12, H13).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, to_datetime
from mailer.config import Config, RouteConfig
from mailer.distribution.job import Job
from mailer.smtp.destinations import Destinations
from mailer.smtp.routes import pick, serves
from mailer.store import paces, routes
from mailer.store.base import Tx
from mailer.store.states import WAITS_FOR_TURN

HORIZON = SECOND
"""How far ahead (microseconds) places are taken: a claim holds at most a second of sending."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Late:
    """A claimed delivery that has to wait until `due_at` (UTC microseconds)."""

    job: Job
    due_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ways:
    """What a sender knows of its ways out at this moment.

    `usable` are names of routes that neither rest nor are paused; `away` says of the others when
    they may be tried again (UTC microseconds) and why not now. `room` says for some routes
    ("route") and destination groups ("to:group") how many more are worth claiming; what has no
    entry takes all. `probing` are usable routes of which it is still to be seen whether they are
    back: what does not fit there takes another.
    """

    usable: frozenset[str] = frozenset()
    away: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    room: Mapping[str, int] = field(default_factory=dict)
    probing: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()


class Dealer:
    """Knows a newsroom's routes and limits; `begin` deals within one transaction."""

    def __init__(self, config: Config) -> None:
        self.routes: dict[str, RouteConfig] = {route.name: route for route in config.routes}
        self.zone = ZoneInfo(config.newsroom.timezone)
        own = {each.name: each.domains for each in config.destinations if each.domains}
        self.group_of = Destinations(own).group_of
        self.rates = {each.name: each.rate for each in config.destinations if each.rate}

    def group_of_address(self, email: str) -> str:
        """The destination group of an address."""
        return self.group_of(email.rpartition("@")[2])

    def begin(self, tx: Tx, ways: Ways) -> Deal:
        """Deal within `tx`; end it with `close`."""
        return Deal(self, tx, ways)

    def is_metered(self, name: str) -> bool:
        """Whether a route has places to take: a rate or a warm-up."""
        route = self.routes[name]
        return bool(route.rate or route.warm_up)

    def other(self, job: Job, usable: Collection[str]) -> str | None:
        """Another usable route for a delivery, that was not tried for it yet."""
        domain = job.recipient.email.rpartition("@")[2]
        without = set(self.routes) - set(usable) | set(job.tried)
        found = pick(tuple(self.routes.values()), domain, without=without)
        return found.name if found else None


class Deal:
    """The dealing of one claim."""

    def __init__(self, dealer: Dealer, tx: Tx, ways: Ways) -> None:
        self._dealer = dealer
        self._tx = tx
        self._ways = ways
        self._now = tx.now()
        local = to_datetime(self._now).astimezone(dealer.zone)
        self._day = local.date()
        self._tomorrow = round((local + _DAY).timestamp() * SECOND)
        self._routes = [r for name, r in dealer.routes.items() if name in ways.usable]
        self._queues: dict[str, paces.Queue] = {}
        self._groups: dict[str, paces.Queue] = {}
        self._left: dict[str, int] = {}
        self._counted: dict[str, int] = {}
        self._room = dict(ways.room)
        self.rests = paces.rests(tx)
        # Since the sender looked an officer may have let a route go, and what waited for it.
        self._let_go = ways.told - set(routes.state_of(tx)) if ways.told else frozenset()
        self._over = 0
        for route in self._routes:
            if route.rate:
                self._queues[route.name] = paces.queue(tx, f"route:{route.name}", route.rate)
            limit = route.warm_up.limit(self._day) if route.warm_up else None
            if limit is not None:
                day = self._day.isoformat()
                self._left[route.name] = max(0, limit - paces.used(tx, route.name, day))
        # All locks are taken here and in one order, or two senders might wait for each other.
        for group, rate in sorted(dealer.rates.items()):
            self._groups[group] = paces.queue(tx, f"to:{group}", rate)
        # Without limits every delivery takes the same way at no cost.
        self._simple = self._routes[0] if len(dealer.routes) == 1 and self._routes else None
        if self._simple is not None and (
            self._simple.domains or self._queues or self._left or self._room or dealer.rates
        ):
            self._simple = None

    def room(self, wanted: int) -> int:
        """How many of `wanted` there are places for within the horizon."""
        if not self._routes:
            return 0
        if len(self._queues) < len(self._routes):
            return wanted
        return min(wanted, sum(queue.room(HORIZON) for queue in self._queues.values()))

    def deal(self, jobs: Iterable[Job]) -> tuple[list[Job], list[Late]]:
        """Give each its route and place; those that leave now, and those that must wait."""
        kept: list[Job] = []
        late: list[Late] = []
        group_of = self._dealer.group_of
        simple = self._simple
        for job in jobs:
            domain = job.recipient.email.rpartition("@")[2]
            job.group = group_of(domain)
            if job.group in self.rests:
                due = self.rests[job.group] + self._spread(self.rests[job.group])
                late.append(Late(job, due, f"{job.group} asked for a pause"))
            elif simple is not None:
                job.route = simple.name
                kept.append(job)
            elif (found := self._find(job, domain)) is not None:
                late.append(found)
            else:
                kept.append(job)
        return kept, late

    def close(self) -> None:
        """Write back what was taken."""
        for queue in (*self._queues.values(), *self._groups.values()):
            queue.keep(self._tx)
        for route, count in self._counted.items():
            paces.use(self._tx, route, self._day.isoformat(), count)

    def _find(self, job: Job, domain: str) -> Late | None:
        """Give the job its route and place, or say why it must wait."""
        closed = set(job.tried)
        if not job.urgent:
            closed |= {name for name, left in self._left.items() if not left}
        full = {name for name in self._ways.probing if self._room.get(name, 1) <= 0}
        route = pick(self._routes, domain, without=closed | full) or pick(
            self._routes, domain, without=closed
        )
        if route is None:
            return self._nowhere(job, domain)
        group = f"to:{job.group}"
        if self._room.get(route.name, 1) <= 0:
            return self._in_turn(job, SECOND)
        if self._room.get(group, 1) <= 0:
            return self._in_turn(job, SECOND // 20)
        both = (self._queues.get(route.name), self._groups.get(job.group))
        queues = [queue for queue in both if queue is not None]
        for queue in queues:
            if queue.room(HORIZON) < 1:
                return Late(job, queue.later(), WAITS_FOR_TURN)
        job.place = max((queue.take() for queue in queues), default=0)
        job.route = route.name
        for name in (route.name, group):
            if name in self._room:
                self._room[name] -= 1
        job.counted = ""
        if route.name in self._left:
            job.counted = self._day.isoformat()
            self._left[route.name] = max(0, self._left[route.name] - 1)
            self._counted[route.name] = self._counted.get(route.name, 0) + 1
        return None

    def _nowhere(self, job: Job, domain: str) -> Late:
        """No route takes it now: it waits for the first that will."""
        waits = [
            (self._now + SECOND, WAITS_FOR_TURN)
            if name in self._let_go
            else (max(until, self._now + SECOND), reason)
            for name, (until, reason) in self._ways.away.items()
            if serves(self._dealer.routes[name], domain)
        ]
        spent = [name for name, left in self._left.items() if not left and name not in job.tried]
        if any(serves(self._dealer.routes[name], domain) for name in spent):
            due = self._tomorrow + self._spread(self._tomorrow)
            waits.append((due, "warm-up: enough for today"))
        due, reason = min(waits, default=(self._now + SECOND, WAITS_FOR_TURN))
        return Late(job, due, reason)

    def _in_turn(self, job: Job, wait: int) -> Late:
        """One behind the other, so that they do not all come back at once.

        A little by chance: senders look in one rhythm, and where a destination's limit leaves one
        of them no part, that one would find what is due before the others each time.
        """
        self._over += 1
        wait += self._over * SECOND // 50 + random.randrange(SECOND // 10)
        return Late(job, self._now + wait, WAITS_FOR_TURN)

    def _spread(self, until: int) -> int:
        """A fifth of the wait at most, so that not all come at the instant they wait for."""
        return random.randrange(max(1, (until - self._now) // 5))
