"""Backups of a newsroom: a folder that says itself whether it is whole.

In it are the store as it was at one instant, the files of the newsroom's folder, and a manifest
with the size and SHA-256 of each, written last. It is made under another name and renamed, so a
folder with a backup's name is a whole one. Keys are in it only when asked for. The spool never
is: it is part of the machine (`guard`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mailer.clock import Clock, to_datetime
from mailer.config import Config
from mailer.distribution import subscriptions
from mailer.distribution.context import Newsroom, fingerprint, host_name, open_newsroom
from mailer.distribution.files import copy, on_disk, sync, write_durably
from mailer.distribution.guard import Guard
from mailer.errors import InputError, NotFound, UsageError
from mailer.store import backup as copies
from mailer.store.backup import Copied
from mailer.store.core import add_event
from mailer.store.migrations import latest

MANIFEST = "manifest.json"
FILES = "newsroom"
"""Folder in a backup with the files of the newsroom's folder."""

STORE = {"sqlite": "store.db", "postgresql": "store.pgdump"}

_FORMAT = 1
_PART = ".unfinished"
_KEPT = ("lists", "templates", "releases")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `files` are the size and SHA-256 of each by its path in it."""

    made_at: str
    host: str
    dialect: str
    schema: int
    ledger: str
    suppression_key: str
    keys: bool
    copied: Copied
    files: dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup. `warnings` are sentences."""

    path: Path
    size: int
    manifest: Manifest
    warnings: list[str]


