"""What a journalist chooses on the page behind his link, and what that page may show (F17).

A wish is a `Step` of the opt-out spool, so it is applied in the order in which it was said and
survives a store that is away (F12). The page tells what its own link is about and what can be
chosen, never an address, a name, an outlet or another list of the office: journalists forward mail
(F7, design decision 9).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.audience.conditions import facet_value
from mailer.clock import SECOND, to_datetime
from mailer.distribution.spool import Request, Step
from mailer.message.phrases import own_name
from mailer.store import notices, preferences, suppression
from mailer.store.base import Store, Tx
from mailer.store.core import add_event, raise_control
from mailer.store.distributions import DELIVERY_SHIFT
from mailer.store.people import staying
from mailer.store.preferences import Preferences
from mailer.store.suppression import ALL, OFFICE, list_scope

CAP, OFFICE_HOURS, AWAY = "weekly_cap", "office_hours", "away_until"
PAUSED, NO_EMBARGOES, LANGUAGE = "paused", "no_embargoes", "language"
WISHES = (CAP, OFFICE_HOURS, AWAY, PAUSED, NO_EMBARGOES, LANGUAGE)

BEAT, OFF_BEAT = "beat", "off_beat"
"""Acts about one beat: wanted or not; and “this was not my beat”, said of one message."""

CAPS = (1, 2, 3, 5, 10, 20)
"""What can be chosen as the most messages in seven days."""

AWAY_AT_MOST = 366 * 2
"""Days ahead that somebody may be away."""

NO_WISHES = Preferences()

_MOST_BEATS = 24
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class ListChoice:
    """One list on the page; `receives` is true while mail for it would come."""

    id: int
    title: str
    kind: str
    receives: bool

    @property
    def scope(self) -> str:
        return list_scope(self.id)


@dataclass(frozen=True, slots=True)
class BeatChoice:
    """One beat: `value` as it is compared, `label` as it is written."""

    value: str
    label: str
    receives: bool


@dataclass(frozen=True, slots=True)
class About:
    """The message that a link came with. `beats` are those for which it was sent to him; `headline`
    is "" where the page must not say it: a note about an embargo does not tell it, and of what was
    withdrawn nothing is shown any more."""

    headline: str
    language: str
    at: int
    beats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the newsroom lets everybody choose: beats as they are compared and as they are
    written, and language tags."""

    beats: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


NOTHING = Offer()


@dataclass(frozen=True, slots=True)
class Choices:
    """What a journalist can choose, and how it stands. `stopped`: nothing at all is sent;
    `language` is the one that he is addressed in, `away` the first day of mail after an absence."""

    stopped: bool = False
    lists: tuple[ListChoice, ...] = ()
    beats: tuple[BeatChoice, ...] = ()
    wishes: Preferences = NO_WISHES
    away: date | None = None
    language: str = ""
    about: About | None = None

    @property
    def stays_on(self) -> tuple[str, ...]:
        """Labels of the beats he gets mail for, of those that are shown."""
        return tuple(beat.label for beat in self.beats if beat.receives)

    @property
    def about_labels(self) -> tuple[str, ...]:
        """Labels of the beats for which the link's message was sent."""
        return tuple(self.label(value) for value in self.about.beats) if self.about else ()

    def label(self, value: str) -> str:
        """How a beat is written."""
        return next((beat.label for beat in self.beats if beat.value == value), value)

    def receives(self, value: str) -> bool:
        """Whether he gets mail for a beat that is shown."""
        return any(beat.receives for beat in self.beats if beat.value == value)


def offer(store: Store) -> Offer:
    """What can be offered to everybody: the beats that many have, and the languages that the
    newsroom writes in. Reads all beats: keep it a while. Raises StoreUnavailable."""
    with store.read() as tx:
        beats = preferences.common_beats(tx, least=preferences.FEW, most=_MOST_BEATS)
        tags = preferences.languages(tx)
    return Offer(beats, tuple(tags))


