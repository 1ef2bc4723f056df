"""The store: one schema, two databases, one way to talk to them.

`open_store(url)` gives a `Store` on SQLite or PostgreSQL. Its outermost `read()` or `write()`
begins and ends the transaction; nothing below commits. SQL stands by topic in `sql/<topic>.sql`,
each query under a `-- name:` line, with `:name` parameters, and runs unchanged on both; a text
that must differ has a second form under `-- name: NAME@postgresql`, and `{{NAME}}` puts one
text into another.

Rows answer to `row["column"]`. Instants are UTC microseconds in 64-bit integers.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import resources
from typing import Any, Protocol

from mailer.clock import Clock, SystemClock
from mailer.errors import ConfigError
from mailer.store.touched import Touched

Params = Mapping[str, Any]


class Row(Protocol):
    """One result row."""

    def __getitem__(self, key: str, /) -> Any: ...

    def keys(self) -> Any: ...


class Tx(ABC):
    """An open transaction. Only the `Store` that gave it begins and ends it."""

    dialect: str

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.touched = Touched()

    def tell_touched(self) -> None:
        """Give the blocks of people that this transaction changed another version; the last thing
        before its commit, in one order, so that no two wait for each other."""
        touched = self.touched
        if touched.copied_whole or not (touched.blocks or touched.hashes):
            return
        people: list[int] = []
        if touched.hashes:
            named = {f"h{n}": hash for n, hash in enumerate(touched.hashes)}
            marks = ", ".join(f":{name}" for name in named)
            sql = f"SELECT journalist FROM addresses WHERE hash IN ({marks})"
            people = [row["journalist"] for row in self.rows(sql, named)]
        self.many("core.touch", params=touched.told(people))

    def run(self, name: str, /, **params: Any) -> int:
        """Run the named statement; the number of rows it changed."""
        return self.execute(query(name, self.dialect), params)

    def one(self, name: str, /, **params: Any) -> Row | None:
        """The first row of the named query, or None."""
        return next(iter(self.rows(query(name, self.dialect), params)), None)

    def value(self, name: str, /, **params: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        row = self.one(name, **params)
        return None if row is None else row[next(iter(row.keys()))]

    def all(self, name: str, /, **params: Any) -> list[Row]:
        """All rows of the named query at once; for results known to be small."""
        return self.rows(query(name, self.dialect), params)

    def many(self, name: str, /, params: Iterable[Params]) -> int:
        """Run the named statement once for each parameter set; the rows changed in all."""
        return self.execute_many(query(name, self.dialect), params)

    @abstractmethod
    def bulk(self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /) -> int:
        """Run the named statement for many rows with the fewest round trips the database allows;
        the rows changed.

        A query run so has all its parameters in one `VALUES (…)`, in the order of `columns`, and
        a PostgreSQL form that takes all rows as one JSON array of objects in `:rows`, bytes
        written as hexadecimal digits, or is a `COPY … FROM STDIN` of these columns.
        """

    @abstractmethod
    def bulk_rows(
        self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /
    ) -> list[Row]:
        """`bulk` for a statement that ends with RETURNING: what it returned."""

    def stream(self, name: str, /, **params: Any) -> Iterator[Row]:
        """Rows of the named query as they come, with flat memory."""
        return self.stream_rows(query(name, self.dialect), params)

    def next_ids(self, counter: str, count: int = 1) -> int:
        """Reserve `count` consecutive ids of a counter; the first of them (ids begin at 1)."""
        last: int = self.value("core.next_ids", name=counter, count=count)
        return last - count + 1

    @abstractmethod
    def now(self) -> int:
        """The instant that gates compare with: the server's on PostgreSQL (decision 3)."""

    @abstractmethod
    def execute(self, sql: str, params: Params) -> int:
        """Run SQL text made by the store itself (compiled segments); rows changed."""

    @abstractmethod
    def execute_many(self, sql: str, params: Iterable[Params]) -> int: ...

    @abstractmethod
    def rows(self, sql: str, params: Params) -> list[Row]: ...

    @abstractmethod
    def stream_rows(self, sql: str, params: Params) -> Iterator[Row]: ...

    @abstractmethod
    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert many rows the fastest way the database has; how many.

        Raises Refused for a value that the database cannot keep.
        """

    @abstractmethod
    def tuples(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All rows of a table in no particular order, with flat memory."""

    @abstractmethod
    def shut(self, tables: Sequence[str]) -> None:
        """Keep every other writer out of these tables until the transaction ends."""

    @abstractmethod
    def counted_up(self, table: str) -> int:
        """The last number that the database itself gave out as `id` of a table; 0 for none."""

    @abstractmethod
    def settle(self, counted: Mapping[str, int]) -> None:
        """After tables were filled: go on counting `id` after these numbers, by table, and bring
        what the database knows of its rows up to date."""


