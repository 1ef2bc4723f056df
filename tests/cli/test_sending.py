"""`queue`, `send-to`, `test-send` and `log` as an officer types them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.distribution.context import open_newsroom
from mailer.store.core import add_event
from mailer.store.states import DeliveryState

from tests.cli.conftest import Mailer
from tests.distribution.room import write_release

BOSS = "boss@example.org"


@pytest.fixture
def desk(room: Path, mailer: Mailer) -> Path:
    """Three people on `press`, one of them suppressed, one more on `more`; a release file."""
    config = room / "config.toml"
    text = config.read_text()
    assert "\ntest_recipients = []" in text
    config.write_text(text.replace("test_recipients = []", f'test_recipients = ["{BOSS}"]'))
    head = "email,first_name,outlet,timezone,consent_basis,source\n"
    row = "{}@example.com,Ada,Daily,Europe/Brussels,opt_in,form\n"
    (room / "press.csv").write_text(head + "".join(row.format(name) for name in ("a", "b", "c")))
    (room / "more.csv").write_text(head + row.format("d"))
    assert mailer("lists", "import", "press.csv", "more.csv").code == 0
    assert mailer("suppress", "add", "c@example.com").code == 0
    write_release(room)
    return room


QUEUE = ("queue", "bridge.md", "--to", "list:press")


def test_everything_around_a_queue_at_once(desk: Path, mailer: Mailer) -> None:
    """Contract, `queue`: options repeat, and the answer says who, when first and when last."""
    done = mailer(
        *QUEUE,
        *("--also", "Dora <D@Example.com>", "--except", "b@example.com", "--except", "x@y.example"),
        *("--skip-received", "--over", "40m", "--at", "2030-12-01T09:00", "--json"),
    )
    assert done.code == 0
    shown = done.json
    assert shown["recipients"] == 2
    assert shown["left_out"] == {"excepted": 1, "suppressed": 1}
    assert shown["first_at"] == shown["due_at"] == "2030-12-01T08:00:00.000Z"
    assert shown["last_at"] == "2030-12-01T08:20:00.000Z"
    assert any("x@y.example" in warning for warning in shown["warnings"])
    assert "--except" in done.err
    text = mailer(*QUEUE, "--over", "40m", "--at", "2030-12-01T09:00", "--dry-run").out
    assert "first 2030-12-01 09:00, last about 09:20 Europe/Brussels" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--also", "c@example.com"), 6, "must not be contacted"),
        (("--also", "nobody@example.com"), 5, "lists import"),
        (("--also", "nobody"), 2, "no address"),
        (("--over", "a while"), 2, "not a duration"),
        (("--except", "a@example.com", "--except", "b@example.com"), 6, "2 excepted"),
        (("--tz", "Mars/Base"), 2, "Europe/Brussels"),
        (("--tz", "Warsaw"), 2, "Europe/Warsaw"),
        (("--tz", "Europe/Pragu", "--at", "2030-12-01T09:00"), 2, "Europe/Prague"),
        (("--tz", "Mars/Base", "--at", "2030-12-01T09:00Z"), 2, "not a known time zone"),
        (("--at", "2030-12-01 09:00 America/New_Yrok"), 2, "America/New_York"),
    ],
)
def test_what_is_refused_says_why(
    desk: Path, mailer: Mailer, options: tuple[str, ...], code: int, sentence: str
) -> None:
    """Contract: exit codes; one sentence, nothing on stdout."""
    done = mailer(*QUEUE, *options)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert done.err.splitlines()[-1].startswith("mailer: ")


def test_one_more_person_and_the_office(desk: Path, mailer: Mailer) -> None:
    """Contract, `send-to` and `test-send`, in words and in JSON."""
    mailer(*QUEUE)
    sent = mailer("send-to", "1", "--email", "d@example.com", "--json").json
    assert (sent["distribution"], sent["state"], sent["recipients"], sent["kind"]) == (
        2,
        "scheduled",
        1,
        "release",
    )
    refused = mailer("send-to", "1", "--email", "D@example.com")
    assert refused.code == 6 and "--again" in refused.err
    assert mailer("send-to", "1", "--email", "d@example.com", "--again").code == 2
    again = ("send-to", "1", "--email", "d@example.com", "--again", "--reason", "lost it")
    assert "d@example.com (resend)" in mailer(*again).out
    assert mailer("send-to", "9", "--email", "d@example.com").code == 5
    tested = mailer("test-send", "bridge.md", "--to", BOSS)
    assert tested.code == 0 and f"{BOSS} (test)" in tested.out
    assert mailer("test-send", "bridge.md", "--to", "d@example.com").code == 6
    assert mailer("test-send", "bridge.md").code == 2
    listed = mailer("status").out
    assert "resend: " in listed and "test: " in listed


def test_did_he_get_it(desk: Path, mailer: Mailer) -> None:
    """Issue: the answer in every format; tables fit 80 columns."""
    mailer(*QUEUE, "--except", "b@example.com")
    mailer(*QUEUE, "--skip-received", "--also", "d@example.com", "--except", "b@example.com")
    shown = mailer("log", "--email", "A@example.com").out
    assert "queued" in shown and "(none in 2)" in shown and "skipped" in shown
    assert max(map(len, shown.splitlines())) <= 80
    [first, second] = mailer("log", "--email", "b@example.com", "--json").json
    assert first["delivery"] is None and first["state"] == "skipped"
    assert first["reason"] == second["reason"] == "excepted by the officer"
    lines = mailer("log", "--email", "c@example.com", "--format", "jsonl").out.splitlines()
    assert len(lines) == 2 and all('"suppressed"' in line for line in lines)
    table = list(csv.DictReader(io.StringIO(mailer("log", "--format", "csv").out)))
    assert [row["email"] for row in table] == ["a@example.com", "d@example.com"]
    assert "Nobody in the store has" in mailer("log", "--email", "x@example.com").out
    mailer("lists", "import", "more.csv", "--list", "third")
    assert "no audience selected" in mailer("log", "1", "--email", "d@example.com").out


def test_what_a_server_says_is_no_formula(desk: Path, mailer: Mailer) -> None:
    """H18: CSV cells of the log are defused, those of the left out too."""
    mailer(*QUEUE, "--except", "b@example.com")
    with (
        open_newsroom(configuration.load(desk / "config.toml")) as room,
        room.store.write() as tx,
    ):
        tx.execute("UPDATE deliveries SET reply = '=1+1', reason = '@cmd'", {})
        tx.execute("UPDATE left_out SET reason = '-2+3'", {})
    for email in ("a@example.com", "b@example.com"):
        out = mailer("log", "--email", email, "--format", "csv").out
        [row] = csv.DictReader(io.StringIO(out))
        assert not any(cell.startswith(("=", "@", "-", "+")) for cell in row.values())
        assert row["reason"][0] == "'"


def test_a_run_that_ends_says_what_waits_for_an_officer(desk: Path, mailer: Mailer) -> None:
    """H3: what is later than late_grace is held, and nobody has to look for it."""
    queued = mailer(*QUEUE, "--at", "2026-01-05T09:00", "--json")
    assert queued.code == 0
    done = mailer("run", "--once")
    assert done.code == 0
    assert "waits for you" in done.err and "mailer resume 1" in done.err
    people = f"{queued.json['recipients']} journalists have not had it yet"
    assert people in " ".join(done.err.split())
    assert people in " ".join(mailer("status").out.split())
    assert people in " ".join(mailer("status", "1").out.split())
    assert mailer("run", "--once", "--json").json["decisions"]


def test_a_run_that_ends_says_what_is_in_doubt_and_what_is_paused(
    desk: Path, mailer: Mailer
) -> None:
    """H3: neither a lost answer nor a paused mail service hides behind "Nothing was due."."""
    mailer(*QUEUE, "--at", "2030-12-01T09:00")
    with (
        open_newsroom(configuration.load(desk / "config.toml")) as room,
        room.store.write() as tx,
    ):
        tx.execute(
            "UPDATE deliveries SET state = :state WHERE journalist = 1",
            {"state": DeliveryState.IN_DOUBT},
        )
    assert mailer("routes", "pause", "default", "--reason", "their maintenance").code == 0
    done = mailer("run", "--once")
    assert "1 of distribution 1 not certain" in done.err
    assert "default is paused (their maintenance)" in done.err
    paused, doubtful = mailer("run", "--once", "--json").json["decisions"]
    assert "paused" in paused and "not certain" in doubtful


WORDS = "no such user here, see https://mail.example.net/" + "why-" * 20 + " and call our desk"


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("accepted", "✓ accepted  by the mail server on 2026-03-01 09:00:05 Europe/Brussels"),
        ("refused", "✗ refused   by the mail server on 2026-03-01 09:00:05 Europe/Brussels"),
        ("deferred", "↻ deferred  waiting to retry, next try at 2026-03-01 09:30:00"),
        ("in_doubt", "? in_doubt  not certain: the server may have it"),
        ("suppressed", "⊘ suppressed do not contact: asked by telephone"),
        ("skipped", "⇥ skipped   asked by telephone"),
        ("expired", "∅ expired   given up after 1 attempts"),
    ],
)
def test_a_delivery_in_words(desk: Path, mailer: Mailer, state: str, first: str) -> None:
    """H16: the first line answers the telephone; the server's words whole; 80 columns."""
    mailer(*QUEUE)
    rows = {row["email"]: row for row in mailer("log", "--json").json}
    with (
        open_newsroom(configuration.load(desk / "config.toml")) as room,
        room.store.write() as tx,
    ):
        tx.execute(
            "UPDATE deliveries SET state = :state, reason = 'asked by telephone', attempts = 1,"
            " last_attempt_at = 1772352005000000, due_at = 1772353800000000, code = 550,"
            " enhanced = '5.1.1', reply = :reply, route = 'default'",
            {"state": DeliveryState.of(state), "reply": WORDS},
        )
        for wave in (1, 2):
            add_event(tx, "wave_hold", "scheduler", distribution=1, data={"wave": wave})
    code = rows["a@example.com"]["delivery"]
    out = mailer("show", code).out
    assert out.startswith(first)
    assert "".join(f"550 5.1.1 {WORDS}".split()) in "".join(out.split())
    assert "mail service default" in " ".join(out.split())
    assert out.count("its batch waits for an officer") == 1
    assert max(map(len, out.splitlines())) <= 80
    assert "message id" not in out and "message id" in mailer("show", code, "--verbose").out
    table = mailer("log", "--email", "a@example.com").out
    assert "2026-03-01 09:00" in table and "a-bridge-opens" in table
    assert "".join(WORDS.split()) in "".join(table.split())
    assert max(map(len, table.splitlines())) <= 80


