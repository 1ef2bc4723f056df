"""Header fields, written by hand and never re-folded.

Python's email policies turn a long List-Unsubscribe into an encoded word, and a display name
with a comma into a second mailbox when they fold again (B8, B10). So each field is written here
once, already folded, in one of three ways: as words for people (`unstructured`, `phrase`), as
mailboxes, or raw in one piece.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache

from mailer.errors import CheckFailed

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no header may hold: controls, the line ends of Unicode, halves of characters (B11)."""


def refuse_controls(value: str, name: str) -> None:
    """Raise CheckFailed when `value` could break out of its line (B11)."""
    if value.isprintable():
        return
    found = CONTROLS.search(value)
    if found:
        raise CheckFailed(
            f"{name} holds the control character U+{ord(found[0]):04X} "
            f"at position {found.start() + 1}.",
            hint="Line breaks and control characters cannot stand in a header or field.",
        )


def unstructured(name: str, text: str) -> str:
    """A field of words for people (Subject), folded at 78, without its line end.

    ASCII is written as it is; anything else, and what could be taken for an encoded word,
    becomes encoded words (RFC 2047 section 5 rule 1).
    """
    refuse_controls(text, name)
    text = " ".join(text.split())
    if text.isascii() and "=?" not in text and all(len(word) < 76 for word in text.split()):
        return _fold([f"{name}:", *text.split(" ")])
    return f"{name}: " + "\r\n ".join(_encoded_words(text, first=len(name) + 2))


def mailbox_field(name: str, display: str, address: str) -> str:
    """A field with exactly one mailbox, folded, without its line end (B10).

    An address outside ASCII stays UTF-8: it may only go where SMTPUTF8 is offered (A29).
    """
    refuse_controls(address, name)
    words = phrase(display, first=len(name) + 2)
    written = f"<{_address(address)}>" if words else _address(address)
    if not words:
        return f"{name}: {written}"
    last = words.rpartition("\r\n")[2]
    room = 77 - len(last) - (0 if "\r\n" in words else len(name) + 2)
    return f"{name}: {words}{' ' if len(written) <= room else _FOLD}{written}"


def phrase(display: str, *, first: int = 0) -> str:
    """A display name as atoms, a quoted string or encoded words; "" when there is none.

    A quoted string may hold anything, but readers are careless with quotes, brackets and addresses
    inside (Python's own `getaddresses` finds a second mailbox), so such names are encoded.

    `first` is the column where it starts. Whatever stands in `display`, the result is one
    phrase, and "=?" is never left as it is (B10).
    """
    refuse_controls(display, "A name")
    text = " ".join(display.split())
    if not text:
        return ""
    if text.isascii() and "=?" not in text and len(text) <= 60:
        if _ATOMS.fullmatch(text):
            return text
        if not _RISKY.search(text):
            return quoted_string(text)
    return _FOLD.join(_encoded_words(text, first=first))


def quoted_string(text: str) -> str:
    """ASCII text as a quoted string (RFC 5322 section 3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def raw_url(url: str, name: str) -> str:
    """The URL itself, if it can stand between angle brackets in one piece (A23, B8)."""
    if not _is_url(url):
        raise CheckFailed(
            f"{name} is not a plain http or https address: {url[:80]!r}.",
            hint="Look at newsroom.public_url in config.toml.",
        )
    return url


_FOLD = "\r\n "
_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_RISKY = re.compile(r'["\\<>()@:;\[\]]')
_DOT_ATOM = re.compile(
    r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff]+"
    r"(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff]+)*"
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-.]*[A-Za-z0-9])?|\[[A-Za-z0-9.:]+\]")
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=%]+")


@lru_cache(maxsize=64)  # a link stands in the header, in the text and in the HTML
def _is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


def _address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    good_local = _DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)
    if good_local and _DOMAIN.fullmatch(domain) and ".." not in domain:
        return address
    raise CheckFailed(f"{address[:80]!r} is not one mail address.")


def _fold(words: list[str]) -> str:
    lines = [words[0]]
    for word in words[1:]:
        # The field's name and its first word stay together: a first line with nothing but the
        # name is legal, and some readers trip over it.
        # Each line but the first begins with a space that the fold brings.
        if len(lines[-1]) + (len(lines) > 1) + 1 + len(word) > 78 and lines[-1] != words[0]:
            lines.append(word)
        else:
            lines[-1] += " " + word
    return _FOLD.join(lines)


def _encoded_words(text: str, *, first: int) -> list[str]:
    """The text as encoded words of at most 75 characters, each of whole characters (B6).

    `first` columns are taken on the first line; lines with encoded words end at 76.
    """
    base64_size = len(text.encode("utf-8")) * 4 // 3
    q = "".join(map(_q, text))
    head, encode = ("=?utf-8?q?", True) if len(q) <= base64_size else ("=?utf-8?b?", False)
    words: list[str] = []
    current = ""
    payload = 0  # characters in Q, bytes in B
    room = 76 - first - 1 - len(head) - 2
    if encode and len(q) <= room:
        return [f"{head}{q}?="]
    for character in text:
        size = len(_q(character)) if encode else len(character.encode("utf-8"))
        limit = room if encode else room // 4 * 3
        if current and payload + size > limit:
            words.append(_close(head, current, encode))
            current, payload, room = "", 0, 75 - len(head) - 2
        current += character
        payload += size
    words.append(_close(head, current, encode))
    return words


def _close(head: str, text: str, q: bool) -> str:
    if q:
        return f"{head}{''.join(map(_q, text))}?="
    return f"{head}{base64.b64encode(text.encode('utf-8')).decode('ascii')}?="


@lru_cache(maxsize=1024)
def _q(character: str) -> str:
    # Only what RFC 2047 section 5 rule 3 allows in a phrase stands for itself.
    if character == " ":
        return "_"
    if character.isascii() and (character.isalnum() or character in "!*+-/"):
        return character
    return "".join(f"={byte:02X}" for byte in character.encode("utf-8"))
