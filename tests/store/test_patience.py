"""A statement that has no answer: waited for while the server works, given up when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from mailer.errors import StoreUnavailable
from mailer.store import open_store
from mailer.store.patience import PatientConnection

from tests.cluster.line import Line
from tests.postgres import Postgres


@pytest.fixture
def line(postgres_server: Postgres) -> Iterator[Line]:
    """A line to the server of the tests, of which it misses nobody within a test."""
    with Line(postgres_server.socket) as line:
        yield line


@pytest.fixture
def connection(line: Line, postgres_url: str) -> Iterator[PatientConnection]:
    """Over that line, with little patience."""
    with PatientConnection.connect(line.url(postgres_url), autocommit=True) as connection:
        connection.answer_within = 0.2
        yield connection


def test_what_the_server_works_on_is_waited_for(connection: PatientConnection) -> None:
    """However often it was looked after."""
    row = connection.execute("SELECT 1 FROM pg_sleep(1.0)").fetchone()
    assert row == (1,)


def test_what_waits_for_a_lock_is_waited_for(
    connection: PatientConnection, postgres_url: str
) -> None:
    """The server holds it; it was not lost."""
    with psycopg.connect(postgres_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        done = threading.Event()

        def wait() -> None:
            connection.execute("SELECT pg_advisory_lock(1)")
            done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not done.wait(1.0)
        holder.execute("SELECT pg_advisory_unlock(1)")
        assert done.wait(20)
        thread.join()


@pytest.mark.parametrize("back", [False, True])
def test_what_was_lost_is_given_up(line: Line, connection: PatientConnection, back: bool) -> None:
    """H20: whether the server is not reached, or is and knows nothing of it."""
    lost = threading.Event()
    connection.on_lost = lost.set
    line.swallow()
    if back:
        line.mend()
    words = "was lost on its way" if back else "does not answer"
    with pytest.raises(psycopg.OperationalError, match=words):
        connection.execute("SELECT 1")
    assert connection.closed and lost.is_set()


def test_a_store_whose_line_died_goes_on_over_a_new_one(line: Line, postgres_url: str) -> None:
    """H20: one refusal, and none of the connections that were kept is tried again."""
    store = open_store(line.url(postgres_url), busy_timeout=1.0)
    try:
        with store.read(), store.read() as tx:
            tx.now()
        line.swallow()
        line.mend()
        with pytest.raises(StoreUnavailable, match="cannot be used now"), store.read() as tx:
            tx.now()
        began = time.monotonic()
        while True:
            try:
                with store.read() as tx:
                    assert tx.now()
                break
            except StoreUnavailable:
                assert time.monotonic() < began + 20
    finally:
        store.close()
