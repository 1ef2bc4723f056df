"""Plain text releases as press offices and projects write them, in several languages."""

from __future__ import annotations

import pytest
from mailer.release.model import BlockKind, Kind

from tests.release.reading import DATA, body, errors, lead, read, warnings


def _file(name: str) -> str:
    return (DATA / name).read_text("utf-8")


def test_wrapped_release_with_embargo_and_all_parts() -> None:
    """D1: the parts of a release in their usual order, wrapped at 72 columns."""
    release = read(_file("wrapped-en.txt"))
    assert release.wordmark == "EXAMPLE FOUNDATION"
    assert release.headline == (
        "New Report Finds Rivers in Five Countries Carry Twice the Plastic Reported"
    )
    assert release.subhead == "Researchers call on governments to publish their own measurements"
    assert release.embargo is not None and release.embargo.zone == "Europe/Brussels"
    assert release.dateline is not None
    assert release.dateline.text == "BRUSSELS, Belgium, 3 March 2025"
    assert release.dateline.city == "BRUSSELS"
    assert lead(release).startswith("Rivers in five European countries carry twice")
    assert "The well-known figures" in lead(release)
    kinds = [block.kind for block in release.body]
    assert kinds == [
        BlockKind.PARAGRAPH,
        BlockKind.SUBHEADING,
        BlockKind.PARAGRAPH,
        BlockKind.BULLETS,
        BlockKind.NUMBERS,
        BlockKind.PARAGRAPH,
    ]
    items = [item.text for item in release.body[3].children]
    assert items[1].endswith("more than all the rivers of the British Isles together,")
    assert release.end_mark == "ENDS"
    assert release.boilerplate is not None
    assert release.boilerplate.heading == "About the Example Foundation"
    assert [note.kind for note in release.notes] == [BlockKind.SUBHEADING, BlockKind.NUMBERS]
    (contact,) = release.contacts
    assert (contact.name, contact.role) == ("Jan Kowalski", "Press officer")
    assert contact.email == "jan.kowalski@example.org"
    assert contact.phone == "+32 2 555 12 12 / +32 475 12 34 56"
    assert contact.phone_e164 == "+3225551212"
    (office,) = release.offices
    assert (office.label, office.postcode, office.city) == (
        "Example Foundation",
        "1000",
        "Brussels",
    )
    assert [link.href for link in release.links] == ["https://www.example.org"]
    assert release.issuer is not None and release.issuer.name == "Example Foundation"
    assert errors(release) == []


def test_north_american_layout() -> None:
    """D1, D7, D8: contacts on top, wire service in the dateline, `# # #` at the end."""
    release = read(_file("american-en.txt"))
    assert release.status_line == "FOR IMMEDIATE RELEASE"
    assert release.headline == "Example Corp Releases Version 2.0 of Its Widget Library"
    (contact,) = release.contacts
    assert (contact.name, contact.role, contact.phone) == (
        "Jane Doe",
        "Example Corp",
        "(555) 010-9999",
    )
    assert contact.phone_e164 is None
    assert release.dateline is not None and release.dateline.city == "SPRINGFIELD"
    assert lead(release).startswith("Example Corp today announced")
    assert body(release)[0] == "The library is open source."
    (quote,) = release.quotes
    assert (quote.speaker, quote.role) == ("Jane Roe", "chief executive of Example Corp")
    assert quote.parts[0].text_min == "Version 2.0 is the best we have made so far."
    assert quote.marked_in_source
    assert release.boilerplate is not None
    assert release.end_mark == "# # #"


def test_polish_release_with_dashes_for_speech() -> None:
    release = read(_file("statement-pl.txt"))
    assert (release.language, release.slug) == ("pl", "fundacja-apeluje-o-uwolnienie-wiezniow")
    assert release.dateline is not None and release.dateline.city == "Warszawa"
    (quote,) = release.quotes
    assert (quote.speaker, quote.role) == ("Anna Przykładowa", "prezes Fundacji Przykład")
    assert [part.text_min for part in quote.parts] == [
        "Nie możemy czekać ani dnia dłużej",
        "Każdy dzień ma znaczenie",
    ]
    assert release.boilerplate is not None
    assert release.issuer is not None and release.issuer.name == "Fundacja Przykład"
    assert release.contacts[0].phone_e164 == "+48225551212"
    assert errors(release) == []


