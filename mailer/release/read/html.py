"""HTML to pieces: pages saved from the web, and what Word documents and mails are turned into."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lxml import etree
from lxml import html as parser
from lxml.html import HtmlElement

from mailer.errors import InputError
from mailer.release.model import BlockKind, PlaceholderLink
from mailer.release.read import htmlarticle, htmlclean
from mailer.release.read.headings import bold_headings
from mailer.release.read.htmlblocks import BLOCKS, Blocks, visible
from mailer.release.read.inline import drop_placeholders
from mailer.release.read.paper import Paper, laid_out
from mailer.release.read.sniff import Format

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_HEAD = 8192
"""Characters in which a page's DOCTYPE stands."""
"""Elements inside each other; a page made by people has some thirty."""


@dataclass(slots=True)
class Page:
    """A parsed document: its body, and what its head says."""

    root: HtmlElement
    body: HtmlElement
    title: str = ""
    address: str | None = None
    language: str | None = None


def read(text: str, name: str) -> Paper:
    """A web page. Raises InputError when it has no text, or shows several articles in full."""
    page = parse(text, name)
    whole = words_of(page.body)
    cleaned = htmlclean.clean(page.body)
    article = htmlarticle.find(page.body, page.title)
    if article.several:
        raise two_articles(name, article.several)
    paper = from_elements(article.elements, cleaned, page.address, name)
    paper.whole, paper.language = whole, page.language
    paper.leave_out("page_around", article.around)
    if article.around:
        count = sum(len(text.split()) for text in article.around)
        paper.tell(
            "page_around_left_out",
            f"What stands around the text on the page was left out ({count} words): "
            f"“{clip(' '.join(article.around))}”.",
            "`mailer release show` lists it; copy into the file what belongs to the release.",
        )
    return paper


def parse(text: str, name: str) -> Page:
    """Parse HTML, well-formed or not. Raises InputError when there is nothing in it."""
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    text = _CONTROLS.sub("", text)
    # No browser knows the entities that an inner part of a DOCTYPE declares.
    head, rest = text[:_HEAD], text[_HEAD:]
    text = re.sub(r"<!DOCTYPE[^>\[]{0,200}\[.*?\]\s*>", "", head, count=1, flags=re.I | re.S) + rest
    reader = parser.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = parser.document_fromstring(text.encode(), parser=reader)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise no_text(name, "page") from None
    if any("depth" in str(entry.message).lower() for entry in reader.error_log):
        # The parser drops what is nested deeper than it goes, so this cannot be read whole.
        raise InputError(
            "the page's elements are nested deeper than in any page that people make.",
            where=name,
            hint="Copy its text into a file of its own.",
        )
    body = next(root.iter("body"), root)
    page = Page(root, body)
    titles = [str(e.get("content")) for e in root.iter("meta") if e.get("property") == "og:title"]
    titles += [htmlclean.text_of(e) for e in root.iter("title")]
    page.title = " | ".join(filter(None, titles))
    links = [e.get("href") for e in root.iter("base")]
    links += [e.get("href") for e in root.iter("link") if e.get("rel") == "canonical"]
    links += [e.get("content") for e in root.iter("meta") if e.get("property") == "og:url"]
    page.address = next((link for link in links if link and htmlclean.is_absolute(link)), None)
    language = str(root.get("lang") or root.get("xml:lang") or "").replace("_", "-")
    page.language = language if _LANGUAGE.fullmatch(language) else None
    return page


def from_elements(
    elements: list[HtmlElement], cleaned: htmlclean.Cleaned, base: str | None, name: str
) -> Paper:
    """Cleaned elements as a paper, with all that had to be told of them.

    Raises InputError when there is no text in them.
    """
    blocks = Blocks(cleaned, base)
    pieces = blocks.pieces(elements)
    if not any(piece.kind is not BlockKind.RULE for piece in pieces):
        raise no_text(name, "file")
    text, placed = laid_out(pieces)
    found: list[PlaceholderLink] = []
    for index, piece in enumerate(placed):
        inlines, missing = drop_placeholders(piece.inlines, piece.first)
        placed[index] = replace(piece, inlines=inlines)
        found += missing
    paper = Paper(text, bold_headings(placed), Format.HTML.value, placeholders=found)
    paper.leave_out("hidden", cleaned.hidden)
    paper.leave_out("page_control", cleaned.labels)
    paper.leave_out("caption", blocks.captions)
    paper.leave_out("link_target", (href for _, href in blocks.relative))
    _tell(paper, cleaned, blocks)
    return paper


