"""Who of an audience gets a release, and in which batch: streamed, never kept as a whole.

`queue` plans an audience so when it is frozen, and `refresh` once more for what has not begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailer.distribution.embargo import Early
from mailer.distribution.foresight import Foresight
from mailer.distribution.internal import Copy
from mailer.distribution.named import Named
from mailer.distribution.timing import Timing
from mailer.distribution.variants import Choice
from mailer.store.base import Row
from mailer.store.distributions import PlannedDelivery
from mailer.store.variants import NEVER

EARLY = "early"
"""Stands for a zone among a plan's waves; no zone is called so."""


def why_not(row: Row, named: Named) -> str:
    """Why a candidate gets nothing, "" when he does."""
    if row["suppressed"]:
        return "suppressed"
    if row["state"] != "active":
        return str(row["state"])
    if row["id"] in named.excepted:
        return "excepted"
    return "received" if named.received is not None and row["received"] else ""


@dataclass(slots=True)
class Wave:
    """A batch of a plan; instants in UTC microseconds, `over` in microseconds."""

    id: int
    due_at: int
    zone: str
    over: int
    open_from: int
    expected: int
    language: str = ""
    awaits: str = ""
    begins: int = 0
    recipients: int = 0

    def next_due(self) -> int:
        """When the next person of it is due: one after the other, evenly (`expected` in all)."""
        place = self.recipients
        self.recipients += 1
        if not self.over:
            return self.open_from
        return self.begins + self.over * min(place, self.expected - 1) // self.expected


Key = tuple[str, str, str]
"""What is one for all in a wave: its zone, the language of its text, the one it waits for."""


@dataclass(slots=True)
class Plan:
    """The audience as it is streamed: waves and counts, never the people themselves.

    `expected` is how many each wave will have; only a plan that is spread needs it. With several
    languages `choice` says who gets which, and a wave that waits for one is due at `until`. `early`
    are those who may have it before the embargo ends: they are in waves of their own. Who is
    reached through one of the lists `internal` is in no wave, but among `copies`. `foresight` is
    shown everybody else, to tell what rules will do. Where it is `advertising`,
    `barred` has those of the rows to come to whom the law lets none go, with why; a copy for the
    office's own people is none.
    """

    timing: Timing
    named: Named
    choice: Choice | None = None
    until: int = 0
    expected: dict[Key, int] = field(default_factory=dict)
    waves: dict[Key, Wave] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    recipients: int = 0
    early: Early = field(default_factory=Early)
    trusted: list[int] = field(default_factory=list)
    internal: frozenset[int] = frozenset()
    copies: list[Copy] = field(default_factory=list)
    foresight: Foresight | None = None
    advertising: bool = False
    barred: dict[int, str] = field(default_factory=dict)

    def take(
        self, rows: Iterable[Row], first: int = 0
    ) -> tuple[list[PlannedDelivery], list[tuple[int, str]]]:
        """Who of some candidates gets it, numbered from `first`, and who does not and why."""
        planned: list[PlannedDelivery] = []
        left: list[tuple[int, str]] = []
        for row in rows:
            number = row["id"]
            barred = self.barred.pop(number, "")
            # A copy for the office's own people sells them nothing.
            copy = row["list"] in self.internal
            if why := why_not(row, self.named) or ("" if copy else barred):
                left.append((number, why))
                self.left_out[why] = self.left_out.get(why, 0) + 1
                continue
            text = self.choice.of(row["language"], row["outlet"]) if self.choice else ("", "")
            if copy:
                self.copies.append(Copy(number, row["list"], text[0]))
                continue
            # Who waits for his text waits for the end as well.
            if number in self.early and not text[1]:
                wave = self._early_wave(text[0], row["zone"])
                if number in self.early.trusted:
                    self.trusted.append(number)
            else:
                wave = self._wave(row["zone"], *text)
            due = wave.next_due()
            if self.foresight:
                then = max(due, wave.due_at if wave.due_at < NEVER else wave.begins)
                lift = number not in self.early and self.timing.is_lift(then)
                self.foresight.add(number, row["list"], row["zone"], then, lift=lift)
            planned.append(PlannedDelivery(first + len(planned), number, row["list"], wave.id, due))
        self.recipients += len(planned)
        return planned, left

    def early_waves(self) -> list[tuple[Wave, str]]:
        """The waves of those with a grant, one for each language and zone of readers."""
        return [(wave, key[2]) for key, wave in self.waves.items() if key[0] == EARLY]

    def _early_wave(self, language: str, zone: str) -> Wave:
        at, home = self.timing.at, self.timing.home
        key = (EARLY, language, self.early.reader(zone, self.timing.embargo_until or at))
        if key not in self.waves:
            number = len(self.waves) + 1
            self.waves[key] = Wave(number, at, key[2] or home, 0, at, 1, language, "", at)
        return self.waves[key]

    def _wave(self, zone: str, language: str, awaits: str) -> Wave:
        key = (self.timing.zone_of(zone), language, awaits)
        wave = self.waves.get(key)
        if wave is None:
            due = self.timing.due_in(key[0])
            wave = self.waves[key] = Wave(
                len(self.waves) + 1,
                max(due, self.until) if awaits else due,
                key[0],
                self.timing.spread(due),
                self.timing.open_from(due),
                self.expected.get(key, 1),
                language,
                awaits,
                due,
            )
        return wave
