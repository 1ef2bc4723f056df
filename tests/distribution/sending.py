"""A newsroom ready to send to a recorder: seeded people, one compiled release."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailer import config as configuration
from mailer.config import Config
from mailer.distribution.log import log
from mailer.distribution.supervisor import Summary, Supervisor
from mailer.message.compile import compile_release
from mailer.message.templates import TemplateSource, package_templates
from mailer.release.read import read_release
from mailer.store import ledger
from mailer.store.distributions import (
    DELIVERY_SHIFT,
    NewDistribution,
    NewWave,
    PlannedDelivery,
    finish_plan,
    insert,
    insert_deliveries,
)

from tests.distribution.room import RELEASE, make_config, open_room
from tests.store.seed import seed_journalists


class Office:
    """A newsroom with `people` journalists (j1@example.com …) and one queued distribution."""

    def __init__(
        self,
        folder: Path,
        port: int,
        store_url: str,
        people: int,
        *,
        connections: int = 4,
        live: bool = False,
        sending: str = 'retry = ["1s"]',
        due_in: float = 0.0,
        embargo_in: float | None = None,
        late: str = "hold",
        queued: bool = True,
    ) -> None:
        self.config: Config = make_config(
            folder,
            port=port,
            store=store_url,
            connections=connections,
            live=live,
            sending=sending,
        )
        self.people = people
        with open_room(self.config) as room:
            seed_journalists(room.store, people)
            release = read_release(RELEASE.encode(), name="bridge.md")
            self._template = compile_release(
                release, room.sender, TemplateSource([package_templates()])
            )
        self.number = 0
        if queued:
            self.number = self.queue(
                range(1, people + 1), due_in=due_in, embargo_in=embargo_in, late=late
            )

    def queue(
        self,
        journalists: Sequence[int],
        *,
        due_in: float = 0.0,
        embargo_in: float | None = None,
        late: str = "hold",
    ) -> int:
        """Queue a distribution to these journalists; its number."""
        with open_room(self.config) as room, room.store.write() as tx:
            now = tx.now()
            due = now + round(due_in * 1e6)
            embargo = None if embargo_in is None else now + round(embargo_in * 1e6)
            ledger.keep_compiled(tx, self._template.digest, self._template.to_bytes())
            number = insert(
                tx,
                NewDistribution(1, 1, self._template.digest, 50, late, embargo, due, "UTC", {}),
                "anna",
            )
            base = number << DELIVERY_SHIFT
            insert_deliveries(
                tx,
                number,
                [PlannedDelivery(base + n, j, 1, 1) for n, j in enumerate(journalists, 1)],
                due,
            )
            finish_plan(
                tx,
                number,
                [NewWave(1, due, "UTC", len(journalists))],
                recipients=len(journalists),
                left_out={},
                due_at=due,
                actor="anna",
            )
            return number

    def run(self, **environ: str) -> Summary:
        """`run --once` in this process (its children are processes)."""
        config = self.config
        if environ:
            config = configuration.load(self.config.path, environ)
        return Supervisor(config, once=True).run()

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        """The command line in a process group of its own, with `environ` added."""
        return subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(self.config.path), *arguments],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **environ},
        )

    def rows(self) -> list[dict[str, Any]]:
        """The log."""
        with open_room(self.config) as room:
            return list(log(room))

    def states(self) -> Counter[str]:
        """How many deliveries are in each state."""
        return Counter(row["state"] for row in self.rows())

    def address(self, journalist: int) -> str:
        return f"j{journalist}@example.com"


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def wait_gone(group: int, seconds: float = 40.0) -> None:
    """Wait until no process of the group lives."""
    until = time.monotonic() + seconds
    while members(group):
        assert time.monotonic() < until, f"still alive: {members(group)}"
        time.sleep(0.02)


def role_of(pid: int) -> str:
    """Which child a process is, from its command line."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for role in (b"sender", b"scheduler"):
            if role in words:
                return role.decode()
    return ""


def kill(pid: int, signal: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal)
