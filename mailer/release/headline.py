"""A headline in capitals, offered in ordinary case.

Which words have capitals is learned from the release's own text, where names stand as they are
written; nothing is looked up and nothing applied by itself (README point 2).
"""

from __future__ import annotations

import re
from collections import defaultdict

from mailer.release.text import sentences

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")


def suggest(headline: str, texts: list[str], language: str = "en") -> str | None:
    """`headline` in sentence case, or None when it is not all capitals or has no letters.

    A word takes the case it most often has inside sentences of `texts`, occurrences beside the
    same neighbours counting more; words not found there are put in lower case.
    """
    if not headline.isupper():
        return None
    learned = _learn(texts, language)
    matches = list(_WORD.finditer(headline))
    lowered = [_lower(match.group(), language) for match in matches]
    pieces: list[str] = []
    place = 0
    for index, match in enumerate(matches):
        gap = headline[place : match.start()]
        pieces.append(gap)
        before = lowered[index - 1] if index else ""
        after = lowered[index + 1] if index + 1 < len(matches) else ""
        word = _cased(match.group(), lowered[index], before, after, learned)
        starts = index == 0 or re.search(r"[.!?:…]\s+[\"“„«]?$|^[\"“„«]$", gap) is not None
        if starts and word.islower():
            word = _capitalise(word, language)
        pieces.append(word)
        place = match.end()
    pieces.append(headline[place:])
    return "".join(pieces)


_Occurrence = tuple[str, str, str]


def _learn(texts: list[str], language: str) -> dict[str, list[_Occurrence]]:
    """Each word's written forms inside sentences with their neighbours, by lower-case form."""
    learned: dict[str, list[_Occurrence]] = defaultdict(list)
    for text in texts:
        for start, end in sentences(text):
            found = _WORD.findall(text[start:end])
            if sum(word.isupper() for word in found) > len(found) // 2:
                continue  # A line in capitals teaches nothing.
            lowered = [_lower(word, language) for word in found]
            for index, word in enumerate(found):
                # The first word's capital is the sentence's, unless its shape says more.
                if index == 0 and word == word.capitalize():
                    continue
                before = lowered[index - 1] if index else ""
                after = lowered[index + 1] if index + 1 < len(found) else ""
                learned[lowered[index]].append((word, before, after))
    return learned


def _cased(
    word: str, lowered: str, before: str, after: str, learned: dict[str, list[_Occurrence]]
) -> str:
    if any(char.isdigit() for char in word):
        return word
    stem = re.fullmatch(r"(.+?)(['’]s)", lowered)
    seen = learned.get(lowered)
    if seen is None and stem:
        return _cased(word[:-2], stem.group(1), before, "", learned) + stem.group(2)
    if seen is None:
        seen = [
            (form[: len(lowered)], left, right)
            for suffix in ("'s", "’s")
            for form, left, right in learned.get(lowered + suffix, [])
        ]
    if not seen:
        return lowered
    scores: dict[str, int] = defaultdict(int)
    for form, left, right in seen:
        scores[form] += (
            1 + 6 * (left == before and bool(before)) + 6 * (right == after and bool(after))
        )
    return max(scores, key=lambda form: (scores[form], form.islower()))


def _lower(word: str, language: str) -> str:
    if language.split("-")[0] in {"tr", "az"}:
        word = word.replace("I", "ı").replace("İ", "i")
    return word.lower()


def _capitalise(word: str, language: str) -> str:
    first = word[0]
    if language.split("-")[0] in {"tr", "az"} and first == "i":
        return "İ" + word[1:]
    return first.upper() + word[1:]
