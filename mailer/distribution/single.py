"""One message to one person: to a journalist who should have got it, or as a test to the office.

Both are distributions of one delivery that leave like any other. What a journalist has already is
sent again only with a reason; a test goes only to the newsroom's own test recipients, counts
nowhere, publishes nothing, and its links act on nobody (D24).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from mailer.audience.address import identity
from mailer.audience.segments import Segment, from_json, list_segment
from mailer.audience.text import fold
from mailer.distribution import advertising, internal, named, preflight, releases, telling
from mailer.distribution.context import Newsroom
from mailer.distribution.control import existing, refuse_stopped
from mailer.distribution.log import iso
from mailer.distribution.rules import absence
from mailer.distribution.variants import Choice
from mailer.errors import Refused, UsageError
from mailer.message.tokens import delivery_code
from mailer.store import audience, distributions, notices, preferences, variants
from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, NewWave, PlannedDelivery
from mailer.store.ledger import keep_compiled
from mailer.store.releases import family, language_of
from mailer.store.states import DeliveryState

PRIORITY = 40
"""Before what is sent to many: somebody waits for it."""

_CLOSED = {
    "draft": "is not approved",
    "paused": "is paused",
    "waiting": "waits for an officer",
    "cancelled": "was cancelled",
    "killed": "was withdrawn",
}


@dataclass(frozen=True, slots=True)
class Single:
    """What was queued for one person. `kind` is that of the delivery: release, resend or test."""

    distribution: int
    delivery: str
    email: str
    kind: str
    due_at: str | None
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        return {"state": "scheduled", "recipients": 1, **asdict(self)}


def send_to(
    room: Newsroom,
    number: int,
    email: str,
    actor: str,
    *,
    again: bool = False,
    reason: str | None = None,
) -> Single:
    """Queue what a distribution sends for one more journalist, as soon as the others may have it.

    Who has the release in any revision, may have it or has it under way is refused, unless
    `again` with a reason; who is away or paused, unless with a reason. Raises NotFound,
    UsageError, or Refused for who may not be mailed, to whom no advertising may go where this is
    some (E15 to E19), who gets internal copies, and for a distribution that is stopped.
    """
    reason = (reason or "").strip()
    if again and not reason:
        raise UsageError("--again needs a reason.", hint='Say why: --reason "lost it".')
    with room.store.write() as tx:
        parent = existing(tx, number)
        _refuse_closed(parent)
        notices.lock(tx, parent["release"])
        refuse_stopped(tx, parent["release"], parent["slug"])
        asked = json.loads(parent["audience"])
        person, found = named.require(room, tx, _attribution(tx, asked), email, "--email")
        _refuse_kept_back(tx, asked, person, found)
        away = absence(room, tx, preferences.get(tx, person["id"]))
        if away and not reason:
            raise Refused(
                f"the journalist {found} {away}; nothing was queued.",
                hint='To send it all the same: --reason "why", as that he asked for it.',
            )
        had = distributions.had_by(tx, person["id"], parent["release"])
        if had and not again:
            raise Refused(
                f"the journalist {found} {_has(had[-1])}.",
                hint='To send it once more: --again --reason "why".',
            )
        revision, digest = _text_for(room, tx, parent, person)
        new = NewDistribution(
            release=parent["release"],
            revision=revision,
            compiled=digest,
            priority=PRIORITY,
            late="hold",
            embargo_until=parent["embargo_until"],
            due_at=max(tx.now(), parent["due_at"], parent["embargo_until"] or 0),
            zone=parent["zone"],
            audience=asked,
            kind="resend",
            parent=number,
        )
        kind = "resend" if had else "release"
        data = {"parent": number, "again": bool(had), "reason": reason or None}
        single = _plan(tx, new, person["id"], person["list"], kind, actor, "send_to", data)
    return Single(*single, found, kind, iso(new.due_at), [])


def _text_for(room: Newsroom, tx: Tx, parent: Row, person: Row) -> tuple[int, str]:
    """The revision and compiled text that a distribution has for one person, or what came in its
    place since."""
    release = parent["release"]
    lead = family(tx, release).lead
    row = _own_text(room, tx, parent, person)
    key = telling.key_of_revision(tx, release, row["revision"], lead)
    found = notices.corrected(notices.ls(tx, release), key)
    if found is not None and found.compiled and (found.revision or 0) > row["revision"]:
        return found.revision or 0, found.compiled
    return row["revision"], row["compiled"]


def _own_text(room: Newsroom, tx: Tx, parent: Row, person: Row) -> Row:
    sent = {row["language"]: row for row in variants.sent(tx, parent["id"])}
    if not sent:
        return parent
    default = room.config.newsroom.default_language
    lead = language_of(tx, parent["release"], parent["revision"])
    choice = Choice(
        lead,
        [lead, *sent],
        (),
        default,
        variants.outlets(tx),
    )
    return sent.get(choice.of(person["language"], person["outlet"])[0], parent)


def test_send(room: Newsroom, reference: str, email: str, actor: str) -> Single:
    """Queue a release for one of the newsroom's test recipients, due at once.

    The message is what a journalist gets, but for `[TEST]` before its Subject and links that act
    on nobody. Raises NotFound, UsageError, InputError, or Refused for anybody else and for a
    release with errors.
    """
    wanted = named.address(email, "--to")
    allowed = room.config.newsroom.test_recipients
    if identity(wanted) not in {identity(each) for each in allowed}:
        raise Refused(
            f"the address {wanted} is not one of the newsroom's test recipients; nothing was sent.",
            where=str(room.config.path),
            hint="Add the address to test_recipients under [newsroom].",
        )
    with room.store.read() as tx:
        named.refuse_suppressed(room, tx, wanted)
    read = releases.resolve(room, reference, actor, keep=False)
    preflight.refuse_errors(room, read)
    warnings = preflight.warnings(room, read)
    stored = releases.resolve(room, reference, actor)
    assert stored.id is not None and stored.revision is not None
    template = releases.compiled(room, stored, test=True)
    with room.store.write() as tx:
        named.refuse_suppressed(room, tx, wanted)
        keep_compiled(tx, template.digest, template.to_bytes())
        hash = room.address_hash(wanted)
        person = audience.test_recipient(tx, hash, wanted, room.config.newsroom.timezone)
        row = next(iter(audience.named(tx, [], [person])), None)
        new = NewDistribution(
            release=stored.id,
            revision=stored.revision,
            compiled=template.digest,
            priority=PRIORITY,
            late="hold",
            embargo_until=None,
            due_at=tx.now(),
            zone=room.config.newsroom.timezone,
            audience={"to": [], "segments": {}},
            kind="test",
        )
        of_list = row["list"] if row else 0
        single = _plan(tx, new, person, of_list, "test", actor, "test_send", {})
    return Single(*single, wanted, "test", iso(new.due_at), warnings)


def _plan(
    tx: Tx,
    new: NewDistribution,
    journalist: int,
    list_id: int,
    kind: str,
    actor: str,
    event: str,
    data: dict[str, Any],
) -> tuple[int, str]:
    """Write a distribution of one delivery; its number and the delivery's code."""
    number = distributions.insert(tx, new, actor)
    delivery = (number << DELIVERY_SHIFT) + 1
    planned = PlannedDelivery(delivery, journalist, list_id, 1, kind=kind)
    distributions.insert_deliveries(tx, number, [planned], new.due_at)
    place = {"distribution": number, "delivery": delivery, "journalist": journalist}
    add_event(tx, event, actor, **place, data=data)
    distributions.finish_plan(
        tx,
        number,
        [NewWave(1, new.due_at, new.zone, 1)],
        recipients=1,
        left_out={},
        due_at=new.due_at,
        actor=actor,
    )
    return number, delivery_code(delivery)


