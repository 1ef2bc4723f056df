"""Headings that the author wrote stand once, in place of the fixed ones."""

from __future__ import annotations

import pytest
from mailer.message import compile_release
from mailer.message.render import Parts
from mailer.release import read_release

from tests.message.samples import SENDER, TEMPLATES, preview_parts, values

TEXT = (
    "{front}# Water is clean again\n\nIt is clean, says a report.\n\n{notes}\n\n"
    "The report is out.\n\n{contacts}\n\nAnn Bee, ann@example.org\n"
)


def parts(**fields: str) -> Parts:
    texts = {"front": "", "notes": "## Notes to editors", "contacts": "## Press contact"} | fields
    release = read_release(TEXT.format(**texts).encode(), name="a.md")
    return preview_parts(compile_release(release, SENDER, TEMPLATES), values())


def test_notes_and_contacts_have_one_heading() -> None:
    """C9: never two headings that say the same."""
    made = parts()
    for part in (made.html, made.text):
        assert part.count("Notes to editors") == 1
        assert part.count("Press contact") == 1
        assert "Media contacts" not in part


@pytest.mark.parametrize("intro", ["For more detailed information, please contact:"])
def test_a_sentence_to_the_contacts_stands_below_the_heading(intro: str) -> None:
    """C21: in both parts."""
    made = parts(contacts=intro)
    for part in (made.html, made.text):
        assert part.index("Media contacts") < part.index(intro.rstrip(":"))


def test_dates_of_front_matter_are_written_out() -> None:
    """D7: 2026-11-19 is for programs."""
    made = parts(front="---\ndate: 2026-11-19\ncity: Tallinn\n---\n\n")
    for part in (made.html, made.text):
        assert "Tallinn, 19 November 2026 –" in part
        assert "2026-11-19" not in part
