"""What is left to workers: `mailer export`, `mailer jobs ls|show|fetch|cancel`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mailer.cli.base import FORMAT, Commands, current, existing, say
from mailer.cli.output import Column, document, emit, line

JOB = Annotated[int, typer.Argument(metavar="JOB", help="Its number in `mailer jobs ls`.")]
_COUNTS = ("rows", "new", "changed", "unchanged", "rejected", "suppressed", "on_hold")


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("export", export)
    group = Commands(name="jobs", help="Imports and exports that were handed over to workers.")
    group.add("ls", ls)
    group.add("show", show)
    group.add("fetch", fetch)
    group.add("cancel", cancel)
    app.add_typer(group)


def export(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="log, journalists or suppressions.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; else into the newsroom's folder exports/."),
    ] = None,
    format: Annotated[str, typer.Option(metavar="FORMAT", help="csv or jsonl.")] = "csv",
    distribution: Annotated[
        int | None,
        typer.Option(metavar="N", help="Log: only this distribution.", callback=existing),
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Log: only this state.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Log: only what was touched since.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="Journalists: only of this list.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Do it here and now, even if a worker could.")
    ] = False,
) -> None:
    """Write a large part of the ledger to a private file, by a worker where there is one."""
    from mailer.distribution import errands, exports, instants

    asked: dict[str, Any] = {"format": format, "list": name}
    asked |= {"distribution": distribution, "state": state, "since": since}
    exports.checked(what, asked)
    with current().newsroom() as room:
        if since is not None:
            asked["since"] = instants.since(room, since)
        if not here and errands.taken_here(room):
            asked["out"] = None if out is None else str(out.absolute())
            tell_handed_over([errands.hand_over_export(room, what, asked, current().actor)])
            return
        path = out or exports.default_path(room, exports.file_name(room, what, format))
        rows = exports.export(room, what, asked, path, current().actor)
    if current().json:
        document({"what": what, "rows": rows, "file": str(path), "job": None})
    else:
        say(f"{rows:,} rows written to {path}")


def ls(format: FORMAT = "table") -> None:
    """What was handed over, and how far it is."""
    from mailer.distribution import errands

    form = current().format(format)
    with current().newsroom() as room:
        rows, taken = errands.ls(room), errands.taken_here(room)
    waits = any(row["state"] in ("queued", "running") for row in rows)
    if form == "table":
        rows = [
            {**row, "told": _outcome(row), "at": _minute(row["handed_over_at"])} for row in rows
        ]
    columns = [
        Column("job", "JOB", number=True),
        Column("kind", "KIND"),
        Column("what", "WHAT", weight=1, least=8),
        Column("state", "STATE", state=True),
        Column("at", "HANDED OVER"),
        Column("told", "RESULT", weight=2, least=12),
    ]
    emit(rows, columns, form, empty="Nothing was handed over.")
    if waits and not taken:
        say("No worker takes jobs now: they wait until `mailer worker` runs somewhere.")


def show(job: JOB) -> None:
    """One of them, with all that is known of its result."""
    from mailer.distribution import errands

    with current().newsroom() as room:
        found = errands.show(room, job)
    if current().json:
        document(found)
        return
    line(f"{found['kind']} {found['what']}", begin=found["state"])
    for key in ("actor", "handed_over_at", "started_at", "finished_at", "host"):
        if found[key]:
            line(f"{key.replace('_', ' '):<15} {found[key]}")
    result = found["result"]
    if "error" in result:
        line(result["error"], begin="failed")
    for key in _COUNTS:
        if result.get(key):
            line(f"{key.replace('_', ' '):<15} {result[key]:,}")
    for warning in result.get("warnings", ()):
        line(warning, begin="warning")
    if found["to_fetch"]:
        what = "The file" if found["kind"] == "export" else "The rejected rows"
        line(f"{what}: mailer jobs fetch {job}")


def fetch(
    job: JOB,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; else as named before, else into exports/."),
    ] = None,
) -> None:
    """Write what came of a job to a private file: the export, or an import's rejected rows."""
    from mailer.distribution import errands

    with current().newsroom() as room:
        path = errands.fetch(room, job, out, current().actor)
    if current().json:
        document({"job": job, "file": str(path)})
    else:
        say(f"Written to {path}")


def cancel(job: JOB) -> None:
    """Call a job off that is not done; nothing of it counts."""
    from mailer.distribution import errands

    with current().newsroom() as room:
        errands.cancel(room, job, current().actor)
    if current().json:
        document({"job": job, "state": "cancelled"})
    else:
        line(f"job {job}", begin="cancelled")


def tell_handed_over(numbers: list[int]) -> None:
    """Say that a worker will do it."""
    if current().json:
        document({"jobs": numbers, "state": "queued"})
        return
    for number in numbers:
        line(f"job {number}; `mailer jobs show {number}` says what becomes of it", begin="queued")


def _outcome(row: dict[str, Any]) -> str:
    result = row["result"]
    if "error" in result:
        return str(result["error"])
    told = ", ".join(
        f"{result[key]:,} {key.replace('_', ' ')}" for key in _COUNTS if result.get(key)
    )
    return told + (" (to fetch)" if row["to_fetch"] else "")


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ") + "Z"
