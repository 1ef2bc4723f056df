"""Which journalists a transaction changed, told in the same transaction.

Bitmaps of who has which facet (`mailer/store/bitmaps.py`) stay in memory, so they must learn of
every change, whoever made it. Each statement and each copy passes here; of those that write to a
table a segment depends on, the journalists are taken from the parameters, and where they cannot be
told from them, everybody counts as changed. Just before the commit the blocks of 1,024 they stand
in get a new version. A new use case needs to know nothing of this; at worst its changes cost more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

FACTS = "facts"
STANDING = "standing"
"""Kinds of changes: what a segment asks for, and what keeps mail from a person."""

SHIFT = 10
"""A block holds 2 ** SHIFT journalists."""

EVERYBODY = -1
"""The block that stands for all."""

BLOCKS = "audience_blocks"
"""The table of versions."""


class Touched:
    """What one transaction changed so far."""

    __slots__ = ("_hashes", "blocks", "copied_whole")

    def __init__(self) -> None:
        self.blocks: set[tuple[str, int]] = set()
        self._hashes: set[bytes] = set()
        self.copied_whole = False

    def statement(self, sql: str, params: Mapping[str, Any], changed: int = -1) -> None:
        """Take note of a statement that will be run, or was and `changed` so many rows (-1: not
        known). What changed none is nothing to tell, as a retention job that finds nothing."""
        writes = _writes(sql)
        if writes is not None and (changed or _UNCOUNTED.search(sql)):
            self._note(writes, params)

    def statements(
        self, sql: str, params: Iterable[Mapping[str, Any]]
    ) -> Iterable[Mapping[str, Any]]:
        """The parameters of a statement run many times, noted as they pass."""
        writes = _writes(sql)
        return params if writes is None else self._noted(writes, params)

    def rows(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> Iterable[Sequence[Any]]:
        """Rows copied into a table, noted as they pass."""
        if table == BLOCKS:
            self.copied_whole = True  # a store is filled from another one, its versions included
        kind = _KINDS.get(table)
        if kind is None:
            return rows
        key = _KEYS.get(table, "journalist")
        if key not in columns:
            self.blocks.add((kind, EVERYBODY))
            return rows
        place = columns.index(key)
        if isinstance(rows, list) and key != "hash":
            self.blocks.update((kind, block) for block in {row[place] >> SHIFT for row in rows})
            return rows
        return self._rows(kind, key, place, rows)

    def told(self, journalists: Iterable[int]) -> list[dict[str, Any]]:
        """Rows of the table of versions to write: those of the blocks, and of the blocks of these
        journalists, whose addresses have the hashes."""
        self.blocks.update((STANDING, number >> SHIFT) for number in journalists)
        version = secrets.randbits(62)
        return [
            {"kind": kind, "block": block, "version": version}
            for kind, block in sorted(self.blocks)
        ]

    @property
    def hashes(self) -> list[bytes]:
        """Keyed hashes of addresses whose people were changed."""
        return sorted(self._hashes)

    def _note(self, writes: _Writes, params: Mapping[str, Any]) -> None:
        kind, name = writes
        value = params.get(name)
        if name == "hash" and isinstance(value, bytes) and len(self._hashes) < _MOST_HASHES:
            self._hashes.add(value)
        elif name == "first" and isinstance(value, int) and isinstance(params["last"], int):
            blocks = range(value >> SHIFT, (params["last"] >> SHIFT) + 1)
            self.blocks.update((kind, block) for block in blocks)
        elif name != "hash" and isinstance(value, int):
            self.blocks.add((kind, value >> SHIFT))
        else:
            self.blocks.add((kind, EVERYBODY))

    def _noted(
        self, writes: _Writes, params: Iterable[Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        for each in params:
            self._note(writes, each)
            yield each

    def _rows(
        self, kind: str, key: str, place: int, rows: Iterable[Sequence[Any]]
    ) -> Iterator[Sequence[Any]]:
        last = EVERYBODY - 1
        for row in rows:
            if key == "hash":
                self._note((kind, key), {key: row[place]})
            elif (block := row[place] >> SHIFT) != last:
                self.blocks.add((kind, block))
                last = block
            yield row


_Writes = tuple[str, str]
"""The kind of change, and the parameter that names the journalist: "" where none does, `first`
where all from there to `last` are meant."""

_KINDS = {
    "facets": FACTS,
    "memberships": FACTS,
    "journalists": FACTS,
    "addresses": STANDING,
    "suppressions": STANDING,
    "preferences": STANDING,
}
_KEYS = {"journalists": "id", "suppressions": "hash"}
_PERSON = "journalist"
_MOST_HASHES = 500

_WRITING = re.compile(
    rf"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY)\s+({'|'.join(_KINDS)})\b", re.IGNORECASE
)


_UNCOUNTED = re.compile(r"\b(WITH|RETURNING)\b", re.IGNORECASE)
"""Of statements in one, only what the last changed is counted, and SQLite counts what gives rows
back as they are read."""


@lru_cache(maxsize=2048)
def _writes(sql: str) -> _Writes | None:
    """What a statement writes to; None for what segments do not depend on."""
    found = _WRITING.findall(sql)
    if not found:
        return None
    verb, table = found[0][0].upper(), found[0][1].lower()
    return _KINDS[table], "" if len(found) > 1 else _named(sql, verb, _KEYS.get(table, _PERSON))


def _named(sql: str, verb: str, key: str) -> str:
    """The parameter by which a statement names whom it changes."""
    if verb.startswith("INSERT"):
        values = sql.partition("VALUES")[2]
        names = (name for name in (key, _PERSON) if re.search(rf":{name}\b", values))
        return next(names, "") or _selected(sql, key)
    if re.search(rf"\bSET\b(?:(?!\bWHERE\b).)*\b{key}\s*=", sql, re.I | re.S):
        return ""  # what hands a row from one person to another changes both
    where = r"\bWHERE\b(?:(?!\bOR\b).)*?"
    if one := re.search(rf"{where}\b{key}\s*=\s*:({key}|{_PERSON})\b(?!\s+OR\b)", sql, re.I | re.S):
        return one[1]
    several = re.search(rf"{where}\b{key}\s+BETWEEN\s+:first\s+AND\s+:last\b", sql, re.I | re.S)
    return "first" if several else ""


def _selected(sql: str, key: str) -> str:
    """The parameter that an INSERT of what a SELECT finds has in the place of the person: one for
    all its rows, as when what one had is handed to another."""
    found = _FROM_SELECT.search(sql)
    if found is None:
        return ""
    columns, values = ([each.strip() for each in part.split(",")] for part in found.groups())
    if key not in columns or len(columns) != len(values):
        return ""
    value = values[columns.index(key)]
    return value[1:] if re.fullmatch(r":[a-z_]\w*", value) else ""


_FROM_SELECT = re.compile(
    r"INSERT\s+INTO\s+\w+\s*\(([\w\s,]+)\)\s*SELECT\s+([\w\s,.:']+?)\s+FROM\b", re.IGNORECASE
)
"""With brackets in what is selected its places could not be counted."""
