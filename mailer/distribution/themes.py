"""The newsroom's own look: which templates count, taking one over, and whether all of them work.

A file taken over is kept beside its original (`templates/.taken/NAME`), so that after an upgrade
mailer can say what the copy misses: the difference between that original and the one of today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches, unified_diff
from pathlib import Path

from mailer.clock import to_datetime
from mailer.config import Config
from mailer.distribution import gallery, releases
from mailer.distribution.context import Newsroom
from mailer.distribution.files import created, temporary
from mailer.distribution.preflight import bare_fields
from mailer.distribution.previews import merged_for
from mailer.errors import CheckFailed, MailerError, NotFound, Refused, UsageError
from mailer.message.checks import faint_texts
from mailer.message.compile import compile_release
from mailer.message.render import message_parts
from mailer.message.templates import TemplateSource, package_templates, parse
from mailer.message.theme import THEME_FILE, THEMES, known_themes

TAKEN = ".taken"
"""The folder of originals, below the newsroom's templates."""

_SUFFIXES = (".html", ".txt", ".css", ".toml", ".svg", ".js", ".md")
_PAGES = (".html", ".txt")
_ASIDE = (THEMES, "specimens", "phrases")


@dataclass(frozen=True, slots=True)
class Template:
    """One template that counts.

    `origin` is "newsroom", a theme's name or "package". `state`, for the newsroom's own: "own"
    (there is none below), "adds" (it extends the one below), "same", "changed", or "behind" (the
    one below has changed since it was taken over).
    """

    name: str
    origin: str
    state: str
    path: Path


@dataclass(frozen=True, slots=True)
class Doubt:
    """What `check` found: `severity` is "error" or "warning", `where` a file and a line."""

    severity: str
    where: str
    message: str


def source_of(config: Config) -> TemplateSource:
    """The newsroom's own templates first, then those that come with mailer."""
    own = config.templates_dir
    return TemplateSource([*([own] if own.is_dir() else []), package_templates()])


def themes(config: Config) -> list[str]:
    """The names of the themes that `extends` can name."""
    return known_themes(source_of(config).folders)


def ls(config: Config) -> list[Template]:
    """Every template by its name, with where it comes from. Raises CheckFailed for a theme.toml
    that leads nowhere."""
    source = source_of(config)
    names = {
        path.relative_to(layer).as_posix() for layer in source.layers for path in _files(layer)
    }
    return [_template(config, source, name) for name in sorted(names)]


def eject(config: Config, name: str | None) -> tuple[list[Template], list[str]]:
    """Copy one template from below to the newsroom's folder, or with None all of them.

    Returns what was made, and the names of those that the newsroom had already. Raises NotFound
    for a name that is none, Refused for one that is the newsroom's own already, UsageError where
    nothing can be written.
    """
    known = ls(config)
    if name is None:
        wanted = known
    else:
        wanted = [_named(known, name)]
        if wanted[0].origin == "newsroom":
            raise Refused(
                f"{wanted[0].name} is the newsroom's own already; it was not touched.",
                where=str(wanted[0].path),
                hint="Move it away to take it over anew.",
            )
    fresh = [each for each in wanted if each.origin != "newsroom"]
    for each in fresh:
        data = each.path.read_bytes()
        _write(config.templates_dir / TAKEN / each.name, data)
        _write(config.templates_dir / each.name, data)
    source = source_of(config)
    made = [_template(config, source, each.name) for each in fresh]
    return made, [each.name for each in wanted if each.origin == "newsroom"]


def missed(config: Config, name: str) -> tuple[Template, str]:
    """What the newsroom's own template misses: a unified diff from the original that was taken
    over to the one of today; without a kept original, from the own one. Empty when nothing.

    Raises NotFound for a name that is none, UsageError for one that is not the newsroom's own.
    """
    template = _named(ls(config), name)
    if template.origin != "newsroom":
        raise UsageError(
            f"{template.name} is not the newsroom's own.",
            hint=f"It comes from the {template.origin} and misses nothing.",
        )
    below = source_of(config).find(template.name, config.templates_dir)
    taken = config.templates_dir / TAKEN / template.name
    before = taken if taken.is_file() else template.path
    if below is None or template.state == "adds":
        return template, ""
    lines = unified_diff(
        _text(before).splitlines(),
        _text(below).splitlines(),
        f"{template.name} {'as it was taken over' if before == taken else '(yours)'}",
        f"{template.name} as it comes today",
        lineterm="",
    )
    return template, "\n".join(lines)


def seen(config: Config, name: str) -> Template:
    """Take note that the newsroom's own template holds what the one below has now: from then on
    it is behind only what changes later. Raises as `missed`."""
    template, _ = missed(config, name)
    below = source_of(config).find(template.name, config.templates_dir)
    if below is not None:
        _write(config.templates_dir / TAKEN / template.name, below.read_bytes())
    return template


