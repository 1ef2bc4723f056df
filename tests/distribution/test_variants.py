"""One release in several languages: which texts there are, who gets which, and when (D21)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailer.clock import SECOND, ManualClock, from_datetime
from mailer.distribution import embargo, notices, previews, releases, single
from mailer.distribution.lists import import_file
from mailer.distribution.log import status, status_of
from mailer.distribution.published import Shelf
from mailer.distribution.queue import Order, Queued, queue
from mailer.distribution.schedule import Sweeper
from mailer.distribution.variants import match
from mailer.errors import InputError, NotFound, Refused, UsageError
from mailer.message.merge import MergeTemplate
from mailer.store import ledger, variants
from mailer.web.public import public_app

from tests.distribution.press import Press
from tests.distribution.test_schedule import deliver
from tests.web.serving import bare, serving

T0 = from_datetime(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
HOUR = 3600 * SECOND
TEXTS = {
    "en": (
        "A bridge opens",
        "Brussels, 1 December 2026 – The bridge opens today.",
        "Media contact",
    ),
    "fr": ("Un pont ouvre", "Bruxelles, 1er décembre 2026 – Le pont ouvre.", "Contact presse"),
    "de": ("Eine Brücke", "Brüssel, 1. Dezember 2026 – Die Brücke öffnet.", "Pressekontakt"),
}
PEOPLE = (
    # address, outlet, language → en, fr
    ("en@example.com", "Daily", "en"),
    ("fr@example.com", "Le Jour", "fr-BE"),
    ("de@example.com", "Tagblatt", "de"),
    ("mute@example.com", "Le Jour", ""),
    ("hu@example.com", "Lap", "hu"),
)


class Bridge:
    """A press with `PEOPLE` and a release that is written language by language."""

    def __init__(self, press: Press, clock: ManualClock) -> None:
        self.press, self.room, self.clock = press, press.room, clock
        self.sweeper = Sweeper(press.room)
        rows = ["email,first_name,outlet,language,timezone,consent_basis,source"]
        rows += [f"{e},Ada,{o},{lang},Europe/Brussels,opt_in,form" for e, o, lang in PEOPLE]
        path = press.config.home / "all.csv"
        path.write_text("\n".join(rows) + "\n", "utf-8")
        import_file(press.room, path, actor="anna")

    def text(self, language: str, *, more: str = "", add: str = "", name: str = "") -> str:
        """Import the release in a language; its slug."""
        headline, lead, contact = TEXTS[language]
        path = self.press.config.home / (name or f"bridge.{language}.md")
        front = f"---\nvariants: [en, fr, de]\n{more}---\n"
        body = f"# {headline}\n\n{lead} {add}\n\n## {contact}\n\nAda Example – press@example.org\n"
        path.write_text(front + body, "utf-8")
        return releases.import_file(self.room, path, "anna").release.slug

    def queue(self, **options: object) -> Queued:
        order = Order(**{"release": "bridge", "to": ["list:all"], **options})  # type: ignore[arg-type]
        return queue(self.room, order, "anna")

    def sweep_and_send(self, number: int | None) -> None:
        assert number is not None
        self.sweeper.sweep()
        deliver(self.room, number)
        self.sweeper.sweep()

    def got(self) -> dict[str, list[str]]:
        """Who was sent which languages."""
        found: dict[str, list[str]] = {}
        rows = self.press.rows(
            "SELECT a.email, coalesce(t.compiled, x.compiled) AS compiled FROM deliveries d "
            "JOIN addresses a ON a.journalist = d.journalist "
            "JOIN distributions x ON x.id = d.distribution "
            "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
            "LEFT JOIN distribution_variants t ON t.distribution = d.distribution "
            "AND t.language = w.language WHERE d.state = 3 ORDER BY d.id"
        )
        with self.room.store.read() as tx:
            for email, digest in rows:
                template = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
                found.setdefault(email.partition("@")[0], []).append(template.language)
        return found


@pytest.fixture
def bridge(tmp_path: Path, store_url: str) -> Iterator[Bridge]:
    clock = ManualClock(T0)
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        yield Bridge(press, clock)


def test_each_journalist_gets_one_text(bridge: Bridge) -> None:
    """D21: his own language, else his outlet's, else the default; each text links to the others."""
    for language in TEXTS:
        assert bridge.text(language) == "bridge"
    queued = bridge.queue()
    assert queued.recipients == 5
    assert {(w["language"], w["recipients"]) for w in queued.waves} == {
        *(("en", 2), ("fr", 2), ("de", 1)),
    }
    bridge.sweeper.sweep()
    with bridge.room.store.read() as tx:
        claimable = [
            MergeTemplate.from_bytes(ledger.compiled(tx, wave.compiled)).language
            for wave in ledger.open_waves(tx)
        ]
    assert sorted(claimable) == ["de", "en", "fr"]
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got() == {
        **{"en": ["en"], "fr": ["fr"], "de": ["de"]},
        **{"mute": ["fr"], "hu": ["en"]},
    }
    sql = "SELECT compiled FROM distribution_variants WHERE language = 'fr'"
    ((digest,),) = bridge.press.rows(sql)
    with bridge.room.store.read() as tx:
        data = MergeTemplate.from_bytes(ledger.compiled(tx, digest))
    shown = previews.sample(bridge.room, data).decode()
    assert "/r/bridge/fr" in shown and "/r/bridge/de" in shown and "Deutsch" in shown
    with pytest.raises(Refused, match="nobody"):
        bridge.queue(skip_received=True)


