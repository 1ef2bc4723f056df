"""What a proven address may do: links that are mailed, used once, and end; sign-up to topics."""

from __future__ import annotations

import email
import email.policy
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution import fresh
from mailer.distribution.context import address_hash
from mailer.message.tokens import DATA, Fresh, mint_fresh
from mailer.store import Store, open_store
from mailer.store import fresh as stored
from mailer.store.migrations import migrate
from mailer.web.public import public_app

from tests.distribution.recorder import Recorder
from tests.web.office import (
    ANNA,
    BEN,
    KEYS,
    PRESS,
    TOPIC,
    fill,
    history,
    link,
    mailbox,
    membership,
)
from tests.web.serving import Room, bare, room, serving

KEY = bytes(32)
NEW = "anna@other.example.org"
OWN = f"/p/{link(ANNA, PRESS, 'p')}"
START = 1_790_000_000 * SECOND


class Stage:
    """A newsroom whose pages and mails are real, on loopback, with a clock to be set."""

    def __init__(self, office: Room, client: httpx.Client, server: Recorder, clock: Any) -> None:
        self.office, self.client, self.server, self.clock = office, client, server, clock
        self.seen = 0

    def mail(self) -> email.message.EmailMessage:
        """The next mail that arrives."""
        deadline = time.monotonic() + 20
        while len(self.server.got) <= self.seen:
            assert time.monotonic() < deadline, "no mail came"
            time.sleep(0.02)
        raw = self.server.got[self.seen].raw
        self.seen += 1
        found = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(found, email.message.EmailMessage)
        return found

    def link(self) -> str:
        """The path of the link in the next mail."""
        found = re.search(r"/f/[a-z2-7]{58}", self.mail().get_content())
        assert found is not None
        return found[0]

    def no_mail(self) -> None:
        """Nothing more was left to be sent."""
        _until(lambda: not self.rows("SELECT 1 FROM fresh_links WHERE state = 'waiting'"))
        assert len(self.server.got) == self.seen

    def rows(self, sql: str, **params: Any) -> list[Any]:
        with self.office.store.read() as tx:
            return tx.rows(sql, params)

    def reasons(self, address: str) -> set[tuple[str, str]]:
        sql = "SELECT scope, reason FROM suppressions WHERE hash = :h"
        rows = self.rows(sql, h=address_hash(KEY, address))
        return {(row["scope"], row["reason"]) for row in rows}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    clock = ManualClock(START)
    store: Store = open_store(f"sqlite:///{tmp_path / 'store.db'}", create=True, clock=clock)
    migrate(store)
    fill(store)
    with store.write() as tx:
        for who, name in ((ANNA, "anna"), (BEN, "ben")):
            tx.execute(
                "UPDATE addresses SET hash = :h WHERE journalist = :j",
                {"h": address_hash(KEY, mailbox(name)), "j": who},
            )
        tx.execute("UPDATE lists SET open = 1 WHERE id = :l", {"l": TOPIC})
    with Recorder() as server:
        made = room(store, tmp_path / "room", smtp=f"smtp://127.0.0.1:{server.port}")
        office = Room(made.config, store, made.sender, KEY, KEYS, clock)
        with serving(public_app(office)) as address, bare(address) as client:
            yield Stage(office, client, server, clock)
    store.close()


def ask(stage: Stage) -> str:
    """A journalist asks for the link to his data and gets it; its path."""
    answer = stage.client.post(OWN, data={"act": "link"})
    assert answer.status_code == 200 and "Look into your mailbox" in answer.text
    return stage.link()


def test_the_link_comes_to_the_address_on_file(stage: Stage) -> None:
    """F7, decision 9: the page tells what is held; the mail is plain, automatic, and his."""
    stage.client.post(OWN, data={"act": "link"})
    mail = stage.mail()
    assert (
        mail["To"] == "anna@example.org" and mail["From"] == "Open Dialog Press <press@example.org>"
    )
    assert mail["Subject"] == "Your link to your data at Open Dialog Foundation"
    assert mail["Auto-Submitted"] == "auto-generated" and "List-Unsubscribe" not in mail
    body = mail.get_content()
    found = re.search(r"^http://127.0.0.1:8025(/f/[a-z2-7]{58})\r?$", body, re.MULTILINE)
    assert found is not None and "anna" not in body
    page = stage.client.get(found[1])
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    for held in ("anna@example.org", "Anna Example", "Example Daily", "lists/a.csv",
                 "Your own sign-up", "Energy briefing", "1 January 2026"):  # fmt: skip
        assert held in page.text
    assert "EU affairs, Brussels" not in page.text


