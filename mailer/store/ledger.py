"""The ledger's hot side: claim, record, give back, recover (design decisions 3 and 4).

A claim carries a worker's id, which is made new at each start and so fences everything it
holds: an answer is written only over rows that this worker claimed. Nothing here commits; the
caller's transaction does.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson

from mailer.audience.rules import PAUSED
from mailer.store.base import Row, Tx
from mailer.store.core import add_event, raise_control
from mailer.store.states import DeliveryState


@dataclass(frozen=True, slots=True)
class OpenWave:
    """A wave one may claim from now.

    `urgent` ones (an embargo's lift, a correction, a withdrawal) reach everybody at once: warm-up
    does not hold them (D22). The lower `priority` comes first. With `wishes` some journalist
    chose something, so that rules of his are asked.
    """

    distribution: int
    wave: int
    compiled: str
    urgent: bool = False
    priority: int = 50
    wishes: bool = True


@dataclass(slots=True)
class Claimed:
    """A claimed delivery with everything the message needs of the person.

    `frozen` are the slot values of the first claim, as `freeze` kept them; None when this is the
    first. `person` is what is on file now: address, first and last name, outlet, language, the
    list's name, title and kind, source and its date. `inform` is his legal basis where this message
    is to tell him what is kept of him, because none that was accepted has (GDPR art. 14).
    """

    distribution: int
    id: int
    journalist: int
    list: int
    attempts: int
    first_attempt_at: int | None
    kind: str
    frozen: str | None
    inform: str | None
    person: Sequence[Any]

    @property
    def acts_for(self) -> int:
        """The journalist for whom the links in the message act: nobody (0) for a test (D24)."""
        return 0 if self.kind == "test" else self.journalist


@dataclass(
    slots=True
)  # not frozen: one is made for every answer, and that takes three times as long
class Result:
    """What became of one attempt. `due_at` is when a deferred one is next due.

    `signer` is the number that `keep_signer` gave for the text of the message's signatures, and
    `signature` what differs by message; None when it was not signed.
    """

    distribution: int
    delivery: int
    number: int
    state: DeliveryState
    at: int
    sent_date: int
    route: str
    phase: str
    code: int
    enhanced: str
    reply: str
    verdict: str
    reason: str | None
    due_at: int
    sha256: bytes | None
    signer: int | None = None
    signature: bytes | None = None


_ANSWER = (
    *("distribution", "delivery", "worker", "number", "state", "at", "due_at", "code"),
    *("enhanced", "reply", "route", "reason"),
)
_ATTEMPT = (
    *("distribution", "delivery", "number", "worker", "at", "sent_date", "route", "phase"),
    *("code", "enhanced", "reply", "verdict", "state", "sha256", "signer", "signature"),
)
_WORDS = {state: state.word for state in DeliveryState}
_EVENT = ("at", "kind", "actor", "distribution", "delivery", "journalist", "data")
_Line = tuple[int, str, str, int, int | None, None, str]
_ACCEPTED = DeliveryState.ACCEPTED
ACCEPTED = _ACCEPTED.word
"""The kind of the event that a delivery was accepted, or those that its data names were."""


def open_waves(tx: Tx) -> list[OpenWave]:
    """Waves from which something may be claimed at this instant, most urgent first."""
    return [
        OpenWave(
            row["distribution"],
            row["wave"],
            row["compiled"],
            bool(row["urgent"]),
            row["priority"],
            bool(row["wishes"]),
        )
        for row in tx.all("ledger.open_waves", now=tx.now())
    ]


def claim(
    tx: Tx, worker: int, wave: OpenWave, limit: int, *, but: Sequence[str] = ()
) -> list[Claimed]:
    """Claim up to `limit` deliveries of a wave: first those never tried, then those due again,
    except what waits for one of the reasons `but`.

    Every gate that exists stands in the WHERE: due, distribution and wave sending, embargo
    over, journalist active, not suppressed (H14).
    """
    place: dict[str, Any] = {
        "distribution": wave.distribution,
        "wave": wave.wave,
        "now": tx.now(),
        "worker": worker,
    }
    _by_keys(tx)
    rows = _array(tx.value("ledger.pick_queued", limit=limit, **place))
    if len(rows) < limit:
        if but:
            place["but"] = json.dumps(but)
        name = "ledger.pick_deferred_but" if but else "ledger.pick_deferred"
        rows += _array(tx.value(name, limit=limit - len(rows), **place))
    if not rows:
        return []
    rows.sort()
    if tx.dialect == "sqlite":  # PostgreSQL has claimed and told what it picked
        ids = [row[0] for row in rows]
        tx.run("ledger.claim", worker=worker, distribution=wave.distribution, ids=json.dumps(ids))
        add_event(
            tx,
            "claimed",
            f"worker:{worker}",
            distribution=wave.distribution,
            data={"wave": wave.wave, "deliveries": ids},
        )
    number = wave.distribution
    return [
        Claimed(number, id, journalist, list_id, attempts, first, kind, frozen, inform, person)
        for id, journalist, list_id, attempts, first, kind, frozen, inform, *person in rows
    ]


def freeze(tx: Tx, values: Sequence[tuple[int, int, str]]) -> None:
    """Keep the slot values of first claims: (distribution, delivery, JSON object)."""
    if values:
        tx.bulk("ledger.freeze_fields", ("distribution", "delivery", "data"), values)


def readdress(tx: Tx, claimed: Claimed, data: str) -> None:
    """Write the slot values of a delivery anew (a JSON object) that goes to another address now."""
    tx.run("ledger.readdress", distribution=claimed.distribution, delivery=claimed.id, data=data)


def will_inform(tx: Tx, people: Sequence[tuple[int, int]]) -> None:
    """Keep which first messages tell a person what is kept of him: (journalist, delivery)."""
    if people:
        tx.copy("informed_journalists", ("journalist", "delivery"), people)


def record(tx: Tx, worker: int, results: Sequence[Result]) -> int:
    """Write answers over claims of this worker, an attempt for each, their history; rows changed.

    Of those that were accepted one after the other one event tells together. What is in doubt may
    still be settled by the worker that held it. An answer for a delivery that is no longer this
    worker's changes nothing, but the history keeps it.
    """
    if not results:
        return 0
    _by_keys(tx)
    answers = [
        (
            *(r.distribution, r.delivery, worker, r.number, int(r.state), r.at, r.due_at),
            *(r.code, r.enhanced, r.reply, r.route, r.reason),
        )
        for r in results
    ]
    held = {row["id"] for row in tx.bulk_rows("ledger.record", _ANSWER, answers)}
    add_attempts(tx, worker, [r for r in results if r.delivery in held])
    tx.bulk("core.add_events", _EVENT, _lines(f"worker:{worker}", results, held))
    return len(held)


def add_attempts(tx: Tx, worker: int, results: Sequence[Result]) -> None:
    """Keep tries with the server's words, the date and the SHA-256 of what was sent."""
    if results:
        tx.bulk(
            "ledger.add_attempt",
            _ATTEMPT,
            [
                (
                    *(r.distribution, r.delivery, r.number, worker, r.at, r.sent_date, r.route),
                    *(r.phase, r.code, r.enhanced, r.reply, r.verdict, int(r.state)),
                    *(r.sha256, r.signer, r.signature),
                )
                for r in results
            ],
        )


def resend_doubtful(tx: Tx, distribution: int, delivery: int, actor: str) -> bool:
    """Queue a delivery in doubt again, with its Message-ID; whether it was in doubt (H8)."""
    changed = tx.run("ledger.resend", distribution=distribution, delivery=delivery, now=tx.now())
    if changed:
        add_event(tx, "resend", actor, distribution=distribution, delivery=delivery)
        raise_control(tx)  # whoever left while it was in doubt falls out
    return bool(changed)


def set_aside(
    tx: Tx, worker: int, distribution: int, delivery: int, state: DeliveryState, reason: str
) -> bool:
    """Move a claimed, untried delivery to a final state (suppressed, cancelled, skipped)."""
    place = {"worker": worker, "distribution": distribution, "delivery": delivery}
    changed = tx.run("ledger.set_aside", state=int(state), reason=reason, **place)
    if changed:
        add_event(
            tx,
            state.word,
            f"worker:{worker}",
            distribution=distribution,
            delivery=delivery,
            data={"reason": reason},
        )
    return bool(changed)


def put_off(tx: Tx, worker: int, late: Sequence[tuple[int, int, int, str]]) -> int:
    """Claimed, untried deliveries wait: (distribution, id, due at, reason); how many."""
    if not late:
        return 0
    changed = tx.bulk(
        "ledger.put_off",
        ("distribution", "delivery", "worker", "due_at", "reason"),
        [
            (distribution, delivery, worker, due_at, reason)
            for distribution, delivery, due_at, reason in late
        ],
    )
    groups: dict[tuple[int, str], list[int]] = {}
    for distribution, delivery, _, reason in late:
        groups.setdefault((distribution, reason), []).append(delivery)
    for (distribution, reason), ids in groups.items():
        data = {"state": "deferred", "reason": reason, "deliveries": ids}
        add_event(tx, "put_off", f"worker:{worker}", distribution=distribution, data=data)
    return changed


def give_back(tx: Tx, worker: int, deliveries: Iterable[tuple[int, int]]) -> int:
    """Return claimed, untried deliveries (distribution, id) to where they came from.

    The control version is raised, so that sweepers look again whether these people may still be
    mailed: while claimed they were out of an opt-out's reach.
    """
    by_distribution: dict[int, list[int]] = {}
    for distribution, delivery in deliveries:
        by_distribution.setdefault(distribution, []).append(delivery)
    rows: list[Row] = []
    for distribution, ids in by_distribution.items():
        place = {"distribution": distribution, "ids": json.dumps(ids), "worker": worker}
        rows += tx.all("ledger.give_back", **place)
    return _given_back(tx, worker, rows)


def give_back_all(tx: Tx, worker: int) -> int:
    """Return everything the worker still holds; only when none of it was dotted."""
    return _given_back(tx, worker, tx.all("ledger.give_back_all", worker=worker))


def mark_in_doubt(
    tx: Tx, worker: int, distribution: int, delivery: int, number: int, reason: str
) -> bool:
    """The final dot may have left and no answer is known: a person decides (H8)."""
    place = {"worker": worker, "distribution": distribution, "delivery": delivery}
    changed = tx.run("ledger.doubt", number=number, at=tx.now(), reason=reason, **place)
    if changed:
        add_event(
            tx,
            "in_doubt",
            f"worker:{worker}",
            distribution=distribution,
            delivery=delivery,
            data={"reason": reason, "attempt": number},
        )
    return bool(changed)


def held_by(tx: Tx, worker: int) -> list[tuple[int, int, int]]:
    """What a worker has claimed: (distribution, id, attempts made before)."""
    rows = tx.all("ledger.held_by", worker=worker)
    return [(row["distribution"], row["id"], row["attempts"]) for row in rows]


def withdrawn(tx: Tx, worker: int) -> dict[int, tuple[DeliveryState | None, str]]:
    """Of what this worker holds, the deliveries it may not send any more.

    Delivery id → (final state, reason); state None means: give it back to the queue.
    """
    found: dict[int, tuple[DeliveryState | None, str]] = {}
    for row in tx.all("ledger.withdrawn", worker=worker):
        if row["suppressed"]:
            found[row["id"]] = (DeliveryState.SUPPRESSED, "do not contact")
        elif row["distribution_state"] in ("cancelled", "killed"):
            found[row["id"]] = (DeliveryState.CANCELLED, row["distribution_state"])
        elif row["wave_state"] in ("cancelled", "dropped"):
            found[row["id"]] = (DeliveryState.CANCELLED, f"batch {row['wave_state']}")
        elif row["distribution_state"] != "sending" or row["wave_state"] != "sending":
            found[row["id"]] = (None, row["distribution_state"])
        elif row["paused"]:
            found[row["id"]] = (DeliveryState.SKIPPED, PAUSED)
    return found


def others_at_work(tx: Tx, worker: int) -> bool:
    """True when another worker than this one holds deliveries."""
    return tx.one("ledger.others_at_work", worker=worker) is not None


def defer_wave(
    tx: Tx, wave: OpenWave, due_at: int, reason: str, limit: int, *, actor: str = "system"
) -> int:
    """Put up to `limit` deliveries of a wave that are due off until `due_at`; how many."""
    place = {"distribution": wave.distribution, "wave": wave.wave, "now": tx.now()}
    wait = {"due_at": due_at, "reason": reason}
    rows = tx.all("ledger.defer_wave", limit=limit, **place, **wait)
    if len(rows) < limit:
        rows += tx.all("ledger.defer_wave_again", limit=limit - len(rows), **place, **wait)
    if rows:
        data = {"state": "deferred", "reason": reason, "deliveries": [row["id"] for row in rows]}
        add_event(tx, "put_off", actor, distribution=wave.distribution, data=data)
    return len(rows)


def keep_compiled(tx: Tx, digest: str, data: bytes) -> None:
    """Keep a compiled template under its content address."""
    tx.run("ledger.keep_compiled", digest=digest, data=data, now=tx.now())


def compiled(tx: Tx, digest: str) -> bytes:
    """The compiled template of that digest; empty when it is lost."""
    return bytes(tx.value("ledger.compiled", digest=digest) or b"")


def keep_signer(tx: Tx, text: str) -> int:
    """The number of the text that many signatures share; it is kept if it is new."""
    found: int | None = tx.value("ledger.signer_id", template=text)
    if found is None:
        tx.run("ledger.keep_signer", id=tx.next_ids("signer"), template=text)
        found = int(tx.value("ledger.signer_id", template=text))
    return found


def signer_text(tx: Tx, signer: int) -> str | None:
    """The text behind a number of `keep_signer`."""
    found: str | None = tx.value("ledger.signer_text", id=signer)
    return found


def add_worker(
    tx: Tx, *, host: str, name: str, pid: int, boot_id: str, journal: str, config_digest: str
) -> int:
    """Register one start of a sender; its id."""
    worker = tx.next_ids("worker")
    tx.run(
        "ledger.new_worker",
        id=worker,
        host=host,
        name=name,
        pid=pid,
        boot_id=boot_id,
        journal=journal,
        config_digest=config_digest,
        now=tx.now(),
    )
    return worker


def renew_lease(tx: Tx, worker: int) -> bool:
    """Say that the worker lives; False when somebody declared it dead."""
    return bool(tx.run("ledger.renew_lease", id=worker, now=tx.now()))


def worker_left(tx: Tx, worker: int) -> None:
    """The worker holds nothing any more and is gone."""
    tx.run("ledger.worker_left", id=worker, now=tx.now())


def present_workers(tx: Tx) -> list[Row]:
    """Workers that have not left: id, host, name, pid, boot_id, journal, lease_at …"""
    return tx.all("ledger.present_workers")


def _by_keys(tx: Tx) -> None:
    if tx.dialect == "postgresql":
        tx.value("ledger.by_keys")


def _given_back(tx: Tx, worker: int, rows: Sequence[Row]) -> int:
    groups: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        groups.setdefault((row["distribution"], row["state"]), []).append(row["id"])
    for (distribution, state), ids in groups.items():
        data = {"state": DeliveryState(state).word, "deliveries": ids}
        add_event(tx, "given_back", f"worker:{worker}", distribution=distribution, data=data)
    if rows:
        raise_control(tx)
    return len(rows)


def _array(text: str | None) -> list[Any]:
    """A JSON array that a query made; PostgreSQL says NULL for an empty one."""
    array: list[Any] = orjson.loads(text) if text else []
    return array


def _lines(actor: str, results: Sequence[Result], held: Container[int]) -> list[_Line]:
    """The history of some answers in their order. Accepted ones between two others differ in
    nothing that the rules of an order ask for, so those alike are told in one line."""
    lines: list[_Line] = []
    alike: dict[tuple[int, str, int, int], list[Result]] = {}
    for result in results:
        if result.state is _ACCEPTED and result.delivery in held:
            key = (result.distribution, result.route, result.code, result.number)
            alike.setdefault(key, []).append(result)
            continue
        lines += _together(actor, alike)
        alike = {}
        kind = _WORDS[result.state] if result.delivery in held else "late_answer"
        lines.append(_alone(actor, kind, result))
    return lines + _together(actor, alike)


def _together(
    actor: str, alike: Mapping[tuple[int, str, int, int], Sequence[Result]]
) -> list[_Line]:
    lines: list[_Line] = []
    for (distribution, route, code, attempt), results in alike.items():
        if len(results) == 1:
            lines.append(_alone(actor, ACCEPTED, results[0]))
            continue
        data = {"state": ACCEPTED, "code": code, "attempt": attempt, "route": route}
        told = orjson.dumps(data | {"deliveries": [result.delivery for result in results]})
        lines.append((results[-1].at, ACCEPTED, actor, distribution, None, None, told.decode()))
    return sorted(lines, key=itemgetter(0))


def _alone(actor: str, kind: str, result: Result) -> _Line:
    told = _answer(result.code, result.number)
    return (result.at, kind, actor, result.distribution, result.delivery, None, told)


@lru_cache(maxsize=256)
def _answer(code: int, attempt: int) -> str:
    """What an event says of an answer."""
    return json.dumps({"code": code, "attempt": attempt})
