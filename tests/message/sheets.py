"""One release in all languages side by side: `python -m tests.message.sheets DIR`.

Writes languages-light.png, languages-dark.png and languages-phone.png for the eye, and checks what
only a browser knows: nothing scrolls sideways. Needs Chromium, as `tests.message.screens` does.
"""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path

from mailer.message import compile_release
from mailer.message.phrases import own_name
from mailer.message.view import Languages, Other
from mailer.release.model import Release
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


def main(out: Path) -> None:
    """Write one sheet per scheme and say what each is."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        pages = {code: html(code) for code in CODES}
        for name, width, scheme in SHEETS:
            shots = [_shot(browser, code, pages[code], width, scheme) for code in CODES]
            path = out / f"languages-{name}.png"
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
