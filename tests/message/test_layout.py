"""The layout as mail programs and readers need it: structure, contrast, both parts equal."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from mailer.errors import CheckFailed, ConfigError
from mailer.message import compile_release, online_html
from mailer.message.colour import contrast, palettes
from mailer.message.phrases import phrases
from mailer.message.render import Parts, style_hashes
from mailer.message.view import directed, subject
from mailer.message.wrap import width, wrap
from mailer.release.model import Block, BlockKind, Inline, Kind, Release

from tests.message.samples import (
    RELEASES,
    SENDER,
    TEMPLATES,
    edition_of,
    embargoed,
    english,
    hebrew,
    japanese,
    nested,
    paragraph,
    preview_parts,
    sample_2015,
    values,
    withdrawn,
)


def parts_of(release: Release) -> Parts:
    template = compile_release(release, SENDER, TEMPLATES)
    return preview_parts(template, values(language=release.language))


@pytest.fixture(params=RELEASES, name="shown")
def _shown(request: pytest.FixtureRequest) -> tuple[Release, Parts]:
    release = RELEASES[request.param]()
    return release, parts_of(release)


Shown = tuple[Release, Parts]

# Written list of what a strict HTML5 checker says and mail programs need all the same: attributes
# of presentation on tables, for programs that do not read CSS there.
TOLERATED = {"align", "valign", "width", "border", "cellpadding", "cellspacing", "bgcolor"}


def test_html_parses_without_a_single_error(shown: Shown) -> None:
    """C26: strict HTML5 parsing."""
    html5lib.HTMLParser(strict=True).parse(shown[1].html)


def test_only_known_obsolete_attributes(shown: Shown) -> None:
    """C26, C18: the written list of exceptions is complete."""
    known = {"lang", "dir", "class", "style", "href", "role", "charset", "name", "content"}
    known |= {"data-keep", "scope", *TOLERATED}
    for element in lxml_html.document_fromstring(shown[1].html).iter():
        if isinstance(element.tag, str):
            assert set(element.attrib) <= known, (element.tag, element.attrib)


def test_document_head_and_outer_language(shown: Shown) -> None:
    """C4, C5, C6, B19."""
    release, parts = shown
    tree = lxml_html.document_fromstring(parts.html)
    assert parts.html.startswith("<!DOCTYPE html>\n")
    outer = tree.find("body")[0]
    for element in (tree, outer):
        assert element.get("lang") == release.language
        assert element.get("dir") == release.direction
    assert tree.findtext("head/title") == release.headline
    metas = {meta.get("name"): meta.get("content") for meta in tree.findall("head/meta")}
    assert metas["color-scheme"] == metas["supported-color-schemes"] == "light dark"
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert tree.find("head/meta").get("charset") == "utf-8"


def test_headings_tables_and_forbidden_elements(shown: Shown) -> None:
    """C7, C9, C18, C22: one h1, no level skipped, layout tables say so, nothing active."""
    release, parts = shown
    tree = lxml_html.document_fromstring(parts.html)
    levels = [int(e.tag[1]) for e in tree.iter() if re.fullmatch(r"h[1-6]", str(e.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    for above, below in pairwise(levels):
        assert below <= above + 1
    for table in tree.iter("table"):
        data = "data" in (table.get("class") or "").split()
        assert table.get("role") == (None if data else "presentation")
        assert (table.get("border"), table.get("cellpadding")) == ("0", "0")
        assert table.get("cellspacing") == "0"
        assert all(head.get("scope") == "col" for head in table.iter("th"))
        assert data or table.find("./tr/th") is None
    forbidden = "script form input iframe object embed base svg img link"
    for name in forbidden.split():
        assert not list(tree.iter(name)), name
    for href in tree.xpath("//@href"):
        assert href.startswith(("https://", "mailto:", "tel:"))
        assert not href.endswith("#")
    assert "@import" not in parts.html
    assert release.headline in " ".join(tree.find(".//h1").text_content().split())


def test_tables_are_columns_where_they_fit_in_the_text_part() -> None:
    """C7, B20: side by side within 72 columns, else a line for each cell with its head."""
    text = parts_of(RELEASES["figures"]()).text
    narrow = ["River  Sensors  Longest gap", "-----  -------  -----------"]
    narrow += ["Tejo     1,204  3 h", "Douro      980  40 min"]
    assert "\n".join(narrow) in text
    assert "Region: Lower Austria and Burgenland\nHouseholds connected: 1,204,332\n" in text


def test_styles_survive_inlining(shown: Shown) -> None:
    """C1, C2, C3, C16: dark and phone rules with their classes, nothing important inlined."""
    html = shown[1].html
    styles = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert len(styles) == 1
    css = styles[0]
    assert len(css) < 16_000
    assert "prefers-color-scheme: dark" in css
    assert "max-width: 480px" in css
    assert "[data-ogsc]" in css
    assert "[data-ogsb]" in css
    assert css.count("{") == css.count("}")
    assert css.count("!important") > 20
    tree = lxml_html.document_fromstring(html)
    classes = {name for value in tree.xpath("//@class") for name in value.split()}
    assert {"bg", "ink", "muted", "accent", "accent-rule", "rule", "stack"} <= classes
    for style in tree.xpath("//@style"):
        assert "important" not in style
    assert "color:#1b1b1a" in html.replace(" ", "")


def test_conditional_comments_survive_balanced(shown: Shown) -> None:
    """C17: byte for byte."""
    html = shown[1].html
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 2
    assert (
        '<!--[if mso]><table role="presentation" align="center" width="600" border="0" '
        'cellpadding="0" cellspacing="0"><tr><td><![endif]-->'
    ) in html
    assert "<!--[if mso]></td></tr></table><![endif]-->" in html


def test_size_stays_far_below_the_clip(shown: Shown) -> None:
    """B16."""
    template = compile_release(shown[0], SENDER, TEMPLATES)
    assert template.html_size < 40_000
    assert template.encoded_html_size < 60_000


def test_small_print_is_not_too_small(shown: Shown) -> None:
    """C15: 13 px and more, line height 1.4 and more."""
    tree = lxml_html.document_fromstring(shown[1].html)
    for element in tree.iter():
        style = element.get("style") or ""
        if "preheader" in (element.get("class") or ""):
            continue
        sizes = [int(size) for size in re.findall(r"font-size:\s*(\d+)px", style)]
        heights = [int(size) for size in re.findall(r"line-height:\s*(\d+)px", style)]
        assert all(size >= 13 for size in sizes)
        if sizes and heights and element.tag != "h1":
            assert heights[-1] >= 1.3 * sizes[-1]


def test_the_preheader_repeats_what_is_seen(shown: Shown) -> None:
    """C20: one hidden line of at most 90 characters, no other hidden text."""
    release, parts = shown
    tree = lxml_html.document_fromstring(parts.html)
    hidden = [e for e in tree.iter() if "display:none" in (e.get("style") or "").replace(" ", "")]
    assert len(hidden) == 1
    text = hidden[0].text_content()
    assert 20 <= len(text) <= 90
    visible = release.subhead or (release.lead.text if release.lead else "")
    assert visible.startswith(text.rstrip("…").rstrip())


def words(text: str) -> str:
    """Text without spaces, marks of setting and link numbers, for comparing parts."""
    text = re.sub(r" ?\[\d+\]", "", text)
    return re.sub(r"[\s•\u200b]+", "", text)


def test_both_parts_tell_the_same(shown: Shown) -> None:
    """C21, B1, B20: headline, dateline, paragraphs, links, contacts, unsubscribe, word for word."""
    release, parts = shown
    tree = lxml_html.document_fromstring(parts.html)
    seen, read = words(tree.find("body").text_content()), words(parts.text)
    wanted = [release.headline, release.subhead or ""]
    wanted += [release.dateline.text] if release.dateline else []
    blocks = [release.lead, *release.body, *release.notes]
    if release.boilerplate:
        wanted.append(release.boilerplate.heading)
        blocks += release.boilerplate.blocks
    for block in filter(None, blocks):
        for each in block.walk():
            wanted.append("".join(inline.text for inline in each.inlines))
    for contact in release.contacts:
        wanted += [contact.name, contact.email or "", contact.phone or "", contact.role or ""]
    for text in wanted:
        assert words(text) in seen
        assert words(text) in read
    hrefs = {str(href) for href in tree.xpath("//a/@href")}
    for href in hrefs:
        bare = href.removeprefix("mailto:").removeprefix("tel:")
        shown_phone = any(contact.phone_e164 == bare for contact in release.contacts)
        shown_phone |= any(office.phone_e164 == bare for office in release.offices)
        assert bare in parts.text or shown_phone or bare.rstrip("/") in parts.text, href
    made = values(language=release.language)
    for url in (made["unsubscribe_url"], made["preferences_url"]):
        assert url in hrefs
        assert f"\n{url}\n" in parts.text
    for line in parts.text.split("\n"):
        assert width(line) <= 72 or "://" in line
        assert line == line.rstrip()
    assert not re.search(r"</?[a-z]+[ >]|&(amp|lt|gt|quot|nbsp);|\{\{", parts.text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 0xFFFFFF))
def test_every_accent_can_be_read_in_both_modes(number: int) -> None:
    """C12: whatever colour the newsroom chose."""
    for palette in palettes(f"#{number:06x}"):
        for colour in (palette.ink, palette.muted, palette.accent):
            assert contrast(colour, palette.ground) >= 4.5
        assert contrast(palette.on_accent, palette.accent) >= 4.5
        assert contrast(palette.on_band, palette.band) >= 4.5
        assert contrast(palette.on_alarm, palette.alarm) >= 4.5


def test_an_accent_that_is_no_colour_is_said() -> None:
    """A name instead of a number."""
    with pytest.raises(ConfigError, match="accent"):
        compile_release(english(), replace(SENDER, accent="red"), TEMPLATES)


def test_contrast_is_that_of_wcag() -> None:
    """Known pairs: the formula is not our own."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_an_embargo_comes_first_in_both_parts_and_in_the_subject() -> None:
    """D2: weekday, date, time, zone and offset; a band with word and sign, not colour alone."""
    release = embargoed()
    template = compile_release(release, SENDER, TEMPLATES)
    assert template.subject == (
        "EMBARGO 3 Mar 09:00 CET: Lead in harbour mud is three times the limit, "
        "first full survey finds"
    )
    parts = preview_parts(template, values())
    assert parts.text.startswith(
        "■ EMBARGOED UNTIL\nTuesday, 3 March 2026, 09:00 CET (UTC+01:00)\n"
    )
    band = parts.html.index("Tuesday, 3 March 2026, 09:00 CET (UTC+01:00)")
    assert band < parts.html.index("<h1")
    assert "For immediate release" not in parts.html
    german = replace(release, language="de")
    assert "Dienstag, 3. März 2026, 09:00 CET (UTC+01:00)" in parts_of(german).text
    assert subject(german).startswith("SPERRFRIST 3. März 09:00 CET: ")


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (Kind.CORRECTION, "CORRECTION: "),
        (Kind.UPDATE, "UPDATE: "),
        (Kind.REFILE, "REFILED: "),
        (Kind.HOLD, "HOLD: "),
        (Kind.KILL, "WITHDRAWN: "),
        (Kind.EMBARGO_CHANGE, "EMBARGO CHANGED: "),
        (Kind.ADVISORY, "ADVISORY: "),
        (Kind.STATEMENT, ""),
        (Kind.RELEASE, ""),
    ],
)
def test_notices_say_what_they_are(kind: Kind, prefix: str) -> None:
    """D2, D9, D10: in the subject and in the first line of both parts."""
    release = replace(english(), kind=kind)
    assert subject(release) == prefix + release.headline
    parts = parts_of(release)
    label = phrases("en")[f"kind_{kind.value}"]
    assert label.upper() in parts.text.split("\n")[0]
    assert label in parts.html.split("<h1")[0]


