"""What a theme settles beside templates: `theme.toml`, read from the same folders as they are.

Each folder's file says only what it changes; the first folder that says something wins. Nothing
unreadable gets through: colours are checked for contrast in both modes (C12), and whatever goes
into a style is held to what a style may hold.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mailer.errors import CheckFailed
from mailer.message.colour import TEXT_CONTRAST, Palette, contrast, palettes

THEME_FILE = "theme.toml"
THEMES = "themes"
"""The folder, beside `email`, that holds named themes."""

COLOURS = tuple(each.name for each in fields(Palette))
_PAIRS = (
    ("ink", "ground"),
    ("muted", "ground"),
    ("accent", "ground"),
    ("on_accent", "accent"),
    ("on_band", "band"),
    ("on_alarm", "alarm"),
)


@dataclass(frozen=True, slots=True)
class Theme:
    """What templates see as `theme`. Sizes are px.

    `light` and `dark` are the colours that the theme sets itself, by their names in `Palette`;
    `places` says for each key where it was written, for errors.
    """

    width: int = 600
    wordmark: str = ""
    logo: str = ""
    logo_width: int = 0
    logo_height: int = 0
    serif: str = ""
    sans: str = ""
    light: dict[str, str] = field(default_factory=dict)
    dark: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict, compare=False)

    def palettes(self, accent: str) -> tuple[Palette, Palette]:
        """The light and the dark palette with the newsroom's accent, or the theme's own.

        Raises CheckFailed, with file and line, for colours that could not be read, ConfigError
        for an accent that is no colour.
        """
        modes = []
        for mode, palette, own in zip(
            ("light", "dark"),
            palettes(accent, self.light.get("ground"), self.dark.get("ground")),
            (self.light, self.dark),
            strict=True,
        ):
            palette = replace(palette, **own)
            for ink, ground in _PAIRS:
                ratio = contrast(getattr(palette, ink), getattr(palette, ground))
                if ratio >= TEXT_CONTRAST:
                    continue
                named = next((key for key in (ink, ground) if key in own), ink)
                raise CheckFailed(
                    f"In the {mode} mode `{ink}` {getattr(palette, ink)} on `{ground}` "
                    f"{getattr(palette, ground)} has a contrast of {ratio:.1f}; "
                    f"text needs {TEXT_CONTRAST}.",
                    where=self.places.get(f"{mode}.{named}", THEME_FILE),
                    hint=f"Choose a {'darker' if _is_light(palette) else 'lighter'} `{ink}`"
                    f"{'' if ink in own else f' in [{mode}]'}, or another `{ground}`.",
                )
            modes.append(palette)
        return modes[0], modes[1]

    def bent(self, accent: str) -> str:
        """What the light mode shows instead of the newsroom's accent, which could not be read
        there; "" when it can, or when the theme has its own. Raises as `palettes` does."""
        light, _ = self.palettes(accent)
        return "" if "accent" in self.light or light.accent == accent.lower() else light.accent


PLAIN = Theme()
"""A theme that changes nothing."""


def layers(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The folders with the themes that they extend between them, the first one that has a file
    wins.

    A theme is looked for in every folder's `themes/NAME`, and may extend another. Raises
    CheckFailed for one that does not exist, or that leads back to itself.
    """
    if not folders:
        return ()
    own, below = list(folders[:-1]), [folders[-1]]
    found: list[Path] = []
    names: list[str] = []
    asked = [*own]
    while asked:
        path = asked.pop(0) / THEME_FILE
        name, place = _extends(path)
        if not name:
            continue
        if name in names:
            raise CheckFailed(f'The theme "{name}" extends itself.', where=place)
        names.append(name)
        there = [each / THEMES / name for each in folders if (each / THEMES / name).is_dir()]
        if not there:
            known = ", ".join(known_themes(folders)) or "none"
            raise CheckFailed(f'There is no theme "{name}"; there is {known}.', where=place)
        found += there
        asked += there
    return (*own, *found, *below)


def known_themes(folders: Sequence[Path]) -> list[str]:
    """The names of the themes in these folders."""
    names = {
        path.name
        for folder in folders
        if (folder / THEMES).is_dir()
        for path in (folder / THEMES).iterdir()
        if path.is_dir()
    }
    return sorted(names)


def read_theme(found: Sequence[Path]) -> Theme:
    """The theme of these layers, the first one that says something wins.

    Raises CheckFailed with file and line for whatever is wrong in a theme.toml.
    """
    theme = Theme()
    for folder in reversed(found):
        theme = _over(theme, folder / THEME_FILE)
    if theme.logo and not (theme.logo_width and theme.logo_height):
        raise CheckFailed(
            "A logo needs `logo_width` and `logo_height`, or the page jumps when it loads.",
            where=theme.places["logo"],
        )
    return theme


