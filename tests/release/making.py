"""Documents made for tests: the same blocks as a Word file, a page, a mail and a PDF.

A block is a pair of its kind and its text: "title", "heading", "text", "quote" with a string,
"items" and "numbers" with a list of them, "table" with rows of cells.
"""

from __future__ import annotations

import html
import io
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from fpdf import FPDF

Blocks = list[tuple[str, Any]]

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_FONTS = Path("/usr/share/fonts")
_LATIN = _FONTS / "truetype/dejavu/DejaVuSans.ttf"
_FACES = {
    "ARABIC": _FONTS / "truetype/noto/NotoSansArabic-Regular.ttf",
    "HEBREW": _FONTS / "truetype/noto/NotoSansHebrew-Regular.ttf",
    "CJK": _FONTS / "opentype/noto/NotoSansCJK-Regular.ttc",
    "THAI": _FONTS / "truetype/noto/NotoSansThai-Regular.ttf",
    "DEVANAGARI": _FONTS / "truetype/noto/NotoSansDevanagari-Regular.ttf",
}


def as_html(blocks: Blocks, lang: str = "") -> bytes:
    """A page with nothing around the text."""
    body = "\n".join(_markup(kind, value) for kind, value in blocks)
    attribute = f' lang="{lang}"' if lang else ""
    return (
        f'<!DOCTYPE html><html{attribute}><head><meta charset="utf-8"><title>x</title></head>'
        f"<body>{body}</body></html>"
    ).encode()


def _markup(kind: str, value: Any) -> str:
    if kind in {"items", "numbers"}:
        tag = "ul" if kind == "items" else "ol"
        return f"<{tag}>" + "".join(f"<li>{html.escape(v)}</li>" for v in value) + f"</{tag}>"
    if kind == "table":
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in value)
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
    text = html.escape(value).replace("\n", "<br>")
    tag = {"title": "h1", "heading": "h2", "quote": "blockquote"}.get(kind, "p")
    return f"<{tag}>{text}</{tag}>"


def new_document() -> docx.document.Document:
    """An empty Word file without the hundred looks of tables, which nobody here uses and which take
    ten times as long to read as all the rest."""
    made = docx.Document()
    for style in made.styles:
        if style.type is WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()
    return made


def as_docx(blocks: Blocks) -> bytes:
    """A Word file as Word itself would style it."""
    document = new_document()
    for kind, value in blocks:
        if kind in {"items", "numbers"}:
            style = "List Bullet" if kind == "items" else "List Number"
            for item in value:
                document.add_paragraph(item, style=style)
        elif kind == "table":
            table = document.add_table(len(value), max(map(len, value)))
            for row, cells in zip(table.rows, value, strict=True):
                for cell, text in zip(row.cells, cells, strict=False):
                    cell.text = text
        elif kind in {"title", "heading"}:
            document.add_heading(value, 0 if kind == "title" else 2)
        else:
            document.add_paragraph(value, style="Quote" if kind == "quote" else None)
    return saved(document)


def saved(document: Any) -> bytes:
    """The bytes of a python-docx document."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def with_xml(document: Any, inner: str) -> None:
    """Put raw WordprocessingML at the end of a document's text."""
    body = document.element.body
    body.insert(len(body) - 1, parse_xml(inner.replace("<w:p>", f"<w:p {W}>", 1)))


def as_text(blocks: Blocks) -> str:
    """The blocks as plain text, wrapped by nobody."""
    parts = []
    for kind, value in blocks:
        if kind == "items":
            parts.append("\n".join(f"- {item}" for item in value))
        elif kind == "numbers":
            parts.append("\n".join(f"{n}. {item}" for n, item in enumerate(value, 1)))
        elif kind == "table":
            parts.append("\n".join("   ".join(row) for row in value))
        else:
            parts.append(str(value))
    return "\n\n".join(parts) + "\n"


def as_mail(blocks: Blocks, subject: str = "News", both: bool = True) -> bytes:
    """A mail with the text as HTML too, or alone."""
    message = EmailMessage()
    message["From"] = "Press Office <press@office.example>"
    message["To"] = "desk@news.example"
    message["Subject"] = subject
    message["Date"] = "Tue, 10 Nov 2026 09:00:00 +0100"
    message["Message-ID"] = "<1@office.example>"
    message.set_content(as_text(blocks))
    if both:
        message.add_alternative(as_html(blocks).decode(), subtype="html")
    return message.as_bytes()


def as_pdf(blocks: Blocks, script: str = "LATIN") -> bytes:
    """A PDF of as many pages as it takes, left-aligned or from the right, in Debian's fonts."""
    pdf = new_pdf(script)
    side = "R" if script in {"ARABIC", "HEBREW"} else "L"

    def write(text: str, size: int, indent: int = 0) -> None:
        pdf.set_font("face", size=size)
        pdf.set_x(20 + indent)
        pdf.multi_cell(0, size * 0.5, text, align=side, new_x="LMARGIN", new_y="NEXT")

    for kind, value in blocks:
        if kind in {"items", "numbers"}:
            for number, item in enumerate(value, 1):
                write(f"• {item}" if kind == "items" else f"{number}. {item}", 10, 5)
        elif kind == "table":
            pdf.set_font("face", size=10)
            for row in value:
                for cell in row:
                    pdf.cell(170 / len(row), 6, cell, align=side)
                pdf.ln(6)
        else:
            write(value, {"title": 18, "heading": 13}.get(kind, 10), 5 if kind == "quote" else 0)
        pdf.ln(4)
    return bytes(pdf.output())


def new_pdf(script: str = "LATIN") -> FPDF:
    """An empty PDF with the face that has a script, as "face"."""
    pdf = FPDF()
    pdf.set_margins(20, 20)
    face = _FACES.get(script, _LATIN)
    pdf.add_font("face", "", str(face))
    if face != _LATIN:
        pdf.add_font("latin", "", str(_LATIN))
        pdf.set_fallback_fonts(["latin"])
    pdf.set_text_shaping(script in {"ARABIC", "HEBREW", "DEVANAGARI", "THAI"})
    pdf.add_page()
    return pdf


def repacked(data: bytes, parts: dict[str, bytes], compress: bool = True) -> bytes:
    """A Word file with some parts replaced or added."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for entry in old.infolist():
            if entry.filename not in parts:
                new.writestr(entry.filename, old.read(entry.filename))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()
