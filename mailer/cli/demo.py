"""`mailer demo`: the main job shown once, for real, in a throw-away newsroom."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import Column, document, emit, line

if TYPE_CHECKING:
    from mailer.distribution.demo import Demo

_ROWS = 12


def register(app: Commands) -> None:
    """Add this module's command."""
    app.add("demo", demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Check everything, then leave.")] = False,
) -> None:
    """Send the sample release to made-up journalists on this machine, and show what happens.

    A throw-away newsroom, the sandbox mail server, one unsubscribe. Nothing leaves the machine.
    """
    from mailer.distribution.demo import running_demo

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running_demo(_web, _Told().tell) as shown:
        if current().json:
            document(_facts(shown))
        else:
            _ledger(shown)
        if not once:
            sys.stdout.flush()
            _stay(shown.inbox)
    # Only when all went well: what failed is left to be looked at.
    shutil.rmtree(shown.folder, ignore_errors=True)


def _stay(inbox: str) -> None:
    """Leave the pages up until an interrupt, which here is the ordinary end."""
    say(f"The pages stay up. Inbox: {inbox}  Ctrl-C ends the demo and removes its newsroom.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _web(config: Path) -> list[str]:
    return [sys.executable, "-m", "mailer.web.serve", "--config", str(config), "--quiet"]


class _Told:
    """Says each step once; sending moves one line on a terminal."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._drawn = False

    def tell(self, step: str, demo: Demo) -> None:
        if step == "sending":
            self._bar(demo)
            return
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            self._drawn = False
        queued = demo.queued
        if step == "laid out":
            say(f"1. A newsroom in {demo.folder}")
        elif step == "imported":
            people = sum(row["new"] for row in demo.imported)
            lists = ", ".join(row["list"] for row in demo.imported)
            say(f"2. {people:,} journalists imported from the sample lists: {lists}")
        elif step == "queued" and queued is not None:
            say(f"3. The release queued for {queued.recipients:,} of them")
        elif step == "sent":
            accepted = sum(row["state"] == "accepted" for row in demo.rows)
            say(f"4. {accepted:,} messages accepted by the sandbox, one for each in the ledger")
        elif step == "unsubscribed":
            say(f"5. {demo.unsubscribed} left with one click: {demo.answer}")
        elif step == "next" and demo.next_queue is not None:
            left = demo.next_queue.left_out.get("suppressed", 0)
            say(
                f"6. Queued again, it would go to {demo.next_queue.recipients:,}, "
                f"leaving out {left:,} who must not be contacted"
            )

    def _bar(self, demo: Demo) -> None:
        if not self._moving or not demo.rows:
            return
        done = sum(row["state"] == "accepted" for row in demo.rows)
        filled = round(30 * done / len(demo.rows))
        bar = "█" * filled + "░" * (30 - filled)
        sys.stderr.write(f"\r\x1b[2K   {bar} {done:,} of {len(demo.rows):,}")
        sys.stderr.flush()
        self._drawn = True


def _ledger(shown: Demo) -> None:
    columns = [
        Column("delivery", "DELIVERY"),
        Column("email", "ADDRESS", weight=2, least=16),
        Column("state", "STATE", state=True),
        Column("answer", "ANSWER", weight=2, least=12),
    ]
    rows = [
        {**row, "answer": f"{row['smtp_code'] or ''} {row['smtp_reply'] or ''}".strip()}
        for row in shown.rows[:_ROWS]
    ]
    line()
    emit(rows, columns)
    if len(shown.rows) > _ROWS:
        line(f"… and {len(shown.rows) - _ROWS:,} more")
    line()


def _facts(shown: Demo) -> dict[str, object]:
    return {
        "folder": str(shown.folder),
        "imported": shown.imported,
        "queued": shown.queued.as_json() if shown.queued else None,
        "accepted": sum(row["state"] == "accepted" for row in shown.rows),
        "unsubscribed": shown.unsubscribed,
        "answer": shown.answer,
        "next_queue": shown.next_queue.as_json() if shown.next_queue else None,
        "public": shown.public,
        "inbox": shown.inbox,
    }
