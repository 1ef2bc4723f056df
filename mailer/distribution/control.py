"""Pause, resume and cancel a distribution: an officer's word, obeyed within a second.

Each act raises the control version in its own transaction, so that every sender in every process
drops what it holds before its next MAIL FROM (design decision 3, H15).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.distribution.context import Newsroom
from mailer.distribution.waves import finish_distribution, stop_wave
from mailer.errors import NotFound, Refused
from mailer.store import distributions, guard, notices
from mailer.store.base import Row, Tx
from mailer.store.core import raise_control


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a cancel found: how many already got the release, how many will not."""

    accepted: int
    in_doubt: int
    cancelled: int


def pause(room: Newsroom, number: int, actor: str, *, reason: str | None = None) -> None:
    """Stop sending until `resume`. Raises NotFound, or Refused when there is nothing to pause."""
    with room.store.write() as tx:
        row = existing(tx, number)
        if not distributions.move(tx, number, "paused", actor, reason=reason):
            raise _impossible(row, "paused")
        for copies in distributions.internal_of(tx, number):
            distributions.move(tx, copies, "paused", actor, reason=reason)
        raise_control(tx)


def resume(room: Newsroom, number: int, actor: str) -> str:
    """Go on after a pause, and let go what is waiting; the state afterwards.

    A batch that came due meanwhile goes too, however late: this is the officer's word that a
    held batch would wait for. Only what was queued to be dropped when late is left to that rule.
    """
    with room.store.write() as tx:
        row = existing(tx, number)
        if guard.is_held(tx, number):
            raise Refused(
                f"the ledger was put back, and distribution {number} may have left meanwhile.",
                hint=f"`mailer restored {number}` says what is known and takes your word.",
            )
        if row["kind"] not in ("test", "notice"):
            notices.lock(tx, row["release"])
            refuse_stopped(tx, row["release"], row["slug"])
        if not let_go(tx, number, actor):
            raise _impossible(row, "resumed")
        for copies in distributions.internal_of(tx, number):
            if not guard.is_held(tx, copies):
                let_go(tx, copies, actor)
        raise_control(tx)
        after = existing(tx, number)
        return str(after["state"])


def let_go(tx: Tx, number: int, actor: str) -> bool:
    """Let a distribution that was paused or waits go on, and what of it is due; whether it did."""
    row, now = existing(tx, number), tx.now()
    due = {
        wave["id"]
        for wave in distributions.waves(tx, number)
        if wave["state"] == "waiting"
        or (wave["state"] == "scheduled" and wave["due_at"] <= now and row["late"] != "drop")
    }
    under_way = any(wave["state"] == "sending" for wave in distributions.waves(tx, number))
    to = "resumed" if due or under_way else "scheduled"
    if not distributions.move(tx, number, to, actor, event="resumed"):
        return False
    for wave in sorted(due):
        distributions.move_wave(tx, number, wave, "open", actor)
    finish_distribution(tx, number)
    return True


def refuse_stopped(tx: Tx, release: int, slug: str) -> None:
    """Raises Refused for a release that was withdrawn, or is on hold: nothing of it is sent."""
    stands = notices.standing(notices.ls(tx, release))
    if stands is None:
        return
    if stands.kind == "kill":
        raise Refused(
            f"{slug} was withdrawn by {stands.actor} ({stands.reason}): nothing of it is sent "
            "to anybody."
        )
    raise Refused(
        f"{slug} is on hold ({stands.reason}): nothing of it is sent.",
        hint=f"`mailer hold {slug} --cleared --reason TEXT` ends that, or `mailer correct`, "
        "or `mailer kill`.",
    )


def cancel(room: Newsroom, number: int, actor: str, *, reason: str | None = None) -> Stopped:
    """Stop for good. Nobody is told; who already has it stays in the log."""
    with room.store.write() as tx:
        row = existing(tx, number)
        if not distributions.move(tx, number, "cancelled", actor, reason=reason):
            raise _impossible(row, "cancelled")
        copies = distributions.internal_of(tx, number)
        stopped = [
            number,
            *(n for n in copies if distributions.move(tx, n, "cancelled", actor, reason=reason)),
        ]
        waves = [(each, wave["id"]) for each in stopped for wave in distributions.waves(tx, each)]
        for each, wave in waves:
            distributions.move_wave(tx, each, wave, "cancel", actor)
        raise_control(tx)
    # Nothing can be claimed any more; what is left is moved in short steps.
    for each, wave in waves:
        stop_wave(room, each, wave, reason or "cancelled", actor)
    with room.store.read() as tx:
        counts = distributions.counts(tx, number)
    return Stopped(counts.get("accepted", 0), counts.get("in_doubt", 0), counts.get("cancelled", 0))


def existing(tx: Tx, number: int) -> Row:
    """The distribution of that number; NotFound otherwise."""
    row = distributions.get(tx, number)
    if row is None:
        raise NotFound(f"there is no distribution {number}.", hint="`mailer status` lists them.")
    return row


def _impossible(row: Row, act: str) -> Refused:
    return Refused(f"distribution {row['id']} is {row['state']} and cannot be {act}.")
