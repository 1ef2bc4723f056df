"""The release among what surrounds it on a saved web page: menus, cookie banners, other news."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml.html import HtmlElement

from mailer.release.read import marks
from mailer.release.read.contacts import has_details
from mailer.release.read.htmlblocks import BLOCKS
from mailer.release.read.htmlclean import attached, text_of
from mailer.release.text import fold

_CHROME_TAGS = frozenset(["nav", "footer", "aside", "header", "menu", "dialog"])
_CHROME_ROLES_WORDS = (
    "navigation banner contentinfo complementary search dialog alertdialog menu menubar "
    "toolbar alert tablist"
)
_CHROME_ROLES = frozenset(_CHROME_ROLES_WORDS.split())
# Names that pages give to their parts, cut into words ("site-header", "cookieBanner").
_CHROME_NAMES_WORDS = (
    "nav navbar navigation menu menubar megamenu topbar breadcrumb breadcrumbs cookie cookies "
    "cookiebar cookiebanner cookieconsent consent gdpr cmp onetrust share sharing sharebar shariff "
    "social socialmedia addtoany related recommended recommendation recommendations teaser teasers "
    "sidebar newsletter subscribe subscription signup comments disqus pagination pager skip "
    "skiplink skiplinks search searchbar searchform toolbar advert advertisement ads promo popup "
    "modal overlay lightbox footer siteheader pageheader masthead sitemap tags taglist langswitch "
    "languageswitcher accessibility backtotop totop paywall login metanavigation servicenav teilen "
    "suche brotkrumen fusszeile kopfzeile seitenleiste partage partager recherche compartir buscar "
    "condividi cerca udostępnij szukaj"
)
_CHROME_NAMES = frozenset(_CHROME_NAMES_WORDS.split())
_TOOLS = re.compile(
    r"(print|share|tweet|facebook|twitter|x|linkedin|whatsapp|telegram|xing|mastodon|bluesky|email|"
    r"e-mail|copy link|download( as)? pdf|pdf|back( to .{0,40})?|all (news|press releases)|"
    r"read more|more news|drucken|teilen|zurück.{0,30}|mehr (lesen|erfahren)|merken|partager|"
    r"imprimer|retour.{0,30}|lire la suite|imprimir|compartir|volver|leer más|condividi|stampa|"
    r"indietro|leggi tutto|drukuj|udostępnij|wróć|czytaj więcej|afdrukken|delen|terug|tisk|sdílet|"
    r"zpět|печать|поделиться|назад|друк|поділитися|印刷|シェア|打印|分享|شارك|طباعة|הדפסה|שיתוף)",
    re.IGNORECASE,
)
_TEXTS = frozenset(["p", "li", "blockquote", "td", "dd", "pre", "h1", "h2", "h3", "h4"])
_TABLE = frozenset(["table", "tbody", "tr"])
_ENOUGH = 0.6
"""Share of the page's text that a part must hold to be the one that is gone into."""


@dataclass(slots=True)
class Article:
    """`elements` hold the release in reading order; `around` are texts of what surrounded it."""

    elements: list[HtmlElement]
    around: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)


def find(body: HtmlElement, title: str) -> Article:
    """Find the release in a page. `title` is what the page calls itself. Changes the tree."""
    found = Article([body])
    if not _is_page(body):
        return found
    headline = _headline(body, title)
    rescued: list[HtmlElement] = []
    most = _prose(body) / 2
    for element in list(body.iter()):
        if element.getparent() is None or not attached(element, body):
            continue
        if _is_chrome(element, most, headline):
            rescued += _contacts(found, element)
            if attached(element, body):
                _take(found, element)
    found.several = _articles(body)
    inner = _into(found, body, headline)
    _prune(found, inner)
    found.elements = [inner, *rescued]
    return found


def _is_page(body: HtmlElement) -> bool:
    """Whether there is anything of a web page about it; a fragment or mail is all text."""
    return any(
        element.tag in {"nav", "article", "main", "footer", "aside"}
        or _names(element) & {"nav", "navbar", "navigation", "menu", "cookie", "footer", "sidebar"}
        for element in body.iter()
    )


def _headline(body: HtmlElement, title: str) -> HtmlElement | None:
    """The heading that the page is called by; site names and slogans are headings too."""
    titled = fold(title)
    named = []
    for element in body.iter("h1", "h2"):
        text = fold(text_of(element))
        # "Headline | Ministry" and "Ministry: Headline" both hold it; a short one proves nothing.
        if text and len(text) >= 12 and text in titled:
            named.append(element)
    if named:
        return max(named, key=lambda element: (len(text_of(element)), element.tag == "h1"))
    tops = [e for e in body.iter("h1") if text_of(e) and not _within(e, {"nav", "header"})]
    return tops[0] if len(tops) == 1 else None


def _is_chrome(element: HtmlElement, most: float, headline: HtmlElement | None) -> bool:
    tag = element.tag
    if tag not in BLOCKS or tag in {"body", "main", "article", "html"}:
        return False
    chrome = tag in _CHROME_TAGS or (element.get("role") or "").lower() in _CHROME_ROLES
    names = _names(element)
    chrome = chrome or bool(names & _CHROME_NAMES)
    chrome = chrome or {"site", "header"} <= names
    if not chrome or element is headline:
        return False
    if tag in {"header", "footer"} and _within(element, {"article"}):
        # A release's own head and foot, unless they only link.
        return tag == "footer" and _linked_share(element) > 0.6
    if headline is not None and any(each is headline for each in element.iter()):
        return False
    # A wrapper's name ("has-sidebar") says nothing when most of the page is inside of it.
    return _prose(element) <= most


