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


def bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

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
