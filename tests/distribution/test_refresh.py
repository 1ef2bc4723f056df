"""Refresh: a frozen audience worked out anew, openly, for what has not begun."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import ManualClock, from_datetime
from mailer.distribution import control, notices, suppressions
from mailer.distribution import refresh as refreshing
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import import_file
from mailer.distribution.log import status_of
from mailer.distribution.refresh import carry_out
from mailer.distribution.schedule import Sweeper
from mailer.errors import NotFound, Refused
from mailer.store import distributions, refresh
from mailer.store.base import open_store

from tests.distribution.press import Press
from tests.distribution.room import RELEASE

T0 = from_datetime(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
LATER = "2026-11-03T09:00"


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """Two lists: `brussels` b1 b2 b3 and `tech` t1 (Tokyo)."""
    with Press(tmp_path / "room", store_url, clock=ManualClock(T0)) as press:
        press.people("brussels", [f"b{n}@example.com" for n in (1, 2, 3)])
        press.people("tech", [("t1@example.com", "Asia/Tokyo")], beats="energy")
        (press.config.home / "lists").mkdir(exist_ok=True)
        yield press


def states(press: Press, number: int) -> dict[str, tuple[int, str | None]]:
    """State and reason of each delivery, by the name before the @."""
    rows = press.rows(
        "SELECT a.email, d.state, d.reason FROM deliveries d "
        "JOIN addresses a ON a.journalist = d.journalist WHERE d.distribution = :number",
        number=number,
    )
    return {email.partition("@")[0]: (state, reason) for email, state, reason in rows}


def test_who_came_and_who_went(press: Press) -> None:
    """Design decision 3, contract: frozen until `refresh`; the segment as it is written now counts,
    who fell out and may be written to again comes back, and the history keeps who."""
    file = press.config.home / "lists" / "segments.toml"
    file.write_text("[segments.s]\nall = [{ beat = ['eu'] }]\n")
    queued = press.queue("s", at=LATER, leave_out=["b3@example.com"])
    assert queued.recipients == 2
    number = queued.distribution
    assert number is not None
    press.people("brussels", ["b4@example.com", "b3@example.com"])
    suppressions.add(press.room, ["b2@example.com"], "anna")
    Sweeper(press.room).sweep()
    assert set(states(press, number)) == {"b1", "b2"}
    assert states(press, number)["b2"][0] == 6
    again = carry_out(press.room, number, "bert")
    assert (again.came, again.back, again.went, again.recipients) == (1, 0, 0, 3)
    assert again.left_out == {"suppressed": 1, "excepted": 1}
    suppressions.remove(press.room, "b2@example.com", "anna", reason="a mistake")
    file.write_text("[segments.s]\nany = [{ beat = ['energy'] }, { list = ['brussels'] }]\n"
                    "none = [{ beat = ['sport'] }]\n")  # fmt: skip
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM memberships WHERE journalist = 1", {})
    dry = carry_out(press.room, number, "bert", dry_run=True)
    found = carry_out(press.room, number, "bert")
    assert [p["name"] for p in found.people_came] == ["Ada"] and len(found.people_went) == 1
    assert (dry.came, dry.back, dry.went) == (found.came, found.back, found.went) == (1, 1, 1)
    assert dry.recipients == found.recipients == 3
    after = states(press, number)
    assert after["b1"] == (8, refresh.LEFT)
    assert all(after[name] == (0, None) for name in ("b2", "b4", "t1"))
    status = status_of(press.room, number)
    assert (status["recipients"], status["state"]) == (3, "scheduled")
    assert sum(wave["recipients"] for wave in status["waves"]) == 3
    events = press.rows(
        "SELECT actor, data FROM events WHERE kind = 'refreshed' AND distribution = :n ORDER BY id",
        n=number,
    )
    assert [actor for actor, _ in events] == ["bert", "bert"]
    assert json.loads(events[1][1]).keys() == {"came", "back", "went"}
    same = carry_out(press.room, number, "bert")
    assert (same.came, same.back, same.went) == (0, 0, 0)


def test_by_each_journalists_clock(press: Press) -> None:
    """Somebody of a zone that had no batch gets one of his own, at the same time of his clock."""
    queued = press.queue("list:brussels", at=LATER, local_time=True)
    assert queued.distribution is not None
    press.people("brussels", [("n1@example.com", "America/New_York")])
    found = carry_out(press.room, queued.distribution, "anna")
    assert found.came == 1
    waves = {wave["zone"]: wave for wave in status_of(press.room, queued.distribution)["waves"]}
    assert waves["America/New_York"]["due_at"] == "2026-11-03T14:00:00.000Z"
    assert waves["America/New_York"]["recipients"] == 1


def test_what_has_begun_stays(press: Press) -> None:
    """Only what has not begun: whoever stands in a batch that is being sent stays, and who fits it
    now comes too late; a distribution that has begun altogether, ended or is none is refused."""
    queued = press.queue("list:brussels", "list:tech", at=LATER, local_time=True)
    number = queued.distribution
    assert number is not None
    with press.room.store.write() as tx:
        wave = next(w["id"] for w in distributions.waves(tx, number) if "Tokyo" in w["zone"])
        distributions.move(tx, number, "sending", "clock")
        distributions.move_wave(tx, number, wave, "open", "clock")
        tx.execute("DELETE FROM memberships WHERE list = 2", {})
    press.people("brussels", [("k1@example.com", "Asia/Tokyo"), "b5@example.com"])
    found = carry_out(press.room, number, "anna")
    assert (found.came, found.went, found.too_late) == (1, 0, 1)
    assert states(press, number)["t1"] == (0, None)
    with press.room.store.write() as tx:
        for wave in distributions.waves(tx, number):
            distributions.move_wave(tx, number, wave["id"], "open", "clock")
    with pytest.raises(Refused, match="has begun"):
        carry_out(press.room, number, "anna")
    control.cancel(press.room, number, "anna")
    with pytest.raises(Refused, match="cancelled"):
        carry_out(press.room, number, "anna")
    with pytest.raises(NotFound):
        carry_out(press.room, 99, "anna")


def test_an_approval_is_cleared(press: Press) -> None:
    """Decision 16: with a second officer's approval asked for, a new audience needs it again, and
    until then nothing is claimed."""
    queued = press.queue("list:brussels", at=LATER)
    assert queued.distribution is not None
    sending = press.config.sending.model_copy(update={"approval": "second"})
    room = replace(press.room, config=press.config.model_copy(update={"sending": sending}))
    found = carry_out(room, queued.distribution, "anna")
    assert found.draft and found.state == "draft"
    press.room.clock.advance(86_400.0 * 2)  # type: ignore[attr-defined]
    Sweeper(press.room).sweep()
    assert status_of(press.room, queued.distribution)["state"] == "draft"


def test_newcomers_under_an_embargo(press: Press) -> None:
    """D3: who comes onto a trusted list of the audience may have it before the end, as those who
    were on it when it was queued; everybody else waits."""
    path = press.config.home / "vip.csv"
    for number in (1, 2):
        path.write_text(
            "email,beats,country,language,consent_basis,source\n"
            + "".join(f"v{n}@example.com,eu,BE,en,opt_in,form\n" for n in range(number))
        )
        import_file(press.room, path, kind="trusted", actor="anna")
        if number == 1:
            queued = press.queue("list:vip", "list:brussels", embargo="2026-11-05T09:00")
    press.people("brussels", ["b4@example.com"])
    assert queued.distribution is not None
    assert carry_out(press.room, queued.distribution, "anna").came == 2
    early = press.rows(
        "SELECT a.email FROM deliveries d JOIN addresses a ON a.journalist = d.journalist "
        "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
        "WHERE d.distribution = :n AND w.early IS NOT NULL ORDER BY a.email",
        n=queued.distribution,
    )
    assert early == [("v0@example.com",), ("v1@example.com",)]


def _twice(room: Newsroom) -> None:
    carry_out(room, 1, "bert")


def _corrected(room: Newsroom) -> None:
    better = room.config.home / "better.md"
    better.write_text(RELEASE.replace("trams and people", "trams, cars and people"))
    notices.correct(room, "a-bridge-opens-after-ten-years", better, "bert", what="cars too")


@pytest.mark.parametrize("meanwhile", [_twice, _corrected])
def test_what_changed_while_it_was_worked_out(
    press: Press, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Newsroom], None]
) -> None:
    """Design decision 3: of two refreshes at once, and of one beside a correction, the later one
    changes nothing and says so: nobody is in it twice, and no batch brings the older text."""
    queued = press.queue("list:brussels", at=LATER, local_time=True)
    assert queued.distribution == 1
    press.people("brussels", ["b4@example.com", ("n1@example.com", "America/New_York")])
    real = refreshing.advice

    def advice(*args: Any) -> list[str]:
        monkeypatch.setattr(refreshing, "advice", real)
        with closing(open_store(press.room.store.url, clock=press.room.clock)) as beside:
            meanwhile(replace(press.room, store=beside))
        return real(*args)

    monkeypatch.setattr(refreshing, "advice", advice)
    with pytest.raises(Refused, match=r"distribution 1 was changed .* meanwhile"):
        carry_out(press.room, 1, "anna")
    zones = [wave["zone"] for wave in status_of(press.room, 1)["waves"]]
    assert zones.count("America/New_York") == (meanwhile is _twice)
    press.room.clock.advance(1.0)  # type: ignore[attr-defined]
    Sweeper(press.room).sweep()
    again = carry_out(press.room, 1, "anna")
    assert (again.came, again.too_late) == ((0, 0) if meanwhile is _twice else (1, 1))
    assert len(states(press, 1)) == 5 - again.too_late
