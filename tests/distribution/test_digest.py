"""The weekly mail of headlines: who gets it, once, what it names and what never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import ManualClock, from_datetime
from mailer.distribution import digest, notices
from mailer.distribution.digest import Planner
from mailer.distribution.log import log, status
from mailer.distribution.releases import template_source
from mailer.distribution.rules import Rulebook
from mailer.distribution.schedule import Sweeper
from mailer.message.digest import Headline, compile_digest, language_for
from mailer.message.merge import MergeTemplate
from mailer.message.phrases import languages
from mailer.store import ledger

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import answer

TUESDAY = from_datetime(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
EVERYBODY = ("t1@example.com", "b1@example.com", "b2@example.com")
RULES = '[rules]\nweekly_cap = 1\ndigest = "Mon 08:00"\n'


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TUESDAY)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    with Press(tmp_path / "room", store_url, clock=clock, sending=RULES) as press:
        press.people("brussels", ["b1@example.com", "b2@example.com"])
        press.people("tokyo", [("t1@example.com", "Asia/Tokyo")])
        yield press


def go(press: Press) -> None:
    """Sweeps, and everything that may be claimed and no rule keeps back is accepted."""
    room, book, sweeper = press.room, Rulebook(press.config), Sweeper(press.room)
    for _ in range(3):
        sweeper.sweep()
        with room.store.write() as tx:
            who = ledger.add_worker(
                tx, host="h", name="s", pid=1, boot_id="b", journal="/none",
                config_digest=room.config.digest(),
            )  # fmt: skip
            for wave in ledger.open_waves(tx):
                going = book.judge(tx, who, wave, ledger.claim(tx, who, wave, 100))
                ledger.record(tx, who, [answer(tx.now(), each) for each in going])
            ledger.worker_left(tx, who)
    sweeper.sweep()


def sent(press: Press, name: str, *to: str, **options: str) -> str:
    """Queue a release with that headline and send it as far as the rules let it; its slug."""
    text = RELEASE.replace("A bridge opens after ten years", name)
    assert text != RELEASE
    path = write_release(press.config.home, text, f"{name.replace(' ', '-')}.md")
    press.queue(*(to or ("list:brussels", "list:tokyo")), release=str(path), **options)
    go(press)
    return name.lower().replace(" ", "-")


def named(press: Press) -> dict[str, list[str]]:
    """Of each address the headlines that weekly mails named to it, as they stand in the text."""
    found: dict[str, list[str]] = {}
    rows = press.rows(
        "SELECT a.email, c.data FROM deliveries d JOIN distributions x ON x.id = d.distribution "
        "JOIN compiled c ON c.digest = x.compiled "
        "JOIN addresses a ON a.journalist = d.journalist WHERE d.kind = 'digest' AND d.state = 3 "
        "ORDER BY d.id"
    )
    for email, data in rows:
        parts = MergeTemplate.from_bytes(bytes(data)).parts
        text = "".join(part for part in parts if isinstance(part, str))
        found.setdefault(email, []).extend(
            name for name in ("First", "Second", "Third", "Fourth") if f"{name} news" in text
        )
    return found


def until(clock: ManualClock, *moment: int) -> None:
    """Set the clock forward to a moment of December 2026, UTC: day, hour, minute."""
    target = from_datetime(datetime(2026, 12, *moment, tzinfo=UTC))  # type: ignore[misc]
    clock.advance((target - clock.now()) / 1_000_000)


def test_what_a_cap_left_out_comes_as_one_mail_at_his_own_monday_morning(
    press: Press, clock: ManualClock
) -> None:
    """F5: once per person and week, by his own clock; not capped itself, and nothing twice."""
    for name in ("First news", "Second news", "Third news"):
        sent(press, name)
    skipped = {(row["email"], row["release"], row["reason"]) for row in log(press.room)
               if row["state"] == "skipped"}  # fmt: skip
    assert len(skipped) == 6 and {reason for _, _, reason in skipped} == {"cap"}
    [note] = [each for each in status(press.room).notes if "weekly mail" in each]
    assert "2026-12-07T08:00+01:00" in note and "3 journalists" in note
    until(clock, 6, 22, 59)
    go(press)
    assert named(press) == {}
    until(clock, 6, 23, 0)  # Monday, 08:00 in Tokyo
    go(press)
    assert named(press) == {"t1@example.com": ["Second", "Third"]}
    until(clock, 7, 7, 0)  # Monday, 08:00 in Brussels
    go(press)
    go(press)
    found = named(press)
    assert found == {each: ["Second", "Third"] for each in EVERYBODY}
    assert len(press.rows("SELECT id FROM distributions WHERE kind = 'digest'")) == 2
    assert not [each for each in status(press.room).notes if "weekly mail" in each]
    until(clock, 14, 9, 0)
    go(press)
    assert named(press) == found, "nothing was left out since"


def test_nothing_withdrawn_held_or_embargoed_is_named(press: Press, clock: ManualClock) -> None:
    """D4, D10, D11: also when it is stopped after the mail was planned and before it left."""
    sent(press, "First news")
    second, third = sent(press, "Second news"), sent(press, "Third news")
    sent(press, "Fourth news")
    notices.kill(press.room, second, "anna", reason="wrong")
    until(clock, 7, 7, 0)
    assert Planner(press.room).look() == 3
    notices.hold(press.room, third, "anna", reason="to be checked")
    go(press)
    clock.advance(30)
    go(press)
    clock.advance(30)
    go(press)
    assert named(press) == {each: ["Fourth"] for each in EVERYBODY}


def test_two_planners_and_one_that_breaks_off(
    press: Press, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: idempotent wherever it is killed, and with two at once."""
    for name in ("First news", "Second news"):
        sent(press, name)
    until(clock, 7, 7, 0)
    for step in ("insert_deliveries", "finish_plan"):
        with monkeypatch.context() as patch:

            def breaks(*_: object, **__: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(digest.distributions, step, breaks)
            with pytest.raises(KeyboardInterrupt):
                Planner(press.room).look()
        assert press.rows("SELECT journalist FROM digests") == []
    planned: list[int] = []
    threads = [
        threading.Thread(target=lambda: planned.append(Planner(press.room).look()))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(planned) == 3
    go(press)
    assert sorted(named(press)) == ["b1@example.com", "b2@example.com", "t1@example.com"]


def test_the_mail_of_headlines_speaks_every_language_and_lets_everybody_leave(press: Press) -> None:
    """F1, D20: the list of headlines in both parts, a way to leave in one click."""
    headlines = [
        Headline("A bridge opens", "http://127.0.0.1:8025/r/a-bridge", "en", "ltr"),
        Headline("גשר נפתח", "http://127.0.0.1:8025/r/b", "he", "rtl"),
    ]
    for language in sorted(languages()):
        assert language_for(f"{language}-XX", "en") == language
        made = compile_digest(headlines, language, press.room.sender, template_source(press.room))
        parts = "".join(part for part in made.parts if isinstance(part, str))
        assert "Example Newsroom" in made.subject
        assert parts.count("/r/a-bridge") == 2
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in parts
    assert language_for("xx", "en") == "en"
