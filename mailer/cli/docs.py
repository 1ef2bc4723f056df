"""`mailer docs processing`: what a newsroom has to be able to show, made from what is so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="docs", help="Documents that a newsroom has to be able to show.")
    group.add("processing", processing)
    app.add_typer(group)


def processing(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to: .md or .html; else to stdout."),
    ] = None,
) -> None:
    """The record of processing activities (GDPR art. 30), from config.toml and the store."""
    from mailer.distribution import accountability

    with current().newsroom() as room:
        if out is not None:
            accountability.write_record(room, out)
        else:
            text = accountability.processing(room)
    if out is not None:
        if current().json:
            document({"file": str(out)})
        else:
            say(f"Written to {out}.")
    elif current().json:
        document({"format": "markdown", "text": text})
    else:
        sys.stdout.write(text)
