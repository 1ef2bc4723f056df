"""A release in the forms that others take in: ninjs 3.1, schema.org's JSON-LD, an Atom entry.

    item = ninjs(release, edition)      # IPTC "News in JSON", for newsrooms' own systems
    data = jsonld(release, edition)     # NewsArticle, for search engines
    feed = atom(channel, entries)       # RFC 4287, for everybody who follows the newsroom

Pure mappings: what the text does not say itself (who publishes, when, at which address) stands in
an `Edition`. A withdrawn edition has no text and no headline in any form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from mailer.clock import to_datetime
from mailer.release.html import article_html, article_text, safe_href
from mailer.release.media import medium_url
from mailer.release.model import Block, Contact, Inline, Kind, Medium, Office, Release
from mailer.release.text import words

NINJS_SCHEMA = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#"
ATOM = "http://www.w3.org/2005/Atom"

WITHDRAWN = "This release was withdrawn. Please do not use it."
WITHDRAWN_TITLE = "Withdrawn – do not use"


@dataclass(frozen=True, slots=True)
class Publisher:
    """The newsroom as readers know it. `url` has no slash at its end; `zone` is an IANA name."""

    name: str
    url: str
    mailbox: str
    postal_address: str
    zone: str


@dataclass(frozen=True, slots=True)
class Edition:
    """One revision of a release as it is published.

    `uri` is the same for all revisions of the release, and for ever. `published` (the first
    revision) and `updated` (this one, or its withdrawal) carry a zone and are None before the
    release is out. `embargo_until` is what was set on it beside the text's own embargo.
    """

    uri: str
    url: str
    revision: int | None
    published: datetime | None
    updated: datetime | None
    publisher: Publisher
    withdrawn: bool = False
    embargo_until: datetime | None = None
    listed: bool = True
    """Whether it is for publication: no advisory, nor a notice of one (D9)."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A feed as a whole. `updated` is used while it has no entry."""

    uri: str
    url: str
    title: str
    language: str
    publisher: Publisher
    updated: datetime


def ninjs(release: Release, edition: Edition) -> dict[str, Any]:
    """The release as an item of IPTC ninjs 3.1."""
    if edition.withdrawn:
        return withdrawn(edition)
    text = article_text(release)
    counts = {"wordCount": len(words(text)), "charCount": len(text)}
    issuer = _issuer(release, edition)
    lead = release.lead.text if release.lead else ""
    item: dict[str, Any] = {
        **_identity(edition),
        "representationType": "full",
        "contentCreated": _content_created(release, edition),
        "embargoedUntil": _embargoed_until(release, edition),
        "pubStatus": _STATUS.get(release.kind, "usable"),
        "language": release.language,
        "title": release.headline,
        "by": issuer,
        "headlines": _texts(("main", release.headline), ("subhead", release.subhead)),
        "descriptions": _texts(("summary", lead)),
        "bodies": [
            {
                "role": "main",
                "contentType": "text/html",
                **counts,
                "value": article_html(release),
            },
            {"role": "main", "contentType": "text/plain", **counts, "value": text},
        ],
        "edNote": _plain(release.notes),
        "located": release.dateline.city if release.dateline else None,
        "people": [_contact(each, release.language) for each in release.contacts],
        "infoSources": [{"name": issuer, "role": "issuer", "contactInfo": _offices(release)}],
        "genres": [{"name": "Press release", "literal": release.kind.value}],
        "associations": [
            {"uri": uri, "name": link.text.strip() or uri, "rel": "seeAlso"}
            for link in release.links
            for uri in _absolute(link)
        ]
        + [_association(each, release, edition) for each in release.media],
        "copyrightHolder": issuer,
        "altIds": [{"role": "slug", "value": release.slug}],
        "renditions": [{"name": "web", "href": edition.url, "contentType": "text/html"}],
    }
    return _filled(item)


def withdrawn(edition: Edition) -> dict[str, Any]:
    """The ninjs item that tells of a withdrawal; nothing of the release is in it."""
    note = {"representationType": "partial", "pubStatus": "canceled", "edNote": WITHDRAWN}
    return _filled({**_identity(edition), **note})


