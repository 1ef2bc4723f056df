"""Showing: a merged message's parts for previews, and the release as a page for everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from email import message_from_bytes

from markupsafe import Markup

from mailer.message.compile import template_context
from mailer.message.model import Sender
from mailer.message.phrases import kind_label
from mailer.message.templates import TemplateSource, render
from mailer.message.text import TextPart
from mailer.message.view import ALONE, Languages, view_of
from mailer.release.model import Kind, Release
from mailer.release.publish import Edition, jsonld, summary


@dataclass(frozen=True, slots=True)
class Parts:
    """The two readable parts of a message, lines parted by "\\n". `page` is the HTML with the
    pictures that the message carries in it, so that a browser shows it as a mail program does."""

    html: str
    text: str
    page: str = ""


def message_parts(message: bytes) -> Parts:
    """The HTML and text parts of a message that `merge` made."""
    found = {"text/html": "", "text/plain": ""}
    pictures: dict[str, str] = {}
    for part in message_from_bytes(message).walk():
        kind = part.get_content_type()
        if kind in found and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                found[kind] = payload.decode("utf-8").replace("\r\n", "\n")
        elif part["Content-ID"]:
            encoded = "".join(str(part.get_payload()).split())
            place = f'"cid:{part["Content-ID"].strip("<> ")}"'
            pictures[place] = f'"data:{kind};base64,{encoded}"'
    page = found["text/html"]
    for place, picture in pictures.items():
        page = page.replace(place, picture)
    return Parts(html=found["text/html"], text=found["text/plain"], page=page)


def online_html(
    release: Release,
    sender: Sender,
    templates: TemplateSource,
    edition: Edition,
    *,
    layout: str = "release",
    languages: Languages = ALONE,
) -> str:
    """The release as a web page in the message's typography, with nothing personal in it.

    `web/head.html` says in its head what it is and in which other forms and `languages` it is
    there. Its styles stand in style elements only, so a strict Content-Security-Policy can name
    them: see `style_hashes`. Raises CheckFailed as `compile_release` does.
    """
    data = json.dumps(jsonld(release, edition), ensure_ascii=False)
    for char in "<>&":  # nothing of the text may end the element that it stands in
        data = data.replace(char, f"\\u{ord(char):04x}")
    context = {
        **template_context(replace(view_of(release, sender, templates.theme), languages=languages)),
        "online": True,
        "edition": edition,
        "summary": summary(release),
        "jsonld": Markup(data),
        "for_publication": edition.listed and release.kind is not Kind.ADVISORY,
    }
    return render(templates, templates.environment("online"), f"email/{layout}.html", context)


def online_text(
    release: Release,
    sender: Sender,
    templates: TemplateSource,
    languages: Languages = ALONE,
) -> str:
    """The release as plain text, 72 columns wide. Raises CheckFailed as `online_html` does."""
    view = replace(view_of(release, sender, templates.theme), languages=languages)
    context = {
        **template_context(view),
        "text": TextPart(view),
        "kind": kind_label(release.language, release.kind),
        "online_url": view.online_url,
    }
    raw = render(templates, templates.environment("online"), "web/release.txt", context)
    lines = "\n".join(line.rstrip() for line in raw.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def in_mode(html: str, *, dark: bool) -> str:
    """The HTML part as a mail program in that mode shows it, whatever mode this machine is in."""
    html = re.sub(
        r"\(\s*prefers-color-scheme:\s*(dark|light)\s*\)",
        lambda found: "all" if (found[1] == "dark") == dark else "not all",
        html,
    )
    html = re.sub(r"(@media )\s*(?:screen and )?(all|not all)\b", r"\1\2", html)
    scheme = "dark" if dark else "light"
    html = html.replace('content="light dark"', f'content="{scheme}"')
    return html.replace("color-scheme: light dark", f"color-scheme: {scheme}")


def style_hashes(html: str) -> list[str]:
    """CSP sources ("'sha256-…'") for each style element of a page from `online_html`."""
    styles = re.findall(r"<style\b[^>]*>(.*?)</style>", html, re.DOTALL)
    digests = (hashlib.sha256(style.encode()).digest() for style in styles)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
