"""The sending engine against a real server, real processes, both databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from mailer.distribution import control
from mailer.distribution.log import show, status_of
from mailer.errors import Refused
from mailer.store import ledger

from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office
from tests.ports import unused_port
from tests.store.seed import address_hash


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "room"


def test_what_the_server_got_equals_the_ledger(folder: Path, store_url: str) -> None:
    """H7, H19, A18: one to one, by Message-ID; each attempt in the log with the server's words."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 60)
        summary = office.run()
    assert summary.counts == {"accepted": 60}
    assert not summary.failed
    rows = office.rows()
    assert {(r["email"], r["message_id"]) for r in rows} == {
        (got.rcpt_to, got.message_id) for got in server.got
    }
    assert len(server.got) == 60
    assert {r["smtp_reply"] for r in rows} == {"taken"}
    with open_room(office.config) as room:
        assert status_of(room, office.number)["state"] == "done"
        delivery = show(room, rows[0]["message_id"])
    events = [event["event"] for event in delivery["events"]]
    assert events[-4:] == ["claimed", "accepted", "wave_finish", "done"]
    [attempt] = delivery["attempt_list"]
    assert attempt["smtp_code"] == 250 and len(attempt["sha256"]) == 64


def test_one_refusal_or_deferral_never_disturbs_the_next(folder: Path, store_url: str) -> None:
    """G5, G13: 4xx waits to retry, 5xx is final, all others are accepted."""

    def rcpt(address: str) -> str:
        number = int(address[1:].partition("@")[0])
        if number % 10 == 3:
            return "550 5.1.1 no such user"
        return "451 4.7.1 greylisted, try later" if number % 10 == 7 else "250 ok"

    with Recorder(rcpt=rcpt) as server:
        office = Office(folder, server.port, store_url, 40, sending='retry = ["1h"]')
        summary = office.run()
        assert office.states() == {"accepted": 32, "refused": 4, "deferred": 4}
        assert summary.failed
        again = office.run()
    assert not again.counts
    refused = [r for r in office.rows() if r["state"] == "refused"]
    assert {(r["smtp_code"], r["enhanced_code"]) for r in refused} == {(550, "5.1.1")}
    assert {r["reason"] for r in refused} == {"dead"}
    assert max(server.recipients.values()) == 1


def test_a_deferred_message_is_retried_with_its_own_message_id(
    folder: Path, store_url: str
) -> None:
    """A18, G12."""
    tries: list[str] = []

    def dot(address: str) -> str:
        tries.append(address)
        return "451 4.3.0 later" if len(tries) == 1 else "250 ok"

    with Recorder(dot=dot) as server:
        office = Office(folder, server.port, store_url, 1)
        office.run()
        assert office.states() == {"deferred": 1}
        time.sleep(1.3)
        office.run()
    assert office.states() == {"accepted": 1}
    first, second = server.got
    assert first.message_id == second.message_id
    [row] = office.rows()
    assert row["attempts"] == 2


def test_a_server_that_is_away_only_defers(folder: Path, store_url: str) -> None:
    """Contract: exit 0; everything waits, and goes when the server is back."""
    port = unused_port()
    office = Office(folder, port, store_url, 30)
    summary = office.run()
    assert not summary.failed
    assert office.states() == {"deferred": 30}
    assert "no connection" in office.rows()[0]["reason"]
    time.sleep(1.3)
    with Recorder(port=port) as server:
        office.run()
    assert office.states() == {"accepted": 30}
    assert set(server.recipients.values()) == {1}


def test_a_server_that_wants_a_sign_in_refuses_nobody_for_good(
    folder: Path, store_url: str
) -> None:
    """A14, G13: 530 speaks of this newsroom's settings; everybody waits, few are tried."""
    answers = ["530 5.7.0 Authentication required"]
    with Recorder(rcpt=lambda _: answers[-1]) as server:
        office = Office(folder, server.port, store_url, 300, sending='retry = ["1s"]')
        summary = office.run(MAILER_SENDING__PROCESSES="2")
        assert not summary.failed
        assert office.states() == {"deferred": 300}
        assert len(server.rcpt_to) < 100
        answers.append("250 ok")
        time.sleep(1.3)
        office.run()
    assert office.states() == {"accepted": 300}


@pytest.mark.parametrize("most", [1, 3, 9])
def test_a_server_that_takes_few_connections_gets_everything_over_those(
    folder: Path, most: int
) -> None:
    """H11, H12: with three connections of sixteen the way out is not away."""
    with Recorder(most=most, delay=0.01) as server:
        url = f"sqlite:///{folder / 'mailer.db'}"
        office = Office(folder, server.port, url, 150, connections=8, sending='retry = ["1h"]')
        office.run(MAILER_SENDING__PROCESSES="2")
    assert office.states() == {"accepted": 150}


def test_a_server_that_closes_after_a_few_messages_is_met_again(
    folder: Path, store_url: str
) -> None:
    """H11: a silent close after some messages is a normal reconnect, not an attempt."""
    with Recorder(each=3) as server:
        office = Office(folder, server.port, store_url, 120, sending='retry = ["1h"]')
        office.run()
    assert office.states() == {"accepted": 120}
    assert {row["attempts"] for row in office.rows()} == {1}


