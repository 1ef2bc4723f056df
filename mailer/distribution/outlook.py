"""What a sender knows of its ways out when it claims: which may be used, and for how much more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mailer.clock import SECOND
from mailer.distribution.dealing import Ways
from mailer.distribution.limits import Limits
from mailer.distribution.way import Way


def outlook(ways: Mapping[str, Way], limits: Limits, rate: float, now: int) -> Ways:
    """The ways at `now` (UTC microseconds); `rate` is what this sender carries a second."""
    usable = frozenset(name for name, way in ways.items() if way.is_usable)
    away = {}
    for name, way in ways.items():
        if name not in usable:
            wait, reason = way.absence
            away[name] = now + round(wait * SECOND), reason
    probing = frozenset(name for name in usable if ways[name].failures)
    told = frozenset(name for name in away if ways[name].paused or ways[name].back_in)
    return Ways(usable, away, _room_left(ways, usable, limits, rate), probing, told)


def _room_left(
    ways: Mapping[str, Way], usable: frozenset[str], limits: Limits, rate: float
) -> dict[str, int]:
    """What slow routes and limited destinations can still use: they must not fill the hand of
    this sender while others are free (H13)."""
    room: dict[str, int] = {}
    if len(usable) > 1:
        for name in usable:
            way = ways[name]
            most = max(2 * way.allowed, 0 if way.failures else round(rate * 0.5))
            room[name] = max(0, most - len(way.ready))
    if limits:
        waiting: Counter[str] = Counter()
        for way in ways.values():
            waiting.update(way.ready.waiting())
        for group, left in limits.room(waiting).items():
            room[f"to:{group}"] = left
    return room
