"""One person in the store: everything held on him, and its removal (E11, E12; ADR 36).

What a table holds of somebody follows from the schema itself: rows with his `journalist`, rows of
his deliveries, rows with the keyed hash of his address, and texts that name him. A table that a
later migration adds is therefore exported and erased without a word here; what is said here is
where rows stay and lose only what is personal.

An erasure is a row (`erasures`) until it is finished, so whoever comes next goes on where somebody
was killed. Nothing here commits; each step is short.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.store import snapshots
from mailer.store.base import Row, Tx, query
from mailer.store.core import add_event
from mailer.store.migrations import tables
from mailer.store.states import DeliveryState
from mailer.store.suppression import HASH_VERSION

GONE = "[erased]"
"""What stands in a text in the place of what named somebody."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it is about. `journalist` is None where only the hash is left; `names` are what he is
    called in texts: the full name in both orders, the telephone as it was written."""

    hash: bytes
    journalist: int | None = None
    email: str | None = None
    state: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A text in a row that is not his own, and holds his address, name or telephone."""

    table: str
    column: str
    key: Mapping[str, Any]
    text: str


def find(tx: Tx, hash: bytes) -> Subject:
    """Who has the address with that hash; nobody may."""
    row = tx.one("subjects.by_hash", hash=hash)
    return Subject(hash) if row is None else _subject(row)


def of_journalist(tx: Tx, journalist: int) -> Subject | None:
    """A journalist by number; None when there is none, or no address of his any more."""
    row = tx.one("subjects.by_journalist", journalist=journalist)
    return None if row is None else _subject(row)


def same_person(tx: Tx, journalist: int) -> list[Subject]:
    """He, and whoever was merged with him and still has an address."""
    rows = tx.all("subjects.same_person", journalist=journalist)
    found = (of_journalist(tx, row["journalist"]) for row in rows)
    return [each for each in found if each is not None]


# Everything held ----------------------------------------------------------------------------------


def sections(tx: Tx, subject: Subject) -> Iterator[tuple[str, str, Iterator[dict[str, Any]]]]:
    """What is held, by kind: its name, the tables it stands in, the rows as they come."""
    found = subject.journalist
    of = {"journalist": -1 if found is None else found}
    for name, source in _NAMED.items():
        yield name, source, (dict(row) for row in tx.stream(f"subjects.{name}", **of))
    yield "deliveries", "deliveries, attempts, slot_values", _deliveries(tx, of)
    for name, table in tables().items():
        if "journalist" in table.columns and name not in _SAID:
            sql = _filled("of_journalist", table=name, order=", ".join(table.key))
            yield name, name, (dict(row) for row in tx.stream_rows(sql, of))
        elif "hash" in table.columns and name not in _SAID:
            sql = _filled("of_hash", table=name, order=", ".join(table.key))
            rows = tx.rows(sql, {"hash": subject.hash})
            yield name, name, (_without_hash(row) for row in rows)


def mentions(tx: Tx, needles: Sequence[str], journalist: int | None) -> Iterator[Mention]:
    """Texts in rows of others, or of nobody, that hold any of these words; letter case aside.

    The newsroom's own texts (releases, templates, terms) are not searched: what was published is no
    record on a journalist. Neither are fields of other people's messages.
    """
    params = {f"n{i}": f"%{_escaped(each)}%" for i, each in enumerate(_lowered(needles))}
    if not params:
        return
    named = pattern(needles)
    for name, table in tables().items():
        texts = [each for each in table.texts if each not in (*_NO_TEXTS, *table.key)]
        if name in _NOT_SEARCHED or not texts:
            continue
        whole = " || ' ' || ".join(f"coalesce({each}, '')" for each in texts)
        condition = " OR ".join(f"whole LIKE :{each} ESCAPE '!'" for each in params)
        if journalist is not None and name == "journalists":
            condition = f"id <> :journalist AND ({condition})"
        columns = ", ".join([*table.key, *texts])
        sql = _filled("search", table=name, columns=columns, whole=whole, condition=condition)
        for row in tx.stream_rows(sql, {**params, "journalist": journalist}):
            key = {each: row[each] for each in table.key}
            for each in texts:
                if row[each] and without(row[each], named) != row[each]:
                    yield Mention(name, each, key, row[each])


def handed_over(tx: Tx) -> list[tuple[int, str]]:
    """Imports and exports whose bytes are in the store: number and state."""
    return [(row["id"], row["state"]) for row in tx.all("subjects.handed_over")]


def parts(tx: Tx, errand: int) -> Iterator[tuple[str, bytes]]:
    """The compressed bytes of one, part by part: "in" or "out", and what stands in it."""
    for row in tx.stream("subjects.parts", errand=errand):
        yield row["name"], bytes(row["data"])


def forget_parts(tx: Tx, errand: int) -> int:
    """Remove the bytes of one that is over; how many parts."""
    return tx.run("subjects.forget_parts", errand=errand)


