"""The officer's and the journalist's story, with the commands they type, from end to end."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from mailer.config import load
from mailer.distribution.context import open_newsroom
from mailer.distribution.log import status_of
from mailer.smtp.inbox import Inbox

from tests.distribution.recorder import Recorder
from tests.ports import unused_port

RELEASE = Path(__file__).parents[2] / "releases" / "000_0b2022afc5ecdcac.txt"
REAL_PEOPLE = "odfoundation"


class Room:
    """A newsroom folder and the command line in it."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MAILER_")},
            "MAILER_STORE__URL": store,
            "MAILER_WEB__PUBLIC": f"127.0.0.1:{unused_port()}",
            "MAILER_WEB__DESK": f"127.0.0.1:{unused_port()}",
        }
        public = self.environ["MAILER_WEB__PUBLIC"]
        self.environ["MAILER_NEWSROOM__PUBLIC_URL"] = f"http://{public}"
        self.route(unused_port())
        self.mailer("init", str(folder), cwd=folder.parent)

    def route(self, port: int) -> None:
        self.environ["MAILER_SMTP__URL"] = f"smtp://127.0.0.1:{port}"

    def mailer(
        self, *words: str, code: int = 0, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "mailer", *words],
            cwd=cwd or self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.mailer(*words, "--json", code=code).stdout)

    def wait_until_done(self, number: int) -> None:
        """Until a distribution has ended; asking often by a command would slow it down."""
        config = load(self.folder / "config.toml", self.environ)
        with open_newsroom(config) as opened:
            wait_for(lambda: status_of(opened, number)["state"] == "done")
        assert self.json("status", str(number))["state"] == "done"

    @contextmanager
    def serving(self) -> Iterator[None]:
        process = subprocess.Popen(
            [sys.executable, "-m", "mailer", "serve"],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            health = self.environ["MAILER_NEWSROOM__PUBLIC_URL"] + "/healthz"
            until = time.monotonic() + 30
            while fetch(health)[0] != 200:
                assert time.monotonic() < until and process.poll() is None
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.fixture
def room(tmp_path: Path, store_url: str) -> Room:
    return Room(tmp_path / "room", store_url)


def test_a_release_file_becomes_logged_mail_and_one_click_ends_it(room: Room) -> None:
    """The whole way; F2, F10, F11, H7, D19, A18: what the server got equals the ledger."""
    lists = sorted(path.name for path in (room.folder / "lists").glob("*.csv"))
    imported = [room.json("lists", "import", f"lists/{name}") for name in lists]
    assert json.dumps(imported).count('"new"') == 3
    assert room.json("segments", "count", "eu-affairs")
    shutil.copy(RELEASE, room.folder / "release.txt")
    checked = room.json("release", "check", "release.txt")
    assert checked
    with Recorder() as server:
        room.route(server.port)
        queued = room.json("queue", "release.txt", "--to", "eu-affairs", "--at", "now")
        assert queued["state"] == "scheduled" and queued["recipients"] > 15
        room.mailer("run", "--once")
        log = room.json("log")
        assert len(log) == queued["recipients"] == len(server.got)
        assert {(row["email"], row["message_id"]) for row in log} == {
            (got.rcpt_to, got.message_id) for got in server.got
        }
        assert {row["state"] for row in log} == {"accepted"}
        assert not any(REAL_PEOPLE in got.rcpt_to for got in server.got)
        message = message_from_bytes(server.got[0].raw, policy=policy.default)
        first = server.got[0].rcpt_to
        leave = re.fullmatch(r"<(http[^>]+/u/[a-z0-9]+)>", str(message["List-Unsubscribe"]))
        assert leave is not None
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "#" not in re.findall(r'href="([^"]*)"', html_of(message))
        # A second distribution is queued for later, then he leaves, then it runs.
        later = room.json("queue", "release.txt", "--to", "eu-affairs", "--at", "now")
        assert later["recipients"] == queued["recipients"]
        with room.serving():
            # What `serve` sends beside it is the same; only the click counts here.
            assert fetch(leave[1])[0] == 200
            status, body = fetch(leave[1], {"List-Unsubscribe": "One-Click"})
            assert status == 200 and "nsubscribed" in body
            again = room.json("queue", "release.txt", "--to", "eu-affairs", "--at", "now")
            room.wait_until_done(again["distribution"])
    assert again["recipients"] == queued["recipients"] - 1
    assert again["left_out"]["suppressed"] == 1
    last = [row["email"] for row in room.json("log", str(again["distribution"]))]
    assert first not in last and len(last) == again["recipients"]
    assert room.json("suppress", "ls")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)  # the story above has both
