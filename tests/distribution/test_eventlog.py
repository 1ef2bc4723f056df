"""The log for machines: what a whole run writes, and what must never stand in it."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mailer.clock import SECOND, ManualClock
from mailer.distribution.context import host_name
from mailer.distribution.eventlog import EVENTS, NOT_LOGGED, STANDARD_ERROR, EventLog, mask
from mailer.distribution.log import delivery_number, log
from mailer.errors import UsageError
from mailer.message.tokens import delivery_code

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.test_supervisor import child, command, newsroom, until

PASSWORD = "kept-to-ourselves"
STABLE = ["time", "level", "event", "host", "child"]
PEOPLE = 60
NOON = 1_800_000_000 * SECOND
SOURCE = Path(__file__).parents[2] / "mailer"

Line = dict[str, Any]


def lines_of(text: str) -> list[Line]:
    """The lines; each must be JSON with the stable fields first, and no fields beyond the table."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert list(line)[:5] == STABLE
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
        assert line["level"] == EVENTS[line["event"]].level
        assert set(line) <= {*STABLE, *EVENTS[line["event"]].fields}
    return lines


def of(lines: list[Line], event: str) -> list[Line]:
    return [line for line in lines if line["event"] == event]


def assert_no_secret(text: str, press: Press) -> None:
    """No journalist, no release, no key and no password stands in it."""
    keys = [path.read_text() for path in press.config.home.glob("keys/*")]
    words = [word for key in keys for word in re.findall(r"\w{16,}", key)]
    assert len(words) >= 2
    people = [f"j{n}@example.com" for n in range(1, PEOPLE + 1)]
    secrets = [*people, *words, PASSWORD, "@", "Ada", "bridge opens", "Daily"]
    assert [secret for secret in secrets if secret in text] == []


def quoting(address: str) -> str:
    """A server's words that repeat whatever it was told."""
    return f'<{address}> "Ada" of the Daily: {PASSWORD}: A bridge opens after ten years'


def test_a_whole_run_is_told_and_nobody_is_named(tmp_path: Path, store_url: str) -> None:
    """E21, H9: refusals that quote people, a killed sender; all of it is JSON, ids are known."""
    answers = iter([f"421 4.7.0 {quoting('j1@example.com')}"])
    with (
        Recorder(
            delay=0.05,
            mail=lambda: next(answers, "250 2.1.0 ok"),
            rcpt=lambda who: (
                f"550 5.1.1 {quoting(who)}"
                if who in ("j2@example.com", "j59@example.com")
                else "250 ok"
            ),
            dot=lambda who: "" if who == "j50@example.com" else "250 2.0.0 taken",
        ) as server,
        newsroom(tmp_path / "room", store_url, server.port, PEOPLE) as press,
    ):
        path = tmp_path / "mailer.jsonl"
        press.queue("list:all")
        environ = {**os.environ, "MAILER_SMTP_PASSWORD": PASSWORD}
        process = command(press.config, "run", "--log", str(path), env=environ)
        until(lambda: len(server.got) >= 10)
        victim = child(press.config, "sender")
        os.kill(victim, signal.SIGKILL)
        until(lambda: not press.rows("SELECT 1 FROM distributions WHERE state <> 'done'"))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert "sender-1 died and was started again." in said
        text = path.read_text("utf-8")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        lines = lines_of(text)
        assert_no_secret(text, press)
        assert {line["host"] for line in lines} == {host_name()}

        assert {"scheduler", "sender-1"} <= {line["child"] for line in of(lines, "ready")}
        [restarted] = of(lines, "restarted")
        assert (restarted["child"], restarted["code"]) == ("sender-1", -signal.SIGKILL)
        [recovered] = of(lines, "recovered")
        doubtful = {
            row["delivery"] for row in log(press.room, distribution=1) if row["state"] == "in_doubt"
        }
        told = of(lines, "in_doubt")
        named = {code for line in (*told, recovered) for code in line.get("deliveries", [])}
        assert named == doubtful != set()
        assert lines[-1]["event"] == "ended"
        ended = lines[-1]["counts"]
        summed: dict[str, int] = {}
        for line in of(lines, "progress"):
            for state, count in line["counts"].items():
                summed[state] = summed.get(state, 0) + count
        assert summed == ended
        # What a sender committed right before it was killed is in the ledger alone.
        counted = ended["accepted"] + recovered["recorded"] + recovered["in_doubt"]
        assert 0 < counted <= PEOPLE - 2
        assert (
            ended.get("refused", 0)
            <= 2
            == len(list(log(press.room, distribution=1, state="refused")))
        )


