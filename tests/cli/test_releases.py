"""Importing, finding, checking and previewing releases from the command line."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer
from tests.release.making import Blocks, as_docx, as_html, as_mail, as_pdf, repacked

TEXT = """---
id: river-report
subject: Rivers are cleaner
contacts:
  - name: Ada Example
    email: ada@example.org
    phone: "+32 2 555 01 00"
---
# Rivers are cleaner than ten years ago

Brussels, 12 October 2026 – The rivers of the region are cleaner than they were ten years ago,
says a report that was published today.

The report names three reasons and asks for a fourth.
"""


@pytest.fixture
def release(room: Path) -> Path:
    """A release file in the newsroom's folder."""
    path = room / "rivers.md"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_same_bytes_are_the_same_revision(mailer: Mailer, release: Path) -> None:
    """Other bytes of the same release are the next revision."""
    (first,) = mailer("release", "import", release, "--json").json
    assert (first["slug"], first["revision"], first["new"]) == ("river-report", 1, True)
    (again,) = mailer("release", "import", release, "--json").json
    assert (again["release"], again["revision"], again["new"]) == (first["release"], 1, False)
    release.write_text(TEXT.replace("three", "four"), encoding="utf-8")
    (second,) = mailer("release", "import", release, "--json").json
    assert (second["release"], second["revision"], second["new"]) == (first["release"], 2, True)
    (row,) = mailer("release", "ls", "--json").json
    assert (row["slug"], row["revision"], row["distributions"]) == ("river-report", 2, 0)


def test_found_by_file_id_and_slug(mailer: Mailer, release: Path) -> None:
    """RELEASE is a file, an id or a slug; looking at a file does not keep it."""
    assert mailer("release", "show", release, "--json").json["release"] is None
    assert mailer("release", "ls", "--json").json == []
    mailer("release", "import", release)
    release.write_text(TEXT.replace("three", "four"), encoding="utf-8")
    mailer("release", "import", release)
    for name, revision in (("1", 2), ("river-report", 2), ("river-report@1", 1), ("1@2", 2)):
        assert mailer("release", "show", name, "--json").json["revision"] == revision
    for name in ("2", "rivers", "river-report@3", "river-report@x", "9" * 30, "1@" + "9" * 30, ""):
        result = mailer("release", "show", name)
        assert result.code == 5, name
        assert "mailer release ls" in result.err


def test_show_tells_what_was_found(mailer: Mailer, release: Path) -> None:
    """The structure is printed in at most 80 columns."""
    result = mailer("release", "show", release)
    assert result.code == 0
    assert "Rivers are cleaner than ten years ago" in result.out
    assert "ada@example.org" in result.out
    assert all(len(text) <= 80 for text in result.out.splitlines())


def test_files_that_are_no_release_are_4(mailer: Mailer, room: Path) -> None:
    """Unreadable input is said with its place, and nothing is kept."""
    (room / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 50)
    (room / "empty.txt").write_bytes(b"")
    for name in ("picture.txt", "empty.txt", "nowhere.txt", "lists"):
        result = mailer("release", "import", name)
        assert result.code == 4, name
        assert result.err.count("\n") == 1
    (room / "good.txt").write_text(TEXT, encoding="utf-8")
    assert mailer("release", "import", "good.txt", "empty.txt").code == 4
    assert mailer("release", "ls", "--json").json == []


def test_check_leaves_with_1_on_errors(mailer: Mailer, release: Path) -> None:
    """Warnings are no errors; a release without contact is one."""
    assert mailer("release", "check", release, "--json").json["ok"] is True
    assert mailer("release", "check", release).code == 0
    release.write_text("# A headline\n\nA body without anybody to ask.\n", encoding="utf-8")
    result = mailer("release", "check", release, "--json")
    assert result.code == 1
    assert "no_contact" in {f["code"] for f in result.json["findings"]}


def test_each_finding_has_its_place_and_code(mailer: Mailer, release: Path) -> None:
    """File, line and column, for people and for programs."""
    text = TEXT.replace("three reasons and", "three reasons and and")
    release.write_text(text, encoding="utf-8")
    shown = mailer("release", "check", release, "--json").json
    assert shown["file"] == str(release)
    [found] = [each for each in shown["findings"] if each["code"] == "doubled_word"]
    row = text.split("\n")[found["line"] - 1]
    assert row[found["column"] - 1 :].startswith("and and")
    assert found["severity"] == "warning" and found["suggestion"]
    said = mailer("release", "check", release).out
    assert f"line {found['line']}, column {found['column']}: “and and”" in said
    kept = mailer("release", "import", release, "--json").json[0]["slug"]
    again = mailer("release", "check", kept, "--json").json
    assert [e for e in again["findings"] if e["code"] == "doubled_word"] == [found]


