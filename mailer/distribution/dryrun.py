"""Whom a file would bring, by name, before anything of it holds (`lists import --dry-run`).

Kept in a scratch file that nobody else can open and that goes with the process, so that a file of a
million rows takes no memory.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import Any

from mailer.audience.lists import Row
from mailer.distribution import duplicates
from mailer.distribution.context import Newsroom
from mailer.store import imports, merges
from mailer.store.imports import OpenImport
from mailer.store.staging import Incoming

KINDS = ("new", "changed", "unchanged", "on_hold", "suppressed", "rejected", "duplicate")
"""What a person, or a row that is nobody's, can be; `duplicate` comes beside `new` or `on_hold`."""

_MOST_OF_A_ROW = 200


class Witness:
    """Sees what becomes of a file's people. `counts` are of people, and of rows where those are
    suppressed or rejected."""

    def __init__(self, room: Newsroom) -> None:
        room.config.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool = room.config.spool_dir
        self._kept = tempfile.TemporaryFile("w+", encoding="utf-8", dir=spool)  # noqa: SIM115
        self.counts = dict.fromkeys(KINDS, 0)
        self._file = ""

    def close(self) -> None:
        """Forget all of it."""
        self._kept.close()

    def begins(self, run: OpenImport, file: str) -> None:
        """Be told of whoever is shut out while `run` is staged."""
        self._file = file
        run.shut_out = self._shut_out

    def rejected(self, row: Row) -> None:
        """A row that is nobody's."""
        said = " | ".join(filter(None, row.cells))[:_MOST_OF_A_ROW]
        self._keep("rejected", line=row.line, row=said, why=list(row.reasons))

    def gather(self, room: Newsroom, run: OpenImport) -> None:
        """Take down who was staged, and who of them probably stands twice."""
        made: set[int] = set()
        with room.store.read() as tx:
            for row in imports.staged_people(tx, run.id):
                kind, more = _judged(row, run.id)
                if row["import"] == run.id:
                    made.add(row["id"])
                self._person(kind, row, **more)
            if not made:
                return
            people = chain(merges.listed(tx), merges.staged(tx, run.id, min(made)))
            for group, why in duplicates.find(people, made.__contains__):
                shown = merges.shown(tx, group)
                for id in group:
                    if id in made:
                        others = [shown[each]["email"] for each in group if each != id]
                        self._person("duplicate", shown[id], why=why, of=others[:10])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Everybody, as he was taken down: kind, file, and email, name, outlet; `fields` that
        change, `why` he is held or a duplicate, `of` whom; of rejected rows line, row and why."""
        self._kept.seek(0)
        return map(json.loads, self._kept)

    def first(self, count: int) -> dict[str, list[dict[str, Any]]]:
        """The first few of each kind."""
        found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for row in self.rows():
            if len(found[row["kind"]]) < count:
                found[row["kind"]].append(row)
        return found

    def _shut_out(self, row: Incoming) -> None:
        who = row.journalist
        name = f"{who.first_name} {who.last_name}".strip()
        said = (
            "objects in this file" if row.objection is not None else "said stop, or left the list"
        )
        self._keep("suppressed", email=who.email, name=name, outlet=who.outlet, why=[said])

    def _person(self, kind: str, row: Any, **more: Any) -> None:
        name = f"{row['first_name']} {row['last_name']}".strip()
        self._keep(kind, email=row["email"], name=name, outlet=row["outlet"], **more)

    def _keep(self, kind: str, **facts: Any) -> None:
        self.counts[kind] += 1
        line = {"kind": kind, "file": self._file, **facts}
        self._kept.write(json.dumps(line, ensure_ascii=False) + "\n")


def _judged(row: Any, number: int) -> tuple[str, dict[str, Any]]:
    """What would become of one person, and what changes of him."""
    if row["import"] == number:
        held = row["state"] == "on_hold"
        return ("on_hold", {"why": [row["hold_reason"]]}) if held else ("new", {})
    plan = json.loads(row["staged"]) if row["staged"] else {}
    if "hold" in plan:
        return "on_hold", {"why": [plan["hold"]]}
    fields = ["timezone" if name == "zone" else name for name in plan.get("set", {})]
    if row["member_import"] == number:
        fields.append("joins the list")
    if plan.get("lift") and row["state"] == "on_hold":
        fields.append("no longer on hold")
    return ("changed", {"fields": fields}) if fields or plan else ("unchanged", {})
