"""What is measured, section by section (H21). Each gives rows: what, figure, target."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from benchmarks.measure import Measured, median
from benchmarks.newsroom import Newsroom
from benchmarks.peers import peer, smtp_source
from benchmarks.report import Row
from benchmarks.servers import Server, cheap_sink, program, smtp_sink

CONNECTIONS = 16
"""For everybody; mailer's are shared out among its processes."""

SLOW_CONNECTIONS = 64
DELAY = 200
RATE = 500
MEMORY = 120.0
"""Connections to the slow server in all, its milliseconds a message, the paced messages a second,
and the megabytes a process may have."""


@dataclass
class Plan:
    """How much is run, and the folder it happens in."""

    folder: Path
    journalists: int = 60_000
    peer_messages: int = 3_000
    runs: int = 3
    processes: int = 2
    scale: int = 0
    rooms: dict[int, Newsroom] = field(default_factory=dict)

    @property
    def fewer(self) -> int:
        """Messages where the time of each is given: signed, slow server, paced."""
        return min(10_000, self.journalists)

    def room(self, journalists: int) -> Newsroom:
        """A newsroom of that size, made once; runs use copies of it."""
        if journalists not in self.rooms:
            say(f"importing {journalists:,} made-up journalists")
            folder = self.folder / f"room-{journalists}"
            self.rooms[journalists] = Newsroom.make(folder, journalists)
        return self.rooms[journalists]

    @cached_property
    def eml(self) -> Path:
        """A message as it goes over the wire."""
        rooms = list(self.rooms.values())
        return (rooms[0] if rooms else self.room(self.journalists)).sample()

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.eml.stat().st_size

    def settings(
        self, server: Server, connections: int = CONNECTIONS, **more: str
    ) -> dict[str, str]:
        """What a run of mailer is told: `connections` are those of all its processes."""
        return {
            "SMTP__URL": f"smtp://127.0.0.1:{server.port}",
            "SMTP__CONNECTIONS": str(max(1, connections // self.processes)),
            "SENDING__PROCESSES": str(self.processes),
            **more,
        }

    def mailer(self, journalists: int, settings: Mapping[str, str]) -> Measured:
        """`mailer run --once` over a fresh copy of a newsroom."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return self.room(journalists).copy(Path(folder) / "room").send(settings)


def sink(plan: Plan) -> list[Row]:
    """Into Postfix's smtp-sink, beside smtp-source and two mail libraries.

    With one sender: the sink's one thread is what limits everybody, and of two cores a second
    sender would take part of the one it runs on.
    """
    plan = replace(plan, processes=1)
    with smtp_sink() as server:
        ours, rows = _beside_source(plan, server, "smtp-sink", at_least=1.0)
        for name, least in (("nodemailer", 7.0), ("aiosmtplib", 12.0)):
            theirs = []
            for number in range(1, plan.runs + 1):
                say(f"smtp-sink, run {number} of {plan.runs}: {name}")
                result = peer(name, server.port, plan.peer_messages, CONNECTIONS, plan.eml)
                theirs.append(result)
            rate = median(m.rate for m in theirs)
            rows += [
                Row(f"smtp-sink: {name}", rate, "/s"),
                Row(
                    f"smtp-sink: mailer / {name}",
                    median(m.rate for m in ours) / rate,
                    "×",
                    at_least=least,
                ),
            ]
        return rows


def cheap(plan: Plan) -> list[Row]:
    """Into a sink that is no bottleneck: beside smtp-source, CPU and memory."""
    with cheap_sink(plan.folder) as server:
        ours, rows = _beside_source(plan, server, "cheap sink", at_least=0.6)
        figure = median(m.cpu_ms for m in ours)
        rows.append(Row("unsigned: CPU per message", figure, "ms", at_most=0.12))
        return rows + memory_rows("unsigned", ours)


def signed(plan: Plan) -> list[Row]:
    """Signed with RSA-2048, into the cheap sink: CPU beside that of one signature."""
    key = plan.folder / "dkim.pem"
    openssl = program("openssl", "openssl")
    words = [openssl, "genrsa", "-out", str(key), "2048"]
    subprocess.run(words, check=True, capture_output=True)
    key.chmod(0o600)
    results, signing = [], []
    with cheap_sink(plan.folder) as server:
        settings = plan.settings(
            server, DKIM__DOMAIN="example.org", DKIM__SELECTOR="bench", DKIM__KEY_FILE=str(key)
        )
        for number in range(1, plan.runs + 1):
            say(f"signed, run {number} of {plan.runs}: openssl speed, mailer")
            signing.append(_one_signature(openssl))
            before = server.bytes_taken()
            results.append(plan.mailer(plan.fewer, settings))
            each = (server.bytes_taken() - before) / (plan.fewer + 1)
            if each < plan.size + 300:
                raise SystemExit(f"{each:.0f} bytes a message: that is no signed one.")
            say(f"  {results[-1].rate:,.0f}/s, {results[-1].cpu_ms:.3f} ms CPU")
    over = [m.cpu_ms - one for m, one in zip(results, signing, strict=True)]
    return [
        Row("signed: mailer", median(m.rate for m in results), "/s"),
        Row("signed: CPU per message", median(m.cpu_ms for m in results), "ms"),
        Row("signed: CPU of one signature (openssl)", median(signing), "ms"),
        Row("signed: CPU per message beyond it", median(over), "ms", at_most=0.15),
        *memory_rows("signed", results),
    ]


def slow(plan: Plan) -> list[Row]:
    """A server that takes 200 ms a message, 64 connections in all."""
    with cheap_sink(plan.folder, delay=DELAY) as server:
        say(f"{plan.fewer:,} messages at {DELAY} ms over {SLOW_CONNECTIONS} connections")
        result = plan.mailer(plan.fewer, plan.settings(server, SLOW_CONNECTIONS))
    possible = SLOW_CONNECTIONS / DELAY * 1000
    return [
        Row("slow server: mailer", result.rate, "/s"),
        Row("slow server: of what is possible", result.rate / possible, "×", at_least=0.95),
        *memory_rows("slow server", [result]),
    ]


def pace(plan: Plan) -> list[Row]:
    """A rate of 500 messages a second over all processes."""
    with cheap_sink(plan.folder) as server:
        say(f"{plan.fewer:,} messages at {RATE}/s")
        settings = plan.settings(server, SMTP__RATE=str(RATE))
        result = plan.mailer(plan.fewer, settings)
    wanted = plan.fewer / RATE
    what = f"paced: {plan.fewer:,} messages at {RATE}/s"
    return [Row(what, result.wall, "s", at_least=0.95 * wanted, at_most=1.05 * wanted)]


def memory_rows(what: str, results: Sequence[Measured]) -> list[Row]:
    """The largest resident memory any process of each role reached."""
    rows = []
    for role in ("sender", "scheduler", "supervisor"):
        peak = max(m.resident.get(role, 0) for m in results) / 1e6
        anonymous = max(m.anonymous.get(role, 0) for m in results) / 1e6
        rows.append(Row(f"{what}: resident, {role}", peak, "MB", at_most=MEMORY))
        rows.append(Row(f"{what}: of which anonymous, {role}", anonymous, "MB"))
    return rows


def _beside_source(
    plan: Plan, server: Server, where: str, *, at_least: float
) -> tuple[list[Measured], list[Row]]:
    ours: list[Measured] = []
    theirs: list[Measured] = []
    plan.room(plan.journalists)
    for number in range(1, plan.runs + 1):
        say(f"{where}, run {number} of {plan.runs}: smtp-source, mailer")
        theirs.append(smtp_source(server.port, plan.journalists, plan.size, CONNECTIONS))
        ours.append(plan.mailer(plan.journalists, plan.settings(server)))
        for m in (theirs[-1], ours[-1]):
            say(f"  {m.rate:,.0f}/s, {m.cpu_ms:.3f} ms CPU")
    ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    return ours, [
        Row(f"{where}: mailer", median(m.rate for m in ours), "/s"),
        Row(f"{where}: mailer, CPU per message", median(m.cpu_ms for m in ours), "ms"),
        Row(f"{where}: smtp-source", median(m.rate for m in theirs), "/s"),
        Row(f"{where}: smtp-source, CPU per message", median(m.cpu_ms for m in theirs), "ms"),
        Row(f"{where}: mailer / smtp-source", median(ratios), "×", at_least=at_least),
    ]


def _one_signature(openssl: str) -> float:
    """Milliseconds that this machine's OpenSSL takes for one RSA-2048 signature."""
    done = subprocess.run(
        [openssl, "speed", "-seconds", "3", "rsa2048"], check=True, capture_output=True, text=True
    )
    found = re.search(r"^rsa +2048 bits +\S+ +\S+ +([\d.]+)", done.stdout, flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"What openssl speed says is not understood:\n{done.stdout}")
    return 1000 / float(found[1])


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


SECTIONS: dict[str, Callable[[Plan], list[Row]]] = {
    "sink": sink,
    "cheap": cheap,
    "signed": signed,
    "slow": slow,
    "pace": pace,
}
