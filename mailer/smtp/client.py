"""The SMTP client: one long-lived connection, one message after another, pipelined.

`Connection` is a state machine driven by replies. With PIPELINING (RFC 2920) the next message's
MAIL, RCPT and DATA leave in the same write as the last message's final dot, so a message costs
one write and about one read. It knows nothing of ledgers: a `Source` gives messages and takes
outcomes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from mailer.smtp import handshake
from mailer.smtp.content import ContentGate, check_address
from mailer.smtp.link import ASK, DATA, DOT, LONE_DOT, MAIL, PHASES, QUIT, RCPT, RSET, Link
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
"""Up to this size (bytes) a message is written together with its dot; the dot of a larger one
waits until its content has left, so that a connection lost on the way leaves no doubt."""


class _Mail:
    """One message between MAIL and its outcome."""

    __slots__ = ("commands", "content", "item", "recipient_taken", "refused", "size")

    def __init__(self, item: Outgoing, commands: bytes, content: list[bytes], size: int) -> None:
        self.item = item
        self.commands = commands
        self.content = content
        self.size = size
        self.recipient_taken = False
        self.refused = False


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
        self._gate = ContentGate()
        self._source: Source | None = None
        self._dotted: Outgoing | None = None  # content written, reply awaited
        self._mail: _Mail | None = None  # commands written, content not yet
        self._held = b""  # the dot and what follows, while a large message is written
        self._reset_due = False
        self._busy = False
        self._stopping = False
        self._taken = 0
        self._done: asyncio.Future[Reply | None] = loop.create_future()
        self._pipelining = False
        self._announces_size = False
        self._max_size = 0
        self._eight_bit = False
        self._utf8 = False

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
        extensions = self.session.extensions
        self._pipelining = "PIPELINING" in extensions
        self._eight_bit = "8BITMIME" in extensions
        self._utf8 = "SMTPUTF8" in extensions
        size = extensions.get("SIZE", "")
        self._announces_size = "SIZE" in extensions
        self._max_size = int(size) if size.isascii() and size.isdigit() else 0

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
        for code, lines in replies:
            if self._over:
                return
            if not expected:
                reply = make_reply(Phase.QUIT, code, lines)
                if code != 421:
                    reply = Reply(Phase.QUIT, 0, "", f"an answer to nothing: {code} {reply.text}")
                self._break(reply)
                return
            kind = expected.popleft()
            if kind == ASK:
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_result((code, lines))
            elif code == 421:
                self._on_shutdown(kind, lines)
            elif kind == DOT:
                self._on_dot(code, lines)
            elif kind == QUIT:
                self._over = True
                self._transport.close()
                self._finish()
            else:
                self._on_command(kind, code, lines)
        if expected and not self._over:
            self._arm()

    def _on_dot(self, code: int, lines: list[bytes]) -> None:
        # Nobody can have accepted a message whose dot is still held back.
        if code < 400 and (code >= 300 or self._held):
            self._break(Reply(Phase.DOT, 0, "", f"{code} is no answer to a message"))
            return
        item = cast(Outgoing, self._dotted)
        self._dotted = None
        cast(Source, self._source).outcome(item, Outcome(make_reply(Phase.DOT, code, lines), True))
        if self._mail is None:
            self._resume()

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
            if not self._pipelining:
                self._say(b"DATA\r\n", DATA)
        elif not self._pipelining:
            self._say(f"RCPT TO:<{mail.item.rcpt_to}>\r\n".encode(), RCPT)

    def _on_refusal(self, mail: _Mail, kind: int, code: int, lines: list[bytes]) -> None:
        """4xx or 5xx: report it once, and begin anew when nothing more will come for it."""
        report = not mail.refused
        mail.refused = True
        if kind == DATA or not self._pipelining:
            self._mail = None
            self._reset_due = True
        if report:
            reply = make_reply(PHASES[kind], code, lines)
            cast(Source, self._source).outcome(mail.item, Outcome(reply, False))
        if self._mail is None:
            self._resume()

    def _on_empty_data(self, mail: _Mail) -> None:
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
            self._over = True
            self._transport.close()
            self._finish()
            return
        source = cast(Source, self._source)
        item, mail = self._dotted, self._mail
        if kind == DOT and item is not None:
            self._dotted = None
            source.outcome(item, Outcome(reply, True))
        elif mail is not None and kind in (MAIL, RCPT, DATA):
            self._mail = None
            if not mail.refused:
                source.outcome(mail.item, Outcome(reply, False))
        self._break(reply)

    # -- messages -----------------------------------------------------------------------------

    def _resume(self) -> None:
        """Begin the next message if one may begin now; say QUIT when none will come."""
        if self._mail is not None or self._over or self._held:
            return
        expected = self._expected
        if self._dotted is not None:
            if not self._pipelining:
                return
        elif expected:
            return
        commands = self._begin() if self._source is not None else b""
        if commands:
            self._transport.write(commands)
        elif self._stopping and not expected:
            self._transport.write(b"QUIT\r\n")
            expected.append(QUIT)
        if expected:
            self._arm()

    def _begin(self) -> bytes:
        """Take the next message; returns its first commands, b"" when there is none."""
        source = cast(Source, self._source)
        limit = self._endpoint.messages_per_connection
        while not self._stopping:
            item = source.next()
            if item is None:
                break
            if limit:
                self._taken += 1
                self._stopping = self._taken >= limit
            mail = self._prepare(item)
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
            self._expected.extend((MAIL, RCPT, DATA))
            return b"RSET\r\n" + commands if reset else commands
        if reset:
            return b"RSET\r\n"
        self._expected.append(MAIL)
        return commands

    def _prepare(self, item: Outgoing) -> _Mail | Reply:
        """Check one message and build its first commands, or the refusal it earns here."""
        sender, recipient = item.mail_from, item.rcpt_to
        try:
            check_address(sender)
            check_address(recipient)
            if not recipient:
                raise ValueError("the message has no recipient")
        except ValueError as error:
            return _refusal(553, "5.5.2", str(error))
        try:
            content, ascii_only = self._gate.admit(item.chunks)
        except ValueError as error:
            return _refusal(554, "5.6.0", str(error))
        parameters = ""
        size = item.size or sum(map(len, item.chunks))
        if self._announces_size:
            if 0 < self._max_size < size:
                text = f"the message has {size} bytes, the server takes {self._max_size}"
                return _refusal(552, "5.3.4", text)
            parameters = f" SIZE={size}"
        if not (ascii_only or self._eight_bit):
            return _refusal(554, "5.6.3", "the message has 8-bit bytes, the server takes 7-bit")
        if item.smtputf8 or not (sender.isascii() and recipient.isascii()):
            if not self._utf8:
                text = "the address is not ASCII and the server does not offer SMTPUTF8"
                return _refusal(553, "5.6.7", text)
            parameters += " SMTPUTF8"
        if not ascii_only:
            parameters += " BODY=8BITMIME"
        commands = f"MAIL FROM:<{sender}>{parameters}\r\n"
        if self._pipelining:
            commands += f"RCPT TO:<{recipient}>\r\nDATA\r\n"
        return _Mail(item, commands.encode(), content, size)

    def _send_content(self, mail: _Mail) -> None:
        """354: write the content, its dot and the next message's commands in one go."""
        self._mail = None
        self._expected.append(DOT)
        item = mail.item
        source = cast(Source, self._source)
        try:
            commands = self._begin() if self._pipelining else b""
            allowed = source.dotting(item)
        except Exception:
            reply = Reply(Phase.DATA, 0, "", "sending failed inside", local=True)
            self._give_back(item, Outcome(reply, False))
            raise
        if not allowed:
            text = "withdrawn before its content was sent"
            reply = Reply(Phase.DATA, 0, "", text, local=True)
            source.outcome(item, Outcome(reply, False))
            self._break(reply)
            return
        self._dotted = item
        self._dot_from = self._now()
        self._unsent = 0
        ending = b".\r\n" + commands
        if mail.size <= AT_ONCE:
            self._transport.writelines([*mail.content, ending])
            return
        self._held = ending
        self._transport.set_write_buffer_limits(high=0)
        self._transport.writelines(mail.content)
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
        self._transport.write(line)

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
            # What was still held back when the connection ended had no dot yet.
            self._give_back(dotted, Outcome(_lost(Phase.DOT, reply), not self._held))
        if mail is not None and not mail.refused:
            phase = reply.phase if dotted is None else Phase.MAIL
            self._give_back(mail.item, Outcome(_lost(phase, reply), False))
        self._finish()

    def _give_back(self, item: Outgoing, outcome: Outcome) -> None:
        try:
            cast(Source, self._source).outcome(item, outcome)
        except Exception as error:
            if not self._done.done():
                self._done.set_exception(error)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(self._ended)


def _refusal(code: int, enhanced: str, text: str) -> Reply:
    return Reply(Phase.MAIL, code, enhanced, printable(text), local=True)


def _lost(phase: Phase, reply: Reply) -> Reply:
    """The outcome of a message whose connection ended with `reply` before its own came."""
    text = f"the connection ended: {reply.code} {reply.text}" if reply.code else reply.text
    return Reply(phase, 0, "", printable(text), reply.local)
