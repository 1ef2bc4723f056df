"""A list file as it comes to hand: columns remembered, origin asked for once, every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.distribution.context import Newsroom
from mailer.distribution.listfiles import Origin, origin_of, standard_input
from mailer.distribution.lists import ImportResult, export_list, import_file
from openpyxl import Workbook

from tests.distribution.room import make_config, open_room

HEADER = "Kontakt 1;Kontakt 2;Wer\n"
ROWS = "b@example.org;anna@example.org;Anna Nowak\nd@example.org;jan@example.org;Jan Kowalski\n"


@pytest.fixture
def room(store_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    with open_room(make_config(tmp_path / "newsroom", port=2525, store=store_url)) as room:
        yield room


def bring_in(room: Newsroom, name: str, text: str, **options: object) -> ImportResult:
    path = room.config.home / name
    path.write_text(text, "utf-8")
    options = {"actor": "anna", "source": "card", "list_name": "press", **options}
    return import_file(room, path, **options)  # type: ignore[arg-type]


def columns(result: ImportResult) -> dict[str, tuple[str, str]]:
    return {c["field"]: (c["column"], c["why"]) for c in result.columns if c["field"]}


def addresses(room: Newsroom) -> set[str]:
    rows = export_list(room, "press")
    next(rows)
    return {row[0] for row in rows}


def test_what_was_said_of_columns_is_remembered(room: Newsroom) -> None:
    """E9: for the same names in any order and case, told each time; a dry run keeps nothing."""
    said = {"email": "Kontakt 2", "name": "3"}
    dry = bring_in(room, "a.csv", HEADER + ROWS, mapping=said, dry_run=True)
    assert columns(dry) == {"email": ("Kontakt 2", "--map"), "name": ("Wer", "--map")}
    bring_in(room, "a.csv", HEADER + ROWS, mapping=said)
    turned = "WER;kontakt 2;Kontakt 1\nEwa Ek;ewa@example.org;x@example.org\n"
    result = bring_in(room, "b.csv", turned)
    assert {field: column for field, (column, _) in columns(result).items()} == {
        "email": "kontakt 2",
        "name": "WER",
    }
    assert columns(result)["email"][1].startswith("as for “a.csv”, ")
    (told,) = [text for text in result.warnings if "columns as" in text]
    assert told.startswith("columns as anna said for “a.csv” on ")
    assert addresses(room) == {"anna@example.org", "jan@example.org", "ewa@example.org"}


def test_what_is_said_now_counts_more_and_can_be_forgotten(room: Newsroom) -> None:
    """E9"""
    bring_in(room, "a.csv", HEADER + ROWS, mapping={"email": "Kontakt 2"})
    other = bring_in(room, "a.csv", HEADER + ROWS, mapping={"email": "Kontakt 1"})
    assert columns(other)["email"] == ("Kontakt 1", "--map")
    again = bring_in(room, "a.csv", HEADER + ROWS)
    assert columns(again)["email"][0] == "Kontakt 1"
    one = f"{HEADER};anna@example.org;A\n"
    fresh = bring_in(room, "c.csv", one, forget_map=True)
    assert columns(fresh)["email"] == ("Kontakt 2", "1 of its first 1 cells are addresses")
    last = bring_in(room, "c.csv", one)
    assert columns(last)["email"][1].endswith("are addresses")


def test_a_column_without_a_name_of_its_own_is_not_remembered(room: Newsroom) -> None:
    """E9: nothing is taken from a column because another file had it in that place."""
    text = "Feld;Feld\nx;anna@example.org\n"
    bring_in(room, "a.csv", text, mapping={"email": "2"})
    result = bring_in(room, "a.csv", text)
    assert columns(result)["email"][1] == "1 of its first 1 cells are addresses"


def test_the_result_tells_of_every_column(room: Newsroom) -> None:
    """E9: `columns` and `missing`, few of those that nobody uses."""
    wide = ";".join(["E-mail", *(f"Field {number}" for number in range(5000))])
    result = bring_in(room, "a.csv", f"{wide}\nanna@example.org\n")
    facts = result.as_json()
    assert facts["columns"][0] == {
        "number": 1,
        "column": "E-mail",
        "field": "email",
        "why": "its name",
    }
    assert len(facts["columns"]) == 41
    assert facts["missing"][0] == "first_name"
    assert (facts["format"], facts["place"], facts["header_lines"]) == ("csv", "", [1, 1])


def test_where_people_come_from_is_asked_once(room: Newsroom) -> None:
    """E9: only where neither the file nor the officer says it; without somebody to ask, defaults
    with warnings."""
    asked: list[str] = []

    def answer(file: str) -> Origin:
        asked.append(file)
        return origin_of("2 Impressum, May 2026")

    told = bring_in(room, "a.csv", "email\nanna@example.org\n", source="", question=answer)
    assert asked == ["a.csv"]
    assert not any("--source" in text or "--basis" in text for text in told.warnings)
    row = list(export_list(room, "press"))[1]
    assert row[9:11] == ["public_contact", "Impressum, May 2026"]
    bring_in(room, "b.csv", "email\njan@example.org\n", source="card", question=answer)
    bring_in(room, "c.csv", "email,source\nola@example.org,card\n", source="", question=answer)
    assert asked == ["a.csv"]
    quiet = bring_in(room, "d.csv", "email\newa@example.org\n", source="")
    assert sum("(--source" in text or "(--basis" in text for text in quiet.warnings) == 2


@pytest.mark.parametrize(
    ("answer", "origin"),
    [
        ("", Origin()),
        ("\n", Origin()),
        ("1", Origin("they signed up, or said that they want our mail", "opt_in")),
        ("3. Brussels 2025", Origin("Brussels 2025", "existing_relationship")),
        ("from Ewa's phone", Origin("from Ewa's phone", "")),
        ("9 lives", Origin("9 lives", "")),
    ],
)
def test_answers(answer: str, origin: Origin) -> None:
    """E9"""
    assert origin_of(answer) == origin


def test_who_was_bought_is_held(room: Newsroom) -> None:
    """E9: the answer does not open a way around the rule."""
    result = bring_in(
        room, "a.csv", "email\na@example.org\n", source="", question=lambda _: origin_of("4")
    )
    assert result.counts["on_hold"] == 1


def test_other_formats_come_in_by_the_same_door(room: Newsroom) -> None:
    """E9: a spreadsheet, cards and pasted text, each with its rejected rows in a file."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["E-mail", "Name"], ["anna@example.org", "Anna Nowak"], ["nobody", "Jan"]):
        sheet.append(row)
    book.save(room.config.home / "a.xlsx")
    first = import_file(
        room, room.config.home / "a.xlsx", list_name="press", source="card", actor="anna"
    )
    assert first.rejected_file is not None
    with Path(first.rejected_file).open(encoding="utf-8", newline="") as file:
        rejected = list(csv.reader(file))
    assert rejected == [
        ["line", "reason", "E-mail", "Name"],
        ["3", "address: there is no @ in the address", "nobody", "Jan"],
    ]
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ola Ek\nEMAIL:ola@example.org\nEND:VCARD\n"
    assert bring_in(room, "b.vcf", card).counts["new"] == 1
    with standard_input(io.BytesIO(b"Ewa Ek <ewa@example.org>\nhello\n")) as path:
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
        last = import_file(room, path, list_name="press", source="card", actor="anna")
    assert (last.counts["new"], last.counts["rejected"], last.file) == (1, 1, "pasted text")
    assert not path.exists()
    assert addresses(room) == {"anna@example.org", "ola@example.org", "ewa@example.org"}
