"""The pages behind a token, asked by scanners, mail programs and people."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from mailer.distribution import subscriptions
from mailer.message.tokens import mint
from mailer.store import Store, open_store
from mailer.store.migrations import migrate
from mailer.web import acts
from mailer.web.forms import is_one_click, parse
from mailer.web.guard import GuessLimit
from mailer.web.public import public_app

from tests.web.office import (
    ANNA,
    BEN,
    CAROL,
    KEYS,
    PRESS,
    TOPIC,
    fill,
    history,
    link,
    scopes,
    states,
    token,
)
from tests.web.serving import Room, bare, room, serving

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One database is enough for what a page does; the acts are tested on both elsewhere."""
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}", create=True)
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Room:
    fill(store)
    return room(store, tmp_path / "room")


def snapshot(store: Store) -> Any:
    with store.read() as tx:
        return [
            [tuple(row[key] for key in row.keys()) for row in tx.rows(f"SELECT * FROM {t}", {})]  # noqa: SIM118
            for t in ("events", "suppressions", "memberships", "deliveries", "control")
        ]


# Asking ---------------------------------------------------------------------------------------


def test_looking_never_changes_anything(office: Room, client: httpx.Client) -> None:
    """F4: scanners, previews and prefetchers open every link, by every safe method, repeatedly."""
    before = snapshot(office.store)
    for path in (f"/u/{link()}", f"/p/{link(purpose='p')}"):
        for _ in range(3):
            for method in ("GET", "HEAD", "OPTIONS"):
                for extra in ({}, {"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}):
                    answer = client.request(method, path, headers=extra)
                    assert answer.status_code in (200, 204)
        assert client.get(f"{path}?List-Unsubscribe=One-Click&act=leave").status_code == 200
    assert snapshot(office.store) == before
    assert client.head(f"/u/{link()}").content == b""
    assert "POST" in client.options(f"/u/{link()}").headers["allow"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(client: httpx.Client, office: Room, method: str) -> None:
    before = snapshot(office.store)
    assert client.request(method, f"/u/{link()}").status_code == 405
    assert snapshot(office.store) == before


def test_a_slash_too_many_is_no_redirect(client: httpx.Client, office: Room) -> None:
    """F3: a POST is never sent elsewhere."""
    before = snapshot(office.store)
    answer = client.post(f"/u/{link()}/", content=ONE_CLICK, headers=FORM, follow_redirects=False)
    assert answer.status_code == 404
    assert snapshot(office.store) == before


def test_the_page_says_the_scope_before_its_one_button(client: httpx.Client) -> None:
    """F11: all press mail for the office's list, the topic for a topic."""
    page = client.get(f"/u/{link(ANNA, PRESS)}").text
    assert "This ends all press mail from Open Dialog Foundation to you" in page
    assert page.count("<button") == 1 and 'value="all"' in page
    assert "stop only “EU affairs, Brussels”" in page
    page = client.get(f"/u/{link(ANNA, TOPIC)}").text
    assert "This ends mail on the topic “Energy briefing”" in page
    assert page.count("<button") == 1 and f'value="list:{TOPIC}"' in page


def test_headers_keep_the_token_to_itself(office: Room, client: httpx.Client) -> None:
    """F14."""
    for answer in (
        client.get(f"/u/{link()}"),
        client.post(f"/u/{link()}", content=ONE_CLICK, headers=FORM),
        client.get(f"/p/{link()}"),
        client.get("/u/wrong"),
        client.options(f"/u/{link()}"),
    ):
        headers = answer.headers
        assert headers["referrer-policy"] == "no-referrer"
        assert "noindex" in headers["x-robots-tag"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script" not in policy
        assert "set-cookie" not in headers and "server" not in headers
        assert "strict-transport-security" not in headers
        assert "<script" not in answer.text
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def test_strict_transport_when_served_over_https(store: Store, tmp_path: Path) -> None:
    """F14."""
    fill(store)
    secure = room(store, tmp_path / "room", "https://press.example.org")
    with serving(public_app(secure)) as address, bare(address) as client:
        assert "max-age=" in client.get("/").headers["strict-transport-security"]


def test_the_access_log_has_no_token(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """F14, E21."""
    text = link()
    with caplog.at_level(logging.INFO):
        client.get(f"/u/{text}")
        client.get(f"/p/{text}?x={text}")
        client.post(f"/u/{text}", content=ONE_CLICK, headers=FORM)
        client.get("/healthz")
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert any(line.startswith("POST /u/… 200") for line in lines)
    assert any(line.startswith("GET /healthz 200") for line in lines)
    assert not any(text in line or text[:20] in line for line in lines)


# One click ------------------------------------------------------------------------------------

MULTIPART = (
    b'--%(b)s\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n%(h)s\r\n'
    b"One-Click\r\n--%(b)s--%(end)s"
)


def multipart(boundary: bytes, headers: bytes = b"", end: bytes = b"\r\n") -> bytes:
    return MULTIPART % {b"b": boundary, b"h": headers, b"end": end}


BODIES = {
    "urlencoded": ("application/x-www-form-urlencoded", ONE_CLICK.encode()),
    "with a line end": ("application/x-www-form-urlencoded", ONE_CLICK.encode() + b"\r\n"),
    "charset": ("application/x-www-form-urlencoded; charset=UTF-8", ONE_CLICK.encode()),
    "other charset": ("application/x-www-form-urlencoded;charset=us-ascii", ONE_CLICK.encode()),
    "upper-case type": ("Application/X-WWW-Form-URLencoded", ONE_CLICK.encode()),
    "multipart": ("multipart/form-data; boundary=abc", multipart(b"abc")),
    "quoted boundary": ('multipart/form-data; boundary="a b=c:d?e"', multipart(b"a b=c:d?e")),
    "dashes": (
        "multipart/form-data; boundary=----WebKitX'()+_,-./",
        multipart(b"----WebKitX'()+_,-./"),
    ),
    "no last line end": ("multipart/form-data; boundary=abc", multipart(b"abc", end=b"")),
    "more line ends": ("multipart/form-data; boundary=abc", multipart(b"abc", end=b"\r\n\r\n")),
    "no closing boundary": ("multipart/form-data; boundary=abc", multipart(b"abc")[:-9] + b"\r\n"),
    "bare line feeds": (
        "multipart/form-data; boundary=abc",
        multipart(b"abc").replace(b"\r\n", b"\n"),
    ),
    "charset after": ("multipart/form-data; boundary=abc; charset=utf-8", multipart(b"abc")),
    "charset before": ("multipart/form-data; charset=utf-8; boundary=abc", multipart(b"abc")),
    "typed part": (
        "multipart/form-data; boundary=abc",
        multipart(b"abc", b'Content-Type: text/plain; charset="utf-8"\r\n'),
    ),
    "unknown charset": (
        "multipart/form-data; boundary=abc",
        multipart(b"abc", b"Content-Type: text/plain; charset=none-such\r\n"),
    ),
    "base64 part": (
        "multipart/form-data; boundary=abc",
        multipart(b"abc", b"Content-Transfer-Encoding: base64\r\n").replace(
            b"One-Click", b"T25lLUNsaWNr"
        ),
    ),
    "preamble": ("multipart/form-data; boundary=abc", b"hello\r\n" + multipart(b"abc")),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_shape_of_the_one_click_body(office: Room, client: httpx.Client, name: str) -> None:
    """F2, F3: multipart or urlencoded, any boundary and charset; plain 200, nothing else."""
    kind, body = BODIES[name]
    answer = client.post(f"/u/{link(BEN)}", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200 and answer.history == []
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "Unsubscribed.\n"
    assert "set-cookie" not in answer.headers and "location" not in answer.headers
    assert scopes(office.store, "ben") == {("all", "opt-out")}
    assert states(office.store)[7, BEN] == 6


def test_one_click_needs_no_header_at_all(office: Room, client: httpx.Client) -> None:
    """F3: no Cookie, Referer, Origin, Accept or User-Agent; a chunked body without a length."""

    def chunks() -> Iterator[bytes]:
        yield b"List-Unsub"
        yield b"scribe=One-Click"

    answer = client.post(f"/u/{link(BEN)}", content=chunks(), headers=FORM)
    assert "content-length" not in answer.request.headers
    assert set(answer.request.headers) <= {"host", "transfer-encoding", "content-type"}
    assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
    assert scopes(office.store, "ben") == {("all", "opt-out")}


def test_hostile_headers_do_not_stop_it(office: Room, client: httpx.Client) -> None:
    """F3: a cross-site guard must not block providers."""
    strange = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Cookie": "a=b"}
    answer = client.post(f"/u/{link(BEN)}", content=ONE_CLICK, headers={**FORM, **strange})
    assert answer.status_code == 200
    assert scopes(office.store, "ben") == {("all", "opt-out")}


def test_one_click_works_on_the_choices_link_too(office: Room, client: httpx.Client) -> None:
    answer = client.post(f"/p/{link(BEN, purpose='p')}", content=ONE_CLICK, headers=FORM)
    assert answer.text == "Unsubscribed.\n"
    assert scopes(office.store, "ben") == {("all", "opt-out")}


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Other", b"\xff\xfe\x00", b"{}"])
def test_a_post_of_anything_else_acts_and_shows_the_page(
    office: Room, client: httpx.Client, body: bytes
) -> None:
    """The contract: POST acts. Whoever posted this wanted out."""
    answer = client.post(f"/u/{link(BEN)}", content=body)
    assert answer.status_code == 200 and "<h1>" in answer.text
    assert scopes(office.store, "ben") == {("all", "opt-out")}


def test_a_huge_body_is_refused_unread(office: Room, client: httpx.Client) -> None:
    before = snapshot(office.store)
    answer = client.post(f"/u/{link()}", content=b"a=" + b"b" * 100_000, headers=FORM)
    assert answer.status_code == 413 and "Nothing was changed" in answer.text
    assert snapshot(office.store) == before


@given(name=some.text(max_size=20), kind=some.text(max_size=60), body=some.binary(max_size=300))
def test_no_body_breaks_the_reader(name: str, kind: str, body: bytes) -> None:
    parse(kind, body)
    parse(f"multipart/form-data; boundary={name}", body)
    parse("multipart/form-data; boundary=x", b"--x\r\n" + body + b"\r\n--x--")


@given(
    boundary=some.text(some.sampled_from("abcXYZ0189'()+_,-./:=?"), min_size=1, max_size=69),
    end=some.sampled_from([b"", b"\r\n", b"\r\n\r\n"]),
)
def test_any_boundary_is_understood(boundary: str, end: bytes) -> None:
    """F2: RFC 2046 section 5.1.1 allows these characters."""
    body = multipart(boundary.encode(), end=end)
    assert is_one_click(parse(f'multipart/form-data; boundary="{boundary}"', body))


# Buttons --------------------------------------------------------------------------------------


def test_the_button_confirms_and_offers_undo_and_the_other_scope(
    office: Room, client: httpx.Client
) -> None:
    """F13, F11."""
    path = f"/u/{link(ANNA, PRESS)}"
    done = client.post(path, data={"act": "leave", "scope": "all"})
    assert done.status_code == 200 and "Press mail has stopped" in done.text
    assert "Undo" in done.text and "Stop only “EU affairs, Brussels”" in done.text
    assert scopes(office.store, "anna") == {("all", "opt-out")}
    only = client.post(path, data={"act": "only", "scope": f"list:{PRESS}"})
    assert "“EU affairs, Brussels” has stopped" in only.text
    assert scopes(office.store, "anna") == {(f"list:{PRESS}", "opt-out")}
    back = client.post(path, data={"act": "back", "scope": f"list:{PRESS}"})
    assert "You are back" in back.text
    assert scopes(office.store, "anna") == set()
    assert [event["actor"] for event in history(office.store, "contact_again")] == [
        "journalist:page",
        "journalist:page",
    ]


def test_the_topic_button_offers_all(office: Room, client: httpx.Client) -> None:
    """F11: and “all” is one step away."""
    path = f"/u/{link(CAROL, TOPIC)}"
    done = client.post(path, data={"act": "leave", "scope": f"list:{TOPIC}"})
    assert "“Energy briefing” has stopped" in done.text and "Stop all press mail" in done.text
    client.post(path, data={"act": "leave", "scope": "all"})
    assert ("all", "opt-out") in scopes(office.store, "carol")


def test_no_form_puts_a_nul_into_the_store() -> None:
    """F12: PostgreSQL keeps none, and an act that cannot be applied would stop all mail."""
    assert parse("", b"beat=a%00b&email=%00") == {"beat": ["ab"], "email": [""]}


def test_a_made_up_scope_is_the_default_one(office: Room, client: httpx.Client) -> None:
    client.post(f"/u/{link(BEN)}", data={"act": "leave", "scope": "list:1; DROP TABLE lists"})
    assert scopes(office.store, "ben") == {("all", "opt-out")}


def test_choices_are_saved_stopped_and_taken_back(office: Room, client: httpx.Client) -> None:
    """F5, F17."""
    path = f"/p/{link(ANNA, PRESS, 'p')}"
    page = client.get(path).text
    assert page.count('name="keep"') == 3 and page.count(" checked") == 3
    shown = [f"list:{number}" for number in (1, 2, 3)]
    saved = client.post(path, data={"act": "save", "shown": shown, "keep": shown[:1]}).text
    assert "Your choice is saved." in saved and saved.count(" checked") == 1
    assert scopes(office.store, "anna") == {("list:2", "opt-out"), ("list:3", "opt-out")}
    client.post(path, data={"act": "save", "shown": shown, "keep": shown})
    assert scopes(office.store, "anna") == set()
    stopped = client.post(path, data={"act": "leave"}).text
    assert "All press mail to you has stopped." in stopped
    assert scopes(office.store, "anna") == {("all", "opt-out")}
    assert "begins again" in client.post(path, data={"act": "back"}).text
    assert scopes(office.store, "anna") == set()


# Tokens ---------------------------------------------------------------------------------------


def test_a_right_token_gets_the_same_page_whatever_became_of_the_person(
    office: Room, client: httpx.Client
) -> None:
    """F9."""
    path = f"/u/{link()}"
    asked, clicked = client.get(path).text, None
    for change in (None, "left", "gone"):
        if change == "left":
            client.post(path, content=ONE_CLICK, headers=FORM)
        if change == "gone":
            with office.store.write() as tx:
                tx.execute("DELETE FROM addresses WHERE journalist = :j", {"j": ANNA})
                tx.execute("DELETE FROM journalists WHERE id = :j", {"j": ANNA})
        assert client.get(path).text == asked
        posted = client.post(path, content=ONE_CLICK, headers=FORM)
        assert clicked is None or posted.content == clicked
        clicked = posted.content
        assert client.post(path, data={"act": "leave", "scope": "all"}).status_code == 200
        assert client.get(f"/p/{link()}").status_code == 200


def test_every_wrong_token_gets_one_fixed_page(client: httpx.Client) -> None:
    """F9: it tells nothing, and how to be taken off."""
    good = link()
    flipped = good[:-1] + ("a" if good[-1] != "a" else "b")
    tries = ["x", good[:-1], good[:30], flipped, good.upper(), good + "a", "%00", "ü", "a" * 4000]
    tries += [mint(KEYS, token(purpose="e")), f"{good}%20", f"{good}="]
    pages = set()
    for text in tries:
        for prefix in ("/u/", "/p/"):
            answer = client.get(prefix + text)
            assert answer.status_code == 404
            pages.add(answer.content)
    assert len(pages) == 1
    page = pages.pop().decode()
    assert "This link is incomplete" in page and "Nothing was changed" in page
    assert "press@example.org" in page
    answer = client.post(f"/u/{flipped}", content=ONE_CLICK, headers=FORM)
    assert (answer.status_code, answer.text) == (404, page)


def test_guessing_is_slowed_and_valid_tokens_never(office: Room, client: httpx.Client) -> None:
    """F15: providers post from few addresses."""
    found = [client.get("/u/wrong").status_code for _ in range(40)]
    assert found[0] == 404 and found[-1] == 429
    for _ in range(40):
        assert client.post(f"/u/{link(BEN)}", content=ONE_CLICK, headers=FORM).status_code == 200


def test_the_guess_limit_forgets_after_a_minute_and_stays_small() -> None:
    limit = GuessLimit(per_minute=2, clients=10)
    assert [limit.exceeded("a", now) for now in (0, 1, 2, 61, 62, 63)] == [
        *(False, False, True),
        *(False, False, True),
    ]
    for number in range(100):
        limit.exceeded(f"client {number}", 64)
    assert not limit.exceeded("a", 65)


# Without a database ---------------------------------------------------------------------------


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Room, sqlite3.Connection]]:
    """A newsroom whose database another connection holds exclusively."""
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True, busy_timeout=0.3)
    migrate(store)
    fill(store)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    yield room(store, tmp_path / "room"), other
    other.close()
    store.close()


def test_a_locked_database_costs_nobody_his_opt_out(
    locked: tuple[Room, sqlite3.Connection],
) -> None:
    """F12: answered as success, kept on disk, applied without anybody sending."""
    office, other = locked
    with serving(public_app(office)) as address, bare(address) as client:
        began = time.monotonic()
        answer = client.post(f"/u/{link(ANNA)}", content=ONE_CLICK, headers=FORM)
        assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
        for who in (BEN, CAROL):
            page = client.post(f"/u/{link(who)}", data={"act": "leave", "scope": "all"})
            assert page.status_code == 200 and "has stopped" in page.text
        assert time.monotonic() - began < 3
        assert client.get("/healthz").status_code == 200
        assert subscriptions.waiting(office)
        assert scopes(office.store, "anna") == set()
        other.execute("ROLLBACK")
        _until(lambda: not subscriptions.waiting(office))
    for name in ("anna", "ben", "carol"):
        assert scopes(office.store, name) == {("all", "opt-out")}


def test_only_the_first_one_waits_for_a_locked_store(tmp_path: Path) -> None:
    """F12: the store is spared after a failure; hundreds of clicks do not queue up behind it."""
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True, busy_timeout=1.0)
    migrate(store)
    office = room(store, tmp_path / "room")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with serving(public_app(office)) as address, bare(address) as client:
        waits = []
        for who in range(6):
            began = time.monotonic()
            answer = client.post(f"/u/{link(who)}", content=ONE_CLICK, headers=FORM)
            assert answer.status_code == 200
            waits.append(time.monotonic() - began)
        assert waits[0] >= 0.9 and max(waits[1:]) < 0.8
        other.execute("ROLLBACK")
        other.close()
        _until(lambda: not subscriptions.waiting(office))
    store.close()


def test_a_store_that_never_answers_is_given_up(
    office: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: a connection that hangs raises nothing; the click is kept all the same."""
    go_on = threading.Event()
    write = office.store.write

    def hang() -> Any:
        go_on.wait(10)
        return write()

    monkeypatch.setattr(office.store, "write", hang)
    monkeypatch.setattr(acts, "STORE_SILENT", 0.3)
    with serving(public_app(office)) as address, bare(address) as client:
        answer = client.post(f"/u/{link(BEN)}", content=ONE_CLICK, headers=FORM)
        assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
        assert subscriptions.waiting(office)
        go_on.set()
        _until(lambda: not subscriptions.waiting(office))
    assert scopes(office.store, "ben") == {("all", "opt-out")}


def test_choices_without_a_database_are_noted(tmp_path: Path) -> None:
    """F12: with the server away even reading fails; what was asked for is kept."""
    store = open_store("postgresql://nobody@/none?host=/nonexistent", busy_timeout=0.3)
    office = room(store, tmp_path / "room")
    with serving(public_app(office)) as address, bare(address) as client:
        page = client.get(f"/u/{link()}")
        assert page.status_code == 200 and 'value="all"' in page.text
        assert client.get(f"/p/{link()}").status_code == 503
        assert client.get("/").status_code == 503
        answer = client.post(f"/p/{link()}", data={"act": "leave"})
        assert answer.status_code == 200 and "Your choice is noted" in answer.text
        assert client.get("/healthz").text == "ok\n"
    assert subscriptions.waiting(office)
    store.close()


def test_neither_database_nor_spool_says_try_again(
    locked: tuple[Room, sqlite3.Connection],
) -> None:
    """F12: 503 with Retry-After, so that providers come back."""
    office, other = locked
    office.config.spool_dir.write_text("a file where the folder should be")
    with serving(public_app(office)) as address, bare(address) as client:
        answer = client.post(f"/u/{link()}", content=ONE_CLICK, headers=FORM)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"].startswith("text/plain")
        page = client.post(f"/u/{link()}", data={"act": "leave", "scope": "all"})
        assert page.status_code == 503 and "nothing was changed" in page.text
    other.execute("ROLLBACK")
    assert scopes(office.store, "anna") == set()


def _until(done: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
