"""Embargoes: who may have a release before the end, and the end moved, come early or broken.

An embargo binds only who agreed (D3): a grant is kept per person and release, and nobody else gets
anything before the end. Who has one reads "Embargoed until …", everybody else gets the release
afterwards without it: two compiled messages in one distribution (decision 25). What an officer
says of the end binds all distributions of the release and its public page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mailer.audience.segments import Segment
from mailer.audience.text import fold
from mailer.clock import SECOND
from mailer.distribution import named, notices, releases, variants
from mailer.distribution.context import Newsroom
from mailer.distribution.enclosed import Enclosed
from mailer.distribution.log import iso
from mailer.distribution.releases import StoredRelease
from mailer.errors import NotFound, Refused, UsageError
from mailer.message.merge import MergeTemplate
from mailer.release.embargoed import by_zone, held_until
from mailer.release.times import Now, parse_when
from mailer.store import agreements, audience, distributions, embargo, guard, rules
from mailer.store import notices as stored_notices
from mailer.store import variants as stored_variants
from mailer.store.base import Tx
from mailer.store.core import add_event
from mailer.store.embargo import Held
from mailer.store.ledger import keep_compiled
from mailer.store.states import DeliveryState

AGREED = ("agreed", "reply", "telephone", "standing")
"""How somebody agreed: by an act that is not said, by reply, by telephone, once for all."""

SAID = ("reply", "telephone", "standing")
"""Of these what `embargo grant --how` takes."""

HOW = (*AGREED, "vouched")
"""How somebody may have a release before the end, as an officer records it."""


@dataclass(frozen=True, slots=True)
class Early:
    """Who may have a release early: `granted` by an officer's act, `trusted` (each with his list)
    because the audience names a list of that kind. `home` is the zone in which the text says the
    end."""

    granted: frozenset[int] = frozenset()
    trusted: dict[int, int] = field(default_factory=dict)
    home: str = "UTC"
    _zones: dict[str, str] = field(default_factory=dict)

    def __contains__(self, journalist: int) -> bool:
        return journalist in self.granted or journalist in self.trusted

    def __bool__(self) -> bool:
        return bool(self.granted or self.trusted)

    def reader(self, zone: str, until: int) -> str:
        """The zone in which somebody in this one is told the end too; "" where it says the same."""
        if zone not in self._zones:
            self._zones.update(by_zone([*self._zones, zone], until, self.home))
        return self._zones[zone]


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of an embargo. `until` is its end now; `has_it` are the addresses of those who
    had the release, or may have it, before; `told` of them get a notice, by the distributions
    `notices`, and `cannot_be_told` is who cannot. `stopped` are distributions that stay where they
    are, with their state."""

    release: str
    until: str | None
    distributions: list[int]
    stopped: dict[int, str]
    has_it: list[str]
    told: int = 0
    notices: list[int] = field(default_factory=list)
    cannot_be_told: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def readers(room: Newsroom, release: int | None, segments: Sequence[Segment], home: str) -> Early:
    """Who of an audience with these segments may have it early. `release` is None for a text that
    is not kept yet: nobody can have a grant for it."""
    with room.store.read() as tx:
        known = audience.lists_by_name(tx)
        trusted: dict[int, int] = {}
        for name in (name for segment in segments for name in segment.lists):
            row = known.get(fold(name))
            if row is not None and row["kind"] == "trusted":
                trusted |= dict.fromkeys(embargo.members(tx, row["id"]), row["id"])
        granted = embargo.granted(tx, release) if release is not None else set()
        unwilling = rules.without_embargoes(tx)
    trusted = {person: number for person, number in trusted.items() if person not in unwilling}
    return Early(frozenset(granted - unwilling), trusted, home)


def trust(tx: Tx, release: int, early: Early, planned: Sequence[int], actor: str) -> None:
    """Keep a grant for those who are planned early for the sake of a trusted list."""
    for person in planned:
        if person not in early.granted:
            embargo.grant(
                tx,
                release,
                [person],
                how="trusted",
                reason="on a trusted list in the audience",
                list=early.trusted[person],
                actor=actor,
            )


