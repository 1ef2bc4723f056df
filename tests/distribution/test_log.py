"""What people read of the ledger, and that the history alone would tell the same."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution import control, suppressions
from mailer.distribution.log import LOG_COLUMNS, log, show, status, status_of
from mailer.distribution.schedule import Sweeper
from mailer.errors import NotFound, UsageError
from mailer.store.core import add_event
from mailer.store.states import DeliveryState

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.test_schedule import NOON, deliver


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """Two lists, one distribution to five people: two taken, one asked to be left alone."""
    with Press(tmp_path / "room", store_url, clock=ManualClock(NOON)) as press:
        press.people("brussels", [f"b{n}@example.com" for n in range(1, 4)])
        press.people("tech", ["t1@example.com", "Zoë@bücher.example"])
        press.queue("list:brussels", "list:tech")
        Sweeper(press.room).sweep()
        deliver(press.room, 1, 2)
        suppressions.add(press.room, ["t1@example.com"], "anna")
        yield press


def test_each_delivery_is_one_row_with_the_columns_of_the_contract(press: Press) -> None:
    """Contract, H16: oldest first; no column more, none less."""
    rows = list(log(press.room))
    assert [tuple(row) for row in rows] == [LOG_COLUMNS] * 5
    assert [(r["email"], r["state"]) for r in rows] == [
        ("b1@example.com", "accepted"),
        ("b2@example.com", "accepted"),
        ("b3@example.com", "queued"),
        ("t1@example.com", "suppressed"),
        ("Zoë@xn--bcher-kva.example", "queued"),
    ]
    first = rows[0]
    assert (
        first["message_id"].startswith(f"<{first['delivery']}.")
        and "@example.org>" in (first["message_id"])
    )
    assert (first["queued_at"], first["attempts"], first["smtp_code"], first["list"]) == (
        "2026-03-03T12:00:00.000Z",
        1,
        250,
        "brussels",
    )
    assert rows[3]["reason"].startswith("do not contact")


_FILTERS: list[tuple[dict[str, Any], int]] = [
    ({}, 5),
    ({"distribution": 1}, 5),
    ({"state": "accepted"}, 2),
    ({"state": "queued"}, 2),
    ({"state": "bounced"}, 0),
    ({"email": "B2@EXAMPLE.com"}, 1),
    ({"email": "Zoë@Bücher.example"}, 1),
    ({"email": "nobody@example.com"}, 0),
    ({"email": "no address at all"}, 0),
    ({"email": ""}, 0),
    ({"state": "accepted", "email": "b3@example.com"}, 0),
    ({"since": NOON}, 5),
    ({"since": NOON + 1}, 0),
    ({"since": -(10**15)}, 5),
]


def test_filters_hold_together(press: Press) -> None:
    """Contract, `log`."""
    for where, expected in _FILTERS:
        assert len(list(log(press.room, **where))) == expected, where


def test_feedback_is_a_filter_too_and_never_overwrites_the_state(press: Press) -> None:
    """H7: a second column."""
    with press.room.store.write() as tx:
        tx.execute("UPDATE deliveries SET feedback = 'bounced' WHERE journalist = 1", {})
    [row] = log(press.room, state="bounced")
    assert (row["state"], row["feedback"]) == ("accepted", "bounced")
    assert len(list(log(press.room, state="accepted"))) == 2


def test_a_word_that_is_no_state_is_wrong_usage(press: Press) -> None:
    """Contract: exit 2, and the known ones are named."""
    for word in ("sent", "", "queued "):
        with pytest.raises(UsageError, match="is no state of a delivery") as caught:
            list(log(press.room, state=word))
        assert "in_doubt" in caught.value.hint and "bounced" in caught.value.hint


def test_an_unknown_distribution_is_not_found(press: Press) -> None:
    """Contract: exit 5."""
    for number in (0, 2, 10**9, 10**12):
        with pytest.raises(NotFound, match=f"there is no distribution {number}"):
            list(log(press.room, distribution=number))
        with pytest.raises(NotFound):
            status_of(press.room, number)


def test_show_takes_the_code_and_the_message_id(press: Press) -> None:
    """Contract, H16: attempts with the server's words, and everything that happened."""
    row = next(log(press.room))
    for reference in (
        row["delivery"],
        row["message_id"],
        row["message_id"].strip("<>"),
        f"  {row['message_id']} ",
    ):
        found = show(press.room, reference)
        assert {name: found[name] for name in LOG_COLUMNS} == row
    [attempt] = found["attempt_list"]
    assert (attempt["number"], attempt["smtp_code"], attempt["smtp_reply"]) == (1, 250, "taken")
    assert attempt["sha256"] == "78" * 32 and attempt["state"] == "accepted"
    assert [e["event"] for e in found["events"]] == [
        "scheduled",
        "sending",
        "wave_open",
        "claimed",
        "accepted",
    ]
    assert found["events"][0]["actor"] == "anna"
    assert "deliveries" not in str(found["events"])


