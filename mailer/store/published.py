"""Which releases the public may read, and their text."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from mailer.release.codec import from_json
from mailer.release.model import Release
from mailer.store.base import Row, Tx


@dataclass(frozen=True, slots=True)
class Publication:
    """A release that was sent: its latest sent revision, and since when. Times are UTC µs.

    `first_at` is when its first distribution was due, `revised_at` that of this revision,
    `embargo_until` the last embargo that was set on it (it has ended), `killed_at` when it was
    withdrawn, None also when that is not known. `sha256` is the revision's, `changed_until` the end
    of its embargo by an officer's word, instead of what its text says. `language` is that of a text
    beside the lead text.
    """

    id: int
    slug: str
    revision: int
    sha256: str
    first_at: int
    revised_at: int
    embargo_until: int | None
    killed: bool
    killed_at: int | None
    changed_until: int | None
    language: str = ""


def latest(tx: Tx, limit: int) -> list[Publication]:
    """The releases that are not under an embargo now, newest first."""
    return [_publication(row) for row in tx.all("published.latest", now=tx.now(), limit=limit)]


def by_slug(tx: Tx, slug: str) -> Publication | None:
    """The release of that slug, if it was sent and is under no embargo now."""
    row = tx.one("published.by_slug", now=tx.now(), slug=slug)
    return None if row is None else _publication(row)


def texts(tx: Tx, publication: Publication) -> dict[str, Publication]:
    """The other languages of a publication, by language: the last revision of each that was sent.
    Their slug is that of their page, `slug/fr`."""
    found = {}
    for row in tx.all("published.texts", release=publication.id):
        found[row["language"]] = replace(
            publication,
            slug=f"{publication.slug}/{row['language']}",
            revision=row["revision"],
            sha256=row["sha256"],
            revised_at=row["revised_at"],
            language=row["language"],
        )
    for row in tx.all("published.corrected_texts", release=publication.id):
        if before := found.get(row["language"]):
            found[row["language"]] = replace(
                before,
                revision=row["revision"],
                sha256=row["sha256"],
                revised_at=row["revised_at"],
            )
    return found


def release_of(tx: Tx, publication: Publication) -> Release:
    """The text of a publication's revision."""
    text = tx.value("published.document", release=publication.id, revision=publication.revision)
    return from_json(json.loads(text))


def standing(tx: Tx, release: int) -> tuple[bool, int | None]:
    """Whether a release was withdrawn, and the last embargo that its distributions set (UTC µs)."""
    row = tx.one("published.standing", release=release)
    return (False, None) if row is None else (bool(row["killed"]), row["embargo_until"])


def _publication(row: Row) -> Publication:
    return Publication(
        id=row["release"],
        slug=row["slug"],
        revision=row["revision"],
        sha256=row["sha256"],
        first_at=row["first_at"],
        revised_at=row["revised_at"],
        embargo_until=row["embargo_until"],
        killed=bool(row["killed"]),
        killed_at=row["killed_at"],
        changed_until=row["changed_until"],
    )
