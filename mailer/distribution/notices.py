"""Correct, withdraw or hold a release that some have already: one word for all its distributions.

Whoever was reached in any distribution and revision is told in the same thread; who was not gets
the corrected text as a plain release, or nothing (D11). The officer's word is one transaction: from
its end on nothing of the old text begins, and all the rest follows from it (`telling`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mailer.distribution import internal, preflight, releases, telling, variants
from mailer.distribution.context import Newsroom
from mailer.distribution.control import let_go, refuse_stopped
from mailer.distribution.enclosed import Enclosed
from mailer.distribution.log import iso
from mailer.distribution.releases import StoredRelease
from mailer.distribution.telling import text_of
from mailer.distribution.waves import move_corrected, stop_leftovers
from mailer.errors import InputError, Refused, UsageError
from mailer.message.merge import MergeTemplate
from mailer.release.embargoed import held_until, lifted
from mailer.release.model import Kind
from mailer.release.notice import plain
from mailer.store import distributions, guard, notices
from mailer.store.base import Row, Tx
from mailer.store.core import raise_control
from mailer.store.ledger import keep_compiled
from mailer.store.notices import Notice
from mailer.store.releases import Family

Progress = Callable[[int], None]


@dataclass(slots=True)
class Given:
    """What an officer's word did. `told` are messages planned; `corrected` those not mailed yet who
    get the new text, `stopped` those who get nothing. `cannot_be_told` and `not_certain` (told, but
    nobody knows whether they had it) are people with address, name, outlet, telephone number and
    why. `again`: the same was said before, and this is what it did. `at` is UTC microseconds."""

    release: str
    kind: str
    revision: int | None
    reason: str
    at: int
    again: bool
    told: int = 0
    corrected: int = 0
    stopped: int = 0
    distributions: list[int] = field(default_factory=list)
    cannot_be_told: list[dict[str, str]] = field(default_factory=list)
    not_certain: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": iso(self.at)}


def kill(
    room: Newsroom, reference: str, actor: str, *, reason: str, progress: Progress = lambda _: None
) -> Given:
    """Withdraw a release for good: nothing of it leaves any more, and who has it is told so.

    Raises NotFound, and UsageError without a reason.
    """
    _require(reason, "a withdrawal")
    stored, release = _kept(room, reference)
    with room.store.write() as tx:
        notices.lock(tx, release)
        found = notices.ls(tx, release)
        before = notices.standing(found)
        again = before is not None and before.kind == "kill"
        if before is not None and again:
            number = before.id
        else:
            for row in _to_stop(tx, release):
                _end(tx, row, "killed", reason, actor)
            for each in found:
                notices.take_place_of(tx, each)
            number = notices.add(tx, release, "kill", reason, actor)
            raise_control(tx)
    return carried_out(room, number, stored, again=again, progress=progress)


def hold(
    room: Newsroom, reference: str, actor: str, *, reason: str, progress: Progress = lambda _: None
) -> Given:
    """Stop a release while it is checked, and tell who has it not to use it.

    Raises NotFound, UsageError without a reason, Refused for a release that was withdrawn.
    """
    _require(reason, "a hold")
    stored, release = _kept(room, reference)
    with room.store.write() as tx:
        notices.lock(tx, release)
        found = notices.ls(tx, release)
        before = notices.standing(found)
        again = before is not None and before.kind == "hold"
        if before is not None and again:
            number = before.id
        else:
            refuse_stopped(tx, release, stored.release.slug)
            _supersede(tx, release, [each for each in found if each.kind == "cleared"], actor)
            paused = []
            for row in _to_stop(tx, release):
                if row["notice"] is None and row["state"] in ("scheduled", "sending"):
                    why = f"on hold: {reason}"
                    distributions.move(tx, row["id"], "paused", actor, reason=why)
                    paused.append(row["id"])
            number = notices.add(tx, release, "hold", reason, actor, paused=paused)
            raise_control(tx)
    return carried_out(room, number, stored, again=again, progress=progress)


def clear(
    room: Newsroom, reference: str, actor: str, *, reason: str, progress: Progress = lambda _: None
) -> Given:
    """End a hold: what it stopped goes on, and who was told of it is told that it is over.

    Raises NotFound, UsageError without a reason, Refused where there is no hold.
    """
    _require(reason, "the end of a hold")
    stored, release = _kept(room, reference)
    with room.store.write() as tx:
        notices.lock(tx, release)
        before = notices.standing(notices.ls(tx, release))
        if before is None or before.kind != "hold":
            what = "was withdrawn" if before is not None else "is not on hold"
            raise Refused(f"{stored.release.slug} {what}.")
        _supersede(tx, release, [before], actor)
        number = notices.add(tx, release, "cleared", reason, actor, ends=before.id)
        _go_on(tx, before, actor)
        raise_control(tx)
    return carried_out(room, number, stored, progress=progress)


def correct(
    room: Newsroom,
    reference: str,
    path: Path,
    actor: str,
    *,
    kind: str = Kind.CORRECTION.value,
    what: str = "",
    progress: Progress = lambda _: None,
) -> Given:
    """Put a corrected text in the place of a release: who has the old one gets it as a correction
    (or, by `kind`, refiled or updated) that says `what` was wrong, all others as a plain release.

    Raises NotFound, InputError for a file that is no release, Refused for a text with errors, for a
    release that was withdrawn or of which nothing was queued, and for a text that was sent already.
    """
    stored, release = _kept(room, reference)
    slug = stored.release.slug
    read = releases.read_file(room, path)
    if read.id not in (None, release):
        raise Refused(
            f"this text is another release already, {read.release.slug}.", where=str(path)
        )
    read = replace(read, id=release, release=replace(read.release, slug=slug))
    lead = releases.family(room, stored).lead
    key = text_of(read.release, lead)
    preflight.refuse_errors(room, replace(read, id=None, revision=None))
    with room.store.read() as tx:
        _correctable(tx, release, slug, key, lead, read)
    warnings = preflight.warnings(room, read)
    new = releases.import_file(room, path, actor, slug=slug)
    if new.id != release or new.revision is None:
        raise InputError("the file was changed while it was read.", where=str(path))
    texts = _Texts(room, new, releases.family(room, new), key, Kind(stored.release.kind))
    with room.store.read() as tx:
        rows = _to_stop(tx, release)
    # A broken template is told before anything is done.
    texts.prepare(rows)
    for row in rows:
        asked = Enclosed.kept(json.loads(row["audience"]))
        if asked.attach != asked.again().attach:
            warnings.append(
                f"{asked.attach} was attached to what distribution {row['id']} sends; it is not "
                "sent with the new text."
            )
    telling.corrected_message(room, kind, new, what, texts.family, key)
    with room.store.write() as tx:
        notices.lock(tx, release)
        found = _correctable(tx, release, slug, key, lead, read)
        stands = notices.standing(found)
        # Of several languages the others stay on hold until somebody says what of them is right.
        whole = all(
            telling.key_of(other, lead) == key for other, _ in notices.sent_texts(tx, release)
        )
        ends = stands if whole else None
        over = [each for each in found if each.revision is not None and each.language == key]
        _supersede(tx, release, [*over, *([ends] if ends else [])], actor)
        keep_compiled(tx, texts.plain.digest, texts.plain.to_bytes())
        number = notices.add(
            tx, release, kind, what, actor, revision=new.revision,
            compiled=texts.plain.digest, language=key, ends=ends.id if ends else None,
        )  # fmt: skip
        for row in _to_stop(tx, release):
            if row["notice"] is None:
                texts.put_in(tx, row, lead, actor)
        if ends is not None:
            _go_on(tx, ends, actor)
        elif stands is not None:
            warnings.append(
                f"the other languages of {slug} stay on hold, and so do the distributions that it "
                f"stopped: `mailer hold {slug} --cleared` lets them go on."
            )
        raise_control(tx)
    given = carried_out(room, number, stored, progress=progress)
    given.warnings = [*warnings, *given.warnings]
    return given


class _Texts:
    """The corrected text of a release as a plain one, and with the embargo in it for early readers:
    one message for each end that binds."""

    def __init__(
        self, room: Newsroom, new: StoredRelease, family: Family, key: str, kind: Kind
    ) -> None:
        self._room = room
        self._key = key
        self.family = family
        text = replace(new, release=plain(new.release, kind))
        self._stored = text
        self._links = variants.links_of(room, new.release.slug, family, key or family.lead)
        self._made: dict[tuple[int | None, str, Enclosed, str], MergeTemplate] = {}
        self.plain = self._compiled(None, "", Enclosed())

    def prepare(self, rows: list[Row]) -> None:
        """Compile what these distributions will need, before the transaction."""
        for row in rows:
            self._after(row)
            self._early(row)

    def _after(self, row: Row) -> MergeTemplate:
        """For who gets a distribution's message after its embargo, if it has one."""
        kept = Enclosed.kept(json.loads(row["audience"]))
        mark = internal.MARK if row["kind"] == internal.KIND else ""
        return self._compiled(row["embargo_until"], "", kept.again(), mark)

    def _early(self, row: Row) -> MergeTemplate | None:
        """For who gets it before the embargo ends."""
        if row["embargo_until"] is None:
            return None
        kept = Enclosed.kept(json.loads(row["audience"]))
        return self._compiled(row["embargo_until"], row["zone"], kept.again(early=True))

    def put_in(self, tx: Tx, row: Row, lead: str, actor: str) -> None:
        """In the place of the old text in all that a distribution has not sent."""
        assert self._stored.revision is not None
        for wave in notices.batches(tx, row["id"]):
            key = telling.key_of(wave["text_key"], lead)
            if key != self._key or wave["text_revision"] >= self._stored.revision:
                continue
            text = self._after(row)
            early = None if wave["early"] is None else self._early(row)
            for each in (text, early):
                if each is not None:
                    keep_compiled(tx, each.digest, each.to_bytes())
            notices.replace_batch(
                tx, wave, self._stored.revision, text.digest, early.digest if early else None, actor
            )

    def _compiled(
        self, until: int | None, early_in: str, enclosed: Enclosed, mark: str = ""
    ) -> MergeTemplate:
        """For after an embargo, or with `early_in` (a zone) for who gets it before."""
        at = (until, early_in, enclosed, mark)
        if at not in self._made:
            release = self._stored.release
            if early_in and until is not None:
                release = held_until(release, until, early_in)
            else:
                release = lifted(release, until)
            text = replace(self._stored, release=release)
            self._made[at] = releases.compiled(
                self._room, text, languages=self._links, enclosed=enclosed, mark=mark
            )
        return self._made[at]


