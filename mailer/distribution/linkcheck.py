"""`release check --links`: whether the addresses in a release answer. Never without being asked.

Each is asked by HEAD, and by GET where that is refused. No cookies are kept, nothing is read
beyond the answer's head, and all are asked side by side within one limit of time.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from mailer.release.model import Finding, Severity

AT_ONCE = 8
"""Addresses asked side by side."""

PATIENCE = 10.0
"""Seconds to wait for a connection or an answer."""

IN_ALL = 60.0
"""Seconds for all addresses of a release; who has not answered then counts as silent."""

_ALIVE = frozenset({401, 402, 403, 405, 406, 429, 451, 999})
"""Answers of sites that are there and do not let programs in."""


def dead_links(
    targets: Mapping[str, tuple[int | None, int | None]],
    *,
    patience: float = PATIENCE,
    in_all: float = IN_ALL,
) -> Iterator[Finding]:
    """A `dead_link` warning for each address that does not answer or says it has nothing there.

    `targets` maps addresses to line and column.
    """
    for url, reason in _ask_all(list(targets), patience, in_all).items():
        if reason:
            line, column = targets[url]
            yield Finding(
                "dead_link",
                Severity.WARNING,
                f"The link to {url} leads nowhere: {reason}.",
                line,
                column,
                "Correct the address, or take the link off.",
            )


def _ask_all(urls: list[str], patience: float, in_all: float) -> dict[str, str]:
    """What is wrong with each address, in their order; empty for those that answer."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for url in urls:
        waiting.put(url)

    def work() -> None:
        while True:
            try:
                url = waiting.get_nowait()
            except queue.Empty:
                return
            answers.put((url, _fault(url, patience)))

    for _ in range(min(AT_ONCE, len(urls))):
        # A daemon: a server that drips bytes for ever must not keep the command from leaving.
        threading.Thread(target=work, daemon=True).start()
    found = dict.fromkeys(urls, f"no answer within {in_all:.0f} seconds")
    until = time.monotonic() + in_all
    for _ in urls:
        try:
            url, reason = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[url] = reason
    return found


def _fault(url: str, patience: float) -> str:
    said = ""
    for method in ("HEAD", "GET"):
        try:
            request = Request(_ascii(url), method=method, headers=_HEADERS)
            with _opener().open(request, timeout=patience):
                return ""
        except HTTPError as error:
            error.close()
            if error.code in _ALIVE and method == "GET":
                return ""
            said = f"the server answers {error.code} {error.reason}".rstrip()
        except TimeoutError:
            return f"no answer within {patience:.0f} seconds"
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                return f"no answer within {patience:.0f} seconds"
            said = _plain(error.reason)
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = _plain(error)
    return said


_HEADERS = {"User-Agent": "mailer-linkcheck/1", "Accept": "*/*"}


def _opener() -> OpenerDirector:
    """HTTP and HTTPS alone, redirects followed; no cookies, files or passwords."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _ascii(url: str) -> str:
    """The address as it goes over the line: host by IDNA, path and query in percent signs."""
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit(
        (parts.scheme, host, path, quote(parts.query, safe="/%:@!$&'()*+,;=?~-._"), "")
    )


def _plain(reason: object) -> str:
    text = getattr(reason, "strerror", None) or str(reason)
    return " ".join(str(text).split())[:120].rstrip(".") or type(reason).__name__
