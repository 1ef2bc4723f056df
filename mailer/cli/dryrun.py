"""What `mailer lists import --dry-run` prints: counts always, the first of each kind by name."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from mailer.cli.output import Column, document_with, emit, line

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom
    from mailer.distribution.dryrun import Witness

_WORDS = {
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "on_hold": "on hold",
    "suppressed": "do not contact",
    "rejected": "rejected",
    "duplicate": "probably here already",
}


class DryRun:
    """A dry run of one file or several, in the format asked for; `first` of each kind by name."""

    def __init__(self, form: str, first: int) -> None:
        self._form, self._first = form, first
        self._witnesses: list[Witness] = []

    def witness(self, room: Newsroom) -> Witness:
        """Who looks at the next file."""
        from mailer.distribution.dryrun import Witness

        self._witnesses.append(Witness(room))
        return self._witnesses[-1]

    def tell(self) -> None:
        """The last file's people, for people."""
        witness = self._witnesses[-1]
        for kind, rows in witness.first(self._first).items():
            if not witness.counts[kind]:
                continue
            line(f"  {_WORDS[kind]} ({witness.counts[kind]:,})")
            for row in rows:
                line(f"    {_sentence(row)}")
            rest = witness.counts[kind] - len(rows)
            if rest > 0:
                line(f"    … and {rest:,} more (--first N, or --format jsonl for all)")

    def end(self, facts: dict[str, Any]) -> None:
        """Everybody as they come, where a program reads it: one JSON document with the facts, or
        rows. Nothing is kept afterwards."""
        everybody = chain.from_iterable(each.rows() for each in self._witnesses)
        if self._form == "json":
            totals = Counter[str]()
            for each in self._witnesses:
                totals.update(each.counts)
            document_with({**facts, "people_counts": dict(totals)}, "people", everybody)
        elif self._form != "table":
            keys = [column.key for column in _COLUMNS]
            emit(({key: row.get(key) for key in keys} for row in everybody), _COLUMNS, self._form)
        for each in self._witnesses:
            each.close()


def _sentence(row: dict[str, Any]) -> str:
    if row["kind"] == "rejected":
        return f"line {row['line']}: {row['row']} – {'; '.join(row['why'])}"
    who = ", ".join(filter(None, (row["name"], row["outlet"])))
    text = f"{row['email']}{f' ({who})' if who else ''}"
    if row.get("fields"):
        text += f": {', '.join(each.replace('_', ' ') for each in row['fields'])}"
    if row.get("of"):
        return f"{text}: {row['why'][0]} as {', '.join(row['of'])}"
    return f"{text} – {'; '.join(row['why'])}" if row.get("why") else text


_COLUMNS = [
    Column(key, key.upper())
    for key in ("kind", "file", "email", "name", "outlet", "fields", "why", "of", "line", "row")
]
