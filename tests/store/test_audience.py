"""Segments as SQL: who is selected, for which list, and what is hidden."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.audience.conditions import Has, Node, Non, all_of, any_of, facets_of, none_of
from mailer.audience.journalist import Journalist
from mailer.audience.segments import Segment, from_text, list_segment
from mailer.clock import to_datetime
from mailer.errors import NotFound, StoreUnavailable
from mailer.store import Store, open_store, snapshots, subjects, suppression
from mailer.store.audience import candidates, count, list_facts, members
from mailer.store.base import Tx
from mailer.store.bitmap_data import refreshed
from mailer.store.bitmaps import DAY, View, index_of
from mailer.store.distributions import (
    NewDistribution,
    PlannedDelivery,
    insert,
    insert_deliveries,
)
from mailer.store.imports import carry_out, flip, take
from mailer.store.touched import EVERYBODY, FACTS, Touched

from tests.audience.trees import DAY_VALUES, trees
from tests.store.people import address_hash, bring_in, incoming, open_import
from tests.store.seed import seed_journalists

BEATS = ("energy", "EU affairs", "sport", "Żegluga")
COUNTRIES = ("BE", "PL", "")
LANGUAGES = ("en", "pl", "fr")
OUTLETS = ("Daily X", "Radio Y", "")
KINDS = ("daily", "agency", "")
ZONES = ("Europe/Brussels", "Asia/Tokyo")
LISTS = ("alpha", "beta", "gamma")

VALUES = {
    "list": LISTS,
    "beat": (*BEATS, "nobody's"),
    "country": ("be", "Poland", "FR"),
    "language": LANGUAGES,
    "outlet": ("DAILY x", "radio Y"),
    "outlet_type": ("daily", "news agency"),
    "zone": ZONES,
    "tag": ("vip",),
    "joined": DAY_VALUES,
    "accepted": DAY_VALUES,
    "got": ("news", "other"),
    "complained": ("ever", "never"),
    "replied": ("ever",),
}


def people(seed: int, number: int) -> list[Journalist]:
    """`number` made-up journalists, the same for the same seed."""
    dice = random.Random(seed)
    return [
        Journalist(
            f"j{n}@example.com",
            last_name=f"N{n}",
            beats=tuple(dice.sample(BEATS, dice.randrange(3))),
            country=dice.choice(COUNTRIES),
            language=dice.choice(LANGUAGES),
            outlet=dice.choice(OUTLETS),
            outlet_type=dice.choice(KINDS),
            timezone=dice.choice(ZONES),
            consent_basis="opt_in",
            source="form",
        )
        for n in range(number)
    ]


def segments() -> st.SearchStrategy[Segment]:
    return trees(VALUES).map(lambda tree: Segment("s", "S", tree))


Population = tuple[Store, dict[int, dict[str, frozenset[str]]]]


@pytest.fixture
def population(store: Store) -> Iterator[Population]:
    """A store with 60 people on up to three lists, what they got and how they answered, and what
    each can be asked for, by id."""
    everybody = people(7, 60)
    dice = random.Random(8)
    on = {name: [p for p in everybody if dice.random() < 0.5] for name in LISTS}
    for name in LISTS:
        bring_in(store, name, on[name])
    with store.write() as tx:
        tx.execute("UPDATE memberships SET state = 'left' WHERE journalist = 3", {})
        tx.execute(
            "UPDATE memberships SET joined_at = :base + (journalist % 7) * 30 * :day",
            {"base": _instant("2024-12-15"), "day": DAY},
        )
        ids = {row["email"]: row["journalist"] for row in tx.rows("SELECT * FROM addresses", {})}
    mails = _mailed(store, sorted(ids.values()))
    facets: dict[int, dict[str, frozenset[str]]] = {}
    for person in everybody:
        number = ids.get(person.email)
        if number is None or number == 3:
            continue
        mine: dict[str, set[str]] = {"list": {n for n in LISTS if person in on[n]}}
        for name, value in {*facets_of(person), *mails.get(number, ())}:
            mine.setdefault(name, set()).add(value)
        joined = _instant("2024-12-15") + number % 7 * 30 * DAY
        mine["joined"] = {to_datetime(joined).date().isoformat()}
        facets[number] = {name: frozenset(values) for name, values in mine.items()}
    yield store, facets


def _mailed(store: Store, everybody: list[int]) -> dict[int, set[tuple[str, str]]]:
    """Two releases accepted by every second and third, on several days; what it makes of each."""
    found: dict[int, set[tuple[str, str]]] = {}
    with store.write() as tx:
        for number, slug in enumerate(("news", "other"), 1):
            tx.copy("releases", ["id", "slug", "created_at"], [(number, slug, 1)])
            new = NewDistribution(number, 1, "digest", 50, "hold", None, 1, "UTC", {})
            place = insert(tx, new, "anna")
            chosen = [person for person in everybody if person % (number + 1) == 0]
            insert_deliveries(
                tx, place,
                [PlannedDelivery((place << 32) + n, n, 1, 1) for n in chosen], 1,
            )  # fmt: skip
            for person in chosen:
                at = _instant("2025-02-20") + person % 5 * 40 * DAY
                feedback = {0: "complained", 1: "replied"}.get(person % 6)
                tx.execute(
                    "UPDATE deliveries SET state = 3, last_attempt_at = :at, feedback = :feedback "
                    "WHERE journalist = :person AND distribution = :place",
                    {"at": at, "feedback": feedback, "person": person, "place": place},
                )
                mine = found.setdefault(person, set())
                mine |= {("accepted", to_datetime(at).date().isoformat()), ("got", slug)}
                if feedback:
                    mine.add((feedback, "ever"))
    return found


def _instant(day: str) -> int:
    return round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_sql_and_bitmaps_select_whom_the_language_means(population: Population) -> None:
    """Any tree of conditions, nested anyhow, with days and history: SQL and bitmaps agree with
    `Segment.matches`, counts agree with them, and so does the tree read back from its text and
    from JSON; each person once, for the first list named that he is on."""
    store, facets = population

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(segments(), min_size=1, max_size=2))
    def agrees(wanted: list[Segment]) -> None:
        expected = [
            number
            for number in sorted(facets)
            if any(segment.matches(facets[number]) for segment in wanted)
        ]
        named = [name for segment in wanted for name in segment.lists]
        with store.read() as tx:
            rows = list(candidates(tx, wanted))
            counted = count(tx, wanted)
            with index_of(store).at(tx) as view:
                selected = view.select(wanted)
        assert [row["id"] for row in rows] == expected
        assert list(selected.everybody) == list(selected.recipients) == expected
        assert counted["selected"] == counted["recipients"] == len(expected)
        for row in rows:
            mine = facets[row["id"]]["list"]
            first = next((name for name in named if name in mine), min(mine))
            assert LISTS[row["list"] - 1] == first
        if any(segment.nobody for segment in wanted) and len(wanted) == 1:
            assert expected == []

    agrees()


def test_the_first_who_fit(population: Population) -> None:
    """First N by fit: most of the beats asked for, then who joined last, then by id; who may not
    be written to takes nobody's place. SQL and bitmaps choose the same."""
    store, facets = population
    with store.write() as tx:
        for number, scope in ((10, "all"), (12, "list:1")):
            hash = tx.rows(f"SELECT hash FROM addresses WHERE journalist = {number}", {})[0]["hash"]
            suppression.add(tx, bytes(hash), scope=scope, reason="opt-out", actor="x", evidence={})
    asked = ("energy", "sport", "eu affairs")
    for size in (1, 4, 9, 20, 60):
        tree = any_of([Has("beat", asked), Has("language", ("pl",))])
        segment = Segment("s", "S", tree, size)
        best = sorted(
            (number for number, mine in facets.items() if segment.matches(mine)),
            key=lambda n: (
                -len(facets[n].get("beat", frozenset()) & set(asked)),
                [-ord(c) for c in min(facets[n]["joined"])],
                n,
            ),
        )
        # 12 is on list 1 or his deliveries are attributed to another one.
        gone = {10} | ({12} if "alpha" in facets.get(12, {}).get("list", ()) else set())
        expected = sorted([number for number in best if number not in gone][:size])
        with store.read() as tx:
            assert [row["id"] for row in candidates(tx, [segment])] == expected
            with index_of(store).at(tx) as view:
                assert list(view.select([segment]).everybody) == expected


