"""Reading ahead: the same items, errors where they belong, and nothing left running."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing

import pytest
from mailer.distribution.readahead import ahead


class _Made:
    """Numbers below `count`, and whether the making was ended."""

    def __init__(self, count: int, fails_at: int = -1) -> None:
        self.count, self.fails_at = count, fails_at
        self.made = 0
        self.closed = threading.Event()

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self.count):
                if number == self.fails_at:
                    raise LookupError("broken")
                self.made += 1
                yield number
        finally:
            self.closed.set()


def test_the_same_items() -> None:
    """All of them, in their order."""
    made = _Made(1000)
    assert list(ahead(made.items())) == list(range(1000))
    assert made.closed.is_set()


def test_an_error_comes_after_what_was_made() -> None:
    """What was made before it is seen first."""
    seen = []
    with pytest.raises(LookupError, match="broken"):
        for number in ahead(_Made(10, fails_at=7).items()):
            seen.append(number)
    assert seen == list(range(7))


def test_who_leaves_early_leaves_nothing_behind() -> None:
    """Closed, the making has ended, and only little of it was done in advance."""
    made = _Made(1000)
    with closing(ahead(made.items())) as items:
        assert next(items) == 0
    assert made.closed.is_set() and made.made < 10
    assert "read ahead" not in {thread.name for thread in threading.enumerate()}
