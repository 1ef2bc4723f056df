"""How quick the journalists' pages are: `python -m benchmarks.pages [--journalists 1000000]`.

One newsroom on SQLite in a temporary folder, with as many made-up journalists, a release queued to
all of them, and its web process as `mailer serve` starts it. Prints, with what each may take:

- opening the journalist's page: the time the server takes (from its access log) and a round trip;
- one-click unsubscribes: how many a second of the web process's CPU, and beside a bare FastAPI page
  in the same run, both asked by the same client over the same number of connections;
- how long one waits for its answer at fifty a second while a distribution is being sent.

Leaves with 1 when something is slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mailer import config as configuration
from mailer.distribution.context import open_newsroom
from mailer.message.tokens import PREFERENCES, UNSUBSCRIBE, Token, mint

from benchmarks.newsroom import RELEASE, environ, run
from benchmarks.planning import chunks, seed
from benchmarks.servers import cheap_sink

MOST_PAGE_MS, LEAST_A_CORE, LEAST_SHARE, MOST_P99_MS = 20.0, 1000.0, 0.25, 50.0
_BEATS = 40
_OPENED = 400
_CLICKS = 8000
_CONNECTIONS = 32
_SECONDS = 20
_A_SECOND = 50
_BODY = b"List-Unsubscribe=One-Click"

_BARE = """
import socket, sys
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from mailer.web.server import settings

app = FastAPI(openapi_url=None)

@app.post("/u/{token}", response_model=None)
async def act(request: Request, token: str) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse("Unsubscribed.\\n")

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(512)
print('{"public": "http://127.0.0.1:%d"}' % listener.getsockname()[1], flush=True)
uvicorn.Server(settings(app)).run([listener])
"""


def main() -> int:
    """Measure and print; 1 when something is slower than it should be."""
    parser = argparse.ArgumentParser(prog="benchmarks.pages")
    parser.add_argument("--journalists", type=int, default=1_000_000)
    count = parser.parse_args().journalists
    good = True

    def told(what: str, value: float, unit: str, limit: float, *, least: bool = False) -> None:
        nonlocal good
        met = value >= limit if least else value <= limit
        good = good and met
        word = "at least" if least else "at most"
        print(f"{what}: {value:,.2f} {unit} ({word} {limit:g}){'' if met else '  NOT MET'}")

    with tempfile.TemporaryDirectory(prefix="pages-") as name:
        folder = Path(name)
        config = newsroom(folder / "room", count)
        leaving, choosing = tokens(config, count)
        with web(config, folder / "access.log") as (address, process):
            spent = asyncio.run(trips(address, "GET", [f"/p/{each}" for each in choosing], 1))
            served = from_log(folder / "access.log", "GET /p/…")
            print(f"{count:,} journalists; load {os.getloadavg()[0]:.1f}")
            told("opening the page, server time, p99", served, "ms", MOST_PAGE_MS)
            print(f"  a round trip: median {at(spent, 0.5):.1f} ms, p99 {at(spent, 0.99):.1f} ms")
            clicks = [f"/u/{each}" for each in leaving]
            began, cpu = time.perf_counter(), seconds_of(process)
            asyncio.run(trips(address, "POST", clicks[:_CLICKS], _CONNECTIONS))
            wall, cpu = time.perf_counter() - began, seconds_of(process) - cpu
            told("unsubscribes a second of CPU", _CLICKS / cpu, "", LEAST_A_CORE, least=True)
            ours = _CLICKS / wall
        with started([sys.executable, "-c", _BARE], folder / "bare.log") as (bare, _):
            began = time.perf_counter()
            asyncio.run(trips(bare, "POST", clicks[:_CLICKS], _CONNECTIONS))
            theirs = _CLICKS / (time.perf_counter() - began)
        print(f"  unsubscribes {ours:,.0f} a second, a bare page {theirs:,.0f}")
        told("unsubscribes beside a bare page", ours / theirs, "×", LEAST_SHARE, least=True)
        waits = while_sending(folder, config, clicks[_CLICKS:])
        print(f"  while sending: median {at(waits, 0.5):.1f} ms, longest {max(waits):.1f} ms")
        told("unsubscribes while sending, p99", at(waits, 0.99), "ms", MOST_P99_MS)
    return 0 if good else 1


def newsroom(folder: Path, count: int) -> Path:
    """One with so many journalists, four beats each of forty; its config.toml."""
    run([sys.executable, "-m", "mailer", "init", str(folder)])
    config = folder / "config.toml"
    seed(config, count)
    with open_newsroom(configuration.load(config)) as room:
        with room.store.write() as tx:
            beats = [(tx.next_ids("facet"), "beat", f"beat {n}") for n in range(_BEATS)]
            tx.copy("facet_values", ("id", "field", "value"), beats)
        for ids in chunks(count):
            with room.store.write() as tx:
                rows = [(n, beats[(n + k * 7) % _BEATS][0]) for n in ids for k in range(4)]
                tx.copy("facets", ("journalist", "facet"), sorted(rows))
    (folder / "bench.txt").write_bytes(RELEASE.read_bytes())
    mailer = [sys.executable, "-m", "mailer", "--config", str(config)]
    run([*mailer, "queue", "bench.txt", "--to", "list:everybody", "--at", "now"], cwd=folder)
    return config


def tokens(config: Path, count: int) -> tuple[list[str], list[str]]:
    """Links for leaving and for choosing, of people spread over the whole ledger."""
    chance = random.Random(7)
    with open_newsroom(configuration.load(config)) as room:
        people = chance.sample(range(1, count + 1), _CLICKS + _SECONDS * _A_SECOND)
        openers = [chance.randint(1, count) for _ in range(_OPENED)]
        with room.store.read() as tx:
            sql = "SELECT id FROM deliveries WHERE journalist = :journalist"
            sent = {
                each: tx.rows(sql, {"journalist": each})[0]["id"] for each in {*people, *openers}
            }
        leaving = [mint(room.keys, Token(each, 1, sent[each], UNSUBSCRIBE)) for each in people]
        choosing = [mint(room.keys, Token(each, 1, sent[each], PREFERENCES)) for each in openers]
    return leaving, choosing


def while_sending(folder: Path, config: Path, clicks: Sequence[str]) -> list[float]:
    """Milliseconds until each answer, at an even pace, while the release goes to everybody."""
    with cheap_sink(folder) as sink:
        env = environ({"SMTP__URL": f"smtp://127.0.0.1:{sink.port}"})
        mailer = [sys.executable, "-m", "mailer", "--config", str(config)]
        with web(config, folder / "second.log") as (address, _):
            log = (folder / "run.log").open("wb")
            sending = subprocess.Popen(
                [*mailer, "run", "--once"], cwd=config.parent, env=env, stdout=log, stderr=log
            )
            try:
                time.sleep(5)
                waits = asyncio.run(trips(address, "POST", clicks, _CONNECTIONS, _A_SECOND))
                if sending.poll() is not None:
                    raise SystemExit("The distribution ended before the measurement did.")
            finally:
                sending.send_signal(signal.SIGTERM)
                sending.wait(60)
                log.close()
    return waits


@contextmanager
def web(config: Path, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The web process of that newsroom: where its public pages are."""
    command = [sys.executable, "-m", "mailer.web.serve", "--config", str(config)]
    env = environ({"WEB__PUBLIC": "127.0.0.1:0", "WEB__DESK": "127.0.0.1:0"})
    with started(command, log, env) as found:
        time.sleep(3)  # what everybody may choose is being read
        yield found


