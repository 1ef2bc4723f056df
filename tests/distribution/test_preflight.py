"""Preflight where it needs more than the text: audience, links, SpamAssassin, and the queue."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typst
from mailer.distribution import forms, preflight, releases
from mailer.distribution.doctor import examine
from mailer.distribution.enclosed import Enclosed
from mailer.distribution.linkcheck import dead_links
from mailer.distribution.lists import import_file
from mailer.distribution.spam import spam_findings
from mailer.errors import Refused
from mailer.message import document

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release

MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: Hi\r\n\r\nHello.\r\n"


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """Five journalists: two without outlet, four without first name; one is suppressed."""
    with Press(tmp_path / "room", store_url) as press:
        rows = [
            "email,first_name,outlet,country,language,timezone,consent_basis,source",
            "a@x.example,Ada,Daily,BE,en,Europe/Brussels,opt_in,form",
            "b@x.example,,Weekly,BE,en,Europe/Brussels,opt_in,form",
            "c@x.example,,,BE,en,Europe/Brussels,opt_in,form",
            "d@x.example,,,BE,en,Europe/Brussels,opt_in,form",
            "e@x.example,,Radio,BE,en,Europe/Brussels,opt_in,form",
        ]
        path = press.config.home / "press.csv"
        path.write_text("\n".join(rows) + "\n", "utf-8")
        import_file(press.room, path, actor="anna")
        yield press


def _layout(press: Press, words: str) -> None:
    """The newsroom's own layout: the packaged one with `words` in its footer."""
    packaged = Path(__file__).parents[2] / "templates"
    folder = press.config.templates_dir
    shutil.copytree(packaged, folder, dirs_exist_ok=True)
    layout = folder / "email" / "base.html"
    layout.write_text(layout.read_text().replace("</body>", f"<p>{words}</p></body>"))


def test_a_field_that_the_audience_lacks_is_counted(press: Press) -> None:
    """D16: without fallback each counts, with one only most; who gets nothing does not count."""
    assert not [w for w in press.queue("list:press", dry_run=True).warnings if "journalists" in w]
    _layout(press, "{{ journalist.outlet }} {{ journalist.first_name|fallback('friend') }}")
    warnings = press.queue("list:press", dry_run=True).warnings
    assert "2 of 5 journalists have no outlet: nothing stands in its place." in warnings
    assert "4 of 5 journalists have no first name: they get “friend”." in warnings
    warnings = press.queue("list:press", dry_run=True, leave_out=("c@x.example",)).warnings
    assert "1 of 4 journalists has no outlet: nothing stands in its place." in warnings


def test_a_fallback_that_few_need_is_no_warning(press: Press) -> None:
    _layout(press, "{{ journalist.outlet|fallback('your paper') }}")
    assert not [w for w in press.queue("list:press", dry_run=True).warnings if "outlet" in w]


def test_the_queue_says_each_warning_once_and_goes_on(press: Press) -> None:
    text = RELEASE.replace("It carries", "It carries carries")
    file = write_release(press.config.home, text, "doubled.md")
    queued = press.queue("list:press", release=str(file))
    assert queued.distribution is not None and queued.recipients == 5
    assert len([w for w in queued.warnings if "says a word twice" in w]) == 1
    assert len(queued.warnings) == len(set(queued.warnings))


def test_the_queue_refuses_errors_and_leaves_nothing(press: Press) -> None:
    """Contract: exit 6; no revision, no distribution, no delivery."""
    text = RELEASE.replace("It carries", "{{ name }} carries")
    file = write_release(press.config.home, text, "marked.md")
    before = press.sizes()
    with pytest.raises(Refused, match="template mark") as caught:
        press.queue("list:press", release=str(file))
    assert caught.value.exit_code == 6 and press.sizes() == before


def test_a_contact_who_is_off_when_it_leaves_is_told_at_the_queue(press: Press) -> None:
    """D13: the moment is known only here."""
    text = RELEASE.replace("press@example.org", "press@example.org, Mon–Fri 9:00–17:00 CET")
    file = write_release(press.config.home, text, "hours.md")
    options = {"release": str(file), "dry_run": True}
    off = press.queue("list:press", at="2030-06-01T10:00", **options)  # a Saturday
    assert [w for w in off.warnings if "outside these hours" in w]
    on = press.queue("list:press", at="2030-06-03T10:00", **options)
    assert not [w for w in on.warnings if "outside these hours" in w]


class _Site(BaseHTTPRequestHandler):
    seen: list[tuple[str, str, str | None]]

    def _answer(self) -> None:
        seen: list[tuple[str, str, str | None]] = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.command, self.path, self.headers.get("Cookie")))
        code = {"/gone": 410, "/broken": 500, "/members": 403, "/moved": 302}.get(self.path, 200)
        if self.path == "/get-only" and self.command == "HEAD":
            code = 405
        if self.path == "/away":
            code = 404
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/here")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_links_that_do_not_answer(site: ThreadingHTTPServer) -> None:
    """HEAD, then GET; no cookies; who keeps programs out is alive."""
    base = f"http://127.0.0.1:{site.server_port}"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    paths = ("here", "get-only", "moved", "members", "gone", "broken", "away", "ü?q=ä")
    urls = [f"{base}/{path}" for path in paths] + [f"http://127.0.0.1:{port}/"]
    found = {each.message for each in dead_links(dict.fromkeys(urls, (3, 4)))}
    assert len(found) == 4
    for path, what in (("gone", "410"), ("broken", "500"), ("away", "404")):
        assert [m for m in found if f"/{path} " in m and what in m]
    assert [m for m in found if f":{port}/" in m and "refused" in m.lower()]
    seen = site.seen  # type: ignore[attr-defined]
    assert [method for method, path, _ in seen if path == "/get-only"] == ["HEAD", "GET"]
    assert [method for method, path, _ in seen if path == "/members"] == ["HEAD", "GET"]
    assert {cookie for _, _, cookie in seen} == {None}


