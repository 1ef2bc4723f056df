"""Putting a backup back: into a new place, all or nothing, and nothing leaves by itself.

The copy is checked, made ready under another name with everything open in it held back, and only
then takes the store's place in one step. What was sent after it was made is known to nobody here:
`restored` takes an officer's word. Files of the newsroom's folder are put back where they are
missing; what is there stays as it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailer import config as configuration
from mailer.clock import Clock, SystemClock, to_datetime
from mailer.config import Config
from mailer.distribution.backup import FILES, STORE, Manifest, read_manifest, verify
from mailer.distribution.context import (
    create_store,
    fingerprint,
    host_name,
    open_newsroom,
    read_suppression_key,
    with_folder,
)
from mailer.distribution.files import copy, on_disk, sync, temporary
from mailer.distribution.guard import Guard, read_witness, silent_after
from mailer.distribution.supervisor import alone_on_host
from mailer.errors import InputError, MailerError, Refused, StoreUnavailable
from mailer.store import backup as copies
from mailer.store import guard, open_store
from mailer.store.core import fact
from mailer.store.migrations import latest, migrate, schema_version

_WHY = "it was put back from a backup"
_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class PutBack:
    """What a restore did. `aside` is where the store before it is now ("" when there was none),
    `files` the files put back, `held` how many batches wait for an officer."""

    manifest: Manifest
    aside: str
    files: list[str]
    held: int


def examine(path: Path) -> Manifest:
    """What a backup says of itself, once it is proven whole. Raises NotFound, InputError."""
    manifest = read_manifest(path)
    verify(path, manifest)
    return manifest


def put_back(
    path: Path,
    config_path: Path | None,
    *,
    move_aside: bool = False,
    clock: Clock | None = None,
) -> PutBack:
    """Put the backup `path` back into the newsroom whose configuration is at `config_path`.

    A configuration that is missing there is put back first. Raises NotFound and InputError for
    what is no whole backup; Refused when there is a store already (unless `move_aside`), when the
    suppression key is another one, when mailer runs, or when PostgreSQL does not take it;
    ConfigError and StoreUnavailable as ever. Until the store is replaced nothing was changed then;
    from there on it is done, and what may still be raised is mended by the next start.
    """
    manifest = examine(path)
    if manifest.schema > latest():
        raise InputError(
            f"The backup has schema {manifest.schema}, newer than this program's {latest()}.",
            where=str(path),
            hint="Upgrade mailer on this machine.",
        )
    target = config_path or Path(os.environ.get("MAILER_CONFIG") or "config.toml")
    with _files_back(path, target.absolute(), manifest) as made:
        config = configuration.load(target)
        _check_key(config, manifest)
        with_folder(config)
        with alone_on_host(config):
            aside = _store_back(path, config, manifest, move_aside, clock or SystemClock())
            files = [str(each.relative_to(target.absolute().parent)) for each in made]
            made.clear()
            # From here on it is done and stays: the next start does what could not follow now.
            create_store(config, clock=clock, anew=False)
            with open_newsroom(config, clock=clock) as room:
                Guard(room).put_back()
                with room.store.read() as tx:
                    held = len(guard.undecided(tx))
    return PutBack(manifest, aside, files, held)


@contextlib.contextmanager
def _files_back(path: Path, target: Path, manifest: Manifest) -> Iterator[list[Path]]:
    """Put back the files that are missing, and take them away again if the block fails: those
    that are still in the list it gets."""
    made: list[Path] = []
    home = target.parent
    try:
        try:
            home.mkdir(mode=0o755, parents=True, exist_ok=True)
            for name in sorted(manifest.files):
                if not name.startswith(f"{FILES}/"):
                    continue
                own = Path(name).relative_to(FILES)
                place = target if str(own) == "config.toml" else home / own
                if home not in place.parents or ".." in own.parts:
                    raise InputError(f"The backup names a file outside of it: {name}.")
                if not place.exists():
                    place.parent.mkdir(
                        mode=0o700 if own.parts[0] == "keys" else 0o755,
                        parents=True,
                        exist_ok=True,
                    )
                    with temporary(place) as part:
                        if copy(path / name, part) != manifest.files[name][1]:
                            raise InputError(f"{name} of the backup changed while it was read.")
                        part.rename(place)
                    made.append(place)
        except OSError as error:
            raise StoreUnavailable(
                f"the newsroom's folder cannot be written ({error.strerror}); nothing was done.",
                where=str(home),
            ) from error
        yield made
    except BaseException:
        for each in made:
            with contextlib.suppress(OSError):
                each.unlink()
        raise


def _check_key(config: Config, manifest: Manifest) -> None:
    if fingerprint(read_suppression_key(config)) != manifest.suppression_key:
        raise Refused(
            "the suppression key here is not the one this backup was made with, so nobody who "
            "said stop would be recognised; nothing was done.",
            where=str(config.keys_dir / "suppression.key"),
            hint="Put the newsroom's own suppression.key there first.",
        )


def _store_back(
    path: Path, config: Config, manifest: Manifest, move_aside: bool, clock: Clock
) -> str:
    url = config.store.url
    if copies.dialect_of(url) != manifest.dialect:
        raise Refused(
            f"the backup is of a {_NAMES[manifest.dialect]} store, and store.url is "
            f"{_NAMES[copies.dialect_of(url)]}.",
            where=str(config.path),
            hint="Put it back into a store of its own kind.",
        )
    stamp = f"{to_datetime(clock.now()):%Y%m%dT%H%M%S_%fZ}"
    if manifest.dialect == "sqlite":
        folder = copies.path_of(url).parent
        with on_disk("the store's folder cannot be written", folder, "nothing was changed"):
            return _sqlite_back(path, config, manifest, move_aside, stamp, clock)
    return _postgres_back(path, config, manifest, move_aside, stamp.lower(), clock)


def _sqlite_back(
    path: Path, config: Config, manifest: Manifest, move_aside: bool, stamp: str, clock: Clock
) -> str:
    target = copies.path_of(config.store.url)
    there = [name for name in _BESIDE if _at(target, name).exists()]
    if there and not move_aside and not _is_unused(config, clock):
        raise _in_the_way(config)
    for left in target.parent.glob(f".{target.name}.*"):
        left.unlink(missing_ok=True)  # of a restore that was killed: nobody else works here now
    with temporary(target) as part:
        name = STORE["sqlite"]
        if copy(path / name, part) != manifest.files[name][1]:
            raise InputError("The backup's store changed while it was read.", where=str(path))
        if copies.sqlite_tables(part) != manifest.copied.tables:
            raise InputError("The backup's store is not what its manifest says.", where=str(path))
        try:
            _hold(config, part, manifest, clock)
            copies.sqlite_tables(part)  # one file again
        finally:
            for beside in _BESIDE[1:]:
                _at(part, beside).unlink(missing_ok=True)
        sync(part)
        aside = target.with_name(f"{target.name}.before-restore-{stamp}") if there else None
        if aside is not None and "" in there:
            copies.settle_sqlite(target)
        with _moved_aside(target, aside):
            part.rename(target)
        sync(target.parent)
    return str(aside or "")


@contextlib.contextmanager
def _moved_aside(target: Path, aside: Path | None) -> Iterator[None]:
    """The store's files under another name, and back under theirs if the block fails."""
    moved: list[tuple[Path, Path]] = []
    try:
        for beside in _BESIDE if aside is not None else ():
            own, other = _at(target, beside), _at(aside or target, beside)
            if own.exists():
                own.rename(other)
                moved.append((own, other))
        yield
    except BaseException:
        for own, other in moved:
            other.rename(own)
        raise


