"""`mailer subject export`, `erase` and `breach`: what somebody may ask of what is held on him."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document, ended, line

EMAIL = Annotated[str, typer.Argument(metavar="EMAIL", help="The address.")]

_KINDS = {
    "deliveries": "messages: fields, answers and signatures",
    "events": "lines of history: their words",
    "mentions": "texts that named the person",
    "rows": "rows: lists, beats, choices, grants …",
    "files": "rows of files of this machine",
    "caught_mails": "mails in the sandbox's inbox",
    "jobs": "files that were handed over",
}


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="subject", help="What is held on a person: export it, erase it.")
    group.add("export", export)
    group.add("erase", erase)
    app.add_typer(group)


def export(
    email: EMAIL,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there; else to stdout.")
    ] = None,
) -> None:
    """Everything held on an address as one JSON document, with where each part stands."""
    from mailer.distribution.subjects import subject_export
    from mailer.distribution.textrows import write_private

    with current().newsroom() as room:
        pieces = subject_export(room, email, current().actor)
        with ended(pieces):
            if out is None:
                sys.stdout.writelines(pieces)
                return
            write_private(out, (piece.encode() for piece in pieces))
    if current().json:
        document({"email": email, "file": str(out)})
    else:
        say(f"Written to {out}, for its owner only.")


def erase(email: EMAIL) -> None:
    """Remove everything personal of an address; a keyed hash stays, so that no list brings it back.

    What is queued for the person stops at once. It cannot be undone.
    """
    from mailer.distribution.subjects import subject_erase

    with current().newsroom() as room:
        done = subject_erase(room, email, current().actor)
    if current().json:
        document({"email": email, **done.as_json()})
        return
    if not done.known:
        line("Nobody has this address; it stays on the list of those not to be contacted.")
    for kind, count in done.removed.items():
        line(f"{count:>12,}  {_KINDS[kind]}")
    line(
        "Erased." if done.finished else "Begun: nothing is sent to this person any more.",
        begin="ok" if done.finished else "",
    )
    for sentence in done.remains:
        say(f"Warning: {sentence}")
