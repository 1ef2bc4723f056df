"""Lists of journalists: `mailer lists import|ls|show|export|check`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli import people
from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.columns import ask_origin, columns_told
from mailer.cli.jobs import tell_handed_over
from mailer.cli.output import Column, document, emit, ended, line, printable
from mailer.errors import UsageError

if TYPE_CHECKING:
    from mailer.distribution.listfiles import Question
    from mailer.distribution.lists import ImportResult

LIST = Annotated[str, typer.Argument(metavar="NAME", help="A list, as `mailer lists ls` names it.")]
CHECK_COLUMNS = [
    Column("email", "ADDRESS", weight=2, least=16),
    Column("level", "LEVEL"),
    Column("finding", "FINDING", weight=3, least=20),
    Column("suggestion", "PERHAPS", weight=2, least=12),
]
_COUNTS = ("new", "changed", "unchanged", "rejected", "suppressed", "on_hold")


def register(app: Commands) -> None:
    """Add this module's commands."""
    lists = Commands(name="lists", help="Lists of journalists: import, list, show, export, check.")
    lists.add("import", import_)
    lists.add("ls", ls)
    lists.add("show", show)
    lists.add("export", export)
    lists.add("open", open_)
    lists.add("close", close)
    lists.add("check", check)
    people.register_lists(lists)
    app.add_typer(lists)


def import_(
    files: Annotated[
        # What cannot be read is bad input (4), not wrong usage, so Typer must not look.
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="CSV, XLSX, vCard or text files; - for what is pasted.",
            readable=False,
        ),
    ],
    name: Annotated[
        str, typer.Option("--list", metavar="NAME", help="The list; else the file's name.")
    ] = "",
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Where a field stands; repeatable."),
    ] = None,
    sheet: Annotated[
        str, typer.Option(metavar="NAME", help="Of a spreadsheet; else the first with addresses.")
    ] = "",
    forget_map: Annotated[
        bool, typer.Option("--forget-map", help="Forget what --map said of such columns before.")
    ] = False,
    source: Annotated[
        str, typer.Option(metavar="TEXT", help="Where the addresses come from.")
    ] = "",
    basis: Annotated[str, typer.Option(metavar="BASIS", help="Why one may write to them.")] = "",
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Of a new list: press, topic, trusted, internal.")
    ] = "press",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Work everything out, keep nothing.")
    ] = False,
    later: Annotated[
        bool, typer.Option("--later", help="Hand the files over to a worker; see `mailer jobs ls`.")
    ] = False,
) -> None:
    """Import list files, each whole or not at all.

    Bad rows go with line and reason into a rejected file; doubtful people are kept on hold.
    """
    from mailer.distribution import errands
    from mailer.distribution.lists import import_file

    asked: dict[str, Any] = {"list_name": name, "mapping": _mapping(map_ or []), "sheet": sheet}
    asked |= {"forget_map": forget_map, "source": source, "basis": basis, "kind": kind}
    results = []
    if later and dry_run:
        raise typer.BadParameter("it does not go with --dry-run", param_hint="--later")
    with current().newsroom() as room:
        if later and errands.taken_here(room):
            with _as_files(files, name) as paths:
                jobs = errands.hand_over_imports(room, paths, current().actor, **asked)
            tell_handed_over(jobs)
            return
        if later:
            say("No worker takes jobs, so it is done here and now.")
        with _as_files(files, name) as paths:
            for file in paths:
                with _Rows(file) as rows:
                    result = import_file(
                        room,
                        file,
                        **asked,
                        dry_run=dry_run,
                        actor=current().actor,
                        progress=rows.show,
                        question=None if dry_run else _question(),
                    )
                results.append(result)
                for warning in result.warnings:
                    say(f"Warning: {file.name}: {printable(warning)}")
                if not current().json:
                    _tell(result)
    if current().json:
        document(_as_json(results))


@contextmanager
def _as_files(files: list[Path], name: str) -> Iterator[list[Path]]:
    """The files, with what comes in by standard input as one of them."""
    from mailer.distribution.listfiles import standard_input

    pasted = [file for file in files if str(file) == "-"]
    if not pasted:
        yield files
        return
    if len(pasted) > 1 or not name:
        raise typer.BadParameter(
            "what is pasted needs --list NAME, and can be read once", param_hint="-"
        )
    with standard_input(sys.stdin.buffer) as path:
        yield [path if str(file) == "-" else file for file in files]


def _question() -> Question | None:
    """Asks where people come from, on a terminal only."""
    asked = sys.stdin.isatty() and sys.stderr.isatty() and not current().json
    return ask_origin if asked else None


def ls(format: FORMAT = "table") -> None:
    """All lists, and how many people are on each."""
    from mailer.distribution.lists import list_lists

    form = current().format(format)
    with current().newsroom() as room:
        rows = list_lists(room)
    columns = [
        Column("name", "LIST", weight=1, least=12),
        Column("title", "TITLE", weight=1, least=8),
        Column("kind", "KIND"),
        Column("members", "PEOPLE", number=True),
        Column("active", "ACTIVE", number=True),
        Column("on_hold", "ON HOLD", number=True),
        Column("suppressed", "SUPPRESSED", number=True),
    ]
    emit(rows, columns, form, empty="There is no list yet: mailer lists import FILE")


def show(name: LIST) -> None:
    """One list in figures."""
    from mailer.distribution.lists import show_list

    with current().newsroom() as room:
        facts = show_list(room, name)
    if current().json:
        document(facts)
        return
    for key, value in facts.items():
        line(
            f"{key.replace('_', ' '):<12} {value:,}"
            if isinstance(value, int)
            else f"{key.replace('_', ' '):<12} {value}"
        )


