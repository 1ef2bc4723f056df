"""Addresses that look like another one: letters of several scripts in one word.

A Cyrillic "а" in a Latin name cannot be seen, and the mail goes to a stranger or nowhere. What is
usual passes: one script, and Latin beside Chinese, Japanese or Korean ("highly restrictive" of
Unicode Technical Standard 39). A domain wholly of letters that look Latin is doubted too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna

__all__ = ["mixed_scripts"]


def mixed_scripts(email: str) -> str:
    """Why the address may not be what it looks like, "" where nothing speaks for that.

    `email` as `normalise` gives it. The domain is looked at label by label, as it is shown.
    """
    local, _, domain = email.rpartition("@")
    foreign = domain.rpartition(".")[2].startswith("xn--")
    if not local.isascii() and (doubt := _of_words(local)):
        return f"{doubt} before the @"
    for label in domain.split("."):
        if label.startswith("xn--") and (doubt := _of_label(label, foreign)):
            return doubt
    return ""


def _of_words(local: str) -> str:
    """Of the words of a name: each may be in a script of its own ("सुनीता.iyer"), but not look as if
    it were in that of the others."""
    words = re.split(r"[\W_\d]+", local)
    for word in words:
        if doubt := _doubt(word):
            return doubt
    if any(word and all(char in _LIKE_LATIN for char in word) for word in words):
        return _doubt("".join(words))
    return ""


@lru_cache(maxsize=4096)
def _of_label(label: str, foreign: bool) -> str:
    """Of one A-label; `foreign`: below a top level that is not in Latin letters itself."""
    try:
        shown = idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return ""
    if doubt := _doubt(shown):
        return f"{doubt} in “{shown}” after the @"
    if not foreign and all(char in _LIKE_LATIN or not char.isalpha() for char in shown):
        latin = "".join(_LIKE_LATIN.get(char, char) for char in shown)
        return f"“{shown}” after the @ looks like “{latin}” and is written in other letters"
    return ""


def _doubt(text: str) -> str:
    for word in _BETWEEN.split(text):
        scripts = {script for char in word if (script := _script(char))}
        if len(scripts) > 1 and not any(scripts <= usual for usual in _TOGETHER):
            names = sorted(_SHOWN.get(script, script.capitalize()) for script in scripts)
            return f"letters of different scripts ({', '.join(names)}) stand in one word"
    return ""


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The script of a letter by its name in Unicode, "" for what belongs to all."""
    if not unicodedata.category(char).startswith("L"):
        return ""
    first = unicodedata.name(char, "").partition(" ")[0]
    if first == "CJK":
        return "HAN"
    # The mark of long vowels, and superscript letters, go with whatever stands beside them.
    return "" if first in ("KATAKANA-HIRAGANA", "MODIFIER", "FEMININE", "MASCULINE") else first


# What parts the words of a name: a first name in one script and a last name in another are usual.
_BETWEEN = re.compile(r"[\W\d_]+")
_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
_SHOWN = {"HAN": "Chinese"}
# Cyrillic and Greek small letters that most fonts draw as Latin ones (Unicode's confusables).
_LIKE_LATIN = {
    "а": "a", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "ӏ": "l", "о": "o",
    "р": "p", "ԛ": "q", "ѕ": "s", "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ο": "o", "ν": "v",
    "α": "a", "ρ": "p", "ι": "i", "κ": "k", "υ": "u",
}  # fmt: skip
