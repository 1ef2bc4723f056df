"""Corrections, withdrawals, holds: who is told, in which thread; and nobody gets the old text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import ManualClock, from_datetime
from mailer.distribution import control, notices, single, telling
from mailer.distribution.enclosed import Enclosed
from mailer.distribution.log import log
from mailer.distribution.published import Shelf
from mailer.distribution.schedule import Sweeper
from mailer.errors import Refused, UsageError
from mailer.message.merge import MergeTemplate
from mailer.store import ledger
from mailer.store import notices as stored
from mailer.store.states import DeliveryState
from mailer.store.upkeep import faults

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import answer, deliver
from tests.exactness import faults_of

T0 = from_datetime(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
SLUG = "a-bridge-opens-after-ten-years"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        press.people("brussels", [f"b{n}@example.com" for n in range(1, 7)])
        press.people("paris", [f"p{n}@example.com" for n in range(1, 4)])
        yield press


def go(press: Press) -> None:
    """A sweep, and everything that may be claimed is accepted."""
    for _ in range(3):
        Sweeper(press.room).sweep()
        with press.room.store.read() as tx:
            numbers = sorted({wave.distribution for wave in ledger.open_waves(tx)})
        for number in numbers:
            deliver(press.room, number)
    Sweeper(press.room).sweep()


def send(press: Press, number: int, states: list[DeliveryState]) -> int:
    """A sender claims that many and gets these answers; the worker, which stays."""
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        who = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none",
            config_digest=press.config.digest(),
        )  # fmt: skip
        [wave] = [each for each in ledger.open_waves(tx) if each.distribution == number]
        claimed = ledger.claim(tx, who, wave, len(states))
        ledger.record(
            tx, who, [answer(tx.now(), one, how) for one, how in zip(claimed, states, strict=True)]
        )
    return who


def kinds(press: Press) -> dict[str, list[tuple[str, str]]]:
    """Of each address its deliveries: kind and state."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in log(press.room):
        found.setdefault(row["email"], []).append((row["kind"], row["state"]))
    return found


def correction(press: Press, what: str = "twelve years, not ten") -> Path:
    text = RELEASE.replace("ten years", "twelve years").replace("It carries", "It now carries")
    return write_release(press.config.home, text, f"{what[:6].strip()}.md")


def test_after_a_withdrawal_nobody_gets_it_and_who_has_it_is_told(press: Press) -> None:
    """D11, H13: in all distributions; those not yet mailed get nothing, the others a notice in the
    thread, before everything else."""
    first, second = (
        press.queue("list:brussels").distribution,
        press.queue("list:paris").distribution,
    )
    assert first and second
    send(press, first, [DeliveryState.ACCEPTED] * 2 + [DeliveryState.REFUSED])
    given = notices.kill(press.room, SLUG, "anna", reason="the date is wrong")
    assert (given.told, given.stopped, given.again) == (2, 6, False)
    assert press.rows("SELECT state FROM distributions WHERE kind = 'release'") == [
        ("killed",), ("killed",),
    ]  # fmt: skip
    go(press)
    found = kinds(press)
    told = [email for email, rows in found.items() if ("notice", "accepted") in rows]
    assert sorted(told) == sorted(
        email for email, rows in found.items() if ("release", "accepted") in rows
    )
    assert len(told) == 2
    states = [state for rows in found.values() for kind, state in rows if kind == "release"]
    assert sorted(states) == ["accepted"] * 2 + ["cancelled"] * 6 + ["refused"]
    again = notices.kill(press.room, SLUG, "berta", reason="once more")
    assert again.again and again.reason == "the date is wrong" and again.told == 2
    assert len(press.rows("SELECT id FROM notices")) == 1
    with pytest.raises(Refused, match="withdrawn by anna"):
        press.queue("list:paris")
    with pytest.raises(Refused, match="withdrawn"):
        single.send_to(press.room, first, "p1@example.com", "anna")
    with pytest.raises(Refused):
        control.resume(press.room, second, "anna")
    shown = Shelf(press.room).find(SLUG)
    assert shown is not None and shown.withdrawn


