"""What is past its retention goes, and nothing else; by itself, in steps, whoever dies (E13)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailer import config as configuration
from mailer.clock import SECOND, ManualClock, SystemClock, from_datetime
from mailer.distribution import doctor, retention
from mailer.distribution.context import Newsroom
from mailer.distribution.inbox import Inbox, inbox_path
from mailer.distribution.log import delivery_number, log, show, status
from mailer.distribution.media import keep
from mailer.distribution.retention import KINDS, retain, would_go
from mailer.distribution.schedule import Sweeper
from mailer.distribution.sent import as_sent
from mailer.errors import NotFound
from mailer.message.tokens import delivery_code
from mailer.release.media import take
from mailer.smtp.inbox import InboxWriter
from mailer.store import Store, distributions, doubts, ledger, media
from mailer.store.core import add_event
from mailer.store.states import DeliveryState

from tests.distribution.fleet import Fleet
from tests.distribution.press import Press
from tests.distribution.room import make_config, open_room
from tests.distribution.sending import Office
from tests.distribution.test_sent import Capture, signing
from tests.release.pictures import photo
from tests.smtp.helpers import Outside
from tests.store.seed import seed_distribution, seed_journalists

NOON = from_datetime(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))
DAY = 86_400
TWO_YEARS = 730.5 * DAY
NOTHING = dict.fromkeys(KINDS, 0)

_S = DeliveryState


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def room(tmp_path: Path, store_url: str, clock: ManualClock) -> Newsroom:
    config = make_config(tmp_path / "room", port=1, store=store_url)
    room = open_room(config, clock)
    seed_journalists(room.store, 60)
    return room


def send(
    room: Newsroom, people: Sequence[int], *states: DeliveryState, done: bool = True
) -> tuple[int, list[int]]:
    """A distribution that was sent, the first messages ending in `states`, the others accepted;
    its number and its deliveries."""
    number = seed_distribution(room.store, people, due_at=0)
    with room.store.write() as tx:
        distributions.move(tx, number, "sending", "test")
        distributions.move_wave(tx, number, 1, "open", "test")
        worker = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/n", config_digest="d"
        )
        signer = ledger.keep_signer(tx, "v=1; …")
        (wave,) = [each for each in ledger.open_waves(tx) if each.distribution == number]
        claimed = ledger.claim(tx, worker, wave, len(people))
        fields = json.dumps({"email": "somebody@example.com", "first_name": "Ada"})
        ledger.freeze(tx, [(number, each.id, fields) for each in claimed])
        results = []
        for n, each in enumerate(claimed):
            state = states[n] if n < len(states) else _S.ACCEPTED
            if state is _S.IN_DOUBT:
                ledger.mark_in_doubt(tx, worker, number, each.id, 1, "its answer was lost")
            elif state is not _S.CLAIMED:
                results.append(
                    ledger.Result(
                        *(number, each.id, 1, state, tx.now(), tx.now(), "default", "DOT", 250),
                        *("2.0.0", "taken", "accepted", None, tx.now(), b"x" * 32),
                        *(signer, b"y" * 256),
                    )
                )
        ledger.record(tx, worker, results)
        ledger.worker_left(tx, worker)
        if done:
            distributions.move_wave(tx, number, 1, "finish", "test")
            distributions.move(tx, number, "done", "test")
    return number, [each.id for each in claimed]


def query(store: Store, sql: str, **params: Any) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [dict(row) for row in tx.rows(sql, params)]  # type: ignore[call-overload]


def kept(store: Store) -> set[int]:
    """The deliveries whose message can still be written."""
    return {row["delivery"] for row in query(store, "SELECT delivery FROM slot_values")}


def told(store: Store) -> list[dict[str, int]]:
    """What the history has of each run."""
    rows = query(store, "SELECT data FROM events WHERE kind = 'retained' ORDER BY id")
    return [json.loads(row["data"]) for row in rows]


def make_old(store: Store, days: float) -> None:
    """Everything that was sent happened so many days earlier."""
    back = {"back": round(days * DAY * SECOND)}
    with store.write() as tx:
        for table, columns in (
            ("distributions", ("created_at", "finished_at")),
            ("deliveries", ("queued_at", "first_attempt_at", "last_attempt_at")),
        ):
            moves = ", ".join(f"{name} = {name} - :back" for name in columns)
            tx.execute(f"UPDATE {table} SET {moves}", back)


def test_the_very_message_goes_and_what_proves_it_stays(tmp_path: Path, store_url: str) -> None:
    """E13, design decision 7: after two years state, times, reply and SHA-256 remain, the copy is
    gone with what it was made of, and `--eml` says why."""
    with Capture() as server:
        press = Press(tmp_path / "room", store_url, port=server.port)
        press.config = signing(press.config)
        press.people("brussels", ["b1@example.com", "b2@example.net"])
        press.queue("list:brussels")
        assert not press.run().failed
        press.room.close()
    now = SystemClock().now()
    with open_room(press.config, ManualClock(now + round((TWO_YEARS - 60) * SECOND))) as room:
        before = list(log(room))
        code = before[0]["delivery"]
        assert retain(room, "anna") == {**NOTHING, "undo": 1}
        sent = as_sent(room, code)
        assert sent.data in {data for _, data in server.got}
        shown = show(room, code)
        assert shown["copy"] == "kept"
    with open_room(press.config, ManualClock(now + round((TWO_YEARS + 120) * SECOND))) as room:
        assert would_go(room) == {**NOTHING, "messages": 2, "signatures": 2}
        assert retain(room, "anna") == {**NOTHING, "messages": 2, "signatures": 2}
        assert list(log(room)) == before
        after = show(room, code)
        assert after.pop("copy") == "past_retention"
        assert after == {name: value for name, value in shown.items() if name != "copy"}
        with pytest.raises(NotFound, match=r"past its retention \(730 days.*" + sent.sha256):
            as_sent(room, code)
        left = query(room.store, "SELECT signature, signer FROM attempts")
        assert left == [{"signature": None, "signer": None}] * 2
        assert kept(room.store) == set()
        assert retain(room, "anna") == NOTHING


def test_what_is_not_settled_is_left_alone(room: Newsroom, clock: ManualClock) -> None:
    """E13: not what is in doubt, deferred or claimed, nor anything of a distribution that is open,
    nor of a release whose correction is still to reach people."""
    _, ended = send(room, range(1, 6), _S.IN_DOUBT, _S.REFUSED)
    send(room, range(6, 11), _S.DEFERRED, _S.CLAIMED, _S.IN_DOUBT, done=False)
    everything = kept(room.store)
    clock.advance(TWO_YEARS * 3)
    assert retain(room, "anna") == NOTHING, "something of the release is still under way"
    assert kept(room.store) == everything
    with room.store.write() as tx:
        # The other one is of another release: what is open there is no reason here.
        tx.execute(
            "UPDATE distributions SET release = 2 WHERE state = 'sending'",
            {},
        )
    assert retain(room, "anna") == {**NOTHING, "messages": 4, "signatures": 4}
    assert kept(room.store) == everything - set(ended[1:])
    # Decided at last: nothing keeps it any longer.
    with room.store.write() as tx:
        assert doubts.settle(tx, ended[0], "anna", reply="", reason="by word")
    assert retain(room, "anna")["messages"] == 1
    assert kept(room.store) == everything - set(ended)


def test_each_message_has_its_own_time(room: Newsroom, clock: ManualClock) -> None:
    """E13: it counts from the last attempt, not from when the distribution began or ended."""
    number, ids = send(room, range(1, 9))
    with room.store.write() as tx:
        tx.execute(
            "UPDATE deliveries SET last_attempt_at = last_attempt_at + :later WHERE id > :id",
            {"later": 3 * DAY * SECOND, "id": ids[3]},
        )
    clock.advance(TWO_YEARS + DAY)
    assert retain(room, "anna")["messages"] == 4
    assert kept(room.store) == set(ids[4:])
    assert show(room, delivery_code(ids[0]))["copy"] == "past_retention"
    assert show(room, delivery_code(ids[7]))["copy"] == "kept"
    clock.advance(3 * DAY)
    assert retain(room, "anna")["messages"] == 4
    assert number == delivery_number(delivery_code(ids[0])) >> 32


def test_why_somebody_got_it_once_more_goes_as_well(room: Newsroom, clock: ManualClock) -> None:
    """E13: an officer's words about one person."""
    many = 130  # more than one step deals with, so that one ends between them at every place
    data = {"parent": 7, "again": True, "reason": "was ill"}
    for n in range(many):
        number, ids = send(room, [1 + n % 60])
        with room.store.write() as tx:
            tx.execute("UPDATE distributions SET kind = 'resend' WHERE id = :id", {"id": number})
            add_event(tx, "send_to", "anna", distribution=number, delivery=ids[0], data=data)
    clock.advance(TWO_YEARS + DAY)
    expected = {**NOTHING, "messages": many, "signatures": many, "reasons": many}
    assert would_go(room) == expected
    assert retain(room, "anna") == expected
    for event in query(room.store, "SELECT data FROM events WHERE kind = 'send_to'"):
        assert json.loads(event["data"]) == {"parent": 7, "again": True}
    assert would_go(room) == NOTHING


