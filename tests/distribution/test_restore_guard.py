"""A ledger put back from an earlier time sends nothing until an officer said what left already."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.clock import SECOND, ManualClock
from mailer.config import Config
from mailer.distribution import control, files, guard, restored
from mailer.distribution.context import Newsroom
from mailer.distribution.log import log, status, status_of
from mailer.distribution.resolve import resolve
from mailer.distribution.schedule import Sweeper
from mailer.errors import NotFound, Refused, StoreUnavailable
from mailer.message.values import message_id
from mailer.store.upkeep import faults

from tests.distribution.room import make_config, open_room
from tests.distribution.shelf import Shelf
from tests.distribution.test_schedule import NOON, deliver
from tests.exactness import faults_of
from tests.store.seed import seed_distribution, seed_journalists

HOUR = 3600.0
DAY = 24 * HOUR


class House:
    """A newsroom that is opened anew whenever its store was changed behind its back."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clock = ManualClock(NOON)
        self.config: Config = make_config(folder, port=1, store=url)
        self.shelf = Shelf(self.config.store.url, folder.parent / "copy")
        self.room: Newsroom = open_room(self.config, self.clock)
        seed_journalists(self.room.store, 8)

    def plan(self, due_in: float, **options: object) -> int:
        due = self.clock.now() + round(due_in * SECOND)
        if (lift := options.pop("embargo_in", None)) is not None:
            options["embargo_until"] = self.clock.now() + round(float(str(lift)) * SECOND)
        return seed_distribution(self.room.store, (1, 2, 3, 4), due_at=due, **options)  # type: ignore[arg-type]

    @property
    def witness(self) -> Path:
        return guard.witness_path(self.config.spool_dir, self.room.sender.ledger_id)

    def sweep(self) -> Sweeper:
        """A start, and its first sweep."""
        sweeper = Sweeper(self.room)
        sweeper.sweep()
        return sweeper

    def stop(self) -> None:
        self.room.close()

    def start(self) -> Sweeper:
        self.room.close()
        self.room = open_room(self.config, self.clock)
        return self.sweep()

    def states(self, number: int) -> tuple[str, list[str]]:
        found = status_of(self.room, number)
        return found["state"], [wave["state"] for wave in found["waves"]]

    def words(self, number: int) -> list[str]:
        return [row["state"] for row in log(self.room, distribution=number)]


@pytest.fixture
def house(tmp_path: Path, store_url: str, request: pytest.FixtureRequest) -> Iterator[House]:
    if store_url.startswith("postgresql"):
        request.getfixturevalue("postgres_programs")
    house = House(tmp_path / "room", store_url)
    yield house
    house.room.close()


def test_a_copy_put_back_next_day_sends_nothing_of_yesterday(house: House) -> None:
    """Decision 14: not what was being sent, not what came due since, whatever its own rule says,
    and not an embargo's lift. What is due later waits as well: it may have been sent elsewhere."""
    under_way = house.plan(0, late="send")
    soon = house.plan(HOUR, late="send")
    lift = house.plan(2 * HOUR, embargo_in=2 * HOUR)
    next_week = house.plan(7 * DAY)
    sweeper = house.sweep()
    assert deliver(house.room, under_way, limit=1) == 1
    house.shelf.take()
    assert deliver(house.room, under_way) == 3
    house.clock.advance(3 * HOUR)
    sweeper.sweep()
    assert [deliver(house.room, n) for n in (soon, lift)] == [4, 4]
    sweeper.sweep()
    house.stop()
    house.clock.advance(DAY)
    house.shelf.put()

    sweeper = house.start()
    numbers = (under_way, soon, lift, next_week)
    for _ in range(3):
        assert [deliver(house.room, n) for n in numbers] == [0, 0, 0, 0]
        assert [house.states(n) for n in numbers] == [("waiting", ["waiting"])] * 4
        house.clock.advance(HOUR)
        sweeper.sweep()
    rows = restored.held(house.room)
    assert [(row["distribution"], row["due"], row["was"]) for row in rows] == [
        (under_way, "meanwhile", "sending"),
        (soon, "meanwhile", "scheduled"),
        (lift, "meanwhile", "scheduled"),
        (next_week, "later", "scheduled"),
    ]
    assert [(row["accepted"], row["open"]) for row in rows[:2]] == [(1, 3), (0, 4)]
    decisions = status(house.room).decisions
    assert len(decisions) == 1 and "4 batches of 4 distributions may have left" in decisions[0]
    assert "2026-03-03T12:00:00.000Z" in decisions[0]  # the last that it knows of


