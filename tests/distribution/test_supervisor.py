"""The supervisor and its children as real processes: start, restart, end, and a full disk."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import SystemClock
from mailer.config import Config
from mailer.distribution import supervisor as supervisors
from mailer.distribution.log import log, status_of
from mailer.distribution.supervisor import Supervisor
from mailer.errors import ConfigError, MailerError, Refused, StoreUnavailable

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.sending import members, role_of, wait_gone

Events = list[dict[str, Any]]


def until(true: Callable[[], object], seconds: float = 20.0) -> float:
    """Wait until it is true; the seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.01)
    return time.monotonic() - began


@contextlib.contextmanager
def serving(config: Config) -> Iterator[Events]:
    """What `serve` does, without the web, in a thread; its events."""
    events: Events = []
    supervisor = Supervisor(config, once=False, tell=events.append)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        until(lambda: any(e["event"] == "ready" and e["child"] == "sender-1" for e in events))
        yield events
    finally:
        supervisor.stop()
        thread.join(45)
        assert not thread.is_alive()


def child(config: Config, role: str) -> int:
    """The process id of this newsroom's child of that role; 0 when there is none."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and role_of(int(entry.name)) == role:
            with contextlib.suppress(OSError):
                if str(config.path).encode() in (entry / "cmdline").read_bytes():
                    return int(entry.name)
    return 0


def command(config: Config, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command line in a process group of its own."""
    argv = [sys.executable, "-m", "mailer", "--config", str(config.path), *arguments]
    return subprocess.Popen(
        argv,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def newsroom(folder: Path, store_url: str, port: int, people: int, **options: Any) -> Press:
    press = Press(folder, store_url, port=port, sending='retry = ["1s"]', **options)
    press.people("all", [f"j{n}@example.com" for n in range(1, people + 1)])
    return press


def test_what_is_queued_beside_it_starts_by_itself(tmp_path: Path, store_url: str) -> None:
    """Decision 2: `queue` typed while it runs; and a time to come is never anticipated."""
    with Recorder() as server, newsroom(tmp_path / "room", store_url, server.port, 5) as press:
        with serving(press.config):
            press.queue("list:all")
            until(lambda: server.got)
            until(lambda: status_of(press.room, 1)["state"] == "done")
            begins, due = time.monotonic() + 1.99, SystemClock().now() + 2_000_000
            press.queue("list:all", at=_stamp(due))
            until(lambda: len(server.got) > 5)
            assert all(at >= begins for at, _ in server.mail_from[5:])
        assert child(press.config, "sender") == child(press.config, "scheduler") == 0
        assert press.rows("SELECT count(*) AS n FROM workers WHERE left_at IS NULL") == [(0,)]


def _stamp(instant: int) -> str:
    from mailer.clock import to_datetime

    return to_datetime(instant).isoformat()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, kind: signal.Signals) -> None:
    """Decision 5: no new MAIL FROM, replies awaited, the rest given back; a second is refused."""
    with (
        Recorder(delay=0.3) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 300) as press,
    ):
        press.queue("list:all")
        process = command(press.config, "run")
        until(lambda: len(server.got) >= 12)
        second = command(press.config, "run", "--once")
        _, said = second.communicate(timeout=30)
        assert second.returncode == 6 and f"(process {process.pid})" in said
        process.send_signal(kind)
        told = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert time.monotonic() - told < 10.0
        wait_gone(process.pid, 1.0)
        assert max(at for at, _ in server.mail_from) < told + 1.0
        taken = len(server.got)
        assert status_of(press.room, 1)["counts"] == {"accepted": taken, "queued": 300 - taken}
        assert list((press.config.spool_dir / "journals").iterdir()) == []


