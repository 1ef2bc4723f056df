"""Distributions and their waves in the store: planning, moves, sweeps, and what people read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mailer.errors import StoreUnavailable
from mailer.store import paces
from mailer.store.base import Row, Tx, query
from mailer.store.core import add_event, raise_control
from mailer.store.states import WAITS_FOR_TURN, DeliveryState
from mailer.store.variants import NEVER

DELIVERY_SHIFT = 32
"""A delivery's 64-bit id is its distribution's, shifted by this many bits, plus a number."""


@dataclass(frozen=True, slots=True)
class NewDistribution:
    """What a queued distribution is made of; instants in UTC microseconds.

    `kind` is release, resend, test, notice, digest or internal, `parent` the distribution it was
    made from, `over` how many microseconds each wave is spread over, `notice` the one that it
    carries.
    """

    release: int
    revision: int
    compiled: str
    priority: int
    late: str
    embargo_until: int | None
    due_at: int
    zone: str
    audience: Mapping[str, Any]
    kind: str = "release"
    parent: int | None = None
    over: int = 0
    notice: int | None = None


class PlannedDelivery(NamedTuple):
    """One person of the audience, the list his delivery is attributed to (0: none), his wave.

    `due_at` is when, in a wave that is spread, he is due; it never falls from one id of a wave to
    the next. None means that of the whole chunk.
    """

    id: int
    journalist: int
    list: int
    wave: int
    due_at: int | None = None
    kind: str = "release"


class NewWave(NamedTuple):
    """A batch: when it is due, whose zone, how many; the language of its text ("" for the lead
    text) and the one it waits for until then ("" for none)."""

    id: int
    due_at: int
    zone: str
    recipients: int
    language: str = ""
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which deliveries to show; None means all. `hash` is the keyed hash of an address."""

    distribution: int | None = None
    state: DeliveryState | None = None
    feedback: str | None = None
    since: int | None = None
    hash: bytes | None = None


def insert(tx: Tx, new: NewDistribution, actor: str) -> int:
    """Begin planning: invisible to everybody until `planned`. The new id."""
    number = tx.next_ids("distribution")
    tx.run(
        "distributions.insert",
        id=number,
        release=new.release,
        revision=new.revision,
        compiled=new.compiled,
        priority=new.priority,
        late=new.late,
        embargo_until=new.embargo_until,
        due_at=new.due_at,
        zone=new.zone,
        audience=json.dumps(new.audience, ensure_ascii=False),
        actor=actor,
        now=tx.now(),
        kind=new.kind,
        parent=new.parent,
        over=new.over,
        notice=new.notice,
    )
    return number


def insert_deliveries(
    tx: Tx, distribution: int, planned: Iterable[PlannedDelivery], due_at: int
) -> int:
    """Add a chunk of the plan; how many."""
    now = tx.now()
    columns = (
        "distribution",
        "id",
        "journalist",
        "list",
        "wave",
        "due_at",
        "kind",
        "state",
        "queued_at",
        "attempts",
    )
    return tx.copy(
        "deliveries",
        columns,
        [
            (
                distribution,
                id,
                person,
                list_id,
                wave,
                due_at if due is None else due,
                kind,
                0,
                now,
                0,
            )
            for id, person, list_id, wave, due, kind in planned
        ],
    )


def insert_left_out(tx: Tx, distribution: int, left_out: Iterable[tuple[int, str]]) -> int:
    """Keep a chunk of who was selected and gets nothing: (journalist, reason); how many."""
    return tx.copy(
        "left_out",
        ("distribution", "journalist", "reason"),
        [(distribution, journalist, reason) for journalist, reason in left_out],
    )


def finish_plan(
    tx: Tx,
    distribution: int,
    waves: Iterable[NewWave],
    *,
    recipients: int,
    left_out: Mapping[str, int],
    due_at: int,
    actor: str,
) -> None:
    """Make the whole plan visible at once.

    Raises StoreUnavailable when the plan was taken for abandoned and removed meanwhile.
    """
    planned = tx.run(
        "distributions.planned",
        id=distribution,
        recipients=recipients,
        left_out=json.dumps(left_out),
        due_at=due_at,
    )
    if not planned:
        raise StoreUnavailable(
            "planning took so long that it was taken for broken off; nothing was queued.",
            hint="Try again.",
        )
    for wave in waves:
        tx.run("distributions.insert_wave", distribution=distribution, **wave._asdict())
    add_event(tx, "scheduled", actor, distribution=distribution, data={"recipients": recipients})
    # Who left while the plan was written is in it all the same; the next sweep takes them out.
    raise_control(tx)


def abandoned(tx: Tx, before: int) -> list[int]:
    """Distributions whose planning never finished and began before an instant."""
    return [row["id"] for row in tx.all("distributions.abandoned", before=before)]


