"""Rows of a spreadsheet (XLSX), one at a time: what a person sees in its cells, as text.

openpyxl knows the format; its cells are read from the stream, its table of strings is kept in a
temporary file, so that memory does not grow with the rows. A formula counts by the result that the
spreadsheet program saved with it. A file that unpacks to more than any list needs is refused.
"""

from __future__ import annotations

import datetime
import tempfile
import warnings
import zipfile
from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from lxml import etree
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from mailer.audience.tables import Record
from mailer.audience.text import fold
from mailer.errors import InputError

__all__ = ["Sheet", "is_sheet", "refuse_old_sheet"]

# Octets a file may unpack to: a full sheet of a million rows and twenty columns needs about 1.5 GB.
_MOST_UNPACKED = 4 << 30
# How much smaller than its content a file may be, once that is large: text packs to a tenth.
_MOST_PACKED, _LARGE = 200, 64 << 20
# What a spreadsheet program itself can hold.
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
# Rows looked at to see whether a sheet has addresses.
_ROWS_LOOKED_AT = 60


def is_sheet(head: bytes) -> bool:
    """Do these first octets begin a packed file, as an XLSX is one?"""
    return head.startswith(b"PK\x03\x04")


def refuse_old_sheet(path: Path, head: bytes) -> None:
    """Raise InputError for a file of Excel's old kind, or an encrypted one, with what to do."""
    if not head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return
    with path.open("rb") as file:
        names = file.read(16 << 20)
    if "EncryptedPackage".encode("utf-16-le") in names:
        raise InputError(
            "this spreadsheet is locked with a password, so it cannot be read.",
            where=str(path),
            hint="Open it, take the password off (File, Info, Protect), save it and import again.",
        )
    raise InputError(
        "this is a file of Excel's old kind (.xls), or not a spreadsheet at all.",
        where=str(path),
        hint="Open it in a spreadsheet program and save it as XLSX or CSV.",
    )


