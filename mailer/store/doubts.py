"""Doubts in the store: deliveries whose answer was lost, addresses that servers speak badly of.

Also the windows over the history by which sending stops itself: they are read from its newest or
oldest lines only, so they cost the same in a ledger of any size. Nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.distributions import DELIVERY_SHIFT


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A delivery in doubt; `distribution_state` and `wave_state` tell whether it may go again.

    It may have left at `last_attempt_at` or, where the ledger was put back, at any time from then
    until `until`.
    """

    id: int
    journalist: int
    wave: int
    email: str | None
    last_attempt_at: int
    distribution_state: str
    wave_state: str
    until: int | None = None

    @property
    def between(self) -> tuple[int, ...]:
        """The instants that a log must cover to say that it did not leave."""
        return (self.last_attempt_at,) if self.until is None else (self.last_attempt_at, self.until)


@dataclass(frozen=True, slots=True)
class AddressDoubt:
    """What was said against an address: on how many days, first and last when."""

    days: int
    first_at: int
    last_at: int


def deliveries(tx: Tx, distribution: int) -> list[Doubtful]:
    """The deliveries of a distribution that are in doubt, by id."""
    return [
        Doubtful(
            id=row["id"],
            journalist=row["journalist"],
            wave=row["wave"],
            email=row["email"],
            last_attempt_at=row["last_attempt_at"] or 0,
            distribution_state=row["distribution_state"],
            wave_state=row["wave_state"],
            until=row["until_at"],
        )
        for row in tx.all("doubts.deliveries", distribution=distribution)
    ]


def settle(tx: Tx, delivery: int, actor: str, *, reply: str, reason: str) -> bool:
    """A delivery in doubt counts as accepted, by the actor's word; whether it was in doubt.

    `reply` are the words that tell (a line of the mail server's log), `reason` says by whose word.
    """
    distribution = delivery >> DELIVERY_SHIFT
    changed = tx.run(
        "doubts.settle", distribution=distribution, delivery=delivery, reply=reply, reason=reason
    )
    if changed:
        data = {"reason": reason, "was": "in_doubt"} | ({"text": reply} if reply else {})
        add_event(tx, "accepted", actor, distribution=distribution, delivery=delivery, data=data)
    return bool(changed)


def reopen(tx: Tx, distribution: int, wave: int, actor: str) -> None:
    """Let a finished wave and its distribution send once more what was put back into them."""
    tx.run("doubts.reopen_wave", distribution=distribution, wave=wave, now=tx.now())
    if tx.run("doubts.reopen_distribution", distribution=distribution):
        add_event(tx, "reopened", actor, distribution=distribution)


def addressee(tx: Tx, delivery: int) -> Row | None:
    """Whom a delivery was for: journalist, email and hash of today, frozen slot values."""
    return tx.one("doubts.addressee", distribution=delivery >> DELIVERY_SHIFT, delivery=delivery)


def of_address(tx: Tx, journalist: int, reason: str) -> AddressDoubt | None:
    """What was said so far against a journalist's address for one reason."""
    row = tx.one("doubts.of_address", journalist=journalist, reason=reason)
    return None if row is None else AddressDoubt(row["days"], row["first_at"], row["last_at"])


def keep(tx: Tx, journalist: int, reason: str, doubt: AddressDoubt) -> None:
    """Remember what was said against an address."""
    tx.run(
        "doubts.keep",
        journalist=journalist,
        reason=reason,
        days=doubt.days,
        first_at=doubt.first_at,
        last_at=doubt.last_at,
    )


def forget(tx: Tx, journalist: int) -> None:
    """The address was decided about, or is another one now."""
    tx.run("doubts.forget", journalist=journalist)


def first_success(tx: Tx, journalist: int, *, after: int, but: int) -> int | None:
    """The earliest answered instant after `after` of a message to this person that was accepted
    and has not come back; the delivery `but` left out."""
    instant: int | None = tx.value(
        "doubts.successes", journalist=journalist, after=after, delivery=but
    )
    return instant


def recent_of(tx: Tx, distribution: int, limit: int) -> list[Row]:
    """The newest history lines of a distribution, newest first."""
    return tx.all("doubts.recent_of", distribution=distribution, limit=limit)


def first_of(tx: Tx, distribution: int, limit: int) -> list[Row]:
    """The oldest history lines of a distribution, oldest first."""
    return tx.all("doubts.first_of", distribution=distribution, limit=limit)


def recent(tx: Tx, limit: int) -> list[Row]:
    """The newest history lines of all, newest first."""
    return tx.all("doubts.recent", limit=limit)


def told_together(line: Row) -> tuple[str, list[int]]:
    """By which route which deliveries were accepted that this history line names together."""
    if line["together"] is None:
        return "", []
    told = json.loads(line["together"])
    return told["route"], told["deliveries"]


def emails(tx: Tx, distribution: int, deliveries: Sequence[int]) -> list[str]:
    """To whom deliveries of one distribution went, as far as addresses are still there."""
    rows = tx.all("doubts.emails", distribution=distribution, ids=json.dumps(deliveries))
    return [row["email"] or "" for row in rows]
