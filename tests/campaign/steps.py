"""Death at a named step of a delivery's path: in the process itself, without a hook in mailer.

A process that the campaign starts finds `site/sitecustomize.py` on its path, which calls `arm`.
That draws one step and one number from the seed, wraps the functions that the step lies between,
and sends the process SIGKILL when it passes there for that time. A line in the file `kills` says
so first. Processes that never come by die at some instant within a few seconds instead.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KILLS = "CAMPAIGN_KILLS"
"""Environment: the file that gets one line for each death."""

SEED = "CAMPAIGN_SEED"
"""Environment: where this process's chance comes from, together with how many began before."""

SHARE = "CAMPAIGN_SHARE"
"""Environment: how many of ten armed schedulers die by a step; senders always do."""

ANY_INSTANT = "any instant"

SENDER_STEPS = (
    "before the claim's commit",
    "after the claim's commit",
    "before the journal has the dot",
    "after the journal has the dot, before the wire",
    "after the wire, before the reply",
    "after the reply was read, before the journal has it",
    "after the journal has the reply, before the store",
    "in the middle of the record transaction",
    "at the end of the record transaction",
    "after the record's commit, before the journal forgets",
    "while the journal forgets",
    "before the journal's new file takes its place",
    "after the journal's new file took its place",
    "while a sender registers",
    "after a sender registered",
    "in the middle of applying the spool",
    "after the spool was applied, before its files go",
    "while the spool's files go",
    ANY_INSTANT,
)

SCHEDULER_STEPS = (
    "in recovery, in the middle of a transaction",
    "in recovery, after a commit",
    "in recovery, before the journal goes",
    "in recovery, after the journal went",
    "in the middle of applying the spool",
    "after the spool was applied, before its files go",
    "while the spool's files go",
    "while people fall out",
    "while a batch opens or ends",
    ANY_INSTANT,
)

_MOST = dict.fromkeys(SENDER_STEPS[:2], 3) | dict.fromkeys(SENDER_STEPS[2:7], 40)
_MOST |= dict.fromkeys(SENDER_STEPS[7:11], 3)
"""At which passing of a step a process dies at the latest; of all others at the first."""

ALL = [("sender", step) for step in SENDER_STEPS] + [("scheduler", s) for s in SCHEDULER_STEPS]
"""Every (role, step) there is."""

_LIFE = 4.0
"""Seconds after which at the latest a doomed process dies, wherever it is."""


def arm(argv: list[str]) -> None:
    """Doom this process, if it is a sender or scheduler; let a supervisor restart at once."""
    if KILLS not in os.environ or "-m" not in argv:
        return
    module = argv[argv.index("-m") + 1]
    if module == "mailer":
        from mailer.distribution import supervisor

        supervisor._RESTART_AFTER = 0.05
    if module != "mailer.distribution.child":
        return
    role = next((word for word in ("sender", "scheduler") if word in argv), "")
    if role:
        _arm(role, Path(os.environ[KILLS]))


def _arm(role: str, kills: Path) -> None:
    with kills.with_suffix(f".{role}").open("ab") as begun:
        begun.write(b".")
        begun.flush()
        count = begun.tell()
    chance = random.Random(f"{os.environ[SEED]}:{role}:{count}")
    if role == "scheduler" and chance.randrange(10) >= int(os.environ[SHARE]):
        return
    # One after the other, so that a short campaign meets nearly all; but not always the same.
    names = SENDER_STEPS if role == "sender" else SCHEDULER_STEPS
    step = names[count % len(names)] if chance.random() < 0.7 else chance.choice(names)
    doom = Doom(role, kills, step, chance.randint(1, _MOST.get(step, 1)), chance)
    doom.wrap()
    last = chance.uniform(0.3, 3.0) if step == ANY_INSTANT else _LIFE
    timer = threading.Timer(last, doom.strike, [ANY_INSTANT])
    timer.daemon = True
    timer.start()


