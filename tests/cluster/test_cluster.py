"""The cluster that `make demo-cluster` shows, end to end with few messages, and its judge."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.__main__ import main
from tests.cluster.run import Report, compare

ROOT = Path(__file__).parents[2]


def test_the_sink_has_what_the_ledger_says(capsys: pytest.CaptureFixture[str]) -> None:
    """H5, H7, H20: a machine dies and comes back, the database is restarted twice, and every
    delivery is accepted and taken once, or in doubt and not sent again."""
    code = main(["--messages", "2000", "--delay", "0.02"])
    shown = " ".join(capsys.readouterr().out.split())
    assert code == 0, shown
    assert "Equal: of 2,000 messages" in shown
    for happened in ("SIGKILL for press-1", "press-1 is back", "-m fast", "-m immediate"):
        assert happened in shown
    assert "press-1 said: After a crash" in shown


def row(code: str, state: str) -> dict[str, str]:
    return {"delivery": code, "email": f"{code}@d.example.com", "message_id": f"<{code}>",
            "state": state}  # fmt: skip


def taken(*codes: str) -> Counter[tuple[str, str]]:
    return Counter((f"{code}@d.example.com", f"<{code}>") for code in codes)


def judged(ledger: list[dict[str, str]], record: Counter[tuple[str, str]]) -> Report:
    report = compare(ledger, record)
    report.messages, report.state = len(ledger), "done"
    return report


def test_the_judge_can_say_no() -> None:
    """Lost, doubled, unknown, left over: each is found and named; in doubt is neither."""
    fine = [row("a", "accepted"), row("b", "in_doubt"), row("c", "in_doubt")]
    found = judged(fine, taken("a", "b"))
    assert found.equal and found.once == 1
    assert [(code, times) for code, _, times in found.doubtful] == [("b", 1), ("c", 0)]
    assert not judged(fine, taken("b")).equal
    assert judged(fine, taken("b")).lost
    assert judged(fine, taken("a", "a")).doubled and not judged(fine, taken("a", "a")).equal
    assert judged(fine, taken("a", "b", "b")).doubled, "sent again although in doubt"
    assert judged(fine, taken("a", "z")).ghosts and not judged(fine, taken("a", "z")).equal
    late = judged([row("a", "deferred")], taken("a"))
    assert late.open and late.ghosts and not late.equal
    assert "NOT equal" in late.sentence
    fewer = judged(fine, taken("a", "b"))
    fewer.messages = 4
    assert not fewer.equal, "the ledger has fewer than were queued"


def test_interrupted_it_leaves_nothing_behind() -> None:
    """Ctrl-C in mid-send: 130, no process, no folder."""
    place = tempfile.mkdtemp(prefix="mailer-interrupted-")
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster", "--messages", "1000", "--delay", "0.1"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": place, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "SIGKILL" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 130, rest
        assert "everything that was started has ended" in " ".join(rest.split())
        end = time.monotonic() + 20
        while belongs := _processes_of(place):
            assert time.monotonic() < end, belongs
            time.sleep(0.05)
        assert list(Path(place).glob("mailer-cluster-*")) == []
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _processes_of(place: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if place in words:
            found.append(words)
    return found
