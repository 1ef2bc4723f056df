"""Embargo lines: the date, time and zone in words, looked up as an instant (D2, D5).

An embargo that cannot be read for certain is an error finding, never a guess: the person who
wrote it is the only one who knows what was meant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from mailer.clock import to_datetime
from mailer.errors import UsageError
from mailer.release import times
from mailer.release.model import Embargo, Finding, Severity
from mailer.release.read import dates

_CLOCK = re.compile(
    r"(?<![\d:+\-.])(?P<hour>[01]?\d|2[0-4])(?:(?:\s*[:.hH]\s*|"
    r"\s*Uhr\s*)(?P<minute>[0-5]\d))?(?!\d)"
    r"(?:[:](?P<second>[0-6]\d))?\s*(?P<half>[ap]\.?\s?m\.?(?!\w))?(?P<mark>\s*(?:Uhr|hrs?|"
    r"hours|h|uur|heures|godz\.?)(?!\w))?",
    re.IGNORECASE,
)
_FOUR = re.compile(
    r"(?<!\d)(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\s*(?:hrs?|hours|h|Uhr)?(?!\d)"
)
WORDS = {
    "noon": time(12),
    "midday": time(12),
    "midnight": time(0),
    "mittag": time(12),
    "mitternacht": time(0),
    "midi": time(12),
    "minuit": time(0),
}
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-−])(\d{1,2})(?::?(\d{2}))?(?!\d)")
# Abbreviation: (zone to look up, offset in minutes or None where the zone decides).
_ABBREVIATIONS: dict[str, tuple[str, int | None]] = {
    "UTC": ("UTC", 0),
    "GMT": ("Europe/London", 0),
    "Z": ("UTC", 0),
    "BST": ("Europe/London", 60),
    "WET": ("Europe/Lisbon", 0),
    "WEST": ("Europe/Lisbon", 60),
    "CET": ("Europe/Brussels", 60),
    "CEST": ("Europe/Brussels", 120),
    "MEZ": ("Europe/Berlin", 60),
    "MESZ": ("Europe/Berlin", 120),
    "HNEC": ("Europe/Paris", 60),
    "EET": ("Europe/Kyiv", 120),
    "EEST": ("Europe/Kyiv", 180),
    "MSK": ("Europe/Moscow", 180),
    "МСК": ("Europe/Moscow", 180),
    "SEČ": ("Europe/Prague", 60),
    "SELČ": ("Europe/Prague", 120),
    "TSİ": ("Europe/Istanbul", 180),
    "TRT": ("Europe/Istanbul", 180),
    "WIB": ("Asia/Jakarta", 420),
    "ET": ("America/New_York", None),
    "EST": ("America/New_York", -300),
    "EDT": ("America/New_York", -240),
    "CT": ("America/Chicago", None),
    "CDT": ("America/Chicago", -300),
    "MT": ("America/Denver", None),
    "MDT": ("America/Denver", -360),
    "PT": ("America/Los_Angeles", None),
    "PST": ("America/Los_Angeles", -480),
    "PDT": ("America/Los_Angeles", -420),
    "JST": ("Asia/Tokyo", 540),
    "KST": ("Asia/Seoul", 540),
    "HKT": ("Asia/Hong_Kong", 480),
    "SGT": ("Asia/Singapore", 480),
    "AEST": ("Australia/Brisbane", 600),
    "AEDT": ("Australia/Sydney", 660),
    "NZST": ("Pacific/Auckland", 720),
    "NZDT": ("Pacific/Auckland", 780),
    "SAST": ("Africa/Johannesburg", 120),
}
# How people name a zone in words, in lower case; the first that is found counts.
_PHRASES = {
    "eastern": "America/New_York",
    "central european": "Europe/Brussels",
    "pacific": "America/Los_Angeles",
    "greenwich mean": "UTC",
    "mitteleuropäischer": "Europe/Berlin",
    "deutscher zeit": "Europe/Berlin",
    "heure française": "Europe/Paris",
    "hora peninsular": "Europe/Madrid",
    "ora italiana": "Europe/Rome",
    "hora portuguesa": "Europe/Lisbon",
    "nederlandse tijd": "Europe/Amsterdam",
    "belgische tijd": "Europe/Brussels",
    "czasu polskiego": "Europe/Warsaw",
    "czasu warszawskiego": "Europe/Warsaw",
    "středoevropského": "Europe/Prague",
    "stredoeurópskeho": "Europe/Bratislava",
    "svensk tid": "Europe/Stockholm",
    "dansk tid": "Europe/Copenhagen",
    "norsk tid": "Europe/Oslo",
    "suomen aikaa": "Europe/Helsinki",
    "magyar idő": "Europe/Budapest",
    "ora româniei": "Europe/Bucharest",
    "türkiye saati": "Europe/Istanbul",
    "ώρα ελλάδ": "Europe/Athens",
    "българско време": "Europe/Sofia",
    "московск": "Europe/Moscow",
    "киевск": "Europe/Kyiv",
    "київськ": "Europe/Kyiv",
    "за києвом": "Europe/Kyiv",
    "שעון ישראל": "Asia/Jerusalem",
    "غرينتش": "UTC",
    "جرينتش": "UTC",
    "مكة": "Asia/Riyadh",
    "日本時間": "Asia/Tokyo",
    "北京时间": "Asia/Shanghai",
    "北京時間": "Asia/Shanghai",
    "香港時間": "Asia/Hong_Kong",
    "台北時間": "Asia/Taipei",
    "한국시간": "Asia/Seoul",
    "한국 시간": "Asia/Seoul",
}
_EAST = re.compile(
    r"(?P<half>午前|午後|上午|下午|早上|中午|晚上|凌晨|오전|오후)?\s*(?P<hour>\d{1,2})\s*[時时點点시]"
    r"(?:\s*(?P<minute>\d{1,2})\s*[分분])?"
)
_AFTERNOON = frozenset(["午後", "下午", "晚上", "오후", "中午"])
_AMBIGUOUS = {
    "IST": "India (Asia/Kolkata), Ireland (Europe/Dublin) or Israel (Asia/Jerusalem)",
    "CST": "America/Chicago, Asia/Shanghai or America/Havana",
    "AST": "America/Halifax or Asia/Riyadh",
    "MST": "America/Denver, America/Phoenix or Asia/Kuala_Lumpur",
}


def parse(
    text: str,
    *,
    language: str,
    zone: str,
    line: int | None,
    today: date | None = None,
    thing: str = "embargo",
) -> tuple[Embargo | None, list[Finding]]:
    """The embargo that a line states, and what is wrong with it.

    `zone` is the newsroom's: never used to read the time, only to suggest a way to write it.
    `thing` is whose time is read, an "event"'s goes by the same rules: codes begin with it.
    Codes: embargo_without_zone (also without a date or time), embargo_in_gap, embargo_in_fold,
    embargo_weekday_mismatch (errors); embargo_zone_season (warning).
    """
    held, found = _read(text, language, zone, line, today)
    example = "EMBARGOED UNTIL " if thing == "embargo" else ""
    offer = f"Write it like '{example}3 March 2025, 09:00 {zone}'."
    return held, [
        replace(
            one,
            code=one.code.replace("embargo_", f"{thing}_"),
            message=one.message.replace("The embargo", f"The {thing}", 1),
            suggestion=one.suggestion or offer,
        )
        for one in found
    ]


def _read(
    text: str, language: str, zone: str, line: int | None, today: date | None
) -> tuple[Embargo | None, list[Finding]]:
    iso = re.search(
        r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d\S*(?:\s*\[[^\]]+\])?(?:\s+[A-Z][a-z]+/[\w/+-]+)?", text
    )
    if iso:
        answer = _iso(text, iso.group().rstrip(".,;)"), line, zone)
        if answer is not None:
            return answer
    found = dates.find(text, language, today)
    if found is None:
        return None, [
            _error("embargo_without_zone", "The embargo names no date that can be read.", line)
        ]
    rest = text[: found.start] + " \x01 " + text[found.end :]
    hour, rest = clock(rest)
    if found.weekday_is_wrong:
        day = found.date.strftime("%A")
        message = (
            f"The embargo's weekday contradicts its date: {found.date.isoformat()} is a {day}."
        )
        return None, [
            _error("embargo_weekday_mismatch", message, line, "Correct the weekday or the date.")
        ]
    if hour is None:
        return None, [
            _error("embargo_without_zone", "The embargo names no time of day and zone.", line)
        ]
    naive = datetime.combine(found.date, hour)
    if re.search(r"24[:.h]?00", text):
        naive += timedelta(days=1)
    return _zoned(text, naive, rest, line, zone, language)


def _zoned(
    text: str, naive: datetime, rest: str, line: int | None, zone: str, language: str
) -> tuple[Embargo | None, list[Finding]]:
    for word in re.findall(r"(?<![A-Za-z])[A-Z]{3,4}(?![A-Za-z])", rest):
        if word in _AMBIGUOUS:
            message = f"The embargo's zone {word} could mean {_AMBIGUOUS[word]}."
            return None, [_error("embargo_without_zone", message, line)]
    name = re.search(r"[A-Z][A-Za-z]+/[A-Z][\w+\-/]*", rest)
    if name:
        try:
            return _local(text, naive, times.zone_info(name.group()).key, line)
        except UsageError as error:
            return None, [_error("embargo_without_zone", str(error), line)]
    known = _abbreviation(rest)
    offset = _OFFSET.search(rest)
    if offset and (known is None or known[0] in {"UTC", "GMT"}):
        return _offset(text, naive, offset, zone)
    if known is not None:
        return _abbreviated(text, naive, known[0], line)
    lower = rest.lower().replace("i\u0307", "i")
    for phrase, place in _PHRASES.items():
        if phrase in lower:
            return _local(text, naive, place, line)
    cities = {**dates.zones_by_city(language), **times.zones_by_city()}
    for size in (3, 2, 1):
        found = re.findall(r"[^\W\d_][\w.'’-]*", lower)
        for start in range(len(found) - size + 1):
            city = " ".join(found[start : start + size])
            if city in cities:
                return _local(text, naive, cities[city], line)
    return None, [_error("embargo_without_zone", "The embargo names no time zone.", line)]


def _abbreviation(rest: str) -> tuple[str, int] | None:
    for match in re.finditer(r"(?<![\w])([A-ZČİМСК]{1,4})(?!\w)", rest):
        if match.group(1) in _ABBREVIATIONS:
            return match.group(1), match.start()
    return None


def _abbreviated(
    text: str, naive: datetime, word: str, line: int | None
) -> tuple[Embargo | None, list[Finding]]:
    zone, minutes = _ABBREVIATIONS[word]
    if minutes is None:
        return _local(text, naive, zone, line)
    instant = _at_offset(naive, minutes)
    if word == "GMT" and times.offset_at(instant, zone) != 0:
        zone = "UTC"  # GMT is UTC all year; only London's clocks leave it.
    if times.offset_at(instant, zone) == minutes * 60:
        return Embargo(text, instant, zone), []
    # "CET" written in July: nobody's clock shows it. Of the two readings take the later lift.
    local = times.resolve_local(naive, zone)
    other = local.instant if local.instant is not None else max(local.alternatives)
    instant = max(instant, other)
    finding = Finding(
        "embargo_zone_season",
        Severity.WARNING,
        f"{word} is not in use in {zone} on {naive:%Y-%m-%d}; the later reading "
        f"{times.stamp_in(instant, zone)} was taken.",
        line,
        1,
        f"Write the zone as {zone}.",
    )
    return Embargo(text, instant, zone), [finding]


def _local(
    text: str, naive: datetime, zone: str, line: int | None
) -> tuple[Embargo | None, list[Finding]]:
    found = times.resolve_local(naive, zone)
    if found.instant is not None:
        return Embargo(text, found.instant, zone), []
    code = "embargo_in_gap" if found.case is times.Case.GAP else "embargo_in_fold"
    said = found.sentence().split(". Write ")
    suggestion = f"Write {said[1]}" if len(said) > 1 else None
    return None, [
        Finding(code, Severity.ERROR, f"The embargo's time {said[0]}.", line, 1, suggestion)
    ]


def _offset(
    text: str, naive: datetime, match: re.Match[str], zone: str
) -> tuple[Embargo | None, list[Finding]]:
    sign = -1 if match.group(1) in "-−" else 1
    minutes = sign * (int(match.group(2)) * 60 + int(match.group(3) or 0))
    instant = _at_offset(naive, minutes)
    return Embargo(text, instant, fixed_zone(minutes, instant, zone)), []


def _iso(
    text: str, stamp: str, line: int | None, zone: str
) -> tuple[Embargo | None, list[Finding]] | None:
    try:
        when = times.read_when(stamp)
        if when.offset is None and when.zone is None:
            return None
        if when.offset is None and when.zone is not None:
            return _local(text, when.local, when.zone, line)
        instant = times.instant_of(when, "UTC")
    except UsageError:
        return None
    fixed = fixed_zone((when.offset or 0) // 60, instant, zone)
    return Embargo(text, instant, when.zone or fixed), []


def fixed_zone(minutes: int, instant: int, newsroom: str) -> str:
    """A zone to show an instant in that was written with an offset: the newsroom's if it fits."""
    if times.offset_at(instant, newsroom) == minutes * 60:
        return newsroom
    if minutes == 0 or minutes % 60:
        return "UTC"
    # IANA's Etc names count the other way round.
    return f"Etc/GMT{-minutes // 60:+d}"


