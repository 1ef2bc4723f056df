"""What must be true of every ledger at every instant, and of a ledger beside a server's record.

`faults_of` reads a store and finds what contradicts itself: a state that the history does not
lead to, a move that is not allowed, an answer without its attempt, a finished batch with
something still open. `compare` holds a ledger against what a server wrote down, one to one. Both
return findings in words; an empty answer means exact (H7, H9, H16, H17).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.store import Store
from mailer.store.states import DELIVERY_MOVES, OPEN_DELIVERIES, DeliveryState

_WORDS = {state.word: state for state in DeliveryState}
_PLANNED = DeliveryState.QUEUED
_DOUBT = DeliveryState.IN_DOUBT.word
_HELD = "held_back"
_OF_A_MESSAGE = ("MAIL", "RCPT", "DATA", "DOT")


def rows(store: Store, sql: str, **params: Any) -> list[dict[str, Any]]:
    """What the store answers, as plain dicts."""
    with store.read() as tx:
        return [{name: row[name] for name in row.keys()} for row in tx.rows(sql, params)]  # noqa: SIM118


@dataclass(slots=True)
class History:
    """What the events alone say: each delivery's state, and how often each was sent again."""

    states: dict[int, DeliveryState] = field(default_factory=dict)
    resent: Counter[int] = field(default_factory=Counter)
    settled: set[int] = field(default_factory=set)
    """Accepted by an officer's word, and not by a server's."""
    doubts: dict[tuple[int, int], tuple[str, bool]] = field(default_factory=dict)
    """Of each attempt in doubt (delivery, number): whose it was, and whether that sender died."""
    faults: list[str] = field(default_factory=list)

    def move(self, delivery: int, state: DeliveryState, event: int) -> None:
        """One step, if `store/states.py` allows it."""
        before = self.states.get(delivery, _PLANNED)
        if state not in DELIVERY_MOVES[before]:
            self.faults.append(
                f"event {event}: delivery {delivery} went from {before.word} to {state.word}"
            )
        self.states[delivery] = state


def replay(events: Iterable[Mapping[str, Any]]) -> History:
    """The states that a history leads to, oldest event first (H17).

    An event names its deliveries in `data`, with the state they got, or is about one delivery and
    named by the state; a claim and a resend have names of their own.
    """
    history = History()
    for event in events:
        data = json.loads(event["data"])
        if event["kind"] == "claimed":
            state: DeliveryState | None = DeliveryState.CLAIMED
        elif event["kind"] == "resend":
            state = DeliveryState.DEFERRED
            history.resent[event["delivery"]] += 1
        elif "deliveries" in data:
            state = _WORDS[data["state"]]
        else:
            state = _WORDS.get(event["kind"]) if event["delivery"] is not None else None
        if state is None:
            continue
        for delivery in data.get("deliveries", [event["delivery"]]):
            if event["kind"] == "put_off" and history.states.get(delivery) is state:
                continue  # it waited already, and waits longer
            history.move(delivery, state, event["id"])
            if state is DeliveryState.IN_DOUBT and data.get("was") != _HELD:
                history.doubts[delivery, data["attempt"]] = event["actor"], "reason" in data
            if data.get("was") in (_DOUBT, _HELD) and state is DeliveryState.ACCEPTED:
                history.settled.add(delivery)
    return history


def history_of(store: Store) -> History:
    """The history of everything in a store, replayed."""
    return replay(
        rows(
            store,
            "SELECT id, kind, actor, delivery, data FROM events WHERE distribution IS NOT NULL "
            "ORDER BY id",
        )
    )


def faults_of(store: Store, history: History | None = None) -> list[str]:
    """Everything in a store that contradicts itself; empty when it is exact."""
    history = history or history_of(store)
    deliveries = rows(store, "SELECT * FROM deliveries ORDER BY id")
    found = list(history.faults)
    for row in deliveries:
        state = DeliveryState(row["state"])
        told = history.states.get(row["id"], _PLANNED)
        if told is not state:
            found.append(f"{row['id']} is {state.word}, its events say {told.word}")
        if (row["worker"] is not None) != (state is DeliveryState.CLAIMED) and not (
            state is DeliveryState.IN_DOUBT and row["worker"] is not None
        ):
            found.append(f"{row['id']} is {state.word} with worker {row['worker']}")
    found += [
        f"event about {delivery}, which is no delivery"
        for delivery in history.states.keys() - {row["id"] for row in deliveries}
    ]
    return (
        found
        + _attempt_faults(store, deliveries, history.settled)
        + _order_faults(store, deliveries)
    )