def check(room: Newsroom) -> list[Doubt]:
    """Reads every template of the newsroom, for mails and for pages, sets each specimen with those
    for mails, and merges it for every odd journalist; all that is wrong, errors first."""
    config = room.config
    found: list[Doubt] = []
    try:
        source = releases.template_source(room)
        templates = ls(config)
        bent = source.theme.bent(room.sender.accent)
    except MailerError as error:
        return [_error(error)]
    if bent:
        found.append(
            Doubt(
                "warning",
                f"{config.path.name}, newsroom.accent",
                f"The accent {room.sender.accent} cannot be read on its ground; "
                f"messages show {bent}.",
            )
        )
    for template in templates:
        if template.origin != "package" and _is_read(template.name):
            try:
                parse(source, template.name)
            except CheckFailed as error:
                found.append(_error(error))
        if template.state == "behind":
            found.append(
                Doubt(
                    "warning",
                    str(template.path),
                    f"{template.name} has changed since you took it over: "
                    f"`mailer templates diff {template.name}` shows what yours misses.",
                )
            )
    if not any(each.severity == "error" for each in found):
        found += _specimens(room, source)
    distinct = dict.fromkeys(found)
    return sorted(distinct, key=lambda each: each.severity != "error")


def _specimens(room: Newsroom, source: TemplateSource) -> Iterator[Doubt]:
    today = to_datetime(room.clock.now()).date()
    for text in gallery.specimens(room.config.newsroom.timezone):
        shown = f"the specimen {text.kind.value} in {text.language}"
        try:
            template = compile_release(text, room.sender, source)
            for slot in bare_fields(template):
                yield Doubt(
                    "warning",
                    "templates",
                    f"{slot} is printed without |fallback(“…”): journalists who have none get "
                    "nothing there.",
                )
            for case in gallery.CASES:
                who = case.recipient(text.language, room.keys.current_id, today)
                message = merged_for(room, template, who)
                html = message_parts(message).html
                if case.key == "hostile" and re.search(r"<script>alert|<img src=x", html):
                    yield Doubt("error", shown, "A journalist's name gets into the HTML as code.")
        except MailerError as error:
            yield _error(error)
            continue
        for faint in faint_texts(html):
            yield Doubt(
                "warning",
                shown,
                f"“{faint.text}” in {faint.colour} on {faint.ground}"
                f"{' in dark mode' if faint.dark else ''} has a contrast of {faint.ratio:.1f}; "
                f"it needs {faint.least}.",
            )


def _error(error: MailerError) -> Doubt:
    return Doubt("error", error.where, f"{error.message} {error.hint}".strip())


def _template(config: Config, source: TemplateSource, name: str) -> Template:
    path = source.find(name)
    assert path is not None
    layer = source.layer_of(path)
    if layer == config.templates_dir:
        return Template(name, "newsroom", _state(config, source, name, path), path)
    themed = layer.parent in [folder / THEMES for folder in source.folders]
    origin = layer.name if themed else "package"
    return Template(name, origin, "", path)


def _state(config: Config, source: TemplateSource, name: str, path: Path) -> str:
    below = source.find(name, config.templates_dir)
    if below is None:
        return "own"
    text = _text(path)
    own_name = rf"""\{{%-?\s*(?:extends|include|import|from)\s+["']{re.escape(name)}["']"""
    if name == THEME_FILE or re.search(own_name, text):
        return "adds"
    now = _text(below)
    if text == now:
        return "same"
    taken = config.templates_dir / TAKEN / name
    return "behind" if taken.is_file() and _text(taken) != now else "changed"


def _named(known: list[Template], name: str) -> Template:
    """The template of that name, or the only one whose name ends so."""
    wanted = name.removeprefix("templates/").strip("/")
    ending = [each for each in known if each.name == wanted or each.name.endswith(f"/{wanted}")]
    exact = [each for each in ending if each.name == wanted] or ending
    if len(exact) == 1:
        return exact[0]
    if exact:
        names = " and ".join(each.name for each in exact)
        raise NotFound(f'"{name}" names several templates: {names}.', hint="Name one in full.")
    near = get_close_matches(wanted, [each.name for each in known], 1, 0.5)
    raise NotFound(
        f"There is no template {name}.",
        hint=f"Did you mean {near[0]}?" if near else "`mailer templates ls` lists them.",
    )


def _is_read(name: str) -> bool:
    """Whether a file is a template: styles of pages, scripts and settings are taken as they are."""
    return name.startswith("email/") or (name.startswith("web/") and name.endswith(_PAGES))


def _files(layer: Path) -> Iterator[Path]:
    for path in layer.rglob("*"):
        parts = path.relative_to(layer).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.suffix in _SUFFIXES and not hidden and parts[0] not in _ASIDE and path.is_file():
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError as error:
        raise CheckFailed(
            f"This template cannot be read: {(error.strerror or 'error').lower()}.",
            where=str(path),
            hint="Let the user who runs mailer read it.",
        ) from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary(path) as part:
            with created(part, 0o644) as file:
                file.write(data)
            part.replace(path)
    except OSError as error:
        raise UsageError(
            f"The template cannot be written: {(error.strerror or 'error').lower()}.",
            where=str(path),
            hint="Let the user who runs mailer write there.",
        ) from None
