"""`mailer suppress add`, `remove` and `ls`: who must not be contacted."""

from __future__ import annotations

from typing import Annotated

import typer

from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.output import Column, document, emit, line, printable

REASON = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the entry.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="suppress", help="Do not contact: add, remove, list.")
    group.add("add", add)
    group.add("remove", remove)
    group.add("ls", ls)
    app.add_typer(group)


def add(
    targets: Annotated[
        list[str], typer.Argument(metavar="EMAIL|FILE", help="Addresses, or files of them.")
    ],
    reason: REASON = "",
) -> None:
    """Never mail these addresses again; what is queued for them stops."""
    from mailer.distribution import suppressions

    with current().newsroom() as room:
        done = suppressions.add(room, targets, current().actor, reason=reason)
    for sentence in done.rejected:
        say(f"Rejected: {printable(sentence)}")
    if current().json:
        document(
            {
                "added": done.added,
                "known": done.known,
                "rejected": list(done.rejected),
                "journalists": done.people,
            }
        )
        return
    line(f"{done.added:,} added, {done.known:,} known before, {len(done.rejected):,} rejected")
    here, elsewhere = done.people, done.added + done.known - done.people
    line(f"  {here:,} of journalists here; of {elsewhere:,} others only a keyed hash is kept")


def remove(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address.")],
    reason: REASON = "",
) -> None:
    """Allow an address again. Only do this when the person asked for it."""
    from mailer.distribution import suppressions

    with current().newsroom() as room:
        suppressions.remove(room, email, current().actor, reason=reason)
    if current().json:
        document({"removed": email})
    else:
        line(f"{email} may be mailed again")


def ls(format: FORMAT = "table") -> None:
    """Everybody who must not be contacted; the address only where it is still known."""
    from mailer.distribution import suppressions
    from mailer.distribution.accountability import watched

    form = current().format(format)
    columns = [
        Column("email", "ADDRESS", weight=3, least=16),
        Column("scope", "SCOPE"),
        Column("reason", "REASON"),
        Column("since", "SINCE"),
        Column("text", "TEXT", weight=2, least=8),
    ]
    with current().newsroom() as room:
        rows = watched(room, suppressions.ls(room), current().actor, "suppressions")
        emit(rows, columns, form, empty="Nobody is suppressed.")