def export(
    name: LIST,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; else to stdout.")
    ] = None,
    provenance: Annotated[
        bool, typer.Option("--provenance", help="Where each came from, when, by whom, why.")
    ] = False,
) -> None:
    """Write a list as CSV. Who is suppressed is not in it."""
    from mailer.distribution.accountability import watched
    from mailer.distribution.lists import EXPORT_COLUMNS, export_list
    from mailer.distribution.people import PROVENANCE_COLUMNS, export_provenance
    from mailer.distribution.textrows import csv_lines, write_private

    with current().newsroom() as room:
        found = export_provenance(room, name) if provenance else export_list(room, name)
        columns = PROVENANCE_COLUMNS if provenance else EXPORT_COLUMNS
        rows = watched(room, found, current().actor, f"list {name}", least=0)
        if out is not None:
            count = write_private(out, (text.encode() for text in csv_lines(rows))) - 1
            if current().json:
                document({"list": name, "file": str(out), "people": count})
            else:
                say(f"{count:,} people written to {out}")
        elif current().json:
            next(rows)
            emit((dict(zip(columns, row, strict=True)) for row in rows), [], "json")
        else:
            with ended(rows):
                sys.stdout.writelines(csv_lines(rows))


def open_(name: LIST) -> None:
    """Let anybody sign up to a list of kind topic, at /subscribe on the public pages.

    A sign-up counts once it is confirmed by a link that is mailed to the address.
    """
    _set_open(name, open=True)


def close(name: LIST) -> None:
    """End sign-up to a list; who is on it stays."""
    _set_open(name, open=False)


def check(
    name: LIST,
    dns: Annotated[bool, typer.Option("--dns", help="Ask whether the domains take mail.")] = False,
    dns_server: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Whom to ask; else this machine's servers.")
    ] = "",
    format: FORMAT = "table",
) -> None:
    """Look through the addresses of a list: what cannot arrive, what looks like a slip."""
    from mailer.distribution.domains import dns_server as parse
    from mailer.distribution.listcheck import check_list

    form = current().format(format)
    server = parse(dns_server) if dns_server else None
    with current().newsroom() as room:
        found = check_list(room, name, dns=dns or server is not None, server=server)
        if current().json:
            findings = list(found.findings)
            document(
                {
                    "list": name,
                    "people": found.people,
                    "errors": found.errors,
                    "domains_asked": found.domains,
                    "domains_unanswered": found.unanswered,
                    "counts": found.counts,
                    "findings": findings,
                }
            )
        else:
            emit(found.findings, CHECK_COLUMNS, form, empty="Nothing speaks against any of them.")
    if found.unanswered:
        say(f"Warning: no answer came for {found.unanswered:,} of {found.domains:,} domains.")
    if not current().json:
        say(f"{found.people:,} people looked through, {found.errors:,} that mail cannot reach.")
    if found.errors:
        raise typer.Exit(1)


class _Rows:
    """Rows read and the share of the file, on a terminal only."""

    def __init__(self, file: Path) -> None:
        self._name = file.name
        self._line = sys.stderr.isatty()
        self._shown = 0.0

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[2K")

    def show(self, rows: int, read: int, total: int) -> None:
        now = time.monotonic()
        if self._line and now - self._shown > 0.2:
            self._shown = now
            share = f"  {100 * read // total} %" if total else ""
            sys.stderr.write(f"\r\x1b[2K{printable(self._name)}  {rows:,} rows{share}")
            sys.stderr.flush()


def _mapping(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not (equals and field.strip() and column.strip()):
            raise UsageError(
                f'--map "{pair}" is not FIELD=COLUMN.', hint='Write it like --map email="E-Mail".'
            )
        found[field.strip()] = column.strip()
    return found


def _tell(result: ImportResult) -> None:
    counts = ", ".join(
        f"{result.counts[key]:,} {key.replace('_', ' ')}"
        for key in _COUNTS
        if result.counts.get(key)
    )
    what = "would be " if result.number is None else ""
    if result.number is None:
        for text in columns_told(result):
            line(text)
    line(f"{result.list_name}: {what}{counts or 'no rows'}")
    for reason, count in result.reasons.items():
        line(f"  {count:>7,}  {reason}")
    if result.rejected_file:
        say(f"Rejected rows, with line and reason: {result.rejected_file}")


def _as_json(results: list[ImportResult]) -> dict[str, Any]:
    """One file's document; of several the sums, with each file's own under `files`."""
    each = [result.as_json() for result in results]
    if len(each) == 1:
        return each[0]
    return {
        "import": [facts["import"] for facts in each],
        **{key: sum(facts.get(key, 0) for facts in each) for key in _COUNTS},
        "rejected_file": [facts["rejected_file"] for facts in each if facts["rejected_file"]],
        "files": each,
    }


def _set_open(name: str, *, open: bool) -> None:
    from mailer.distribution.fresh import set_open

    with current().newsroom() as room:
        changed = set_open(room, name, current().actor, open=open)
        address = f"{room.sender.public_url}/subscribe"
    if current().json:
        document({"list": name, "open": open, "changed": changed})
    elif not changed:
        line(f"{name} was {'open' if open else 'closed'} already.")
    elif open:
        line(f"{name} is open: anybody can sign up at {address}")
    else:
        line(f"{name} is closed: nobody can sign up any more.")
