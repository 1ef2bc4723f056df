"""Instants as officers write them on the command line and in forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mailer.clock import SECOND
from mailer.config_values import BadValue, duration
from mailer.distribution.context import Newsroom
from mailer.release.times import NOW, parse_when, zone_info

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def between(first: str, last: str, zone: str) -> str:
    """When sending begins and about when it ends, both ISO 8601, on the clocks of a zone:
    "first 2026-12-01 09:00, last about 09:40 Europe/Brussels"."""
    begin, end = (
        datetime.fromisoformat(each).astimezone(zone_info(zone)) for each in (first, last)
    )
    if end - begin < timedelta(minutes=1):
        return f"begins {begin:%Y-%m-%d %H:%M} {zone}"
    day = "" if end.date() == begin.date() else f"{end:%Y-%m-%d} "
    return f"first {begin:%Y-%m-%d %H:%M}, last about {day}{end:%H:%M} {zone}"


def clock(instant: str, zone: str) -> str:
    """An ISO 8601 instant on the clocks of a zone, to the minute: "2026-12-01 09:00"."""
    return f"{datetime.fromisoformat(instant).astimezone(zone_info(zone)):%Y-%m-%d %H:%M}"


def clock_with_utc(instant: str, zone: str, *, name: bool = True) -> str:
    """An ISO 8601 instant on the clocks of a zone with UTC beside it, which tells apart the hour
    that autumn has twice: "2026-12-01 09:00:05 Europe/Brussels (08:00:05 UTC)". UTC has its date
    where that is another one; without `name` the zone is said elsewhere."""
    there = datetime.fromisoformat(instant).astimezone(zone_info(zone))
    utc = there.astimezone(UTC)
    day = "" if utc.date() == there.date() else f"{utc:%Y-%m-%d} "
    return f"{there:%Y-%m-%d %H:%M:%S}{f' {zone}' if name else ''} ({day}{utc:%H:%M:%S} UTC)"


def since(room: Newsroom, text: str) -> int:
    """UTC microseconds of "2026-03-01", "2026-03-01T08:00", "now", or "2h" (that long ago).

    Times without a zone are in the newsroom's. Now is the store's, as all instants in the ledger
    are. Raises UsageError for anything else, StoreUnavailable.
    """
    with room.store.read() as tx:
        now = tx.now()
    try:
        return now - round(duration(text.strip()) * SECOND)
    except BadValue:
        pass
    if _DATE.fullmatch(text.strip()):
        text = f"{text.strip()}T00:00"
    instant = parse_when(text, room.config.newsroom.timezone)
    return now if instant is NOW else instant