def grant(
    room: Newsroom,
    reference: str,
    actor: str,
    *,
    emails: Sequence[str],
    list_name: str | None,
    how: str,
    reason: str,
) -> dict[str, Any]:
    """Let people have a release before its embargo ends; who waits for the end in a queued
    distribution gets it at once. `how` is one of HOW.

    Raises NotFound and UsageError, and Refused for who may not be mailed.
    """
    if not emails and list_name is None:
        raise UsageError("nobody is named.", hint="Name people: --email ADDRESS or --list NAME.")
    if not reason.strip():
        raise UsageError("a grant needs a reason.", hint='Say it: --reason "agreed by telephone".')
    stored, number = kept(room, reference, actor)
    with room.store.write() as tx:
        people = [named.require(room, tx, [], each, "--email")[0]["id"] for each in emails]
        given = embargo.grant(tx, number, people, how=how, reason=reason, list=None, actor=actor)
        if how in AGREED:
            for person in people:
                agreements.answer(tx, number, person, "agreed", actor)
        if list_name is not None:
            row = audience.lists_by_name(tx).get(fold(list_name))
            if row is None:
                raise NotFound(
                    f'there is no list "{list_name}".', hint="`mailer lists ls` shows the lists."
                )
            others = [each for each in embargo.members(tx, row["id"]) if each not in people]
            given += embargo.grant(
                tx, number, others, how=how, reason=reason, list=row["id"], actor=actor
            )
        if not given:
            raise Refused(f'nobody on the list "{list_name}" may be mailed; nothing was granted.')
    return {
        "release": stored.release.slug,
        "granted": given,
        "brought_forward": bring_forward(room, number, actor),
    }


def revoke(
    room: Newsroom, reference: str, actor: str, *, emails: Sequence[str], reason: str
) -> dict[str, Any]:
    """Take grants back: who was not sent anything yet waits for the end again.

    Raises NotFound also for somebody who has no grant. `has_it` are those for whom it is too late.
    """
    if not emails:
        raise UsageError("nobody is named.", hint="Name people: --email ADDRESS.")
    if not reason.strip():
        raise UsageError("taking a grant back needs a reason.", hint="Say it: --reason TEXT.")
    stored, number = kept(room, reference, actor)
    back = 0
    with room.store.write() as tx:
        had = {row["journalist"]: row["email"] for row in embargo.have_it(tx, number)}
        gone = []
        for each in emails:
            email = named.address(each, "--email")
            row = audience.by_hash(tx, room.address_hash(email))
            if row is None or not embargo.revoke(tx, number, row["id"], reason, actor):
                raise NotFound(
                    f"the address {email} has no grant for {stored.release.slug}.",
                    hint=f"`mailer embargo show {stored.release.slug}` lists them.",
                )
            gone.append(row["id"])
        for held in embargo.held(tx, number):
            back += embargo.put_back(tx, number, held, actor)
    has_it = [had[person] or "" for person in gone if person in had]
    return {"release": stored.release.slug, "revoked": len(gone), "back": back, "has_it": has_it}


def show(room: Newsroom, reference: str, actor: str) -> dict[str, Any]:
    """The end of a release's embargo, and who may have it before: how, why, by whom, since when,
    and what became of the message to him."""
    stored = releases.resolve(room, reference, actor, keep=False)
    if stored.id is None:
        raise NotFound(f"{reference} is not kept yet.", hint="`mailer release import` keeps it.")
    with room.store.read() as tx:
        now = tx.now()
        until = end_of(tx, stored)
        rows = embargo.grants(tx, stored.id)
    return {
        "release": stored.release.slug,
        "until": iso(until),
        "ended": until is None or until <= now,
        "grants": [
            {
                "email": row["email"],
                "how": row["how"],
                "list": row["list"],
                "reason": row["reason"],
                "actor": row["actor"],
                "granted_at": iso(row["granted_at"]),
                "state": "" if row["state"] is None else DeliveryState(row["state"]).word,
            }
            for row in rows
        ],
    }


