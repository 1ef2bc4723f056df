"""Agreeing to an embargo: a note, a link, a button, the text; who holds it on what terms (D3)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest
from mailer.cli.main import run
from mailer.config import EmbargoConfig
from mailer.distribution import (
    embargo,
    forms,
    holders,
    notices,
    offers,
    releases,
    suppressions,
)
from mailer.distribution.lists import import_file
from mailer.distribution.log import log
from mailer.distribution.subjects import subject_erase, subject_export
from mailer.distribution.upkeep import check
from mailer.errors import NotFound, Refused, UsageError
from mailer.message.tokens import AGREE, Token, mint
from mailer.store import agreements, fresh
from mailer.web.public import public_app

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import write_release
from tests.web.serving import serving

SLUG = "a-bridge-opens-after-ten-years"
SECRET = ("bridge", "trams", "Exampleville river", "Ada Example")
PEOPLE = (
    ("ann@example.com", "Europe/Brussels", "Daily"),
    ("ken@example.com", "Asia/Tokyo", "Morning"),
    ("no@example.com", "Europe/Brussels", "Daily"),
    ("sam@example.com", "Europe/Brussels", "The Standing"),
)
END = (datetime.now(UTC) + timedelta(days=30)).replace(hour=8, minute=0, second=0, microsecond=0)


class Scene:
    """A newsroom with a release under embargo, queued for four people, and its public pages."""

    def __init__(self, press: Press, server: Recorder, client: httpx.Client) -> None:
        self.press, self.server, self.client = press, server, client

    def offer(self, **options: object) -> offers.Offered:
        return offers.offer(self.press.room, SLUG, ["list:press"], "anna", **options)  # type: ignore[arg-type]

    def link(self, email: str) -> str:
        """The path of the link in the note that went to somebody."""
        note = next(got for got in self.server.got if got.rcpt_to == email)
        return re.search(r"(/e/[a-z2-7]{58})", parts(note.raw)[0])[1]  # type: ignore[index]

    def post(self, email: str, act: str = "agree") -> httpx.Response:
        return self.client.post(self.link(email), data={"act": act})

    def holder(self, email: str) -> dict[str, object]:
        rows = holders.holders(self.press.room, SLUG, "anna")
        return next(row for row in rows if row["email"] == email)

    def granted(self) -> set[str]:
        shown = embargo.show(self.press.room, SLUG, "anna")
        return {each["email"] for each in shown["grants"]}


def parts(raw: bytes) -> tuple[str, str, str]:
    """The text part, the HTML part and the Subject of a message."""
    message = message_from_bytes(raw, policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    return text.get_content(), html.get_content(), str(message["Subject"])


def scene_at(folder: Path, store_url: str, *, queued: bool = True) -> Iterator[Scene]:
    with Recorder() as server, Press(folder, store_url, port=server.port) as press:
        header = "email,first_name,last_name,outlet,country,language,timezone,consent_basis,source"
        rows = [f"{e},Ada,{e[:3].title()},{o},BE,en,{z},opt_in,form" for e, z, o in PEOPLE]
        path = press.config.home / "press.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        import_file(press.room, path, actor="anna")
        text = (
            f"---\nembargo: {END.isoformat()}\n---\n# A bridge opens after ten years\n\n"
            "It carries trams over the Exampleville river.\n\n## Media contact\n\n"
            "Ada Example – press@example.org\n"
        )
        press.release = write_release(press.config.home, text, "embargo.md")
        with press.room.store.write() as tx:
            no = tx.value("suppression.journalist_of_hash",
                          hash=press.room.address_hash("no@example.com"))  # fmt: skip
            tx.execute(
                "INSERT INTO preferences (journalist, no_embargoes, updated_at) VALUES (:j, 1, 0)",
                {"j": no},
            )
        releases.import_file(press.room, press.release, "anna")
        if queued:
            press.queue("list:press", at=END.isoformat())
        with (
            serving(public_app(press.room)) as address,
            httpx.Client(base_url=address, timeout=30) as client,
        ):
            yield Scene(press, server, client)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    yield from scene_at(tmp_path / "room", "sqlite:///mailer.db")


@pytest.fixture
def on_both(tmp_path: Path, store_url: str) -> Iterator[Scene]:
    yield from scene_at(tmp_path / "room", store_url)


def test_from_the_note_to_the_text_and_the_copy_by_mail(
    on_both: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """D3, D5: over SMTP and HTTP. The note has terms and the end in his zone and UTC and no word of
    the release; a GET agrees to nothing; the button shows the text at once and brings the copy by
    mail; the list of holders says who has which version since when, on what terms."""
    scene, room = on_both, on_both.press.room
    holders.stand(room, "The Standing", "anna", terms="Ours as in 2024.", how="letter", reason="K.")
    done = scene.offer(about="Transport in the capital.")
    assert (done.asked, done.standing, done.left_out) == (2, 1, {"no_embargoes": 1})
    scene.press.run()
    assert scene.server.recipients == {
        "ann@example.com": 1, "ken@example.com": 1, "sam@example.com": 1,
    }  # fmt: skip
    for email, place in (("ann@example.com", "09:00 CET"), ("ken@example.com", "17:00")):
        note = next(got for got in scene.server.got if got.rcpt_to == email)
        for part in parts(note.raw):
            assert not any(word.lower() in part.lower() for word in SECRET)
        text = " ".join(parts(note.raw)[0].split())
        assert (
            place in text
            and "In UTC: " in text
            and "08:00 (UTC+00:00)" in text
            and "Transport in the capital." in text
        )
        assert "nothing of the release is published" in text
    early = next(got for got in scene.server.got if got.rcpt_to == "sam@example.com")
    assert "trams" in parts(early.raw)[0]  # his outlet agreed once for all
    link = scene.link("ann@example.com")
    for method in ("GET", "HEAD", "GET"):
        shown = scene.client.request(method, link)
        assert shown.status_code == 200 and "no-store" in shown.headers["cache-control"]
        assert not any(word in shown.text.lower() for word in ("bridge", "trams"))
    assert scene.granted() == {"sam@example.com"}
    answer = scene.client.post(link, data={"act": "agree"})
    assert answer.status_code == 200 and "It carries trams over" in answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert "noindex" in answer.headers["x-robots-tag"]
    assert f"/r/{SLUG}" not in re.sub(r"<link[^>]*>|<meta[^>]*>|<script.*?</script>", "",
                                      answer.text)  # fmt: skip
    assert scene.client.get(f"/r/{SLUG}").status_code == 404
    assert "trams" not in scene.client.get(link).text
    scene.press.run()
    mails = [parts(got.raw) for got in scene.server.got if got.rcpt_to == "ann@example.com"]
    assert len(mails) == 2 and "trams" in mails[1][0] and mails[1][2].startswith("EMBARGO")
    holder = scene.holder("ann@example.com")
    assert (holder["how"], holder["version"], holder["mail"]) == ("agreed", 1, "accepted")
    assert holder["opened"] == 1 and str(holder["terms"]).startswith("Until the embargo ends")
    assert holder["since"] and holder["answered"] and holder["has_it_since"]
    standing = scene.holder("sam@example.com")
    assert (standing["how"], standing["terms"]) == ("standing", "Ours as in 2024.")
    asked = scene.holder("ken@example.com")
    assert (asked["how"], asked["version"], asked["answer"]) == (None, None, None)
    config = str(scene.press.config.path)
    capsys.readouterr()
    assert run(["--config", config, "embargo", "holders", SLUG, "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["email"] for row in table} == {e for e, *_ in PEOPLE if e != "no@example.com"}
    assert check(room) == []


def test_everybody_is_asked_once(scene: Scene) -> None:
    """D3: a second offer finds nobody left; declining is remembered, and can be changed; agreeing
    twice changes nothing and shows the text again."""
    scene.offer()
    with pytest.raises(Refused, match="nobody is left to ask"):
        scene.offer()
    scene.press.run()
    assert scene.server.recipients["ann@example.com"] == 1
    assert "You declined" in scene.post("ann@example.com", "decline").text
    assert scene.granted() == set()
    for times in (1, 2):
        assert "trams" in scene.post("ann@example.com").text
        assert scene.holder("ann@example.com")["opened"] == times
    first = scene.holder("ann@example.com")["since"]
    assert "You agreed" in scene.post("ann@example.com", "decline").text
    assert "trams" in scene.post("ann@example.com", "read").text
    assert scene.holder("ann@example.com")["since"] == first
    granted = "SELECT count(*) AS n FROM events WHERE kind = 'embargo_granted'"
    assert scene.press.rows(granted) == [(1,)]


def test_what_happened_meanwhile_is_said_and_nothing_leaks(scene: Scene) -> None:
    """D3, D4, D11: after an end that was moved, a hold, a grant taken back, a withdrawal or the end
    itself the page says so; only what may still be agreed to can be."""
    room = scene.press.room
    scene.offer()
    scene.press.run()
    moved = END + timedelta(days=1, hours=1)
    embargo.move(room, SLUG, moved.isoformat(), "anna", reason="later")
    assert "09:00" in scene.client.get(scene.link("ken@example.com")).text
    assert "trams" in scene.post("ken@example.com").text
    embargo.revoke(room, SLUG, "anna", emails=["ken@example.com"], reason="published")
    for act in ("agree", "read"):
        answer = scene.post("ken@example.com", act)
        assert "taken back" in answer.text and "trams" not in answer.text
    notices.hold(room, SLUG, "anna", reason="a figure")
    assert "on hold" in scene.post("ann@example.com").text
    notices.clear(room, SLUG, "anna", reason="it stands")
    embargo.lift(room, SLUG, "anna", reason="out")
    over = scene.post("ann@example.com")
    assert "embargo is over" in over.text and f'href="/r/{SLUG}"' in over.text
    assert scene.granted() == set()
    notices.kill(room, SLUG, "anna", reason="wrong")
    gone = scene.post("ann@example.com")
    assert gone.status_code == 410 and "withdrawn" in gone.text and "trams" not in gone.text


def test_only_his_own_link_opens_it(scene: Scene) -> None:
    """F7, F9: an altered token, one for another purpose or person, or of somebody erased: one
    page, nothing changed, no text."""
    scene.offer()
    scene.press.run()
    room, link = scene.press.room, scene.link("ann@example.com")
    assert "trams" in scene.post("ann@example.com").text
    [(journalist, delivery)] = scene.press.rows(
        "SELECT journalist, delivery FROM embargo_offers WHERE answer = 'agreed'"
    )
    other = mint(room.keys, Token(journalist, 1, delivery, "p"))
    stranger = mint(room.keys, Token(journalist + 1, 1, delivery, AGREE))
    last = "a" if link[-1] != "a" else "b"
    for path in (f"/e/{other}", f"/e/{stranger}", link[:-1] + last, link[:-1], "/e/x"):
        for answer in (scene.client.get(path), scene.client.post(path, data={"act": "read"})):
            assert answer.status_code == 404 and "trams" not in answer.text
    exported = "".join(subject_export(room, "ann@example.com", "anna"))
    assert '"embargo_offers"' in exported and '"embargo_openings"' in exported
    subject_erase(room, "ann@example.com", "anna")
    assert scene.client.get(link).status_code == 404
    assert scene.client.post(link, data={"act": "read"}).status_code == 404


def test_officers_record_what_was_said_elsewhere(scene: Scene) -> None:
    """D3: by reply or telephone with the terms he was sent; an outlet's agreement has a time and an
    end; nobody works for an outlet that nobody knows."""
    room, config = scene.press.room, str(scene.press.config.path)
    scene.offer(terms="Not before the end.\n\nNobody else.")
    words = ["--email", "ann@example.com", "--reason", "called back", "--how", "telephone"]
    assert run(["--config", config, "embargo", "grant", SLUG, *words]) == 0
    holder = scene.holder("ann@example.com")
    assert (holder["how"], holder["answer"]) == ("telephone", "agreed")
    assert holder["terms"] == "Not before the end.\n\nNobody else."
    words[-1] = "pigeon"
    assert run(["--config", config, "embargo", "grant", SLUG, *words]) == 2
    for outlet, error in (("Nobody's", NotFound), ("Daily", UsageError)):
        with pytest.raises(error):
            holders.stand(
                room, outlet, "anna", terms=None, how="reply", reason=""
            ) if outlet == "Daily" else holders.stand(
                room, outlet, "anna", terms=None, how="reply", reason="K."
            )
    holders.stand(room, "daily", "anna", terms=None, how="reply", reason="K.",
                  until=(END + timedelta(days=9)).isoformat())  # fmt: skip
    [standing] = holders.standings(room)
    assert standing["people"] == 2 and standing["in_force"]
    holders.end_standing(room, "Daily", "anna", reason="left")
    assert not holders.standings(room)[0]["in_force"]


def test_without_copies_by_mail_he_reads_it_behind_his_link(tmp_path: Path) -> None:
    """D3: where [embargo] by_mail is false the text is shown and the mail comes at the end."""
    for scene in scene_at(tmp_path / "room", "sqlite:///mailer.db"):
        config = scene.press.config
        config.path.write_text(config.path.read_text() + "\n[embargo]\nby_mail = false\n")
        object.__setattr__(config, "embargo", type(config.embargo)(by_mail=False))
        scene.offer()
        scene.press.run()
        assert "trams" in scene.post("ann@example.com").text
        scene.press.run()
        assert scene.server.recipients["ann@example.com"] == 1
        assert scene.holder("ann@example.com")["version"] == 1


def test_a_plan_that_breaks_off_has_asked_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D3: whoever dies while notes are planned leaves nobody asked, and the next one asks all."""
    room = scene.press.room
    with monkeypatch.context() as patch:

        def broken(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(offers._Notes, "_finish", broken)
        patch.setattr(offers._Notes, "_forget", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            scene.offer()
    with room.store.write() as tx:
        assert tx.rows("SELECT journalist FROM embargo_offers", {})
        tx.execute("DELETE FROM distributions WHERE state = 'planning'", {})
        assert set(agreements.known(tx, 1).values()) == {"no_embargoes"}
    assert scene.offer().asked == 3
    assert {row["state"] for row in log(room)} == {"queued"}


def by_link_only(scene: Scene, *emails: str) -> None:
    """Agree behind the link where no copy comes by mail: only the page has shown the text."""
    object.__setattr__(scene.press.config, "embargo", EmbargoConfig(by_mail=False))
    scene.offer()
    scene.press.run()
    for email in emails:
        assert "trams" in scene.post(email).text


def corrected(scene: Scene) -> Path:
    home = scene.press.config.home
    (home / "corrected.md").write_text(
        (home / "embargo.md").read_text().replace("carries", "bears")
    )
    return home / "corrected.md"


def told(scene: Scene) -> dict[str, list[str]]:
    """The Subjects of what came after the note, by address."""
    scene.press.run()
    found: dict[str, list[str]] = {}
    for got in scene.server.got:
        found.setdefault(got.rcpt_to, []).append(parts(got.raw)[2])
    return {email: subjects[1:] for email, subjects in found.items() if len(subjects) > 1}


def test_who_read_it_behind_his_link_is_told_what_becomes_of_it(scene: Scene) -> None:
    """D3, D11: no message brought him the text and he has it all the same: a new end, a hold, its
    end, a correction and a withdrawal reach him over SMTP, each once and in the thread of the note;
    who was asked and opened nothing hears nothing."""
    room = scene.press.room
    by_link_only(scene, "ann@example.com")
    moved = (END + timedelta(hours=2)).isoformat()
    assert embargo.move(room, SLUG, moved, "anna", reason="later").has_it == ["ann@example.com"]
    assert set(told(scene)) == {"ann@example.com"}
    assert notices.hold(room, SLUG, "anna", reason="a figure").told == 1
    assert len(told(scene)["ann@example.com"]) == 2
    assert notices.clear(room, SLUG, "anna", reason="it stands").told == 1
    path = corrected(scene)
    given = notices.correct(room, SLUG, path, "anna", what="it bears them")
    assert (given.told, given.cannot_be_told) == (1, [])
    subjects = told(scene)
    assert set(subjects) == {"ann@example.com"}
    assert "bears trams" in scene.post("ann@example.com", "read").text
    assert notices.kill(room, SLUG, "anna", reason="wrong").told == 1
    subjects = told(scene)
    assert set(subjects) == {"ann@example.com"} and len(subjects["ann@example.com"]) == 5
    kinds = "EMBARGO,HOLD,HOLD OVER,CORRECTION,WITHDRAWN"
    for kind, subject in zip(kinds.split(","), subjects["ann@example.com"], strict=True):
        assert kind.lower() in subject.lower()
    note, *others = [got.raw for got in scene.server.got if got.rcpt_to == "ann@example.com"]
    first = message_from_bytes(note, policy=policy.default)["Message-ID"]
    for raw in others:
        chain = message_from_bytes(raw, policy=policy.default)["References"].split()
        assert chain[0] == first and len(set(chain)) == len(chain)
    assert check(room) == []


def test_whoever_opened_it_is_told_on_either_database(on_both: Scene) -> None:
    """D3, D11: the same is planned for him, who has no delivery of the text, on both; the last word
    leaves once, and to nobody else."""
    scene, room = on_both, on_both.press.room
    by_link_only(scene, "ann@example.com")
    moved = (END + timedelta(hours=2)).isoformat()
    assert embargo.move(room, SLUG, moved, "anna", reason="later").has_it == ["ann@example.com"]
    assert notices.hold(room, SLUG, "anna", reason="a figure").told == 1
    assert notices.kill(room, SLUG, "anna", reason="wrong").told == 1
    subjects = told(scene)
    assert set(subjects) == {"ann@example.com"}
    assert [each.partition(":")[0] for each in subjects["ann@example.com"]].count("WITHDRAWN") == 1


def test_a_text_that_nobody_queued_can_be_corrected_for_who_opened_it(tmp_path: Path) -> None:
    """D3, D11: the only readers are those behind the link; who opened the corrected text alone is
    told of no correction, and an erased one of nothing."""
    for scene in scene_at(tmp_path / "room", "sqlite:///mailer.db", queued=False):
        room = scene.press.room
        by_link_only(scene, "ann@example.com", "sam@example.com")
        subject_erase(room, "sam@example.com", "anna")
        path = corrected(scene)
        given = notices.correct(room, SLUG, path, "anna", what="it bears them")
        assert (given.told, [each["why"] for each in given.cannot_be_told]) == (1, [])
        assert "bears trams" in scene.post("ken@example.com").text
        assert set(told(scene)) == {"ann@example.com"}


def test_a_word_given_while_he_opens_the_text_is_not_missed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D11: a correction or a withdrawal between the reading and the keeping of an opening: he sees
    the corrected text, or none."""
    room = scene.press.room
    by_link_only(scene)
    path = corrected(scene)
    words = [
        lambda: notices.correct(room, SLUG, path, "anna", what="it bears them"),
        lambda: notices.kill(room, SLUG, "anna", reason="wrong"),
    ]
    edition = forms.edition

    def meanwhile(*args: Any, **options: Any) -> Any:
        if words:
            words.pop(0)()
        return edition(*args, **options)

    monkeypatch.setattr(forms, "edition", meanwhile)
    gone = scene.post("ann@example.com")
    assert gone.status_code == 410 and "trams" not in gone.text
    assert scene.press.rows("SELECT * FROM embargo_openings") == []


def test_a_note_follows_who_moved_since_it_was_planned(scene: Scene) -> None:
    """D3, F7: a note is written out when it is planned; it goes to the address that he has when it
    leaves, with its link, and the old one is written to no more."""
    room = scene.press.room
    scene.offer()
    old, new = room.address_hash("ann@example.com"), room.address_hash("ann@new.example.com")
    with room.store.write() as tx:
        ann = tx.value("suppression.journalist_of_hash", hash=old)
        fresh.move(tx, ann, "ann@new.example.com", new, "journalist", {})
    scene.press.run()
    assert scene.server.recipients["ann@example.com"] == 0
    assert scene.server.recipients["ann@new.example.com"] == 1
    assert "trams" in scene.post("ann@new.example.com").text


def test_who_paused_or_is_away_gets_no_note(on_both: Scene) -> None:
    """F3, D3: a note obeys no rule at the claim, so nobody is asked against his wish, or has
    it by his outlet's agreement; who is on hold, suppressed or erased is left out as everywhere."""
    scene, room = on_both, on_both.press.room
    holders.stand(room, " the  STANDING", "anna", terms=None, how="letter", reason="K.")
    far = room.clock.now() + 10**13
    with room.store.write() as tx:
        for email, wish in (
            ("ann@example.com", {"paused": 1}),
            ("ken@example.com", {"away_until": far}),
            ("sam@example.com", {"paused": 1}),
        ):
            of = tx.value("suppression.journalist_of_hash", hash=room.address_hash(email))
            [(name, value)] = wish.items()
            tx.execute(
                f"INSERT INTO preferences (journalist, {name}, updated_at) VALUES (:j, :v, 0)",
                {"j": of, "v": value},
            )
    with pytest.raises(Refused, match="nobody is left to ask") as refused:
        scene.offer()
    for words in ("2 paused", "1 away", "1 no embargoes"):
        assert words in str(refused.value)
    with room.store.write() as tx:
        tx.execute("DELETE FROM preferences WHERE paused = 1", {})
    suppressions.add(room, ["ann@example.com"], "anna", reason="asked")
    done = scene.offer(dry_run=True)
    assert (done.asked, done.standing, done.left_out) == (
        *(0, 1), {"suppressed": 1, "away": 1, "no_embargoes": 1},
    )  # fmt: skip
