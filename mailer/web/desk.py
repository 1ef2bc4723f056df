"""The desk listener: the inbox, where the sandbox's caught mail is read, `/readyz`, `/metrics`.

It answers only on this machine. A caught message is shown as a mail program would show it: its
HTML in a sandboxed frame that runs no script and loads nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mailer.clock import to_datetime
from mailer.config import Config
from mailer.distribution.inbox import Caught, Inbox, inbox_path
from mailer.distribution.telemetry import Telemetry
from mailer.web.guard import CONTENT_POLICY, Guard, LocalOnly
from mailer.web.mails import Mail, framed, take_apart
from mailer.web.metrics import CONTENT_TYPE, scrape
from mailer.web.pages import ICON, STYLESHEET, Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

PAGE_SIZE = 50
"""Messages on one page of the list."""

FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""Content-Security-Policy of a caught message's HTML."""

VIEWS = {
    "message": "Message",
    "phone": "Phone",
    "text": "Text",
    "headers": "Headers",
    "raw": "Raw",
}

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_NO_STORE = {"Cache-Control": "no-store"}


def desk_app(newsroom: Newsroom) -> FastAPI:
    """The application of the desk listener."""
    pages = Pages(newsroom.config)
    inbox = _InboxPages(newsroom, pages)
    telemetry = Telemetry(newsroom)
    app = FastAPI(title="Desk", openapi_url=None, docs_url=None, redoc_url=None)

    def page(path: str, endpoint: Callable[..., Awaitable[Response]]) -> None:
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)

    page("/inbox", inbox.list)
    page("/inbox/{number:int}", inbox.message)
    page("/inbox/{number:int}/html", inbox.html)
    page("/inbox/{number:int}/part/{part:int}", inbox.part)
    page("/inbox/{number:int}/message.eml", inbox.download)

    async def front(request: Request) -> Response:
        return RedirectResponse("/inbox", 303)

    async def style(request: Request) -> Response:
        return pages.stylesheet_answer()

    async def icon(request: Request) -> Response:
        return pages.icon_answer()

    async def healthy(request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    async def ready(request: Request) -> Response:
        troubles = await run_in_threadpool(telemetry.troubles)
        text = "".join(f"{part}: {trouble}\n" for part, trouble in troubles.items())
        return PlainTextResponse(text or "ready\n", 503 if text else 200, _NO_STORE)

    async def metrics(request: Request) -> Response:
        page = await run_in_threadpool(scrape, telemetry)
        return Response(page, 200, {**_NO_STORE, "Content-Type": CONTENT_TYPE})

    def notice(status: int, title: str, text: str) -> Response:
        back: dict[str, Any] = {"back": "/inbox", "back_label": "To the inbox", "write": ""}
        return pages.html("notice.html", status, _NO_STORE, title=title, text=text, **back)

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return notice(404, "There is nothing here", inbox.absence)
        return notice(error.status_code, "That cannot be done here", "Nothing was changed.")

    def fault(request: Request) -> Response:
        return notice(500, "This page failed", "What happened stands in the log of `serve`.")

    page("/", front)
    page(f"/{STYLESHEET}", style)
    page(f"/{ICON}", icon)
    page("/favicon.ico", icon)
    page("/healthz", healthy)
    page("/readyz", ready)
    page("/metrics", metrics)
    app.add_exception_handler(HTTPException, failed)
    app.add_middleware(LocalOnly)
    app.add_middleware(Guard, secure=False, fault=fault)
    return app


class _InboxPages:
    """What the sandbox caught, a list and one message beside it."""

    def __init__(self, newsroom: Newsroom, pages: Pages) -> None:
        config = newsroom.config
        self._path = inbox_path(config)
        self._inbox = Inbox(self._path)
        self._pages = pages
        self._newsroom = newsroom
        self._zone = ZoneInfo(config.newsroom.timezone)
        self._sandboxed = _is_sandboxed(config)

    @property
    def absence(self) -> str:
        """Why a page of the inbox may not exist."""
        if self._open():
            return "No such message was caught here, or it was cleared."
        return "The inbox belongs to the sandbox, and this newsroom's mail goes another way."

    async def list(self, request: Request) -> Response:
        """GET /inbox: the list, with the newest message beside it where there is room."""
        return await run_in_threadpool(self._show, request, None)

    async def message(self, request: Request, number: int) -> Response:
        """GET /inbox/N: one message, with the list beside it where there is room."""
        return await run_in_threadpool(self._show, request, number)

    async def html(self, request: Request, number: int) -> Response:
        """The HTML part, to be framed."""
        mail = await run_in_threadpool(self._mail, number)
        headers = {**_NO_STORE, "Content-Security-Policy": FRAME_POLICY}
        return Response(framed(mail.html), 200, headers, "text/html; charset=utf-8")

    async def part(self, request: Request, number: int, part: int) -> Response:
        """An embedded picture."""
        mail = await run_in_threadpool(self._mail, number)
        if part >= len(mail.parts) or mail.parts[part].kind not in _PICTURES:
            raise HTTPException(404)
        # The frame that asks has no origin of its own, so it counts as another one.
        headers = {**_NO_STORE, "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(mail.parts[part].data, 200, headers, mail.parts[part].kind)

    async def download(self, request: Request, number: int) -> Response:
        """The bytes as they were received."""
        caught = await run_in_threadpool(self._caught, number)
        headers = {
            **_NO_STORE,
            "Content-Disposition": f'attachment; filename="message-{number}.eml"',
        }
        return Response(caught.raw, 200, headers, "message/rfc822")

    def _show(self, request: Request, number: int | None) -> Response:
        if not self._open():
            raise HTTPException(404)
        query = request.query_params
        recipient = query.get("to", "").strip()[:320]
        search = " ".join(query.get("q", "").split())[:320]
        view = query.get("view", "message")
        view = view if view in VIEWS else "message"
        page = int(query["page"]) if query.get("page", "").isdecimal() else 1
        page = min(max(page, 1), 10_000_000)
        total = self._inbox.count(recipient=recipient, search=search)
        rows = self._inbox.list(page, size=PAGE_SIZE, recipient=recipient, search=search)
        narrowed = {name: text for name, text in (("to", recipient), ("q", search)) if text}
        chosen = number if number is not None else (rows[0].id if rows else None)
        caught = None if chosen is None else self._caught(chosen)
        mail = take_apart(caught.raw) if caught else None
        if mail and not mail.html and view in ("message", "phone"):
            view = "text"
        response = self._pages.html(
            "inbox.html",
            headers={
                **_NO_STORE,
                "Content-Security-Policy": f"{CONTENT_POLICY}; frame-src 'self'",
            },
            rows=[self._row(row) for row in rows],
            total=total,
            first=(page - 1) * PAGE_SIZE + 1,
            last=(page - 1) * PAGE_SIZE + len(rows),
            page=page,
            sought=search or recipient,
            narrowed=f"&{urlencode(narrowed)}" if narrowed else "",
            opened=number is not None,
            caught=caught,
            mail=mail,
            when=self._moment(caught.received_at) if caught else None,
            view=view,
            views={
                name: label
                for name, label in VIEWS.items()
                if mail is None or mail.html or name not in ("message", "phone")
            },
            to=", ".join(caught.rcpt_to) if caught else "",
        )
        return response

    def _row(self, caught: Caught) -> dict[str, Any]:
        return {
            "id": caught.id,
            "to": ", ".join(caught.rcpt_to),
            "subject": caught.subject or "(no subject)",
            "when": self._moment(caught.received_at),
        }

    def _moment(self, instant: int) -> dict[str, str]:
        moment = to_datetime(instant)
        local = moment.astimezone(self._zone)
        today = to_datetime(self._newsroom.clock.now()).astimezone(self._zone).date()
        short = f"{local:%H:%M}" if local.date() == today else _day(local)
        return {
            "short": short,
            "full": f"{local:%a} {_day(local)} {local.year}, {local:%H:%M:%S %Z}",
            "utc": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
            "iso": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        }

    def _mail(self, number: int) -> Mail:
        return take_apart(self._caught(number).raw)

    def _caught(self, number: int) -> Caught:
        found = self._inbox.get(number) if self._open() and number < 2**63 else None
        if found is None:
            raise HTTPException(404)
        return found

    def _open(self) -> bool:
        return self._sandboxed or self._path.exists()


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"


def _is_sandboxed(config: Config) -> bool:
    """True when mail goes to the sandbox that mailer starts itself."""
    return not config.live and config.sandbox_route is not None
