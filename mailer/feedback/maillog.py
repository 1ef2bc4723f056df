"""Reading a mail server's log for messages that we are not certain of: Postfix, and Exim's main
log.

Pure and streaming: lines in, what became of the wanted Message-IDs out. What is kept is bounded
by the number of wanted messages, whatever the log holds. Nothing in a log is trusted to be
well-formed: a line that does not fit is passed over.

Postfix's cleanup writes the Message-ID while a message still arrives, so that line alone does not
say that the server took it; qmgr's "queue active", a delivery agent's "to=" or "removed" of the
same queue id do (postfix source cleanup_message.c, qmgr_active.c). Exim writes "<=" with "id="
once it has taken a message (Exim specification, "Log files").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

MOST_LINE = 16_384
"""Longest part of a line that is read, in bytes."""

_QUEUES_EACH = 8
"""Queue ids followed for one message: content filters hand it in again under another."""


@dataclass(slots=True)
class Trace:
    """What the log says of one wanted message.

    `taken`: the server has or had it in its queue. `status`: "sent", "deferred", "bounced" …, as
    the log last said of it, "" if nothing; `text` the words with it; `queue` the queue id.
    """

    message_id: str
    queue: str = ""
    taken: bool = False
    status: str = ""
    text: str = ""

    @property
    def words(self) -> str:
        """The log's words in one line, for the ledger."""
        parts = (self.queue, f"status={self.status}" if self.status else "", self.text)
        return " ".join(part for part in parts if part)


@dataclass(slots=True)
class MailLog:
    """What was found: traces by Message-ID, the time that the log covers, lines understood."""

    traces: dict[str, Trace]
    first: datetime | None = None
    last: datetime | None = None
    lines: int = 0

    def covers(self, at: datetime, *, margin: timedelta = timedelta(minutes=1)) -> bool:
        """Whether the log began before an instant and went on after it, with a margin."""
        return (
            self.first is not None
            and self.last is not None
            and self.first <= at - margin
            and at + margin <= self.last
        )


def read(
    lines: Iterable[bytes], wanted: Collection[str], *, now: datetime, zone: tzinfo = UTC
) -> MailLog:
    """Follow the `wanted` Message-IDs (with angle brackets) through a log.

    `now` and `zone` (of the machine that wrote it) complete times that name no year or zone.
    """
    log = MailLog({})
    clock = _Clock(now, zone)
    followed = _Followed(log, {each.lower(): each for each in wanted})
    for raw in lines:
        text = raw[:MOST_LINE].decode("utf-8", "backslashreplace").rstrip("\r\n")
        found = _POSTFIX.match(text)
        exim = None if found else _EXIM.match(text)
        match = found or exim
        if match is None:
            continue
        at = clock.read(match["at"])
        if at is None:
            continue
        log.lines += 1
        log.first = at if log.first is None else min(log.first, at)
        log.last = at if log.last is None else max(log.last, at)
        if found is not None:
            followed.line(found)
        elif exim is not None:
            followed.exim(exim)
    return log