def _attempt_faults(store: Store, deliveries: list[dict[str, Any]], settled: set[int]) -> list[str]:
    """Answers without an attempt, attempts that say something else."""
    attempts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for attempt in rows(store, "SELECT * FROM attempts ORDER BY delivery, number"):
        attempts[attempt["delivery"]].append(attempt)
    found = []
    for row in deliveries:
        mine, state = attempts.pop(row["id"], []), DeliveryState(row["state"])
        last = mine[-1] if mine else None
        if last is not None and last["number"] > row["attempts"]:
            found.append(f"{row['id']} has attempt {last['number']} of {row['attempts']}")
        if row["id"] in settled:
            continue
        if state in (DeliveryState.ACCEPTED, DeliveryState.REFUSED) and (
            last is None or last["state"] != state or last["number"] != row["attempts"]
        ):
            found.append(f"{row['id']} is {state.word} without such an attempt")
        if state is DeliveryState.ACCEPTED and last and not 200 <= last["code"] < 300:
            found.append(f"{row['id']} is accepted after {last['code']}")
        if sum(a["state"] == DeliveryState.ACCEPTED for a in mine) > 1:
            found.append(f"{row['id']} was accepted twice")
    found += [f"attempts of {delivery}, which is no delivery" for delivery in attempts]
    return found


def _order_faults(store: Store, deliveries: list[dict[str, Any]]) -> list[str]:
    """Batches and distributions called ended with something still to happen in them."""
    still = {(row["distribution"], row["wave"]) for row in deliveries if row["state"] in _OPEN}
    waves = rows(store, "SELECT distribution, id, state FROM waves")
    ended = [
        f"batch {wave['id']} of distribution {wave['distribution']} is done with something open"
        for wave in waves
        if wave["state"] == "done" and (wave["distribution"], wave["id"]) in still
    ]
    done = rows(store, "SELECT id FROM distributions WHERE state = 'done'")
    busy = {number for number, _ in still}
    return ended + [
        f"distribution {d['id']} is done, not all of it" for d in done if d["id"] in busy
    ]


_OPEN = {int(state) for state in OPEN_DELIVERIES}


