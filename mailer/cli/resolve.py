"""`mailer resolve`: what became of messages whose answer was lost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mailer.cli.base import Commands, current, existing, say
from mailer.cli.output import document, line, printable


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("resolve", resolve)


def resolve(
    distribution: Annotated[
        int,
        typer.Argument(
            metavar="DISTRIBUTION",
            help="Its number, as `mailer status` shows it.",
            callback=existing,
        ),
    ],
    resend: Annotated[
        bool, typer.Option("--resend", help="Send them again, with the same Message-ID.")
    ] = False,
    delivered: Annotated[
        bool, typer.Option("--delivered", help="The server has them: count them as accepted.")
    ] = False,
    from_maillog: Annotated[
        Path | None,
        typer.Option("--from-maillog", metavar="FILE", help="Ask a mail server's log."),
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", metavar="EMAIL", help="Only this address.")
    ] = None,
    delivery: Annotated[
        str | None, typer.Option("--delivery", metavar="DELIVERY", help="Only this delivery.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how they would be decided.")
    ] = False,
) -> None:
    """Decide deliveries that are not certain: the server may have them, its answer was lost.

    With --from-maillog, --resend is for those the log would have to mention and does not.
    """
    from mailer.distribution import resolve as decisions

    if email is not None and delivery is not None:
        raise typer.BadParameter("say an address or a delivery", param_hint="--delivery")
    with current().newsroom() as room:
        done = decisions.resolve(
            room,
            distribution,
            current().actor,
            resend=resend,
            delivered=delivered,
            from_maillog=from_maillog,
            only=email or delivery,
            dry_run=dry_run,
        )
    if current().json:
        document({"distribution": distribution, "dry_run": dry_run, **asdict(done)})
        return
    will = "would be " if dry_run else ""
    line(f"{done.delivered:,} {will}counted as accepted", begin="accepted")
    line(f"{done.resent:,} {will}sent again", begin="deferred")
    line(f"{done.left:,} left in doubt", begin="in_doubt")
    for count, why in (
        (done.absent, "the log covers their time and does not mention them; add --resend"),
        (done.uncovered, "the log does not cover their time"),
        (done.away, "is away or has paused"),
        (done.unfinished, "the log saw them begin and does not say that the server took them"),
    ):
        if count:
            line(f"  {count:,}: {why}")
    for note in done.notes[:20]:
        say(printable(note))
    if len(done.notes) > 20:
        say(f"and {len(done.notes) - 20:,} more: mailer log {distribution}")
