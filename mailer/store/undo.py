"""An import taken back, in short steps behind one flip, as it came in (docs/decisions/0032).

What an import brought is kept row by row (`import_people`), and what stood in place of what it
changed (`import_before`), until that is retired. An undo asks of each person and each field what
would stand had this import never been: whoever another import brings as well stays, with what
that one said; a field that a later import filled keeps its value, and so does one that somebody
changed since. What a later import changed *from* is set right, so that it can be taken back too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailer.store.base import Row, Tx, query_in
from mailer.store.core import add_event, raise_control
from mailer.store.migrations import tables
from mailer.store.people import FIELDS, SAID, write_records

COUNTED = ("removed", "restored", "kept", "stopped")
"""What an undo counts: people who are gone; people of before whose fields or state stand again as
they did; people it made who stay (another import brings them, or a message went to them);
deliveries stopped because their person is on no list any more."""


def ls(tx: Tx) -> Iterator[Row]:
    """Every import that came in force, oldest first, with its list's name."""
    return tx.stream("undo.imports")


def plans_open(tx: Tx) -> bool:
    """Whether a distribution is being planned just now, from an audience of before."""
    return bool(tx.value("undo.planning"))


def begin(tx: Tx, number: int, actor: str) -> bool:
    """Take an import out of force, whole; False when it is not one that can be taken back. What
    it brought is still to be taken away: nobody sees any audience before that is done."""
    counts = json.dumps({**dict.fromkeys(COUNTED, 0), "by": actor})
    return bool(tx.run("undo.begin", id=number, counts=counts))


def carry_out(tx: Tx, number: int, limit: int) -> bool:
    """One step of what a flipped undo takes away; True when only `close` is left.

    Safe to call from several processes and again after a crash: each person is dealt with whole.
    """
    if not tx.run("imports.hold_row", id=number, state="undoing"):
        return True
    record = tx.one("imports.get", id=number)
    assert record is not None
    some = min(limit, _ASKED)
    rows = tx.all("undo.people", list=record["list"], limit=some, **{"import": number})
    if not rows:
        return not tx.run("imports.forget_provenances", limit=limit, **{"import": number})
    counts = json.loads(record["undone"])
    step = _Step(tx, number, record["list"], counts["by"], rows)
    step.run()
    for name, n in step.counts.items():
        counts[name] += n
    tx.run("undo.count", id=number, counts=json.dumps(counts))
    return False


_ASKED = 200
"""Most people of a step: SQLite looks for the place of a named parameter by going through all."""


def list_is_used(tx: Tx, number: int) -> bool:
    """Whether anything but this import speaks of its list; reads long where much was sent."""
    record = tx.one("imports.get", id=number)
    assert record is not None
    return tx.one("undo.list_is_used", list=record["list"], **{"import": number}) is not None


def close(tx: Tx, number: int, *, keep_list: bool) -> None:
    """The last step: the list goes where the import made it and nothing else speaks of it."""
    if not tx.run("imports.hold_row", id=number, state="undoing"):
        return
    record = tx.one("imports.get", id=number)
    assert record is not None
    what = {"list": record["list"], "import": number}
    tx.run("undo.hand_on_list" if keep_list else "undo.remove_list", **what)
    tx.run("undo.close", id=number)
    counts = json.loads(record["undone"])
    data = {"import": number, "list": record["list"], "file": record["file"]}
    add_event(tx, "import_undone", counts.pop("by"), data={**data, **counts})


def count_to_retire(tx: Tx, before: int) -> int:
    """Imports that began before an instant and can still be taken back."""
    count: int = tx.value("undo.count_to_retire", before=before)
    return count


def retire(tx: Tx, before: int, limit: int) -> tuple[bool, int]:
    """One step of forgetting what stood before imports that began before an instant: whether
    there may be more, and how many imports can no longer be taken back by it."""
    number = tx.value("undo.next_to_retire", before=before)
    if number is None:
        return False, 0
    if tx.run("undo.retire_before", limit=limit, **{"import": number}):
        return True, 0
    tx.run("undo.retired", **{"import": number})
    return True, 1


