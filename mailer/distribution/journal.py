"""A sender's journal: what had its final dot, and what was answered (design decision 4).

Before the final dot of a delivery leaves, an `D` record says so; as soon as the reply is read, an
`R` record holds it; an `U` record withdraws a dot that did not leave. The records are written into
the mapped memory of a file whose space is reserved beforehand: they survive the death of the
process (not of the machine, which recovery recognises by the boot id), and a full disk is met
before a claim, never between a dot and its reply (H20).

A sender holds a lock on `NAME.lock` as long as it lives; whoever can take that lock knows that
it is dead. Dots and replies come from the event loop, room is reserved from the store's thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailer.errors import StoreUnavailable

_DOT = struct.Struct("<cqHq32siHB")
_REPLY = struct.Struct("<cqqHBH")
_UNDO = struct.Struct("<cq")
_CRC = struct.Struct("<I")
_RESERVE = 1 << 20
_ROLL = 8 << 20
_WIPE = 1 << 16
_SIGNATURE = (4096 + 512) // 8
_LARGEST = _DOT.size + _SIGNATURE + 255 + _REPLY.size + 64 + 600 + 2 * _CRC.size
"""Room one delivery can need, in bytes."""


@dataclass(slots=True)
class Entry:
    """What the journal knows of one delivery. `code` is None until a reply was read.

    `signer` and `signature` are those of the message's DKIM signatures (0 and empty: unsigned).
    """

    delivery: int
    number: int
    sent_date: int
    sha256: bytes
    signer: int = 0
    signature: bytes = b""
    route: str = ""
    code: int | None = None
    enhanced: str = ""
    reply: str = ""
    at: int = 0


class Journal:
    """The journal of one living sender."""

    def __init__(self, folder: Path, name: str) -> None:
        """Take the lock and make the file. Raises StoreUnavailable when the disk says no."""
        self.path = folder / f"{name}.journal"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise _unavailable(error) from error
        self._map: mmap.mmap | None = None
        self._end = 0
        self._reserved = 0
        self._answers = False
        self._open: dict[int, bytes] = {}  # the records of what the store does not have yet
        # A record written while the file is being replaced would be lost, and a message with it
        # sent twice.
        self._turn = threading.Lock()

    def reserve(self, deliveries: int) -> None:
        """Make sure that so many more deliveries find room; StoreUnavailable when they do not."""
        with self._turn:
            if self._end > _ROLL:
                self._roll()
            need = self._end + (deliveries + len(self._open)) * _LARGEST
            if need <= self._reserved:
                return
            target = need + _RESERVE
            try:
                os.posix_fallocate(self._fd, self._reserved, target - self._reserved)
                self._map = mmap.mmap(self._fd, target)
            except OSError as error:
                raise _unavailable(error) from error
            self._reserved = target

    def dotted(
        self,
        delivery: int,
        number: int,
        sent_date: int,
        sha256: bytes,
        signer: int = 0,
        signature: bytes = b"",
        route: str = "",
    ) -> None:
        """The final dot of this delivery is about to leave; StoreUnavailable when it must not."""
        way = route.encode("ascii", "replace")[:255]
        head = _DOT.pack(
            b"D", delivery, number, sent_date, sha256, signer, len(signature), len(way)
        )
        with self._turn:
            self._open[delivery] = self._write(head + signature + way)

    def replied(self, delivery: int, at: int, code: int, enhanced: str, reply: str) -> None:
        """The server's answer to the final dot of this delivery was read."""
        kind = enhanced.encode("ascii", "replace")[:64]
        words = reply.encode("utf-8", "replace")[:600]
        head = _REPLY.pack(b"R", delivery, at, code, len(kind), len(words))
        with self._turn:
            self._answers = True
            dotted = self._open[delivery]
            self._open[delivery] = dotted + self._write(head + kind + words)

    def undotted(self, delivery: int) -> None:
        """The final dot of this delivery did not leave: its connection was lost while the content
        was written. Where there is no room to say so it stays in doubt after a crash."""
        with self._turn:
            records = self._open.get(delivery)
            if records is not None and len([*_records(records)]) == 1:  # no reply behind it
                with contextlib.suppress(StoreUnavailable):
                    self._write(_UNDO.pack(b"U", delivery))
                    del self._open[delivery]

    def recorded(self, deliveries: Iterable[int]) -> None:
        """The store has them: the journal need not carry them on."""
        with self._turn:
            for delivery in deliveries:
                self._open.pop(delivery, None)
            if self._answers and not self._open and self._map is not None:
                # Nothing here is news to anybody, and answers quote addresses (E12). From the end,
                # so that what a kill leaves is whole records from the first on.
                for start in range((self._end - 1) // _WIPE * _WIPE, -1, -_WIPE):
                    stop = min(start + _WIPE, self._end)
                    self._map[start:stop] = bytes(stop - start)
                self._end, self._answers = 0, False

    def close(self) -> None:
        """Everything is in the store: remove the file, then let the lock go."""
        os.close(self._fd)
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".lock").unlink(missing_ok=True)
        os.close(self._lock)

    def _write(self, content: bytes) -> bytes:
        # Into memory that is the file's: a tenth of what a write costs, and it outlives the
        # process just the same. Beyond the reserved room nothing may leave.
        record = content + _CRC.pack(zlib.crc32(content))
        end = self._end + len(record)
        if self._map is None or end > self._reserved:
            raise _unavailable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        self._map[self._end : end] = record
        self._end = end
        return record

    def _roll(self) -> None:
        # A new file holds only what the store does not have yet; the rename makes it the journal.
        fresh = self.path.with_suffix(".next")
        records = b"".join(self._open.values())
        try:
            fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.posix_fallocate(fd, 0, len(records) + _RESERVE)
            os.pwrite(fd, records, 0)
            mapped = mmap.mmap(fd, len(records) + _RESERVE)
            fresh.rename(self.path)
        except OSError as error:
            raise _unavailable(error) from error
        os.close(self._fd)
        self._fd, self._map = fd, mapped
        self._end, self._reserved = len(records), len(records) + _RESERVE


