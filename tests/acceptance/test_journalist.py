"""A journalist's story in a real browser: from the first mail to being forgotten, and after."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.acceptance.test_main_job import RELEASE, Room, wait_for
from tests.distribution.recorder import Recorder
from tests.web.screens import FLAGS

MIRA = "mira@example.org"
HEAD = "email,first_name,last_name,outlet,beats,country,language\n"
SEGMENTS = """
[segments.migration]
title = "Migration"
all = [{ beat = ["migration"] }]

[segments.rights]
title = "Human rights"
all = [{ beat = ["human rights"] }]
"""


class Story:
    """A newsroom that is open, a server that takes its mail, and Mira's browser."""

    def __init__(self, room: Room, server: Recorder, page: Page) -> None:
        self.room, self.server, self.page = room, server, page

    def send(self, segment: str) -> tuple[str, int]:
        """Send the release to a segment; what became of Mira's copy ("" for none), and how many
        were meant."""
        queued = self.room.json("queue", "release.txt", "--to", segment, "--at", "now")
        self.room.wait_until_done(queued["distribution"])
        rows = self.room.json("log", str(queued["distribution"]))
        return next((r["state"] for r in rows if r["email"] == MIRA), ""), queued["recipients"]

    def mails(self) -> list[EmailMessage]:
        """What came to Mira."""
        found: list[Any] = [
            message_from_bytes(got.raw, policy=policy.default)
            for got in self.server.got
            if got.rcpt_to == MIRA
        ]
        return found

    def open_data(self) -> None:
        """Ask for the link to her data and open it."""
        before = len(self.mails())
        self.page.get_by_role("button", name="Send me the link").click()
        assert self.page.get_by_role("heading", name="Look into your mailbox").is_visible()
        wait_for(lambda: len(self.mails()) > before)
        link = re.search(r"http\S+/f/[a-z2-7]{58}", self.mails()[-1].get_content())
        assert link is not None
        self.page.goto(link[0])

    def told(self) -> str:
        return self.page.get_by_role("status").inner_text()

    def undo(self) -> None:
        self.page.get_by_role("status").get_by_role("button", name="Undo").click()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    room = Room(tmp_path / "room", "sqlite:///mailer.db")
    people = [f"{MIRA},Mira,Example,Example Daily,migration; human rights,BE,en"]
    people += [
        f"j{n}@example.org,J{n},Example,Other,migration; human rights,BE,en" for n in range(6)
    ]
    (room.folder / "press.csv").write_text(HEAD + "\n".join(people) + "\n")
    (room.folder / "lists" / "segments.toml").write_text(SEGMENTS)
    shutil.copy(RELEASE, room.folder / "release.txt")
    room.mailer("lists", "import", "press.csv", "--source", "Press breakfast in Brussels")
    with Recorder() as server, sync_playwright() as playwright:
        room.route(server.port)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        context = browser.new_context(java_script_enabled=False, locale="en-GB")
        with room.serving():
            yield Story(room, server, context.new_page())
        browser.close()


def test_from_the_first_mail_to_being_forgotten(story: Story) -> None:
    """F5, F7, F13, F17, E11, E12: where from, not my beat, cap, away, leave, come back, erase,
    and no list brings her back."""
    page = story.page
    assert story.send("migration") == ("accepted", 7)
    (first,) = story.mails()
    body = first.get_body(("html",))
    assert body is not None
    found = re.search(r"http\S+/p/[a-z2-7]{58}", body.get_content())
    assert found is not None
    own = found[0]

    page.goto(own)  # why, and where from
    assert "It was sent to you for: migration." in page.get_by_role("main").inner_text()
    story.open_data()
    held = page.get_by_role("main").inner_text()
    assert MIRA in held and "Press breakfast in Brussels" in held

    page.goto(own)  # not my beat
    page.get_by_role("button", name="No more on migration").click()
    assert "No more on migration. You stay on human rights." in story.told()
    assert story.send("migration") == ("", 6)

    page.get_by_label("Messages a week, at most").select_option("1")  # the cap
    page.get_by_role("button", name="Save").click()
    assert "Your choice is saved." in story.told()
    assert story.send("rights")[0] == "skipped"
    story.undo()

    ahead = date.today() + timedelta(days=30)
    page.get_by_label("Away until").fill(ahead.isoformat())  # away
    page.get_by_role("button", name="Save").click()
    assert page.get_by_label("Away until").input_value() == ahead.isoformat()
    assert story.send("rights")[0] == "skipped"
    story.undo()
    assert page.get_by_label("Away until").input_value() == ""

    page.get_by_role("button", name="Stop all press mail").click()  # leave
    assert "All press mail to you has stopped." in story.told()
    assert story.send("rights") == ("", 6)
    story.undo()  # come back
    assert "Press mail begins again" in story.told()
    assert story.send("rights") == ("accepted", 7)

    story.open_data()  # be forgotten
    page.get_by_label("Yes, erase everything").check()
    page.get_by_role("button", name="Erase").click()
    assert page.get_by_role("heading", name="Everything is erased").is_visible()
    story.room.mailer("lists", "import", "press.csv", "--source", "Again")
    assert story.send("rights") == ("", 6)
    assert "erased" in story.room.mailer("suppress", "ls").stdout
    page.goto(own)  # her link still says the same to whoever has it
    assert page.get_by_role("heading", name="Choose what you receive").is_visible()
