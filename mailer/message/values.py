"""The values that differ by journalist: written once at the first claim, reused for ever.

Standard library only: a sender process makes them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from copy import copy
from datetime import datetime
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, to_datetime
from mailer.errors import ConfigError
from mailer.message import phrases
from mailer.message.headers import CONTROLS, quoted_string
from mailer.message.model import Recipient, Sender
from mailer.message.tokens import (
    AGREE,
    PREFERENCES,
    UNSUBSCRIBE,
    Token,
    TokenKeys,
    delivery_code,
    mint,
    signed_names,
)

SLOTS = (
    "journalist.greeting",
    "journalist.first_name",
    "journalist.last_name",
    "journalist.name",
    "journalist.outlet",
    "unsubscribe_url",
    "preferences_url",
    "embargo_url",
    "reason",
    "list_title",
)
"""Slots that templates may print. The header's own are not among them."""

URL_SLOTS = frozenset({"unsubscribe_url", "preferences_url", "embargo_url"})
"""Slots whose value is an address of the newsroom's public pages."""


def slot_values(
    recipient: Recipient,
    *,
    delivery: int,
    journalist: int,
    list_id: int,
    sender: Sender,
    keys: TokenKeys,
    date: int,
    language: str = "",
) -> dict[str, str]:
    """Everything that `MergeTemplate.merge` needs for one recipient; see `Letterhead.values`.

    `language` and `sender` are the message's (`MergeTemplate.language`, empty: the recipient's;
    `MergeTemplate.sender`).
    """
    return Letterhead(sender, language).values(
        recipient, delivery=delivery, journalist=journalist, list_id=list_id, keys=keys, date=date
    )