def test_a_signal_to_the_whole_group_restarts_nobody(tmp_path: Path) -> None:
    """Decision 5: children may end before their supervisor has seen the same signal."""
    with (
        Recorder(delay=0.05) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 200) as press,
    ):
        press.queue("list:all")
        process = command(press.config, "run")
        until(lambda: len(server.got) >= 12)
        os.killpg(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "again" not in said, said


def test_a_killed_sender_is_restarted_and_told(tmp_path: Path, store_url: str) -> None:
    """Decision 5, H9: the rest goes, nothing twice, the doubtful are shown."""
    with (
        Recorder(delay=0.05) as server,
        newsroom(tmp_path / "room", store_url, server.port, 120) as press,
    ):
        with serving(press.config) as events:
            press.queue("list:all")
            until(lambda: len(server.got) >= 10)
            victim = child(press.config, "sender")
            os.kill(victim, signal.SIGKILL)
            until(lambda: status_of(press.room, 1)["state"] == "done")
            assert child(press.config, "sender") not in (0, victim)
        told = [e for e in events if e["event"] == "restarted"]
        assert [(e["child"], e["code"]) for e in told] == [("sender-1", -signal.SIGKILL)]
        assert any(e["event"] == "recovered" for e in events)
        counts = status_of(press.room, 1)["counts"]
        assert counts["accepted"] + counts.get("in_doubt", 0) == 120
        assert counts.get("in_doubt", 0) <= 4
        assert set(server.recipients.values()) == {1}


def test_a_killed_scheduler_is_restarted_and_goes_on(tmp_path: Path) -> None:
    """Decision 2: its jobs are made from rows, so nothing is forgotten with it."""
    with (
        Recorder() as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 5) as press,
        serving(press.config) as events,
    ):
        press.queue("list:all", at=_stamp(SystemClock().now() + 1_500_000))
        victim = child(press.config, "scheduler")
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(server.got) == 5)
        assert child(press.config, "scheduler") not in (0, victim)
        assert [e["child"] for e in events if e["event"] == "restarted"] == ["scheduler"]
        assert len([e for e in events if e["event"] == "ready" and e["child"] == "sender-1"]) == 1


def test_the_children_leave_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """Decision 5: its pipe closes; what was not sent goes back by itself."""
    with (
        Recorder(delay=0.05) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 300) as press,
    ):
        press.queue("list:all")
        process = command(press.config, "run")
        until(lambda: len(server.got) >= 10)
        assert len(members(process.pid)) >= 3
        process.kill()
        process.communicate(timeout=10)
        wait_gone(process.pid, 10.0)
        taken = len(server.got)
        assert status_of(press.room, 1)["counts"] == {"accepted": taken, "queued": 300 - taken}


def test_what_is_configured_wrongly_ends_it_with_the_childs_sentence(tmp_path: Path) -> None:
    """Contract: 3 and 6 are answers, not restarts."""
    with newsroom(tmp_path / "room", "sqlite:///mailer.db", 1, 1) as press:
        key = press.config.keys_dir / "suppression.key"
        right = key.read_text()
        key.write_text("cd" * 32)
        with pytest.raises(Refused, match="suppression key is not the one"):
            press.run()
        key.write_text(right)
        (press.config.keys_dir / "token.keys").chmod(0o644)
        with pytest.raises(ConfigError, match="other users"):
            press.run()


