"""Datelines: place and date on a line of their own, or opening the lead."""

from __future__ import annotations

import re
from datetime import date

from mailer.release.model import Dateline
from mailer.release.read import dates
from mailer.release.text import UPPER, has_case, words

_LABEL = re.compile(
    r"\s*(date|datum|data|fecha|дата|released?|published|veröffentlicht|location|ort|"
    r"place)\s*[:：]\s*",
    re.IGNORECASE,
)
_YEAR_WORD = re.compile(r"^\s*(?:года|год|г|року|рік|р|roku|r)\.?(?!\w)", re.IGNORECASE)
_SERVICE = (
    r"(?:\s*[-–—/(]*\s*(?:PR ?Newswire|Business Wire|GLOBE ?NEWSWIRE|ots|Reuters|AP|AFP|dpa|PAP|"
    r"EFE|ANSA|CNW|Newsfile)[^–—]{0,20}?[)/]*)?"
)
_SEPARATOR = re.compile(
    rf"[)\]]?\s*\.?{_SERVICE}\s*(?:[–—―─]{{1,2}}|[:：]|-{{1,2}}(?=\s)|/{{1,2}}|-{{2}})\s*",
    re.IGNORECASE,
)
_STOP = re.compile(r"[)\]]?\s*[.。]\s+")
_SMALL = frozenset(
    [
        "de",
        "la",
        "le",
        "les",
        "el",
        "los",
        "del",
        "di",
        "da",
        "do",
        "dos",
        "der",
        "den",
        "van",
        "von",
        "of",
        "the",
        "and",
        "y",
        "e",
        "et",
        "i",
        "und",
        "am",
        "upon",
        "sur",
        "an",
        "in",
        "den/",
    ]
)
_JOIN = re.compile(
    r"[\s,،，、;(|/•·–—-]*(?:,\s*)?(?:le|den|dnia|el|il|on|a|lunes)?[\s(]*$", re.IGNORECASE
)


def parse_line(text: str, language: str, today: date | None = None) -> Dateline | None:
    """A whole line such as "Warsaw, 12 October 2015", "Paris, le 12 mai 2025" or a date alone."""
    text = text.strip()
    label = _LABEL.match(text)
    body = text[label.end() :] if label else text
    if len(body) > 90:
        return None
    found = dates.find(body, language, today)
    if found is None:
        return None
    before, after = body[: found.start], _YEAR_WORD.sub("", body[found.end :]).strip(" .,;)–—-|")
    city = _city(_JOIN.sub("", before))
    if city is None:
        return None
    if after:
        late = _city(re.sub(r"^[\s,;|•·–—-]+", "", after))
        if city or not late or not _is_place(late):
            return None
        city = late
    return Dateline(text.rstrip(), city or None, found.date)


def parse_opening(
    text: str, language: str, today: date | None = None
) -> tuple[Dateline, int] | None:
    """A dateline that opens a paragraph, and how many characters it takes with its dash.

    "WARSAW, Poland, 3 March 2025 – ", "12 Oct 2015 – ", "BERLIN (dpa) – ", "Kyiv, 3 May 2025. ".
    """
    head = text[:120]
    found = dates.find(head, language, today)
    if found is not None and found.start <= 70:
        city = _city(_JOIN.sub("", head[: found.start]))
        if city is not None:
            year = _YEAR_WORD.match(head[found.end :])
            stop = found.end + (year.end() if year else 0)
            end = _SEPARATOR.match(head, stop)
            if end is None and city:
                end = _STOP.match(head, stop)
            if end is None and not city:
                end = re.compile(r"\s+[-–—]\s+").match(head, stop)
            if end is not None and end.end() < len(text):
                shown = text[:stop].strip() + (")" if "(" in text[:stop] else "")
                return Dateline(shown, city or None, found.date), end.end()
    match = re.match(
        rf"([{UPPER}][{UPPER}.'’\s-]{{2,40}}(?:,\s*[\w. ]{{2,25}})?)"
        rf"(?:\s*\([^)]{{2,30}}\))?\s*(?:[–—]|--?(?=\s))\s*",
        head,
    )
    if match and match.end() < len(text) and len(words(match.group(1))) <= 5:
        return Dateline(
            match.group(1).strip(), match.group(1).split(",")[0].strip(), None
        ), match.end()
    return None


def _city(text: str) -> str | None:
    """The city of what stands before a date; "" when nothing does, None when it is no place."""
    place = text.strip(" \t,،，、;:.()[]–—-/|*_")
    if not place:
        return ""
    return re.split("[,،，、(/]", place)[0].strip() if _is_place(place) else None


def _is_place(text: str) -> bool:
    found = re.findall(r"[^\W\d_][\w.'’-]*", text)
    if not 1 <= len(found) <= 8 or re.search(r"\d|[!?;:@\"“”]", text) or len(text) > 60:
        return False
    if not has_case(text):
        return len(found) <= 4
    return found[0][0].isupper() and all(word[0].isupper() or word in _SMALL for word in found)
