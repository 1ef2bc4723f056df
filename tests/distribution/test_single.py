"""One message to one person: who should have got it, and tests for the office."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.clock import ManualClock
from mailer.distribution import control, releases, subscriptions, suppressions
from mailer.distribution.lists import count_segment, export_list, list_lists
from mailer.distribution.log import log, show, status, status_of
from mailer.distribution.published import Shelf
from mailer.distribution.schedule import Sweeper
from mailer.distribution.single import Single, send_to, test_send
from mailer.errors import MailerError, NotFound, Refused, UsageError
from mailer.store import audience, preferences
from mailer.store.preferences import Preferences

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import NOON, deliver

test_send.__test__ = False  # type: ignore[attr-defined]
BOSS = "boss@example.org"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    """`brussels`: b1 b2; `tech`: b2 t1; a newsroom with one test recipient."""
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        office(press)
        press.people("brussels", ["b1@example.com", "b2@example.com"])
        press.people("tech", ["b2@example.com", "t1@example.com"])
        yield press


def office(press: Press) -> None:
    """Write the test recipient into the configuration, as an officer does."""
    path = press.config.path
    path.write_text(path.read_text().replace("[store]", f'test_recipients = ["{BOSS}"]\n\n[store]'))
    press.config = configuration.load(path, {})
    object.__setattr__(press.room, "config", press.config)


def to(press: Press, email: str, number: int = 1, *, again: str | None = None) -> Single:
    return send_to(press.room, number, email, "bea", again=again is not None, reason=again)


def sent_now(press: Press, number: int) -> int:
    Sweeper(press.room).sweep()
    sent = deliver(press.room, number)
    Sweeper(press.room).sweep()
    return sent


def test_who_was_not_in_the_audience_gets_the_same(press: Press) -> None:
    """Issue, `send-to`: revision, message and list as for the others; in the history with why."""
    press.queue("list:tech", "list:brussels")
    assert sent_now(press, 1) == 3
    press.people("late", ["l1@example.com", "T1@example.com"])
    write_release(press.config.home, RELEASE.replace("trams", "nothing"))
    releases.import_file(press.room, press.release, "anna")
    sent = to(press, "Lea <L1@example.com>")
    assert (sent.kind, sent.email, sent.due_at) == (
        "release",
        "l1@example.com",
        "2026-03-03T12:00:00.000Z",
    )
    assert press.deliveries(2) == {("l1@example.com", "late", "Europe/Brussels"): 1}
    assert press.rows(
        "SELECT kind, parent, revision, compiled FROM distributions WHERE id = 2"
    ) == [("resend", 1, 1, press.rows("SELECT compiled FROM distributions WHERE id = 1")[0][0])]
    assert sent_now(press, 2) == 1
    found = show(press.room, sent.delivery)
    assert (found["state"], found["kind"]) == ("accepted", "release")
    [event] = [e for e in found["events"] if e["event"] == "send_to"]
    assert event["actor"] == "bea" and event["data"]["parent"] == 1
    assert status_of(press.room, 2)["state"] == "done"


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (Preferences(paused=True), "has paused all mail; nothing was queued"),
        (Preferences(away_until=1_900_000_000_000_000), "is away until 2030-03-17T18:46:40"),
    ],
)
def test_who_wants_none_now_gets_it_only_with_a_reason(
    press: Press, wishes: Preferences, sentence: str
) -> None:
    """F5: the officer is told before, and what he then says stands in the history."""
    press.queue("list:brussels")
    with press.room.store.write() as tx:
        preferences.put(tx, 3, wishes)
    with pytest.raises(Refused, match=sentence):
        to(press, "t1@example.com")
    send_to(press.room, 1, "t1@example.com", "bea", reason="he rang")
    [event] = press.rows("SELECT data FROM events WHERE kind = 'send_to'")
    assert json.loads(event[0])["reason"] == "he rang"
    assert sent_now(press, 2) == 1
    queued = press.queue("list:brussels", also=["t1@example.com"])
    assert any("t1@example.com " + sentence.partition(";")[0] in w for w in queued.warnings)


def test_the_list_is_the_first_named_one_that_he_is_on(press: Press) -> None:
    """Decision 10: attributed as `queue` does, also when a list of then is gone."""
    press.queue("list:tech", "list:brussels", leave_out=["b2@example.com"])
    to(press, "b2@example.com")
    assert ("b2@example.com", "tech", "Europe/Brussels") in press.deliveries(2)
    press.queue("list:brussels", "list:tech", leave_out=["b2@example.com"])
    to(press, "b2@example.com", 3, again="the other list")
    assert ("b2@example.com", "brussels", "Europe/Brussels") in press.deliveries(4)
    with press.room.store.write() as tx:
        tx.execute("UPDATE lists SET name = 'other' WHERE name = 'brussels'", {})
    to(press, "b2@example.com", 3, again="once more")
    assert ("b2@example.com", "tech", "Europe/Brussels") in press.deliveries(5)


@pytest.mark.parametrize("state", [0, 1, 2, 3, 5])
def test_who_has_it_or_awaits_it_gets_it_again_only_with_a_reason(press: Press, state: int) -> None:
    """H6: in any distribution of the release."""
    press.queue("list:brussels")
    press.queue("list:tech")
    with press.room.store.write() as tx:
        tx.execute(
            "UPDATE deliveries SET state = :s, last_attempt_at = 1 WHERE distribution = 1",
            {"s": state},
        )
    before = press.sizes()
    with pytest.raises(Refused, match=r"b1@example\.com .* this release: .* of distribution 1"):
        to(press, "B1@example.com", 2)
    with pytest.raises(UsageError, match="needs a reason"):
        to(press, "b1@example.com", 2, again=" ")
    assert press.sizes() == before
    sent = to(press, "b1@example.com", 2, again="lost it")
    assert sent.kind == "resend"
    row = next(row for row in log(press.room) if row["delivery"] == sent.delivery)
    assert row["kind"] == "resend"
    [event] = [e for e in show(press.room, sent.delivery)["events"] if e["event"] == "send_to"]
    assert event["data"] == {"parent": 2, "again": True, "reason": "lost it"}


def test_what_failed_is_sent_without_more_ado(press: Press) -> None:
    """H6: refused, cancelled or expired is not received."""
    press.queue("list:brussels")
    with press.room.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 4", {})
        tx.execute("UPDATE distributions SET state = 'done'", {})
    assert to(press, "b1@example.com").kind == "release"


@pytest.mark.parametrize(
    ("email", "kind", "sentence"),
    [
        ("b1@example.com", Refused, "must not be contacted"),
        ("b2@example.com", Refused, "is away"),
        ("stranger@example.com", NotFound, "no journalist"),
        (BOSS, NotFound, "no journalist"),
        ("no address", UsageError, "no address"),
    ],
)
def test_who_may_not_be_mailed_is_always_refused(
    press: Press, email: str, kind: type[MailerError], sentence: str
) -> None:
    """F10: no reason helps."""
    press.queue("list:tech", leave_out=["b2@example.com"])
    test_send(press.room, str(press.release), BOSS, "anna")
    suppressions.add(press.room, ["b1@example.com"], "anna")
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'away' WHERE id = 2", {})
    before = press.sizes()
    for again in (None, "because"):
        with pytest.raises(kind) as caught:
            to(press, email, again=again)
        assert sentence in str(caught.value)
    assert press.sizes() == before


@pytest.mark.parametrize("state", ["draft", "paused", "waiting", "cancelled", "killed"])
def test_nothing_is_sent_of_what_is_stopped(press: Press, state: str) -> None:
    """H15: the officer's word about the distribution holds for one more person too."""
    press.queue("list:brussels")
    with press.room.store.write() as tx:
        tx.execute("UPDATE distributions SET state = :state", {"state": state})
    with pytest.raises(Refused, match="distribution 1 "):
        to(press, "t1@example.com", again="please")
    with pytest.raises(NotFound):
        to(press, "t1@example.com", 7)


