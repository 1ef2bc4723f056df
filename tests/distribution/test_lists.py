"""Lists into the newsroom and out of it: whole or not at all, and never against a person's will."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mailer.config import Config
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import (
    EXPORT_COLUMNS,
    ImportResult,
    count_segment,
    export_list,
    find_segments,
    import_file,
    list_lists,
    list_segments,
    show_list,
    show_segment,
    tidy_imports,
)
from mailer.errors import InputError, NotFound, StoreUnavailable, UsageError
from mailer.store import suppression
from mailer.store.core import control_version
from mailer.store.suppression import ALL, Reason, list_scope

from tests.distribution.room import list_file, make_config, open_room, write_list

HEADER = "email,first_name,outlet,beats,country,language,consent_basis,source,notes"


def write(room: Newsroom, name: str, *rows: str, header: str = HEADER) -> Path:
    return list_file(room, name, header, *rows)


def bring_in(room: Newsroom, name: str, *rows: str, **options: str) -> ImportResult:
    return import_file(room, write(room, name, *rows), actor="anna", **options)  # type: ignore[arg-type]


def person(email: str, **values: str) -> str:
    cells = {
        "first_name": "Ada",
        "outlet": "Daily",
        "beats": "energy",
        "country": "BE",
        "language": "en",
        "consent_basis": "opt_in",
        "source": "form",
        "notes": "",
    }
    return ",".join([email, *{**cells, **values}.values()])


def state_of(room: Newsroom, email: str) -> tuple[str, str | None]:
    with room.store.read() as tx:
        rows = tx.rows(
            "SELECT j.state, j.hold_reason FROM journalists j JOIN addresses a "
            "ON a.journalist = j.id WHERE a.email = :email",
            {"email": email},
        )
    return rows[0]["state"], rows[0]["hold_reason"]


def totals(room: Newsroom) -> dict[str, int]:
    names = ("journalists", "addresses", "memberships", "facets", "import_changes", "lists")
    with room.store.read() as tx:
        return {n: tx.rows(f"SELECT count(*) AS n FROM {n}", {})[0]["n"] for n in names}


def test_counts_are_the_contracts_and_add_up(room: Newsroom) -> None:
    """Contract, `lists import --json`: each row is counted once."""
    result = bring_in(
        room,
        "press",
        person("a@example.com"),
        person("A@EXAMPLE.com"),
        person("b@example.com", consent_basis=""),
        person("c@example.com", consent_basis="objected"),
        person("not an address"),
        person("d@example.com"),
    )
    found = result.as_json()
    keys = ("new", "changed", "unchanged", "rejected", "suppressed", "on_hold")
    assert {key: found[key] for key in keys} == {
        "new": 2, "changed": 0, "unchanged": 1, "rejected": 1, "suppressed": 1, "on_hold": 1,
    }  # fmt: skip
    assert found["import"] == 1
    assert result.rows == sum(found[key] for key in keys) == 6
    assert show_list(room, "Press")["members"] == 3
    json.dumps(found)


def test_rejected_rows_are_kept_for_mending(room: Newsroom) -> None:
    """Reject with row and reason; the file is readable by its owner only and runs nothing (H18)."""
    result = bring_in(room, "press", person("a@example.com"), person("nobody", notes="=1+1"))
    path = Path(result.rejected_file or "")
    assert path.name == "press-1.csv"
    assert path.parent == room.config.home / "rejected"
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["line", "reason", *HEADER.split(",")]
    assert row[0] == "3"
    assert row[1]
    assert (row[2], row[-1]) == ("nobody", "'=1+1")


def test_the_same_file_again_changes_nothing(room: Newsroom) -> None:
    """Importing twice: nothing new, nothing changed, whatever repeats or contradicts itself."""
    rows = (
        person("a@example.com", outlet="Daily"),
        person("a@example.com", outlet="DAILY"),
        person("b@example.com", consent_basis="?"),
        person("b@example.com"),
        person("c@example.com"),
        person("c@example.com", source="bought list"),
        person("d@example.com"),
    )
    first = bring_in(room, "press", *rows)
    before = totals(room)
    again = bring_in(room, "press", *rows)
    assert first.counts["new"] == 3
    assert (again.counts["new"], again.counts["changed"]) == (0, 0)
    assert again.counts["on_hold"] == first.counts["on_hold"] == 2
    assert totals(room) == before
    assert [state_of(room, f"{name}@example.com")[0] for name in "abcd"] == [
        "active", "on_hold", "on_hold", "active",
    ]  # fmt: skip


def test_one_person_on_two_lists_is_one_person(room: Newsroom) -> None:
    """Merged by address; what the second list leaves empty stays, what it says anew is taken."""
    bring_in(room, "one", person("ada@example.com", outlet="Daily", beats="energy"))
    result = bring_in(room, "two", person("Ada@Example.com", outlet="", beats="trade"))
    assert (result.counts["new"], result.counts["changed"]) == (0, 1)
    rows = [dict(zip(EXPORT_COLUMNS, row, strict=True)) for row in export_list(room, "two")][1:]
    assert [(r["email"], r["outlet"], r["beats"]) for r in rows] == [
        ("ada@example.com", "Daily", "trade")
    ]
    assert totals(room)["journalists"] == 1
    (room.config.lists_dir).mkdir(exist_ok=True)
    (room.config.lists_dir / "segments.toml").write_text(
        '[segments.old]\nall = [{ beat = ["energy"] }]\n'
        '[segments.new]\nall = [{ beat = ["TRADE"] }]'
    )
    assert count_segment(room, "old")["selected"] == 0
    assert count_segment(room, "new")["selected"] == 1


def test_who_said_stop_stays_out(room: Newsroom) -> None:
    """E12, F11: no import revives a suppressed address, on file or not, nor a list left."""
    bring_in(room, "press", person("a@example.com"), person("b@example.com"))
    with room.store.write() as tx:
        for email, reason in (("a@example.com", "opt-out"), ("gone@example.com", "erased")):
            suppression.add(
                tx, room.address_hash(email), scope=ALL, reason=reason, actor="x", evidence={}
            )
        suppression.leave_list(tx, 2, 1)
    people = [person(f"{name}@example.com", outlet="New") for name in ("a", "b", "gone")]
    result = bring_in(room, "press", *people)
    assert result.counts == {
        "new": 0, "changed": 0, "unchanged": 0, "rejected": 0, "suppressed": 3, "on_hold": 0,
    }  # fmt: skip
    assert count_segment(room, "list:press") == {
        "selected": 1, "recipients": 0, "suppressed": 1, "on_hold": 0, "other": 0, "internal": 0,
    }  # fmt: skip
    assert totals(room)["addresses"] == 2
    assert len(list(export_list(room, "press"))) == 1
    # Leaving one topic says nothing about other lists.
    with room.store.write() as tx:
        suppression.add(
            tx, room.address_hash("b@example.com"), scope=list_scope(1), reason="opt-out",
            actor="x", evidence={},
        )  # fmt: skip
    assert bring_in(room, "other", person("b@example.com")).counts["changed"] == 1


def test_an_objection_in_a_file_suppresses(room: Newsroom) -> None:
    """E9: it becomes a suppression with its evidence, and senders are told."""
    bring_in(room, "press", person("a@example.com"))
    with room.store.read() as tx:
        before = control_version(tx)
    result = bring_in(
        room,
        "other",
        person("n@example.com"),
        person("a@example.com", consent_basis="do not mail"),
        person("n@example.com", consent_basis="withdrawn"),
    )
    assert result.counts["suppressed"] == 2
    with room.store.read() as tx:
        assert control_version(tx) > before
        found = suppression.find(tx, room.address_hash("a@example.com"))
        assert suppression.find(tx, room.address_hash("n@example.com"))
    assert [(s.scope, s.reason, s.actor) for s in found] == [(ALL, Reason.OBJECTION, "anna")]
    assert (found[0].evidence["file"], found[0].evidence["line"]) == ("other.csv", 3)
    assert count_segment(room, "list:press")["recipients"] == 0
    assert count_segment(room, "list:other")["recipients"] == 0


def test_doubts_hold_and_a_clean_row_lifts_only_such_holds(room: Newsroom) -> None:
    """E9: on hold is shown and never selected; an officer's own hold is not lifted by a file."""
    bring_in(room, "press", person("a@example.com"), person("b@example.com", consent_basis=""))
    state, reason = state_of(room, "b@example.com")
    assert state == "on_hold"
    assert reason
    with room.store.read() as tx:
        before = control_version(tx)
    bring_in(room, "press", person("a@example.com", source="bought list"))
    with room.store.read() as tx:
        assert control_version(tx) > before
    assert state_of(room, "a@example.com")[0] == "on_hold"
    with room.store.write() as tx:
        tx.execute(
            "UPDATE journalists SET hold_import = NULL, hold_reason = 'officer' WHERE id = 2", {}
        )
    result = bring_in(room, "press", person("a@example.com"), person("b@example.com"))
    assert result.counts["changed"] == 2  # b's basis is known now, but an officer's hold stays
    assert state_of(room, "a@example.com") == ("active", None)
    assert state_of(room, "b@example.com") == ("on_hold", "officer")


