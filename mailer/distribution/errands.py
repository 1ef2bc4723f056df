"""Imports and exports that an officer hands over, and any machine does (design decision 12).

What was handed over lies in the store with its bytes, so it survives the officer's terminal and his
machine. A worker's process for tasks takes it; what it writes counts only while nobody else has
taken it, and in one transaction with the end: an import comes in force and is done at once, an
export is done when all of it is there. So whoever dies in the middle has done nothing, the next
begins anew, and nothing is done twice. The result is read with `mailer jobs`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mailer.distribution import exports
from mailer.distribution.context import Newsroom, host_name
from mailer.distribution.lists import ImportResult, check_file, import_file
from mailer.distribution.log import iso
from mailer.distribution.textrows import write_private
from mailer.errors import InputError, MailerError, NotFound, Refused, StoreUnavailable
from mailer.store import errands, jobs
from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.errands import IN, OUT, Taken

Stop = Callable[[], bool]

_PART = 512 * 1024
"""Bytes of one part before they are compressed: so much is in memory at a time."""


class _Superseded(Exception):
    """Somebody else does it now, or an officer called it off."""


class _Stopped(Exception):
    """This process has to end."""


def taken_here(room: Newsroom) -> bool:
    """Whether anybody is there to take what is handed over."""
    with room.store.read() as tx:
        return jobs.takers(tx) > 0


def hand_over_imports(
    room: Newsroom,
    paths: Sequence[Path],
    actor: str,
    *,
    list_name: str = "",
    mapping: Mapping[str, str] | None = None,
    sheet: str = "",
    forget_map: bool = False,
    source: str = "",
    basis: str = "",
    kind: str = "press",
) -> list[int]:
    """Leave the import of list files to whoever takes them; the jobs' numbers.

    The files are read now. Raises what `import_file` raises for a file that is no list at all,
    before any is handed over.
    """
    asked: dict[str, Any] = {"list_name": list_name, "mapping": dict(mapping or {})}
    asked |= {"sheet": sheet, "forget_map": forget_map}
    asked |= {"source": source, "basis": basis, "kind": kind}
    for path in paths:
        check_file(room, path, **asked)
    return [_hand_over_file(room, path, {**asked, "file": path.name}, actor) for path in paths]


def _hand_over_file(room: Newsroom, path: Path, asked: dict[str, Any], actor: str) -> int:
    try:
        with path.open("rb") as file:
            asked["changed"] = os.fstat(file.fileno()).st_mtime
            return _hand_over(room, "import", asked, actor, iter(lambda: file.read(_PART), b""))
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"the file cannot be read: {reason}.", where=str(path)) from error


def hand_over_export(room: Newsroom, what: str, asked: Mapping[str, Any], actor: str) -> int:
    """Leave an export to whoever takes it; the job's number. Raises what the first row does, such
    as NotFound for a distribution."""
    first = exports.lines(room, what, asked)
    next(first, None)
    if isinstance(first, Generator):
        first.close()
    name = exports.file_name(room, what, asked["format"])
    return _hand_over(room, "export", {"what": what, "name": name, **asked}, actor, ())


def ls(room: Newsroom) -> list[dict[str, Any]]:
    """Everything that was handed over, oldest first."""
    with room.store.read() as tx:
        return [_shown(row) for row in errands.ls(tx)]


def show(room: Newsroom, number: int) -> dict[str, Any]:
    """One job with its result. Raises NotFound."""
    with room.store.read() as tx:
        return _shown(_known(tx, number))


def cancel(room: Newsroom, number: int, actor: str) -> None:
    """Nobody does it any more; what was done of it counts for nothing. Raises NotFound, or Refused
    when it has ended."""
    with room.store.write() as tx:
        row = _known(tx, number)
        if not errands.cancel(tx, number, actor):
            raise Refused(f"job {number} is {row['state']}; nothing was done.")


def fetch(room: Newsroom, number: int, out: Path | None, actor: str) -> Path:
    """Write what came of a job into a file of its owner's: an export, or an import's rejected
    rows; where. Raises NotFound when there is nothing, Refused while it is not done."""
    with room.store.read() as tx:
        row = _known(tx, number)
        if row["state"] != "done":
            raise Refused(f"job {number} is {row['state']}; there is nothing to fetch.")
        result, asked = json.loads(row["result"]), json.loads(row["asked"])
        if not result.get("parts"):
            raise NotFound(f"nothing came of job {number} that could be fetched.")
        given = asked.get("out")
        path = out or (Path(given) if given else exports.default_path(room, result["name"]))
        chunks = (zlib.decompress(part) for part in errands.parts(tx, number, OUT))
        written = write_private(path, _whole(chunks, result["parts"], number))
    with room.store.write() as tx:
        add_event(tx, "fetched", actor, data={"job": number, "parts": written})
    return path


def do(room: Newsroom, number: int, stop: Stop = lambda: False) -> str | None:
    """Do a job, unless it is done; why it could not be done now, if so: it will be taken again.

    Raises nothing that is the job's fault: that is its result.
    """
    with room.store.write() as tx:
        taken = errands.take(tx, number, host_name())
        if taken is None:
            return None
        if taken.tries > errands.MOST_TRIES:
            _fail(tx, taken, f"its process died {errands.MOST_TRIES} times; look at the file.", 70)
            return None
    try:
        _DOERS[taken.kind](room, taken, stop)
    except _Superseded:
        return None
    except (_Stopped, StoreUnavailable, OSError) as error:
        with contextlib.suppress(MailerError), room.store.write() as tx:
            errands.give_back(tx, taken)
        if isinstance(error, OSError):
            return f"this machine's disk cannot be used ({error.strerror or error})."
        return None if isinstance(error, _Stopped) else str(error)
    except MailerError as error:
        with room.store.write() as tx:
            _fail(tx, taken, str(error), error.exit_code)
    except Exception as error:
        with room.store.write() as tx:
            _fail(tx, taken, f"an internal error ({type(error).__name__}).", 70)
        raise
    return None


def clear(room: Newsroom) -> None:
    """Remove what a process of this machine that died left in its folder; none may be at work."""
    shutil.rmtree(_folder(room), ignore_errors=True)


def _import(room: Newsroom, taken: Taken, stop: Stop) -> None:
    """The file as it was handed over, with its name and date, imported under the officer's name."""
    asked = dict(taken.asked)
    file, changed = asked.pop("file"), asked.pop("changed")
    place = _folder(room) / f"{taken.id}-{taken.taker}"

    def progress(rows: int, read: int, total: int) -> None:
        if stop():
            raise _Stopped

    try:
        place.mkdir(mode=0o700, parents=True)
        path = place / file
        with room.store.read() as tx:
            write_private(path, map(zlib.decompress, errands.parts(tx, taken.id, IN)))
        os.utime(path, (changed, changed))
        receipt = _Receipt(room, taken)
        import_file(room, path, actor=taken.actor, progress=progress, receipt=receipt, **asked)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    more = True
    while more:
        with room.store.write() as tx:
            more = errands.forget_parts(tx, taken.id, IN)


