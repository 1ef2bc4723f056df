"""Reading the small form bodies that people and mail providers post.

RFC 8058 section 3.2 has providers post `List-Unsubscribe=One-Click` as multipart/form-data or
urlencoded. Real ones differ in boundary, quoting, charset and trailing line ends, so this is
read with the standard library's tolerant mail parser rather than with a strict one, and never
asks for a length, a cookie or an origin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

MAX_BODY = 16 * 1024
"""Bytes of body read at most; a one-click body has about 200."""

PATIENCE = 10.0
"""Seconds a body may take."""

Fields = Mapping[str, list[str]]


class BodyRefused(Exception):
    """The body is too long (413) or too slow (408)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_fields(request: Request) -> Fields:
    """The form fields of a request, whatever its encoding; {} when the body is no form.

    Raises BodyRefused.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise BodyRefused(413)
    except TimeoutError:
        raise BodyRefused(408) from None
    except ClientDisconnect:
        raise BodyRefused(400) from None
    return parse(request.headers.get("content-type", ""), bytes(body))


def parse(content_type: str, body: bytes) -> Fields:
    """Field names to their values, in order; names and values without surrounding blanks, and
    without U+0000, which PostgreSQL keeps in no text: an act with one would wait in the spool for
    ever and all mail behind it."""
    kind = content_type.partition(";")[0].strip().lower()
    pairs = _multipart(content_type, body) if kind.startswith("multipart/") else _urlencoded(body)
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name.strip(), []).append(value.replace("\0", "").strip())
    return fields


def is_one_click(fields: Fields) -> bool:
    """True for the body that RFC 8058 section 3.2 prescribes."""
    return any(
        name.lower() == "list-unsubscribe" and value.lower() == "one-click"
        for name, values in fields.items()
        for value in values
    )


def one(fields: Fields, name: str) -> str:
    """The first value of a field; "" when there is none."""
    return fields.get(name, [""])[0]


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return []


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    header = content_type.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
    message = BytesParser(policy=compat32).parsebytes(
        b"Content-Type: " + header + b"\r\n\r\n" + body
    )
    pairs = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, tuple):
            name = name[2]
        if name and not part.is_multipart():
            pairs.append((name, _text(part)))
    return pairs


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")