def test_a_correction_reaches_who_has_the_old_text_and_replaces_it_for_the_others(
    press: Press,
) -> None:
    """D10, D11: one message each: the correction, or the corrected text as a plain release."""
    first = press.queue("list:brussels").distribution
    second = press.queue("list:paris", at="2026-12-02T09:00:00+01:00").distribution
    assert first and second
    send(press, first, [DeliveryState.ACCEPTED] * 2 + [DeliveryState.DEFERRED])
    given = notices.correct(press.room, SLUG, correction(press), "anna", what="twelve, not ten")
    assert (given.revision, given.told, given.corrected) == (2, 2, 7)
    go(press)
    assert said(press, "notice") == {"CORRECTION: A bridge opens after twelve years"}
    plain = said(press, "release", wave_above=1)
    assert plain == {"A bridge opens after twelve years"}
    assert counts(press) == {("notice", "accepted"): 2, ("release", "accepted"): 6,
                             ("release", "queued"): 3}  # fmt: skip
    assert press.rows(
        "SELECT count(*) AS n FROM deliveries d JOIN waves w ON w.distribution = d.distribution "
        "AND w.id = d.wave WHERE d.distribution = :n AND w.revision = 2",
        n=second,
    ) == [(3,)]
    again = notices.correct(press.room, SLUG, correction2(press), "anna")
    assert (again.revision, again.told) == (3, 6)
    go(press)
    assert said(press, "notice") == {
        "CORRECTION: A bridge opens after twelve years",
        "CORRECTION: A bridge opens after thirteen years",
    }
    with pytest.raises(Refused, match="sent already"):
        notices.correct(press.room, SLUG, correction(press), "anna")
    with pytest.raises(Refused, match="corrected by revision 3"):
        press.queue("list:paris", release=f"{SLUG}@1")
    shown = Shelf(press.room).find(SLUG)
    assert shown is not None and shown.release.headline == "A bridge opens after thirteen years"


def correction2(press: Press) -> Path:
    text = RELEASE.replace("ten years", "thirteen years")
    return write_release(press.config.home, text, "second.md")


def counts(press: Press) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for rows in kinds(press).values():
        for each in rows:
            found[each] = found.get(each, 0) + 1
    return found


def said(press: Press, kind: str, wave_above: int = 0) -> set[str]:
    """The Subjects of messages of a kind that were accepted."""
    found = set()
    rows: list[Any] = press.rows(
        "SELECT DISTINCT coalesce(w.compiled, t.compiled, x.compiled) AS digest FROM deliveries d "
        "JOIN distributions x ON x.id = d.distribution "
        "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
        "LEFT JOIN distribution_variants t ON t.distribution = x.id AND t.language = w.language "
        "WHERE d.kind = :kind AND d.state = 3 AND w.id > :above",
        kind=kind,
        above=wave_above,
    )
    for (digest,) in rows:
        with press.room.store.read() as tx:
            found.add(MergeTemplate.from_bytes(ledger.compiled(tx, digest)).subject)
    return found


def test_a_hold_stops_everything_and_its_end_lets_it_go_on(press: Press) -> None:
    """D9, D11: those reached are told twice, the others get the release afterwards."""
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED] * 2)
    given = notices.hold(press.room, SLUG, "anna", reason="a figure is being checked")
    assert given.told == 2
    go(press)
    assert counts(press) == {("release", "accepted"): 2, ("release", "queued"): 4,
                             ("notice", "accepted"): 2}  # fmt: skip
    with pytest.raises(Refused, match="on hold"):
        control.resume(press.room, first, "anna")
    with pytest.raises(Refused, match="on hold"):
        press.queue("list:paris")
    over = notices.clear(press.room, SLUG, "anna", reason="the figure is right")
    assert over.told == 2
    go(press)
    assert counts(press) == {("release", "accepted"): 6, ("notice", "accepted"): 4}
    with pytest.raises(Refused, match="not on hold"):
        notices.clear(press.room, SLUG, "anna", reason="once more")


def test_who_was_on_the_wire_is_told_when_his_answer_is_known(press: Press) -> None:
    """D11: an answer that comes after the notice; in doubt is told too, and listed."""
    first = press.queue("list:brussels").distribution
    assert first
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        who = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none",
            config_digest=press.config.digest(),
        )  # fmt: skip
        [wave] = ledger.open_waves(tx)
        claimed = ledger.claim(tx, who, wave, 3)
    given = notices.kill(press.room, SLUG, "anna", reason="wrong")
    assert given.told == 0
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        ledger.record(tx, who, [answer(tx.now(), claimed[0])])
        ledger.mark_in_doubt(tx, who, first, claimed[1].id, 1, "lost")
        ledger.give_back_all(tx, who)
    go(press)
    assert counts(press) == {("release", "accepted"): 1, ("release", "in_doubt"): 1,
                             ("release", "cancelled"): 4, ("notice", "accepted"): 2}  # fmt: skip
    assert press.rows("SELECT count(*) FROM notices WHERE closed_at IS NULL") == [(0,)]
    again = notices.kill(press.room, SLUG, "anna", reason="wrong")
    assert [each["email"] for each in again.not_certain] == ["b2@example.com"]
    go(press)
    assert counts(press)[("notice", "accepted")] == 2


