"""Queueing: who gets it and when, what is refused, and that a plan stands whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock, from_datetime
from mailer.distribution import control, suppressions
from mailer.distribution.log import status, status_of
from mailer.distribution.queue import Order, queue
from mailer.distribution.schedule import Sweeper
from mailer.errors import InputError, MailerError, NotFound, Refused, StoreUnavailable, UsageError
from mailer.store import Tx

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import deliver

T0 = from_datetime(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
SEGMENTS = """
[segments.energy]
title = "Energy"
all = [{ beat = ["energy"] }]

[segments.abroad]
title = "Not in Brussels"
all = [{ list = ["brussels", "tech"] }]
none = [{ zone = ["Europe/Brussels"] }]

[segments.nobody]
title = "Nobody"
all = [{ country = ["IS"] }]
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    yield from _filled(tmp_path, store_url, clock)


@pytest.fixture
def calendar(tmp_path: Path, clock: ManualClock) -> Iterator[Press]:
    """The same on SQLite alone, for what is about times and not about the store."""
    yield from _filled(tmp_path, "sqlite:///mailer.db", clock)


def _filled(folder: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    """Two lists that share b2: `brussels` b1 b2 b3, `tech` b2 t1 t2 (Tokyo, New York)."""
    with Press(folder / "room", store_url, clock=clock) as press:
        press.people("brussels", [f"b{n}@example.com" for n in (1, 2, 3)])
        tech = [("t1@example.com", "Asia/Tokyo"), ("t2@example.com", "America/New_York")]
        press.people("tech", ["b2@example.com", *tech], beats="energy")
        (press.config.home / "lists").mkdir()
        (press.config.home / "lists" / "segments.toml").write_text(SEGMENTS)
        yield press


def test_each_person_once_by_the_first_named_list_he_is_on(press: Press) -> None:
    """H6, decision 10: the order named decides the list that the message speaks of."""
    queued = press.queue("list:tech", "list:brussels", "energy")
    assert (queued.state, queued.recipients, queued.left_out) == ("scheduled", 5, {})
    assert queued.due_at == "2026-11-02T12:00:00.000Z"
    assert {(e, name): n for (e, name, _), n in press.deliveries(queued.distribution).items()} == {
        ("b1@example.com", "brussels"): 1,
        ("b2@example.com", "tech"): 1,
        ("b3@example.com", "brussels"): 1,
        ("t1@example.com", "tech"): 1,
        ("t2@example.com", "tech"): 1,
    }
    again = press.queue("list:brussels", "list:tech")
    assert ("b2@example.com", "brussels", "Europe/Brussels") in press.deliveries(again.distribution)
    with pytest.raises(Exception, match=r"(?i)unique"), press.room.store.write() as tx:
        tx.execute(
            "INSERT INTO deliveries (distribution, id, journalist, wave, list, kind, state, "
            "due_at, queued_at, attempts) SELECT distribution, id + 1000, journalist, wave, list, "
            "kind, state, due_at, queued_at, attempts FROM deliveries WHERE distribution = 1",
            {},
        )


def test_who_is_suppressed_or_on_hold_is_left_out_and_counted(press: Press) -> None:
    """Contract, `left_out`; the same numbers stand with the distribution."""
    suppressions.add(press.room, ["b1@example.com", "t1@example.com"], "anna")
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id IN (1, 2)", {})
        tx.execute("UPDATE journalists SET state = 'away' WHERE id = 3", {})
    queued = press.queue("list:brussels", "list:tech")
    assert queued.recipients == 1
    assert queued.left_out == {"suppressed": 2, "on_hold": 1, "away": 1}
    assert status_of(press.room, 1)["left_out"] == queued.left_out
    assert [email for email, _, _ in press.deliveries(1)] == ["t2@example.com"]


def test_the_answer_and_the_ledger_agree(press: Press) -> None:
    """Contract: `queue --json`, key by key."""
    queued = press.queue("abroad", at="2026-11-03T09:00", late="send")
    shown = json.loads(json.dumps(queued.as_json()))
    assert list(shown) == [
        *("distribution", "state", "recipients", "due_at"),
        *("waves", "left_out", "warnings", "first_at", "last_at", "internal"),
    ]
    stored = status_of(press.room, 1)
    assert shown["waves"] == [
        {k: v for k, v in wave.items() if k != "state"} for wave in stored["waves"]
    ]
    assert shown["due_at"] == stored["due_at"] == "2026-11-03T08:00:00.000Z"
    assert stored["audience"]["segments"]["abroad"]["none"], "what it resolved to is kept"
    assert stored["actor"] == "anna" and stored["zone"] == "Europe/Brussels"


@pytest.mark.parametrize(
    ("to", "kind", "sentence"),
    [
        ("energi", NotFound, "energy"),
        ("list:brussel", NotFound, "brussels"),
        ("nobody", Refused, "nobody is in nobody: nothing was queued"),
    ],
)
def test_an_audience_that_is_none_leaves_nothing_behind(
    press: Press, to: str, kind: type[MailerError], sentence: str
) -> None:
    """Contract: 5 with the nearest name, 6 for an empty one; not one row in any table."""
    before = press.sizes()
    with pytest.raises(kind) as caught:
        press.queue(to)
    assert sentence in str(caught.value)
    assert press.sizes() == before


def test_an_audience_that_is_left_out_whole_says_why(press: Press) -> None:
    """Contract: exit 6."""
    suppressions.add(press.room, [f"b{n}@example.com" for n in (1, 2, 3)], "anna")
    before = press.sizes()
    with pytest.raises(Refused, match=r"nobody is in list:brussels \(3 suppressed\)"):
        press.queue("list:brussels")
    assert press.sizes() == before


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("Brussels, 1 December 2026 – No headline.\n", Refused, "this release cannot be sent"),
        ("# A headline\n\nA text that names nobody to ask.\n", Refused, "cannot be sent"),
        ("\x00\x01\x02\xff" * 50, (Refused, InputError), ""),
    ],
)
def test_a_release_with_errors_is_refused_and_nothing_kept(
    press: Press, text: str, kind: type[MailerError], sentence: str
) -> None:
    """Contract: exit 6 (4 for what is no text), nothing half-done."""
    path = write_release(press.config.home, text, "bad.md")
    before = press.sizes()
    with pytest.raises(kind) as caught:
        press.queue("list:brussels", release=str(path))
    assert sentence in str(caught.value)
    assert press.sizes() == before