def test_a_restart_goes_on_as_ever(house: House) -> None:
    """Within late_grace, again and again, nothing is held and nobody is asked."""
    number = house.plan(0)
    house.sweep()
    for _ in range(3):
        assert deliver(house.room, number, limit=1) == 1
        house.clock.advance(60)
        house.start()
    assert deliver(house.room, number) == 1
    assert restored.held(house.room) == []


def test_a_snapshot_of_ledger_and_folder_together_goes_on_with_nothing(house: House) -> None:
    """Decision 14: the witness travelled too; what was being sent is too long ago."""
    number = house.plan(0, late="send")
    sweeper = house.sweep()
    deliver(house.room, number, limit=1)
    sweeper.sweep()
    house.shelf.take()
    spool = house.config.spool_dir
    shutil.copytree(spool, spool.with_name("spool.copy"))
    assert deliver(house.room, number) == 3
    sweeper.sweep()
    house.stop()
    house.clock.advance(DAY)
    house.shelf.put()
    shutil.rmtree(spool)
    spool.with_name("spool.copy").rename(spool)
    house.start()
    assert deliver(house.room, number) == 0
    assert house.states(number) == ("waiting", ["waiting"])


def test_a_copy_of_all_on_another_machine_sends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Decision 14: folder and ledger were copied a minute ago, and the first one may live."""
    number = house.plan(0)
    house.sweep()
    deliver(house.room, number, limit=1)
    house.clock.advance(120)
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(guard, "MACHINE_ID", tmp_path / "machine-id")
    house.start()
    assert deliver(house.room, number) == 0
    assert restored.held(house.room)[0]["distribution"] == number
    restored.decide(house.room, number, "anna", "let_go")
    house.start()
    assert deliver(house.room, number) == 3


def test_a_ledger_put_back_elsewhere_and_copied_here_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 14: this machine's witness is from before the ledger was put back on the other one,
    which may still be at work. That it was held there says nothing of here."""
    url = f"sqlite:///{tmp_path / 'room' / 'mailer.db'}"
    here = House(tmp_path / "room", url)
    number = here.plan(0)
    here.sweep()
    spool = here.config.spool_dir
    shutil.copytree(spool, tmp_path / "spool.here")
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(guard, "MACHINE_ID", tmp_path / "machine-id")
        here.start()
        restored.decide(here.room, number, "anna", "let_go")
        here.start()
        assert deliver(here.room, number, limit=1) == 1
    shutil.rmtree(spool)
    shutil.copytree(tmp_path / "spool.here", spool)
    here.start()
    assert deliver(here.room, number) == 0
    assert "it was last at work on" in restored.held(here.room)[0]["why"]
    here.room.close()


@pytest.mark.parametrize("witness", ["gone", "torn"])
def test_a_ledger_without_its_witness_sends_nothing(house: House, witness: str) -> None:
    """A copy in a new folder has none; one that cannot be read proves nothing."""
    number = house.plan(0)
    house.sweep()
    house.stop()
    house.clock.advance(120)  # nobody else was seen for longer than a minute
    path = house.witness
    if witness == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40])
    house.start()
    assert deliver(house.room, number) == 0
    assert "has not seen it before" in restored.held(house.room)[0]["why"]


