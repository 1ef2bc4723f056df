"""When sending begins and about when it ends, as `queue` says it: routes, rates, warm-up, waves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.clock import SECOND, ManualClock, to_datetime
from mailer.config import Config, load
from mailer.distribution import routes
from mailer.distribution.dealing import Dealer
from mailer.distribution.forecast import Forecast
from mailer.store import paces

from tests.distribution.press import Press
from tests.distribution.room import make_config, open_room
from tests.distribution.test_schedule import NOON

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
TODAY = "2026-03-03"

AGENCIES = """
[[routes]]
name = "agencies"
url = "smtp://127.0.0.1:2?starttls=never"
domains = [".example.net"]
rate = "{rate}"
"""

PAPER = """
[[destinations]]
name = "paper"
domains = ["paper.example.com"]
rate = "{rate}"
"""


def configured(config: Config, more: str = "", smtp: str = "") -> Config:
    """The configuration with sections added, and keys added to [smtp]."""
    path = config.path
    path.write_text(path.read_text().replace("[smtp]\n", f"[smtp]\n{smtp}\n", 1) + more)
    return load(path, {})


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path / "room", port=1)


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    with Press(tmp_path / "room", store_url, clock=ManualClock(NOON)) as press:
        yield press


def span(config: Config, *people: tuple[int, int, int, str, int], **known: object) -> list[int]:
    """Minutes from noon to the first and to the last; `people` as `Forecast.add` takes them."""
    found = Forecast(Dealer(config), now=NOON, **known)  # type: ignore[arg-type]
    for each in people:
        found.add(*each)
    return [(each - NOON) // MINUTE for each in found.span()]


def test_batches_spread_and_rate(config: Config) -> None:
    """H12: one rate, several batches."""
    assert span(config, (1, NOON + MINUTE, 0, "", 10)) == [1, 1]
    assert span(config, (1, 5, 0, "", 10)) == [0, 0], "what was due before leaves now"
    config = configured(config, smtp='rate = "1"')
    # 2,401 messages at one a second: 40 minutes after the first.
    assert span(config, (1, NOON, 0, "", 2401)) == [0, 40]
    # A spread longer than the rate needs decides, and the other way round.
    assert span(config, (1, NOON, HOUR, "", 60)) == [0, 59]
    assert span(config, (1, NOON, HOUR, "", 7201)) == [0, 120]
    # The second batch waits until the first is through, whichever is named first.
    second = (2, NOON + MINUTE, 0, "", 61)
    assert span(config, second, (1, NOON, 0, "", 3600)) == [0, 61]


def test_each_domain_counts_for_its_own_route(config: Config) -> None:
    """Decision 6: the dealer's choice, subdomains included."""
    config = configured(config, AGENCIES.format(rate="1"), 'rate = "10"')
    many = (1, NOON, 0, "example.com", 601)
    assert span(config, many) == [0, 1]
    assert span(config, many, (1, NOON, 0, "wire.example.net", 301)) == [0, 5]
    # Who is left to the other while the first waits for an officer.
    paused = span(config, many, (1, NOON, 0, "wire.example.net", 600), paused={"agencies"})
    assert paused == [0, 2]


def test_a_destinations_rate_is_slower_than_the_route(config: Config) -> None:
    """H12: the slowest way decides about the last; all domains of a group count together."""
    config = configured(config, PAPER.format(rate="2"), 'rate = "100"')
    assert span(config, (1, NOON, 0, "example.com", 6001)) == [0, 1]
    slow = (1, NOON, 0, "paper.example.com", 1201)
    assert span(config, (1, NOON, 0, "example.com", 6001), slow) == [0, 10]


def test_a_warm_up_takes_days(config: Config) -> None:
    """A31: 100, 150, 225 …: the thousandth goes on the fifth day, at the same time of day."""
    warm = f"\n[smtp.warm_up]\nsince = {TODAY}\nfirst = 100\ngrowth = 1.5\n"
    config = configured(config, warm)
    day = 24 * 60
    assert span(config, (1, NOON, 0, "", 100)) == [0, 0]
    assert span(config, (1, NOON, 0, "", 101)) == [0, day]
    assert span(config, (1, NOON, 0, "", 1000)) == [0, 4 * day]
    assert span(config, (1, NOON, 0, "", 100), used={"smtp": 1}) == [0, 0], "another route's"
    name = config.routes[0].name
    assert span(config, (1, NOON, 0, "", 100), used={name: 1}) == [0, day]
    assert span(config, (1, NOON, 0, "", 100), used={name: 100}) == [day, day]
    # Both batches share the days, and a lift is not held (D22).
    assert span(config, (1, NOON, 0, "", 90), (2, NOON + HOUR, 0, "", 20)) == [0, 60 + day]
    assert span(config, (1, NOON, 0, "", 1000), urgent=True) == [0, 0]


def test_what_a_warm_up_leaves_takes_another_route(config: Config) -> None:
    """A31, decision 6: the second has no warm-up, but a rate."""
    warm = f"\n[smtp.warm_up]\nsince = {TODAY}\nfirst = 100\n"
    other = '\n[[routes]]\nname = "spare"\nurl = "smtp://127.0.0.1:2?starttls=never"\nrate = "1"\n'
    config = configured(config, other + warm)
    assert span(config, (1, NOON, 0, "", 100)) == [0, 0]
    assert span(config, (1, NOON, 0, "", 701)) == [0, 10]


