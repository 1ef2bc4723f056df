"""The pictures and files that go with a release: found beside its text, kept, handed out (D14).

What a text names must lie in its own folder or below. All files are looked at before the first is
kept, so that a bad one leaves nothing. What is handed out to the public is asked of the same shelf
as the release's page (`published`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.errors import InputError
from mailer.message import document
from mailer.message.theme import Theme
from mailer.release.media import (
    MOST_BYTES,
    Form,
    Taken,
    digest_of,
    size_text,
    take,
    with_facts,
)
from mailer.release.model import Medium, Release
from mailer.store import media
from mailer.store.base import Store

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

MOST_IN_ALL = 100_000_000
"""Bytes of all files of one text."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A text with what its files told, and the files by their SHA-256 (hex)."""

    release: Release
    files: Mapping[str, Taken]

    def digest(self, text: bytes) -> str:
        """What tells this text with these files from any other."""
        return digest_of(text, (each.sha256 for each in self.release.media))


def load(release: Release, beside: Path) -> Loaded:
    """Take in the files that a text names, which lie in the folder `beside` or below it.

    Raises InputError for the first that is missing, elsewhere, too large, broken or not what it
    says it is.
    """
    files: dict[str, Taken] = {}
    known: list[Medium] = []
    total = 0
    for medium in release.media:
        if medium.file:
            place = f"{release.source_name}, line {medium.line}: {medium.file}"
            data = _read(beside, medium.file, place)
            total += len(data)
            if total > MOST_IN_ALL:
                raise InputError(
                    f"the files of this text have more than {size_text(MOST_IN_ALL)} in all.",
                    where=place,
                    hint="Put some of them on a site of their own and give their url.",
                )
            taken = take(data, place)
            sha256 = hashlib.sha256(taken.full.data).hexdigest()
            files[sha256] = taken
            medium = with_facts(medium, taken, sha256)
        known.append(medium)
    return Loaded(replace(release, media=tuple(known)), files)


def keep(store: Store, files: Mapping[str, Taken]) -> None:
    """Put files into the store; nobody sees them before a revision names them."""
    for sha256, taken in files.items():
        for name, form in taken.forms.items():
            media.keep(store, sha256, name, form.type, form.data)


def read(room: Newsroom, medium: Medium, form: str, at_hand: Mapping[str, Taken]) -> bytes:
    """One form of a medium that was taken in, from those `at_hand` or the store.

    Raises InputError when the store has lost it.
    """
    if medium.sha256 in at_hand:
        found: Form = at_hand[medium.sha256].forms[form]
        return found.data
    with room.store.read() as tx:
        data = media.read(tx, medium.sha256, form)
    if data is None:
        raise InputError(
            "the store has lost this file; `mailer store check` says which are gone.",
            where=medium.file,
            hint="Import the release again.",
        )
    return data


def pictures(
    room: Newsroom, release: Release, form: str, at_hand: Mapping[str, Taken]
) -> dict[str, bytes]:
    """One form of all pictures of a release, by the SHA-256 of their file."""
    return {
        each.sha256: read(room, each, form, at_hand) for each in release.media if each.is_picture
    }


def paper(
    room: Newsroom, release: Release, theme: Theme, at_hand: Mapping[str, Taken]
) -> document.Pdf:
    """The PDF of a release with its pictures. Raises CheckFailed where it cannot be set."""
    return document.pdf(
        release, room.sender, theme, pictures(room, release, document.PICTURE_FORM, at_hand)
    )


def _read(folder: Path, name: str, place: str) -> bytes:
    written = Path(name.replace("\\", "/"))
    try:
        path = (folder / written).resolve()
        if written.is_absolute() or not path.is_relative_to(folder.resolve()):
            raise InputError(
                "it does not lie in the folder of the text or below.",
                where=place,
                hint="Copy it there.",
            )
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it has no such name"
        raise InputError(
            f"the file cannot be read: {reason.lower()}.",
            where=place,
            hint="A picture or file that a text names lies beside it.",
        ) from None