def test_template_errors_are_errors_of_the_check(mailer: Mailer, room: Path, release: Path) -> None:
    """A broken template of the newsroom's own is found before anything is queued."""
    folder = room / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "release.html").write_text("<p>{{ nothing.such }}", encoding="utf-8")
    result = mailer("release", "check", release, "--json")
    assert result.code == 1
    (error,) = [f for f in result.json["findings"] if f["severity"] == "error"]
    assert "release.html" in error["message"]
    assert mailer("preview", release, "--out", room / "out").code == 1
    assert not (room / "out").exists()


def test_preview_is_what_would_be_sent(mailer: Mailer, room: Path, release: Path) -> None:
    """message.eml has the wire's line ends and every header of a sent message."""
    result = mailer("preview", release, "--out", room / "new" / "out")
    assert result.code == 0
    data = (room / "new" / "out" / "message.eml").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") > 0
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["subject"] == "Rivers are cleaner"
    for header in ("From", "To", "Date", "Message-ID", "List-Unsubscribe", "List-Id"):
        assert message[header], header
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    html = (room / "new" / "out" / "message.html").read_text("utf-8")
    text = (room / "new" / "out" / "message.txt").read_text("utf-8")
    assert "/u/" in html and "/u/" in text and "Rivers are cleaner" in text
    assert mailer("preview", release, "--out", release).code == 2


def test_preview_for_a_stranger_is_5(mailer: Mailer, room: Path, release: Path) -> None:
    """--as needs a journalist who is there, and says so."""
    result = mailer("preview", release, "--as", "nobody@example.org", "--out", room / "out")
    assert result.code == 5
    assert not (room / "out").exists()


def test_names_that_can_be_no_file_are_looked_up(mailer: Mailer, room: Path, release: Path) -> None:
    """5, not a fault of the program; a release may be called like a folder."""
    assert mailer("release", "check", "a" * 5000).code == 5
    assert mailer("release", "check", room / "nowhere" / ("b" * 300)).code == 5
    assert mailer("release", "import", release).code == 0
    (room / "rivers-are-cleaner-than-ten-years-ago").mkdir()
    slug = mailer("release", "ls", "--json").json[0]["slug"]
    (room / slug).mkdir(exist_ok=True)
    assert mailer("release", "check", slug).code == 0


