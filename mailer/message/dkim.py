"""DKIM signatures over merged messages, and their way back from what the ledger keeps.

What is the same for every recipient is done once per template: which header fields are signed,
their relaxed form, the text of the DKIM-Signature field. The body is written in relaxed form
already (`quoted.py`) and is hashed as it stands. Per message there remain the few fields that
differ, two hashes and the signature itself.

A signature is kept as two things: the `text` of a `Signer`, which hardly ever differs, and the
signature's own bytes. `signature_header` makes the very bytes of the field from both and the
message, without any key.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailer.clock import SECOND
from mailer.errors import CheckFailed, InputError
from mailer.message.merge import Field, MergeTemplate

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

SIGNED = frozenset(
    {
        *("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id"),
        *("in-reply-to", "references", "mime-version", "content-type", "content-language"),
        *("content-transfer-encoding", "content-id", "content-description", "content-disposition"),
        *("list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe"),
        *("list-owner", "list-archive", "list-post", "feedback-id", "auto-submitted"),
    }
)
"""Header fields that are signed where they stand (A7, A8; RFC 6376 section 5.4, RFC 8058
section 4)."""

OVERSIGNED = (
    *("from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version"),
    *("content-type", "list-unsubscribe", "list-unsubscribe-post"),
)
"""Header fields named once more than they stand, so that none can be added (A9; RFC 6376
section 8.15)."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the domain (d=) and the selector (s=) of its public half."""

    domain: str
    selector: str
    key: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The value of a= (RFC 8301 section 3.1, RFC 8463 section 3)."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"


@dataclass(frozen=True, slots=True)
class Signed:
    """`header` is what stands before the message, `signature` what must be kept to write it
    again: the raw bytes of all signatures in their order."""

    header: bytes
    signature: bytes