def _refuse_closed(parent: Row) -> None:
    number, state = parent["id"], parent["state"]
    if parent["kind"] in ("test", "notice", "digest", "internal"):
        raise Refused(
            f"distribution {number} was a {parent['kind']}; name one that brought a release."
        )
    if state in _CLOSED:
        raise Refused(
            f"distribution {number} {_CLOSED[state]}, so nothing of it is sent to anybody.",
            hint=f"See `mailer status {number}`.",
        )


def _refuse_kept_back(tx: Tx, asked: dict[str, Any], person: Row, email: str) -> None:
    """Whom `queue` and `refresh` keep back nobody reaches one by one."""
    kinds = {row["id"]: row["kind"] for row in audience.lists_by_name(tx).values()}
    if kinds.get(person["list"]) == internal.KIND:
        raise Refused(
            f"{email} is reached through an internal list, so a marked copy goes there beside a "
            "distribution, not what journalists get; nothing was queued.",
            hint="A journalist stands on another list: `mailer lists import FILE`.",
        )
    if asked.get("advertising", {}).get("is"):
        for why in advertising.kept_back(tx, [person]).values():
            raise Refused(f"{email} gets no advertising: {advertising.sentence(why, 1)}.")


def _attribution(tx: Tx, asked: dict[str, Any]) -> list[Segment]:
    """The lists named when the audience was frozen, in their order, as far as they still exist: a
    delivery is attributed to the first of them that the person is on."""
    known = audience.lists_by_name(tx)
    return [
        list_segment(name)
        for segment, parts in asked.get("segments", {}).items()
        for name in from_json(segment, parts).lists
        if fold(name) in known
    ]


def _has(row: Row) -> str:
    state, number = DeliveryState(row["state"]), row["distribution"]
    code = delivery_code(row["id"])
    if state is DeliveryState.ACCEPTED:
        return (
            f"has this release: the mail server accepted delivery {code} of distribution "
            f"{number} at {iso(row['last_attempt_at'])}"
        )
    if state is DeliveryState.IN_DOUBT:
        return f"may have this release: delivery {code} of distribution {number} is in doubt"
    return f"gets this release: delivery {code} of distribution {number} is {state.word}"
