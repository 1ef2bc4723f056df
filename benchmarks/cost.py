"""What one message costs in bytes, rows and waits for the disk: `python -m benchmarks.cost`.

A newsroom sends the sample release to N journalists through the cheap sink; the same run of one
message is subtracted. Rows and bytes come from the database itself; fsyncs and written bytes are
counted by `strace` in all processes of mailer, and by PostgreSQL's own statistics for the server.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from mailer.store import Store, open_store

from benchmarks.newsroom import Newsroom, environ, run
from benchmarks.servers import cheap_sink, program

TABLES = ("deliveries", "slot_values", "attempts", "events")
CALLS = ("fsync", "fdatasync", "msync", "sync_file_range")


def main() -> None:
    """Measure and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", default="", help="URL of an empty PostgreSQL database")
    parser.add_argument("--journalists", type=int, default=20_000)
    options = parser.parse_args()
    if options.store:
        os.environ["MAILER_STORE__URL"] = options.store
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        room = Newsroom.make(home / "room", options.journalists)
        url = options.store or f"sqlite:///{room.folder / 'mailer.db'}"
        with cheap_sink(home) as server:
            settings = {"SMTP__URL": f"smtp://127.0.0.1:{server.port}"}
            one, _ = _sent(room, url, "one", 1, settings, home)
            before = server.bytes_taken()
            many, rows = _sent(room, url, "bench", room.journalists, settings, home)
            content = (server.bytes_taken() - before) / room.journalists
        print(f"content on the wire      {content:12,.0f} bytes a message")
        for name in sorted(many):
            each = (many[name] - one.get(name, 0)) / room.journalists
            print(f"{name:24} {each:12,.4f} a message ({many[name]:,} in all)")
        for name, count in rows.items():
            print(f"rows in {name:16} {count / room.journalists:12,.3f} a message")


def _sent(
    room: Newsroom, url: str, name: str, count: int, settings: dict[str, str], folder: Path
) -> tuple[Counter[str], dict[str, int]]:
    """Queue to a list and send it; what was counted from before the plan to the end."""
    store = open_store(url)
    begun, rows = _figures(store), _rows(store)
    distribution = room.queue(name, settings)
    log = folder / f"{name}.strace"
    head = [
        program("strace", "strace"),
        "-f",
        "-c",
        "-o",
        str(log),
        "-e",
        f"trace={','.join(CALLS)}",
    ]
    env = environ(settings)
    once = room.command("run", "--once", "--json")
    done = subprocess.run(
        [*head, *once], env=env, cwd=room.folder, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-2000:])
    room.check(distribution, count)
    found = _figures(store)
    found.subtract(begun)
    for line in log.read_text().splitlines():
        match = re.match(r" *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", line)
        if match and match[2] in CALLS:
            found[f"{match[2]} by mailer"] += int(match[1])
    made = {table: n - rows[table] for table, n in _rows(store).items()}
    store.close()
    return found, made


def _rows(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return {t: tx.rows(f"SELECT count(*) AS n FROM {t}", {})[0]["n"] for t in TABLES}


def _figures(store: Store) -> Counter[str]:
    """Sums that only grow, in the database's own count."""
    if store.dialect == "sqlite":
        run_checkpoint(store.url.removeprefix("sqlite:///"))
        size = Path(store.url.removeprefix("sqlite:///")).stat().st_size
        return Counter({"bytes stored": size})
    queries = {
        "bytes stored": "SELECT pg_database_size(current_database()) AS n",
        "bytes of log (WAL)": "SELECT wal_bytes::bigint AS n FROM pg_stat_wal",
        "transactions": "SELECT xact_commit AS n FROM pg_stat_database "
        "WHERE datname = current_database()",
        "fsyncs of the log (WAL)": "SELECT sum(fsyncs)::bigint AS n FROM pg_stat_io "
        "WHERE object = 'wal'",
    }
    with store.read() as tx:
        return Counter({name: tx.rows(text, {})[0]["n"] for name, text in queries.items()})


def run_checkpoint(path: str) -> None:
    """Bring what stands in SQLite's log into its file, so that the file's size counts it."""
    run([program("python3", "python3"), "-c", _CHECKPOINT, path])


_CHECKPOINT = (
    "import sqlite3, sys; "
    "sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()"
)

if __name__ == "__main__":
    main()
