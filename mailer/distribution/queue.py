"""Queueing a release: checked, compiled, its audience frozen, its waves planned.

Nothing is visible to a sender before the whole plan stands; a plan that breaks off leaves
nothing. A release with errors, an empty audience or a time that does not exist is refused with
a sentence (exit codes of the contract).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from typing import Any

from mailer.audience.segments import Segment
from mailer.clock import to_datetime
from mailer.distribution import (
    advertising,
    embargo,
    internal,
    named,
    preflight,
    releases,
    telling,
    variants,
)
from mailer.distribution.context import Newsroom
from mailer.distribution.control import refuse_stopped
from mailer.distribution.dealing import Dealer
from mailer.distribution.embargo import Early
from mailer.distribution.enclosed import NOTHING, OWN, Enclosed
from mailer.distribution.forecast import Forecast
from mailer.distribution.foresight import Foresight
from mailer.distribution.lists import find_segments
from mailer.distribution.log import iso, stamp
from mailer.distribution.planning import Plan, Wave
from mailer.distribution.readahead import ahead
from mailer.distribution.releases import StoredRelease
from mailer.distribution.rules import event_of
from mailer.distribution.segments import warnings as doubts
from mailer.distribution.timing import Timing, until_of
from mailer.distribution.variants import Choice
from mailer.distribution.waves import CHUNK, forget_plan
from mailer.errors import InputError, Refused, StoreUnavailable, UsageError
from mailer.message.merge import MergeTemplate
from mailer.message.view import Languages
from mailer.release.embargoed import held_until, lifted
from mailer.store import distributions, notices, open_store, paces, routes
from mailer.store import embargo as grants
from mailer.store.audience import by_domain, candidates, lists_by_name, planned_by_domain
from mailer.store.base import Row, Tx
from mailer.store.distributions import DELIVERY_SHIFT, NewDistribution, NewWave
from mailer.store.ledger import keep_compiled
from mailer.store.releases import id_of
from mailer.store.variants import NEVER
from mailer.store.variants import outlets as languages_of_outlets

LATE = ("hold", "send", "drop")
"""What becomes of a wave later than `late_grace`."""

NORMAL_PRIORITY = 50


@dataclass(frozen=True, slots=True)
class Order:
    """What an officer asks for. `at` and `embargo` as written; `zone` is the one they are in.

    `also` and `leave_out` are addresses as typed, put into the audience and taken out of it;
    `skip_received` leaves out who has the release already, or has it under way; `over` is how
    long each wave is spread, such as "40m". Of a release in several languages, `wait_variants` is
    until when one that is not ready is waited for, as written; `as_ready` waits without end.
    """

    release: str
    to: Sequence[str]
    at: str = "now"
    zone: str | None = None
    local_time: bool = False
    embargo: str | None = None
    late: str = "hold"
    also: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    skip_received: bool = False
    over: str | None = None
    wait_variants: str | None = None
    as_ready: bool = False
    enclosed: Enclosed = NOTHING


@dataclass(slots=True)
class Queued:
    """What was planned (contract, `queue --json`). `distribution` is None for a dry run.

    `first_at` and `last_at` are when the first delivery leaves and about when the last, as far as
    the batches, their spread and the configured rate tell.
    """

    distribution: int | None
    state: str
    recipients: int
    due_at: str | None
    waves: list[dict[str, Any]]
    left_out: dict[str, int]
    warnings: list[str]
    first_at: str
    last_at: str
    internal: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class _Texts:
    """The languages in which an order sends: those ready, compiled, beside the lead text; who gets
    which (None where there is one); until when one that is not ready is waited for."""

    def __init__(
        self,
        room: Newsroom,
        order: Order,
        stored: StoredRelease,
        release: int | None,
        timing: Timing,
    ) -> None:
        if order.wait_variants is not None and order.as_ready:
            raise UsageError("--wait-variants and --as-ready exclude each other.")
        self.ready: list[variants.Ready] = []
        self.choice: Choice | None = None
        self.languages = Languages()
        self.until = NEVER
        self.enclosed = order.enclosed
        family = releases.family(room, stored)
        if order.wait_variants is not None:
            self.until = until_of(order.wait_variants, order.zone or room.config.newsroom.timezone)
        if stored.alone or stored.release.language != family.lead or len(family.texts) < 2:
            return
        waits = order.wait_variants is not None or order.as_ready
        if waits:
            order.enclosed.refuse_waiting()
        if not waits:
            variants.refuse_awaited(family)
        self.ready = variants.prepare(room, release, family, timing.embargo_until, order.enclosed)
        self.languages = variants.links_of(room, stored.release.slug, family, family.lead)
        late = [each.language for each in family.texts if each.state != "ready"]
        with room.store.read() as tx:
            self.choice = Choice(
                family.lead,
                [family.lead, *(each.language for each in self.ready)],
                late if self.until > timing.now else [],
                room.config.newsroom.default_language,
                languages_of_outlets(tx),
            )

    def warnings(self, room: Newsroom, *, lift: int) -> list[str]:
        """What is doubtful in the texts beside the lead text, each with its language."""
        return [
            f"the {each.language} text: {warning}"
            for each in self.ready
            for warning in (
                *preflight.warnings(room, each.stored, lift, paper=self.enclosed.attach == OWN),
                *preflight.of_message(room, each.template),
            )
        ]


def queue(
    room: Newsroom,
    order: Order,
    actor: str,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Queued:
    """Plan one distribution; with `dry_run` only say what would be planned.

    Raises InputError or NotFound for the release, NotFound for a segment or a person named in
    `also`, UsageError for a time or an address, Refused for preflight errors (those of templates
    included), for a person who may not be mailed and for an empty audience. `progress` gets the
    number planned so far.
    """
    if order.late not in LATE:
        raise UsageError(f'--late "{order.late}" is not known.', hint="Use hold, send or drop.")
    if order.local_time and order.zone is not None:
        raise UsageError("--tz and --local-time exclude each other.", hint="Leave one of them out.")
    segments = find_segments(room, order.to)
    stored = releases.resolve(room, order.release, actor, keep=False)
    preflight.refuse_errors(room, stored)
    with room.store.read() as tx:
        now = tx.now()
        # A file that is not kept yet may be the next revision of a release that is.
        release = stored.id if stored.id is not None else id_of(tx, stored.release.slug)
        already = distributions.already_sent(tx, release) if release is not None else 0
        if release is not None:
            refuse_stopped(tx, release, stored.release.slug)
            telling.refuse_corrected(tx, release, stored)
    timing = Timing(room, order, stored.release.embargo, now)
    warnings = preflight.warnings(room, stored, timing.lift, paper=order.enclosed.attach == OWN)
    if already and not order.skip_received:
        warnings.append(
            f"{already} journalist{'s have' if already > 1 else ' has'} this release already "
            "from an earlier distribution."
        )
    warnings += order.enclosed.warnings
    texts = _Texts(room, order, stored, release, timing)
    # Whoever has to wait for the end of an embargo reads the text afterwards.
    after = replace(stored, release=lifted(stored.release, timing.embargo_until))
    template = releases.compiled(room, after, languages=texts.languages, enclosed=order.enclosed)
    warnings += texts.warnings(room, lift=timing.lift)
    warnings += doubts(room, segments)
    who = named.find(room, segments, order, release=release if order.skip_received else None)
    with room.store.read() as tx:
        warnings += preflight.of_audience(tx, template, segments, who)
    warnings += preflight.of_message(room, template)
    shown = stored.release.embargo.zone if stored.release.embargo else timing.home
    early = embargo.readers(room, release, segments, shown) if timing.binds else Early()
    with room.store.read() as tx:
        inner = frozenset(
            row["id"] for row in lists_by_name(tx).values() if row["kind"] == internal.KIND
        )
    sells = bool(advertising.reason_of(room.config, stored.release.kind))
    plan = Plan(timing, who, texts.choice, texts.until, early=early, internal=inner)
    plan.advertising = sells
    with room.store.read() as tx:
        foresight = Foresight(room, tx, now, timing.at, event_of(stored.release))
        plan.foresight = foresight if dry_run else None
        for chunk in _candidates(tx, segments, plan):
            plan.take(chunk)
            if plan.recipients and not (dry_run or timing.over):
                break  # somebody gets it: worth keeping and planning
    if not plan.recipients and not plan.copies:
        raise Refused(_nobody(order, plan))
    number = copies = None
    if not dry_run:
        expected = {key: wave.recipients for key, wave in plan.waves.items()}
        plan = Plan(timing, who, texts.choice, texts.until, expected, early=early, internal=inner)
        plan.foresight, plan.advertising = foresight, sells
        stored = _kept(room, order, stored, actor)
        writing = _Writing(room, stored, template, texts, segments, order, plan, actor)
        number = writing.write(progress)
        if number is None and writing.copies is None:
            raise Refused(_nobody(order, plan))
        copies = writing.copies
    first, last = timing.at, timing.at
    if plan.recipients:
        first, last = _forecast(room, segments, plan, number)
    span = first, max(last, foresight.last)
    warnings += [*who.warnings, *timing.warnings, *foresight.warnings()]
    found = _queued(plan, stored.release.language, number, span, warnings)
    if plan.copies:
        found.internal = {"distribution": copies, "recipients": len(plan.copies)}
        found.distribution = number or copies
    return found


def _forecast(
    room: Newsroom, segments: Sequence[Segment], plan: Plan, number: int | None
) -> tuple[int, int]:
    """When the first of a plan leaves and about when the last, UTC microseconds."""
    dealer = Dealer(room.config)
    now = plan.timing.now
    today = to_datetime(now).astimezone(dealer.zone).date().isoformat()
    with room.store.read() as tx:
        found = Forecast(
            dealer,
            now=now,
            urgent=plan.timing.embargo_until is not None,
            used=paces.used_on(tx, today),
            paused=routes.paused(tx),
        )
        for wave, domain, count in _by_domain(tx, dealer, segments, plan, number):
            # Of one that waits without end only the beginning is known.
            due = wave.due_at if wave.due_at < NEVER else wave.begins
            found.add(wave.id, due, wave.over, domain, count)
    return found.span()


def _by_domain(
    tx: Tx, dealer: Dealer, segments: Sequence[Segment], plan: Plan, number: int | None
) -> Iterator[tuple[Wave, str, int]]:
    """The people of a plan by wave and domain; by wave alone where no domain matters."""
    who = plan.named
    if not dealer.asks_domain:
        yield from ((wave, "", wave.recipients) for wave in plan.waves.values())
    elif number is not None:
        waves = {wave.id: wave for wave in plan.waves.values()}
        for id, domain, count in planned_by_domain(tx, number):
            yield waves[id], domain, count
    else:
        for zone, domain, count in by_domain(
            tx, segments, also=who.also, excepted=who.excepted, received=who.received
        ):
            key = plan.timing.zone_of(zone)  # of the waves of one zone any will do here
            wave = next((each for each in plan.waves.values() if each.zone == key), None)
            if wave is not None:  # else somebody came in between
                yield wave, domain, count


def _queued(
    plan: Plan, lead: str, number: int | None, span: tuple[int, int], warnings: list[str]
) -> Queued:
    waves = sorted(plan.waves.values(), key=lambda wave: (wave.due_at, wave.id))
    early = [wave for wave, _ in plan.early_waves()]
    first, last = span
    return Queued(
        distribution=number,
        state="scheduled",
        recipients=plan.recipients,
        due_at=iso(min((wave.begins for wave in waves), default=plan.timing.at)),
        waves=[
            {
                "wave": wave.id,
                "due_at": iso(wave.due_at) if wave.due_at < NEVER else None,
                "zone": wave.zone,
                "language": wave.language or lead,
                "awaits": wave.awaits or None,
                "recipients": wave.recipients,
                **({"early": True} if wave in early else {}),
            }
            for wave in waves
        ],
        left_out=plan.left_out,
        warnings=warnings,
        first_at=stamp(first),
        last_at=stamp(last),
    )


def _candidates(
    tx: Tx, segments: Sequence[Segment], plan: Plan
) -> Generator[list[Row], None, None]:
    """Everybody selected, and then who was named besides, in chunks with flat memory."""
    who, several = plan.named, plan.choice is not None
    selected = candidates(tx, segments, received=who.received, languages=several)
    rows = chain(selected, who.besides(tx, segments))
    while chunk := list(islice(rows, CHUNK)):
        if plan.advertising:
            plan.barred |= advertising.kept_back(tx, chunk)
        yield chunk


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


class _Writing:
    """A plan being written in short steps, invisible until the last."""

    def __init__(
        self,
        room: Newsroom,
        stored: StoredRelease,
        template: MergeTemplate,
        texts: _Texts,
        segments: Sequence[Segment],
        order: Order,
        plan: Plan,
        actor: str,
    ) -> None:
        assert stored.id is not None and stored.revision is not None
        self._room, self._stored, self._texts, self._segments = room, stored, texts, segments
        self._plan, self._actor = plan, actor
        self._template = template
        timing = plan.timing
        self._new = NewDistribution(
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
                **plan.named.as_json(),
                **order.enclosed.as_json(),
                **advertising.as_json(self._room.config, self._stored.release.kind),
                **({"local_time": order.at} if order.local_time else {}),
            },
            over=timing.over,
        )
        self.copies: int | None = None
        """The distribution of the internal copies, once it is written."""

    def write(self, progress: Callable[[int], None]) -> int | None:
        """The distribution's number; None when only internal copies are sent, or nothing is."""
        room, plan, timing = self._room, self._plan, self._plan.timing
        with room.store.write() as tx:
            keep_compiled(tx, self._template.digest, self._template.to_bytes())
            number = distributions.insert(tx, self._new, self._actor)
            variants.keep(tx, number, self._texts.ready)
        base = (number << DELIVERY_SHIFT) + 1
        try:
            # A connection of its own: one snapshot of the audience while the plan is written.
            with (
                closing(open_store(room.store.url, clock=room.clock)) as beside,
                beside.read() as reading,
            ):
                # A server reads while another of its processes writes, and its writers wait for
                # nobody.
                chunks = (
                    _candidates(reading, self._segments, plan)
                    if room.store.embedded
                    else ahead(_candidates(reading, self._segments, plan))
                )
                with closing(chunks):
                    for chunk in chunks:
                        planned, left = plan.take(chunk, base + plan.recipients)
                        with room.store.write() as tx:
                            distributions.insert_deliveries(tx, number, planned, timing.at)
                            distributions.insert_left_out(tx, number, left)
                        progress(plan.recipients)
            if plan.recipients or plan.copies:
                self._finish(number)
            if plan.recipients:
                return number
        except BaseException:
            # What cannot be removed now is removed later by the scheduler; the reason counts.
            with suppress(StoreUnavailable):
                forget_plan(room, number)
            raise
        forget_plan(room, number)
        return None

    def _finish(self, number: int) -> None:
        """Make it visible at once, with the internal copies that go beside it."""
        plan, stored, room = self._plan, self._stored, self._room
        assert stored.id is not None
        early = _early_templates(room, stored, self._texts, plan)
        marked = self._marked() if plan.copies else {}
        with room.store.write() as tx:
            # Again: an officer may have withdrawn or corrected it while the plan was written.
            notices.lock(tx, stored.id)
            refuse_stopped(tx, stored.id, stored.release.slug)
            telling.refuse_corrected(tx, stored.id, stored)
            if plan.recipients:
                distributions.finish_plan(
                    tx,
                    number,
                    [
                        NewWave(w.id, w.due_at, w.zone, w.recipients, w.language, w.awaits)
                        for w in plan.waves.values()
                    ],
                    recipients=plan.recipients,
                    left_out=plan.left_out,
                    due_at=min(wave.begins for wave in plan.waves.values()),
                    actor=self._actor,
                )
                for wave, first in early:
                    keep_compiled(tx, first.digest, first.to_bytes())
                    grants.mark_early(tx, number, wave.id, first.digest)
                embargo.trust(tx, stored.id, plan.early, plan.trusted, self._actor)
            if plan.copies:
                self.copies = internal.plan(
                    tx,
                    self._new,
                    plan.copies,
                    marked,
                    parent=number if plan.recipients else None,
                    due_at=plan.timing.due_in(plan.timing.home),
                    actor=self._actor,
                )

    def _marked(self) -> dict[str, internal.Text]:
        """The messages of the internal copies, by language."""
        found = {}
        texts = [("", self._stored), *((each.language, each.stored) for each in self._texts.ready)]
        family = releases.family(self._room, self._stored) if self._texts.ready else None
        for language, stored in texts:
            links = self._texts.languages
            if language and family is not None:
                slug = stored.release.slug
                links = variants.links_of(self._room, slug, family, language)
            after = replace(stored, release=lifted(stored.release, self._plan.timing.embargo_until))
            template = releases.compiled(
                self._room,
                after,
                mark=internal.MARK,
                languages=links,
                enclosed=self._texts.enclosed,
            )
            assert stored.revision is not None
            found[language] = internal.Text(stored.revision, template)
        return found


def _early_templates(
    room: Newsroom, stored: StoredRelease, texts: _Texts, plan: Plan
) -> list[tuple[Wave, MergeTemplate]]:
    """What early readers get, with the embargo in it: one message for each of their waves."""
    until, family = plan.timing.embargo_until, None
    ready = {each.language: each.stored for each in texts.ready}
    with_picture = replace(texts.enclosed, pictures=True)
    made = []
    for wave, reader in plan.early_waves():
        assert until is not None
        text, links = stored, texts.languages
        if wave.language:
            family = family or releases.family(room, stored)
            text = ready[wave.language]
            links = variants.links_of(room, stored.release.slug, family, wave.language)
        text = replace(text, release=held_until(text.release, until, plan.timing.home, reader))
        # Before the end nobody could fetch a picture (D4), so the message carries it.
        made.append((wave, releases.compiled(room, text, languages=links, enclosed=with_picture)))
    return made


def _nobody(order: Order, plan: Plan) -> str:
    left = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in plan.left_out.items())
    names = ", ".join(order.to)
    return f"nobody is in {names}{f' ({left})' if left else ''}: nothing was queued."
