"""Fifty people a second leave while a distribution is being sent: nobody is mailed a second later.

Everything is real and a process of its own: supervisor, sender, scheduler, the journalists' pages,
and a mail server that records when each MAIL FROM came in.
"""

from __future__ import annotations

import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from mailer.message.tokens import UNSUBSCRIBE, Token, mint
from mailer.store.distributions import DELIVERY_SHIFT

from tests.distribution.room import open_room
from tests.distribution.sending import Office, wait_gone
from tests.ports import unused_port
from tests.smtp.chaos import read_record
from tests.smtp.helpers import Outside

PEOPLE = 4000
RATE = 300
EACH_SECOND, SECONDS = 50, 6.0
ONE_CLICK = {"content": "List-Unsubscribe=One-Click"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Outside]:
    with Outside(tmp_path / "record") as server:
        yield server


def test_no_mail_from_later_than_a_second_after_a_post_was_answered(
    tmp_path: Path, server: Outside
) -> None:
    """F10, H15: 50 one-click POSTs a second during a running distribution."""
    office = Office(
        tmp_path / "room", server.port, "sqlite:///mailer.db", PEOPLE, sending='retry = ["1s"]'
    )
    port = unused_port()
    environ = {
        "MAILER_WEB__PUBLIC": f"127.0.0.1:{port}",
        "MAILER_WEB__DESK": f"127.0.0.1:{unused_port()}",
        "MAILER_SMTP__RATE": str(RATE),
    }
    with open_room(office.config) as room:
        links = {
            person: mint(
                room.keys,
                Token(person, 1, (office.number << DELIVERY_SHIFT) + person, UNSUBSCRIBE),
            )
            for person in range(1, PEOPLE + 1)
        }
    # Deliveries leave in the order of their numbers, so those who leave are ahead of the sender.
    leaving = random.Random(7).sample(range(PEOPLE // 8, PEOPLE + 1), int(EACH_SECOND * SECONDS))
    answered: dict[int, int] = {}
    lock = threading.Lock()
    process = office.start("serve", **environ)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            _wait(lambda: _serves(client) and len(taken(server)) > 100)

            def leave(person: int, at: float) -> None:
                time.sleep(max(0.0, at - time.monotonic()))
                answer = client.post(f"/u/{links[person]}", headers=FORM, **ONE_CLICK)
                now = time.time_ns() // 1000
                assert answer.status_code == 200
                with lock:
                    answered[person] = now

            began = time.monotonic()
            with ThreadPoolExecutor(16) as pool:
                for number, person in enumerate(leaving):
                    pool.submit(leave, person, began + number / EACH_SECOND)
        _wait(lambda: office.states()["queued"] == 0, every=0.5)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
        wait_gone(process.pid)
    assert len(answered) == len(leaving)
    mailed = {}
    for kind in ("message", "envelope"):
        for entry in read_record(server.record, kind):
            for address in re.findall(r"<j(\d+)@", str(entry["rcpt_to"])):
                mailed[int(address)] = entry["mail_at"]
    assert len(mailed) > PEOPLE // 2
    late = {
        person: (mailed[person] - at) / 1e6
        for person, at in answered.items()
        if mailed.get(person, 0) > at + 1_000_000
    }
    assert not late, f"MAIL FROM so many seconds after the POST was answered: {late}"
    spared = sum(person not in mailed for person in leaving)
    assert spared > len(leaving) // 10, "nobody left before his message did; the test shows nothing"
    end = max(mailed.values())
    meanwhile = sum(at < end for at in answered.values())
    assert meanwhile > len(leaving) // 4, "the distribution was over too soon"
    states = office.states()
    assert states["suppressed"] == spared
    assert states["accepted"] == PEOPLE - spared


def taken(server: Outside) -> list[object]:
    return [*read_record(server.record)]


def _serves(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code < 600
    except httpx.TransportError:
        return False


def _wait(done: object, *, every: float = 0.1, seconds: float = 60.0) -> None:
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(every)
