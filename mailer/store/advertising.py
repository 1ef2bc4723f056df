"""What the rules of advertising ask of people (E15 to E19)."""

from __future__ import annotations

from collections.abc import Sequence

from mailer.audience.advertising import Person
from mailer.store.base import Tx, query_in


def facts(tx: Tx, people: Sequence[int]) -> dict[int, Person]:
    """Some people by id, as the rules look at them."""
    if not people:
        return {}
    sql, params = query_in("advertising.facts", tx.dialect, people)
    return {
        row["id"]: Person(
            email=row["email"],
            country=row["country"],
            basis=row["consent_basis"],
            outlet=row["outlet"],
            outlet_type=row["outlet_type"],
            signed_up=bool(row["signed_up"]),
        )
        for row in tx.rows(sql, params)
    }
