"""What a message needs to know of the newsroom and of one journalist.

Plain values, so that they can be stored beside a delivery and used again years later.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sender:
    """What depends only on the newsroom; made from the configuration.

    `sender` is the From mailbox as configured ("Press Office <press@example.org>"), `reply_to`
    and `bounce_address` are bare addresses, `public_url` has no slash at its end, `timezone` is
    an IANA name, `accent` is "#rrggbb". `ledger_id` is the store's random lower-case base32 name
    and becomes part of every Message-ID (design decision 7). `own_words` are the phrases that the
    newsroom words otherwise (`phrases.own_words`).
    """

    name: str
    sender: str
    reply_to: str
    bounce_address: str
    postal_address: str
    public_url: str
    timezone: str
    default_language: str
    accent: str
    live: bool
    ledger_id: str
    own_words: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)  # one for each message: a frozen one takes four times as long
class Recipient:
    """One journalist as the message sees him: stored at the first claim, reused for ever.

    `list_*` is the one list to which the delivery is attributed (design decision 10): it gives
    List-Id and the reason line. `list_kind` is "press", "topic", "trusted" or "internal".
    `language` is the one in which he is addressed when no other is given to `slot_values`.
    `source_date` is an ISO date or free text, `key_id` the token key of this delivery's links.
    `greeting`, `reason` and `list_id` are what the program's own words made of the rest when it was
    first written (`Letterhead.write_out`); empty before that. `earlier` are the Message-IDs of what
    he got of the same release, oldest first with spaces between, for a message that continues them.
    `offered`: he is asked to agree to an embargo, so the message has a link for that.
    """

    email: str
    first_name: str
    last_name: str
    outlet: str
    language: str
    list_name: str
    list_title: str
    list_kind: str
    source: str
    source_date: str
    key_id: int
    greeting: str = ""
    reason: str = ""
    list_id: str = ""
    earlier: str = ""
    offered: bool = False
