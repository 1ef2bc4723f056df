"""Copies of a whole store: taken while others write, and put back as one step.

SQLite by its online backup, in one read of one state; PostgreSQL by `pg_dump` of the same
snapshot that the rows are counted in, put back by `psql` in one transaction that also holds
everything open (see `guard`). A copy of one database is for that database alone.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from mailer.errors import ConfigError, InputError, Refused, StoreUnavailable
from mailer.store import guard
from mailer.store.base import query

ASIDE = "before_restore_"
"""How the name of a PostgreSQL schema begins that made room for a copy."""

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_DEBIAN = Path("/usr/lib/postgresql")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy: rows per table, and what of the database must fit when it is put back."""

    tables: dict[str, int]
    schema_name: str = ""
    server: int = 0


def dialect_of(url: str) -> str:
    """ "sqlite" or "postgresql"."""
    return "sqlite" if url.startswith("sqlite:///") else "postgresql"


def path_of(url: str) -> Path:
    """The file of a SQLite store."""
    return Path(url.removeprefix("sqlite:///"))


def copy_to(url: str, target: Path) -> Copied:
    """Copy the store as it is at one instant into a new file that only its owner reads.

    Others go on writing. Raises StoreUnavailable when it cannot be read or the disk is full,
    ConfigError when PostgreSQL's programs are missing or too old.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    copied = _copy_sqlite(url, target) if dialect_of(url) == "sqlite" else _dump(url, target)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return copied


def sqlite_tables(path: Path) -> dict[str, int]:
    """Rows per table of a SQLite file that nobody else has open, which is checked as a whole.

    Afterwards it is one file, with nothing beside it. Raises InputError when it is damaged.
    """
    with _translated(), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise InputError(f"The copy of the store is damaged: {found}.", where=str(path))
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "ORDER BY name"
        ).fetchall()
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for (name,) in names
        }


def settle_sqlite(path: Path) -> None:
    """Bring all of a SQLite store into its one file, as far as that can be done, so that it may be
    given another name. Raises StoreUnavailable while somebody writes to it."""
    try:
        with _translated(), closing(sqlite3.connect(path, timeout=5)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except InputError:
        return  # damaged: what is beside it moves with it
    if busy:
        raise StoreUnavailable(
            "the store is in use by another process; nothing was done.", hint="Try again."
        )


def _copy_sqlite(url: str, target: Path) -> Copied:
    place = f"{path_of(url).absolute().as_uri()}?mode=rw"
    with (
        _translated(),
        closing(sqlite3.connect(place, uri=True, timeout=10, isolation_level=None)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # In one step: in several, each write of others would begin it anew, and senders never rest.
        source.backup(copy, pages=-1)
    return Copied(sqlite_tables(target))


def _dump(url: str, target: Path) -> Copied:
    with _reaching(url), psycopg.connect(url, autocommit=True, row_factory=tuple_row) as connection:
        server = connection.info.server_version // 10000
        program = _program("pg_dump", server)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        schema = _one(connection, "SELECT current_schema()")
        tables = _counted(connection, schema)
        # What is dumped is what was counted.
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        address, environ = _address(url)
        words = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges"]
        words += [f"--schema={schema}", f"--snapshot={snapshot}", f"--file={target}"]
        done = subprocess.run(
            [program, *words, f"--dbname={address}"],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    if done.returncode:
        raise StoreUnavailable(
            f"pg_dump ended with an error ({_last_line(done.stderr)}); there is no backup.",
            hint="Try again.",
        )
    return Copied(tables, schema, server)


def is_free_postgres(url: str, schema: str) -> bool:
    """Is there nothing yet in the schema that a copy belongs in?

    Raises Refused when this database's own is another one.
    """
    with _reaching(url), psycopg.connect(url, autocommit=True, row_factory=tuple_row) as connection:
        own = _one(connection, "SELECT current_schema()")
        if own not in (None, schema):
            raise Refused(
                f'the copy is of the schema "{schema}", and this database works in "{own}".',
                hint="Let store.url name a database whose search_path begins with that schema.",
            )
        return not _counted(connection, schema)


def put_back_postgres(
    url: str, dump: Path, copied: Copied, *, incident: int, aside: str | None
) -> None:
    """Put a dump back and hold everything open in it, in one transaction: all or nothing.

    What is in the schema moves to the schema `aside`; with None there must be nothing. The rows
    are counted before the commit. Raises Refused with PostgreSQL's words when anything differs.
    """
    with _reaching(url), psycopg.connect(url, autocommit=True) as connection:
        server = connection.info.server_version // 10000
    restore, psql = _program("pg_restore", server), _program("psql", server)
    if server < copied.server:
        raise Refused(
            f"the copy is of PostgreSQL {copied.server}, and this server is {server}.",
            hint="Put it back into a server that is not older.",
        )
    schema = copied.schema_name
    if not _NAME.fullmatch(schema) or not (aside is None or _NAME.fullmatch(aside)):
        raise Refused(f'the schema "{schema}" has a name that is not simple; put it back by hand.')
    begin = ["BEGIN;"]
    begin.append(
        f"DROP SCHEMA IF EXISTS {schema};"
        if aside is None
        else f"ALTER SCHEMA {schema} RENAME TO {aside};"
    )
    end = [f"SET search_path = {schema};", *_same_counts(copied.tables)]
    # Later than any that the copy knows of, whatever this machine's clock says.
    end.append(
        "SELECT greatest(:incident, coalesce(max(id), 0) + 1) AS incident FROM incidents \\gset"
    )
    end += [query(name, "postgresql") + ";" for name in ("guard.hold_incident", *guard.HOLD)]
    # Not by --single-transaction: that commits at the end of its input, also one that broke off.
    end.append("COMMIT;")
    address, environ = _address(url)
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--set=incident={incident}"]
    with subprocess.Popen(
        [psql, *options, f"--dbname={address}"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdin is not None and writer.stderr is not None
        read = None
        try:
            _feed(writer, begin)
            read = subprocess.run(
                [restore, "--file=-", "--no-owner", "--no-privileges", str(dump)],
                stdin=subprocess.DEVNULL,
                stdout=writer.stdin,
                stderr=subprocess.PIPE,
            )
            if read.returncode == 0:
                _feed(writer, end)
        except BrokenPipeError:
            pass  # psql said why it ended
        except BaseException:
            writer.kill()
            raise
        finally:
            with _may_be_gone():
                writer.stdin.close()
        words = writer.stderr.read().decode("utf-8", "replace")
        code = writer.wait()
    if code or read is None or read.returncode:
        own = "" if code or read is None else read.stderr.decode("utf-8", "replace")
        raise Refused(
            f"PostgreSQL did not take the copy ({_last_line(words or own)}); nothing was changed."
        )


def _feed(writer: subprocess.Popen[bytes], statements: list[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write(("\n".join(statements) + "\n").encode("utf-8"))
    writer.stdin.flush()


def _same_counts(tables: Mapping[str, int]) -> Iterator[str]:
    for name, rows in sorted(tables.items()):
        if not _NAME.fullmatch(name):
            continue
        yield (
            f"DO $$ BEGIN IF (SELECT count(*) FROM {name}) <> {int(rows)} THEN "
            f"RAISE EXCEPTION 'table {name} has not as many rows as the backup says'; "
            "END IF; END $$;"
        )


def _counted(connection: psycopg.Connection[Any], schema: str) -> dict[str, int]:
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", (schema,)
    ).fetchall()
    return {
        name: _one(connection, f'SELECT count(*) FROM "{schema}"."{name}"') for (name,) in names
    }


def _one(connection: psycopg.Connection[Any], sql: str) -> Any:
    row = connection.execute(cast(Any, sql)).fetchone()
    return None if row is None else row[0]


def _address(url: str) -> tuple[str, dict[str, str]]:
    """A connection string that may stand on a command line, and the environment with the rest."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environ = {**os.environ, "PGCONNECT_TIMEOUT": "10", "LC_MESSAGES": "C"}
    if password:
        environ["PGPASSWORD"] = str(password)
    return make_conninfo("", **cast(dict[str, Any], parts)), environ


