"""`mailer templates`: listing, taking over, what a copy misses, and the check of all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mailer.message.templates import package_templates

from tests.cli.conftest import Mailer


def test_a_template_is_taken_over_and_counts(mailer: Mailer, room: Path) -> None:
    """Design 3: `eject` copies one file; a second time it is refused and nothing is touched."""
    assert mailer("templates", "eject", "footer.html").code == 0
    own = room / "templates" / "email" / "partials" / "footer.html"
    packaged = package_templates() / "email" / "partials" / "footer.html"
    assert own.read_bytes() == packaged.read_bytes()
    own.write_text("mine", "utf-8")
    again = mailer("templates", "eject", "email/partials/footer.html")
    assert again.code == 6 and own.read_text("utf-8") == "mine"
    rows = {row["template"]: row for row in mailer("templates", "ls", "--json").json}
    assert rows["email/partials/footer.html"]["from"] == "newsroom"
    assert rows["email/partials/footer.html"]["state"] == "changed"
    assert rows["email/release.html"]["from"] == "package"
    assert mailer("templates", "eject", "futer.html").code == 5
    assert mailer("templates", "eject").code == 2
    everything = mailer("templates", "eject", "--all", "--json").json
    assert everything["kept"] == ["email/partials/footer.html"]
    assert own.read_text("utf-8") == "mine"
    assert mailer("templates", "check").code == 1  # no way to leave


def test_what_a_copy_misses_after_an_upgrade(
    mailer: Mailer, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newsroom's own change is not shown, the package's is, until it was seen."""
    assert mailer("templates", "eject", "status.html").code == 0
    own = room / "templates" / "email" / "partials" / "status.html"
    own.write_text(own.read_text("utf-8") + "{# ours #}\n", "utf-8")
    assert mailer("templates", "diff", "status.html", "--json").json["diff"] == ""
    newer = tmp_path / "newer"
    shutil.copytree(package_templates(), newer)
    changed = newer / "email" / "partials" / "status.html"
    changed.write_text("{# theirs #}\n" + changed.read_text("utf-8"), "utf-8")
    monkeypatch.setattr("mailer.distribution.themes.package_templates", lambda: newer)
    rows = {row["template"]: row for row in mailer("templates", "ls", "--json").json}
    assert rows["email/partials/status.html"]["state"] == "behind"
    missing = mailer("templates", "diff", "status.html", "--json").json["diff"]
    assert "+{# theirs #}" in missing and "ours" not in missing
    checked = mailer("templates", "check", "--json")
    assert checked.code == 0 and "mailer templates diff" in checked.out
    assert mailer("templates", "diff", "status.html", "--seen").code == 0
    assert mailer("templates", "diff", "status.html", "--json").json["diff"] == ""


def test_check_says_file_and_line(mailer: Mailer, room: Path) -> None:
    """D16, C19: all files are read, also those that the first fault would have hidden."""
    assert mailer("templates", "check", "--json").json == {"ok": True, "findings": []}
    own = room / "templates" / "email"
    (own / "blocks").mkdir(parents=True)
    (own / "blocks" / "quote.html").write_text("x\n{% if %}", "utf-8")
    (own / "release.html").write_text("\n\n{{ journalist.outlet|upper }}", "utf-8")
    checked = mailer("templates", "check", "--json")
    places = {found["where"] for found in checked.json["findings"]}
    assert checked.code == 1
    assert places == {"email/blocks/quote.html, line 2", "email/release.html, line 3"}
    (own / "blocks" / "quote.html").unlink()
    (own / "release.html").write_text(
        '{% extends "email/release.html" %}\n'
        "{% block greeting %}<p>{{ journalist.outlet }}</p>{% endblock %}",
        "utf-8",
    )
    checked = mailer("templates", "check", "--json")
    (found,) = checked.json["findings"]
    assert checked.code == 0 and "journalist.outlet is printed without" in found["message"]
    (room / "templates" / "theme.toml").write_text('extends = "agency"\n', "utf-8")
    assert mailer("templates", "check").code == 0


def test_check_reads_the_pages_too(mailer: Mailer, room: Path) -> None:
    """D16: a page of the newsroom's that cannot be read is told before a journalist meets it, and
    one that names what mails know as a field is none of that."""
    pages = room / "templates" / "web"
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "choices.html").write_text("{% if reason == 'left' %}{{ reason|upper }}{% endif %}")
    assert mailer("templates", "check", "--json").json == {"ok": True, "findings": []}
    shouting = '{% extends "base.html" %}\n{% block main %}{{ headline|shout }}{% endblock %}'
    (pages / "newsroom.html").write_text(shouting, "utf-8")
    (pages / "release.txt").write_text("a\n\n{% if %}", "utf-8")
    (pages / "static").mkdir()
    (pages / "static" / "site.css").write_text("a { color: {% }", "utf-8")
    checked = mailer("templates", "check", "--json")
    places = {found["where"] for found in checked.json["findings"]}
    assert checked.code == 1
    assert places == {"web/newsroom.html, line 2", "web/release.txt, line 3"}
