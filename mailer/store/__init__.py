"""The ledger and everything else that is kept: schema, migrations, SQL by topic, two adapters."""

from mailer.store.base import Row, Store, Tx, open_store

__all__ = ["Row", "Store", "Tx", "open_store"]
