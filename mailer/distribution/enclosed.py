"""What a message carries beside its two texts: its picture, and at most one small PDF (D14, B2).

By default it carries nothing: pictures and documents are hosted, and linked to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailer.distribution import media
from mailer.errors import InputError, Refused, UsageError
from mailer.message.enclosure import Attachment
from mailer.message.theme import Theme
from mailer.release.media import FORMS, size_text

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom
    from mailer.distribution.releases import StoredRelease

OWN = "pdf"
"""Asks for the PDF of the release itself."""

MOST_BYTES = 2_000_000
"""Bytes of a PDF that may be attached; more is a link (D14, B17)."""

WARNING = (
    "The PDF is attached: many newsrooms' mail servers hold or refuse messages with attachments, "
    "and the message links to the release's PDF anyway."
)

_INSIDE = FORMS[1]


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What an officer asks for. `pictures`: the message carries the picture that it shows; `attach`
    is "pdf" for the release's own, a file's name, or empty."""

    pictures: bool = False
    attach: str = ""

    def as_json(self) -> dict[str, Any]:
        """What of it is kept with a distribution; nothing where it is the default."""
        pictures = {"inline_images": True} if self.pictures else {}
        return {**pictures, **({"attach": self.attach} if self.attach else {})}

    @classmethod
    def kept(cls, audience: Mapping[str, Any]) -> Enclosed:
        """What a distribution's record says, for a text that comes later."""
        return cls(bool(audience.get("inline_images")), str(audience.get("attach", "")))

    def again(self, *, early: bool = False) -> Enclosed:
        """What of it a text made later carries: never a file, which may be gone, or wrong where
        the text was. `early`: before an embargo ends nobody could fetch a picture (D4)."""
        return Enclosed(self.pictures or early, self.attach if self.attach == OWN else "")

    def refuse_waiting(self) -> None:
        """Raises UsageError for a file where a text is still to come: it may be gone by then."""
        if self.attach not in ("", OWN):
            raise UsageError(
                "a file cannot be attached while a language is waited for.",
                hint="Attach the release's own PDF: --attach pdf.",
            )

    @property
    def warnings(self) -> list[str]:
        return [WARNING] if self.attach else []


NOTHING = Enclosed()


def picture_of(room: Newsroom, stored: StoredRelease) -> dict[str, bytes]:
    """The small form of the picture that a message shows, by the SHA-256 of its file."""
    picture = next((each for each in stored.release.media if each.is_picture), None)
    if picture is None:
        return {}
    return {picture.sha256: media.read(room, picture, _INSIDE, stored.files)}


def attachment_of(
    room: Newsroom, stored: StoredRelease, theme: Theme, attach: str
) -> Attachment | None:
    """The PDF to be attached to a text, or None.

    Raises InputError for a file that cannot be read or is no PDF, Refused for one that is too
    large, CheckFailed where the release's own cannot be set.
    """
    if not attach:
        return None
    if attach == OWN:
        name = f"{stored.release.slug}.pdf"
        data = media.paper(room, stored.release, theme, stored.files).data
    else:
        name, data = Path(attach).name, _file(Path(attach))
    if len(data) > MOST_BYTES:
        raise Refused(
            f"the PDF is larger than {size_text(MOST_BYTES)}, the most that may be attached; "
            "nothing was queued.",
            where=attach,
            hint="Leave --attach out: the message links to the release's PDF.",
        )
    return Attachment(name, data)


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it has no such name").lower()
        raise InputError(
            f"the file to be attached cannot be read: {reason}.",
            where=str(path),
            hint="Write --attach pdf for the release's own PDF.",
        ) from None
    if not data.startswith(b"%PDF-"):
        raise InputError(
            "only a PDF can be attached, and this is none.",
            where=str(path),
            hint="Name other files under `media` of the release: messages link to them.",
        )
    return data
