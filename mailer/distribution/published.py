"""What the newsroom has published, for its public pages.

A release is there from the moment its first batch is sent, and never while an embargo on it is
still to end (D4), nor ever when it was withdrawn before the public could read it: then its address
answers as if it did not exist. What was withdrawn later says so, without its text and headline.
An advisory has a page and a file for calendars at its address, and is listed nowhere: it is not for
publication (D9). Whether something may be shown is decided on every request; how it looks is made
once a revision.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar
from zoneinfo import ZoneInfo

from mailer.clock import to_datetime
from mailer.distribution import forms
from mailer.distribution.forms import Form
from mailer.message.colour import Palette, palettes
from mailer.message.phrases import kind_label, long_date, own_name, phrases
from mailer.message.view import ALONE, Languages, Other
from mailer.release.media import FORMS, hosted_name, small_extension
from mailer.release.model import Kind, Medium, Release
from mailer.release.notice import NOTICES, remembered
from mailer.release.publish import WITHDRAWN, WITHDRAWN_TITLE, Channel, Edition, atom
from mailer.store import media, notices, published
from mailer.store.base import Tx
from mailer.store.notices import Notice
from mailer.store.published import Publication

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

__all__ = ["WITHDRAWN", "WITHDRAWN_TITLE", "Form", "Palette", "Published", "Shelf", "palettes"]

LATEST = 30
"""Releases on the newsroom's page and in its feed."""

_GONE = Release("", Kind.KILL, "en", "ltr", WITHDRAWN_TITLE, None)

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Published:
    """A release that the public may read, or be told of that it was withdrawn: then `release` holds
    nothing of it, so that no template can show it.

    `listed` where it is news for everybody, no advisory nor a notice of one; `event` where it has,
    or had before it was withdrawn, one for calendars."""

    sha256: str
    release: Release
    edition: Edition
    languages: Languages = ALONE
    event: bool = False

    @property
    def slug(self) -> str:
        return self.release.slug

    @property
    def listed(self) -> bool:
        return self.edition.listed

    @property
    def withdrawn(self) -> bool:
        return self.edition.withdrawn

    @property
    def day(self) -> str:
        """When it was published, in the newsroom's zone ("24 November 2026")."""
        when = self.edition.published
        return f"{when.day} {when:%B %Y}" if when else ""

    @property
    def kind(self) -> str:
        """The kind's word where it is not a plain release."""
        plain = self.release.kind is Kind.RELEASE
        return "" if plain else kind_label("en", self.release.kind)


