"""Any order of events with real senders and a real server, each a process of its own.

Hypothesis picks what happens next: queue, send while the server shows a fault at some verb, die at
a step of a delivery's path, kill, end in order, restart or kill the server, leave, pause, resume,
cancel, decide what is in doubt. After each event the ledger is held against the chaos server's own
record: nobody twice, no ghost, every state as the record has it, no gap in the log; at the end
everything comes to its end, and no MAIL FROM came later than a second after a stop (H5 to H9, H14
to H17). `test_machine` does the same inside one process, with a clock that can be turned.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from mailer.distribution import control, routes, subscriptions
from mailer.distribution.resolve import resolve
from mailer.distribution.schedule import Sweeper
from mailer.distribution.spool import Step
from mailer.errors import Refused
from mailer.message.tokens import UNSUBSCRIBE, Token
from mailer.store.states import DeliveryState

from tests.campaign.steps import SENDER_STEPS
from tests.campaign.witness import Promises, read_record
from tests.distribution.machines import run_machine
from tests.distribution.nursery import Nursery, is_alive, wait_dead
from tests.distribution.press import Press
from tests.exactness import Comparison, compare, rows
from tests.smtp.acts import CLOSE, HANG, LOST, RESET
from tests.smtp.helpers import Outside

PEOPLE = 12
CONNECTIONS = 2
SENDERS = 2
SENDING = """retry = ["0.2s"]
[smtp.timeouts]
dot = "1s"
"""
FAULTS: list[tuple[str, Any]] = [
    ("BANNER", "421 4.3.2 busy"),
    ("EHLO", CLOSE),
    ("MAIL", "451 4.3.0 not now"),
    ("MAIL", CLOSE),
    ("RCPT", "451 4.3.0 not now"),
    ("RCPT", "550 5.1.1 no such user"),
    ("RCPT", RESET),
    ("DATA", "451 4.3.0 not now"),
    ("DATA", CLOSE),
    ("CONTENT", CLOSE),
    ("DOT", "452 4.3.1 no room"),
    ("DOT", "554 5.6.0 not this one"),
    ("DOT", "421 4.3.2 shutting down"),
    ("DOT", LOST),
    ("DOT", LOST),
    ("DOT", CLOSE),
    ("DOT", RESET),
    ("DOT", HANG),
    ("DOT", {"wait": 0.4}),
]
STEPS = [step for step in SENDER_STEPS if "new file" not in step and step != "any instant"]
SLOTS = st.integers(0, SENDERS - 1)
FAULT = st.sampled_from(FAULTS)
SKIP = st.integers(0, 4)
STEP = st.sampled_from(STEPS)
COUNT = st.sampled_from([1, 1, 2, 5])


class Outdoors(RuleBasedStateMachine):
    """The machine; `url` is where a PostgreSQL is, "" for a new SQLite file each time. What the
    `nursery` begins dies with the example."""

    url = ""
    nursery: ClassVar[Nursery]
    steps: ClassVar[Counter[str]]
    """At which steps senders died."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mailer-outdoors-"))
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.server = Outside(self.folder / "record")
        self.press = Press(
            self.folder / "room",
            self.url or f"sqlite:///{self.folder / 'room' / 'mailer.db'}",
            port=self.server.port,
            connections=CONNECTIONS,
            sending=SENDING,
        )
        self.room = self.press.room
        people = [f"j{number}@example.com" for number in range(1, PEOPLE + 1)]
        for name, some in (("all", people), ("few", people[:5]), ("others", people[5:])):
            self.press.people(name, some)
        self.sweeper = Sweeper(self.room)
        self.senders: list[int | None] = [None] * SENDERS
        self.promises = Promises()
        self.paused: dict[int, int] = {}
        self.numbers: list[int] = []
        self.server_kills = self.queued = self.leavings = 0
        (self.folder / "kills").touch()
        self._queue("list:all")

    # What officers and journalists do ----------------------------------------------------------

    # What may come next depends on what came before only, not on how it went: Hypothesis tries
    # the same order again, and these processes never run the same way twice.

    @precondition(lambda self: self.queued < 4)
    @rule(to=st.sampled_from(["list:all", "list:all", "list:few", "list:others"]))
    def queue(self, to: str) -> None:
        self.queued += 1
        self._queue(to)

    def _queue(self, to: str) -> None:
        with contextlib.suppress(Refused):  # everybody of that list has left
            queued = self.press.queue(to)
            assert queued.distribution is not None
            self.numbers.append(queued.distribution)
            self.sweeper.sweep()

    @precondition(lambda self: self.leavings < PEOPLE // 2)
    @rule(pick=st.integers(0, 99), spooled=st.booleans())
    def leave(self, pick: int, spooled: bool) -> None:
        self.leavings += 1
        deliveries = rows(self.room.store, "SELECT id, journalist, list FROM deliveries")
        chosen = deliveries[pick % len(deliveries)]
        token = Token(chosen["journalist"], chosen["list"], chosen["id"], UNSUBSCRIBE)
        steps = [Step(subscriptions.LEAVE, subscriptions.DEFAULT)]
        act = subscriptions.request(self.room, token, steps, method="one-click")
        (subscriptions.defer if spooled else subscriptions.submit)(self.room, act)
        self.promises.left.setdefault(chosen["journalist"], self.room.clock.now())

    @rule(act=st.sampled_from(["pause", "resume", "resume", "cancel"]), pick=st.integers(0, 9))
    def decide_on(self, act: str, pick: int) -> None:
        number = self.numbers[pick % len(self.numbers)]
        if act == "resume":
            self._resume(number)
            return
        with contextlib.suppress(Refused):  # it is over
            getattr(control, act)(self.room, number, "anna")
            answered = self.room.clock.now()
            if act == "pause":
                self.paused[number] = answered
            else:
                self.promises.stopped.append((number, self.paused.pop(number, answered), None))

    @rule(how=st.sampled_from(["as the server says", "as the server says", "again", "accepted"]))
    def resolve(self, how: str) -> None:
        """An officer who has read the server's record, or who decides without."""
        seen = read_record(self.server.record).seen
        for each in self._in_doubt():
            dots = seen[each["id"]].dots if each["id"] in seen else ()
            taken = any(kept for _, _, kept in dots)
            again = how == "again" or (how != "accepted" and not taken)
            row = rows(
                self.room.store,
                "SELECT email FROM addresses WHERE journalist = :number",
                number=each["journalist"],
            )[0]
            with contextlib.suppress(Refused):  # of what was cancelled nothing is sent again
                resolve(self.room, each["distribution"], "anna", only=row["email"],
                        resend=again, delivered=not again)  # fmt: skip

    @rule(seconds=st.sampled_from([0.0, 0.3]))
    def sweep(self, seconds: float) -> None:
        """Some time later the scheduler recovers, opens what is due and ends what is done."""
        time.sleep(seconds)
        self.sweeper.sweep()

    # What senders and the server do ------------------------------------------------------------

    @rule(slot=SLOTS, fault=FAULT, skip=SKIP, times=st.integers(1, 2))
    def send(self, slot: int, fault: tuple[str, Any], skip: int, times: int) -> None:
        self._send(slot, fault, skip, times)

    @rule(slot=SLOTS, fault=FAULT, skip=SKIP, step=STEP, count=COUNT)
    def die_while_sending(
        self, slot: int, fault: tuple[str, Any], skip: int, step: str, count: int
    ) -> None:
        self._kill(slot)
        self._send(slot, fault, skip, 1, step, count)

    @rule(step=STEP, other=STEP, count=COUNT, fault=FAULT, skip=SKIP)
    def die_both(
        self, step: str, other: str, count: int, fault: tuple[str, Any], skip: int
    ) -> None:
        """Two senders at once, each to die at a step."""
        self._kill(0)
        self._kill(1)
        self._begin(1, other, count)
        self._send(0, fault, skip, 1, step, count)

    @rule(steps=st.lists(STEP, min_size=2, max_size=3), fault=FAULT, skip=SKIP)
    def die_again_and_again(self, steps: list[str], fault: tuple[str, Any], skip: int) -> None:
        """One after the other, each recovered by the next sweep."""
        for step in steps:
            self._kill(0)
            self._send(0, fault, skip, 1, step, 1)

    @precondition(lambda self: any(self.senders))
    @rule(slot=SLOTS, orderly=st.booleans())
    def end(self, slot: int, orderly: bool) -> None:
        """The sender ends in order, or is killed wherever it is."""
        (self._end if orderly else self._kill)(slot)

    @rule(how=st.sampled_from([signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]))
    def restart_the_server(self, how: int) -> None:
        self.server_kills += how == signal.SIGKILL
        self.server.end(how)
        self.server.start()

    # What must be true -------------------------------------------------------------------------

    @invariant()
    def the_ledger_agrees_with_the_record(self) -> None:
        if not hasattr(self, "press"):
            return
        # Senders go on meanwhile: what is wrong stays wrong when one looks again.
        for _ in range(5):
            found = self._compared(finished=False)
            if found.exact:
                return
            time.sleep(0.2)
        raise AssertionError(found)

    def teardown(self) -> None:
        if not hasattr(self, "press"):
            return
        try:
            self._come_to_an_end()
            found = self._compared(finished=True)
            people = {
                row["id"]: row["journalist"]
                for row in rows(self.room.store, "SELECT id, journalist FROM deliveries")
            }
            record = read_record(self.server.record)
            found.late += self.promises.broken(record.mails, people)
            assert found.exact, found
            ended = rows(self.room.store, "SELECT state FROM distributions")
            assert {row["state"] for row in ended} <= {"done", "cancelled"}
        finally:
            for slot in range(SENDERS):
                self._kill(slot)
            died = (self.folder / "kills").read_text().splitlines()
            self.steps.update(line.split("\t")[2] for line in died)
            self.server.end()
            self.room.close()
            shutil.rmtree(self.folder)

    def _compared(self, *, finished: bool) -> Comparison:
        record = read_record(self.server.record)
        found = compare(self.room.store, record.seen, in_flight=CONNECTIONS, finished=finished)
        # A server that is killed forgets what it was about to write down.
        forgotten = self.server_kills * SENDERS * CONNECTIONS
        if len(found.groundless) <= forgotten:
            found.groundless.clear()
        return found

    def _come_to_an_end(self) -> None:
        """Everybody dies once more; then an undisturbed sender does the rest."""
        for slot in range(SENDERS):
            self._kill(slot)
        self.server.obey([])
        for number in self.numbers:
            self._resume(number)
        with contextlib.suppress(Refused):
            routes.resume(self.room, "default", "anna")
        until = time.monotonic() + 20.0
        self._begin(0, "", 1)
        while True:
            self.sweeper.sweep()
            open_ones = rows(self.room.store, "SELECT id FROM deliveries WHERE state IN (0, 1, 2)")
            if not open_ones:
                break
            assert time.monotonic() < until, f"still open: {open_ones}"
            for number in self.numbers:
                self._resume(number)  # the judge may have stopped it
            time.sleep(0.05)
        self._end(0)
        self.sweeper.sweep()

    # How it is done ----------------------------------------------------------------------------

    def _in_doubt(self) -> list[dict[str, Any]]:
        return rows(
            self.room.store,
            "SELECT id, distribution, journalist FROM deliveries WHERE state = :state",
            state=int(DeliveryState.IN_DOUBT),
        )

    def _resume(self, number: int) -> None:
        allowed = self.room.clock.now()
        with contextlib.suppress(Refused):
            control.resume(self.room, number, "anna")
            if number in self.paused:
                self.promises.stopped.append((number, self.paused.pop(number), allowed))

    def _send(
        self,
        slot: int,
        fault: tuple[str, Any],
        skip: int,
        times: int,
        step: str = "",
        count: int = 1,
    ) -> None:
        """Let a sender work while the server shows a fault, until nothing moves any more."""
        self.sweeper.sweep()
        waiting = rows(
            self.room.store,
            "SELECT d.id FROM deliveries d JOIN distributions x ON x.id = d.distribution "
            "WHERE d.state IN (0, 1, 2) AND x.state = 'sending'",
        )
        if not waiting:  # no fault would be met
            self._queue("list:all")
        verb, act = fault
        self.server.obey([{"verb": verb, "act": act, "skip": skip, "times": times}])
        self._begin(slot, step, count)
        self._settle()

    def _begin(self, slot: int, step: str, count: int) -> None:
        pid = self.senders[slot]
        if pid is None or not is_alive(pid):
            self.senders[slot] = self.nursery.begin(
                self.press.config.path, f"sender-{slot + 1}", self.folder / "kills",
                step=step, count=count,
            )  # fmt: skip

    def _kill(self, slot: int) -> None:
        pid, self.senders[slot] = self.senders[slot], None
        if pid is not None and is_alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_dead(pid)

    def _end(self, slot: int) -> None:
        pid, self.senders[slot] = self.senders[slot], None
        if pid is not None and is_alive(pid):
            self.nursery.end(pid)

    def _settle(self) -> None:
        """Until the senders have nothing to do, hang on the server, or are dead."""
        last: Any = None
        since = time.monotonic()
        while any(pid is not None and is_alive(pid) for pid in self.senders):
            now = rows(
                self.room.store,
                "SELECT state, count(*) AS n, max(due_at) AS due, count(worker) AS held "
                "FROM deliveries GROUP BY state ORDER BY state",
            )
            open_ones = any(row["state"] in (0, 1, 2) for row in now)
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > (0.5 if open_ones else 0.1):
                return
            time.sleep(0.02)


def search(examples: int, steps: int, url: str = "") -> Counter[str]:
    """Let the machine run; at which steps senders died."""
    with tempfile.TemporaryDirectory(prefix="mailer-nursery-") as folder:
        with Nursery(Path(folder)) as nursery:

            class Chosen(Outdoors):
                pass

            Chosen.url, Chosen.nursery, Chosen.steps = url, nursery, Counter()
            run_machine(Chosen, examples=examples, steps=steps)
        said = (Path(folder) / "errors").read_text("utf-8", "replace")
    assert "Traceback" not in said, said
    return Chosen.steps


def test_no_order_of_events_makes_ledger_and_server_differ() -> None:
    """H5 to H9, H14 to H17; about half a minute."""
    assert search(8, 15).total() > 0


def test_nor_on_postgresql(postgres_url: str) -> None:
    """The same, with fewer examples."""
    search(5, 12, postgres_url)
