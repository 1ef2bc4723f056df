"""What one sender reads and writes, turn by turn: limits of others, places that come free, words of
officers that cross a claim. Real stores, no sockets: a turn is asked as a sender asks it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mailer.clock import SECOND, Clock, ManualClock, SystemClock
from mailer.config import load
from mailer.distribution import control, routes
from mailer.distribution.dealing import Dealer, Ways
from mailer.distribution.job import Aside, Job
from mailer.distribution.journal import Journal
from mailer.distribution.log import log
from mailer.distribution.recovery import boot_id, recover
from mailer.distribution.schedule import Sweeper
from mailer.distribution.turns import Claim, Turn, Turns
from mailer.store import ledger, paces
from mailer.store import routes as store_routes
from mailer.store.ledger import OpenWave, Result
from mailer.store.states import DeliveryState

from tests.distribution.press import Press
from tests.distribution.room import open_room
from tests.distribution.test_schedule import NOON

PAPER = '\n[[destinations]]\nname = "paper"\ndomains = ["example.net"]\n'


class Desk:
    """A newsroom with people at example.com (c1 …) and example.net (n1 …), and senders' turns."""

    def __init__(self, folder: Path, store_url: str, more: str, clock: Clock) -> None:
        with Press(folder, store_url) as press:
            press.people("com", [f"c{n}@example.com" for n in range(1, 5)])
            press.people("net", [f"n{n}@example.net" for n in range(1, 21)])
            self._release = press.release
        path = press.config.path
        path.write_text(path.read_text() + more)
        self.clock = clock
        self.press = Press.__new__(Press)
        self.press.config = load(path, {})
        self.press.release = self._release
        self.press.room = self.room = open_room(self.press.config, clock)
        self.name = self.room.config.routes[0].name
        self.usable = Ways(usable=frozenset({self.name}))
        self._workers = 0
        self.journals: list[Journal] = []

    def sender(self) -> tuple[int, Turns]:
        """One more sender's worker id and turns."""
        self._workers += 1
        folder = self.room.config.spool_dir / "journals"
        journal = Journal(folder, f"here-{self._workers}")
        self.journals.append(journal)
        with self.room.store.write() as tx:
            worker = ledger.add_worker(
                tx, host="here", name=f"sender-{self._workers}", pid=1, boot_id="",
                journal=str(journal.path), config_digest=self.room.config.digest(),
            )  # fmt: skip
        return worker, Turns(self.room, worker, journal, Dealer(self.room.config))

    def queue(self, *to: str) -> int:
        """Queue for these lists and open what is due; the distribution's number."""
        number = self.press.queue(*to).distribution
        assert number is not None
        Sweeper(self.room, host="elsewhere").sweep()
        return number

    def waves(self) -> list[OpenWave]:
        with self.room.store.read() as tx:
            return ledger.open_waves(tx)

    def claim(self, turns: Turns, wanted: int, ways: Ways | None = None) -> Claim:
        turn = Turn(waves=self.waves(), wanted=wanted, ways=ways or self.usable)
        return turns.turn(turn)

    def waiting(self, number: int) -> dict[str, int]:
        """How many of a distribution wait, by reason."""
        found: dict[str, int] = {}
        for row in log(self.room, distribution=number):
            if row["state"] == "deferred":
                found[row["reason"]] = found.get(row["reason"], 0) + 1
        return found


@pytest.fixture
def desk_with(tmp_path: Path, store_url: str) -> Iterator[Callable[..., Desk]]:
    """Makes a desk with sections added to its configuration."""
    desks: list[Desk] = []

    def make(more: str, clock: Clock | None = None) -> Desk:
        desks.append(Desk(tmp_path / "room", store_url, more, clock or ManualClock(NOON)))
        return desks[-1]

    yield make
    for desk in desks:
        desk.room.close()


def emails(claim: Claim) -> list[str]:
    return sorted(job.recipient.email for job in claim.jobs)


def test_who_has_no_share_leaves_a_destination_to_the_others_at_once(
    desk_with: Callable[..., Desk],
) -> None:
    """H12: no wait, and never claimed by the same sender again."""
    desk = desk_with(PAPER + "connections = 1\n")
    number = desk.queue("list:net", "list:com")
    _, without = desk.sender()
    _, having = desk.sender()
    ways = Ways(desk.usable.usable, room={"to:paper": 0}, closed=frozenset({"paper"}))
    first = desk.claim(without, 100, ways)
    assert emails(first) == [f"c{n}@example.com" for n in range(1, 5)]
    assert desk.waiting(number) == {"waits for its turn at paper": 20}
    again = desk.claim(without, 100, ways)
    assert not again.jobs and not again.put_off
    mine = desk.claim(having, 100, Ways(desk.usable.usable, room={"to:paper": 2}))
    assert len(mine.jobs) == 2, "the clock has not moved"
    assert Sweeper(desk.room, host="elsewhere").sweep().busy, "a run does not end meanwhile"


