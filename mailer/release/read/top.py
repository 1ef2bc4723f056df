"""The top of a release: status, embargo, label, dateline, contacts, headline and subhead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from mailer.release.model import BlockKind, Dateline, Kind, Removed
from mailer.release.read import contacts, dateline, dates, marks, offices
from mailer.release.read.furniture import is_short
from mailer.release.read.pieces import Piece
from mailer.release.text import UPPER, ends_sentence, fold, sentences, width

_LONGEST_HEADLINE = 260
_SPLIT = re.compile(r"\s+[–—|•·-]+\s+|\s*[|•]\s*|\.\s+|:\s+|,\s+(?=\w)")


_COMPANY = re.compile(
    r"(?:株式会社|有限会社|合同会社|(?:一般|公益)(?:社団|財団)法人|国立大学法人|独立行政法人)\s*[^\s、。]{1,25}|"
    r"[^\s、。]{1,25}(?:株式会社|有限公司|股份有限公司)|주식회사\s*\S{1,20}|"
    rf"[{UPPER}\d][^.!?]{{1,40}}\s(?:GmbH(?: & Co\. KG)?|AG|SE|Ltd\.?|LLC|Inc\.?|plc|PLC|S\.A\.|"
    r"SA|SAS|S\.p\.A\.|S\.r\.l\.|B\.V\.|N\.V\.|AB|ASA|Oyj|A/S|e\. ?V\.|[Ss]p\. z o\. ?o\.)"
)
"""A line that is a company's name with its legal form: letterhead when it stands first."""


@dataclass(slots=True)
class Top:
    """What stands above the lead. `rest` are the pieces from the lead on."""

    headline: Piece | None = None
    subhead: Piece | None = None
    dateline: Dateline | None = None
    dateline_line: int | None = None
    status: tuple[int, str] | None = None
    embargo: tuple[int, str] | None = None
    kind: Kind | None = None
    label_line: int | None = None
    contact_groups: list[list[tuple[int, str]]] = field(default_factory=list)
    contact_intro: str | None = None
    removed: list[Removed] = field(default_factory=list)
    wordmark: str | None = None
    rest: list[Piece] = field(default_factory=list)


def read(
    pieces: list[Piece],
    language: str,
    today: date | None,
    *,
    known_headline: str | None,
    organisations: set[str],
) -> Top:
    """Part the top from the rest. `known_headline` is the front matter's; `organisations` are
    folded names that are letterhead when they stand first."""
    top = Top()
    candidates: list[Piece] = []
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        if piece.kind is BlockKind.RULE:
            index += 1
            continue
        left = _matter(top, piece, language, today)
        if left is None:
            index += 1
            continue
        if _is_contact_block(left, bool(candidates)):
            index = _contact_block(top, pieces, index, left)
            continue
        above = len(candidates) + (known_headline is not None)
        if _is_text(left, pieces[index + 1 :], above, language, today):
            top.rest = [left, *pieces[index + 1 :]]
            break
        candidates.append(left)
        index += 1
    _choose(top, candidates, known_headline, organisations, language)
    return top


def _matter(top: Top, piece: Piece, language: str, today: date | None) -> Piece | None:
    """Take status, label and dateline lines out of a piece; return what is left of it."""
    heading = piece.kind in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING}
    if not heading or piece.labelled or len(piece.text) > 400:
        return piece
    keep: list[int] = []
    rows = piece.lines
    whole = " ".join(text for _, text in rows)
    embargoed = len(rows) > 1 and marks.is_embargo(whole) and width(whole) < 200
    # A wrapped embargo line is read whole: date and zone may stand on different lines.
    if embargoed and top.embargo is None and _only_embargo(rows, language, today):
        top.embargo = (rows[0][0], whole)
        return None
    for number, text in rows:
        if text.strip() and not _line(top, number, text, language, today):
            keep.append(number)
    if len(keep) == len([1 for _, text in rows if text.strip()]):
        return piece
    return piece.with_lines(keep)


def _only_embargo(rows: list[tuple[int, str]], language: str, today: date | None) -> bool:
    first = rows[0][1]
    if any(
        dateline.parse_line(text, language, today) or marks.is_status(text) or marks.label(text)
        for _, text in rows[1:]
    ):
        return False
    rest = " ".join(text for _, text in rows[1:])
    has_date = dates.find(first, language, today) is not None
    return marks.is_embargo(first) and (not has_date or len(rest) < 60)


