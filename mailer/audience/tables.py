"""Records of a CSV file as programs and people really write them, one at a time.

Memory stays flat whatever the file's size. A record that cannot be read is given as such, with
its line, and reading goes on behind it: one open quotation mark must not swallow a list.
"""

from __future__ import annotations

import csv
import io
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mailer.audience.encoding import detect_encoding
from mailer.errors import InputError

__all__ = ["Lines", "Record", "Source", "Table"]

# Characters of one line, and lines of one record: more is a quotation mark that nobody closed.
_LINE_MOST = 1 << 20
_LINES_MOST = 300
# Lines by which the delimiter is found: titles that people put above the column names included.
_LINES_FOR_DELIMITER = 10
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line or row it begins in (from 1), its cells, and why it cannot be used ("").

    `remarks` tell what was doubtful about reading it; `lost` says of single cells, by their place
    from 0, why what stands in them could not be read.
    """

    line: int
    cells: tuple[str, ...]
    fault: str = ""
    remarks: tuple[str, ...] = ()
    lost: Mapping[int, str] = field(default_factory=dict)


class Source(Protocol):
    """An open list file of any format, read once from its begin to its end.

    `fields`: what the cells of each record mean, where the format says it itself; () where a row
    of column names has to. `place`: which part of the file is read ("sheet “Press”"), "" the whole;
    `remarks`: what is to be told about that. `step`: what lines are called.
    """

    path: Path
    encoding: str
    delimiter: str
    format: str
    place: str
    remarks: tuple[str, ...]
    step: str
    fields: tuple[str, ...]
    bytes_total: int

    @property
    def bytes_read(self) -> int: ...

    def read(self) -> Record | None:
        """The next record, an empty one included; None at the end. Raises InputError."""

    def expect(self, width: int) -> None:
        """From now on records have so many cells."""

    def close(self) -> None: ...


class Lines(ABC):
    """What formats share that are read line by line: an open file, and its records one by one."""

    place = ""
    delimiter = ""
    step = "line"
    remarks: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoding = detect_encoding(path)
        self.bytes_total = path.stat().st_size
        self._file = path.open("rb")
        self._records = self._read()

    @property
    def bytes_read(self) -> int:
        """Octets of the file read so far; at most one buffer ahead of the records given."""
        return self.bytes_total if self._file.closed else self._file.tell()

    def expect(self, width: int) -> None:  # noqa: B027 (each record says itself what it holds)
        """Nothing to do: there are no columns."""

    def close(self) -> None:
        """Close the file; reading again is not possible."""
        self._file.close()

    def read(self) -> Record | None:
        """The next record; None at the end. Raises InputError."""
        try:
            return next(self._records, None)
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise InputError(
                f"the file could not be read to its end: {reason}.", where=str(self.path)
            ) from error

    @abstractmethod
    def _read(self) -> Iterator[Record]:
        """The records of `_file`, an open file of octets."""


class Table:
    """An open CSV file.

    `recognised` says whether a cell names a column that is wanted, `decisive` whether it is the
    one a header must have: the delimiter is the one by which most are known, or by which an
    address stands in a cell of its own. Raises InputError for a file that cannot be read, is
    empty or is no text.
    """

    format = "csv"
    place = ""
    step = "line"
    remarks: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def __init__(
        self, path: Path, recognised: Callable[[str], bool], decisive: Callable[[str], bool]
    ) -> None:
        self.path = path
        self.encoding = detect_encoding(path)
        try:
            self._file = path.open("rb")
            self.bytes_total = path.stat().st_size
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise InputError(f"the file cannot be read: {reason}.", where=str(path)) from error
        self._text = io.TextIOWrapper(
            self._file, encoding=self.encoding, errors="replace", newline=""
        )
        self._line = 0
        self._held: list[str] = []
        self._back: deque[str] = deque()
        self.delimiter = self._find_delimiter(recognised, decisive)
        self._strict = csv.reader(_Feed(self), delimiter=self.delimiter, strict=True)
        self._lenient = csv.reader(_Feed(self), delimiter=self.delimiter)
        self._width = 0

    @property
    def bytes_read(self) -> int:
        """Octets of the file read so far; at most one buffer ahead of the records given."""
        return self.bytes_total if self._file.closed else self._file.tell()

    def expect(self, width: int) -> None:
        """From now on records have so many cells: by that two that run into one are told."""
        self._width = width

    def close(self) -> None:
        """Close the file; reading again is not possible."""
        self._text.close()

    def read(self) -> Record | None:
        """The next record; None at the end."""
        try:
            return self._next()
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise InputError(
                f"the file could not be read to its end: {reason}.",
                where=f"{self.path}, line {self._line}",
            ) from error

    def feed(self) -> str:
        """The next line for the reader; StopIteration at the end, OverflowError past all bounds."""
        line = self._piece()
        if not line:
            raise StopIteration
        held = self._held
        held.append(line)
        self._line += 1
        if len(held) > _LINES_MOST or len(line) >= _LINE_MOST:
            raise OverflowError
        return line

    def _piece(self) -> str:
        """The next line, or a part of one past all bounds; "" at the end."""
        return self._back.popleft() if self._back else self._text.readline(_LINE_MOST)

    def _next(self) -> Record | None:
        held = self._held
        held.clear()
        line = self._line + 1
        try:
            cells = next(self._strict, None)
        except OverflowError:
            return self._give_up(line)
        except csv.Error as error:
            if len(held) > 1 or "end of data" in str(error) or "limit" in str(error):
                return self._give_up(line)
            # One line with quotation marks in odd places: read as spreadsheets do.
            self._push_back(0)
            held.clear()
            try:
                cells = next(self._lenient, None)
            except (csv.Error, OverflowError):
                return self._give_up(line)
        if cells is None:
            return None
        if len(held) > 1 and self._swallowed():
            return self._give_up(line)
        return Record(line, tuple(cells))

    def _swallowed(self) -> bool:
        """Whether one cell holds what are clearly further records.

        A line end inside a cell is nothing unusual; a cell with a whole line of cells in it is.
        """
        needed = max(self._width - 2, 1)
        *middle, last = self._held[1:]
        inside = [*middle, last.partition('"')[0]]
        return any(text.count(self.delimiter) >= needed and "@" in text for text in inside)

    def _give_up(self, line: int) -> Record:
        """The first line of what was read as one record is refused, the rest read anew."""
        first = self._held[0]
        overlong = len(first) >= _LINE_MOST
        self._push_back(1)
        if overlong:
            rest = first
            while rest and rest[-1] not in "\r\n":
                rest = self._piece()
            return Record(line, (first[:1000],), "the line is too long")
        if '"' not in first:
            return Record(line, (first[:1000].rstrip("\r\n"),), "a cell is too long")
        return Record(
            line, (first[:1000].rstrip("\r\n"),), "a quotation mark is opened and never closed"
        )

    def _push_back(self, start: int) -> None:
        rest = self._held[start:]
        self._back.extendleft(reversed(rest))
        self._line -= len(rest)

    def _peek(self, count: int) -> list[str]:
        lines: list[str] = []
        while len(lines) < count and (line := self._text.readline(_LINE_MOST)):
            lines.append(line)
        self._back.extend(lines)
        return lines

    def _find_delimiter(
        self, recognised: Callable[[str], bool], decisive: Callable[[str], bool]
    ) -> str:
        lines = self._peek(_LINES_FOR_DELIMITER * 2)
        if lines and (said := _SAID.fullmatch(lines[0].strip())):
            self._back.popleft()
            self._line += 1
            return said[1] or "\t"

        def score(delimiter: str) -> tuple[bool, int, bool, int]:
            best = (False, 0, False, 0)
            for line in lines[:_LINES_FOR_DELIMITER]:
                try:
                    cells = next(csv.reader([line], delimiter=delimiter), [])
                except csv.Error:
                    continue
                known = sum(map(recognised, cells))
                alone = any(_ADDRESS.fullmatch(cell) for cell in cells)
                best = max(best, (any(map(decisive, cells)), known, alone, len(cells)))
            return best

        return max(_DELIMITERS, key=score)


_ADDRESS = re.compile(r"\s*[^\s@,;|<>]+@[^\s@,;|<>]+\.[^\s@,;|<>]+\s*")
# Excel's own way to say which delimiter a file has, as its first line.
_SAID = re.compile(r'"?sep=(.?)"?', re.IGNORECASE)


class _Feed:
    """Lines for csv.reader, which can be asked on after an error."""

    def __init__(self, table: Table) -> None:
        self._feed = table.feed

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._feed()
