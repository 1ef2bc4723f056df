"""A newsroom in a temporary folder, on either database, with people and a release."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from mailer import config as configuration
from mailer.clock import Clock
from mailer.config import Config
from mailer.distribution.context import Newsroom, create_store, open_newsroom
from mailer.message.tokens import generate_keys

CONFIG = """
[newsroom]
name = "Example Newsroom"
sender = "Example Press <press@example.org>"
reply_to = "press@example.org"
bounce_address = "bounces@example.org"
postal_address = "1 Example Street, 1000 Exampleville"
public_url = "http://127.0.0.1:8025"
timezone = "Europe/Brussels"

[store]
url = {store}

[smtp]
url = "smtp://127.0.0.1:{port}?starttls=never"
connections = {connections}
live = {live}

[sending]
processes = 1
{sending}
"""

RELEASE = """# A bridge opens after ten years

Brussels, 1 December 2026 – The bridge over the example river opens today.

It carries trams and people.

## Media contact

Ada Example – press@example.org
"""


def make_config(
    folder: Path,
    *,
    port: int,
    store: str = "sqlite:///mailer.db",
    connections: int = 4,
    live: bool = False,
    sending: str = "",
) -> Config:
    """A newsroom's folder with keys and an empty store."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(
        CONFIG.format(
            store=json.dumps(store),
            port=port,
            connections=connections,
            live=str(live).lower(),
            sending=sending,
        )
    )
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    for name, text in (
        ("token.keys", generate_keys(secrets.token_bytes)),
        ("suppression.key", secrets.token_hex(32)),
    ):
        if not (keys / name).exists():
            descriptor = os.open(keys / name, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
    config = configuration.load(path, {})
    create_store(config)
    return config


def open_room(config: Config, clock: Clock | None = None) -> Newsroom:
    """The open newsroom of that configuration."""
    return open_newsroom(config, clock=clock)


def write_list(folder: Path, name: str, count: int, *, domain: str = "example.com") -> Path:
    """A list file of `count` made-up journalists, j1@ … at `domain`."""
    path = folder / f"{name}.csv"
    zones = ("Europe/Brussels", "Europe/London", "Asia/Tokyo", "America/New_York")
    rows = [
        "email,first_name,last_name,outlet,beats,country,language,timezone,consent_basis,source"
    ]
    rows += [
        f"j{n}@{domain},Ada,N{n},Daily {n % 7},energy;eu,BE,en,{zones[n % 4]},opt_in,form"
        for n in range(1, count + 1)
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def write_release(folder: Path, text: str = RELEASE, name: str = "bridge.md") -> Path:
    """A release file."""
    path = folder / name
    path.write_text(text)
    return path


def list_file(room: Newsroom, name: str, header: str, *rows: str) -> Path:
    """A list file of these lines, as it came in."""
    folder = room.config.home / "incoming"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path
