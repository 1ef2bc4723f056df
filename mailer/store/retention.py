"""What is past its retention, and its removal in short steps (E13; docs/decisions/0019).

A run stands in the store as a fact: up to which instant it goes, where it is, what it has counted.
Each step is one transaction that removes some rows and says so there, so whoever comes next, in any
process, goes on where the last one was killed, and the counts are exact. Nothing here commits.

Of a delivery only what is there to write its message again goes: state, times, the server's answer
and the SHA-256 stay. What is queued, claimed, deferred or in doubt, and all of a release of which
something is still under way, is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mailer.store import subjects
from mailer.store.base import Tx
from mailer.store.core import add_event, fact, set_fact

_RUN = "retention_run"
_DONE = "retention_done"
_PEOPLE_AT_ONCE = 20


@dataclass(slots=True)
class Run:
    """A run that has begun. `before` is the instant (UTC µs) up to which it goes, `distribution`
    and `delivery` the last place it has dealt with."""

    begun: int
    before: int
    actor: str
    distribution: int = 0
    delivery: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, **found: int) -> None:
        """Add to what was removed, by kind."""
        for kind, n in found.items():
            if n:
                self.counts[kind] = self.counts.get(kind, 0) + n


def last_done(tx: Tx) -> int | None:
    """When the last run was finished."""
    value = fact(tx, _DONE)
    return None if value is None else int(value)


def current(tx: Tx) -> Run | None:
    """The run that has begun and is not finished."""
    value = fact(tx, _RUN)
    return None if value is None else Run(**json.loads(value))


def begin(tx: Tx, run: Run) -> None:
    """Begin a run, unless there is one."""
    set_fact(tx, _RUN, json.dumps(asdict(run)), once=True)


def hold(tx: Tx) -> Run | None:
    """The run that is not finished, for this transaction alone to change."""
    tx.run("retention.hold", name=_RUN)
    return current(tx)


def keep(tx: Tx, run: Run) -> None:
    """Keep how far a run that this transaction holds has come."""
    set_fact(tx, _RUN, json.dumps(asdict(run)))


def candidates(tx: Tx, run: Run, before: int, limit: int) -> list[int]:
    """The next distributions from which something may have to go, from the run's place on."""
    rows = tx.all("retention.candidates", first=run.distribution, before=before, limit=limit)
    return [row["id"] for row in rows]


def step(tx: Tx, run: Run, before: int, distributions: Sequence[int], limit: int) -> None:
    """Remove what is due among the next `limit` rows, of these distributions, in their order."""
    for number in distributions:
        if limit <= 0:
            return
        if number != run.distribution:
            run.distribution, run.delivery = number, 0
        limit -= 1
        if tx.one("retention.still_ended", distribution=number) is None:
            continue
        limit -= _block(tx, run, before, limit + 1)


def passed(tx: Tx, run: Run) -> bool:
    """Whether the run is at the end of the distribution it is in."""
    place = {"distribution": run.distribution, "after": run.delivery, "limit": 1}
    return not tx.value("retention.last_of_block", **place)


def finish(tx: Tx, run: Run) -> None:
    """The run is over; the history has one line of it, with its counts."""
    tx.run("core.drop_fact", name=_RUN)
    set_fact(tx, _DONE, str(tx.now()))
    told(tx, run.actor, run.counts)


def told(tx: Tx, actor: str, counts: dict[str, int]) -> None:
    """One line of history about what was removed."""
    add_event(tx, "retained", actor, data=counts)


def due(tx: Tx, before: int) -> dict[str, int]:
    """How much a run up to an instant would remove, by kind."""
    row = tx.one("retention.count_messages", before=before)
    assert row is not None
    reasons = tx.all("retention.reasons_due", before=before)
    return {
        "messages": row["messages"],
        "signatures": int(row["signatures"]),
        "reasons": sum(bool(json.loads(each["data"]).get("reason")) for each in reasons),
    }


def count_people(tx: Tx, kind: str, before: int) -> int:
    """How many "holds", "absences" or "agreements" are from before an instant."""
    return int(tx.value(f"retention.count_{kind}", before=before))


def forget_people(tx: Tx, kind: str, before: int, limit: int) -> int:
    """Remove some of them; how many. Who was on hold goes as by an erasure, but for the entry that
    would keep a better list from bringing him."""
    if kind == "agreements":
        gone = tx.run("retention.forget_agreements", before=before, limit=limit)
        gone = gone or tx.run("retention.forget_offers", before=before, limit=limit)
        tx.run("retention.forget_openings", before=before)
        return gone
    if kind != "holds":
        return tx.run(f"retention.forget_{kind}", before=before, limit=limit)
    people = tx.all("retention.old_holds", before=before, limit=min(limit, _PEOPLE_AT_ONCE))
    for row in people:
        subjects.remove(tx, row["id"])
    return len(people)


def is_overdue(tx: Tx, before: int) -> bool:
    """Whether any message from before an instant is still there that should not be."""
    return tx.one("retention.overdue", before=before) is not None


def _block(tx: Tx, run: Run, before: int, limit: int) -> int:
    """One stretch of a distribution; how many rows it had."""
    place: dict[str, Any] = {"distribution": run.distribution, "after": run.delivery}
    row = tx.one("retention.last_of_block", limit=limit, **place)
    assert row is not None
    if row["n"]:
        block = {**place, "last": row["last"], "before": before}
        signatures = tx.run("retention.forget_signatures", **block)
        messages = tx.run("retention.forget_messages", **block)
        run.delivery = row["last"]
        run.count(messages=messages, signatures=signatures)
        if messages:
            tx.run("retention.mark", distribution=run.distribution, now=tx.now())
    anything = {"distribution": run.distribution, "after": 0, "limit": 1}
    if tx.value("retention.last_of_block", **anything) is None:
        # Nothing of it is left: what an officer said of the person goes as well.
        run.count(reasons=_blank_reasons(tx, run.distribution))
        tx.run("retention.mark", distribution=run.distribution, now=tx.now())
    return int(row["n"])


def _blank_reasons(tx: Tx, distribution: int) -> int:
    blanked = 0
    for row in tx.all("retention.reasons", distribution=distribution):
        data = json.loads(row["data"])
        if data.pop("reason", None):
            tx.run("retention.blank_reason", id=row["id"], data=json.dumps(data))
            blanked += 1
    return blanked
