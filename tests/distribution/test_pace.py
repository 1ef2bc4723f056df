"""Steps of long work: small as soon as anything is being sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailer.clock import ManualClock
from mailer.distribution.pace import Pace

from tests.distribution.room import make_config, open_room

_SENDING = """INSERT INTO distributions (id, release, revision, compiled, state, priority, late,
    due_at, zone, audience, left_out, recipients, actor, created_at)
    VALUES (1, 1, 1, '', 'sending', 0, '', 0, 'UTC', '', '', 0, 'anna', 0)"""


@pytest.mark.parametrize("heavy", [True, False])
def test_steps_give_way_to_what_is_sent(tmp_path: Path, heavy: bool) -> None:
    """A row takes 50 µs here: a step stays below 20 ms while anything is sent, and only heavy work
    takes more while nothing is (4)."""
    clock = ManualClock(0)
    with open_room(make_config(tmp_path / "room", port=2525), clock) as room:
        pace = Pace(room, heavy=heavy)

        def steps(count: int) -> None:
            for _ in range(count):
                with room.store.write() as tx, pace.step(tx):
                    clock.advance(pace.size * 50e-6)

        steps(60)
        assert (pace.size > 3000) is heavy
        with room.store.write() as tx:
            tx.execute(_SENDING, {})
        steps(2)
        assert pace.size < 500
