"""Releases as officers handle them: imported from files, found, checked, previewed.

A release is named by a file, its id or its slug; a file is read and kept as a revision first.
`resolve` is what every command that takes a RELEASE calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from mailer.clock import to_datetime
from mailer.distribution import media
from mailer.distribution.context import Newsroom
from mailer.distribution.enclosed import NOTHING, Enclosed, attachment_of, picture_of
from mailer.distribution.log import iso
from mailer.errors import (
    CheckFailed,
    InputError,
    MailerError,
    NotFound,
    Refused,
)
from mailer.message.compile import compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.templates import TemplateSource, package_templates
from mailer.message.values import sender_domain
from mailer.message.view import ALONE, Languages
from mailer.release import preflight as text_check
from mailer.release.codec import to_json
from mailer.release.describe import describe as describe_release
from mailer.release.diff import Difference, differences
from mailer.release.media import Taken
from mailer.release.model import Finding as Finding
from mailer.release.model import Release
from mailer.release.preflight import Setting
from mailer.release.read import read_release, source_text
from mailer.store import releases, variants
from mailer.store.base import Tx
from mailer.store.releases import Family, Revision

MOST_BYTES = 80_000_000
"""A release file larger than this is refused unread. A Word file may carry a picture of 50 MB."""

_READING = Lock()
"""One file is read at a time: the library that opens PDFs may be used by one thread only."""


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release at hand. `id` and `revision` are None when it was only read, not kept.

    `new` tells whether this call made the revision, `alone` that one text or revision was named and
    not the release in all its languages. `files` are those that go with it while they are not kept.
    """

    id: int | None
    revision: int | None
    release: Release
    sha256: str
    file: str
    new: bool = False
    alone: bool = False
    files: Mapping[str, Taken] = field(default_factory=dict, compare=False, repr=False)

    @property
    def reference(self) -> str:
        """How to name it in a command."""
        return self.file if self.id is None else self.release.slug


def compiled(
    room: Newsroom,
    stored: StoredRelease,
    *,
    test: bool = False,
    mark: str = "",
    thread: bool = False,
    languages: Languages = ALONE,
    enclosed: Enclosed = NOTHING,
    source: TemplateSource | None = None,
) -> MergeTemplate:
    """A release as it is sent, with links to its other `languages`; with `thread` as what continues
    earlier messages. `enclosed` is what it carries itself; a test carries its picture, which nobody
    could fetch. `mark` stands before the Subject. `source` are other templates than the newsroom's.

    Raises what `attachment_of` does, and Refused for whatever is wrong in a template: nothing
    leaves then (contract, preflight errors).
    """
    source = source or template_source(room)
    inside = enclosed.pictures or test or room.config.media.inline
    try:
        return compile_release(
            stored.release,
            room.sender,
            source,
            mark="[TEST]" if test else mark,
            thread=thread,
            languages=languages,
            inside=picture_of(room, stored) if inside else None,
            attach=attachment_of(room, stored, source.theme, enclosed.attach),
        )
    except CheckFailed as error:
        raise Refused(
            error.message, where=error.where, hint=error.hint or "Nothing was queued."
        ) from error


def import_file(
    room: Newsroom, path: Path, actor: str, *, slug: str | None = None
) -> StoredRelease:
    """Read a release file and keep it, as a revision of the release with that `slug` where one is
    given; the same bytes are the same revision.

    Raises InputError when the file cannot be read as a release.
    """
    data = _read(path)
    read = read_file(room, path, data)
    if read.id is not None:
        return read
    if slug is not None:
        read = replace(read, release=replace(read.release, slug=slug))
    # Kept outside the transaction: large pictures must not keep writers waiting.
    media.keep(room.store, read.files)
    with room.store.write() as tx:
        known = releases.known(tx, read.sha256)
        new = known is None
        if known is None:
            known = releases.keep(
                tx, read.release, data, sha256=read.sha256, file=path.name, actor=actor
            )
        return _stored(releases.get(tx, *known), new=new)


def read_file(room: Newsroom, path: Path, data: bytes | None = None) -> StoredRelease:
    """A release file as it stands, its bytes `data` if they were read before; not kept, unless it
    is already. Raises InputError, also for the files that go with it."""
    data = _read(path) if data is None else data
    known = _known_bytes(room, hashlib.sha256(data).hexdigest())
    if known is not None:
        return known
    loaded = media.load(_parse(room, data, path.name), path.absolute().parent)
    digest = loaded.digest(data)
    if loaded.files:
        # The same text with other pictures is another revision.
        known = _known_bytes(room, digest)
    if known is not None:
        return known
    return StoredRelease(None, None, loaded.release, digest, str(path), files=loaded.files)


