"""The journalist's own page: what it lets him do, takes back, says and never tells."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mailer.clock import SECOND
from mailer.distribution import subscriptions
from mailer.distribution.preferences import beat_step
from mailer.distribution.tongues import words_for
from mailer.message.tokens import TokenKeys, mint
from mailer.store import Store, notices, open_store
from mailer.store import preferences as kept
from mailer.store.migrations import migrate
from mailer.store.preferences import Preferences

from tests.web.beats import beats, sent_about
from tests.web.office import (
    ANNA,
    BEN,
    KEYS,
    PRESS,
    TOPIC,
    fill,
    history,
    link,
    membership,
    scopes,
    token,
)
from tests.web.serving import Room, room

HEADLINE = "A case over detention of asylum seekers"
OWN = f"/p/{link(ANNA, PRESS, 'p')}"
ALL_WISHES = ("weekly_cap", "away_until", "office_hours", "no_embargoes", "language")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One database is enough for what a page does; the acts are tested on both elsewhere."""
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}", create=True, busy_timeout=0.3)
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Room:
    fill(store)
    beats(store, ANNA, ["migration", "human rights", "difficult person"])
    sent_about(store, 7, HEADLINE, ["migration", "asylum"])
    return room(store, tmp_path / "room")


def wishes(office: Room) -> Preferences:
    with office.store.read() as tx:
        return kept.get(tx, ANNA)


def undo(page: str) -> dict[str, list[str]]:
    """The fields of the button that takes back what the page says was done."""
    form = re.search(r'class="told".*?<form.*?</form>', page, re.DOTALL)
    assert form is not None, "no undo"
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form[0]):
        fields.setdefault(name, []).append(value)
    return fields


def test_it_says_why_and_nothing_that_a_forwarded_mail_should_not_tell(
    client: httpx.Client,
) -> None:
    """F7, decision 9: the message, its list and beats; no address, name, outlet, other list or
    label of the office's own."""
    page = client.get(OWN).text
    assert f"“{HEADLINE}” of 21 September 2026" in page
    assert "You are on the list “EU affairs, Brussels”" in page
    assert "It was sent to you for: migration." in page
    assert 'value="human rights" checked' in page and 'value="trade">' in page
    for secret in ("anna", "Anna", "Example Daily", "a.csv", "difficult person", "asylum<"):
        assert secret not in page
    assert "all press mail from Open Dialog Foundation to you at once: all lists" in page


@pytest.mark.parametrize("kind", ["notice", "release"])
def test_no_headline_of_a_note_or_of_what_was_withdrawn(
    office: Room, client: httpx.Client, kind: str
) -> None:
    """D3, F7: a note about an embargo does not tell the headline, and its link's page must not
    either; nor is anything shown of a withdrawn release. “Not my beat” stays."""
    with office.store.write() as tx:
        if kind == "notice":
            tx.execute("UPDATE distributions SET kind = 'notice' WHERE id = 7", {})
        else:
            notices.add(tx, 1, "kill", "wrong", "test")
    page = client.get(OWN).text
    assert HEADLINE not in page and "This link came with" not in page
    assert "No more on migration" in page


def test_a_label_of_the_office_can_be_neither_tried_nor_taken(
    office: Room, client: httpx.Client
) -> None:
    """F7: no page shows it, so a form that names it does nothing, told at once or from the spool;
    a list that the page does not show is not touched either."""
    for beat in ("difficult person", "unheard of"):
        for wanted in ({}, {"beat": beat}):
            page = client.post(OWN, data={"act": "save", "beat_shown": beat, **wanted}).text
            assert beat not in page
        assert beat not in client.post(OWN, data={"act": "off", "beat": beat}).text
    client.post(OWN, data={"act": "save", "shown": "list:77"})
    client.post(f"/u/{link(ANNA, PRESS)}", data={"act": "leave", "scope": "list:77"})
    assert scopes(office.store, "anna") == {("all", "opt-out")}
    with office.store.write() as tx:
        assert kept.beats(tx, ANNA)[1] == set()
        tx.execute("DELETE FROM facets WHERE journalist = :j", {"j": ANNA})
        tx.execute("UPDATE journalists SET beats = '' WHERE id = :j", {"j": ANNA})
    steps = [beat_step("difficult person", True), beat_step("trade", True)]
    subscriptions.choose(office, token(ANNA), steps, method="choices")
    with office.store.read() as tx:
        assert kept.beats(tx, ANNA)[1] == {"trade"}


