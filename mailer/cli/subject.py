"""`mailer subject export`, `erase` and `breach`: what somebody may ask of what is held on him."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

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
    group.add("breach", breach)
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


def breach(
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="From when on it may have happened.")
    ],
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Until when; else now.")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option("--people", metavar="FILE", help="Write whom it concerns, as JSON lines."),
    ] = None,
) -> None:
    """What an authority asks after a breach: whose data, which, how many, and who read much."""
    from mailer.distribution import accountability

    with current().newsroom() as room:
        found = accountability.breach(room, since, current().actor, until=until)
        if people is not None:
            named = accountability.affected(room, people, current().actor, until=until)
    if current().json:
        document(found)
    else:
        _tell_breach(found)
    if people is not None:
        say(f"{named:,} people written to {people}, for its owner only.")


def _tell_breach(found: dict[str, Any]) -> None:
    line(f"{found['newsroom']}: {found['since']} to {found['until']}")
    line(f"The authority has to hear of it by {found['tell_the_authority_by']} (72 hours).")
    line(f"{found['people']:,} people are held ({_counted(found['by_state'])}).")
    countries = {row["country"] or "?": row["people"] for row in found["by_country"]}
    line(f"By country: {_counted(countries)}")
    for each in found["held"]:
        line(f"  held: {each}")
    sent = found["sent_meanwhile"]
    line(f"{sent['messages']:,} messages were sent to {sent['people']:,} people meanwhile.")
    line(f"{len(found['bulk_reads']):,} times much was read or taken out:")
    for row in found["bulk_reads"]:
        data = row["data"]
        what = ", ".join(f"{name} {value}" for name, value in data.items())
        line(f"  {row['at']}  {row['actor']}  {row['what'].replace('_', ' ')}  {what}")
    line("Who did anything:")
    for row in found["actors"]:
        line(f"  {row['actor']}  {row['acts']:,} acts, {row['first']} to {row['last']}")
    for each in found["kept_back"]:
        line(each)


def _counted(found: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in found.items()) or "nobody"
