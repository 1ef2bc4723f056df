"""List files at the command line: columns, text from a pipe, the one question, `lists check`."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Mailer


def test_a_dry_run_shows_the_columns(mailer: Mailer, room: Path) -> None:
    """E9: which column was taken for what and why, and what is missing."""
    (room / "press.csv").write_text("Titel;Mail;Land;X\nDr;anna@example.org;BE;1\n")
    result = mailer("lists", "import", "press.csv", "--dry-run")
    assert result.code == 0
    assert result.out.splitlines()[:3] == [
        "press.csv: CSV, column names in line 1",
        "  email          column 2, “Mail” – its name",
        "  country        column 3, “Land” – its name",
    ]
    assert "  not used: 1 “Titel”, 4 “X”" in result.out
    assert "press: would be 1 new" in result.out
    facts = mailer("lists", "import", "press.csv", "--dry-run", "--json").json
    assert [c["field"] for c in facts["columns"]] == ["email", "country", "", ""]
    assert "first_name" in facts["missing"]


def test_text_from_a_pipe(room: Path) -> None:
    """E9: needs the name of a list, and asks nothing without a terminal."""
    command = [sys.executable, "-m", "mailer", "lists", "import", "-"]
    nameless = subprocess.run(command, cwd=room, input=b"a@example.org\n", capture_output=True)
    assert nameless.returncode == 2
    assert b"needs --list NAME" in nameless.stderr
    done = subprocess.run(
        [*command, "--list", "press"],
        cwd=room,
        input=b"Anna Nowak, Daily X <anna@example.org>\nnobody\n",
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"press: 1 new, 1 rejected" in done.stdout
    assert b"Where do" not in done.stderr
    assert b"--source" in done.stderr


def test_a_terminal_is_asked_where_people_come_from(room: Path, mailer: Mailer) -> None:
    """E9: once, and the answer is kept with the people."""
    (room / "press.csv").write_text("email\nanna@example.org\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer", "lists", "import", "press.csv"],
        cwd=room,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"Enter if nobody knows: " not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"2 Impressum\n")
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert b"Where do the people in press.csv come from?" in shown
    assert out.startswith(b"press: 1 new")
    row = mailer("lists", "export", "press").out.splitlines()[1]
    assert ",public_contact,Impressum," in row


def test_checking_a_list(mailer: Mailer, room: Path) -> None:
    """E7, A28: findings in every form; 1 only where mail cannot arrive."""
    (room / "press.csv").write_text(
        "email,source\nkim@gmial.com,card\nredakcja@example.org,card\nanna@example.org,card\n"
    )
    mailer("lists", "import", "press.csv")
    result = mailer("lists", "check", "press")
    assert result.code == 0
    assert "kim@gmail.com" in result.out
    assert "3 people looked through, 0 that mail cannot reach." in result.err
    facts = mailer("lists", "check", "press", "--json").json
    assert facts["counts"] == {"typo": 1, "role": 1}
    assert mailer("lists", "check", "press", "--dns-server", "dns.example").code == 2
    assert mailer("lists", "check", "nobody").code == 5
