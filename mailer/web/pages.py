"""Rendering pages: templates of the newsroom or the package, one stylesheet, safe answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from mailer.config import Config
from mailer.defaults import defaults_dir
from mailer.distribution.published import Palette, palettes
from mailer.distribution.tongues import Words

STYLESHEET = "static/site.css"
ICON = "static/icon.svg"
ENGLISH = Words()


class Pages:
    """Makes answers from templates. The newsroom's own `templates/web` win over the package's."""

    def __init__(self, config: Config, base: str = "") -> None:
        """`base` is the path that the pages' addresses begin with ("/press"), usually none."""
        self.config = config
        folders = [config.templates_dir / "web", defaults_dir() / "templates" / "web"]
        self._environment = _environment(folders)
        room = config.newsroom
        self._shared = {
            "base": base,
            "newsroom": room.name,
            "postal_address": room.postal_address,
            "mailbox": parseaddr(room.reply_to)[1] or parseaddr(room.sender)[1],
        }

    def html(
        self,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        words: Words = ENGLISH,
        **values: Any,
    ) -> Response:
        """The template as an answer in the language of `words` (`t` in templates); values are
        escaped where the template prints them."""
        text = self.text(
            template, t=words, language=words.language, direction=words.direction, **values
        )
        return HTMLResponse(text, status, {"Content-Language": words.language, **(headers or {})})

    def text(self, template: str, **values: Any) -> str:
        """The template as text."""
        found = self._environment.get_template(template)
        plain = {"t": ENGLISH, "language": "en", "direction": "ltr"}
        return found.render({**plain, **self._shared, "stylesheet": self.stylesheet_path, **values})

    @cached_property
    def stylesheet(self) -> bytes:
        """The one stylesheet, led by the colours of the newsroom's mail (C12)."""
        light, dark = palettes(self.config.newsroom.accent)
        colours = (
            f":root{{{_properties(light)}}}\n"
            f"@media(prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}\n"
        )
        return (colours + self.source(STYLESHEET)).encode()

    @cached_property
    def stylesheet_path(self) -> str:
        """Its address, which changes with its content, so that browsers may keep it."""
        return f"/{STYLESHEET}?{hashlib.sha256(self.stylesheet).hexdigest()[:12]}"

    def icon_answer(self) -> Response:
        """The newsroom's mark for browser tabs, in its accent."""
        light, _ = palettes(self.config.newsroom.accent)
        drawing = self.source(ICON)
        drawing = drawing.replace("#accent", light.accent).replace("#on-accent", light.on_accent)
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(drawing, 200, headers, "image/svg+xml")

    def source(self, name: str) -> str:
        """A file beside the templates, as it stands."""
        loader = self._environment.loader
        assert loader is not None
        return loader.get_source(self._environment, name)[0]

    def stylesheet_answer(self) -> Response:
        """The stylesheet as an answer."""
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self.stylesheet, 200, headers, "text/css; charset=utf-8")


def _environment(folders: Sequence[Path]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment


def _properties(palette: Palette) -> str:
    """The palette as CSS custom properties ("--on-accent:#ffffff")."""
    return ";".join(
        f"--{field.name.replace('_', '-')}:{getattr(palette, field.name)}"
        for field in fields(palette)
    )
