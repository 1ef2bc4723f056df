"""Hearing at once that the control version was raised, from a PostgreSQL server (NOTIFY).

Only a shortcut: a notice is lost while the connection is, so whoever must know looks as often as
he would without. The connection is made again for as long as it is wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg

from mailer.store.patience import PatientConnection

CHANNEL = "mailer_control"
"""As in `sql/core.sql`."""

_AGAIN_AFTER = 1.0
_LOOK_EVERY = 0.5
"""Seconds until a server that was away is tried again; until `close` is seen."""

_ASK_EVERY = 10.0
"""Seconds after which the server is asked whether it is still there: by itself a line that died
without a word would only be quiet."""


class Listener:
    """Calls `call`, from a thread of its own, after each notice, and once whenever it begins to
    hear: something may have been missed before."""

    def __init__(self, url: str, call: Callable[[], None]) -> None:
        self._url = url
        self._call = call
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="listener", daemon=True).start()

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
        with PatientConnection.connect(
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
            ask_at = time.monotonic() + _ASK_EVERY
            while not self._closed.is_set():
                if time.monotonic() > ask_at:
                    connection.execute("")
                    ask_at = time.monotonic() + _ASK_EVERY
                for _ in connection.notifies(timeout=_LOOK_EVERY, stop_after=1):
                    self._tell()

    def _tell(self) -> None:
        if not self._closed.is_set():
            self._call()
