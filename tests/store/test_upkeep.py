"""`store check` finds what cannot be right, on both databases."""

from __future__ import annotations

import hashlib
import json

import pytest
from mailer.store import Store, Tx, distributions, ledger
from mailer.store.states import DeliveryState
from mailer.store.upkeep import RULES, faults

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
        return [fault.sentence for fault in faults(tx)]


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
        ("DELETE FROM distributions", "1 batches belong to nothing"),
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


@pytest.fixture
def sent(seeded: Store) -> Store:
    """The same, after a sender's work: 1 accepted, 2 refused, 3 waiting to retry."""
    with seeded.write() as tx:
        worker = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none", config_digest=""
        )
        distributions.move(tx, 1, "sending", "anna")
        distributions.move_wave(tx, 1, 1, "open", "anna")
        wave = ledger.OpenWave(1, 1, "digest")
        claimed = ledger.claim(tx, worker, wave, 3)
        ledger.freeze(tx, [(1, each.id, "{}") for each in claimed])
        answers = zip(
            claimed,
            (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED),
            (250, 550, 450),
            strict=True,
        )
        ledger.record(
            tx, worker, [_answer(tx, each.id, state, code) for each, state, code in answers]
        )
    return seeded


def _answer(tx: Tx, delivery: int, state: DeliveryState, code: int) -> ledger.Result:
    return ledger.Result(
        distribution=1,
        delivery=delivery,
        number=1,
        state=state,
        at=tx.now(),
        sent_date=tx.now(),
        route="default",
        phase="DOT",
        code=code,
        enhanced="",
        reply="",
        verdict="",
        reason=None,
        due_at=0,
        sha256=None,
    )


def test_a_ledger_at_work_is_whole(sent: Store) -> None:
    """Each state that a sender leaves behind keeps every rule."""
    assert _faults(sent) == []


_AGAIN = (
    "INSERT INTO attempts (distribution, delivery, number, worker, at, sent_date, route, phase, "
    "code, enhanced, reply, verdict, state) SELECT distribution, delivery, 2, worker, at, "
    "sent_date, route, phase, code, enhanced, reply, verdict, state FROM attempts WHERE state = 3"
)
_STOP = (
    "INSERT INTO suppressions (id, hash, hash_version, scope, reason, evidence, actor, created_at) "
    "SELECT 1, a.hash, 1, '{scope}', 'opt-out', '{{}}', 'x', t.sent_date - {seconds} * 1000000 "
    "FROM attempts t JOIN deliveries d ON d.id = t.delivery "
    "JOIN addresses a ON a.journalist = d.journalist WHERE t.state = 3"
)


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ("known_state", "UPDATE deliveries SET state = 12 WHERE state = 2"),
        ("accepted_once", _AGAIN),
        ("accepted_by_answer", "UPDATE deliveries SET state = 3 WHERE state = 2"),
        ("accepted_by_answer", "UPDATE attempts SET code = 550 WHERE state = 3"),
        ("accepted_by_answer", "DELETE FROM attempts WHERE state = 3"),
        ("refused_by_answer", "DELETE FROM attempts WHERE state = 4"),
        ("answer_kept", "UPDATE deliveries SET state = 2 WHERE state = 3"),
        ("answer_kept", "UPDATE deliveries SET state = 0 WHERE state = 4"),
        ("attempts_counted", "UPDATE deliveries SET attempts = 0"),
        ("claimed_by_present", "UPDATE deliveries SET state = 1 WHERE state = 2"),
        ("claimed_by_present", "UPDATE deliveries SET state = 1, worker = 99 WHERE state = 2"),
        ("held_when_claimed", "UPDATE deliveries SET worker = 1 WHERE state = 3"),
        ("nothing_open_when_done", "UPDATE waves SET state = 'done'"),
        ("nothing_open_when_done", "UPDATE distributions SET state = 'done'"),
        (
            "waits_for_a_word",
            "INSERT INTO held_back (distribution, wave, incident, wave_was, distribution_was) "
            "VALUES (1, 1, 1, 'sending', 'sending')",
        ),
        ("in_a_batch", "UPDATE deliveries SET wave = 7 WHERE state = 3"),
        ("nobody_after_his_stop", _STOP.format(scope="all", seconds=60)),
        ("nobody_after_his_stop", _STOP.format(scope="list:1", seconds=60)),
    ],
)
def test_each_broken_rule_is_one_line(sent: Store, rule: str, harm: str) -> None:
    """H6, H9, H14, H17: a delivery that no step of the program leaves behind is told, and named."""
    with sent.write() as tx:
        assert tx.execute(harm, {}) > 0
    with sent.read() as tx:
        found = [fault for fault in faults(tx) if fault.sentence.startswith(RULES[rule])]
    assert len(found) == 1
    assert found[0].delivery is not None and found[0].delivery >> 32 == 1