def test_a_file_without_source_or_basis(room: Newsroom) -> None:
    """E9: file name, its date and the newsroom's basis hold for all of it, with a warning."""
    path = write(room, "visitors", "a@example.com", header="email")
    result = import_file(room, path, actor="anna")
    assert any("visitors.csv" in warning for warning in result.warnings)
    assert any("legitimate_interest" in warning for warning in result.warnings)
    row = dict(zip(EXPORT_COLUMNS, list(export_list(room, "visitors"))[1], strict=True))
    assert (row["source"], row["consent_basis"]) == ("visitors.csv", "legitimate_interest")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["source_date"])
    told = import_file(room, path, actor="anna", source="badge scan", basis="opt_in")
    assert not any("column" in warning for warning in told.warnings)
    assert told.counts["changed"] == 1


def test_a_dry_run_leaves_nothing(room: Newsroom) -> None:
    """`--dry-run` counts exactly and keeps nothing, no list, no file of rejected rows."""
    rows = (person("a@example.com"), person("a@example.com"), person("no"))
    before = totals(room)
    trial = import_file(room, write(room, "press", *rows), dry_run=True, actor="anna")
    assert totals(room) == before
    assert (trial.number, trial.rejected_file) == (None, None)
    assert not list((room.config.home / "rejected").glob("*"))
    assert trial.counts == bring_in(room, "press", *rows).counts


