"""The audience in the store: segments as SQL, each journalist once, streamed.

A journalist belongs to the audience of some segments when any of them selects him and he is an
active member of at least one list. Memberships that an unfinished import has written are not
seen, so an import shows whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailer.audience.segments import Condition, Segment
from mailer.audience.text import fold
from mailer.errors import NotFound, StoreUnavailable
from mailer.store.base import Row, Tx, query


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
    return tx.stream_rows(*_Compiler(tx).people(segments, received=received, languages=languages))


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
    sql, params = _Compiler(tx).people(segments, only=journalists, received=received)
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

    Keys: `selected`, of them `suppressed`, `on_hold` and `other` (away, for example), and
    `recipients`, who would get it. Raises as `candidates` does.
    """
    sql, params = _Compiler(tx).people(segments)
    rows = tx.rows(
        f"SELECT q.state, q.suppressed, count(*) AS n FROM ({sql}) q "
        "GROUP BY q.state, q.suppressed",
        params,
    )
    found = dict.fromkeys(("selected", "recipients", "suppressed", "on_hold", "other"), 0)
    for row in rows:
        found["selected"] += row["n"]
        if row["suppressed"]:
            key = "suppressed"
        elif row["state"] == "active":
            key = "recipients"
        else:
            key = "on_hold" if row["state"] == "on_hold" else "other"
        found[key] += row["n"]
    return found


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
        compiler = _Compiler(tx)
        people, params = compiler.people(segments, only=only, received=received)
        more = " AND q.selected = 0" if only else ""
        more += " AND q.received = 0" if received is not None else ""
        if excepted:
            more += f" AND q.id NOT IN ({compiler.names(sorted(excepted))})"
        yield people, more, params


def lists_by_name(tx: Tx) -> dict[str, Row]:
    """All lists by their folded name."""
    return {fold(row["name"]): row for row in tx.all("audience.lists")}


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


def active_membership(tx: Tx) -> tuple[str, dict[str, Any]]:
    """SQL that is true for a membership `m` that counts, and its parameters.

    Raises StoreUnavailable while an import is just being carried out: what a reader saw then
    would be half of it. Whoever calls the use cases carries it out first, so that this is rare.
    """
    staging = []
    for row in tx.all("audience.open_imports"):
        if row["state"] != "staging":
            raise StoreUnavailable(
                "an import of a list is just being completed, or taken back; nothing was done.",
                hint="Try again.",
            )
        staging.append(row["id"])
    if not staging:
        return "m.state = 'active'", {}
    params = {f"staging{n}": number for n, number in enumerate(staging)}
    names = ", ".join(f":{name}" for name in params)
    return f"m.state = 'active' AND (m.import IS NULL OR m.import NOT IN ({names}))", params


_ALL = 2**63 - 1
"""A limit that limits nothing: with it a database looks up each person's list once, where it would
else put that look-up in every place of the query that names the list."""


@dataclass(slots=True)
class _Compiler:
    """Makes one query; every value is a parameter, ids stand for names."""

    tx: Tx
    params: dict[str, Any] = field(default_factory=dict)
    _active: str = ""
    _lists: dict[str, Row] = field(default_factory=dict)

    def people(
        self,
        segments: Sequence[Segment],
        *,
        only: Sequence[int] = (),
        received: int | None = None,
        languages: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """The query for rows id, zone, state, list, suppressed, by id; of all whom the
        segments select, or of those in `only` and then with selected, language and outlet."""
        self._active, params = active_membership(self.tx)
        self.params.update(params)
        self._lists = lists_by_name(self.tx)
        wanted = " OR ".join(f"({self._segment(s)})" for s in segments) or "1 = 0"
        ranks: dict[int, int] = {}
        for segment in segments:
            for name in segment.lists:
                ranks.setdefault(self._list(name), len(ranks))
        order = "m.list"
        if ranks:
            cases = " ".join(f"WHEN {number} THEN {rank}" for number, rank in ranks.items())
            order = f"CASE m.list {cases} ELSE {len(ranks)} END, m.list"
        suppressed = query("audience.is_suppressed", self.tx.dialect)
        inner, more = "", ""
        if only:
            inner = f", CASE WHEN {wanted} THEN 1 ELSE 0 END AS selected"
            wanted, more = f"j.id IN ({self.names(only)})", ", p.selected"
        if only or languages:
            inner += ", j.language, j.outlet"
            more += ", p.language, p.outlet"
        if received is not None:
            has = query("audience.has_received", self.tx.dialect)
            more += f", CASE WHEN {has} THEN 1 ELSE 0 END AS received"
            self.params["release"] = received
        sql = f"""
            SELECT p.id, p.zone, p.state, p.list, CASE WHEN {suppressed} THEN 1 ELSE 0 END
                AS suppressed{more}
            FROM (SELECT j.id, j.zone, j.state, (
                    SELECT m.list FROM memberships m WHERE m.journalist = j.id AND {self._active}
                    ORDER BY {order} LIMIT 1) AS list{inner}
                  FROM journalists j WHERE {wanted} ORDER BY j.id LIMIT {_ALL}) p
            WHERE p.list IS NOT NULL"""
        return sql, self.params

    def _segment(self, segment: Segment) -> str:
        parts = [self._table(table) for table in segment.all]
        if segment.any:
            parts.append(f"({' OR '.join(self._table(table) for table in segment.any)})")
        parts += [f"NOT {self._table(table)}" for table in segment.none]
        return " AND ".join(parts) or "1 = 1"

    def _table(self, table: Condition) -> str:
        return f"({' AND '.join(self._field(name, values) for name, values in table.fields)})"

    def _field(self, name: str, values: Sequence[str]) -> str:
        if name == "list":
            ids = self.names([self._list(value) for value in values])
            return self._among("memberships m", f"m.list IN ({ids}) AND {self._active}")
        texts = self.names(values)
        sql = f"SELECT id FROM facet_values WHERE field = :field AND value IN ({texts})"
        rows = self.tx.rows(sql, {**self.params, "field": name})
        if not rows:
            return "1 = 0"
        ids = self.names([row["id"] for row in rows])
        return self._among("facets m", f"m.facet IN ({ids})")

    def _among(self, table: str, where: str) -> str:
        """True for a journalist `j` who has a row in a table `m`."""
        if self.tx.dialect == "sqlite":
            # The set is made once and can drive the query. EXISTS would ask a million times.
            return f"j.id IN (SELECT m.journalist FROM {table} WHERE {where})"
        # Joined where that is possible; below OR and NOT asked by index. IN would be searched
        # row by row there as soon as the set outgrows the server's work_mem.
        return f"EXISTS (SELECT 1 FROM {table} WHERE m.journalist = j.id AND {where})"

    def _list(self, name: str) -> int:
        row = self._lists.get(fold(name))
        if row is None:
            raise NotFound(f'there is no list "{name}".', hint="See `mailer lists ls`.")
        number: int = row["id"]
        return number

    def names(self, values: Sequence[Any]) -> str:
        """Parameters for these values; their names for the SQL."""
        names = []
        for value in values:
            name = f"v{len(self.params)}"
            self.params[name] = value
            names.append(f":{name}")
        return ", ".join(names)
