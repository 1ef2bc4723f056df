"""One row of a list coming in, and what its import makes of the person; nothing is written here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailer.audience.journalist import Journalist
from mailer.audience.words import ASKS_OUT
from mailer.store.base import Row
from mailer.store.people import FIELDS, SAID, record_of, values_of


@dataclass(frozen=True, slots=True)
class Incoming:
    """One row. `hash` is the keyed hash of the address; `hold` says why the person must not be
    selected yet, or "". With an `objection`, its evidence, nothing else of the row counts."""

    hash: bytes
    journalist: Journalist
    hold: str = ""
    objection: Mapping[str, Any] | None = None


Provenance = tuple[str, str, str]
"""Where a row came from, in the file's words: source, its date, the legal basis."""


def provenance_of(journalist: Journalist) -> Provenance:
    return journalist.source, journalist.source_date, journalist.consent_basis


class Newcomer:
    """Somebody of whom nothing was known before this step, as most people of a new list are."""

    __slots__ = ("email", "hold", "provenance", "values")

    def __init__(self, row: Incoming) -> None:
        self.email, self.hold = row.journalist.email, row.hold
        self.values = values_of(row.journalist)
        self.provenance = provenance_of(row.journalist)

    def merge(self, row: Incoming) -> None:
        """Take over what another row says; what it leaves empty stays, and so does a doubt."""
        pairs = zip(self.values, values_of(row.journalist), strict=True)
        self.values = tuple(new or old for old, new in pairs)
        self.provenance = provenance_of(row.journalist)
        self.hold = self.hold or row.hold


class Person:
    """One person known before this step: what stood, what this import makes of it."""

    __slots__ = (
        "changed",
        "cleared",
        "held",
        "hold",
        "id",
        "member",
        "mine",
        "provenance",
        "record",
        "said",
        "said_before",
        "staged",
        "state",
        "stood",
        "sure",
        "touched",
        "unwritten",
    )

    def __init__(self, row: Row, number: int) -> None:
        self.touched = self.sure = False
        self.unwritten: dict[str, str] = {}
        self.cleared = frozenset(row["cleared"].split(_DIVIDER))
        self.said, self.said_before = 0, row["said"]
        self.provenance: Provenance = ("", "", "")
        self.id = row["id"]
        self.mine = row["import"] == number
        self.state, self.held = row["state"], row["hold_import"] is not None
        self.member = "new" if row["member_import"] == number else (row["member"] or "")
        self.stood = {name: row[name] for name in FIELDS}
        self.staged: str | None = row["staged"]
        plan = json.loads(self.staged) if self.staged else {}
        self.record = {**self.stood, **plan.get("set", {})}
        if self.mine:
            self.hold = _EARLIER if self.state == "on_hold" else ""
        else:
            self.hold = plan.get("hold", "")
            self.unwritten = plan.get("held", {})
            self.sure = plan.get("lift", False)
        # Untouched so far, unless an earlier step left its marks.
        seen = self.staged is not None or row["member_import"] == number
        self.changed = seen and self._changes()

    def merge(self, row: Incoming) -> None:
        """Take over what a row says; what it leaves empty stays. Where there was a doubt about it,
        it is no better word on where somebody known came from."""
        for name, value in record_of(row.journalist).items():
            if value and (self.mine or not row.hold or name not in _FROM_WHERE):
                self.record[name] = value
                self.said |= SAID[name]

    def doubted(self, row: Incoming) -> bool:
        """Whether a row holds him back: not where an officer decided that same doubt."""
        if not row.hold:
            self.sure = True
            return False
        doubts = set(row.hold.split(_DIVIDER)) - self.cleared
        # Other notes that ask for no mail are a wish that nobody has looked at yet.
        return bool(doubts) or (
            ASKS_OUT in row.hold and row.journalist.notes != self.stood["notes"]
        )

    def plan(self) -> dict[str, Any]:
        """What is to be done to somebody known before; empty when all stays as it is."""
        plan: dict[str, Any] = {}
        different = {n: v for n, v in self.record.items() if v != self.stood[n]}
        if different:
            plan["set"] = different
        if self.hold:
            plan["hold"] = self.hold
            if self.unwritten:
                plan["held"] = self.unwritten
        elif self.state == "test" or (self.state == "on_hold" and self.held and self.sure):
            # A row that only repeats a decided doubt settles no other one.
            plan["lift"] = True
        return plan

    def recount(self) -> int:
        """What to add to the count of changed people, whatever earlier rows said of him."""
        before, self.changed = self.changed, self._changes()
        return self.changed - before

    def _changes(self) -> bool:
        if self.mine or self.hold:
            return False
        return self.member in ("new", "joins") or bool(self.plan())


_EARLIER = "an earlier row of the same file"
_DIVIDER = "; "
"""Between the doubts of one hold."""
_FROM_WHERE = frozenset({"consent_basis", "source", "source_date"})
