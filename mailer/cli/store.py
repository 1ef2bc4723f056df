"""`mailer store migrate` and `check`."""

from __future__ import annotations

from mailer.cli.base import Commands, current
from mailer.cli.output import document, line


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="store", help="The store: migrate, check.")
    group.add("migrate", migrate)
    group.add("check", check)
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
