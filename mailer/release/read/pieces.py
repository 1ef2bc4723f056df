"""What every format's reader hands on: the text cut into pieces, each with its place.

A piece is a block of the release before anybody knows what it is for. Line breaks inside a
paragraph are kept as `SOFT` until then, since an address needs them and a wrapped one does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailer.release.model import Block, BlockKind, Inline
from mailer.release.text import joins_without_space

SOFT = "\x0b"
"""A line break of the source that may or may not mean anything."""

HYPHEN_WORDS = frozenset(
    [
        "und",
        "oder",
        "bzw",
        "sowie",
        "and",
        "or",
        "et",
        "ou",
        "y",
        "o",
        "e",
        "i",
        "lub",
        "oraz",
        "en",
        "of",
        "och",
        "og",
    ]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of the source: `raw` are its source lines `first`–`last` (1-based).

    `labelled`: it belongs to the WHAT, WHEN, WHERE of an invitation, so to the text, however much
    it looks like an address or a contact.
    """

    kind: BlockKind
    first: int
    last: int
    raw: str
    inlines: tuple[Inline, ...] = ()
    children: tuple[Block, ...] = ()
    level: int = 0
    labelled: bool = False

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Visible text by source line, without markup; for lists the items."""
        if self.kind in {BlockKind.BULLETS, BlockKind.NUMBERS, BlockKind.QUOTE, BlockKind.TABLE}:
            return [(child.line or self.first, child.text) for child in self.children]
        own = "".join(inline.text for inline in self.inlines)
        parts = own.replace("\n", SOFT).split(SOFT)
        return [(self.first + index, part.strip()) for index, part in enumerate(parts)]

    @property
    def text(self) -> str:
        """The visible text as one run, soft breaks resolved."""
        return self.block().text

    @property
    def is_bold(self) -> bool:
        """Whether all of it is strong."""
        visible = [inline for inline in self.inlines if inline.text.strip(SOFT + " \n")]
        return bool(visible) and all(inline.strong for inline in visible)

    @property
    def is_italic(self) -> bool:
        """Whether all of it is emphasised."""
        visible = [inline for inline in self.inlines if inline.text.strip(SOFT + " \n")]
        return bool(visible) and all(inline.emphasis for inline in visible)

    def block(self) -> Block:
        """The piece as a block of the release."""
        level = max(2, self.level) if self.kind is BlockKind.SUBHEADING else self.level
        inlines = self.inlines if self.kind is BlockKind.CODE else tidy(self.inlines)
        return Block(self.kind, inlines, self.children, level, self.first)

    def with_lines(self, keep: list[int]) -> Piece | None:
        """The piece reduced to the source lines in `keep`, or None when nothing is left."""
        rows = split_rows(self.inlines)
        kept = [row for index, row in enumerate(rows) if self.first + index in keep]
        if not kept:
            return None
        inlines: list[Inline] = []
        for row in kept:
            if inlines:
                inlines.append(Inline(SOFT))
            inlines.extend(row)
        raw = self.raw.split("\n")
        source = [raw[n - self.first] for n in keep if 0 <= n - self.first < len(raw)]
        return replace(
            self, inlines=tuple(inlines), first=keep[0], last=keep[-1], raw="\n".join(source)
        )


def tidy(inlines: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """Resolve soft breaks to a space (nothing between two CJK lines), merge equal neighbours."""
    merged: list[Inline] = []
    for inline in inlines:
        if merged and replace(merged[-1], text="") == replace(inline, text=""):
            merged[-1] = replace(inline, text=merged[-1].text + inline.text)
        elif inline.text:
            merged.append(inline)
    whole = "".join(inline.text for inline in merged)
    result: list[Inline] = []
    place = 0
    for inline in merged:
        chars: list[str] = []
        for char in inline.text:
            if char == SOFT:
                chars.append(_break(whole[:place].rstrip(SOFT), whole[place + 1 :].lstrip(SOFT)))
            else:
                chars.append(char)
            place += 1
        result.append(replace(inline, text="".join(chars)))
    return trim(tuple(result))


def trim(inlines: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """Take white space off both ends of a run of inlines."""
    items = [inline for inline in inlines if inline.text]
    while items:
        first = items[0].text.lstrip(" \t\n" + SOFT)
        if first:
            items[0] = replace(items[0], text=first)
            break
        items.pop(0)
    while items:
        last = items[-1].text.rstrip(" \t\n" + SOFT)
        if last:
            items[-1] = replace(items[-1], text=last)
            break
        items.pop()
    return tuple(items)


def drop_start(inlines: tuple[Inline, ...], count: int) -> tuple[Inline, ...]:
    """The inlines without their first `count` characters."""
    rest: list[Inline] = []
    for inline in inlines:
        if count >= len(inline.text):
            count -= len(inline.text)
            continue
        rest.append(replace(inline, text=inline.text[count:]))
        count = 0
    return trim(tuple(rest))


def split_rows(inlines: tuple[Inline, ...]) -> list[list[Inline]]:
    """The inlines by source line."""
    rows: list[list[Inline]] = [[]]
    for inline in inlines:
        for index, part in enumerate(inline.text.replace("\n", SOFT).split(SOFT)):
            if index:
                rows.append([])
            if part:
                rows[-1].append(replace(inline, text=part))
    return rows


def _break(before: str, after: str) -> str:
    if joins_without_space(before, after):
        return ""
    # "well-" + "known" is one word, "Haupt-" + "und Nebensache" is not; nothing is dehyphenated.
    if before[-1] == "-" and before[-2:-1].isalpha() and after[:1].islower():
        word = after.split(None, 1)[0].strip(",.;")
        return " " if word in HYPHEN_WORDS else ""
    return "" if before[-1].isspace() or after[0].isspace() else " "
