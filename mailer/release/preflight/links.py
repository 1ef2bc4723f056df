"""Checks of links and pictures, as far as the text alone tells (C13, C24, D14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailer.release.model import BlockKind, Inline
from mailer.release.preflight.look import Hit, Look, clip

_BROKEN = re.compile(
    r"\[[^\[\]\n]{1,200}\]\s?\(\s*(?:https?:|www\.|mailto:)[^)\n]{0,300}(?:\)|$)|"  # not a link
    r"\[[^\[\]\n]{1,200}\]\((?:[^)\n]{0,300})$|"  # never closed
    r"\]\(|\[\[[^\[\]\n]{1,200}\]\]|"
    r"\[https?://\S+\s[^\]\n]{1,200}\]|"  # a wiki's
    r"\[/?(?:url|link|img)(?:=[^\]]{0,200})?\]|"  # a forum's
    r"\bhttps?(?::/(?!/)|//|;//|:\\\\)[^\s]{0,80}|\b(?:htp|htps|htpps?|htttps?|hhttps?|ttps?|httpss)://[^\s]{0,80}|"
    r"\bhttps?://(?:https?[:/]|\s+(?=[\w-]+\.\w))[^\s]{0,80}",
    re.IGNORECASE | re.MULTILINE,
)
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|tiff?|bmp|heic|svg)$", re.IGNORECASE)
_CREDIT = re.compile(
    r"©|\(c\)|\bcredits?\b|\bcopyright\b|\bcourtesy\b|\b(?:photo|picture|image|"
    r"photograph)\w*\s*(?:by|:|/)|"
    r"\bphotographer\b|\b(?:foto|fotos|bild|fotograf\w*|quelle|bildnachweis)\s*(?::|/|von\b)|"
    r"\bcrédits?\b|\bphotos?\s*(?::|©|/)|\bcréditos?\b|\bfoto(?:grafía)?\s*(?:de\b|:|"
    r"/)|\bcrediti?\b|"
    r"\bfot\.|\bautor(?:ka|ia)?\b|\bzdjęci\w+\s*(?::|/)|\bfotografie?\b\s*:|"
    r"фото\w*\s*(?::|/|©)|\bавтор\b|צילום|קרדיט|تصوير|حقوق|撮影|写真|提供|摄影|攝影|图片|圖片|来源|사진|제공",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


def broken_link(look: Look) -> Iterator[Hit]:
    """Marks of links that no reader took for one, and addresses that cannot lead anywhere."""
    for text, line in ((each.plain, each.line) for each in look.passages):
        for match in _BROKEN.finditer(text):
            yield look.hit(
                f"“{clip(match.group())}” was meant as a link and is none.",
                "Write it as [words](https://…), or the bare address.",
                line,
                match.group(),
                text[: match.start()],
            )
    for inline, line in targets(look):
        fault = _fault(inline.href or "")
        if fault:
            yield look.hit(
                f"The link to {clip(inline.href or '')} cannot work: {fault}.",
                "Correct the address.",
                line,
                inline.href or "",
            )


def insecure_link(look: Look) -> Iterator[Hit]:
    """Links that anybody on the way can read and change."""
    for block in look.blocks:
        for inline in block.inlines:
            if inline.href and inline.href.lower().startswith("http://"):
                yield look.hit(
                    f"The link to {inline.href} is not encrypted.",
                    "Write https:// if the site has it.",
                    block.line,
                    inline.href,
                )


def picture_without_alt(look: Look) -> Iterator[Hit]:
    """C10: nothing says what a picture shows, to those who cannot or do not see it."""
    for picture in _pictures(look):
        words = picture.inline.text
        if _bare(picture.inline):
            own = _ADDRESS.sub(" ", picture.own)
            beside = _ADDRESS.sub(" ", picture.beside)
            words = own if _has_words(own) or not _CREDIT.search(beside) else beside
        if not _has_words(words):
            yield look.hit(
                f"Nothing says what the picture {clip(picture.href)} shows.",
                "Write ![what it shows](address), or a caption beside its address.",
                picture.line,
                picture.href,
            )


def picture_without_credit(look: Look) -> Iterator[Hit]:
    """D14: an editor cannot print a picture without knowing whose it is."""
    pictures = list(_pictures(look))
    everything = "\n".join(text for text, _ in look.words())
    for picture in pictures:
        # One credit line may stand anywhere when there is one picture, else beside each.
        around = f"{picture.own}\n{picture.beside}" if len(pictures) > 1 else everything
        if not _CREDIT.search(_ADDRESS.sub(" ", around)):
            yield look.hit(
                f"The picture {clip(picture.href)} has no credit.",
                "Write beside it whose it is, such as 'Photo: Name / Agency'.",
                picture.line,
                picture.href,
            )


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture, the text of its own passage, and that of the passages before and after."""

    inline: Inline
    own: str
    beside: str
    line: int | None

    @property
    def href(self) -> str:
        return self.inline.href or ""


def _pictures(look: Look) -> Iterator[_Picture]:
    blocks = [each for each in look.blocks if each.inlines and each.kind is not BlockKind.CODE]
    texts = ["".join(inline.text for inline in block.inlines) for block in blocks]
    for place, block in enumerate(blocks):
        near = (*texts[max(0, place - 1) : place], *texts[place + 1 : place + 2])
        # A caption is short; a paragraph beside a picture is not about it.
        beside = "\n".join(text for text in near if len(text) <= 300)
        for inline in block.inlines:
            if inline.href and _is_picture(inline.href):
                yield _Picture(inline, texts[place], beside, block.line)
    for link in look.release.links:
        if link.href and _is_picture(link.href):
            yield _Picture(link, link.text, "", None)


def _is_picture(href: str) -> bool:
    return _PICTURE.search(urlsplit(_safe(href)).path) is not None


def _has_words(text: str) -> bool:
    return re.search(r"[^\W\d_]{2,}", text) is not None


def _bare(inline: Inline) -> bool:
    return bool(inline.href) and inline.text.strip() in {
        inline.href,
        (inline.href or "").partition("://")[2],
    }


def targets(look: Look) -> Iterator[tuple[Inline, int | None]]:
    """Every link of the text with the line its passage begins in."""
    for block in look.blocks:
        for inline in block.inlines:
            if inline.href:
                yield inline, block.line
    for link in look.release.links:
        if link.href:
            yield link, None


def _fault(href: str) -> str:
    """Why an address cannot work, in words; empty when it may."""
    lower = href.lower()
    if lower.startswith("mailto:"):
        return (
            ""
            if re.match(r"mailto:[^@\s]+@[^@\s]+\.[^@\s.]{2,}", href)
            else "it holds no mail address"
        )
    if not lower.startswith(("http:", "https:")):
        return ""
    if re.search(r"\s|%20(?=https?:)", href):
        return "there is a space in it"
    host = urlsplit(_safe(href)).hostname or ""
    if not host:
        return "it names no site"
    if "," in host or ".." in host or host.startswith(("-", ".")) or host.endswith("-"):
        return f"{host} is no name of a site"
    if "." not in host and host != "localhost":
        return f"{host} is no full name of a site"
    return ""


def _safe(href: str) -> str:
    """An address that can be taken apart: one with a broken bracket in its host cannot."""
    try:
        urlsplit(href)
    except ValueError:
        return "https:///"
    return href
