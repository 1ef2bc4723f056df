"""Pictures and other files of releases, kept in the store itself.

So a copy of the store is whole, and every machine that serves pages has them (decision 27). A file
is written in pieces, each in a short transaction; it is there once its size is, and a revision
names it in the transaction that keeps the revision. One that none came to name goes after a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from mailer.release.media import digest_of as digest_of
from mailer.store.base import Store, Tx

PIECE = 256 * 1024
"""Bytes of one piece."""


def keep(store: Store, sha256: str, form: str, type: str, data: bytes) -> None:
    """Keep one form of a file, unless it is there. Each piece is a transaction of its own."""
    place = {"sha256": sha256, "form": form}
    with store.write() as tx:
        tx.run("media.begin", type=type, now=tx.now(), **place)
        if tx.one("media.there", **place) is not None:
            return
    pieces = -(-len(data) // PIECE)
    for number in range(pieces):
        piece = data[number * PIECE : (number + 1) * PIECE]
        with store.write() as tx:
            tx.run("media.piece", number=number, data=piece, **place)
    with store.write() as tx:
        tx.run("media.cut", pieces=pieces, **place)
        tx.run("media.whole", size=len(data), **place)


def unnamed(tx: Tx, before: int) -> int:
    """How many files no revision names, last taken in before an instant (UTC µs)."""
    return int(tx.value("media.count_unnamed", before=before) or 0)


def forget_unnamed(tx: Tx, before: int) -> tuple[bool, int]:
    """Remove one form of such a file; whether there was one, and how many files are gone whole."""
    row = tx.one("media.next_unnamed", before=before)
    if row is None:
        return False, 0
    place = {"sha256": row["sha256"], "form": row["form"]}
    # On PostgreSQL whoever takes it in again may be quicker: then the row is not found.
    if tx.run("media.forget", before=before, **place):
        tx.run("media.forget_pieces", **place)
    following = tx.one("media.next_unnamed", before=before)
    return True, int(following is None or following["sha256"] != row["sha256"])


def refer(tx: Tx, release: int, revision: int, files: Iterable[str]) -> None:
    """A revision names these files (SHA-256, hex)."""
    for sha256 in files:
        tx.run("media.refer", release=release, revision=revision, sha256=sha256)


def named(tx: Tx, release: int, revision: int) -> list[str]:
    """The files (SHA-256, hex) that a revision names."""
    return [row["sha256"] for row in tx.all("media.named", release=release, revision=revision)]


def read(tx: Tx, sha256: str, form: str) -> bytes | None:
    """One form of a file; None when it is not there."""
    place = {"sha256": sha256, "form": form}
    row = tx.one("media.there", **place)
    if row is None:
        return None
    data = b"".join(bytes(each["data"]) for each in tx.all("media.pieces", **place))
    return data if len(data) == row["size"] else None


def faults(tx: Tx) -> Iterator[str]:
    """What is wrong with the files, as sentences: missing, cut or altered ones."""
    for row in tx.all("media.missing"):
        yield (
            f"Revision {row['revision']} of release {row['release']} names the file "
            f"{row['sha256'][:12]}, which is not there."
        )
    for row in tx.all("media.forms"):
        data = read(tx, row["sha256"], row["form"])
        if data is None:
            yield f"The file {row['sha256'][:12]} ({row['form']}) is not there to its end."
        elif row["form"] == "full" and hashlib.sha256(data).hexdigest() != row["sha256"]:
            yield f"The file {row['sha256'][:12]} was altered."
