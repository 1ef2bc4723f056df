"""What a journalist chooses: applied at once, in order, undone, and never lost (F12, F17)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock
from mailer.distribution import preferences, subscriptions
from mailer.distribution.preferences import Offer
from mailer.distribution.spool import Request, Spool, Step
from mailer.distribution.subscriptions import LEAVE
from mailer.store import Store
from mailer.store import preferences as kept
from mailer.store.core import control_version
from mailer.store.preferences import Preferences

from tests.web.beats import beats, sent_about
from tests.web.office import ANNA, BEN, NOW, FakeOffice, Settings, fill, history, scopes, token

DAY = 86_400 * SECOND


@pytest.fixture
def office(store: Store, tmp_path: Path) -> FakeOffice:
    fill(store)
    beats(store, ANNA, ["migration", "human rights"])
    sent_about(store, 7, "A release", ["migration", "sport"])
    return FakeOffice(store, Settings(tmp_path / "spool"), clock=ManualClock(NOW))


def wishes(store: Store, journalist: int = ANNA) -> Preferences:
    with store.read() as tx:
        return kept.get(tx, journalist)


def received(store: Store, journalist: int = ANNA) -> dict[str, bool]:
    with store.read() as tx:
        return kept.beats(tx, journalist)[0]


def choose(office: FakeOffice, *steps: Step | None) -> bool:
    found = [step for step in steps if step is not None]
    return subscriptions.choose(office, token(ANNA), found, method="choices")


def test_wishes_are_kept_and_logged_once(office: FakeOffice) -> None:
    """F17: all in one act and one line of history; the same again changes and logs nothing."""
    with office.store.read() as tx:
        before = control_version(tx)
    steps = [
        preferences.wish("weekly_cap", "3"),
        preferences.wish("office_hours", "1"),
        preferences.wish("no_embargoes", "1"),
        preferences.wish("language", "fr"),
        preferences.wish("away_until", "2026-12-24", "Europe/Brussels"),
    ]
    assert all(steps)
    for _ in range(2):
        assert choose(office, *steps) is True
    found = wishes(office.store)
    assert found == Preferences(3, True, 1_798_066_800 * SECOND, False, True, "fr")
    (event,) = history(office.store, "preferences")
    assert event["journalist"] == ANNA and event["actor"] == "journalist:choices"
    assert json.loads(event["data"])["weekly_cap"] == 3
    with office.store.read() as tx:
        assert control_version(tx) == before + 1  # senders look again at what they hold
    assert wishes(office.store, BEN) == Preferences()


@pytest.mark.parametrize(
    ("name", "value"),
    [("weekly_cap", "4"), ("weekly_cap", "-1"), ("language", "<b>"), ("away_until", "soon"),
     ("address", "x@example.org"), ("language", "x" * 30)],
)  # fmt: skip
def test_what_nobody_can_wish_is_no_step(name: str, value: str) -> None:
    assert preferences.wish(name, value) is None


def test_a_day_that_has_passed_is_no_absence(office: FakeOffice) -> None:
    choose(office, preferences.wish("away_until", "2026-12-24"))
    assert wishes(office.store).away_until
    choose(office, preferences.wish("away_until", "2020-01-01"))
    assert wishes(office.store).away_until is None


def test_a_beat_goes_and_comes_back(office: FakeOffice) -> None:
    """A no outlives what lists say later; taking it back leaves things as lists say."""
    choose(office, preferences.off_beat_step("migration"))
    assert received(office.store)["migration"] is False
    (event,) = history(office.store, "not_my_beat")
    assert json.loads(event["data"])["beats"] == {"migration": "no"}
    assert event["distribution"] == 7
    assert scopes(office.store, "anna") == set()
    choose(office, preferences.beat_step("migration", True))
    assert received(office.store)["migration"] is True
    choose(office, preferences.beat_step("trade", True))
    choose(office, preferences.beat_step("trade", False), preferences.beat_step("sport", True))
    assert received(office.store) == {"migration": True, "human rights": True, "trade": False}


def test_a_no_to_a_beat_that_no_list_says_is_kept(office: FakeOffice) -> None:
    """No later import brings it."""
    choose(office, preferences.beat_step("energy", False))
    with office.store.write() as tx:
        energy = kept.beat(tx, ANNA, "energy")
        assert energy is not None and energy.wanted is False
        tx.execute("UPDATE journalists SET beats = 'energy' WHERE id = :j", {"j": ANNA})
        kept.refresh_facets(tx, ANNA)  # as an import does
    assert received(office.store)["energy"] is False


def test_the_page_knows_what_its_link_is_about(office: FakeOffice) -> None:
    """F7: of the person only beats that all may choose, that his link is about or that he chose."""
    offered = preferences.offer(office.store)
    assert "migration" in offered.beats and "sport" not in offered.beats
    found = subscriptions.choices(office, token(ANNA))
    assert found.about is not None
    assert (found.about.headline, found.about.beats) == ("A release", ("migration",))
    assert [beat.value for beat in found.beats] == ["migration"]
    found = subscriptions.choices(office, token(ANNA), offered)
    assert set(found.stays_on) == {"migration", "human rights"}
    assert subscriptions.choices(office, token(BEN)).about is not None
    assert subscriptions.choices(office, token(BEN)).about.beats == ()  # type: ignore[union-attr]


def test_the_newsroom_s_own_zone_counts_where_none_is_known(office: FakeOffice) -> None:
    with office.store.write() as tx:
        tx.execute("UPDATE journalists SET zone = :z", {"z": "Asia/Tokyo"})
    choose(office, preferences.wish("away_until", "2026-12-24", "Europe/Brussels"))
    until = wishes(office.store).away_until
    assert until == 1_798_066_800 * SECOND - 8 * 3600 * SECOND
    found = subscriptions.choices(office, token(ANNA), Offer(), "Europe/Brussels")
    assert str(found.away) == "2026-12-24"


def test_wishes_wait_in_the_spool_and_are_applied_in_order(office: FakeOffice) -> None:
    """F12: a store that is away loses no wish, and the last one counts."""
    for at, value in ((NOW, "2"), (NOW + 1, "5")):
        step = preferences.wish("weekly_cap", value)
        assert step is not None
        subscriptions.defer(office, Request(ANNA, 1, 0, (step,), "choices", at))
    assert wishes(office.store) == Preferences()
    assert subscriptions.drain(office) == 2
    assert wishes(office.store).weekly_cap == 5


def test_spool_files_of_before_and_of_others_are_read(office: FakeOffice) -> None:
    """F12: a file without values is read as it was; leaving is written as older senders know it;
    a step that means nothing here is passed over and the rest of it done."""
    folder = Spool(office.config.spool_dir).folder
    folder.mkdir(parents=True)
    old = {"journalist": ANNA, "list": 1, "delivery": 0, "method": "page", "at": NOW}
    steps = [{"act": "leave", "scope": "list:1"}, {"act": "sing", "scope": "", "value": "loud"}]
    (folder / f"{NOW:017d}-a.json").write_text(json.dumps({**old, "steps": steps}))
    assert subscriptions.drain(office) == 1
    assert scopes(office.store, "anna") == {("list:1", "opt-out")}
    subscriptions.defer(office, Request(ANNA, 1, 0, (Step(LEAVE, "all"),), "page", NOW))
    (file,) = folder.glob("*.json")
    assert json.loads(file.read_bytes())["steps"] == [{"act": "leave", "scope": "all"}]


def test_who_is_erased_changes_nothing(office: FakeOffice) -> None:
    with office.store.write() as tx:
        tx.execute("DELETE FROM addresses WHERE journalist = :j", {"j": ANNA})
    choose(office, preferences.wish("paused", "1"))
    assert wishes(office.store) == Preferences() and history(office.store, "preferences") == []
