"""What the sandbox mail server caught: one SQLite file, written there, read everywhere.

`Inbox` serves pages and tests; each call opens the file anew, so it may be used from any thread
and while the server writes. `InboxWriter` belongs to the server.

Messages are made searchable when somebody searches, not when they are caught: taking a message
apart costs more than keeping it, and most are never looked for. Every transaction that writes is
begun and ended here, as `begin immediate`: one that reads first and writes later fails at once
when the server has written in between, however long it may wait for locks.
"""

from __future__ import annotations

import contextlib
import email
import email.header
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.message import Message
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

# Written out for its autoincrement, which sqlite-utils' create() has no word for: a number is
# never given twice, so a link to a cleared message never shows another one, and what is not yet
# searchable is what has a higher number.
_SCHEMA = """
create table if not exists message (
    id integer primary key autoincrement,
    received_at integer not null,
    mail_from text not null,
    rcpt_to text not null,
    subject text not null,
    message_id text not null,
    size integer not null,
    raw blob not null
)
"""
_COLUMNS = "id, received_at, mail_from, rcpt_to, subject, message_id, size"
_WRITTEN = ("received_at", "mail_from", "rcpt_to", "subject", "message_id", "size", "raw")
_WORDS = ("subject", "sender", "recipients", "text")
_TOKENS = "unicode61 remove_diacritics 2"  # "zurich" finds Zürich
_FORGOTTEN_AT_ONCE = 100  # messages thrown away in one transaction
_LEARNT_AT_ONCE = 200  # messages made searchable in one transaction
_TAKEN_APART = 16 * 1024  # bytes of a message whose text is searchable; its time is parsing
_WAIT = 10.0  # seconds to wait for another process's lock


@dataclass(frozen=True, slots=True)
class Caught:
    """One message as it was received.

    `received_at` is an instant (UTC microseconds), `rcpt_to` the envelope's recipients,
    `subject` decoded, `raw` the bytes between DATA and the final dot (dots undoubled); empty
    in listings.
    """

    id: int
    received_at: int
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    message_id: str
    size: int
    raw: bytes = b""


class Inbox:
    """Reads an inbox file; a file that does not exist yet is an empty inbox."""

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def list(
        self, page: int = 1, *, size: int = 50, recipient: str = "", search: str = ""
    ) -> list[Caught]:
        """One page of messages, newest first, without their bytes.

        `recipient` narrows to one envelope address, compared without regard to case. `search`
        narrows to messages that have all its words in subject, sender, recipients or text,
        without regard to case and accents; the last word may be a beginning, "words in quotes"
        stand side by side. No character of it has another meaning.
        """
        with self._open(write=bool(search)) as database:
            if database is None:
                return []
            where, values = _condition(database, recipient, search)
            rows = database.table("message").rows_where(
                where,
                values,
                select=_COLUMNS,
                order_by="id desc",
                limit=size,
                offset=(max(page, 1) - 1) * size,
            )
            return [_caught(row) for row in rows]

    def get(self, number: int) -> Caught | None:
        """One message with its bytes; None when there is no such."""
        with self._open() as database:
            if database is None:
                return None
            found = database.table("message").rows_where(
                "id = ?", (number,), select=f"{_COLUMNS}, raw"
            )
            return next((_caught(row) for row in found), None)

    def each(self) -> Iterator[Caught]:
        """All messages with their bytes, oldest first."""
        with self._open() as database:
            if database is not None:
                rows = database.table("message").rows_where(
                    select=f"{_COLUMNS}, raw", order_by="id"
                )
                yield from map(_caught, rows)

    def count(self, *, recipient: str = "", search: str = "") -> int:
        """How many messages `list` would give on all its pages."""
        with self._open(write=bool(search)) as database:
            if database is None:
                return 0
            where, values = _condition(database, recipient, search)
            return int(database.table("message").count_where(where, values))

    def clear(self) -> None:
        """Throw all messages away."""
        with self._open(write=True) as database:
            if database is not None:
                with _writing(database):
                    database.execute("delete from message")
                    words = database.table("words")
                    if words.exists():
                        # Anew rather than emptied, which would unlearn word by word.
                        words.disable_fts()
                        words.drop()
                        _create_words(database)

    def older(self, before: int) -> int:
        """How many messages were received before an instant (UTC microseconds)."""
        with self._open() as database:
            if database is None:
                return 0
            return int(database.table("message").count_where("received_at < ?", [before]))

    def forget(self, before: int) -> int:
        """Throw away what was received before an instant (UTC microseconds); how many messages.

        In short transactions, so that the server goes on taking messages.
        """
        gone = 0
        with self._open(write=True) as database:
            if database is None:
                return 0
            while True:
                with _writing(database):
                    found = database.execute(
                        "select id from message where received_at < ? order by id limit ?",
                        (before, _FORGOTTEN_AT_ONCE),
                    )
                    old = [number for (number,) in found]
                    _delete(database, old)
                gone += len(old)
                if len(old) < _FORGOTTEN_AT_ONCE:
                    return gone

    def remove(self, numbers: Sequence[int]) -> int:
        """Throw these messages away so that nothing of them is left in the file; how many."""
        if not numbers:
            return 0
        with self._open(write=True) as database:
            if database is None:
                return 0
            for start in range(0, len(numbers), _FORGOTTEN_AT_ONCE):
                with _writing(database):
                    _delete(database, numbers[start : start + _FORGOTTEN_AT_ONCE])
            if database.table("words").exists():  # its index keeps words until it is merged
                with _writing(database):
                    database.execute("insert into words (words) values ('optimize')")
            database.execute("vacuum")
            database.execute("pragma wal_checkpoint(truncate)").fetchall()
        return len(numbers)

    @contextlib.contextmanager
    def _open(self, *, write: bool = False) -> Iterator[Database | None]:
        if not self._path.exists():
            yield None
            return
        # Read-only by a pragma: a connection opened read-only cannot read a write-ahead log
        # whose shared memory nobody has open.
        with contextlib.closing(_connect(self._path)) as database:
            database.execute(f"pragma query_only = {int(not write)}")
            yield database if database.table("message").exists() else None


