"""`mailer store migrate`, `check`, `copy`, `backup` and `restore`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document, line


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="store", help="The store: migrate, check, copy, backup, restore.")
    group.add("migrate", migrate)
    group.add("check", check)
    group.add("copy", copy)
    group.add("backup", backup)
    group.add("restore", restore)
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


def backup(
    to: Annotated[
        Path | None,
        typer.Argument(metavar="TO", help="Its name, or a folder for it (default: backups/)."),
    ] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The keys too: keep it as safe as them.")
    ] = False,
) -> None:
    """Back up the ledger and the newsroom's files while everything goes on.

    Makes a folder that says itself whether it is whole, and overwrites nothing.
    """
    from mailer.distribution.backup import back_up

    made = back_up(current().configuration(), current().actor, to, with_keys=with_keys)
    for warning in made.warnings:
        say(f"Warning: {warning}")
    if current().json:
        document(
            {
                "backup": str(made.path),
                "size": made.size,
                "keys": made.manifest.keys,
                "tables": made.manifest.copied.tables,
                "warnings": made.warnings,
            }
        )
        return
    line(f"{made.path} ({_size(made.size)})", begin="ok")


def restore(
    path: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `backup` made.")],
    move_aside: Annotated[
        bool,
        typer.Option("--move-aside", help="Keep the store that is there under another name."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whether it is whole and what is in it.")
    ] = False,
) -> None:
    """Put a backup back, all or nothing; nothing leaves from it until you said what left already.

    Files of the newsroom's folder, the configuration included, are put back where they are
    missing.
    """
    from mailer.distribution import restore as restoring

    if dry_run:
        manifest = restoring.examine(path)
        deliveries = manifest.copied.tables.get("deliveries", 0)
        if current().json:
            document({"backup": str(path), "whole": True, "made_at": manifest.made_at,
                      "database": manifest.dialect, "keys": manifest.keys,
                      "tables": manifest.copied.tables})  # fmt: skip
            return
        keys = "with the keys" if manifest.keys else "without the keys"
        line(f"The backup of {manifest.made_at} is whole, {keys}.", begin="ok")
        line(f"{deliveries:,} deliveries, {len(manifest.files):,} files.", begin="note")
        return
    done = restoring.put_back(path, current().config, move_aside=move_aside)
    if current().json:
        document({"restored": str(path), "made_at": done.manifest.made_at, "aside": done.aside,
                  "files": done.files, "held": done.held})  # fmt: skip
        return
    line(f"The backup of {done.manifest.made_at} is the store now.", begin="ok")
    if done.aside:
        line(f"The store before it is kept: {done.aside}.", begin="note")
    for name in done.files:
        line(f"Put back: {name}", begin="note")
    if done.held:
        batches = "1 batch" if done.held == 1 else f"{done.held:,} batches"
        line(f"{batches} may have left since it was made: mailer restored", begin="waiting")
    say("Who said stop since then is not known to it: look through the mail that came in.")


def _size(octets: int) -> str:
    return f"{octets / 1e6:,.1f} MB" if octets < 1e9 else f"{octets / 1e9:,.1f} GB"


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
