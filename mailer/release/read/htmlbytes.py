"""Web pages before they are parsed: whether bytes are one, in which encoding, without pictures."""

from __future__ import annotations

import re

MOST_BYTES = 20_000_000
"""Size of a saved page; pictures may be written into it, which are never looked at."""

_PICTURE = re.compile(rb"data:[\w/+.;=-]{0,80},[^\s\"'<>)]{200,}")
_META = re.compile(rb"""<meta[^>]+?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
_XML = re.compile(rb"""^\s*<\?xml[^>]+?encoding\s*=\s*["']([\w.:-]{2,40})["']""", re.I)


def looks_like(data: bytes) -> bool:
    """Whether bytes may be a page, which may be longer than other texts."""
    return re.search(rb"<(?:!doctype|html|head|body|div|meta)\b", data[:4096], re.I) is not None


def without_pictures(data: bytes) -> bytes:
    """A page without the pictures that are written into it."""
    return _PICTURE.sub(b"data:,", data)


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page states in its first 4,096 bytes."""
    found = _XML.search(data[:200]) or _META.search(data[:4096])
    return found.group(1).decode("ascii") if found else None
