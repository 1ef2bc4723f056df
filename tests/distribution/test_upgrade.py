"""Programs of two versions on one store, while they send (H5, H7, H9; decision 16)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import mailer
from mailer.defaults import defaults_dir
from mailer.store.migrations import latest

from tests.distribution.fleet import Fleet

QUICK = 'rescue_after = "3s"\n'
NEXT = 99
EXPANDS = """
ALTER TABLE deliveries ADD COLUMN next_version TEXT;
CREATE TABLE next_version (id {identity}, said TEXT NOT NULL);
"""
A_NEW_KEY = """    rescue_after: Seconds = 30.0
    of_the_next_version: str = "as before"
"""


def program(folder: Path, version: str, *, new_key: bool = False, migration: bool = False) -> Path:
    """The program as a wheel would install it, of another version: with a configuration key more,
    or with a schema that has one change more."""
    package = folder / "mailer"
    shutil.copytree(
        Path(mailer.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("templates", "lists", "releases"):
        shutil.copytree(defaults_dir() / name, package / "defaults" / name)
    shutil.copy(defaults_dir() / "config.toml", package / "defaults")
    change(package / "__init__.py", re.escape(mailer.__version__), version)
    if new_key:
        change(package / "config.py", r"    rescue_after: Seconds = 30\.0\n", A_NEW_KEY)
    if migration:
        (package / "store" / "migrations" / f"{NEXT:04}_next.sql").write_text(EXPANDS)
    return folder


def change(path: Path, what: str, to: str) -> None:
    text, times = re.subn(what, to, path.read_text("utf-8"))
    assert times == 1
    path.write_text(text, "utf-8")


def test_two_versions_share_a_distribution(tmp_path: Path, postgres_url: str) -> None:
    """On one schema the newer one takes its part at once, though it knows a key more, and the
    older one is replaced in the middle: nobody gets it twice, nobody is missed."""
    older = program(tmp_path / "older", "0.0.9")
    newer = program(tmp_path / "newer", "0.2.0", new_key=True)
    with Fleet(tmp_path, postgres_url, 900, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        one, other = fleet.machine("a"), fleet.machine("b")
        one.install(older)
        other.install(newer)
        assert (one.version, other.version) == ("0.0.9", "0.2.0")
        one.start()
        other.start()
        fleet.until(lambda: {"a", "b"} <= fleet.sent_by().keys(), "both send")
        assert one.end() == 0
        assert fleet.claims_of("a") == 0
        before = fleet.sent_by()["a"]
        assert fleet.state(number) == "sending"
        one.install(newer)
        one.start()
        fleet.until(lambda: fleet.sent_by()["a"] > before, "the first sends again")
        fleet.until(lambda: fleet.state(number) == "done", "done")
        assert fleet.counts(number) == {"accepted": 900}
        assert fleet.compare().exact
        assert "claims nothing" not in one.said + other.said
        assert [machine.end() for machine in fleet.machines] == [0, 0]


def test_a_schema_that_goes_up_in_mid_run_stops_the_older_one(
    tmp_path: Path, postgres_url: str
) -> None:
    """Before the migration the newer one waits, after it the older: each says so once, and what
    either had under way is recorded."""
    newer = program(tmp_path / "newer", "0.2.0", migration=True)
    with Fleet(tmp_path, postgres_url, 1500, sending=QUICK, delay=0.1) as fleet:
        number = fleet.queue()
        old, new = fleet.machine("a"), fleet.machine("b")
        new.install(newer)
        old.start()
        fleet.until(lambda: fleet.sent_by(), "the older one sends")
        new.start()
        waits = f"he store has schema {latest()}, this program needs {NEXT}"
        fleet.until(lambda: waits in new.said, "the newer one says why it waits")
        assert waits in new.doctor()[1]
        assert set(fleet.sent_by()) == {"a"}, "and it claims nothing"

        done = new.say("store", "migrate")
        assert done.returncode == 0 and f"{NEXT:04}_next" in done.stdout, done.stderr
        stands = f"the store has schema {NEXT}, newer than this program's {latest()}"
        fleet.until(lambda: stands in old.said, "the older one says why it stands aside")
        fleet.until(lambda: fleet.claims_of("a") == 0, "what it had under way has its end")
        by_old = fleet.sent_by()["a"]
        assert fleet.state(number) == "sending"

        fleet.until(lambda: fleet.state(number) == "done", "the newer one goes on")
        assert fleet.counts(number) == {"accepted": 1500}
        assert fleet.compare().exact
        found = fleet.sent_by()
        assert found["a"] == by_old and found["b"] > 0
        assert old.said.count(stands) == 1

        assert old.end() == 0
        old.install(newer)
        old.start()
        fleet.until(lambda: fleet.seen("a"), "it is there again")
        again = fleet.queue()
        fleet.until(lambda: fleet.sent_by()["a"] > by_old, "updated, it takes its part")
        fleet.until(lambda: fleet.state(again) == "done", "done")
        assert fleet.compare().exact
        assert [machine.end() for machine in fleet.machines] == [0, 0]