def test_it_runs_by_itself_once_a_day(room: Newsroom, clock: ManualClock) -> None:
    """E13: in the sweep, by the clock it is given; one line of history a run."""
    send(room, range(1, 41))
    sweeper = Sweeper(room)
    sweeper.sweep()
    assert told(room.store) == [{}], "a new store begins with a run"
    for _ in range(3):
        clock.advance(3600)
        sweeper.sweep()
    assert len(told(room.store)) == 1
    clock.advance(TWO_YEARS)
    sweeper.sweep()
    assert kept(room.store) == set()
    assert told(room.store)[1:] == [{"messages": 40, "signatures": 40}]
    sweeper.sweep()
    assert len(told(room.store)) == 2
    clock.advance(DAY + 61)
    sweeper.sweep()
    assert told(room.store)[2:] == [{}]


def test_while_there_is_something_to_send_it_waits(room: Newsroom, clock: ManualClock) -> None:
    """Design decision 11: sending is never held up; after an hour it goes beside it."""
    send(room, range(1, 11))
    with room.store.write() as tx:
        tx.execute("UPDATE distributions SET release = 2", {})
    clock.advance(TWO_YEARS + DAY)
    seed_distribution(room.store, range(1, 11), due_at=clock.now())
    sweeper = Sweeper(room)
    assert sweeper.sweep().busy
    assert len(kept(room.store)) == 10
    clock.advance(1800)
    sweeper.sweep()
    assert len(kept(room.store)) == 10
    clock.advance(1860)
    assert sweeper.sweep().busy
    assert kept(room.store) == set()