def files_named(room: Newsroom, path: Path) -> list[Path]:
    """The files that a release file names, whether or not they are there. Raises InputError for a
    text that cannot be read."""
    text = _parse(room, _read(path), path.name)
    return [path.parent / each.file for each in text.media if each.file]


def _known_bytes(room: Newsroom, digest: str) -> StoredRelease | None:
    with room.store.read() as tx:
        known = releases.known(tx, digest)
        return None if known is None else _stored(releases.get(tx, *known))


def resolve(room: Newsroom, reference: str, actor: str, *, keep: bool = True) -> StoredRelease:
    """The release that a file, an id or a slug names; `slug@2` is its second revision, `slug:fr`
    its last one in French, `slug` its last lead text.

    A file is imported, or with `keep` false only read. Raises NotFound, or InputError for a file
    that is no release.
    """
    path = Path(reference)
    there = _is_there(path)
    if there == "file":
        return import_file(room, path, actor) if keep else read_file(room, path)
    name, _, number = reference.partition("@")
    name, _, language = name.partition(":")
    if number and not (number.isascii() and number.isdigit()):
        raise _unknown(reference)
    with room.store.read() as tx:
        numeric = name.isascii() and name.isdigit() and len(name) < 10
        release_id = releases.id_of(tx, name)
        if release_id is None and numeric:
            release_id = int(name)
        found = None
        if release_id is not None:
            wanted = int(number[:9]) if number else None
            if language and wanted is None:
                wanted = _of_language(tx, release_id, language, reference)
            found = releases.get(tx, release_id, wanted)
            if found and language and found.release.language.lower() != language.lower():
                found = None
    if found is None:
        if there == "folder":
            _read(path)
        raise _unknown(reference)
    return replace(_stored(found), alone=bool(number or language))


def revision(room: Newsroom, release: int, number: int | None) -> StoredRelease:
    """A stored revision, the last of the lead text when no number is given."""
    with room.store.read() as tx:
        return _stored(releases.get(tx, release, number))


def stored_in(tx: Tx, release: int, number: int | None = None) -> StoredRelease:
    """The same within a transaction."""
    return _stored(releases.get(tx, release, number))


def family(room: Newsroom, stored: StoredRelease) -> Family:
    """The languages of a release, as they are once this text is kept."""
    with room.store.read() as tx:
        if stored.id is not None:
            return releases.family(tx, stored.id)
        return releases.family(tx, releases.id_of(tx, stored.release.slug), stored.release)


def _of_language(tx: Tx, release: int, language: str, reference: str) -> int:
    for text in releases.family(tx, release).texts:
        if text.language.lower() == language.lower() and text.number is not None:
            return text.number
    raise NotFound(
        f'the release "{reference.partition(":")[0]}" is not there in "{language}".',
        hint="`mailer release ls` lists the languages of each release.",
    )


def diff(
    room: Newsroom, reference: str, other: str | None, actor: str
) -> tuple[StoredRelease, StoredRelease, list[Difference]]:
    """Two releases and what differs between them, from the first to the second.

    Without `other`, `SLUG@N` is compared with the release's last revision, and a release (or a
    file that is kept already) with the revision before it; a file that is not kept is compared as
    what would come after the last one; always with one in its language. Raises NotFound where there
    is nothing to compare with.
    """
    first = resolve(room, reference, actor, keep=False)
    if other is not None:
        second = resolve(room, other, actor, keep=False)
    elif first.id is None:
        with room.store.read() as tx:
            number = releases.id_of(tx, first.release.slug)
            known = [] if number is None else _numbers(tx, number, first.release.language)
            before = releases.get(tx, number, known[-1]) if number and known else None
        if before is None:
            raise _alone(first)
        first, second = _stored(before), first
    else:
        with room.store.read() as tx:
            known = _numbers(tx, first.id, first.release.language)
            last = releases.get(tx, first.id, known[-1])
            earlier = [each for each in known if each < (first.revision or 0)]
            before = releases.get(tx, first.id, earlier[-1]) if earlier else None
        second = _stored(last)
        if second.revision == first.revision:
            if before is None:
                raise _alone(first)
            first, second = _stored(before), first
    return first, second, differences(first.release, second.release)


