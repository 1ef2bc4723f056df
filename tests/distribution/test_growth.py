"""Connections that grow and shrink, destinations that come back, a route's breaker (group H).

Real senders, as processes, against real servers; the servers count.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.distribution import routes
from mailer.distribution.doctor import examine
from mailer.distribution.log import status, status_of

from tests.distribution.recorder import Got, Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office
from tests.distribution.test_control_of_ways import at_work, got, since
from tests.distribution.test_supervisor import serving, until
from tests.distribution.test_ways import move, route
from tests.ports import unused_port

SLOW = 0.1
"""Seconds before each final answer: throughput is connections divided by this."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "room"


@contextlib.contextmanager
def running(office: Office) -> Iterator[threading.Thread]:
    """`run --once` beside the test; it has come to its end afterwards."""
    thread = threading.Thread(target=office.run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(90)
        assert not thread.is_alive()


def under_way(got: list[Got], at: float, delay: float) -> int:
    """How many messages had their final dot and not yet their answer at that instant."""
    return sum(1 for each in got if each.at <= at < each.at + delay)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)  # the store has no part in it
@pytest.mark.parametrize(
    "answer", ["421 4.3.2 closing for a moment", "451 4.3.2 busy", "450 4.7.1 later"]
)
def test_connections_shrink_when_it_defers_at_mail_and_grow_again(
    folder: Path, store_url: str, answer: str
) -> None:
    """H12, G11: half of them, at most; a server that bears it gets all again."""
    with Recorder(delay=SLOW) as server:
        office = Office(folder, server.port, store_url, 1000, connections=12)
        with serving(office.config):
            until(lambda: server.open == 12)
            server.mail = lambda: answer
            until(lambda: server.open <= 6)
            asked = len(server.mail_from)
            server.mail = lambda: "250 2.1.0 ok"
            until(lambda: server.open == 12, 40)
            assert asked < 1000
            until(lambda: office.states() == {"accepted": 1000}, 60)
    assert set(server.recipients.values()) == {1}


def test_a_hand_never_holds_more_than_a_second_or_two(folder: Path, store_url: str) -> None:
    """Decision 3: a claim holds at most about one second of sending, from the first on."""
    with Recorder(delay=SLOW) as server:
        office = Office(folder, server.port, store_url, 250, connections=4)
        most = 0
        with running(office) as thread, open_room(office.config) as room:
            while thread.is_alive():
                with room.store.read() as tx:
                    [row] = tx.rows("SELECT count(*) AS n FROM deliveries WHERE state = 1", {})
                most = max(most, row["n"])
                time.sleep(0.05)
        # Four connections, ten messages a second each.
        assert 8 <= most <= 80
        assert office.states() == {"accepted": 250}


def test_after_its_pause_a_destination_begins_with_one_at_a_time(
    folder: Path, store_url: str
) -> None:
    """G11: one more for each full round that was taken; the others never slow down."""
    people, delay = 260, 0.1
    tired = [True]

    def rcpt(address: str) -> str:
        slow = tired[0] and address.endswith("gmail.example.net")
        return "421 4.3.2 not now" if slow else "250 ok"

    with Recorder(delay=delay, rcpt=rcpt) as server:
        office = Office(
            folder, server.port, store_url, people, connections=12, sending='retry = ["2s"]'
        )
        move(office, "gmail.example.net", range(1, 121))
        with serving(office.config):
            until(lambda: any("gmail" in address for _, address in server.rcpt_to))
            # Until nobody asks there any more: the pause has come to all that was under way.
            last = -1.0
            while time.monotonic() < last + 0.7 or last < 0:
                last = max(at for at, address in list(server.rcpt_to) if "gmail" in address)
                time.sleep(0.05)
            tired[0] = False
            until(lambda: office.states() == {"accepted": people}, 60)
        there = sorted(
            (each for each in server.got if "gmail" in each.rcpt_to), key=lambda each: each.at
        )
        at_once = [under_way(there, each.at, delay * 0.9) for each in there]
        # The n-th message comes in the round in which at most n at a time were allowed.
        assert at_once[0] == 1 and max(at_once[:3]) <= 2 and max(at_once[:6]) <= 3
        assert max(at_once) >= 6
    assert set(server.recipients.values()) == {1}


