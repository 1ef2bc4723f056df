"""Spreadsheets as people keep them: formulas, merged headers, several sheets, and hostile ones."""

from __future__ import annotations

import datetime
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mailer.audience.lists import ListReader, Row, read_list
from mailer.errors import InputError
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

ORIGIN = {
    "default_source": "card",
    "default_source_date": "2026-01-02",
    "default_basis": "opt_in",
}


def book(path: Path, *sheets: tuple[str, Sequence[Sequence[object]]]) -> Path:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets:
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    made.save(path)
    return path


def read(path: Path, **options: object) -> tuple[ListReader, list[Row]]:
    reader = read_list(path, **ORIGIN, **options)  # type: ignore[arg-type]
    return reader, list(reader)


def refused(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(path, **options)
    return str(caught.value).removeprefix(f"{path.parent}/")


def changed(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The file with one part of it changed, as other programs would write it."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


def test_values_are_what_a_person_sees(tmp_path: Path) -> None:
    """E9: dates, numbers and switches come as one would type them."""
    path = book(
        tmp_path / "list.xlsx",
        (
            "Press",
            [
                ["Email", "Name", "Phone", "Added", "Basis", "Notes"],
                ["a@example.org", "Anna Nowak", 48221234567, datetime.date(2020, 1, 2), True, 1.5],
            ],
        ),
    )
    reader, (row,) = read(path)
    person = row.journalist
    assert person is not None
    assert (person.first_name, person.phone, person.source_date) == (
        "Anna",
        "48221234567",
        "2020-01-02",
    )
    assert (person.consent_basis, person.notes) == ("opt_in", "1.5")
    assert (reader.format, reader.place, row.line) == ("xlsx", "sheet “Press”", 2)


def test_strings_of_the_workbook(tmp_path: Path) -> None:
    """E9: as Excel itself writes them, in a table, some of them in several colours."""
    path = book(tmp_path / "list.xlsx", ("Press", [["Email", "Name"], ["x", "y"], ["x", "y"]]))
    texts = ["Email", "Name", "x", "y"]

    def refer(xml: bytes) -> bytes:
        for number, text in enumerate(texts):
            old = f't="inlineStr"><is><t>{text}</t></is>'
            xml = xml.replace(old.encode(), f't="s"><v>{number}</v>'.encode())
        return xml

    changed(path, "xl/worksheets/sheet1.xml", refer)
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<si><t>Email</t></si><si><t>Name</t></si>"
        "<si><r><t>anna</t></r><r><t>@example.org</t></r></si><si><t>Łącka, Anna</t></si></sst>"
    )
    changed(path, "xl/sharedStrings.xml", lambda _: strings.encode())
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    changed(path, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", part.encode()))
    _, rows = read(path)
    assert [row.cells for row in rows] == [("anna@example.org", "Łącka, Anna")] * 2


def test_formulas_count_by_their_result(tmp_path: Path) -> None:
    """E9: a saved result is read, a missing one or an error is told with what to do."""
    path = book(
        tmp_path / "list.xlsx",
        (
            "Press",
            [
                ["Email", "First name", "Outlet"],
                ['=B2&"@example.org"', "anna", "=1/0"],
                ['=B3&"@example.org"', "jan", "Daily"],
                ["ola@example.org", "=A4", "Daily"],
            ],
        ),
    )
    changed(
        path,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(
            b'<c r="A2"><f>B2&amp;"@example.org"</f><v></v></c>',
            b'<c r="A2" t="str"><f>B2&amp;"@example.org"</f><v>anna@example.org</v></c>',
        ).replace(
            b'<c r="C2"><f>1/0</f><v></v></c>', b'<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
        ),
    )
    _, rows = read(path)
    assert [row.verdict for row in rows] == ["take", "reject", "take"]
    assert rows[0].journalist is not None
    assert (rows[0].journalist.email, rows[0].journalist.outlet) == ("anna@example.org", "")
    assert rows[0].warnings == ("outlet: the spreadsheet shows the error #DIV/0! in it",)
    why = "it holds a formula whose result was not saved"
    assert rows[1].reasons[0].startswith(f"address: {why}")
    assert rows[2].warnings[0].startswith(f"first name: {why}")


def test_merged_cells_and_three_rows_of_header(tmp_path: Path) -> None:
    """E9: titles above are passed over; a column is known by the lowest name that says something,
    or by it and the merged one above."""
    path = tmp_path / "list.xlsx"
    made = Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["Press list of the office"])
    sheet.append([])
    sheet.append(["Person", None, None, "Outlet", None, "E-mail"])
    sheet.append(["Name", None, "Phone", "Title", "Media", None])
    sheet.append(["given", "family", None, None, "type", None])
    sheet.append(["Anna", "Nowak", "+48 22 123 45 67", "Daily X", "daily", "anna@example.org"])
    sheet.append([None, "Kowalski", None, None, None, None])
    for area in ("A1:F1", "A3:C3", "D3:E3", "A4:B4", "F3:F5", "C4:C5", "D4:D5"):
        sheet.merge_cells(area)
    made.save(path)
    reader, rows = read(path)
    assert reader.header_lines == (3, 5)
    assert reader.columns["email"] == "E-mail"
    first, last = rows
    person = first.journalist
    assert person is not None
    assert (person.first_name, person.last_name) == ("Anna", "Nowak")
    assert (person.outlet, person.outlet_type) == ("Daily X", "daily")
    assert person.phone == "+48 22 123 45 67"
    assert (last.verdict, last.line) == ("reject", 7)


def test_the_sheet_with_addresses_is_read_and_said(tmp_path: Path) -> None:
    """E9: hidden sheets are not chosen, another one can be named."""
    path = book(
        tmp_path / "list.xlsx",
        ("Read me", [["How to use this file"]]),
        ("Press", [["Email"], ["anna@example.org"]]),
        ("Radio", [["Email"], ["jan@example.org"]]),
    )
    reader, rows = read(path)
    assert reader.place == "sheet “Press”"
    assert reader.remarks == (
        "the sheet “Press” was read, not “Radio” (--sheet NAME reads another)",
    )
    assert rows[0].cells == ("anna@example.org",)
    assert read(path, sheet="radio")[1][0].cells == ("jan@example.org",)
    assert refused(path, sheet="TV") == (
        "list.xlsx: there is no sheet “TV”; the sheets are “Read me”, “Press”, “Radio”. "
        "Give --sheet one of these names."
    )
    table = tmp_path / "list.csv"
    table.write_text("Email\nanna@example.org\n")
    assert refused(table, sheet="TV").endswith("Leave --sheet out.")


def test_five_thousand_columns(tmp_path: Path) -> None:
    """E9: columns nobody asked for cost nothing; what stands beyond the named ones is told."""
    header = [f"Field {number}" for number in range(5000)]
    header[4321] = "E-mail"
    cells: list[object] = [None] * 5000
    cells[4321] = "anna@example.org"
    path = book(tmp_path / "list.xlsx", ("Press", [header, cells, [*cells, "stray"]]))
    reader, rows = read(path)
    assert reader.columns == {"email": "E-mail"}
    assert [row.verdict for row in rows] == ["take", "take"]
    assert rows[1].warnings == ("a cell to the right of the named columns was not read",)
    assert "Field 38” …" in refused(
        book(tmp_path / "none.xlsx", ("Press", [["Field 1", *header[:4000]], ["x"]])),
        mapping={"email": "Mail"},
    )


def ole(*names: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"".join(n.encode("utf-16-le") for n in names)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ole("Workbook"), "this is a file of Excel's old kind (.xls)"),
        (ole("EncryptedPackage"), "this spreadsheet is locked with a password"),
        (b"PK\x03\x04" + b"x" * 90, "this packed file is damaged"),
    ],
)
def test_old_locked_and_damaged_files_are_refused(
    tmp_path: Path, data: bytes, message: str
) -> None:
    """E9: what it is and what to do, in a sentence."""
    path = tmp_path / "list.xlsx"
    path.write_bytes(data)
    assert refused(path).startswith(f"list.xlsx: {message}")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["xl/workbook.bin"], "this is a binary spreadsheet (.xlsb)"),
        (["mimetype", "content.xml"], "this is an OpenDocument file"),
        (["word/document.xml"], "this is a Word document"),
        (["a.csv"], "this is a packed file"),
        (["xl/workbook.xml"], "this spreadsheet is damaged"),
    ],
)
def test_other_packed_files_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    """E9"""
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "<nothing/>")
    assert refused(path).startswith(f"list.xlsx: {message}")


