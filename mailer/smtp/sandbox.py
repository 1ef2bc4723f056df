"""The sandbox: a mail server on loopback that sends nothing on, and keeps and shows what it gets.

It lets a newsroom try everything without a single message leaving the machine. At EHLO it proves
with the newsroom's key that it is the sandbox and not some other server on that port (design
decision 13). Run it inside an event loop with `SandboxServer`, or as a process of its own:

    MAILER_SANDBOX_KEY=<hex> python -m mailer.smtp.sandbox --port 1025 --inbox spool/inbox.db

which prints one line, `ready HOST PORT`, and leaves when its standard input closes or on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.clock import Clock, SystemClock
from mailer.errors import ConfigError, MailerError, Refused
from mailer.smtp.inbox import InboxWriter
from mailer.smtp.model import is_loopback
from mailer.smtp.proof import KEYWORD, sandbox_proof

KEY_VARIABLE = "MAILER_SANDBOX_KEY"
"""Environment variable that brings the key (hexadecimal) to the process of its own."""

MAX_MESSAGE = 32 * 1024 * 1024
"""Largest message taken, in bytes."""

_Kept = tuple[int, str, list[str], bytes]


class SandboxServer:
    """Listens on a loopback address; every 250 to a message follows its commit.

    `port` 0 lets the system choose; `port` is the real one after `start`. Without `key` it does
    not prove itself.
    """

    def __init__(
        self,
        host: str,
        port: int,
        inbox_path: Path,
        key: bytes | None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._inbox_path = Path(inbox_path)
        self._key = key
        self._clock = clock or SystemClock()
        self._server: asyncio.Server | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._writer: InboxWriter | None = None
        self._waiting: list[tuple[_Kept, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._transports: set[asyncio.Transport] = set()

    async def start(self) -> None:
        """Open the inbox and listen.

        Raises Refused for an address that is not loopback, ConfigError when the port is taken.
        """
        loop = asyncio.get_running_loop()
        listener = await _bind(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        try:
            self._writer = await loop.run_in_executor(self._thread, InboxWriter, self._inbox_path)
            self._server = await loop.create_server(
                lambda: cast(asyncio.Protocol, _Dialogue(self)), sock=listener
            )
        except BaseException:
            listener.close()
            self._thread.shutdown(wait=False)
            raise

    async def stop(self) -> None:
        """Stop listening, keep what was already taken, end all connections."""
        if self._server is None or self._thread is None:
            return
        self._server.close()
        if self._flushing is not None:
            await asyncio.gather(self._flushing, return_exceptions=True)
        for transport in list(self._transports):
            transport.abort()
        await asyncio.sleep(0)
        if self._writer is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()
        self._server = None

    # The hooks below are called by aiosmtpd.

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Add PIPELINING, which reading by lines gives for nothing, and the proof."""
        session.host_name = hostname
        last = responses.pop()
        responses += ["250-PIPELINING", "250-ENHANCEDSTATUSCODES"]
        if self._key:
            responses.append(f"250-{KEYWORD} {sandbox_proof(self._key, hostname)}")
        return [*responses, last]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one message; answers when it is committed."""
        kept = (
            self._clock.now(),
            envelope.mail_from or "",
            list(envelope.rcpt_tos),
            bytes(cast(bytes, envelope.original_content)),
        )
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((kept, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        try:
            await done
        except Exception as error:
            return f"452 4.3.1 The sandbox could not keep the message: {error}"
        return "250 2.0.0 Kept in the sandbox, sent to nobody"

    async def _flush(self) -> None:
        """Commit whatever waits in one transaction, and again while something waits."""
        loop = asyncio.get_running_loop()
        assert self._writer is not None
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(
                    self._thread, self._writer.add, [kept for kept, _ in batch]
                )
            except Exception as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)


class _Dialogue(SMTP):
    """One connection. aiosmtpd speaks; content is read in large pieces instead of by lines."""

    # Also the limit of its reader, which holds a whole message here; commands have their own.
    line_length_limit = MAX_MESSAGE

    def __init__(self, sandbox: SandboxServer) -> None:
        self._sandbox = sandbox
        super().__init__(
            sandbox,
            hostname="sandbox.localhost",
            ident="mailer sandbox",
            enable_SMTPUTF8=True,
            data_size_limit=MAX_MESSAGE,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername") or ("",)
        if not is_loopback(str(peer[0])):
            cast(asyncio.Transport, transport).abort()
            return
        self._sandbox._transports.add(cast(asyncio.Transport, transport))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._sandbox._transports.discard(self.transport)
            super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:
        """DATA of RFC 5321 section 4.1.1.4, dots undoubled (section 4.5.2)."""
        if await self.check_helo_needed():
            return
        session, envelope = self.session, self.envelope
        assert session is not None
        assert envelope is not None
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        wire = bytearray()
        while not (wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"):
            try:
                wire += await self._reader.readuntil(b".\r\n")
            except asyncio.LimitOverrunError as error:
                wire += await self._reader.readexactly(max(error.consumed, 1))
            if len(wire) > 2 * MAX_MESSAGE:
                await self.push("421 4.3.4 The message is far too large")
                cast(asyncio.Transport, self.transport).close()
                return
        content = bytes(wire[:-3])
        if content.startswith(b"."):
            content = content[1:]
        if b"\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        if len(content) > MAX_MESSAGE:
            status = "552 5.3.4 The message is too large"
        else:
            envelope.content = envelope.original_content = content
            status = await self._sandbox.handle_DATA(self, session, envelope)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)


async def _bind(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"The sandbox cannot find the address {host}: {error}.") from None
    family, kind, protocol, _, address = found[0]
    if not is_loopback(str(address[0])):
        raise Refused(
            f"The sandbox does not listen on {host}.",
            hint="It keeps mail for everybody on this machine only: use 127.0.0.1 or ::1.",
        )
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The sandbox cannot listen on {host} port {port}: {error.strerror}.",
            hint="Another program may be using the port.",
        ) from None
    return listener


async def _serve(server: SandboxServer) -> None:
    """Run until standard input closes or SIGTERM comes."""
    await server.start()
    loop = asyncio.get_running_loop()
    leave = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(leave.set)

    threading.Thread(target=watch, daemon=True).start()
    sys.stdout.write(f"ready {server.host} {server.port}\n")
    sys.stdout.flush()
    await leave.wait()
    await server.stop()


def main(arguments: list[str] | None = None) -> int:
    """The process of its own; returns the exit code of the contract."""
    parser = argparse.ArgumentParser(
        prog="python -m mailer.smtp.sandbox",
        description="Loopback mail server that keeps and shows what it gets.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--inbox", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    try:
        key = bytes.fromhex(os.environ.pop(KEY_VARIABLE, ""))
    except ValueError:
        sys.stderr.write(f"{KEY_VARIABLE} is not hexadecimal.\n")
        return ConfigError.exit_code
    server = SandboxServer(chosen.host, chosen.port, chosen.inbox, key or None)
    try:
        try:
            import uvloop
        except ImportError:
            asyncio.run(_serve(server))
        else:
            uvloop.run(_serve(server))
    except MailerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
