"""`mailer preview --watch` in a real browser: it follows saves, shows errors, and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from mailer import config
from mailer.distribution import releases
from mailer.distribution.context import open_newsroom
from mailer.distribution.newsroom import lay_out
from mailer.distribution.watching import Watch, in_mode
from mailer.errors import CheckFailed, InputError, NotFound, StoreUnavailable
from mailer.message.templates import package_templates
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

TEXT = """# Rivers are {} than ten years ago

Brussels, 12 October 2026 – The rivers of the region are cleaner than they were ten years ago.

The report names three reasons and asks for a fourth.

Contact: Ada Example, ada@example.org, +32 2 555 01 00
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom with a release in two languages."""
    folder = tmp_path_factory.mktemp("watch") / "room"
    lay_out(folder)
    (folder / "rivers.md").write_text(TEXT.format("cleaner"), "utf-8")
    french = (package_templates() / "specimens" / "specimen.ja.md").read_text("utf-8")
    (folder / "rivers.ja.md").write_text(french, "utf-8")
    return folder


@pytest.fixture(scope="module")
def address(room: Path) -> Iterator[str]:
    """The preview of that release, running."""
    command = [sys.executable, "-m", "mailer", "preview", "--watch", "--json", "rivers.md"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    process = subprocess.Popen(command, cwd=room, env=clean, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["url"].rstrip("/")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as driver:
        path = "/usr/bin/chromium"
        quiet = ["background-networking", "component-update", "sync", "gpu"]
        browser = driver.chromium.launch(
            executable_path=path if Path(path).exists() else None,
            args=["--no-sandbox", *(f"--disable-{name}" for name in quiet)],
        )
        yield browser
        browser.close()


def test_a_save_is_followed_an_error_shown_and_mended(
    room: Path, address: str, browser: Any
) -> None:
    """A release, a template and a theme change the open page; nobody reloads it."""
    page: Page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.goto(f"{address}/")
    page.evaluate("window.untouched = true")
    expect(page.locator("#live")).to_contain_text("Follows every save")
    light = page.frame_locator("iframe[title='The message in light mode']")
    dark = page.frame_locator("iframe[title='The message in dark mode']")
    expect(light.locator("h1")).to_contain_text("Rivers are cleaner")
    colour = "element => getComputedStyle(element).backgroundColor"
    assert light.locator("div.bg").evaluate(colour) == "rgb(255, 255, 255)"
    assert dark.locator("div.bg").evaluate(colour) == "rgb(23, 24, 26)"

    (room / "rivers.md").write_text(TEXT.format("warmer"), "utf-8")
    expect(light.locator("h1")).to_contain_text("Rivers are warmer")
    expect(page.locator(".inbox-line")).to_contain_text("Rivers are warmer")
    expect(page.locator("pre.plain")).to_contain_text("Rivers are warmer")

    own = room / "templates" / "email" / "release.html"
    own.parent.mkdir(parents=True)
    begin = '{% extends "email/release.html" %}\n{% block greeting %}\n'
    own.write_text(f"{begin}<p>Hail {{{{ journalist.name }}}}</p>\n{{% endblock %}}", "utf-8")
    expect(light.locator("text=Hail Anna Example")).to_be_visible()

    own.write_text(f"{begin}{{{{ nothing }}}}\n{{% endblock %}}", "utf-8")
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text("'nothing' is undefined")
    expect(trouble).to_contain_text("templates/email/release.html, line 3")
    expect(trouble.locator(".here")).to_contain_text("{{ nothing }}")
    assert page.title().startswith("×")

    own.unlink()
    (room / "templates" / "theme.toml").write_text('extends = "agency"\n', "utf-8")
    expect(trouble).to_have_count(0)
    expect(light.locator("td.wire")).to_be_visible()
    (room / "templates" / "theme.toml").unlink()
    expect(light.locator("td.wire")).to_have_count(0)
    assert page.evaluate("window.untouched") is True
    assert faults == []


def test_names_languages_and_text_without_javascript(address: str, browser: Any) -> None:
    """C19, D16: the page is whole without its script, and a name that is code stays text."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page: Page = context.new_page()
    page.goto(f"{address}/rivers-md/people")
    hostile = page.locator(".card", has_text="A name that is code")
    expect(hostile).to_contain_text("<script>alert(1)</script>")
    assert page.locator(".card").count() >= 12
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto(f"{address}/rivers-md/languages")
    expect(page.locator("figure")).to_have_count(2)
    japanese = page.frame_locator("iframe[title='rivers.ja.md']")
    expect(japanese.locator("h1")).to_contain_text("見本")
    expect(japanese.locator("a[hreflang=en]")).to_have_text("English")
    page.get_by_role("link", name="Text and headers").click()
    expect(page.locator("th", has_text="List-Unsubscribe-Post")).to_be_visible()
    page.get_by_role("link", name="Without images").click()
    expect(page.get_by_role("link", name="With images")).to_be_visible()
    context.close()


