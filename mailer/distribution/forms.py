"""A release in the forms in which it leaves the house other than by mail.

`made` makes one for the public pages, `export` for an officer: then also before anything was
sent, with the embargo or the withdrawal said in it where the form has a place for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, to_datetime
from mailer.distribution import media
from mailer.distribution.previews import sample_message
from mailer.distribution.releases import StoredRelease, template_source
from mailer.errors import UsageError
from mailer.message import document
from mailer.message.render import online_html, online_text, style_hashes
from mailer.message.view import ALONE, Languages
from mailer.release import calendar, publish
from mailer.release.media import Taken
from mailer.release.model import Kind, Release
from mailer.release.publish import Edition, Publisher
from mailer.store import published

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

FORMATS = ("html", "text", "eml", "ninjs", "jsonld", "pdf", "docx", "ics")

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Form:
    """A release in one form. `styles` are Content-Security-Policy sources of its style elements,
    `doubt` a sentence for officers where the form is not whole for everybody."""

    body: bytes
    media_type: str
    language: str
    styles: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def digest(self) -> str:
        """What changes with the content, and only with it."""
        return hashlib.sha256(self.body).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an officer takes out. `warnings` say what binds whoever uses it."""

    form: Form
    stored: StoredRelease
    warnings: tuple[str, ...]


def made(
    room: Newsroom,
    release: Release,
    edition: Edition,
    format: str,
    languages: Languages = ALONE,
    files: Mapping[str, Taken] = MappingProxyType({}),
) -> Form:
    """The release as "html", "text", "ninjs", "jsonld", "pdf", "docx" or "ics"; the first two link
    to its other `languages`. `files` are its pictures while they are not kept. Raises CheckFailed
    for bad templates and where a PDF cannot be set, UsageError for an "ics" without an event."""
    if format == "pdf":
        paper = media.paper(room, release, template_source(room).theme, files)
        return Form(paper.data, "application/pdf", release.language, doubt=paper.doubt)
    if format == "docx":
        theme = template_source(room).theme
        pictures = media.pictures(room, release, document.PICTURE_FORM, files)
        body = document.docx(release, room.sender, theme, pictures)
        return Form(body, _DOCX, release.language)
    if format == "ics":
        if release.event is None:
            raise UsageError(
                "This release has no event.",
                hint="Give it 'event:' in its front matter, or lines such as 'WHEN: …'.",
            )
        stamp = edition.updated or to_datetime(room.clock.now())
        return Form(calendar.ics(release, edition, stamp), CALENDAR, release.language)
    if format == "html":
        text = online_html(
            release, room.sender, template_source(room), edition, languages=languages
        )
        media_type = "text/html; charset=utf-8"
    elif format == "text":
        text = online_text(release, room.sender, template_source(room), languages)
        media_type = "text/plain; charset=utf-8"
    else:
        text, media_type = _MAKERS[format](release, edition)
    styles = tuple(style_hashes(text)) if format == "html" else ()
    return Form(text.encode("utf-8"), media_type, release.language, styles)


def withdrawn_item(edition: Edition) -> Form:
    """The ninjs item that tells machines of a withdrawal, without a word of the release."""
    return Form(_json(publish.withdrawn(edition)).encode("utf-8"), _JSON, "")


def cancelled_event(edition: Edition) -> Form:
    """The calendar file that cancels a withdrawn release's event, without a word of it."""
    stamp = edition.updated or to_datetime(0)
    return Form(calendar.cancelled(edition, stamp), CALENDAR, "")


def export(room: Newsroom, stored: StoredRelease, format: str) -> Exported:
    """A release for an officer, sent or not.

    "eml" is a message as a made-up journalist would get it; its links act on nobody. Raises
    UsageError for an unknown format, CheckFailed for template errors.
    """
    if format not in FORMATS:
        raise UsageError(
            f'There is no format "{format}".', hint=f"Take one of {', '.join(FORMATS)}."
        )
    edition = _edition_of(room, stored)
    if format == "eml":
        language = stored.release.language
        form = Form(sample_message(room, stored), "message/rfc822", language)
    else:
        form = made(room, stored.release, edition, format, files=stored.files)
    warnings = [form.doubt] if form.doubt else []
    if stored.release.kind is Kind.ADVISORY and format in ("ninjs", "jsonld"):
        warnings.append("This is an advisory: it is not for publication.")
    if edition.withdrawn:
        warnings.append("This release was withdrawn: it must not be used.")
    ends = [edition.embargo_until] if edition.embargo_until else []
    if stored.release.embargo:
        ends.append(_local(room, stored.release.embargo.instant))
    if ends and max(ends) > to_datetime(room.clock.now()):
        warnings.append(f"This release is under embargo until {max(ends):%Y-%m-%d %H:%M %Z}.")
    return Exported(form, stored, tuple(warnings))


def publisher_of(room: Newsroom) -> Publisher:
    """The newsroom as readers know it."""
    sender = room.sender
    return Publisher(
        name=sender.name,
        url=sender.public_url,
        mailbox=parseaddr(sender.reply_to)[1] or parseaddr(sender.sender)[1],
        postal_address=sender.postal_address,
        zone=sender.timezone,
    )


def edition(
    room: Newsroom,
    slug: str,
    revision: int | None,
    *,
    published_at: int | None = None,
    updated_at: int | None = None,
    withdrawn: bool = False,
    embargo_until: int | None = None,
    listed: bool = True,
) -> Edition:
    """What is published of a release; times are UTC microseconds and get the newsroom's zone."""
    return Edition(
        uri=uri_of(room, f"release/{slug}"),
        url=f"{room.sender.public_url}/r/{slug}",
        revision=revision,
        published=None if published_at is None else _local(room, published_at),
        updated=None if updated_at is None else _local(room, updated_at),
        publisher=publisher_of(room),
        withdrawn=withdrawn,
        embargo_until=None if embargo_until is None else _local(room, embargo_until),
        listed=listed,
    )


def uri_of(room: Newsroom, name: str) -> str:
    """A URN that is the same for ever, wherever the pages move to: from the ledger's own name."""
    return uuid5(NAMESPACE_URL, f"urn:mailer:{room.sender.ledger_id}:{name}").urn


def _edition_of(room: Newsroom, stored: StoredRelease) -> Edition:
    killed, embargo, at = stored.release.kind is Kind.KILL, None, None
    if stored.id is not None:
        with room.store.read() as tx:
            gone, embargo = published.standing(tx, stored.id)
            killed = killed or gone
            sent = published.by_slug(tx, stored.release.slug)
        if sent is not None and sent.revision == stored.revision:
            at = max(sent.first_at, sent.embargo_until or 0), sent.revised_at
    return edition(
        room,
        stored.release.slug,
        stored.revision,
        published_at=at and at[0],
        updated_at=at and max(at),
        withdrawn=killed,
        embargo_until=embargo,
    )


def _local(room: Newsroom, instant: int) -> datetime:
    # To the second: all that readers and their programs are shown.
    return to_datetime(instant // SECOND * SECOND).astimezone(ZoneInfo(room.sender.timezone))


def _ninjs(release: Release, edition: Edition) -> tuple[str, str]:
    return _json(publish.ninjs(release, edition)), _JSON


def _jsonld(release: Release, edition: Edition) -> tuple[str, str]:
    return _json(publish.jsonld(release, edition)), "application/ld+json"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


_JSON = "application/json"
CALENDAR = "text/calendar; charset=utf-8"
_MAKERS: dict[str, Callable[[Release, Edition], tuple[str, str]]] = {
    "ninjs": _ninjs,
    "jsonld": _jsonld,
}
