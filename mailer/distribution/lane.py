"""A lane: one connection at a time to a way out, opened when there is work, opened again.

It is the source that the SMTP client pulls messages from, and it notices a server that takes
connections without ever taking a message.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from mailer.smtp.client import Connection
from mailer.smtp.model import Endpoint, Outcome, Outgoing, Phase, Reply, Session, SmtpFailure

CLOSE_WITHIN = 20.0
"""Seconds that replies are awaited at the end (design decision 5)."""

_FRUITLESS = 3
"""So many connections in a row that took nothing mean that the way out is away. A single message
that makes a server hang up is put off by itself before that."""


_OF_THE_RECIPIENT = (Phase.RCPT, Phase.DATA, Phase.DOT)


class Crew(Protocol):
    """What a lane asks of the way it belongs to."""

    stopping: asyncio.Event
    endpoint: Endpoint

    async def work_for(self) -> None:
        """Wait until opening one more connection is of use, or the end."""
        ...

    def refusal(self, session: Session) -> str | None:
        """Why this server may be told nothing, or None."""
        ...

    def refuse_route(self, reason: str) -> None: ...

    def could_not_open(self, reply: Reply) -> float:
        """A connection came to nothing; seconds this lane rests."""
        ...

    def is_crowded(self) -> bool:
        """Whether there are more connections than there may be."""
        ...

    def take(self, session: Session) -> Outgoing | None: ...

    def dotting(self, item: Outgoing) -> bool: ...

    def outcome(self, item: Outgoing, outcome: Outcome, *, fresh: bool) -> None:
        """One answer; `fresh` when this connection had not taken any message before."""
        ...


class Lane:
    """One of a way's connections; `session` is None while it has none, `opening` tells that
    it is still to be seen whether the server lets it in."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self.dotting = crew.dotting
        self._connection: Connection | None = None
        self._fruitless = 0
        self._answers = 0
        self._again = asyncio.Event()
        self._surplus = asyncio.Event()
        self.opening = False
        self.session: Session | None = None
        self.in_flight = 0

    async def run(self) -> None:
        """Open when there is work, send, open again; until the sender stops."""
        crew = self._crew
        while True:
            await crew.work_for()
            if crew.stopping.is_set():
                return
            self.opening = True
            try:
                connection = await Connection.open(crew.endpoint)
            except SmtpFailure as failure:
                self.opening = False
                await self._rest(crew.could_not_open(failure.reply))
                continue
            self.opening = False
            refusal = crew.refusal(connection.session)
            if refusal:
                await connection.close()
                crew.refuse_route(refusal)
                await crew.stopping.wait()
                return
            ended = await self._drive(connection)
            if ended is not None and ended.phase is not Phase.QUIT and not self._answers:
                self._fruitless += 1
                if self._fruitless >= _FRUITLESS or ended.code == 421:
                    await self._rest(crew.could_not_open(ended))
            else:
                self._fruitless = 0

    def wake(self) -> None:
        """There are messages again."""
        if self._connection is not None and not self.in_flight:
            self._connection.wake()

    def stop_resting(self) -> None:
        """Why this lane rested no longer holds: the next message may open a connection again."""
        self._again.set()

    # The source of the SMTP client ---------------------------------------------------------

    def next(self) -> Outgoing | None:
        if self.session is None or self._surplus.is_set():
            return None
        if self._crew.is_crowded():
            self._surplus.set()
            return None
        item = self._crew.take(self.session)
        if item is not None:
            self.in_flight += 1
        return item

    def outcome(self, item: Outgoing, outcome: Outcome) -> None:
        self.in_flight -= 1
        fresh = not self._answers
        # A 421 to the recipient or the content speaks of that destination, not of this service.
        reply = outcome.reply
        if reply.code and (reply.code != 421 or reply.phase in _OF_THE_RECIPIENT):
            self._answers += 1
        self._crew.outcome(item, outcome, fresh=fresh)

    async def _drive(self, connection: Connection) -> Reply | None:
        self._connection, self.session = connection, connection.session
        self._answers = 0
        self._surplus.clear()
        stop = asyncio.create_task(self._crew.stopping.wait())
        surplus = asyncio.create_task(self._surplus.wait())
        drive = asyncio.create_task(connection.run(self))
        try:
            await asyncio.wait([stop, surplus, drive], return_when=asyncio.FIRST_COMPLETED)
            if not drive.done():
                await connection.close(CLOSE_WITHIN)
            return await drive
        finally:
            stop.cancel()
            surplus.cancel()
            self._connection = self.session = None
            self.in_flight = 0

    async def _rest(self, seconds: float) -> None:
        self._again.clear()
        stop = asyncio.create_task(self._crew.stopping.wait())
        again = asyncio.create_task(self._again.wait())
        await asyncio.wait([stop, again], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        again.cancel()
