"""Segments as SQL: who is selected, for which list, and what is hidden."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.audience.journalist import Journalist
from mailer.audience.conditions import facet_value, facets_of
from mailer.audience.segments import Segment, list_segment
from mailer.errors import NotFound, StoreUnavailable
from mailer.store import Store, suppression
from mailer.store.audience import candidates, count, list_facts, members
from mailer.store.imports import flip, take

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


def tables() -> st.SearchStrategy[Condition]:
    fields = st.sampled_from(FIELDS).flatmap(
        lambda name: st.tuples(
            st.just(name),
            st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=2).map(
                lambda values: tuple(facet_value(name, value) for value in values)
            ),
        )
    )
    return st.lists(fields, min_size=1, max_size=2, unique_by=lambda pair: pair[0]).map(
        lambda pairs: Condition(tuple(pairs))
    )


def segments() -> st.SearchStrategy[Segment]:
    part = st.lists(tables(), max_size=2).map(tuple)
    return st.builds(Segment, st.just("s"), st.just("S"), all=part, any=part, none=part)


@pytest.fixture
def population(store: Store) -> Iterator[tuple[Store, dict[int, dict[str, frozenset[str]]]]]:
    """A store with 60 people on up to three lists, and what each can be asked for, by id."""
    everybody = people(7, 60)
    dice = random.Random(8)
    on = {name: [p for p in everybody if dice.random() < 0.5] for name in LISTS}
    for name in LISTS:
        bring_in(store, name, on[name])
    with store.write() as tx:
        tx.execute("UPDATE memberships SET state = 'left' WHERE journalist = 3", {})
        ids = {row["email"]: row["journalist"] for row in tx.rows("SELECT * FROM addresses", {})}
    facets: dict[int, dict[str, frozenset[str]]] = {}
    for person in everybody:
        number = ids.get(person.email)
        if number is None or number == 3:
            continue
        mine: dict[str, set[str]] = {"list": {n for n in LISTS if person in on[n]}}
        for name, value in facets_of(person):
            mine.setdefault(name, set()).add(value)
        facets[number] = {name: frozenset(values) for name, values in mine.items()}
    yield store, facets


def test_sql_selects_whom_the_language_means(
    population: tuple[Store, dict[int, dict[str, frozenset[str]]]],
) -> None:
    """Any tree of conditions: the SQL agrees with `Segment.matches`, and counts agree with it;
    each person once, for the first list named that he is on."""
    store, facets = population

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
        assert [row["id"] for row in rows] == expected
        assert counted["selected"] == counted["recipients"] == len(expected)
        for row in rows:
            mine = facets[row["id"]]["list"]
            first = next((name for name in named if name in mine), min(mine))
            assert LISTS[row["list"] - 1] == first

    agrees()


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
    assert counted == {"selected": 5, "recipients": 2, "suppressed": 2, "on_hold": 1, "other": 0}
    assert exported == ["j2@example.com", "j3@example.com", "j4@example.com"]
    assert (facts["alpha"]["members"], facts["alpha"]["suppressed"]) == (5, 2)
    assert (facts["alpha"]["on_hold"], facts["beta"]["suppressed"]) == (1, 0)


def test_nobody(store: Store) -> None:
    """A value that nobody has selects nobody, and so do no segments."""
    seed_journalists(store, 2)
    nobody = Segment("x", "X", all=(Condition((("beat", ("energy",)),)),))
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
