"""Whether the ledger is whole: what `store check` looks at, read only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from mailer.store.base import Tx


def faults(tx: Tx, name: Callable[[int], str] = str) -> Iterator[str]:
    """A sentence for each thing in the store that cannot be right; `name` is how a delivery is
    called. Of rows that break one rule there is one sentence, so memory stays flat."""
    for row in tx.all("upkeep.integrity"):
        if row["integrity_check"] != "ok":
            yield f"The database is damaged: {row['integrity_check']}."
    for row in tx.all("upkeep.uneven"):
        yield (
            f"Distribution {row['id']} was planned for {row['recipients']:,} journalists and has "
            f"{row['planned']:,} deliveries."
        )
    strays = tx.one("upkeep.strays")
    for table in ("addresses", "memberships", "deliveries", "distributions"):
        if strays is not None and strays[table]:
            yield f"{strays[table]:,} {table} belong to nothing."
    yield from _invariants(tx, name)
    for row in tx.stream("upkeep.templates"):
        data = row["data"]
        if data is None or hashlib.sha256(data).hexdigest() != row["digest"]:
            yield f"The compiled template {row['digest'][:12]} is missing or altered."
    for row in tx.stream("upkeep.revisions"):
        if hashlib.sha256(row["source"]).hexdigest() != row["sha256"]:
            yield f"Revision {row['number']} of release {row['release']} was altered."


_INVARIANTS = {
    "twice_for_one": "deliveries are for somebody who is in that distribution already",
    "unknown_state": "deliveries are in a state that there is not",
    "without_wave": "deliveries are in a batch that there is not",
    "no_attempt": "deliveries are accepted or refused without an attempt that says so",
    "other_end": "deliveries were accepted by a server and say something else",
    "accepted_twice": "deliveries were accepted twice",
    "attempt_astray": "attempts belong to no delivery, or are beyond its count",
    "claimed_by_nobody": "deliveries are claimed by a sender that is not there",
    "held_unclaimed": "deliveries have a sender and are not claimed",
    "mailed_after_stop": "deliveries were accepted for somebody who must not be contacted",
    "open_in_done_wave": "deliveries are open in a batch that is done",
    "event_astray": "lines of history are about no delivery",
}
"""Queries of `upkeep.sql` about deliveries, and what is said of the rows they find."""

_OF_DISTRIBUTIONS = {
    "open_wave_in_done": "batches are open in a distribution that is done",
    "loose_hold": "batches wait for a word after a restore and could be sent",
}


def _invariants(tx: Tx, name: Callable[[int], str]) -> Iterator[str]:
    """What must be true of every ledger at every instant (design decisions 3, 4 and 14)."""
    for query, words in {**_INVARIANTS, **_OF_DISTRIBUTIONS}.items():
        row = tx.one(f"upkeep.{query}")
        if row is not None and row["n"]:
            which = row["example"]
            place = f"delivery {name(which)}" if query in _INVARIANTS else f"distribution {which}"
            yield f"{row['n']:,} {words}; the first is {place}."
    for row in tx.stream("upkeep.answers"):
        for word in ("accepted", "refused"):
            here, told = row[word], row[f"told_{word}"]
            if here != told:
                what = f"{here:,} {word} deliveries, and its history tells of {told:,}"
                yield f"Distribution {row['id']} has {what}."
