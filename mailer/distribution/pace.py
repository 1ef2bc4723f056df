"""Long work on the store in steps so short that nobody who sends waits for one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from mailer.distribution.context import Newsroom

_STEP = 0.02
"""Seconds that a step means to take before its commit; 50 ms with it is the bound."""


class Pace:
    """How many rows go into one step, so that none holds the store longer than it may.

    The time inside the transaction counts, not the commit: that takes what the disk takes,
    however little is written.
    """

    def __init__(self, room: Newsroom) -> None:
        self._clock = room.clock
        # PostgreSQL lets others write meanwhile, so there a step only bounds what is undone.
        alone = room.store.dialect == "sqlite"
        self._step, self._most = (_STEP, 2000) if alone else (5 * _STEP, 5000)
        self.size = 200

    @contextmanager
    def step(self) -> Iterator[None]:
        """What is done inside decides the size of the next step."""
        # Python's full collection takes longer than a whole step; between two it harms nobody.
        collecting = gc.isenabled()
        gc.disable()
        began = self._clock.monotonic()
        try:
            yield
        finally:
            if collecting:
                gc.enable()
        took = self._clock.monotonic() - began
        if took > self._step:
            self.size = max(100, round(self.size * 0.8))
        else:
            self.size = min(self._most, round(self.size * 1.1))
