"""Rules for one message to one person: the next open instant against a slow model, and rulings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.audience.rules import (
    CAP,
    WEEK,
    Calendar,
    Closed,
    Hours,
    House,
    Rules,
    Then,
    Wishes,
    binding,
    judge,
    known_zone,
    last_weekly,
)
from mailer.clock import SECOND, from_datetime, to_datetime

MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
NIGHT = Hours(20 * 60, 7 * 60)

# Half and quarter hours, days that were left out (Samoa), clocks that change by half an hour (Lord
# Howe), at midnight (Cairo, Santiago), the other way round (Dublin), never.
ZONES = (
    "UTC", "Europe/Brussels", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "America/Santiago", "Africa/Cairo",
    "Europe/Dublin", "America/St_Johns", "Asia/Tehran", "Africa/Casablanca",
)  # fmt: skip

# Minutes around which clocks were changed somewhere, and any others.
CHANGES = (
    datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 4, 24, 22, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
)  # fmt: skip
near_a_change = st.builds(
    lambda moment, minutes: from_datetime(moment) + minutes * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-3 * 1440, 1440),
)
anywhen = st.integers(0, 60 * 365 * 1440).map(lambda minutes: minutes * MINUTE)
hours = st.builds(
    lambda start, length: Hours(start, (start + length) % 1440),
    st.integers(0, 1439),
    st.integers(1, 1439),
)
closings = st.builds(Closed, st.lists(hours, max_size=2).map(tuple), st.booleans())


def is_open(closed: Closed, zone: str, instant: int) -> bool:
    """The slow model's own reading of a clock."""
    shown = to_datetime(instant).astimezone(ZoneInfo(zone))
    if closed.weekends and shown.isoweekday() > 5:
        return False
    now = shown.hour * 60 + shown.minute
    for each in closed.hours:
        length = (each.end - each.start) % 1440
        if (now - each.start) % 1440 < length:
            return False
    return True


def slow(closed: Closed, zone: str, instant: int) -> int | None:
    """Minute by minute, from a whole minute on; all offsets since 1970 are whole minutes."""
    for minutes in range(11 * 1440):
        if is_open(closed, zone, instant + minutes * MINUTE):
            return instant + minutes * MINUTE
    return None


@settings(max_examples=150, deadline=None)
@given(closings, st.sampled_from(ZONES), near_a_change | anywhen)
def test_the_next_open_instant_is_the_first_that_any_clock_reading_allows(
    closed: Closed, zone: str, instant: int
) -> None:
    """H2: gaps, folds, days that were left out, half-hour zones."""
    if zone == "Africa/Monrovia" or instant < 2 * 365 * DAY:
        instant += 3 * 365 * DAY  # Liberia's offset had seconds until 1972
    assert Calendar(closed, zone).next_open(instant) == slow(closed, zone, instant)


@settings(max_examples=60, deadline=None)
@given(closings, st.sampled_from(ZONES), near_a_change, st.lists(st.integers(0, DAY), max_size=6))
def test_a_calendar_remembers_nothing_that_changes_an_answer(
    closed: Closed, zone: str, instant: int, steps: list[int]
) -> None:
    calendar = Calendar(closed, zone)
    for step in steps:
        assert calendar.next_open(instant + step) == Calendar(closed, zone).next_open(
            instant + step
        )


def at(text: str, zone: str = "Europe/Brussels") -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("zone", "now", "opens"),
    [
        ("Europe/Brussels", "2026-11-26T06:59:59", "2026-11-26T07:00"),
        ("Europe/Brussels", "2026-11-26T07:00", "2026-11-26T07:00"),
        ("Europe/Brussels", "2026-11-26T20:00", "2026-11-27T07:00"),
        ("Asia/Kolkata", "2026-11-26T23:30", "2026-11-27T07:00"),
        ("Asia/Kathmandu", "2026-11-27T22:00", "2026-11-30T07:00"),  # a Friday
        ("America/New_York", "2026-10-31T12:00", "2026-11-02T07:00"),  # the clocks go back
    ],
)
def test_nights_and_weekends_end_by_his_own_clock(zone: str, now: str, opens: str) -> None:
    found = Calendar(Closed((NIGHT,), weekends=True), zone).next_open(at(now, zone))
    assert found == at(opens, zone)


