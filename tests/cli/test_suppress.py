"""Do not contact, from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer


def test_add_and_remove(mailer: Mailer, room: Path) -> None:
    """An address is suppressed once, however it is written; removing asks for one that is."""
    first = mailer("suppress", "add", "Anna@Example.org", "--reason", "asked by phone", "--json")
    assert first.json == {"added": 1, "known": 0, "rejected": []}
    again = mailer("suppress", "add", "anna@example.ORG", "--json")
    assert again.json == {"added": 0, "known": 1, "rejected": []}
    (row,) = mailer("suppress", "ls", "--json").json
    assert (row["scope"], row["reason"], row["text"]) == ("all", "officer", "asked by phone")
    # The address is nobody's here, so only its hash is kept.
    assert row["email"] is None
    assert mailer("suppress", "remove", "ANNA@example.org").code == 0
    assert mailer("suppress", "remove", "anna@example.org").code == 5
    assert mailer("suppress", "ls", "--json").json == []


def test_add_from_files(mailer: Mailer, room: Path) -> None:
    """One address a line, or a CSV file with a column of them; bad lines are told."""
    (room / "plain.txt").write_text("# old list\na@example.org\n\nno address\nb@example.org\n")
    (room / "list.csv").write_text("name;E-Mail\nAda;c@example.org\nBob;b@example.org\n")
    result = mailer("suppress", "add", "plain.txt", "list.csv", "--json")
    assert result.code == 0
    assert (result.json["added"], result.json["known"]) == (3, 0)
    assert len(result.json["rejected"]) == 1 and "line 4" in result.json["rejected"][0]


def test_nothing_is_done_by_halves(mailer: Mailer, room: Path) -> None:
    """An unreadable target stops everything before the first entry."""
    for bad in ("nowhere.txt", "two@example.org,three@example.org", "lists"):
        assert mailer("suppress", "add", "a@example.org", bad).code == 4, bad
    assert mailer("suppress", "ls", "--json").json == []
    assert mailer("suppress", "add").code == 2
