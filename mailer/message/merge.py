"""A compiled message and the putting-in of one journalist's values.

This is all that a sender process loads: standard library only, no template engine. What depends
on the release was rendered, inlined and encoded once (`compile.py`); here the values are encoded,
each by the rules of the place where it stands, and put between bytes that never change.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from mailer.errors import CheckFailed, InputError
from mailer.message.headers import mailbox_field, raw_url, refuse_controls
from mailer.message.model import Sender
from mailer.message.quoted import LINE, SOFT, encode_value
from mailer.message.tokens import TOKEN_LENGTH
from mailer.message.values import URL_SLOTS, Letterhead
from mailer.message.wrap import wrap

FORMAT = 2
"""Version of the stored form."""

HTML_LIMIT = 100_000
"""Bytes of the HTML part, decoded and encoded, that may not be passed (B16)."""

CACHE_SIZE = 2048
"""Encoded values remembered per field; then the memory is emptied and begins anew."""


@dataclass(frozen=True, slots=True)
class Field:
    """One way in which one slot is written: the same field may stand at several places.

    `kind` names the rules: "mailbox", "message_id", "thread", "date", "list_id", "url", "boundary"
    in the header; "text", "paragraph", "html", "href" in the body. `fallback` is written instead of
    an empty value. `starts_line` and `ends_line` are those of `quoted.Place`.
    """

    kind: str
    slot: str
    fallback: str = ""
    starts_line: bool = False
    ends_line: bool = False


@dataclass(frozen=True)
class MergeTemplate:
    """A whole message, compiled: encoded texts with fields between them.

    `language` is the release's and `sender` the newsroom as it was at that time, for
    `slot_values`: what changes in the configuration later changes no message. `html_size` and
    `text_size` are bytes of the decoded parts with empty values, `encoded_html_size` those of the
    encoded HTML part.
    """

    subject: str
    language: str
    sender: Sender
    parts: tuple[str | Field, ...]
    html_size: int
    encoded_html_size: int
    text_size: int

    @cached_property
    def slots(self) -> frozenset[str]:
        """Names of the values that `merge` reads."""
        names = {part.slot for part in self.parts if isinstance(part, Field)}
        if "to" in names:
            names = (names - {"to"}) | {"to_name", "to_address"}
        return frozenset(names)

    @cached_property
    def letterhead(self) -> Letterhead:
        """What makes the values for `merge`."""
        return Letterhead(self.sender, self.language)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of `to_bytes()`: the name under which it is stored."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def size(self) -> int:
        """Bytes of the message with empty values: a lower bound for SIZE (B17)."""
        return sum(len(part) for part in self.parts if isinstance(part, str))

    def to_bytes(self) -> bytes:
        """The stored form: JSON in ASCII, the same bytes for the same template."""
        document = {
            "format": FORMAT,
            "subject": self.subject,
            "language": self.language,
            "sender": _sender_out(self.sender),
            "html_size": self.html_size,
            "encoded_html_size": self.encoded_html_size,
            "text_size": self.text_size,
            "parts": [part if isinstance(part, str) else _field_out(part) for part in self.parts],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> MergeTemplate:
        """Read the stored form. Raises InputError when it is damaged or of another format."""
        try:
            document: dict[str, Any] = json.loads(data)
            if document["format"] != FORMAT:
                raise ValueError("format")
            parts = tuple(
                part if isinstance(part, str) else Field(**part) for part in document["parts"]
            )
            return cls(
                subject=document["subject"],
                language=document["language"],
                sender=_sender_in(document["sender"]),
                parts=parts,
                html_size=document["html_size"],
                encoded_html_size=document["encoded_html_size"],
                text_size=document["text_size"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "A stored message template cannot be read.",
                hint="It was damaged, or a newer version of mailer wrote it.",
            ) from error

    def merge(self, values: Mapping[str, str]) -> list[bytes]:
        """The whole message for one recipient, as pieces to be written one after another.

        The bytes are CRLF-ended lines of at most 76 characters in the body, no line begins with
        a dot, and they are ASCII unless the address itself is not (A29). Raises CheckFailed when
        a value is missing or cannot stand where the template puts it.
        """
        static, plan = self._plan
        return _filled(static.copy(), plan, values)

    def dated(self, chunks: list[bytes], date: str) -> list[bytes]:
        """`chunks`, which `merge` gave, with another value of Date. Raises CheckFailed when it
        cannot stand there."""
        return _filled(chunks, self._dates, {"date": date})

    @cached_property
    def _dates(self) -> list[_Step]:
        return [step for step in self._plan[1] if step[0] == "date"]

    @cached_property
    def _plan(self) -> tuple[list[bytes], list[_Step]]:
        """The pieces with holes, and per field what fills which holes."""
        chunks: list[bytes] = []
        positions: dict[Field, list[int]] = {}
        for part in self.parts:
            if isinstance(part, str):
                chunks.append(part.encode("ascii"))
            else:
                positions.setdefault(part, []).append(len(chunks))
                chunks.append(b"")
        plan: list[_Step] = [
            (field.slot, _encoder(field), {} if _repeats(field) else None, tuple(places))
            for field, places in positions.items()
        ]
        return chunks, plan


_Step = tuple[str, Callable[[str], bytes], dict[str, bytes] | None, tuple[int, ...]]


def _filled(chunks: list[bytes], plan: list[_Step], values: Mapping[str, str]) -> list[bytes]:
    """The chunks with the values of a plan in their places."""
    try:
        for slot, encode, cache, positions in plan:
            value = values[slot] if slot != "to" else _mailbox_key(values)
            if cache is None:
                encoded = encode(value)
            elif (remembered := cache.get(value)) is not None:
                encoded = remembered
            else:
                if len(cache) >= CACHE_SIZE:
                    cache.clear()
                encoded = cache[value] = encode(value)
            for position in positions:
                chunks[position] = encoded
    except KeyError as error:
        raise CheckFailed(f"The message has no value for {error.args[0]}.") from None
    return chunks


_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.\-_+=]+@[A-Za-z0-9.\-]+>")
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+\-]\d{4}"
)
_LIST_ID = re.compile(r'(?:"(?:[ !#-\[\]-~]|\\["\\])*" )?<[a-z0-9\-]+(?:\.[a-z0-9\-]+)+>')
_BOUNDARY = re.compile(r"=_[A-Za-z0-9._\-]{1,60}")
_RAW = {"message_id": _MESSAGE_ID, "date": _DATE, "list_id": _LIST_ID, "boundary": _BOUNDARY}


def _repeats(field: Field) -> bool:
    """Whether many recipients share the value; what is each one's own is not worth keeping."""
    return field.kind not in ("mailbox", "message_id", "thread", "url", "boundary", "href") and (
        field.slot not in URL_SLOTS
    )


