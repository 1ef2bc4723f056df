"""Embargoes: who may have a release before the end, and the end moved, come early or broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import ManualClock, from_datetime
from mailer.distribution import embargo
from mailer.distribution.log import log
from mailer.distribution.previews import sample
from mailer.distribution.published import Shelf
from mailer.distribution.schedule import Sweeper
from mailer.errors import NotFound, Refused, UsageError
from mailer.message.merge import MergeTemplate
from mailer.message.render import message_parts
from mailer.store import ledger

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import answer, deliver

T0 = from_datetime(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
END = "2026-11-02T18:00:00+01:00"
"""Five hours after T0, in the release's own text."""
SLUG = "a-bridge-opens-after-ten-years"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        press.people("brussels", [f"b{n}@example.com" for n in (1, 2, 3)])
        press.people("inner", ["i1@example.com", "i2@example.com"])
        with press.room.store.write() as tx:
            tx.execute("UPDATE lists SET kind = 'trusted' WHERE name = 'inner'", {})
        press.release = write_release(
            press.config.home, f"---\nembargo: {END}\n---\n{RELEASE}", "embargo.md"
        )
        yield press


def sweep(press: Press, clock: ManualClock, seconds: float = 1) -> set[str]:
    """What leaves when that time has passed: everybody who may be claimed, accepted; addresses."""
    clock.advance(seconds)
    before = accepted(press)
    Sweeper(press.room).sweep()
    with press.room.store.read() as tx:
        numbers = sorted({wave.distribution for wave in ledger.open_waves(tx)})
    for number in numbers:
        deliver(press.room, number)
    Sweeper(press.room).sweep()
    return accepted(press) - before


def accepted(press: Press) -> set[str]:
    return {row["email"] for row in log(press.room) if row["state"] == "accepted"}


def said(press: Press, email: str) -> tuple[bytes, bytes]:
    """The compiled message of somebody's delivery, as it is and in capitals."""
    [(digest,)] = press.rows(
        "SELECT coalesce(w.early, x.compiled) AS digest FROM deliveries d "
        "JOIN distributions x ON x.id = d.distribution "
        "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
        "JOIN addresses a ON a.journalist = d.journalist WHERE a.email = :email",
        email=email,
    )
    with press.room.store.read() as tx:
        data = ledger.compiled(tx, digest)
    return data, data.upper()


def give(press: Press, *emails: str, list_name: str | None = None) -> dict[str, object]:
    return embargo.grant(
        press.room,
        SLUG,
        "anna",
        emails=emails,
        list_name=list_name,
        how="agreed",
        reason="by telephone",
    )


def test_who_is_trusted_has_it_early_and_the_others_at_the_end(
    press: Press, clock: ManualClock
) -> None:
    """D2, D3, D22: one distribution, two messages; nobody else gets anything before the end."""
    queued = press.queue("list:brussels", "list:inner")
    assert [(w["recipients"], w.get("early", False)) for w in queued.waves] == [
        (2, True),
        (3, False),
    ]
    assert sweep(press, clock) == {"i1@example.com", "i2@example.com"}
    assert sweep(press, clock, 4 * 3600) == set()
    assert b"EMBARGO 2 NOV" in said(press, "i1@example.com")[1].replace(b"_", b" ")
    assert b"EMBARGO" not in said(press, "b1@example.com")[1]
    assert b"FOR IMMEDIATE RELEASE" in said(press, "b1@example.com")[1].replace(b"=\r\n", b"")
    assert sweep(press, clock, 3600) == {f"b{n}@example.com" for n in (1, 2, 3)}
    shown = embargo.show(press.room, SLUG, "anna")
    assert {(g["email"], g["how"], g["list"], g["actor"], g["state"]) for g in shown["grants"]} == {
        (f"i{n}@example.com", "trusted", "inner", "anna", "accepted") for n in (1, 2)
    }
    assert press.rows("SELECT state FROM distributions") == [("done",)]


