"""One claimed delivery as a message ready for the wire: merged, signed, hashed."""

from __future__ import annotations

import hashlib

from mailer.distribution.context import Newsroom
from mailer.distribution.job import Job
from mailer.message.tokens import verp_address
from mailer.smtp.model import Outgoing


def outgoing(room: Newsroom, job: Job) -> Outgoing:
    """The job's message, dated now; its date, signature and SHA-256 are noted in the job.

    Raises ValueError or MailerError when one person's data cannot be written into a message.
    """
    claimed, template = job.claimed, job.template
    job.sent_date = now = room.clock.now()
    values = template.letterhead.values(
        job.recipient,
        delivery=claimed.id,
        journalist=claimed.acts_for,
        list_id=claimed.list,
        keys=room.keys,
        date=now,
    )
    chunks = template.merge(values)
    if job.signing is not None:
        signed = job.signing.sign(chunks, now)
        chunks.insert(0, signed.header)
        job.signature = signed.signature
    # In one piece: each large update would let go of the interpreter and take it again.
    whole = b"".join(chunks)
    job.sha256 = hashlib.sha256(whole).digest()
    email = job.recipient.email
    return Outgoing(
        delivery=claimed.id,
        mail_from=verp_address(
            room.config.newsroom.bounce_address, claimed.id, room.keys, values["bounce_tag"]
        ),
        rcpt_to=email,
        chunks=chunks,
        size=len(whole),
        smtputf8=not email.isascii(),
        context=job,
        whole=whole,
    )
