"""Colours that can be read: contrast as WCAG 2.2 measures it, and an accent bent until it does."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

from mailer.errors import ConfigError

TEXT_CONTRAST = 4.5
"""Least contrast of text against its ground (WCAG 2.2 SC 1.4.3; C12)."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one mode, all "#rrggbb"."""

    ground: str
    ink: str
    muted: str
    rule: str
    accent: str
    on_accent: str
    band: str
    on_band: str
    alarm: str
    on_alarm: str


def palettes(
    accent: str, light_ground: str | None = None, dark_ground: str | None = None
) -> tuple[Palette, Palette]:
    """The light and the dark palette for a newsroom's accent colour, on other grounds if given.

    The accent keeps its hue and is darkened or lightened until text in it can be read (C12).
    Raises ConfigError when `accent` is not "#rrggbb".
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", accent):
        raise ConfigError(
            f"The accent colour {accent!r} is not written like #1a4f8b.",
            where="config.toml, newsroom.accent",
        )
    light_ground, dark_ground = light_ground or "#ffffff", dark_ground or "#17181a"
    light = Palette(
        ground=light_ground,
        ink="#1b1b1a",
        muted="#5b5b57",
        rule="#d8d8d3",
        accent=readable(accent, light_ground),
        on_accent="#ffffff",
        band="#1b1b1a",
        on_band="#ffffff",
        alarm="#a01515",
        on_alarm="#ffffff",
    )
    dark = Palette(
        ground=dark_ground,
        ink="#ecebe7",
        muted="#a9a9a3",
        rule="#3c3e41",
        accent=readable(accent, dark_ground, 6.0),
        on_accent="#17181a",
        band="#ecebe7",
        on_band="#17181a",
        alarm="#f08a80",
        on_alarm="#17181a",
    )
    return light, dark


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    brighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def readable(colour: str, ground: str, least: float = TEXT_CONTRAST) -> str:
    """`colour`, made darker or lighter in small steps until it has `least` contrast on `ground`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    step = -0.01 if _luminance(ground) > 0.4 else 0.01
    if step > 0:
        # A deep colour made light at full saturation glares on a dark ground.
        saturation = min(saturation, 0.6)
    result = colour.lower()
    while contrast(result, ground) < least and 0 < lightness < 1:
        lightness = min(1.0, max(0.0, lightness + step))
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
        result = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
    if contrast(result, ground) < least:
        return "#000000" if step < 0 else "#ffffff"
    return result


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