def move(room: Newsroom, reference: str, to: str, actor: str, *, reason: str) -> Changed:
    """Set another end, earlier or later, for everything that waits for it and for the page.

    Early readers who were not sent it yet read the new end. Raises UsageError for a time that is
    none or has passed, Refused where no embargo is running: what the public has stays public.
    """
    stored, number = kept(room, reference, actor)
    home = room.config.newsroom.timezone
    when = parse_when(to, home)
    with room.store.read() as tx:
        now = tx.now()
    if isinstance(when, Now) or when <= now:
        raise UsageError(
            f"the new end {to} has come already.",
            hint=f"`mailer embargo lift {stored.release.slug}` ends it now.",
        )
    changed = _change(room, stored, number, when, actor, "embargo_moved", reason)
    bring_forward(room, number, actor)
    return changed


def lift(room: Newsroom, reference: str, actor: str, *, reason: str = "") -> Changed:
    """End an embargo now: everything that waits for it leaves at once, the page and the feed appear
    with it (D22). Raises Refused where none is running."""
    stored, number = kept(room, reference, actor)
    return _change(room, stored, number, None, actor, "embargo_lifted", reason)


def broken(
    room: Newsroom, reference: str, actor: str, *, reason: str, ends: bool = False
) -> Changed:
    """Keep in the history that somebody published too early (D6), and with `ends` lift for all."""
    if not reason.strip():
        raise UsageError("a break needs a reason.", hint="Say who and where: --reason TEXT.")
    stored, number = kept(room, reference, actor)
    with room.store.write() as tx:
        until = running(tx, stored)
        data = {"release": number, "until": until, "reason": reason}
        add_event(tx, "embargo_broken", actor, data=data)
        has_it = _has_it(tx, number)
        going = [each.id for each in embargo.held(tx, number)]
        notice = None
        if has_it and not ends:
            notice = notices.embargo_changed(tx, number, "broken", reason, actor)
    if ends:
        return _change(room, stored, number, None, actor, "embargo_lifted", reason)
    changed = Changed(stored.release.slug, iso(until), going, {}, has_it)
    return _told(room, changed, notice, stored)


def _change(
    room: Newsroom,
    stored: StoredRelease,
    number: int,
    until: int | None,
    actor: str,
    event: str,
    reason: str,
) -> Changed:
    own = stored.release.embargo
    zone = own.zone if own else room.config.newsroom.timezone
    with room.store.write() as tx:
        stored_notices.lock(tx, number)
        before = running(tx, stored)
        end = tx.now() if until is None else until
        bound = embargo.held(tx, number)
        has_it = _has_it(tx, number)
        embargo.change(tx, number, end, zone, actor)
        data = {"release": number, "from": before, "to": end, "reason": reason}
        add_event(tx, event, actor, data=data)
        if until is None:
            _no_more_notes(tx, number, actor)
        notice = None
        if has_it:
            what = event.removeprefix("embargo_")
            notice = notices.embargo_changed(tx, number, what, reason, actor)
    still = ("paused", "waiting", "draft")
    changed = Changed(
        stored.release.slug,
        iso(end),
        [each.id for each in bound if each.state in ("scheduled", "sending")],
        {each.id: each.state for each in bound if each.state in still},
        has_it,
    )
    return _told(room, changed, notice, stored)


def _no_more_notes(tx: Tx, release: int, actor: str) -> None:
    """Nobody is asked any more to agree to what is over."""
    for distribution in agreements.pending_notes(tx, release):
        distributions.move(tx, distribution, "cancelled", actor, reason="the embargo is over")
        for wave in distributions.waves(tx, distribution):
            distributions.move_wave(tx, distribution, wave["id"], "cancel", actor)