def jsonld(release: Release, edition: Edition) -> dict[str, Any]:
    """The release as a schema.org NewsArticle."""
    publisher = edition.publisher
    if edition.withdrawn:
        return _filled(
            {
                "@context": "https://schema.org",
                "@type": "NewsArticle",
                "identifier": edition.uri,
                "creativeWorkStatus": "Withdrawn",
                "dateModified": _iso(edition.updated),
            }
        )
    text = article_text(release)
    newsroom: dict[str, Any] = {
        "@type": "Organization",
        "name": publisher.name,
        "url": f"{publisher.url}/",
        "email": publisher.mailbox,
        "address": publisher.postal_address,
        "contactPoint": [_contact_point(each) for each in release.contacts],
    }
    issuer = _issuer(release, edition)
    author = {"@type": "Organization", "name": issuer}
    if issuer == publisher.name:
        author["url"] = newsroom["url"]
    city = release.dateline.city if release.dateline else None
    return _filled(
        {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "@id": edition.url,
            "identifier": edition.uri,
            "url": edition.url,
            "mainEntityOfPage": edition.url,
            "headline": release.headline,
            "alternativeHeadline": release.subhead,
            "description": summary(release),
            "articleBody": text,
            "wordCount": len(words(text)),
            "inLanguage": release.language,
            "dateline": release.dateline.text.strip() if release.dateline else None,
            "locationCreated": {"@type": "Place", "name": city} if city else None,
            "datePublished": _iso(edition.published),
            "dateModified": _iso(edition.updated),
            "version": edition.revision,
            "image": [
                _image_object(each, release, edition) for each in release.media if each.is_picture
            ],
            "isAccessibleForFree": True,
            "author": author,
            "publisher": newsroom,
        }
    )


def atom(channel: Channel, entries: Sequence[tuple[Release | None, Edition]]) -> bytes:
    """The newsroom's feed, newest first as given. A withdrawn entry needs no release.

    An entry keeps its id over corrections and withdrawal, and its `updated` moves, so that feed
    readers replace what they hold.
    """
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed", {_LANG: channel.language})
    home = f"{channel.publisher.url}/"
    _add(feed, "id", channel.uri)
    _add(feed, "title", channel.title)
    latest = max((edition.updated for _, edition in entries if edition.updated), default=None)
    _add(feed, "updated", _iso(latest or channel.updated))
    _add(feed, "link", rel="self", type="application/atom+xml", href=channel.url)
    _add(feed, "link", rel="alternate", type="text/html", href=home)
    author = _add(feed, "author")
    _add(author, "name", channel.publisher.name)
    if channel.publisher.mailbox:
        _add(author, "email", channel.publisher.mailbox)
    _add(author, "uri", home)
    for release, edition in entries:
        if release is None or edition.withdrawn:
            _withdrawn_entry(_add(feed, "entry"), edition)
        else:
            _entry(_add(feed, "entry", **{_LANG: release.language}), release, edition)
    ElementTree.indent(feed)
    document: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def summary(release: Release, limit: int = 300) -> str:
    """The subhead, else the lead, on one line and cut at a word: for cards and search results."""
    text = " ".join((release.subhead or (release.lead.text if release.lead else "")).split())
    if len(text) <= limit:
        return text
    head, space, _ = text[: limit - 1].rpartition(" ")
    return f"{(head if space else text[: limit - 1]).rstrip(' ,;:–—-')}…"


_STATUS = {Kind.KILL: "canceled", Kind.HOLD: "withheld"}
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _identity(edition: Edition) -> dict[str, Any]:
    return {
        "uri": edition.uri,
        "standard": {"name": "ninjs", "version": "3.1", "schema": NINJS_SCHEMA},
        "type": "text",
        "version": str(edition.revision) if edition.revision else None,
        "firstCreated": _iso(edition.published),
        "versionCreated": _iso(edition.updated),
    }


def _entry(entry: ElementTree.Element, release: Release, edition: Edition) -> None:
    _add(entry, "id", edition.uri)
    _add(entry, "title", release.headline)
    _add(entry, "updated", _iso(edition.updated))
    _add(entry, "published", _iso(edition.published))
    language = release.language
    _add(entry, "link", rel="alternate", type="text/html", hreflang=language, href=edition.url)
    for ending, media in (("json", "application/json"), ("txt", "text/plain")):
        _add(entry, "link", rel="alternate", type=media, href=f"{edition.url}.{ending}")
    _add(entry, "summary", summary(release))
    _add(entry, "content", article_html(release), type="html")


def _withdrawn_entry(entry: ElementTree.Element, edition: Edition) -> None:
    # No link: its address is made from the headline. With content none is needed (RFC 4287, 4.1.2).
    _add(entry, "id", edition.uri)
    _add(entry, "title", WITHDRAWN_TITLE)
    _add(entry, "updated", _iso(edition.updated))
    _add(entry, "content", WITHDRAWN, type="text")