def test_nobody_gets_it_before_the_others_may(press: Press, clock: ManualClock) -> None:
    """D4: neither before the set time nor before the lift."""
    press.queue("list:brussels", at="2026-03-03T15:00")
    assert to(press, "t1@example.com").due_at == "2026-03-03T14:00:00.000Z"
    press.queue("list:brussels", embargo="2026-03-03T18:00")
    assert to(press, "t1@example.com", 3, again="x").due_at == "2026-03-03T17:00:00.000Z"
    clock.advance(4 * 3600)
    assert sent_now(press, 2) == 0 or sent_now(press, 4) == 0
    clock.advance(3600)
    assert sent_now(press, 4) == 1


def test_one_person_goes_before_the_many(press: Press) -> None:
    """H13: who waits for it does not queue behind a large batch."""
    press.queue("list:brussels")
    test_send(press.room, str(press.release), BOSS, "anna")
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        from mailer.store import ledger

        assert [wave.distribution for wave in ledger.open_waves(tx)] == [2, 1]


def test_a_test_goes_only_to_the_offices_own_recipients(press: Press) -> None:
    """D24: a journalist is none of them, nor is anybody unknown; nothing is kept."""
    before = press.sizes()
    for email in ("b1@example.com", "me@example.org"):
        with pytest.raises(Refused, match="test recipients") as caught:
            test_send(press.room, str(press.release), email, "anna")
        assert caught.value.exit_code == 6
    with pytest.raises(UsageError):
        test_send(press.room, str(press.release), "boss", "anna")
    bad = write_release(press.config.home, "# Headline\n\nNobody to ask.\n", "bad.md")
    with pytest.raises(Refused, match="cannot be sent"):
        test_send(press.room, str(bad), BOSS, "anna")
    assert press.sizes() == before
    suppressions.add(press.room, [BOSS], "anna")
    with pytest.raises(Refused, match="must not be contacted"):
        test_send(press.room, str(press.release), BOSS, "anna")