def test_what_waits_behind_a_cancelled_distribution_moves_up(
    desk_with: Callable[..., Desk],
) -> None:
    """H12: who was put off behind others that will not come is due at once."""
    clock = ManualClock(NOON)
    desk = desk_with(PAPER + 'rate = "0.5"\n', clock)
    sweeper = Sweeper(desk.room, host="elsewhere")
    first, second = desk.queue("list:net"), desk.queue("list:net")
    _, turns = desk.sender()
    assert len(desk.claim(turns, 40).jobs) == 1
    due = [row["due_at"] for row in log(desk.room, distribution=second)]
    assert min(due) > "2026-03-03T12:00:38"
    control.cancel(desk.room, first, "anna")
    sweeper.sweep()
    assert {row["due_at"] for row in log(desk.room, distribution=second)} == {
        "2026-03-03T12:00:00.000Z"
    }
    clock.advance(2)
    assert len(desk.claim(turns, 40).jobs) == 1
    due = [row["due_at"] or "" for row in log(desk.room, distribution=second)]
    assert max(due) < "2026-03-03T12:00:43", "they line up from now on"


def test_a_free_place_that_nobody_uses_lets_those_who_wait_come(
    desk_with: Callable[..., Desk],
) -> None:
    """H12: whatever became of those before them, nobody waits longer than the horizon."""
    clock = ManualClock(NOON)
    desk = desk_with(PAPER + 'rate = "0.5"\n', clock)
    first, second = desk.queue("list:net"), desk.queue("list:net")
    _, turns = desk.sender()
    desk.claim(turns, 40)
    with desk.room.store.write() as tx:  # the first's people all leave in this moment
        tx.execute("UPDATE deliveries SET state = 6 WHERE distribution = :d", {"d": first})
    clock.advance(2.9)
    sweeper = Sweeper(desk.room, host="elsewhere")
    sweeper.sweep()
    assert not desk.claim(turns, 40).jobs
    clock.advance(0.2)
    sweeper.sweep()
    assert len(desk.claim(turns, 40).jobs) == 1
    assert desk.waiting(second) == {"waits for its turn at paper": 19}


def test_who_goes_on_after_a_pause_lines_up_anew(desk_with: Callable[..., Desk]) -> None:
    """H15: and what was paused holds up nobody meanwhile."""
    clock = ManualClock(NOON)
    desk = desk_with(PAPER + 'rate = "0.5"\n', clock)
    number = desk.queue("list:net")
    _, turns = desk.sender()
    desk.claim(turns, 20)
    control.pause(desk.room, number, "anna")
    clock.advance(3)
    sweeper = Sweeper(desk.room, host="elsewhere")
    sweeper.sweep()
    control.resume(desk.room, number, "anna")
    sweeper.sweep()
    assert len(desk.claim(turns, 20).jobs) == 1


WARM = "\n[smtp.warm_up]\nsince = 2026-03-03\nfirst = 10\n"


def carried(desk: Desk) -> int:
    """What the route has carried today, as its warm-up counts it."""
    with desk.room.store.read() as tx:
        return paces.used_on(tx, "2026-03-03").get(desk.name, 0)


def test_what_a_dead_sender_never_began_is_no_part_of_the_day(
    desk_with: Callable[..., Desk],
) -> None:
    """A31: after recovery the count agrees with what had its final dot."""
    desk = desk_with(WARM)
    desk.queue("list:net")
    worker, turns = desk.sender()
    jobs = desk.claim(turns, 15).jobs
    assert len(jobs) == 10 and carried(desk) == 10
    journal = desk.journals[0]
    journal.dotted(jobs[0].claimed.id, 1, NOON, bytes(32))
    journal.dotted(jobs[1].claimed.id, 1, NOON, bytes(32))
    journal.replied(jobs[1].claimed.id, NOON, 250, "2.0.0", "taken")
    # One is back in the queue already, as a sender does it whose server was away.
    gone = jobs[2]
    place = gone.claimed.distribution, gone.claimed.id
    turns.turn(Turn(aside=[Aside(gone, None, "")], unused={place}))
    assert carried(desk) == 9
    turns.turn(Turn(unused={place}))
    assert carried(desk) == 9, "said twice, after a commit whose answer was lost"
    with desk.room.store.write() as tx:
        tx.execute("UPDATE workers SET boot_id = :b WHERE id = :w", {"b": boot_id(), "w": worker})
    os.close(journal._lock)
    found = recover(desk.room, host="here")
    assert (found.requeued, found.recorded, found.in_doubt) == (7, 1, 1)
    assert carried(desk) == 2
    _, other = desk.sender()
    assert len(desk.claim(other, 20).jobs) == 8 and carried(desk) == 10
    other.leave()
    assert carried(desk) == 2
    assert desk.press.rows("SELECT count(*) AS n FROM route_claims") == [(0,)]


