"""What an officer sees of a segment: who would get nothing just now, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock, from_datetime
from mailer.distribution.segments import preview

from tests.distribution.press import Press

T0 = from_datetime(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
DAY = 86_400 * SECOND


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """b1 … b6 on a list, whom one release has reached, b4 a week ago."""
    with Press(tmp_path / "room", store_url, clock=ManualClock(T0)) as press:
        press.people("brussels", [f"b{n}@example.com" for n in range(1, 7)])
        press.queue("list:brussels")
        with press.room.store.write() as tx:
            tx.execute(
                "UPDATE deliveries SET state = 3, last_attempt_at = CASE journalist WHEN 4 THEN "
                ":old ELSE :now END", {"now": T0 - DAY, "old": T0 - 8 * DAY},
            )  # fmt: skip
        yield press


def test_who_wants_nothing_now(press: Press) -> None:
    """F: away, paused and capped by his own wish are told beside the recipients, and no longer when
    they chose otherwise; by the newsroom's cap everybody who had his share."""
    assert preview(press.room, "list:brussels").waiting == {}
    wishes = [(1, T0 + DAY, 0, None), (2, None, 1, None), (3, None, 0, 1), (4, None, 0, 1),
              (5, T0 - DAY, 0, 2), (6, None, 0, 0)]  # fmt: skip
    with press.room.store.write() as tx:
        tx.copy(
            "preferences",
            ("journalist", "away_until", "paused", "weekly_cap", "updated_at"),
            [(*wish, T0) for wish in wishes],
        )
    found = preview(press.room, "list:brussels")
    assert (found.recipients, found.waiting) == (6, {"away": 1, "paused": 1, "capped": 2})
    rules = press.config.rules.model_copy(update={"weekly_cap": 1})
    house = replace(press.room, config=press.config.model_copy(update={"rules": rules}))
    assert preview(house, "list:brussels").waiting["capped"] == 5
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM preferences WHERE journalist < 4", {})
    assert preview(press.room, "list:brussels").waiting == {"capped": 1}
