"""Reading the ledger: what happened to each delivery, where each distribution stands.

Rows are plain dicts in the order of their columns, instants as ISO 8601 UTC with milliseconds,
so that every output (table, JSON, CSV, page) shows the same words and numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from mailer.audience.address import AddressError, normalise
from mailer.clock import SECOND, to_datetime
from mailer.distribution import retention
from mailer.distribution.context import Newsroom
from mailer.distribution.control import existing
from mailer.distribution.machines import told
from mailer.distribution.rules import weekly_mail
from mailer.errors import InputError, NotFound, UsageError
from mailer.message.merge import MergeTemplate
from mailer.message.model import Sender
from mailer.message.tokens import delivery_code, parse_delivery_code
from mailer.message.values import message_id
from mailer.store import (
    audience,
    distributions,
    guard,
    ledger,
    notices,
    routes,
    rules,
    variants,
)
from mailer.store.base import Row, Tx
from mailer.store.distributions import LogFilter
from mailer.store.releases import family, language_of
from mailer.store.states import OPEN_DELIVERIES, DeliveryState
from mailer.store.variants import NEVER

LOG_COLUMNS = (
    "delivery",
    "distribution",
    "release",
    "email",
    "state",
    "feedback",
    "message_id",
    "queued_at",
    "attempts",
    "last_attempt_at",
    "smtp_code",
    "enhanced_code",
    "smtp_reply",
    "route",
    "reason",
    "list",
    "due_at",
    "kind",
)
"""The columns of `log`, in order (contract; H16)."""

LEFT_OUT = {
    "suppressed": "do not contact",
    "on_hold": "on hold",
    "excepted": "excepted by the officer",
    "received": "has or gets this release from another distribution",
}
"""Why somebody whom the segments select is in no batch, in words."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where everything stands. `decisions` are sentences that need an officer, `notes` need nobody
    but say why something waits."""

    distributions: list[dict[str, Any]]
    next_due: str | None
    decisions: list[str]
    notes: list[str]


def iso(instant: int | None) -> str | None:
    """An instant as people and programs read it, if there is one: 2026-03-01T08:00:00.000Z."""
    return None if instant is None else stamp(instant)


def stamp(instant: int) -> str:
    """An instant as people and programs read it: 2026-03-01T08:00:00.000Z."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log(
    room: Newsroom,
    *,
    distribution: int | None = None,
    email: str | None = None,
    state: str | None = None,
    since: int | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per delivery, oldest first, streamed. `state` is a transport state or feedback.

    With `email` there is also a row for each distribution that selected the person and left him
    out: without a delivery, `suppressed` or `skipped`, with the reason. Raises NotFound for an
    unknown distribution, UsageError for a word that is no state.
    """
    where = LogFilter(
        distribution=distribution,
        state=_state(state),
        feedback=state if state in _FEEDBACK else None,
        since=since,
        hash=None if email is None else room.address_hash(_address(email)),
    )
    with room.store.read() as tx:
        if distribution is not None:
            existing(tx, distribution)
        senders = _Senders(room, tx)
        rows = (_log_row(senders, row) for row in distributions.log(tx, where))
        if email is not None and not where.feedback:
            rows = merge(rows, _left_out(tx, where), key=lambda row: row["distribution"])
        yield from rows


def is_known(room: Newsroom, email: str) -> bool:
    """Is there a journalist with that address, as it may be typed or pasted?"""
    with room.store.read() as tx:
        return audience.by_hash(tx, room.address_hash(_address(email))) is not None


def status(room: Newsroom) -> Status:
    """All distributions with their counts, what is due next, and what needs a decision.

    A test that is over is not among them; the log has it.
    """
    with room.store.read() as tx:
        rows = [
            _distribution(row, distributions.counts(tx, row["id"]))
            for row in distributions.ls(tx)
            if row["kind"] != "test" or row["state"] not in ("done", "cancelled")
        ]
        next_due = distributions.next_due(tx)
        paused = [
            f"Mail service {route.name} is paused ({route.reason}): "
            f"`mailer routes resume {route.name}` goes on."
            for route in routes.state_of(tx).values()
            if route.state == "paused"
        ]
        resting = [
            f"Mail service {route.name} rests until {iso(route.until_at)}: {route.reason}."
            for route in routes.state_of(tx).values()
            if route.until_at is not None and route.until_at > tx.now()
        ]
        standing, silent = told(room, tx)
        overdue, words = retention.standing(room, tx)
        held = guard.undecided(tx)
        late = _unfit_texts(tx) + _untold(tx)
        ruled = [note for row in rows for note in _postponed(tx, row)]
        ruled += [note] if (note := weekly_mail(room, tx)) else []
    decisions = _put_back(held) + paused + standing + late + [words] * overdue
    decisions += [s for row in rows for s in _decisions(row, held)]
    return Status(rows, iso(next_due), decisions, resting + silent + ruled)


def status_of(room: Newsroom, number: int) -> dict[str, Any]:
    """One distribution with its counts, its waves, who was left out and what needs a decision.

    Raises NotFound.
    """
    with room.store.read() as tx:
        row = existing(tx, number)
        found = _distribution(row, distributions.counts(tx, number))
        lead = language_of(tx, row["release"], row["revision"])
        found["waves"] = [
            {
                "wave": wave["id"],
                "due_at": iso(wave["due_at"]) if wave["due_at"] < NEVER else None,
                "zone": wave["zone"],
                "language": wave["language"] or lead,
                "awaits": wave["awaits"] or None,
                "state": wave["state"],
                "recipients": wave["recipients"],
            }
            for wave in distributions.waves(tx, number)
        ]
        held = [each for each in guard.undecided(tx) if each["distribution"] == number]
        late = _unfit_texts(tx, number)
        found["notes"] = _postponed(tx, found)
        found["skipped_for"] = rules.skipped(tx, number) if found["counts"].get("skipped") else {}
    found["left_out"] = json.loads(row["left_out"])
    found["audience"] = json.loads(row["audience"])
    found["decisions"] = _put_back(held) + late + _decisions(found, held)
    return found


def show(room: Newsroom, reference: str) -> dict[str, Any]:
    """One delivery with its attempts and history.

    `reference` is its code, as `log` prints it, or its Message-ID. Raises NotFound.
    """
    number = delivery_number(reference)
    with room.store.read() as tx:
        row = distributions.delivery(tx, number)
        if row is None:
            raise NotFound(f"there is no delivery {reference}.", hint="`mailer log` lists them.")
        attempts = [
            {
                "number": a["number"],
                "at": iso(a["at"]),
                "date_header": iso(a["sent_date"]),
                "route": a["route"],
                "phase": a["phase"],
                "smtp_code": a["code"] or None,
                "enhanced_code": a["enhanced"] or None,
                "smtp_reply": a["reply"],
                "verdict": a["verdict"],
                "state": DeliveryState(a["state"]).word,
                "sha256": bytes(a["sha256"]).hex() if a["sha256"] else None,
                "worker": a["worker"],
            }
            for a in distributions.attempts(tx, number)
        ]
        events = [
            {"at": iso(e["at"]), "event": e["kind"], "actor": e["actor"]}
            | ({"data": data} if (data := _event_data(e)) else {})
            for e in distributions.events(tx, number)
            if not _of_another_wave(e, row["wave"])
        ]
        shown = _log_row(_Senders(room, tx), row)
    copy = _copy(row) if any(each["sha256"] for each in attempts) else None
    return {**shown, "copy": copy, "attempt_list": attempts, "events": events}


def _copy(row: Row) -> str:
    """Whether the message of a delivery can be written again, and if not, why."""
    if row["frozen"] is not None:
        return "kept"
    return "erased" if row["messages_gone_at"] is None else "past_retention"


def delivery_number(reference: str) -> int:
    """The 64-bit id behind a delivery's code or Message-ID; NotFound for anything else."""
    text = reference.strip().strip("<>").partition("@")[0].partition(".")[0]
    try:
        number = parse_delivery_code(text)
    except (UsageError, ValueError):
        number = -1
    if not 0 <= number < 1 << 63:
        raise NotFound(
            f'"{reference}" is no delivery.', hint="`mailer log` lists them in its first column."
        )
    return number