def test_it_answers_on_this_machine_alone_and_runs_nothing(address: str) -> None:
    """Only loopback names, a strict policy, frames without scripts or pictures where told."""
    with urllib.request.urlopen(f"{address}/rivers-md/message") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    with urllib.request.urlopen(f"{address}/rivers-md/as/hostile/html?images=off") as answer:
        policy, html = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert policy.startswith("sandbox ") and "img-src 'none'" in policy
    assert "allow-scripts" not in policy and "<script" not in html
    with urllib.request.urlopen(f"{address}/rivers-md/as/hostile/message.eml") as answer:
        mail = message_from_bytes(answer.read())
    assert mail["Bcc"] is None and mail["To"].endswith("<mallory@news.example>")
    foreign = urllib.request.Request(f"{address}/", headers={"Host": "evil.example"})
    for request, status in ((foreign, 421), (f"{address}/nothing/message", 404)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.code == status


def test_what_is_watched_comes_goes_and_is_mended(room: Path) -> None:
    """A new language, a changed accent, a broken config.toml: each is taken up, none ends it."""
    settings = room / "config.toml"
    before = settings.read_text("utf-8")
    with open_newsroom(config.load(settings, {})) as opened:
        with pytest.raises(NotFound):
            Watch(opened, ["nothing-of-the-sort"])
        watch = Watch(opened, [str(room / "rivers.md")])
        assert not watch.refresh()
        assert [text.key for text in watch.texts] == ["rivers-md", "rivers-ja-md"]
        first = watch.message("rivers-md")
        assert watch.message("rivers-md") is first
        (room / "rivers.de.md").write_text("---\nlanguage: de\n---\n" + TEXT.format("sauberer"))
        assert watch.refresh()
        assert ">Deutsch</a>" in watch.message("rivers-md").parts.html
        (room / "rivers.de.md").unlink()
        settings.write_text(before.replace("#1f4e79", "#7a1f4e"), "utf-8")
        assert watch.refresh() and "#7a1f4e" in watch.message("rivers-md").parts.html
        settings.write_text(before.replace("#1f4e79", "blue"), "utf-8")
        assert watch.refresh()
        with pytest.raises(Exception, match="accent") as caught:
            watch.message("rivers-md")
        trouble = watch.trouble(caught.value)  # type: ignore[arg-type]
        assert (trouble.file, trouble.lines[3][2]) == ("config.toml", True)
        settings.write_text(before, "utf-8")
        assert watch.refresh() and "#1f4e79" in watch.message("rivers-md").parts.html
        shown = watch.trouble(CheckFailed("Odd.", where="email/base.html, line 2"))
        assert shown.lines[1][1].startswith('<html lang="')
        assert watch.trouble(InputError("it is empty.", where="rivers.md")).message[:2] == "It"


def test_a_picture_is_awaited_shown_and_followed(room: Path) -> None:
    """Pictures lie beside the text: a missing one is said, and each save of it is seen."""
    text = "---\nmedia:\n  - file: hill.png\n    alt: A hill\n---\n" + TEXT.format("pictured")
    (room / "hill.md").write_text(text, "utf-8")
    with open_newsroom(config.load(room / "config.toml", {})) as opened:
        watch = Watch(opened, [str(room / "hill.md")])
        with pytest.raises(InputError) as caught:
            watch.message("hill-md")
        assert "hill.png" in str(caught.value)
        trouble = watch.trouble(caught.value)
        assert trouble.message.startswith("hill.png: the file cannot be read")
        assert trouble.file == "hill.md" and (trouble.line, "media:", True) in trouble.lines
        Image.new("RGB", (40, 30), "#335566").save(room / "hill.png")
        assert watch.refresh()
        first, mark = watch.message("hill-md"), watch.marks()["hill-md"]
        assert b"Content-ID: <" in first.raw and 'src="cid:' in first.parts.html
        Image.new("RGB", (40, 20), "#665533").save(room / "hill.png")
        assert watch.refresh() and watch.marks()["hill-md"] != mark
        assert 'height="20"' in watch.message("hill-md").parts.html
        (room / "hill.md").write_text(text.replace("hill.png", "photos/hill.png"), "utf-8")
        assert watch.refresh()
        with pytest.raises(InputError):
            watch.message("hill-md")
        watch.refresh()  # it knows now what is awaited
        (room / "photos").mkdir()
        Image.new("RGB", (40, 10), "#665533").save(room / "photos" / "hill.png")
        assert watch.refresh()
        assert 'height="10"' in watch.message("hill-md").parts.html
        odd = text.replace("hill.png", '"hill\\0.png"')
        (room / "hill.md").write_text(odd, "utf-8")
        assert watch.refresh()
        with pytest.raises(InputError):
            watch.message("hill-md")
        assert not watch.refresh() or not watch.refresh()


def test_what_the_store_has_is_shown_in_each_language(room: Path) -> None:
    """A slug brings all languages that are kept, `slug:ja` one; --as is a journalist's own."""
    with open_newsroom(config.load(room / "config.toml", {})) as opened:
        text = (room / "rivers.ja.md").read_text("utf-8").replace("kind:", "id: rivers\nkind:", 1)
        (room / "kept.md").write_text(
            "---\nid: rivers\nlanguage: en\n---\n" + TEXT.format("kept"), "utf-8"
        )
        (room / "kept.ja.md").write_text(text, "utf-8")
        for name in ("kept.md", "kept.ja.md"):
            releases.import_file(opened, room / name, "test")
        whole = Watch(opened, ["rivers"])
        assert [each.name for each in whole.texts] == ["rivers:en", "rivers:ja"]
        assert "見本" in whole.message("rivers-ja").subject
        assert ">日本語</a>" in whole.message("rivers-en").parts.html
        assert [each.name for each in Watch(opened, ["rivers:ja"]).texts] == ["rivers:ja"]
        with pytest.raises(NotFound):
            Watch(opened, ["rivers"], as_email="nobody@example.org")
        style = room / "templates" / "email" / "own.css"
        style.parent.mkdir(parents=True, exist_ok=True)
        style.write_text("a { }", "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(releases, "resolve", busy)
            with pytest.raises(StoreUnavailable):
                whole.refresh()
        assert whole.refresh(), "what changed while the store was busy is seen by the next look"


def busy(*_: object, **__: object) -> None:
    """A store that does not answer."""
    raise StoreUnavailable("The store is busy.")


def test_a_mode_is_shown_whatever_the_machine_has() -> None:
    """Dark rules hold in one picture and in none of the other."""
    page = '<meta content="light dark"><style>@media (prefers-color-scheme: dark) { a { } }</style>'
    assert in_mode(page, dark=True) == '<meta content="dark"><style>@media all { a { } }</style>'
    light = in_mode(page, dark=False)
    assert light == '<meta content="light"><style>@media not all { a { } }</style>'