def test_another_machine_may_join_a_ledger_at_work(postgres_url: str, tmp_path: Path) -> None:
    """Decision 12: on PostgreSQL machines come and go; a new one has no witness yet."""
    house = House(tmp_path / "room", postgres_url)
    number = house.plan(0)
    sweeper = house.sweep()
    shutil.copytree(house.config.home, tmp_path / "second", ignore=shutil.ignore_patterns("spool"))
    config = configuration.load(tmp_path / "second" / "config.toml", {})
    with open_room(config, house.clock) as room:
        Sweeper(room, host="press-2").sweep()
        sweeper.sweep()
        assert deliver(room, number) == 4
        assert restored.held(room) == []
    house.room.close()


def test_put_back_while_at_work(postgres_url: str, postgres_programs: Path, tmp_path: Path) -> None:
    """The next look of a scheduler that went on all the time finds it."""
    house = House(tmp_path / "room", postgres_url)
    number = house.plan(0, late="send")
    sweeper = house.sweep()
    house.shelf.take()
    assert deliver(house.room, number) == 4
    sweeper.sweep()
    house.shelf.put()
    with contextlib.suppress(StoreUnavailable):  # connections of before may be of no use
        sweeper.sweep()
    sweeper.sweep()
    assert deliver(house.room, number) == 0
    assert "while it was at work" in restored.held(house.room)[0]["why"]
    house.room.close()


