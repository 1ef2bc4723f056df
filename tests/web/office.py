"""A small newsroom with people, lists and queued deliveries, for the tests of leaving."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailer.clock import Clock, SystemClock
from mailer.message.tokens import Token, TokenKeys, mint
from mailer.store import Store

KEYS = TokenKeys.parse("2 " + "ab" * 32 + "\n1 " + "cd" * 32 + "\n")

PRESS, TOPIC, OTHER_TOPIC = 1, 2, 3
ANNA, BEN, CAROL = 11, 12, 13
"""Anna is on all lists, Ben on the press list, Carol on the topic."""

NOW = 1_790_000_000_000_000


@dataclass(frozen=True)
class Settings:
    spool_dir: Path


@dataclass(frozen=True)
class FakeOffice:
    """What of an open newsroom leaving needs."""

    store: Store
    config: Settings
    keys: TokenKeys = KEYS
    clock: Clock = field(default_factory=SystemClock)


def fill(store: Store) -> None:
    """Three lists, three people, one distribution that is sending to all of them."""
    with store.write() as tx:
        tx.copy(
            "lists",
            ["id", "name", "title", "kind", "created_at"],
            [
                (PRESS, "eu-affairs", "EU affairs, Brussels", "press", NOW),
                (TOPIC, "energy", "Energy briefing", "topic", NOW),
                (OTHER_TOPIC, "trade", "Trade briefing", "topic", NOW),
            ],
        )
        for number, name in ((ANNA, "anna"), (BEN, "ben"), (CAROL, "carol")):
            person(tx, number, name)
        tx.copy(
            "memberships",
            ["list", "journalist", "state", "joined_at"],
            [
                (PRESS, ANNA, "active", NOW),
                (TOPIC, ANNA, "active", NOW),
                (OTHER_TOPIC, ANNA, "active", NOW),
                (PRESS, BEN, "active", NOW),
                (TOPIC, CAROL, "active", NOW),
            ],
        )
        distribution(tx, 7)
        deliveries(tx, 7, [(ANNA, PRESS, 0), (BEN, PRESS, 0), (CAROL, TOPIC, 2)])
        distribution(tx, 8)
        deliveries(tx, 8, [(ANNA, TOPIC, 2)])
        distribution(tx, 9)
        deliveries(tx, 9, [(ANNA, PRESS, 3)])


PERSON = (
    *("id", "state", "first_name", "last_name", "outlet", "outlet_type", "country", "language"),
    *("zone", "beats", "consent_basis", "source", "source_date", "notes"),
    *("created_at", "updated_at"),
)
DELIVERY = (
    *("distribution", "id", "journalist", "wave", "list", "kind", "state"),
    *("due_at", "queued_at", "attempts"),
)


def person(tx: Any, number: int, name: str) -> None:
    row = (number, "active", name.title(), "Example", "Example Daily", "", "BE", "en", "", "[]")
    tx.copy("journalists", PERSON, [(*row, "opt_in", "lists/a.csv", "2026-01-01", "", NOW, NOW)])
    tx.copy("addresses", ["journalist", "email", "hash"], [(number, mailbox(name), digest(name))])


def mailbox(name: str) -> str:
    return f"{name}@example.org"


def digest(name: str) -> bytes:
    return hashlib.sha256(mailbox(name).encode()).digest()


def distribution(tx: Any, number: int, state: str = "sending", **values: Any) -> None:
    row = {
        "id": number,
        "release": 1,
        "revision": 1,
        "compiled": "",
        "state": state,
        "priority": 0,
        "late": "hold",
        "embargo_until": None,
        "due_at": NOW,
        "zone": "UTC",
        "audience": "{}",
        "left_out": "{}",
        "recipients": 1,
        "actor": "test",
        "created_at": NOW,
        **values,
    }
    tx.copy("distributions", list(row), [tuple(row.values())])


def deliveries(tx: Any, number: int, rows: Sequence[tuple[int, int, int]]) -> None:
    """Rows are (journalist, list, state)."""
    tx.copy(
        "deliveries",
        DELIVERY,
        [
            (number, delivery_id(number, who), who, 1, where, "release", state, NOW, NOW, 0)
            for who, where, state in rows
        ],
    )


def delivery_id(distribution: int, journalist: int) -> int:
    return (distribution << 32) + journalist


def token(
    journalist: int = ANNA, list_id: int = PRESS, distribution: int = 7, purpose: str = "u"
) -> Token:
    return Token(journalist, list_id, delivery_id(distribution, journalist), purpose)


def link(
    journalist: int = ANNA, list_id: int = PRESS, purpose: str = "u", keys: TokenKeys = KEYS
) -> str:
    return mint(keys, token(journalist, list_id, purpose=purpose))


def states(store: Store) -> dict[tuple[int, int], int]:
    """(distribution, journalist) to the state's number."""
    with store.read() as tx:
        rows = tx.rows("SELECT distribution, journalist, state FROM deliveries", {})
    return {(row["distribution"], row["journalist"]): row["state"] for row in rows}


def membership(store: Store, journalist: int, list_id: int) -> str:
    with store.read() as tx:
        rows = tx.rows(
            "SELECT state FROM memberships WHERE journalist = :j AND list = :l",
            {"j": journalist, "l": list_id},
        )
    return str(rows[0]["state"])


def scopes(store: Store, name: str) -> set[tuple[str, str]]:
    """(scope, reason) of an address's suppressions."""
    with store.read() as tx:
        rows = tx.rows(
            "SELECT scope, reason FROM suppressions WHERE hash = :h", {"h": digest(name)}
        )
    return {(row["scope"], row["reason"]) for row in rows}


def history(store: Store, kind: str) -> list[Any]:
    with store.read() as tx:
        return tx.rows("SELECT * FROM events WHERE kind = :k ORDER BY id", {"k": kind})