def test_show_leaves_out_what_happened_to_other_batches(press: Press) -> None:
    """H16: a history is one delivery's; other waves of its distribution are not in it."""
    row = next(log(press.room))
    with press.room.store.write() as tx:
        for wave in (1, 2):
            add_event(tx, "wave_hold", "scheduler", distribution=1, data={"wave": wave})
    events = show(press.room, row["delivery"])["events"]
    assert [e["data"] for e in events if e["event"] == "wave_hold"] == [{"wave": 1}]


def test_show_tells_one_persons_history_only(press: Press) -> None:
    """E7: what concerns others stands not in it."""
    rows = list(log(press.room))
    quiet = [e["event"] for e in show(press.room, rows[2]["delivery"])["events"]]
    assert "claimed" not in quiet and "suppressed" not in quiet
    stopped = [e["event"] for e in show(press.room, rows[3]["delivery"])["events"]]
    assert stopped[-1] == "suppressed"


_NO_DELIVERY = (
    *("", "<>", "1", "caaaaae", "b" * 13, "7" * 13, "z" * 400),
    *("<x@y>", "Ünïcode", "caaa aab", "-1"),
)


def test_what_is_no_delivery_is_not_found(press: Press) -> None:
    """Contract: exit 5, whatever was typed."""
    for reference in _NO_DELIVERY:
        with pytest.raises(NotFound) as caught:
            show(press.room, reference)
        assert "mailer log" in caught.value.hint


def test_what_is_being_planned_is_seen_by_nobody(press: Press) -> None:
    """Decision 11: long work becomes visible by one flip."""
    code = next(log(press.room))["delivery"]
    with press.room.store.write() as tx:
        tx.execute("UPDATE distributions SET state = 'planning'", {})
    assert list(log(press.room)) == [] and status(press.room).distributions == []
    with pytest.raises(NotFound):
        show(press.room, code)
    with pytest.raises(NotFound):
        list(log(press.room, distribution=1))


def test_status_counts_what_the_log_lists(press: Press) -> None:
    """H18: totals match."""
    [row] = status(press.room).distributions
    assert row["counts"] == {"accepted": 2, "queued": 2, "suppressed": 1}
    assert row["recipients"] == 5 and row["headline"] == "A bridge opens after ten years"
    one = status_of(press.room, 1)
    assert [w["recipients"] for w in one["waves"]] == [5]
    assert one["audience"]["to"] == ["list:brussels", "list:tech"] and one["left_out"] == {}


def test_the_log_streams_while_others_write(press: Press) -> None:
    """H18: the first row comes at once; a reader who leaves early holds up nobody."""
    with press.room.store.write() as tx:
        base = 2 << 32
        tx.execute(
            "INSERT INTO distributions (id, release, revision, compiled, state, reason, "
            "priority, late, embargo_until, due_at, zone, audience, left_out, recipients, actor, "
            "created_at, finished_at, kind, parent, over) "
            "SELECT 2, release, revision, compiled, 'done', reason, "
            "priority, late, embargo_until, due_at, zone, audience, left_out, recipients, actor, "
            "created_at, finished_at, kind, parent, over FROM distributions",
            {},
        )
        tx.copy(
            "deliveries",
            [
                *("distribution", "id", "journalist", "wave", "list", "kind", "state"),
                *("due_at", "queued_at", "attempts"),
            ],
            ((2, base + n, n, 1, 1, "release", 3, 0, NOON, 1) for n in range(1, 20_001)),
        )
    rows = log(press.room, distribution=2)
    assert next(rows)["distribution"] == 2

    def pause() -> None:
        with press.room.store.write() as tx:
            tx.run("core.raise_control")

    writer = threading.Thread(target=pause)
    writer.start()
    writer.join(5)
    assert not writer.is_alive()
    rows.close()  # type: ignore[attr-defined]
    assert sum(1 for _ in log(press.room, distribution=2)) == 20_000


