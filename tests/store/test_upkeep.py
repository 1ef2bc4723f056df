"""`store check` finds what cannot be right, on both databases."""

from __future__ import annotations

import hashlib

import pytest
from mailer.store import Store, ledger
from mailer.store.states import DeliveryState
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


@pytest.fixture
def sent(seeded: Store) -> Store:
    """The same after two of the three were accepted and one refused."""
    with seeded.write() as tx:
        tx.execute("UPDATE distributions SET state = 'sending'", {})
        tx.execute("UPDATE waves SET state = 'sending'", {})
        words = {"host": "h", "name": "s", "pid": 1, "boot_id": "b", "journal": "/none"}
        worker = ledger.add_worker(tx, config_digest="", **words)
        wave = ledger.open_waves(tx)[0]
        claimed = ledger.claim(tx, worker, wave, 3)
        results = [_answer(tx.now(), each, each.journalist == 3) for each in claimed]
        assert ledger.record(tx, worker, results) == 3
    assert _faults(seeded) == []
    return seeded


def _answer(now: int, claimed: ledger.Claimed, refused: bool) -> ledger.Result:
    return ledger.Result(
        distribution=claimed.distribution,
        delivery=claimed.id,
        number=1,
        state=DeliveryState.REFUSED if refused else DeliveryState.ACCEPTED,
        at=now,
        sent_date=now,
        route="default",
        phase="DOT",
        code=550 if refused else 250,
        enhanced="",
        reply="",
        verdict="",
        reason="dead" if refused else None,
        due_at=now,
        sha256=b"x" * 32,
    )


SUPPRESS = (
    "INSERT INTO suppressions (id, hash, hash_version, scope, reason, evidence, actor, created_at) "
    "SELECT 1, hash, 1, 'all', 'opt-out', '{}', 'x', 0 FROM addresses WHERE journalist = 1"
)
HELD = (
    "INSERT INTO held_back (distribution, wave, incident, wave_was, distribution_was) "
    "VALUES (1, 1, 1, 'sending', 'sending')"
)
AGAIN = (
    "INSERT INTO attempts (distribution, delivery, number, worker, at, sent_date, route, phase, "
    "code, enhanced, reply, verdict, state) SELECT distribution, delivery, 2, worker, at, "
    "sent_date, route, phase, code, enhanced, reply, verdict, state FROM attempts WHERE state = 3"
)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("UPDATE deliveries SET state = 12 WHERE journalist = 1", "in a state that there is not"),
        ("UPDATE deliveries SET wave = 7", "3 deliveries are in a batch that there is not"),
        ("DELETE FROM attempts WHERE state = 3", "2 deliveries are accepted or refused without"),
        ("UPDATE attempts SET state = 2 WHERE state = 4", "accepted or refused without"),
        ("UPDATE deliveries SET state = 0 WHERE journalist = 1", "accepted by a server and say"),
        (AGAIN, "2 deliveries were accepted twice"),
        (AGAIN, "or are beyond its count"),
        ("UPDATE deliveries SET state = 1, worker = 99", "claimed by a sender that is not there"),
        ("UPDATE deliveries SET state = 1", "3 deliveries are claimed by a sender"),
        ("UPDATE deliveries SET worker = 1", "have a sender and are not claimed"),
        (SUPPRESS, "1 deliveries were accepted for somebody who must not be contacted"),
        ("UPDATE deliveries SET state = 2 WHERE journalist = 3", "tells of 1"),
        ("DELETE FROM events WHERE kind = 'accepted'", "has 2 accepted deliveries"),
        ("UPDATE events SET delivery = 5 WHERE kind = 'refused'", "are about no delivery"),
        ("UPDATE distributions SET state = 'done'", "open in a distribution that is done"),
        (HELD, "wait for a word after a restore and could be sent; the first is distribution 1"),
    ],
)
def test_each_broken_invariant_is_found(sent: Store, harm: str, words: str) -> None:
    """Design decisions 3, 4 and 14 as SQL: what a fault of the program would leave is told."""
    with sent.write() as tx:
        tx.execute(harm, {})
    assert any(words in fault for fault in _faults(sent)), _faults(sent)


def test_something_open_in_a_batch_that_is_done(seeded: Store) -> None:
    """It would never be sent, and nobody told."""
    with seeded.write() as tx:
        tx.execute("UPDATE waves SET state = 'done'", {})
    assert "3 deliveries are open in a batch that is done" in _faults(seeded)[0]


def test_somebody_twice_in_a_distribution(seeded: Store) -> None:
    """H6: were the key that forbids it lost, the check would tell."""
    with seeded.write() as tx:
        if seeded.dialect == "sqlite":
            tx.execute("CREATE TABLE other AS SELECT * FROM deliveries", {})
            tx.execute("DROP TABLE deliveries", {})
            tx.execute("ALTER TABLE other RENAME TO deliveries", {})
        else:
            name = "deliveries_journalist_distribution_key"
            tx.execute(f"ALTER TABLE deliveries DROP CONSTRAINT {name}", {})
        tx.execute("UPDATE deliveries SET journalist = 1", {})
    assert any("in that distribution already" in fault for fault in _faults(seeded))


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
