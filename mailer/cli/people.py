"""What is kept of people and of the imports that brought them: `mailer lists imports|undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from mailer.cli.base import FORMAT, Commands, current
from mailer.cli.output import Column, document, emit, line


def register_lists(lists: Commands) -> None:
    """Add the commands that stand among those of `mailer lists`."""
    lists.add("imports", imports)
    lists.add("undo", undo)


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
