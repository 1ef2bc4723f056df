"""Being told that the control version was raised: at the commit, also after the server was away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from mailer.distribution.storethread import StoreThread
from mailer.store import Store, open_store
from mailer.store.core import raise_control
from mailer.store.migrations import migrate

_LONG = 60.0


class _Heard:
    """What a listener was called for; `wait` fails when it is not called any more."""

    def __init__(self) -> None:
        self._called = threading.Semaphore(0)

    def __call__(self) -> None:
        self._called.release()

    def wait(self) -> None:
        assert self._called.acquire(timeout=_LONG), "nothing was heard"

    def nothing(self) -> bool:
        return not self._called.acquire(timeout=0.3)


@contextmanager
def _listening(url: str) -> Iterator[tuple[Store, _Heard]]:
    with closing(open_store(url)) as store:
        migrate(store)
        heard = _Heard()
        end = store.on_raise(heard)
        try:
            heard.wait()  # it hears now
            yield store, heard
        finally:
            end()


def test_told_at_the_commit(postgres_url: str) -> None:
    """H15: neither before it, nor for what was undone, by whichever process it was raised."""
    with _listening(postgres_url) as (store, heard), closing(open_store(postgres_url)) as other:
        with other.write() as tx:
            raise_control(tx)
            assert heard.nothing()
        heard.wait()
        with pytest.raises(LookupError), store.write() as tx:
            raise_control(tx)
            raise LookupError
        assert heard.nothing()


def test_told_again_after_the_connection_broke(postgres_url: str) -> None:
    """H20: the listening connection comes back by itself, and then says that it may have missed
    something."""
    with _listening(postgres_url) as (store, heard):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            killed = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            ).fetchall()
        assert killed == [(True,)]
        heard.wait()
        with store.write() as tx:
            raise_control(tx)
        heard.wait()


def test_nothing_is_told_after_the_end(postgres_url: str) -> None:
    """Who no longer listens is left alone."""
    with closing(open_store(postgres_url)) as store:
        migrate(store)
        heard = _Heard()
        end = store.on_raise(heard)
        heard.wait()
        end()
        with store.write() as tx:
            raise_control(tx)
        assert heard.nothing()


def test_a_sender_looks_at_once(postgres_url: str) -> None:
    """Decision 3: an hour's pause ends when another machine raises the version."""

    async def main(store: Store, raised: Callable[[], None]) -> None:
        thread = StoreThread(store)
        try:
            await asyncio.wait_for(thread.pause(3600.0), _LONG)  # it hears now, and says so
            pausing = asyncio.create_task(thread.pause(3600.0))
            await asyncio.sleep(0.3)
            assert not pausing.done()
            await asyncio.to_thread(raised)
            await asyncio.wait_for(pausing, _LONG)
        finally:
            thread.close()

    with closing(open_store(postgres_url)) as store, closing(open_store(postgres_url)) as other:
        migrate(store)

        def raised() -> None:
            with other.write() as tx:
                raise_control(tx)

        asyncio.run(main(store, raised))


def test_a_pause_ends_by_itself(store: Store) -> None:
    """The floor: with nobody to tell, a sender looks again all the same."""

    async def main() -> None:
        thread = StoreThread(store)
        try:
            for _ in range(3):
                await asyncio.wait_for(thread.pause(0.05), _LONG)
        finally:
            thread.close()

    asyncio.run(main())
