"""The two texts of a release under embargo: for who gets it before the end, and for the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.clock import to_datetime
from mailer.release.model import Embargo, Release


def held_until(release: Release, until: int, zone: str, reader: str = "") -> Release:
    """The text for who gets it before the end (UTC microseconds): the band and the Subject say the
    end that binds, in the text's own zone where it has one (D2), the band in the reader's too."""
    own = release.embargo
    embargo = Embargo(own.text if own else "", until, own.zone if own else zone, reader)
    return replace(release, embargo=embargo)


def by_zone(zones: Iterable[str], until: int, home: str) -> dict[str, str]:
    """Of each zone the first of those given in which an embargo ends at the same time of day; ""
    for that of `home`, and for what is no zone."""
    stands = {_time_in(home, until): "", None: ""}
    return {zone: stands.setdefault(_time_in(zone, until), zone) for zone in zones}


def _time_in(zone: str, instant: int) -> timedelta | None:
    try:
        return to_datetime(instant).astimezone(ZoneInfo(zone)).utcoffset()
    except (ValueError, ZoneInfoNotFoundError):
        return None


def lifted(release: Release, until: int | None) -> Release:
    """The text for who gets it once an embargo until then has ended: nothing in it says "embargo".
    A text whose own embargo ends later stays as it is."""
    own = release.embargo
    if own is None or until is None or own.instant > until:
        return release
    return replace(release, embargo=None, status_line=None)
