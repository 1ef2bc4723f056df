"""A release's text as clean HTML: for feeds, agencies and everybody else who sets it himself.

Only meaning is marked (headings, quotations, lists, tables, links, language, direction); there is
no style. `heading_levels` and `safe_href` are also what the templates of messages go by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from mailer.release.model import Block, BlockKind, Inline, Release

SAFE_SCHEMES = ("http://", "https://", "mailto:", "tel:")
"""Where a link of a release may lead (C18); the words of others stay without the link."""

_TAGS = {
    BlockKind.PARAGRAPH: "p",
    BlockKind.BULLETS: "ul",
    BlockKind.NUMBERS: "ol",
    BlockKind.ITEM: "li",
    BlockKind.QUOTE: "blockquote",
}


def article_html(release: Release) -> str:
    """Dateline, lead, body and boilerplate, in one element where the text runs right to left."""
    parts = [_lead(release), blocks_html(release.body)]
    if release.boilerplate:
        parts.append(f"<h2>{escape(release.boilerplate.heading)}</h2>")
        parts.append(blocks_html(release.boilerplate.blocks))
    html = "\n".join(part for part in parts if part)
    if release.direction != "rtl":
        return html
    return f'<div lang="{escape(release.language)}" dir="rtl">\n{html}\n</div>'


def blocks_html(blocks: Iterable[Block]) -> str:
    """Blocks one below the other."""
    return "\n".join(_block(block, level) for block, level in heading_levels(blocks))


def article_text(release: Release) -> str:
    """What `article_html` says, as plain text: paragraphs parted by empty lines."""
    parts = [_dateline(release) + (release.lead.text if release.lead else "")]
    parts += [block.text for block in release.body]
    if release.boilerplate:
        parts.append(release.boilerplate.heading)
        parts += [block.text for block in release.boilerplate.blocks]
    return "\n\n".join(part.strip() for part in parts if part.strip())


def heading_levels(blocks: Iterable[Block]) -> Iterator[tuple[Block, int]]:
    """Blocks with the level (2–6) of their heading, none skipped (C9); 0 for other blocks."""
    last = 1
    for block in blocks:
        level = 0
        if block.kind is BlockKind.SUBHEADING:
            last = level = min(max(block.level, 2), last + 1)
        yield block, level


def safe_href(inline: Inline) -> str | None:
    """The link's target when it may be followed from a message, else None."""
    href = (inline.href or "").strip()
    if href.lower().startswith(SAFE_SCHEMES) and not re.search(r"[\s<>\"]", href):
        return href
    return None


def _lead(release: Release) -> str:
    place = _dateline(release)
    head = f"<strong>{escape(place)}</strong>" if place else ""
    if release.lead is None:
        return f"<p>{head}</p>" if head else ""
    lead = release.lead
    below = blocks_html(lead.children)
    return f"<p{_attributes(lead)}>{head}{_runs(lead)}</p>" + (f"\n{below}" if below else "")


def _dateline(release: Release) -> str:
    text = release.dateline.text.strip().rstrip(" –—-") if release.dateline else ""
    return f"{text} – " if text else ""


def _block(block: Block, level: int) -> str:
    if level:
        return f"<h{level}{_attributes(block)}>{_runs(block)}</h{level}>"
    if block.kind is BlockKind.RULE:
        return "<hr>"
    if block.kind is BlockKind.CODE:
        return f'<pre dir="ltr"><code>{escape(block.text)}</code></pre>'
    if block.kind is BlockKind.TABLE:
        return _table(block)
    below = blocks_html(block.children)
    own = _runs(block)
    tag = _TAGS.get(block.kind, "p")
    if tag == "p":
        # A paragraph cannot hold blocks: what is below it follows it.
        first = f"<p{_attributes(block)}>{own}</p>" if own else ""
        return "\n".join(part for part in (first, below) if part)
    if tag == "blockquote" and own:
        own = f"<p>{own}</p>"
    start = f' start="{block.level}"' if tag == "ol" and block.level > 1 else ""
    return f"<{tag}{start}{_attributes(block)}>{own}{below}</{tag}>"


def _table(block: Block) -> str:
    rows = []
    for number, row in enumerate(block.children):
        tag, scope = ("td", "") if number else ("th", ' scope="col"')
        cells = (f"<{tag}{scope}{_attributes(c)}>{_runs(c)}</{tag}>" for c in row.children)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table{_attributes(block)}>{''.join(rows)}</table>"


def _attributes(block: Block) -> str:
    language = f' lang="{escape(block.language)}"' if block.language else ""
    return language + (f' dir="{escape(block.direction)}"' if block.direction else "")


def _runs(block: Block) -> str:
    return "".join(_run(inline) for inline in block.inlines)


def _run(inline: Inline) -> str:
    html = escape(inline.text).replace("\n", "<br>")
    for tag, wanted in (
        ("code", inline.code),
        ("em", inline.emphasis),
        ("strong", inline.strong),
    ):
        if wanted:
            html = f"<{tag}>{html}</{tag}>"
    href = safe_href(inline)
    return f'<a href="{escape(href)}">{html}</a>' if href else html
