"""Moves of whole waves that officers and the scheduler share, in steps short enough to let others
write between them.
"""

from __future__ import annotations

from mailer.distribution.context import Newsroom
from mailer.store import distributions, notices
from mailer.store.base import Tx

ACTOR = "scheduler"
"""Who acts when nobody did."""

CHUNK = 2000
"""Deliveries moved in one transaction."""


def finish_distribution(tx: Tx, number: int) -> None:
    """Call it done when no wave of it is still to come or under way."""
    states = {row["state"] for row in distributions.waves(tx, number)}
    if not states & {"scheduled", "waiting", "sending"}:
        distributions.move(tx, number, "done", ACTOR)


def forget_plan(room: Newsroom, number: int) -> None:
    """Remove an unfinished plan, in short steps."""
    done = False
    while not done:
        with room.store.write() as tx:
            done = distributions.forget(tx, number, CHUNK)


def move_corrected(room: Newsroom) -> None:
    """What of replaced batches is still to be sent goes to those in their place, in short steps."""
    with room.store.read() as tx:
        rows = notices.to_move(tx)
    for row in rows:
        moved = CHUNK
        while moved == CHUNK:
            with room.store.write() as tx:
                moved = notices.move(tx, row, CHUNK)


def stop_leftovers(room: Newsroom) -> None:
    """What is still queued in a batch that was stopped, or came back to it since, is stopped."""
    with room.store.read() as tx:
        rows = distributions.leftovers(tx)
    for row in rows:
        reason = "too late" if row["state"] == "dropped" else row["reason"] or "cancelled"
        stop_wave(room, row["distribution"], row["id"], reason)


def stop_wave(room: Newsroom, number: int, wave: int, reason: str, actor: str = ACTOR) -> int:
    """Cancel, in short steps, what of a wave was not sent; how many deliveries."""
    stopped = 0
    while True:
        with room.store.write() as tx:
            step = distributions.stop_deliveries(tx, number, wave, reason, CHUNK, actor)
            if not step:
                finish_distribution(tx, number)
                return stopped
        stopped += step
