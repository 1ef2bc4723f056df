"""Quoted-printable that is already in DKIM's relaxed form, with places left for values.

Beyond RFC 2045 section 6.7 this encoding never lets a line begin with a dot (no dot-stuffing,
RFC 5321 section 4.5.2), begin with "From " (old mailboxes would add a ">"), end in white space or
hold two spaces in a row (RFC 6376 section 3.4.4). So the body goes to the wire, to the hash and
to the archive as it stands, and values can be put between pieces encoded long before.

A place in a line is written so: the text before it leaves room for one "=", the value brings its
own soft breaks before and after, and the text after it counts its columns as if the value were
empty. Then an empty value emits nothing and no line ever passes 76 characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

LINE = 76
"""Longest encoded line (RFC 2045 section 6.7 rule 5)."""

SOFT = "=\r\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: `index` is the caller's, the flags say what surrounds it.

    `starts_line`: nothing stands before it on its encoded line, so it needs no soft break there.
    `ends_line`: a line end follows at once, so it needs none after.
    """

    index: int
    starts_line: bool
    ends_line: bool


def encode_static(parts: Sequence[str | int]) -> list[str | Place]:
    """Encode texts with places (ints) between them; lines are parted by "\\n".

    Returns encoded texts, which hold only printable ASCII and CRLF, and the places in the same
    order. Neighbouring texts come out joined.
    """
    encoded: list[str | Place] = []
    line: list[str | int] = []
    buffer: list[str] = []

    def flush_line(hard: bool) -> None:
        for piece in _encode_line(line):
            if isinstance(piece, Place):
                encoded.append("".join(buffer))
                buffer.clear()
                encoded.append(piece)
            else:
                buffer.append(piece)
        if hard:
            buffer.append("\r\n")
        line.clear()

    for part in parts:
        if isinstance(part, int):
            line.append(part)
            continue
        *whole, last = part.split("\n")
        for text in whole:
            line.append(text)
            flush_line(hard=True)
        line.append(last)
    flush_line(hard=False)
    encoded.append("".join(buffer))
    return [piece for piece in encoded if piece != ""]


def encode_value(text: str, *, starts_line: bool, ends_line: bool) -> bytes:
    """Encode one value for a `Place` with these flags. "\\n" in it is a hard line break.

    An empty value is b"".
    """
    if not text:
        return b""
    before = "" if starts_line else SOFT
    return f"{before}{_encoded(text)}{'' if ends_line else SOFT}".encode("ascii")


def broken(text: str) -> str:
    """A text with nothing to encode, with soft breaks where a line is full."""
    return SOFT.join([text[at : at + LINE - 1] for at in range(0, len(text), LINE - 1)])


@lru_cache(maxsize=64)  # a link stands in the text and in the HTML
def _encoded(text: str) -> str:
    if len(text) < LINE and "\n" not in text and "  " not in text and text == text.strip(" "):
        # No soft break, and no space that needs to be written: each character by itself.
        written = text.translate(_WRITTEN)
        if len(written) < LINE and not written.startswith((".", "From ")):
            return written
    if _UNBROKEN.fullmatch(text) and "." not in text[:: LINE - 1]:
        # Links: too long for a line, nothing to encode, no dot where a line will begin.
        return broken(text)
    return "\r\n".join("".join(map(str, _layout(_atoms(line)))) for line in text.split("\n"))


_UNBROKEN = re.compile(r"[!-<>-~]+")


class _Written(dict[int, str]):
    """How each character is written where it needs no look at its neighbours, by its number; so
    many are remembered as a few scripts have."""

    def __missing__(self, number: int) -> str:
        if len(self) >= 4096:
            self.clear()
        character = chr(number)
        self[number] = written = character if character == " " else _atoms(character)[0]
        return written


_WRITTEN = _Written()


def _encode_line(line: list[str | int]) -> list[str | Place]:
    """One line of the text. `_atoms` encodes the spaces at the ends of each of its parts, which is
    beside places too: their values may be empty, and two spaces would meet."""
    items: list[str | int] = []
    for part in line:
        items += [part] if isinstance(part, int) else _atoms(part)
    for index, item in enumerate(items):
        # What follows a value may come to begin a line.
        if not index or not isinstance(items[index - 1], int):
            continue
        if item == ".":
            items[index] = "=2E"
        elif item == "F" and items[index : index + 5] == ["F", "r", "o", "m", " "]:
            items[index] = "=46"
    return _layout(items)


def _atoms(text: str) -> list[str]:
    """Characters as they will stand: themselves, or as =XX of their UTF-8 bytes."""
    atoms: list[str] = []
    last = len(text) - 1
    for index, character in enumerate(text):
        if character == " ":
            doubled = index > 0 and text[index - 1] == " "
            atoms.append("=20" if index in (0, last) or doubled else " ")
        elif "!" <= character <= "~" and character != "=":
            atoms.append(character)
        else:
            # A character stays whole on its line: a reader of the raw source can decode it.
            atoms.append("".join(f"={byte:02X}" for byte in character.encode("utf-8")))
    return atoms


def _layout(items: Sequence[str | int]) -> list[str | Place]:
    """Put soft breaks in. Every line keeps room for the "=" of one."""
    out: list[str | Place] = []
    column = 0
    count = len(items)
    for index, item in enumerate(items):
        if isinstance(item, int):
            out.append(Place(item, starts_line=column == 0, ends_line=index + 1 == count))
            continue
        if column + len(item) > LINE - 1:
            out.append(SOFT)
            column = 0
        if column == 0:
            if item == ".":
                item = "=2E"
            elif item == "F" and list(items[index : index + 5]) == ["F", "r", "o", "m", " "]:
                item = "=46"
        out.append(item)
        column += len(item)
    return out
