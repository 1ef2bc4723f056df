"""Files that go with a release: what they really are, and what of them may be shown to everybody.

`take` looks at a file's bytes, never at its name alone. Of pictures it makes what is hosted,
without the camera's notes (where, when, which device), and the small forms that a message and a
page show.
Pure: bytes in, bytes out.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailer.errors import InputError
from mailer.release import strip
from mailer.release.model import Medium
from mailer.release.strip import IPTC, Notes
from mailer.release.text import slugify

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MOST_BYTES = 25_000_000
"""Bytes of one file that goes with a release. A larger one belongs on a site of its own."""

MOST_PIXELS = 80_000_000
"""Pixels of a picture: some hundred times what a screen shows. More is a trap, or a mistake."""

WIDTHS = (600, 1200)
"""Widths in pixels of the small forms: one for a plain screen, one for a dense one."""

SMALL_BYTES = 300_000
"""Bytes of a small form, at which it is made again with less care."""

FULL = "full"
"""The form that is hosted to be printed; the small ones are called by their width."""

FORMS = (FULL, *(str(width) for width in WIDTHS))
"""The forms of a picture; of any other file there is only the first."""

_EXTENSIONS = {
    "image/jpeg": "jpg jpeg jpe jfif",
    "image/png": "png apng",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg oga opus",
    "video/mp4": "mp4 m4v",
    "video/quicktime": "mov qt",
    "video/webm": "webm",
}
TYPES = {name: type for type, names in _EXTENSIONS.items() for name in names.split()}
_NAMES = {
    **{"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WebP"},
    **{"application/pdf": "PDF", "audio/mpeg": "MP3", "audio/wav": "WAV", "audio/mp4": "M4A"},
    **{"audio/ogg": "Ogg", "video/mp4": "MP4", "video/quicktime": "QuickTime"},
    **{"video/webm": "WebM"},
}


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a file: its bytes, media type, and size in pixels (0 for what is no picture)."""

    data: bytes
    type: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as it is hosted: its forms by name, how long it moves, and whom the picture itself
    names as its author."""

    forms: dict[str, Form]
    seconds: int = 0
    credit: str = ""

    @property
    def full(self) -> Form:
        return self.forms[FULL]


def take(data: bytes, name: str) -> Taken:
    """Take a file in, whatever its name promises.

    Raises InputError (exit 4): too large, broken, of a type that is not taken, or of another type
    than its name says.
    """
    if len(data) > MOST_BYTES:
        raise InputError(
            f"the file is larger than {size_text(MOST_BYTES)}, which one that goes with a release "
            "may have.",
            where=name,
            hint="Make it smaller, or put it on a site of its own and give its url.",
        )
    type = _type_of(data)
    if not type:
        raise InputError(
            "it is no picture, PDF, recording or film that is taken."
            if data
            else "the file is empty.",
            where=name,
            hint="Pictures are taken as JPEG, PNG, GIF or WebP; of other files give the url.",
        )
    promised = TYPES.get(_suffix(name), "")
    if promised != type and not {promised, type} <= {"audio/mp4", "video/mp4", "video/quicktime"}:
        said = type_name(promised) if promised else f".{_suffix(name)}" if _suffix(name) else ""
        raise InputError(
            f"its name says {said or 'nothing of its type'}, and it is {type_name(type)}.",
            where=name,
            hint=f"Give it a name that ends in .{extension(type)}, if it is the right file.",
        )
    if type in ("video/mp4", "video/quicktime", "audio/mp4"):
        data = _film(data, type, name)
    if not type.startswith("image/"):
        return Taken({FULL: Form(data, type)})
    return _picture(data, type, name)


def digest_of(text: bytes, files: Iterable[str]) -> str:
    """SHA-256 (hex) of a text together with its files, given by theirs; that of the text alone
    where it has none. So the same text with another picture is another revision."""
    found = hashlib.sha256(text)
    for sha256 in sorted(set(files) - {""}):
        found.update(sha256.encode("ascii"))
    return found.hexdigest()


def with_facts(medium: Medium, taken: Taken, sha256: str) -> Medium:
    """A medium and what its file told; a credit in the picture counts where the author gave
    none."""
    full = taken.full
    return replace(
        medium,
        sha256=sha256,
        type=full.type,
        size=len(full.data),
        width=full.width,
        height=full.height,
        seconds=taken.seconds,
        credit=medium.credit or taken.credit,
    )


def hosted_name(medium: Medium, form: str = FULL) -> str:
    """The last part of a medium's address: nobody guesses it, and it is the same for the same
    bytes. Small forms have their width in it."""
    stem = slugify(PurePosixPath(medium.file.replace("\\", "/")).stem, fallback="file")[:60]
    if form == FULL:
        return f"{medium.sha256[:24]}-{stem}.{extension(medium.type)}"
    return f"{medium.sha256[:24]}-{stem}-{form}.{small_extension(medium)}"


def medium_url(public_url: str, slug: str, medium: Medium, form: str = FULL) -> str:
    """Where one form of a medium is, once its release may be read; the same for everybody.
    `public_url` has no slash at its end."""
    if not medium.sha256:
        return medium.url
    return f"{public_url}/r/{quote(slug, safe='')}/media/{hosted_name(medium, form)}"


def small_extension(medium: Medium) -> str:
    """What the small forms of a picture are: PNG of a drawing, else JPEG."""
    return "png" if medium.type in ("image/png", "image/gif") else "jpg"


def small_size(medium: Medium, width: int) -> tuple[int, int]:
    """Width and height in pixels of a picture's small form; none is larger than the picture."""
    if medium.width <= width:
        return medium.width, medium.height
    return width, max(1, round(medium.height * width / medium.width))


