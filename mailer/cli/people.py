"""What is kept of people and of the imports that brought them: `mailer lists imports|undo`,
`lists duplicates|merge|clear`, `journalist show`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mailer.cli.base import FORMAT, Commands, current
from mailer.cli.output import Column, document, emit, line


def register_lists(lists: Commands) -> None:
    """Add the commands that stand among those of `mailer lists`."""
    lists.add("imports", imports)
    lists.add("undo", undo)
    lists.add("duplicates", duplicates)
    lists.add("merge", merge)
    lists.add("clear", clear)


def register(app: Commands) -> None:
    """Add the commands about one journalist."""
    group = Commands(name="journalist", help="One journalist: what is known, and from where.")
    group.add("show", show)
    app.add_typer(group)


def imports(format: FORMAT = "table") -> None:
    """The imports that were, oldest first, with their numbers and counts."""
    from mailer.distribution.imports import ls

    form = current().format(format)
    columns = [
        Column("import", "NO", number=True),
        Column("list", "LIST", weight=1, least=10),
        Column("file", "FILE", weight=1, least=10),
        Column("at", "DONE"),
        Column("new", "NEW", number=True),
        Column("changed", "CHANGED", number=True),
        Column("state", "STATE"),
        Column("undo", "UNDO"),
    ]
    with current().newsroom() as room:
        emit(ls(room), columns, form, empty="Nothing was imported yet: mailer lists import FILE")


def undo(
    number: Annotated[
        int, typer.Argument(metavar="IMPORT", help="Its number, see `mailer lists imports`.")
    ],
) -> None:
    """Take a whole import back: people, lists and fields are as before it.

    Objections that it brought stay, and so does what a later import or the person said since.
    """
    from mailer.distribution.imports import undo_import

    with current().newsroom() as room:
        done = undo_import(room, number, current().actor)
    if current().json:
        document(done.as_json())
        return
    line(f"Import {number} ({done.file}) is undone: {done.removed:,} people removed")
    if done.restored:
        line(f"  {done.restored:,} people stand again as before")
    if done.kept:
        line(f"  {done.kept:,} people stay: another import brings them, or a message went to them")
    if done.stopped:
        line(f"  {done.stopped:,} queued messages stopped: their people are on no list any more")
    if done.list_removed:
        line(f"  the list {done.list_name} is gone: nothing else was on it")


def duplicates(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Only groups with somebody on this list.")
    ] = "",
    format: FORMAT = "table",
) -> None:
    """People who probably stand twice, in groups; `mailer lists merge` makes one of them."""
    from mailer.distribution.duplicates import ls

    form = current().format(format)
    columns = [
        Column("group", "NO", number=True),
        Column("email", "ADDRESS", weight=3, least=16),
        Column("name", "NAME", weight=2, least=8),
        Column("outlet", "OUTLET", weight=2, least=8),
        Column("why", "WHY", weight=2, least=8),
    ]
    with current().newsroom() as room:
        emit(ls(room, name), columns, form, empty="Nobody seems to stand here twice.")


def merge(
    emails: Annotated[
        list[str], typer.Argument(metavar="EMAIL…", help="Two or more; the first stays.")
    ],
) -> None:
    """Make one person of several: lists, wishes and history of all are the first's."""
    from mailer.distribution import people

    with current().newsroom() as room:
        done = people.merge(room, emails, current().actor)
    if current().json:
        document(done)
        return
    line(f"{done['stays']} stays; merged with it: {', '.join(done['merged'])}")
    if done["moved"]:
        line(f"  {done['moved']:,} queued messages go to the address that stays")
    if done["stopped"]:
        line(f"  {done['stopped']:,} queued messages stopped: the one that stays gets it anyway")


def clear(
    emails: Annotated[list[str], typer.Argument(metavar="EMAIL…", help="Who is on hold.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")] = "",
) -> None:
    """Take the hold off people whose doubt is settled. Who said stop is never cleared."""
    from mailer.distribution import people

    with current().newsroom() as room:
        done = people.clear(room, emails, current().actor, reason=reason)
    if current().json:
        document(done)
        return
    for email in done["cleared"]:
        line(f"{email} is no longer on hold")
    for email in done["not_on_hold"]:
        line(f"{email} was not on hold")


def show(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The journalist's address.")],
) -> None:
    """All that is known of a journalist: lists, from where, by whom, basis, messages, history."""
    from mailer.distribution import people

    with current().newsroom() as room:
        facts = people.show(room, email)
    if current().json:
        document(facts)
        return
    name = f"{facts['first_name']} {facts['last_name']}".strip()
    line(f"{facts['email']}  {name}")
    if facts["asked_for"]:
        line(f"  {facts['asked_for']} was merged with this address")
    for key in _SHOWN:
        if facts[key]:
            line(f"  {key.replace('_', ' '):<15}{facts[key]}")
    told = facts["informed_at"]
    words = f"already informed on {told[:10]}" if told else "not yet informed"
    line(f"  {'art. 14 notice':<15}{words}")
    for title, rows in (
        ("Lists", [_LIST.format(**each) for each in facts["lists"]]),
        ("From where", [_brought(each) for each in facts["provenance"]]),
        ("Do not contact", [_STOP.format(**each) for each in facts["do_not_contact"]]),
        (
            "Merged with",
            [f"{each['email']} on {each['at'][:10]} by {each['by']}" for each in facts["merged"]],
        ),
        ("Messages", [_MESSAGE.format(**each) for each in facts["messages"][:_LAST]]),
        ("History", [_EVENT.format(**each) for each in facts["history"][:_LAST]]),
    ):
        if rows:
            line(title)
        for text in rows:
            line(f"  {text}")


def _brought(row: dict[str, Any]) -> str:
    source = f"{row['source']} ({row['source_date']})" if row["source_date"] else row["source"]
    return (
        f"{row['list'] or 'a list that is gone'}: {source or 'no source'}, "
        f"{row['consent_basis'] or 'no basis'}; import {row['import']} of {row['file']} "
        f"by {row['by']} on {row['at'][:10]}"
    )


_SHOWN = (
    *("state", "hold", "outlet", "outlet_type", "beats", "country", "language", "timezone"),
    *("phone", "consent_basis", "source", "source_date", "notes", "known_since"),
)
_LIST = "{list} ({kind}), {state} since {since:.10}"
_MERGED = "{email} on {at:.10} by {by}"
_STOP = "{scope}: {reason}, since {since:.10}, by {by}"
_MESSAGE = "{at:.16}  {delivery}  {state}  {release}"
_EVENT = "{at:.16}  {what}  {by}"
_LAST = 10