class Sheet:
    """One sheet of an open XLSX file; `name` picks it, else it is the first that has addresses.

    Raises InputError for a file that is damaged, locked, of another kind or far too large, and for
    a sheet that is not there.
    """

    format = "xlsx"
    encoding = "utf-8"
    delimiter = ""
    step = "row"
    fields: tuple[str, ...] = ()

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self._width = 0
        with self._told():
            self.bytes_total = path.stat().st_size
            _refuse_bomb(path)
            self._book = _Book(path)
        try:
            with self._told():
                self._sheet, self.remarks = self._pick(name)
                self.place = f"sheet “{self._sheet.title}”"
                self._stream: IO[bytes] = self._book.archive.open(self._sheet._worksheet_path)
                self._rows = _rows(self._book, self._stream)
        except BaseException:
            self._book.close()
            raise
        self._size = max(self._book.archive.getinfo(self._sheet._worksheet_path).file_size, 1)
        self._at = 0

    @property
    def bytes_read(self) -> int:
        """Octets of the file, as far as the rows read are a part of the sheet."""
        read: int = self._size if self._stream.closed else self._stream.tell()
        return int(min(self.bytes_total, self.bytes_total * read // self._size))

    def expect(self, width: int) -> None:
        """From now on rows have so many cells; what stands beyond them is told, not read."""
        self._width = width

    def close(self) -> None:
        """Close the file; reading again is not possible."""
        self._rows.close()
        self._stream.close()
        self._book.close()

    def read(self) -> Record | None:
        """The next row that holds anything; None at the end."""
        with self._told():
            for number, cells, lost in self._rows:
                self._at = number
                if not lost and not any(cells):
                    continue
                width = self._width
                remarks: tuple[str, ...] = ()
                if width and len(cells) != width:
                    beyond = any(cell.strip() for cell in cells[width:])
                    remarks = (_BEYOND,) if beyond else ()
                    cells = [*cells[:width], *[""] * (width - len(cells))]
                return Record(number, tuple(cells), "", remarks, lost)
        return None

    def _pick(self, name: str) -> tuple[ReadOnlyWorksheet, tuple[str, ...]]:
        """The sheet that is read, and what is to be told about the others."""
        sheets = self._book.sheets()
        if not sheets:
            raise InputError("there is no sheet in this file.", where=str(self.path))
        titles = [sheet.title for sheet in sheets]
        if name:
            found = [sheet for sheet in sheets if fold(sheet.title) == fold(name)]
            if not found:
                shown = ", ".join(f"“{title}”" for title in titles[:20])
                raise InputError(
                    f"there is no sheet “{name}”; the sheets are {shown}.",
                    where=str(self.path),
                    hint="Give --sheet one of these names.",
                )
            return found[0], ()
        visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
        if len(visible) == 1:
            return visible[0], ()
        having = [sheet for sheet in visible if self._has_addresses(sheet)]
        chosen = (having or visible)[0]
        others = [sheet.title for sheet in having if sheet is not chosen]
        shown = " and ".join(f"“{title}”" for title in others[:5])
        remark = f"the sheet “{chosen.title}” was read, not {shown} (--sheet NAME reads another)"
        return chosen, (remark,) if others else ()

    def _has_addresses(self, sheet: ReadOnlyWorksheet) -> bool:
        with self._book.archive.open(sheet._worksheet_path) as stream:
            rows = _rows(self._book, stream)
            for looked_at, (_, cells, _) in enumerate(rows):
                if any("@" in cell for cell in cells):
                    return True
                if looked_at > _ROWS_LOOKED_AT:
                    break
        return False

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Faults of the file as a sentence for the officer."""
        try:
            with warnings.catch_warnings():
                # Pictures, rules of colouring: nothing that a list needs.
                warnings.simplefilter("ignore")
                yield
        except InputError:
            raise
        except OSError as error:
            reason = (error.strerror or "it is damaged").lower()
            raise InputError(f"the file cannot be read: {reason}.", where=str(self.path)) from error
        except Exception as error:
            # openpyxl, zipfile and the parser have dozens of kinds for what is one to the officer.
            row = f", row {self._at + 1}" if getattr(self, "_at", 0) else ""
            raise InputError(
                "this spreadsheet is damaged, or of a kind that cannot be read.",
                where=f"{self.path}{row}",
                hint="Open it in a spreadsheet program and save it as XLSX or CSV.",
            ) from error


_BEYOND = "a cell to the right of the named columns was not read"


def _refuse_bomb(path: Path) -> None:
    """Refuse what is no XLSX, is locked, or would unpack to more than any list."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        raise InputError(
            "this packed file is damaged.",
            where=str(path),
            hint="Fetch or save it again.",
        ) from None
    names = {member.filename for member in members}
    if any(member.flag_bits & 1 for member in members):
        raise InputError(
            "this file is locked with a password, so it cannot be read.",
            where=str(path),
            hint="Save it without a password.",
        )
    if not any(name.endswith("xl/workbook.xml") for name in names):
        kind = _kind(names)
        raise InputError(
            f"this is {kind}, not a spreadsheet that can be read.",
            where=str(path),
            hint="Save the table as XLSX or CSV and import that file.",
        )
    for member in members:
        large = member.file_size > _LARGE
        if large and member.file_size > _MOST_PACKED * max(member.compress_size, 1):
            break
    else:
        if sum(member.file_size for member in members) <= _MOST_UNPACKED:
            return
    raise InputError(
        "this file unpacks to far more than a list of journalists needs; it was not opened.",
        where=str(path),
        hint="Save the table as CSV and import that file.",
    )


def _kind(names: set[str]) -> str:
    if any(name.endswith("xl/workbook.bin") for name in names):
        return "a binary spreadsheet (.xlsb)"
    if "content.xml" in names:
        return "an OpenDocument file"
    if any(name.startswith("word/") for name in names):
        return "a Word document"
    if any(name.startswith("Index/") for name in names):
        return "a Numbers file"
    return "a packed file"


class _Book(ExcelReader):  # type: ignore[misc]
    """openpyxl's reader of a workbook, with its strings in a file instead of in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), read_only=True, data_only=True, keep_links=False)
        try:
            self.read()
        except BaseException:
            self.archive.close()
            raise

    def read_strings(self) -> None:
        """Called by `read` for the table of strings."""
        self.shared_strings: Sequence[str] = ()
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as stream:
                self.shared_strings = _Strings(stream)

    def sheets(self) -> list[ReadOnlyWorksheet]:
        """The sheets with cells, in their order; charts are none."""
        return [sheet for sheet in self.wb.worksheets if isinstance(sheet, ReadOnlyWorksheet)]

    def close(self) -> None:
        self.archive.close()
        if isinstance(self.shared_strings, _Strings):
            self.shared_strings.close()


class _Strings(Sequence[str]):
    """The strings of a workbook by their number, in a temporary file without a name."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._file = tempfile.TemporaryFile(buffering=1 << 16)  # noqa: SIM115
        self._starts = array("Q", [0])
        at = 0
        for element in _elements(stream, "si"):
            text = (Text.from_tree(element).content or "").replace("x005F_", "")
            data = text.encode("utf-8", "replace")
            self._file.write(data)
            at += len(data)
            self._starts.append(at)
        self._file.flush()
        self._find = lru_cache(maxsize=16384)(self._read)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._find(number)

    def _read(self, number: int) -> str:
        start, end = self._starts[number], self._starts[number + 1]
        self._file.seek(start)
        data: bytes = self._file.read(end - start)
        return data.decode("utf-8", "replace")

    def close(self) -> None:
        self._file.close()


def _elements(stream: IO[bytes], tag: str) -> Iterator[Any]:
    """The elements of a name one after another, each let go of when the next one comes."""
    for _, element in etree.iterparse(
        stream, tag=f"{{{SHEET_MAIN_NS}}}{tag}", resolve_entities=False, no_network=True
    ):
        yield element
        element.clear()
        while (before := element.getprevious()) is not None:
            element.getparent().remove(before)


def _rows(
    book: _Book, stream: IO[bytes]
) -> Generator[tuple[int, list[str], dict[int, str]], None, None]:
    """(row number, its cells as text, what could not be read by place) of the rows of a sheet."""
    parser = WorkSheetParser(
        stream,
        book.shared_strings,
        data_only=True,
        epoch=book.wb.epoch,
        date_formats=book.wb._date_formats,
        timedelta_formats=book.wb._timedelta_formats,
    )
    for element in _elements(stream, "row"):
        number, found = parser.parse_row(element)
        parser.row_dimensions.clear()
        if number > _MOST_ROWS:
            raise ValueError("more rows than a sheet can have")
        cells: list[str] = []
        lost: dict[int, str] = {}
        for cell, source in zip(found, element, strict=True):
            place, value = cell["column"] - 1, cell["value"]
            if not 0 <= place < _MOST_COLUMNS:
                raise ValueError("more columns than a sheet can have")
            if value is None:
                if source.find(_FORMULA) is not None and source.get("t") != "str":
                    lost[place] = _NO_RESULT
                continue
            if cell["data_type"] == "e":
                lost[place] = f"the spreadsheet shows the error {value} in it"
                continue
            while len(cells) <= place:
                cells.append("")
            cells[place] = value if isinstance(value, str) else _text(value)
        if lost:
            cells.extend([""] * (max(lost) + 1 - len(cells)))
        yield number, cells, lost


_FORMULA = f"{{{SHEET_MAIN_NS}}}f"
_NO_RESULT = (
    "it holds a formula whose result was not saved (open the file in a spreadsheet program and "
    "save it)"
)


def _text(value: object) -> str:
    """A cell's value as a person would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    return str(value)
