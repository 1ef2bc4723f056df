"""Below the headline: body, end mark, boilerplate, notes, links and contacts told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mailer.release.model import Block, BlockKind, Boilerplate, Inline, Office, Removed
from mailer.release.read import contacts, marks, offices
from mailer.release.read.furniture import is_short, is_wordmark
from mailer.release.read.pieces import Piece
from mailer.release.text import ends_sentence, width

_HEADINGS = frozenset({BlockKind.PARAGRAPH, BlockKind.SUBHEADING})
_PAGE = re.compile(rf"(?=.*[^\W\d_]){marks.PAGE_NUMBER.pattern}", re.IGNORECASE)
"""A page's number with its word, "Page 2 of 2": digits alone may belong to a telephone number."""
_LEAST_ABOUT = 16
"""Columns that a paragraph below "About …" has at least; less is no description."""
_LISTS = frozenset({BlockKind.BULLETS, BlockKind.NUMBERS})


@dataclass(slots=True)
class Sections:
    """The parts below the headline."""

    body: list[Piece] = field(default_factory=list)
    boilerplate: Boilerplate | None = None
    notes: list[Block] = field(default_factory=list)
    links: list[Inline] = field(default_factory=list)
    contact_groups: list[list[tuple[int, str]]] = field(default_factory=list)
    contact_intro: str | None = None
    end_mark: str | None = None
    offices: list[Office] = field(default_factory=list)
    wordmark: str | None = None
    removed: list[Removed] = field(default_factory=list)


def read(pieces: list[Piece], language: str, *, found_contacts: bool) -> Sections:
    """Sort pieces into sections. `found_contacts`: some stood above the headline already."""
    return _Sorter(pieces, language, found_contacts).run()


