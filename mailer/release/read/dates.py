"""Written dates in the languages that Babel knows, numeric ones, and days of the week."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError

_LEVANT = (
    "كانون الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين الأول|تشرين الثاني|كانون الأول"
)
_EXTRA_MONTHS = {
    "en": {"sept": 9},
    "de": {"jänner": 1, "feber": 2},
    "fr": {"sept": 9},
    "ar": {name: number for number, name in enumerate(_LEVANT.split("|"), 1)},
}
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|ª|e|\.)?"
_YEAR = r"(?P<year>\d{4})"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date and where it stands in the text; `weekday` (Monday is 0) where one is written."""

    date: date
    start: int
    end: int
    weekday: int | None = None

    @property
    def weekday_is_wrong(self) -> bool:
        """Whether the weekday written is not that of the date."""
        return self.weekday is not None and self.weekday != self.date.weekday()


def find(text: str, language: str, today: date | None = None) -> FoundDate | None:
    """The first date in `text`, read in `language` or English; with its weekday where it has one.

    A date without a year is taken only when `today` is known: the nearest such day.
    Numeric dates that could be read two ways in English ("03/04/2025") are no date.
    """
    best: FoundDate | None = None
    for code in dict.fromkeys((language.split("-")[0], "en")):
        for pattern in _patterns(code):
            for match in pattern.finditer(text):
                found = _build(match, code, today)
                if found and (best is None or (found.start, -found.end) < (best.start, -best.end)):
                    best = found
                if found:
                    break
    return _with_weekday(text, best, language) if best else None


def _build(match: re.Match[str], code: str, today: date | None) -> FoundDate | None:
    parts = match.groupdict()
    word = parts.get("word")
    if word is not None:
        month = _months(code).get(word.lower().rstrip("."), 0)
    else:
        month = int(parts["month"])
    year = int(parts["year"]) if parts.get("year") else None
    day = int(parts["day"])
    try:
        if year is None:
            if today is None:
                return None
            guesses = [date(today.year + shift, month, day) for shift in (-1, 0, 1)]
            moment = min(guesses, key=lambda guess: abs((guess - today).days))
        else:
            moment = date(year, month, day)
    except ValueError:
        return None
    if "slash" in parts and code == "en" and day <= 12 and month <= 12 and day != month:
        return None
    return FoundDate(moment, match.start(), match.end())


def _with_weekday(text: str, found: FoundDate, language: str) -> FoundDate:
    start, weekday = found.start, None
    for code in dict.fromkeys((language.split("-")[0], "en")):
        names = _weekdays(code)
        pattern = _weekday_pattern(code)
        before = list(
            re.finditer(
                rf"(?<!\w){pattern}(?!\w)[.,]?\s*\(?(?:the |den |le |dnia )?$",
                text[: found.start],
                re.I,
            )
        )
        if before:
            match = before[-1]
            weekday, start = names[match.group(1).lower()], match.start()
            break
        after = re.match(rf"[,\s(]*{pattern}(?!\w)", text[found.end :], re.I)
        if after:
            weekday = names[after.group(1).lower()]
            break
    return FoundDate(found.date, start, found.end, weekday)


@lru_cache(maxsize=64)
def _patterns(code: str) -> tuple[re.Pattern[str], ...]:
    names = sorted(_months(code), key=len, reverse=True)
    month = "(?P<word>" + "|".join(map(re.escape, names)) + r")\.?"
    if code == "ar":
        month += r"(?:\s*/\s*[^\W\d_]+)?"  # Both names of a month: "آذار/مارس".
    prefix = r"(?:ב)?" if code == "he" else ""
    joiner = r"(?:\s+(?:de|del|of|di|d’|d')\s*|[\s\-]+)"
    written = [
        rf"(?<!\w){_DAY}{joiner}{prefix}{month}(?:{joiner}|,\s*){_YEAR}(?!\d)",
        rf"(?<!\w){month}\s+{_DAY}(?:,?\s+){_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[.,]?\s+{month}\s+{_DAY}(?!\d)",
        rf"(?<!\w){_DAY}{joiner}{prefix}{month}(?!\w)(?!\s+\d{{4}})",
        rf"(?<!\w){month}\s+{_DAY}(?!\w)(?!,?\s+\d{{4}})(?!:)",
    ]
    numeric = [
        rf"(?<!\d){_YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?!\d)",
        rf"(?<!\d){_YEAR}\s*[年년]\s*(?P<month>\d{{1,2}})\s*[月월]\s*(?P<day>\d{{1,2}})\s*[日일]",
        rf"(?<![\d.])(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR}(?!\d)",
        rf"(?<![\d/])(?P<day>\d{{1,2}})(?P<slash>/)(?P<month>\d{{1,2}})/{_YEAR}(?!\d)",
    ]
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in written + numeric)


@lru_cache(maxsize=64)
def _months(code: str) -> dict[str, int]:
    locale = _locale(code)
    names: dict[str, int] = dict(_EXTRA_MONTHS.get(code, {}))
    if locale is not None:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    plain = str(name).lower().rstrip(".")
                    if len(plain) >= 2 and not plain.isdigit():
                        names.setdefault(plain, int(number))
    return names or {"\x00": 0}


@lru_cache(maxsize=64)
def _weekdays(code: str) -> dict[str, int]:
    locale = _locale(code)
    names: dict[str, int] = {}
    if locale is not None:
        for width in ("wide", "abbreviated"):
            for number, name in locale.days["format"][width].items():
                plain = str(name).lower().rstrip(".")
                if len(plain) >= 2:
                    names.setdefault(plain, int(number))
    if code == "en":
        names |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
    return names or {"\x00": 0}


@lru_cache(maxsize=64)
def _weekday_pattern(code: str) -> str:
    names = sorted(_weekdays(code), key=len, reverse=True)
    return "(" + "|".join(map(re.escape, names)) + ")"


@lru_cache(maxsize=64)
def _locale(code: str) -> Locale | None:
    try:
        return Locale.parse({"no": "nb"}.get(code, code))
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=64)
def zones_by_city(code: str) -> dict[str, str]:
    """Names of cities in a language, in lower case, to the zone that is named after them."""
    locale = _locale(code.split("-")[0])
    if locale is None:
        return {}
    return {
        str(names["city"]).lower(): str(zone)
        for zone, names in locale.time_zones.items()
        if names.get("city")
    }


def territories(code: str) -> dict[str, str]:
    """Names of countries in a language, in lower case, to their ISO codes."""
    locale = _locale(code)
    if locale is None:
        return {}
    return {
        str(name).lower(): str(key) for key, name in locale.territories.items() if len(key) == 2
    }