_FEEDBACK = ("bounced", "complained", "replied")


def _state(word: str | None) -> DeliveryState | None:
    if word is None or word in _FEEDBACK:
        return None
    try:
        return DeliveryState.of(word)
    except KeyError:
        known = ", ".join([s.word for s in DeliveryState] + list(_FEEDBACK))
        raise UsageError(f'"{word}" is no state of a delivery.', hint=f"Use {known}.") from None


def _address(text: str) -> str:
    """An address as it may be typed or pasted, "Name <a@b>" included; else the words as given,
    which then are nobody's."""
    try:
        return normalise(text).email
    except AddressError:
        return text.strip()


class _Senders:
    """The newsroom as each distribution's messages show it: their Message-IDs name its domain."""

    def __init__(self, room: Newsroom, tx: Tx) -> None:
        self._room = room
        self._tx = tx
        self._known: dict[str, Sender] = {}

    def of(self, digest: str) -> Sender:
        """The sender in the compiled template of that digest; today's when it cannot be read."""
        if digest not in self._known:
            try:
                data = ledger.compiled(self._tx, digest)
                self._known[digest] = MergeTemplate.from_bytes(data).sender
            except InputError:
                self._known[digest] = self._room.sender
        return self._known[digest]


def _log_row(senders: _Senders, row: Row) -> dict[str, Any]:
    state = DeliveryState(row["state"])
    waits = state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    return {
        "delivery": delivery_code(row["id"]),
        "distribution": row["distribution"],
        "release": row["release"],
        "email": row["email"],
        "state": state.word,
        "feedback": row["feedback"],
        "message_id": message_id(row["id"], senders.of(row["compiled"])),
        "queued_at": iso(row["queued_at"]),
        "attempts": row["attempts"],
        "last_attempt_at": iso(row["last_attempt_at"]),
        "smtp_code": row["code"] or None,
        "enhanced_code": row["enhanced"] or None,
        "smtp_reply": row["reply"] or None,
        "route": row["route"],
        "reason": row["reason"],
        "list": row["list"],
        "due_at": iso(row["due_at"]) if waits else None,
        "kind": row["kind"],
    }


