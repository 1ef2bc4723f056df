"""`store check` finds what cannot be right, on both databases."""

from __future__ import annotations

import hashlib

import pytest
from mailer.store import Store
from mailer.store.upkeep import faults

from tests.store.seed import seed_distribution, seed_journalists


@pytest.fixture
def seeded(store: Store) -> Store:
    """Three journalists and one distribution to them."""
    seed_journalists(store, 3)
    seed_distribution(store, [1, 2, 3])
    template, source = (hashlib.sha256(data).hexdigest() for data in (b"{}", b""))
    with store.write() as tx:
        tx.execute("UPDATE compiled SET digest = :digest", {"digest": template})
        tx.execute("UPDATE distributions SET compiled = :digest", {"digest": template})
        tx.execute("UPDATE revisions SET sha256 = :digest", {"digest": source})
    return store


def _faults(store: Store) -> list[str]:
    with store.read() as tx:
        return list(faults(tx))


def test_a_ledger_that_is_whole(seeded: Store) -> None:
    """Nothing is said of a ledger as the program writes it."""
    assert _faults(seeded) == []


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("DELETE FROM deliveries WHERE journalist = 2", "has 2 deliveries"),
        ("DELETE FROM journalists WHERE id = 1", "1 addresses belong to nothing"),
        ("DELETE FROM lists", "memberships belong to nothing"),
        ("DELETE FROM distributions", "3 deliveries belong to nothing"),
        ("DELETE FROM revisions", "1 distributions belong to nothing"),
        ("DELETE FROM compiled", "is missing or altered"),
        ("UPDATE revisions SET sha256 = 'x'", "of release 1 was altered"),
    ],
)
def test_each_fault_is_found(seeded: Store, harm: str, words: str) -> None:
    """What was deleted or altered behind the program's back is told."""
    with seeded.write() as tx:
        tx.execute(harm, {})
    assert any(words in fault for fault in _faults(seeded)), _faults(seeded)
