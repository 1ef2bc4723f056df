"""What a run says of itself."""

from __future__ import annotations

import pytest
from mailer.cli.progress import Progress, sentence


def test_the_end_is_a_sentence() -> None:
    """The summary is what a person would say."""
    assert sentence({}) == "Nothing was due."
    assert sentence({"accepted": 1284}) == "1,284 accepted."
    assert sentence({"accepted": 3, "deferred": 1, "refused": 2}) == (
        "3 accepted, 1 deferred for a later try and 2 refused."
    )


def test_trouble_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Two senders that meet the same obstacle tell it once; away from a terminal nothing moves."""
    with Progress(lambda: 10) as progress:
        for _ in range(3):
            progress.tell({"event": "blocked", "reason": "live = false", "child": "sender-1"})
            progress.tell({"event": "progress", "accepted": 2, "child": "sender-2"})
    assert capsys.readouterr().err == "live = false\n"


def test_the_moving_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal: done of total, rate, time left, deferrals; gone at the end."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(lambda: 10_000) as progress:
        progress.tell({"event": "progress", "accepted": 1_500, "deferred": 2, "child": "sender-1"})
    shown = capsys.readouterr().err
    assert "1,500 of 10,000" in shown and "/s" in shown and " left" in shown
    assert "2 deferred" in shown
    assert shown.endswith("\r\x1b[2K")
