"""Fixtures shared by all tests: real databases of both kinds, made fresh for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from mailer.clock import Clock
from mailer.store import Store, open_store
from mailer.store.migrations import migrate

from tests.postgres import Postgres

# How long an example takes says more about what else the machine does than about the program.
hypothesis.settings.register_profile("mailer", deadline=None)
hypothesis.settings.load_profile("mailer")

WAITING = ("acceptance", "cluster", "distribution", "smtp", "web")
"""Packages whose tests mostly wait: for servers, processes, clocks. Those of the others compute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait and files that compute take turns, so that neither keeps all processors idle
    for minutes while the other has not begun."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    kinds: tuple[list[Path], list[Path]] = ([], [])
    for path in files:
        kinds[path.parent.name in WAITING].append(path)
    # Each kind is spread evenly over the whole, by how many tests come before a file.
    place: dict[Path, float] = {}
    for kind in kinds:
        total, before = sum(len(files[path]) for path in kind), 0
        for path in kind:
            place[path] = before / total
            before += len(files[path])
    items[:] = [item for path in sorted(files, key=place.__getitem__) for item in files[path]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL that listens on a socket only; one per test process."""
    # Not below pytest's own folder: it may be swept while the server runs.
    with (
        tempfile.TemporaryDirectory(prefix="mailer-pg-", ignore_cleanup_errors=True) as folder,
        Postgres(Path(folder) / "data") as server,
    ):
        server.hurry()
        yield server


@pytest.fixture(scope="session")
def migrated_url(postgres_server: Postgres) -> str:
    """A database with the schema and nothing in it, to be copied: a tenth of the work of making
    one."""
    url = postgres_server.database()
    with opened(url):
        return url


@pytest.fixture
def postgres_programs(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that server's own programs (pg_dump …), first on the PATH."""
    folder = postgres_server.programs
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """URL of an empty database of its own."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty store; the test runs once for each database. On PostgreSQL the schema is
    there already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store' / 'mailer.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    url = server.database(like=request.getfixturevalue("migrated_url"))
    yield url
    server.drop(url)


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
