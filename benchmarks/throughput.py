"""How fast `mailer run --once` is beside its peers, in one run on one machine.

    python -m benchmarks.throughput [--journalists 60000] [--peer-messages 6000]

Everything goes into Postfix's smtp-sink on loopback, in this order: smtp-source (16 sessions,
the same size of message), mailer, nodemailer (pooled), aiosmtplib with EmailMessage. Printed are
messages per second, CPU milliseconds per message (all processes of the contestant, from the
system's own accounting) and the ratios, which is what counts. The start-up of an empty
`mailer run --once` is subtracted. Needs Postfix's smtp-sink and smtp-source, node and npm.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
RELEASE = """---
language: en
contacts:
  - name: Ada Example
    email: press@example.org
---

# A bridge opens after ten years of work

Brussels, 1 December 2026 – {lead}

{body}

About Example Works

Example Works builds bridges that do not exist, since 1901.
"""


@dataclass
class Measured:
    """One contestant: messages, seconds of wall clock, seconds of CPU."""

    name: str
    messages: int
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.messages / self.wall

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.messages * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--journalists", type=int, default=60_000)
    parser.add_argument("--peer-messages", type=int, default=6_000)
    parser.add_argument("--processes", type=int, default=0, help="senders; 0 is one per core")
    options = parser.parse_args()
    sink, source = tool("smtp-sink"), tool("smtp-source")
    node = install_nodemailer()
    with tempfile.TemporaryDirectory(prefix="mailer-bench-") as folder, sinking(sink) as port:
        room = Path(folder) / "room"
        eml = prepare(room, port, options.journalists, options.processes)
        text, html = parts(eml, Path(folder))
        size = eml.stat().st_size
        print(f"one message: {size:,} bytes; {CONNECTIONS} connections; {os.cpu_count()} cores")
        results = [
            measure(
                "smtp-source",
                [
                    source,
                    "-d",
                    "-s",
                    str(CONNECTIONS),
                    "-l",
                    str(size),
                    "-m",
                    str(options.journalists),
                    "-f",
                    "a@example.org",
                    "-t",
                    "b@example.com",
                    f"127.0.0.1:{port}",
                ],
                options.journalists,
            ),
            measure_mailer(room, options.journalists),
        ]
        common = [str(port), str(options.peer_messages), str(CONNECTIONS), str(text), str(html)]
        if node:
            script = str(HERE / "peers" / "nodemailer.js")
            results.append(measure("nodemailer", [node, script, *common], options.peer_messages))
        peer = str(HERE / "peers" / "aiosmtplib_peer.py")
        results.append(
            measure("aiosmtplib", [sys.executable, peer, *common], options.peer_messages)
        )
    show(results)
    return 0


def show(results: Sequence[Measured]) -> None:
    """A row each, with how many times as fast mailer was."""
    ours = next(each for each in results if each.name == "mailer")
    print(f"{'':14}{'messages/s':>12}{'CPU ms each':>13}{'mailer is':>12}")
    for each in results:
        ratio = "" if each is ours else f"{ours.rate / each.rate:.2f} ×"
        print(f"{each.name:14}{each.rate:12,.0f}{each.cpu_ms:13.3f}{ratio:>12}")


def measure(name: str, argv: Sequence[str], messages: int) -> Measured:
    """Run a command to its end; wall clock and CPU of it and all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(name, messages, wall, cpu)


def measure_mailer(room: Path, journalists: int) -> Measured:
    """`run --once`, less what an empty one costs."""
    run = [*mailer(room), "run", "--once", "--json"]
    empty = measure("empty", run, 1)
    queued = json.loads(
        subprocess.run(
            [*mailer(room), "queue", "bench.md", "--to", "list:bench", "--at", "now", "--json"],
            cwd=room,
            check=True,
            capture_output=True,
        ).stdout
    )
    assert queued["recipients"] == journalists, queued
    full = measure("mailer", run, journalists)
    accepted = json.loads(
        subprocess.run(
            [*mailer(room), "status", str(queued["distribution"]), "--json"],
            check=True,
            capture_output=True,
        ).stdout
    )["counts"].get("accepted")
    assert accepted == journalists, f"only {accepted} of {journalists} accepted"
    print(f"empty run: {empty.wall:.2f} s wall, {empty.cpu:.2f} s CPU (subtracted)")
    return Measured("mailer", journalists, full.wall - empty.wall, full.cpu - empty.cpu)


def prepare(room: Path, port: int, journalists: int, processes: int) -> Path:
    """A newsroom with that many made-up journalists and one release; a sample message."""
    subprocess.run([*mailer(None), "init", str(room)], check=True, stdout=subprocess.DEVNULL)
    os.environ["MAILER_SMTP__URL"] = f"smtp://127.0.0.1:{port}"
    os.environ["MAILER_SMTP__CONNECTIONS"] = str(CONNECTIONS)
    os.environ["MAILER_SENDING__PROCESSES"] = str(processes)
    with (room / "bench.csv").open("w", encoding="utf-8") as file:
        file.write("email,first_name,last_name,outlet,country,language,consent_basis,source\n")
        for n in range(journalists):
            file.write(f"j{n}@example.com,Ada,N{n},Outlet {n % 800},BE,en,opt_in,form\n")
    sentence = "The bridge carries trams, bicycles and people over a river nobody has seen. "
    body = "\n\n".join(sentence * 6 for _ in range(12))
    (room / "bench.md").write_text(RELEASE.format(lead=sentence * 3, body=body), "utf-8")
    for command in (
        ["lists", "import", "bench.csv"],
        ["preview", "bench.md", "--out", "preview"],
    ):
        subprocess.run([*mailer(room), *command], cwd=room, check=True, stdout=subprocess.DEVNULL)
    return room / "preview" / "message.eml"


def mailer(room: Path | None) -> list[str]:
    """The command line of the mailer under test."""
    head = [sys.executable, "-m", "mailer"]
    return head if room is None else [*head, "--config", str(room / "config.toml")]


def parts(eml: Path, folder: Path) -> tuple[Path, Path]:
    """The text and HTML of a message as files for the peers."""
    message = message_from_bytes(eml.read_bytes())
    found = []
    for kind in ("plain", "html"):
        part = next(p for p in message.walk() if p.get_content_type() == f"text/{kind}")
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        path = folder / f"message.{kind}"
        path.write_bytes(payload + b"\nSLOT\n")
        found.append(path)
    return found[0], found[1]


@contextmanager
def sinking(sink: str) -> Iterator[int]:
    """smtp-sink on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def tool(name: str) -> str:
    """The path of one of Postfix's test programs; they live outside an ordinary PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"{name} is not installed; it comes with the package postfix.")
    return found


def install_nodemailer() -> str | None:
    """node's path, with nodemailer installed beside the peer script; None without node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        print("node is not installed: nodemailer is left out")
        return None
    if not (HERE / "peers" / "node_modules").is_dir():
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"],
            cwd=HERE / "peers",
            check=True,
        )
    return node


if __name__ == "__main__":
    sys.exit(main())
