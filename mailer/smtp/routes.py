"""Ways out: which mail service takes a recipient's domain, and how fast.

`pick` chooses; `Pacer` is a token bucket that spreads a rate evenly (A31, H12). Both know no
clock of their own: the caller passes monotonic seconds, so that they can be tested and simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailer.smtp.model import Endpoint


@dataclass(frozen=True, slots=True)
class Route:
    """One way out.

    `connections` is per process; `rate` messages per second, 0 = no limit. `domains` are the
    recipients' domains it serves, subdomains included when written with a leading dot
    (".example.org" serves example.org and all below); none = all. Lower `order` is tried first.
    """

    name: str
    endpoint: Endpoint
    connections: int = 8
    rate: float = 0.0
    domains: tuple[str, ...] = ()
    order: int = 0

    def serves(self, domain: str) -> bool:
        """Whether recipients at `domain` (A-labels, any case) may take this route."""
        if not self.domains:
            return True
        name = domain.lower().rstrip(".")
        for entry in self.domains:
            served = entry.lower().rstrip(".")
            if name == served.lstrip(".") or (served.startswith(".") and name.endswith(served)):
                return True
        return False


def pick(routes: Sequence[Route], domain: str, *, resting: Iterable[str] = ()) -> Route | None:
    """The route for recipients at `domain`, None when none serves it now.

    Routes that name the domain come before those that serve all; then by `order`, then as
    written. `resting` are names of routes that may not be used at the moment.
    """
    away = frozenset(resting)
    fit = [route for route in routes if route.name not in away and route.serves(domain)]
    return min(fit, key=lambda route: (not route.domains, route.order), default=None)


class Pacer:
    """A token bucket: at most `rate` per second on average, `burst` seconds' worth at once.

    `rate` 0 lets everything through. Not thread-safe; one per route and process.
    """

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, *, now: float, burst: float = 0.1) -> None:
        if rate < 0 or burst <= 0:
            raise ValueError("a rate is not negative and a burst is positive")
        self._rate = rate
        self._burst = burst
        self._at = now
        self._level = self._capacity

    @property
    def _capacity(self) -> float:
        return max(1.0, self._rate * self._burst)

    def set_rate(self, rate: float, now: float) -> None:
        """Change the rate, e.g. when the number of processes sharing it changes."""
        if rate < 0:
            raise ValueError("a rate is not negative")
        self._refill(now)
        self._rate = rate
        self._level = min(self._level, self._capacity)

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` may go now; they count as gone."""
        if not self._rate:
            return wanted
        self._refill(now)
        # What adding up fractions loses must not cost a whole message.
        given = min(wanted, int(self._level + 1e-6))
        self._level -= given
        return given

    def give_back(self, count: int) -> None:
        """Return what was taken and not used."""
        self._level = min(self._capacity, self._level + count)

    def wait_time(self, now: float) -> float:
        """Seconds until `take` gives at least one; 0 when it would now."""
        if not self._rate:
            return 0.0
        self._refill(now)
        return max(0.0, (1.0 - self._level) / self._rate)

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._level = min(self._capacity, self._level + (now - self._at) * self._rate)
            self._at = now