def language(tx: Tx, journalist: int) -> str:
    """The language that a person is addressed in: his wish, else what lists say; "" for neither."""
    journalist = staying(tx, journalist)
    person = preferences.person(tx, journalist)
    return preferences.get(tx, journalist).language or (person["language"] if person else "")


def language_names(tags: Iterable[str], wish: str) -> list[tuple[str, str]]:
    """Tags with the languages' own names, the wish among them, by name."""
    wanted = dict.fromkeys([*tags, *([wish] if wish else [])])
    return sorted(((tag, own_name(tag)) for tag in wanted), key=lambda each: each[1].casefold())


def read_choices(
    store: Store, journalist: int, list_id: int, delivery: int, offered: Offer, zone: str
) -> Choices:
    """How everything stands for the holder of a link; `zone` is the newsroom's. Who is no longer
    known gets the same page as somebody who never chose (F9). Raises StoreUnavailable."""
    with store.read() as tx:
        addressed, journalist = journalist, staying(tx, journalist)
        person = preferences.person(tx, journalist)
        hash = person["hash"] if person else None
        scopes = {each.scope for each in suppression.find(tx, bytes(hash))} if hash else {ALL}
        rows = suppression.lists_to_choose(tx, journalist, list_id)
        wishes = preferences.get(tx, journalist)
        own, chosen = preferences.beats(tx, journalist)
        about = _about(tx, addressed, delivery, own)
    stopped = ALL in scopes
    lists = tuple(
        ListChoice(
            id=row["id"],
            title=row["title"],
            kind=row["kind"],
            receives=not stopped
            and list_scope(row["id"]) not in scopes
            and (OFFICE not in scopes or row["kind"] == "topic"),
        )
        for row in rows
    )
    # Of his beats only those that everybody may choose, that his link is about, or that he has
    # touched himself: other labels are the office's own.
    shown = dict.fromkeys([*offered.beats, *(about.beats if about else ()), *sorted(chosen)])
    beats = tuple(
        BeatChoice(value, offered.beats.get(value, value), own.get(value, False)) for value in shown
    )
    home = (person["zone"] if person else "") or zone
    return Choices(
        stopped=stopped,
        lists=lists,
        beats=beats,
        wishes=wishes,
        away=_day(wishes.away_until, home),
        language=wishes.language or (person["language"] if person else ""),
        about=about,
    )


def wish(name: str, value: str, zone: str = "") -> Step | None:
    """One wish as a form has it ("1" and "" for yes and no, a date for being away); None for what
    nobody can wish. `zone` is the newsroom's, for who has none himself."""
    if name == CAP:
        return Step(CAP, "", value) if not value or value in map(str, CAPS) else None
    if name == LANGUAGE:
        good = len(value) <= 20 and all(part.isalnum() for part in value.split("-") if value)
        return Step(LANGUAGE, "", value) if good and value.isascii() else None
    if name == AWAY:
        return Step(AWAY, zone, value) if not value or _date(value) else None
    if name in (OFFICE_HOURS, PAUSED, NO_EMBARGOES):
        return Step(name, "", "1" if value else "")
    return None


def beat_step(value: str, wanted: bool) -> Step:
    """That he wants a beat, or no more of it."""
    return Step(BEAT, value[:_LONGEST], "yes" if wanted else "no")


def off_beat_step(value: str) -> Step:
    """That a message was not on his beat; `value` is the beat, or "" when none is named."""
    return Step(OFF_BEAT, value[:_LONGEST])


