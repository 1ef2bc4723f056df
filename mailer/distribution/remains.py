"""What of somebody lies beside the rows: folders of this machine, bytes of the store's file.

Our own leftovers are cleaned: rejected rows, exports, reports of crashes, mails in the sandbox's
inbox, files that were handed over. What belongs to officers (list files, previews), to other
machines or to a backup is named, with what to do about it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailer.clock import to_datetime
from mailer.distribution.context import Newsroom
from mailer.distribution.files import created, temporary
from mailer.distribution.inbox import Caught, Inbox, inbox_path
from mailer.errors import MailerError
from mailer.store import subjects
from mailer.store.base import Tx
from mailer.store.core import fact, set_fact
from mailer.store.subjects import pattern

TABLES = (
    "addresses", "journalists", "events", "attempts", "deliveries", "slot_values", "memberships",
    "suppressions", "errand_parts", "import_changes",
)  # fmt: skip
"""From which an erasure takes most: a server is told to clear their dead rows away at once."""

_REWRITE = "rewrite_asked"
_LONGEST = 400
_MOST = 200 << 20
"""Bytes; a larger file in the newsroom's folder is not looked into."""


@dataclass(slots=True)
class Found:
    """Where he is named: in files of this machine, and in what was handed over."""

    files: list[dict[str, Any]] = field(default_factory=list)
    errands: list[dict[str, Any]] = field(default_factory=list)

    def any(self) -> bool:
        return bool(self.files or self.errands)


@dataclass(slots=True)
class Cleaned:
    """What was removed, by kind, and sentences about what is left."""

    removed: dict[str, int] = field(default_factory=dict)
    remains: list[str] = field(default_factory=list)

    def count(self, kind: str, number: int = 1) -> None:
        if number:
            self.removed[kind] = self.removed.get(kind, 0) + number


def holding(room: Newsroom, needles: Sequence[str]) -> Found:
    """Everything beside the rows that names him, for an export."""
    named = pattern(needles)
    found = Found()
    for path in [*_own_files(room), *_officers_files(room)]:
        for number, line in enumerate(_lines(path), 1):
            if named.search(line):
                where = str(path.relative_to(room.config.home))
                text = line.strip()[:_LONGEST]
                found.files.append({"file": where, "line": number, "text": text})
    for message in _caught(room, needles):
        found.files.append(
            {"file": "spool/inbox.db", "message": message.message_id, "subject": message.subject}
        )
    with room.store.read() as tx:
        for errand, state in subjects.handed_over(tx):
            if any(named.search(text) for text in _texts(tx, errand)):
                found.errands.append({"job": errand, "state": state})
    return found


def clean(room: Newsroom, needles: Sequence[str]) -> Cleaned:
    """Take him out of everything of ours; say what is left elsewhere."""
    done, named = Cleaned(), pattern(needles)
    for path in _own_files(room):
        if any(named.search(line) for line in _lines(path)):
            try:
                done.count("files", _rewrite(path, needles))
            except OSError as error:
                done.remains.append(f"{path} names this person: {error.strerror}. Remove it.")
    with contextlib.suppress(sqlite3.Error):
        inbox = Inbox(inbox_path(room.config))
        caught = [each.id for each in _caught(room, needles)]
        done.count("caught_mails", inbox.remove(caught))
    with room.store.read() as tx:
        errands = [
            (errand, state)
            for errand, state in subjects.handed_over(tx)
            if any(named.search(text) for text in _texts(tx, errand))
        ]
    for errand, state in errands:
        if state in ("done", "failed", "cancelled"):
            with room.store.write() as tx:
                done.count("jobs", subjects.forget_parts(tx, errand) > 0)
        else:
            done.remains.append(
                f"Job {errand} is {state} and its file names this person; what it imports leaves "
                "him out. Erase once more when it is done."
            )
    done.remains += _elsewhere(room, named)
    return done


def compact(room: Newsroom, email: str) -> list[str]:
    """See that nothing is left in the store's own files of what was deleted; sentences about what
    cannot be seen to from here.

    Where rows moved within the file before, old bytes may stand in its gaps. It is then written
    anew, unless messages are being sent: the sweep does it afterwards.
    """
    with room.store.read() as tx:
        busy = bool(tx.value("core.sending"))
    left = room.store.purge(TABLES, email, rewrite=not busy)
    if left is None:
        return []
    if busy and room.store.embedded:
        with room.store.write() as tx:
            set_fact(tx, _REWRITE, "1")
    return [left]


def compact_later(room: Newsroom) -> bool:
    """Write the store's file anew where an erasure asked for it while messages were being sent."""
    with room.store.read() as tx:
        if fact(tx, _REWRITE) is None or tx.value("core.sending"):
            return False
    room.store.purge(TABLES, None, rewrite=True)
    with room.store.write() as tx:
        tx.run("core.drop_fact", name=_REWRITE)
    return True


