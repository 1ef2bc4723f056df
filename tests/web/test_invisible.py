"""What may not be read is nowhere: over every route, equal to what never existed (D4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from mailer.clock import SECOND, SystemClock
from mailer.release.model import Embargo, Kind
from mailer.store import Store
from mailer.web import guard, reading
from mailer.web.public import public_app

from tests.web.office import NOW, delivery_id
from tests.web.serving import Room, bare, room, serving
from tests.web.test_published import publish, release, send

HOUR = 3600 * SECOND
SLUG, HEADLINE = "zinc-takeover", "Zinc is taken over"
SECRET = release(SLUG, HEADLINE, subhead="Copper sells", lead=None)
WORDS = ("zinc", "copper")

Setting = Callable[[Store, int], None]


def attempt(store: Store, distribution: int) -> None:
    """Somebody already has it."""
    columns = "distribution,delivery,number,worker,at,sent_date,route,phase,code,enhanced,reply"
    row = (distribution, delivery_id(distribution, 1), 1, 1, NOW, NOW, "", "dot", 250, "", "")
    with store.write() as tx:
        tx.copy("attempts", [*columns.split(","), "verdict", "state"], [(*row, "accepted", 3)])


def killed(store: Store, distribution: int, at: int) -> None:
    with store.write() as tx:
        tx.execute(
            "UPDATE distributions SET state = 'killed', finished_at = :t WHERE id = :d",
            {"t": at, "d": distribution},
        )


def only_written(store: Store, now: int) -> None:
    publish(store, 1, SECRET)


def a_draft(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, state="draft", wave="scheduled")


def scheduled(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, state="scheduled", wave="scheduled")


def a_test_alone(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, state="done", wave="done")
    with store.write() as tx:
        tx.execute("UPDATE distributions SET kind = 'test' WHERE release = 1", {})


def embargo_of_the_order(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, embargo=now + HOUR)


def embargo_of_the_text(store: Store, now: int) -> None:
    publish(store, 1, replace(SECRET, embargo=Embargo("", now + HOUR, "UTC")))
    send(store, 1, 1)


def cancelled_under_embargo(store: Store, now: int) -> None:
    """Some, trusted, have it already."""
    publish(store, 1, SECRET)
    send(store, 1, 1, state="cancelled", wave="cancelled", embargo=now + HOUR)
    attempt(store, 1)


def killed_unsent(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, wave="scheduled")
    killed(store, 1, now - HOUR)


def killed_under_embargo(store: Store, now: int) -> None:
    publish(store, 1, SECRET)
    send(store, 1, 1, embargo=now + HOUR)
    killed(store, 1, now - 1)


def killed_before_the_lift(store: Store, now: int) -> None:
    """The lift has passed since; the public still never had it."""
    publish(store, 1, SECRET)
    send(store, 1, 1, embargo=now - HOUR)
    killed(store, 1, now - 2 * HOUR)


def killed_by_a_notice_before_the_lift(store: Store, now: int) -> None:
    publish(store, 1, SECRET, replace(SECRET, kind=Kind.KILL))
    send(store, 1, 1, embargo=now - HOUR)
    send(store, 2, 1, revision=2)
    with store.write() as tx:
        tx.execute("UPDATE distributions SET due_at = :t WHERE release = 1", {"t": now - 2 * HOUR})


HIDDEN: list[Setting] = [
    only_written,
    a_draft,
    scheduled,
    a_test_alone,
    embargo_of_the_order,
    embargo_of_the_text,
    cancelled_under_embargo,
    killed_unsent,
    killed_under_embargo,
    killed_before_the_lift,
    killed_by_a_notice_before_the_lift,
]


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Room:
    return room(store, tmp_path / "room")


def routes(office: Room) -> list[tuple[str, str]]:
    """(method, path) of every route there is, with the addresses of any release left open."""
    walked: list[APIRoute] = []
    for route in public_app(office).routes:
        assert isinstance(route, APIRoute), "a route that is not walked"
        walked.append(route)
    found = [(method, route.path) for route in walked for method in sorted(route.methods)]
    assert {path for _, path in found} >= {"/", "/r/{slug}", "/feed.atom", "/robots.txt"}
    return found


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All of an answer that a guesser can see."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("setting", HIDDEN, ids=lambda each: each.__name__)
def test_no_route_tells_of_it(office: Room, client: httpx.Client, setting: Setting) -> None:
    """D4: page, feed, ninjs, text, front page; also when asked with the validators of caches."""
    asks: list[dict[str, str]] = [
        {},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Thu, 26 Nov 2026 00:00:00 GMT"},
        {"Range": "bytes=0-1", "Accept": "application/json"},
    ]
    publish(office.store, 9, release("open-news", "Open news"))
    send(office.store, 9, 9)

    def walk(slug: str) -> list[tuple[int, dict[str, str], bytes]]:
        questions = [
            (method, path.replace("{slug}", slug), headers)
            for method, path in routes(office)
            for headers in (asks if "{slug}" in path or path in ("/", "/feed.atom") else asks[:1])
            if "{token}" not in path
        ]
        # Each answer that something is missing waits for the beat; many may wait at once.
        with ThreadPoolExecutor(12) as threads:
            return list(
                threads.map(lambda q: shown(client.request(q[0], q[1], headers=q[2])), questions)
            )

    before, nothing = walk(SLUG), walk("zinc-takeovers")
    assert before == nothing
    setting(office.store, SystemClock().now())
    after = walk(SLUG)
    assert after == before
    for _, headers, content in after:
        text = (json.dumps(headers) + content.decode()).lower()
        assert not [word for word in WORDS if word in text]


def test_a_token_page_does_not_name_it(office: Room, client: httpx.Client) -> None:
    """The pages behind tokens are asked with the slug in the token's place."""
    embargo_of_the_order(office.store, SystemClock().now())
    for method, path in routes(office):
        if "{token}" in path:
            address = path.replace("{token}", SLUG)
            other = path.replace("{token}", "zinc-takeovers")
            assert shown(client.request(method, address)) == shown(client.request(method, other))