def test_who_cannot_be_told_is_listed(press: Press) -> None:
    """D11: those who said stop, with what is known of them."""
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED] * 3)
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET phone = '+32 2 555 01 00' WHERE id = 1", {})
        tx.execute(
            "INSERT INTO suppressions (id, hash, hash_version, scope, reason, evidence, actor, "
            "created_at) SELECT 1, hash, 1, 'all', 'opt-out', '{}', 'x', 1 FROM addresses "
            "WHERE journalist = 1", {},
        )  # fmt: skip
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 2", {})
    given = notices.kill(press.room, SLUG, "anna", reason="wrong")
    assert given.told == 1
    assert [(p["email"], p["phone"], p["why"]) for p in given.cannot_be_told] == [
        ("b1@example.com", "+32 2 555 01 00", "opt-out"),
        ("b2@example.com", "", "on_hold"),
    ]


def test_what_is_wrong_usage(press: Press) -> None:
    """Contract: a reason is needed, and something to speak of."""
    with pytest.raises(UsageError):
        notices.kill(press.room, str(press.release), "anna", reason=" ")
    with pytest.raises(Refused, match="never queued"):
        notices.kill(press.room, str(press.release), "anna", reason="x")


def test_the_page_remembers_what_was_said(press: Press, clock: ManualClock) -> None:
    """D12: the latest text with its note and history; a hold shows while it lasts, and its text is
    the one that is held."""
    first = press.queue("list:brussels").distribution
    assert first
    go(press)
    notices.hold(press.room, SLUG, "anna", reason="A figure is being checked.")
    shelf = Shelf(press.room)
    held = shelf.find(SLUG)
    assert held is not None and held.release.kind == "hold"
    assert json.loads(shelf.form(held, "ninjs").body)["pubStatus"] == "withheld"
    page = shelf.form(held, "html").body.decode()
    assert "Hold – do not use" in page and "A figure is being checked." in page
    clock.advance(3600)
    notices.correct(press.room, SLUG, correction(press), "anna", what="It took twelve years.")
    clock.advance(86400)
    notices.correct(press.room, SLUG, correction2(press), "anna", kind="update", what="Thirteen.")
    after = shelf.find(SLUG)
    assert after is not None and after.release.kind == "update"
    page = shelf.form(after, "html").body.decode()
    assert "thirteen years" in page
    assert "1 December 2026 – Correction: It took twelve years." in page
    assert "2 December 2026 – Update: Thirteen." in page and "being checked" not in page
    assert shelf.latest()[0].release.headline == "A bridge opens after thirteen years"


@pytest.mark.parametrize("step", ["tell", "_Slice.take", "_Slice.finish"])
def test_a_command_that_dies_after_the_word_is_carried_out_by_the_sweep(
    press: Press, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """D11, H17: the word is one transaction; whatever breaks off after it, everybody reached is
    told once, and a plan that was left behind is seen by nobody."""
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED] * 3)
    owner, _, name = step.rpartition(".")
    place = getattr(telling, owner) if owner else telling
    real = getattr(place, name)

    def dies(*arguments: Any) -> None:
        if step == "_Slice.take":
            real(*arguments)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        # A process that is killed tidies nothing.
        patch.setattr(telling, "forget_plan", lambda *_: None)
        patch.setattr(telling.notices, "at_rest", lambda *_: None)
        with pytest.raises(Died):
            notices.kill(press.room, SLUG, "anna", reason="wrong")
    assert press.rows("SELECT state FROM distributions WHERE kind = 'release'") == [("killed",)]
    assert press.rows("SELECT kind, rounds FROM notices") == [("kill", 0)]
    clock.advance(20)
    go(press)
    assert counts(press) == {("release", "accepted"): 3, ("release", "cancelled"): 3,
                             ("notice", "accepted"): 3}  # fmt: skip
    assert notices.kill(press.room, SLUG, "anna", reason="wrong").told == 3


