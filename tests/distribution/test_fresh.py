"""What a proven address may do, on both databases: the statements behind the pages of links."""

from __future__ import annotations

import time
from dataclasses import replace
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import SECOND
from mailer.distribution import fresh, servicemail, subscriptions
from mailer.distribution.context import address_hash
from mailer.distribution.spool import Step
from mailer.distribution.tongues import Words
from mailer.distribution.upkeep import check
from mailer.message.tokens import DATA, JOIN, MOVE, Fresh, read_fresh
from mailer.store import Store, merges, preferences, suppression
from mailer.store import fresh as stored
from mailer.store.suppression import OFFICE

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.web.office import (
    ANNA,
    BEN,
    KEYS,
    PRESS,
    TOPIC,
    fill,
    mailbox,
    membership,
    token,
)
from tests.web.serving import Room, room

KEY = bytes(32)


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Any:
    fill(store)
    with store.write() as tx:
        for who, name in ((ANNA, "anna"), (BEN, "ben")):
            tx.execute(
                "UPDATE addresses SET hash = :h WHERE journalist = :j",
                {"h": address_hash(KEY, mailbox(name)), "j": who},
            )
        tx.execute("UPDATE lists SET open = 1 WHERE id = :l", {"l": TOPIC})
    return room(store, tmp_path / "room")


