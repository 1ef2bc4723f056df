"""A whole import taken back: as if it had never been, but for what must stay (E9, E12)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.clock import SECOND
from mailer.distribution import retention
from mailer.distribution.context import Newsroom
from mailer.distribution.imports import ls, undo_import
from mailer.distribution.lists import count_segment, export_list, import_file, list_lists, settle
from mailer.distribution.queue import Order, queue
from mailer.distribution.retention import DAY
from mailer.errors import NotFound, Refused
from mailer.store import suppression
from mailer.store.migrations import tables

from tests.distribution.room import RELEASE, list_file, make_config, open_room, write_list

HEADER = "email,first_name,outlet,phone,consent_basis,source,notes"


def bring(room: Newsroom, name: str, *rows: str, to: str = "press") -> int:
    path = list_file(room, name, HEADER, *rows)
    number = import_file(room, path, list_name=to, actor="anna").number
    assert number is not None
    return number


def row(email: str, first: str = "Ada", outlet: str = "Daily", phone: str = "", **more: str) -> str:
    basis, source, notes = (more.get(n, "") for n in ("basis", "source", "notes"))
    return ",".join([email, first, outlet, phone, basis or "opt_in", source or "form", notes])


STOOD = """
SELECT a.email, j.state, j.hold_reason, j.first_name, j.outlet, j.phone, j.source, j.notes
FROM journalists j JOIN addresses a ON a.journalist = j.id WHERE j.state <> 'erased' ORDER BY 1
"""
MEMBERS = """
SELECT l.name, a.email, m.state FROM memberships m JOIN lists l ON l.id = m.list
JOIN addresses a ON a.journalist = m.journalist ORDER BY 1, 2
"""
FACETS = """
SELECT a.email, v.field, v.value FROM facets f JOIN facet_values v ON v.id = f.facet
JOIN addresses a ON a.journalist = f.journalist ORDER BY 1, 2, 3
"""


def standing(room: Newsroom) -> dict[str, Any]:
    """People, lists, memberships and facets as they stand, and what commands count of them."""
    lists = [{k: v for k, v in each.items() if k != "id"} for each in list_lists(room)]
    with room.store.read() as tx:
        found = {
            name: [tuple(dict(each).values()) for each in tx.rows(sql, {})]
            for name, sql in (("people", STOOD), ("members", MEMBERS), ("facets", FACETS))
        }
    return {**found, "lists": lists, "export": sorted(export_list(room))}


def test_as_before_and_what_must_stay(room: Newsroom) -> None:
    """Journalists, lists, memberships, fields, facets and counts are as before; events and the
    objections it brought stay (E9, E12)."""
    bring(
        room, "first", row("a@example.com"), row("b@example.com"), row("h@example.com", basis="?")
    )
    before = standing(room)
    number = bring(
        room,
        "second",
        row("a@example.com", outlet="Weekly", phone="+32 2 555 01 02"),
        row("c@example.com", outlet="Brand New"),
        row("b@example.com", basis="bought"),
        row("h@example.com"),
        row("stop@example.com", basis="objected"),
    )
    assert standing(room) != before
    other = bring(room, "third", row("z@example.com"), to="another")
    assert undo_import(room, other, "anna").as_json()["list_removed"] is True
    done = undo_import(room, number, "anna")
    assert (done.removed, done.restored, done.kept, done.list_removed) == (1, 3, 0, False)
    assert standing(room) == before
    with room.store.read() as tx:
        assert suppression.find(tx, room.address_hash("stop@example.com"))
        kinds = [each["kind"] for each in tx.rows("SELECT kind FROM events ORDER BY id", {})]
        left = tx.rows("SELECT count(*) AS n FROM import_people WHERE import >= 2", {})
    assert kinds.count("list_imported") == 3 and kinds.count("import_undone") == 2
    assert left[0]["n"] == 0
    # It says so, cannot be undone twice, and the same file comes in again as it did.
    assert [each["state"] for each in ls(room)] == ["done", "undone", "undone"]
    with pytest.raises(Refused, match="undone already"):
        undo_import(room, number, "anna")
    with pytest.raises(NotFound, match="no import 77"):
        undo_import(room, 77, "anna")
    assert bring(room, "stop", row("stop@example.com")) and standing(room) == before


def test_later_words_hold(room: Newsroom) -> None:
    """A field that a later import filled or changed, or somebody since, keeps its value; whoever a
    later import brought as well stays, without what only this one said."""
    number = bring(
        room, "one", row("a@example.com", phone="+32 2 1", notes="n"), row("b@example.com")
    )
    bring(room, "two", row("a@example.com", first="", outlet="Weekly"), to="other")
    with room.store.write() as tx:
        tx.run("suppression.leave_list", list=1, journalist=2, at=tx.now())
    done = undo_import(room, number, "anna")
    assert (done.removed, done.kept) == (0, 2)
    people = {each[0]: each for each in standing(room)["people"]}
    assert people["a@example.com"][3:8] == ("", "Weekly", "", "form", "")
    # He left the list himself: it is known for the next import.
    assert ("press", "b@example.com", "left") in standing(room)["members"]
    bring(room, "three", row("b@example.com"))
    assert ("press", "b@example.com", "left") in standing(room)["members"]


def test_what_a_doubt_kept_unwritten(room: Newsroom) -> None:
    """Whom a later import brought with a doubt stays with what that one said, as if it had made
    him; taken back as well, nothing of him is left (E9)."""
    number = bring(room, "one", row("a@example.com", phone="+32 2 1", notes="n"))
    later = bring(room, "two", row("a@example.com", outlet="Weekly", basis="bought"), to="other")
    undo_import(room, number, "anna")
    email, state, *_, first, outlet, phone, source, notes = standing(room)["people"][0]
    assert (email, state, first, outlet) == ("a@example.com", "on_hold", "Ada", "Weekly")
    assert (phone, source, notes) == ("", "form", "")
    undo_import(room, later, "anna")
    assert standing(room)["people"] == []


def test_with_what_was_sent(room: Newsroom) -> None:
    """Who has a delivery stays as a row, so that the log reads, but on no list; what is queued for
    him stops."""
    number = bring(room, "one", row("a@example.com"), row("b@example.com"))
    release = room.config.home / "release.md"
    release.write_text(RELEASE, "utf-8")
    queued = queue(room, Order(str(release), ["list:press"], leave_out=["b@example.com"]), "anna")
    done = undo_import(room, number, "anna")
    assert (done.kept, done.stopped, done.list_removed) == (2, 1, False)
    assert standing(room)["members"] == []
    with room.store.read() as tx:
        rows = tx.rows("SELECT state, reason FROM deliveries", {})
    assert [(each["state"], each["reason"]) for each in rows] == [
        (8, f"import {number} was undone")
    ]
    assert queued.recipients == 1


def test_too_old(room: Newsroom) -> None:
    """6 with a sentence once what was kept for it is past its retention (E13)."""
    number = bring(room, "one", row("a@example.com"))
    changed = bring(room, "two", row("a@example.com", outlet="Weekly"))
    with room.store.write() as tx:
        tx.execute("UPDATE imports SET started_at = started_at - :age", {"age": 91 * DAY * SECOND})
    fresh = bring(room, "three", row("a@example.com", outlet="Monthly"))
    assert retention.would_go(room)["undo"] == 2
    assert retention.retain(room, "anna")["undo"] == 2
    for old in (number, changed):
        with pytest.raises(Refused, match="can no longer be undone"):
            undo_import(room, old, "anna")
    undo_import(room, fresh, "anna")
    assert standing(room)["people"][0][4] == "Weekly"


KILLED = """
import os, signal, sys
from pathlib import Path
from mailer import config as configuration
from mailer.distribution import imports, undo
from mailer.distribution.context import open_newsroom
steps = undo.undo.carry_out
def carry_out(tx, number, limit):
    steps(tx, number, 5)
    tx.connection.execute("COMMIT")
    os.kill(os.getpid(), signal.SIGKILL)
