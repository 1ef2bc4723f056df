"""`mailer routes ls`, `pause` and `resume`: the ways out."""

from __future__ import annotations

from typing import Annotated

import typer

from mailer.cli.base import FORMAT, Commands, current
from mailer.cli.output import Column, document, emit, line

NAME = Annotated[
    str, typer.Argument(metavar="NAME", help="The mail service, as `mailer routes ls` shows it.")
]


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="routes", help="Mail services: list, pause, resume.")
    group.add("ls", ls)
    group.add("pause", pause)
    group.add("resume", resume)
    app.add_typer(group)


def ls(format: FORMAT = "table") -> None:
    """Every mail service, whether it works, and if not, why and until when."""
    from mailer.distribution import routes

    form = current().format(format)
    columns = [
        Column("route", "NAME"),
        Column("server", "SERVER"),
        Column("state", "STATE", state=True),
        Column("until", "UNTIL"),
        Column("reason", "REASON", weight=3, least=10),
    ]
    if form != "table":
        columns.append(Column("since", "SINCE"))
    with current().newsroom() as room:
        emit(routes.ls(room), columns, form)


def pause(
    name: NAME,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")] = "",
) -> None:
    """Send nothing by this mail service until `resume`."""
    from mailer.distribution import routes

    with current().newsroom() as room:
        routes.pause(room, name, current().actor, reason=reason)
    _tell(name, "paused")


def resume(name: NAME) -> None:
    """Let a paused or resting mail service go on at once."""
    from mailer.distribution import routes

    with current().newsroom() as room:
        routes.resume(room, name, current().actor)
    _tell(name, "working")


def _tell(name: str, state: str) -> None:
    if current().json:
        document({"route": name, "state": state})
    else:
        line(f"mail service {name}", begin=state)