def test_a_clock_that_was_set_forward_removes_nothing(tmp_path: Path, store_url: str) -> None:
    """H4: what goes by mistake does not come back; for an hour a jump is not believed. Nor does a
    clock that was wrong once keep anything from going for years."""

    class Set(ManualClock):
        jump = 0

        def now(self) -> int:
            return super().now() + self.jump

    clock = Set(NOON)
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config, clock) as room:
        seed_journalists(room.store, 10)
        send(room, range(1, 11))
        sweeper = Sweeper(room)
        sweeper.sweep()
        clock.jump = round(3 * TWO_YEARS * SECOND)
        for _ in range(50):
            clock.advance(60)
            sweeper.sweep()
        assert len(kept(room.store)) == 10
        clock.advance(1000)
        sweeper.sweep()
        assert kept(room.store) == set(), "it stays so: then it must be true"
        clock.jump = 0
        clock.advance(DAY)
        send(room, range(1, 11))
        clock.advance(TWO_YEARS + DAY)
        sweeper.sweep()
        assert kept(room.store) == set()


def test_a_longer_age_holds_at_once(room: Newsroom, clock: ManualClock, tmp_path: Path) -> None:
    """Also for a run that began before: what an officer wants to keep is not lost to it."""
    send(room, range(1, 31))
    clock.advance(TWO_YEARS + DAY)
    pace = retention.Pace(room)
    pace.size = 10
    assert not retention.step(room, pace, "anna")
    assert 0 < len(kept(room.store)) < 30
    left = kept(room.store)
    path = room.config.path
    path.write_text(path.read_text() + '\n[retention]\nmessages = "5y"\n')
    with open_room(configuration.load(path, {}), clock) as later:
        retain(later, "anna")
    assert kept(room.store) == left


