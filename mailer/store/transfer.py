"""One store into another, table by table, and the proof that both hold the same.

Rows are streamed as they are, whatever their order: each goes into a sum of hashes of its table
on the way, and the sum over what arrived must be the same. Nothing here commits.

Facts in `MOVED` and `ARRIVING` belong to this: a store that was moved is never used again, one
that is still arriving not yet. So of the two, at any instant, at most one can send.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailer.errors import MailerError, Refused
from mailer.store import jobs
from mailer.store.base import Tx
from mailer.store.core import fact
from mailer.store.migrations import Table

MOVED = "moved"
ARRIVING = "arriving"
"""Names of facts: where a store went, and of a copy that is not in force yet."""

_OF_THE_DATABASE = (jobs.FACT,)
"""Facts that say something of the database they stand in, and stay there."""

_TOLD_EVERY = 2_000


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """One table's rows: how many, and the sum of their hashes (32 hexadecimal digits)."""

    table: str
    rows: int
    digest: str


def usable(tx: Tx) -> None:
    """Refuse a store that was moved elsewhere, or to which a copy is still under way."""
    moved = departure(tx)
    if moved is not None:
        raise Refused(
            f"this store was moved to {moved['to']} and is not used any more; nothing was done.",
            hint="Set store.url in config.toml to the new one.",
        )
    if fact(tx, ARRIVING) is not None:
        raise Refused(
            "a copy into this store broke off, so it may not be whole; nothing was done.",
            hint="Run the same `mailer store copy` again.",
        )


def departure(tx: Tx) -> Mapping[str, Any] | None:
    """Where a store was moved (`to`, as shown to people) and by which copy (`id`)."""
    text = fact(tx, MOVED)
    return None if text is None else json.loads(text)


def occupied(tx: Tx, tables: Mapping[str, Table]) -> list[str]:
    """Names of tables that hold more than a new store's do."""
    return [name for name, table in tables.items() if _count(tx, name) > table.rows]


def copy(
    out: Tx, into: Tx, tables: Mapping[str, Table], tell: Callable[[int, int], None]
) -> Iterator[CopiedTable]:
    """Fill the tables of an empty store from another one, and prove each equal.

    `tell` gets rows done and rows in all, those read back for the proof included. Raises Refused
    for a value that the other database cannot keep, MailerError when something differs.
    """
    counts = {name: _count(out, name) for name in tables}
    total = 2 * sum(counts.values())
    done = 0

    def counted(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        nonlocal done
        for row in rows:
            done += 1
            if done % _TOLD_EVERY == 0:
                tell(done, total)
            yield row

    for name, table in tables.items():
        if table.rows:
            into.execute(f"DELETE FROM {name}", {})
        sent = _Sum()
        into.copy(name, table.columns, sent.over(counted(_rows(out, name, table))))
        arrived = _Sum()
        for _ in arrived.over(counted(_rows(into, name, table))):
            pass
        if (sent.rows, sent.digest) != (arrived.rows, arrived.digest):
            raise MailerError(
                f"table {name} did not arrive as it was sent ({sent.rows:,} rows sent, "
                f"{arrived.rows:,} arrived, hashes {sent.digest[:12]} and {arrived.digest[:12]}); "
                "nothing was done."
            )
        yield CopiedTable(name, sent.rows, sent.digest)
    into.settle({name: out.counted_up(name) for name, table in tables.items() if table.counts})
    tell(total, total)


def _count(tx: Tx, table: str) -> int:
    count = int(tx.rows(f"SELECT count(*) AS n FROM {table}", {})[0]["n"])
    if table == "facts":
        count -= sum(fact(tx, name) is not None for name in _OF_THE_DATABASE)
    return count


def _rows(tx: Tx, name: str, table: Table) -> Iterator[tuple[Any, ...]]:
    rows = tx.tuples(name, table.columns)
    if name != "facts":
        return rows
    place = table.columns.index("name")
    return (row for row in rows if row[place] not in _OF_THE_DATABASE)


class _Sum:
    """Counts rows and adds up a hash of each, so that their order does not matter."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    @property
    def digest(self) -> str:
        return f"{self._sum % (1 << 128):032x}"

    def over(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The same rows, counted and hashed as they pass."""
        for row in rows:
            # Of integers, texts, bytes and None this is one text for each value, and no other's.
            hash = hashlib.blake2b(repr(row).encode("ascii", "backslashreplace"), digest_size=16)
            self._sum += int.from_bytes(hash.digest(), "big")
            self.rows += 1
            yield row