class Letterhead:
    """What all messages of one release have in common beside their text: the newsroom's own
    words, and the parts of headers and links that do not differ by journalist.

    `language` is the message's; empty means each recipient's own.
    """

    def __init__(self, sender: Sender, language: str = "") -> None:
        self._sender = sender
        self._language = language
        self._id_end = f".{sender.ledger_id}@{sender_domain(sender.sender)}>"
        self._unsubscribe = f"{sender.public_url}/{UNSUBSCRIBE}/"
        self._preferences = f"{sender.public_url}/{PREFERENCES}/"
        self._agree = f"{sender.public_url}/{AGREE}/"
        # Many people stand on one list and came from one source.
        self._of_the_list = lru_cache(maxsize=4096)(partial(_of_the_list, sender))

    def write_out(self, recipient: Recipient) -> None:
        """Fill in what the program's own words say to the recipient, as it is kept.

        Another version of the program may word it otherwise; what was once written stays.
        """
        language = self._language or recipient.language or self._sender.default_language
        recipient.greeting = phrases.greeting(
            language,
            clean(recipient.first_name),
            clean(recipient.last_name),
            self._sender.own_words,
        )
        recipient.reason, recipient.list_id = self._of_the_list(
            language,
            recipient.list_name,
            recipient.list_title,
            recipient.list_kind,
            recipient.source,
            recipient.source_date,
        )

    def values(
        self,
        recipient: Recipient,
        *,
        delivery: int,
        journalist: int,
        list_id: int,
        keys: TokenKeys,
        date: int,
    ) -> dict[str, str]:
        """The slot values of one message.

        `date` is the instant of this attempt (UTC µs). Line breaks and other controls in what
        came from a list become spaces (B11). Links are signed with the key `recipient.key_id`,
        and so is `bounce_tag`, which stands in the envelope only (`tokens.verp_address`).
        """
        if not (recipient.greeting and recipient.reason and recipient.list_id):
            recipient = copy(recipient)
            self.write_out(recipient)
        keys = keys.with_current(recipient.key_id)
        first, last = clean(recipient.first_name), clean(recipient.last_name)
        name = f"{first} {last}".strip()
        code = delivery_code(delivery)
        sender = self._sender
        leaving, choosing, tag = signed_names(keys, journalist, list_id, delivery)
        offered = {}
        if recipient.offered:
            token = Token(journalist, list_id, delivery, AGREE)
            offered["embargo_url"] = self._agree + mint(keys, token)
        return {
            **offered,
            "to_name": name,
            "to_address": recipient.email,
            "message_id": f"<{code}{self._id_end}",
            "date": self.date(date),
            "boundary": f"=_{code}.{sender.ledger_id}",
            "list_id": recipient.list_id,
            "list_title": clean(recipient.list_title) or clean(recipient.list_name),
            "unsubscribe_url": self._unsubscribe + leaving,
            "preferences_url": self._preferences + choosing,
            "bounce_tag": tag,
            "journalist.greeting": recipient.greeting,
            "journalist.first_name": first,
            "journalist.last_name": last,
            "journalist.name": name,
            "journalist.outlet": clean(recipient.outlet),
            "reason": recipient.reason,
            "thread": recipient.earlier,
        }

    def date(self, instant: int) -> str:
        """The value of the Date header at an instant (UTC µs)."""
        return _date_header(instant // SECOND, self._sender.timezone)


def message_id(delivery: int, sender: Sender) -> str:
    """The delivery's Message-ID, angle brackets included: the same over all retries (A18)."""
    return f"<{delivery_code(delivery)}.{sender.ledger_id}@{sender_domain(sender.sender)}>"


def _of_the_list(
    sender: Sender, language: str, name: str, title: str, kind: str, source: str, day: str
) -> tuple[str, str]:
    """The reason line, and the value of List-Id."""
    title = clean(title) or clean(name)
    reason = phrases.reason(
        language, sender.name, title, kind, clean(source), clean(day), sender.own_words
    )
    return reason, list_id_header(name, title, sender)


@lru_cache(maxsize=64)
def sender_domain(sender: str) -> str:
    """The domain of a From mailbox, lower case. Raises ConfigError when there is none."""
    domain = sender.rstrip("> ").rpartition("@")[2].lower()
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    if not re.fullmatch(r"[a-z0-9\-]+(?:\.[a-z0-9\-]+)*", ascii_domain):
        raise ConfigError(
            f"The sender {sender!r} has no mail address with a domain.",
            where="config.toml, newsroom.sender",
            hint='Write it like "Press Office <press@example.org>".',
        )
    return ascii_domain


@lru_cache(maxsize=1024)
def list_id_header(list_name: str, title: str, sender: Sender) -> str:
    """The value of List-Id: `"Title" <label.domain>`, the same for the list's whole life (A22).

    Encoded words may not stand here (B7), so a title outside ASCII is written without its marks,
    or left out when no letters remain. The label comes from the list's name alone.
    """
    label = re.sub(r"[^a-z0-9]+", "-", list_name.lower()).strip("-")
    if not list_name.isascii() or not label or len(label) > 63:
        # Two names must never share a label; what ASCII loses is kept in a hash.
        digest = hashlib.sha256(unicodedata.normalize("NFC", list_name).encode()).digest()
        label = f"{label[:40]}-{base64.b32encode(digest[:5]).decode().lower()}".strip("-")
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("=?", "= ?").split())[:100]
    words = f"{quoted_string(plain)} " if any(map(str.isalnum, plain)) else ""
    domain = sender_domain(sender.sender)
    return f"{words}<{label}.{domain if '.' in domain else domain + '.invalid'}>"


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """One line: controls, Unicode line ends and direction overrides become spaces (B11)."""
    if text.isprintable() and "  " not in text:  # then a space is the only white space in it
        return text.strip()
    return " ".join(_OVERRIDES.sub(" ", CONTROLS.sub(" ", text)).split())


# They would turn round what follows the name; names in right-to-left scripts need none.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


@lru_cache(maxsize=256)
def _date_header(second: int, zone: str) -> str:
    """RFC 5322 section 3.3 date-time with a numeric offset (A19)."""
    local = to_datetime(second * SECOND).astimezone(ZoneInfo(zone))
    return f"{_DAYS[local.weekday()]}, {local.day} {_MONTHS[local.month - 1]} {_clock(local)}"


def _clock(local: datetime) -> str:
    return local.strftime("%Y %H:%M:%S %z")


# Not strftime's: those follow the process's locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
