"""Telling journalists about a release that they have: what follows from a notice.

A notice stands in the store first; everything here may be done by the command that gave it or by a
sweep after that died, again and again. Who was reached (accepted, or in doubt) is told once, in the
thread of what he got; whose message was still in a sender's hand is looked at again when its
outcome is known. Notices jump the queue and obey only what keeps any message from a person (D11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby, islice

import orjson

from mailer.clock import SECOND
from mailer.distribution import releases, variants
from mailer.distribution.context import Newsroom
from mailer.distribution.enclosed import NOTHING, Enclosed
from mailer.distribution.releases import StoredRelease
from mailer.distribution.waves import CHUNK, forget_plan
from mailer.errors import Refused, StoreUnavailable
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient, Sender
from mailer.message.phrases import phrases
from mailer.message.templates import TemplateSource, package_templates
from mailer.message.values import message_id
from mailer.release.embargoed import held_until
from mailer.release.model import Kind, Release
from mailer.release.notice import about, labelled, labelled_under_embargo
from mailer.store import distributions, ledger, notices, open_store
from mailer.store import embargo as embargoes
from mailer.store import variants as texts_of
from mailer.store.base import Row, Tx
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, NewWave, PlannedDelivery
from mailer.store.embargo import Held
from mailer.store.notices import ALL, Notice
from mailer.store.releases import Family
from mailer.store.releases import family as family_of
from mailer.store.states import DeliveryState

PRIORITY = {Kind.KILL: 10, Kind.HOLD: 10}
"""Before everything else; the other notices come next (H13)."""

OTHER_PRIORITY = 20

CORRECTED = frozenset({Kind.CORRECTION, Kind.REFILE, Kind.UPDATE})
"""Notices that bring a corrected text."""

_EMBARGO = "embargo-"
"""How the kinds of notices begin that are about an embargo: moved, lifted, broken."""

_EMBARGO_WORDS = {"embargo-lifted": "embargo_lifted", "embargo-broken": "embargo_broken"}

_MOST_REFERENCES = 20

SLICE = 50_000
"""People in one distribution of a notice: the first leave while the others are planned."""

_AT_WORK = 15 * SECOND
"""For so long (microseconds) after its last sign of life somebody counts as planning a notice."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One person whom a notice is for. `last` is the message it speaks of, `chain` all that he got
    of the release, oldest first. `doubtful`: nobody knows whether he has any of it. `why` says why
    he cannot be told ("" when he can)."""

    journalist: int
    last: Row
    chain: tuple[Row, ...]
    key: str
    doubtful: bool
    why: str
    told: bool


def kind_of(notice: Notice) -> Kind:
    """What a notice is called in a message."""
    return Kind.EMBARGO_CHANGE if notice.kind.startswith(_EMBARGO) else Kind(notice.kind)


def key_of(language: str, lead: str) -> str:
    """The name of a text within a release: "" for the lead text, else its language."""
    return "" if language == lead else language


def text_of(release: Release, lead: str) -> str:
    """The same of a release's text; one whose language nobody stated is the lead text."""
    return key_of(release.language, lead) if release.language_stated else ""


def key_of_revision(tx: Tx, release: int, number: int, lead: str) -> str:
    """The same of a kept revision."""
    for row in texts_of.revisions(tx, release):
        if row["number"] == number and row["stated"]:
            return key_of(row["language"], lead)
    return ""


def refuse_corrected(tx: Tx, release: int, stored: StoredRelease) -> None:
    """Raises Refused for a text of a release in whose place there is a corrected one."""
    if stored.revision is None:
        return  # read from a file just now: it comes after all others
    by_language = family_of(tx, release)
    found = notices.corrected(notices.ls(tx, release), text_of(stored.release, by_language.lead))
    if found is not None and stored.revision < (found.revision or 0):
        slug = stored.release.slug
        raise Refused(
            f"revision {stored.revision} of {slug} was corrected by revision {found.revision}: "
            "the old text is sent to nobody.",
            hint=f"Queue {slug}@{found.revision}.",
        )


