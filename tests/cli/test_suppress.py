"""Do not contact, from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer


def test_add_and_remove(mailer: Mailer, room: Path) -> None:
    """An address is suppressed once, however it is written; removing asks for one that is."""
    first = mailer("suppress", "add", "Anna@Example.org", "--reason", "asked by phone", "--json")
    assert first.json == {"added": 1, "known": 0, "rejected": [], "journalists": 0}
    again = mailer("suppress", "add", "anna@example.ORG", "--json")
    assert again.json == {"added": 0, "known": 1, "rejected": [], "journalists": 0}
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


def test_opt_outs_of_another_program(mailer: Mailer, room: Path) -> None:
    """Whatever the encoding and the columns: who left before stays out, known here or not, and
    the words of the file are kept as the reason (E12)."""
    (room / "old.csv").write_bytes(
        "Odjavljeni primatelji\r\n\r\nName;E-Mail-Adresse;Grund\r\n"
        'Łukasz;"LUKASZ@Example.org";"nie życzę sobie"\r\n'
        'Żaneta "Z;Zaneta <zaneta@example.org>;przeprowadzka\r\n'
        "Nikt;bez adresu;\r\n".encode("cp1250")
    )
    (room / "wide.txt").write_text("x@example.org, y@example.org\nz@example.org\n", "utf-16")
    (room / "people.csv").write_text("email,consent_basis,source\nzaneta@example.org,opt_in,form\n")
    assert mailer("lists", "import", "people.csv").code == 0
    result = mailer("suppress", "add", "old.csv", "wide.txt", "--json")
    assert result.code == 0, result.err
    assert (result.json["added"], result.json["known"], result.json["journalists"]) == (5, 0, 1)
    assert len(result.json["rejected"]) == 1 and "line 6" in result.json["rejected"][0]
    texts = [row["text"] for row in mailer("suppress", "ls", "--json").json]
    assert sorted(text for text in texts if text) == ["nie życzę sobie", "przeprowadzka"]
    # Re-import: nobody who left comes back, also whoever was not known then.
    (room / "again.csv").write_text(
        "email,consent_basis,source\nzaneta@example.org,opt_in,form\nX@example.org,opt_in,form\n"
    )
    counts = mailer("lists", "import", "again.csv", "--list", "people", "--json").json
    assert (counts["suppressed"], counts["new"]) == (2, 0)


def test_nothing_is_done_by_halves(mailer: Mailer, room: Path) -> None:
    """An unreadable target stops everything before the first entry."""
    for bad in ("nowhere.txt", "two@example.org,three@example.org", "lists"):
        assert mailer("suppress", "add", "a@example.org", bad).code == 4, bad
    assert mailer("suppress", "ls", "--json").json == []
    assert mailer("suppress", "add").code == 2
