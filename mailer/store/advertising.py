"""What the rules of advertising ask of people (E15 to E19)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mailer.audience.advertising import Person
from mailer.store.base import Tx, query_in


def facts(tx: Tx, people: Sequence[int]) -> dict[int, Person]:
    """Some people by id, as the rules look at them."""
    if not people:
        return {}
    signed_up = _signed_up(tx, people)
    sql, params = query_in("advertising.facts", tx.dialect, people)
    return {
        row["id"]: Person(
            email=row["email"],
            country=row["country"],
            basis=row["consent_basis"],
            outlet=row["outlet"],
            outlet_type=row["outlet_type"],
            signed_up=row["id"] in signed_up,
        )
        for row in tx.rows(sql, params)
    }


def _signed_up(tx: Tx, people: Sequence[int]) -> set[int]:
    """Who is on a topic list that he asked for himself and confirmed (double opt-in, E15): being
    on it proves nothing, since a list may be imported and a change of address carries it over."""
    agreed: set[tuple[int, int]] = set()
    sql, params = query_in("advertising.consents", tx.dialect, people)
    for row in tx.rows(sql, params):
        # Of somebody erased nothing but numbers is left.
        lists = json.loads(row["data"]).get("lists", [])
        agreed.update((row["journalist"], number) for number in lists)
    if not agreed:
        return set()
    sql, params = query_in("advertising.topics", tx.dialect, {number for number, _ in agreed})
    on = {(row["journalist"], row["list"]) for row in tx.rows(sql, params)}
    return {number for number, _ in agreed & on}
