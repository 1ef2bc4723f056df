"""Leaving, coming back and choosing: what stops, what is kept, and the spool behind them."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from mailer.clock import ManualClock
from mailer.distribution import subscriptions
from mailer.distribution.spool import Request, Spool, Step
from mailer.distribution.subscriptions import BACK, LEAVE
from mailer.errors import StoreUnavailable
from mailer.store import Store, open_store, suppression
from mailer.store.core import control_version
from mailer.store.migrations import migrate

from tests.web.office import (
    ANNA,
    BEN,
    CAROL,
    NOW,
    OTHER_TOPIC,
    PRESS,
    TOPIC,
    FakeOffice,
    Settings,
    delivery_id,
    digest,
    fill,
    history,
    link,
    membership,
    scopes,
    states,
    token,
)


@pytest.fixture
def office(store: Store, tmp_path: Path) -> FakeOffice:
    fill(store)
    return FakeOffice(store, Settings(tmp_path / "spool"), clock=ManualClock(NOW))


def request(at: int = NOW, act: str = LEAVE, scope: str = "all", journalist: int = ANNA) -> Request:
    return Request(journalist, PRESS, delivery_id(7, journalist), (Step(act, scope),), "page", at)


def test_one_click_on_a_press_list_ends_all_press_mail(office: FakeOffice) -> None:
    """F10, F11, F18: everything not yet sent stops, what was sent stays, all of it is logged."""
    with office.store.read() as tx:
        before = control_version(tx)
    assert subscriptions.opt_out(office, token(ANNA, PRESS), method="one-click") is True
    found = states(office.store)
    assert found[7, ANNA] == 6 and found[8, ANNA] == 6 and found[9, ANNA] == 3
    assert found[7, BEN] == 0 and found[7, CAROL] == 2
    assert scopes(office.store, "anna") == {("all", "opt-out")}
    with office.store.read() as tx:
        assert control_version(tx) > before
    [event] = history(office.store, "do_not_contact")
    assert event["actor"] == "journalist:one-click"
    assert (event["journalist"], event["distribution"]) == (ANNA, 7)
    assert json.loads(event["data"]) == {
        "scope": "all",
        "reason": "opt-out",
        "method": "one-click",
        "list": PRESS,
        "delivery": delivery_id(7, ANNA),
    }
    assert {(e["distribution"], e["journalist"]) for e in history(office.store, "suppressed")} == {
        (7, ANNA),
        (8, ANNA),
    }


def test_one_click_on_a_topic_ends_that_topic(office: FakeOffice) -> None:
    """F11: a list he signed up to himself is left alone; the rest goes on."""
    subscriptions.opt_out(office, token(ANNA, TOPIC, 8), method="one-click")
    found = states(office.store)
    assert found[8, ANNA] == 6 and found[7, ANNA] == 0
    assert scopes(office.store, "anna") == {(f"list:{TOPIC}", "opt-out")}
    assert membership(office.store, ANNA, TOPIC) == "left"
    assert membership(office.store, ANNA, OTHER_TOPIC) == "active"


def test_doing_it_twice_changes_and_logs_nothing_more(office: FakeOffice) -> None:
    """F9."""
    for _ in range(3):
        subscriptions.opt_out(office, token(), method="one-click")
    assert len(history(office.store, "do_not_contact")) == 1
    with office.store.read() as tx:
        version = control_version(tx)
    subscriptions.opt_out(office, token(), method="page")
    with office.store.read() as tx:
        assert control_version(tx) == version


def test_what_was_queued_after_an_opt_out_stops_at_the_next_one(office: FakeOffice) -> None:
    """A delivery that slipped in is stopped by repeating the opt-out, though nothing is new."""
    subscriptions.opt_out(office, token(), method="page")
    with office.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 0 WHERE journalist = :j", {"j": ANNA})
    subscriptions.opt_out(office, token(), method="page")
    assert states(office.store)[7, ANNA] == 6


def test_coming_back_is_a_logged_act_and_revives_no_old_delivery(office: FakeOffice) -> None:
    """F13."""
    subscriptions.opt_out(office, token(), method="page")
    subscriptions.come_back(office, token(), method="page")
    assert scopes(office.store, "anna") == set()
    assert states(office.store)[7, ANNA] == 6
    [event] = history(office.store, "contact_again")
    assert event["actor"] == "journalist:page"
    subscriptions.come_back(office, token(), method="page")
    assert len(history(office.store, "contact_again")) == 1


def test_coming_back_to_a_topic_takes_the_end_of_membership_back(office: FakeOffice) -> None:
    subscriptions.opt_out(office, token(ANNA, TOPIC), method="page")
    subscriptions.come_back(office, token(ANNA, TOPIC), method="page")
    assert membership(office.store, ANNA, TOPIC) == "active"
    assert scopes(office.store, "anna") == set()


def test_coming_back_undoes_only_what_the_person_did(office: FakeOffice) -> None:
    """F13: a forwarded link must not lift a complaint or an officer's entry."""
    with office.store.write() as tx:
        for reason in ("complaint", "opt-out"):
            suppression.add(
                tx, digest("anna"), scope="all", reason=reason, actor="test", evidence={}
            )
    subscriptions.come_back(office, token(), method="page")
    assert scopes(office.store, "anna") == {("all", "complaint")}


