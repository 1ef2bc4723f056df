"""When the first delivery of a plan leaves and about when the last (`queue`).

It asks what the dealer will ask: which route a domain takes, how fast route and destination may be
used (H12), how many a warm-up lets through a day (A31). It sees counts of people, never people.
What only the day itself tells (answers, connections, other distributions) is not in it, hence
"about".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from mailer.clock import SECOND, to_datetime
from mailer.distribution.dealing import Dealer
from mailer.smtp.routes import ranked

_MOST_DAYS = 3653
"""Days of warm-up after which no end is looked for any more."""


class Part(NamedTuple):
    """Some deliveries of a wave with one due time and spread (UTC microseconds, microseconds)
    that may take the same routes, best first, to one limited destination group ("" for none)."""

    due: int
    over: int
    wave: int
    routes: tuple[str, ...]
    group: str


class _Step(NamedTuple):
    """What of a part goes by one route from an instant on."""

    at: int
    part: Part
    route: str
    messages: int


class Forecast:
    """Counts people with `add`; `span` answers.

    `used` is what each route carried today, `paused` are routes that wait for an officer; an
    `urgent` plan is not held by warm-up (D22).
    """

    def __init__(
        self,
        dealer: Dealer,
        *,
        now: int,
        urgent: bool = False,
        used: Mapping[str, int] | None = None,
        paused: Collection[str] = (),
    ) -> None:
        self._dealer = dealer
        self._now = now
        self._urgent = urgent
        self._paused = paused
        self._parts: Counter[Part] = Counter()
        self._waves: Counter[int] = Counter()
        today = to_datetime(now).astimezone(dealer.zone).date()
        self._used = Counter({(route, today): n for route, n in (used or {}).items()})
        self._ways: dict[str, tuple[tuple[str, ...], str]] = {}

    def add(self, wave: int, due: int, over: int, domain: str, count: int) -> None:
        """So many people of a wave at a domain; the wave is spread over `over` microseconds."""
        if domain not in self._ways:
            self._ways[domain] = self._way_of(domain)
        self._parts[Part(due, over, wave, *self._ways[domain])] += count
        self._waves[wave] += count

    def span(self) -> tuple[int, int]:
        """When the first leaves and about when the last, UTC microseconds; now without people."""
        used = Counter(self._used)
        steps = [step for part in sorted(self._parts) for step in self._steps(part, used)]
        free: dict[str, int] = {}
        last = self._now
        for step in sorted(steps):
            last = max(last, step.at + self._spread(step.part))
            for name, rate in self._rates(step):
                # Places lie 1/rate apart, and the next wave finds its own behind these.
                place = max(free.get(name, 0), step.at)
                free[name] = place + round(step.messages * SECOND / rate)
                last = max(last, place + round((step.messages - 1) * SECOND / rate))
        return min((step.at for step in steps), default=self._now), last

    def _way_of(self, domain: str) -> tuple[tuple[str, ...], str]:
        routes = ranked(tuple(self._dealer.routes.values()), domain)
        group = self._dealer.group_of(domain)
        names = tuple(route.name for route in routes)
        working = tuple(name for name in names if name not in self._paused)
        # A plan whose routes all wait for an officer is told as if he said yes at once.
        return working or names, group if group in self._dealer.rates else ""

    def _steps(self, part: Part, used: Counter[tuple[str, date]]) -> Iterator[_Step]:
        """Day by day what its routes take, the best first, as the dealer does."""
        start = max(part.due, self._now)
        local = to_datetime(start).astimezone(self._dealer.zone)
        count = self._parts[part]
        for days in range(_MOST_DAYS):
            then = local + timedelta(days=days)
            at = round(then.timestamp() * SECOND) if days else start
            for name in part.routes:
                warm_up = self._dealer.routes[name].warm_up
                limit = warm_up.limit(then.date()) if warm_up else None
                taken = count
                if limit is not None and not self._urgent:
                    taken = min(count, max(0, limit - used[name, then.date()]))
                if taken:
                    used[name, then.date()] += taken
                    count -= taken
                    yield _Step(at, part, name, taken)
                if not count:
                    return
            if not part.routes:
                break
        yield _Step(at, part, "", count)

    def _spread(self, part: Part) -> int:
        """From a spread wave's first person to its last."""
        people = self._waves[part.wave]
        return part.over * (people - 1) // people

    def _rates(self, step: _Step) -> Iterator[tuple[str, float]]:
        route = self._dealer.routes.get(step.route)
        if route is not None and route.rate:
            yield f"route:{route.name}", route.rate
        if step.part.group:
            yield f"to:{step.part.group}", self._dealer.rates[step.part.group]