def test_each_language_has_a_page_that_names_the_others(bridge: Bridge) -> None:
    """D21: `/r/slug/fr` beside `/r/slug`, for people and programs; no cookie and no header decides;
    a text that nobody was sent, and the lead text's language, have no such page."""
    bridge.text("en")
    bridge.text("fr")
    with serving(public_app(bridge.room)) as address, bare(address) as client:
        assert client.get("/r/bridge/fr").status_code == 404
        queued = bridge.queue(as_ready=True)
        bridge.sweep_and_send(queued.distribution)
        french = client.get("/r/bridge/fr", headers={"Accept-Language": "de"})
        assert french.status_code == 200 and french.headers["content-language"] == "fr"
        assert "Un pont ouvre" in french.text and 'lang="fr"' in french.text
        home = "http://127.0.0.1:8025/r/bridge"
        assert f'<link rel="alternate" hreflang="en" href="{home}">' in french.text
        assert f'<link rel="canonical" href="{home}/fr">' in french.text
        lead = client.get("/r/bridge")
        assert "A bridge opens" in lead.text and f'href="{home}/fr"' in lead.text
        assert f"français: {home}/fr" in client.get("/r/bridge.txt").text
        assert client.get("/r/bridge/fr.json").json()["language"] == "fr"
        for nothing in ("de", "en", "xx", "fr/fr"):
            assert client.get(f"/r/bridge/{nothing}").status_code == 404


def test_a_missing_text_must_be_decided_on(bridge: Bridge) -> None:
    """D21: nobody gets another language by oversight, and the two ways out exclude each other."""
    bridge.text("en")
    bridge.text("fr")
    with pytest.raises(Refused, match="de is awaited"):
        bridge.queue()
    with pytest.raises(UsageError):
        bridge.queue(wait_variants="now", as_ready=True)
    assert bridge.press.rows("SELECT count(*) FROM distributions") == [(0,)]
    queued = bridge.queue(wait_variants="now")
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got()["de"] == ["en"]


def test_who_waits_gets_the_text_or_at_the_time_another(bridge: Bridge) -> None:
    """D21: the French go at once, the German wait; one time the text comes, one time it does not;
    nobody gets two."""
    bridge.text("en")
    bridge.text("fr")
    first = bridge.queue(wait_variants="2026-12-01T11:00:00Z")
    bridge.sweep_and_send(first.distribution)
    assert "de" not in bridge.got() and bridge.got()["fr"] == ["fr"]
    bridge.clock.advance(HOUR / SECOND)
    bridge.text("de")
    bridge.sweep_and_send(first.distribution)
    bridge.clock.advance(3 * HOUR / SECOND)
    bridge.sweep_and_send(first.distribution)
    assert bridge.got() == {
        **{"en": ["en"], "fr": ["fr"], "de": ["de"]},
        **{"mute": ["fr"], "hu": ["en"]},
    }
    assert first.distribution is not None
    waves = status_of(bridge.room, first.distribution)["waves"]
    assert {(w["language"], w["awaits"], w["state"]) for w in waves} == {
        *(("en", None, "done"), ("fr", None, "done"), ("de", None, "done")),
    }


def test_at_the_time_who_still_waits_gets_another(bridge: Bridge) -> None:
    """D21: the fallback; a text that comes after it changes nothing any more."""
    bridge.text("en")
    bridge.text("fr")
    queued = bridge.queue(wait_variants="2026-12-01T11:00:00Z")
    bridge.sweep_and_send(queued.distribution)
    bridge.clock.advance(2 * HOUR / SECOND + 1)
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got()["de"] == ["en"]
    ((wave,),) = bridge.press.rows("SELECT id FROM waves WHERE awaits = 'de'")
    with bridge.room.store.write() as tx:
        assert not variants.arrived(tx, 1, wave, "de", 0, "anna")
    bridge.text("de")
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got()["de"] == ["en"]