def test_what_lies_in_the_folders_goes(room: Newsroom, clock: ManualClock) -> None:
    """E13: rejected rows, crash reports and received mails after 90 days; nothing else there."""
    home, spool = room.config.home, room.config.spool_dir
    (home / "rejected").mkdir()
    (spool / "optouts").mkdir(parents=True)
    old = [home / "rejected" / "press-1.csv", spool / "crash-20260101-000000-7.txt"]
    others = [
        home / "rejected" / "notes.txt",
        spool / "optouts" / "1-a.unreadable",
        spool / "optouts" / "1-b.json",
        home / "mailing.csv",
    ]
    for path in old + others:
        path.write_text("line,reason\n")
        os.utime(path, (NOON / SECOND, NOON / SECOND))
    fresh = home / "rejected" / "press-2.csv"
    fresh.write_text("line,reason\n")
    os.utime(fresh, (NOON / SECOND + 10 * DAY,) * 2)
    link = home / "rejected" / "linked.csv"
    link.symlink_to(home / "mailing.csv")
    inbox = InboxWriter(inbox_path(room.config))
    inbox.add(
        [
            (NOON + n * DAY * SECOND, "", ["a@example.com"], b"Subject: x\r\n\r\n.")
            for n in range(20)
        ]
    )
    assert len(Inbox(inbox_path(room.config)).list(search="x")) == 20
    clock.advance(95 * DAY)
    expected = {**NOTHING, "raw_mail": 5, "rejected": 1, "crash_reports": 1}
    assert would_go(room) == expected
    assert retain(room, "anna") == expected
    inbox.close()
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in [*others, fresh, link])
    left = Inbox(inbox_path(room.config))
    assert left.count() == 15
    assert len(left.list(search="x", size=50)) == 15
    assert {kind: n for each in told(room.store) for kind, n in each.items() if n} == {
        "raw_mail": 5, "rejected": 1, "crash_reports": 1,
    }  # fmt: skip


def test_files_that_no_release_came_to_name_go(room: Newsroom, clock: ManualClock) -> None:
    """D14, E13: an import that broke off leaves nothing for ever; what is named, or was taken in
    again today, stays."""
    files = {name: take(photo(300, 200, colour=name), "a.jpg") for name in ("red", "green", "blue")}
    keep(room.store, files)
    media.keep(room.store, "half", "full", "image/jpeg", b"x" * 9)
    with room.store.write() as tx:
        tx.execute("UPDATE media SET size = -1 WHERE sha256 = 'half'", {})
        media.refer(tx, 1, 1, ["red"])
        assert media.read(tx, "half", "full") is None

    def there() -> list[str]:
        with room.store.read() as tx:
            pieces = {row["sha256"] for row in tx.rows("SELECT sha256 FROM media_pieces", {})}
            kept = {row["sha256"] for row in tx.rows("SELECT sha256 FROM media", {})}
            assert pieces == kept
            return sorted(kept)

    clock.advance(DAY / 2)
    assert would_go(room)["media"] == retain(room, "anna")["media"] == 0
    clock.advance(DAY)
    keep(room.store, {"blue": files["blue"]})
    assert would_go(room)["media"] == 2
    assert retain(room, "anna")["media"] == 2
    assert there() == ["blue", "red"]
    keep(room.store, files)
    with room.store.read() as tx:
        for name, taken in files.items():
            assert all(
                media.read(tx, name, form) == made.data for form, made in taken.forms.items()
            )


def test_a_file_that_was_made_otherwise_before_is_whole(room: Newsroom) -> None:
    """D14: an import broke off, and the program that goes on makes a smaller picture of it."""
    media.keep(room.store, "a", "600", "image/jpeg", b"x" * (media.PIECE + 1))
    with room.store.write() as tx:
        tx.execute("UPDATE media SET size = -1", {})
    media.keep(room.store, "a", "600", "image/jpeg", b"y" * 9)
    with room.store.read() as tx:
        assert media.read(tx, "a", "600") == b"y" * 9