def test_french_release() -> None:
    release = read(_file("association-fr.txt"))
    assert release.language == "fr"
    assert release.headline == "Une association demande justice"
    assert release.dateline is not None and release.dateline.city == "Paris"
    assert release.dateline.repeated == "Paris, le 12 mai 2025 – "
    (quote,) = release.quotes
    assert [part.attribution for part in quote.parts] == [
        "a déclaré Jeanne Exemple, présidente de l’association",
        "a-t-elle ajouté",
    ]
    assert release.boilerplate is not None
    assert release.contacts[0].role_from == "quote"


def test_hebrew_release_with_a_latin_headline() -> None:
    release = read(_file("release-he.txt"))
    assert (release.language, release.direction) == ("he", "rtl")
    assert release.headline == "PostgreSQL 14 Released!"
    assert (release.headline_direction, release.headline_language) == ("ltr", "en")
    (quote,) = release.quotes
    assert quote.speaker == "מגנוס האגנדר"
    assert quote.role == "חבר צוות ליבה של PostgreSQL"
    assert len(quote.parts) == 2
    assert release.boilerplate is not None
    assert release.dateline is not None and release.dateline.date is not None
    assert release.dateline.date.isoformat() == "2025-03-03"


def test_russian_release() -> None:
    release = read(_file("report-ru.txt"))
    assert release.language == "ru"
    assert release.headline == "Фонд «Пример» опубликовал отчёт о реках"
    assert release.dateline is not None and release.dateline.city == "Москва"
    (quote,) = release.quotes
    assert (quote.speaker, quote.role) == ("Анна Примерова", "директор фонда")
    assert release.contacts[0].name == "Иван Тестов"
    assert release.contacts[0].phone_e164 == "+74955551212"


def test_japanese_release() -> None:
    release = read(_file("report-ja.txt"))
    assert release.language == "ja"
    assert release.headline == "例財団、河川に関する報告書を発表"
    assert "十二か国のデータ" in lead(release), "a wrapped line joins without a space"
    assert release.boilerplate is not None
    assert release.contacts[0].name == "例太郎"
    assert release.slug.isascii() and release.slug


def test_project_announcement() -> None:
    """Open-source projects: underlined headings, code, quoted text, `<address>`."""
    release = read(_file("project-en.txt"))
    assert release.headline == "Example 3.0 released"
    kinds = [block.kind for block in release.body]
    assert kinds == [BlockKind.SUBHEADING, BlockKind.BULLETS, BlockKind.QUOTE]
    assert release.lead is not None
    (link,) = [inline for inline in release.lead.inlines if inline.href]
    assert link.href == "https://example.net/3.0/__init__.html"
    assert [inline.text for inline in release.body[1].children[1].inlines if inline.code] == [
        "Message.send()"
    ]
    assert (release.contacts[0].name, release.contacts[0].email) == (
        "Sam Sample",
        "sam@example.net",
    )


def test_page_marks_are_furniture_and_the_letterhead_is_no_headline() -> None:
    """README point 6, where no sentence is interrupted."""
    release = read(_file("pages-en.txt"))
    assert release.headline == "Annual results show growth in all regions"
    assert release.wordmark == "Example Group"
    removed = [item.text for item in release.removed if item.reason == "page_furniture"]
    assert removed == ["Page 1 of 3", "- 2 -", "-more-"]
    assert len(release.body) == 2
    (contact,) = release.contacts
    assert (contact.name, contact.role) == ("Jane Doe", "Head of Media")
    assert contact.phone_e164 == "+442079460000"


def test_austrian_contact_block_with_postal_address() -> None:
    release = read(_file("study-de.txt"))
    assert release.headline == "Neue Studie zur Donau erschienen"
    (contact,) = release.contacts
    assert contact.name == "Mag. Eva Muster"
    assert contact.phone == "01/555 12 12-0"
    (office,) = release.offices
    assert (office.street, office.postcode, office.city) == ("Beispielstraße 5/3", "1010", "Wien")
    assert release.dateline is not None and release.dateline.city == "Wien"


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("PRESS RELEASE", Kind.RELEASE),
        ("Pressemitteilung", Kind.RELEASE),
        ("STATEMENT", Kind.STATEMENT),
        ("OŚWIADCZENIE", Kind.STATEMENT),
        ("MEDIA ADVISORY", Kind.ADVISORY),
        ("CORRECTION", Kind.CORRECTION),
    ],
)
def test_label_above_the_headline_gives_the_kind(label: str, kind: Kind) -> None:
    release = read(f"{label}\n\nThe headline of it\n\nThe lead is a sentence.\n")
    assert release.kind is kind
    assert release.headline == "The headline of it"


