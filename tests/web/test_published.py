"""The newsroom's page and the releases on it: what was sent, and nothing before its time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import html5lib
import httpx
import icalendar
import pytest
from mailer.clock import SECOND, SystemClock, to_datetime
from mailer.distribution import forms
from mailer.release.codec import to_json
from mailer.release.model import (
    Block,
    BlockKind,
    Contact,
    Embargo,
    Event,
    Inline,
    Kind,
    Moment,
    Release,
)
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


FORMS = {
    "/": "text/html; charset=utf-8",
    "/feed.atom": "application/atom+xml; charset=utf-8",
    "/r/news": "text/html; charset=utf-8",
    "/r/news.txt": "text/plain; charset=utf-8",
    "/r/news.json": "application/json",
}


@pytest.mark.parametrize("path", FORMS)
def test_caches_ask_each_time_and_are_told_what_changed(
    office: Room, client: httpx.Client, path: str
) -> None:
    """D9, D12: what is withdrawn or corrected leaves caches with the next reader."""
    publish(office.store, 1, release("news", "The news"), release("news", "Better news"))
    send(office.store, 1, 1)
    first = client.get(path)
    assert first.headers["content-type"] == FORMS[path]
    assert first.headers["cache-control"] == "public, no-cache"
    assert "last-modified" not in first.headers and "set-cookie" not in first.headers
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "content-security-policy"):
            assert again.headers[name] == first.headers[name]
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    head = client.head(path)
    assert (head.status_code, head.headers["etag"], head.content) == (200, tag, b"")
    send(office.store, 2, 1, revision=2)
    corrected = client.get(path, headers={"If-None-Match": tag})
    assert corrected.status_code == 200 and "Better news" in corrected.text
    with office.store.write() as tx:
        tx.execute("UPDATE distributions SET state = 'killed'", {})
    withdrawn = client.get(path, headers={"If-None-Match": corrected.headers["etag"]})
    assert withdrawn.status_code == (410 if "/r/" in path else 200)
    assert "etag" not in withdrawn.headers or "/r/" not in path
    assert "news" not in withdrawn.text.replace("newsroom", "").replace("newsinjson", "").lower()


def test_a_correction_keeps_its_identity_and_moves_its_time(
    office: Room, client: httpx.Client
) -> None:
    """D12: feed and item; an entry's id is for ever, its `updated` that of the latest revision."""
    publish(office.store, 1, release("news", "The news"), release("news", "Better news"))
    send(office.store, 1, 1)
    before, item = feedparser.parse(client.get("/feed.atom").content), news(client)
    send(office.store, 7_200_000, 1, revision=2)  # its number is also its delay in microseconds
    after, corrected = feedparser.parse(client.get("/feed.atom").content), news(client)
    (old,), (new,) = before.entries, after.entries
    assert not before.bozo and not after.bozo
    assert (new.id, new.published) == (old.id, old.published)
    assert (old.title, new.title) == ("The news", "Better news")
    assert old.updated == old.published and new.updated > old.updated
    assert after.feed.updated == new.updated and after.feed.id == before.feed.id
    assert corrected["uri"] == item["uri"] == old.id
    assert (item["version"], corrected["version"]) == ("1", "2")
    assert corrected["versionCreated"] == new.updated > corrected["firstCreated"]


