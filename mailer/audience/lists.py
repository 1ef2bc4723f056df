"""List files of every format: each row read, brought to one form and judged.

CSV, XLSX, vCard and pasted text all end in the same rows and are judged by the same rules. A row
is taken (perhaps mended, with warnings), held (kept and shown, never written to until an officer
clears it, E9), an objection (it becomes a suppression) or rejected with its reason. Nothing is
guessed where a guess could write to the wrong person, and no row is dropped unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mailer.audience.address import AddressError, normalise
from mailer.audience.cards import Cards, begins_card
from mailer.audience.columns import FIELDS
from mailer.audience.encoding import detect_encoding
from mailer.audience.headings import MAPPABLE, Column, Remembered, Wanted, read_head
from mailer.audience.journalist import (
    Journalist,
    clean_beats,
    clean_country,
    clean_date,
    clean_language,
    clean_name,
    clean_zone,
    split_comma_name,
    split_full_name,
)
from mailer.audience.kinds import outlet_type_of
from mailer.audience.lookalikes import mixed_scripts
from mailer.audience.pasted import Pasted
from mailer.audience.sheets import Sheet, is_sheet, refuse_old_sheet
from mailer.audience.tables import Record, Source, Table
from mailer.audience.text import clean_block, clean_line
from mailer.audience.words import ASKS_OUT, BASES, OBJECTIONS, UNCERTAIN, asks_for_removal, key
from mailer.errors import InputError

__all__ = ["MAPPABLE", "Column", "ListReader", "Row", "Verdict", "read_list"]

Verdict = Literal["take", "hold", "reject", "objection"]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a list file and what becomes of it.

    `number` counts records after the header from 1, `line` is where it begins in the file (from
    1). `journalist` is None where the row is rejected. `reasons` say why it is not simply taken,
    `warnings` what was mended or is doubtful. `cells` are as they stand in the file.
    """

    number: int
    line: int
    verdict: Verdict
    journalist: Journalist | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    cells: tuple[str, ...]


def read_list(
    path: Path,
    *,
    mapping: Mapping[str, str] = MappingProxyType({}),
    remembered: Remembered = lambda titles: {},
    sheet: str = "",
    default_source: str = "",
    default_source_date: str = "",
    default_basis: str = "",
) -> ListReader:
    """Open a list file; iterate over what it gives for its rows, once, with flat memory.

    What it is, is told by its content: a spreadsheet (XLSX), cards (vCard), a table (CSV) or, of a
    `.txt` file or one without an ending, text with addresses in it. `mapping`: field to column, a
    column by its name or its number from 1; `remembered`: what was said of such column names
    before; `sheet`: of a spreadsheet. The defaults hold where the file has no such column at all;
    a row whose own cell is empty is held (E9).

    Raises InputError for a file that is no list: not readable, no text, no column of addresses,
    one field in two columns, a mapped column that is not there.
    """
    wanted = Wanted(mapping, remembered)
    source = _open(path, wanted, sheet)
    try:
        reader = ListReader(source, wanted)
    except BaseException:
        source.close()
        raise
    reader.default(source=default_source, source_date=default_source_date, basis=default_basis)
    return reader


_PASTED = ("", ".txt", ".text")
"""Endings of files that are text unless they have a row of column names."""


def _open(path: Path, wanted: Wanted, sheet: str) -> Source:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        refuse_old_sheet(path, head)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"the file cannot be read: {reason}.", where=str(path)) from error
    if is_sheet(head):
        return Sheet(path, sheet)
    if sheet:
        raise InputError(
            "this file is no spreadsheet, so it has no sheets.",
            where=str(path),
            hint="Leave --sheet out.",
        )
    text = head.decode(detect_encoding(path), "ignore")
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and begins_card(lines[0]):
        return Cards(path)
    table = Table(path, wanted.recognised, wanted.decisive)
    named = any(
        wanted.decisive(cell) for line in lines[:10] for cell in line.split(table.delimiter)
    )
    if path.suffix.lower() in _PASTED and not named and not wanted.mapping:
        table.close()
        return Pasted(path)
    return table


