"""The public pages: leaving, coming back, choosing, and the newsroom with what it published.

A GET never changes anything, whoever opens the link first (F4). A POST acts at once; with the
body of RFC 8058 it answers in plain text, without redirect, cookie or login (F2, F3). Work on
the store runs in threads; a store that is busy or away costs a spooled file, not an error (F12).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mailer.distribution import subscriptions
from mailer.distribution.spool import Request as Act
from mailer.distribution.spool import Step
from mailer.distribution.subscriptions import ALL, BACK, DEFAULT, LEAVE, Scope, Token
from mailer.errors import StoreUnavailable
from mailer.web.agreeing import Agreeing
from mailer.web.forms import BodyRefused, Fields, is_one_click, read_fields
from mailer.web.guard import Guard, GuessLimit, private
from mailer.web.pages import ICON, STYLESHEET, Pages
from mailer.web.reading import RETRY_AFTER, Reading

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

DRAIN_EVERY = 0.5
"""Seconds between looks at the spool, so that it empties even while nothing is being sent."""

SPARE_THE_STORE = 1.0
"""Seconds for which acts go straight to the spool after the store was found unusable."""

STORE_SILENT = 6.0
"""Seconds after which a store that does not even refuse is taken for away."""

_MAX_STEPS = 100


def public_app(newsroom: Newsroom) -> FastAPI:
    """The application of the public listener.

    The newsroom's store should be opened with a `busy_timeout` of about two seconds: that is how
    long an opt-out waits for a locked database before it goes to the spool.
    """
    public_url = urlsplit(newsroom.config.newsroom.public_url)
    pages = Pages(newsroom.config, base=public_url.path)
    leaving = _Leaving(newsroom, pages)
    reading = Reading(newsroom, pages)
    agreeing = Agreeing(newsroom, pages)
    app = FastAPI(
        title="Newsroom",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # A POST must never be answered by a redirect (F3).
        lifespan=leaving.lifespan,
    )

    def page(path: str, endpoint: Callable[..., Awaitable[Response]], *methods: str) -> None:
        app.add_api_route(
            path, endpoint, methods=list(methods) or ["GET", "HEAD"], response_model=None
        )

    page("/u/{token}", leaving.ask)
    page("/u/{token}", leaving.act, "POST")
    page("/p/{token}", leaving.choices)
    page("/p/{token}", leaving.choose, "POST")
    page("/e/{token}", agreeing.ask)
    page("/e/{token}", agreeing.act, "POST")
    page("/u/{token}", _options, "OPTIONS")
    page("/p/{token}", _options, "OPTIONS")
    page("/", reading.front)
    page("/feed.atom", reading.feed)
    page("/r/{slug}.txt", reading.text)
    page("/r/{slug}.json", reading.item)
    page("/r/{slug}.pdf", reading.pdf)
    page("/r/{slug}.docx", reading.docx)
    page("/r/{slug}.ics", reading.event)
    page("/r/{slug}", reading.release)
    page("/r/{slug}/media/{name}", reading.medium)
    page("/r/{slug}/{language}.txt", reading.text)
    page("/r/{slug}/{language}.json", reading.item)
    page("/r/{slug}/{language}.pdf", reading.pdf)
    page("/r/{slug}/{language}.docx", reading.docx)
    page("/r/{slug}/{language}.ics", reading.event)
    page("/r/{slug}/{language}", reading.release)
    page("/healthz", _healthy)

    async def style(request: Request) -> Response:
        return pages.stylesheet_answer()

    async def icon(request: Request) -> Response:
        return pages.icon_answer()

    page(f"/{STYLESHEET}", style)
    page(f"/{ICON}", icon)
    page("/favicon.ico", icon)

    async def robots(request: Request) -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /u/\nDisallow: /p/\nDisallow: /e/\n")

    page("/robots.txt", robots)

    async def failed(request: Request, error: Exception) -> Response:
        return reading.problem(error)

    app.add_exception_handler(HTTPException, failed)
    app.add_exception_handler(StoreUnavailable, failed)
    app.add_exception_handler(BodyRefused, failed)
    app.add_middleware(
        Guard,
        secure=public_url.scheme == "https",
        base=public_url.path,
        secret=("/u/", "/p/", "/e/"),
        fault=reading.fault,
    )
    return app


async def _options(request: Request) -> Response:
    return Response(status_code=204, headers=private({"Allow": "GET, HEAD, POST, OPTIONS"}))


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


class _Leaving:
    """The pages behind a token."""

    def __init__(self, newsroom: Newsroom, pages: Pages) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._guesses = GuessLimit()
        self._scopes: dict[int, Scope] = {}
        self._spare_until = 0.0

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        draining = asyncio.create_task(self._drain_for_ever())
        try:
            yield
        finally:
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)

    async def ask(self, request: Request, token: str) -> Response:
        """GET /u/{token}: says what would happen and does nothing."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._incomplete(request)
        scope = await self._scope(known)
        return self._pages.html(
            "unsubscribe.html",
            headers=private(),
            token=token,
            # The button posts the scope that the page names, never one decided afterwards.
            scope=scope.code,
            topic=scope.title,
            list_title=scope.list_title,
        )

    async def act(self, request: Request, token: str) -> Response:
        """POST /u/{token}: acts, by one click of a mail program or by our own button."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._incomplete(request)
        fields = await read_fields(request)
        if is_one_click(fields):
            return await self._one_click(known)
        what = _one(fields, "act") or LEAVE
        scope = _scope_code(_one(fields, "scope"))
        if what == "only":
            steps = [Step(BACK, ALL), Step(LEAVE, scope)]
        else:
            steps = [Step(BACK if what == BACK else LEAVE, scope)]
        own = await self._scope(known)
        await self._submit(known, steps, "page")
        return self._done(token, known, own, what, own.code if scope == DEFAULT else scope)

    async def choices(self, request: Request, token: str) -> Response:
        """GET /p/{token}: what one may choose."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._incomplete(request)
        return await self._choices_page(token, known)

    async def choose(self, request: Request, token: str) -> Response:
        """POST /p/{token}: does what was chosen and shows how it stands now."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._incomplete(request)
        fields = await read_fields(request)
        if is_one_click(fields):
            return await self._one_click(known)
        what = _one(fields, "act")
        if what == LEAVE:
            steps, told = [Step(LEAVE, ALL)], "All press mail to you has stopped."
        elif what == BACK:
            steps, told = [Step(BACK, ALL)], "Press mail begins again with the next release."
        else:
            steps, told = _kept(fields), "Your choice is saved."
        if steps and not await self._submit(known, steps, "choices"):
            return self._pages.html(
                "notice.html",
                headers=private(),
                title="Your choice is noted",
                text="It takes effect before anything else is sent to you.",
                write="",
                back=f"/p/{token}",
                back_label="Back to your choices",
            )
        return await self._choices_page(token, known, told)

    async def _one_click(self, token: Token) -> Response:
        try:
            await self._submit(token, [Step(LEAVE, DEFAULT)], "one-click")
        except StoreUnavailable:
            return PlainTextResponse(
                "Not done: this newsroom cannot note it just now. Please try again.\n",
                503,
                private({"Retry-After": RETRY_AFTER}),
            )
        return PlainTextResponse("Unsubscribed.\n", 200, private())

    async def _submit(self, token: Token, steps: Sequence[Step], method: str) -> bool:
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

    def _submit_now(self, act: Act) -> bool:
        # Looked at in the thread: what waited for a free one must not wait for the store again.
        if time.monotonic() < self._spare_until:
            subscriptions.defer(self._newsroom, act)
            return False
        applied = subscriptions.submit(self._newsroom, act)
        if not applied:
            self._spare_until = time.monotonic() + SPARE_THE_STORE
        return applied

    async def _scope(self, token: Token) -> Scope:
        """The scope of one click, from memory while the store is away.

        Never seen and no store: all press mail, which is what the page then says and does.
        """
        try:
            scope = await run_in_threadpool(subscriptions.scope_of, self._newsroom, token)
        except StoreUnavailable:
            return self._scopes.get(token.list, Scope(ALL, "", ""))
        self._scopes[token.list] = scope
        return scope

    async def _choices_page(self, token: str, known: Token, told: str = "") -> Response:
        found = await run_in_threadpool(subscriptions.choices, self._newsroom, known)
        return self._pages.html(
            "choices.html",
            headers=private(),
            token=token,
            told=told,
            stopped=found.stopped,
            lists=found.lists,
        )

    def _done(self, token: str, known: Token, own: Scope, what: str, scope: str) -> Response:
        list_scope = f"list:{known.list}"
        only_list = own.list_title if scope == list_scope else ""
        other: dict[str, str] | None = None
        if scope == ALL and own.list_title:
            label = f"Stop only “{own.list_title}”"
            other = {"act": "only", "scope": list_scope, "label": label}
        elif scope != ALL:
            other = {"act": LEAVE, "scope": ALL, "label": "Stop all press mail"}
        if what == BACK:
            title = "You are back"
        elif only_list:
            title = f"“{only_list}” has stopped"
        else:
            title = "Press mail has stopped"
        return self._pages.html(
            "done.html",
            headers=private(),
            token=token,
            title=title,
            act=BACK if what == BACK else LEAVE,
            scope=scope,
            only_list=only_list,
            other=other,
        )

    def _incomplete(self, request: Request) -> Response:
        """One fixed page for every token that is not ours, whatever is wrong with it (F9)."""
        client = request.client.host if request.client else ""
        if self._guesses.exceeded(client, time.monotonic()):
            return self._pages.html("incomplete.html", 429, private({"Retry-After": "60"}))
        return self._pages.html("incomplete.html", 404, private())

    async def _drain_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DRAIN_EVERY)
            try:
                if subscriptions.waiting(self._newsroom):
                    await run_in_threadpool(subscriptions.drain, self._newsroom)
            except StoreUnavailable:
                await asyncio.sleep(SPARE_THE_STORE)


def _one(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


def _scope_code(text: str) -> str:
    """A scope as a form may name it; anything else is the default of decision 10."""
    return text if text == ALL or _is_list(text) else DEFAULT


def _kept(fields: Fields) -> list[Step]:
    shown = [code for code in fields.get("shown", []) if _is_list(code)][:_MAX_STEPS]
    keep = set(fields.get("keep", []))
    return [Step(BACK if code in keep else LEAVE, code) for code in dict.fromkeys(shown)]


def _is_list(code: str) -> bool:
    number = code.removeprefix("list:")
    return code.startswith("list:") and number.isascii() and number.isdigit() and len(number) < 10
