"""Checks of quotations: words in quotation marks that nobody is said to have spoken (D15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.release.model import Block, BlockKind
from mailer.release.preflight.look import Hit, Look, clip
from mailer.release.text import has_case

_SPAN = re.compile(
    r"“([^“”]+)(?:”|$)|„([^„“”]+)(?:[“”]|$)|«([^«»]+)(?:»|$)|»([^«»]+)(?:«|$)|「([^「」]+)(?:」|$)|"
    r"『([^『』]+)(?:』|$)|(?<![^\W_])\"([^\"]+)(?:\"(?![^\W_])|$)|”([^”]+)”"
)
_LEAST_WORDS = 7
_LEAST_SIGNS = 14  # in scripts without spaces
_SPEECH = re.compile(
    r"[:：]\s*$|\b(?:by|according to|laut|gemäß|selon|d[’']après|según|secondo|według|segundo|"
    r"volgens|enligt|ifølge|podle|согласно|по словам|за словами|на думку|על פי|לדברי|"
    r"وفقا|حسب|بحسب)\b|"
    r"によると|によれば|と述べ|と話し|と語っ|とコメント|表示|指出|称|說|说|强调|介绍|認為|认为",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"\n\s*[–—-]+\s*\S|[–—-]\s*[^\W\d_][^–—.!?]{2,80}$|\([^()]{3,80}\)\s*$")


def quote_without_speaker(look: Look) -> Iterator[Hit]:
    """A whole sentence in quotation marks, and neither its own paragraph nor those beside it say
    whose it is."""
    release = look.release
    body: list[tuple[int, Block]] = [*enumerate(release.body)]
    if release.lead is not None:
        body.insert(0, (-1, release.lead))
    spoken = {quote.paragraph for quote in release.quotes}
    for place, (index, block) in enumerate(body):
        if block.kind not in (BlockKind.PARAGRAPH, BlockKind.QUOTE) or index in spoken:
            continue
        before = body[place - 1][1].text if place else ""
        after = body[place + 1] if place + 1 < len(body) else None
        words = _unsaid(block, before)
        if words is None or (after is not None and after[0] in spoken and _alone(block)):
            continue
        if place and body[place - 1][0] in spoken and _alone(block):
            continue  # Its speaker goes on.
        if after is not None and _names_speaker(after[1].text):
            continue
        yield look.hit(
            f"Nobody is named as having said “{clip(words)}”.",
            "Name the speaker in the same paragraph, or take the quotation marks off.",
            block.line,
            words[:30],
        )


def _unsaid(block: Block, before: str) -> str | None:
    """The quoted sentence of a block that names no speaker, or None."""
    text = block.text
    if block.kind is BlockKind.QUOTE:
        inner = text.strip().strip('"“”„«»').strip()
        if _SIGNED.search(text) or not _sentence(inner) or _SPEECH.search(before[-120:]):
            return None
        return inner
    if any(inline.code for inline in block.inlines):
        return None
    for match in _SPAN.finditer(text):
        inner = next(group for group in match.groups() if group).strip()
        outside = text[: match.start()] + " " + text[match.end() :]
        if not _sentence(inner):
            continue
        if _SPEECH.search(before[-120:]) if not outside.strip() else _SPEECH.search(outside):
            continue
        # Words of its own around it may well say who speaks, in grammar no reader knows: then
        # only what has no capital (no name) around it can be judged.
        if _has_name(outside):
            continue
        return inner
    return None


def _sentence(text: str) -> bool:
    """Whether quoted words are long enough and end as what somebody says, not as a title."""
    if not has_case(text) and " " not in text:
        return len(text) >= _LEAST_SIGNS and text[-1] in "。！？,，、"
    return len(text.split()) >= _LEAST_WORDS


def _has_name(text: str) -> bool:
    """Whether a text has a word that could name or mean a speaker: a capital that begins no
    sentence, or, where there are no capitals, any words at all."""
    bare = text.strip(" \n,.;:–—-!?")
    if not bare:
        return False
    if not has_case(bare):
        return len(bare) > 3
    return re.search(
        r"(?<![.!?…:]\s)(?<!^)(?<=\s)[^\W\d_a-zß-öø-ÿа-яёіїєґ]", " " + bare
    ) is not None or bool(
        re.search(
            r"\b(?:he|she|they|er|sie|il|elle|ils|elles|él|ella|lui|lei|on|ona|он|она|він|вона)\b",
            bare,
            re.I,
        )
    )


def _alone(block: Block) -> bool:
    """Whether a paragraph is nothing but a quotation."""
    return not _SPAN.sub(" ", block.text).strip(" \n,.–—-")


def _names_speaker(text: str) -> bool:
    """Whether a paragraph only says who spoke the one before: "— Jane Doe, director"."""
    return len(text) <= 120 and re.match(r"\s*[–—-]+\s*[^\W\d_]", text) is not None
