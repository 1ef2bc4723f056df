"""What changed between two revisions of a release, by its structure rather than its lines.

Parts are compared with their like: headline with headline, paragraphs in their order, quotations by
speaker, contacts by name. Within a text the comparison is word by word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from mailer.release.describe import event_lines
from mailer.release.model import Block, Contact, Quote, Release
from mailer.release.times import stamp_in

_WORD = re.compile(r"\s+|[^\W_]+(?:['’\-][^\W_]+)*|.", re.DOTALL)

_LIKE = 0.35
"""From this likeness on, of 1, two paragraphs are one that was changed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is the "same" in both, only in the "old" or only in the "new" one."""

    which: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that was "added", "removed" or "changed". `part` says which ("headline",
    "paragraph 3"): numbers are those of the newer revision, of the older one for what is gone."""

    part: str
    how: str
    pieces: tuple[Piece, ...]

    @property
    def old(self) -> str:
        """The text as it was; "" for what was added."""
        return "".join(piece.text for piece in self.pieces if piece.which != "new")

    @property
    def new(self) -> str:
        """The text as it is; "" for what was removed."""
        return "".join(piece.text for piece in self.pieces if piece.which != "old")


def differences(old: Release, new: Release) -> list[Difference]:
    """What differs between two revisions, in the order of reading (D12)."""
    found: list[Difference] = []
    found += _single("kind", old.kind.value, new.kind.value)
    found += _single("language", old.language, new.language)
    found += _single("embargo", _embargo(old), _embargo(new))
    found += _single("event", *(event_lines(r.event) if r.event else "" for r in (old, new)))
    found += _single("status", old.status_line or "", new.status_line or "")
    found += _single("subject", old.subject or "", new.subject or "")
    found += _single("headline", old.headline, new.headline)
    found += _single("subhead", old.subhead or "", new.subhead or "")
    found += _single("dateline", _dateline(old), _dateline(new))
    found += _single("lead", _text(old.lead), _text(new.lead))
    found += _series("paragraph", _texts(old.body), _texts(new.body))
    found += _series("quote", *(_quotes(each.quotes) for each in (old, new)))
    found += _series("note", _texts(old.notes), _texts(new.notes))
    found += _series("about", *(_about(each) for each in (old, new)))
    found += _series("contact", *(_contacts(each.contacts) for each in (old, new)))
    found += _series("link", _links(old), _links(new))
    found += _series("media", _media(old), _media(new))
    found += _single("issuer", _issuer(old), _issuer(new))
    return found


def _single(part: str, old: str, new: str) -> Iterator[Difference]:
    if old != new:
        how = "changed" if old and new else "added" if new else "removed"
        yield Difference(part, how, _pieces(old, new))


def _series(part: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    """Texts in their order: what is in both stands still, between that the like are paired."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag != "equal":
            for before, after in _paired(old, new, range(first, last), range(start, end)):
                number = after if after is not None else before
                assert number is not None
                yield from _single(
                    f"{part} {number + 1}",
                    "" if before is None else old[before],
                    "" if after is None else new[after],
                )


def _paired(
    old: Sequence[str], new: Sequence[str], before: range, after: range
) -> Iterator[tuple[int | None, int | None]]:
    """Which text became which: each with the first one after the last pair that is like it."""
    if len(before) == len(after) == 1 and not old[before[0]]:
        yield before[0], after[0]
        return
    at = before.start
    for number in after:
        mate = next((n for n in range(at, before.stop) if _alike(old[n], new[number])), None)
        if mate is None:
            yield None, number
            continue
        for gone in range(at, mate):
            yield gone, None
        yield mate, number
        at = mate + 1
    for gone in range(at, before.stop):
        yield gone, None


def _alike(old: str, new: str) -> bool:
    # The quick upper bounds first: long texts that are not alike cost almost nothing.
    matcher = SequenceMatcher(None, _words(old), _words(new), autojunk=False)
    return (
        matcher.real_quick_ratio() >= _LIKE
        and matcher.quick_ratio() >= _LIKE
        and matcher.ratio() >= _LIKE
    )


def _pieces(old: str, new: str) -> tuple[Piece, ...]:
    a, b = _words(old), _words(new)
    found: list[Piece] = []
    for tag, first, last, start, end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece("same", "".join(a[first:last])))
            continue
        if last > first:
            found.append(Piece("old", "".join(a[first:last])))
        if end > start:
            found.append(Piece("new", "".join(b[start:end])))
    return tuple(_joined(found))


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Changes with nothing but a blank between them, as one: "[-a b-] {+c d+}" reads easier."""
    old = new = ""
    for piece, after in zip_longest(pieces, pieces[1:]):
        if piece.which == "old":
            old += piece.text
        elif piece.which == "new":
            new += piece.text
        elif (old or new) and not piece.text.strip() and after is not None:
            old, new = old + piece.text, new + piece.text
        else:
            yield from _flushed(old, new)
            old = new = ""
            yield piece
    yield from _flushed(old, new)


def _flushed(old: str, new: str) -> Iterator[Piece]:
    if old:
        yield Piece("old", old)
    if new:
        yield Piece("new", new)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _embargo(release: Release) -> str:
    held = release.embargo
    return f"{stamp_in(held.instant, held.zone)} {held.zone}" if held else ""


def _dateline(release: Release) -> str:
    return release.dateline.text if release.dateline else ""


def _text(block: Block | None) -> str:
    return block.text if block else ""


def _texts(blocks: Sequence[Block]) -> list[str]:
    return [block.text for block in blocks]


def _quotes(quotes: Sequence[Quote]) -> list[str]:
    """Who says what in which role; the words themselves are compared in their paragraphs too, but
    another speaker for the same words is only seen here."""
    return [
        f"{quote.speaker}{f' ({quote.role})' if quote.role else ''}: "
        + " … ".join(part.text_min for part in quote.parts)
        for quote in quotes
    ]


def _about(release: Release) -> list[str]:
    about = release.boilerplate
    return [about.heading, *_texts(about.blocks)] if about else []


def _contacts(contacts: Sequence[Contact]) -> list[str]:
    return [
        ", ".join(
            part for part in (each.name, each.role, each.phone, each.email, each.hours) if part
        )
        for each in contacts
    ]


def _links(release: Release) -> list[str]:
    return [f"{link.text.strip()} <{link.href or ''}>" for link in release.links]


def _media(release: Release) -> list[str]:
    return [
        ", ".join(
            text
            for text in (
                each.file or each.url,
                each.caption,
                each.alt,
                each.credit,
                each.licence,
                each.sha256[:12],
            )
            if text
        )
        for each in release.media
    ]


def _issuer(release: Release) -> str:
    return release.issuer.name if release.issuer else ""