def test_it_ends_after_half_an_hour_and_three_an_hour_are_enough(stage: Stage) -> None:
    """F7, F15; the answer is the same whether a mail leaves or not (F9)."""
    path = ask(stage)
    answers = {stage.client.post(OWN, data={"act": "link"}).text for _ in range(4)}
    gone = f"/p/{link(99, PRESS, 'p')}"
    answers.add(stage.client.post(gone, data={"act": "link"}).text)
    assert len(answers) == 1
    stage.link(), stage.link()
    stage.no_mail()
    assert stage.client.get(path).status_code == 200
    stage.clock.advance(1801)
    late = stage.client.get(path)
    assert late.status_code == 410 and "no longer valid" in late.text
    assert stage.client.post(path, data={"act": "erase", "sure": "1"}).status_code == 410
    assert stage.client.get(f"{path}/data.json").status_code == 410
    assert stage.rows("SELECT email FROM addresses WHERE journalist = :j", j=ANNA)


def test_one_network_may_not_ask_for_ever(stage: Stage) -> None:
    """F15: but whoever comes with a link from a message is never turned away."""
    codes = [sign_up(stage, f"a{n}@example.org").status_code for n in range(12)]
    assert codes == [200] * 10 + [429] * 2
    asked = [stage.client.post(OWN, data={"act": "link"}).status_code for _ in range(12)]
    assert asked == [200] * 12


def test_a_copy_and_an_end(stage: Stage) -> None:
    """E11, E12, GDPR art. 15, 17, 20: all that is held, to keep and to read; erased with a tick
    and a button; nothing of him is left, and his other links still answer."""
    stage.client.post(OWN, data={"act": "save", "with": "weekly_cap", "weekly_cap": "2"})
    path = ask(stage)
    copy = stage.client.get(f"{path}/data.json")
    assert copy.headers["content-type"] == "application/json"
    assert "attachment" in copy.headers["content-disposition"]
    assert "anna@example.org" in copy.text and json.loads(copy.text)
    page = stage.client.get(f"{path}/data").text
    assert "anna@example.org" in page and "lists/a.csv" in page and "weekly cap" in page
    unsure = stage.client.post(path, data={"act": "erase"})
    assert "Nothing was erased" in unsure.text and not stage.reasons("anna@example.org")
    done = stage.client.post(path, data={"act": "erase", "sure": "1"})
    assert done.status_code == 200 and "Everything is erased" in done.text
    assert stage.reasons("anna@example.org") == {("all", "erased")}
    for table in ("addresses", "preferences", "beat_choices", "fresh_links"):
        assert stage.rows(f"SELECT 1 FROM {table} WHERE journalist = :j", j=ANNA) == []
    for gone in (path, f"{path}/data", f"{path}/data.json"):
        assert stage.client.get(gone).status_code == 410
    assert stage.client.get(OWN).status_code == 200
    assert stage.client.post(OWN, data={"act": "link"}).status_code == 200
    stage.no_mail()


def test_purposes_and_links_are_not_exchanged(stage: Stage) -> None:
    """F7: a message's link opens no data; a fresh one leaves no list; nobody makes one up."""
    path = ask(stage)
    token = path.removeprefix("/f/")
    assert stage.client.get(f"/f/{OWN.removeprefix('/p/')}").status_code == 404
    for prefix in ("/u/", "/p/"):
        assert stage.client.post(f"{prefix}{token}", data={"act": "leave"}).status_code == 404
    with stage.office.store.read() as tx:
        number = tx.rows("SELECT id FROM fresh_links", {})[0]["id"]
    ahead = START // SECOND + 10_000
    for wrong in (Fresh("c", number, ahead), Fresh("s", number, ahead), Fresh(DATA, 77, ahead)):
        assert stage.client.get(f"/f/{mint_fresh(KEYS, wrong)}").status_code == 410
    flipped = token[:-1] + ("a" if token[-1] != "a" else "b")
    assert stage.client.get(f"/f/{flipped}").status_code == 404