def test_an_embargo_by_the_command_line(mailer: Mailer, room: Path) -> None:
    """D3, D6: granted, shown, moved, lifted; exit codes as in the contract."""
    people = room / "inner.csv"
    people.write_text("email,source,consent_basis\nin@example.com,form,opt_in\n")
    mailer("lists", "import", people)
    text = room / "held.md"
    text.write_text(
        "---\nid: held\nembargo: 2126-12-01T09:00:00+01:00\n---\n# Rivers are cleaner than before"
        "\n\nBrussels, 12 October 2026 – They are cleaner.\n\n## Media contact\n\n"
        "Ada Example – ada@example.org\n"
    )
    shown = mailer("queue", text, "--to", "list:inner", "--dry-run").out
    assert "before the embargo ends" not in shown
    people.rename(room / "trusted.csv")
    mailer("lists", "import", room / "trusted.csv", "--kind", "trusted")
    shown = mailer("queue", text, "--to", "list:trusted", "--dry-run").out
    assert "before the embargo ends" in shown
    assert mailer("queue", text, "--to", "list:inner").code == 0
    why = ("--reason", "by telephone")
    assert mailer("embargo", "grant", "held", "--email", "in@example.com", *why).code == 2
    granted = mailer("embargo", "grant", "held", "--list", "inner", "--agreed", *why, "--json").json
    assert (granted["granted"], granted["brought_forward"]) == (1, 1)
    [grant] = mailer("embargo", "show", "held", "--json").json["grants"]
    assert (grant["email"], grant["how"], grant["state"]) == ("in@example.com", "agreed", "queued")
    assert "in@example.com" in mailer("embargo", "show", "held").out
    moved = mailer("embargo", "move", "held", "--to", "2126-12-02T09:00", "--json").json
    assert moved["until"] == "2126-12-02T08:00:00.000Z"
    back = mailer("embargo", "revoke", "held", "--email", "in@example.com", *why, "--json").json
    assert back["back"] == 1
    assert mailer("embargo", "broken", "held", *why).code == 0
    assert mailer("embargo", "lift", "held").code == 0
    assert mailer("embargo", "lift", "held").code == 6
    assert mailer("embargo", "lift", "nothing").code == 5


