"""Kill a sending newsroom at random until it hurts, then hold its ledger against the server.

    python -m tests.campaign [--kills 1000] [--store both|sqlite|postgresql] [--recipients 5000]
                             [--machines 1] [--seed N] [--keep FOLDER]

With several machines each is a host with a folder of its own, they run workers, and now and then
one dies as a whole: comes back at once, or so late that another one has rescued what it held.

The mail server is the chaos server, with many of its faults switched on. The campaign leaves with
1 when anybody was lost, doubled or mailed after leaving, when anything is in doubt that the
server's record does not call dotted and unanswered, or when the history has a gap; the seed
repeats its choices.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaign.run import Campaign, Report
from tests.postgres import Postgres

STORES = ("sqlite", "postgresql")


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'room' / 'mailer.db'}"
        return
    with Postgres(folder / "postgresql") as server:
        yield server.url


def table(report: Report) -> str:
    """What was done and found, for a person to read."""
    found = report.found
    lines = [
        f"store {report.store}, {report.machines} machine{'s' * (report.machines > 1)}, "
        f"seed {report.seed}, {report.seconds:.0f} s, "
        f"{report.killed} kills ({report.killed / report.seconds * 60:.0f} a minute)",
        f"{report.distributions} distributions, {report.states.total()} deliveries, "
        f"{report.kept} messages taken by the server, {report.resent} sent again by order",
        "",
        "killed",
    ]
    for (role, step), count in sorted(report.kills.items()):
        lines.append(f"  {count:6}  {role:<10}  {step}")
    lines += ["", "shown by the server"]
    lines += [f"  {count:6}  {what}" for what, count in sorted(report.shown.items())]
    lines += ["", "asked for meanwhile"]
    lines += [f"  {count:6}  {act}" for act, count in sorted(report.acts.items())]
    lines += ["", "states"]
    lines += [f"  {count:6}  {state}" for state, count in sorted(report.states.items())]
    lines += ["", "found"]
    for words, findings in (
        ("lost", found.lost),
        ("doubled", found.doubled),
        ("ghosts: the server has it, the ledger does not know", found.ghosts),
        ("in doubt beyond dotted and unanswered", found.groundless),
        ("mailed more than a second after an answered opt-out, pause or cancel", found.late),
        ("gaps in the log", found.gaps),
    ):
        lines.append(f"  {len(findings):6}  {words}")
        lines += [f"            {each}" for each in findings[:10]]
    lines.append(f"  {report.tracebacks:6}  tracebacks")
    if report.machines > 1:
        lines.append(
            f"  {report.rescued:6}  in doubt as expected: held by a machine taken for gone"
        )
    lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--store", choices=["both", *STORES], default="both")
    parser.add_argument("--recipients", type=int, default=5000, help="in each distribution")
    parser.add_argument("--machines", type=int, default=1, help="several need postgresql")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="an empty folder for everything it leaves")
    options = parser.parse_args()
    seed = random.randrange(1 << 30) if options.seed is None else options.seed
    exact = True
    kinds = STORES if options.store == "both" else (options.store,)
    if options.machines > 1:
        kinds = tuple(kind for kind in kinds if kind == "postgresql")
        if not kinds:
            parser.error("several machines need --store postgresql")
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="mailer-campaign-") as temporary:
            folder = options.keep / kind if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            with _store(kind, folder) as url:
                campaign = Campaign(
                    folder,
                    url,
                    kills=options.kills,
                    recipients=options.recipients,
                    seed=seed,
                    machines=options.machines,
                    tell=lambda line: print(line, file=sys.stderr, flush=True),
                )
                report = campaign.run()
        print(table(report), flush=True)
        exact = exact and report.exact
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
