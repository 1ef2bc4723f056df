"""Laying out a newsroom's folder: configuration, sample lists, keys, spool, store.

What an officer already has is never overwritten, and a suppression key is never made anew for
a ledger that knows another one.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from mailer import config as configuration
from mailer.clock import Clock
from mailer.config import Config
from mailer.defaults import defaults_dir
from mailer.distribution.context import create_store
from mailer.distribution.files import created, temporary
from mailer.errors import Refused, UsageError
from mailer.message.tokens import generate_keys
from mailer.store import open_store
from mailer.store.core import fact
from mailer.store.migrations import schema_version


@dataclass(frozen=True, slots=True)
class Laid:
    """What `lay_out` did: paths relative to the folder, and the schema changes applied."""

    folder: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    migrations: tuple[str, ...]


def lay_out(folder: Path, *, clock: Clock | None = None) -> Laid:
    """Make a newsroom in `folder`, or complete one: files that are there stay as they are.

    Raises UsageError when the folder cannot be made, ConfigError when a configuration already
    there cannot be used, Refused when the store knows another suppression key than the one that
    would have to be made.
    """
    folder = folder.absolute()
    made: list[str] = []
    kept: list[str] = []
    _make_folder(folder)
    for source, name in _samples(folder):
        _copy(source, folder / name, name, made, kept)
    config = configuration.load(folder / "config.toml")
    _make_keys(config, made, kept)
    existed = config.spool_dir.is_dir()
    config.spool_dir.mkdir(mode=0o700, exist_ok=True)
    (kept if existed else made).append("spool/")
    migrations = create_store(config, clock=clock)
    return Laid(folder, tuple(made), tuple(kept), tuple(migrations))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "it is not a folder").lower()
        raise UsageError(
            f"The folder cannot be made: {reason}.", where=str(folder), hint="Choose another place."
        ) from None


def _samples(folder: Path) -> list[tuple[Path, str]]:
    """The sample files. An office that has lists of its own gets no sample lists beside them."""
    defaults = defaults_dir()
    lists = folder / "lists"
    own_lists = lists.is_dir() and any(lists.iterdir())
    names = ["config.toml"] + [
        f"lists/{path.name}"
        for path in sorted((defaults / "lists").iterdir())
        if path.suffix in (".csv", ".toml")
        and not (own_lists and not (folder / "lists" / path.name).exists())
    ]
    return [(defaults / name, name) for name in names]


def _copy(source: Path, target: Path, name: str, made: list[str], kept: list[str]) -> None:
    target.parent.mkdir(exist_ok=True)
    if _write_new(target, source.read_bytes(), 0o644):
        made.append(name)
    else:
        kept.append(name)


def _make_keys(config: Config, made: list[str], kept: list[str]) -> None:
    """Token keys and the suppression key, each made once (design decision 8)."""
    config.keys_dir.mkdir(mode=0o700, exist_ok=True)
    tokens = config.keys_dir / "token.keys"
    suppression = config.keys_dir / "suppression.key"
    for path in (suppression, tokens):
        if path.exists():
            kept.append(f"keys/{path.name}")
            continue
        known = _known_keys(config)
        if path == suppression and known:
            raise Refused(
                "This ledger was made with a suppression key that is missing now; a new one "
                "would recognise nobody who said stop.",
                where=str(path),
                hint="Put the newsroom's own key back from its backup.",
            )
        text = (
            generate_keys(secrets.token_bytes) if path == tokens else secrets.token_hex(32) + "\n"
        )
        _write_new(path, text.encode("ascii"), 0o600)
        made.append(f"keys/{path.name}")


def _known_keys(config: Config) -> bool:
    """Whether there is a ledger already that knows a suppression key."""
    url = config.store.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return False
    store = open_store(url)
    try:
        if schema_version(store) == 0:
            return False
        with store.read() as tx:
            return fact(tx, "suppression_key") is not None
    finally:
        store.close()


def _write_new(path: Path, data: bytes, mode: int) -> bool:
    """Write a file that does not exist yet, whole or not at all; False when there is one."""
    if path.exists() or path.is_symlink():
        return False
    with temporary(path) as part:
        with created(part, mode) as file:
            file.write(data)
        try:
            os.link(part, path)
        except FileExistsError:
            return False
        except OSError:
            # A file system without hard links.
            part.rename(path)
    return True
