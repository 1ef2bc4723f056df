"""A short letter of the program itself to one person: plain text, one link, no list behind it.

It goes to whoever asked for it a moment ago, so it has no way to leave and is marked as automatic
(RFC 3834), which keeps auto-replies away.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parseaddr

from mailer.message.headers import mailbox_field, unstructured
from mailer.message.merge import MergeTemplate
from mailer.message.model import Sender
from mailer.message.quoted import encode_static
from mailer.message.values import Letterhead
from mailer.message.wrap import wrap


def letter(
    sender: Sender,
    *,
    to: str,
    subject: str,
    paragraphs: Sequence[str],
    language: str,
    message_id: str,
    date: int,
) -> MergeTemplate:
    """A whole message with nothing to fill in; `merge({})` gives its bytes.

    `message_id` is without angle brackets, `date` the instant (UTC µs) of its Date. A paragraph
    without a space in it, a link, is never broken. Raises CheckFailed for what cannot stand in a
    header.
    """
    name, address = parseaddr(sender.sender)
    fields = [
        mailbox_field("From", name, address),
        *([mailbox_field("Reply-To", "", parseaddr(sender.reply_to)[1])] * bool(sender.reply_to)),
        mailbox_field("To", "", to),
        unstructured("Subject", subject),
        f"Date: {Letterhead(sender, language).date(date)}",
        f"Message-ID: <{message_id}>",
        "MIME-Version: 1.0",
        f"Content-Language: {language}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
    ]
    signature = "\n".join(["-- ", sender.name, *filter(None, [sender.postal_address])])
    text = "\n\n".join([*("\n".join(wrap(each)) for each in paragraphs), signature]) + "\n"
    body = "".join(str(piece) for piece in encode_static([text]))
    return MergeTemplate(
        subject=subject,
        language=language,
        sender=sender,
        parts=("\r\n".join(fields) + "\r\n\r\n" + body,),
        html_size=0,
        encoded_html_size=0,
        text_size=len(text.encode()),
    )