def back_up(
    config: Config,
    actor: str,
    to: Path | None = None,
    *,
    with_keys: bool = False,
    clock: Clock | None = None,
) -> Made:
    """Back the newsroom up while it goes on. `to` is the backup's name, or a folder that gets it;
    without it that is `backups/` in the newsroom's folder.

    Raises UsageError when something of that name is there, StoreUnavailable when store or disk
    cannot be used, ConfigError when PostgreSQL's programs are missing or too old.
    """
    with open_newsroom(config, clock=clock) as room:
        if subscriptions.waiting(room):
            subscriptions.drain(room)  # who said stop must be in it
        name = f"mailer-{to_datetime(room.clock.now()):%Y%m%dT%H%M%SZ}"
        path = _named(config, to, name)
        with _disk(path), _unfinished(path) as part:
            manifest = _fill(room, part, with_keys)
            with room.store.write() as tx:
                # From here on the ledger is ahead of its copy, whatever else happens in it.
                add_event(tx, "backed_up", actor, data={"keys": with_keys})
            Guard(room).note()
            _publish(part, path)
    size = sum(each[0] for each in manifest.files.values())
    return Made(path, size, manifest, _warnings(config, manifest))


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself.

    Raises NotFound when there is none, InputError when it is torn or of a later format.
    """
    try:
        data = json.loads((path / MANIFEST).read_bytes())
        seal = data.pop("seal")
        if seal != _seal(data):
            raise ValueError
        if data.pop("format") > _FORMAT:
            raise InputError(
                "This backup was made by a later version of mailer.",
                where=str(path),
                hint="Upgrade mailer on this machine.",
            )
        files = {name: (int(size), str(sha)) for name, (size, sha) in data.pop("files").items()}
        return Manifest(copied=Copied(**data.pop("copied")), files=files, **data)
    except (FileNotFoundError, NotADirectoryError):
        if path.exists():
            raise InputError(
                "This is no backup of mailer, or not all of one: it has no manifest.",
                where=str(path),
                hint="A backup is a folder; name that.",
            ) from None
        raise NotFound("there is no such backup.", where=str(path)) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError("The backup's manifest is torn.", where=str(path / MANIFEST)) from None
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise InputError(f"The backup cannot be read: {reason}.", where=str(path)) from error


def verify(path: Path, manifest: Manifest) -> None:
    """Raise InputError unless every file of a backup is there, unaltered."""
    for name, (size, sha256) in manifest.files.items():
        place = path / name
        try:
            found = place.stat().st_size
            whole = found == size and digest(place) == sha256
        except OSError:
            whole, found = False, -1
        if not whole:
            why = "is missing" if found < 0 else "is not what was backed up"
            raise InputError(
                f"The backup is torn: {name} {why}.",
                where=str(path),
                hint="Copy it anew from where it was made, or use an earlier one.",
            )


def digest(path: Path) -> str:
    """The SHA-256 of a file, with flat memory. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(config: Config, to: Path | None, name: str) -> Path:
    """Where the backup goes: `to` itself, or the first free one of its own name in a folder."""
    folder = Path(os.path.normpath((to or config.home / "backups").absolute()))
    if to is None:
        with _disk(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_dir():
        names = (name if n == 1 else f"{name}-{n}" for n in count(1))
        return next(path for each in names if not os.path.lexists(path := folder / each))
    if os.path.lexists(folder):
        raise UsageError("there is something of that name already.", where=str(folder))
    if not folder.parent.is_dir():
        raise UsageError(
            "there is no such folder.", where=str(folder.parent), hint="Make it first."
        )
    return folder


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A folder for what becomes the backup `path`; those that killed ones left are removed."""
    for old in path.parent.glob(f".*{_PART}"):
        with contextlib.suppress(OSError), _locked(old):
            shutil.rmtree(old)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PART}")
    part.mkdir(mode=0o700)
    try:
        with _locked(part):
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's own lock; OSError when another process does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _fill(room: Newsroom, part: Path, with_keys: bool) -> Manifest:
    config = room.config
    dialect = copies.dialect_of(config.store.url)
    copied = copies.copy_to(config.store.url, part / STORE[dialect])
    for source, name in _files(config, with_keys):
        _copy(source, part / FILES / name)
    names = sorted(str(each.relative_to(part)) for each in part.rglob("*") if each.is_file())
    manifest = Manifest(
        made_at=to_datetime(room.clock.now()).isoformat(timespec="seconds"),
        host=host_name(),
        dialect=dialect,
        schema=latest(),
        ledger=room.sender.ledger_id,
        suppression_key=fingerprint(room.suppression_key),
        keys=with_keys,
        copied=copied,
        files={name: ((part / name).stat().st_size, digest(part / name)) for name in names},
    )
    data = {"format": _FORMAT, **json.loads(json.dumps(asdict(manifest)))}
    text = json.dumps({**data, "seal": _seal(data)}, indent=1, ensure_ascii=False)
    write_durably(part / MANIFEST, text.encode("utf-8"))
    for folder in (part, *(each for each in part.rglob("*") if each.is_dir())):
        sync(folder)
    return manifest


def _files(config: Config, with_keys: bool) -> Iterator[tuple[Path, str]]:
    """The files of the newsroom's folder that belong in a backup, with their names in it."""
    yield config.path, "config.toml"
    for name in (*_KEPT, *(("keys",) if with_keys else ())):
        folder = config.home / name
        for root, _, files in os.walk(folder):
            for file in sorted(files):
                source = Path(root) / file
                if source.is_file():
                    yield source, str(source.relative_to(config.home))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy(source, target)


def _publish(part: Path, path: Path) -> None:
    try:
        part.rename(path)
    except OSError as error:
        if path.exists():
            raise UsageError("there is something of that name already.", where=str(path)) from error
        raise
    sync(path.parent)


def _warnings(config: Config, manifest: Manifest) -> list[str]:
    found = []
    if manifest.keys:
        found.append(
            "The keys are in this backup: whoever has it can read it all and act for the newsroom. "
            "Keep it as safe as the keys themselves."
        )
    else:
        found.append(
            "The suppression key is not in this backup, and without it nobody who said stop can "
            f"be recognised: keep {config.keys_dir} apart from it as well, or use --with-keys."
        )
    beyond = [
        str(key.path)
        for key in (config.dkim.keys if config.dkim else ())
        if config.keys_dir not in key.path.absolute().parents
    ]
    if beyond:
        found.append(f"Not in it either: {', '.join(beyond)}, which signs messages.")
    return found


def _seal(data: dict[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _disk(path: Path) -> contextlib.AbstractContextManager[None]:
    return on_disk("the backup cannot be written", path.parent, "there is none")
