"""Checks of the pictures and files that go with a text (D14, C10, C23)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.release.media import size_text
from mailer.release.model import Medium
from mailer.release.preflight import links
from mailer.release.preflight.look import Hit, Look

SMALL_WIDTH = 1_000
"""Pixels of the longer side under which a picture cannot be printed over a column."""

HEAVY_FILE = 10_000_000
"""Bytes of one file from which on an editor on the road waits for it."""

LONG_ANIMATION = 5
"""Seconds that a picture may move where nobody can stop it (WCAG 2.2 SC 2.2.2)."""


def without_alt(look: Look) -> Iterator[Hit]:
    """C10: nothing says what a picture shows, to those who cannot or do not see it."""
    yield from links.picture_without_alt(look)
    for medium in _pictures(look):
        if not medium.alt.strip():
            yield _hit(
                look,
                medium,
                "Nothing says what the picture {name} shows.",
                "Write ![what it shows](file), or alt in the front matter.",
            )


def without_credit(look: Look) -> Iterator[Hit]:
    """D14: an editor cannot print a picture without knowing whose it is."""
    yield from links.picture_without_credit(look)
    for medium in look.release.media:
        if not medium.credit.strip():
            yield _hit(
                look, medium, "{name} has no credit.", "Name whose it is: credit, under media."
            )


def without_licence(look: Look) -> Iterator[Hit]:
    """D14: an editor cannot print a picture without knowing that he may."""
    for medium in look.release.media:
        if not medium.licence.strip():
            yield _hit(
                look,
                medium,
                "{name} has no licence: nobody knows who may print it.",
                "Say it under media, such as licence: Free for editorial use.",
            )


def small(look: Look) -> Iterator[Hit]:
    """D14: too small to be printed."""
    for medium in _pictures(look):
        if max(medium.width, medium.height) < SMALL_WIDTH:
            yield _hit(
                look,
                medium,
                f"The picture {{name}} has {medium.width} × {medium.height} pixels, too few for "
                "print.",
                f"Give one with {SMALL_WIDTH:,} or more on its longer side.",
            )


def heavy(look: Look) -> Iterator[Hit]:
    """D14: so large that it takes long to fetch."""
    for medium in look.release.media:
        if medium.size > HEAVY_FILE:
            yield _hit(
                look,
                medium,
                f"{{name}} has {size_text(medium.size)}; it takes long to fetch on the road.",
                f"Make it smaller than {size_text(HEAVY_FILE)}.",
            )


def moving(look: Look) -> Iterator[Hit]:
    """C23: a page shows a picture that moves for long."""
    for medium in _pictures(look):
        if medium.seconds > LONG_ANIMATION:
            yield _hit(
                look,
                medium,
                f"The picture {{name}} moves for {medium.seconds} seconds; five are the most.",
                "Shorten it, or link to a film. Messages and the page show its first image.",
            )


def _pictures(look: Look) -> list[Medium]:
    return [each for each in look.release.media if each.is_picture]


def _hit(look: Look, medium: Medium, message: str, advice: str) -> Hit:
    name = medium.file or medium.url
    return look.hit(message.format(name=name), advice, medium.line, name)