@pytest.mark.parametrize("what", ["missing.md", "17", "no-such-slug", "room@1"])
def test_a_release_that_is_not_there_is_not_found(calendar: Press, what: str) -> None:
    """Contract: exit 5."""
    with pytest.raises(NotFound, match=what):
        calendar.queue("list:brussels", release=what)


def test_a_broken_template_is_refused_before_anything_is_kept(press: Press) -> None:
    """Contract, preflight errors: a template that tests a slot is refused with 6."""
    folder = press.config.templates_dir / "email"
    folder.mkdir(parents=True)
    (folder / "release.html").write_text("{% if journalist.greeting == 'x' %}a{% endif %}")
    before = press.sizes()
    with pytest.raises(MailerError, match=r"release\.html") as caught:
        press.queue("list:brussels")
    assert caught.value.exit_code == 6
    assert press.sizes() == before


@pytest.mark.parametrize(
    ("at", "zone", "alternatives"),
    [
        # gaps: back by the skipped span, or forward by it
        ("2027-03-28T02:30", "Europe/Brussels", ("01:30+01:00", "03:30+02:00")),
        ("2027-03-14T02:30", "America/New_York", ("01:30-05:00", "03:30-04:00")),
        ("2026-10-04T02:15", "Australia/Lord_Howe", ("01:45+10:30", "02:45+11:00")),
        # folds: the first, or the second
        ("2026-11-01T01:30", "America/New_York", ("01:30-04:00", "01:30-05:00")),
        ("2027-10-31T02:30", "Europe/Brussels", ("02:30+02:00", "02:30+01:00")),
        ("2027-04-04T01:45", "Australia/Lord_Howe", ("01:45+11:00", "01:45+10:30")),
    ],
)
def test_a_time_that_is_none_or_two_is_refused_with_both_alternatives(
    calendar: Press, at: str, zone: str, alternatives: tuple[str, str]
) -> None:
    """H2: each alternative can be typed as it stands, and is taken."""
    before = calendar.sizes()
    with pytest.raises(UsageError) as caught:
        calendar.queue("list:brussels", at=at, zone=zone)
    sentence = str(caught.value)
    assert zone in sentence
    for each in alternatives:
        stamp = f"{at[:10]} {each}" if f"{at[:10]} {each}" in sentence else f"{at[:10]}T{each}"
        assert stamp in sentence
        assert calendar.queue("list:brussels", at=stamp, late="send", dry_run=True).due_at
    assert calendar.sizes() == before


