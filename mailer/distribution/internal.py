"""Copies for the office's own people: marked, beside the distribution and outside its figures.

Whoever is reached through a list of kind `internal` gets what journalists get, its Subject marked
"[internal copy]", in a distribution of its own of kind `internal`. It makes nothing public, no cap
counts it, no figure of the distribution holds it, and before an embargo ends nobody gets it: who
must read it then needs a grant and stands on another list of the audience.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mailer.message.merge import MergeTemplate
from mailer.store import distributions, variants
from mailer.store.base import Tx
from mailer.store.core import add_event
from mailer.store.distributions import (
    DELIVERY_SHIFT,
    NewDistribution,
    NewWave,
    PlannedDelivery,
)
from mailer.store.ledger import keep_compiled

KIND = "internal"
"""Of such a list, of its distribution and of each delivery."""

MARK = "[internal copy]"
"""What the Subject begins with."""


class Copy(NamedTuple):
    """Somebody who gets one: through which list, in which language ("" for the lead text)."""

    journalist: int
    list: int
    language: str


class Text(NamedTuple):
    """One language's text with its mark: which revision it is of, and the compiled message."""

    revision: int
    template: MergeTemplate


def plan(
    tx: Tx,
    of: NewDistribution,
    copies: Sequence[Copy],
    texts: Mapping[str, Text],
    *,
    parent: int | None,
    due_at: int,
    actor: str,
) -> int:
    """Write the distribution of these copies, whole; its number. `of` is what it is made like, and
    `texts` are its messages by language ("" for the lead text)."""
    for text in texts.values():
        keep_compiled(tx, text.template.digest, text.template.to_bytes())
    lead = texts[""]
    number = distributions.insert(
        tx, replace(of, compiled=lead.template.digest, kind=KIND, parent=parent, over=0), actor
    )
    waves: dict[str, list[Copy]] = {}
    for each in copies:
        waves.setdefault(each.language if each.language in texts else "", []).append(each)
    made: list[NewWave] = []
    planned: list[PlannedDelivery] = []
    for place, (language, people) in enumerate(sorted(waves.items()), 1):
        made.append(NewWave(place, due_at, of.zone, len(people), language))
        for each in people:
            id = (number << DELIVERY_SHIFT) + len(planned) + 1
            planned.append(
                PlannedDelivery(id, each.journalist, each.list, place, due_at, kind=KIND)
            )
    for language, text in texts.items():
        if language:
            variants.add(tx, number, language, text.revision, text.template.digest)
    distributions.insert_deliveries(tx, number, planned, due_at)
    distributions.finish_plan(
        tx, number, made, recipients=len(planned), left_out={}, due_at=due_at, actor=actor
    )
    if parent is not None:
        data: dict[str, Any] = {"distribution": number, "people": len(planned)}
        add_event(tx, "internal_copies", actor, distribution=parent, data=data)
    return number
