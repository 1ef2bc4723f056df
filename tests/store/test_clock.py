"""Gates on PostgreSQL go by the server's clock: a machine five minutes off decides nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from mailer.clock import SECOND, SystemClock
from mailer.store import Store, ledger
from mailer.store import distributions as dist

from tests.conftest import opened
from tests.store.seed import seed_distribution, seed_journalists

_OFF = 300 * SECOND
_SOON = 120 * SECOND


class _Wrong(SystemClock):
    """The machine's clock as somebody set it wrongly."""

    def __init__(self, off: int) -> None:
        self._off = off

    def now(self) -> int:
        return super().now() + self._off


@pytest.fixture(params=[_OFF, -_OFF], ids=["fast", "slow"])
def store(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[Store]:
    with opened(postgres_url, _Wrong(request.param)) as store:
        seed_journalists(store, 3)
        yield store


def _opened(store: Store, due_in: int, embargo_in: int | None = None) -> int:
    now = time.time_ns() // 1000
    embargo = None if embargo_in is None else now + embargo_in
    number = seed_distribution(store, [1, 2, 3], due_at=now + due_in, embargo_until=embargo)
    with store.write() as tx:
        dist.move_wave(tx, number, 1, "open", "test")
        dist.move(tx, number, "sending", "test")
    return number


def _claimed(store: Store, number: int) -> int:
    with store.write() as tx:
        wave = ledger.OpenWave(number, 1, "digest")
        return len(ledger.claim(tx, 1, wave, 10))


def test_what_is_not_due_is_not_claimed(store: Store) -> None:
    """Decision 3: due in two minutes, embargoed for two minutes; due two minutes ago."""
    later = _opened(store, _SOON)
    held = _opened(store, -_SOON, embargo_in=_SOON)
    due = _opened(store, -_SOON, embargo_in=-_SOON)
    with store.read() as tx:
        assert [wave.distribution for wave in ledger.open_waves(tx)] == [due]
    assert [_claimed(store, number) for number in (later, held, due)] == [0, 0, 3]


def test_what_is_deferred_waits_by_the_servers_clock(store: Store) -> None:
    """H10: put off by two minutes is put off, put off until two minutes ago is due again."""
    number = _opened(store, -_SOON)
    with store.read() as tx:
        now = tx.now()
    assert abs(now - time.time_ns() // 1000) < _SOON
    assert _claimed(store, number) == 3
    with store.write() as tx:
        base = number << dist.DELIVERY_SHIFT
        waits = [(number, base + 1, now + _SOON, "later"), (number, base + 2, now - _SOON, "again")]
        assert ledger.put_off(tx, 1, waits) == 2
    assert _claimed(store, number) == 1


def test_waves_open_and_leases_run_by_the_servers_clock(store: Store) -> None:
    """H3, decision 4: whether a batch is due, and since when a worker is silent."""
    now = time.time_ns() // 1000
    for due_in in (-_SOON, _SOON):
        seed_distribution(store, [1], due_at=now + due_in)
    with store.write() as tx:
        assert [row["due_at"] for row in dist.due_waves(tx)] == [now - _SOON]
        about = {"host": "a", "name": "s", "pid": 1, "boot_id": "b", "journal": "j"}
        ledger.add_worker(tx, **about, config_digest="c")
        (worker,) = ledger.present_workers(tx)
        assert abs(worker["lease_at"] - now) < _SOON
        assert abs(tx.now() - now) < _SOON
