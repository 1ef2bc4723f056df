"""What stands in front of every page: headers, an access log without tokens, a guess limit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)
access_log = logging.getLogger("mailer.web.access")

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of all pages: no script, nothing from elsewhere (F14)."""

_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware: security headers on every answer, and one log line per request.

    The line holds method, path, status and milliseconds. Of paths below the `secret` prefixes
    only the prefix is written, and no address of the reader (F14, E21).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        secure: bool,
        fault: Callable[[Request], Response],
        secret: Collection[str] = (),
        base: str = "",
    ) -> None:
        """`secure` adds Strict-Transport-Security; only for addresses served over HTTPS.
        `base` is the path of public_url; a proxy in front may strip it or leave it.
        `fault` makes the answer to an error of our own, which is logged."""
        self.app = app
        self._fault = fault
        self._base = base
        self._secret = tuple(secret)
        self._headers = dict(_HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=63072000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._base and scope["path"].startswith(f"{self._base}/"):
            scope = {**scope, "path": scope["path"].removeprefix(self._base)}
        began = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        begun = False

        async def first(message: Message) -> None:
            nonlocal begun
            begun = True
            await answer(message)

        try:
            await self.app(scope, receive, first)
        except Exception:
            _log.exception("a page failed: %s %s", scope["method"], self._shown(scope["path"]))
            if begun:
                raise
            await self._fault(Request(scope))(scope, receive, answer)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            path = self._shown(scope["path"])
            access_log.info("%s %s %d %.0f ms", scope["method"], path, status, milliseconds)

    def _shown(self, path: str) -> str:
        for prefix in self._secret:
            if path.startswith(prefix):
                return f"{prefix}…"
        return path.encode("ascii", "backslashreplace").decode().replace("\n", "")[:200]


class LocalOnly:
    """ASGI middleware of the desk: answers only to this machine's own names.

    Without it a page elsewhere could point its own name at 127.0.0.1 and read the desk in the
    officer's browser.
    """

    NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "").strip().lower()
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name not in self.NAMES:
                refusal = PlainTextResponse(
                    "The desk answers only on this machine, at localhost or 127.0.0.1.\n", 421
                )
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class GuessLimit:
    """How many wrong tokens one client may try in a minute (F15).

    Asked only after a token proved wrong: a valid one is never counted or slowed.
    """

    def __init__(self, per_minute: int = 30, clients: int = 4096) -> None:
        self._per_minute = per_minute
        self._clients = clients
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def exceeded(self, client: str, now: float) -> bool:
        """Count one wrong token at `now` (monotonic seconds); True when there were too many."""
        began, count = self._seen.pop(client, (now, 0))
        if now - began >= 60:
            began, count = now, 0
        self._seen[client] = (began, count + 1)
        while len(self._seen) > self._clients:
            self._seen.popitem(last=False)
        return count + 1 > self._per_minute


EVEN_STEP = 0.05
"""Seconds. Where its time could tell something, an answer comes at a multiple of this, so that the
milliseconds by which one lookup or commit is longer than another tell a guesser nothing (D4)."""


@asynccontextmanager
async def even() -> AsyncIterator[None]:
    """Let the block last a multiple of EVEN_STEP, however it ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        await asyncio.sleep(until_next_step(time.monotonic() - began))


def until_next_step(spent: float) -> float:
    """Seconds to wait after `spent` so that the answer leaves at a multiple of EVEN_STEP."""
    return EVEN_STEP - spent % EVEN_STEP


def private(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Headers of pages behind a token: kept by nobody, found by nobody (F14)."""
    return {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", **(extra or {})}
