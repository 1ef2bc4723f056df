"""Real senders that start in milliseconds: a process that has everything imported and forks.

    python -m tests.distribution.nursery FOLDER

It reads one JSON object a line. `{"config", "name", "kills", "step", "count"}` begins a sender
(dying at the `count`-th passing of that step of the campaign, unless it is "") and is answered
with its process id; `{"end": PID}` closes its standard input, on which it ends in order. What
senders say on standard error goes to FOLDER/errors. When its standard input closes, all end.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process and what it began; ends with the block."""

    def __init__(self, folder: Path) -> None:
        self.errors = folder / "errors"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.distribution.nursery", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(30)

    def begin(self, config: Path, name: str, kills: Path, *, step: str = "", count: int = 1) -> int:
        """Start a sender; its process id."""
        order = {"config": str(config), "name": name, "kills": str(kills)}
        return int(self._say({**order, "step": step, "count": count}))

    def end(self, pid: int) -> None:
        """Ask a sender to end in order, and wait until it has."""
        self._say({"end": pid})
        wait_dead(pid)

    def _say(self, order: dict[str, Any]) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def is_alive(pid: int) -> bool:
    """Whether a sender of the nursery still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_dead(pid: int, seconds: float = 30.0) -> None:
    """Wait until it is gone, locks and all."""
    until = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < until, f"sender {pid} does not end"
        time.sleep(0.005)


def _begin(order: dict[str, Any], errors: int, ends: dict[int, int]) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        ends[pid] = writing
        return pid
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Whoever held the other end of a sibling's pipe would keep it from its end.
        for each in (*ends.values(), writing):
            with contextlib.suppress(OSError):
                os.close(each)
        os.dup2(reading, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(errors, 2)
        random.seed()
        _send(order)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _send(order: dict[str, Any]) -> None:
    from mailer.distribution import child

    from tests.campaign.steps import Doom

    if order["step"]:
        chance = random.Random()
        doom = Doom("sender", Path(order["kills"]), order["step"], order["count"], chance)
        doom.wrap()
    child.main(["sender", "--config", order["config"], "--name", order["name"], "--share", "2"])


def main() -> None:
    import mailer.distribution.child
    import mailer.distribution.sender
    import mailer.distribution.subscriptions
    import mailer.message.compile
    import mailer.store.postgres
    import mailer.store.sqlite  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    errors = os.open(Path(sys.argv[1]) / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ends: dict[int, int] = {}
    for line in iter(sys.stdin.buffer.readline, b""):
        order = json.loads(line)
        answer = 0
        if "end" in order:
            os.close(ends.pop(order["end"]))
        else:
            answer = _begin(order, errors, ends)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