class Shelf:
    """The published releases in every form. Safe to share between threads."""

    def __init__(self, newsroom: Newsroom, *, kept: int = 64) -> None:
        """`kept` is how many releases, and how many pages of them, stay in memory."""
        self._newsroom = newsroom
        self._releases: _Kept[tuple[int, int, str], Release] = _Kept(kept)
        self._forms: _Kept[tuple[str, str, Edition, Languages], Form] = _Kept(kept)
        self._feeds: _Kept[tuple[tuple[str, Edition], ...], Form] = _Kept(2)

    def latest(self) -> list[Published]:
        """The releases that may be read now, newest first. Raises StoreUnavailable."""
        with self._newsroom.store.read() as tx:
            now = tx.now()
            limit = LATEST
            while True:  # advisories take no place from news
                rows = published.latest(tx, limit)
                opened = [self._open(tx, each, now) for each in rows]
                shown = [each for each in opened if each is not None and each.listed]
                if len(shown) >= LATEST or len(rows) < limit:
                    break
                limit *= 2
        return sorted(shown[:LATEST], key=_published, reverse=True)

    def find(self, slug: str, language: str = "") -> Published | None:
        """The release of that slug, its lead text or the one in a language, or None when it may not
        be read. Raises StoreUnavailable."""
        if not (slug + language).isprintable():
            return None  # PostgreSQL would not even compare a NUL
        with self._newsroom.store.read() as tx:
            publication = published.by_slug(tx, slug)
            lead = None if publication is None else self._open(tx, publication, tx.now())
            if publication is None or lead is None or lead.withdrawn:
                return lead
            pages = {lead.release.language: lead}
            for name, text in published.texts(tx, publication).items():
                opened = self._open(tx, text, tx.now())
                if opened is not None and not opened.withdrawn:
                    pages.setdefault(name, opened)
        wanted = {name.lower(): name for name in pages}.get(language.lower())
        if not language:
            wanted = lead.release.language
        if wanted is None or (language and pages[wanted] is lead):
            return None  # the lead text has one address
        others = tuple(
            Other(name, own_name(name), page.edition.url)
            for name, page in pages.items()
            if name != wanted
        )
        return replace(pages[wanted], languages=Languages(pages[wanted].edition.url, others))

    def form(self, found: Published, format: str) -> Form:
        """The release as "html", "text", "ninjs" or "ics"; of a withdrawn one only the ninjs
        item is left, which says so, and what cancels its event. Raises CheckFailed
        for bad templates."""
        if found.withdrawn and format == "ics":
            return forms.cancelled_event(found.edition)
        if found.withdrawn:
            return forms.withdrawn_item(found.edition)
        return self._forms.get(
            (found.sha256, format, found.edition, found.languages),
            lambda: forms.made(
                self._newsroom, found.release, found.edition, format, found.languages
            ),
        )

    def medium(self, slug: str, name: str) -> Form | None:
        """The file of that name of a release, or None where the release may not be read or none of
        its texts that are published names it (any more). Raises StoreUnavailable."""
        lead = self.find(slug)
        if lead is None or lead.withdrawn:
            return None
        tags = [other.language for other in lead.languages.others]
        pages = [lead, *(page for tag in tags if (page := self.find(slug, tag)) is not None)]
        for medium in (each for page in pages for each in page.release.media if each.sha256):
            for form in FORMS if medium.is_picture else FORMS[:1]:
                if hosted_name(medium, form) == name:
                    return self._file(medium, form)
        return None

    def _file(self, medium: Medium, form: str) -> Form | None:
        with self._newsroom.store.read() as tx:
            data = media.read(tx, medium.sha256, form)
        if data is None:
            return None
        small = f"image/{'png' if small_extension(medium) == 'png' else 'jpeg'}"
        return Form(data, medium.type if form == FORMS[0] else small, "")

    def feed(self, found: Sequence[Published]) -> Form:
        """The Atom feed of these releases."""
        key = tuple((each.sha256, each.edition) for each in found)
        return self._feeds.get(key, lambda: self._feed(found))

    def _feed(self, found: Sequence[Published]) -> Form:
        room = self._newsroom
        channel = Channel(
            uri=forms.uri_of(room, "feed"),
            url=f"{room.sender.public_url}/feed.atom",
            title=room.sender.name,
            language=room.sender.default_language,
            publisher=forms.publisher_of(room),
            updated=to_datetime(0),
        )
        body = atom(channel, [(each.release, each.edition) for each in found])
        return Form(body, "application/atom+xml; charset=utf-8", "")

    def _open(self, tx: Tx, publication: Publication, now: int) -> Published | None:
        key = (publication.id, publication.revision, publication.sha256)
        release = self._releases.get(key, lambda: published.release_of(tx, publication))
        until = publication.embargo_until or 0
        if publication.changed_until is not None:
            until = max(until, publication.changed_until)
        elif release.embargo is not None:
            until = max(until, release.embargo.instant)
        if until > now:
            return None
        published_at = max(publication.first_at, until)
        killed_at = publication.killed_at
        if release.kind is Kind.KILL:
            killed_at = min(killed_at or publication.revised_at, publication.revised_at)
        origin = self._origin(tx, publication, release)
        withdrawn = publication.killed or release.kind is Kind.KILL
        if withdrawn and until and (killed_at is None or killed_at < until):
            return None  # the public never had it, and shall not learn of it from us now
        updated_at = max(published_at, publication.revised_at)
        if withdrawn:
            updated_at = max(updated_at, killed_at or 0)
            release = _GONE
        sha256 = publication.sha256
        said = [] if withdrawn else _said(notices.ls(tx, publication.id), publication)
        if said:
            release = _remembered(self._newsroom, release, said)
            sha256 = f"{sha256}+{said[-1].id}"
            updated_at = max(updated_at, said[-1].created_at)
        edition = forms.edition(
            self._newsroom,
            publication.slug,
            publication.revision,
            published_at=published_at,
            updated_at=updated_at,
            withdrawn=withdrawn,
            listed=origin.kind is not Kind.ADVISORY,
        )
        return Published(
            sha256,
            release,
            edition,
            event=(origin if withdrawn else release).event is not None,
        )

    def _origin(self, tx: Tx, publication: Publication, release: Release) -> Release:
        """The text that a notice is about: the last revision before it that is none itself."""
        number = publication.revision
        while release.kind in NOTICES and number > 1:
            number -= 1
            earlier = replace(publication, revision=number)
            make = partial(published.release_of, tx, earlier)
            release = self._releases.get((publication.id, number, ""), make)
        return release


def _said(found: Sequence[Notice], publication: Publication) -> list[Notice]:
    """What of a release's notices the public is told: corrections of this text, and a hold while it
    lasts."""
    stands = notices.standing(found)
    return [
        each
        for each in found
        if each is stands or (each.revision is not None and each.language == publication.language)
    ]


def _remembered(room: Newsroom, release: Release, said: Sequence[Notice]) -> Release:
    words = phrases(release.language, room.sender.own_words)
    zone = ZoneInfo(room.sender.timezone)

    def line(notice: Notice) -> str:
        kind = Kind(notice.kind)
        day = to_datetime(notice.created_at).astimezone(zone).date().isoformat()
        label = kind_label(release.language, kind.value, room.sender.own_words)
        why = notice.reason or words[f"notice_{kind.value}"]
        return f"{long_date(day, release.language)} – {label}: {why}"

    last = said[-1]
    why = last.reason or words[f"notice_{last.kind}"]
    return remembered(release, Kind(last.kind), why, [line(each) for each in said])


class _Kept(Generic[_Key, _Value]):
    """The last values asked for, each made at most once while it is kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()  # outside the lock: one slow text must not hold up the others
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


def _published(found: Published) -> float:
    return found.edition.published.timestamp() if found.edition.published else 0.0
