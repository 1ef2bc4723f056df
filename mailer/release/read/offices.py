"""Postal addresses as they stand in letterheads and page footers."""

from __future__ import annotations

import re

from mailer.release.model import Office
from mailer.release.read import dates
from mailer.release.read.phones import find_phones
from mailer.release.text import UPPER

_CODE = (
    r"(?P<code>\d{2}-\d{3}|\d{5}-\d{3}|\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}(?=\s)|(?:[A-Z]{1,2}-)?\d{4,6}|"
    r"[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2})"
)
_CITY = rf"(?P<city>[{UPPER}][^\d,;|]*?)"
_COUNTRY = r"(?:\s*[,;|]\s*(?P<country>[^\d,;|]+?))?"
_CODE_FIRST = re.compile(rf"{_CODE}\s+{_CITY}{_COUNTRY}[\s.,;]*")
_CITY_FIRST = re.compile(rf"{_CITY},?\s+(?:(?P<state>[A-Z]{{2}})\s+)?{_CODE}{_COUNTRY}[\s.,;]*")
_BOX = re.compile(
    r"(?:postal box|p\.?\s?o\.?\s?box|post office box|postfach|bo[îi]te postale|bp|skr(?:ytka|"
    r"\.)\s?poczt(?:owa|\.)|"
    r"casella postale|apartado|casilla|postbus|poštovní přihrádka|"
    r"а/я)\s*[:.]?\s*(?:no\.?\s*)?(?P<box>[\w-]+)",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(street|st\.|avenue|ave\.?|road|rd\.?|lane|square|boulevard|blvd|drive|rue|place|quai|"
    r"via|viale|piazza|calle|avenida|plaza|paseo|ul\.|ulica|al\.|aleja|plac|straat|laan|plein|"
    r"suite|floor|office|building|ул\.|улица|вул\.|вулиця|проспект)(?!\w)|(straße|strasse|"
    r"str\.|platz|allee|weg|gasse)\b|רחוב|شارع",
    re.IGNORECASE,
)

_YEAR = re.compile(r"(19|20)\d\d")
_PARTICLE = re.compile(
    r"d[aeiou]|de[lnrs]|della|l[ae]s?|los|el|en|[ai]m|an|in|bei|ob|sur|sous|sul|upon|on|by|of|the|"
    r"aan|op|nad|pod|[aikuvye]|na|und|and|et|och|og"
)


def parse(lines: list[str], language: str) -> Office | None:
    """The office that a block of lines describes, or None when it is no address.

    Sure signs are a postcode beside a city, or a street with a number beside a phone.
    """
    rows = [line.strip() for line in lines if line.strip()]
    if len(rows) == 1 and rows[0].count(",") >= 2:
        rows = [part.strip() for part in rows[0].split(",")]
    if not rows or any(len(row) > 90 for row in rows) or len(rows) > 9:
        return None
    label, body = "", rows
    if not is_address_line(rows[0]) and len(rows) > 1:
        label, body = rows[0].rstrip(":,"), rows[1:]
    kept: list[str] = []
    phone = e164 = box = street = code = city = country = None
    for row in body:
        phones = find_phones(row)
        if phones and (phones[0].e164 or phones[0].labelled):
            phone, e164 = phone or phones[0].text, e164 or phones[0].e164
            continue
        if re.search(r"@|https?://|www\.", row):
            continue
        kept.append(row)
        place = place_of(row)
        boxed = _BOX.search(row)
        if place is not None and code is None:
            code, city, country = place
        elif boxed:
            box = boxed.group("box")
        elif code is not None and country is None and is_country(row, language):
            country = row.strip(" ,.;")
        elif street is None and re.search(r"\d", row):
            street = row.rstrip(" ,;")
    if code is None and not (street and phone and _STREET.search(street)):
        return None
    # "Building Ports by 2030" is no town with a postcode unless more than a year speaks for it.
    if code is not None and _YEAR.fullmatch(code) and not (street or box or country or phone):
        return None
    return Office(label, tuple(kept), street, box, code, city, country, phone, e164)


def place_of(row: str) -> tuple[str, str, str | None] | None:
    """Postcode, city and country of a line such as "00-580 Warsaw, Poland"."""
    row = row.strip()
    # A year is no postcode: "1040 Brussels" is one, "2015 Report" would be as well.
    for pattern in (_CODE_FIRST, _CITY_FIRST):
        match = pattern.fullmatch(row)
        if match and _is_city(match.group("city")):
            country = match.group("country")
            return (
                match.group("code"),
                match.group("city").strip(" ,"),
                country.strip() if country else None,
            )
    return None


def _is_city(text: str) -> bool:
    """Whether words may name a town: few, each with a capital or a particle ("s-Hertogenbosch")."""
    found = text.split()
    return len(found) <= 5 and all(
        not word[0].islower() or _PARTICLE.fullmatch(word) or "-" in word or word[1:2] in {"'", "’"}
        for word in found
    )


def is_place_line(row: str) -> bool:
    """Whether a line holds a postcode and city, or a whole address between commas."""
    if re.search(r"@|\+\d|https?://", row):
        return False
    return place_of(row) is not None or (
        row.count(",") >= 2 and any(place_of(part) for part in row.split(","))
    )


def is_address_line(row: str) -> bool:
    """Whether a line is a street with a number, a postal box, or a postcode and city."""
    return (
        place_of(row) is not None
        or _BOX.search(row) is not None
        or (bool(re.search(r"\d", row)) and _STREET.search(row) is not None)
    )


def is_country(row: str, language: str) -> bool:
    """Whether a line is the name of a country, in `language` or in English."""
    name = row.strip(" ,.;").lower()
    return name in dates.territories(language) or name in dates.territories("en")
