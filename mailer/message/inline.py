"""CSS into style attributes, once per release, with what premailer must be told and watched for.

The layout's first style block is inlined and then taken out; blocks marked
`data-premailer="ignore"` (media queries, dark mode, client fixes) stay in the head as they are.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from premailer import Premailer

from mailer.errors import CheckFailed

DOCTYPE = "<!DOCTYPE html>"


def inline_css(html: str, name: str) -> str:
    """The HTML with its CSS inlined. Raises CheckFailed for CSS that would go wrong.

    Options and checks are those of requirements C2 to C4: nothing is fetched, `!important` and
    classes survive for the media queries, and it may not be inlined, where it would beat them.
    """
    for style, line in _inlined_styles(html):
        _lint(style, line, name)
    document = html.strip()
    if not document.lower().startswith(DOCTYPE.lower()):
        raise CheckFailed(f"The layout does not begin with {DOCTYPE}", where=f"{name}, line 1")
    # premailer keeps this spelling and drops others, or adds a second one (C4, lesson 10).
    document = DOCTYPE + document[len(DOCTYPE) :]
    output = _Inliner(
        document,
        strip_important=False,
        keep_style_tags=True,
        remove_classes=False,
        allow_network=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
    ).transform(pretty_print=False)
    output = _INLINED.sub("", str(output))
    if not output.startswith(DOCTYPE):
        output = f"{DOCTYPE}\n{output.lstrip()}"
    return _squeeze(output).rstrip("\n") + "\n"


class _Inliner(Premailer):  # type: ignore[misc]
    """premailer that reads a style sheet once: writing its rules out again is half of its time,
    and the sheet is the same for every release in a script."""

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, left = _rules(css_body, ruleset_index)
        return list(rules), list(left)

    def _style_to_basic_html_attributes(
        self, element: Any, style_content: str, force: bool = False
    ) -> None:
        """A size that the layout wrote as attributes stays: Word reads a picture's from there, in
        pixels, while its style says "as wide as there is room"."""
        written = {name: element.get(name) for name in ("width", "height") if element.get(name)}
        super()._style_to_basic_html_attributes(element, style_content, force)
        element.attrib.update(written)


@lru_cache(maxsize=64)
def _rules(css: str, index: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    reader = Premailer(
        "",
        strip_important=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
    )
    rules, left = reader._parse_style_rules(css, index)
    return tuple(rules), tuple(left)


_STYLE = re.compile(r"<style\b([^>]*)>(.*?)</style>", re.DOTALL | re.IGNORECASE)
# What premailer leaves marked stays; it takes the mark off those it was told to ignore, so the
# layout carries a second one.
_INLINED = re.compile(r"<style(?![^>]*data-keep)[^>]*>.*?</style>\s*", re.DOTALL | re.IGNORECASE)


def _inlined_styles(html: str) -> list[tuple[str, int]]:
    return [
        (found[2], html.count("\n", 0, found.start(2)) + 1)
        for found in _STYLE.finditer(html)
        if "data-premailer" not in found[1]
    ]


def _lint(css: str, line: int, name: str) -> None:
    bare = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), css, flags=re.DOTALL)
    found = re.search(r"!\s*important|@import|@media|@font-face", bare, re.IGNORECASE)
    if found:
        place = line + bare.count("\n", 0, found.start())
        raise CheckFailed(
            f"“{found[0]}” stands among the styles that are written into the elements.",
            where=f"{name}, line {place} of the rendered page",
            hint='Put it into the block marked data-premailer="ignore".',
        )


def _squeeze(html: str) -> str:
    """Without indentation and empty lines, which cost three bytes a space when encoded."""
    if "<pre" in html.lower():
        return html
    return re.sub(r"[ \t]*\n\s*", "\n", html)
