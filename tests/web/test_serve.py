"""The web process as the supervisor starts it, and a person with a browser in front of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mailer import config
from mailer.distribution.context import create_store, open_newsroom
from mailer.message.tokens import generate_keys, mint
from playwright.sync_api import Page, sync_playwright

from tests.cluster.line import Line
from tests.postgres import Postgres
from tests.web.office import ANNA, BEN, CAROL, PRESS, fill, scopes, states, token
from tests.web.serving import CONFIG, bare


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    """The configuration of a real newsroom folder with keys, store and three people."""
    return lay_out(tmp_path)


def lay_out(folder: Path, **environ: str) -> Path:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(public_url="http://127.0.0.1:8025", smtp="smtp://127.0.0.1:1025"))
    keys = folder / "keys"
    keys.mkdir()
    (keys / "token.keys").write_text(generate_keys(lambda n: b"k" * n))
    (keys / "suppression.key").write_text("5a" * 32)
    for key in keys.iterdir():
        key.chmod(0o600)
    loaded = config.load(path, environ)
    create_store(loaded)
    with open_newsroom(loaded) as room:
        fill(room.store)
    return path


@contextmanager
def started(path: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer.web.serve", "--config", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_both_listeners_serve_and_leave_when_the_pipe_closes(newsroom: Path) -> None:
    """Decision 5."""
    with started(newsroom) as (process, first), open_newsroom(config.load(newsroom, {})) as room:
        assert first["event"] == "ready"
        text = mint(room.keys, token(ANNA, PRESS))
        with bare(first["public"]) as public, bare(first["desk"]) as desk:
            answer = public.post(
                f"/u/{text}",
                content="List-Unsubscribe=One-Click",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
            assert desk.get("/inbox").status_code == 200
            # Nobody sends here: the page is served, the newsroom is not ready.
            assert desk.get("/readyz").text.startswith("sender: ")
            assert "mailer_store_up 1.0" in desk.get("/metrics").text
            assert public.get("/metrics").status_code == public.get("/readyz").status_code == 404
            assert public.get("/inbox").status_code == 404
        assert states(room.store)[7, ANNA] == 6
        assert process.stdin is not None and process.stderr is not None
        process.stdin.close()
        process.stdin = None
        _, log = process.communicate(timeout=15)
        assert process.returncode == 0
        assert b"POST /u/\xe2\x80\xa6 200" in log and text.encode() not in log


def test_who_leaves_while_the_line_to_the_database_is_dead_is_answered(
    tmp_path: Path, postgres_server: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12, H20: nothing comes over it and nobody says so; the opt-out is safe in the spool, and
    applied before the next one once the database is reached."""
    with Line(postgres_server.socket) as line:
        monkeypatch.setenv("MAILER_STORE__URL", line.url(postgres_url))
        path = lay_out(tmp_path, MAILER_STORE__URL=postgres_url)
        with (
            started(path) as (_, first),
            open_newsroom(config.load(path, {"MAILER_STORE__URL": postgres_url})) as room,
            bare(first["public"]) as public,
        ):
            public.timeout = 60

            def leave(person: int) -> int:
                text = mint(room.keys, token(person, PRESS))
                form = {"List-Unsubscribe": "One-Click"}
                return public.post(f"/u/{text}", data=form).status_code

            assert leave(BEN) == 200
            assert states(room.store)[7, BEN] == 6
            line.swallow()
            assert leave(ANNA) == 200
            spool = room.config.spool_dir / "optouts"
            assert len(list(spool.glob("*.json"))) == 1 and states(room.store)[7, ANNA] != 6
            line.mend()
            while list(spool.glob("*.json")):
                assert leave(CAROL) == 200
            assert states(room.store)[7, ANNA] == 6


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(newsroom: Path, kind: signal.Signals) -> None:
    with started(newsroom) as (process, first):
        assert first["event"] == "ready"
        os.kill(process.pid, kind)
        assert process.wait(15) == 0