@pytest.mark.parametrize(
    ("at", "zone", "due"),
    [
        ("2026-12-01T09:00", None, "2026-12-01T08:00:00.000Z"),
        ("2026-12-01T09:00", "Asia/Tokyo", "2026-12-01T00:00:00.000Z"),
        ("2026-12-01T09:00", "Asia/Kolkata", "2026-12-01T03:30:00.000Z"),
        ("2026-12-01T09:00", "UTC", "2026-12-01T09:00:00.000Z"),
        ("2027-03-28T02:30", "Africa/Nairobi", "2027-03-27T23:30:00.000Z"),
        ("2026-12-01T09:00-05:00", "Asia/Tokyo", "2026-12-01T14:00:00.000Z"),
        ("2028-02-29T09:00", None, "2028-02-29T08:00:00.000Z"),
        ("2026-12-31T23:59:60Z", None, "2027-01-01T00:00:00.000Z"),
    ],
)
def test_zones_and_offsets_give_the_right_instant(
    calendar: Press, at: str, zone: str | None, due: str
) -> None:
    """H1, H2, H4: the newsroom's zone, --tz, zones without summer time, leap days and seconds."""
    assert calendar.queue("list:brussels", at=at, zone=zone, dry_run=True).due_at == due


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"at": "tomorrow"}, "tomorrow"),
        ({"at": "2026-12-01"}, "no time"),
        ({"at": "2027-02-29T09:00"}, "2027-02-29"),
        ({"at": "2026-12-01T09:00", "zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"at": "now", "local_time": True}, "--local-time needs --at"),
        ({"at": "2026-12-01T09:00Z", "local_time": True}, "must not name a zone"),
        ({"at": "2026-12-01T09:00", "local_time": True, "zone": "UTC"}, "exclude each other"),
        ({"late": "never"}, "never"),
        ({"embargo": "now"}, "an embargo needs a time"),
        ({"embargo": "2027-03-28T02:30"}, "does not exist"),
    ],
)
def test_what_cannot_be_understood_is_wrong_usage(
    calendar: Press, options: dict[str, object], sentence: str
) -> None:
    """Contract: exit 2, and nothing kept."""
    before = calendar.sizes()
    with pytest.raises(UsageError) as caught:
        calendar.queue("list:brussels", **options)
    assert sentence in str(caught.value) and caught.value.exit_code == 2
    assert calendar.sizes() == before


def test_local_time_is_a_wave_for_each_zone(press: Press) -> None:
    """D22, H2: nine o'clock on every journalist's own clock, in the order of the instants."""
    queued = press.queue("list:brussels", "list:tech", at="2026-12-01T09:00", local_time=True)
    assert [(w["zone"], w["due_at"], w["recipients"]) for w in queued.waves] == [
        ("Asia/Tokyo", "2026-12-01T00:00:00.000Z", 1),
        ("Europe/Brussels", "2026-12-01T08:00:00.000Z", 3),
        ("America/New_York", "2026-12-01T14:00:00.000Z", 1),
    ]
    assert queued.due_at == "2026-12-01T00:00:00.000Z"
    assert not [w for w in queued.warnings if "clocks" in w or "past" in w]
    zones = {email: zone for email, _, zone in press.deliveries(queued.distribution)}
    assert zones["t1@example.com"] == "Asia/Tokyo" and zones["b2@example.com"] == "Europe/Brussels"


