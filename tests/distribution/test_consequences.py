"""What follows from answers: by real refusals on the wire, and over made-up days in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import SECOND
from mailer.distribution import consequences, control, routes
from mailer.distribution.context import Newsroom
from mailer.distribution.log import status
from mailer.distribution.suppressions import ls
from mailer.errors import NotFound, Refused
from mailer.feedback.judge import Judgement, Verdict, judge
from mailer.store import ledger
from mailer.store.core import control_version
from mailer.store.distributions import move, move_wave, waves
from mailer.store.ledger import OpenWave, Result
from mailer.store.routes import paused
from mailer.store.states import DeliveryState

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office

DAY = consequences.DAY
START = 1_790_000_000 * SECOND


class Desk:
    """One newsroom whose answers a test makes up, with the instant at which they came."""

    def __init__(self, folder: Path, store_url: str, people: int) -> None:
        self.office = Office(folder, 1, store_url, people, queued=False)
        self.room: Newsroom = open_room(self.office.config)

    def begin(self, journalists: list[int]) -> tuple[int, int, dict[int, int]]:
        """Queue and claim a distribution; its number, the worker, delivery by journalist."""
        number = self.office.queue(journalists)
        with self.room.store.write() as tx:
            move(tx, number, "sending", "scheduler")
            move_wave(tx, number, 1, "open", "scheduler")
            worker = ledger.add_worker(
                tx, host="h", name="s", pid=1, boot_id="b", journal="j", config_digest="d"
            )
            got = ledger.claim(tx, worker, OpenWave(number, 1, "x"), len(journalists))
            kept = [(number, c.id, json.dumps({"email": c.person[0]})) for c in got]
            ledger.freeze(tx, kept)
        return number, worker, {c.journalist: c.id for c in got}

    def answer(
        self,
        worker: int,
        delivery: int,
        reply: str,
        at: int,
        *,
        route: str = "main",
    ) -> None:
        """The server's answer, recorded as a sender records it."""
        self.answers(worker, [delivery], reply, at, route=route)

    def answers(
        self, worker: int, deliveries: Iterable[int], reply: str, at: int, *, route: str = "main"
    ) -> None:
        """The same answer to several, recorded together."""
        code, _, rest = reply.partition(" ")
        enhanced, _, text = rest.partition(" ") if rest[1:2] == "." else ("", "", rest)
        found = judge("RCPT", int(code), enhanced, text)
        state = {"2": DeliveryState.ACCEPTED, "4": DeliveryState.DEFERRED}.get(
            code[0], DeliveryState.REFUSED
        )
        results = [
            Result(
                delivery >> 32, delivery, 1, state, at, at, route, "RCPT", int(code), enhanced,
                text, str(found.verdict), str(found.verdict), at, None,
            )
            for delivery in deliveries
        ]  # fmt: skip
        with self.room.store.write() as tx:
            ledger.record(tx, worker, results)
            consequences.apply(self.room, tx, results)

    def once(self, reply: str, at: int, journalist: int = 1) -> None:
        """One distribution to one person with this answer."""
        _, worker, ids = self.begin([journalist])
        self.answer(worker, ids[journalist], reply, at)

    def suppressed(self) -> list[dict[str, Any]]:
        return list(ls(self.room))


@pytest.fixture
def desk(tmp_path: Path, store_url: str) -> Any:
    opened: list[Desk] = []

    def make(people: int = 3) -> Desk:
        opened.append(Desk(tmp_path / "room", store_url, people))
        return opened[-1]

    yield make
    for each in opened:
        each.room.close()


Make = Callable[..., Desk]


def test_a_dead_address_is_suppressed_at_once_and_others_go_on(
    tmp_path: Path, store_url: str
) -> None:
    """G6: with the server's words; the next release does not go there; policy never suppresses."""

    def rcpt(address: str) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 <gone>: User unknown in virtual mailbox table"
        return "550 5.7.1 not wanted here" if address.startswith("strict") else "250 ok"

    with Recorder(rcpt=rcpt) as server, Press(tmp_path / "r", store_url, port=server.port) as press:
        press.people("press", ["a@example.com", "gone@example.com", "strict@example.net"])
        press.queue("list:press")
        press.queue("list:press", at="2027-01-01T10:00:00Z")
        press.run()
        [entry] = ls(press.room)
        assert (entry["email"], entry["reason"], entry["actor"]) == (
            "gone@example.com", "dead", "judge",
        )  # fmt: skip
        assert "User unknown in virtual mailbox table" in entry["text"]
        assert press.queue("list:press").recipients == 2
        states = press.rows(
            "SELECT a.email, d.state FROM deliveries d JOIN addresses a "
            "ON a.journalist = d.journalist WHERE d.distribution = 2 ORDER BY a.email"
        )
        assert states == [
            ("a@example.com", 0), ("gone@example.com", 6), ("strict@example.net", 0),
        ]  # fmt: skip
        assert status(press.room).decisions == []


