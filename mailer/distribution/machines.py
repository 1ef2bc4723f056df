"""What keeps a machine from sending together with others, in words.

A sender asks `misfit` about itself whenever it renews its lease (`standing.py`), the doctor does so
for the machine it runs on; `told` is what the store knows of all machines, for `status`.
"""

from __future__ import annotations

from pathlib import Path

from mailer.clock import SECOND
from mailer.distribution import journal
from mailer.distribution.context import Newsroom, fingerprint, host_name
from mailer.store import workers
from mailer.store.base import Row, Tx
from mailer.store.core import fact
from mailer.store.migrations import difference

CLOCK_OFF = 2 * SECOND
"""How far (microseconds) a machine's clock may be from the database server's."""

OTHER_KEY = (
    "the suppression key here is not the one this ledger was made with, so nobody who said stop "
    "would be recognised. Put the newsroom's own suppression.key back from its backup"
)


def lease_old(rescue_after: float) -> str:
    """What is said of a sender that cannot renew its lease; `rescue_after` in seconds."""
    return (
        f"{host_name()} could not tell the store for {rescue_after / 2:g} s that it lives, so it "
        "begins no message until it can."
    )


def misfit(room: Newsroom, tx: Tx, worker: int = 0) -> str | None:
    """Why this machine, or that sender of it, may claim nothing from its store, in sentences."""
    schema = difference(workers.schema(tx))
    found = [
        None if schema is None else str(schema).rstrip("."),
        _other_key(room, tx),
        _other_configuration(room, tx, worker),
        _clock_off(room, tx),
    ]
    reasons = [f"{reason}." for reason in found if reason]
    return f"{host_name()} claims nothing: {' '.join(reasons)}" if reasons else None


def _other_key(room: Newsroom, tx: Tx) -> str | None:
    known = fact(tx, "suppression_key")
    return None if known == fingerprint(room.suppression_key) else OTHER_KEY


def _other_configuration(room: Newsroom, tx: Tx, worker: int) -> str | None:
    mine = room.config.digest()
    hosts = workers.hosts_unlike(tx, host_name(), worker, mine, _since(room, tx))
    if not hosts:
        return None
    return (
        f"its configuration and that of {', '.join(hosts)} differ, and nobody can know which one "
        "is meant. Make config.toml alike and restart what runs with the other"
    )


def _clock_off(room: Newsroom, tx: Tx) -> str | None:
    """Two readings around the server's: what lies between them is no fault of the clock."""
    before = room.clock.now()
    server = tx.now()
    after = room.clock.now()
    ahead, behind = before - server, server - after
    if max(ahead, behind) <= CLOCK_OFF:
        return None
    seconds = round(max(ahead, behind) / SECOND)
    which = "ahead of" if ahead > 0 else "behind"
    return f"its clock is {seconds} s {which} the database server's. Set the clock (NTP)"


def told(room: Newsroom, tx: Tx) -> tuple[list[str], list[str]]:
    """What stands in the store of machines that claim nothing: sentences that need somebody, and
    others about machines of which nothing was heard lately."""
    now, half = tx.now(), room.config.sending.rescue_after * SECOND / 2
    blocked: list[str] = []
    silence: dict[str, int] = {}
    for row in workers.heard_of(tx):
        here, quiet = row["host"] == host_name(), now - row["heard_at"]
        if quiet <= half:
            if row["blocked"] is not None:
                blocked.append(row["blocked"])
        elif not (here and _is_over(row["journal"])):
            silence[row["host"]] = max(quiet, silence.get(row["host"], 0))
    silent = [
        f"Nothing was heard of {host} for {quiet // SECOND} s: it begins no message until it can "
        "reach the store. If it is gone, another machine takes what it had claimed as not certain."
        for host, quiet in silence.items()
    ]
    return list(dict.fromkeys(blocked)), silent


def _is_over(path: str) -> bool:
    """Whether what ran on this machine ended: its next sweep settles what that left."""
    return not path or journal.is_dead(Path(path))


def living(room: Newsroom, tx: Tx, worker: int = 0) -> list[Row]:
    """Other senders that were heard of within `rescue_after` (`workers.others`)."""
    return workers.others(tx, worker, _since(room, tx))


def _since(room: Newsroom, tx: Tx) -> int:
    return tx.now() - round(room.config.sending.rescue_after * SECOND)