@contextmanager
def started(
    command: Sequence[str], log: Path, env: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env
        )
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["public"]), process
        finally:
            process.terminate()
            process.wait(30)


async def trips(
    address: str, method: str, paths: Sequence[str], connections: int, pace: int = 0
) -> list[float]:
    """Milliseconds of each request; as fast as they are answered, or `pace` a second."""
    place = urlsplit(address)
    waiting = iter(enumerate(paths))
    spent: list[float] = []
    start = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        for number, path in waiting:
            if pace:
                await asyncio.sleep(max(0.0, start + number / pace - time.perf_counter()))
            began = time.perf_counter()
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n"
            if method == "POST":
                kind = "application/x-www-form-urlencoded"
                head += f"Content-Type: {kind}\r\nContent-Length: {len(_BODY)}\r\n"
            writer.write(head.encode() + b"\r\n" + (_BODY if method == "POST" else b""))
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{method} {path[:3]}… was answered {answer[:40]!r}")
            size = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            assert size is not None
            await reader.readexactly(int(size[1]))
            spent.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return spent


def from_log(log: Path, what: str) -> float:
    """The 99th percentile of the milliseconds that the access log says of such requests."""
    text = log.read_text("utf-8")
    return at([float(each) for each in re.findall(re.escape(what) + r" 200 (\d+) ms", text)], 0.99)


def seconds_of(process: subprocess.Popen[bytes]) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    sys.exit(main())
