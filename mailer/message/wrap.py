"""Breaking plain text into lines by the columns that characters take on a screen.

The standard library's textwrap counts characters: Chinese or Japanese text would come out twice
as wide as asked, and without spaces it would not break at all.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

COLUMNS = 72
"""The width of the text part: leaves room for quoting within 78 (RFC 3676 section 4.2)."""


def width(text: str) -> int:
    """Columns of `text`: two for wide East Asian characters, none for combining marks."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def wrap(text: str, columns: int = COLUMNS, *, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most `columns`, the first one beginning with `first`, others with `rest`.

    Breaks at spaces and between wide characters; a word without either (an address, a URL) is
    never broken, even when it is too long. Runs of spaces become one. "\\n" in `text` is kept
    as a line break.
    """
    lines: list[str] = []
    lead = first
    for paragraph in text.split("\n"):
        lines += _fill(paragraph, columns, lead, rest)
        lead = rest
    return lines


def fold(line: str, columns: int) -> list[str]:
    """A line whose spaces mean something, cut at spaces so that it fits, the rest set in by two.

    What has no space to cut at stays as long as it is.
    """
    begin = line[: len(line) - len(line.lstrip(" "))]
    lines: list[str] = []
    while width(line) > columns:
        least = len(begin) + 2 * bool(lines)
        place = used = 0
        for index, character in enumerate(line):
            if character == " " and index > least and (used <= columns or not place):
                place = index
            used += width(character)
        if not place or not line[place:].strip():
            break
        lines.append(line[:place].rstrip())
        line = f"{begin}  {line[place:].lstrip(' ')}"
    return [*lines, line]


# Characters that may not begin a line of Chinese or Japanese text (kinsoku shori), and those
# that may not end one.
_NOT_FIRST = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー）］｝」』】〉》〕’”…‥ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_NOT_LAST = frozenset("（［｛「『【〈《〔‘“")


@lru_cache(maxsize=4096)
def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _fill(paragraph: str, columns: int, first: str, rest: str) -> list[str]:
    lines: list[str] = []
    line, used, empty, pending = first, width(first), True, ""
    for piece in _pieces(paragraph):
        if piece == " ":
            pending = " "
            continue
        size = width(piece)
        if not empty and used + len(pending) + size > columns:
            lines.append(line.rstrip())
            line, used, empty, pending = rest, width(rest), True, ""
        if empty:
            pending = ""
        line += pending + piece
        used += len(pending) + size
        empty, pending = False, ""
    lines.append(line.rstrip())
    return lines


def _pieces(paragraph: str) -> list[str]:
    """Words, single spaces, and wide characters one by one with their punctuation."""
    pieces: list[str] = []
    # Only the space breaks: a no-break space is the author's wish and stays in its word.
    for index, word in enumerate(paragraph.replace("\t", " ").split(" ")):
        if index:
            pieces.append(" ")
        if not word:
            continue
        if word.isascii() or "://" in word:
            pieces.append(word)
        else:
            pieces += _split_wide(word)
    return pieces


def _split_wide(word: str) -> list[str]:
    parts: list[str] = []
    for character in word:
        if not parts:
            parts.append(character)
            continue
        last = parts[-1][-1]
        breakable = _cell(character) == 2 or _cell(last) == 2
        glued = character in _NOT_FIRST or last in _NOT_LAST or _cell(character) == 0
        if breakable and not glued:
            parts.append(character)
        else:
            parts[-1] += character
    return parts
