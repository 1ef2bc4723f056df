"""Written dates in the languages that Babel knows, numeric ones, and days of the week."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from mailer.release.times import YEARS

_LEVANT = (
    "كانون الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين الأول|تشرين الثاني|كانون الأول"
)
_EXTRA_MONTHS = {
    "en": {"sept": 9},
    "de": {"jänner": 1, "feber": 2},
    "fr": {"sept": 9},
    "ar": {name: number for number, name in enumerate(_LEVANT.split("|"), 1)},
}
# How names of days stand in a sentence, where Babel has only the form for lists.
_EXTRA_WEEKDAYS: dict[str, dict[str, int]] = {
    "en": {"tues": 1, "weds": 2, "thur": 3, "thurs": 3},
    "de": {"sonnabend": 5},
    "pl": {
        **{"poniedziałku": 0, "wtorku": 1, "środę": 2, "środy": 2, "czwartku": 3, "piątku": 4},
        **{"sobotę": 5, "soboty": 5, "niedzielę": 6, "niedzieli": 6},
    },
    "cs": {"středu": 2, "středy": 2, "sobotu": 5, "soboty": 5, "neděli": 6},
    "sk": {"stredu": 2, "stredy": 2, "sobotu": 5, "soboty": 5, "nedeľu": 6, "nedele": 6},
    "ru": {
        **{"понедельника": 0, "вторника": 1, "среду": 2, "среды": 2, "четверга": 3},
        **{"пятницу": 4, "пятницы": 4, "субботу": 5, "субботы": 5, "воскресенья": 6},
    },
    "uk": {
        **{"понеділка": 0, "вівторка": 1, "середу": 2, "середи": 2, "четверга": 3},
        **{"п'ятниця": 4, "п’ятниця": 4, "п'ятницю": 4, "п’ятницю": 4, "п'ятниці": 4},
        **{"п’ятниці": 4, "суботу": 5, "суботи": 5, "неділю": 6, "неділі": 6},
    },
    "ar": {"الإثنين": 0, "الاربعاء": 2},
    "he": {
        **{"ביום שני": 0, "ביום שלישי": 1, "ביום רביעי": 2, "ביום חמישי": 3, "ביום שישי": 4},
        **{"ביום שבת": 5, "ביום ראשון": 6, "בשבת": 5},
    },
    "pt": {"segunda": 0, "terça": 1, "quarta": 2, "quinta": 3, "sexta": 4},
    "zh": {
        **{f"{name}{day}": number for name in ("礼拜", "禮拜", "週") for number, day in
           enumerate("一二三四五六日")},
        **{"星期天": 6, "周天": 6, "礼拜天": 6},
    },
}  # fmt: skip
_CJK_DAYS = {"ja": "月火水木金土日", "ko": "월화수목금토일", "zh": "一二三四五六日"}
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|ª|e|\.)?"
_YEAR = r"(?P<year>\d{4})"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date and where it stands in the text; `weekday` (Monday is 0) where one is written, by the
    word `named` in lower case, which stands behind the date if `named_after`."""

    date: date
    start: int
    end: int
    weekday: int | None = None
    named: str | None = None
    named_after: bool = False

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


def find_all(text: str, language: str, today: date | None = None) -> list[FoundDate]:
    """Every date in `text` in its order, as `find` reads each."""
    found: list[FoundDate] = []
    place = 0
    # A date found later may look back for its weekday, but not into the date before it.
    while (one := find(text[place:], language, today)) is not None:
        found.append(replace(one, start=one.start + place, end=one.end + place))
        place = found[-1].end
    return found


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
    if moment.year not in YEARS:
        return None
    if "slash" in parts and code == "en" and day <= 12 and month <= 12 and day != month:
        return None
    return FoundDate(moment, match.start(), match.end())


def _with_weekday(text: str, found: FoundDate, language: str) -> FoundDate:
    start, weekday, named, behind = found.start, None, None, False
    for code in dict.fromkeys((language.split("-")[0], "en")):
        names = weekdays(code)
        pattern = _weekday_pattern(code)
        before = list(
            re.finditer(
                rf"(?<!\w){pattern}(?!\w)[.,،]?\s*\(?(?:the |den |le |dnia )?$",
                text[: found.start],
                re.I,
            )
        )
        if before:
            match = before[-1]
            named = match.group(1).lower()
            weekday, start = names[named], match.start()
            break
        end = "" if code in _CJK_DAYS else r"(?!\w)"  # No space behind a word there.
        after = re.match(rf"[,\s(（]*{pattern}{end}", text[found.end :], re.I)
        if after:
            named, behind = after.group(1).lower(), True
            weekday = names[named]
            break
        short = _CJK_DAYS.get(code)
        single = re.match(rf"\s*[(（]\s*([{short}])\s*[)）]", text[found.end :]) if short else None
        if short and single:
            named, behind = single.group(1), True
            weekday = short.index(named)
            break
    return FoundDate(found.date, start, found.end, weekday, named, behind)


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
def weekdays(code: str) -> dict[str, int]:
    """Names of days in a language, in lower case, short ones too; Monday is 0."""
    locale = _locale(code)
    names: dict[str, int] = {}
    if locale is not None:
        for width in ("wide", "abbreviated"):
            for number, name in locale.days["format"][width].items():
                plain = str(name).lower().rstrip(".")
                if len(plain) >= 2:
                    names.setdefault(plain, int(number))
    names |= _EXTRA_WEEKDAYS.get(code, {})
    return names or {"\x00": 0}


@lru_cache(maxsize=64)
def _weekday_pattern(code: str) -> str:
    names = sorted(weekdays(code), key=len, reverse=True)
    return "(" + "|".join(map(re.escape, names)) + ")"


@lru_cache(maxsize=64)
def _locale(code: str) -> Locale | None:
    try:
        return Locale.parse({"no": "nb"}.get(code, code))
    except (UnknownLocaleError, ValueError):
        return None


def months(code: str) -> frozenset[str]:
    """Names of months in a language, in lower case, short ones without their point."""
    return frozenset(_months(code))


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


def territory_of(zone: str) -> str | None:
    """The ISO code of the country that an IANA zone belongs to, by CLDR."""
    known = get_global("zone_territories")
    found = known.get(zone) or known.get(get_global("zone_aliases").get(zone, zone))
    return None if found is None else str(found)


def territories(code: str) -> dict[str, str]:
    """Names of countries in a language, in lower case, to their ISO codes."""
    locale = _locale(code)
    if locale is None:
        return {}
    return {
        str(name).lower(): str(key) for key, name in locale.territories.items() if len(key) == 2
    }
