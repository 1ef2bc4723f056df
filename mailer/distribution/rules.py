"""The newsroom's rules and each journalist's own, asked in the transaction of a claim (decision 3).

What was claimed and may not go now waits or is skipped before it takes a place in any rate. People
whom no rule binds cost nothing as long as nobody chose anything, else one question for a whole
claim. What leaves in spite of a rule: notices of a withdrawal, hold, correction or changed embargo,
messages that somebody asked for, tests, and copies for the house itself (docs/decisions, 35).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailer.audience.rules import (
    NO_EMBARGOES,
    WEEK,
    Calendar,
    Closed,
    Hours,
    House,
    Rules,
    Ruling,
    Then,
    Wishes,
    binding,
    judge,
    known_zone,
    last_weekly,
)
from mailer.clock import SECOND
from mailer.config import Config
from mailer.distribution.context import Newsroom
from mailer.release.model import Kind, Release
from mailer.release.times import stamp_in
from mailer.store import digests, ledger, notices, releases, rules
from mailer.store.base import Row, Tx
from mailer.store.ledger import Claimed, OpenWave
from mailer.store.preferences import Preferences
from mailer.store.rules import Skip
from mailer.store.states import WAITS_FOR_TURN

_AGAIN = SECOND // 20
"""After how long (microseconds) somebody is looked at again for whom another sender is claiming."""

_ORDINARY = 50
"""The priority of what is no more urgent than anything else."""

_RULED = ("release", "digest")
"""The kinds of deliveries, and of distributions, to which rules apply."""

_INTERNAL, _TOPIC = "internal", "topic"

_LIST_KIND = 7
"""Where the kind of the list stands in `Claimed.person`."""


def house_of(config: Config) -> House:
    """The newsroom's own rules."""
    own = config.rules
    quiet = () if own.quiet_hours is None else (Hours(*own.quiet_hours),)
    return House(
        own.weekly_cap or None,
        round(own.min_gap * SECOND),
        Closed(quiet, weekends=own.weekends == "wait"),
        Hours(*own.office_hours),
    )


def event_of(release: Release) -> int | None:
    """From when on (UTC microseconds) an invitation is of no use any more (D9); None for what
    brings news."""
    if release.kind is not Kind.ADVISORY or release.event is None:
        return None
    return release.event.reachable_until


class Rulebook:
    """One newsroom's rules; `judge` applies them to what a claim took."""

    def __init__(self, config: Config) -> None:
        self.house = house_of(config)
        self._home = config.newsroom.timezone
        self.longest = round(config.rules.longest_wait * SECOND)
        self._calendars: dict[tuple[Closed, str], Calendar] = {}
        self._events: dict[tuple[int, int], int | None] = {}

    def judge(
        self, tx: Tx, worker: int, wave: OpenWave, claimed: Sequence[Claimed]
    ) -> list[Claimed]:
        """Who of those just claimed from a wave gets it now; the others wait or are skipped, in the
        ledger and its history."""
        meant = {
            each.id: each.journalist
            for each in claimed
            if each.kind in _RULED and each.person[_LIST_KIND] != _INTERNAL
        }
        if not meant or not (self.house or wave.wishes):
            return list(claimed)
        rows = rules.bound(tx, wave.distribution, meant, everybody=bool(self.house))
        # What went to one person by an officer's hand, he asked for.
        rows = [row for row in rows if row["kind"] in _RULED]
        if not rows:
            return list(claimed)
        topics = {each.id for each in claimed if each.person[_LIST_KIND] == _TOPIC}
        held = _write(tx, worker, rows, self._rulings(tx, wave, rows, topics))
        return [each for each in claimed if each.id not in held]

    def _rulings(
        self, tx: Tx, wave: OpenWave, rows: Sequence[Row], topics: set[int]
    ) -> dict[int, Ruling]:
        """What becomes of each delivery, by its id."""
        bound = {row["id"]: self._binding(wave, row, topics) for row in rows}
        counted = [row["journalist"] for row in rows if bound[row["id"]].counts]
        free = rules.lock(tx, counted) if counted else set()
        now = tx.now()
        got = rules.recent(tx, wave.distribution, free, now - WEEK) if free else {}
        may_wait = any(own.closed or own.gap for own in bound.values())
        invites = may_wait and rows[0]["kind"] == "release"  # a digest names more than this one
        event = self._event(tx, rows[0]) if invites else None
        return {
            row["id"]: self._ruling(row, bound[row["id"]], free, got, now, event) for row in rows
        }

    def _event(self, tx: Tx, row: Row) -> int | None:
        """`event_of` what a distribution sends, or of what corrected it: that may have moved it."""
        corrected = (each.revision or 0 for each in notices.ls(tx, row["release"]))
        key = (row["release"], max(row["revision"], *corrected, 0))
        if key not in self._events:
            found = releases.get(tx, *key)
            self._events[key] = event_of(found.release) if found else None
        return self._events[key]

    def _binding(self, wave: OpenWave, row: Row, topics: set[int]) -> Rules:
        lift = wave.priority < _ORDINARY or _is_lift(row)
        found = binding(self.house, _wishes(row), lift=lift, asked=row["id"] in topics)
        # What names the releases that the cap left out is not kept back by it.
        return replace(found, cap=None, gap=0) if row["kind"] == "digest" else found

    def _ruling(
        self,
        row: Row,
        own: Rules,
        free: set[int],
        got: dict[int, tuple[int, int]],
        now: int,
        event: int | None,
    ) -> Ruling:
        if row["early"] and row["no_embargoes"]:
            # What was tried is the same message for ever, so it cannot become the later one.
            then = Then.SKIP if row["last_attempt_at"] else Then.WAIT
            return Ruling(then, NO_EMBARGOES, row["embargo_until"])
        if own.counts and row["journalist"] not in free:
            return Ruling(Then.WAIT, WAITS_FOR_TURN, now + _AGAIN)
        messages, last_at = got.get(row["journalist"], (0, None))
        if row["last_attempt_at"]:
            messages = 0  # its place under the cap was taken when it was first tried, and is kept
        latest = (row["waits_since"] or now) + self.longest
        calendar = self.calendar(own.closed, row["zone"])
        return judge(
            own, calendar, now, latest=latest, event=event, recent=messages, last_at=last_at
        )

    def calendar(self, closed: Closed, zone: str) -> Calendar:
        """When it is open for somebody; in the newsroom's zone where his is not known."""
        if (closed, zone) not in self._calendars:
            known = known_zone(zone, self._home)
            self._calendars[closed, zone] = Calendar(closed, known)
        return self._calendars[closed, zone]


