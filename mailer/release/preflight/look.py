"""What a check is given, and what it gives back. Pure: time, zone and domains are handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from mailer.release.model import Block, BlockKind, Release


@dataclass(frozen=True, slots=True)
class Setting:
    """What of the newsroom and the moment the checks may know; each left out check needs none.

    `today` is the day in the newsroom's zone, `zone` that zone, `domain` the sender's. `lift` is
    when the news becomes free (UTC microseconds): the embargo's end, else when it is sent.
    `source` is the text of the file that lines and columns are counted in.
    """

    today: date | None = None
    zone: str = ""
    domain: str = ""
    lift: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a check says no; its code and severity stand in the table."""

    message: str
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the release's text that stands together, and where it begins.

    `plain` is the text without code, `prose` says whether it is running text of the author's:
    a paragraph or an item, not a heading, a table's cell or a line of a contact.
    """

    text: str
    plain: str
    line: int | None
    prose: bool
    quoted: bool = False


@dataclass(frozen=True)
class Look:
    """A release under the eyes of the checks."""

    release: Release
    setting: Setting

    @property
    def language(self) -> str:
        """The release's language without region or script: "en" for "en-GB"."""
        return self.release.language.split("-")[0].lower()

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks in reading order, those inside others too."""
        release = self.release
        boilerplate = release.boilerplate.blocks if release.boilerplate else ()
        lead = (release.lead,) if release.lead else ()
        tops = (*lead, *release.body, *release.notes, *boilerplate)
        return tuple(inner for block in tops for inner in block.walk())

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """The text of all blocks but code, each once."""
        quoted = {
            id(inner)
            for block in self.blocks
            if block.kind is BlockKind.QUOTE
            for inner in block.walk()
        }
        return tuple(
            Passage(
                "".join(inline.text for inline in block.inlines),
                "".join(inline.text for inline in block.inlines if not inline.code),
                block.line,
                block.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.QUOTE),
                id(block) in quoted,
            )
            for block in self.blocks
            if block.kind is not BlockKind.CODE and block.inlines
        )

    @cached_property
    def others(self) -> tuple[tuple[str, int | None], ...]:
        """The words outside the blocks, headline first, with their lines where known."""
        release = self.release
        found: list[tuple[str | None, int | None]] = [
            (release.headline, release.headline_line),
            (release.subject, release.headline_line),
            (release.subhead, release.headline_line),
            (release.status_line, None),
            (release.dateline.text if release.dateline else None, release.dateline_line),
            (release.boilerplate.heading if release.boilerplate else None, None),
            (release.contact_intro, None),
        ]
        for contact in release.contacts:
            found += [(contact.name, None), (contact.role, None), (contact.hours, None)]
        found += [(link.text, None) for link in release.links]
        return tuple((text, line) for text, line in found if text)

    def words(self) -> Iterator[tuple[str, int | None]]:
        """Every text of the release with the line it begins in: blocks after all else."""
        yield from self.others
        for passage in self.passages:
            yield passage.text, passage.line

    def at(self, line: int | None, snippet: str, before: str = "") -> tuple[int | None, int | None]:
        """Line and column of `snippet` in the source, of a passage that begins at `line`.

        `before` is the text of the passage that stands before the snippet: its own occurrences
        there are passed over. Without the source, or where it differs, the passage's beginning.
        """
        first = snippet.split("\n")[0].strip()
        if self._rows and first:
            skip = before.count(first)
            start = (line or 1) - 1
            for number, row in enumerate(self._rows[start : start + 400], start):
                column = row.find(first)
                while column >= 0:
                    if not skip:
                        return number + 1, column + 1
                    skip -= 1
                    column = row.find(first, column + 1)
        return line, None if line is None else 1

    def hit(
        self,
        message: str,
        suggestion: str | None,
        line: int | None = None,
        snippet: str = "",
        before: str = "",
    ) -> Hit:
        """A hit at the place of `snippet`."""
        row, column = self.at(line, snippet, before)
        return Hit(message, suggestion, row, column)

    @cached_property
    def _rows(self) -> list[str]:
        return self.setting.source.split("\n") if self.setting.source else []


def clip(text: str, most: int = 60) -> str:
    """`text` on one line, cut to `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
