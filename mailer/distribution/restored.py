"""After a ledger was put back: what was open in it, and an officer's word on what left meanwhile.

The ledger cannot know what was sent between its copy and now; people can, and the mail server's
log. Until somebody says so nothing of it leaves. There are three answers for a batch: it left
already, it did not and may go, or nobody is certain, which `resolve` settles by that log.
"""

from __future__ import annotations

from typing import Any, Literal

from mailer.distribution.context import Newsroom
from mailer.distribution.control import existing
from mailer.distribution.log import iso
from mailer.distribution.recovery import recover
from mailer.distribution.waves import CHUNK
from mailer.errors import NotFound, StoreUnavailable
from mailer.store import distributions
from mailer.store import guard as ledger
from mailer.store.base import Row, Tx
from mailer.store.core import raise_control
from mailer.store.states import OPEN_DELIVERIES, DeliveryState

Word = Literal["left", "let_go", "not_certain"]
"""What an officer says of a batch."""

_STATES = {"left": DeliveryState.ACCEPTED, "not_certain": DeliveryState.IN_DOUBT}


def held(room: Newsroom, number: int | None = None) -> list[dict[str, Any]]:
    """Batches that wait for an officer's word, by due time, with what the ledger knows of them.

    `due` is "meanwhile" when the batch was due, or was being sent, between the last instant the
    ledger knows of and when it was put back, else "later". `accepted` are those who have it for
    certain, `open` those of whom the ledger does not know. Raises NotFound.
    """
    with room.store.read() as tx:
        if number is not None:
            existing(tx, number)
        return [_shown(tx, row) for row in _undecided(tx, number)]


def decide(
    room: Newsroom, number: int, actor: str, word: Word, *, wave: int | None = None
) -> dict[str, Any]:
    """An officer's word on a distribution that was held back, or on one batch of it.

    `left`: who was not known to have it counts as having it, and is not mailed again. `let_go`:
    it goes on, what is overdue at once. `not_certain`: who was not known to have it is in doubt,
    for `resolve`. The distribution, how many batches and deliveries, and its state afterwards.

    Raises NotFound, StoreUnavailable while a sender of another machine may still hold some of it.
    """
    recover(room)  # what senders held when the copy was made
    with room.store.read() as tx:
        existing(tx, number)
        rows = [row for row in _undecided(tx, number) if wave in (None, row["wave"])]
        if not rows:
            what = f"distribution {number}" if wave is None else f"batch {wave} of {number}"
            raise NotFound(
                f"nothing of {what} waits for this word.", hint="`mailer restored` lists what does."
            )
        for row in rows:
            _refuse_claimed(room, tx, row)
    people = 0
    for row in rows:
        if word == "let_go":
            people += _let_go(room, row, actor)
        else:
            people += _gone(room, row, actor, word)
    with room.store.read() as tx:
        after = existing(tx, number)
    return {
        "distribution": number,
        "decision": word,
        "batches": len(rows),
        "deliveries": people,
        "state": after["state"],
    }


def _undecided(tx: Tx, number: int | None) -> list[Row]:
    return [row for row in ledger.undecided(tx) if number in (None, row["distribution"])]


def _shown(tx: Tx, row: Row) -> dict[str, Any]:
    counts = ledger.wave_counts(tx, row["distribution"], row["wave"])
    meanwhile = row["due_at"] <= row["incident"]
    return {
        "distribution": row["distribution"],
        "wave": row["wave"],
        "release": row["release"],
        "headline": row["headline"],
        "due": "meanwhile" if meanwhile else "later",
        "due_at": iso(row["due_at"]),
        "zone": row["zone"],
        "was": row["distribution_was"] if row["distribution_was"] == "paused" else row["wave_was"],
        "state": row["state"],
        "recipients": row["recipients"],
        "accepted": counts.get("accepted", 0),
        "in_doubt": counts.get("in_doubt", 0),
        "open": sum(counts.get(state.word, 0) for state in OPEN_DELIVERIES),
        "known_until": iso(row["knows_until"]),
        "put_back_at": iso(row["incident"]),
        "why": row["why"],
    }


def _refuse_claimed(room: Newsroom, tx: Tx, row: Row) -> None:
    claimed = ledger.wave_counts(tx, row["distribution"], row["wave"]).get("claimed", 0)
    if claimed:
        seconds = round(room.config.sending.rescue_after)
        raise StoreUnavailable(
            f"{claimed:,} of distribution {row['distribution']} are claimed by a sender of which "
            "it is not certain yet whether it lives; nothing was decided.",
            hint=f"Try again in {seconds} seconds.",
        )


def _gone(room: Newsroom, row: Row, actor: str, word: Word) -> int:
    """Everything open of a batch counts as left, or as not certain, in short steps."""
    number, wave = row["distribution"], row["wave"]
    if word == "left":
        reason = f"left before the ledger was put back, by {actor}'s word"
        at = None
    else:
        reason = "may have left before the ledger was put back"
        # It may have left at any time from here on; the mail server's log must cover that.
        at = row["knows_until"]
    people = step = 0
    while True:
        with room.store.write() as tx:
            step = ledger.gone(
                *(tx, number, wave, _STATES[word]), reason=reason, at=at, limit=CHUNK, actor=actor
            )
            if not step:
                if ledger.decided(tx, number, wave, word, actor):
                    ledger.finish(tx, number, wave, actor)
                raise_control(tx)
                return people
        people += step


def _let_go(room: Newsroom, row: Row, actor: str) -> int:
    """A batch goes on as it was: what is overdue at once, the rest at its time."""
    number, wave = row["distribution"], row["wave"]
    with room.store.write() as tx:
        if not ledger.decided(tx, number, wave, "let_go", actor):
            return 0
        # As it is now: paused before the ledger was put back, or by an officer since.
        current = distributions.get(tx, number)
        paused = current is not None and current["state"] == "paused"
        overdue = row["due_at"] <= tx.now() and row["late"] != "drop"
        if row["wave_was"] == "scheduled" and (paused or not overdue):
            ledger.plan(tx, number, wave)  # `resume`, or its time, decides as ever
        elif not (paused and row["wave_was"] == "waiting"):
            distributions.move_wave(tx, number, wave, "open", actor)
        if not paused:
            _move_on(tx, number, actor)
        counts = ledger.wave_counts(tx, number, wave)
        raise_control(tx)
        return sum(counts.get(state.word, 0) for state in OPEN_DELIVERIES)


def _move_on(tx: Tx, number: int, actor: str) -> None:
    """The distribution goes on with the first of its batches that does."""
    waves = {row["state"] for row in distributions.waves(tx, number)}
    if "sending" not in waves:
        distributions.move(tx, number, "scheduled", actor, event="resumed")
    elif not distributions.move(tx, number, "resumed", actor):
        distributions.move(tx, number, "sending", actor)
