"""Files as programs write them and as they break: read, or refused with a way out."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.audience.lists import Row, read_list
from mailer.errors import InputError, UsageError

HEADER = "email,first_name,last_name,consent_basis,source,notes"
GOOD = "anna@example.org,Anna,Nowak,opt_in,business card,"


def read(folder: Path, data: bytes | str, **options: object) -> list[Row]:
    path = folder / "list.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read_list(path, **options))  # type: ignore[arg-type]


def refused(folder: Path, data: bytes | str, **options: object) -> str:
    with pytest.raises((InputError, UsageError)) as caught:
        read(folder, data, **options)
    # A field that mailer does not know is wrong usage, whatever the file.
    assert caught.value.exit_code == (2 if "no field" in str(caught.value) else 4)
    return str(caught.value).replace(f"{folder}/", "")


# Encodings and delimiters


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1250", "cp1250"),
        ("iso-8859-2", "iso-8859-2"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_polish_lists_in_every_encoding(
    tmp_path: Path, encoding: str, found: str, delimiter: str, line_end: str
) -> None:
    """E9: nobody is asked how the file was saved."""
    cells = [
        ["Adres e-mail", "Imię", "Nazwisko", "Podstawa", "Źródło"],
        ["lukasz@example.org", "Łukasz", "Wiśniewski", "zgoda", "wizytówka"],
        ["zaneta@example.org", "Żaneta", "Brzęczyszczykiewicz-Łącka", "zgoda", "wizytówka"],
    ]
    text = "".join(delimiter.join(row) + line_end for row in cells)
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    reader = read_list(path)
    rows = list(reader)
    assert (reader.encoding, reader.delimiter) == (found, delimiter)
    assert [row.verdict for row in rows] == ["take", "take"]
    assert rows[0].journalist is not None and rows[1].journalist is not None
    assert rows[0].journalist.first_name == "Łukasz"
    assert rows[1].journalist.last_name == "Brzęczyszczykiewicz-Łącka"
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["Hélène Lefèvre", "Søren Kjær", "Jörg Müller", "Begoña Muñoz", "João Simões"]),
        ("cp1250", ["Kateřina Dvořáková", "Zdeněk Růžička", "Őzséb Szűcs", "Đurđica Šimić"]),
        ("cp1251", ["Иван Петров", "Ольга Щербакова", "Юлія Їжакевич"]),
    ],
)
def test_code_pages_are_told_apart_by_what_reads_like_words(
    tmp_path: Path, encoding: str, names: list[str]
) -> None:
    """E9"""
    lines = [f"a{n}@example.org;{name};opt_in;card" for n, name in enumerate(names)]
    text = "\r\n".join(["email;name;basis;source", *lines])
    rows = read(tmp_path, text.encode(encoding))
    people = [row.journalist for row in rows if row.journalist]
    assert [f"{person.first_name} {person.last_name}" for person in people] == names


def test_letters_lost_in_a_code_page_make_no_address(tmp_path: Path) -> None:
    """A29: an address with a question mark for a letter is somebody else's or nobody's."""
    text = "email;name;basis;source\r\n?ukasz@example.org;Jörg Müller;opt_in;card\r\n"
    (row,) = read(tmp_path, text.encode("cp1252"))
    assert row.verdict == "reject"
    assert row.reasons == ("address: a letter was lost when the file was saved (it is “?” now)",)
    (row,) = read(tmp_path, f"{HEADER}\n?ukasz@example.org,Łukasz,Nowak,opt_in,card,\n")
    assert row.verdict == "hold"


def test_broken_letters_in_utf8_do_not_spoil_the_rest(tmp_path: Path) -> None:
    """E9: one cut letter among many whole ones leaves the file UTF-8."""
    lines = [f"a{n}@example.org,Żaneta,Łącka,opt_in,card,".encode() for n in range(50)]
    lines[20] = b"a20@example.org,\xc5aneta,Nowak,opt_in,card,"
    rows = read(tmp_path, b"\n".join([HEADER.encode(), *lines]))
    assert len(rows) == 50
    assert rows[21].journalist is not None and rows[20].journalist is not None
    assert rows[21].journalist.last_name == "Łącka"
    assert rows[20].warnings == ("the name “\ufffdaneta” looks garbled by a wrong encoding",)


def test_excel_s_own_line_says_the_delimiter(tmp_path: Path) -> None:
    """E9"""
    (row,) = read(tmp_path, "sep=;\r\nemail;basis;source\r\nanna@example.org;opt_in;card, blue\r\n")
    assert row.journalist is not None
    assert row.journalist.source == "card, blue"
    assert (row.number, row.line) == (1, 3)


def test_titles_above_the_header_are_passed_over(tmp_path: Path) -> None:
    """E9"""
    (row,) = read(tmp_path, f"Our press list,,,,,\n\n{HEADER}\n{GOOD}\n")
    assert row.verdict == "take"
    assert (row.number, row.line) == (1, 4)


# Records


def test_lines_and_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    """E9: the officer finds the row again; blank lines and empty rows are no records to report."""
    notes = 'b@example.org,B,B,opt_in,card,"one\ntwo ""quoted"", three"'
    rows = read(tmp_path, f"{HEADER}\n{GOOD}\n\n{notes}\n,,,,,\nc@example.org,C,C,opt_in,card,\n")
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 4), (4, 7)]
    assert rows[1].journalist is not None
    assert rows[1].journalist.notes == 'one\ntwo "quoted", three'


@pytest.mark.parametrize("last", ["", 'z@example.org,"Z",Z,opt_in,card,\n'])
def test_an_open_quotation_mark_costs_its_own_line_only(tmp_path: Path, last: str) -> None:
    """E9: no row is swallowed by the one before."""
    lines = [f"a{n}@example.org,A,A,opt_in,card," for n in range(1000)]
    lines[3] = 'a3@example.org,A,"A,opt_in,card,'
    rows = read(tmp_path, "\n".join([HEADER, *lines]) + "\n" + last)
    assert len(rows) == 1000 + bool(last)
    bad = [row for row in rows if row.verdict != "take"]
    assert [(row.line, row.verdict, row.reasons) for row in bad] == [
        (5, "reject", ("a quotation mark is opened and never closed",))
    ]


def test_two_open_quotation_marks_do_not_make_one_cell_of_what_is_between(tmp_path: Path) -> None:
    """E9: the second closes the first, and every row between would be inside one cell."""
    lines = [f"a{n}@example.org,A,A,opt_in,card," for n in range(20)]
    lines[3] += '"'
    lines[9] += '"'
    rows = read(tmp_path, "\n".join([HEADER, *lines]) + "\n")
    assert [row.line for row in rows] == list(range(2, 22))
    assert [row.line for row in rows if row.verdict == "reject"] == [5, 11]


def test_quotation_marks_in_odd_places_are_read(tmp_path: Path) -> None:
    """E9"""
    (row,) = read(
        tmp_path, f'{HEADER}\nanna@example.org,"Anna "Ania"",Nowak,opt_in,card,5\'10" tall\n'
    )
    assert row.verdict == "take"
    assert row.journalist is not None
    assert row.journalist.last_name == "Nowak"
    assert row.journalist.notes == "5'10\" tall"


def test_rows_of_another_width_never_shift(tmp_path: Path) -> None:
    """E9: too many cells are refused unless empty, too few are what they are."""
    short = "anna@example.org,Anna,Nowak,opt_in"
    longer = "anna@example.org,Anna,Nowak,opt_in,card,,extra"
    empty = "anna@example.org,Anna,Nowak,opt_in,card,,,,"
    one, two, three = read(tmp_path, f"{HEADER}\n{short}\n{longer}\n{empty}\n")
    assert (one.verdict, one.reasons) == ("hold", ("no source is given",))
    assert one.warnings == ("4 cells in a table of 6 columns",)
    assert (two.verdict, two.reasons) == ("reject", ("7 cells in a table of 6 columns",))
    assert three.verdict == "take"
    assert two.cells == tuple(longer.split(","))


def test_nul_bytes_are_taken_out(tmp_path: Path) -> None:
    """B11"""
    one, two = read(
        tmp_path, f"{HEADER}\nanna@example.org,An\0na,Nowak,opt_in,card,\nan\0na@example.org,,,,,\n"
    )
    assert one.journalist is not None
    assert one.journalist.first_name == "Anna"
    assert two.verdict == "reject"


def test_overlong_cells_and_lines_are_refused(tmp_path: Path) -> None:
    """E9: the row after them is read."""
    text = f"{HEADER}\nb@example.org,B,B,opt_in,card,{{}}\n{GOOD}\n"
    rows = read(tmp_path, text.format("x" * 200_000))
    assert [row.verdict for row in rows] == ["reject", "take"]
    rows = read(tmp_path, text.format("x" * 5_000_000))
    assert [row.verdict for row in rows] == ["reject", "take"]
    assert rows[0].reasons == ("the line is too long",)
    assert len(rows[0].cells[0]) <= 1000


def test_memory_is_flat(tmp_path: Path) -> None:
    """E9: a list is never held as a whole."""
    path = tmp_path / "list.csv"

    def peak(count: int) -> int:
        with path.open("w") as file:
            file.write(f"{HEADER}\n")
            for number in range(count):
                file.write(f"a{number}@example.org,Anna,Nowak,opt_in,card,{'x' * 3000}\n")
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_list(path)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    few = peak(800)
    assert peak(3000) < few + 500_000


# Headers and --map


@pytest.mark.parametrize(
    "header",
    [
        "E-Mail-Adresse;Vorname;Nachname;Rechtsgrundlage;Quelle",
        "Adresse e-mail;Prénom;Nom;Base légale;Origine",
        "CORREO ELECTRÓNICO;Nombre;Apellidos;Base jurídica;Fuente",
        "indirizzo_email;Nome;Cognome;Consenso;Fonte",
        "adres e-mail;imię;nazwisko;podstawa prawna;źródło",
        "E-mailadres;Voornaam;Achternaam;Grondslag;Bron",
        "Endereço de e-mail;Primeiro nome;Apelido;Consentimento;Origem",
        "E-mailová adresa;Jméno;Příjmení;Souhlas;Zdroj",
        "Електронна пошта;Ім'я;Прізвище;Підстава;Джерело",
        "Электронная почта;Имя;Фамилия;Согласие;Источник",
        "EMAIL_ADDRESS;first-name;Surname;Legal basis;From where",
        "E-mail:;First Name ; Last  Name;consentBasis;SOURCE",
    ],
)
def test_headers_in_many_languages(tmp_path: Path, header: str) -> None:
    """E9"""
    (row,) = read(tmp_path, f"{header}\nanna@example.org;Anna;Nowak;opt-in;card\n".encode())
    assert row.verdict == "take"
    person = row.journalist
    assert person is not None
    assert (person.first_name, person.last_name) == ("Anna", "Nowak")
    assert (person.consent_basis, person.source) == ("opt_in", "card")


def test_columns_can_be_named_by_hand(tmp_path: Path) -> None:
    """E9: --map takes a column's name or number, and settles which of two is meant."""
    data = (
        "Kontakt 1;Kontakt 2;Wer;Basis;Quelle\nprivate;anna@example.org;Nowak, Anna;opt_in;card\n"
    )
    path = tmp_path / "list.csv"
    path.write_text(data)
    for mapping in ({"email": "Kontakt 2", "name": "Wer"}, {"email": "2", "name": "3"}):
        reader = read_list(path, mapping=mapping)
        (row,) = list(reader)
        assert reader.columns["email"] == "Kontakt 2"
        assert row.journalist is not None
        assert row.journalist.first_name == "Anna"
    twice = "Email,E-mail,Basis,Source\nold@example.org,anna@example.org,opt_in,card\n"
    (row,) = read(tmp_path, twice, mapping={"email": "E-mail"})
    assert row.journalist is not None
    assert row.journalist.email == "anna@example.org"