def test_a_resume_that_crosses_a_deferral_finds_all_of_it(
    desk_with: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """G8: whoever came first, nothing waits on for a route that an officer let go."""
    desk = desk_with("", SystemClock())
    number = desk.queue("list:net")
    _, turns = desk.sender()
    routes.pause(desk.room, desk.name, "anna")
    resumer = threading.Thread(target=routes.resume, args=(desk.room, desk.name, "anna"))
    defer_wave = ledger.defer_wave

    def meanwhile(*arguments: object, **options: object) -> int:
        deferred = defer_wave(*arguments, **options)  # type: ignore[arg-type]
        if not resumer.ident:
            resumer.start()
            resumer.join(1.0)  # it ends before this commits, or waits for it
        return deferred

    monkeypatch.setattr(ledger, "defer_wave", meanwhile)
    reason = f"mail service {desk.name} is paused"
    due = desk.room.clock.now() + 300 * SECOND
    turns.defer(desk.waves(), [desk.name], due, reason)
    resumer.join()
    with desk.room.store.read() as tx:
        late = tx.rows("SELECT id FROM deliveries WHERE due_at > :now + 1000000", {"now": tx.now()})
    assert not late and desk.waiting(number) == {reason: 20}
    assert turns.defer(desk.waves(), [desk.name], due, reason) == 0, "it works again"


def test_a_resume_before_a_claim_that_did_not_know_it(desk_with: Callable[..., Desk]) -> None:
    """G8: the sender's view is a tenth of a second old; what it puts off comes back at once."""
    clock = ManualClock(NOON)
    desk = desk_with(
        '\n[[routes]]\nname = "other"\nurl = "smtp://127.0.0.1:2?starttls=never"\n'
        'domains = ["example.com"]\n',
        clock,
    )
    number = desk.queue("list:net")
    _, turns = desk.sender()
    reason = f"mail service {desk.name} is paused"
    away = {desk.name: (NOON + 300 * SECOND, reason)}
    ways = Ways(frozenset({"other"}), away, absent=frozenset(away))
    routes.pause(desk.room, desk.name, "anna")
    assert desk.claim(turns, 5, ways).put_off == 5
    assert desk.waiting(number) == {reason: 5}
    routes.resume(desk.room, desk.name, "anna")
    assert desk.claim(turns, 100, ways).put_off == 20
    clock.advance(0.25)
    assert len(desk.claim(turns, 100).jobs) == 20


def test_a_resume_before_an_answer_was_written_down(desk_with: Callable[..., Desk]) -> None:
    """G8: what came to nothing because the route was away goes now that it is not."""
    desk = desk_with("")
    desk.queue("list:net")
    _, turns = desk.sender()
    one, two = desk.claim(turns, 2).jobs
    with desk.room.store.write() as tx:
        store_routes.rest(tx, desk.name, NOON + 3600 * SECOND, "away")

    def put_off(job: Job) -> Result:
        return Result(
            *(job.claimed.distribution, job.claimed.id, 1, DeliveryState.DEFERRED, NOON, NOON),
            *(desk.name, "CONNECT", 0, "", "refused", "temporary"),
            f"mail service {desk.name} is away: refused", NOON + 3600 * SECOND, None,
        )  # fmt: skip

    turns.turn(Turn(results=[put_off(one)]))
    assert len(desk.claim(turns, 100).jobs) == 18
    with desk.room.store.write() as tx:
        store_routes.resume(tx, desk.name, "anna")
    turns.turn(Turn(results=[put_off(two)]))
    claimed = desk.claim(turns, 100)
    assert [job.claimed.id for job in claimed.jobs] == [two.claimed.id]


def test_the_lock_of_a_sender_that_died_before_it_was_known_goes(
    desk_with: Callable[..., Desk],
) -> None:
    """H5, H7: and nothing that might tell of a delivery, or belongs to somebody alive."""
    clock = SystemClock()
    desk = desk_with("", clock)
    folder = desk.room.config.spool_dir / "journals"
    desk.sender()
    living, crashed = Journal(folder, "here-77-aa"), Journal(folder, "here-78-bb")
    crashed.reserve(1)
    os.close(crashed._lock)
    for name in ("here-79-cc.lock", "here-80-dd.lock", "here-80-dd.journal", "there-81-ee.lock"):
        (folder / name).touch()
    (folder / "here-82-ff.lock").touch()
    hour_ago = clock.now() // SECOND - 3600
    for path in folder.iterdir():
        if "82" not in path.name:
            os.utime(path, (hour_ago, hour_ago))
    recover(desk.room, host="here")
    assert {path.name for path in folder.iterdir()} == {
        *("here-1.lock", "here-1.journal", "here-77-aa.lock", "here-77-aa.journal"),
        *("here-78-bb.lock", "here-78-bb.journal", "there-81-ee.lock", "here-82-ff.lock"),
    }
    living.close()


def test_what_a_lost_commit_claimed_is_no_part_of_the_day(desk_with: Callable[..., Desk]) -> None:
    """A31, H20: the store did it, the sender never heard of it and gives it back."""
    desk = desk_with(WARM)
    number = desk.queue("list:net")
    _, turns = desk.sender()
    heard = desk.claim(turns, 3).jobs
    desk.claim(turns, 4)
    assert carried(desk) == 7
    turns.turn(Turn(held=frozenset(job.claimed.id for job in heard)))
    assert carried(desk) == 3
    states = [row["state"] for row in log(desk.room, distribution=number)]
    assert states.count("claimed") == 3 and states.count("queued") == 17
