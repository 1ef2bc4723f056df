"""SIGKILL at random instants and at every named step: nobody is lost, nobody gets it twice (H9).

    python -m pytest tests/acceptance/test_kill.py

The small form of `python -m tests.campaign`: twenty deaths on each database, while the server
goes on and keeps its own record, people leave and an officer pauses.
"""

from __future__ import annotations

from pathlib import Path

from tests.campaign.__main__ import table
from tests.campaign.run import Campaign

KILLS = 20


def test_twenty_kills_lose_nobody_and_double_nobody(tmp_path: Path, store_url: str) -> None:
    """H7, H9, H15, H16: ledger and server agree one to one, and the history leads there."""
    report = Campaign(tmp_path / "campaign", store_url, kills=KILLS, recipients=1200, seed=7).run()
    assert report.exact, table(report)
    assert report.killed >= KILLS
    assert report.kept > 0 and report.states["accepted"] > 0
