"""The states of things in the ledger and the one table of moves between them (design section 2).

Numbers are what the store keeps (a partial index on a small integer claims fastest), words are
what everybody sees. Every UPDATE of a state repeats the allowed old states in its WHERE, so that
an illegal move changes no row, whichever process tries it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class DeliveryState(IntEnum):
    """Transport state of one message to one person."""

    QUEUED = 0
    CLAIMED = 1
    DEFERRED = 2
    ACCEPTED = 3
    REFUSED = 4
    IN_DOUBT = 5
    SUPPRESSED = 6
    SKIPPED = 7
    CANCELLED = 8
    EXPIRED = 9

    @property
    def word(self) -> str:
        """The state's word in every output ("in_doubt")."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> DeliveryState:
        """The state of that word; KeyError when there is none."""
        return cls[word.upper()]


WAITS_FOR_TURN = "waits for its turn"
"""How the reason begins of a delivery that was due and found no place in a rate or limit: it goes
as soon as there is one, so whoever sends what is due is not done before."""

_S = DeliveryState

DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    # Deferred without a try, when no way out is left. Accepted or in doubt without a claim only by
    # an officer's word on a ledger that was put back: it left after the copy was made.
    _S.QUEUED: frozenset(
        {
            _S.CLAIMED,
            _S.DEFERRED,
            _S.ACCEPTED,
            _S.IN_DOUBT,
            _S.SUPPRESSED,
            _S.SKIPPED,
            _S.CANCELLED,
            _S.EXPIRED,
        }
    ),
    _S.DEFERRED: frozenset(
        {
            _S.CLAIMED,
            _S.ACCEPTED,
            _S.IN_DOUBT,
            _S.SUPPRESSED,
            _S.SKIPPED,
            _S.CANCELLED,
            _S.EXPIRED,
        }
    ),
    _S.CLAIMED: frozenset(
        {
            _S.QUEUED,
            _S.DEFERRED,
            _S.ACCEPTED,
            _S.REFUSED,
            _S.IN_DOUBT,
            _S.SUPPRESSED,
            _S.SKIPPED,
            _S.CANCELLED,
            _S.EXPIRED,
        }
    ),
    _S.IN_DOUBT: frozenset({_S.DEFERRED, _S.ACCEPTED, _S.REFUSED}),
    _S.ACCEPTED: frozenset(),
    _S.REFUSED: frozenset(),
    _S.SUPPRESSED: frozenset(),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
}
"""From each state to those it may become. A state without moves is final."""

OPEN_DELIVERIES = (_S.QUEUED, _S.CLAIMED, _S.DEFERRED)
"""States in which something is still to happen by itself; a distribution with none is done."""


class DistributionState(StrEnum):
    """Where a distribution stands."""

    PLANNING = "planning"
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    DONE = "done"
    WAITING = "waiting"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    KILLED = "killed"


class WaveState(StrEnum):
    """Where one wave of a distribution stands."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    DROPPED = "dropped"
    CANCELLED = "cancelled"
    MOVED = "moved"
    """Another batch, with a corrected text, is in its place."""
