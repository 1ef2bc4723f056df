"""A list file as it comes to hand: opened, its columns settled, its origin asked for.

What an officer said of columns once is remembered for every later file with the same column names
(whatever their order), used, and told. Where neither the file nor the officer says where the
people come from, a terminal is asked one question; without one the defaults hold, with a warning
(E9).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mailer.audience.lists import ListReader, read_list
from mailer.audience.text import clean_line, fold
from mailer.clock import SECOND, to_datetime
from mailer.distribution.context import Newsroom
from mailer.errors import InputError, StoreUnavailable
from mailer.store import column_maps
from mailer.store.base import Tx

__all__ = [
    "ORIGINS",
    "Asked",
    "ListFile",
    "Origin",
    "Question",
    "open_list",
    "origin_of",
    "standard_input",
]

ORIGINS = (
    ("they signed up, or said that they want our mail", "opt_in"),
    (
        "published as a press contact: masthead, the outlet's pages, conferences",
        "public_contact",
    ),
    ("we know them from our work: calls, interviews, cards", "existing_relationship"),
    ("bought, rented or collected by somebody else", "bought"),
)
"""Answers to "where do these people come from?", and the basis that goes with each. Who was bought
is kept on hold."""

# Unused columns that are named; a file may have thousands.
_MOST_UNUSED = 40


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the people of a file come from, and on which basis they may be written to; "" for
    what is not said."""

    source: str = ""
    basis: str = ""


Question = Callable[[str], Origin]
"""Asks the officer where the people of the file of that name come from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the officer says of a file. `mapping`: field to column; `sheet`: of a spreadsheet;
    `forget`: what was said of such columns before counts no more."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    forget: bool = False
    source: str = ""
    basis: str = ""


@dataclass(slots=True)
class ListFile:
    """An open list file. `warnings`: what is to be told before its first row is read."""

    reader: ListReader
    warnings: list[str]
    _asked: Asked

    def columns(self) -> list[dict[str, Any]]:
        """Which column was taken for which field and why: those taken, then the others, of many
        only the first."""
        taken = [column.as_json() for column in self.reader.all_columns if column.field]
        others = [column.as_json() for column in self.reader.all_columns if not column.field]
        return taken + others[:_MOST_UNUSED]

    def remember(self, tx: Tx, actor: str) -> None:
        """Keep what was said of the columns for the next file with the same names."""
        key = _key(self.reader.header)
        if not key:
            return
        if self._asked.forget:
            column_maps.forget(tx, key)
        if not self._asked.mapping:
            return
        names = Counter(fold(title) for title in self.reader.header)
        kept = {
            column.field: column.title
            for column in self.reader.all_columns
            if column.field
            and column.why != "its name"
            and (column.field in self._asked.mapping or column.why.startswith(_AS_FOR))
            and names[fold(column.title)] == 1
        }
        if kept:
            column_maps.keep(tx, key, kept, file=self.reader.path.name, actor=actor)


def open_list(
    room: Newsroom, path: Path, asked: Asked, question: Question | None = None
) -> ListFile:
    """Open a list file for reading. `question` is asked at most once, where it is given and
    neither the file nor the officer tells where the people come from.

    Raises InputError for a file that is no list, UsageError for a mapping to no field.
    """
    try:
        changed = round(path.stat().st_mtime * SECOND)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"the file cannot be read: {reason}.", where=str(path)) from error
    told: list[str] = []

    def remembered(titles: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        return _remembered(room, titles, asked, told)

    reader = read_list(path, mapping=asked.mapping, sheet=asked.sheet, remembered=remembered)
    try:
        warnings = [*(f"{remark}." for remark in reader.remarks), *told]
        origin = Origin(asked.source, asked.basis)
        if question is not None and not asked.source and "source" in reader.missing:
            answer = question(path.name)
            origin = Origin(answer.source, asked.basis or answer.basis)
        default = room.config.newsroom.default_basis
        reader.default(
            source=origin.source or path.name,
            source_date=to_datetime(changed).date().isoformat(),
            basis=origin.basis or default,
        )
        warnings += _origin_warnings(reader, origin, path.name, default)
    except BaseException:
        reader.close()
        raise
    return ListFile(reader, warnings, asked)


def origin_of(answer: str) -> Origin:
    """What an answer to the question says: the number of one of ORIGINS, with or without words,
    or only words; then the newsroom's default basis holds."""
    text = clean_line(answer)
    number, _, words = text.partition(" ")
    number = number.rstrip(".):")
    if number.isascii() and number.isdigit() and 1 <= int(number) <= len(ORIGINS):
        meaning, basis = ORIGINS[int(number) - 1]
        return Origin(words.strip() or meaning, basis)
    return Origin(text)


@contextmanager
def standard_input(stream: IO[bytes]) -> Iterator[Path]:
    """What comes in by a stream as a file that only its owner may read, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="mailer-") as folder:
        path = Path(folder) / "pasted text"
        try:
            with path.open("xb") as file:
                shutil.copyfileobj(stream, file)
        except OSError as error:
            raise StoreUnavailable(
                f"what was pasted cannot be kept ({(error.strerror or 'error').lower()}); "
                "nothing was imported.",
                where=folder,
            ) from None
        yield path


_AS_FOR = "as for "


def _remembered(
    room: Newsroom, titles: Sequence[str], asked: Asked, told: list[str]
) -> Mapping[str, tuple[str, str]]:
    key = _key(titles)
    if not key or asked.forget:
        return {}
    with room.store.read() as tx:
        known = column_maps.get(tx, key)
    if known is None:
        return {}
    day = to_datetime(known.updated_at).date().isoformat()
    used = {name: title for name, title in known.columns.items() if name not in asked.mapping}
    spoken_for = {fold(column) for column in asked.mapping.values()}
    used = {name: title for name, title in used.items() if fold(title) not in spoken_for}
    if used:
        shown = ", ".join(f"{name} is “{title}”" for name, title in used.items())
        told.append(
            f"columns as {known.actor} said for “{known.file}” on {day}: {shown} "
            "(--map says otherwise, --forget-map drops it)."
        )
    return {name: (title, f"{_AS_FOR}“{known.file}”, {day}") for name, title in used.items()}


def _key(titles: Sequence[str]) -> str:
    """What headers with the same column names share; "" for a file without names."""
    folded = sorted({fold(title) for title in titles} - {""})
    return hashlib.sha256("\n".join(folded).encode()).hexdigest() if folded else ""


def _origin_warnings(reader: ListReader, origin: Origin, name: str, default: str) -> list[str]:
    found = []
    if "source" in reader.missing and not origin.source:
        found.append(
            f'no column tells where the contacts come from: "{name}" is kept as their '
            "source (--source says it better)."
        )
    if "consent_basis" in reader.missing and not origin.basis:
        found.append(
            "no column tells why these people may be written to: "
            f'"{default}" is taken for all (--basis says otherwise).'
        )
    return found