class Signer:
    """Signs what one template merges. Holds nothing that changes: threads may share it."""

    def __init__(
        self, template: MergeTemplate, keys: Sequence[SigningKey], *, bulk: bool = True
    ) -> None:
        """Raises CheckFailed when the template's header cannot be signed; what goes to many
        (`bulk`) must have the fields by which one leaves."""
        pieces, self._body_at, self._body_start = _head(template)
        self._static, self._varying, names = _canonical_plan(pieces)
        listed = [*names, *OVERSIGNED]
        leaving = ("list-unsubscribe", "list-unsubscribe-post") if bulk else ()
        for name in ("from", *leaving):
            if name not in names:
                raise CheckFailed(f"The message has no header field {name} that could be signed.")
        texts = [_field_text(key, listed) for key in keys]
        self.text = "".join(texts)
        """What all messages of this template and these keys share of their signatures."""
        self._ways = [
            (_signing(key.key), _form(_relaxed_field(text))[0])
            for key, text in zip(keys, texts, strict=True)
        ]

    def sign(self, chunks: Sequence[bytes], date: int) -> Signed:
        """The signature over what `MergeTemplate.merge` gave, without any other header before.

        `date` is the instant (UTC µs) of the Date header; t= is the same (A10).
        """
        t = b"%d" % (date // SECOND)
        bh = base64.b64encode(
            hashlib.sha256(b"".join((self._body_start, *chunks[self._body_at :]))).digest()
        )
        varying = [p if isinstance(p, bytes) else chunks[p[0]][p[1] :] for p in self._varying]
        written = b"".join(varying)
        head = self._static + (written if _is_relaxed(written) else _relaxed(written))
        signature = b"".join([sign(head + field % (t, bh)) for sign, field in self._ways])
        return Signed(_filled(self.text, t, bh, signature), signature)


def signature_header(text: str, signature: bytes, chunks: Sequence[bytes], date: int) -> bytes:
    """The bytes that `Signer.sign` gave for this message, from what was kept of them.

    `text` is the `Signer`'s, `chunks` and `date` those of the message. Raises InputError when
    text and signature do not belong together.
    """
    _, _, body = b"".join(chunks).partition(b"\r\n\r\n")
    bh = base64.b64encode(hashlib.sha256(body).digest())
    if sum(_form(text)[1]) != len(signature):
        raise InputError("A stored signature does not belong to its signer.")
    return _filled(text, b"%d" % (date // SECOND), bh, signature)


def public_record(key: PrivateKey) -> str:
    """The TXT record of the key's public half (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={_base64(data)}"
    return f"v=DKIM1; k=ed25519; p={_base64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}"


_LINE = 74
"""Columns of one line of base64 or of h=, without the space before it."""

_PADDING = PKCS1v15()
_SHA256 = hashes.SHA256()
_MARK = re.compile(r"<(?:t|bh|b\d+)>")
_SIGNATURE = re.compile(r"<b(\d+)>")
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_SPACES = re.compile(rb"(?:(?:\r\n)?[ \t]+)+")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")


def _signing(key: PrivateKey) -> Callable[[bytes], bytes]:
    """What signs a header in canonical form with this key."""
    if isinstance(key, RSAPrivateKey):
        return lambda data: key.sign(data, _PADDING, _SHA256)
    # RFC 8463 section 3: PureEdDSA over the SHA-256 of the data.
    return lambda data: key.sign(hashlib.sha256(data).digest())


def _field_text(key: SigningKey, names: Sequence[str]) -> str:
    """The DKIM-Signature field with marks where messages differ: `<t>`, `<bh>`, and `<b256>`
    with the bytes of its signature."""
    size = key.key.key_size // 8 if isinstance(key.key, RSAPrivateKey) else 64
    lines = [""]
    for index, name in enumerate(names):
        piece = name if index + 1 == len(names) else f"{name}:"
        if lines[-1] and len(lines[-1]) + len(piece) > _LINE - 3:
            lines.append("")
        lines[-1] += piece
    listed = "\r\n  ".join(lines)
    return (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={key.domain}; s={key.selector}; t=<t>;\r\n"
        f" h={listed};\r\n"
        f" bh=<bh>;\r\n"
        f" b=<b{size}>\r\n"
    )


def _relaxed_field(text: str) -> str:
    """A DKIM-Signature field with its marks as it is signed itself: relaxed, with an empty b=,
    without its end."""
    name, _, value = _SIGNATURE.sub("", text).rstrip().partition(":")
    return f"{name.lower()}:{_relaxed(value.lstrip().encode('ascii')).decode('ascii')}"


def _filled(text: str, t: bytes, bh: bytes, signature: bytes) -> bytes:
    """The fields of a `Signer.text` with all that differs by message in its place."""
    form, sizes = _form(text)
    values: list[bytes] = []
    position = 0
    for size in sizes:
        written = base64.b64encode(signature[position : position + size])
        lines = [written[at : at + _LINE] for at in range(0, len(written), _LINE)]
        values += (t, bh, b"\r\n ".join(lines))
        position += size
    return form % tuple(values)


@lru_cache(maxsize=256)
def _form(text: str) -> tuple[bytes, tuple[int, ...]]:
    """Some fields to be filled in by `%`, and the size of each signature in them.

    Each has its marks in the same order: t, bh, and b unless that stays empty.
    """
    sizes = tuple(int(mark) for mark in _SIGNATURE.findall(text))
    return _MARK.sub("%b", text.replace("%", "%%")).encode("ascii"), sizes


def _relaxed(value: bytes) -> bytes:
    """Unfolded, white space as one space, none before a line's end (RFC 6376 section 3.4.2)."""
    return _SPACES.sub(b" ", value).replace(b" \r\n", b"\r\n")


def _is_relaxed(value: bytes) -> bool:
    """Whether there is nothing for `_relaxed` to do."""
    return not (b"  " in value or b"\t" in value or b"\n " in value or b" \r" in value)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_Piece = bytes | tuple[int, int]
"""Bytes, or the index of a chunk and how many of its first bytes do not count."""


def _head(template: MergeTemplate) -> tuple[list[_Piece], int, bytes]:
    """The header's pieces, from which chunk on the body stands, and the body's beginning, which
    shares a chunk with the header's end."""
    pieces: list[_Piece] = []
    for index, part in enumerate(template.parts):
        if isinstance(part, Field):
            # A mailbox brings its field's name along: "To: …".
            if part.kind == "mailbox":
                pieces.append(b"To:")
            pieces.append((index, len("To: ") if part.kind == "mailbox" else 0))
            continue
        text = part.encode("ascii")
        end = text.find(b"\r\n\r\n")
        if end >= 0:
            return [*pieces, text[: end + 2]], index + 1, text[end + 4 :]
        pieces.append(text)
    raise CheckFailed("The message has no body that could be signed.")


def _split_fields(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """The pieces of each header field, without the line ends between fields."""
    fields: list[list[_Piece]] = [[]]
    for piece in pieces:
        if isinstance(piece, tuple):
            fields[-1].append(piece)
            continue
        first, *others = _FIELD_END.split(piece)
        if first:
            fields[-1].append(first)
        fields += [[other] if other else [] for other in others]
    return [field for field in fields if field]


def _canonical_plan(pieces: Sequence[_Piece]) -> tuple[bytes, list[_Piece], list[str]]:
    """Relaxed header fields: those that are the same for everybody in one piece, then the pieces
    of the others, to be relaxed when their values are there; and the fields' names in that order,
    which is the order of h=."""
    static: list[bytes] = []
    varying: list[_Piece] = []
    static_names: list[str] = []
    varying_names: list[str] = []
    for first, *rest in _split_fields(pieces):
        found = _NAME.match(first) if isinstance(first, bytes) else None
        if found is None or not isinstance(first, bytes):
            raise CheckFailed("The message cannot be signed: a header line has no name.")
        name = found[1].decode("ascii").lower()
        if name in static_names or name in varying_names:
            raise CheckFailed(f"The message cannot be signed: it has two header fields {name}.")
        if name not in SIGNED:
            continue
        label, value = f"{name}:".encode("ascii"), first[found.end() :].lstrip(b" \t")
        if rest:
            varying_names.append(name)
            pieces = [label + value, *rest, b"\r\n"]
            varying += [_relaxed(p) if isinstance(p, bytes) else p for p in pieces]
        else:
            static_names.append(name)
            static.append(_relaxed(label + value + b"\r\n"))
    return b"".join(static), varying, [*static_names, *varying_names]