def is_dead(path: Path) -> bool:
    """True when nobody holds the lock of the journal at `path` (on this host)."""
    lock = path.with_suffix(".lock")
    try:
        fd = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    else:
        return True
    finally:
        os.close(fd)


def read_journal(path: Path) -> dict[int, Entry] | None:
    """What a dead sender left: delivery id → entry; None when there is no journal that can be
    trusted, one with a reply to a dot it does not know included."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    entries: dict[int, Entry] = {}
    for record in _records(data):
        if isinstance(record, Entry):
            entries[record.delivery] = record
        elif isinstance(record, int):
            if entries.pop(record, None) is None:
                return None
        else:
            delivery, at, code, enhanced, reply = record
            if delivery not in entries:
                return None
            entry = entries[delivery]
            entry.at, entry.code, entry.enhanced, entry.reply = at, code, enhanced, reply
    return entries


def remove(path: Path) -> None:
    """Forget the files of a dead sender, once the store has everything."""
    path.unlink(missing_ok=True)
    path.with_suffix(".next").unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def _records(data: bytes) -> Iterator[Entry | int | tuple[int, int, int, str, str]]:
    """All whole records. What follows is reserved space, or a record whose writing was cut: a
    kill may fall between two pages of one write, so each record proves itself by its sum."""
    position = 0
    while position < len(data):
        kind = data[position : position + 1]
        head = {b"D": _DOT, b"R": _REPLY, b"U": _UNDO}.get(kind)
        if head is None or position + head.size > len(data):
            return
        fields = head.unpack_from(data, position)
        lengths = {b"D": fields[6:8], b"R": fields[4:6], b"U": ()}[kind]
        end = position + head.size + sum(lengths)
        record = data[position:end]
        if data[end : end + _CRC.size] != _CRC.pack(zlib.crc32(record)):
            return
        if kind == b"D":
            _, delivery, number, sent_date, sha256, signer, length, _ = fields
            signature = record[head.size : head.size + length]
            route = record[head.size + length :].decode("ascii", "replace")
            yield Entry(delivery, number, sent_date, sha256, signer, signature, route)
        elif kind == b"U":
            yield fields[1]
        else:
            _, delivery, at, code, enhanced, _ = fields
            text = record[head.size :]
            yield (
                delivery,
                at,
                code,
                text[:enhanced].decode("ascii", "replace"),
                text[enhanced:].decode("utf-8", "replace"),
            )
        position = end + _CRC.size


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"the sender's journal cannot be written ({error.strerror}); nothing was sent.",
        hint="Make room on the disk of the spool folder, and try again.",
    )
