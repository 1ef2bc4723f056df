"""What commands print: tables for people, JSON, JSON Lines and CSV for programs (H18).

Results go to stdout, everything else to stderr. Rows are streamed: a log of a million lines
takes no memory. User text is never interpreted as markup, and CSV cells that a spreadsheet would
take for a formula are defused.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

from mailer.distribution.textrows import as_json, csv_table
from mailer.distribution.words import look

_SAMPLE = 200
_GAP = "  "
_STATE_WIDTH = 12
_COLOURS = {"good": "32", "busy": "36", "waiting": "34", "bad": "31", "doubt": "33", "quiet": "2"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a listing. `weight` 0 keeps its width; others share what is left."""

    key: str
    title: str
    number: bool = False
    state: bool = False
    weight: int = 0
    least: int = 4


Rows = Iterable[Mapping[str, Any]]


def emit(
    rows: Rows,
    columns: Sequence[Column],
    format: str = "table",
    *,
    empty: str = "",
    out: TextIO | None = None,
) -> None:
    """Print rows in a format. Tables show `columns`; the other formats all keys of the rows.

    `empty` is the sentence that stands instead of a table without rows.
    """
    out = out or sys.stdout
    with ended(rows):
        _emit(rows, columns, format, empty, out)


@contextmanager
def ended(rows: Iterable[object]) -> Iterator[None]:
    """End a generator with the block, also when whoever reads our output has left: what it reads
    from is closed next."""
    try:
        yield
    finally:
        if isinstance(rows, Generator):
            rows.close()


def _emit(rows: Rows, columns: Sequence[Column], format: str, empty: str, out: TextIO) -> None:
    if format == "json":
        _emit_json(rows, out)
    elif format == "jsonl":
        for row in rows:
            out.write(as_json(row) + "\n")
    elif format == "csv":
        out.writelines(csv_table(rows, [column.key for column in columns]))
    else:
        _emit_table(iter(rows), columns, empty, out)


def document(value: Any, out: TextIO | None = None) -> None:
    """Print one JSON document."""
    (out or sys.stdout).write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def document_with(
    value: Mapping[str, Any], key: str, rows: Rows, out: TextIO | None = None
) -> None:
    """Print one JSON document whose last part, `key`, is a list of rows, streamed."""
    out = out or sys.stdout
    head = json.dumps(dict(value), ensure_ascii=False, indent=2, default=str).removesuffix("\n}")
    out.write(f"{head},\n  {json.dumps(key)}: ")
    separator = "[\n"
    for row in rows:
        out.write(f"{separator}    {as_json(row)}")
        separator = ",\n"
    out.write("[]\n}\n" if separator == "[\n" else "\n  ]\n}\n")


def line(text: str = "", *, begin: str = "", out: TextIO | None = None) -> None:
    """Print a line for a person on stdout, controls in `text` made visible.

    `begin` is a state that leads it, as its sign and word; the text after it is then folded to
    the width of the terminal, or to 80 columns.
    """
    out = out or sys.stdout
    if not begin:
        out.write(printable(text) + "\n")
        return
    gap = " " * max(1, _STATE_WIDTH - cell_len(state(begin, colour=False)))
    first, *rest = textwrap.wrap(
        printable(text), _width(out) - _STATE_WIDTH, break_long_words=False, break_on_hyphens=False
    ) or [""]
    out.write(state(begin, colour=out.isatty()) + gap + first + "\n")
    for part in rest:
        out.write(" " * _STATE_WIDTH + part + "\n")


def folded(text: str, indent: int, hanging: int, *, out: TextIO | None = None) -> None:
    """Print text folded to the terminal, or to 80 columns: `indent` columns in at first, `hanging`
    after that. No word is lost, a word longer than a line is parted."""
    out = out or sys.stdout
    parts = textwrap.wrap(
        printable(text),
        _width(out),
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        replace_whitespace=False,
        break_on_hyphens=False,
    )
    out.write("\n".join(parts) + "\n")


def state(word: str, *, colour: bool | None = None) -> str:
    """A state as its sign and word, coloured only on a terminal."""
    shown = look(word)
    text = f"{shown.sign} {shown.word}"
    if colour is None:
        colour = sys.stdout.isatty()
    return f"\x1b[{_COLOURS[shown.tone]}m{text}\x1b[0m" if colour else text


def printable(text: str) -> str:
    """Text that cannot move the cursor or hide itself: controls become their escapes."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == " " else ascii(sign)[1:-1] for sign in text
    )


def _emit_json(rows: Rows, out: TextIO) -> None:
    separator = "[\n"
    for row in rows:
        out.write(separator + "  " + as_json(row))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _emit_table(
    rows: Iterator[Mapping[str, Any]], columns: Sequence[Column], empty: str, out: TextIO
) -> None:
    sample = list(islice(rows, _SAMPLE))
    if not sample:
        if empty:
            out.write(empty + "\n")
        return
    terminal = out.isatty()
    widths = _widths(sample, columns, _width(out))
    heads = [
        _fit(column.title, width, column.number)
        for column, width in zip(columns, widths, strict=True)
    ]
    header = _GAP.join(heads).rstrip()
    out.write(f"\x1b[1m{header}\x1b[0m\n" if terminal else header + "\n")
    for row in chain(sample, rows):
        cells = []
        for column, width in zip(columns, widths, strict=True):
            cell = _fit(_text(row.get(column.key), column), width, column.number)
            if terminal and column.state and row.get(column.key):
                cell = f"\x1b[{_COLOURS[look(str(row[column.key])).tone]}m{cell}\x1b[0m"
            cells.append(cell)
        out.write(_GAP.join(cells).rstrip() + "\n")


def _width(out: TextIO) -> int:
    return shutil.get_terminal_size((80, 24)).columns if out.isatty() else 80


def _text(value: Any, column: Column) -> str:
    if value is None or value == "":
        return ""
    if column.state:
        return state(str(value), colour=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.number and isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return printable(", ".join(map(str, value)))
    return printable(str(value))


def _widths(sample: list[Mapping[str, Any]], columns: Sequence[Column], room: int) -> list[int]:
    """Each column as wide as it needs; where that is too much, the weighted ones give way."""
    widths = [
        max(
            cell_len(column.title),
            *(cell_len(_text(row.get(column.key), column)) for row in sample),
        )
        for column in columns
    ]
    over = sum(widths) + len(_GAP) * (len(columns) - 1) - room
    while over > 0:
        flexible = [
            index
            for index, column in enumerate(columns)
            if column.weight and widths[index] > column.least
        ]
        if not flexible:
            break
        widest = max(flexible, key=lambda index: widths[index] / columns[index].weight)
        widths[widest] -= 1
        over -= 1
    return widths


def _fit(text: str, width: int, right: bool) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else "…"[:width]
    gap = " " * (width - length)
    return gap + text if right else text + gap
