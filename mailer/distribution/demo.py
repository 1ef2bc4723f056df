"""The main job shown once, for real: a throw-away newsroom, a release sent, one unsubscribe.

Everything is the ordinary program: the same folder that `init` lays out, the supervisor with its
processes, the sandbox mail server on loopback, the public pages. At each step what happened is
checked against what the sandbox has, so that `demo --once` is also a proof.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

from mailer import config as configuration
from mailer.config import Config
from mailer.defaults import defaults_dir
from mailer.distribution.context import Newsroom, open_newsroom
from mailer.distribution.inbox import Inbox, inbox_path
from mailer.distribution.lists import import_file
from mailer.distribution.log import log, status_of
from mailer.distribution.newsroom import lay_out
from mailer.distribution.queue import Order, Queued, queue
from mailer.distribution.supervisor import Event, Supervisor
from mailer.errors import CheckFailed, MailerError

SEGMENT = "eu-affairs"
ACTOR = "demo"
_PATIENCE = 120.0
_MAIL_PORT = 1025
_WEB_PORTS = (8025, 8026)


@dataclass(slots=True)
class Demo:
    """What was shown. `rows` are the log's; `next_queue` is what a second queue would do."""

    folder: Path
    imported: list[dict[str, Any]] = field(default_factory=list)
    queued: Queued | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    unsubscribed: str = ""
    unsubscribe_url: str = ""
    answer: str = ""
    next_queue: Queued | None = None
    public: str = ""
    inbox: str = ""


@contextmanager
def running_demo(
    web: Callable[[Path], list[str]], tell: Callable[[str, Demo], None]
) -> Iterator[Demo]:
    """Run the demo; inside the block its pages are up.

    `web` makes the command of the web child from the configuration's path. `tell` is called
    after each step: "laid out", "imported", "queued", "sending", "sent", "unsubscribed", "next".
    Raises CheckFailed when what the sandbox got is not what the ledger says.
    """
    demo = Demo(Path(tempfile.mkdtemp(prefix="mailer-demo-")))
    with ExitStack() as choosing:
        choosing.enter_context(_one_at_a_time())
        config = _lay_out(demo)
        tell("laid out", demo)
        yield from _shown(config, demo, web, tell, choosing.close)


def _shown(
    config: Config,
    demo: Demo,
    web: Callable[[Path], list[str]],
    tell: Callable[[str, Demo], None],
    listening: Callable[[], None],
) -> Iterator[Demo]:
    """Everything after the choice of ports; `listening` is called once they are taken."""
    with open_newsroom(config) as room:
        for path in sorted(config.lists_dir.glob("*.csv")):
            result = import_file(room, path, list_name=path.stem, actor=ACTOR)
            demo.imported.append({"list": path.stem, **result.as_json()})
        tell("imported", demo)
        release = next((defaults_dir() / "releases").glob("*.txt"))
        order = Order(release=str(release), to=[SEGMENT])
        demo.queued = queue(room, order, ACTOR)
        tell("queued", demo)
        with _supervised(config, web):
            listening()
            _await_sent(room, demo, tell)
            _compare(room, config, demo)
            tell("sent", demo)
            _unsubscribe(config, demo)
            tell("unsubscribed", demo)
            demo.next_queue = queue(room, order, ACTOR, dry_run=True)
            if not demo.next_queue.left_out.get("suppressed"):
                raise CheckFailed("the next queue does not leave out who unsubscribed.")
            tell("next", demo)
            yield demo


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Another demo of this user waits until this one listens at the ports it found free."""
    path = Path(tempfile.gettempdir()) / f"mailer-demo-{os.getuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lay_out(demo: Demo) -> Config:
    lay_out(demo.folder)
    path = demo.folder / "config.toml"
    text = path.read_text("utf-8")
    # The mail port is always one of its own: the usual one may at any moment become that of
    # another newsroom on this machine, and messages would meet in one inbox.
    for port in (_MAIL_PORT, *_WEB_PORTS):
        if port == _MAIL_PORT or not _is_free(port):
            text = re.sub(rf"(127\.0\.0\.1:){port}\b", rf"\g<1>{_free_port()}", text)
    path.write_text(text, "utf-8")
    config = configuration.load(path)
    demo.public = config.newsroom.public_url
    desk = config.web.desk
    demo.inbox = f"http://{desk.host}:{desk.port}/inbox"
    return config


@contextmanager
def _supervised(config: Config, web: Callable[[Path], list[str]]) -> Iterator[None]:
    """The newsroom at work in the background, ended in order."""
    failures: list[MailerError] = []
    up = threading.Event()

    def tell(event: Event) -> None:
        if event["event"] == "ready" and event.get("child") == "web":
            up.set()

    supervisor = Supervisor(config, once=False, web=web(config.path), sandbox=True, tell=tell)

    def run() -> None:
        try:
            supervisor.run()
        except MailerError as error:
            failures.append(error)
            up.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        if not up.wait(_PATIENCE):
            raise CheckFailed("the pages did not come up.")
        if failures:
            raise failures[0]
        yield
    finally:
        supervisor.stop()
        thread.join(60)


def _await_sent(room: Newsroom, demo: Demo, tell: Callable[[str, Demo], None]) -> None:
    assert demo.queued is not None and demo.queued.distribution is not None
    until = time.monotonic() + _PATIENCE
    while True:
        demo.rows = list(log(room, distribution=demo.queued.distribution))
        tell("sending", demo)
        if status_of(room, demo.queued.distribution)["state"] == "done":
            return
        if time.monotonic() > until:
            raise CheckFailed("the distribution did not finish.", hint="See the log above.")
        time.sleep(0.1)


def _compare(room: Newsroom, config: Config, demo: Demo) -> None:
    """One to one: what the sandbox has against what the ledger calls accepted."""
    caught = Inbox(inbox_path(config)).each()
    got = sorted((address, mail.message_id) for mail in caught for address in mail.rcpt_to)
    said = sorted((r["email"], r["message_id"]) for r in demo.rows if r["state"] == "accepted")
    if got != said or len(said) != len(demo.rows):
        raise CheckFailed(
            f"the sandbox got {len(got)} messages, the ledger says {len(said)} were accepted."
        )


def _unsubscribe(config: Config, demo: Demo) -> None:
    """The one-click POST of RFC 8058, as a mailbox provider would send it."""
    mail = next(Inbox(inbox_path(config)).each())
    headers = message_from_bytes(mail.raw)
    demo.unsubscribed = mail.rcpt_to[0]
    demo.unsubscribe_url = str(headers["List-Unsubscribe"]).strip().strip("<>")
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode("ascii")
    request = urllib.request.Request(demo.unsubscribe_url, data=body, method="POST")
    # No proxy of the environment may see a link that is for loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            demo.answer = f"{response.status} {response.read(200).decode('utf-8').strip()}"
    except urllib.error.URLError as error:
        raise CheckFailed(f"the unsubscribe link did not answer: {error}.") from None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