def test_an_hour_that_comes_twice_is_closed_twice() -> None:
    """H2: what the clock shows counts, also the second time."""
    calendar = Calendar(Closed((Hours(20 * 60, 150),)), "Europe/Brussels")
    first = from_datetime(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 02:30, the first time
    assert calendar.next_open(first - MINUTE) == first
    again = from_datetime(datetime(2026, 10, 25, 1, 0, tzinfo=UTC))  # 02:00, the second time
    assert calendar.next_open(again - MINUTE) == again - MINUTE
    assert calendar.next_open(again) == again + 30 * MINUTE


def test_an_end_that_is_skipped_is_the_moment_after_the_gap() -> None:
    calendar = Calendar(Closed((Hours(20 * 60, 150),)), "Europe/Brussels")
    gap = from_datetime(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    assert calendar.next_open(gap - MINUTE) == gap


def test_hours_that_leave_nothing_open_are_said_to() -> None:
    everything = Closed((NIGHT, NIGHT.others))
    assert Calendar(everything, "UTC").next_open(0) is None


def test_the_stricter_of_both_wins() -> None:
    """F5: what he chose himself comes on top of the newsroom's rules, never in their place."""
    house = House(weekly_cap=3, min_gap=SECOND, closed=Closed((NIGHT,)))
    assert binding(house, Wishes(weekly_cap=1)).cap == 1
    assert binding(house, Wishes(weekly_cap=9)).cap == 3
    assert binding(House(), Wishes()).cap is None
    office = binding(house, Wishes(office_hours=True)).closed
    assert office == Closed((NIGHT, Hours(18 * 60, 9 * 60)), weekends=True)
    lift = binding(house, Wishes(weekly_cap=9, office_hours=True), lift=True)
    assert (lift.cap, lift.gap, lift.closed.hours) == (9, 0, (Hours(18 * 60, 9 * 60),))
    asked = binding(house, Wishes(weekly_cap=0, office_hours=True, paused=True), asked=True)
    assert asked == Rules(paused=True)


def test_rulings() -> None:
    """Away and paused first, then hours and the gap, and the cap when the message could go."""
    noon, night = at("2026-11-26T12:00"), at("2026-11-26T23:00")
    morning = at("2026-11-27T07:00")
    rules = Rules(cap=2, gap=3600 * SECOND, closed=Closed((NIGHT,)))
    calendar = Calendar(rules.closed, "Europe/Brussels")
    far = noon + WEEK

    def ruled(now: int, **more: int) -> tuple[Then, str, int]:
        found = judge(rules, calendar, now, **{"latest": far, **more})
        return found.then, found.reason, found.until

    assert ruled(noon)[0] is Then.GO
    assert ruled(noon, recent=2)[:2] == (Then.SKIP, CAP)
    assert ruled(night, recent=2) == (Then.WAIT, "waits for quiet hours to end", morning)
    hour = noon + 3600 * SECOND
    gap = (Then.WAIT, "waits for the minimum gap", hour)
    assert ruled(noon + 1, recent=1, last_at=noon) == gap
    assert ruled(hour, recent=1, last_at=noon)[0] is Then.GO
    late = at("2026-11-26T19:30")
    assert ruled(late, recent=1, last_at=late)[2] == morning, "the gap ends at night"
    assert ruled(night, latest=morning - 1)[:2] == (Then.SKIP, "quiet")
    assert ruled(night, event=morning + 1)[0] is Then.WAIT
    assert ruled(night, event=morning)[:2] == (Then.SKIP, "event")
    assert ruled(noon, event=noon)[0] is Then.GO, "no rule holds it back"
    assert judge(Rules(away_until=noon), calendar, noon - 1, latest=far).reason == "away"
    assert judge(Rules(away_until=noon), calendar, noon, latest=far).then is Then.GO
    assert judge(Rules(paused=True), calendar, noon, latest=far).reason == "paused"


def test_zones_nobody_knows_are_the_newsrooms() -> None:
    assert known_zone("Mars/Olympus", "Europe/Brussels") == "Europe/Brussels"
    assert known_zone("", "Europe/Brussels") == "Europe/Brussels"
    assert known_zone("Asia/Kolkata", "Europe/Brussels") == "Asia/Kolkata"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), near_a_change, st.integers(0, 6), st.integers(0, 1439))
def test_a_time_of_the_week_has_come_once_in_seven_days(
    zone: str, instant: int, weekday: int, minute: int
) -> None:
    day, found = last_weekly(weekday, minute, zone, instant)
    assert day.weekday() == weekday
    assert found <= instant < found + 8 * DAY
    shown = to_datetime(found).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    assert wanted <= shown <= wanted + timedelta(days=1)
