"""An officer's word while several routes and paces are at work: obeyed within a second (group H).

Real senders, as processes, against real servers; what counts is the servers' own record of when
each MAIL FROM came.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from mailer.config import load
from mailer.distribution import control, routes, subscriptions
from mailer.distribution.log import status_of
from mailer.message.tokens import UNSUBSCRIBE, Token, verp_read

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import wait_gone
from tests.distribution.test_supervisor import command, serving, until
from tests.distribution.test_ways import route
from tests.exactness import faults_of

WITHIN = 1.0
"""Seconds after an act was answered in which a MAIL FROM may still come (H15)."""

WATCHED = 1.8
"""Seconds for which servers are watched after an act."""

SLOW = 0.3
"""Seconds an answer takes then: what senders had in hand would last for longer than `WITHIN`. The
MAIL FROM that was written behind a final dot is read after that dot's answer."""

NET = 'domains = ["example.net"]'


@contextlib.contextmanager
def at_work(
    folder: Path,
    store_url: str,
    first: Recorder,
    people: int,
    more: str,
    *,
    smtp: str = "",
    connections: int = 4,
) -> Iterator[Press]:
    """A newsroom with two senders and more sections in its configuration; every other journalist
    is at example.net."""
    with Press(folder, store_url, port=first.port, connections=connections) as press:
        path = press.config.path
        text = path.read_text().replace("[smtp]\n", f"[smtp]\n{smtp}\n", 1)
        text = text.replace("processes = 1\n", 'processes = 2\nretry = ["1s"]\n')
        path.write_text(text + more)
        press.config = load(path, {})
        press.room.close()
        press.room = open_room(press.config)
        domains = ("example.com", "example.net")
        press.people("all", [f"j{n}@{domains[n % 2]}" for n in range(1, people + 1)])
        yield press


def mail_from(press: Press, servers: Iterable[Recorder]) -> list[tuple[float, int]]:
    """When each MAIL FROM came, at whichever server, and for which delivery."""
    found = []
    for server in servers:
        for at, line in list(server.mail_from):
            delivery = verp_read(line[line.index("<") + 1 : line.index(">")], press.room.keys)
            assert delivery is not None, line
            found.append((at, delivery))
    return sorted(found)


def got(servers: Iterable[Recorder]) -> Counter[str]:
    """How many messages each journalist got over all servers."""
    return sum((server.recipients for server in servers), Counter[str]())


def leave(press: Press, number: int, most: int) -> dict[int, float]:
    """Journalists opt out by their links, of those whom a sender is about to mail and of those
    who wait; their deliveries, and when each was answered."""
    answered = {}
    for state in (1, 0):
        rows = press.rows(
            "SELECT id, journalist, list FROM deliveries WHERE distribution = :n AND state = :s "
            "ORDER BY id DESC LIMIT :most",
            n=number,
            s=state,
            most=most,
        )
        for delivery, journalist, of_list in rows:
            token = Token(journalist, of_list, delivery, UNSUBSCRIBE)
            assert subscriptions.opt_out(press.room, token, method="one-click")
            answered[delivery] = time.monotonic()
    return answered


@contextlib.contextmanager
def slow(servers: Sequence[Recorder]) -> Iterator[None]:
    """Servers that take their time from now on."""
    before = [server.delay for server in servers]
    for server in servers:
        server.delay = SLOW
    yield
    for server, delay in zip(servers, before, strict=True):
        server.delay = delay


@dataclass
class Scene:
    """Two servers, what config.toml says beside the first route, and what happens to the first
    once messages flow."""

    more: str
    smtp: str = ""
    people: int = 700
    moves: bool = False


LIMIT = '\n[[destinations]]\nname = "paper"\ndomains = ["example.net"]\nconnections = 2\n'
SCENES = {
    "two routes": Scene("ROUTE" + NET),
    "two rates": Scene(f'ROUTE{NET}\nrate = "50"', smtp='rate = "50"', people=320),
    "a destination at its limit": Scene(f"ROUTEorder = 5\n{LIMIT}", people=400),
    "just moved": Scene("ROUTEorder = 5", people=500, moves=True),
    "just moved to a rate": Scene('ROUTEorder = 5\nrate = "80"', people=320, moves=True),
}


