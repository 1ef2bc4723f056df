"""Do not contact, as officers set it: by address or from a file, and taken back one by one.

What a person said himself (a link, a one-click post) comes in through `subscriptions`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from itertools import islice
from pathlib import Path
from typing import Any

from mailer.audience.address import AddressError, normalise
from mailer.audience.columns import field_of
from mailer.audience.encoding import detect_encoding
from mailer.audience.text import clean_line, fold
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.errors import InputError, NotFound
from mailer.store import suppression
from mailer.store.suppression import ALL, Reason

MOST_BYTES = 50_000_000
"""A file larger than this is refused unread."""

_CHUNK = 200
_MOST_REASON = 500
_HEADER_WITHIN = 10
_ADDRESS_HEADERS = frozenset(("address", "mail", "subscriber", "contact", "recipient"))
_REASON_HEADERS = frozenset(
    fold(name)
    for name in (
        *("reason", "unsub_reason", "unsubscribe reason", "cause", "comment", "why", "type"),
        *("status", "grund", "abmeldegrund", "bemerkung", "motif", "raison", "commentaire"),
        *("powód", "powod", "przyczyna", "uwagi", "motivo", "razón", "causale", "reden"),
        *("причина", "комментарий", "причына", "důvod", "dôvod", "ok", "motiv", "syy", "orsak"),
    )
)


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What an `add` did: addresses new and known before, and lines that are no address.

    `people` of the addresses are those of journalists here; of the others only hashes are kept,
    which shut out whoever imports them later.
    """

    added: int
    known: int
    rejected: tuple[str, ...]
    people: int


def add(room: Newsroom, targets: Sequence[str], actor: str, *, reason: str = "") -> Suppressed:
    """Suppress addresses, or all addresses of files, in everything this newsroom sends.

    A target that names a file is read, in whatever encoding it is: plain addresses, or a table
    with a column of them and perhaps one that says why, such as another program's opt-outs. What
    is queued for them stops. All addresses are read before the first is suppressed. Raises
    InputError when a target is neither file nor address.
    """
    found: dict[str, dict[str, Any]] = {}
    rejected: list[str] = []
    for target in targets:
        path = Path(target)
        if "@" not in target or path.is_file():
            _read(path, found, rejected)
            continue
        try:
            found.setdefault(normalise(target).email, {})
        except AddressError as error:
            raise InputError(
                f"{target} is no address: {error.reason}.", hint="Nothing was changed."
            ) from None
    added = people = 0
    rest = iter(found.items())
    while chunk := list(islice(rest, _CHUNK)):
        with room.store.write() as tx:
            for email, said in chunk:
                hash = room.address_hash(email)
                text = reason or said.get("text", "")
                evidence = {"by": "officer", **said} | ({"text": text} if text else {})
                people += suppression.journalist_of(tx, hash) is not None
                added += suppression.add(
                    tx, hash, scope=ALL, reason=Reason.OFFICER, actor=actor, evidence=evidence
                )
    return Suppressed(added, len(found) - added, tuple(rejected), people)


def remove(room: Newsroom, email: str, actor: str, *, reason: str = "") -> None:
    """Allow an address again. Raises NotFound when nothing keeps it from being mailed."""
    try:
        hash = room.address_hash(normalise(email).email)
    except AddressError as error:
        raise InputError(f"{email} is no address: {error.reason}.") from None
    evidence = {"by": "officer"} | ({"text": reason} if reason else {})
    with room.store.write() as tx:
        scopes = [entry.scope for entry in suppression.find(tx, hash)]
        for scope in scopes:
            suppression.remove(tx, hash, scope=scope, actor=actor, evidence=evidence)
    if not scopes:
        raise NotFound(f"{email} is not suppressed.", hint="`mailer suppress ls` lists them.")


def ls(room: Newsroom) -> Iterator[dict[str, Any]]:
    """All suppressions, oldest first, streamed; the address only where it is still held."""
    with room.store.read() as tx:
        for entry in suppression.ls(tx):
            yield {
                "email": entry.email,
                "scope": entry.scope,
                "reason": entry.reason,
                "since": iso(entry.created_at),
                "actor": entry.actor,
                "text": entry.evidence.get("text"),
            }


def _read(path: Path, found: dict[str, dict[str, Any]], rejected: list[str]) -> None:
    """The addresses of one file, each with its line and what the file says of why."""
    rows = _rows(path)
    head = next((n for n, row in enumerate(rows[:_HEADER_WITHIN]) if _address_column(row)), None)
    columns: list[int] | None = None
    why: int | None = None
    if head is not None and not any("@" in cell for row in rows[:head] for cell in row):
        columns = _address_column(rows[head])
        why = next((n for n, cell in enumerate(rows[head]) if _names_reason(cell)), None)
    else:
        head = None
    for number, row in enumerate(rows, 1):
        if (head is not None and number <= head + 1) or not any(row) or row[0].startswith("#"):
            continue
        cells = [row[n] for n in columns if n < len(row)] if columns else _addresses(row)
        text = row[why][:_MOST_REASON] if why is not None and why < len(row) else ""
        said = {"file": path.name, "line": number} | ({"text": text} if text else {})
        for cell in cells or [""]:
            try:
                found.setdefault(normalise(_bare(cell)).email, said)
            except AddressError as error:
                rejected.append(f"{path}, line {number}: {error.reason}")


def _rows(path: Path) -> list[list[str]]:
    """The cells of a file, cleaned, by line."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                "The file is too large for a list of addresses.",
                where=str(path),
                hint="Split it.",
            )
        if path.is_dir():
            raise InputError("This is a folder, not a file of addresses.", where=str(path))
        if not path.read_bytes().strip():
            return []
        text = path.read_bytes().decode(detect_encoding(path), "replace")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise InputError(
            f"This is no address, and as a file it cannot be read: {reason}.", where=str(path)
        ) from None
    lines = text.splitlines()
    sample = lines[: 2 * _HEADER_WITHIN]
    delimiter = max(",;\t|", key=lambda sign: sum(line.count(sign) for line in sample))
    try:
        # By lines: a quotation mark that nobody closed must not swallow whom it stands before.
        return [
            [clean_line(cell) for cell in next(csv.reader([line], delimiter=delimiter), [])]
            for line in lines
        ]
    except csv.Error as error:
        raise InputError(f"This is no list of addresses: {error}.", where=str(path)) from None


def _address_column(row: Sequence[str]) -> list[int]:
    """The column of addresses where a row is a header, one that is called so wins over a vaguer
    name; empty where it is none."""
    if any("@" in cell for cell in row):
        return []
    called = [place for place, cell in enumerate(row) if field_of(cell) == "email"]
    vaguely = [place for place, cell in enumerate(row) if fold(cell) in _ADDRESS_HEADERS]
    return (called or vaguely)[:1]


def _names_reason(cell: str) -> bool:
    return fold(cell) in _REASON_HEADERS


def _addresses(row: Sequence[str]) -> list[str]:
    """The cells of a row without a header that look like addresses; one alone always does."""
    return [cell for cell in row if "@" in cell] or [cell for cell in row if cell][:1]


def _bare(cell: str) -> str:
    """The address of "Name <address>", else the cell."""
    return parseaddr(cell)[1] or cell if "<" in cell else cell