def _add(
    parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str
) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if text is not None:
        child.text = _xml(text)
    return child


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF)
    ).translate({0xFFFE: None, 0xFFFF: None})


def _issuer(release: Release, edition: Edition) -> str:
    return release.issuer.name if release.issuer else edition.publisher.name


def _content_created(release: Release, edition: Edition) -> str | None:
    day = release.dateline.date if release.dateline else None
    if day is None:
        return None
    return datetime.combine(day, time(), ZoneInfo(edition.publisher.zone)).isoformat()


def _embargoed_until(release: Release, edition: Edition) -> str | None:
    ends = [edition.embargo_until] if edition.embargo_until else []
    if release.embargo:
        zone = ZoneInfo(release.embargo.zone)
        ends.append(to_datetime(release.embargo.instant).astimezone(zone))
    return _iso(max(ends, default=None))


def _texts(*texts: tuple[str, str | None]) -> list[dict[str, str]]:
    return [
        {"role": role, "contentType": "text/plain", "value": text} for role, text in texts if text
    ]


def _plain(blocks: Sequence[Block]) -> str:
    return "\n\n".join(block.text for block in blocks)


def _contact(contact: Contact, language: str) -> dict[str, Any]:
    phone = contact.phone_e164 or contact.phone
    ways = (("email", contact.email), ("phone", phone))
    return {
        "name": contact.name,
        "rel": "mediaContact",
        "contactInfo": [
            {"type": kind, "role": contact.role, "lang": language, "value": value}
            for kind, value in ways
            if value
        ],
    }


def _contact_point(contact: Contact) -> dict[str, Any]:
    return {
        "@type": "ContactPoint",
        "contactType": contact.role or "Media contact",
        "name": contact.name,
        "email": contact.email,
        "telephone": contact.phone_e164 or contact.phone,
    }


def _offices(release: Release) -> list[dict[str, Any]]:
    return [part for office in release.offices for part in _office(office)]


def _office(office: Office) -> list[dict[str, Any]]:
    address = {
        "lines": list(office.lines),
        "locality": office.city,
        "postalCode": office.postcode,
        "country": office.country,
    }
    found: list[dict[str, Any]] = [
        {"type": "address", "role": "office", "name": office.label, "address": address}
    ]
    phone = office.phone_e164 or office.phone
    if phone:
        found.append({"type": "phone", "role": "office", "name": office.label, "value": phone})
    return found


def _image_object(medium: Medium, release: Release, edition: Edition) -> dict[str, Any]:
    return {
        "@type": "ImageObject",
        "contentUrl": medium_url(edition.publisher.url, release.slug, medium),
        "encodingFormat": medium.type,
        "width": medium.width,
        "height": medium.height,
        "caption": medium.caption or medium.alt,
        "creditText": medium.credit,
        "copyrightNotice": medium.licence,
    }


def _association(medium: Medium, release: Release, edition: Edition) -> dict[str, Any]:
    """A picture, recording or document as an item beside the text (ninjs 3.1, associations)."""
    kinds = {"image": "picture", "audio": "audio", "video": "video"}
    url = medium_url(edition.publisher.url, release.slug, medium)
    return {
        "uri": url,
        "type": kinds.get(medium.type.partition("/")[0]),
        "rel": "media",
        "name": medium.file or url,
        "by": medium.credit,
        "copyrightNotice": medium.licence,
        "descriptions": _texts(("caption", medium.caption), ("alternative", medium.alt)),
        "renditions": [
            {
                "name": "original",
                "href": url,
                "contentType": medium.type,
                "sizeInBytes": medium.size or None,
                "width": medium.width or None,
                "height": medium.height or None,
            }
        ],
    }


def _absolute(link: Inline) -> list[str]:
    """The link's target as a URI, or nothing when it has none that leads somewhere."""
    href = safe_href(link)
    return [quote(href, safe=":/?#[]@!$&'()*+,;=%~")] if href else []


def _iso(moment: datetime | None) -> str | None:
    """RFC 3339, to the second."""
    return None if moment is None else moment.replace(microsecond=0).isoformat()


def _filled(item: dict[str, Any]) -> dict[str, Any]:
    """`item` without what is empty, below it too."""
    kept = {key: _kept(value) for key, value in item.items()}
    return {key: value for key, value in kept.items() if value not in _EMPTY}


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return _filled(value)
    if isinstance(value, list):
        return [own for own in map(_kept, value) if own not in _EMPTY]
    return value


_EMPTY: tuple[object, ...] = (None, "", [], {})
