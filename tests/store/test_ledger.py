"""The ledger's hot side, on both databases: gates in the claim, answers only over own claims."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.store import Store, Tx, ledger
from mailer.store import distributions as dist
from mailer.store.ledger import Claimed, OpenWave, Result
from mailer.store.states import DELIVERY_MOVES, DeliveryState

from tests.conftest import opened
from tests.store.seed import address_hash, seed_distribution, seed_journalists

NOW = 1_800_000_000 * SECOND


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def room(store_url: str, clock: ManualClock) -> Iterator[Store]:
    """A store with ten journalists under a clock that stands still."""
    with opened(store_url, clock) as store:
        seed_journalists(store, 10)
        yield store


def worker(store: Store, host: str = "a") -> int:
    with store.write() as tx:
        return ledger.add_worker(
            tx, host=host, name="s", pid=1, boot_id="b", journal="j", config_digest="c"
        )


def start(store: Store, number: int) -> None:
    with store.write() as tx:
        dist.move_wave(tx, number, 1, "open", "test")
        dist.move(tx, number, "sending", "test")


def claim(store: Store, number: int, who: int, limit: int = 100) -> list[Claimed]:
    with store.write() as tx:
        return ledger.claim(tx, who, OpenWave(number, 1, "digest"), limit)


def result(claimed: Claimed, state: DeliveryState, due_at: int = NOW) -> Result:
    return Result(
        claimed.distribution,
        claimed.id,
        claimed.attempts + 1,
        state,
        NOW,
        NOW,
        "default",
        "DOT",
        250,
        "2.0.0",
        "ok: queued as 1; 100 %",
        "accepted",
        None,
        due_at,
        b"\x01" * 32,
    )


def states(store: Store, number: int) -> dict[str, int]:
    with store.read() as tx:
        return dist.counts(tx, number)


def suppress(tx: Tx, journalist: int, scope: str = "all") -> None:
    tx.copy(
        "suppressions",
        ["id", "hash", "hash_version", "scope", "reason", "evidence", "actor", "created_at"],
        [(journalist, address_hash(journalist), 1, scope, "test", "{}", "test", NOW)],
    )


def test_a_claim_takes_each_delivery_once_with_all_it_needs(room: Store) -> None:
    number = seed_distribution(room, range(1, 11))
    start(room, number)
    first, second = worker(room), worker(room)
    one, two = claim(room, number, first, 6), claim(room, number, second, 6)
    assert (len(one), len(two)) == (6, 4)
    assert len({c.id for c in one + two}) == 10
    assert one[0].person[0] == "j1@example.com"
    assert one[0].person[6] == "Press"
    assert claim(room, number, first) == []


@pytest.mark.parametrize("obstacle", ["not due", "not sending", "paused", "embargo", "cancelled"])
def test_no_gate_is_passed_by_a_claim(room: Store, obstacle: str) -> None:
    """H14, D4: the gates stand in the claim itself."""
    number = seed_distribution(
        room,
        [1, 2],
        due_at=NOW + 1 if obstacle == "not due" else 0,
        embargo_until=NOW + 1 if obstacle == "embargo" else None,
    )
    if obstacle != "not sending":
        start(room, number)
    if obstacle in ("paused", "cancelled"):
        with room.write() as tx:
            assert dist.move(tx, number, obstacle, "anna")
    assert claim(room, number, worker(room)) == []


def test_the_embargo_opens_at_its_very_instant(room: Store, clock: ManualClock) -> None:
    """D4: at the lift, not a microsecond before."""
    number = seed_distribution(room, [1], embargo_until=NOW + SECOND)
    start(room, number)
    who = worker(room)
    clock.advance(0.999999)
    assert claim(room, number, who) == []
    clock.advance(0.000001)
    assert len(claim(room, number, who)) == 1


def test_who_said_stop_or_is_no_longer_active_is_not_claimed(room: Store) -> None:
    """F10, E12; a topic's opt-out stops that list only."""
    number = seed_distribution(room, [1, 2, 3, 4])
    start(room, number)
    with room.write() as tx:
        suppress(tx, 1)
        suppress(tx, 2, "list:1")
        suppress(tx, 3, "list:2")
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 4", {})
    assert [c.journalist for c in claim(room, number, worker(room))] == [3]
    with room.read() as tx:
        fallen = {row["journalist"]: row["gone"] for row in dist.fallen_out(tx, number)}
    assert fallen == {1: "", 2: "", 4: "on_hold"}