# Which ways are at work is a sender's business; what stops them is the store's.
@pytest.mark.parametrize(
    ("store_url", "name"),
    [*(("sqlite", name) for name in SCENES), ("postgresql", "a destination at its limit")],
    indirect=["store_url"],
)
def test_no_mail_from_later_than_a_second_whatever_is_at_work(
    tmp_path: Path, store_url: str, name: str
) -> None:
    """H15, decision 3: pause, opt-out and cancel over all processes, routes and paces; after
    `resume` everybody else gets it once."""
    scene = SCENES[name]
    with Recorder(delay=0.05) as first, Recorder(delay=0.05) as second:
        both = (first, second)
        more = scene.more.replace("ROUTE", route("second", second.port))
        with (
            at_work(
                tmp_path / "room", store_url, first, scene.people, more, smtp=scene.smtp
            ) as press,
            serving(press.config),
        ):
            press.queue("list:all")
            begin(scene, first, second)
            with slow(both):
                control.pause(press.room, 1, "anna")
                answered = time.monotonic()
                time.sleep(WATCHED)
            assert not [at for at, _ in mail_from(press, both) if at > answered + WITHIN]
            before = got(both)
            assert sum(before.values()) < scene.people, "there was nothing left to hold back"

            control.resume(press.room, 1, "anna")
            until(lambda: sum(got(both).values()) >= sum(before.values()) + 20)
            with slow(both):
                left = leave(press, 1, 25)
                time.sleep(WATCHED)
            until(lambda: status_of(press.room, 1)["state"] == "done", 60)
            late = [
                delivery
                for at, delivery in mail_from(press, both)
                if at > left.get(delivery, at) + WITHIN
            ]
            assert left and not late
            counts = status_of(press.room, 1)["counts"]
            assert counts["suppressed"] and set(got(both).values()) == {1}
            assert counts == {
                "accepted": sum(got(both).values()),
                "suppressed": scene.people - sum(got(both).values()),
            }

            first.rcpt = lambda _: "250 2.1.5 ok"
            for server in both:
                server.got.clear()
            press.queue("list:all")
            begin(scene, first, second)
            with slow(both):
                stopped = control.cancel(press.room, 2, "anna")
                answered = time.monotonic()
                time.sleep(WATCHED)
            assert stopped.cancelled
            assert not [at for at, _ in mail_from(press, both) if at > answered + WITHIN]
            until(lambda: set(status_of(press.room, 2)["counts"]) == {"accepted", "cancelled"})
            assert status_of(press.room, 2)["counts"]["accepted"] == sum(got(both).values())
            assert set(got(both).values()) == {1}
            assert faults_of(press.room.store) == []


