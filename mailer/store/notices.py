"""Hearing at once that the control version was raised, from a PostgreSQL server (NOTIFY).

Only a shortcut: a notice is lost while the connection is, so whoever must know looks as often as
he would without. The connection is made again for as long as it is wanted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

CHANNEL = "mailer_control"
"""As in `sql/core.sql`."""

_AGAIN_AFTER = 1.0
_LOOK_EVERY = 0.5
"""Seconds until a server that was away is tried again; until `close` is seen."""


class Listener:
    """Calls `call`, from a thread of its own, after each notice, and once whenever it begins to
    hear: something may have been missed before."""

    def __init__(self, url: str, call: Callable[[], None]) -> None:
        self._url = url
        self._call = call
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="notices", daemon=True).start()

    def close(self) -> None:
        """Call no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._hear()
            except psycopg.Error:
                self._closed.wait(_AGAIN_AFTER)

    def _hear(self) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            # A server that is gone without a word is missed within 20 seconds.
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
        ) as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self._tell()
            while not self._closed.is_set():
                for _ in connection.notifies(timeout=_LOOK_EVERY, stop_after=1):
                    self._tell()

    def _tell(self) -> None:
        if not self._closed.is_set():
            self._call()
