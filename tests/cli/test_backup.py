"""`store backup`, `store restore` and `restored` as commands: words, JSON and exit codes."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer

RELEASE = "# News of today\n\nBrussels – It happened.\n\n## Contact\n\nAda – ada@example.org\n"
PEOPLE = "email,first_name,last_name,language,consent_basis,source\n" + "".join(
    f"j{n}@example.com,Ada,N{n},en,opt_in,form\n" for n in range(3)
)


def test_backup_restore_and_the_word(mailer: Mailer, room: Path) -> None:
    """The whole way on the command line."""
    (room / "people.csv").write_text(PEOPLE)
    (room / "news.md").write_text(RELEASE)
    assert mailer("lists", "import", "people.csv").code == 0
    assert mailer("queue", "news.md", "--to", "list:people", "--at", "now").code == 0
    made = mailer("store", "backup", "--json")
    assert made.code == 0 and made.json["keys"] is False
    assert made.json["tables"]["deliveries"] == 3
    assert "suppression key is not in this backup" in made.json["warnings"][0]
    path = made.json["backup"]

    shown = mailer("store", "restore", path, "--dry-run")
    assert shown.code == 0 and "is whole, without the keys" in shown.out
    refused = mailer("store", "restore", path)
    assert refused.code == 6 and "--move-aside" in refused.err
    done = mailer("store", "restore", path, "--move-aside", "--json")
    assert done.code == 0 and done.json["held"] == 1 and Path(done.json["aside"]).exists()

    assert "may have left meanwhile" in " ".join(mailer().out.split())
    listed = mailer("restored")
    assert listed.code == 0 and "meanwhile" in listed.out
    assert all(len(line) <= 80 for line in listed.out.splitlines())
    assert mailer("resume", "1").code == 6
    assert mailer("restored", "--left").code == 2
    assert mailer("restored", "1", "--left", "--let-go").code == 2
    assert mailer("restored", "9").code == 5
    left = mailer("restored", "1", "--left", "--officer", "anna", "--json")
    assert left.json == {
        "distribution": 1,
        "decision": "left",
        "batches": 1,
        "deliveries": 3,
        "state": "done",
    }
    assert mailer("restored", "--json").json == []
    assert mailer("restored", "1", "--left").code == 5
    log = mailer("log", "--json").json
    assert {row["state"] for row in log} == {"accepted"}
    shown = mailer("show", log[0]["delivery"])
    assert "by anna's word" in " ".join(shown.out.split()) and "already" in shown.out
    assert mailer("store", "check").code == 0


def test_a_torn_backup_and_a_wrong_key(mailer: Mailer, room: Path) -> None:
    """Each has its own exit code and says what is wrong."""
    path = Path(mailer("store", "backup", "one", "--json").json["backup"])
    taken = mailer("store", "backup", "one/manifest.json")
    assert taken.code == 2 and "of that name already" in taken.err
    (room / "keys" / "suppression.key").write_text("ab" * 32)
    wrong = mailer("store", "restore", path, "--move-aside")
    assert wrong.code == 6 and "suppression key here is not the one" in wrong.err
    (path / "store.db").write_bytes(b"")
    torn = mailer("store", "restore", path, "--dry-run")
    assert torn.code == 4 and "torn" in torn.err
    assert mailer("store", "restore", "nothing").code == 5
