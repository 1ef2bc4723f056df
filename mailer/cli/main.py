"""`mailer`: the console entry, global options, and how errors become exit codes.

Nothing here ends in a traceback. An error meant for people is one sentence on stderr and the
exit code of the contract; a fault of the program itself leaves with 70 and says in which file
its details are.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mailer.cli import (
    base,
    demo,
    dkim,
    docs,
    embargo,
    jobs,
    lists,
    log,
    newsroom,
    notices,
    people,
    releases,
    resolve,
    restored,
    routes,
    segments,
    sending,
    store,
    subject,
    suppress,
    templates,
)
from mailer.cli.base import CONFIG, JSON, OFFICER, Commands, say
from mailer.errors import MailerError

INTERRUPTED = 130
BROKEN_PIPE = 141
INTERNAL = 70
UNAVAILABLE = 75

# What the system says when the disk, not the program, is at fault.
_NO_NUMBER = re.compile(r"Input should be a valid integer.*|.*is not a valid int\w*", re.IGNORECASE)
_DISK = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EROFS: "read-only", errno.EIO: "failing"}

app = Commands(
    name="mailer",
    help="Press distribution that a newsroom can trust.",
    invoke_without_command=True,
    epilog="--json, --config and --officer may stand before or after the command.",
)


def main() -> int:
    """The console entry; the exit code."""
    return run(sys.argv[1:])


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    base.start()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        result = app(list(arguments), prog_name="mailer", standalone_mode=False)
        sys.stdout.flush()
        if result == INTERRUPTED:
            say("Interrupted.")
        return result if isinstance(result, int) else 0
    except MailerError as error:
        return _told(error)
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has left; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        return _unexpected(error, arguments)


@app.callback()
def start(
    context: typer.Context,
    json: JSON = False,
    config: CONFIG = None,
    officer: OFFICER = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    base.choose(json, config, officer)
    if version:
        from importlib.metadata import version as installed

        print(f"mailer {installed('mailer')}")  # noqa: T201
        raise typer.Exit()
    if context.invoked_subcommand is None:
        log.status()


def _told(error: MailerError) -> int:
    text = str(error)
    # An address at the start stays as it was typed.
    begun = text if "@" in text.split(" ", 1)[0] else text[:1].upper() + text[1:]
    say(f"mailer: {text if error.where else begun}")
    return error.exit_code


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    # Typer's own usage errors have no public common class.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "mailer"
        text = _NO_NUMBER.sub("this is no whole number", error.format_message())
        say(f"{command}: {_sentence(text)} See `{command} --help`.")
        return 2
    if isinstance(error, OSError) and error.errno in _DISK:
        say(f"mailer: The disk is {_DISK[error.errno]}; nothing was done. Make room and try again.")
        return UNAVAILABLE
    if os.environ.get("MAILER_DEBUG") == "1":
        traceback.print_exception(error)
    path = _write_crash(error, arguments)
    say(f"mailer: An internal error stopped it; its details are in {path}. Please report it.")
    return INTERNAL


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?")) else text + "."


def _write_crash(error: Exception, arguments: Sequence[str]) -> Path:
    """The details of an internal error, where only their owner can read them."""
    now = datetime.now(UTC)
    loaded = base.current().loaded
    folder = loaded.spool_dir if loaded and loaded.spool_dir.is_dir() else None
    report = (
        f"{now.isoformat()}\nPython {platform.python_version()} on {platform.platform()}\n"
        f"mailer {' '.join(arguments)}\n\n{''.join(traceback.format_exception(error))}"
    )
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None:
            continue
        path = place / f"crash-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(report)
        except OSError:
            continue
        return path
    sys.stderr.write(report)
    return Path("the lines above")


for module in (
    newsroom, lists, segments, releases, sending, routes, log, resolve, restored, suppress, subject,
    store, jobs, dkim, demo, embargo, notices, people, templates, docs,
):  # fmt: skip
    module.register(app)
