"""A real server for an application, and a newsroom to serve."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from mailer import config
from mailer.clock import Clock, SystemClock
from mailer.config import Config
from mailer.message.model import Sender
from mailer.message.tokens import TokenKeys
from mailer.store import Store
from mailer.web.server import settings

from tests.web.office import KEYS

CONFIG = """
[newsroom]
name = "Open Dialog Foundation"
sender = "Open Dialog Press <press@example.org>"
reply_to = "press@example.org"
bounce_address = "bounces@example.org"
postal_address = "Rue de la Loi 155, 1040 Brussels, Belgium"
public_url = "{public_url}"
timezone = "Europe/Brussels"

[smtp]
url = "{smtp}"

[web]
public = "127.0.0.1:0"
desk = "127.0.0.1:0"
"""


@dataclass(frozen=True)
class Room:
    """An open newsroom made by a test, without files for its keys."""

    config: Config
    store: Store
    sender: Sender
    suppression_key: bytes = bytes(32)
    keys: TokenKeys = KEYS
    clock: Clock = field(default_factory=SystemClock)


def room(
    store: Store,
    home: Path,
    public_url: str = "http://127.0.0.1:8025",
    smtp: str = "smtp://127.0.0.1:1025",
) -> Room:
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_text(CONFIG.format(public_url=public_url, smtp=smtp))
    loaded = config.load(path, {})
    found = loaded.newsroom
    sender = Sender(
        name=found.name,
        sender=found.sender,
        reply_to=found.reply_to,
        bounce_address=found.bounce_address,
        postal_address=found.postal_address,
        public_url=found.public_url,
        timezone=found.timezone,
        default_language="en",
        accent=found.accent,
        live=False,
        ledger_id="abcd2345",
    )
    return Room(loaded, store, sender)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The application on a free port of this machine; its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(settings(app))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def bare(address: str) -> httpx.Client:
    """A client that sends no header it need not send, follows nothing and keeps no cookie."""
    client = httpx.Client(base_url=address, follow_redirects=False, timeout=20, trust_env=False)
    client.headers.clear()
    return client
