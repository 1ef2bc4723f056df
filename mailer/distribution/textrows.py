"""Rows as text: CSV that no spreadsheet runs, JSON Lines (H18); files of personal data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from mailer.distribution.files import created, temporary
from mailer.errors import UsageError

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(cell: Any) -> Any:
    """A CSV cell that no spreadsheet takes for a formula (OWASP CSV Injection)."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list | tuple | dict):
        return defused(as_json(cell))
    return cell


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as lines of a CSV file (RFC 4180, with LF), as they come."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_table(rows: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> Iterator[str]:
    """A header and the rows, defused; the first row says which keys there are, `keys` only when
    there is none."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is not None:
        keys = list(first)
    all_rows = chain([first] if first is not None else [], iterator)
    yield from csv_lines([keys])
    yield from csv_lines([defused(row.get(key)) for key in keys] for row in all_rows)


def as_json(value: Any) -> str:
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, default=str, separators=(", ", ": "))


def write_private(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a file of personal data: whole or not at all, for its owner only; how many chunks.

    Raises UsageError when it cannot be written there.
    """
    if path.is_dir():
        raise UsageError("This is a folder.", where=str(path), hint="Name a file with --out.")
    count = 0
    with temporary(path) as part:
        try:
            with created(part) as file:
                for chunk in chunks:
                    file.write(chunk)
                    count += 1
            part.replace(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            reason = (error.strerror or "error").lower()
            raise UsageError(f"The file cannot be written: {reason}.", where=str(path)) from None
    return count