def _elsewhere(room: Newsroom, named: re.Pattern[str]) -> Iterator[str]:
    for path in _officers_files(room):
        if any(named.search(line) for line in _lines(path)):
            where = path.relative_to(room.config.home)
            yield f"Your own file {where} names this person. Take him out of it."
    journals = room.config.spool_dir / "journals"
    for path in sorted(journals.glob("*.journal")) if journals.is_dir() else []:
        with contextlib.suppress(OSError):
            if named.search(path.read_bytes().decode("latin-1")):
                yield (
                    f"The journal {path.name} of a running sender has a server's answer about this "
                    "person; it goes when the sender has nothing in hand."
                )
    yield from _backups(room)
    if not room.store.embedded:
        yield (
            "Other machines of this newsroom may have files about this person (rejected rows, "
            "exports): give the same command there."
        )


def _backups(room: Newsroom) -> Iterator[str]:
    """Copies that were made while he was in the ledger: what a backup is for is not to change."""
    from mailer.distribution.backup import read_manifest  # with PostgreSQL's client: seldom needed

    with room.store.read() as tx:
        made = [row["at"] for row in tx.all("core.backed_up")]
    folder = room.config.home / "backups"
    here = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        with contextlib.suppress(MailerError):
            here.append(f"{path.name} ({read_manifest(path).made_at[:10]})")
    if here:
        yield (
            f"Backups on this machine still hold this person: {', '.join(here)}. Remove them when "
            "newer ones are enough; after a restore, erase once more."
        )
    if made:
        last = f"{to_datetime(made[-1]):%Y-%m-%d}"
        yield (
            f"Backups: {len(made):,} made of this ledger, the last on {last}. Copies kept "
            "elsewhere hold this person until you remove them; mailer gives backups no retention."
        )


def _own_files(room: Newsroom) -> Iterator[Path]:
    """Files of ours that may hold people, links left out."""
    home, spool = room.config.home, room.config.spool_dir
    for folder, names in (
        (home / "rejected", "*.csv"),
        (home / "exports", "*"),
        (spool, "crash-*.txt"),
        (spool / "optouts", "*.unreadable"),
    ):
        for path in sorted(folder.glob(names)):
            if path.is_file() and not path.is_symlink():
                yield path


def _officers_files(room: Newsroom) -> Iterator[Path]:
    """What else lies in the newsroom's folder and is neither ours, nor a key, nor a copy."""
    home = room.config.home
    ours = {"rejected", "exports", "spool", "keys", "backups", "templates", "releases"}
    for folder, below, names in os.walk(home):
        at_top = Path(folder) == home
        below[:] = sorted(
            each for each in below if not each.startswith(".") and not (at_top and each in ours)
        )
        for name in sorted(names):
            path = Path(folder) / name
            with contextlib.suppress(OSError):
                store = path.name.endswith((".db", ".db-wal", ".db-shm"))
                if not store and not path.is_symlink() and path.stat().st_size <= _MOST:
                    yield path


def _lines(path: Path) -> Iterator[str]:
    """The text of a file, line by line; of one that cannot be read, nothing."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in file:
            yield line.decode("utf-8", "replace")


def _rewrite(path: Path, needles: Sequence[str]) -> int:
    """Take the rows that name him out of a file of rows; any other file goes as a whole."""
    named = pattern(needles)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        kept = [row for row in rows if not any(named.search(cell) for cell in row)]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(kept)
        text, gone = out.getvalue(), len(rows) - len(kept)
    elif path.suffix == ".jsonl":
        lines = list(_lines(path))
        left = [line for line in lines if not named.search(line)]
        text, gone = "".join(left), len(lines) - len(left)
    else:
        path.unlink()
        return 1
    times = path.stat()
    with temporary(path) as part:
        with created(part) as new:
            new.write(text.encode("utf-8"))
        os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
        part.replace(path)
    return gone


def _caught(room: Newsroom, needles: Sequence[str]) -> list[Caught]:
    """Mails in the sandbox's inbox that went to him."""
    emails = [each for each in needles if "@" in each]
    found: dict[int, Caught] = {}
    with contextlib.suppress(sqlite3.Error):
        for each in emails:
            for caught in Inbox(inbox_path(room.config)).list(size=100_000, recipient=each):
                found[caught.id] = caught
    return list(found.values())


def _texts(tx: Tx, errand: int) -> Iterator[str]:
    """What was handed over, in pieces that overlap by what a name may be long."""
    before: dict[str, str] = {}
    for name, data in subjects.parts(tx, errand):
        text = zlib.decompress(data).decode("utf-8", "replace")
        yield before.get(name, "") + text
        before[name] = text[-_LONGEST:]
