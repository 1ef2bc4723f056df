"""When a contact answers: days, hours and zone out of words such as "Mon–Fri 9:00–17:30 CET"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import phonenumbers

from mailer.clock import to_datetime
from mailer.release import times
from mailer.release.model import Contact
from mailer.release.read import dates, embargo

_TIME = r"(\d{1,2})(?:[:.h](\d\d))?\s?(am|pm|a\.m\.|p\.m\.)?(?:\s?(?:uhr|hrs|h)(?!\w))?"
_SPAN = re.compile(
    rf"(?<![\d:.]){_TIME}\s?(?:[-–—]|to|bis|à|a|do|до|til|till|al|tot)\s?{_TIME}", re.I
)
_ALWAYS = re.compile(
    r"24\s?/\s?7|24 (?:hours|Stunden|heures|horas|ore|godzin)|rund um die Uhr", re.I
)
_WORKDAYS = re.compile(
    r"week-?days?|werktags|wochentags|jours ouvrables|días laborables|laborables|giorni feriali|"
    r"dni robocze|w dni robocze|будни|будні|рабочие дни|робочі дні|werkdagen|dias úteis|平日",
    re.I,
)
_WEEKEND = re.compile(r"week-?ends?|wochenende|fin de semana|выходные|вихідні", re.I)
_RANGE = re.compile(r"\s*\.?\s*(?:[-–—]|to|bis|au|à|al?|do|по|до|tot|til|עד|إلى|至|〜|～)\s*", re.I)
_LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "uk",
    "ru",
    "cs",
    "sv",
    "ar",
    "he",
    "ja",
    "zh",
)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours in a zone: `days` with Monday as 0, minutes after midnight. `end` may lie past
    midnight."""

    text: str
    days: frozenset[int]
    spans: tuple[tuple[int, int], ...]
    zone: str

    def open_at(self, instant: int) -> bool:
        """Whether somebody answers at `instant` (UTC microseconds)."""
        local = to_datetime(instant).astimezone(times.zone_info(self.zone))
        minute = local.hour * 60 + local.minute
        yesterday = (local - timedelta(days=1)).weekday()
        return any(
            (local.weekday() in self.days and start <= minute < end)
            or (yesterday in self.days and minute < end - 24 * 60)
            for start, end in self.spans
        )


def read_hours(contact: Contact, newsroom_zone: str) -> Hours | None:
    """The hours of a contact, or None when they or their zone cannot be told for certain.

    The zone is the one written, else that of the telephone number, else the newsroom's.
    """
    text = contact.hours or ""
    if _ALWAYS.search(text):
        return Hours(text, frozenset(range(7)), ((0, 24 * 60),), "UTC")
    spans = [_minutes(match) for match in _SPAN.finditer(text)]
    if not spans or None in spans:
        return None
    days = _days(_SPAN.sub(" ", text))
    if days is None:
        return None  # Other hours on other days: nothing is certain.
    zone = _zone(_SPAN.sub(" ", text)) or _zone_of_phone(contact.phone_e164) or newsroom_zone
    if not zone or (len(spans) > 1 and re.search(r"[;/]", text)):
        return None
    return Hours(text, days, tuple(span for span in spans if span is not None), zone)


def _minutes(match: re.Match[str]) -> tuple[int, int] | None:
    first, first_minute, first_half, last, last_minute, last_half = match.groups()
    start, end = int(first) * 60 + int(first_minute or 0), int(last) * 60 + int(last_minute or 0)
    if start >= 24 * 60 or end > 24 * 60:
        return None
    if last_half:
        first_half = first_half or ("am" if int(first) % 12 > int(last) % 12 else last_half)
        start = start % (12 * 60) + (12 * 60 if first_half.lower().startswith("p") else 0)
        end = end % (12 * 60) + (12 * 60 if last_half.lower().startswith("p") else 0)
    elif end <= start and end <= 8 * 60 < start + 1 and start < 12 * 60:
        end += 12 * 60  # "9-5" means the afternoon.
    return (start, end) if end > start else (start, end + 24 * 60)


def _days(text: str) -> frozenset[int] | None:
    """The days named, all when none is; None when they make no sense."""
    if _WORKDAYS.search(text):
        return frozenset(range(5))
    if _WEEKEND.search(text):
        return frozenset((5, 6))
    names = _names()
    found = [
        (match.start(), match.end(), names[match.group().lower().rstrip(".")])
        for match in re.finditer(r"[^\W\d_]+\.?(?: [א-ת]+׳?)?|[^\W\d_]+", text)
        if match.group().lower().rstrip(".") in names
    ]
    if not found:
        return frozenset(range(7))
    days: set[int] = set()
    place = 0
    while place < len(found):
        _, end, day = found[place]
        if place + 1 < len(found) and _RANGE.fullmatch(text[end : found[place + 1][0]]):
            last = found[place + 1][2]
            days |= {(day + step) % 7 for step in range((last - day) % 7 + 1)}
            place += 2
        else:
            days.add(day)
            place += 1
    return frozenset(days)


@lru_cache(maxsize=1)
def _names() -> dict[str, int]:
    """Names of days in all languages at once, those that mean two days left out."""
    found: dict[str, set[int]] = {}
    for code in _LANGUAGES:
        for name, number in dates.weekdays(code).items():
            found.setdefault(name.lower(), set()).add(number)
    extra = {"mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4, "sa": 5, "so": 6, "mondays": 0}
    names = {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
    return {**names, **extra}


def _zone(text: str) -> str | None:
    """The zone that a text names, as embargo lines name theirs; in winter "CET" is no slip."""
    read, _ = embargo.parse(f"15 January 2025, 12:00 {text}", language="en", zone="UTC", line=None)
    return read.zone if read is not None else None


def _zone_of_phone(number: str | None) -> str | None:
    if number is None:
        return None
    from phonenumbers import timezone  # Its tables are large; most releases need none.

    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
    return zones[0] if len(zones) == 1 and zones[0] != "Etc/Unknown" else None
