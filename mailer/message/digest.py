"""The weekly mail of headlines, as a release whose body is a list of links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.message.compile import compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.model import Sender
from mailer.message.phrases import RTL, base_language, languages, phrases
from mailer.message.templates import TemplateSource
from mailer.message.view import Languages
from mailer.release.model import Block, BlockKind, Inline, Kind, Release

MOST = 40
"""Headlines of one mail; it stays far below the size at which mail programs cut."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One release that was left out: its headline as published, and its page."""

    text: str
    url: str
    language: str
    direction: str


def language_for(wanted: str, default: str) -> str:
    """The language of the mail itself: the reader's where there are phrases in it."""
    return base_language(wanted) if base_language(wanted) in languages() else default


def compile_digest(
    headlines: Sequence[Headline], language: str, sender: Sender, templates: TemplateSource
) -> MergeTemplate:
    """Compile the mail of some headlines with the layout `email/digest`. Raises what
    `compile_release` does."""
    direction = "rtl" if base_language(language) in RTL else "ltr"
    words = phrases(language, sender.own_words)
    links = tuple(Inline(each.text, href=each.url) for each in headlines)
    items = tuple(
        Block(
            BlockKind.ITEM,
            (link,),
            language=each.language if each.language != language else None,
            direction=each.direction if each.direction != direction else None,
        )
        for link, each in zip(links, headlines, strict=True)
    )
    text = Release(
        slug="digest",
        kind=Kind.RELEASE,
        language=language,
        direction=direction,
        headline=words["digest_headline"].format(newsroom=sender.name),
        lead=Block(BlockKind.PARAGRAPH, (Inline(words["digest_intro"]),)),
        body=(Block(BlockKind.BULLETS, children=items),),
        links=links,
    )
    page = Languages(f"{sender.public_url}/")
    return compile_release(text, sender, templates, layout="digest", languages=page)
