"""People who probably stand twice: proposed in groups, never merged silently.

Everybody is read once; what people share is sorted in a scratch file, so a million take memory only
for those who are found.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from mailer.audience import duplicates
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import settle, show_list
from mailer.store import merges
from mailer.store.base import Row, Tx

_CHUNK = 500


def ls(room: Newsroom, name: str = "") -> Iterator[dict[str, Any]]:
    """Probable duplicates, one row a person: group, why, email, name, outlet, telephone, state.

    With the name of a list only groups with somebody who is on it. Raises NotFound.
    """
    settle(room)
    number = show_list(room, name)["id"] if name else None
    with room.store.read() as tx:
        on_list = None if number is None else merges.members(tx, number)
        groups = find(merges.listed(tx), lambda id: on_list is None or id in on_list)
        for place in range(0, len(groups), _CHUNK):
            yield from _rows(tx, groups[place : place + _CHUNK], place + 1)


def find(people: Iterable[Row], wanted: Callable[[int], bool]) -> list[tuple[list[int], list[str]]]:
    """Groups of ids who are probably one person each, with why; those with somebody wanted, by
    their lowest id."""
    with closing(sqlite3.connect("")) as scratch:
        scratch.execute("CREATE TABLE keys (key INTEGER, why INTEGER, id INTEGER)")
        scratch.executemany("INSERT INTO keys VALUES (?, ?, ?)", _keys(people))
        scratch.execute("CREATE INDEX by_key ON keys (key, why, id)")
        shared = scratch.execute(
            "SELECT k.key, k.why, k.id FROM keys k JOIN (SELECT key FROM keys GROUP BY key "
            "HAVING count(DISTINCT id) > 1) s ON s.key = k.key ORDER BY k.key, k.id"
        )
        return _joined(shared, wanted)


def _keys(people: Iterable[Row]) -> Iterator[tuple[int, int, int]]:
    for row in people:
        for why, key in duplicates.keys(
            first_name=row["first_name"],
            last_name=row["last_name"],
            outlet=row["outlet"],
            phone=row["phone"],
            email=row["email"],
        ):
            place = _REASONS.index(why)
            digest = hashlib.blake2b(f"{place}{key}".encode(), digest_size=8).digest()
            yield int.from_bytes(digest, "big", signed=True), place, row["id"]


def _joined(
    shared: Iterable[tuple[int, int, int]], wanted: Callable[[int], bool]
) -> list[tuple[list[int], list[str]]]:
    """Whoever shares a key with somebody who shares another belongs together."""
    head: dict[int, int] = {}
    why: dict[int, set[int]] = defaultdict(set)

    def root(number: int) -> int:
        while head[number] != number:
            head[number] = number = head[head[number]]
        return number

    first: tuple[int, int] | None = None
    for key, reason, number in shared:
        head.setdefault(number, number)
        if first is None or first[0] != key:
            first = (key, number)
        one, other = sorted((root(first[1]), root(number)))
        head[other] = one
        why[number].add(reason)
    groups: dict[int, list[int]] = defaultdict(list)
    for number in sorted(head):
        groups[root(number)].append(number)
    return [
        (group, [_REASONS[n] for n in sorted(set().union(*(why[each] for each in group)))])
        for _, group in sorted(groups.items())
        if any(map(wanted, group))
    ]


def _rows(
    tx: Tx, groups: list[tuple[list[int], list[str]]], number: int
) -> Iterator[dict[str, Any]]:
    for group, why in groups:
        for start in range(0, len(group), _CHUNK):
            some = group[start : start + _CHUNK]
            known = merges.shown(tx, some)
            for id in some:
                row = known[id]
                yield {
                    "group": number,
                    "email": row["email"],
                    "name": f"{row['first_name']} {row['last_name']}".strip(),
                    "outlet": row["outlet"],
                    "phone": row["phone"],
                    "state": row["state"],
                    "why": why,
                }
        number += 1


_REASONS = (duplicates.NAME_AND_OUTLET, duplicates.NAME_AND_PHONE, duplicates.ADDRESS)
