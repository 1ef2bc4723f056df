"""What a web page or mail carries beside its words: scripts, trackers, hidden text. Taken out and
counted, so that the author can be told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from lxml.html import HtmlElement

_DEEPEST = 200
_SILENT = frozenset(["head", "style", "link", "meta", "title", "base", "template", "noframes"])
_ACTIVE = frozenset(["script", "noscript", "applet"])
EMBEDDED = frozenset(["iframe", "object", "embed", "video", "audio", "canvas", "svg", "math"])
"""Elements that show something which is no text of ours."""

_CONTROLS = frozenset(["button", "input", "select", "textarea", "datalist", "option"])
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
_TINY = re.compile(r"(?:^|;)\s*(?:width|height)\s*:\s*[012](?:\.\d+)?(?:px|pt)?\s*(?:;|!|$)", re.I)
_TRACKING = re.compile(
    r"(?:utm_\w+|mtm_\w+|pk_\w+|piwik_\w+|hsa_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|igshid|"
    r"mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|oly_enc_id|oly_anon_id|wickedid|vero_id|vero_conv|s_cid|"
    r"trk|trkcampaign|ref_src|cmpid|wt_mc|wt\.mc_id|xtor|at_medium|at_campaign|nl_id|_openstat)",
    re.I,
)
# Servers that only pass a click on: the address itself stands in this parameter.
_PASSING = (
    (re.compile(r"(?:[\w-]+\.)?safelinks\.protection\.outlook\.com", re.I), ("url",)),
    (re.compile(r"(?:www\.)?google\.[a-z.]+", re.I), ("q", "url")),
    (re.compile(r"(?:l|lm)\.facebook\.com", re.I), ("u",)),
    (re.compile(r"(?:www\.)?linkedin\.com", re.I), ("url",)),
)
_PASSING_PATHS = frozenset(["/url", "/l.php", "/redir/redirect", "/", ""])


@dataclass(slots=True)
class Cleaned:
    """What was taken out: `counts` by kind, `hidden` texts that no reader of the page saw, `labels`
    of buttons and fields, `embedded` addresses of films, maps and the like."""

    counts: Counter[str] = field(default_factory=Counter)
    hidden: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """The counts in words, "2 scripts and 1 tracking picture"; empty when there was nothing."""
        parts = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in sorted(self.counts.items())]
        return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def clean(root: HtmlElement) -> Cleaned:
    """Take out of a parsed page all that is not to be read. Changes the tree."""
    found = Cleaned()
    for element in list(root.iter()):
        if not attached(element, root):
            continue
        if not isinstance(element.tag, str):
            element.drop_tree()
            continue
        tag = element.tag.lower()
        handlers = [name for name in element.attrib if str(name).lower().startswith("on")]
        found.counts["event handler"] += len(handlers)
        if tag in _SILENT:
            element.drop_tree()
        elif tag in _ACTIVE:
            found.counts["script"] += tag != "noscript"
            if tag == "noscript":
                _unseen(found, element)
            element.drop_tree()
        elif _is_hidden(element) and tag not in {"html", "body"}:
            _unseen(found, element)
            element.drop_tree()
        elif tag in EMBEDDED:
            found.hidden.append(text_of(element))
            source = element.get("src") or element.get("data")
            source = source or next((s.get("src") for s in element.iter("source")), None)
            if source and not source.lower().startswith("data:") and tag != "svg":
                found.embedded.append(source)
            element.drop_tree()
        elif tag in _CONTROLS:
            found.labels.append(text_of(element))
            element.drop_tree()
        elif tag == "img" and _is_pixel(element):
            found.counts["tracking picture"] += 1
            element.drop_tree()
    found.counts = +found.counts
    found.hidden = [text for text in found.hidden if text.strip()]
    _flatten(root)  # not before: what was hidden would be text like all other
    return found


def text_of(element: HtmlElement) -> str:
    """The words in an element on one line."""
    return " ".join(" ".join(element.itertext()).split())


def attached(element: HtmlElement, root: HtmlElement) -> bool:
    """Whether an element still stands in the tree below `root`, or is it."""
    return element is root or any(parent is root for parent in element.iterancestors())


def plain_address(href: str, base: str | None, found: Cleaned) -> str | None:
    """A link's target as the author meant it: whole, not through a counter, without marks of
    where the click came from. None for one that leads nowhere outside of its page."""
    href = re.sub(r"[\t\r\n]", "", href).strip()
    if re.match(r"(?:data|vbscript|file|blob|cid|about|chrome|ms-\w+):", href, re.I):
        return None
    if href.startswith("#") and len(href) > 1:
        return None
    if href in {"", "#"} or re.match(r"(?:javascript|mailto|tel|sms|callto):", href, re.I):
        return href
    try:
        href = urljoin(base, href) if base else href
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return href
    for server, names in _PASSING:
        if server.fullmatch(host) and parts.path in _PASSING_PATHS:
            query = parse_qs(parts.query)
            target = next((query[name][0] for name in names if name in query), None)
            if target and target.lower().startswith(("http://", "https://")):
                found.counts["link through a counter"] += 1
                return plain_address(target, None, found)
    fields = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in fields if not _TRACKING.fullmatch(name)]
    if len(kept) == len(fields):
        return href
    found.counts["tracking mark in a link"] += 1
    return urlunsplit(parts._replace(query=urlencode(kept)))


def is_absolute(href: str) -> bool:
    """Whether a link leads somewhere from any place."""
    return re.match(r"[a-z][a-z0-9+.-]*:", href, re.I) is not None


def _unseen(found: Cleaned, element: HtmlElement) -> None:
    for picture in element.iter("img"):
        found.counts["tracking picture"] += _is_pixel(picture)
    found.counts["script"] += sum(1 for _ in element.iter("script"))
    found.hidden.append(text_of(element))


def _is_hidden(element: HtmlElement) -> bool:
    style = element.get("style") or ""
    return "hidden" in element.attrib or _HIDING.search(style) is not None


def _is_pixel(picture: HtmlElement) -> bool:
    sizes = [(picture.get(name) or "").strip().removesuffix("px") for name in ("width", "height")]
    small = [size in {"0", "1", "2"} for size in sizes]
    return any(small) or len(_TINY.findall(picture.get("style") or "")) > 0


def _flatten(body: HtmlElement) -> None:
    """Dissolve what is nested deeper than any page that people write."""
    stack = [(child, 1) for child in body]
    while stack:
        element, depth = stack.pop()
        if depth == _DEEPEST and isinstance(element.tag, str):
            text = "\n".join(element.itertext())
            for child in list(element):
                element.remove(child)
            element.text = text
            continue
        stack += [(child, depth + 1) for child in element]