def test_a_server_that_says_nothing_does_not_hold_the_check() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        [found] = dead_links({url: (None, None)}, patience=0.3, in_all=5)
        assert "no answer" in found.message
        [found] = dead_links({url: (None, None)}, patience=60, in_all=0.3)
        assert "no answer" in found.message


def test_links_are_asked_only_when_wanted(press: Press, site: ThreadingHTTPServer) -> None:
    text = RELEASE.replace("It carries", f"See http://127.0.0.1:{site.server_port}/gone now. It")
    file = write_release(press.config.home, text, "linked.md")
    stored = releases.resolve(press.room, str(file), "anna", keep=False)
    assert "dead_link" not in {each.code for each in preflight.check(press.room, stored)}
    assert site.seen == []  # type: ignore[attr-defined]
    [found] = [e for e in preflight.check(press.room, stored, links=True) if e.code == "dead_link"]
    assert (found.line, found.column) == (5, 5)


def _program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    path = folder / "spamassassin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_spam_score_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in SpamAssassin's place, which answers as it does and shows what it was asked."""
    answer = (
        f'echo "$@" > {tmp_path}/asked; cat > {tmp_path}/message\n'
        "printf 'X-Spam-Status: No, score=3.1 required=5.0 tests=BIG,SMALL\\n"
        "X-Spam-Scores: BIG=2.9,\\n\\tSMALL=0.2\\n\\nbody\\n'"
    )
    _program(tmp_path / "bin", answer, monkeypatch)
    [found] = spam_findings(MESSAGE)
    assert (found.code, str(found.severity)) == ("spam_score", "warning")
    assert "3.1 of the 5 points" in found.message and "BIG 2.9" in found.message
    assert (tmp_path / "asked").read_text().startswith("-L ")
    assert (tmp_path / "message").read_bytes() == MESSAGE


def test_a_high_spam_score_is_told_before_the_queue(
    press: Press, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same check as `release check`, of the message that is about to leave."""
    says = "X-Spam-Status: No, score=4.2 required=5.0 tests=BIG"
    answer = f"cat > /dev/null; printf '{says}\\n\\nbody\\n'"
    _program(tmp_path / "bin", answer, monkeypatch)
    press.people("eu", ["a@example.com"])
    warnings = press.queue("list:eu", dry_run=True).warnings
    assert [each for each in warnings if "4.2 of the 5 points" in each]


def test_empty_boxes_in_the_pdf_are_told(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """D14, D21: by check, export, a queue that attaches it, and the doctor."""

    def doctor() -> tuple[str, str]:
        [found] = [each for each in examine(press.config) if each.name == "documents"]
        return found.state, found.message

    assert doctor() == ("ok", "Fonts are there for the PDFs of all languages.")
    monkeypatch.setattr(document, "_fonts", lambda: typst.Fonts(include_system_fonts=False))
    state, said = doctor()
    assert state == "ok" and "日本語 (ja)" in said and "fonts-noto-cjk" in said
    text = RELEASE.replace("It carries", "It is called 橋 and carries")
    write_release(press.config.home, text)
    stored = releases.read_file(press.room, press.release)
    codes = {each.code: each.message for each in preflight.check(press.room, stored)}
    assert "“橋” (CJK UNIFIED IDEOGRAPH-6A4B)" in codes["pdf_in_doubt"]
    [warning] = forms.export(press.room, stored, "pdf").warnings
    assert warning == codes["pdf_in_doubt"]
    queued = press.queue("list:press", enclosed=Enclosed(attach="pdf"), dry_run=True)
    assert warning in queued.warnings
    monkeypatch.setitem(sys.modules, "typst", None)
    codes = {each.code: each.message for each in preflight.check(press.room, stored)}
    assert "Typst, which does that, is missing" in codes["pdf_in_doubt"]
    assert doctor()[0] == "warning"
    with pytest.raises(Refused, match="Typst") as error:
        press.queue("list:press", enclosed=Enclosed(attach="pdf"), dry_run=True)
    assert error.value.exit_code == 6


@pytest.mark.parametrize("script", ["exit 1", "echo nothing", "exec sleep 60"])
def test_a_spamassassin_that_fails_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    _program(tmp_path / "bin", script, monkeypatch)
    assert list(spam_findings(MESSAGE, patience=0.5)) == []


def test_whatever_spamassassin_is_here() -> None:
    """The real one where it is installed; silence where it is not."""
    assert len(list(spam_findings(MESSAGE))) == (shutil.which("spamassassin") is not None)
