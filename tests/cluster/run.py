"""A newsroom's desk and two workers on one PostgreSQL, what befalls them, and what came of it.

Each machine is a host with a name, a folder, a spool and locks of its own (`tests.distribution.
fleet.Machine`); all that they share is the database. They send into a sink that writes down what
it took. While they send, one worker dies as a machine does, with all its processes, and comes back;
the database is restarted in order and once as if it had crashed; on demand its network is cut. At
the end the sink's record is held against the ledger, one to one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mailer.distribution import upkeep
from mailer.distribution.log import log, status_of
from mailer.distribution.queue import Order, queue
from mailer.errors import StoreUnavailable
from mailer.store import jobs

from tests.cluster.line import Line
from tests.cluster.sink import Sink
from tests.distribution.fleet import Machine
from tests.distribution.press import Press
from tests.exactness import rows
from tests.postgres import Postgres

DESK, WORKERS = "desk", ("press-1", "press-2")
CONNECTIONS = 4
"""Of each machine to the mail server at most; each has one sender."""

DOMAINS = 40
_STUCK_AFTER = 180.0
"""Seconds without one more message after which waiting is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many messages, and what happens to them on their way.

    `delay` is the mail server's, before each answer. Something that goes away stays so for `away`
    seconds. `restarts` are the ways in which the database is stopped. With `cut` its network is cut
    from all machines for so many seconds; `half_open` says that nobody is told.
    """

    messages: int = 200_000
    delay: float = 0.0
    kill: bool = True
    restarts: tuple[str, ...] = ("fast", "immediate")
    away: float = 2.0
    cut: float = 0.0
    half_open: bool = False
    sending: str = ""


class Watcher(Protocol):
    """Who is told what happens."""

    def begins(self, step: str, total: int) -> None:
        """A step of so many parts."""

    def moves(self, done: int) -> None:
        """So many of them are done."""

    def says(self, sentence: str) -> None:
        """Something happened."""


@dataclass(slots=True)
class Report:
    """The sink's record beside the ledger; of what should not be, lists of findings in words."""

    messages: int = 0
    state: str = ""
    states: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    once: int = 0
    """Accepted by the ledger and taken by the sink exactly once."""
    doubtful: list[tuple[str, str, int]] = field(default_factory=list)
    """Of each delivery in doubt: its code, its address, how often the sink took it."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sent_by: dict[str, int] = field(default_factory=dict)
    alarms: dict[str, Counter[str]] = field(default_factory=dict)
    """What each machine printed, and how often."""
    seconds: float = 0.0
    """From the first message taken to the last."""

    @property
    def equal(self) -> bool:
        """Whether ledger and sink say the same."""
        wrong = self.lost or self.doubled or self.ghosts or self.open or self.faults
        counted = self.once + len(self.doubtful) == self.messages
        return not wrong and counted and self.state == "done"

    @property
    def sentence(self) -> str:
        """All of it in one."""
        kept = sum(1 for _, _, times in self.doubtful if times)
        doubt = f"{len(self.doubtful):,} are in doubt"
        if self.doubtful:
            doubt += f" ({kept:,} of them in the sink, none sent again)"
        if self.equal:
            return (
                f"Equal: of {self.messages:,} messages {self.once:,} are accepted and each of them "
                f"is in the sink exactly once, {doubt}; nobody is missing, nobody got it twice."
            )
        return (
            f"NOT equal: of {self.messages:,} messages {self.once:,} are accepted and in the sink "
            f"exactly once, {doubt}; {len(self.lost):,} accepted but not in the sink, "
            f"{len(self.doubled):,} taken more than once, {len(self.ghosts):,} in the sink "
            f"but unknown to the ledger, {len(self.open):,} not at their end, "
            f"{len(self.faults):,} contradictions in the ledger."
        )


class _Stuck(Exception):
    """Nothing goes on any more."""


class Cluster:
    """All of it in `folder`; everything it starts ends with the block."""

    def __init__(self, folder: Path, plan: Plan, watcher: Watcher) -> None:
        self.plan = plan
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._watcher = watcher
        self._parts = ExitStack()
        self.machines: dict[str, Machine] = {}
        self._began = self._moved = 0.0

    def __enter__(self) -> Cluster:
        try:
            self._begin()
        except BaseException:
            self._parts.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def _begin(self) -> None:
        self._watcher.says("PostgreSQL, a mail server that writes down what it takes, a newsroom")
        self.postgres = self._parts.enter_context(Postgres(self._folder / "postgresql"))
        self.sink = self._parts.enter_context(
            Sink(self._folder / "sink.record", delay=self.plan.delay)
        )
        url = self.postgres.database()
        self.press = self._parts.enter_context(
            Press(
                self._folder / "room",
                url,
                port=self.sink.port,
                connections=CONNECTIONS,
                sending=self.plan.sending,
            )
        )
        self._lines: list[Line] = []
        environ = {"MAILER_WEB__PUBLIC": "127.0.0.1:0", "MAILER_WEB__DESK": "127.0.0.1:0"}
        for name in (DESK, *WORKERS):
            if self.plan.cut:
                line = self._parts.enter_context(Line(self.postgres.socket))
                self._lines.append(line)
                environ["MAILER_STORE__URL"] = line.url(url)
            machine = Machine(self.press.config.home, self._folder / name, name, **environ)
            self.machines[name] = machine
            self._parts.callback(_kill, machine)

    def run(self) -> Report:
        """Fill the newsroom, send while things happen, compare."""
        messages = self.plan.messages
        self._watcher.begins("importing made-up journalists", messages)
        self.press.people("all", [f"j{n}@d{n % DOMAINS}.example.com" for n in range(messages)])
        self._watcher.moves(messages)
        for name, machine in self.machines.items():
            machine.start("serve" if name == DESK else "worker")
        self._watcher.says(f"{DESK} runs `mailer serve`, {' and '.join(WORKERS)} `mailer worker`")
        try:
            self._meanwhile(self._all_there)
        except _Stuck:
            said = "\n".join(f"{name} said: {each.said}" for name, each in self.machines.items())
            raise SystemExit(f"The machines did not come up.\n{said}") from None
        self._watcher.begins("queueing", messages)
        order = Order(release=str(self.press.release), to=["list:all"])
        number = queue(self.press.room, order, "anna", progress=self._watcher.moves).distribution
        assert number is not None
        self._watcher.begins("sending", messages)
        # What happens at which part of the way, so that each of them is met in mid-send.
        happens = list(self._happenings())
        try:
            for place, happening in enumerate(happens, 1):
                self._until(messages * place // (len(happens) + 1))
                happening()
            self._until(messages, number)
        except _Stuck:
            self._watcher.says(f"Nothing was sent for {_STUCK_AFTER:g} s; given up.")
        report = self._compared(number)
        for machine in self.machines.values():
            machine.end()
        return report

    # What happens ---------------------------------------------------------------------------

    def _happenings(self) -> Iterable[Callable[[], None]]:
        if self.plan.kill:
            yield self._kill_and_restart
        for mode in self.plan.restarts:
            yield lambda mode=mode: self._restart(mode)
        if self.plan.cut:
            yield self._cut

    def _kill_and_restart(self) -> None:
        name = WORKERS[0]
        machine = self.machines[name]
        self._meanwhile(lambda: self._holds(name))
        machine.kill()
        self._watcher.says(f"SIGKILL for {name}, all of its processes; the others go on")
        self._go_on(self.plan.away)
        self._watcher.says(f"{name} is back")
        machine.start("worker")

    def _restart(self, mode: str) -> None:
        self._watcher.says(f"PostgreSQL is stopped: pg_ctl stop -m {mode}")
        self.postgres.stop(mode)
        self._go_on(self.plan.away)
        self.postgres.start()
        self._watcher.says("PostgreSQL is back")

    def _cut(self) -> None:
        how = (
            "nothing passes and nobody is told" if self.plan.half_open else "connections are reset"
        )
        self._watcher.says(f"PostgreSQL's network is cut for {self.plan.cut:g} s: {how}")
        for line in self._lines:
            (line.swallow if self.plan.half_open else line.cut)()
        self._go_on(self.plan.cut)
        for line in self._lines:
            line.mend()
        self._watcher.says("PostgreSQL's network is back")

    # Watching -------------------------------------------------------------------------------

    def _all_there(self) -> bool:
        """Whether the workers take tasks, each with its sender and its process for what is not
        sent, and the desk sweeps."""
        with self.press.room.store.read() as tx:
            ready = jobs.takers(tx) >= 2 * len(WORKERS)
        return ready and bool(self.press.rows("SELECT 1 FROM machines WHERE host = :h", h=DESK))

    def _holds(self, host: str) -> bool:
        """Whether that machine is in the middle of its work: or dying would be no art."""
        held = self.press.rows(
            "SELECT 1 FROM deliveries d JOIN workers w ON w.id = d.worker "
            "WHERE d.state = 1 AND w.host = :h LIMIT 1",
            h=host,
        )
        return bool(held)

    def _meanwhile(self, holds: Callable[[], bool]) -> None:
        """Until something holds, or everything was sent."""
        end = time.monotonic() + _STUCK_AFTER
        while not holds() and self.sink.taken() < self.plan.messages:
            self._watcher.moves(self.sink.taken())
            if time.monotonic() > end:
                raise _Stuck
            time.sleep(0.02)

    def _go_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._watcher.moves(self.sink.taken())
            time.sleep(0.05)

    def _until(self, messages: int, number: int = 0) -> None:
        """Until the sink took so many; with a distribution's number, until that is over."""
        taken, moved = -1, time.monotonic()
        while True:
            found = self.sink.taken()
            if found != taken:
                taken, moved = found, time.monotonic()
                self._began = self._began or moved
                self._moved = moved
                self._watcher.moves(taken)
            if not number and taken >= messages:
                return
            if number and self._state(number) in ("done", "waiting"):
                return
            if time.monotonic() - moved > _STUCK_AFTER:
                raise _Stuck
            time.sleep(0.05)

    def _state(self, number: int) -> str:
        with suppress(StoreUnavailable):
            return str(status_of(self.press.room, number)["state"])
        return ""

    # The end --------------------------------------------------------------------------------

    def _compared(self, number: int) -> Report:
        room = self.press.room
        self._watcher.begins("comparing", self.plan.messages)
        report = compare(log(room, distribution=number), self.sink.record(), self._watcher.moves)
        report.messages, report.state = self.plan.messages, self._state(number)
        report.seconds = self._moved - self._began
        report.faults = upkeep.check(room)
        report.sent_by = {
            row["host"]: row["n"]
            for row in rows(
                room.store,
                "SELECT w.host AS host, count(*) AS n FROM attempts a "
                "JOIN workers w ON w.id = a.worker GROUP BY w.host ORDER BY w.host",
            )
        }
        report.alarms = {
            name: Counter(machine.said.splitlines()) for name, machine in self.machines.items()
        }
        return report


def compare(
    ledger: Iterable[Mapping[str, Any]],
    record: Counter[tuple[str, str]],
    moves: Callable[[int], None] = lambda _: None,
) -> Report:
    """Each row of `log` looked up in what the sink took, (recipient, Message-ID), and what is then
    left of that."""
    report = Report(taken=record.total())
    for done, row in enumerate(ledger, 1):
        state, code, email = row["state"], row["delivery"], row["email"]
        times = record.pop((email, row["message_id"]), 0)
        report.states[state] += 1
        if times > 1:
            report.doubled.append(f"{code} {email}: taken {times} times")
        if state == "in_doubt":
            report.doubtful.append((code, email, times))
        elif state == "accepted":
            report.once += times == 1
            if not times:
                report.lost.append(f"{code} {email}: accepted, but the sink has it not")
        else:
            report.open.append(f"{code} {email}: {state} at the end")
            if times:
                report.ghosts.append(f"{code} {email}: the sink has it, the ledger says {state}")
        if done % 1000 == 0:
            moves(done)
    report.ghosts += [f"{email} {name}: no such delivery" for email, name in record]
    return report


def _kill(machine: Machine) -> None:
    if machine.process is not None:
        machine.kill()
