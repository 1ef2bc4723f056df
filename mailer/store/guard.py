"""The restore guard in the store: how far a ledger has come, and what it holds for an officer.

A ledger only ever goes on: its starts, its history and its counters grow. One that is behind what
was seen of it was put back from an earlier time, and of what is open in it nobody knows what left
meanwhile (design decision 14). Nothing here commits; the caller's transaction does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.states import DeliveryState

HOLD = (
    *("guard.hold_keep", "guard.hold_waves", "guard.hold_distributions", "guard.hold_events"),
    *("guard.hold_numbers", "guard.hold_control"),
)
"""The statements that hold everything open back, in order. Each knows only `:incident`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a ledger has come: counts that never go back.

    `starts` is how often it was set to work, `events` its last line of history, `incident` the
    instant at which it was last known to have been put back (0: never), `counters` the last
    number given out of each kind.
    """

    starts: int
    events: int
    incident: int
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keeper:
    """A machine that has a ledger at work: its name, and what tells it from its copies ("" where
    the system has nothing of that kind)."""

    host: str
    machine: str

    def is_same(self, other: Keeper) -> bool:
        """The same machine? By what tells copies apart where both have it, else by name."""
        if self.machine and other.machine:
            return self.machine == other.machine
        return self.host == other.host


def progress(tx: Tx) -> Progress:
    """How far this ledger has come."""
    counters = {row["name"]: int(row["value"]) for row in tx.all("guard.counters")}
    return Progress(
        starts=counters.get("start", 0),
        events=tx.value("guard.last_event"),
        incident=tx.value("guard.last_incident"),
        counters=counters,
    )


def count_start(tx: Tx, keeper: Keeper) -> None:
    """Count one more start, by this machine."""
    starts = tx.next_ids("start")
    tx.run("guard.keep", host=keeper.host, machine=keeper.machine, starts=starts, now=tx.now())


def seen(tx: Tx, keeper: Keeper) -> None:
    """This machine still has the ledger at work."""
    tx.run("guard.seen", host=keeper.host, machine=keeper.machine, now=tx.now())


def last_keeper(tx: Tx) -> Keeper | None:
    """The machine that was the last to set the ledger to work."""
    row = tx.one("guard.last_keeper")
    return None if row is None else Keeper(row["host"], row["machine"])


def kept_by_another(tx: Tx, keeper: Keeper, since: int) -> bool:
    """Has any other machine had the ledger at work since an instant?"""
    place = {"host": keeper.host, "machine": keeper.machine}
    return tx.one("guard.kept_by_another", since=since, **place) is not None


def at_work_since(tx: Tx, since: int, *, but: str) -> str | None:
    """A host, other than `but`, that has had the ledger at work since an instant."""
    host: str | None = tx.value("guard.at_work_since", since=since, host=but)
    return host


def is_unused(tx: Tx) -> bool:
    """Has nothing ever happened in this ledger?"""
    return tx.one("guard.is_unused") is not None


def hold(tx: Tx, why: str, host: str, known: Mapping[str, int]) -> None:
    """Everything open waits for an officer, and no number is given out twice.

    `known` are counters as they were seen elsewhere; numbers go on behind them.
    """
    incident = max(tx.now(), int(tx.value("guard.last_incident")) + 1)
    knows_until = tx.value("guard.last_known")
    tx.run(
        "guard.add_incident", incident=incident, why=why, host=host, knows_until=int(knows_until)
    )
    catch_up(tx, known)
    for statement in HOLD:
        tx.run(statement, incident=incident)
    add_event(tx, "put_back", "guard", data={"why": why, "host": host})


def catch_up(tx: Tx, known: Mapping[str, int]) -> None:
    """Let numbers go on behind those that were seen elsewhere."""
    for name, value in known.items():
        tx.run("guard.at_least", name=name, value=value)


def undecided(tx: Tx) -> list[Row]:
    """Batches held back that wait for an officer's word, by due time."""
    return tx.all("guard.undecided")


def is_held(tx: Tx, distribution: int) -> bool:
    """Does anything of a distribution wait for that word?"""
    return tx.one("guard.is_held", distribution=distribution) is not None


def wave_counts(tx: Tx, distribution: int, wave: int) -> dict[str, int]:
    """How many deliveries of a batch are in each transport state, by word."""
    rows = tx.all("guard.wave_counts", distribution=distribution, wave=wave)
    return {DeliveryState(row["state"]).word: row["n"] for row in rows}


def gone(
    tx: Tx,
    distribution: int,
    wave: int,
    state: DeliveryState,
    *,
    reason: str,
    at: int | None,
    limit: int,
    actor: str,
) -> int:
    """What of a batch held back was not known to have left counts as `state` (accepted or in
    doubt) by an officer's word, a chunk of it; how many. `at` is when it may have left first."""
    place = {"distribution": distribution, "wave": wave, "state": int(state), "at": at}
    rows = tx.all("guard.gone_queued", reason=reason, limit=limit, **place)
    if len(rows) < limit:
        rows += tx.all("guard.gone_deferred", reason=reason, limit=limit - len(rows), **place)
    if rows:
        ids = [row["id"] for row in rows]
        data = {"state": state.word, "was": "held_back", "reason": reason, "deliveries": ids}
        add_event(tx, "already_left", actor, distribution=distribution, data=data)
    return len(rows)


def decided(tx: Tx, distribution: int, wave: int, decision: str, actor: str) -> bool:
    """An officer's word on one batch; False when another one was quicker."""
    place = {"distribution": distribution, "wave": wave}
    changed = tx.run("guard.decide", decision=decision, actor=actor, now=tx.now(), **place)
    if changed:
        data = {"decision": decision, "wave": wave}
        add_event(tx, "restore_decided", actor, distribution=distribution, data=data)
    return bool(changed)


def finish(tx: Tx, distribution: int, wave: int, actor: str) -> None:
    """A batch of which everything left is done, and with the last one its distribution."""
    ended = [row["id"] for row in tx.all("guard.finish_empty", distribution=distribution)]
    if tx.run("guard.finish_wave", distribution=distribution, wave=wave):
        ended.append(wave)
    for each in ended:
        add_event(tx, "wave_finish", actor, distribution=distribution, data={"wave": each})
    if tx.run("guard.finish_distribution", distribution=distribution, now=tx.now()):
        add_event(tx, "done", actor, distribution=distribution)


def plan(tx: Tx, distribution: int, wave: int) -> None:
    """A batch held back is due at its own time again."""
    tx.run("guard.plan_wave", distribution=distribution, wave=wave)
