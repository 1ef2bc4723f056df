"""Several ways out, rates, limits and pauses: real senders against real servers (group H)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mailer.config import load
from mailer.distribution import routes

from tests.distribution.recorder import Got, Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office
from tests.exactness import faults_of
from tests.ports import unused_port

TWO = {"MAILER_SENDING__PROCESSES": "2"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "room"


def configure(office: Office, text: str, smtp: str = "") -> None:
    """Add sections to config.toml, and keys to [smtp]."""
    path = office.config.path
    whole = path.read_text().replace("[smtp]\n", f"[smtp]\n{smtp}\n", 1)
    path.write_text(whole + text)
    office.config = load(path, {})


def route(name: str, port: int, more: str = "") -> str:
    return (
        f'\n[[routes]]\nname = "{name}"\nurl = "smtp://127.0.0.1:{port}?starttls=never"\n{more}\n'
    )


def move(office: Office, domain: str, journalists: Sequence[int]) -> None:
    """Give journalists an address at another domain."""
    with open_room(office.config) as room, room.store.write() as tx:
        for number in journalists:
            tx.execute(
                "UPDATE addresses SET email = :email WHERE journalist = :id",
                {"email": f"j{number}@{domain}", "id": number},
            )


def busiest(got: Sequence[Got], seconds: float) -> int:
    """The most messages within any window of so many seconds."""
    times = sorted(each.at for each in got)
    return max(
        (sum(1 for t in times if start <= t < start + seconds) for start in times), default=0
    )


def standing(office: Office) -> list[dict[str, Any]]:
    """What is said of each route."""
    with open_room(office.config) as room:
        return routes.ls(room)


def test_a_rate_holds_over_all_processes(folder: Path, store_url: str) -> None:
    """H12, A31: two senders, one rate; nothing lost, and nothing slower than asked."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 200)
        configure(office, "", 'rate = "50"')
        office.run(**TWO)
        assert set(server.recipients.values()) == {1} and len(server.got) == 200
        assert busiest(server.got, 1.0) <= 60
        times = sorted(got.at for got in server.got)
        assert 3.7 <= times[-1] - times[0] <= 6.0


def test_a_rate_below_one_a_second_sends(folder: Path, store_url: str) -> None:
    """H12: one message every two seconds is a rate as well."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 2)
        configure(office, "", 'rate = "0.5"')
        assert office.run(**TWO).counts["accepted"] == 2
        first, second = sorted(got.at for got in server.got)
        assert second - first >= 1.8


def test_domains_take_their_own_route(folder: Path, store_url: str) -> None:
    """Decision 6: a route for some domains serves them alone; the log says which."""
    with Recorder() as main, Recorder() as agencies:
        office = Office(folder, main.port, store_url, 20)
        configure(office, route("agencies", agencies.port, 'domains = ["example.net"]'))
        move(office, "example.net", range(1, 8))
        office.run()
    assert {got.rcpt_to for got in agencies.got} == {f"j{n}@example.net" for n in range(1, 8)}
    assert len(main.got) == 13
    by_route = {row["email"]: row["route"] for row in office.rows()}
    assert by_route["j1@example.net"] == "agencies"
    assert by_route["j9@example.com"] == office.config.routes[0].name


def test_a_spare_takes_over_and_the_first_is_used_again(folder: Path, store_url: str) -> None:
    """Decision 6: nobody is lost or doubled; the rest stands in the store and ends by itself."""
    port = unused_port()
    with Recorder() as spare:
        office = Office(folder, port, store_url, 60, sending='retry = ["8s"]')
        configure(office, route("spare", spare.port))
        assert office.run(**TWO).counts["accepted"] == 60
        assert set(spare.recipients.values()) == {1} and len(spare.got) == 60
        assert {row["attempts"] for row in office.rows()} == {1}
        first, second = standing(office)
        assert second["state"] == "working" and "away" in str(first["reason"])
        until = time.monotonic() + 30
        while standing(office)[0]["reason"]:
            assert time.monotonic() < until
            time.sleep(0.1)
        with Recorder(port=port) as first_server:
            office.queue(range(1, 61))
            office.run()
            assert first_server.got, "the first is tried again after its rest"
            assert len(first_server.got) + len(spare.got) == 120
            assert {row["state"] for row in standing(office)} == {"working"}


def test_failover_keeps_to_the_other_routes_rate(folder: Path, store_url: str) -> None:
    """H12: what comes over from a route that is away takes places as everything does."""
    with Recorder() as spare:
        office = Office(folder, unused_port(), store_url, 30, sending='retry = ["1h"]')
        configure(office, route("spare", spare.port, 'rate = "10"'))
        office.run(**TWO)
        assert office.states() == {"accepted": 30}
        assert busiest(spare.got, 1.0) <= 14


@pytest.mark.parametrize(
    ("answer", "elsewhere", "state"),
    [("454 4.7.0 not now", 10, "accepted"), ("550 5.1.1 no such user", 0, "refused"),
     ("450 4.2.1 busy", 0, "deferred")],
)  # fmt: skip
def test_only_what_speaks_of_the_route_goes_elsewhere(
    folder: Path, store_url: str, answer: str, elsewhere: int, state: str
) -> None:
    """Decision 6, G13: never after a 5xx, nor for what a server says of the recipient."""
    with Recorder(rcpt=lambda _: answer) as first, Recorder() as spare:
        office = Office(folder, first.port, store_url, 10, sending='retry = ["1h"]')
        configure(office, route("spare", spare.port))
        office.run()
    assert office.states() == {state: 10}
    assert len(spare.got) == elsewhere


def test_who_was_answered_530_waits_for_that_route(folder: Path, store_url: str) -> None:
    """Decision 6: it speaks of our sign-in, and still no 5xx goes to another server."""
    with (
        Recorder(rcpt=lambda _: "530 5.7.0 Authentication required") as first,
        Recorder() as spare,
    ):
        office = Office(folder, first.port, store_url, 40, sending='retry = ["1h"]')
        configure(office, route("spare", spare.port))
        office.run()
    asked = {address for _, address in first.rcpt_to}
    assert asked and not asked & set(spare.recipients)
    assert office.states() == {"deferred": len(asked), "accepted": 40 - len(asked)}


def test_one_at_a_time_over_two_processes(folder: Path, store_url: str) -> None:
    """H12: a destination's limit is for all senders of a machine; the others do not wait."""
    with Recorder(delay=0.02) as server:
        office = Office(folder, server.port, store_url, 100)
        more = '\n[[destinations]]\nname = "paper"\ndomains = ["example.net"]\nconnections = 1\n'
        configure(office, more)
        move(office, "example.net", range(1, 100, 2))
        office.run(**TWO)  # long enough for both to have some of them in hand
    assert office.states() == {"accepted": 100}
    paper = sorted(got.at for got in server.got if got.rcpt_to.endswith("example.net"))
    # `at` is the dot; its answer comes 20 ms later, so no two dots may be closer.
    assert min(later - sooner for sooner, later in pairwise(paper)) >= 0.018
    assert max(got.at for got in server.got if got.rcpt_to.endswith(".com")) < paper[-1]


