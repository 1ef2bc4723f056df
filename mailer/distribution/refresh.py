"""Refresh: the frozen audience of a distribution worked out anew, openly.

Between queueing and sending people only fall out. An officer who wants those in who fit since says
so: `refresh` asks the segments again, as they are written now, for the batches that have not begun.
Who fits no more leaves, who fits comes into the batch of his zone and language, who fell out and
may be written to again comes back. The history keeps who, and an approval given before is cleared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from typing import Any

from pyroaring import BitMap

from mailer.audience.segments import Segment
from mailer.distribution import advertising, embargo
from mailer.distribution.context import Newsroom
from mailer.distribution.control import existing, refuse_stopped
from mailer.distribution.lists import find_segments
from mailer.distribution.named import Named
from mailer.distribution.planning import why_not
from mailer.distribution.queue import Order
from mailer.distribution.segments import advice, shown_people
from mailer.distribution.timing import Timing
from mailer.distribution.variants import Choice
from mailer.distribution.waves import CHUNK
from mailer.errors import Refused
from mailer.store import audience, distributions, guard, notices, refresh, variants
from mailer.store.base import Row, Tx
from mailer.store.distributions import NewWave
from mailer.store.refresh import Newcomer, Standing
from mailer.store.releases import language_of

MOST_CHANGES = 100_000
"""So many people may come and go in one refresh; beyond, the distribution is queued anew."""

SHOWN = 50
"""Names of those who came and of those who went."""


@dataclass(slots=True)
class Refreshed:
    """What became of an audience. `back` are those who had fallen out and are in again, `too_late`
    those who fit now and whose batch has begun. `draft` says that an approval was cleared."""

    distribution: int
    state: str
    came: int
    back: int
    went: int
    too_late: int
    recipients: int
    left_out: dict[str, int]
    draft: bool
    people_came: list[dict[str, str]]
    people_went: list[dict[str, str]]
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def carry_out(room: Newsroom, number: int, actor: str, *, dry_run: bool = False) -> Refreshed:
    """Work the audience of a distribution out anew; with `dry_run` only say what would change.

    Raises NotFound for it or for a segment, and Refused for what is no release, is closed or
    stopped, has begun altogether, of which more than MOST_CHANGES people come and go, or which
    another refresh, a correction or another end of the embargo changed meanwhile.
    """
    with room.store.read() as tx:
        row = existing(tx, number)
        _refuse(tx, row)
        asked: dict[str, Any] = json.loads(row["audience"])
        binds = (row["embargo_until"] or 0) > tx.now()
    segments = find_segments(room, asked["to"])
    early = embargo.Early()
    if binds:
        early = embargo.readers(room, row["release"], segments, row["zone"])
    with room.store.read() as tx:
        found = _Anew(room, tx, row, asked, segments, early).work_out()
        stands = refresh.shape(tx, number)
        people_came = shown_people(tx, [each.journalist for each in found.came][:SHOWN])
        people_went = shown_people(tx, found.went[:SHOWN])
        warnings = advice(tx, segments)
    numbers = {"came": len(found.came), "back": len(found.back), "went": len(found.went)}
    if sum(numbers.values()) > MOST_CHANGES:
        raise Refused(
            f"{sum(numbers.values()):,} people would come or go in distribution {number}; nothing "
            "was changed.",
            hint=f"`mailer cancel {number}` and queue it again.",
        )
    draft, recipients = False, row["recipients"]
    if not dry_run:
        asked["segments"] = {each.name: each.as_json() for each in segments}
        with room.store.write() as tx:
            notices.lock(tx, row["release"])
            _refuse(tx, existing(tx, number))
            if refresh.shape(tx, number) != stands:
                raise Refused(
                    f"distribution {number} was changed by somebody else meanwhile; its audience "
                    "stays as it is.",
                    hint="Refresh it once more.",
                )
            embargo.trust(tx, row["release"], found.early, found.trusted, actor)
            numbers = refresh.change(
                tx,
                number,
                went=found.went,
                back=found.back,
                came=found.came,
                waves=list(found.new_waves.values()),
                left_out=found.left_out,
                audience=asked,
                actor=actor,
            )
            if room.config.sending.approval == "second":
                draft = refresh.clear_approval(tx, number, actor)
            recipients = existing(tx, number)["recipients"]
        if row["embargo_until"] is not None:
            embargo.bring_forward(room, row["release"], actor)
    else:
        recipients += found.more - numbers["went"]
    with room.store.read() as tx:
        state = existing(tx, number)["state"]
    reasons: dict[str, int] = {}
    for _, why in found.left_out:
        reasons[why] = reasons.get(why, 0) + 1
    return Refreshed(
        number, state, numbers["came"], numbers["back"], numbers["went"], found.too_late,
        recipients, reasons, draft, people_came, people_went, warnings,
    )  # fmt: skip


def _refuse(tx: Tx, row: Row) -> None:
    number = row["id"]
    if row["kind"] != "release":
        raise Refused(
            f"distribution {number} is a {row['kind']} to people who were named, so there is no "
            "audience to work out."
        )
    if row["state"] not in ("draft", "scheduled", "sending", "waiting", "paused"):
        raise Refused(f"distribution {number} is {row['state']}, so nothing of it will be sent.")
    if guard.is_held(tx, number):
        raise Refused(
            f"the ledger was put back, and distribution {number} may have left meanwhile.",
            hint=f"`mailer restored {number}` says what is known and takes your word.",
        )
    refuse_stopped(tx, row["release"], row["slug"])
    waves = distributions.waves(tx, number)
    if not any(wave["state"] in ("scheduled", "waiting") for wave in waves):
        raise Refused(
            f"every batch of distribution {number} has begun, so its audience stays as it is.",
            hint=f"`mailer send-to {number} --email E` sends it to one more.",
        )


class _Anew:
    """The audience as it would be frozen now, beside the one that was."""

    def __init__(
        self,
        room: Newsroom,
        tx: Tx,
        row: Row,
        asked: dict[str, Any],
        segments: Sequence[Segment],
        early: embargo.Early,
    ) -> None:
        self._room, self._tx, self._row, self._segments = room, tx, row, segments
        self._asked = asked
        self._who = Named(
            tuple(asked.get("also", ())),
            frozenset(asked.get("except", ())),
            row["release"] if asked.get("skip_received") else None,
        )
        self._inner = {
            each["id"] for each in audience.lists_by_name(tx).values() if each["kind"] == "internal"
        }
        self._waves = distributions.waves(tx, row["id"])
        self._open: dict[tuple[str, str, str], int] = {
            (wave["zone"], wave["language"], wave["awaits"]): wave["id"]
            for wave in self._waves
            if wave["state"] in ("scheduled", "waiting") and wave["early"] is None
        }
        self._begun = {
            (wave["zone"], wave["language"], wave["awaits"])
            for wave in self._waves
            if wave["state"] not in ("scheduled", "waiting")
        }
        self._next = 1 + max(wave["id"] for wave in self._waves)
        self._timing = self._local_time()
        self._choice = self._languages()
        self.came: list[Newcomer] = []
        self.back: list[int] = []
        self.went: list[int] = []
        self.left_out: list[tuple[int, str]] = []
        self.more = 0
        self.too_late = 0
        self.trusted: list[int] = []
        self.new_waves: dict[tuple[str, str, str], NewWave] = {}
        self.early = early

    def work_out(self) -> _Anew:
        """Compare everybody selected now with who stands in it."""
        stood = refresh.standing(self._tx, self._row["id"])
        gets: list[int] = []
        for row, barred in self._judged():
            number = row["id"]
            if row["list"] in self._inner:
                continue  # internal copies stand in a distribution of their own
            if number in stood.waiting:
                # What he has under way of this release is this very message.
                why = why_not(row, replace(self._who, received=None))
            else:
                why = why_not(row, self._who)
            if why := why or barred:
                self.left_out.append((number, why))
                continue
            gets.append(number)
            self._take(row, stood)
        self.more += len(self.came)
        self.went = list(stood.waiting - BitMap(gets))
        return self

    def _take(self, row: Row, stood: Standing) -> None:
        number = row["id"]
        if number in stood.waiting or number in stood.kept:
            return
        if number in stood.fallen or number in stood.left:
            self.back.append(number)
            self.more += number in stood.left
        elif wave := self._wave(row):
            self.came.append(Newcomer(number, row["list"], wave))
            if number in self.early.trusted:
                self.trusted.append(number)
        else:
            self.too_late += 1

    def _candidates(self) -> Iterator[Row]:
        selected = audience.candidates(
            self._tx,
            self._segments,
            received=self._who.received,
            languages=self._choice is not None,
        )
        return chain(selected, self._who.besides(self._tx, self._segments))

    def _judged(self) -> Iterator[tuple[Row, str]]:
        """The candidates, each with why no advertising may go to him, where this is some."""
        sells = self._asked.get("advertising", {}).get("is")
        rows = self._candidates()
        while chunk := list(islice(rows, CHUNK)):
            barred = advertising.kept_back(self._tx, chunk) if sells else {}
            yield from ((row, barred.get(row["id"], "")) for row in chunk)

    def _wave(self, row: Row) -> int:
        """The batch for somebody new, a new one where there is none; 0 when his has begun."""
        text = self._choice.of(row["language"], row["outlet"]) if self._choice else ("", "")
        zone = self._timing.zone_of(row["zone"]) if self._timing else self._row["zone"]
        key = (zone, *text)
        if (stands := self._open.get(key)) is not None:
            return stands
        if key in self._begun:
            return 0
        if key not in self.new_waves:
            if any(wave["compiled"] for wave in self._waves):
                return 0  # it was corrected since: what is made new would bring the old text
            due = self._timing.due_in(zone) if self._timing else self._row["due_at"]
            due = max(due, self._row["embargo_until"] or 0)
            self.new_waves[key] = NewWave(self._next, due, zone, 0, *text)
            self._next += 1
        made = self.new_waves[key]
        self.new_waves[key] = made._replace(recipients=made.recipients + 1)
        return made.id

    def _local_time(self) -> Timing | None:
        """When a batch of another zone is due, of a distribution by each journalist's clock."""
        local = self._asked.get("local_time")
        if local is None:
            return None
        order = Order("", (), at=local, local_time=True, late=self._row["late"])
        return Timing(self._room, order, None, self._tx.now())

    def _languages(self) -> Choice | None:
        sent = [row["language"] for row in variants.sent(self._tx, self._row["id"])]
        awaited = sorted({wave["awaits"] for wave in self._waves if wave["awaits"]})
        if not sent and not awaited:
            return None
        lead = language_of(self._tx, self._row["release"], self._row["revision"])
        return Choice(
            lead,
            [lead, *sent],
            awaited,
            self._room.config.newsroom.default_language,
            variants.outlets(self._tx),
        )
