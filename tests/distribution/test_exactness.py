"""Exactness where something is lost: answers, power, the supervisor, a person's patience."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution.schedule import Sweeper
from mailer.store import distributions, ledger, suppression
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, PlannedDelivery

from tests.distribution.recorder import Recorder
from tests.distribution.room import make_config, open_room
from tests.distribution.sending import Office, members, wait_gone
from tests.exactness import faults_of, rows
from tests.store.seed import address_hash, seed_distribution, seed_journalists

NOW = 1_800_000_000 * SECOND
PEOPLE = 200
_NO_LIMIT = resource.RLIM_INFINITY


def test_who_leaves_while_the_plan_is_written_falls_out_of_it(
    tmp_path: Path, store_url: str
) -> None:
    """F10, H14: even when the sweep acted on the opt-out before the plan was to be seen."""
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config, ManualClock(NOW)) as room:
        seed_journalists(room.store, 2)
        sweeper = Sweeper(room)
        with room.store.write() as tx:
            number = distributions.insert(
                tx, NewDistribution(1, 1, "digest", 50, "send", None, NOW, "UTC", {}), "anna"
            )
            suppression.add(
                tx, address_hash(2), scope="all", reason="opt-out", actor="ada", evidence={}
            )
        sweeper.sweep()
        with room.store.write() as tx:
            people = [PlannedDelivery((number << DELIVERY_SHIFT) + n, n, 1, 1) for n in (1, 2)]
            distributions.insert_deliveries(tx, number, people, NOW)
            distributions.finish_plan(
                tx,
                number,
                [distributions.NewWave(1, NOW, "UTC", 2)],
                recipients=2,
                left_out={},
                due_at=NOW,
                actor="anna",
            )
        sweeper.sweep()
        with room.store.read() as tx:
            assert distributions.counts(tx, number) == {"queued": 1, "suppressed": 1}
        assert rows(room.store, "SELECT state FROM waves") == [{"state": "sending"}]
        assert faults_of(room.store) == []


@pytest.mark.parametrize("answer", ["later", "none, resent"])
def test_who_leaves_while_his_message_is_on_its_way_falls_out_of_the_rest(
    tmp_path: Path, store_url: str, answer: str
) -> None:
    """F10: he is not tried again, and the batch comes to its end."""
    clock = ManualClock(NOW)
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config, clock) as room:
        seed_journalists(room.store, 1)
        number = seed_distribution(room.store, [1], due_at=NOW)
        sweeper = Sweeper(room, host="elsewhere")
        sweeper.sweep()
        with room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host="one",
                name="s",
                pid=1,
                boot_id="b",
                journal="j",
                config_digest=config.digest(),
            )
            [claimed] = ledger.claim(tx, worker, ledger.OpenWave(number, 1, "digest"), 1)
        with room.store.write() as tx:
            suppression.add(
                tx, address_hash(1), scope="all", reason="opt-out", actor="ada", evidence={}
            )
        sweeper.sweep()
        with room.store.write() as tx:
            if answer == "later":
                tx.execute(
                    "UPDATE deliveries SET state = 2, worker = NULL, attempts = 1 WHERE id = :id",
                    {"id": claimed.id},
                )
            else:
                assert ledger.mark_in_doubt(tx, worker, number, claimed.id, 1, "lost")
                assert ledger.resend_doubtful(tx, number, claimed.id, "anna")
        if answer == "later":
            clock.advance(21.0)
        sweeper.sweep()
        with room.store.read() as tx:
            assert distributions.counts(tx, number) == {"suppressed": 1}
        assert rows(room.store, "SELECT state FROM distributions") == [{"state": "done"}]


def _killed_while_sending(office: Office, server: Recorder, **environ: str) -> set[str]:
    """Kill a whole run in the middle of its sending; who was claimed then."""
    process = office.start("run", **environ)
    while len(server.got) < 20:
        assert process.poll() is None, "it left before it sent"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    wait_gone(process.pid)
    held = {row["email"] for row in office.rows() if row["state"] == "claimed"}
    assert held
    return held


def _rest_was_sent_once(office: Office, server: Recorder, doubtful: set[str]) -> None:
    """All but the doubtful got it, nobody twice, and the doubtful were not tried again."""
    assert {row["email"] for row in office.rows() if row["state"] == "in_doubt"} == doubtful
    assert office.states() == {"in_doubt": len(doubtful), "accepted": PEOPLE - len(doubtful)}
    assert set(server.recipients.values()) == {1}
    accepted = {row["email"] for row in office.rows() if row["state"] == "accepted"}
    assert accepted == set(server.recipients) - doubtful
    with open_room(office.config) as room:
        assert faults_of(room.store) == []


def test_after_a_power_loss_all_that_was_claimed_is_in_doubt(
    tmp_path: Path, store_url: str
) -> None:
    """H7, decision 4: another boot cannot trust the journal, however good it looks."""
    with Recorder(delay=0.05) as server:
        office = Office(tmp_path / "room", server.port, store_url, PEOPLE)
        held = _killed_while_sending(office, server)
        with open_room(office.config) as room, room.store.write() as tx:
            tx.execute("UPDATE workers SET boot_id = 'the boot before'", {})
        server.delay = 0.0
        assert office.run().recovered["in_doubt"] == len(held)
        _rest_was_sent_once(office, server, held)


def test_what_another_machine_held_is_in_doubt_once_it_is_silent(
    tmp_path: Path, store_url: str
) -> None:
    """H5, decision 4: its journal cannot be read from here; the others go on meanwhile."""
    with Recorder(delay=0.05) as server:
        sending = 'retry = ["1s"]\nrescue_after = "2s"'
        office = Office(tmp_path / "room", server.port, store_url, PEOPLE, sending=sending)
        held = _killed_while_sending(office, server, MAILER_HOST="one")
        server.delay = 0.0
        second = office.start("run", "--once", MAILER_HOST="two")
        _, said = second.communicate(timeout=90)
        assert second.returncode == 1, said
        _rest_was_sent_once(office, server, held)


def test_a_full_disk_that_gets_room_again_needs_nobody(tmp_path: Path) -> None:
    """H20: what cannot be logged is not sent, and with room it goes on by itself."""
    store = tmp_path / "room" / "mailer.db"
    with Recorder(delay=0.005) as server:
        office = Office(tmp_path / "room", server.port, f"sqlite:///{store}", 4000)
        full = store.stat().st_size + 400_000
        command = [sys.executable, "-m", "mailer", "--config", str(office.config.path)]
        process = subprocess.Popen(
            [*command, "run", "--once"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (full, _NO_LIMIT)),
        )
        taken = -1
        while taken != len(server.got) or not taken:
            taken = len(server.got)
            time.sleep(1.5)
        assert 0 < taken < 4000, "the disk was never full"
        for pid in members(process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_NO_LIMIT, _NO_LIMIT))
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0 and b"Traceback" not in said, said.decode()
    assert office.states() == {"accepted": 4000}
    assert set(server.recipients.values()) == {1} and len(server.got) == 4000
