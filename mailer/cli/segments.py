"""Segments: `mailer segments ls|show|count|preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli.base import FORMAT, Commands, current, say
from mailer.cli.output import Column, document, emit, line, printable

if TYPE_CHECKING:
    from mailer.distribution.segments import Preview

SEGMENT = Annotated[
    str,
    typer.Argument(
        metavar="SEGMENT",
        help="A segment, list:NAME, or conditions such as 'beat:eu country:be,fr'.",
    ),
]
_PARTS = {"all": "all of", "any": "any of", "none": "none of"}
_OPERATORS = {">=": "since ", "<": "before "}


def register(app: Commands) -> None:
    """Add this module's commands."""
    segments = Commands(name="segments", help="Segments: named conditions over lists.")
    segments.add("ls", ls)
    segments.add("show", show)
    segments.add("count", count)
    segments.add("preview", preview)
    app.add_typer(segments)


def ls(format: FORMAT = "table") -> None:
    """The segments of lists/segments.toml."""
    from mailer.distribution.lists import list_segments

    form = current().format(format)
    with current().newsroom() as room:
        rows = [
            {
                "segment": each.name,
                "title": each.title,
                "lists": list(each.lists),
                "text": each.as_text(),
            }
            for each in list_segments(room)
        ]
    columns = [
        Column("segment", "SEGMENT", weight=1, least=12),
        Column("title", "TITLE", weight=2, least=12),
        Column("lists", "LISTS", weight=2, least=8),
    ]
    emit(rows, columns, form, empty="There is no lists/segments.toml yet; list:NAME works too.")


def show(segment: SEGMENT) -> None:
    """What a segment asks for."""
    from mailer.distribution import lists
    from mailer.distribution.segments import warnings

    with current().newsroom() as room:
        found = lists.show_segment(room, segment)
        doubts = warnings(room, [found])
    for each in doubts:
        say(f"Warning: {printable(each)}")
    facts = found.as_json()
    if current().json:
        document({"segment": found.name, "text": found.as_text(), **facts})
        return
    line(found.name if found.title == found.name else f"{found.name}: {found.title}")
    _tell_table(facts, "  ")
    if found.first is not None:
        line(f"  the first {found.first:,} who fit best")
    if found.title != found.name:
        line(f"  as text: {printable(found.as_text())}")


def count(segment: SEGMENT) -> None:
    """Whom a segment would reach now."""
    from mailer.distribution import lists

    with current().newsroom() as room:
        found = lists.count_segment(room, segment)
    if current().json:
        document({"segment": segment, **found})
        return
    line(f"{found['recipients']:,} would get it, of {found['selected']:,} selected")
    for key in ("suppressed", "on_hold", "other"):
        if found[key]:
            line(f"  {found[key]:,} {key.replace('_', ' ')}")
    _tell_internal(found["internal"])


def preview(segment: SEGMENT) -> None:
    """Whom a segment would reach now: how many, of what kind, the first names, and who not."""
    from mailer.distribution import segments

    with current().newsroom() as room:
        found = segments.preview(room, segment)
    for each in found.warnings:
        say(f"Warning: {printable(each)}")
    if current().json:
        document(found.as_json())
    else:
        _tell(found)


def _tell(found: Preview) -> None:
    line(printable(found.text))
    line(f"{found.recipients:,} would get it, of {found.selected:,} selected")
    for why, number in found.left_out.items():
        line(f"  {number:,} left out: {why.replace('_', ' ')}")
    _tell_internal(found.internal)
    for why, number in found.waiting.items():
        line(f"  {number:,} of them {why} now: theirs would wait or be left out")
    for name, shares in found.breakdown.items():
        if not shares:
            continue
        line("")
        line(f"By {name}")
        for value, number in shares.items():
            line(f"  {number:>9,}  {printable(value) or 'none known'}")
        if found.others[name]:
            line(f"  and up to {found.others[name]:,} more")
    for title, people in (
        ("The first who would get it", found.people),
        ("The first left out", found.left_out_people),
    ):
        if not people:
            continue
        line("")
        line(title)
        for person in people:
            words = (person["name"], person["outlet"], person["country"], person["language"])
            told = ", ".join(printable(word) for word in words if word)
            reason = person.get("reason", "").replace("_", " ")
            line(f"  {told}{f': {reason}' if reason else ''}")


def _tell_internal(number: int) -> None:
    if number:
        line(f"  {number:,} internal: a marked copy, outside these figures")


def _tell_table(table: dict[str, Any], indent: str) -> None:
    """`all`, `any` and `none` of a table, each line under its words, inner ones further in."""
    for part, words in _PARTS.items():
        for number, inner in enumerate(table.get(part, ())):
            wanted = " and ".join(
                f"{field} {' or '.join(_spoken(value) for value in values)}"
                for field, values in inner.items()
                if field not in _PARTS
            )
            line(f"{indent}{words if number == 0 else '':<8} {printable(wanted)}".rstrip())
            _tell_table(inner, f"{indent}         ")


def _spoken(value: str) -> str:
    for operator, word in _OPERATORS.items():
        if value.startswith(operator) and value[len(operator) :][:4].isdigit():
            return f"{word}{value[len(operator) :]}"
    return value