# Erasure ------------------------------------------------------------------------------------------


def begin(tx: Tx, subject: Subject, actor: str) -> int:
    """Begin an erasure, or go on with the one that has begun; its number. From now on nothing
    selects him."""
    open_one: int | None = tx.value("subjects.open_of", hash=subject.hash)
    if open_one is not None:
        return open_one
    number = tx.next_ids("erasure")
    of = {"hash": subject.hash, "journalist": subject.journalist}
    tx.run("subjects.begin", id=number, actor=actor, now=tx.now(), **of)
    if subject.journalist is not None:
        tx.run("subjects.hide", journalist=subject.journalist, now=tx.now())
    return number


def open_ones(tx: Tx) -> list[Row]:
    """Erasures that are not finished: id, hash, journalist, actor."""
    return tx.all("subjects.open_ones")


def claimed(tx: Tx, journalist: int) -> int:
    """How many messages to him a sender has in hand."""
    return int(tx.value("subjects.claimed", journalist=journalist))


def clean_deliveries(tx: Tx, journalist: int, after: int, limit: int) -> tuple[int | None, int]:
    """Take what is personal out of the next deliveries: the last one looked at (None: there are no
    more), and how many had something. State, times and codes stay."""
    rows = tx.all("subjects.own_deliveries", journalist=journalist, after=after, limit=limit)
    cleaned = 0
    for row in rows:
        of = {"distribution": row["distribution"], "delivery": row["id"]}
        gone = [tx.run(f"subjects.{each}", **of) for each in _OF_A_DELIVERY]
        cleaned += any(gone)
    return (rows[-1]["id"] if rows else None), cleaned


def clean_events(tx: Tx, journalist: int, after: int, limit: int) -> tuple[int | None, int]:
    """Take the words out of the next events about him: what happened and when stays."""
    rows = tx.all("subjects.own_events", journalist=journalist, after=after, limit=limit)
    cleaned = 0
    for row in rows:
        said = json.loads(row["data"])
        kept = {name: value for name, value in said.items() if isinstance(value, int | float)}
        if kept != said:
            tx.run("subjects.blank_event", id=row["id"], data=json.dumps(kept))
            cleaned += 1
    return (rows[-1]["id"] if rows else None), cleaned


def replace(tx: Tx, found: Sequence[Mention], needles: Sequence[str]) -> int:
    """Put GONE in the place of what names him; how many texts were changed."""
    named = pattern(needles)
    changed = 0
    for each in found:
        key = " AND ".join(f"{column} = :key_{column}" for column in each.key)
        sql = _filled("replace", table=each.table, column=each.column, key=key)
        params = {f"key_{column}": value for column, value in each.key.items()}
        new = without(each.text, named)
        if each.table == "facet_values":  # there no text stands twice
            new = f"{new} {each.key['id']}"
        changed += tx.execute(sql, {"new": new, "old": each.text, **params})
    return changed


