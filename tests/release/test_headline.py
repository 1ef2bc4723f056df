"""Capitals learned from the text, slugs in every script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.release.headline import suggest
from mailer.release.text import revision_hash, slugify


def test_acronyms_names_and_ordinary_words() -> None:
    texts = [
        "On Monday the NATO summit in New York heard Marie Curie-Sklodowska of the iPhone lab."
    ]
    headline = "NATO SUMMIT: MARIE CURIE-SKLODOWSKA HEARD IN NEW YORK WITH IPHONE"
    assert suggest(headline, texts) == (
        "NATO summit: Marie Curie-Sklodowska heard in New York with iPhone"
    )


def test_same_word_as_name_and_as_word() -> None:
    """Neighbours decide: the Open Dialog Foundation is open to all."""
    texts = [
        "We met the Open Dialog Foundation today. It is open to dialog. An open question is open."
    ]
    assert suggest("DOOR OPEN TO OPEN DIALOG FOUNDATION", texts) == (
        "Door open to Open Dialog Foundation"
    )


def test_possessives_numbers_and_turkish() -> None:
    assert suggest("KAZAKHSTAN'S G7 PLAN", ["They went to Kazakhstan."]) == "Kazakhstan's G7 plan"
    assert suggest("IŞIK İÇİN", ["Bir ışık için."], "tr") == "Işık için"


def test_only_capitals_are_offered_another_form() -> None:
    assert suggest("Title Case Headline", ["title case"]) is None
    assert suggest("2025", []) is None
    assert suggest("הודעה", []) is None


@given(st.text(min_size=1, max_size=200))
def test_a_slug_is_never_empty_and_always_ascii(text: str) -> None:
    slug = slugify(text)
    assert slug and slug.isascii() and len(slug) <= 80
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug == slugify(slug)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Łódź: Russia's “plan” & more", "lodz-russias-plan-more"),
        ("Über die Straße", "uber-die-strasse"),
        ("Ελλάδα", "ellada"),
        ("Москва", "moskva"),
        ("***", "release"),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug


def test_same_bytes_same_revision() -> None:
    assert revision_hash(b"x") == revision_hash(b"x") != revision_hash(b"y")
    assert len(revision_hash(b"x")) == 64
