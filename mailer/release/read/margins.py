"""What stands in the margins of pages: mostly letterhead, sometimes the embargo or the contact."""

from __future__ import annotations

from collections import Counter

from mailer.release.model import BlockKind, Inline
from mailer.release.read import dateline, marks
from mailer.release.read.contacts import has_details
from mailer.release.read.language import detect
from mailer.release.read.paper import Paper
from mailer.release.read.pieces import Piece
from mailer.release.text import fold


def sort(
    heads: list[str], feet: list[str], pieces: list[Piece]
) -> tuple[list[Piece], list[Piece], list[str], list[str]]:
    """Lines of page headers and footers as pieces to stand before and behind the text, those that
    are only furniture, and what is printed again of all of them.

    An embargo, status or label, or the date, belongs to the release wherever it is printed, and so
    does a press contact; unless the text has it too.
    """
    text = "\n".join(piece.text for piece in pieces)
    folded, language = fold(text), detect(text)
    top: list[Piece] = []
    rest: list[str] = []
    for line in dict.fromkeys(heads):
        own = marks.is_embargo(line) or marks.is_status(line) or marks.label(line) is not None
        own = own or dateline.parse_line(line, language) is not None
        if own and fold(line) not in folded:
            top.append(_piece([line]))
        else:
            rest.append(line)
    bottom: list[Piece] = []
    for lines in (rest, list(dict.fromkeys(feet))):
        start = next((i for i, line in enumerate(lines) if _announces(line)), None)
        taken = lines[start:] if start is not None else []
        if taken and has_details("\n".join(taken)) and fold("".join(taken)) not in folded:
            bottom.append(_piece(taken))
            del lines[start:]
        if lines is not rest:
            rest += lines
    again = [*(Counter(heads) - Counter(set(heads))).elements()]
    again += (Counter(feet) - Counter(set(feet))).elements()
    return top, bottom, rest, again


def told(paper: Paper, rest: list[str], again: list[str]) -> None:
    """Keep and name what was printed in the margins and is not sent; a name there is a hint."""
    paper.leave_out("margin_again", ["\n".join(again)])
    if not rest:
        return
    paper.leave_out("page_margin", ["\n".join(rest)])
    first = rest[0]
    if paper.issuer is None and 3 <= len(first) <= 60 and not any(map(str.isdigit, first)):
        paper.issuer = first
    shown = " · ".join(rest)
    paper.tell(
        "page_margin_left_out",
        "The pages' headers and footers are not sent: "
        f"“{shown if len(shown) < 160 else shown[:159] + '…'}”.",
        "Copy into the text what belongs to the release.",
    )


def _announces(line: str) -> bool:
    return marks.is_press_contact(line) or (
        marks.contact_label(line) > 0 and marks.is_press_contact(line[: marks.contact_label(line)])
    )


def _piece(lines: list[str]) -> Piece:
    return Piece(BlockKind.PARAGRAPH, 0, 0, "", (Inline("\n".join(lines)),))
