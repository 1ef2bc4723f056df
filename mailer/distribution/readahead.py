"""Reading ahead: what a database server makes while the caller works on what it has."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

_T = TypeVar("_T")
_DEPTH = 2
"""Items that may stand ready: enough to keep both sides busy, few enough for flat memory."""

_LOOK_EVERY = 0.2


def ahead(items: Generator[_T, None, None]) -> Generator[_T, None, None]:
    """The same items, made in a thread of their own. An error in the making is raised here; when
    this one is closed, the making has ended and `items` is closed."""
    ready: queue.Queue[tuple[bool, _T | BaseException | None]] = queue.Queue(_DEPTH)
    stopped = threading.Event()

    def put(entry: tuple[bool, _T | BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(entry, timeout=_LOOK_EVERY)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put((True, item)):
                    return
            put((False, None))
        except BaseException as error:
            put((False, error))
        finally:
            items.close()

    thread = threading.Thread(target=make, name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            is_item, value = ready.get()
            if is_item:
                yield value  # type: ignore[misc]
            elif value is None:
                return
            else:
                raise value  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
