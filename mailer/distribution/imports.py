"""Imports that were: which there are, and one taken back whole (docs/decisions/0032)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailer.distribution import undo as steps
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import settle, tidy
from mailer.distribution.log import iso
from mailer.errors import NotFound, Refused, StoreUnavailable
from mailer.store import imports, undo


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: people removed; people of before who stand again as they did; people it
    made who stay, since another import brings them or a message went to them; deliveries stopped
    because their person is on no list any more."""

    number: int
    list_name: str
    file: str
    removed: int
    restored: int
    kept: int
    stopped: int
    list_removed: bool

    def as_json(self) -> dict[str, Any]:
        """The document of `lists undo --json`."""
        counts = {name: getattr(self, name) for name in undo.COUNTED}
        return {
            "undone": self.number,
            "list": self.list_name,
            "file": self.file,
            **counts,
            "list_removed": self.list_removed,
        }


def ls(room: Newsroom) -> Iterator[dict[str, Any]]:
    """Every import that came in force, oldest first: number, list, file, who, when, its counts,
    and whether it can be undone (`state` is done or undone)."""
    settle(room)
    with room.store.read() as tx:
        for row in undo.ls(tx):
            yield {
                "import": row["id"],
                "list": row["list_name"],
                "file": row["file"],
                "by": row["actor"],
                "at": iso(row["finished_at"] or row["started_at"]),
                "state": row["state"],
                "undo": bool(row["undoable"]) and row["state"] == "done",
                **json.loads(row["result"]),
            }


def undo_import(room: Newsroom, number: int, actor: str) -> Undone:
    """Take a whole import back, or nothing of it.

    People, lists, memberships, fields and facets are as if it had never been; events and the
    suppressions it brought stay, and so does whatever a later import or the person himself has
    said since. Raises NotFound for a number that is no import's, Refused for one that cannot be
    taken back any more, StoreUnavailable while another import runs or an audience is being
    planned.
    """
    with steps.only_import(room):
        tidy(room)
        with room.store.read() as tx:
            record = imports.get(tx, number) if 0 < number < 2**63 else None
            facts = next((row for row in undo.ls(tx) if row["id"] == number), None)
        if record is None or facts is None:
            raise NotFound(
                f"there is no import {number}.", hint="`mailer lists imports` lists them."
            )
        _refuse(number, record)
        with room.store.write() as tx:
            if undo.plans_open(tx):
                raise StoreUnavailable(
                    "a distribution is just being planned; nothing was undone.", hint="Try again."
                )
            begun = undo.begin(tx, number, actor)
        if not begun:
            raise StoreUnavailable("another process has just changed it.", hint="Try again.")
        steps.carry_out(room, number)
    with room.store.read() as tx:
        done = imports.get(tx, number)
        left = next(row["list_name"] for row in undo.ls(tx) if row["id"] == number)
    assert done is not None
    counts = json.loads(done["undone"])
    return Undone(
        number=number,
        list_name=facts["list_name"] or "",
        file=record["file"],
        **{name: counts[name] for name in undo.COUNTED},
        list_removed=left is None,
    )


def _refuse(number: int, record: Any) -> None:
    if record["state"] == "undone":
        raise Refused(f"import {number} was undone already; nothing was changed.")
    if not record["undoable"]:
        raise Refused(
            f"import {number} can no longer be undone: what stood before it is not kept any more "
            "([retention] files says for how long). Nothing was changed.",
            hint="`mailer suppress add` stops mail to single addresses at once.",
        )
