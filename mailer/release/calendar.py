"""The event of an invitation for calendars: iCalendar (RFC 5545), by the icalendar library.

One UID for a release's event in whatever revision and language; SEQUENCE is the revision's number,
so a calendar that has the event takes over what was moved. A withdrawn one cancels it (RFC 5546,
3.2.5) and holds nothing of the release. Pure.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import icalendar

from mailer.clock import to_datetime
from mailer.release.model import Event, Moment, Release
from mailer.release.publish import Edition


def ics(release: Release, edition: Edition, stamp: datetime) -> bytes:
    """The release's event as an iCalendar file. `stamp` (aware) is when this revision was made.

    Raises ValueError for a release without an event.
    """
    event = release.event
    if event is None:
        raise ValueError("this release has no event")
    entry = _entry(edition, stamp, edition.revision or 0)
    entry.add("summary", _text(release.headline), parameters={"LANGUAGE": release.language})
    entry.add("dtstart", _moment(event.start))
    end = _end(event)
    if end is not None:
        entry.add("dtend", end)
    where = ", ".join(event.place) or event.online
    if where:
        entry.add("location", _text(where), parameters={"LANGUAGE": release.language})
    entry.add("description", _text(description(event, edition.url)))
    entry.add("url", edition.url)
    entry.add("status", "CONFIRMED")
    file = _calendar("PUBLISH")
    file.add_component(entry)
    return bytes(file.to_ical())


def cancelled(edition: Edition, stamp: datetime) -> bytes:
    """The file that takes an event out of calendars, without a word of the release."""
    entry = _entry(edition, stamp, (edition.revision or 0) + 1)
    entry.add("status", "CANCELLED")
    file = _calendar("CANCEL")
    file.add_component(entry)
    return bytes(file.to_ical())


def description(event: Event, url: str) -> str:
    """What a calendar shows below the time and place, a part a line."""
    parts = [event.what, *event.who, event.access]
    access = event.access or ""
    parts += [way for way in (event.access_email, event.access_phone) if way and way not in access]
    parts += [event.photo, event.languages, event.note, event.online, url]
    return "\n".join(part for part in parts if part)


def _calendar(method: str) -> icalendar.Calendar:
    file = icalendar.Calendar()
    file.add("version", "2.0")
    file.add("prodid", "-//mailer//press releases//EN")
    file.add("method", method)
    return file


def _entry(edition: Edition, stamp: datetime, sequence: int) -> icalendar.Event:
    entry = icalendar.Event()
    page = urlsplit(edition.url)
    slug = page.path.rpartition("/r/")[2].partition("/")[0]  # the same in every language
    entry.add("uid", f"{slug}@{page.hostname or 'localhost'}")
    entry.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    entry.add("sequence", sequence)
    organiser = icalendar.vCalAddress(f"mailto:{edition.publisher.mailbox}")
    organiser.params["CN"] = _text(edition.publisher.name).replace('"', "'")
    entry.add("organizer", organiser)
    return entry


def _moment(moment: Moment) -> date:
    """A day, or a time (a datetime is a date to Python too).

    In UTC: that is one instant in every program, where a zone's rules written into the file are
    read differently by many. Calendars show it in their owner's zone.
    """
    if moment.instant is None:
        return moment.day
    return to_datetime(moment.instant).replace(microsecond=0)


def _end(event: Event) -> date | None:
    """The end of the same sort as the start; of whole days the day after the last (3.6.1)."""
    if event.start.instant is None:
        last = max(event.start.day, event.end.day if event.end else event.start.day)
        return last + timedelta(days=1)
    if event.end is None or event.end.instant is None or event.end.instant <= event.start.instant:
        return None
    return _moment(event.end)


class _Words(icalendar.vText):
    """Text escaped by RFC 5545 (3.3.11); the library takes a written "\\N" for a line end."""

    def to_ical(self) -> bytes:
        text = str(self).replace("\\", "\\\\").replace("\n", "\\n")
        return text.replace(";", "\\;").replace(",", "\\,").encode("utf-8")


def _text(text: str) -> _Words:
    """Without the control characters that RFC 5545 (3.1) has no way to write."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _Words(
        "".join(char for char in lines if char in "\n\t" or (char >= " " and char != "\x7f"))
        .encode("utf-8", "ignore")
        .decode("utf-8")
    )
