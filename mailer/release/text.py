"""Small facts about text: slugs, words, sentences, direction. No knowledge of press releases."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from anyascii import anyascii

_SPACELESS = "\u0e00-\u0e7f\u3040-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{_SPACELESS}]|(?:(?![{_SPACELESS}])[^\W_])+")
"""A word for counting: letters and digits; what stands between them is punctuation or markup.
Scripts written without spaces count by character."""

UPPER = "A-ZÀ-ÖØ-Þ" + "".join(
    chr(code) for code in range(0x100, 0x590) if unicodedata.category(chr(code)) == "Lu"
)
"""Capital letters of the scripts that have them, for use inside a regex character class."""

SENTENCE_END = ".!?…。！？؟।։"
"""Characters that end a sentence in the scripts we meet."""

_CLOSERS = "\"'”’»“)]）」』"
_RTL = {"R", "AL"}
_NEAR = 40
"""Characters around a stop that say whether it ends a sentence; no abbreviation has more."""
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "no",
        "nos",
        "vs",
        "e.g",
        "i.e",
        "z.b",
        "d.h",
        "u.a",
        "bzw",
        "ca",
        "approx",
        "jr",
        "sr",
        "inc",
        "ltd",
        "co",
        "corp",
        "gen",
        "sen",
        "rep",
        "gov",
        "hon",
        "nr",
        "art",
        "ul",
        "al",
        "tzw",
        "np",
        "m.in",
        "prof.dr",
        "hr",
        "fr",
        "mme",
        "mlle",
        "sig",
        "dott",
        "sr",
        "sra",
        "dña",
        "av",
    ]
)


def slugify(text: str, *, fallback: str = "release", limit: int = 80) -> str:
    """A lower-case ASCII slug of `text` in any script; never empty, at most `limit` characters.

    Cut between words where possible. `fallback` is used when nothing can be written in ASCII.
    """
    slug = _ascii_slug(text)
    if len(slug) > limit:
        head = slug[: limit + 1]
        slug = head.rsplit("-", 1)[0] if "-" in head[limit // 2 :] else slug[:limit]
    return slug or _ascii_slug(fallback) or "release"


def revision_hash(data: bytes) -> str:
    """SHA-256 of a release file's bytes, in hex: same bytes, same revision (design section 2)."""
    return hashlib.sha256(data).hexdigest()


def words(text: str) -> list[str]:
    """The words of `text` in order, as written."""
    return WORD.findall(text)


def fold(text: str) -> str:
    """ASCII letters and digits of `text` in lower case, for comparing names."""
    return "".join(WORD.findall(anyascii(text).lower()))


def ends_sentence(text: str) -> bool:
    """Whether `text` ends as a finished sentence does, closing quotes and brackets aside."""
    stripped = text.rstrip().rstrip(_CLOSERS).rstrip()
    return bool(stripped) and stripped[-1] in SENTENCE_END


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the sentences of `text`; together they hold all but the gaps."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in re.finditer(rf"[{SENTENCE_END}]+[{re.escape(_CLOSERS)}]*(\s+|$)", text):
        following = text[match.end() : match.end() + _NEAR].lstrip("\"'“„«(‘[")[:1]
        spaced = bool(match.group(1)) or match.end() == len(text)
        if not spaced or (following and following.islower()) or _abbreviated(text, match.start()):
            continue
        spans.append((start, match.end() - len(match.group(1))))
        start = match.end()
    if text[start:].strip():
        spans.append((start, len(text.rstrip())))
    return spans


def direction_of(text: str) -> str:
    """ "rtl" when most letters of `text` are of a right-to-left script, else "ltr"."""
    right = left = 0
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in _RTL:
            right += 1
        elif kind == "L":
            left += 1
    return "rtl" if right > left else "ltr"


def has_case(text: str) -> bool:
    """Whether `text` holds letters of a script with capitals."""
    return any(char.lower() != char.upper() for char in text)


def width(text: str) -> int:
    """Columns that `text` takes in a terminal: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def joins_without_space(before: str, after: str) -> bool:
    """Whether a line break between two lines stood for nothing, as in Chinese or Japanese."""
    if not before or not after:
        return True
    left, right = before[-1], after[0]
    return _unspaced(left) and _unspaced(right)


def _ascii_slug(text: str) -> str:
    # Apostrophes vanish rather than part a word: "Russia's" is one word to its reader.
    plain = re.sub(r"[’'‘`]", "", text)
    return "-".join(re.findall(r"[a-z0-9]+", anyascii(plain).lower()))


def _abbreviated(text: str, stop: int) -> bool:
    if text[stop] != ".":
        return False
    match = re.search(r"[\w.]+$", text[max(0, stop - _NEAR) : stop])
    word = match.group().lower() if match else ""
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")


def _unspaced(char: str) -> bool:
    name = unicodedata.name(char, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI"))