def bounded_lines(read_line: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines out of pieces of at most a buffer's length: the rest of a long one is dropped."""
    inside = False
    for piece in read_line:
        if not inside:
            yield piece
        inside = not piece.endswith(b"\n")


_TIME = (
    r"(?P<at>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?)"
)
_POSTFIX = re.compile(
    rf"(?:<\d{{1,3}}>)?{_TIME} (?P<host>\S{{1,255}}) "
    r"(?P<name>[\w.-]{1,60})(?:/[\w.-]{1,60}){0,3}/(?P<program>[\w-]{1,40})\[\d{1,10}\]: "
    r"(?:\[ID \d+ \S+\] )?(?P<queue>[0-9A-F]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,40}): "
    r"(?P<rest>.*)"
)
_EXIM = re.compile(
    rf"{_TIME} (?:\[\d+\] )?(?P<queue>\w{{6,11}}-\w{{6,11}}-\w{{2,4}}) (?P<mark><=|=>|->|\*\*|==) "
    r"(?P<rest>.*)"
)
_EXIM_ID = re.compile(r"(?:^| )id=(\S{1,1000})")
_EXIM_STATUS = {"=>": "sent", "->": "sent", "**": "bounced", "==": "deferred"}
_STATUS = re.compile(r"\bstatus=(\w{1,20})(?: \((.*)\))?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AGENTS = frozenset({"smtp", "lmtp", "local", "virtual", "relay", "pipe", "error", "discard"})


class _Followed:
    """Which queue ids belong to wanted messages, and what is said of them."""

    def __init__(self, log: MailLog, wanted: dict[str, str]) -> None:
        self._log = log
        self._wanted = wanted
        self._queues: dict[tuple[str, str, str], Trace] = {}
        self._count: dict[str, int] = {}

    def line(self, match: re.Match[str]) -> None:
        program, rest = match["program"], match["rest"]
        key = (match["host"], match["name"], match["queue"])
        if program == "cleanup":
            head, mark, named = rest.partition("message-id=")
            if mark and not head.strip(" ,").replace("resent-", ""):
                self._begin(key, named.strip())
            elif "milter-reject" in rest or "reject:" in rest:
                self._drop(key)
            return
        trace = self._queues.get(key)
        if trace is None:
            return
        if program == "qmgr":
            if "removed" in rest:
                trace.taken = True
                self._drop(key)  # short queue ids are used again
            elif "queue active" in rest:
                trace.taken = True
        elif program in _AGENTS and rest.startswith(("to=", "orig_to=")):
            self._status(trace, rest, match["queue"])

    def exim(self, match: re.Match[str]) -> None:
        key = ("", "exim", match["queue"])
        if match["mark"] == "<=":
            named = _EXIM_ID.search(match["rest"])
            if named is not None:
                self._begin(key, f"<{named[1].strip('<>')}>")
                if key in self._queues:
                    self._queues[key].taken = True
        elif (trace := self._queues.get(key)) is not None:
            trace.status = _EXIM_STATUS[match["mark"]]
            trace.text = match["rest"][:300]

    def _begin(self, key: tuple[str, str, str], message_id: str) -> None:
        self._queues.pop(key, None)
        wanted = self._wanted.get(message_id[:1000].lower())
        if wanted is None or self._count.get(wanted, 0) >= _QUEUES_EACH:
            return
        self._count[wanted] = self._count.get(wanted, 0) + 1
        trace = self._log.traces.setdefault(wanted, Trace(wanted))
        trace.queue = key[2]
        self._queues[key] = trace

    def _drop(self, key: tuple[str, str, str]) -> None:
        trace = self._queues.pop(key, None)
        if trace is not None:
            self._count[trace.message_id] -= 1

    @staticmethod
    def _status(trace: Trace, rest: str, queue: str) -> None:
        found = _STATUS.search(rest)
        if found is None:
            return
        trace.taken = True
        trace.queue = queue
        trace.status, trace.text = found[1], (found[2] or "")[:300]


class _Clock:
    """Times of log lines, completed by what they leave out."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self._now = now
        self._zone = zone
        self._known: tuple[str, datetime | None] = ("", None)

    def read(self, text: str) -> datetime | None:
        """The instant, None when there is no such time. The same second is read once."""
        if text != self._known[0]:
            self._known = (text, self._read(text))
        return self._known[1]

    def _read(self, text: str) -> datetime | None:
        try:
            if text[0].isdigit():
                at = datetime.fromisoformat(text.replace(",", ".").replace(" ", "T", 1))
                return at if at.tzinfo else at.replace(tzinfo=self._zone)
            month = _MONTHS.index(text[:3]) + 1
            day, hour, minute, second = (int(text[n : n + 2]) for n in (4, 7, 10, 13))
            # The latest such date that is not in the future; a day's grace for wrong clocks.
            for year in (self._now.year + 1, self._now.year, self._now.year - 1):
                try:
                    at = datetime(year, month, day, hour, minute, min(second, 59), 0, self._zone)
                except ValueError:
                    continue  # 29 February of another year
                if at <= self._now + timedelta(days=1):
                    return at
        except (ValueError, OverflowError):
            pass
        return None
