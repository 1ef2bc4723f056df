"""People named one by one around a queue, who has the release already, and who was left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mailer.clock import ManualClock
from mailer.distribution import suppressions
from mailer.distribution.log import LOG_COLUMNS, is_known, log, status_of
from mailer.distribution.queue import Queued
from mailer.distribution.schedule import Sweeper
from mailer.distribution.waves import forget_plan
from mailer.errors import MailerError, NotFound, Refused, UsageError

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import NOON, deliver


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """`brussels`: b1 b2 b3; `tech`: b2 t1 and one at an IDN domain."""
    with Press(tmp_path / "room", store_url, clock=ManualClock(NOON)) as press:
        press.people("brussels", [f"b{n}@example.com" for n in (1, 2, 3)])
        press.people("tech", ["b2@example.com", "t1@example.com", "Zoë@bücher.example"])
        yield press


def who(press: Press, queued: Queued) -> list[tuple[str, str]]:
    """(address, list) of everybody in a distribution."""
    return sorted((email, name) for email, name, _ in press.deliveries(queued.distribution))


def send(press: Press, number: int | None, limit: int = 100) -> int:
    assert number is not None
    Sweeper(press.room).sweep()
    return deliver(press.room, number, limit)


def test_somebody_besides_is_added_once_by_his_own_list(press: Press) -> None:
    """H6: typed in any way; who is selected anyway is still one delivery."""
    also = ["T. One <T1@Example.com>", "zoë@BÜCHER.example", "b2@example.com", "t1@example.com"]
    queued = press.queue("list:brussels", also=also)
    assert who(press, queued) == [
        ("Zoë@xn--bcher-kva.example", "tech"),
        ("b1@example.com", "brussels"),
        ("b2@example.com", "brussels"),
        ("b3@example.com", "brussels"),
        ("t1@example.com", "tech"),
    ]
    assert queued.recipients == 5
    kept = status_of(press.room, 1)["audience"]
    assert kept["also"] and "@" not in str(kept), "addresses stand in one place only"


def test_somebody_besides_may_be_alone(press: Press) -> None:
    """A segment that selects nobody else is no empty audience then."""
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'away' WHERE id < 4", {})
    queued = press.queue("list:brussels", also=["t1@example.com"])
    assert who(press, queued) == [("t1@example.com", "tech")]
    assert queued.left_out == {"away": 3}


@pytest.mark.parametrize(
    ("also", "kind", "sentence"),
    [
        ("nobody@example.com", NotFound, "lists import"),
        ("no address", UsageError, "no address"),
        ("b1@example.com", Refused, "must not be contacted (officer)"),
        ("b3@example.com", Refused, "is on hold"),
        ("t1@example.com", Refused, "on no list"),
    ],
)
def test_who_may_not_be_mailed_cannot_be_added(
    press: Press, also: str, kind: type[MailerError], sentence: str
) -> None:
    """F10, E9: refused with a sentence, also when the segment selects him; nothing is kept."""
    suppressions.add(press.room, ["b1@example.com"], "anna")
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 3", {})
        tx.execute("UPDATE memberships SET state = 'left' WHERE journalist = 4", {})
    before = press.sizes()
    with pytest.raises(kind) as caught:
        press.queue("list:brussels", also=[also])
    assert sentence in f"{caught.value} {caught.value.hint}"
    assert press.sizes() == before


def test_who_is_excepted_is_counted_and_kept(press: Press) -> None:
    """Contract, `left_out`; an address outside the audience is only warned about."""
    out = ["Bea <B1@example.com>", "t1@example.com", "stranger@example.com"]
    queued = press.queue("list:brussels", leave_out=out)
    assert [email for email, _ in who(press, queued)] == ["b2@example.com", "b3@example.com"]
    assert queued.left_out == {"excepted": 1} == status_of(press.room, 1)["left_out"]
    warned = [w for w in queued.warnings if "--except" in w]
    assert len(warned) == 2 and "t1@example.com" in warned[1] and "stranger" in warned[0]
    with pytest.raises(UsageError, match="both --also and --except"):
        press.queue("list:brussels", also=["b1@example.com"], leave_out=["B1@EXAMPLE.com"])
    with pytest.raises(UsageError, match="no address"):
        press.queue("list:brussels", leave_out=["b1"])


@pytest.mark.parametrize("state", ["queued", "accepted", "in_doubt", "claimed", "deferred"])
def test_who_has_any_revision_or_awaits_it_is_left_out_when_asked(press: Press, state: str) -> None:
    """H6: accepted, in doubt or still on the way, in any revision of the release."""
    first = press.queue("list:brussels")
    numbers = {"queued": 0, "claimed": 1, "deferred": 2, "accepted": 3, "in_doubt": 5}
    with press.room.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = :state", {"state": numbers[state]})
    write_release(press.config.home, RELEASE.replace("trams", "trams, bicycles"))
    queued = press.queue("list:brussels", "list:tech", skip_received=True)
    assert queued.distribution != first.distribution
    assert who(press, queued) == [("Zoë@xn--bcher-kva.example", "tech"), ("t1@example.com", "tech")]
    assert queued.left_out == {"received": 3}
    assert not [w for w in queued.warnings if "already" in w]
    with pytest.raises(Refused, match=r"5 received"):
        press.queue("list:brussels", "list:tech", skip_received=True)


def test_what_failed_or_was_stopped_is_not_received(press: Press) -> None:
    """H6: refused, suppressed, skipped, cancelled, expired; and another release."""
    press.queue("list:brussels")
    with press.room.store.write() as tx:
        for number, state in ((1, 4), (2, 8), (3, 9)):
            tx.execute(
                "UPDATE deliveries SET state = :state WHERE journalist = :number",
                {"state": state, "number": number},
            )
    assert press.queue("list:brussels", skip_received=True).recipients == 3
    other = write_release(press.config.home, RELEASE.replace("bridge", "tunnel"), "other.md")
    assert press.queue("list:brussels", release=str(other), skip_received=True).recipients == 3


def rows_of(press: Press, email: str, **options: Any) -> list[tuple[object, ...]]:
    return [
        (row["distribution"], row["delivery"] is not None, row["state"], row["reason"])
        for row in log(press.room, email=email, **options)
    ]


def test_the_log_of_a_person_says_why_he_was_left_out(press: Press) -> None:
    """Issue: "did X get it?", answered by distribution with state and reason."""
    suppressions.add(press.room, ["b1@example.com"], "anna")
    with press.room.store.write() as tx:
        tx.execute("UPDATE journalists SET state = 'on_hold' WHERE id = 3", {})
    press.queue("list:brussels", "list:tech", leave_out=["t1@example.com"])
    send(press, 1)
    press.queue("list:brussels", "list:tech", skip_received=True)
    assert rows_of(press, "B1@example.com") == [
        (1, False, "suppressed", "do not contact: officer"),
        (2, False, "suppressed", "do not contact: officer"),
    ]
    assert rows_of(press, "b3@example.com") == [
        (1, False, "skipped", "on hold"),
        (2, False, "skipped", "on hold"),
    ]
    received = "has or gets this release from another distribution"
    assert rows_of(press, "b2@example.com") == [
        (1, True, "accepted", None),
        (2, False, "skipped", received),
    ]
    assert rows_of(press, "t1@example.com") == [
        (1, False, "skipped", "excepted by the officer"),
        (2, True, "queued", None),
    ]
    assert rows_of(press, "b2@example.com", state="skipped") == [(2, False, "skipped", received)]
    assert rows_of(press, "b2@example.com", distribution=1) == [(1, True, "accepted", None)]
    assert rows_of(press, "b2@example.com", since=NOON + 1) == []
    assert rows_of(press, "b2@example.com", state="bounced") == []
    [row] = log(press.room, email="b3@example.com", distribution=1)
    assert tuple(row) == LOG_COLUMNS and row["message_id"] is None
    # Without a person in question the log is one row for each delivery, as the contract says.
    assert len(list(log(press.room))) == 3
    assert is_known(press.room, "X <B3@example.com>") and not is_known(press.room, "x@example.com")


def test_who_was_left_out_is_forgotten_with_an_unfinished_plan(press: Press) -> None:
    """H20: nothing of a plan that broke off stays."""
    before = press.sizes()["left_out"]
    queued = press.queue("list:brussels", leave_out=["b1@example.com"])
    assert press.sizes()["left_out"] == before + 1
    with press.room.store.write() as tx:
        tx.execute("UPDATE distributions SET state = 'planning'", {})
    assert rows_of(press, "b1@example.com") == []
    forget_plan(press.room, queued.distribution or 0)
    assert press.sizes()["left_out"] == before and press.sizes()["deliveries"] == 0


def test_an_erased_person_leaves_no_address_among_the_left_out(press: Press) -> None:
    """E12: the address stands in one place only; without it nobody is found."""
    press.queue("list:brussels", leave_out=["b1@example.com"])
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM addresses WHERE journalist = 1", {})
    assert rows_of(press, "b1@example.com") == []
