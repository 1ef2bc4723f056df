"""A mail server on loopback that misbehaves as told and keeps what it got, byte for byte.

`script` maps a verb to the answers for its first, second ... occurrence; afterwards the server
answers as a decent one. An answer is the reply line(s) as text, or one of the acts below. Verbs:
BANNER EHLO HELO STARTTLS AUTH MAIL RCPT DATA CONTENT DOT RSET QUIT; CONTENT happens right after
354, before content is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

CLOSE = "<close>"
"""Close the connection without an answer."""

HANG = "<hang>"
"""Answer nothing from now on, but go on reading."""

SILENT_DEAF = "<deaf>"
"""Answer nothing and read nothing any more."""


@dataclass(frozen=True)
class Drip:
    """Answer one byte at a time, with a pause (seconds) between bytes."""

    text: str
    pause: float


@dataclass(frozen=True)
class Raw:
    """Answer these bytes, whatever they are; then close if `close`."""

    data: bytes
    close: bool = False


@dataclass(frozen=True)
class Pause:
    """Answer (or nothing, if empty) and read nothing for so many seconds."""

    seconds: float
    text: str = ""


Answer = str | Drip | Raw | Pause


@dataclass
class Mail:
    """One message as it arrived: `wire` as sent, `content` with dots undoubled."""

    mail_from: str
    rcpt_to: list[str]
    wire: bytes

    @property
    def content(self) -> bytes:
        lines = self.wire.split(b"\r\n")
        return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


@dataclass
class Chaos:
    """The server; make it with `chaos`. `lines` are all command lines of all connections."""

    script: dict[str, list[Answer]] = field(default_factory=dict)
    keywords: Sequence[str] = ("PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES")
    inside: Sequence[str] | None = None  # keywords once TLS runs, if others
    careless: bool = False  # 354 to DATA even without a recipient
    tls: ssl.SSLContext | None = None
    smuggle: bytes = b""  # sent in clear text right behind the answer to STARTTLS
    port: int = 0
    connections: int = 0
    lines: list[bytes] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _mute: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        ends = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError)
        with contextlib.suppress(_Over, *ends):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipients = "", list[str]()
        await self._answer(writer, "BANNER", "220 chaos ESMTP")
        while True:
            line = await reader.readuntil(b"\n")
            self.received += line
            self.lines.append(line)
            words = line.strip().split(b" ", 1)
            verb = words[0].upper().decode()
            rest = words[1].decode() if len(words) > 1 else ""
            if verb == "EHLO":
                lines = ["chaos", *self.keywords]
                text = "\r\n".join(f"250-{word}" for word in lines[:-1]) + f"\r\n250 {lines[-1]}"
                await self._answer(writer, verb, text)
            elif verb == "STARTTLS":
                if await self._answer(writer, verb, "220 go", self.smuggle) == "220":
                    assert self.tls is not None
                    await writer.start_tls(self.tls)
                    self.lines.append(b"(TLS)")
                    if self.inside is not None:
                        self.keywords = self.inside
            elif verb == "AUTH":
                await self._auth(reader, writer, rest)
            elif verb == "MAIL":
                default = "503 5.5.1 nested MAIL" if sender else "250 2.1.0 Ok"
                if await self._answer(writer, verb, default) == "250":
                    sender = rest[5:]
            elif verb == "RCPT":
                default = "250 2.1.5 Ok" if sender else "503 5.5.1 need MAIL"
                if await self._answer(writer, verb, default) == "250":
                    recipients.append(rest[3:])
            elif verb == "DATA":
                ready = recipients or self.careless
                default = "354 go" if ready else "554 5.5.1 no valid recipients"
                answer = await self._answer(writer, verb, default)
                if answer == "354" and writer not in self._mute:
                    await self._content(reader, writer, sender, recipients)
                    sender, recipients = "", []
            elif verb == "RSET":
                sender, recipients = "", []
                await self._answer(writer, verb, "250 2.0.0 Ok")
            elif verb == "QUIT":
                await self._answer(writer, verb, "221 2.0.0 bye")
                return
            else:
                await self._answer(writer, verb, "250 chaos" if verb == "HELO" else "500 what")

    async def _content(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sender: str,
        recipients: list[str],
    ) -> None:
        if self.script.get("CONTENT"):
            await self._answer(writer, "CONTENT", "")
        wire = b""
        while not (wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"):
            wire += await reader.readuntil(b".\r\n")
        self.received += wire
        if recipients:
            self.mails.append(Mail(sender, recipients, wire[:-3]))
        refusal = "554 5.5.1 no valid recipients"
        await self._answer(writer, "DOT", "250 2.0.0 Ok: queued" if recipients else refusal)

    async def _auth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: str
    ) -> None:
        if rest == "LOGIN":
            for prompt in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
                if await self._answer(writer, "LOGIN", prompt) != "334":
                    return
                self.lines.append(await reader.readuntil(b"\n"))
        await self._answer(writer, "AUTH", "235 2.7.0 welcome")

    async def _answer(
        self, writer: asyncio.StreamWriter, verb: str, default: str, more: bytes = b""
    ) -> str:
        answers = self.script.get(verb)
        answer: Answer = answers.pop(0) if answers else default
        if isinstance(answer, Raw):
            writer.write(answer.data)
            await writer.drain()
            if answer.close:
                raise _Over
            return answer.data[:3].decode("latin-1")
        if isinstance(answer, Pause):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            if answer.text:
                writer.write(answer.text.encode() + b"\r\n")
            await asyncio.sleep(answer.seconds)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            return answer.text[:3]
        if isinstance(answer, Drip):
            for byte in answer.text.encode():
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(answer.pause)
            return answer.text[:3]
        if answer == CLOSE:
            raise _Over
        if answer == SILENT_DEAF:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(60)
        if answer == HANG:
            self._mute.add(writer)
        elif answer and writer not in self._mute:
            writer.write(answer.encode() + b"\r\n" + more)
            await writer.drain()
        if answer.startswith("421"):
            raise _Over
        return answer[:3]

    async def stop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


class _Over(Exception):
    """This connection is to end."""


@contextlib.asynccontextmanager
async def chaos(
    script: Mapping[str, Sequence[Answer]] | None = None,
    *,
    keywords: Sequence[str] | None = None,
    implicit: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    careless: bool = False,
    tls: ssl.SSLContext | None = None,
    smuggle: bytes = b"",
    inside: Sequence[str] | None = None,
) -> AsyncIterator[Chaos]:
    """Run a server in this event loop; `implicit` makes it speak TLS from the first byte."""
    server = Chaos(
        {verb: list(answers) for verb, answers in (script or {}).items()},
        careless=careless,
        tls=tls,
        smuggle=smuggle,
        inside=inside,
    )
    if keywords is not None:
        server.keywords = keywords
    listener = await asyncio.start_server(server.serve, host, 0, ssl=implicit, limit=2**24)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await asyncio.sleep(0)
