"""Releases in the store: found by slug or by their bytes, kept as numbered revisions.

A revision never changes. The same bytes are the same revision, other bytes of the same slug are
the next one; so what was sent can always be shown again (design section 2).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from mailer.release.codec import from_json, to_json
from mailer.release.model import Embargo, Release
from mailer.store import embargo
from mailer.store.base import Row, Tx
from mailer.store.core import add_event


@dataclass(frozen=True, slots=True)
class Revision:
    """One stored revision. `created_at` is UTC microseconds."""

    release_id: int
    number: int
    slug: str
    sha256: str
    file: str
    release: Release
    actor: str
    created_at: int


def known(tx: Tx, sha256: str) -> tuple[int, int] | None:
    """Release id and revision number of these bytes, if they were imported before."""
    row = tx.one("releases.by_sha256", sha256=sha256)
    return None if row is None else (row["release"], row["number"])


def keep(
    tx: Tx, release: Release, source: bytes, *, sha256: str, file: str, actor: str
) -> tuple[int, int]:
    """Keep a release as the next revision of its slug; release id and revision number."""
    row = tx.one("releases.by_slug", slug=release.slug)
    now = tx.now()
    if row is None:
        number = 1
        release_id = tx.next_ids("release")
        tx.run("releases.insert", id=release_id, slug=release.slug, now=now)
    else:
        release_id = row["id"]
        number = (tx.value("releases.last_number", release=release_id) or 0) + 1
    tx.run(
        "releases.insert_revision",
        release=release_id,
        number=number,
        sha256=sha256,
        file=file,
        headline=release.headline,
        language=release.language,
        source=source,
        document=json.dumps(to_json(release), ensure_ascii=False),
        actor=actor,
        now=now,
    )
    add_event(
        tx,
        "release_imported",
        actor,
        data={"release": release_id, "revision": number, "file": file},
    )
    return release_id, number


def get(tx: Tx, release_id: int, number: int | None = None) -> Revision | None:
    """A revision of a release, the last one unless `number` is given; None if there is none."""
    number = number or tx.value("releases.last_number", release=release_id)
    row = tx.one("releases.revision", release=release_id, number=number or 0)
    if row is None:
        return None
    return Revision(
        release_id=row["id"],
        number=row["number"],
        slug=row["slug"],
        sha256=row["sha256"],
        file=row["file"],
        release=_as_decided(tx, row),
        actor=row["actor"],
        created_at=row["created_at"],
    )


def _as_decided(tx: Tx, row: Row) -> Release:
    """The text, its embargo as an officer changed it since (D5)."""
    release = from_json(json.loads(row["document"]))
    change = embargo.changed(tx, row["id"], row["number"])
    if change is None:
        return release
    text = release.embargo.text if release.embargo else ""
    return replace(release, embargo=Embargo(text, change["until_at"], change["zone"]))


def id_of(tx: Tx, slug: str) -> int | None:
    """The id of the release with that slug."""
    found: int | None = tx.value("releases.by_slug", slug=slug)
    return found


def source(tx: Tx, release_id: int, number: int) -> bytes:
    """The very bytes of a revision's file."""
    return bytes(tx.value("releases.source", release=release_id, number=number) or b"")


def ls(tx: Tx) -> list[Row]:
    """All releases with their last revision, oldest first."""
    return tx.all("releases.ls")


def recipient(tx: Tx, hash: bytes) -> Row | None:
    """What a message says of the journalist with this address, for previews; None if unknown."""
    return tx.one("releases.recipient", hash=hash)