def apply(tx: Tx, act: Request, actor: str) -> None:
    """Apply all wishes of one act, at once and with one line of history, or none where nothing
    changes. The caller has made sure that the person is known."""
    before = wishes = preferences.get(tx, act.journalist)
    off_beat = any(step.act == OFF_BEAT for step in act.steps)
    beats: dict[str, str] = {}
    for step in act.steps:
        if step.act in WISHES:
            wishes = _with(tx, wishes, act, step)
        elif step.act in (BEAT, OFF_BEAT) and step.scope:
            wanted = step.act == BEAT and step.value == "yes"
            known = preferences.beat(tx, act.journalist, facet_value("beat", step.scope))
            if known and preferences.choose_beat(tx, act.journalist, known, wanted):
                beats[step.scope] = "yes" if wanted else "no"
    changed = before.differences(wishes)
    if changed:
        preferences.put(tx, act.journalist, wishes)
    if beats or LANGUAGE in changed:
        preferences.refresh_facets(tx, act.journalist)
    if not (changed or beats or off_beat):
        return
    data: dict[str, Any] = {**changed, **({"beats": beats} if beats else {}), "list": act.list}
    add_event(
        tx,
        "not_my_beat" if off_beat else "preferences",
        actor,
        distribution=act.delivery >> DELIVERY_SHIFT or None,
        delivery=act.delivery or None,
        journalist=act.journalist,
        data={**data, "method": act.method},
    )
    if changed or beats:
        raise_control(tx)  # senders look again at what they hold


def _with(tx: Tx, wishes: Preferences, act: Request, step: Step) -> Preferences:
    """The wishes after one of the steps that WISHES names."""
    if step.act == CAP:
        return replace(wishes, weekly_cap=int(step.value) if step.value.isdecimal() else None)
    if step.act == LANGUAGE:
        return replace(wishes, language=step.value)
    if step.act == AWAY:
        person = preferences.person(tx, act.journalist)
        zone = (person["zone"] if person else "") or step.scope
        day = _date(step.value)
        ahead = _instant(day, zone) if day else None
        # A day that has passed when this is said is no absence.
        return replace(wishes, away_until=ahead if ahead and ahead > act.at else None)
    said = step.value == "1"
    if step.act == OFFICE_HOURS:
        return replace(wishes, office_hours=said)
    if step.act == PAUSED:
        return replace(wishes, paused=said)
    return replace(wishes, no_embargoes=said)


def _about(tx: Tx, journalist: int, delivery: int, own: dict[str, bool]) -> About | None:
    if not delivery:
        return None
    row = preferences.about(tx, journalist, delivery >> DELIVERY_SHIFT, delivery)
    if row is None:
        return None
    asked = _beats_asked(json.loads(row["audience"]))
    beats = tuple(value for value in asked if own.get(value))
    told = row["kind"] != "notice" or row["notice"] is not None
    if told:
        stands = notices.standing(notices.ls(tx, row["release"]))
        told = stands is None or stands.kind != "kill"
    return About(row["headline"] if told else "", row["language"], row["due_at"], beats)


def _beats_asked(node: Any) -> Sequence[str]:
    """The beats that an audience's conditions asked for, each once; not those they left out."""
    if isinstance(node, list):
        return list(dict.fromkeys(beat for each in node for beat in _beats_asked(each)))
    if not isinstance(node, dict):
        return []
    found: dict[str, None] = {}
    for key, value in node.items():
        if key == "beat" and isinstance(value, list):
            found.update(dict.fromkeys(each for each in value if isinstance(each, str)))
        elif key != "none":
            found.update(dict.fromkeys(_beats_asked(value)))
    return list(found)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _instant(day: date, zone: str) -> int | None:
    """The beginning of a day in a zone (UTC µs); None for a day that is too far away."""
    begin = datetime.combine(day, time(), _zone(zone))
    if not 1970 < day.year < 2200:
        return None
    return int(begin.astimezone(UTC).timestamp()) * SECOND


def _day(instant: int | None, zone: str) -> date | None:
    return None if instant is None else to_datetime(instant).astimezone(_zone(zone)).date()


def latest_day(now: int) -> date:
    """The last day that can be chosen for being away, seen from an instant (UTC µs)."""
    return to_datetime(now).date() + timedelta(days=AWAY_AT_MOST)
