"""Rules at the claim, on both databases: who is left out, who waits, and that no cap is passed."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.audience.rules import WEEK
from mailer.clock import SECOND, ManualClock
from mailer.config import Config
from mailer.config_rules import RulesConfig
from mailer.distribution.rules import Rulebook
from mailer.release.model import Event, Kind, Moment, Release
from mailer.store import Store, ledger, notices, releases
from mailer.store import distributions as dist
from mailer.store.ledger import Claimed, OpenWave, Result
from mailer.store.states import DeliveryState

from tests.conftest import opened
from tests.store.seed import seed_distribution, seed_journalists

NOON = 1_799_924_400 * SECOND  # Thursday 14 January 2027, 12:00 in Brussels
HOUR = 3600 * SECOND
PEOPLE = 2000
_persons = itertools.count(10)


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: ManualClock
) -> Iterator[Store]:
    """One store for all tests here: each has people of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('rules') / 'mailer.db'}"
        with opened(url, clock) as made:
            seed_journalists(made, PEOPLE)
            yield made
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.database()
        with opened(url, clock) as made:
            seed_journalists(made, PEOPLE)
            yield made
        server.drop(url)


@pytest.fixture
def someone() -> int:
    """A journalist whom no other test knows."""
    return next(_persons) % PEOPLE + 1


def book(**rules: Any) -> Rulebook:
    made = RulesConfig.model_validate(rules)
    zone = SimpleNamespace(timezone="Europe/Brussels")
    return Rulebook(cast(Config, SimpleNamespace(rules=made, newsroom=zone)))


def worker(store: Store) -> int:
    with store.write() as tx:
        return ledger.add_worker(
            tx, host="a", name="s", pid=1, boot_id="b", journal="j", config_digest="c"
        )


def wish(store: Store, person: int, **wishes: Any) -> None:
    columns = ["weekly_cap", "office_hours", "away_until", "paused", "no_embargoes"]
    values = {"weekly_cap": None, "away_until": None, **wishes}
    with store.write() as tx:
        tx.execute("DELETE FROM preferences WHERE journalist = :j", {"j": person})
        tx.copy(
            "preferences",
            ["journalist", *columns, "updated_at"],
            [(person, *(values.get(each, 0) for each in columns), tx.now())],
        )


def thursday_at_ten(store: Store, clock: ManualClock, person: int) -> int:
    """It is 22:00 on a Thursday where he is, half an hour from every whole hour; the instant."""
    with store.write() as tx:
        tx.execute("UPDATE journalists SET zone = 'Asia/Kolkata' WHERE id = :j", {"j": person})
    clock.advance(((NOON - clock.now()) % WEEK + 5.5 * HOUR) / SECOND)
    return clock.now()


def sending(store: Store, people: Sequence[int], **more: Any) -> int:
    number = seed_distribution(store, people, **more)
    with store.write() as tx:
        dist.move_wave(tx, number, 1, "open", "test")
        dist.move(tx, number, "sending", "test")
    return number


def claim(
    store: Store, rules: Rulebook, number: int, who: int, wave: int = 1, **more: Any
) -> list[Claimed]:
    with store.write() as tx:
        place = OpenWave(number, wave, "digest", **more)
        return rules.judge(tx, who, place, ledger.claim(tx, who, place, 1000))


def answer(store: Store, who: int, claimed: Claimed, state: DeliveryState, due: int = 0) -> None:
    with store.write() as tx:
        now = tx.now()
        ledger.record(
            tx,
            who,
            [
                Result(
                    *(claimed.distribution, claimed.id, claimed.attempts + 1, state, now, now),
                    *("default", "DOT", 250, "2.0.0", "ok", "accepted", None, due, None),
                )
            ],
        )


def delivery(store: Store, number: int, person: int) -> dict[str, Any]:
    with store.read() as tx:
        sql = "SELECT * FROM deliveries WHERE distribution = :n AND journalist = :j"
        return dict(tx.rows(sql, {"n": number, "j": person})[0])


def told(store: Store, number: int, kind: str) -> list[dict[str, Any]]:
    with store.read() as tx:
        sql = "SELECT data FROM events WHERE distribution = :n AND kind = :k ORDER BY id"
        return [json.loads(row["data"]) for row in tx.rows(sql, {"n": number, "k": kind})]


