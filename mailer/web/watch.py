"""`mailer preview --watch`: `python -m mailer.web.watch --config PATH [--as EMAIL] RELEASE…`.

A page on this machine alone that shows releases as readers get them, in light and dark, on a phone,
as text, in each language and for journalists with odd names, and follows every save: the browser
hears of a change by server-sent events and fetches what is different. Without JavaScript it is the
same page, reloaded by hand. An error in a template or a text stands in its place until mended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mailer import config as configuration
from mailer.distribution import gallery
from mailer.distribution.context import open_newsroom
from mailer.distribution.watching import AS, HTML_LIMIT, Message, Text, Watch, in_mode
from mailer.errors import MailerError, NotFound, UsageError
from mailer.web.guard import CONTENT_POLICY, Guard, LocalOnly
from mailer.web.mails import framed, take_apart
from mailer.web.pages import ICON, STYLESHEET, Pages
from mailer.web.server import Server

PORT = 8027
"""Where it listens unless told otherwise, or the next free one."""

LOOK_EVERY = 0.04
"""Seconds between two looks at the files."""

VIEWS = {
    "message": "Message",
    "languages": "Languages",
    "people": "Journalists",
    "text": "Text and headers",
}

_STATIC = {"watch.css": "text/css; charset=utf-8", "watch.js": "text/javascript; charset=utf-8"}
_PAGE_POLICY = f"{CONTENT_POLICY}; script-src 'self'; connect-src 'self'; frame-src 'self'"
_FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src {images}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_NO_STORE = {"Cache-Control": "no-store"}


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; the exit code."""
    parser = argparse.ArgumentParser(prog="mailer preview --watch")
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--as", dest="email", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("releases", nargs="+")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    try:
        config = configuration.load(options.config)
        with open_newsroom(config) as room:
            watch = Watch(room, options.releases, as_email=options.email)
            with _listener(options.port) as listener:
                asyncio.run(_serve(watch, listener, options.json))
    except MailerError as error:
        text = str(error)
        begun = text if error.where else text[:1].upper() + text[1:]
        sys.stderr.write(f"mailer: {begun}\n")
        return error.exit_code
    return 0


def watch_app(watch: Watch, changes: Changes) -> FastAPI:
    """The application: the page, its frames and the events."""
    pages = _WatchPages(watch, changes)
    app = FastAPI(title="Preview", openapi_url=None, docs_url=None, redoc_url=None)

    def page(path: str, endpoint: Callable[..., Awaitable[Response]]) -> None:
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return PlainTextResponse("There is nothing here.\n", error.status_code, _NO_STORE)

    def fault(request: Request) -> Response:
        return PlainTextResponse("This page failed; see the terminal.\n", 500, _NO_STORE)

    page("/", pages.front)
    page("/events", pages.events)
    page("/static/{name}", pages.static)
    page("/{key}/{view}", pages.show)
    page("/{key}/as/{case}/html", pages.html)
    page("/{key}/as/{case}/part/{part:int}", pages.part)
    page("/{key}/as/{case}/message.eml", pages.raw)
    page("/favicon.ico", pages.icon)
    app.add_exception_handler(HTTPException, failed)
    app.add_middleware(LocalOnly)
    app.add_middleware(Guard, secure=False, fault=fault)
    return app


class Changes:
    """Looks at the files again and again, and tells every open page of what changed."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._changed = asyncio.Condition()
        self.ended = False

    async def look(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                changed = await run_in_threadpool(self._watch.refresh)
            except MailerError:  # A store that is busy for a moment: the next look sees it.
                continue
            if changed:
                async with self._changed:
                    self._changed.notify_all()
                await run_in_threadpool(self._watch.warm)

    async def end(self) -> None:
        """Let go of all open pages."""
        self.ended = True
        async with self._changed:
            self._changed.notify_all()

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events: the version now and each later one, with the marks of the texts."""
        told = 0
        while not self.ended:
            if told != self._watch.version:
                told = self._watch.version
                news = {"version": told, "marks": self._watch.marks()}
                yield f"retry: 500\ndata: {json.dumps(news)}\n\n".encode()
            async with self._changed:
                if told == self._watch.version and not self.ended:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), 15)
            if told == self._watch.version:
                yield b": still here\n\n"


