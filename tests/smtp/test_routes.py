"""Choosing a way out, and its pace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.smtp import Endpoint
from mailer.smtp.routes import Pacer, Route, pick

PLACE = Endpoint("127.0.0.1", 25)
DEFAULT = Route("default", PLACE)
AGENCIES = Route("agencies", PLACE, domains=("example.net", ".example.org"), order=5)
SPARE = Route("spare", PLACE, order=9)


@pytest.mark.parametrize(
    ("domain", "name"),
    [("example.net", "agencies"), ("EXAMPLE.NET.", "agencies"), ("sub.example.net", "default"),
     ("example.org", "agencies"), ("a.b.example.org", "agencies"), ("badexample.org", "default"),
     ("example.com", "default")],
)  # fmt: skip
def test_pick(domain: str, name: str) -> None:
    """A route that names the domain comes before one for all; then by order."""
    found = pick([SPARE, DEFAULT, AGENCIES], domain)
    assert found is not None
    assert found.name == name


def test_resting_routes() -> None:
    """A route that rests is passed over; when all rest there is none."""
    routes = [DEFAULT, AGENCIES, SPARE]
    assert pick(routes, "example.com", resting=["default"]) == SPARE
    assert pick(routes, "example.net", resting=["agencies"]) == DEFAULT
    assert pick(routes, "example.com", resting=["default", "spare"]) is None


def test_no_limit() -> None:
    """Rate 0 lets everything through at once."""
    pacer = Pacer(0, now=0.0)
    assert pacer.take(1_000_000, 0.0) == 1_000_000
    assert pacer.wait_time(0.0) == 0.0


@given(
    st.floats(0.1, 5_000),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 500)), min_size=1, max_size=60),
)
def test_never_more_than_the_rate(rate: float, steps: list[tuple[float, int]]) -> None:
    """A31, H12: over any time, no more than rate times time and one small burst."""
    pacer = Pacer(rate, now=100.0)
    now, gone = 100.0, 0
    for pause, wanted in steps:
        now += pause
        given_now = pacer.take(wanted, now)
        assert 0 <= given_now <= wanted
        gone += given_now
        assert gone <= (now - 100.0) * rate + max(1.0, rate * 0.1) + 1e-3


@given(st.floats(0.1, 2_000))
def test_waiting_as_told_keeps_the_rate(rate: float) -> None:
    """Who waits `wait_time` each time gets one each time, and the full rate in sum."""
    pacer = Pacer(rate, now=0.0)
    now = 0.0
    for _ in range(200):
        now += pacer.wait_time(now)
        assert pacer.take(1, now) == 1
    assert now <= 200 / rate + 1e-3


def test_a_clock_that_stands_or_steps_back_gives_nothing() -> None:
    """H4: time that does not pass brings nothing."""
    pacer = Pacer(10, now=50.0)
    assert pacer.take(5, 50.0) == 1
    assert pacer.take(5, 40.0) == 0
    assert pacer.take(5, 50.0) == 0
    assert pacer.take(5, 50.1) == 1


def test_giving_back_and_changing_the_rate() -> None:
    """What was not used can go again; a new rate counts from now on."""
    pacer = Pacer(10, now=0.0)
    assert pacer.take(1, 0.0) == 1
    pacer.give_back(1)
    assert pacer.take(1, 0.0) == 1
    pacer.set_rate(1_000, 0.0)
    assert pacer.take(500, 1.0) == 100
    with pytest.raises(ValueError, match="rate"):
        pacer.set_rate(-1, 2.0)
    with pytest.raises(ValueError, match="rate"):
        Pacer(-1, now=0.0)
