"""Web pages: the release among menus, banners and trackers; links, tables and hidden text."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailer.release.model import BlockKind, Release

from tests.release.reading import TODAY, body, codes, lead, read

SAVED = (Path(__file__).parent / "golden" / "page-de.html").read_text("utf-8")


def page(inner: str, head: str = "") -> Release:
    return read(f"<!DOCTYPE html><html><head>{head}</head><body>{inner}</body></html>", "a.html")


def removed(release: Release, reason: str) -> list[str]:
    return [each.text for each in release.removed if each.reason == reason]


def test_the_release_is_found_on_a_saved_page() -> None:
    release = read(SAVED, "a.html", today=TODAY)
    assert release.headline == "Messnetz an der Lahn geht in Betrieb"
    assert release.subhead == "Zwölf Stationen melden Wasserstand und Sauerstoff alle fünf Minuten"
    assert lead(release).startswith("Der Wasserverband Obere Lahn hat heute")
    assert release.boilerplate and release.boilerplate.heading.startswith("Über den Wasserverband")
    assert [(c.name, c.email) for c in release.contacts] == [
        ("Jonas Wiegand", "presse@wasserverband.example")
    ]
    kinds = [block.kind for block in release.body]
    assert kinds.count(BlockKind.TABLE) == kinds.count(BlockKind.BULLETS) == 1
    around = " ".join(removed(release, "page_around"))
    for words in ("Cookies", "Start Der Verband", "Fischtreppe", "Impressum", "Zum Inhalt"):
        assert words in around
        assert words not in " ".join(body(release))


def test_scripts_and_trackers_are_removed_and_told() -> None:
    """C22, C24: no pixel, no event handler, no mark of where a click came from."""
    release = read(SAVED, "a.html")
    told = {finding.code: finding.message for finding in release.findings}
    assert told["active_content_removed"] == (
        "Taken out, since it is no text: 2 event handlers, 1 script, 1 tracking mark in a link "
        "and 2 tracking pictures."
    )
    assert release.lead is not None
    hrefs = [inline.href for inline in release.lead.inlines if inline.href]
    assert hrefs == ["https://daten.wasserverband.example/lahn?station=3"]


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://a.example/x?utm_source=n&fbclid=1", "https://a.example/x"),
        ("https://a.example/x?id=7&gclid=2#part", "https://a.example/x?id=7#part"),
        (
            "https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fx&d=1",
            "https://a.example/x",
        ),
        ("https://www.google.com/url?q=https://a.example/x&sa=D", "https://a.example/x"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2F&h=1", "https://a.example/"),
        ("mailto:ann@a.example?subject=hello", "mailto:ann@a.example"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("/press/1", None),
        ("#top", None),
    ],
)
def test_links_lead_where_their_author_meant(href: str, target: str | None) -> None:
    release = page(
        f'<h1>Headline of it</h1><p>The report says much and <a href="{href}">more of it</a> '
        "stands here.</p>"
    )
    assert release.lead is not None
    assert [i.href for i in release.lead.inlines if i.href] == ([target] if target else [])
    assert "more of it" in lead(release)


def test_relative_links_find_their_page() -> None:
    base = '<link rel="canonical" href="https://a.example/press/2.html">'
    release = page('<h1>Headline</h1><p>All of <a href="x.pdf">the report</a>.</p>', base)
    assert release.lead and release.lead.inlines[1].href == "https://a.example/press/x.pdf"
    told = page('<h1>Headline</h1><p>All of <a href="x.pdf">the report</a>.</p>')
    assert "relative_link" in codes(told.findings)
    assert removed(told, "link_target") == ["x.pdf"]


def test_hidden_text_is_told_not_sent() -> None:
    release = page(
        "<h1>Headline</h1><p>Seen by all.</p><p style='display: none'>Unseen.</p>"
        "<p hidden>Not seen.</p>"
    )
    assert removed(release, "hidden") == ["Unseen.", "Not seen."]
    assert "hidden_text_left_out" in codes(release.findings)


def test_breaks_emphasis_and_soft_hyphens() -> None:
    release = page(
        "<h1>Head&shy;line</h1><p>One <b>bold</b> and <i style='color:red'>slanted</i>"
        "\n  word.</p><p>First line<br>second line<br><br>A paragraph of its own, it is.</p>"
    )
    assert release.headline == "Headline"
    assert lead(release) == "One bold and slanted word."
    assert release.lead and [i.text for i in release.lead.inlines if i.strong] == ["bold"]
    assert [i.text for i in release.lead.inlines if i.emphasis] == ["slanted"]
    assert body(release) == ["First line\nsecond line", "A paragraph of its own, it is."]


def test_layout_tables_are_read_in_order() -> None:
    """Mails and old pages set their text in tables; a table of figures stays one."""
    release = page(
        "<table role='presentation'><tr><td><h1>Headline</h1><p>The first paragraph.</p></td></tr>"
        "<tr><td><table><tr><th>Year</th><th>Rivers</th></tr><tr><td>2025</td><td>12</td></tr>"
        "</table></td></tr></table>"
    )
    assert lead(release) == "The first paragraph."
    (table,) = [block for block in release.body if block.kind is BlockKind.TABLE]
    assert table.text == "Year | Rivers\n2025 | 12"
    assert [cell.level for cell in table.children[1].children] == [1, 1]


def test_pictures_and_films_are_told() -> None:
    release = page(
        "<h1>Headline</h1><p>Text of it.</p><figure><img src='p/a.jpg' alt='A bridge'>"
        "<figcaption>The bridge in May</figcaption></figure>"
        "<iframe src='https://film.example/1'></iframe><p>More of it.</p>"
    )
    assert removed(release, "picture") == ["A bridge"]
    assert removed(release, "caption") == ["The bridge in May"]
    assert removed(release, "embedded") == ["https://film.example/1"]
    assert {"picture_left_out", "embedded_left_out"} <= set(codes(release.findings))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-2", "windows-1250"])
def test_the_encoding_that_a_page_states(encoding: str) -> None:
    text = (
        f'<html><head><meta charset="{encoding}"></head><body><h1>Zażółć gęślą jaźń</h1>'
        "<p>Źródło.</p></body></html>"
    )
    assert read(text.encode(encoding), "a.html").headline == "Zażółć gęślą jaźń"


def test_the_language_of_the_page_helps_where_words_do_not() -> None:
    short = '<html lang="pt-BR"><body><h1>Lula</h1><p>Sim.</p></body></html>'
    assert read(short, "a.html").language == "pt-BR"
    wrong = SAVED.replace('lang="de"', 'lang="en"')
    assert read(wrong, "a.html").language == "de"


def test_a_page_saved_as_one_file() -> None:
    """MHTML, as browsers save it: a page in the clothes of a mail."""
    head = (
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://www.wasserverband.example/\n"
        "Subject: Messnetz\nDate: Mon, 9 Nov 2026 10:00:00 -0000\nMIME-Version: 1.0\n"
        'Content-Type: multipart/related; type="text/html"; boundary="b"\n\n'
        "--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    )
    release = read(f"{head}{SAVED}\n--b--\n".encode(), "a.mhtml", today=TODAY)
    assert release.headline == "Messnetz an der Lahn geht in Betrieb"
    assert "Cookies" in " ".join(removed(release, "page_around"))
