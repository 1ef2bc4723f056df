"""What everybody may read: the newsroom's page, its releases in every form, its feed.

Whether a release may be shown is asked of the store on every request, before any header of the
request is looked at. What may not be shown is answered as what never existed: the same page, and
at the same time after the question.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mailer.distribution.published import WITHDRAWN, WITHDRAWN_TITLE, Form, Published, Shelf
from mailer.distribution.tongues import Words
from mailer.errors import StoreUnavailable
from mailer.web.forms import BodyRefused
from mailer.web.guard import CONTENT_POLICY, private, until_next_step
from mailer.web.pages import Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

RETRY_AFTER = "30"

FRESH = {"Cache-Control": "public, no-cache", "X-Robots-Tag": "noarchive"}
"""Headers of what may be withdrawn: caches may keep it but ask each time before they show it."""


class Reading:
    """The newsroom's front page and what it published."""

    def __init__(self, newsroom: Newsroom, pages: Pages, words: Callable[[Request], Words]) -> None:
        """`words` are those in which a reader is spoken to."""
        self._words = words
        self._newsroom = newsroom
        self._pages = pages
        self._shelf = Shelf(newsroom)

    async def front(self, request: Request) -> Response:
        """GET /: the latest releases that were sent."""
        found = await run_in_threadpool(self._shelf.latest)
        html = self._pages.text(
            "newsroom.html",
            releases=found,
            public_url=self._newsroom.sender.public_url,
            withdrawn_title=WITHDRAWN_TITLE,
        )
        return _answer(request, Form(html.encode("utf-8"), "text/html; charset=utf-8", "en"))

    async def feed(self, request: Request) -> Response:
        """GET /feed.atom: the same as a feed."""
        found = await run_in_threadpool(self._shelf.latest)
        return _answer(request, await run_in_threadpool(self._shelf.feed, found))

    async def release(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}, and /r/{slug}/{language} for another language than the lead text's: a
        release as it was published. The address alone says which language."""
        found = await self._find(slug, language)
        if found.withdrawn:
            return self._notice(
                request,
                410,
                "error_withdrawn",
                title="terms_withdrawn",
                write="error_withdrawn_write",
                back="/",
            )
        form = await run_in_threadpool(self._shelf.form, found, "html")
        policy = CONTENT_POLICY.replace("style-src 'self'", f"style-src {' '.join(form.styles)}")
        return _answer(request, form, {"Content-Security-Policy": policy, **_unlisted(found)})

    async def text(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}.txt: the same as plain text."""
        found = await self._find(slug, language)
        if found.withdrawn:
            return PlainTextResponse(f"{WITHDRAWN}\n", 410, private())
        return await self._other(request, found, "text")

    async def item(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}.json: the same as an item of ninjs."""
        found = await self._find(slug, language, "listed")
        if found.withdrawn:
            form = self._shelf.form(found, "ninjs")
            return Response(form.body, 410, private(), form.media_type)
        return await self._other(request, found, "ninjs")

    async def pdf(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}.pdf: the same to be printed."""
        return await self._document(request, slug, language, "pdf")

    async def docx(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}.docx: the same to be edited."""
        return await self._document(request, slug, language, "docx")

    async def _document(self, request: Request, slug: str, language: str, format: str) -> Response:
        found = await self._find(slug, language)
        if found.withdrawn:
            return PlainTextResponse(f"{WITHDRAWN}\n", 410, private())
        return await self._other(request, found, format)

    async def event(self, request: Request, slug: str, language: str = "") -> Response:
        """GET /r/{slug}.ics: its event for calendars. Of what was withdrawn the file that cancels
        it, with 200: a calendar reads no other answer."""
        found = await self._find(slug, language, "event")
        return await self._other(request, found, "ics")

    async def medium(self, request: Request, slug: str, name: str) -> Response:
        """GET /r/{slug}/media/{name}: a picture or file of a release that may be read now."""
        began = time.monotonic()
        form = await run_in_threadpool(self._shelf.medium, slug, name)
        gone = await run_in_threadpool(self._shelf.find, slug) if form is None else None
        if gone is not None and gone.withdrawn:
            return PlainTextResponse(f"{WITHDRAWN}\n", 410, private())
        if form is None:
            await asyncio.sleep(until_next_step(time.monotonic() - began))
            raise HTTPException(404)
        # Mail programs on the web fetch pictures from anywhere; what a file holds runs nothing.
        extra = {
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return _answer(request, form, extra)

    async def _find(self, slug: str, language: str, trait: str = "") -> Published:
        """What may be read, and is what the form asked for needs (`listed`, or has an `event`)."""
        began = time.monotonic()
        found = await run_in_threadpool(self._shelf.find, slug, language)
        if found is None or (trait and not getattr(found, trait)):
            await asyncio.sleep(until_next_step(time.monotonic() - began))
            raise HTTPException(404)
        return found

    async def _other(self, request: Request, found: Published, format: str) -> Response:
        form = await run_in_threadpool(self._shelf.form, found, format)
        link = {"Link": f'<{found.edition.url}>; rel="canonical"'}
        return _answer(request, form, {**link, **_unlisted(found)})

    def problem(self, request: Request, error: Exception) -> Response:
        """The page of an error: what, and what now."""
        if isinstance(error, StoreUnavailable):
            busy = {"Retry-After": RETRY_AFTER}
            return self._notice(request, 503, "error_busy", busy, write="error_urgent")
        if isinstance(error, BodyRefused):
            return self._notice(request, error.status, "error_unread")
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return self._notice(request, 404, "error_missing", back="/")
        headers = dict(error.headers or {})
        return self._notice(request, error.status_code, "error_other", headers, back="/")

    def fault(self, request: Request) -> Response:
        """The page of an error of our own."""
        return self._notice(request, 500, "error_fault", write="error_urgent")

    def _notice(
        self,
        request: Request,
        status: int,
        phrase: str,
        headers: dict[str, str] | None = None,
        *,
        title: str = "",
        write: str = "",
        back: str = "",
    ) -> Response:
        """A page with the title `phrase`_title (or `title`) and the sentences of `phrase`_text."""
        words = self._words(request)
        return self._pages.html(
            "notice.html",
            status,
            private(headers),
            words,
            title=words(title or f"{phrase}_title"),
            text=words(f"{phrase}_text"),
            write=words(write) if write else "",
            back=back,
            back_label=words("error_back"),
        )


def _unlisted(found: Published) -> dict[str, str]:
    """Search engines are told to pass by what is not for publication (D9)."""
    return {} if found.listed else {"X-Robots-Tag": "noindex, noarchive"}


def _answer(request: Request, form: Form, extra: dict[str, str] | None = None) -> Response:
    """A form, or 304 when the client has it. There is no Last-Modified: the ETag says the same of
    the content and nothing of when anything happened."""
    headers = {**FRESH, "ETag": f'"{form.digest}"', **(extra or {})}
    if form.language:
        headers["Content-Language"] = _tag(form.language)
    if _holds(request.headers.getlist("if-none-match"), form.digest):
        return Response(status_code=304, headers=headers)
    return Response(form.body, 200, headers, form.media_type)


def _holds(fields: list[str], digest: str) -> bool:
    """Whether an If-None-Match names it, weakly compared (RFC 9110, 13.1.2)."""
    tags = [tag.strip() for tag in ",".join(fields).split(",")]
    return "*" in tags or any(tag.removeprefix("W/") == f'"{digest}"' for tag in tags)


def _tag(language: str) -> str:
    return language if language.isascii() and language.isprintable() else "und"
