"""Segments from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer

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


def test_an_export_needs_a_file(mailer: Mailer, room: Path) -> None:
    """A folder is wrong usage; a file that cannot be read is bad input, not wrong usage."""
    assert mailer("lists", "import", "lists/poland.csv").code == 0
    for place in (".", "lists", "nowhere/list.csv"):
        result = mailer("lists", "export", "poland", "--out", place)
        assert result.code == 2, place
        assert result.err.count("\n") == 1
    assert mailer("lists", "import", "lists").code == 4
