"""A release as a PDF and as a Word document: for archives, for who prints, for who edits (D14).

Both say what the message says, in its order, with nothing personal in them, and are the same bytes
for the same release. The PDF is set by Typst, which brings its own shaping for all scripts and
needs nothing of the system but fonts for scripts that its own lack; it is tagged (PDF/UA-1). The
libraries are loaded when they are needed.
"""

from __future__ import annotations

import json
import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from mailer.errors import CheckFailed
from mailer.message.invitation import Line
from mailer.message.media import DENSE, Shown, gallery
from mailer.message.model import Sender
from mailer.message.phrases import languages, own_name, phrases
from mailer.message.theme import PLAIN, Theme
from mailer.message.view import Section, View, directed, view_of
from mailer.release.html import heading_levels, safe_href
from mailer.release.media import small_extension, small_size
from mailer.release.model import Block, BlockKind, Contact, Inline, Release

PICTURE_FORM = DENSE
"""The form of the pictures that stand in a document."""

_FONTS = (
    "Libertinus Serif",
    "Noto Serif",
    "Noto Naskh Arabic",
    "Noto Serif Hebrew",
    "Noto Serif Devanagari",
    "Noto Serif Thai",
    "Noto Serif CJK SC",
)
_CJK = {"ja": "Noto Serif CJK JP", "ko": "Noto Serif CJK KR", "zh": "Noto Serif CJK SC"}


@dataclass(frozen=True, slots=True)
class Pdf:
    """A release on paper. `doubt` is a sentence for officers where it is not whole for everybody:
    letters that no font has, or no PDF/UA-1; else empty."""

    data: bytes
    doubt: str = ""


def pdf(
    release: Release, sender: Sender, theme: Theme = PLAIN, pictures: Mapping[str, bytes] = {}
) -> Pdf:
    """The release as a PDF; `pictures` are those to be shown, by the SHA-256 of their file.

    Raises CheckFailed where the text cannot be set, or Typst is missing.
    """
    data = sheet(view_of(release, sender, theme), pictures)
    named = _named_pictures(release, pictures)
    # Typst takes texts only, so a picture goes in as the list of its bytes.
    data["bytes"] = {name: list(picture) for name, picture in named.items()}
    files = {
        "main.typ": resources.files("mailer.message").joinpath("document.typ").read_bytes(),
        "data.json": json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"),
    }
    try:
        return Pdf(_set(files, ["ua-1"]))
    except ValueError as error:
        doubt = _doubt(str(error))
    try:
        # One that not every reader can use is better than none, if somebody is told.
        return Pdf(_set(files, []), doubt)
    except ValueError as error:
        where = release.source_name or release.slug
        raise CheckFailed(f"the PDF cannot be set: {error}", where=where) from None


def unprintable() -> list[str]:
    """The languages of which no font of this machine has the letters, by their tags.

    Raises CheckFailed where Typst is missing.
    """
    names = {tag: own_name(tag) for tag in sorted(languages())}
    if _printable(" ".join(names.values())):
        return []
    return [tag for tag, name in names.items() if not _printable(name)]


def _printable(text: str) -> bool:
    source = f'#set document(title: "x")\n#set text(lang: "en", font: "{_FONTS[0]}")\n{text}'
    try:
        _set({"main.typ": source.encode("utf-8")}, ["ua-1"])
    except ValueError:
        return False
    return True