def test_bitmaps_are_never_stale(population: Population) -> None:
    """Whatever statement changes what a segment asks for, by any process: the next answer has it,
    and an import that is under way is not seen before it is whole."""
    store, _ = population
    other = open_store(store.url)  # another process as far as bitmaps are concerned
    wanted = [
        Segment("a", "A", Has("beat", ("energy",))),
        Segment("b", "B", Has("list", ("alpha",))),
        Segment("c", "C", Non((Has("language", ("en",)),))),
    ]

    def keep_anew() -> None:
        with other.read() as tx:
            read = snapshots.pack(refreshed(tx, None))
        assert snapshots.keep(other, read)

    def same() -> list[list[int]]:
        found = []
        for each in wanted:
            with store.read() as tx:
                rows = list(candidates(tx, [each]))
                with index_of(store).at(tx) as view:
                    selected = view.select([each])
                    repeated = View(tx, refreshed(tx, None)).select([each])
                    data = snapshots.read(tx)
                    assert data is not None and not data.fresh
                    kept = View(tx, refreshed(tx, data))
                    assert kept.select([each]) == repeated
                    for name in ("outlet", "beat"):
                        both = [v.breakdown(selected.everybody, name, 3) for v in (view, kept)]
                        assert both[0] == both[1]
            assert list(selected.everybody) == [row["id"] for row in rows]
            gets = [r["id"] for r in rows if r["state"] == "active" and not r["suppressed"]]
            assert list(selected.recipients) == gets
            assert selected == repeated
            found.append(gets)
        return found

    keep_anew()
    before = same()
    steps: list[Callable[[Tx], object]] = [
        lambda tx: tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 5", {}),
        lambda tx: tx.run("suppression.leave_list", list=1, journalist=before[1][0], at=1),
        lambda tx: tx.run("suppression.rejoin_list", list=1, journalist=before[1][0]),
        lambda tx: suppression.add(
            tx, address_hash("j7@example.com"), scope="all", reason="opt-out", actor="x",
            evidence={},
        ),
        lambda tx: suppression.add(
            tx, address_hash("j8@example.com"), scope="list:1", reason="opt-out", actor="x",
            evidence={},
        ),
        lambda tx: tx.execute("DELETE FROM suppressions", {}),
        lambda tx: tx.execute("DELETE FROM facets WHERE journalist = 8", {}),
        lambda tx: tx.execute("INSERT INTO facets SELECT 8, min(id) FROM facet_values", {}),
        lambda tx: tx.execute("DELETE FROM addresses WHERE journalist = 9", {}),
        lambda tx: tx.run("preferences.put", journalist=12, weekly_cap=None, office_hours=0,
                          away_until=None, paused=1, no_embargoes=0, language="", at=1),
        lambda tx: tx.run("merges.join_lists", stays=11, journalist=12),
        lambda tx: tx.run("merges.join_preferences", stays=11, journalist=12),
        lambda tx: tx.execute("UPDATE preferences SET paused = 1 - paused", {}),
    ]  # fmt: skip
    for step in steps:
        with other.write() as tx:
            step(tx)
        same()
    run = open_import(other, "alpha")
    newcomers = [Journalist(f"n{n}@example.com", language="pl", consent_basis="opt_in",
                            source="form", beats=("energy",)) for n in range(5)]  # fmt: skip
    stood = same()
    with other.write() as tx:
        take(tx, run, [incoming(person) for person in newcomers])
    assert same() == stood
    keep_anew()  # with people in it that nobody may see yet
    with other.write() as tx:
        flip(tx, run)
    with other.write() as tx:
        assert carry_out(tx, run.id, 100)
    assert [len(now) - len(was) for now, was in zip(same(), stood, strict=True)] == [5, 5, 5]
    other.close()


