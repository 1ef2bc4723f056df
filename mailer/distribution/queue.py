"""Queueing a release: checked, compiled, its audience frozen, its waves planned.

Nothing is visible to a sender before the whole plan stands; a plan that breaks off leaves
nothing. A release with errors, an empty audience or a time that does not exist is refused with
a sentence (exit codes of the contract).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from mailer.audience.segments import Segment
from mailer.clock import SECOND
from mailer.distribution import releases
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import find_segments
from mailer.distribution.log import iso
from mailer.distribution.releases import StoredRelease
from mailer.distribution.waves import forget_plan
from mailer.errors import InputError, Refused, StoreUnavailable, UsageError
from mailer.message.compile import compile_release
from mailer.message.merge import MergeTemplate
from mailer.release.model import Embargo, Severity
from mailer.release.times import Case, Now, When, parse_when, read_when, resolve_local
from mailer.store import distributions, open_store
from mailer.store.audience import candidates
from mailer.store.base import Row
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, PlannedDelivery
from mailer.store.ledger import keep_compiled

LATE = ("hold", "send", "drop")
"""What becomes of a wave later than `late_grace`."""

NORMAL_PRIORITY = 50
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Order:
    """What an officer asks for. `at` and `embargo` as written; `zone` is the one they are in."""

    release: str
    to: Sequence[str]
    at: str = "now"
    zone: str | None = None
    local_time: bool = False
    embargo: str | None = None
    late: str = "hold"


@dataclass(slots=True)
class Queued:
    """What was planned (contract, `queue --json`). `distribution` is None for a dry run."""

    distribution: int | None
    state: str
    recipients: int
    due_at: str | None
    waves: list[dict[str, Any]]
    left_out: dict[str, int]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Wave:
    id: int
    due_at: int
    zone: str
    recipients: int = 0


@dataclass(slots=True)
class _Plan:
    """The audience as it is streamed: waves and counts, never the people themselves."""

    timing: _Timing
    waves: dict[str, _Wave] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    recipients: int = 0

    def take(self, rows: Iterator[Row]) -> Iterator[tuple[int, int, int]]:
        """(journalist, list, wave) of everybody who gets it; the others are counted."""
        for row in rows:
            if row["suppressed"]:
                self._leave_out("suppressed")
            elif row["state"] != "active":
                self._leave_out(row["state"])
            else:
                wave = self._wave(row["zone"])
                wave.recipients += 1
                self.recipients += 1
                yield row["id"], row["list"], wave.id

    def _leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def _wave(self, zone: str) -> _Wave:
        key = self.timing.zone_of(zone)
        wave = self.waves.get(key)
        if wave is None:
            wave = _Wave(len(self.waves) + 1, self.timing.due_in(key), key)
            self.waves[key] = wave
        return wave


class _Timing:
    """When the release is due: one instant, or one wall-clock time in each journalist's zone."""

    def __init__(self, room: Newsroom, order: Order, embargo: Embargo | None, now: int) -> None:
        self.home = order.zone or room.config.newsroom.timezone
        self.warnings: list[str] = []
        self.embargo_until = _embargo(order, embargo, self.home, now, self.warnings)
        self.now = now
        self._late = order.late
        self._too_late = now - round(room.config.sending.late_grace * SECOND)
        self._local = _wall_clock(order) if order.local_time else None
        if self._local is not None:
            self.at = self._local_due(self._local.local, self.home)[0]
        else:
            when = parse_when(order.at, self.home)
            self.at = now if isinstance(when, Now) else when

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
            then = {
                "hold": ": it will wait for an officer",
                "drop": ": it will be dropped",
                "send": "",
            }
            self._warn(f"the time {iso(due)}{whose} lies in the past{then[self._late]}.")
        return due

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