def _kept(room: Newsroom, reference: str) -> tuple[StoredRelease, int]:
    stored = releases.resolve(room, reference, "", keep=False)
    if stored.id is None:
        raise Refused(
            f"{reference} was never queued, so there is nobody to be told.",
            hint="`mailer release ls` lists the releases that are kept; name one by its slug.",
        )
    return stored, stored.id


def _require(reason: str, what: str) -> None:
    if not reason.strip():
        raise UsageError(f"{what} needs a reason.", hint="Say it: --reason TEXT.")


def _correctable(
    tx: Tx, release: int, slug: str, key: str, lead: str, read: StoredRelease
) -> list[Notice]:
    """The release's notices so far. Raises Refused for what cannot be corrected by this text."""
    found = notices.ls(tx, release)
    if any(each.kind == "kill" for each in found):
        refuse_stopped(tx, release, slug)
    sent = notices.sent_texts(tx, release)
    numbers = [number for language, number in sent if telling.key_of(language, lead) == key]
    if not sent:
        raise Refused(
            f"nothing of {slug} was queued yet: there is nothing to correct.",
            hint="`mailer queue` sends the new text.",
        )
    if not numbers:
        raise Refused(
            f'{slug} was not sent in "{key}"; nobody has that text.',
            hint="Queue it as another language of the release.",
        )
    if read.revision is not None and read.revision <= max(numbers):
        raise Refused(f"this very text was sent already: it is revision {read.revision} of {slug}.")
    return found


