"""`mailer init` and `mailer doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, say


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("init", init)
    app.add("doctor", doctor)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The newsroom's folder.")] = Path(),
) -> None:
    """Lay out a newsroom: configuration, sample lists, keys and an empty ledger.

    What is there already stays as it is.
    """
    from mailer.cli.output import document, line
    from mailer.distribution.newsroom import lay_out

    laid = lay_out(folder)
    if current().json:
        document(
            {
                "folder": str(laid.folder),
                "made": list(laid.made),
                "kept": list(laid.kept),
                "migrations": list(laid.migrations),
            }
        )
        return
    for name in laid.made:
        line(f"made  {name}")
    for name in laid.kept:
        line(f"kept  {name}")
    say(f"The newsroom is laid out in {laid.folder}. Look through config.toml next.")


def doctor() -> int:
    """Check configuration, keys, ledger, disk and mail server; leaves with 1 if one fails."""
    from dataclasses import asdict

    from mailer.cli.output import document, line
    from mailer.distribution.doctor import Check, examine, failed

    checks: list[Check] = []
    for check in examine(current().configuration()):
        checks.append(check)
        if not current().json:
            line(f"{check.name}: {check.message}", begin=check.state)
    bad = failed(checks)
    if current().json:
        document({"ok": not bad, "checks": [asdict(check) for check in checks]})
    else:
        count = sum(check.state != "ok" for check in checks)
        say(
            "Something must be mended." if bad else f"{count} to look at." if count else "All well."
        )
    return int(bad)
