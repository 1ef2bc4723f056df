"""List files: every row read, brought to one form and judged.

A row is taken (perhaps mended, with warnings), held (kept and shown, never written to until an
officer clears it, E9), an objection (it becomes a suppression) or rejected with its reason.
Nothing is guessed where a guess could write to the wrong person, and no row is dropped unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mailer.audience.address import AddressError, normalise
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
from mailer.audience.tables import Record, Table
from mailer.audience.text import clean_block, clean_line, fold
from mailer.audience.words import (
    BASES,
    FIELDS,
    OBJECTIONS,
    UNCERTAIN,
    asks_for_removal,
    field_of,
    key,
)
from mailer.errors import InputError, UsageError

__all__ = ["MAPPABLE", "ListReader", "Row", "Verdict", "read_list"]

Verdict = Literal["take", "hold", "reject", "objection"]

# Fields that a column can hold; `name` is both names in one.
MAPPABLE = (*FIELDS, "name")


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
    default_source: str = "",
    default_source_date: str = "",
    default_basis: str = "",
) -> ListReader:
    """Open a list file; iterate over what it gives for its rows, once, with flat memory.

    `mapping`: field to column, a column by its name or its number from 1. The defaults hold where
    the file has no such column at all; a row whose own cell is empty is held (E9). Raises
    InputError for a file that is no list: not readable, no text, no column of addresses, one
    field in two columns, a mapped column that is not there.
    """
    return ListReader(
        path,
        mapping=mapping,
        default_source=default_source,
        default_source_date=default_source_date,
        default_basis=default_basis,
    )


class ListReader:
    """An open list file whose header is understood.

    `header`: the column names as they stand. `columns`: field to column name. `missing`: fields
    without a column. `encoding` and `delimiter`: as found. `bytes_read` of `bytes_total`: for a
    progress bar.
    """

    def __init__(
        self,
        path: Path,
        *,
        mapping: Mapping[str, str],
        default_source: str,
        default_source_date: str,
        default_basis: str,
    ) -> None:
        mapped = {fold(column) for column in mapping.values()}
        address = fold(mapping["email"]) if "email" in mapping else None

        def recognised(cell: str) -> bool:
            return bool(field_of(cell)) or fold(cell) in mapped

        def decisive(cell: str) -> bool:
            if address is None:
                return field_of(cell) == "email"
            # A column may be given by its number: then any row of names is the header.
            return fold(cell) == address or (address.isdigit() and bool(cell.strip()))

        self._table = Table(path, recognised, decisive)
        self.path = path
        self.header = tuple(clean_line(cell) for cell in self._table.header)
        self.encoding = self._table.encoding
        self.delimiter = self._table.delimiter
        try:
            at = _columns(self.header, mapping, f"{path}, line {self._table.header_line}")
        except InputError:
            self._table.close()
            raise
        self.columns: dict[str, str] = {field: self.header[place] for field, place in at.items()}
        named = {"first_name", "last_name"} if "name" in at else set()
        # Telephone numbers are kept where there are any; few lists have them.
        self.missing = tuple(f for f in FIELDS[:-1] if f not in at and f not in named)
        self._judge = _Judge(
            at,
            len(self.header),
            lossy=self.encoding.startswith(("cp", "iso")),
            source=clean_line(default_source),
            source_date=default_source_date,
            basis=default_basis,
        )

    @property
    def bytes_read(self) -> int:
        return self._table.bytes_read

    @property
    def bytes_total(self) -> int:
        return self._table.bytes_total

    def close(self) -> None:
        """Close the file before its end; at the end it closes itself."""
        self._table.close()

    def __iter__(self) -> Iterator[Row]:
        judge = self._judge.row
        for number, record in enumerate(self._table, 1):
            row = judge(number, record)
            if row is not None:
                yield row


def _columns(header: tuple[str, ...], mapping: Mapping[str, str], where: str) -> dict[str, int]:
    """The place of every field; InputError where that is not certain."""
    at: dict[str, int] = {}
    for field, column in mapping.items():
        if field not in MAPPABLE:
            raise UsageError(
                f"there is no field “{field}”.",
                where="--map",
                hint=f"The fields are {', '.join(MAPPABLE)}.",
            )
        place = _find(header, column, where)
        other = next((name for name, taken in at.items() if taken == place), "")
        if other:
            raise InputError(
                f"the column “{column}” cannot hold both {other} and {field}.",
                where="--map",
                hint="Name another column for one of them.",
            )
        at[field] = place
    mapped = set(at.values())
    for place, title in enumerate(header):
        field = field_of(title)
        if not field or place in mapped or field in mapping:
            continue
        if field == "phone" and field in at:
            continue  # of several numbers the first will do
        if field in at:
            raise InputError(
                f"two columns hold the field {field}: “{header[at[field]]}” and “{title}”.",
                where=where,
                hint=f"Say which one with --map {field}=COLUMN (its name or its number, "
                f"{at[field] + 1} or {place + 1}).",
            )
        at[field] = place
    # "Name" beside "Surname" and "Nome" beside "Cognome" are first names.
    if "name" in at and "last_name" in at and "first_name" not in at and "name" not in mapping:
        at["first_name"] = at.pop("name")
    if "email" not in at:
        raise _no_address(header, where)
    return at


def _no_address(header: tuple[str, ...], where: str) -> InputError:
    if any("@" in title for title in header):
        return InputError(
            "the first line is no row of column names, it holds an address.",
            where=where,
            hint="Put a line with the names of the columns on top (email, first_name, …).",
        )
    return InputError(
        f"no column of addresses was found; the columns are {_shown(header)}.",
        where=where,
        hint="Say which one it is with --map email=COLUMN.",
    )


def _find(header: tuple[str, ...], column: str, where: str) -> int:
    wanted = fold(column)
    found = [place for place, title in enumerate(header) if fold(title) == wanted]
    if len(found) == 1:
        return found[0]
    if not found and column.isascii() and column.isdigit() and 1 <= int(column) <= len(header):
        return int(column) - 1
    if found:
        numbers = " or ".join(str(place + 1) for place in found)
        raise InputError(
            f"more than one column is called “{column}”.",
            where=where,
            hint=f"Give its number to --map: {numbers}.",
        )
    raise InputError(
        f"there is no column “{column}”; the columns are {_shown(header)}.",
        where=where,
        hint="Give --map a name from the header, or the column's number.",
    )


def _shown(header: tuple[str, ...]) -> str:
    names = [f"“{title[:60]}”" for title in header if title]
    return ", ".join(names[:40]) + (" …" if len(names) > 40 else "")


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
        self._lossy = lossy
        self._source = None if "source" in at else source
        self._date = None if "source_date" in at else source_date
        self._basis = None if "consent_basis" in at else basis

    def row(self, number: int, record: Record) -> Row | None:
        """The row of one record, None for a record of empty cells."""
        cells = record.cells
        if record.fault:
            return Row(number, record.line, "reject", None, (record.fault,), (), cells)
        count = len(cells)
        warnings: list[str] = []
        if count != self._width:
            if not any(cells):
                return None
            if count > self._width and any(cell.strip() for cell in cells[self._width :]):
                reason = f"{count} cells in a table of {self._width} columns"
                return Row(number, record.line, "reject", None, (reason,), (), cells)
            if count < self._width:
                warnings.append(f"{count} cells in a table of {self._width} columns")
        padded = (*cells[: self._width], *("",) * (self._width - count), "")
        values = [
            _plain(cell) if cell[:1] in "'=" else cell
            for cell in (padded[place] for place in self._at)
        ]
        if not values[0].strip() and not any(cell.strip() for cell in cells):
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
        journalist, reasons, objects = self._journalist(address.email, values, warnings)
        if lost:
            reasons.append("address: a letter may have been lost (it is “?” now)")
        verdict: Verdict = "objection" if objects else "hold" if reasons else "take"
        return Row(number, record.line, verdict, journalist, tuple(reasons), tuple(warnings), cells)

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
                reasons.append("the notes say that no mail is wanted")
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
