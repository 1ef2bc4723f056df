"""`store check` beside ledgers that real sending left behind, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mailer.cli.main import run as command
from mailer.distribution.resolve import resolve
from mailer.distribution.upkeep import check
from mailer.message.tokens import delivery_code

from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office


def _dot(address: str) -> str:
    """Two answers are lost, one is a refusal of the message."""
    number = int(address[1:].partition("@")[0])
    return {2: "", 3: "", 4: "554 5.7.1 not this one"}.get(number, "250 2.0.0 ok")


def test_what_a_sender_and_an_officer_leave_is_whole_and_a_forged_answer_is_told(
    tmp_path: Path, store_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """H9, H16, H17: answers lost, refused, accepted, and accepted by an officer's word."""
    with Recorder(dot=_dot) as server:
        office = Office(tmp_path / "room", server.port, store_url, 8, connections=1)
        office.run()
    # This newsroom's release was put into the store by hand, without its file.
    seeded = {"Revision 1 of release 1 was altered."}
    with open_room(office.config) as room:
        assert set(check(room)) == seeded
        assert resolve(room, office.number, "anna", delivered=True).delivered == 2
        assert set(check(room)) == seeded
        with room.store.write() as tx:
            place = {"id": (office.number << 32) + 4}
            tx.execute("UPDATE deliveries SET state = 3, reason = NULL WHERE id = :id", place)
    assert command(["--config", str(office.config.path), "store", "check", "--json"]) == 1
    found = json.loads(capfd.readouterr().out)
    assert found["ok"] is False
    [forged] = [f for f in found["faults"] if f.startswith("Accepted without such an answer")]
    assert forged.endswith(f": 1 delivery. The first: `mailer show {delivery_code(place['id'])}`.")