def test_exports_run_nothing(room: Newsroom) -> None:
    """H18: cells that a spreadsheet would run are defused; the columns are the contract's."""
    bring_in(room, "press", person("a@example.com", outlet="=HYPERLINK(1)", notes="+48 22"))
    header, row = export_list(room, "press")
    assert tuple(header) == EXPORT_COLUMNS
    found = dict(zip(header, row, strict=True))
    assert (found["outlet"], found["notes"]) == ("'=HYPERLINK(1)", "'+48 22")


def test_names_that_are_not_known(room: Newsroom) -> None:
    """Contract, exit code 5: the nearest names are told."""
    bring_in(room, "eu-affairs", person("a@example.com"))
    room.config.lists_dir.mkdir(exist_ok=True)
    file = room.config.lists_dir / "segments.toml"
    file.write_text(
        '[segments.eu]\nall = [{ list = ["eu-affairs"] }]\n'
        '[segments.bad]\nall = [{ list = ["eu-afairs"] }]'
    )
    assert [s.name for s in list_segments(room)] == ["eu", "bad"]
    assert [s.name for s in find_segments(room, ["eu", "list:EU-Affairs", "eu"])] == [
        "eu", "list:eu-affairs",
    ]  # fmt: skip
    for name, words in (("list:eu-affair", "eu-affairs"), ("bad", "eu-affairs"), ("ue", "eu")):
        with pytest.raises(NotFound, match=words):
            show_segment(room, name)
    with pytest.raises(NotFound):
        export_list(room, "nothing like it")
    file.write_text("[segments.eu]\nall = 1")
    with pytest.raises(InputError, match="line 2"):
        show_segment(room, "eu")


def test_wrong_use_is_refused_before_anything_happens(room: Newsroom) -> None:
    """Contract, exit codes 2 and 4: nothing is kept."""
    with pytest.raises(UsageError):
        bring_in(room, "press", person("a@example.com"), kind="secret")
    with pytest.raises(UsageError):
        bring_in(room, "press", person("a@example.com"), list_name="a\nb\x00")
    with pytest.raises(InputError):
        import_file(room, room.config.home / "nowhere.csv", actor="anna")
    with pytest.raises(InputError):
        import_file(room, write(room, "x", "1", header="a"), actor="anna")
    assert totals(room)["journalists"] == 0
    assert list_lists(room) == []


def test_only_one_import_at_a_time(room: Newsroom, config: Config) -> None:
    """A second import while one runs does nothing and says so (exit code 75)."""
    path = write(room, "press", person("a@example.com"))
    refused = []

    def meanwhile(rows: int, read: int, total: int) -> None:
        assert (rows, read) == (1, total)
        with open_room(config) as other, pytest.raises(StoreUnavailable, match="another import"):
            import_file(other, path, actor="ben")
        refused.append(rows)

    import_file(room, path, actor="anna", progress=meanwhile)
    assert refused == [1]


def test_a_failure_in_the_middle_leaves_nothing(room: Newsroom) -> None:
    """All or nothing per file: what was staged before the failure is taken away."""
    bring_in(room, "press", person("a@example.com"))
    before = totals(room)
    path = write_list(room.config.home, "many", 1500)

    def fails(rows: int, read: int, total: int) -> None:
        if rows > 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(room, path, list_name="press", actor="anna", progress=fails)
    assert totals(room) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from mailer import config as configuration
