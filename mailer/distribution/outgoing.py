"""Claimed deliveries as messages ready for the wire: merged, dated and signed, then hashed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence

from mailer.clock import SECOND
from mailer.distribution.context import Newsroom
from mailer.distribution.job import Job
from mailer.errors import MailerError
from mailer.message.tokens import verp_address
from mailer.smtp.model import Outgoing

_MERGED_TOGETHER, _SIGNED_TOGETHER = 64, 8
"""Messages of one slice, without and with signatures."""

_FRESH = SECOND
"""For how long (UTC microseconds) a message stays as it was prepared; later it is dated anew."""


def prepare(room: Newsroom, jobs: Sequence[Job]) -> Iterator[None]:
    """Merge and sign deliveries ahead, in slices of one or two milliseconds: one after the other
    takes a third less than each by itself between system calls. What cannot be written is met
    again by `outgoing`."""
    at = 0
    while at < len(jobs):
        size = _MERGED_TOGETHER if jobs[at].signing is None else _SIGNED_TOGETHER
        now = room.clock.now()
        for job in jobs[at : at + size]:
            if not job.chunks:
                with contextlib.suppress(ValueError, MailerError):
                    _make(room, job, now)
        at += size
        yield


def outgoing(room: Newsroom, job: Job) -> Outgoing:
    """The job's message; its date (of now, or a moment ago when it was prepared), signature and
    SHA-256 are noted in the job.

    Raises ValueError or MailerError when one person's data cannot be written into a message.
    """
    now = room.clock.now()
    if not (job.chunks and 0 <= now - job.sent_date <= _FRESH):
        _make(room, job, now)
    chunks = [job.signed, *job.chunks] if job.signed else job.chunks
    # In one piece: each large update would let go of the interpreter and take it again.
    whole = b"".join(chunks)
    job.sha256 = hashlib.sha256(whole).digest()
    email = job.recipient.email
    return Outgoing(
        delivery=job.claimed.id,
        mail_from=job.mail_from,
        rcpt_to=email,
        chunks=chunks,
        size=len(whole),
        smtputf8=not email.isascii(),
        context=job,
        whole=whole,
    )


def _make(room: Newsroom, job: Job, now: int) -> None:
    """Write the message, dated `now`, or date it anew, and sign it: all of it or nothing."""
    if job.chunks:
        chunks = job.template.dated(job.chunks, job.template.letterhead.date(now))
    else:
        chunks = _merged(room, job, now)
    if job.signing is not None:
        job.chunks = []
        signed = job.signing.sign(chunks, now)
        job.signed, job.signature = signed.header, signed.signature
    job.chunks, job.sent_date = chunks, now


def _merged(room: Newsroom, job: Job, now: int) -> list[bytes]:
    claimed = job.claimed
    values = job.template.letterhead.values(
        job.recipient,
        delivery=claimed.id,
        journalist=claimed.acts_for,
        list_id=claimed.list,
        keys=room.keys,
        date=now,
    )
    job.mail_from = verp_address(
        room.config.newsroom.bounce_address, claimed.id, room.keys, values["bounce_tag"]
    )
    return job.template.merge(values)