def queue(
    room: Newsroom,
    order: Order,
    actor: str,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Queued:
    """Plan one distribution; with `dry_run` only say what would be planned.

    Raises InputError or NotFound for the release, NotFound for a segment, UsageError for a time,
    Refused for preflight errors and an empty audience. `progress` gets the number planned so far.
    """
    if order.late not in LATE:
        raise UsageError(f'--late "{order.late}" is not known.', hint="Use hold, send or drop.")
    if order.local_time and order.zone is not None:
        raise UsageError("--tz and --local-time exclude each other.", hint="Leave one of them out.")
    segments = find_segments(room, order.to)
    stored = releases.resolve(room, order.release, actor, keep=False)
    warnings = _preflight(room, stored)
    with room.store.read() as tx:
        now = tx.now()
        already = distributions.already_sent(tx, stored.id) if stored.id is not None else 0
    timing = _Timing(room, order, stored.release.embargo, now)
    if already:
        warnings.append(
            f"{already} journalist{'s have' if already > 1 else ' has'} this release already "
            "from an earlier distribution."
        )
    template = compile_release(stored.release, room.sender, releases.template_source(room))
    plan = _Plan(timing)
    with room.store.read() as tx:
        for _ in plan.take(candidates(tx, segments)):
            if not dry_run:
                break  # somebody gets it: worth keeping and planning
    if not plan.recipients:
        raise Refused(_nobody(order, plan))
    number = None
    if not dry_run:
        plan = _Plan(timing)
        stored = _kept(room, order, stored, actor)
        number = _plan(room, stored, template, segments, order, plan, actor, progress)
        if number is None:
            raise Refused(_nobody(order, plan))
    waves = sorted(plan.waves.values(), key=lambda wave: (wave.due_at, wave.id))
    return Queued(
        distribution=number,
        state="scheduled",
        recipients=plan.recipients,
        due_at=iso(waves[0].due_at),
        waves=[
            {
                "wave": wave.id,
                "due_at": iso(wave.due_at),
                "zone": wave.zone,
                "recipients": wave.recipients,
            }
            for wave in waves
        ],
        left_out=plan.left_out,
        warnings=[*warnings, *timing.warnings],
    )


def _kept(room: Newsroom, order: Order, stored: StoredRelease, actor: str) -> StoredRelease:
    """The release kept as a revision, now that everything else is found right."""
    kept = releases.resolve(room, order.release, actor)
    if kept.sha256 != stored.sha256:
        raise InputError(
            "the file was changed while it was read; nothing was queued.",
            where=order.release,
            hint="Save it and queue it again.",
        )
    return kept


def _preflight(room: Newsroom, stored: StoredRelease) -> list[str]:
    """The warnings as sentences; Refused when there are errors."""
    findings = releases.preflight(room, stored.release)
    errors = [f.message for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise Refused(
            f"this release cannot be sent: {' '.join(errors)}",
            where=stored.release.source_name,
            hint=f"See `mailer release check {stored.reference}`.",
        )
    return [f.message for f in findings if f.severity is Severity.WARNING]


def _plan(
    room: Newsroom,
    stored: StoredRelease,
    template: MergeTemplate,
    segments: Sequence[Segment],
    order: Order,
    plan: _Plan,
    actor: str,
    progress: Callable[[int], None],
) -> int | None:
    """Write the plan in short steps, invisible until the last; None when nobody is in it."""
    assert stored.id is not None and stored.revision is not None
    timing = plan.timing
    with room.store.write() as tx:
        keep_compiled(tx, template.digest, template.to_bytes())
        number = distributions.insert(
            tx,
            NewDistribution(
                release=stored.id,
                revision=stored.revision,
                compiled=template.digest,
                priority=NORMAL_PRIORITY,
                late=order.late,
                embargo_until=timing.embargo_until,
                due_at=timing.at,
                zone=timing.home,
                audience={
                    "to": list(order.to),
                    "segments": {segment.name: segment.as_json() for segment in segments},
                },
            ),
            actor,
        )
    base = number << DELIVERY_SHIFT
    try:
        # A connection of its own: one snapshot of the audience while the plan is written.
        with (
            closing(open_store(room.store.url, clock=room.clock)) as beside,
            beside.read() as reading,
        ):
            people = plan.take(candidates(reading, segments))
            numbered = (
                PlannedDelivery(base + count, journalist, list_id, wave)
                for count, (journalist, list_id, wave) in enumerate(people, 1)
            )
            while chunk := list(islice(numbered, _CHUNK)):
                with room.store.write() as tx:
                    distributions.insert_deliveries(tx, number, chunk, timing.at)
                progress(plan.recipients)
        if plan.recipients:
            with room.store.write() as tx:
                distributions.finish_plan(
                    tx,
                    number,
                    [(w.id, w.due_at, w.zone, w.recipients) for w in plan.waves.values()],
                    recipients=plan.recipients,
                    left_out=plan.left_out,
                    due_at=min(wave.due_at for wave in plan.waves.values()),
                    actor=actor,
                )
            return number
    except BaseException:
        # What cannot be removed now is removed later by the scheduler; the reason counts.
        with suppress(StoreUnavailable):
            forget_plan(room, number)
        raise
    forget_plan(room, number)
    return None


def _wall_clock(order: Order) -> When:
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
    order: Order, embargo: Embargo | None, home: str, now: int, warnings: list[str]
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


def _nobody(order: Order, plan: _Plan) -> str:
    left = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in plan.left_out.items())
    names = ", ".join(order.to)
    return f"nobody is in {names}{f' ({left})' if left else ''}: nothing was queued."