@dataclass(slots=True)
class _Other:
    """Another import that brought the person, and what stood before it."""

    number: int
    list_id: int
    said: int
    before: dict[str, Any]
    changed: bool = False


@dataclass(slots=True)
class _Step:
    """Some people of an import, decided one by one, written at once."""

    tx: Tx
    number: int
    list_id: int
    actor: str
    rows: Sequence[Row]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    _records: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    _states: list[dict[str, Any]] = field(default_factory=list)
    _made: dict[int, list[_Other]] = field(default_factory=dict)
    _handed: list[dict[str, Any]] = field(default_factory=list)
    _leaving: list[dict[str, Any]] = field(default_factory=list)
    _says: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        tx, now = self.tx, self.tx.now()
        people = [row["journalist"] for row in self.rows]
        others = self._others(people)
        restored = set()
        for row in self.rows:
            number, brought = row["journalist"], others[row["journalist"]]
            if row["state"] is None:
                continue
            self._membership(row, brought)
            if row["import"] == self.number:
                self._made[number] = brought
            if row["state"] != "erased" and self._fields(row, brought):
                restored.add(number)
            if row["import"] == self.number and brought:
                # From now on it is the next one that made him.
                brought[0].before, brought[0].changed = {}, True
        tx.many("undo.hand_on_membership", params=self._handed)
        tx.many("undo.leave", params=self._leaving)
        tx.many("undo.says", params=self._says)
        removed = self._removed()
        write_records(tx, {}, [each for each in self._records if each[0] not in removed], now)
        if self._states:
            tx.many("undo.set_state", params=[{**each, "now": now} for each in self._states])
            raise_control(tx)
        self._keep_before(others)
        self._stop(people)
        self._remove(removed)
        last = {"import": self.number, "last": people[-1]}
        tx.run("undo.forget_before", **last)
        tx.run("undo.forget_people", **last)
        self.counts["removed"] += len(removed)
        self.counts["kept"] += len(self._made) - len(removed)
        self.counts["restored"] += len(restored - self._made.keys())

    def _others(self, people: Sequence[int]) -> dict[int, list[_Other]]:
        sql, params = query_in("undo.others", self.tx.dialect, people)
        found: dict[int, list[_Other]] = defaultdict(list)
        for row in self.tx.rows(sql, {**params, "import": self.number}):
            before = json.loads(row["before"]) if row["before"] else {}
            other = _Other(row["import"], row["list"], row["said"], before)
            found[row["journalist"]].append(other)
        return found

    def _membership(self, row: Row, brought: Sequence[_Other]) -> None:
        if row["member"] is None or row["member_import"] != self.number:
            return
        place = {"list": self.list_id, "journalist": row["journalist"]}
        heirs = [each.number for each in brought if each.list_id == self.list_id]
        if heirs or row["member"] != "active":
            # Who left the list himself has left it: a row says so to the next import.
            self._handed.append({**place, "to": heirs[0] if heirs else None})
        else:
            self._leaving.append({**place, "import": self.number})

    def _fields(self, row: Row, brought: Sequence[_Other]) -> bool:
        """What stands of the person without this import; whether that is anything else."""
        made, number = row["import"] == self.number, row["journalist"]
        before = json.loads(row["before"]) if row["before"] else {}
        later = [each for each in brought if each.number > self.number]
        # Whoever makes him now would have written what a doubt kept it from writing.
        heir = brought[0] if made and brought else None
        held: dict[str, str] = heir.before.get("held", {}) if heir else {}
        record = {name: row[name] for name in FIELDS}
        for name in FIELDS:
            if made and row["said"] & SAID[name]:
                stood, then = held.get(name, ""), row[name]
            elif name in held:
                stood, then = held[name], ""
            elif name in before:
                stood, then = before[name]
            else:
                continue
            place = next((n for n, each in enumerate(later) if each.said & SAID[name]), None)
            if place is not None:
                _pass_on(later, place, name, stood, row[name])
            elif row[name] == then:
                record[name] = stood
        if heir and held:
            said = heir.said | sum(SAID[name] for name in held if not heir.said & SAID[name])
            what = {"import": heir.number, "journalist": number, "said": said}
            self._says.append(what)
        different = any(record[name] != row[name] for name in FIELDS)
        if different and (not made or brought):
            # Of somebody who stays only because a message went to him, all stays that was said.
            self._records.append((number, record))
        if "state" not in before:
            return different
        stood, then = before["state"]
        if later:
            after = later[0].before.get("state", [None, then])[1]
            later[0].before["state"], later[0].changed = [stood, after], True
        elif [row["state"], row["hold_reason"], row["hold_import"]] == then:
            state, reason, held_by = stood
            what = {"journalist": number, "state": state, "reason": reason}
            self._states.append({**what, "import": held_by})
            return True
        return different

    def _removed(self) -> set[int]:
        """Those it made whom nothing else speaks of; the others are handed on."""
        alone = {number for number, brought in self._made.items() if not brought}
        if alone:
            alone -= self._spoken_of(alone)
        self.tx.many(
            "undo.hand_on",
            params=[
                {"journalist": number, "to": brought[0].number if brought else None}
                for number, brought in self._made.items()
                if number not in alone
            ],
        )
        return alone

    def _spoken_of(self, people: Iterable[int]) -> set[int]:
        people = list(people)
        sql, params = query_in("undo.stays", self.tx.dialect, people)
        found = {row["journalist"] for row in self.tx.rows(sql, params)}
        for table in _speaking():
            sql, params = query_in("undo.on_lists", self.tx.dialect, people)
            rows = self.tx.rows(sql.replace("memberships", table), params)
            found.update(row["journalist"] for row in rows)
        return found

    def _keep_before(self, others: Mapping[int, Sequence[_Other]]) -> None:
        keep, drop = [], []
        for journalist, brought in others.items():
            for other in brought:
                what = {"import": other.number, "journalist": journalist}
                if other.changed and other.before:
                    data = json.dumps(other.before, ensure_ascii=False)
                    keep.append({**what, "data": data})
                elif other.changed:
                    drop.append(what)
        if keep:
            self.tx.many("undo.keep_before", params=keep)
        if drop:
            self.tx.many("undo.drop_before", params=drop)

    def _stop(self, people: Sequence[int]) -> None:
        """Stop what is queued for those who are on no list now."""
        sql, params = query_in("undo.active_on_lists", self.tx.dialect, people)
        listed = {row["journalist"] for row in self.tx.rows(sql, params)}
        gone = [number for number in people if number not in listed]
        if not gone:
            return
        sql, params = query_in("undo.stop", self.tx.dialect, gone)
        reason = f"import {self.number} was undone"
        rows = self.tx.rows(sql, {**params, "reason": reason})
        stopped = defaultdict(list)
        for row in rows:
            stopped[row["distribution"]].append(row["id"])
        for distribution, deliveries in stopped.items():
            data = {"state": "cancelled", "reason": reason, "deliveries": deliveries}
            add_event(self.tx, "stopped", self.actor, distribution=distribution, data=data)
        if stopped:
            raise_control(self.tx)
        self.counts["stopped"] += len(rows)

    def _remove(self, people: Iterable[int]) -> None:
        people = list(people)
        if not people:
            return
        for name in ("facets", "addresses", "journalists"):
            sql, params = query_in(f"undo.remove_{name}", self.tx.dialect, people)
            self.tx.execute(sql, params)


def _pass_on(later: Sequence[_Other], place: int, name: str, stood: str, now: str) -> None:
    """A field that this import filled and a later one as well: what stood before the later one is
    what stood before this."""
    heir = later[place]
    changes = (each.before[name][0] for each in later[place + 1 :] if name in each.before)
    after = heir.before[name][1] if name in heir.before else next(changes, now)
    heir.changed = True
    if after == stood:
        heir.before.pop(name, None)
    else:
        heir.before[name] = [stood, after]


def _speaking() -> list[str]:
    """Every table with rows about people that outlive an import."""
    own = {"addresses", "facets", "events", "import_people", "import_before", "import_changes"}
    return [
        name
        for name, table in tables().items()
        if "journalist" in table.columns and name not in own
    ]
