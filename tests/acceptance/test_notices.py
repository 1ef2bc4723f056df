"""A release half sent in two distributions is corrected, held or withdrawn, over real SMTP."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from mailer.distribution import notices
from mailer.distribution.log import status_of

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_supervisor import child, newsroom, serving, until
from tests.exactness import faults_of

SLUG = "a-bridge-opens-after-ten-years"
FIRST = ["a1", "a2", "dead1", "lost1", "later1", "leaves", "both"]
SECOND = ["both", "b1", "b2", "b3"]
HEADLINE = "A bridge opens after ten years"


class Desk:
    """A newsroom with a server that refuses some, loses its last answer to others."""

    def __init__(self, folder: Path, store_url: str, server: Recorder) -> None:
        self.server = server
        self.press = Press(folder, store_url, port=server.port, sending='retry = ["1s"]')
        self.press.people("first", [f"{who}@example.com" for who in FIRST])
        self.press.people("second", [f"{who}@example.com" for who in SECOND])
        self.first = self.press.queue("list:first").distribution
        # The first of these leaves at once, the others over an hour.
        self.second = self.press.queue("list:second", over="1h").distribution
        self.run()
        assert self.states(self.first) == {
            **dict.fromkeys(["a1", "a2", "leaves", "both"], "accepted"),
            **{"dead1": "refused", "lost1": "in_doubt", "later1": "deferred"},
        }
        assert sorted(self.states(self.second).values()) == ["accepted"] + ["queued"] * 3
        server.rcpt = lambda _: "250 2.1.5 ok"
        server.dot = lambda _: "250 2.0.0 taken"
        self.say("suppress", "add", "leaves@example.com", "--reason", "asked by telephone")
        self.before = len(server.got)

    def run(self) -> None:
        self.press.run()

    def say(self, *words: str, code: int = 0) -> Any:
        """A command; what it says as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "mailer", "--config", str(self.press.config.path), "--json",
             *words],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def states(self, number: int | None) -> dict[str, str]:
        rows = self.press.rows(
            "SELECT a.email, d.state FROM deliveries d JOIN addresses a ON a.journalist = "
            "d.journalist WHERE d.distribution = :number",
            number=number,
        )
        words = ["queued", "claimed", "deferred", "accepted", "refused", "in_doubt"]
        words += ["suppressed", "skipped", "cancelled", "expired"]
        return {address.partition("@")[0]: words[state] for address, state in rows}

    def got(self, since: int | None = None) -> dict[str, list[EmailMessage]]:
        """What the server took since the notice, by person."""
        found: dict[str, list[EmailMessage]] = {}
        for each in self.server.got[self.before if since is None else since :]:
            message = email.message_from_bytes(each.raw, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.setdefault(each.rcpt_to.partition("@")[0], []).append(message)
        return found

    def ids(self, who: str) -> list[str]:
        """The Message-IDs of what he was sent before the notice, oldest first."""
        return [g.message_id for g in self.server.got[: self.before] if g.rcpt_to.startswith(who)]

    def all_now(self) -> None:
        """The hour of the second distribution passes."""
        with self.press.room.store.write() as tx:
            tx.execute("UPDATE deliveries SET due_at = :now WHERE state IN (0, 2)",
                       {"now": tx.now()})  # fmt: skip
        self.run()


@pytest.fixture
def desk(tmp_path: Path, store_url: str) -> Iterator[Desk]:
    answers = {"dead": "550 5.1.1 no such user", "later": "451 4.2.0 later"}
    with Recorder(
        rcpt=lambda who: next((a for word, a in answers.items() if word in who), "250 2.1.5 ok"),
        dot=lambda who: "" if "lost" in who else "250 2.0.0 taken",
    ) as server:
        desk = Desk(tmp_path / "room", store_url, server)
        with desk.press:
            yield desk


def one(messages: list[EmailMessage]) -> EmailMessage:
    [message] = messages
    return message


def is_threaded(desk: Desk, who: str, message: EmailMessage) -> None:
    """D11, RFC 5322 section 3.6.4: under the last of what he got."""
    ids = desk.ids(who)
    assert message["In-Reply-To"] == ids[-1]
    assert message["References"].split() == ids


REACHED = {"a1", "a2", "both", "lost1"}


def test_withdrawn(desk: Desk) -> None:
    """D9, D11: exactly those reached are told, once; nobody gets the original any more."""
    given = desk.say("kill", SLUG, "--reason", "The date was wrong.")
    told = {*REACHED, *(w for w, s in desk.states(desk.second).items() if s == "accepted")}
    assert [p["email"] for p in given["cannot_be_told"]] == ["leaves@example.com"]
    assert [p["email"] for p in given["not_certain"]] == ["lost1@example.com"]
    assert given["told"] == len(told)
    desk.all_now()
    got = desk.got()
    assert set(got) == told
    for who, messages in got.items():
        message = one(messages)
        assert message["Subject"] == f"WITHDRAWN: {HEADLINE}"
        is_threaded(desk, who, message)
        body = message.get_body(("plain",))
        assert body is not None and "The date was wrong." in body.get_content()
        assert "trams" not in body.get_content()
    desk.say("send-to", str(desk.first), "--email", "b3@example.com", code=6)
    desk.say("queue", SLUG, "--to", "list:second", code=6)
    desk.say("resume", str(desk.second), code=6)
    desk.say("resolve", str(desk.first), "--resend", code=6)
    desk.all_now()
    assert desk.got() == got or set(desk.got()) == told


def test_corrected(desk: Desk) -> None:
    """D10, D11: who has the old text gets the correction, the others the new text, plain."""
    text = RELEASE.replace("ten years", "twelve years")
    path = write_release(desk.press.config.home, text, "corrected.md")
    given = desk.say("correct", SLUG, str(path), "--what", "It took twelve years, not ten.")
    told = {*REACHED, *(w for w, s in desk.states(desk.second).items() if s == "accepted")}
    assert given["told"] == len(told)
    assert [p["email"] for p in given["cannot_be_told"]] == ["leaves@example.com"]
    desk.all_now()
    got = desk.got()
    new = HEADLINE.replace("ten", "twelve")
    plain = {"later1", "b1", "b2", "b3", "both"} - (told - {"both"})
    for who, messages in got.items():
        subjects = sorted(str(message["Subject"]) for message in messages)
        expected = [f"CORRECTION: {new}"] * (who in told) + [new] * (who in plain)
        if who == "both" and desk.states(desk.second)["both"] == "accepted":
            assert subjects[0] == f"CORRECTION: {new}"
            continue
        assert subjects == sorted(expected), who
    for who in told:
        notice = next(m for m in got[who] if str(m["Subject"]).startswith("CORRECTION"))
        is_threaded(desk, who, notice)
        body = notice.get_body(("plain",))
        assert body is not None
        words = body.get_content()
        assert "It took twelve years, not ten." in words
        assert re.search(r"correction", words[:200], re.IGNORECASE)
    assert "dead1" not in got and "leaves" not in got
    desk.say("queue", f"{SLUG}@1", "--to", "list:second", code=6)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_held_and_cleared(desk: Desk) -> None:
    """D9: nothing goes while it is checked; those told are told again, the rest get the release."""
    desk.say("hold", SLUG, "--reason", "A figure is being checked.")
    told = {*REACHED, *(w for w, s in desk.states(desk.second).items() if s == "accepted")}
    desk.all_now()
    held = desk.got()
    assert set(held) == told
    assert {one(messages)["Subject"] for messages in held.values()} == {f"HOLD: {HEADLINE}"}
    desk.say("resume", str(desk.second), code=6)
    here = len(desk.server.got)
    over = desk.say("hold", SLUG, "--cleared", "--reason", "The figure is right.")
    assert over["told"] == len(told)
    desk.all_now()
    got = desk.got(here)
    for who in told:
        notice = next(m for m in got[who] if str(m["Subject"]).startswith("HOLD OVER"))
        assert notice["In-Reply-To"] == one(held[who])["Message-ID"]
    for who in {"later1", "b1", "b2", "b3"} - told:
        assert one(got[who])["Subject"] == HEADLINE
    assert set(desk.states(desk.first).values()) == {"accepted", "refused", "in_doubt"}


@pytest.mark.parametrize(
    ("store_url", "word"), [("sqlite", "correct"), ("postgresql", "kill")], indirect=["store_url"]
)
def test_in_the_middle_of_sending_and_a_sender_is_killed(
    tmp_path: Path, store_url: str, word: str
) -> None:
    """D11, H15: whoever got the old text is told, once; everybody else gets the new one, or
    nothing; of the old one nothing begins later than a second after the word was answered."""
    people = 1200
    with Recorder(delay=0.05) as server:
        room = newsroom(tmp_path / "room", store_url, server.port, people, connections=12)
        with room as press, serving(press.config):
            press.queue("list:all")
            until(lambda: len(server.got) >= 150)
            if word == "kill":
                notices.kill(press.room, SLUG, "anna", reason="The date was wrong.")
            else:
                text = RELEASE.replace("ten years", "twelve years")
                path = write_release(press.config.home, text, "better.md")
                notices.correct(press.room, SLUG, path, "anna", what="Twelve, not ten.")
            answered = time.monotonic()
            os.kill(child(press.config, "sender"), signal.SIGKILL)
            until(lambda: _all_told(press), 60)
            status = status_of(press.room, 1)
            doubtful: dict[bool, set[str]] = {False: set(), True: set()}
            for address, revision in press.rows(_DOUBTFUL):
                doubtful[revision is not None].add(address)
            faults = faults_of(press.room.store)
        assert faults == []
        originals = [got for got in server.got if _subject(got.raw) == HEADLINE]
        assert not [got for got in originals if got.at > answered + 1 + server.delay]
        old = Counter(got.rcpt_to for got in originals)
        told = Counter(got.rcpt_to for got in server.got if ":" in _subject(got.raw))
        new = Counter(got.rcpt_to for got in server.got) - old - told
        assert set(old.values()) == set(told.values()) == {1}
        assert set(told) == set(old) | doubtful[False]
        if word == "kill":
            assert not new and status["state"] == "killed"
        else:
            assert set(new.values()) == {1} and not set(new) & set(told)
            everybody = {f"j{n}@example.com" for n in range(1, people + 1)}
            assert everybody - set(new) - set(told) <= doubtful[True]


_DOUBTFUL = (
    "SELECT a.email, w.revision FROM deliveries d "
    "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
    "JOIN addresses a ON a.journalist = d.journalist WHERE d.distribution = 1 AND d.state = 5"
)


def _all_told(press: Press) -> bool:
    """Nothing is to be sent any more, and no notice waits for anybody's outcome."""
    [(open_notices,)] = press.rows("SELECT count(*) AS n FROM notices WHERE closed_at IS NULL")
    [(unsent,)] = press.rows("SELECT count(*) AS n FROM deliveries WHERE state IN (0, 1, 2)")
    return not open_notices and not unsent


def _subject(raw: bytes) -> str:
    return str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
