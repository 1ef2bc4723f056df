"""Exactness where something is lost: answers, power, the supervisor, a person's patience."""

from __future__ import annotations

from pathlib import Path

from mailer.clock import SECOND, ManualClock
from mailer.distribution.schedule import Sweeper
from mailer.store import distributions, suppression
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, PlannedDelivery

from tests.distribution.room import make_config, open_room
from tests.exactness import faults_of, rows
from tests.store.seed import address_hash, seed_journalists

NOW = 1_800_000_000 * SECOND


def test_who_leaves_while_the_plan_is_written_falls_out_of_it(
    tmp_path: Path, store_url: str
) -> None:
    """F10, H14: even when the sweep acted on the opt-out before the plan was to be seen."""
    config = make_config(tmp_path / "room", port=1, store=store_url)
    with open_room(config, ManualClock(NOW)) as room:
        seed_journalists(room.store, 2)
        sweeper = Sweeper(room)
        with room.store.write() as tx:
            number = distributions.insert(
                tx, NewDistribution(1, 1, "digest", 50, "send", None, NOW, "UTC", {}), "anna"
            )
            suppression.add(
                tx, address_hash(2), scope="all", reason="opt-out", actor="ada", evidence={}
            )
        sweeper.sweep()
        with room.store.write() as tx:
            people = [PlannedDelivery((number << DELIVERY_SHIFT) + n, n, 1, 1) for n in (1, 2)]
            distributions.insert_deliveries(tx, number, people, NOW)
            distributions.finish_plan(
                tx,
                number,
                [(1, NOW, "UTC", 2)],
                recipients=2,
                left_out={},
                due_at=NOW,
                actor="anna",
            )
        sweeper.sweep()
        with room.store.read() as tx:
            assert distributions.counts(tx, number) == {"queued": 1, "suppressed": 1}
        assert rows(room.store, "SELECT state FROM waves") == [{"state": "sending"}]
        assert faults_of(room.store) == []
