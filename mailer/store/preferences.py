"""What a journalist chose on his own page: limits, pauses, a language, beats (F17).

Only his own act writes these rows; no list and no import does. Rows are keyed by the person, so
they go with him when he is erased.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mailer.audience.conditions import facet_value
from mailer.audience.text import fold
from mailer.store.base import Row, Tx
from mailer.store.people import BEAT_SEPARATOR, faceted, write_facets

FEW = 5
"""How many people must have a beat before it is offered to anybody."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """All wishes of one person. `weekly_cap` is None without a limit; `away_until` an instant (UTC
    µs) before which nothing is wanted, None without one; `language` "" without a wish."""

    weekly_cap: int | None = None
    office_hours: bool = False
    away_until: int | None = None
    paused: bool = False
    no_embargoes: bool = False
    language: str = ""

    def differences(self, other: Preferences) -> dict[str, Any]:
        """What of `other` differs from this, by name."""
        return {
            each.name: getattr(other, each.name)
            for each in fields(self)
            if getattr(other, each.name) != getattr(self, each.name)
        }


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat of one person: the id of its facet; whether lists say it of him; what he chose
    (None: nothing); and whether so few have it that it may be the office's own label."""

    facet: int
    listed: bool
    wanted: bool | None
    rare: bool

    @property
    def received(self) -> bool:
        """Does he get it?"""
        return self.listed if self.wanted is None else self.wanted


def get(tx: Tx, journalist: int) -> Preferences:
    """What he wishes; the plain defaults for who never chose."""
    row = tx.one("preferences.get", journalist=journalist)
    if row is None:
        return Preferences()
    return Preferences(
        weekly_cap=row["weekly_cap"],
        office_hours=bool(row["office_hours"]),
        away_until=row["away_until"],
        paused=bool(row["paused"]),
        no_embargoes=bool(row["no_embargoes"]),
        language=row["language"],
    )


def put(tx: Tx, journalist: int, wishes: Preferences) -> None:
    """Keep all wishes of a person."""
    tx.run(
        "preferences.put",
        journalist=journalist,
        weekly_cap=wishes.weekly_cap,
        office_hours=int(wishes.office_hours),
        away_until=wishes.away_until,
        paused=int(wishes.paused),
        no_embargoes=int(wishes.no_embargoes),
        language=wishes.language,
        at=tx.now(),
    )


def beat(tx: Tx, journalist: int, value: str) -> Beat | None:
    """How he stands to a beat (folded); None for one that nobody knows."""
    row = tx.one("preferences.beat", journalist=journalist, value=value, few=FEW)
    if row is None:
        return None
    wanted = None if row["wanted"] is None else bool(row["wanted"])
    listed = value in {facet_value("beat", each) for each in row["beats"].split(";")}
    return Beat(row["id"], listed, wanted, row["n"] < FEW)


def choose_beat(tx: Tx, journalist: int, known: Beat, wanted: bool) -> bool:
    """Keep that he wants a beat or not; True when that changes anything.

    Saying yes again to what lists say of him anyway takes his no back; a no is always kept, so that
    a later list does not bring the beat.
    """
    if wanted and known.rare and not known.listed and known.wanted is None:
        return False  # never on any page
    if wanted == known.received and (wanted or known.wanted is not None):
        return False
    place = {"journalist": journalist, "facet": known.facet}
    if wanted and known.listed:
        return bool(tx.run("preferences.forget_beat", **place))
    return bool(tx.run("preferences.choose_beat", **place, wanted=int(wanted), at=tx.now()))


def beats(tx: Tx, journalist: int) -> tuple[dict[str, bool], set[str]]:
    """Every beat (folded) that lists say of him or that he chose about, with whether he gets it;
    and those that he chose about."""
    found: dict[str, bool] = {}
    chosen: set[str] = set()
    for row in tx.all("preferences.beats", journalist=journalist):
        if row["wanted"] is not None:
            found[row["value"]] = bool(row["wanted"])
            chosen.add(row["value"])
        else:
            found.setdefault(row["value"], True)
    return found, chosen


def refresh_facets(tx: Tx, journalist: int) -> None:
    """Have segments find a person by what he chose a moment ago."""
    row = tx.one("preferences.record", journalist=journalist)
    if row is not None:
        tx.run("imports.drop_facets", journalist=journalist)
        write_facets(tx, {}, [(journalist, faceted(row))])


def person(tx: Tx, journalist: int) -> Row | None:
    """state, language, zone and hash (None once erased) of somebody; None for nobody."""
    return tx.one("preferences.person", journalist=journalist)


def about(tx: Tx, journalist: int, distribution: int, delivery: int) -> Row | None:
    """What message a link came with: its release with headline and language, audience and due_at,
    kind and notice (None of a note about an embargo, whose kind is "notice" too)."""
    place = {"journalist": journalist, "distribution": distribution, "delivery": delivery}
    return tx.one("preferences.about", **place)


def common_beats(tx: Tx, *, least: int, most: int) -> dict[str, str]:
    """The beats that at least `least` people have, commonest first: folded, and as one list wrote
    them. Reads all of them."""
    return {
        row["value"]: _as_written(tx, row["id"], row["value"])
        for row in tx.all("preferences.common_beats", least=least, most=most)
    }


def _as_written(tx: Tx, facet: int, value: str) -> str:
    written = tx.value("preferences.as_written", facet=facet) or ""
    beats = (each.strip() for each in written.split(BEAT_SEPARATOR))
    return next((each for each in beats if fold(each) == value), value)


def languages(tx: Tx) -> list[str]:
    """The languages of all texts that the newsroom keeps."""
    return [row["language"] for row in tx.all("preferences.languages")]
