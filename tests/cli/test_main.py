"""The console entry: exit codes, sentences on stderr, never a traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from mailer.cli import log
from mailer.errors import MailerError

from tests.cli.conftest import Mailer


def test_wrong_usage_is_2(mailer: Mailer) -> None:
    """What does not exist is wrong usage, also commands that are not built."""
    for arguments in (["fly"], ["init", "--fast"], ["release"], ["subject", "burn"], ["log", "x"]):
        result = mailer(*arguments)
        assert result.code == 2, arguments
        assert result.out == ""
        assert "Traceback" not in result.err and "--help" in result.err


def test_help_and_version(mailer: Mailer) -> None:
    """Help goes to stdout and leaves with 0."""
    assert mailer("--help").code == 0
    assert "release" in mailer("--help").out
    assert mailer("log", "-h").code == 0
    assert mailer("--version").out.startswith("mailer ")


def test_no_configuration_is_3(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command outside a newsroom says how to make one."""
    monkeypatch.chdir(tmp_path)
    result = mailer()
    assert result.code == 3
    assert "mailer init" in result.err and result.err.count("\n") == 1
    assert mailer("--config", tmp_path / "no.toml", "log").code == 3
    assert mailer("log", "--config", tmp_path / "no.toml").code == 3


def test_internal_errors_are_70(
    mailer: Mailer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the program leaves one sentence and a private file with the details."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the ledger's secret")

    monkeypatch.setattr(log, "emit", broken)
    result = mailer("log", "--json")
    assert result.code == 70
    assert result.out == ""
    assert "ZeroDivisionError" not in result.err and result.err.count("\n") == 1
    (crash,) = room.glob("spool/crash-*.txt")
    assert str(crash) in result.err
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    assert "ZeroDivisionError: the ledger's secret" in crash.read_text()
    monkeypatch.setenv("MAILER_DEBUG", "1")
    assert "ZeroDivisionError" in mailer("log").err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 75),
        (MailerError("[bold]what[/bold] happened."), 70),
    ],
)
def test_other_ends(
    mailer: Mailer,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    """Interrupts, a full disk and errors meant for people have their own exit codes."""

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(log, "emit", broken)
    result = mailer("log")
    assert result.code == code
    assert result.err.count("\n") == 1
    assert list(room.glob("spool/crash-*")) == []
    if isinstance(error, MailerError):
        assert "[bold]what[/bold]" in result.err


def test_a_reader_that_leaves_is_not_a_fault(mailer: Mailer, room: Path) -> None:
    """`mailer … | head` ends quietly, also in the middle of a long listing."""
    (room / "many.txt").write_text("".join(f"p{n}@example.org\n" for n in range(3000)))
    assert mailer("suppress", "add", "many.txt").code == 0
    for arguments in ("--help", "suppress ls --json", "suppress ls", "suppress ls --format csv"):
        script = f"{sys.executable} -m mailer {arguments} | head -n 1"
        ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert ended.stderr == "", arguments
        assert ended.stdout.count("\n") == 1


def test_starting_is_quick() -> None:
    """Help must not load what only sending needs."""
    code = (
        "import sys; from mailer.cli.main import run; run(['--help']); "
        "sys.exit(any(name in sys.modules for name in "
        "('pydantic', 'jinja2', 'lxml', 'psycopg', 'sqlite3', 'fastapi', 'mailer.config')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=os.environ, check=False
    )
    assert ended.returncode == 0


def test_options_stand_anywhere(mailer: Mailer, room: Path) -> None:
    """--json, --config and --officer may stand before or after the command."""
    for arguments in (["--json", "status"], ["status", "--json"], ["--json"]):
        assert mailer(*arguments).json["distributions"] == []
    other = room.parent / "elsewhere"
    other.mkdir()
    os.chdir(other)
    assert mailer("--config", room / "config.toml", "status", "--json").code == 0
    assert mailer("status", "--json", "--config", room / "config.toml").code == 0


def test_wrong_format_is_2(mailer: Mailer, room: Path) -> None:
    """--format knows four words."""
    assert mailer("log", "--format", "xml").code == 2
