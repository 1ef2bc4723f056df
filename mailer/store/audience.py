"""The audience in the store: segments as SQL, each journalist once, streamed.

A journalist belongs to the audience of some segments when any of them selects him and he is an
active member of at least one list. Memberships that an unfinished import has written are not
seen, so an import shows whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from mailer.audience.conditions import facet_value
from mailer.audience.segments import Segment
from mailer.store.base import Row, Tx, query
from mailer.store.selection import Compiler, active_membership, lists_by_name

__all__ = [
    "active_membership",
    "as_written",
    "by_domain",
    "by_hash",
    "candidates",
    "count",
    "empty_fields",
    "everybody",
    "facets_like",
    "list_facts",
    "lists_by_name",
    "members",
    "named",
    "people",
    "planned_by_domain",
    "test_recipient",
]


def candidates(
    tx: Tx, segments: Sequence[Segment], *, received: int | None = None, languages: bool = False
) -> Iterator[Row]:
    """Everybody whom any of the segments selects, each once, in the order of their ids.

    Rows have id, zone, state, suppressed (0 or 1: all mail, or that of the list below) and list:
    the id of the list his delivery is attributed to, the first named in the segments that he is
    an active member of, else his lowest. With the id of a release in `received` they also have
    received: 1 for who has or may have it, or has it under way; with `languages` language and
    outlet. People on hold or suppressed are
    among them; the caller leaves them out and says so. Raises NotFound for a list that does not
    exist and StoreUnavailable while an import is just being carried out.
    """
    return tx.stream_rows(*Compiler(tx).people(segments, received=received, languages=languages))


def named(
    tx: Tx,
    segments: Sequence[Segment],
    journalists: Sequence[int],
    *,
    received: int | None = None,
) -> list[Row]:
    """These few people, whether or not the segments select them: rows as `candidates` has them,
    with language, outlet and selected (0 or 1). Who is on no list is not among them.
    Raises as `candidates` does."""
    if not journalists:
        return []
    sql, params = Compiler(tx).people(segments, only=journalists, received=received)
    return tx.rows(sql, params)


def by_hash(tx: Tx, hash: bytes) -> Row | None:
    """The id, state and address of the journalist with an address's keyed hash. Who only gets test
    sends is none."""
    return tx.one("audience.by_hash", hash=hash)


def test_recipient(tx: Tx, hash: bytes, email: str, zone: str) -> int:
    """The id of whoever has that address; somebody new becomes a person in state `test`.

    Such a person is on no list and has no facets, so nothing selects, counts or exports him; his
    address stands where all do. An import that names him makes him a journalist.
    """
    number: int | None = tx.value("audience.of_address", hash=hash)
    if number is None:
        last = tx.value("imports.last_journalist")
        number = max(tx.next_ids("journalist"), 1 + last)
        tx.run("audience.add_test_recipient", id=number, zone=zone, now=tx.now())
        tx.copy("addresses", ("journalist", "email", "hash"), [(number, email, hash)])
    return number


def count(tx: Tx, segments: Sequence[Segment]) -> dict[str, int]:
    """How many the segments select, and what becomes of them.

    Keys: `selected`, of them `suppressed`, `on_hold` and `other` (erased, for example), `internal`,
    who would get a marked copy through an internal list, and `recipients`, who would get it.
    Raises as `candidates` does.
    """
    sql, params = Compiler(tx).people(segments)
    rows = tx.rows(
        query("audience.count", tx.dialect).format(people=sql),
        params,
    )
    found = dict.fromkeys(_COUNTED, 0)
    for row in rows:
        found["selected"] += row["n"]
        if row["suppressed"]:
            key = "suppressed"
        elif row["state"] == "active":
            key = "internal" if row["internal"] else "recipients"
        else:
            key = "on_hold" if row["state"] == "on_hold" else "other"
        found[key] += row["n"]
    return found


_COUNTED = ("selected", "recipients", "suppressed", "on_hold", "other", "internal")


def by_domain(
    tx: Tx,
    segments: Sequence[Segment],
    *,
    also: Sequence[int] = (),
    excepted: Collection[int] = (),
    received: int | None = None,
) -> Iterator[tuple[str, str, int]]:
    """Who would get it, counted by zone and domain of the address: (zone, domain, people).

    Those of `also` whom no segment selects come as rows of their own. Raises as `candidates` does.
    """
    for people, more, params in _recipients(tx, segments, also, excepted, received):
        sql = query("audience.by_domain", tx.dialect).format(people=people, more=more)
        for row in tx.stream_rows(sql, params):
            yield row["zone"], row["domain"], row["n"]


def empty_fields(
    tx: Tx,
    segments: Sequence[Segment],
    *,
    also: Sequence[int] = (),
    excepted: Collection[int] = (),
    received: int | None = None,
) -> dict[str, int]:
    """How many would get it (`people`), and of them have no first_name, last_name, name (neither of
    the two) or outlet. Selected as in `by_domain`; raises as `candidates` does."""
    found = dict.fromkeys(("people", "first_name", "last_name", "name", "outlet"), 0)
    for people, more, params in _recipients(tx, segments, also, excepted, received):
        sql = query("audience.empty_fields", tx.dialect).format(people=people, more=more)
        for row in tx.rows(sql, params):
            for name in found:
                found[name] += row[name] or 0
    return found


def planned_by_domain(tx: Tx, distribution: int) -> Iterator[tuple[int, str, int]]:
    """A distribution's deliveries by wave and domain of the address: (wave, domain, deliveries)."""
    for row in tx.stream("audience.planned_by_domain", distribution=distribution):
        yield row["wave"], row["domain"], row["n"]


