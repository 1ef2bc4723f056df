"""Inline markup: what is bold, a link, code. One conversion for Markdown and light plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mailer.release.model import Inline, PlaceholderLink
from mailer.release.read.pieces import SOFT

_LIGHT = MarkdownIt("zero", {"html": False}).enable(
    ["emphasis", "link", "image", "backticks", "autolink"]
)
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"“”«»]+", re.IGNORECASE)
_TITLED = re.compile(r"\]\([^)]*[\"'(]")
_NOWHERE = re.compile(
    r"(#.*|https?:/{0,2}#?|about:blank|tbd|tba|todo|tk|xxx+|link|url|insert[-_ ]?(link|url)|"
    r"javascript:.*|\.\.\.|…)?",
    re.IGNORECASE,
)
# A form feed is white space to the parser and never left in a text by the readers.
_HARD = "\f"
# Underscores are letters of file names far more often than emphasis in plain text.
_UNDERSCORE, _STAND_IN = "_", "\ue05f"


def light(text: str) -> tuple[Inline, ...]:
    """The inlines of plain text with light Markdown: `**`, `*`, `[text](target)`, backticks."""
    rows = text.replace(_UNDERSCORE, _STAND_IN).replace("\n", _HARD)
    tokens = _LIGHT.parseInline(rows)[0].children or []
    inlines = convert(tokens)
    return tuple(
        replace(
            inline,
            text=inline.text.replace(_STAND_IN, _UNDERSCORE).replace(_HARD, "\n"),
            href=_restore(inline.href),
        )
        for inline in inlines
    )


def titles(text: str) -> list[str]:
    """Words of light Markdown that are shown nowhere: the titles of links and pictures."""
    if not _TITLED.search(text):
        return []
    tokens = _LIGHT.parseInline(text)[0].children or []
    return [str(token.attrs["title"]) for token in tokens if token.attrs.get("title")]


def convert(tokens: Sequence[Token]) -> tuple[Inline, ...]:
    """markdown-it's inline tokens as `Inline` runs; bare web addresses become links."""
    runs: list[Inline] = []
    strong = emphasis = 0
    href: str | None = None
    for token in tokens:
        kind = token.type
        if kind == "strong_open":
            strong += 1
        elif kind == "strong_close":
            strong -= 1
        elif kind == "em_open":
            emphasis += 1
        elif kind == "em_close":
            emphasis -= 1
        elif kind == "link_open":
            href = str(token.attrs.get("href", ""))
        elif kind == "link_close":
            href = None
        elif kind == "image":
            source = str(token.attrs.get("src", ""))
            runs.append(Inline(token.content or source, source, strong > 0, emphasis > 0))
        elif kind == "softbreak":
            runs.append(Inline(SOFT, href, strong > 0, emphasis > 0))
        elif kind == "hardbreak":
            runs.append(Inline("\n", href, strong > 0, emphasis > 0))
        elif token.content:
            code = kind == "code_inline"
            text = token.content.replace("\n", SOFT)
            run = Inline(text, href, strong > 0, emphasis > 0, code)
            runs.extend([run] if code or href is not None else linked(run))
    return tuple(runs)


def drop_placeholders(
    inlines: tuple[Inline, ...], first_line: int
) -> tuple[tuple[Inline, ...], list[PlaceholderLink]]:
    """Take links that lead nowhere off their words, which stay (README point 5)."""
    kept: list[Inline] = []
    found: list[PlaceholderLink] = []
    line = first_line
    previous: str | None = None
    for inline in inlines:
        if inline.href is not None and _NOWHERE.fullmatch(unquote(inline.href).strip()):
            target = unquote(inline.href)
            if previous == inline.href and found:
                found[-1] = replace(found[-1], text=found[-1].text + _flat(inline.text))
            else:
                found.append(PlaceholderLink(_flat(inline.text), target, line))
            kept.append(replace(inline, href=None))
        else:
            kept.append(inline)
        previous = inline.href
        line += inline.text.count(SOFT) + inline.text.count("\n")
    return tuple(kept), found


def linked(run: Inline) -> list[Inline]:
    """A run of text with the web addresses in it as links."""
    runs: list[Inline] = []
    place = 0
    for match in _URL.finditer(run.text):
        address = _trimmed(match.group())
        start, end = match.start(), match.start() + len(address)
        target = address if "://" in address else f"https://{address}"
        if start > place:
            runs.append(replace(run, text=run.text[place:start]))
        runs.append(replace(run, text=address, href=target))
        place = end
    if place < len(run.text):
        runs.append(replace(run, text=run.text[place:]))
    return runs


def _trimmed(address: str) -> str:
    address = address.split(SOFT, 1)[0].split(_HARD, 1)[0].rstrip(".,;:!?'’…*。，")
    while address.endswith((")", "]")) and address.count(")") > address.count("("):
        address = address[:-1].rstrip(".,;:!?")
    return address


def _flat(text: str) -> str:
    return text.replace(SOFT, " ").replace("\n", " ")


def _restore(href: str | None) -> str | None:
    if href is None:
        return None
    return href.replace("%EE%81%9F", _UNDERSCORE).replace(_STAND_IN, _UNDERSCORE)