def test_what_unpacks_to_too_much_is_not_opened(tmp_path: Path) -> None:
    """E9: a bomb is told by what its parts say of themselves, before any is unpacked."""
    path = book(tmp_path / "list.xlsx", ("Press", [["Email"], ["anna@example.org"]]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/bomb.xml", b" " * (65 << 20))
    assert refused(path).startswith("list.xlsx: this file unpacks to far more than a list")


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml[: len(xml) // 2],
        lambda xml: xml.replace(b'r="2"', b'r="99999999999"'),
        lambda xml: xml.replace(b'r="A2"', b'r="ZZZZZ2"'),
        lambda xml: xml.replace(
            b't="inlineStr"><is><t>anna@example.org</t></is>', b't="s"><v>77</v>'
        ),
        lambda xml: xml.replace(
            b"<worksheet",
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet',
        ).replace(b"<t>anna@", b"<t>&b;@"),
    ],
)
def test_broken_sheets_are_refused_not_a_crash(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """E9, H14: any fault inside is one sentence with the place."""
    path = book(
        tmp_path / "list.xlsx", ("Press", [["Email"], *[["anna@example.org"] for _ in range(99)]])
    )
    changed(path, "xl/worksheets/sheet1.xml", change)
    assert "this spreadsheet is damaged" in refused(path)


def test_memory_is_flat(tmp_path: Path) -> None:
    """E9: rows are let go of, and strings stand in a file."""
    path = tmp_path / "list.xlsx"

    def peak(count: int) -> int:
        made = Workbook(write_only=True)
        sheet = made.create_sheet("Press")
        sheet.append(["Email", "Notes"])
        for number in range(count):
            sheet.append([f"a{number}@example.org", f"{number} {'x' * 400}"])
        made.save(path)
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_list(path)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(50)
    few = peak(300)
    assert peak(2000) < few + 600_000
