"""Elements of a cleaned HTML tree to pieces: paragraphs, headings, lists, tables, quotations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from lxml.html import HtmlElement

from mailer.release.model import Block, BlockKind, Inline
from mailer.release.read.htmlclean import Cleaned, is_absolute, plain_address, text_of
from mailer.release.read.inline import linked
from mailer.release.read.pieces import Piece, tidy, trim

_BLOCKS_WORDS = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav "
    "ol p pre section summary table tbody td tfoot th thead tr ul"
)
BLOCKS = frozenset(_BLOCKS_WORDS.split())
"""Elements that begin and end a line."""

_SPACE = re.compile(r"[ \t\r\n\f]+")
_BOLD = re.compile(r"font-weight\s*:\s*(bold|bolder|normal|lighter|\d+)", re.I)
_SLANTED = re.compile(r"font-style\s*:\s*(italic|oblique|normal)", re.I)
_FIGURES = re.compile(r"[\s+\-−–±~≈]*[\d.,'’ \u00a0\u202f]+\s*(?:%|€|\$|£|[A-Z]{3})?\s*")
_INVISIBLE = str.maketrans("", "", "\u00ad\u200b\u2060\ufeff")


@dataclass(frozen=True, slots=True)
class _Style:
    href: str | None = None
    strong: bool = False
    emphasis: bool = False
    code: bool = False


@dataclass(slots=True)
class Blocks:
    """Turns elements into pieces and collects what is no text.

    `pictures` are (words for it, address), `captions` the words below pictures, `relative` links
    that lead nowhere without their page.
    """

    cleaned: Cleaned
    base: str | None = None
    pictures: list[tuple[str, str]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    relative: list[tuple[str, str]] = field(default_factory=list)

    def pieces(self, elements: list[HtmlElement]) -> list[Piece]:
        """The pieces of some elements, in their order. Their places are not known yet."""
        flow = _Flow(self)
        for element in elements:
            flow.element(element, _Style())
            flow.end()
        return flow.out


def visible(text: str) -> str:
    """A text without the characters that show nothing, such as soft hyphens."""
    return text.translate(_INVISIBLE)


class _Flow:
    """A stretch of a page: runs of text are collected until a block begins or ends."""

    def __init__(self, owner: Blocks) -> None:
        self.owner = owner
        self.out: list[Piece] = []
        self.run: list[Inline] = []

    def element(self, element: HtmlElement, style: _Style) -> None:
        tag = element.tag.lower() if isinstance(element.tag, str) else ""
        if tag in BLOCKS:
            self.end()
            self.block(element, tag, style)
            self.end()
        elif tag == "br":
            self.run.append(Inline("\n", style.href, style.strong, style.emphasis))
        elif tag == "img":
            self.picture(element)
        elif tag == "wbr" or not tag:
            pass
        elif tag == "q":
            self.text("“", style)
            self.inside(element, style)
            self.text("”", style)
        else:
            self.inside(element, self.styled(element, tag, style))

    def inside(self, element: HtmlElement, style: _Style) -> None:
        self.text(element.text, style)
        for child in element:
            self.element(child, style)
            self.text(child.tail, style)

    def text(self, text: str | None, style: _Style) -> None:
        text = _SPACE.sub(" ", visible(text or ""))
        if not text:
            return
        before = self.run[-1].text[-1:] if self.run else "\n"
        if text[0] == " " and before in " \n":
            text = text[1:]
        run = Inline(text, style.href, style.strong, style.emphasis, style.code)
        if text:
            self.run += [run] if style.code or style.href is not None else linked(run)

    def styled(self, element: HtmlElement, tag: str, style: _Style) -> _Style:
        if tag in {"b", "strong"}:
            style = replace(style, strong=True)
        elif tag in {"i", "em", "cite", "dfn", "var"}:
            style = replace(style, emphasis=True)
        elif tag in {"code", "kbd", "samp", "tt"}:
            style = replace(style, code=True)
        elif tag == "a" and element.get("href") is not None:
            style = replace(style, href=self.target(element))
        css = element.get("style") or ""
        if bold := _BOLD.search(css):
            value = bold.group(1).lower()
            heavy = value.startswith("bold") or (value.isdecimal() and int(value) >= 600)
            style = replace(style, strong=heavy)
        if slanted := _SLANTED.search(css):
            style = replace(style, emphasis=slanted.group(1).lower() != "normal")
        return style

    def target(self, element: HtmlElement) -> str | None:
        """Where a link leads; None where only its words are to be kept."""
        owner = self.owner
        href = plain_address(str(element.get("href")), owner.base, owner.cleaned)
        words = text_of(element)
        if href is None or not words:
            return None
        if href.lower().startswith(("tel:", "sms:", "callto:")):
            return None
        if href.lower().startswith("mailto:"):
            address = href.split("?")[0]
            return None if unquote(address[7:]).lower() == words.lower() else address
        if href not in {"", "#"} and not is_absolute(href):
            owner.relative.append((words, href))
            return None
        return href

    def picture(self, element: HtmlElement) -> None:
        words = visible(element.get("alt") or "").strip()
        self.owner.pictures.append((words, (element.get("src") or "").strip()))

    def block(self, element: HtmlElement, tag: str, style: _Style) -> None:
        if tag in {"ul", "ol", "menu", "dir"}:
            self.listed(element, tag)
        elif tag == "table":
            self.table(element, style)
        elif tag == "blockquote":
            inner = self.inner(element)
            if inner:
                blocks = tuple(piece.block() for piece in inner)
                self.out.append(Piece(BlockKind.QUOTE, 0, 0, "", (), blocks))
        elif tag == "pre":
            self.preformatted(element)
        elif tag == "hr":
            self.out.append(Piece(BlockKind.RULE, 0, 0, ""))
        elif tag == "figure" and self.is_picture(element):
            for picture in element.iter("img"):
                self.picture(picture)
            self.owner.captions.append(visible(text_of(element)))
        elif tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.inside(element, self.styled(element, tag, style))
            self.end(BlockKind.SUBHEADING, int(tag[1]))
        else:
            if tag in {"dt", "summary", "legend"}:
                style = replace(style, strong=True)
            self.inside(element, self.styled(element, tag, style))

    def inner(self, element: HtmlElement) -> list[Piece]:
        flow = _Flow(self.owner)
        flow.inside(element, _Style())
        flow.end()
        return flow.out

    def is_picture(self, figure: HtmlElement) -> bool:
        if any(True for _ in figure.iter("table", "blockquote", "ul", "ol", "pre")):
            return False
        captions = "".join(text_of(caption) for caption in figure.iter("figcaption"))
        return len(text_of(figure)) <= len(captions) + 2 or any(True for _ in figure.iter("img"))

    def listed(self, element: HtmlElement, tag: str) -> None:
        items: list[Block] = []
        for child in element:
            inner = self.inner(child) if isinstance(child.tag, str) else []
            if tail := _SPACE.sub(" ", visible(child.tail or "")).strip():
                inner.append(Piece(BlockKind.PARAGRAPH, 0, 0, "", (Inline(tail),)))
            blocks = [piece.block() for piece in inner]
            if blocks and blocks[0].kind in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING}:
                items.append(Block(BlockKind.ITEM, blocks[0].inlines, tuple(blocks[1:])))
            elif blocks:
                items.append(Block(BlockKind.ITEM, (), tuple(blocks)))
        lead = _SPACE.sub(" ", visible(element.text or "")).strip()
        if lead:
            self.out.append(Piece(BlockKind.PARAGRAPH, 0, 0, "", (Inline(lead),)))
        if items:
            start = element.get("start") or "1"
            number = int(start) if tag == "ol" and re.fullmatch(r"\d{1,4}", start) else 1
            kind = BlockKind.NUMBERS if tag == "ol" else BlockKind.BULLETS
            level = 0 if number == 1 else number
            self.out.append(Piece(kind, 0, 0, "", (), tuple(items), level))

    def table(self, element: HtmlElement, style: _Style) -> None:
        """A table of figures as such; one that only sets things side by side in reading order."""
        rows = [row for row in element.iter("tr") if _owner(row) is element]
        cells = [[cell for cell in row if cell.tag in {"td", "th"}] for row in rows]
        if not _is_data(element, cells):
            self.inside(element, style)
            return
        for caption in element.iter("caption"):
            self.inside(caption, style)
            self.end()
        body: list[list[Block]] = []
        for row in cells:
            blocks: list[Block] = []
            for cell in row:
                inner = self.inner(cell)
                inlines: list[Inline] = []
                for piece in inner:
                    inlines += [Inline("\n")] if inlines else []
                    inlines += piece.inlines
                text = "".join(inline.text for inline in inlines)
                aligned = f"{cell.get('align')} {cell.get('style')}"
                level = int("right" in aligned or _FIGURES.fullmatch(text) is not None)
                blocks.append(Block(BlockKind.CELL, trim(tuple(inlines)), level=level))
                span = cell.get("colspan") or "1"
                wide = min(int(span), 20) if re.fullmatch(r"[0-9]{1,3}", span) else 1
                blocks += [Block(BlockKind.CELL)] * (wide - 1)
            body.append(blocks)
        columns = max(map(len, body))
        children = tuple(
            Block(BlockKind.ROW, (), (*row, *[Block(BlockKind.CELL)] * (columns - len(row))))
            for row in body
            if any(cell.inlines for cell in row)
        )
        self.out.append(Piece(BlockKind.TABLE, 0, 0, "", (), children))
        for child in element:  # Stray text between rows is text all the same.
            if (child.tail or "").strip():
                self.text(child.tail, style)

    def preformatted(self, element: HtmlElement) -> None:
        """Text whose lines and spaces count."""
        text = visible("".join(element.itertext())).strip("\r\n")
        if not text.strip():
            return
        runs = (Inline(text.rstrip(), code=True),)
        self.out.append(Piece(BlockKind.CODE, 0, 0, "", runs))

    def end(self, kind: BlockKind = BlockKind.PARAGRAPH, level: int = 0) -> None:
        """Make what was collected a paragraph; two line breaks in a row part two of them."""
        run, self.run = self.run, []
        part: list[Inline] = []
        breaks = 0
        for inline in [*run, Inline("\n"), Inline("\n")]:
            if inline.text != "\n":
                if breaks and part:
                    part.append(Inline("\n"))
                if breaks:
                    inline = replace(inline, text=inline.text.lstrip(" "))
                if inline.text.strip("\u00a0 ") or (part and not breaks):
                    part.append(inline)
                    breaks = 0
                continue
            breaks += 1
            if part:
                part[-1] = replace(part[-1], text=part[-1].text.rstrip(" "))
            if breaks >= 2 and part:
                self.paragraph(part, kind, level)
                part = []

    def paragraph(self, part: list[Inline], kind: BlockKind, level: int) -> None:
        """One run of text as a piece, unless nothing is written in it."""
        inlines = tidy(tuple(part))
        text = "".join(inline.text for inline in inlines)
        if not text.strip("\u00a0 \n"):
            return
        if kind is BlockKind.SUBHEADING:
            inlines = tuple(replace(inline, strong=False) for inline in inlines)
        self.out.append(Piece(kind, 0, 0, "", inlines, level=level))


def _owner(row: HtmlElement) -> HtmlElement | None:
    return next(iter(row.iterancestors("table")), None)


def _is_data(table: HtmlElement, rows: list[list[HtmlElement]]) -> bool:
    """Whether a table holds data: at least two columns and rows of short cells."""
    if (table.get("role") or "").lower() in {"presentation", "none"}:
        return False
    if len(rows) < 2 or max(map(len, rows)) < 2:
        return False
    if any(True for _ in table.iterdescendants("table", "h1", "h2", "h3", "ul", "ol", "img")):
        return False
    return all(len(text_of(cell)) <= 300 for row in rows for cell in row)
