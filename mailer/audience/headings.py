"""Where the column names of a list stand, and which column holds which field.

A list may have titles above its header, a header of up to three rows with merged cells, or none
at all. A column is known by the name above it; where that says nothing, by what stands in it.
Nothing is settled in silence: every column comes with the reason for what it was taken for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailer.audience import places
from mailer.audience.address import AddressError, normalise
from mailer.audience.columns import FIELDS, field_of
from mailer.audience.tables import Record, Source
from mailer.audience.text import clean_line, fold
from mailer.errors import InputError, UsageError

__all__ = ["MAPPABLE", "Column", "Head", "Wanted", "read_head"]

MAPPABLE = (*FIELDS, "name")
"""Fields that a column can hold; `name` is both names in one."""

_ROWS_ABOVE_HEADER = 10
_ROWS_OF_HEADER = 3
# Records by which columns without a telling name are judged, and most cells looked at for it.
_SAMPLE = 100
_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list: its number from 1, its name as it stands ("" for none), the field it
    was taken for ("" for none) and why."""

    number: int
    title: str
    field: str = ""
    why: str = ""

    @property
    def shown(self) -> str:
        """How a person calls it."""
        return self.title or f"column {self.number}"

    def as_json(self) -> dict[str, Any]:
        """The document `columns` of `lists import --json`."""
        return {
            "number": self.number,
            "column": self.title,
            "field": self.field,
            "why": self.why,
        }


Remembered = Callable[[Sequence[str]], Mapping[str, tuple[str, str]]]


class Wanted:
    """What is looked for in a header: the columns of a mapping, else those that `remembered` says
    (field to column and the reason told for it) of the names it is given, else the known names."""

    def __init__(
        self, mapping: Mapping[str, str], remembered: Remembered = lambda titles: {}
    ) -> None:
        self.mapping = dict(mapping)
        self.remembered = remembered
        self._mapped = {fold(column) for column in mapping.values()}
        self._address = fold(mapping["email"]) if "email" in mapping else None

    def recognised(self, cell: str) -> bool:
        """Does the cell name a column that is wanted?"""
        return bool(field_of(cell)) or fold(cell) in self._mapped

    def decisive(self, cell: str) -> bool:
        """Does it name the column that a header must have?"""
        if self._address is None:
            return field_of(cell) == "email"
        # A column may be given by its number: then any row of names is the header.
        return fold(cell) == self._address or (self._address.isdigit() and bool(cell.strip()))


@dataclass(frozen=True, slots=True)
class Head:
    """A list's header, understood. `rows`: how many rows it has, 0 for none; `first` and `last`:
    their lines; `pending`: the records behind it that were read already."""

    columns: tuple[Column, ...]
    rows: int
    first: int
    last: int
    pending: tuple[Record, ...]

    @property
    def places(self) -> dict[str, int]:
        """The place, from 0, of every field that has a column."""
        return {column.field: column.number - 1 for column in self.columns if column.field}


def read_head(source: Source, wanted: Wanted) -> Head:
    """The header of a source that was just opened, and the columns it makes.

    Raises InputError where there is none that has an address, where two columns claim one field,
    or where a mapped column is missing; UsageError for a mapping to no field.
    """
    if source.fields:
        return _of_format(source)
    head = _find(source, wanted)
    where = f"{source.path}, {_place(source)}{source.step} {head.last}"
    return _assign(head, wanted, where)


def _of_format(source: Source) -> Head:
    columns = [
        Column(number, field, field, "the format says so")
        for number, field in enumerate(source.fields, 1)
    ]
    return Head(tuple(columns), 0, 0, 0, ())


def _place(source: Source) -> str:
    return f"{source.place}, " if source.place else ""


def _find(source: Source, wanted: Wanted) -> Head:
    """The header's rows, its columns still without fields."""
    read: list[Record] = []
    base: int | None = None
    while len(read) < _ROWS_ABOVE_HEADER and (record := source.read()) is not None:
        if not any(cell.strip() for cell in record.cells):
            continue
        read.append(record)
        if any(map(wanted.decisive, record.cells)):
            base = len(read) - 1
            break
        if any("@" in cell for cell in record.cells):
            break
    if not read:
        raise InputError("the file is empty.", where=str(source.path))
    if base is None:
        base = _unnamed(read)
    if base is None:
        width = len(read[-1].cells)
        source.expect(width)
        at = read[-1].line
        blank = tuple(Column(number, "") for number in range(1, width + 1))
        return Head(blank, 0, at, at, (read[-1], *_sample(source, width)))
    width = len(read[base].cells)
    source.expect(width)
    rows = _group_rows(read[:base], width)
    rows.append(read[base])
    behind = read[base + 1 :]
    while len(rows) < _ROWS_OF_HEADER:
        following = behind.pop(0) if behind else source.read()
        if following is None:
            break
        if not _goes_on(following, rows):
            behind.insert(0, following)
            break
        rows.append(following)
    columns = _named(rows, max(len(record.cells) for record in rows))
    pending = (*behind, *_sample(source, len(columns)))
    return Head(columns, len(rows), rows[0].line, rows[-1].line, pending)