def people(tx: Tx, notice: Notice, lead: str) -> Iterator[Reached]:
    """Everybody whom a notice is for, told or not, in no particular order."""
    for _, rows in groupby(notices.reached(tx, notice), key=lambda row: row["journalist"]):
        found = list(rows)
        meant = [row for row in found if _is_meant(row, notice, lead)]
        if not meant or _knows_better(found, notice):
            continue
        # Of several lists that he got it by, one that he did not leave.
        last = next((row for row in reversed(meant) if row["suppressed_by"] is None), meant[-1])
        yield Reached(
            last["journalist"],
            last,
            tuple({row["id"]: row for row in found}.values()),
            key_of(last["text_key"], lead),
            all(_may_not_have(row) for row in meant),
            _refusal(last),
            any(row["told"] for row in found),
        )


def _knows_better(rows: Sequence[Row], notice: Notice) -> bool:
    """Who got a corrected text since the hold is not told that the old one may be used."""
    return notice.kind == "cleared" and any(
        row["notice_kind"] in CORRECTED and row["notice"] > (notice.ends or 0) for row in rows
    )


def _is_meant(row: Row, notice: Notice, lead: str) -> bool:
    if notice.kind == "cleared":
        return bool(row["notice"] == notice.ends)
    opened = row["opened_at"]
    if notice.kind.startswith(_EMBARGO):
        knew_it = opened is not None and opened <= notice.created_at
        return knew_it or (row["distribution"], row["wave"]) in notice.batches
    of_text = notice.language in (ALL, key_of(row["text_key"], lead))
    has_it = row["kind"] != "notice" or opened is not None
    return bool(row["concerned"] and has_it and of_text)


def _may_not_have(row: Row) -> bool:
    return row["opened_at"] is None and row["state"] == DeliveryState.IN_DOUBT


def _refusal(row: Row) -> str:
    if row["email"] is None:
        return "erased"
    if row["suppressed_by"] is not None:
        return str(row["suppressed_by"])
    return "" if row["person_state"] == "active" else str(row["person_state"])


def message(room: Newsroom, notice: Notice, family: Family, key: str) -> MergeTemplate:
    """What the readers of a text are told, compiled. Raises Refused for a broken template."""
    language = key or family.lead
    newest = next((text.number for text in family.texts if text.language == language), None)
    stored = releases.revision(room, notice.release, notice.revision or newest)
    kind = kind_of(notice)
    if kind in CORRECTED:
        return corrected_message(room, kind.value, stored, notice.reason, family, key)
    words = phrases(stored.release.language, room.sender.own_words)
    phrase = _EMBARGO_WORDS.get(notice.kind, f"notice_{kind.value}")
    text = about(stored.release, kind, words[phrase], notice.reason)
    end = _end_of_embargo(room, notice.release)
    if kind is Kind.EMBARGO_CHANGE and end is not None:
        text = held_until(text, end.until, end.zone)
    return _compiled(room, stored, text, family, language)


def corrected_message(
    room: Newsroom, kind: str, stored: StoredRelease, what: str, family: Family, key: str
) -> MergeTemplate:
    """The corrected text for who has the old one. Raises Refused for a broken template."""
    assert stored.id is not None
    words = phrases(stored.release.language, room.sender.own_words)
    line = what or words[f"notice_{kind}"]
    end = _end_of_embargo(room, stored.id)
    text = (
        labelled(stored.release, Kind(kind), line)
        if end is None
        else labelled_under_embargo(stored.release, Kind(kind), line, end.until, end.zone)
    )
    # Before the end nobody could fetch a picture (D4), so the message carries it.
    enclosed = Enclosed(pictures=end is not None)
    return _compiled(room, stored, text, family, key or family.lead, enclosed)


def _end_of_embargo(room: Newsroom, release: int) -> Held | None:
    """The distribution of a release whose embargo ends last, of those that it still binds."""
    with room.store.read() as tx:
        held = embargoes.held(tx, release)
    return max(held, key=lambda each: each.until, default=None)