@pytest.mark.parametrize("ending", ["", ".txt", ".json"])
def test_a_miss_is_answered_on_the_beat(
    office: Room, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """D4: the time of the answer says nothing of what the lookup met."""
    waits: list[float] = []
    monkeypatch.setattr(reading, "until_next_step", lambda spent: waits.append(spent) or 0)
    embargo_of_the_text(office.store, SystemClock().now())
    with serving(public_app(office)) as address, bare(address) as client:
        for slug in (SLUG, "nothing-of-that-name", "%00"):
            assert client.get(f"/r/{slug}{ending}").status_code == 404
    assert len(waits) == 3


def test_the_beat() -> None:
    step = guard.EVEN_STEP
    for spent in (0.0, step / 10, step * 0.99, step * 1.5, step * 7.2):
        beats = (spent + guard.until_next_step(spent)) / step
        assert beats == pytest.approx(round(beats)) and beats >= 1
    assert guard.until_next_step(step * 0.99) < step * 0.02


def test_what_was_public_and_is_withdrawn_loses_its_words(
    office: Room, client: httpx.Client
) -> None:
    """D9: readers are told, by 410 and in the feed; no route repeats headline, address or text."""
    publish(office.store, 1, SECRET)
    send(office.store, 1, 1)
    page = client.get(f"/r/{SLUG}")
    tag = page.headers["etag"]
    item = client.get(f"/r/{SLUG}.json").json()
    assert "Zinc" in client.get("/").text and "Zinc" in client.get("/feed.atom").text
    killed(office.store, 1, SystemClock().now())
    for method, path in routes(office):
        if "{token}" in path:
            continue
        answer = client.request(
            method, path.replace("{slug}", SLUG), headers={"If-None-Match": tag}
        )
        text = (json.dumps(dict(answer.headers)) + answer.text).lower()
        assert not [word for word in WORDS if word in text]
        if ".ics" in path:
            assert answer.status_code == 404  # it announced no event
        elif "{slug}" in path:
            assert answer.status_code == 410, path
            assert answer.headers["cache-control"] == "no-store"
    gone: dict[str, Any] = client.get(f"/r/{SLUG}.json").json()
    assert (gone["uri"], gone["pubStatus"]) == (item["uri"], "canceled")
    assert item["uri"] in client.get("/feed.atom").text