def test_words_about_a_release_by_the_command_line(mailer: Mailer, room: Path) -> None:
    """Contract: correct, hold, kill; what they say, and exit codes."""
    people = room / "inner.csv"
    people.write_text(
        "email,phone,source,consent_basis\nin@example.com,+32 2 5550100,form,opt_in\n"
    )
    mailer("lists", "import", people)
    text = room / "rivers.md"
    text.write_text(
        "---\nid: rivers\n---\n# Rivers are cleaner than before\n\nBrussels, 12 October 2126 – "
        "They are cleaner.\n\n## Media contact\n\nAda Example – ada@example.org\n"
    )
    why = ("--reason", "A figure is wrong.")
    assert mailer("kill", "rivers", *why).code == 5
    mailer("release", "import", text)
    better = room / "better.md"
    better.write_text(text.read_text().replace("cleaner than", "much cleaner than"))
    nothing = mailer("correct", "rivers", better)
    assert nothing.code == 6 and "of rivers was queued yet" in nothing.err
    assert mailer("queue", "rivers", "--to", "list:inner", "--at", "2126-12-01T09:00").code == 0
    corrected = mailer("correct", "rivers", better, "--what", "Much cleaner.")
    assert corrected.code == 0 and "1 who have nothing yet get revision 2" in corrected.out
    assert mailer("correct", "rivers", better).code == 6
    assert mailer("correct", "rivers", room / "none.md").code == 4
    assert "0 who have it" in mailer("hold", "rivers", *why).out
    assert mailer("hold", "rivers", "--cleared", *why).code == 0
    assert mailer("hold", "rivers", "--cleared", *why).code == 6
    assert mailer("kill", "rivers", "--reason", " ").code == 2
    killed = mailer("kill", "rivers", *why)
    assert killed.code == 0 and "1 who had nothing yet get nothing" in killed.out
    again = mailer("kill", "rivers", *why, "--json").json
    assert again["again"] is True and again["at"].endswith("Z")
    assert mailer("update", "rivers", better).code == 6
