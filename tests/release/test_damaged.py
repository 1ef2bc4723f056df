"""Damaged files of every format are read, or refused in one sentence; nothing else comes out."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.errors import InputError
from mailer.release import read_release, source_text
from mailer.release.account import account

from tests.release.golden import FOLDER
from tests.release.languages import STORIES
from tests.release.making import as_docx, as_mail, as_pdf, repacked

_STORY = STORIES[1].blocks(held=True)
WHOLE = {
    "a.pdf": as_pdf(_STORY),
    "a.docx": as_docx(_STORY),
    "a.eml": as_mail(_STORY),
    "a.html": (FOLDER / "page-de.html").read_bytes(),
}
_CHANGES = st.lists(
    st.tuples(st.floats(0, 0.999), st.integers(0, 40), st.binary(max_size=12)),
    min_size=1,
    max_size=12,
)
_TAGS = sorted(
    {"w:p", "w:r", "w:t", "w:tbl", "w:tr", "w:tc", "w:ins", "w:del", "w:txbxContent", "w:pPr"}
    | {"w:hyperlink", "w:fldSimple", "w:drawing", "w:footnoteReference", "w:sdt", "w:object"}
)


def _read(data: bytes, name: str) -> None:
    try:
        release = read_release(data, name=name)
    except InputError as error:
        assert error.message and error.where
        return
    assert account(source_text(data, name=name), release) == []


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=_CHANGES)
def test_bytes_changed_lost_and_added(name: str, changes: list[tuple[float, int, bytes]]) -> None:
    data = WHOLE[name]
    for place, lost, added in changes:
        at = int(place * len(data))
        data = data[:at] + added + data[at + lost :]
    _read(data, name)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    swaps=st.lists(
        st.tuples(st.sampled_from(_TAGS), st.sampled_from(_TAGS)), min_size=1, max_size=3
    )
)
def test_word_files_whose_elements_stand_in_each_others_place(swaps: list[tuple[str, str]]) -> None:
    """Well-formed, and nonsense: what a broken converter writes."""
    inner = _DOCUMENT
    for one, two in swaps:
        inner = re.sub(rf"(</?){one}(?=[ />])", rf"\1{two}", inner)
    _read(repacked(WHOLE["a.docx"], {"word/document.xml": inner.encode()}), "a.docx")


def _document() -> str:
    with zipfile.ZipFile(io.BytesIO(WHOLE["a.docx"])) as archive:
        return archive.read("word/document.xml").decode()


_DOCUMENT = _document()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("picture.md", f"# Bridge opens\n\n![]({'data:image/png;base64,' + 'A' * 200_000})\n"),
        ("blocks.html", "<!-- block -->\n" * 400 + "<p>The bridge opens today.</p><p>At nine.</p>"),
        ("open.txt", "<p>The bridge opens today, says the city. " * 8_000),
        ("doctype.html", "<!DOCTYPE [" * 20_000 + "<p>The bridge opens today.</p>"),
        ("brackets.eml", f"Subject: Bridge\nContent-Type: text/html\n\n{'<' * 80_000}"),
        ("lines.txt", "\n".join(f"line {n} of the list" for n in range(30_000))),
    ],
)
def test_what_would_take_for_ever_is_read_or_refused_in_linear_time(name: str, text: str) -> None:
    """H19: whoever sends a file in cannot make a reader stand still; this test would not end."""
    with contextlib.suppress(InputError):
        read_release(text.encode(), name=name)


@pytest.mark.parametrize(
    "markup",
    [
        '<link rel=canonical href="https://a.example/r"><p><a href="http://[insert link]">x</a>',
        '<base href="http://[x"><p><a href="/report">report</a>',
        '<table><tr><td colspan="²">Lead</td><td>4</td></tr></table><p>',
        '<p><span style="font-weight:²">bold</span>',
    ],
)
def test_values_that_are_none_are_no_crash(markup: str) -> None:
    """D1, contract: never a traceback."""
    text = f"<html><body><h1>Bridge opens</h1>{markup} The bridge opens today.</body></html>"
    read_release(text.encode(), name="page.html")


def test_what_is_hidden_stays_so_however_deep_it_lies() -> None:
    """D1: scripts and hidden text are no text, also below what any page nests."""
    deep = '<script>var secret = 1</script><i style="display:none">internal</i> End of it.'
    body = "<div>" * 203 + deep + "</div>" * 203
    release = read_release(
        f"<html><body><h1>Bridge opens</h1><p>Acme opened a plant.</p>{body}</body>".encode(),
        name="page.html",
    )
    said = repr(release.body)
    assert "secret" not in said and "internal" not in said and "End of it." in said
