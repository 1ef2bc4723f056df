"""Whether a sender may go on: its lease, its clock, its configuration, its store's schema and key.

A store shared by several machines is in the hands of all of them, so each looks at itself whenever
it renews its lease, and stands aside when it does not fit (design decisions 4, 8, 11 and 17):

- no lease renewed for half of `rescue_after`: no MAIL FROM. When the other half has passed as well,
  another machine may take what is claimed here for uncertain. This is counted here by a clock that
  nobody sets, so it holds also while the database hangs;
- a clock further from the database server's than two seconds, another configuration than another
  living sender's, another schema or suppression key than the store's: no claim.

Each is said once, in what the sender reports and in the store for `status` and `doctor`. What heals
is found at the next renewal. The same look at the other senders deals out the connections that a
destination allows: they hold over all machines.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mailer.distribution.context import Newsroom, host_name
from mailer.distribution.limits import Limits
from mailer.distribution.machines import lease_old, living, misfit
from mailer.distribution.storethread import StoreThread
from mailer.store import ledger, workers
from mailer.store.base import Row
from mailer.store.ledger import OpenWave

IDLE_AFTER = 10.0
"""Seconds without anything to send after which a sender that tasks begin ends; it keeps its
connections until then."""

_RENEW_EVERY = 2.0
"""Seconds between two renewals at most; six of them fit into a shorter `rescue_after`."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a renewal found: why nothing may be claimed, and this sender's place among all that
    send, from 1, with how many there are; (0, 0) while others do not know of it yet."""

    blocked: str | None
    senders: int
    place: int


class Standing:
    """One sender's standing in its store.

    `share` senders run on this host, of which this is the `number`-th (from 1). `report` gets
    `{"event": "stands", "reason": …}` when something begins to hold it and `goes_on` with the same
    reason when it is over. With `serves`, which picks the waves that are this sender's business,
    `idle` is called once nothing of those was open for `IDLE_AFTER`.
    """

    def __init__(
        self,
        room: Newsroom,
        worker: int,
        limits: Limits,
        share: int,
        number: int,
        report: Callable[[dict[str, Any]], None],
        serves: Callable[[OpenWave], bool] | None,
        idle: Callable[[], None],
    ) -> None:
        self._room = room
        self._worker = worker
        self._limits = limits
        self._share = share
        self._number = number
        self._report = report
        self._serves = serves
        self._idle = idle
        self._host = host_name()
        self._rescue_after = room.config.sending.rescue_after
        self._half = self._rescue_after / 2
        self._every = min(_RENEW_EVERY, self._rescue_after / 6)
        self._loop = asyncio.get_running_loop()
        self._renewed = self._busy_at = _ticks()
        self._due = float("-inf")
        self._published = False
        self._known_from = 0
        self._waits = True
        self._said: dict[str, str] = {}
        self._timer = self._loop.call_later(self._half, self._lease_old)

    def may_begin(self) -> bool:
        """Whether the lease is young enough for a MAIL FROM."""
        return _ticks() - self._renewed < self._half

    def claimable(self, waves: list[OpenWave]) -> list[OpenWave]:
        """Of the open waves those that this sender may claim from."""
        if self._serves is not None:
            waves = [wave for wave in waves if self._serves(wave)]
            now = _ticks()
            if waves:
                self._busy_at = now
            elif now - self._busy_at >= IDLE_AFTER:
                self._idle()
        return [] if "blocked" in self._said or not self.may_begin() else waves

    @property
    def is_due(self) -> bool:
        """Whether the lease is to be renewed."""
        return _ticks() >= self._due

    async def renew(self, store: StoreThread) -> bool:
        """Say that this sender lives, and look at itself; False when another host has declared it
        dead. Raises StoreUnavailable."""
        began = _ticks()
        self._due = began + self._every
        found = await store.call(self._renew)
        if found is None:
            self.end()
            return False
        self._renewed = began
        self._timer.cancel()
        self._timer = self._loop.call_later(
            max(0.0, began + self._half - _ticks()), self._lease_old
        )
        self._goes_on("lease")
        if found.blocked != self._said.get("blocked"):
            self._goes_on("blocked")
            if found.blocked is not None:
                self._stands("blocked", found.blocked)
        self._limits.deal_out(found.senders, found.place)
        return True

    def end(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _renew(self) -> _Found | None:
        with self._room.store.write() as tx:
            if not ledger.renew_lease(tx, self._worker):
                return None
            if not self._published:
                workers.publish(tx, self._worker, self._share)
            now = tx.now()
            others = living(self._room, tx, self._worker)
            blocked = misfit(self._room, tx, self._worker)
            if blocked != self._said.get("blocked") or not self._published:
                workers.block(tx, self._worker, blocked)
            found = _Found(blocked, *self._place(others))
        # Only what is committed has been seen by those who look after it.
        self._published = True
        self._known_from = self._known_from or now
        return found

    def _place(self, others: Iterable[Row]) -> tuple[int, int]:
        shares: dict[str, int] = {}
        unaware = False
        for row in others:
            if row["host"] == self._host or row["blocked"] is not None:
                continue
            # It still uses what is to be ours until it has renewed its lease after we were there.
            unaware = unaware or not self._known_from or row["lease_at"] <= self._known_from
            shares[row["host"]] = max(row["share"], shares.get(row["host"], 0))
        waits, self._waits = self._waits and bool(shares), unaware
        if waits or unaware:  # once more, so that what was under way there has its end
            return 0, 0
        before = sum(share for host, share in shares.items() if host < self._host)
        return sum(shares.values()) + self._share, before + self._number

    def _lease_old(self) -> None:
        self._stands("lease", lease_old(self._rescue_after))

    def _stands(self, kind: str, reason: str) -> None:
        self._said[kind] = reason
        self._report({"event": "stands", "reason": reason})

    def _goes_on(self, kind: str) -> None:
        reason = self._said.pop(kind, None)
        if reason is not None:
            self._report({"event": "goes_on", "reason": reason})


def _ticks() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps, where the
    system has one."""
    return time.clock_gettime(_CLOCK)


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