def _line(top: Top, number: int, text: str, language: str, today: date | None) -> bool:
    if marks.is_embargo(text) and not ends_with_story(text):
        if top.embargo is None:
            top.embargo = (number, text.strip())
        else:
            top.removed.append(Removed("repeated_embargo", number, number, text))
        return True
    if marks.is_status(text):
        if top.status is None:
            top.status = (number, text.strip())
        else:
            top.removed.append(Removed("repeated_status", number, number, text))
        return True
    kind = marks.label(text)
    if kind is None and len(text) < 120:
        kind = _label_with_place(top, number, text, language, today)
    if kind is not None:
        top.kind = top.kind if top.kind not in {None, Kind.RELEASE} else kind
        if top.label_line is None:
            top.label_line = number
        if top.dateline_line != number:
            top.removed.append(Removed("label", number, number, text))
        return True
    if top.dateline is None:
        found = dateline.parse_line(text, language, today)
        if found is not None:
            top.dateline, top.dateline_line = found, number
            return True
    return False


def _label_with_place(
    top: Top, number: int, text: str, language: str, today: date | None
) -> Kind | None:
    """ "PRESS RELEASE – Warsaw, 12 October 2015": a label and a dateline on one line."""
    for match in _SPLIT.finditer(text):
        kind = marks.label(text[: match.start()])
        if kind is None:
            continue
        rest = text[match.end() :].strip()
        found = dateline.parse_line(rest, language, today)
        if found is not None and top.dateline is None:
            top.dateline, top.dateline_line = found, number
            top.removed.append(Removed("label", number, number, text[: match.start()]))
            return kind
        if marks.label(rest) is not None or re.fullmatch(
            r"(no?\.?|nr\.?|#)?\s*\d+([/-]\d+)?", rest, re.I
        ):
            return kind
    return None


def ends_with_story(text: str) -> bool:
    """Whether a line that mentions an embargo is a headline or sentence about one."""
    return not marks.opens_embargo(text)


def _is_contact_block(piece: Piece, after_headline: bool) -> bool:
    if piece.kind not in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING} or not is_short(piece):
        return False
    lines = [text for _, text in piece.lines]
    if marks.is_contact(lines[0]) and lines[0].rstrip().endswith(":"):
        return True
    if marks.contact_label(lines[0]):
        return True
    return any(contacts.has_details(text) for text in lines) and (
        len(lines) > 1 or not after_headline
    )


def _contact_block(top: Top, pieces: list[Piece], index: int, left: Piece) -> int:
    """Take contacts standing above the headline, as is usual in North America."""
    rows = [row for row in left.lines if row[1].strip()]
    if marks.is_contact(rows[0][1]):
        if top.contact_intro is None:
            top.contact_intro = rows[0][1].strip()
        else:
            top.removed.append(Removed("label", rows[0][0], rows[0][0], rows[0][1]))
        rows = rows[1:]
    groups = [rows] if rows else []
    index += 1
    while index < len(pieces) and is_short(pieces[index]):
        following = pieces[index]
        if not any(contacts.has_details(text) for _, text in following.lines):
            break
        groups.append([row for row in following.lines if row[1].strip()])
        index += 1
    top.contact_groups += groups
    return index


def _is_text(
    piece: Piece, following: list[Piece], above: int, language: str, today: date | None
) -> bool:
    """Whether the lead or body begins with this piece: it is no headline or subhead.

    `above` counts the headlines and subheads so far.
    """
    if piece.kind not in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING}:
        return above > 0 or piece.kind is not BlockKind.RULE
    if piece.labelled:
        return above > 0
    text = piece.text
    if piece.kind is BlockKind.SUBHEADING and piece.level and not ends_sentence(text):
        third = above >= 4
        section = marks.is_contact(text) or marks.is_notes(text) or marks.is_about(text, language)
        return above > 0 and (third or section)
    if len(text) > _LONGEST_HEADLINE:
        return True
    if dateline.parse_opening(text, language, today) and len(text) > 60:
        return True
    if len(sentences(text)) >= 2 and len(text) > 120:
        return True
    if above == 0:
        return False
    if any(inline.href for inline in piece.inlines) and len(text) > 100:
        return True
    if marks.is_contact(text) or marks.contact_label(text) or contacts.has_details(text):
        return True
    if ends_sentence(text) or text.rstrip().endswith((":", "：")):
        if (piece.is_bold or piece.is_italic) and above == 1 and following:
            return False
        next_text = following[0].text if following else ""
        return not (above == 1 and dateline.parse_opening(next_text, language, today))
    return above >= 3 or len(text) > 200


def _choose(
    top: Top, candidates: list[Piece], known: str | None, organisations: set[str], language: str
) -> None:
    """Headline and subhead among the short pieces above the lead; the others stay in the text."""
    if known is not None:
        same = [piece for piece in candidates if fold(piece.text) == fold(known)]
        for piece in same:
            top.removed.append(Removed("repeated_headline", piece.first, piece.last, piece.raw))
            candidates.remove(piece)
        before, after = _letterhead_first(candidates, organisations)
        _letterheads(top, before)
        _subhead(top, after)
        return
    if not candidates:
        return
    before, after = _letterhead_first(candidates, organisations)
    if not after:
        before, after = [], before
    above, after = _above_label(top, after)
    before += above
    named, after = _letterhead_first(after, organisations)
    before += named
    strong = next((p for p in after if p.level == 1 and p.kind is BlockKind.SUBHEADING), None)
    strong = strong or next((piece for piece in after if piece.is_bold), None)
    place = after.index(strong) if strong is not None else 0
    if place and any(len(piece.text) > 60 for piece in after[:place]):
        place = 0
    before += after[:place]
    _letterheads(top, before)
    top.headline, second = _two_lines(_without_letterhead(top, after[place]), language)
    _subhead(top, after[place + 1 :])
    if second is not None:
        # Two lines that are no one headline: the second says more, as a subhead does.
        if top.subhead is not None:
            top.rest.insert(0, top.subhead)
        top.subhead = second