def test_dying_between_count_and_witness_is_no_alarm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 14: the count is committed first, so the ledger is ahead of its witness."""
    number = house.plan(0)
    house.sweep()
    with monkeypatch.context() as patch:
        patch.setattr(guard, "write_witness", _dies)
        with pytest.raises(_Died):
            house.start()
    house.start()
    assert restored.held(house.room) == []
    assert deliver(house.room, number) == 4


def test_dying_at_the_first_start_is_no_alarm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was no witness before it, and none after the first that was to be written."""
    number = house.plan(0)
    calls: list[int] = []

    def second_dies(*arguments: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise _Died
        real(*arguments)  # type: ignore[arg-type]

    real = guard.write_witness
    with monkeypatch.context() as patch:
        patch.setattr(guard, "write_witness", second_dies)
        with pytest.raises(_Died):
            house.start()
    house.start()
    assert restored.held(house.room) == []
    assert deliver(house.room, number) == 4


def test_dying_between_count_and_witness_loses_no_alarm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older ledger stays held, and asks once only."""
    number = house.plan(0, late="send")
    sweeper = house.sweep()
    house.shelf.take()
    assert deliver(house.room, number) == 4
    sweeper.sweep()
    sweeper.leave()
    house.stop()
    house.shelf.put()
    with monkeypatch.context() as patch:
        patch.setattr(guard, "write_witness", _dies)
        with pytest.raises(_Died):
            house.start()
    restored.decide(house.room, number, "anna", "left")
    house.start()
    assert restored.held(house.room) == []
    assert deliver(house.room, number) == 0
    assert house.states(number) == ("done", ["done"])


_KILLED = """
import os, signal, sys
from pathlib import Path
from mailer import config as configuration
from mailer.distribution import guard
from mailer.distribution.context import open_newsroom
guard.write_witness = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open_newsroom(configuration.load(Path(sys.argv[1]), {})) as room:
    guard.Guard(room).look()
"""


def test_a_real_kill_between_count_and_witness(house: House) -> None:
    """The same with a process that is killed: counted, not witnessed, no alarm."""
    house.sweep()
    before = guard.read_witness(house.config.spool_dir, house.room.sender.ledger_id)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(house.config.path)], env={**os.environ}
        )
        assert done.returncode == -signal.SIGKILL
    assert guard.read_witness(house.config.spool_dir, house.room.sender.ledger_id) == before
    number = house.plan(0)
    house.start()
    after = guard.read_witness(house.config.spool_dir, house.room.sender.ledger_id)
    assert before is not None and after is not None
    assert after.progress.starts == before.progress.starts + 3
    assert deliver(house.room, number) == 4


def test_a_witness_that_cannot_be_kept_stops_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H20: without it a later restore would not be recognised. It goes on when there is room."""
    number = house.plan(0)
    house.sweep()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_durably", full)
        with pytest.raises(StoreUnavailable, match="witness cannot be kept"):
            house.start()
    house.start()
    assert deliver(house.room, number) == 4


class _Died(BaseException):
    pass


def _dies(*_: object) -> None:
    raise _Died


# An officer's word ----------------------------------------------------------------------------


@pytest.fixture
def older(house: House) -> tuple[House, int]:
    """A ledger put back, with one distribution of four of which it knows one to have it."""
    number = house.plan(0, late="send")
    sweeper = house.sweep()
    assert deliver(house.room, number, limit=1) == 1
    house.shelf.take()
    assert deliver(house.room, number) == 3
    with house.room.store.write() as tx:
        tx.next_ids("journalist", 50_000)
    house.clock.advance(30)
    sweeper.sweep()
    sweeper.leave()
    house.stop()
    house.clock.advance(DAY)
    house.shelf.put()
    house.start()
    return house, number


def test_already_left(older: tuple[House, int]) -> None:
    """It counts as accepted by his word, is never sent, and the history says so."""
    house, number = older
    done = restored.decide(house.room, number, "anna", "left")
    assert (done["batches"], done["deliveries"], done["state"]) == (1, 3, "done")
    assert house.words(number) == ["accepted"] * 4
    reasons = [row["reason"] for row in log(house.room, distribution=number)]
    assert reasons[1:] == ["left before the ledger was put back, by anna's word"] * 3
    house.start()
    assert deliver(house.room, number) == 0
    assert faults_of(house.room.store) == []
    with house.room.store.read() as tx:
        # The seeded release and template are no real ones.
        found = [each.sentence for each in faults(tx) if "altered" not in each.sentence]
    assert found == []
    with pytest.raises(NotFound):
        restored.decide(house.room, number, "anna", "left")


def test_let_go(older: tuple[House, int]) -> None:
    """It goes on at once, and only with those who are not known to have it."""
    house, number = older
    done = restored.decide(house.room, number, "anna", "let_go")
    assert (done["deliveries"], done["state"]) == (3, "sending")
    house.start()
    assert deliver(house.room, number) == 3
    assert faults_of(house.room.store) == []


def test_not_certain_is_decided_by_the_mail_servers_log(
    older: tuple[House, int], tmp_path: Path
) -> None:
    """H8: what it took counts as accepted; what it does not mention goes again only where it
    covers all the time in which it may have left."""
    house, number = older
    assert restored.decide(house.room, number, "anna", "not_certain")["state"] == "done"
    assert house.words(number) == ["accepted"] + ["in_doubt"] * 3
    ids = [row["message_id"] for row in log(house.room, distribution=number)]
    assert ids[1] == message_id((number << 32) + 2, house.room.sender)
    path = tmp_path / "mail.log"

    def write(first: str, last: str) -> None:
        path.write_text(
            f"2026-03-0{first}+00:00 mx postfix/qmgr[1]: ABCDEF0: from=<a@example.org>, size=1\n"
            f"2026-03-03T12:00:10+00:00 mx postfix/cleanup[1]: ABCDEF1: message-id={ids[1]}\n"
            "2026-03-03T12:00:11+00:00 mx postfix/smtp[1]: ABCDEF1: to=<j2@example.com>, "
            "relay=x[127.0.0.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n"
            f"2026-03-0{last}+00:00 mx postfix/qmgr[1]: ABCDEF2: from=<a@example.org>, size=1\n"
        )

    write("3T11:00:00", "3T13:00:00")  # it ends before the ledger was put back
    done = resolve(house.room, number, "anna", resend=True, from_maillog=path)
    assert (done.delivered, done.resent, done.uncovered) == (1, 0, 2)
    write("3T11:00:00", "5T13:00:00")
    done = resolve(house.room, number, "anna", resend=True, from_maillog=path)
    assert (done.delivered, done.resent, done.left) == (0, 2, 0)
    house.start()
    assert deliver(house.room, number) == 2
    assert house.words(number) == ["accepted"] * 4
    assert faults_of(house.room.store) == []


def test_a_batch_with_nothing_left_to_do_asks_nobody(house: House) -> None:
    """All of it was accepted when the copy was made; only the sweep had not ended it yet."""
    number = house.plan(0)
    sweeper = house.sweep()
    assert deliver(house.room, number) == 4
    house.shelf.take()
    house.plan(DAY)
    sweeper.sweep()
    sweeper.leave()
    house.stop()
    house.shelf.put()
    house.start()
    assert restored.held(house.room) == []
    assert house.states(number) == ("done", ["done"])


def test_resume_asks_for_the_word_first(older: tuple[House, int]) -> None:
    """`resume` would send to everybody who is not known to have it; nobody said so yet."""
    house, number = older
    with pytest.raises(Refused, match="may have left meanwhile"):
        control.resume(house.room, number, "anna")
    control.cancel(house.room, number, "anna")
    assert restored.held(house.room) == []
    assert status(house.room).decisions == []


def test_what_was_paused_stays_paused(house: House) -> None:
    """It may have been resumed and sent since; after the word, `resume` goes on as ever."""
    number = house.plan(0, late="send")
    sweeper = house.sweep()
    control.pause(house.room, number, "anna")
    house.shelf.take()
    control.resume(house.room, number, "anna")
    assert deliver(house.room, number) == 4
    sweeper.sweep()
    sweeper.leave()
    house.stop()
    house.shelf.put()
    house.start()
    with pytest.raises(Refused):
        control.resume(house.room, number, "anna")
    assert restored.decide(house.room, number, "anna", "let_go")["state"] == "paused"
    assert deliver(house.room, number) == 0
    assert control.resume(house.room, number, "anna") == "sending"
    assert deliver(house.room, number) == 4


def test_a_pause_after_the_ledger_was_put_back_holds(older: tuple[House, int]) -> None:
    """Decision 3: letting a batch go takes back no pause that an officer asked for since."""
    house, number = older
    control.pause(house.room, number, "bert")
    assert restored.decide(house.room, number, "anna", "let_go")["state"] == "paused"
    house.start()
    assert deliver(house.room, number) == 0
    assert control.resume(house.room, number, "anna") == "sending"
    assert deliver(house.room, number) == 3


def test_what_is_due_later_waits_for_its_time_again(house: House) -> None:
    """Let go, it is scheduled as it was."""
    number = house.plan(3 * DAY)
    sweeper = house.sweep()
    house.shelf.take()
    house.plan(0)
    sweeper.sweep()
    sweeper.leave()
    house.stop()
    house.clock.advance(DAY)
    house.shelf.put()
    sweeper = house.start()
    assert house.states(number) == ("waiting", ["waiting"])
    assert restored.decide(house.room, number, "anna", "let_go")["state"] == "scheduled"
    house.clock.advance(2 * DAY - 1)
    sweeper.sweep()
    assert deliver(house.room, number) == 0
    house.clock.advance(1)
    sweeper.sweep()
    assert deliver(house.room, number) == 4


def test_no_number_is_given_out_twice(older: tuple[House, int]) -> None:
    """Decision 7: a Message-ID, a link and a bounce address name a delivery and a person by
    numbers; those given out after the copy stand in mails that were sent."""
    house, number = older
    later = [house.plan(DAY) for _ in range(2)]
    assert min(later) > number + 50
    with house.room.store.write() as tx:
        assert tx.next_ids("journalist") > 50_000
