"""Reading a release file: bytes in, `Release` out. One module per format, recognisers beside them.

`read_release` raises InputError only for files that cannot be read at all or whose front matter is
broken. A text without headline, body or contact is read all the same; `preflight` says what is
missing.
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePath

from mailer.errors import InputError
from mailer.release.model import Medium, Release
from mailer.release.read import htmlbytes, markdown, plain
from mailer.release.read.assemble import assemble
from mailer.release.read.decode import MOST_BYTES, decode
from mailer.release.read.frontmatter import split
from mailer.release.read.paper import Paper
from mailer.release.read.sniff import Format, by_bytes, by_text, named
from mailer.release.read.source import Source

MOST_PARAGRAPHS = 3_000
"""Parts of a text from which it is no release; sixty pages have some 600."""


def read_release(
    data: bytes,
    *,
    name: str,
    today: date | None = None,
    zone: str = "UTC",
    default_language: str = "en",
) -> Release:
    """Read a release from a file's bytes, whatever its format.

    `name` is the file's name, used in messages and where the content leaves the format open;
    `today` fills in the year of dates without one; `zone` (IANA) is the newsroom's, used only in
    suggestions; `default_language` is taken when the text is too short to tell.

    PDFs are read by a library that may run in one thread at a time; the caller sees to that.

    Raises InputError (exit 4): empty, broken, protected or binary file, format that is not read,
    no text in it, two releases in one file, broken front matter.
    """
    paper = _paper(data, name)
    source = Source(
        paper.text,
        name,
        paper.encoding,
        today if paper.day is None else paper.day,
        zone,
        paper.language or default_language,
        paper.whole,
    )
    return assemble(source, paper)


def source_text(data: bytes, *, name: str) -> str:
    """All words of a release file as text, got another way than `read_release` gets them where
    the format allows it: for accounting and comparing.

    Raises InputError as `read_release` does.
    """
    paper = _paper(data, name)
    return paper.text if paper.whole is None else paper.whole


def _paper(data: bytes, name: str) -> Paper:
    kind = by_bytes(data, name)
    text, encoding = "", ""
    if kind is None:
        page = htmlbytes.looks_like(data) and len(data) <= htmlbytes.MOST_BYTES
        data = htmlbytes.without_pictures(data) if page else data
        most = htmlbytes.MOST_BYTES if page else MOST_BYTES
        text, encoding = decode(
            data, name, htmlbytes.declared_encoding(data) if page else None, most
        )
        kind = by_text(text, name)
    paper = _read(kind, data, text, name)
    if text:
        paper.encoding = encoding
    if len(paper.pieces) > MOST_PARAGRAPHS:
        raise InputError(
            f"the file has {len(paper.pieces):,} paragraphs, more than any release "
            f"({MOST_PARAGRAPHS:,}).",
            where=name,
            hint="Check that it is the right file.",
        )
    promised = named(name)
    if promised not in {None, kind} and {promised, kind} != {Format.MARKDOWN, Format.TEXT}:
        paper.tell(
            "file_is_of_another_format",
            f"The file is called {PurePath(name).suffix} and is "
            f"{'' if kind is Format.TEXT else 'a '}{kind.value}; it was read as what it is.",
            "Check that it is the right file.",
        )
    return paper


def _read(kind: Format, data: bytes, text: str, name: str) -> Paper:
    # Imported when they are needed: a sender never is, and should not carry PDFium.
    if kind is Format.DOCX:
        from mailer.release.read import docx

        return docx.read(data, name)
    if kind is Format.PDF:
        from mailer.release.read import pdf

        return pdf.read(data, name)
    if kind is Format.MAIL:
        from mailer.release.read import mail

        return mail.read(data, name)
    if kind is Format.HTML:
        from mailer.release.read import html

        return html.read(text, name)
    return _text(text, name, kind)


def _text(text: str, name: str, kind: Format) -> Paper:
    front, body, first_line = split(text, name)
    media: list[Medium] = []
    if kind is Format.MARKDOWN:
        pieces, placeholders, unused, media = markdown.read(body, first_line)
    else:
        pieces, placeholders, unused = plain.read(body, first_line)
    return Paper(
        text,
        pieces,
        kind.value,
        placeholders=placeholders,
        unused=unused,
        media=media,
        front=front,
    )


__all__ = ["read_release", "source_text"]