@pytest.mark.parametrize("key", ["public", "desk"])
def test_a_port_in_use_is_said(newsroom: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Exit code 3, and which setting to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(f"MAILER_WEB__{key.upper()}", f"127.0.0.1:{port}")
        with started(newsroom) as (process, first):
            assert process.wait(15) == 3
    assert first["event"] == "fatal" and first["exit_code"] == 3
    assert f"web.{key}: 127.0.0.1:{port} cannot be listened at" in first["reason"]


def test_a_broken_configuration_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[newsroom]\nnam = 1\n")
    with started(tmp_path / "config.toml") as (process, first):
        assert process.wait(15) == 3
    assert first["event"] == "fatal" and "config.toml, line" in first["reason"]


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


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    """A phone in dark mode without JavaScript."""
    context = browser.new_context(
        java_script_enabled=False,
        viewport={"width": 360, "height": 640},
        color_scheme="dark",
    )
    yield context.new_page()
    context.close()


def test_a_person_leaves_narrows_it_and_comes_back_without_javascript(
    newsroom: Path, page: Page
) -> None:
    """F4, F11, F13, F17: by the buttons alone, in a real browser under the strict policy."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    with started(newsroom) as (_, first), open_newsroom(config.load(newsroom, {})) as room:
        page.goto(f"{first['public']}/u/{mint(room.keys, token(ANNA, PRESS))}")
        assert scopes(room.store, "anna") == set()
        for key in ("Tab", "Tab", "Enter"):  # past the newsroom's name, on the button
            page.keyboard.press(key)
        page.get_by_role("button", name="Undo").wait_for()
        assert page.get_by_role("heading", level=1).inner_text() == "Press mail has stopped"
        assert scopes(room.store, "anna") == {("all", "opt-out")}
        page.get_by_role("button", name="Stop only “EU affairs, Brussels”").click()
        assert scopes(room.store, "anna") == {(f"list:{PRESS}", "opt-out")}
        page.get_by_role("button", name="Undo").click()
        assert scopes(room.store, "anna") == set()
        page.get_by_role("link", name="choose what you receive").click()
        page.get_by_label("Energy briefing").uncheck()
        page.get_by_role("button", name="Save").click()
        told = page.get_by_role("status").inner_text().split()
        assert " ".join(told) == "Your choice is saved. Undo"
        assert scopes(room.store, "anna") == {("list:2", "opt-out")}
        assert page.context.cookies() == []
    assert faults == []


def test_pages_fit_a_phone_and_can_be_read(newsroom: Path, browser: Any) -> None:
    """C8, C12, C14: no sideways scroll at 320 px, buttons of 44 px, in both colour schemes."""
    with started(newsroom) as (_, first), open_newsroom(config.load(newsroom, {})) as room:
        text = mint(room.keys, token(ANNA, PRESS))
        paths = [f"/u/{text}", f"/p/{text}", "/u/wrong", "/", "/r/none"]
        addresses = [first["public"] + path for path in paths] + [f"{first['desk']}/inbox"]
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 320, "height": 600}, color_scheme=scheme
            )
            page = context.new_page()
            for address in addresses:
                page.goto(address)
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
                for button in page.locator(".button").all():
                    box = button.bounding_box()
                    assert box is not None and box["height"] >= 44
            context.close()


def test_a_caught_message_can_be_left_from_the_inbox(newsroom: Path, browser: Any) -> None:
    """The demo's path: the link in the framed message opens the leaving page in its own tab."""
    from mailer.smtp.inbox import InboxWriter

    with started(newsroom) as (_, first), open_newsroom(config.load(newsroom, {})) as room:
        address = f"{first['public']}/u/{mint(room.keys, token(ANNA, PRESS))}"
        html = f'<html><head></head><body><a href="{address}">Unsubscribe</a></body></html>'
        raw = f"Subject: News\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
        writer = InboxWriter(room.config.spool_dir / "inbox.db")
        writer.add([(1, "b@example.org", ["anna@example.org"], raw.encode())])
        writer.close()
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{first['desk']}/inbox")
        page.get_by_role("link", name="anna@example.org").click()
        with context.expect_page() as opened:
            page.frame_locator("iframe").get_by_role("link", name="Unsubscribe").click()
        opened.value.get_by_role("button", name="Stop all press mail").click()
        opened.value.get_by_role("heading", name="Press mail has stopped").wait_for()
        context.close()
        assert scopes(room.store, "anna") == {("all", "opt-out")}
