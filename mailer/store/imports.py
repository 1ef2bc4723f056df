"""Lists coming into the store: staged in short steps, in force by one flip, then carried out.

New people are written where they will stay, and nobody sees them: their membership names the
import, and counts only once that is past `staging`. What will change for people known before is
kept beside them until then. The flip is one row; after it the changes are carried out in short
steps that any process may continue, each person whole. An import that breaks off before the flip
leaves nothing that can be seen, and `abandon` takes its rows away. One import runs at a time;
its caller sees to that. See docs/decisions/0004-imports.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailer.store import suppression
from mailer.store.base import Row, Tx, query_in
from mailer.store.core import add_event, raise_control
from mailer.store.people import (
    FIELDS,
    Facets,
    faceted_values,
    record_of,
    said,
    write_facets,
    write_records,
)
from mailer.store.staging import Incoming, Newcomer, Person, Provenance, provenance_of
from mailer.store.suppression import ALL, Reason, list_scope


@dataclass(slots=True)
class Counts:
    """Rows of a file by what became of them; they add up to the rows read.

    A row that repeats an earlier one counts as unchanged. `changed` counts people.
    """

    new: int = 0
    changed: int = 0
    taken: int = 0
    rejected: int = 0
    suppressed: int = 0
    on_hold: int = 0

    def as_json(self) -> dict[str, int]:
        """The contract's keys of `lists import --json`."""
        return {
            "new": self.new,
            "changed": self.changed,
            "unchanged": self.taken - self.new - self.changed,
            "rejected": self.rejected,
            "suppressed": self.suppressed,
            "on_hold": self.on_hold,
        }


@dataclass(slots=True)
class OpenImport:
    """An import being staged, with what it remembers between its steps."""

    id: int
    list: int
    name: str
    counts: Counts = field(default_factory=Counts)
    facets: Facets = field(default_factory=dict)
    provenances: dict[Provenance, int] = field(default_factory=dict)
    last_provenance: int = 0
    shut_out: Callable[[Incoming], None] = lambda row: None
    """Told of each row whose person said stop or left."""


def begin(
    tx: Tx, *, list_id: int | None, name: str, kind: str, file: str, actor: str
) -> OpenImport:
    """Open an import into a list, a new one when `list_id` is None (it exists from the flip)."""
    number = tx.next_ids("import")
    if list_id is None:
        list_id = max(tx.next_ids("list"), 1 + (tx.value("imports.last_list") or 0))
        new = {"id": list_id, "name": name, "kind": kind, "import": number}
        tx.run("imports.add_list", **new, now=tx.now())
    tx.run(
        "imports.begin",
        id=number,
        list=list_id,
        file=file,
        actor=actor,
        first_journalist=1 + tx.value("imports.last_journalist"),
        now=tx.now(),
    )
    return OpenImport(number, list_id, name)


def take(tx: Tx, run: OpenImport, rows: Sequence[Incoming]) -> None:
    """Stage some rows, in the order of the file."""
    stage = _Stage(tx, run, rows)
    for row in rows:
        stage.add(row)
    stage.write()


def flip(tx: Tx, run: OpenImport) -> None:
    """Bring the import in force, whole. What it changes is still to be carried out."""
    result = json.dumps(run.counts.as_json())
    if not tx.run("imports.flip", id=run.id, result=result):
        raise RuntimeError(f"import {run.id} is not open")


