"""Files of one owner, whole or not at all: what witness, backups, spool, keys and exports share."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mailer.errors import StoreUnavailable


@contextlib.contextmanager
def created(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file that is not there yet, to be written; only its owner reads it, unless `mode` says
    otherwise. What was written is on the disk when the block ends well. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_durably(path: Path, data: bytes) -> None:
    """A new file that only its owner reads, on the disk when this returns. Raises OSError."""
    with created(path) as file:
        file.write(data)


def copy(source: Path, target: Path) -> str:
    """Copy a file to a new one that only its owner reads, with flat memory; the SHA-256 (hex) of
    what was copied. Raises OSError."""
    found = hashlib.sha256()
    with created(target) as out, source.open("rb") as read:
        while block := read.read(1 << 20):
            found.update(block)
            out.write(block)
    return found.hexdigest()


@contextlib.contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` for what becomes it; what is left there at the end is removed."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """What was written to a file, or renamed in a folder, is on the disk when this returns.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def on_disk(what: str, where: Path, so: str = "nothing was done") -> Iterator[None]:
    """The disk's words for "not now" as StoreUnavailable: "`what` (its reason); `so`."."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{what} ({error.strerror or error}); {so}.",
            where=str(where),
            hint="Make room or mend the rights there, and try again.",
        ) from error
