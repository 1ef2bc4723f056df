"""Releases: `mailer release import`, `ls`, `show`, `diff`, `check`, `export`, `mailer preview`."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.output import Column, document, emit, line, printable

if TYPE_CHECKING:
    from mailer.distribution.forms import Form
    from mailer.distribution.releases import Finding, StoredRelease

RELEASE = Annotated[str, typer.Argument(metavar="RELEASE", help="A file, an id or a slug.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="release", help="Releases: import, list, show, compare, check, export.")
    group.add("import", import_)
    group.add("ls", ls)
    group.add("show", show)
    group.add("diff", diff)
    group.add("check", check)
    group.add("export", export)
    app.add_typer(group)
    app.add("preview", preview)


def import_(
    files: Annotated[
        # What cannot be read is bad input (4), not wrong usage, so Typer must not look.
        list[Path],
        typer.Argument(
            metavar="FILE…", help="Word, PDF, web page, mail, Markdown or text.", readable=False
        ),
    ],
) -> None:
    """Read release files and keep them; the same bytes are the same revision."""
    from mailer.distribution import releases

    kept = []
    with current().newsroom() as room:
        for file in files:
            # All are read before the first is kept, so that a bad one leaves nothing half-done.
            releases.read_file(room, file)
        for file in files:
            stored = releases.import_file(room, file, current().actor)
            kept.append(
                {
                    "file": str(file),
                    "release": stored.id,
                    "slug": stored.release.slug,
                    "revision": stored.revision,
                    "new": stored.new,
                    "headline": stored.release.headline,
                }
            )
            if not current().json:
                what = "kept" if stored.new else "known"
                line(f"{what}  {stored.release.slug}  revision {stored.revision}")
    if current().json:
        document(kept)


def ls(format: FORMAT = "table") -> None:
    """All releases with their last revision."""
    from mailer.distribution import releases

    form = current().format(format)
    with current().newsroom() as room:
        rows = releases.ls(room)
    columns = [
        Column("release", "NO", number=True),
        Column("slug", "RELEASE", weight=2, least=12),
        Column("revision", "REV", number=True),
        Column("languages", "LANGUAGES", weight=1, least=9),
        Column("headline", "HEADLINE", weight=3, least=12),
        Column("distributions", "SENT", number=True),
    ]
    emit(rows, columns, form, empty="There is no release yet: mailer release import FILE")


def show(release: RELEASE) -> None:
    """The structure found in a release, and what was doubtful."""
    from mailer.distribution import releases

    with current().newsroom() as room:
        stored = releases.resolve(room, release, current().actor, keep=False)
        if current().json:
            document(
                {
                    "release": stored.id,
                    "revision": stored.revision,
                    "sha256": stored.sha256,
                    "document": releases.as_json(stored.release),
                    "findings": _plain(releases.preflight(room, stored.release)),
                }
            )
            return
        for title, rows in releases.describe(stored.release):
            line(title)
            for label, value in rows:
                for number, part in enumerate(_wrapped(value)):
                    line(f"  {label if number == 0 else '':<14}  {part}")
            line()


def diff(
    release: RELEASE,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[RELEASE]", help="Compared with it; else its last revision."),
    ] = None,
) -> None:
    """What changed between two revisions: SLUG@1 and SLUG@2, or a release and a file.

    A release alone is compared with the revision before it, SLUG@N with the last one. Words in
    [-…-] are gone, those in {+…+} new.
    """
    from mailer.distribution import releases

    with current().newsroom() as room:
        old, new, found = releases.diff(room, release, other, current().actor)
    if current().json:
        document(
            {
                "from": {"release": old.release.slug, "revision": old.revision},
                "to": {"release": new.release.slug, "revision": new.revision},
                "changes": [
                    {
                        "part": each.part,
                        "how": each.how,
                        "old": each.old,
                        "new": each.new,
                        "pieces": [[piece.which, piece.text] for piece in each.pieces],
                    }
                    for each in found
                ],
            }
        )
        return
    line(f"{_name(old)} to {_name(new)}: {_count(len(found), 'change')}")
    for each in found:
        line()
        line(f"{each.part}, {each.how}")
        marks = {"same": ("", ""), "old": ("[-", "-]"), "new": ("{+", "+}")}
        whole = each.how != "changed"
        said = "".join(
            piece.text if whole else f"{marks[piece.which][0]}{piece.text}{marks[piece.which][1]}"
            for piece in each.pieces
        )
        for part in _wrapped(said, 76):
            line(f"  {part}")


def _name(stored: StoredRelease) -> str:
    revision = "" if stored.revision is None else f"@{stored.revision}"
    return f"{stored.release.slug if revision else stored.file}{revision}"


def check(
    release: RELEASE,
    links: Annotated[
        bool, typer.Option("--links", help="Ask whether the addresses linked to answer.")
    ] = False,
) -> int:
    """What blocks a release and what its author should look at; leaves with 1 on errors."""
    from mailer.distribution import preflight, releases

    with current().newsroom() as room:
        stored = releases.resolve(room, release, current().actor, keep=False)
        findings = preflight.check(room, stored, links=links)
    errors = sum(finding.severity == "error" for finding in findings)
    if current().json:
        document({"ok": not errors, "file": stored.file, "findings": _plain(findings)})
    else:
        for finding in findings:
            text = f"{_place(finding)}{finding.message} {finding.suggestion or ''}"
            line(text.strip(), begin=str(finding.severity))
        warnings = sum(finding.severity == "warning" for finding in findings)
        say(
            f"{_count(errors, 'error')} and {_count(warnings, 'warning')}."
            + (" It cannot be sent like this." if errors else "")
        )
    return int(bool(errors))


def export(
    release: RELEASE,
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="html, text, eml, ninjs, jsonld, pdf, docx or ics."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; else to stdout.")
    ] = None,
) -> None:
    """Write a release in one form: for a website, an agency's system, a file.

    It may be one that is not sent yet: an embargo is said in ninjs and on stderr.
    """
    from mailer.distribution import forms, releases
    from mailer.distribution.textrows import write_private

    with current().newsroom() as room:
        stored = releases.resolve(room, release, current().actor, keep=False)
        made = forms.export(room, stored, format)
    for warning in made.warnings:
        say(f"Warning: {warning}")
    if out is not None:
        # Its owner's alone, as it may be under embargo.
        write_private(out, [made.form.body])
    if current().json:
        document(
            {
                "release": stored.release.slug,
                "revision": stored.revision,
                "format": format,
                "media_type": made.form.media_type,
                "file": None if out is None else str(out),
                **({"content": None} if out is not None else _content(made.form)),
                "warnings": list(made.warnings),
            }
        )
    elif out is not None:
        say(f"{format} written to {out}")
    else:
        sys.stdout.buffer.write(made.form.body)
        sys.stdout.buffer.flush()


def _content(form: Form) -> dict[str, str]:
    try:
        return {"content": form.body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"content": b64encode(form.body).decode("ascii"), "encoding": "base64"}


def _place(finding: Finding) -> str:
    """Where it is, as editors count: "line 3, column 14: "."""
    if not finding.line:
        return ""
    column = finding.column or 1
    return f"line {finding.line}{f', column {column}' if column > 1 else ''}: "


def preview(
    releases_: Annotated[
        list[str], typer.Argument(metavar="RELEASE…", help="Files, ids or slugs.")
    ],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="As this journalist gets it.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write it.")] = Path("preview"),
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it in a browser and follow every save.")
    ] = False,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Where --watch listens.")
    ] = 0,
) -> None:
    """Write the message as message.eml, message.html and message.txt.

    Without --as it is made for a made-up journalist. The links in it act on nobody. Several
    releases get a folder each. --watch writes nothing: it serves a page on this machine.
    """
    from mailer.distribution import previews, releases

    if watch:
        _watch(releases_, as_, port)
    with current().newsroom() as room:
        found = [releases.resolve(room, each, current().actor, keep=False) for each in releases_]
        folders = [out] if len(found) == 1 else [out / name for name in _folders(releases_)]
        made = [
            previews.preview(room, stored, folder, as_email=as_)
            for stored, folder in zip(found, folders, strict=True)
        ]
    files = [path for each in made for path in each.files]
    for each in made:
        for finding in each.findings:
            if finding.severity != "note":
                said = f"{_place(finding)}{printable(finding.message)}"
                say(f"{str(finding.severity).capitalize()}: {said}")
    if current().json:
        findings = [finding for each in made for finding in each.findings]
        document({"files": [str(path) for path in files], "findings": _plain(findings)})
        return
    for path in files:
        line(str(path))


def _watch(named: list[str], email: str | None, port: int) -> NoReturn:
    """Become the process that serves the page: signals and output are its own then."""
    arguments = ["--config", str(current().configuration().path), "--port", str(port)]
    arguments += ["--as", email] if email else []
    arguments += ["--json"] if current().json else []
    sys.stdout.flush()
    program = [sys.executable, "-m", "mailer.web.watch", *arguments, "--", *named]
    os.execv(sys.executable, program)


def _folders(named: list[str]) -> list[str]:
    """A folder's name for each release, none twice."""
    stems = [Path(each).name.replace(":", ".").removesuffix(Path(each).suffix) for each in named]
    return [
        stem if stems.count(stem) == 1 else f"{number}-{stem}"
        for number, stem in enumerate(stems, 1)
    ]


def _plain(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "code": finding.code,
            "severity": str(finding.severity),
            "message": finding.message,
            "line": finding.line,
            "column": finding.column,
            "suggestion": finding.suggestion,
        }
        for finding in findings
    ]


def _wrapped(text: str, width: int = 62) -> list[str]:
    """Lines of at most `width` columns, the text's own line breaks kept."""
    import textwrap

    return [part for row in text.split("\n") for part in (textwrap.wrap(row, width) or [""])]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
