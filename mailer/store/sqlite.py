"""SQLite, the default store: one file, WAL, short writes that begin immediately.

Every write is BEGIN IMMEDIATE, because a transaction that reads first and then writes dies with
SQLITE_BUSY_SNAPSHOT however long it is willing to wait. synchronous is FULL: a claim or an
opt-out that was answered survives a power cut.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from mailer.clock import Clock
from mailer.errors import ConfigError, StoreUnavailable
from mailer.store.base import Params, Row, Store, Tx, query


class SqliteTx(Tx):
    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        super().__init__(clock)
        self.connection = connection

    def now(self) -> int:
        return self._clock.now()

    def execute(self, sql: str, params: Params) -> int:
        changed = self.connection.execute(sql, params).rowcount
        self.touched.statement(sql, params, changed)
        return changed

    def execute_many(self, sql: str, params: Iterable[Params]) -> int:
        return self.connection.executemany(sql, self.touched.statements(sql, params)).rowcount

    def bulk(self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /) -> int:
        return sum(cursor.rowcount for cursor in self._blocks(name, columns, rows))

    def bulk_rows(
        self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /
    ) -> list[Row]:
        return [row for cursor in self._blocks(name, columns, rows) for row in cursor]

    def _blocks(
        self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
    ) -> Iterator[sqlite3.Cursor]:
        # Each statement lets go of the interpreter's lock and takes it again, and is looked up
        # and bound anew: one for many rows does it once.
        text = query(name, self.dialect)
        self.touched.statement(text, {})
        done = 0
        for size in _BLOCKS:
            sql = _for_rows(text, columns, size)
            while len(rows) - done >= size:
                values = [*chain.from_iterable(rows[done : done + size])]
                yield self.connection.execute(sql, values)
                done += size

    def rows(self, sql: str, params: Params) -> list[Row]:
        self.touched.statement(sql, params)
        return self.connection.execute(sql, params).fetchall()

    def stream_rows(self, sql: str, params: Params) -> Iterator[Row]:
        return iter(self.connection.execute(sql, params))

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        marks = ",".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})"
        return self.connection.executemany(sql, self.touched.rows(table, columns, rows)).rowcount

    def tuples(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return cursor.execute(f"SELECT {','.join(columns)} FROM {table}")

    def shut(self, tables: Sequence[str]) -> None:
        pass  # a writing transaction is the only one there is

    def counted_up(self, table: str) -> int:
        rows = self.rows("SELECT seq FROM sqlite_sequence WHERE name = :table", {"table": table})
        return int(rows[0]["seq"]) if rows else 0

    def settle(self, counted: Mapping[str, int]) -> None:
        for table, last in counted.items():
            place = {"table": table, "last": last}
            if not self.execute(
                "UPDATE sqlite_sequence SET seq = :last WHERE name = :table", place
            ):
                self.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)", place
                )


class SqliteStore(Store):
    dialect = "sqlite"
    embedded = True

    def __init__(
        self, url: str, clock: Clock, *, create: bool, busy_timeout: float, eager: bool = False
    ) -> None:
        super().__init__(url, clock)
        self.path = Path(url.removeprefix("sqlite:///"))
        self._timeout, self._eager = busy_timeout, eager
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        if not create and not self.path.exists():
            raise ConfigError(
                f"there is no store at {self.path}.", hint="Make one with `mailer init`."
            )
        with _translated():
            if create:
                _make_private(self.path)
            self._connection()

    @contextmanager
    def write(self) -> Iterator[Tx]:
        with self._transaction("BEGIN IMMEDIATE") as tx:
            yield tx
            tx.tell_touched()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        with self._transaction("BEGIN") as tx:
            yield tx

    @contextmanager
    def exclusive(self) -> Iterator[Tx]:
        with self._transaction("BEGIN EXCLUSIVE") as tx:
            yield tx

    @contextmanager
    def hold_presence(self, worker: int) -> Iterator[None]:
        # A file is on one host; the journal's lock and the lease say enough.
        yield

    @contextmanager
    def presence_free(self, worker: int) -> Iterator[bool]:
        yield True

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield True  # one supervisor on one host, and every change takes turns

    def on_raise(self, call: Callable[[], None]) -> Callable[[], None]:
        return lambda: None  # a look into the file costs less than any way to be told

    def purge(self, tables: Sequence[str], trace: str | None, *, rewrite: bool) -> str | None:
        with _translated():
            connection = self._connection()
            left = self._after_checkpoint(connection, trace)
            if rewrite and (left or trace is None):
                connection.execute("VACUUM")
                left = self._after_checkpoint(connection, trace)
        if not left:
            return None
        return (
            f"The address still stands in {' and '.join(left)}: in bytes that another reader holds "
            "just now, in a gap of the file, or in a text of the newsroom's own. A gap is filled "
            "once nothing is being sent."
        )

    def _after_checkpoint(self, connection: sqlite3.Connection, trace: str | None) -> list[str]:
        """The files that hold the trace once the log is taken into the database."""
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return [path.name for path in files if trace and _holds(path, trace)]

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Tx]:
        with _translated():
            connection = self._connection()
            if self._eager and begin == "BEGIN IMMEDIATE":
                self._begin_soon(connection, begin)
            else:
                connection.execute(begin)
            try:
                yield SqliteTx(connection, self.clock)
                connection.execute("COMMIT")
            except BaseException:
                # After a full disk SQLite may have rolled back on its own already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _begin_soon(self, connection: sqlite3.Connection, begin: str) -> None:
        """Begin in the first gap. SQLite itself looks ever more seldom, in the end every 100 ms:
        beside two senders who write all the time it may look at the wrong moment for seconds."""
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            for left in range(round(self._timeout / _LOOK_EVERY), -1, -1):
                try:
                    connection.execute(begin)
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not left:
                        raise
                time.sleep(_LOOK_EVERY)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._timeout * 1000)}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -16000")
            # What is deleted is overwritten (E12); the library's own default depends on its build.
            connection.execute("PRAGMA secure_delete = ON")
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection


_LOOK_EVERY = 0.001
"""Seconds."""

_BLOCKS = (64, 16, 4, 1)
"""Rows of one statement: few sizes, so that each is prepared once."""

_TUPLE = re.compile(r"VALUES\s*\(([^()]*)\)")
_NAME = re.compile(r":([a-z_][a-z0-9_]*)")


@cache
def _for_rows(sql: str, columns: tuple[str, ...], count: int) -> str:
    """A statement whose parameters all stand in one VALUES (…), for so many rows of `columns`."""
    found = _TUPLE.search(sql)
    assert found is not None and not _NAME.search(sql[: found.start()] + sql[found.end() :])
    assert tuple(_NAME.findall(found[1])) == columns
    one = f"({_NAME.sub('?', found[1])})"
    return f"{sql[: found.start()]}VALUES {', '.join([one] * count)}{sql[found.end() :]}"


def _make_private(path: Path) -> None:
    """An empty file that only its owner reads: it will hold everybody's addresses. What SQLite
    keeps beside it gets the same rights."""
    with contextlib.suppress(OSError):  # SQLite says more clearly what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _holds(path: Path, trace: str) -> bool:
    """Whether a file has a text somewhere, letter case aside; read in pieces that overlap."""
    wanted, tail = trace.encode("utf-8").lower(), b""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        while block := file.read(_PIECE):
            if wanted in (tail + block).lower():
                return True
            tail = block[-len(wanted) :]
    return False


_PIECE = 1 << 22


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's words for "not now" as StoreUnavailable; everything else is a fault of ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "not a database" in text or "malformed" in text:
            raise ConfigError(
                f"the store's file is not a usable SQLite database ({text}).",
                hint="Check store.url, or restore a backup.",
            ) from error
        if isinstance(error, sqlite3.OperationalError):
            for sign, sentence in _NOT_NOW.items():
                if sign in text:
                    raise StoreUnavailable(
                        f"{sentence} ({text}); nothing was done.", hint="Try again."
                    ) from error
        raise


_NOT_NOW = {
    "locked": "the store is locked by another process",
    "busy": "the store is locked by another process",
    "disk is full": "the disk of the store is full",
    "disk I/O error": "the disk of the store does not answer",
    "readonly": "the store cannot be written",
    "unable to open": "the store cannot be opened",
}
