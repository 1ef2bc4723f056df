"""Files that go with a release: what they are, what is left out of them, what is not taken."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from mailer.errors import InputError
from mailer.release import read_release
from mailer.release.media import FULL, MOST_BYTES, take
from mailer.release.preflight import check
from PIL import Image, ImageChops, IptcImagePlugin

from tests.release.pictures import animation, drawing, photo, webp

TEXT = """---
media:
  - {file: harbour.jpg, credit: Ida Lund, licence: CC BY 4.0}
  - {file: talk.mp3, caption: The whole talk, credit: Observatory, license: free}
  - https://video.example.org/b-roll.mp4
---
# The harbour is clean

Portsmouth, 3 March 2026 – It is.

![A lighthouse](harbour.jpg "The lighthouse")

![](pier.png)

![A logo](https://example.org/logo.png)

Contact: Ida Lund, press@example.org
"""


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_text_names_its_media_in_front_matter_and_as_pictures() -> None:
    """D14: what both name is one; a picture on a site stays the link it was."""
    release = read_release(TEXT.encode(), name="news.md")
    harbour, pier, talk, film = release.media
    assert (harbour.file, harbour.alt, harbour.caption) == (
        "harbour.jpg",
        "A lighthouse",
        "The lighthouse",
    )
    assert (harbour.credit, harbour.licence) == ("Ida Lund", "CC BY 4.0")
    assert (pier.file, pier.alt) == ("pier.png", "") and pier.line
    assert (talk.file, talk.licence) == ("talk.mp3", "free")
    assert (film.file, film.url) == ("", "https://video.example.org/b-roll.mp4")
    body = " ".join(block.text for block in release.body)
    assert "lighthouse" not in body and "A logo" in body
    assert not [each for each in release.findings if each.code == "words_not_placed"]
    codes = {each.code for each in check(release)}
    assert {"picture_without_credit", "media_without_licence"} <= codes


@pytest.mark.parametrize(
    "entry", ["{colour: red}", "{caption: nothing else}", "{url: 'ftp://x'}", "{file: {a: b}}"]
)
def test_media_that_mean_nothing_are_refused(entry: str) -> None:
    text = f"---\nmedia: [{entry}]\n---\n# News\n\nWords.\n"
    with pytest.raises(InputError, match=r"picture or file|web address"):
        read_release(text.encode(), name="news.md")


def test_a_photo_keeps_its_points_and_loses_its_notes() -> None:
    """Privacy: no place, device, comment or trailer is hosted; whose it is stays."""
    data = photo()
    taken = take(data, "harbour.jpg")
    full = taken.full.data
    for secret in (b"Secret", b"Exif", b"GPS"):
        assert secret not in full
    assert not opened(full).getexif()
    assert ImageChops.difference(opened(data), opened(full)).getbbox() is None
    assert taken.credit == "Ida Lund"
    assert (IptcImagePlugin.getiptcinfo(opened(full)) or {})[(2, 80)] == b"Ida Lund"
    small = taken.forms["600"]
    assert (small.width, small.height) == opened(small.data).size == (600, 375)
    assert taken.forms["1200"].width == 1200 and b"Ida" not in small.data


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def test_what_hides_in_a_photo_is_left_out_too() -> None:
    """Privacy: the small picture in JFIF's mark is of before the face was blurred; what stands
    behind Adobe's mark, or in a chunk that nobody knows, may be anything."""
    plain = io.BytesIO()
    Image.new("RGB", (1200, 800), "#335577").save(plain, "JPEG")
    assert plain.getvalue()[2:4] == b"\xff\xe0"
    jfif = b"JFIF\0\1\1\1\0\x48\0\x48\1\2" + b"Secret"
    adobe = b"Adobe\0\x64\0\0\0\0\1" + b"Secret"
    hidden = [(0xE0, jfif), (0xE0, b"JFXX\0Secret"), (0xEE, adobe)]
    data = b"\xff\xd8" + b"".join(jpeg_segment(*each) for each in hidden) + plain.getvalue()[20:]
    full = take(data, "a.jpg").full.data
    assert b"Secret" in data and b"Secret" not in full
    assert b"JFIF\0\1\1\1\0\x48\0\x48\0\0" in full and b"Adobe" in full
    assert ImageChops.difference(opened(data), opened(full)).getbbox() is None
    chart = drawing()
    odd = chart[:33] + chunk(b"SEcR", b"Secret") + chart[33:]
    assert b"SEcR" not in take(odd, "a.png").full.data


def test_damaged_notes_are_no_matter(recwarn: pytest.WarningsRecorder) -> None:
    """They are left out anyway; nothing of the library's is printed over the officer's screen."""
    data = photo(300, 200)
    place = data.index(b"Exif") + 6
    taken = take(data[: place + 14] + b"\xff" * 8 + data[place + 22 :], "a.jpg")
    assert b"Secret" not in taken.full.data
    assert not recwarn.list


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def film(handler: bytes = b"vide") -> bytes:
    """What phones make: place in `udta` and `meta`, times in three places, bits of the picture."""
    when = b"\0\0\0\0" + b"WhenWhen"
    media = box(b"mdia", box(b"mdhd", when + bytes(12)) + box(b"hdlr", bytes(8) + handler))
    track = box(b"trak", box(b"tkhd", when + bytes(72)) + media + box(b"udta", b"Secret"))
    moov = box(b"mvhd", when + bytes(88)) + track
    moov += box(b"udta", box(b"\xa9xyz", b"Secret+48.5-002.3")) + box(b"meta", b"Secret")
    long = struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + 7) + b"picture"
    return box(b"ftyp", b"qt  \0\0\0\0") + long + box(b"moov", moov) + box(b"uuid", b"Secret")


