"""Letters with places to paragraphs: lines, columns, margins, headings, words parted at line ends.

Pure geometry, in points from a page's lower left corner; nothing here knows the PDF.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from mailer.release.model import Block, BlockKind, Inline
from mailer.release.read import marks
from mailer.release.read.inline import linked
from mailer.release.read.pdfbidi import logical
from mailer.release.read.pdfcolumns import in_order
from mailer.release.read.pieces import HYPHEN_WORDS, SOFT, Piece, tidy
from mailer.release.text import direction_of, ends_sentence, fold

_BULLET = re.compile(r"[•·▪◦‣●○■□➢➤✓\uf0b7\uf0a7]\s+")
_DASH = re.compile(r"[–—*-]\s+")
_NUMBER = re.compile(r"(\d{1,2})[.)]\s+(?=\S)")
_HYPHENED = re.compile(r"([^\W\d_]+)([-\u00ad\u2010])$")
_GAP = "\x1f"
"""A gap in a line, as between the cells of a table: three spaces in the end."""

_LOOSE = re.compile(r"\s+(?=[\u0591-\u05c7\u064b-\u065f\u0670])")
"""White space before a vowel sign: the sign belongs to the letter before it."""

_MARGIN = 0.13
"""Share of a page's height at either end in which headers and footers stand."""


@dataclass(frozen=True, slots=True)
class Char:
    """A letter and the box of its line height around it; "\\n" and added spaces have none."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    bold: bool = False
    slanted: bool = False
    href: str | None = None


@dataclass(slots=True)
class Page:
    """The letters of a page and its size."""

    chars: list[Char]
    width: float
    height: float


@dataclass(slots=True)
class Line:
    """A line, or the stretch of one that stands in a column."""

    chars: list[Char]
    page: int
    left: float = 0
    bottom: float = 0
    right: float = 0
    top: float = 0
    column: tuple[float, float] = (0, 0)
    marker: re.Match[str] | None = None

    def measure(self) -> Line:
        """Take the box from the letters."""
        seen = [char for char in self.chars if char.text.strip() and char.right > char.left]
        if seen:
            self.left, self.right = min(c.left for c in seen), max(c.right for c in seen)
            self.bottom = median(c.bottom for c in seen)
            self.top = median(c.top for c in seen)
        return self

    def append(self, other: Line) -> None:
        """Go on with a stretch that stands beside this one: a wide gap is kept as one."""
        gap = max(other.left - self.right, self.left - other.right)
        space = _GAP if gap > self.size * 4.5 else " "
        self.chars = [*self.chars, Char(space, 0, 0, 0, 0), *other.chars]
        self.left, self.right = min(self.left, other.left), max(self.right, other.right)

    @property
    def text(self) -> str:
        return "".join(char.text for char in self.chars).replace(_GAP, "   ").strip()

    @property
    def size(self) -> float:
        return self.top - self.bottom

    @property
    def bold(self) -> bool:
        seen = [char for char in self.chars if char.text.strip()]
        return bool(seen) and all(char.bold for char in seen)


@dataclass(slots=True)
class Laid:
    """Pages laid out. `joined` are words put together again from a line's end and the next one's
    beginning; `heads` and `feet` lines that repeat on pages; `whole` all lines as found."""

    pieces: list[Piece] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    feet: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    joined: dict[tuple[str, str], None] = field(default_factory=dict)
    columns: bool = False
    whole: str = ""


def lay_out(pages: list[Page]) -> Laid:
    """Put the letters of some pages into paragraphs in reading order."""
    laid = Laid()
    space, end = Char(" ", 0, 0, 0, 0), Char("\n", 0, 0, 0, 0)
    for page in pages:
        page.chars = logical(page.chars, space, end)
    by_page = [_lines(page, number) for number, page in enumerate(pages)]
    found = [line.text for lines in by_page for line in lines]
    _lift_margins(laid, by_page, pages)
    lines: list[Line] = []
    for page_lines in by_page:
        ordered, columns = in_order(page_lines, _is_rtl(page_lines))
        laid.columns = laid.columns or columns
        lines += ordered
    body = _body_size(lines)
    # A lone dash opens speech in many languages; several of them open a list.
    dashes = sum(_DASH.match(line.text) is not None for line in lines) >= 2
    for line in lines:
        marker = _BULLET.match(line.text) or _NUMBER.match(line.text)
        line.marker = marker or (_DASH.match(line.text) if dashes else None)
    for group in _groups(lines, body):
        _piece(laid, group, body, lines)
    laid.pieces = _lists(laid.pieces)
    laid.whole = _whole(found, laid.joined)
    return laid


def _whole(rows: list[str], joined: Iterable[tuple[str, str]]) -> str:
    """All lines as they were found, before any was moved, with the words that were put together
    as one word there too."""
    for one, two in joined:
        for index, row in enumerate(rows):
            end = _HYPHENED.search(row)
            if end is None or end.group(1) != one:
                continue
            # The other half may stand far away: what follows in the file is another column.
            places = [*range(index + 1, len(rows)), *range(index)]
            other = next((i for i in places if re.match(rf"{re.escape(two)}(?!\w)", rows[i])), None)
            if other is not None:
                rows[index] = row[: end.start(2)] + two
                rows[other] = rows[other][len(two) :]
    return "\n".join(rows).replace("\u00ad", "")


def _lines(page: Page, number: int) -> list[Line]:
    """The stretches of text on a page, cut where a line ends or a wide gap stands in it."""
    found: list[Line] = []
    current: list[Char] = []
    rtl = False

    def finish() -> None:
        if any(char.text.strip() for char in current):
            found.append(Line(list(current), number).measure())
        current.clear()

    last: Char | None = None
    for char in page.chars:
        if char.text == "\n":
            finish()
            last, rtl = None, False
            continue
        if char.right <= char.left or not char.text.strip():
            current.append(char)
            continue
        if last is not None and _apart(last, char, rtl):
            finish()
        current.append(char)
        last, rtl = char, rtl or _runs_left(char.text)
    finish()
    return _mended(found)


def _mended(lines: list[Line]) -> list[Line]:
    """Lines that the file's contents cut in the middle of a word are one line again."""
    mended: list[Line] = []
    for line in lines:
        other = next((each for each in reversed(mended[-6:]) if _touch(each, line)), None)
        if other is None:
            mended.append(line)
            continue
        rtl = _runs_left(other.text) or _runs_left(line.text)
        first = other.right > line.right if rtl else other.left < line.left
        other.chars = [*other.chars, *line.chars] if first else [*line.chars, *other.chars]
        other.measure()
    return mended