class Died(BaseException):
    """The process is killed here."""


def test_of_two_who_plan_the_same_round_one_is_too_late(press: Press) -> None:
    """H17: the command and a sweep at the same time tell nobody twice."""
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED] * 3)
    given = notices.kill(press.room, SLUG, "anna", reason="wrong")
    with press.room.store.read() as tx:
        [notice] = stored.ls_open(tx)
    assert telling.tell(press.room, replace(notice, rounds=0)) is None
    go(press)
    assert counts(press)[("notice", "accepted")] == given.told == 3


def test_a_hold_that_is_over_is_told_to_nobody_more(press: Press) -> None:
    """D9: whose answer comes after the hold was cleared hears nothing of it, and gets nothing
    twice; the history and the store's own rules agree."""
    first = press.queue("list:brussels").distribution
    assert first
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        who = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none",
            config_digest=press.config.digest(),
        )  # fmt: skip
        [wave] = ledger.open_waves(tx)
        claimed = ledger.claim(tx, who, wave, 2)
    notices.hold(press.room, SLUG, "anna", reason="checking")
    Sweeper(press.room).sweep()
    notices.clear(press.room, SLUG, "anna", reason="right")
    with press.room.store.write() as tx:
        ledger.record(tx, who, [answer(tx.now(), each) for each in claimed])
    go(press)
    assert counts(press) == {("release", "accepted"): 6}
    assert faults_of(press.room.store) == []


def test_a_number_is_taken_only_by_what_is_sent(press: Press) -> None:
    """Nobody has it: the next distribution is the next number."""
    first = press.queue("list:brussels").distribution
    notices.hold(press.room, SLUG, "anna", reason="checking")
    go(press)
    notices.clear(press.room, SLUG, "anna", reason="right")
    go(press)
    assert first == 1 and press.queue("list:paris").distribution == 2


def test_the_store_s_rules_hold_after_a_correction(press: Press) -> None:
    """H16, H17: replaced batches, notices and what came back in between."""
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED, DeliveryState.DEFERRED])
    notices.correct(press.room, SLUG, correction(press), "anna")
    go(press)
    notices.kill(press.room, SLUG, "anna", reason="wrong after all")
    go(press)
    assert faults_of(press.room.store) == []
    with press.room.store.read() as tx:
        assert list(faults(tx)) == []


def test_the_corrected_text_carries_what_was_asked_for(press: Press) -> None:
    """D14: its own PDF again, but never a file that an officer attached to the old text."""
    other = press.config.home / "other.pdf"
    other.write_bytes(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<<>>\n%%EOF\n")
    own = press.queue("list:brussels", enclosed=Enclosed(attach="pdf")).distribution
    file = press.queue("list:paris", enclosed=Enclosed(attach=str(other))).distribution
    given = notices.correct(press.room, SLUG, correction(press), "anna")
    assert [each for each in given.warnings if "other.pdf was attached" in each]
    carries = {}
    for number in (own, file):
        [(digest,)] = press.rows(
            "SELECT compiled FROM waves WHERE distribution = :n AND revision = 2", n=number
        )
        with press.room.store.read() as tx:
            carries[number] = b"application/pdf" in ledger.compiled(tx, digest)
    assert carries == {own: True, file: False}


def test_a_long_list_is_told_in_slices(
    press: Press, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D11, H13: the first leave while the others are planned; a sweep that takes over goes on where
    the command died, and stays away while it works."""
    monkeypatch.setattr(telling, "CHUNK", 2)
    monkeypatch.setattr(telling, "SLICE", 2)
    first = press.queue("list:brussels").distribution
    assert first
    send(press, first, [DeliveryState.ACCEPTED] * 5)
    given = notices.kill(press.room, SLUG, "anna", reason="wrong")
    assert given.told == 5 and len(given.distributions) == 3
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM deliveries WHERE distribution > 2", {})
        stored.at_work(tx, stored.get(tx, 1))
    Sweeper(press.room).sweep()
    assert press.rows("SELECT count(*) AS n FROM deliveries WHERE kind = 'notice'") == [(2,)]
    clock.advance(20)
    go(press)
    go(press)
    told = [email for email, rows in kinds(press).items() if ("notice", "accepted") in rows]
    assert len(told) == 5