def _is_lift(row: Row) -> bool:
    """Whether it is due because an embargo ends."""
    until: int | None = row["embargo_until"]
    return until is not None and not row["early"] and row["due_at"] <= until


def _wishes(row: Row) -> Wishes:
    return Wishes(
        row["weekly_cap"], bool(row["office_hours"]), row["away_until"], bool(row["paused"])
    )


def _write(tx: Tx, worker: int, rows: Sequence[Row], found: dict[int, Ruling]) -> set[int]:
    """Carry the rulings out; the ids of what does not go now."""
    skips: list[Skip] = []
    late: list[tuple[int, int, int, str]] = []
    back: dict[str, list[int]] = {}
    for row in rows:
        ruling = found[row["id"]]
        if ruling.then is Then.WAIT:
            # An early copy that cannot leave before the end becomes what everybody gets then.
            too_late = row["early"] and ruling.until >= row["embargo_until"]
            if too_late and not row["last_attempt_at"]:
                back.setdefault(ruling.reason, []).append(row["id"])
            else:
                late.append((row["distribution"], row["id"], ruling.until, ruling.reason))
        elif ruling.then is Then.SKIP:
            skips.append(Skip(row["distribution"], row["id"], ruling.reason))
    ledger.put_off(tx, worker, late)
    waiting = [id for _, id, _, reason in late if reason != WAITS_FOR_TURN]
    if waiting:
        rules.wait(tx, rows[0]["distribution"], waiting)
    rules.skip(tx, worker, skips)
    for reason, ids in back.items():
        rules.to_lift(tx, worker, rows[0], ids, reason)
    gone = {id for ids in back.values() for id in ids}
    return gone | {each[1] for each in late} | {each.delivery for each in skips}


def absences(
    room: Newsroom, tx: Tx, distribution: int, deliveries: Mapping[int, int]
) -> dict[int, str]:
    """Of deliveries of a distribution, given with their people, those that would be skipped
    because he is away or paused, with his `absence`."""
    rows = rules.bound(tx, distribution, deliveries, everybody=False)
    rows = [row for row in rows if row["kind"] in _RULED]
    found = {row["id"]: absence(room, tx, _wishes(row)) for row in rows}
    return {id: why for id, why in found.items() if why}


def absence(room: Newsroom, tx: Tx, wishes: Wishes | Preferences) -> str:
    """Why somebody gets nothing now by his own word, to follow his name; "" where he does."""
    if wishes.paused:
        return "has paused all mail"
    if wishes.away_until is not None and tx.now() < wishes.away_until:
        back = stamp_in(wishes.away_until, room.config.newsroom.timezone)
        return f"is away until {back}"
    return ""


def weekly_mail(room: Newsroom, tx: Tx) -> str | None:
    """What `status` says of the next weekly mail; None where nothing waits for it."""
    weekly = room.config.rules.digest
    if weekly is None:
        return None
    now, home = tx.now(), room.config.newsroom.timezone
    people = digests.waiting(tx, now - digests.OLDEST)
    if not people:
        return None
    _, due = last_weekly(*weekly, home, now + WEEK)
    many = "1 journalist" if people == 1 else f"{people:,} journalists"
    return (
        f"The weekly mail of headlines is due next at {stamp_in(due, home)} (by each one's own "
        f"clock), for {many} whom a cap left out."
    )
