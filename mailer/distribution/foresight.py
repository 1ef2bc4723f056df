"""What rules will do to a plan, as far as anybody can know when it is queued (`queue --dry-run`).

It asks what a claim will ask (distribution/rules.py), of counts as they stand now: what else leaves
until then, and what journalists choose until then, is not in it, hence "as things stand".
"""

from __future__ import annotations

from collections import Counter

from mailer.audience.rules import WEEK, Ruling, Then, Wishes, binding, judge
from mailer.distribution.context import Newsroom
from mailer.distribution.rules import Rulebook
from mailer.release.times import stamp_in
from mailer.store import audience, rules
from mailer.store.base import Tx

_OUTSIDE = {"internal", "topic"}
"""Kinds of lists whose members no cap, gap or hours of these rules hold back."""


class Foresight:
    """Counts people of a plan with `add`; `warnings` tells, `last` is until when the last waits.

    `now`, `first` (when the plan's first batch is due) and `event` (as `rules.event_of` has it)
    are UTC microseconds.
    """

    def __init__(
        self, room: Newsroom, tx: Tx, now: int, first: int, event: int | None = None
    ) -> None:
        self._book = Rulebook(room.config)
        self._event = event
        self._home = room.config.newsroom.timezone
        self._now = now
        house = self._book.house
        self._wishes = {
            row["journalist"]: Wishes(
                row["weekly_cap"],
                bool(row["office_hours"]),
                row["away_until"],
                bool(row["paused"]),
            )
            for row in rules.wishes(tx)
        }
        caps = house.weekly_cap is not None or house.min_gap
        limited = [j for j, each in self._wishes.items() if each.weekly_cap is not None]
        since = max(now, first) - WEEK
        self._got = rules.recent_of(tx, None if caps else limited, since) if caps or limited else {}
        self._kinds = {row["id"]: row["kind"] for row in audience.lists_by_name(tx).values()}
        self._known: dict[tuple[str, int, bool], Ruling] = {}
        self._waiting: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self.last = 0

    def __bool__(self) -> bool:
        """Whether there is any rule at all."""
        return bool(self._book.house or self._wishes)

    def add(self, journalist: int, list: int, zone: str, due: int, *, lift: bool) -> None:
        """One person, attributed to a list, whose batch is due then, maybe as a `lift`."""
        kind = self._kinds.get(list, "")
        wishes = self._wishes.get(journalist)
        if kind == "internal":
            return
        got = self._got.get(journalist)
        plain = wishes is None and got is None and kind not in _OUTSIDE
        key = (zone, due, lift)
        if plain and key in self._known:
            ruling = self._known[key]
        else:
            own = binding(self._book.house, wishes or Wishes(), lift=lift, asked=kind == "topic")
            count, last_at = got or (0, None)
            then = max(due, self._now)
            ruling = judge(
                own,
                self._book.calendar(own.closed, zone),
                then,
                latest=then + self._book.longest,
                event=self._event,
                recent=count,
                last_at=last_at,
            )
            if plain:
                self._known[key] = ruling
        if ruling.then is Then.WAIT:
            self._waiting[ruling.reason] += 1
            self.last = max(self.last, ruling.until)
        elif ruling.then is Then.SKIP:
            self._skipped[ruling.reason] += 1

    def warnings(self) -> list[str]:
        """What the officer is told."""
        found = [
            f"as things stand, {_people(count)} {_plural(count, reason)}; the last one's message "
            f"leaves by {stamp_in(self.last, self._home)}."
            for reason, count in sorted(self._waiting.items())
        ]
        if self._skipped:
            why = ", ".join(
                f"{count:,} {reason}" for reason, count in sorted(self._skipped.items())
            )
            found.append(
                f"as things stand, {_people(self._skipped.total())} would be skipped ({why})."
            )
        return found


def _people(count: int) -> str:
    return "1 journalist" if count == 1 else f"{count:,} journalists"


def _plural(count: int, reason: str) -> str:
    return reason if count == 1 else reason.replace("waits ", "wait ", 1)
