"""Pictures of the pages as a demo newsroom shows them: `python -m tests.web.screens OUTDIR`.

Light, dark and as on a phone. Nothing here judges; the pictures are looked at, and what was found
is written into docs/looked.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mailer.distribution.demo import Demo, running_demo
from playwright.sync_api import Browser, sync_playwright

LOOKS = {
    "light": ("light", 1100, 800),
    "dark": ("dark", 1100, 800),
    "360": ("light", 360, 720),
    "360-dark": ("dark", 360, 720),
}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main(folder: Path) -> None:
    """Take every page in every look."""
    folder.mkdir(parents=True, exist_ok=True)

    def web(config: Path) -> list[str]:
        return [sys.executable, "-m", "mailer.web.serve", "--config", str(config), "--quiet"]

    with (
        running_demo(web, lambda *_: None) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, url in pages(demo).items():
            take(browser, name, url, folder)
        browser.close()


def pages(demo: Demo) -> dict[str, str]:
    """The addresses worth a picture, by the picture's name."""
    leave = demo.unsubscribe_url
    return {
        "unsubscribe": leave,
        "choices": leave.replace("/u/", "/p/"),
        "incomplete": leave[:-3],
        "newsroom": demo.public + "/",
        "release": f"{demo.public}/r/{demo.rows[0]['release']}",
        "inbox": demo.inbox,
        "inbox-found": f"{demo.inbox}?q=kazakh",
        "inbox-none": f"{demo.inbox}?q=nobody",
    }


def take(browser: Browser, name: str, url: str, folder: Path) -> None:
    for look, (scheme, width, height) in LOOKS.items():
        page = browser.new_page(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": height},
        )
        page.goto(url)
        whole = not re.match("inbox", name)
        page.screenshot(path=folder / f"page-{name}-{look}.png", full_page=whole)
        page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
