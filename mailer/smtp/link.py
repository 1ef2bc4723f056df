"""One connection to a mail server: bytes in, replies out, TLS and time; what is said is not here.

`Link` is an asyncio protocol with its own read buffer, which spares an allocation for each reply.
It knows which replies are outstanding, so that each is waited for in its own phase's time (H10).
`client.Connection` adds the dialogue.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import cast
from weakref import WeakKeyDictionary

from mailer.smtp import handshake
from mailer.smtp.model import Endpoint, Phase, Reply, Session, SmtpFailure, is_loopback
from mailer.smtp.reply import NotSmtp, ReplyReader, make_reply, printable

# What each outstanding reply answers, in the order in which they will come.
ASK, RSET, MAIL, RCPT, DATA, CHUNK, DOT, LONE_DOT, QUIT = range(9)
PHASES = (
    Phase.EHLO,
    Phase.MAIL,
    Phase.MAIL,
    Phase.RCPT,
    Phase.DATA,
    Phase.DATA,
    Phase.DOT,
    Phase.DOT,
    Phase.QUIT,
)


TOGETHER = 4
"""Connections that write at once at most."""

_LAST_CHANCE = 0.02
"""Seconds after its time in which an answer may still be read that came before."""

_together: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Link]] = WeakKeyDictionary()


def _flush_all(links: list[Link]) -> None:
    waiting = links.copy()
    links.clear()
    for link in waiting:
        link._flush()


class Link(asyncio.BufferedProtocol, ABC):
    """The connection underneath; implements `handshake.Dialogue`."""

    session: Session

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        self.session = Session()
        self._endpoint = endpoint
        self._loop = loop
        self._now: Callable[[], float] = loop.time
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._buffer = memoryview(bytearray(8192))
        self._reader = ReplyReader()
        self._expected: deque[int] = deque()
        self._waiter: asyncio.Future[handshake.Answer] | None = None
        self._over = False
        self._ended: Reply | None = None
        self._lost: asyncio.Future[None] = loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline = 0.0
        self._last_chance = 0.0
        self._dot_from = 0.0
        self._unsent = 0
        self._outbox: list[bytes] = []
        self._together = _together.setdefault(loop, [])
        self._content_waits = False  # a message's content is in the outbox, whole
        times = endpoint.timeouts
        self._limits = (
            times.ehlo,
            times.mail,
            times.mail,
            times.rcpt,
            times.data,
            times.block,
            min(times.block, times.dot),
            times.dot,
            times.quit,
        )

    @abstractmethod
    def _on_replies(self, replies: list[tuple[int, list[bytes]]]) -> None:
        """Complete replies, in order; raises nothing."""

    @abstractmethod
    def _break(self, reply: Reply) -> None:
        """End the connection at once for the reason `reply`; raises nothing."""

    @abstractmethod
    def _finish(self) -> None:
        """The connection is over, whoever ended it."""

    # -- the handshake's view -------------------------------------------------------------

    async def ask(self, line: bytes, phase: Phase, limit: float) -> handshake.Answer:
        """Write a line and await its reply; raises SmtpFailure when there is none (or a 421)."""
        if line and not self._over:
            self._expect_answer()
            self._transport.write(line)
        waiter = self._waiter
        if waiter is None:
            text = self._ended.text if self._ended else "the connection was lost"
            raise SmtpFailure(Reply(phase, 0, "", text))
        try:
            async with asyncio.timeout(limit):
                code, lines = await waiter
        except TimeoutError:
            text = f"no answer within {limit:g} seconds"
            raise SmtpFailure(Reply(phase, 0, "", text)) from None
        except NotSmtp as error:
            raise SmtpFailure(Reply(phase, 0, "", str(error))) from None
        finally:
            self._waiter = None
        if code == 421:
            raise SmtpFailure(make_reply(phase, code, lines))
        return code, lines

    async def upgrade(self, context: ssl.SSLContext, host: str, limit: float) -> None:
        """Begin TLS on this connection; raises SmtpFailure."""
        if self._reader.pending or self._over:
            # Words smuggled in before the handshake would be believed after it.
            text = "the server sent more than the reply to STARTTLS before TLS began"
            raise SmtpFailure(Reply(Phase.STARTTLS, 0, "", text))
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=host,
                ssl_handshake_timeout=limit,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            raise handshake.tls_failure(Phase.STARTTLS, error) from None
        if transport is None:
            raise SmtpFailure(Reply(Phase.STARTTLS, 0, "", "the connection was lost"))
        self._attach(transport)

    def _write(self, *pieces: bytes) -> None:
        """Write at the end of this turn of the event loop, or when a few others want to as well.

        What several connections have to say then leaves at once: the server is woken once for
        all of them, which on one machine costs as much as the writing. More than a few, and one
        side would wait while the other works.
        """
        if not self._outbox:
            together = self._together
            together.append(self)
            if len(together) == 1:
                self._loop.call_soon(_flush_all, together)
            elif len(together) > TOGETHER:
                _flush_all(together)
                together.append(self)
                self._loop.call_soon(_flush_all, together)
        self._outbox += pieces

    def _write_now(self, data: bytes) -> None:
        """Write behind all that waits for the end of the turn, without waiting for it."""
        self._flush()
        self._transport.write(data)

    def _flush(self) -> None:
        if self._outbox:
            pieces, self._outbox = self._outbox, []
            if self._over:
                return
            self._content_waits = False
            if self.session.tls:  # each piece would be a record of its own
                self._transport.write(b"".join(pieces))
            else:
                self._transport.writelines(pieces)

    def _expect_answer(self) -> None:
        self._waiter = self._loop.create_future()
        self._expected.append(ASK)

    def _attach(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        secured = transport.get_extra_info("ssl_object")
        self.session.tls = (secured.version() or "") if secured is not None else ""

    def _leave(self) -> None:
        """Give up a connection whose handshake failed."""
        self._over = True
        if self._waiter is not None:
            self._waiter.cancel()
        if not self._transport.is_closing():
            with contextlib.suppress(Exception):
                self._transport.write(b"QUIT\r\n")
            self._transport.close()

    # -- asyncio's view -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._attach(cast(asyncio.Transport, transport))
        peer = transport.get_extra_info("peername") or ("",)
        own = transport.get_extra_info("sockname") or ("",)
        self.session.peer = str(peer[0])
        self.session.loopback = is_loopback(str(peer[0])) and is_loopback(str(own[0]))
        self._expect_answer()  # the banner may come before anybody asks for it

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._over:
            return
        data = bytes(self._buffer[:nbytes])
        replies: list[tuple[int, list[bytes]]] = []
        offence: NotSmtp | None = None
        try:
            self._reader.take(data, replies)
        except NotSmtp as error:
            offence = error
        if replies:  # part of a reply wins no time: a dripping server is a silent one
            self._on_replies(replies)
        if offence is not None and not self._over:
            self._break(Reply(self._phase(), 0, "", str(offence)))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        if self._over:
            self._finish()
            return
        if self._expected and self._expected[0] == QUIT:
            self._finish()
            return
        text = "the server closed the connection"
        if exc is not None:
            text = f"the connection was lost: {printable(str(exc) or type(exc).__name__)}"
        self._break(Reply(self._phase(), 0, "", text))

    # -- time ---------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Start the wait for the oldest outstanding reply."""
        deadline = self._deadline = self._now() + self._limits[self._expected[0]]
        if self._timer is None or deadline < self._timer_at:
            self._set_timer(deadline)

    def _set_timer(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._over or not self._expected:
            return
        now = self._now()
        kind = self._expected[0]
        limit = self._limits[kind]
        if now >= self._deadline and kind in (CHUNK, DOT):
            limit = self._still_writing(now, kind)
        if now < self._deadline:
            self._set_timer(self._deadline)
        elif self._last_chance != self._deadline:
            # This process may have been held up itself, and the answer wait to be read.
            self._last_chance = self._deadline
            self._set_timer(now + _LAST_CHANCE)
        elif kind == QUIT:
            self._over = True
            self._transport.abort()
            self._finish()
        else:
            text = f"no answer within {limit:g} seconds"
            self._break(Reply(PHASES[kind], 0, "", text))

    def _still_writing(self, now: float, kind: int) -> float:
        """Move the deadline while content flows, then to the final dot's own; returns the limit."""
        times = self._endpoint.timeouts
        unsent = self._transport.get_write_buffer_size() + sum(map(len, self._outbox))
        if not unsent:
            limit = times.dot if kind == DOT else times.block
            self._deadline = self._dot_from + limit
            return limit
        if not self._unsent or unsent < self._unsent:
            self._deadline = now + times.block
        self._dot_from = now
        self._unsent = unsent
        return times.block

    def _phase(self) -> Phase:
        return PHASES[self._expected[0]] if self._expected else Phase.QUIT

    def _answer_waiter(self, code: int, lines: list[bytes]) -> None:
        """Let the handshake have its answer."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((code, lines))

    def _fail_waiter(self, reply: Reply) -> None:
        """Let the handshake know that its answer will not come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(NotSmtp(reply.text))
