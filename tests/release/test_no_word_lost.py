"""No format loses a word: what was written into a document is in the release, or told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.errors import InputError
from mailer.release import read_release, source_text
from mailer.release.account import account

from tests.release.making import Blocks, as_docx, as_html, as_mail, as_pdf, as_text

WORDS = {
    "LATIN": (
        "Anna water report of the and Brussels 12 March 2025 said was NATO ENDS 00-580 1040 "
        "+3225551212 a@example.org https://example.org/x Foundation « » – “ok” Über żółw права "
        "κόσμος Contact: Embargo: About ### Page 2 * _x_ <b> & [a] {{x}} 30 Seite von e.g. U.S."
    ),
    "HEBREW": "הקרן מים דוח על 12 במרץ 2025 אמרה NATO ירושלים a@example.org – ״כן״ של הנהרות",
    "ARABIC": "الأنهار لا المؤسسة 12 مارس 2025 قالت NATO بيروت a@example.org – «نعم» من تقرير",
    "CJK": "財団は 河川 報告書を 2025年3月12日 公表した。 NATO 東京 a@example.org 「はい」",
}
_PHRASES = [
    "FOR IMMEDIATE RELEASE",
    "PRESS RELEASE",
    "EMBARGOED UNTIL Monday 3 March 2025, 09:00 CET",
    "Warsaw, 12 October 2015",
    "Notes to editors",
    "About Example",
    "###",
    "Media contact:\nAnn Bee\nann@example.org\n+32 2 555 12 12",
    "OPEN DOOR",
    "Dear colleagues,",
    "From: Ann\nSent: today\nTo: Bob\nSubject: water",
    "Brussels Office\nRue de la Loi 1,\n1040 Brussels, Belgium",
]


def _blocks(script: str, pure: bool = False) -> st.SearchStrategy[Blocks]:
    """Blocks of a script's words; `pure`: without Latin ones and figures, which the maker of the
    PDFs sets in the wrong place among Hebrew and Arabic."""
    known = WORDS[script].split()
    word = st.sampled_from([w for w in known if not pure or not re.search(r"[A-Za-z\d–]", w)])
    line = st.lists(word, min_size=1, max_size=14).map(" ".join)
    phrases = [] if pure else [st.sampled_from(_PHRASES)]
    text = st.one_of(line, line.map(lambda each: each + "."), *phrases)
    several = st.lists(line, min_size=1, max_size=4)
    table = st.integers(2, 3).flatmap(
        lambda wide: st.lists(st.lists(word, min_size=wide, max_size=wide), min_size=2, max_size=4)
    )
    block = st.one_of(
        st.tuples(st.sampled_from(["title", "heading", "quote"]), line),
        st.tuples(st.just("text"), text),
        st.tuples(st.just("text"), text),
        st.tuples(st.sampled_from(["items", "numbers"]), several),
        st.tuples(st.just("table"), table),
    )
    blocks: st.SearchStrategy[Blocks] = st.lists(block, min_size=1, max_size=10)
    return blocks


FORMATS: dict[str, tuple[Callable[..., bytes], str]] = {
    "docx": (as_docx, "a.docx"),
    "html": (as_html, "a.html"),
    "mail": (as_mail, "a.eml"),
    "text mail": (lambda blocks: as_mail(blocks, both=False), "a.eml"),
    "pdf": (as_pdf, "a.pdf"),
}


def _written(blocks: Blocks) -> str:
    """The words as they were given to the maker of the document."""
    parts: list[str] = []
    for kind, value in blocks:
        rows = value if kind == "table" else [value]
        parts += [cell for row in rows for cell in ([row] if isinstance(row, str) else row)]
    return "\n".join(parts)


def _lost(blocks: Blocks, data: bytes, name: str) -> list[str]:
    try:
        release = read_release(data, name=name)
    except InputError as error:
        # Two releases, or next to nothing: refused as a whole, so nothing is lost in silence.
        assert "two releases" in error.message or "no text" in error.message
        return []
    assert account(source_text(data, name=name), release) == []
    return account(_written(blocks), release)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks=_blocks("LATIN"))
def test_every_word_is_in_the_release_or_told(kind: str, blocks: Blocks) -> None:
    make, name = FORMATS[kind]
    assert _lost(blocks, make(blocks), name) == []


@pytest.mark.parametrize("script", ["HEBREW", "ARABIC", "CJK"])
@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_word_of_other_scripts(script: str, kind: str, data: st.DataObject) -> None:
    blocks = data.draw(_blocks(script, pure=kind == "pdf" and script != "CJK"))
    make, name = FORMATS[kind]
    made = as_pdf(blocks, script) if kind == "pdf" else make(blocks)
    assert _lost(blocks, made, name) == []


def test_a_loss_would_be_seen() -> None:
    """The test can fail: words that were never written are missing."""
    blocks: Blocks = [("title", "Rivers fail the test"), ("text", "They do, says the report.")]
    assert _lost([*blocks, ("text", "extra words")], as_docx(blocks), "a.docx") == [
        "extra",
        "words",
    ]
    assert as_text(blocks).startswith("Rivers fail")