def _touch(one: Line, two: Line) -> bool:
    gap = max(two.left - one.right, one.left - two.right)
    level = abs(one.bottom - two.bottom) < one.size * 0.1
    return level and abs(one.size - two.size) < one.size * 0.1 and abs(gap) < one.size * 0.12


def _apart(last: Char, char: Char, rtl: bool) -> bool:
    height = max(last.top - last.bottom, 1.0)
    gap = max(char.left - last.right, last.left - char.right)
    rise = abs(char.bottom - last.bottom)
    # Raised and lowered figures stay in their line, and so do figures among Arabic or Hebrew:
    # they run the other way, so that one jumps to their far end and back.
    turned = rtl and not (_runs_left(last.text) and _runs_left(char.text))
    return (gap > height * 1.1 and not turned) or rise > height * 0.8


def _runs_left(text: str) -> bool:
    return unicodedata.bidirectional(text[0]) in {"R", "AL"}


def _is_rtl(lines: list[Line]) -> bool:
    return direction_of(" ".join(line.text for line in lines)) == "rtl"


def _lift_margins(laid: Laid, by_page: list[list[Line]], pages: list[Page]) -> None:
    """Take out lines that repeat at the head or foot of pages, and the pages' numbers."""
    counts: Counter[tuple[bool, str]] = Counter()
    for lines, page in zip(by_page, pages, strict=True):
        counts.update({key for line in lines if (key := _margin_key(line, page)) is not None})
    least = max(2, (len(pages) + 1) // 2)
    for lines, page in zip(by_page, pages, strict=True):
        for line in list(lines):
            key = _margin_key(line, page)
            if key is None:
                continue
            text = line.text
            number = marks.PAGE_NUMBER.fullmatch(text) is not None
            edge = all(
                (other.top < line.top) if key[0] else (other.bottom > line.bottom)
                for other in lines
                if other is not line and abs(other.bottom - line.bottom) > 2
            )
            end_mark = marks.end_mark(text) is not None
            if number and edge and not end_mark and (len(pages) > 1 or not key[0]):
                laid.numbers.append(text)
                lines.remove(line)
            elif counts[key] >= least and not end_mark:
                (laid.heads if key[0] else laid.feet).append(text)
                lines.remove(line)


def _margin_key(line: Line, page: Page) -> tuple[bool, str] | None:
    """Where in the margin a line stands, and its text without figures; None inside of the page."""
    high = line.bottom > page.height * (1 - _MARGIN)
    low = line.top < page.height * _MARGIN
    if not (high or low):
        return None
    return high, re.sub(r"\d+", "", fold(line.text)) or line.text


def _body_size(lines: list[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _groups(lines: list[Line], body: float) -> list[list[Line]]:
    """Lines that make a paragraph, a heading or an address."""
    pitch = _pitch(lines)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _goes_on(groups[-1], line, pitch, body):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _pitch(lines: list[Line]) -> float:
    """How far the lines of a paragraph stand apart, as a share of their height."""
    steps = [
        (a.bottom - b.bottom) / a.size
        for a, b in pairwise(lines)
        if a.page == b.page and a.column == b.column and 0 < a.bottom - b.bottom < a.size * 2.5
    ]
    common = Counter(round(step, 1) for step in steps if step > 0.5)
    return common.most_common(1)[0][0] if common else 1.2


def _goes_on(group: list[Line], line: Line, pitch: float, body: float) -> bool:
    last = group[-1]
    if line.marker or abs(last.size - line.size) > body * 0.12:
        return False
    heading = last.size > body * 1.12
    step = (last.bottom - line.bottom) / max(last.size, 1.0)
    near = last.page == line.page and last.column == line.column
    if near and abs(last.bottom - line.bottom) < 1:
        return True
    if near and not 0 < step <= pitch + (0.35 if heading else 0.25):
        return False
    if last.bold != line.bold and not (_open(last, line) and not last.bold):
        return False
    if near:
        if _runs_from_right(group[0]):
            begins = line.right < group[0].right - line.size <= last.right - line.size
        else:
            begins = line.left > group[0].left + line.size and last.left <= line.left - line.size
        ended = ends_sentence(last.text) and not _full(last, line)
        listed = group[0].marker is not None
        return not (begins and not listed and len(group) > 1) and not (
            ended and len(group) > 1 and last.right - last.left > line.size * 15
        )
    # Over a column's or page's end a paragraph goes on in mid-sentence only.
    return not heading and _open(last, line)


def _runs_from_right(line: Line) -> bool:
    return direction_of(line.text) == "rtl"


def _open(last: Line, line: Line) -> bool:
    text = last.text
    if ends_sentence(text) or text[-1:] in ":：" or len(text.split()) < 3:
        return False
    return line.text[:1].islower() or bool(_HYPHENED.search(text)) or _full(last, line)


def _full(last: Line, line: Line) -> bool:
    """Whether a line was as full as can be: the next word had no room."""
    letters = max(len(last.text), 1)
    wide = (last.right - last.left) / letters
    first = re.split(r"[\s-]", line.text, maxsplit=1)[0]
    room = (last.column[1] - last.column[0]) - (last.right - last.left)
    return room < wide * (len(first) + 1) + wide


def _piece(laid: Laid, group: list[Line], body: float, lines: list[Line]) -> None:
    size = median(line.size for line in group)
    text = " ".join(line.text for line in group)
    heading = size > body * 1.12 and len(text) < 300 and not ends_sentence(text)
    marker = None if heading else group[0].marker
    runs = _runs(laid, group, heading or marker is not None, lines)
    if heading:
        larger = {round(line.size) for line in lines if line.size > size * 1.08}
        runs = [replace(run, strong=False) for run in runs]
        level = min(1 + len(larger), 4)
        laid.pieces.append(Piece(BlockKind.SUBHEADING, 0, 0, "", tidy(tuple(runs)), level=level))
    elif marker is not None:
        number = _NUMBER.match(group[0].text)
        kind = BlockKind.NUMBERS if number else BlockKind.BULLETS
        first = int(number.group(1)) if number else 1
        inlines = tidy(tuple(_without(runs, len(marker.group()))))
        item = Block(BlockKind.ITEM, inlines)
        laid.pieces.append(Piece(kind, 0, 0, "", (), (item,), 0 if first == 1 else first))
    else:
        laid.pieces.append(Piece(BlockKind.PARAGRAPH, 0, 0, "", tidy(tuple(runs))))


def _runs(laid: Laid, group: list[Line], flowing: bool, lines: list[Line]) -> list[Inline]:
    """The inlines of a group of lines; breaks that the typesetter made are soft."""
    breaks = list(pairwise(group))
    forced = sum(_full(a, b) or _HYPHENED.search(a.text) is not None for a, b in breaks)
    soft = flowing or not breaks or forced >= len(breaks) * 0.7
    runs: list[Inline] = []
    for index, line in enumerate(group):
        if index:
            before = group[index - 1]
            if soft and _joins(laid, before, line, lines):
                last = runs[-1]
                runs[-1] = replace(last, text=re.sub("[-\u00ad\u2010]\\s*$", "", last.text))
            elif not (soft and _compound(before.text, line.text)):
                runs.append(Inline(SOFT if soft else "\n"))
        runs += _styled(line)
    found: list[Inline] = []
    for run in _merged(runs):
        found += [run] if run.href else linked(run)
    turned = _mirrored("".join(run.text for run in found))
    return [
        replace(run, text=_LOOSE.sub("", run.text).replace("\u00ad", "").translate(turned))
        for run in found
    ]


def _mirrored(text: str) -> dict[int, str]:
    """Brackets and quotation marks to turn in a text that runs from the right: some writers of
    PDFs name the sign that is seen, which is the other one of the pair."""
    swaps: dict[int, str] = {}
    if direction_of(text) == "rtl":
        for first, last in ("()", "[]", "«»", "‹›"):
            found = [char for char in text if char in (first, last)]
            if found[:1] == [last] and found[-1:] == [first] and len(found) % 2 == 0:
                swaps |= {ord(first): last, ord(last): first}
    return swaps


def _compound(before: str, after: str) -> bool:
    """Whether a line ends with a hyphen that is the word's own: "Bund-Länder-" / "Gruppe"."""
    return _HYPHENED.search(before) is not None and (after[:1].isupper() or after[:1].isdigit())


def _joins(laid: Laid, before: Line, line: Line, lines: list[Line]) -> bool:
    """Whether a word was parted at the end of a line, and is one word again."""
    end = _HYPHENED.search(before.text)
    start = re.match(r"[^\W\d_]+", line.text)
    if end is None or start is None:
        return False
    one, two = end.group(1), start.group()
    if not two[0].islower() or two in HYPHEN_WORDS or (one, two) in laid.joined:
        return (one, two) in laid.joined
    if end.group(2) != "\u00ad":
        # The text elsewhere shows whether the hyphen is the word's own.
        whole = "\n".join(other.text for other in lines)
        if re.search(rf"(?<!\w){re.escape(one)}-{re.escape(two)}(?!\w)", whole):
            return False
    laid.joined[(one, two)] = None
    return True


def _styled(line: Line) -> list[Inline]:
    """A line's letters as runs of one kind; what is not drawn goes with the run before it."""
    kinds: list[tuple[str | None, bool, bool]] = []
    texts: list[list[str]] = []
    for char in line.chars:
        seen = bool(char.text.strip())
        kind = (char.href, char.bold, char.slanted)
        if texts and not (seen and char.right > char.left):
            # A space behind a link is no part of it.
            kind = (None, False, False) if kinds[-1][0] else kinds[-1]
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
            texts.append([])
        texts[-1].append(char.text if seen or char.text == _GAP else " ")
    parts = [re.sub(f" *{_GAP} *", "   ", re.sub(" {2,}", " ", "".join(part))) for part in texts]
    if parts:
        parts[0] = parts[0].lstrip()
        parts[-1] = parts[-1].rstrip()
    return [
        Inline(text, href, bold, slanted)
        for text, (href, bold, slanted) in zip(parts, kinds, strict=True)
        if text
    ]


def _merged(runs: list[Inline]) -> list[Inline]:
    """Runs of one kind as one; a break between two of them is of their kind."""
    merged: list[Inline] = []
    for index, run in enumerate(runs):
        if run.text in {SOFT, "\n", " "} and merged and index + 1 < len(runs):
            after = runs[index + 1]
            if replace(after, text="") == replace(merged[-1], text=""):
                run = replace(after, text=run.text)
        if merged and replace(merged[-1], text="") == replace(run, text=""):
            merged[-1] = replace(run, text=merged[-1].text + run.text)
        else:
            merged.append(run)
    return merged


def _without(runs: list[Inline], count: int) -> list[Inline]:
    rest: list[Inline] = []
    for run in runs:
        taken = min(count, len(run.text))
        count -= taken
        if run.text[taken:]:
            rest.append(replace(run, text=run.text[taken:]))
    return rest


def _lists(pieces: list[Piece]) -> list[Piece]:
    """Items that follow each other are one list."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if (
            last is not None
            and piece.kind in {BlockKind.BULLETS, BlockKind.NUMBERS}
            and last.kind is piece.kind
        ):
            merged[-1] = replace(last, children=(*last.children, *piece.children))
        else:
            merged.append(piece)
    return merged