class ListReader:
    """An open list file whose columns are understood.

    `header`: the column names as they stand. `columns`: field to column name; `all_columns`: every
    column, with why it was taken for what. `missing`: fields without a column. `format`: csv,
    xlsx, vcard or text; `place`: the part of the file that is read. `remarks`: what is to be told
    about the file. `header_lines`: where the header stands, (0, 0) where there is none; `step`:
    what lines are called. `encoding` and `delimiter`: as found. `bytes_read` of `bytes_total`: for
    a progress bar.
    """

    def __init__(self, source: Source, wanted: Wanted) -> None:
        head = read_head(source, wanted)
        self._source, self._pending = source, head.pending
        self.path = source.path
        self.format, self.place, self.step = source.format, source.place, source.step
        self.encoding, self.delimiter = source.encoding, source.delimiter
        self.remarks = source.remarks
        self.all_columns = head.columns
        self.header_lines = (head.first, head.last) if head.rows else (0, 0)
        self.header = tuple(column.title for column in head.columns)
        self._places = at = head.places
        self.columns: dict[str, str] = {
            column.field: column.shown for column in head.columns if column.field
        }
        named = {"first_name", "last_name"} if "name" in at else set()
        # Telephone numbers are kept where there are any; few lists have them.
        self.missing = tuple(f for f in FIELDS[:-1] if f not in at and f not in named)

    def default(self, *, source: str, source_date: str, basis: str) -> None:
        """What holds for people of a file that has no such column. Before the first row."""
        self._judge = _Judge(
            self._places,
            len(self.header),
            lossy=self.encoding.startswith(("cp", "iso")),
            source=clean_line(source),
            source_date=source_date,
            basis=basis,
        )

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def bytes_total(self) -> int:
        return self._source.bytes_total

    def close(self) -> None:
        """Close the file before its end; at the end it closes itself."""
        self._source.close()

    def read_as(self) -> dict[str, Any]:
        """How the file was read, for `lists import --json`."""
        return {
            "format": self.format,
            "place": self.place,
            "header_lines": list(self.header_lines),
        }

    def __iter__(self) -> Iterator[Row]:
        judge = self._judge.row
        number = 0
        try:
            for record in self._records():
                # A line with nothing in it is no record.
                number += bool(record.cells or record.fault)
                row = judge(number, record)
                if row is not None:
                    yield row
        finally:
            self.close()

    def _records(self) -> Iterator[Record]:
        yield from self._pending
        self._pending = ()
        read = self._source.read
        while (record := read()) is not None:
            yield record


class _Judge:
    """From records to rows; what is the same for all rows is worked out once."""

    def __init__(
        self,
        at: Mapping[str, int],
        width: int,
        *,
        lossy: bool,
        source: str,
        source_date: str,
        basis: str,
    ) -> None:
        self._width = width
        # Fields without a column read the empty cell put behind the row.
        self._at = [at.get(field, width) for field in (*FIELDS, "name")]
        self._pick = itemgetter(*self._at)
        self._lossy = lossy
        self._source = None if "source" in at else source
        self._date = None if "source_date" in at else source_date
        self._basis = None if "consent_basis" in at else basis

    def row(self, number: int, record: Record) -> Row | None:
        """The row of one record, None for a record of empty cells."""
        cells = record.cells
        if record.fault:
            return Row(number, record.line, "reject", None, (record.fault,), record.remarks, cells)
        count = len(cells)
        warnings = list(record.remarks)
        if count != self._width:
            if not any(cells):
                return None
            if count > self._width and any(cell.strip() for cell in cells[self._width :]):
                reason = f"{count} cells in a table of {self._width} columns"
                return Row(number, record.line, "reject", None, (reason,), (), cells)
            if count < self._width:
                warnings.append(f"{count} cells in a table of {self._width} columns")
        padded = (*cells[: self._width], *("",) * (self._width - count), "")
        values = list(self._pick(padded))
        # One search for all cells: few have anything in front of them.
        begins = "\n" + "\n".join(values)
        if "\n'" in begins or "\n=" in begins:
            values = [_plain(cell) for cell in values]
        if record.lost:
            warnings += self._lost(record)
        if not values[0].strip():
            if reason := record.lost.get(self._at[0], ""):
                reason = f"address: {reason}"
                return Row(number, record.line, "reject", None, (reason,), tuple(warnings), cells)
            if not record.lost and not any(cell.strip() for cell in cells):
                return None
        try:
            address = normalise(values[0])
        except AddressError as error:
            reason = f"address: {error.reason}"
            return Row(number, record.line, "reject", None, (reason,), tuple(warnings), cells)
        lost = "?" in address.email
        if lost and self._lossy:
            reason = "address: a letter was lost when the file was saved (it is “?” now)"
            return Row(number, record.line, "reject", None, (reason,), tuple(warnings), cells)
        if address.repairs:
            warnings.extend(f"address: {repair}" for repair in address.repairs)
        email = address.email
        journalist, reasons, objects = self._journalist(email, values, warnings)
        if (not email.isascii() or "xn--" in email) and (doubt := mixed_scripts(email)):
            reasons.append(f"address: {doubt}")
        if lost:
            reasons.append("address: a letter may have been lost (it is “?” now)")
        verdict: Verdict = "objection" if objects else "hold" if reasons else "take"
        return Row(number, record.line, verdict, journalist, tuple(reasons), tuple(warnings), cells)

    def _lost(self, record: Record) -> Iterator[str]:
        """A warning for each field whose cell could not be read."""
        for field, place in zip((*FIELDS, "name"), self._at, strict=True):
            if field != "email" and place in record.lost:
                yield f"{field.replace('_', ' ')}: {record.lost[place]}"

    def _journalist(
        self, email: str, values: list[str], warnings: list[str]
    ) -> tuple[Journalist, list[str], bool]:
        """(journalist, reasons against taking him, whether one is his own objection)."""
        (
            _,
            first,
            last,
            outlet,
            kind,
            beats,
            place,
            tongue,
            zone,
            said,
            origin,
            when,
            notes,
            phone,
            full,
        ) = values
        first, last = _names(first, last, full, warnings)
        country, of_country = clean_country(place)
        language, of_language = clean_language(tongue)
        timezone, of_zone = clean_zone(zone, country)
        date, of_date = clean_date(when) if self._date is None else (self._date, ())
        if of_country or of_language or of_zone or of_date:
            warnings.extend((*of_country, *of_language, *of_zone, *of_date))
        remarks = clean_block(notes) if notes else ""
        basis, against = _basis(said if self._basis is None else self._basis)
        source = _line(origin) if self._source is None else self._source
        reasons = [against] if against else []
        objects = basis in _SAID_NO
        if objects:
            reasons = [f"the list says “{_line(said)}”" if said else "the list says so"]
        else:
            doubt = _doubt_of_source(source)
            if doubt:
                reasons.append(doubt)
            if remarks and asks_for_removal(remarks):
                reasons.append(ASKS_OUT)
        journalist = Journalist(
            email,
            first,
            last,
            _line(outlet),
            outlet_type_of(_line(kind)),
            clean_beats(beats),
            country,
            language,
            timezone,
            basis,
            source,
            date,
            remarks,
            _line(phone) if any(map(str.isdigit, phone)) else "",
        )
        return journalist, reasons, objects