def test_a_service_that_is_away_is_told_without_its_words(tmp_path: Path) -> None:
    """E21: route, phase and codes are enough to find the rest with `routes ls`."""
    answers = iter([f"530 5.7.0 {quoting('j1@example.com')}"] * 4)
    with (
        Recorder(mail=lambda: next(answers, "250 2.1.0 ok")) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 5) as press,
    ):
        press.queue("list:all")
        process = command(press.config, "run", "--once", "--log", "-")
        _, said = process.communicate(timeout=60)
        lines = lines_of(said)
        assert_no_secret(said, press)
    away = of(lines, "away")[0]
    told = {name: away[name] for name in ("child", "route", "phase", "code", "enhanced")}
    assert told == {
        "child": "sender-1",
        "route": press.config.routes[0].name,
        "phase": "MAIL",
        "code": 530,
        "enhanced": "5.7.0",
    }


def test_a_run_without_a_log_says_what_it_said(tmp_path: Path) -> None:
    """Nothing changes for people; MAILER_LOG is as good as the option."""
    with (
        Recorder() as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 3) as press,
    ):
        argv = [sys.executable, "-m", "mailer", "--config", str(press.config.path), "run", "--once"]
        path = tmp_path / "log"
        said = []
        for environ in ({}, {"MAILER_LOG": str(path)}):
            press.queue("list:all")
            done = subprocess.run(
                argv, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0 and done.stdout == ""
            said.append(done.stderr)
        assert said == ["3 accepted.\n"] * 2
        assert lines_of(path.read_text())[-1]["counts"] == {"accepted": 3}
        missing = tmp_path / "nowhere" / "log"
        done = subprocess.run([*argv, "--log", str(missing)], capture_output=True, text=True)
        assert done.returncode == 2 and str(missing) in done.stderr
        assert "Traceback" not in done.stderr and not missing.parent.exists()


def test_every_event_that_is_reported_is_in_the_table() -> None:
    """An event added to a child is logged, or said to be no news."""
    children = [p for p in SOURCE.rglob("*.py") if p.name not in ("eventlog.py", "demo.py")]
    reported = {
        name
        for path in children
        for name in re.findall(r'(?:say|tell|report)\(\s*\{\s*"event": "(\w+)"', path.read_text())
    }
    assert len(reported) > 10
    assert reported - NOT_LOGGED == set(EVENTS) - {"ended", "log_gap"}
    operations = (SOURCE.parent / "docs" / "operations.md").read_text("utf-8")
    for name, kind in EVENTS.items():
        [row] = re.findall(rf"^\| `{name}` \| {kind.level} \|.*$", operations, re.MULTILINE)
        assert all(f"`{field}`" in row for field in kind.fields)


def test_only_named_fields_are_written(tmp_path: Path) -> None:
    """A field that somebody adds to an event does not reach the log by itself."""
    path = tmp_path / "log"
    number = (7 << 32) + 5
    with EventLog(str(path), ManualClock(NOON)) as events:
        events.tell({"event": "ready", "child": "web", "desk": "http://127.0.0.1/?key=1"})
        events.tell({"event": "unheard of", "child": "web", "email": "a@example.com"})
        events.tell({"event": "swept", "child": "scheduler", "busy": 0})
        events.tell({"event": "in_doubt", "child": "sender-1", "deliveries": [number] * 200})
    ready, doubt = lines_of(path.read_text())
    assert set(ready) == set(STABLE)
    assert ready["time"] == "2027-01-15T08:00:00.000Z"
    assert (doubt["count"], len(doubt["deliveries"]), doubt["distributions"]) == (200, 100, [7])
    assert (
        delivery_number(doubt["deliveries"][0]) == number == delivery_number(delivery_code(number))
    )


def test_progress_is_summed_and_trouble_not_repeated(tmp_path: Path) -> None:
    """Thousands of commits and a store that is away for an hour do not fill the disk."""
    path = tmp_path / "log"
    clock = ManualClock(NOON)
    with EventLog(str(path), clock) as events:
        for _ in range(300):
            clock.advance(0.5)
            events.tell({"event": "progress", "child": "sender-1", "accepted": 4})
            events.tell({"event": "trouble", "child": "sender-1", "reason": "locked"})
            events.tell({"event": "trouble", "child": "sender-2", "reason": "locked"})
    lines = lines_of(path.read_text())
    sums = [line["counts"]["accepted"] for line in of(lines, "progress")]
    assert sum(sums) == 1200 and len(sums) == 15
    first = [line["repeats"] for line in of(lines, "trouble") if line["child"] == "sender-1"]
    assert first == [0, 119, 119]


def test_a_moved_file_is_opened_anew_and_a_gap_is_told(tmp_path: Path) -> None:
    """As logrotate does it; while the folder is away nothing fails, afterwards the gap is known."""
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "log"
    ready = {"event": "ready", "child": "web"}
    with EventLog(str(path)) as events:
        events.tell(ready)
        path.rename(folder / "log.1")
        events.tell(ready)
        folder.rename(tmp_path / "gone")
        events.tell(ready)
        events.tell(ready)
        folder.mkdir()
        events.tell(ready)
    kept = [(tmp_path / "gone" / name).read_text() for name in ("log.1", "log")]
    assert [len(lines_of(text)) for text in kept] == [1, 1]
    gap, last = lines_of(path.read_text())
    assert (gap["event"], gap["lines"], last["event"]) == ("log_gap", 2, "ready")


def test_a_file_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Contract: exit code 2, what and where."""
    with pytest.raises(UsageError, match="nowhere"):
        EventLog(str(tmp_path / "nowhere" / "log"))


def test_standard_error_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """`-` is for machines whose collector reads what a service prints; U+2028 ends no line."""
    with EventLog(STANDARD_ERROR) as events:
        events.tell({"event": "stands", "child": "sender-1", "reason": "an\u2028other\nclock"})
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert json.loads(shown.err)["reason"] == "an\u2028other\nclock"


@given(st.emails(), st.text(), st.text(), st.sampled_from(["", " ", "<", "'", "=", ":"]))
@example('"a b"@example.com', "", "", "")
@example("a@example.com", "x" * 990, "", " ")
def test_no_address_comes_through(address: str, before: str, after: str, joint: str) -> None:
    """E21: whatever stands around it, neither the address nor an @ is left."""
    shown = mask(f"{before}{joint}{address}{joint}{after}")
    assert address not in shown
    assert not set(shown) & set("@＠﹫")


@given(st.binary(min_size=36, max_size=36), st.text(alphabet=" :,;/?&", max_size=5))
def test_no_token_comes_through(raw: bytes, around: str) -> None:
    """E21: a link to leave is as good as a signature, wherever its token stands."""
    token = base64.b32encode(raw).decode().rstrip("=").lower()
    for secret in (token, raw.hex(), base64.urlsafe_b64encode(raw).decode()):
        assert secret not in mask(f"see{around}/u/{secret}{around}now")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the store is locked", "the store is locked"),
        ("no such user <Ada@Example.com>: gone", "no such user [address] gone"),
        ('to "Ada L"@example.com failed', "to [address] failed"),
        ("postgresql://me:hidden@db/mailer is away", "[address] is away"),
        ("host=db password=hidden user=me", "host=db password=[secret] user=me"),
        ("Ada ＠ example.com", "[address]"),
    ],
)
def test_what_is_left_can_be_read(text: str, shown: str) -> None:
    """What does not look secret stays as it is."""
    assert mask(text) == shown
