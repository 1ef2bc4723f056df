"""Visiting cards of all versions, and pasted text: one row for each address, none lost unsaid."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.audience.lists import Row, read_list

ORIGIN = {
    "default_source": "card",
    "default_source_date": "2026-01-02",
    "default_basis": "opt_in",
}


def read(folder: Path, text: str | bytes, name: str = "list.vcf") -> list[Row]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_list(path, **ORIGIN))


def card(version: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def test_cards_of_every_version(tmp_path: Path) -> None:
    """E9: quoted-printable with its charset, folded lines, groups, escapes, preferred values."""
    rows = read(
        tmp_path,
        card(
            "2.1",
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=81=C4=85cka;Anna=",
            "=20Maria",
            "ORG;CHARSET=windows-1250;ENCODING=QUOTED-PRINTABLE:Dzie=F1;Desk",
            "TEL;WORK;VOICE:+48 22 123 45 67",
            "EMAIL;INTERNET:home@example.org",
            "EMAIL;PREF;INTERNET:anna@example.org",
        )
        + card(
            "3.0",
            "FN:Jan Kowalski",
            "item1.EMAIL;TYPE=INTERNET,pref:jan@example.org",
            "item1.X-ABLabel:Work",
            "NOTE:a long ",
            " note\\nof two lines",
            "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 70,
            *[" " + "B" * 70 for _ in range(20)],
            "ADR;TYPE=work:;;Rue 1;Brussels;;1000;Belgium",
        )
        + card(
            "4.0",
            "FN:Ola Example",
            "EMAIL;PREF=2:second@example.org",
            "EMAIL;PREF=1:ola@example.org",
            "LANG:fr",
            "TZ:Europe/Paris",
            "CATEGORIES:eu,foreign\\, policy,* myContacts",
            "TEL;VALUE=uri:tel:+33-1-23",
        ),
    )
    people = [row.journalist for row in rows]
    assert all(row.verdict == "take" for row in rows)
    anna, jan, ola = people
    assert anna is not None and jan is not None and ola is not None
    assert (anna.email, anna.first_name, anna.last_name, anna.outlet) == (
        "anna@example.org",
        "Anna Maria",
        "Łącka",
        "Dzień",
    )
    assert anna.phone == "+48 22 123 45 67"
    assert "home@example.org" in rows[0].warnings[0]
    assert (jan.email, jan.last_name, jan.country) == ("jan@example.org", "Kowalski", "BE")
    assert jan.notes == "a long note\nof two lines"
    assert (ola.email, ola.language, ola.timezone) == ("ola@example.org", "fr", "Europe/Paris")
    assert ola.beats == ("eu", "foreign, policy")
    assert ola.phone == "+33-1-23"


def test_a_broken_card_costs_only_itself(tmp_path: Path) -> None:
    """E9: each stands with its line and what is wrong."""
    rows = read(
        tmp_path,
        card("3.0", "FN:No Address")
        + "stray words\r\n"
        + card("3.0", "FN:Odd", "a line of nothing", "EMAIL:odd@example.org")
        + card("4.0", "KIND:group", "FN:All", "EMAIL:all@example.org")
        + "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Open\r\nEMAIL:open@example.org\r\n"
        + card("3.0", "FN:Bad", "EMAIL:bad@@example.org")
        + card("3.0", "FN:Last", "EMAIL:last@example.org"),
    )
    assert [(row.verdict, row.line) for row in rows] == [
        ("reject", 1),
        ("reject", 5),
        ("take", 6),
        ("reject", 12),
        ("take", 18),
        ("reject", 22),
        ("take", 27),
    ]
    assert rows[0].reasons == ("there is no address on the card",)
    assert rows[1].reasons == ("this line stands outside of any card",)
    assert rows[2].warnings == ("card: a line of it could not be read",)
    assert rows[3].reasons == ("this is the card of a group, not of a person",)
    assert rows[4].warnings == ("card: its end is missing",)
    assert rows[5].reasons == ("address: there is more than one @",)


@pytest.mark.parametrize(
    "text",
    [
        card("3.0", "FN:x", "EMAIL;ENCODING=b:!!!"),
        card("2.1", "N;CHARSET=klingon;ENCODING=QUOTED-PRINTABLE:=ZZ", "EMAIL:a@example.org"),
        card("3.0", "N", "EMAIL"),
        "BEGIN:VCARD\n" * 50,
        "BEGIN:VCARD\nEND:VCARD\n",
        card("3.0", *["NOTE:" + "x" * 1000] * 400),
        card("2.1", "AGENT:", "BEGIN:VCARD", "EMAIL:b@example.org", "END:VCARD", "EMAIL:a@b.test"),
    ],
)
def test_odd_cards_are_rows_or_reasons(tmp_path: Path, text: str) -> None:
    """E9, H14"""
    for row in read(tmp_path, text):
        assert row.journalist or row.reasons


def test_pasted_lines(tmp_path: Path) -> None:
    """E9: name and outlet where a line looks like that, notes for the rest, each line accounted."""
    rows = read(
        tmp_path,
        "\n".join(
            [
                "Anna Nowak, Daily X <anna@example.org>",
                '"Nowak, Jan" <jan@example.org>; Ola Ek (Radio Y) <ola@example.org>',
                "",
                "kim@example.org, lee@example.org",
                "1. Łącka – Reuters – lacka@example.org – +48 22 123 45 67",
                "please write to press@example.org",
                "nobody here",
                "x@@example.org",
                "Kowalska, Ewa ewa.kowalska@example.org",
            ]
        ),
        "pasted.txt",
    )
    taken = [
        (p.email.partition("@")[0], p.first_name, p.last_name, p.outlet)
        for row in rows
        if (p := row.journalist)
    ]
    assert taken == [
        ("anna", "Anna", "Nowak", "Daily X"),
        ("jan", "Jan", "Nowak", ""),
        ("ola", "Ola", "Ek", "Radio Y"),
        ("kim", "", "", ""),
        ("lee", "", "", ""),
        ("lacka", "", "Łącka", "Reuters"),
        ("press", "", "", ""),
        ("ewa.kowalska", "Ewa", "Kowalska", ""),
    ]
    assert rows[5].journalist is not None
    assert rows[5].journalist.phone == "+48 22 123 45 67"
    assert rows[6].journalist is not None
    assert rows[6].journalist.notes == "please write to"
    refused = [(row.line, row.reasons, row.cells) for row in rows if row.verdict == "reject"]
    assert [(line, reasons) for line, reasons, _ in refused] == [
        (7, ("there is no address in this line",)),
        (8, ("address: there is more than one @",)),
    ]
    assert refused[0][2] == ("nobody here",)


@pytest.mark.parametrize(
    "line",
    ["x" * 900_000, " " * 900_000 + "a@example.org", "<" + "@" * 900_000, "(" * 900_000 + "a@b.c"],
)
@pytest.mark.parametrize("name", ["list.txt", "list.vcf"])
def test_a_line_costs_no_more_than_its_length(tmp_path: Path, line: str, name: str) -> None:
    """H14: no line of a million letters holds the import up."""
    text = card("3.0", f"NOTE:{line[:250_000]}", "EMAIL:a@example.org") if "vcf" in name else line
    began = time.process_time()
    rows = read(tmp_path, text, name)
    assert rows and all(row.journalist or row.reasons for row in rows)
    assert time.process_time() - began < 5


@settings(max_examples=80, deadline=None)
@given(
    st.text(alphabet='ab@.,;:<>()"=\n\r\t -+1éж', max_size=60) | st.text(max_size=40),
    st.sampled_from(["list.txt", "list.vcf"]),
)
def test_any_text_is_rows_or_reasons(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    """E9, H14: whatever stands between two good ones, both are found, and nothing else ends it."""
    folder = tmp_path_factory.mktemp("any")
    if name == "list.vcf":
        good = [card("3.0", f"EMAIL:{who}@example.org") for who in ("first", "last")]
        data = f"{good[0]}{text}\r\n{good[1]}"
    else:
        data = f"first@example.org\n{text}\nlast@example.org\n"
    path = folder / name
    path.write_bytes(data.encode("utf-8", "replace"))
    rows = list(read_list(path, **ORIGIN))
    taken = {row.journalist.email for row in rows if row.journalist}
    assert {"first@example.org", "last@example.org"} <= taken
    assert all(row.journalist or row.reasons for row in rows)


def test_text_with_column_names_is_a_table(tmp_path: Path) -> None:
    """E9"""
    (row,) = read(tmp_path, "E-mail;Nachname\nanna@example.org;Nowak\n", "list.txt")
    assert row.journalist is not None
    assert row.journalist.last_name == "Nowak"
