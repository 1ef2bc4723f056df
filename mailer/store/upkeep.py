"""Whether the ledger is whole: what `store check` looks at, read only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from mailer.store.base import Tx


def faults(tx: Tx) -> Iterator[str]:
    """A sentence for each thing in the store that cannot be right."""
    for row in tx.all("upkeep.integrity"):
        if row["integrity_check"] != "ok":
            yield f"The database is damaged: {row['integrity_check']}."
    for row in tx.all("upkeep.uneven"):
        yield (
            f"Distribution {row['id']} was planned for {row['recipients']:,} journalists and has "
            f"{row['planned']:,} deliveries."
        )
    strays = tx.one("upkeep.strays")
    for name in ("addresses", "memberships", "deliveries", "distributions"):
        if strays is not None and strays[name]:
            yield f"{strays[name]:,} {name} belong to nothing."
    for row in tx.stream("upkeep.templates"):
        data = row["data"]
        if data is None or hashlib.sha256(data).hexdigest() != row["digest"]:
            yield f"The compiled template {row['digest'][:12]} is missing or altered."
    for row in tx.stream("upkeep.revisions"):
        if hashlib.sha256(row["source"]).hexdigest() != row["sha256"]:
            yield f"Revision {row['number']} of release {row['release']} was altered."
