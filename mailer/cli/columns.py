"""What a terminal shows of a list file's columns, and the one question it asks of its people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailer.cli.output import printable

if TYPE_CHECKING:
    from mailer.distribution.listfiles import Origin
    from mailer.distribution.lists import ImportResult

_MOST_NAMES = 12


def columns_told(result: ImportResult) -> Iterator[str]:
    """Which column was taken for which field and why, what no column was found for, what is not
    used."""
    taken = [column for column in result.columns if column["field"]]
    others = [column for column in result.columns if not column["field"]]
    first, last = result.read_as["header_lines"]
    step = "row" if result.read_as["format"] == "xlsx" else "line"
    if not first:
        header = "no row of column names" if result.read_as["format"] in ("csv", "xlsx") else ""
    elif first == last:
        header = f"column names in {step} {first}"
    else:
        header = f"column names in {step}s {first} to {last}"
    facts = [result.read_as["format"].upper(), result.read_as["place"], header]
    yield f"{result.file}: {', '.join(filter(None, facts))}"
    for column in taken:
        name = f"“{column['column']}”" if column["column"] else "without a name"
        yield (
            f"  {column['field'].replace('_', ' '):<14} column {column['number']}, "
            f"{name} – {column['why']}"
        )
    if result.missing:
        yield f"  no column for: {', '.join(name.replace('_', ' ') for name in result.missing)}"
    if others:
        names = [f"{each['number']} “{each['column']}”" for each in others[:_MOST_NAMES]]
        more = " …" if len(others) > _MOST_NAMES else ""
        yield f"  not used: {', '.join(names)}{more}"


def ask_origin(file: str) -> Origin:
    """Ask where the people of a file come from; an empty answer says nothing."""
    from mailer.distribution.listfiles import ORIGINS, origin_of

    out = sys.stderr
    out.write(f"\nWhere do the people in {printable(file)} come from?\n")
    for number, (words, _) in enumerate(ORIGINS, 1):
        out.write(f"  {number}  {words}\n")
    out.write("Number, and words of your own behind it; Enter if nobody knows: ")
    out.flush()
    return origin_of(sys.stdin.readline())
