"""What the pages behind a token share: acting on the store, and answering in the reader's language.

Work on the store runs in threads; a store that is busy or away costs a spooled file, not an error
(F12).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
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


class Acts:
    """Acts of journalists, and the page for tokens that are not ours."""

    def __init__(self, newsroom: Newsroom, pages: Pages) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._guesses = GuessLimit()
        self._spare_until = 0.0

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
        try:
            async with asyncio.timeout(STORE_SILENT):
                return await to_thread.run_sync(self._submit_now, act, abandon_on_cancel=True)
        except TimeoutError:
            # A server that neither answers nor refuses. Should the thread still come through,
            # the spooled act applied after it changes nothing.
            self._spare_until = time.monotonic() + SPARE_THE_STORE
            await run_in_threadpool(subscriptions.defer, self._newsroom, act)
            return False

    def incomplete(self, request: Request) -> Response:
        """One fixed page for every token that is not ours, whatever is wrong with it (F9)."""
        client = request.client.host if request.client else ""
        words = self.words(request)
        if self._guesses.exceeded(client, time.monotonic()):
            return self._pages.html("incomplete.html", 429, private({"Retry-After": "60"}), words)
        return self._pages.html("incomplete.html", 404, private(), words)

    def _submit_now(self, act: Act) -> bool:
        # Looked at in the thread: what waited for a free one must not wait for the store again.
        if time.monotonic() < self._spare_until:
            subscriptions.defer(self._newsroom, act)
            return False
        applied = subscriptions.submit(self._newsroom, act)
        if not applied:
            self._spare_until = time.monotonic() + SPARE_THE_STORE
        return applied

    async def _drain_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DRAIN_EVERY)
            try:
                if subscriptions.waiting(self._newsroom):
                    await run_in_threadpool(subscriptions.drain, self._newsroom)
            except StoreUnavailable:
                await asyncio.sleep(SPARE_THE_STORE)
