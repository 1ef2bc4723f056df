"""What a newsroom has to be able to say of itself (E20, E22)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.cli.main import run
from mailer.config import RetentionConfig
from mailer.distribution import accountability, retention, suppressions
from mailer.distribution.accountability import breach, processing, watched, write_record
from mailer.distribution.lists import import_file
from mailer.distribution.textrows import as_json
from mailer.errors import CheckFailed, UsageError

from tests.distribution.press import Press
from tests.distribution.room import write_list


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    """Two lists, one of them with a name that tries to break out of a table."""
    with Press(tmp_path_factory.mktemp("room"), "sqlite:///mailer.db") as press:
        path = write_list(press.config.home, "many", 150)
        import_file(press.room, path, actor="anna")
        press.people("a | <b>", ["zoe@example.com", "ben@example.com"])
        suppressions.add(press.room, ["ben@example.com"], "anna", reason="asked")
        yield press


def test_the_record_is_made_from_what_is_so(press: Press) -> None:
    """E20: bases, lists with their sources, recipients, time limits; no cell breaks a table."""
    text = processing(press.room)
    assert "| sending press releases | consent (art. 6(1)(a)) | 152 |" in text
    assert "| many | press | 150 | form (150) |" in text and "a \\| \\<b>" in text
    assert "127.0.0.1:1, not encrypted" in text and "24 months" in text and "BE (152)" in text
    assert "1 Example Street, 1000 Exampleville" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {3, 4, 5}


def test_a_newsroom_changes_one_block_and_a_slip_is_told(press: Press, tmp_path: Path) -> None:
    """E20: a newsroom may have its own; HTML on demand; errors name the file."""
    own = press.config.templates_dir / "docs" / "processing.md"
    config = str(press.config.path)
    assert run(["--config", config, "templates", "eject", "docs/processing.md"]) == 0
    own.write_text(own.read_text().replace("Contracts under art. 28", "Our contracts (art. 28)"))
    out = tmp_path / "record.html"
    write_record(press.room, out)
    page = out.read_text()
    assert "<table>" in page and "Our contracts (art. 28)" in page and "a | &lt;b&gt;" in page
    assert out.stat().st_mode & 0o077 == 0
    block = "{% block transfers %}Nothing leaves the EU.{% endblock %}"
    own.write_text('{% extends "docs/processing.md" %}' + block)
    assert "Nothing leaves the EU." in processing(press.room)
    own.write_text("{{ nobody_knows }}")
    with pytest.raises(CheckFailed, match="nobody_knows"):
        processing(press.room)
    own.unlink()


def test_who_reads_much_stands_in_the_history(
    press: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    """E22: exports of lists, and 100 rows or more of anything, with who and how much; few are not
    worth a line; what was broken off counts as far as it went."""
    config = ["--config", str(press.config.path), "--officer", "mallory"]
    assert run([*config, "lists", "export", "many"]) == 0
    assert run([*config, "lists", "export", "many", "--out", str(press.config.home / "x.csv")]) == 0
    assert run([*config, "suppress", "ls"]) == 0
    capsys.readouterr()
    begun = watched(press.room, iter(range(1000)), "eve", "log")
    for _ in range(120):
        next(begun)
    begun.close()
    found = breach(press.room, "1h", "anna")
    read = [(row["actor"], row["data"]) for row in found["bulk_reads"]]
    assert read == [
        ("mallory", {"what": "list many", "rows": 151}),
        ("mallory", {"what": "list many", "rows": 151}),
        ("eve", {"what": "log", "rows": 120}),
    ]


def test_a_breach_report_says_who_what_and_since_when(press: Press, tmp_path: Path) -> None:
    """E22: people by state and country, what is held, the 72 hours, actors; whom it concerns."""
    found = breach(press.room, "2h", "anna")
    assert found["people"] == 152 and found["by_country"] == [{"country": "BE", "people": 152}]
    assert found["rows"]["suppressions"] == 1 and found["held"]
    assert any(row["actor"] == "anna" and row["acts"] > 1 for row in found["actors"])
    json.loads(as_json(found))
    path = tmp_path / "people.jsonl"
    assert accountability.affected(press.room, path, "anna") == 152
    assert json.loads(path.read_text().splitlines()[0])["email"] == "j1@example.com"
    with pytest.raises(UsageError):
        breach(press.room, "not a time", "anna")


def test_every_kind_has_an_age() -> None:
    """E13, E20: whatever goes by itself has a time that the record can name."""
    ages = {kind: retention.age_of(RetentionConfig(), kind) for kind in retention.KINDS}
    assert all(age >= 86_400 for age in ages.values())
