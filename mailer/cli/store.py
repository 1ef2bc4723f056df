"""`mailer store migrate`, `check`, `copy` and `retain`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document, line


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="store", help="The store: migrate, check, copy, retain.")
    group.add("migrate", migrate)
    group.add("check", check)
    group.add("copy", copy)
    group.add("retain", retain)
    app.add_typer(group)


def migrate() -> None:
    """Bring the store's tables up to date with this version of mailer."""
    from mailer.distribution import upkeep

    applied = upkeep.migrate(current().configuration())
    if current().json:
        document({"applied": applied})
    elif applied:
        for name in applied:
            line(f"applied  {name}")
    else:
        line("The store is up to date.")


def check() -> int:
    """Check that the ledger is whole; leaves with 1 if it is not."""
    from mailer.distribution import upkeep

    with current().newsroom() as room:
        faults = upkeep.check(room)
    if current().json:
        document({"ok": not faults, "faults": faults})
    elif faults:
        for fault in faults:
            line(fault, begin="fail")
    else:
        line("The ledger is whole.", begin="ok")
    return int(bool(faults))


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The store as it is now.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty one.")],
) -> None:
    """Move the whole store into an empty one (sqlite:///FILE, postgresql://…), and prove it."""
    from mailer.distribution import moving

    with _bar() as tell:
        done = moving.move(current().configuration(), source, target, current().actor, tell=tell)
    if current().json:
        document(
            {
                "from": done.source,
                "to": done.target,
                "tables": [
                    {"table": each.table, "rows": each.rows, "digest": each.digest}
                    for each in done.tables
                ],
            }
        )
    elif done.tables:
        for each in done.tables:
            line(f"{each.table:20}{each.rows:>14,}  {each.digest}")
        line(f"{sum(each.rows for each in done.tables):,} rows, equal in both.", begin="ok")
    else:
        line("The copy that broke off is in force now.", begin="ok")
    say(f"Now set store.url in config.toml to the new store; {done.source} is not used any more.")


def retain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be removed.")
    ] = False,
) -> None:
    """Remove what is past its retention, as happens by itself once a day."""
    from mailer.distribution import retention

    with current().newsroom() as room:
        if dry_run:
            counts = retention.would_go(room)
        else:
            counts = retention.retain(room, current().actor)
    if current().json:
        document({"dry_run": dry_run, **counts})
        return
    if not any(counts.values()):
        line("Nothing is past its retention.", begin="ok")
        return
    for kind, count in counts.items():
        line(f"{count:>12,}  {retention.KINDS[kind]}")
    say("Nothing was removed." if dry_run else "These were removed; the rest of the log stays.")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A moving line on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