def test_a_film_keeps_its_points_and_loses_its_notes() -> None:
    """Privacy: what a phone writes of place and time is blanked; nothing moves, as other boxes
    count from the start."""
    data = film()
    full = take(data, "tour.mov").full.data
    assert b"Secret" not in full and b"When" not in full and b"xyz" not in full
    assert len(full) == len(data) and full.index(b"picture") == data.index(b"picture")
    assert full.count(b"free") == 4
    assert take(full, "tour.mov").full.data == full


@pytest.mark.parametrize(
    ("data", "words"),
    [(film(b"meta"), "what its camera measured"), (film()[:-3], "QuickTime file is broken")],
)
def test_a_film_that_tells_too_much_or_is_cut_is_not_taken(data: bytes, words: str) -> None:
    """Privacy: a drone's or a phone's own track of places is none of what can be blanked."""
    with pytest.raises(InputError, match=words) as error:
        take(data, "tour.mov")
    assert error.value.exit_code == 4


def test_a_photo_stands_upright() -> None:
    """The notes that said which way is up are gone, so the points are turned."""
    taken = take(photo(turned=True), "harbour.jpg")
    assert (taken.full.width, taken.full.height) == (1000, 1600)
    for form in taken.forms.values():
        image = opened(form.data).convert("RGB")
        assert image.size == (form.width, form.height)
        red, _, blue = image.getpixel((image.width - 3, 3))  # type: ignore[misc]
        assert red > blue  # the bright corner, top left before


def test_drawings_animations_and_web_pictures() -> None:
    """C23: messages get PNG and JPEG that stand still, whatever was given."""
    png = take(drawing(), "chart.png")
    assert b"Secret" not in png.full.data and png.full.type == "image/png"
    assert opened(png.forms["600"].data).mode in ("RGBA", "P")
    gif = take(animation(), "turning.gif")
    assert b"Secret" not in gif.full.data and gif.seconds == 8
    assert opened(gif.full.data).n_frames == 3  # type: ignore[attr-defined]
    assert opened(gif.forms["600"].data).format == "PNG"
    web = take(webp(), "chart.webp")
    assert web.full.type == "image/jpeg" and opened(web.full.data).size == (1100, 700)
    assert take(b"%PDF-1.7\n", "paper.pdf").forms.keys() == {FULL}
    assert take(b"ID3\x04", "talk.mp3").full.type == "audio/mpeg"


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb() -> bytes:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (photo()[:9_000], "a.jpg", "broken"),
        (drawing()[:800], "a.png", "broken"),
        (drawing(), "a.jpg", "says JPEG, and it is PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "no picture"),
        (b"GIF89a", "a.gif", "broken"),
        (b"", "a.jpg", "empty"),
        (b"\xff\xd8\xff" + b"\0" * MOST_BYTES, "a.jpg", "larger than 25 MB"),
        (bomb(), "a.png", "more than 80 million pixels"),
        (b"MZ\x90", "a.jpg", "no picture"),
    ],
)
def test_what_is_not_taken_is_said(data: bytes, name: str, words: str) -> None:
    """Bad input is one clear sentence, exit code 4."""
    with pytest.raises(InputError, match=words) as error:
        take(data, name)
    assert error.value.exit_code == 4
