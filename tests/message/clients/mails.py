"""Every kind of message that leaves, as one journalist gets it: the rows of the matrix."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mailer.message import compile_release
from mailer.message.render import message_parts
from mailer.message.templates import TemplateSource, package_templates
from mailer.release.media import medium_url, take, with_facts
from mailer.release.model import Block, BlockKind, Contact, Inline, Kind, Medium, Release

from tests.message.samples import (
    ANNA,
    RELEASES,
    SENDER,
    TEMPLATES,
    english,
    figures,
    hebrew,
    nested,
    paragraph,
    values,
)
from tests.release.pictures import photo


@dataclass(frozen=True, slots=True)
class Mail:
    """A message of the matrix: its bytes as sent, and its two parts."""

    name: str
    release: Release
    raw: bytes
    html: str
    text: str


def _plain() -> Release:
    """Nothing that can be left out."""
    return Release(
        slug="plain-2026",
        kind=Kind.RELEASE,
        language="en",
        direction="ltr",
        headline="Museum reopens its east wing on Monday",
        lead=paragraph("The museum’s east wing reopens on Monday after two years of repairs."),
        body=(),
    )


def _long() -> Release:
    """Every kind of paragraph, twice, between the tables and long words of `figures`."""
    blocks = tuple(nested())
    quote = Block(BlockKind.QUOTE, children=(paragraph("We said so. Nobody listened to us."),))
    body = (*figures().body, *blocks, *english().body, quote, *blocks, *figures().body)
    return replace(figures(), slug="long-2026", body=body, quotes=(), notes=english().notes)


def _arabic() -> Release:
    """Right to left with Arabic's own joined letters, a number, an address and a Latin name."""
    return replace(
        hebrew(),
        slug="mina-2026",
        language="ar",
        headline="الرصاص في طين الميناء ثلاثة أضعاف الحد المسموح به",
        headline_language=None,
        headline_direction=None,
        subhead="ستون عينة على مدى أحد عشر شهرا تناقض أرقام الميناء",
        lead=paragraph("يحتوي طين الميناء على 312 mg/kg من الرصاص، حسب Harbour Observatory (2.1)."),
        body=(
            paragraph("نشرت ", Inline("البيانات", href="https://data.example.org/ar"), " اليوم."),
        ),
        dateline=None,
        quotes=(),
    )


def _thai() -> Release:
    """No spaces between words, and vowels above and below the line."""
    text = "หอสังเกตการณ์ท่าเรือเผยแพร่ผลการสำรวจตะกอนดินทั้งหมดในวันนี้ซึ่งพบว่ามีสารตะกั่วสูงกว่ากฎหมายกำหนดสามเท่า"
    return replace(
        _plain(),
        slug="tha-ruea-2026",
        language="th",
        headline="พบสารตะกั่วในตะกอนท่าเรือสูงกว่าเกณฑ์สามเท่า",
        lead=paragraph(text),
        body=(paragraph(text + " 312 mg/kg"),),
        contacts=(Contact("สมชาย ใจดี", "โฆษก", "somchai@example.org"),),
    )


def _hostile() -> Release:
    """Marks of HTML, CSS and templates wherever people write."""
    evil = '<b onload="x">R&amp;D</b> -->]]> & Søns \'"; background:url(x)'
    return replace(
        english(),
        slug="hostile-2026",
        headline=evil,
        subhead=f"Sub {evil}",
        contacts=(Contact(evil, evil, "a@example.org", "+32 2 555 01 23", "+3225550123"),),
    )


def _photo() -> Release:
    """A photograph with all that has to be said of it, hosted, and more of it to fetch."""
    taken = take(photo(), "harbour.jpg")
    sha256 = hashlib.sha256(taken.full.data).hexdigest()
    named = Medium(
        "harbour.jpg",
        alt="Mud of the old basin in front of the lock",
        caption="The old basin at low water, where 60 samples were taken",
        credit="Ida Lund / Harbour Observatory",
        licence="Free for editorial use",
    )
    film = Medium("", "https://video.example.org/b-roll.mp4", caption="B-roll, 90 seconds")
    return replace(english(), media=(with_facts(named, taken, sha256), film))


CARRIED = "photo-cid"
"""The mail with its picture inside."""

_NOTICES = {
    kind.value: (lambda kind=kind: replace(english(), kind=kind))
    for kind in Kind
    if kind is not Kind.RELEASE
}
_RELEASES: dict[str, Callable[[], Release]] = {
    **RELEASES,
    **_NOTICES,
    "plain": _plain,
    "long": _long,
    "arabic": _arabic,
    "thai": _thai,
    "hostile": _hostile,
    "agency": english,
    "photo": lambda: _PHOTO,
    CARRIED: lambda: _PHOTO,
}
NAMES = tuple(_RELEASES)
_PHOTO = _photo()
HOSTED = {medium_url(SENDER.public_url, _PHOTO.slug, _PHOTO.media[0], "600")}
"""All that these mails may ask the network for: the same address for everybody (C22)."""

_HOSTILE_ANNA = replace(
    ANNA, first_name='"><img src=x>', last_name="&lt;O’Neil</td>", outlet="<!--"
)


@cache
def mail(name: str) -> Mail:
    """One of NAMES, made once per process."""
    release = _RELEASES[name]()
    source = TEMPLATES
    if name == "agency":
        theme = Path(__file__).parents[3] / "templates" / "themes" / "agency"
        source = TemplateSource([theme, package_templates()])
    recipient = _HOSTILE_ANNA if name == "hostile" else ANNA
    slots = values(recipient, language=release.language)
    inside = None
    if name == CARRIED:
        inside = {release.media[0].sha256: take(photo(), "harbour.jpg").forms["600"].data}
    raw = b"".join(compile_release(release, SENDER, source, inside=inside).merge(slots))
    parts = message_parts(raw)
    return Mail(name, release, raw, parts.html, parts.text)


def mails() -> list[Mail]:
    """All of them."""
    return [mail(name) for name in NAMES]
