"""`/readyz` and `/metrics`: what watches a newsroom, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mailer.clock import SECOND
from mailer.distribution import doctor, telemetry
from mailer.distribution.context import fingerprint
from mailer.store import Store, ledger, open_store
from mailer.store.base import query
from mailer.store.core import set_fact
from mailer.store.ledger import Result
from mailer.store.states import DeliveryState
from mailer.web.desk import desk_app
from prometheus_client.parser import text_string_to_metric_families

from tests.store.seed import seed_distribution, seed_journalists
from tests.web.serving import Room, bare, room, serving

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Room:
    found = room(store, tmp_path / "room")
    with store.write() as tx:
        set_fact(tx, "suppression_key", fingerprint(found.suppression_key))
    return found


@pytest.fixture
def client(office: Room) -> Iterator[httpx.Client]:
    with serving(desk_app(office)) as address, bare(address) as client:
        yield client


def worker(store: Store) -> int:
    with store.write() as tx:
        return ledger.add_worker(
            tx, host="h", name="sender-1", pid=1, boot_id="b", journal="", config_digest=""
        )


def samples(client: httpx.Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, metric: str, **labels: str) -> float | None:
    return found.get((metric, frozenset(labels.items())))


def begin(store: Store, distribution: int) -> None:
    with store.write() as tx:
        tx.execute("UPDATE distributions SET state = 'sending'", {})
        tx.execute("UPDATE waves SET state = 'sending'", {})


def answered(store: Store, sender: int, states: list[DeliveryState], at: int) -> None:
    """The next deliveries of the first wave get these answers."""
    with store.write() as tx:
        claimed = ledger.claim(tx, sender, ledger.open_waves(tx)[0], len(states))
        ledger.record(
            tx,
            sender,
            [
                Result(
                    *(one.distribution, one.id, one.attempts + 1, state, at, at, "default"),
                    *("dot", 250, "", "", "", None, at + 3600 * SECOND, None),
                )
                for one, state in zip(claimed, states, strict=True)
            ],
        )


def test_what_is_answered_and_what_is_open(
    office: Room, store: Store, client: httpx.Client
) -> None:
    """Each answer is counted once, under its provider, and nobody is named."""
    seed_journalists(store, 6)
    with store.write() as tx:
        now = tx.now()
        tx.execute("UPDATE addresses SET email = 'ada@GMail.com' WHERE journalist = 1", {})
        tx.execute("UPDATE addresses SET email = 'bo@googlemail.com' WHERE journalist = 2", {})
    due = now - 100 * SECOND
    begin(store, seed_distribution(store, range(1, 7), due_at=due))
    first = samples(client)
    assert value(first, "mailer_queued_deliveries") == 6
    assert value(first, "mailer_workers_alive") == 0
    assert 100 <= (value(first, "mailer_queue_age_seconds") or 0) < 200

    sender = worker(store)
    states = [DeliveryState.ACCEPTED] * 3 + [DeliveryState.DEFERRED, DeliveryState.IN_DOUBT]
    answered(store, sender, states, now - 60 * SECOND)
    for _ in range(2):  # reading again counts nothing again
        found = samples(client)
        labels = {"state": "accepted", "route": "default"}
        assert value(found, "mailer_answers_total", destination="gmail", **labels) == 2
        assert value(found, "mailer_answers_total", destination="other", **labels) == 1
        bucket = "mailer_time_to_accept_seconds_bucket"
        assert value(found, bucket, destination="gmail", le="15.0") == 0
        assert value(found, bucket, destination="gmail", le="60.0") == 2
        assert value(found, bucket, destination="gmail", le="+Inf") == 2
        assert value(found, "mailer_time_to_accept_seconds_sum", destination="gmail") == 80
        assert value(found, "mailer_workers_alive") == 1
    assert "ada@" not in client.get("/metrics").text and "News" not in client.get("/metrics").text


def test_the_backlog_by_route_and_destination(
    office: Room, store: Store, client: httpx.Client
) -> None:
    """What is deferred and in doubt stands under its route; a later due date is not late."""
    seed_journalists(store, 3)
    begin(store, seed_distribution(store, range(1, 4)))
    with store.read() as tx:
        now = tx.now()
    answered(store, worker(store), [DeliveryState.DEFERRED, DeliveryState.IN_DOUBT], now)
    found = samples(client)
    where = {"route": "default", "destination": "other"}
    assert value(found, "mailer_deferred_deliveries", **where) == 1
    assert value(found, "mailer_in_doubt_deliveries", **where) == 1
    assert value(found, "mailer_queued_deliveries") == 1
    with store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 8 WHERE state = 0", {})
    assert value(samples(client), "mailer_queue_age_seconds") == 0
    with store.write() as tx:
        tx.execute("UPDATE waves SET state = 'waiting'", {})
        tx.execute("INSERT INTO routes VALUES ('default', 'paused', 'x', NULL, 1, 1)", {})
    found = samples(client)
    assert value(found, "mailer_waiting_for_officer", what="batch") == 1
    assert value(found, "mailer_waiting_for_officer", what="route") == 1


def test_no_label_is_made_of_what_a_journalist_or_server_chose(
    office: Room, store: Store, client: httpx.Client
) -> None:
    """Ten domains of their own and a route that is gone are one series."""
    seed_journalists(store, 10)
    begin(store, seed_distribution(store, range(1, 11)))
    samples(client)
    with store.write() as tx:
        now = tx.now()
        tx.execute("UPDATE addresses SET email = 'a@d' || journalist || '.example'", {})
    answered(store, worker(store), [DeliveryState.ACCEPTED] * 10, now - 10 * SECOND)
    with store.write() as tx:
        tx.execute("UPDATE deliveries SET route = 'gone'", {})
    series = [labels for name, labels in samples(client) if name == "mailer_answers_total"]
    assert series == [
        frozenset({("state", "accepted"), ("route", "other"), ("destination", "other")})
    ]


def test_ready_names_each_part_that_fails(
    office: Room, store: Store, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.text.startswith("sender: ")
    sender = worker(store)
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready\n")
    assert client.get("/healthz").text == "ok\n"

    with store.write() as tx:
        tx.execute("UPDATE workers SET lease_at = lease_at - 31000000", {})
    assert client.get("/readyz").text.startswith("sender: ")
    with store.write() as tx:
        ledger.renew_lease(tx, sender)
        set_fact(tx, "suppression_key", "another")
    assert client.get("/readyz").text.startswith("suppression_key: ")
    with store.write() as tx:
        tx.run("core.record_migration", number=9999, name="9999_later", at=1)
    assert client.get("/readyz").text.startswith("schema: ")
    with store.write() as tx:
        tx.execute("DELETE FROM migrations WHERE number = 9999", {})
        set_fact(tx, "suppression_key", fingerprint(office.suppression_key))

    office.config.spool_dir.write_text("a file where the folder should be")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.text.startswith("spool: ")
    assert not any(name == "mailer_spool_optouts" for name, _ in samples(client))
    office.config.spool_dir.unlink()
    monkeypatch.setattr(telemetry, "NO_SPACE", doctor.free_space(office.config) * 2)
    assert client.get("/readyz").text.startswith("disk: ")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_buckets_of_the_query_are_the_published_ones(dialect: str) -> None:
    bounds = re.findall(r"<= (\d+) THEN (\d+)", query("telemetry.answers", dialect))
    assert [(int(bound) / SECOND, int(place)) for bound, place in bounds] == [
        (bound, place) for place, bound in enumerate(telemetry.BOUNDS)
    ]


def test_without_a_database(tmp_path: Path) -> None:
    store = open_store("postgresql://nobody@/none?host=/nonexistent", busy_timeout=0.3)
    with serving(desk_app(room(store, tmp_path / "room"))) as address, bare(address) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503 and answer.text.startswith("store: ")
        found = samples(client)
        assert value(found, "mailer_store_up") == 0
        assert value(found, "mailer_store_errors_total") == 2
        assert value(found, "mailer_queued_deliveries") is None
        assert client.get("/inbox").status_code == 200
    store.close()