def _plain(cell: str) -> str:
    """A cell without what keeps spreadsheets from running it (H18): `'+48 …`, as an export of ours
    writes it, and `="007"`, as Excel's users do."""
    if cell[:1] == "'" and cell[1:2] in _FORMULA:
        return cell[1:]
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"') and '"' not in cell[2:-1]:
        return cell[2:-1]
    return cell


_FORMULA = frozenset("=+-@\t\r")
_SAID_NO = ("objected", "withdrawn")
_line = lru_cache(maxsize=32768)(clean_line)


def _names(first: str, last: str, full: str, warnings: list[str]) -> tuple[str, str]:
    cleaned_first, doubts = clean_name(first)
    warnings.extend(doubts)
    cleaned_last, doubts = clean_name(last)
    warnings.extend(doubts)
    if not cleaned_first and "," in cleaned_last:
        return split_comma_name(cleaned_last)
    if full and not cleaned_first and not cleaned_last:
        both, doubts = clean_name(full)
        warnings.extend(doubts)
        return split_full_name(both)
    return cleaned_first, cleaned_last


@lru_cache(maxsize=4096)
def _basis(text: str) -> tuple[str, str]:
    """(basis, why the row is held): "objected" or "withdrawn" for who said no."""
    words = key(text)
    if words in BASES:
        return BASES[words], ""
    shown = clean_line(text)
    if words in OBJECTIONS or asks_for_removal(shown):
        return ("withdrawn" if _WITHDRAWN.search(words) else "objected"), ""
    if not words:
        return "", "no basis is given"
    if words in UNCERTAIN or _BOUGHT.search(shown):
        return shown, f"the basis is “{shown}”"
    return shown, f"“{shown}” is not a basis that mailer knows"


@lru_cache(maxsize=32768)
def _doubt_of_source(text: str) -> str:
    words = key(text)
    if not words:
        return "no source is given"
    if words in UNCERTAIN or _BOUGHT.search(text):
        return f"the source is “{text}”"
    return ""


_WITHDRAWN = re.compile(
    r"\b(?:withdr|revo[ckg]|révoq|widerruf|zurückgezogen|wycof|cofn|retir|ritir|ingetrokken|odvol"
    r"|відклик|отозв)",
)
_BOUGHT = re.compile(
    r"\b(?:bought|purchas\w+|rented|scrap(?:ed|ing)|harvest\w+|list broker|gekauft\w*|zugekauft\w*"
    r"|achet[ée]\w*|comprad\w+|acquistat\w+|kupion\w+|zakupion\w+|gekocht\w*|aangekocht\w*"
    r"|koupen\w*|куплен\w+|придбан\w+)\b",
    re.IGNORECASE,
)
