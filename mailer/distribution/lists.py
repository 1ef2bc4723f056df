"""Lists and segments: files in, files out, and who is meant by a name.

A file is imported whole or not at all (see mailer/store/imports.py). What an officer did not say
is filled in by fixed rules with a warning (E9), what is doubtful is kept on hold, and who objected
or was suppressed before is never written to, whatever a file says (E12).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from mailer.audience import segments as language
from mailer.audience.columns import FIELDS
from mailer.audience.conditions import Has, leaves
from mailer.audience.lists import Row
from mailer.audience.segments import Segment, list_segment
from mailer.audience.text import fold
from mailer.distribution import undo
from mailer.distribution.ahead import Judged
from mailer.distribution.context import Newsroom
from mailer.distribution.listfiles import Asked, ListFile, Question, open_list
from mailer.distribution.pace import Pace
from mailer.distribution.rejected import RejectedFile, rejected_files
from mailer.distribution.textrows import defused
from mailer.distribution.undo import only_import
from mailer.errors import InputError, MailerError, NotFound, UsageError
from mailer.store import audience, imports
from mailer.store.base import Tx
from mailer.store.imports import OpenImport
from mailer.store.staging import Incoming

Progress = Callable[[int, int, int], None]
"""Gets rows read, octets read, octets in all; the last two are those of the file."""

EXPORT_COLUMNS = FIELDS
"""Columns of an exported list (contract, `lists export`)."""

LIST_KINDS = ("press", "topic", "trusted", "internal")


class Witness(Protocol):
    """Who is told of the people of a dry run (`dryrun.Witness`)."""

    def begins(self, run: OpenImport, file: str) -> None:
        """Before the first row."""

    def rejected(self, row: Row) -> None:
        """Of a row that is nobody's."""

    def gather(self, room: Newsroom, run: OpenImport) -> None:
        """All is staged, and is taken away again afterwards."""


class Receipt(Protocol):
    """For whom a file is imported, where that is not the one who calls."""

    def keep(self, result: ImportResult, rejected: Path | None) -> None:
        """All is worked out and nothing is in force yet; `rejected` has the rejected rows."""

    def settle(self, tx: Tx, result: ImportResult) -> None:
        """In the transaction that brings the import in force; what it raises undoes all."""


@dataclass(slots=True)
class ImportResult:
    """What became of a file's rows. `number` is the import's; None for a dry run.

    The counts of rows add up to `rows`; a row that repeats an earlier one is unchanged. `reasons`
    says why rows were rejected or held, with how many of them. `columns` tell which was taken for
    what and why, `missing` the fields without one; `read_as`: format, place and header of the file.
    """

    number: int | None
    list_name: str
    file: str
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    rejected_file: str | None = None
    warnings: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    columns: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    read_as: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The contract's document (`lists import --json`), with what is more."""
        return {
            "import": self.number,
            **self.counts,
            "rejected_file": self.rejected_file,
            "list": self.list_name,
            "file": self.file,
            "rows": self.rows,
            "warnings": self.warnings,
            "reasons": self.reasons,
            "columns": self.columns,
            "missing": self.missing,
            **self.read_as,
        }


def find_segments(room: Newsroom, names: Sequence[str]) -> list[Segment]:
    """The segments of those names, each once, in the order given; `list:NAME` is one too.

    A name may also be a text in the compact form. Raises NotFound for a segment or list that does
    not exist, with the nearest names, UsageError for a text that means nothing, and InputError for
    a segments.toml that cannot be read.
    """
    settle(room)
    path = _segments_path(room)
    known = _read_segments(path)
    with room.store.read() as tx:
        lists = audience.lists_by_name(tx)
    found: dict[str, Segment] = {}
    for name in names:
        segment = language.find(known, name, str(path), lists)
        for has, _ in leaves(segment.tree):
            for wanted in has.values if has.field == "list" else ():
                _known_list(lists, wanted, str(path) if segment.name in known else "")
        if isinstance(segment.tree, Has) and segment == list_segment(segment.name[5:]):
            segment = list_segment(lists[segment.tree.values[0]]["name"])
        found.setdefault(segment.name, segment)
    return list(found.values())


