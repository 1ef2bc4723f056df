"""The page behind the link of a note about an embargo: terms, time, a button, and then the text.

A GET shows and never acts (F4, D3). A POST agrees, declines or opens the text again; who agreed
reads it in the answer to his POST and nowhere else: it has no address of its own, and no browser
or index keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from mailer.distribution import agreements
from mailer.web.acts import Acts
from mailer.web.forms import read_fields
from mailer.web.guard import CONTENT_POLICY, private
from mailer.web.pages import Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

_HIDDEN = {"X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet"}


class Agreeing:
    """The page of `/e/{token}`."""

    def __init__(self, newsroom: Newsroom, pages: Pages, acts: Acts) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._acts = acts

    async def ask(self, request: Request, token: str) -> Response:
        """GET /e/{token}: how it stands; nothing of the text, and nothing changes."""
        known = agreements.read_token(self._newsroom, token)
        if known is not None:
            shown = await run_in_threadpool(
                agreements.asked, self._newsroom, known, _accepted(request)
            )
            if shown is not None:
                return self._page(token, shown)
        return self._acts.incomplete(request)

    async def act(self, request: Request, token: str) -> Response:
        """POST /e/{token}: `act` is agree, decline or read."""
        known = agreements.read_token(self._newsroom, token)
        if known is None:
            return self._acts.incomplete(request)
        fields = await read_fields(request)
        act = fields.get("act", [""])[0]
        room, accepted = self._newsroom, _accepted(request)
        do = {"agree": agreements.agree, "decline": agreements.decline}.get(act, agreements.asked)
        shown = await run_in_threadpool(do, room, known, accepted)
        if shown is None:
            return self._acts.incomplete(request)
        if act in ("agree", "read") and shown.state == "agreed":
            form = await run_in_threadpool(agreements.text, room, known)
            if form is not None:
                await run_in_threadpool(agreements.bring_forward, room, known)
                styles = f"style-src {' '.join(form.styles)}"
                policy = CONTENT_POLICY.replace("style-src 'self'", styles)
                headers = {"Content-Security-Policy": policy, "Content-Language": form.language}
                return HTMLResponse(form.body, 200, private({**_HIDDEN, **headers}))
            shown = await run_in_threadpool(agreements.asked, room, known, accepted) or shown
        return self._page(token, shown)

    def _page(self, token: str, shown: agreements.Asked) -> Response:
        return self._pages.html(
            "embargo.html",
            410 if shown.state == "withdrawn" else 200,
            private(_HIDDEN),
            shown.words,
            token=token,
            state=shown.state,
            slug=shown.slug,
            terms=[each.strip() for each in shown.terms.split("\n\n") if each.strip()],
            until=shown.until,
            utc=shown.utc,
            agreed=shown.agreed,
        )


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")
