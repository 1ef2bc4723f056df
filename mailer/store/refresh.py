"""A frozen audience worked out anew: who stands where, and the changes, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pyroaring import BitMap

from mailer.store import distributions
from mailer.store.base import Tx
from mailer.store.core import add_event, raise_control
from mailer.store.distributions import DELIVERY_SHIFT, NewWave, PlannedDelivery
from mailer.store.states import DeliveryState

LEFT = "no longer in the audience"
"""The reason of a delivery that a refresh took out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A distribution's people: `waiting` in batches that have not begun, `fallen` out of them
    before any try (still counted as recipients), `left` by an earlier refresh (not counted), and
    `kept`, whom a refresh leaves alone."""

    waiting: BitMap
    fallen: BitMap
    left: BitMap
    kept: BitMap


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody new, the list his delivery is attributed to, and his batch."""

    journalist: int
    list: int
    wave: int


def standing(tx: Tx, distribution: int) -> Standing:
    """Who stands where."""
    found = {
        row["what"]: BitMap(orjson.loads(row["people"]))
        for row in tx.all("refresh.standing", distribution=distribution, left=LEFT)
    }
    return Standing(*(found.get(name, BitMap()) for name in ("waiting", "fallen", "left", "kept")))


def shape(tx: Tx, distribution: int) -> list[tuple[Any, ...]]:
    """What a change is worked out for and must find again: the batches with their texts and times,
    and the last delivery, behind which newcomers are numbered. That a batch begins, or that
    somebody falls out, is no other shape: `change` sees it."""
    waves = sorted(distributions.waves(tx, distribution), key=lambda wave: wave["id"])
    last = tx.value("refresh.last_delivery", distribution=distribution)
    named = ("id", "due_at", "compiled", "early", "moved_to")
    return [*(tuple(wave[name] for name in named) for wave in waves), (last,)]


def change(
    tx: Tx,
    distribution: int,
    *,
    went: Iterable[int],
    back: Iterable[int],
    came: Sequence[Newcomer],
    waves: Sequence[NewWave],
    left_out: Sequence[tuple[int, str]],
    audience: Mapping[str, Any],
    actor: str,
) -> dict[str, int]:
    """Carry it out; how many really `went`, came `back` and `came`, since somebody may have left
    or a batch begun meanwhile. The history keeps who."""
    place = {"distribution": distribution}
    for wave in waves:
        tx.run("distributions.insert_wave", **place, **wave._asdict())
    open_waves = {
        row["id"]: row["due_at"]
        for row in distributions.waves(tx, distribution)
        if row["state"] in ("scheduled", "waiting")
    }
    more: dict[int, int] = {}
    moved: dict[str, list[int]] = {"leave": [], "come_back": []}
    fallen, left = int(DeliveryState.SUPPRESSED), int(DeliveryState.CANCELLED)
    for name, people, by, extra in (
        ("leave", went, -1, {"left": LEFT}),
        ("come_back", back, 1, {"state": left}),
        ("come_back", back, 0, {"state": fallen}),
    ):
        rows = tx.all(f"refresh.{name}", array=json.dumps(list(people)), **place, **extra)
        moved[name] += [row["journalist"] for row in rows]
        for row in rows:
            more[row["wave"]] = more.get(row["wave"], 0) + by
    change = len(came) + sum(more.values())
    planned = []
    last = tx.value("refresh.last_delivery", **place) or distribution << DELIVERY_SHIFT
    due = {wave.id: wave.due_at for wave in waves}
    made = set(due)
    for each in came:
        if each.wave not in open_waves:
            change -= 1
            continue
        if each.wave not in due:
            last_due: int | None = tx.value("refresh.last_due", wave=each.wave, **place)
            due[each.wave] = open_waves[each.wave] if last_due is None else last_due
        last += 1
        planned.append(PlannedDelivery(last, each.journalist, each.list, each.wave, due[each.wave]))
        if each.wave not in made:
            more[each.wave] = more.get(each.wave, 0) + 1
    distributions.insert_deliveries(tx, distribution, planned, 0)
    for stands, number in more.items():
        tx.run("refresh.count_wave", wave=stands, more=number, **place)
    tx.run("refresh.forget_left_out", **place)
    distributions.insert_left_out(tx, distribution, left_out)
    reasons: dict[str, int] = {}
    for _, why in left_out:
        reasons[why] = reasons.get(why, 0) + 1
    tx.run(
        "refresh.count_all",
        more=change,
        left_out=json.dumps(reasons),
        audience=json.dumps(audience, ensure_ascii=False),
        **place,
    )
    data = {
        "came": [each.journalist for each in planned],
        "back": moved["come_back"],
        "went": moved["leave"],
    }
    add_event(tx, "refreshed", actor, distribution=distribution, data=data)
    raise_control(tx)
    return {"came": len(planned), "back": len(data["back"]), "went": len(data["went"])}


def clear_approval(tx: Tx, distribution: int, actor: str) -> bool:
    """Somebody else must approve it once more before anything of it leaves (decision 16)."""
    reason = "the audience was refreshed"
    changed = tx.run("refresh.to_draft", distribution=distribution, reason=reason)
    if changed:
        add_event(tx, "approval_cleared", actor, distribution=distribution, data={"reason": reason})
    return bool(changed)