def _mailbox_key(values: Mapping[str, str]) -> str:
    # A space cannot stand in an address without quotes, and a name is only parted at the first
    # NUL, which neither may hold: one string is one cache key.
    return f"{values['to_address']}\0{values['to_name']}"


def _encoder(field: Field) -> Callable[[str], bytes]:
    slot, fallback = field.slot, field.fallback
    if field.kind == "mailbox":
        return _encode_mailbox
    if field.kind == "url":
        return _Link(lambda value: raw_url(value, slot).encode("ascii")).encode
    if field.kind == "thread":
        return _encode_thread
    if field.kind in _RAW:
        matches = _RAW[field.kind].fullmatch

        def encode_raw(value: str) -> bytes:
            if matches(value) is None:
                raise CheckFailed(f"{slot} cannot stand in its header: {value[:80]!r}.")
            return value.encode("ascii")

        return encode_raw
    try:
        prepare = _BODY[field.kind]
    except KeyError:
        raise InputError(
            f"A stored message template has an unknown field “{field.kind}”."
        ) from None

    starts_line, ends_line = field.starts_line, field.ends_line
    before, after = "" if starts_line else SOFT, "" if ends_line else SOFT

    def encode_body(value: str) -> bytes:
        if len(value) <= _SHORT and _WORDS(value) is not None:
            return f"{before}{value}{after}".encode("ascii")
        refuse_controls(value, slot)
        return encode_value(
            prepare(value or fallback), starts_line=starts_line, ends_line=ends_line
        )

    if slot in URL_SLOTS:
        return _Link(encode_body, before, after, line=LINE - 1).encode
    return encode_body