def test_lost_before_the_dot_goes_elsewhere_lost_after_it_never(
    folder: Path, store_url: str
) -> None:
    """H8, decision 6."""
    with (
        Recorder(rcpt=lambda a: "" if a.startswith("j1@") else "250 ok") as first,
        Recorder() as spare,
    ):
        office = Office(folder, first.port, store_url, 5, connections=1)
        configure(office, route("spare", spare.port))
        office.run()
        assert office.states() == {"accepted": 5}
        assert "j1@example.com" in spare.recipients
        spare.got.clear()
        first.rcpt, first.dot = (lambda _: "250 ok"), (lambda a: "" if "j2@" in a else "250 ok")
        office.queue(range(1, 6))
        office.run()
    rows = [row for row in office.rows() if row["state"] == "in_doubt"]
    assert [row["email"] for row in rows] == ["j2@example.com"]
    assert "j2@example.com" not in spare.recipients


def test_a_paused_route_sends_nothing_and_resume_lets_go_at_once(
    folder: Path, store_url: str
) -> None:
    """G8: `run --once` leaves and says so; what waited is due at the officer's word."""
    with Recorder() as server:
        office = Office(folder, server.port, store_url, 30)
        name = office.config.routes[0].name
        with open_room(office.config) as room:
            routes.pause(room, name, "anna")
        process = office.start("run", "--once")
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert f"mail service {name} is paused" in said.decode()
        assert office.states() == {"deferred": 30} and not server.mail_from
        assert {row["reason"] for row in office.rows()} == {f"mail service {name} is paused"}
        with open_room(office.config) as room:
            routes.resume(room, name, "anna")
        office.run()
        assert office.states() == {"accepted": 30}


def test_another_steps_in_for_a_paused_route(folder: Path, store_url: str) -> None:
    """Decision 6: and what only the paused one serves waits for it."""
    with Recorder() as main, Recorder() as agencies, Recorder() as only:
        office = Office(folder, main.port, store_url, 20)
        configure(office, route("spare", agencies.port) + route("x", only.port, "order = 20"))
        with open_room(office.config) as room:
            routes.pause(room, office.config.routes[0].name, "anna")
        office.run()
    assert office.states() == {"accepted": 20}
    assert (len(main.got), len(agencies.got), len(only.got)) == (0, 20, 0)


