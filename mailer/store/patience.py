"""Waiting for a PostgreSQL server's answer, and not for ever.

A line can die without a word: a firewall forgets it, a switch or a machine in between hangs. Then
neither side hears of it, what is written may even be acknowledged by something on the way, and a
statement would wait for its answer until somebody restarts the process. So a statement that has had
no answer for a while is looked after over another connection: while the server works on it, or
holds it behind a lock, the wait goes on, however long; when the server is not reached, or knows
nothing of it, the connection is given up, as if it had broken. What became of the statement is then
unknown, as with any connection that breaks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn

ANSWER_WITHIN = 5.0
"""Seconds without a word from the server after which somebody looks whether it still works."""

_ONCE_MORE = 1.0
"""Seconds until the second look: the answer may have been on its way at the first."""

_REACHED_WITHIN = 5
"""Seconds that a connection may take to be made, before the server counts as not reached."""

_AWAY = "the server does not answer"
_LOST = "the answer of the server was lost on its way"

_T = TypeVar("_T")
_Waiting = Generator[Any, Any, _T]


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose statements are looked after once there was no word for `answer_within`
    seconds. When one is given up `on_lost` is called, in the thread that waited: others over the
    same line are likely to be dead as well."""

    answer_within: float = ANSWER_WITHIN
    on_lost: Callable[[], None] | None = None

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """As of `Connection`. Raises OperationalError, and the connection is closed, when there
        will be no answer."""
        return super().wait(_watched(self.pgconn, gen, _Look(self)), *args, **options)

    def fate(self) -> str | None:
        """Why there will be no answer to what was asked here; None while the server works on it."""
        options = {
            option.keyword.decode(): option.val.decode()
            for option in self.pgconn.info
            if option.val is not None
        }
        options |= {"options": "", "connect_timeout": str(_REACHED_WITHIN)}
        try:
            with psycopg.connect(make_conninfo("", **options), autocommit=True) as other:
                row = other.execute(
                    "SELECT state, wait_event_type FROM pg_stat_activity WHERE pid = %s",
                    (self.pgconn.backend_pid,),
                ).fetchone()
        except psycopg.OperationalError:
            return _AWAY
        # Idle: it waits for a statement that never came, or has answered it. "Client": it cannot
        # get rid of its answer.
        lost = row is None or str(row[0]).startswith("idle") or row[1] == "Client"
        return _LOST if lost else None


class PatientAsyncConnection(psycopg.AsyncConnection[Any]):
    """The same for the short statements of an event loop, which must not stand still for a look:
    what has no answer within `answer_within` seconds is given up."""

    answer_within: float = 2 * ANSWER_WITHIN

    async def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """As of `AsyncConnection`. Raises OperationalError, and the connection is closed."""

        def fate(silent: float) -> str | None:
            return _AWAY if silent > self.answer_within else None

        return await super().wait(_watched(self.pgconn, gen, fate), *args, **options)


class _Look:
    """When it is time to look after a statement, and what was found."""

    def __init__(self, connection: PatientConnection) -> None:
        self._connection = connection
        self._at = connection.answer_within
        self._missed = False

    def __call__(self, silent: float) -> str | None:
        connection = self._connection
        if silent < self._at:
            if silent < connection.answer_within:
                self._at, self._missed = connection.answer_within, False
            return None
        found = connection.fate()
        if found == _LOST and not self._missed:
            self._at, self._missed = silent + _ONCE_MORE, True
            return None
        self._at, self._missed = silent + connection.answer_within, False
        if found is not None and connection.on_lost is not None:
            connection.on_lost()
        return found


def _watched(
    pgconn: PGconn, gen: _Waiting[_T], fate: Callable[[float], str | None]
) -> _Waiting[_T]:
    """What psycopg waits for, and `fate` asked now and then, with the seconds since the server
    said something, while a statement has no answer."""
    heard = time.monotonic()
    try:
        state = next(gen)
        while True:
            ready = yield state
            if ready:
                heard = time.monotonic()
            elif pgconn.transaction_status == TransactionStatus.ACTIVE:
                reason = fate(time.monotonic() - heard)
                if reason is not None:
                    pgconn.finish()
                    raise psycopg.OperationalError(reason)
            state = gen.send(ready)
    except StopIteration as end:
        result: _T = end.value
        return result
