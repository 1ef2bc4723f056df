"""An invitation from its file to the journalist's calendar, with the commands an officer types."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar

from tests.acceptance.test_main_job import Room, fetch
from tests.distribution.recorder import Recorder

ADVISORY = Path(__file__).parents[1] / "release" / "golden" / "advisory-en.md"
BRUSSELS = ZoneInfo("Europe/Brussels")


def test_an_invitation_stands_in_the_message_and_in_calendars(tmp_path: Path) -> None:
    """D9: box and link in the message, the right instant in the file, moved by a new revision."""
    room = Room(tmp_path / "room", "sqlite:///mailer.db")
    room.mailer("lists", "import", "lists/tech.csv")
    file = room.folder / "advisory.md"
    shutil.copy(ADVISORY, file)
    with Recorder() as server:
        room.route(server.port)
        with room.serving():
            send(room, file)
            message = message_from_bytes(server.got[0].raw, policy=policy.default)
            parts = {part.get_content_type(): part for part in message.walk()}
            page = parts["text/html"].get_content()
            text = parts["text/plain"].get_content()
            assert str(message["Subject"]).startswith("ADVISORY: ")
            (link,) = set(re.findall(r'href="(http[^"]+\.ics)"', page))
            assert link in text
            for words in ("Tuesday, 1 December 2026", "10:00–11:30 CET", "Quay 14, 1040 Brussels"):
                assert words in page and words in text
            first = calendar_entry(link)
            assert first.decoded("dtstart") == datetime(2026, 12, 1, 10, tzinfo=BRUSSELS)
            front = room.environ["MAILER_NEWSROOM__PUBLIC_URL"]
            assert "tide laboratory" not in fetch(f"{front}/")[1]
            assert "tide laboratory" in fetch(link.removesuffix(".ics"))[1]
            file.write_text(file.read_text("utf-8").replace("10:00\n", "10:30\n"), "utf-8")
            send(room, file)
            second = calendar_entry(link)
    assert second.decoded("dtstart") == datetime(2026, 12, 1, 10, 30, tzinfo=BRUSSELS)
    assert (second["uid"], second["sequence"]) == (first["uid"], first["sequence"] + 1)
    exported = room.mailer("release", "export", "advisory.md", "--format", "ics").stdout
    assert icalendar.Calendar.from_ical(exported).walk("VEVENT")[0]["uid"] == first["uid"]


def send(room: Room, file: Path) -> None:
    """Queue a file for the tech list, and wait until it has gone."""
    queued = room.json("queue", file.name, "--to", "list:tech", "--at", "now")
    room.wait_until_done(queued["distribution"])


def calendar_entry(url: str) -> icalendar.Event:
    """The one event behind a link to a calendar file."""
    status, body = fetch(url)
    assert status == 200
    (entry,) = icalendar.Calendar.from_ical(body).walk("VEVENT")
    assert isinstance(entry, icalendar.Event)
    return entry
