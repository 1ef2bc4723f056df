"""Reading who has which facet, as bitmaps: whole, or the blocks of people that changed.

Versions of blocks (`mailer/store/touched.py`) tell what has changed since something was read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pyroaring import BitMap

from mailer.store.base import Tx
from mailer.store.selection import staged_imports
from mailer.store.touched import EVERYBODY, FACTS, SHIFT, STANDING


@dataclass(slots=True)
class Data:
    """What was read, and at which versions; `fresh` while it was read whole, person by person, and
    nobody kept it for others."""

    fresh: bool = False

    versions: dict[tuple[str, int], int] = field(default_factory=dict)
    staging: frozenset[int] = frozenset()
    staged: dict[int, set[int]] = field(default_factory=dict)
    """Blocks that hold people of an import that nobody may see yet, by import."""
    values: dict[int, tuple[str, str]] = field(default_factory=dict)
    facets: dict[int, BitMap] = field(default_factory=dict)
    outlet: array[int] = field(default_factory=lambda: array("i"))
    """The facet of a journalist's outlet, by his id; 0 for none."""
    lists: dict[int, BitMap] = field(default_factory=dict)
    days: dict[int, BitMap] = field(default_factory=dict)
    states: dict[str, BitMap] = field(default_factory=dict)
    members: BitMap = field(default_factory=BitMap)
    suppressed: dict[str, BitMap] = field(default_factory=dict)
    """By scope."""
    away: dict[int, int] = field(default_factory=dict)
    paused: BitMap = field(default_factory=BitMap)
    caps: dict[int, int] = field(default_factory=dict)
    """How many messages in seven days somebody wants at most."""
    by_size: dict[str, list[int]] = field(default_factory=dict)
    having: dict[str, BitMap] = field(default_factory=dict)
    """By field, made when asked for: facets by how many have them, and who has any."""


def refreshed(tx: Tx, data: Data | None) -> Data:
    """What the database holds in this transaction; of `data` what has changed since is read again,
    and `data` is not to be used any more."""
    staging = frozenset(staged_imports(tx))
    now = versions(tx)
    changed = {
        key
        for key in now.keys() | (data.versions.keys() if data else ())
        if data is None or now.get(key) != data.versions.get(key)
    }
    facts = {block for kind, block in changed if kind == FACTS}
    standing = {block for kind, block in changed if kind == STANDING}
    if data is not None:
        for number in data.staging - staging:
            facts |= data.staged.pop(number, set())
    if data is None or EVERYBODY in facts or len(facts) > _MOST_BLOCKS:
        data = Data(staging=staging, fresh=True)
        _read_facts(tx, data, [_WHOLE], staging)
        _read_standing(tx, data, [_WHOLE])
    else:
        data.staging = staging
        if facts:
            _read_facts(tx, data, _ranges(facts), staging)
        if EVERYBODY in standing:
            data.suppressed, data.paused, data.away, data.caps = {}, BitMap(), {}, {}
            _read_standing(tx, data, [_WHOLE])
        elif standing:
            _read_standing(tx, data, _ranges(standing))
    data.versions = now
    return data


def versions(tx: Tx) -> dict[tuple[str, int], int]:
    """The version of each block of people that ever changed, by its kind and number."""
    return {(row["kind"], row["block"]): row["version"] for row in tx.all("bitmaps.versions")}


def _ranges(blocks: Iterable[int]) -> list[tuple[int, int]]:
    """Blocks as ranges of journalist ids, neighbours together."""
    found: list[tuple[int, int]] = []
    for block in sorted(blocks):
        first, last = block << SHIFT, ((block + 1) << SHIFT) - 1
        if found and found[-1][1] + 1 == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _read_facts(
    tx: Tx, data: Data, ranges: Sequence[tuple[int, int]], staging: frozenset[int]
) -> None:
    """Forget what is known of people in these ranges and read it again."""
    gone = BitMap()
    for first, last in ranges:
        if last < _LAST:
            gone.add_range(first, last + 1)
    if gone:
        for kept in (data.facets, data.lists, data.days, data.states):
            _forget(kept, gone)
        for number in gone & _known_outlets(data):
            data.outlet[number] = 0
    for row in tx.all("bitmaps.facet_values", after=max(data.values, default=0)):
        data.values[row["id"]] = (row["field"], row["value"])
    for first, last in ranges:
        bounds: dict[str, Any] = {"first": first, "last": last}
        for row in tx.stream("bitmaps.facets", **bounds):
            people = BitMap(orjson.loads(row["people"]))
            _add(data.facets, row["facet"], people)
            if data.values[row["facet"]][0] == "outlet":
                _note_outlets(data, row["facet"], people)
        for row in tx.stream("bitmaps.memberships", **bounds):
            people = BitMap(orjson.loads(row["people"]))
            if row["import"] in staging:
                blocks = {number >> SHIFT for number in people}
                data.staged.setdefault(row["import"], set()).update(blocks)
            else:
                _add(data.lists, row["list"], people)
                _add(data.days, row["day"], people)
        for row in tx.stream("bitmaps.states", **bounds):
            _add(data.states, row["state"], BitMap(orjson.loads(row["people"])))
    data.by_size.clear()
    data.having.clear()
    data.members = union(data.lists.values())


def _read_standing(tx: Tx, data: Data, ranges: Sequence[tuple[int, int]]) -> None:
    gone = BitMap()
    for first, last in ranges:
        if last < _LAST:
            gone.add_range(first, last + 1)
    if gone:
        _forget(data.suppressed, gone)
        data.paused = data.paused - gone
        for wishes in (data.away, data.caps):
            for number in [number for number in wishes if number in gone]:
                del wishes[number]
    for first, last in ranges:
        bounds: dict[str, Any] = {"first": first, "last": last}
        whole = last == _LAST
        for row in tx.stream(
            "bitmaps.suppressed" if whole else "bitmaps.suppressed_of", **({} if whole else bounds)
        ):
            _add(data.suppressed, row["scope"], BitMap(orjson.loads(row["people"])))
        for row in tx.stream("bitmaps.wishes", **bounds):
            if row["paused"]:
                data.paused.add(row["journalist"])
            if row["away_until"] is not None:
                data.away[row["journalist"]] = row["away_until"]
            if row["weekly_cap"] is not None:
                data.caps[row["journalist"]] = row["weekly_cap"]


def _forget(kept: dict[Any, BitMap], gone: BitMap) -> None:
    for key in [key for key, people in kept.items() if people.intersect(gone)]:
        kept[key] = kept[key] - gone
        if not kept[key]:
            del kept[key]


def _add(kept: dict[Any, BitMap], key: Any, people: BitMap) -> None:
    # Made anew: the same people may stand under a list and under a day.
    kept[key] = kept[key] | people if key in kept else people


def _known_outlets(data: Data) -> BitMap:
    return BitMap(range(len(data.outlet)))


def _note_outlets(data: Data, facet: int, people: BitMap) -> None:
    outlet, most = data.outlet, people.max()
    if most >= len(outlet):
        outlet.frombytes(bytes(outlet.itemsize * (most + 1 - len(outlet))))
    for number in people:
        outlet[number] = facet


def union(parts: Iterable[BitMap]) -> BitMap:
    """Who is in any of them."""
    return BitMap.union(BitMap(), *parts)


_LAST = 2**31 - 1
"""The largest id of a journalist."""

_WHOLE = (0, _LAST)
"""The range of all."""

_MOST_BLOCKS = 400
"""Most changed blocks that are read one by one; of more all is read."""
