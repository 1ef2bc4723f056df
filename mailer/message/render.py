"""Showing: a merged message's parts for previews, and the release as a page for everybody."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes

from mailer.message.compile import template_context
from mailer.message.merge import MergeTemplate
from mailer.message.model import Sender
from mailer.message.templates import TemplateSource, render
from mailer.message.view import view_of
from mailer.release.model import Release


@dataclass(frozen=True, slots=True)
class Parts:
    """The two readable parts of a message, lines parted by "\\n"."""

    html: str
    text: str


def preview_parts(template: MergeTemplate, values: Mapping[str, str]) -> Parts:
    """Both parts as one journalist gets them: taken from the very bytes that would be sent."""
    return message_parts(b"".join(template.merge(values)))


def message_parts(message: bytes) -> Parts:
    """The HTML and text parts of a message that `merge` made."""
    found = {"text/html": "", "text/plain": ""}
    for part in message_from_bytes(message).walk():
        if part.get_content_type() in found:
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                found[part.get_content_type()] = payload.decode("utf-8").replace("\r\n", "\n")
    return Parts(html=found["text/html"], text=found["text/plain"])


def online_html(
    release: Release, sender: Sender, templates: TemplateSource, *, layout: str = "release"
) -> str:
    """The release as a web page in the message's typography, with nothing personal in it.

    Its styles stand in style elements only, so a strict Content-Security-Policy can name them:
    see `style_hashes`. Raises CheckFailed as `compile_release` does.
    """
    context = {**template_context(view_of(release, sender)), "online": True}
    return render(templates, templates.environment("online"), f"email/{layout}.html", context)


def style_hashes(html: str) -> list[str]:
    """CSP sources ("'sha256-…'") for each style element of a page from `online_html`."""
    styles = re.findall(r"<style\b[^>]*>(.*?)</style>", html, re.DOTALL)
    digests = (hashlib.sha256(style.encode()).digest() for style in styles)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
