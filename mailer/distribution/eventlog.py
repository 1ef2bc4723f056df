"""What a supervisor and its children report, as structured log lines for machines.

`EventLog.tell` takes the events that `Supervisor` tells; each becomes one JSON object a line with
`time` (UTC), `level`, `event`, `host`, `child` and the fields that `EVENTS` names. Nothing else of
an event is ever written, a mail server's own words never (they may quote a name or a subject), and
texts go through `mask`: no address, token or password stands in a log. It runs in the supervisor's
process, beside which senders go on; nothing waits for it.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from structlog.typing import EventDict, WrappedLogger

from mailer.clock import Clock, SystemClock
from mailer.distribution.context import host_name
from mailer.distribution.log import iso
from mailer.errors import UsageError
from mailer.message.tokens import delivery_code
from mailer.store.distributions import DELIVERY_SHIFT

STANDARD_ERROR = "-"
"""The place that means standard error instead of a file."""


class Kind(NamedTuple):
    """How an event is logged: its level, and which of its fields besides the stable ones."""

    level: str
    fields: tuple[str, ...] = ()


EVENTS: Mapping[str, Kind] = {
    "ready": Kind("info", ("worker",)),
    "progress": Kind("info", ("counts",)),
    "in_doubt": Kind("warning", ("count", "deliveries", "distributions")),
    "recovered": Kind(
        "warning", ("workers", "requeued", "recorded", "in_doubt", "deliveries", "distributions")
    ),
    "restarted": Kind("error", ("code",)),
    "trouble": Kind("warning", ("reason", "repeats")),
    "away": Kind("warning", ("route", "phase", "code", "enhanced", "reason", "repeats")),
    "paused": Kind("warning", ("route", "reason", "repeats")),
    "blocked": Kind("error", ("reason", "repeats")),
    "stands": Kind("error", ("reason",)),
    "goes_on": Kind("info", ("reason",)),
    "fatal": Kind("critical", ("reason", "exit_code")),
    "ended": Kind("info", ("counts", "recovered", "restarted")),
    "log_gap": Kind("error", ("lines",)),
}
"""Every event with a line in the log. The names are kept: scripts rely on them."""

NOT_LOGGED = frozenset({"swept"})
"""Events that are no news: each sweep of the scheduler."""

_REPEATED = frozenset(kind for kind, how in EVENTS.items() if "repeats" in how.fields)
_REPEAT_AFTER = 60.0
_PROGRESS_EVERY = 10.0
_MOST_IDS = 100
_LONGEST = 1000


class EventLog:
    """Writes events to `place`, a file that is appended to or `STANDARD_ERROR`.

    A file is made with mode 600 and opened anew once it was moved away, as logrotate does. The
    counts of `progress` are summed, and written every ten seconds and at the end; what a child in
    trouble says again and again is written once a minute. A disk that is full or gone ends no
    sending: `log_gap` says later how many lines are missing. Use it in a `with` block; raises
    UsageError when the file cannot be opened.
    """

    def __init__(self, place: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._host = host_name()
        self._out: _File | None = None if place == STANDARD_ERROR else _File(Path(place))
        self._log = structlog.wrap_logger(
            _Lines(self._out),
            processors=[
                structlog.stdlib.add_log_level,
                self._line,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=False,
        )
        self._counts: Counter[str] = Counter()
        self._counted_from = 0.0
        self._said: dict[tuple[str, ...], list[float]] = {}
        self._lost = 0

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._write_progress()
        if self._out is not None:
            self._out.close()

    def tell(self, event: Mapping[str, Any]) -> None:
        """One event of a supervisor; what `EVENTS` does not name is left out."""
        kind = event["event"]
        now = self._clock.monotonic()
        if kind == "progress":
            if not self._counts:
                self._counted_from = now
            self._counts.update({k: n for k, n in event.items() if type(n) is int})
        elif kind in EVENTS:
            self._write(kind, event, now)
        if self._counts and now - self._counted_from >= _PROGRESS_EVERY:
            self._write_progress()

    def ended(
        self, counts: Mapping[str, int], recovered: Mapping[str, int], restarted: int
    ) -> None:
        """The end of a run in order: what it did in all."""
        self._write_progress()
        fields = {"counts": counts, "recovered": recovered, "restarted": restarted}
        self._write("ended", fields, self._clock.monotonic())

    def _write_progress(self) -> None:
        if self._counts:
            counts, self._counts = dict(self._counts), Counter()
            self._write("progress", {"counts": counts}, self._clock.monotonic())

    def _write(self, kind: str, event: Mapping[str, Any], now: float) -> None:
        known = dict(event)
        if known.get("code") and kind == "away":
            del known["reason"]  # a server's words, which may quote a name or a subject
        if kind in _REPEATED:
            what = ("route", "phase", "code", "reason")
            same = (kind, str(known.get("child")), *(str(known.get(name)) for name in what))
            said = self._said.get(same)
            if said is not None and now - said[0] < _REPEAT_AFTER:
                said[1] += 1
                return
            known["repeats"] = int(said[1]) if said else 0
            # What was said long ago and not again is forgotten, so that this does not grow.
            old = now - 2 * _REPEAT_AFTER
            self._said = {key: each for key, each in self._said.items() if each[0] > old}
            self._said[same] = [now, 0]
        if ids := known.get("deliveries"):
            known["count"] = len(ids)
            known["distributions"] = sorted({number >> DELIVERY_SHIFT for number in ids})[
                :_MOST_IDS
            ]
            known["deliveries"] = [delivery_code(number) for number in ids[:_MOST_IDS]]
        how = EVENTS[kind]
        fields = {name: known[name] for name in how.fields if name in known}
        try:
            if self._lost:
                gap = EVENTS["log_gap"]
                self._emit(gap.level, "log_gap", "supervisor", {"lines": self._lost})
                self._lost = 0
            self._emit(how.level, kind, known.get("child", "supervisor"), fields)
        except OSError:
            self._lost += 1

    def _emit(self, level: str, kind: str, child: str, fields: Mapping[str, Any]) -> None:
        getattr(self._log, level)(kind, child=child, **fields)

    def _line(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """The stable fields first, then those of the event, without what looks secret."""
        head = {
            "time": iso(self._clock.now()),
            "level": event.pop("level"),
            "event": event.pop("event"),
            "host": self._host,
            "child": event.pop("child"),
        }
        return {**head, **{name: _masked(value) for name, value in event.items()}}


def mask(text: str) -> str:
    """The text without what looks like a mail address, a token or a password; at most 1,000
    characters of it."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[0] + " …"  # not half an address
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