def test_a_rest_is_seen_by_the_next_process_and_resume_ends_it(
    folder: Path, store_url: str
) -> None:
    """H11: nothing is tried while it lasts."""
    port = unused_port()
    office = Office(folder, port, store_url, 10, sending='retry = ["1h"]')
    office.run()
    with Recorder(port=port) as server:
        office.queue(range(1, 6))
        office.run()
        assert not server.connections
        assert office.states() == {"deferred": 15}
        with open_room(office.config) as room:
            [row] = routes.ls(room)
            assert row["state"] == "resting" and row["until"]
            routes.resume(room, str(row["route"]), "anna")
        office.run()
        assert office.states() == {"accepted": 15}
        with open_room(office.config) as room:
            assert faults_of(room.store) == [], "who waits untried is in the table of moves"


def test_a_destination_that_asks_for_a_pause_gets_one(folder: Path, store_url: str) -> None:
    """G11, H13: all its deliveries wait, untried ones too; the others go on."""

    def rcpt(address: str) -> str:
        slow = address.endswith("gmail.example.net")
        return "421 4.7.28 unusual rate of mail" if slow else "250 ok"

    with Recorder(rcpt=rcpt) as server:
        office = Office(folder, server.port, store_url, 120, sending='retry = ["1h"]')
        move(office, "gmail.example.net", range(1, 61))
        office.run()
    assert office.states() == {"accepted": 60, "deferred": 60}
    assert len([a for _, a in server.rcpt_to if "gmail" in a]) <= 15
    untried = [row for row in office.rows() if row["state"] == "deferred" and not row["attempts"]]
    assert {row["reason"] for row in untried} == {"gmail.example.net asked for a pause"}


def test_the_rate_of_a_destination_holds_over_two_processes(folder: Path, store_url: str) -> None:
    """H12, H13: never more than its rate; nobody else waits for them."""
    with Recorder(delay=0.02) as server:
        office = Office(folder, server.port, store_url, 80)
        configure(
            office, '\n[[destinations]]\nname = "paper"\ndomains = ["example.net"]\nrate = "5"\n'
        )
        move(office, "example.net", range(1, 31))
        office.run(**TWO)
    assert office.states() == {"accepted": 80}
    limited = sorted(got.at for got in server.got if got.rcpt_to.endswith("example.net"))
    others = [got.at for got in server.got if not got.rcpt_to.endswith("example.net")]
    paper = [got for got in server.got if got.rcpt_to.endswith("example.net")]
    # In three seconds fifteen, and what a busy machine pushes together; at five a second of each
    # process it would be all thirty.
    assert busiest(paper, 3.0) <= 21
    assert max(others) < limited[15], "the first half of them takes three seconds"


def test_a_warm_up_takes_its_number_and_no_more(folder: Path, store_url: str) -> None:
    """A31: over two senders; the rest waits for tomorrow, or takes another route.

    The number is smaller than a claim, so that one claim alone would pass it.
    """
    from datetime import date

    today = date.today().isoformat()
    with Recorder() as server, Recorder() as other:
        office = Office(folder, server.port, store_url, 30)
        configure(office, f"\n[smtp.warm_up]\nsince = {today}\nfirst = 3\n")
        office.run(**TWO)
        assert office.states() == {"accepted": 3, "deferred": 27}
        waiting = [row for row in office.rows() if row["state"] == "deferred"]
        assert {row["reason"] for row in waiting} == {"warm-up: enough for today"}
        configure(office, route("second", other.port))
        office.queue(range(1, 6))
        office.run(**TWO)
        assert len(server.got) == 3 and len(other.got) == 5
        office.queue(range(1, 4), embargo_in=0.5, due_in=0.5)
        time.sleep(0.7)
        office.run()
        assert len(server.got) == 6, "a lift reaches everybody at once (D22)"


def test_an_outage_uses_nothing_of_a_warm_up(folder: Path, store_url: str) -> None:
    """A31: what never began at a server was not carried by it."""
    from datetime import date

    port = unused_port()
    office = Office(folder, port, store_url, 8)
    configure(office, f"\n[smtp.warm_up]\nsince = {date.today().isoformat()}\nfirst = 8\n")
    office.run()
    time.sleep(1.4)
    with Recorder(port=port) as server:
        office.run()
        assert len(server.got) == 8


def test_connections_grow_while_a_slow_server_takes_messages(folder: Path, store_url: str) -> None:
    """H21: at 200 ms a message throughput is connections divided by latency."""
    with Recorder(delay=0.2) as server:
        office = Office(folder, server.port, store_url, 150, connections=12)
        office.run()
        assert office.states() == {"accepted": 150}
        assert server.connections == 12
