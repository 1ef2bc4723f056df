"""What is handed over, in the store: its bytes, who has it, its end; on both databases."""

from __future__ import annotations

from mailer.store import Store, errands
from mailer.store.errands import IN, OUT


def handed_over(store: Store, *parts: bytes) -> int:
    with store.write() as tx:
        number = errands.begin(tx, "import", {"file": "a.csv"}, "anna")
        for place, part in enumerate(parts):
            errands.add_part(tx, number, IN, place, part)
        assert number not in [row["id"] for row in errands.ls(tx)]
        assert errands.take(tx, number, "early") is None, "it has not arrived yet"
        errands.ready(tx, number, "import", "anna")
    return number


def test_bytes_come_out_as_they_went_in(store: Store) -> None:
    parts = [bytes([n]) * 1000 + b"\0\xff'" for n in range(12)]
    number = handed_over(store, *parts)
    with store.read() as tx:
        assert list(errands.parts(tx, number, IN)) == parts
        assert list(errands.parts(tx, number, OUT)) == []
    with store.write() as tx:
        steps = 0
        while errands.forget_parts(tx, number, IN):
            steps += 1
        assert steps == 3, "a few at a time"
        assert list(errands.parts(tx, number, IN)) == []


def test_only_the_last_taker_can_end_it(store: Store) -> None:
    number = handed_over(store)
    with store.write() as tx:
        first = errands.take(tx, number, "a")
        assert first is not None
        assert (first.kind, first.asked, first.actor) == ("import", {"file": "a.csv"}, "anna")
        assert errands.still_mine(tx, first)
        second = errands.take(tx, number, "b")
        assert second is not None
        assert second.tries == 2
        assert not errands.still_mine(tx, first)
        assert not errands.finish(tx, first, "done", {"rows": 1})
        errands.give_back(tx, first)
        assert errands.open_ones(tx) == [(number, "import")]
        assert errands.finish(tx, second, "done", {"rows": 2})
        assert not errands.finish(tx, second, "failed", {})
        assert not errands.cancel(tx, number, "anna")
        assert errands.take(tx, number, "c") is None
        assert errands.open_ones(tx) == []
        row = errands.get(tx, number)
        assert row is not None
        assert (row["state"], row["host"], row["result"]) == ("done", "b", '{"rows": 2}')


def test_what_is_given_back_was_not_tried(store: Store) -> None:
    number = handed_over(store)
    with store.write() as tx:
        for _ in range(9):
            taken = errands.take(tx, number, "a")
            assert taken is not None
            assert taken.tries == 1
            errands.give_back(tx, taken)


def test_what_nobody_needs_goes_step_by_step(store: Store) -> None:
    """E13: bytes of what has ended at once, the rest of it when it is old, never what waits."""
    with store.read() as tx:
        early = tx.now() - 1
    ended, waiting = handed_over(store, b"a" * 10, b"b"), handed_over(store, b"c")
    with store.write() as tx:
        half = errands.begin(tx, "import", {}, "anna")
        taken = errands.take(tx, ended, "a")
        assert taken is not None
        errands.add_part(tx, ended, OUT, 0, b"rejected")
        errands.finish(tx, taken, "done", {})
        now = tx.now()

    def forget(before: int, abandoned: int) -> int:
        gone, more = 0, True
        while more:
            with store.write() as tx:
                more, count = errands.forget_old(tx, before, abandoned)
                gone += count
        return gone

    assert forget(early, early) == 0
    with store.read() as tx:
        assert list(errands.parts(tx, ended, IN)) == []
        assert list(errands.parts(tx, ended, OUT)) == [b"rejected"]
        assert errands.count_old(tx, now + 10**9, early) == 1
    assert forget(now + 10**9, early) == 1
    with store.read() as tx:
        assert errands.get(tx, ended) is None
        assert list(errands.parts(tx, ended, OUT)) == []
        assert errands.get(tx, half) is not None
    assert forget(now + 10**9, now + 10**9) == 1
    with store.read() as tx:
        assert [row["id"] for row in errands.ls(tx)] == [waiting]
        assert list(errands.parts(tx, waiting, IN)) == [b"c"]