def test_a_name_beside_a_surname_is_the_first_name(tmp_path: Path) -> None:
    """E9"""
    (row,) = read(tmp_path, "email,name,surname,basis,source\na@example.org,Anna,Nowak,opt_in,x\n")
    assert row.journalist is not None
    assert (row.journalist.first_name, row.journalist.last_name) == ("Anna", "Nowak")


@pytest.mark.parametrize(
    ("data", "mapping", "message"),
    [
        (
            "Contact,Phone\nanna,1\n",
            {"email": "Mail"},
            "list.csv, line 1: there is no column “Mail”; the columns are “Contact”, “Phone”. "
            "Give --map a name from the header, or the column's number.",
        ),
        (
            "Contact,Phone\nanna,1\n",
            {},
            "list.csv, line 1: no column of addresses was found; the columns are “Contact”, "
            "“Phone”. Say which one it is with --map email=COLUMN.",
        ),
        (
            "anna@example.org,jan@example.org\nola@example.org,piotr@example.org\n",
            {},
            "list.csv, line 1: two columns hold addresses: column 1 and column 2. "
            "Say which one with --map email=COLUMN (its number, 1 or 2).",
        ),
        (
            "Email,Mail,Name\na@example.org,b@example.org,Anna\n",
            {},
            "list.csv, line 1: two columns hold the field email: “Email” and “Mail”. "
            "Say which one with --map email=COLUMN (its name or its number, 1 or 2).",
        ),
        (
            "Email,Email\na@example.org,b@example.org\n",
            {"email": "Email"},
            "list.csv, line 1: more than one column is called “Email”. "
            "Give its number to --map: 1 or 2.",
        ),
        (
            "Email,Name\na@example.org,Anna\n",
            {"telex": "Name"},
            "--map: there is no field “telex”. The fields are email, first_name, last_name, "
            "outlet, outlet_type, beats, country, language, timezone, consent_basis, source, "
            "source_date, notes, phone, name.",
        ),
        (
            "Email,Name\na@example.org,Anna\n",
            {"outlet": "Name", "notes": "2"},
            "--map: the column “2” cannot hold both outlet and notes. "
            "Name another column for one of them.",
        ),
        ("", {}, "list.csv: the file is empty."),
        ("\ufeff\r\n \r\n", {}, "list.csv: the file is empty."),
    ],
)
def test_headers_that_leave_a_doubt_are_refused(
    tmp_path: Path, data: str, mapping: dict[str, str], message: str
) -> None:
    """E9: what was seen and how to go on, in one sentence each."""
    assert refused(tmp_path, data, mapping=mapping) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"PK\x03\x04" + b"x" * 100,
            "list.csv: this packed file is damaged. Fetch or save it again.",
        ),
        (
            b"%PDF-1.7",
            "list.csv: this is a PDF, not a CSV file. "
            "Save the table as CSV (UTF-8) and import that file.",
        ),
        (
            bytes(range(256)) * 20,
            "list.csv: this is no text file. Save the table as CSV (UTF-8) and import that file.",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    """E9"""
    assert refused(tmp_path, data) == message


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """E9"""
    with pytest.raises(InputError) as caught:
        read_list(tmp_path / "missing.csv")
    assert str(caught.value).endswith(
        "missing.csv: the file cannot be read: no such file or directory."
    )
    with pytest.raises(InputError) as caught:
        read_list(tmp_path)
    assert str(caught.value).endswith("the file cannot be read: is a directory.")


# Basis, source, wishes


@pytest.mark.parametrize(
    ("text", "basis"),
    [
        ("legitimate_interest", "legitimate_interest"),
        ("Legitimate Interest", "legitimate_interest"),
        ("prawnie uzasadniony interes", "legitimate_interest"),
        ("berechtigtes Interesse", "legitimate_interest"),
        ("intérêt légitime", "legitimate_interest"),
        ("public contact", "public_contact"),
        ("Opt-In", "opt_in"),
        ("zgoda", "opt_in"),
        ("Einwilligung", "opt_in"),
        ("yes", "opt_in"),
        ("existing relationship", "existing_relationship"),
    ],
)
def test_bases_have_one_spelling(tmp_path: Path, text: str, basis: str) -> None:
    """E7"""
    (row,) = read(tmp_path, f"{HEADER}\nanna@example.org,,,{text},card,\n")
    assert row.verdict == "take"
    assert row.journalist is not None
    assert row.journalist.consent_basis == basis


@pytest.mark.parametrize(
    ("text", "basis"),
    [
        ("objected", "objected"),
        ("OBJECTED", "objected"),
        ("opt_out", "objected"),
        ("do not mail", "objected"),
        ("Do not contact.", "objected"),
        ("unsubscribed", "objected"),
        ("Widerspruch", "objected"),
        ("sprzeciw", "objected"),
        ("désabonné", "objected"),
        ("withdrawn", "withdrawn"),
        ("consent withdrawn", "withdrawn"),
        ("widerrufen", "withdrawn"),
        ("wycofana", "withdrawn"),
        ("отозвано", "withdrawn"),
    ],
)
def test_who_said_no_is_an_objection(tmp_path: Path, text: str, basis: str) -> None:
    """E9, E10: it is absolute, and kept as a suppression with the address."""
    (row,) = read(tmp_path, f"{HEADER}\n<anna@Example.org>,,,{text},bought list,\n")
    assert row.verdict == "objection"
    assert row.journalist is not None
    assert row.journalist.email == "anna@example.org"
    assert row.journalist.consent_basis == basis
    assert row.reasons == (f"the list says “{text}”",)


@pytest.mark.parametrize(
    ("basis", "source", "reasons"),
    [
        ("", "card", ("no basis is given",)),
        ("?", "card", ("no basis is given",)),
        ("n/a", "card", ("the basis is “n/a”",)),
        ("unknown", "card", ("the basis is “unknown”",)),
        ("bought", "card", ("the basis is “bought”",)),
        ("because", "card", ("“because” is not a basis that mailer knows",)),
        ("opt_in", "", ("no source is given",)),
        ("opt_in", "unknown", ("the source is “unknown”",)),
        ("opt_in", "bought list", ("the source is “bought list”",)),
        ("opt_in", "gekaufte Liste 2021", ("the source is “gekaufte Liste 2021”",)),
        ("", "kupiona baza", ("no basis is given", "the source is “kupiona baza”")),
    ],
)
def test_doubts_about_basis_and_source_are_held(
    tmp_path: Path, basis: str, source: str, reasons: tuple[str, ...]
) -> None:
    """E9: kept on hold, shown and never selected."""
    (row,) = read(tmp_path, f"{HEADER}\nanna@example.org,,,{basis},{source},\n")
    assert (row.verdict, row.reasons) == ("hold", reasons)
    assert row.journalist is not None


@pytest.mark.parametrize(
    "notes",
    [
        "asked to be removed 2024-05-02",
        "unsubscribed by phone",
        "proszę nie wysyłać",
        "REMOVE!!",
        "please take me off the list",
        "no more emails please",
        "bitte nicht mehr schreiben",
        "Widerspruch eingelegt",
        "ne plus envoyer",
        "dar de baja",
        "non inviare",
        "nie wysyłać",
        "niet meer mailen",
        "não enviar",
        "neposílat",
        "не писать",
        "не надсилати",
        # As a code page without Polish letters leaves it.
        "prosz? nie wysy?a?",
    ],
)
def test_a_wish_in_the_notes_is_held(tmp_path: Path, notes: str) -> None:
    """E9, E10"""
    (row,) = read(tmp_path, f"{HEADER}\nanna@example.org,,,opt_in,card,{notes}\n")
    assert (row.verdict, row.reasons) == ("hold", ("the notes say that no mail is wanted",))


@pytest.mark.parametrize(
    "notes",
    [
        "prefers no attachments",
        "embargo respected",
        "no PDFs; plain text",
        "bitte nur auf Deutsch",
        "pas avant 10 h",
        "left in 2021?",
        "do not send attachments",
        "please do not call before 10",
        "stopped at the border in 2019",
        'said "send earlier"',
    ],
)
def test_ordinary_notes_hold_nobody(tmp_path: Path, notes: str) -> None:
    """E9"""
    (row,) = read(tmp_path, f"{HEADER}\nanna@example.org,,,opt_in,card,{notes}\n")
    assert row.verdict == "take"


def test_defaults_hold_only_where_the_column_is_missing(tmp_path: Path) -> None:
    """E9: the file's source and basis are asked for once, never over an empty cell."""
    defaults = {
        "default_source": "list.csv",
        "default_source_date": "2026-01-02",
        "default_basis": "legitimate_interest",
    }
    (row,) = read(tmp_path, "email\nanna@example.org\n", **defaults)
    assert row.verdict == "take"
    assert row.journalist is not None
    assert row.journalist.source == "list.csv"
    assert row.journalist.source_date == "2026-01-02"
    assert row.journalist.consent_basis == "legitimate_interest"
    (row,) = read(tmp_path, "email,source,basis,date\nanna@example.org,,,\n", **defaults)
    assert (row.verdict, row.reasons) == ("hold", ("no basis is given", "no source is given"))
    assert row.journalist is not None
    assert row.journalist.source_date == ""
    (row,) = read(tmp_path, "email\nanna@example.org\n")
    assert row.verdict == "hold"


def test_what_the_file_lacks_is_told(tmp_path: Path) -> None:
    """E9"""
    path = tmp_path / "list.csv"
    path.write_text("email,name,basis\nanna@example.org,Anna Nowak,opt_in\n")
    reader = read_list(path)
    reader.close()
    assert reader.missing == (
        "outlet",
        "outlet_type",
        "beats",
        "country",
        "language",
        "timezone",
        "source",
        "source_date",
        "notes",
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """E9, B11: no input ends in another error, no row in a line end in a name."""
    path = tmp_path_factory.mktemp("any") / "list.csv"
    path.write_bytes(b"email,first_name,outlet\n" + data)
    try:
        rows = list(read_list(path))
    except InputError:
        return
    for row in rows:
        assert row.journalist or row.verdict == "reject"
        if row.journalist:
            assert not set(row.journalist.first_name + row.journalist.outlet) & set("\r\n\0")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet='ab@.,;"\n\r\t x', max_size=20), min_size=1, max_size=8))