def _recipients(
    tx: Tx,
    segments: Sequence[Segment],
    also: Sequence[int],
    excepted: Collection[int],
    received: int | None,
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The query for the people selected, and that for those named besides: each with further
    conditions on its rows `q` and its parameters."""
    for only in ((), also) if also else ((),):
        compiler = Compiler(tx)
        people, params = compiler.people(segments, only=only, received=received)
        more = " AND q.selected = 0" if only else ""
        more += " AND q.received = 0" if received is not None else ""
        if excepted:
            more += f" AND q.id NOT IN ({compiler.names(sorted(excepted))})"
        yield people, more, params


def people(tx: Tx, numbers: Sequence[int]) -> list[Row]:
    """Id, email, first_name, last_name, outlet, beats, country and language of these, by id."""
    if not numbers:
        return []
    compiler = Compiler(tx)
    sql = query("audience.people", tx.dialect).format(people=compiler.names(list(numbers)))
    return tx.rows(sql, compiler.params)


def facets_like(tx: Tx, field: str, value: str) -> list[str]:
    """Values of a facet that begin as this one does and are about as long."""
    length = len(value)
    rows = tx.all(
        "audience.like", field=field, first=value[:1], least=length - 3, most=length + 3, limit=5000
    )
    return [row["value"] for row in rows]


def as_written(tx: Tx, field: str, numbers: Sequence[int]) -> dict[str, str]:
    """Values of outlet or beat as lists wrote them for these people, with capitals, by value."""
    found: dict[str, str] = {}
    for row in people(tx, numbers):
        said = [row["outlet"]] if field == "outlet" else row["beats"].split(";")
        for each in said:
            found.setdefault(facet_value(field, each), each.strip())
    return found


def list_facts(tx: Tx) -> list[dict[str, Any]]:
    """Each list's id, name, title, kind, and how many people are on it (`members`), of them
    `active`, `on_hold` and, whatever their state, `suppressed`. Raises StoreUnavailable as
    `candidates` does."""
    active, params = active_membership(tx)
    facts = {
        row["id"]: {
            **{name: row[name] for name in ("id", "name", "title", "kind")},
            **dict.fromkeys(("members", "active", "on_hold", "suppressed"), 0),
        }
        for row in tx.all("audience.lists")
    }
    for row in tx.rows(query("audience.list_facts", tx.dialect).format(active=active), params):
        found = facts[row["list"]]
        found["members"] += row["n"]
        if row["state"] in found:
            found[row["state"]] += row["n"]
    sql = query("audience.list_suppressed", tx.dialect).format(active=active)
    for row in tx.rows(sql, params):
        facts[row["list"]]["suppressed"] = row["n"]
    return list(facts.values())


def members(tx: Tx, list_id: int) -> Iterator[Row]:
    """Everybody on a list, by id, with address and fields; without those who are suppressed for
    it (E6) or erased. Raises StoreUnavailable as `candidates` does."""
    active, params = active_membership(tx)
    sql = query("audience.members", tx.dialect).format(active=active)
    return tx.stream_rows(sql, {**params, "list": list_id})


def everybody(tx: Tx) -> Iterator[Row]:
    """Everybody on any list, each once, by id; otherwise as `members`."""
    active, params = active_membership(tx)
    return tx.stream_rows(query("audience.everybody", tx.dialect).format(active=active), params)
