"""The box of an event, as it stands under the headline of an invitation (D9).

An event that was read in the text is shown by its time and place alone: all else its words say
below. One that the author stated beside the text is shown whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mailer.clock import SECOND, to_datetime
from mailer.message.phrases import babel_locale
from mailer.release.model import Event, Moment, Release
from mailer.release.times import zone_info


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a row. `latin`: it runs from the left in any script, as times and addresses do.
    `href` where it leads somewhere."""

    text: str
    latin: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled part of the box: "When", "Where" …"""

    label: str
    lines: tuple[Line, ...]


def rows(release: Release, words: Mapping[str, str]) -> tuple[Row, ...]:
    """The box of the release's event, in its language; empty without one."""
    event = release.event
    if event is None:
        return ()
    made = [
        Row(words["event_when"], tuple(_when(event, release.language))),
        Row(words["event_where"], _lines(event.place)),
        Row(words["event_online"], _online(event.online)),
    ]
    if event.stated:
        made.insert(0, Row(words["event_what"], _lines([event.what])))
        made += [
            Row(words["event_who"], _lines(event.who)),
            Row(words["event_access"], tuple(_access(event, release.language, words))),
            Row(words["event_photo"], _lines([event.photo])),
            Row(words["event_languages"], _lines([event.languages])),
            Row(words["event_note"], _lines([event.note])),
        ]
    return tuple(row for row in made if row.lines)


def _when(event: Event, language: str) -> Iterator[Line]:
    """Date with weekday; below it the time in the event's zone, and in UTC where that differs."""
    first, last = event.start.day, (event.end or event.start).day
    start, end = _local(event.start, event), _local(event.end, event)
    if start is None:
        whole = _day(first, language)
        yield Line(whole if last <= first else f"{whole} – {_day(last, language)}")
        return
    days = [first] if last <= first else [first, last]
    yield Line(_day(days[0], language))
    yield Line(_hours(start, end if len(days) == 1 else None, _zone(start)), latin=True)
    if len(days) == 2:
        yield Line(f"– {_day(last, language)}")
        if end is not None:
            yield Line(_hours(end, None, _zone(end)), latin=True)
    if start.utcoffset() and len(days) == 1:
        other = start.astimezone(UTC)
        shown = f"{other:%Y-%m-%d} " if other.date() != first else ""
        yield Line(shown + _hours(other, end and end.astimezone(UTC), "UTC"), latin=True)


def _access(event: Event, language: str, words: Mapping[str, str]) -> Iterator[Line]:
    said = event.access or ""
    if said:
        yield Line(said)
    if event.access_email and event.access_email not in said:
        yield Line(event.access_email, latin=True, href=f"mailto:{event.access_email}")
    if event.access_phone and event.access_phone not in said:
        number = "".join(c for c in event.access_phone if c in "+0123456789")
        yield Line(event.access_phone, latin=True, href=f"tel:{number}")
    if event.deadline is not None:
        until = _day(event.deadline.day, language)
        at = _local(event.deadline, event)
        hour = f", \u2066{at:%H:%M} {_zone(at)}\u2069" if at else ""
        yield Line(words["event_deadline"].format(date=until + hour))


def _online(text: str | None) -> tuple[Line, ...]:
    if not text:
        return ()
    leads = text.lower().startswith(("http://", "https://")) and " " not in text
    return (Line(text, latin=leads, href=text if leads else ""),)


def _lines(texts: Iterable[str | None]) -> tuple[Line, ...]:
    return tuple(Line(text) for text in texts if text)


def _hours(start: datetime, end: datetime | None, zone: str) -> str:
    return f"{start:%H:%M}–{end:%H:%M} {zone}" if end else f"{start:%H:%M} {zone}"


def _local(moment: Moment | None, event: Event) -> datetime | None:
    if moment is None or moment.instant is None:
        return None
    return to_datetime(moment.instant // SECOND * SECOND).astimezone(zone_info(event.zone))


def _zone(when: datetime) -> str:
    """ "CET (UTC+01:00)"; the offset alone where the zone has no letters."""
    sign = when.strftime("%z")
    offset = f"UTC{sign[:3]}:{sign[3:5]}" if when.utcoffset() else "UTC"
    name = when.tzname() or ""
    return f"{name} ({offset})" if name.isalpha() and name != "UTC" else offset


def _day(day: date, language: str) -> str:
    from babel.dates import format_date  # Loaded late: senders need none of it.

    return str(format_date(day, "full", locale=babel_locale(language)))