def test_a_cap_holds_over_all_distributions(store: Store, someone: int, clock: ManualClock) -> None:
    """F5: at most so many in any seven days; the next is skipped, and goes again a week later."""
    rules, who = book(weekly_cap=2), worker(store)
    for _ in range(2):
        [one] = claim(store, rules, sending(store, [someone]), who)
        answer(store, who, one, DeliveryState.ACCEPTED)
    third = sending(store, [someone])
    assert claim(store, rules, third, who) == []
    row = delivery(store, third, someone)
    assert (row["state"], row["reason"], row["worker"]) == (DeliveryState.SKIPPED, "cap", None)
    assert told(store, third, "skipped") == [{"reason": "cap"}]
    clock.advance(WEEK / SECOND - 1)
    assert claim(store, rules, sending(store, [someone]), who) == []
    clock.advance(1)
    assert len(claim(store, rules, sending(store, [someone]), who)) == 1


@pytest.mark.parametrize("state", ["claimed", "in_doubt", "deferred", "refused"])
def test_what_he_may_have_got_counts(store: Store, someone: int, state: str) -> None:
    """F5: what is claimed, in doubt or tried and tried again counts as got; refused does not. Its
    place is kept: it is not left out for what came after it."""
    wish(store, someone, weekly_cap=1)
    rules, who = book(), worker(store)
    first = sending(store, [someone])
    [one] = claim(store, rules, first, who)
    if state != "claimed":
        answer(store, who, one, DeliveryState.of(state))
    going = claim(store, rules, sending(store, [someone]), who)
    assert len(going) == (1 if state == "refused" else 0)
    with store.write() as tx:
        again = ledger.resend_doubtful(tx, first, one.id, "anna")
    assert again == (state == "in_doubt")
    if state in ("in_doubt", "deferred"):
        assert [each.id for each in claim(store, rules, first, who)] == [one.id]


@pytest.mark.parametrize("answered", ["in_doubt", "deferred", "restored"])
def test_what_he_may_have_stays_in_doubt(store: Store, someone: int, answered: str) -> None:
    """H8, D10: an officer sends it again, and meanwhile he paused. He does not get it, and yet a
    withdrawal must find him: the server may have the first try."""
    who, number = worker(store), sending(store, [someone])
    if answered == "restored":  # an older ledger was put back, and the officer said: not certain
        with store.write() as tx:
            tx.execute(
                "UPDATE deliveries SET state = 5, last_attempt_at = :now WHERE distribution = :n",
                {"n": number, "now": tx.now()},
            )
    else:
        [one] = claim(store, book(), number, who)
        answer(store, who, one, DeliveryState.of(answered))
    first = delivery(store, number, someone)["id"]
    with store.write() as tx:
        ledger.resend_doubtful(tx, number, first, "anna")
    wish(store, someone, paused=1)
    assert claim(store, book(), number, who) == []
    state = DeliveryState.SKIPPED if answered == "deferred" else DeliveryState.IN_DOUBT
    row = delivery(store, number, someone)
    assert (row["state"], row["reason"], row["worker"]) == (state, "paused", None)
    assert told(store, number, state.word)[-1] == {"reason": "paused"}


def test_two_claims_at_once_do_not_both_pass_the_cap(store: Store) -> None:
    """F5: two senders, two distributions, the same people."""
    people = [next(_persons) % PEOPLE + 1 for _ in range(20)]
    for person in people:
        wish(store, person, weekly_cap=1)
    rules = book()
    numbers = [sending(store, people) for _ in range(4)]
    workers = [worker(store) for _ in numbers]
    start = threading.Barrier(len(numbers))
    got: list[int] = []

    def go(number: int, who: int) -> None:
        start.wait()
        for _ in range(40):
            found = claim(store, rules, number, who)
            got.extend(each.journalist for each in found)

    threads = [
        threading.Thread(target=go, args=pair) for pair in zip(numbers, workers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)), "somebody got two"
    assert len(set(got)) >= len(people) - 1 or store.dialect == "postgresql"


def test_quiet_hours_and_weekends_postpone(store: Store, someone: int, clock: ManualClock) -> None:
    """F5: it waits with a reason and goes in the morning; the ledger says since when."""
    rules, who = book(quiet_hours="20:00-07:00", weekends="wait"), worker(store)
    asked = thursday_at_ten(store, clock, someone)
    number = sending(store, [someone])
    assert claim(store, rules, number, who) == []
    row = delivery(store, number, someone)
    assert row["state"] == DeliveryState.DEFERRED
    assert row["reason"] == "waits for quiet hours to end"
    assert (row["due_at"], row["waits_since"]) == (asked + 9 * HOUR, asked)
    assert claim(store, rules, number, who) == []
    clock.advance(9 * 3600)
    assert len(claim(store, rules, number, who)) == 1
    clock.advance(37 * 3600)  # Saturday, 20:00
    number = sending(store, [someone])
    assert claim(store, rules, number, who) == []
    row = delivery(store, number, someone)
    assert row["reason"] == "waits for the weekend to end"
    assert row["due_at"] == clock.now() + 35 * HOUR


