"""The two texts of a release under embargo: for who gets it before the end, and for the others."""

from __future__ import annotations

from dataclasses import replace

from mailer.release.model import Embargo, Release


def held_until(release: Release, until: int, zone: str) -> Release:
    """The text for who gets it before the end (UTC microseconds): the band and the Subject say the
    end that binds, in the text's own zone where it has one (D2)."""
    own = release.embargo
    return replace(
        release, embargo=Embargo(own.text if own else "", until, own.zone if own else zone)
    )


def lifted(release: Release, until: int | None) -> Release:
    """The text for who gets it once an embargo until then has ended: nothing in it says "embargo".
    A text whose own embargo ends later stays as it is."""
    own = release.embargo
    if own is None or until is None or own.instant > until:
        return release
    return replace(release, embargo=None, status_line=None)
