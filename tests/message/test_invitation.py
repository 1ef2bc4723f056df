"""The box of an event under the headline: its time for readers, who may come, the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from mailer.clock import from_datetime
from mailer.message import compile_release
from mailer.message.invitation import rows
from mailer.message.phrases import languages, phrases
from mailer.message.render import Parts
from mailer.release.model import Event, Moment

from tests.message.samples import SENDER, TEMPLATES, invitation, preview_parts, values

START = from_datetime(datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
EVENT = Event(Moment(date(2026, 7, 2), START), "Europe/Kyiv", place=("Tide House",))


def parts(name: str) -> Parts:
    """Both parts of an invitation's message."""
    return preview_parts(compile_release(invitation(name), SENDER, TEMPLATES), values())


def test_the_box_says_all_that_is_stated() -> None:
    """D9: HTML and text alike, with the file for calendars."""
    made = parts("advisory-en.md")
    url = f"{SENDER.public_url}/r/{invitation('advisory-en.md').slug}.ics"
    for part in (made.html, made.text):
        for words in (
            "Tuesday, 1 December 2026",
            "10:00–11:30 CET (UTC+01:00)",
            "09:00–10:30 UTC",
            "Tide House, gallery on the second floor",
            "https://harbour.example/live",
            "Prof. Lars Holm, University of Tromsø",
            "Seats are few. Bring your press card.",
            "rsvp@harbour.example",
            "Register by Friday, 27 November 2026",
            "The first wave, 10:45, from the gallery",
            "with interpretation",
            "Add to calendar",
            url,
        ):
            assert words in part, words
    assert made.html.index("<h1") < made.html.index("Add to calendar") < made.html.index("forty")
    assert max(len(row) for row in made.text.splitlines() if "http" not in row) <= 78


def test_what_the_text_says_itself_stands_once() -> None:
    """C: of an event read in the text the box has time and place; the rest is below."""
    made = parts("advisory-he.txt")
    assert made.html.count("אינס אוקפור") == 1
    assert "10:00–11:30 IST (UTC+02:00)" in made.html and "08:00–09:30 UTC" in made.text
    assert 'dir="ltr"' in made.html and "יום שלישי, 1 בדצמבר 2026" in made.html
    assert "הוספה ליומן" in made.html and "הוספה ליומן" in made.text


def test_a_release_without_an_event_has_no_box() -> None:
    """D9."""
    release = replace(invitation("advisory-en.md"), event=None)
    made = preview_parts(compile_release(release, SENDER, TEMPLATES), values())
    assert "calendar" not in made.html + made.text and ".event" not in made.html


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_its_labels(language: str) -> None:
    """B: no label of the box is left in English."""
    release = replace(invitation("advisory-en.md"), language=language)
    made = rows(release, phrases(language))
    assert len(made) == 8 and all(row.label and row.lines for row in made)
    if language != "en":
        assert made[1].label != "When" and "December" not in made[1].lines[0].text


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (EVENT, ["Thursday, 2 July 2026", "01:30 EEST (UTC+03:00)", "2026-07-01 22:30 UTC"]),
        (replace(EVENT, zone="UTC", start=Moment(date(2026, 7, 1), START)),
         ["Wednesday, 1 July 2026", "22:30 UTC"]),
        (replace(EVENT, start=Moment(date(2026, 7, 2))), ["Thursday, 2 July 2026"]),
        (replace(EVENT, start=Moment(date(2026, 7, 2)), end=Moment(date(2026, 7, 3))),
         ["Thursday, 2 July 2026 – Friday, 3 July 2026"]),
        (replace(EVENT, end=Moment(date(2026, 7, 3), START + 24 * 3600 * 10**6)),
         ["Thursday, 2 July 2026", "01:30 EEST (UTC+03:00)", "– Friday, 3 July 2026",
          "01:30 EEST (UTC+03:00)"]),
        (replace(EVENT, end=Moment(date(2026, 7, 3))),
         ["Thursday, 2 July 2026", "01:30 EEST (UTC+03:00)", "– Friday, 3 July 2026"]),
    ],
)  # fmt: skip
def test_times_as_readers_see_them(event: Event, lines: list[str]) -> None:
    """D2, D9: weekday, the event's zone with its offset, and UTC where it differs."""
    release = replace(invitation("advisory-en.md"), event=event)
    when = rows(release, phrases("en"))[0]
    assert [line.text for line in when.lines] == lines