def _export(room: Newsroom, taken: Taken, stop: Stop) -> None:
    asked = taken.asked
    _forget_unfinished(room, taken)
    rows = 0

    def text() -> Iterator[bytes]:
        nonlocal rows
        gathered = bytearray()
        for line in exports.lines(room, asked["what"], asked):
            gathered += line.encode()
            rows += 1
            if len(gathered) >= _PART:
                if stop():
                    raise _Stopped
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    parts = _keep(room, taken, text())
    rows -= asked["format"] == "csv"
    with room.store.write() as tx:
        result = {"rows": rows, "parts": parts, "name": asked["name"]}
        if not errands.finish(tx, taken, "done", result):
            raise _Superseded
        add_event(
            tx, "exported", taken.actor, data={"what": asked["what"], "rows": rows, "job": taken.id}
        )


_DOERS = {"import": _import, "export": _export}


class _Receipt:
    """An import's result goes into the store: rejected rows first, then all with the flip."""

    def __init__(self, room: Newsroom, taken: Taken) -> None:
        self._room = room
        self._taken = taken
        self._parts = 0
        self._name = ""

    def keep(self, result: ImportResult, rejected: Path | None) -> None:
        _forget_unfinished(self._room, self._taken)
        if rejected is not None:
            self._name = rejected.name
            with rejected.open("rb") as file:
                chunks = iter(lambda: file.read(_PART), b"")
                self._parts = _keep(self._room, self._taken, chunks)

    def settle(self, tx: Tx, result: ImportResult) -> None:
        found = {**result.as_json(), "parts": self._parts, "name": self._name}
        if not errands.finish(tx, self._taken, "done", found):
            raise _Superseded


def _hand_over(
    room: Newsroom, kind: str, asked: Mapping[str, Any], actor: str, chunks: Iterable[bytes]
) -> int:
    with room.store.write() as tx:
        number = errands.begin(tx, kind, asked, actor)
    for part, chunk in enumerate(chunks):
        data = zlib.compress(chunk)
        with room.store.write() as tx:
            errands.add_part(tx, number, IN, part, data)
    with room.store.write() as tx:
        errands.ready(tx, number, kind, actor)
    return number


def _keep(room: Newsroom, taken: Taken, chunks: Iterable[bytes]) -> int:
    """Keep what comes of a job, part by part, as long as it is ours; how many parts."""
    part = 0
    for part, chunk in enumerate(chunks, 1):
        data = zlib.compress(chunk)
        with room.store.write() as tx:
            if not errands.still_mine(tx, taken):
                raise _Superseded
            errands.add_part(tx, taken.id, OUT, part - 1, data)
    return part


def _forget_unfinished(room: Newsroom, taken: Taken) -> None:
    """Remove what an earlier taking left of its result, as long as the job is ours."""
    more = True
    while more:
        with room.store.write() as tx:
            if not errands.still_mine(tx, taken):
                raise _Superseded
            more = errands.forget_parts(tx, taken.id, OUT)


def _whole(chunks: Iterable[bytes], parts: int, number: int) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks:
        yield chunk
        seen += 1
    if seen != parts:
        raise NotFound(f"what came of job {number} is past its retention.")


def _fail(tx: Tx, taken: Taken, reason: str, exit_code: int) -> None:
    errands.finish(tx, taken, "failed", {"error": reason, "exit_code": exit_code})


def _known(tx: Tx, number: int) -> Row:
    row = errands.get(tx, number)
    if row is None:
        raise NotFound(f"there is no job {number}.", hint="`mailer jobs ls` lists them.")
    return row


def _shown(row: Row) -> dict[str, Any]:
    asked = json.loads(row["asked"])
    result = json.loads(row["result"]) if row["result"] else {}
    return {
        "job": row["id"],
        "kind": row["kind"],
        "what": asked.get("file") or asked.get("what"),
        "state": row["state"],
        "actor": row["actor"],
        "handed_over_at": iso(row["created_at"]),
        "started_at": iso(row["started_at"]),
        "finished_at": iso(row["finished_at"]),
        "host": row["host"],
        "result": result,
        "to_fetch": bool(result.get("parts")),
    }


def _folder(room: Newsroom) -> Path:
    return room.config.spool_dir / "jobs"
