"""A process of `mailer worker`: takes tasks of some queues and does them (design decision 12).

Procrastinate hands out the tasks; what they do is ours. A `send` task runs the sender that `run`
and `serve` use, for all open waves of the queues served here, until nothing was open for a while.
Whoever dies leaves a journal and claims as always, and a job that another process clears away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from mailer.distribution import retention
from mailer.distribution.context import Newsroom
from mailer.distribution.enrolment import enrolled, number_of
from mailer.distribution.schedule import tidy
from mailer.distribution.sender import Sender
from mailer.distribution.tasks import KINDS, SENDING, kind_of
from mailer.distribution.waves import ACTOR
from mailer.errors import MailerError, StoreUnavailable
from mailer.store import jobs, ledger
from mailer.store.ledger import OpenWave
from mailer.store.patience import PatientAsyncConnection
from mailer.store.postgres import why_not

_HEARTBEAT = 5.0
"""Seconds between two signs of life of a process that takes tasks."""

_AGAIN_AFTER = 1.0
"""Seconds until a database that was away is tried again."""

_STORE_AWAY = (ConnectorException, OperationalError, PoolTimeout)
"""What is raised where the database is gone, or was back too late for what it was told."""

_POLL = 2.0
"""Seconds between two looks for tasks when no notice of one came."""


class Crew:
    """One process that takes tasks of `queues`, one sender of `share` on this host at a time.

    `report` gets what senders report. `run` returns after `stop`, once what is in hand is settled.
    """

    def __init__(
        self,
        room: Newsroom,
        name: str,
        *,
        share: int,
        queues: tuple[str, ...],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._room = room
        self._name = name
        self._share = share
        self._queues = queues
        self._report = report
        self._stopping = asyncio.Event()
        self._sender: Sender | None = None
        self._failure: BaseException | None = None
        self._ready = False
        # It logs what we say ourselves, or what only its own developers want to know.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    def stop(self) -> None:
        """No new MAIL FROM from now on, and no new task."""
        self._stopping.set()
        if self._sender is not None:
            self._sender.stop()

    async def run(self) -> None:
        """Take tasks until stopped.

        Raises what a sender died of (StoreUnavailable …): its claims are settled by the journal
        once this process has ended.
        """
        asyncio.get_running_loop().set_exception_handler(_unheard)
        while not self._stopping.is_set():
            try:
                await asyncio.to_thread(self._check)
                await self._take_tasks()
            except (*_STORE_AWAY, StoreUnavailable) as error:
                if self._failure is not None:
                    break
                words = str(error)
                if not isinstance(error, StoreUnavailable):
                    words = why_not(error.__cause__ or error)
                    words = f"the store cannot be used now ({words}); no task is taken."
                self._report({"event": "trouble", "reason": words})
            if not self._stopping.is_set():
                await self._pause()
        if self._failure is not None:
            raise self._failure

    def _check(self) -> None:
        with self._room.store.read() as tx:
            jobs.check(tx)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), _AGAIN_AFTER)
        except TimeoutError:
            return

    async def _take_tasks(self) -> None:
        app = self._app()
        async with app.open_async():
            if not self._ready:
                self._ready = True
                self._report({"event": "ready"})
            work = asyncio.create_task(
                app.run_worker_async(
                    queues=list(self._queues),
                    name=self._name,
                    concurrency=1,
                    listen_notify=True,
                    fetch_job_polling_interval=_POLL,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    update_heartbeat_interval=_HEARTBEAT,
                    stalled_worker_timeout=jobs.ALIVE_FOR,
                )
            )
            stop = asyncio.create_task(self._stopping.wait())
            clear = asyncio.create_task(self._clear_away(app))
            try:
                await asyncio.wait([work, stop, clear], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (stop, clear, work):
                    task.cancel()  # the last one in order: it waits for the task it does
                ended = await asyncio.gather(work, stop, clear, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result

    def _app(self) -> App:
        app = App(
            connector=PsycopgConnector(
                conninfo=self._room.store.url,
                min_size=1,
                max_size=3,
                timeout=10.0,
                connection_class=PatientAsyncConnection,
                kwargs={"options": "-c timezone=UTC", "connect_timeout": 5},
            )
        )
        for name in SENDING:
            app.task(name=name, queue=KINDS[name].queue)(self._send)
        for name, do in (("tidy", tidy), ("retention", self._retain)):
            app.task(name=name, queue=KINDS[name].queue)(self._in_a_thread(do))
        for name in ("import", "export"):
            app.task(name=name, queue=KINDS[name].queue)(self._errand)
        return app

    async def _clear_away(self, app: App) -> None:
        """Jobs of processes that died: their work is made again by the sweep."""
        while True:
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=jobs.ALIVE_FOR)
            for job in stalled:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            await asyncio.sleep(jobs.ALIVE_FOR)

    async def _send(self, distribution: int, shard: int) -> None:
        """Send what is open of our queues, whatever this task was made for."""
        if self._stopping.is_set() or not await asyncio.to_thread(self._anything_open):
            return
        try:
            await self._run_sender()
        except Exception as error:
            # Claims may be left over: only the end of this process lets others settle them.
            self._failure = error
            self.stop()
        finally:
            self._sender = None

    async def _run_sender(self) -> None:
        with enrolled(self._room, self._name) as own:
            self._sender = Sender(
                self._room,
                own.endpoints,
                own.worker,
                own.journal,
                share=self._share,
                number=number_of(self._name),
                report=self._report,
                serves=self._serves,
            )
            if self._stopping.is_set():
                self._sender.stop()
            await self._sender.run()

    def _serves(self, wave: OpenWave) -> bool:
        return kind_of(wave).queue in self._queues

    def _anything_open(self) -> bool:
        with self._room.store.read() as tx:
            return any(self._serves(wave) for wave in ledger.open_waves(tx))

    def _in_a_thread(self, do: Callable[[Newsroom], object]) -> Callable[[], Awaitable[None]]:
        """A task beside the senders. What goes wrong in it is said, and made again by the sweep."""

        async def run() -> None:
            await self._apart(lambda: do(self._room))

        return run

    async def _errand(self, errand: int) -> None:
        await self._apart(lambda: self._do(errand))

    async def _apart(self, do: Callable[[], object]) -> None:
        if self._stopping.is_set():
            return
        try:
            await asyncio.to_thread(do)
        except MailerError as error:
            self._report({"event": "trouble", "reason": str(error)})

    def _do(self, errand: int) -> None:
        from mailer.distribution import errands  # with the readers of lists: few ever need them

        trouble = errands.do(self._room, errand, self._stopping.is_set)
        if trouble is not None:
            self._report({"event": "trouble", "reason": trouble})

    def _retain(self, room: Newsroom) -> None:
        if retention.is_due(room):
            retention.retain(room, ACTOR, stop=self._stopping.is_set, files=False)


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task of the job engine that nobody awaits any more ended with: when the store goes
    away that is told once, by whoever asks it, and is no news from here."""
    if not isinstance(context.get("exception"), _STORE_AWAY):
        loop.default_exception_handler(context)