def ls(room: Newsroom) -> list[dict[str, Any]]:
    """All releases with their last revision, oldest first."""
    with room.store.read() as tx:
        rows = releases.ls(tx)
        families = {row["id"]: releases.family(tx, row["id"]) for row in rows}
    return [
        {
            "release": row["id"],
            "slug": row["slug"],
            "revision": row["number"],
            "headline": row["headline"],
            "language": row["language"],
            "languages": str(families[row["id"]]),
            "file": row["file"],
            "distributions": row["distributions"],
            "imported_at": iso(row["created_at"]),
            "actor": row["actor"],
        }
        for row in rows
    ]


def preflight(
    room: Newsroom, release: Release, *, source: str = "", lift: int | None = None
) -> tuple[Finding, ...]:
    """What blocks the text or is doubtful in it; neither templates nor message are looked at.

    `source` is the file's text (`source_of`), for exact places; `lift` when it is sent, UTC
    microseconds.
    """
    return text_check.check(release, setting=setting(room, source=source, lift=lift))


def setting(room: Newsroom, *, source: str = "", lift: int | None = None) -> Setting:
    """What the checks of a text may know of this newsroom today."""
    zone = room.config.newsroom.timezone
    domain = sender_domain(room.sender.sender)
    return Setting(today=today(room), zone=zone, domain=domain, lift=lift, source=source)


def source_of(room: Newsroom, stored: StoredRelease) -> str:
    """The text of a release's file, as its lines are counted; empty when it cannot be had."""
    if stored.id is not None and stored.revision is not None:
        with room.store.read() as tx:
            data = releases.source(tx, stored.id, stored.revision)
    else:
        try:
            data = Path(stored.file).read_bytes()
        except OSError:  # Gone since it was read: the findings lose their columns only.
            return ""
    try:
        with _READING:
            return source_text(data, name=Path(stored.file).name)
    except MailerError:
        return ""


def template_source(room: Newsroom) -> TemplateSource:
    """The newsroom's own templates first, then those that come with mailer."""
    own = room.config.templates_dir
    return TemplateSource([*([own] if own.is_dir() else []), package_templates()])


def describe(release: Release) -> list[tuple[str, list[tuple[str, str]]]]:
    """Titles with rows of label and value: what was found in a release."""
    return describe_release(release)


def as_json(release: Release) -> dict[str, Any]:
    """The release's whole structure as plain values."""
    return to_json(release)


def today(room: Newsroom) -> date:
    """The day in the newsroom's zone."""
    zone = ZoneInfo(room.config.newsroom.timezone)
    return to_datetime(room.clock.now()).astimezone(zone).date()


def _parse(room: Newsroom, data: bytes, name: str) -> Release:
    with _READING:
        return read_release(
            data,
            name=name,
            today=today(room),
            zone=room.config.newsroom.timezone,
            default_language=room.config.newsroom.default_language,
        )


def _is_there(path: Path) -> str:
    """What a reference names: a "file", one that may not be read included, a "folder", or ""."""
    try:
        if path.is_dir():
            return "folder" if path != Path() else ""
        return "file" if path.exists() else ""
    except PermissionError:
        return "file"
    except OSError:  # A name too long for a file may still be a slug.
        return ""


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                f"The file is larger than {MOST_BYTES // 1_000_000} MB and no release.",
                where=str(path),
                hint="Import the text alone.",
            )
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise InputError(
            f"The file cannot be read: {reason}.",
            where=str(path),
            hint="Check its name and rights.",
        ) from None


def _stored(revision: Revision | None, *, new: bool = False) -> StoredRelease:
    assert revision is not None
    return StoredRelease(
        id=revision.release_id,
        revision=revision.number,
        release=revision.release,
        sha256=revision.sha256,
        file=revision.file,
        new=new,
    )


def _numbers(tx: Tx, release: int, language: str) -> list[int]:
    return [row["number"] for row in variants.revisions(tx, release) if row["language"] == language]


def _alone(stored: StoredRelease) -> NotFound:
    return NotFound(
        f"{stored.reference} has no other revision to be compared with.",
        hint="Name two: `mailer release diff RELEASE RELEASE`.",
    )


def _unknown(reference: str) -> NotFound:
    return NotFound(
        f'There is no release "{reference}", and no file of that name.',
        hint="`mailer release ls` lists the releases.",
    )
