"""What goes wrong around a newsroom: one impossible address, a lost ledger, two demos at once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from mailer.distribution import child
from mailer.distribution.log import log
from mailer.errors import ConfigError, StoreUnavailable
from mailer.store import ledger

from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office


def test_one_address_that_cannot_be_written_does_not_stop_the_others(
    tmp_path: Path, store_url: str
) -> None:
    """A17, G13: it is refused with the reason, everybody else gets the release."""
    with Recorder() as server:
        office = Office(tmp_path / "room", server.port, store_url, 12)
        with open_room(office.config) as room, room.store.write() as tx:
            for number, email in ((2, "x@example.com."), (3, "a@example.com,b@example.com")):
                tx.execute(
                    "UPDATE addresses SET email = :email WHERE journalist = :number",
                    {"email": email, "number": number},
                )
        summary = office.run()
    assert summary.failed
    assert office.states() == {"accepted": 10, "refused": 2}
    assert len(server.got) == 10
    [reason] = {r["reason"] for r in office.rows() if r["email"] == "x@example.com."}
    assert "x@example.com." in reason


def test_a_run_makes_no_new_ledger_in_place_of_a_lost_one(tmp_path: Path) -> None:
    """Decision 8: an empty ledger has forgotten who said stop."""
    store = tmp_path / "room" / "mailer.db"
    office = Office(tmp_path / "room", 1, f"sqlite:///{store}", 1)
    store.rename(store.with_name("moved.db"))
    with pytest.raises(ConfigError, match="there is no store at"):
        office.run()
    assert not store.exists()


def test_the_ledger_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    """E1: it holds everybody's address."""
    before = os.umask(0o022)
    try:
        store = tmp_path / "room" / "mailer.db"
        office = Office(tmp_path / "room", 1, f"sqlite:///{store}", 1)
        with open_room(office.config) as room, room.store.write() as tx:
            tx.run("core.raise_control")
            files = list(store.parent.glob("mailer.db*"))
            assert len(files) > 1
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "typed", ["J2@EXAMPLE.com", "  j2@example.com ", "Jo Doe <j2@example.com>"]
)
def test_an_address_is_found_however_it_is_typed(tmp_path: Path, typed: str) -> None:
    """Contract: `log --email`."""
    office = Office(tmp_path / "room", 1, f"sqlite:///{tmp_path / 'room' / 'mailer.db'}", 3)
    with open_room(office.config) as room:
        with room.store.write() as tx:
            tx.execute(
                "UPDATE addresses SET hash = :hash WHERE journalist = 2",
                {"hash": room.address_hash("j2@example.com")},
            )
        assert [row["email"] for row in log(room, email=typed)] == ["j2@example.com"]


def test_a_sender_that_cannot_begin_leaves_no_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H20: on a full disk it is tried every second, all night long."""

    def full(*_: object, **__: object) -> int:
        raise StoreUnavailable("the disk of the store is full.")

    office = Office(tmp_path / "room", 1, f"sqlite:///{tmp_path / 'room' / 'mailer.db'}", 1)
    monkeypatch.setattr(ledger, "add_worker", full)
    before = signal.getsignal(signal.SIGINT)
    try:
        code = child.main(["sender", "--config", str(office.config.path)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == StoreUnavailable.exit_code
    assert list((office.config.spool_dir / "journals").iterdir()) == []


def test_two_demos_at_once_do_not_meet(tmp_path: Path) -> None:
    """Each has its own ports; neither gets the other's mail."""
    command = [sys.executable, "-m", "mailer", "demo", "--once"]
    demos = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    said = [demo.communicate(timeout=120)[0].decode() for demo in demos]
    assert [demo.returncode for demo in demos] == [0, 0], "\n".join(said)
