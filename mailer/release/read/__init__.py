"""Reading a release file: bytes in, `Release` out. One module per format, recognisers beside them.

`read_release` raises InputError only for files that cannot be read at all or whose front matter is
broken. A text without headline, body or contact is read all the same; `preflight` says what is
missing.
"""

from __future__ import annotations

from datetime import date

from mailer.release.model import Release
from mailer.release.read import markdown, plain
from mailer.release.read.assemble import assemble
from mailer.release.read.decode import decode, is_markdown
from mailer.release.read.frontmatter import split
from mailer.release.read.source import Source


def read_release(
    data: bytes,
    *,
    name: str,
    today: date | None = None,
    zone: str = "UTC",
    default_language: str = "en",
) -> Release:
    """Read a release from a file's bytes.

    `name` is the file's name, used in messages and to know Markdown by its ending; `today` fills
    in the year of dates without one; `zone` (IANA) is the newsroom's, used only in suggestions;
    `default_language` is taken when the text is too short to tell.

    Raises InputError (exit 4): empty or binary file, unsupported format, broken front matter.
    """
    text, encoding = decode(data, name)
    front, body, first_line = split(text, name)
    source = Source(text, name, encoding, today, zone, default_language)
    if is_markdown(body, name):
        pieces, placeholders, unused = markdown.read(body, first_line)
    else:
        pieces, placeholders, unused = plain.read(body, first_line)
    return assemble(source, front, pieces, placeholders, unused)


def source_text(data: bytes, *, name: str) -> str:
    """The text of a release file as `read_release` sees it, for accounting and comparing.

    Raises InputError as `read_release` does.
    """
    return decode(data, name)[0]


__all__ = ["read_release", "source_text"]
