"""PostgreSQL: the same store for several machines, through psycopg and its pool.

Time in every gate is the server's clock, so that machines whose clocks differ agree. An injected
clock that is not the machine's (tests, simulations) wins over the server's.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import orjson
import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import ConnectionPool, PoolTimeout

from mailer.clock import Clock, SystemClock
from mailer.errors import Refused, StoreUnavailable
from mailer.store.base import Params, Row, Store, Tx, query
from mailer.store.listener import Listener
from mailer.store.patience import ANSWER_WITHIN, PatientConnection

_MIGRATION_LOCK = 0x6D61696C6572
"""Key of the advisory lock that migrating processes take ("mailer" in ASCII)."""

_SWEEP_LOCK = _MIGRATION_LOCK + 1
"""Key of the advisory lock of whoever sweeps."""

_WORKER_LOCK = 0x6D61696C
"""First half of the advisory lock of a living worker; the second is its id."""

_NOTICE_DEATH = " ".join(
    f"-c tcp_keepalives_{name}={seconds}"
    for name, seconds in (("idle", 5), ("interval", 5), ("count", 3))
)
"""For a session: the server misses a machine that is gone without a word within 20 seconds, and
frees the locks it held. By itself it would wait for two hours."""

_NO_COMPILER = "-c jit=off"
"""What the server expects a claim to cost, before it knows how few rows are wanted, would have it
compile the statement to machine code each time, which takes longer than the claim."""

_Connection = psycopg.Connection[dict[str, Any]]


class PostgresTx(Tx):
    dialect = "postgresql"

    def __init__(self, connection: _Connection, clock: Clock) -> None:
        super().__init__(clock)
        self.connection = connection
        self._asked: tuple[int, int] | None = None

    def now(self) -> int:
        if not isinstance(self._clock, SystemClock):
            return self._clock.now()
        # Asked once in a transaction; from then on what passed since the answer is added, as a
        # clock counts it that nobody sets: a little behind the server's, so no gate opens early.
        if self._asked is None:
            self._asked = cast(int, self.value("core.server_now")), time.monotonic_ns()
        instant, answered = self._asked
        return instant + (time.monotonic_ns() - answered) // 1000

    def execute(self, sql: str, params: Params) -> int:
        changed = self.connection.execute(_adapted(sql), params).rowcount
        self.touched.statement(sql, params, changed)
        return changed

    def execute_many(self, sql: str, params: Iterable[Params]) -> int:
        with self.connection.cursor() as cursor:
            cursor.executemany(_adapted(sql), self.touched.statements(sql, params))
            return cursor.rowcount

    def bulk(self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /) -> int:
        sql = query(name, self.dialect)
        if sql.startswith("COPY"):
            self.touched.statement(sql, {})
            return self._copy(sql, rows)
        return self.execute(sql, {"rows": _as_json(columns, rows)})

    def bulk_rows(
        self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], /
    ) -> list[Row]:
        return self.rows(query(name, self.dialect), {"rows": _as_json(columns, rows)})

    def rows(self, sql: str, params: Params) -> list[Row]:
        self.touched.statement(sql, params)
        cursor = self.connection.execute(_adapted(sql), params)
        return cast("list[Row]", cursor.fetchall())

    def stream_rows(self, sql: str, params: Params) -> Iterator[Row]:
        with self.connection.cursor(name="stream") as cursor:
            cursor.itersize = 2000
            cursor.execute(_adapted(sql), params)
            yield from cast("Iterator[Row]", cursor)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        rows = self.touched.rows(table, columns, rows)
        try:
            return self._copy(f"COPY {table} ({','.join(columns)}) FROM STDIN", rows)
        except psycopg.DataError as error:
            raise Refused(_unstorable(table, error)) from error

    def _copy(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        with self.connection.cursor() as cursor:
            with cursor.copy(cast(Any, statement)) as copy:
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount

    def tuples(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        with psycopg.ServerCursor(self.connection, "all", row_factory=tuple_row) as cursor:
            cursor.itersize = 5000
            cursor.execute(cast(Any, f"SELECT {','.join(columns)} FROM {table}"), binary=True)
            yield from cursor

    def shut(self, tables: Sequence[str]) -> None:
        self.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE", {})

    def counted_up(self, table: str) -> int:
        name = self.rows("SELECT pg_get_serial_sequence(:table, 'id') AS name", {"table": table})
        rows = self.rows(f"SELECT last_value, is_called FROM {name[0]['name']}", {})
        return int(rows[0]["last_value"]) if rows[0]["is_called"] else 0

    def settle(self, counted: Mapping[str, int]) -> None:
        for table, last in counted.items():
            self.rows(
                "SELECT setval(pg_get_serial_sequence(:table, 'id'), :last, :called)",
                {"table": table, "last": max(1, last), "called": last > 0},
            )
        self.execute("ANALYZE", {})


# Each failed attempt is logged, and Python prints what nobody listens to; we say it once ourselves.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class PostgresStore(Store):
    dialect = "postgresql"
    embedded = False

    def __init__(self, url: str, clock: Clock, *, busy_timeout: float) -> None:
        super().__init__(url, clock)
        self._timeout = busy_timeout
        milliseconds = round(busy_timeout * 1000)
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            connection_class=cast("type[_Connection]", PatientConnection),
            kwargs={
                "row_factory": dict_row,
                "autocommit": True,
                "connect_timeout": min(5, max(2, round(busy_timeout))),
                "options": f"-c lock_timeout={milliseconds} -c timezone=UTC {_NO_COMPILER} "
                f"{_NOTICE_DEATH}",
            },
            min_size=0,
            max_size=16,
            # The pool waits longer after each failure. Short rounds, begun anew by whoever asks
            # again, find a server that is back within a second or two.
            timeout=min(3.0, busy_timeout),
            reconnect_timeout=min(2.0, busy_timeout),
            configure=self._look_after,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def _look_after(self, connection: _Connection) -> None:
        patient = cast(PatientConnection, connection)
        patient.answer_within = min(self._timeout, ANSWER_WITHIN)
        patient.on_lost = self._pool.drain

    @contextmanager
    def write(self) -> Iterator[Tx]:
        with self._transaction("BEGIN") as tx:
            yield tx
            tx.tell_touched()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as tx:
            yield tx

    @contextmanager
    def exclusive(self) -> Iterator[Tx]:
        with self._transaction("BEGIN") as tx:
            tx.rows("SELECT pg_advisory_xact_lock(:key)", {"key": _MIGRATION_LOCK})
            yield tx

    @contextmanager
    def hold_presence(self, worker: int) -> Iterator[None]:
        with self._presence("pg_advisory_lock", worker):
            yield

    @contextmanager
    def presence_free(self, worker: int) -> Iterator[bool]:
        with self._presence("pg_try_advisory_lock", worker) as free:
            yield free

    @contextmanager
    def alone(self) -> Iterator[bool]:
        with _translated(), self._pool.connection() as connection:
            key = {"key": _SWEEP_LOCK}
            row = connection.execute("SELECT pg_try_advisory_lock(%(key)s) AS free", key).fetchone()
            free = bool(row and row["free"])
            try:
                yield free
            finally:
                if free and not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%(key)s)", key)

    def on_raise(self, call: Callable[[], None]) -> Callable[[], None]:
        return Listener(self.url, call).close

    def purge(self, tables: Sequence[str], trace: str | None, *, rewrite: bool) -> str | None:
        with _translated(), self._pool.connection() as connection:
            for table in tables:  # its samples of values (pg_statistic) are made anew with it
                connection.execute(cast(Any, f"VACUUM (ANALYZE) {table}"))
        return (
            "PostgreSQL has cleared the rows away; their bytes are overwritten as it uses the room "
            "again, and its write-ahead log as that goes round. Archives of the log and copies of "
            "the whole server keep them for as long as you keep those."
        )

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _presence(self, function: str, worker: int) -> Iterator[bool]:
        # A connection of its own: the server frees the lock when it breaks.
        with _translated():
            connection = PatientConnection.connect(
                self.url, autocommit=True, connect_timeout=5, options=_NOTICE_DEATH
            )
        try:
            with _translated():
                row = connection.execute(
                    cast(Any, f"SELECT {function}(%s, %s)"), (_WORKER_LOCK, worker)
                ).fetchone()
            yield bool(row and row[0] is not False)
        finally:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Tx]:
        with _translated(), self._pool.connection() as connection:
            connection.execute(cast(Any, begin))
            try:
                yield PostgresTx(connection, self.clock)
                connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                raise


_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


def _as_json(columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> str:
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return orjson.dumps(named, default=bytes.hex).decode("utf-8")


@cache
def _adapted(sql: str) -> Any:
    """`:name` parameters in psycopg's style, which takes no `:name`."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


def _unstorable(table: str, error: psycopg.DataError) -> str:
    """Where a value stands that PostgreSQL cannot keep, without the value: it may be an address."""
    place = re.search(r"line (\d+)(?:, column (\w+))?", error.diag.context or "")
    where = f" (row {place[1]}{f', {place[2]}' if place[2] else ''})" if place else ""
    what = (error.diag.message_primary or str(error)).partition(":")[0]
    return f"{table} holds a value that PostgreSQL cannot keep{where}: {what}; nothing was done."


@contextmanager
def _translated() -> Iterator[None]:
    """psycopg's words for "not now" as StoreUnavailable."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout, psycopg.errors.LockNotAvailable) as error:
        raise StoreUnavailable(
            f"the store cannot be used now ({why_not(error)}); nothing was done.", hint="Try again."
        ) from error


def why_not(error: BaseException) -> str:
    """In a few words why a connection cannot be used, or had."""
    if isinstance(error, PoolTimeout):  # it says only for how long the pool waited
        return "the database server is not reached"
    return str(error).strip().partition("\n")[0]
