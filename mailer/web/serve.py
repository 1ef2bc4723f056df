"""The web process: `python -m mailer.web.serve --config PATH`.

It is a child like the others: one JSON object a line on standard output, first `ready` with the
addresses (or `fatal` with a sentence and an exit code), and it leaves when its standard input
closes or on SIGTERM or SIGINT. The access log goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from mailer import config as configuration
from mailer.distribution.child import on_end, say
from mailer.distribution.context import Newsroom, open_newsroom
from mailer.errors import MailerError
from mailer.web.server import STORE_PATIENCE, serve


def main(argv: list[str] | None = None) -> int:
    """Serve until told to leave; the exit code."""
    parser = argparse.ArgumentParser(prog="mailer.web.serve")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--quiet", action="store_true", help="no access log")
    options = parser.parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(name)s %(message)s",
    )
    try:
        config = configuration.load(options.config)
        with open_newsroom(config, busy_timeout=STORE_PATIENCE, eager=True) as newsroom:
            asyncio.run(_run(newsroom))
    except MailerError as error:
        say({"event": "fatal", "reason": str(error), "exit_code": error.exit_code})
        return error.exit_code
    return 0


async def _run(newsroom: Newsroom) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(kind, stop.set)

    def ended() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(stop.set)

    on_end(ended)
    await serve(
        newsroom,
        stop,
        lambda public, desk: say({"event": "ready", "public": public, "desk": desk}),
    )


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Leave at once: a thread may still wait for a database that does not answer.
    os._exit(status)
