"""The two listeners in one event loop: the public pages and the desk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from mailer.config import Config
from mailer.config_values import Listener
from mailer.errors import ConfigError
from mailer.web.desk import desk_app
from mailer.web.public import public_app

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

STORE_PATIENCE = 2.0
"""Seconds an opt-out waits for a locked database before it goes to the spool (F12): the
`busy_timeout` to open the newsroom with."""

_GRACE = 5


async def serve(newsroom: Newsroom, stop: asyncio.Event, ready: Callable[[str, str], None]) -> None:
    """Run both listeners until `stop` is set, and finish the requests under way.

    `ready` is called once with the addresses of the public pages and of the desk. Raises
    ConfigError when an address cannot be used; then nothing was served.
    """
    with _bound(newsroom.config) as (public, desk):
        servers = [Server(public_app(newsroom)), Server(desk_app(newsroom))]
        running = [
            asyncio.create_task(server.serve([listener]))
            for server, listener in zip(servers, (public, desk), strict=True)
        ]
        for server in servers:
            await server.up.wait()
        ready(_url(public), _url(desk))
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running)


def settings(app: ASGIApp) -> uvicorn.Config:
    """How every application is served: its own access log, no server's name, a short goodbye."""
    return uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=16 * 1024,
    )


class Server(uvicorn.Server):
    """One listener. Signals belong to the process: two servers would take them from each other."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(settings(app))
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _bound(config: Config) -> Iterator[tuple[socket.socket, socket.socket]]:
    web = config.web
    with contextlib.ExitStack() as stack:
        yield (
            stack.enter_context(_listen(web.public, f"{config.path}, web.public")),
            stack.enter_context(_listen(web.desk, f"{config.path}, web.desk")),
        )


def _listen(address: Listener, where: str) -> socket.socket:
    try:
        found: Sequence[Any] = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, place = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(512)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"{address.host}:{address.port} cannot be listened at ({error.strerror or error}).",
            where=where,
            hint="Stop what uses the port, or choose another one.",
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
