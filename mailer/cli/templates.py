"""`mailer templates ls`, `eject`, `diff` and `check`: the newsroom's own look."""

from __future__ import annotations

from typing import Annotated

import typer

from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.output import Column, document, emit, line

NAME = Annotated[str, typer.Argument(metavar="NAME", help="As `mailer templates ls` lists it.")]

_STATES = {
    "own": "yours alone",
    "adds": "yours, adds to the one below",
    "same": "yours, the same as the one below",
    "changed": "yours, changed",
    "behind": "yours, behind: see `templates diff`",
    "": "",
}


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="templates", help="The look of mails: list, take over, compare, check.")
    group.add("ls", ls)
    group.add("eject", eject)
    group.add("diff", diff)
    group.add("check", check)
    app.add_typer(group)


def ls(format: FORMAT = "table") -> None:
    """Every template, where it comes from, and whether the newsroom's own one is behind."""
    from mailer.distribution import themes

    form = current().format(format)
    rows = [
        {
            "template": each.name,
            "from": each.origin,
            "state": each.state,
            "said": _STATES[each.state],
            "file": str(each.path),
        }
        for each in themes.ls(current().configuration())
    ]
    columns = [
        Column("template", "TEMPLATE", weight=2, least=20),
        Column("from", "FROM"),
        Column("said", "STATE", weight=1, least=10),
    ]
    if form != "table":
        rows = [{key: row[key] for key in ("template", "from", "state", "file")} for row in rows]
    emit(rows, columns, form, empty="There is no template.")


def eject(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="As `mailer templates ls` lists it."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every template.")] = False,
) -> None:
    """Copy a template to the newsroom's folder, where it can be changed and counts first."""
    from mailer.distribution import themes

    if all_ == (name is not None):
        raise typer.BadParameter("name one template, or say --all")
    made, kept = themes.eject(current().configuration(), name)
    if current().json:
        made_json = [{"template": each.name, "file": str(each.path)} for each in made]
        document({"made": made_json, "kept": kept})
        return
    for each in made:
        line(str(each.path))
    for known in kept:
        say(f"{known} is the newsroom's own already; it was not touched.")


def diff(
    name: NAME,
    seen: Annotated[
        bool, typer.Option("--seen", help="Yours has it all now: do not show this again.")
    ] = False,
) -> None:
    """What a template of the newsroom misses: how the one below changed since it was taken over."""
    from mailer.distribution import themes

    if seen:
        noted = themes.seen(current().configuration(), name)
        say(f"{noted.name} counts as up to date.")
    template, text = themes.missed(current().configuration(), name)
    if current().json:
        document({"template": template.name, "state": template.state, "diff": text})
    elif text:
        for each in text.split("\n"):
            line(each)
    else:
        say(f"{template.name} misses nothing.")


def check() -> int:
    """Read all templates and set specimens with them for journalists with odd names.

    Leaves with 1 on errors.
    """
    from mailer.distribution import themes

    with current().newsroom() as room:
        found = themes.check(room)
    errors = sum(each.severity == "error" for each in found)
    if current().json:
        rows = [
            {"severity": each.severity, "where": each.where, "message": each.message}
            for each in found
        ]
        document({"ok": not errors, "findings": rows})
    else:
        for each in found:
            line(
                f"{each.where}: {each.message}" if each.where else each.message, begin=each.severity
            )
        warnings = len(found) - errors
        said = [
            f"{n} {w}{'' if n == 1 else 's'}" for n, w in ((errors, "error"), (warnings, "warning"))
        ]
        say(f"{' and '.join(said)}." + (" Nothing can be sent like this." if errors else ""))
    return int(bool(errors))
