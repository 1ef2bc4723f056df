"""Bytes to text: the encodings that releases come in."""

from __future__ import annotations

import codecs
import re
from itertools import pairwise

from charset_normalizer import from_bytes

from mailer.errors import InputError
from mailer.release.read.language import hits
from mailer.release.read.sniff import SUPPORTED, unsupported

MOST_BYTES = 1_000_000
"""Size from which a file is no release: ten times what an email may show."""

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Single-byte encodings of press offices; UTF-8 and UTF-16 are found without guessing.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"]
_LEGACY += ["iso8859_2", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]

_REALLY = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
_MULTIBYTE = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|\xf0[\x80-\xbf]{3}")

# Encodings and the languages that are written in them.
_USUAL = (
    ("cp1252", "en de fr es it pt nl sv da nb fi ca id"),
    ("cp1250 iso8859_2", "pl cs sk hu hr ro"),
    ("cp1251 koi8_r", "ru uk bg sr"),
    ("cp1254", "tr"),
    ("cp1257", "lt lv et"),
    ("cp1253", "el"),
    ("cp1255", "he"),
    ("cp1256", "ar"),
)


def decode(
    data: bytes, name: str, declared: str | None = None, most: int = MOST_BYTES
) -> tuple[str, str]:
    """The text of a file with "\\n" line ends, and the encoding it was in.

    `declared` is the encoding that the file itself (a web page, a mail) states; it is believed
    where the bytes fit it. More than `most` bytes are no release.

    Raises InputError when the file is empty, too long, binary, or in two encodings.
    """
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise empty(name)
    if len(data) > most:
        raise InputError(
            f"the file has {len(data):,} bytes, more than any release ({most:,}).",
            where=name,
            hint="Check that it is the right file.",
        )
    text, encoding = _declared(data, declared) or _decode(data, name)
    if not text.strip():
        raise empty(name)
    controls = sum(1 for char in text if ord(char) < 32 and char not in "\t\n\r\f\v")
    if "\x00" in text or controls > len(text) // 100 + 2:
        raise unsupported(name, "a binary file")
    text = re.sub(r"\r\n?|\x85|\u2028", "\n", text).replace("\u2029", "\n\n")
    return text.replace("\ufeff", ""), encoding


def empty(name: str) -> InputError:
    """The error for a file in which nothing is written."""
    return InputError("the file is empty.", where=name, hint=f"A release is {SUPPORTED}.")


def _declared(data: bytes, encoding: str | None) -> tuple[str, str] | None:
    if encoding is None or any(data.startswith(mark) for mark, _ in _MARKS):
        return None
    try:
        codec = codecs.lookup(encoding.strip())
        # What pages call by these names is, in practice, what Windows made of them.
        real = _REALLY.get(codec.name, codec.name)
        return data.decode(real), real
    except (LookupError, UnicodeDecodeError, ValueError):
        return None


def _decode(data: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise InputError(
                    f"the file says it is {encoding} but is not, from byte {error.start} on.",
                    where=name,
                    hint="Save it again as UTF-8.",
                ) from None
    try:
        text = data.decode("utf-8")
        if "\x00" not in text:
            return text, "utf-8"
    except UnicodeDecodeError:
        pass
    sample = data[:4096]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[start::2].count(0)
        if zeros > len(sample) // 4 and sample[1 - start :: 2].count(0) < zeros // 8:
            return data.decode(encoding, errors="replace"), encoding
    if b"\x00" in data:
        raise unsupported(name, "a binary file")
    _one_encoding(data, name)
    by_language = _by_language(data)
    if by_language is not None:
        return by_language
    best = from_bytes(data, cp_isolation=_LEGACY).best()
    if best is None:
        raise InputError(
            "the encoding of the file is not known.", where=name, hint="Save it again as UTF-8."
        )
    return str(best), best.encoding


def _by_language(data: bytes) -> tuple[str, str] | None:
    """The encoding in which the text has most of the small words of its usual languages; among
    equals the one that gives most letters. None when there are hardly any."""
    best: tuple[int, int, str, str] | None = None
    for encodings, languages in _USUAL:
        for encoding in encodings.split():
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if _is_jumble(text):
                continue
            foreign = [char for char in text if ord(char) > 127]
            letters = sum(char.isalpha() for char in foreign)
            controls = sum(ord(char) < 160 for char in foreign)
            if letters < len(foreign) * 0.6 and len(foreign) > 20:
                continue  # Lines and boxes are what koi8_r makes of Japanese.
            rank = (hits(text, languages), letters - 10 * controls, text, encoding)
            if best is None or rank[:2] > best[:2]:
                best = rank
    if best is None or best[0] < 2:
        return None
    return best[2], best[3]


def _is_jumble(text: str) -> bool:
    """Whether capitals stand inside of words, as nobody writes and every wrong encoding makes."""
    found = re.findall(r"[^\W\d_]{2,}", text)
    foreign = [word for word in found if not word.isascii()]
    wrong = sum(any(a.islower() and b.isupper() for a, b in pairwise(w)) for w in foreign)
    return wrong > len(foreign) // 8


def _one_encoding(data: bytes, name: str) -> None:
    """Refuse a text that is UTF-8 but for some lines: pasted together, none reading is right."""
    wrong = []
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            wrong.append(number)
    letters = _MULTIBYTE.findall(data)
    strays = sum(byte > 127 for byte in _MULTIBYTE.sub(b"", data))
    if len(letters) >= 3 and len(letters) >= 3 * strays:
        where = f"line {wrong[0]}" if len(wrong) == 1 else f"lines {wrong[0]} to {wrong[-1]}"
        raise InputError(
            "the file is in two encodings: it is UTF-8, but not here.",
            where=f"{name}, {where}",
            hint="Type those letters again and save the file as UTF-8.",
        )
