"""Word documents (.docx) to pieces, by way of mammoth's HTML.

Tracked changes are taken as accepted. What Word shows beside the text (headers, comments, hidden
words) is kept out of the release and told; footnotes become notes.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from xml.parsers.expat import ExpatError

import mammoth
from lxml.html import HtmlElement

from mailer.release.model import Block, BlockKind, Inline
from mailer.release.read import html, htmlclean, margins
from mailer.release.read.docxfile import Parts, broken, open_parts
from mailer.release.read.htmlblocks import visible
from mailer.release.read.paper import Paper, laid_out
from mailer.release.read.pieces import tidy
from mailer.release.read.sniff import Format

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='Quotations'] => blockquote > p:fresh
p[style-name='Block Text'] => blockquote > p:fresh
p[style-name='Preformatted Text'] => p:fresh
r[style-name='Emphasis'] => em
"""
_NOTE = re.compile(r"(?:foot|end)note-\d+")


def read(data: bytes, name: str) -> Paper:
    """A Word document. Raises InputError for what is none, is broken, protected or empty, or
    unpacks to more than any document."""
    parts = open_parts(data, name)
    try:
        converted = mammoth.convert_to_html(
            io.BytesIO(parts.main),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(lambda image: {"src": ""}),
        )
    except RecursionError:
        raise broken(name, "its parts are nested too deep") from None
    except (KeyError, ValueError, AttributeError, TypeError, IndexError, OSError, ExpatError):
        # mammoth has no error of its own for what is no WordprocessingML.
        raise broken(name, "its parts do not fit together") from None
    page = html.parse(f"<html><body>{converted.value}</body></html>", name)
    cleaned = htmlclean.clean(page.body)
    notes = _notes(page.body)
    paper = html.from_elements([page.body], cleaned, None, name)
    top, bottom, rest, again = margins.sort(parts.heads, parts.feet, paper.pieces)
    if top or bottom:
        paper.text, paper.pieces = laid_out([*top, *paper.pieces, *bottom])
    paper.format, paper.whole, paper.notes = Format.DOCX.value, visible(parts.whole), notes
    margins.told(paper, rest, again)
    _tell(paper, parts, notes)
    return paper


def _notes(body: HtmlElement) -> tuple[Block, ...]:
    """The foot- and endnotes, which mammoth lists at the end, as notes to editors."""
    found: list[Block] = []
    for item in [e for e in body.iter("li") if _NOTE.fullmatch(e.get("id") or "")]:
        for link in list(item.iter("a")):
            if (link.get("href") or "").startswith("#"):
                link.drop_tree()
        text = visible(htmlclean.text_of(item))
        listed = item.getparent()
        item.drop_tree()
        if listed is not None and not len(listed):
            listed.drop_tree()
        found.append(
            Block(BlockKind.PARAGRAPH, tidy((Inline(f"[{len(found) + 1}] {text}"),)), line=1)
        )
    return tuple(replace(note, line=None) for note in found)


def _tell(paper: Paper, parts: Parts, notes: tuple[Block, ...]) -> None:
    if parts.deleted or parts.insertions:
        paper.leave_out("deleted", parts.deleted)
        words = html.clip(" … ".join(parts.deleted))
        paper.tell(
            "tracked_changes_accepted",
            "The document holds tracked changes; the text was read as if all were accepted"
            + (f", without: “{words}”." if parts.deleted else "."),
            "Accept or reject them in Word, then save the file.",
        )
    if parts.comments:
        paper.leave_out("comment", parts.comments)
        paper.tell(
            "comments_left_out",
            f"The document's comments are not sent: “{html.clip(' … '.join(parts.comments))}”.",
            "Delete them in Word before the file goes anywhere.",
        )
    if parts.hidden:
        paper.leave_out("hidden", parts.hidden)
        paper.tell(
            "hidden_text_left_out",
            f"Text that Word hides was left out: “{html.clip(' '.join(parts.hidden))}”.",
            "Make it visible, or delete it.",
        )
    if notes:
        paper.tell(
            "footnotes_as_notes",
            f"The document's footnotes ({len(notes)}) stand below the text as notes.",
            "Write into the text what readers need.",
        )
    if parts.objects:
        paper.tell(
            "embedded_left_out",
            f"The document holds what cannot be sent as text: {', '.join(parts.objects[:5])}.",
            "Put its words or figures into the text.",
        )
    shown = any(finding.code == "picture_left_out" for finding in paper.findings)
    if parts.media and not shown:
        html.told_pictures(paper, [("", media) for media, _ in parts.media])
    large = [f"{media} ({size / 1e6:.0f} MB)" for media, size in parts.media if size > 5_000_000]
    if large:
        paper.tell(
            "large_picture",
            f"The document carries {', '.join(large[:3])}, which was not opened.",
            "Keep large pictures out of the file.",
        )