def test_a_lost_final_answer_is_in_doubt_and_never_sent_again(folder: Path, store_url: str) -> None:
    """H7, H8."""
    with Recorder(dot=lambda address: "" if address.startswith("j5@") else "250 ok") as server:
        office = Office(folder, server.port, store_url, 20)
        summary = office.run()
        assert summary.failed
        assert office.states() == {"accepted": 19, "in_doubt": 1}
        office.run()
    assert set(server.recipients.values()) == {1}
    assert len(server.got) == 20


def test_on_doubt_resend_sends_it_again_with_its_message_id(folder: Path) -> None:
    """H8: only where the officer configured it."""
    lost: list[str] = []

    def dot(address: str) -> str:
        if address.startswith("j2@") and not lost:
            lost.append(address)
            return ""
        return "250 ok"

    with Recorder(dot=dot) as server:
        sending = 'on_doubt = "resend"\nretry = ["1s"]'
        office = Office(folder, server.port, "sqlite:///mailer.db", 3, sending=sending)
        office.run()
    assert office.states() == {"accepted": 3}
    ids = [got.message_id for got in server.got if got.rcpt_to.startswith("j2@")]
    assert len(ids) == 2 and ids[0] == ids[1]


def test_a_connection_lost_before_the_dot_loses_and_doubles_nothing(
    folder: Path, store_url: str
) -> None:
    """H11."""
    hung_up: set[str] = set()

    def rcpt(address: str) -> str:
        if address.endswith("0@example.com") and address not in hung_up:
            hung_up.add(address)
            return ""
        return "250 ok"

    with Recorder(rcpt=rcpt) as server:
        office = Office(folder, server.port, store_url, 50)
        office.run()
    assert office.states() == {"accepted": 50}
    assert set(server.recipients.values()) == {1}
    assert len(hung_up) == 5


@pytest.mark.parametrize("act", ["pause", "cancel", "opt out"])
def test_no_mail_from_later_than_one_second_after_the_act(
    folder: Path, store_url: str, act: str
) -> None:
    """H15, F10: in every process; what had been taken by then stays as it is."""
    with Recorder(delay=0.02) as server:
        office = Office(folder, server.port, store_url, 1500)
        runner = threading.Thread(target=office.run)
        runner.start()
        while len(server.got) < 100:
            time.sleep(0.01)
        with open_room(office.config) as room:
            if act == "pause":
                control.pause(room, office.number, "anna")
            elif act == "cancel":
                control.cancel(room, office.number, "anna")
            else:
                with room.store.write() as tx:
                    tx.copy(
                        "suppressions",
                        [
                            "id",
                            "hash",
                            "hash_version",
                            "scope",
                            "reason",
                            "evidence",
                            "actor",
                            "created_at",
                        ],
                        [
                            (n, address_hash(n), 1, "all", "test", "{}", "test", 0)
                            for n in range(1, 1501)
                        ],
                    )
                    tx.run("core.raise_control")
            answered = time.monotonic()
        runner.join(60)
        assert not runner.is_alive()
        assert max(at for at, _ in server.mail_from) - answered < 1.0
        states = office.states()
        taken = len(server.got)
        assert taken < 1400
        assert states["accepted"] == taken
        rest = {"pause": "queued", "cancel": "cancelled", "opt out": "suppressed"}[act]
        assert states == {"accepted": taken, rest: 1500 - taken}
        if act == "pause":
            with open_room(office.config) as room:
                assert control.resume(room, office.number, "anna") == "sending"
            server.delay = 0.0
            office.run()
            assert office.states() == {"accepted": 1500}
    assert set(server.recipients.values()) == {1}


def test_while_not_live_real_looking_people_are_not_mailed_through_loopback(
    folder: Path, store_url: str
) -> None:
    """Decision 13: a relay on this machine is a way to the world."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 4)
        with open_room(office.config) as room, room.store.write() as tx:
            tx.execute(
                "UPDATE addresses SET email = 'someone@real-newspaper.fr' WHERE journalist = 2", {}
            )
            tx.execute("UPDATE addresses SET email = 'x@notexample.com' WHERE journalist = 3", {})
            tx.execute("UPDATE addresses SET email = 'x@deep.example.net' WHERE journalist = 4", {})
        office.run()
    assert set(server.recipients) == {"j1@example.com", "x@deep.example.net"}
    assert office.states() == {"accepted": 2, "skipped": 2}
    assert "not live" in next(r["reason"] for r in office.rows() if r["state"] == "skipped")


def test_the_second_supervisor_is_refused_and_told_who_runs(folder: Path) -> None:
    """Decision 5."""
    with Recorder(delay=0.2) as server:
        office = Office(folder, server.port, "sqlite:///mailer.db", 60)
        runner = threading.Thread(target=office.run)
        runner.start()
        while not server.got:
            time.sleep(0.01)
        with pytest.raises(Refused, match=r"already runs .* \(process \d+\)"):
            office.run()
        runner.join(60)
    assert office.states() == {"accepted": 60}


def test_a_database_locked_for_ten_seconds_costs_nothing_but_time(folder: Path) -> None:
    """H20: no loss, no duplicate, no operator."""
    with Recorder(delay=0.01) as server:
        office = Office(folder, server.port, "sqlite:///mailer.db", 1200)
        runner = threading.Thread(target=office.run)
        runner.start()
        while len(server.got) < 50:
            time.sleep(0.01)
        other = sqlite3.connect(folder / "mailer.db", isolation_level=None, timeout=5)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(10.5)
        other.execute("ROLLBACK")
        other.close()
        runner.join(90)
        assert not runner.is_alive()
    assert office.states() == {"accepted": 1200}
    assert set(server.recipients.values()) == {1} and len(server.got) == 1200


def test_nothing_leaves_before_the_embargo_ends(folder: Path, store_url: str) -> None:
    """D4, H14: the claim itself looks at the clock."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 5, embargo_in=3600)
        office.run()
        assert server.got == []
        assert office.states() == {"queued": 5}


