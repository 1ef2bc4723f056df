"""Front matter in TOML and YAML: what the author states goes before what is read."""

from __future__ import annotations

import pytest
from mailer.clock import to_datetime
from mailer.errors import InputError
from mailer.release import read_release
from mailer.release.model import Kind

from tests.release.reading import body, codes, errors, lead, read, warnings

TEXT = "\nWe welcome the decision.\n\nIt was time.\n"

TOML = """+++
id = "water-2025"
kind = "statement"
title = "Statement on water"
subhead = "It was time"
subject = "Foundation welcomes water law"
language = "en-GB"
date = 2025-03-03
city = "Brussels"
embargo = 2025-03-03T09:00:00+01:00
issuer = "Example Foundation"
boilerplate = "The foundation works for **water**."

[[contacts]]
name = "Jane Doe"
role = "Head of Press"
email = "jane@example.org"
phone = "+32 2 555 12 12"
hours = "9-17"
+++
"""

YAML = """---
slug: water-2025
type: statement
headline: Statement on water
subtitle: It was time
subject: Foundation welcomes water law
lang: en-GB
date: 2025-03-03
location: Brussels
embargo: 2025-03-03T09:00
timezone: Europe/Brussels
organisation: Example Foundation
about: The foundation works for **water**.
contact:
  - name: Jane Doe
    title: Head of Press
    email: jane@example.org
    telephone: +32 2 555 12 12
    hours: 9-17
---
"""


@pytest.mark.parametrize("front", [TOML, YAML])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_all_keys(front: str, name: str) -> None:
    release = read(front + TEXT, name, zone="Europe/Brussels")
    assert (release.slug, release.kind) == ("water-2025", Kind.STATEMENT)
    assert release.headline == "Statement on water"
    assert release.subhead == "It was time"
    assert release.subject == "Foundation welcomes water law"
    assert (release.language, release.direction) == ("en-GB", "ltr")
    assert release.dateline is not None and release.dateline.date is not None
    assert (release.dateline.city, release.dateline.date.isoformat()) == ("Brussels", "2025-03-03")
    assert release.embargo is not None
    assert to_datetime(release.embargo.instant).isoformat() == "2025-03-03T08:00:00+00:00"
    assert release.embargo.zone == "Europe/Brussels"
    assert release.issuer is not None
    assert (release.issuer.name, release.issuer.inferred) == ("Example Foundation", False)
    assert release.boilerplate is not None
    assert release.boilerplate.heading == "About Example Foundation"
    (contact,) = release.contacts
    assert (contact.name, contact.role, contact.hours) == ("Jane Doe", "Head of Press", "9-17")
    assert contact.phone_e164 == "+3225551212"
    assert lead(release) == "We welcome the decision."
    assert body(release) == ["It was time."]
    assert errors(release) == []


def test_headline_repeated_in_the_text_is_shown_once() -> None:
    release = read("---\ntitle: One two\n---\n# One Two\n\nText is here.\n", "a.md")
    assert release.headline == "One two"
    assert lead(release) == "Text is here."


def test_contacts_as_plain_lines() -> None:
    release = read(
        "---\ncontacts: Jane Doe, Press <jane@example.org>\n---\n# H\n\nText is.\n", "a.md"
    )
    (contact,) = release.contacts
    assert (contact.name, contact.role, contact.email) == ("Jane Doe", "Press", "jane@example.org")


def test_a_rule_on_top_is_no_front_matter() -> None:
    release = read("---\n\nHeadline\n\nText is here.\n\n---\n")
    assert release.headline == "Headline"


def test_unknown_keys_are_kept_and_a_slip_is_pointed_out() -> None:
    release = read("---\nheadlin: X\ncolour: blue\n---\n# H\n\nText is.\n", "a.md")
    assert dict(release.metadata)["colour"] == "blue"
    (slip,) = [f for f in release.findings if f.code == "unknown_front_matter_key" and f.suggestion]
    assert (slip.line, slip.suggestion) == (2, "Did you mean 'headline'?")
    assert "unknown_front_matter_key" in warnings(release)
    assert codes(release.findings) == ["unknown_front_matter_key"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("+++\ntitle = \n+++\nx", "r.md, line 2, column 9", "not valid TOML"),
        ("\n+++\ntitle = 'x'\n[a\n+++\nx", "r.md, line 4, column 3", "not valid TOML"),
        ("+++\ntitle = 'x'\n", "r.md, line 1, column 1", "never ends"),
        ("---\ntitle: x\n\nText", "r.md, line 1, column 1", "never ends"),
        ("---\ntitle: 'x\n---\nx", "r.md, line 2, column 10", "not valid YAML"),
        ("---\ntitle: a: b\n---\nx", "r.md, line 2, column 9", "not valid YAML"),
        ("---\ntitle: a\ntitle: b\n---\nx", "r.md, line 3, column 1", "'title' stands twice"),
        ("---\ntitle: a\nheadline: b\n---\nx", "r.md, line 3, column 1", "earlier key"),
        ("---\ntitle: [a, b]\n---\nx", "r.md, line 2, column 1", "must be one text"),
        ("---\nid: Not An Id\n---\nx", "r.md, line 2, column 1", "Write 'not-an-id'"),
        ("---\nkind: poem\n---\nx", "r.md, line 2, column 1", "no kind of release"),
        ("---\ndate: soon\n---\nx", "r.md, line 2, column 1", "no date"),
        ("---\nlanguage: English!\n---\nx", "r.md, line 2, column 1", "no language code"),
        ("---\ndirection: up\n---\nx", "r.md, line 2, column 1", "no direction"),
        ("---\ncontacts: [{name: X}]\n---\nx", "r.md, line 2, column 1", "neither email nor phone"),
        ("---\ncontacts: [{nam: X}]\n---\nx", "r.md, line 2, column 1", "cannot have 'nam'"),
        ("---\ncontacts: [{email: x y}]\n---\nx", "r.md, line 2, column 1", "no email address"),
    ],
)
def test_broken_front_matter_says_where(text: str, place: str, words: str) -> None:
    """Bad input: file, line and column, and what to do (exit 4)."""
    with pytest.raises(InputError) as caught:
        read_release(text.encode(), name="r.md")
    assert caught.value.where == place
    assert words in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 4
