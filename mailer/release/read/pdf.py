"""PDFs to pieces, by PDFium: letters with their places, set in order again by `pdflayout`.

The library runs in the process and may be used by one thread at a time. What it is given is bounded
in pages and letters, so that no file keeps it long.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from mailer.errors import InputError
from mailer.release.model import PlaceholderLink
from mailer.release.read import html, htmlclean, margins, pdflayout
from mailer.release.read.headings import bold_headings
from mailer.release.read.inline import drop_placeholders
from mailer.release.read.paper import Paper, laid_out
from mailer.release.read.pdflayout import Char
from mailer.release.read.sniff import Format

MOST_PAGES = 60
MOST_LETTERS = 400_000
"""Limits far above any release; a page has some 3,000 letters."""

_LEAST_PICTURE = 40.0
"""Points that a picture is wide and high at least; smaller ones are logos and lines."""
_FORMS = re.compile(
    "[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdff\ufe70-\ufefc\u2e80-\u2fdf\uf900-\ufaff]+"
)
"""Letters as printers shape them (ligatures, Arabic forms), which stand for ordinary ones."""
# PDFium's own marks for a hyphen at the end of a line, whatever letter it was.
_HYPHENS = {"\x02": "-", "\ufffe": "-", "\uffff": ""}
_SECURITY = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}


def read(data: bytes, name: str) -> Paper:
    """A PDF. Raises InputError when it is protected, broken, too long or has no text to read."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise _unopened(error, name) from None
    try:
        count = len(document)
        if not 0 < count <= MOST_PAGES:
            raise _too_long(name, count) if count else _broken(name)
        return _read(document, name)
    except pdfium.PdfiumError:
        raise _broken(name) from None
    finally:
        document.close()


def _read(document: pdfium.PdfDocument, name: str) -> Paper:
    pages: list[pdflayout.Page] = []
    pictures = letters = 0
    empty: list[int] = []
    cleaned = htmlclean.Cleaned()
    for number in range(len(document)):
        page = document[number]
        found = list(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=4))
        shown = sum(map(_is_picture, found))
        textpage = page.get_textpage()
        letters += textpage.count_chars()
        if letters > MOST_LETTERS:
            raise _too_long(name, letters, "letters")
        chars = list(_chars(page, textpage, cleaned))
        pages.append(pdflayout.Page(chars, page.get_width(), page.get_height()))
        if not any(char.text.strip() for char in chars):
            empty += [number + 1] if found else []
        else:
            pictures += shown
        textpage.close()
        page.close()
    _check_letters(pages, empty, name)
    laid = pdflayout.lay_out(pages)
    top, bottom, rest, again = margins.sort(laid.heads, laid.feet, laid.pieces)
    text, placed = laid_out([*top, *laid.pieces, *bottom])
    paper = Paper(text, placed, Format.PDF.value)
    placeholders: list[PlaceholderLink] = []
    for index, piece in enumerate(placed):
        inlines, missing = drop_placeholders(piece.inlines, piece.first)
        placed[index] = replace(piece, inlines=inlines)
        placeholders += missing
    paper.placeholders, paper.pieces = placeholders, bold_headings(placed)
    paper.whole = laid.whole
    paper.leave_out("page_number", laid.numbers)
    margins.told(paper, rest, again)
    _tell(paper, laid, cleaned, pictures, empty)
    return paper


def _chars(
    page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, cleaned: htmlclean.Cleaned
) -> Iterator[Char]:
    """The letters of a page in the order of its contents, a line's end as "\\n"."""
    box, links = raw.FS_RECTF(), _links(page, cleaned)
    styles: dict[int, tuple[bool, bool, float]] = {}
    x, y = ctypes.c_double(), ctypes.c_double()
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(textpage, index)
        text = _HYPHENS.get(chr(code), chr(code)) if code <= 0x10FFFF else ""
        if text in {"\r", "\x00", ""}:
            continue
        if text == "\n" or not raw.FPDFText_GetLooseCharBox(textpage, index, box):
            yield Char(text if text == "\n" else " ", 0, 0, 0, 0)
            continue
        place = raw.FPDFText_GetTextObject(textpage, index)
        address = ctypes.addressof(place.contents) if place else 0
        if address not in styles:
            styles[address] = _style(place) if place else (False, False, 0.0)
        bold, slanted, size = styles[address]
        raw.FPDFText_GetCharOrigin(textpage, index, x, y)
        if size and text.strip():
            # Boxes differ from font to font; the line that letters stand on does not.
            box.bottom, box.top = y.value - size * 0.25, y.value + size * 0.85
            box.left = min(x.value, box.right)
        middle_x, middle_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        href = next(
            (
                target
                for left, bottom, right, top, target in links
                if left <= middle_x <= right and bottom <= middle_y <= top
            ),
            None,
        )
        yield Char(_normal(text), box.left, box.bottom, box.right, box.top, bold, slanted, href)


