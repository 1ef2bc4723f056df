"""Letters of Arabic and Hebrew pages in the order they are read in.

A PDF says where a glyph stands, not when it is read. PDFium guesses the order from that of the
contents and is often wrong where a printer wrote glyph by glyph. Here it is taken from the places
alone: from the right, figures and foreign words turned round, as the bidirectional algorithm
(UAX 9) would have laid them out.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from mailer.release.text import direction_of

if TYPE_CHECKING:
    from mailer.release.read.pdflayout import Char

_SEPARATORS = frozenset(".,:/-")
_WIDE, _NARROW = 1.6, 0.12
"""Gaps, as shares of a line's height: one that parts columns, one that stands for a space."""


def logical(chars: list[Char], space: Char, end: Char) -> list[Char]:
    """The letters of a page in reading order, `end` behind each stretch of a line and `space`
    where a gap stands for one. Pages that run from the left come back as they are."""
    # Spaces are often not where they seem to be: gaps say more.
    drawn = [char for char in chars if char.right > char.left and char.text.strip()]
    if direction_of("".join(char.text for char in drawn)) != "rtl":
        return chars
    ordered: list[Char] = []
    for row in _rows(drawn):
        for stretch in _stretches(row, space):
            ordered += [*_read(stretch), end]
    return ordered


def _rows(chars: list[Char]) -> list[list[Char]]:
    """Letters by line, from the top; each from the right, vowel signs behind their letters."""
    rows: list[list[Char]] = []
    bases = [char for char in chars if not _is_mark(char)]
    for char in sorted(bases, key=lambda char: -(char.bottom + char.top)):
        middle = (char.bottom + char.top) / 2
        home = next((r for r in rows[-3:] if r[0].bottom < middle < r[0].top), None)
        if home is None:
            rows.append([char])
        else:
            home.append(char)
    places = {id(char): index for index, char in enumerate(chars)}
    for row in rows:
        row.sort(key=lambda char: (-char.left, places[id(char)]))
    for mark in [char for char in chars if _is_mark(char)]:
        _attach(rows, mark)
    return rows


def _attach(rows: list[list[Char]], mark: Char) -> None:
    x, y = (mark.left + mark.right) / 2, (mark.bottom + mark.top) / 2
    near = [row for row in rows if row[0].bottom - 2 < y < row[0].top + 2]
    if not near:
        return
    row = min(near, key=lambda row: abs(row[0].bottom - mark.bottom))
    letters = [
        (abs((char.left + char.right) / 2 - x), -index)
        for index, char in enumerate(row)
        if char.text.strip() and not _is_mark(char)
    ]
    if letters:
        row.insert(-min(letters)[1] + 1, mark)


def _stretches(row: list[Char], space: Char) -> list[list[Char]]:
    """A line cut at the gaps between columns; a space where only a gap parts two words."""
    found: list[list[Char]] = [[]]
    last: Char | None = None
    for char in row:
        if last is not None and not _is_mark(char):
            height = max(last.top - last.bottom, 1.0)
            gap = last.left - char.right
            if gap > height * _WIDE:
                found.append([])
            elif gap > height * _NARROW and found[-1][-1].text.strip():
                found[-1].append(space)
        found[-1].append(char)
        last = last if _is_mark(char) else char
    return [stretch for stretch in found if any(char.text.strip() for char in stretch)]


def _read(row: list[Char]) -> list[Char]:
    """A stretch that was collected from the right as it is read."""
    if not any(_kind(char) == "R" for char in row):
        # Without a letter from the right, only a plus at the far end shows that it runs from there.
        straight = row[::-1]
        if straight[-1].text != "+":
            return straight
    ordered: list[Char] = []
    index = 0
    while index < len(row):
        kind = _kind(row[index])
        if kind not in {"L", "EN"}:
            ordered.append(row[index])
            index += 1
            continue
        end = _run(row, index)
        ordered += reversed(row[index:end])
        index = end
    return _untied(ordered)


def _run(row: list[Char], start: int) -> int:
    """The end of a run that reads from the left: a number, or foreign words with theirs."""
    end = start + 1
    while end < len(row):
        kind = _kind(row[end])
        if kind in {"L", "EN"}:
            end += 1
            continue
        if kind == "R":
            break
        after = end
        while after < len(row) and _kind(row[after]) == "N":
            after += 1
        if after == len(row):
            break
        before, following = _kind(row[end - 1]), _kind(row[after])
        single = after == end + 1 and row[end].text in _SEPARATORS
        number = before == following == "EN" and single
        if not number and following != "L":
            break
        end = after
    return end


def _untied(row: list[Char]) -> list[Char]:
    """The two letters of one glyph, such as "لا" and "لى", in their order: lam begins them all."""
    for index in range(len(row) - 1):
        one, two = row[index], row[index + 1]
        if two.text == "ل" and one.text != "ل" and one.left == two.left:
            row[index], row[index + 1] = two, one
    return row


def _kind(char: Char) -> str:
    """R, L, EN (a figure and what belongs to it) or N for what takes its side from others."""
    kind = unicodedata.bidirectional(char.text[0])
    if kind in {"R", "AL", "NSM"}:
        return "R"
    if kind in {"EN", "AN", "ET"} and char.text not in {"#", "+"}:
        return "EN"
    return "L" if kind == "L" else "N"


def _is_mark(char: Char) -> bool:
    return unicodedata.category(char.text[0]) == "Mn"