def _set(files: Mapping[str, bytes], standards: list[str]) -> bytes:
    """What Typst makes of these files. Raises ValueError with its first line of why not, and
    CheckFailed where it is missing."""
    try:
        import typst
    except ImportError:
        raise CheckFailed(
            "the PDF cannot be set: Typst, which does that, is missing here.",
            hint="Run: pip install typst",
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a font of the list that this machine lacks
            made = typst.compile(  # type: ignore[call-overload]
                files, format="pdf", pdf_standards=standards, font_paths=_fonts()
            )
    except (typst.TypstError, RuntimeError, ValueError) as error:
        raise ValueError(str(error).strip().partition("\n")[0]) from None
    return bytes(made)


@cache
def _fonts() -> Any:
    """The fonts of this machine and Typst's own, looked for once."""
    import typst

    return typst.Fonts()


def _doubt(reason: str) -> str:
    letter = re.search(r'the text `"(.)', reason)
    if letter is None:
        return f"The PDF is not for everybody's reading program (PDF/UA-1): {reason}"
    name = unicodedata.name(letter[1], "without a name")
    return (
        f"No font of this machine has “{letter[1]}” ({name}): the PDF shows an empty box instead, "
        "and is not for everybody's reading program (PDF/UA-1)."
    )


def docx(
    release: Release, sender: Sender, theme: Theme = PLAIN, pictures: Mapping[str, bytes] = {}
) -> bytes:
    """The release as a Word document; `pictures` as for `pdf`."""
    from mailer.message.word import word

    return word(
        sheet(view_of(release, sender, theme), pictures), _named_pictures(release, pictures)
    )


def sheet(view: View, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    """Everything that stands in a document, decided and in order, as plain values."""
    release, sender, status = view.release, view.sender, view.status
    words = phrases(view.language, sender.own_words)
    base, _, region = view.language.partition("-")
    shown = gallery(release, sender, 600, pictures)
    lead = view.lead
    return {
        "title": release.headline or release.slug,
        "author": release.issuer.name if release.issuer else sender.name,
        "sender": sender.name,
        "lang": base.lower() if re.fullmatch(r"[A-Za-z]{2,3}", base) else "en",
        "region": region.upper() if re.fullmatch(r"[A-Za-z]{2}", region) else None,
        "rtl": view.direction == "rtl",
        "fonts": [*_FONTS[:2], *([_CJK[base]] if base in _CJK else []), *_FONTS[2:]],
        "accent": view.light.accent,
        "url": view.online_url,
        "wordmark": view.theme.wordmark or sender.name,
        "band": f"{status.sign} {status.word}" if status.sign else "",
        "band_line": status.line,
        "kind": " · ".join(part for part in (status.kind, status.everyday) if part),
        "subhead": release.subhead or "",
        "event": [
            [row.label, [[_whole(line.text, _turned(view, line)), line.href] for line in row.lines]]
            for row in view.event
        ],
        "dateline": view.dateline,
        "lead": _runs(lead.inlines, view.direction) if lead else [],
        "after_lead": _blocks(lead.children, view.direction) if lead else [],
        "body": _blocks(view.body, view.direction, view.speakers),
        "end_mark": view.end_mark,
        "sections": _sections(view, words),
        "contacts_heading": view.contacts.heading,
        "contacts_intro": view.contacts.intro,
        "contacts": [_contact(each, words, view.direction) for each in release.contacts],
        "offices": [
            [text for text in (each.label, *each.lines, each.phone) if text]
            for each in release.offices
        ],
        "media_heading": words["media"],
        "pictures": [_medium(each, words, pictures) for each in shown.pictures],
        "files": [_medium(each, words, pictures) for each in shown.files],
        "postal": sender.postal_address,
    }


def _sections(view: View, words: Mapping[str, str]) -> list[dict[str, Any]]:
    release = view.release
    about = release.boilerplate
    links = Block(
        BlockKind.BULLETS,
        (),
        tuple(Block(BlockKind.ITEM, (link,)) for link in release.links),
    )
    parts = [
        Section(about.heading, about.blocks) if about else Section(""),
        view.notes,
        Section(words["links"], (links,) if release.links else ()),
    ]
    return [
        {"heading": part.heading, "blocks": _blocks(part.blocks, view.direction)} for part in parts
    ]


def _blocks(
    blocks: Sequence[Block], direction: str, speakers: Mapping[int, str] | None = None
) -> list[dict[str, Any]]:
    return [
        {**_block(block, direction, level), "speaker": (speakers or {}).get(index, "")}
        for index, (block, level) in enumerate(heading_levels(blocks))
    ]


def _block(block: Block, direction: str, level: int = 0) -> dict[str, Any]:
    return {
        "kind": "heading" if level else block.kind.value,
        "level": level or block.level,
        "runs": _runs(block.inlines, block.direction or direction),
        "text": block.text if block.kind is BlockKind.CODE else "",
        "children": [_block(child, direction) for child in block.children],
        "speaker": "",
    }


def _runs(inlines: Iterable[Inline], direction: str) -> list[dict[str, Any]]:
    return [
        {
            "text": _isolated(each.text, direction),
            "href": safe_href(each) or "",
            "strong": each.strong,
            "emphasis": each.emphasis,
            "code": each.code,
        }
        for each in inlines
    ]


def _contact(contact: Contact, words: Mapping[str, str], direction: str) -> dict[str, Any]:
    ways = (
        (words["phone"], contact.phone, f"tel:{contact.phone_e164}" if contact.phone_e164 else ""),
        (words["email"], contact.email, f"mailto:{contact.email}"),
        (words["hours"], contact.hours, ""),
    )
    return {
        "name": contact.name,
        "role": contact.role or "",
        "ways": [[label, _whole(value, direction), href] for label, value, href in ways if value],
    }


def _medium(item: Shown, words: Mapping[str, str], pictures: Mapping[str, bytes]) -> dict[str, Any]:
    medium = item.medium
    whose = []
    if medium.credit:
        whose.append(words["credit"].format(credit=medium.credit))
    if medium.licence:
        whose.append(words["licence"].format(licence=medium.licence))
    there = medium.sha256 in pictures
    width, _ = small_size(medium, int(DENSE)) if there else (0, 0)
    return {
        "file": _picture_name(medium.sha256, small_extension(medium)) if there else "",
        "wide": width >= 600,
        "alt": medium.alt or item.name,
        "caption": medium.caption if there else item.name,
        "credit": " · ".join(whose),
        "url": item.url,
        "facts": item.facts,
        "name": item.name,
    }


def _isolated(text: str, direction: str) -> str:
    """Left-to-right runs of right-to-left text keep their order (`view.directed`)."""
    return "".join(
        f"\u2066{piece}\u2069" if latin else piece for piece, latin in directed(text, direction)
    )


def _turned(view: View, line: Line) -> str:
    return view.direction if line.latin else "ltr"


def _whole(text: str, direction: str) -> str:
    """A telephone number or address, which runs left to right everywhere."""
    return f"\u2066{text}\u2069" if direction == "rtl" else text


def _named_pictures(release: Release, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        _picture_name(each.sha256, small_extension(each)): pictures[each.sha256]
        for each in release.media
        if each.sha256 in pictures
    }


def _picture_name(sha256: str, extension: str) -> str:
    return f"{sha256}.{extension}"
