"""What a release file is: by its content first, then by its name."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesHeaderParser
from enum import StrEnum
from pathlib import PurePath

from mailer.errors import InputError

SUPPORTED = (
    "Word (.docx), PDF, a web page (.html), a mail (.eml), Markdown (.md) or plain text (.txt)"
)


class Format(StrEnum):
    """The formats that are read, by their names for people."""

    DOCX = "Word document"
    PDF = "PDF"
    HTML = "web page"
    MAIL = "mail"
    MARKDOWN = "Markdown"
    TEXT = "plain text"


_SUFFIXES = {
    Format.DOCX: ".docx .docm .dotx",
    Format.PDF: ".pdf",
    Format.HTML: ".html .htm .xhtml",
    Format.MAIL: ".eml",
    Format.MARKDOWN: ".md .markdown .mdown .mkd",
    Format.TEXT: ".txt .text",
}
_BY_SUFFIX = {suffix: kind for kind, names in _SUFFIXES.items() for suffix in names.split()}
_UNREAD = (
    (b"\xd0\xcf\x11\xe0", "an old Word file", "Save it as .docx."),
    (b"{\\rtf", "an RTF file", "Save it as .docx."),
    (b"\x89PNG", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"GIF8", "a picture", ""),
    (b"II*\x00", "a picture", ""),
    (b"MM\x00*", "a picture", ""),
)
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*)*)<(!doctype\s+html|html|head|body)\b", re.I | re.S
)
_HTML_BLOCK = re.compile(r"<(p|div|h[1-6]|ul|table|span)\b[^>]*>.*?</\1\s*>", re.I | re.S)
_SAMPLE = 20_000
"""So many characters tell whether a text is HTML; to look for ends of elements takes the longer,
the more of them have none."""
_MAIL_HEADERS = ("from", "subject", "date", "mime-version", "received", "content-type", "to")


def named(name: str) -> Format | None:
    """The format that a file's name promises, None when its ending says nothing."""
    return _BY_SUFFIX.get(PurePath(name).suffix.lower())


def by_bytes(data: bytes, name: str) -> Format | None:
    """The format that the first bytes prove; None for what may be a text.

    Raises InputError for formats that are known and not read.
    """
    # A PDF may have rubbish before its mark; viewers look for it in the first 1,024 bytes.
    if data.startswith(b"%PDF-") or (named(name) is Format.PDF and b"%PDF-" in data[:1024]):
        return Format.PDF
    if data.startswith(b"PK\x03\x04"):
        return Format.DOCX
    if data.startswith(b"\xd0\xcf\x11\xe0") and "EncryptedPackage".encode("utf-16-le") in data:
        raise InputError(
            "the Word file is protected by a password.", where=name, hint="Save it without one."
        )
    for magic, what, advice in _UNREAD:
        if data.startswith(magic):
            raise unsupported(name, what, advice)
    return Format.MAIL if _is_mail(data, named(name) is Format.MAIL) else None


def by_text(text: str, name: str) -> Format:
    """HTML, Markdown or plain text: by the content, then the name, then the content again."""
    promised = named(name)
    if _HTML.match(text) or (promised is Format.HTML and "<" in text):
        return Format.HTML
    if promised is Format.MARKDOWN:
        return Format.MARKDOWN
    if _is_fragment(text):
        return Format.HTML
    if promised is Format.TEXT:
        return Format.TEXT
    headings = re.findall(r"^#{1,6} +\S", text, re.M)
    links = re.findall(r"\]\(https?://[^)\s]+\)|^\[[^\]]+\]: +\S", text, re.M)
    return Format.MARKDOWN if headings or len(links) >= 2 else Format.TEXT


def unsupported(name: str, what: str, advice: str = "") -> InputError:
    """The error for a file of a format that is not read."""
    return InputError(
        f"this is {what}, which mailer does not read as a release.",
        where=name,
        hint=advice or f"Save the release as {SUPPORTED}.",
    )


def _is_mail(data: bytes, promised: bool) -> bool:
    """Whether the bytes begin with a mail's header. A text may begin "Subject: …" too, so a mail
    shows at least three fields, two when its name says so."""
    start = data.lstrip(b"\xef\xbb\xbf\r\n")
    if start.startswith(b"From ") and b"\n" in start:
        start = start.split(b"\n", 1)[1]  # The line that mailboxes put before each mail.
    if not re.match(rb"[!-9;-~]{1,70}:", start):
        return False
    head = re.split(rb"\r?\n\r?\n", start[:65_536], maxsplit=1)[0]
    message: Message = BytesHeaderParser().parsebytes(head)
    fields = sum(field in message for field in _MAIL_HEADERS)
    technical = any(field in message for field in ("mime-version", "received", "message-id"))
    return fields >= (2 if promised else 3) and (technical or promised)


def _is_fragment(text: str) -> bool:
    start = text[:_SAMPLE]
    inside = [len(match.group()) for match in _HTML_BLOCK.finditer(start)]
    return len(inside) >= 2 and sum(inside) > len(start) // 2