def test_what_would_wait_too_long_is_skipped(
    store: Store, someone: int, clock: ManualClock
) -> None:
    rules, who = book(quiet_hours="20:00-07:00", longest_wait="3h"), worker(store)
    thursday_at_ten(store, clock, someone)
    number = sending(store, [someone])
    assert claim(store, rules, number, who) == []
    assert delivery(store, number, someone)["reason"] == "quiet"


def invites(store: Store, number: int, event: Event, *, corrected: Event | None = None) -> None:
    """What the distribution sends is an invitation from now on, maybe a corrected one."""
    with store.write() as tx:
        plain = Release(f"tour-{number}", Kind.ADVISORY, "en", "ltr", "A tour", None, event=event)
        place = {"sha256": f"tour-{number}", "file": "tour.md", "actor": "anna"}
        release, revision = releases.keep(tx, plain, b"", **place)
        sql = "UPDATE distributions SET release = :r, revision = :v WHERE id = :n"
        tx.execute(sql, {"r": release, "v": revision, "n": number})
        if corrected:
            new = replace(plain, event=corrected)
            place["sha256"] += "b"
            _, revision = releases.keep(tx, new, b"", **place)
            notices.add(tx, release, "correction", "moved", "anna", revision=revision)


@pytest.mark.parametrize(
    ("begins", "corrected", "state"),
    [
        (9 * HOUR, None, DeliveryState.SKIPPED),
        (10 * HOUR, None, DeliveryState.DEFERRED),
        (9 * HOUR, 30 * HOUR, DeliveryState.DEFERRED),
        (30 * HOUR, 2 * HOUR, DeliveryState.SKIPPED),
    ],
)
def test_no_invitation_leaves_after_its_event(
    store: Store,
    someone: int,
    clock: ManualClock,
    begins: int,
    corrected: int | None,
    state: DeliveryState,
) -> None:
    """D9, F5: quiet hours end at 07:00, nine hours from now; a correction may move the event."""
    now = thursday_at_ten(store, clock, someone)
    number = sending(store, [someone])
    first, moved = (
        Event(Moment(date(2027, 1, 15), now + at), "Asia/Kolkata") if at else None
        for at in (begins, corrected)
    )
    assert first is not None
    invites(store, number, first, corrected=moved)
    assert claim(store, book(quiet_hours="20:00-07:00"), number, worker(store)) == []
    row = delivery(store, number, someone)
    assert row["state"] == state
    assert row["reason"] == ("event" if state == 7 else "waits for quiet hours to end")


def test_an_officers_word_begins_the_wait_anew(
    store: Store, someone: int, clock: ManualClock
) -> None:
    """H8, F5: it waited for one morning, was in doubt for a week, and is sent again at night."""
    rules, who = book(quiet_hours="20:00-07:00"), worker(store)
    thursday_at_ten(store, clock, someone)
    number = sending(store, [someone])
    assert claim(store, rules, number, who) == []
    clock.advance(9 * 3600)
    [one] = claim(store, rules, number, who)
    answer(store, who, one, DeliveryState.IN_DOUBT)
    thursday_at_ten(store, clock, someone)
    with store.write() as tx:
        assert ledger.resend_doubtful(tx, number, one.id, "anna")
    assert claim(store, rules, number, who) == []
    row = delivery(store, number, someone)
    assert (row["state"], row["due_at"]) == (DeliveryState.DEFERRED, clock.now() + 9 * HOUR)


def test_a_gap_postpones(store: Store, someone: int, clock: ManualClock) -> None:
    rules, who = book(min_gap="2h"), worker(store)
    [one] = claim(store, rules, sending(store, [someone]), who)
    answer(store, who, one, DeliveryState.ACCEPTED)
    clock.advance(3600)
    number = sending(store, [someone])
    assert claim(store, rules, number, who) == []
    row = delivery(store, number, someone)
    assert (row["reason"], row["due_at"]) == ("waits for the minimum gap", clock.now() + HOUR)
    clock.advance(3600)
    assert len(claim(store, rules, number, who)) == 1


@pytest.mark.parametrize("reason", ["away", "paused"])
def test_who_is_away_or_paused_is_skipped(store: Store, someone: int, reason: str) -> None:
    chosen = {"away_until": 1 << 60} if reason == "away" else {"paused": 1}
    wish(store, someone, **chosen)
    number = sending(store, [someone])
    assert claim(store, book(), number, worker(store)) == []
    assert delivery(store, number, someone)["reason"] == reason