undo.undo.carry_out = carry_out
with open_newsroom(configuration.load(Path(sys.argv[1]), {})) as room:
    imports.undo_import(room, 2, "anna")
"""


def test_killed_in_the_middle(room: Newsroom) -> None:
    """SIGKILL after the flip: whoever asks next finds all of it taken back."""
    import_file(room, write_list(room.config.home, "known", 20), list_name="press", actor="anna")
    before = standing(room)
    path = write_list(room.config.home, "many", 60)
    path.write_text(path.read_text().replace(",en,", ",fr,"))
    import_file(room, path, list_name="press", actor="anna")
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(room.config.path)], check=False, capture_output=True
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert count_segment(room, "list:press")["selected"] == 20
    assert standing(room) == before
    events = []
    with room.store.read() as tx:
        events = tx.rows("SELECT actor, data FROM events WHERE kind = 'import_undone'", {})
    assert [each["actor"] for each in events] == ["anna"]
    assert json.loads(events[0]["data"])["removed"] == 40


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[list[tuple[str, ...]]], list[int]]:
    word = st.sampled_from(["", "X", "Y"])
    rows = st.lists(st.tuples(st.sampled_from("abc"), word, word, word), min_size=1, max_size=4)
    imports = draw(st.lists(rows, min_size=2, max_size=4))
    gone = draw(st.lists(st.sampled_from(range(len(imports))), unique=True, min_size=1))
    return imports, gone


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    with open_room(make_config(tmp_path_factory.mktemp("stories"), port=2525)) as room:
        yield room


def forget_all(room: Newsroom) -> None:
    with room.store.write() as tx:
        for name, table in tables().items():
            if not table.rows and name != "facts":
                tx.execute(f"DELETE FROM {name}", {})


@settings(max_examples=20, deadline=None)
@given(stories())
def test_as_if_it_had_never_been(newsroom: Newsroom, story: tuple[Any, Sequence[int]]) -> None:
    """Whatever imports say of the same people, and in whatever order some are undone: all stands
    as after the others alone."""
    imports, gone = story
    found = []
    for undone in (True, False):
        forget_all(newsroom)
        numbers = {
            place: bring(
                newsroom,
                f"n{place}",
                *(row(f"{e}@example.com", f, o, p) for e, f, o, p in rows),
                to=f"list{place % 2}",
            )
            for place, rows in enumerate(imports)
            if undone or place not in gone
        }
        for place in gone if undone else ():
            undo_import(newsroom, numbers[place], "anna")
        settle(newsroom)
        found.append(standing(newsroom))
    assert found[0] == found[1]
