"""Releases: the model, the readers, the check before sending. Pure: no clock, no files, no store.

    release = read_release(data, name="statement.md", zone="Europe/Brussels")
    findings = check(release, today=today)

`times` holds the one rule for local times; `codec` keeps releases as JSON; `describe` lists what
was found in a file for people.
"""

from mailer.release.account import account
from mailer.release.codec import from_json, to_json
from mailer.release.describe import describe
from mailer.release.model import Release
from mailer.release.preflight import check
from mailer.release.read import read_release, source_text
from mailer.release.text import revision_hash, slugify

__all__ = [
    "Release",
    "account",
    "check",
    "describe",
    "from_json",
    "read_release",
    "revision_hash",
    "slugify",
    "source_text",
    "to_json",
]
