"""Long work on the store in steps so short that nobody who sends waits for one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from mailer.distribution.context import Newsroom
from mailer.store import distributions
from mailer.store.base import Tx

_STEP = 0.02
"""Seconds that a step means to take before its commit; 50 ms with it is the bound."""

_ALONE = 0.2
"""The same for heavy work while nothing is being sent: in large steps a page of an index is written
once for many rows."""


class Pace:
    """How many rows go into one step, so that none holds the store longer than it may.

    The time inside the transaction counts, not the commit: that takes what the disk takes,
    however little is written. What is `heavy`, and asked for by a person who waits, takes larger
    steps while nothing is being sent.
    """

    def __init__(self, room: Newsroom, *, heavy: bool = False) -> None:
        self._clock, self._heavy = room.clock, heavy
        # PostgreSQL lets others write meanwhile, so there a step only bounds what is undone.
        self._shares = room.store.dialect != "sqlite"
        self.size = 200

    @contextmanager
    def step(self, tx: Tx) -> Iterator[None]:
        """What is done inside decides the size of the next step."""
        if self._shares:
            means, most = 5 * _STEP, 5000
        elif not self._heavy or distributions.any_sending(tx):
            means, most = _STEP, 2000
        else:
            means, most = _ALONE, 5000
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
        if took > means:
            # At once, where sending has begun meanwhile.
            self.size = max(100, round(self.size * max(0.1, min(0.8, means / took))))
        else:
            self.size = min(most, round(self.size * 1.1))
