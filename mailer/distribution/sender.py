"""The sender: claims deliveries, merges messages, speaks SMTP, records answers.

One process, one event loop, a few long-lived connections per route, one thread for the store.
What is in hand is at most about one second of sending. The path of a delivery is claim → journal
→ wire → journal → record; a kill at any point leaves either nothing sent, or a journal that
tells (design decisions 3 and 4).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from mailer.clock import SECOND, FollowingClock
from mailer.distribution.context import Newsroom
from mailer.distribution.dealing import Dealer
from mailer.distribution.hand import Hand
from mailer.distribution.job import Aside, Job
from mailer.distribution.journal import Journal
from mailer.distribution.lane import CLOSE_WITHIN
from mailer.distribution.limits import Limits
from mailer.distribution.outcomes import Decision, decide, delay, put_off
from mailer.distribution.outgoing import outgoing, prepare
from mailer.distribution.outlook import outlook
from mailer.distribution.safety import recipient_refusal, route_refusal
from mailer.distribution.standing import Standing
from mailer.distribution.storethread import StoreThread
from mailer.distribution.streaks import Streaks
from mailer.distribution.turns import Claim, Look, Turn, Turns
from mailer.distribution.way import FEWER_FOR, Way
from mailer.errors import MailerError, StoreUnavailable
from mailer.feedback.judge import Verdict
from mailer.smtp.model import Endpoint, Outcome, Outgoing, Phase, Reply, Session
from mailer.store.ledger import OpenWave, Result
from mailer.store.states import DeliveryState

CONTROL_EVERY = 0.1
"""Seconds between two looks at the control version (design decision 3)."""

CONTROL_FRESH = 0.4
"""No MAIL FROM when the last look began longer ago than this, in seconds (H15)."""

RECORD_WITHIN = 0.08
"""Seconds an answer waits for others to share its commit."""

_FRESH_LOSSES = 1
_MOST_LOSSES = 5
"""Losses before the dot after which a message is put off: on connections that had taken nothing,
and on any. A server may end a connection after as many messages as it likes (H11)."""

_LAST_TRIES = 40


class Sender:
    """One sender with its worker id, journal and connections.

    `endpoints` say how each route is reached. `share` is the number of senders on this host,
    `number` which of them this is. `report` gets a small dict whenever answers reached the store.
    `run` returns when `stop` was called and everything in hand is settled.
    """

    def __init__(
        self,
        room: Newsroom,
        endpoints: Mapping[str, Endpoint],
        worker: int,
        journal: Journal,
        *,
        share: int,
        number: int = 1,
        report: Callable[[dict[str, Any]], None],
        serves: Callable[[OpenWave], bool] | None = None,
    ) -> None:
        self.stopping = asyncio.Event()
        # Retries, pauses and dates are counted by the store's clock, however wrong this machine's.
        self._clock = FollowingClock(room.clock)
        self._room = replace(room, clock=self._clock)
        self._sending = room.config.sending
        self._journal = journal
        self._report = report
        self._dealer = Dealer(room.config)
        self._store = StoreThread(room.store)
        self._turns = Turns(room, worker, journal, self._dealer, self._store.compute)
        self._loop = asyncio.get_running_loop()
        configured = {d.name: d.connections for d in room.config.destinations}
        self._limits = Limits(configured, share, number)
        self._standing = Standing(
            room, worker, self._limits, share, number, report, serves, self.stop
        )
        self._ways = {
            route.name: Way(self, route, endpoints[route.name], self._limits)
            for route in room.config.routes
        }
        self._in_hand: dict[int, Job] = {}
        self._withdrawn: dict[int, tuple[DeliveryState | None, str]] = {}
        self._results: list[Result] = []
        self._aside: list[Aside] = []
        self._pauses: dict[str, int] = {}
        self._streaks = Streaks()
        self._again: list[Job] = []
        self._unused: set[tuple[int, int]] = set()
        self._waves: list[OpenWave] = []
        self._finishing = False
        self._uncertain = False
        self._checked = float("-inf")
        self._hand = Hand(self._loop.time())
        self._turn = asyncio.Event()
        self._due: asyncio.TimerHandle | None = None

    @property
    def _allowed(self) -> int:
        """Connections there may be over all ways."""
        return sum(way.allowed for way in self._ways.values())

    def stop(self) -> None:
        """No new MAIL FROM from now on; `run` settles what is in hand and returns."""
        self.stopping.set()
        self._turn.set()
        for way in self._ways.values():
            way.end()

    async def run(self) -> None:
        """Send until stopped. Raises StoreUnavailable when the end could not be recorded."""
        lanes = [
            asyncio.create_task(lane.run()) for way in self._ways.values() for lane in way.lanes
        ]
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
            for way in self._ways.values():
                self._give_back_ready(way)
            self._give_back(self._again)
            self._again = []
            self._finishing = True
            self._turn.set()
            await turns
            self._standing.end()
            for result in ended:
                if isinstance(result, Exception):
                    raise result
            await self._store.call(self._turns.leave)
            self._store.close()
        self._journal.close()

    def may_begin(self, now: float) -> bool:
        """Whether a MAIL FROM may leave at `now`: no stop, and a fresh look (H15)."""
        fresh = now - self._checked <= CONTROL_FRESH and self._standing.may_begin()
        return fresh and not self.stopping.is_set()

    def refusal(self, session: Session) -> str | None:
        """Why this server may be told nothing, or None."""
        return route_refusal(session, live=self._room.config.live)

    def refuse_way(self, way: Way, reason: str) -> None:
        """Nothing may be said to this server: give everything back and claim no more for it."""
        self._give_back_ready(way)
        self._report({"event": "blocked", "reason": reason})

    def rest_after(self, failures: int) -> float:
        """Seconds a way rests that failed so many times before."""
        return delay(self._sending, failures)

    def low(self) -> None:
        """Somebody runs out of messages."""
        self._turn.set()

    def released(self, job: Job) -> bool:
        """True when the delivery was withdrawn; it is then settled."""
        withdrawn = self._withdrawn.pop(job.claimed.id, None) if self._withdrawn else None
        if withdrawn is None:
            return False
        self._set_aside(job, *withdrawn)
        return True

    def message(self, job: Job, way: Way, session: Session) -> Outgoing | None:
        """The message, or None when none may or can be made; the delivery is then settled."""
        email = job.recipient.email
        refusal = recipient_refusal(session, email, live=self._room.config.live)
        if refusal:
            self._set_aside(job, DeliveryState.SKIPPED, refusal)
            return None
        try:
            return outgoing(self._room, job)
        except (ValueError, MailerError) as error:
            # One person's data cannot be written into a message; the others must not suffer.
            now = job.sent_date
            reason = f"the message could not be made: {error}"
            refused = Decision(DeliveryState.REFUSED, str(Verdict.MESSAGE), now, reason)
            self._finish(way, job, refused, Reply(Phase.MAIL, 0, "", reason, local=True), now)
            return None

    def dotting(self, item: Outgoing) -> bool:
        """Journal that the final dot is about to leave; False when it must not leave."""
        job: Job = item.context
        if job.claimed.id in self._withdrawn:
            return False
        self._journal.dotted(
            job.claimed.id,
            job.claimed.attempts + 1,
            job.sent_date,
            job.sha256,
            job.signing.id if job.signing else 0,
            job.signature,
            job.route,
        )
        return True

    def answered(self, way: Way, item: Outgoing, outcome: Outcome, fresh: bool) -> None:
        """Judge one answer and put it among the results."""
        job: Job = item.context
        reply, now = outcome.reply, self._clock.now()
        if not outcome.dotted:
            self._journal.undotted(job.claimed.id)
            if reply.code == 0:
                if not self.released(job):
                    self._lost_before_dot(way, job, reply, now, fresh)
                return
        if reply.code == 0:
            reason = f"no answer to the final dot: {reply.text}"
            doubt = Decision(DeliveryState.IN_DOUBT, str(Verdict.UNKNOWN), now, reason)
            self._finish(way, job, doubt, reply, now)
            return
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
        if decision.state is DeliveryState.ACCEPTED:
            self._streaks.accepted(job.claimed.distribution, job.group)
        else:
            self._refused(way, job, decision, reply, now)
            # Never after a 5xx, not even one that asks us to sign in (decision 6).
            may_move = decision.of_route and reply.code < 500 and not outcome.dotted
            if may_move and self._goes_elsewhere(way, job):
                return
        self._finish(way, job, decision, reply, now)

    def _refused(self, way: Way, job: Job, decision: Decision, reply: Reply, now: int) -> None:
        """What an answer says of the way out and of the destination."""
        if decision.of_route and way.away is None:
            way.alone = True  # other senders are told the same
            way.away = (delay(self._sending, way.failures), reply)
            self._turn.set()
        if decision.state is not DeliveryState.DEFERRED:
            if decision.scope == "message" and self._streaks.refused(job.claimed.distribution):
                self._checked = float("-inf")  # none more before the store has judged
                self._turn.set()
            return
        way.deferred(reply.phase, reply.code)
        if decision.scope != "destination" or reply.phase is Phase.MAIL:
            return
        if self._streaks.deferred(job.group, asked=decision.wait is not None or reply.code == 421):
            # What is on the wire meanwhile changes nothing; the pause counts from now.
            wait = max(delay(self._sending, 0), decision.wait or 0.0)
            self._pauses[job.group] = now + round(wait * SECOND)
            self._limits.slow_down(job.group)
            for each in self._ways.values():
                self._give_back(each.ready.take_out(job.group))
            self._turn.set()

    def _lost_before_dot(self, way: Way, job: Job, reply: Reply, now: int, fresh: bool) -> None:
        job.losses += 1
        job.fresh_losses += fresh
        if job.fresh_losses <= _FRESH_LOSSES and job.losses <= _MOST_LOSSES:
            way.ready.put_first(job)
            way.wake()
        elif not self._goes_elsewhere(way, job):
            self._finish(way, job, self._put_off(job, now, f"connection lost: {reply}"), reply, now)

    def _goes_elsewhere(self, way: Way, job: Job) -> bool:
        """Failover: nothing of it had its dot, so another route may have it (decision 6)."""
        self._not_used(job)
        job.tried = (*job.tried, way.name)
        usable = [each.name for each in self._ways.values() if each.is_usable and each is not way]
        name = self._dealer.other(job, usable) if usable else None
        if name is None:
            return False
        if self._dealer.is_metered(name):
            self._again.append(job)  # its rate and warm-up have one owner, the store
            self._turn.set()
            return True
        job.route = name
        self._ways[name].ready.extend([job])
        self._ways[name].wake()
        return True

    def _put_off(self, job: Job, now: int, reason: str, at_least: float | None = None) -> Decision:
        return put_off(
            self._sending,
            attempts=job.claimed.attempts,
            first_attempt_at=job.claimed.first_attempt_at,
            now=now,
            reason=reason,
            at_least=at_least,
        )

    def _finish(self, way: Way, job: Job, decision: Decision, reply: Reply, at: int) -> None:
        claimed = job.claimed
        self._in_hand.pop(claimed.id, None)
        self._withdrawn.pop(claimed.id, None)
        self._results.append(
            Result(
                distribution=claimed.distribution,
                delivery=claimed.id,
                number=claimed.attempts + 1,
                state=decision.state,
                at=at,
                sent_date=job.sent_date or at,
                route=way.name,
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
        if self._due is None:
            self._due = self._loop.call_later(RECORD_WITHIN, self._turn.set)

    def _set_aside(self, job: Job, state: DeliveryState | None, reason: str) -> None:
        self._not_used(job)
        self._in_hand.pop(job.claimed.id, None)
        self._aside.append(Aside(job, state, reason))
        self._turn.set()

    def _give_back_ready(self, way: Way) -> None:
        self._give_back(way.ready.clear())

    def _give_back(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._set_aside(job, None, "")

    def _not_used(self, job: Job) -> None:
        """It never began by the route whose warm-up it was counted for."""
        if job.counted:
            self._unused.add((job.claimed.distribution, job.claimed.id))
            job.counted = ""

    async def _watch_control(self) -> None:
        """Look at the control version all the time; nothing starts when a look is too old."""
        while True:
            began = self._loop.time()
            alive = True
            with contextlib.suppress(StoreUnavailable):
                look = await self._store.call(self._turns.look)
                self._seen(look)
                if self._standing.is_due:
                    alive = await self._standing.renew(self._store)
                self._checked = began
                for way in self._ways.values():
                    if way.is_yielding and not self._in_hand:
                        await self._see_whether_alone(way)
                if self._waves and not any(len(way.ready) for way in self._ways.values()):
                    self._turn.set()
                for way in self._ways.values():
                    way.wake()
            if not alive:
                raise StoreUnavailable("another host took this sender for dead.")
            await self._store.pause(max(0.0, CONTROL_EVERY - (self._loop.time() - began)))

    def _seen(self, look: Look) -> None:
        self._clock.hear(look.now, *look.between)
        self._withdrawn.update({k: v for k, v in look.withdrawn.items() if k in self._in_hand})
        self._waves = self._standing.claimable(look.waves)
        for way in self._ways.values():
            way.see(look.routes.get(way.name), look.now)
            if way.paused and len(way.ready):
                self._give_back_ready(way)

    async def _take_turns(self) -> None:
        """Group commits: what was answered since the last turn, and the next claim with it."""
        failures = 0
        while not (self._finishing and not (self._results or self._aside or self._unused)):
            await self._turn.wait()
            self._turn.clear()
            turn = self._next_turn()
            count = len(turn.results)
            try:
                await self._turn_once(turn)
            except StoreUnavailable as error:
                # The journal has the answers. Keep them, claim nothing, try again.
                self._results = turn.results + self._results
                self._aside = turn.aside + self._aside
                self._pauses = turn.pauses | self._pauses
                self._again = turn.again + self._again
                self._unused = turn.unused | self._unused
                self._uncertain = True
                failures += 1
                self._report({"event": "trouble", "reason": str(error)})
                if self._finishing and failures > _LAST_TRIES:
                    raise
                await asyncio.sleep(0.5)
                self._turn.set()
                continue
            failures = 0
            self._hand.answered(count, self._loop.time())

    def _next_turn(self) -> Turn:
        """What to write, and how much to claim beside it."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        ways = self._ways.values()
        usable = frozenset(way.name for way in ways if way.is_usable)
        turn = Turn(self._results, self._aside, self._pauses, waves=self._waves)
        self._results, self._aside, self._pauses = [], [], {}
        turn.again, self._again = self._again, []
        turn.unused, self._unused = self._unused, set()
        turn.working = {way.name for way in ways if way.works_again}
        turn.held = frozenset(self._in_hand) if self._uncertain else None
        if self._waves and usable and not self.stopping.is_set():
            waiting = sum(len(way.ready) for way in ways)
            self._hand.left(waiting, self._loop.time(), self._allowed)
            turn.wanted = max(0, self._hand.size(self._allowed) - waiting)
        if turn.wanted or turn.again:
            turn.ways = outlook(self._ways, self._limits, self._hand.rate, self._clock.now())
        return turn

    async def _turn_once(self, turn: Turn) -> None:
        if not turn.is_empty:
            claim = await self._store.call(partial(self._turns.turn, turn))
            self._uncertain = False
            for name in turn.working:
                self._ways[name].works_again = False
            self._settled(turn)
            self._place(claim)
            await self._prepare(claim.jobs)
            if turn.wanted and not claim.jobs and not claim.put_off:
                self._waves = []  # the next look finds out whether there is more
        for way in self._ways.values():
            if way.away is not None:
                await self._step_back(way, *way.away)
                way.away = None
        if self._waves and not self.stopping.is_set():
            await self._wait_for_ways()

    def _place(self, claim: Claim) -> None:
        """Bring what was claimed to its ways."""
        now = self._loop.time()
        for delivery in claim.gone:
            self._in_hand.pop(delivery, None)
            self._withdrawn.pop(delivery, None)
        for group in claim.resting:
            self._limits.slow_down(group)
        for job in claim.jobs:
            self._in_hand[job.claimed.id] = job
            job.not_before = now + (job.place - claim.now) / SECOND if job.place else 0.0
            self._ways[job.route].ready.extend((job,))
        if claim.jobs:
            self._hand.claimed(now)
            mark = self._hand.size(self._allowed) // 2
            for way in self._ways.values():
                way.low_mark = mark
                way.wake()

    async def _prepare(self, jobs: list[Job]) -> None:
        """Write messages before connections ask for them, in slices between which they go on."""
        for _ in prepare(self._room, jobs):
            await asyncio.sleep(0)

    async def _step_back(self, way: Way, rest: float, reply: Reply) -> None:
        """No connection opens. Other routes take over; without them, leave the work to other
        senders that hold some, since a server may allow no more connections than theirs; where
        nobody does, everything waits."""
        others = [each for each in self._ways.values() if each is not way and each.is_usable]
        if not others and not way.alone and await self._store.call(self._turns.others_at_work):
            way.yield_for(min(rest, FEWER_FOR))
            self._give_back_ready(way)
            return
        way.alone = False
        reason = f"mail service {way.name} is away: {reply}"
        now = self._clock.now()
        way.rest(rest)
        until = now + round(rest * SECOND)
        await self._store.call(partial(self._turns.rest_route, way.name, until, reason))
        said = {"phase": reply.phase, "code": reply.code, "enhanced": reply.enhanced}
        self._report({"event": "away", "route": way.name, **said, "reason": str(reply)})
        for job in way.ready.clear():
            if not self.released(job) and not self._goes_elsewhere(way, job):
                self._finish(way, job, self._put_off(job, now, reason, rest), reply, now)
        if not others:
            await self._defer(way, until, reason)

    async def _wait_for_ways(self) -> None:
        """While every way rests or is paused, what comes due waits for the first of them."""
        ways = self._ways.values()
        if any(way.is_usable or way.is_yielding for way in ways):
            return
        absent = [way for way in ways if way.is_absent]
        if absent:
            first = min(absent, key=lambda way: way.absence)
            wait, reason = first.absence
            await self._defer(first, self._clock.now() + round(wait * SECOND), reason)

    async def _defer(self, way: Way, until: int, reason: str) -> None:
        waves, self._waves = self._waves, []
        absent = [each.name for each in self._ways.values() if each.is_absent]
        deferred = await self._store.call(partial(self._turns.defer, waves, absent, until, reason))
        if deferred and way.paused:
            hint = f"`mailer routes resume {way.name}` goes on"
            self._report({"event": "paused", "route": way.name, "reason": f"{reason}; {hint}."})
        if deferred:
            self._report({"event": "progress", "deferred": deferred})

    async def _see_whether_alone(self, way: Way) -> None:
        """Others that got through go on holding deliveries; others that did not, give them back
        as this sender did. Then it is certain, and the next failure counts for all."""
        if not await self._store.call(self._turns.others_at_work):
            way.end_yielding()

    def _settled(self, turn: Turn) -> None:
        self._journal.recorded([result.delivery for result in turn.results])
        self._journal.recorded([each.job.claimed.id for each in turn.aside])
        counts = Counter(result.state for result in turn.results)
        counts.update(each.state for each in turn.aside if each.state is not None)
        if counts:
            self._report({"event": "progress", **{s.word: n for s, n in counts.items()}})
        if counts[DeliveryState.IN_DOUBT]:
            doubtful = [r.delivery for r in turn.results if r.state is DeliveryState.IN_DOUBT]
            self._report({"event": "in_doubt", "deliveries": doubtful})
        # These are forgotten here and not by the caller: what follows may still fail.
        turn.forget()
