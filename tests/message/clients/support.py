"""Which HTML and CSS a message uses, and what caniemail says of it for the programs that matter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import html as parser

# Families and platforms whose readers a press office has; "windows-mail" has been withdrawn.
PROGRAMS = {
    "gmail": ("desktop-webmail", "ios", "android", "mobile-webmail"),
    "outlook": ("windows", "macos", "outlook-com", "ios", "android"),
    "apple-mail": ("macos", "ios"),
    "yahoo": ("desktop-webmail", "ios", "android"),
    "thunderbird": ("macos",),
    "samsung-email": ("android",),
    "protonmail": ("desktop-webmail", "ios", "android"),
    "gmx": ("desktop-webmail", "ios", "android"),
    "web-de": ("desktop-webmail", "ios", "android"),
}
_SHORTHANDS = ("padding", "margin", "border", "background-color", "font-size", "font-weight")
# Several elements stand in one entry of the data.
_ELEMENTS = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "li", "dl", "dt", "dd"), "html-lists"),
    **dict.fromkeys(("strong", "em", "b", "i"), "html-strong"),
    **dict.fromkeys(("table", "tr", "td", "th", "tbody", "thead", "caption"), "html-table"),
    **dict.fromkeys(("main", "nav", "section", "article", "header"), "html-semantics"),
    **dict.fromkeys(("footer", "aside", "figure", "figcaption", "time"), "html-semantics"),
}
_SELECTORS = {
    r"\.": "css-selector-class",
    r"\[": "css-selector-attribute",
    r":hover": "css-pseudo-class-hover",
    r"\s": "css-selector-descendant",
    r">": "css-selector-child",
    r",": "css-selector-grouping",
    r"#": "css-selector-id",
    r"(?:^|[\s,])[a-z]": "css-selector-type",
}
_CONDITIONAL = re.compile(r"<!--\[if.*?<!\[endif\]-->", re.DOTALL)


@cache
def features() -> dict[str, dict]:
    """caniemail's entries by their slug."""
    text = Path(__file__).with_name("caniemail.json").read_text("utf-8")
    return {entry["slug"]: entry for entry in json.loads(text)["data"]}


def newest(slug: str, family: str, platform: str) -> str:
    """ "y", "a" (partly), "n", or "u" for what nobody has tested."""
    versions = features()[slug]["stats"].get(family, {}).get(platform, {})
    # File order is the order of versions, but for months in a dozen places.
    months = all(re.fullmatch(r"\d{4}-\d\d", version) for version in versions)
    keys = sorted(versions) if months else list(versions)
    return str(versions[keys[-1]])[0] if keys else "u"


def lacking(slug: str) -> dict[str, str]:
    """The programs ("gmail ios") that do not support it ("n") or only partly ("a")."""
    found = {
        f"{family} {platform}": newest(slug, family, platform)
        for family, platforms in PROGRAMS.items()
        for platform in platforms
    }
    return {program: answer for program, answer in found.items() if answer in "na"}


def known_to(program: tuple[str, str], name: str) -> bool:
    """Whether a program keeps a CSS property; what the data does not know is kept."""
    slug = _slug(name)
    return slug not in features() or newest(slug, *program) != "n"


def used(html: str) -> set[str]:
    """What a message uses: slugs of caniemail, and "css:NAME" or "html:NAME" for all else."""
    tree = parser.document_fromstring(_CONDITIONAL.sub("", html))
    found = {"html-doctype", *(["html-comments"] if _CONDITIONAL.search(html) else [])}
    for element in tree.iter():
        if isinstance(element.tag, str):
            found |= set(_of_element(element))
    for css in tree.xpath("//style/text()"):
        found |= set(_of_sheet(str(css)))
    return found


def _of_element(element: parser.HtmlElement) -> Iterator[str]:
    yield _name(_ELEMENTS.get(element.tag, f"html-{element.tag}"), f"html:{element.tag}")
    for name, value in element.attrib.items():
        if name == "style":
            yield from _of_declarations(value)
        elif f"html-{name}" in features():
            yield f"html-{name}"
    if (element.get("href") or "").startswith("mailto:"):
        yield "html-mailto-links"
    if element.get("name") == "color-scheme":
        yield "html-meta-color-scheme"


def _of_sheet(css: str) -> Iterator[str]:
    yield "html-style"
    if "/*" in css:
        yield "css-comments"
    for condition in re.findall(r"@[\w-]+[^{;]*", css):
        yield "css-at-media" if condition.startswith("@media") else condition.split()[0]
        if "prefers-color-scheme" in condition:
            yield "css-at-media-prefers-color-scheme"
    for selector, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        for mark, slug in _SELECTORS.items():
            if re.search(mark, selector.strip()):
                yield slug
        yield from _of_declarations(declarations)


def _of_declarations(text: str) -> Iterator[str]:
    for declaration in text.split(";"):
        name, found, value = (part.strip().lower() for part in declaration.partition(":"))
        if not found:
            continue
        yield _name(_slug(name), f"css:{name}")
        if name == "display":
            yield "css-display-none" if value.startswith("none") else "css-display"
        if "!important" in value:
            yield "css-important"
        for unit in re.findall(r"(?<![#\w])-?[\d.]+([a-z]+|%)", value):
            yield _name(f"css-unit-{'percent' if unit == '%' else unit}", f"css:{unit}")
        for function in re.findall(r"([\w-]+)\(", value):
            yield _name(f"css-function-{function}", f"css:{function}()")


def _slug(name: str) -> str:
    """padding-left is judged as padding."""
    if f"css-{name}" in features():
        return f"css-{name}"
    short = next((each for each in _SHORTHANDS if name.startswith(f"{each}-")), name)
    return f"css-{short}"


def _name(slug: str, otherwise: str) -> str:
    return slug if slug in features() else otherwise