def test_a_batch_of_any_size_is_claimed_and_recorded_whole(
    store_url: str, clock: ManualClock
) -> None:
    """H9: many rows go in few statements; each row must arrive, with its own values."""
    with opened(store_url, clock) as room:
        seed_journalists(room, 150)
        number = seed_distribution(room, range(1, 151))
        start(room, number)
        who = worker(room)
        for limit in (149, 100):  # 64 + 64 + 16 + 4 + 1, then one alone
            batch = claim(room, number, who, limit)
            with room.write() as tx:
                ledger.freeze(tx, [(c.distribution, c.id, f"[{c.id}]") for c in batch])
                answers = [result(c, DeliveryState.ACCEPTED) for c in batch]
                assert ledger.record(tx, who, answers) == len(batch)
        assert states(room, number) == {"accepted": 150}
        with room.read() as tx:
            for claimed in batch:
                assert len(dist.attempts(tx, claimed.id)) == 1
                assert dist.events(tx, claimed.id)[-1]["kind"] == "accepted"


def test_accepted_answers_share_a_line_and_the_history_keeps_its_order(room: Store) -> None:
    """H9, H21: one line for those that were accepted one after the other; what came between keeps
    its place, another reply code is another line, and a late answer is nobody else's."""
    number = seed_distribution(room, range(1, 10))
    start(room, number)
    who, other = worker(room), worker(room)
    late, *batch = claim(room, number, who)
    with room.write() as tx:
        ledger.record(tx, who, [result(late, DeliveryState.ACCEPTED)])
        ledger.record(
            tx,
            who,
            [
                result(batch[0], DeliveryState.ACCEPTED),
                result(batch[1], DeliveryState.ACCEPTED),
                result(late, DeliveryState.ACCEPTED),
                result(batch[2], DeliveryState.ACCEPTED),
                result(batch[3], DeliveryState.REFUSED),
                result(batch[4], DeliveryState.ACCEPTED),
                replace(result(batch[5], DeliveryState.ACCEPTED), code=251),
                result(batch[6], DeliveryState.ACCEPTED),
            ],
        )
        ledger.record(tx, other, [result(batch[7], DeliveryState.ACCEPTED)])
    with room.read() as tx:
        lines = [
            (row["kind"], row["delivery"], json.loads(row["data"]))
            for row in tx.rows("SELECT * FROM events ORDER BY id", {})
            if row["kind"] in ("accepted", "refused", "late_answer")
        ]
        kinds = {one.id: [e["kind"] for e in dist.events(tx, one.id)] for one in batch}
    ids = [one.id for one in batch]
    assert [(kind, delivery or told["deliveries"]) for kind, delivery, told in lines] == [
        ("accepted", late.id),
        ("accepted", [ids[0], ids[1]]),
        ("late_answer", late.id),
        ("accepted", ids[2]),
        ("refused", ids[3]),
        ("accepted", [ids[4], ids[6]]),
        ("accepted", ids[5]),
        ("late_answer", ids[7]),
    ]
    assert [told["code"] for _, _, told in lines[5:7]] == [250, 251]
    assert all(kinds[one].count("accepted") == (one not in (ids[3], ids[7])) for one in ids)
    assert all(kinds[one].count("claimed") == 1 for one in ids)


