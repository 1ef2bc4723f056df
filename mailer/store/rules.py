"""What the ledger knows for rules (caps, gaps, hours, absence), and what rules write in it.

All of it within the transaction of a claim. Who may get one message more is counted after nobody
else can claim for him: on PostgreSQL his row is locked first, on SQLite there is one writer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from mailer.store.base import Row, Tx
from mailer.store.core import add_event, raise_control
from mailer.store.states import DeliveryState

_EVENT = ("at", "kind", "actor", "distribution", "delivery", "journalist", "data")
_SKIP = ("distribution", "delivery", "worker", "state", "now", "reason")


class Skip(NamedTuple):
    """A claimed delivery that is not sent, and why."""

    distribution: int
    delivery: int
    reason: str


def bound(
    tx: Tx, distribution: int, deliveries: Mapping[int, int], *, everybody: bool
) -> list[Row]:
    """What the rules ask of deliveries of a distribution, given with their people: of all of them,
    or only of those to people who chose something."""
    place = {"distribution": distribution, "now": tx.now()}
    if everybody:
        return tx.all("rules.bound", ids=json.dumps(list(deliveries)), **place)
    return tx.all("rules.bound_by_wishes", people=json.dumps(list(deliveries.values())), **place)


def lock(tx: Tx, people: Sequence[int]) -> set[int]:
    """Those of some people for whom nobody else can claim until this transaction ends; the others
    are just being claimed for."""
    return {row["id"] for row in tx.all("rules.lock", people=json.dumps(people))}


def recent(
    tx: Tx, distribution: int, people: Collection[int], since: int
) -> dict[int, tuple[int, int]]:
    """What people got, or may have got, or are about to get of other distributions since an instant
    (UTC microseconds): how many and the last one's time; nothing for who got none."""
    first = tx.value("rules.first_recent", since=since)
    rows = tx.all(
        "rules.recent",
        distribution=distribution,
        people=json.dumps(list(people)),
        since=since,
        first=first,
        now=tx.now(),
    )
    return {row["journalist"]: (row["messages"], row["last_at"]) for row in rows}


def wishes(tx: Tx) -> list[Row]:
    """What every journalist chose who chose anything."""
    return tx.all("rules.wishes")


def without_embargoes(tx: Tx) -> set[int]:
    """Who wants nothing that is not free yet."""
    return {row["journalist"] for row in tx.all("rules.without_embargoes")}


def recent_of(tx: Tx, people: Collection[int] | None, since: int) -> dict[int, tuple[int, int]]:
    """As `recent`, of all distributions; of everybody where `people` is None."""
    first = tx.value("rules.first_recent", since=since)
    place: dict[str, object] = {"since": since, "first": first, "now": tx.now()}
    if people is None:
        rows = tx.all("rules.recent_of_all", **place)
    else:
        named = json.dumps(list(people))
        rows = tx.all("rules.recent", people=named, distribution=0, **place)
    return {row["journalist"]: (row["messages"], row["last_at"]) for row in rows}


def skip(tx: Tx, worker: int, skips: Sequence[Skip]) -> int:
    """Claimed deliveries end as skipped, each with a line of history; how many.

    What was in doubt and was to be sent again is in doubt as before: the server may have it, so
    whatever reaches those who have the release reaches him (H8, D10).
    """
    if not skips:
        return 0
    now = tx.now()
    doubtful = _doubtful(tx, skips)
    ends = {True: DeliveryState.IN_DOUBT, False: DeliveryState.SKIPPED}
    found = [(each, ends[each.delivery in doubtful]) for each in skips]
    changed = tx.bulk(
        "rules.skip",
        _SKIP,
        [
            (each.distribution, each.delivery, worker, int(end), now, each.reason)
            for each, end in found
        ],
    )
    tx.bulk(
        "core.add_events",
        _EVENT,
        [
            (
                *(now, end.word, f"worker:{worker}", each.distribution, each.delivery, None),
                json.dumps({"reason": each.reason}, ensure_ascii=False),
            )
            for each, end in found
        ],
    )
    return changed


def _doubtful(tx: Tx, skips: Sequence[Skip]) -> set[int]:
    """Those of some that were in doubt once, and only because of that were claimed again."""
    found: set[int] = set()
    for distribution in {each.distribution for each in skips}:
        ids = [each.delivery for each in skips if each.distribution == distribution]
        tried = tx.all("rules.tried", distribution=distribution, ids=json.dumps(ids))
        if tried:  # the history is asked only then: it is as long as the distribution
            again = json.dumps([row["id"] for row in tried])
            rows = tx.all("rules.sent_again", distribution=distribution, ids=again)
            found |= {row["delivery"] for row in rows}
    return found


def wait(tx: Tx, distribution: int, deliveries: Iterable[int]) -> None:
    """Remember since when deliveries that were put off wait because of rules."""
    tx.run("rules.waits", distribution=distribution, ids=json.dumps(list(deliveries)), now=tx.now())


def to_lift(tx: Tx, worker: int, of: Row, deliveries: Sequence[int], reason: str) -> int:
    """Claimed, untried deliveries of an early batch wait for the embargo's end like everybody; how
    many. `of` is a row of `bound`. A batch for them is made where there is none."""
    distribution, wave = of["distribution"], of["wave"]
    language = tx.value("rules.language_of", distribution=distribution, wave=wave)
    place = {"distribution": distribution}
    lift = tx.value("embargo.lift_wave", language=language, **place)
    if lift is None:
        lift = tx.value("embargo.last_wave", **place) + 1
        new = {"due_at": of["embargo_until"], "zone": of["home"], "recipients": 0, "awaits": ""}
        tx.run("distributions.insert_wave", id=lift, language=language, **new, **place)
    ids = json.dumps(list(deliveries))
    due = min(tx.now(), of["embargo_until"])
    moving = {"lift": lift, "wave": wave, **place}
    moved = tx.run("rules.to_lift", ids=ids, due=due, worker=worker, **moving)
    tx.run("rules.resize", moved=moved, **moving)
    data = {"state": "queued", "reason": reason, "wave": lift, "deliveries": list(deliveries)}
    add_event(tx, "put_off", f"worker:{worker}", distribution=distribution, data=data)
    raise_control(tx)
    return moved


def postponed(tx: Tx, distribution: int) -> list[Row]:
    """What of a distribution waits for rules: reason, deliveries, due_at of the first."""
    return tx.all("rules.postponed", distribution=distribution)


def waiting(tx: Tx, distribution: int, wave: int) -> bool:
    """Whether anything of a batch waits for rules."""
    return tx.one("rules.waiting", distribution=distribution, wave=wave) is not None


def skipped(tx: Tx, distribution: int) -> dict[str, int]:
    """How many of a distribution were skipped, by reason."""
    rows = tx.all("rules.skipped", distribution=distribution)
    return {row["reason"]: row["deliveries"] for row in rows}
