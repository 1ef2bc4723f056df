"""Every kind of message in every kind of mail program, as far as rules and a browser can tell.

Each check goes through the whole matrix of `clients.mails` and collects what it finds, so that a
browser starts once and a fault in a shared part is seen with all that it touches.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from lxml import html as parser
from mailer.message.phrases import phrases
from mailer.release.media import take
from playwright.sync_api import Browser, Page

from tests.message.clients import sanitisers, tolerated
from tests.message.clients.__main__ import PAGE, with_tables
from tests.message.clients.looking import chromium, judged, look, shown
from tests.message.clients.mails import CARRIED, HOSTED, Mail, mail, mails
from tests.message.clients.support import features, lacking, used
from tests.message.foreign import axe_core, by_html_validate
from tests.release.pictures import photo

WIDTHS = (320, 360, 600, 1000)
COLUMN = 600
"""Pixels that no mail's column is wider than, whatever its theme (C8)."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all of this file."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def originals(browser: Browser) -> dict[str, dict]:
    """What a browser shows of each mail as it left, by its name."""
    with shown(browser) as (page, asked):
        seen = {each.name: look(page, each.html) for each in mails()}
    assert set(asked) == HOSTED, "what a mail asks the network for when it is opened (C22)"
    return seen


def test_what_mails_use_is_supported_or_tolerated_for_a_reason() -> None:
    """C1, C17, C26: caniemail's judgement of each property, element, selector and unit in use."""
    found = set().union(*(used(each.html) for each in mails()))
    unknown = {name for name in found if name not in features()}
    unsupported = {name for name in found - unknown if lacking(name)}
    assert unsupported == set(tolerated.LACKING)
    assert unknown == set(tolerated.UNKNOWN)


def test_mails_conform_to_html(tmp_path: Path) -> None:
    """C26: html-validate's standard and accessibility rules."""
    found = by_html_validate({f"{each.name}.html": each.html for each in mails()}, tmp_path)
    faults = [f"{name} {fault}" for name, all_of in found.items() for fault in all_of]
    broken = {fault.split()[1].rstrip(":") for fault in faults}
    assert broken == set(tolerated.CONFORMANCE), faults[-20:]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_mails_can_be_read_by_everybody(browser: Browser, dark: bool) -> None:
    """C5 to C14, C16: axe-core's rules of WCAG 2.2 A and AA; every contrast can be told."""
    faults: list[str] = []
    rules: set[str] = set()
    with shown(browser, axe_core(), dark=dark) as (page, _):
        for each in mails():
            look(page, each.html)
            for rule, element, why in judged(page):
                rules.add(rule)
                if rule not in tolerated.ACCESSIBILITY:
                    faults.append(f"{each.name} {rule}: {element} {why}")
    assert faults == []
    assert rules == set(tolerated.ACCESSIBILITY)


def test_nothing_scrolls_sideways_and_links_can_be_hit(
    browser: Browser, originals: dict[str, dict]
) -> None:
    """C8, C14, C10: 320 to 1,000 px and 200 % zoom, without a picture; targets of 44 px."""
    faults = []
    with shown(browser) as (page, _):
        for each in mails():
            for width in WIDTHS:
                seen = look(page, each.html, width)
                faults += _size_faults(f"{each.name} at {width}", seen, width)
                if width <= 480:
                    phone, desk = seen["text"], originals[each.name]["text"]
                    if phone.split() != _without_dot(desk, phone):
                        faults.append(f"{each.name} at {width}: other words than on a desk")
            page.set_viewport_size({"width": 720, "height": 900})
            page.evaluate("document.documentElement.style.zoom = 2")
            if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
                faults.append(f"{each.name} at 200 %: scrolls sideways")
    assert faults == []


