"""Pictures and films without what cameras and programs wrote into them: where, when, which device.

Bytes are left out or blanked, none is decoded: the picture itself stays bit for bit what it was.
What is kept is listed, not what goes, so that a note nobody thought of goes as well. Raises
ValueError, IndexError or struct.error for files that are none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notes:
    """Whose a picture is, as it says itself (IPTC IIM 4.2, datasets 2:80, 2:110 and 2:116)."""

    author: str = ""
    credit: str = ""
    rights: str = ""


IPTC = {80: "author", 110: "credit", 116: "rights"}


def jpeg(data: bytes, notes: Notes) -> bytes:
    """The same picture, bit for bit, without the notes of camera and programs, and without what
    stands behind it; whose it is stays. Only what decoding needs is kept: JFIF, colours, Adobe's
    mark (ITU T.81 annex B)."""
    out = bytearray(b"\xff\xd8")
    place = 2
    named = False
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError("no marker")
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xD9:
            break
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if marker != 0xE0 and not named:  # after JFIF's own mark, which has to be the first
            out += _iptc(notes)
            named = True
        out += _kept(marker, data[place + 4 : end])
        place = end
        if marker == 0xDA:
            scan = _end_of_scan(data, place)
            out += data[place:scan]
            place = scan
    return bytes(out + b"\xff\xd9")


def _kept(marker: int, body: bytes) -> bytes:
    """What of a segment is hosted. JFIF's may hold a small picture of what was there before the
    large one was cropped or blurred, and Adobe's may be followed by anything: both are cut."""
    decoding = 0xC0 <= marker <= 0xCF or 0xDA <= marker <= 0xDF  # frames, tables, scans
    colours = marker == 0xE2 and body.startswith(b"ICC_PROFILE\x00")
    if marker == 0xE0 and body.startswith(b"JFIF\x00") and len(body) >= 14:
        body = body[:12] + b"\x00\x00"
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        body = body[:12]
    elif not decoding and not colours:
        return b""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the picture's own bits end: at a marker that is neither stuffing nor a restart."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            return len(data)
        following = data[place + 1]
        if following == 0 or 0xD0 <= following <= 0xD7:
            place += 2
        elif following == 0xFF:
            place += 1
        else:
            return place


def _iptc(notes: Notes) -> bytes:
    """An APP13 segment that says whose the picture is, and nothing else."""
    records = b""
    for number, name in IPTC.items():
        value = getattr(notes, name).encode("utf-8")
        if value:
            records += b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(value)) + value
    if not records:
        return b""
    records = b"\x1c\x01\x5a\x00\x03\x1b%G" + records  # 1:90, the text is UTF-8
    block = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(records)) + records
    block = b"Photoshop 3.0\x00" + block + b"\x00" * (len(records) % 2)
    return b"\xff\xed" + struct.pack(">H", len(block) + 2) + block


def png(data: bytes) -> bytes:
    """The same picture without words, times and the camera's notes (PNG, third edition, 11.3)."""
    out = bytearray(data[:8])
    for kind, chunk in _chunks(data):
        if kind in _PNG_KEPT:
            out += chunk
    return bytes(out)


_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD pHYs acTL fcTL fdAT".split(),
)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        yield kind, data[place:end]
        if kind == b"IEND":
            return
        place = end


def gif(data: bytes) -> bytes:
    """The same picture without comments and other programs' notes (GIF89a)."""
    out = bytearray()
    for block, kind in _gif_blocks(data):
        loops = kind == 0xFF and block[3:14] in (b"NETSCAPE2.0", b"ANIMEXTS1.0")
        if loops or kind not in (0x01, 0xFE, 0xFF):
            out += block
    return bytes(out)


def gif_seconds(data: bytes) -> int:
    """How long one round lasts, rounded up; 0 for a picture that stands still."""
    delays = [
        int.from_bytes(block[4:6], "little") for block, kind in _gif_blocks(data) if kind == 0xF9
    ]
    return -(-sum(delays) // 100) if len(delays) > 1 else 0


def _gif_blocks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The blocks of a GIF with their label: 0 the head, 0x2C a frame, 0x3B the end."""
    place = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    yield data[:place], 0
    while place < len(data):
        start, first = place, data[place]
        if first == 0x3B:
            yield b";", first
            return
        if first == 0x21:
            label = data[place + 1]
            place = _sub_blocks(data, place + 2)
        elif first == 0x2C:
            label = first
            place += 10 + (3 * 2 ** ((data[place + 9] & 7) + 1) if data[place + 9] & 0x80 else 0)
            place = _sub_blocks(data, place + 1)
        else:
            raise ValueError("no block")
        yield data[start:place], label
    yield b";", 0x3B


def _sub_blocks(data: bytes, place: int) -> int:
    while data[place]:
        place += data[place] + 1
    return place + 1


def film(data: bytes) -> bytes:
    """The same film or recording without notes and times (ISO/IEC 14496-12; QuickTime). A phone
    writes into them where it was. Blanked, not left out: other boxes count bytes from the start."""
    out = bytearray(data)
    for kind, start, body, end in _boxes(data, 0, len(data)):
        if kind in _FILM_NOTES:
            out[start + 4 : start + 8] = b"free"
            out[body:end] = bytes(end - body)
        elif kind in (b"mvhd", b"tkhd", b"mdhd") and end - body >= 20:
            times = 16 if data[body] == 1 else 8  # when made, when changed
            out[body + 4 : body + 4 + times] = bytes(times)
    return bytes(out)


def has_sensor_track(data: bytes) -> bool:
    """Whether a film has a track of neither picture nor sound but of what its camera measured,
    such as where it was at each second: nothing here can take that out."""
    return any(
        kind == b"hdlr" and data[body + 8 : body + 12] == b"meta"
        for kind, _, body, _ in _boxes(data, 0, len(data))
    )


_FILM_NOTES = frozenset(b"udta meta uuid free skip".split())
_FILM_BOXES = frozenset(b"moov trak mdia".split())


def _boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """The boxes of a film, those inside of others too: kind, start, start of the body, end."""
    while place + 8 <= end:
        size = int.from_bytes(data[place : place + 4], "big")
        kind, body = data[place + 4 : place + 8], place + 8
        if size == 1:  # its length follows, as it is long
            size, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        close = place + size if size else end
        if not body <= close <= end:
            raise ValueError("a box reaches beyond its end")
        yield kind, place, body, close
        if kind in _FILM_BOXES:
            yield from _boxes(data, body, close)
        place = close
