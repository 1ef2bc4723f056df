"""What the newsroom has published, for its public pages.

A release is there from the moment its first batch is sent, and never while an embargo on it is
still to end (D4): then its address answers as if it did not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailer.clock import to_datetime
from mailer.message.colour import Palette, palettes
from mailer.message.compile import template_context
from mailer.message.phrases import kind_label
from mailer.message.render import online_html, style_hashes
from mailer.message.templates import TemplateSource, package_templates, render
from mailer.message.text import TextPart
from mailer.message.view import view_of
from mailer.release.model import Kind, Release
from mailer.store import published
from mailer.store.published import Publication

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

__all__ = ["Page", "Palette", "Published", "find", "latest", "page", "palettes", "text"]


@dataclass(frozen=True, slots=True)
class Published:
    """A release with when it was published, in the newsroom's zone ("24 November 2026")."""

    publication: Publication
    release: Release
    day: str

    @property
    def slug(self) -> str:
        return self.publication.slug

    @property
    def withdrawn(self) -> bool:
        return self.publication.withdrawn or self.release.kind is Kind.KILL

    @property
    def kind(self) -> str:
        """The kind's word where it is not a plain release, "WITHDRAWN" before all others."""
        if self.withdrawn:
            return kind_label("en", Kind.KILL)
        plain = self.release.kind is Kind.RELEASE
        return "" if plain else kind_label("en", self.release.kind)


def latest(newsroom: Newsroom, limit: int = 30) -> list[Published]:
    """The releases that may be read now, newest first. Raises StoreUnavailable."""
    with newsroom.store.read() as tx:
        now = tx.now()
        found = [
            (publication, published.release_of(tx, publication))
            for publication in published.latest(tx, limit)
        ]
    return [
        _published(newsroom, publication, release)
        for publication, release in found
        if _is_free(release, now)
    ]


def find(newsroom: Newsroom, slug: str) -> Published | None:
    """The release of that slug, or None when it may not be read. Raises StoreUnavailable."""
    if not slug.isprintable():
        return None  # PostgreSQL would not even compare a NUL
    with newsroom.store.read() as tx:
        now = tx.now()
        publication = published.by_slug(tx, slug)
        if publication is None:
            return None
        release = published.release_of(tx, publication)
    return _published(newsroom, publication, release) if _is_free(release, now) else None


@dataclass(frozen=True, slots=True)
class Page:
    """A release as a page. `styles` are Content-Security-Policy sources of its style elements."""

    html: str
    styles: tuple[str, ...]


def page(newsroom: Newsroom, found: Published) -> Page:
    """The release in the layout of its mail, with nothing personal in it (decision 15)."""
    html = online_html(found.release, newsroom.sender, _templates(newsroom))
    return Page(html, tuple(style_hashes(html)))


def text(newsroom: Newsroom, found: Published) -> str:
    """The release as plain text, 72 columns wide."""
    source = _templates(newsroom)
    view = view_of(found.release, newsroom.sender)
    context = {
        **template_context(view),
        "text": TextPart(view),
        "kind": kind_label(found.release.language, found.release.kind),
        "online_url": view.online_url,
    }
    raw = render(source, source.environment("online"), "web/release.txt", context)
    lines = "\n".join(line.rstrip() for line in raw.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def _templates(newsroom: Newsroom) -> TemplateSource:
    return TemplateSource([newsroom.config.templates_dir, package_templates()])


def _is_free(release: Release, now: int) -> bool:
    return release.embargo is None or release.embargo.instant <= now


def _published(newsroom: Newsroom, publication: Publication, release: Release) -> Published:
    zone = ZoneInfo(newsroom.config.newsroom.timezone)
    moment = to_datetime(publication.published_at).astimezone(zone)
    return Published(publication, release, f"{moment.day} {moment:%B %Y}")