def test_a_snapshot_says_nothing_of_who_is_gone(population: Population) -> None:
    """E12: it goes with an erasure, also one that comes while it is written, and by retention when
    anybody has changed; one that is not whole is none."""
    store, _ = population
    with store.read() as tx:
        known = snapshots.pack(refreshed(tx, None))

    def kept() -> bool:
        with store.read() as tx:
            rows = tx.rows("SELECT count(*) AS n FROM audience_snapshots", {})[0]["n"]
            found = snapshots.read(tx) is not None
        assert found or not rows
        return found

    assert snapshots.keep(store, known) and kept()
    with store.write() as tx:
        snapshots.forget_old(tx)
    assert kept(), "nobody has changed"
    with store.write() as tx:
        tx.execute("DELETE FROM audience_snapshots WHERE number = 1", {})
    with store.read() as tx:
        assert snapshots.read(tx) is None
    assert snapshots.keep(store, known) and kept()
    with store.write() as tx:
        subjects.forget_rows(tx, 5)
    assert not kept()
    assert not snapshots.keep(store, known), "read before"
    assert not kept()
    with store.read() as tx:
        known = snapshots.pack(refreshed(tx, None))
    assert snapshots.keep(store, known)
    with store.write() as tx:
        tx.execute("DELETE FROM facets WHERE journalist = 8", {})
    with store.write() as tx:
        snapshots.forget_old(tx)
    assert not kept()


