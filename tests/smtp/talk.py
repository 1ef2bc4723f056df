"""One connection of the chaos server: a protocol that reads commands and content from a buffer.

An act that takes time blocks the connection: what comes meanwhile stays in the buffer, with the
time at which it came, so that the record never says that MAIL FROM came later than it did.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import MailerError
from mailer.message.tokens import parse_delivery_code

from tests.smtp.acts import (
    CLOSE,
    HALF,
    HANG,
    LOST,
    RESET,
    SILENT_DEAF,
    SKIP,
    VERBS,
    Answer,
    Drip,
    Pause,
    Raw,
    Refuse,
    Wait,
)

if TYPE_CHECKING:
    from tests.smtp.chaos import Chaos

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<([^>.@]*)[^>]*>)", re.I | re.M)


class Talk(asyncio.Protocol):
    """One connection; `number` counts from 1."""

    def __init__(self, server: Chaos) -> None:
        self._server = server
        server.connections += 1
        self.number = server.connections
        self._chance = random.Random(f"{server.profile.seed}:{self.number}")
        self._transport = cast(asyncio.Transport, None)
        self._buffer = bytearray()
        self._at = 0
        self._base = 0  # how much of what came was thrown away already
        self._arrivals: deque[tuple[int, int]] = deque()
        self._out: list[bytes] = []
        self._mode = "command"
        self._scanned = 0
        self._wanted = 0
        self._last = False
        self._logins = 0
        self._chunks = bytearray()
        self._sender = ""
        self._recipients: list[str] = []
        self._mail: dict[str, Any] | None = None
        self._entry: dict[str, Any] | None = None
        self._blocked = False
        self._mute = False
        self._over = False
        self._tls = ""
        self._clear: dict[str, None] = {}  # the verbs that came in clear text, in order
        self._hello_act: Answer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._upgrade: asyncio.Task[None] | None = None

    # -- asyncio's view -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        again = self._transport is not None
        self._transport = cast(asyncio.Transport, transport)
        if again:
            return
        self._server.talks.add(self)
        if self._server.profile.implicit:
            self._tls = _version(self._transport)
        self._answer("CONNECT", "")
        if not self._over:
            self._answer("BANNER", "220 chaos ESMTP")
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._arrivals.append((self._base + len(self._buffer), time.time_ns() // 1000))
        self._work()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self not in self._server.talks:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._settle(False)
        self._end_transaction()
        self._server.talks.discard(self)
        spoken = {"clear": list(self._clear), "tls": self._tls, "at": time.time_ns() // 1000}
        entry = {"kind": "connection", "connection": self.number, **spoken}
        self._server.record_line(entry)

    def say(self, data: bytes, *, close: bool = False) -> None:
        """Write what nobody asked for."""
        self._transport.write(data)
        if close:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- reading --------------------------------------------------------------------------------

    def _work(self) -> None:
        buffer, server = self._buffer, self._server
        while not (self._blocked or self._over):
            at = self._at
            if self._mode == "content":
                if buffer.startswith(b".\r\n", at):
                    end = at + 3
                else:
                    found = buffer.find(b"\r\n.\r\n", max(at, self._scanned - 4))
                    self._scanned = len(buffer)
                    if found < 0:
                        break
                    end = found + 5
                self._at = end
                self._mode = "command"
                self._take(bytes(memoryview(buffer)[at:end]))
            elif self._mode == "chunk":
                if len(buffer) - at < self._wanted:
                    break
                self._at = at + self._wanted
                self._mode = "command"
                self._take_chunk(bytes(memoryview(buffer)[at : self._at]))
            elif self._mode == "hello":
                if at == len(buffer):
                    break
                self._at = len(buffer)
                act, self._hello_act = self._hello_act, SKIP
                self._do(SKIP if act is None else act, "")
            else:
                end = buffer.find(b"\n", at) + 1
                if not end:
                    break
                line = bytes(memoryview(buffer)[at:end])
                self._at = end
                if server.keep:
                    server.received += line
                    server.lines.append(line)
                if self._mode == "login":
                    self._login()
                else:
                    self._command(line)
        if self._at:
            del buffer[: self._at]
            self._base += self._at
            self._scanned = max(0, self._scanned - self._at)
            self._at = 0
        self._flush()

    def _came_at(self) -> int:
        """When the bytes up to here came, in UTC microseconds."""
        place = self._base + self._at
        arrivals = self._arrivals
        while len(arrivals) > 1 and arrivals[0][0] < place:
            arrivals.popleft()
        return arrivals[0][1]

    def _command(self, line: bytes) -> None:
        verb, _, rest = line.strip().decode("utf-8", "backslashreplace").partition(" ")
        verb = verb.upper()
        if not self._tls:
            self._clear[verb if verb in VERBS else "?"] = None
        if verb == "MAIL":
            self._end_transaction()
            mail = {"connection": self.number, "mail_at": self._came_at(), "mail_from": rest[5:]}
            default = "503 5.5.1 nested MAIL" if self._sender else "250 2.1.0 Ok"
            code = self._answer(verb, default, address=rest[5:])
            self._mail = mail
            self._refused(code)
            if code == "250":
                self._sender = rest[5:]
        elif verb == "RCPT":
            default = "250 2.1.5 Ok" if self._sender else "503 5.5.1 need MAIL"
            if self._mail is not None:
                self._mail["rcpt_to"] = rest[3:]
            code = self._answer(verb, default, address=rest[3:])
            self._refused(code)
            if code == "250":
                self._recipients.append(rest[3:])
        elif verb == "DATA":
            ready = self._recipients or self._server.profile.careless
            default = "354 go" if ready else "554 5.5.1 no valid recipients"
            code = self._answer(verb, default, address=self._address())
            self._refused(code)
            self._invite(code == "354")
            if code == "354" and not self._mute:
                self._mode = "content"
                self._scanned = 0
                if self._server.script.get("CONTENT") or "CONTENT" in self._server.rules:
                    self._flush()
                    self._answer("CONTENT", "", address=self._address())
        elif verb == "BDAT":
            self._bdat(rest)
        elif verb == "RSET":
            self._end_transaction()
            self._answer(verb, "250 2.0.0 Ok")
        elif verb == "EHLO":
            inside = self._server.profile.inside
            words = self._server.profile.keywords
            if self._tls and inside is not None:
                words = inside
            lines = ["chaos", *words]
            text = "\r\n".join(f"250-{word}" for word in lines[:-1]) + f"\r\n250 {lines[-1]}"
            self._answer(verb, text)
        elif verb == "STARTTLS":
            if self._answer(verb, "220 go") == "220" and not self._over:
                self._hello_act = self._chosen("TLS", "")
                if self._hello_act is not None or self._server.tls is None:
                    self._mode = "hello"
                else:
                    self._start_tls()
        elif verb == "AUTH":
            if rest == "LOGIN":
                self._logins = 0
                self._login()
            else:
                self._answer("AUTH", "235 2.7.0 welcome")
        elif verb == "QUIT":
            self._answer(verb, "221 2.0.0 bye")
            if not self._blocked:
                self._close()
        else:
            self._answer(verb, "250 chaos" if verb == "HELO" else "500 what")

    def _login(self) -> None:
        self._mode = "command"
        if self._logins < 2:
            prompt = ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6")[self._logins]
            self._logins += 1
            if self._answer("LOGIN", prompt) == "334":
                self._mode = "login"
            return
        self._answer("AUTH", "235 2.7.0 welcome")

    def _start_tls(self) -> None:
        context = self._server.tls
        assert context is not None
        self._out.append(self._server.profile.smuggle)
        self._flush()
        self._blocked = True
        loop = self._server.loop

        async def upgrade() -> None:
            with contextlib.suppress(OSError):  # the client may not like the certificate
                secured = await loop.start_tls(self._transport, self, context, server_side=True)
                if secured is not None:
                    self._transport = secured
                    self._tls = _version(secured)
                    if self._server.keep:
                        self._server.lines.append(b"(TLS)")
                    self._unblock()
                    return
            self._transport.abort()
            self.connection_lost(None)  # the loop does not tell of a handshake that failed

        self._upgrade = loop.create_task(upgrade())

    # -- messages -------------------------------------------------------------------------------

    def _address(self) -> str:
        return self._recipients[-1] if self._recipients else self._sender

    def _bdat(self, rest: str) -> None:
        size, _, last = rest.partition(" ")
        if not (size.isascii() and size.isdigit()):
            self._answer("BDAT", "501 5.5.4 how many bytes")
            return
        self._wanted = int(size)
        self._last = last.upper() == "LAST"
        self._invite(bool(self._recipients))
        self._mode = "chunk"

    def _take_chunk(self, chunk: bytes) -> None:
        server = self._server
        if server.keep:
            server.received += chunk
        if not (self._recipients or server.profile.careless):
            self._answer("BDAT", "503 5.5.1 no valid recipients")
            return
        if not self._last:
            if self._answer("BDAT", "250 2.0.0 Ok", address=self._address()) == "250":
                self._chunks += chunk
            return
        content = bytes(self._chunks) + chunk if self._chunks else chunk
        self._chunks.clear()
        self._judge(content, content, chunked=True)

    def _take(self, wire: bytes) -> None:
        if self._server.keep:
            self._server.received += wire
        content = wire = wire[:-3]
        if content.startswith(b"."):
            content = content[1:]
        if b"\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        self._judge(wire, content, chunked=False)

    def _judge(self, wire: bytes, content: bytes, *, chunked: bool) -> None:
        """The message is whole: answer, and put it in the record with its answer."""
        server, recipients = self._server, self._recipients
        if server.keep and recipients:
            server.keep_mail(self._sender, recipients, wire, content)
        found = _MESSAGE_ID.search(content[:8192])
        code = None
        if found is not None:
            with contextlib.suppress(MailerError):  # not one of ours
                code = parse_delivery_code(found[2].decode("latin-1"))
        mail, self._mail = self._mail, None
        if mail is not None:
            mail.pop("invited", None)
        self._entry = {
            "kind": "message",
            **(mail or {}),
            "dot_at": self._came_at(),
            "rcpt_to": recipients[0] if len(recipients) == 1 else recipients,
            "message_id": found[1].decode("latin-1") if found is not None else "",
            "delivery": code,
            "size": len(content),
            "sha256": sha256(content).hexdigest(),
            "chunked": chunked,
        }
        address = self._address()
        self._sender, self._recipients = "", []
        default = "250 2.0.0 Ok: queued" if recipients else "554 5.5.1 no valid recipients"
        latency = server.latency()
        if latency:
            self._block(latency, lambda: self._end(address, default, chunked))
        else:
            self._end(address, default, chunked)

    def _end(self, address: str, default: str, chunked: bool) -> None:
        act: Answer | None = self._chosen("BDAT", address) if chunked else None
        if act is None:
            act = self._chosen("DOT", address)
        self._do(default if act is None else act, default)

    def _settle(self, answered: bool) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            entry.setdefault("taken", True)  # the connection ended before the answer was due
            entry.setdefault("answer", "")
            entry["answered"] = answered
            entry["at"] = time.time_ns() // 1000
            self._server.record_line(entry)

    def _refused(self, code: str) -> None:
        """Write down at once by which answer MAIL, RCPT or DATA was refused: it outlives a kill."""
        if self._mail is not None and code[:1] in ("4", "5"):
            self._mail.setdefault("refused", int(code))
            if not self._server.profile.careless:  # else a message may come all the same
                self._record_envelope()

    def _invite(self, whether: bool) -> None:
        """Keep that content was asked for, so that its end may be on its way."""
        if self._mail is not None and whether:
            self._mail["invited"] = True

    def _end_transaction(self) -> None:
        """Nothing more comes of this MAIL FROM; the record keeps when it was."""
        self._sender, self._recipients = "", []
        self._chunks.clear()
        self._record_envelope()

    def _record_envelope(self) -> None:
        mail, self._mail = self._mail, None
        if mail is not None:
            self._server.record_line({"kind": "envelope", **mail, "at": time.time_ns() // 1000})

    # -- acts -----------------------------------------------------------------------------------

    def _answer(self, verb: str, default: str, address: str = "") -> str:
        """Answer one command; returns the code that the client will read, "" for none."""
        act = self._chosen(verb, address)
        return self._do(default if act is None else act, default)

    def _chosen(self, verb: str, address: str) -> Answer | None:
        server = self._server
        queue = server.script.get(verb)
        if queue:
            return queue.pop(0)
        for rule in server.rules.get(verb, ()):
            chance = self._chance.random() if rule.probability < 1 else 0.0
            if rule.fits(address, self.number, server.seconds(), chance):
                return rule.act
        return None

    def _do(self, act: Answer, default: str) -> str:
        if isinstance(act, str):
            return self._do_words(act)
        if isinstance(act, Raw):
            text = act.raw.decode("latin-1")
            self._note(text)
            if not self._mute:
                self._out.append(act.raw)
            self._settle(True)
            if act.close:
                self._close()
            return text[:3]
        if isinstance(act, Drip):
            self._note(act.drip)
            self._drip(act.drip.encode(), act.pause)
            return act.drip[:3]
        if isinstance(act, Pause):
            self._transport.pause_reading()
            self._note(act.text or default)
            if act.delay:
                self._flush()
                self._block(act.delay, lambda: self._pause(act))
            else:
                self._pause(act)
            return act.text[:3]
        if isinstance(act, Wait):
            later: Answer = act.act or default
            self._note(later if isinstance(later, str) else default)
            code = later[:3] if isinstance(later, str) else ""
            self._block(act.wait, lambda: self._do(later, default))
            return code
        self._note(CLOSE)
        self._server.refuse(cast(Refuse, act).refuse)
        self._close()
        return ""

    def _pause(self, act: Pause) -> None:
        if act.text:
            self._out.append(act.text.encode() + b"\r\n")
            self._flush()
            self._settle(True)
        self._block(act.pause - act.delay, self._transport.resume_reading)

    def _do_words(self, act: str) -> str:
        self._note(act)
        if act.startswith("<"):
            self._settle(False)
            if act in (CLOSE, LOST):
                self._close()
            elif act == RESET:
                self._reset()
            elif act == HALF:
                self._flush()
                self._mute = True
                if self._transport.can_write_eof():
                    self._transport.write_eof()
                else:
                    self._close()
            elif act == SILENT_DEAF:
                self._flush()
                self._blocked = True
                self._transport.pause_reading()
            elif act == HANG:
                self._flush()
                self._mute = True
            elif act != SKIP:
                raise ValueError(f"not an act: {act!r}")
            return ""
        if act and not self._mute:
            self._out.append(act.encode() + b"\r\n")
            self._settle(True)
            if act.startswith("421"):
                self._close()
        else:
            self._settle(False)
        return act[:3]

    def _note(self, text: str) -> None:
        """What the record says of the answer to a whole message."""
        entry = self._entry
        if entry is not None:
            entry["answer"] = text
            entry["taken"] = text.startswith("2") or text in (LOST, HANG, HALF, SILENT_DEAF, SKIP)

    def _drip(self, rest: bytes, pause: float) -> None:
        if not rest:
            return
        if len(rest) == 1:
            self._settle(True)
        self._out.append(rest[:1])
        self._flush()
        self._block(pause, lambda: self._drip(rest[1:], pause))

    def _block(self, seconds: float, then: Callable[[], object]) -> None:
        self._blocked = True

        def over() -> None:
            if self._over:
                return
            self._timer = None
            self._blocked = False
            then()
            if not self._blocked:
                self._work()

        self._timer = self._server.loop.call_later(seconds, over)

    def _unblock(self) -> None:
        self._blocked = False
        self._work()

    def _flush(self) -> None:
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _close(self) -> None:
        self._flush()
        self._over = True
        self._transport.close()

    def _reset(self) -> None:
        self._flush()
        self._over = True
        link = self._transport.get_extra_info("socket")
        if link is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _version(transport: asyncio.BaseTransport) -> str:
    """The version of TLS that a transport speaks, "" for none."""
    secured = transport.get_extra_info("ssl_object")
    return (secured.version() or "") if secured is not None else ""