def test_a_picture_is_as_wide_as_there_is_room(browser: Browser) -> None:
    """C8, C9: never wider than itself, in its own proportions, with and without the style block;
    Word has its size in attributes."""
    data = b64encode(take(photo(), "harbour.jpg").forms["600"].data).decode()
    here = f'src="data:image/jpeg;base64,{data}"'
    for name in (CARRIED, "photo"):
        html = mail(name).html
        written = re.findall(r'<img [^>]*width="(\d+)" height="(\d+)"', html)
        assert written == [("552", "345")]
        with shown(browser) as (page, _):
            for sanitise, phone in ((str, 328), (sanitisers.gmail, 312)):
                for width, expected in ((360, phone), (1000, 552)):
                    cleaned = re.sub(r'src="[^"]*"( srcset="[^"]*")?', here, sanitise(html))
                    look(page, cleaned, width)
                    size = "[...document.images].map((each) => [each.width, each.height])"
                    assert page.evaluate(size) == [[expected, round(expected / 1.6)]], name


def _without_dot(desk: str, phone: str) -> list[str]:
    """The dot between kind and status line stands on a desk only."""
    words = desk.split()
    if len(words) == len(phone.split()) + 1 and "·" in words:
        words.remove("·")
    return words


def _size_faults(where: str, seen: dict, width: int) -> Iterator[str]:
    if seen["scroll"] > width or seen["right"] > width + 0.5:
        yield f"{where}: reaches {max(seen['scroll'], seen['right'])} px"
    for words, wide, high in seen["targets"]:
        if wide < 44 or high < 44:
            yield f"{where}: {words!r} can be hit on {wide:.0f} × {high:.0f} px only"


@pytest.mark.parametrize(
    "sanitise",
    [sanitisers.gmail, sanitisers.gmail_with_styles, sanitisers.outlook],
    ids=lambda function: function.__name__,
)
def test_mails_survive_sanitisers(
    browser: Browser, originals: dict[str, dict], sanitise: Callable[[str], str]
) -> None:
    """C1, C9, C12, C17: same words in the same order, same links, column, contrast, targets."""
    faults = []
    with shown(browser, axe_core()) as (page, asked):
        for each in mails():
            faults += _survival_faults(page, each, sanitise, originals[each.name])
    assert faults == []
    assert set(asked) <= HOSTED


def _survival_faults(
    page: Page, each: Mail, sanitise: Callable[[str], str], before: dict
) -> Iterator[str]:
    html = sanitise(each.html)
    if sanitise is not sanitisers.outlook:  # Word's window is never a phone's
        seen = look(page, html, 360)
        yield from _size_faults(f"{each.name} at 360", {**seen, "targets": []}, 360)
    seen = look(page, html)
    yield from _size_faults(each.name, seen, 760)
    if seen["text"].casefold().split() != before["text"].casefold().split():
        yield f"{each.name}: words differ: {seen['text'][:200]}"
    if seen["links"] != before["links"]:
        yield f"{each.name}: links differ"
    if seen["table"] > COLUMN:
        yield f"{each.name}: a table of {seen['table']} px"
    for _, element, why in judged(page, "color-contrast"):
        yield f"{each.name}: {element} {why}"


@pytest.mark.parametrize(
    "turn", [sanitisers.inverted, sanitisers.half_inverted], ids=lambda function: function.__name__
)
def test_mails_survive_a_forced_dark_mode(browser: Browser, turn: Callable[[str], str]) -> None:
    """C16: colours turned by the program itself, whole or in half, are still readable."""
    faults = []
    with shown(browser, axe_core()) as (page, _):
        for each in mails():
            look(page, turn(each.html))
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == "rgb(0, 0, 0)"
            for _, element, why in judged(page, "color-contrast"):
                faults.append(f"{each.name}: {element} {why}")
    assert faults == []


