"""Pictures made for tests: small files with all that cameras write into them."""

from __future__ import annotations

import io

from PIL import Image, PngImagePlugin

PLACE = (48.0, 51.0, 29.9)


def photo(
    width: int = 1600, height: int = 1000, *, turned: bool = False, colour: str = "#335577"
) -> bytes:
    """A JPEG with place, device and author in its notes; `turned` by its notes only."""
    image = Image.new("RGB", (width, height), colour)
    image.paste("#ddaa33", (0, 0, width // 4, height // 4))  # one corner tells which way is up
    notes = Image.Exif()
    notes[0x010F] = "SecretCam"
    notes[0x013B] = "Ida Lund"
    if turned:
        notes[0x0112] = 6
    place = notes.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", PLACE, "E", PLACE
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, exif=notes, comment=b"SecretComment")
    return out.getvalue() + b"SecretTrailer"


def grain(width: int = 900, height: int = 700) -> bytes:
    """A JPEG of several hundred kB, so that it is kept in more than one piece."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 120).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def drawing(width: int = 1200, height: int = 800) -> bytes:
    """A PNG with transparency and words in its notes."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    image.paste((200, 30, 30, 255), (10, 10, width // 2, height // 2))
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "SecretComment")
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=notes)
    return out.getvalue()


def animation(frames: int = 3, hundredths: int = 250) -> bytes:
    """A GIF that moves, with a comment."""
    images = [Image.new("RGB", (1200, 700), (40 * n, 80, 120)) for n in range(frames)]
    out = io.BytesIO()
    images[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=hundredths * 10,
        comment=b"SecretComment",
    )
    return out.getvalue()


def webp() -> bytes:
    """A WebP, as the web has them and few newspapers."""
    out = io.BytesIO()
    Image.new("RGB", (1100, 700), "#446644").save(out, "WEBP")
    return out.getvalue()