class Store(ABC):
    """An open database. Safe to share between threads; each thread has its own connection."""

    dialect: str
    embedded: bool
    """Whether the database is a part of this process, so that a statement within a writing
    transaction waits for nobody."""
    url: str

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.clock = clock

    @abstractmethod
    def write(self) -> AbstractContextManager[Tx]:
        """A writing transaction: committed at the end, undone by any exception.

        Raises StoreUnavailable when the database is locked, full or away: nothing was done.
        """

    @abstractmethod
    def read(self) -> AbstractContextManager[Tx]:
        """A reading transaction that sees one state of the database throughout."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[Tx]:
        """A writing transaction that keeps every other migrating process out."""

    @abstractmethod
    def hold_presence(self, worker: int) -> AbstractContextManager[None]:
        """Hold, while the block runs, what tells other hosts that this worker lives."""

    @abstractmethod
    def presence_free(self, worker: int) -> AbstractContextManager[bool]:
        """Whether nobody holds that worker's presence; kept so while the block runs."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[bool]:
        """Whether no other process sweeps this store now; kept so while the block runs."""

    @abstractmethod
    def on_raise(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` called, in a thread of the store's own, as soon as the control version was
        raised anywhere, until what this returns is called.

        Only a shortcut to looking: it may be called for nothing, and while a server is away, or
        where the database cannot tell, it is not called at all.
        """

    @abstractmethod
    def purge(self, tables: Sequence[str], trace: str | None, *, rewrite: bool) -> str | None:
        """See that the database's files keep nothing of rows that were deleted or changed; a
        sentence about what is left there, None for nothing.

        `trace` is a text that must not be found any more (None: there is nothing to look for).
        With `rewrite` a file that still has it is written anew, for which every writer waits.
        """

    @abstractmethod
    def close(self) -> None: ...


def open_store(
    url: str,
    *,
    clock: Clock | None = None,
    create: bool = False,
    busy_timeout: float = 5.0,
    eager: bool = False,
) -> Store:
    """Open the store at `url` (`sqlite:///path` or `postgresql://…`).

    `busy_timeout` is how many seconds to wait for another writer; who is `eager`, because somebody
    waits for an answer, comes before those who are not (PostgreSQL lets writers in as they came).
    Without `create` a missing SQLite file is a ConfigError, since opening would otherwise make an
    empty one.
    """
    clock = clock or SystemClock()
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        from mailer.store.sqlite import SqliteStore

        return SqliteStore(url, clock, create=create, busy_timeout=busy_timeout, eager=eager)
    if scheme in ("postgresql", "postgres"):
        from mailer.store.postgres import PostgresStore

        return PostgresStore(url, clock, busy_timeout=busy_timeout)
    raise ConfigError(
        f'store.url begins with "{scheme}", which is no database mailer knows.',
        hint="Use sqlite:///FILE or postgresql://….",
    )


@cache
def query(name: str, dialect: str) -> str:
    """The text of `topic.query` for a dialect, with `:name` parameters.

    `{{query}}` in it stands for another text of its topic, `{{topic.query}}` for one of another.
    """
    topic, _, short = name.partition(".")
    texts = _topic(topic)
    found = texts.get(f"{short}@{dialect}", texts[short])

    def part(match: re.Match[str]) -> str:
        return query(match[1] if "." in match[1] else f"{topic}.{match[1]}", dialect)

    return re.sub(r"\{\{([\w.]+)\}\}", part, found)


def query_in(
    name: str, dialect: str, values: Iterable[Any], mark: str = ":values"
) -> tuple[str, dict[str, Any]]:
    """The text of a query with `IN (:values)` for these values, at least one, and their
    parameters."""
    params = {f"in{place}": value for place, value in enumerate(values)}
    names = ", ".join(f":{each}" for each in params)
    return query(name, dialect).replace(mark, names), params


@cache
def _topic(topic: str) -> dict[str, str]:
    source = resources.files("mailer.store").joinpath(f"sql/{topic}.sql").read_text("utf-8")
    parts = re.split(r"^-- name: *(\S+) *$", source, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
