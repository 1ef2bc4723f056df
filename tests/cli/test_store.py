"""`store copy` on the command line: what it prints, what it leaves with."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer


def test_copy(mailer: Mailer, room: Path, postgres_url: str) -> None:
    """The tables with their counts and hashes, what to do next, and exit 6 for the old store."""
    done = mailer("store", "copy", "sqlite:///mailer.db", postgres_url, "--json")
    assert done.code == 0
    assert done.json["from"] == f"sqlite:///{room / 'mailer.db'}"
    counts = {each["table"]: each["rows"] for each in done.json["tables"]}
    assert counts["facts"] >= 2 and counts["control"] == 1 and counts["deliveries"] == 0
    assert all(len(each["digest"]) == 32 for each in done.json["tables"])
    assert "store.url" in done.err
    old = mailer("status")
    assert old.code == 6 and "was moved to postgresql://" in old.err
    back = mailer("store", "copy", postgres_url, "sqlite:///again.db")
    assert back.code == 0 and "facts" in back.out and "equal in both" in back.out


def test_copy_refused(mailer: Mailer, room: Path) -> None:
    """Wrong addresses are wrong usage; a missing file is no store."""
    assert mailer("store", "copy", "mysql://x", "sqlite:///b.db").code == 2
    assert mailer("store", "copy", "sqlite:///mailer.db", "sqlite:///./mailer.db").code == 2
    assert mailer("store", "copy", "sqlite:///none.db", "sqlite:///b.db").code == 3
    assert not (room / "b.db").exists()
    assert mailer("store", "copy", "sqlite:///mailer.db", "sqlite:///lists/b.db").code == 0