def _told(room: Newsroom, changed: Changed, notice: int | None, stored: StoredRelease) -> Changed:
    if notice is None:
        return changed
    given = notices.carried_out(room, notice, stored)
    return replace(
        changed,
        told=given.told,
        notices=given.distributions,
        cannot_be_told=given.cannot_be_told,
    )


def bring_forward(room: Newsroom, release: int, actor: str) -> int:
    """Give those with a grant, in every open distribution, the message with the end that binds.

    Who waits for a text in his language is left where he is.
    """
    with room.store.read() as tx:
        if not embargo.granted(tx, release):
            return 0
        # Internal copies wait for the end: an early message would not bear their mark.
        bound = [
            each
            for each in embargo.held(tx, release)
            if each.kind != "internal" and not guard.is_held(tx, each.id)
        ]
        texts = {
            each.id: {"": each.revision}
            | {row["language"]: row["revision"] for row in stored_variants.sent(tx, each.id)}
            for each in bound
        }
        zones = {each.id: embargo.zones(tx, release, each.id) for each in bound}
        asked = {each.id: distributions.get(tx, each.id) for each in bound}
    moved = 0
    made: dict[tuple[int, int, str, Enclosed], MergeTemplate] = {}
    for each in bound:
        row = asked[each.id]
        enclosed = Enclosed.kept(json.loads(row["audience"]) if row else {}).again(early=True)
        for language, revision in texts[each.id].items():
            own = releases.revision(room, release, revision).release.embargo
            places = by_zone(zones[each.id], each.until, own.zone if own else each.zone)
            for number, reader in enumerate(sorted({"", *places.values()})):
                key = (revision, each.until, reader, enclosed)
                if key not in made:
                    made[key] = _early_message(room, release, revision, each, reader, enclosed)
                template = made[key]
                of = [zone for zone, stands in places.items() if stands == reader]
                with room.store.write() as tx:
                    if each not in embargo.held(tx, release):
                        continue  # it was changed since: whoever did that comes by here as well
                    keep_compiled(tx, template.digest, template.to_bytes())
                    if number == 0:  # in the newsroom's zone; the others' readers are moved then
                        embargo.renew_early(tx, each, language, template.digest)
                    moved += embargo.bring_forward(
                        tx, release, each, language, template.digest, of, actor
                    )
    return moved


def _early_message(
    room: Newsroom, release: int, revision: int, held: Held, reader: str, enclosed: Enclosed
) -> MergeTemplate:
    stored = releases.revision(room, release, revision)
    family = releases.family(room, stored)
    links = variants.links_of(room, stored.release.slug, family, stored.release.language)
    text = replace(stored, release=held_until(stored.release, held.until, held.zone, reader))
    return releases.compiled(room, text, languages=links, enclosed=enclosed)


def kept(room: Newsroom, reference: str, actor: str) -> tuple[StoredRelease, int]:
    """The release that is named, and its number; a file is kept first."""
    stored = releases.resolve(room, reference, actor)
    assert stored.id is not None
    return stored, stored.id


def end_of(tx: Tx, stored: StoredRelease) -> int | None:
    """When a release's embargo ends, or ended (UTC microseconds): what its text says, or a
    distribution, whichever is later."""
    assert stored.id is not None
    own = stored.release.embargo
    ends = [own.instant if own else None, embargo.last_end(tx, stored.id)]
    return max((each for each in ends if each is not None), default=None)


def running(tx: Tx, stored: StoredRelease) -> int:
    """When the embargo ends; Refused when none is running."""
    until = end_of(tx, stored)
    if until is None:
        raise Refused(f"the release {stored.release.slug} is under no embargo.")
    if until <= tx.now():
        raise Refused(
            f"the embargo on {stored.release.slug} ended at {iso(until // SECOND * SECOND)}: "
            "the public has it."
        )
    return until


def _has_it(tx: Tx, release: int) -> list[str]:
    return sorted({row["email"] or "" for row in embargo.have_it(tx, release)})
