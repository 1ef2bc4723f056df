"""Copies of a store made and put back behind the program's back, as an administrator might."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg


class Shelf:
    """One copy of the store at `url`, kept at `path`. PostgreSQL's programs must be on the PATH."""

    def __init__(self, url: str, path: Path) -> None:
        self._url = url
        self._path = path
        self._file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None

    def take(self) -> None:
        """Copy the store as it is, whoever uses it."""
        self._path.unlink(missing_ok=True)
        if self._file is None:
            subprocess.run(["pg_dump", "-Fc", f"-f{self._path}", self._url], check=True)
            return
        with (
            closing(sqlite3.connect(self._file)) as store,
            closing(sqlite3.connect(self._path)) as copy,
        ):
            store.backup(copy)

    def put(self) -> None:
        """Put the copy in the store's place. On SQLite nobody may have it open."""
        if self._file is None:
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
            subprocess.run(["pg_restore", f"-d{self._url}", self._path], check=True)
            return
        for beside in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + beside).unlink(missing_ok=True)
        shutil.copyfile(self._path, self._file)