def without(text: str, named: re.Pattern[str]) -> str:
    """A text, or a JSON document, in which nothing is named any more. What is nothing but a name in
    a list of a document leaves the list."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.dumps(_cleaned(json.loads(text), named), ensure_ascii=False)
        except ValueError:
            pass
    return named.sub(GONE, text)


def _cleaned(value: Any, named: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return named.sub(GONE, value)
    if isinstance(value, dict):
        return {named.sub(GONE, name): _cleaned(each, named) for name, each in value.items()}
    if isinstance(value, list):
        alone = (each for each in value if not (isinstance(each, str) and named.fullmatch(each)))
        return [_cleaned(each, named) for each in alone]
    return value


def forget_rows(tx: Tx, journalist: int) -> int:
    """Delete his rows wherever a table keeps rows of people and nothing of them has to stay."""
    snapshots.forget(tx)
    return sum(
        tx.execute(_filled("forget", table=name), {"journalist": journalist})
        for name, table in tables().items()
        if "journalist" in table.columns and name not in _ROWS_STAY
    )


def finish(tx: Tx, number: int, subject: Subject, actor: str, result: Mapping[str, Any]) -> None:
    """The last step: what is left of him is a number without a person, and the keyed hash that
    keeps an import from bringing him back (E12)."""
    forget_rows_of_hash(tx, subject.hash)
    tx.run(
        "subjects.suppress",
        id=tx.next_ids("suppression"),
        hash=subject.hash,
        hash_version=HASH_VERSION,
        actor=actor,
        now=tx.now(),
    )
    if subject.journalist is not None:
        _blank(tx, subject.journalist)
    tx.run("subjects.finish", id=number, now=tx.now(), result=json.dumps(dict(result)))
    add_event(tx, "erased", actor, journalist=subject.journalist, data=result)


def remove(tx: Tx, journalist: int) -> None:
    """Take somebody out who was never written to; nothing keeps a list from bringing him anew."""
    clean_events(tx, journalist, 0, _EVENTS)
    forget_rows(tx, journalist)
    _blank(tx, journalist)


def _blank(tx: Tx, journalist: int) -> None:
    texts = tables()["journalists"].texts
    blanks = ", ".join(f"{each} = ''" for each in texts if each not in ("state", "hold_reason"))
    sql = _filled("blank", blanks=blanks)
    tx.execute(sql, {"journalist": journalist, "now": tx.now()})
    tx.run("subjects.drop_address", journalist=journalist)


def forget_rows_of_hash(tx: Tx, hash: bytes) -> None:
    """What stands under the hash: earlier reasons not to contact with their evidence, objections in
    lists, links that were mailed to the address."""
    for name, table in tables().items():
        if "hash" in table.columns and name not in ("addresses", "erasures"):
            tx.execute(_filled("forget_hash", table=name), {"hash": hash})


_NAMED = {
    "profile": "journalists, addresses",
    "lists": "memberships, imports",
    "facets": "facets",
    "beat_choices": "beat_choices",
    "grants": "embargo_grants",
}
"""Sections with a query of their own, and the tables that they show."""

_SAID = frozenset(
    {"journalists", "addresses", "memberships", "facets", "beat_choices", "embargo_grants"}
    | {"deliveries", "attempts", "slot_values", "erasures"}
)

_ROWS_STAY = frozenset({"addresses", "deliveries", "events", "erasures"})
"""Tables with rows of people of which something stays, or that go last."""

_OF_A_DELIVERY = ("blank_delivery", "blank_attempts", "forget_fields")

_NOT_SEARCHED = frozenset(
    {"releases", "revisions", "compiled", "signers", "embargo_terms", "slot_values", "addresses"}
    | {"media", "media_pieces", "release_media", "distribution_variants", "lists"}
    | {"counters", "control", "memberships", "workers", "machines", "keepers", "incidents", "paces"}
)
"""The newsroom's own texts, and tables that hold no words of anybody."""

_NO_TEXTS = frozenset({"actor", "state", "kind", "zone", "language", "scope", "how", "sha256"})


def _subject(row: Row) -> Subject:
    first, last, phone = row["first_name"].strip(), row["last_name"].strip(), row["phone"].strip()
    names = [f"{first} {last}", f"{last}, {first}", f"{last} {first}"] if first and last else []
    if sum(each.isdigit() for each in phone) >= _DIGITS:
        names += [phone, re.sub(r"[^\d+]", "", phone)]
    return Subject(
        bytes(row["hash"]),
        row["journalist"],
        row["email"],
        row["state"],
        tuple(dict.fromkeys(names)),
    )


_EVENTS = 10_000
_DIGITS = 6
"""Fewer digits than that are no telephone that anybody could be found by."""


def _deliveries(tx: Tx, of: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for row in tx.all("subjects.deliveries", **of):
        place = {"distribution": row["distribution"], "delivery": row["id"]}
        fields = tx.value("subjects.slot_values", **place)
        tried = [dict(each) for each in tx.all("subjects.attempts", **place)]
        state = DeliveryState(row["state"]).word
        said = fields and json.loads(fields)
        yield {**dict(row), "state": state, "fields": said, "tried": tried}


def _without_hash(row: Row) -> dict[str, Any]:
    # The hash says nothing to him, and is a secret's work.
    return {name: row[name] for name in row.keys() if name != "hash"}  # noqa: SIM118


def pattern(needles: Sequence[str]) -> re.Pattern[str]:
    """What finds any of these as whole words, the longest first: "Ada Li" is not in "Ada Lindt",
    nor a@example.org in ada@example.org."""
    longest = sorted(set(needles), key=len, reverse=True)
    return re.compile("|".join(map(_whole, longest)), re.IGNORECASE)


def _whole(needle: str) -> str:
    if "@" in needle:
        return rf"(?<![\w.!#$%&*+/=?^`{{|}}~-]){re.escape(needle)}(?![\w-]|\.\w)"
    before = r"(?<!\w)" if needle[:1].isalnum() else r"(?<![\w+])"
    return rf"{before}{re.escape(needle)}(?!\w)"


def _written(needle: str) -> tuple[str, ...]:
    return needle, json.dumps(needle, ensure_ascii=False)[1:-1], json.dumps(needle)[1:-1]


def _lowered(needles: Sequence[str]) -> list[str]:
    """As a database's lower() may make them: SQLite knows no capitals but those of ASCII."""
    written = (form for each in needles for form in _written(each))
    forms = (
        form for each in written for form in (each.lower(), _plain(each), _plain(each.upper()))
    )
    return list(dict.fromkeys(forms))


def _plain(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


def _escaped(text: str) -> str:
    return re.sub(r"([!%_])", r"!\1", text)


def _filled(name: str, /, **parts: str) -> str:
    text = query(f"subjects.{name}", "sqlite")
    return re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], text)