def test_a_complaint_takes_the_place_of_the_own_opt_out(office: FakeOffice) -> None:
    subscriptions.opt_out(office, token(), method="page")
    with office.store.write() as tx:
        assert suppression.add(
            tx, digest("anna"), scope="all", reason="complaint", actor="test", evidence={}
        )
    subscriptions.come_back(office, token(), method="page")
    assert scopes(office.store, "anna") == {("all", "complaint")}


def test_a_membership_ended_by_the_office_is_not_revived_by_a_link(office: FakeOffice) -> None:
    with office.store.write() as tx:
        suppression.leave_list(tx, ANNA, TOPIC)
    subscriptions.come_back(office, token(ANNA, TOPIC), method="page")
    assert membership(office.store, ANNA, TOPIC) == "left"


def test_an_erased_person_changes_nothing_and_fails_nowhere(office: FakeOffice) -> None:
    """F9."""
    with office.store.write() as tx:
        tx.execute("DELETE FROM addresses WHERE journalist = :j", {"j": ANNA})
    assert subscriptions.opt_out(office, token(), method="one-click") is True
    assert subscriptions.come_back(office, token(), method="page") is True
    assert subscriptions.choices(office, token()).stopped is True
    assert history(office.store, "do_not_contact") == []


def test_choices_tell_only_the_messages_list_and_own_topics(office: FakeOffice) -> None:
    """F7, F11: journalists forward mail; the office's other lists are not shown."""
    found = subscriptions.choices(office, token(ANNA, TOPIC))
    assert [item.title for item in found.lists] == ["Energy briefing", "Trade briefing"]
    found = subscriptions.choices(office, token(ANNA, PRESS))
    assert [item.kind for item in found.lists] == ["press", "topic", "topic"]
    assert all(item.receives for item in found.lists) and not found.stopped


def test_choosing_one_list_and_then_all(office: FakeOffice) -> None:
    """F17."""
    by = token(ANNA, PRESS)
    steps = [Step(LEAVE, f"list:{PRESS}"), Step(BACK, f"list:{TOPIC}")]
    subscriptions.choose(office, by, steps, method="choices")
    receives = {item.id: item.receives for item in subscriptions.choices(office, by).lists}
    assert receives == {PRESS: False, TOPIC: True, OTHER_TOPIC: True}
    assert states(office.store)[7, ANNA] == 6 and states(office.store)[8, ANNA] == 2
    subscriptions.choose(office, by, [Step(LEAVE, "all")], method="choices")
    found = subscriptions.choices(office, by)
    assert found.stopped and not any(item.receives for item in found.lists)


def test_a_delivery_on_no_list_ends_everything(office: FakeOffice) -> None:
    assert subscriptions.scope_of(office, token(ANNA, 0)).code == "all"
    subscriptions.opt_out(office, token(ANNA, 999), method="one-click")
    assert scopes(office.store, "anna") == {("all", "opt-out")}


def test_only_leaving_and_choosing_tokens_count(office: FakeOffice) -> None:
    """F7: a token made for something else opens nothing here."""
    assert subscriptions.read_token(office, link()) == token()
    assert subscriptions.read_token(office, link(purpose="p")) == token(purpose="p")
    assert subscriptions.read_token(office, link(purpose="e")) is None
    assert subscriptions.read_token(office, link()[:-1]) is None


def test_an_opt_out_by_an_old_key_works_after_rotation(office: FakeOffice) -> None:
    """F8, E4."""
    old = link(keys=office.keys.with_current(1))
    found = subscriptions.read_token(office, old)
    assert found == token()


# The spool ------------------------------------------------------------------------------------


def test_a_locked_database_spools_and_the_next_act_applies_it(tmp_path: Path) -> None:
    """F12."""
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True, busy_timeout=0.2)
    migrate(store)
    fill(store)
    office = FakeOffice(store, Settings(tmp_path / "spool"))
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert subscriptions.opt_out(office, token(ANNA), method="one-click") is False
    assert subscriptions.waiting(office)
    assert subscriptions.come_back(office, token(ANNA), method="page") is False
    assert subscriptions.opt_out(office, token(BEN), method="one-click") is False
    other.execute("ROLLBACK")
    other.close()
    assert subscriptions.opt_out(office, token(CAROL), method="one-click") is True
    assert not subscriptions.waiting(office)
    assert scopes(store, "anna") == set()
    assert scopes(store, "ben") == scopes(store, "carol") == {("all", "opt-out")}
    assert states(store)[7, ANNA] == states(store)[7, BEN] == 6
    store.close()


