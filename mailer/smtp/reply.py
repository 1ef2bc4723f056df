"""Reading SMTP replies: bytes in, (code, lines) out, bounded and strict about what a reply is.

What cannot be a reply (RFC 5321 section 4.2) raises `NotSmtp`; the client then ends the
connection, because nothing said afterwards can be attributed safely.
"""

from __future__ import annotations

import re

from mailer.smtp.model import Phase, Reply

MAX_LINE = 4096
"""Longest reply line taken, in bytes (RFC 5321 section 4.5.3.1.5 asks for 512)."""

MAX_REPLY = 32_768
"""Longest reply taken in all its lines, in bytes."""

MAX_TEXT = 512
"""Longest text kept of a reply, in bytes of UTF-8 (H16)."""

_CODES = {str(code).encode(): code for code in range(200, 560)}
_MARKS = frozenset((b" ", b"-", b"\r", b""))
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


class NotSmtp(Exception):
    """The server sent something that is no SMTP reply; the message says what."""


class ReplyReader:
    """Collects the bytes of one connection into complete replies."""

    __slots__ = ("_code", "_held", "_lines", "_size")

    def __init__(self) -> None:
        self._held = b""
        self._code = 0
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def pending(self) -> bool:
        """Whether part of a reply has been read."""
        return bool(self._held or self._lines)

    def take(self, data: bytes, found: list[tuple[int, list[bytes]]]) -> None:
        """Append the replies that `data` completes: code, and lines without code.

        Raises NotSmtp; what was complete before the offence stands in `found` all the same.
        """
        lines = (self._held + data if self._held else data).split(b"\n")
        self._held = lines.pop()
        for line in lines:
            code = _CODES.get(line[:3])
            mark = line[3:4]
            if code is None or mark not in _MARKS:
                raise NotSmtp(f"not an SMTP reply: {printable(line[:80])}")
            if len(line) > MAX_LINE:
                raise NotSmtp("a reply line without end")
            if self._lines:
                if code // 100 != self._code // 100:
                    raise NotSmtp("a reply whose lines carry different codes")
                self._size += len(line)
                if self._size > MAX_REPLY:
                    raise NotSmtp("a reply without end")
            elif mark != b"-":
                found.append((code, [line[4:]]))
                continue
            self._code = code
            self._lines.append(line[4:])
            if mark != b"-":
                found.append((code, self._lines))
                self._lines = []
                self._size = 0
        if len(self._held) > MAX_LINE:
            raise NotSmtp("a reply line without end")


def make_reply(phase: Phase, code: int, lines: list[bytes]) -> Reply:
    """A `Reply` from what `ReplyReader` found; the enhanced code leaves the text."""
    text = lines[0].decode("utf-8", "backslashreplace").strip()
    match = _ENHANCED.match(text)
    enhanced = match[1] if match is not None else ""
    if len(lines) > 1:
        texts = [line.decode("utf-8", "backslashreplace").strip() for line in lines]
        if enhanced:
            texts = [text.removeprefix(enhanced).lstrip() for text in texts]
        text = " ".join(part for part in texts if part)
    elif match is not None:
        text = text[match.end() :]
    if len(text) > MAX_TEXT or not text.isascii() or not text.isprintable():
        text = printable(text)
    return Reply(phase, code, enhanced, text)


def printable(text: str | bytes) -> str:
    """`text` with everything that is not printable escaped, cut to MAX_TEXT bytes of UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace").strip()
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )
    return text.encode("utf-8", "replace")[:MAX_TEXT].decode("utf-8", "ignore")