def list_segments(room: Newsroom) -> list[Segment]:
    """All segments of segments.toml, in the file's order; none when there is no such file."""
    return list(_read_segments(_segments_path(room)).values())


def show_segment(room: Newsroom, name: str) -> Segment:
    """One segment, `list:NAME` included. Raises as `find_segments` does."""
    return find_segments(room, [name])[0]


def count_segment(room: Newsroom, name: str) -> dict[str, int]:
    """How many people a segment selects now: selected, and of them recipients, suppressed,
    on_hold, other. Raises as `find_segments` does."""
    found = find_segments(room, [name])
    with room.store.read() as tx:
        return audience.count(tx, found)


def list_lists(room: Newsroom) -> list[dict[str, Any]]:
    """All lists by name: id, name, title, kind, and how many are members, of them active,
    on_hold and suppressed."""
    settle(room)
    with room.store.read() as tx:
        return sorted(audience.list_facts(tx), key=lambda facts: fold(facts["name"]))


def show_list(room: Newsroom, name: str) -> dict[str, Any]:
    """What `list_lists` tells of one list. Raises NotFound."""
    facts = {fold(each["name"]): each for each in list_lists(room)}
    return dict(_known_list(facts, name))


def list_number(tx: Tx, name: str) -> int:
    """The id of the list of that name. Raises NotFound with the nearest names."""
    return int(_known_list(audience.lists_by_name(tx), name)["id"])


def export_list(room: Newsroom, name: str = "") -> Iterator[list[str]]:
    """The rows of an export, the header first; cells that spreadsheets would run are defused (H18).

    Everybody who is on the list now (without a name: on any list, each once), on hold included;
    never who is suppressed for it (E6) or erased. Raises NotFound before the first row.
    """
    settle(room)
    if not name:
        return _exported(room, audience.everybody)
    with room.store.read() as tx:
        number = list_number(tx, name)
    return _exported(room, lambda tx: audience.members(tx, number))


def import_file(
    room: Newsroom,
    path: Path,
    *,
    list_name: str = "",
    mapping: Mapping[str, str] | None = None,
    sheet: str = "",
    forget_map: bool = False,
    source: str = "",
    basis: str = "",
    kind: str = "press",
    dry_run: bool = False,
    actor: str,
    progress: Progress = lambda rows, read, total: None,
    receipt: Receipt | None = None,
    question: Question | None = None,
    witness: Witness | None = None,
) -> ImportResult:
    """Import one file into a list (default: the file's name), whole or not at all.

    `mapping` is field to column, and remembered for files with the same column names; `sheet` is
    one of a spreadsheet. `source` and `basis` hold for a file without such columns; where they are
    not said either, `question` is asked. With
    `dry_run` everything is worked out and nothing stays. Raises InputError for a file that is no
    list, UsageError for a name or kind that cannot be one, StoreUnavailable while another import
    runs.
    """
    name = _checked_name(list_name, path, kind)
    asked = Asked(mapping or {}, sheet, forget_map, source, basis)
    file = open_list(room, path, asked, question)
    try:
        with only_import(room):
            tidy(room)
            with room.store.write() as tx:
                row = audience.lists_by_name(tx).get(fold(name))
                run = imports.begin(
                    tx,
                    list_id=row["id"] if row else None,
                    name=row["name"] if row else name,
                    kind=kind,
                    file=path.name,
                    actor=actor,
                )
            return _Job(room, run, file, dry_run, actor, progress, receipt, witness).run()
    finally:
        file.reader.close()


def check_file(
    room: Newsroom,
    path: Path,
    *,
    list_name: str = "",
    mapping: Mapping[str, str] | None = None,
    sheet: str = "",
    forget_map: bool = False,
    source: str = "",
    basis: str = "",
    kind: str = "press",
) -> None:
    """Refuse, as `import_file` does, what could not be imported at all: by its name and head."""
    _checked_name(list_name, path, kind)
    asked = Asked(mapping or {}, sheet, forget_map, source, basis)
    open_list(room, path, asked).reader.close()


