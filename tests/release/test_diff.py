"""What changed between two revisions, by structure."""

from __future__ import annotations

import pytest
from mailer.release.diff import Piece, differences
from mailer.release.model import Release
from mailer.release.read import read_release

OLD = """---
embargo: 2026-12-01T09:00:00+01:00
---
# A bridge opens after ten years

Brussels, 1 December 2026 – The bridge over the example river opens today.

It carries trams and people, and cost 12 million euros.

Work began in 2016, when the old ferry was given up for good.

“We waited long for this,” said Ada Example, mayor of Exampleville.

## Media contact

Ada Example – press@example.org
"""

MORE = "Nobody swam there any more, said the fish."
FERRY = "Work began in 2016, when the old ferry was given up for good."


def read(text: str) -> Release:
    return read_release(text.encode(), name="r.md", zone="Europe/Brussels")


def changed(*pairs: tuple[str, str]) -> list[tuple[str, str, str, str]]:
    new = OLD
    for old, text in pairs:
        assert old in new
        new = new.replace(old, text)
    found = differences(read(OLD), read(new))
    return [(each.part, each.how, each.old, each.new) for each in found]


def test_the_same_text_differs_in_nothing() -> None:
    """D12."""
    assert differences(read(OLD), read(OLD)) == []


def test_words_are_compared_within_a_paragraph() -> None:
    """D12: a corrected number is that number, not the whole paragraph."""
    found = differences(read(OLD), read(OLD.replace("12 million euros", "14 million euros")))
    [each] = found
    assert (each.part, each.how) == ("paragraph 1", "changed")
    assert [piece for piece in each.pieces if piece.which != "same"] == [
        Piece("old", "12"),
        Piece("new", "14"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "part", "how"),
    [
        ("opens after ten", "opens after eleven", "headline", "changed"),
        ("T09:00:00+01:00", "T11:00:00+01:00", "embargo", "changed"),
        ("embargo: 2026-12-01T09:00:00+01:00", "title: x", "embargo", "removed"),
        ("press@example.org", "desk@example.org", "contact 1", "changed"),
        ("Work began", f"{MORE}\n\nWork began", "paragraph 2", "added"),
        (f"{FERRY}\n\n", "", "paragraph 2", "removed"),
    ],
)
def test_each_part_is_named(old: str, new: str, part: str, how: str) -> None:
    """D12."""
    assert (part, how) in [(found[0], found[1]) for found in changed((old, new))]


def test_another_speaker_for_the_same_words_is_seen() -> None:
    """D12, D15."""
    found = changed(("said Ada Example, mayor", "said Bob Example, mayor"))
    assert any(part.startswith("quote") for part, *_ in found), found


def test_a_paragraph_of_other_words_is_removed_and_added() -> None:
    """D12: two texts with nothing in common are not woven into each other."""
    found = changed(
        ("Work began in 2016, when the old ferry was given up for good.", "Tickets: none needed.")
    )
    assert [(part, how) for part, how, *_ in found] == [
        ("paragraph 2", "added"),
        ("paragraph 2", "removed"),
    ]
