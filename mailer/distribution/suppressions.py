"""Do not contact, as officers set it: by address or from a file, and taken back one by one.

What a person said himself (a link, a one-click post) comes in through `subscriptions`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.audience.address import AddressError, normalise
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.errors import InputError, NotFound
from mailer.store import suppression
from mailer.store.suppression import ALL, Reason

MOST_BYTES = 50_000_000
"""A file larger than this is refused unread."""

_CHUNK = 200
_HEADERS = ("email", "e-mail", "address", "mail")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What an `add` did: addresses new and known before, and lines that are no address."""

    added: int
    known: int
    rejected: tuple[str, ...]


def add(room: Newsroom, targets: Sequence[str], actor: str, *, reason: str = "") -> Suppressed:
    """Suppress addresses, or all addresses of files, in everything this newsroom sends.

    A target that names a file is read: one address a line, or a CSV file whose first column, or
    whose column `email`, holds them. What is queued for them stops. All addresses are read before
    the first is suppressed. Raises InputError when a target is neither file nor address.
    """
    emails: dict[str, None] = {}
    rejected: list[str] = []
    for target in targets:
        path = Path(target)
        if "@" not in target or path.is_file():
            _read(path, emails, rejected)
            continue
        try:
            emails[normalise(target).email] = None
        except AddressError as error:
            raise InputError(
                f"{target} is no address: {error.reason}.", hint="Nothing was changed."
            ) from None
    evidence = {"by": "officer"} | ({"text": reason} if reason else {})
    added = 0
    ordered = list(emails)
    for start in range(0, len(ordered), _CHUNK):
        with room.store.write() as tx:
            for email in ordered[start : start + _CHUNK]:
                added += suppression.add(
                    tx,
                    room.address_hash(email),
                    scope=ALL,
                    reason=Reason.OFFICER,
                    actor=actor,
                    evidence=evidence,
                )
    return Suppressed(added, len(ordered) - added, tuple(rejected))


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


def _read(path: Path, emails: dict[str, None], rejected: list[str]) -> None:
    """The addresses of one file, at most one a row."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                "The file is too large for a list of addresses.",
                where=str(path),
                hint="Split it.",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise InputError(
            f"This is no address, and as a file it cannot be read: {reason}.", where=str(path)
        ) from None
    except UnicodeDecodeError:
        raise InputError("The file is not UTF-8.", where=str(path), hint="Save it so.") from None
    sample = text[:10_000].splitlines()[:1]
    delimiter = max(",;\t", key=(sample[0] if sample else "").count)
    column = 0
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
        names = [cell.strip().lower() for cell in row]
        if number == 1 and any(name in _HEADERS for name in names):
            column = next(index for index, name in enumerate(names) if name in _HEADERS)
            continue
        if not any(names) or names[0].startswith("#"):
            continue
        try:
            emails[normalise(row[column] if column < len(row) else "").email] = None
        except AddressError as error:
            rejected.append(f"{path}, line {number}: {error.reason}")
