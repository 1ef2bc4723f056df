"""Releases in the forms that others take in: ninjs, JSON-LD, Atom, clean HTML."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree
from mailer.clock import from_datetime
from mailer.release import Release, read_release
from mailer.release.html import article_html, article_text
from mailer.release.model import (
    Block,
    BlockKind,
    Contact,
    Dateline,
    Embargo,
    Inline,
    Kind,
    Office,
)
from mailer.release.publish import (
    ATOM,
    NINJS_SCHEMA,
    WITHDRAWN,
    Channel,
    Edition,
    Publisher,
    atom,
    jsonld,
    ninjs,
    summary,
)
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.message.samples import RELEASES
from tests.release.golden import files

HERE = Path(__file__).parent
FILES = [
    path
    for folder in (HERE / "data", HERE.parent.parent / "releases")
    for path in sorted(folder.iterdir())
    if path.suffix in (".txt", ".md") and path.name != "README.md"
]
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ROOM = Publisher(
    "Harbour Observatory",
    "https://press.example.org",
    "press@example.org",
    "Quay Street 12, 1000 Harbourtown",
    "Europe/Brussels",
)
CHANNEL = Channel(
    "urn:uuid:0b6f0f55-3a0c-5d1a-8f6d-111111111111",
    "https://press.example.org/feed.atom",
    "Harbour Observatory",
    "en",
    ROOM,
    datetime(1970, 1, 1, tzinfo=UTC),
)


@cache
def samples() -> dict[str, Release]:
    """Every release that the tests know."""
    paths = [*FILES, *files()]
    found = {path.name: read_release(path.read_bytes(), name=path.name) for path in paths}
    return {**found, **{name: make() for name, make in RELEASES.items()}}


def edition(slug: str = "news", **changes: Any) -> Edition:
    values: dict[str, Any] = {
        "uri": "urn:uuid:2f1b6c1e-7a55-5c0e-9a58-0e5f5b0f4f6d",
        "url": f"https://press.example.org/r/{slug}",
        "revision": 2,
        "published": AT,
        "updated": AT + timedelta(hours=2),
        "publisher": ROOM,
        **changes,
    }
    return Edition(**values)


def paragraph(words: str, **run: Any) -> Block:
    return Block(BlockKind.PARAGRAPH, (Inline(words, **run),))


def release(**changes: Any) -> Release:
    values: dict[str, Any] = {
        "slug": "news",
        "kind": Kind.RELEASE,
        "language": "en",
        "direction": "ltr",
        "headline": "The news",
        "lead": paragraph("Brussels has news."),
        **changes,
    }
    return Release(**values)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """The IPTC's schema; the one it names elsewhere is not fetched."""
    text = (HERE / "schemas" / "ninjs-3.1.json").read_text("utf-8")
    empty = Resource(contents={}, specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(
        "https://geojson.org/schema/GeoJSON.json", empty
    )
    checker = Draft202012Validator.FORMAT_CHECKER
    assert {"uri", "date-time"} <= set(checker.checkers), "the formats would not be looked at"
    return Draft202012Validator(json.loads(text), registry=registry, format_checker=checker)


def faults(schema: Draft202012Validator, item: Any) -> list[str]:
    # What is written and read again, as a receiver has it.
    item = json.loads(json.dumps(item))
    return [f"{list(each.path)}: {each.message[:200]}" for each in schema.iter_errors(item)]


@pytest.mark.parametrize("name", sorted(samples()))
def test_every_sample_is_an_item_of_ninjs(schema: Draft202012Validator, name: str) -> None:
    """D23's form; before it is published, after, and withdrawn."""
    sample = samples()[name]
    unsent = edition(sample.slug, revision=None, published=None, updated=None)
    for each in (edition(sample.slug), unsent, edition(sample.slug, withdrawn=True)):
        assert faults(schema, ninjs(sample, each)) == []


def test_the_schema_bites(schema: Draft202012Validator) -> None:
    """A wrong date, address or name of a property is found."""
    good = ninjs(release(), edition())
    for wrong in ({"uri": "no address"}, {"versionCreated": "yesterday"}, {"headline": "x"}):
        assert faults(schema, {**good, **wrong})


def test_what_an_item_says() -> None:
    made = release(
        subhead="And more",
        dateline=Dateline("BRUSSELS, 24 November 2026 –", "Brussels", date(2026, 11, 24)),
        body=(paragraph("It is good.", strong=True),),
        notes=(paragraph("Only for editors."),),
        contacts=(Contact("Jan Example", "Press officer", "jan@example.org", "02 555", "+322555"),),
        offices=(Office("Office", ("Quay 1", "1000 Town"), postcode="1000", city="Town"),),
        links=(
            Inline("Photos", "https://press.example.org/ü x".replace(" ", "")),
            Inline("No", "javascript:alert(1)"),
        ),
    )
    item = ninjs(made, edition())
    assert item["standard"] == {"name": "ninjs", "version": "3.1", "schema": NINJS_SCHEMA}
    assert (item["version"], item["pubStatus"], item["located"]) == ("2", "usable", "Brussels")
    assert item["contentCreated"] == "2026-11-24T00:00:00+01:00"
    assert item["firstCreated"] == "2026-11-24T09:30:00+00:00" < item["versionCreated"]
    assert [each["value"] for each in item["headlines"]] == ["The news", "And more"]
    html, text = item["bodies"]
    assert text["value"] == ("BRUSSELS, 24 November 2026 – Brussels has news.\n\nIt is good.")
    assert "<strong>It is good.</strong>" in html["value"]
    assert (text["wordCount"], text["charCount"]) == (10, len(text["value"]))
    assert item["edNote"] == "Only for editors."
    (person,) = item["people"]
    assert [each["value"] for each in person["contactInfo"]] == ["jan@example.org", "+322555"]
    assert item["infoSources"][0]["contactInfo"][0]["address"]["locality"] == "Town"
    assert [each["uri"] for each in item["associations"]] == ["https://press.example.org/%C3%BCx"]


def test_an_embargo_is_said_with_the_later_of_its_ends() -> None:
    """D2: what the text says and what the officer set."""
    later = AT + timedelta(days=1)
    own = Embargo("until then", from_datetime(AT), "Europe/Brussels")
    item = ninjs(release(embargo=own), edition(embargo_until=later))
    assert item["embargoedUntil"] == later.isoformat()
    assert ninjs(release(embargo=own), edition())["embargoedUntil"] == "2026-11-24T10:30:00+01:00"
    assert "embargoedUntil" not in ninjs(release(), edition())


@pytest.mark.parametrize(("kind", "status"), [(Kind.KILL, "canceled"), (Kind.HOLD, "withheld")])
def test_a_notice_is_not_usable(kind: Kind, status: str) -> None:
    """D9."""
    assert ninjs(release(kind=kind), edition())["pubStatus"] == status


def test_a_withdrawn_release_leaves_no_word_in_any_form() -> None:
    """D9: told of, under the same identity, without text, headline and address."""
    made, gone = release(slug="the-news"), edition("the-news", withdrawn=True)
    feed = atom(CHANNEL, [(made, gone)]).decode()
    for text in (json.dumps(ninjs(made, gone)), json.dumps(jsonld(made, gone)), feed):
        assert gone.uri in text
        assert "news" not in text.replace("NewsArticle", "").replace("newsinjson", "").lower()
    assert ninjs(made, gone)["pubStatus"] == "canceled"
    assert WITHDRAWN in feed


@pytest.mark.parametrize("name", sorted(samples()))
def test_every_sample_is_a_news_article(name: str) -> None:
    """What schema.org names, and nothing empty in it."""
    sample = samples()[name]
    data = jsonld(sample, edition(sample.slug))
    assert (data["@context"], data["@type"]) == ("https://schema.org", "NewsArticle")
    assert data["headline"] == sample.headline and data["inLanguage"] == sample.language
    assert data["articleBody"] == article_text(sample)
    assert datetime.fromisoformat(data["datePublished"]) < datetime.fromisoformat(
        data["dateModified"]
    )
    assert data["publisher"]["name"] == ROOM.name and data["author"]["name"]
    assert None not in data.values() and "" not in data.values()


@pytest.mark.parametrize("name", sorted(samples()))
def test_clean_html_says_what_the_text_says(name: str) -> None:
    """C19, C21: strict HTML, without style or script, every word in order."""
    sample = samples()[name]
    html = article_html(sample)
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree = parser.parse(f"<!DOCTYPE html><title>x</title><body>{html}</body>")
    assert not {each.tag for each in tree.iter()} & {"script", "style", "img"}
    assert not [each for each in tree.iter() if {"style", "class", "onclick"} & set(each.attrib)]
    shown = "".join(tree.find("body").itertext())
    assert "".join(shown.split()) == "".join(article_text(sample).replace(" | ", "").split())
    assert ('dir="rtl"' in html) == (sample.direction == "rtl")


def feed_of(*entries: tuple[Release | None, Edition]) -> bytes:
    return atom(CHANNEL, entries)


def test_the_feed_is_one_of_rfc_4287() -> None:
    """What sections 4.1.1 and 4.1.2 ask of a feed and its entries; read by another's parser."""
    known = list(samples().values())
    entries = [
        (each, edition(each.slug, uri=f"urn:uuid:{n:08d}-0000-5000-8000-000000000000"))
        for n, each in enumerate(known)
    ]
    gone = edition(uri="urn:uuid:99999999-0000-5000-8000-000000000000", withdrawn=True)
    data = feed_of(*entries, (None, gone))
    root = etree.parse(io.BytesIO(data)).getroot()
    for element in (root, *root.iter(f"{{{ATOM}}}entry")):
        for name in ("id", "title", "updated"):
            (found,) = element.findall(f"{{{ATOM}}}{name}")
            assert found.text
        links = [(each.get("rel"), each.get("type")) for each in element.findall(f"{{{ATOM}}}link")]
        assert len(set(links)) == len(links)
    ids = [each.text for each in root.iter(f"{{{ATOM}}}id")]
    assert len(set(ids)) == len(ids) == len(known) + 2
    read = feedparser.parse(data)
    assert not read.bozo and read.version == "atom10"
    assert read.feed.author_detail.email == ROOM.mailbox
    first = read.entries[0]
    assert first.link == entries[0][1].url and first.title == known[0].headline
    assert first.updated_parsed[3:5] == (11, 30) and first.published_parsed[3:5] == (9, 30)
    assert first.content[0].language == known[0].language
    assert read.feed.updated == (AT + timedelta(hours=2)).isoformat()
    assert read.entries[-1].content[0].value == WITHDRAWN


def test_an_empty_feed_is_one_too() -> None:
    read = feedparser.parse(feed_of())
    assert not read.bozo and read.entries == [] and read.feed.updated_parsed


@given(st.text(min_size=1))
def test_no_text_breaks_the_feed_or_the_html(words: str) -> None:
    """C19: whatever stands in a headline or paragraph."""
    words = words.encode("utf-8", "ignore").decode()
    made = release(headline=words, lead=paragraph(words), body=(paragraph(words, href=words),))
    root = etree.parse(io.BytesIO(feed_of((made, edition())))).getroot()
    assert len(root.findall(f"{{{ATOM}}}entry")) == 1
    tree = html5lib.parse(article_html(made), namespaceHTMLElements=False)
    assert {each.tag for each in tree.find("body").iter()} <= {"body", "p", "br", "a"}


def test_lists_tables_and_quotations_keep_their_meaning() -> None:
    item = Block(BlockKind.ITEM, (Inline("one"),))
    cells = tuple(Block(BlockKind.CELL, (Inline(each),)) for each in ("a", "b"))
    rows = (Block(BlockKind.ROW, children=cells), Block(BlockKind.ROW, children=cells))
    html = article_html(
        release(
            body=(
                Block(BlockKind.SUBHEADING, (Inline("Head"),), level=4),
                Block(BlockKind.NUMBERS, children=(item,), level=3),
                Block(BlockKind.QUOTE, (Inline("Said."),)),
                Block(BlockKind.TABLE, children=rows),
                Block(BlockKind.CODE, (Inline("a < b"),)),
                Block(BlockKind.RULE),
                replace(paragraph("דבר"), language="he", direction="rtl"),
            )
        )
    )
    assert html.split("\n") == [
        "<p>Brussels has news.</p>",
        "<h2>Head</h2>",
        '<ol start="3"><li>one</li></ol>',
        "<blockquote><p>Said.</p></blockquote>",
        '<table><tr><th scope="col">a</th><th scope="col">b</th></tr>'
        "<tr><td>a</td><td>b</td></tr></table>",
        '<pre dir="ltr"><code>a &lt; b</code></pre>',
        "<hr>",
        '<p lang="he" dir="rtl">דבר</p>',
    ]


def test_a_summary_is_cut_at_a_word() -> None:
    assert summary(release(subhead="Short\nline")) == "Short line"
    long = summary(release(subhead="word " * 100))
    assert len(long) <= 300 and long.endswith("word…")