def test_what_may_not_be_read_is_4(
    mailer: Mailer, room: Path, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in a closed folder, and a folder in place of a file."""
    assert mailer("release", "check", room / "lists").code == 4

    def closed(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", closed)
    result = mailer("release", "check", release, "--config", room / "config.toml")
    assert result.code in (3, 4)
    assert "permission denied" in result.err


def test_preview_where_nothing_can_be_written(mailer: Mailer, room: Path, release: Path) -> None:
    """Wrong usage with its place, not a fault of the program."""
    for place in (release / "deeper", Path("/proc/nowhere"), room / ("d" * 300)):
        result = mailer("preview", release, "--out", place)
        assert result.code == 2, place
        assert result.err.count("\n") <= 2


def test_a_template_mark_is_an_error_with_its_line(mailer: Mailer, release: Path) -> None:
    """D16: checked with 1, refused with 6, and told once."""
    text = release.read_text("utf-8").replace("ten years", "{{ years }} years", 1)
    release.write_text(text, encoding="utf-8")
    result = mailer("release", "check", release, "--json")
    assert result.code == 1
    (error,) = [f for f in result.json["findings"] if f["severity"] == "error"]
    assert error["code"] == "leftover_mark" and error["line"]
    assert mailer("lists", "import", "lists/poland.csv").code == 0
    assert mailer("queue", release, "--to", "list:poland").code == 6


FORMATS = {
    "r.docx": as_docx,
    "r.html": as_html,
    "r.eml": as_mail,
    "r.pdf": as_pdf,
    "r": as_pdf,
}
BLOCKS: Blocks = [
    ("title", "Rivers are cleaner than ten years ago"),
    (
        "text",
        "Brussels, 12 October 2026 – The rivers of the region are cleaner than they were ten "
        "years ago, says a report that was published today.",
    ),
    ("text", "Press contact:\nAda Example\nada@example.org"),
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_through_every_command(mailer: Mailer, room: Path, name: str) -> None:
    """`release check`, `show`, `preview`, `import` and `queue` take what officers have."""
    (room / name).write_bytes(FORMATS[name](BLOCKS))
    assert mailer("release", "check", name, "--json").json["ok"] is True
    shown = mailer("release", "show", name)
    assert "ada@example.org" in shown.out
    assert all(len(text) <= 80 for text in shown.out.splitlines())
    assert mailer("preview", name, "--out", room / "p").code == 0
    assert "Rivers are cleaner than ten years ago" in (room / "p" / "message.txt").read_text(
        "utf-8"
    )
    (kept,) = mailer("release", "import", name, "--json").json
    assert kept["headline"] == "Rivers are cleaner than ten years ago"
    assert mailer("queue", name, "--to", "list:nobody", "--dry-run").code in {5, 6}
    (again,) = mailer("release", "import", name, "--json").json
    assert (again["revision"], again["new"]) == (1, False)


def test_bad_documents_are_4_and_nothing_is_kept(mailer: Mailer, room: Path) -> None:
    """One sentence, exit code 4, no revision: broken, protected, two releases, a zip bomb."""
    other: Blocks = [("text", "###"), ("text", "PRESS RELEASE"), *BLOCKS]
    other[2] = ("title", "Lakes are cleaner too")
    (room / "two.docx").write_bytes(as_docx([*BLOCKS, *other]))
    (room / "broken.pdf").write_bytes(as_pdf(BLOCKS)[:2000])
    bomb = {"word/document.xml": b"<x>" + b" " * 40_000_000}
    (room / "bomb.docx").write_bytes(repacked(as_docx(BLOCKS), bomb))
    for name in ("two.docx", "broken.pdf", "bomb.docx"):
        for command in (("release", "import", name), ("preview", name)):
            result = mailer(*command)
            assert result.code == 4, command
            assert result.err.count("\n") == 1
    assert mailer("release", "ls", "--json").json == []


def test_what_changed_between_revisions(mailer: Mailer, release: Path) -> None:
    """D12: part by part, word by word, at 80 columns; a file is what would come next."""
    mailer("release", "import", release)
    assert mailer("release", "diff", "river-report").code == 5
    long = "names four reasons, and " + "very " * 30 + "politely"
    release.write_text(TEXT.replace("names three reasons and", long), encoding="utf-8")
    unkept = mailer("release", "diff", release)
    mailer("release", "import", release)
    shown = mailer("release", "diff", "river-report")
    assert "paragraph 1, changed" in shown.out and "[-three-]" in shown.out
    assert max(len(row) for row in shown.out.splitlines()) <= 80
    assert shown.out.split("\n", 1)[1] == unkept.out.split("\n", 1)[1]
    same = mailer("release", "diff", "river-report@1", "river-report@2", "--json").json
    assert (same["from"]["revision"], same["to"]["revision"]) == (1, 2)
    assert same == mailer("release", "diff", "river-report@1", "--json").json
    [change] = same["changes"]
    assert (change["part"], change["how"]) == ("paragraph 1", "changed")
    assert change["old"].startswith("The report names three") and "politely" in change["new"]
    assert mailer("release", "diff", "river-report", "river-report", "--json").json["changes"] == []


def test_several_previews_get_a_folder_each(mailer: Mailer, release: Path) -> None:
    """Twelve languages are one command; two names of one text do not overwrite each other."""
    other = release.with_name("rivers.fr.md")
    other.write_text(TEXT.replace("cleaner", "plus propres"), encoding="utf-8")
    made = mailer("preview", release, other, release, "--out", "shown", "--json")
    names = [Path(path).parent.name for path in made.json["files"][::3]]
    assert made.code == 0 and names == ["1-rivers", "rivers.fr", "3-rivers"]
    assert "plus propres" in Path("shown/rivers.fr/message.html").read_text("utf-8")
    assert mailer("preview", release, "no-such-release", "--out", "none").code == 5
    assert not Path("none").exists()


def test_an_event_for_calendars_also_before_anything_is_sent(mailer: Mailer, release: Path) -> None:
    """D9: by `release export`; a text without an event has none (2), a wrong one blocks (1)."""
    refused = mailer("release", "export", release, "--format", "ics")
    assert refused.code == 2 and "no event" in refused.err
    event = "event: {start: 2026-12-01 10:00, zone: Europe/Kyiv, place: Quay 14}\n"
    release.write_text(TEXT.replace("id:", f"{event}id:"), "utf-8")
    made = mailer("release", "export", release, "--format", "ics")
    assert made.code == 0 and "DTSTART:20261201T080000Z" in made.out and "Quay 14" in made.out
    release.write_text(TEXT.replace("id:", event.replace("Kyiv", "Kiev City") + "id:"), "utf-8")
    checked = mailer("release", "check", release, "--json")
    assert checked.code == 1
    found = next(one for one in checked.json["findings"] if one["code"] == "event_without_zone")
    assert found["line"] == 2 and "Kiev City" in found["message"]
