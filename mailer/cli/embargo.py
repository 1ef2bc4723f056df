"""Embargoes: `mailer embargo offer`, `grant`, `revoke`, `show`, `holders`, `standing`, `move` …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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
TERMS = Annotated[
    str | None,
    typer.Option("--terms", metavar="TEXT|FILE", help="The terms; else the program's own."),
]
REASON = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="embargo", help="Embargoes: who may have a release early, and the end.")
    for name, command in (
        ("offer", offer),
        ("holders", holders),
        ("standing", standing),
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
    how: Annotated[
        str | None,
        typer.Option("--how", metavar="HOW", help="reply, telephone or standing: so they agreed."),
    ] = None,
) -> None:
    """Let people have a release before its embargo ends; who is queued for the end gets it now."""
    from mailer.distribution import embargo

    if (agreed, vouched, how is not None).count(True) != 1:
        raise typer.BadParameter("say one of --agreed, --vouched and --how", param_hint="--how")
    if how is not None and how not in embargo.SAID:
        raise typer.BadParameter(f"it is one of {', '.join(embargo.SAID)}", param_hint="--how")
    with current().newsroom() as room:
        done = embargo.grant(
            room,
            release,
            current().actor,
            emails=email or [],
            list_name=list_,
            how=how or ("agreed" if agreed else "vouched"),
            reason=reason,
        )
    if current().json:
        document(done)
        return
    line(f"{done['granted']:,} may have {done['release']} before the embargo ends")
    if done["brought_forward"]:
        line(f"{done['brought_forward']:,} queued for the end get it now")


def offer(
    release: RELEASE,
    to: Annotated[
        list[str], typer.Option("--to", metavar="SEGMENT", help="Whom to ask; repeatable.")
    ],
    terms: TERMS = None,
    about: Annotated[
        str,
        typer.Option("--about", metavar="TEXT", help="What it is about, in your own words."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who would be asked.")
    ] = False,
) -> None:
    """Ask people to agree to an embargo: a note with terms and time, nothing of the text."""
    from mailer.distribution import offers

    with current().newsroom() as room:
        done = offers.offer(
            room, release, to, current().actor, terms=terms, about=about, dry_run=dry_run
        )
    if current().json:
        document(done.as_json())
        return
    would = "would be asked" if dry_run else "are asked"
    line(f"{done.asked:,} {would} to agree to the embargo on {done.release} until {done.until}")
    if done.distribution is not None:
        line(f"  distribution {done.distribution} brings them the note")
    if done.standing:
        line(f"  {done.standing:,} may have it by their outlet's standing agreement")
    for why, count in done.left_out.items():
        line(f"  {count:,} not asked: {why.replace('_', ' ')}")


def holders(release: RELEASE, format: FORMAT = "table") -> None:
    """Who has or may have a release before its end: which version since when, on what terms."""
    from mailer.distribution.accountability import watched
    from mailer.distribution.holders import holders as found

    form = current().format(format)
    columns = [
        Column("email", "EMAIL", weight=2, least=16),
        Column("how", "HOW"),
        Column("since", "AGREED"),
        Column("version", "VERSION", number=True),
        Column("has_it_since", "HAS IT SINCE"),
        Column("answer", "ANSWER"),
        Column("terms", "TERMS", weight=1, least=8),
    ]
    with current().newsroom() as room:
        rows = found(room, release, current().actor)
        read = watched(room, rows, current().actor, "holders", least=1)
        emit(read, columns, form, empty="Nobody was asked, and nobody may have it early.")


def standing(
    outlet: Annotated[
        str | None, typer.Argument(metavar="OUTLET", help="Record its agreement; else list all.")
    ] = None,
    terms: TERMS = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="From when; else now.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Until when; else until ended.")
    ] = None,
    how: Annotated[
        str, typer.Option("--how", metavar="HOW", help="reply, telephone or letter.")
    ] = "reply",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Who gave it.")] = "",
    end: Annotated[bool, typer.Option("--end", help="The agreement is over.")] = False,
    format: FORMAT = "table",
) -> None:
    """What an outlet agreed to for all releases: record, end, or list such agreements."""
    from mailer.distribution import holders as agreed

    form = current().format(format)
    actor = current().actor
    with current().newsroom() as room:
        if outlet is None:
            columns = [
                Column("outlet", "OUTLET", weight=2, least=10),
                Column("people", "PEOPLE", number=True),
                Column("in_force", "IN FORCE"),
                Column("since", "SINCE"),
                Column("until", "UNTIL"),
                Column("terms", "TERMS", weight=1, least=8),
            ]
            emit(agreed.standings(room), columns, form, empty="No outlet agreed once for all.")
            return
        if end:
            agreed.end_standing(room, outlet, actor, reason=reason)
            done: dict[str, Any] = {"outlet": outlet, "ended": True}
        else:
            times = {"since": since, "until": until}
            done = agreed.stand(room, outlet, actor, terms=terms, how=how, reason=reason, **times)
    if current().json:
        document(done)
    else:
        line(f"{outlet}: {'its agreement is over' if end else 'agreement recorded'}")


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