def test_what_a_sender_has_in_hand_is_his_until_he_left(sent: Store) -> None:
    """H7: claimed is right while its sender is there; after that somebody settles it."""
    with sent.write() as tx:
        [held] = ledger.claim(tx, 1, ledger.OpenWave(1, 1, "digest"), 3)
    assert _faults(sent) == []
    with sent.write() as tx:
        ledger.worker_left(tx, 1)
    with sent.read() as tx:
        [fault] = list(faults(tx))
    assert fault.sentence == f"{RULES['claimed_by_present']}: 1 delivery."
    assert fault.delivery == held.id


def test_planned_twice_is_seen_where_the_database_let_it_happen(seeded: Store) -> None:
    """H6: the unique index is gone (a damaged or hand-made table), the rule still holds."""
    with seeded.write() as tx:
        tx.execute("CREATE TABLE bare AS SELECT * FROM deliveries", {})
        tx.execute("DROP TABLE deliveries", {})
        tx.execute("ALTER TABLE bare RENAME TO deliveries", {})
        tx.execute("UPDATE deliveries SET journalist = 1 WHERE journalist = 2", {})
    assert f"{RULES['planned_once']}: 1 delivery." in _faults(seeded)


@pytest.mark.parametrize(("scope", "seconds"), [("list:2", 60), ("all", -60), ("all", 0)])
def test_who_said_stop_of_something_else_or_later_got_it_rightly(
    sent: Store, scope: str, seconds: int
) -> None:
    """F11: another list, after it was sent, and in the second that the promise allows."""
    with sent.write() as tx:
        tx.execute(_STOP.format(scope=scope, seconds=seconds), {})
    assert _faults(sent) == []


def test_the_history_may_tell_of_several_accepted_at_once(seeded: Store) -> None:
    """H16: each is counted that the line names, and each that it does not name is missed."""
    with seeded.write() as tx:
        worker = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none", config_digest=""
        )
        distributions.move(tx, 1, "sending", "anna")
        distributions.move_wave(tx, 1, 1, "open", "anna")
        claimed = ledger.claim(tx, worker, ledger.OpenWave(1, 1, "digest"), 3)
        answers = [_answer(tx, each.id, DeliveryState.ACCEPTED, 250) for each in claimed]
        ledger.record(tx, worker, answers)
    assert [fault for fault in _faults(seeded) if "history" in fault] == []
    with seeded.write() as tx:
        [line] = tx.rows("SELECT id, data FROM events WHERE kind = 'accepted'", {})
        told = json.loads(line["data"])
        told["deliveries"].pop()
        data = json.dumps(told)
        tx.execute(
            "UPDATE events SET data = :data WHERE id = :id", {"data": data, "id": line["id"]}
        )
    assert any("the history has 2" in fault for fault in _faults(seeded)), _faults(seeded)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("DELETE FROM events WHERE kind = 'accepted'", "the history has 0"),
        ("UPDATE waves SET recipients = 2", "Batch 1 of distribution 1 was planned for 2"),
        ("UPDATE distributions SET state = 'cancelled'", "is sending, and the distribution is can"),
        ("UPDATE waves SET state = 'lost'", "Batch 1 of distribution 1 is lost"),
        ("UPDATE counters SET value = 0", "The next distribution would get a number that is taken"),
        ("UPDATE counters SET value = 0", "The next worker would get a number that is taken"),
        ("DELETE FROM deliveries WHERE journalist = 1", "1 attempts belong to nothing"),
        ("DELETE FROM deliveries WHERE journalist = 1", "1 kept fields belong to nothing"),
    ],
)
def test_tables_that_disagree(sent: Store, harm: str, words: str) -> None:
    """What one table says and another does not is told."""
    with sent.write() as tx:
        tx.execute(harm, {})
    assert any(words in fault for fault in _faults(sent)), _faults(sent)
