"""How long a segment takes to be counted and previewed among many journalists.

    python -m benchmarks.segments [--journalists 1000000] [--store URL] [--rounds 20]

A newsroom with that many made-up journalists is laid out: 60 beats of which each has one to three,
40 countries and 20 languages of unequal size, 20,000 outlets, eight lists, 10,000 addresses that
must not be mailed. Then each segment is previewed and counted as a page does it, in one process:
cold (bitmaps are read), warm (the median of the rounds, with the CPU of this process), after
one journalist left a list, and the count by SQL for comparison. `--store` names an empty PostgreSQL
database.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.planning import add_people, chunks, run

TYPICAL = (
    "beat:b3",
    "beat:b3,b7,b11 country:c0,c5,c9",
    "country:c0 language:l0 -outlet_type:t1",
    'beat:b1 (list:list2 or outlet_type:t2) -outlet:"outlet 17"',
    "list:list0",
    "-beat:b0 -country:c0",
    "beat:b1,b2,b3 joined:>2025-06-01 first:500",
)
SUPPRESSED = 10_000
LISTS = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--journalists", type=int, default=1_000_000)
    parser.add_argument("--store", default="sqlite:///mailer.db", help="the store's URL")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailer-bench-") as folder:
        measure(Path(folder) / "room", options.store, options.journalists, options.rounds)
    return 0


def measure(folder: Path, store: str, count: int, rounds: int) -> None:
    """Lay the newsroom out, then print a line for each segment."""
    import os

    from mailer import config
    from mailer.audience.segments import from_text
    from mailer.distribution import segments
    from mailer.distribution.context import open_newsroom
    from mailer.store import audience, suppression
    from mailer.store.bitmaps import index_of

    os.environ["MAILER_STORE__URL"] = store
    run(folder.parent, "init", str(folder))
    with open_newsroom(config.load(folder / "config.toml")) as room:
        seconds, _ = timed(lambda: seed(room, count))
        print(f"{count:,} journalists laid out in {seconds:.0f} s", flush=True)
        before = resident()
        seconds, cpu = timed(lambda: segments.preview(room, TYPICAL[0]))
        print(
            f"cold start (bitmaps read): {seconds:.2f} s, {cpu:.2f} s CPU here; "
            f"they hold about {resident() - before:.0f} MB",
            flush=True,
        )
        print(f"{'milliseconds':52}{'people':>9}{'preview':>9}{'CPU':>7}{'count':>7}{'SQL':>8}")
        for text in TYPICAL:
            found = segments.preview(room, text)
            previews = [timed(lambda t=text: segments.preview(room, t)) for _ in range(rounds)]

            def counted(asked: str = text) -> None:
                with room.store.read() as tx, index_of(room.store).at(tx) as view:
                    view.select([from_text(asked, {})])

            counts = [timed(counted)[0] for _ in range(rounds)]
            with room.store.read() as tx:
                by_sql, _ = timed(lambda t=text: audience.count(tx, [from_text(t, {})]))
                same = audience.count(tx, [from_text(text, {})])
            if (same["selected"], same["recipients"]) != (found.selected, found.recipients):
                raise SystemExit(f"{text}: bitmaps say {found.recipients}, SQL {same}")
            print(
                f"{text:52}{found.recipients:9,}{median(s for s, _ in previews):9.1f}"
                f"{median(c for _, c in previews):7.1f}{median(counts):7.1f}{by_sql * 1e3:8.0f}",
                flush=True,
            )

        def left(number: int) -> None:
            with room.store.write() as tx:
                hash = room.address_hash(f"j{number}@example.com")
                suppression.add(tx, hash, scope="all", reason="opt-out", actor="bench", evidence={})

        def moved(number: int) -> None:
            with room.store.write() as tx:
                tx.run("suppression.leave_list", list=1, journalist=number, at=tx.now())

        for name, act in (("after one opt-out", left), ("after one left a list", moved)):
            times = []
            for number in range(1, rounds + 1):
                act(number * 997 % count + 1)
                times.append(timed(lambda: segments.preview(room, TYPICAL[1]))[0])
            print(f"{name + ', preview of the second':52}{'':9}{median(times):9.1f}", flush=True)


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds that a call takes: of the clock, and of this process's CPU."""
    began, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - began, time.process_time() - cpu


def median(seconds: Iterator[float] | list[float]) -> float:
    """In milliseconds."""
    return statistics.median(seconds) * 1e3


def resident() -> float:
    """The largest resident size so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seed(room: Any, count: int) -> None:
    """Put the journalists straight into the store."""
    dice = random.Random(7)
    values = {
        "beat": [f"b{n}" for n in range(60)],
        "country": [f"c{n}" for n in range(40)],
        "language": [f"l{n}" for n in range(20)],
        "outlet_type": [f"t{n}" for n in range(8)],
        "zone": [f"z{n}" for n in range(10)],
        "outlet": [f"outlet {n}" for n in range(20_000)],
    }
    facets: dict[str, list[int]] = {}
    rows: list[tuple[int, str, str]] = []
    for field, own in values.items():
        facets[field] = list(range(len(rows) + 1, len(rows) + len(own) + 1))
        rows += [(number, field, value) for number, value in zip(facets[field], own, strict=True)]

    def pick(field: str) -> int:
        # Few values have many people, as in life.
        own = facets[field]
        return own[int(len(own) * dice.random() ** 2)]

    with room.store.write() as tx:
        now = tx.now()
        tx.copy("facet_values", ("id", "field", "value"), rows)
        tx.copy(
            "lists",
            ("id", "name", "title", "kind", "created_at"),
            [(n, f"list{n - 1}", f"List {n}", "press", now) for n in range(1, LISTS + 1)],
        )
    same = {
        **dict.fromkeys(
            ("outlet_type", "country", "language", "beats", "source_date", "notes"), ""
        ),
        **{"state": "active", "first_name": "Ada", "outlet": "Daily", "consent_basis": "opt_in"},
        **{"source": "form", "created_at": now, "updated_at": now},
    }
    day = 86_400_000_000
    for ids in chunks(count):
        with room.store.write() as tx:
            add_people(room, tx, ids, same, ["Europe/Brussels"])
            tx.copy(
                "memberships",
                ("list", "journalist", "state", "joined_at"),
                [(n % LISTS + 1, n, "active", now - (n // 5000 * 37 % 900) * day) for n in ids],
            )
            tx.copy(
                "facets",
                ("journalist", "facet"),
                [
                    (n, facet)
                    for n in ids
                    for facet in sorted(
                        {pick("beat") for _ in range(1 + n % 3)}
                        | {pick(field) for field in values if field != "beat"}
                    )
                ],
            )
    with room.store.write() as tx:
        tx.copy(
            "suppressions",
            ("id", "hash", "hash_version", "scope", "reason", "evidence", "actor", "created_at"),
            [
                (
                    *(n, room.address_hash(f"j{n * 13 % count + 1}@example.com"), 1),
                    *("all", "opt-out", "{}", "bench", now),
                )
                for n in range(1, min(SUPPRESSED, count // 20) + 1)
            ],
        )
        tx.next_ids("journalist", count)
        tx.next_ids("list", LISTS)
        tx.next_ids("facet", len(rows))
        tx.next_ids("suppression", SUPPRESSED)


if __name__ == "__main__":
    sys.exit(main())