class _WatchPages:
    """The pages, made from the watch when they are asked for."""

    def __init__(self, watch: Watch, changes: Changes) -> None:
        self._watch = watch
        self._changes = changes
        self._kept: Pages | None = None

    async def front(self, request: Request) -> Response:
        """GET /: to the first text."""
        texts = self._watch.texts
        if not texts:
            raise HTTPException(404)
        return RedirectResponse(f"/{texts[0].key}/message", 303)

    async def events(self, request: Request) -> Response:
        """GET /events."""
        return StreamingResponse(
            self._changes.stream(), media_type="text/event-stream", headers=_NO_STORE
        )

    async def show(self, request: Request, key: str, view: str) -> Response:
        """GET /TEXT/VIEW: the page."""
        if view not in VIEWS:
            raise HTTPException(404)
        return await run_in_threadpool(self._show, request, key, view)

    async def html(self, request: Request, key: str, case: str) -> Response:
        """The HTML part in one mode, to be framed."""
        query = request.query_params
        try:
            message = await run_in_threadpool(self._message, key, case)
        except MailerError as error:
            if query.get("quiet"):
                # The old picture stays until the page around it says what is wrong.
                return Response(None, 204, _NO_STORE)
            # Its own column says what is wrong; the others are shown.
            said = {**_NO_STORE, "Content-Security-Policy": "sandbox; frame-ancestors 'self'"}
            return PlainTextResponse(f"{error}\n", 409, said)
        images = query.get("images") != "off"
        html = take_apart(message.raw).html
        html = in_mode(framed(html), dark=query.get("mode") == "dark")
        policy = _FRAME_POLICY.format(images="'self' data: https:" if images else "'none'")
        headers = {**_NO_STORE, "Content-Security-Policy": policy}
        return Response(html, 200, headers, "text/html; charset=utf-8")

    async def part(self, request: Request, key: str, case: str, part: int) -> Response:
        """An embedded picture."""
        message = await run_in_threadpool(self._sound, key, case)
        parts = take_apart(message.raw).parts
        if part >= len(parts) or not re.fullmatch(r"image/(png|jpeg|gif|webp)", parts[part].kind):
            raise HTTPException(404)
        headers = {**_NO_STORE, "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(parts[part].data, 200, headers, parts[part].kind)

    async def raw(self, request: Request, key: str, case: str) -> Response:
        """The bytes as they would be sent."""
        message = await run_in_threadpool(self._sound, key, case)
        name = f'attachment; filename="{message.text.key}.eml"'
        headers = {**_NO_STORE, "Content-Disposition": name}
        return Response(message.raw, 200, headers, "message/rfc822")

    async def static(self, request: Request, name: str) -> Response:
        """The styles and the script; the first of them with the newsroom's colours."""
        pages = self._pages()
        if f"static/{name}" == STYLESHEET:
            return Response(pages.stylesheet, 200, _NO_STORE, "text/css; charset=utf-8")
        if f"static/{name}" == ICON:
            return pages.icon_answer()
        if name not in _STATIC:
            raise HTTPException(404)
        return Response(pages.source(f"static/{name}"), 200, _NO_STORE, _STATIC[name])

    async def icon(self, request: Request) -> Response:
        """GET /favicon.ico."""
        return self._pages().icon_answer()

    def _show(self, request: Request, key: str, view: str) -> Response:
        watch = self._watch
        try:
            text = watch.text(key)
        except NotFound:
            raise HTTPException(404) from None
        images = request.query_params.get("images") != "off"
        dark = request.query_params.get("mode") == "dark"
        message, trouble = None, None
        try:
            message = watch.message(key)
        except MailerError as error:
            trouble = watch.trouble(error)
        languages = watch.languages(text.group)
        people = self._people(text, view) if message else []
        values: dict[str, Any] = {
            "text": text,
            "view": view,
            "views": {
                name: label
                for name, label in VIEWS.items()
                if name != "languages" or len(languages) > 1
            },
            "groups": self._groups(),
            "message": message,
            "findings": watch.findings(message) if message and view == "message" else (),
            "mail": take_apart(message.raw) if message and view == "text" else None,
            "trouble": trouble,
            "languages": [(each, watch.mark(each)) for each in languages],
            "people": people,
            "mark": watch.mark(text),
            "version": watch.version,
            "images": images,
            "dark": dark,
            "query": _query,
            "limit": HTML_LIMIT,
            "as_email": watch.as_email,
        }
        headers = {**_NO_STORE, "Content-Security-Policy": _PAGE_POLICY}
        return self._pages().html("watch.html", headers=headers, **values)

    def _groups(self) -> dict[str, list[Text]]:
        groups: dict[str, list[Text]] = {}
        for text in self._watch.texts:
            groups.setdefault(text.group, []).append(text)
        return groups

    def _people(self, text: Text, view: str) -> list[dict[str, Any]]:
        if view != "people":
            return []
        found = []
        named = [(AS, "The journalist of --as", "")] if self._watch.as_email else []
        cases = [*named, *((each.key, each.title, each.watch) for each in gallery.CASES)]
        for key, title, hint in cases:
            message = self._watch.message(text.key, key)
            header = re.search(rb"^To: .*?\r\n(?![ \t])", message.raw, re.DOTALL | re.MULTILINE)
            found.append(
                {
                    "key": key,
                    "title": title,
                    "hint": hint,
                    "to": header[0].decode("ascii", "replace").rstrip() if header else "",
                    "fields": message.fields,
                }
            )
        return found

    def _message(self, key: str, case: str) -> Message:
        try:
            return self._watch.message(key, "" if case == "-" else case)
        except NotFound:
            raise HTTPException(404) from None

    def _sound(self, key: str, case: str) -> Message:
        try:
            return self._message(key, case)
        except MailerError:
            raise HTTPException(409) from None

    def _pages(self) -> Pages:
        """The templates with the configuration as it is now."""
        config = self._watch.room.config
        if self._kept is None or self._kept.config is not config:
            self._kept = Pages(config)
        return self._kept


def _query(**values: str) -> str:
    """A query of what is said, as it stands in an address."""
    said = {name: value for name, value in values.items() if value}
    return f"?{urlencode(said)}" if said else ""


def _listener(port: int) -> socket.socket:
    """A socket on this machine's own address: the port, or a free one when none is wanted."""
    for wanted in [port] if port else [PORT, 0]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
            listener.listen(64)
        except (OSError, OverflowError):
            listener.close()
            continue
        return listener
    raise UsageError(f"127.0.0.1:{port} cannot be listened at.", hint="Choose another --port.")


async def _serve(watch: Watch, listener: socket.socket, as_json: bool) -> None:
    changes = Changes(watch)
    server = Server(watch_app(watch, changes))
    looking = asyncio.create_task(changes.look())
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    sys.stdout.write(f"{json.dumps({'url': url}) if as_json else url}\n")
    sys.stdout.flush()
    sys.stderr.write("It follows every save. Ctrl-C ends it.\n")
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(kind, stopping.set)
    await stopping.wait()
    looking.cancel()
    await changes.end()
    server.should_exit = True
    await running


if __name__ == "__main__":
    sys.exit(main())