def test_who_leaves_while_it_is_queued_is_not_mailed_by_it(room: Room) -> None:
    """F10: also on what is already queued."""
    room.mailer("lists", "import", "lists/tech.csv")
    shutil.copy(RELEASE, room.folder / "release.txt")
    with Recorder() as server:
        room.route(server.port)
        room.json("queue", "release.txt", "--to", "list:tech", "--at", "now")
        room.mailer("run", "--once")
        message = message_from_bytes(server.got[0].raw, policy=policy.default)
        leaver = server.got[0].rcpt_to
        second = room.json("queue", "release.txt", "--to", "list:tech", "--at", "now")
        room.mailer("suppress", "add", leaver, "--reason", "asked by telephone")
        room.mailer("run", "--once")
    counts = server.recipients
    assert counts.pop(leaver) == 1
    assert set(counts.values()) == {2}
    rows = room.json("log", str(second["distribution"]), "--email", leaver)
    assert [row["state"] for row in rows] == ["suppressed"]
    assert str(message["To"])


def test_the_sandbox_takes_everything_also_for_real_looking_domains(tmp_path: Path) -> None:
    """Decision 13: our own sandbox proves itself, so any address may be tried there."""
    room = Room(tmp_path / "room", "sqlite:///mailer.db")
    people = room.folder / "people.csv"
    people.write_text(
        "email,first_name,last_name,consent_basis,source\n"
        "ada@example.com,Ada,Byron,opt_in,form\n"
        "someone@newspaper.invalid,Some,One,opt_in,form\n"
        "other@news-paper.fr.test,Other,One,opt_in,form\n"
    )
    room.mailer("lists", "import", "people.csv")
    shutil.copy(RELEASE, room.folder / "release.txt")
    room.environ["MAILER_SMTP__URL"] = "smtp://127.0.0.1:1025"
    # The default route's port is one for the whole machine; another newsroom may be busy on it.
    wait_for(lambda: not port_taken(1025), seconds=180)
    queued = room.json("queue", "release.txt", "--to", "list:people", "--at", "now")
    room.mailer("run", "--once")
    caught = list(Inbox(room.folder / "spool" / "inbox.db").each())
    assert len(caught) == queued["recipients"] == 3
    rows = room.json("log")
    assert {(row["email"],) for row in rows} == {mail.rcpt_to for mail in caught}


def test_smtp_sink_gets_what_the_ledger_says(tmp_path: Path) -> None:
    """Postfix's smtp-sink as a receiver that is not ours: one file a message."""
    sink = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert sink, "smtp-sink is missing; `make test` installs postfix"
    room = Room(tmp_path / "room", "sqlite:///mailer.db")
    room.mailer("lists", "import", "lists/poland.csv")
    shutil.copy(RELEASE, room.folder / "release.txt")
    caught = tmp_path / "caught"
    caught.mkdir()
    port = unused_port()
    room.route(port)
    who = ["-u", pwd.getpwuid(os.getuid()).pw_name] if os.getuid() == 0 else []
    process = subprocess.Popen([sink, *who, "-d", f"{caught}/m.", f"127.0.0.1:{port}", "100"])
    try:
        wait_for(lambda: port_taken(port))
        queued = room.json("queue", "release.txt", "--to", "list:poland", "--at", "now")
        room.mailer("run", "--once")
    finally:
        process.terminate()
        process.wait()
    files = [message_from_bytes(path.read_bytes()) for path in caught.iterdir()]
    ids = sorted(str(message["Message-ID"]).strip() for message in files)
    rows = room.json("log")
    assert ids == sorted(row["message_id"] for row in rows)
    assert len(files) == queued["recipients"]


def html_of(message: Any) -> str:
    part = message.get_body(("html",))
    content: str = part.get_content()
    return content


def fetch(url: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and text of a page of ours; 0 when nobody listens."""
    data = urllib.parse.urlencode(form).encode() if form else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=data), timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_for(true: Any, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.5)


def port_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