def _to_stop(tx: Tx, release: int) -> list[Row]:
    """What of a release may still be sent to journalists; the weekly mails that name it end by
    themselves."""
    found = notices.stoppable(tx, release)
    return [row for row in found if row["kind"] not in ("test", "digest")]


def _end(tx: Tx, row: Row, to: str, reason: str, actor: str) -> None:
    distributions.move(tx, row["id"], to, actor, reason=reason)
    for wave in distributions.waves(tx, row["id"]):
        distributions.move_wave(tx, row["id"], wave["id"], "cancel", actor)


def _supersede(tx: Tx, release: int, earlier: Iterable[Notice], actor: str) -> None:
    """A later word is in the place of these: whoever was not told of them yet hears that one."""
    numbers = set()
    for each in earlier:
        notices.take_place_of(tx, each)
        numbers.add(each.id)
    for row in _to_stop(tx, release):
        if row["notice"] in numbers:
            _end(tx, row, "cancelled", "a later notice is in its place", actor)


def _go_on(tx: Tx, hold: Notice, actor: str) -> None:
    """What a hold stopped goes on, but for what somebody else has to decide about."""
    for number in hold.paused:
        row = distributions.get(tx, number)
        if row is not None and row["state"] == "paused" and not guard.is_held(tx, number):
            let_go(tx, number, actor)


def embargo_changed(tx: Tx, release: int, what: str, reason: str, actor: str) -> int | None:
    """Who has a release early is told that its embargo was "moved", "lifted" or "broken": the
    notice that says so, or None where the release is stopped and another notice says more."""
    if notices.standing(notices.ls(tx, release)) is not None:
        return None
    batches = notices.early_batches(tx, release)
    return notices.add(tx, release, f"embargo-{what}", reason, actor, batches=batches)


def carried_out(
    room: Newsroom,
    number: int,
    stored: StoredRelease,
    *,
    again: bool = False,
    progress: Progress = lambda _: None,
) -> Given:
    """All that follows from a notice, and what it came to."""
    with room.store.read() as tx:
        notice = notices.get(tx, number)
    if notice.rounds == 0:
        telling.tell(room, notice, progress)
    # What may not be sent any more is only counted here: nobody can claim it.
    stop_leftovers(room)
    move_corrected(room)
    family = releases.family(room, stored)
    given = Given(
        stored.release.slug, notice.kind, notice.revision, notice.reason, notice.created_at, again
    )
    with room.store.read() as tx:
        given.told = sum(notices.told(tx, number).values())
        given.distributions = notices.distributions(tx, number)
        if notice.revision is not None:
            given.corrected = notices.in_corrected(tx, notice)
        elif notice.kind == "kill":
            given.stopped = notices.stopped(tx, notice.release)
        for each in telling.people(tx, notice, family.lead):
            if each.why and not each.told:
                given.cannot_be_told.append(_person(each.last, each.why))
            elif each.doubtful:
                given.not_certain.append(_person(each.last, "its answer was lost"))
    return given


def _person(row: Row, why: str) -> dict[str, str]:
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    return {
        "email": row["email"] or "",
        "name": name,
        "outlet": row["outlet"],
        "phone": row["phone"],
        "why": why,
    }