def test_local_time_past_midnight_is_another_day_elsewhere(
    press: Press, clock: ManualClock
) -> None:
    """H2: half past midnight; each wave leaves at its own instant and the rest waits."""
    queued = press.queue("list:brussels", "list:tech", at="2026-11-03T00:30", local_time=True)
    assert [(w["zone"], w["due_at"]) for w in queued.waves] == [
        ("Asia/Tokyo", "2026-11-02T15:30:00.000Z"),
        ("Europe/Brussels", "2026-11-02T23:30:00.000Z"),
        ("America/New_York", "2026-11-03T05:30:00.000Z"),
    ]
    sweeper, sent = Sweeper(press.room), []
    for hours in (3.5, 8, 6):
        clock.advance(hours * 3600 - 1)
        sweeper.sweep()
        assert deliver(press.room, 1) == 0
        clock.advance(1)
        sweeper.sweep()
        sent.append(deliver(press.room, 1))
    assert sent == [1, 3, 1]


@pytest.mark.parametrize(
    ("at", "zone", "due"),
    [
        ("2027-03-14T02:30", "America/New_York", "2027-03-14T07:30:00.000Z"),
        ("2027-03-28T02:30", "Europe/Brussels", "2027-03-28T01:30:00.000Z"),
        ("2027-11-07T01:30", "America/New_York", "2027-11-07T05:30:00.000Z"),
    ],
)
def test_local_time_in_a_gap_moves_forward_with_a_warning(
    calendar: Press, at: str, zone: str, due: str
) -> None:
    """H2: by a written rule, the newsroom's own zone included; of two meanings the first."""
    queued = calendar.queue("list:brussels", "list:tech", at=at, local_time=True)
    assert next(w["due_at"] for w in queued.waves if w["zone"] == zone) == due
    [warning] = [w for w in queued.warnings if "clocks go" in w]
    assert zone in warning and due in warning and "Write" not in warning


def test_local_time_that_is_over_somewhere_is_told(press: Press) -> None:
    """H3: at noon UTC, two in the afternoon is over in Tokyo: that wave will wait."""
    queued = press.queue("list:brussels", "list:tech", at="2026-11-02T14:00", local_time=True)
    [warning] = [w for w in queued.warnings if "past" in w]
    assert "for Asia/Tokyo" in warning and "wait for an officer" in warning


def test_local_time_just_over_leaves_at_once(press: Press, clock: ManualClock) -> None:
    """H3: within late_grace a zone's time counts as now; beyond it an officer decides, and his
    word lets go what is past and leaves the other zones their time."""
    clock.advance(3 * 3600 + 10 * 60)  # 15:10 UTC, ten past midnight in Tokyo
    press.queue("list:tech", at="2026-11-03T00:00", local_time=True)
    sweeper = Sweeper(press.room)
    sweeper.sweep()
    assert deliver(press.room, 1) == 1
    assert [w["state"] for w in status_of(press.room, 1)["waves"]] == [
        "sending",
        *["scheduled"] * 2,
    ]
    clock.advance(6 * 60)
    queued = press.queue("list:tech", at="2026-11-03T00:00", local_time=True)
    assert any("for Asia/Tokyo" in w and "wait for an officer" in w for w in queued.warnings)
    sweeper.sweep()
    assert deliver(press.room, 2) == 0
    assert status_of(press.room, 2)["state"] == "waiting"
    control.resume(press.room, 2, "anna")
    assert deliver(press.room, 2) == 1
    assert [w["state"] for w in status_of(press.room, 2)["waves"]] == [
        "sending",
        *["scheduled"] * 2,
    ]


def test_people_without_a_zone_get_the_newsrooms(press: Press) -> None:
    """H2."""
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET zone = '' WHERE zone = 'Asia/Tokyo'", {})
    queued = press.queue("list:tech", at="2026-12-01T09:00", local_time=True)
    assert {w["zone"]: w["recipients"] for w in queued.waves} == {
        "Europe/Brussels": 2,
        "America/New_York": 1,
    }


EMBARGOED = RELEASE.replace("# A", "---\nembargo: 2026-12-01T12:00:00+01:00\n---\n# A")


