"""Checks of dates in the text: weekdays that are not theirs, and what has passed (D5, H2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from mailer.release.preflight.look import Hit, Look, clip
from mailer.release.read import dates
from mailer.release.read.embargo import local_date

_FAR = 100
"""Days from which a date without a year may be of another year than the nearest."""

# Here the short name of a day is an everyday word: "po 3. březnu" is "after 3 March".
_FULL_NAMES_ONLY = frozenset(["cs", "sk", "sl", "hr", "sr", "bs", "bg", "tr", "hu"])


def weekday_mismatch(look: Look) -> Iterator[Hit]:
    """A day of the week that is not the date's, anywhere but in the embargo line."""
    release = look.release
    near = (release.dateline.date if release.dateline else None) or look.setting.today
    seen: set[str] = set()
    for text, line in look.words():
        for found in dates.find_all(text, look.language, near):
            if not found.weekday_is_wrong or not _plainly(text, found, look.language):
                continue
            dated = _dated(text, found)
            if not dated and near is not None and _other_year_fits(found, near):
                continue
            words = clip(_words(text, found))
            if words in seen:
                continue
            seen.add(words)
            yield look.hit(
                f"“{words}” contradicts itself: {found.date.isoformat()} is a {found.date:%A}.",
                "Correct the weekday or the date.",
                line,
                text[found.start : found.end],
            )


def date_in_the_past(look: Look) -> Iterator[Hit]:
    day = look.release.dateline.date if look.release.dateline else None
    today = look.setting.today
    if day is not None and today is not None and day < today:
        dateline = look.release.dateline
        yield look.hit(
            f"The release is dated {day.isoformat()}, which has passed.",
            "Change the date, or send it knowingly.",
            look.release.dateline_line,
            dateline.text if dateline else "",
        )


def embargo_in_the_past(look: Look) -> Iterator[Hit]:
    embargo, today = look.release.embargo, look.setting.today
    if embargo is not None and today is not None and local_date(embargo) < today:
        yield look.hit(
            "The embargo has ended already.",
            "Take it out, or correct the date.",
            None,
            embargo.text,
        )


def _plainly(text: str, found: dates.FoundDate, language: str) -> bool:
    """Whether the day of the week surely belongs to the date."""
    named = found.named or ""
    if len(named.rstrip(".")) < 3 and (language in _FULL_NAMES_ONLY or named.isascii()):
        return False
    if language in _FULL_NAMES_ONLY and len(named.rstrip(".")) < 4:
        return False
    before = text[: found.start].rstrip()
    if before.endswith(("–", "—", "-", "/", "〜", "～", "至")):
        return False  # The end of a range: "Monday–Wednesday 3 March".
    if found.named_after and language not in ("zh", "ja", "ko"):
        behind = text[found.end :]
        match = re.match(rf"([,\s(（]*){re.escape(named)}\.?\s*([)）.,;。、]|$)", behind, re.I)
        return match is not None and bool(re.search(r"[(（,]", match.group(1)) or match.group(2))
    return True


def _dated(text: str, found: dates.FoundDate) -> bool:
    return str(found.date.year) in text[found.start : found.end]


def _other_year_fits(found: dates.FoundDate, near: date) -> bool:
    """Whether the weekday is right in the year before or after, and the date so far off that one
    of them may be meant."""
    if abs((found.date - near).days) < _FAR:
        return False
    for step in (-1, 1):
        try:
            other = found.date.replace(year=found.date.year + step)
        except ValueError:
            continue
        if other.weekday() == found.weekday:
            return True
    return False


def _words(text: str, found: dates.FoundDate) -> str:
    end = found.end
    if found.named_after and found.named:
        end = text.lower().index(found.named, found.end) + len(found.named)
    return text[found.start : end].strip()
