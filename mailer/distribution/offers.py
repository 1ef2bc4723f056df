"""Asking journalists to agree to an embargo: a note to each, once for a release (D3; ADR 36).

A note says the terms and the time and nothing of the text. Who declined, paused, is away, wants no
embargoes or may have the release already is not asked; who works for an outlet that agreed once for
all may have it without a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from mailer.audience.conditions import facet_value
from mailer.distribution import embargo
from mailer.distribution.agreements import choice_of
from mailer.distribution.context import Newsroom
from mailer.distribution.control import refuse_stopped
from mailer.distribution.holders import in_force, read_terms
from mailer.distribution.lists import find_segments
from mailer.distribution.log import iso
from mailer.distribution.releases import StoredRelease, template_source
from mailer.distribution.telling import recipient
from mailer.distribution.waves import forget_plan
from mailer.errors import CheckFailed, Refused
from mailer.message.compile import EMBARGO_NOTE, compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.phrases import RTL, base_language, phrases
from mailer.message.view import embargo_in
from mailer.release.embargoed import by_zone, held_until
from mailer.release.model import Block, BlockKind, Inline, Kind, Release
from mailer.store import agreements, audience, distributions, ledger, notices
from mailer.store import embargo as stored_embargo
from mailer.store.base import Row
from mailer.store.distributions import (
    DELIVERY_SHIFT,
    NewDistribution,
    NewWave,
    PlannedDelivery,
)

PRIORITY = 45
"""Before releases, after what somebody is told about one that he has."""

_CHUNK = 100


@dataclass(slots=True)
class Offered:
    """What an offer did: how many get a note, how many have it by their outlet's standing
    agreement, who gets none and why."""

    release: str
    distribution: int | None
    asked: int
    standing: int
    left_out: dict[str, int] = field(default_factory=dict)
    until: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def offer(
    room: Newsroom,
    reference: str,
    to: Sequence[str],
    actor: str,
    *,
    terms: str | None = None,
    about: str = "",
    dry_run: bool = False,
) -> Offered:
    """Send a note to everybody in some segments who may be asked; each is asked once for a release.

    `terms` are words or the name of a file of them (None: the program's own, in the language of the
    note). Who works for an outlet with a standing agreement may have it without a note. Raises
    NotFound, UsageError, InputError, and Refused for a release that is under no embargo, is
    stopped, or when nobody is left to ask.
    """
    segments = find_segments(room, to)
    words = read_terms(terms)
    stored, number = embargo.kept(room, reference, actor)
    with room.store.write() as tx:
        refuse_stopped(tx, number, stored.release.slug)
        until = embargo.running(tx, stored)
        known = agreements.known(tx, number)
        known |= {row["journalist"]: "received" for row in stored_embargo.have_it(tx, number)}
        standing = {row["outlet"]: row for row in in_force(tx)}
        choice = choice_of(room, tx, number, stored)
    plan = _Notes(room, stored, number, until, words, about, actor)
    left: dict[str, int] = {}
    by_outlet: list[tuple[int, Row]] = []
    people: list[tuple[int, int, str, str]] = []
    with room.store.read() as tx:
        for row in audience.candidates(tx, segments, languages=True):
            outlet = facet_value("outlet", row["outlet"] or "")
            why = _not_asked(row, known)
            if why:
                left[why] = left.get(why, 0) + 1
            elif outlet in standing:
                by_outlet.append((row["id"], standing[outlet]))
            else:
                key = choice.of(row["language"], row["outlet"])[0]
                people.append((row["id"], row["list"], key, row["zone"]))
    found = Offered(stored.release.slug, None, len(people), len(by_outlet), left, iso(until))
    if not people and not by_outlet:
        told = ", ".join(f"{n:,} {why.replace('_', ' ')}" for why, n in left.items())
        raise Refused(f"nobody is left to ask ({told or 'nobody is selected'}).")
    if dry_run:
        return found
    if by_outlet:
        _stand_in(room, number, by_outlet, actor)
    if people:
        found.distribution, found.asked = plan.send(people)
    return found


def _not_asked(row: Row, known: dict[int, str]) -> str:
    if row["suppressed"]:
        return "suppressed"
    if row["state"] != "active":
        return str(row["state"])
    return known.get(row["id"], "")


def _stand_in(room: Newsroom, release: int, people: Sequence[tuple[int, Row]], actor: str) -> None:
    """Grants for those whose outlet agreed once for all."""
    for start in range(0, len(people), _CHUNK):
        with room.store.write() as tx:
            for journalist, row in people[start : start + _CHUNK]:
                reason = f"standing agreement of {row['title']} ({row['how']})"
                agreements.agree(
                    tx,
                    release,
                    journalist,
                    how="standing",
                    terms=row["terms"],
                    reason=reason,
                    by_mail=room.config.embargo.by_mail,
                    actor=actor,
                )
    embargo.bring_forward(room, release, actor)


class _Notes:
    """The distribution of notes: one text for each language and for each zone that reads another
    time; a batch for each of them."""

    def __init__(
        self,
        room: Newsroom,
        stored: StoredRelease,
        release: int,
        until: int,
        terms: str | None,
        about: str,
        actor: str,
    ) -> None:
        self._room, self._stored, self._release = room, stored, release
        self._until, self._terms, self._about, self._actor = until, terms, about, actor
        own = stored.release.embargo
        self._home = own.zone if own else room.config.newsroom.timezone
        self._templates: dict[tuple[str, str], MergeTemplate] = {}
        self._texts: dict[str, int] = {}

    def send(self, people: Sequence[tuple[int, int, str, str]]) -> tuple[int | None, int]:
        """Plan notes for (journalist, list, language, zone); the distribution and how many."""
        room = self._room
        places = by_zone({zone for *_, zone in people}, self._until, self._home)
        keys = sorted({(key, places[zone]) for _, _, key, zone in people})
        for each in keys:
            self._templates[each] = self._note(*each)
        first = self._templates[keys[0]]
        with room.store.write() as tx:
            for template in self._templates.values():
                ledger.keep_compiled(tx, template.digest, template.to_bytes())
            for key, _ in keys:
                if key not in self._texts:
                    words = self._terms or self._own_terms(key)
                    self._texts[key] = agreements.keep_terms(tx, words)
            now = tx.now()
            number = distributions.insert(tx, self._new(first.digest, now), self._actor)
        waves = {each: n for n, each in enumerate(keys, 1)}
        counts = dict.fromkeys(keys, 0)
        try:
            for start in range(0, len(people), _CHUNK):
                chunk = people[start : start + _CHUNK]
                self._write(number, chunk, places, waves, counts, now)
            total = sum(counts.values())
            if total:
                self._finish(number, waves, counts, now)
        except BaseException:
            self._forget(number)
            raise
        if not total:  # another officer asked all of them meanwhile
            self._forget(number)
            raise Refused("nobody is left to ask: another officer has just asked them.")
        return number, total

    def _write(
        self,
        number: int,
        chunk: Sequence[tuple[int, int, str, str]],
        places: dict[str, str],
        waves: dict[tuple[str, str], int],
        counts: dict[tuple[str, str], int],
        now: int,
    ) -> None:
        planned, kept = [], []
        base = (number << DELIVERY_SHIFT) + 1
        with self._room.store.write() as tx:
            for journalist, list_id, key, zone in chunk:
                text = (key, places[zone])
                person = agreements.person(tx, journalist, list_id)
                delivery = base + sum(counts.values())
                place = (number, delivery)
                if person is None or not agreements.offer(
                    tx, self._release, journalist, self._texts[key], place, self._actor
                ):
                    continue
                counts[text] += 1
                planned.append(
                    PlannedDelivery(delivery, journalist, list_id, waves[text], kind="notice")
                )
                asked = recipient(self._room, person, self._templates[text], offered=True)
                kept.append((number, delivery, orjson.dumps(asked).decode()))
            distributions.insert_deliveries(tx, number, planned, now)
            ledger.freeze(tx, kept)

    def _finish(
        self,
        number: int,
        waves: dict[tuple[str, str], int],
        counts: dict[tuple[str, str], int],
        now: int,
    ) -> None:
        with self._room.store.write() as tx:
            notices.lock(tx, self._release)
            refuse_stopped(tx, self._release, self._stored.release.slug)
            if embargo.running(tx, self._stored) != self._until:
                raise Refused("the end of the embargo was moved meanwhile; ask again.")
            distributions.finish_plan(
                tx,
                number,
                [
                    NewWave(n, now, each[1] or self._home, counts[each])
                    for each, n in waves.items()
                    if counts[each]
                ],
                recipients=sum(counts.values()),
                left_out={},
                due_at=now,
                actor=self._actor,
            )
            for each, n in waves.items():
                tx.run(
                    "agreements.text_of_wave",
                    distribution=number,
                    wave=n,
                    digest=self._templates[each].digest,
                )

    def _forget(self, number: int) -> None:
        with self._room.store.write() as tx:
            agreements.forget_plan(tx, number)
        forget_plan(self._room, number)

    def _new(self, digest: str, now: int) -> NewDistribution:
        assert self._stored.revision is not None
        return NewDistribution(
            release=self._release,
            revision=self._stored.revision,
            compiled=digest,
            priority=PRIORITY,
            late="drop",
            embargo_until=None,
            due_at=now,
            zone=self._room.config.newsroom.timezone,
            audience={"to": [], "segments": {}},
            kind="notice",
        )

    def _language(self, key: str) -> str:
        return key or self._stored.release.language

    def _own_terms(self, key: str) -> str:
        words = phrases(self._language(key), self._room.sender.own_words)
        return words["offer_default_terms"]

    def _note(self, key: str, reader: str) -> MergeTemplate:
        """The message: made of the program's words, the officer's and the times alone."""
        room, language = self._room, self._language(key)
        words = phrases(language, room.sender.own_words)
        bare = Release(
            slug=self._stored.release.slug,
            kind=Kind.RELEASE,
            language=language,
            direction="rtl" if base_language(language) in RTL else "ltr",
            headline=words["offer_headline"],
            lead=None,
        )
        bare = held_until(bare, self._until, self._home, reader)
        times = words["offer_time"].format(time=embargo_in(bare), utc=embargo_in(bare, "UTC"))
        said = [words["offer_intro"].format(newsroom=room.sender.name), self._about.strip(), times]
        terms = (self._terms or words["offer_default_terms"]).split("\n\n")
        body = [
            *(_paragraph(" ".join(each.split())) for each in said if each),
            Block(BlockKind.SUBHEADING, (Inline(words["offer_terms"]),), level=2),
            *(_paragraph(" ".join(each.split())) for each in terms if each.strip()),
        ]
        note = replace(bare, body=tuple(body))
        try:
            return compile_release(note, room.sender, template_source(room), layout=EMBARGO_NOTE)
        except CheckFailed as error:
            raise Refused(
                error.message, where=error.where, hint=error.hint or "Nobody was asked."
            ) from error


def _paragraph(words: str) -> Block:
    return Block(BlockKind.PARAGRAPH, (Inline(words),))
