"""`mailer sandbox`: the newsroom's own mail server in the foreground, until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

from mailer.config import Config
from mailer.distribution.context import read_token_keys, with_folder
from mailer.distribution.inbox import inbox_path
from mailer.errors import Refused
from mailer.smtp.sandbox import SandboxServer


def serve_sandbox(config: Config, ready: Callable[[str, int], None]) -> None:
    """Serve at the route's address until SIGTERM or SIGINT; `ready` gets host and port.

    Raises Refused when the route is not the sandbox's address or something listens there.
    """
    route = config.sandbox_route
    if route is None:
        other = config.routes[0]
        raise Refused(
            f"The route is {other.host}:{other.port}, not the sandbox.",
            hint='Set url = "smtp://127.0.0.1:1025" under [smtp] to try things out.',
        )
    with_folder(config)
    key = read_token_keys(config).derive("sandbox")
    server = SandboxServer(route.host, route.port, inbox_path(config), key)

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for kind in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(kind, ended.set)
        await server.start()
        try:
            ready(server.host, server.port)
            await ended.wait()
        finally:
            with contextlib.suppress(OSError):
                await server.stop()

    asyncio.run(serve())