class _Sorter:
    def __init__(self, pieces: list[Piece], language: str, found_contacts: bool) -> None:
        self.pieces = _headings_apart(pieces, language)
        self.language = language
        self.found_contacts = found_contacts
        self.out = Sections()
        self.about: list[Block] = []
        self.about_heading: str | None = None
        self.section = "body"

    def run(self) -> Sections:
        for index, piece in enumerate(self.pieces):
            if not self._turn(index, piece):
                getattr(self, f"_in_{self.section}")(piece)
        if self.about_heading is not None:
            self.out.boilerplate = Boilerplate(self.about_heading, tuple(self.about))
        if not self.out.contact_groups and not self.found_contacts:
            self._trailing_contacts()
        while self.out.body and self.out.body[-1].kind is BlockKind.RULE:
            self.out.body.pop()
        return self.out

    def _turn(self, index: int, piece: Piece) -> bool:
        """Change the section where a heading or mark says so; True when the piece is used up."""
        mark = marks.end_mark(piece.raw)
        if mark is not None and self._may_end(index, piece):
            if self.out.end_mark is None:
                self.out.end_mark = mark
            else:
                self._remove("repeated_end_mark", piece)
            if self.section == "body":
                self.section = "after"
            return True
        if piece.kind not in _HEADINGS or len(piece.text) > 320:
            return False
        if piece.labelled and self.section == "body":
            return False
        text = piece.text.strip()
        lines = piece.lines
        alone = len(lines) == 1 and not (ends_sentence(text) and len(text.split()) > 6)
        if alone and marks.is_notes(text):
            self.section = "notes"
            self.out.notes.append(self._subheading(piece))
            return True
        if self.section != "body" and marks.notes_label(text):
            self.section = "notes"
            self.out.notes.append(piece.block())
            return True
        if self._turns_to_contacts(piece, lines, text):
            return True
        if alone and self._is_boilerplate(index, piece, text):
            self._open_boilerplate(piece, text)
            return True
        titled = alone and piece.kind is BlockKind.SUBHEADING and marks.is_links(text)
        if titled and self._is_link_list(index + 1):
            self._remove("label", piece)
            self.section = "links"
            return True
        return False

    def _turns_to_contacts(self, piece: Piece, lines: list[tuple[int, str]], text: str) -> bool:
        first = lines[0][1]
        if self.section == "body" and not self.out.body:
            return False
        if marks.is_contact(first) and (
            len(lines) > 1 or first.rstrip().endswith((":", "：")) or self._is_title(piece)
        ):
            self._intro(piece, first)
            rest = [row for row in lines[1:] if row[1]]
            if rest:
                self._add_group(rest)
            self.section = "contacts"
            return True
        sentence = marks.CONTACT.match(text.strip("*_ ")) and contacts.has_details(text)
        if marks.contact_label(first) or (sentence and len(text) <= 320):
            self._add_group([row for row in lines if row[1]])
            self.section = "contacts"
            return True
        return False

    def _is_title(self, piece: Piece) -> bool:
        return piece.kind is BlockKind.SUBHEADING or piece.is_bold or len(piece.text.split()) <= 4

    def _intro(self, piece: Piece, text: str) -> None:
        if self.out.contact_intro is None:
            self.out.contact_intro = text.strip()
        else:
            self.out.removed.append(Removed("label", piece.first, piece.first, text))

    def _may_end(self, index: int, piece: Piece) -> bool:
        """`* * *` parts paragraphs as often as it ends a text: only before a section, or last."""
        if not set(piece.raw.strip()) <= {"*", " "}:
            return True
        following = next(
            (p for p in self.pieces[index + 1 :] if p.kind is not BlockKind.RULE), None
        )
        if following is None:
            return True
        text = following.text
        return is_short(following) and (
            marks.is_contact(text) or marks.is_notes(text) or marks.is_about(text, self.language)
        )

    def _is_boilerplate(self, index: int, piece: Piece, text: str) -> bool:
        if not marks.is_about(text, self.language):
            return False
        if self.section == "body" and not self.out.body:
            return False
        if piece.kind is BlockKind.PARAGRAPH and not piece.is_bold:
            following = self.pieces[index + 1] if index + 1 < len(self.pieces) else None
            if following is None or width(following.text) < _LEAST_ABOUT:
                return False
        if self.section != "body":
            return True
        later = [p for p in self.pieces[index + 1 :] if p.kind is BlockKind.SUBHEADING]
        return all(
            marks.is_about(p.text, self.language)
            or marks.is_contact(p.text)
            or marks.is_notes(p.text)
            or marks.is_links(p.text)
            or marks.end_mark(p.raw) is not None
            for p in later[:1]
        ) or any(marks.end_mark(p.raw) for p in self.pieces[:index])

    def _open_boilerplate(self, piece: Piece, text: str) -> None:
        if self.about_heading is None:
            self.about_heading = text.strip("*_ ")
        else:
            self.about.append(self._subheading(piece))
        self.section = "boilerplate"

    def _is_link_list(self, index: int) -> bool:
        following = self.pieces[index] if index < len(self.pieces) else None
        return (
            following is not None
            and following.kind in _LISTS
            and all(any(inline.href for inline in item.inlines) for item in following.children)
        )

    def _in_body(self, piece: Piece) -> None:
        self.out.body.append(piece)

    def _in_boilerplate(self, piece: Piece) -> None:
        if piece.kind is BlockKind.SUBHEADING:
            self.section = "notes"
            self.out.notes.append(piece.block())
        elif piece.kind is not BlockKind.RULE:
            self.about.append(piece.block())

    def _in_notes(self, piece: Piece) -> None:
        if piece.kind is not BlockKind.RULE:
            self.out.notes.append(piece.block())

    def _in_links(self, piece: Piece) -> None:
        if piece.kind in _LISTS:
            for item in piece.children:
                self.out.links.extend(_one_link(item))
                for child in item.children:
                    self.out.notes.append(child)
        else:
            self.section = "after"
            self._in_after(piece)

    def _in_after(self, piece: Piece) -> None:
        """Behind the end mark: contacts, addresses, or something for editors."""
        lines = [row for row in piece.lines if row[1]]
        if is_short(piece) and any(contacts.has_details(text) for _, text in lines):
            self.section = "contacts"
            self._in_contacts(piece)
        elif not self._address(piece):
            self._in_notes(piece)

    def _in_contacts(self, piece: Piece) -> None:
        lines = [row for row in piece.lines if row[1]]
        if piece.kind is BlockKind.RULE or not lines:
            return
        details = any(contacts.has_details(text) for _, text in lines)
        if not details and self._address(piece):
            return
        long = len(piece.text) > 140 and not is_short(piece)
        if (
            piece.kind is BlockKind.SUBHEADING
            and not details
            and piece.level
            and not is_short(piece)
        ):
            long = True
        if piece.kind in {BlockKind.QUOTE, BlockKind.CODE} or (long and not details):
            self.section = "notes"
            self._in_notes(piece)
            return
        if not details and ends_sentence(piece.text) and len(piece.text.split()) > 6:
            self._in_notes(piece)
            return
        self._add_group(lines)

    def _add_group(self, lines: list[tuple[int, str]]) -> None:
        """Contacts of one block, a postal address in it taken out: it is an office's."""
        for number, text in lines:
            if _PAGE.fullmatch(text.strip()):
                self.out.removed.append(Removed("page_furniture", number, number, text))
        lines = [row for row in lines if not _PAGE.fullmatch(row[1].strip())]
        place = next((i for i, (_, text) in enumerate(lines) if offices.is_place_line(text)), None)
        if place is not None:
            start, end = place, place + 1
            while start and offices.is_address_line(lines[start - 1][1]):
                start -= 1
            if end < len(lines) and offices.is_country(lines[end][1], self.language):
                end += 1
            taken = lines[start:end]
            office = offices.parse([text for _, text in taken], self.language)
            if office is not None:
                self.out.offices.append(office)
                text = "\n".join(text for _, text in taken)
                self.out.removed.append(Removed("address", taken[0][0], taken[-1][0], text))
                lines = lines[:start] + lines[end:]
        if lines:
            self.out.contact_groups.append(lines)

    def _address(self, piece: Piece) -> bool:
        if piece.kind not in _HEADINGS or not is_short(piece):
            return False
        office = offices.parse([text for _, text in piece.lines], self.language)
        if office is not None:
            self.out.offices.append(office)
            self._remove("address", piece)
            return True
        if is_wordmark(piece) and self.out.wordmark is None and len(piece.text) < 40:
            self.out.wordmark = piece.text.strip()
            self._remove("letterhead", piece)
            return True
        return False

    def _trailing_contacts(self) -> None:
        """Contacts at the very end that nothing announces."""
        taken: list[Piece] = []
        while len(self.out.body) > 1 and len(taken) < 8:
            last = self.out.body[-1]
            if last.kind is BlockKind.RULE:
                self.out.body.pop()
                continue
            if last.kind not in _HEADINGS or not is_short(last):
                break
            taken.insert(0, self.out.body.pop())
        first = next(
            (i for i, p in enumerate(taken) if any(contacts.has_details(t) for _, t in p.lines)),
            None,
        )
        if first is None:
            self.out.body += taken
            return
        start = first
        alone = all(len(row) < 2 for row in (taken[first].lines,)) and not _names_somebody(
            taken[first]
        )
        while alone and start and len(taken[start - 1].text.split()) <= 6 and first - start < 2:
            start -= 1
        self.out.body += taken[:start]
        for piece in taken[start:]:
            self._in_contacts(piece)

    def _subheading(self, piece: Piece) -> Block:
        return replace(piece.block(), kind=BlockKind.SUBHEADING, level=max(2, piece.level))

    def _remove(self, reason: str, piece: Piece) -> None:
        self.out.removed.append(Removed(reason, piece.first, piece.last, piece.raw))