def test_as_ready_waits_without_end(bridge: Bridge) -> None:
    """D21: each language leaves when it is ready, however late; a text with errors is not ready."""
    bridge.text("en")
    queued = bridge.queue(as_ready=True)
    assert [w["due_at"] for w in queued.waves if w["awaits"]] == [None, None]
    bridge.sweep_and_send(queued.distribution)
    bridge.clock.advance(400 * HOUR / SECOND)
    bridge.sweep_and_send(queued.distribution)
    assert set(bridge.got()) == {"en", "hu"}
    bridge.text("fr", add="{{ rien }}")
    bridge.sweep_and_send(queued.distribution)
    assert set(bridge.got()) == {"en", "hu"}
    number = queued.distribution
    assert number is not None
    [told] = status(bridge.room).decisions
    assert "waits for the fr text" in told and ":fr` says why" in told
    assert told in status_of(bridge.room, number)["decisions"]
    bridge.text("fr")
    bridge.sweep_and_send(queued.distribution)
    assert status(bridge.room).decisions == []
    assert bridge.got()["fr"] == ["fr"] and bridge.got()["mute"] == ["fr"]
    assert "de" not in bridge.got()


def test_a_text_that_translates_an_older_one_is_behind(bridge: Bridge) -> None:
    """D21: by the order in which they came, or by what the translation says of itself."""
    for language in TEXTS:
        bridge.text(language)
    bridge.text("en", add="It is blue.")
    row = releases.ls(bridge.room)[0]
    assert row["languages"] == "en, fr (behind), de (behind)"
    bridge.text("fr", add="Il est bleu.", more="translates: 4\n")
    bridge.text("de", add="Sie ist grün.", more="translates: 1\n")
    assert releases.ls(bridge.room)[0]["languages"] == "en, fr, de (behind)"
    with pytest.raises(Refused, match="de is behind"):
        bridge.queue()
    queued = bridge.queue(wait_variants="2026-12-01T10:00:00Z")
    bridge.text("de", add="Sie ist blau.", more="translates: 4\n")
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got()["de"] == ["de"]


def test_the_text_that_announces_the_others_leads(bridge: Bridge) -> None:
    """D21: in whatever order the files come; what came before the first lead text is not behind."""
    home = bridge.press.config.home
    for language, front in (("de", ""), ("fr", ""), ("en", "variants: [de, fr]")):
        path = home / f"tide.{language}.md"
        path.write_text(
            f"---\nlanguage: {language}\n{front}\n---\n# T {language}\n\nText.\n", "utf-8"
        )
        releases.import_file(bridge.room, path, "anna")
    row = releases.ls(bridge.room)[-1]
    assert (row["slug"], row["languages"]) == ("tide", "en, de, fr")
    assert releases.resolve(bridge.room, "tide", "anna").release.language == "en"


def test_one_text_is_named_by_its_language(bridge: Bridge) -> None:
    """D21: `slug:fr` is the last French text, `slug` the lead text, `slug@2` a revision; one named
    so goes to everybody."""
    for language in TEXTS:
        bridge.text(language)
    find = releases.resolve
    assert find(bridge.room, "bridge", "anna").release.language == "en"
    assert find(bridge.room, "bridge:fr", "anna").release.headline == "Un pont ouvre"
    assert find(bridge.room, "bridge@3", "anna").release.language == "de"
    for wrong in ("bridge:pl", "bridge:fr@1", "bridge@9"):
        with pytest.raises(NotFound):
            find(bridge.room, wrong, "anna")
    queued = bridge.queue(release="bridge:fr")
    bridge.sweep_and_send(queued.distribution)
    assert set(map(tuple, bridge.got().values())) == {("fr",)}
    shelf = Shelf(bridge.room)
    shown = shelf.find("bridge")
    assert shown is not None and shown.release.language == "fr"
    lead = bridge.queue()
    bridge.sweep_and_send(lead.distribution)
    bridge.text("fr", add="Il est bleu.")
    bridge.sweep_and_send(bridge.queue(release="bridge:fr").distribution)
    shown = shelf.find("bridge")
    assert shown is not None and shown.release.language == "en"


def test_one_more_person_gets_his_language(bridge: Bridge) -> None:
    """D21: who is sent to afterwards gets his own text too."""
    for language in TEXTS:
        bridge.text(language)
    queued = bridge.queue(leave_out=["fr@example.com"])
    bridge.sweep_and_send(queued.distribution)
    assert queued.distribution is not None
    sent = single.send_to(bridge.room, queued.distribution, "fr@example.com", "anna")
    bridge.sweep_and_send(sent.distribution)
    assert bridge.got()["fr"] == ["fr"]


