"""What the tests of the client share: a source over a list, messages, and the chaos server as a
process of its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mailer.smtp import Connection, Endpoint, Outcome, Outgoing, Reply, Timeouts

QUICK = Timeouts(
    connect=2, banner=2, ehlo=2, starttls=2, auth=2, mail=2, rcpt=2, data=2, block=2, dot=2, quit=1
)


def text(number: int, body: str = "Hello\r\n") -> bytes:
    return (
        f"From: <press@example.org>\r\nTo: <j{number}@example.net>\r\n"
        f"Subject: number {number}\r\n\r\n{body}"
    ).encode()


def outgoing(
    number: int,
    *chunks: bytes,
    rcpt_to: str = "",
    mail_from: str = "bounces@example.org",
    size: int | None = None,
    smtputf8: bool = False,
) -> Outgoing:
    content = list(chunks) or [text(number)]
    length = sum(map(len, content)) if size is None else size
    recipient = rcpt_to or f"j{number}@example.net"
    return Outgoing(number, mail_from, recipient, content, length, smtputf8)


class ListSource:
    """Gives what it was made with, in order; `outcomes` by delivery, `dotted` in order."""

    def __init__(self, items: Iterable[Outgoing]) -> None:
        self.items = list(items)
        self.expected = len(self.items)
        self.outcomes: dict[int, Outcome] = {}
        self.dotted: list[int] = []
        self.may_dot: Callable[[Outgoing], bool] = lambda item: True
        self.all_over = asyncio.Event()

    def next(self) -> Outgoing | None:
        return self.items.pop(0) if self.items else None

    def dotting(self, item: Outgoing) -> bool:
        if not self.may_dot(item):
            return False
        self.dotted.append(item.delivery)
        return True

    def outcome(self, item: Outgoing, outcome: Outcome) -> None:
        assert item.delivery not in self.outcomes, "two outcomes for one message"
        self.outcomes[item.delivery] = outcome
        if len(self.outcomes) == self.expected:
            self.all_over.set()

    @property
    def codes(self) -> dict[int, int]:
        return {number: outcome.reply.code for number, outcome in self.outcomes.items()}


def endpoint(port: int, **settings: object) -> Endpoint:
    chosen = {"tls": "never", "helo_name": "client.example.org", "timeouts": QUICK, **settings}
    return Endpoint("127.0.0.1", port, **chosen)  # type: ignore[arg-type]


async def send(place: Endpoint, source: ListSource) -> Reply | None:
    """Open one connection, send until all is over or it ends; returns what `run` returned."""
    connection = await Connection.open(place)
    running = asyncio.ensure_future(connection.run(source))
    waiting = asyncio.ensure_future(source.all_over.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    waiting.cancel()
    await connection.close(2)
    return await asyncio.wait_for(running, 5)


class Outside:
    """The chaos server as a process of its own, with its record in a file; ends with the block.

    `profile` as JSON would give it; `ca` is where to write the authority to trust.
    """

    def __init__(
        self,
        record: Path,
        profile: Mapping[str, Any] | None = None,
        *,
        ca: Path | None = None,
        port: int = 0,
    ) -> None:
        self.record = record
        self.port = port
        self._arguments = ["--record", str(record), "--profile", json.dumps(profile or {})]
        if ca is not None:
            self._arguments += ["--ca", str(ca)]
        self.start()

    def __enter__(self) -> Outside:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Listen, on the port of last time if there was one."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.smtp.chaos", "--port", str(self.port), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        self.port = int(self._heard().split()[-1])

    def obey(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """From now on these rules hold and no others."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"rules": rules}).encode() + b"\n")
        self.process.stdin.flush()
        assert self._heard() == "ok"

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal."""
        self.process.send_signal(number)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait(20)

    def _heard(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()
