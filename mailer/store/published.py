"""Which releases the public may read, and their text."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mailer.release.codec import from_json
from mailer.release.model import Release
from mailer.store.base import Row, Tx


@dataclass(frozen=True, slots=True)
class Publication:
    """A release that was sent: its latest sent revision, and since when (UTC µs)."""

    id: int
    slug: str
    revision: int
    published_at: int
    withdrawn: bool


def latest(tx: Tx, limit: int) -> list[Publication]:
    """The releases that may be read now, newest first."""
    return [_publication(row) for row in tx.all("published.latest", now=tx.now(), limit=limit)]


def by_slug(tx: Tx, slug: str) -> Publication | None:
    """The release of that slug, if it may be read now."""
    row = tx.one("published.by_slug", now=tx.now(), slug=slug)
    return None if row is None else _publication(row)


def release_of(tx: Tx, publication: Publication) -> Release:
    """The text of a publication's revision."""
    text = tx.value("published.document", release=publication.id, revision=publication.revision)
    return from_json(json.loads(text))


def _publication(row: Row) -> Publication:
    return Publication(
        id=row["release"],
        slug=row["slug"],
        revision=row["revision"],
        published_at=row["published_at"],
        withdrawn=bool(row["killed"]),
    )
