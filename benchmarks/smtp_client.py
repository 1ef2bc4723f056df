"""How fast the SMTP client alone is: messages per second and CPU per message.

    python benchmarks/smtp_client.py [--messages 40000] [--size 38000] [--connections 8]

Sends prepared messages (their building is not part of the figure) into Postfix's smtp-sink and
into a sink that does next to nothing, and Postfix's smtp-source of the same message size beside
it. Figures of one run compare; those of different machines do not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from mailer.smtp import Connection, Endpoint, Outcome, Outgoing


class Numbers:
    """A source that gives the same chunks `count` times and counts what was accepted."""

    def __init__(self, count: int, chunks: list[bytes], size: int) -> None:
        self.left = count
        self.accepted = 0
        self.open = 0
        self.chunks = chunks
        self.size = size
        self.finished = asyncio.Event()

    def next(self) -> Outgoing | None:
        if not self.left:
            return None
        self.left -= 1
        self.open += 1
        number = self.left
        chunks = list(self.chunks)
        chunks[1] = b"Message-ID: <%d@example.org>\r\n" % number
        return Outgoing(
            number, f"b{number}@example.org", f"p{number}@example.net", chunks, self.size
        )

    def dotting(self, item: Outgoing) -> bool:
        return True

    def outcome(self, item: Outgoing, outcome: Outcome) -> None:
        self.open -= 1
        self.accepted += outcome.reply.code == 250
        if not self.left and not self.open:
            self.finished.set()


def message(size: int) -> list[bytes]:
    """A message in 33 chunks: 17 that never change and 16 short ones."""
    head = b"From: <a@example.org>\r\nTo: <b@example.net>\r\nSubject: Benchmark\r\n"
    line = b"x" * 74 + b"=\r\n"
    part = line * max(1, (size - 600) // 15 // len(line))
    chunks = [head, b"", b"\r\n"]
    for number in range(15):
        chunks += [part, b"slot value %d\r\n" % number]
    return chunks


async def send(port: int, messages: int, size: int, connections: int) -> tuple[float, float]:
    """Seconds of wall and of this process's CPU for sending all."""
    chunks = message(size)
    source = Numbers(messages, chunks, sum(map(len, chunks)))
    endpoint = Endpoint("127.0.0.1", port, tls="never", helo_name="bench.example.org")
    lines = [await Connection.open(endpoint) for _ in range(connections)]
    before, begun = time.process_time(), time.monotonic()
    running = [asyncio.create_task(line.run(source)) for line in lines]
    await source.finished.wait()
    wall, cpu = time.monotonic() - begun, time.process_time() - before
    for line in lines:
        await line.close()
    await asyncio.gather(*running)
    if source.accepted != messages:
        raise SystemExit(f"only {source.accepted} of {messages} were accepted")
    return wall, cpu


class CheapSink(asyncio.Protocol):
    """Answers what the client expects and looks at as little as possible."""

    def __init__(self) -> None:
        self.inside = False
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        answers = []
        if self.inside:
            joined = self.tail + data[-400:] if len(data) >= 400 else (self.tail + data)[-800:]
            end = joined.find(b"\r\n.\r\n")
            if end < 0:
                self.tail = joined[-5:]
                return
            self.inside, self.tail = False, b""
            answers.append(b"250 2.0.0 Ok\r\n")
            data = joined[end + 5 :]
        for line in data.split(b"\r\n")[:-1]:
            if line.startswith(b"EHLO"):
                answers.append(b"250-sink\r\n250-SIZE 100000000\r\n250 PIPELINING\r\n")
            elif line == b"DATA":
                answers.append(b"354 go\r\n")
                self.inside = True
            elif line == b"QUIT":
                answers.append(b"221 bye\r\n")
            else:
                answers.append(b"250 2.1.0 Ok\r\n")
        self.transport.write(b"".join(answers))


def serve_cheaply(port: int) -> None:
    """Run the cheap sink until killed."""
    import uvloop

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(CheapSink, "127.0.0.1", port, backlog=256)
        await server.serve_forever()

    uvloop.run(forever())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server process that answers on `port`."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def smtp_source(port: int, messages: int, size: int, connections: int) -> tuple[float, float]:
    """Seconds of wall and of CPU of Postfix's own load generator."""
    tool = shutil.which("smtp-source", path="/usr/sbin:" + os.environ.get("PATH", ""))
    if tool is None:
        raise SystemExit("smtp-source is not here; it is part of Postfix")
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [tool, "-d", "-s", str(connections), "-m", str(messages), "-l", str(size)]
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, cpu


def show(name: str, wall: float, cpu: float, messages: int, base: float) -> float:
    rate = messages / wall
    ratio = f"{rate / base:5.2f} x smtp-source" if base else ""
    print(f"  {name:<22}{rate:>9.0f}/s {cpu / messages * 1e6:>8.1f} us CPU  {ratio}")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--size", type=int, default=38_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve_cheaply(args.serve)
        return
    import uvloop

    sink = shutil.which("smtp-sink", path="/usr/sbin:" + os.environ.get("PATH", ""))
    servers = {"cheap sink": [sys.executable, __file__, "--serve"]}
    if sink:
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        servers = {"smtp-sink": [sink, *as_nobody], **servers}
    work = (args.messages, args.size, args.connections)
    for name, command in servers.items():
        port = free_port()
        full = (
            [*command, f"127.0.0.1:{port}", "256"] if name == "smtp-sink" else [*command, str(port)]
        )
        with running(full, port):
            print(f"{name}: {work[0]} messages of {work[1]} bytes, {work[2]} connections")
            base = show("smtp-source", *smtp_source(port, *work), args.messages, 0.0)
            show("mailer.smtp uvloop", *uvloop.run(send(port, *work)), args.messages, base)
            show("mailer.smtp asyncio", *asyncio.run(send(port, *work)), args.messages, base)


if __name__ == "__main__":
    main()