def settle(room: Newsroom) -> None:
    """Finish what an import that is in force, or was taken out of it, has still to change; quick
    when there is none.

    Whoever asks for an audience does this first, so that he sees the import whole.
    """
    with room.store.read() as tx:
        waiting = [each for each in imports.open_imports(tx) if each[1] != "staging"]
    for number, state in waiting:
        if state == "undoing":
            undo.carry_out(room, number)
        else:
            _carry_out(room, number)


def tidy(room: Newsroom) -> int:
    """Finish or take away what imports that broke off have left; how many.

    Only while no import runs; `import_file` begins with it, `tidy_imports` may be called any time.
    """
    settle(room)
    with room.store.read() as tx:
        broken = [number for number, _ in imports.open_imports(tx)]
    for number in broken:
        _abandon(room, number)
    return len(broken)


def tidy_imports(room: Newsroom) -> int:
    """As `tidy`, for `store check`. Raises StoreUnavailable while an import runs."""
    with only_import(room):
        return tidy(room)


class _Job:
    """One import from its first row to the end."""

    def __init__(
        self,
        room: Newsroom,
        run: OpenImport,
        file: ListFile,
        dry_run: bool,
        actor: str,
        progress: Progress,
        receipt: Receipt | None,
        witness: Witness | None,
    ) -> None:
        self._room, self._run, self._file, self._receipt = room, run, file, receipt
        self._dry_run, self._actor, self._progress = dry_run, actor, progress
        self._reader = reader = file.reader
        self._witness = witness
        if witness is not None:
            witness.begins(run, reader.path.name)
        self._told: dict[str, tuple[int, str]] = {}
        self._rejected: RejectedFile | None = None
        self.result = ImportResult(
            None if dry_run else run.id,
            run.name,
            reader.path.name,
            warnings=list(file.warnings),
            columns=file.columns(),
            missing=list(reader.missing),
            read_as=reader.read_as(),
        )

    def run(self) -> ImportResult:
        """Stage all rows, then bring them in force; or take everything away again."""
        room, run, result, receipt = self._room, self._run, self.result, self._receipt
        try:
            self._stage()
            self._sum_up()
            if self._dry_run:
                if self._witness is not None:
                    self._witness.gather(room, run)
                _abandon(room, run.id)
            else:
                if receipt is not None:
                    rejected = self._rejected
                    receipt.keep(result, None if rejected is None else rejected.flushed())
                with room.store.write() as tx:
                    imports.flip(tx, run)
                    self._file.remember(tx, self._actor)
                    if receipt is not None:
                        receipt.settle(tx, result)
        except BaseException:
            self._close_rejected(keep=False)
            # What cannot be taken away now, the next import takes away.
            with suppress(MailerError):
                _abandon(room, run.id)
            raise
        self._close_rejected(keep=receipt is None)
        if not self._dry_run:
            _carry_out(room, run.id)
        return result

    def _sum_up(self) -> None:
        self.result.counts = self._run.counts.as_json()
        self.result.warnings += [
            f"{count:,} row{'s' if count > 1 else ''}: {example}"
            for count, example in sorted(self._told.values(), key=lambda told: -told[0])
        ]

    def _stage(self) -> None:
        room, file = self._room, Judged(self._reader, self._room.suppression_key)
        pace = Pace(room, heavy=True)
        with closing(iter(file)) as rows:
            while chunk := list(islice(rows, pace.size)):
                incoming = list(self._incoming(chunk))
                with room.store.write() as tx, pace.step(tx):
                    imports.take(tx, self._run, incoming)
                self.result.rows += len(chunk)
                self._progress(self.result.rows, file.bytes_read, self._reader.bytes_total)

    def _incoming(self, chunk: Sequence[tuple[Row, bytes]]) -> Iterator[Incoming]:
        """What the store is to know of these rows, in their order."""
        for row, hash in chunk:
            for warning in row.warnings:
                self._tell(warning, row.line)
            person = row.journalist
            if row.verdict == "reject" or person is None:
                self._reject(row)
                continue
            if row.verdict == "objection":
                evidence = {
                    "method": "objection in list",
                    "file": self._reader.path.name,
                    "line": row.line,
                    "import": self._run.id,
                }
                yield Incoming(hash, person, objection=evidence)
                continue
            hold = ""
            if row.verdict == "hold":
                hold = "; ".join(row.reasons) or "doubtful"
                self._count_reasons(row)
            yield Incoming(hash, person, hold)

    def _reject(self, row: Row) -> None:
        self._run.counts.rejected += 1
        self._count_reasons(row)
        if self._witness is not None:
            self._witness.rejected(row)
        if self._dry_run:
            return
        if self._rejected is None:
            self._rejected = RejectedFile(
                self._room.config.home, self._run.name, self._run.id, self._names()
            )
        self._rejected.add(row)

    def _names(self) -> list[str]:
        return [column.shown for column in self._reader.all_columns]

    def _count_reasons(self, row: Row) -> None:
        reasons = self.result.reasons
        for reason in row.reasons:
            key = _QUOTED.sub("“…”", reason)
            if key in reasons or len(reasons) < _MOST_TOLD:
                reasons[key] = reasons.get(key, 0) + 1

    def _tell(self, warning: str, line: int) -> None:
        key = _QUOTED.sub("“…”", warning)
        count, example = self._told.get(
            key, (0, f"{warning} (first in {self._reader.step} {line}).")
        )
        if count or len(self._told) < _MOST_TOLD:
            self._told[key] = (count + 1, example)

    def _close_rejected(self, *, keep: bool) -> None:
        if self._rejected is not None:
            self._rejected.close(keep=keep)
            self.result.rejected_file = str(self._rejected.path) if keep else None


