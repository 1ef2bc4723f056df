"""What the store says of itself to those who watch it: backlog, ages, answers since last time.

None of it costs more the more was sent: open deliveries are counted in their partial indexes,
answers are read once each, by the ids of their events. No address leaves this file, only domains.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.clock import SECOND
from mailer.store.base import Row, Tx

BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Upper bounds, in seconds, of the buckets from due to accepted; one more holds the rest."""


@dataclass(frozen=True, slots=True)
class Place:
    """So many deliveries of one route and one recipients' domain ("" where unknown)."""

    route: str
    domain: str
    count: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is open, counted."""

    queued: int
    claimed: int
    deferred: tuple[Place, ...]
    in_doubt: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Events of one kind, route and domain.

    `bucket` is the place in `BOUNDS` (its length for later ones), None where nothing is measured;
    `took` the microseconds from due to accepted of all together.
    """

    kind: str
    place: Place
    bucket: int | None
    took: int


def backlog(tx: Tx) -> Backlog:
    """Count what is open. Its cost grows with what is open, so do it seldom when that is much."""
    untried = tx.one("telemetry.untried")
    assert untried is not None
    return Backlog(
        untried["queued"],
        untried["claimed"],
        tuple(_place(row) for row in tx.all("telemetry.deferred")),
        tuple(_place(row) for row in tx.all("telemetry.in_doubt")),
    )


def oldest_due(tx: Tx) -> float:
    """Seconds since the oldest delivery that may be sent was due; 0.0 when none is late."""
    now = tx.now()
    due = tx.value("telemetry.oldest_due", now=now)
    return 0.0 if due is None else max(0, now - due) / SECOND


def waiting(tx: Tx) -> dict[str, int]:
    """What waits for an officer: distributions, batches, drafts, routes."""
    row = tx.one("telemetry.waiting")
    assert row is not None
    return {name: row[name] for name in ("distribution", "batch", "draft", "route")}


def last_event(tx: Tx) -> int:
    """The id up to which no event can still appear."""
    last: int = tx.value("telemetry.last_event", now=tx.now())
    return last


def answers(tx: Tx, after: int, upto: int) -> list[Answers]:
    """What became of deliveries in the events (after, upto]."""
    return [
        Answers(row["kind"], _place(row), row["bucket"], row["took"] or 0)
        for row in tx.all("telemetry.answers", after=after, upto=upto)
    ]


def workers(tx: Tx, silent: float) -> tuple[int, int]:
    """Senders that have not left, and those of them heard of in the last `silent` seconds."""
    row = tx.one("telemetry.workers", fresh=tx.now() - round(silent * SECOND))
    assert row is not None
    return row["present"], row["alive"] or 0


def _place(row: Row) -> Place:
    return Place(row["route"] or "", row["domain"] or "", row["n"])