def test_a_warm_up_that_never_ends_is_told_all_the_same(config: Config) -> None:
    """A31: no endless search."""
    warm = f"\n[smtp.warm_up]\nsince = {TODAY}\nfirst = 1\ngrowth = 1\n"
    first, last = span(configured(config, warm), (1, NOON, 0, "", 1_000_000))
    assert first == 0 and last > 3000 * 24 * 60


@given(
    people=st.lists(
        st.tuples(
            st.integers(0, 10**15),
            st.sampled_from((0, 1, 10**6, 10**10)),
            st.sampled_from(("example.com", "paper.example.com", "x.example.net")),
            st.integers(1, 10**6),
        ),
        min_size=1,
        max_size=5,
    ),
    now=st.integers(0, 10**15),
    rate=st.sampled_from(("0", "0.5", "1000")),
)
def test_it_never_ends_before_it_begins(
    tmp_path_factory: pytest.TempPathFactory,
    people: list[tuple[int, int, str, int]],
    now: int,
    rate: str,
) -> None:
    """Nothing leaves before now or before its batch is due."""
    path = tmp_path_factory.getbasetemp() / f"forecast-{rate}"
    if not path.exists():
        more = AGENCIES.format(rate=rate) + PAPER.format(rate=rate)
        configured(make_config(path, port=1), more, f'rate = "{rate}"')
    found = Forecast(Dealer(load(path / "config.toml", {})), now=now)
    for wave, (due, over, domain, count) in enumerate(people):
        found.add(wave, due, over, domain, count)
    first, last = found.span()
    assert first == max(now, min(due for due, *_ in people))
    assert last >= first and last >= max(due for due, *_ in people)


def reopen(press: Press, more: str) -> None:
    """The newsroom with sections added to its configuration."""
    press.config = configured(press.config, more)
    press.room.close()
    press.room = open_room(press.config, ManualClock(NOON))


def minutes(text: str) -> int:
    """From noon, rounded down."""
    return (datetime.fromisoformat(text) - to_datetime(NOON)) // timedelta(minutes=1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_queue_counts_people_by_domain(press: Press, dry_run: bool) -> None:
    """The order's own audience: excepted, suppressed and added people as they are in the plan."""
    from mailer.distribution.suppressions import add

    reopen(press, AGENCIES.format(rate="0.01") + PAPER.format(rate="0.005"))
    press.people("all", [f"a{n}@example.com" for n in range(9)])
    press.people("wire", [f"w{n}@wire.example.net" for n in range(6)])
    press.people("paper", ["p1@paper.example.com", "p2@paper.example.com"])

    def last(*to: str, **options: object) -> int:
        queued = press.queue(*to, dry_run=True, **options)
        assert minutes(queued.first_at) == 0
        return minutes(queued.last_at)

    assert last("list:all") == 0
    assert last("list:all", "list:wire") == 8  # 5 gaps of 100 s
    assert last("list:all", "list:paper") == 3
    assert last("list:all", also=("w1@wire.example.net", "w2@wire.example.net")) == 1
    assert last("list:wire", leave_out=["w1@wire.example.net"]) == 6
    add(press.room, ["w2@wire.example.net"], "anna")
    assert last("list:wire") == 6
    press.queue("list:wire", leave_out=["w5@wire.example.net"])
    queued = press.queue("list:all", "list:wire", skip_received=True, dry_run=dry_run)
    assert queued.recipients == 10 and minutes(queued.last_at) == 0
    queued = press.queue("list:wire", dry_run=dry_run)
    assert minutes(queued.last_at) == 6


def test_queue_knows_local_time_warm_up_and_pauses(press: Press) -> None:
    """D22, A31: each batch from its own time; what the day has carried already counts."""
    warm = f"\n[smtp.warm_up]\nsince = {TODAY}\nfirst = 4\ngrowth = 1\n"
    reopen(press, AGENCIES.format(rate="0.01") + warm)
    name = press.room.config.routes[0].name
    people = [(f"a{n}@example.com", "Europe/Brussels") for n in range(3)]
    press.people("all", [*people, *((f"t{n}@x.example.net", "Asia/Tokyo") for n in range(4))])
    queued = press.queue("list:all", at="2026-03-04T09:00", local_time=True, dry_run=True)
    assert queued.first_at == "2026-03-04T00:00:00.000Z"
    assert queued.last_at == "2026-03-04T08:00:00.000Z"
    with press.room.store.write() as tx:
        paces.use(tx, name, TODAY, 2)
    queued = press.queue("list:all", dry_run=True)
    assert queued.last_at == "2026-03-04T12:00:00.000Z"
    routes.pause(press.room, "agencies", "anna")
    queued = press.queue("list:all", leave_out=["a0@example.com"], dry_run=True)
    assert queued.last_at == "2026-03-04T12:00:00.000Z", "2 today, 4 tomorrow"
    with press.room.store.write() as tx:
        paces.use(tx, name, TODAY, 2)
    queued = press.queue("list:all", dry_run=True)
    assert (queued.first_at, queued.last_at) == (
        "2026-03-04T12:00:00.000Z",
        "2026-03-05T12:00:00.000Z",
    )
