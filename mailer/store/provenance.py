"""What is known of one person and of a list's people: from where, since when, by whom (E7)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.store.audience import active_membership
from mailer.store.base import Row, Tx, query


def record(tx: Tx, journalist: int) -> Row | None:
    """A person's row: state, hold_reason, the fields of store/people.py, created_at …"""
    return tx.one("merges.record", journalist=journalist)


def brought(tx: Tx, journalist: int) -> list[Row]:
    """Which imports brought a person to which list, with the words of their files, oldest first."""
    return tx.all("provenance.of_person", journalist=journalist)


def memberships(tx: Tx, journalist: int) -> list[Row]:
    """The lists a person is or was on: list, kind, state, joined_at, left_at, import."""
    return tx.all("provenance.memberships", journalist=journalist)


def deliveries(tx: Tx, journalist: int, limit: int) -> list[Row]:
    """The last messages to a person, newest first."""
    return tx.all("provenance.deliveries", journalist=journalist, limit=limit)


def history(tx: Tx, journalist: int, limit: int) -> list[Row]:
    """The last lines of history about a person, newest first: at, kind, actor, data."""
    return tx.all("provenance.events", journalist=journalist, limit=limit)


def informed(tx: Tx, journalist: int) -> Row | None:
    """When a person was told where his address came from (GDPR art. 14), and by which message."""
    return tx.one("provenance.informed", journalist=journalist)


def of_list(tx: Tx, list_id: int) -> Iterator[Row]:
    """Everybody on a list with each import that brought him to it; without those who are suppressed
    for it (E6) or erased. Raises StoreUnavailable as `audience.candidates` does."""
    active, params = active_membership(tx)
    sql = query("provenance.exported", tx.dialect).format(active=active)
    return tx.stream_rows(sql, {**params, "list": list_id})