def test_a_server_that_is_away_spools(tmp_path: Path) -> None:
    """F12."""
    store = open_store("postgresql://nobody@/none?host=/nonexistent", busy_timeout=0.3)
    office = FakeOffice(store, Settings(tmp_path))
    assert subscriptions.opt_out(office, token(), method="one-click") is False
    with pytest.raises(StoreUnavailable):
        subscriptions.drain(office)
    assert subscriptions.waiting(office)
    store.close()


def test_no_database_and_no_spool_is_said(tmp_path: Path) -> None:
    """F12: then nothing was done, and nobody says otherwise."""
    (tmp_path / "spool").write_text("a file where the folder should be")
    store = open_store("postgresql://nobody@/none?host=/nonexistent", busy_timeout=0.3)
    office = FakeOffice(store, Settings(tmp_path / "spool"))
    with pytest.raises(StoreUnavailable, match="spool cannot be used"):
        subscriptions.opt_out(office, token(), method="one-click")
    store.close()


def test_files_are_private_complete_and_hold_no_address(tmp_path: Path) -> None:
    """E21."""
    spool = Spool(tmp_path)
    spool.put(request())
    [path] = spool.folder.glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert spool.folder.stat().st_mode & 0o777 == 0o700
    assert "@" not in path.read_text()


def test_files_stay_until_the_store_has_committed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(request())

    def fail(_: Sequence[Request]) -> None:
        raise StoreUnavailable("the store is locked.")

    with pytest.raises(StoreUnavailable):
        spool.drain(fail)
    assert spool.pending()
    seen: list[Request] = []
    assert spool.drain(seen.extend) == 1
    assert seen == [request()] and not spool.pending()
    assert spool.drain(fail) == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instants=some.lists(some.integers(0, 2**53), unique=True, max_size=12))
def test_requests_are_applied_in_the_order_they_were_made(
    tmp_path: Path, instants: list[int]
) -> None:
    spool = Spool(tmp_path / "any")
    for instant in instants:
        spool.put(request(instant))
    seen: list[Request] = []
    spool.drain(seen.extend)
    assert [act.at for act in seen] == sorted(instants)


def test_a_damaged_file_is_kept_aside_and_blocks_nobody(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(request())
    (spool.folder / "00000000000000001-x.json").write_text("{half")
    seen: list[Request] = []
    assert spool.drain(seen.extend) == 1
    assert not spool.pending()
    assert (spool.folder / "00000000000000001-x.unreadable").read_text() == "{half"


def test_a_half_written_file_is_not_read(tmp_path: Path) -> None:
    """A crash while writing leaves a temporary file, which is no request."""
    spool = Spool(tmp_path)
    spool.put(request())
    spool.drain(lambda _: None)
    (spool.folder / ".00000000000000001-x.new").write_text('{"journalist": 1')
    assert not spool.pending()


def test_one_process_drains_at_a_time(tmp_path: Path) -> None:
    """Else a slow second drain could undo a wish made since."""
    spool = Spool(tmp_path)
    spool.put(request())
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: Sequence[Request]) -> None:
        inside.set()
        go_on.wait(5)

    thread = threading.Thread(target=lambda: spool.drain(slow))
    thread.start()
    inside.wait(5)
    with pytest.raises(StoreUnavailable, match="another process"):
        Spool(tmp_path).drain(lambda _: None, patience=0.1)
    go_on.set()
    thread.join()
    assert not spool.pending()


def test_draining_twice_after_a_crash_ends_the_same(office: FakeOffice) -> None:
    """A crash between commit and deletion applies the file again."""
    spool = Spool(office.config.spool_dir)
    for _ in range(2):
        spool.put(request(NOW - 5))
        assert subscriptions.drain(office) == 1
    assert scopes(office.store, "anna") == {("all", "opt-out")}
    assert len(history(office.store, "do_not_contact")) == 1
    with office.store.read() as tx:
        [found] = suppression.find(tx, digest("anna"))
        listed = list(suppression.ls(tx))
    assert found.created_at == NOW - 5
    assert [(entry.journalist, entry.email) for entry in listed] == [(ANNA, "anna@example.org")]


def test_an_address_imported_anew_stays_suppressed(office: FakeOffice) -> None:
    """F11, E12: the hash, not the row, is what must not be mailed."""
    subscriptions.opt_out(office, token(), method="page")
    with office.store.write() as tx:
        tx.execute("UPDATE addresses SET journalist = 99 WHERE journalist = :j", {"j": ANNA})
        assert suppression.journalist_of(tx, digest("anna")) == 99
        assert [found.scope for found in suppression.find(tx, digest("anna"))] == ["all"]
