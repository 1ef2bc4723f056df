"""Releases in the store: found by slug or by their bytes, kept as numbered revisions.

A revision never changes. The same bytes are the same revision, other bytes of the same slug are
the next one; so what was sent can always be shown again (design section 2).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from mailer.release.codec import from_json, to_json
from mailer.release.model import Embargo, Release
from mailer.store import embargo, media, variants
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


@dataclass(frozen=True, slots=True)
class Text:
    """A release in one language. `number` is its last revision, None while it is awaited; `state`
    is ready, awaited or behind."""

    language: str
    number: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Family:
    """The languages of a release, the lead text first; `lead` is its language."""

    lead: str
    texts: tuple[Text, ...]

    def __str__(self) -> str:
        """As one reads it: "en, fr (behind), de (awaited)"."""
        return ", ".join(
            text.language if text.state == "ready" else f"{text.language} ({text.state})"
            for text in self.texts
        )


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
        source=source,
        document=json.dumps(to_json(release), ensure_ascii=False),
        actor=actor,
        now=now,
        **_of_languages(release),
    )
    media.refer(tx, release_id, number, (each.sha256 for each in release.media if each.sha256))
    add_event(
        tx,
        "release_imported",
        actor,
        data={"release": release_id, "revision": number, "file": file},
    )
    return release_id, number


def family(tx: Tx, release_id: int | None, coming: Release | None = None) -> Family:
    """The languages of a release, the lead text first; with `coming` as its next revision.

    The lead text is in the language of the first file that announces the others, else of the first
    that states its language. A file that states none is another
    revision of the lead text, whatever it is in: that was only guessed.
    """
    rows: list[Any] = [] if release_id is None else list(variants.revisions(tx, release_id))
    if coming is not None:
        number = rows[-1]["number"] + 1 if rows else 1
        rows.append({"number": number, **_of_languages(coming)})
    stated = [row["language"] for row in rows if row["stated"]]
    announcing = [row["language"] for row in rows if row["stated"] and row["variants"]]
    lead = (announcing or stated or [""])[0]
    last: dict[str, Any] = {}
    leads = 0
    for row in rows:
        leads += not row["stated"] or row["language"] == lead
        last[row["language"] if row["stated"] else lead] = row
    if not rows:
        return Family("", ())
    first = last.pop(lead)
    lead_number, lead = first["number"], lead or first["language"]
    announced = [each for row in (first, *last.values()) for each in row["variants"].split()]
    texts = [Text(lead, lead_number, "ready")]
    for language, row in last.items():
        of = row["translates"]
        # What came before the first lead text is no older than it.
        behind = (of if of is not None else row["number"]) < lead_number and leads > 1
        texts.append(Text(language, row["number"], "behind" if behind else "ready"))
    there = {text.language.lower() for text in texts}
    for language in dict.fromkeys(announced):
        if language.lower() not in there:
            texts.append(Text(language, None, "awaited"))
    return Family(lead, tuple(texts))


def get(tx: Tx, release_id: int, number: int | None = None) -> Revision | None:
    """A revision of a release, the last one of its lead text unless `number` is given; None if
    there is none."""
    if number is None:
        texts = family(tx, release_id).texts
        number = texts[0].number if texts else None
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


def language_of(tx: Tx, release_id: int, number: int) -> str:
    """The language of a revision; "" when there is none of that number."""
    row = tx.one("releases.revision", release=release_id, number=number)
    return "" if row is None else str(row["language"])


def source(tx: Tx, release_id: int, number: int) -> bytes:
    """The very bytes of a revision's file."""
    return bytes(tx.value("releases.source", release=release_id, number=number) or b"")


def ls(tx: Tx) -> list[Row]:
    """All releases with their last revision, oldest first."""
    return tx.all("releases.ls")


def recipient(tx: Tx, hash: bytes) -> Row | None:
    """What a message says of the journalist with this address, for previews; None if unknown."""
    return tx.one("releases.recipient", hash=hash)


def _of_languages(release: Release) -> dict[str, Any]:
    return {
        "language": release.language,
        "stated": int(release.language_stated),
        "variants": " ".join(release.variants),
        "translates": release.translates,
    }
