"""Segments from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer
from tests.distribution.room import RELEASE

SEGMENTS = """
[segments.capital]
title = "EU affairs, Brussels"
all  = [{ beat = ["eu", "foreign affairs"] }, { country = ["BE", "FR"] }]
none = [{ outlet = ["Daily X"] }]
"""


def test_ls_show_and_count(mailer: Mailer, room: Path) -> None:
    """The file is read on every use; an empty newsroom counts nobody."""
    (room / "lists" / "segments.toml").write_text(SEGMENTS)
    (row,) = mailer("segments", "ls", "--json").json
    assert (row["segment"], row["title"]) == ("capital", "EU affairs, Brussels")
    shown = mailer("segments", "show", "capital", "--json").json
    assert shown["all"][0] == {"beat": ["eu", "foreign affairs"]}
    assert "beat eu or foreign affairs" in mailer("segments", "show", "capital").out
    assert row["text"] == 'beat:eu,"foreign affairs" country:be,fr -outlet:"daily x"'
    assert mailer("segments", "show", row["text"], "--json").json["all"] == shown["all"]
    assert mailer("segments", "count", "capital", "--json").json["recipients"] == 0


def test_unknown_and_broken_segments(mailer: Mailer, room: Path) -> None:
    """A misspelt name is 5 and names the nearest; a broken file is 4 with its line."""
    (room / "lists" / "segments.toml").write_text(SEGMENTS)
    result = mailer("segments", "count", "capitol")
    assert result.code == 5 and "capital" in result.err
    assert mailer("segments", "show", "list:nowhere").code == 5
    (room / "lists" / "segments.toml").write_text(SEGMENTS + "[segments.x\n")
    result = mailer("segments", "ls")
    assert result.code == 4 and "line 6" in result.err


def test_preview_and_the_compact_form(mailer: Mailer, room: Path) -> None:
    """F: how many, of what kind, who first, who not and why; a slip is wrong usage with its column,
    a value that nobody has and a contradiction are told."""
    people = (
        "email,first_name,last_name,outlet,beats,country,language,consent_basis,source\n"
        + "".join(
            f"p{n}@example.com,Ada,N{n},Daily {'XY'[n % 2]},{'EU; Sport' if n % 3 else 'EU'},"
            f"{'BE' if n < 8 else 'FR'},{'en' if n else ''},{'' if n == 1 else 'opt_in'},form\n"
            for n in range(12)
        )
    )
    (room / "press.csv").write_text(people)
    assert mailer("lists", "import", "press.csv").code == 0
    assert mailer("suppress", "add", "p2@example.com").code == 0
    text = 'list:press country:be -outlet:"daily y"'
    found = mailer("segments", "preview", text, "--json").json
    assert (found["selected"], found["recipients"]) == (4, 3)
    assert found["left_out"] == {"suppressed": 1}
    assert found["breakdown"]["outlet"] == {"Daily X": 3}
    assert found["breakdown"]["beat"] == {"EU": 3, "Sport": 1}
    assert found["breakdown"]["language"] == {"en": 2, "": 1}
    assert [each["name"] for each in found["people"]] == ["Ada N0", "Ada N4", "Ada N6"]
    assert found["left_out_people"][0]["reason"] == "suppressed"
    shown = mailer("segments", "preview", text)
    assert "3 would get it, of 4 selected" in shown.out and "1 left out: suppressed" in shown.out
    assert mailer("segments", "count", text, "--json").json["recipients"] == 3
    wrong = mailer("segments", "preview", "contry:be")
    assert wrong.code == 2 and "column 1" in wrong.err and "country" in wrong.err
    doubtful = mailer("segments", "preview", "beat:sports country:be country:fr")
    assert doubtful.code == 0 and 'Did you mean "sport"?' in doubtful.err
    assert "nobody can match" in doubtful.err
    release = room / "release.md"
    release.write_text(RELEASE)
    planned = mailer("queue", str(release), "--to", text, "--dry-run", "--json")
    assert planned.json["recipients"] == 3 and planned.json["left_out"] == {"suppressed": 1}
    loose = mailer("queue", str(release), "--to", "beat:eu", "--to", "country:be", "--dry-run")
    assert "one text in quotation marks" in loose.err
    refused = mailer("queue", str(release), "--to", "beat:eu -beat:eu")
    assert refused.code == 6


def test_an_export_needs_a_file(mailer: Mailer, room: Path) -> None:
    """A folder is wrong usage; a file that cannot be read is bad input, not wrong usage."""
    assert mailer("lists", "import", "lists/poland.csv").code == 0
    for place in (".", "lists", "nowhere/list.csv"):
        result = mailer("lists", "export", "poland", "--out", place)
        assert result.code == 2, place
        assert result.err.count("\n") == 1
    assert mailer("lists", "import", "lists").code == 4


def test_a_topic_is_opened_and_closed(mailer: Mailer, room: Path) -> None:
    """Sign-up is for topics that the newsroom opened; any other list is refused (6)."""
    for name, kind in (("energy", "topic"), ("press", "press")):
        (room / f"{name}.csv").write_text("email\nada@example.org\n")
        imported = mailer("lists", "import", f"{name}.csv", "--kind", kind, "--source", "a form")
        assert imported.code == 0
    assert mailer("lists", "open", "energy").out.rstrip().endswith("/subscribe")
    assert mailer("lists", "open", "energy", "--json").json["changed"] is False
    refused = mailer("lists", "open", "press")
    assert refused.code == 6 and "kind press" in refused.err
    assert mailer("lists", "open", "nowhere").code == 5
    assert "closed" in mailer("lists", "close", "energy").out
