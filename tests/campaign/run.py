"""One campaign: a newsroom that sends while its processes are killed, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
from mailer.distribution import control, subscriptions, upkeep
from mailer.distribution.context import host_name
from mailer.distribution.log import status_of
from mailer.distribution.spool import Step
from mailer.distribution.subscriptions import DEFAULT, LEAVE
from mailer.errors import Refused, StoreUnavailable
from mailer.message.tokens import UNSUBSCRIBE, Token, mint

from tests.campaign import steps
from tests.campaign.witness import Promises, Record, read_record
from tests.distribution.press import Press
from tests.distribution.sending import kill, members, role_of, wait_gone
from tests.exactness import Comparison, compare, history_of, rescued, rows
from tests.smtp.acts import CLOSE, HANG, LOST, RESET
from tests.smtp.helpers import Outside

DOMAINS = 40
"""Addresses lie at so many domains: a server that asks for a pause speaks for one of them."""

SENDING = 'retry = ["1s"]'
"""Whatever the server puts off comes back within the campaign: its faults are many, and 1,000
kills must not take hours."""

TIMEOUTS = """
[smtp.timeouts]
dot = "4s"
"""
"""A server that hangs is given up while its sender still lives."""

RESCUED = 'rescue_after = "3s"'
"""Of several machines a dead one is taken for gone that soon."""

CONNECTIONS = 2
SENDERS = 3
_ROOT = Path(__file__).parent.parent.parent
_FAULTS: list[tuple[str, Any, float]] = [
    ("BANNER", "421 4.3.2 too many connections", 0.01),
    ("MAIL", "451 4.3.0 not now", 0.002),
    ("MAIL", CLOSE, 0.001),
    ("RCPT", "550 5.1.1 no such user", 0.005),
    ("RCPT", "451 4.3.0 come back", 0.01),
    ("RCPT", RESET, 0.001),
    ("RCPT", {"wait": 1.0}, 0.001),
    ("DATA", CLOSE, 0.001),
    ("DATA", "451 4.3.0 not now", 0.002),
    ("CONTENT", CLOSE, 0.002),
    ("DOT", LOST, 0.005),
    ("DOT", CLOSE, 0.003),
    ("DOT", RESET, 0.001),
    ("DOT", HANG, 0.0005),
    ("DOT", "421 4.3.2 shutting down", 0.002),
    ("DOT", "452 4.3.1 no room", 0.008),
    ("DOT", "554 5.7.1 not this one", 0.003),
    ("DOT", {"wait": 1.0}, 0.003),
    ("DOT", {"drip": "250 2.0.0 Ok\r\n", "pause": 0.05}, 0.002),
]
"""What the server does now and then: at which verb, what, and how often of one. The words are
such that the judge asks for no wait beyond `retry`, and the refusals too few to stop a batch."""

_ENDED = ("done", "cancelled", "killed")
_COMPLAINTS = re.compile(r"Traceback \(most recent|Error in sitecustomize|fatal error", re.I)


@dataclass(slots=True)
class Report:
    """What a campaign did and found."""

    seed: int
    store: str
    seconds: float = 0.0
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    distributions: int = 0
    kept: int = 0
    resent: int = 0
    machines: int = 1
    rescued: int = 0
    """What was claimed on machines that another one took for gone: in doubt, as it must be."""
    found: Comparison = field(default_factory=Comparison)
    tracebacks: int = 0

    @property
    def killed(self) -> int:
        return self.kills.total()

    @property
    def exact(self) -> bool:
        return self.found.exact and not self.tracebacks


@dataclass(slots=True)
class _Place:
    """A machine: its name, its configuration, what runs there, and until when it stays away."""

    host: str
    config: Path
    running: subprocess.Popen[bytes] | None = None
    away_until: float = 0.0


class Campaign:
    """A newsroom in `folder`, its mail server, its web pages, and whoever kills.

    `recipients` are in each distribution; as many distributions follow each other as `kills`
    need. Of several `machines` each is a host with a folder of its own, and they run workers.
    `tell` gets a line of progress now and then.
    """

    def __init__(
        self,
        folder: Path,
        store_url: str,
        *,
        kills: int,
        recipients: int,
        seed: int,
        machines: int = 1,
        delay: float = 0.01,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._wanted = kills
        self._chance = random.Random(seed)
        self._tell = tell
        self._promises = Promises()
        folder.mkdir(parents=True, exist_ok=True)
        self._kills = folder / "kills"
        self._kills.touch()
        self._began = time.monotonic()
        self._told = 0.0
        self._outside: Counter[tuple[str, str]] = Counter()
        self._paused: tuple[int, int, float] | None = None
        self._cancel_at = 2.0
        self._number = 0
        self._distributions = 0
        self._log = (folder / "runs.log").open("ab")
        self._record = folder / "server.jsonl"
        rules = [{"verb": verb, "act": act, "probability": p} for verb, act, p in _FAULTS]
        profile = {"seed": seed, "latency": delay, "rules": rules}
        self._server = Outside(self._record, profile)
        self._press = Press(
            folder / "room",
            store_url,
            port=self._server.port,
            connections=CONNECTIONS,
            sending="\n".join([SENDING, *([RESCUED] if machines > 1 else []), TIMEOUTS]),
        )
        self._places = [_Place("a" if machines > 1 else host_name(), self._press.config.path)]
        for number in range(1, machines):
            copy = folder / f"machine-{number}"
            hidden = shutil.ignore_patterns("spool")
            shutil.copytree(folder / "room", copy, ignore=hidden)
            self._places.append(_Place(chr(ord("a") + number), copy / "config.toml"))
        # All machines must have the same configuration, so only one alone may change its mind.
        self._resends = machines > 1 and self._chance.random() < 0.3
        people = [f"j{n}@d{n % DOMAINS}.example.com" for n in range(1, recipients + 1)]
        self._press.people("all", people)
        self._web, said = self._child(
            "mailer.web.serve", "--config", str(self._press.config.path), "--quiet"
        )
        self._pages = httpx.Client(base_url=json.loads(said)["public"], trust_env=False, timeout=20)
        self.report = Report(seed, self._press.room.store.dialect, machines=machines)

    def run(self) -> Report:
        """Kill until it is enough, let the last run finish, compare."""
        try:
            self._kill_on()
            self._finish()
        finally:
            self._end_children()
        self._conclude()
        self._press.room.close()
        return self.report

    # Sending and killing -------------------------------------------------------------------

    def _kill_on(self) -> None:
        while self._killed < self._wanted:
            self._follow()
            for place in self._places:
                self._set_going(place)
            until = time.monotonic() + self._chance.uniform(2.0, 8.0)
            while time.monotonic() < until and self._any_runs:
                time.sleep(self._chance.uniform(0.02, 0.2))
                self._act()
                for place in self._places:
                    self._strike_one(place)
                if self._killed >= self._wanted - 1:
                    break
            if self._any_runs:
                self._end(self._chance.choice(self._places))
            else:
                time.sleep(0.1)
        for place in self._places:
            if place.running is not None:
                if place.running.poll() is None:
                    self._end(place)
                wait_gone(place.running.pid, 60.0)

    def _set_going(self, place: _Place) -> None:
        """Run a machine again, if it does not and is not to stay away."""
        before = place.running
        if before is not None and before.poll() is None:
            return
        if time.monotonic() < place.away_until:
            return
        if before is not None and self._chance.random() < 0.7:
            wait_gone(before.pid, 60.0)
        self._start(place, "worker" if self._several else "run", armed=True)

    @property
    def _several(self) -> bool:
        return len(self._places) > 1

    @property
    def _any_runs(self) -> bool:
        running = [place.running for place in self._places if place.running is not None]
        return any(each.poll() is None for each in running)

    @property
    def _killed(self) -> int:
        return self._kills.read_bytes().count(b"\n") + self._outside.total()

    def _start(self, place: _Place, *words: str, armed: bool) -> subprocess.Popen[bytes]:
        environ = {**self._environ(), "MAILER_HOST": place.host}
        if self._resends:
            environ["MAILER_SENDING__ON_DOUBT"] = "resend"
        if armed:
            path = [str(Path(__file__).parent / "site"), str(_ROOT)]
            environ["PYTHONPATH"] = os.pathsep.join(path)
            environ[steps.KILLS] = str(self._kills)
            environ[steps.SEED] = str(self._chance.random())
            environ[steps.SHARE] = "6"
            if not self._several and self._chance.random() < 0.2:
                environ["MAILER_SENDING__ON_DOUBT"] = "resend"
                self.report.acts["runs that resend what is in doubt"] += 1
        self.report.acts["runs"] += 1
        place.running = subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(place.config), *words],
            start_new_session=True,
            stdout=self._log,
            stderr=self._log,
            env=environ,
        )
        return place.running

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "MAILER_WEB__PUBLIC": "127.0.0.1:0",
            "MAILER_WEB__DESK": "127.0.0.1:0",
            "MAILER_SENDING__PROCESSES": str(SENDERS),
        }

    def _strike_one(self, place: _Place) -> None:
        """Now and then one child dies by a hand from outside, whatever it is doing."""
        running = place.running
        if running is None or self._chance.random() > 0.03:
            return
        role = self._chance.choice(("sender", "sender", "scheduler"))
        victims = [pid for pid in members(running.pid) if role_of(pid) == role]
        if victims:
            kill(self._chance.choice(victims), signal.SIGKILL)
            self._outside[role, "from outside"] += 1

    def _end(self, place: _Place) -> None:
        running = place.running
        how = self._chance.choice(("group", "group", "supervisor", "supervisor", "end"))
        if running is None or (self._several and running.poll() is not None):
            return
        if self._several and self._chance.random() < 0.5:
            place.away_until = time.monotonic() + self._chance.uniform(0.0, 12.0)
        if running.poll() is not None:
            self.report.acts["runs that left by themselves"] += 1
            return
        if how == "group":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            self._outside["group", "from outside"] += 1
        elif how == "supervisor":
            running.kill()
            self._outside["supervisor", "from outside"] += 1
        else:
            running.terminate()
        running.wait(90)
        self._say()

    # Officers and journalists --------------------------------------------------------------

    def _follow(self) -> None:
        """Queue the next distribution once the last one is over."""
        if self._number and status_of(self._press.room, self._number)["state"] not in _ENDED:
            return
        try:
            queued = self._press.queue("list:all", late="send")
        except StoreUnavailable:
            return
        assert queued.distribution is not None
        self._number = queued.distribution
        self._distributions += 1
        self._paused = None
        self._cancel_at = self._chance.uniform(0.6, 0.95) if self._distributions % 3 == 0 else 2.0

    def _act(self) -> None:
        room, draw = self._press.room, self._chance.random()
        with contextlib.suppress(StoreUnavailable, Refused):
            if self._paused is not None:
                number, answered, until = self._paused
                if time.monotonic() >= until:
                    allowed = room.clock.now()
                    control.resume(room, number, "anna")
                    self._promises.stopped.append((number, answered, allowed))
                    self._paused = None
            elif draw < 0.008:
                control.pause(room, self._number, "anna")
                until = time.monotonic() + self._chance.uniform(0.3, 2.0)
                self._paused = (self._number, room.clock.now(), until)
                self.report.acts["pauses"] += 1
            elif draw < 0.06:
                self._opt_out()
            elif draw < 0.3:
                self._follow_or_cancel()

    def _follow_or_cancel(self) -> None:
        status = status_of(self._press.room, self._number)
        if status["state"] in _ENDED:
            self._follow()
            return
        if status["state"] == "waiting":
            control.resume(self._press.room, self._number, "anna")
            self.report.acts["stops by the judge, let go"] += 1
            return
        counts = status["counts"]
        if counts.get("accepted", 0) > self._cancel_at * sum(counts.values()):
            control.cancel(self._press.room, self._number, "anna")
            now = self._press.room.clock.now()
            self._promises.stopped.append((self._number, now, None))
            self.report.acts["cancels"] += 1

    def _opt_out(self) -> None:
        """Somebody who is still to get it leaves: by the page, or by the spool."""
        room = self._press.room
        waiting = rows(
            room.store,
            "SELECT id, journalist, list FROM deliveries WHERE distribution = :number "
            "AND state IN (0, 1, 2) ORDER BY id LIMIT 200",
            number=self._number,
        )
        for person in self._chance.sample(waiting, min(len(waiting), 2)):
            token = Token(person["journalist"], person["list"], person["id"], UNSUBSCRIBE)
            # A spool is its machine's own, and this one may stay away for long.
            if self._several or self._chance.random() < 0.5:
                answer = self._pages.post(
                    f"/u/{mint(room.keys, token)}", data={"List-Unsubscribe": "One-Click"}
                )
                assert answer.status_code == 200, answer.text
                self.report.acts["opt-outs by the page"] += 1
            else:
                act = subscriptions.request(room, token, [Step(LEAVE, DEFAULT)], method="one-click")
                subscriptions.defer(room, act)
                self.report.acts["opt-outs by the spool"] += 1
            self._promises.left.setdefault(person["journalist"], room.clock.now())

    # The end -------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Nobody kills any more: whatever was queued comes to its end by itself."""
        room = self._press.room
        if self._paused is not None:
            number, answered, _ = self._paused
            self._promises.stopped.append((number, answered, room.clock.now()))
            control.resume(room, number, "anna")
        for _ in range(20):
            last = self._start(self._places[0], "run", "--once", armed=False)
            last.wait(600)
            if status_of(room, self._number)["state"] in _ENDED:
                return
            time.sleep(1.3)

    def _child(self, module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._environ(),
            cwd=_ROOT,
        )
        assert process.stdout is not None
        return process, process.stdout.readline().decode()

    def _end_children(self) -> None:
        for place in self._places:
            if place.running is not None:
                for pid in members(place.running.pid):
                    kill(pid, signal.SIGKILL)
                place.running.wait()
        self._pages.close()
        pipes: tuple[IO[bytes] | None, ...] = (self._web.stdin, self._web.stdout)
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
        self._web.wait(60)
        self._server.end()
        self._log.close()

    def _conclude(self) -> None:
        report, store = self.report, self._press.room.store
        report.kills.update(dict.fromkeys(steps.ALL, 0))
        for line in self._kills.read_text().splitlines():
            _, role, step = line.split("\t")
            report.kills[role, step] += 1
        report.kills.update(self._outside)
        record: Record = read_record(self._record)
        history = history_of(store)
        gone = rescued(store) if self._several else set()
        report.rescued = sum(worker in gone for worker, _ in history.doubts.values())
        report.found = compare(
            store, record.seen, history=history, in_flight=CONNECTIONS, rescued=gone
        )
        people = {
            row["id"]: row["journalist"]
            for row in rows(store, "SELECT id, journalist FROM deliveries")
        }
        report.found.late += self._promises.broken(record.mails, people)
        report.found.gaps += upkeep.check(self._press.room)
        report.states = Counter(history.states[number].word for number in people)
        report.kept = record.kept
        report.shown = record.shown
        report.resent = history.resent.total()
        report.distributions = self._distributions
        log = (self._folder / "runs.log").read_text("utf-8", "replace")
        report.tracebacks = len(_COMPLAINTS.findall(log))
        report.seconds = time.monotonic() - self._began

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._told > 5.0:
            self._told = now
            rate = self._killed / (now - self._began)
            self._tell(
                f"{self._killed} of {self._wanted} kills, {rate * 60:.0f} a minute, "
                f"distribution {self._distributions}"
            )
