"""A message around a file: multipart/mixed, and how a file is named in a header (B2, B18)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote

from mailer.message.headers import CONTROLS

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,59}")
_MOST = 60


@dataclass(frozen=True, slots=True)
class Attachment:
    """One PDF and what it is called."""

    name: str
    data: bytes


def attachment_part(attachment: Attachment) -> str:
    """Head and body of the part that carries the PDF, in lines of 76 at most, without a line end.

    The name has neither folders nor controls; one that is long or not ASCII is written by RFC 2231,
    in pieces (sections 3 and 4.1).
    """
    text = base64.encodebytes(attachment.data).decode("ascii").rstrip("\n").replace("\n", "\r\n")
    return (
        "\r\nContent-Type: application/pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{_filename(attachment.name)}\r\n\r\n{text}"
    )


def _filename(name: str) -> str:
    name = CONTROLS.sub("", name.replace("\\", "/")).rpartition("/")[2].strip(" .")
    name = name or "release.pdf"
    if _SAFE.fullmatch(name):
        return f';\r\n filename="{name}"'
    encoded = "utf-8''" + quote(name, safe="")
    pieces: list[str] = []
    while encoded:
        cut = encoded[:_MOST]
        # No escape of three characters is cut in two.
        cut = re.sub(r"%[0-9A-F]?$", "", cut) if len(encoded) > _MOST else cut
        pieces.append(cut)
        encoded = encoded[len(cut) :]
    if len(pieces) == 1:
        return f";\r\n filename*={pieces[0]}"
    return "".join(f";\r\n filename*{n}*={piece}" for n, piece in enumerate(pieces))
