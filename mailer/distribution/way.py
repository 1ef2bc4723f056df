"""One way out of one sender: its connections, what waits for them, how many there may be.

Connections grow while the mail service bears it and shrink when it defers: at 200 ms a message
throughput is connections divided by latency. A way that lets nobody in rests, then one
connection finds out whether it is back (circuit breaker; design decisions 5 and 6).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from mailer.config import RouteConfig
from mailer.distribution.job import Job
from mailer.distribution.lane import Lane
from mailer.distribution.limits import Limits, Ready
from mailer.smtp.model import Endpoint, Outcome, Outgoing, Phase, Reply, Session
from mailer.store.routes import RouteState

FIRST_CONNECTIONS = 4
"""Connections to begin with; each accepted message while all are busy opens one more."""

PAUSED_FOR = 300.0
"""Seconds after which what waits for a paused route is looked at again, if nobody resumes it."""

FEWER_FOR = 30.0
"""Seconds at most until a connection is tried again that a server refused while it took others."""

_SHRINK_GAP = 1.0
"""Seconds between two halvings: what a server says to eight connections at once is one word."""

_OPENING = (Phase.CONNECT, Phase.BANNER, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)


class Office(Protocol):
    """What a way asks of its sender."""

    stopping: asyncio.Event

    def may_begin(self, now: float) -> bool:
        """Whether a MAIL FROM may leave at all at this moment (H15)."""
        ...

    def released(self, job: Job) -> bool:
        """True when the delivery was withdrawn; it is then settled."""
        ...

    def message(self, job: Job, way: Way, session: Session) -> Outgoing | None:
        """The message, or None when none may or can be made; the delivery is then settled."""
        ...

    def dotting(self, item: Outgoing) -> bool: ...

    def answered(self, way: Way, item: Outgoing, outcome: Outcome, fresh: bool) -> None: ...

    def refusal(self, session: Session) -> str | None: ...

    def refuse_way(self, way: Way, reason: str) -> None: ...

    def rest_after(self, failures: int) -> float:
        """Seconds a way rests that failed so many times before."""
        ...

    def low(self) -> None:
        """Fewer messages wait than are good."""
        ...


class Way:
    """A route with its lanes. `lane.Lane` is its crew, `sender.Sender` its office."""

    def __init__(
        self, office: Office, route: RouteConfig, endpoint: Endpoint, limits: Limits
    ) -> None:
        self.name = route.name
        self.dotting = office.dotting
        self.endpoint = endpoint
        self.stopping = office.stopping
        self.ready = Ready(limits)
        self.lanes = [Lane(self) for _ in range(route.connections)]
        self.away: tuple[float, Reply] | None = None
        """(seconds to rest, why): seen by a lane, acted on by the sender's next turn."""
        self.alone = False
        self.failures = 0
        self.works_again = False
        self.blocked = False
        self.paused = False
        self._office = office
        self._limits = limits
        self._loop = asyncio.get_event_loop()
        self._allowed = float(min(FIRST_CONNECTIONS, route.connections))
        self._shrunk_at = float("-inf")
        self._rest_until = 0.0
        self._rest_known = False
        self._yielding_until = 0.0
        self._work = asyncio.Event()
        self._wakes_at = float("inf")

    # What the sender asks ------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """Whether deliveries may be claimed for it."""
        now = self._loop.time()
        return not (self.blocked or self.paused or self.away) and now >= max(
            self._rest_until, self._yielding_until
        )

    @property
    def is_yielding(self) -> bool:
        """Whether it leaves the work to other senders for a while."""
        return self._loop.time() < self._yielding_until

    @property
    def back_in(self) -> float:
        """Seconds until it may be tried again; 0 when it may."""
        return max(0.0, self._rest_until - self._loop.time())

    @property
    def is_absent(self) -> bool:
        """Whether it rests or is paused by the store's word."""
        return not self.blocked and (self.paused or self.back_in > 0)

    @property
    def absence(self) -> tuple[float, str]:
        """In how many seconds it may be tried again, and why not now."""
        if self.paused:
            return PAUSED_FOR, f"mail service {self.name} is paused"
        if self.blocked:
            return PAUSED_FOR, f"mail service {self.name} is not to be used"
        return self.back_in, f"mail service {self.name} is away"

    @property
    def open(self) -> int:
        """Connections open or being opened."""
        return sum(1 for lane in self.lanes if lane.session or lane.opening)

    @property
    def allowed(self) -> int:
        """Connections there may be now."""
        return int(self._allowed)

    def see(self, state: RouteState | None, now: int) -> None:
        """What the store says of the route at its `now` (UTC microseconds)."""
        self.paused = state is not None and state.state == "paused"
        if state is None or state.until_at is None:
            if state is None and not self.works_again:
                self.failures = 0
            if state is None and self._rest_known:
                # An officer let it go, or another sender got through.
                self._rest_known = False
                self._rest_until = 0.0
            return
        self._rest_known = True
        self.failures = max(self.failures, state.failures)
        if state.until_at > now and not any(lane.session for lane in self.lanes):
            until = self._loop.time() + (state.until_at - now) / 1e6
            if until > self._rest_until:
                self._rest_until = until
                self._allowed = 1.0  # whoever rested it: one connection finds out

    def rest(self, seconds: float) -> None:
        """Let nobody in for a while, then try with one connection."""
        self._rest_until = self._loop.time() + seconds
        self._allowed = 1.0
        self.failures += 1

    def yield_for(self, seconds: float) -> None:
        """Other senders get through where this one does not: leave the work to them."""
        self._yielding_until = self._loop.time() + seconds

    def end_yielding(self) -> None:
        """The others do not get through either."""
        self.alone = True
        self._yielding_until = 0.0

    def wake(self) -> None:
        """There are messages, or the way became free."""
        if len(self.ready):
            self._work.set()
            for lane in self.lanes:
                lane.wake()

    def _on_time(self) -> None:
        self._wakes_at = float("inf")
        self.wake()

    def end(self) -> None:
        """The sender stops: wake whoever waits for work."""
        self._work.set()

    # What the lanes ask --------------------------------------------------------------------

    low_mark = 0
    """With fewer messages waiting than this, the sender should claim more."""

    async def work_for(self) -> None:
        """Wait until opening one more connection is of use, or the end."""
        while not self.stopping.is_set():
            idle = sum(1 for lane in self.lanes if lane.session and not lane.in_flight)
            if len(self.ready) > idle and self.open < self.allowed:
                return
            self._work.clear()
            await self._work.wait()

    def refusal(self, session: Session) -> str | None:
        return self._office.refusal(session)

    def refuse_route(self, reason: str) -> None:
        self.blocked = True
        self._office.refuse_way(self, reason)

    def could_not_open(self, reply: Reply) -> float:
        """A connection came to nothing; how long that lane rests, in seconds.

        While other connections work, or may yet, the server merely wants fewer of them. With
        none, the way out is away, unless other senders get through.
        """
        rest = self._office.rest_after(self.failures)
        if self.open:
            self._allowed = float(self.open)
            self._shrunk_at = self._loop.time()
            return min(rest, FEWER_FOR)
        self.away = (rest, reply)
        for lane in self.lanes:
            lane.stop_resting()
        self._office.low()
        return min(rest, 1.0)

    def is_crowded(self) -> bool:
        """Whether there are more connections than there may be."""
        return self._allowed < len(self.lanes) and self.open > self.allowed

    def take(self, session: Session) -> Outgoing | None:
        """The next message that may be sent over this connection, or None for now."""
        now = self._loop.time()
        office = self._office
        if self.paused or self.away or not office.may_begin(now):
            return None
        while (job := self.ready.take(now)) is not None:
            if office.released(job):
                continue
            item = office.message(job, self, session)
            if item is not None:
                self._limits.begun(job.group)
                if len(self.ready) < self.low_mark:
                    office.low()
                return item
        later = self.ready.next_at()
        if later is not None and now < later < self._wakes_at:
            self._wakes_at = later
            self._loop.call_at(later, self._on_time)
        office.low()
        return None

    def outcome(self, item: Outgoing, outcome: Outcome, *, fresh: bool) -> None:
        job: Job = item.context
        accepted = outcome.dotted and 200 <= outcome.reply.code < 300
        self._limits.ended(job.group, accepted=accepted)
        if accepted:
            self._accepted()
        self._office.answered(self, item, outcome, fresh)

    # Growing and shrinking -----------------------------------------------------------------

    def _accepted(self) -> None:
        self.alone = False
        if self.failures:
            self.failures = 0
            self.works_again = True
        allowed = self._allowed
        if allowed >= len(self.lanes) or self.open < int(allowed):
            return
        # Fast until the service first complained, then carefully.
        slow = self._shrunk_at > float("-inf")
        self._allowed = min(float(len(self.lanes)), allowed + (0.25 / allowed if slow else 1.0))
        if int(self._allowed) > int(allowed):
            self._work.set()

    def deferred(self, phase: Phase, code: int) -> None:
        """The service put a message off: if it is about us and not the recipient, use less."""
        if code == 421 or phase in (Phase.MAIL, *_OPENING):
            self._shrink()

    def _shrink(self) -> None:
        now = self._loop.time()
        if now - self._shrunk_at < _SHRINK_GAP:
            return
        self._shrunk_at = now
        self._allowed = max(1.0, min(self._allowed, self.open) / 2)
