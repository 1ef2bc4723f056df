"""A small newsroom put straight into the store, for tests of the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mailer.release import to_json
from mailer.release.model import Kind, Release
from mailer.store import Store
from mailer.store.distributions import (
    DELIVERY_SHIFT,
    NewDistribution,
    NewWave,
    PlannedDelivery,
    finish_plan,
    insert,
    insert_deliveries,
)
from mailer.store.ledger import keep_compiled


def address_hash(number: int) -> bytes:
    """The made-up keyed hash of journalist `number`'s address."""
    return number.to_bytes(32, "big")


def seed_journalists(store: Store, count: int) -> None:
    """`count` active journalists with ids from 1, all on list 1, and a release with id 1."""
    with store.write() as tx:
        now = tx.now()
        tx.copy(
            "lists",
            ["id", "name", "title", "kind", "created_at"],
            [(1, "press", "Press", "press", now), (2, "topic", "Energy", "topic", now)],
        )
        tx.copy(
            "journalists",
            [
                "id",
                "state",
                "first_name",
                "last_name",
                "outlet",
                "outlet_type",
                "country",
                "language",
                "zone",
                "beats",
                "consent_basis",
                "source",
                "source_date",
                "notes",
                "created_at",
                "updated_at",
            ],
            (
                (
                    n,
                    "active",
                    "Ada",
                    f"N{n}",
                    "Daily",
                    "",
                    "BE",
                    "en",
                    "Europe/Brussels",
                    "",
                    "opt_in",
                    "form",
                    "",
                    "",
                    now,
                    now,
                )
                for n in range(1, count + 1)
            ),
        )
        tx.copy(
            "addresses",
            ["journalist", "email", "hash"],
            ((n, f"j{n}@example.com", address_hash(n)) for n in range(1, count + 1)),
        )
        tx.copy(
            "memberships",
            ["list", "journalist", "state", "joined_at"],
            ((1, n, "active", now) for n in range(1, count + 1)),
        )
        tx.copy("releases", ["id", "slug", "created_at"], [(tx.next_ids("release"), "news", now)])
        tx.execute(
            "INSERT INTO revisions (release, number, sha256, file, headline, language, source, "
            "document, actor, created_at) VALUES (1, 1, 'x', 'news.txt', 'News', 'en', :source, "
            ":document, 'anna', :now)",
            {"source": b"", "document": json.dumps(to_json(NEWS)), "now": now},
        )
        keep_compiled(tx, "digest", b"{}")


NEWS = Release("news", Kind.RELEASE, "en", "ltr", "News", None)


def seed_distribution(
    store: Store,
    journalists: Sequence[int],
    *,
    due_at: int = 0,
    late: str = "send",
    embargo_until: int | None = None,
    list_id: int = 1,
) -> int:
    """A scheduled distribution of one wave to those journalists; its id."""
    with store.write() as tx:
        number = insert(
            tx,
            NewDistribution(1, 1, "digest", 50, late, embargo_until, due_at, "UTC", {}),
            "anna",
        )
        base = number << DELIVERY_SHIFT
        insert_deliveries(
            tx,
            number,
            [PlannedDelivery(base + n, j, list_id, 1) for n, j in enumerate(journalists, 1)],
            due_at,
        )
        finish_plan(
            tx,
            number,
            [NewWave(1, due_at, "UTC", len(journalists))],
            recipients=len(journalists),
            left_out={},
            due_at=due_at,
            actor="anna",
        )
        return number
