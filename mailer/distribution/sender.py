"""The sender: claims deliveries, merges messages, speaks SMTP, records answers.

One process, one event loop, a few long-lived connections, one thread for the store. What is in
hand is at most about one second of sending. The path of a delivery is claim → journal → wire →
journal → record; a kill at any point leaves either nothing sent, or a journal that tells
(design decisions 3 and 4).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from mailer.clock import SECOND
from mailer.config import RouteConfig
from mailer.distribution.context import Newsroom
from mailer.distribution.journal import Journal
from mailer.distribution.lane import CLOSE_WITHIN, Lane
from mailer.distribution.outcomes import Decision, decide, delay, put_off
from mailer.distribution.safety import recipient_refusal, route_refusal
from mailer.distribution.turns import LARGEST_CLAIM, Aside, Job, Turns
from mailer.errors import MailerError, StoreUnavailable
from mailer.feedback.judge import Verdict
from mailer.message.tokens import verp_address
from mailer.message.values import slot_values
from mailer.smtp.model import Endpoint, Outcome, Outgoing, Phase, Reply, Session
from mailer.smtp.routes import Pacer
from mailer.store.ledger import OpenWave, Result
from mailer.store.states import DeliveryState

CONTROL_EVERY = 0.1
"""Seconds between two looks at the control version (design decision 3)."""

CONTROL_FRESH = 0.4
"""No MAIL FROM when the last look began longer ago than this, in seconds (H15)."""

RECORD_WITHIN = 0.05
"""Seconds an answer waits for others to share its commit."""

_FEWER_FOR = 30.0
"""Seconds at most until a connection is tried again that a server refused while it took others."""

_FRESH_LOSSES = 1
_MOST_LOSSES = 5
"""Losses before the dot after which a message is put off: on connections that had taken nothing,
and on any. A server may end a connection after as many messages as it likes (H11)."""

_LEASE_EVERY = 20
_LAST_TRIES = 40
_T = TypeVar("_T")


class Sender:
    """One sender with its worker id, journal and connections.

    `report` gets a small dict whenever answers reached the store. `run` returns when `stop` was
    called and everything in hand is settled.
    """

    def __init__(
        self,
        room: Newsroom,
        route: RouteConfig,
        endpoint: Endpoint,
        worker: int,
        journal: Journal,
        *,
        share: int,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self.endpoint = endpoint
        self.stopping = asyncio.Event()
        self._room = room
        self._sending = room.config.sending
        self._route = route
        self._journal = journal
        self._report = report
        self._turns = Turns(room, worker, journal)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._loop: asyncio.AbstractEventLoop
        self._paced = route.rate / share
        self._pacer: Pacer | None = None
        self._bounce = room.config.newsroom.bounce_address
        self._ready: deque[Job] = deque()
        self._in_hand: dict[int, Job] = {}
        self._withdrawn: dict[int, tuple[DeliveryState | None, str]] = {}
        self._results: list[Result] = []
        self._aside: list[Aside] = []
        self._lanes: list[Lane] = []
        self._waves: list[OpenWave] = []
        self._away: tuple[float, Reply] | None = None
        self._yielding_until = 0.0
        self._alone = False
        self._blocked = False
        self._finishing = False
        self._uncertain = False
        self._checked = float("-inf")
        self._rate = 0.0
        self._turn = asyncio.Event()
        self._work = asyncio.Event()

    def stop(self) -> None:
        """No new MAIL FROM from now on; `run` settles what is in hand and returns."""
        self.stopping.set()
        self._turn.set()
        self._work.set()

    async def run(self) -> None:
        """Send until stopped. Raises StoreUnavailable when the end could not be recorded."""
        self._loop = asyncio.get_running_loop()
        if self._paced:
            self._pacer = Pacer(self._paced, now=self._loop.time())
        self._lanes = [Lane(self) for _ in range(self._route.connections)]
        lanes = [asyncio.create_task(lane.run()) for lane in self._lanes]
        control = asyncio.create_task(self._watch_control())
        turns = asyncio.create_task(self._take_turns())
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait(
                [stopping, control, turns, *lanes], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self.stop()
            await asyncio.wait(lanes, timeout=CLOSE_WITHIN + 5)
            for task in (*lanes, control, stopping):
                task.cancel()
            ended = await asyncio.gather(*lanes, control, return_exceptions=True)
            # The last turn is never cancelled: what it took out to write would be forgotten.
            self._give_back_ready()
            self._finishing = True
            self._turn.set()
            await turns
            for result in ended:
                if isinstance(result, Exception):
                    raise result
            await self._in_store(self._turns.leave)
            self._thread.shutdown()
        self._journal.close()

    # What the lanes ask --------------------------------------------------------------------

    async def work_for(self) -> None:
        """Wait until opening one more connection is of use, or the end."""
        while not self.stopping.is_set():
            idle = sum(1 for lane in self._lanes if lane.session and not lane.in_flight)
            if len(self._ready) > idle:
                return
            self._work.clear()
            await self._work.wait()

    def refusal(self, session: Session) -> str | None:
        """Why this server may be told nothing, or None."""
        return route_refusal(session, live=self._room.config.live)

    def refuse_route(self, reason: str) -> None:
        """Nothing may be said to this server: give everything back and claim no more."""
        self._blocked = True
        self._give_back_ready()
        self._report({"event": "blocked", "reason": reason})

    def could_not_open(self, reply: Reply) -> float:
        """A connection came to nothing; how long that lane rests, in seconds.

        While other connections work, or may yet, the server merely wants fewer of them. With
        none, the way out is away, unless other senders get through.
        """
        rest = delay(self._sending, 0)
        if any(lane.session or lane.opening for lane in self._lanes):
            return min(rest, _FEWER_FOR)
        self._away = (rest, reply)
        for lane in self._lanes:
            lane.stop_resting()
        self._turn.set()
        return min(rest, 1.0)

    def take(self, session: Session) -> Outgoing | None:
        """The next message that may be sent to this server, or None for now."""
        now = self._loop.time()
        if self.stopping.is_set() or now - self._checked > CONTROL_FRESH:
            return None
        while self._ready:
            if self._is_withdrawn(self._ready[0]):
                self._ready.popleft()
                continue
            if self._pacer is not None and not self._pacer.take(1, now):
                self._loop.call_later(self._pacer.wait_time(now), self._wake_lanes)
                return None
            job = self._ready.popleft()
            refusal = recipient_refusal(session, job.recipient.email, live=self._room.config.live)
            if refusal:
                self._set_aside(job, DeliveryState.SKIPPED, refusal)
                continue
            item = self._message(job)
            if item is not None:
                if len(self._ready) < self._claim_size() // 2:
                    self._turn.set()
                return item
        self._turn.set()
        return None

    def dotting(self, item: Outgoing) -> bool:
        """Journal that the final dot is about to leave; False when it must not leave."""
        job: Job = item.context
        if job.claimed.id in self._withdrawn:
            return False
        signer = job.signing.id if job.signing else 0
        self._journal.dotted(
            job.claimed.id, job.number, job.sent_date, job.sha256, signer, job.signature
        )
        return True

    def outcome(self, item: Outgoing, outcome: Outcome, *, fresh: bool) -> None:
        """Judge one answer and put it among the results."""
        job: Job = item.context
        reply, now = outcome.reply, self._room.clock.now()
        if reply.code == 0 and not outcome.dotted:
            if not self._is_withdrawn(job):
                self._lost_before_dot(job, reply, now, fresh)
        elif reply.code == 0:
            reason = f"no answer to the final dot: {reply.text}"
            doubt = Decision(DeliveryState.IN_DOUBT, str(Verdict.UNKNOWN), now, reason)
            self._finish(job, doubt, reply, now)
        else:
            if outcome.dotted:
                self._journal.replied(job.claimed.id, now, reply.code, reply.enhanced, reply.text)
            decision = decide(
                self._sending,
                phase=reply.phase,
                code=reply.code,
                enhanced=reply.enhanced,
                text=reply.text,
                attempts=job.claimed.attempts,
                first_attempt_at=job.claimed.first_attempt_at,
                now=now,
            )
            self._finish(job, decision, reply, now)
            if decision.state is DeliveryState.ACCEPTED:
                self._alone = False
            elif decision.of_route and self._away is None:
                self._alone = True  # other senders are told the same
                self._away = (delay(self._sending, 0), reply)
                self._turn.set()

    # Messages and answers ------------------------------------------------------------------

    def _message(self, job: Job) -> Outgoing | None:
        room, claimed = self._room, job.claimed
        job.sent_date = now = room.clock.now()
        try:
            values = slot_values(
                job.recipient,
                delivery=claimed.id,
                journalist=claimed.journalist,
                list_id=claimed.list,
                sender=job.template.sender,
                keys=room.keys,
                date=now,
                language=job.template.language,
            )
            chunks = job.template.merge(values)
            if job.signing is not None:
                signed = job.signing.sign(chunks, now)
                chunks.insert(0, signed.header)
                job.signature = signed.signature
        except (ValueError, MailerError) as error:
            # One person's data cannot be written into a message; the others must not suffer.
            reason = f"the message could not be made: {error}"
            refused = Decision(DeliveryState.REFUSED, str(Verdict.MESSAGE), now, reason)
            self._finish(job, refused, Reply(Phase.MAIL, 0, "", reason, local=True), now)
            return None
        digest = hashlib.sha256()
        size = 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
        job.sha256 = digest.digest()
        return Outgoing(
            delivery=claimed.id,
            mail_from=verp_address(self._bounce, claimed.id, room.keys),
            rcpt_to=job.recipient.email,
            chunks=chunks,
            size=size,
            smtputf8=not job.recipient.email.isascii(),
            context=job,
        )

    def _lost_before_dot(self, job: Job, reply: Reply, now: int, fresh: bool) -> None:
        job.losses += 1
        job.fresh_losses += fresh
        if job.fresh_losses > _FRESH_LOSSES or job.losses > _MOST_LOSSES:
            self._finish(job, self._put_off(job, now, f"connection lost: {reply}"), reply, now)
        else:
            self._ready.appendleft(job)
            self._work.set()

    def _put_off(self, job: Job, now: int, reason: str, at_least: float | None = None) -> Decision:
        return put_off(
            self._sending,
            attempts=job.claimed.attempts,
            first_attempt_at=job.claimed.first_attempt_at,
            now=now,
            reason=reason,
            at_least=at_least,
        )

    def _finish(self, job: Job, decision: Decision, reply: Reply, at: int) -> None:
        self._in_hand.pop(job.claimed.id, None)
        self._withdrawn.pop(job.claimed.id, None)
        self._results.append(
            Result(
                distribution=job.claimed.distribution,
                delivery=job.claimed.id,
                number=job.number,
                state=decision.state,
                at=at,
                sent_date=job.sent_date or at,
                route=self._route.name,
                phase=str(reply.phase),
                code=reply.code,
                enhanced=reply.enhanced,
                reply=reply.text,
                verdict=decision.verdict,
                reason=decision.reason,
                due_at=decision.due_at,
                sha256=job.sha256 or None,
                signer=job.signing.id if job.signing and job.signature else None,
                signature=job.signature or None,
            )
        )
        if len(self._results) == 1:
            self._loop.call_later(RECORD_WITHIN, self._turn.set)

    def _is_withdrawn(self, job: Job) -> bool:
        withdrawn = self._withdrawn.pop(job.claimed.id, None)
        if withdrawn is None:
            return False
        self._set_aside(job, *withdrawn)
        return True

    def _set_aside(self, job: Job, state: DeliveryState | None, reason: str) -> None:
        self._in_hand.pop(job.claimed.id, None)
        self._aside.append(Aside(job, state, reason))
        self._turn.set()

    def _give_back_ready(self) -> None:
        while self._ready:
            self._set_aside(self._ready.popleft(), None, "")

    # The store, in its own thread ------------------------------------------------------------

    async def _in_store(self, function: Callable[[], _T]) -> _T:
        return await self._loop.run_in_executor(self._thread, function)

    async def _watch_control(self) -> None:
        """Look at the control version all the time; nothing starts when a look is too old."""
        count = 0
        while True:
            began = self._loop.time()
            alive = True
            with contextlib.suppress(StoreUnavailable):
                look = await self._in_store(self._turns.look)
                self._withdrawn.update(
                    {k: v for k, v in look.withdrawn.items() if k in self._in_hand}
                )
                self._waves = look.waves
                if count % _LEASE_EVERY == 0:
                    alive = await self._in_store(self._turns.renew)
                self._checked = began
                if self._is_yielding() and not self._in_hand:
                    await self._see_whether_alone()
                if self._waves and not self._ready:
                    self._turn.set()
                self._wake_lanes()
            if not alive:
                raise StoreUnavailable("another host took this sender for dead.")
            count += 1
            await asyncio.sleep(max(0.0, CONTROL_EVERY - (self._loop.time() - began)))

    async def _take_turns(self) -> None:
        """Group commits: what was answered since the last turn, and the next claim with it."""
        before = self._loop.time()
        failures = 0
        while not (self._finishing and not (self._results or self._aside)):
            await self._turn.wait()
            self._turn.clear()
            results, self._results = self._results, []
            aside, self._aside = self._aside, []
            answered = len(results)
            try:
                await self._turn_once(results, aside)
            except StoreUnavailable as error:
                # The journal has the answers. Keep them, claim nothing, try again.
                self._results = results + self._results
                self._aside = aside + self._aside
                self._uncertain = True
                failures += 1
                self._report({"event": "trouble", "reason": str(error)})
                if self._finishing and failures > _LAST_TRIES:
                    raise
                await asyncio.sleep(0.5)
                self._turn.set()
                continue
            failures = 0
            if answered:
                now = self._loop.time()
                self._measure(answered, now - before)
                before = now

    async def _turn_once(self, results: list[Result], aside: list[Aside]) -> None:
        wanted = 0
        if self._waves and not (
            self.stopping.is_set() or self._blocked or self._away or self._is_yielding()
        ):
            wanted = max(0, self._claim_size() - len(self._ready))
        if results or aside or wanted:
            held = frozenset(self._in_hand) if self._uncertain else None
            jobs = await self._in_store(
                partial(self._turns.turn, results, aside, self._waves, wanted, held)
            )
            self._uncertain = False
            self._settled(results, aside)
            # These two are forgotten here and not by the caller: what follows may still fail.
            results.clear()
            aside.clear()
            for job in jobs:
                self._in_hand[job.claimed.id] = job
            self._ready.extend(jobs)
            if jobs:
                self._wake_lanes()
            elif wanted:
                self._waves = []  # the next look finds out whether there is more
        if self._away is not None:
            await self._step_back(*self._away)
            self._away = None

    async def _step_back(self, rest: float, reply: Reply) -> None:
        """No connection opens. Leave the work to other senders that hold some, since a server may
        allow no more connections than theirs; where nobody does, everything due waits."""
        if not self._alone and await self._in_store(self._turns.others_at_work):
            self._yielding_until = self._loop.time() + min(rest, _FEWER_FOR)
            self._give_back_ready()
            return
        self._alone = False
        reason = f"mail service {self._route.name} is away: {reply}"
        now = self._room.clock.now()
        while self._ready:
            job = self._ready.popleft()
            if not self._is_withdrawn(job):
                self._finish(job, self._put_off(job, now, reason, rest), reply, now)
        due = now + round(rest * SECOND)
        deferred = await self._in_store(partial(self._turns.defer, self._waves, due, reason))
        if deferred:
            self._report({"event": "progress", "deferred": deferred})

    def _is_yielding(self) -> bool:
        return self._loop.time() < self._yielding_until

    async def _see_whether_alone(self) -> None:
        """Others that got through go on holding deliveries; others that did not, give them back
        as this sender did. Then it is certain, and the next failure counts for all."""
        if not await self._in_store(self._turns.others_at_work):
            self._alone = True
            self._yielding_until = 0.0

    def _settled(self, results: list[Result], aside: list[Aside]) -> None:
        for result in results:
            self._journal.recorded(result.delivery)
        for each in aside:
            self._journal.recorded(each.job.claimed.id)
        counts = Counter(result.state.word for result in results)
        counts.update(each.state.word for each in aside if each.state is not None)
        if counts:
            self._report({"event": "progress", **counts})

    # Small things --------------------------------------------------------------------------

    def _claim_size(self) -> int:
        # Half a second of sending, so that with what is on the wire it stays below one second.
        if not self._rate:
            size = self._route.connections
        else:
            size = max(1, round(self._rate * 0.5))
        if self._paced:
            size = min(size, max(1, round(self._paced * 0.5)))
        return min(size, LARGEST_CLAIM)

    def _measure(self, count: int, seconds: float) -> None:
        seconds = min(max(seconds, 0.001), 1.0)
        self._rate += (count / seconds - self._rate) * max(min(1.0, seconds / 0.5), 0.2)

    def _wake_lanes(self) -> None:
        if self._ready:
            self._work.set()
            for lane in self._lanes:
                lane.wake()
