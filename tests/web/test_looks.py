"""The journalist's pages in a real browser: everybody can use them (F17: WCAG AA, script-free)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mailer.distribution import fresh
from mailer.distribution.tongues import Words
from mailer.message.tokens import DATA, JOIN, Fresh, mint_fresh
from mailer.store import Store, open_store
from mailer.store import fresh as stored
from mailer.store.migrations import migrate
from mailer.web.public import public_app
from playwright.sync_api import Browser, Page, sync_playwright

from tests.message.foreign import axe_core
from tests.web.beats import beats, sent_about
from tests.web.office import ANNA, KEYS, PRESS, TOPIC, fill, link, token
from tests.web.screens import FLAGS
from tests.web.serving import Room, room, serving

HOUR = 3600 * 1_000_000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    home = tmp_path_factory.mktemp("looks")
    store: Store = open_store(f"sqlite:///{home / 'store.db'}", create=True)
    migrate(store)
    fill(store)
    beats(store, ANNA, ["migration", "human rights"])
    sent_about(store, 7, "A case over detention of asylum seekers", ["migration"])
    with store.write() as tx:
        tx.execute("UPDATE lists SET open = 1 WHERE kind = 'topic'", {})
    yield room(store, home / "room")
    store.close()


@pytest.fixture(scope="module")
def paths(office: Room) -> dict[str, str]:
    """Every page, by what it is."""
    fresh.ask_for_data(office, token(ANNA), Words())  # type: ignore[arg-type]
    with office.store.write() as tx:
        row = stored.address(tx, ANNA)
        assert row is not None
        ends = tx.now() + HOUR
        joining = stored.add(
            tx, JOIN, hash=b"x", email="x@example.org", expires_at=ends, language="en",
            data={"lists": [TOPIC], "titles": ["Energy briefing"], "words": ""},
        )  # fmt: skip
        data = tx.rows("SELECT id FROM fresh_links WHERE purpose = 'd'", {})[0]["id"]
    second = ends // 1_000_000
    return {
        "own": f"/p/{link(ANNA, PRESS, 'p')}",
        "leave": f"/u/{link(ANNA, PRESS)}",
        "data": f"/f/{mint_fresh(KEYS, Fresh(DATA, data, second))}",
        "join": f"/f/{mint_fresh(KEYS, Fresh(JOIN, joining, second))}",
        "subscribe": "/subscribe",
        "incomplete": "/p/x",
    }


@pytest.fixture(scope="module")
def address(office: Room) -> Iterator[str]:
    with serving(public_app(office)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def found_by_axe(page: Page) -> list[str]:
    """What axe-core finds by the rules of WCAG 2.2 A and AA."""
    page.evaluate(f"() => {{ {axe_core()} }}")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags
    )
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in result["violations"]]


@pytest.mark.parametrize(("language", "look"), [("en", "light"), ("en", "dark"), ("ar", "light")])
def test_every_page_is_for_everybody(
    office: Room, browser: Browser, address: str, paths: dict[str, str], language: str, look: str
) -> None:
    """F17: axe-core finds nothing, nothing scrolls sideways at 360 px, buttons can be touched."""
    with office.store.write() as tx:
        tx.execute("UPDATE journalists SET language = :l", {"l": language})
        tx.execute("UPDATE fresh_links SET language = :l", {"l": language})
    context = browser.new_context(
        locale=language,
        color_scheme=look,  # type: ignore[arg-type]
        viewport={"width": 360, "height": 720},
        bypass_csp=True,  # the pages forbid all script; axe is one
    )
    page = context.new_page()
    for name, path in paths.items():
        page.goto(address + path)
        assert found_by_axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert page.evaluate("document.documentElement.lang") == language, name
        small = page.eval_on_selector_all(
            ".button, .chip, select", "all => all.filter(e => e.offsetHeight < 44).length"
        )
        assert small == 0, name
    context.close()


def test_it_works_by_keyboard_and_without_script(
    office: Room, browser: Browser, address: str, paths: dict[str, str]
) -> None:
    """F17: tab, space, enter; what was done is told in a live region and undone."""
    with office.store.write() as tx:
        tx.execute("UPDATE journalists SET language = 'en'", {})
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(address + paths["own"])
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() == 0:
            break
        text = focused.inner_text() or focused.get_attribute("value") or ""
        order.append(text)
        if text == "No more on migration":
            page.keyboard.press("Enter")
            break
    told = page.get_by_role("status")
    assert "No more on migration. You stay on human rights." in told.inner_text()
    told.get_by_role("button", name="Undo").press("Enter")
    assert "It is as it was before." in page.get_by_role("status").inner_text()
    page.get_by_label("energy", exact=True).press("Space")
    page.get_by_label("Messages a week, at most").select_option("2")
    page.get_by_role("button", name="Save").press("Enter")
    assert page.get_by_label("energy", exact=True).is_checked()
    assert page.get_by_label("Messages a week, at most").input_value() == "2"
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    assert not page.get_by_label("energy", exact=True).is_checked()
    context.close()
