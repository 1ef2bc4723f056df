"""The bitmaps of a process kept in the store, so that the next one need not read a million people.

A snapshot says at which versions of blocks it was true, so whoever takes it reads what has changed
since and nothing else; without one, or with one that is not whole, all is read. It is written in
pieces, each in a short transaction, and counts once its head is there. It says of people what they
had, so it goes at once when somebody is erased, and by retention when anybody has changed.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from pyroaring import BitMap

from mailer.store.base import Store, Tx
from mailer.store.bitmap_data import Data, union, versions
from mailer.store.touched import FACTS

_FORMAT = 1
_PIECE = 1024 * 1024
"""Bytes of one piece."""

_BITMAPS = ("facets", "lists", "days", "states", "suppressed")
"""The fields of `Data` that have bitmaps by a key."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is kept: at which `versions` of blocks it is true, and all of it as bytes."""

    versions: dict[tuple[str, int], int]
    body: bytes


def pack(data: Data) -> Snapshot:
    """All that was read, apart from the words of facets."""
    parts: list[bytes] = []
    index: dict[str, Any] = {
        "staging": sorted(data.staging),
        "staged": [[number, sorted(blocks)] for number, blocks in data.staged.items()],
        "away": list(data.away.items()),
        "caps": list(data.caps.items()),
    }
    for name in _BITMAPS:
        kept: dict[Any, BitMap] = getattr(data, name)
        index[name] = [[key, _add(parts, people)] for key, people in kept.items()]
    index["paused"] = _add(parts, data.paused)
    head = orjson.dumps(index)
    size = len(head).to_bytes(8, "little")
    return Snapshot(
        dict(data.versions), b"".join([size, head, *parts, array("i", data.outlet).tobytes()])
    )


def keep(store: Store, snapshot: Snapshot) -> bool:
    """Keep it in place of any other, unless people changed meanwhile; whether it is kept. Raises
    StoreUnavailable."""
    generation = secrets.randbits(62)
    of = {"generation": generation}
    numbers = range(0, len(snapshot.body), _PIECE)
    for number, start in enumerate(numbers, 1):
        piece = snapshot.body[start : start + _PIECE]
        with store.write() as tx:
            tx.run("snapshots.piece", number=number, data=piece, **of)
    with store.write() as tx:
        whole = tx.value("snapshots.pieces", **of) == len(numbers)
        if not whole or _facts(versions(tx)) != _facts(snapshot.versions):
            tx.run("snapshots.forget_one", **of)
            return False
        blocks = [[*key, version] for key, version in snapshot.versions.items()]
        head = {"format": _FORMAT, "pieces": len(numbers), "versions": blocks}
        tx.run("snapshots.forget_others", **of)
        tx.run("snapshots.piece", number=0, data=orjson.dumps(head), **of)
        return True


def read(tx: Tx) -> Data | None:
    """What is kept; None where nothing is, or not whole."""
    head, generation = _head(tx)
    if head is None:
        return None
    pieces = [bytes(row["data"]) for row in tx.all("snapshots.read", generation=generation)]
    if len(pieces) != head["pieces"]:
        return None
    data = _unpacked(b"".join(pieces))
    data.versions = {(kind, block): version for kind, block, version in head["versions"]}
    # Not kept: a store that was put back may give another word the number of one.
    for row in tx.all("bitmaps.facet_values", after=0):
        data.values[row["id"]] = (row["field"], row["value"])
    return data


def forget(tx: Tx) -> None:
    """Somebody is erased: nothing that tells of him stays."""
    tx.run("snapshots.forget")


def forget_old(tx: Tx) -> None:
    """Forget what is kept if anybody has changed since."""
    head, _ = _head(tx)
    if head is None or _facts(versions(tx)) != {
        block: version for kind, block, version in head["versions"] if kind == FACTS
    }:
        forget(tx)


def _head(tx: Tx) -> tuple[dict[str, Any] | None, int]:
    row = tx.one("snapshots.head")
    if row is None:
        return None, 0
    head: dict[str, Any] = orjson.loads(bytes(row["data"]))
    return (head if head["format"] == _FORMAT else None), row["generation"]


def _facts(found: dict[tuple[str, int], int]) -> dict[int, int]:
    return {block: version for (kind, block), version in found.items() if kind == FACTS}


def _add(parts: list[bytes], people: BitMap) -> int:
    """Its bytes go to the parts; how many they are."""
    parts.append(people.serialize())
    return len(parts[-1])


def _unpacked(body: bytes) -> Data:
    start = 8 + int.from_bytes(body[:8], "little")
    index = orjson.loads(body[8:start])
    sizes = [size for name in _BITMAPS for _, size in index[name]] + [index["paused"]]
    end = start + sum(sizes)
    bitmaps = _bitmaps(body, start, sizes)
    data = Data(staging=frozenset(index["staging"]))
    for name in _BITMAPS:
        keys = (key for key, _ in index[name])
        setattr(data, name, dict(zip(keys, islice(bitmaps, len(index[name])), strict=True)))
    data.paused = next(bitmaps)
    data.staged = {number: set(blocks) for number, blocks in index["staged"]}
    data.away, data.caps = dict(index["away"]), dict(index["caps"])
    data.outlet.frombytes(body[end:])
    data.members = union(data.lists.values())
    return data


def _bitmaps(body: bytes, start: int, sizes: list[int]) -> Iterator[BitMap]:
    for size in sizes:
        yield BitMap.deserialize(body[start : start + size])
        start += size
