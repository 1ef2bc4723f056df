"""Where one sender's time goes, per message: `python -m benchmarks.profile`.

One sender process sends to the cheap sink, first as it is, for the CPU of its event loop and of
its store thread; then each of these threads under cProfile. That weighs small Python functions
too heavily, so what is read there is proved with `python -m benchmarks --only cheap`.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.newsroom import Newsroom, environ
from benchmarks.servers import cheap_sink

_TICK = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--journalists", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--top", type=int, default=40, help="functions shown per thread")
    parser.add_argument("--sort", default="tottime", choices=["tottime", "cumtime"])
    parser.add_argument("--plain", action="store_true", help="only the CPU per thread")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return _child(Path(options.child[0]), options.child[1:])
    with tempfile.TemporaryDirectory(prefix="mailer-profile-") as name:
        folder = Path(name)
        room = Newsroom.make(folder / "room", options.journalists)
        for profiled in (False, True)[: 1 if options.plain else 2]:
            with cheap_sink(folder) as server:
                settings = {
                    "SMTP__URL": f"smtp://127.0.0.1:{server.port}",
                    "SMTP__CONNECTIONS": str(options.connections),
                }
                copy = room.copy(folder / f"room-{profiled}")
                distribution = copy.queue("bench", settings)
                loop, others = _send(copy, environ(settings), folder if profiled else None)
                copy.check(distribution, options.journalists)
            if not profiled:
                per = 1e6 / options.journalists
                print(f"event loop {loop * per:.1f} µs CPU a message, other threads", end=" ")
                print(f"{others * per:.1f} µs (start-up of about 0.4 s included)")
        for path in sorted(folder.glob("*.prof")):
            print(f"== {path.stem}: seconds over {options.journalists:,} messages, profiled")
            stats = pstats.Stats(str(path), stream=sys.stdout)
            stats.strip_dirs().sort_stats(options.sort).print_stats(options.top)
    return 0


def _send(room: Newsroom, env: dict[str, str], folder: Path | None) -> tuple[float, float]:
    """One scheduler and one sender until all is accepted; CPU seconds of the sender's event loop
    and of its other threads."""
    head = [sys.executable, "-m", "mailer.distribution.child"]
    tail = ["--config", str(room.folder / "config.toml")]
    sender = [*head, "sender", *tail]
    if folder is not None:
        sender = [sys.executable, "-m", "benchmarks.profile", "--child", str(folder)]
        sender += ["sender", *tail]
    with (
        _process([*head, "scheduler", *tail, "--every", "0.1"], env) as scheduler,
        _process(sender, env) as process,
    ):
        assert process.stdout is not None and scheduler.stdout is not None
        # Its words must be read, or its pipe fills up and it waits.
        threading.Thread(target=scheduler.stdout.read, daemon=True).start()
        left = room.journalists
        for line in process.stdout:
            left -= json.loads(line).get("accepted", 0)
            if left <= 0:
                break
        return _cpu(process.pid)


@contextlib.contextmanager
def _process(argv: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child as the supervisor starts it: it ends when its standard input closes."""
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.read()


def _cpu(pid: int) -> tuple[float, float]:
    loop = others = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / _TICK
        if int(task.name) == pid:
            loop = seconds
        else:
            others += seconds
    return loop, others


def _child(folder: Path, argv: list[str]) -> int:
    """A child of the supervisor with a profiler in each of its threads."""
    from mailer.distribution import child

    run = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        if "store" not in thread.name:
            run(thread)
            return
        profile = cProfile.Profile()
        profile.runcall(run, thread)
        profile.dump_stats(folder / "store thread.prof")

    threading.Thread.run = profiled  # type: ignore[method-assign, assignment]
    profile = cProfile.Profile()
    try:
        return int(profile.runcall(child.main, argv))
    finally:
        profile.dump_stats(folder / "event loop.prof")


if __name__ == "__main__":
    sys.exit(main())