def _style(place: raw.FPDF_PAGEOBJECT) -> tuple[bool, bool, float]:
    """Whether a text object is set in a bold, and in a slanted face, and its size in points; the
    size is 0 for letters that do not stand upright."""
    font = raw.FPDFTextObj_GetFont(place)
    if not font:
        return False, False, 0.0
    size = ctypes.c_float(0)
    matrix = raw.FS_MATRIX()
    raw.FPDFTextObj_GetFontSize(place, size)
    raw.FPDFPageObj_GetMatrix(place, matrix)
    upright = abs(matrix.b) + abs(matrix.c) < 0.5 * abs(matrix.d)
    points = abs(size.value * matrix.d) if upright else 0.0
    buffer = ctypes.create_string_buffer(256)
    length = raw.FPDFFont_GetBaseFontName(font, buffer, 256)
    name = buffer.raw[: max(0, min(length, 256) - 1)].decode("utf-8", "replace").lower()
    angle = ctypes.c_int(0)
    raw.FPDFFont_GetItalicAngle(font, angle)
    # Names say it more truly than the weight, which most writers of PDFs leave at its default.
    bold = re.search(r"bold|black|heavy|semibold|demi", name) is not None
    slanted = angle.value != 0 or re.search(r"italic|oblique", name) is not None
    return bold, slanted, points


def _links(
    page: pdfium.PdfPage, cleaned: htmlclean.Cleaned
) -> list[tuple[float, float, float, float, str]]:
    found: list[tuple[float, float, float, float, str]] = []
    position, link, box = ctypes.c_int(0), raw.FPDF_LINK(), raw.FS_RECTF()
    while len(found) < 500 and raw.FPDFLink_Enumerate(page, position, link):
        action = raw.FPDFLink_GetAction(link)
        if not action or not raw.FPDFLink_GetAnnotRect(link, box):
            continue
        size = raw.FPDFAction_GetURIPath(page.pdf, action, None, 0)
        if not 1 < size < 4_000:
            continue
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAction_GetURIPath(page.pdf, action, buffer, size)
        target = buffer.raw[: size - 1].decode("utf-8", "replace")
        href = htmlclean.plain_address(target, None, cleaned)
        if href and re.match(r"(?:https?|mailto):", href, re.I):
            low, high = sorted((box.bottom, box.top))
            found.append((box.left, low, box.right, high, href))
    return found


def _normal(text: str) -> str:
    text = _FORMS.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    return unicodedata.normalize("NFC", text) if len(text) > 1 else text


def _is_picture(item: pdfium.PdfObject) -> bool:
    try:
        left, bottom, right, top = item.get_bounds()
    except pdfium.PdfiumError:
        return False
    return bool(right - left >= _LEAST_PICTURE and top - bottom >= _LEAST_PICTURE)


def _check_letters(pages: list[pdflayout.Page], empty: list[int], name: str) -> None:
    """Refuse what has no letters, or letters that no font explains."""
    letters = [char.text for page in pages for char in page.chars if char.text.strip()]
    if len(letters) < 20:
        if empty:
            raise InputError(
                "the PDF holds pictures of pages and no text, as a scanner makes it.",
                where=name,
                hint="Ask for the original, or have its text recognised first (OCR).",
            )
        raise html.no_text(name, "PDF")
    unknown = sum(unicodedata.category(text[0]) in {"Co", "Cn", "Cc"} for text in letters)
    unknown += letters.count("\ufffd")
    if unknown > len(letters) // 10:
        raise InputError(
            "the PDF's text cannot be read: its fonts do not say which letters they show.",
            where=name,
            hint="Ask for the original, or have its text recognised first (OCR).",
        )


def _tell(
    paper: Paper,
    laid: pdflayout.Laid,
    cleaned: htmlclean.Cleaned,
    pictures: int,
    empty: list[int],
) -> None:
    if laid.joined:
        words = ", ".join(f"{a}{b}" for a, b in list(laid.joined)[:8])
        paper.tell(
            "words_joined",
            f"Words that were parted at the ends of lines were joined: {words}"
            f"{', …' if len(laid.joined) > 8 else ''}.",
            "Look whether one of them has a hyphen of its own.",
        )
    if laid.columns:
        paper.tell(
            "columns_read",
            "Pages set in columns were read one column after the other.",
            "Look whether the paragraphs follow each other rightly.",
        )
    html.told_active(paper, cleaned)
    html.told_pictures(paper, [("", "")] * pictures)
    if empty:
        numbers = ", ".join(map(str, empty))
        which = f"Page {numbers} of the PDF is a picture"
        if len(empty) > 1:
            which = f"Pages {numbers} of the PDF are pictures"
        paper.tell(
            "page_is_a_picture",
            f"{which}; whatever is written there was not read.",
            "Type its text into the release if it belongs there.",
        )


def _unopened(error: pdfium.PdfiumError, name: str) -> InputError:
    if error.err_code in _SECURITY:
        return InputError(
            "the PDF is protected by a password.", where=name, hint="Save it without one."
        )
    return _broken(name)


def _broken(name: str) -> InputError:
    return InputError(
        "the PDF is broken: it cannot be opened.",
        where=name,
        hint="Make it again, or save its text as a file of its own.",
    )


def _too_long(name: str, count: int, what: str = "pages") -> InputError:
    most = MOST_PAGES if what == "pages" else MOST_LETTERS
    return InputError(
        f"the PDF has {'over ' if what != 'pages' else ''}{count:,} {what}, more than any release "
        f"({most:,}).",
        where=name,
        hint="Check that it is the right file.",
    )
