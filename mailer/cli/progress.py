"""What `run`, `serve` and `demo` show of their work: one moving line, and a sentence at the end.

The line only appears on a terminal; what needs attention is printed once, wherever stderr goes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from mailer.cli.base import say

_FINAL = ("accepted", "refused", "in_doubt", "suppressed", "skipped", "cancelled", "expired")
_EVERY = 0.2


class Progress:
    """Takes a supervisor's events. `total` tells how many deliveries are open, when asked."""

    def __init__(self, total: Callable[[], int] | None = None) -> None:
        self._ask = total
        self._counts: dict[str, int] = {}
        self._began = 0.0
        self._shown = 0.0
        self._open = 0
        self._line = sys.stderr.isatty()
        self._said: set[str] = set()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def tell(self, event: Mapping[str, Any]) -> None:
        """One event of a supervisor."""
        kind = event["event"]
        if kind == "progress":
            self._count(event)
        elif kind in ("trouble", "blocked", "paused"):
            self._once(str(event["reason"]))
        elif kind == "ready" and "public" in event:
            self._once(f"Journalists' pages: {event['public']}  Desk: {event['desk']}")
        elif kind == "stands":
            self._said.discard(_over(event["reason"]))
            self._once(str(event["reason"]))
        elif kind == "goes_on":
            self._said.discard(event["reason"])
            self._once(_over(event["reason"]))
        elif kind == "restarted":
            self._once(f"{event['child']} died and was started again.")
        elif kind == "recovered":
            self._once(
                f"After a crash: {event['requeued']:,} queued again, {event['recorded']:,} "
                f"recorded from the journal, {event['in_doubt']:,} not certain."
            )

    def _count(self, event: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if not self._began:
            self._began = now
            if self._line and self._ask is not None:
                self._open = self._ask()
        for state, number in event.items():
            if isinstance(number, int):
                self._counts[state] = self._counts.get(state, 0) + number
        if self._line and now - self._shown >= _EVERY:
            self._shown = now
            sys.stderr.write(f"\r\x1b[2K{self._text(now)}")
            sys.stderr.flush()

    def _text(self, now: float) -> str:
        done = sum(self._counts.get(state, 0) for state in _FINAL)
        rate = done / max(now - self._began, _EVERY)
        parts = [f"{done:,} of {max(self._open, done):,}" if self._open else f"{done:,} done"]
        parts.append(f"{rate:,.0f}/s")
        if self._open > done and rate:
            parts.append(f"{_span((self._open - done) / rate)} left")
        if deferred := self._counts.get("deferred", 0):
            parts.append(f"{deferred:,} deferred")
        return "  ".join(parts)

    def _once(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._clear()
            say(sentence)

    def _clear(self) -> None:
        if self._line and self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def sentence(counts: Mapping[str, int]) -> str:
    """What a run did, as a person would say it."""
    said = [
        f"{counts[state]:,} {words}"
        for state, words in (
            ("accepted", "accepted"),
            ("deferred", "deferred for a later try"),
            ("refused", "refused"),
            ("expired", "given up"),
            ("in_doubt", "not certain"),
            ("suppressed", "not to be contacted"),
            ("cancelled", "cancelled"),
            ("skipped", "skipped"),
        )
        if counts.get(state)
    ]
    if not said:
        return "Nothing was due."
    return (said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}") + "."


def _over(reason: str) -> str:
    return f"That is over, sending goes on: {reason}"


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