class Doom:
    """The step at which this process dies, and how many times it gets past it before."""

    def __init__(
        self, role: str, kills: Path, step: str, count: int, chance: random.Random
    ) -> None:
        self.role = role
        self.step = step
        self._left = count
        self._kills = os.open(kills, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._chance = chance

    def passing(self, step: str) -> None:
        """The process is at this step."""
        if step == self.step:
            self._left -= 1
            if self._left <= 0:
                self.strike(step)

    def strike(self, step: str) -> None:
        """Say so, and die."""
        os.write(self._kills, f"{time.time_ns() // 1000}\t{self.role}\t{step}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self) -> None:
        """Put a passing before and after the functions that the steps lie between."""
        from mailer.store.postgres import PostgresStore
        from mailer.store.sqlite import SqliteStore

        for store in (SqliteStore, PostgresStore):
            self._wrap_write(store)
        self._wrap_ledger()
        self._wrap_spool()
        self._wrap_files()
        if self.role == "sender":
            self._wrap_journal()

    def _around(
        self, owner: Any, name: str, *, before: str = "", after: str = "", mark: str = ""
    ) -> None:
        """Wrap `owner.name`; `mark` is passed once the transaction it worked in is committed."""
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.passing(before)
            result = original(*args, **kwargs)
            if result or result is None:
                if mark:
                    args[0].__dict__.setdefault("marks", set()).add(mark)
                self.passing(after)
            return result

        setattr(owner, name, wrapped)

    def _wrap_write(self, store: Any) -> None:
        original = store.write
        doom = self

        @contextmanager
        def write(self: Any) -> Iterator[Any]:
            with original(self) as tx:
                yield tx
            for mark in tx.__dict__.get("marks", ()):
                doom.passing(mark)

        store.write = write

    def _wrap_ledger(self) -> None:
        from mailer.store import distributions, ledger

        if self.role == "sender":
            claim, claimed = SENDER_STEPS[:2]
            self._around(ledger, "claim", after=claim, mark=claimed)
            middle, end, recorded = SENDER_STEPS[7:10]
            self._wrap_bulk(middle)
            self._around(ledger, "record", after=end, mark=recorded)
            self._around(
                ledger,
                "add_worker",
                after="while a sender registers",
                mark="after a sender registered",
            )
            return
        middle, commit = SCHEDULER_STEPS[:2]
        for name in ("give_back", "record", "mark_in_doubt", "worker_left"):
            self._around(ledger, name, after=middle, mark=commit)
        self._around(distributions, "fall_out", after="while people fall out")
        self._around(distributions, "move_wave", after="while a batch opens or ends")

    def _wrap_bulk(self, step: str) -> None:
        """Between the change of the deliveries and the attempts and events that go with it."""
        from mailer.store.postgres import PostgresTx
        from mailer.store.sqlite import SqliteTx

        for kind in (SqliteTx, PostgresTx):
            self._wrap_bulk_of(kind, step)

    def _wrap_bulk_of(self, kind: Any, step: str) -> None:
        original, doom = kind.bulk_rows, self

        def bulk_rows(self: Any, name: str, /, *rest: Any) -> Any:
            changed = original(self, name, *rest)
            if name == "ledger.record":
                doom.passing(step)
            return changed

        kind.bulk_rows = bulk_rows

    def _wrap_spool(self) -> None:
        from mailer.distribution import subscriptions
        from mailer.store import suppression

        self._around(suppression, "add", after="in the middle of applying the spool")
        self._around(
            subscriptions, "_apply_all", after="after the spool was applied, before its files go"
        )

    def _wrap_files(self) -> None:
        from mailer.distribution import journal

        self._around(
            journal,
            "remove",
            before="in recovery, before the journal goes",
            after="in recovery, after the journal went",
        )
        unlink, rename, doom = Path.unlink, Path.rename, self

        def unlinked(self: Path, missing_ok: bool = False) -> None:
            unlink(self, missing_ok)
            if self.parent.name == "optouts":
                doom.passing("while the spool's files go")

        def renamed(self: Path, target: Any) -> Any:
            if self.suffix == ".next":
                doom.passing("before the journal's new file takes its place")
            done = rename(self, target)
            if self.suffix == ".next":
                doom.passing("after the journal's new file took its place")
            return done

        Path.unlink, Path.rename = unlinked, renamed  # type: ignore[method-assign]

    def _wrap_journal(self) -> None:
        from mailer.distribution import journal

        if self.step.endswith("its place"):
            journal._ROLL = 2000  # a journal that would need a hundred thousand messages to roll
        before_dot, after_dot, wire, before_reply, after_reply = SENDER_STEPS[2:7]
        self._around(journal.Journal, "dotted", before=before_dot, after=after_dot)
        self._around(journal.Journal, "replied", before=before_reply, after=after_reply)
        self._around(journal.Journal, "recorded", after="while the journal forgets")
        if self.step != wire:
            return
        dotted = journal.Journal.dotted

        def written(*args: Any, **kwargs: Any) -> None:
            dotted(*args, **kwargs)
            # The write follows in this turn of the event loop; the reply cannot.
            wait = self._chance.uniform(0.0, 0.004)
            asyncio.get_running_loop().call_later(wait, self.passing, wire)

        journal.Journal.dotted = written  # type: ignore[method-assign]