def _left_out(tx: Tx, where: LogFilter) -> Iterator[dict[str, Any]]:
    """Rows for who was left out, with the columns of a delivery."""
    for row in distributions.left_out(tx, where):
        why = row["reason"]
        state = DeliveryState.SUPPRESSED if why == "suppressed" else DeliveryState.SKIPPED
        if where.state not in (None, state):
            continue
        words = LEFT_OUT.get(why, why.replace("_", " "))
        if why == "suppressed" and row["suppressed_by"]:
            words += f": {row['suppressed_by']}"
        yield {
            **dict.fromkeys(LOG_COLUMNS),
            "distribution": row["distribution"],
            "release": row["release"],
            "email": row["email"],
            "state": state.word,
            "queued_at": iso(row["created_at"]),
            "attempts": 0,
            "reason": words,
            "kind": row["kind"],
        }


def _distribution(row: Row, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "distribution": row["id"],
        "kind": row["kind"],
        "parent": row["parent"],
        "release": row["slug"],
        "revision": row["revision"],
        "headline": row["headline"],
        "state": row["state"],
        "reason": row["reason"],
        "due_at": iso(row["due_at"]),
        "zone": row["zone"],
        "embargo_until": iso(row["embargo_until"]),
        "recipients": row["recipients"],
        "counts": counts,
        "open": sum(counts.get(state.word, 0) for state in OPEN_DELIVERIES),
        "created_at": iso(row["created_at"]),
        "finished_at": iso(row["finished_at"]),
        "actor": row["actor"],
    }


