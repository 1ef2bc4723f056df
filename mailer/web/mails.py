"""A caught message as a mail program would take it apart for showing."""

from __future__ import annotations

import email
import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32

MAX_SHOWN = 400_000
"""Characters of a part, or of the raw message, that a page shows at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """An embedded picture or other leaf: its type and bytes."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """What there is to show. `html` and `text` are "" where the message has no such part.

    `headers` are in the order of the wire, unfolded and decoded; `parts` are found by the
    number that `html` refers to.
    """

    sender: str
    to: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    raw: str
    cut: bool
    parts: tuple[Part, ...]


def take_apart(raw: bytes) -> Mail:
    """Parse any bytes; what cannot be understood is shown as it stands, never refused."""
    message = email.message_from_bytes(raw, policy=compat32)
    html = text = ""
    parts: list[Part] = []
    names: dict[str, int] = {}
    for leaf in message.walk():
        if leaf.is_multipart():
            continue
        kind = leaf.get_content_type()
        if kind == "text/html" and not html:
            html = _text(leaf)
        elif kind == "text/plain" and not text:
            text = _text(leaf)
        else:
            names[str(leaf.get("Content-ID", "")).strip().strip("<>")] = len(parts)
            payload = leaf.get_payload(decode=True)
            parts.append(Part(kind, payload if isinstance(payload, bytes) else b""))
    shown = raw.decode("utf-8", "replace")
    return Mail(
        sender=_decoded(message.get("From", "")),
        to=_decoded(message.get("To", "")),
        subject=_decoded(message.get("Subject", "")),
        headers=tuple((name, _decoded(value)) for name, value in message.items()),
        html=_CID.sub(lambda match: _place(match, names), html),
        text=text[:MAX_SHOWN],
        raw=shown[:MAX_SHOWN],
        cut=len(shown) > MAX_SHOWN,
        parts=tuple(parts),
    )


def framed(html: str) -> str:
    """The HTML part for a sandboxed frame: its links open in a page of their own."""
    base = '<base target="_blank">'
    head = re.search(r"<head\b[^>]*>", html, re.IGNORECASE)
    return f"{html[: head.end()]}{base}{html[head.end() :]}" if head else base + html


_CID = re.compile(r"""(?P<before>\b(?:src|background)\s*=\s*["']?)cid:(?P<id>[^"'\s>]+)""", re.I)


def _place(match: re.Match[str], names: dict[str, int]) -> str:
    number = names.get(match["id"])
    return match[0] if number is None else f"{match['before']}part/{number}"


def _text(leaf: Message) -> str:
    payload = leaf.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        text = data.decode(leaf.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _decoded(value: object) -> str:
    text = re.sub(r"\r?\n(?=[ \t])", "", str(value))
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