def test_a_route_that_is_away_rests_is_tried_by_one_and_works_again(
    tmp_path: Path, store_url: str
) -> None:
    """Decision 6, G8: under `serve`, over two senders; officers are told; nobody is lost or
    doubled."""
    people = 900
    with Recorder(delay=0.05) as spare:
        first = Recorder(port=unused_port(), delay=0.4)
        more = route("spare", spare.port, "order = 5")
        with (
            at_work(tmp_path / "room", store_url, first, people, more) as press,
            serving(press.config) as events,
        ):
            name = press.config.routes[0].name
            press.queue("list:all")
            until(lambda: len(spare.got) >= 40)
            until(lambda: routes.ls(press.room)[0]["state"] == "resting")
            resting = routes.ls(press.room)[0]
            assert "no connection" in str(resting["reason"]) and resting["until"]
            assert [e["route"] for e in events if e["event"] == "away"].count(name)
            [note] = status(press.room).notes
            assert note.startswith(f"Mail service {name} rests until ") and "no connection" in note

            def examined() -> bool:
                return any(
                    check.message.startswith("It rests until ")
                    for check in examine(press.config)
                    if check.name == f"route {name}"
                )

            # A busy machine may be longer about it than one rest lasts; then the next one counts.
            until(examined, 30)

            with first:
                until(lambda: first.connections, 30)
                tried = time.monotonic()
                until(lambda: first.got, 30)
                assert first.connections <= 2, "one a sender finds out"
                until(lambda: routes.ls(press.room)[0]["state"] == "working", 30)
                until(lambda: first.open >= 4, 30)
                assert since(spare, tried), "the other went on meanwhile"
                until(lambda: status_of(press.room, 1)["state"] == "done", 90)
                assert status_of(press.room, 1)["counts"] == {"accepted": people}
                assert set(got((first, spare)).values()) == {1}
                assert status(press.room).notes == []
                assert press.rows("SELECT name FROM routes") == [], "its rests are forgotten"


def test_a_route_that_answers_for_itself_is_tried_with_few_and_probed_with_one(
    tmp_path: Path, store_url: str
) -> None:
    """Decision 6: what senders have in hand goes to the spare untried, and connections that are
    still open do not all try again."""
    people = 1500
    with Recorder(delay=0.05) as first, Recorder(delay=0.05) as spare:
        more = route("spare", spare.port, "order = 5")
        with (
            at_work(tmp_path / "room", store_url, first, people, more, connections=8) as press,
            serving(press.config),
        ):
            press.queue("list:all")
            until(lambda: len(first.got) >= 150)
            said_no = time.monotonic()
            first.rcpt = lambda _: "454 4.7.0 not now"
            until(lambda: len(spare.got) >= 20)
            # One behind each message on the wire, and one more where it heard the answer late.
            asked = [at for at, _ in first.rcpt_to if at > said_no]
            assert len(asked) <= 2 * 2 * 8
            last = asked[-1]
            until(lambda: since(first, last + 0.3) >= 4, 30)
            times = [at for at, _ in first.mail_from if at > last + 0.3]
            first.rcpt = lambda _: "250 2.1.5 ok"
            most = max(sum(1 for at in times if begin <= at < begin + 0.5) for begin in times)
            # Two senders, and what had not heard yet; without a rest all sixteen would try.
            assert most < 8
            until(lambda: status_of(press.room, 1)["state"] == "done", 90)
            assert status_of(press.room, 1)["counts"] == {"accepted": people}
            assert set(got((first, spare)).values()) == {1}
