"""Looking after the store: bringing its schema up to date, checking that it is whole."""

from __future__ import annotations

from mailer.config import Config
from mailer.distribution.context import Newsroom, create_store, open_newsroom
from mailer.message.tokens import delivery_code
from mailer.store import upkeep
from mailer.store.upkeep import Fault


def migrate(config: Config) -> list[str]:
    """Apply the schema changes that are missing; their names.

    Raises StoreUnavailable when the store cannot be used, Refused when the suppression key here
    is not this ledger's.
    """
    applied = create_store(config)
    open_newsroom(config).close()
    return applied


def check(room: Newsroom) -> list[str]:
    """A sentence for each fault of the ledger; empty when it is whole.

    It reads one state of the ledger throughout, so senders may run meanwhile.
    """
    with room.store.read() as tx:
        return [_told(fault) for fault in upkeep.faults(tx)]


def _told(fault: Fault) -> str:
    if fault.delivery is None:
        return fault.sentence
    return f"{fault.sentence} The first: `mailer show {delivery_code(fault.delivery)}`."
