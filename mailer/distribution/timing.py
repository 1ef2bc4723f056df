"""When the deliveries of a distribution are due: embargo, zones, spread.

One instant or one wall-clock time in each journalist's zone, never before an embargo ends, each
wave at once or spread evenly. A lift reaches everybody at once, whatever else is asked (D22).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mailer.clock import SECOND
from mailer.config_values import BadValue, duration
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.errors import UsageError
from mailer.release.model import Embargo
from mailer.release.times import Case, Now, When, parse_when, read_when, resolve_local, zone_info


class Times(Protocol):
    """What of an officer's order says when; times as written."""

    @property
    def at(self) -> str: ...

    @property
    def zone(self) -> str | None: ...

    @property
    def local_time(self) -> bool: ...

    @property
    def embargo(self) -> str | None: ...

    @property
    def late(self) -> str: ...

    @property
    def over(self) -> str | None: ...


class Timing:
    """When the release is due: one instant, or one wall-clock time in each journalist's zone."""

    def __init__(self, room: Newsroom, order: Times, embargo: Embargo | None, now: int) -> None:
        self.home = order.zone or room.config.newsroom.timezone
        zone_info(self.home)  # also when no time needs it: a mistyped zone is never passed over
        self.warnings: list[str] = []
        self.embargo_until = _embargo(order, embargo, self.home, now, self.warnings)
        self.now = now
        self.over = _over(order.over)
        self._late = order.late
        self._too_late = now - round(room.config.sending.late_grace * SECOND)
        self._local = _wall_clock(order) if order.local_time else None
        if self._local is not None:
            self.at = self._local_due(self._local.local, self.home)[0]
        else:
            when = parse_when(order.at, self.home)
            self.at = now if isinstance(when, Now) else when

    @property
    def lift(self) -> int:
        """When the text becomes free: at the end of its embargo, else as it leaves. UTC µs."""
        return self.embargo_until or self.at

    @property
    def binds(self) -> bool:
        """Whether something would be due before the embargo ends, so that grants matter."""
        return self.embargo_until is not None and self.at < self.embargo_until

    def zone_of(self, zone: str) -> str:
        """The wave a journalist's zone belongs to."""
        return (zone or self.home) if self._local is not None else self.home

    def due_in(self, zone: str) -> int:
        """When that wave is due, UTC microseconds; never before the embargo ends (D22).

        The officer is told what he might not expect of it, once.
        """
        due, odd = self.at, ""
        if self._local is not None:
            due, odd = self._local_due(self._local.local, zone)
        if self.embargo_until is not None and self.embargo_until >= due:
            return self.embargo_until  # a lift runs however late (H3)
        if odd:
            self._warn(odd)
        if due < self._too_late:
            whose = "" if self._local is None else f" for {zone}"
            others = "" if self._local is None else ", and the batches after it with it"
            then = {
                "hold": f": it will wait for an officer{others}",
                "drop": ": it will be dropped",
                "send": "",
            }
            self._warn(f"the time {iso(due)}{whose} lies in the past{then[self._late]}.")
        return due

    def spread(self, due: int) -> int:
        """Over how many microseconds a wave that is due then is spread; a lift never is (D22)."""
        if self.over and self.is_lift(due):
            self._warn("the end of an embargo reaches everybody at once: --over is not applied.")
            return 0
        return self.over

    def open_from(self, due: int) -> int:
        """From when the deliveries of a wave that is due then may be claimed.

        At a lift only the wave and the embargo hold them back, so that moving the embargo moves
        everything.
        """
        return min(self.now, due) if self.is_lift(due) else due

    def is_lift(self, due: int) -> bool:
        """Whether what is due then is due because the embargo ends."""
        return self.embargo_until is not None and due <= self.embargo_until

    def _local_due(self, local: datetime, zone: str) -> tuple[int, str]:
        # The rule for waves in other people's zones: skipped times move forward by the gap,
        # repeated ones mean the first (H2).
        resolved = resolve_local(local, zone)
        if resolved.instant is not None:
            return resolved.instant, ""
        due = resolved.alternatives[1 if resolved.case is Case.GAP else 0]
        what = (
            "does not exist: the clocks go forward then"
            if resolved.case is Case.GAP
            else "happens twice: the clocks go back then"
        )
        return due, f"{local:%Y-%m-%d %H:%M} {what}. The batch for {zone} goes at {iso(due)}."

    def _warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)


def until_of(text: str, zone: str) -> int:
    """An instant as an officer writes it, UTC microseconds; 0 for "now". Raises UsageError."""
    when = parse_when(text, zone)
    return 0 if isinstance(when, Now) else when


def _over(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return round(duration(text.strip()) * SECOND)
    except BadValue:
        raise UsageError(
            f'--over "{text}" is not a duration.', hint='Write it like "40m" or "1h30m".'
        ) from None


def _wall_clock(order: Times) -> When:
    """The time of day that each journalist's own clock is to show."""
    if order.at.strip().lower() == "now":
        raise UsageError("--local-time needs --at with a time of day.")
    when = read_when(order.at)
    if when.offset is not None or when.zone is not None:
        raise UsageError(
            "--local-time means each journalist's own clock, so --at must not name a zone.",
            hint='Write it like "2026-12-01T09:00".',
        )
    return when


def _embargo(
    order: Times, embargo: Embargo | None, home: str, now: int, warnings: list[str]
) -> int | None:
    """The later of the release's own embargo and the officer's; in the past it binds nobody."""
    until = embargo.instant if embargo else None
    if order.embargo is not None:
        when = parse_when(order.embargo, home)
        if isinstance(when, Now):
            raise UsageError("an embargo needs a time, not now.")
        until = max(when, until or when)
    if until is not None and until <= now:
        warnings.append(f"the embargo ended already ({iso(until)}).")
    return until
