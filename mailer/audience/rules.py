"""What keeps a message from one person for now, or altogether: caps, gaps, hours, absence.

Two sides set rules: the newsroom for everybody, and a journalist for himself. The stricter wins.
Everything here is a function of its arguments: no clock, no database. Hours are those that the
clocks of the person's zone show, so a time that is skipped or shown twice needs no rule of its own:
what the clock shows is closed or open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, from_datetime, to_datetime

WEEK = 7 * 86_400 * SECOND
"""Over how long (microseconds) a weekly cap counts: any seven days, not a week of the calendar."""

CAP, AWAY, PAUSED, QUIET, EVENT = "cap", "away", "paused", "quiet", "event"
NO_EMBARGOES = "no embargoes"
"""Why somebody is skipped."""

_DAYS = 10
"""Days after which no open time is looked for any more: any week has all its hours in them."""

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until just before `end`, in minutes since midnight; over midnight where `end`
    is not later than `start`."""

    start: int
    end: int

    def hold(self, minute: float) -> bool:
        """Whether a minute of the day is within them."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    @property
    def others(self) -> Hours:
        """All the rest of the day."""
        return Hours(self.end, self.start)


@dataclass(frozen=True, slots=True)
class Closed:
    """When nobody is mailed: at these hours, and on Saturdays and Sundays if `weekends`."""

    hours: tuple[Hours, ...] = ()
    weekends: bool = False

    def __bool__(self) -> bool:
        return bool(self.hours or self.weekends)

    def at(self, shown: datetime) -> bool:
        """Whether it is closed while a clock shows this."""
        if self.weekends and shown.weekday() >= _SATURDAY:
            return True
        minute = shown.hour * 60 + shown.minute
        return any(hours.hold(minute) for hours in self.hours)


@dataclass(frozen=True, slots=True)
class House:
    """The newsroom's rules. `weekly_cap` None is no limit, `min_gap` in microseconds; `office` are
    the hours of a working day, for those who want no others."""

    weekly_cap: int | None = None
    min_gap: int = 0
    closed: Closed = Closed()
    office: Hours = Hours(9 * 60, 18 * 60)

    def __bool__(self) -> bool:
        return bool(self.weekly_cap is not None or self.min_gap or self.closed)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one journalist chose himself; as the table `preferences` keeps it."""

    weekly_cap: int | None = None
    office_hours: bool = False
    away_until: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one message to one person. `own_cap`: the cap is his own wish."""

    cap: int | None = None
    own_cap: bool = False
    gap: int = 0
    closed: Closed = Closed()
    away_until: int | None = None
    paused: bool = False

    @property
    def counts(self) -> bool:
        """Whether it matters what he got lately."""
        return self.cap is not None or bool(self.gap)


class Then(Enum):
    """What becomes of a message."""

    GO = "go"
    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Ruling:
    """`reason` is what the ledger says of one that waits or is skipped; `until` (UTC microseconds)
    when one that waits is due."""

    then: Then
    reason: str = ""
    until: int = 0


GO = Ruling(Then.GO)


def binding(house: House, wishes: Wishes, *, lift: bool = False, asked: bool = False) -> Rules:
    """What binds: the stricter of both. At the `lift` of an embargo everybody is reached at once,
    so only his own wishes hold (D22); what he `asked` for stops only while he is away."""
    if asked:
        return Rules(away_until=wishes.away_until, paused=wishes.paused)
    if lift:
        house = House(office=house.office)
    closed = house.closed
    if wishes.office_hours:
        closed = Closed((*closed.hours, house.office.others), weekends=True)
    caps = [cap for cap in (wishes.weekly_cap, house.weekly_cap) if cap is not None]
    cap = min(caps, default=None)
    return Rules(
        cap,
        cap is not None and cap == wishes.weekly_cap,
        house.min_gap,
        closed,
        wishes.away_until,
        wishes.paused,
    )


class Calendar:
    """When it is open by the clocks of one zone."""

    def __init__(self, closed: Closed, zone: str) -> None:
        self._closed = closed
        self._rules = _zone(zone)
        self._known: tuple[int, int | None] | None = None

    def next_open(self, instant: int) -> int | None:
        """The first instant from `instant` on at which it is open, UTC microseconds; None when it
        never is."""
        if not self._closed or not self._closed.at(_shown(self._rules, instant)):
            return instant
        # Thousands ask on one evening for the same morning.
        if self._known is not None:
            since, until = self._known
            if since <= instant and (until is None or instant < until):
                return until
        found = self._search(instant)
        self._known = instant, found
        return found

    def why(self, instant: int) -> str:
        """What somebody waits for at an instant, in words."""
        shown = _shown(self._rules, instant)
        if not self._closed.at(shown):
            return "waits for the minimum gap"
        if self._closed.weekends and shown.weekday() >= _SATURDAY:
            return "waits for the weekend to end"
        return "waits for quiet hours to end"

    def _search(self, instant: int) -> int | None:
        changes = sorted(each for each in self._changes(instant) if each > instant)
        shown = ((each, _shown(self._rules, each)) for each in changes)
        return next((each for each, clock in shown if not self._closed.at(clock)), None)

    def _changes(self, instant: int) -> Iterator[int]:
        """Every instant near this one and after it at which it may become open: an end of closed
        hours as the clocks show it, midnight, a change of the clocks."""
        rules = self._rules
        first = _shown(rules, instant).date() - timedelta(days=1)
        ends = {0, *(hours.end % (24 * 60) for hours in self._closed.hours)}
        for number in range(_DAYS + 2):
            day = first + timedelta(days=number)
            for minute in ends:
                yield from _instants(rules, datetime.combine(day, _clock(minute)))
        step = 86_400 * SECOND
        for start in range(instant - step, instant + _DAYS * step, step):
            if _offset(rules, start) != _offset(rules, start + step):
                yield _change_of_clocks(rules, start, start + step)


def judge(
    rules: Rules,
    calendar: Calendar,
    now: int,
    *,
    latest: int,
    event: int | None = None,
    recent: int = 0,
    last_at: int | None = None,
) -> Ruling:
    """Whether a message may go `now` to somebody with this `calendar` of the rules' closed hours,
    who got `recent` others in the last seven days, the last at `last_at`; UTC microseconds.

    The cap is judged when the message could go, so that what waits for the morning counts with the
    morning's week. What would have to wait until after `latest`, or until the `event` to which it
    invites has begun, is of no use any more: it is skipped.
    """
    if rules.paused:
        return Ruling(Then.SKIP, PAUSED)
    if rules.away_until is not None and now < rules.away_until:
        return Ruling(Then.SKIP, AWAY)
    due = now if last_at is None or not rules.gap else max(now, last_at + rules.gap)
    free = calendar.next_open(due)
    if free is None or free > max(latest, now):
        return Ruling(Then.SKIP, QUIET)
    if free > now:
        if event is not None and free >= event:
            return Ruling(Then.SKIP, EVENT)
        return Ruling(Then.WAIT, calendar.why(now), free)
    if rules.cap is not None and recent >= rules.cap:
        return Ruling(Then.SKIP, CAP)
    return GO


def last_weekly(weekday: int, minute: int, zone: str, instant: int) -> tuple[date, int]:
    """The latest instant not after `instant` at which clocks in a zone showed a minute of a weekday
    (0 is Monday), and that day. A time that is skipped is the moment after the gap, one shown twice
    the first."""
    rules = _zone(zone)
    today = _shown(rules, instant).date()
    back = (today.weekday() - weekday) % 7
    for days in (back, back + 7):
        day = today - timedelta(days=days)
        found = _instant(rules, datetime.combine(day, _clock(minute)))
        if found <= instant:
            return day, found
    raise AssertionError("one of two weeks has come")


def known_zone(zone: str, home: str) -> str:
    """The zone itself where it is one, else the newsroom's."""
    if not zone:
        return home
    try:
        _zone(zone)
    except (KeyError, ValueError, OSError):
        return home
    return zone


def _instants(rules: ZoneInfo, shown: datetime) -> Iterator[int]:
    """When clocks show this: once, twice, or never."""
    for fold in (0, 1):
        instant = from_datetime(shown.replace(tzinfo=rules, fold=fold))
        if _shown(rules, instant).replace(fold=0) == shown:
            yield instant


def _instant(rules: ZoneInfo, shown: datetime) -> int:
    found = min(_instants(rules, shown), default=None)
    if found is not None:
        return found
    early, late = sorted(from_datetime(shown.replace(tzinfo=rules, fold=fold)) for fold in (0, 1))
    return _change_of_clocks(rules, early, late)


def _change_of_clocks(rules: ZoneInfo, before: int, after: int) -> int:
    """The first instant with the offset of `after`."""
    offset = _offset(rules, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(rules, middle) == offset:
            after = middle
        else:
            before = middle
    return after


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)


def _offset(rules: ZoneInfo, instant: int) -> timedelta:
    return to_datetime(instant).astimezone(rules).utcoffset() or timedelta(0)


def _shown(rules: ZoneInfo, instant: int) -> datetime:
    """What clocks show."""
    return to_datetime(instant).astimezone(rules).replace(tzinfo=None)


@lru_cache(maxsize=1024)
def _zone(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)
