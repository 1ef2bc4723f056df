"""Local times and instants: the one rule for embargoes and for `queue --at` (H2, D5).

A wall-clock time in a zone may happen once, never (clocks go forward) or twice (they go back).
We never choose silently: `resolve_local` says which, with what could be meant instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from difflib import get_close_matches
from enum import Enum, StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from mailer.clock import from_datetime, to_datetime
from mailer.errors import UsageError

YEARS = range(2, 9999)
"""Years that a time may be in: in those at either end of Python's calendar (1 and 9999), the same
instant may have no date in another zone."""


class Case(StrEnum):
    """What a local time is on the clocks of its zone."""

    OK = "ok"
    GAP = "gap"
    FOLD = "fold"


class Now(Enum):
    """The answer of `parse_when` to "now": the caller's clock decides."""

    NOW = "now"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A local time looked up in its zone.

    `instant` (UTC microseconds) is set only when `case` is ok. `alternatives` are instants: in a
    gap the time moved back and moved forward by the skipped span, in a fold the two meanings.
    """

    case: Case
    local: datetime
    zone: str
    instant: int | None
    alternatives: tuple[int, ...] = ()

    def sentence(self) -> str:
        """What is wrong with this time and what to write instead; empty when it is ok."""
        if self.case is Case.OK:
            return ""
        stamp = f"{self.local:%Y-%m-%d %H:%M}"
        first, second = (stamp_in(instant, self.zone) for instant in self.alternatives)
        if self.case is Case.GAP:
            return (
                f"{stamp} does not exist in {self.zone}: the clocks go forward then. "
                f"Write {first} or {second}."
            )
        return (
            f"{stamp} happens twice in {self.zone}: the clocks go back then. "
            f"Write {first} for the first or {second} for the second."
        )


@dataclass(frozen=True, slots=True)
class When:
    """A time as written: `local` is naive; `offset` in seconds and `zone` only where given."""

    local: datetime
    zone: str | None = None
    offset: int | None = None


NOW = Now.NOW


def resolve_local(naive: datetime, zone: str) -> Resolved:
    """Look up a naive local time in an IANA zone (PEP 495; H2).

    Raises UsageError when the zone is not known.
    """
    if naive.tzinfo is not None:
        raise ValueError("a local time carries no zone of its own")
    rules = zone_info(zone)
    naive = naive.replace(fold=0)
    first = naive.replace(tzinfo=rules)
    second = naive.replace(tzinfo=rules, fold=1)
    early, late = from_datetime(first.astimezone(UTC)), from_datetime(second.astimezone(UTC))
    if early == late:
        return Resolved(Case.OK, naive, zone, early)
    # In a gap the first reading (the offset before the change) is the later instant.
    case = Case.FOLD if early < late else Case.GAP
    return Resolved(case, naive, zone, None, tuple(sorted((early, late))))


def parse_when(text: str, default_zone: str) -> int | Now:
    """The instant (UTC microseconds) that `queue --at` names, or `NOW` for "now".

    ISO 8601 with an offset, `Z`, an IANA zone after a space or in brackets (RFC 9557), or none:
    then `default_zone`. Raises UsageError for anything else, for an unknown zone, for an offset
    that its zone does not have then, and for local times that do not exist or happen twice.
    """
    if text.strip().lower() == "now":
        return NOW
    return instant_of(read_when(text), default_zone)


def read_when(text: str) -> When:
    """The parts of a written time, not looked up yet (a wave per zone needs the bare local time).

    Raises UsageError when it is no ISO 8601 date and time, in none of `YEARS`, or names an unknown
    zone.
    """
    body, zone = _split_zone(text.strip())
    body, extra = _unusual_clock(body)
    try:
        moment = datetime.fromisoformat(body)
    except ValueError:
        raise _unreadable(text) from None
    if not re.search(r"[T ]\d|\d[T ]", body):
        raise UsageError(
            f"'{text}' names a day but no time.", hint=f"Write for example '{body}T09:00'."
        )
    if moment.year not in YEARS:
        raise UsageError(
            f"'{text}' lies too far away.",
            hint=f"Years from {YEARS[0]} to {YEARS[-1]} can be told in every zone.",
        )
    if zone is not None:
        zone_info(zone)
    offset = moment.utcoffset()
    seconds = None if offset is None else int(offset.total_seconds())
    # "Z[Zone]" means: this instant, to be shown in that zone (RFC 9557 section 3.4).
    return When(moment.replace(tzinfo=None) + extra, zone, seconds)


def instant_of(when: When, default_zone: str) -> int:
    """The instant (UTC microseconds) of a written time. Raises UsageError as `parse_when` does."""
    if when.offset is not None:
        aware = when.local.replace(tzinfo=timezone(timedelta(seconds=when.offset)))
        instant = from_datetime(aware)
        if when.zone and when.offset != 0 and offset_at(instant, when.zone) != when.offset:
            raise UsageError(
                f"{when.local:%Y-%m-%d %H:%M} has offset {_signed(when.offset)} but {when.zone} "
                f"has {_signed(offset_at(instant, when.zone))} then.",
                hint="Leave one of them out.",
            )
        return instant
    found = resolve_local(when.local, when.zone or default_zone)
    if found.instant is None:
        raise UsageError(found.sentence())
    return found.instant


def stamp_in(instant: int, zone: str) -> str:
    """An instant as ISO 8601 with minutes (seconds if any) and the offset its zone then has."""
    moment = to_datetime(instant).astimezone(zone_info(zone))
    spec = "seconds" if moment.second else "minutes"
    return moment.replace(microsecond=0).isoformat(timespec=spec)


def offset_at(instant: int, zone: str) -> int:
    """Seconds east of UTC in `zone` at `instant`."""
    offset = to_datetime(instant).astimezone(zone_info(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


@lru_cache(maxsize=256)
def zone_info(zone: str) -> ZoneInfo:
    """The rules of an IANA zone.

    Raises UsageError when there is no such zone, with the one whose name is nearest.
    """
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"'{zone}' is not a known time zone.",
            hint=f"Use an IANA name such as {_nearest(zone) or 'Europe/Brussels'}.",
        ) from None


@lru_cache(maxsize=1)
def zones_by_city() -> dict[str, str]:
    """City names in lower case, as they stand in IANA zone names, to the zone."""
    cities: dict[str, str] = {}
    for zone in sorted(available_timezones()):
        area, _, rest = zone.partition("/")
        if rest and area not in {"Etc", "posix", "right", "SystemV", "US", "Brazil", "Canada"}:
            cities.setdefault(rest.rsplit("/", 1)[-1].replace("_", " ").lower(), zone)
    return cities


def _nearest(name: str) -> str | None:
    """The zone that a mistyped name comes nearest to: as it stands, or by its city alone."""
    wanted = name.strip().replace(" ", "_").lower()
    zones = {zone.lower(): zone for zone in available_timezones() if "/" in zone}
    cities = zones_by_city()
    city = wanted.rsplit("/", 1)[-1].replace("_", " ")
    if wanted in zones or city in cities:
        return zones.get(wanted) or cities[city]
    return _closest(wanted, zones, 0.75) or _closest(city, cities, 0.75)


def _closest(name: str, names: Mapping[str, str], cutoff: float) -> str | None:
    found = get_close_matches(name, names, 1, cutoff)
    return names[found[0]] if found else None


def _split_zone(text: str) -> tuple[str, str | None]:
    brackets = re.findall(r"\[([^\]]*)\]", text)
    body = re.sub(r"\s*\[[^\]]*\]", "", text).strip()
    zone = None
    for tag in brackets:
        name = tag.lstrip("!")
        if "=" in name:
            if tag.startswith("!"):
                raise UsageError(f"'{text}' demands '{name}', which mailer does not know.")
        elif zone is None:
            zone = name
    match = re.fullmatch(r"(\S+(?: [\d:.,]+(?:Z|[+-][\d:]+)?)?)\s+([A-Za-z][\w+\-/]*)", body)
    if match and zone is None:
        return match.group(1), match.group(2)
    return body, zone


def _unusual_clock(body: str) -> tuple[str, timedelta]:
    """24:00 and a leap second are ISO 8601 but not Python: say them as the next minute (H4)."""
    leap = re.sub(r"(:\d\d):60(?!\d)", r"\1:59", body)
    if leap != body:
        return leap, timedelta(seconds=1)
    midnight = re.sub(r"([T ])24:00(:00)?(?!\d)", r"\g<1>00:00\2", body)
    return midnight, timedelta(days=1) if midnight != body else timedelta(0)


def _unreadable(text: str) -> UsageError:
    return UsageError(
        f"'{text}' is not a time mailer can read.",
        hint="Write 'now' or ISO 8601 such as '2026-12-01T09:00' or '2026-12-01 09:00 "
        "Europe/Warsaw'.",
    )


def _signed(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{sign}{hours:02d}:{minutes:02d}"