from mailer.distribution import lists
from mailer.distribution.context import open_newsroom
config, path, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def progress(rows, read, total):
    if how == "staging" and rows >= 1000:
        die()

if how == "applying":
    steps = lists.imports.carry_out
    def carry_out(tx, number, limit):
        done = steps(tx, number, 5)
        tx.connection.execute("COMMIT")
        die()
    lists.imports.carry_out = carry_out

with open_newsroom(configuration.load(config, {})) as room:
    lists.import_file(room, path, list_name="press", actor="anna", progress=progress)
"""


@pytest.mark.parametrize("how", ["staging", "applying"])
def test_killed_in_the_middle(room: Newsroom, how: str) -> None:
    """SIGKILL before the flip: nothing is seen and the next import cleans up. After it: whoever
    asks next finds all of it."""
    known = write_list(room.config.home, "known", 20)
    import_file(room, known, list_name="press", actor="anna")
    before = totals(room)
    path = write_list(room.config.home, "many", 2500)
    path.write_text(path.read_text().replace(",en,", ",fr,").replace("j7@example.com", "nobody"))
    room.config.lists_dir.mkdir(exist_ok=True)
    (room.config.lists_dir / "segments.toml").write_text(
        '[segments.french]\nall = [{ language = ["fr"] }]'
    )
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(room.config.path), str(path), how],
        check=False,
        capture_output=True,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    if how == "applying":
        assert count_segment(room, "french")["selected"] == 2499
        assert count_segment(room, "list:press")["selected"] == 2500
        return
    assert totals(room)["journalists"] > before["journalists"]
    assert count_segment(room, "french")["selected"] == 0
    assert show_list(room, "press")["members"] == 20
    assert tidy_imports(room) == 1
    assert totals(room) == before
    assert not list((room.config.home / "rejected").glob("*"))
    assert import_file(room, path, list_name="press", actor="anna").counts["new"] == 2480
    assert count_segment(room, "french")["selected"] == 2499


def test_an_import_is_history(room: Newsroom) -> None:
    """H16: who imported what, with its figures."""
    bring_in(room, "press", person("a@example.com"))
    with room.store.read() as tx:
        rows = tx.rows("SELECT actor, data FROM events WHERE kind = 'list_imported'", {})
    assert [row["actor"] for row in rows] == ["anna"]
    data = json.loads(rows[0]["data"])
    assert (data["import"], data["file"], data["new"]) == (1, "press.csv", 1)


MEASURED = """
import resource, sys
from pathlib import Path
from mailer import config as configuration
from mailer.distribution.context import open_newsroom
from mailer.distribution.lists import import_file
config, path = Path(sys.argv[1]), Path(sys.argv[2])
with open_newsroom(configuration.load(config, {})) as room:
    import_file(room, path, actor="anna")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Flat memory: four times the rows need no more than a little more of it."""
    peaks = []
    for count in (10_000, 40_000):
        config = make_config(tmp_path / str(count), port=2525)
        path = write_list(config.home, "many", count)
        child = subprocess.run(
            [sys.executable, "-c", MEASURED, str(config.path), str(path)],
            check=True,
            capture_output=True,
        )
        peaks.append(int(child.stdout) // 1024)
    assert peaks[1] - peaks[0] < 25, peaks


def test_rejected_rows_that_cannot_be_kept_stop_the_import(room: Newsroom) -> None:
    """75 and nothing half-done: a file stands where the folder of rejected rows should be."""
    (room.config.home / "rejected").write_text("in the way")
    before = totals(room)
    with pytest.raises(StoreUnavailable, match="nothing was imported"):
        bring_in(room, "press", person("ada@example.org"), person("no address"))
    assert totals(room) == before
    assert list_lists(room) == []


def test_what_was_exported_comes_in_unchanged(room: Newsroom, tmp_path: Path) -> None:
    """H18: what keeps a spreadsheet from running a cell is no part of it, least of all of an
    address."""
    bring_in(
        room,
        "press",
        person("+desk@example.com", outlet="=HYPERLINK(1)", notes="+48 22 555 01 47"),
        person("-x@example.com", first_name="@Ada", outlet="'t Nieuws"),
        person("'quoted@example.com", notes="'just quoted'"),
    )
    path = tmp_path / "press.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(export_list(room, "press"))
    counts = import_file(room, path, actor="anna").counts
    assert {name: count for name, count in counts.items() if count} == {"unchanged": 3}