_SECRETS: Sequence[tuple[re.Pattern[str], str]] = (
    # Quoted local parts may hold spaces; servers also write signs that look like an @.
    (re.compile(r'(?:\S*"[^"]*"|\S*)\s*[@＠﹫]\s*\S*'), "[address]"),
    (re.compile(r"(?i)\b(pass(?:word|wd)?|secret|token)\s*[=:]\s*\S+"), r"\1=[secret]"),
    (re.compile(r"[A-Za-z0-9_=+-]{32,}"), "[token]"),
)


def _masked(value: Any) -> Any:
    return mask(value) if isinstance(value, str) else value


class _File:
    """A file that lines are appended to, each in one write; it may be moved away meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        try:
            self._open()
        except OSError as error:
            raise UsageError(
                f"the log cannot be written ({error.strerror}).",
                where=str(path),
                hint="Name a file in a folder that mailer may write to, or - for stderr.",
            ) from error

    def append(self, line: str) -> None:
        """Raises OSError when it cannot be written whole."""
        try:
            here, there = os.fstat(self._fd), self._path.stat()
            moved = (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)
        except FileNotFoundError:
            moved = True
        if moved:
            self._open()
        data = f"{line}\n".encode("utf-8", "backslashreplace")
        if os.write(self._fd, data) != len(data):
            os.write(self._fd, b"\n")  # half a line on a full disk is not to join the next
            raise OSError("the disk is full")

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
        fd = os.open(self._path, flags, 0o600)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd


class _Lines:
    """The logger below structlog's: a rendered line goes out as it is, whatever its level."""

    def __init__(self, out: _File | None) -> None:
        self._out = out

    def info(self, line: str) -> None:
        if self._out is not None:
            self._out.append(line)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    warning = error = critical = info
