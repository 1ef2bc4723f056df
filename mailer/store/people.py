"""What is kept of a person: the columns that lists fill, and the facets made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def record_of(journalist: Journalist) -> dict[str, str]:
    """What a journalist's row holds, by column, in the order of FIELDS."""
    return {
        "first_name": journalist.first_name,
        "last_name": journalist.last_name,
        "outlet": journalist.outlet,
        "outlet_type": journalist.outlet_type,
        "country": journalist.country,
        "language": journalist.language,
        "zone": journalist.timezone,
        "beats": BEAT_SEPARATOR.join(journalist.beats),
        "consent_basis": journalist.consent_basis,
        "source": journalist.source,
        "source_date": journalist.source_date,
        "notes": journalist.notes,
        "phone": journalist.phone,
    }


def staying(tx: Tx, journalist: int) -> int:
    """Who a person is now: himself, or the one he was merged with."""
    number: int | None = tx.value("merges.stays_of", journalist=journalist)
    return journalist if number is None else number


def write_records(
    tx: Tx,
    known: dict[tuple[str, str], int],
    people: Sequence[tuple[int, Mapping[str, str]]],
    now: int,
) -> None:
    """Replace what is known of people by id, facets included."""
    if not people:
        return
    tx.many("imports.write", params=[{**record, "id": id, "now": now} for id, record in people])
    tx.many("imports.drop_facets", params=[{"journalist": id} for id, _ in people])
    write_facets(tx, known, people)


def write_facets(
    tx: Tx,
    known: dict[tuple[str, str], int],
    people: Sequence[tuple[int, Mapping[str, str]]],
) -> None:
    """The facets of people who have none: what lists say of them, and what they chose themselves,
    which wins. `known` remembers ids of facet values."""
    if len(known) > _REMEMBER:
        known.clear()
    rows: list[tuple[int, int]] = []
    beats, languages = _chosen(tx, [number for number, _ in people])
    for number, record in people:
        wanted = [("beat", beat) for beat in record["beats"].split(";")]
        wanted += [(name, record[name]) for name in _FACETS if name != "language"]
        wanted.append(("language", languages.get(number) or record["language"]))
        facets = set()
        for key in wanted:
            if not key[1]:
                continue
            facet = known.get(key)
            if facet is None:
                facet = known[key] = _facet_id(tx, key[0], facet_value(*key))
            facets.add(facet)
        facets.discard(0)
        for facet, is_wanted in beats.get(number, ()):
            (facets.add if is_wanted else facets.discard)(facet)
        rows.extend((number, facet) for facet in sorted(facets))
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


def _facet_id(tx: Tx, name: str, value: str) -> int:
    """The id of a folded value, a new one if need be; 0 for an empty value."""
    if not value:
        return 0
    number: int | None = tx.value("imports.facet_id", field=name, value=value)
    if number is None:
        number = tx.next_ids("facet")
        tx.run("imports.add_facet", id=number, field=name, value=value)
    return number


_FACETS = ("country", "language", "outlet", "outlet_type", "zone")

_REMEMBER = 100_000
"""Most facet values kept in memory."""