def _unnamed(read: Sequence[Record]) -> int | None:
    """The place of the row of column names among rows of which none names the address; None for
    a list that begins at once."""
    has_address = any("@" in cell for cell in read[-1].cells)
    above = read[:-1] if has_address else read
    if not above:
        return None
    known = [sum(map(bool, map(field_of, record.cells))) for record in above]
    filled = [sum(bool(cell.strip()) for cell in record.cells) for record in above]
    single = len(read[-1].cells) == 1
    found = [place for place in range(len(above)) if known[place] or filled[place] > 1 or single]
    # What stands alone in its row is a title. Of the others, who names most; else the first.
    best = max(found, key=lambda place: (known[place], -place), default=None)
    return 0 if best is None and not has_address else best


def _sample(source: Source, width: int) -> list[Record]:
    found: list[Record] = []
    most = max(2, min(_SAMPLE, _CELLS // max(width, 1)))
    while len(found) < most and (record := source.read()) is not None:
        found.append(record)
    return found


def _group_rows(above: Sequence[Record], width: int) -> list[Record]:
    """Rows right above the header that name groups of columns ("Contact" over three of them); a
    title over the whole table is none."""
    found: list[Record] = []
    for record in reversed(above[-(_ROWS_OF_HEADER - 1) :]):
        if sum(bool(cell.strip()) for cell in record.cells) < 2 or len(record.cells) > width * 2:
            break
        found.insert(0, record)
    return found


def _goes_on(record: Record, rows: Sequence[Record]) -> bool:
    """Is this a further row of the header: names of columns that have none yet, no address?"""
    if record.fault or any("@" in cell for cell in record.cells):
        return False
    above = _named(rows, max(len(row.cells) for row in rows))
    fresh = False
    for place, cell in enumerate(record.cells):
        field = field_of(cell)
        known = field_of(above[place].title) if place < len(above) else ""
        if cell.strip() and not field and known == "email":
            return False
        fresh = fresh or bool(field and (not known or not _filled(rows[-1], place)))
    return fresh


def _filled(record: Record, place: int) -> bool:
    return place < len(record.cells) and bool(record.cells[place].strip())


def _named(rows: Sequence[Record], width: int) -> tuple[Column, ...]:
    """The columns with their names, the lowest that says something before those above it."""
    columns = []
    spread = [_spread(row, width) for row in rows]
    for place in range(width):
        own = [clean_line(row.cells[place]) if place < len(row.cells) else "" for row in rows]
        names = [name for name in own if name]
        title = next((name for name in reversed(names) if field_of(name)), "")
        if not title and names and len(rows) > 1:
            over = [row[place] for row in spread]
            joined = (f"{names[-1]} {other}" for other in reversed(over) if other)
            title = next((name for name in joined if field_of(name)), names[-1])
        columns.append(Column(place + 1, title or (names[-1] if names else "")))
    return tuple(columns)


def _spread(record: Record, width: int) -> list[str]:
    """The cells of a row with the value of a merged cell in all it covers, as far as can be told:
    a spreadsheet keeps it in the first one."""
    found, last = [], ""
    for place in range(width):
        cell = clean_line(record.cells[place]) if place < len(record.cells) else ""
        last = cell or last
        found.append(last)
    return found


def _assign(head: Head, wanted: Wanted, where: str) -> Head:
    """The head with the fields of its columns."""
    at: dict[str, int] = {}
    why: dict[str, str] = {}
    columns = head.columns
    said = {field: (column, "--map") for field, column in wanted.mapping.items()}
    if head.rows:
        said = {**wanted.remembered([each.title for each in columns]), **said}
    for field, (column, reason) in said.items():
        if field not in MAPPABLE:
            raise UsageError(
                f"there is no field “{field}”.",
                where="--map",
                hint=f"The fields are {', '.join(MAPPABLE)}.",
            )
        place = _column_of(columns, column, where)
        other = next((name for name, taken in at.items() if taken == place), "")
        if other:
            raise InputError(
                f"the column “{column}” cannot hold both {other} and {field}.",
                where="--map",
                hint="Name another column for one of them.",
            )
        at[field], why[field] = place, reason
    mapped = set(at.values())
    for place, each in enumerate(columns):
        field = field_of(each.title)
        if not field or place in mapped or field in said:
            continue
        if field == "phone" and field in at:
            continue  # of several numbers the first will do
        if field in at:
            raise InputError(
                f"two columns hold the field {field}: “{columns[at[field]].title}” and "
                f"“{each.title}”.",
                where=where,
                hint=f"Say which one with --map {field}=COLUMN (its name or its number, "
                f"{at[field] + 1} or {place + 1}).",
            )
        at[field], why[field] = place, "its name"
    # "Name" beside "Surname" and "Nome" beside "Cognome" are first names.
    both = "name" in at and "last_name" in at
    if both and "first_name" not in at and "name" not in said:
        at["first_name"], why["first_name"] = at.pop("name"), why.pop("name")
    _by_content(head, "email" in said, at, why, where)
    if "email" not in at:
        raise InputError(
            f"no column of addresses was found; the columns are {_shown(columns)}.",
            where=where,
            hint="Say which one it is with --map email=COLUMN.",
        )
    fields = {place: field for field, place in at.items()}
    return replace(
        head,
        columns=tuple(
            replace(each, field=fields[place], why=why[fields[place]]) if place in fields else each
            for place, each in enumerate(columns)
        ),
    )


def _column_of(columns: Sequence[Column], column: str, where: str) -> int:
    wanted = fold(column)
    found = [place for place, each in enumerate(columns) if fold(each.title) == wanted]
    if len(found) == 1:
        return found[0]
    if not found and column.isascii() and column.isdigit() and 1 <= int(column) <= len(columns):
        return int(column) - 1
    if found:
        numbers = " or ".join(str(place + 1) for place in found)
        raise InputError(
            f"more than one column is called “{column}”.",
            where=where,
            hint=f"Give its number to --map: {numbers}.",
        )
    raise InputError(
        f"there is no column “{column}”; the columns are {_shown(columns)}.",
        where=where,
        hint="Give --map a name from the header, or the column's number.",
    )


def _shown(columns: Sequence[Column]) -> str:
    names = [f"“{each.title[:60]}”" for each in columns if each.title]
    if not names:
        return f"{len(columns):,}, without names"
    return ", ".join(names[:40]) + (" …" if len(names) > 40 else "")


def _by_content(
    head: Head, mapped: bool, at: dict[str, int], why: dict[str, str], where: str
) -> None:
    """Columns whose name says nothing, by what stands in them."""
    records = [record for record in head.pending if not record.fault]
    free = [place for place in range(len(head.columns)) if place not in at.values()]
    cells = {
        place: [
            text
            for record in records
            if place < len(record.cells) and (text := record.cells[place].strip())
        ]
        for place in free
    }
    named = at.get("email")
    if named is not None and not mapped:
        own = [r.cells[named] for r in records if named < len(r.cells) and r.cells[named].strip()]
        if own and not any("@" in cell for cell in own):
            # A column called "Mail" of yes and no: then another one has the addresses.
            _by_shape("email", cells, at, why, where, head.columns)
    elif named is None:
        _by_shape("email", cells, at, why, where, head.columns)
    for field in _SHAPES:
        if field != "email" and field not in at:
            _by_shape(field, cells, at, why, where, head.columns)


def _by_shape(
    field: str,
    cells: dict[int, list[str]],
    at: dict[str, int],
    why: dict[str, str],
    where: str,
    columns: Sequence[Column],
) -> None:
    fits, needed, what = _SHAPES[field]
    shares = {}
    for place, texts in cells.items():
        good = sum(map(fits, texts))
        if field == "language" and {fold(text) for text in texts} <= _ANSWERS:
            continue
        if texts and good >= needed * len(texts) and (len(texts) > 1 or field == "email"):
            shares[place] = (good, len(texts))
    if not shares:
        return
    best = max(shares, key=lambda place: (shares[place][0], -place))
    rival = next((place for place in shares if place != best), None)
    if field == "email" and rival is not None and shares[rival][0] * 2 > shares[best][0]:
        first, second = sorted((best, rival))
        raise InputError(
            f"two columns hold addresses: {columns[first].shown} and {columns[second].shown}.",
            where=where,
            hint=f"Say which one with --map email=COLUMN (its number, {first + 1} or "
            f"{second + 1}).",
        )
    good, of = shares[best]
    at[field], why[field] = best, f"{good} of its first {of} cells are {what}"
    del cells[best]


def _is_address(text: str) -> bool:
    if "@" not in text:
        return False
    try:
        normalise(text)
    except AddressError:
        return False
    return True


def _is_country(text: str) -> bool:
    # "de" and "pl" in small letters are languages.
    return (
        len(text) <= 60
        and not (len(text) == 2 and text.islower())
        and bool(places.country_code(text))
    )


def _is_language(text: str) -> bool:
    if not _TAG.fullmatch(text) or (len(text) == 2 and text.isupper()):
        return False
    return bool(places.language_tag(text)[0])


def _is_zone(text: str) -> bool:
    return "/" in text and len(text) <= 60 and bool(places.zone_name(text)[0])


def _is_phone(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return 7 <= digits <= 17 and _PHONE.fullmatch(text) is not None


# Short answers that are codes of languages too.
_ANSWERS = frozenset({"ja", "no", "si", "da", "ne", "so", "oh", "mo", "am"})
_TAG = re.compile(r"[A-Za-z]{2}(?:[-_][A-Za-z0-9]{2,8}){0,2}")
_PHONE = re.compile(r"[+(0][\d\s().\-/–+]{6,30}(?:(?:ext|x|wew|DW)\.?\s?\d{1,6})?", re.IGNORECASE)

# By which share of its cells a column is taken for a field, and what those are.
_SHAPES: dict[str, tuple[Callable[[str], bool], float, str]] = {
    "email": (_is_address, 0.5, "addresses"),
    "timezone": (_is_zone, 0.8, "time zones"),
    "country": (_is_country, 0.8, "countries"),
    "language": (_is_language, 0.8, "languages"),
    "phone": (_is_phone, 0.8, "telephone numbers"),
}