def test_a_child_that_dies_again_and_again_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H20: `run --once` never turns in circles for ever."""
    monkeypatch.setattr(supervisors, "_MOST_RESTARTS", 2)
    monkeypatch.setattr(supervisors, "_RESTART_AFTER", 0.0)
    with (
        Recorder(delay=5.0) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 40) as press,
    ):
        press.queue("list:all")

        def strike(event: dict[str, Any]) -> None:
            if event["event"] == "ready" and event["child"] == "sender-1":
                worker = event["worker"]
                [(pid,)] = press.rows("SELECT pid FROM workers WHERE id = :w", w=worker)
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(MailerError, match=r"sender-1 dies again and again \(exit code -9\)"):
            Supervisor(press.config, once=True, tell=strike).run()
        assert max(server.recipients.values(), default=0) <= 1


def test_a_damaged_template_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    """H20: what no repeat can mend is said once."""
    with (
        Recorder() as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 2) as press,
    ):
        press.queue("list:all")
        with press.room.store.write() as tx:
            tx.execute("UPDATE compiled SET data = :junk", {"junk": b"junk"})
        with pytest.raises(MailerError, match="template cannot be read"):
            press.run()
        assert server.got == []
        assert status_of(press.room, 1)["counts"] == {"queued": 2}


# A full disk ------------------------------------------------------------------------------------

_IMPATIENT = """
import sys
from mailer.distribution import supervisor
supervisor._TROUBLE_FOR = 2.0
from mailer.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def run_with_files_up_to(config: Config, size: int) -> tuple[int, str]:
    """`run --once` where no file can grow beyond `size` bytes; exit code and what it said.

    To the program that is a full disk, met in the middle of a write, on any machine and as any
    user. Its patience with such a store is cut to two seconds.
    """
    process = subprocess.run(
        [sys.executable, "-c", _IMPATIENT, "--config", str(config.path), "run", "--once"],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return process.returncode, process.stderr


def test_when_the_store_is_full_nothing_is_sent_that_cannot_be_logged(tmp_path: Path) -> None:
    """H20: it ends with 75 and a sentence; with room again all that is left goes once."""
    people = 4000  # more than one claim, however fast the machine
    with (
        Recorder(delay=0.005) as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, people) as press,
    ):
        press.queue("list:all")
        press.room.store.close()  # with the last reader gone, the log of the store is put away
        room_left = 400_000  # what some hundred answers take
        store = press.config.path.with_name("mailer.db").stat().st_size
        code, said = run_with_files_up_to(press.config, store + room_left)
        assert code == 75, said
        assert "disk" in said and "Traceback" not in said
        taken = dict(server.recipients)
        assert 0 < len(taken) < people
        assert press.run().counts.get("in_doubt", 0) == 0
        assert set(server.recipients.values()) == {1} and len(server.got) == people
        assert {(r["email"], r["message_id"]) for r in log(press.room, state="accepted")} == {
            (got.rcpt_to, got.message_id) for got in server.got
        }


def test_when_the_journal_has_no_room_nothing_is_sent_at_all(tmp_path: Path) -> None:
    """H20: the disk is asked before the claim, never after the dot."""
    with (
        Recorder() as server,
        newsroom(tmp_path / "room", "sqlite:///mailer.db", server.port, 50) as press,
    ):
        press.queue("list:all")
        press.room.store.close()
        code, said = run_with_files_up_to(press.config, 700_000)
        assert code == 75, said
        assert "journal cannot be written" in said and "Traceback" not in said
        assert server.got == []
        assert status_of(press.room, 1)["counts"] == {"queued": 50}
        press.run()
        assert len(server.got) == 50 and set(server.recipients.values()) == {1}


def test_a_spool_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """H20: 75, nothing done."""
    with newsroom(tmp_path / "room", "sqlite:///mailer.db", 1, 1) as press:
        spool = press.config.spool_dir
        for entry in spool.iterdir():
            entry.unlink() if entry.is_file() else None
        with contextlib.suppress(OSError):
            spool.rmdir()
        spool.rename(spool.with_name("away")) if spool.exists() else None
        spool.write_text("a file in the way")
        with pytest.raises(StoreUnavailable, match="spool folder cannot be written") as caught:
            press.run()
        assert caught.value.exit_code == 75 and str(spool) in caught.value.where


def test_a_run_that_does_not_fit_the_other_machines_leaves(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 17: with `once` it must not wait for ever for somebody to mend it."""
    monkeypatch.setattr(supervisors, "_TROUBLE_FOR", 1.0)
    with (
        Recorder() as server,
        Press(
            tmp_path / "room", postgres_url, port=server.port, sending='rescue_after = "1s"'
        ) as press,
    ):
        press.people("all", ["j1@example.com"])
        press.queue("list:all")
        with press.room.store.write() as tx:
            later = tx.now() + 3_600_000_000
            tx.execute(
                "INSERT INTO machines (host, config_digest, seen_at) VALUES ('x', 'other', :at)",
                {"at": later},
            )
        with pytest.raises(Refused, match="its configuration and that of x differ"):
            press.run()
    assert server.got == []