def test_texts_without_a_stated_language_stay_revisions(bridge: Bridge) -> None:
    """What was only guessed makes no second language: releases are what they were."""
    home = bridge.press.config.home
    for number, words in enumerate(
        ("The bridge opens today in town.", "Le pont ouvre dans la ville.")
    ):
        path = home / f"plain{number}.md"
        path.write_text(f"---\nid: plain\n---\n# {words}\n\n{words}\n", "utf-8")
        releases.import_file(bridge.room, path, "anna")
    assert releases.resolve(bridge.room, "plain", "anna").revision == 2
    assert releases.ls(bridge.room)[-1]["languages"] == "fr"


@pytest.mark.parametrize("front", ["variants: [english]", "translates: soon"])
def test_what_means_nothing_is_refused(bridge: Bridge, front: str) -> None:
    """A language or a revision that is none is bad input, with its place."""
    path = bridge.press.config.home / "odd.md"
    path.write_text(f"---\n{front}!\n---\n# News\n\nNews of today.\n", "utf-8")
    with pytest.raises(InputError, match="line 2"):
        releases.import_file(bridge.room, path, "anna")


def test_the_nearest_language_serves() -> None:
    """BCP 47: the same tag, else the same language."""
    assert match("de-AT", ["en", "de"]) == "de"
    assert match("pt_BR", ["pt-PT", "pt-BR"]) == "pt-BR"
    assert match("nl", ["en", "de"]) == ""


def test_early_readers_of_an_embargo_get_their_own_language(bridge: Bridge) -> None:
    """D3, D21: with the embargo in it, before the end; everybody else his, afterwards."""
    for language in TEXTS:
        slug = bridge.text(language)
    words = {"how": "agreed", "reason": "by telephone", "list_name": None}
    embargo.grant(bridge.room, slug, "anna", emails=["fr@example.com"], **words)  # type: ignore[arg-type]
    queued = bridge.queue(embargo="2026-12-01T18:00")
    assert [w["language"] for w in queued.waves if w.get("early")] == ["fr"]
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got() == {"fr": ["fr"]}
    embargo.grant(bridge.room, slug, "anna", emails=["de@example.com"], **words)  # type: ignore[arg-type]
    bridge.clock.advance(1)
    bridge.sweep_and_send(queued.distribution)
    assert bridge.got() == {"fr": ["fr"], "de": ["de"]}
    early = bridge.press.rows("SELECT early, language FROM waves WHERE early IS NOT NULL")
    with bridge.room.store.read() as tx:
        found = {
            language: MergeTemplate.from_bytes(ledger.compiled(tx, digest)).language
            for digest, language in early
        }
    assert found == {"fr": "fr", "de": "de"}
    embargo.lift(bridge.room, slug, "anna")
    bridge.clock.advance(1)
    bridge.sweep_and_send(queued.distribution)
    assert len(bridge.got()) == len(PEOPLE)


def test_one_language_is_corrected_and_the_others_stay_on_hold(bridge: Bridge) -> None:
    """D9, D11, D21: who reads another text is told neither of the correction nor, before an officer
    says so, that his may be used; who has the correction is not told to use the old text."""
    for language in TEXTS:
        bridge.text(language)
    number = bridge.queue().distribution
    bridge.sweep_and_send(number)
    notices.hold(bridge.room, "bridge", "anna", reason="checking")
    _rest(bridge)
    path = bridge.press.config.home / "better.fr.md"
    path.write_text(
        (bridge.press.config.home / "bridge.fr.md")
        .read_text("utf-8")
        .replace("Un pont", "Le pont"),
        "utf-8",
    )
    given = notices.correct(bridge.room, "bridge", path, "anna", what="Le pont, non un pont.")
    assert given.told == 2 and any("stay on hold" in each for each in given.warnings)
    _rest(bridge)
    with pytest.raises(Refused, match="on hold"):
        bridge.queue()
    over = notices.clear(bridge.room, "bridge", "anna", reason="right")
    assert over.told == 3
    _rest(bridge)
    kinds: dict[str, list[str]] = {}
    for email, kind in bridge.press.rows(
        "SELECT a.email, coalesce(n.kind, x.kind) AS kind FROM deliveries d "
        "JOIN addresses a ON a.journalist = d.journalist "
        "JOIN distributions x ON x.id = d.distribution LEFT JOIN notices n ON n.id = x.notice "
        "WHERE d.state = 3 ORDER BY d.id"
    ):
        kinds.setdefault(email.partition("@")[0], []).append(kind)
    french = ["release", "hold", "correction"]
    others = ["release", "hold", "cleared"]
    assert kinds == {"fr": french, "mute": french, "en": others, "de": others, "hu": others}


def _rest(bridge: Bridge) -> None:
    """Everything that may be claimed is sent."""
    for _ in range(3):
        bridge.sweeper.sweep()
        with bridge.room.store.read() as tx:
            numbers = {wave.distribution for wave in ledger.open_waves(tx)}
        for number in sorted(numbers):
            deliver(bridge.room, number)
    bridge.sweeper.sweep()
