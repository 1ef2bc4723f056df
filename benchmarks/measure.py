"""Measuring one contestant: wall clock, CPU and memory of a command and all its children.

What starting costs is measured with a run of one message and subtracted, from every contestant
alike, so that the figures are those of a message and not of an interpreter.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_EVERY = 0.2


@dataclass(frozen=True)
class Measured:
    """Messages, seconds of wall clock, seconds of CPU, and per role the peak of resident memory
    (bytes) of one process; `anonymous` is the part of it that is no file's."""

    messages: int
    wall: float
    cpu: float
    resident: Mapping[str, int] = field(default_factory=dict)
    anonymous: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / max(self.wall, 1e-9)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per message, all processes together."""
        return self.cpu / self.messages * 1000

    def less(self, start: Measured) -> Measured:
        """The same without what starting costs: `start` is a run of a message or so."""
        return Measured(
            self.messages - start.messages,
            self.wall - start.wall,
            self.cpu - start.cpu,
            self.resident,
            self.anonymous,
        )


def measure(
    argv: Sequence[str],
    messages: int,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    memory: bool = False,
) -> Measured:
    """Run a command to its end. Raises SystemExit with its last words when it fails."""
    began = time.monotonic()
    with subprocess.Popen(
        argv, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        words: list[bytes] = []
        reader = threading.Thread(target=_read, args=(process.stderr, words), daemon=True)
        reader.start()
        watch = _Memory(process.pid)
        if memory:
            watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        reader.join(2)
    if process.returncode:
        tail = b"".join(words).decode("utf-8", "replace").strip()[-2000:]
        raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}:\n{tail}")
    cpu = used.ru_utime + used.ru_stime
    return Measured(messages, wall, cpu, watch.resident, watch.anonymous)


def median(runs: Iterable[float]) -> float:
    """The middle of several runs."""
    return statistics.median(runs)


def _read(stream: Iterable[bytes], words: list[bytes]) -> None:
    for line in stream:
        words.append(line)
        del words[:-50]


class _Memory(threading.Thread):
    """Looks at a process and all below it until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.resident: dict[str, int] = {}
        self.anonymous: dict[str, int] = {}
        self._pid = pid
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()
        if self.ident is not None:
            self.join()

    def run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            for pid in _family(self._pid):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                except OSError:
                    continue  # it has ended
                role = _role(words)
                for name, peaks in (("VmHWM:", self.resident), ("RssAnon:", self.anonymous)):
                    size = _kilobytes(status, name) * 1024
                    peaks[role] = max(peaks.get(role, 0), size)


def _family(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                children = (thread / "children").read_text()
                found += [int(child) for child in children.split()]
        except OSError:
            continue
    return found


def _role(words: Sequence[str]) -> str:
    for role in ("sender", "scheduler"):
        if role in words:
            return role
    return "supervisor" if "mailer" in words else Path(words[0]).name


def _kilobytes(status: str, name: str) -> int:
    for line in status.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