def test_moving_is_confirmed_at_the_new_address(stage: Stage) -> None:
    """F7: suppressions move along, the old address is left alone, each link works once."""
    stage.client.post(OWN, data={"act": "save", "shown": f"list:{TOPIC}"})
    path = ask(stage)
    bad = stage.client.post(path, data={"act": "move", "email": "nobody at home"})
    assert "not an e-mail address" in bad.text and 'value="nobody at home"' in bad.text
    sent = stage.client.post(path, data={"act": "move", "email": NEW})
    assert sent.status_code == 200 and "until you confirm there" in sent.text
    assert stage.client.post(path, data={"act": "move", "email": NEW}).status_code == 410
    confirm = stage.link()
    assert stage.server.got[-1].rcpt_to == NEW
    before = stage.rows("SELECT email FROM addresses ORDER BY journalist")
    assert "Get press mail at this address?" in stage.client.get(confirm).text
    assert stage.rows("SELECT email FROM addresses ORDER BY journalist") == before
    done = stage.client.post(confirm)
    assert "Your address is changed" in done.text
    assert stage.client.post(confirm).status_code == 410
    rows = stage.rows("SELECT email, hash FROM addresses WHERE journalist = :j", j=ANNA)
    assert rows[0]["email"] == NEW and bytes(rows[0]["hash"]) == address_hash(KEY, NEW)
    assert stage.reasons(NEW) == {(f"list:{TOPIC}", "opt-out")}
    assert stage.reasons("anna@example.org") == {
        ("all", "opt-out"), (f"list:{TOPIC}", "opt-out")
    }  # fmt: skip
    (event,) = history(stage.office.store, "address_changed")
    assert "example.org" not in event["data"]
    assert stage.client.get(OWN).status_code == 200  # his old links stay his


def test_moving_to_another_journalist_s_address_tells_nothing(stage: Stage) -> None:
    """The answers are the same; who proves both addresses is one person and gets mail once."""
    answers = []
    for wanted in (NEW, "ben@example.org"):
        path = ask(stage)
        answers.append(stage.client.post(path, data={"act": "move", "email": wanted}).text)
        last = stage.link()
    assert answers[0] == answers[1]
    assert "Your address is changed" in stage.client.post(last).text
    rows = stage.rows("SELECT journalist, email FROM addresses WHERE journalist IN (11, 12)")
    assert {row["journalist"]: row["email"] for row in rows} == {
        ANNA: "anna@example.org", BEN: "ben@example.org"
    }  # fmt: skip
    (row,) = stage.rows("SELECT state, hold_reason FROM journalists WHERE id = :j", j=ANNA)
    assert row["state"] == "on_hold" and "another journalist" in row["hold_reason"]
    assert membership(stage.office.store, BEN, TOPIC) == "active"
    assert ("all", "opt-out") in stage.reasons("anna@example.org")
    assert stage.reasons("ben@example.org") == set()


def sign_up(stage: Stage, address: str, topic: int = TOPIC, **more: str) -> httpx.Response:
    return stage.client.post("/subscribe", data={"topic": str(topic), "email": address, **more})


def test_a_sign_up_counts_once_it_is_confirmed(stage: Stage) -> None:
    """GDPR art. 7: double opt-in with a record of when and of the words; no network address."""
    page = stage.client.get("/subscribe").text
    assert "Energy briefing" in page and "Trade briefing" not in page and "EU affairs" not in page
    assert "Look into your mailbox" in sign_up(stage, "New.Person@Example.org").text
    path = stage.link()
    assert stage.rows("SELECT 1 FROM addresses WHERE email LIKE 'New%'") == []
    asked = stage.client.get(path)
    assert "Receive mail on these topics?" in asked.text and "Energy briefing" in asked.text
    assert stage.rows("SELECT 1 FROM addresses WHERE email LIKE 'New%'") == []
    stage.clock.advance(3600)
    assert "You are signed up" in stage.client.post(path).text
    assert stage.client.post(path).status_code == 410
    (row,) = stage.rows(
        "SELECT j.*, a.email, m.list FROM journalists j JOIN addresses a ON a.journalist = j.id "
        "JOIN memberships m ON m.journalist = j.id WHERE a.email = 'New.Person@example.org'"
    )
    assert (row["state"], row["consent_basis"], row["list"]) == ("active", "opt_in", TOPIC)
    assert row["source"].endswith("/subscribe")
    (event,) = history(stage.office.store, "consent")
    said = json.loads(event["data"])
    assert event["journalist"] == row["id"] and event["at"] == START + 3600 * SECOND
    assert said["asked_at"] == START and said["words"].startswith("By confirming you agree that")
    assert "127.0.0.1" not in event["data"] and "example" not in event["data"].lower()


