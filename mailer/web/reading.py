"""What everybody may read: the newsroom's page, its releases in every form, its feed.

Whether a release may be shown is asked of the store on every request, before any header of the
request is looked at. What may not be shown is answered as what never existed: the same page, and
at the same time after the question.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mailer.distribution.published import WITHDRAWN, WITHDRAWN_TITLE, Form, Published, Shelf
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

    def __init__(self, newsroom: Newsroom, pages: Pages) -> None:
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
                410,
                "This release was withdrawn",
                "Please do not use it. Its text is no longer published here.",
                write="What you should know about it:",
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

    def problem(self, error: Exception) -> Response:
        """The page of an error: what, and what now."""
        if isinstance(error, StoreUnavailable):
            return self._notice(
                503,
                "Please try again in a minute",
                "This page cannot be shown or your wish cannot be noted just now; "
                "nothing was changed.",
                {"Retry-After": RETRY_AFTER},
                write="If it is urgent, write to",
            )
        if isinstance(error, BodyRefused):
            return self._notice(
                error.status, "That was not understood", "Nothing was changed. Please try again."
            )
        assert isinstance(error, HTTPException)
        status = error.status_code
        if status == 404:
            return self._notice(
                404,
                "There is nothing here",
                "The address may be mistyped, or the page is not published yet.",
                back="/",
            )
        headers = dict(error.headers or {})
        return self._notice(
            status, "That cannot be done here", "Nothing was changed.", headers, back="/"
        )

    def fault(self) -> Response:
        """The page of an error of our own."""
        return self._notice(
            500,
            "This page failed",
            "The fault is ours, and it is noted. Please try again later.",
            write="If it is urgent, write to",
        )

    def _notice(
        self,
        status: int,
        title: str,
        text: str,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response:
        context = {"write": "", "back": "", "back_label": "To the newsroom's page", **values}
        return self._pages.html(
            "notice.html", status, private(headers), title=title, text=text, **context
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