def test_the_status_line_can_be_chosen_or_switched_off() -> None:
    """D2."""
    chosen = parts_of(replace(english(), status_line="For trade press only"))
    assert chosen.text.startswith("PRESS RELEASE · FOR TRADE PRESS ONLY\n")
    off = parts_of(replace(english(), status_line=""))
    assert off.text.startswith("PRESS RELEASE\n")


def test_right_to_left_is_mirrored() -> None:
    """B19, look: rules, paddings, and a headline left in English keeps its own direction."""
    html = parts_of(hebrew()).html
    quote = re.search(r"<blockquote[^>]*>", html)
    assert quote
    assert "border-right:5px" in quote[0].replace(" ", "")
    assert "border-left" not in quote[0]
    heading = re.search(r"<h1[^>]*>", html)
    assert heading
    assert 'lang="en"' in heading[0]
    assert 'dir="ltr"' in heading[0]
    assert '<span dir="ltr">312 mg/kg</span>' in html
    assert '<span dir="ltr">Harbour Observatory</span> (' in html
    assert "border-left:5px" in parts_of(english()).html.replace(" ", "")


@given(st.text())
def test_directed_pieces_are_the_text(text: str) -> None:
    """The text itself is never altered."""
    assert "".join(piece for piece, _ in directed(text, "rtl")) == text
    assert directed(text, "ltr") == [(text, False)]