def test_a_grant_brings_forward_and_taking_it_back_does_too(
    press: Press, clock: ManualClock
) -> None:
    """D3: agreed by telephone after the release was queued; the history keeps who, how and when."""
    press.queue("list:brussels")
    assert sweep(press, clock) == set()
    assert give(press, "B1@example.com", "b2@example.com")["brought_forward"] == 2
    done = embargo.revoke(
        press.room, SLUG, "bea", emails=["b2@example.com"], reason="talked about it"
    )
    assert (done["revoked"], done["back"], done["has_it"]) == (1, 1, [])
    assert sweep(press, clock) == {"b1@example.com"}
    done = embargo.revoke(press.room, SLUG, "bea", emails=["b1@example.com"], reason="late")
    assert done["has_it"] == ["b1@example.com"], "it is too late for him"
    with pytest.raises(NotFound, match="has no grant"):
        embargo.revoke(press.room, SLUG, "bea", emails=["b3@example.com"], reason="none")
    assert sweep(press, clock, 5 * 3600) == {"b2@example.com", "b3@example.com"}
    kinds = press.rows("SELECT kind, actor FROM events WHERE kind LIKE 'embargo_%ed' ORDER BY id")
    assert kinds == [
        *[("embargo_granted", "anna")] * 2,
        *[("embargo_revoked", "bea")] * 2,
    ]
    assert press.rows("SELECT recipients FROM waves ORDER BY id") == [(2,), (1,)]


def test_the_claim_itself_asks_for_the_grant(press: Press, clock: ManualClock) -> None:
    """D3, H14: whoever loses it between the plan and the claim gets nothing before the end."""
    press.queue("list:inner")
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM embargo_grants", {})
    assert sweep(press, clock) == set()
    embargo.lift(press.room, SLUG, "anna")
    assert sweep(press, clock) == {"i1@example.com", "i2@example.com"}


def test_the_end_can_come_early(press: Press, clock: ManualClock) -> None:
    """D4, D22: all that waits leaves at once, and the page appears with it, not before."""
    press.queue("list:brussels", "list:inner", at="2026-11-02T13:00:01", over="40m")
    sweep(press, clock)
    shelf = Shelf(press.room)
    assert shelf.latest() == [] and shelf.find(SLUG) is None
    done = embargo.lift(press.room, SLUG, "anna", reason="the minister spoke")
    assert (done.distributions, done.has_it) == ([1], ["i1@example.com", "i2@example.com"])
    assert sweep(press, clock) == {f"b{n}@example.com" for n in (1, 2, 3)}
    found = shelf.find(SLUG)
    assert found is not None and [each.slug for each in shelf.latest()] == [SLUG]
    with pytest.raises(Refused, match="ended at"):
        embargo.move(press.room, SLUG, "2026-11-03T10:00", "anna", reason="")


@pytest.mark.parametrize(("to", "hours"), [("2026-11-02T20:00", 7), ("2026-11-02T15:00", 2)])
def test_the_end_can_be_moved(press: Press, clock: ManualClock, to: str, hours: int) -> None:
    """D5, D9: everything that waits for it moves, the page too, and what is sent early now says
    the new end."""
    press.queue("list:brussels")
    press.queue("list:inner", at="2026-11-02T14:00")
    done = embargo.move(press.room, SLUG, to, "anna", reason="the vote is later")
    assert sorted(done.distributions) == [1, 2]
    assert sweep(press, clock, 3600) == {"i1@example.com", "i2@example.com"}
    stamp = f"{hours + 13}:00".encode()
    assert b"EMBARGO 2 NOV " + stamp in said(press, "i1@example.com")[1].replace(b"_", b" ")
    assert sweep(press, clock, (hours - 1) * 3600 - 30) == set()
    assert Shelf(press.room).find(SLUG) is None
    assert sweep(press, clock, 60) == {f"b{n}@example.com" for n in (1, 2, 3)}
    assert Shelf(press.room).find(SLUG) is not None


def test_a_pause_outlasts_the_lift_and_is_told(press: Press, clock: ManualClock) -> None:
    """H15: an officer's stop is stronger than another's lift; early readers not reached before the
    end get it as everybody does."""
    from mailer.distribution import control

    press.queue("list:brussels", "list:inner")
    Sweeper(press.room).sweep()
    control.pause(press.room, 1, "bea")
    done = embargo.lift(press.room, SLUG, "anna")
    assert (done.distributions, done.stopped) == ([], {1: "paused"})
    assert sweep(press, clock) == set()
    control.resume(press.room, 1, "bea")
    assert len(sweep(press, clock)) == 5