@pytest.mark.parametrize(
    ("release", "options", "due"),
    [
        (RELEASE, {"at": "2026-12-01T09:00", "embargo": "2026-12-01T11:00"}, "10:00"),
        (RELEASE, {"at": "2026-12-01T09:00", "embargo": "2026-12-01T07:00"}, "08:00"),
        (RELEASE, {"embargo": "2026-12-01T11:00"}, "10:00"),
        (EMBARGOED, {}, "11:00"),
        (EMBARGOED, {"embargo": "2026-12-01T11:00"}, "11:00"),
        (EMBARGOED, {"embargo": "2026-12-01T15:00"}, "14:00"),
    ],
)
def test_nothing_is_due_before_the_embargo_ends(
    calendar: Press, release: str, options: dict[str, object], due: str
) -> None:
    """D3, D4: the later of the release's own and the officer's."""
    path = write_release(calendar.config.home, release, "embargo.md")
    queued = calendar.queue("list:brussels", release=str(path), **options)
    assert queued.due_at == f"2026-12-01T{due}:00.000Z"
    assert status_of(calendar.room, 1)["embargo_until"] is not None


def test_an_embargo_lift_reaches_all_at_once(press: Press) -> None:
    """D22: exempt from local-time waves; a wave later than the lift stays where it is."""
    queued = press.queue(
        "list:brussels",
        "list:tech",
        at="2026-12-01T09:00",
        local_time=True,
        embargo="2026-12-01T10:00",
    )
    assert {w["zone"]: w["due_at"] for w in queued.waves} == {
        "Asia/Tokyo": "2026-12-01T09:00:00.000Z",
        "Europe/Brussels": "2026-12-01T09:00:00.000Z",
        "America/New_York": "2026-12-01T14:00:00.000Z",
    }


def test_an_embargo_that_is_over_is_told(press: Press) -> None:
    """D5."""
    queued = press.queue("list:brussels", embargo="2026-11-01T10:00")
    assert any("embargo ended already" in warning for warning in queued.warnings)
    assert queued.due_at == "2026-11-02T12:00:00.000Z"


@pytest.mark.parametrize(
    ("late", "words"),
    [("hold", "wait for an officer"), ("drop", "will be dropped"), ("send", "lies in the past.")],
)
def test_a_time_in_the_past_is_told(calendar: Press, late: str, words: str) -> None:
    """D5, H3: with what will become of it; within `late_grace` there is nothing to tell."""
    past = calendar.queue("list:brussels", at="2026-11-02T12:00", late=late, dry_run=True)
    assert [w for w in past.warnings if words in w]
    fine = calendar.queue("list:brussels", at="2026-11-02T12:50", late=late, dry_run=True)
    assert not [w for w in fine.warnings if "past" in w]


def test_a_dry_run_writes_nothing(press: Press) -> None:
    """Contract: every table counted; it says what the real one then does."""
    suppressions.add(press.room, ["b1@example.com"], "anna")
    before = press.sizes()
    order = {"at": "2026-12-01T09:00", "local_time": True}
    dry = press.queue("list:brussels", "list:tech", dry_run=True, **order)
    assert press.sizes() == before
    assert dry.distribution is None
    real = press.queue("list:brussels", "list:tech", **order)
    assert {**dry.as_json(), "distribution": 1} == real.as_json()
    sizes = press.sizes()
    assert sizes["distributions"] == 1 and sizes["deliveries"] == 4 and sizes["waves"] == 3


def test_queueing_again_says_how_many_have_it(press: Press) -> None:
    """H6: by journalists, not by tries; the doubtful count."""
    press.queue("list:brussels")
    Sweeper(press.room).sweep()
    assert not [w for w in press.queue("list:tech").warnings if "already" in w]
    assert deliver(press.room, 1, 1) == 1
    [one] = [w for w in press.queue("list:brussels").warnings if "already" in w]
    assert one.startswith("1 journalist has this release already")
    deliver(press.room, 1)
    [three] = [w for w in press.queue("list:brussels").warnings if "already" in w]
    assert three.startswith("3 journalists have this release already")


def test_an_interrupted_plan_leaves_nothing(press: Press) -> None:
    """Decision 11, H20: an exception in the middle of it; and again for Ctrl-C."""
    press.people("many", [f"m{n}@example.com" for n in range(4100)])
    before = press.sizes()
    for kind in (RuntimeError, KeyboardInterrupt):
        seen: list[int] = []

        def stop(count: int, kind: type[BaseException] = kind, seen: list[int] = seen) -> None:
            seen.append(count)
            assert press.sizes()["deliveries"] >= count
            assert status(press.room).distributions == []
            if len(seen) == 2:
                raise kind

        with pytest.raises(kind):
            order = Order(release=str(press.release), to=["list:many"])
            queue(press.room, order, "anna", progress=stop)
        assert seen == [2000, 4000]
    after = press.sizes()
    kept = {"compiled", "releases", "revisions", "counters", "events"}
    assert {t: n for t, n in after.items() if t not in kept} == {
        t: n for t, n in before.items() if t not in kept
    }


