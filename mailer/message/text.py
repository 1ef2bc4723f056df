"""The text part: written for reading, 72 columns wide, links numbered and listed at the end.

`TextPart` is given to the text template under the name `text`; it remembers which links were
numbered while the template places blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailer.message.media import Shown
from mailer.message.view import View
from mailer.message.wrap import COLUMNS, fold, width, wrap
from mailer.release.html import heading_levels, safe_href
from mailer.release.model import Block, BlockKind, Contact, Inline, Office

_INDENT = "    "
_WIDEST = 78
"""No line of text is longer, but for a word that has no place to break (RFC 5322 section 2.1.1)."""


class TextPart:
    """Sets a release's parts as lines of plain text. Made anew for each rendering."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._links: list[str] = []

    def wrap(self, text: str) -> str:
        """Running text in lines of 72 columns."""
        return "\n".join(wrap(text))

    def headline(self, text: str) -> str:
        """The headline, underlined over the whole width of its longest line."""
        return self._underlined(text, "=")

    def heading(self, text: str) -> str:
        """A section's heading, underlined lightly."""
        return self._underlined(text, "-")

    def lead(self) -> str:
        """Dateline and lead as one paragraph."""
        view = self._view
        if view.lead is None:
            return view.dateline.rstrip(" –")
        first, *others = self._block(view.lead, "").split("\n\n")
        words = view.dateline + self._words(view.lead.inlines)
        return "\n\n".join([self.wrap(words) if view.lead.inlines else first, *others])

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Blocks parted by empty lines; block quotations indented, with their speaker below."""
        speakers = self._view.speakers if blocks is self._view.body else {}
        out: list[str] = []
        for index, (block, level) in enumerate(heading_levels(blocks)):
            lines = self._block(block, "") if not level else self.heading(block.text)
            if index in speakers:
                lines += "\n\n" + "\n".join(
                    wrap(speakers[index], first=f"{_INDENT}– ", rest=f"{_INDENT}  ")
                )
            out.append(lines)
        return "\n\n".join(each for each in out if each)

    def event(self, add: str) -> str:
        """The event's box: labels and what they say in columns, then the file for calendars."""
        rows = [(row.label, [line.text for line in row.lines]) for row in self._view.event]
        column = max((width(label) for label, _ in rows), default=0) + 2
        out: list[str] = []
        for label, texts in rows:
            for place, text in enumerate(texts):
                lead = f"{label}{' ' * (column - width(label))}" if not place else " " * column
                out += wrap(text, first=lead, rest=" " * column)
        return "\n".join([*out, "", f"{add}:", self._view.calendar_url])

    def contacts(self, contacts: Iterable[Contact]) -> str:
        """Each contact with its details in aligned columns."""
        words = self._words_of()
        out = []
        for contact in contacts:
            title = contact.name + (f", {contact.role}" if contact.role else "")
            rows = [
                (words["phone"], contact.phone or ""),
                (words["email"], contact.email or ""),
                (words["hours"], contact.hours or ""),
            ]
            rows = [(label, value) for label, value in rows if value]
            column = max((width(label) for label, _ in rows), default=0) + 2
            lines = wrap(title)
            for label, value in rows:
                lead = f"  {label}{' ' * (column - width(label))}"
                lines += wrap(value, first=lead, rest=" " * (column + 2))
            out.append("\n".join(lines))
        return "\n\n".join(out)

    def offices(self, offices: Iterable[Office]) -> str:
        """Each office: label, address lines, telephone."""
        out = []
        for office in offices:
            lines = [office.label, *office.lines, *([office.phone] if office.phone else [])]
            out.append("\n".join(line for text in lines if text for line in wrap(text)))
        return "\n\n".join(out)

    def extra_links(self, links: Iterable[Inline]) -> str:
        """Links of the release's own list, numbered after those of the text."""
        return "\n".join(
            line for link in links for line in wrap(self._words((link,)), first="- ", rest="  ")
        )

    def media(self, items: Iterable[Shown]) -> str:
        """Each picture or file: what it shows and whose it is, type and size, its address."""
        words = self._words_of()
        out = []
        for item in items:
            said = [item.name.rstrip(".") + "."]
            if item.medium.credit:
                said.append(words["credit"].format(credit=item.medium.credit.rstrip(".")) + ".")
            if item.medium.licence:
                said.append(words["licence"].format(licence=item.medium.licence.rstrip(".")) + ".")
            lines = wrap(" ".join(said), first="- ", rest="  ")
            lines += [f"  {text}" for text in (item.facts, item.url) if text]
            out.append("\n".join(lines))
        return "\n\n".join(out)

    def numbered(self) -> str:
        """The list of numbered links. A URL is never broken, however long it is."""
        return "\n".join(f"[{number}] {href}" for number, href in enumerate(self._links, start=1))

    def _words_of(self) -> dict[str, str]:
        from mailer.message.phrases import phrases

        return dict(phrases(self._view.language, self._view.sender.own_words))

    def _underlined(self, text: str, character: str) -> str:
        lines = wrap(text)
        return "\n".join([*lines, character * min(COLUMNS, max(map(width, lines)))])

    def _block(self, block: Block, indent: str) -> str:
        columns = COLUMNS
        if block.kind is BlockKind.RULE:
            return f"{indent}* * *"
        if block.kind is BlockKind.CODE:
            return self._code(block.text.expandtabs(4).split("\n"), indent)
        if block.kind is BlockKind.TABLE:
            return self._table(block, indent)
        if block.kind in (BlockKind.BULLETS, BlockKind.NUMBERS):
            items = []
            for number, item in enumerate(block.children, start=block.level or 1):
                mark = "- " if block.kind is BlockKind.BULLETS else f"{number}. "
                items.append(self._item(item, f"{indent}{mark}", indent + " " * len(mark)))
            return "\n".join(items)
        inner = indent + (_INDENT if block.kind is BlockKind.QUOTE else "")
        parts = []
        if block.inlines:
            words = self._words(block.inlines)
            parts.append("\n".join(wrap(words, columns, first=inner, rest=inner)))
        parts += [self._block(child, inner) for child in block.children]
        return "\n\n".join(part for part in parts if part)

    def _code(self, lines: list[str], indent: str) -> str:
        """Lines as they are, set in by as much as the longest leaves room for; else folded."""
        room = _WIDEST - len(indent)
        free = min(len(_INDENT), max(0, room - max(map(width, lines))))
        return "\n".join(
            f"{indent}{' ' * free}{part}".rstrip()
            for line in lines
            for part in fold(line, room - free)
        )

    def _table(self, block: Block, indent: str) -> str:
        """Columns side by side where they fit; else each row as lines of "head: value"."""
        rows = [
            [" ".join(self._words(cell.inlines).split()) for cell in row.children]
            for row in block.children
        ]
        sizes = [max(map(width, column)) for column in zip(*rows, strict=True)]
        if len(indent) + sum(sizes) + 2 * (len(sizes) - 1) > COLUMNS:
            heads, *others = rows
            return "\n\n".join(
                "\n".join(
                    line
                    for head, value in zip(heads, row, strict=True)
                    for line in wrap(
                        f"{head}: {value}" if head else value, first=indent, rest=f"{indent}  "
                    )
                )
                for row in others or [heads]
            )
        rows.insert(1, ["-" * size for size in sizes])
        ends = [bool(cell.level) for cell in block.children[0].children]
        lines = []
        for row in rows:
            cells = []
            for text, size, end in zip(row, sizes, ends, strict=True):
                room = " " * (size - width(text))
                cells.append(room + text if end else text + room)
            lines.append((indent + "  ".join(cells)).rstrip())
        return "\n".join(lines)

    def _item(self, item: Block, first: str, rest: str) -> str:
        parts = []
        if item.inlines:
            parts.append("\n".join(wrap(self._words(item.inlines), first=first, rest=rest)))
        for child in item.children:
            inner = self._block(child, rest)
            parts.append(first + inner[len(rest) :] if not parts else inner)
        return "\n".join(parts)

    def _words(self, inlines: Iterable[Inline]) -> str:
        return "".join(map(self._inline, inlines))

    def _inline(self, inline: Inline) -> str:
        href = safe_href(inline)
        if href is None or not inline.text.strip():
            return inline.text
        shown = inline.text.strip()
        target = href.removeprefix("mailto:").removeprefix("tel:")
        if shown in (href, target) or shown.rstrip("/") in (target, target.rstrip("/")):
            return inline.text
        if href not in self._links:
            self._links.append(href)
        trailing = inline.text[len(inline.text.rstrip()) :]
        return f"{inline.text.rstrip()} [{self._links.index(href) + 1}]{trailing}"
