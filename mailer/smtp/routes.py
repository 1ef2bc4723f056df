"""Ways out: which mail service takes a recipient's domain.

A newsroom may have several: one for everything, one for a few domains, one for when another is
away (design decision 6).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar


class Route(Protocol):
    """What choosing needs to know of a way out.

    `domains` are the recipients' domains it serves, subdomains included when written with a
    leading dot (".example.org" serves example.org and all below); none = all. Lower `order` is
    tried first.
    """

    @property
    def name(self) -> str: ...

    @property
    def domains(self) -> tuple[str, ...]: ...

    @property
    def order(self) -> int: ...


_R = TypeVar("_R", bound=Route)


def serves(route: Route, domain: str) -> bool:
    """Whether recipients at `domain` (A-labels, any case) may take this route."""
    if not route.domains:
        return True
    name = domain.lower().rstrip(".")
    for entry in route.domains:
        served = entry.lower().rstrip(".")
        if name == served.lstrip(".") or (served.startswith(".") and name.endswith(served)):
            return True
    return False


def pick(routes: Sequence[_R], domain: str, *, without: Collection[str] = ()) -> _R | None:
    """The route for recipients at `domain`, None when none serves it now.

    Routes that name the domain come before those that serve all; then by `order`, then as
    written. `without` are names of routes that may not be used at the moment.
    """
    fit = [route for route in routes if route.name not in without and serves(route, domain)]
    return min(fit, key=_rank, default=None)


def ranked(routes: Sequence[_R], domain: str) -> list[_R]:
    """All routes that serve recipients at `domain`, in the order in which `pick` takes them."""
    return sorted((route for route in routes if serves(route, domain)), key=_rank)


def _rank(route: Route) -> tuple[bool, int]:
    return not route.domains, route.order