def extension(type: str) -> str:
    """How a file's name ends."""
    return _EXTENSIONS[type].split()[0]


def type_name(type: str) -> str:
    """A media type as people call it ("JPEG")."""
    return _NAMES.get(type, type)


def size_text(size: int) -> str:
    """Bytes as people say them: "3.2 MB"."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000)):,} kB"
    return f"{size / 1_000_000:.1f} MB".replace(".0 MB", " MB")


def _suffix(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix[1:].lower()


def _type_of(data: bytes) -> str:
    """The media type by the first bytes; "" for one that is not taken."""
    for start, type in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"ID3", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"\x1aE\xdf\xa3", "video/webm"),
    ):
        if data.startswith(start):
            return type
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand.startswith((b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")):
            return ""
        sound = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime"}
        return sound.get(brand, "video/mp4")
    if len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:  # a frame of MPEG layer III
        return "audio/mpeg"
    return ""


def _film(data: bytes, type: str, name: str) -> bytes:
    try:
        if strip.has_sensor_track(data):
            raise InputError(
                "the film has a track of what its camera measured, such as where it was.",
                where=name,
                hint="Export it with sound and picture only.",
            )
        return strip.film(data)
    except ValueError:
        raise _broken(name, type) from None


def _picture(data: bytes, type: str, name: str) -> Taken:
    # Loaded late: a sender never needs it.
    from PIL import Image

    format = "JPEG" if type == "image/jpeg" else type.removeprefix("image/").upper()
    try:
        with warnings.catch_warnings():
            # What is wrong with a picture's size we say ourselves, and its notes are left out.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=(format,)) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                return _taken(image, data, type)
    except Image.DecompressionBombError:
        raise InputError(
            f"the picture has more than {MOST_PIXELS // 1_000_000} million pixels.",
            where=name,
            hint="Make it smaller.",
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError):
        raise _broken(name, type) from None


def _broken(name: str, type: str) -> InputError:
    return InputError(
        f"the {type_name(type)} {'picture' if type.startswith('image/') else 'file'} is broken and "
        "cannot be read to its end.",
        where=name,
        hint="Export it again.",
    )


def _taken(image: ImageFile, data: bytes, type: str) -> Taken:
    from PIL import ImageOps

    notes = _notes(image)
    turned = image.getexif().get(0x0112, 1) not in (0, 1)
    profile = image.info.get("icc_profile")
    seconds = strip.gif_seconds(data) if type == "image/gif" else 0
    image.load()  # to its end: what is cut off is found now
    still = ImageOps.exif_transpose(image) if turned else image
    if type == "image/gif":
        full = Form(strip.gif(data), type, image.width, image.height)
    elif type == "image/png" and not turned:
        full = Form(strip.png(data), type, image.width, image.height)
    elif type == "image/jpeg" and not turned:
        full = Form(strip.jpeg(data, notes), type, image.width, image.height)
    else:
        # WebP is printed by few: it becomes what every program of a newspaper opens.
        drawing = type == "image/png" or _has_alpha(still)
        type = "image/png" if drawing else "image/jpeg"
        kept = still.convert("RGBA") if drawing else _flat(still)
        made = _encoded(kept, type, quality=95, profile=None if drawing else profile)
        if not drawing:
            made = strip.jpeg(made, notes)
        full = Form(made, type, kept.width, kept.height)
    forms = {FULL: full}
    for width in WIDTHS:
        forms[str(width)] = _small(still, width, full.type, profile)
    credit = " / ".join(dict.fromkeys(text for text in (notes.author, notes.credit) if text))
    return Taken(forms, seconds, credit or notes.rights)


def _small(image: Image, width: int, type: str, profile: bytes | None) -> Form:
    """A picture made smaller, in the colours of the web."""
    from PIL import Image as images

    medium = Medium("", type=type, width=image.width, height=image.height)
    size = small_size(medium, width)
    drawing = small_extension(medium) == "png"
    kept = image.convert("RGBA") if drawing else _flat(_to_srgb(image, profile))
    kept = kept.resize(size, images.Resampling.LANCZOS, reducing_gap=3.0)
    if not drawing:
        type = "image/jpeg"
        made = _encoded(kept, type, quality=84)
        for quality in (74, 60, 45):
            if len(made) <= SMALL_BYTES:
                break
            made = _encoded(kept, type, quality=quality)
        return Form(made, type, *size)
    made = _encoded(kept, "image/png")
    if len(made) > SMALL_BYTES:
        # A photograph in a PNG: fewer colours weigh a third and look the same at this size.
        made = _encoded(kept.quantize(256), "image/png")
    return Form(made, "image/png", *size)


def _encoded(image: Image, type: str, *, quality: int = 0, profile: bytes | None = None) -> bytes:
    out = io.BytesIO()
    if type == "image/png":
        image.save(out, "PNG", optimize=True)
    else:
        image.save(
            out, "JPEG", quality=quality, optimize=True, progressive=True, icc_profile=profile
        )
    return out.getvalue()


def _flat(image: Image) -> Image:
    """Without transparency, on white, in three colours."""
    from PIL import Image as images

    if not _has_alpha(image):
        return image.convert("RGB")
    ground = images.new("RGB", image.size, "#ffffff")
    rgba = image.convert("RGBA")
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def _has_alpha(image: Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


def _to_srgb(image: Image, profile: bytes | None) -> Image:
    """A camera's or printer's colours as screens show them; unknown ones as they are."""
    if profile is None or image.mode not in ("RGB", "CMYK", "L"):
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return image if converted is None else converted


def _notes(image: ImageFile) -> Notes:
    from PIL import IptcImagePlugin

    found: dict[str, str] = {}
    try:
        written = IptcImagePlugin.getiptcinfo(image) or {}
    except (OSError, SyntaxError, ValueError, IndexError, struct.error, TypeError):
        written = {}
    for number, name in IPTC.items():
        value = written.get((2, number))
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, bytes):
            found[name] = _words(value)
    exif = image.getexif()
    for tag, name in ((0x013B, "author"), (0x8298, "rights")):
        value = exif.get(tag)
        if isinstance(value, str) and not found.get(name):
            found[name] = _words(value.encode("utf-8", "replace"))
    return Notes(**found)


def _words(value: bytes) -> str:
    """Text of a picture's notes in one line, without controls, short."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())[:200]
