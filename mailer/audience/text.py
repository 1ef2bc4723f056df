"""Cleaning of the text people type into lists: invisible characters, line ends, spaces, case.

Nothing here changes what a person meant to write: capitals, accents and scripts stay.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that show nothing and are not needed to write any name: zero-width spaces, marks of
direction, soft hyphens, tags. The zero-width joiners are not among them (Persian, Hindi)."""

LINE_END = re.compile("[\r\n\x0b\x0c\x1c-\x1e\u0085\u2028\u2029]")
"""Everything that some program takes for the end of a line (B11)."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_JOINERS = "\u200c\u200d"
_UNTIDY = re.compile("[^ -~]|  |^ | $")


def clean_line(text: str) -> str:
    """One line of text: NFC, no controls, no invisible characters, single spaces.

    Line ends become spaces. What a header or a page then does with it is safe (B11).
    """
    if text.isascii() and not _UNTIDY.search(text):
        return text
    text = _CONTROL.sub("", LINE_END.sub(" ", unicodedata.normalize("NFC", text)))
    text = INVISIBLE.sub("", text)
    return " ".join(text.split()).strip(_JOINERS)


def clean_block(text: str) -> str:
    """Text of several lines (notes): like `clean_line`, with line ends kept as LF."""
    if text.isascii() and not _UNTIDY.search(text):
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(clean_line(line) for line in lines).strip("\n")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """What is compared when capitals do not matter: cleaned, case-folded, NFC."""
    return unicodedata.normalize("NFC", clean_line(text).casefold())


def looks_garbled(text: str) -> bool:
    """Was it UTF-8 once, read as Windows-1252 ("MÃ¼ller")? Not mended: only told."""
    if text.isascii():
        return False
    try:
        return len(text.encode("cp1252").decode("utf-8")) < len(text)
    except UnicodeError:
        # A byte that Windows-1252 lacks came out as a replacement mark.
        return "\ufffd" in text
