"""Deciding what is in doubt: send again, count as accepted, or ask the mail server's log (H8).

Nothing is sent again because a log does not mention it, unless the officer says so and the log
covers the time. A message sent again keeps its Message-ID, and every gate holds for it as for
any other.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.audience.address import AddressError, identity, normalise
from mailer.clock import to_datetime
from mailer.distribution import rules
from mailer.distribution.context import Newsroom
from mailer.distribution.control import existing
from mailer.distribution.log import delivery_number
from mailer.errors import InputError, NotFound, Refused, UsageError
from mailer.feedback import maillog
from mailer.feedback.maillog import MailLog
from mailer.message.values import message_id
from mailer.store import doubts, ledger
from mailer.store.base import Tx
from mailer.store.core import raise_control
from mailer.store.doubts import Doubtful


@dataclass(slots=True)
class Resolved:
    """How many deliveries were decided how. `left` stay in doubt: `absent` of them the log does
    not mention although it covers their time, `uncovered` of them it cannot know about, and
    `unfinished` of them it mentions without saying that the server took them, and `away` of them
    were to be sent again to somebody who is away or paused."""

    delivered: int = 0
    resent: int = 0
    left: int = 0
    absent: int = 0
    uncovered: int = 0
    unfinished: int = 0
    away: int = 0
    notes: list[str] = field(default_factory=list)


def resolve(
    room: Newsroom,
    number: int,
    actor: str,
    *,
    resend: bool = False,
    delivered: bool = False,
    from_maillog: Path | None = None,
    only: str | None = None,
    dry_run: bool = False,
) -> Resolved:
    """Decide the deliveries of a distribution that are in doubt, all in one transaction.

    `only` is an address or a delivery's code. With `from_maillog`, `resend` is for those that the
    log would have to mention and does not. Raises UsageError for contradicting choices, NotFound,
    InputError for a file that cannot be read, Refused when the distribution was stopped for good.
    """
    if (resend and delivered) or (delivered and from_maillog is not None):
        raise UsageError("say one of --resend, --delivered and --from-maillog.")
    if not (resend or delivered or from_maillog is not None):
        raise UsageError("say what is to become of them: --resend, --delivered or --from-maillog.")
    with room.store.read() as tx:
        pending = _pending(room, tx, number, only)
    log = None if from_maillog is None else _read_log(room, from_maillog, pending)
    with room.store.write() as tx:
        # Again: another officer, or the sender's own late answer, may have been quicker.
        pending = _pending(room, tx, number, only)
        done = Resolved()
        people = {each.id: each.journalist for each in pending} if resend else {}
        away = rules.absences(room, tx, number, people)
        for each in pending:
            _decide(room, tx, number, each, actor, log, resend, away.get(each.id), dry_run, done)
        if done.resent and not dry_run:
            raise_control(tx)
    return done


def _pending(room: Newsroom, tx: Tx, number: int, only: str | None) -> list[Doubtful]:
    existing(tx, number)
    found = doubts.deliveries(tx, number)
    if only is not None:
        if "@" in only and not only.strip().startswith("<"):
            try:
                wanted_address = identity(normalise(only).email)
            except AddressError as error:
                raise UsageError(f"{only} is no address: {error.reason}") from None
            found = [e for e in found if e.email and identity(e.email) == wanted_address]
        else:
            wanted = delivery_number(only)
            found = [each for each in found if each.id == wanted]
        if not found:
            raise NotFound(
                f"nothing of distribution {number} for {only} is in doubt.",
                hint=f"`mailer log {number} --state in_doubt` lists what is.",
            )
    return found


def _decide(
    room: Newsroom,
    tx: Tx,
    number: int,
    each: Doubtful,
    actor: str,
    log: MailLog | None,
    resend: bool,
    away: str | None,
    dry_run: bool,
    done: Resolved,
) -> None:
    trace = None if log is None else log.traces.get(message_id(each.id, room.sender))
    if log is None and not resend:
        done.delivered += _settle(tx, each, actor, "", f"accepted by {actor}'s word", dry_run)
    elif trace is not None and trace.taken:
        reason = "accepted, as the mail server's log says"
        done.delivered += _settle(tx, each, actor, trace.words, reason, dry_run)
        if trace.status not in ("", "sent"):
            done.notes.append(f"{each.email or each.id}: {trace.words}")
    elif log is None:
        _send_again(tx, number, each, actor, away, dry_run, done)
    elif trace is not None:
        done.left += 1
        done.unfinished += 1
    elif not all(log.covers(to_datetime(at)) for at in each.between):
        done.left += 1
        done.uncovered += 1
    elif resend:
        _send_again(tx, number, each, actor, away, dry_run, done)
    else:
        done.left += 1
        done.absent += 1


def _settle(tx: Tx, each: Doubtful, actor: str, reply: str, reason: str, dry_run: bool) -> bool:
    return dry_run or doubts.settle(tx, each.id, actor, reply=reply, reason=reason)


def _send_again(
    tx: Tx,
    number: int,
    each: Doubtful,
    actor: str,
    away: str | None,
    dry_run: bool,
    done: Resolved,
) -> None:
    if each.distribution_state in ("cancelled", "killed") or each.wave_state in (
        "cancelled",
        "dropped",
    ):
        state = (
            each.distribution_state
            if each.distribution_state in ("cancelled", "killed")
            else f"batch {each.wave} is {each.wave_state}"
        )
        raise Refused(
            f"distribution {number} was stopped for good ({state}); nothing of it is sent again.",
            hint="--delivered or --from-maillog decide what is in doubt without sending.",
        )
    if away is not None:
        done.left += 1
        done.away += 1
        done.notes.append(
            f"{each.email} {away}: not sent again; "
            f'`mailer send-to {number} --email {each.email} --again --reason "why"` sends it.'
        )
    elif dry_run:
        done.resent += 1
    elif ledger.resend_doubtful(tx, number, each.id, actor):
        doubts.reopen(tx, number, each.wave, actor)
        done.resent += 1


def _read_log(room: Newsroom, path: Path, pending: list[Doubtful]) -> MailLog:
    wanted = {message_id(each.id, room.sender) for each in pending}
    zone = _machine_zone()
    try:
        with _opened(path) as file:
            pieces = iter(lambda: file.readline(maillog.MOST_LINE), b"")
            lines = maillog.bounded_lines(pieces)
            log = maillog.read(lines, wanted, now=to_datetime(room.clock.now()), zone=zone)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it is broken"
        raise InputError(
            f"The mail log cannot be read: {reason.lower()}.",
            where=str(path),
            hint="Nothing was changed.",
        ) from None
    if not log.lines:
        raise InputError(
            "No line of this file is one of a mail log that mailer knows (Postfix, Exim).",
            where=str(path),
            hint="Nothing was changed.",
        )
    return log


def _machine_zone() -> tzinfo:
    """The zone in which this machine's syslog writes times that name none."""
    with suppress(ZoneInfoNotFoundError, ValueError, OSError):
        if name := os.environ.get("TZ", "").lstrip(":"):
            return ZoneInfo(name)
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    return UTC


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    with path.open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as packed:
                yield packed
        else:
            yield raw