def _over(theme: Theme, path: Path) -> Theme:
    data, lines = _read(path)
    said: dict[str, Any] = {}
    places = dict(theme.places)
    for section, values in data.items():
        if section == "extends":
            continue
        if section not in _SECTIONS:
            raise _unknown(f"[{section}]", _SECTIONS, path, lines.get((section, ""), 0))
        if not isinstance(values, dict):
            raise CheckFailed(f"[{section}] is a section.", where=_place(path, 0))
        for key, value in values.items():
            where = _place(path, lines.get((section, key), 0))
            if key not in _SECTIONS[section]:
                raise _unknown(f"`{key}`", _SECTIONS[section], path, lines.get((section, key), 0))
            fault = _SECTIONS[section][key](value)
            if fault:
                raise CheckFailed(f"`{key}` {fault}", where=where)
            places[f"{section}.{key}" if section in ("light", "dark") else key] = where
            if section in ("light", "dark"):
                said.setdefault(section, dict(getattr(theme, section)))[key] = value.lower()
            else:
                said[key] = value
    return replace(theme, **said, places=places)


def _read(path: Path) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
    """The file's content, and the line of each section and key; nothing where there is none."""
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}, {}
    except UnicodeDecodeError:
        raise CheckFailed("The theme is not written in UTF-8.", where=_place(path, 0)) from None
    except OSError as error:
        raise CheckFailed(
            f"The theme cannot be read: {(error.strerror or 'error').lower()}.",
            where=_place(path, 0),
            hint="Let the user who runs mailer read it.",
        ) from None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # Numbers and brackets without end too.
        line = re.search(r"at line (\d+)", str(error))
        end = text.count("\n") + 1
        raise CheckFailed(
            f"This is not TOML: {str(error).partition(' (at')[0].lower()}.",
            where=_place(path, int(line[1]) if line else end),
            hint="Texts stand in quotes, a section's name in brackets.",
        ) from None
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line_text in enumerate(text.split("\n"), 1):
        if head := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line_text):
            section = head[1]
            lines[section, ""] = number
        elif key := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line_text):
            lines[section, key[1]] = number
    return data, lines


def _extends(path: Path) -> tuple[str, str]:
    data, lines = _read(path)
    name = data.get("extends", "")
    place = _place(path, lines.get(("", "extends"), 0))
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]*", name):
        raise CheckFailed('`extends` is the name of a theme, like "agency".', where=place)
    return name, place


def _place(path: Path, line: int) -> str:
    return f"{path}, line {line}" if line else str(path)


def _unknown(what: str, known: Iterable[str], path: Path, line: int) -> CheckFailed:
    near = get_close_matches(what.strip("[]`"), list(known), 1)
    hint = f"Did you mean {near[0]}?" if near else f"There is {', '.join(known)}."
    return CheckFailed(f"A theme has no {what}.", where=_place(path, line), hint=hint)


def _is_light(palette: Palette) -> bool:
    return contrast(palette.ground, "#000000") > contrast(palette.ground, "#ffffff")


# What a value may be: the end of a sentence about it, or "".


def _whole(least: int, most: int) -> Callable[[Any], str]:
    def fault(value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if fits else f"is a whole number of px from {least} to {most}."

    return fault


def _words(value: Any) -> str:
    fits = isinstance(value, str) and value.isprintable() and len(value) <= 80
    return "" if fits else "is one line of at most 80 characters."


_FONT = r"(?:'[\w .-]+'|[\w-]+)"


def _fonts(value: Any) -> str:
    # Single quotes only: the stack ends up between double ones.
    fits = isinstance(value, str) and re.fullmatch(rf"{_FONT}(?:, ?{_FONT})*", value)
    return "" if fits else "is a list of fonts like \"Georgia, 'Times New Roman', serif\"."


def _picture(value: Any) -> str:
    fits = isinstance(value, str) and re.fullmatch(r"https://[\w.-]+(?::\d+)?/[\w./~%+-]+", value)
    return "" if fits or value == "" else 'is an address like "https://press.example.org/logo.png".'


def _colour(value: Any) -> str:
    fits = isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value)
    return "" if fits else 'is a colour like "#1f4e79".'


_SECTIONS: dict[str, dict[str, Callable[[Any], str]]] = {
    "layout": {"width": _whole(480, 600)},  # at most 600 (C8)
    "masthead": {
        "wordmark": _words,
        "logo": _picture,
        "logo_width": _whole(1, 600),
        "logo_height": _whole(1, 300),
    },
    "fonts": {"serif": _fonts, "sans": _fonts},
    "light": dict.fromkeys(COLOURS, _colour),
    "dark": dict.fromkeys(COLOURS, _colour),
}

KEYS = {section: tuple(keys) for section, keys in _SECTIONS.items()}
"""Every key of a theme.toml beside `extends`, by section."""
