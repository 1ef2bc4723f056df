"""What becomes of distributions as tasks: kinds, queues, order (H13; design decision 12)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.distribution import tasks
from mailer.errors import UsageError
from mailer.store import Store, jobs
from mailer.store.ledger import OpenWave
from procrastinate import App, PsycopgConnector

from tests.conftest import opened
from tests.distribution.fleet import Fleet
from tests.store.seed import seed_distribution


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Store]:
    with opened(postgres_url) as store:
        yield store


@pytest.mark.parametrize(
    ("wave", "kind", "queue"),
    [
        (OpenWave(1, 1, "", True, 10), "send_kill", "urgent"),
        (OpenWave(1, 1, "", True, 20), "send_correction", "urgent"),
        (OpenWave(1, 1, "", True, 50), "send_lift", "urgent"),
        (OpenWave(1, 1, "", False, 50), "send", "normal"),
        (OpenWave(1, 1, "", False, 80), "send_follow_up", "follow-up"),
    ],
)
def test_what_is_urgent_has_a_queue_of_its_own(wave: OpenWave, kind: str, queue: str) -> None:
    found = tasks.kind_of(wave)
    assert (found.name, found.queue) == (kind, queue)


def test_the_most_urgent_task_is_taken_first(shared: Store) -> None:
    """H13: kill, correction, lift, normal, follow-up, whenever they were made."""
    order = list(tasks.KINDS)
    with shared.write() as tx:
        for name in reversed(order):
            assert jobs.add(tx, [tasks.KINDS[name].job(distribution=1, shard=1, errand=1)]) == 1
    taken: list[str] = []

    async def take() -> None:
        app = App(connector=PsycopgConnector(conninfo=shared.url))
        for name in order:

            async def note(name: str = name, **_: int) -> None:
                taken.append(name)

            app.task(name=name)(note)
        async with app.open_async():
            await app.run_worker_async(
                wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False
            )

    asyncio.run(take())
    assert taken == order


def test_queues_are_named_with_commas() -> None:
    assert tasks.chosen("") == tasks.QUEUES
    assert tasks.chosen(" urgent, normal,urgent") == ("urgent", "normal")
    with pytest.raises(UsageError, match=r'"mornal" is no queue.*urgent, normal'):
        tasks.chosen("mornal")


def test_a_worker_clears_away_what_was_left_lying(tmp_path: Path, postgres_url: str) -> None:
    """H6: a plan that broke off goes as a task, where there is somebody to take it."""
    with Fleet(tmp_path, postgres_url, 5) as fleet:
        with fleet.room.store.write() as tx:
            assert not tasks.tidy(tx), "nobody is there: the sweep does it itself"
        fleet.machine("a").start("worker", "--queues", "upkeep")
        fleet.until(lambda: fleet.takers(), "somebody takes tasks")
        # The scheduler there has just looked; its next time is in ten minutes.
        number = seed_distribution(fleet.room.store, [1, 2], due_at=0)
        with fleet.room.store.write() as tx:
            tx.execute(
                "UPDATE distributions SET state = 'planning', created_at = :at WHERE id = :id",
                {"id": number, "at": tx.now() - 7_200_000_000},
            )
            assert tasks.tidy(tx)
        fleet.until(
            lambda: not fleet.press.rows("SELECT id FROM distributions"), "the plan is gone"
        )
        fleet.until(lambda: fleet.tasks() == 0, "and the task")
