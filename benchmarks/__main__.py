"""How fast mailer sends beside its peers, in one run on one machine (H21).

    make bench
    make bench BENCH_FLAGS='--only sink,cheap --runs 1 --journalists 20000'

What counts are the ratios of one run: the figures of two machines do not compare. It only
prints: a target that is not met does not make it fail.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Row, table
from benchmarks.scale import scale
from benchmarks.sections import SECTIONS, Plan, say


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", default="", help=f"of {','.join(SECTIONS)}, comma-separated")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--journalists", type=int, default=60_000)
    parser.add_argument("--peer-messages", type=int, default=3_000, help="for the mail libraries")
    parser.add_argument("--processes", type=int, default=2, help="senders of mailer")
    parser.add_argument(
        "--scale",
        type=int,
        metavar="N",
        help="instead: a distribution of N (1000000) beside one of 10,000; takes many minutes",
    )
    parser.add_argument("--folder", type=Path, help="for stores; default: the temporary folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures also as JSON")
    options = parser.parse_args()
    sections = {"scale": scale} if options.scale else dict(SECTIONS)
    names = options.only.split(",") if options.only else list(sections)
    unknown = [name for name in names if name not in sections]
    if unknown:
        parser.error(f"no section {unknown[0]}; there are {', '.join(sections)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mailer-bench-", dir=options.folder) as folder:
        plan = Plan(
            Path(folder),
            journalists=options.journalists,
            peer_messages=options.peer_messages,
            runs=options.runs,
            processes=options.processes,
            scale=options.scale or 0,
        )
        for name in names:
            say(f"{name}: {(sections[name].__doc__ or '').strip()}")
            rows += sections[name](plan)
        size = plan.size
    print(f"one message: {size:,} bytes; {os.cpu_count()} cores")
    print(table(rows))
    if options.json:
        document = {"message_bytes": size, "rows": [row.as_json() for row in rows]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