def carry_out(tx: Tx, number: int, limit: int) -> bool:
    """One step of what a flipped import changes; True when it is done.

    Safe to call from several processes and again after a crash.
    """
    if not tx.run("imports.hold_row", id=number, state="applying"):
        return True
    record = tx.one("imports.get", id=number)
    assert record is not None
    changes = tx.all("imports.changes", **{"import": number}, limit=limit)
    if changes:
        _apply(tx, number, changes)
        return False
    objections = tx.all("imports.objections", **{"import": number}, limit=max(1, limit // 10))
    for row in objections:
        hash = bytes(row["hash"])
        suppression.add(
            tx,
            hash,
            scope=ALL,
            reason=Reason.OBJECTION,
            actor=record["actor"],
            evidence=json.loads(row["evidence"]),
        )
        tx.run("imports.objected", **{"import": number}, hash=hash)
    if objections:
        return False
    tx.run("imports.close", id=number, state="done", now=tx.now())
    data = {"import": number, "list": record["list"], "file": record["file"]}
    add_event(tx, "list_imported", record["actor"], data={**data, **json.loads(record["result"])})
    return True


def abandon(tx: Tx, number: int, limit: int, first: int = 0) -> int | None:
    """One step of taking away what an import staged; None when nothing of it is left, else
    what to call the next step with as `first`."""
    record = tx.one("imports.get", id=number)
    if record is None or not tx.run("imports.hold_row", id=number, state="staging"):
        return None
    what = {"import": number}
    made = tx.all("imports.made", **what, first=record["first_journalist"], limit=limit)
    if made:
        people = {**what, "first": made[0]["id"], "last": made[-1]["id"]}
        tx.run("imports.forget_memberships", list=record["list"], **people)
        for name in ("people_made", "facets", "addresses", "journalists"):
            tx.run(f"imports.forget_{name}", **people)
        return 0
    for name in ("changes", "people", "provenances"):
        if tx.run(f"imports.forget_{name}", **what, limit=limit):
            return 0
    if tx.run("imports.forget_objections", **what, limit=limit):
        return 0
    # Memberships of people known before: the list is walked by blocks.
    last: int | None = tx.value(
        "imports.next_members", list=record["list"], first=first, limit=limit
    )
    if last is not None:
        people = {**what, "first": first, "last": last}
        tx.run("imports.forget_memberships", list=record["list"], **people)
        return last + 1
    tx.run("imports.forget_list", **what)
    tx.run("imports.close", id=number, state="undone", now=tx.now())
    return None


def get(tx: Tx, number: int) -> Row | None:
    """One import's row."""
    return tx.one("imports.get", id=number)


def staged_people(tx: Tx, number: int) -> Iterator[Row]:
    """Whom an import that is not in force yet brings, with what stands of them: id, email, names,
    outlet, state, hold_reason, import (that made the person), member_import, staged (its plan)."""
    return tx.stream("imports.staged_people", **{"import": number})


def open_imports(tx: Tx) -> list[tuple[int, str]]:
    """Imports that are not finished, with their state, oldest first."""
    return [(row["id"], row["state"]) for row in tx.all("audience.open_imports")]


class _Stage:
    """One step: looked up at once, decided row by row, written at once."""

    def __init__(self, tx: Tx, run: OpenImport, rows: Sequence[Incoming]) -> None:
        self._tx, self._run = tx, run
        hashes = list({row.hash: None for row in rows})
        self._shut_out = {
            bytes(row["hash"])
            for row in _for_hashes(
                tx,
                "shut_out",
                hashes,
                {"scope": list_scope(run.list), "list": run.list, "import": run.id},
            )
        }
        # Several addresses may be those of one person, who was merged.
        known: dict[int, Person] = {}
        self._people = {
            bytes(row["hash"]): known.setdefault(row["id"], Person(row, run.id))
            for row in _for_hashes(tx, "known", hashes, {"list": run.list, "import": run.id})
        }
        self._new: dict[bytes, Newcomer] = {}
        self._objections: list[dict[str, Any]] = []

    def add(self, row: Incoming) -> None:
        """Decide what becomes of one row."""
        counts = self._run.counts
        if row.objection is not None:
            self._objections.append(
                {
                    "import": self._run.id,
                    "hash": row.hash,
                    "evidence": json.dumps(row.objection, ensure_ascii=False),
                }
            )
            self._shut_out.add(row.hash)
        if row.hash in self._shut_out:
            counts.suppressed += 1
            self._run.shut_out(row)
            return
        person = self._people.get(row.hash)
        if person is None:
            newcomer = self._new.get(row.hash)
            counts.on_hold += bool(row.hold)
            counts.taken += not row.hold
            if newcomer is None:
                counts.new += not row.hold
                self._new[row.hash] = Newcomer(row)
            else:
                newcomer.merge(row)
            return
        if person.member == "left" or person.state == "erased":
            # He left the list; an import does not bring him back.
            counts.suppressed += 1
            self._run.shut_out(row)
            return
        person.touched = True
        who = row.journalist
        person.provenance = provenance_of(who)
        if person.doubted(row):
            counts.on_hold += 1
            person.hold = person.hold or row.hold
            if person.mine:
                person.merge(row)
            else:
                person.unwritten |= {name: text for name, text in record_of(who).items() if text}
        else:
            counts.taken += 1
            person.merge(row)
        if not person.member:
            person.member = "joins"
        counts.changed += person.recount()

    def write(self) -> None:
        """Write what was decided."""
        # Several addresses may be those of one person.
        touched = list({each.id: each for each in self._people.values() if each.touched}.values())
        mine = [person for person in touched if person.mine]
        others = [person for person in touched if not person.mine]
        now = self._tx.now()
        numbers = self._provenances([*self._new.values(), *touched])
        made = self._write_new(numbers, now)
        self._write_mine(mine, now)
        self._write_plans(others)
        self._write_brought(touched, numbers)
        if self._objections:
            self._tx.many("imports.object", params=self._objections)
        joining = [person.id for person in others if person.member == "joins"]
        self._tx.copy(
            "memberships",
            ("list", "journalist", "state", "joined_at", "import"),
            [(self._run.list, number, "active", now, self._run.id) for number in (*made, *joining)],
        )

    def _write_new(self, numbers: Mapping[Provenance, int], now: int) -> range:
        """The ids of the people made."""
        if not self._new:
            return range(0)
        tx, run = self._tx, self._run
        new = list(self._new.values())
        first = tx.next_ids("journalist", len(new))
        made = range(first, first + len(new))
        journalists = []
        for number, each in zip(made, new, strict=True):
            state = ("on_hold", each.hold, run.id) if each.hold else _ACTIVE
            journalists.append((number, *state, run.id, now, now, *each.values))
        tx.copy("journalists", _JOURNALIST, journalists)
        addresses = zip(made, [each.email for each in new], self._new, strict=True)
        tx.copy("addresses", ("journalist", "email", "hash"), list(addresses))
        faceted = [faceted_values(each.values) for each in new]
        write_facets(tx, run.facets, list(zip(made, faceted, strict=True)))
        brought = [
            (run.id, number, said(each.values), numbers[each.provenance])
            for number, each in zip(made, new, strict=True)
        ]
        tx.copy("import_people", _BROUGHT, brought)
        return made

    def _write_brought(self, people: Sequence[Person], numbers: Mapping[Provenance, int]) -> None:
        """Whom this import brought, what it said and from where: shown to whoever asks, and needed
        to take it back."""
        brought, again = [], []
        for person in people:
            number = numbers[person.provenance]
            if person.said_before is None:
                brought.append((self._run.id, person.id, person.said, number))
            else:
                again.append(
                    {
                        "import": self._run.id,
                        "journalist": person.id,
                        "said": person.said | person.said_before,
                        "provenance": number,
                    }
                )
        self._tx.copy("import_people", _BROUGHT, brought)
        if again:
            self._tx.many("imports.bring_again", params=again)

    def _provenances(self, people: Sequence[Person | Newcomer]) -> dict[Provenance, int]:
        """The numbers of the words of these people, who stand in this import's rows."""
        run, known = self._run, self._run.provenances
        if len(known) > _REMEMBER:
            known.clear()
        rows = []
        for person in people:
            if person.provenance not in known:
                run.last_provenance += 1
                known[person.provenance] = run.last_provenance
                rows.append((run.id, run.last_provenance, *person.provenance))
        self._tx.copy(
            "import_provenances", ("import", "id", "source", "source_date", "basis"), rows
        )
        return known

    def _write_mine(self, mine: Sequence[Person], now: int) -> None:
        """Rows that repeat a person this import made itself: still hidden, so changed in place."""
        tx = self._tx
        different = [person for person in mine if person.record != person.stood]
        write_records(tx, self._run.facets, [(p.id, p.record) for p in different], now)
        for person in mine:
            if person.hold and person.state != "on_hold":
                tx.run(
                    "imports.hold",
                    id=person.id,
                    reason=person.hold,
                    now=now,
                    **{"import": self._run.id},
                )

    def _write_plans(self, people: Sequence[Person]) -> None:
        stage, unstage = [], []
        for person in people:
            what = {"import": self._run.id, "journalist": person.id}
            plan = person.plan()
            data = json.dumps(plan, ensure_ascii=False) if plan else None
            if data == person.staged:
                continue
            if data is None:
                unstage.append(what)
            else:
                stage.append({**what, "data": data})
        if stage:
            self._tx.many("imports.stage", params=stage)
        if unstage:
            self._tx.many("imports.unstage", params=unstage)


def _apply(tx: Tx, number: int, rows: Sequence[Row]) -> None:
    """Carry out what was staged for some people known before."""
    now = tx.now()
    records, lifts, holds, before = [], [], [], []
    for row in rows:
        plan = json.loads(row["data"])
        if row["state"] is None or row["state"] == "erased":
            continue
        if stood := _before(row, plan, number):
            data = json.dumps(stood, ensure_ascii=False)
            before.append({"import": number, "journalist": row["journalist"], "data": data})
        if "set" in plan:
            records.append((row["journalist"], {**{n: row[n] for n in FIELDS}, **plan["set"]}))
        if "hold" in plan:
            holds.append(
                {"id": row["journalist"], "reason": plan["hold"], "import": number, "now": now}
            )
        if plan.get("lift"):
            lifts.append({"id": row["journalist"], "now": now})
    if before:
        tx.many("undo.keep_before", params=before)
    write_records(tx, {}, records, now)
    if lifts:
        tx.many("imports.lift", params=lifts)
    if holds:
        tx.many("imports.hold", params=holds)
        raise_control(tx)
    tx.many(
        "imports.unstage",
        params=[{"import": number, "journalist": row["journalist"]} for row in rows],
    )


def _before(row: Row, plan: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What an import changes of a person: by field, and for the state with its hold, what stood
    and what stands then."""
    stood: dict[str, Any] = {
        name: [row[name], value]
        for name, value in plan.get("set", {}).items()
        if row[name] != value
    }
    if "held" in plan:
        # Never written; it is what would be known of him, were he not known already.
        stood["held"] = plan["held"]
    open_hold = row["state"] == "test" or (
        row["state"] == "on_hold" and row["hold_import"] is not None
    )
    state = [row["state"], row["hold_reason"], row["hold_import"]]
    if "hold" in plan and (open_hold or row["state"] == "active"):
        stood["state"] = [state, ["on_hold", plan["hold"], number]]
    elif plan.get("lift") and open_hold:
        stood["state"] = [state, ["active", None, None]]
    return stood


def _for_hashes(tx: Tx, name: str, hashes: Sequence[bytes], params: Mapping[str, Any]) -> list[Row]:
    """Rows of a query with `IN (:hashes)`, asked for some at a time: SQLite looks for the place of
    a named parameter by going through all of them."""
    found: list[Row] = []
    for first in range(0, len(hashes), _ASKED):
        some = hashes[first : first + _ASKED]
        sql, named = query_in(f"imports.{name}", tx.dialect, some, ":hashes")
        found += tx.rows(sql, {**params, **named})
    return found


_ASKED = 64
_ACTIVE = ("active", None, None)
_JOURNALIST = (
    *("id", "state", "hold_reason", "hold_import", "import", "created_at", "updated_at"),
    *FIELDS,
)
_BROUGHT = ("import", "journalist", "said", "provenance")
_REMEMBER = 100_000
"""Most provenances kept in memory; what is forgotten stands once more."""
