"""The database goes away in mid-send and comes back: sending goes on, nobody is lost or doubled."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mailer.distribution.control import pause, resume

from tests.cluster.line import Line
from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office, kill, wait_gone
from tests.postgres import Postgres

PEOPLE = 400
_LONG = 120.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that only these tests use, so that it may be restarted."""
    with (
        tempfile.TemporaryDirectory(prefix="mailer-pg-", ignore_cleanup_errors=True) as folder,
        Postgres(Path(folder) / "data") as server,
    ):
        yield server


def _until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + _LONG
    while not what():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)


@contextmanager
def _under_way(office: Office, recorder: Recorder) -> Iterator[None]:
    """A running supervisor, a fifth of the way; ended in order afterwards."""
    process = office.start("run")
    try:
        _until(lambda: len(recorder.got) >= PEOPLE // 5)
        yield
        _until(lambda: len(recorder.got) >= PEOPLE)
    finally:
        kill(process.pid, signal.SIGTERM)
        try:
            wait_gone(process.pid)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _settled(office: Office, recorder: Recorder) -> None:
    """Everybody got it once, and the ledger knows."""
    assert office.states() == {"accepted": PEOPLE}
    assert set(recorder.recipients.values()) == {1}
    assert len(recorder.got) == PEOPLE


def test_the_server_is_restarted(tmp_path: Path, server: Postgres) -> None:
    """H20, decision 4: all connections and locks are gone; afterwards a pause is still obeyed."""
    with Recorder(delay=0.05) as recorder:
        office = Office(tmp_path / "room", recorder.port, server.database(), PEOPLE)
        with _under_way(office, recorder):
            server.stop()
            time.sleep(1.5)
            server.start()
            before = len(recorder.got)
            _until(lambda: len(recorder.got) > before + 20)
            with open_room(office.config) as room:
                pause(room, office.number, "anna")
                _until(lambda: _stands_still(recorder))
                resume(room, office.number, "anna")
        _settled(office, recorder)


def _stands_still(recorder: Recorder) -> bool:
    before = len(recorder.mail_from)
    time.sleep(0.5)
    return len(recorder.mail_from) == before


@pytest.mark.parametrize("how", ["cut", "hush"])
def test_the_network_is_cut(tmp_path: Path, server: Postgres, how: str) -> None:
    """H20: broken at once, or only silent, for four seconds; what was answered meanwhile is in the
    journal and then in the ledger."""
    with Recorder(delay=0.05) as recorder, Line(server.socket) as way:
        url = way.url(server.database())
        office = Office(tmp_path / "room", recorder.port, url, PEOPLE)
        with _under_way(office, recorder):
            passed = way.passed
            getattr(way, how)()
            time.sleep(4.0)
            assert len(recorder.got) < PEOPLE and _stands_still(recorder)
            way.mend()
        _settled(office, recorder)
        assert how == "hush" or way.passed > passed