def _compiled(
    room: Newsroom,
    stored: StoredRelease,
    text: Release,
    family: Family,
    language: str,
    enclosed: Enclosed = NOTHING,
) -> MergeTemplate:
    links = variants.links_of(room, text.slug, family, language)
    made = replace(stored, release=text)
    try:
        return releases.compiled(room, made, thread=True, languages=links, enclosed=enclosed)
    except Refused:
        # A slip in the newsroom's own templates must not keep back what has to be said.
        source = TemplateSource([package_templates()])
        return releases.compiled(
            room, made, thread=True, languages=links, enclosed=enclosed, source=source
        )


def follow(room: Newsroom, number: int) -> None:
    """A sweep's part: plan who has to be told and was not, a slice at a time, unless the command
    that gave the word is still at it; close what is over."""
    with room.store.read() as tx:
        notice = notices.get(tx, number)
        waits = notices.under_way(tx, notice)
        at_work = tx.now() - (notice.planned_at or 0) < _AT_WORK
    if notice.closed_at is not None or at_work or (notice.rounds and waits):
        return
    planned = tell(room, notice, slices=1)
    if planned == 0 and notice.rounds and not waits:
        with room.store.write() as tx:
            notices.close(tx, replace(notice, rounds=notice.rounds + 1))


def tell(
    room: Newsroom,
    notice: Notice,
    progress: Callable[[int], None] = lambda _: None,
    *,
    slices: int | None = None,
) -> int | None:
    """Plan messages for everybody reached who was not told, in `slices` at most; how many.

    Each slice is a distribution, so that the first leave while the rest is planned. None when
    somebody else planned the same meanwhile: what he planned stands, and the rest follows from it.
    """
    with room.store.read() as tx:
        family = family_of(tx, notice.release)
    part = _Slice(room, notice, family)
    total = done = 0
    try:
        with _beside(room) as reading:
            found = (each for each in people(reading, notice, family.lead) if not each.told)
            while (chunk := list(islice(found, CHUNK))) and done != slices:
                part.take(reading, chunk)
                progress(total + part.recipients)
                if part.recipients >= SLICE:
                    if not part.finish():
                        return None
                    total, done = total + part.recipients, done + 1
                    part = _Slice(room, part.notice, family)
        if part.recipients and not part.finish():
            return None
        total += part.recipients
        if total == 0:
            with room.store.write() as tx:
                return 0 if notices.count_round(tx, notice) else None
        return total
    except BaseException:
        with suppress(StoreUnavailable):
            part.forget()
        raise
    finally:
        with suppress(StoreUnavailable), room.store.write() as tx:
            notices.at_rest(tx, notice.id)


@contextmanager
def _beside(room: Newsroom) -> Iterator[Tx]:
    """A connection of its own: one snapshot while the plan is written."""
    with closing(open_store(room.store.url, clock=room.clock)) as store, store.read() as tx:
        yield tx


