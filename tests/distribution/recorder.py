"""A mail server on loopback with a record of its own, for tests of the sending engine.

It runs in a thread of the test's process, so that senders may be killed while it goes on. It
keeps, for each final dot, the recipient, the Message-ID and when; and when each MAIL FROM came.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Got:
    """One message whose final dot arrived; `at` is time.monotonic()."""

    rcpt_to: str
    message_id: str
    at: float
    raw: bytes


@dataclass
class Recorder:
    """Start with `with Recorder() as server`. `delay` is seconds before each final answer.

    `rcpt` and `dot` decide the answer for a recipient ("" hangs up without answering), `mail` the
    answer to MAIL FROM (after a 421 it hangs up). `most` is
    how many connections it takes at a time, and `each` how many messages it takes over one
    before it closes it without a word; 0 is no limit.
    """

    delay: float = 0.0
    mail: Callable[[], str] = lambda: "250 2.1.0 ok"
    rcpt: Callable[[str], str] = lambda _: "250 2.1.5 ok"
    dot: Callable[[str], str] = lambda _: "250 2.0.0 taken"
    port: int = 0
    most: int = 0
    each: int = 0
    open: int = 0
    got: list[Got] = field(default_factory=list)
    mail_from: list[tuple[float, str]] = field(default_factory=list)
    rcpt_to: list[tuple[float, str]] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Recorder:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve() -> None:
            self._server = await asyncio.start_server(
                self._connection, "127.0.0.1", self.port, limit=1 << 24
            )
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(serve())
            self._loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            self._server.close()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def recipients(self) -> Counter[str]:
        """How many messages arrived for each recipient."""
        return Counter(got.rcpt_to for got in self.got)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            if self.most and self.open > self.most:
                writer.write(b"421 4.7.0 too many connections\r\n")
                return
            await asyncio.sleep(0.02 if self.most else 0)
            writer.write(b"220 recorder ESMTP\r\n")
            await self._dialogue(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient, taken, refused = "", 0, False
        while True:
            line = (await reader.readuntil(b"\r\n")).decode("utf-8").strip()
            verb = line[:4].upper()
            if verb == "EHLO":
                writer.write(
                    b"250-recorder\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 SIZE 9999999\r\n"
                )
            elif verb == "MAIL":
                recipient = ""
                self.mail_from.append((time.monotonic(), line))
                answer = self.mail()
                refused = not answer.startswith("2")
                writer.write(answer.encode() + b"\r\n")
                if answer.startswith("421"):
                    return
            elif verb == "RCPT":
                address = line[line.index("<") + 1 : line.index(">")]
                self.rcpt_to.append((time.monotonic(), address))
                answer = "503 5.5.1 MAIL first" if refused else self.rcpt(address)
                if answer.startswith("2"):
                    recipient = address
                if not answer:
                    return
                writer.write(answer.encode() + b"\r\n")
            elif verb == "DATA":
                if not recipient:
                    writer.write(b"503 5.5.1 no recipient\r\n")
                    continue
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                found = re.search(rb"(?im)^Message-ID: *(<[^>]+>)", raw)
                assert found is not None
                self.got.append(Got(recipient, found[1].decode(), time.monotonic(), raw[:-3]))
                if self.delay:
                    await asyncio.sleep(self.delay)
                answer = self.dot(recipient)
                if not answer:
                    return
                writer.write(answer.encode() + b"\r\n")
                taken += 1
                if taken == self.each:
                    return
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
