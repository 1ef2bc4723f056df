"""Where a sender's work on its store is done: waiting in the thread, computing in the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from mailer.distribution.storethread import Steps, StoreThread
from mailer.store import Store


def run(store: Store, act: Callable[[StoreThread], Any]) -> Any:
    async def main() -> Any:
        thread = StoreThread(store)
        try:
            return await thread.call(lambda: act(thread))
        finally:
            thread.close()

    return asyncio.run(main())


def in_steps(act: Callable[[], Any], steps: int = 1) -> Steps[Any]:
    """`act` and steps that do nothing before it."""
    for _ in range(steps):
        yield
    return act()


def test_only_an_embedded_database_is_computed_with_in_the_loop(store: Store) -> None:
    """Decision 11: nobody but the thread waits for a lock, a disk or a server."""
    loop = threading.get_ident()
    seen = run(
        store, lambda thread: (threading.get_ident(), thread.compute(in_steps(threading.get_ident)))
    )
    assert seen[0] != loop
    assert (seen[1] == loop) == (store.dialect == "sqlite")


def test_what_the_body_raises_undoes_the_transaction(store: Store) -> None:
    """H20: all or nothing, wherever it was computed."""

    def act(thread: StoreThread) -> None:
        with store.write() as tx:

            def body() -> None:
                tx.next_ids("worker")
                raise TimeoutError("the work's own")

            thread.compute(in_steps(body))

    with pytest.raises(TimeoutError, match="the work's own"):
        run(store, act)
    with store.write() as tx:
        assert tx.next_ids("worker") == 1


def test_the_loop_goes_on_while_the_thread_waits_for_the_lock(store: Store) -> None:
    """Decision 11: a writer that holds the store for a moment does not hold up replies."""
    steps = 0

    async def main() -> int:
        nonlocal steps
        thread = StoreThread(store)
        with store.write() as tx:  # what the thread will have to wait for
            tx.next_ids("worker")

            def write() -> int:
                with store.write() as mine:
                    return thread.compute(in_steps(lambda: mine.next_ids("worker")))

            waiting = asyncio.create_task(thread.call(write))
            for _ in range(50):
                await asyncio.sleep(0.002)
                steps += 1
            assert not waiting.done()
        found = await waiting
        thread.close()
        return found

    assert asyncio.run(main()) == 2
    assert steps == 50


def test_connections_go_on_between_the_steps_of_a_turn(store: Store) -> None:
    """A sender that computes for long in one piece lets its server run dry."""
    ticks = 0

    async def main() -> None:
        nonlocal ticks
        thread = StoreThread(store)

        def write() -> int:
            with store.write() as tx:
                return thread.compute(in_steps(lambda: tx.next_ids("worker"), steps=20))

        working = asyncio.create_task(thread.call(write))
        while not working.done():
            await asyncio.sleep(0)
            ticks += 1
        assert await working == 1
        thread.close()

    asyncio.run(main())
    # With a server it is the thread that works, and the loop is free anyway.
    assert ticks >= 20 or not store.embedded
