"""Journalists put on lists through the store's own import, for tests of the audience."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mailer.audience.journalist import Journalist
from mailer.store import Store
from mailer.store.audience import lists_by_name
from mailer.store.imports import OpenImport, begin, carry_out, flip, take
from mailer.store.staging import Incoming


def address_hash(email: str) -> bytes:
    """A stand-in for the newsroom's keyed hash."""
    return hashlib.sha256(email.lower().encode()).digest()


def incoming(person: Journalist, hold: str = "") -> Incoming:
    return Incoming(address_hash(person.email), person, hold)


def open_import(store: Store, name: str) -> OpenImport:
    with store.write() as tx:
        row = lists_by_name(tx).get(name)
        return begin(
            tx,
            list_id=row["id"] if row else None,
            name=name,
            kind="press",
            file=f"{name}.csv",
            actor="anna",
        )


def bring_in(
    store: Store,
    name: str,
    rows: Sequence[Journalist | Incoming],
) -> dict[str, int]:
    """Import rows into the list of that name; the counts."""
    run = open_import(store, name)
    with store.write() as tx:
        take(tx, run, [r if isinstance(r, Incoming) else incoming(r) for r in rows])
    with store.write() as tx:
        flip(tx, run)
    done = False
    while not done:
        with store.write() as tx:
            done = carry_out(tx, run.id, 3)
    return run.counts.as_json()