def test_a_break_is_kept_and_may_end_it_for_all(press: Press, clock: ManualClock) -> None:
    """D6."""
    press.queue("list:brussels", "list:inner")
    sweep(press, clock)
    with pytest.raises(UsageError, match="needs a reason"):
        embargo.broken(press.room, SLUG, "anna", reason=" ")
    told = embargo.broken(press.room, SLUG, "anna", reason="Daily X, 13:20")
    assert told.has_it == ["i1@example.com", "i2@example.com"]
    assert sweep(press, clock) == set()
    embargo.broken(press.room, SLUG, "anna", reason="Daily Y too", ends=True)
    assert len(sweep(press, clock)) == 3
    assert press.rows("SELECT count(*) AS n FROM events WHERE kind = 'embargo_broken'") == [(2,)]


def test_what_cannot_be_is_refused_and_changes_nothing(press: Press, clock: ManualClock) -> None:
    """D3, D5."""
    press.queue("list:brussels")
    plain = write_release(press.config.home, RELEASE.replace("bridge", "tunnel"), "plain.md")
    before = press.sizes()
    for call, error, words in (
        (lambda: give(press), UsageError, "nobody is named"),
        (lambda: give(press, "x@example.com"), NotFound, "no journalist"),
        (lambda: give(press, list_name="none"), NotFound, 'no list "none"'),
        (lambda: embargo.move(press.room, SLUG, "now", "anna", reason=""), UsageError, "come"),
        (
            lambda: embargo.move(press.room, SLUG, "2026-11-01T10:00", "anna", reason=""),
            UsageError,
            "has come already",
        ),
    ):
        with pytest.raises(error, match=words):
            call()
    assert press.sizes() == before
    with pytest.raises(Refused, match="under no embargo"):
        embargo.lift(press.room, str(plain), "anna")


def test_a_later_revision_speaks_for_itself(press: Press, clock: ManualClock) -> None:
    """D12: an officer's word changes the end of what he saw, not of a text that came later."""
    press.queue("list:inner")
    embargo.lift(press.room, SLUG, "anna")
    later = write_release(
        press.config.home,
        f"---\nembargo: 2026-11-03T09:00:00+01:00\n---\n{RELEASE.replace('trams', 'buses')}",
        "later.md",
    )
    queued = press.queue("list:brussels", release=str(later))
    assert queued.due_at == "2026-11-03T08:00:00.000Z"


def test_who_has_it_is_told_what_becomes_of_the_embargo(press: Press, clock: ManualClock) -> None:
    """D9: an embargo that is moved, broken or lifted is a notice in the thread of the message, with
    the end that binds; nobody else hears of it."""
    press.queue("list:brussels", "list:inner")
    sweep(press, clock)
    moved = embargo.move(press.room, SLUG, "2026-11-02T20:00:00+01:00", "anna", reason="later")
    assert (moved.told, len(moved.has_it), moved.cannot_be_told) == (2, 2, [])
    sweep(press, clock)
    broken = embargo.broken(press.room, SLUG, "anna", reason="a site has it")
    assert broken.told == 2
    sweep(press, clock)
    lifted = embargo.lift(press.room, SLUG, "anna", reason="it is out")
    assert lifted.told == 2
    sweep(press, clock)
    rows = [row for row in log(press.room) if row["kind"] == "notice"]
    assert len(rows) == 6 and {row["state"] for row in rows} == {"accepted"}
    assert {row["email"] for row in rows} == {"i1@example.com", "i2@example.com"}
    first, second, third = (
        plain(press, number) for number in (*moved.notices, *broken.notices, *lifted.notices)
    )
    assert "EMBARGO CHANGED: A bridge" in first and "20:00" in first and "later" in first
    assert "still stands" in second and "20:00" in second
    assert "may be published now" in third and "20:00" not in third


def plain(press: Press, number: int) -> str:
    """The Subject and the plain text of a distribution's message."""
    [(digest,)] = press.rows("SELECT compiled FROM distributions WHERE id = :n", n=number)
    with press.room.store.read() as tx:
        template = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
    parts = message_parts(sample(press.room, template))
    return f"{template.subject}\n{' '.join(parts.text.split())}"