def test_what_the_message_is_refused_for_stops_only_that_distribution(
    tmp_path: Path, store_url: str
) -> None:
    """Decision 6: after a few equal refusals it waits for an officer; the rest was not tried."""
    with Recorder(dot=lambda _: "552 5.3.4 message too big") as server:
        office = Office(tmp_path / "room", server.port, store_url, 60, connections=1)
        office.run()
        assert 3 <= office.states()["refused"] < 30
        assert office.states()["queued"] > 30
        with open_room(office.config) as room:
            [row] = status(room).distributions
            assert row["state"] == "waiting"
            assert "552 5.3.4 message too big" in row["reason"]
            assert f"mailer resume {office.number}" in status(room).decisions[0]
            assert list(ls(room)) == []
            with room.store.read() as tx:
                assert paused(tx) == set()
            control.cancel(room, office.number, "anna")


def test_after_an_officer_resumes_the_count_begins_anew(tmp_path: Path, store_url: str) -> None:
    """What was decided is not asked again for the same refusals."""
    large = [True]

    def dot(_: str) -> str:
        return "552 5.3.4 message too big" if large[0] else "250 ok"

    with Recorder(dot=dot) as server:
        office = Office(tmp_path / "room", server.port, store_url, 30, connections=1)
        office.run()
        refused = office.states()["refused"]
        large[0] = False
        with open_room(office.config) as room:
            control.resume(room, office.number, "anna")
        office.run()
        assert office.states() == {"refused": refused, "accepted": 30 - refused}
        with open_room(office.config) as room:
            assert status(room).distributions[0]["state"] == "done"


def test_many_dead_addresses_at_the_start_stop_the_distribution(desk: Make) -> None:
    """G21: more than 5 % of the first answers, from ten on; once an officer said so it goes on."""
    office = desk(60)
    number, worker, ids = office.begin(list(range(1, 61)))
    before = _version(office.room)
    for journalist in range(1, 11):
        office.answer(worker, ids[journalist], "550 5.1.1 user unknown", START)
        assert (_state(office.room, number) == "waiting") == (journalist == 10)
    assert len(office.suppressed()) == 10
    assert _version(office.room) > before
    [row] = status(office.room).distributions
    assert row["reason"] == "10 of the first 10 addresses do not exist"
    control.resume(office.room, number, "anna")
    office.answer(worker, ids[11], "550 5.1.1 user unknown", START)
    assert _state(office.room, number) == "sending"


def test_a_few_dead_among_many_stop_nothing(desk: Make) -> None:
    """G21: nine of sixty are no sign, and neither are ten of two hundred and ten."""
    office = desk(230)
    number, worker, ids = office.begin(list(range(1, 231)))
    for journalist in range(1, 221):
        dead = journalist <= 5 or journalist > 205
        office.answer(
            worker, ids[journalist], "550 5.1.1 user unknown" if dead else "250 2.0.0 ok", START
        )
    assert _state(office.room, number) == "sending"
    assert len(office.suppressed()) == 20


def test_answers_recorded_together_count_each(desk: Make) -> None:
    """G21: a line that tells of two hundred accepted weighs as much as two hundred lines, among the
    first answers of a distribution and among the newest of a provider."""
    office = desk(260)
    number, worker, ids = office.begin(list(range(1, 261)))
    dead = "550 5.1.1 user unknown"
    office.answers(worker, [ids[n] for n in range(1, 221)], "250 2.0.0 ok", START)
    for journalist in range(221, 233):
        office.answer(worker, ids[journalist], dead, START)
    assert _state(office.room, number) == "sending"  # the first two hundred exist
    blocked = "550 5.7.1 blocked using a list"
    for journalist in range(233, 243):
        office.answer(worker, ids[journalist], blocked, START)
    assert _paused(office.room) == set()  # ten of two hundred are no fifth


