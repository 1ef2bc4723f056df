"""What the pages behind a token share: acting on the store, and answering in the reader's language.

Work on the store runs in threads; a store that is busy or away costs a spooled file, not an error
(F12).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from mailer.distribution import subscriptions
from mailer.distribution.spool import Request as Act
from mailer.distribution.spool import Step
from mailer.distribution.subscriptions import Token
from mailer.distribution.tongues import Words, words_for
from mailer.errors import StoreUnavailable
from mailer.web.guard import GuessLimit, private
from mailer.web.pages import Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

DRAIN_EVERY = 0.5
"""Seconds between looks at the spool, so that it empties even while nothing is being sent."""

SPARE_THE_STORE = 1.0
"""Seconds for which acts go straight to the spool after the store was found unusable."""

STORE_SILENT = 6.0
"""Seconds after which a store that does not even refuse is taken for away."""


_AT_ONCE = 200
"""Acts of one transaction: some 20 ms."""


@dataclass(slots=True)
class _Waiting:
    """An act and who waits for it; he may have gone."""

    act: Act
    applied: asyncio.Future[bool]

    def tell(self, applied: bool) -> None:
        if not self.applied.done():
            self.applied.set_result(applied)

    def fail(self, error: Exception) -> None:
        if not self.applied.done():
            self.applied.set_exception(error)


class Acts:
    """Acts of journalists, and the page for tokens that are not ours."""

    def __init__(self, newsroom: Newsroom, pages: Pages) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._guesses = GuessLimit()
        self._spare_until = 0.0
        self._waiting: list[_Waiting] = []
        self._group: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def draining(self) -> AsyncIterator[None]:
        """Apply what waits in the spool, again and again while the block runs."""
        task = asyncio.create_task(self._drain_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def words(self, request: Request, own: str = "") -> Words:
        """The words for this reader; `own` is the language he is addressed in, "" if unknown."""
        accepted = request.headers.get("accept-language", "")
        return words_for(own, accepted, self._newsroom.config.newsroom.default_language)

    async def submit(self, token: Token, steps: Sequence[Step], method: str) -> bool:
        """Apply an act, or spool it; True when applied. Both are success.

        Raises StoreUnavailable when neither database nor spool can be written.
        """
        act = subscriptions.request(self._newsroom, token, steps, method=method)
        waiting = _Waiting(act, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._group is None:
            self._group = asyncio.create_task(self._work_off())
        return await waiting.applied

    def incomplete(self, request: Request) -> Response:
        """One fixed page for every token that is not ours, whatever is wrong with it (F9)."""
        client = request.client.host if request.client else ""
        words = self.words(request)
        if self._guesses.exceeded(client, time.monotonic()):
            return self._pages.html("incomplete.html", 429, private({"Retry-After": "60"}), words)
        return self._pages.html("incomplete.html", 404, private(), words)

    async def _work_off(self) -> None:
        """Apply what was asked for, all that came meanwhile in one transaction: one commit serves
        many, and none is answered before it."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                try:
                    applied = await self._apply([each.act for each in group])
                except Exception:
                    # It may be the fault of one of them, which must not be that of the others.
                    await self._one_by_one(group)
                    continue
                for each in group:
                    each.tell(applied)
        finally:
            self._group = None

    async def _one_by_one(self, group: Sequence[_Waiting]) -> None:
        for each in group:
            try:
                each.tell(await self._apply([each.act]))
            except Exception as error:
                each.fail(error)

    async def _apply(self, acts: Sequence[Act]) -> bool:
        try:
            async with asyncio.timeout(STORE_SILENT):
                return await to_thread.run_sync(self._apply_now, acts, abandon_on_cancel=True)
        except TimeoutError:
            # A server that neither answers nor refuses. Should the thread still come through,
            # the spooled acts applied after it change nothing.
            self._spare_until = time.monotonic() + SPARE_THE_STORE
            await run_in_threadpool(self._defer, acts)
            return False

    def _apply_now(self, acts: Sequence[Act]) -> bool:
        if time.monotonic() < self._spare_until:
            self._defer(acts)
            return False
        applied = subscriptions.submit_all(self._newsroom, acts)
        if not applied:
            self._spare_until = time.monotonic() + SPARE_THE_STORE
        return applied

    def _defer(self, acts: Sequence[Act]) -> None:
        for act in acts:
            subscriptions.defer(self._newsroom, act)

    async def _drain_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DRAIN_EVERY)
            try:
                if subscriptions.waiting(self._newsroom):
                    await run_in_threadpool(subscriptions.drain, self._newsroom)
            except StoreUnavailable:
                await asyncio.sleep(SPARE_THE_STORE)
