"""The two adapters behave alike: transactions, ids, parameters, streams, migrations."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from mailer.errors import ConfigError, StoreUnavailable
from mailer.store import Store, open_store
from mailer.store.core import add_event, control_version, fact, raise_control, set_fact
from mailer.store.migrations import check, latest, migrate, schema_version


def test_a_write_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.write() as tx:
        set_fact(tx, "colour", "red")
        raise RuntimeError
    with store.read() as tx:
        assert fact(tx, "colour") is None


def test_ids_are_consecutive_and_never_given_twice(store: Store) -> None:
    taken: list[int] = []
    lock = threading.Lock()

    def take() -> None:
        for _ in range(20):
            with store.write() as tx:
                first = tx.next_ids("thing", 3)
            with lock:
                taken.extend(range(first, first + 3))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 241))


def test_facts_events_and_the_control_version(store: Store) -> None:
    with store.write() as tx:
        before = control_version(tx)
        raise_control(tx)
        assert control_version(tx) == before + 1
        assert set_fact(tx, "ledger_id", "aaa", once=True) == "aaa"
        assert set_fact(tx, "ledger_id", "bbb", once=True) == "aaa"
        add_event(tx, "paused", "anna", distribution=3, data={"why": "100 % typo: 'colon'"})
    with store.read() as tx:
        rows = list(tx.stream_rows("SELECT * FROM events WHERE actor = :actor", {"actor": "anna"}))
    assert [(r["kind"], r["distribution"]) for r in rows] == [("paused", 3)]


def test_copy_and_stream_many_rows(store: Store) -> None:
    with store.write() as tx:
        count = tx.copy("counters", ["name", "value"], ((f"n{i}", i * 2**33) for i in range(5000)))
        assert count == 5000
    with store.read() as tx:
        values = [r["value"] for r in tx.stream_rows("SELECT value FROM counters", {})]
    assert sorted(values) == [i * 2**33 for i in range(5000)]


def test_four_migrating_at_once_all_succeed(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        Path(store_url.removeprefix("sqlite:///")).parent.mkdir()
    failures: list[Exception] = []

    def run() -> None:
        try:
            mine = open_store(store_url, create=True)
            migrate(mine)
            mine.close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    mine = open_store(store_url)
    assert schema_version(mine) == latest()
    check(mine)
    assert migrate(mine) == []
    mine.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_empty_and_a_newer_store_are_refused(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    store = open_store(url, create=True)
    with pytest.raises(ConfigError, match="empty"):
        check(store)
    migrate(store)
    with store.write() as tx:
        tx.run("core.record_migration", number=latest() + 1, name="later", at=0)
    with pytest.raises(StoreUnavailable, match="newer"):
        check(store)
    store.close()


def test_a_missing_file_is_not_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mailer init"):
        open_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("eager", [False, True])
def test_a_locked_database_says_try_again(tmp_path: Path, eager: bool) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = open_store(url, create=True, busy_timeout=0.2, eager=eager)
    migrate(store)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked") as caught, store.write():
        pass
    assert caught.value.exit_code == 75
    other.execute("ROLLBACK")
    other.close()
    with store.write() as tx:
        raise_control(tx)
    store.close()


def test_who_is_eager_gets_in_while_another_writes_nearly_all_the_time(tmp_path: Path) -> None:
    """F10: a click is not answered late because two senders are busy."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = open_store(url, create=True, busy_timeout=20, eager=True)
    migrate(store)
    held, ended, rounds = threading.Event(), threading.Event(), []

    def busy() -> None:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, timeout=20)
        while not ended.is_set():
            other.execute("BEGIN IMMEDIATE")
            rounds.append(1)
            held.set()
            time.sleep(0.06)
            other.execute("COMMIT")
            time.sleep(0.01)
        other.close()

    thread = threading.Thread(target=busy)
    thread.start()
    waited = []
    try:
        for _ in range(12):
            held.clear()
            assert held.wait(20)
            before = len(rounds)
            with store.write() as tx:
                waited.append(len(rounds) - before)
                raise_control(tx)
    finally:
        ended.set()
        thread.join()
        store.close()
    assert sum(waited) <= 12, waited


def test_a_server_that_is_away_says_try_again() -> None:
    store = open_store("postgresql://nobody@/none?host=/nonexistent", busy_timeout=0.3)
    with pytest.raises(StoreUnavailable), store.read():
        pass
    store.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is a letter, not a database\n" * 100)
    with pytest.raises(ConfigError, match="not a usable SQLite database"):
        open_store(f"sqlite:///{tmp_path / 'x.db'}")