def newest(office: Room, purpose: str) -> Fresh:
    with office.store.read() as tx:
        sql = "SELECT id, expires_at FROM fresh_links WHERE purpose = :p ORDER BY id DESC LIMIT 1"
        (row,) = tx.rows(sql, {"p": purpose})
        return Fresh(purpose, row["id"], row["expires_at"] // SECOND)


def reasons(office: Room, name: str) -> set[tuple[str, str]]:
    with office.store.read() as tx:
        found = suppression.find(tx, address_hash(KEY, mailbox(name)))
    return {(each.scope, each.reason) for each in found}


def test_a_link_is_taken_once_and_used_once(office: Any) -> None:
    """F7: two processes do not mail it twice; of two clicks one acts."""
    fresh.ask_for_data(office, token(ANNA), Words())
    with office.store.write() as tx:
        (row,) = stored.take(tx, most=5, until=tx.now() + 60_000_000)
        assert stored.take(tx, most=5, until=tx.now() + 60_000_000) == []
        stored.again(tx, row["id"], tx.now(), "451 later")
        assert len(stored.take(tx, most=5, until=tx.now() + 1)) == 1
    held = fresh.held(office, newest(office, DATA))
    assert held is not None and held.topics == ("Energy briefing", "Trade briefing")
    with office.store.write() as tx:
        assert stored.use(tx, row["id"]) and not stored.use(tx, row["id"])
    assert fresh.held(office, newest(office, DATA)) is None


def test_moving_and_meeting_another(office: Any) -> None:
    """F7."""
    for wanted in ("anna@new.example.org", mailbox("ben")):
        fresh.ask_for_data(office, token(ANNA), Words())
        assert fresh.ask_to_move(office, newest(office, DATA), wanted, Words())
        assert fresh.move(office, newest(office, MOVE))
        assert not fresh.move(office, newest(office, MOVE))
    with office.store.read() as tx:
        rows = tx.rows("SELECT j.id, a.email, j.state FROM journalists j "
                       "JOIN addresses a ON a.journalist = j.id", {})  # fmt: skip
    found = {row["id"]: (row["email"], row["state"]) for row in rows}
    assert found[ANNA] == ("anna@new.example.org", "on_hold")
    assert found[BEN] == (mailbox("ben"), "active")
    assert membership(office.store, BEN, TOPIC) == "active"
    assert reasons(office, "anna") == {("all", "opt-out")} and not reasons(office, "ben")


def test_a_number_given_twice_opens_nothing(office: Any) -> None:
    """F7: after a backup was put back, an older link has the number of another person's."""
    fresh.ask_for_data(office, token(ANNA), Words())
    asked = newest(office, DATA)
    older = replace(asked, expires=asked.expires - 86_400)
    assert fresh.held(office, older) is None and fresh.copy(office, older) is None
    assert fresh.ask_to_move(office, older, "x@example.org", Words()) is None
    assert not fresh.erase(office, older) and fresh.held(office, asked) is not None


def addresses(office: Room) -> dict[int, str]:
    with office.store.read() as tx:
        rows = tx.rows("SELECT journalist, email FROM addresses", {})
    return {row["journalist"]: row["email"] for row in rows}


def test_a_person_of_two_addresses(office: Any) -> None:
    """F7, F17: who was merged of two is one person on the page of either link; he moves to his own
    other address, and a dead mailbox says nothing about the other."""
    dead = {"scope": "all", "reason": "dead", "actor": "x", "evidence": {}}
    with office.store.write() as tx:
        suppression.add(tx, address_hash(KEY, mailbox("ben")), **dead)
        merges.merge(tx, ANNA, BEN, "officer")
    assert reasons(office, "anna") == set()
    with office.store.write() as tx:
        suppression.remove(tx, address_hash(KEY, mailbox("ben")), actor="x", evidence={})
    cap = [Step("weekly_cap", "", "2"), Step("paused", "", "1")]
    subscriptions.choose(office, token(BEN), cap, method="choices")
    with office.store.read() as tx:
        assert preferences.get(tx, ANNA).weekly_cap == 2
        assert preferences.get(tx, BEN) == preferences.Preferences()
    shown = subscriptions.choices(office, token(BEN))
    assert shown.wishes.paused and not shown.stopped
    fresh.ask_for_data(office, token(BEN), Words())
    held = fresh.held(office, newest(office, DATA))
    assert held is not None and held.email == mailbox("anna")
    assert fresh.ask_to_move(office, newest(office, DATA), mailbox("ben"), Words())
    assert fresh.move(office, newest(office, MOVE))
    assert addresses(office)[ANNA] == mailbox("ben") and addresses(office)[BEN] == mailbox("anna")
    assert not reasons(office, "anna") and not reasons(office, "ben")
    with office.store.read() as tx:
        sql = "SELECT state FROM journalists WHERE id = :j"
        assert tx.rows(sql, {"j": ANNA})[0]["state"] == "active"
    assert fresh.ask_to_join(office, mailbox("anna"), [TOPIC], "words", Words())
    assert fresh.join(office, newest(office, JOIN))
    assert membership(office.store, ANNA, TOPIC) == "active"
    with office.store.read() as tx:
        of_ben = "SELECT list FROM memberships WHERE journalist = :j AND state = 'active'"
        assert tx.rows(of_ben, {"j": BEN}) == []


def test_what_was_put_off_goes_to_the_new_address(tmp_path: Path, store_url: str) -> None:
    """F7, decision 7: he moves while a server has his message in hand and puts it off: it is tried
    again at his new address, the same but for that, and the old one is written to no more."""
    new = "ada@new.example.com"

    def dot(email: str) -> str:
        if email == new:
            return "250 2.0.0 taken"
        hash = address_hash(press.room.suppression_key, new)
        with press.room.store.write() as tx:
            assert stored.move(tx, 1, new, hash, "journalist", {}) == 1
        return "451 4.2.0 later"

    with (
        Recorder(dot=dot) as server,
        Press(tmp_path / "room", store_url, port=server.port, sending='retry = ["1s"]') as press,
    ):
        press.people("press", ["ada@example.com"])
        press.queue("list:press")
        press.run()
        time.sleep(1.3)  # until it is due again
        press.run()
        assert [got.rcpt_to for got in server.got] == ["ada@example.com", new]
        first, again = (BytesParser().parsebytes(got.raw) for got in server.got)
        assert first["To"].replace("ada@example.com", new) == again["To"]
        for name in ("Message-ID", "Subject", "List-Unsubscribe", "Content-Type"):
            assert first[name] == again[name]
        [(kept,)] = press.rows("SELECT data FROM slot_values")
        assert f'"{new}"' in kept and check(press.room) == []


def test_three_links_an_hour(office: Any) -> None:
    """F7: one that has ended counts until its hour is over, and is not mailed any more."""
    for _ in range(5):
        fresh.ask_for_data(office, token(ANNA), Words())
    with office.store.write() as tx:
        tx.execute("UPDATE fresh_links SET expires_at = :t", {"t": tx.now() - 1})
        assert stored.forget(tx) == 0 and not stored.is_due(tx)
        assert stored.take(tx, most=5, until=tx.now() + 1) == []
        assert stored.recent(tx, address_hash(KEY, mailbox("anna"))) == 3
        hour = {"t": tx.now() - stored.AN_HOUR}
        tx.execute("UPDATE fresh_links SET created_at = :t", hour)
        assert stored.is_due(tx) and stored.forget(tx) == 3


def test_joining_after_leaving(office: Any) -> None:
    """F13: only the topic comes back, on lists made later too; what was queued for it may go."""
    hash = address_hash(KEY, mailbox("ben"))
    with office.store.write() as tx:
        suppression.add(tx, hash, scope="all", reason="objection", actor="x", evidence={})
    assert fresh.ask_to_join(office, mailbox("ben"), [TOPIC, PRESS], "words", Words("de"))
    assert fresh.join(office, newest(office, JOIN))
    assert not fresh.join(office, newest(office, JOIN))
    assert reasons(office, "ben") == {(OFFICE, "objection")}
    assert membership(office.store, BEN, TOPIC) == "active"
    with office.store.read() as tx:
        sql = (
            "SELECT m.list FROM memberships m JOIN addresses a ON a.journalist = m.journalist "
            "WHERE m.journalist = :j AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE "
            "s.hash = a.hash AND s.scope IN ('all', 'list:' || m.list, "
            "(SELECT CASE WHEN max(kind) = 'topic' THEN '' ELSE 'office' END FROM lists "
            "WHERE id = m.list)))"
        )
        assert [row["list"] for row in tx.rows(sql, {"j": BEN})] == [TOPIC]
        from mailer.audience.segments import list_segment
        from mailer.store.audience import count

        assert count(tx, [list_segment("energy")])["recipients"] == 3
        assert count(tx, [list_segment("eu-affairs")])["recipients"] == 1
    assert fresh.ask_to_join(office, "new@example.org", [TOPIC], "words", Words())
    assert fresh.join(office, newest(office, JOIN))


def test_mails_leave_by_their_own_service(office: Any, tmp_path: Path) -> None:
    """[service_mail]: sender and server of its own."""
    import asyncio

    from mailer import config

    with Recorder() as server:
        path = office.config.path
        text = path.read_text() + (
            f'\n[service_mail]\nsender = "Desk <desk@example.net>"\n'
            f'url = "smtp://127.0.0.1:{server.port}"\n'
        )
        path.write_text(text)
        own = Room(config.load(path, {}), office.store, office.sender, KEY, KEYS)
        fresh.ask_for_data(own, token(ANNA), Words("de"))  # type: ignore[arg-type]
        assert servicemail.is_due(own)  # type: ignore[arg-type]
        assert asyncio.run(servicemail.send_due(own)) == 1  # type: ignore[arg-type]
        assert not servicemail.is_due(own)  # type: ignore[arg-type]
    raw = server.got[0].raw.decode()
    assert "From: Desk <desk@example.net>" in raw and "Content-Language: de" in raw
    found = raw.replace("=\r\n", "").partition("/f/")[2][:58]
    asked = read_fresh(KEYS, found)
    assert asked is not None and asked.purpose == DATA