def test_only_those_who_changed_are_told(population: Population) -> None:
    """A merge, an address changed for another's and a job that found nothing do not make each
    process read a million people again; what names nobody tells of everybody."""
    store, _ = population
    told: list[tuple[str, dict[str, Any], set[tuple[str, int]]]] = [
        ("retention.forget_absences", {"before": 1, "limit": 9}, set()),
        ("merges.join_lists", {"stays": 11, "journalist": 12}, {(FACTS, 0)}),
        ("merges.gone", {"journalist": 12, "now": 1}, {(FACTS, 0)}),
    ]
    for name, params, blocks in told:
        with store.write() as tx:
            tx.run(name, **params)
            assert tx.touched.blocks == blocks
    with store.write() as tx:
        tx.execute("UPDATE memberships SET joined_at = joined_at + 1", {})
        assert tx.touched.blocks == {(FACTS, EVERYBODY)}
    sql = "INSERT INTO facets (journalist, facet) SELECT max(:a, 1), facet FROM facets"
    told_of = Touched()
    told_of.statement(sql, {"a": 2}, 1)
    assert told_of.blocks == {(FACTS, EVERYBODY)}


def test_thousands_of_values_and_conditions(population: Population) -> None:
    """Bad input: 10,000 values in one condition, 400 alternatives and 50 levels are no trouble."""
    store, facets = population
    many = Has("outlet", (*(f"x{n}" for n in range(10_000)), "daily x"))
    wide = any_of([all_of([Has("beat", (f"b{n}",)), Has("zone", ("x",))]) for n in range(200)])
    deep: Node = Has("language", ("en",))
    for _ in range(24):
        deep = none_of([all_of([deep, Has("country", ("be",))])])
    for tree in (many, any_of([wide, many]), deep):
        segment = Segment("s", "S", tree)
        expected = [number for number, mine in facets.items() if segment.matches(mine)]
        with store.read() as tx:
            assert [row["id"] for row in candidates(tx, [segment])] == sorted(expected)
            with index_of(store).at(tx) as view:
                assert list(view.select([segment]).everybody) == sorted(expected)


def test_everybody_on_a_list_once_in_order(store: Store) -> None:
    """D4: two segments that overlap select each person once, by ascending id."""
    seed_journalists(store, 5)
    with store.write() as tx:
        tx.copy("memberships", ["list", "journalist", "state", "joined_at"], [(2, 3, "active", 1)])
    both = [list_segment("Topic"), list_segment("press")]
    with store.read() as tx:
        rows = list(candidates(tx, both))
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["list"] for row in rows] == [1, 1, 2, 1, 1]


