"""The pictures and files of a release as templates see them (D14, C10, C23).

A picture is shown small and leads to the file that an editor prints; everything else is a link with
what it is and how large. Nothing in an address depends on who reads (C22). Where mail programs
would not fetch pictures safely, or may not yet, they stand inside the message instead.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from mailer.message.model import Sender
from mailer.message.values import sender_domain
from mailer.release.media import (
    TYPES,
    WIDTHS,
    hosted_name,
    medium_url,
    size_text,
    small_extension,
    small_size,
    type_name,
)
from mailer.release.model import Medium, Release

PLAIN, DENSE = (str(width) for width in WIDTHS)
"""The small forms, for plain and for dense screens."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture or file: `url` leads to it, `facts` say type and size, `name` is what it is
    called where it has no caption. A picture has an `image` and its `width` and `height` (px);
    `dense` is the address of its finer form, for screens that have the points."""

    medium: Medium
    url: str
    name: str
    facts: str
    image: str = ""
    dense: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Gallery:
    """All that goes with a release. `first` is the picture that stands in a message; a page shows
    all `pictures`. `rest` are the others, `files` what is no picture."""

    items: tuple[Shown, ...] = ()

    @property
    def pictures(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.items if item.image)

    @property
    def first(self) -> Shown | None:
        return next(iter(self.pictures), None)

    @property
    def rest(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.items if item is not self.first)

    @property
    def files(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.items if not item.image)


def gallery(
    release: Release, sender: Sender, column: int, inside: Mapping[str, bytes] | None = None
) -> Gallery:
    """The media of a release for a column of so many px; `inside` are those that the message
    itself carries, by their SHA-256."""
    carried = inside or {}
    items = [_shown(release, each, sender, column, carried) for each in release.media]
    return Gallery(tuple(items))


def reachable(public_url: str) -> bool:
    """Whether mail programs may fetch pictures there: encrypted, or on this very machine (C23)."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def content_id(medium: Medium, sender: Sender) -> str:
    """The Content-ID of a picture inside of a message, without brackets: unique in the world, as
    it is made from the picture and the newsroom (RFC 2392 section 2)."""
    return f"{medium.sha256[:32]}.{sender.ledger_id}@{sender_domain(sender.sender)}"


def image_part(medium: Medium, sender: Sender, data: bytes) -> str:
    """The head and body of the part that carries a picture (RFC 2387), in lines of 76."""
    name = hosted_name(medium, PLAIN)
    subtype = "png" if small_extension(medium) == "png" else "jpeg"
    text = base64.encodebytes(data).decode("ascii").rstrip("\n").replace("\n", "\r\n")
    return (
        f"\r\nContent-Type: image/{subtype}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{content_id(medium, sender)}>\r\n"
        f'Content-Disposition: inline;\r\n filename="{name}"\r\n\r\n{text}'
    )


def _shown(
    release: Release, medium: Medium, sender: Sender, column: int, carried: Mapping[str, bytes]
) -> Shown:
    at, slug = sender.public_url, release.slug
    url = medium_url(at, slug, medium)
    name = medium.caption or medium.alt or PurePosixPath(medium.file or urlsplit(url).path).name
    item = Shown(medium, url, name or url, _facts(medium))
    inside = medium.sha256 in carried
    if not medium.is_picture or not (inside or reachable(sender.public_url)):
        return item
    width, height = small_size(medium, int(PLAIN))
    shown = min(width, column)
    return Shown(
        medium,
        url,
        item.name,
        item.facts,
        image=f"cid:{content_id(medium, sender)}"
        if inside
        else medium_url(at, slug, medium, PLAIN),
        dense="" if inside or medium.width <= int(PLAIN) else medium_url(at, slug, medium, DENSE),
        width=shown,
        height=max(1, round(height * shown / width)),
    )


def _facts(medium: Medium) -> str:
    """What it is, for who decides whether to fetch it: "JPEG, 4000 × 3000, 3.2 MB"."""
    if not medium.sha256:
        suffix = PurePosixPath(urlsplit(medium.url).path).suffix[1:].lower()
        return type_name(TYPES[suffix]) if suffix in TYPES else ""
    size = f"{medium.width} × {medium.height}" if medium.width else ""
    parts: Sequence[str] = (type_name(medium.type), size, size_text(medium.size))
    return ", ".join(part for part in parts if part)
