"""The SMTP client: one long-lived connection, one message after another, pipelined.

`Connection` is a state machine driven by replies. With PIPELINING (RFC 2920) the next message's
MAIL, RCPT and DATA leave in the same write as the last message's final dot, so a message costs
one write and about one read. With CHUNKING (RFC 3030) the content follows RCPT's reply as
`BDAT size LAST`, without DATA and without a dot. It knows nothing of ledgers: a `Source` gives
messages and takes outcomes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from mailer.smtp import handshake
from mailer.smtp.envelope import Mail, Terms
from mailer.smtp.link import ASK, CHUNK, DATA, DOT, LONE_DOT, MAIL, PHASES, QUIT, RCPT, RSET, Link
from mailer.smtp.model import (
    Endpoint,
    Outcome,
    Outgoing,
    Phase,
    Reply,
    SmtpFailure,
    Source,
    Tls,
)
from mailer.smtp.reply import make_reply, printable

CLOSE_GRACE = 20.0
"""Seconds that `Connection.close` waits for the reply of the message in flight (decision 5)."""

AT_ONCE = 65_536
"""Up to this size (bytes) a message is written together with its end (dot or BDAT LAST); the end
of a larger one waits until its content has left, so that a connection lost on the way leaves no
doubt."""

_without_bdat: set[tuple[str, int]] = set()
"""Servers (host, port) that offered CHUNKING and then did not know BDAT; they get DATA."""


class Connection(Link):
    """One connection to one server; make it with `open`, then await `run` once.

    `session` says what is known of the server.
    """

    @classmethod
    async def open(cls, endpoint: Endpoint) -> Connection:
        """Connect, greet, protect and sign in; raises SmtpFailure with the reply that ended it."""
        handshake.check_name(endpoint)
        loop = asyncio.get_running_loop()
        connection = cls(endpoint, loop)
        implicit = endpoint.tls == Tls.IMPLICIT
        limit = endpoint.timeouts.connect
        try:
            async with asyncio.timeout(limit):
                await loop.create_connection(
                    lambda: connection,
                    endpoint.host,
                    endpoint.port,
                    ssl=handshake.tls_context(endpoint) if implicit else None,
                    ssl_handshake_timeout=limit if implicit else None,
                )
        except TimeoutError:
            text = f"no connection within {limit:g} seconds"
            raise SmtpFailure(Reply(Phase.CONNECT, 0, "", text)) from None
        except ssl.SSLError as error:
            raise handshake.tls_failure(Phase.STARTTLS, error) from None
        except (OSError, UnicodeError) as error:  # the latter for what cannot be a host name
            text = printable(getattr(error, "strerror", "") or str(error) or type(error).__name__)
            raise SmtpFailure(Reply(Phase.CONNECT, 0, "", f"no connection: {text}")) from None
        try:
            await handshake.greet(connection, endpoint)
        except BaseException:
            connection._leave()
            raise
        connection._settle()
        return connection

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(endpoint, loop)
        self._terms = Terms({})
        self._source = cast(Source, None)
        self._dotted: Outgoing | None = None  # content written, reply awaited
        self._mail: Mail | None = None  # commands written, content not yet
        self._held = b""  # the dot and what follows, while a large message is written
        self._unended = False  # BDAT LAST is owed when the chunk of a large message was taken
        self._tainted = False  # MAIL is on its way behind a message refused at its end
        self._bdats = 0
        self._reset_due = False
        self._busy = False
        self._stopping = False
        self._taken = 0
        self._done: asyncio.Future[Reply | None] = loop.create_future()
        self._pipelining = False
        self._chunking = False

    async def run(self, source: Source) -> Reply | None:
        """Carry the source's messages until `close` or the end of the connection.

        Returns None when this side ended it, else the reply that did; a code of 0 is a lost
        connection, and phase QUIT means that nothing was under way: a normal reconnect (H11).
        Each message taken gets exactly one outcome before this returns. What the source raises
        ends the connection and is raised here.
        """
        self._source = source
        try:
            if not self._over:
                self._guarded(self._resume)
            return await asyncio.shield(self._done)
        finally:
            if not self._over:
                self._break(Reply(self._phase(), 0, "", "sending was stopped", local=True))

    def wake(self) -> None:
        """Tell an idle connection that its source has messages again."""
        if self._source is not None and not self._busy and not self._over:
            self._guarded(self._resume)

    async def close(self, grace: float = CLOSE_GRACE) -> None:
        """Take no more messages, await the reply of the one in flight, say QUIT, disconnect.

        After `grace` seconds the connection is dropped; what had its dot is then in doubt.
        """
        self._stopping = True
        if not self._over and not self._busy:
            self._guarded(self._resume)
        try:
            async with asyncio.timeout(grace):
                await asyncio.shield(self._lost)
        except TimeoutError:
            if not self._over:
                text = f"no answer within {grace:g} seconds of stopping"
                self._break(Reply(self._phase(), 0, "", text, local=True))

    def _settle(self) -> None:
        """Read from the extensions once what each message needs."""
        place = (self._endpoint.host, self._endpoint.port)
        self._terms = Terms(self.session.extensions, chunking=place not in _without_bdat)
        self._pipelining = self._terms.pipelining
        self._chunking = self._terms.chunking

    # -- replies ----------------------------------------------------------------------------

    def _on_replies(self, replies: list[tuple[int, list[bytes]]]) -> None:
        self._busy = True
        try:
            self._dispatch(replies)
        except Exception as error:
            self._fail(error)
        self._busy = False

    def _dispatch(self, replies: list[tuple[int, list[bytes]]]) -> None:
        expected = self._expected
        if len(replies) > len(expected):
            self._on_surplus(replies)
            return
        for code, lines in replies:
            if self._over:
                return
            kind = expected.popleft()
            if code == 421 and kind != ASK:
                self._on_shutdown(kind, lines)
            elif kind == DOT:
                self._on_dot(code, lines)
            elif kind == ASK:
                self._answer_waiter(code, lines)
            elif kind == QUIT:
                self._leave_politely()
            elif kind == CHUNK:
                self._on_chunk(code, lines)
            else:
                self._on_command(kind, code, lines)
        if expected and not self._over:
            self._arm()

    def _on_surplus(self, replies: list[tuple[int, list[bytes]]]) -> None:
        """More answers than questions: count what can be counted, write nothing, and end.

        What was read in one go was written before this side could say anything more. So a reply
        too many answers nothing that would be said now, and no content may leave on its word.
        """
        expected = self._expected
        phase = Phase.QUIT
        for code, lines in replies:
            if not expected:
                reply = make_reply(phase, code, lines)
                if code != 421:
                    reply = Reply(phase, 0, "", f"an answer to nothing: {code} {reply.text}")
                self._break(reply)
                return
            kind = expected.popleft()
            mail = self._mail
            if mail is not None or kind == ASK:
                phase = PHASES[kind]
            if kind == ASK:
                self._answer_waiter(code, lines)
            elif kind == QUIT:
                self._leave_politely()
                return
            elif kind == DOT and self._dotted is not None and not 300 <= code < 400:
                if self._held and code < 400:
                    continue
                item, self._dotted = self._dotted, None
                self._source.outcome(item, Outcome(make_reply(Phase.DOT, code, lines), True))
            elif code >= 400 and mail is not None and not (mail.refused or self._tainted):
                mail.refused = True
                self._source.outcome(mail.item, Outcome(make_reply(phase, code, lines), False))

    def _on_dot(self, code: int, lines: list[bytes]) -> None:
        # Nobody can have accepted a message that has not left yet.
        if code < 400 and (code >= 300 or self._held or self._outbox):
            self._break(Reply(Phase.DOT, 0, "", f"{code} is no answer to a message"))
            return
        if self._chunking and not self._knows_bdat(code):
            return
        item, self._dotted = self._dotted, None
        assert item is not None
        self._source.outcome(item, Outcome(make_reply(Phase.DOT, code, lines), True))
        if self._mail is None:
            self._resume()

    def _on_chunk(self, code: int, lines: list[bytes]) -> None:
        """The reply to all of a large message's content: now the end of it may be said."""
        unsent = self._transport.get_write_buffer_size() or self._outbox
        if code < 400 and (code >= 300 or unsent):
            self._break(Reply(Phase.DATA, 0, "", f"{code} is no answer to half a message"))
            return
        if not self._knows_bdat(code):
            return
        self._unended = False
        if code < 400:
            self._dot_from = self._now()
            self._expected.append(DOT)
            commands = self._begin() if self._pipelining else b""
            self._write(b"BDAT 0 LAST\r\n", commands)
            return
        item, self._dotted = cast(Outgoing, self._dotted), None
        self._reset_due = True
        self._source.outcome(item, Outcome(make_reply(Phase.DATA, code, lines), False))
        self._resume()

    def _knows_bdat(self, code: int) -> bool:
        """Learn from the reply to BDAT; False when the connection was ended over it.

        A server that does not know the command reads the content as commands. Nothing it says
        afterwards means anything; the message was not taken and goes out anew by DATA.
        """
        if code in (500, 502) and not self._bdats:
            _without_bdat.add((self._endpoint.host, self._endpoint.port))
            self._unended = True  # in the server's eyes there was no end
            text = f"the server offers CHUNKING and answers {code} to BDAT"
            self._break(Reply(Phase.DATA, 0, "", text))
            return False
        self._bdats += 1
        if code >= 400:
            # RFC 3030 section 2 leaves open what a server makes of the transaction.
            if self._mail is None:
                self._reset_due = True
            else:
                self._tainted = True
        return True

    def _on_command(self, kind: int, code: int, lines: list[bytes]) -> None:
        """A reply to MAIL, RCPT, DATA or what cleans up after them."""
        mail = self._mail
        if kind == RSET or mail is None:
            if kind == LONE_DOT:
                if code < 400:
                    text = "the server took an empty message without a recipient"
                    self._break(Reply(Phase.DOT, 0, "", text))
                    return
                self._reset_due = True
                self._resume()
            elif not 200 <= code < 300:
                reply = make_reply(Phase.MAIL, code, lines)
                self._break(Reply(Phase.MAIL, 0, "", f"RSET was refused: {code} {reply.text}"))
            elif mail is not None and not self._pipelining:
                self._say(mail.commands, MAIL)
            return
        tainted, self._tainted = self._tainted, False
        if tainted and kind == MAIL and code == 503:
            text = "the server took it for a part of the refused message before it"
            lost = Reply(Phase.MAIL, 0, "", text, local=True)
            mail.refused = True
            self._source.outcome(mail.item, Outcome(lost, False))
        if code < 400 and (code >= 300) != (kind == DATA):
            self._break(Reply(PHASES[kind], 0, "", f"{code} is no answer to {PHASES[kind]}"))
            return
        if code >= 400:
            self._on_refusal(mail, kind, code, lines)
        elif kind == DATA:
            if mail.refused:
                self._on_empty_data(mail)
            else:
                self._send_content(mail)
        elif kind == RCPT:
            mail.recipient_taken = True
            if self._chunking:
                self._on_recipient(mail)
            elif not self._pipelining:
                self._say(b"DATA\r\n", DATA)
        elif not self._pipelining:
            self._say(f"RCPT TO:<{mail.item.rcpt_to}>\r\n".encode(), RCPT)

    def _on_recipient(self, mail: Mail) -> None:
        """RCPT was taken, and BDAT waits for no 354."""
        if not mail.refused:
            self._send_content(mail)
            return
        self._mail = None
        self._reset_due = True
        self._resume()

    def _on_refusal(self, mail: Mail, kind: int, code: int, lines: list[bytes]) -> None:
        """4xx or 5xx: report it once, and begin anew when nothing more will come for it."""
        report = not mail.refused
        mail.refused = True
        if kind == (RCPT if self._chunking else DATA) or not self._pipelining:
            self._mail = None
            self._reset_due = True
        if report:
            self._source.outcome(mail.item, Outcome(make_reply(PHASES[kind], code, lines), False))
        if self._mail is None:
            self._resume()

    def _on_empty_data(self, mail: Mail) -> None:
        """354 to a DATA that was pipelined behind a refused MAIL or RCPT (RFC 2920 section 3.1)."""
        self._mail = None
        if mail.recipient_taken:  # a dot now might deliver an empty message
            self._break(Reply(Phase.DATA, 0, "", "the server takes messages it has refused"))
            return
        self._say(b".\r\n", LONE_DOT)

    def _on_shutdown(self, kind: int, lines: list[bytes]) -> None:
        """421: the server ends the connection (RFC 5321 section 3.8)."""
        reply = make_reply(PHASES[kind], 421, lines)
        if kind == QUIT:
            self._leave_politely()
            return
        item, mail = self._dotted, self._mail
        if kind in (CHUNK, DOT) and item is not None:
            self._dotted = None
            self._source.outcome(item, Outcome(reply, kind == DOT))
        elif mail is not None and kind in (MAIL, RCPT, DATA):
            self._mail = None
            if not mail.refused:
                self._source.outcome(mail.item, Outcome(reply, False))
        self._break(reply)

    def _leave_politely(self) -> None:
        self._over = True
        self._transport.close()
        self._finish()

    # -- messages -----------------------------------------------------------------------------

    def _resume(self) -> None:
        """Begin the next message if one may begin now; say QUIT when none will come."""
        if self._mail is not None or self._over or self._held or self._unended:
            return
        expected = self._expected
        if self._dotted is not None:
            if not self._pipelining:
                return
        elif expected:
            return
        commands = self._begin() if self._source is not None else b""
        if commands:
            self._write(commands)
        elif self._stopping and not expected:
            self._write(b"QUIT\r\n")
            expected.append(QUIT)
        if expected:
            self._arm()

    def _begin(self) -> bytes:
        """Take the next message; returns its first commands, b"" when there is none."""
        source = self._source
        limit = self._endpoint.messages_per_connection
        while not self._stopping:
            item = source.next()
            if item is None:
                break
            if limit:
                self._taken += 1
                self._stopping = self._taken >= limit
            mail = self._terms.prepare(item)
            if isinstance(mail, Reply):
                source.outcome(item, Outcome(mail, False))
                continue
            self._mail = mail
            return self._open_with(mail.commands)
        return b""

    def _open_with(self, commands: bytes) -> bytes:
        """What to write first for a message, noting the replies that will come."""
        reset, self._reset_due = self._reset_due, False
        if reset:
            self._expected.append(RSET)
        if self._pipelining:
            self._expected.extend((MAIL, RCPT) if self._chunking else (MAIL, RCPT, DATA))
            return b"RSET\r\n" + commands if reset else commands
        if reset:
            return b"RSET\r\n"
        self._expected.append(MAIL)
        return commands

    def _send_content(self, mail: Mail) -> None:
        """Write the content, its end and the next message's commands in one go."""
        self._mail = None
        item = mail.item
        source = self._source
        small = mail.size <= AT_ONCE
        self._unended = self._chunking and not small
        self._expected.append(CHUNK if self._unended else DOT)
        try:
            commands = self._begin() if self._pipelining and not self._unended else b""
            allowed = source.dotting(item)
        except Exception:
            reply = Reply(Phase.DATA, 0, "", "sending failed inside", local=True)
            self._give_back(item, Outcome(reply, False))
            raise
        if not allowed:
            text = "withdrawn before its content was sent"
            reply = Reply(Phase.DATA, 0, "", text, local=True)
            self._source.outcome(item, Outcome(reply, False))
            self._break(reply)
            return
        self._dotted = item
        self._dot_from = self._now()
        self._unsent = 0
        self._content_waits = small
        if self._chunking:
            first = f"BDAT {mail.size}{' LAST' if small else ''}\r\n".encode()
            self._write(first, *mail.content, commands)
        elif small:
            self._write(*mail.content, b".\r\n", commands)
        else:
            self._held = b".\r\n" + commands
            self._transport.set_write_buffer_limits(high=0)
            self._write_now(b"".join(mail.content))
            if not self._transport.get_write_buffer_size():
                self._write_held()

    def resume_writing(self) -> None:
        """The content of a large message has left: now its dot may."""
        self._write_held()

    def _write_held(self) -> None:
        ending, self._held = self._held, b""
        if ending and not self._over:
            self._transport.set_write_buffer_limits()
            self._transport.write(ending)
            if not self._busy:  # somebody may have called `wake` meanwhile
                self._guarded(self._resume)

    def _say(self, line: bytes, kind: int) -> None:
        self._expected.append(kind)
        self._write(line)

    def _guarded(self, step: Callable[[], None]) -> None:
        self._busy = True
        try:
            step()
        except Exception as error:
            self._fail(error)
        self._busy = False

    def _fail(self, error: Exception) -> None:
        """The source raised: end the connection; the error comes out of `run`."""
        if not self._done.done():
            self._done.set_exception(error)
        self._break(Reply(self._phase(), 0, "", "sending failed inside", local=True))

    def _break(self, reply: Reply) -> None:
        """End the connection at once and give back what was under way; raises nothing."""
        self._over = True
        self._ended = reply
        self._transport.abort()
        self._fail_waiter(reply)
        dotted, mail = self._dotted, self._mail
        self._dotted = self._mail = None
        if dotted is not None:
            # What was still held back when the connection ended had no end yet.
            phase = Phase.DATA if self._unended else Phase.DOT
            ended = not (self._held or self._unended or self._content_waits)
            self._give_back(dotted, Outcome(_lost(phase, reply), ended))
        if mail is not None and not mail.refused:
            phase = reply.phase if dotted is None else Phase.MAIL
            self._give_back(mail.item, Outcome(_lost(phase, reply), False))
        self._outbox.clear()
        self._finish()

    def _give_back(self, item: Outgoing, outcome: Outcome) -> None:
        try:
            self._source.outcome(item, outcome)
        except Exception as error:
            if not self._done.done():
                self._done.set_exception(error)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(self._ended)


def _lost(phase: Phase, reply: Reply) -> Reply:
    """The outcome of a message whose connection ended with `reply` before its own came."""
    text = f"the connection ended: {reply.code} {reply.text}" if reply.code else reply.text
    return Reply(phase, 0, "", printable(text), reply.local)
