"""What is held on a person, told in full and removed in full (E11, E12)."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mailer.distribution import fresh, people, subjects, suppressions
from mailer.distribution.backup import back_up
from mailer.distribution.lists import import_file
from mailer.distribution.log import log
from mailer.distribution.subjects import subject_erase, subject_export
from mailer.distribution.tongues import Words
from mailer.distribution.upkeep import check
from mailer.errors import NotFound, UsageError
from mailer.message.tokens import Fresh
from mailer.smtp.inbox import InboxWriter
from mailer.store import fresh as fresh_links
from mailer.store.core import add_event
from mailer.store.migrations import tables

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder
from tests.distribution.room import write_release

WHO = "Zoe.Quill+press@example.com"
NAMES = ("Zoe Quill", "Quill, Zoe", "+32 470 55 66 77", "+32470556677")
HEADER = "email,first_name,last_name,outlet,beats,country,language,timezone,consent_basis,source"
LIST = (
    f"{HEADER},notes,telephone\n"
    f"{WHO},Zoe,Quill,Daily Quill,eu;energy,BE,en,Europe/Brussels,opt_in,fair,"
    "met Zoe Quill at the fair,+32 470 55 66 77\n"
    "ben@example.com,Ben,Oak,Daily,eu,BE,en,Europe/Brussels,opt_in,form,knows Zoe Quill,\n"
)


@pytest.fixture
def press(tmp_path: Path, store_url: str) -> Iterator[Press]:
    """A newsroom that has sent Zoe one release and waits to send her another."""
    with (
        Recorder(dot=lambda _: f"250 2.0.0 taken for {WHO}") as server,
        Press(tmp_path / "room", store_url, port=server.port) as press,
    ):
        path = press.config.home / "people.csv"
        path.write_text(LIST)
        import_file(press.room, path, list_name="press", actor="anna")
        path.write_text(LIST.replace(f"{WHO},", f"{WHO} or b@example.com,"))  # a rejected row
        import_file(press.room, path, list_name="press", actor="anna")
        path.unlink()
        press.queue("list:press")
        press.run()
        press.queue("list:press", release=str(second(press)), at="2031-01-01T09:00:00Z")
        with press.room.store.write() as tx:
            zoe = tx.value("suppression.journalist_of_hash", hash=press.room.address_hash(WHO))
            add_event(tx, "send_to", "anna", journalist=zoe, data={"reason": "Zoe asked by phone"})
            add_event(tx, "noted", "anna", data={"text": f"write to {WHO.lower()} first"})
        yield press


def second(press: Press) -> Path:
    return write_release(
        press.config.home, "# Second\n\nBody text here.\n\nA – a@example.org\n", "b.md"
    )


def exported(press: Press, who: str | int = WHO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("".join(subject_export(press.room, who, "anna")))
    return found


def everything(press: Press) -> str:
    """All texts of the store, and all bytes of the newsroom's folder but its officers' own."""
    found = []
    with press.room.store.read() as tx:
        for name, table in tables().items():
            for row in tx.tuples(name, table.columns):
                found += [
                    bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v)
                    for v in row
                ]
    for path in sorted(press.config.home.rglob("*")):
        if path.is_file():
            found.append(path.read_bytes().decode("latin-1"))
    return "\n".join(found).lower()


def names_left(press: Press, *more: str) -> list[str]:
    text = everything(press)
    return [each for each in (WHO, *NAMES, *more) if each.lower() in text]


def test_an_export_holds_everything_with_its_source(press: Press) -> None:
    """E11: profile, lists, messages with the server's words, history, and words about her in rows
    of others, each with where it stands; the export itself is history (E22)."""
    suppressions.add(press.room, [WHO], "anna", reason="asked by phone")
    found = exported(press)
    assert (found["format"], found["version"], found["address"]) == (
        *("mailer subject export", 1), WHO,
    )  # fmt: skip
    held = found["held"]
    [profile] = held["profile"]["rows"]
    assert profile["notes"] == "met Zoe Quill at the fair" and profile["phone"] == NAMES[2]
    assert profile["source"] == "fair" and profile["created_at"].endswith("Z")
    assert [row["name"] for row in held["lists"]["rows"]] == ["press"]
    first, waiting = held["deliveries"]["rows"]
    assert first["tried"][0]["reply"].endswith(WHO) and first["fields"]["email"] == WHO
    assert (first["state"], waiting["state"]) == ("accepted", "suppressed")
    assert held["suppressions"]["rows"][0]["reason"] == "officer"
    assert {row["kind"] for row in held["events"]["rows"]} >= {"send_to", "do_not_contact"}
    assert {(row["table"], row["column"]) for row in held["mentions"]["rows"]} >= {
        ("journalists", "notes"), ("events", "data"),
    }  # fmt: skip
    assert any("rejected/" in row["file"] for row in held["files"]["rows"])
    assert all(part["source"] and part["rows"] for part in held.values())
    [(data,)] = press.rows("SELECT data FROM events WHERE kind = 'subject_exported'")
    assert WHO not in data


def test_who_is_not_held_is_told_so(press: Press) -> None:
    """E11: nothing held, no address, no journalist: one sentence each and no history."""
    for who, error in (("none@example.com", NotFound), ("no address", UsageError), (99, NotFound)):
        with pytest.raises(error):
            subject_export(press.room, who, "anna")
    assert press.rows("SELECT id FROM events WHERE kind = 'subject_exported'") == []


def test_nothing_of_an_erased_person_is_left(press: Press) -> None:
    """E12: store, write-ahead log, spool, journals, rejected rows: nowhere her address, name or
    telephone; the ledger keeps its counts and is whole; the other one keeps what is his."""
    with InboxWriterAt(press) as inbox:
        inbox.add([(1, "b@example.org", [WHO], f"To: {WHO}\r\n\r\nDear Zoe Quill".encode())])
    before = press.rows("SELECT count(*) AS n FROM deliveries")
    assert set(names_left(press)) >= {WHO, NAMES[0]}
    done = subject_erase(press.room, WHO, "anna")
    assert done.finished and done.known
    assert done.removed["deliveries"] == 1 and done.removed["files"] == 1
    assert names_left(press, "Zoe asked") == []
    assert press.rows("SELECT count(*) AS n FROM deliveries") == before
    states = {row["email"]: row["state"] for row in log(press.room, distribution=1)}
    assert states == {None: "accepted", "ben@example.com": "accepted"}
    [notes] = press.rows("SELECT notes FROM journalists WHERE first_name = 'Ben'")
    assert notes == ("knows [erased]",)
    [(reason, evidence)] = press.rows("SELECT reason, evidence FROM suppressions")
    assert (reason, evidence) == ("erased", "{}")
    assert check(press.room) == []
    if press.room.store.dialect == "postgresql":
        assert any("archives" in each.lower() for each in done.remains)


def test_bytes_that_older_writes_left_in_the_file_go_too(tmp_path: Path) -> None:
    """E12: a database that was written without overwriting what is deleted, as one of an earlier
    version may be, is written anew when the address is still found in its file."""
    with Press(tmp_path / "room", "sqlite:///mailer.db") as press:
        press.people("press", [WHO, "ben@example.com"])
        with press.room.store.write() as tx:
            tx.execute("PRAGMA secure_delete = OFF", {})
            add_event(tx, "noted", "anna", data={"text": f"see {WHO}"})
        with press.room.store.write() as tx:
            tx.execute("DELETE FROM events WHERE kind = 'noted'", {})
            tx.execute("PRAGMA secure_delete = ON", {})
        (press.config.home / "press.csv").unlink()
        subject_erase(press.room, WHO, "anna")
        assert names_left(press) == []


def test_an_import_does_not_bring_an_erased_person_back(press: Press) -> None:
    """E12: the keyed hash stays; a list with her is imported and she stays out, again and again."""
    subject_erase(press.room, WHO, "anna")
    path = press.config.home / "again.csv"
    path.write_text(LIST.replace("knows Zoe Quill", ""))
    for name in ("press", "other"):
        result = import_file(press.room, path, list_name=name, actor="anna")
        assert (result.counts["suppressed"], result.counts["new"]) == (1, 0)
    path.unlink()
    assert press.rows("SELECT journalist FROM addresses WHERE hash = :hash",
                      hash=press.room.address_hash(WHO)) == []  # fmt: skip
    again = subject_erase(press.room, WHO, "anna")
    assert again.finished and not again.known
    assert names_left(press) == []
    found = exported(press)
    assert list(found["held"]) == ["suppressions"]
    assert len(press.rows("SELECT id FROM events WHERE kind = 'erased'")) == 1


def test_an_erased_person_comes_back_by_her_own_act_alone(press: Press) -> None:
    """E12, F13: the hash stays; a confirmed sign-up makes her a member of that topic and of nothing
    else; an officer's list brings her to no other; and she can be erased again, wholly."""
    subject_erase(press.room, WHO, "anna")
    press.people("briefing", ["ben@example.com"])
    hash = press.room.address_hash(WHO)
    states = (
        "SELECT l.name, m.state FROM memberships m JOIN lists l ON l.id = m.list "
        "JOIN addresses a ON a.journalist = m.journalist WHERE a.hash = :hash"
    )
    with press.room.store.write() as tx:
        sql = "UPDATE lists SET kind = 'topic', open = 1 WHERE name = 'briefing'"
        tx.execute(sql, {})
        [topic] = [row["id"] for row in fresh_links.open_topics(tx)]
    assert fresh.ask_to_join(press.room, WHO, [topic], "I agree", Words())
    assert press.rows(states, hash=hash) == []
    [(number, ends)] = press.rows(
        "SELECT id, expires_at FROM fresh_links WHERE state <> 'used' AND purpose = 's'"
    )
    assert fresh.join(press.room, Fresh("s", number, ends // 1_000_000))
    path = press.config.home / "again.csv"
    path.write_text(LIST.replace("knows Zoe Quill", ""))
    assert import_file(press.room, path, list_name="press", actor="a").counts["suppressed"] == 1
    path.unlink()
    assert press.rows(states, hash=hash) == [("briefing", "active")]
    assert press.queue("list:press", dry_run=True).recipients == 1
    assert press.queue("list:briefing", dry_run=True).recipients == 2
    assert subject_erase(press.room, WHO, "anna").finished
    assert press.rows(states, hash=hash) == []
    (press.config.home / "briefing.csv").unlink()
    assert names_left(press) == []


def test_what_waits_stops_and_what_a_sender_holds_ends_normally(
    tmp_path: Path, store_url: str
) -> None:
    """E12, F10: her queued message is stopped; one in the middle of its transaction ends as the
    server says, within the patience of the call, and then goes as well."""
    asked = threading.Event()

    def dot(_: str) -> str:
        asked.set()
        time.sleep(1.0)
        return f"451 4.3.0 later, {WHO}"

    with Recorder() as server, Press(tmp_path / "room", store_url, port=server.port) as press:
        press.people("press", [WHO])
        (press.config.home / "press.csv").unlink()
        press.queue("list:press")
        server.dot = dot
        running = threading.Thread(target=press.run)
        running.start()
        assert asked.wait(60)
        short = subject_erase(press.room, WHO, "anna", patience=0.0)
        assert not short.finished and short.remains
        done = subject_erase(press.room, WHO, "anna")
        assert done.finished
        running.join(60)
        [row] = list(log(press.room, distribution=1))
        assert row["state"] == "suppressed" and row["attempts"] == 1
        assert names_left(press) == []
        assert check(press.room) == []


def test_what_was_broken_off_is_finished_by_the_sweep(press: Press) -> None:
    """E12: killed at any point, the rest is done by whoever comes next, and nothing twice."""
    for after in ("begin", "clean_events", "replace"):
        script = (
            "import os, pathlib, sys\n"
            "from mailer.distribution import subjects, context\n"
            "from mailer import config\n"
            "from mailer.store import subjects as stored\n"
            f"was = stored.{after}\n"
            "def broken(*a, **k):\n"
            "    found = was(*a, **k)\n"
            "    os.kill(os.getpid(), 9)\n"
            "    return found\n"
            f"stored.{after} = broken\n"
            "room = context.open_newsroom(config.load(pathlib.Path(sys.argv[1])))\n"
            "subjects.subject_erase(room, sys.argv[2], 'anna')\n"
        )
        path = str(press.config.home / "config.toml")
        ended = subprocess.run([sys.executable, "-c", script, path, WHO], check=False)
        assert ended.returncode == -signal.SIGKILL
    press.run()  # its sweep comes by when nothing is to be sent
    subjects.go_on(press.room)
    assert names_left(press) == []
    assert len(press.rows("SELECT id FROM events WHERE kind = 'erased'")) == 1
    assert subjects.go_on(press.room) is False


def test_a_table_that_nobody_named_is_exported_and_erased(
    press: Press,
) -> None:
    """E11, E12: what a later migration keeps by journalist needs no word in this code."""
    with press.room.store.write() as tx:
        zoe = tx.value("suppression.journalist_of_hash", hash=press.room.address_hash(WHO))
        tx.run("embargo.grant", release=1, journalist=zoe, how="vouched", reason=f"{WHO} said so",
               list=None, actor="anna", now=tx.now())  # fmt: skip
        tx.execute(
            "INSERT INTO preferences (journalist, weekly_cap, updated_at) VALUES (:j, 3, :now)",
            {"j": zoe, "now": tx.now()},
        )
    held = exported(press)["held"]
    assert held["preferences"]["rows"][0]["weekly_cap"] == 3
    assert held["grants"]["rows"][0]["reason"] == f"{WHO} said so"
    subject_erase(press.room, WHO, "anna")
    for name, table in tables().items():
        if "journalist" in table.columns and name not in ("deliveries", "events", "erasures"):
            sql = f"SELECT * FROM {name} WHERE journalist = :zoe"
            assert press.rows(sql, zoe=zoe) == [], name


OURS = {
    *("releases", "revisions", "compiled", "signers", "embargo_terms", "distribution_variants"),
    *("media", "media_pieces", "release_media", "lists", "counters", "control", "machines"),
    *("keepers", "workers", "incidents", "paces", "addresses"),
}
"""Tables with the newsroom's own words and the program's own state; her address stands in the last
already. Any other table is filled, also one that somebody adds tomorrow."""

WORDS_OF_OURS = {"actor", "state", "kind", "zone", "language", "scope", "how", "sha256"}


def fill_every_table(press: Press) -> set[str]:
    """A row about her in every table that can hold one, as the schema says: her number, the hash of
    her address, her name and address in each text. The tables with her number."""
    types = (
        "SELECT name, lower(type) AS type FROM pragma_table_info(:t)"
        if press.room.store.dialect == "sqlite"
        else "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t"
    )
    hash = press.room.address_hash(WHO)
    said = json.dumps({"said": [f"{WHO.lower()}, Zoe Quill", "Quill, Zoe"]})
    filled = {name: press.rows(types, t=name) for name in tables() if name not in OURS}
    numbered = "" if press.room.store.dialect == "sqlite" else "OVERRIDING SYSTEM VALUE"
    with press.room.store.write() as tx:
        zoe = tx.value("suppression.journalist_of_hash", hash=hash)
        for name, columns in filled.items():
            row: dict[str, Any] = {}
            for column, kind in columns:
                row[column] = (
                    hash if column == "hash"
                    else zlib.compress(said.encode()) if kind in ("blob", "bytea")
                    else zoe if column == "journalist"
                    else 3 if (name, column) == ("deliveries", "state")
                    else 1 if column == "release"
                    else 900_000 if kind != "text"
                    else "x" if column in {*WORDS_OF_OURS, *tables()[name].key}
                    else said
                )  # fmt: skip
            names = ", ".join(row)
            values = ", ".join(f":{each}" for each in row)
            tx.execute(f"INSERT INTO {name} ({names}) {numbered} VALUES ({values})", row)
    return {name for name, table in tables().items() if "journalist" in table.columns}


def test_whatever_table_names_her_she_is_gone_from_it(press: Press) -> None:
    """E11, E12: with a row about her in every table that can have one, derived from the schema: the
    export shows her tables, and after the erasure nothing in the store or beside it names her."""
    hers = fill_every_table(press)
    assert "+32 470 55 66 77" in names_left(press) and len(hers) > 15
    shown = {each for part in exported(press)["held"].values() for each in re.findall(
        r"[a-z_]+", part["source"])}  # fmt: skip
    assert hers - shown <= {"erasures"}
    assert subject_erase(press.room, WHO, "anna").finished
    assert names_left(press, "zoe quill") == []
    for name in hers - {"deliveries", "events", "erasures"}:
        assert press.rows(f"SELECT journalist FROM {name} WHERE journalist = 1") == [], name


def test_who_was_merged_is_one_person(tmp_path: Path) -> None:
    """E11, E12: asked for by either address, both of his entries are told and removed."""
    with Press(tmp_path / "room", "sqlite:///mailer.db") as press:
        press.people("press", [WHO, "zoe@example.org", "ben@example.com"])
        (press.config.home / "press.csv").unlink()
        people.merge(press.room, ["zoe@example.org", WHO], "anna")
        for asked, other in ((WHO, "zoe@example.org"), ("zoe@example.org", WHO)):
            held = exported(press, asked)["held"]
            assert held["profile"]["rows"][0]["email"] == asked
            assert held[f"profile (merged with {other})"]["rows"][0]["email"] == other
        assert subject_erase(press.room, WHO, "anna").finished
        assert names_left(press, "zoe@example.org") == []
        reasons = press.rows("SELECT reason FROM suppressions")
        assert reasons == [("erased",), ("erased",)]
        assert check(press.room) == []


def test_who_is_called_alike_keeps_his_own(tmp_path: Path) -> None:
    """E12: a longer name or address that holds the erased one is another person's."""
    with Press(tmp_path / "room", "sqlite:///mailer.db") as press:
        press.people("press", ["ada@example.com", "ben@example.com"])
        with press.room.store.write() as tx:
            tx.execute("UPDATE journalists SET last_name = 'Li' WHERE id = 1", {})
            notes = "Ada Lindt, not Ada Li; xada@example.com, ada@example.com.au, ada@example.com."
            tx.execute("UPDATE journalists SET notes = :notes WHERE id = 2", {"notes": notes})
            add_event(tx, "noted", "anna", data={"text": "first\nada@example.com", "n": 1})
        subject_erase(press.room, "ada@example.com", "anna")
        [(left,)] = press.rows("SELECT notes FROM journalists WHERE id = 2")
        assert left == "Ada Lindt, not [erased]; xada@example.com, ada@example.com.au, [erased]."
        [(data,)] = press.rows("SELECT data FROM events WHERE kind = 'noted'")
        assert json.loads(data) == {"text": "first\n[erased]", "n": 1}


def test_copies_elsewhere_are_named(tmp_path: Path) -> None:
    """E12: backups cannot be changed; they are listed with their dates, officers' own files too."""
    with Press(tmp_path / "room", "sqlite:///mailer.db") as press:
        press.people("press", [WHO])
        back_up(press.config, "anna")
        said = " ".join(subject_erase(press.room, WHO, "anna").remains)
        assert "Backups on this machine" in said and "press.csv" in said
        assert "1 made of this ledger" in said


class InboxWriterAt:
    """The sandbox's inbox of a newsroom, open for writing."""

    def __init__(self, press: Press) -> None:
        self._writer = InboxWriter(press.config.spool_dir / "inbox.db")

    def __enter__(self) -> InboxWriter:
        return self._writer

    def __exit__(self, *_: object) -> None:
        self._writer.close()
