"""Ways out in the store: which mail services rest for a while, and which an officer must let go.

A route without a row works. A *rest* ends by itself at an instant (a 421, a lost connection); a
*pause* ends only by an officer's word, and no rest or success lifts it. Every change raises the
control version, so that all senders see it at their next look, and is an event with its actor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mailer.store.base import Tx
from mailer.store.core import add_event, raise_control


@dataclass(frozen=True, slots=True)
class RouteState:
    """A way out that does not simply work.

    `until_at` (UTC microseconds) is None for a pause; `failures` are rests in a row since the
    route last worked; a rest whose `until_at` has passed may be tried again.
    """

    name: str
    state: Literal["resting", "paused"]
    reason: str
    until_at: int | None
    failures: int
    changed_at: int


def state_of(tx: Tx) -> Mapping[str, RouteState]:
    """Every route that rests, rested last, or is paused, by name; none means that it works."""
    return {
        row["name"]: RouteState(
            name=row["name"],
            state=row["state"],
            reason=row["reason"],
            until_at=row["until_at"],
            failures=row["failures"],
            changed_at=row["changed_at"],
        )
        for row in tx.all("routes.ls")
    }


def paused(tx: Tx) -> set[str]:
    """Names of the routes that wait for an officer; nothing may leave by them."""
    return {row["name"] for row in tx.all("routes.paused")}


def resting(tx: Tx) -> set[str]:
    """Names of the routes whose rest is not over at the store's now."""
    return {row["name"] for row in tx.all("routes.resting", now=tx.now())}


def pause(tx: Tx, name: str, reason: str, actor: str) -> bool:
    """Stop a route until `resume`; False when it was paused before (the first reason stays)."""
    if not tx.run("routes.pause", name=name, reason=reason, now=tx.now()):
        return False
    _tell(tx, "route_paused", name, reason, actor)
    return True


def rest(tx: Tx, name: str, until: int, reason: str, actor: str = "system") -> bool:
    """Leave a route alone until an instant; False when it is paused, which stays so."""
    if not tx.run("routes.rest", name=name, until=until, reason=reason, now=tx.now()):
        return False
    _tell(tx, "route_rests", name, reason, actor)
    return True


def resume(tx: Tx, name: str, actor: str) -> bool:
    """An officer's word: the route works again at once; False when it worked anyhow."""
    if not tx.run("routes.resume", name=name):
        return False
    _tell(tx, "route_resumed", name, "", actor)
    return True


def hold(tx: Tx, names: Iterable[str]) -> set[str]:
    """Those of the routes that rest, rested last, or are paused; nobody lets them go before the
    transaction ends. What is put off because of them meanwhile is found by `let_go` afterwards."""
    return {name for name in sorted(names) if tx.one("routes.hold", name=name) is not None}


def waiting(tx: Tx) -> dict[int, int]:
    """How many deliveries wait because routes were paused or away, by distribution."""
    return {row["distribution"]: row["n"] for row in tx.all("routes.waiting", now=tx.now())}


def let_go(tx: Tx, distribution: int, limit: int) -> int:
    """Up to `limit` deliveries that were put off because routes were paused or away are due at
    once; how many. What still finds no route is put off again."""
    return tx.run("routes.let_go", distribution=distribution, limit=limit, now=tx.now())


def works(tx: Tx, name: str, actor: str = "system") -> bool:
    """The route took a message: its rests are over and forgotten. A pause stays."""
    if not tx.run("routes.works", name=name):
        return False
    _tell(tx, "route_works", name, "", actor)
    return True


def _tell(tx: Tx, event: str, name: str, reason: str, actor: str) -> None:
    add_event(tx, event, actor, data={"route": name} | ({"reason": reason} if reason else {}))
    raise_control(tx)
