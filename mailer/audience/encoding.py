"""In which encoding a text file is, when nobody says: marks, UTF-8, else by what reads like words.

Programs on Windows write lists in the code page of their country without saying which. The
same byte is "ł" in one and "³" in the other, so the decoded words are judged: symbols inside
words, capitals after small letters and piles of vowels or consonants speak against a reading.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from mailer.errors import InputError

__all__ = ["detect_encoding"]

_CHUNK = 1 << 20
# Different words with letters beyond ASCII, or megabytes, enough to judge a code page by.
_ENOUGH_WORDS = 1500
_ENOUGH_PIECES = 8
# The first wins where nothing speaks for another: the code page of most of Europe.
_CODE_PAGES = ("cp1252", "cp1250", "cp1251", "iso-8859-2")


def detect_encoding(path: Path) -> str:
    """The Python name of the file's encoding; reads the file once, in pieces.

    Raises InputError where the file cannot be read, is empty, or is no text.
    """
    try:
        with path.open("rb") as file:
            return _detect(file, path)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"the file cannot be read: {reason}.", where=str(path)) from error


def _detect(file: BinaryIO, path: Path) -> str:
    head = file.read(_CHUNK)
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise InputError("the file is empty.", where=str(path))
    for magic, kind in _OTHER_FILES.items():
        if head.startswith(magic):
            raise InputError(
                f"this is {kind}, not a CSV file.",
                where=str(path),
                hint="Save the table as CSV (UTF-8) and import that file.",
            )
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    wide = _unmarked_utf16(head)
    if wide:
        return wide
    controls = len(head.translate(None, _TEXT_BYTES))
    if controls > len(head) // 100 + 8:
        raise InputError(
            "this is no text file.",
            where=str(path),
            hint="Save the table as CSV (UTF-8) and import that file.",
        )
    return _utf8_or_code_page(file, head)


_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet or a packed file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old kind",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a packed file",
    b"SQLite format 3": "a database",
    b"{\\rtf": "a word processor's file",
}
_HIGH_BYTES = bytes(range(128, 256))
_TEXT_BYTES = bytes([9, 10, 11, 12, 13, *range(32, 256)])


def _unmarked_utf16(head: bytes) -> str:
    """UTF-16 without a mark shows in the zeros of its ASCII letters."""
    sample = head[:4096]
    half = len(sample) // 2
    if half < 8:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.6 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.05:
        return "utf-16-be"
    return ""


def _utf8_or_code_page(file: BinaryIO, head: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    words: Counter[bytes] = Counter()
    chunk = head
    try:
        while chunk:
            decoder.decode(chunk)
            chunk = file.read(_CHUNK)
        decoder.decode(b"", final=True)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    # The piece that is no UTF-8 and what follows it, until there are words enough.
    file.seek(max(file.tell() - len(chunk), 0))
    whole = mended = 0
    pieces = 0
    while len(words) < _ENOUGH_WORDS and pieces < _ENOUGH_PIECES and (chunk := file.read(_CHUNK)):
        pieces += 1
        words.update(_WORD.findall(chunk))
        text = chunk.decode("utf-8", "replace")
        lost = text.count("\ufffd")
        mended += lost
        whole += len(text) - len(chunk.translate(None, _HIGH_BYTES)) - lost
    # Single broken characters in a file of UTF-8 (cut by some program) do not make it another.
    if whole > mended * 10:
        return "utf-8"
    return _code_page(words)


_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")


def _code_page(words: Counter[bytes]) -> str:
    best = _CODE_PAGES[0]
    best_score = float("-inf")
    for name in _CODE_PAGES:
        score = 0.0
        for word, times in words.most_common(_ENOUGH_WORDS):
            # Garbled before it was saved: it says nothing about this file.
            if _is_utf8(word):
                continue
            score += min(times, 20) * _plausibility(word.decode(name, "replace"))
        if score > best_score + 1e-9:
            best, best_score = name, score
    return best


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


_VOWELS = frozenset("aeiouyæœøıаеёиоуыэюяіїєў")


@lru_cache(maxsize=65536)
def _plausibility(word: str) -> float:
    """How much the reading looks like a word: below 0 for what no language writes."""
    score = 0.0
    length = len(word)
    scripts = {_script(char) for char in word if char.isalpha()}
    if len(scripts) > 1:
        score -= 4.0 * length
    run = 0
    for place, char in enumerate(word):
        if char.isascii():
            run = 0
            continue
        before = word[place - 1] if place else ""
        after = word[place + 1] if place + 1 < length else ""
        if not char.isalpha():
            inside = before.isalpha() or after.isalpha()
            score -= _symbol_cost(char) if inside or length == 1 else 0.0
            run = 0
            continue
        run += 1
        if run > 2 and _script(char) == "LATIN":
            score -= 2.0
        if before.islower() and char.isupper():
            score -= 3.0
        if char.islower() and before.isupper() and place > 1 and word[place - 2].isupper():
            score -= 1.0
        score += _alternation(before, char, after) + _habit(char, after)
    return score


def _symbol_cost(char: str) -> float:
    if char == "\ufffd" or unicodedata.category(char) == "Cc":
        return 6.0
    if char in "’‘“”„«»–—…·\u00a0'":
        return 0.0
    return 4.0


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "?").partition(" ")[0]


@lru_cache(maxsize=4096)
def _is_vowel(char: str) -> bool:
    return unicodedata.normalize("NFD", char.lower())[:1] in _VOWELS


def _alternation(before: str, char: str, after: str) -> float:
    """Vowels and consonants take turns: three alike in a row are seldom."""
    vowel = _is_vowel(char)
    left = before.isalpha() and _is_vowel(before) == vowel
    right = after.isalpha() and _is_vowel(after) == vowel
    if left and right:
        return -1.5
    if left or right:
        # Two consonants together are common, two vowels less so.
        if not vowel:
            return 0.0
        return 0.1 if char.lower() in "èêëï" else -0.5
    return 1.0


def _habit(char: str, after: str) -> float:
    """Letters of one class under one byte: what stands behind them tells them apart."""
    low = char.lower()
    following = after.lower()
    if low == "ñ":
        return 0.5 if following and _is_vowel(following) else -0.5
    if low == "ń":
        return -0.5 if following and _is_vowel(following) else 0.5
    if low in "ãõ":
        return 0.5 if following in ("o", "e", "") else -0.5
    if low in "ăő":
        return -0.5 if following in ("o", "e") else 0.5
    if low == "ê":
        return 0.2
    if low == "ď" and following and not _is_vowel(following):
        return -0.5
    return 0.0
