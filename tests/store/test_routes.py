"""Ways out in the store, on both databases."""

from __future__ import annotations

from mailer.clock import SECOND
from mailer.store import Store, routes
from mailer.store.core import control_version


def test_a_pause_holds_until_an_officer_resumes(store: Store) -> None:
    """G8: no rest and no success lifts it; each act is an event and tells the senders (H15)."""
    with store.write() as tx:
        before = control_version(tx)
        assert routes.pause(tx, "main", "550 5.7.1 banned", "system")
        assert control_version(tx) == before + 1
        assert not routes.pause(tx, "main", "another reason", "bob")
        assert not routes.rest(tx, "main", tx.now() + 60 * SECOND, "421")
        assert not routes.works(tx, "main")
    with store.read() as tx:
        assert routes.paused(tx) == {"main"}
        assert routes.state_of(tx)["main"].reason == "550 5.7.1 banned"
        assert routes.state_of(tx)["main"].until_at is None
    with store.write() as tx:
        assert routes.resume(tx, "main", "anna")
        assert not routes.resume(tx, "main", "anna")
        assert control_version(tx) == before + 2
        assert routes.state_of(tx) == {}
        kinds = tx.rows("SELECT kind, actor FROM events ORDER BY id", {})
    assert [(row["kind"], row["actor"]) for row in kinds] == [
        ("route_paused", "system"),
        ("route_resumed", "anna"),
    ]


def test_a_rest_ends_by_itself_and_counts_failures(store: Store) -> None:
    """G11: a 421 rests the route; a success forgets the failures."""
    with store.write() as tx:
        now = tx.now()
        assert routes.rest(tx, "main", now + 600 * SECOND, "421 4.7.28")
        assert routes.rest(tx, "main", now + 900 * SECOND, "421 4.7.28")
        assert routes.rest(tx, "other", now - SECOND, "lost")
        assert routes.resting(tx) == {"main"}
        assert routes.paused(tx) == set()
        assert routes.state_of(tx)["main"].failures == 2
        assert routes.works(tx, "main")
        assert set(routes.state_of(tx)) == {"other"}
        assert routes.pause(tx, "other", "stop", "anna")
        assert routes.paused(tx) == {"other"}