def test_each_machine_cleans_its_own_folders(room: Newsroom, clock: ManualClock) -> None:
    """E13: in its sweep, once a day; what it cannot remove the doctor names."""
    folder = room.config.home / "rejected"
    folder.mkdir()
    sweeper = Sweeper(room)
    sweeper.sweep()
    for name in ("a-1.csv", "a-2.csv"):
        (folder / name).write_text("line,reason\n")
        os.utime(folder / name, (NOON / SECOND, NOON / SECOND))
    clock.advance(93 * DAY)
    (warning,) = [
        c.message for c in doctor._retention(room) if c.state == "warning" and "a-1" in c.message
    ]
    assert "is past its retention" in warning
    sweeper.sweep()
    assert list(folder.iterdir()) == []
    assert {"rejected": 2} in told(room.store)


def test_it_is_said_when_it_is_overdue(room: Newsroom, clock: ManualClock) -> None:
    """E13: enforced, or the doctor and `status` say that it is not."""

    def findings() -> list[tuple[str, str]]:
        return [(c.state, c.message) for c in doctor._retention(room)]

    send(room, range(1, 4))
    assert findings()[0][0] == "ok"
    clock.advance(TWO_YEARS + DAY)
    assert findings()[0][0] == "ok", "there are two days for it"
    clock.advance(2 * DAY)
    ((state, words),) = findings()
    assert state == "warning"
    assert "`mailer store retain` does it now" in words
    assert words in status(room).decisions
    retain(room, "anna")
    assert findings()[0][0] == "ok"
    assert words not in status(room).decisions


# Processes --------------------------------------------------------------------------------------


def big_and_old(office: Office, people: int) -> None:
    """A distribution that was sent to so many, and two years passed since."""
    with open_room(office.config) as room:
        send(room, range(1, people + 1))
        with room.store.write() as tx:
            tx.execute("UPDATE distributions SET release = 2", {})
        make_old(room.store, 731.5)


_STEPS = """
import sys
from pathlib import Path
from mailer import config
from mailer.distribution import retention
from mailer.distribution.context import open_newsroom
with open_newsroom(config.load(Path(sys.argv[1]))) as room:
    pace, done = retention.Pace(room), False
    while not done:
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(6):
            pace.size = 40
            done = done or retention.step(room, pace, "anna")
"""


