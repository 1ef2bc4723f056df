"""Embargoes: `mailer embargo grant`, `revoke`, `show`, `move`, `lift`, `broken`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.notices import tell_people
from mailer.cli.output import Column, document, emit, line
from mailer.cli.releases import RELEASE

if TYPE_CHECKING:
    from mailer.distribution.embargo import Changed

EMAIL = Annotated[
    list[str] | None, typer.Option("--email", metavar="EMAIL", help="This journalist; repeatable.")
]
REASON = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="embargo", help="Embargoes: who may have a release early, and the end.")
    for name, command in (
        ("grant", grant),
        ("revoke", revoke),
        ("show", show),
        ("move", move),
        ("lift", lift),
        ("broken", broken),
    ):
        group.add(name, command)
    app.add_typer(group)


def grant(
    release: RELEASE,
    reason: REASON,
    email: EMAIL = None,
    list_: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="Everybody on this list.")
    ] = None,
    agreed: Annotated[bool, typer.Option("--agreed", help="They agreed to the embargo.")] = False,
    vouched: Annotated[bool, typer.Option("--vouched", help="You vouch for them.")] = False,
) -> None:
    """Let people have a release before its embargo ends; who is queued for the end gets it now."""
    from mailer.distribution import embargo

    if agreed == vouched:
        raise typer.BadParameter("say one of --agreed and --vouched", param_hint="--agreed")
    with current().newsroom() as room:
        done = embargo.grant(
            room,
            release,
            current().actor,
            emails=email or [],
            list_name=list_,
            how="agreed" if agreed else "vouched",
            reason=reason,
        )
    if current().json:
        document(done)
        return
    line(f"{done['granted']:,} may have {done['release']} before the embargo ends")
    if done["brought_forward"]:
        line(f"{done['brought_forward']:,} queued for the end get it now")


def revoke(release: RELEASE, reason: REASON, email: EMAIL = None) -> None:
    """Take a grant back: who has nothing yet waits for the end of the embargo again."""
    from mailer.distribution import embargo

    with current().newsroom() as room:
        done = embargo.revoke(room, release, current().actor, emails=email or [], reason=reason)
    if current().json:
        document(done)
        return
    line(f"{done['revoked']:,} taken back, {done['back']:,} of them queued for the end again")
    for address in done["has_it"]:
        say(f"Warning: {address} has the release already, or may have it.")


def show(release: RELEASE, format: FORMAT = "table") -> None:
    """Who may have a release before its embargo ends: how, why, since when, and who has it."""
    from mailer.distribution import embargo

    form = current().format(format)
    with current().newsroom() as room:
        found = embargo.show(room, release, current().actor)
    if current().json:
        document(found)
        return
    if form == "table":
        end = "no embargo" if found["until"] is None else f"embargo until {found['until']}"
        line(f"{found['release']}: {end}{', ended' if found['until'] and found['ended'] else ''}")
    columns = [
        Column("email", "EMAIL", weight=2, least=16),
        Column("how", "HOW"),
        Column("granted_at", "SINCE"),
        Column("actor", "BY"),
        Column("state", "MESSAGE"),
        Column("reason", "WHY", weight=2, least=8),
    ]
    emit(found["grants"], columns, form, empty="Nobody may have it before the embargo ends.")


def move(
    release: RELEASE,
    to: Annotated[str, typer.Option("--to", metavar="WHEN", help="The new end.")],
    reason: REASON = "",
) -> None:
    """Set another end, earlier or later, for everything that waits for it and the public page."""
    from mailer.distribution import embargo

    with current().newsroom() as room:
        done = embargo.move(room, release, to, current().actor, reason=reason)
    _tell(done, f"embargo until {done.until}")


def lift(release: RELEASE, reason: REASON = "") -> None:
    """End an embargo now: everything that waits for it leaves at once, and the page appears."""
    from mailer.distribution import embargo

    with current().newsroom() as room:
        done = embargo.lift(room, release, current().actor, reason=reason)
    _tell(done, f"embargo lifted at {done.until}")


def broken(
    release: RELEASE,
    reason: REASON,
    lift: Annotated[bool, typer.Option("--lift", help="End it for everybody now.")] = False,
) -> None:
    """Note that somebody published too early; with --lift the embargo ends for all."""
    from mailer.distribution import embargo

    with current().newsroom() as room:
        done = embargo.broken(room, release, current().actor, reason=reason, ends=lift)
    _tell(done, f"break noted; embargo {'lifted at' if lift else 'until'} {done.until}")


def _tell(done: Changed, what: str) -> None:
    if current().json:
        document(done.as_json())
        return
    line(f"{done.release}: {what}")
    for number in done.distributions:
        line(f"  distribution {number} goes with it")
    for number, state in done.stopped.items():
        say(f"Warning: distribution {number} is {state} and stays so: `mailer resume {number}`.")
    if done.notices:
        line(f"  {done.told:,} who have it, or may have it, are told (distribution "
             f"{', '.join(map(str, done.notices))})")  # fmt: skip
    tell_people(done.cannot_be_told, "cannot be told by mail")
