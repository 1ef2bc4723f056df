"""Files that are no release, and encodings that are not UTF-8."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Callable
from time import perf_counter

import pytest
from fpdf import FPDF
from mailer.errors import InputError
from mailer.release import read_release
from PIL import Image

from tests.release.making import (
    Blocks,
    W,
    as_docx,
    as_html,
    as_mail,
    as_pdf,
    as_text,
    new_pdf,
    repacked,
)
from tests.release.reading import errors, lead, read


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t\n", "a.txt", "empty"),
        (b"\xef\xbb\xbf", "a.txt", "empty"),
        (b"\xff\xfe", "a.txt", "empty"),
        (b"%PDF-1.7\n...", "a.pdf", "PDF is broken"),
        (b"PK\x03\x04rest", "a.docx", "Word file is broken"),
        (b"\xd0\xcf\x11\xe0rest", "a.doc", "old Word"),
        (b"{\\rtf1 text}", "a.rtf", "RTF"),
        (b"\x89PNG\r\n", "a.png", "picture"),
        (b"<!DOCTYPE html><script>x()</script>", "a.html", "no text"),
        (b"<html><body><div>" + b"<b>" * 5000, "a.html", "nested deeper"),
        (
            b"From: a@x.example\nTo: b@x.example\nSubject: x\nMIME-Version: 1.0\n\n",
            "a.eml",
            "no text",
        ),
        ("Größe für Öl, schöner Fluß\n".encode() + "Gruß\n".encode("cp1252"), "a.txt", "two encod"),
        (b"abc\x00\x01\x02def\x00", "a.txt", "binary"),
        (b"word " * 200_001, "a.txt", "more than any release"),
        (b"word\n\n" * 3_001, "a.txt", "paragraphs, more than any release"),
        (b"\xff\xfea\x00\x00\xd8", "a.txt", "utf-16-le"),
    ],
)
def test_unreadable_files(data: bytes, name: str, words: str) -> None:
    """Bad input: one sentence with the file, what it is and what to do (exit 4)."""
    with pytest.raises(InputError) as caught:
        read_release(data, name=name)
    assert caught.value.where.startswith(name)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Zażółć gęślą jaźń – „cytat”"),
        ("utf-8-sig", "Zażółć gęślą jaźń – „cytat”"),
        ("utf-16", "Zażółć gęślą jaźń – „cytat”"),
        ("utf-16-le", "Zażółć gęślą jaźń, mówi „cytat” pani Kowalska"),
        ("utf-16-be", "Zażółć gęślą jaźń, mówi „cytat” pani Kowalska"),
        ("utf-32", "Zażółć gęślą jaźń – „cytat”"),
        ("cp1250", "Zażółć gęślą jaźń, powiedziała w środę pani minister, że będzie źle – „wciąż”"),
        ("cp1252", "Les députés ont décidé – « à l’unanimité » – d’agir très tôt, même en été"),
        ("cp1251", "Фонд опубликовал сегодня отчёт о загрязнении рек в двенадцати странах мира"),
    ],
)
def test_encodings(encoding: str, text: str) -> None:
    release = read(f"Headline\n\n{text}.\n".encode(encoding))
    assert lead(release) == f"{text}."


def test_nothing_but_a_headline_still_reads() -> None:
    """A release without body and contact is an error finding, never a failure."""
    release = read("Only a headline\n")
    assert release.headline == "Only a headline"
    assert errors(release) == ["no_body", "no_contact"]


def test_only_front_matter() -> None:
    release = read("---\ntitle: X\n---\n", "a.md")
    assert errors(release) == ["no_body", "no_contact"]


def test_only_a_long_paragraph_has_no_headline() -> None:
    release = read("This is a sentence of a text. " * 20)
    assert errors(release) == ["no_headline", "no_contact"]
    assert release.slug == "release"


@pytest.mark.parametrize("filler", ['"a b c d" ', "AB ", "Aaa Bbb, ", "[a](", "(", "*a ", "1. "])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_long_odd_paragraphs_take_no_long_time(filler: str, name: str) -> None:
    """No pattern runs away: a paragraph of 10,000 odd characters is read in a moment."""
    started = perf_counter()
    read("Headline\n\n" + filler * (10_000 // len(filler)), name)
    assert perf_counter() - started < 5


TEXT: Blocks = [
    ("title", "Rivers Fail the Test"),
    (
        "text",
        "Warsaw, 12 October 2025 – The foundation has published its report on rivers in twelve "
        "countries today, and it says that most of them fail.",
    ),
    ("text", "Media contact:\nAnn Bee\nann@example.org"),
]
OTHER: Blocks = [
    ("title", "Lakes Pass the Test"),
    (
        "text",
        "Warsaw, 13 October 2025 – The foundation has published its report on lakes in twelve "
        "countries today, and it says that most of them pass.",
    ),
]
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<w:document {W}><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>"
)


def _locked_pdf() -> bytes:
    pdf = new_pdf()
    pdf.set_font("face", size=10)
    pdf.cell(text="Words that only who has the password may read.")
    pdf.set_encryption(owner_password="owner", user_password="user")
    return bytes(pdf.output())


def _scanned_pdf() -> bytes:
    pdf = FPDF()
    pdf.add_page()
    picture = io.BytesIO()
    Image.new("L", (300, 400), 255).save(picture, "PNG")
    pdf.image(picture, 0, 0, 210)
    return bytes(pdf.output())


def _private() -> bytes:
    """A PDF whose font says of its letters only that they are private."""
    pdf = as_pdf([("text", "Nobody knows these letters at all, whoever looks at them")])
    return re.sub(rb"(<[0-9A-F]{4}> )<00([0-9A-F]{2})>", rb"\1<E0\2>", pdf)


def _bomb(**parts: bytes) -> bytes:
    return repacked(as_docx(TEXT), {f"word/{name}.xml": part for name, part in parts.items()})


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (_locked_pdf, "a.pdf", "protected by a password"),
        (_scanned_pdf, "a.pdf", "pictures of pages and no text"),
        (lambda: as_pdf([("text", "x")]), "a.pdf", "no text in the PDF"),
        (lambda: as_pdf(TEXT)[:3000], "a.pdf", "PDF is broken"),
        (lambda: as_pdf([("text", "word\n" * 5000)]), "a.pdf", "pages, more than any release"),
        (lambda: as_docx([]), "a.docx", "no text in the file"),
        (lambda: as_docx(TEXT)[:5000], "a.docx", "Word file is broken"),
        (lambda: _bomb(document=b"<x>" + b" " * 40_000_000), "a.docx", "unpacks to more"),
        (lambda: _bomb(**dict.fromkeys("abcdef", b"<x>" + b" " * 9_000_000)), "a.docx", "unpacks"),
        (lambda: _bomb(document=ENTITIES.encode()), "a.docx", "declares entities"),
        (lambda: _bomb(document=ENTITIES.encode("utf-16")), "a.docx", "declares entities"),
        (lambda: _bomb(document=b"<no xml"), "a.docx", "no XML"),
        (lambda: _bomb(document=b"<w/>"), "a.docx", "do not fit together"),
        (
            lambda: as_docx(TEXT).replace(b"word/", b"xl/w/"),
            "a.xlsx",
            "an Excel workbook",
        ),
        (
            lambda: b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            "protected by a password",
        ),
    ],
)
def test_documents_that_cannot_be_read(make: Callable[[], bytes], name: str, words: str) -> None:
    """Protected, scanned, broken, swollen: one sentence each, and what to do (exit 4)."""
    with pytest.raises(InputError) as caught:
        read_release(make(), name=name)
    assert caught.value.where == name
    assert words in caught.value.message
    assert caught.value.hint


def test_letters_that_no_font_explains() -> None:
    with pytest.raises(InputError, match="do not say which letters"):
        read_release(_private(), name="a.pdf")


@pytest.mark.parametrize("make", [as_docx, as_html, as_pdf, lambda b: as_text(b).encode()])
def test_two_releases_in_one_file(make: Callable[[Blocks], bytes]) -> None:
    """Nobody knows which was meant: both headlines are named."""
    both: Blocks = [*TEXT, ("text", "###"), ("text", "PRESS RELEASE"), *OTHER]
    with pytest.raises(InputError) as caught:
        read_release(make(both), name="a")
    assert "“Rivers Fail the Test”" in caught.value.message
    assert "“Lakes Pass the Test”" in caught.value.message


def test_two_full_articles_on_a_page() -> None:
    article = "<article><h1>{}</h1><p>" + "Some words of it that fill the page. " * 20
    page = f"<body>{article.format('The first of them')}</article>{article.format('And another')}"
    with pytest.raises(InputError, match="“The first of them” and “And another”"):
        read_release(page.encode(), name="a.html")


def test_one_release_with_a_second_heading_is_one() -> None:
    text = as_text(TEXT) + "\n###\n\nAbout Example\n\nExample looks after rivers since 1990.\n"
    assert read(text).headline == "Rivers Fail the Test"


@pytest.mark.parametrize(
    ("make", "name", "kind"),
    [
        (as_pdf, "a.docx", "a PDF"),
        (as_docx, "a.pdf", "a Word document"),
        (as_html, "a.txt", "a web page"),
        (as_mail, "a.html", "a mail"),
        (lambda b: as_text(b).encode(), "a.pdf", "plain text"),
    ],
)
def test_a_file_that_lies_about_its_type(
    make: Callable[[Blocks], bytes], name: str, kind: str
) -> None:
    """It is read as what it is, and that is told."""
    release = read(make(TEXT), name)
    assert release.headline == "Rivers Fail the Test"
    told = {finding.code: finding.message for finding in release.findings}
    assert f"is {kind};" in told["file_is_of_another_format"]


def test_a_large_picture_is_not_opened() -> None:
    """50 MB of picture cost the 50 MB of the file and no more."""
    data = repacked(as_docx(TEXT), {"word/media/p.bmp": bytes(50_000_000)}, compress=False)
    tracemalloc.start()
    try:
        release = read(data, "a.docx")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "p.bmp (50 MB)" in next(f.message for f in release.findings if f.code == "large_picture")
    assert peak < 30_000_000