def test_what_is_outside_the_rules(store: Store, someone: int) -> None:
    """D11, F5: notices, tests, what he asked for and copies for the house leave, and count for
    nothing; a lift's own rules are his wishes (D22)."""
    wish(store, someone, weekly_cap=1)
    rules, who = book(min_gap="2h"), worker(store)
    for kind, list_id in (("notice", 1), ("resend", 1), ("test", 1), ("release", 2)):
        number = sending(store, [someone], list_id=list_id)
        with store.write() as tx:
            tx.execute(
                "UPDATE deliveries SET kind = :k WHERE distribution = :n", {"k": kind, "n": number}
            )
        assert len(claim(store, rules, number, who)) == 1, kind
    number = sending(store, [someone])
    with store.write() as tx:  # one more person by an officer's hand
        tx.execute("UPDATE distributions SET kind = 'resend' WHERE id = :n", {"n": number})
    assert len(claim(store, rules, number, who)) == 1
    with store.read() as tx:
        now = tx.now()
    first = sending(store, [someone], embargo_until=now, due_at=now)
    assert len(claim(store, rules, first, who)) == 1, "nothing counted before"
    lift = sending(store, [someone], embargo_until=now, due_at=now)
    assert claim(store, rules, lift, who) == []
    assert delivery(store, lift, someone)["reason"] == "cap", "his own wish, not the gap"


def test_no_embargoes_means_with_everybody_at_the_end(
    store: Store, someone: int, clock: ManualClock
) -> None:
    """D3: an early copy is not sent to who wants none; he gets the release at the end."""
    other = next(_persons) % PEOPLE + 1
    wish(store, someone, no_embargoes=1)
    end = clock.now() + HOUR
    number = sending(store, [someone, other], embargo_until=end)
    with store.write() as tx:
        tx.execute("UPDATE waves SET early = 'digest' WHERE distribution = :n", {"n": number})
        for person in (someone, other):
            tx.execute(
                "INSERT INTO embargo_grants (release, journalist, how, reason, list, actor, "
                "granted_at) VALUES (1, :j, 'agreed', '', NULL, 'anna', 0)",
                {"j": person},
            )
    who = worker(store)
    assert [each.journalist for each in claim(store, book(), number, who)] == [other]
    row = delivery(store, number, someone)
    assert (row["state"], row["wave"]) == (DeliveryState.QUEUED, 2)
    with store.read() as tx:
        waves = {each["id"]: each for each in dist.waves(tx, number)}
    assert (waves[1]["recipients"], waves[2]["recipients"]) == (1, 1)
    assert waves[2]["due_at"] == end
    clock.advance(3600)
    with store.write() as tx:
        dist.move_wave(tx, number, 2, "open", "test")
    [one] = claim(store, book(), number, who, wave=2)
    assert one.journalist == someone


steps = st.lists(
    st.tuples(
        st.sampled_from(["accepted", "in_doubt", "refused", "deferred", "claimed"]),
        st.sampled_from([0, 1, 20 * 3600, 3 * 86_400]),
    ),
    min_size=3,
    max_size=9,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps, st.integers(0, 3), st.booleans(), st.sampled_from(["", "20:00-07:00"]))
def test_the_ledger_never_exceeds_a_cap(
    store: Store,
    clock: ManualClock,
    plan: list[tuple[str, int]],
    cap: int,
    own: bool,
    quiet: str,
) -> None:
    """F5: whatever is answered and whenever, no seven days hold more than the cap."""
    person = next(_persons) % PEOPLE + 1
    with store.write() as tx:
        tx.execute("DELETE FROM deliveries WHERE journalist = :j", {"j": person})
    wish(store, person, weekly_cap=cap if own else None)
    rules = book(weekly_cap=0 if own else max(cap, 1), quiet_hours=quiet)
    limit, who = cap if own else max(cap, 1), worker(store)
    numbers: list[int] = []
    for what, pause in plan:
        numbers.append(sending(store, [person]))
        for number in numbers:
            for each in claim(store, rules, number, who):
                if what != "claimed":
                    answer(store, who, each, DeliveryState.of(what), clock.now())
        clock.advance(pause)
        with store.read() as tx:
            rows = tx.rows(
                "SELECT state, coalesce(last_attempt_at, :now) AS at FROM deliveries "
                "WHERE journalist = :j AND (state IN (1, 3, 5) OR (state = 2 AND attempts > 0))",
                {"j": person, "now": clock.now()},
            )
        open_ones = (DeliveryState.CLAIMED, DeliveryState.DEFERRED)
        times = [None if row["state"] in open_ones else row["at"] for row in rows]
        held = sum(at is None for at in times)
        settled = sorted(at for at in times if at is not None)
        for start in settled or [clock.now()]:
            within = sum(start <= at < start + WEEK for at in settled)
            assert within <= limit
            still = sum(at > clock.now() - WEEK for at in settled)
            assert held + still <= limit
