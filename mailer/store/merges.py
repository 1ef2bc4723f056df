"""People who turned out to be one: the one who stays gets lists, wishes and suppressions of both.

The row of the one who goes stays in state `merged`, with his address, so that the log reads and an
address that comes in again is known as the other's. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from mailer.store import suppression
from mailer.store.audience import active_membership
from mailer.store.base import Row, Tx, query, query_in
from mailer.store.core import add_event, raise_control
from mailer.store.people import BEAT_SEPARATOR, FIELDS, write_records

MERGED = "merged"
"""The state of a row whose person goes on as another."""


def listed(tx: Tx) -> Iterator[Row]:
    """Everybody on a list by id, with what tells whether he stands twice. Raises StoreUnavailable
    as `audience.candidates` does."""
    active, params = active_membership(tx)
    return tx.stream_rows(query("merges.people", tx.dialect).format(active=active), params)


def members(tx: Tx, list_id: int) -> set[int]:
    """The ids of everybody on a list. Raises as `listed`."""
    active, params = active_membership(tx)
    sql = query("merges.members", tx.dialect).format(active=active)
    return {row["journalist"] for row in tx.stream_rows(sql, {**params, "list": list_id})}


def staged(tx: Tx, number: int, first: int) -> Iterator[Row]:
    """Whom an import makes that is not in force yet; `first` is its first journalist."""
    return tx.stream("merges.staged", first=first, **{"import": number})


def shown(tx: Tx, people: Collection[int]) -> dict[int, Row]:
    """A few people by id, with address, state and names."""
    if not people:
        return {}
    sql, params = query_in("merges.shown", tx.dialect, people)
    return {row["id"]: row for row in tx.rows(sql, params)}


def merged_into(tx: Tx, journalist: int) -> list[Row]:
    """Who was merged with a person: journalist, email, merged_at, actor."""
    return tx.all("merges.merged_into", journalist=journalist)


def merge(tx: Tx, stays: int, goes: int, actor: str) -> dict[str, int]:
    """Make one person of two; counts of deliveries moved and stopped.

    What `stays` lacks is filled from `goes`. The stricter wish of either holds, a doubt about
    either, and every suppression of either, for both addresses, now and later.
    """
    now = tx.now()
    pair = {"stays": stays, "journalist": goes}
    one, other = (tx.one("merges.record", journalist=each) for each in (stays, goes))
    assert one is not None and other is not None
    record = {name: one[name] or other[name] for name in FIELDS}
    beats = [each.strip() for row in (one, other) for each in row["beats"].split(";")]
    record["beats"] = BEAT_SEPARATOR.join(dict.fromkeys(filter(None, beats)))
    write_records(tx, {}, [(stays, record)], now)
    tx.run("merges.move_merged", **pair)
    tx.run("merges.merge", **pair, now=now, actor=actor)
    for name in ("hold", "lists", "preferences", "beats", "informed", "grants"):
        tx.run(f"merges.join_{name}", **pair)
    tx.run("merges.move_brought", **pair)
    for name in (
        *("leave_lists", "drop_facets", "drop_brought", "drop_before"),
        *("drop_preferences", "drop_beats"),
    ):
        tx.run(f"merges.{name}", journalist=goes)
    tx.run("merges.gone", journalist=goes, now=now)
    counts = _queued(tx, pair, actor)
    _suppress_both(tx, stays, goes)
    add_event(tx, "journalists_merged", actor, journalist=stays, data={"merged": goes, **counts})
    raise_control(tx)
    return counts


def clear(tx: Tx, journalist: int, actor: str, reason: str) -> bool:
    """Take a hold off a person; False when he was on none."""
    row = tx.one("merges.record", journalist=journalist)
    if row is None or not tx.run("merges.clear", journalist=journalist, now=tx.now()):
        return False
    data = {"hold": row["hold_reason"]} | ({"reason": reason} if reason else {})
    add_event(tx, "hold_cleared", actor, journalist=journalist, data=data)
    return True


def _queued(tx: Tx, pair: dict[str, int], actor: str) -> dict[str, int]:
    moved = tx.all("merges.move_queued", **pair)
    reason = "the same person as another"
    stopped = tx.all("merges.stop_queued", journalist=pair["journalist"], reason=reason)
    for row in stopped:
        data: dict[str, Any] = {"state": "cancelled", "reason": reason, "deliveries": [row["id"]]}
        add_event(tx, "stopped", actor, distribution=row["distribution"], data=data)
    return {"moved": len(moved), "stopped": len(stopped)}


def _suppress_both(tx: Tx, one: int, other: int) -> None:
    """Each suppression of either holds for both; whoever adds one later adds it to both."""
    first, second = suppression.hash_of(tx, one), suppression.hash_of(tx, other)
    if first is not None and second is not None:
        suppression.carry(tx, first, second)
        suppression.carry(tx, second, first)
