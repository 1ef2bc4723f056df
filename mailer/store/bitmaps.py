"""Who has which facet, as bitmaps in memory: segments counted without asking the database of each.

Each process keeps one `Index` for its store. Before each answer it compares the versions of blocks
of people (`mailer/store/touched.py`) with those it has read, in the transaction of the answer, and
reads again what is not the same; so what it says is what the database would say, always. What
changes with every mail (history) is asked of the database each time and made a bitmap.

`mailer/store/selection.py` says the same in SQL.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from heapq import heappush, heappushpop
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson
from pyroaring import BitMap

from mailer.audience.conditions import EVER, All, Has, Node, Non
from mailer.audience.segments import Segment
from mailer.errors import StoreUnavailable
from mailer.store import snapshots
from mailer.store.base import Row, Store, Tx, query
from mailer.store.bitmap_data import Data, refreshed, union
from mailer.store.selection import (
    facet_ids,
    instant_of,
    list_named,
    list_order,
    lists_by_name,
    release_ids,
)
from mailer.store.suppression import OFFICE

DAY = 86_400_000_000
"""Microseconds of a day."""


@dataclass(slots=True)
class Selected:
    """Whom segments select, as bitmaps of journalist ids. `recipients` would get it, `internal` a
    marked copy; `suppressed` and, by state, `others` nothing. Of the recipients now, `away` and
    `paused` wish for none."""

    everybody: BitMap
    recipients: BitMap
    internal: BitMap
    suppressed: BitMap
    others: dict[str, BitMap]
    away: BitMap
    paused: BitMap


class Share(NamedTuple):
    """How many of some people have a value, and somebody (any) who has it."""

    value: str
    people: int
    example: int


class Breakdown(NamedTuple):
    """The most frequent values of a facet, how many `others` there are (of outlets at most), and
    how many people are `without` any."""

    shares: list[Share]
    others: int
    without: int


class Index:
    """The bitmaps of one store. `at` gives them as of a transaction."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._data: Data | None = None

    @contextmanager
    def at(self, tx: Tx) -> Iterator[View]:
        """What the database holds in this transaction, for the length of the block; one thread at a
        time. Raises StoreUnavailable while an import is just being carried out."""
        with self._lock:
            data, self._data = self._data, None  # half read would be worse than read again
            self._data = data = refreshed(tx, data or snapshots.read(tx))
            yield View(tx, data)

    def keep(self, store: Store) -> None:
        """Keep what took long to read for the processes to come; not if the database is busy."""
        with self._lock:
            data = self._data
            if data is None or not data.fresh or len(data.members) < _MANY:
                return
            data.fresh = False
            snapshot = snapshots.pack(data)
        with suppress(StoreUnavailable):
            snapshots.keep(store, snapshot)


def index_of(store: Store) -> Index:
    """The index that this process keeps for a store."""
    with _guard:
        return _indexes.setdefault(store, Index())


_guard = threading.Lock()
_indexes: WeakKeyDictionary[Store, Index] = WeakKeyDictionary()


