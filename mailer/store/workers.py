"""What senders tell each other of themselves: how many they are, and why one stands aside.

A sender's lease, its claims and its end are the ledger's; here is what several machines need
beyond that. Nothing here commits; the caller's transaction does.
"""

from __future__ import annotations

from mailer.store.base import Row, Tx


def publish(tx: Tx, worker: int, share: int) -> None:
    """Say with how many senders this one's host sends."""
    tx.run("workers.publish", id=worker, share=share)


def block(tx: Tx, worker: int, reason: str | None) -> None:
    """Say why this worker claims nothing now; None when it goes on."""
    tx.run("workers.block", id=worker, reason=reason)


def others(tx: Tx, worker: int, since: int) -> list[Row]:
    """Other workers heard of since an instant (UTC microseconds): id, host, name, share,
    config_digest, lease_at, blocked."""
    return tx.all("workers.of_others", id=worker, since=since)


def present(tx: Tx) -> list[Row]:
    """Everybody who has not left, by host: id, host, name, journal, config_digest, lease_at,
    blocked."""
    return tx.all("workers.all_present")


def schema(tx: Tx) -> int:
    """The store's schema version at this moment."""
    number: int = tx.value("workers.schema")
    return number