def begin(scene: Scene, first: Recorder, second: Recorder) -> None:
    """Wait until it is well under way at both servers, or has just moved to the second."""
    until(lambda: len(first.got) >= scene.people // 7)
    if scene.moves:
        asked = len(second.mail_from)
        first.rcpt = lambda _: "454 4.7.0 not now"
        until(lambda: len(second.mail_from) > asked)
    elif "order" not in scene.more:
        until(lambda: len(second.got) >= 20)


def test_sigterm_with_two_routes_and_rates_gives_everything_back(
    tmp_path: Path, store_url: str
) -> None:
    """Decision 5: no new MAIL FROM, replies awaited, nobody twice after the next start."""
    people = 300
    with Recorder(delay=0.05) as first, Recorder(delay=0.05) as second:
        both = (first, second)
        more = route("second", second.port, f'{NET}\nrate = "40"')
        with at_work(
            tmp_path / "room", store_url, first, people, more, smtp='rate = "40"'
        ) as press:
            press.queue("list:all")
            process = command(press.config, "run")
            until(lambda: len(first.got) >= 40 and len(second.got) >= 40)
            for server in both:
                server.delay = 0.6
            until(lambda: first.open and second.open)
            process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            _, said = process.communicate(timeout=40)
            assert process.returncode == 0, said
            wait_gone(process.pid, 1.0)
            assert not [at for at, _ in mail_from(press, both) if at > told + WITHIN]
            taken = sum(got(both).values())
            assert taken < people
            # Who found no place in a rate waits for his turn, untried like the others.
            counts = Counter(status_of(press.room, 1)["counts"])
            assert counts["accepted"] == taken
            assert counts["queued"] + counts["deferred"] == people - taken == counts.total() - taken
            tried = "SELECT count(*) FROM deliveries WHERE state <> 3 AND attempts > 0"
            assert press.rows(tried) == [(0,)]
            assert list((press.config.spool_dir / "journals").iterdir()) == []
            for server in both:
                server.delay = 0.0
            assert press.run().counts == {"accepted": people - taken}
            assert set(got(both).values()) == {1} and sum(got(both).values()) == people
            assert faults_of(press.room.store) == []


def word(press: Press, *arguments: str) -> float:
    """An officer's word by the command line; when it was answered."""
    process = command(press.config, *arguments)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    return time.monotonic()


def since(server: Recorder, at: float) -> int:
    """How many MAIL FROM came to a server after that instant."""
    return sum(1 for each, _ in list(server.mail_from) if each > at)


def test_a_route_paused_while_it_works_sends_nothing_and_comes_back(
    tmp_path: Path, store_url: str
) -> None:
    """G8, H15: the other takes over what it may; what only the paused one serves waits, and goes
    at the officer's word."""
    people = 2000
    with Recorder(delay=0.05) as first, Recorder(delay=0.05) as second:
        more = route("second", second.port, NET)
        with (
            at_work(tmp_path / "room", store_url, first, people, more) as press,
            serving(press.config),
        ):
            press.queue("list:all")
            until(lambda: len(first.got) >= 60 and len(second.got) >= 60)

            with slow([second]):
                paused = word(press, "routes", "pause", "second")
                beside = len(first.got)
                until(lambda: len(first.got) >= beside + 60)
                time.sleep(max(0.0, paused + WATCHED - time.monotonic()))
            assert not since(second, paused + WITHIN)
            assert [each["state"] for each in routes.ls(press.room)] == ["working", "paused"]
            assert any(got.rcpt_to.endswith("example.net") for got in first.got)

            word(press, "routes", "resume", "second")
            back = len(second.got)
            until(lambda: len(second.got) > back)

            with slow([first]):
                paused = word(press, "routes", "pause", press.config.routes[0].name)
                time.sleep(WATCHED)
            assert not since(first, paused + WITHIN)
            until(lambda: not press.rows(WAITING, domain="%example.net"), 60)
            assert press.rows(WAITING, domain="%example.com"), "nothing had to wait"
            assert not since(first, paused + WITHIN)

            word(press, "routes", "resume", press.config.routes[0].name)
            until(lambda: status_of(press.room, 1)["state"] == "done", 60)
            assert status_of(press.room, 1)["counts"] == {"accepted": people}
            assert set(got((first, second)).values()) == {1}
            assert not any(got.rcpt_to.endswith("example.com") for got in second.got)
            assert faults_of(press.room.store) == []


WAITING = (
    "SELECT d.id FROM deliveries d JOIN addresses a ON a.journalist = d.journalist "
    "WHERE d.state IN (0, 1, 2) AND a.email LIKE :domain"
)
"""Deliveries that are not settled yet."""


def test_nobody_is_left_behind_by_a_resume_in_the_middle_of_putting_off(
    tmp_path: Path, store_url: str
) -> None:
    """G8: what a sender puts off while the word is given waits no longer than the rest."""
    people = 2400
    with Recorder() as first, Recorder() as second:
        more = route("second", second.port, NET)
        with (
            at_work(tmp_path / "room", store_url, first, people, more) as press,
            serving(press.config),
        ):
            name = press.config.routes[0].name
            routes.pause(press.room, name, "anna")
            press.queue("list:all")
            until(lambda: len(press.rows(PUT_OFF, domain="%example.com")) >= 100)
            routes.resume(press.room, name, "anna")
            until(lambda: status_of(press.room, 1)["state"] == "done", 60)
            assert set(got((first, second)).values()) == {1}


PUT_OFF = WAITING.replace("(0, 1, 2)", "(2)")
"""Deliveries that wait to be due again."""
