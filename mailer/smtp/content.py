"""What may go on the wire: the last gate for addresses and message bytes.

Making content right is the message package's task. Here whatever could be read by some server
as a command, as the end of the message or as a second message is refused (B11-B14, the SMTP
smuggling of CVE-2023-51764), and leading dots are doubled (RFC 5321 section 4.5.2).
"""

from __future__ import annotations

import re
from itertools import filterfalse

SMALL = 200
"""Chunks shorter than this (bytes) and without line ends are cheaper to look at than to keep."""

LITTLE = 16_384
"""When less than this (bytes) is not known, it is looked at in one piece."""

MEMORY = 2_000_000
"""How many bytes of chunks already looked at are remembered; then all are forgotten."""

OVERHEAD = 150
"""What remembering one chunk costs beside its bytes."""

MAX_PATH = 254
"""Longest address (RFC 5321 section 4.5.3.1.3 less the angle brackets), in bytes."""

_USUAL = re.compile(r"[A-Za-z0-9.+=_-]{1,64}@[A-Za-z0-9.-]{1,189}").fullmatch


def check_address(address: str) -> None:
    """Refuse an envelope address that could be more than one address; "" is the null sender.

    Raises ValueError with a sentence. Control characters, line ends of any alphabet, angle
    brackets and spaces outside a quoted local part never reach the wire (B11).
    """
    if not address or _USUAL(address) is not None:
        return
    if not address.isprintable() or "<" in address or ">" in address:
        raise ValueError("an envelope address holds a control character or an angle bracket")
    if " " in address and not (address[0] == '"' and " " not in address.rpartition('"')[2]):
        raise ValueError("an envelope address holds a space")
    local, at, domain = address.rpartition("@")
    if not (at and local and domain):
        raise ValueError("an envelope address has no local part or no domain")
    if len(address) > MAX_PATH or len(address.encode("utf-8", "surrogatepass")) > MAX_PATH:
        raise ValueError(f"an envelope address is longer than {MAX_PATH} bytes")


class ContentGate:
    """Looks at message bytes before they are sent; `doubling`: dots are doubled, as DATA needs.

    A compiled release is mostly the same large chunks for every recipient: those are remembered,
    so that of a further message only what is written for this one journalist is looked at.
    """

    __slots__ = ("_doubling", "_known", "_room")

    def __init__(self, *, doubling: bool = True) -> None:
        self._doubling = doubling
        self._known: set[bytes] = set()
        self._room = MEMORY

    def admit(self, chunks: list[bytes]) -> tuple[list[bytes], bool]:
        """The chunks as they go on the wire (dots doubled), and whether all bytes are ASCII.

        Raises ValueError when a NUL or a bare CR or LF is left, or the last line is not ended.
        """
        fresh = [*filterfalse(self._known.__contains__, chunks)]
        # NUL stands between them, and for each of their line ends: one too many is one of theirs,
        # half of a line end stays alone, and a dot behind one begins a line, or a chunk and so
        # perhaps a line. Chunks that begin with a dot or are half of a line end's pair are never
        # among the known.
        joined = b"\0".join(fresh)
        lines = joined.replace(b"\r\n", b"\0")
        if (
            len(joined) < LITTLE
            and joined.isascii()
            and b"\0." not in lines
            and b"\r" not in lines
            and b"\n" not in lines
            and lines.count(b"\0") == max(len(fresh) - 1, 0) + len(joined) - len(lines)
            and not joined.startswith(b".")
            and chunks
            and chunks[-1].endswith(b"\r\n")
        ):
            return chunks, True
        return self._admit_slowly(chunks)

    def _admit_slowly(self, chunks: list[bytes]) -> tuple[list[bytes], bool]:
        """The same, chunk by chunk; those that may be known the next time are remembered."""
        known = self._known
        last = b"\n"
        for chunk in chunks:
            if chunk not in known:
                if not chunk:
                    continue
                if not _plain(chunk):
                    return self._inspect(chunks)
                if len(chunk) >= SMALL or b"\n" in chunk:
                    self._remember(chunk)
            if chunk[0] == 46 and last[-1] == 10:
                return self._inspect(chunks)
            last = chunk
        if not last.endswith(b"\r\n"):
            return self._inspect(chunks)
        return chunks, True

    def _remember(self, chunk: bytes) -> None:
        if len(chunk) > MEMORY // 4 or chunk[0] == 46:
            return
        self._room -= len(chunk) + OVERHEAD
        if self._room < 0:
            self._known.clear()
            self._room = MEMORY - len(chunk) - OVERHEAD
        self._known.add(chunk)

    def _inspect(self, chunks: list[bytes]) -> tuple[list[bytes], bool]:
        """The whole message in one piece, where chunk borders cannot hide anything."""
        data = b"".join(chunks)
        pairs = data.count(b"\r\n")
        if data.count(b"\r") != pairs or data.count(b"\n") != pairs:
            raise ValueError("the message holds a bare CR or LF")
        if b"\0" in data:
            raise ValueError("the message holds a NUL")
        if not data.endswith(b"\r\n"):
            raise ValueError("the last line of the message is not ended")
        if self._doubling:
            if data.startswith(b"."):
                data = b"." + data
            if b"\n." in data:
                data = data.replace(b"\r\n.", b"\r\n..")
        return [data], data.isascii()


def _plain(chunk: bytes) -> bool:
    """Whether the chunk is right whatever stands before and after it, but for a leading dot.

    A CR at its end or an LF at its beginning is not half of a pair inside it, so it is not.
    """
    lines = chunk.count(b"\n")
    return (
        lines == chunk.count(b"\r") == chunk.count(b"\r\n")
        and b"\n." not in chunk
        and b"\0" not in chunk
        and chunk.isascii()
    )