def test_bots_and_strangers_learn_nothing(stage: Stage) -> None:
    """One answer for known, unknown and stopped addresses; a trap; a mailbox is not flooded."""
    with stage.office.store.write() as tx:
        for name, reason in (("angry", "complaint"), ("boss", "officer")):
            tx.run("suppression.add", id=tx.next_ids("suppression"),
                   hash=address_hash(KEY, mailbox(name)), hash_version=1, scope="all",
                   reason=reason, evidence="{}", actor="x", at=START)  # fmt: skip
    names = ["anna", "angry", "boss", "nobody"]
    answers = {sign_up(stage, mailbox(name)).text for name in names}
    answers.add(sign_up(stage, "robot@example.org", website="http://spam.example").text)
    assert len(answers) == 1
    assert {stage.mail()["To"] for _ in range(2)} == {mailbox("anna"), mailbox("nobody")}
    for _ in range(4):
        assert sign_up(stage, mailbox("nobody")).text in answers
    stage.link(), stage.link()
    stage.no_mail()
    assert stage.rows("SELECT 1 FROM fresh_links WHERE email = 'robot@example.org'") == []


def test_a_sign_up_that_says_nothing_sensible(stage: Stage) -> None:
    assert sign_up(stage, "nobody").status_code == 422
    assert stage.client.post("/subscribe", data={"email": "a@example.org"}).status_code == 422
    assert sign_up(stage, "a@example.org", topic=PRESS).status_code == 200  # the same as any
    stage.no_mail()


def test_unconfirmed_ones_are_forgotten(stage: Stage) -> None:
    """GDPR art. 5(1)(e): after a week nothing of it is left, and its link has ended."""
    sign_up(stage, "new@example.org")
    path = stage.link()
    stage.clock.advance(7 * 86_400 + 1)
    _until(lambda: not stage.rows("SELECT 1 FROM fresh_links"))
    assert stage.client.post(path).status_code == 410


def test_who_stopped_everything_gets_his_topics_alone(stage: Stage) -> None:
    """F13: a fresh act of his own; what he stopped before stays stopped."""
    stage.client.post(OWN, data={"act": "leave"})
    sign_up(stage, "anna@example.org")
    assert "You are signed up" in stage.client.post(stage.link()).text
    assert stage.reasons("anna@example.org") == {("office", "opt-out")}
    page = stage.client.get(OWN).text
    assert f'value="list:{TOPIC}" checked' in page and f'value="list:{PRESS}">' in page
    stage.client.post(OWN, data={"act": "back"})
    assert stage.reasons("anna@example.org") == set()


def test_a_server_that_is_away_or_says_later_is_tried_again(stage: Stage) -> None:
    """The mail is kept; a refusal for good ends it."""
    stage.server.dot = lambda _: "451 4.3.0 later"
    stage.client.post(OWN, data={"act": "link"})
    _until(lambda: stage.rows("SELECT 1 FROM fresh_links WHERE reply LIKE '%later%'"))
    stage.server.got.clear()
    stage.server.dot = lambda _: "250 2.0.0 taken"
    stage.clock.advance(11)
    assert stage.client.get(stage.link()).status_code == 200
    stage.server.rcpt = lambda _: "550 5.1.1 nobody"
    stage.client.post(OWN, data={"act": "link"})
    _until(lambda: stage.rows("SELECT 1 FROM fresh_links WHERE state = 'failed'"))


def test_nobody_but_examples_is_mailed_while_not_live(stage: Stage) -> None:
    """Decision 13: service mail is no way round it."""
    sign_up(stage, "real@newspaper.de")
    _until(lambda: stage.rows("SELECT 1 FROM fresh_links WHERE reply LIKE '%not live%'"))
    assert stage.server.got == []


def test_only_topics_can_be_opened(stage: Stage) -> None:
    with pytest.raises(Exception, match="kind press"):
        fresh.set_open(stage.office, "eu-affairs", "me", open=True)  # type: ignore[arg-type]
    assert fresh.set_open(stage.office, "trade", "me", open=True)  # type: ignore[arg-type]
    assert not fresh.set_open(stage.office, "trade", "me", open=True)  # type: ignore[arg-type]
    assert "Trade briefing" in stage.client.get("/subscribe").text
    with stage.office.store.read() as tx:
        assert [row["name"] for row in stored.open_topics(tx)] == ["energy", "trade"]


def _until(done: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.03)