@pytest.mark.parametrize("people", [20, 3000])
def test_claims_and_answers_find_rows_by_their_keys(
    postgres_url: str, clock: ManualClock, people: int
) -> None:
    """H21: a server that plans for any limit must not take it for a tenth of everybody; and a plan
    made for few people is still in use when there are many."""
    with opened(postgres_url, clock) as room:
        seed_journalists(room, people)
        number = seed_distribution(room, range(1, people + 1))
        start(room, number)
        who = worker(room)
        with room.write() as tx:
            tx.execute("ANALYZE", {})
        before = _read_whole(room)
        for _ in range(20):  # the server plans anew until it knows the statements
            batch = claim(room, number, who, people // 20)
            assert len(batch) == people // 20
            with room.write() as tx:
                ledger.record(tx, who, [result(each, DeliveryState.ACCEPTED) for each in batch])
        assert _read_whole(room) == before


def _read_whole(store: Store) -> dict[str, int]:
    """How often large tables were read from end to end."""
    with store.write() as tx:
        tx.rows("SELECT pg_stat_force_next_flush()", {})
    with store.read() as tx:
        rows = tx.rows(
            "SELECT relname, seq_scan FROM pg_stat_user_tables "
            "WHERE relname IN ('addresses', 'journalists', 'deliveries', 'slot_values')",
            {},
        )
    return {row["relname"]: row["seq_scan"] for row in rows}


def test_answers_are_written_over_own_claims_only(room: Store) -> None:
    """H5: a worker that was declared dead changes nothing any more."""
    number = seed_distribution(room, [1])
    start(room, number)
    mine, other = worker(room), worker(room)
    [claimed] = claim(room, number, mine)
    with room.write() as tx:
        assert ledger.record(tx, other, [result(claimed, DeliveryState.ACCEPTED)]) == 0
    assert states(room, number) == {"claimed": 1}
    with room.write() as tx:
        assert ledger.record(tx, mine, [result(claimed, DeliveryState.ACCEPTED)]) == 1
        assert ledger.give_back_all(tx, mine) == 0
    assert states(room, number) == {"accepted": 1}
    with room.read() as tx:
        [attempt] = dist.attempts(tx, claimed.id)
        kinds = [event["kind"] for event in dist.events(tx, claimed.id)]
    assert attempt["reply"] == "ok: queued as 1; 100 %"
    assert bytes(attempt["sha256"]) == b"\x01" * 32
    assert kinds[-3:] == ["claimed", "late_answer", "accepted"]


def test_two_recoveries_at_once_write_an_answer_into_the_history_once(room: Store) -> None:
    """H16, H17: a scheduler that is still leaving and the one that takes its place."""
    number = seed_distribution(room, [1])
    start(room, number)
    who = worker(room)
    [claimed] = claim(room, number, who)
    answers = [result(claimed, DeliveryState.ACCEPTED)]
    changed: list[int] = []

    def second() -> None:
        with room.write() as tx:
            changed.append(ledger.record(tx, who, answers))

    thread = threading.Thread(target=second)
    with room.write() as tx:
        assert ledger.record(tx, who, answers) == 1
        thread.start()
        thread.join(0.5)
    thread.join()
    assert changed == [0]
    with room.read() as tx:
        kinds = [event["kind"] for event in dist.events(tx, claimed.id)]
    assert kinds[-2:] == ["accepted", "late_answer"] and kinds.count("accepted") == 1


def test_doubt_is_settled_by_the_answer_its_worker_read_after_all(room: Store) -> None:
    """H7: in doubt is a state of its own, never retried, and truth may still arrive."""
    number = seed_distribution(room, [1])
    start(room, number)
    who = worker(room)
    [claimed] = claim(room, number, who)
    with room.write() as tx:
        assert ledger.mark_in_doubt(tx, who, number, claimed.id, 1, "lost")
    assert states(room, number) == {"in_doubt": 1}
    assert claim(room, number, worker(room)) == []
    with room.write() as tx:
        assert ledger.record(tx, who, [result(claimed, DeliveryState.ACCEPTED)]) == 1
    assert states(room, number) == {"accepted": 1}


def test_a_deferred_delivery_is_claimed_again_when_due_with_the_values_it_had(
    room: Store, clock: ManualClock
) -> None:
    """A18, decision 7: a retry is the same message."""
    number = seed_distribution(room, [1])
    start(room, number)
    who = worker(room)
    [claimed] = claim(room, number, who)
    with room.write() as tx:
        ledger.freeze(tx, [(number, claimed.id, '{"first_name": "Ada"}')])
        ledger.record(tx, who, [result(claimed, DeliveryState.DEFERRED, NOW + 60 * SECOND)])
        tx.execute("UPDATE journalists SET first_name = 'Eve'", {})
    assert claim(room, number, who) == []
    clock.advance(60)
    [again] = claim(room, number, who)
    assert (again.id, again.attempts, again.frozen) == (
        claimed.id,
        1,
        '{"first_name": "Ada"}',
    )


def test_what_was_not_tried_goes_back_to_where_it_was(room: Store, clock: ManualClock) -> None:
    number = seed_distribution(room, [1, 2])
    start(room, number)
    who = worker(room)
    one, two = claim(room, number, who)
    with room.write() as tx:
        ledger.record(tx, who, [result(one, DeliveryState.DEFERRED)])
        ledger.give_back(tx, who, [(number, two.id)])
    assert states(room, number) == {"queued": 1, "deferred": 1}
    claim(room, number, who)
    with room.write() as tx:
        assert ledger.give_back_all(tx, who) == 2
    assert states(room, number) == {"queued": 1, "deferred": 1}


def test_withdrawn_tells_what_becomes_of_each(room: Store) -> None:
    """H15: the one look that a sender takes when the control version has changed."""
    number = seed_distribution(room, [1, 2])
    other = seed_distribution(room, [3])
    for each in (number, other):
        start(room, each)
    who = worker(room)
    one, two = claim(room, number, who)
    [three] = claim(room, other, who)
    with room.read() as tx:
        assert ledger.withdrawn(tx, who) == {}
    with room.write() as tx:
        suppress(tx, 1)
        dist.move(tx, number, "paused", "anna")
        dist.move(tx, other, "cancelled", "anna")
    with room.read() as tx:
        found = ledger.withdrawn(tx, who)
    assert found[one.id][0] is DeliveryState.SUPPRESSED
    assert found[two.id][0] is None
    assert found[three.id][0] is DeliveryState.CANCELLED


def test_ten_claimers_at_once_share_without_overlap(room: Store) -> None:
    """H5: two schedulers still send once."""
    with room.write() as tx:
        tx.execute("DELETE FROM memberships", {})
        for table in ("journalists", "addresses", "lists", "releases", "revisions", "compiled"):
            tx.execute(f"DELETE FROM {table}", {})
    seed_journalists(room, 400)
    number = seed_distribution(room, range(1, 401))
    start(room, number)
    taken: list[int] = []
    lock = threading.Lock()

    def run() -> None:
        who = worker(room)
        while got := claim(room, number, who, 7):
            with lock:
                taken.extend(c.id for c in got)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    # Skipping locked rows may leave some for a later claim, never take one twice.
    taken += [c.id for c in claim(room, number, worker(room), 400)]
    assert sorted(taken) == sorted(set(taken)) and len(taken) == 400


def test_planning_twice_for_one_person_is_impossible(room: Store) -> None:
    """H6: unique (distribution, journalist)."""
    number = seed_distribution(room, [1])
    with pytest.raises(Exception, match=r"(?i)unique"), room.write() as tx:
        dist.insert_deliveries(tx, number, [dist.PlannedDelivery((number << 32) + 9, 1, 1, 1)], 0)


def test_final_states_have_no_way_out_and_sql_agrees_with_the_table() -> None:
    """One table of allowed moves; the SQL's numbers are its numbers."""
    final = {state for state, moves in DELIVERY_MOVES.items() if not moves}
    assert final == {
        DeliveryState.ACCEPTED,
        DeliveryState.REFUSED,
        DeliveryState.SUPPRESSED,
        DeliveryState.SKIPPED,
        DeliveryState.CANCELLED,
        DeliveryState.EXPIRED,
    }
    sql = (Path(ledger.__file__).parent / "sql" / "ledger.sql").read_text()
    for number in range(10):
        if f"state = {number}" in sql:
            assert number in {0, 1, 2, 5, 8, 9}