def _delete(database: Database, numbers: Sequence[int]) -> None:
    for number in numbers:
        database.execute("delete from message where id = ?", (number,))
        if database.table("words").exists():
            database.execute("delete from words where id = ?", (number,))


class InboxWriter:
    """Appends to an inbox file; made and used in one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = _connect(path)
        path.chmod(0o600)
        self._database.enable_wal()
        self._database.execute("pragma synchronous = normal")
        self._database.execute(_SCHEMA)
        self._table = self._database.table("message")

    def add(self, messages: Iterable[tuple[int, str, Sequence[str], bytes]]) -> None:
        """Commit (received_at, mail_from, rcpt_to, raw) of several messages at once."""
        rows = [
            (at, sender, "\n".join(recipients), *_headers(raw), len(raw), raw)
            for at, sender, recipients, raw in messages
        ]
        with _writing(self._database):
            self._table.insert_all([_WRITTEN, *rows])

    def close(self) -> None:
        """Leave the file in order."""
        self._database.close()


def _connect(path: Path) -> Database:
    # Here, because the supervisor loads this module for nothing but the file's place.
    from sqlite_utils import Database

    connection = sqlite3.connect(path, timeout=_WAIT)
    try:
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


@contextlib.contextmanager
def _writing(database: Database) -> Iterator[None]:
    """One transaction; sqlite-utils' own blocks inside it are savepoints."""
    database.execute("begin immediate")
    try:
        yield
        database.commit()
    except BaseException:
        database.rollback()
        raise


def _caught(row: Mapping[str, Any]) -> Caught:
    recipients = str(row["rcpt_to"])
    return Caught(
        id=int(row["id"]),
        received_at=int(row["received_at"]),
        mail_from=str(row["mail_from"]),
        rcpt_to=tuple(recipients.split("\n")) if recipients else (),
        subject=str(row["subject"]),
        message_id=str(row["message_id"]),
        size=int(row["size"]),
        raw=bytes(row.get("raw", b"")),
    )


def _condition(database: Database, recipient: str, search: str) -> tuple[str, list[str]]:
    """What to write after "where", and its values."""
    conditions, values = ["1"], []
    if recipient:
        conditions.append("lower(rcpt_to) = lower(?)")
        values.append(recipient)
    if search:
        _learn(database)
        conditions.append("id in (select rowid from words_fts where words_fts match ?)")
        values.append(_expression(database, search))
    return " and ".join(conditions), values


