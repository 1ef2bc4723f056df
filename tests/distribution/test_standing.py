"""How senders of several hosts share the connections that a destination allows (H12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mailer.distribution.context import Newsroom
from mailer.distribution.limits import Limits
from mailer.distribution.standing import Standing
from mailer.distribution.storethread import StoreThread
from mailer.store import ledger, workers

from tests.distribution.room import make_config, open_room


def enrol(room: Newsroom, host: str, *, share: int) -> int:
    """A sender's row."""
    with room.store.write() as tx:
        worker = ledger.add_worker(
            tx, host=host, name="sender-1", pid=1, boot_id="", journal="/none",
            config_digest=room.config.digest(),
        )  # fmt: skip
        workers.publish(tx, worker, share)
    return worker


def renew(room: Newsroom, worker: int) -> None:
    """What that sender does now and then."""
    with room.store.write() as tx:
        assert ledger.renew_lease(tx, worker)


@pytest.fixture
def within(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[..., Any]], None]:
    """Runs a test in an event loop, as host b, with an open newsroom."""
    monkeypatch.setenv("MAILER_HOST", "b")

    def run(test: Callable[..., Any]) -> None:
        async def main() -> None:
            with open_room(make_config(tmp_path / "room", port=1, store=store_url)) as room:
                thread = StoreThread(room.store)
                try:
                    await test(room, thread)
                finally:
                    thread.close()

        asyncio.run(main())

    return run


def standing(room: Newsroom, limits: Limits) -> tuple[Standing, list[dict[str, Any]]]:
    """The first of two senders of this host."""
    said: list[dict[str, Any]] = []
    worker = enrol(room, "b", share=2)
    return Standing(room, worker, limits, 2, 1, said.append, None, lambda: None), said


def part(limits: Limits) -> int | None:
    limit = limits.get("gmail")
    assert limit is not None
    return limit.most


def test_who_comes_anew_takes_nothing_that_others_still_use(
    within: Callable[[Callable[..., Any]], None],
) -> None:
    """Not until each other host knows of it and had time to end what was under way."""

    async def test(room: Newsroom, thread: StoreThread) -> None:
        other = enrol(room, "a", share=1)
        limits = Limits({"gmail": 7}, 2, 1)
        mine, _ = standing(room, limits)
        for _ in range(3):
            assert await mine.renew(thread)
            assert part(limits) == 0
        renew(room, other)
        assert await mine.renew(thread)
        assert part(limits) == 0, "it knows, but what it began may still be under way"
        assert await mine.renew(thread)
        assert part(limits) == 2, "the second of three senders that share seven"
        with room.store.write() as tx:
            ledger.worker_left(tx, other)
        assert await mine.renew(thread)
        assert part(limits) == 4, "the first of two"
        mine.end()

    within(test)


def test_a_host_that_stands_aside_keeps_no_part(
    within: Callable[[Callable[..., Any]], None],
) -> None:
    """Else a destination with few connections would wait for who sends nothing."""

    async def test(room: Newsroom, thread: StoreThread) -> None:
        other = enrol(room, "a", share=1)
        with room.store.write() as tx:
            workers.block(tx, other, "a claims nothing: its clock is off.")
        limits = Limits({"gmail": 1}, 2, 1)
        mine, _ = standing(room, limits)
        assert await mine.renew(thread)
        assert part(limits) == 1
        mine.end()

    within(test)


def test_who_was_taken_for_dead_is_told(within: Callable[[Callable[..., Any]], None]) -> None:
    """Decision 4: it must not go on with what is settled."""

    async def test(room: Newsroom, thread: StoreThread) -> None:
        mine, said = standing(room, Limits({}, 1, 1))
        assert await mine.renew(thread) and mine.may_begin()
        with room.store.read() as tx:
            [worker] = [row["id"] for row in ledger.present_workers(tx)]
        with room.store.write() as tx:
            ledger.worker_left(tx, worker)
        assert not await mine.renew(thread)
        assert said == []

    within(test)
