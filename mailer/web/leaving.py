"""Leaving by one click or one button, and coming back: `/u/{token}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from mailer.distribution import subscriptions
from mailer.distribution.spool import Step
from mailer.distribution.subscriptions import (
    ALL,
    BACK,
    DEFAULT,
    LEAVE,
    Scope,
    Token,
    list_scope,
)
from mailer.errors import StoreUnavailable
from mailer.web.acts import Acts
from mailer.web.forms import Fields, is_one_click, one, read_fields
from mailer.web.guard import private
from mailer.web.pages import Pages
from mailer.web.reading import RETRY_AFTER

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom


class Leaving:
    """The pages of the unsubscribe link."""

    def __init__(self, newsroom: Newsroom, pages: Pages, acts: Acts) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._acts = acts
        self._scopes: dict[int, Scope] = {}

    async def ask(self, request: Request, token: str) -> Response:
        """GET /u/{token}: says what would happen and does nothing."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._acts.incomplete(request)
        scope = await self._scope(known)
        return self._pages.html(
            "unsubscribe.html",
            headers=private(),
            words=self._acts.words(request, scope.language),
            token=token,
            # The button posts the scope that the page names, never one decided afterwards.
            scope=scope.code,
            topic=scope.title,
            list_title=scope.list_title,
        )

    async def act(self, request: Request, token: str) -> Response:
        """POST /u/{token}: acts, by one click of a mail program or by our own button."""
        posted = await self.posted(request, token)
        if isinstance(posted, Response):
            return posted
        known, fields = posted
        what = one(fields, "act") or LEAVE
        scope = one(fields, "scope")
        scope = scope if scope in (ALL, list_scope(known.list)) else DEFAULT
        if what == "only":
            steps = [Step(BACK, ALL), Step(LEAVE, scope)]
        else:
            steps = [Step(BACK if what == BACK else LEAVE, scope)]
        own = await self._scope(known)
        await self._acts.submit(known, steps, "page")
        return self._done(request, token, known, own, what, own.code if scope == DEFAULT else scope)

    async def posted(self, request: Request, token: str) -> tuple[Token, Fields] | Response:
        """Whose link was posted to, and the form; or the answer, to a link that is not ours and to
        one click of a mail program, which may come to either page."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._acts.incomplete(request)
        fields = await read_fields(request)
        return await self._one_click(known) if is_one_click(fields) else (known, fields)

    async def _one_click(self, token: Token) -> Response:
        """What a mail program posts (RFC 8058): plain text, no redirect, no cookie (F3)."""
        try:
            await self._acts.submit(token, [Step(LEAVE, DEFAULT)], "one-click")
        except StoreUnavailable:
            return PlainTextResponse(
                "Not done: this newsroom cannot note it just now. Please try again.\n",
                503,
                private({"Retry-After": RETRY_AFTER}),
            )
        return PlainTextResponse("Unsubscribed.\n", 200, private())

    async def _scope(self, token: Token) -> Scope:
        """The scope of one click, from memory while the store is away.

        Never seen and no store: all press mail, which is what the page then says and does.
        """
        try:
            scope = await run_in_threadpool(subscriptions.scope_of, self._newsroom, token)
        except StoreUnavailable:
            return self._scopes.get(token.list, Scope(ALL, "", ""))
        self._scopes[token.list] = Scope(scope.code, scope.title, scope.list_title)
        return scope

    def _done(
        self, request: Request, token: str, known: Token, own: Scope, what: str, scope: str
    ) -> Response:
        words = self._acts.words(request, own.language)
        list_scope = f"list:{known.list}"
        only_list = own.list_title if scope == list_scope else ""
        other: dict[str, str] | None = None
        if scope == ALL and own.list_title:
            label = words("stop_only", list=own.list_title)
            other = {"act": "only", "scope": list_scope, "label": label}
        elif scope != ALL:
            other = {"act": LEAVE, "scope": ALL, "label": words("stop_all")}
        if what == BACK:
            title = words("back_title")
        elif only_list:
            title = words("stopped_list_title", list=only_list)
        else:
            title = words("stopped_title")
        return self._pages.html(
            "done.html",
            headers=private(),
            words=words,
            token=token,
            title=title,
            act=BACK if what == BACK else LEAVE,
            scope=scope,
            only_list=only_list,
            other=other,
        )


def is_list(code: str) -> bool:
    """Whether a form's text is the scope of one list."""
    number = code.removeprefix("list:")
    return code.startswith("list:") and number.isascii() and number.isdigit() and len(number) < 10
