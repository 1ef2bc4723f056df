"""What one scrape of /metrics costs: `python -m benchmarks.watching [--store URL] [--count N]`.

A ledger with N deliveries is made (SQLite in a temporary folder unless `--store` names an empty
PostgreSQL database) and scraped: while all are queued, while all are deferred, once right after
100,000 answers, and when all were accepted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mailer import config
from mailer.distribution.telemetry import Telemetry
from mailer.store import Store, open_store
from mailer.store.migrations import migrate
from mailer.web.metrics import scrape

from benchmarks.newsroom import run

EVENTS, TOGETHER = 100_000, 128
DOMAINS = 5_000
"""So many recipients' domains there are; each tenth person is at a large provider."""


def main() -> None:
    """Measure and print one line for each situation."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", default="", help="URL of an empty database")
    parser.add_argument("--count", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = open_store(options.store or f"sqlite:///{home / 'mailer.db'}", create=True)
        migrate(store)
        _fill(store, options.count)
        room: Any = SimpleNamespace(config=_config(home), store=store)
        telemetry = Telemetry(room)
        _show("all queued, first scrape", telemetry)
        _show("all queued, the next", telemetry)
        _put(store, "UPDATE deliveries SET state = 2")
        _show("all deferred, counted anew", Telemetry(room))
        _put(store, "UPDATE deliveries SET state = 3, route = 'default'")
        ended = Telemetry(room)
        _show("all accepted", ended)
        with store.write() as tx:
            _events(tx, min(EVENTS, options.count))
        _show(f"after {min(EVENTS, options.count):,} answers", ended)
        _show("the next", ended)
        store.close()


def _config(home: Path) -> config.Config:
    run([sys.executable, "-m", "mailer", "init", str(home / "room")])
    return config.load(home / "room" / "config.toml", {})


def _put(store: Store, statement: str) -> None:
    with store.write() as tx:
        tx.execute(statement, {})
    if store.dialect == "postgresql":  # as its own autovacuum does after so many changes
        import psycopg

        with psycopg.connect(store.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def _fill(store: Store, count: int) -> None:
    now = store.clock.now() - 60_000_000
    with store.write() as tx:
        tx.execute(
            "INSERT INTO distributions (id, release, revision, compiled, state, priority, late, "
            "due_at, zone, audience, left_out, recipients, actor, created_at) VALUES "
            "(1, 1, 1, '', 'sending', 50, 'send', :now, 'UTC', '{}', '{}', :count, 'x', :now)",
            {"now": now, "count": count},
        )
        wave = ["distribution", "id", "due_at", "zone", "state", "recipients"]
        tx.copy("waves", wave, [(1, 1, now, "UTC", "sending", count)])
        tx.copy(
            "addresses",
            ["journalist", "email", "hash"],
            ((n, f"j{n}@{_domain(n)}", n.to_bytes(32, "big")) for n in range(1, count + 1)),
        )
        delivery = ["distribution", "id", "journalist", "wave", "list", "kind", "state"]
        delivery += ["due_at", "queued_at", "attempts"]
        rows = ((1, n, n, 1, 1, "release", 0, now, now, 0) for n in range(1, count + 1))
        tx.copy("deliveries", delivery, rows)
    _put(store, "UPDATE control SET version = version + 1")


def _domain(number: int) -> str:
    return "gmail.com" if number % 10 == 0 else f"d{number % DOMAINS}.example.com"


def _events(tx: Any, count: int) -> None:
    """Answers as senders write them: of so many accepted together one line tells."""
    at = tx.now() - 10_000_000
    columns = ["at", "kind", "actor", "distribution", "delivery", "data"]
    together = (
        range(first, min(first + TOGETHER, count + 1)) for first in range(1, count, TOGETHER)
    )
    told = (
        {"state": "accepted", "code": 250, "attempt": 1, "route": "default", "deliveries": [*some]}
        for some in together
    )
    tx.copy("events", columns, ((at, "accepted", "w", 1, None, json.dumps(one)) for one in told))


def _show(what: str, telemetry: Telemetry) -> None:
    began, used = time.perf_counter(), time.process_time()
    page = scrape(telemetry)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    lines = page.count(b"\n")
    print(f"{what:32} {took * 1000:8.1f} ms, {cpu * 1000:8.1f} ms CPU here, {lines} lines")


if __name__ == "__main__":
    main()
