"""One release in all languages, and all notices: `python -m tests.message.sheets DIR`.

Writes languages-light.png, -dark.png and -phone.png for the eye, and the same of notices; checks
what only a browser knows: nothing scrolls sideways. Needs Chromium, as `tests.message.screens`.
"""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path

from mailer.message import compile_release
from mailer.message.phrases import own_name, phrases
from mailer.message.view import Languages, Other
from mailer.release.embargoed import held_until
from mailer.release.model import Kind, Release
from mailer.release.notice import about, labelled
from mailer.release.read import read_release
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.message.samples import SENDER, TEMPLATES, preview_parts, values

FOLDER = Path(__file__).parent / "languages"
CODES = ["en", "fr", "de", "es", "it", "pl", "uk", "ru", "ar", "he", "zh", "ja", "hi", "th"]
SHEETS = (("light", 600, "light"), ("dark", 600, "dark"), ("phone", 360, "light"))
_COLUMNS, _WIDTH, _HEIGHT = 5, 300, 560


def sample(code: str) -> Release:
    """The sample release in a language."""
    name = f"harbour.{code}.md"
    data = (FOLDER / name).read_bytes()
    day = date(2026, 11, 24)
    return read_release(data, name=name, today=day, zone="Europe/Lisbon", default_language="en")


def html(code: str) -> str:
    """The message's HTML part in a language, with links to four others."""
    home = f"{SENDER.public_url}/r/harbour"
    others = tuple(
        Other(each, own_name(each), home if each == "en" else f"{home}/{each}")
        for each in ("en", "fr", "ar", "ja", "th")
        if each != code
    )
    template = compile_release(
        sample(code), SENDER, TEMPLATES, languages=Languages(f"{home}/{code}", others)
    )
    return preview_parts(template, values(language=code)).html


def notices() -> dict[str, str]:
    """The HTML part of each kind of notice, some of them in other languages."""
    end = 1_796_120_000_000_000
    reasons = {
        "en": "The vessel was named wrongly: it is the Aurora, not the Aurelia.",
        "de": "Das Schiff heißt Aurora, nicht Aurelia.",
        "ar": "اسم السفينة هو أورورا وليس أوريليا.",
    }
    pages = {}
    for code, kind in (
        *(("en", kind) for kind in (Kind.CORRECTION, Kind.UPDATE, Kind.HOLD, Kind.CLEARED)),
        *(("en", kind) for kind in (Kind.KILL, Kind.EMBARGO_CHANGE)),
        *(("de", Kind.KILL), ("ar", Kind.HOLD), ("ar", Kind.CORRECTION), ("de", Kind.CORRECTION)),
    ):
        release, said = sample(code), phrases(code)[f"notice_{kind.value}"]
        if kind in (Kind.CORRECTION, Kind.UPDATE):
            text = labelled(release, kind, reasons[code])
        else:
            text = about(release, kind, said, reasons[code])
        if kind is Kind.EMBARGO_CHANGE:
            text = held_until(text, end, "Europe/Lisbon")
        template = compile_release(text, SENDER, TEMPLATES, thread=True)
        filled = values(language=code) | {"thread": "<a@example.org>"}
        pages[f"{kind.value} {code}"] = preview_parts(template, filled).html
    return pages


def main(out: Path) -> None:
    """Write one sheet per scheme and say what each is."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        languages = {code: html(code) for code in CODES}
        for what, pages in (("languages", languages), ("notices", notices())):
            for name, width, scheme in SHEETS:
                shots = [_shot(browser, key, pages[key], width, scheme) for key in pages]
                path = out / f"{what}-{name}.png"
                _sheet(shots).quantize(48).save(path, optimize=True)
                print(path)
        browser.close()


def _shot(browser: Browser, code: str, page_html: str, width: int, scheme: str) -> Image.Image:
    context = browser.new_context(
        viewport={"width": width, "height": 1100},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=False,
    )
    page = context.new_page()
    page.set_content(page_html)
    for block in page.locator("p:visible, h1:visible, a:visible").all():
        box = block.bounding_box()
        if box and (box["x"] < -0.5 or box["x"] + box["width"] > width + 0.5):
            raise SystemExit(f"{code}: {block.inner_text()[:40]!r} is wider than the window")
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    context.close()
    return picture


def _sheet(shots: list[Image.Image]) -> Image.Image:
    rows = -(-len(shots) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * (_WIDTH + 8), rows * (_HEIGHT + 8)), "#888888")
    for number, shot in enumerate(shots):
        scaled = shot.resize((_WIDTH, round(shot.height * _WIDTH / shot.width)), Image.LANCZOS)
        row, column = divmod(number, _COLUMNS)
        place = (column * (_WIDTH + 8) + 4, row * (_HEIGHT + 8) + 4)
        sheet.paste(scaled.crop((0, 0, _WIDTH, min(_HEIGHT, scaled.height))), place)
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]))