def test_the_end_is_told_in_the_reader_s_zone_too(press: Press, clock: ManualClock) -> None:
    """D5: newsroom's zone, the reader's and UTC, generated; a batch for each of their times."""
    press.people("far", [("n1@example.com", "America/New_York"), ("t1@example.com", "Asia/Tokyo")])
    with press.room.store.write() as tx:
        tx.execute("UPDATE lists SET kind = 'trusted' WHERE name = 'far'", {})
    queued = press.queue("list:brussels", "list:inner", "list:far")
    assert sorted((w["zone"], w["recipients"]) for w in queued.waves if w.get("early")) == [
        ("America/New_York", 1),
        ("Asia/Tokyo", 1),
        ("Europe/Brussels", 2),
    ]
    sweep(press, clock)
    text = lines(press, "n1@example.com")
    assert "18:00 CET (UTC+01:00), 12:00 EST (UTC-05:00)" in text
    text = lines(press, "t1@example.com")
    assert "18:00 CET (UTC+01:00); Tuesday, 3 November 2026, 02:00 JST (UTC+09:00)" in text
    assert "EST" not in lines(press, "i1@example.com")


def test_so_is_a_grant_that_comes_later(press: Press, clock: ManualClock) -> None:
    """D5: who is brought forward, and who waits in a batch whose end was moved."""
    press.people(
        "late", [("n1@example.com", "America/New_York"), ("n2@example.com", "America/Lima")]
    )
    press.queue("list:brussels", "list:late")
    give(press, "b1@example.com", "n1@example.com")
    assert sweep(press, clock) == {"b1@example.com", "n1@example.com"}
    assert "12:00 EST" in lines(press, "n1@example.com")
    assert "EST" not in lines(press, "b1@example.com")
    give(press, "n2@example.com", "b2@example.com")
    embargo.move(press.room, SLUG, "2026-11-02T20:00:00+01:00", "anna", reason="later")
    assert sweep(press, clock) == {"b2@example.com", "n2@example.com"}
    assert "20:00 CET (UTC+01:00), 14:00" in lines(press, "n2@example.com")
    assert "14:00" not in lines(press, "b2@example.com")


def lines(press: Press, email: str) -> str:
    """The plain text of somebody's message."""
    [(digest,)] = press.rows(
        "SELECT coalesce(w.early, x.compiled) AS digest FROM deliveries d "
        "JOIN distributions x ON x.id = d.distribution "
        "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
        "JOIN addresses a ON a.journalist = d.journalist "
        "WHERE a.email = :email AND x.kind = 'release'",
        email=email,
    )
    with press.room.store.read() as tx:
        template = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
    return " ".join(message_parts(sample(press.room, template)).text.split())


def test_a_lift_is_told_only_to_who_had_it(press: Press, clock: ManualClock) -> None:
    """D9: one early message is on the wire when the embargo is lifted, so the notice waits for its
    outcome; meanwhile the others get the release. None of them is told of an embargo."""
    press.queue("list:brussels", "list:inner")
    clock.advance(1)
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        who = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none",
            config_digest=press.config.digest(),
        )  # fmt: skip
        [wave] = ledger.open_waves(tx)
        first, second = ledger.claim(tx, who, wave, 2)
        ledger.record(tx, who, [answer(tx.now(), first)])
    assert embargo.lift(press.room, SLUG, "anna", reason="it is out").told == 1
    assert {f"b{n}@example.com" for n in (1, 2, 3)} <= sweep(press, clock)
    with press.room.store.write() as tx:
        ledger.record(tx, who, [answer(tx.now(), second)])
    for _ in range(3):
        sweep(press, clock)
    told = [row["email"] for row in log(press.room) if row["kind"] == "notice"]
    assert sorted(told) == ["i1@example.com", "i2@example.com"]
    assert press.rows("SELECT count(*) AS n FROM notices WHERE closed_at IS NULL") == [(0,)]


def test_who_reads_the_new_end_is_not_told_that_it_was_moved(
    press: Press, clock: ManualClock
) -> None:
    """D9: a batch that had not begun, and a grant that comes later, bring the end that binds."""
    press.queue("list:brussels", "list:inner", at="2026-11-02T13:30:00+01:00")
    give(press, "b1@example.com")
    sweep(press, clock)
    embargo.move(press.room, SLUG, "2026-11-02T20:00:00+01:00", "anna", reason="later")
    give(press, "b2@example.com")
    for seconds in (1, 600, 600, 600):
        sweep(press, clock, seconds)
    found = [(row["email"], row["kind"]) for row in log(press.room) if row["state"] == "accepted"]
    assert sorted(found) == [
        ("b1@example.com", "notice"), ("b1@example.com", "release"), ("b2@example.com", "release"),
        ("i1@example.com", "release"), ("i2@example.com", "release"),
    ]  # fmt: skip