def _program(name: str, server: int) -> str:
    """The first of that name on the PATH, or where Debian keeps them, that is new enough."""
    places = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    debian = _DEBIAN.glob("*/bin") if _DEBIAN.is_dir() else ()
    places += sorted(debian, key=lambda place: place.parent.name, reverse=True)
    newest = 0
    for place in places:
        found = shutil.which(name, path=str(place))
        version = _version(found) if found else 0
        if found and version >= server:
            return found
        newest = max(newest, version)
    what = f"{name} here is of PostgreSQL {newest}, and" if newest else f"{name} is missing;"
    raise ConfigError(
        f"{what} the server is PostgreSQL {server}.",
        hint=f"Install the package postgresql-client-{server} (pg_dump, pg_restore, psql), or put "
        "its folder first on the PATH.",
    )


def _version(program: str) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(said.stdout)
    return int(match[1]) if match else 0


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower()]
    found = (errors or lines or ["it gave no reason"])[0]
    return re.sub(r"^\S*?:?(?:<stdin>:\d+:)?\s*(?:error|ERROR):\s*", "", found).rstrip(".")


@contextmanager
def _may_be_gone() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        return


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's words as ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            raise InputError(f"The copy of the store is damaged ({text}).") from error
        raise StoreUnavailable(
            f"the store cannot be copied now ({text}); nothing was done.", hint="Try again."
        ) from error


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        first = str(error).strip().partition("\n")[0]
        raise StoreUnavailable(
            f"the store cannot be used now ({first}); nothing was done.", hint="Try again."
        ) from error
