"""`init` lays out a newsroom that the officer owns; `doctor` looks at it."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_a_working_newsroom(mailer: Mailer, tmp_path: Path) -> None:
    """Configuration, lists, private keys, spool and ledger are there."""
    folder = tmp_path / "press" / "room"
    result = mailer("init", folder, "--json")
    assert result.code == 0
    made = result.json
    assert made["kept"] == []
    assert {"config.toml", "keys/token.keys", "keys/suppression.key", "spool/"} <= set(made["made"])
    assert (folder / "lists").is_dir() and (folder / "mailer.db").is_file()
    assert _mode(folder / "keys") == 0o700 and _mode(folder / "spool") == 0o700
    for key in ("token.keys", "suppression.key"):
        assert _mode(folder / "keys" / key) == 0o600


def test_init_never_overwrites(mailer: Mailer, room: Path) -> None:
    """A second init keeps everything, what the officer changed included."""
    text = (room / "config.toml").read_text().replace("Open Dialog Foundation", "Other")
    (room / "config.toml").write_text(text)
    (room / "lists" / "poland.csv").unlink()
    before = {path: path.read_bytes() for path in (room / "keys").iterdir()}
    result = mailer("init", "--json")
    assert result.code == 0
    assert "config.toml" in result.json["kept"]
    assert result.json["made"] == []
    assert (room / "config.toml").read_text() == text
    assert {path: path.read_bytes() for path in before} == before


def test_init_refuses_a_new_suppression_key_for_an_old_ledger(mailer: Mailer, room: Path) -> None:
    """Whoever said stop would be mailed again with another key (design decision 8)."""
    (room / "keys" / "suppression.key").unlink()
    result = mailer("init")
    assert result.code == 6
    assert "backup" in result.err
    assert not (room / "keys" / "suppression.key").exists()
    assert mailer("doctor").code == 1


def test_init_in_a_file_is_wrong_usage(mailer: Mailer, tmp_path: Path) -> None:
    """A folder that cannot be made is said so."""
    (tmp_path / "file").write_text("x")
    assert mailer("init", tmp_path / "file").code == 2


def test_doctor_is_content_with_a_fresh_newsroom(mailer: Mailer, room: Path) -> None:
    """Nothing fails; that the sample addresses are samples is a warning."""
    result = mailer("doctor", "--json")
    assert result.code == 0
    checks = {(check["name"], check["state"]) for check in result.json["checks"]}
    assert ("sender", "warning") in checks and ("store", "ok") in checks
    assert result.json["ok"] is True
    lines = mailer("doctor").out.splitlines()
    assert all(len(text) <= 80 for text in lines if str(room) not in text)


def test_doctor_names_a_paused_route(mailer: Mailer, room: Path) -> None:
    """Nothing leaves by it, however well its server answers."""
    assert mailer("routes", "pause", "default", "--reason", "new contract").code == 0
    checks = mailer("doctor", "--json").json["checks"]
    [paused] = [each for each in checks if "is paused" in each["message"]]
    assert (paused["name"], paused["state"]) == ("route default", "warning")
    assert "new contract" in paused["message"] and "mailer routes resume" in paused["message"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda room: (room / "keys" / "token.keys").chmod(0o644), "keys"),
        (lambda room: (room / "keys" / "token.keys").unlink(), "keys"),
        (lambda room: (room / "keys" / "suppression.key").write_text("00" * 32), "store"),
        (lambda room: (room / "mailer.db").unlink(), "store"),
        (lambda room: (room / "mailer.db").write_text("no database, just text" * 99), "store"),
        (lambda room: shutil.rmtree(room / "keys"), "keys"),
    ],
)
def test_doctor_finds(mailer: Mailer, room: Path, change: object, name: str) -> None:
    """Each fault is found under its name, and the doctor leaves with 1."""
    for extra in ("-wal", "-shm"):
        (room / f"mailer.db{extra}").unlink(missing_ok=True)
    assert callable(change)
    change(room)
    result = mailer("doctor", "--json")
    assert result.code == 1
    failed = [check for check in result.json["checks"] if check["state"] == "fail"]
    assert name in {check["name"] for check in failed}
    assert all(check["message"].endswith(".") for check in failed)


def test_doctor_reaches_no_server(
    mailer: Mailer, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route that is not the sandbox's must answer; a user needs a password."""
    monkeypatch.setenv("MAILER_SMTP__URL", "smtp://127.0.0.1:1")
    result = mailer("doctor", "--json")
    assert result.code == 1
    (failed,) = [check for check in result.json["checks"] if check["state"] == "fail"]
    assert failed["name"] == "route default" and "Check host" in failed["message"]
    monkeypatch.setenv("MAILER_SMTP__URL", "smtp://anna@127.0.0.1:1")
    (failed,) = [
        check for check in mailer("doctor", "--json").json["checks"] if check["state"] == "fail"
    ]
    assert "MAILER_SMTP_PASSWORD" in failed["message"]


def test_doctor_is_strict_when_live(mailer: Mailer, room: Path) -> None:
    """With live = true sample addresses and unreachable links are failures."""
    text = (room / "config.toml").read_text().replace("live = false\n", "live = true\n")
    (room / "config.toml").write_text(text)
    result = mailer("doctor", "--json")
    assert result.code == 1
    failed = {check["name"] for check in result.json["checks"] if check["state"] == "fail"}
    assert {"sender", "public address"} <= failed


def test_store_migrate_and_check(mailer: Mailer, room: Path) -> None:
    """A fresh store is up to date and whole; a damaged one is told with exit code 1."""
    assert mailer("store", "migrate", "--json").json == {"applied": []}
    assert mailer("store", "check", "--json").json == {"ok": True, "faults": []}
    with sqlite3.connect(room / "mailer.db") as connection:
        connection.execute("INSERT INTO addresses VALUES (7, 'a@example.org', x'00')")
    connection.close()
    result = mailer("store", "check")
    assert result.code == 1
    assert "✗ fail" in result.out


def test_a_locked_store_is_75(mailer: Mailer, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that another process keeps locked: nothing done, try again."""
    connection = sqlite3.connect(room / "mailer.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = mailer("suppress", "add", "a@example.org")
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert result.code == 75
    assert "nothing was done" in result.err
    assert mailer("suppress", "ls", "--json").json == []
