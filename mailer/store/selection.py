"""Condition trees as SQL: one query for the people that segments select, on both databases.

Every value is a parameter, ids stand for names. `mailer/store/bitmaps.py` answers the same
questions without asking the database about each person; both must give what
`conditions.matches` says of one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from difflib import get_close_matches
from typing import Any

from mailer.audience.conditions import EVER, All, Has, Node, Non, day_of, depth
from mailer.audience.segments import Segment
from mailer.audience.text import fold
from mailer.errors import NotFound, StoreUnavailable
from mailer.store.base import Row, Tx, query


def active_membership(tx: Tx) -> tuple[str, dict[str, Any]]:
    """SQL that is true for a membership `m` that counts, and its parameters.

    Raises StoreUnavailable while an import is just being carried out or taken back: what a reader
    saw then would be half of it. Whoever calls the use cases does that first, so this is rare.
    """
    staging = staged_imports(tx)
    if not staging:
        return "m.state = 'active'", {}
    params = {f"staging{n}": number for n, number in enumerate(staging)}
    names = ", ".join(f":{name}" for name in params)
    return f"m.state = 'active' AND (m.import IS NULL OR m.import NOT IN ({names}))", params


def staged_imports(tx: Tx) -> list[int]:
    """Imports whose rows nobody may see yet. Raises as `active_membership` does."""
    staging = []
    for row in tx.all("audience.open_imports"):
        if row["state"] != "staging":
            raise StoreUnavailable(
                "an import of a list is just being completed, or taken back; nothing was done.",
                hint="Try again.",
            )
        staging.append(row["id"])
    return staging


def lists_by_name(tx: Tx) -> dict[str, Row]:
    """All lists by their folded name."""
    return {fold(row["name"]): row for row in tx.all("audience.lists")}


def list_named(lists: dict[str, Row], name: str) -> Row:
    """The list of that name among those by folded name. Raises NotFound."""
    row = lists.get(fold(name))
    if row is None:
        raise NotFound(f'there is no list "{name}".', hint="See `mailer lists ls`.")
    return row


def list_order(lists: dict[str, Row], segments: Sequence[Segment]) -> list[int]:
    """All lists in the order in which a delivery is attributed to the first that its journalist is
    on: those named, as they are named, then the office's and topics, then internal ones."""
    named = [list_named(lists, name)["id"] for each in segments for name in each.lists]
    others = sorted((row["kind"] == "internal", row["id"]) for row in lists.values())
    return list(dict.fromkeys([*named, *(number for _, number in others)]))


def facet_ids(tx: Tx, name: str, values: Sequence[str]) -> dict[str, int]:
    """The ids of those values of a facet that somebody has or had, by value."""
    rows = tx.all("audience.facet_ids", field=name, values=json.dumps(values))
    return {row["value"]: row["id"] for row in rows}


def release_ids(tx: Tx, slugs: Sequence[str]) -> list[int]:
    """The releases of these short names. Raises NotFound with the nearest."""
    known = {fold(row["slug"]): row["id"] for row in tx.all("audience.releases")}
    for slug in slugs:
        if slug not in known:
            near = get_close_matches(slug, known, 1)
            hint = f'Did you mean "{near[0]}"?' if near else "`mailer release ls` lists them."
            raise NotFound(f'there is no release "{slug}".', hint=hint)
    return [known[slug] for slug in slugs]


def instant_of(value: str) -> tuple[str, int]:
    """The operator of a value of a day and when that day begins in UTC, in microseconds."""
    operator, day = day_of(value)
    start = datetime.combine(day, time(), UTC)
    return operator, round(start.timestamp()) * 1_000_000


