"""Files that are no release, and encodings that are not UTF-8."""

from __future__ import annotations

from time import perf_counter

import pytest
from mailer.errors import InputError
from mailer.release import read_release

from tests.release.reading import errors, lead, read


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t\n", "a.txt", "empty"),
        (b"\xef\xbb\xbf", "a.txt", "empty"),
        (b"\xff\xfe", "a.txt", "empty"),
        (b"%PDF-1.7\n...", "a.pdf", "a PDF"),
        (b"PK\x03\x04rest", "a.docx", "Word"),
        (b"\xd0\xcf\x11\xe0rest", "a.doc", "old Word"),
        (b"{\\rtf1 text}", "a.rtf", "RTF"),
        (b"\x89PNG\r\n", "a.png", "picture"),
        (b"<!DOCTYPE html><p>x</p>", "a.html", "HTML"),
        (b"<html><body>x</body></html>", "a.txt", "HTML"),
        (b"<h1>Title</h1>\n<p>One.</p>\n<p>Two.</p>", "a.txt", "HTML"),
        (b"abc\x00\x01\x02def\x00", "a.txt", "binary"),
        (b"word " * 200_001, "a.txt", "more than any release"),
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
