"""Plain text to pieces: paragraphs wrapped or not, lists, headings, quotes, as people type them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from mailer.release.model import Block, BlockKind, PlaceholderLink
from mailer.release.read import marks
from mailer.release.read.inline import drop_placeholders, light, titles
from mailer.release.read.pieces import SOFT, Piece, tidy
from mailer.release.text import ends_sentence, width

_BULLET = re.compile(r"\s*(?:([•·▪◦‣●○■□–—*+\-])\s+|([・･])\s*)(?=\S)")
_SIGN = re.compile(r"\s*[■□◆◇●○▼▽★☆※]\s*(?=\S)")
"""Signs that open a heading where one line has it and the next has not, as in Japan."""
_NUMBER = re.compile(r"\s*\(?(\d{1,3})[.)]\s+(?=\S)")
_RULE = re.compile(r"\s*([-_=*~–—])(\s*\1){2,}\s*")
_ATX = re.compile(r"(#{1,6})\s+(.*?)(?:\s+#+)?\s*")
_FIELD = re.compile(r"[^\W\d_a-zà-ÿ]{2,}(?: [^\W\d_a-zà-ÿ]{2,})?\s*[:：]\s*\S")
_QUOTED = re.compile(r"\s*>\s?")
_LONG = 110
"""Columns from which a line is a whole paragraph: nobody wraps that wide."""
_UNBREAKABLE = re.compile(r"(?:https?://|www\.)\S+|\S{50,}", re.IGNORECASE)
_WRAP = 45
"""Columns below which short lines are lines of their own: addresses, contacts."""
_HEADING_WIDTH = 90


@dataclass(slots=True)
class _Group:
    """Source lines that stand together: (number, text)."""

    rows: list[tuple[int, str]]

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.rows]

    @property
    def raw(self) -> str:
        return "\n".join(self.texts)


def read(text: str, first_line: int) -> tuple[list[Piece], list[PlaceholderLink], list[Piece]]:
    """The pieces of a plain text whose first line has number `first_line`, the placeholder links
    taken off their words, and words that are markup (titles of links)."""
    groups = [
        part
        for group in _groups(text, first_line)
        for signed in _signed(group)
        for part in _parts(signed)
    ]
    wrap = _wrap_width(groups)
    groups = [part for group in groups for part in _led_by_heading(group, wrap)]
    placeholders: list[PlaceholderLink] = []
    pieces: list[Piece] = []
    for index, group in enumerate(groups):
        following = groups[index + 1] if index + 1 < len(groups) else None
        pieces.append(_piece(group, following, wrap, placeholders))
    unused = [
        Piece(BlockKind.PARAGRAPH, group.rows[0][0], group.rows[-1][0], title)
        for group in groups
        for title in titles("\n".join(group.texts))
    ]
    return _merged_lists(pieces), placeholders, unused


def _groups(text: str, first_line: int) -> list[_Group]:
    groups: list[_Group] = []
    rows: list[tuple[int, str]] = []
    for index, line in enumerate(text.split("\n")):
        # A form feed ends a page; the number of the line stays what an editor shows.
        line = line.replace("\f", "").replace("\v", " ").expandtabs(4).rstrip()
        if line.strip():
            rows.append((index + first_line, line))
        elif rows:
            groups.append(_Group(rows))
            rows = []
    if rows:
        groups.append(_Group(rows))
    return groups


def _signed(group: _Group) -> list[_Group]:
    """Part "■ Outline" from the lines below it that have no such sign."""
    parts: list[_Group] = []
    for index, row in enumerate(group.rows):
        sign = _SIGN.match(row[1])
        below = group.rows[index + 1][1] if index + 1 < len(group.rows) else ""
        alone = sign and below and below.lstrip()[:1] != row[1].lstrip()[:1]
        if alone and width(row[1]) <= 60 and not ends_sentence(row[1]):
            parts += [_Group([row]), _Group([])]
        elif parts:
            parts[-1].rows.append(row)
        else:
            parts.append(_Group([row]))
    return [part for part in parts if part.rows]


def _parts(group: _Group) -> list[_Group]:
    """Cut a run of lines where a line is a rule, heading, list item or paragraph of its own."""
    parts: list[_Group] = []
    bullets = sum(1 for text in group.texts if _BULLET.match(text))
    numbered = _numbered(group)
    dashes_only = all(text.lstrip()[:1] in "–—" for text in group.texts if _BULLET.match(text))
    listed = (
        bullets >= 2 or (bullets == 1 and len(group.rows) == 1) or (bullets and not dashes_only)
    )
    if dashes_only and bullets == 1:
        listed = False  # A lone dash opens speech in many languages.
    indented = not listed and not numbered and _indented(group)
    fresh = True
    bold_open = False
    for number, text in group.rows:
        previous = parts[-1].rows[-1][1] if parts else ""
        single = bool(_RULE.fullmatch(text) or _ATX.fullmatch(text))
        if _RULE.fullmatch(text) and not fresh and _is_underline(previous, text):
            single = False
        new = (
            fresh
            or single
            or (listed and _BULLET.match(text) is not None)
            or (numbered and _NUMBER.match(text) is not None)
            or (bool(_QUOTED.match(text)) and text.lstrip()[:1] == ">")
            != (previous.lstrip()[:1] == ">")
            or (not bold_open and max(_filled(text), _filled(previous)) > _LONG)
            or (indented and text.startswith("  "))
        )
        if new:
            parts.append(_Group([(number, text)]))
        else:
            parts[-1].rows.append((number, text))
        bold_open = (bold_open and not new) != (text.count("**") % 2 == 1)
        fresh = single or (not new and bool(_RULE.fullmatch(text)))
    return parts


def _filled(text: str) -> int:
    """Columns of a line without its web address, which no editor can wrap."""
    columns = width(text)
    return width(_UNBREAKABLE.sub("", text)) if columns > _LONG else columns


def _numbered(group: _Group) -> bool:
    numbers = [int(m.group(1)) for m in map(_NUMBER.match, group.texts) if m]
    if len(numbers) >= 2:
        return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return len(numbers) == 1 and bool(_NUMBER.match(group.texts[0])) and numbers[0] < 32


def _indented(group: _Group) -> bool:
    """Paragraphs told apart by an indented first line only."""
    starts = [text.startswith("  ") for text in group.texts]
    return (
        any(starts)
        and not all(starts)
        and max(map(width, group.texts)) > _WRAP
        and not any(one and two for one, two in pairwise(starts))
    )


def _wrap_width(groups: list[_Group]) -> int:
    """The column at which this text is wrapped, 0 when it is not."""
    widths = [
        width(text)
        for group in groups
        if len(group.rows) >= 2
        for text in group.texts[:-1]
        if _WRAP <= width(text) <= _LONG
    ]
    return max(widths) if len(widths) >= 2 else 0


def _led_by_heading(group: _Group, wrap: int) -> list[_Group]:
    """Part "Background" from the wrapped paragraph that follows it without an empty line."""
    texts = group.texts
    follows = "" if len(texts) < 2 else texts[1]
    if marks.opens_section(texts[0]) and width(follows) >= 40 and _heading_start(follows):
        return [_Group(group.rows[:1]), _Group(group.rows[1:])]
    if len(texts) < 3 or not wrap or width(texts[0]) > 60 or _starts_list(texts[0]):
        return [group]
    rest = _Group(group.rows[1:])
    first_word = texts[1].split()[0]
    room = width(texts[0]) + 1 + width(first_word) < min(wrap, max(map(width, texts)))
    prose = sum(map(width, texts[1:])) >= 100 and _wrapped(rest.texts, wrap)
    if room and prose and heading_like(texts[0]) and _heading_start(texts[1]):
        return [_Group(group.rows[:1]), rest]
    return [group]


def _piece(
    group: _Group, following: _Group | None, wrap: int, placeholders: list[PlaceholderLink]
) -> Piece:
    first, last = group.rows[0][0], group.rows[-1][0]
    texts = group.texts
    if len(texts) == 1 and _RULE.fullmatch(texts[0]):
        return Piece(BlockKind.RULE, first, last, group.raw)
    atx = _ATX.fullmatch(texts[0]) if len(texts) == 1 else None
    if atx and atx.group(2).strip("# "):
        inlines, found = drop_placeholders(light(atx.group(2)), first)
        placeholders += found
        return Piece(BlockKind.SUBHEADING, first, last, group.raw, inlines, level=len(atx.group(1)))
    if len(texts) >= 2 and _is_underline(texts[-2], texts[-1]):
        inlines, found = drop_placeholders(light(SOFT.join(t.strip() for t in texts[:-1])), first)
        placeholders += found
        level = 1 if texts[-1].strip()[0] == "=" else 2
        return Piece(BlockKind.SUBHEADING, first, last, group.raw, inlines, level=level)
    if all(text.lstrip().startswith(">") for text in texts):
        inner = "\n".join(_QUOTED.sub("", text, count=1) for text in texts)
        pieces, found, _ = read(inner, first)
        placeholders += found
        children = tuple(piece.block() for piece in pieces)
        return Piece(BlockKind.QUOTE, first, last, group.raw, (), children)
    if len(texts) == 1 and _titled(group, following):
        inlines, found = drop_placeholders(light(_SIGN.sub("", texts[0], count=1)), first)
        placeholders += found
        return Piece(BlockKind.SUBHEADING, first, last, group.raw, inlines, level=2)
    marker = _list_marker(group, following)
    if marker is not None:
        kind, body, start = marker
        inlines, found = drop_placeholders(light(_joined(body, wrap, True)), first)
        placeholders += found
        item = Block(BlockKind.ITEM, tidy(inlines), (), line=first)
        return Piece(kind, first, last, group.raw, (), (item,), start)
    inlines, found = drop_placeholders(light(_joined(texts, wrap, False)), first)
    placeholders += found
    kind = BlockKind.PARAGRAPH
    if _is_heading(texts, following):
        kind = BlockKind.SUBHEADING
    return Piece(
        kind, first, last, group.raw, inlines, level=2 if kind is not BlockKind.PARAGRAPH else 0
    )


def _titled(group: _Group, following: _Group | None) -> bool:
    """Whether a line with a sign is a heading: text without one stands right below it."""
    text = group.texts[0]
    return (
        _SIGN.match(text) is not None
        and following is not None
        and following.rows[0][0] == group.rows[0][0] + 1
        and following.texts[0].lstrip()[:1] != text.lstrip()[:1]
    )


def _list_marker(
    group: _Group, following: _Group | None
) -> tuple[BlockKind, list[str], int] | None:
    """Kind, text and number (0 for the usual first) of a list item, None when it is none."""
    texts = group.texts
    bullet = _BULLET.match(texts[0])
    if bullet and (
        (bullet.group(1) or "・") not in "–—"
        or (following and _same_marker(texts[0], following.texts[0]))
    ):
        return BlockKind.BULLETS, [texts[0][bullet.end() :], *texts[1:]], 0
    number = _NUMBER.match(texts[0])
    if (
        number
        and int(number.group(1)) < 100
        and not re.match(r"\s*\d{1,2}\.\s+\w+\s+\d{4}", texts[0])
    ):
        start = int(number.group(1))
        return BlockKind.NUMBERS, [texts[0][number.end() :], *texts[1:]], 0 if start == 1 else start
    return None


def _same_marker(text: str, other: str) -> bool:
    one, two = _BULLET.match(text), _BULLET.match(other)
    return bool(one and two and one.group().strip() == two.group().strip())


def _starts_list(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBER.match(text))


def _joined(texts: list[str], wrap: int, item: bool) -> str:
    """The lines as one paragraph, or with kept breaks where each is a line of its own."""
    stripped = [text.strip() for text in texts]
    soft = item or _wrapped(stripped, wrap) or _bold_over_lines(texts)
    return (SOFT if soft else "\n").join(stripped)


def _bold_over_lines(texts: list[str]) -> bool:
    whole = "\n".join(texts).strip()
    return whole.startswith("**") and whole.endswith("**") and whole.count("**") == 2


def _wrapped(texts: list[str], wrap: int) -> bool:
    """Whether the line ends were made by a wrapping editor: each line is as full as can be."""
    if len(texts) < 2:
        return True
    widest = max(map(width, texts))
    if widest < _WRAP:
        return False
    limit = min(widest, wrap) if wrap else widest
    full = sum(
        1
        for text, following in pairwise(texts)
        if width(text) + 1 + width(following.split()[0]) > limit - 8
        or (width(text) >= _WRAP and (ends_sentence(text) or following[:1].islower()))
    )
    return full >= (len(texts) - 1) * 0.8


def _is_underline(text: str, line: str) -> bool:
    mark = line.strip()
    alone = set(mark) <= {"="} or set(mark) <= {"-"}
    return (
        alone and len(mark) >= 3 and bool(text.strip()) and abs(len(mark) - len(text.strip())) <= 3
    )


def _is_heading(texts: list[str], following: _Group | None) -> bool:
    if following is None or len(texts) > 2 or not heading_like(" ".join(t.strip() for t in texts)):
        return False
    after = " ".join(text.strip() for text in following.texts)
    prose = width(after) >= 80 or ends_sentence(after) or after.endswith((":", "："))
    prose = prose or _starts_list(following.texts[0])
    return prose and not after[:1].islower()


def _heading_start(text: str) -> bool:
    return not text.strip()[:1].islower()


def heading_like(text: str) -> bool:
    """Whether a line reads like a heading: short, no sentence, no address or number."""
    plain = text.strip().strip("*_ ")
    if not plain or width(plain) > _HEADING_WIDTH or len(plain.split()) > 14:
        return False
    if (
        plain[0].islower()
        or "@" in plain
        or plain[-1] in ".,;:–—-…。："
        or plain[0] in '"“„«»–—-(>'
    ):
        return False
    # 'She called it "a down payment."' is a sentence, "WHERE: Union Station" a field.
    if plain.rstrip("\"'”’»“)]")[-1:] in ".,;" or _FIELD.match(plain):
        return False
    letters = sum(char.isalpha() for char in plain)
    return letters >= 3 and not re.search(r"\d[\d \-/]{6,}\d", plain) and "://" not in plain


def _merged_lists(pieces: list[Piece]) -> list[Piece]:
    """Items that follow each other are one list, empty lines between them or not."""
    merged: list[Piece] = []
    for piece in pieces:
        kinds = {BlockKind.BULLETS, BlockKind.NUMBERS}
        if merged and piece.kind in kinds and merged[-1].kind is piece.kind:
            last = merged[-1]
            gap = "\n" * (piece.first - last.last)
            merged[-1] = Piece(
                last.kind,
                last.first,
                piece.last,
                last.raw + gap + piece.raw,
                (),
                last.children + piece.children,
                last.level,
            )
        else:
            merged.append(piece)
    return merged