def _headings_apart(pieces: list[Piece], language: str) -> list[Piece]:
    """Part "About X" or "Notes to editors" from the text typed right below it."""
    apart: list[Piece] = []
    for piece in pieces:
        rows = [row for row in piece.lines if row[1]]
        parted = None
        if apart and piece.kind is BlockKind.PARAGRAPH and len(rows) > 1:
            (_, first), (_, second) = rows[:2]
            heads = marks.is_about(first, language) or marks.is_notes(first)
            if heads and width(first) <= 60 and not ends_sentence(first) and first[-1] not in ",;":
                begins = not second[:1].islower() and width("\n".join(t for _, t in rows[1:])) > 15
                parted = begins and piece.with_lines([number for number, _ in rows[1:]])
        if parted:
            head = piece.with_lines([rows[0][0]])
            apart += [head, parted] if head else [parted]
        else:
            apart.append(piece)
    return apart


def _names_somebody(piece: Piece) -> bool:
    parsed = contacts.parse([[row for row in piece.lines if row[1]]])
    return any(contact.name not in {contact.email, contact.phone} for contact in parsed.contacts)


def _one_link(item: Block) -> list[Inline]:
    """A list item as one link where it is one; else its runs as they are."""
    linked = [inline for inline in item.inlines if inline.href]
    if len(linked) == 1:
        text = "".join(inline.text for inline in item.inlines)
        return [Inline(text.strip(), linked[0].href)]
    return [inline for inline in item.inlines if inline.text.strip()]
