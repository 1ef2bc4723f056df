"""A mail server on loopback that takes everything quickly and writes down what it took.

    python -m tests.cluster.sink RECORD [--delay SECONDS]

It prints its port and ends when its standard input closes. The record has a line for each message
whose final dot came in, written before the 250 leaves: recipient, Message-ID, separated by a tab.
A message is taken with its dot, as a mail server is responsible for it from then on, also when
its client is gone before the answer. `--delay` is the time before each such answer.

SMTP as in RFC 5321 with PIPELINING, 8BITMIME and ENHANCEDSTATUSCODES. The chaos server
(`tests.smtp.chaos`) shows faults and writes down far more; this one is for many messages.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]*>)", re.I | re.M)
_GREETING = (
    b"250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 100000000\r\n"
    b"250 ENHANCEDSTATUSCODES\r\n"
)
_ANSWERS = {
    b"EHLO": _GREETING,
    b"HELO": b"250 sink.example.org\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
}
_END = b"\r\n.\r\n"


class Sink:
    """The server as a process of its own, its record in a file; ends with the block."""

    def __init__(self, record: Path, *, delay: float = 0.0) -> None:
        self._record = record
        self._read = self._taken = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.sink", str(record), "--delay", str(delay)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait(20)

    def taken(self) -> int:
        """How many messages it took until now."""
        with self._record.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        self._taken += fresh.count(b"\n")
        return self._taken

    def record(self) -> Counter[tuple[str, str]]:
        """How often it took each (recipient, Message-ID)."""
        with self._record.open(encoding="utf-8") as file:
            found = Counter(tuple(line.rstrip("\n").split("\t")) for line in file)
        return found  # type: ignore[return-value]


class _Talk(asyncio.Protocol):
    """One connection."""

    def __init__(self, record: int, delay: float) -> None:
        self._record = record
        self._delay = delay
        self._kept = bytearray()
        self._searched = -1
        """How far the content under way was searched for its end; -1 between contents."""
        self._recipient = b""
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink.example.org ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._kept += data
        if not self._waits:
            self._go_on()

    def _go_on(self) -> None:
        """Answer whatever came in whole; what was taken is written down first."""
        answers: list[bytes] = []
        lines: list[bytes] = []
        at = 0
        while not self._waits:
            at, before = self._step(at, answers, lines), at
            if at == before:
                break
        del self._kept[:at]
        if self._searched >= 0:
            self._searched -= at
        if lines:
            os.write(self._record, b"".join(lines))
        if answers:
            self._transport.write(b"".join(answers))

    def _step(self, at: int, answers: list[bytes], lines: list[bytes]) -> int:
        """One command or one message from `at` on; where the next one begins."""
        if self._searched >= 0:
            end = self._kept.find(_END, max(at, self._searched))
            if end < 0:
                self._searched = max(at, len(self._kept) - len(_END) + 1)
                return at
            head = self._kept.find(b"\r\n\r\n", at, end)
            named = _MESSAGE_ID.search(self._kept, at, end if head < 0 else head)
            name = bytes(named[1]) if named else b""
            lines.append(b"%b\t%b\n" % (self._recipient, name))
            self._searched = -1
            if self._delay:
                self._waits = True
                asyncio.get_running_loop().call_later(self._delay, self._answer)
            else:
                answers.append(b"250 2.0.0 Ok\r\n")
            return end + len(_END)
        newline = self._kept.find(b"\n", at)
        if newline < 0:
            return at
        line = bytes(self._kept[at:newline])
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0]
        if verb == b"DATA":
            answers.append(b"354 Go ahead\r\n")
            self._searched = newline - 1  # a dot may be all there is
            return newline + 1
        if verb == b"QUIT":
            self._transport.write(b"".join(answers) + b"221 2.0.0 Bye\r\n")
            answers.clear()
            self._transport.close()
        else:
            answers.append(_ANSWERS.get(verb, b"500 5.5.2 Not known here\r\n"))
        return newline + 1

    def _answer(self) -> None:
        self._waits = False
        if not self._transport.is_closing():
            self._transport.write(b"250 2.0.0 Ok\r\n")
            self._go_on()


async def _serve(record: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Talk(record, delay), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = loop.create_future()
    loop.add_reader(0, lambda: os.read(0, 4096) or ended.done() or ended.set_result(None))
    await ended
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.sink")
    parser.add_argument("record", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it belongs to whoever started this
    import uvloop

    record = os.open(options.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(record, options.delay))


if __name__ == "__main__":
    main()
