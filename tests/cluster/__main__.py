"""Send to many through two machines, let one die and the database restart, and count at the end.

    python -m tests.cluster [--messages 200000] [--restarts fast,immediate] [--no-kill]
                            [--cut SECONDS [--half-open]] [--delay SECONDS] [--keep FOLDER]

It starts PostgreSQL, `mailer serve` as the desk and two `mailer worker` as machines of their own, a
mail server on loopback that writes down what it takes, and queues a release for made-up
journalists. In mid-send one worker is killed and comes back, and PostgreSQL is restarted. Then each
delivery of the ledger is looked up in what the mail server wrote down, and the other way round.
Leaves with 0 only if the two are equal, with 1 otherwise, with 130 after Ctrl-C; nothing stays
behind.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.cluster.run import Cluster, Plan, Report

_MOST_ROWS = 20


class _Shown:
    """Draws what happens: a bar that moves, and a line for each event."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=None, rate="")

    def __enter__(self) -> _Shown:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begins(self, step: str, total: int) -> None:
        self._progress.remove_task(self._task)
        self._task = self._progress.add_task(step, total=total, rate="")

    def moves(self, done: int) -> None:
        speed = next(task.speed for task in self._progress.tasks if task.id == self._task)
        self._progress.update(
            self._task, completed=done, rate="" if not speed else f"{speed:,.0f}/s"
        )

    def says(self, sentence: str) -> None:
        self._progress.console.print(sentence, highlight=False)


def show(report: Report, console: Console) -> None:
    """The comparison as a table, what machines said, and one sentence."""
    console.print()
    _counts(report, console)
    if report.doubtful:
        table = Table("in doubt", "address", "in the sink", title="in doubt, left to a person")
        for code, email, times in report.doubtful[:_MOST_ROWS]:
            table.add_row(code, email, f"{times} times" if times > 1 else ("no", "yes")[times])
        if len(report.doubtful) > _MOST_ROWS:
            table.add_row(f"… {len(report.doubtful) - _MOST_ROWS:,} more", "", "")
        console.print(table)
    for words, found in (
        ("accepted, but not in the sink", report.lost),
        ("taken more than once", report.doubled),
        ("in the sink, but neither accepted nor in doubt", report.ghosts),
        ("not at their end", report.open),
        ("contradictions in the ledger", report.faults),
    ):
        for each in found[:_MOST_ROWS]:
            console.print(f"{words}: {each}", style="red", highlight=False)
    for machine, said in report.alarms.items():
        for sentence, times in said.items():
            often = f"  ({times} times)" if times > 1 else ""
            console.print(f"{machine} said: {sentence}{often}", style="dim", highlight=False)
    console.print()
    console.print(report.sentence, style="bold green" if report.equal else "bold red",
                  highlight=False)  # fmt: skip


def _counts(report: Report, console: Console) -> None:
    table = Table("", "ledger", "sink", title="the ledger beside the mail server's own record")
    for column in table.columns[1:]:
        column.justify = "right"
    kept = sum(min(times, 1) for _, _, times in report.doubtful)
    table.add_row("messages", f"{report.messages:,}", f"{report.taken:,}")
    accepted = report.states["accepted"]
    table.add_row("accepted, and taken exactly once", f"{accepted:,}", f"{report.once:,}")
    table.add_row("in doubt", f"{len(report.doubtful):,}", f"{kept:,}")
    table.add_row("accepted, but not in the sink", f"{len(report.lost):,}", "")
    table.add_row("taken more than once", "", f"{len(report.doubled):,}")
    table.add_row("in the sink, unknown to the ledger", "", f"{len(report.ghosts):,}")
    table.add_row("not at their end", f"{len(report.open):,}", "")
    for machine, count in report.sent_by.items():
        table.add_row(f"answers recorded by {machine}", f"{count:,}", "")
    rate = report.taken / report.seconds if report.seconds else 0.0
    table.caption = f"{report.seconds:.0f} s from the first message to the last, {rate:,.0f}/s"
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument(
        "--restarts",
        default="fast,immediate",
        help="how PostgreSQL is stopped, one after the other",
    )
    parser.add_argument("--no-kill", action="store_true", help="let both workers live")
    parser.add_argument(
        "--cut", type=float, default=0.0, help="seconds without PostgreSQL's network"
    )
    parser.add_argument("--half-open", action="store_true", help="the cut is told to nobody")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds before the mail server answers"
    )
    parser.add_argument("--keep", type=Path, help="an empty folder for everything it leaves")
    options = parser.parse_args(arguments)
    restarts = tuple(mode for mode in options.restarts.split(",") if mode)
    if set(restarts) - {"fast", "immediate", "smart"} or options.messages < 100:
        parser.error("--restarts takes fast and immediate, --messages at least 100")
    plan = Plan(
        messages=options.messages,
        delay=options.delay,
        kill=not options.no_kill,
        restarts=restarts,
        cut=options.cut,
        half_open=options.half_open,
    )
    console = Console()
    with tempfile.TemporaryDirectory(
        prefix="mailer-cluster-", ignore_cleanup_errors=True
    ) as temporary:
        try:
            with (
                _Shown(console) as shown,
                Cluster(options.keep or Path(temporary), plan, shown) as cluster,
            ):
                report = cluster.run()
        except KeyboardInterrupt:
            console.print("Interrupted; everything that was started has ended.")
            return 130
    show(report, console)
    return 0 if report.equal else 1


if __name__ == "__main__":
    # Also where it was started in the background, which ignores the first of them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