class _Slice:
    """One distribution of a notice: a batch for each text, compiled when its first reader comes.

    `notice` is as it stands in the store once the slice is finished.
    """

    def __init__(self, room: Newsroom, notice: Notice, family: Family) -> None:
        self._room = room
        self._family = family
        self._lead = notice.language if notice.language != ALL else ""
        self._home = room.config.newsroom.timezone
        self._number = self._due_at = 0
        self._waves: dict[str, NewWave] = {}
        self._templates: dict[str, MergeTemplate] = {}
        self._senders: dict[str, Sender] = {}
        self._waiting: list[tuple[int, str]] = []
        self._left_out: dict[str, int] = {}
        self.notice = notice
        self.recipients = 0

    def take(self, reading: Tx, chunk: Sequence[Reached]) -> None:
        """Write some people down, invisible to everybody until `finish`."""
        if self._number == 0 and any(not each.why for each in chunk):
            self._begin()  # only with somebody in it, because it takes a distribution's number
        planned, kept = [], []
        for each in chunk:
            if each.why:
                self._waiting.append((each.journalist, each.why))
                self._left_out[each.why] = self._left_out.get(each.why, 0) + 1
                continue
            delivery = (self._number << DELIVERY_SHIFT) + 1 + self.recipients
            wave = self._wave(each.key)
            planned.append(
                PlannedDelivery(
                    delivery, each.journalist, each.last["list"], wave.id, kind="notice"
                )
            )
            told = _told(self._room, reading, each, self._templates[each.key], self._senders)
            kept.append((self._number, delivery, orjson.dumps(told).decode()))
            self.recipients += 1
        if self._number == 0:
            return
        with self._room.store.write() as tx:
            distributions.insert_deliveries(tx, self._number, planned, self._due_at)
            distributions.insert_left_out(tx, self._number, self._waiting)
            ledger.freeze(tx, kept)
            notices.at_work(tx, self.notice)
        self._waiting = []

    def finish(self) -> bool:
        """Make it visible; False when somebody else planned the same, and nothing of it is left."""
        with self._room.store.write() as tx:
            mine = notices.count_round(tx, self.notice)
            if mine:
                for key, template in self._templates.items():
                    if key != self._lead:
                        ledger.keep_compiled(tx, template.digest, template.to_bytes())
                        revision = _revision(tx, self.notice, key)
                        texts_of.add(tx, self._number, key, revision, template.digest)
                distributions.finish_plan(
                    tx,
                    self._number,
                    self._waves.values(),
                    recipients=self.recipients,
                    left_out=self._left_out,
                    due_at=self._due_at,
                    actor=self.notice.actor,
                )
        if not mine:
            self.forget()
        self.notice = replace(self.notice, rounds=self.notice.rounds + 1)
        return mine

    def forget(self) -> None:
        """Remove what was written."""
        if self._number:
            forget_plan(self._room, self._number)

    def _begin(self) -> None:
        room, notice = self._room, self.notice
        first = message(room, notice, self._family, self._lead)
        self._templates[self._lead] = first
        with room.store.write() as tx:
            self._due_at = tx.now()
            ledger.keep_compiled(tx, first.digest, first.to_bytes())
            self._number = distributions.insert(
                tx,
                NewDistribution(
                    release=notice.release,
                    revision=notice.revision or self._family.texts[0].number or 1,
                    compiled=first.digest,
                    priority=PRIORITY.get(kind_of(notice), OTHER_PRIORITY),
                    late="send",
                    embargo_until=None,
                    due_at=self._due_at,
                    zone=self._home,
                    audience={"to": [], "segments": {}},
                    kind="notice",
                    notice=notice.id,
                ),
                notice.actor,
            )

    def _wave(self, key: str) -> NewWave:
        """The batch of a text's readers, with one more in it."""
        if key not in self._templates:
            self._templates[key] = message(self._room, self.notice, self._family, key)
        language = "" if key == self._lead else key
        wave = self._waves.get(key) or NewWave(
            len(self._waves) + 1, self._due_at, self._home, 0, language
        )
        self._waves[key] = wave._replace(recipients=wave.recipients + 1)
        return wave


def _revision(tx: Tx, notice: Notice, key: str) -> int:
    numbers = [
        row["number"] for row in texts_of.revisions(tx, notice.release) if row["language"] == key
    ]
    return max(numbers, default=1)


def _told(
    room: Newsroom,
    tx: Tx,
    each: Reached,
    template: MergeTemplate,
    before: dict[str, Sender],
) -> Recipient:
    """The person as the notice sees him, with the Message-IDs of what he got."""
    row = each.last
    ids = []
    for sent in each.chain[-_MOST_REFERENCES:]:
        digest = sent["compiled"]
        if digest not in before:
            kept = ledger.compiled(tx, digest)  # none where retention removed it
            before[digest] = MergeTemplate.from_bytes(kept).sender if kept else room.sender
        ids.append(message_id(sent["id"], before[digest]))
    return recipient(room, row, template, earlier=" ".join(ids))


def recipient(
    room: Newsroom, row: Row, template: MergeTemplate, *, earlier: str = "", offered: bool = False
) -> Recipient:
    """Somebody as a message to him alone is written, when it is planned: `row` has the person and
    the list (None where it is gone). The rest is told at `Recipient`."""
    made = Recipient(
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        outlet=row["outlet"],
        language=row["language"],
        list_name=row["list_name"] or "press",
        list_title=row["list_title"] or "Press",
        list_kind=row["list_kind"] or "press",
        source=row["source"],
        source_date=row["source_date"],
        key_id=room.keys.current_id,
        earlier=earlier,
        offered=offered,
    )
    template.letterhead.write_out(made)
    return made
