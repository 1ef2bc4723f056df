"""The Word document of a release, from the same sheet as its PDF (`document.sheet`).

Styles carry the structure (Title, Heading, List, Quote), so that an editor's own template takes
over. The same release gives the same bytes: times inside of the file are fixed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from docx import Document
from docx.document import Document as Paper
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

_WIDTH = Mm(156)
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP file can say


def word(sheet: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """The bytes of a .docx; `pictures` by the names that the sheet calls them."""
    return _Word(sheet, pictures).made()


class _Word:
    def __init__(self, sheet: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
        self._sheet = sheet
        self._pictures = pictures
        self._paper: Paper = Document()

    def made(self) -> bytes:
        sheet, paper = self._sheet, self._paper
        self._set_up()
        self._say(sheet["wordmark"], style="Header")
        for text in (sheet["band"], sheet["band_line"]):
            if text:
                self._say(text, strong=True)
        if sheet["kind"]:
            self._say(sheet["kind"], strong=True)
        self._say(sheet["title"], style="Title")
        if sheet["subhead"]:
            self._say(sheet["subhead"], style="Subtitle")
        for label, lines in sheet["event"]:
            row = self._paragraph()
            row.add_run(label).bold = True
            for text, href in lines:
                row.add_run().add_break()
                self._run(row, {"text": text, "href": href})
            self._turn(row)
        lead = self._paragraph()
        if sheet["dateline"]:
            lead.add_run(sheet["dateline"]).bold = True
        self._runs(lead, sheet["lead"])
        self._blocks(sheet["after_lead"])
        for picture in sheet["pictures"][:1]:
            self._medium(picture)
        self._blocks(sheet["body"])
        if sheet["end_mark"]:
            self._say(sheet["end_mark"])
        for section in sheet["sections"]:
            if section["blocks"]:
                self._say(section["heading"], style="Heading 1")
                self._blocks(section["blocks"])
        self._contacts()
        others = [*sheet["pictures"][1:], *sheet["files"]]
        if others:
            self._say(sheet["media_heading"], style="Heading 1")
        for medium in others:
            self._medium(medium)
        for text in (sheet["url"], sheet["postal"]):
            if text:
                self._say(text, style="Footer")
        out = io.BytesIO()
        paper.save(out)
        return _timeless(out.getvalue())

    def _set_up(self) -> None:
        sheet, paper = self._sheet, self._paper
        facts = paper.core_properties
        facts.title, facts.author, facts.language = sheet["title"], sheet["author"], sheet["lang"]
        facts.last_modified_by, facts.comments, facts.revision = "", "", 1
        facts.created = facts.modified = datetime(1980, 1, 1, tzinfo=UTC)
        page = paper.sections[0]
        page.page_width, page.page_height = Mm(210), Mm(297)
        page.left_margin = page.right_margin = Mm(27)
        accent = RGBColor.from_string(sheet["accent"].lstrip("#").upper())
        for name in ("Title", "Subtitle", *(f"Heading {level}" for level in range(1, 7))):
            style = paper.styles[name]
            font = style.font
            font.color.rgb = RGBColor(0x1A, 0x1A, 0x1A) if name != "Subtitle" else accent
        paper.styles["Normal"].font.size = Pt(11)

    def _contacts(self) -> None:
        sheet = self._sheet
        if sheet["contacts"]:
            self._say(sheet["contacts_heading"], style="Heading 1")
            if sheet["contacts_intro"]:
                self._say(sheet["contacts_intro"])
        for contact in sheet["contacts"]:
            line = self._paragraph()
            line.add_run(contact["name"]).bold = True
            if contact["role"]:
                line.add_run(f", {contact['role']}")
            for label, value, href in contact["ways"]:
                line.add_run().add_break()
                line.add_run(f"{label}  ")
                self._run(line, {"text": value, "href": href})
            self._turn(line)
        for office in sheet["offices"]:
            self._say("\n".join(office))

    def _medium(self, medium: Mapping[str, Any]) -> None:
        data = self._pictures.get(medium["file"])
        if data is not None:
            place = self._paragraph()
            shape = place.add_run().add_picture(
                io.BytesIO(data), width=_WIDTH if medium["wide"] else None
            )
            shape._inline.docPr.set("descr", medium["alt"])
        line = self._paragraph(style="Caption")
        parts = [part for part in (medium["caption"], medium["credit"]) if part]
        line.add_run("\n".join(parts))
        if medium["url"]:
            line.add_run().add_break()
            self._run(line, {"text": medium["facts"] or medium["url"], "href": medium["url"]})
        self._turn(line)

    def _blocks(self, blocks: Iterable[Mapping[str, Any]], style: str | None = None) -> None:
        for block in blocks:
            self._block(block, style)

    def _block(self, block: Mapping[str, Any], style: str | None) -> None:
        kind = block["kind"]
        if kind == "table":
            self._table(block)
            return
        if kind in ("bullets", "numbers"):
            name = "List Bullet" if kind == "bullets" else "List Number"
            self._blocks(block["children"], name)
            return
        if kind == "heading":
            style = f"Heading {min(6, max(1, block['level'] - 1))}"
        elif kind == "quote":
            style = "Quote"
        runs = block["runs"] if kind != "code" else [{"text": block["text"], "code": True}]
        if kind == "rule":
            runs = [{"text": "* * *"}]
        if runs:
            line = self._paragraph(style=style)
            self._runs(line, runs)
            self._turn(line)
        self._blocks(block["children"], style if kind == "quote" else None)
        if block["speaker"]:
            self._say(f"– {block['speaker']}", style="Quote")

    def _table(self, block: Mapping[str, Any]) -> None:
        rows = block["children"]
        columns = max(len(row["children"]) for row in rows)
        table = self._paper.add_table(rows=len(rows), cols=columns, style="Table Grid")
        for row, cells in zip(rows, table.rows, strict=True):
            for cell, place in zip(row["children"], cells.cells, strict=False):
                self._runs(place.paragraphs[0], cell["runs"])
                self._turn(place.paragraphs[0])
        self._paragraph()

    def _say(self, text: str, *, style: str | None = None, strong: bool = False) -> None:
        line = self._paragraph(style=style)
        self._runs(line, [{"text": text, "strong": strong}])
        self._turn(line)

    def _paragraph(self, style: str | None = None) -> Paragraph:
        return self._paper.add_paragraph(style=style)

    def _runs(self, line: Paragraph, runs: Iterable[Mapping[str, Any]]) -> None:
        for run in runs:
            self._run(line, run)

    def _run(self, line: Paragraph, run: Mapping[str, Any]) -> None:
        """A run of text; a link leads where the release's own does."""
        made = line.add_run("".join(char for char in run["text"] if char >= " " or char in "\n\t"))
        made.bold, made.italic = run.get("strong") or None, run.get("emphasis") or None
        if run.get("code"):
            made.font.name = "Consolas"
        if run.get("href"):
            made.font.underline = True
            link = OxmlElement("w:hyperlink")
            target = self._paper.part.relate_to(
                run["href"], RELATIONSHIP_TYPE.HYPERLINK, is_external=True
            )
            link.set(qn("r:id"), target)
            made._r.addprevious(link)
            link.append(made._r)

    def _turn(self, line: Paragraph) -> None:
        """Right to left, where the release runs so."""
        if not self._sheet["rtl"]:
            return
        line._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        for run in line._p.xpath(".//w:r"):
            run.get_or_add_rPr().append(OxmlElement("w:rtl"))


def _timeless(data: bytes) -> bytes:
    """The same package without the time at which it was written."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as made, zipfile.ZipFile(out, "w") as kept:
        for name in made.namelist():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            kept.writestr(entry, made.read(name))
    return out.getvalue()
