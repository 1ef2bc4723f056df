"""What a format's reader hands to `assemble`: the pieces of a file and what became of the rest.

A text file is its own paper. Of any other file the reader sets the text out in lines (`text`), and
places in findings count those. `whole` is the file's text got some other way than the pieces were,
so that a word which the reader overlooked is missed in the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from mailer.release.model import (
    Block,
    BlockKind,
    Finding,
    Medium,
    PlaceholderLink,
    Removed,
    Severity,
)
from mailer.release.read.frontmatter import FrontMatter
from mailer.release.read.pieces import Piece

OUTSIDE = 0
"""Line number of what stands in no line of the text: a page's menu, a header, a comment."""


@dataclass(slots=True)
class Paper:
    """A file laid out for reading; see the module. `format` is its name for people.

    `headline`, `issuer`, `language` and `day` are hints, such as a mail's subject, sender and
    date: taken only where the text itself says nothing.
    """

    text: str
    pieces: list[Piece]
    format: str
    encoding: str = "utf-8"
    placeholders: list[PlaceholderLink] = field(default_factory=list)
    unused: list[Piece] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    front: FrontMatter = field(default_factory=FrontMatter)
    whole: str | None = None
    removed: list[Removed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: tuple[Block, ...] = ()
    headline: str | None = None
    issuer: str | None = None
    language: str | None = None
    day: date | None = None

    def tell(self, code: str, message: str, advice: str, line: int | None = None) -> None:
        """Add a warning about how the file was read."""
        column = None if line is None else 1
        self.findings.append(Finding(code, Severity.WARNING, message, line, column, advice))

    def leave_out(self, reason: str, texts: Iterable[str]) -> None:
        """Keep text that stands outside of the release, and say why."""
        self.removed += [
            Removed(reason, OUTSIDE, OUTSIDE, text.strip()) for text in texts if text.strip()
        ]


def laid_out(pieces: Iterable[Piece]) -> tuple[str, list[Piece]]:
    """Pieces of a file without lines, each given lines of its own, and the text of those lines.

    Every visible line takes one, an empty one parts the pieces, as an editor would show them.
    """
    rows: list[str] = []
    placed: list[Piece] = []
    for piece in pieces:
        first = len(rows) + 1
        own = _rows(piece)
        children = _numbered(piece, first)
        piece = replace(
            piece, first=first, last=first + len(own) - 1, raw="\n".join(own), children=children
        )
        placed.append(piece)
        rows += [*own, ""]
    return "\n".join(rows), placed


def _rows(piece: Piece) -> list[str]:
    if piece.children:
        return [row for child in piece.children for row in child.text.split("\n")]
    if piece.kind is BlockKind.RULE:
        return ["---"]
    return [text for _, text in piece.lines]


def _numbered(piece: Piece, first: int) -> tuple[Block, ...]:
    line = first
    children: list[Block] = []
    for child in piece.children:
        children.append(replace(child, line=line))
        line += child.text.count("\n") + 1
    return tuple(children)
