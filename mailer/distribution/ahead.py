"""The rows of a large list, read and judged by a second process while this one stores them.

Judging a row costs as much as storing it, and both keep one core busy. Of a small file, in a
process with threads, or where there is only one core, everything is done here.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Generator
from itertools import islice
from operator import attrgetter
from queue import Queue
from typing import IO, Any

from mailer.audience.journalist import Journalist
from mailer.audience.lists import ListReader, Row
from mailer.distribution.context import address_hash
from mailer.errors import InputError

WORTH = 4 << 20
"""Octets of a file from which on a second process is worth its start."""


class Judged:
    """A list file's rows, once, each with the keyed hash of its address (b"" of a rejected one).

    Raises what the reader raises.
    """

    def __init__(self, reader: ListReader, key: bytes) -> None:
        self._reader, self._key = reader, key
        self._told: int | None = None

    @property
    def bytes_read(self) -> int:
        """Octets of the file read so far."""
        return self._reader.bytes_read if self._told is None else self._told

    def __iter__(self) -> Generator[tuple[Row, bytes], None, None]:
        apart = (
            self._reader.bytes_total >= WORTH
            and (os.cpu_count() or 1) > 1
            and threading.active_count() == 1
        )
        return self._from_child() if apart else self._here()

    def _here(self) -> Generator[tuple[Row, bytes], None, None]:
        for row in self._reader:
            person = row.journalist
            yield row, b"" if person is None else address_hash(self._key, person.email)

    def _from_child(self) -> Generator[tuple[Row, bytes], None, None]:
        out, into = os.pipe()
        child = os.fork()
        if not child:
            os.close(out)
            self._be_child(into)
        os.close(into)
        try:
            with os.fdopen(out, "rb") as pipe:
                while (said := _next(pipe, self._reader)) is not None:
                    rows, self._told = said
                    for number, line, verdict, person, reasons, warnings, cells, hash in rows:
                        who = None if person is None else Journalist(*person)
                        yield Row(number, line, verdict, who, reasons, warnings, cells), hash
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _be_child(self, into: int) -> None:
        """Never comes back. Neither the store nor anything else of the parent's is touched."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
            # A pipe holds fewer rows than the parent stores at a time: the thread waits for it.
            waiting: Queue[bytes] = Queue(_PORTIONS)
            sends = threading.Thread(target=_send, args=(into, waiting))
            sends.start()
            rows = self._here()
            try:
                while portion := [_packed(*each) for each in islice(rows, _PORTION)]:
                    waiting.put(pickle.dumps((portion, self._reader.bytes_read)))
                waiting.put(pickle.dumps(None))
            except Exception as error:
                waiting.put(pickle.dumps(error))
            waiting.put(b"")
            sends.join()
            status = 0
        finally:
            os._exit(status)


def _send(into: int, waiting: Queue[bytes]) -> None:
    try:
        with os.fdopen(into, "wb") as pipe:
            while octets := waiting.get():
                pipe.write(octets)
    except OSError:
        os._exit(1)  # nobody reads any more


def _next(pipe: IO[bytes], reader: ListReader) -> tuple[list[Any], int] | None:
    """What the child says next; None at the end of the file."""
    try:
        said: Any = pickle.load(pipe)
    except EOFError:
        raise InputError(
            "the file could not be read to its end: the process that read it was ended.",
            where=str(reader.path),
            hint="Try again.",
        ) from None
    if isinstance(said, Exception):
        raise said
    return None if said is None else (said[0], said[1])


def _packed(row: Row, hash: bytes) -> tuple[Any, ...]:
    """A row as what is quickly sent. Its cells are asked for where it is rejected."""
    person = row.journalist
    cells = row.cells if person is None else ()
    who = None if person is None else _fields(person)
    return row.number, row.line, row.verdict, who, row.reasons, row.warnings, cells, hash


_fields = attrgetter(*Journalist.__dataclass_fields__)
_PORTION = 500
_PORTIONS = 10
"""Rows of one portion, and portions that wait for the parent."""
