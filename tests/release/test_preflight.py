"""What blocks a release and what its author is asked about."""

from __future__ import annotations

from datetime import date

import pytest
from mailer.release import check
from mailer.release.model import Severity
from mailer.release.preflight import ORDER, has_errors

from tests.release.reading import read, warnings

GOOD = (
    "# Foundation welcomes water law\n\nBrussels, 3 March 2025 – The foundation welcomes the "
    "law.\n\n"
    "{}\n\n## About Example Foundation\n\nThe Example Foundation works for water.\n\n"
    "Media contact:\n\nAnn Bee, ann@example.org\n"
)


def release_with(text: str) -> list[str]:
    return warnings(read(GOOD.format(text), "a.md"), date(2025, 3, 1))


def test_a_good_release_has_no_findings() -> None:
    """D1."""
    assert check(read(GOOD.format("It is good."), "a.md"), today=date(2025, 3, 1)) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("It is the the law.", "doubled_word"),
        ("It costs XX euros.", "leftover_mark"),
        ("Please [insert quote here] now.", "leftover_mark"),
        ("See http://example.org/x for more.", "insecure_link"),
        ("See [more](#) of it.", "placeholder_link"),
        ("It will do good, said Ann Bee, head of water.", "unmarked_quote"),
    ],
)
def test_warnings(text: str, code: str) -> None:
    """D16, C24 and the reader's own."""
    assert release_with(text) == [code]


@pytest.mark.parametrize(
    "text", ["He said that that is so.", "Nous nous voyons.", "Bora Bora is far.", "A wordword."]
)
def test_words_rightly_doubled(text: str) -> None:
    assert release_with(text) == []


def test_repeated_paragraph() -> None:
    text = "This is a paragraph that is long enough to be told apart from a mere phrase."
    assert release_with(f"{text}\n\n{text}") == ["repeated_paragraph"]


@pytest.mark.parametrize(
    ("front", "code"),
    [
        ("subject: FOUNDATION WELCOMES LAW", "subject_all_caps"),
        ("subject: Press release", "subject_says_only_press_release"),
        ("subject: 'Re: water law'", "subject_false_reply"),
        (f"subject: {'x' * 71}", "headline_longer_than_subject"),
    ],
)
def test_subject_rules(front: str, code: str) -> None:
    """D20, A21."""
    release = read(f"---\n{front}\n---\n" + GOOD.format("It is."), "a.md")
    assert warnings(release, date(2025, 3, 1)) == [code]


def test_a_short_subject_makes_up_for_a_long_headline() -> None:
    """D20: the subject counts."""
    text = GOOD.format("It is.").replace("# Foundation", "# " + "Very long headline " * 5)
    assert "headline_longer_than_subject" in warnings(read(text, "a.md"))
    with_subject = "---\nsubject: Law welcomed\n---\n" + text
    assert "headline_longer_than_subject" not in warnings(read(with_subject, "a.md"))


def test_errors_come_first_and_codes_in_their_order() -> None:
    release = read("THE HEADLINE IN CAPITALS\n\nSee [more](#) and the the rest.\n")
    findings = check(release)
    ranks = [ORDER.index(finding.code) for finding in findings]
    assert findings[0].severity is Severity.ERROR and has_errors(findings)
    assert ranks == sorted(ranks)