def _hold(config: Config, part: Path, manifest: Manifest, clock: Clock) -> None:
    """Everything open in the copy waits, before anybody can see it."""
    witness = read_witness(config.spool_dir, manifest.ledger)
    known = dict(witness.progress.counters) if witness else {}
    store = open_store(f"sqlite:///{part}", clock=clock)
    try:
        migrate(store)
        with store.write() as tx:
            if fact(tx, "suppression_key") != manifest.suppression_key:
                raise InputError("The backup's store is of another key than its manifest says.")
            guard.hold(tx, _WHY, host_name(), known)
    finally:
        store.close()


def _postgres_back(
    path: Path, config: Config, manifest: Manifest, move_aside: bool, stamp: str, clock: Clock
) -> str:
    url, copied = config.store.url, manifest.copied
    free = copies.is_free_postgres(url, copied.schema_name)
    if not free:
        _refuse_at_work(config, clock)
        if not move_aside and not _is_unused(config, clock):
            raise _in_the_way(config)
    aside = None if free else f"{copies.ASIDE}{stamp}"
    dump = path / STORE["postgresql"]
    copies.put_back_postgres(url, dump, copied, incident=clock.now(), aside=aside)
    return f"schema {aside}" if aside else ""


def _refuse_at_work(config: Config, clock: Clock) -> None:
    """Refused while another machine has the store at work."""
    store = open_store(config.store.url, clock=clock)
    try:
        if schema_version(store) != latest():
            return
        with store.read() as tx:
            host = guard.at_work_since(tx, tx.now() - silent_after(config), but=host_name())
    finally:
        store.close()
    if host:
        raise Refused(
            f"mailer runs this newsroom on {host}, or did a minute ago; nothing was done.",
            hint="Stop it there first, and wait a minute.",
        )


def _is_unused(config: Config, clock: Clock) -> bool:
    """Is the store that is there one in which nothing ever happened?"""
    try:
        store = open_store(config.store.url, clock=clock)
        try:
            if schema_version(store) == 0:
                return False  # tables of somebody else, perhaps
            with store.read() as tx:
                return guard.is_unused(tx)
        finally:
            store.close()
    except MailerError:
        return False


def _in_the_way(config: Config) -> Refused:
    return Refused(
        "there is a store already; nothing was done.",
        where=config.store.url.partition("?")[0].rpartition("@")[2]
        if copies.dialect_of(config.store.url) == "postgresql"
        else str(copies.path_of(config.store.url)),
        hint="--move-aside keeps it under another name and puts the backup in its place.",
    )


def _at(path: Path, beside: str) -> Path:
    return path.with_name(path.name + beside)


_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
