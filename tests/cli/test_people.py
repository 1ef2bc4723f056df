"""What is kept of people, from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from tests.cli.conftest import Mailer

HEADER = "email,first_name,last_name,outlet,consent_basis,source\n"


def test_a_dry_run_names_people(mailer: Mailer, room: Path) -> None:
    """Who is new, changed and how, unchanged, on hold, kept out, rejected, and who is probably here
    already: counts of all, the first by name, everybody for programs; and nothing stays."""
    (room / "one.csv").write_text(
        f"{HEADER}ada@example.com,Ada,Nowak,Daily,opt_in,form\n"
        "same@example.com,Bo,Ek,Daily,opt_in,form\nleft@example.com,Cy,Yo,Daily,opt_in,form\n"
    )
    assert mailer("lists", "import", "one.csv", "--list", "press").code == 0
    assert mailer("suppress", "add", "left@example.com").code == 0
    (room / "two.csv").write_text(
        f"{HEADER}ada@example.com,Ada,Nowak,Weekly,opt_in,form\nsame@example.com,,,,opt_in,form\n"
        "left@example.com,Cy,Yo,,opt_in,form\nnobody,No,One,,opt_in,form\n"
        "b.ek@example.com,Bo,Ek,daily,opt_in,form\nnew1@example.com,N,E,W,opt_in,form\n"
        "new2@example.com,N,F,W,opt_in,form\nheld@example.com,H,D,,bought,form\n"
        "no@example.com,Z,Z,,objected,form\n"
    )
    dry = ("lists", "import", "two.csv", "--list", "press", "--dry-run")
    found = mailer(*dry, "--json").json
    assert found["people_counts"] == {
        "new": 3, "changed": 1, "unchanged": 1, "on_hold": 1, "suppressed": 2, "rejected": 1,
        "duplicate": 1,
    }  # fmt: skip
    assert (found["import"], found["new"], found["changed"]) == (None, 3, 1)
    by = {(row["kind"], row.get("email")): row for row in found["people"]}
    assert by["changed", "ada@example.com"]["fields"] == ["outlet"]
    assert by["duplicate", "b.ek@example.com"]["of"] == ["same@example.com"]
    assert by["rejected", None]["line"] == 5
    assert ("on_hold", "held@example.com") in by and ("suppressed", "no@example.com") in by
    text = mailer(*dry, "--first", "2")
    assert "ada@example.com (Ada Nowak, Daily): outlet" in text.out
    assert "… and 1 more" in text.out and "new2@example.com" not in text.out
    assert "probably here already (1)" in text.out
    rows = list(csv.DictReader(io.StringIO(mailer(*dry, "--format", "csv").out)))
    lines = [json.loads(each) for each in mailer(*dry, "--format", "jsonl").out.splitlines()]
    assert len(rows) == len(lines) == len(found["people"]) == 10
    assert mailer("lists", "show", "press", "--json").json["members"] == 3
    assert mailer("lists", "import", "two.csv", "--format", "csv").code == 2


def test_an_import_goes_and_comes(mailer: Mailer, room: Path) -> None:
    """`lists imports` numbers them, `lists undo` takes one back, once."""
    (room / "one.csv").write_text(f"{HEADER}ada@example.com,Ada,Nowak,Daily,opt_in,form\n")
    number = mailer("lists", "import", "one.csv", "--json").json["import"]
    (row,) = mailer("lists", "imports", "--json").json
    assert (row["import"], row["list"], row["undo"], row["new"]) == (number, "one", True, 1)
    assert mailer("lists", "undo", number + 1).code == 5
    assert "1 people removed" in mailer("lists", "undo", number).out
    assert mailer("lists", "undo", number).code == 6
    assert mailer("lists", "ls", "--json").json == []


def test_one_journalist(mailer: Mailer, room: Path) -> None:
    """From where, when, by whom, on what basis (E7); two made one; a hold cleared."""
    (room / "one.csv").write_text(
        f"{HEADER}ada@example.com,Ada,Nowak,Daily,opt_in,web form\n"
        "a.nowak@example.org,Ada,Nowak,Daily,bought,list\n"
    )
    mailer("lists", "import", "one.csv", "--officer", "anna")
    shown = mailer("journalist", "show", "ada@example.com").out
    assert "one: web form" in shown and "opt_in; import 1 of one.csv by anna on 2" in shown
    assert "not yet informed" in shown
    assert mailer("journalist", "show", "z@example.com").code == 5
    assert "a.nowak@example.org" in mailer("lists", "duplicates", "one").out
    assert mailer("lists", "clear", "a.nowak@example.org", "--reason", "he rang").code == 0
    done = mailer("lists", "merge", "ada@example.com", "a.nowak@example.org", "--json").json
    assert done["stays"] == "ada@example.com"
    assert "merged with this address" in mailer("journalist", "show", "a.nowak@example.org").out
    exported = mailer("lists", "export", "one", "--provenance").out.splitlines()
    assert exported[0].startswith("email,first_name") and len(exported) == 2
    assert mailer("lists", "duplicates").out.startswith("Nobody seems")
