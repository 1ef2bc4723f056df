"""The order in which a page's lines are read: top to bottom, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.release.text import direction_of

if TYPE_CHECKING:
    from mailer.release.read.pdflayout import Line

_LEAST = 5
"""Lines that a column has at least; less are a table, or things side by side."""
_GUTTER = 6.0
"""Points between two columns at least."""


def in_order(lines: list[Line], rtl: bool) -> tuple[list[Line], bool]:
    """The lines of a page in reading order, each knowing its column, and whether there are several
    columns. Stretches of one line in one column are one line again."""
    if not lines:
        return [], False
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    bands, columns = _bands(sorted(lines, key=lambda line: -line.top), left, right)
    ordered: list[Line] = []
    for band in bands:
        if rtl:
            band = band[::-1]
        for column in band:
            edges = (min(line.left for line in column), max(line.right for line in column))
            for line in column:
                line.column = edges
            ordered += _rows(column)
    return ordered, columns


def _bands(lines: list[Line], left: float, right: float) -> tuple[list[list[list[Line]]], bool]:
    """Stretches of a page from top to bottom, each of one or several columns."""
    cut = _best_cut(lines, left, right)
    if cut is None:
        return [[lines]], False
    bands: list[list[list[Line]]] = []
    run: list[Line] = []
    several = False
    for line in [*lines, None]:
        if line is not None and not _crosses(line, cut):
            run.append(line)
            continue
        if run:
            rest: list[Line] = []
            sides = _sides(run, cut)
            if sides is not None:
                rest = _below(*sides)
                several = True
                one, two = sides
                for side in (one, two):
                    inner, more = _bands(side, *_edges(side))
                    if side is one:
                        bands.append([])
                    # Three columns and more are cut side by side again.
                    bands[-1] += [column for band in inner for column in band]
                    several = several or more
                if rest:
                    bands.append([rest])
            else:
                _append_plain(bands, run)
            run = []
        if line is not None:
            _append_plain(bands, [line])
    return bands, several


def _append_plain(bands: list[list[list[Line]]], lines: list[Line]) -> None:
    if bands and len(bands[-1]) == 1:
        bands[-1][0] += lines
    else:
        bands.append([list(lines)])


def _best_cut(lines: list[Line], left: float, right: float) -> float | None:
    """The place at which most lines stand in two columns of prose beside each other."""
    width = right - left
    if width < 120:
        return None
    best: tuple[int, float] | None = None
    starts = sorted({round(line.left) for line in lines if line.left > left + width * 0.2})
    for start in starts:
        cut = start - _GUTTER / 2
        if cut > right - width * 0.15:
            continue
        count, run = 0, []
        for line in [*lines, None]:
            if line is not None and not _crosses(line, cut):
                run.append(line)
                continue
            if run and _sides(run, cut) is not None:
                count += len(run)
            run = []
        if count and (best is None or count > best[0]):
            best = (count, cut)
    return best[1] if best else None


def _crosses(line: Line, cut: float) -> bool:
    return line.left < cut < line.right


def _sides(run: list[Line], cut: float) -> tuple[list[Line], list[Line]] | None:
    """The lines left and right of a cut when both are columns of prose, else None."""
    one = [line for line in run if line.right <= cut + _GUTTER / 2]
    two = [line for line in run if line.right > cut + _GUTTER / 2]
    for side in (one, two):
        # Justified lines fall into stretches, so lines are counted by their height.
        rows = len({round((line.bottom + line.top) / 4) for line in side})
        if rows < _LEAST:
            return None
        low, high = _edges(side)
        filled = sum(line.right - line.left for line in side) / (rows * max(high - low, 1.0))
        letters = sum(len(line.text) for line in side) / rows
        if filled < 0.55 or letters < 14:
            return None
    gap = min(line.left for line in two) - max(line.right for line in one)
    return (one, two) if gap >= _GUTTER else None


def _below(one: list[Line], two: list[Line]) -> list[Line]:
    """Take the lines off the end of one column that begin something new below both of them."""
    for side, other in ((one, two), (two, one)):
        end = min(line.bottom for line in other)
        for index in range(1, len(side)):
            line, before = side[index], side[index - 1]
            far = before.bottom - line.top > line.size * 0.9
            differs = abs(line.size - before.size) > before.size * 0.12
            if line.top < end and (far or differs):
                rest = side[index:]
                del side[index:]
                return rest
    return []


def _edges(lines: list[Line]) -> tuple[float, float]:
    return min(line.left for line in lines), max(line.right for line in lines)


def _rows(lines: list[Line]) -> list[Line]:
    """Lines from top to bottom, stretches at one height from the side where reading begins."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -(line.bottom + line.top)):
        middle = (line.bottom + line.top) / 2
        if rows and rows[-1][0].bottom < middle < rows[-1][0].top:
            rows[-1].append(line)
        else:
            rows.append([line])
    ordered: list[Line] = []
    for row in rows:
        rtl = direction_of(" ".join(line.text for line in row)) == "rtl"
        row.sort(key=lambda line: -line.right if rtl else line.left)
        for other in row[1:]:
            row[0].append(other)
        ordered.append(row[0])
    return ordered