@dataclass(slots=True)
class Compiler:
    """Makes one query."""

    tx: Tx
    params: dict[str, Any] = field(default_factory=dict)
    _active: str = ""
    _lists: dict[str, Row] = field(default_factory=dict)
    _order: str = ""
    _withs: list[str] = field(default_factory=list)

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
        self._order = self._attribution(segments)
        wanted = _either([self._segment(each) for each in segments])
        inner, more = "", ""
        if only:
            inner = f", CASE WHEN {wanted} THEN 1 ELSE 0 END AS selected"
            wanted, more = f"j.id IN ({self.names(only)})", ", p.selected"
        if only or languages:
            inner += f", {query('audience.language', self.tx.dialect)} AS language, j.outlet"
            more += ", p.language, p.outlet"
        if received is not None:
            has = query("audience.has_received", self.tx.dialect)
            more += f", CASE WHEN {has} THEN 1 ELSE 0 END AS received"
            self.params["release"] = received
        deep = f"WITH {', '.join(self._withs)} " if self._withs else ""
        sql = f"""
            {deep}
            SELECT p.id, p.zone, p.state, p.list, CASE WHEN {self._suppressed} THEN 1 ELSE 0 END
                AS suppressed{more}
            FROM (SELECT j.id, j.zone, j.state, {self._list_of}{inner}
                  FROM journalists j WHERE {wanted} ORDER BY j.id LIMIT {_ALL}) p
            WHERE p.list IS NOT NULL"""
        return sql, self.params

    def names(self, values: Sequence[Any]) -> str:
        """Parameters for these values; their names for the SQL. Of very many they are one."""
        if len(values) > _SINGLY:
            name = f"v{len(self.params)}"
            self.params[name] = json.dumps(values)
            return query("audience.array", self.tx.dialect).replace(":array", f":{name}")
        names = []
        for value in values:
            name = f"v{len(self.params)}"
            self.params[name] = value
            names.append(f":{name}")
        return ", ".join(names)

    @property
    def _suppressed(self) -> str:
        return query("audience.is_suppressed", self.tx.dialect)

    @property
    def _list_of(self) -> str:
        return (
            f"(SELECT m.list FROM memberships m WHERE m.journalist = j.id AND {self._active} "
            f"ORDER BY {self._order} LIMIT 1) AS list"
        )

    def _attribution(self, segments: Sequence[Segment]) -> str:
        order = list_order(self._lists, segments)
        if order == sorted(order):
            return "m.list"
        cases = " ".join(f"WHEN {number} THEN {rank}" for rank, number in enumerate(order))
        return f"CASE m.list {cases} ELSE {len(order)} END, m.list"

    def _segment(self, segment: Segment) -> str:
        tree = self._node(segment.tree)
        return tree if segment.first is None else self._first(segment, tree, segment.first)

    def _first(self, segment: Segment, tree: str, first: int) -> str:
        """Those who fit best, of all who may be written to (see `Segment`)."""
        facets = facet_ids(self.tx, "beat", segment.beats)
        ids = self.names(sorted(facets.values())) if facets else ""
        beats = f"SELECT count(*) FROM facets m WHERE m.journalist = j.id AND m.facet IN ({ids})"
        joined = f"SELECT min(m.joined_at) FROM memberships m WHERE {self._active}"
        return f"""j.id IN (
            SELECT p.id FROM (
                SELECT j.id, {f"({beats})" if ids else "0"} AS fit,
                    ({joined} AND m.journalist = j.id) AS joined, {self._list_of}
                FROM journalists j WHERE j.state = 'active' AND {tree}
                ORDER BY j.id LIMIT {_ALL}) p
            WHERE p.list IS NOT NULL AND NOT ({self._suppressed})
            ORDER BY p.fit DESC, p.joined / 86400000000 DESC, p.id LIMIT {first})"""

    def _node(self, node: Node) -> str:
        if isinstance(node, Has):
            return self._has(node.field, node.values)
        parts = [self._node(part) for part in node.parts]
        sql = _both(parts) if isinstance(node, All) else _either(parts)
        if isinstance(node, Non):
            sql = f"NOT ({sql})"
        if depth(node) % _LEVELS:
            return sql
        name = f"w{len(self._withs)}"
        self._withs.append(f"{name} AS (SELECT j.id FROM journalists j WHERE {sql})")
        return f"j.id IN (SELECT {name}.id FROM {name})"

    def _has(self, name: str, values: Sequence[str]) -> str:
        if name == "list":
            ids = self.names([list_named(self._lists, value)["id"] for value in values])
            return self._among("memberships m", f"m.list IN ({ids}) AND {self._active}")
        if name == "joined":
            return _either([self._joined(value) for value in values])
        if name == "accepted":
            return _either([self._accepted(value) for value in values])
        if name == "got":
            ids = self.names(release_ids(self.tx, values))
            return self._among(
                "deliveries m JOIN distributions x ON x.id = m.distribution",
                f"x.release IN ({ids}) AND {query('audience.got', self.tx.dialect)}",
            )
        if name in EVER:
            return self._among("deliveries m", f"m.feedback = '{name}'")
        facets = sorted(facet_ids(self.tx, name, values).values())
        if not facets:
            return "1 = 0"
        return self._among("facets m", f"m.facet IN ({self.names(facets)})")

    def _joined(self, value: str) -> str:
        operator, instant = instant_of(value)
        before = self._among(
            "memberships m", f"m.joined_at < {self.names([instant])} AND {self._active}"
        )
        # He came when he came first, so who is on a list came at or after a day or before it.
        return f"NOT {before}" if operator == ">=" else before

    def _accepted(self, value: str) -> str:
        operator, instant = instant_of(value)
        at = self.names([instant])
        accepted = query("audience.accepted", self.tx.dialect)
        open_since = f" AND (x.finished_at IS NULL OR x.finished_at >= {at})"
        return self._among(
            "deliveries m JOIN distributions x ON x.id = m.distribution",
            f"{accepted} AND m.last_attempt_at {operator} {at}"
            f"{open_since if operator == '>=' else ''}",
        )

    def _among(self, table: str, where: str) -> str:
        """True for a journalist `j` who has a row in a table `m`."""
        if self.tx.dialect == "sqlite":
            # The set is made once and can drive the query. EXISTS would ask a million times.
            return f"j.id IN (SELECT m.journalist FROM {table} WHERE {where})"
        # Joined where that is possible; below OR and NOT asked by index. IN would be searched
        # row by row there as soon as the set outgrows the server's work_mem.
        return f"EXISTS (SELECT 1 FROM {table} WHERE m.journalist = j.id AND {where})"


def _both(parts: Sequence[str]) -> str:
    return _joined(parts, " AND ") or "1 = 1"


def _either(parts: Sequence[str]) -> str:
    return _joined(parts, " OR ") or "1 = 0"


def _joined(parts: Sequence[str], word: str) -> str:
    """In brackets, a few at a time: a database reads `a OR b OR c …` as so many levels."""
    while len(parts) > _BESIDE:
        parts = [
            f"({word.join(parts[start : start + _BESIDE])})"
            for start in range(0, len(parts), _BESIDE)
        ]
    return f"({word.join(parts)})" if len(parts) > 1 else "".join(parts)


_ALL = 2**63 - 1
"""A limit that limits nothing: with it a database looks up each person's list once, where it would
else put that look-up in every place of the query that names the list."""

_SINGLY = 100
"""Most values that are parameters of their own: databases limit their number."""

_LEVELS = 5
"""So many levels of a tree are one expression: SQLite reads no more than a hundred brackets and
words that are still open."""

_BESIDE = 10
"""Most conditions beside each other before brackets are put around them."""
