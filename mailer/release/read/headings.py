"""Headings that their authors made by hand: short bold lines above text."""

from __future__ import annotations

from dataclasses import replace

from mailer.release.model import BlockKind
from mailer.release.read.pieces import Piece
from mailer.release.read.plain import heading_like
from mailer.release.text import ends_sentence


def bold_headings(pieces: list[Piece]) -> list[Piece]:
    """Short bold paragraphs above text are the headings that their authors meant them to be.

    Not before the text has begun: there bold marks a headline or dateline.
    """
    begun = False
    for index, piece in enumerate(pieces[:-1]):
        following = pieces[index + 1]
        title = begun and piece.kind is BlockKind.PARAGRAPH and piece.is_bold
        title = title and len(piece.lines) == 1 and heading_like(piece.text)
        if title and following.kind is not BlockKind.RULE and len(following.text) > 40:
            inlines = tuple(replace(inline, strong=False) for inline in piece.inlines)
            pieces[index] = replace(piece, kind=BlockKind.SUBHEADING, level=2, inlines=inlines)
        begun = begun or (piece.kind is BlockKind.PARAGRAPH and ends_sentence(piece.text))
    return pieces
