"""Deciding what is in doubt, with a server that really lost its answers."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mailer.cli.main import run as command
from mailer.distribution import control
from mailer.distribution.log import show, status, status_of
from mailer.distribution.resolve import Resolved, resolve
from mailer.errors import InputError, NotFound, Refused, UsageError
from mailer.store import preferences
from mailer.store.preferences import Preferences

from tests.distribution.recorder import Recorder
from tests.distribution.room import open_room
from tests.distribution.sending import Office

LOST = {2, 4, 6}


class Lossy:
    """A server that hangs up after the final dot of some recipients, while told to."""

    def __init__(self) -> None:
        self.losing = True

    def dot(self, address: str) -> str:
        return "" if self.losing and int(address[1:].partition("@")[0]) in LOST else "250 2.0.0 ok"


@pytest.fixture
def lossy(tmp_path: Path, store_url: str) -> Any:
    """A sent distribution to eight people, three of them in doubt, and its server."""
    losses = Lossy()
    with Recorder(dot=losses.dot) as server:
        office = Office(tmp_path / "room", server.port, store_url, 8, connections=1)
        office.run()
        assert office.states() == {"accepted": 5, "in_doubt": 3}
        losses.losing = False
        yield office, server


Doubtful = tuple[Office, Recorder]


def _resolve(office: Office, **how: Any) -> Resolved:
    with open_room(office.config) as room:
        return resolve(room, office.number, "anna", **how)


def _ids(office: Office) -> list[str]:
    return [row["message_id"] for row in office.rows() if row["state"] == "in_doubt"]


def test_sent_again_with_the_same_message_id(lossy: Doubtful) -> None:
    """H8, A18: also when the distribution was done; whoever had it stays as he was."""
    office, server = lossy
    with open_room(office.config) as room:
        assert status_of(room, office.number)["state"] == "done"
        [sentence] = status(room).decisions
        assert sentence.startswith(f"3 of distribution {office.number} not certain")
        assert f"mailer resolve {office.number}" in sentence
    doubtful = _ids(office)
    assert _resolve(office, resend=True, dry_run=True).resent == 3
    assert _ids(office) == doubtful
    assert _resolve(office, resend=True).resent == 3
    office.run()
    assert office.states() == {"accepted": 8}
    again = [got.message_id for got in server.got if got.rcpt_to in
             {f"j{n}@example.com" for n in LOST}]  # fmt: skip
    assert sorted(again) == sorted(doubtful * 2)
    with open_room(office.config) as room:
        assert status_of(room, office.number)["state"] == "done"


def test_gates_hold_for_what_is_sent_again(lossy: Doubtful) -> None:
    """F10, F5: who said stop meanwhile gets nothing, nor who paused, and the officer is told."""
    office, server = lossy
    wishes = Preferences(paused=True)
    with open_room(office.config) as room, room.store.write() as tx:
        preferences.put(tx, 4, wishes)
    for dry_run in (True, False):
        done = _resolve(office, resend=True, only="j4@example.com", dry_run=dry_run)
        assert (done.resent, done.left, done.away) == (0, 1, 1)
        assert done.notes[0].startswith("j4@example.com has paused all mail: not sent again")
    with open_room(office.config) as room, room.store.write() as tx:
        preferences.put(tx, 4, replace(wishes, paused=False, away_until=tx.now()))
    assert _resolve(office, resend=True).resent == 3
    with open_room(office.config) as room, room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 2", {})
    before = len(server.got)
    office.run()
    assert [got.rcpt_to for got in server.got[before:]] == ["j4@example.com", "j6@example.com"]


def test_delivered_by_an_officers_word(lossy: Doubtful) -> None:
    """H8: one by address, one by its code, the rest; the history says by whose word."""
    office, server = lossy
    before = len(server.got)
    code = next(row["delivery"] for row in office.rows() if row["email"] == "j4@example.com")
    assert _resolve(office, delivered=True, only="J2@Example.com").delivered == 1
    assert _resolve(office, delivered=True, only=code).delivered == 1
    assert office.states() == {"accepted": 7, "in_doubt": 1}
    assert _resolve(office, delivered=True).delivered == 1
    assert _resolve(office, delivered=True).delivered == 0
    office.run()
    assert len(server.got) == before
    with open_room(office.config) as room:
        found = show(room, code)
    assert (found["state"], found["reason"]) == ("accepted", "accepted by anna's word")
    event = found["events"][-1]
    assert (event["event"], event["actor"], event["data"]["was"]) == (
        "accepted",
        "anna",
        "in_doubt",
    )


def _log(folder: Path, lines: list[str], name: str = "mail.log") -> Path:
    path = folder / name
    text = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def _at(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize("name", ["mail.log", "mail.log.1.gz"])
def test_the_mail_servers_log_decides(lossy: Doubtful, tmp_path: Path, name: str) -> None:
    """H8: what it took is accepted; what it never saw is not sent again by itself."""
    office, server = lossy
    one, two, three = _ids(office)
    lines = [
        f"{_at(-60)} mx postfix/smtpd[1]: 4F2A31B7C0: client=app[127.0.0.1]",
        f"{_at(-1)} mx postfix/cleanup[1]: 4F2A31B7C1: message-id={one}",
        f"{_at(-1)} mx postfix/qmgr[1]: 4F2A31B7C1: from=<b@example.org>, size=1 (queue active)",
        f"{_at(-1)} mx postfix/smtp[1]: 4F2A31B7C1: to=<j2@example.com>, relay=mx, "
        "status=bounced (550 5.1.1 unknown)",
        f"{_at(-1)} mx postfix/cleanup[1]: 4F2A31B7C2: message-id={two}",
    ]
    path = _log(tmp_path, lines, name)
    done = _resolve(office, from_maillog=path)
    assert (done.delivered, done.resent, done.left) == (1, 0, 2)
    assert (done.unfinished, done.uncovered, done.absent) == (1, 1, 0)
    assert "550 5.1.1 unknown" in done.notes[0]
    # With a log that goes on long enough, absence is told; only --resend acts on it.
    path = _log(tmp_path, [*lines, f"{_at(5)} mx postfix/smtpd[1]: 4F2A31B7C9: client=x"], name)
    done = _resolve(office, from_maillog=path)
    assert (done.delivered, done.left, done.unfinished, done.absent) == (0, 2, 1, 1)
    done = _resolve(office, from_maillog=path, resend=True)
    assert (done.resent, done.left) == (1, 1)
    before = len(server.got)
    office.run()
    assert [got.message_id for got in server.got[before:]] == [three]
    with open_room(office.config) as room:
        found = show(room, one)
    assert found["smtp_reply"] == "4F2A31B7C1 status=bounced 550 5.1.1 unknown"
    assert found["reason"] == "accepted, as the mail server's log says"


def test_what_cannot_be_decided_changes_nothing(lossy: Doubtful, tmp_path: Path) -> None:
    """All or nothing: broken files, contradicting options, stopped distributions."""
    office, _ = lossy
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 100_000)[:60])
    cases: list[tuple[type[Exception], dict[str, Any]]] = [
        (InputError, {"from_maillog": tmp_path / "none.log"}),
        (InputError, {"from_maillog": tmp_path / "cut.gz"}),
        (InputError, {"from_maillog": _log(tmp_path, ["this is no log"])}),
        (InputError, {"from_maillog": tmp_path}),
        (UsageError, {}),
        (UsageError, {"resend": True, "delivered": True}),
        (UsageError, {"resend": True, "only": "not@an@address"}),
        (NotFound, {"resend": True, "only": "j1@example.com"}),
        (NotFound, {"resend": True, "only": "nonsense"}),
    ]
    for error, how in cases:
        with pytest.raises(error):
            _resolve(office, **how)
    with open_room(office.config) as room:
        with pytest.raises(NotFound):
            resolve(room, 99, "anna", delivered=True)
        with room.store.write() as tx:
            tx.execute("UPDATE distributions SET state = 'killed'", {})
        with pytest.raises(Refused, match="stopped for good"):
            resolve(room, office.number, "anna", resend=True)
        with pytest.raises(Refused):
            control.pause(room, office.number, "anna")
    assert office.states() == {"accepted": 5, "in_doubt": 3}
    assert _resolve(office, delivered=True).delivered == 3


def test_on_the_command_line(
    lossy: Doubtful, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Contract: `resolve`, `routes` and their exit codes."""
    office, _ = lossy

    def run(*words: str) -> tuple[int, str]:
        code = command([*words, "--config", str(office.config.path), "--officer", "anna"])
        return code, capsys.readouterr().out

    number = str(office.number)
    assert run("resolve", number)[0] == 2
    assert run("resolve", number, "--from-maillog", str(tmp_path / "none"))[0] == 4
    assert run("resolve", "99", "--delivered")[0] == 5
    code, out = run("resolve", number, "--delivered", "--email", "j2@example.com", "--json")
    assert (code, json.loads(out)["delivered"]) == (0, 1)
    code, out = run("resolve", number, "--delivered", "--dry-run")
    assert code == 0 and "2 would be counted as accepted" in out
    assert office.states()["in_doubt"] == 2
    name = office.config.routes[0].name
    assert run("routes", "pause", name, "--reason", "moving")[0] == 0
    code, out = run("routes", "ls", "--json")
    assert json.loads(out)[0]["state"] == "paused"
    code, out = run("status")
    assert f"mailer routes resume {name}" in " ".join(out.split())
    assert run("routes", "pause", name)[0] == 6
    assert run("routes", "resume", name)[0] == 0
    assert run("routes", "pause", "other")[0] == 5