def test_killed_at_any_moment_it_goes_on(tmp_path: Path, store_url: str) -> None:
    """E13: each kill -9 loses nothing: one line of history in the end, and exact counts."""
    people, kills = 3000, 12
    office = Office(tmp_path / "room", 1, store_url, people, queued=False)
    big_and_old(office, people)
    rng = random.Random(5)
    with open_room(office.config) as room:
        for _ in range(kills):  # too few steps each to come to the end, so none dies in vain
            process = subprocess.Popen(
                [sys.executable, "-c", _STEPS, str(office.config.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"go\n")
            process.stdin.flush()
            time.sleep(rng.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdin.close()
            process.stdout.close()
            assert told(room.store) == []
        assert 0 < len(kept(room.store)) < people
        retain(room, "anna")
        assert told(room.store) == [{"messages": people, "signatures": people}]
        assert kept(room.store) == set()


def test_two_at_once_do_it_once(tmp_path: Path, store_url: str) -> None:
    """E13: an officer's run beside the sweep's is the same run."""
    office = Office(tmp_path / "room", 1, store_url, 2000, queued=False)
    big_and_old(office, 2000)
    both = [office.start("store", "retain") for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)
        assert process.returncode == 0
    with open_room(office.config) as room:
        found = [each for each in told(room.store) if each]
        assert found == [{"messages": 2000, "signatures": 2000}]


def test_sending_goes_on_meanwhile(tmp_path: Path, store_url: str) -> None:
    """Design decision 11: everybody gets his message while as many old ones are removed."""
    with Outside(tmp_path / "record", {"rules": []}) as server:
        office = Office(tmp_path / "room", server.port, store_url, 2000, queued=False)
        big_and_old(office, 2000)
        number = office.queue(range(1, 301))
        cleaner = office.start("store", "retain")
        summary = office.run()
        cleaner.communicate(timeout=120)
        assert cleaner.returncode == 0
    assert summary.counts == {"accepted": 300}
    with open_room(office.config) as room:
        assert {id >> 32 for id in kept(room.store)} == {number}
        assert len(kept(room.store)) == 300


def test_a_worker_does_it_as_a_task(tmp_path: Path, postgres_url: str) -> None:
    """Design decision 12: in the queue `upkeep`, in a process that sends nothing."""
    with Fleet(tmp_path, postgres_url, 50) as fleet:
        number = fleet.queue()
        machine = fleet.machine("a")
        machine.start()
        fleet.until(lambda: fleet.state(number) == "done", "sent")
        fleet.until(lambda: told(fleet.room.store), "the first run")
        make_old(fleet.room.store, 731.5)
        with fleet.room.store.write() as tx:
            tx.execute("DELETE FROM facts WHERE name = 'retention_done'", {})
        fleet.until(lambda: not kept(fleet.room.store), "what is old is gone", 120)
        fleet.until(lambda: len(told(fleet.room.store)) > 1, "and it is told")
        assert told(fleet.room.store)[-1]["messages"] == 50
        assert machine.end() == 0


def test_the_command_counts_and_removes(tmp_path: Path) -> None:
    """`store retain --dry-run` says what `store retain` then does."""
    office = Office(tmp_path / "room", 1, "sqlite:///mailer.db", 40, queued=False)
    big_and_old(office, 40)

    def say(*words: str) -> tuple[dict[str, Any], str]:
        head = [sys.executable, "-m", "mailer", "--config", str(office.config.path)]
        done = subprocess.run(
            [*head, "store", "retain", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return (json.loads(done.stdout) if "--json" in words else {}), done.stdout

    expected = {**NOTHING, "messages": 40, "signatures": 40}
    assert say("--dry-run", "--json")[0] == {"dry_run": True, **expected}
    assert "40  fields of people in messages" in say("--dry-run")[1]
    assert say("--json")[0] == {"dry_run": False, **expected}
    assert "Nothing is past its retention." in say()[1]


def test_doubts_absences_and_agreements_go_in_their_time(
    room: Newsroom, clock: ManualClock
) -> None:
    """E13: who was on hold for a year and never written to, an absence that ended a month ago, an
    agreement of two years ago; nobody else, and nothing keeps a better list from bringing them."""
    with room.store.write() as tx:
        for number in (1, 2):
            tx.execute(
                "UPDATE journalists SET state = 'on_hold', updated_at = :now WHERE id = :id",
                {"id": number, "now": tx.now()},
            )
        sql = "INSERT INTO preferences (journalist, away_until, updated_at) VALUES (:j, :t, 0)"
        tx.execute(sql, {"j": 3, "t": tx.now()})
        tx.execute(sql, {"j": 4, "t": tx.now() + round(370 * DAY * SECOND)})
        tx.run("embargo.grant", release=1, journalist=5, how="agreed", reason="", list=None,
               actor="anna", now=tx.now())  # fmt: skip
    send(room, [2])
    clock.advance(366 * DAY)
    assert would_go(room) == {**NOTHING, "holds": 1, "absences": 1}
    gone = retain(room, "test")
    assert {kind: n for kind, n in gone.items() if n} == {"holds": 1, "absences": 1}
    held = "SELECT j.state, a.email FROM journalists j LEFT JOIN addresses a ON a.journalist = j.id"
    one, two = query(room.store, f"{held} WHERE j.id IN (1, 2) ORDER BY j.id")
    assert one == {"state": "erased", "email": None} and two["state"] == "on_hold"
    assert query(room.store, "SELECT id FROM suppressions") == []
    away = query(room.store, "SELECT journalist FROM preferences WHERE away_until IS NOT NULL")
    assert away == [{"journalist": 4}]
    clock.advance(365 * DAY)
    assert retain(room, "test")["agreements"] == 1