def _at_offset(naive: datetime, minutes: int) -> int:
    stamp = times.resolve_local(naive - timedelta(minutes=minutes), "UTC")
    assert stamp.instant is not None, "UTC has neither gaps nor folds"
    return stamp.instant


def clock(text: str) -> tuple[time | None, str]:
    """The first time of day in a text, and the text with "\\x02" in its stead."""
    east = _EAST.search(text)
    if east and int(east["hour"]) <= 24 and int(east["minute"] or 0) < 60:
        hour = int(east["hour"]) % 24
        if east["half"] in _AFTERNOON and hour < 12:
            hour += 12
        value = time(hour, int(east["minute"] or 0))
        return value, text[: east.start()] + " \x02 " + text[east.end() :]
    for word, value in WORDS.items():
        match = re.search(rf"\b{word}\b", text, re.IGNORECASE)
        if match:
            return value, text[: match.start()] + " " + text[match.end() :]
    best: tuple[time, re.Match[str]] | None = None
    for match in _CLOCK.finditer(text):
        if not (match["minute"] or match["half"] or match["mark"]):
            continue
        hour, minute = int(match["hour"]) % 24, int(match["minute"] or 0)
        if match["half"]:
            if hour > 12:
                continue
            hour = hour % 12 + (12 if match["half"].lower().startswith("p") else 0)
        best = (time(hour, minute), match)
        break
    if best is None:
        match4 = _FOUR.search(text)
        if match4 is None:
            return None, text
        best = (time(int(match4["hour"]), int(match4["minute"])), match4)
    value, where = best
    return value, text[: where.start()] + " \x02 " + text[where.end() :]


def _error(code: str, message: str, line: int | None, suggestion: str | None = None) -> Finding:
    return Finding(code, Severity.ERROR, message, line, 1, suggestion)


def local_date(embargo: Embargo) -> date:
    """The day on which an embargo ends in its own zone."""
    return to_datetime(embargo.instant).astimezone(times.zone_info(embargo.zone)).date()