def test_unmarked_quotes_stay_in_the_running_text() -> None:
    """The 2015 release marks no quotation, so none is set apart and no mark is added."""
    release = sample_2015()
    parts = parts_of(release)
    assert "<blockquote" not in parts.html
    assert release.quotes
    assert "“" not in parts.html.split("</h1>")[1].split("You get this")[0]
    assert 'href="#"' not in parts.html
    assert "(#)" not in parts.text


def test_links_of_a_release_that_may_not_be_followed_keep_their_words() -> None:
    """C18: javascript:, data:, relative and broken targets are dropped."""
    bad = ["javascript:alert(1)", "data:text/html,x", "#", "/path", 'https://x"y', "vbscript:x"]
    body = tuple(paragraph(Inline(f"words {number}", href=href)) for number, href in enumerate(bad))
    parts = parts_of(replace(english(), body=body, quotes=()))
    for number, href in enumerate(bad):
        assert f"words {number}" in parts.html
        assert f"words {number}" in parts.text
        assert href not in parts.html.split("</h1>")[1].split("READ")[0] or href in ("#", "/path")
    assert "javascript" not in parts.html
    assert "<a" not in parts.html.split("ords 0")[1].split("ords 5")[0]


def test_hostile_text_in_a_release_is_text() -> None:
    """C19: every field of the release is escaped."""
    evil = "<script>alert(1)</script>\"'&"
    release = replace(
        english(),
        headline=evil,
        subhead=evil,
        lead=paragraph(evil),
        body=(Block(BlockKind.SUBHEADING, (Inline(evil),), level=5), paragraph(evil)),
        quotes=(),
    )
    parts = parts_of(release)
    assert "<script" not in parts.html
    assert parts.html.count("&lt;script&gt;") >= 5
    html5lib.HTMLParser(strict=True).parse(parts.html)
    assert evil in parts.text