def _names(element: HtmlElement) -> set[str]:
    both = f"{element.get('class') or ''} {element.get('id') or ''}"
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", both)
    return set(re.split(r"[^a-zß-ÿą-ż0-9]+", parted.lower())) | set(both.lower().split())


def _prose(element: HtmlElement) -> int:
    """How much running text an element holds: sentences that are not links."""
    total = 0
    for each in element.iter():
        if each.tag in BLOCKS:
            own = _own_text(each)
            if len(own) >= 40 or (each.tag in _TEXTS and len(own) >= 20):
                total += len(own)
    return total


def _own_text(element: HtmlElement) -> str:
    """Text of a block that is in no block below it and in no link."""
    parts = [element.text or ""]
    for child in element:
        if child.tag not in BLOCKS and child.tag != "a":
            parts.append(" ".join(child.itertext()))
        parts.append(child.tail or "")
    return " ".join(" ".join(parts).split())


def _linked_share(element: HtmlElement) -> float:
    whole = len(text_of(element))
    links = sum(len(text_of(link)) for link in element.iter("a"))
    return links / whole if whole else 0.0


def _into(found: Article, body: HtmlElement, headline: HtmlElement | None) -> HtmlElement:
    """Go down to the part that holds the release, leaving out what stands before and after."""
    current = body
    while True:
        whole = _prose(current)
        blocks = [child for child in current if child.tag in BLOCKS]
        heavy = [c for c in blocks if whole and _prose(c) >= whole * _ENOUGH]
        inner = next((c for c in heavy if c.tag not in _TEXTS | _TABLE), None)
        if inner is None:
            return current
        if headline is not None and not any(each is headline for each in inner.iter()):
            return current
        place = blocks.index(inner)
        _loose(found, current)
        for index, block in enumerate(blocks):
            if index < place or (index > place and not _belongs(block)):
                _take(found, block)
        if len([child for child in current if child.tag in BLOCKS]) > 1:
            return current
        current = inner


def _loose(found: Article, current: HtmlElement) -> None:
    """Leave out text and links that stand in no block of their own beside the one gone into."""
    texts = [current.text or ""]
    for child in list(current):
        texts.append(child.tail or "")
        child.tail = None
        if child.tag not in BLOCKS:
            texts.append(text_of(child))
            current.remove(child)
    current.text = None
    found.around += [" ".join(text.split()) for text in texts if text.strip()]


def _belongs(block: HtmlElement) -> bool:
    """Whether a block behind the text is the release's own: contacts, boilerplate, notes."""
    text = text_of(block)
    first = next((text_of(e) for e in block.iter() if _own_text(e)), text)
    if marks.is_contact(first) or marks.is_notes(first) or marks.opens_section(first):
        return _linked_share(block) < 0.9
    return has_details(text) and marks.CONTACT.match(text) is not None


def _contacts(found: Article, chrome: HtmlElement) -> list[HtmlElement]:
    """Blocks with press contacts in a sidebar or footer: they are what journalists look for."""
    kept: list[HtmlElement] = []
    for element in list(chrome.iter()):
        if element.tag not in BLOCKS or any(attached(element, other) for other in kept):
            continue
        text = text_of(element)
        if not 10 < len(text) < 600 or not has_details(text):
            continue
        first = next((text_of(e) for e in element.iter() if _own_text(e)), "")
        if not marks.is_press_contact(first):
            continue
        for inner in list(element.iter()):
            if inner is not element and inner.tag in BLOCKS and _names(inner) & _CHROME_NAMES:
                _take(found, inner)
        kept.append(element)
    for element in kept:
        element.drop_tree()
    return kept


def _prune(found: Article, inner: HtmlElement) -> None:
    """Take tools ("print", "share") and lists of links without a heading out of the text."""
    for element in list(inner.iter("ul", "ol", "p", "div", "section", "h2", "h3", "h4", "span")):
        if element is inner or not attached(element, inner):
            continue
        text = text_of(element)
        links = [text_of(link) for link in element.iter("a")]
        if not links or not text:
            continue
        tools = all(_TOOLS.fullmatch(link) for link in links if link)
        if tools and sum(map(len, links)) >= len(text) * 0.6:
            _take(found, element)
        elif element.tag in {"ul", "ol"} and len(links) >= 3 and _linked_share(element) > 0.9:
            before = element.getprevious()
            if before is None or before.tag not in {"h1", "h2", "h3", "h4", "h5", "h6", "p"}:
                _take(found, element)


def _articles(body: HtmlElement) -> list[str]:
    """Headlines of the articles of a page that shows several in full."""
    full = [
        element
        for element in body.iter("article")
        if not _within(element, {"article"}) and _prose(element) >= 500
    ]
    heads = [next((text_of(h) for h in each.iter("h1", "h2", "h3")), "") for each in full]
    shown = [head for head in heads if head]
    return shown if len(shown) >= 2 else []


def _take(found: Article, element: HtmlElement) -> None:
    text = text_of(element)
    if text:
        found.around.append(text)
    element.drop_tree()


def _within(element: HtmlElement, tags: set[str]) -> bool:
    return any(parent.tag in tags for parent in element.iterancestors())
