"""Columns by their names in many languages, by what stands in them, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailer.audience.columns import field_of
from mailer.audience.lists import read_list
from mailer.audience.lookalikes import mixed_scripts

# email, first name, last name, outlet, beats, country, language, notes, telephone
NAMES = {
    "en": "E-mail address|First name|Surname|Outlet|Beats|Country|Language|Notes|Phone",
    "fr": "Courriel|Prénom|Nom|Média|Thèmes|Pays|Langue|Remarques|Téléphone",
    "de": "E-Mail-Adresse|Vorname|Nachname|Redaktion|Themen|Land|Sprache|Bemerkungen|Telefon",
    "es": "Correo electrónico|Nombre|Apellidos|Medio|Temas|País|Idioma|Observaciones|Teléfono",
    "it": "Indirizzo e-mail|Nome|Cognome|Testata|Argomenti|Paese|Lingua|Osservazioni|Telefono",
    "nl": "E-mailadres|Voornaam|Achternaam|Krant|Onderwerpen|Land|Taal|Opmerkingen|Telefoon",
    "pl": "Adres e-mail|Imię|Nazwisko|Redakcja|Tematy|Kraj|Język|Uwagi|Telefon",
    "pt": "Endereço de e-mail|Primeiro nome|Apelido|Veículo|Assuntos|País|Língua|Observações"
    "|Telemóvel",
    "cs": "E-mailová adresa|Jméno|Příjmení|Redakce|Témata|Země|Jazyk|Poznámky|Telefonní číslo",
    "sk": "Emailová adresa|Meno|Priezvisko|Redakcia|Témy|Krajina|Jazyk|Poznámky|Telefón",
    "hu": "E-mail cím|Keresztnév|Vezetéknév|Szerkesztőség|Témakörök|Ország|Nyelv|Megjegyzés"
    "|Telefonszám",
    "ro": "Adresă de e-mail|Prenume|Nume de familie|Publicație|Domenii|Țară|Limbă|Observații"
    "|Număr de telefon",
    "uk": "Електронна пошта|Ім'я|Прізвище|Видання|Теми|Країна|Мова|Примітки|Телефон",
    "ru": "Электронная почта|Имя|Фамилия|Издание|Темы|Страна|Язык|Примечания|Телефон",
    "ar": "البريد الإلكتروني|الاسم الأول|اسم العائلة|الصحيفة|المواضيع|البلد|اللغة|ملاحظات|الهاتف",
    "he": "כתובת אימייל|שם פרטי|שם משפחה|עיתון|נושאים|מדינה|שפה|הערות|טלפון",
    "zh": "电子邮件|名字|姓氏|媒体|主题|国家|语言|备注|电话",
    "ja": "メールアドレス|名|姓|媒体名|担当分野|国|言語|備考|電話番号",
    "tr": "E-posta|Adı|Soyadı|Gazete|Konular|Ülke|Dil|Notlar|Cep telefonu",
    "el": "Διεύθυνση email|Όνομα|Επώνυμο|Εφημερίδα|Θέματα|Χώρα|Γλώσσα|Σημειώσεις|Τηλέφωνο",
    "sv": "E-postadress|Förnamn|Efternamn|Tidning|Ämnen|Land|Språk|Anteckningar|Telefon",
    "da": "E-mailadresse|Fornavn|Efternavn|Medie|Emner|Land|Sprog|Bemærkninger|Telefonnummer",
    "fi": "Sähköposti|Etunimi|Sukunimi|Lehti|Aiheet|Maa|Kieli|Huomautukset|Puhelin",
}
FIELDS = [
    "email", "first_name", "last_name", "outlet", "beats", "country", "language", "notes", "phone",
]  # fmt: skip


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("capitals", [False, True])
def test_names_of_columns_in_many_languages(tmp_path: Path, language: str, capitals: bool) -> None:
    """E9: as they are written, and in capitals without accents."""
    names = NAMES[language].split("|")
    if capitals:
        names = [name.upper() for name in names]
    path = tmp_path / "list.csv"
    cells = ["anna@example.org", "Anna", "Nowak", "X", "eu", "BE", "fr", "n", "+32 2 123 45 67"]
    path.write_text("\t".join(names) + "\n" + "\t".join(cells) + "\n", "utf-8")
    reader = read_list(path)
    list(reader)
    assert {c.field: c.number for c in reader.all_columns} == {
        field: number for number, field in enumerate(FIELDS, 1)
    }
    assert {c.why for c in reader.all_columns} == {"its name"}


def test_accents_may_be_missing() -> None:
    """E9: programs and capitals drop them; what then could mean two things means nothing."""
    assert [field_of(t) for t in ("PRENOM", "Imie", "zrodlo", "TELEFONO MOVIL", "ΕΠΩΝΥΜΟ")] == [
        "first_name",
        "first_name",
        "source",
        "phone",
        "last_name",
    ]
    assert field_of("") == field_of("???") == field_of("Telex") == ""


def test_columns_without_a_telling_name_are_known_by_what_stands_in_them(tmp_path: Path) -> None:
    """E9: addresses, countries, languages, zones, telephone numbers, each with the reason."""
    path = tmp_path / "list.csv"
    rows = ["K1;K2;K3;K4;K5;K6"]
    rows += [
        f"x{number};DE;de;Europe/Berlin;+49 30 12345{number};a{number}@example.org"
        for number in range(10)
    ]
    path.write_text("\n".join(rows))
    reader = read_list(path)
    assert {c.field: c.title for c in reader.all_columns if c.field} == {
        "country": "K2",
        "language": "K3",
        "timezone": "K4",
        "phone": "K5",
        "email": "K6",
    }
    assert reader.all_columns[5].why == "10 of its first 10 cells are addresses"
    assert len(list(reader)) == 10


def test_a_file_without_column_names(tmp_path: Path) -> None:
    """E9: no row is taken for a header that has an address."""
    path = tmp_path / "list.csv"
    path.write_text("Anna Nowak,anna@example.org,BE\nJan,jan@example.org,FR\n")
    reader = read_list(path, default_source="x", default_basis="opt_in")
    assert reader.header_lines == (0, 0)
    assert reader.columns == {"email": "column 2", "country": "column 3"}
    assert [(row.line, row.verdict) for row in reader] == [(1, "take"), (2, "take")]


def test_a_column_called_mail_without_addresses(tmp_path: Path) -> None:
    """E9: a column of yes and no is not the address because of its name."""
    path = tmp_path / "list.csv"
    path.write_text("Mail,Kontakt 2\nyes,anna@example.org\nno,jan@example.org\n")
    assert read_list(path).columns["email"] == "Kontakt 2"


def test_answers_are_no_languages(tmp_path: Path) -> None:
    """E9: "ja" and "no" in a column of answers are not Japanese and Norwegian."""
    path = tmp_path / "list.csv"
    path.write_text("Email,Came\na@example.org,ja\nb@example.org,no\nc@example.org,ja\n")
    assert set(read_list(path).columns) == {"email"}


@pytest.mark.parametrize(
    ("email", "doubt"),
    [
        ("аnna@example.org", "letters of different scripts (Cyrillic, Latin) stand in one word"),
        ("anna@xn--exmple-4nf.org", "letters of different scripts (Cyrillic, Latin)"),
        ("anna@xn--80ak6aa92e.com", "looks like “apple” and is written in other letters"),
        ("анна@example.org", ""),
        ("अनिल.sharma2@example.org", ""),
        ("anna.nоwak@example.org", "(Cyrillic, Latin)"),
        ("żółw@example.org", ""),
        ("anna@xn--e1afmkfd.xn--p1ai", ""),
        ("anna@xn--mgbh0fb.xn--kgbechtv", ""),
        ("名前ナマエ@example.org", ""),
        ("anna@example.org", ""),
    ],
)
def test_addresses_that_look_like_another(tmp_path: Path, email: str, doubt: str) -> None:
    """A28: held with the reason, while addresses in one script pass."""
    assert doubt in mixed_scripts(email)
    assert bool(mixed_scripts(email)) == bool(doubt)
    path = tmp_path / "list.csv"
    path.write_text(f"email\n{email}\n", "utf-8")
    (row,) = read_list(path, default_source="x", default_basis="opt_in")
    assert row.verdict == ("hold" if doubt else "take")
