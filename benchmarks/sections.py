"""What is measured, section by section (H21). Each gives rows: what, figure, target."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.measure import Measured, median
from benchmarks.newsroom import Newsroom
from benchmarks.peers import PEERS, peer, smtp_source
from benchmarks.report import Row
from benchmarks.servers import Server, cheap_sink, smtp_sink

CONNECTIONS = 16
"""For everybody; mailer's are shared out among its processes."""


@dataclass
class Plan:
    """How much is run, and the folder it happens in."""

    folder: Path
    journalists: int = 60_000
    peer_messages: int = 3_000
    signed: int = 10_000
    slow: int = 10_000
    paced: int = 10_000
    runs: int = 3
    processes: int = 2
    scale: int = 1_000_000
    rooms: dict[int, Newsroom] = field(default_factory=dict)

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
        return self.room(self.journalists).sample()

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.eml.stat().st_size

    def mailer(
        self,
        server: Server,
        journalists: int,
        *,
        connections: int = CONNECTIONS,
        memory: bool = False,
        **settings: str,
    ) -> Measured:
        """`mailer run --once` over a fresh copy of a newsroom."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            room = self.room(journalists).copy(Path(folder) / "room")
            return room.send(
                memory=memory,
                SMTP__URL=f"smtp://127.0.0.1:{server.port}",
                SMTP__CONNECTIONS=str(max(1, connections // self.processes)),
                SENDING__PROCESSES=str(self.processes),
                **settings,
            )


def sink(plan: Plan) -> list[Row]:
    """(a) Into Postfix's smtp-sink, beside smtp-source and two mail libraries."""
    with smtp_sink() as server:
        return _beside(plan, server, "smtp-sink", 1.0, {"nodemailer": 7.0, "aiosmtplib": 12.0})


def cheap(plan: Plan) -> list[Row]:
    """(b, d) Into a sink that is no bottleneck: beside smtp-source, and CPU per message."""
    with cheap_sink(plan.folder) as server:
        return _beside(plan, server, "cheap sink", 0.6, {}, cpu=0.12)


def _beside(
    plan: Plan,
    server: Server,
    where: str,
    least: float,
    libraries: dict[str, float],
    cpu: float | None = None,
) -> list[Row]:
    ours: list[Measured] = []
    theirs: list[Measured] = []
    plan.room(plan.journalists)
    for number in range(1, plan.runs + 1):
        say(f"{where}, run {number} of {plan.runs}: smtp-source")
        theirs.append(smtp_source(server.port, plan.journalists, plan.size, CONNECTIONS))
        say(f"  {theirs[-1].rate:,.0f}/s, {theirs[-1].cpu_ms:.3f} ms CPU; mailer")
        ours.append(plan.mailer(server, plan.journalists))
        say(f"  {ours[-1].rate:,.0f}/s, {ours[-1].cpu_ms:.3f} ms CPU")
    ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    rows = [
        Row(f"{where}: mailer", median(m.rate for m in ours), "/s"),
        Row(f"{where}: smtp-source", median(m.rate for m in theirs), "/s"),
        Row(f"{where}: mailer / smtp-source", median(ratios), "×", at_least=least),
        Row(
            f"{where}: mailer, CPU per message",
            median(m.cpu_ms for m in ours),
            "ms",
            at_most=cpu,
        ),
        Row(f"{where}: smtp-source, CPU per message", median(m.cpu_ms for m in theirs), "ms"),
    ]
    for name in PEERS:
        if name in libraries:
            results = []
            for number in range(1, plan.runs + 1):
                say(f"{where}, run {number} of {plan.runs}: {name}")
                results.append(peer(name, server.port, plan.peer_messages, CONNECTIONS, plan.eml))
            ratio = median(m.rate for m in ours) / median(m.rate for m in results)
            rows.append(Row(f"{where}: {name}", median(m.rate for m in results), "/s"))
            rows.append(Row(f"{where}: mailer / {name}", ratio, "×", at_least=libraries[name]))
    return rows


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


SECTIONS: dict[str, Callable[[Plan], list[Row]]] = {"sink": sink, "cheap": cheap}