class View:
    """The bitmaps as of one transaction."""

    def __init__(self, tx: Tx, data: Data) -> None:
        self._tx = tx
        self._data = data
        self._lists: dict[str, Row] = lists_by_name(tx)

    def select(self, segments: Sequence[Segment]) -> Selected:
        """Whom the segments select, and what becomes of them. Raises NotFound for a list or a
        release that does not exist."""
        data = self._data
        order = list_order(self._lists, segments)
        suppressed = self._suppressed(order)
        inactive = union(data.states.values())
        everybody = BitMap()
        for segment in segments:
            people = self._people(segment.tree)
            if segment.first is not None:
                people = self._first(segment, people - suppressed - inactive, segment.first)
            everybody |= people
        out = everybody & suppressed
        left = everybody - suppressed
        others = {state: left & people for state, people in sorted(data.states.items())}
        others = {state: people for state, people in others.items() if people}
        active = left - inactive
        internal = active & self._internal(order)
        recipients = active - internal
        now = self._tx.now()
        away = BitMap(number for number, until in data.away.items() if until > now)
        return Selected(
            everybody,
            recipients,
            internal,
            out,
            others,
            recipients & away,
            recipients & data.paused,
        )

    def capped(
        self, people: BitMap, segments: Sequence[Segment], cap: int | None, since: int
    ) -> BitMap:
        """Who of some recipients got as much since an instant (UTC microseconds) as a week may
        bring: by the newsroom's `cap` (None: it has none) or by his own wish. What comes by a topic
        he signed up to himself is not capped."""
        own = self._data.caps
        asked = people if cap is not None else people & BitMap(own)
        least = min([*own.values(), *([] if cap is None else [cap])], default=0)
        if not asked:
            return BitMap()
        params: dict[str, Any] = {"since": since, "least": max(1, least), "now": self._tx.now()}
        params["first"] = self._tx.value("rules.first_recent", since=since)
        name = "bitmaps.busy"
        if len(asked) <= _MOST_NAMED:
            name, params["people"] = "bitmaps.busy_of", orjson.dumps(list(asked)).decode()
        found = BitMap(n for n in asked & BitMap(own) if own[n] == 0)
        for row in self._tx.all(name, **params):
            busy = asked & BitMap(orjson.loads(row["people"]))
            if cap is not None and row["n"] >= cap:
                found |= busy
            else:
                found |= BitMap(n for n in busy & BitMap(own) if row["n"] >= own[n])
        topics = [row["id"] for row in self._lists.values() if row["kind"] == "topic"]
        order = list_order(self._lists, segments)
        return found - union(who for _, who in self._attributed(order, topics))

    def breakdown(self, people: BitMap, name: str, most: int) -> Breakdown:
        """How many of some people have each value of a facet, the most frequent `most` of them."""
        data = self._data
        facets = self._facets_of(name)
        having = people & self._having(name)
        if name == "outlet":
            found = self._outlets(having, facets, most)
            values = min(len(having), len(facets))
        else:
            counts = ((people.intersection_cardinality(data.facets[each]), each) for each in facets)
            found = [pair for pair in counts if pair[0]]
            values = len(found)
        if len(found) > most:
            least = sorted(count for count, _ in found)[-most]
            found = [pair for pair in found if pair[0] >= least]
        found.sort(key=lambda pair: (-pair[0], data.values[pair[1]][1]))
        return Breakdown(
            [
                Share(data.values[facet][1], count, data.facets[facet].min())
                for count, facet in found[:most]
            ],
            others=max(0, values - most),
            without=len(people) - len(having),
        )

    def _having(self, name: str) -> BitMap:
        data = self._data
        if name not in data.having:
            data.having[name] = union(data.facets[facet] for facet in self._facets_of(name))
        return data.having[name]

    def _facets_of(self, name: str) -> list[int]:
        """The facets of a field, those of most people first."""
        data = self._data
        if name not in data.by_size:
            sizes = [
                (-len(bits), facet)
                for facet, bits in data.facets.items()
                if data.values[facet][0] == name
            ]
            data.by_size[name] = [facet for _, facet in sorted(sizes)]
        return data.by_size[name]

    def _outlets(self, having: BitMap, facets: Sequence[int], most: int) -> list[tuple[int, int]]:
        """(how many, facet) of at least the `most` frequent outlets of people who have one.

        There may be tens of thousands, most of them smaller than what is shown already. Unless a
        few looks at the largest are likely to show that, each person's outlet is looked up.
        """
        data = self._data
        found: list[tuple[int, int]] = []
        shown: list[int] = []
        looks = len(having) // _DEARER
        if most <= looks < len(facets):
            share = len(having) / len(self._having("outlet"))
            if len(data.facets[facets[looks]]) > share * len(data.facets[facets[most - 1]]):
                looks = 0
        for facet in facets[:looks]:
            if len(shown) == most and len(data.facets[facet]) < shown[0]:
                return found
            count = having.intersection_cardinality(data.facets[facet])
            if count:
                found.append((count, facet))
                (heappush if len(shown) < most else heappushpop)(shown, count)
        if looks >= len(facets):
            return found
        # Who has an outlet is in the array, which ends with the last of them.
        counts = Counter(map(data.outlet.__getitem__, having.to_array()))
        return [(count, facet) for facet, count in counts.items()]

    def _people(self, node: Node) -> BitMap:
        """Of those on any list."""
        members = self._data.members
        if isinstance(node, Has):
            return self._has(node.field, node.values) & members
        parts = (self._people(part) for part in node.parts)
        if isinstance(node, All):
            return reduce(lambda one, other: one & other, parts, members)
        together = union(parts)
        return members - together if isinstance(node, Non) else together

    def _has(self, name: str, values: Sequence[str]) -> BitMap:
        data, tx = self._data, self._tx
        if name == "list":
            ids = [list_named(self._lists, value)["id"] for value in values]
            return union(data.lists[number] for number in ids if number in data.lists)
        if name == "joined":
            return union(self._joined(value) for value in values)
        if name == "accepted":
            return union(self._accepted(value) for value in values)
        if name == "got":
            return union(
                self._asked("bitmaps.got", release=number) for number in release_ids(tx, values)
            )
        if name in EVER:
            return self._asked("bitmaps.feedback", word=name)
        facets = facet_ids(tx, name, values).values()
        return union(data.facets[facet] for facet in facets if facet in data.facets)

    def _joined(self, value: str) -> BitMap:
        operator, instant = instant_of(value)
        limit = instant // DAY
        before = union(people for day, people in self._data.days.items() if day < limit)
        return self._data.members - before if operator == ">=" else before

    def _accepted(self, value: str) -> BitMap:
        operator, instant = instant_of(value)
        since = operator == ">="
        return self._asked("bitmaps.accepted_since" if since else "bitmaps.accepted_before",
                           at=instant)  # fmt: skip

    def _asked(self, name: str, **params: Any) -> BitMap:
        text = self._tx.rows(query(name, self._tx.dialect), params)[0]["people"]
        return BitMap(orjson.loads(text)) if text else BitMap()

    def _suppressed(self, order: Sequence[int]) -> BitMap:
        """Who must not get what is attributed to the first of these lists that he is on."""
        suppressed = self._data.suppressed
        found = suppressed.get("all", BitMap()).copy()
        office = suppressed.get(OFFICE, BitMap())
        topics = {row["id"] for row in self._lists.values() if row["kind"] == "topic"}
        wanted = [
            number
            for number in order
            if f"list:{number}" in suppressed or (office and number not in topics)
        ]
        for number, people in self._attributed(order, wanted):
            found |= people & suppressed.get(f"list:{number}", BitMap())
            if number not in topics:
                found |= people & office
        return found

    def _internal(self, order: Sequence[int]) -> BitMap:
        """Whose delivery is attributed to an internal list."""
        inner = [row["id"] for row in self._lists.values() if row["kind"] == "internal"]
        return union(people for _, people in self._attributed(order, inner))

    def _attributed(
        self, order: Sequence[int], wanted: Sequence[int]
    ) -> Iterator[tuple[int, BitMap]]:
        """Of these lists, whom each has that no list before it in the order has."""
        earlier = BitMap()
        left = set(wanted)
        for number in order:
            if not left:
                return
            on = self._data.lists.get(number, BitMap())
            if number in left:
                left.discard(number)
                yield number, on - earlier
            earlier |= on

    def _first(self, segment: Segment, people: BitMap, first: int) -> BitMap:
        """Those who fit best: level by level of beats matched, and within one by day of joining."""
        data = self._data
        levels = [people]
        for facet in facet_ids(self._tx, "beat", segment.beats).values():
            have = data.facets.get(facet)
            if have is None:
                continue
            levels.append(levels[-1] & have)
            for number in range(len(levels) - 2, 0, -1):
                levels[number] |= levels[number - 1] & have
        found = BitMap()
        while levels and len(found) < first:
            level = levels.pop() - found
            if len(found) + len(level) <= first:
                found |= level
            else:
                found |= self._latest(level, first - len(found))
        return found

    def _latest(self, people: BitMap, number: int) -> BitMap:
        """So many of these, who joined last first; of one day the lowest ids."""
        days = self._data.days
        joined: dict[int, BitMap] = {}
        left = people
        for day in sorted(days):  # the first day on which somebody came is his
            if mine := left & days[day]:
                joined[day] = mine
                left = left - mine
        found = BitMap()
        for day in sorted(joined, reverse=True):
            mine = joined[day]
            if len(found) + len(mine) <= number:
                found |= mine
            else:
                return found | BitMap(mine[: number - len(found)])
        return found


_MANY = 50_000
"""Of so many people reading takes half a second."""

_MOST_NAMED = 20_000
"""Most people who are named in a question; of more everybody is asked."""

_DEARER = 50
"""So many people's outlets are looked up at about twice the cost of counting one outlet's people
among others."""
