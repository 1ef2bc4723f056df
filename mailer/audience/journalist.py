"""One journalist, and how the cells of a list become his fields.

Cleaning takes off what nobody meant to write (invisible characters, stray line ends) and brings
codes to one form. It never changes how people write their names: capitals, accents, scripts and
order stay, and what looks wrong is only told.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache

from mailer.audience import places
from mailer.audience.kinds import outlet_type_of
from mailer.audience.text import LINE_END, clean_line, fold, looks_garbled

__all__ = [
    "Journalist",
    "clean_beats",
    "clean_country",
    "clean_date",
    "clean_language",
    "clean_name",
    "clean_zone",
    "outlet_type_of",
    "split_comma_name",
    "split_full_name",
]


@dataclass(frozen=True, slots=True)
class Journalist:
    """One journalist of a list, all fields cleaned; "" and () where nothing is known.

    `email`: what stands in RCPT TO. `country`: ISO 3166 code of two letters. `language`: BCP 47.
    `timezone`: today's IANA zone. `consent_basis`: legitimate_interest, public_contact, opt_in,
    existing_relationship; objected or withdrawn of who said no; else as given. `source_date`: an
    ISO date (only the year where only that is known), else as given.
    """

    email: str
    first_name: str = ""
    last_name: str = ""
    outlet: str = ""
    outlet_type: str = ""
    beats: tuple[str, ...] = ()
    country: str = ""
    language: str = ""
    timezone: str = ""
    consent_basis: str = ""
    source: str = ""
    source_date: str = ""
    notes: str = ""
    phone: str = ""


@lru_cache(maxsize=32768)
def clean_name(text: str) -> tuple[str, tuple[str, ...]]:
    """(name, warnings): one line, NFC, nothing invisible at its edges.

    What follows a line end inside the name is cut off: in a header it would be a header of its
    own (B11). The same for a line end in URL coding. What has no letter is no name: nobody is
    greeted as "?".
    """
    warnings: list[str] = []
    garbled = looks_garbled(text)
    head = text.strip()
    injected = _HIDDEN_LINE_END.search(head)
    if injected:
        head = head[: injected.start()]
        warnings.append("there was a line end inside the name: what followed it was cut off")
    name = clean_line(head)
    if "?" in name and _LOST.search(name):
        warnings.append(f"letters of the name “{name}” were lost (they are “?” now)")
    if name and not any(map(str.isalnum, name)):
        if not warnings:
            warnings.append(f"the name “{name}” has no letter and was left out")
        name = ""
    if garbled and name:
        warnings.append(f"the name “{name}” looks garbled by a wrong encoding")
    return name, tuple(warnings)


def split_comma_name(last_name: str) -> tuple[str, str]:
    """("Anna", "Nowak") of "Nowak, Anna" in the column of last names; else ("", it)."""
    last, comma, first = last_name.partition(",")
    last, first = last.strip(), first.strip()
    if not comma or not last or not first or "," in first or fold(first) in _TITLES:
        return "", last_name
    return first, last


def split_full_name(name: str) -> tuple[str, str]:
    """(first name, last name) of both in one cell.

    "Nowak, Anna" is taken apart at its comma, else the last word is the last name, with the
    particles before it ("van der Berg"). A single word is a last name.
    """
    first, last = split_comma_name(name)
    if first:
        return first, last
    words = name.split(" ")
    if len(words) == 1:
        return "", name
    start = len(words) - 1
    while start > 1 and fold(words[start]).strip(".") in _TITLES:
        start -= 1
    for place in range(1, start):
        if fold(words[place]) in _PARTICLES:
            joins = fold(words[place]) in _JOINING and place > 1
            start = place - 1 if joins else place
            break
    return " ".join(words[:start]), " ".join(words[start:])


@lru_cache(maxsize=16384)
def clean_beats(text: str) -> tuple[str, ...]:
    """The topics of a cell, divided by ; or | or line ends, by commas only where none of these is.

    Each once (whatever its capitals), in the order written.
    """
    divider = _STRONG_DIVIDERS if _STRONG_DIVIDERS.search(text) else _COMMAS
    found: dict[str, str] = {}
    for part in divider.split(text):
        beat = clean_line(part)
        if beat:
            found.setdefault(fold(beat), beat)
    return tuple(found.values())


@lru_cache(maxsize=4096)
def clean_country(text: str) -> tuple[str, tuple[str, ...]]:
    """(ISO code of two letters or "", warnings)."""
    wanted = clean_line(text)
    code = places.country_code(wanted) if wanted else ""
    if code or not wanted:
        return code, ()
    return "", (f"the country “{wanted}” is not known",)


@lru_cache(maxsize=4096)
def clean_language(text: str) -> tuple[str, tuple[str, ...]]:
    """(BCP 47 tag or "", warnings): anything but a tag as it should be is taken with a warning."""
    wanted = clean_line(text)
    if not wanted:
        return "", ()
    tag, as_written = places.language_tag(wanted)
    if not tag:
        return "", (f"the language “{wanted}” is not known",)
    return tag, () if as_written else (f"the language “{wanted}” was read as “{tag}”",)


@lru_cache(maxsize=8192)
def clean_zone(text: str, country: str) -> tuple[str, tuple[str, ...]]:
    """(IANA zone or "", warnings) for a journalist in `country` (ISO code or "").

    Without a zone the country's main one is taken; "CET" or "GMT+1" is none, since it does not
    say when the clocks change.
    """
    wanted = clean_line(text)
    zone, _ = places.zone_name(wanted) if wanted else ("", True)
    if zone:
        return zone, ()
    main = places.zone_of_country(country) if country else ""
    if not wanted:
        return main, ()
    if main:
        return main, (f"the time zone “{wanted}” is no zone of a place: {main} was taken",)
    return "", (f"the time zone “{wanted}” is no zone of a place",)


@lru_cache(maxsize=16384)
def clean_date(text: str) -> tuple[str, tuple[str, ...]]:
    """(ISO date, or YYYY where only the year is given, else the text; warnings).

    Understood: ISO 8601, 31.12.2020, 12/31/2020 (and 31/12/2020), the serial numbers of
    spreadsheets, years.
    """
    wanted = clean_line(text)
    if not wanted or _YEAR.fullmatch(wanted):
        return wanted, ()
    if _SERIAL.fullmatch(wanted):
        days = int(wanted.partition(".")[0])
        return (_SERIAL_START + datetime.timedelta(days=days)).isoformat(), ()
    if found := _YEAR_FIRST.match(wanted):
        return _date(wanted, int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(wanted):
        return _date(wanted, int(found[3]), int(found[2]), int(found[1]))
    if found := _SLASHED.fullmatch(wanted):
        month, day = int(found[1]), int(found[2])
        if month > 12:
            return _date(wanted, int(found[3]), day, month)
        date, warnings = _date(wanted, int(found[3]), month, day)
        if day <= 12 and day != month:
            warnings = (*warnings, f"the date “{wanted}” was read as month, day, year")
        return date, warnings
    return wanted, (f"the date “{wanted}” is not understood",)


def _date(wanted: str, year: int, month: int, day: int) -> tuple[str, tuple[str, ...]]:
    try:
        return datetime.date(year, month, day).isoformat(), ()
    except ValueError:
        return wanted, (f"there is no such date as “{wanted}”",)


_HIDDEN_LINE_END = re.compile(LINE_END.pattern + "|%0[AaDd]")
_LOST = re.compile(r"\w\?|\?\w|\?\?")
_STRONG_DIVIDERS = re.compile(r"[;|\r\n]")
_COMMAS = re.compile(",")
_YEAR = re.compile(r"(?:19|20)\d\d")
# Days since 30 December 1899 as Excel counts them: 1927 to 2119.
_SERIAL = re.compile(r"[1-7]\d{4}(?:\.\d+)?")
_SERIAL_START = datetime.date(1899, 12, 30)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:$|[T ]\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})[.-]\s?(\d{1,2})[.-]\s?(\d{4})(?:[ T].*| ?r\.?)?")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T].*)?")
# Words in rows: easier to read and to add to than a list of strings.
_TITLES = frozenset(
    """
    jr sr jr. sr. ii iii iv phd ph.d. md mba dr dr. prof msc ma ba cbe obe kbe jun sen
    """.split()  # noqa: SIM905
)
# Words that begin a last name of several words.
_PARTICLES = frozenset(
    """
    van von vom zu zum zur de da do dos das del della dello dei degli di du des der den het 't la
    le lo los las el al ter ten te op af av bin ben ibn abu y e i und st st. san mac mc ó o' ní ni
    aït ait bint binti dal dalla dall' d' l'
    """.split()  # noqa: SIM905
)
# They join two last names: "Ortiz y Pino".
_JOINING = frozenset(["y", "e", "i", "und"])
