"""What is kept of a person: the columns that lists fill, and the facets made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from mailer.audience.conditions import facet_value
from mailer.audience.journalist import Journalist
from mailer.store.base import Tx

BEAT_SEPARATOR = "; "
"""Between the beats of one person, in the store and in list files."""

FIELDS = (
    "first_name",
    "last_name",
    "outlet",
    "outlet_type",
    "country",
    "language",
    "zone",
    "beats",
    "consent_basis",
    "source",
    "source_date",
    "notes",
    "phone",
)
"""What a list says of a person, as the table's columns."""

SAID = {name: 1 << place for place, name in enumerate(FIELDS)}
"""The bit of each field where it is kept which of them a file filled."""


def said(values: Sequence[str]) -> int:
    """The bits of the fields that are filled, of values in the order of FIELDS."""
    return sum([bit for bit, value in zip(SAID.values(), values, strict=True) if value])


def values_of(journalist: Journalist) -> tuple[str, ...]:
    """What a journalist's row holds, in the order of FIELDS."""
    return (
        journalist.first_name,
        journalist.last_name,
        journalist.outlet,
        journalist.outlet_type,
        journalist.country,
        journalist.language,
        journalist.timezone,
        BEAT_SEPARATOR.join(journalist.beats),
        journalist.consent_basis,
        journalist.source,
        journalist.source_date,
        journalist.notes,
        journalist.phone,
    )


def record_of(journalist: Journalist) -> dict[str, str]:
    """What a journalist's row holds, by column, in the order of FIELDS."""
    return dict(zip(FIELDS, values_of(journalist), strict=True))


def staying(tx: Tx, journalist: int) -> int:
    """Who a person is now: himself, or the one he was merged with."""
    number: int | None = tx.value("merges.stays_of", journalist=journalist)
    return journalist if number is None else number


Facets = dict[tuple[str, ...], tuple[int, ...]]
"""The ids of facets that are remembered, by what was asked for."""

_FACETS = ("beats", "country", "language", "outlet", "outlet_type", "zone")

faceted = itemgetter(*_FACETS)
"""What facets are made of, from a record by column."""

faceted_values = itemgetter(*(FIELDS.index(name) for name in _FACETS))
"""The same, from values in the order of FIELDS."""


def write_records(
    tx: Tx, known: Facets, people: Sequence[tuple[int, Mapping[str, str]]], now: int
) -> None:
    """Replace what is known of people by id, facets included."""
    if not people:
        return
    tx.many("imports.write", params=[{**record, "id": id, "now": now} for id, record in people])
    tx.many("imports.drop_facets", params=[{"journalist": id} for id, _ in people])
    write_facets(tx, known, [(id, faceted(record)) for id, record in people])


def write_facets(tx: Tx, known: Facets, people: Sequence[tuple[int, tuple[str, ...]]]) -> None:
    """The facets of people who have none, made of what `faceted` gives: what lists say of them,
    and what they chose themselves, which wins. `known` remembers ids of facets."""
    if len(known) > _REMEMBER:
        known.clear()
    rows: list[tuple[int, int]] = []
    chosen, languages = _chosen(tx, [number for number, _ in people])
    for number, (beats, country, language, outlet, kind, zone) in people:
        # Many people share their beats, and all of one outlet the rest.
        of_beats = known.get(("beat", beats))
        if of_beats is None:
            wanted = [("beat", beat) for beat in beats.split(";")]
            of_beats = known["beat", beats] = _facet_ids(tx, known, wanted)
        place = (country, languages.get(number) or language, outlet, kind, zone)
        of_place = known.get(place)
        if of_place is None:
            names = _FACETS[1:]
            of_place = known[place] = _facet_ids(tx, known, zip(names, place, strict=True))
        facets = {*of_beats, *of_place}
        for facet, is_wanted in chosen.get(number, ()):
            (facets.add if is_wanted else facets.discard)(facet)
        rows += [(number, facet) for facet in sorted(facets)]
    tx.copy("facets", ("journalist", "facet"), rows)


def _chosen(
    tx: Tx, people: Sequence[int]
) -> tuple[dict[int, list[tuple[int, bool]]], dict[int, str]]:
    """What these people chose themselves: beats (facet, wanted) and language, by person."""
    if not people:
        return {}, {}
    bounds = {"first": min(people), "last": max(people)}
    beats: dict[int, list[tuple[int, bool]]] = {}
    for row in tx.all("imports.chosen_beats", **bounds):
        beats.setdefault(row["journalist"], []).append((row["facet"], bool(row["wanted"])))
    languages = {
        row["journalist"]: row["language"] for row in tx.all("imports.chosen_languages", **bounds)
    }
    return beats, languages


def _facet_ids(tx: Tx, known: Facets, wanted: Iterable[tuple[str, str]]) -> tuple[int, ...]:
    """The ids of (field, value), new ones if need be; none for an empty value."""
    found: list[int] = []
    for key in wanted:
        if key[1] and key not in known:
            number = _facet_id(tx, key[0], facet_value(*key))
            known[key] = (number,) if number else ()
        found += known[key] if key[1] else ()
    return tuple(found)


def _facet_id(tx: Tx, name: str, value: str) -> int:
    """The id of a folded value, a new one if need be; 0 for an empty value."""
    if not value:
        return 0
    number: int | None = tx.value("imports.facet_id", field=name, value=value)
    if number is None:
        number = tx.next_ids("facet")
        tx.run("imports.add_facet", id=number, field=name, value=value)
    return number


_REMEMBER = 50_000
"""Most facets kept in memory."""
