"""Twenty-eight languages in every format: the same release comes out, whatever the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from mailer.clock import to_datetime
from mailer.release.model import Release

from tests.release.languages import STORIES, Story
from tests.release.making import Blocks, as_docx, as_html, as_mail, as_pdf, as_text
from tests.release.reading import TODAY, lead, read

FORMATS: dict[str, Callable[[Blocks], bytes]] = {
    "a.txt": lambda blocks: as_text(blocks).encode(),
    "a.docx": as_docx,
    "a.html": as_html,
    "a.eml": as_mail,
}
LANGUAGES = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.language)


def _expected(story: Story, release: Release) -> None:
    assert release.language == story.language
    assert release.headline == story.headline
    assert release.dateline is not None
    assert (release.dateline.city or "").casefold() == story.city.casefold()
    assert release.dateline.date == date(2026, 11, 9)
    assert lead(release) == story.lead
    assert [block.text for block in release.body] == [story.quote]
    assert release.end_mark == story.end
    assert release.boilerplate is not None
    assert release.boilerplate.heading == story.about
    assert [block.text for block in release.boilerplate.blocks] == [story.boilerplate]
    assert [(c.name, c.email) for c in release.contacts] == [(story.person, "press@water.example")]


@LANGUAGES
@pytest.mark.parametrize("name", FORMATS)
def test_the_same_release_from_every_format(story: Story, name: str) -> None:
    """Label, dateline, end mark, boilerplate and contact as they are written in each language."""
    _expected(story, read(FORMATS[name](story.blocks()), name, today=TODAY))


@LANGUAGES
def test_the_same_release_from_a_pdf(story: Story) -> None:
    _expected(story, read(as_pdf(story.blocks(), story.script), "a.pdf", today=TODAY))


@LANGUAGES
def test_embargo_lines(story: Story) -> None:
    """D5: the instant is the one that the line names, in words of its own language."""
    release = read(as_text(story.blocks(held=True)), today=TODAY)
    assert release.embargo is not None, [f.message for f in release.findings]
    hours = {"CET": 9, "MEZ": 9, "WET": 10, "EET": 8, "SEČ": 9}
    zone = next((word for word in hours if word in story.held), "")
    places = {"fr": 9, "tr": 7, "ru": 7, "uk": 8, "he": 8, "ar": 8, "ja": 1, "zh": 2, "ko": 1}
    instant = to_datetime(release.embargo.instant)
    assert (instant.date(), instant.hour) == (
        date(2026, 11, 9),
        hours[zone] if zone else places[story.language],
    )
    assert release.headline == story.headline
