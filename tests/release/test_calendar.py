"""The event of an invitation as a file for calendars, read back by the icalendar library."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mailer.release.calendar import cancelled, ics
from mailer.release.model import Event, Moment, Release

from tests.message.samples import edition_of, english, invitation

STAMP = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAYS = Event(Moment(date(2026, 12, 1)), "Europe/Kyiv", end=Moment(date(2026, 12, 3)))


def entry(data: bytes) -> icalendar.Event:
    """The one event of a file."""
    (found,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert isinstance(found, icalendar.Event)
    return found


def made(release: Release, revision: int = 3) -> bytes:
    return ics(release, replace(edition_of(release), revision=revision), STAMP)


def test_the_instant_in_its_zone() -> None:
    """D9: start and end, the words, the page; the form of RFC 5545."""
    data = made(invitation("advisory-en.md"))
    event = entry(data)
    zone = ZoneInfo("Europe/Brussels")
    assert event.decoded("dtstart").astimezone(zone) == datetime(2026, 12, 1, 10, tzinfo=zone)
    assert event.decoded("dtend").astimezone(zone) == datetime(2026, 12, 1, 11, 30, tzinfo=zone)
    assert event["summary"] == "Harbour Trust opens its tide laboratory to journalists"
    assert event["location"] == "Tide House, gallery on the second floor, Quay 14, 1040 Brussels"
    for words in ("wave tank", "Okafor", "press card", "rsvp@harbour.example", "/live", "/r/"):
        assert words in event["description"]
    assert event["status"] == "CONFIRMED" and event["sequence"] == 3
    assert data.endswith(b"END:VCALENDAR\r\n") and b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 75


def test_whole_days_end_on_the_day_after() -> None:
    """RFC 5545, 3.6.1: DTEND of days is not part of the event."""
    event = entry(made(replace(english(), event=DAYS)))
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (
        date(2026, 12, 1),
        date(2026, 12, 4),
    )


def test_a_moved_event_is_the_same_one_with_a_higher_sequence() -> None:
    """RFC 5545, 3.8.7.4: that is how calendars take it over; every language is the same event."""
    release = invitation("advisory-en.md")
    first, second = entry(made(release, 1)), entry(made(replace(release, language="fr"), 2))
    assert first["uid"] == second["uid"]
    assert first["uid"].endswith("@press.example.org")
    assert first["sequence"] < second["sequence"]
    edition = edition_of(release)
    french = replace(edition, url=f"{edition.url}/fr")
    assert entry(ics(release, french, STAMP))["uid"] == first["uid"]


def test_a_withdrawn_event_is_cancelled_without_a_word_of_it() -> None:
    """RFC 5546, 3.2.5; D4."""
    release = invitation("advisory-en.md")
    data = cancelled(replace(edition_of(release), revision=3, withdrawn=True), STAMP)
    event = entry(data)
    assert (event["status"], event["uid"]) == ("CANCELLED", entry(made(release))["uid"])
    assert event["sequence"] > 3 and b"METHOD:CANCEL" in data
    assert "summary" not in event and b"Tide House" not in data


def test_no_event_no_file() -> None:
    """A release without an event has none."""
    with pytest.raises(ValueError):
        made(english())


@given(st.text(max_size=200), st.text(min_size=1, max_size=200))
@example("North\\New Wing, room; 2", "\\N")
def test_any_words_survive(headline: str, place: str) -> None:
    """RFC 5545, 3.1 and 3.3.11: folding and escaping lose nothing but control characters."""
    event = replace(DAYS, place=(place,))
    data = made(replace(english(), headline=headline, event=event))
    found = entry(data)

    def kept(text: str) -> str:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(c for c in lines if c in "\n\t" or not (c < " " or c == "\x7f"))

    assert str(found["summary"]) == kept(headline)
    assert str(found.get("location", "")) == kept(place)
    assert max(map(len, data.split(b"\r\n"))) <= 75
