"""The job engine's tables in our store, on PostgreSQL (design decisions 11 and 12)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.errors import StoreUnavailable
from mailer.store import Store, jobs
from mailer.store.core import set_fact
from mailer.store.jobs import Job
from mailer.store.migrations import migrate

from tests.conftest import opened

WAKE = Job("send", "normal", 50, {"distribution": 1, "shard": 1}, once="send:1:1")


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Store]:
    with opened(postgres_url) as store:
        yield store


def waiting(store: Store) -> list[tuple[str, str, int]]:
    with store.read() as tx:
        rows = tx.rows("SELECT task_name, queue_name, priority FROM procrastinate_jobs", {})
    return [(row["task_name"], row["queue_name"], row["priority"]) for row in rows]


def test_only_what_a_newer_package_adds_is_applied(shared: Store) -> None:
    """Decision 11: under one lock with our own migrations, each change once."""
    before = sorted((Path(jobs._folder()) / "migrations").glob("*.sql"))[-2].name
    assert migrate(shared) == []
    with shared.write() as tx:
        set_fact(tx, "procrastinate", before)
        with pytest.raises(StoreUnavailable, match="older than this program"):
            jobs.check(tx)
        assert jobs.takers(tx) == 0
    assert migrate(shared) == [f"procrastinate_{jobs.latest().removesuffix('.sql')}"]
    assert migrate(shared) == []
    with shared.write() as tx:
        jobs.check(tx)
        set_fact(tx, "procrastinate", "99.sql")
        with pytest.raises(StoreUnavailable, match="newer than this program"):
            jobs.check(tx)


def test_a_job_comes_and_goes_with_its_transaction(shared: Store) -> None:
    """Decision 2: nobody is woken for rows that were never written."""
    with pytest.raises(ZeroDivisionError), shared.write() as tx:
        assert jobs.add(tx, [WAKE]) == 1
        raise ZeroDivisionError
    assert waiting(shared) == []
    with shared.write() as tx:
        assert jobs.add(tx, [WAKE]) == 1
    with shared.write() as tx:
        assert jobs.add(tx, [WAKE]) == 0, "an equal one waits already"
    assert waiting(shared) == [("send", "normal", 50)]


def test_two_that_make_the_same_job_do_not_disturb_each_other(shared: Store) -> None:
    """The slower one goes on with the rest of its transaction."""
    made: list[int] = []
    first_has_it, second_runs = threading.Event(), threading.Event()

    def second() -> None:
        assert first_has_it.wait(10)
        with shared.write() as tx:
            second_runs.set()
            made.append(jobs.add(tx, [WAKE]))
            set_fact(tx, "second", "was here")

    thread = threading.Thread(target=second)
    thread.start()
    with shared.write() as tx:
        made.append(jobs.add(tx, [WAKE]))
        first_has_it.set()
        assert second_runs.wait(10)
    thread.join()
    assert sorted(made) == [0, 1]
    assert len(waiting(shared)) == 1
    with shared.read() as tx:
        assert tx.value("core.get_fact", name="second") == "was here"


def test_nobody_is_woken_where_nobody_sleeps(store: Store) -> None:
    """SQLite has no job tables; on PostgreSQL no worker runs."""
    with store.write() as tx:
        assert jobs.takers(tx) == 0
