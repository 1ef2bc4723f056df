"""Local times and instants: gaps, folds, zones, `queue --at`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.clock import from_datetime, to_datetime
from mailer.errors import UsageError
from mailer.release.times import (
    NOW,
    Case,
    instant_of,
    parse_when,
    read_when,
    resolve_local,
    stamp_in,
)


def iso(instant: object) -> str:
    assert isinstance(instant, int)
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%MZ")


@pytest.mark.parametrize(
    ("local", "zone", "case", "instants"),
    [
        (
            "2026-03-29T02:30",
            "Europe/Brussels",
            Case.GAP,
            ["2026-03-29T00:30Z", "2026-03-29T01:30Z"],
        ),
        (
            "2026-10-25T02:30",
            "Europe/Brussels",
            Case.FOLD,
            ["2026-10-25T00:30Z", "2026-10-25T01:30Z"],
        ),
        (
            "2026-03-08T02:30",
            "America/New_York",
            Case.GAP,
            ["2026-03-08T06:30Z", "2026-03-08T07:30Z"],
        ),
        (
            "2026-11-01T01:30",
            "America/New_York",
            Case.FOLD,
            ["2026-11-01T05:30Z", "2026-11-01T06:30Z"],
        ),
        (
            "2026-10-04T02:15",
            "Australia/Lord_Howe",
            Case.GAP,
            ["2026-10-03T15:15Z", "2026-10-03T15:45Z"],
        ),
        (
            "2026-04-05T01:45",
            "Australia/Lord_Howe",
            Case.FOLD,
            ["2026-04-04T14:45Z", "2026-04-04T15:15Z"],
        ),
        ("2026-03-29T02:30", "Africa/Lagos", Case.OK, ["2026-03-29T01:30Z"]),
        ("2026-10-25T02:30", "Asia/Kolkata", Case.OK, ["2026-10-24T21:00Z"]),
        ("2028-02-29T12:00", "Europe/Warsaw", Case.OK, ["2028-02-29T11:00Z"]),
    ],
)
def test_gaps_and_folds(local: str, zone: str, case: Case, instants: list[str]) -> None:
    """H2: Europe, Americas, Lord Howe (30 minutes), zones without summer time."""
    found = resolve_local(datetime.fromisoformat(local), zone)
    assert found.case is case
    if case is Case.OK:
        assert [iso(found.instant)] == instants and found.sentence() == ""
    else:
        assert found.instant is None
        assert [iso(instant) for instant in found.alternatives] == instants
        for instant in found.alternatives:
            assert stamp_in(instant, zone) in found.sentence()


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)),
    st.sampled_from(["Europe/Brussels", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tokyo"]),
)
def test_every_offered_time_can_be_written_back(local: datetime, zone: str) -> None:
    """What an error offers is accepted and means what it says."""
    found = resolve_local(local.replace(second=0, microsecond=0), zone)
    instants = found.alternatives or (found.instant,)
    for instant in instants:
        assert instant is not None
        assert parse_when(stamp_in(instant, zone), "UTC") == instant


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)))
def test_instants_survive_the_way_through_a_zone(moment: datetime) -> None:
    instant = from_datetime(moment.replace(tzinfo=UTC, microsecond=0))
    assert parse_when(stamp_in(instant, "Europe/Brussels"), "Asia/Tokyo") == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01T09:00", "2026-12-01T08:00Z"),
        ("2026-12-01 09:00", "2026-12-01T08:00Z"),
        ("2026-12-01 09:00 Europe/London", "2026-12-01T09:00Z"),
        ("2026-12-01T09:00 UTC", "2026-12-01T09:00Z"),
        ("2026-12-01T09:00Z", "2026-12-01T09:00Z"),
        ("20261201T0900Z", "2026-12-01T09:00Z"),
        ("2026-12-01T09:00+05:30", "2026-12-01T03:30Z"),
        ("2026-12-01T09:00+01:00[Europe/Paris]", "2026-12-01T08:00Z"),
        ("2026-12-01T09:00[Europe/Paris]", "2026-12-01T08:00Z"),
        ("2026-12-01T09:00Z[Europe/Paris]", "2026-12-01T09:00Z"),
        ("2026-12-01T09:00[Europe/Paris][u-ca=iso8601]", "2026-12-01T08:00Z"),
        ("2026-03-29T02:30+02:00", "2026-03-29T00:30Z"),
        ("2026-12-01T24:00", "2026-12-01T23:00Z"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00Z"),
        ("2028-02-29T12:00", "2028-02-29T11:00Z"),
    ],
)
def test_written_times(text: str, instant: str) -> None:
    """Contract: WHEN is ISO 8601; RFC 9557 zones; H4: 29 February, 24:00, a leap second."""
    assert iso(parse_when(text, "Europe/Brussels")) == instant


def test_now_is_the_callers_business() -> None:
    assert parse_when("now", "Europe/Brussels") is NOW
    assert parse_when(" NOW ", "Europe/Brussels") is NOW


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-29T02:30", "2026-03-29T01:30+01:00 or 2026-03-29T03:30+02:00"),
        ("2026-10-25T02:30", "2026-10-25T02:30+02:00 for the first"),
        ("2026-03-08 02:30 America/New_York", "2026-03-08T03:30-04:00"),
        ("2026-12-01T09:00+02:00[Europe/Paris]", "Europe/Paris has +01:00 then"),
        ("2026-12-01", "names a day but no time"),
        ("tomorrow", "ISO 8601"),
        ("", "ISO 8601"),
        ("2026-02-30T09:00", "ISO 8601"),
        ("2026-12-01T09:00 Europe/Nowhere", "not a known time zone"),
        ("2026-12-01T09:00[../etc/passwd]", "not a known time zone"),
        ("2026-12-01T09:00[!u-ca=hebrew]", "demands"),
        ("9999-12-31T24:00", "from 2 to 9998"),
        ("9999-12-31T23:59Z", "from 2 to 9998"),
        ("0001-01-01T00:00", "from 2 to 9998"),
    ],
)
def test_wrong_times_are_refused_with_a_way_out(text: str, words: str) -> None:
    """H2, D5: refused, with the alternatives (exit 2)."""
    with pytest.raises(UsageError) as caught:
        parse_when(text, "Europe/Brussels")
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_local_part_stays_bare_for_a_wave_per_zone() -> None:
    when = read_when("2026-12-01T09:00")
    assert (when.local, when.zone, when.offset) == (datetime(2026, 12, 1, 9), None, None)
    assert iso(instant_of(when, "Asia/Tokyo")) == "2026-12-01T00:00Z"
    assert iso(instant_of(when, "America/New_York")) == "2026-12-01T14:00Z"
