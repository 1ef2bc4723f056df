"""A mail server on loopback that shows every fault a server can show, and records what it took.

In a test, inside the event loop, with what it got kept byte for byte:

    async with chaos({"RCPT": ["250 Ok", "550 5.1.1 no"]}) as server: ...

`script` maps a verb to the acts for its first, second ... occurrence over all connections;
afterwards the rules of the profile decide, and where none fits the server answers as a decent
one. Acts, rules and profiles stand in `tests.smtp.acts`.

As a process of its own:

    python -m tests.smtp.chaos --port 0 --record FILE --profile NAME|JSON|FILE [--ca FILE]

It prints one line, `ready 127.0.0.1 PORT`, and ends when its standard input closes (unless
`--stay`) or on SIGTERM. `--list` prints the names of the profiles. Each line that it reads from
its standard input is a JSON object: its `rules` take the place of those in force, and `ok` is
printed once they do.

The record is JSON Lines, appended line by line, each in one write, so that it survives a kill
and may be read while it grows. Times are UTC microseconds of this machine's clock.

- `{"kind": "start", "port", "at", "profile"}`: the server listens; more than one if the file is
  used again.
- `{"kind": "message", "connection", "mail_at", "mail_from", "dot_at", "rcpt_to", "message_id",
  "delivery", "size", "sha256", "chunked", "answer", "taken", "answered", "at"}`: one message whose
  end arrived. `mail_at` and `dot_at` are when MAIL FROM and the end of the content came in.
  `mail_from` and `rcpt_to` as on the wire, with angle brackets (and parameters). `message_id` with
  angle brackets; `delivery` is the number in it, null if there is none. `sha256` is of the content
  without doubled dots. `answer` is the final reply, or the act in its place. **`taken`**: the
  server is responsible for the message, i.e. the journalist gets it (a 2xx, or a lost answer);
  two such lines for one delivery are a double. `answered`: the answer was given to the socket.
- `{"kind": "envelope", "connection", "mail_at", "mail_from", "rcpt_to", "refused", "invited",
  "at"}`: a MAIL FROM of which no message came. `refused` is the first code that refused it, if one
  did; `invited` is true when its content was asked for, so that its end may have been on the way
  when the connection ended. So each MAIL FROM stands in exactly one line.
- `{"kind": "connection", "connection", "clear", "tls", "at"}`: a connection ended. `clear` are the
  verbs that came in clear text, `tls` the version of TLS spoken afterwards, or "". With `implicit`
  a handshake that failed leaves no line: nothing of SMTP came in.

A line is written right before its answer leaves, or when it is certain that none will.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.smtp.acts import (
    CLOSE,
    HALF,
    HANG,
    LOST,
    PROFILES,
    RESET,
    SILENT_DEAF,
    SKIP,
    Answer,
    Drip,
    Pause,
    Profile,
    Raw,
    Refuse,
    Rule,
    Wait,
    profile,
    rules_from,
)
from tests.smtp.authority import Authority
from tests.smtp.talk import Talk

__all__ = [
    "CLOSE",
    "HALF",
    "HANG",
    "LOST",
    "RESET",
    "SILENT_DEAF",
    "SKIP",
    "Chaos",
    "Drip",
    "Mail",
    "Pause",
    "Profile",
    "Raw",
    "Refuse",
    "Rule",
    "Wait",
    "chaos",
    "profile",
    "read_record",
]


@dataclass
class Mail:
    """One message as it arrived: `wire` as sent, `content` with dots undoubled."""

    mail_from: str
    rcpt_to: list[str]
    wire: bytes
    content: bytes


@dataclass
class Chaos:
    """The server; make it with `chaos`.

    With `keep` it keeps in memory: `lines`, all command lines of all connections, `mails`,
    `received`, all bytes, and `record`, the record's lines. `record_file` is appended to.
    """

    profile: Profile = field(default_factory=Profile)
    script: dict[str, list[Answer]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    keep: bool = True
    record_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    messages: int = 0
    lines: list[bytes] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    record: list[dict[str, Any]] = field(default_factory=list)
    talks: set[Talk] = field(default_factory=set)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop = field(init=False)
    _listener: asyncio.Server | None = None
    _file: int = -1
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _stopped: bool = False

    async def start(self) -> None:
        """Listen; `port` is the real one afterwards."""
        self.loop = asyncio.get_running_loop()
        self.obey(self.profile.rules)
        if self.record_file is not None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._file = os.open(self.record_file, flags, 0o600)
        await self._listen()
        self._started = time.monotonic()
        if self._file >= 0:
            now = time.time_ns() // 1000
            self.record_line(
                {"kind": "start", "port": self.port, "at": now, "profile": repr(self.profile)}
            )
        for since, until in self.profile.away:
            self._timers.append(self.loop.call_later(since, self.refuse, until - since))

    async def stop(self) -> None:
        """Close the port and drop all connections."""
        self._stopped = True
        for timer in self._timers:
            timer.cancel()
        for task in self._opening:
            task.cancel()
        if self._listener is not None:
            self._listener.close()
        for talk in list(self.talks):
            talk.abort()
        await asyncio.sleep(0)
        if self._file >= 0:
            await asyncio.sleep(0.01)  # the ends of the connections are recorded
            os.close(self._file)
            self._file = -1

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so long, and then listen on the same port again."""
        if self._listener is not None and not self._stopped:
            self._listener.close()
            self._listener = None
            self._timers.append(self.loop.call_later(seconds, self._listen_again))

    def obey(self, rules: Sequence[Rule]) -> None:
        """From now on these rules hold and no others; each counts from here."""
        self.rules.clear()
        for rule in rules:
            self.rules.setdefault(rule.verb, []).append(rule)

    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    def latency(self) -> float:
        """How long the next message's answer takes, in seconds."""
        self.messages += 1
        chosen = self.profile
        if not (chosen.latency or chosen.growth):
            return 0.0
        return min(chosen.latency + chosen.growth * (self.messages - 1), chosen.latency_limit)

    def record_line(self, entry: dict[str, Any]) -> None:
        """Put one line into the record."""
        if self.keep:
            self.record.append(entry)
        if self._file >= 0:
            os.write(self._file, json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def keep_mail(self, sender: str, recipients: list[str], wire: bytes, content: bytes) -> None:
        """Keep one message as it arrived."""
        self.mails.append(Mail(sender, recipients, wire, content))

    async def _listen(self) -> None:
        self._listener = await self.loop.create_server(
            lambda: Talk(self),
            self.host,
            self.port,
            ssl=self.tls if self.profile.implicit else None,
            backlog=512,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def _listen_again(self) -> None:
        if not self._stopped:
            task = self.loop.create_task(self._listen())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)


@contextlib.asynccontextmanager
async def chaos(
    script: Mapping[str, Sequence[Answer]] | None = None,
    *,
    like: Profile | None = None,
    keywords: Sequence[str] | None = None,
    implicit: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    careless: bool = False,
    tls: ssl.SSLContext | None = None,
    smuggle: bytes = b"",
    inside: Sequence[str] | None = None,
    record_file: Path | None = None,
) -> AsyncIterator[Chaos]:
    """Run a server in this event loop; `implicit` makes it speak TLS from the first byte."""
    chosen = replace(
        like or Profile(),
        **({"keywords": keywords} if keywords is not None else {}),
        **({"inside": inside} if inside is not None else {}),
        **({"careless": True} if careless else {}),
        **({"smuggle": smuggle} if smuggle else {}),
        **({"implicit": True} if implicit else {}),
    )
    server = Chaos(
        chosen,
        {verb: list(answers) for verb, answers in (script or {}).items()},
        implicit or tls,
        record_file=record_file,
        host=host,
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def read_record(path: Path, kind: str = "message") -> list[dict[str, Any]]:
    """The lines of one kind; a last line that is still being written is left out."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [entry for entry in map(json.loads, whole.splitlines()) if entry["kind"] == kind]


async def _serve(server: Chaos, stay: bool) -> None:
    leave = asyncio.Event()
    await server.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        server.loop.add_signal_handler(number, leave.set)

    def take(line: bytes) -> None:
        server.obey(rules_from(json.loads(line)["rules"]))
        print("ok", flush=True)

    def watch() -> None:
        with contextlib.suppress(OSError):
            for line in iter(sys.stdin.buffer.readline, b""):
                server.loop.call_soon_threadsafe(take, line)
        if not server.loop.is_closed():
            server.loop.call_soon_threadsafe(leave.set)

    if not stay:
        threading.Thread(target=watch, daemon=True).start()
    print(f"ready {server.host} {server.port}", flush=True)
    await leave.wait()
    await server.stop()


def main(arguments: list[str] | None = None) -> int:
    """The process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.smtp.chaos", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--profile", default="clean")
    parser.add_argument("--ca", type=Path, help="write the certificate authority to trust here")
    parser.add_argument("--stay", action="store_true", help="do not end with standard input")
    parser.add_argument("--list", action="store_true", help="print the names of the profiles")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(sorted(PROFILES)))
        return 0
    try:
        behaviour = profile(chosen.profile)
    except (ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        context = None
        if behaviour.certificate:
            authority = Authority(Path(folder))
            context = authority.certificate(behaviour.certificate)
            if chosen.ca is not None:
                chosen.ca.write_bytes(Path(authority.file).read_bytes())
        server = Chaos(
            behaviour, tls=context, keep=False, record_file=chosen.record, port=chosen.port
        )
        import uvloop

        uvloop.run(_serve(server, chosen.stay))
    return 0


if __name__ == "__main__":
    sys.exit(main())
