"""A messy list from its file to the store, twice, and back: what an office does with its old lists.

`python -m tests.acceptance.test_messy_list ROWS` does the same with as many rows as one wants, in
every dialect, and prints what it found.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from mailer.audience.address import identity
from mailer.distribution.imports import undo_import
from mailer.distribution.lists import import_file

from tests.audience.lists_of import Truth, make
from tests.audience.test_lists import DIALECTS, VERDICTS
from tests.distribution.press import Press
from tests.distribution.test_undo import standing

ROWS = 600


def expected(truth: list[Truth]) -> dict[str, set[str]]:
    """What may become of each address, by what is known to be wrong with its rows."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row in truth:
        if row.address and "lost_in_encoding" not in row.defect:
            rows[identity(row.address)].append(row.defect)
    found = {}
    for address, defects in rows.items():
        verdicts = [VERDICTS.get(defect, {"take"}) for defect in defects]
        if {"objection"} in verdicts:
            found[address] = {"suppressed"}  # whatever else the file says of him
        elif any(len(each) > 1 for each in verdicts):
            found[address] = {"active", "on_hold", ""}
        elif all(each == {"reject"} for each in verdicts):
            found[address] = {""}
        else:
            # Of the same person twice, a doubt in one of the rows keeps him back.
            found[address] = {"on_hold"} if {"hold"} in verdicts else {"active"}
    return found


def states(press: Press, addresses: Iterable[str]) -> dict[str, str]:
    """What holds for each of these addresses, and for any other in the store. Of who objected and
    was not known before only the hash is kept."""
    stopped = {bytes(row[0]) for row in press.rows("SELECT hash FROM suppressions")}
    rows = press.rows(
        "SELECT a.email, j.state FROM addresses a JOIN journalists j ON j.id = a.journalist"
    )
    known = {identity(email): str(state) for email, state in rows}
    return {
        each: "suppressed" if press.room.address_hash(each) in stopped else known.get(each, "")
        for each in {*addresses, *known}
    }


def story(press: Press, path: Path, truth: list[Truth]) -> dict[str, Any]:
    """Import it, import it again, undo both; what was counted."""
    press.people("before", ["desk@example.org"])
    room, before = press.room, standing(press.room)
    started = time.monotonic()
    first = import_file(room, path, list_name="messy", actor="anna")
    took = time.monotonic() - started
    assert sum(first.counts[key] for key in COUNTS) == first.rows == len(truth)

    wanted = expected(truth)
    found = states(press, wanted)
    wrong = {each: found[each] for each in wanted if found[each] not in wanted[each]}
    assert wrong == {}, {each: (wrong[each], wanted[each]) for each in list(wrong)[:10]}
    # A code page may lack letters of the name beside an address, and the address be whole.
    beside = sum(row.defect == "repairable_address+lost_in_encoding" for row in truth)
    others = found.keys() - wanted.keys() - {"desk@example.org"}
    assert len(others) <= beside, "an address nobody wrote"

    after = standing(room)
    second = import_file(room, path, list_name="messy", actor="anna")
    assert standing(room) == after
    assert second.counts["new"] == second.counts["changed"] == 0
    assert second.counts["rejected"] == first.counts["rejected"]

    events = press.rows("SELECT count(*) AS n FROM events")[0][0]
    kept = press.rows("SELECT hash, scope, reason FROM suppressions ORDER BY hash, scope")
    assert second.number is not None and first.number is not None
    undo_import(room, second.number, "anna")
    undo_import(room, first.number, "anna")
    assert standing(room) == before
    assert press.rows("SELECT count(*) AS n FROM events")[0][0] >= events
    assert press.rows("SELECT hash, scope, reason FROM suppressions ORDER BY hash, scope") == kept
    assert kept, "its objections stay"

    # Who objected stays out when the list comes again.
    import_file(room, path, list_name="messy", actor="anna")
    assert states(press, wanted) == found
    return {"seconds": round(took, 1), **first.counts, "addresses": len(found)}


COUNTS = ("new", "changed", "unchanged", "rejected", "suppressed", "on_hold")


@pytest.mark.parametrize(
    ("store_url", "dialect"),
    [*(("sqlite", dialect) for dialect in DIALECTS), ("postgresql", "utf16")],
    indirect=["store_url"],
)
def test_a_messy_list_comes_twice_and_is_taken_back(
    tmp_path: Path, store_url: str, dialect: str
) -> None:
    """E9, E12: every defect as it should be, twice the same, and undone as if it had never been;
    history and objections stay."""
    path, truth = make(tmp_path, ROWS, 11, dialect)
    with Press(tmp_path / "room", store_url) as press:
        story(press, path, truth)


def main(rows: int) -> None:
    """The same with many rows."""
    for dialect in DIALECTS:
        with tempfile.TemporaryDirectory() as folder:
            path, truth = make(Path(folder), rows, 7, dialect)
            url = f"sqlite:///{folder}/mailer.db"
            with Press(Path(folder) / "room", url) as press:
                print(dialect, story(press, path, truth), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