def forget(tx: Tx, distribution: int, limit: int) -> bool:
    """Remove a chunk of an unfinished plan; True when nothing is left of it.

    A plan that was finished meanwhile is left alone, and one begun to be removed never is.
    """
    state = tx.value("distributions.state_of", id=distribution)
    if state is not None and not tx.run("distributions.abandon", id=distribution):
        return True
    if tx.run("distributions.forget_deliveries", id=distribution, limit=limit):
        return False
    if tx.run("distributions.forget_left_out", id=distribution, limit=limit):
        return False
    if tx.run("distributions.forget_slot_values", id=distribution, limit=limit):
        return False
    tx.run("distributions.forget_waves", id=distribution)
    tx.run("variants.forget", distribution=distribution)
    tx.run("distributions.forget", id=distribution)
    return True


def get(tx: Tx, distribution: int) -> Row | None:
    """The distribution with its release's slug and headline."""
    return tx.one("distributions.get", id=distribution)


def ls(tx: Tx) -> list[Row]:
    """All distributions, oldest first."""
    return tx.all("distributions.ls")


def ls_open(tx: Tx) -> list[Row]:
    """Distributions that may still send something by themselves or after a word: id, state."""
    return tx.all("distributions.ls_open")


def internal_of(tx: Tx, distribution: int) -> list[int]:
    """The distributions of the internal copies that go beside one."""
    return [row["id"] for row in tx.all("distributions.internal_of", id=distribution)]


def waves(tx: Tx, distribution: int) -> list[Row]:
    """The waves of a distribution by due time."""
    return tx.all("distributions.waves", id=distribution)


def counts(tx: Tx, distribution: int) -> dict[str, int]:
    """How many deliveries are in each transport state, by word; states with none left out."""
    found: dict[str, int] = {}
    for row in tx.all("distributions.counts", id=distribution):
        word = DeliveryState(row["state"]).word
        found[word] = found.get(word, 0) + row["n"]
    return found


def already_sent(tx: Tx, release: int) -> int:
    """How many journalists have (or may have) the release from an earlier distribution (H6)."""
    count: int = tx.value("distributions.already", release=release)
    return count


def had_by(tx: Tx, journalist: int, release: int) -> list[Row]:
    """Deliveries of a release, in any revision, that a journalist has, may have or awaits."""
    return tx.all("distributions.had_by", journalist=journalist, release=release)


def move(
    tx: Tx,
    distribution: int,
    to: str,
    actor: str,
    *,
    reason: str | None = None,
    event: str | None = None,
) -> bool:
    """Move a distribution to a state, where the allowed moves say so; whether it moved.

    `to` is "sending" (by the clock), "resumed" (sending, by an officer's word), "scheduled",
    "waiting", "paused", "cancelled", "killed" or "done".
    """
    changed = tx.run(f"distributions.to_{to}", id=distribution, reason=reason, now=tx.now())
    if changed:
        data = {"reason": reason} if reason else {}
        add_event(tx, event or to, actor, distribution=distribution, data=data)
        if to in ("paused", "waiting", "cancelled", "killed", "resumed"):
            paces.changed(tx)
    return bool(changed)


def move_wave(tx: Tx, distribution: int, wave: int, how: str, actor: str) -> bool:
    """`how` is "open", "hold", "drop", "cancel" or "finish"; whether the wave moved."""
    place = {"distribution": distribution, "wave": wave}
    changed = tx.run(f"distributions.{how}_wave", now=tx.now(), **place)
    if changed:
        add_event(tx, f"wave_{how}", actor, distribution=distribution, data={"wave": wave})
    return bool(changed)


def heartbeat(tx: Tx, distribution: int, wave: int) -> None:
    """Say that somebody looks after a sending wave."""
    tx.run("distributions.heartbeat", distribution=distribution, wave=wave, now=tx.now())


def due_waves(tx: Tx) -> list[Row]:
    """Scheduled waves that are due now, most urgent first."""
    return tx.all("distributions.due_waves", now=tx.now())


def next_due(tx: Tx) -> int | None:
    """When something is due next: a scheduled wave, or a delivery of one that is being spread."""
    instants = (next_wave(tx), tx.value("distributions.next_spread", now=tx.now()))
    return min((instant for instant in instants if instant is not None), default=None)


def next_wave(tx: Tx) -> int | None:
    """When the next scheduled wave is due."""
    instant: int | None = tx.value("distributions.next_wave", never=NEVER)
    return instant


def first_open_due(tx: Tx, distribution: int, wave: int) -> int | None:
    """The earliest instant at which anything of a wave that is still to happen was or is due."""
    place = {"distribution": distribution, "wave": wave}
    instant: int | None = tx.value("distributions.first_open_due", **place)
    return instant


def any_sending(tx: Tx) -> bool:
    """Whether any distribution is being sent now."""
    return tx.one("distributions.any_sending") is not None


def sending_waves(tx: Tx) -> list[Row]:
    """Waves that are sending, with their distribution's state and last heartbeat."""
    return tx.all("distributions.sending_waves")


