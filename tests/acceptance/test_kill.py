"""SIGKILL at random instants: nobody is lost, nobody gets it twice (H9).

    python -m pytest tests/acceptance/test_kill.py

The whole group, only the supervisor, or only one sender is killed, twenty times on each
database, while the server goes on and keeps its own record.
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.distribution.recorder import Recorder
from tests.distribution.sending import Office, kill, members, role_of, wait_gone

KILLS = 20
PEOPLE = 2500


def test_twenty_kills_lose_nobody_and_double_nobody(tmp_path: Path, store_url: str) -> None:
    """H9, H7: only what had its final dot and no answer is in doubt."""
    chance = random.Random(7)
    with Recorder(delay=0.02) as server:
        office = Office(
            tmp_path / "room", server.port, store_url, PEOPLE, connections=2, sending=""
        )
        path = office.config.path
        path.write_text(path.read_text().replace("processes = 1", "processes = 2"))
        for number in range(KILLS):
            _kill_one(office, server, ("group", "supervisor", "sender")[number % 3], chance)
        assert len(server.got) < PEOPLE, "the kills came after the end: nothing was tested"
        server.delay = 0.0
        last = office.start("run", "--once")
        last.communicate(timeout=120)
        states = office.states()
        got = server.recipients
        # A killed sender's last answer may lie in its journal, so a run ends it.
        doubtful = {row["email"] for row in office.rows() if row["state"] == "in_doubt"}
        assert set(states) <= {"accepted", "in_doubt"}, states
        assert sum(states.values()) == PEOPLE
        assert max(got.values()) == 1, [each for each in got.items() if each[1] > 1]
        accepted = {row["email"] for row in office.rows() if row["state"] == "accepted"}
        assert accepted <= set(got)
        # Never dotted was sent by a later run, so everybody missing at the server is in doubt.
        assert {office.address(n) for n in range(1, PEOPLE + 1)} - set(got) <= doubtful
        # At most what was in flight at a kill: connections × processes, for each kill.
        assert len(doubtful) <= KILLS * 4


def _kill_one(office: Office, server: Recorder, what: str, chance: random.Random) -> None:
    before = len(server.got)
    process = office.start("run", "--once")
    until = time.monotonic() + 20
    while len(server.got) == before and time.monotonic() < until:
        time.sleep(0.005)
    assert len(server.got) > before, process.stderr.read() if process.stderr else ""
    time.sleep(chance.uniform(0.0, 0.4))
    if what == "group":
        for pid in members(process.pid):
            kill(pid, signal.SIGKILL)
    elif what == "supervisor":
        kill(process.pid, signal.SIGKILL)
    else:
        senders = [pid for pid in members(process.pid) if role_of(pid) == "sender"]
        kill(chance.choice(senders), signal.SIGKILL)
        time.sleep(chance.uniform(0.0, 1.0))
        kill(process.pid, signal.SIGTERM)
    process.wait(60)
    if process.stderr:
        process.stderr.close()
    wait_gone(process.pid)
