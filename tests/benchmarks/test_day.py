"""The simulation of an agency's day loses nothing, is the same each time, and keeps its limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from benchmarks.day import HOUR, Day, Provider, Result, quantile, show, simulate
from hypothesis import given, settings
from hypothesis import strategies as some

SMALL = Day(messages=20_000, newsrooms=20, machines=2, per_machine=5)


def total(result: Result) -> int:
    return sum(result.ended.values()) + sum(result.open.values())


providers = some.lists(
    some.builds(
        Provider,
        name=some.sampled_from(["a", "b", "c", "d"]),
        share=some.integers(0, 60),
        rate=some.sampled_from([0, 0.01, 0.3, 2, 50]),
        deferred=some.floats(0, 100),
        refused=some.floats(0, 100),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda provider: provider.name,
)


@settings(max_examples=30, deadline=None)
@given(
    day=some.builds(
        Day,
        messages=some.integers(0, 5_000),
        newsrooms=some.integers(1, 20),
        releases=some.integers(1, 4),
        local_time=some.integers(0, 100),
        machines=some.integers(0, 4),
        per_machine=some.sampled_from([0.2, 3, 500]),
        lost_for=some.integers(0, 20 * HOUR),
        retry=some.just((300, 7200)),
        give_up=some.sampled_from([600, 8 * HOUR]),
        seed=some.integers(0, 1000),
        providers=providers.map(tuple),
    )
)
def test_what_goes_in_comes_out_or_is_queued(day: Day) -> None:
    """in = accepted + refused + expired + in doubt + open, whatever the parameters."""
    result = simulate(day, until=12 * HOUR)
    assert result.planned == day.messages == total(result)
    assert sum(sum(ages.values()) for ages in result.ages.values()) == result.ended["accepted"]
    assert min((age for ages in result.ages.values() for age in ages), default=0) >= 0
    assert result.busiest <= day.machines * day.per_machine


def test_the_same_parameters_are_the_same_day() -> None:
    assert list(show(SMALL, simulate(SMALL))) == list(show(SMALL, simulate(SMALL)))
    assert list(show(SMALL, simulate(SMALL))) != list(
        show(SMALL, simulate(replace(SMALL, seed=SMALL.seed + 1)))
    )


def test_a_providers_limit_holds() -> None:
    """Not more a hour than its rate allows, however many machines there are."""
    day = replace(SMALL, machines=50, providers=(Provider("slow", 100, 0.1, 0, 0),))
    result = simulate(day)
    for (_, name), ages in result.ages.items():
        assert name == "slow" and sum(ages.values()) <= 0.1 * HOUR + 1
    assert result.open["queued"] > 0


def test_a_lost_machine_puts_what_it_held_in_doubt_and_the_rest_goes_on() -> None:
    """Decision 4: at most what was claimed; nothing is sent twice, nothing is lost."""
    busy = replace(SMALL, per_machine=0.2, held=1.0, lost_for=HOUR)
    assert simulate(replace(busy, lost_for=0)).ended["in_doubt"] == 0
    lost = simulate(replace(busy, per_machine=3, held=2.0, newsrooms=1, lost_at=9 * HOUR))
    assert 0 <= lost.ended["in_doubt"] <= 6
    assert total(lost) == lost.planned


def test_without_limits_or_deferrals_nothing_is_late() -> None:
    free = Provider("free", 100, 0, 0, 0)
    result = simulate(replace(SMALL, per_machine=1e6, providers=(free,)))
    assert result.ended == {"accepted": 20_000}
    assert max(age for ages in result.ages.values() for age in ages) < 5


def test_quantiles() -> None:
    ages = Counter({1: 98, 50: 1, 900: 1})
    assert (quantile(ages, 0.5), quantile(ages, 0.99), quantile(ages, 1.0)) == (1, 50, 900)
    assert quantile(Counter(), 0.5) == 0
