"""What only a browser knows of a page: its size, its words in their order, its contrasts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

_LOOK = """() => {
  const boxes = [...document.querySelectorAll('body *')].filter(
    (each) => !each.closest('[style*="overflow-x"]') && each.checkVisibility());
  const rights = boxes.map((each) => each.getBoundingClientRect().right);
  const tables = [...document.querySelectorAll('table')].map((each) => each.offsetWidth);
  return {
    right: Math.max(...rights), table: Math.max(...tables),
    scroll: document.scrollingElement.scrollWidth,
    text: document.body.innerText.replace(/\\s+/g, ' ').trim(),
    links: [...document.querySelectorAll('a[href]')].map((each) => each.getAttribute('href')),
    targets: [...document.querySelectorAll('.choice, .button td')].map((each) => {
      const box = each.getBoundingClientRect();
      return [each.innerText, box.width, box.height];
    }),
  };
}"""
_AXE = """async (rules) => {
  const options = rules.length ? { runOnly: { type: 'rule', values: rules } }
    : { runOnly: { type: 'tag',
      values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } };
  const found = await axe.run(document, { ...options, resultTypes: ['violations', 'incomplete'] });
  const untold = found.incomplete.filter((rule) => rule.id === 'color-contrast');
  return [...found.violations, ...untold].flatMap((rule) => rule.nodes.map(
    (node) => [rule.id, node.html.slice(0, 120), node.failureSummary]));
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for as long as the block lasts; `CHROMIUM` names another than /usr/bin's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shown(
    browser: Browser, axe: str = "", *, dark: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """A page whose network is cut, so without any picture, and the URLs that it asked for."""
    context = browser.new_context(
        viewport={"width": 760, "height": 900}, color_scheme="dark" if dark else "light"
    )
    if axe:
        context.add_init_script(axe)
    page, asked = context.new_page(), list[str]()

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    yield page, asked
    context.close()


def look(page: Page, html: str, width: int = 760) -> dict[str, Any]:
    """Show a page this wide; its right edge, widest table, words, links, target sizes."""
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(html)
    return dict(page.evaluate(_LOOK))


def judged(page: Page, *rules: str) -> list[tuple[str, str, str]]:
    """What axe-core finds on the page as it is: rule, element, why. All rules, or those named."""
    return [(rule, html, why) for rule, html, why in page.evaluate(_AXE, list(rules))]
