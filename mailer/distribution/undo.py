"""What lets imports, and their undoing, work alone and in short steps.

`lists.settle` finishes with this what an undo that was begun has still to take away, whoever began
it; `imports.undo` begins one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mailer.distribution.context import Newsroom
from mailer.distribution.pace import Pace
from mailer.errors import StoreUnavailable
from mailer.store import undo


@contextmanager
def only_import(room: Newsroom) -> Iterator[None]:
    """Keep other imports out, of this machine by a file, of other machines by the database."""
    room.config.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(room.config.spool_dir / "import.lock", os.O_RDWR | os.O_CREAT, 0o600)
    busy = StoreUnavailable(
        "another import into this newsroom is running; nothing was done.",
        hint="Try again when it is done.",
    )
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise busy from None
        with ExitStack() as stack:
            # A server may need a moment to notice that the last import's connection is closed.
            for _ in range(20):
                # Workers have ids from 1, so 0 is free for this.
                if stack.enter_context(room.store.presence_free(0)):
                    break
                stack.close()
                time.sleep(0.05)
            else:
                raise busy
            yield
    finally:
        os.close(descriptor)


def carry_out(room: Newsroom, number: int) -> None:
    """Take away what an import that is out of force brought, to the end."""
    pace, done = Pace(room, heavy=True), False
    while not done:
        with room.store.write() as tx, pace.step(tx):
            done = undo.carry_out(tx, number, pace.size)
    with room.store.read() as tx:
        keep = undo.list_is_used(tx, number)
    with room.store.write() as tx:
        undo.close(tx, number, keep_list=keep)
