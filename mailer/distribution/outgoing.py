"""Claimed deliveries as messages ready for the wire: merged, then dated, signed and hashed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable

from mailer.clock import SECOND
from mailer.distribution.context import Newsroom
from mailer.distribution.job import Job
from mailer.errors import MailerError
from mailer.message.tokens import verp_address
from mailer.smtp.model import Outgoing


def merge(room: Newsroom, jobs: Iterable[Job]) -> None:
    """Merge some deliveries, all but the date: one after the other takes a third less than each by
    itself between system calls. What cannot be merged is met again by `outgoing`."""
    now = room.clock.now()
    for job in jobs:
        if not job.chunks:
            with contextlib.suppress(ValueError, MailerError):
                _merge(room, job, now)


def outgoing(room: Newsroom, job: Job) -> Outgoing:
    """The job's message, dated now; its date, signature and SHA-256 are noted in the job.

    Raises ValueError or MailerError when one person's data cannot be written into a message.
    """
    job.sent_date = now = room.clock.now()
    if not job.chunks:
        _merge(room, job, now)
    chunks = job.chunks
    if job.dated != now // SECOND:
        chunks = job.template.dated(chunks, job.template.letterhead.date(now))
        job.dated = now // SECOND
    if job.signing is not None:
        signed = job.signing.sign(chunks, now)
        chunks = [signed.header, *chunks]
        job.signature = signed.signature
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


def _merge(room: Newsroom, job: Job, now: int) -> None:
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
    job.chunks = job.template.merge(values)
    job.dated = now // SECOND