def test_a_leftover_mark_in_the_release_stops_it() -> None:
    """D16: somebody pasted from another system."""
    with pytest.raises(CheckFailed, match=r"\{\{ first_name \}\}"):
        parts_of(replace(english(), lead=paragraph("Dear {{ first_name }}, read this.")))


def test_every_kind_of_block_is_set() -> None:
    """Lists in lists, code, rules, quotes in quotes, headings that skip levels in the source."""
    parts = parts_of(replace(english(), body=tuple(nested()), quotes=()))
    assert "1. outer\n   - inner\n2. second" in parts.text
    assert "    a  = 1\n      b" in parts.text
    assert "\n* * *\n" in parts.text
    assert "        deep" in parts.text
    assert "Deep heading</h2>" in parts.html
    assert parts.html.count("<blockquote") == 2
    assert re.search(r"<ol[^>]*>\s*<li[^>]*>outer\s*<ul", parts.html)
    html5lib.HTMLParser(strict=True).parse(parts.html)


def test_text_is_wrapped_by_columns() -> None:
    """Wide characters take two; a line of Japanese does not begin with a full stop."""
    lines = parts_of(japanese()).text.split("\n")
    assert any(width(line) in (71, 72) for line in lines)
    assert not any(line.startswith(("。", "、")) for line in lines)
    assert wrap("一二三四五。六", 10) == ["一二三四", "五。六"]
    assert wrap("see https://example.org/" + "x" * 90 + " now", 20) == [
        "see",
        "https://example.org/" + "x" * 90,
        "now",
    ]


def test_the_page_online_holds_nothing_personal() -> None:
    """Design decision 15: one page for everybody; its styles can be named in a policy."""
    for made in RELEASES.values():
        html = online_html(made(), SENDER, TEMPLATES, edition_of(made()))
        html5lib.HTMLParser(strict=True).parse(html)
        assert "/u/" not in html
        assert "/p/" not in html
        assert "Unsubscribe" not in html
        assert " style=" not in html
        assert made().headline.split()[0] in html
        hashes = style_hashes(html)
        assert len(hashes) == 2
        assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", each) for each in hashes)


def test_withdrawn_is_said_with_word_and_sign() -> None:
    """D9: journalists read WITHDRAWN."""
    parts = parts_of(withdrawn())
    assert parts.text.startswith("× WITHDRAWN – DO NOT USE\n")


@pytest.mark.parametrize("inside", [False, True])
def test_long_lines_of_code_fit_the_text_part(inside: bool) -> None:
    """B20: no line above 78 columns but for a word without a place to break; no word is lost."""
    source = f"    GET {'x' * 60} HTTP/1.1 {'and more ' * 12}\n{'y' * 120}\n  short"
    code = Block(BlockKind.CODE, (Inline(source, code=True),))
    body = Block(BlockKind.QUOTE, children=(code,)) if inside else code
    lines = parts_of(replace(english(), body=(body,), quotes=())).text.splitlines()
    long = [line.strip() for line in lines if len(line) > 78 and "https://" not in line]
    assert long == ["y" * 120]
    assert " ".join(source.split()) in " ".join(" ".join(lines).split())
    wide = Block(BlockKind.CODE, (Inline("a" * 40 + " = " + "b" * 35, code=True),))
    assert "\n" + "a" * 40 + " = " in parts_of(replace(english(), body=(wide,), quotes=())).text