def has_open(tx: Tx, distribution: int, wave: int) -> bool:
    """Is anything of the wave, or of one in whose place it is, queued, claimed or deferred?"""
    return any(
        tx.one("distributions.open_deliveries", distribution=distribution, wave=each)
        for each in (wave, *_moved_into(tx, distribution, wave))
    )


def is_busy(tx: Tx, distribution: int, wave: int) -> bool:
    """Has the wave anything to send at this instant, in hand, or waiting for its turn?"""
    of = {"distribution": distribution, "turn": f"{WAITS_FOR_TURN}%", "now": tx.now()}
    return any(
        tx.one("distributions.busy_now", wave=each, **of)
        for each in (wave, *_moved_into(tx, distribution, wave))
    )


def _moved_into(tx: Tx, distribution: int, wave: int) -> list[int]:
    """The batches in whose place this one is."""
    rows = tx.all("notices.moved_into", distribution=distribution, wave=wave)
    return [row["id"] for row in rows]


def stop_deliveries(
    tx: Tx, distribution: int, wave: int, reason: str, limit: int, actor: str
) -> int:
    """Cancel a chunk of what has not been tried or waits to retry; how many."""
    place = {"distribution": distribution, "wave": wave, "reason": reason}
    rows = tx.all("distributions.stop_queued", limit=limit, **place)
    if len(rows) < limit:
        rows += tx.all("distributions.stop_deferred", limit=limit - len(rows), **place)
    if rows:
        data = {"state": "cancelled", "reason": reason, "deliveries": [row["id"] for row in rows]}
        add_event(tx, "stopped", actor, distribution=distribution, data=data)
    return len(rows)


def leftovers(tx: Tx) -> list[Row]:
    """Stopped waves that hold something queued or deferred all the same: distribution, id,
    state, reason."""
    return tx.all("distributions.leftovers")


def fallen_out(tx: Tx, distribution: int) -> list[Row]:
    """Queued or deferred deliveries of people who may no longer be mailed: id, journalist, gone."""
    return tx.all("distributions.fallen_out", distribution=distribution)


def fall_out(
    tx: Tx, distribution: int, delivery: int, state: DeliveryState, reason: str, actor: str
) -> None:
    """Take one person out of a frozen audience."""
    place = {"distribution": distribution, "id": delivery}
    if tx.run("distributions.fall_out", state=int(state), reason=reason, **place):
        add_event(
            tx,
            state.word,
            actor,
            distribution=distribution,
            delivery=delivery,
            data={"reason": reason},
        )


def log(tx: Tx, where: LogFilter) -> Iterator[Row]:
    """Deliveries as the log shows them, oldest first, with flat memory."""
    sql, params = _filtered(
        tx,
        "distributions.log",
        {
            "d.distribution = :distribution": where.distribution,
            "d.state = :state": None if where.state is None else int(where.state),
            "d.feedback = :feedback": where.feedback,
            "coalesce(d.last_attempt_at, d.queued_at) >= :since": where.since,
            "a.hash = :hash": where.hash,
        },
        "d.distribution, d.id",
    )
    return tx.stream_rows(sql, params)


def left_out(tx: Tx, where: LogFilter) -> list[Row]:
    """Who was selected and left out, with the reason, by distribution; `state` and `feedback` of
    the filter are not looked at, `since` is when it was queued."""
    sql, params = _filtered(
        tx,
        "distributions.left_out",
        {
            "o.distribution = :distribution": where.distribution,
            "x.created_at >= :since": where.since,
            "a.hash = :hash": where.hash,
        },
        "o.distribution, o.journalist",
    )
    return tx.rows(sql, params)


def _filtered(
    tx: Tx, name: str, conditions: Mapping[str, Any], order: str
) -> tuple[str, dict[str, Any]]:
    """A named query with those of the conditions whose value is not None, and its parameters."""
    given = {text: value for text, value in conditions.items() if value is not None}
    sql = query(name, tx.dialect)
    if given:
        sql += "\nWHERE " + " AND ".join(given)
    params = {text.rpartition(":")[2]: value for text, value in given.items()}
    return f"{sql}\nORDER BY {order}", params


def delivery(tx: Tx, number: int) -> Row | None:
    """One delivery by its 64-bit id, with its slot values and compiled template's digest."""
    return tx.one("distributions.delivery", distribution=number >> DELIVERY_SHIFT, id=number)


def attempts(tx: Tx, number: int) -> list[Row]:
    """The tries of a delivery, first to last."""
    return tx.all("distributions.attempts", distribution=number >> DELIVERY_SHIFT, id=number)


def events(tx: Tx, number: int) -> list[Row]:
    """The history lines that concern a delivery, the distribution's own included."""
    rows = tx.all(
        "distributions.events",
        distribution=number >> DELIVERY_SHIFT,
        id=number,
        named=f"%{number}%",
    )
    return [row for row in rows if number in json.loads(row["data"]).get("deliveries", (number,))]
