"""What senders tell each other of themselves: how many they are, and why one stands aside.

A sender's lease, its claims and its end are the ledger's; here is what several machines need
beyond that. Nothing here commits; the caller's transaction does.
"""

from __future__ import annotations

from mailer.clock import SECOND
from mailer.store.base import Row, Tx

_DAY = 86_400 * SECOND


def publish(tx: Tx, worker: int, share: int) -> None:
    """Say with how many senders this one's host sends."""
    tx.run("workers.publish", id=worker, share=share)


def block(tx: Tx, worker: int, reason: str | None) -> None:
    """Say why this worker claims nothing now; None when it goes on."""
    tx.run("workers.block", id=worker, reason=reason)


def others(tx: Tx, worker: int, since: int) -> list[Row]:
    """Other workers heard of since an instant (UTC microseconds): id, host, name, share,
    lease_at, blocked."""
    return tx.all("workers.of_others", id=worker, since=since)


def hosts_unlike(tx: Tx, host: str, worker: int, digest: str, since: int) -> list[str]:
    """Hosts heard of since an instant that send with a configuration of another digest."""
    rows = tx.all("workers.other_digests", host=host, id=worker, since=since)
    return sorted({row["host"] for row in rows if row["config_digest"] != digest})


def heard_of(tx: Tx) -> list[Row]:
    """Machines and senders that have not left: host, heard_at (UTC microseconds), journal ("" for
    a machine), blocked."""
    return tx.all("workers.heard_of")


def machine_seen(tx: Tx, host: str, digest: str, blocked: str | None) -> None:
    """A machine runs, with the configuration of that digest. Those of which nothing was heard for
    a day are forgotten."""
    now = tx.now()
    tx.run("workers.machine_seen", host=host, digest=digest, now=now, blocked=blocked)
    tx.run("workers.forget_machines", long_ago=now - _DAY)


def machine_left(tx: Tx, host: str) -> None:
    """A machine ended."""
    tx.run("workers.machine_left", host=host)


def schema(tx: Tx) -> int:
    """The store's schema version at this moment."""
    number: int = tx.value("workers.schema")
    return number
