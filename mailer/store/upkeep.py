"""Whether the ledger is whole: what `store check` looks at, read only.

Two kinds of fault: rows that belong to nothing or were altered, and deliveries that break a rule
which every step of the program keeps (the invariants of the design, as SQL). Each kind of fault is
one sentence, however many deliveries it concerns; the databases count, so a ledger of a million
deliveries takes no more memory here than one of ten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from mailer.clock import SECOND
from mailer.store import media
from mailer.store.base import Tx

STOP_WITHIN = SECOND
"""How much later than an opt-out was answered a message may still leave (design decision 3)."""

CLOCKS_DIFFER = 30 * SECOND
"""By how much the clock of a sender's machine may differ from a database server's."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be right; `delivery` is the id of the first delivery it concerns."""

    sentence: str
    delivery: int | None = None


RULES = {
    "known_state": "In a state that does not exist",
    "planned_once": "Planned more than once in one distribution for the same journalist",
    "accepted_once": "Accepted more than once, so that the journalist has the message twice",
    "accepted_by_answer": "Accepted without such an answer to the last attempt, and without "
    "anybody's word for it",
    "refused_by_answer": "Refused without such an answer to the last attempt",
    "answer_kept": "Answered for good by the mail server, but in another state than it said",
    "attempts_counted": "Attempted more often than was counted",
    "claimed_by_present": "Claimed by a sender that is not there any more",
    "held_when_claimed": "Held by a sender without being claimed",
    "nothing_open_when_done": "Still to be sent, though the batch or the distribution is done",
    "waits_for_a_word": "Going to be sent, though the ledger was put back and nobody said that it "
    "had not left",
    "in_a_batch": "In a batch that does not exist",
    "nobody_after_his_stop": "Sent and accepted after the journalist was not to be contacted "
    "any more",
}
"""The rule_ queries of sql/upkeep.sql, and what is wrong with the deliveries that one finds."""

_STRAYS = {
    "addresses": "addresses",
    "memberships": "memberships",
    "deliveries": "deliveries",
    "distributions": "distributions",
    "attempts": "attempts",
    "slot_values": "kept fields",
    "waves": "batches",
}


def faults(tx: Tx) -> Iterator[Fault]:
    """What in the store cannot be right; nothing when it is whole."""
    for row in tx.all("upkeep.integrity"):
        if row["integrity_check"] != "ok":
            yield Fault(f"The database is damaged: {row['integrity_check']}.")
    yield from _strays(tx)
    yield from _altered(tx)
    yield from map(Fault, media.faults(tx))
    yield from _broken_rules(tx)
    yield from _disagreements(tx)


def _strays(tx: Tx) -> Iterator[Fault]:
    strays = tx.one("upkeep.strays")
    for name, words in _STRAYS.items():
        if strays is not None and strays[name]:
            yield Fault(f"{strays[name]:,} {words} belong to nothing.")


def _altered(tx: Tx) -> Iterator[Fault]:
    for row in tx.stream("upkeep.templates"):
        data = row["data"]
        if data is None or hashlib.sha256(data).hexdigest() != row["digest"]:
            yield Fault(f"The compiled template {row['digest'][:12]} is missing or altered.")
    for row in tx.stream("upkeep.revisions"):
        files = media.named(tx, row["release"], row["number"])
        if media.digest_of(row["source"], files) != row["sha256"]:
            yield Fault(f"Revision {row['number']} of release {row['release']} was altered.")


def _broken_rules(tx: Tx) -> Iterator[Fault]:
    grace = STOP_WITHIN + (0 if tx.dialect == "sqlite" else CLOCKS_DIFFER)
    for rule, words in RULES.items():
        given = {"grace": grace} if rule == "nobody_after_his_stop" else {}
        row = tx.one(f"upkeep.rule_{rule}", **given)
        if row is not None and row["n"]:
            many = "1 delivery" if row["n"] == 1 else f"{row['n']:,} deliveries"
            yield Fault(f"{words}: {many}.", row["first"])


def _disagreements(tx: Tx) -> Iterator[Fault]:
    for row in tx.stream("upkeep.uneven"):
        yield Fault(
            f"Distribution {row['id']} was planned for {row['recipients']:,} journalists and has "
            f"{row['planned']:,} deliveries."
        )
    for row in tx.stream("upkeep.unevenly_divided"):
        yield Fault(
            f"Batch {row['id']} of distribution {row['distribution']} was planned for "
            f"{row['recipients']:,} journalists and has {row['planned']:,} deliveries."
        )
    for row in tx.stream("upkeep.without_history"):
        yield Fault(
            f"Of {row['answers']:,} messages of distribution {row['distribution']} that were "
            f"accepted, the history has {row['told']:,}."
        )
    for row in tx.stream("upkeep.at_odds"):
        yield Fault(
            f"Batch {row['id']} of distribution {row['distribution']} is {row['wave_state']}, and "
            f"the distribution is {row['state']}."
        )
    for row in tx.all("upkeep.used_numbers"):
        yield Fault(
            f"The next {row['name']} would get a number that is taken: {row['last']:,} is the last "
            f"one, and {row['value']:,} were counted."
        )
