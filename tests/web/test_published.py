"""The newsroom's page and the releases on it: what was sent, and nothing before its time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mailer.clock import SECOND, SystemClock
from mailer.release.codec import to_json
from mailer.release.model import Block, BlockKind, Contact, Embargo, Inline, Kind, Release
from mailer.store import Store
from mailer.web.public import public_app

from tests.web.office import NOW, delivery_id, distribution
from tests.web.office import link as leaving_link
from tests.web.serving import Room, bare, room, serving

HOUR = 3600 * SECOND


def text(words: str) -> Block:
    return Block(BlockKind.PARAGRAPH, (Inline(words),))


def release(slug: str, headline: str, **changes: object) -> Release:
    values: dict[str, object] = {
        "slug": slug,
        "kind": Kind.RELEASE,
        "language": "en",
        "direction": "ltr",
        "headline": headline,
        "lead": text("Brussels has news."),
        "body": (text("There is more of it."),),
        "contacts": (Contact("Jan Example", "Press officer", "press@example.org"),),
    }
    return Release(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Room:
    return room(store, tmp_path / "room")


@pytest.fixture
def client(office: Room) -> Iterator[httpx.Client]:
    with serving(public_app(office)) as address, bare(address) as client:
        yield client


def publish(store: Store, number: int, *revisions: Release) -> None:
    with store.write() as tx:
        tx.copy("releases", ["id", "slug", "created_at"], [(number, revisions[0].slug, NOW)])
        columns = "release,number,sha256,file,headline,language,source,document,actor,created_at"
        tx.copy(
            "revisions",
            columns.split(","),
            [
                (number, n, f"{number}-{n}", "", r.headline, "en", b"", doc, "test", NOW)
                for n, r in enumerate(revisions, 1)
                for doc in [json.dumps(to_json(r))]
            ],
        )


def send(
    store: Store,
    number: int,
    of: int,
    *,
    state: str = "sending",
    wave: str = "sending",
    revision: int = 1,
    embargo: int | None = None,
) -> None:
    with store.write() as tx:
        values = {"release": of, "revision": revision, "embargo_until": embargo}
        distribution(tx, number, state, **values, due_at=NOW + number)
        columns = ["distribution", "id", "due_at", "zone", "state", "recipients"]
        tx.copy("waves", columns, [(number, 1, NOW, "UTC", wave, 1)])


def test_an_empty_newsroom_says_so(client: httpx.Client) -> None:
    assert "No release has been published here yet" in client.get("/").text


def test_the_newest_release_stands_first(office: Room, client: httpx.Client) -> None:
    publish(office.store, 1, release("old-news", "Old <b>news</b>"))
    publish(office.store, 2, release("new-news", "New news", subhead="A line below"))
    send(office.store, 1, 1, state="done", wave="done")
    send(office.store, 2, 2)
    page = client.get("/").text
    assert page.index("New news") < page.index("Old &lt;b&gt;news")
    assert "A line below" in page and 'href="/r/new-news"' in page
    assert "21 September 2026" in page
    assert "noindex" not in client.get("/").headers.get("x-robots-tag", "")


def test_a_release_is_shown_as_its_mail_without_anything_personal(
    office: Room, client: httpx.Client
) -> None:
    """Decision 15, C22: one page for everybody, no script, nothing from elsewhere."""
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1)
    answer = client.get("/r/news")
    assert answer.status_code == 200
    for words in ("The news", "Brussels has news.", "There is more of it.", "Jan Example"):
        assert words in answer.text
    assert "/u/" not in answer.text and "unsubscribe" not in answer.text.lower()
    policy = answer.headers["content-security-policy"]
    assert "style-src 'sha256-" in policy and "unsafe" not in policy
    plain = client.get("/r/news.txt")
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Brussels has news." in plain.text and "/u/" not in plain.text
    assert max(map(len, plain.text.splitlines())) <= 72


@pytest.mark.parametrize(
    "state", ["planning", "draft", "scheduled", "waiting", "paused", "cancelled"]
)
def test_nothing_is_there_before_it_is_sent(office: Room, client: httpx.Client, state: str) -> None:
    """D4."""
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1, state=state, wave="scheduled")
    assert client.get("/r/news").status_code == 404
    assert client.get("/r/news.txt").status_code == 404
    assert "The news" not in client.get("/").text


def test_what_was_sent_before_a_pause_stays(office: Room, client: httpx.Client) -> None:
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1, state="cancelled", wave="cancelled")
    with office.store.write() as tx:
        columns = "distribution,delivery,number,worker,at,sent_date,route,phase,code,enhanced,reply"
        tx.copy(
            "attempts",
            [*columns.split(","), "verdict", "state"],
            [(1, delivery_id(1, 1), 1, 1, NOW, NOW, "", "dot", 250, "", "", "accepted", 3)],
        )
    assert client.get("/r/news").status_code == 200


def test_an_embargo_hides_it_everywhere_until_it_ends(office: Room, client: httpx.Client) -> None:
    """D4: also when trusted people already have it, and equal to what never existed."""
    now = SystemClock().now()
    publish(office.store, 1, release("secret", "The secret"))
    send(office.store, 1, 1)
    send(office.store, 2, 1, state="scheduled", wave="scheduled", embargo=now + HOUR)
    missing = client.get("/r/no-such-release")
    for path in ("/r/secret", "/r/secret.txt"):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert "The secret" not in client.get("/").text
    with office.store.write() as tx:
        tx.execute("UPDATE distributions SET embargo_until = :t WHERE id = 2", {"t": now - 1})
    assert client.get("/r/secret").status_code == 200
    assert "The secret" in client.get("/").text


def test_an_embargo_in_the_text_itself_counts_too(office: Room, client: httpx.Client) -> None:
    """D4."""
    later = Embargo("later", SystemClock().now() + HOUR, "Europe/Brussels")
    publish(office.store, 1, release("secret", "The secret", embargo=later))
    send(office.store, 1, 1)
    assert client.get("/r/secret").status_code == 404
    assert "The secret" not in client.get("/").text


def test_the_latest_sent_revision_is_shown(office: Room, client: httpx.Client) -> None:
    """D12: not one that is only written."""
    texts = [release("news", f"Headline {n}") for n in (1, 2, 3)]
    publish(office.store, 1, *texts)
    send(office.store, 1, 1)
    assert "Headline 1" in client.get("/r/news").text
    send(office.store, 2, 1, revision=2)
    send(office.store, 3, 1, revision=3, state="scheduled", wave="scheduled")
    assert "Headline 2" in client.get("/r/news").text


def test_a_withdrawn_release_is_gone_and_says_so(office: Room, client: httpx.Client) -> None:
    """D9."""
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1, state="killed", wave="done")
    answer = client.get("/r/news")
    assert answer.status_code == 410 and "was withdrawn" in answer.text
    assert "Brussels has news." not in answer.text
    assert client.get("/r/news.txt").status_code == 410
    assert "Withdrawn – do not use" in client.get("/").text


@pytest.mark.parametrize("slug", ["..%2f..%2fconfig.toml", "%00", "a" * 5000, "x'%20OR%201=1", "é"])
def test_strange_slugs_are_nothing(client: httpx.Client, slug: str) -> None:
    assert client.get(f"/r/{slug}").status_code == 404
    assert client.get(f"/r/{slug}.txt").status_code == 404


def test_other_addresses_are_nothing(client: httpx.Client) -> None:
    for path in ("/docs", "/openapi.json", "/static/../config.toml", "/inbox", "/u/", "/u"):
        assert client.get(path).status_code == 404
    assert client.get("/healthz").text == "ok\n"
    assert "Disallow: /u/" in client.get("/robots.txt").text
    assert client.post("/").status_code == 405


def test_a_newsroom_below_a_path(store: Store, tmp_path: Path) -> None:
    """public_url may have a path; the proxy in front may strip it or leave it."""
    below = room(store, tmp_path / "room", "https://example.org/press")
    publish(store, 1, release("news", "The news"))
    send(store, 1, 1)
    with serving(public_app(below)) as address, bare(address) as client:
        for base in ("", "/press"):
            page = client.get(f"{base}/").text
            links = set(re.findall(r'(?:href|action)="(/[^"?]*)', page))
            assert links == {
                "/press/",
                "/press/r/news",
                "/press/feed.atom",
                "/press/static/site.css",
                "/press/static/icon.svg",
            }
            for link in links:
                assert client.get(link).status_code == 200
            form = client.get(f"{base}/u/{leaving_link()}").text
            assert f'action="/press/u/{leaving_link()}"' in form


def test_a_fault_of_ours_is_a_page_without_a_trace(office: Room, client: httpx.Client) -> None:
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1)
    with office.store.write() as tx:
        tx.execute("UPDATE revisions SET document = '{'", {})
    answer = client.get("/r/news")
    assert answer.status_code == 500 and "This page failed" in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
