"""Beats of people, and what a link came with, for the tests of the journalist's page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mailer.release.codec import to_json
from mailer.store import Store

from tests.web.office import NOW
from tests.web.test_published import release

COMMON = ("migration", "human rights", "eu affairs", "energy", "trade", "justice")
"""Beats that enough people have to be offered to everybody."""


def beats(store: Store, journalist: int, own: Sequence[str], others: int = 6) -> None:
    """Give one person beats, and `others` made-up people all of COMMON."""
    with store.write() as tx:
        numbers: dict[str, int] = {}
        for value in dict.fromkeys([*COMMON, *own]):
            numbers[value] = tx.next_ids("facet")
            tx.run("imports.add_facet", id=numbers[value], field="beat", value=value)
        rows = [(journalist, numbers[value]) for value in own]
        rows += [(900 + n, numbers[value]) for n in range(others) for value in COMMON]
        tx.copy("facets", ("journalist", "facet"), rows)
        tx.execute(
            "UPDATE journalists SET beats = :b WHERE id = :j",
            {"b": "; ".join(own), "j": journalist},
        )


def sent_about(store: Store, distribution: int, headline: str, wanted: Sequence[str]) -> None:
    """Say what a distribution brought, and that it went to people with these beats."""
    found: Any = release("headline", headline)
    segments = {"s": {"title": "S", "all": [{"beat": list(wanted)}]}} if wanted else {}
    with store.write() as tx:
        tx.copy(
            "revisions",
            (
                *("release", "number", "sha256", "file", "headline", "language", "source"),
                *("document", "actor", "created_at"),
            ),
            [(1, 1, "x", "x.md", headline, "en", b"", json.dumps(to_json(found)), "test", NOW)],
        )
        tx.execute(
            "UPDATE distributions SET audience = :a WHERE id = :d",
            {"a": json.dumps({"to": ["s"], "segments": segments}), "d": distribution},
        )
