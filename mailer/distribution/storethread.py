"""The one thread of a sender that waits for its store: locks, the disk, a server far away.

Two threads that compute in Python at the same time take the interpreter from each other at every
system call, which cost a quarter of all CPU when answers and claims of an embedded database were
worked out beside the event loop. So the thread does the waiting (for the write lock, for the
disk at the commit) and the loop the computing in between, in short steps among its others: while
it computes, no connection gets its next message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from mailer.errors import StoreUnavailable
from mailer.store.base import Store

_T = TypeVar("_T")
Steps = Generator[None, None, _T]
"""Work in steps of a few milliseconds; what it returns is its result."""

_AT_LEAST = 0.01
"""Seconds between two looks, however often somebody tells that there is something to see."""

_LOOK_EVERY = 1.0
"""Seconds after which the thread looks whether the loop it waits for still runs."""


class StoreThread:
    """Runs what touches `store`, one thing after another, for the running event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._raised = asyncio.Event()
        self._deafen: Callable[[], None] | None = None

    async def call(self, function: Callable[[], _T]) -> _T:
        """Run `function` in the thread."""
        return await self._loop.run_in_executor(self._thread, function)

    def compute(self, steps: Steps[_T]) -> _T:
        """Within `call`, inside a transaction: run what neither waits nor commits.

        With an embedded database these are steps of the event loop, while this thread stands
        still. A database server is waited for at each statement, so all stays in the thread.
        """
        if not self._store.embedded:
            return at_once(steps)
        result: Future[_T] = Future()
        self._loop.call_soon_threadsafe(self._step, steps, result)
        while True:
            try:
                return result.result(_LOOK_EVERY)
            except TimeoutError:
                if result.done():
                    raise  # the work's own
                if self._loop.is_closed() or not self._loop.is_running():
                    raise StoreUnavailable("the sender ended; nothing was done.") from None

    async def pause(self, seconds: float) -> None:
        """Wait so long, or less when the store tells that the control version was raised."""
        if self._deafen is None:
            self._deafen = self._store.on_raise(self._was_raised)
        await asyncio.sleep(min(_AT_LEAST, seconds))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._raised.wait(), max(0.0, seconds - _AT_LEAST))
        self._raised.clear()

    def close(self) -> None:
        """Wait for what is under way; nothing may be called any more."""
        if self._deafen is not None:
            self._deafen()
        self._thread.shutdown()

    def _was_raised(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._raised.set)

    def _step(self, steps: Steps[_T], result: Future[_T]) -> None:
        try:
            next(steps)
        except StopIteration as end:
            result.set_result(end.value)
        except BaseException as error:
            result.set_exception(error)
        else:
            self._loop.call_soon(self._step, steps, result)


def at_once(steps: Steps[_T]) -> _T:
    """All steps one after the other; their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result
