"""Releases: the model, the readers, the check before sending. Pure: no clock, no files, no store.

    release = read_release(data, name="statement.md", zone="Europe/Brussels")
    findings = check(release, today=today)

`times` holds the one rule for local times; `codec` keeps releases as JSON; `describe` lists what
was found in a file for people. A reader knows the words of many languages: it is loaded when a
file is read or checked, so that who only needs the model (a sender) starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.later import loaded_later
from mailer.release.model import Release

if TYPE_CHECKING:
    from mailer.release.codec import from_json, to_json
    from mailer.release.preflight import check
    from mailer.release.read import read_release, source_text
    from mailer.release.text import revision_hash, slugify

__all__ = [
    "Release",
    "check",
    "from_json",
    "read_release",
    "revision_hash",
    "slugify",
    "source_text",
    "to_json",
]

__getattr__ = loaded_later(
    __name__,
    {
        "check": "preflight",
        "from_json": "codec",
        "read_release": "read",
        "revision_hash": "text",
        "slugify": "text",
        "source_text": "read",
        "to_json": "codec",
    },
)