@pytest.mark.parametrize("mark", ["###", "# # #", "-30-", "ENDS", "– ENDE –", "[Fin]", "KONIEC"])
def test_end_marks(mark: str) -> None:
    """D8."""
    release = read(f"A headline\n\nThe lead is a sentence.\n\n{mark}\n\nContact: a@example.org\n")
    assert release.end_mark is not None
    assert body(release) == []
    assert release.contacts[0].email == "a@example.org"


def test_unwrapped_lines_without_empty_lines_are_paragraphs() -> None:
    long = "This sentence is as long as a paragraph that no editor wrapped would be, namely long. "
    text = f"A headline of the release\n{long * 2}\n{long * 2}\nContact: a@example.org\n"
    release = read(text)
    assert release.headline == "A headline of the release"
    assert len(release.body) == 1
    assert release.contacts[0].email == "a@example.org"


def test_short_lines_keep_their_breaks() -> None:
    text = "A headline\n\nThe lead is a sentence.\n\nRoses are red\nViolets are blue\nAnd so on.\n"
    assert body(read(text)) == ["Roses are red\nViolets are blue\nAnd so on."]


def test_sentence_cut_by_an_empty_line_is_joined_but_a_list_intro_is_not() -> None:
    text = (
        "A headline\n\nThe lead is a sentence.\n\n"
        "The committee met for the third time and decided that the report\n\n"
        "should be published in May.\n\nIt asked for:\n\n- more time\n- more money\n"
    )
    release = read(text)
    assert body(release)[0].endswith("decided that the report should be published in May.")
    assert "sentence_joined" in warnings(release)
    assert "page_furniture_removed" not in warnings(release)


def test_an_about_heading_amid_the_body_is_no_boilerplate() -> None:
    text = (
        "# A headline\n\nThe lead is a sentence.\n\n## About the study\n\nIt took a year to do.\n\n"
        "## Results\n\nThey are good.\n\n## About Example\n\nExample does studies.\n"
    )
    release = read(text, "a.md")
    assert release.boilerplate is not None
    assert release.boilerplate.heading == "About Example"
    assert "About the study" in body(release)


def test_headline_about_an_embargo_is_no_embargo() -> None:
    text = "Council extends oil embargo\n\nThe council has extended the embargo on oil.\n"
    release = read(text)
    assert release.headline == "Council extends oil embargo"
    assert release.embargo is None and errors(release) == ["no_contact"]


def test_contacts_of_two_people_in_one_block() -> None:
    text = (
        "A headline\n\nThe lead is a sentence.\n\nPress contacts\n\n"
        "Ann Bee, spokesperson | +44 20 7946 0001 | ann@example.org\n"
        "Cy Dee (Brussels) – cy@example.org, tel. +32 2 555 12 13\n"
    )
    one, two = read(text).contacts
    assert (one.name, one.role, one.phone_e164) == ("Ann Bee", "spokesperson", "+442079460001")
    assert (two.name, two.role, two.email) == ("Cy Dee", "Brussels", "cy@example.org")
    assert two.phone_e164 == "+3225551213"


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_numbered_list_keeps_where_it_begins(name: str) -> None:
    text = "Headline\n\nThe lead is a sentence.\n\n3. three\n4. four\n\n"
    text += "This is so.\n\n1. one\n2. two\n"
    lists = [b for b in read(text, name).body if b.kind is BlockKind.NUMBERS]
    assert [(block.level, len(block.children)) for block in lists] == [(3, 2), (0, 2)]


@pytest.mark.parametrize(
    ("said", "speaker"),
    [
        ("said Ann Bee. The Office of Rivers has praised the network.", "Ann Bee"),
        ("said J. P. St. John. The Office of Rivers has praised it.", "J. P. St. John"),
    ],
)
def test_a_speakers_name_ends_with_the_sentence(said: str, speaker: str) -> None:
    text = f"Headline of it\n\nThe rivers were counted today.\n\n“We know where it is,” {said}\n"
    assert [quote.speaker for quote in read(text).quotes] == [speaker]
