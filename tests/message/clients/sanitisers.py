"""What mail programs do to a message's HTML before they show it, as rules that can be read.

Each takes the HTML part and gives a whole page that a browser can show in the program's place.
Which CSS properties a program keeps is asked of caniemail; the rest is written down here.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable

from lxml import etree
from lxml import html as parser

from tests.message.clients.support import known_to

_STRIPPED = {"main", "nav", "details", "summary"}
_GONE = {"script", "link", "meta", "title", "base", "form", "iframe", "object", "svg"}
_ATTRIBUTES = {
    *("align", "valign", "width", "height", "border", "cellpadding", "cellspacing", "bgcolor"),
    *("href", "src", "alt", "lang", "dir", "role", "style", "start", "scope", "colspan", "rowspan"),
}
_FUNCTIONS = {"rgb", "rgba", "hsl", "hsla", "calc"}
_CONDITIONAL = re.compile(r"<!--\[if ([^\]]*)\]>(.*?)<!\[endif\]-->", re.DOTALL)


def gmail(html: str) -> str:
    """Gmail for an account of another host, or when the style block has any fault: no styles.

    html and body become div, main and nav u, ids and classes go, and one function that Gmail does
    not know makes it drop the whole style attribute that it stands in.
    """
    root = _body(html)
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _GONE | {"style"}:
            element.drop_tree()
            continue
        if element.tag in _STRIPPED:
            element.tag = "u"
        for name in list(element.attrib):
            if name not in _ATTRIBUTES:
                del element.attrib[name]
        functions = set(re.findall(r"([\w-]+)\(", element.get("style") or ""))
        if functions <= _FUNCTIONS:
            _restyle(element, lambda name, _: known_to(("gmail", "desktop-webmail"), name))
        else:
            del element.attrib["style"]
    shown = "margin: 0; font: small/1.5 Arial, Helvetica, sans-serif; color: #222"
    return _page(f'<body style="{shown}"><div>{_markup(root)}</div></body>')


def gmail_with_styles(html: str) -> str:
    """Gmail at its best: the style block is kept, its classes and the elements' renamed alike."""
    styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
    kept = re.sub(r"@media \(prefers-color-scheme[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", styles)
    kept = re.sub(r"[^{}]*\[data-[^{}]*\{[^{}]*\}", "", kept)
    kept = re.sub(r"\.([a-z][\w-]*)", r".m_-71\1", kept)
    body = re.sub(
        r' class="([^"]*)"',
        lambda found: f' class="{" ".join("m_-71" + name for name in found[1].split())}"',
        html.split("</head>", 1)[1],
    )
    _ATTRIBUTES.add("class")
    try:
        return gmail(body).replace("</head>", f"<style>{kept}</style></head>")
    finally:
        _ATTRIBUTES.discard("class")


def outlook(html: str) -> str:
    """Outlook that draws with Word: its comments count, media queries and most boxes do not.

    No max-width, background image, round corner or flex; display only as none; padding only on
    cells; width not on div and p; mso-hide and mso-padding-alt as Word takes them.
    """

    def conditional(found: re.Match[str]) -> str:
        return found[2] if "!" not in found[1] else ""

    root = _body(_CONDITIONAL.sub(conditional, html))
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _GONE | {"style"}:
            element.drop_tree()
        elif element.get("style"):
            _restyle(element, lambda name, value, tag=element.tag: _word_keeps(tag, name, value))
            style = element.get("style") or ""
            if "mso-hide:all" in style:
                style += "display:none;"
            padding = re.search(r"mso-padding-alt:([^;]*)", style)
            style += f"padding:{padding[1]};" if padding else ""
            element.set("style", style)
    return _page(
        f"<body style=\"margin: 8px; font: 16px 'Times New Roman', serif\">{_markup(root)}</body>"
    )


def _word_keeps(tag: str, name: str, value: str) -> bool:
    if name == "display":
        return value.startswith("none")
    if name == "max-width" or name.startswith(("border-radius", "background-image", "flex")):
        return False
    if name.startswith("padding") and tag not in ("td", "th"):
        return False
    if name == "width" and tag in ("div", "p", "span", "body", "img"):
        return False
    if "url(" in value or (name.startswith("margin") and "auto" in value):
        return False
    return name.startswith("mso-") or known_to(("outlook", "windows"), name)


def inverted(html: str) -> str:
    """The dark mode of Gmail on iPhones: every colour's lightness is turned over, no rule asked."""
    return _page(_recoloured(gmail(html), lambda _name, hue, light, full: (hue, 1 - light, full)))


def half_inverted(html: str) -> str:
    """The dark mode of Gmail on Android and of Outlook: light grounds turn dark, dark text light.

    What is dark of itself, such as a band, keeps its ground; so does light text on it.
    """

    def turned(name: str, hue: float, light: float, full: float) -> tuple[float, float, float]:
        ground = name.startswith("background")
        turn = light > 0.5 if ground or name.startswith("border") else light < 0.5
        return hue, (1 - light if turn else light), full

    return _page(_recoloured(gmail(html), turned))


def _recoloured(
    page: str, turned: Callable[[str, float, float, float], tuple[float, float, float]]
) -> str:
    """A page whose declared colours are changed, on the ground that white becomes."""

    def declaration(found: re.Match[str]) -> str:
        def colour(match: re.Match[str]) -> str:
            digits = match[1] if len(match[1]) == 6 else "".join(char * 2 for char in match[1])
            parts = (int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4))
            changed = colorsys.hls_to_rgb(*turned(found[1], *colorsys.rgb_to_hls(*parts)))
            return "#" + "".join(f"{round(part * 255):02x}" for part in changed)

        return re.sub(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b", colour, found[0])

    body = re.sub(r"([\w-]+)\s*:[^;\"{}]*#[^;\"{}]*", declaration, page.split("</head>", 1)[1])
    return body.replace('<body style="', '<body style="background-color: #000000; ', 1)


def _body(html: str) -> parser.HtmlElement:
    """The body as a div, with what stood on it."""
    body = parser.document_fromstring(html).find("body")
    body.tag = "div"
    return body


def _restyle(element: parser.HtmlElement, keeps: Callable[[str, str], bool]) -> None:
    kept = ""
    for declaration in (element.get("style") or "").split(";"):
        name, found, value = (part.strip() for part in declaration.partition(":"))
        if found and keeps(name.lower(), value.lower()):
            kept += f"{name.lower()}:{value};"
    if element.get("style") is not None:
        element.set("style", kept)


def _markup(element: parser.HtmlElement) -> str:
    return str(etree.tostring(element, method="html", encoding="unicode"))


def _page(body: str) -> str:
    head = '<meta charset="utf-8"><title>A mail program</title>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head>{body}</html>'