# H17 --------------------------------------------------------------------------------------------


def replayed(press: Press) -> dict[int, str]:
    """Every delivery's state as the append-only history alone tells it."""
    states = {id: "queued" for (id,) in press.rows("SELECT id FROM deliveries")}
    words = {state.word for state in DeliveryState}
    events = press.rows("SELECT kind, delivery, data FROM events ORDER BY id")
    for kind, delivery, text in events:
        data = json.loads(text)
        if "deliveries" in data:
            state = data.get("state", kind)
            assert state in words, f"{kind} says {state}"
            states.update(dict.fromkeys(data["deliveries"], state))
        elif kind in words and delivery is not None:
            states[delivery] = kind
        elif kind == "resend":
            states[delivery] = "deferred"
    return states


def test_the_history_alone_tells_every_state(tmp_path: Path, store_url: str) -> None:
    """H17: after refusals, lost answers, a pause, a cancel, opt-outs and a route that is away."""

    def number(address: str) -> int:
        return int(address[1:].partition("@")[0])

    def rcpt(address: str) -> str:
        if number(address) % 40 == 3:  # few enough not to stop the distribution (G21)
            return "550 5.1.1 unknown"
        answers = {7: "450 4.2.0 mailbox busy", 9: "552 5.2.2 full"}
        return answers.get(number(address) % 10, "250 ok")

    def dot(address: str) -> str:
        return "" if number(address) == 5 else "250 2.0.0 taken"

    with Recorder(rcpt=rcpt, dot=dot, delay=0.1) as server:
        press = Press(
            tmp_path / "room", store_url, port=server.port, sending='retry = ["1s", "1h"]'
        )
        press.people("all", [f"j{n}@example.com" for n in range(1, 201)])
        first = press.queue("list:all").distribution
        assert first is not None
        suppressions.add(press.room, ["j11@example.com"], "anna")
        runner = threading.Thread(target=press.run)
        runner.start()
        wait_for(server, 20)
        control.pause(press.room, first, "anna")
        runner.join(30)
        control.resume(press.room, first, "anna")
        press.run()
        second = press.queue("list:all").distribution
        assert second is not None
        runner = threading.Thread(target=press.run)
        before = len(server.got)
        runner.start()
        wait_for(server, before + 20)
        suppressions.add(press.room, ["j190@example.com"], "anna")
        control.cancel(press.room, second, "anna")
        runner.join(30)
        third = press.queue("list:all").distribution
    press.run()  # nobody listens any more: put off
    assert third is not None
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 30", {})
        tx.run("core.raise_control")
    Sweeper(press.room).sweep()
    now = {
        id: DeliveryState(state).word
        for id, state in press.rows("SELECT id, state FROM deliveries")
    }
    told = replayed(press)
    assert {id: (told[id], now[id]) for id in now if told[id] != now[id]} == {}
    seen = {
        kind for (kind,) in press.rows("SELECT DISTINCT kind FROM events WHERE kind <> 'claimed'")
    }
    assert {"given_back", "stopped", "put_off"} <= seen
    assert set(now.values()) == {
        *("accepted", "refused", "deferred", "in_doubt"),
        *("suppressed", "skipped", "cancelled"),
    }
    # And the attempts agree with what the server saw, counted per person.
    taken = press.rows("SELECT count(*) AS n FROM attempts WHERE state IN (3, 5)")[0][0]
    assert taken == len(server.got)
    press.room.close()


def wait_for(server: Recorder, count: int) -> None:
    until = time.monotonic() + 30
    while len(server.got) < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_every_event_says_when_and_who(press: Press) -> None:
    """H16: in the order they happened."""
    events = press.rows("SELECT at, actor, kind FROM events ORDER BY id")
    assert all(at >= NOON and actor for at, actor, _ in events)
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)
    assert all(abs(at - NOON) < SECOND for at, _, _ in events)
