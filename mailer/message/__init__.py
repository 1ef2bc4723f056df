"""From a release to the bytes of one message: compile once, merge per recipient.

Sender processes need only what is imported here eagerly, all of it standard library; the
template engine is loaded when a release is compiled or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.later import loaded_later
from mailer.message.merge import HTML_LIMIT, MergeTemplate
from mailer.message.model import Recipient, Sender
from mailer.message.tokens import (
    Token,
    TokenKeys,
    delivery_code,
    generate_keys,
    mint,
    parse_delivery_code,
    read,
    rotate_keys,
    verp_address,
    verp_read,
)
from mailer.message.values import message_id, slot_values

if TYPE_CHECKING:
    from mailer.message.compile import compile_release
    from mailer.message.render import message_parts, online_html
    from mailer.message.templates import TemplateSource

__all__ = [
    "HTML_LIMIT",
    "MergeTemplate",
    "Recipient",
    "Sender",
    "TemplateSource",
    "Token",
    "TokenKeys",
    "compile_release",
    "delivery_code",
    "generate_keys",
    "message_id",
    "message_parts",
    "mint",
    "online_html",
    "parse_delivery_code",
    "read",
    "rotate_keys",
    "slot_values",
    "verp_address",
    "verp_read",
]

__getattr__ = loaded_later(
    __name__,
    {
        "compile_release": "compile",
        "message_parts": "render",
        "online_html": "render",
        "TemplateSource": "templates",
    },
)
