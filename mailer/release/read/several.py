"""Two releases in one file: refused, for nobody knows which of them was meant."""

from __future__ import annotations

import re

from mailer.errors import InputError
from mailer.release.model import BlockKind
from mailer.release.read import dateline, marks
from mailer.release.read import top as tops
from mailer.release.read.pieces import Piece
from mailer.release.read.source import Source
from mailer.release.text import ends_sentence, width

_NEAR = 6
"""Pieces within which a release's dateline follows its head."""


def refuse(pieces: list[Piece], source: Source, language: str) -> None:
    """Raise InputError, both headlines named, when a second release begins below the first.

    It does where, after an end mark or contacts, a label ("PRESS RELEASE", "For immediate
    release") or a title of the first rank stands, and soon below it a lead with place and date.
    """
    start = _second(pieces, source, language)
    if start is None:
        return
    first = _headline(pieces[:start], source, language)
    second = _headline(pieces[start:], source, language)
    if not first or not second or first == second:
        return
    line = pieces[start].first
    raise InputError(
        f"there are two releases in the file: “{first}” and, from line {line} on, “{second}”.",
        where=source.name,
        hint="Save each in a file of its own.",
    )


def _second(pieces: list[Piece], source: Source, language: str) -> int | None:
    ended = prose = False
    for index, piece in enumerate(pieces):
        text = piece.text.strip()
        if ended and prose and _opens(piece) and _dated(pieces[index:], source, language):
            return index
        if marks.end_mark(piece.raw) or (prose and marks.is_contact(text) and width(text) < 120):
            ended = True
        prose = prose or (width(text) > 100 and ends_sentence(text))
    return None


def _opens(piece: Piece) -> bool:
    if piece.kind is BlockKind.SUBHEADING and piece.level == 1:
        return True
    first = piece.lines[0][1] if piece.lines else ""
    if piece.kind not in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING} or width(first) > 90:
        return False
    return marks.is_status(first) or marks.label(first) is not None


def _dated(pieces: list[Piece], source: Source, language: str) -> bool:
    """Whether a text with place and date begins within the next pieces."""
    for piece in pieces[:_NEAR]:
        text = piece.text
        if piece.kind is not BlockKind.PARAGRAPH:
            continue
        if width(text) > 60 and dateline.parse_opening(text, language, source.today):
            return True
        if any(dateline.parse_line(row, language, source.today) for _, row in piece.lines):
            return any(width(other.text) > 100 for other in pieces[:_NEAR])
    return False


def _headline(pieces: list[Piece], source: Source, language: str) -> str:
    top = tops.read(pieces, language, source.today, known_headline=None, organisations=set())
    text = top.headline.text if top.headline else ""
    return re.sub(r"\s+", " ", text).strip()[:120]