def test_an_embargo_gives_the_time_at_which_all_appears(office: Room, client: httpx.Client) -> None:
    """D4: what trusted people had before was published at the lift."""
    lift = SystemClock().now() - 5 * SECOND
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1, embargo=lift)
    (entry,) = feedparser.parse(client.get("/feed.atom").content).entries
    assert datetime.fromisoformat(entry.published) == to_datetime(lift // SECOND * SECOND)
    assert news(client)["firstCreated"] == entry.published == entry.updated


def test_the_page_says_in_its_head_what_it_is(office: Room, client: httpx.Client) -> None:
    """Canonical address, other forms, cards and JSON-LD, with nothing fetched from anywhere."""
    hostile = '</script><script>alert("1")</script> & <b>'
    publish(office.store, 1, release("news", hostile, subhead="Below", language="pt-BR"))
    send(office.store, 1, 1)
    answer = client.get("/r/news")
    assert answer.headers["content-language"] == "pt-BR"
    tree = html5lib.parse(answer.text, namespaceHTMLElements=False)
    url = "http://127.0.0.1:8025/r/news"
    links = {(each.get("rel"), each.get("type")): each.get("href") for each in tree.iter("link")}
    assert links == {
        ("canonical", None): url,
        ("alternate", "application/json"): f"{url}.json",
        ("alternate", "application/pdf"): f"{url}.pdf",
        ("alternate", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"): (
            f"{url}.docx"
        ),
        ("alternate", "text/plain"): f"{url}.txt",
        ("alternate", "application/atom+xml"): "http://127.0.0.1:8025/feed.atom",
    }
    meta = {
        each.get("property") or each.get("name"): each.get("content") for each in tree.iter("meta")
    }
    assert (meta["og:title"], meta["og:url"], meta["og:locale"]) == (hostile, url, "pt_BR")
    assert meta["og:description"] == meta["twitter:description"] == "Below"
    assert meta["article:published_time"] == news(client)["firstCreated"]
    assert not [name for name in meta if name and "image" in name]
    (script,) = tree.iter("script")
    assert script.get("type") == "application/ld+json"
    data = json.loads(script.text)
    assert (data["@type"], data["headline"], data["url"]) == ("NewsArticle", hostile, url)
    for path in (".txt", ".json"):
        assert client.get(f"/r/news{path}").headers["link"] == f'<{url}>; rel="canonical"'
    front = html5lib.parse(client.get("/").text, namespaceHTMLElements=False)
    assert {each.get("rel") for each in front.iter("link")} >= {"canonical", "alternate"}


def test_a_form_is_made_once_a_revision(
    office: Room, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each form of each revision; what is shown is asked of the store all the same."""
    made: list[str] = []
    real = forms.made

    def counted(*arguments: Any) -> forms.Form:
        made.append(arguments[3])
        return real(*arguments)

    monkeypatch.setattr(forms, "made", counted)
    publish(office.store, 1, release("news", "The news"), release("news", "Better news"))
    send(office.store, 1, 1)
    for _ in range(3):
        for path in ("/r/news", "/r/news.txt", "/r/news.json", "/feed.atom"):
            assert client.get(path).status_code == 200
    assert sorted(made) == ["html", "ninjs", "text"]
    send(office.store, 2, 1, revision=2)
    assert "Better news" in client.get("/r/news").text
    assert sorted(made) == ["html", "html", "ninjs", "text"]


def test_right_to_left_reaches_every_form(office: Room, client: httpx.Client) -> None:
    """B19, C5."""
    words = {"language": "he", "direction": "rtl", "lead": text("חדשות מהעיר.")}
    publish(office.store, 1, release("news", "חדשות", **words))
    send(office.store, 1, 1)
    assert '<h2 lang="he" dir="rtl">' in client.get("/").text
    page = client.get("/r/news")
    assert '<html lang="he" dir="rtl">' in page.text and page.headers["content-language"] == "he"
    (entry,) = feedparser.parse(client.get("/feed.atom").content).entries
    assert entry.title_detail.language == entry.content[0].language == "he"
    assert 'dir="rtl"' in client.get("/feed.atom").text
    assert news(client)["language"] == "he"


def news(client: httpx.Client) -> dict[str, Any]:
    """The release "news" as an item of ninjs."""
    answer = client.get("/r/news.json")
    assert answer.status_code == 200
    item: dict[str, Any] = answer.json()
    return item


def test_an_advisory_has_a_page_and_a_calendar_file_and_is_listed_nowhere(
    office: Room, client: httpx.Client
) -> None:
    """D9: not for publication; moved, corrected and withdrawn its calendar entry follows."""
    event = Event(Moment(date(2026, 12, 1), NOW), "Europe/Brussels", place=("Tide House",))
    first = release("tour", "Come and see", kind=Kind.ADVISORY, event=event)
    moved = replace(first, event=replace(event, start=Moment(date(2026, 12, 1), NOW + HOUR)))
    fixed = replace(moved, kind=Kind.CORRECTION, headline="Come and see it")
    publish(office.store, 1, first, moved, fixed)
    publish(office.store, 2, release("news", "The news"))
    send(office.store, 1, 1)
    send(office.store, 2, 2)
    page = client.get("/r/tour")
    assert page.status_code == 200 and "Tide House" in page.text
    assert 'href="http://127.0.0.1:8025/r/tour.ics"' in page.text
    assert "noindex" in page.headers["x-robots-tag"] and 'content="noindex' in page.text
    assert "ld+json" not in page.text and ".json" not in page.text
    assert client.get("/r/tour.json").status_code == 404
    assert "noindex" in client.get("/r/tour.txt").headers["x-robots-tag"]
    answer = client.get("/r/tour.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "noindex" in answer.headers["x-robots-tag"]
    before = calendar_entry(answer)
    assert before.decoded("dtstart") == to_datetime(NOW).replace(microsecond=0)
    assert client.get("/r/news.ics").status_code == 404
    for number in (2, 3):
        send(office.store, number + 1, 1, revision=number)
        after = calendar_entry(client.get("/r/tour.ics"))
        assert (after["uid"], after["sequence"]) == (before["uid"], number)
        assert after.decoded("dtstart") - before.decoded("dtstart") == timedelta(hours=1)
        assert "Come and see" not in client.get("/").text + client.get("/feed.atom").text
        assert "The news" in client.get("/").text
        page = client.get("/r/tour")
        assert "ld+json" not in page.text and "noindex" in page.text and ".json" not in page.text
        assert client.get("/r/tour.json").status_code == 404
    with office.store.write() as tx:
        tx.execute("UPDATE distributions SET state = 'killed' WHERE release = 1", {})
    assert client.get("/r/tour").status_code == 410
    gone = client.get("/r/tour.ics")
    assert gone.status_code == 200 and "Tide House" not in gone.text
    assert calendar_entry(gone)["status"] == "CANCELLED"
    assert calendar_entry(gone)["uid"] == before["uid"]
    assert "Withdrawn" not in client.get("/").text


def test_an_embargo_hides_the_calendar_file_too(office: Room, client: httpx.Client) -> None:
    """D4, D9."""
    event = Event(Moment(date(2026, 12, 1)), "UTC")
    publish(office.store, 1, release("tour", "Come", kind=Kind.ADVISORY, event=event))
    send(office.store, 1, 1, embargo=SystemClock().now() + HOUR)
    missing = client.get("/r/never-was.ics")
    answer = client.get("/r/tour.ics")
    assert (answer.status_code, answer.content) == (404, missing.content)


def test_a_public_event_is_listed_with_its_calendar_file(
    office: Room, client: httpx.Client
) -> None:
    """D9: a release that names an event is news like any other."""
    event = Event(Moment(date(2026, 12, 1)), "UTC", place=("Quay",), stated=True)
    publish(office.store, 1, release("open-day", "Open day", event=event))
    send(office.store, 1, 1)
    assert "Open day" in client.get("/").text
    assert 'type="text/calendar"' in client.get("/r/open-day").text
    assert client.get("/r/open-day.json").status_code == 200
    assert calendar_entry(client.get("/r/open-day.ics"))["location"] == "Quay"


def test_many_advisories_take_no_place_from_news(office: Room, client: httpx.Client) -> None:
    """D9: the page shows the latest releases however many invitations came after them."""
    publish(office.store, 1, release("news", "The news"))
    send(office.store, 1, 1)
    for number in range(2, 36):
        publish(office.store, number, release(f"tour-{number}", "Tour", kind=Kind.ADVISORY))
        send(office.store, number, number)
    assert "The news" in client.get("/").text


def calendar_entry(answer: httpx.Response) -> icalendar.Event:
    """The one event of a calendar file."""
    (entry,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert isinstance(entry, icalendar.Event)
    return entry