def _letterhead_first(
    candidates: list[Piece], organisations: set[str]
) -> tuple[list[Piece], list[Piece]]:
    count = 0
    while count < len(candidates) - 1 and (
        (fold(candidates[count].text) in organisations and candidates[count].level != 1)
        or _COMPANY.fullmatch(candidates[count].text.strip())
        or offices.parse([text for _, text in candidates[count].lines], "en") is not None
    ):
        count += 1
    return candidates[:count], candidates[count:]


def _above_label(top: Top, candidates: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """What stands above "PRESS RELEASE" says who publishes (or greets the press) where a headline
    follows below."""
    line = top.label_line
    if line is None:
        return [], candidates
    above = [piece for piece in candidates if piece.last < line]
    below = candidates[len(above) :]
    short = all(
        len(piece.text) <= 80
        and not ends_sentence(piece.text)
        and piece.level != 1
        and not piece.is_bold
        for piece in above
    )
    return (above, below) if below and short else ([], candidates)


def _two_lines(piece: Piece, language: str) -> tuple[Piece, Piece | None]:
    """Headline and subhead typed on two lines without an empty one between them.

    A wrapped headline breaks where the next word has no room. Here there was room, both lines are
    sentences' cases, and together they would be too long for one headline. Lines set in different
    cases, or a second one between dashes, are two without more signs.
    """
    rows = [row for row in piece.lines if row[1]]
    typed = piece.kind is BlockKind.PARAGRAPH or not piece.raw.lstrip().startswith("#")
    if len(rows) != 2 or not typed or piece.is_bold:
        return piece, None
    (first_at, first), (second_at, second) = rows
    room = len(first) + 1 + len(second.split()[0]) <= len(second)
    long = len(first) + len(second) > 85 and len(first) >= 30
    apart = not second[:1].islower() and first[-1] not in ",;:–—-"
    # German nouns have capitals in any headline.
    cases = apart and (language.startswith("de") or not _in_capitals(first))
    cases = cases and not first.isupper()
    other = apart and len(first.split()) >= 3 and len(second.split()) >= 4
    other = other and (
        first.isupper() != second.isupper()
        or (room and _in_capitals(first) and not _in_capitals(second))
    )
    framed = second[0] in "~～〜―–—" and second[-1] in "~～〜―–—"
    headline, subhead = piece.with_lines([first_at]), piece.with_lines([second_at])
    if not headline or not ((room and long and cases) or other or framed):
        return piece, None
    return headline, subhead


def _in_capitals(text: str) -> bool:
    """Whether a headline is set in capitals, whole or word by word ("Rivers Fail the Test")."""
    letters = [word for word in text.split() if word[0].isalpha() and len(word) > 3]
    return text.isupper() or sum(word[0].isupper() for word in letters) > len(letters) * 0.6


def _without_letterhead(top: Top, piece: Piece) -> Piece:
    """A name that stands right above the headline, and again in the text, is letterhead."""
    rows = [row for row in piece.lines if row[1]]
    if len(rows) < 2 or "\n" not in piece.text or len(rows[0][1].split()) > 5:
        return piece
    name = rows[0][1]
    if not any(name in other.text for other in top.rest):
        return piece
    rest = piece.with_lines([number for number, _ in rows[1:]])
    if rest is None:
        return piece
    top.removed.append(Removed("letterhead", rows[0][0], rows[0][0], name))
    top.wordmark = top.wordmark or name
    return rest


def _letterheads(top: Top, pieces: list[Piece]) -> None:
    for piece in pieces:
        top.removed.append(Removed("letterhead", piece.first, piece.last, piece.raw))
        top.wordmark = top.wordmark or piece.text.replace("\n", " ")


def _subhead(top: Top, pieces: list[Piece]) -> None:
    if pieces:
        first = pieces[0]
        section = (
            first.kind is BlockKind.SUBHEADING and first.level >= 2 and len(first.text.split()) < 4
        )
        followed = bool(top.rest) or len(pieces) > 1
        if not section and followed and len(first.text) <= _LONGEST_HEADLINE:
            top.subhead = first
            pieces = pieces[1:]
    top.rest = [*pieces, *top.rest]
