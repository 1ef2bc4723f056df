"""Any order of events, the ledger beside a scripted server: a state machine in search of a fault.

Senders are modelled by the calls they make, in their order (claim → journal → wire → journal →
record), on the real store, the real journal, the real recovery and the real sweep. Hypothesis
picks what happens next: queue, claim, send with any answer or none, die at any step, reboot,
leave, pause, resume, cancel, resend, wait. After each event the store must not contradict itself
and must agree with the server (H5 to H9, H14 to H17).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from mailer.clock import SECOND, ManualClock
from mailer.distribution import control, recovery
from mailer.distribution.context import host_name
from mailer.distribution.journal import Journal
from mailer.distribution.outcomes import decide
from mailer.distribution.schedule import Sweeper
from mailer.errors import Refused
from mailer.store import ledger, suppression
from mailer.store.ledger import Claimed, Result
from mailer.store.states import DeliveryState

from tests.distribution.machines import run_machine
from tests.distribution.room import make_config, open_room
from tests.exactness import Seen, compare, faults_of, history_of, rows
from tests.store.seed import address_hash, seed_distribution, seed_journalists

NOW = 1_800_000_000 * SECOND
PEOPLE = 6
SLOTS = st.sampled_from([0, 1])
ANSWERS = ["250", "250", "250", "451", "550", "lost before the dot", "lost, taken", "lost", "hang"]
DEATHS = ["before the dot", "before the wire", "before the reply", "before the R", "after the R"]


@dataclass
class Server:
    """What a mail server took and refused."""

    dots: dict[int, list[tuple[str, int, bool]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, delivery: int, sha: bytes, answer: str) -> None:
        """A final dot arrived. `answer`: a code, or how its reply gets lost."""
        code = int(answer) if answer.isdigit() else 0
        kept = answer in ("250", "lost, taken", "hang")
        self.dots[delivery].append((sha.hex(), code, kept))

    def answer_late(self, delivery: int, code: int) -> None:
        """The reply to the last dot of a delivery, which it had kept to itself."""
        sha, _, kept = self.dots[delivery][-1]
        self.dots[delivery][-1] = sha, code, kept

    def kept(self, delivery: int) -> int:
        return sum(kept for _, _, kept in self.dots.get(delivery, ()))


@dataclass
class Process:
    """What a living sender has in its memory."""

    worker: int
    journal: Journal
    ready: list[Claimed] = field(default_factory=list)
    hanging: list[tuple[Claimed, bytes]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    version: int = -1


class Ledger(RuleBasedStateMachine):
    """The machine; `url` is where a PostgreSQL is, "" for a new SQLite file each time."""

    url = ""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mailer-machine-"))
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.clock = ManualClock(NOW)
        config = make_config(self.folder, port=1, store=self.url or "sqlite:///mailer.db")
        self.room = open_room(config, self.clock)
        seed_journalists(self.room.store, PEOPLE)
        self.boot = self.folder / "boot"
        self.boot.write_text("boot 1")
        self._real_boot, recovery._BOOT_ID = recovery._BOOT_ID, self.boot
        self.sweeper = Sweeper(self.room)
        self.server = Server()
        self.processes: list[Process | None] = [None, None]
        self.embargo: dict[int, int] = {}
        self.stopped: set[int] = set()
        self.left: set[int] = set()
        self.doubtful: set[int] = set()

    # What officers and journalists do --------------------------------------------------------

    @precondition(lambda self: len(self.embargo) < 4)
    @rule(
        people=st.sets(st.integers(1, PEOPLE), min_size=3),
        embargo=st.sampled_from([0, 0, 0, 20]),
    )
    def queue(self, people: Iterable[int], embargo: int) -> None:
        until = self.clock.now() + embargo * SECOND
        number = seed_distribution(
            self.room.store,
            sorted(people),
            due_at=self.clock.now(),
            embargo_until=until if embargo else None,
        )
        self.embargo[number] = until
        self.sweeper.sweep()

    @precondition(lambda self: self.embargo and len(self.left) < PEOPLE // 2)
    @rule(person=st.integers(1, PEOPLE))
    def leave(self, person: int) -> None:
        with self.room.store.write() as tx:
            suppression.add(
                tx,
                address_hash(person),
                scope=suppression.ALL,
                reason=suppression.Reason.OPT_OUT,
                actor="journalist",
                evidence={"method": "test"},
            )
        self.left.add(person)

    @precondition(lambda self: self.embargo)
    @rule(
        act=st.sampled_from(["pause", "resume", "resume", "resume", "cancel"]),
        pick=st.integers(0, 9),
    )
    def decide_on(self, act: str, pick: int) -> None:
        number = sorted(self.embargo)[pick % len(self.embargo)]
        try:
            getattr(control, act)(self.room, number, "anna")
        except Refused:
            return
        (self.stopped.discard if act == "resume" else self.stopped.add)(number)

    @rule(pick=st.integers(0, 9))
    def resend(self, pick: int) -> None:
        """An officer's order for one in doubt, while its distribution is under way."""
        doubtful = rows(
            self.room.store,
            "SELECT d.distribution, d.id FROM deliveries d JOIN distributions x "
            "ON x.id = d.distribution JOIN waves w ON w.distribution = d.distribution "
            "WHERE d.state = 5 AND x.state = 'sending' AND w.state = 'sending' ORDER BY d.id",
        )
        if doubtful:
            chosen = doubtful[pick % len(doubtful)]
            with self.room.store.write() as tx:
                assert ledger.resend_doubtful(tx, chosen["distribution"], chosen["id"], "anna")

    @rule(seconds=st.sampled_from([0.5, 5.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        """The scheduler: recover, take out who left, open what is due, end what is done."""
        self.sweeper.sweep()

    # What senders do -------------------------------------------------------------------------

    def _some(self, what: str) -> list[int]:
        """The slots of living senders that have something of `what` in hand."""
        living = [slot for slot, each in enumerate(self.processes) if each is not None]
        return [slot for slot in living if getattr(self.processes[slot], what)]

    @precondition(lambda self: self.embargo)
    @rule(slot=SLOTS, wanted=st.integers(1, 6))
    def claim(self, slot: int, wanted: int) -> None:
        process = self.processes[slot] = self.processes[slot] or self._begin(slot)
        process.journal.reserve(wanted + len(process.ready))
        with self.room.store.write() as tx:
            claimed: list[Claimed] = []
            for wave in ledger.open_waves(tx):
                claimed += ledger.claim(tx, process.worker, wave, wanted - len(claimed))
            values = [(c.distribution, c.id, '{"n": 1}') for c in claimed if c.frozen is None]
            ledger.freeze(tx, values)
        process.ready += claimed

    @precondition(lambda self: self._some("ready"))
    @rule(pick=SLOTS, answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4))
    def send(self, pick: int, answers: list[str]) -> None:
        slots = self._some("ready")
        for answer in answers:
            self._send_one(slots[pick % len(slots)], answer, "")

    @precondition(lambda self: self._some("ready"))
    @rule(pick=SLOTS, answer=st.sampled_from(ANSWERS), step=st.sampled_from(DEATHS))
    def die_while_sending(self, pick: int, answer: str, step: str) -> None:
        slots = self._some("ready")
        slot = slots[pick % len(slots)]
        if self._send_one(slot, answer, step):
            self._die(slot)

    @precondition(lambda self: self._some("hanging"))
    @rule(pick=SLOTS, late=st.sampled_from(["250", "lost"]))
    def hear_at_last(self, pick: int, late: str) -> None:
        """A server that hung answers, or its connection breaks. It had taken the message."""
        slots = self._some("hanging")
        process = self.processes[slots[pick % len(slots)]]
        assert process is not None
        claimed, sha = process.hanging.pop(0)
        if late.isdigit():
            self.server.answer_late(claimed.id, int(late))
        self._hear(process, claimed, sha, late)

    @precondition(lambda self: self._some("results"))
    @rule(pick=SLOTS, dies=st.sampled_from(["", "", "", "before the commit", "after it"]))
    def record(self, pick: int, dies: str) -> None:
        slots = self._some("results")
        slot = slots[pick % len(slots)]
        process = self.processes[slot]
        assert process is not None
        try:
            with self.room.store.write() as tx:
                ledger.record(tx, process.worker, process.results)
                if dies == "before the commit":
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            self._die(slot)
            return
        if dies:
            self._die(slot)
            return
        for result in process.results:
            process.journal.recorded([result.delivery])
        process.results = []

    @precondition(lambda self: self._some("worker"))
    @rule(pick=SLOTS)
    def die(self, pick: int) -> None:
        slots = self._some("worker")
        self._die(slots[pick % len(slots)])

    @precondition(lambda self: self._some("worker"))
    @rule(pick=SLOTS)
    def end_in_order(self, pick: int) -> None:
        slots = self._some("worker")
        slot = slots[pick % len(slots)]
        process = self.processes[slot]
        if process is None or process.hanging or process.results:
            return
        with self.room.store.write() as tx:
            ledger.give_back_all(tx, process.worker)
            ledger.worker_left(tx, process.worker)
        process.journal.close()
        self.processes[slot] = None

    @precondition(lambda self: self._some("ready") or self._some("hanging"))
    @rule()
    def lose_power(self) -> None:
        """All processes die, and what they wrote to their journals is not on the disk."""
        for slot, process in enumerate(self.processes):
            if process is not None:
                self._die(slot)
                process.journal.path.write_bytes(b"")
        held = rows(self.room.store, "SELECT id FROM deliveries WHERE state = 1")
        self.doubtful |= {row["id"] for row in held}
        self.boot.write_text(self.boot.read_text() + " and another")

    # What must be true -----------------------------------------------------------------------

    @invariant()
    def the_store_does_not_contradict_itself(self) -> None:
        if not hasattr(self, "room"):
            return
        history = history_of(self.room.store)
        assert faults_of(self.room.store, history) == []
        for row in rows(self.room.store, "SELECT id, state FROM deliveries"):
            state, kept = DeliveryState(row["state"]), self.server.kept(row["id"])
            resent = history.resent[row["id"]]
            assert kept <= 1 + resent, "taken twice without an order"
            if state is DeliveryState.ACCEPTED:
                assert kept, "accepted, and the server has it not"
            elif kept and not resent:
                assert state in (DeliveryState.CLAIMED, DeliveryState.IN_DOUBT), state
            if state is DeliveryState.IN_DOUBT:
                assert row["id"] in self.doubtful, "in doubt without ground"

    def teardown(self) -> None:
        if not hasattr(self, "room"):
            return
        try:
            self._come_to_an_end()
            dots = self.server.dots
            names = frozenset({"one"})
            found = compare(
                self.room.store,
                {number: Seen(tuple(each), names) for number, each in dots.items()},
                in_flight=100,
            )
            found.groundless = [f for f in found.groundless if "never heard of it" not in f]
            assert found.exact, found
        finally:
            recovery._BOOT_ID = self._real_boot
            self.room.close()
            shutil.rmtree(self.folder)

    def _come_to_an_end(self) -> None:
        """Everybody dies once more; then an undisturbed run does the rest."""
        for slot, process in enumerate(self.processes):
            if process is not None:
                self._die(slot)
        for number in sorted(self.stopped):
            self.decide_on("resume", sorted(self.embargo).index(number))
        for _ in range(6):
            self.clock.advance(3 * 3600.0)  # longer than any step of `retry`
            self.sweep()
            self.claim(0, 50)
            process = self.processes[0]
            assert process is not None
            while process.ready:
                self._send_one(0, "250", "")
            if process.results:
                self.record(0, "")
        self.sweep()

    # How a sender works ----------------------------------------------------------------------

    def _begin(self, slot: int) -> Process:
        name = f"s{slot}-{len(rows(self.room.store, 'SELECT id FROM workers'))}"
        journal = Journal(self.room.config.spool_dir / "journals", name)
        with self.room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host=host_name(),
                name=name,
                pid=1,
                boot_id=recovery.boot_id(),
                journal=str(journal.path),
                config_digest=self.room.config.digest(),
            )
        return Process(worker, journal)

    def _die(self, slot: int) -> None:
        """SIGKILL: memory is gone, the kernel frees the lock, the files stay."""
        process = self.processes[slot]
        assert process is not None
        self.doubtful |= {claimed.id for claimed, _ in process.hanging}
        os.close(process.journal._fd)
        os.close(process.journal._lock)
        self.processes[slot] = None

    def _send_one(self, slot: int, answer: str, step: str) -> bool:
        """The next message that may be sent, up to the step it dies at; False without one."""
        process = self.processes[slot]
        assert process is not None
        self._let_go(process)
        if not process.ready:
            return False
        claimed = process.ready.pop(0)
        self._check_mail_from(claimed)
        sha = f"{claimed.id} {claimed.attempts}".encode().ljust(32)[:32]
        if answer == "lost before the dot":
            process.ready.insert(0, claimed)
            return True
        if step == "before the dot":
            return True
        process.journal.dotted(claimed.id, claimed.attempts + 1, self.clock.now(), sha)
        if step == "before the wire":
            self.doubtful.add(claimed.id)
            return True
        self.server.take(claimed.id, sha, answer)
        if step in ("before the reply", "before the R"):
            self.doubtful.add(claimed.id)
        elif answer == "hang":
            process.hanging.append((claimed, sha))
        else:
            self._hear(process, claimed, sha, answer)
        return True

    def _let_go(self, process: Process) -> None:
        """The look at the control version, right before the next MAIL FROM."""
        with self.room.store.read() as tx:
            found = ledger.withdrawn(tx, process.worker)
        for claimed in [each for each in process.ready if each.id in found]:
            process.ready.remove(claimed)
            state, reason = found[claimed.id]
            with self.room.store.write() as tx:
                if state is None:
                    place = [(claimed.distribution, claimed.id)]
                    assert ledger.give_back(tx, process.worker, place) == 1
                else:
                    place_of = (claimed.distribution, claimed.id)
                    assert ledger.set_aside(tx, process.worker, *place_of, state, reason)

    def _check_mail_from(self, claimed: Claimed) -> None:
        """H14, H15: the model's own word on whether this may be sent now."""
        assert claimed.journalist not in self.left, "MAIL FROM for somebody who left"
        assert claimed.distribution not in self.stopped, "MAIL FROM while stopped"
        assert self.clock.now() >= self.embargo[claimed.distribution], "before the embargo ends"

    def _hear(self, process: Process, claimed: Claimed, sha: bytes, answer: str) -> None:
        number, now = claimed.attempts + 1, self.clock.now()
        code = int(answer) if answer.isdigit() else 0
        state, due, verdict = DeliveryState.IN_DOUBT, now, "unknown"
        if code:
            process.journal.replied(claimed.id, now, code, "", "said the server")
            decision = decide(
                self.room.config.sending,
                phase="DOT",
                code=code,
                enhanced="",
                text="said the server",
                attempts=claimed.attempts,
                first_attempt_at=claimed.first_attempt_at,
                now=now,
            )
            state, due, verdict = decision.state, decision.due_at, decision.verdict
        else:
            self.doubtful.add(claimed.id)
        common: dict[str, Any] = {"enhanced": "", "reply": "said the server", "reason": None}
        process.results.append(
            Result(
                distribution=claimed.distribution,
                delivery=claimed.id,
                number=number,
                state=state,
                at=now,
                sent_date=now,
                route="default",
                phase="DOT",
                code=code,
                verdict=verdict,
                due_at=due,
                sha256=sha,
                **common,
            )
        )


def test_no_order_of_events_makes_the_ledger_wrong() -> None:
    """H5 to H9, H14 to H17."""
    run_machine(Ledger, examples=40, steps=40)


def test_nor_on_postgresql(postgres_url: str) -> None:
    """The same, with few examples: each begins with an empty database."""

    class OnPostgresql(Ledger):
        url = postgres_url

    run_machine(OnPostgresql, examples=6, steps=30)
