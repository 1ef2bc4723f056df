"""The first real input, held to its correct reading point by point."""

from __future__ import annotations

import re
from datetime import date

import pytest
from mailer.release import check, read_release
from mailer.release.model import BlockKind, Severity

from tests.release.reading import SAMPLE, TODAY, expected, read, sample, warnings


def test_place_and_date_above_the_headline() -> None:
    """Point 1."""
    line, wanted = sample().dateline, expected()["dateline"]
    assert line is not None and line.date is not None
    assert (line.text, line.city, line.date.isoformat()) == (
        wanted["text"],
        wanted["city"],
        wanted["date"],
    )


def test_headline_keeps_its_capitals_and_another_is_offered() -> None:
    """Point 2; D20."""
    release, wanted = sample(), expected()
    assert release.headline == wanted["headline"]
    assert len(release.headline) == 115
    assert release.headline.isupper()
    assert release.headline_suggestion == wanted["headline_suggestion"]
    assert release.subject is None


def test_second_dateline_is_taken_off_the_lead() -> None:
    """Point 3."""
    line = sample().dateline
    assert line is not None
    assert line.repeated == expected()["dateline"]["duplicate_in_body"]


def test_differing_datelines_are_a_question_for_the_author() -> None:
    """Point 3, second half."""
    text = SAMPLE.read_text("utf-8").replace("12 Oct 2015 –", "13 Oct 2015 –")
    release = read(text)
    assert "datelines_differ" in warnings(release)
    assert release.lead is not None and release.lead.text.startswith("13 Oct 2015 – The French")


def test_lead() -> None:
    """Points 4 and 5."""
    lead = sample().lead
    assert lead is not None
    assert lead.text == expected()["lead"]
    assert len(lead.text) == 1093


def test_placeholder_links_keep_their_words_only() -> None:
    """Point 5."""
    release = sample()
    found = [
        {"text": link.text, "target": link.target, "line": link.line}
        for link in release.placeholder_links
    ]
    assert found == expected()["placeholder_links"]
    blocks = [release.lead, *release.body]
    assert not [inline for block in blocks if block for inline in block.inlines if inline.href]


def test_body_with_the_interrupted_sentence_joined() -> None:
    """Points 6 and 16."""
    release = sample()
    assert [block.text for block in release.body] == expected()["body"]
    assert all(block.kind is BlockKind.PARAGRAPH for block in release.body)
    assert release.body[4].text == expected()["joined_sentence"]["joined"]
    lengths = [len(block.text) for block in release.body]
    assert lengths == [966, 267, 549, 431, 285, 511, 288, 336, 715]


def test_footer_is_lifted_out_and_its_wordmark_is_letterhead() -> None:
    """Points 6 and 7."""
    release, wanted = sample(), expected()["removed_page_furniture"]
    (furniture,) = [removed for removed in release.removed if removed.reason == "page_furniture"]
    assert [furniture.first_line, furniture.last_line] == wanted["lines"]
    assert release.wordmark == wanted["wordmark"]
    assert release.subhead is None
    source = SAMPLE.read_text("utf-8").split("\n")
    assert furniture.text == "\n".join(source[17:32])


def test_offices() -> None:
    """Point 8."""
    found = [
        {
            "label": office.label,
            "lines": list(office.lines),
            "street": office.street,
            "postal_box": office.postal_box,
            "postcode": office.postcode,
            "city": office.city,
            "country": office.country,
            "phone": {"text": office.phone, "e164": office.phone_e164} if office.phone else None,
        }
        for office in sample().offices
    ]
    assert found == expected()["offices"]


def test_issuer_is_inferred() -> None:
    """Point 9."""
    issuer = sample().issuer
    assert issuer is not None
    assert {"name": issuer.name, "inferred": issuer.inferred} == expected()["issuer"]


def test_unmarked_quotes_are_proposed_within_their_bounds() -> None:
    """Points 10, 11 and 12."""
    release, wanted = sample(), expected()["quotes"]
    assert len(release.quotes) == len(wanted)
    for quote, other in zip(release.quotes, wanted, strict=True):
        assert quote.speaker == other["speaker"]
        assert quote.role == other["role"]
        assert quote.paragraph == other["paragraph"]
        assert quote.marked_in_source is other["marked_in_source"]
        assert quote.editor_insertion == other.get("editor_insertion")
        parts = [
            {"text_min": p.text_min, "text_max": p.text_max, "attribution": p.attribution}
            for p in quote.parts
        ]
        assert parts == other["parts"]


