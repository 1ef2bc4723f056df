"""Page furniture: what a page carried beside its text - footers, letterheads, page numbers.

It is lifted out, never dropped: addresses become offices, the lines are kept as `Removed`, and a
sentence that a page break cut in two is joined again (README point 6).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mailer.release.model import BlockKind, Finding, Inline, Office, Removed, Severity
from mailer.release.read import marks, offices
from mailer.release.read.contacts import has_details
from mailer.release.read.phones import find_phones
from mailer.release.read.pieces import HYPHEN_WORDS, SOFT, Piece
from mailer.release.text import ends_sentence, fold, has_case, sentences, width

_BROKEN = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,})-\n([^\W\d_]{2,})")
_SHORT = 70
_MOST_LINES = 30
_MOVABLE = frozenset({BlockKind.PARAGRAPH, BlockKind.SUBHEADING, BlockKind.RULE})


@dataclass(slots=True)
class Lifted:
    """The pieces without furniture, and what was lifted out of them."""

    pieces: list[Piece] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)
    offices: list[Office] = field(default_factory=list)
    wordmark: str | None = None
    findings: list[Finding] = field(default_factory=list)


def lift(pieces: list[Piece], source: list[str], language: str) -> Lifted:
    """Take page furniture out of `pieces`; `source` are the file's lines (index 0 is line 1)."""
    result = Lifted()
    repeated = _repeated(pieces)
    last_prose, first_contact = _landmarks(pieces)
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        end = _continuation(pieces, index)
        if end is not None:
            taken = pieces[index + 1 : end]
            _take(result, taken, piece.last + 1, pieces[end].first - 1, source, language)
            pieces[end] = _join(result, piece, pieces[end], bool(taken))
            index = end
            continue
        amid = 0 < index < len(pieces) - 1
        bare = index < last_prose and index <= first_contact
        if _is_alone(piece, index, amid, bare, repeated, language):
            _take(result, [piece], piece.first, piece.last, source, language)
        else:
            result.pieces.append(piece)
        index += 1
    return result


def broken_words(source: list[str]) -> list[Finding]:
    """Words that a typesetter parted at line ends ("ser-" / "vice"), pointed at in one finding.

    Whether a hyphen belongs to its word ("well-" / "known") only the author knows, so it stays.
    """
    found: list[tuple[int, str]] = []
    for number, (line, following) in enumerate(pairwise(source), 1):
        match = _BROKEN.search(line.rstrip() + "\n" + following.strip())
        if match and match.group(2).islower() and match.group(2) not in HYPHEN_WORDS:
            found.append((number, f"{match.group(1)}-{match.group(2)}"))
    if not found:
        return []
    shown = ", ".join(word for _, word in found[:6]) + (", …" if len(found) > 6 else "")
    return [
        Finding(
            "word_broken_at_line_end",
            Severity.WARNING,
            f"Words parted at the end of a line keep their hyphen: {shown}.",
            found[0][0],
            1,
            "Take out the hyphens that are no part of the word.",
        )
    ]


def is_short(piece: Piece) -> bool:
    """Whether a piece is made of short lines that are no sentences."""
    if piece.kind not in _MOVABLE or piece.labelled:
        return False
    lines = [text for _, text in piece.lines]
    wrapped = len(lines) > 1 and "\n" not in piece.text and len(piece.text) > 100
    if wrapped and not any(has_details(text) or offices.place_of(text) for text in lines):
        return False  # A paragraph set in a narrow column.
    return len(lines) <= 9 and all(
        width(text) <= _SHORT and not (ends_sentence(text) and len(text.split()) > 5)
        for text in lines
    )


def is_wordmark(piece: Piece) -> bool:
    """Whether a piece is a name in capitals on a line of its own."""
    text = piece.text.strip()
    return len(piece.lines) == 1 and text.isupper() and 1 <= len(text.split()) <= 5


def _continuation(pieces: list[Piece], index: int) -> int | None:
    """The piece that goes on with a sentence which `pieces[index]` leaves open, or None."""
    piece = pieces[index]
    text = piece.text.rstrip()
    open_end = (
        piece.kind is BlockKind.PARAGRAPH
        and len(text) >= 30
        and len(text.split()) >= 5
        and "\n" not in text
        and not ends_sentence(text)
        and text[-1] not in ":;：*–—"
        and not has_details(text)
        and not piece.labelled
    )
    if not open_end or marks.is_contact(text):
        return None
    signs = lines = 0
    for place in range(index + 1, len(pieces)):
        other = pieces[place]
        if other.labelled:
            return None
        start = other.text.lstrip()
        first = start[:1]
        goes_on = other.kind is BlockKind.PARAGRAPH and len(start) >= 10
        if goes_on and first.islower() and not marks.contact_label(start):
            if (place == index + 1 and _in_prose(pieces, index)) or signs:
                return place
            return None
        if goes_on and signs and not has_case(start) and not is_short(other):
            return place
        if not is_short(other) and not _is_page_mark(other):
            return None
        lines += len(other.lines)
        signs += _is_sign(other)
        if lines > _MOST_LINES or marks.end_mark(other.raw) or marks.is_contact(start):
            return None
    return None


