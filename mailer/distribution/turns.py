"""A sender's side in the store: look, claim, record, give back. All waiting is done
in the sender's one store thread; what a turn computes within its transaction, `StoreThread`
puts where it costs least (docs/decisions, 13).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from mailer.distribution import consequences, subscriptions
from mailer.distribution.context import Newsroom
from mailer.distribution.dealing import Dealer, Late, Ways
from mailer.distribution.dkim import keep, signer_of
from mailer.distribution.job import Aside, Job
from mailer.distribution.journal import Journal
from mailer.distribution.rules import Rulebook
from mailer.distribution.storethread import Steps, at_once
from mailer.errors import StoreUnavailable
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient
from mailer.store import ledger, paces, routes, rules
from mailer.store.base import Tx
from mailer.store.core import control_version
from mailer.store.ledger import OpenWave, Result
from mailer.store.routes import RouteState
from mailer.store.states import DeliveryState

if TYPE_CHECKING:
    from mailer.message.dkim import Signer

LARGEST_CLAIM = 2000
"""Deliveries one claim takes at most, however fast the routes are."""

_RECORD_STEP = 128
_CLAIM_STEP = 96
"""Answers and deliveries of one step in the event loop: one or two milliseconds. With a database
server there are no steps, and each statement is one more to wait for: all goes at once."""


@dataclass(slots=True)
class Look:
    """What a look at the control version found. `now` is the store's, `between` which readings of
    the monotonic clock it was read."""

    withdrawn: dict[int, tuple[DeliveryState | None, str]]
    waves: list[OpenWave]
    routes: Mapping[str, RouteState]
    now: int
    between: tuple[float, float]


@dataclass(slots=True)
class Turn:
    """What one group commit is to write, and how much to claim with it.

    After a failed commit nobody knows whether it took place: `held` then are the ids really in
    hand, and whatever else this worker has claimed goes back. `pauses` are destination groups
    that asked for one, with the instant until when; `working` are routes whose rest is over.
    `again` are jobs in hand that another route with places to take is to have; `unused` are
    (distribution, delivery) of what counts for a warm-up and never began there.
    """

    results: list[Result] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    pauses: dict[str, int] = field(default_factory=dict)
    working: set[str] = field(default_factory=set)
    waves: Sequence[OpenWave] = ()
    wanted: int = 0
    ways: Ways = field(default_factory=Ways)
    again: list[Job] = field(default_factory=list)
    unused: set[tuple[int, int]] = field(default_factory=set)
    held: frozenset[int] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write or claim."""
        writes = self.results or self.aside or self.pauses or self.working
        return not (writes or self.wanted or self.again or self.unused)

    def forget(self) -> None:
        """It is written: nothing of it may be written again."""
        for each in (self.results, self.aside, self.pauses, self.again, self.unused):
            each.clear()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a turn claimed or dealt anew, and the store's now at that moment.

    `put_off` counts what was taken and does not go now. `gone` are ids that were in hand and wait
    in the store now; `resting` are the destination groups that asked any sender for a pause.
    """

    jobs: list[Job]
    put_off: int
    now: int
    gone: tuple[int, ...] = ()
    resting: frozenset[str] = frozenset()


class Turns:
    """What one worker reads and writes; `compute` runs a transaction's body where it is cheapest
    (`StoreThread.compute`)."""

    def __init__(
        self,
        room: Newsroom,
        worker: int,
        journal: Journal,
        dealer: Dealer,
        compute: Callable[[Steps[Claim]], Claim] = at_once,
    ) -> None:
        self._compute = compute
        self._room = room
        self._worker = worker
        self._journal = journal
        self._dealer = dealer
        self._rulebook = Rulebook(room.config)
        embedded = room.store.embedded
        self._record_step = _RECORD_STEP if embedded else LARGEST_CLAIM
        self._claim_step = _CLAIM_STEP if embedded else LARGEST_CLAIM
        self._templates: dict[str, tuple[MergeTemplate, Signer | None]] = {}
        self._version = -1
        self._looks_due = 0

    def look(self) -> Look:
        """Opt-outs that wait in the spool, then the control version and what it withdraws."""
        self._drain_spool()
        began = self._room.clock.monotonic()
        with self._room.store.read() as tx:
            version = control_version(tx)
            if version != self._version:
                # Twice, because a claim may have been on its way when the act was answered.
                self._looks_due = 2
                self._version = version
            found = ledger.withdrawn(tx, self._worker) if self._looks_due else {}
            self._looks_due = max(0, self._looks_due - 1)
            waves, ways = ledger.open_waves(tx), routes.state_of(tx)
            now = tx.now()
            return Look(found, waves, ways, now, (began, self._room.clock.monotonic()))

    def turn(self, turn: Turn) -> Claim:
        """One group commit: answers, what was set aside, and the next claim."""
        if turn.wanted > 0:
            self._drain_spool()
            self._journal.reserve(turn.wanted + (len(turn.held) if turn.held else 0))
        with self._room.store.write() as tx:
            return self._compute(self._write(tx, turn))

    def _write(self, tx: Tx, turn: Turn) -> Steps[Claim]:
        _unless_back(tx, turn.results)
        step = self._record_step
        for start in range(0, len(turn.results), step):
            ledger.record(tx, self._worker, turn.results[start : start + step])
            yield
        consequences.apply(self._room, tx, turn.results, group=self._dealer.group_of_address)
        if self._room.config.sending.on_doubt == "resend":
            for result in turn.results:
                if result.state is DeliveryState.IN_DOUBT:
                    ledger.resend_doubtful(tx, result.distribution, result.delivery, "system")
        for name in turn.working:
            routes.works(tx, name)
        for group, until in sorted(turn.pauses.items()):
            paces.rest(tx, group, until)
        self._set_aside(tx, turn.aside)
        unused = set(turn.unused)
        if turn.held is not None:
            strays = [
                (distribution, delivery)
                for distribution, delivery, _ in ledger.held_by(tx, self._worker)
                if delivery not in turn.held
            ]
            ledger.give_back(tx, self._worker, strays)
            unused.update(strays)
        not_begun = paces.not_begun(tx, self._worker, unused)
        moved = self._deal_again(tx, turn) if turn.again else None
        found = (yield from self._claim(tx, turn)) if turn.wanted > 0 else Claim([], 0, tx.now())
        paces.give_back(tx, not_begun)
        if moved is None:
            return found
        return replace(found, jobs=moved.jobs + found.jobs, gone=moved.gone)

    def others_at_work(self) -> bool:
        """Does any other sender hold deliveries?"""
        with self._room.store.read() as tx:
            return ledger.others_at_work(tx, self._worker)

    def rest_route(self, name: str, until: int, reason: str) -> None:
        """A way out is away: all senders leave it alone until an instant (UTC microseconds)."""
        with self._room.store.write() as tx:
            if name not in routes.resting(tx):
                routes.rest(tx, name, until, reason, f"worker:{self._worker}")

    def defer(
        self, waves: Iterable[OpenWave], absent: Collection[str], due_at: int, reason: str
    ) -> int:
        """No way out is left: what is due of these waves waits until `due_at`; how many.

        Unless somebody let go one of the `absent` routes meanwhile.
        """
        deferred = 0
        for wave in waves:
            step = 1
            while step:
                with self._room.store.write() as tx:
                    if len(routes.hold(tx, absent)) < len(absent):
                        return deferred
                    step = ledger.defer_wave(tx, wave, due_at, reason, LARGEST_CLAIM)
                deferred += step
        return deferred

    def leave(self) -> None:
        """The end. Every message taken had its outcome, so what is still claimed was never on
        the wire."""
        with self._room.store.write() as tx:
            held = [(distribution, id) for distribution, id, _ in ledger.held_by(tx, self._worker)]
            paces.give_back(tx, paces.not_begun(tx, self._worker, held))
            ledger.give_back_all(tx, self._worker)
            ledger.worker_left(tx, self._worker)
            paces.worker_left(tx, self._worker)

    def _drain_spool(self) -> None:
        if subscriptions.waiting(self._room):
            subscriptions.drain(self._room)
            if subscriptions.waiting(self._room):
                raise StoreUnavailable("opt-outs wait in the spool; nothing may be sent.")

    def _set_aside(self, tx: Tx, aside: list[Aside]) -> None:
        back = []
        skips = []
        for each in aside:
            place = (each.job.claimed.distribution, each.job.claimed.id)
            if each.state is None:
                back.append(place)
            elif each.state is DeliveryState.SKIPPED:
                skips.append(rules.Skip(*place, each.reason))
            else:
                ledger.set_aside(tx, self._worker, *place, each.state, each.reason)
        if back:
            ledger.give_back(tx, self._worker, back)
        rules.skip(tx, self._worker, skips)

    def _claim(self, tx: Tx, turn: Turn) -> Steps[Claim]:
        deal = self._dealer.begin(tx, turn.ways, self._worker)
        wanted = deal.room(turn.wanted)
        kept: list[Job] = []
        late: list[Late] = []
        kept_back = 0
        key_id = self._room.keys.current_id
        waves = iter(turn.waves)
        wave = next(waves, None)
        while wave is not None and wanted > 0:
            step = min(wanted, self._claim_step)
            template, signer = self._template(tx, wave.compiled)
            signing = keep(tx, signer)
            jobs: list[Job] = []
            found = ledger.claim(tx, self._worker, wave, step, but=deal.not_mine)
            going = self._rulebook.judge(tx, self._worker, wave, found)
            kept_back += len(found) - len(going)
            for claimed in going:
                if claimed.frozen is not None:
                    recipient = Recipient(**orjson.loads(claimed.frozen))
                    if recipient.email != (email := claimed.person[0]):
                        # He moved since; all else stays as it was written.
                        recipient.email = email
                        ledger.readdress(tx, claimed, orjson.dumps(recipient).decode())
                else:
                    recipient = Recipient(*[*claimed.person, key_id])
                    template.letterhead.write_out(recipient, inform=claimed.inform)
                jobs.append(Job(claimed, recipient, template, wave.urgent, signing))
            yield
            wanted -= len(found)
            stay, wait = deal.deal(jobs)
            kept += stay
            late += wait
            _freeze(tx, stay)
            if len(found) < step:
                wave = next(waves, None)
            yield
        deal.close()
        self._wait(tx, late)
        return Claim(kept, len(late) + kept_back, tx.now(), resting=frozenset(deal.rests))

    def _deal_again(self, tx: Tx, turn: Turn) -> Claim:
        """Jobs that came to nothing by one route take places of another, or wait."""
        jobs = turn.again
        if turn.held is not None:  # the commit that failed may have put some of them off
            mine = {delivery for _, delivery, _ in ledger.held_by(tx, self._worker)}
            jobs = [job for job in jobs if job.claimed.id in mine]
        deal = self._dealer.begin(tx, turn.ways, self._worker)
        kept, late = deal.deal(jobs)
        deal.close()
        self._wait(tx, late)
        staying = {job.claimed.id for job in kept}
        gone = tuple(job.claimed.id for job in turn.again if job.claimed.id not in staying)
        return Claim(kept, len(late), tx.now(), gone)

    def _wait(self, tx: Tx, late: Iterable[Late]) -> None:
        places = [
            (each.job.claimed.distribution, each.job.claimed.id, each.due_at, each.reason)
            for each in late
        ]
        ledger.put_off(tx, self._worker, places)

    def _template(self, tx: Tx, digest: str) -> tuple[MergeTemplate, Signer | None]:
        if digest not in self._templates:
            template = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
            self._templates[digest] = template, signer_of(self._room.config, template)
        return self._templates[digest]


def _unless_back(tx: Tx, results: Iterable[Result]) -> None:
    """What was put off because a route was away is due now where somebody let that route go."""
    waiting = [
        result
        for result in results
        if result.state is DeliveryState.DEFERRED
        and (result.reason or "").startswith(f"mail service {result.route} is ")
    ]
    if waiting:
        away = routes.hold(tx, {result.route for result in waiting})
        for result in waiting:
            if result.route not in away:
                result.due_at = min(result.due_at, tx.now())


def _freeze(tx: Tx, jobs: Sequence[Job]) -> None:
    """Keep the slot values of those claimed for the first time, and whom they inform."""
    claims = [job.claimed for job in jobs if job.claimed.inform is not None]
    ledger.will_inform(tx, [(claimed.journalist, claimed.id) for claimed in claims])
    ledger.freeze(
        tx,
        [
            (job.claimed.distribution, job.claimed.id, orjson.dumps(job.recipient).decode())
            for job in jobs
            if job.claimed.frozen is None
        ],
    )