def test_the_checks_bite(browser: Browser) -> None:
    """Mails that break one rule each are found by the check that is there for it."""
    good = mail("english").html
    grey = good.replace("color:#1b1b1a", "color:#aaaaaa")
    styled = good.replace("</head>", "<style>.ink { display: none }</style></head>")
    wide = good.replace("</h1>", '</h1><div style="width:700px">wide</div>')
    landmark = re.sub(r"<h1 ([^>]*)>", r'<div role="button"><h1 \1>', good)
    layered = good.replace('width="600"', 'width="900"')
    with shown(browser, axe_core()) as (page, asked):
        before = look(page, good)
        each = mail("english")

        def survival(html: str, sanitise: Callable[[str], str]) -> str:
            made = Mail(each.name, each.release, each.raw, html, each.text)
            return " ".join(_survival_faults(page, made, sanitise, before))

        assert "contrast" in survival(grey, sanitisers.gmail)
        assert "words differ" in survival(styled, sanitisers.gmail_with_styles)
        assert survival(styled, sanitisers.gmail) == ""
        assert "a table of 900 px" in survival(layered, sanitisers.outlook)
        assert list(_size_faults("", look(page, wide, 320), 320))
        look(page, landmark)
        assert {rule for rule, *_ in judged(page)} > set(tolerated.ACCESSIBILITY)
        look(page, good.replace("</h1>", '</h1><img src="https://example.org/p.png">'))
        assert asked == ["https://example.org/p.png"]
    function = sanitisers.gmail('<body><p style="color:red;width:clamp(1px,2vw,3px)">x</p></body>')
    assert "<p>x</p>" in function
    assert "css-display-flex" not in tolerated.LACKING
    assert "css-display-flex" in features()
    assert lacking("css-display-flex")


def test_both_parts_have_the_same_words(originals: dict[str, dict]) -> None:
    """C21: each word of the HTML is in the text part, and each link."""
    for each in mails():
        shown_words = set(_words(originals[each.name]["text"]))
        # A line of Chinese or Japanese is broken where there is no space: compared without any.
        there = "".join(_words(each.text))
        lost = {word for word in shown_words if word not in there}
        # The words of these links; the text part says the same in its own, before the address.
        said = phrases(each.release.language)
        known = " ".join(said[name] for name in ("unsubscribe", "preferences", "read_online"))
        assert lost <= set(_words(known)), (each.name, lost)
        tree = parser.document_fromstring(each.html)
        for href in tree.xpath("//a/@href"):
            bare = re.sub(r"^(mailto:|tel:)", "", str(href)).rstrip("/")
            assert bare in each.text or re.sub(r"\D", "", bare) in re.sub(r"\D", "", each.text)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold())


def test_the_text_part_is_well_set() -> None:
    """B20: 72 columns by what a terminal shows, no leftovers, each link numbered once."""
    for each in mails():
        for line in each.text.split("\n"):
            assert line == line.rstrip()
            assert _columns(line) <= 72 or len(line.split()) <= 2, (each.name, line)
        if each.name != "hostile":
            assert not re.search(r"</?\w+[ />]|&#?\w+;|\{[{%]|[%}]\}", each.text), each.name
        listed = re.findall(r"^\[(\d+)\] (\S+)$", each.text, re.MULTILINE)
        numbers = [number for number, _ in listed]
        assert numbers == [str(index + 1) for index in range(len(listed))], each.name
        assert len({url for _, url in listed}) == len(listed), each.name
        body = re.sub(r"^\[\d+\] \S+$", "", each.text, flags=re.MULTILINE)
        assert set(re.findall(r"\[(\d+)\]", body)) == set(numbers), each.name


def _columns(line: str) -> int:
    """By Unicode's own tables, not by the program's: two for wide, none for marks that combine."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    none = sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in line)
    return len(line) + wide - none


def test_messages_come_back_the_same() -> None:
    """B22: parse, serialise, parse: the same tree, headers and text."""
    for each in mails():
        rules = policy.SMTP
        first = message_from_bytes(each.raw, policy=rules)
        second = message_from_bytes(first.as_bytes(), policy=rules)
        assert _tree(first) == _tree(second), each.name
        assert first.defects == []
        parts = [part.get_content_type() for part in first.walk()]
        html = ["text/html"]
        if each.name == CARRIED:
            html = ["multipart/related", "text/html", "image/jpeg"]
        assert parts == ["multipart/alternative", "text/plain", *html]


def _tree(message: EmailMessage) -> list:
    return [
        (
            part.get_content_type(),
            [(name, str(value)) for name, value in part.items()],
            None if part.is_multipart() else part.get_content(),
            part.defects,
        )
        for part in message.walk()
    ]


def test_the_documentation_lists_what_is_tolerated() -> None:
    """docs/email-html.md has the lists of the tests, word for word."""
    page = PAGE.read_text("utf-8")
    assert page == with_tables(page), "run python -m tests.message.clients"
