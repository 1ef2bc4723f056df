"""Checks of the finished message: its weight and its colours (B16, C12).

Findings have the codes of the one table (`mailer/release/preflight/table.py`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cssselect import SelectorError
from lxml import html as parser
from lxml.cssselect import CSSSelector

from mailer.message.colour import TEXT_CONTRAST, contrast, readable
from mailer.message.merge import HTML_LIMIT, MergeTemplate
from mailer.release.model import Finding, Severity

HTML_HEAVY = 90_000
"""Bytes of the HTML part, decoded or encoded, from which on there is a warning (B16)."""

LARGE_CONTRAST = 3.0
"""Least contrast of large text: from 24 px, or 18.66 px in bold (WCAG 2.2 SC 1.4.3)."""

_NAMES = {
    **{"black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000"},
    **{"blue": "#0000ff", "yellow": "#ffff00", "gray": "#808080", "grey": "#808080"},
    **{"silver": "#c0c0c0", "maroon": "#800000", "navy": "#000080", "olive": "#808000"},
    **{"purple": "#800080", "teal": "#008080", "lime": "#00ff00", "aqua": "#00ffff"},
    **{"fuchsia": "#ff00ff", "orange": "#ffa500", "pink": "#ffc0cb", "gold": "#ffd700"},
    **{"lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "darkgray": "#a9a9a9"},
    **{"darkgrey": "#a9a9a9", "dimgray": "#696969", "dimgrey": "#696969", "brown": "#a52a2a"},
    **{"whitesmoke": "#f5f5f5", "gainsboro": "#dcdcdc", "beige": "#f5f5dc", "tomato": "#ff6347"},
}
_DARK = re.compile(
    r"@media[^{}]*prefers-color-scheme:\s*dark[^{}]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", re.IGNORECASE
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SILENT = frozenset({"style", "script", "title", "head", "meta"})


def check_message(template: MergeTemplate, html: str) -> Iterator[Finding]:
    """What is doubtful in a compiled message; `html` is its HTML part as somebody gets it."""
    largest = max(template.html_size, template.encoded_html_size)
    if HTML_HEAVY <= largest <= HTML_LIMIT:
        yield _warning(
            "html_near_limit",
            f"The HTML part has {largest:,} bytes; over {HTML_LIMIT:,} mail programs cut off its "
            "end, and with it the unsubscribe link.",
            "Shorten the release and link to the full text.",
        )
    accent = template.sender.accent
    if contrast(accent, "#ffffff") < TEXT_CONTRAST:
        ratio = contrast(accent, "#ffffff")
        yield _warning(
            "low_contrast",
            f"The accent colour {accent} on white has a contrast of {ratio:.1f}:1; text needs "
            f"{TEXT_CONTRAST}:1. Messages show {readable(accent, '#ffffff')} instead.",
            "Set a darker newsroom.accent in config.toml.",
        )
    seen: set[tuple[str, str]] = set()
    for faint in faint_texts(html):
        if (faint.colour, faint.ground) in seen:
            continue
        seen.add((faint.colour, faint.ground))
        where = " in dark mode" if faint.dark else ""
        yield _warning(
            "low_contrast",
            f"“{faint.text}” in {faint.colour} on {faint.ground}{where} has a contrast of "
            f"{faint.ratio:.1f}:1; it needs {faint.least}:1.",
            "Change the colour in the newsroom's own templates.",
        )


@dataclass(frozen=True, slots=True)
class Faint:
    """Text that some cannot read: its colours and what contrast it has and would need."""

    text: str
    colour: str
    ground: str
    ratio: float
    least: float
    dark: bool


@dataclass(frozen=True, slots=True)
class _Style:
    colour: str | None = "#000000"
    ground: str | None = "#ffffff"
    size: float = 16.0
    bold: bool = False
    shown: bool = True


def faint_texts(html: str) -> Iterator[Faint]:
    """Every text of an HTML part whose contrast is under WCAG's, in light mode and, where it
    has rules for that, in dark mode.

    Colours that cannot be told, such as those over a picture, are not judged.
    """
    if not html.strip():
        return
    root = parser.document_fromstring(html)
    yield from _walk(root, _Style(), {}, dark=False)
    rules = _dark_rules(root, html)
    if rules:
        yield from _walk(root, _Style(), rules, dark=True)


def _walk(
    element: parser.HtmlElement, above: _Style, rules: dict[parser.HtmlElement, str], *, dark: bool
) -> Iterator[Faint]:
    stack = [(element, above)]
    while stack:
        node, inherited = stack.pop()
        if not isinstance(node.tag, str) or node.tag in _SILENT:
            continue
        style = _style(node, inherited, rules)
        if not style.shown:
            continue
        texts = [node.text, *(child.tail for child in node)]
        words = " ".join(" ".join(text.split()) for text in texts if text and text.strip())
        if any(map(str.isalnum, words)) and style.colour and style.ground:
            ratio = contrast(style.colour, style.ground)
            large = style.size >= 24 or (style.bold and style.size >= 18.66)
            least = LARGE_CONTRAST if large else TEXT_CONTRAST
            if round(ratio, 2) < least:
                short = words if len(words) <= 40 else words[:39] + "…"
                yield Faint(short, style.colour, style.ground, ratio, least, dark)
        stack += [(child, style) for child in reversed(node)]


def _style(node: parser.HtmlElement, above: _Style, rules: dict[parser.HtmlElement, str]) -> _Style:
    style = above
    if node.get("bgcolor"):
        style = replace(style, ground=_colour(node.get("bgcolor", "")))
    if node.tag == "font" and node.get("color"):
        style = replace(style, colour=_colour(node.get("color", "")))
    if node.tag in ("b", "strong", "th", "h1", "h2", "h3"):
        style = replace(style, bold=True)
    declared = node.get("style", "")
    for name, value in _declarations(f"{declared};{rules.get(node, '')}"):
        if name == "color":
            style = replace(style, colour=_colour(value) if value != "inherit" else above.colour)
        elif name == "background-color" and value != "transparent":
            style = replace(style, ground=_colour(value))
        elif name in ("background", "background-image"):
            shown = next((word for word in value.split() if _colour(word)), None)
            unknown = "url(" in value or "gradient" in value
            if unknown or shown:
                style = replace(style, ground=None if unknown else _colour(shown or ""))
        elif name == "font-size" and re.fullmatch(r"[\d.]+px", value):
            style = replace(style, size=float(value[:-2]))
        elif name == "font-weight":
            style = replace(style, bold=value in ("bold", "bolder", "600", "700", "800", "900"))
        elif (name, value) in (("display", "none"), ("visibility", "hidden"), ("font-size", "0")):
            style = replace(style, shown=False)
    return style


def _declarations(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r";(?![^(]*\))", text):
        name, found, value = part.partition(":")
        if found:
            yield name.strip().lower(), value.replace("!important", "").strip().lower()


def _dark_rules(root: parser.HtmlElement, html: str) -> dict[parser.HtmlElement, str]:
    """The declarations of the dark mode for each element that has any."""
    rules: dict[parser.HtmlElement, str] = {}
    for block in _DARK.findall(re.sub(r"/\*.*?\*/", "", html, flags=re.DOTALL)):
        for selectors, declarations in _RULE.findall(block):
            try:
                found = CSSSelector(selectors.strip(), translator="html")(root)
            except SelectorError:  # ":hover" and the like choose nothing that stands still.
                continue
            for element in found if isinstance(found, list) else ():
                if not isinstance(element, parser.HtmlElement):
                    continue
                rules[element] = f"{rules.get(element, '')};{declarations}"
    return rules


def _colour(text: str) -> str | None:
    """A CSS colour as "#rrggbb", or None when it is none or cannot be told."""
    text = text.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return text
    if re.fullmatch(r"#[0-9a-f]{3}", text):
        return "#" + "".join(char * 2 for char in text[1:])
    match = re.fullmatch(r"rgb\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*\)", text)
    if match:
        return "#" + "".join(f"{min(255, int(part)):02x}" for part in match.groups())
    return _NAMES.get(text)


def _warning(code: str, message: str, suggestion: str) -> Finding:
    return Finding(code, Severity.WARNING, message, None, None, suggestion)
