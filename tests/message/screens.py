"""Pictures of the message as a browser shows it: `python -m tests.message.screens OUTDIR`.

For the eye, not for a machine: light and dark, a phone, images off, right to left, the band of an
embargo. Needs Chromium; `CHROMIUM` names another than /usr/bin/chromium.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mailer.message.render import online_html
from playwright.sync_api import Browser, Page, sync_playwright

from tests.message.clients.mails import mail
from tests.message.samples import RELEASES, SENDER, TEMPLATES, edition_of

# name, release, width, colour scheme, images shown
SHOTS = (
    ("email-light", "english", 760, "light", True),
    ("email-dark", "english", 760, "dark", True),
    ("email-360", "english", 360, "light", True),
    ("email-360-dark", "embargoed", 360, "dark", True),
    ("email-images-off", "english", 760, "light", False),
    ("email-embargo", "embargoed", 760, "light", True),
    ("email-withdrawn", "withdrawn", 600, "light", True),
    ("email-rtl", "hebrew", 760, "light", True),
    ("email-rtl-360-dark", "hebrew", 360, "dark", True),
    ("email-japanese", "japanese", 600, "light", True),
    ("email-320", "english", 320, "light", True),
    ("email-online", "english", 1000, "light", True),
    ("email-figures", "figures", 760, "light", True),
    ("email-figures-360-dark", "figures", 360, "dark", True),
    ("email-event-light", "invitation", 760, "light", True),
    ("email-event-360-dark", "invitation", 360, "dark", True),
    ("email-event-rtl", "invitation-he", 600, "light", True),
    ("email-event-online", "invitation", 1000, "light", True),
    ("theme-agency-light", "agency", 700, "light", True),
    ("theme-agency-dark", "agency", 700, "dark", True),
    ("email-sample-2015", "sample-2015", 760, "light", True),
)


def main(out: Path) -> None:
    """Write one PNG per shot and say what each is."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name, release, width, scheme, images in SHOTS:
            _shoot(browser, out / f"{name}.png", release, width, scheme, images)
            print(out / f"{name}.png")
        browser.close()


def page_html(release: str, *, online: bool = False) -> str:
    """What the shots show."""
    if not online:
        return mail(release).html
    made = RELEASES[release]()
    return online_html(made, SENDER, TEMPLATES, edition_of(made))


def _shoot(
    browser: Browser, path: Path, release: str, width: int, scheme: str, images: bool
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=False,
    )
    page = context.new_page()
    if not images:
        page.route("**/*.{png,jpg,jpeg,gif}", lambda route: route.abort())
    page.set_content(page_html(release, online="online" in path.name))
    page.screenshot(path=path, full_page=True)
    _measure(page, path.stem, width)
    context.close()


def _measure(page: Page, name: str, width: int) -> None:
    """What only a browser knows: nothing scrolls sideways (C8), links can be hit (C14)."""
    # A table of many columns scrolls in its own box (WCAG 1.4.10 leaves data tables out).
    for block in page.locator("body :not(.wide *):visible").all():
        box = block.bounding_box()
        if box and (box["x"] < -0.5 or box["x"] + box["width"] > width + 0.5):
            raise SystemExit(f"{name}: {block.inner_text()[:40]!r} is wider than the window")
    for link in page.locator(".choice a, .button a").all():
        box = link.bounding_box()
        if not box or box["height"] < 44 or box["width"] < 44:
            raise SystemExit(f"{name}: {link.inner_text()!r} is smaller than 44 px: {box}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
