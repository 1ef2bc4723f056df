"""A sender's side in the store: look, claim, record, give back. Everything here runs in the
sender's one store thread and never in its event loop (design decision 11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mailer.distribution import consequences, subscriptions
from mailer.distribution.context import Newsroom
from mailer.distribution.journal import Journal
from mailer.errors import StoreUnavailable
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient
from mailer.store import ledger
from mailer.store.base import Tx
from mailer.store.core import control_version
from mailer.store.ledger import Claimed, OpenWave, Result
from mailer.store.states import DeliveryState

LARGEST_CLAIM = 2000
"""Deliveries one claim takes at most, however fast the route is."""


@dataclass(slots=True)
class Job:
    """One claimed delivery on its way."""

    claimed: Claimed
    recipient: Recipient
    template: MergeTemplate
    sent_date: int = 0
    sha256: bytes = b""
    losses: int = 0
    fresh_losses: int = 0

    @property
    def number(self) -> int:
        """The number of the attempt being made."""
        return self.claimed.attempts + 1


@dataclass(frozen=True, slots=True)
class Aside:
    """A claimed delivery that was not tried: its final state, or None to give it back."""

    job: Job
    state: DeliveryState | None
    reason: str


@dataclass(slots=True)
class Look:
    """What a look at the control version found."""

    withdrawn: dict[int, tuple[DeliveryState | None, str]]
    waves: list[OpenWave]


class Turns:
    """What one worker reads and writes."""

    def __init__(self, room: Newsroom, worker: int, journal: Journal) -> None:
        self._room = room
        self._worker = worker
        self._journal = journal
        self._templates: dict[str, MergeTemplate] = {}
        self._version = -1
        self._looks_due = 0

    def look(self) -> Look:
        """Opt-outs that wait in the spool, then the control version and what it withdraws."""
        self._drain_spool()
        with self._room.store.read() as tx:
            version = control_version(tx)
            if version != self._version:
                # Twice, because a claim may have been on its way when the act was answered.
                self._looks_due = 2
                self._version = version
            found = ledger.withdrawn(tx, self._worker) if self._looks_due else {}
            self._looks_due = max(0, self._looks_due - 1)
            return Look(found, ledger.open_waves(tx))

    def renew(self) -> bool:
        """Say that this worker lives; False when another host has declared it dead."""
        with self._room.store.write() as tx:
            return ledger.renew_lease(tx, self._worker)

    def turn(
        self,
        results: list[Result],
        aside: list[Aside],
        waves: list[OpenWave],
        wanted: int,
        held: frozenset[int] | None,
    ) -> list[Job]:
        """One group commit: answers, what was set aside, and the next claim of `wanted`.

        After a failed commit nobody knows whether it took place: `held` then are the ids really
        in hand, and whatever else this worker has claimed goes back.
        """
        if wanted > 0:
            self._drain_spool()
            self._journal.reserve(wanted + (len(held) if held else 0))
        with self._room.store.write() as tx:
            ledger.record(tx, self._worker, results)
            consequences.apply(self._room, tx, results)
            if self._room.config.sending.on_doubt == "resend":
                for result in results:
                    if result.state is DeliveryState.IN_DOUBT:
                        ledger.resend_doubtful(tx, result.distribution, result.delivery, "system")
            for each in aside:
                place = (each.job.claimed.distribution, each.job.claimed.id)
                if each.state is None:
                    ledger.give_back(tx, self._worker, [place])
                else:
                    ledger.set_aside(tx, self._worker, *place, each.state, each.reason)
            if held is not None:
                strays = [
                    (distribution, delivery)
                    for distribution, delivery, _ in ledger.held_by(tx, self._worker)
                    if delivery not in held
                ]
                ledger.give_back(tx, self._worker, strays)
            return self._claim(tx, waves, wanted) if wanted > 0 else []

    def others_at_work(self) -> bool:
        """Does any other sender hold deliveries?"""
        with self._room.store.read() as tx:
            return ledger.others_at_work(tx, self._worker)

    def defer(self, waves: Iterable[OpenWave], due_at: int, reason: str) -> int:
        """The way out is away: what these waves have untried waits until `due_at`; how many."""
        deferred = 0
        for wave in waves:
            step = 1
            while step:
                with self._room.store.write() as tx:
                    step = ledger.defer_wave(tx, wave, due_at, reason, LARGEST_CLAIM)
                deferred += step
        return deferred

    def leave(self) -> None:
        """The end. Every message taken had its outcome, so what is still claimed was never on
        the wire."""
        with self._room.store.write() as tx:
            ledger.give_back_all(tx, self._worker)
            ledger.worker_left(tx, self._worker)

    def _drain_spool(self) -> None:
        if subscriptions.waiting(self._room):
            subscriptions.drain(self._room)
            if subscriptions.waiting(self._room):
                raise StoreUnavailable("opt-outs wait in the spool; nothing may be sent.")

    def _claim(self, tx: Tx, waves: list[OpenWave], wanted: int) -> list[Job]:
        jobs: list[Job] = []
        for wave in waves:
            template = self._template(tx, wave.compiled)
            for claimed in ledger.claim(tx, self._worker, wave, wanted - len(jobs)):
                fields: dict[str, Any] = dict(claimed.frozen or claimed.fields)
                fields.setdefault("key_id", self._room.keys.current_id)
                jobs.append(Job(claimed, Recipient(**fields), template))
            if len(jobs) >= wanted:
                break
        ledger.freeze(
            tx,
            (
                (job.claimed.distribution, job.claimed.id, asdict(job.recipient))
                for job in jobs
                if job.claimed.frozen is None
            ),
        )
        return jobs

    def _template(self, tx: Tx, digest: str) -> MergeTemplate:
        if digest not in self._templates:
            self._templates[digest] = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
        return self._templates[digest]
