"""What officers see of rules: before (`queue --dry-run`), meanwhile (`status`), and in `doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.clock import ManualClock, from_datetime
from mailer.distribution.doctor import examine
from mailer.distribution.log import show, status, status_of
from mailer.distribution.schedule import Sweeper
from mailer.errors import ConfigError
from mailer.store import ledger

from tests.distribution.press import Press
from tests.distribution.test_digest import go
from tests.distribution.test_schedule import answer

TUESDAY_NIGHT = from_datetime(datetime(2026, 12, 1, 21, 30, tzinfo=UTC))
RULES = '[rules]\nweekly_cap = 5\nquiet_hours = "20:00-07:00"\n'
WISHES = ("weekly_cap", "away_until", "paused")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TUESDAY_NIGHT)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    """Two in Brussels, one in New York, one in Kolkata; one more who is away, one paused."""
    with Press(tmp_path / "room", store_url, clock=clock, sending=RULES) as press:
        press.people(
            "press",
            [
                *("b1@example.com", "b2@example.com", "away@example.com", "paused@example.com"),
                ("ny@example.com", "America/New_York"),
                ("in@example.com", "Asia/Kolkata"),
            ],
        )
        with press.room.store.write() as tx:
            for name, column, value in (
                ("away", "away_until", TUESDAY_NIGHT + 10**12),
                ("paused", "paused", 1),
            ):
                tx.execute(
                    f"INSERT INTO preferences (journalist, {column}, updated_at) SELECT "
                    "journalist, :value, :now FROM addresses WHERE email = :email",
                    {"value": value, "now": TUESDAY_NIGHT, "email": f"{name}@example.com"},
                )
        yield press


def test_a_dry_run_tells_who_will_wait_and_who_will_not_get_it(press: Press) -> None:
    """F5: until when the last one waits, and how many would be skipped for what."""
    told = [
        each for each in press.queue("list:press", dry_run=True).warnings if "as things" in each
    ]
    assert told == [
        "as things stand, 3 journalists wait for quiet hours to end; the last one's message leaves "
        "by 2026-12-02T07:00+01:00.",
        "as things stand, 2 journalists would be skipped (1 away, 1 paused).",
    ]
    found = press.queue("list:press")
    assert [each for each in found.warnings if "as things" in each] == told
    assert found.last_at == "2026-12-02T06:00:00.000Z"


def test_status_tells_what_waits_and_what_was_skipped(press: Press, clock: ManualClock) -> None:
    """F5, H16: New York gets it at once, the others in the morning; each skip is told."""
    number = press.queue("list:press").distribution
    assert number
    go(press)
    found = status_of(press.room, number)
    assert found["counts"] == {"accepted": 1, "deferred": 3, "skipped": 2}
    assert found["skipped_for"] == {"away": 1, "paused": 1}
    note = (
        f"3 of distribution {number} wait for quiet hours to end, the first until "
        "2026-12-02T01:30:00.000Z."
    )
    assert found["notes"] == [note]
    assert note in status(press.room).notes
    code = press.rows(
        "SELECT d.id FROM deliveries d JOIN addresses a ON a.journalist = d.journalist "
        "WHERE a.email = 'away@example.com'"
    )[0][0]
    from mailer.message.tokens import delivery_code

    [skip] = [e for e in show(press.room, delivery_code(code))["events"] if e["event"] == "skipped"]
    assert skip["data"] == {"reason": "away"}
    # The machine is off until the middle of the night: nothing was due, so nobody need decide.
    clock.advance(3 * 3600)
    Sweeper(press.room).sweep()
    assert status_of(press.room, number)["state"] == "sending"
    # Off past the morning of all, it is an officer's word again.
    clock.advance(9 * 3600)
    Sweeper(press.room).sweep()
    assert status_of(press.room, number)["state"] == "waiting"


def test_a_message_in_hand_is_let_go_when_its_reader_pauses(press: Press) -> None:
    """F5: as with leaving, a look at the control version finds it."""
    number = press.queue("list:press").distribution
    Sweeper(press.room).sweep()
    with press.room.store.write() as tx:
        who = ledger.add_worker(
            tx, host="h", name="s", pid=1, boot_id="b", journal="/none", config_digest="c"
        )
        [wave] = [each for each in ledger.open_waves(tx) if each.distribution == number]
        assert wave.wishes
        claimed = ledger.claim(tx, who, wave, 100)
        paused = {each.id for each in claimed if each.person[0] == "paused@example.com"}
        found = ledger.withdrawn(tx, who)
        assert {id: why[1] for id, why in found.items()} == dict.fromkeys(paused, "paused")
        ledger.record(tx, who, [answer(tx.now(), each) for each in claimed])


@pytest.mark.parametrize(
    ("rules", "state", "words"),
    [
        ("", "ok", "no rules"),
        ('quiet_hours = "20:00-07:00"\nweekly_cap = 3', "ok", "nothing at 20:00-07:00"),
        ('quiet_hours = "06:00-22:00"', "fail", "office hours"),
        ('quiet_hours = "20:00-07:00"\nlongest_wait = "3h"', "warning", "longest_wait"),
    ],
)
def test_doctor_says_whether_the_rules_leave_any_time(
    tmp_path: Path, rules: str, state: str, words: str
) -> None:
    with Press(tmp_path / "r", "sqlite:///m.db", sending=f"[rules]\n{rules}\n") as press:
        [check] = [each for each in examine(press.config) if each.name == "rules"]
    assert check.state == state
    assert words in check.message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('quiet_hours = "8 to 9"', "two times of day"),
        ('quiet_hours = "20:00-20:00"', "begins when it ends"),
        ('office_hours = ""', "empty"),
        ('digest = "Monday"', "time of the week"),
        ('min_gap = "8d"', "longer than a week"),
        ("weekly_cap = -1", "weekly_cap"),
        ('weekends = "maybe"', "weekends"),
    ],
)
def test_a_slip_in_the_rules_is_a_sentence(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        Press(tmp_path / "r", "sqlite:///m.db", sending=f"[rules]\n{line}\n")
    assert words in str(error.value)
    assert configuration.RulesConfig().digest == (0, 480)