def test_no_line_with_an_address_is_lost_in_silence(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    """E9: whatever stands between two good rows, both are found."""
    path = tmp_path_factory.mktemp("any") / "list.csv"
    junk = ",".join(cells)
    good = [f"{name}@example.org,A,B,opt_in,card,x" for name in ("first", "last")]
    path.write_text(f"{HEADER}\n{good[0]}\n{junk}\n{good[1]}\n", newline="")
    rows = list(read_list(path))
    text = "\n".join(cell for row in rows for cell in row.cells)
    assert "first@example.org" in text
    assert "last@example.org" in text


@pytest.mark.parametrize(
    "header",
    [
        "שם פרטי,שם משפחה,אימייל",
        "الاسم الأول,اسم العائلة,البريد الإلكتروني",
        "名,姓,メールアドレス",
        "名字,姓氏,电子邮件",
        "이름,성,이메일",
    ],
)
def test_headers_in_other_scripts(tmp_path: Path, header: str) -> None:
    """Lists of offices abroad need no --map."""
    (row,) = read(tmp_path, f"{header}\nAda,Example,ada@example.org\n")
    assert row.journalist is not None
    assert (row.journalist.first_name, row.journalist.last_name) == ("Ada", "Example")


def test_cells_that_keep_a_spreadsheet_quiet(tmp_path: Path) -> None:
    """H18: `'+48` and `="007"` are ways to write +48 and 007; other quotes are letters."""
    rows = read(
        tmp_path,
        f'{HEADER}\n"=""ada@example.org""",=\'x,\'t Veer,opt_in,card,\'+48 22\n'
        "'+desk@example.org,Bo,O'Neill,opt_in,card,=1+1\n",
    )
    people = [row.journalist for row in rows if row.journalist]
    assert [person.email for person in people] == ["ada@example.org", "+desk@example.org"]
    assert (people[0].first_name, people[0].last_name, people[0].notes) == (
        "='x",
        "'t Veer",
        "+48 22",
    )
    assert (people[1].last_name, people[1].notes) == ("O'Neill", "=1+1")