def test_a_line_of_accepted_answers_ends_a_row_of_refusals(desk: Make) -> None:
    """G8: three equal ones in a row, and those accepted together in between end the row; those
    by another route do not."""
    office = desk(40)
    _, worker, ids = office.begin(list(range(1, 41)))
    denied = "554 5.7.1 Relay access denied"
    office.answers(worker, [ids[1], ids[2]], denied, START)
    office.answers(worker, [ids[n] for n in range(3, 30)], "250 ok", START)
    office.answers(worker, [ids[30], ids[31]], denied, START)
    office.answers(worker, [ids[n] for n in range(32, 35)], "250 ok", START, route="spare")
    assert _paused(office.room) == set()
    office.answer(worker, ids[35], denied, START)
    assert _paused(office.room) == {"main"}


def test_nothing_left_to_decide_about_waits_for_nobody(desk: Make) -> None:
    """A small distribution whose last answers were refusals is simply over."""
    office = desk(3)
    number, worker, ids = office.begin([1, 2, 3])
    for journalist in (1, 2, 3):
        office.answer(worker, ids[journalist], "552 5.3.4 message too big", START)
    assert _state(office.room, number) == "sending"  # the scheduler calls it done


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.2 no such domain", "556 5.1.10 null MX", "550 5.4.1 Recipient address rejected: "
     "Access denied. [x.prod.protection.outlook.com]"],
)  # fmt: skip
def test_a_domain_needs_a_second_day(desk: Make, reply: str) -> None:
    """G6: the same day over and over is one day of the newsroom."""
    office = desk()
    for hour in (0, 1, 2):
        office.once(reply, START + hour * SECOND)
    assert office.suppressed() == []
    office.once(reply, START + DAY)
    [entry] = office.suppressed()
    assert (entry["email"], entry["reason"]) == ("j1@example.com", "dead")


def test_soft_failures_suppress_only_after_weeks_without_success(desk: Make) -> None:
    """G7: five days over thirty; before that nothing."""
    office = desk()
    full = "552 5.2.2 mailbox full"
    for day in (0, 8, 16, 24):
        office.once(full, START + day * DAY)
    office.once(full, START + 29 * DAY)
    assert office.suppressed() == []
    office.once(full, START + 31 * DAY)
    [entry] = office.suppressed()
    assert "mailbox full" in entry["text"]


def test_a_success_in_between_clears_the_doubts(desk: Make) -> None:
    """G7: and nothing has to be written when it comes."""
    office = desk()
    full = "452 4.2.2 mailbox full"
    for day in (0, 8, 16, 24):
        office.once(full, START + day * DAY)
    office.once("250 2.0.0 ok", START + 25 * DAY)
    office.once(full, START + 32 * DAY)
    assert office.suppressed() == []
    # A success that is only some days old may still come back: it waits, and then counts.
    for day in (40, 48, 56):
        office.once(full, START + day * DAY)
    office.once("250 2.0.0 ok", START + 62 * DAY)
    office.once(full, START + 64 * DAY)
    assert office.suppressed() == []


def test_a_message_that_came_back_later_was_no_success(desk: Make) -> None:
    """G7, G20: our own relay takes everything; what the report says counts."""
    office = desk()
    full = judge("", 552, "5.2.2", "mailbox full")
    for day in (0, 8, 16, 24, 31):
        number, worker, ids = office.begin([1])
        at = START + day * DAY
        office.answer(worker, ids[1], "250 2.0.0 ok", at)
        with office.room.store.write() as tx:
            tx.execute(
                "UPDATE deliveries SET feedback = 'bounced' WHERE distribution = :number",
                {"number": number},
            )
            done = consequences.say_of_address(
                office.room, tx, ids[1], full, "552 5.2.2 mailbox full", at + SECOND, soft=True
            )
        assert done == (day == 31)


@pytest.mark.parametrize(
    "reply",
    ["550 5.7.1 blocked using Spamhaus", "550 5.7.515 Access denied", "550 what", "552 5.3.4 big",
     "421 4.7.28 too fast", "451 4.7.1 greylisted", "550 5.7.26 unauthenticated"],
)  # fmt: skip
def test_what_is_not_about_the_address_never_suppresses(desk: Make, reply: str) -> None:
    """G8: however often."""
    office = desk()
    for day in range(0, 70, 10):
        office.once(reply, START + day * DAY)
        with office.room.store.write() as tx:
            if "main" in paused(tx):
                tx.run("routes.resume", name="main")
    assert office.suppressed() == []