def test_a_test_recipient_is_no_journalist(press: Press, tmp_path: Path) -> None:
    """D24: in no segment, list, count or export; one address, one row, also the second time."""
    lists, counted = list_lists(press.room), count_segment(press.room, "list:tech")
    for _ in range(2):
        test_send(press.room, str(press.release), f"The Boss <{BOSS.upper()}>", "anna")
    assert press.rows("SELECT state FROM journalists WHERE state = 'test'") == [("test",)]
    assert press.rows("SELECT count(*) AS n FROM addresses")[0][0] == 4
    assert list_lists(press.room) == lists
    assert count_segment(press.room, "list:tech") == counted
    assert BOSS not in "".join(map(str, export_list(press.room, "tech"))).lower()
    with press.room.store.read() as tx:
        assert audience.by_hash(tx, press.room.address_hash(BOSS)) is None
    with pytest.raises(NotFound):
        press.queue("list:brussels", also=[BOSS])
    assert press.queue("list:brussels", "list:tech").recipients == 3


def test_a_test_counts_nowhere_and_publishes_nothing(press: Press) -> None:
    """D24, D4: no figure, no "has it already", no public page; the log has it, marked."""
    sent = test_send(press.room, str(press.release), BOSS, "anna")
    assert [row["kind"] for row in status(press.room).distributions] == ["test"]
    assert sent_now(press, 1) == 1
    assert Shelf(press.room).find("a-bridge-opens-after-ten-years") is None
    assert status(press.room).distributions == []
    assert releases.ls(press.room)[0]["distributions"] == 0
    [row] = log(press.room)
    assert (row["kind"], row["state"], row["delivery"]) == ("test", "accepted", sent.delivery)
    queued = press.queue("list:brussels", skip_received=True)
    assert queued.recipients == 2 and not [w for w in queued.warnings if "already" in w]
    assert sent_now(press, queued.distribution or 0) == 2
    assert Shelf(press.room).find("a-bridge-opens-after-ten-years") is not None
    with pytest.raises(Refused, match="was a test"):
        to(press, "t1@example.com", 1)


def test_a_test_of_an_embargoed_release_leaves_at_once(press: Press) -> None:
    """D4: to the office only; the release stays unpublished."""
    text = RELEASE.replace("# A", "Embargoed until 3 March 2026, 18:00 Europe/Brussels\n\n# A")
    path = write_release(press.config.home, text, "secret.md")
    press.queue("list:brussels", release=str(path))
    test_send(press.room, str(path), BOSS, "anna")
    assert sent_now(press, 2) == 1 and sent_now(press, 1) == 0


def test_a_test_is_stopped_like_anything_else(press: Press) -> None:
    """H15."""
    test_send(press.room, str(press.release), BOSS, "anna")
    control.cancel(press.room, 1, "anna")
    assert sent_now(press, 1) == 0
    test_send(press.room, str(press.release), BOSS, "anna")
    suppressions.add(press.room, [BOSS], "anna")
    assert sent_now(press, 2) == 0


def test_an_import_makes_a_test_recipient_a_journalist(press: Press) -> None:
    """E9: who stands on a list is mailed by it, whatever he was before."""
    test_send(press.room, str(press.release), BOSS, "anna")
    press.people("staff", [BOSS])
    assert press.rows("SELECT count(*) AS n FROM addresses")[0][0] == 4
    queued = press.queue("list:staff")
    assert queued.recipients == 1
    sent = test_send(press.room, str(press.release), BOSS, "anna")
    assert sent_now(press, sent.distribution) == 1


def test_the_message_differs_only_by_its_mark_and_its_links(tmp_path: Path, store_url: str) -> None:
    """D24: by `run --once`; only the Subject has `[TEST]`, and the links act on nobody."""
    with Recorder() as server, Press(tmp_path / "room", store_url, port=server.port) as press:
        office(press)
        press.people("brussels", ["b1@example.com"])
        press.queue("list:brussels")
        test_send(press.room, str(press.release), BOSS, "anna")
        assert press.run().counts == {"accepted": 2}
        raw = {got.rcpt_to: got.raw for got in server.got}
        test, real = (
            message_from_bytes(raw[each], policy=policy.default)
            for each in (BOSS, "b1@example.com")
        )
        assert test["Subject"] == f"[TEST] {real['Subject']}"
        differ = {
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "List-Id",
            "List-Unsubscribe",
            "Content-Type",
        }
        assert test.keys() == real.keys()
        assert {n for n in test.keys() if test[n] != real[n]} <= differ  # noqa: SIM118
        url = re.search(r"/u/([a-z0-9]+)", str(test["List-Unsubscribe"]))
        assert url
        token = subscriptions.read_token(press.room, url[1])
        assert token is not None and token.journalist == 0
        before = press.sizes()
        assert subscriptions.opt_out(press.room, token, method="one-click")
        assert press.sizes() == before
        assert not list(suppressions.ls(press.room))
        text = json.dumps(test.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert "trams and people" in text and "[TEST]" not in text