def _in_prose(pieces: list[Piece], index: int) -> bool:
    """Whether the text has begun: an open line above all prose is a headline, and the lead below
    it may begin with a brand's small letter ("eBay today …")."""
    return len(sentences(pieces[index].text)) > 1 or any(
        piece.kind is BlockKind.PARAGRAPH and ends_sentence(piece.text) for piece in pieces[:index]
    )


def _is_sign(piece: Piece) -> bool:
    """Whether a short piece surely is no part of the text: address, number, page mark, wordmark."""
    return (
        _is_page_mark(piece)
        or is_wordmark(piece)
        or any(offices.place_of(text) or find_phones(text) for _, text in piece.lines)
        or re.search(r"@|www\.|https?://", piece.text) is not None
    )


def _is_page_mark(piece: Piece) -> bool:
    if piece.kind is BlockKind.RULE or len(piece.lines) != 1:
        return False
    text = piece.text.strip() or piece.raw.strip()
    return bool(marks.MORE.fullmatch(text) or marks.PAGE_NUMBER.fullmatch(text))


def _landmarks(pieces: list[Piece]) -> tuple[int, int]:
    """Where the last long paragraph stands, and the first line that announces contacts or notes.

    Both once for all: asked for each piece, they would cost a long text its square.
    """
    last_prose, first_contact = -1, len(pieces)
    for index, piece in enumerate(pieces):
        text = piece.text
        if len(text) > 200:
            last_prose = index
        elif first_contact == len(pieces) and len(text) < 130:
            announces = marks.is_contact(text) or marks.contact_label(text) or marks.is_notes(text)
            first_contact = index if announces else first_contact
    return last_prose, first_contact


def _is_alone(
    piece: Piece, index: int, amid: bool, bare: bool, repeated: set[str], language: str
) -> bool:
    """Furniture that interrupts no sentence: page marks, repeated lines, an address amid text.

    `amid`: the piece is neither first nor last; `bare`: prose follows, and no contacts came yet.
    """
    if _is_page_mark(piece) and marks.end_mark(piece.raw) is None and amid:
        return True
    if is_short(piece) and fold(piece.text) in repeated and index > 0:
        return True
    if not (amid and bare) or not is_short(piece) or re.search("@", piece.text):
        return False
    texts = [text for _, text in piece.lines]
    return offices.parse(texts, language) is not None


def _repeated(pieces: list[Piece]) -> set[str]:
    """Short pieces that stand several times apart from each other, as on the head of each page."""
    places: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        key = fold(piece.text)
        if key and is_short(piece) and marks.end_mark(piece.raw) is None and len(key) > 3:
            places.setdefault(key, []).append(index)
    counts = Counter({key: len(found) for key, found in places.items()})
    return {
        key
        for key, count in counts.items()
        if count >= 2 and all(b - a > 1 for a, b in zip(places[key], places[key][1:], strict=False))
    }


def _take(
    result: Lifted, taken: list[Piece], first: int, last: int, source: list[str], language: str
) -> None:
    if not taken:
        return
    text = "\n".join(source[first - 1 : last])
    previous = result.removed[-1] if result.removed else None
    if previous is not None and previous.last_line + 1 >= first:
        result.removed[-1] = replace(
            previous, last_line=last, text="\n".join(source[previous.first_line - 1 : last])
        )
    else:
        result.removed.append(Removed("page_furniture", first, last, text))
        result.findings.append(
            Finding(
                "page_furniture_removed",
                Severity.WARNING,
                f"Lines {first} to {last} look like a page footer or header and were lifted out.",
                first,
                1,
                "Delete them from the file, or move what belongs to the text.",
            )
        )
    pending: list[Piece] = []
    for piece in taken:
        office = offices.parse([line for _, line in piece.lines], language)
        if office is not None:
            result.offices.append(office)
        elif is_wordmark(piece) and result.wordmark is None and not _is_page_mark(piece):
            result.wordmark = piece.text.strip()
        else:
            pending.append(piece)


def _join(result: Lifted, before: Piece, after: Piece, interrupted: bool) -> Piece:
    why = "a page break" if interrupted else "an empty line"
    result.findings.append(
        Finding(
            "sentence_joined",
            Severity.WARNING,
            f"A sentence cut in two by {why} was joined: “… {_tail(before.text)} "
            f"{_head(after.text)} …”.",
            before.last,
            1,
            f"Join lines {before.last} and {after.first} in the file if that is right.",
        )
    )
    inlines = (*before.inlines, Inline(SOFT), *after.inlines)
    return replace(after, inlines=inlines, first=before.first, raw=before.raw + "\n" + after.raw)


def _tail(text: str) -> str:
    return " ".join(text.split()[-3:])


def _head(text: str) -> str:
    return " ".join(text.split()[:3])
