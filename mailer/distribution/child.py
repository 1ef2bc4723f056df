"""The processes that a supervisor starts: `python -m mailer.distribution.child ROLE`.

A child speaks one JSON object a line on its standard output and leaves when its standard input
closes: whatever kills the supervisor closes that pipe, so no child outlives it for long. SIGTERM
means the same. SIGINT belongs to the supervisor and is ignored here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from mailer import config as configuration
from mailer.config import Config
from mailer.distribution.context import open_newsroom
from mailer.distribution.enrolment import enrolled, number_of
from mailer.distribution.safety import require_ready
from mailer.distribution.tasks import chosen
from mailer.errors import MailerError

_lock = threading.Lock()


def main(argv: list[str] | None = None) -> int:
    """Run one child until its end; the exit code."""
    parser = argparse.ArgumentParser(prog="mailer.distribution.child")
    parser.add_argument("role", choices=["scheduler", "sender", "tasks"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--name", default="sender-1")
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--queues", help="take tasks of these, as `mailer worker` does")
    parser.add_argument("--joins", action="store_true", help="one of several: migrates nothing")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = configuration.load(options.config)
        require_ready(config)
        if options.role == "scheduler":
            _schedule(config, options.every, migrate=not options.joins)
        elif options.queues is not None:
            name = "tasks" if options.role == "tasks" else options.name
            _work(config, name, options.share, chosen(options.queues))
        else:
            _send(config, options.name, options.share)
    except MailerError as error:
        say({"event": "fatal", "reason": str(error), "exit_code": error.exit_code})
        return error.exit_code
    return 0


def say(event: dict[str, Any]) -> None:
    """One line for the supervisor; a supervisor that is gone does not matter here."""
    line = json.dumps(event) + "\n"
    with _lock, contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.write(line)
        sys.stdout.flush()


def on_end(stop: Callable[[], None]) -> None:
    """Call `stop` (from another thread) once standard input closes."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        stop()

    threading.Thread(target=watch, daemon=True).start()


def _schedule(config: Config, every: float, *, migrate: bool) -> None:
    from mailer.distribution.context import create_store
    from mailer.distribution.schedule import Scheduler, Sweeper

    # A sweep that takes longer than its interval is no news: the next one does the rest.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    if migrate:  # of several machines none changes what the others are working with
        create_store(config, anew=False)
    with open_newsroom(config) as room:
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        on_end(ended.set)
        scheduler = Scheduler(Sweeper(room), say, every=every)
        say({"event": "ready"})
        scheduler.start()
        ended.wait()
        scheduler.stop()


def _send(config: Config, name: str, share: int) -> None:
    from mailer.distribution.sender import Sender

    with open_newsroom(config, busy_timeout=10.0) as room, enrolled(room, name) as own:

        async def run() -> None:
            sender = Sender(
                *(room, own.endpoints, own.worker, own.journal),
                share=share,
                number=number_of(name),
                report=say,
            )
            _end_with(sender.stop)
            say({"event": "ready", "worker": own.worker})
            await sender.run()

        _run(run())


def _work(config: Config, name: str, share: int, queues: tuple[str, ...]) -> None:
    from mailer.distribution import errands
    from mailer.distribution.worker import Crew

    with open_newsroom(config, busy_timeout=10.0) as room:
        if name == "tasks":  # the only one of its kind on this machine
            errands.clear(room)

        async def run() -> None:
            crew = Crew(room, name, share=share, queues=queues, report=say)
            _end_with(crew.stop)
            await crew.run()

        _run(run())


def _end_with(stop: Callable[[], None]) -> None:
    """Call `stop` in the running loop on SIGTERM or once standard input closes."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    on_end(lambda: _call(loop, stop))


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(function)


def _run(main: Coroutine[Any, Any, None]) -> None:
    # Nothing on the way of a message refers to itself, so looking for such things is in vain;
    # it is done seldom, for what a failure may leave behind, and not among what was imported.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


if __name__ == "__main__":
    sys.exit(main())
