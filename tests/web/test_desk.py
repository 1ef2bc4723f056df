"""The inbox page: caught mail as a mail program would show it, and to this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from mailer.clock import SystemClock
from mailer.smtp.inbox import InboxWriter
from mailer.store import open_store
from mailer.store.migrations import migrate
from mailer.web.desk import PAGE_SIZE, desk_app
from mailer.web.mails import take_apart

from tests.web.serving import Room, bare, room, serving

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002"
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Room]:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    migrate(store)
    yield room(store, tmp_path / "room")
    store.close()


@pytest.fixture
def client(office: Room) -> Iterator[httpx.Client]:
    with serving(desk_app(office)) as address, bare(address) as client:
        yield client


def message(
    to: str, subject: str, html: str = "<html><head></head><body>Hi</body></html>"
) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Open Dialog Press <press@example.org>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["X-Odd"] = "<script>alert(1)</script>"
    mail.set_content("The text part & <more>.\n")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


def catch(office: Room, *mails: tuple[str, bytes]) -> None:
    writer = InboxWriter(office.config.spool_dir / "inbox.db")
    now = SystemClock().now()
    writer.add([(now, "bounces+b@example.org", [to], raw) for to, raw in mails])
    writer.close()


def test_an_empty_inbox_teaches_the_next_step(client: httpx.Client) -> None:
    page = client.get("/inbox")
    assert page.status_code == 200 and "mailer queue RELEASE" in page.text
    assert client.get("/").headers["location"] == "/inbox"
    assert client.get("/inbox/1").status_code == 404


def test_a_message_in_all_its_views(office: Room, client: httpx.Client) -> None:
    catch(office, ("noemie@example.org", message("Noémie <noemie@example.org>", "Żółw & <b>")))
    listed = client.get("/inbox").text
    assert "noemie@example.org" in listed and "Żółw &amp; &lt;b&gt;" in listed
    assert "1–1 of 1" in listed
    shown = client.get("/inbox/1").text
    assert '<iframe src="/inbox/1/html"' in shown and 'sandbox="' in shown
    assert "allow-scripts" not in shown and "allow-same-origin" not in shown
    assert "The text part &amp; &lt;more&gt;." in client.get("/inbox/1?view=text").text
    headers = client.get("/inbox/1?view=headers").text
    assert "bounces+b@example.org" in headers and "&lt;script&gt;alert(1)" in headers
    raw = client.get("/inbox/1?view=raw").text
    assert "Content-Type: multipart/alternative" in raw and "<script>" not in raw
    saved = client.get("/inbox/1/message.eml")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.content.startswith(b"From: Open Dialog Press")


def test_the_frame_runs_nothing_and_loads_nothing(office: Room, client: httpx.Client) -> None:
    hostile = (
        "<html><HEAD></HEAD><body><script>alert(1)</script>"
        '<img src="https://tracker.example/x.gif"></body></html>'
    )
    catch(office, ("a@example.org", message("a@example.org", "x", hostile)))
    answer = client.get("/inbox/1/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups ") and "default-src 'none'" in policy
    assert "img-src 'self' data:;" in policy and "script-src" not in policy
    assert "allow-scripts" not in policy and "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert '<HEAD><base target="_blank"></HEAD>' in answer.text
    assert "frame-src 'self'" in client.get("/inbox/1").headers["content-security-policy"]
    assert "<script" not in client.get("/inbox/1").text


def test_embedded_pictures_are_found(office: Room, client: httpx.Client) -> None:
    mail = EmailMessage()
    mail["Subject"] = "picture"
    mail.set_content("text")
    mail.add_alternative('<p><img src="cid:pic@x"><img src="cid:none"></p>', subtype="html")
    parts = mail.get_payload()
    assert isinstance(parts, list) and isinstance(parts[1], EmailMessage)
    parts[1].add_related(PIXEL, "image", "gif", cid="<pic@x>")
    parts[1].add_related(b"<svg/>", "image", "svg+xml", cid="<svg@x>")
    catch(office, ("a@example.org", mail.as_bytes()))
    html = client.get("/inbox/1/html").text
    assert 'src="part/0"' in html and 'src="cid:none"' in html
    picture = client.get("/inbox/1/part/0")
    assert (picture.content, picture.headers["content-type"]) == (PIXEL, "image/gif")
    assert client.get("/inbox/1/part/1").status_code == 404
    assert client.get("/inbox/1/part/9").status_code == 404


def test_a_message_without_html_opens_as_text(office: Room, client: httpx.Client) -> None:
    catch(office, ("a@example.org", message("a@example.org", "plain", html="")))
    shown = client.get("/inbox/1").text
    assert "The text part" in shown and "<iframe" not in shown


def test_pages_and_finding_a_recipient(office: Room, client: httpx.Client) -> None:
    many = [(f"p{n}@example.org", message("x", f"Number {n}")) for n in range(PAGE_SIZE + 3)]
    catch(office, *many)
    first = client.get("/inbox").text
    assert f"1–{PAGE_SIZE} of {PAGE_SIZE + 3}" in first and "Older" in first
    assert "Newer" not in first and first.index("p52@") < first.index("p51@")
    second = client.get("/inbox?page=2").text
    assert f"{PAGE_SIZE + 1}–{PAGE_SIZE + 3} of" in second and "Older" not in second
    found = client.get("/inbox?to=P7@Example.org").text
    assert "1–1 of 1" in found and "Number 7" in found
    kept = client.get("/inbox/8?to=p7@example.org&page=1&view=text").text
    assert 'href="/inbox/8?view=headers&amp;to=p7%40example.org"' in kept
    none = client.get("/inbox?to=%22%3E%3Cscript%3E").text
    assert "<script" not in none and "Nothing was found for" in none
    for odd in (
        "page=0",
        "page=-1",
        "page=x",
        "page=99999999999999999999",
        "view=x",
        "to=%00",
        "q=%00",
        "q=%22",
        "q=*",
        "q=NEAR(",
        "q=%ED%A0%80",
        "q=to:x",
        "q=-",
    ):
        assert client.get(f"/inbox?{odd}").status_code == 200
    for number in ("0", "999", "9" * 30):
        assert client.get(f"/inbox/{number}").status_code == 404


def test_the_search_box_finds_words_and_keeps_its_pages(office: Room, client: httpx.Client) -> None:
    """One box for subject, sender and recipient; turning pages and opening mail keep it."""
    many = [(f"p{n}@example.org", message("x", f"Bridge {n}")) for n in range(PAGE_SIZE + 3)]
    catch(office, *many, ("z@example.net", message("z@example.net", "Another tunnel")))
    first = client.get("/inbox", params={"q": "  BRID "}).text
    assert f"1–{PAGE_SIZE} of {PAGE_SIZE + 3}" in first and "Another tunnel" not in first
    assert 'name="q" type="search" value="BRID"' in first
    assert 'href="/inbox?page=2&amp;q=BRID"' in first
    second = client.get("/inbox?page=2&q=BRID").text
    assert f"{PAGE_SIZE + 1}–{PAGE_SIZE + 3} of" in second and "Older" not in second
    assert 'href="/inbox/3?view=message&amp;q=BRID&amp;page=2"' in second
    assert 'href="/inbox?page=1&amp;q=BRID"' in second
    for words in ("z@example.net", "tunnel another", "z@exa"):
        assert "1–1 of 1<" in client.get("/inbox", params={"q": words}).text, words
    everything = client.get("/inbox", params={"q": "Open Dialog"}).text
    assert f"of {PAGE_SIZE + 4}" in everything
    both = client.get("/inbox?to=p7@example.org&q=bridge").text
    assert "1–1 of 1<" in both and "Bridge 7" in both
    none = client.get("/inbox", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script" not in none and "Nothing was found for" in none


def test_only_this_machines_names_are_answered(client: httpx.Client) -> None:
    """A page elsewhere must not read the desk by pointing its own name here."""
    port = client.base_url.port
    for host in ("evil.example", f"evil.example:{port}", "", "127.0.0.1.evil.example"):
        assert client.get("/inbox", headers={"Host": host}).status_code in (400, 421)
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "[::1]"):
        assert client.get("/inbox", headers={"Host": host}).status_code == 200


def test_no_inbox_when_mail_goes_another_way(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    migrate(store)
    elsewhere = room(store, tmp_path / "room", smtp="smtp://mail.example.org")
    with serving(desk_app(elsewhere)) as address, bare(address) as client:
        answer = client.get("/inbox")
        assert answer.status_code == 404 and "goes another way" in answer.text
    store.close()


@given(some.binary(max_size=400))
def test_anything_can_be_taken_apart(raw: bytes) -> None:
    take_apart(raw)
    take_apart(b"Subject: =?utf-8?b?" + raw + b"?=\r\nContent-Type: text/html\r\n\r\n" + raw)
