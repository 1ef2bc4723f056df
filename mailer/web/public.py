"""The public pages: leaving, coming back, choosing, and the newsroom with what it published.

A GET never changes anything, whoever opens the link first (F4). A POST acts at once; with the
body of RFC 8058 it answers in plain text, without redirect, cookie or login (F2, F3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from mailer.errors import StoreUnavailable
from mailer.web.acts import Acts
from mailer.web.agreeing import Agreeing
from mailer.web.forms import BodyRefused
from mailer.web.fresh import FreshPages
from mailer.web.guard import Guard, private
from mailer.web.leaving import Leaving
from mailer.web.own import OwnPage
from mailer.web.pages import ICON, STYLESHEET, Pages
from mailer.web.reading import Reading

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

_SECRET = ("/u/", "/p/", "/f/", "/e/")
"""What the paths behind a token begin with."""


def public_app(newsroom: Newsroom) -> FastAPI:
    """The application of the public listener.

    The newsroom's store should be opened with a `busy_timeout` of about two seconds: that is how
    long an opt-out waits for a locked database before it goes to the spool.
    """
    public_url = urlsplit(newsroom.config.newsroom.public_url)
    pages = Pages(newsroom.config, base=public_url.path)
    acts = Acts(newsroom, pages)
    leaving = Leaving(newsroom, pages, acts)
    fresh = FreshPages(newsroom, pages, acts)
    own = OwnPage(newsroom, pages, acts, leaving, fresh)
    reading = Reading(newsroom, pages, acts.words)
    agreeing = Agreeing(newsroom, pages, acts)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with acts.draining(), own.preparing(), fresh.mailing():
            yield

    app = FastAPI(
        title="Newsroom",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # A POST must never be answered by a redirect (F3).
        lifespan=lifespan,
    )

    def page(path: str, endpoint: Callable[..., Awaitable[Response]], *methods: str) -> None:
        app.add_api_route(
            path, endpoint, methods=list(methods) or ["GET", "HEAD"], response_model=None
        )

    page("/u/{token}", leaving.ask)
    page("/u/{token}", leaving.act, "POST")
    page("/p/{token}", own.show)
    page("/p/{token}", own.act, "POST")
    page("/f/{token}", fresh.show)
    page("/f/{token}", fresh.act, "POST")
    page("/f/{token}/data.json", fresh.copy, "GET")
    page("/f/{token}/data", fresh.read, "GET")
    page("/subscribe", fresh.subscribe)
    page("/subscribe", fresh.sign_up, "POST")
    page("/e/{token}", agreeing.ask)
    page("/e/{token}", agreeing.act, "POST")
    page("/u/{token}", _options, "OPTIONS")
    page("/p/{token}", _options, "OPTIONS")
    page("/", reading.front)
    page("/feed.atom", reading.feed)
    page("/r/{slug}/media/{name}", reading.medium)
    for path in ("/r/{slug}", "/r/{slug}/{language}"):
        page(f"{path}.txt", reading.text)
        page(f"{path}.json", reading.item)
        page(f"{path}.pdf", reading.pdf)
        page(f"{path}.docx", reading.docx)
        page(f"{path}.ics", reading.event)
        page(path, reading.release)
    page("/healthz", _healthy)

    async def style(request: Request) -> Response:
        return pages.stylesheet_answer()

    async def icon(request: Request) -> Response:
        return pages.icon_answer()

    page(f"/{STYLESHEET}", style)
    page(f"/{ICON}", icon)
    page("/favicon.ico", icon)

    async def robots(request: Request) -> Response:
        hidden = "".join(f"Disallow: {prefix}\n" for prefix in _SECRET)
        return PlainTextResponse(f"User-agent: *\n{hidden}")

    page("/robots.txt", robots)

    async def failed(request: Request, error: Exception) -> Response:
        return reading.problem(request, error)

    app.add_exception_handler(HTTPException, failed)
    app.add_exception_handler(StoreUnavailable, failed)
    app.add_exception_handler(BodyRefused, failed)
    app.add_middleware(
        Guard,
        secure=public_url.scheme == "https",
        base=public_url.path,
        secret=_SECRET,
        fault=reading.fault,
    )
    return app


async def _options(request: Request) -> Response:
    return Response(status_code=204, headers=private({"Allow": "GET, HEAD, POST, OPTIONS"}))


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})