def _encode_thread(value: str) -> bytes:
    """The fields that put a message under those it continues (RFC 5322 section 3.6.4), each
    Message-ID on a line of its own; nothing where there are none."""
    earlier = value.split()
    if not all(map(_MESSAGE_ID.fullmatch, earlier)):
        raise CheckFailed(f"thread cannot stand in its header: {value[:80]!r}.")
    if not earlier:
        return b""
    references = "\r\n ".join(earlier)
    return f"\r\nIn-Reply-To: {earlier[-1]}\r\nReferences: {references}".encode("ascii")


_SHORT = 36
_WORDS = re.compile(r"(?!From )[A-Za-z0-9][A-Za-z0-9,]*(?: [A-Za-z0-9,]+)*").fullmatch
"""What stands for itself wherever a body has a place for it, if it is no longer than `_SHORT`."""


class _Link:
    """Links to the newsroom's pages differ in their token alone, letters and digits of one
    length: what one link showed to be right of all before the token need not be asked again.

    `encode` is the full way; `line` says after how many characters a soft break comes (0: never).
    """

    __slots__ = ("_after", "_before", "_cut", "_encode", "_head", "_lead", "_line")

    def __init__(
        self, encode: Callable[[str], bytes], before: str = "", after: str = "", line: int = 0
    ) -> None:
        self._encode = encode
        self._before = before
        self._after = after
        self._line = line
        self._head = ""
        self._lead = ""
        self._cut = 0

    def encode(self, value: str) -> bytes:
        """The link as it stands in the message."""
        head, token = value[:-TOKEN_LENGTH], value[-TOKEN_LENGTH:]
        plain = token.isalnum() and token.isascii()
        if head and head == self._head and plain:
            return self._quickly(token)
        encoded = self._encode(value)
        if head and plain:
            self._learn(head)
            if self._quickly(token) != encoded:
                self._head = ""
        return encoded

    def _learn(self, head: str) -> None:
        self._head = head
        line = self._line or len(head) + TOKEN_LENGTH
        pieces = [head[at : at + line] for at in range(0, len(head), line)]
        self._lead = self._before + SOFT.join(pieces)
        self._cut = line - len(pieces[-1])

    def _quickly(self, token: str) -> bytes:
        cut = self._cut
        if cut >= TOKEN_LENGTH:
            return f"{self._lead}{token}{self._after}".encode("ascii")
        return f"{self._lead}{token[:cut]}{SOFT}{token[cut:]}{self._after}".encode("ascii")


def _encode_mailbox(value: str) -> bytes:
    found = _PLAIN_MAILBOX(value)
    if found is not None and len(value) <= 70:
        return f"To: {found[2]} <{found[1]}>".encode("ascii")
    address, _, name = value.partition("\0")
    return mailbox_field("To", name, address).encode("utf-8")


_PLAIN_MAILBOX = re.compile(
    r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)"
    r"\0([A-Za-z0-9]+(?: [A-Za-z0-9]+)*)"
).fullmatch
"""What `_mailbox_key` makes of an address and a name that need no second look."""


def _href(value: str) -> str:
    url = raw_url(value, "A link")
    return html.escape(url) if "&" in url or "'" in url else url


def _paragraph(value: str) -> str:
    return "\n".join(wrap(value)) if len(value) > 36 else value


_BODY: dict[str, Callable[[str], str]] = {
    "text": str,
    "paragraph": _paragraph,
    "html": html.escape,
    "href": _href,
}


def _field_out(field: Field) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": field.kind, "slot": field.slot}
    if field.fallback:
        out["fallback"] = field.fallback
    if field.starts_line:
        out["starts_line"] = True
    if field.ends_line:
        out["ends_line"] = True
    return out


def _sender_out(sender: Sender) -> dict[str, Any]:
    """Without what is not set, so that templates of before keep their content address."""
    document = asdict(sender)
    if not sender.own_words:
        del document["own_words"]
    return document


def _sender_in(document: dict[str, Any]) -> Sender:
    words = tuple((code, name, text) for code, name, text in document.get("own_words", ()))
    return Sender(**{**document, "own_words": words})
