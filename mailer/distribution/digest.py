"""The weekly mail: headlines of what a cap left out, with links, at a set time of each one's week.

Composed from what the ledger says was skipped by a cap and has a page that anybody may read:
nothing withdrawn or held, and nothing before its embargo ends. People with the same headlines in
the same language share one message. Only the sweep plans them; what each step does is one
transaction (store/digests.py), so a repeat does what is missing (docs/decisions, 35).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mailer.audience.rules import known_zone, last_weekly
from mailer.clock import SECOND
from mailer.distribution.context import Newsroom
from mailer.distribution.published import Shelf
from mailer.distribution.releases import template_source
from mailer.distribution.waves import ACTOR, CHUNK
from mailer.message.digest import MOST, Headline, compile_digest, language_for
from mailer.message.merge import MergeTemplate
from mailer.store import digests, distributions, notices
from mailer.store.base import Row, Tx
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, NewWave, PlannedDelivery
from mailer.store.ledger import keep_compiled

PRIORITY = 60
"""After what is news."""

_DAY = 86_400 * SECOND
_WITHIN = _DAY
"""How long after its time (microseconds) a mail may still be planned; else the next week's does."""

_LOOK_EVERY = 20.0


@dataclass(frozen=True, slots=True)
class _Reader:
    """One person and what a mail names to him. `list` is that of the newest."""

    journalist: int
    list: int
    language: str
    releases: tuple[int, ...]


class Planner:
    """Plans the weekly mails of one newsroom; remembers only for which days a zone is through."""

    def __init__(self, room: Newsroom) -> None:
        self._room = room
        self._shelf = Shelf(room)
        self._look_at = float("-inf")
        self._through: dict[str, str] = {}
        self._headlines: dict[tuple[int, str], Headline | None] = {}
        self._stopped = False  # a release was stopped while its mail was planned: look again

    def look(self) -> int:
        """Plan what is due, unless somebody looked just now; how many people get a mail.

        Raises StoreUnavailable; what was planned until then stands.
        """
        weekly, clock = self._room.config.rules.digest, self._room.clock
        if weekly is None or clock.monotonic() < self._look_at:
            return 0
        self._look_at = clock.monotonic() + _LOOK_EVERY
        with self._room.store.write() as tx:
            if digests.free_stopped(tx):
                self._through.clear()
        with self._room.store.read() as tx:
            now, found = tx.now(), digests.zones(tx)
        planned = 0
        self._headlines.clear()
        for zone in found:
            home = known_zone(zone, self._room.config.newsroom.timezone)
            day, due = last_weekly(*weekly, home, now)
            if now - due < _WITHIN and self._through.get(zone) != day.isoformat():
                self._stopped = False
                planned += self._zone(zone, day.isoformat(), due)
                if not self._stopped:
                    self._through[zone] = day.isoformat()
        return planned

    def _zone(self, zone: str, day: str, due: int) -> int:
        after = planned = 0
        while True:
            with self._room.store.read() as tx:
                people = digests.people(tx, zone, after, CHUNK)
                rows = digests.untold(tx, people, day, since=due - digests.OLDEST, until=due)
            if not people:
                return planned
            after = people[-1]
            readers = sorted(self._readers(rows), key=lambda each: (each.language, each.releases))
            for (language, releases), group in groupby(
                readers, key=lambda each: (each.language, each.releases)
            ):
                planned += self._plan(list(group), language, releases, day, due)

    def _readers(self, rows: Sequence[Row]) -> Iterator[_Reader]:
        """Each person with what may be named to him; nobody without anything."""
        default = self._room.config.newsroom.default_language
        for journalist, own in groupby(rows, key=lambda row: int(row["journalist"])):
            found = list(own)
            language = language_for(found[0]["language"], default)
            lists: dict[int, int] = {}
            for row in found:
                if self._headline(row["release"], row["slug"], language) is not None:
                    lists.setdefault(row["release"], row["list"])
            releases = tuple(lists)[:MOST]
            if releases:
                yield _Reader(journalist, lists[releases[0]], language, releases)

    def _headline(self, release: int, slug: str, language: str) -> Headline | None:
        """The headline as the public may read it, in a language where there is one; None of what is
        not published, withdrawn, on hold, or no news for everybody."""
        key = (release, language)
        if key not in self._headlines:
            found = self._shelf.find(slug, language) or self._shelf.find(slug)
            with self._room.store.read() as tx:
                stands = notices.standing(notices.ls(tx, release))
            self._headlines[key] = None
            if found is not None and stands is None and found.listed and not found.withdrawn:
                text = found.release
                self._headlines[key] = Headline(
                    text.headline, found.edition.url, text.language, text.direction
                )
        return self._headlines[key]

    def _plan(
        self,
        readers: Sequence[_Reader],
        language: str,
        releases: Sequence[int],
        day: str,
        due: int,
    ) -> int:
        """One distribution for people with the same mail, in one transaction; how many get it."""
        named = [self._headlines[each, language] for each in releases]
        template = compile_digest(
            [each for each in named if each is not None],
            language,
            self._room.sender,
            template_source(self._room),
        )
        with self._room.store.write() as tx:
            for release in sorted(releases):
                notices.lock(tx, release)
                if notices.standing(notices.ls(tx, release)) is not None:
                    self._stopped = True
                    return 0
            return _write(tx, self._room, template, readers, releases, day, due)


def _write(
    tx: Tx,
    room: Newsroom,
    template: MergeTemplate,
    readers: Sequence[_Reader],
    releases: Sequence[int],
    day: str,
    due: int,
) -> int:
    now, home = tx.now(), room.config.newsroom.timezone
    number = distributions.insert(
        tx,
        NewDistribution(
            release=releases[0],
            revision=digests.revision_of(tx, releases[0]),
            compiled=template.digest,
            priority=PRIORITY,
            late="send",
            embargo_until=None,
            due_at=now,
            zone=home,
            audience={"to": [], "segments": {}},
            kind="digest",
        ),
        ACTOR,
    )
    mine = digests.take(tx, [each.journalist for each in readers], day, number)
    if not mine:
        distributions.forget(tx, number, CHUNK)
        return 0
    keep_compiled(tx, template.digest, template.to_bytes())
    first = (number << DELIVERY_SHIFT) + 1
    planned = [
        PlannedDelivery(first + place, each.journalist, each.list, 1, kind="digest")
        for place, each in enumerate(each for each in readers if each.journalist in mine)
    ]
    distributions.insert_deliveries(tx, number, planned, now)
    digests.name(tx, number, sorted(mine), releases, due)
    distributions.finish_plan(
        tx,
        number,
        [NewWave(1, now, home, len(planned))],
        recipients=len(planned),
        left_out={},
        due_at=now,
        actor=ACTOR,
    )
    return len(planned)