def test_not_my_beat_keeps_the_contact(office: Room, client: httpx.Client) -> None:
    """F17: beside leaving; says what stays; and is taken back."""
    done = client.post(OWN, data={"act": "off", "beat": "migration"}).text
    assert "No more on migration. You stay on human rights." in done
    assert scopes(office.store, "anna") == set() and membership(office.store, ANNA, PRESS)
    (event,) = history(office.store, "not_my_beat")
    assert (event["distribution"], event["journalist"]) == (7, ANNA)
    with office.store.read() as tx:
        assert kept.beats(tx, ANNA)[0]["migration"] is False
    back = client.post(OWN, data=undo(done)).text
    assert "It is as it was before." in back and 'value="migration" checked' in back
    with office.store.read() as tx:
        assert kept.beats(tx, ANNA) == (
            {"migration": True, "human rights": True, "difficult person": True},
            set(),
        )
    named = client.post(OWN, data={"act": "off"}).text
    assert "Noted, thank you." in named and len(history(office.store, "not_my_beat")) == 2


def test_everything_is_saved_at_once_and_undone_at_once(office: Room, client: httpx.Client) -> None:
    """F17: lists, beats, limits, hours, absence, embargoes, language in one form."""
    form = {
        "act": "save",
        "shown": ["list:1", "list:2"],
        "keep": ["list:1"],
        "beat_shown": ["migration", "human rights", "trade"],
        "beat": ["human rights", "trade"],
        "with": list(ALL_WISHES),
        "weekly_cap": "2",
        "office_hours": "1",
        "no_embargoes": "1",
        "language": "fr",
        "away_until": "2040-01-01",
    }
    saved = client.post(OWN, data=form).text
    assert "Votre choix est enregistré." in saved  # from then on in the language he chose
    assert 'value="2040-01-01"' in saved and '<option value="2" selected>' in saved
    until = 2_208_988_800 * SECOND - 3600 * SECOND
    assert wishes(office) == Preferences(2, True, until, False, True, "fr")
    assert scopes(office.store, "anna") == {("list:2", "opt-out")}
    assert "It is as it was before." in client.post(OWN, data=undo(saved)).text
    assert wishes(office) == Preferences()
    assert scopes(office.store, "anna") == set()
    with office.store.read() as tx:
        stand = kept.beats(tx, ANNA)[0]
    assert (stand["migration"], stand["human rights"], stand["trade"]) == (True, True, False)


@pytest.mark.parametrize(
    ("act", "said", "taken_back"),
    [
        ("leave", "All press mail to you has stopped.", "Press mail begins again"),
        ("pause", "Press mail to you is paused.", "Press mail goes on"),
    ],
)
def test_leaving_and_pausing_are_taken_back(
    office: Room, client: httpx.Client, act: str, said: str, taken_back: str
) -> None:
    """F5, F13."""
    done = client.post(OWN, data={"act": act}).text
    assert said in done
    assert wishes(office).paused == (act == "pause")
    assert scopes(office.store, "anna") == ({("all", "opt-out")} if act == "leave" else set())
    assert taken_back in client.post(OWN, data=undo(done)).text
    assert not wishes(office).paused and scopes(office.store, "anna") == set()


def test_nonsense_changes_nothing(office: Room, client: httpx.Client) -> None:
    form = {
        "act": "save",
        "shown": "list:99999999999",
        "beat_shown": "x" * 5000,
        "with": [*ALL_WISHES, "email", "state"],
        "weekly_cap": "1000000",
        "language": "<script>",
        "away_until": "9999-99-99",
        "email": "x@example.org",
    }
    for data in (form, {"act": "dance"}, {"act": "undo"}, {}):
        page = client.post(OWN, data=data)
        assert page.status_code == 200 and "<script" not in page.text
    assert wishes(office) == Preferences()
    assert history(office.store, "preferences") == []


