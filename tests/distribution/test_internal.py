"""Copies for the office's own people: marked, and outside every figure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import ManualClock, from_datetime
from mailer.distribution import control, embargo, notices
from mailer.distribution.lists import count_segment, import_file
from mailer.distribution.log import status_of
from mailer.distribution.refresh import carry_out
from mailer.distribution.schedule import Sweeper
from mailer.distribution.segments import preview
from mailer.distribution.single import send_to
from mailer.errors import Refused
from mailer.message.merge import MergeTemplate
from mailer.store import ledger, published

from tests.distribution.press import HEADER, Press
from tests.distribution.room import RELEASE

T0 = from_datetime(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """`brussels` b1 b2 b3, and the internal list `board` of ann, ben and b3."""
    with Press(tmp_path / "room", store_url, clock=ManualClock(T0)) as press:
        path = press.config.home / "board.csv"
        rows = "".join(
            f"{name}@example.com,Ann,,eu,BE,en,Europe/Brussels,opt_in,form\n"
            for name in ("ann", "ben", "b3")
        )
        path.write_text(f"{HEADER}\n{rows}")
        import_file(press.room, path, kind="internal", actor="anna")
        press.people("brussels", [f"b{n}@example.com" for n in (1, 2, 3)])
        yield press


def subjects(press: Press, number: int) -> set[str]:
    """The Subjects of what a distribution sends."""
    rows = press.rows("SELECT compiled FROM distributions WHERE id = :n", n=number)
    with press.room.store.read() as tx:
        data = tx.value("ledger.compiled", digest=rows[0][0])
    return {MergeTemplate.from_bytes(bytes(data)).subject}


def test_a_marked_copy_outside_the_figures(press: Press) -> None:
    """Who is reached through an internal list only gets a copy with a mark before its Subject, in a
    distribution of its own; a journalist who is on one too is a journalist. Counts, preview and
    queue agree, and neither "has this release" nor a later resend knows of it."""
    counted = count_segment(press.room, "beat:eu")
    assert (counted["recipients"], counted["internal"], counted["selected"]) == (3, 2, 5)
    shown = preview(press.room, "beat:eu")
    assert (shown.recipients, shown.internal, shown.left_out) == (3, 2, {})
    assert press.queue("beat:eu", dry_run=True).internal == {"distribution": None, "recipients": 2}
    queued = press.queue("beat:eu")
    assert (queued.recipients, queued.left_out) == (3, {})
    assert queued.internal == {"distribution": 2, "recipients": 2}
    assert set(press.deliveries(1)) == {
        (f"b{n}@example.com", "brussels", "Europe/Brussels") for n in (1, 2, 3)
    }
    assert {email for email, _, _ in press.deliveries(2)} == {"ann@example.com", "ben@example.com"}
    assert press.rows("SELECT DISTINCT kind FROM deliveries WHERE distribution = 2") == [
        ("internal",)
    ]
    (subject,) = subjects(press, 1)
    assert subjects(press, 2) == {f"[internal copy] {subject}"}
    assert status_of(press.room, 1)["recipients"] == 3
    with press.room.store.write() as tx:
        tx.execute("UPDATE deliveries SET state = 3, last_attempt_at = 1", {})
    assert count_segment(press.room, "got:a-bridge-opens-after-ten-years")["selected"] == 3
    press.people("brussels", ["ann@example.com"])
    again = press.queue("list:brussels", skip_received=True)
    assert again.recipients == 1 and again.left_out == {"received": 3}
    with pytest.raises(Refused, match="internal"):
        send_to(press.room, 2, "b1@example.com", "anna")
    with pytest.raises(Refused, match=r"ben@example\.com is reached through an internal"):
        send_to(press.room, 1, "ben@example.com", "anna")


def test_only_internal_copies_publish_nothing(press: Press) -> None:
    """A copy for the board alone is no publication, and `refresh` leaves copies alone."""
    queued = press.queue("list:board")
    # b3 is named through the internal list first, so he gets a copy as well.
    assert (queued.distribution, queued.recipients) == (1, 0) or queued.internal is not None
    assert queued.internal is not None and queued.internal["recipients"] == 3
    number = queued.internal["distribution"]
    Sweeper(press.room).sweep()
    assert status_of(press.room, number)["state"] == "sending"
    with press.room.store.read() as tx:
        assert published.latest(tx, 10) == []
    with pytest.raises(Refused):
        carry_out(press.room, number, "anna")


def test_they_follow_and_wait_for_the_end_of_an_embargo(press: Press) -> None:
    """Pause, resume and cancel reach the copies; before an embargo ends none leaves, also not to
    somebody with a grant, whose early message would have no mark; `refresh` keeps them out."""
    queued = press.queue("beat:eu", embargo="2026-11-05T09:00")
    assert queued.internal is not None
    number = queued.internal["distribution"]
    embargo.grant(
        press.room, "a-bridge-opens-after-ten-years", "anna", emails=["ann@example.com"],
        list_name=None, how="vouched", reason="asked",
    )  # fmt: skip
    Sweeper(press.room).sweep()
    with press.room.store.read() as tx:
        assert all(wave.distribution != number for wave in ledger.open_waves(tx))
    assert press.rows("SELECT count(*) AS n FROM waves WHERE early IS NOT NULL AND "
                      "distribution = :n", n=number) == [(0,)]  # fmt: skip
    assert queued.distribution is not None
    found = carry_out(press.room, queued.distribution, "anna")
    assert (found.came, found.went) == (0, 0)
    for act, state in (
        (control.pause, "paused"), (control.resume, "scheduled"), (control.cancel, "cancelled"),
    ):  # fmt: skip
        act(press.room, queued.distribution, "anna")  # type: ignore[operator]
        assert status_of(press.room, number)["state"] == state
    assert press.rows(
        "SELECT DISTINCT state FROM deliveries WHERE distribution = :n", n=number
    ) == [(8,)]


def test_a_corrected_copy_keeps_its_mark(press: Press) -> None:
    """The corrected text that comes in the place of one not sent yet is marked as well."""
    queued = press.queue("beat:eu", at="2026-11-03T09:00")
    assert queued.internal is not None
    better = press.config.home / "better.md"
    better.write_text(RELEASE.replace("trams and people", "trams, cars and people"))
    notices.correct(press.room, "a-bridge-opens-after-ten-years", better, "anna", what="cars too")
    rows = press.rows(
        "SELECT compiled FROM waves WHERE distribution = :n AND compiled IS NOT NULL",
        n=queued.internal["distribution"],
    )
    with press.room.store.read() as tx:
        found = [
            MergeTemplate.from_bytes(bytes(tx.value("ledger.compiled", digest=digest))).subject
            for (digest,) in rows
        ]
    assert len(found) == 1 and found[0].startswith("[internal copy] ")
