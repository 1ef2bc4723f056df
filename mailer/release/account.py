"""Accounting: is every word of the source somewhere in the release?"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from mailer.release.model import Block, BlockKind, Inline, Release
from mailer.release.text import words

_MARKER = re.compile(r"[\s>]*(?:[-*+•·▪◦‣–—]\s+|\(?(\d{1,9})[.)](?=\s|$)\s*)")


_ECHO = re.compile(r"\[([^\]\n]+)\]\((?:mailto:|https?://)?\1/?\)")
"""A link whose words are its address: it says one thing, so it counts once."""


def account(source_text: str, release: Release) -> list[str]:
    """The words of a release's source text that are in none of its fields, in order.

    Words are counted, not only looked up: two in the source need two in the release. Numbers of
    list items are markup. The list is empty for every release that `read_release` returns.
    """
    shown: Counter[str] = Counter()
    # Markup between letters ("in**tern**al") parts words in the source only: count both ways.
    for joiner in ("", " "):
        counted: Counter[str] = Counter()
        unquoted: Counter[str] = Counter()
        for text in _texts(release, joiner):
            counted.update(words(text))
            unquoted.update(words(unquote(text)))
        shown |= counted | unquoted
    source_text = _ECHO.sub(r"\1", source_text)
    markers = _markers(source_text)
    missing = _missing(source_text, shown, markers)
    if missing:
        decoded = _missing(html.unescape(source_text), shown, markers)
        both = Counter(missing) & Counter(decoded)
        missing = [word for word in missing if _take(both, word)]
    return missing


def is_bare(inline: Inline) -> bool:
    """Whether a link's text is its address, as when an address stands in the text as such."""
    text = inline.text
    forms = {text, f"https://{text}", f"http://{text}", f"mailto:{text}"}
    return inline.href is not None and (inline.href in forms or unquote(inline.href) in forms)


def _missing(text: str, shown: Counter[str], markers: Counter[str]) -> list[str]:
    left, spare = shown.copy(), markers.copy()
    return [word for word in words(text) if not _take(left, word) and not _take(spare, word)]


def _markers(text: str) -> Counter[str]:
    """The numbers that mark list items, nested ones on the same line included."""
    found: Counter[str] = Counter()
    for line in text.split("\n"):
        place = 0
        while match := _MARKER.match(line, place):
            if match.group(1):
                found[match.group(1)] += 1
            place = match.end()
    return found


def _take(counter: Counter[str], word: str) -> bool:
    if counter[word] > 0:
        counter[word] -= 1
        return True
    return False


def _texts(release: Release, joiner: str) -> Iterator[str]:
    """Every text that stands for words of the source, each once; what was derived is left out."""
    declared = {value for _, value in release.metadata}
    for text in (release.headline, release.subhead, release.status_line, release.contact_intro):
        if text and text not in declared:
            yield text
    if release.dateline is not None:
        if release.dateline.text not in declared:
            yield release.dateline.text
        yield release.dateline.repeated or ""
    held = release.embargo
    if held is not None and held.text not in declared and held.text != release.status_line:
        yield held.text
    yield release.end_mark or ""
    for block in _blocks(release):
        yield from _inlines(block.inlines, joiner)
    for link in release.links:
        yield from _inlines((link,), joiner)
    if release.boilerplate is not None:
        yield release.boilerplate.heading
    for contact in release.contacts:
        if contact.email and contact.email in " ".join(declared):
            continue
        own_role = contact.role if contact.role_from is None else None
        for part in (contact.name, own_role, contact.email, contact.phone, contact.hours):
            yield part or ""
    for placeholder in release.placeholder_links:
        yield placeholder.target
    for removed in release.removed:
        yield removed.text


def _blocks(release: Release) -> Iterator[Block]:
    boilerplate = release.boilerplate.blocks if release.boilerplate else ()
    lead = (release.lead,) if release.lead else ()
    for block in (*lead, *release.body, *release.notes, *boilerplate):
        for inner in block.walk():
            if inner.kind is not BlockKind.RULE:
                yield inner


def _inlines(inlines: tuple[Inline, ...], joiner: str) -> Iterator[str]:
    yield joiner.join(inline.text for inline in inlines)
    previous = None
    for inline in inlines:
        # A link broken by emphasis has its address once.
        if inline.href and inline.href != previous and not is_bare(inline):
            yield inline.href
        previous = inline.href