def test_the_text_itself_gets_no_quotation_marks() -> None:
    """Point 10: proposed and never altered."""
    release = sample()
    text = "".join(block.text for block in release.body)
    assert not re.search('["“”„«»]', text)


def test_contacts() -> None:
    """Points 13 and 14."""
    release, wanted = sample(), expected()
    assert release.contact_intro == wanted["contact_intro"]
    found = [
        {
            "name": contact.name,
            "role": contact.role,
            "email": contact.email,
            "phone": contact.phone,
            **({"role_from": contact.role_from} if contact.role_from else {}),
            **({"warning": contact.warning} if contact.warning else {}),
        }
        for contact in release.contacts
    ]
    assert found == wanted["contacts"]


def test_what_is_not_there_stays_empty() -> None:
    """Point 15."""
    release = sample()
    assert release.status_line is None
    assert release.embargo is None
    assert release.subhead is None
    assert release.boilerplate is None
    assert release.end_mark is None
    assert release.notes == ()
    assert release.links == ()


def test_language_and_direction() -> None:
    """Point 18."""
    release, wanted = sample(), expected()
    assert (release.language, release.direction) == (wanted["language"], wanted["direction"])
    assert release.encoding == wanted["encoding"]


def test_warnings_are_exactly_these_and_nothing_blocks() -> None:
    """Points 5, 14, 15 and 19; contract: the release has warnings only."""
    findings = check(sample(), today=TODAY)
    assert [finding.code for finding in findings] == expected()["warnings"]
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    placed = [f for f in findings if f.code != "no_boilerplate"]
    assert all(finding.line and finding.column for finding in placed)
    assert all(finding.suggestion for finding in findings)


def test_date_is_judged_against_the_day_handed_in() -> None:
    """Point 19."""
    assert "date_in_the_past" not in warnings(sample(), date(2015, 10, 12))
    assert "date_in_the_past" in warnings(sample(), date(2015, 10, 13))


def test_findings_point_at_the_place() -> None:
    lines = SAMPLE.read_text("utf-8").split("\n")
    for finding in check(sample(), today=TODAY):
        if finding.code == "placeholder_link":
            assert finding.line and finding.column
            assert lines[finding.line - 1][finding.column - 1] == "["
        if finding.code == "contact_address_name_mismatch":
            assert finding.line and finding.column
            assert lines[finding.line - 1][finding.column - 1 :].startswith("lyudmyla")


@pytest.mark.parametrize("name", ["release.md", "release"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_same_reading_in_other_wrappings(name: str, ends: str, encoding: str) -> None:
    """Markdown by name, other line ends, other encodings: the release is the same."""
    text = SAMPLE.read_text("utf-8").replace("\n", ends)
    other, own = read(text.encode(encoding), name), sample()
    for part in ("headline", "lead", "body", "quotes", "contacts", "offices", "dateline"):
        assert getattr(other, part) == getattr(own, part), part


def test_same_words_when_wrapped_at_72_columns() -> None:
    """Hard-wrapped paragraphs are read as paragraphs."""
    import textwrap

    rows = [
        "\n".join(textwrap.wrap(row, 72, break_long_words=False, break_on_hyphens=False)) or ""
        for row in SAMPLE.read_text("utf-8").split("\n")
    ]
    other, own = read("\n".join(rows)), sample()
    assert other.headline == own.headline
    assert [block.text for block in other.body] == [block.text for block in own.body]
    assert other.quotes == own.quotes
    assert other.contacts == own.contacts
    assert [office.postcode for office in other.offices] == ["1040", "00-580"]


def test_a_release_stripped_of_its_headline_still_reads() -> None:
    """Bad input: a release without headline is an error finding, no failure."""
    text = re.sub(r"\*\*.*?\*\*\n", "", SAMPLE.read_text("utf-8"), flags=re.S)
    release = read(text)
    assert release.headline == ""
    assert release.slug == "release"
    assert release.lead is not None and release.lead.text == expected()["lead"]
    found = [f.code for f in check(release) if f.severity is Severity.ERROR]
    assert found == ["no_headline"]


def test_reading_twice_gives_the_same() -> None:
    data = SAMPLE.read_bytes()
    assert read_release(data, name="a.txt") == read_release(data, name="a.txt")
