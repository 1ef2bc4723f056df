"""What a notice says: a short text about a release, or its corrected text under a label.

A withdrawal, a hold and its end repeat the headline and the contacts, and nothing of the text that
is in doubt; a correction is the whole text again, called a correction (D9, D10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailer.release.embargoed import held_until
from mailer.release.model import Block, BlockKind, Inline, Kind, Release

NOTICES = frozenset(
    {Kind.CORRECTION, Kind.REFILE, Kind.UPDATE, Kind.HOLD, Kind.CLEARED, Kind.EMBARGO_CHANGE}
    | {Kind.KILL}
)
"""Kinds that speak of something sent before."""


def about(release: Release, kind: Kind, *sentences: str) -> Release:
    """A notice that is not the release itself: its headline, these sentences (those that say
    nothing left out), its contacts."""
    said = [_paragraph(text) for text in sentences if text]
    return Release(
        slug=release.slug,
        kind=kind,
        language=release.language,
        direction=release.direction,
        headline=release.headline,
        headline_language=release.headline_language,
        headline_direction=release.headline_direction,
        lead=said[0] if said else None,
        body=tuple(said[1:]),
        contacts=release.contacts,
        contact_intro=release.contact_intro,
        issuer=release.issuer,
        wordmark=release.wordmark,
    )


def labelled(release: Release, kind: Kind, line: str) -> Release:
    """The corrected text for who has the one before: the band says what it is and `line` what was
    wrong."""
    return replace(release, kind=kind, status_line=line, embargo=None)


def labelled_under_embargo(
    release: Release, kind: Kind, line: str, until: int, zone: str
) -> Release:
    """The same while an embargo binds: the band says its end, so `line` begins the text."""
    text = held_until(release, until, zone)
    quotes = text.quotes
    if text.lead is not None:
        quotes = tuple(replace(quote, paragraph=quote.paragraph + 1) for quote in quotes)
    return replace(
        text,
        kind=kind,
        lead=_paragraph(line),
        body=text.body if text.lead is None else (text.lead, *text.body),
        quotes=quotes,
    )


def remembered(release: Release, kind: Kind, line: str, history: Sequence[str]) -> Release:
    """How the public page shows a text about which something was said: the last word as a band, all
    of them below the text (D12)."""
    said = tuple(_paragraph(each) for each in history)
    return replace(release, kind=kind, status_line=line, notes=(*release.notes, *said))


def plain(release: Release, kind: Kind) -> Release:
    """The corrected text for who has nothing yet: a plain release, whatever its file calls it."""
    if release.kind not in NOTICES:
        return release
    return replace(release, kind=Kind.RELEASE if kind in NOTICES else kind, status_line=None)


def _paragraph(text: str) -> Block:
    return Block(BlockKind.PARAGRAPH, (Inline(text),))