@dataclass(slots=True)
class Comparison:
    """A ledger beside a server's record; each list holds findings in words and should be empty."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    groundless: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def merge(self, other: Comparison) -> None:
        """Add another one's findings."""
        for name in self.__dataclass_fields__:
            getattr(self, name).extend(getattr(other, name))

    @property
    def exact(self) -> bool:
        return not any(getattr(self, name) for name in self.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server saw of one delivery that it had a MAIL FROM of. `dots`: of each final dot in
    order the SHA-256, the answer's code (0: it gave none) and whether the recipient gets it.
    `refused`: the codes by which it refused before the dot. `invited`: how often it asked for the
    content and the connection ended before the dot came in, which may have been on its way."""

    dots: tuple[tuple[str, int, bool], ...] = ()
    ids: frozenset[str] = frozenset()
    refused: tuple[int, ...] = ()
    invited: int = 0


def compare(
    store: Store,
    server: Mapping[int, Seen],
    *,
    history: History | None = None,
    in_flight: int,
    finished: bool = True,
    rescued: Collection[str] = (),
) -> Comparison:
    """Hold the ledger against the server, one to one.

    In doubt may be only what the server did not answer, and of a sender that died what was on its
    way at that moment: `in_flight` messages at most, its connections. With `finished` nothing may
    be left open. Of `rescued` workers (see there) all that was claimed may be in doubt.
    """
    history = history or history_of(store)
    found = Comparison(gaps=faults_of(store, history))
    attempts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for attempt in rows(store, "SELECT * FROM attempts ORDER BY delivery, number"):
        attempts[attempt["delivery"]].append(attempt)
    ledger = {row["id"]: row for row in rows(store, "SELECT * FROM deliveries ORDER BY id")}
    for number, row in ledger.items():
        seen, state = server.get(number, Seen()), DeliveryState(row["state"])
        _compare_one(found, number, state, seen, history, finished)
        if finished:  # what a server refused is in its record once the next message began
            _compare_answers(found, number, attempts[number], seen)
        if state is DeliveryState.ACCEPTED and number not in history.settled:
            last = bytes(attempts[number][-1]["sha256"] or b"").hex() if attempts[number] else ""
            if last not in {sha for sha, _, kept in seen.dots if kept}:
                found.gaps.append(f"{number}: the log has the SHA-256 of other bytes")
    history.doubts = {
        attempt: whose for attempt, whose in history.doubts.items() if whose[0] not in rescued
    }
    found.groundless += _groundless(server, history, attempts, in_flight)
    found.ghosts += [f"{number}: no such delivery" for number in server.keys() - ledger.keys()]
    return found


def rescued(store: Store) -> set[str]:
    """Workers whose journal nobody could read, since another host settled what they held, or their
    own after another boot: nobody can know what of it was sent (decision 4)."""
    found = rows(store, "SELECT data FROM events WHERE kind = 'worker_recovered'")
    told = [json.loads(row["data"]) for row in found]
    return {f"worker:{each['worker']}" for each in told if not each["journal"]}


def _groundless(
    server: Mapping[int, Seen],
    history: History,
    attempts: Mapping[int, list[dict[str, Any]]],
    in_flight: int,
) -> list[str]:
    """Every doubt there ever was, settled or not: was the message dotted and unanswered?"""
    found, left = [], Counter[str]()
    invited = Counter({number: seen.invited for number, seen in server.items()})
    shas = {
        (number, each["number"]): bytes(each["sha256"] or b"").hex()
        for number in attempts
        for each in attempts[number]
    }
    # Those who lived first: for the dead there is another explanation.
    for (delivery, number), (worker, died) in sorted(
        history.doubts.items(), key=lambda doubt: doubt[1][1]
    ):
        seen = server.get(delivery)
        if seen is None:
            found.append(f"{delivery}: in doubt, but the server never heard of it")
        elif shas.get((delivery, number)) in {sha for sha, code, _ in seen.dots if code == 0}:
            continue
        elif invited[delivery]:
            invited[delivery] -= 1
        elif died:
            left[worker] += 1
        else:
            found.append(f"{delivery}: {worker} lived and is in doubt of what was answered")
    return found + [
        f"{worker} died and left {count} in doubt over {in_flight} connections"
        for worker, count in left.items()
        if count > in_flight
    ]


def _compare_answers(
    found: Comparison, number: int, attempts: Iterable[Mapping[str, Any]], seen: Seen
) -> None:
    """No answer may stand in the log that the server did not give to this delivery."""
    logged = Counter(
        each["code"] for each in attempts if each["code"] and each["phase"] in _OF_A_MESSAGE
    )
    said = Counter([code for _, code, _ in seen.dots if code] + list(seen.refused))
    for code, count in (logged - said).items():
        found.gaps.append(f"{number}: {code} stands {count} times more in the log than was said")


def _compare_one(
    found: Comparison,
    number: int,
    state: DeliveryState,
    seen: Seen,
    history: History,
    finished: bool,
) -> None:
    kept, resent = sum(keep for _, _, keep in seen.dots), history.resent[number]
    if finished and state in OPEN_DELIVERIES:
        found.lost.append(f"{number}: still {state.word} at the end")
    if state is DeliveryState.ACCEPTED and not kept and number not in history.settled:
        found.lost.append(f"{number}: accepted, but the server has it not")
    if kept > 1 + resent:
        found.doubled.append(f"{number}: taken {kept} times, sent again {resent} times by order")
    if kept and len(seen.ids) > 1:
        found.doubled.append(f"{number}: came under the names {sorted(seen.ids)}")
    known = state in (DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)
    if kept and not known and not resent and (finished or state not in OPEN_DELIVERIES):
        found.ghosts.append(f"{number}: the server has it, the ledger says {state.word}")
