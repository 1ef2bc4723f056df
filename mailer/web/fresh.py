"""The pages behind a short-lived link, `/f/{token}`, and sign-up to topics, `/subscribe`.

A GET shows what the link is for; its one button does it. Whoever asks for a link gets the same
answer, whatever is known here, and the mails are sent by a task of this process.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from mailer.distribution import fresh, servicemail
from mailer.distribution.fresh import DATA, JOIN, MOVE, Fresh
from mailer.distribution.log import stamp
from mailer.distribution.subscriptions import Token
from mailer.distribution.tongues import Words
from mailer.errors import StoreUnavailable
from mailer.web.acts import Acts
from mailer.web.forms import one, read_fields
from mailer.web.guard import GuessLimit, even, private
from mailer.web.pages import Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

LOOK_EVERY = 2.0
"""Seconds between looks for mails that another process left to be sent."""

ASKS_A_MINUTE = 10
"""Sign-ups that may be asked for from one network address in a minute."""

TRAP = "website"
"""A field that no person sees: only machines fill it in."""

_MOST_TOPICS = 100


class FreshPages:
    """Asks for links, mails them, and does what is asked behind them."""

    def __init__(self, newsroom: Newsroom, pages: Pages, acts: Acts) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._acts = acts
        self._asks = GuessLimit(ASKS_A_MINUTE)
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def mailing(self) -> AsyncIterator[None]:
        """Send the mails that wait while the block runs."""
        task = asyncio.create_task(self._mail_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ask(self, request: Request, known: Token, language: str) -> Response:
        """A journalist asks for the link to his data, on the page behind a message's link."""
        words = self._acts.words(request, language)
        # No limit by network address: strangers behind the same one must not use it up (F15), and
        # his address is sent few enough.
        async with even():
            await run_in_threadpool(fresh.ask_for_data, self._newsroom, known, words)
        self._wake.set()
        return self._notice(words, "sent_title", "sent_text")

    async def show(self, request: Request, token: str) -> Response:
        """GET /f/{token}: what the link is for; does nothing."""
        asked = fresh.read(self._newsroom, token)
        if asked is None:
            return self._acts.incomplete(request)
        return await self._page(request, token, asked)

    async def act(self, request: Request, token: str) -> Response:
        """POST /f/{token}: does it, once."""
        asked = fresh.read(self._newsroom, token)
        if asked is None:
            return self._acts.incomplete(request)
        fields = await read_fields(request)
        language = await run_in_threadpool(fresh.link_language, self._newsroom, asked)
        words = self._acts.words(request, language or "")
        if asked.purpose == MOVE:
            moved = await run_in_threadpool(fresh.move, self._newsroom, asked)
            return self._ended(words, moved, "changed_title", "changed_text")
        if asked.purpose == JOIN:
            joined = await run_in_threadpool(fresh.join, self._newsroom, asked)
            return self._ended(words, joined, "joined_title", "joined_text")
        if one(fields, "act") == "erase":
            if one(fields, "sure") != "1":
                return await self._page(request, token, asked, words("not_erased"))
            erased = await run_in_threadpool(fresh.erase, self._newsroom, asked)
            return self._ended(words, erased, "erased_title", "erased_text")
        if one(fields, "act") != "move":
            return await self._page(request, token, asked)
        wanted = one(fields, "email")
        async with even():
            sent = await run_in_threadpool(fresh.ask_to_move, self._newsroom, asked, wanted, words)
        if sent is False:
            return await self._page(request, token, asked, words("subscribe_bad"), wanted)
        self._wake.set()
        return self._ended(words, bool(sent), "sent_title", "change_sent")

    async def copy(self, request: Request, token: str) -> Response:
        """GET /f/{token}/data.json: everything that is held, to keep."""
        found = await self._copy(request, token)
        if isinstance(found, Response):
            return found
        name = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(found, 200, private(name), "application/json")

    async def read(self, request: Request, token: str) -> Response:
        """GET /f/{token}/data: the same, to be read here."""
        found = await self._copy(request, token)
        if isinstance(found, Response):
            return found
        asked = fresh.read(self._newsroom, token)
        assert asked is not None
        language = await run_in_threadpool(fresh.link_language, self._newsroom, asked)
        return self._pages.html(
            "copy.html",
            headers=private(),
            words=self._acts.words(request, language or ""),
            token=token,
            document=json.loads(found),
        )

    async def subscribe(self, request: Request) -> Response:
        """GET /subscribe: the topics that anybody may sign up to."""
        return await self._subscribe_page(request)

    async def sign_up(self, request: Request) -> Response:
        """POST /subscribe: a link goes to the address; the answer is the same for every address."""
        words = self._acts.words(request)
        fields = await read_fields(request)
        if self._too_many(request):
            return self._crowded(words)
        wanted = [int(each) for each in fields.get("topic", [])[:_MOST_TOPICS] if _is_id(each)]
        email = one(fields, "email")
        if not wanted:
            return await self._subscribe_page(request, words("subscribe_pick"), email)
        if not one(fields, TRAP):
            agreed = words("subscribe_consent", newsroom=self._newsroom.config.newsroom.name)
            async with even():
                good = await run_in_threadpool(
                    fresh.ask_to_join, self._newsroom, email, wanted, agreed, words
                )
            if not good:
                return await self._subscribe_page(request, words("subscribe_bad"), email, wanted)
            self._wake.set()
        return self._notice(words, "sent_title", "subscribe_sent")

    async def _page(
        self, request: Request, token: str, asked: Fresh, told: str = "", typed: str = ""
    ) -> Response:
        if asked.purpose == DATA:
            held = await run_in_threadpool(fresh.held, self._newsroom, asked)
            if held is None:
                return self._expired(self._acts.words(request))
            words = self._acts.words(request, held.language)
            since = held.source_date or stamp(held.since)[:10]
            values: dict[str, Any] = {"held": held, "since": words.day(since), "told": told}
            return self._show("data.html", words, token, **values, typed=typed)
        if asked.purpose == JOIN:
            found = await run_in_threadpool(fresh.asked_topics, self._newsroom, asked)
            if found is None:
                return self._expired(self._acts.words(request))
            language, topics = found
            words = self._acts.words(request, language)
            return self._show("confirm.html", words, token, kind="join", topics=topics)
        waiting = await run_in_threadpool(fresh.link_language, self._newsroom, asked)
        if waiting is None:
            return self._expired(self._acts.words(request))
        words = self._acts.words(request, waiting)
        return self._show("confirm.html", words, token, kind="move", topics=[])

    async def _subscribe_page(
        self, request: Request, told: str = "", typed: str = "", wanted: list[int] | None = None
    ) -> Response:
        topics = await run_in_threadpool(fresh.topics, self._newsroom)
        return self._pages.html(
            "subscribe.html",
            422 if told else 200,
            {"Cache-Control": "no-store"},
            self._acts.words(request),
            topics=topics,
            told=told,
            typed=typed,
            wanted=wanted or [],
            trap=TRAP,
        )

    async def _copy(self, request: Request, token: str) -> str | Response:
        asked = fresh.read(self._newsroom, token)
        if asked is None:
            return self._acts.incomplete(request)
        found = await run_in_threadpool(fresh.copy, self._newsroom, asked)
        return self._expired(self._acts.words(request)) if found is None else found

    def _show(self, template: str, words: Words, token: str, **values: Any) -> Response:
        return self._pages.html(template, headers=private(), words=words, token=token, **values)

    def _ended(self, words: Words, good: bool, title: str, text: str) -> Response:
        return self._notice(words, title, text) if good else self._expired(words)

    def _expired(self, words: Words) -> Response:
        return self._notice(words, "expired_title", "expired_text", 410)

    def _crowded(self, words: Words) -> Response:
        return self._notice(words, "crowded_title", "crowded_text", 429, {"Retry-After": "60"})

    def _notice(
        self,
        words: Words,
        title: str,
        text: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        return self._pages.html(
            "notice.html",
            status,
            private(headers),
            words,
            title=words(title),
            text=words(text),
            write="",
            back="",
        )

    def _too_many(self, request: Request) -> bool:
        client = request.client.host if request.client else ""
        return self._asks.exceeded(client, time.monotonic())

    async def _mail_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                while await run_in_threadpool(servicemail.is_due, self._newsroom):
                    await servicemail.send_due(self._newsroom)
            except StoreUnavailable:
                await asyncio.sleep(LOOK_EVERY)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