def _expression(database: Database, search: str) -> str:
    """A search as FTS5 reads it: quoted words, all wanted, the last as a beginning."""
    # One line, since quote_fts() looks for pairs of quotes within a line; no NUL, which ends
    # an expression; no halves of surrogate pairs, which are not text.
    plain = _storable(search).replace("\0", " ")
    line = " ".join(word for word in plain.split() if any(map(str.isalnum, word)))
    quoted = database.quote_fts(line)
    return quoted if line.endswith('"') else f"{quoted}*" if quoted else '""'


def _learn(database: Database) -> None:
    """Make searchable what was caught since the last search, up to what there is now."""
    words = database.table("words")
    if not words.exists():
        with _writing(database):
            if not words.exists():
                _create_words(database)
    known = "(select coalesce(max(id), 0) from words)"
    [last] = database.execute("select coalesce(max(id), 0) from message").fetchone()
    while rows := list(
        database.table("message").rows_where(
            f"id > {known} and id <= ?",
            (last,),
            select=f"id, mail_from, rcpt_to, subject, substr(raw, 1, {_TAKEN_APART}) as raw",
            order_by="id",
            limit=_LEARNT_AT_ONCE,
        )
    ):
        learnt = [_words(row) for row in rows]
        with _writing(database):
            # Another search may have learnt the same, and somebody may have cleared the inbox.
            still = database.execute(
                f"select id from message where id > {known} and id <= ?", (rows[-1]["id"],)
            )
            wanted = {number for (number,) in still}
            words.insert_all([("id", *_WORDS), *(row for row in learnt if row[0] in wanted)])


def _create_words(database: Database) -> None:
    words = database.table("words")
    words.create({"id": int, **dict.fromkeys(_WORDS, str)}, pk="id")
    words.enable_fts(_WORDS, create_triggers=True, tokenize=_TOKENS)


def _words(row: Mapping[str, Any]) -> tuple[int, str, str, str, str]:
    """A row of `words`: number, subject, sender, recipients, text."""
    sender, recipients, text = str(row["mail_from"]), str(row["rcpt_to"]), ""
    # A message that the parser fails on is found by its envelope; it must not end all searches.
    with contextlib.suppress(Exception):
        message = email.message_from_bytes(row["raw"] or b"")
        sender += f" {_decoded(message.get('From', ''))}"
        recipients += f" {_decoded(message.get('To', ''))}"
        text = _storable(_text(message))
    return int(row["id"]), str(row["subject"]), sender, recipients, text


def _text(message: Message) -> str:
    """The first text part; else the first HTML part without its tags; else ""."""
    html = ""
    for leaf in message.walk():
        kind = leaf.get_content_type()
        if leaf.is_multipart() or kind not in ("text/plain", "text/html"):
            continue
        payload = leaf.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        try:
            text = content.decode(leaf.get_content_charset("utf-8"), "replace")
        except (LookupError, ValueError):
            text = content.decode("utf-8", "replace")
        if kind == "text/plain":
            return text
        html = html or _MARKUP.sub(" ", text)
    return unescape(html)


_MARKUP = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.I | re.S)
_HEADERS = {
    name: re.compile(rb"^" + name + rb":[ \t]*((?:[^\r\n]|\r?\n[ \t])*)", re.I | re.M)
    for name in (b"Subject", b"Message-ID")
}


def _headers(raw: bytes) -> tuple[str, str]:
    """Subject (decoded) and Message-ID of a message, "" where there is none."""
    head = raw.partition(b"\r\n\r\n")[0]
    found = []
    for pattern in _HEADERS.values():
        match = pattern.search(head)
        value = re.sub(rb"\r?\n", b"", match[1]) if match else b""
        found.append(value.decode("utf-8", "replace").strip())
    return _decoded(found[0]), found[1]


def _decoded(value: object) -> str:
    """A header field's value with its encoded words (RFC 2047) resolved where they can be."""
    text = str(value)
    if "=?" in text:
        with contextlib.suppress(HeaderParseError, LookupError, ValueError):
            text = str(email.header.make_header(email.header.decode_header(text)))
    return _storable(text)


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which some encodings yield and SQLite refuses."""
    return text.encode("utf-8", "replace").decode()