def words_of(body: HtmlElement) -> str:
    """All words in a body, whether they are shown or not, apart from scripts and styles."""
    parts: list[str] = []
    _collect(body, parts)
    return visible("".join(parts))


def no_text(name: str, what: str) -> InputError:
    """The error for a document in which nothing is written."""
    return InputError(
        f"there is no text in the {what}.", where=name, hint="Check that it is the right file."
    )


def two_articles(name: str, headlines: list[str]) -> InputError:
    """The error for a file that holds more than one release."""
    first, second = (clip(headline, 90) for headline in headlines[:2])
    return InputError(
        f"there are two releases in the file: “{first}” and “{second}”.",
        where=name,
        hint="Save each in a file of its own.",
    )


def clip(text: str, most: int = 120) -> str:
    """The beginning of a text, for a sentence about it."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def told_active(paper: Paper, cleaned: htmlclean.Cleaned) -> None:
    """Say what was taken out because it does something instead of being read."""
    if sentence := cleaned.sentence():
        paper.tell(
            "active_content_removed",
            f"Taken out, since it is no text: {sentence}.",
            "Nothing need be done.",
        )


def told_pictures(paper: Paper, pictures: Iterable[tuple[str, str]]) -> None:
    """Say which pictures of a file are not sent, and keep the words that stand for them."""
    named = list(pictures)
    if not named:
        return
    paper.leave_out("picture", (words for words, _ in named))
    shown = [words or source.rsplit("/", 1)[-1][:60] for words, source in named]
    words = ", ".join(f"“{clip(each, 60)}”" for each in shown[:4] if each)
    count = "A picture is" if len(named) == 1 else f"{len(named)} pictures are"
    paper.tell(
        "picture_left_out",
        f"{count} in the file and not sent{f': {words}' if words else ''}.",
        "Link to the picture in the text if journalists need it.",
    )


def _tell(paper: Paper, cleaned: htmlclean.Cleaned, blocks: Blocks) -> None:
    told_pictures(paper, blocks.pictures)
    told_active(paper, cleaned)
    if cleaned.embedded:
        paper.leave_out("embedded", cleaned.embedded)
        paper.tell(
            "embedded_left_out",
            f"A film, map or other embedded page is not sent: {clip(cleaned.embedded[0])}.",
            "Link to it in the text if journalists need it.",
        )
    if cleaned.hidden:
        paper.tell(
            "hidden_text_left_out",
            f"Text that the page does not show was left out: “{clip(' '.join(cleaned.hidden))}”.",
            "Write it into the text if it belongs there.",
        )
    if blocks.relative:
        words, href = blocks.relative[0]
        more = f" and {len(blocks.relative) - 1} more" if len(blocks.relative) > 1 else ""
        paper.tell(
            "relative_link",
            f"The link of “{clip(words, 60)}” ({clip(href, 60)}){more} leads nowhere without its "
            "page; the words are sent without it.",
            "Write the whole address, with https://.",
        )


def _collect(element: HtmlElement, parts: list[str]) -> None:
    # Iterative, for a page may nest deeper than Python calls.
    stack: list[HtmlElement | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        tag = node.tag if isinstance(node.tag, str) else ""
        if node.tail and node is not element:
            stack.append(node.tail)
        if not tag or tag in {"script", "style", "template", "head", "title"}:
            continue
        apart = tag in BLOCKS or tag in {"br", "option", "button", "noscript", "select"}
        stack.append("\n" if apart else "")
        for child in reversed(node):
            stack.append(child)
        stack.append(("\n" if apart else "") + (node.text or ""))