def test_the_journal_of_a_dead_sender_is_read(folder: Path, store_url: str) -> None:
    """H7: never dotted → queued, dotted and answered → recorded, dotted only → in doubt."""
    from mailer.distribution.context import host_name
    from mailer.distribution.journal import Journal
    from mailer.distribution.recovery import boot_id, recover

    office = Office(folder, 1, store_url, 4)
    with open_room(office.config) as room:
        journal = Journal(office.config.spool_dir / "journals", "dead")
        with room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host=host_name(),
                name="s",
                pid=1,
                boot_id=boot_id(),
                journal=str(journal.path),
                config_digest=office.config.digest(),
            )
            wave = ledger.OpenWave(office.number, 1, "x")
            tx.execute("UPDATE waves SET state = 'sending'", {})
            tx.execute("UPDATE distributions SET state = 'sending'", {})
            claimed = ledger.claim(tx, worker, wave, 10)
        journal.reserve(10)
        now = room.clock.now()
        one, two, three, _ = (c.id for c in claimed)
        journal.dotted(one, 1, now, b"a" * 32)
        journal.replied(one, now, 250, "2.0.0", "queued as Ünique")
        journal.dotted(two, 1, now, b"b" * 32)
        journal.dotted(three, 1, now, b"c" * 32)
        journal.replied(three, now, 550, "5.7.1", "no")
        # Still alive: the lock is held, nothing happens.
        assert recover(room).workers == []
        import os

        os.close(journal._lock)
        found = recover(room)
        assert (found.requeued, found.recorded, found.in_doubt) == (1, 2, 1)
        assert recover(room).workers == []
    states = {r["delivery"]: r["state"] for r in office.rows()}
    assert sorted(states.values()) == ["accepted", "in_doubt", "queued", "refused"]
    assert next(r["smtp_reply"] for r in office.rows() if r["state"] == "accepted") == (
        "queued as Ünique"
    )


@pytest.mark.parametrize("why", ["another boot", "another host", "no journal"])
def test_where_nobody_can_know_everything_claimed_is_in_doubt(
    folder: Path, store_url: str, why: str
) -> None:
    """H7, decision 4: power loss, another host, a lost journal."""
    from mailer.clock import SECOND
    from mailer.distribution.context import host_name
    from mailer.distribution.recovery import boot_id, recover

    office = Office(folder, 1, store_url, 3)
    with open_room(office.config) as room:
        with room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host="elsewhere" if why == "another host" else host_name(),
                name="s",
                pid=1,
                boot_id="before" if why == "another boot" else boot_id(),
                journal=str(folder / "none.journal"),
                config_digest=office.config.digest(),
            )
            tx.execute("UPDATE waves SET state = 'sending'", {})
            tx.execute("UPDATE distributions SET state = 'sending'", {})
            ledger.claim(tx, worker, ledger.OpenWave(office.number, 1, "x"), 10)
        if why == "another host":
            assert recover(room).workers == []
            with room.store.write() as tx:
                tx.execute("UPDATE workers SET lease_at = :past", {"past": tx.now() - 31 * SECOND})
            with room.store.hold_presence(worker):
                held = recover(room).workers
            assert held == ([] if room.store.dialect == "postgresql" else [worker])
        recover(room)
    assert office.states() == {"in_doubt": 3}


def test_a_server_that_hangs_is_left_after_the_time_out_of_its_phase(folder: Path) -> None:
    """H10: a time-out for each phase, configurable; what had its dot is in doubt, the rest not."""
    with Recorder(delay=30) as server:
        office = Office(folder, server.port, "sqlite:///mailer.db", 1)
        path = office.config.path
        path.write_text(path.read_text() + '\n[smtp.timeouts]\ndot = "1s"\n')
        began = time.monotonic()
        office.run()
    assert time.monotonic() - began < 20
    assert office.states() == {"in_doubt": 1}
    assert "1 second" in office.rows()[0]["reason"]
