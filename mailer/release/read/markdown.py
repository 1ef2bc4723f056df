"""Markdown (CommonMark and tables, by markdown-it-py) to pieces. HTML in it stays as text."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from mailer.release.model import Block, BlockKind, Inline, Medium, PlaceholderLink
from mailer.release.read.headings import bold_headings
from mailer.release.read.inline import convert, drop_placeholders
from mailer.release.read.pieces import SOFT, Piece, tidy

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_SPEAKER = re.compile(r"[–—]\s*\S|--?\s+\S")
_LISTS = {"bullet_list": BlockKind.BULLETS, "ordered_list": BlockKind.NUMBERS}


def read(
    text: str, first_line: int
) -> tuple[list[Piece], list[PlaceholderLink], list[Piece], list[Medium]]:
    """The pieces of a Markdown text whose first line has number `first_line`, the placeholder
    links taken off, source lines that are markup alone (link definitions), and the pictures that
    stand alone in a paragraph and are files beside the text."""
    reader = _Reader(text, first_line)
    tree = SyntaxTreeNode(_PARSER.parse(text))
    nodes = [node for node in tree.children if not reader.pictures(node)]
    pieces = bold_headings([reader.piece(node) for node in nodes])
    return pieces, reader.placeholders, reader.unused(pieces), reader.media


class _Reader:
    def __init__(self, text: str, first_line: int) -> None:
        self.lines = text.split("\n")
        self.first = first_line
        self.placeholders: list[PlaceholderLink] = []
        self.extras: list[Piece] = []
        self.media: list[Medium] = []

    def pictures(self, node: SyntaxTreeNode) -> bool:
        """Take a paragraph that is nothing but pictures of files; False for any other node."""
        inline = node.children[0].token if node.type == "paragraph" and node.children else None
        tokens = [] if inline is None else inline.children or []
        images = [token for token in tokens if token.type == "image"]
        if not images or any(
            token.type not in ("image", "softbreak", "hardbreak")
            and (token.type != "text" or token.content.strip())
            for token in tokens
        ):
            return False
        sources = [unquote(str(image.attrs.get("src", ""))) for image in images]
        if not all(_is_file(source) for source in sources):
            return False
        line = (node.map[0] if node.map else 0) + self.first
        for source, image in zip(sources, images, strict=True):
            caption = " ".join(str(image.attrs.get("title") or "").split())
            self.media.append(Medium(source, caption=caption, alt=image.content, line=line))
        return True

    def piece(self, node: SyntaxTreeNode) -> Piece:
        begin, end = node.map or (0, 1)
        while end > begin + 1 and not self.lines[min(end, len(self.lines)) - 1].strip():
            end -= 1
        raw = "\n".join(self.lines[begin:end])
        first, last = begin + self.first, end - 1 + self.first
        if node.type == "heading":
            inlines = self.inlines(node)
            return Piece(BlockKind.SUBHEADING, first, last, raw, inlines, level=int(node.tag[1:]))
        if node.type == "paragraph":
            return Piece(BlockKind.PARAGRAPH, first, last, raw, self.inlines(node))
        block = self.block(node)
        return Piece(block.kind, first, last, raw, block.inlines, block.children, block.level)

    def block(self, node: SyntaxTreeNode) -> Block:
        line = (node.map[0] if node.map else 0) + self.first
        if node.type in _LISTS:
            items = tuple(self.item(child) for child in node.children)
            level = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
            return Block(_LISTS[node.type], (), items, line=line, level=0 if level == 1 else level)
        if node.type == "blockquote":
            children = tuple(self.quoted(child) for child in node.children)
            return Block(BlockKind.QUOTE, (), children, line=line)
        if node.type in {"fence", "code_block"}:
            content = node.content.rstrip("\n")
            self.hidden(node.info, line)
            return Block(BlockKind.CODE, (Inline(content, code=True),), line=line)
        if node.type == "hr":
            return Block(BlockKind.RULE, line=line)
        if node.type == "table":
            return Block(BlockKind.TABLE, (), self.rows(node), line=line)
        if node.type == "heading":
            kind, level = BlockKind.SUBHEADING, max(2, int(node.tag[1:]))
            return Block(kind, tidy(self.inlines(node)), level=level, line=line)
        return Block(BlockKind.PARAGRAPH, tidy(self.inlines(node)), line=line)

    def quoted(self, node: SyntaxTreeNode) -> Block:
        """A block of a quotation: who said it keeps the line that a dash begins."""
        if node.type != "paragraph":
            return self.block(node)
        runs = list(self.inlines(node))
        for index, (run, following) in enumerate(pairwise(runs)):
            if run.text == SOFT and _SPEAKER.match(following.text):
                runs[index] = replace(run, text="\n")
        line = (node.map[0] if node.map else 0) + self.first
        return Block(BlockKind.PARAGRAPH, tidy(tuple(runs)), line=line)

    def item(self, node: SyntaxTreeNode) -> Block:
        line = (node.map[0] if node.map else 0) + self.first
        children = [self.block(child) for child in node.children]
        if children and children[0].kind is BlockKind.PARAGRAPH:
            return Block(BlockKind.ITEM, children[0].inlines, tuple(children[1:]), line=line)
        return Block(BlockKind.ITEM, (), tuple(children), line=line)

    def rows(self, node: SyntaxTreeNode) -> tuple[Block, ...]:
        """A table's rows, that of the column heads first."""
        return tuple(
            Block(
                BlockKind.ROW,
                (),
                tuple(
                    Block(
                        BlockKind.CELL,
                        tidy(self.inlines(cell)),
                        level=int("right" in str(cell.attrs.get("style", ""))),
                    )
                    for cell in row.children
                ),
                line=(row.map[0] if row.map else 0) + self.first,
            )
            for section in node.children
            for row in section.children
        )

    def inlines(self, node: SyntaxTreeNode) -> tuple[Inline, ...]:
        found: list[Inline] = []
        line = (node.map[0] if node.map else 0) + self.first
        for child in node.children:
            token = child.token if child.type == "inline" else None
            if token is not None:
                line = (token.map[0] if token.map else line - self.first) + self.first
                found.extend(convert(token.children or []))
                for inner in token.children or []:
                    self.hidden(str(inner.attrs.get("title") or ""), line)
                    if inner.type == "image" and inner.level:
                        self.hidden(_wrapper(token.children or [], inner), line)
        inlines, placeholders = drop_placeholders(tuple(found), line)
        self.placeholders += placeholders
        return inlines

    def hidden(self, text: str, line: int) -> None:
        """Keep words that are markup and shown nowhere, such as the title of a link."""
        if text:
            self.extras.append(Piece(BlockKind.PARAGRAPH, line, line, text))

    def unused(self, pieces: list[Piece]) -> list[Piece]:
        """Lines that no piece took, such as the definitions of reference links."""
        taken = {line for piece in pieces for line in range(piece.first, piece.last + 1)}
        rest: list[Piece] = list(self.extras)
        for index, line in enumerate(self.lines):
            number = index + self.first
            if line.strip() and number not in taken:
                rest.append(Piece(BlockKind.PARAGRAPH, number, number, line))
        return rest


def _is_file(source: str) -> bool:
    """Whether a picture's source is a file and no address or placeholder."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#", source) is None and "." in source


def _wrapper(tokens: list[Token], image: Token) -> str:
    """The address of the link around a picture; the picture itself is linked to its source."""
    opened = ""
    for token in tokens:
        if token.type == "link_open":
            opened = str(token.attrs.get("href", ""))
        elif token.type == "link_close":
            opened = ""
        elif token is image:
            return opened
    return ""