def _carry_out(room: Newsroom, number: int) -> None:
    pace, done = Pace(room, heavy=True), False
    while not done:
        with room.store.write() as tx, pace.step(tx):
            done = imports.carry_out(tx, number, pace.size)


def _abandon(room: Newsroom, number: int) -> None:
    with room.store.read() as tx:
        record = imports.get(tx, number)
    pace = Pace(room, heavy=True)
    first: int | None = 0
    while first is not None:
        with room.store.write() as tx, pace.step(tx):
            first = imports.abandon(tx, number, pace.size, first)
    if record is not None:
        for path in rejected_files(room.config.home, number):
            path.unlink(missing_ok=True)


def _exported(room: Newsroom, people: Callable[[Tx], Iterator[Any]]) -> Iterator[list[str]]:
    yield list(EXPORT_COLUMNS)
    with room.store.read() as tx:
        for row in people(tx):
            yield [defused(row["zone" if name == "timezone" else name]) for name in EXPORT_COLUMNS]


def _segments_path(room: Newsroom) -> Path:
    return room.config.lists_dir / "segments.toml"


def _read_segments(path: Path) -> dict[str, Segment]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        # Only the system's errors have words of their own; the other one is of the encoding.
        reason = str(getattr(error, "strerror", None) or "it is no text").lower()
        raise InputError(f"this file cannot be read: {reason}.", where=str(path)) from error
    return language.parse(text, str(path))


def _known_list(lists: Mapping[str, Any], name: str, where: str = "") -> Any:
    """The list of that name among lists by folded name. Raises NotFound with the nearest."""
    row = lists.get(fold(name))
    if row is not None:
        return row
    near = difflib.get_close_matches(fold(name), lists, 3)
    names = [lists[key]["name"] for key in near] or [each["name"] for each in lists.values()]
    if near:
        hint = f"Did you mean {' or '.join(names)}?"
    else:
        hint = (
            f"There are: {', '.join(sorted(names)[:10])}."
            if names
            else ("There is none yet; `mailer lists import FILE` makes one.")
        )
    raise NotFound(f'there is no list "{name}".', where=where, hint=hint)


def _checked_name(text: str, path: Path, kind: str) -> str:
    if kind not in LIST_KINDS:
        raise UsageError(f'"{kind}" is no kind of list.', hint=f"Use {', '.join(LIST_KINDS)}.")
    text = text or path.stem
    name = " ".join(text.split())
    if not name or not name.isprintable() or len(name) > 100:
        raise UsageError(f'"{text}" cannot be the name of a list.', hint="Use --list NAME.")
    return name


_MOST_TOLD = 30
"""Most different warnings, and reasons, that one import tells."""

_QUOTED = re.compile("“[^”]*”")
