"""Lists as real people keep them: every defect gets its right treatment, no row is lost."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path

import pytest
from mailer.audience.address import identity
from mailer.audience.lists import Row, read_list

from tests.audience.lists_of import Truth, make, samples

DIALECTS = {
    "utf8": ("utf-8", ","),
    "utf8-bom": ("utf-8-sig", ","),
    "excel-eu": ("cp1252", ";"),
    "excel-pl": ("cp1250", ";"),
    "utf16": ("utf-16", "\t"),
    "xlsx": ("utf-8", ""),
}
VERDICTS = {
    "invalid_address": {"reject"},
    "empty_address": {"reject"},
    "dup_conflict": {"objection"},
    "objected": {"objection"},
    "withdrawn": {"objection"},
    "removal_in_notes": {"hold"},
    "no_consent": {"hold"},
    "bought_list": {"hold"},
    # Ten cells lack the source; fifteen are more than the table has columns.
    "ragged_row": {"hold", "reject"},
}
WARNINGS = {
    "repairable_address": "address: ",
    "dup_space": "address: spaces",
    "mojibake_name": "garbled",
    "bad_timezone": "time zone",
    "bad_country": "country",
    "bad_language": "language",
    "header_injection": "line end",
}


@pytest.fixture(scope="module", params=DIALECTS)
def generated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[tuple[Row, Truth]]]:
    folder = tmp_path_factory.mktemp("lists")
    path, truth = make(folder, 3000, 7, request.param)
    reader = read_list(path)
    rows = list(reader)
    assert (reader.encoding, reader.delimiter) == DIALECTS[request.param]
    assert reader.missing == ()
    assert reader.bytes_read == reader.bytes_total == path.stat().st_size
    return request.param, list(zip(rows, truth, strict=True))


Generated = tuple[str, list[tuple[Row, Truth]]]


def test_every_row_is_there_with_its_number(generated: Generated) -> None:
    """E9: no row is dropped unsaid."""
    _, pairs = generated
    assert [row.number for row, _ in pairs] == [truth.row for _, truth in pairs]
    lines = [row.line for row, _ in pairs]
    assert lines == sorted(set(lines))


def test_every_address_is_the_meant_one(generated: Generated) -> None:
    """A28: canonical addresses agree with the truth, lost and invalid ones are rejected."""
    _, pairs = generated
    for row, truth in pairs:
        if truth.defect == "ragged_row" and row.verdict == "reject":
            continue
        got = identity(row.journalist.email) if row.journalist else ""
        assert got == (identity(truth.address) if truth.address else ""), row.cells


def test_every_defect_gets_its_verdict(generated: Generated) -> None:
    """E9: objections become suppressions, doubts are held, broken addresses rejected."""
    dialect, pairs = generated
    for row, truth in pairs:
        if "lost_in_encoding" in truth.defect:
            assert row.verdict == "reject"
        elif truth.defect == "ragged_row" and dialect == "xlsx" and row.verdict == "take":
            # Its cells have places, so nothing can have shifted: what is too much is told.
            assert "a cell to the right of the named columns was not read" in row.warnings
        else:
            assert row.verdict in VERDICTS.get(truth.defect, {"take"}), (truth.defect, row)
        assert bool(row.reasons) == (row.verdict != "take")


def test_what_is_doubtful_is_told(generated: Generated) -> None:
    """E7"""
    dialect, pairs = generated
    for row, truth in pairs:
        # What a code page cannot hold is a question mark before we see it.
        if truth.defect == "mojibake_name" and dialect.startswith("excel"):
            continue
        if wanted := WARNINGS.get(truth.defect):
            if row.verdict == "reject":
                continue
            assert any(wanted in warning for warning in row.warnings), (truth.defect, row)


def test_sound_rows_are_not_fussed_over(generated: Generated) -> None:
    """E9: a warning on a sound row would teach people to read none."""
    dialect, pairs = generated
    # What a code page cannot hold is lost before we see it, and told as that.
    sound = [
        row
        for row, truth in pairs
        if not truth.defect and not (dialect.startswith("excel") and "?" in "".join(row.cells))
    ]
    assert len(sound) > 1000
    noisy = [row for row in sound if row.warnings]
    # Only dates that can be read in two ways.
    assert all("month, day, year" in text for row in noisy for text in row.warnings), noisy[:3]
    assert len(noisy) < len(sound) * 0.02


def test_duplicates_are_one_mailbox(generated: Generated) -> None:
    """E9: capitals, spaces and forms of the domain make no second recipient."""
    _, pairs = generated
    by_number = {row.number: row for row, _ in pairs}
    seen = 0
    for row, truth in pairs:
        first = by_number[int(truth.of_row)].journalist if truth.of_row else None
        if first and row.journalist:
            assert identity(row.journalist.email) == identity(first.email)
            seen += 1
    assert seen > 30


def test_names_are_treated_as_the_defect_asks(generated: Generated) -> None:
    """E7, B11"""
    dialect, pairs = generated
    by_defect: dict[str, list[Row]] = defaultdict(list)
    for row, truth in pairs:
        # In a code page, names of another script are question marks before we see them.
        if row.journalist and not (dialect.startswith("excel") and "?" in "".join(row.cells[1:3])):
            by_defect[truth.defect].append(row)
    for row in by_defect["comma_name"]:
        assert row.journalist is not None
        assert f"{row.journalist.last_name}, {row.journalist.first_name}" == row.cells[2]
    for row in by_defect["caps_name"]:
        assert row.journalist is not None
        names = f"{row.journalist.first_name}|{row.journalist.last_name}"
        assert names == unicodedata.normalize("NFC", "|".join(row.cells[1:3]))
    for row in by_defect["full_name_in_last"]:
        assert row.journalist is not None
        assert (row.journalist.first_name, row.journalist.last_name) == ("", row.cells[2])
    for rows in by_defect.values():
        for row in rows:
            person = row.journalist
            assert person is not None
            for text in (person.first_name, person.last_name, person.outlet, person.source):
                assert "\n" not in text and "\r" not in text and "\x00" not in text
            assert "Bcc:" not in person.first_name and "Cc:" not in person.first_name
            assert "\u200b" not in person.last_name and "\ufeff" not in person.last_name
    assert by_defect["comma_name"] and by_defect["caps_name"]


def test_formulas_and_markup_are_stored_as_text(generated: Generated) -> None:
    """H18, B11: defusing is for the export, escaping for the page."""
    _, pairs = generated
    for row, truth in pairs:
        if truth.defect == "markup" and row.journalist:
            assert row.journalist.first_name == row.cells[1]
        if truth.defect == "formula" and row.journalist:
            assert row.journalist.outlet == row.cells[3].strip()
            assert row.journalist.notes == row.cells[12].strip()


def test_zones_fall_back_by_country(generated: Generated) -> None:
    """E7"""
    _, pairs = generated
    for row, truth in pairs:
        if row.journalist and truth.defect in ("no_timezone", "bad_timezone", "old_timezone"):
            known = row.journalist.country or truth.defect == "old_timezone"
            assert ("/" in row.journalist.timezone) == bool(known), row


def test_multiline_notes_are_one_record(generated: Generated) -> None:
    """E9"""
    _, pairs = generated
    notes = [r.journalist.notes for r, t in pairs if t.defect == "multiline_notes" and r.journalist]
    assert 'called 2023-04-11\nwants "background", not quotes' in notes
    assert "line one\nline two; three, four" in notes


@pytest.fixture(scope="module")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples(tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize(
    ("name", "rows", "missing"),
    [
        ("eu-affairs.csv", 40, ()),
        ("tech.csv", 42, ("outlet_type",)),
        ("poland.csv", 40, ()),
    ],
)
def test_the_three_sample_lists_are_understood(
    sample_folder: Path, name: str, rows: int, missing: tuple[str, ...]
) -> None:
    """E9: other headers, another order, another encoding, no option needed."""
    reader = read_list(sample_folder / name)
    found = list(reader)
    assert len(found) == rows
    assert reader.missing == missing
    assert sum(row.verdict == "take" for row in found) > rows * 0.75
    people = [row.journalist for row in found if row.journalist]
    assert sum(bool(person.country) for person in people) > len(people) * 0.95
    assert sum(bool(person.timezone) for person in people) > len(people) * 0.95
    assert sum(bool(person.beats) for person in people) > len(people) * 0.85
    assert sum(bool(person.last_name) for person in people) > len(people) * 0.85


def test_polish_headers_mean_what_they_say(sample_folder: Path) -> None:
    """E9: Nazwisko is the last name though it stands first."""
    reader = read_list(sample_folder / "poland.csv")
    assert reader.columns == {
        "last_name": "Nazwisko",
        "first_name": "Imię",
        "outlet": "Redakcja",
        "outlet_type": "Rodzaj",
        "email": "Adres e-mail",
        "beats": "Tematy",
        "country": "Kraj",
        "language": "Język",
        "timezone": "Strefa czasowa",
        "consent_basis": "Podstawa",
        "source": "Źródło",
        "source_date": "Data",
        "notes": "Uwagi",
    }
    first = next(iter(reader)).journalist
    reader.close()
    assert first is not None
    assert (first.first_name, first.last_name) == ("Paweł", "Pawłowski")
    assert first.outlet == "Głos Brzezinowa"


def test_one_column_of_names_is_divided(sample_folder: Path) -> None:
    """E9"""
    reader = read_list(sample_folder / "tech.csv")
    assert reader.columns["name"] == "Name"
    first = next(iter(reader)).journalist
    reader.close()
    assert first is not None
    assert (first.first_name, first.last_name) == ("Arjun", "Sharma")
    assert first.source_date == "2014-05-09"
