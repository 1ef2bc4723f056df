"""Bytes to text: encodings, and the formats that are not read here."""

from __future__ import annotations

import re
from pathlib import PurePath

from charset_normalizer import from_bytes

from mailer.errors import InputError
from mailer.release.read.language import hits

SUPPORTED = "plain text (.txt) and Markdown (.md)"

MOST_BYTES = 1_000_000
"""Size from which a file is no release: ten times what an email may show."""

_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd"}
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a Word, OpenDocument or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Word file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I
)
_HTML_BLOCK = re.compile(r"<(p|div|h[1-6]|ul|table|span)\b[^>]*>.*?</\1\s*>", re.I | re.S)
# Single-byte encodings of press offices; UTF-8 and UTF-16 are found without guessing.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"]
_LEGACY += ["iso8859_2", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]

# Encodings and the languages that are written in them.
_USUAL = (
    ("cp1252", "en de fr es it pt nl sv da nb fi ca id"),
    ("cp1250 iso8859_2", "pl cs sk hu hr ro"),
    ("cp1251 koi8_r", "ru uk bg sr"),
    ("cp1254", "tr"),
    ("cp1257", "lt"),
)


def decode(data: bytes, name: str) -> tuple[str, str]:
    """The text of a release file with "\\n" line ends, and the encoding it was in.

    Raises InputError when the file is empty, binary or of a format that is not read.
    """
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise InputError("the file is empty.", where=name, hint=f"A release is {SUPPORTED}.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise _unsupported(name, what)
    if len(data) > MOST_BYTES:
        raise InputError(
            f"the file has {len(data):,} bytes, more than any release ({MOST_BYTES:,}).",
            where=name,
            hint="Check that it is the right file.",
        )
    text, encoding = _decode(data, name)
    if not text.strip():
        raise InputError("the file is empty.", where=name, hint=f"A release is {SUPPORTED}.")
    controls = sum(1 for char in text if ord(char) < 32 and char not in "\t\n\r\f\v")
    if "\x00" in text or controls > len(text) // 100 + 2:
        raise _unsupported(name, "a binary file")
    looks_html = PurePath(name).suffix.lower() in {".html", ".htm", ".xhtml"}
    if _HTML.match(text) or (looks_html and "<" in text) or _is_fragment(text, name):
        raise _unsupported(name, "HTML")
    text = re.sub(r"\r\n?|\x85|\u2028", "\n", text).replace("\u2029", "\n\n")
    return text.replace("\ufeff", ""), encoding


def is_markdown(text: str, name: str) -> bool:
    """Whether to read as Markdown: by the file's ending, else by its content."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _MARKDOWN:
        return True
    if suffix in {".txt", ".text"}:
        return False
    headings = re.findall(r"^#{1,6} +\S", text, re.M)
    links = re.findall(r"\]\(https?://[^)\s]+\)|^\[[^\]]+\]: +\S", text, re.M)
    return bool(headings) or len(links) >= 2


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
        raise _unsupported(name, "a binary file")
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
            foreign = [char for char in text if ord(char) > 127]
            letters = sum(char.isalpha() for char in foreign)
            controls = sum(ord(char) < 160 for char in foreign)
            rank = (hits(text, languages), letters - 10 * controls, text, encoding)
            if best is None or rank[:2] > best[:2]:
                best = rank
    if best is None or best[0] < 2:
        return None
    return best[2], best[3]


def _is_fragment(text: str, name: str) -> bool:
    if is_markdown(text, name):
        return False
    blocks = _HTML_BLOCK.findall(text)
    inside = sum(len(match.group()) for match in _HTML_BLOCK.finditer(text))
    return len(blocks) >= 2 and inside > len(text) // 2


def _unsupported(name: str, what: str) -> InputError:
    return InputError(
        f"this is {what}, which mailer does not read as a release.",
        where=name,
        hint=f"Save the release as {SUPPORTED}.",
    )