def test_a_link_of_another_newsroom_and_one_three_years_old(
    office: Room, client: httpx.Client
) -> None:
    """F8, F9: the one fixed page; and links for ever, also after their key was rotated out."""
    other = TokenKeys.parse("2 " + "99" * 32 + "\n")
    for prefix in "pf":
        answer = client.post(f"/{prefix}/{mint(other, token(purpose='p'))}", data={"act": "leave"})
        assert answer.status_code == 404 and "This link is incomplete" in answer.text
    assert scopes(office.store, "anna") == set()
    old = mint(KEYS.with_current(1), token(ANNA, PRESS, distribution=1, purpose="p"))
    page = client.get(f"/p/{old}").text
    assert "Choose what you receive" in page and "This link came with" not in page
    assert "No more" not in page


def test_a_topic_s_link_says_who_chose_it(client: httpx.Client) -> None:
    page = client.get(f"/p/{link(ANNA, TOPIC, 'p')}").text
    assert "You signed up to the topic “Energy briefing” yourself." in page
    page = client.get(f"/p/{link(BEN, 0, 'p')}").text
    assert "keeps you on a list of journalists" in page


def test_choices_made_while_the_store_is_locked_are_kept(
    office: Room, client: httpx.Client, tmp_path: Path
) -> None:
    """F12: answered as noted; applied when the store is back."""
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    page = client.post(OWN, data={"act": "save", "with": "weekly_cap", "weekly_cap": "3"})
    assert page.status_code == 200 and "Your choice is noted" in page.text
    other.execute("ROLLBACK")
    other.close()
    subscriptions.drain(office)
    assert wishes(office).weekly_cap == 3


@pytest.mark.parametrize(
    ("own", "accepted", "spoken"),
    [("pl", "de", "pl"), ("", "th, ja;q=0.5, de;q=0.9", "de"), ("nn", "xx", "en"),
     ("", "de;q=0, *;q=x, ;;,", "en"), ("zh-Hant", "", "zh"), ("", "", "en")],
)  # fmt: skip
def test_the_reader_s_language(own: str, accepted: str, spoken: str) -> None:
    """GDPR art. 12: his own, else his browser's, else the newsroom's."""
    assert words_for(own, accepted, "en").language == spoken


def test_the_page_speaks_his_language(office: Room, client: httpx.Client) -> None:
    with office.store.write() as tx:
        tx.execute("UPDATE journalists SET language = 'ar' WHERE id = :j", {"j": ANNA})
    for path in (OWN, OWN.replace("/p/", "/u/")):
        answer = client.get(path)
        assert '<html lang="ar" dir="rtl">' in answer.text
        assert answer.headers["content-language"] == "ar"
    assert "هذا الرابط ناقص" in client.get("/p/x", headers={"Accept-Language": "ar-EG"}).text


def test_errors_speak_the_readers_language(office: Room, client: httpx.Client) -> None:
    """F17: what is not there, what cannot be done, and a fault of our own."""
    arabic = {"Accept-Language": "ar-EG"}
    missing = client.get("/r/nothing", headers=arabic)
    assert missing.status_code == 404 and missing.headers["Content-Language"] == "ar"
    assert "لا يوجد شيء هنا" in missing.text and 'dir="rtl"' in missing.text
    for language, title in (("de", "Das geht hier nicht"), ("zh-Hans", "此处无法进行该操作")):
        answer = client.delete(OWN, headers={"Accept-Language": language})
        assert answer.status_code == 405 and title in answer.text
    unread = client.post(OWN, content=b"x" * 2**17, headers={"Accept-Language": "fr"})
    assert unread.status_code == 413 and "Cela n’a pas été compris" in unread.text