def test_a_plan_that_lost_its_time_is_not_half_shown(press: Press, clock: ManualClock) -> None:
    """H6: removed as abandoned while it was still being written: said, and nothing is left."""
    sweeper = Sweeper(press.room)

    def slow(_: int) -> None:
        clock.advance(2 * 3600)
        sweeper.sweep()

    order = Order(release=str(press.release), to=["list:brussels"])
    with pytest.raises(StoreUnavailable, match="nothing was queued"):
        queue(press.room, order, "anna", progress=slow)
    sizes = press.sizes()
    assert (sizes["distributions"], sizes["deliveries"], sizes["waves"]) == (0, 0, 0)


_KILLED = """
import os, signal, sys
from pathlib import Path
from mailer import config
from mailer.distribution.context import open_newsroom
from mailer.distribution.queue import Order, queue
room = open_newsroom(config.load(Path(sys.argv[1]), {}))
def stop(count):
    if count >= 4000:
        os.kill(os.getpid(), signal.SIGKILL)
queue(room, Order(release=sys.argv[2], to=["list:many"]), "anna", progress=stop)
"""


def test_a_killed_plan_is_invisible_and_cleaned_up(press: Press, clock: ManualClock) -> None:
    """Decision 11: SIGKILL in the middle; the next queue goes its way."""
    press.people("many", [f"m{n}@example.com" for n in range(4100)])
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(press.config.path), str(press.release)],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert press.sizes()["deliveries"] == 4000
    assert status(press.room).distributions == []
    queued = press.queue("list:brussels")
    clock.advance(time.time() - T0 / SECOND + 3700)
    Sweeper(press.room).sweep()
    assert press.sizes()["deliveries"] == 3
    assert [row["distribution"] for row in status(press.room).distributions] == [
        queued.distribution
    ]


def test_planning_needs_no_more_memory_for_more_people(press: Press) -> None:
    """H21, decision 11: many times the people in the same room. How far ahead it has read is the
    machine's doing, so a little more may stand; what each person cost if all were kept, may not."""
    peaks, sizes = [], (20_000, 100_000)
    for number, people in enumerate(sizes):
        with press.room.store.write() as tx:
            _seed(tx, people, number)
        press.queue(f"list:bulk{number}", dry_run=True)  # what is loaded once is not the plan's
        tracemalloc.start()
        try:
            queued = press.queue(f"list:bulk{number}")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert queued.recipients == people
    # A number alone takes 32 bytes, and 8 more for its place in a list.
    assert peaks[1] - peaks[0] < 30 * (sizes[1] - sizes[0]), peaks


def _seed(tx: Tx, people: int, first: int) -> None:
    low = (first + 1) * 1_000_000
    tx.copy(
        "lists",
        ["id", "name", "title", "kind", "created_at"],
        [(100 + first, f"bulk{first}", "Bulk", "press", 0)],
    )
    tx.copy(
        "journalists",
        [
            *("id", "state", "first_name", "last_name", "outlet", "outlet_type", "country"),
            *("language", "zone", "beats", "consent_basis", "source", "source_date", "notes"),
            *("created_at", "updated_at"),
        ],
        (
            (low + n, "active", *[""] * 6, "UTC", "", "opt_in", *[""] * 3, 0, 0)
            for n in range(1, people + 1)
        ),
    )
    tx.copy(
        "addresses",
        ["journalist", "email", "hash"],
        (
            (low + n, f"j{low + n}@example.com", (low + n).to_bytes(32, "big"))
            for n in range(1, people + 1)
        ),
    )
    tx.copy(
        "memberships",
        ["list", "journalist", "state", "joined_at"],
        ((100 + first, low + n, "active", 0) for n in range(1, people + 1)),
    )
