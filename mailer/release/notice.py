"""What a notice says: a short text about a release, or its corrected text under a label.

A withdrawal, a hold and its end repeat the headline and the contacts, and nothing of the text that
is in doubt; a correction is the whole text again, called a correction (D9, D10).
"""

from __future__ import annotations

from dataclasses import replace

from mailer.release.model import Block, BlockKind, Inline, Kind, Release

NOTICES = frozenset(
    {Kind.CORRECTION, Kind.REFILE, Kind.UPDATE, Kind.HOLD, Kind.CLEARED, Kind.EMBARGO_CHANGE}
    | {Kind.KILL}
)
"""Kinds that speak of something sent before."""


def about(release: Release, kind: Kind, *sentences: str) -> Release:
    """A notice that is not the release itself: its headline, these sentences (those that say
    nothing left out), its contacts."""
    said = [Block(BlockKind.PARAGRAPH, (Inline(text),)) for text in sentences if text]
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


def plain(release: Release, kind: Kind) -> Release:
    """The corrected text for who has nothing yet: a plain release, whatever its file calls it."""
    if release.kind not in NOTICES:
        return release
    return replace(release, kind=Kind.RELEASE if kind in NOTICES else kind, status_line=None)