def test_refusals_of_our_way_out_pause_it(desk: Make) -> None:
    """G8: three equal ones in a row; an officer's word lets it go on and the count begin anew."""
    office = desk(12)
    _, worker, ids = office.begin(list(range(1, 13)))
    denied = "554 5.7.1 Relay access denied"
    for journalist, reply in enumerate([denied, denied, "250 ok", denied, denied], 1):
        office.answer(worker, ids[journalist], reply, START, route="smtp")
        assert _paused(office.room) == set()
    before = _version(office.room)
    office.answer(worker, ids[6], denied, START, route="smtp")
    assert _paused(office.room) == {"smtp"}
    assert _version(office.room) > before
    [sentence] = status(office.room).decisions
    assert "3 times in a row: 554 5.7.1 Relay access denied" in sentence
    assert "mailer routes resume smtp" in sentence
    routes.resume(office.room, "smtp", "anna")
    for journalist in (7, 8):
        office.answer(worker, ids[journalist], denied, START, route="smtp")
        assert _paused(office.room) == set()
    office.answer(worker, ids[9], denied, START, route="smtp")
    assert _paused(office.room) == {"smtp"}
    assert office.suppressed() == []


def test_a_provider_that_refuses_a_fifth_pauses_the_way_out(desk: Make) -> None:
    """G21: more than 20 % policy refusals at one provider, from five on."""
    office = desk(40)
    _, worker, ids = office.begin(list(range(1, 41)))
    blocked = "550 5.7.1 blocked using a list"
    for journalist in range(1, 17):
        office.answer(worker, ids[journalist], "250 ok", START)
    for journalist in range(17, 22):
        assert _paused(office.room) == set()
        office.answer(worker, ids[journalist], blocked, START)
    assert _paused(office.room) == {"main"}


def test_one_outlet_that_refuses_does_not_stop_everybody(desk: Make) -> None:
    """G8: six colleagues behind one strict filter, among many; and one spam verdict alone."""
    office = desk(100)
    _, worker, ids = office.begin(list(range(1, 101)))
    with office.room.store.write() as tx:
        tx.execute("UPDATE addresses SET email = 'x' || email || '.net' WHERE journalist > 94", {})
    office.answer(worker, ids[1], "550 5.7.1 Message rejected as spam", START)
    for journalist in range(2, 95):
        office.answer(worker, ids[journalist], "250 ok", START)
    for journalist in range(95, 101):
        office.answer(worker, ids[journalist], "550 5.7.1 denied by policy", START)
    assert _paused(office.room) == set()


def test_routes_are_paused_and_resumed_by_name(desk: Make) -> None:
    """An officer's own pause, and what cannot be done."""
    office = desk(1)
    name = office.room.config.routes[0].name
    routes.pause(office.room, name, "anna", reason="moving house")
    [row] = routes.ls(office.room)
    assert (row["state"], row["reason"]) == ("paused", "moving house")
    with pytest.raises(Refused, match="paused already"):
        routes.pause(office.room, name, "anna")
    routes.resume(office.room, name, "anna")
    assert [row["state"] for row in routes.ls(office.room)] == ["working"]
    with pytest.raises(Refused, match="neither paused nor resting"):
        routes.resume(office.room, name, "anna")
    with pytest.raises(NotFound, match='no mail service "other"'):
        routes.pause(office.room, "other", "anna")


def test_accepts_ask_the_store_nothing(desk: Make) -> None:
    """H21: a batch of plain accepts runs no statement for what follows from it."""
    office = desk(1)
    accepted = Result(
        1, 1, 1, DeliveryState.ACCEPTED, START, START, "main", "DOT", 250, "2.0.0", "ok",
        "accepted", None, START, None,
    )  # fmt: skip
    consequences.apply(office.room, None, [accepted] * 1000)  # type: ignore[arg-type]


def test_a_soft_failure_is_never_taken_for_dead() -> None:
    """G6: only `dead` of an address counts at once."""
    assert not Judgement(Verdict.DEAD, "address", reason="no_such_user").needs_second_day
    assert Judgement(Verdict.DEAD, "destination", reason="null_mx").needs_second_day
    assert not Judgement(Verdict.TEMPORARY, "destination").needs_second_day


def _version(room: Newsroom) -> int:
    with room.store.read() as tx:
        return control_version(tx)


def _paused(room: Newsroom) -> set[str]:
    with room.store.read() as tx:
        return paused(tx)


def _state(room: Newsroom, number: int) -> str:
    with room.store.read() as tx:
        row = tx.one("distributions.get", id=number)
        assert row is not None and waves(tx, number)
        return str(row["state"])
