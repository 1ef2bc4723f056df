"""How long a large audience takes to be planned and listed, and how much memory that needs.

    python -m benchmarks.planning [--journalists 10000 1000000] [--store URL]

For each size a newsroom with that many made-up journalists on one list is laid out, then the
commands that an officer types are measured as they are, start of the program included: `queue`
for everybody, `queue --over 1h --skip-received` once more, `log --format csv` of the first, a claim
from a batch of which nothing more is due, and `kill` once everybody has it. On a machine with other
work the seconds of CPU are what counts. Memory is the process's largest resident size; it should
hardly differ between the sizes. `--store` names an empty PostgreSQL database; then give one size
only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom
    from mailer.store.base import Tx

RELEASE = """# A bridge opens after ten years

Brussels, 1 December 2026 – The bridge over the example river opens today.

## Media contact

Ada Example – press@example.org
"""
ZONES = ("Europe/Brussels", "Europe/London", "Asia/Tokyo", "America/New_York")
CHUNK = 20_000


@dataclass(frozen=True)
class Ran:
    """One command: seconds of wall clock and of CPU, megabytes of largest resident size."""

    seconds: float
    cpu: float
    megabytes: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--journalists", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--store", default="sqlite:///mailer.db", help="the store's URL")
    options = parser.parse_args()
    print(f"{'':36}{'journalists':>12}{'seconds':>9}{'CPU s':>7}{'MB':>6}")
    for count in options.journalists:
        with tempfile.TemporaryDirectory(prefix="mailer-bench-") as folder:
            measure(Path(folder) / "room", options.store, count)
    return 0


def measure(room: Path, store: str, count: int) -> None:
    """Lay out one newsroom, measure the commands in it, print a row for each."""
    os.environ["MAILER_STORE__URL"] = store
    run(room.parent, "init", str(room))
    config = room / "config.toml"
    (room / "release.md").write_text(RELEASE)
    seed(config, count)
    head = ("--config", str(config))
    release = (str(room / "release.md"), "--to", "list:everybody")
    log = room / "log.csv"
    for name, words, out in (
        ("queue", ("queue", *release), None),
        ("log --format csv", ("log", "1", "--format", "csv"), log),
        ("queue --over 1h", ("queue", *release, "--over", "1h", "--at", "2030-01-01T09:00"), None),
        (
            "queue --skip-received --dry-run",
            ("queue", *release, "--skip-received", "--dry-run"),
            None,
        ),
    ):
        ran = run(room, *head, *words, out=out, code=6 if "--skip-received" in words else 0)
        print(
            f"{name:36}{count:12,}{ran.seconds:9.1f}{ran.cpu:7.1f}{ran.megabytes:6.0f}", flush=True
        )
    with log.open() as lines:
        listed = sum(1 for _ in lines) - 1
    if listed != count:
        raise SystemExit(f"the log has {listed:,} rows for {count:,} journalists")
    for name, seconds in claims(config):
        print(f"{name:36}{count:12,}{seconds * 1e6:9.0f} µs", flush=True)
    everybody_has_it(config)
    slug = "a-bridge-opens-after-ten-years"
    ran = run(room, *head, "kill", slug, "--reason", "The bridge is closed.")
    print(f"{'kill':36}{count:12,}{ran.seconds:9.1f}{ran.cpu:7.1f}{ran.megabytes:6.0f}", flush=True)


def run(folder: Path, *words: str, out: Path | None = None, code: int = 0) -> Ran:
    """Run one command of mailer; what it took."""
    with Path(out or os.devnull).open("wb") as target:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "mailer", *words],
            cwd=folder,
            stdout=target,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"mailer {' '.join(words)} left with {process.returncode}: {said}")
    cpu = usage.ru_utime + usage.ru_stime
    return Ran(time.monotonic() - began, cpu, usage.ru_maxrss / 1024)


def seed(path: Path, count: int) -> None:
    """Put the journalists straight into the store, all on the list "everybody"."""
    from mailer import config
    from mailer.distribution.context import open_newsroom

    with open_newsroom(config.load(path)) as room:
        with room.store.write() as tx:
            now = tx.now()
            columns = ("id", "name", "title", "kind", "created_at")
            tx.copy("lists", columns, [(1, "everybody", "Everybody", "press", now)])
        same = {
            "state": "active",
            "first_name": "Ada",
            "outlet": "Daily",
            "outlet_type": "",
            "country": "BE",
            "language": "en",
            "beats": "energy; eu",
            "consent_basis": "opt_in",
            "source": "form",
            "source_date": "",
            "notes": "",
            "created_at": now,
            "updated_at": now,
        }
        for ids in chunks(count):
            with room.store.write() as tx:
                add_people(room, tx, ids, same, ZONES)
                tx.copy(
                    "memberships",
                    ("list", "journalist", "state", "joined_at"),
                    [(1, n, "active", now) for n in ids],
                )
        with room.store.write() as tx:
            tx.next_ids("journalist", count)
            tx.next_ids("list")


def add_people(
    room: Newsroom, tx: Tx, ids: range, same: Mapping[str, Any], zones: Sequence[str]
) -> None:
    """Journalists with their addresses: what is the same for all, and one zone after the other."""
    tx.copy(
        "journalists",
        ("id", "last_name", "zone", *same),
        [(n, f"N{n}", zones[n % len(zones)], *same.values()) for n in ids],
    )
    addresses = [(n, f"j{n}@example.com") for n in ids]
    tx.copy(
        "addresses",
        ("journalist", "email", "hash"),
        [(n, email, room.address_hash(email)) for n, email in addresses],
    )


def everybody_has_it(path: Path) -> None:
    """As if all of the first distribution had been accepted."""
    from mailer import config
    from mailer.distribution.context import open_newsroom

    with open_newsroom(config.load(path)) as room, room.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 3, last_attempt_at = :now, worker = NULL "
                   "WHERE distribution = 1", {"now": tx.now()})  # fmt: skip
        tx.execute("UPDATE deliveries SET state = 0, worker = NULL WHERE state = 1", {})


def chunks(count: int) -> Iterator[range]:
    """Ids from 1 to `count`, in order."""
    for first in range(1, count + 1, CHUNK):
        yield range(first, min(first + CHUNK, count + 1))


def claims(path: Path) -> Iterator[tuple[str, float]]:
    """Seconds for a claim of 50 from a batch all of which is due, and for one from a batch that is
    spread and has nothing due now."""
    from mailer import config
    from mailer.distribution.context import open_newsroom
    from mailer.store import ledger
    from mailer.store.ledger import OpenWave

    with open_newsroom(config.load(path)) as room, room.store.write() as tx:
        for number in (1, 2):
            tx.execute("UPDATE distributions SET state = 'sending' WHERE id = :n", {"n": number})
            # The batch is under way, its deliveries are due from 2030 on.
            tx.execute(
                "UPDATE waves SET state = 'sending', due_at = 0 WHERE distribution = :n",
                {"n": number},
            )
        for name, number in (("claim of 50, all due", 1), ("claim, nothing due yet", 2)):
            rounds = 40
            began = time.perf_counter()
            for _ in range(rounds):
                claimed = ledger.claim(tx, 1, OpenWave(number, 1, json.dumps("")), 50)
                if len(claimed) != (50 if number == 1 else 0):
                    raise SystemExit(f"{name}: {len(claimed)} claimed")
            yield name, (time.perf_counter() - began) / rounds


if __name__ == "__main__":
    sys.exit(main())
