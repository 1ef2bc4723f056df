"""What was sent, byte for byte: rebuilt from the ledger and proved by its SHA-256.

Nothing of today's configuration, templates or keys for signing goes in: the compiled template
holds the newsroom as it was, the delivery what was said of the person, the attempt its date and
its signature. Only the token key of the delivery's links must still be there (design decision 7).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from mailer.distribution.context import Newsroom
from mailer.distribution.log import delivery_number, iso
from mailer.errors import CheckFailed, MailerError, NotFound
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient
from mailer.message.values import slot_values
from mailer.store import distributions, ledger
from mailer.store.base import Row, Tx


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The bytes of one attempt, CRLF line ends, dots not doubled; `date` is UTC µs."""

    attempt: int
    date: int
    sha256: str
    data: bytes


def as_sent(room: Newsroom, reference: str, attempt: int | None = None) -> SentMessage:
    """The message of a delivery's last attempt that had one, or of the attempt named.

    Raises NotFound for an unknown delivery or attempt, one that came to no message, one whose copy
    is past its retention, and when the person's data were erased; CheckFailed when what is rebuilt
    is not what was sent.
    """
    number = delivery_number(reference)
    with room.store.read() as tx:
        row = distributions.delivery(tx, number)
        if row is None:
            raise NotFound(f"there is no delivery {reference}.", hint="`mailer log` lists them.")
        tried = _attempt(distributions.attempts(tx, number), reference, attempt)
        if row["frozen"] is None and row["messages_gone_at"] is not None:
            raise _past_retention(room, reference, tried)
        if row["frozen"] is None:
            raise NotFound(
                f"what delivery {reference} said of the journalist was erased, so its message "
                "cannot be written again.",
                hint="Time, answer and SHA-256 of it stay: `mailer show` without --eml.",
            )
        template = MergeTemplate.from_bytes(ledger.compiled(tx, row["compiled"]))
        signer = _signer_text(tx, tried)
    expected = bytes(tried["sha256"])
    recipient = Recipient(**json.loads(row["frozen"]))
    if recipient.key_id not in room.keys.keys:
        raise CheckFailed(
            f"the message of delivery {reference} cannot be written again: its links were made "
            f"with token key {recipient.key_id}, which is missing; known of it are the time "
            f"({iso(tried['at'])}), the answer ({tried['code']} {tried['reply']}) and the SHA-256 "
            f"({expected.hex()}), by which a copy of it can be proved.",
            where="keys/token.keys",
            hint="Put the line of that key back: old links need it as well.",
        )
    try:
        data = _rebuilt(room, row, recipient, template, tried, signer)
    except MailerError as error:
        raise CheckFailed(
            f"the message of delivery {reference} cannot be written again: {error}"
        ) from None
    if hashlib.sha256(data).digest() != expected:
        raise CheckFailed(
            f"what could be rebuilt of delivery {reference} is not what was sent: its SHA-256 "
            f"differs from the one in the ledger ({expected.hex()[:16]}…).",
            hint="A key in keys/token.keys was exchanged, or the ledger was altered.",
        )
    return SentMessage(tried["number"], tried["sent_date"], expected.hex(), data)


def _past_retention(room: Newsroom, reference: str, tried: Row) -> NotFound:
    days = round(room.config.retention.messages / 86_400)
    return NotFound(
        f"the copy of delivery {reference} is past its retention ({days:,} days after the last "
        "attempt), so its message cannot be written again; known of it are the time "
        f"({iso(tried['at'])}), the answer ({tried['code']} {tried['reply']}) and the SHA-256 "
        f"({bytes(tried['sha256']).hex()}), by which a copy of it can be proved.",
        hint="How long copies are kept stands under [retention] in config.toml.",
    )


def _attempt(attempts: list[Row], reference: str, number: int | None) -> Row:
    made = [each for each in attempts if each["sha256"] is not None]
    if number is not None:
        made = [each for each in made if each["number"] == number]
    if not made:
        which = "no attempt" if number is None else f"no attempt {number}"
        raise NotFound(
            f"delivery {reference} has {which} with a message.",
            hint=f"`mailer show {reference}` lists its attempts.",
        )
    return made[-1]


def _signer_text(tx: Tx, attempt: Row) -> str | None:
    if attempt["signer"] is None:
        return None
    text = ledger.signer_text(tx, attempt["signer"])
    if text is None:
        raise CheckFailed(f"the ledger has lost the signer {attempt['signer']} of this message.")
    return text


def _rebuilt(
    room: Newsroom,
    row: Row,
    recipient: Recipient,
    template: MergeTemplate,
    attempt: Row,
    signer: str | None,
) -> bytes:
    values = slot_values(
        recipient,
        delivery=row["id"],
        journalist=row["journalist"],
        list_id=row["list_id"],
        sender=template.sender,
        keys=room.keys,
        date=attempt["sent_date"],
        language=template.language,
    )
    chunks = template.merge(values)
    if signer is None:
        return b"".join(chunks)
    from mailer.message.dkim import signature_header

    signature = bytes(attempt["signature"])
    return signature_header(signer, signature, chunks, attempt["sent_date"]) + b"".join(chunks)