def _postponed(tx: Tx, row: dict[str, Any]) -> list[str]:
    """How many of a distribution wait for hours and gaps, and until when the first does."""
    if not row["counts"].get("deferred"):
        return []
    return [
        f"{found['deliveries']:,} of distribution {row['distribution']} "
        f"{_waits(found['deliveries'], found['reason'])}, the first until {iso(found['due_at'])}."
        for found in rules.postponed(tx, row["distribution"])
    ]


def _waits(count: int, reason: str) -> str:
    """The reason of a wait after a number of people."""
    return reason if count == 1 else reason.replace("waits ", "wait ", 1)


def _put_back(held: Sequence[Row]) -> list[str]:
    """What an officer must decide of a ledger that was put back, for all batches in one."""
    if not held:
        return []
    numbers = sorted({each["distribution"] for each in held})
    which = f"distribution {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} distributions"
    batches = "1 batch" if len(held) == 1 else f"{len(held):,} batches"
    last = max(held, key=lambda each: each["incident"])
    return [
        f"The ledger was put back and knows nothing after {iso(last['knows_until'])} "
        f"({last['why']}): {batches} of {which} may have left meanwhile. "
        "`mailer restored` lists them and takes your word."
    ]


def _untold(tx: Tx) -> list[str]:
    """Words about a release that nobody could be told of."""
    return [
        f"Nobody was told yet of the {row['kind']} of {row['slug']}: `mailer templates check` says "
        "whether a template is at fault, `mailer run` carries it out."
        for row in notices.unheard(tx, tx.now() - _SOON)
    ]


_SOON = 60 * SECOND
"""Microseconds in which a word about a release is passed on."""


def _unfit_texts(tx: Tx, number: int | None = None) -> list[str]:
    """Batches that wait for a text which is there: the sweep takes one that can be sent at once."""
    found = []
    for row in variants.awaited(tx):
        texts = family(tx, row["release"]).texts
        text = next((each for each in texts if each.language == row["awaits"]), None)
        if text is None or text.number is None or text.state != "ready":
            continue
        if number in (None, row["distribution"]):
            found.append(
                f"Batch {row['wave']} of distribution {row['distribution']} waits for the "
                f"{text.language} text, which is there and cannot be sent as it is: "
                f"`mailer release check {row['slug']}:{text.language}` says why."
            )
    return found


def _decisions(row: dict[str, Any], held: Sequence[Row]) -> list[str]:
    number, people = row["distribution"], row["open"]
    have_not = "1 journalist has not" if people == 1 else f"{people:,} journalists have not"
    found = []
    put_back = any(each["distribution"] == number for each in held)
    if row["state"] == "waiting" and not put_back:
        why = f" ({row['reason']})" if row["reason"] else ""
        found.append(
            f"Distribution {number} waits for you{why}; {have_not} had it yet: "
            f"`mailer resume {number}` lets it go, `mailer cancel {number}` drops it."
        )
    if row["state"] == "paused" and not put_back:
        found.append(
            f"Distribution {number} is paused; {have_not} had it yet: "
            f"`mailer resume {number}` goes on."
        )
    if doubtful := row["counts"].get("in_doubt"):
        found.append(
            f"{doubtful} of distribution {number} not certain: the server may have them, its "
            f"answer was lost. `mailer log {number} --state in_doubt` lists them, "
            f"`mailer resolve {number}` with --from-maillog FILE, --delivered or --resend decides."
        )
    return found


def _of_another_wave(event: Row, wave: int) -> bool:
    """Did this happen to a batch that the delivery is not in?"""
    kind: str = event["kind"]
    return kind.startswith("wave_") and json.loads(event["data"]).get("wave") not in (None, wave)


def _event_data(event: Row) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(event["data"])
    if data.pop("deliveries", None) and data.get("state") == event["kind"]:
        del data["state"]  # told of everybody together, and here of one
    return data
