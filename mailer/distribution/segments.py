"""What an officer sees of a segment before anything is sent: how many, who, and who not and why.

Counts come from bitmaps of the store (`mailer/store/bitmaps.py`), read in the same transaction as
everything else of the answer, so that it is of one instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from mailer.audience.conditions import FACETS, Has, leaves
from mailer.audience.rules import WEEK
from mailer.audience.segments import Segment
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import find_segments
from mailer.distribution.rules import house_of
from mailer.store import audience
from mailer.store.base import Tx
from mailer.store.bitmaps import Index, Share, index_of
from mailer.store.selection import facet_ids

BREAKDOWN = ("country", "language", "outlet", "beat")
"""What a preview breaks its recipients down by."""

SHOWN = 50
"""Names in a preview, and names of those left out."""

MOST_SHARES = 20
"""Values of one field in a breakdown; the others are counted together."""


@dataclass(slots=True)
class Preview:
    """Whom a segment would reach now.

    `internal` get a marked copy beside it and are in no other figure but `selected`. `left_out` is
    who is selected and would not be planned, by reason. Of the recipients `waiting` are those whose
    mail would wait or be left out if it were sent now: away, paused, or `capped`. By field,
    `breakdown` has the most frequent values as written in lists and in `""` who has none;
    `others` how many more values there are. `people` and `left_out_people` are the first of each.
    """

    segment: str
    text: str
    selected: int
    recipients: int
    internal: int
    left_out: dict[str, int]
    waiting: dict[str, int]
    breakdown: dict[str, dict[str, int]]
    others: dict[str, int]
    people: list[dict[str, str]]
    left_out_people: list[dict[str, str]]
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preview(room: Newsroom, name: str) -> Preview:
    """What a segment, `list:NAME` or a text in the compact form selects now.

    Raises as `find_segments` does.
    """
    (segment,) = find_segments(room, [name])
    cap = house_of(room.config).weekly_cap
    index = index_of(room.store)
    found = _preview(room, index, segment, cap)
    index.keep(room.store)
    return found


def _preview(room: Newsroom, index: Index, segment: Segment, cap: int | None) -> Preview:
    with room.store.read() as tx:
        with index.at(tx) as view:
            found = view.select([segment])
            parts = {
                each: view.breakdown(found.recipients, each, MOST_SHARES) for each in BREAKDOWN
            }
            capped = view.capped(found.recipients, [segment], cap, tx.now() - WEEK)
        written = {each: _as_written(tx, each, part.shares) for each, part in parts.items()}
        for each, part in parts.items():
            if part.without:
                written[each][""] = part.without
        out = {"suppressed": found.suppressed, **found.others}
        reasons = {number: why for why, people in out.items() for number in people[:SHOWN]}
        chosen = sorted(reasons)[:SHOWN]
        return Preview(
            segment=segment.name,
            text=segment.as_text(),
            selected=len(found.everybody),
            recipients=len(found.recipients),
            internal=len(found.internal),
            left_out={why: len(people) for why, people in out.items() if people},
            waiting={
                why: len(people)
                for why, people in (
                    ("away", found.away),
                    ("paused", found.paused),
                    ("capped", capped),
                )
                if people
            },
            breakdown=written,
            others={each: part.others for each, part in parts.items()},
            people=shown_people(tx, list(found.recipients[:SHOWN])),
            left_out_people=[
                {**person, "reason": reasons[number]}
                for number, person in zip(chosen, shown_people(tx, chosen), strict=True)
            ],
            warnings=advice(tx, [segment]),
        )


def warnings(room: Newsroom, segments: Sequence[Segment]) -> list[str]:
    """What is doubtful in segments, as sentences: see `advice`."""
    with room.store.read() as tx:
        return advice(tx, segments)


def advice(tx: Tx, segments: Sequence[Segment]) -> list[str]:
    """Conditions that contradict each other, values that nobody has, with the nearest that somebody
    has, and texts that may have been meant as one."""
    found: list[str] = []
    texts = [each for each in segments if each.name == each.as_text() and not _is_list(each)]
    if texts and len(segments) > 1:
        found.append(
            f"whoever fits one of {len(segments)} segments gets it, {texts[0].name} among them; "
            "for conditions that must hold together write one text in quotation marks."
        )
    for segment in segments:
        if reason := segment.nobody:
            found.append(f"nobody can match {segment.name}: {reason}.")
        unknown: dict[tuple[str, str], None] = {}
        for has, _ in leaves(segment.tree):
            if has.field in FACETS:
                known = facet_ids(tx, has.field, has.values)
                unknown |= dict.fromkeys((has.field, v) for v in has.values if v not in known)
        for name, value in list(unknown)[:_MOST_UNKNOWN]:
            found.append(f'nobody has {name} "{value}".{_nearest(tx, name, value)}')
        if len(unknown) > _MOST_UNKNOWN:
            found.append(f"{len(unknown) - _MOST_UNKNOWN:,} more values are nobody's.")
    return found


_MOST_UNKNOWN = 5


def _is_list(segment: Segment) -> bool:
    return isinstance(segment.tree, Has) and segment.tree.field == "list"


def _nearest(tx: Tx, name: str, value: str) -> str:
    near = get_close_matches(value, audience.facets_like(tx, name, value), 1)
    return f' Did you mean "{near[0]}"?' if near else ""


def _as_written(tx: Tx, name: str, shares: Sequence[Share]) -> dict[str, int]:
    """Values as lists write them, not as they are compared: countries and languages have codes, of
    others somebody who has them tells."""
    if name == "country":
        return {each.value.upper(): each.people for each in shares}
    if name == "language":
        return {each.value: each.people for each in shares}
    said = audience.as_written(tx, name, [each.example for each in shares])
    return {said.get(each.value, each.value): each.people for each in shares}


def shown_people(tx: Tx, numbers: Sequence[int]) -> list[dict[str, str]]:
    """Name (else address), outlet, country and language of these people, by id."""
    return [
        {
            "name": f"{row['first_name']} {row['last_name']}".strip() or row["email"] or "",
            **{name: row[name] for name in ("outlet", "country", "language")},
        }
        for row in audience.people(tx, numbers)
    ]