def test_suppressed_and_on_hold_are_told_not_dropped(store: Store) -> None:
    """E9, F10: whoever is left out can be counted by reason; a list's opt-out counts only for
    deliveries of that list."""
    rows = people(1, 5)
    bring_in(store, "alpha", [*rows[:4], incoming(rows[4], "no basis")])
    bring_in(store, "beta", rows[1:2])
    for email, scope in (("j0@example.com", "all"), ("j1@example.com", "list:1")):
        with store.write() as tx:
            suppression.add(
                tx, address_hash(email), scope=scope, reason="opt-out", actor="x", evidence={}
            )
    with store.read() as tx:
        alpha = {
            r["id"]: (r["state"], r["suppressed"]) for r in candidates(tx, [list_segment("alpha")])
        }
        beta = [(r["id"], r["suppressed"]) for r in candidates(tx, [list_segment("beta")])]
        counted = count(tx, [list_segment("alpha")])
        exported = [row["email"] for row in members(tx, 1)]
        facts = {each["name"]: each for each in list_facts(tx)}
    assert alpha == {
        1: ("active", 1),
        2: ("active", 1),
        3: ("active", 0),
        4: ("active", 0),
        5: ("on_hold", 0),
    }
    assert beta == [(2, 0)]
    assert counted == {
        "selected": 5,
        "recipients": 2,
        "suppressed": 2,
        "on_hold": 1,
        "other": 0,
        "internal": 0,
    }
    assert exported == ["j2@example.com", "j3@example.com", "j4@example.com"]
    assert (facts["alpha"]["members"], facts["alpha"]["suppressed"]) == (5, 2)
    assert (facts["alpha"]["on_hold"], facts["beta"]["suppressed"]) == (1, 0)


def test_nobody(store: Store) -> None:
    """A value that nobody has selects nobody, and so do no segments."""
    seed_journalists(store, 2)
    nobody = Segment("x", "X", Has("beat", ("energy",)))
    with store.read() as tx:
        assert list(candidates(tx, [nobody])) == []
        assert list(candidates(tx, [])) == []
        with pytest.raises(NotFound, match="no list"):
            list(candidates(tx, [list_segment("nowhere")]))


def test_an_unfinished_import_is_not_seen(store: Store) -> None:
    """Design 11: rows that are staged are seen by nobody, and all at once after the flip."""
    rows = people(2, 6)
    bring_in(store, "alpha", rows[:2])
    run = open_import(store, "alpha")
    with store.write() as tx:
        take(tx, run, [incoming(person) for person in rows])
    segment = [list_segment("alpha")]
    with store.read() as tx:
        assert count(tx, segment)["selected"] == 2
        assert len(list(members(tx, 1))) == 2
        assert list_facts(tx)[0]["members"] == 2
    with store.write() as tx:
        flip(tx, run)
    # Until its changes are carried out, half of it might be seen: nobody gets an answer.
    with store.read() as tx, pytest.raises(StoreUnavailable):
        count(tx, segment)


def test_what_he_chose_outlives_an_import(store: Store) -> None:
    """E: a beat that he declined does not select him, one that he added does, whatever lists say,
    and his language is the one he chose; also after the next import of him."""
    person = Journalist("ada@example.com", beats=("EU", "Sport"), language="en", source="form",
                        consent_basis="opt_in")  # fmt: skip
    other = replace(person, email="bo@example.com", beats=("Energy",), language="")
    bring_in(store, "alpha", [person, other])
    with store.write() as tx:
        ids = {row["value"]: row["id"] for row in tx.rows("SELECT * FROM facet_values", {})}
        tx.copy("beat_choices", ["journalist", "facet", "wanted", "created_at"],
                [(1, ids["sport"], 0, 1), (1, ids["energy"], 1, 1)])  # fmt: skip
        tx.copy("preferences", ["journalist", "language", "updated_at"], [(1, "pl", 1)])
    changed = replace(person, beats=("EU", "Sport", "Culture"), language="fr", outlet="Daily Z")
    bring_in(store, "alpha", [changed])
    found = {}
    with store.read() as tx:
        for text in ("beat:sport", "beat:energy", "beat:culture", "language:fr", "language:pl"):
            rows = candidates(tx, [from_text(text, {})], languages=True)
            found[text] = [(row["id"], row["language"]) for row in rows]
    assert found == {
        "beat:sport": [],
        "beat:energy": [(1, "pl"), (2, "")],
        "beat:culture": [(1, "pl")],
        "language:fr": [],
        "language:pl": [(1, "pl")],
    }
