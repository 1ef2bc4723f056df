"""The numbered list of schema changes, one for both databases, and what applies it.

Only `init`, `store migrate` and the first child that a supervisor starts apply migrations, under
an exclusive lock; everybody else checks the version and refuses a store that is older or newer.
A migration and its record are one transaction. Portable types stand in braces: `{blob}`,
`{identity}` (a 64-bit key the database counts up itself), `{clustered}` (rows stored in the
order of the primary key where the database can).
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mailer.errors import ConfigError, MailerError, StoreUnavailable
from mailer.store import jobs
from mailer.store.base import Store, Tx

_TYPES = {
    "sqlite": {
        "blob": "BLOB",
        "identity": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "clustered": "WITHOUT ROWID",
    },
    "postgresql": {
        "blob": "BYTEA",
        "identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "clustered": "",
    },
}

_BOOTSTRAP = (
    "CREATE TABLE IF NOT EXISTS migrations "
    "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the schema: its columns, whether the database counts its `id` up itself, how
    many rows stand in it from the beginning, its primary key, and which columns are text."""

    columns: tuple[str, ...]
    counts: bool
    rows: int
    key: tuple[str, ...]
    texts: tuple[str, ...]


@cache
def tables() -> dict[str, Table]:
    """The tables of the schema by name, the record of migrations left out."""
    found = {}
    with closing(sqlite3.connect(":memory:")) as scratch:
        for _, _, text in _all():
            for statement in _statements(text, "sqlite"):
                scratch.execute(statement)
        made = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
        for name, sql in scratch.execute(made).fetchall():
            if not name.startswith("sqlite_"):
                asked = "SELECT name, type, pk FROM pragma_table_info(?)"
                columns = scratch.execute(asked, (name,)).fetchall()
                rows = scratch.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                names = tuple(column for column, _, _ in columns)
                key = tuple(column for column, _, n in sorted(columns, key=lambda c: c[2]) if n)
                texts = tuple(column for column, kind, _ in columns if kind == "TEXT")
                found[name] = Table(names, "AUTOINCREMENT" in sql, rows, key, texts)
    return found


def latest() -> int:
    """The schema version this program works with."""
    return max(number for number, _, _ in _all())


def migrate(store: Store) -> list[str]:
    """Apply what is missing, each migration in one transaction; the names applied."""
    done: list[str] = []
    for number, name, text in _all():
        with store.exclusive() as tx:
            tx.execute(_BOOTSTRAP, {})
            if number in _applied(tx):
                continue
            for statement in _statements(text, store.dialect):
                tx.execute(statement, {})
            tx.run("core.record_migration", number=number, name=name, at=tx.now())
        done.append(name)
    return done + jobs.migrate(store)


def check(store: Store) -> None:
    """Refuse a store whose schema is not this program's (StoreUnavailable or ConfigError)."""
    error = difference(schema_version(store))
    if error is not None:
        raise error


def difference(version: int) -> MailerError | None:
    """What is wrong with a store of that schema version; None when it is this program's."""
    if version == latest():
        return None
    if version == 0:
        return ConfigError("the store is empty.", hint="Make its tables with `mailer init`.")
    if version < latest():
        return StoreUnavailable(
            f"the store has schema {version}, this program needs {latest()}.",
            hint="Run `mailer store migrate`.",
        )
    return StoreUnavailable(
        f"the store has schema {version}, newer than this program's {latest()}.",
        hint="Upgrade mailer on this machine.",
    )


def schema_version(store: Store) -> int:
    """The number of the last migration the store has; 0 for an empty database."""
    exists = (
        "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"
        if store.dialect == "sqlite"
        else "SELECT count(*) AS n FROM pg_tables "
        "WHERE tablename = 'migrations' AND schemaname = ANY (current_schemas(false))"
    )
    with store.read() as tx:
        if not tx.rows(exists, {})[0]["n"]:
            return 0
        return max(_applied(tx), default=0)


def _applied(tx: Tx) -> set[int]:
    return {row["number"] for row in tx.all("core.applied_migrations")}


def _all() -> list[tuple[int, str, str]]:
    found = []
    for entry in resources.files("mailer.store.migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_\w+\.sql", entry.name):
            found.append((int(match[1]), entry.name.removesuffix(".sql"), entry.read_text("utf-8")))
    return sorted(found)


def _statements(text: str, dialect: str) -> list[str]:
    for word, meaning in _TYPES[dialect].items():
        text = text.replace("{" + word + "}", meaning)
    text = re.sub(r"--[^\n]*", "", text)
    return [part.strip() for part in text.split(";") if part.strip()]
