"""What real offices type: labels with numbers, two-line heads, narrow PDF columns, many quotes."""

from __future__ import annotations

import pytest
from mailer.release.model import BlockKind, Kind

from tests.release.reading import body, lead, read, warnings

LEAD = "Oslo, 24 November 2026 - The lead says what happened and to whom."
CONTACT = "Contact: Ann Bee, ann@example.org\n"


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("PRESSEMITTEILUNG Nr. 034/2026", Kind.RELEASE),
        ("Communiqué de presse n° 12", Kind.RELEASE),
        ("JOINT STATEMENT", Kind.STATEMENT),
        ("Gemeinsame Erklärung", Kind.STATEMENT),
        ("Wspólne oświadczenie", Kind.STATEMENT),
    ],
)
def test_labels_with_a_number_or_several_authors(label: str, kind: Kind) -> None:
    """D1: such a line is a label, never the headline."""
    release = read(f"Ministry of Ports\n{label}\n\nFerries sail again\n\n{LEAD}\n\n{CONTACT}")
    assert (release.headline, release.kind) == ("Ferries sail again", kind)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "Harbor Trust Opens Its First Tidal Plant on the Bay",
            "$42 million project will power 11,000 homes; governor to attend the ribbon-cutting",
        ),
        ("ACQUA PUBBLICA, AL VIA IL PIANO", "Lombardia: 1.200 km di condotte entro il 2030"),
        ("みなと計測、水質センサーを発売", "～電池交換なしで5年間稼働～"),
    ],
)
def test_headline_and_subhead_on_two_lines(first: str, second: str) -> None:
    """D1: a second line in another case, or with room left above it, is the subhead."""
    release = read(f"{first}\n{second}\n\n{LEAD}\n\n{CONTACT}")
    assert (release.headline, release.subhead) == (first, second)


def test_german_nouns_are_no_title_case() -> None:
    first = "Kabinett beschließt das Gesetz zum Küstenschutz"
    second = "Bund übernimmt erstmals 60 Prozent der Kosten für Deiche"
    release = read(f"---\nlanguage: de\n---\n{first}\n{second}\n\n{LEAD}\n\n{CONTACT}")
    assert (release.headline, release.subhead) == (first, second)


def test_a_wrapped_headline_stays_one() -> None:
    """README point 2: lines of one case without room are one headline."""
    release = read(
        "Tenants win the right to buy their own block in a landmark\n"
        f"vote of the estate in Leith\n\n{LEAD}\n\n{CONTACT}"
    )
    assert release.subhead is None
    assert release.headline.endswith("landmark vote of the estate in Leith")


def test_a_narrow_column_with_page_footers_is_still_the_text() -> None:
    """README point 6: wrapped prose is never furniture, however short its lines."""
    foot = "Alpine Rail, Bahnhofplatz 1, 8001 Zurich, Switzerland\nmedia@rail.example.com\n"
    release = read(
        "Alpine Rail Group\nMedia Release\n\n\nZurich, 3 March 2026\n\n\n"
        "Alpine Rail Group to reopen the night ser-\nvice to the sea after nine years\n\n"
        "The night train between Zurich and Palermo is back in the\n"
        "summer. Twelve sleeping cars were ordered from a works in\n"
        "the valley and will run three times a week.\n\n"
        "“People want to wake up by the sea,” said Reto Caflisch,\n"
        "who leads the group. “They have told us so in eleven\n\n"
        f"{foot}Page 1 of 2\n\nAlpine Rail Group\nMedia Release\n\n"
        "thousand letters.” Tickets go on sale in the autumn.\n\n"
        "Media contact\nFranziska Bühler, Head of Media\nmedia@rail.example.com\n\n"
        f"{foot}Page 2 of 2\n"
    )
    assert release.headline.startswith("Alpine Rail Group to reopen")
    assert lead(release).startswith("The night train")
    assert body(release)[0].endswith(
        "“They have told us so in eleven thousand letters.” Tickets go on sale in the autumn."
    )
    assert next(contact.name for contact in release.contacts) == "Franziska Bühler"
    assert all("Page" not in contact.name for contact in release.contacts)
    assert "word_broken_at_line_end" in warnings(release)


@pytest.mark.parametrize(
    ("text", "speaker", "role"),
    [
        ('"Release them", said IPO\'s director Ruth Amsel.', "Ruth Amsel", "IPO's director"),
        ('Cllr Tom O\'Hara of Northfield Council added: "You cannot patch your way out."',
         "Cllr Tom O'Hara", "Northfield Council"),
        ("«Ці папери пережили три війни й одну повінь», – сказала директорка музею Оксана Ґонта.",
         "Оксана Ґонта", "директорка музею"),
        ('„Oczekujemy standardu w każdej szkole" – dodaje dr Michał Świętochowski, autor badania.',
         "dr Michał Świętochowski", "autor badania"),
        ("«È il più grande investimento», ha dichiarato l'assessora Giulia Ferraris.",
         "Giulia Ferraris", "l'assessora"),
        ('"הציבור זכאי לדעת מה הוא שותה", אמרה ד"ר רותם אלקיים, מנכ"לית העמותה.',
         'ד"ר רותם אלקיים', 'מנכ"לית העמותה'),
    ],
)  # fmt: skip
def test_speakers_with_titles_and_roles(text: str, speaker: str, role: str) -> None:
    """D15: role before the name, titles, acronyms with a quotation mark."""
    language = {"«Ц": "uk", "„O": "pl", "«È": "it", '"ה': "he"}.get(text[:2], "en")
    release = read(f"---\nlanguage: {language}\nheadline: News\n---\n{text}\n", "r.md")
    assert [(quote.speaker, quote.role) for quote in release.quotes] == [(speaker, role)]


def test_a_quoted_sentence_and_a_field_are_no_headings() -> None:
    release = read(
        f"Ferries sail again\n\n{LEAD}\n\n"
        'The mayor called it "a down payment on a cleaner bay."\n\n'
        "More was not said on the day itself, and nobody asked for it.\n\n"
        "WHERE: Union Station, 400 Front Street, Springfield\n\n"
        f"RSVP: by noon on Thursday at https://city.example.org/rsvp\n\n{CONTACT}"
    )
    assert {block.kind for block in release.body} == {BlockKind.PARAGRAPH}


def test_a_long_address_does_not_part_its_paragraph() -> None:
    """A line is long by its words, not by a web address that nobody can wrap."""
    release = read(
        f"Ferries sail again\n\n{LEAD}\n\nAbout Harbor Trust\n"
        "Harbor Trust is a cooperative founded in 1987 by machinists. It\n"
        "serves 61,000 members. More at https://harbor.example.org/about?source=release&"
        f"medium=email&campaign=spring.\n\n###\n\n{CONTACT}"
    )
    assert release.boilerplate is not None
    assert len(release.boilerplate.blocks) == 1
    assert "sentence_joined" not in warnings(release)


def test_japanese_signs_open_headings_and_dots_open_items() -> None:
    release = read(
        "報道関係者各位\nプレスリリース\n\n2026年3月3日\n株式会社みなと計測\n\n"
        "みなと計測、港湾向け水質センサーを発売\n～電池交換なしで5年間稼働～\n\n"
        "株式会社みなと計測（本社：横浜市）は、港湾の水質を自動で測定するセンサーを発売します。\n\n"
        "■ 主な特長\n・水温、塩分、濁度を測定\n・太陽光で充電し、電池交換は不要\n\n"
        "■ 会社概要\n株式会社みなと計測は2001年に設立。従業員数は42名です。\n\n"
        "■ 本件に関するお問い合わせ\n広報担当：山田花子\n電話：045-000-1234\n"
        "メール：pr@kaze.example.com\n"
    )
    assert release.headline == "みなと計測、港湾向け水質センサーを発売"
    assert release.subhead == "～電池交換なしで5年間稼働～"
    assert [block.kind for block in release.body] == [BlockKind.SUBHEADING, BlockKind.BULLETS]
    assert len(release.body[1].children) == 2
    assert release.boilerplate is not None
    assert release.contacts[0].email == "pr@kaze.example.com"


def test_arabic_dates_name_the_month_twice() -> None:
    release = read(
        "بيان صحفي\n\nعمّان، 3 آذار/مارس 2026\n\nمؤسسة النور تطلق برنامج منح\n\n"
        "أعلنت مؤسسة النور اليوم إطلاق برنامج منح لدعم ألف صحفي شاب في سبع دول عربية.\n"
    )
    assert release.headline == "مؤسسة النور تطلق برنامج منح"
    assert release.dateline is not None and str(release.dateline.date) == "2026-03-03"


def test_a_contact_goes_on_after_a_comma() -> None:
    """D13: one person on two lines."""
    release = read(
        f"Ferries sail again\n\n{LEAD}\n\nContact: Iain Baxter (press officer), +44 131 496 0123,\n"
        "iain.baxter@river.example.org. Available 8am to 8pm.\n"
    )
    found = [(c.name, c.role, c.email, c.hours) for c in release.contacts]
    wanted = ("Iain Baxter", "press officer", "iain.baxter@river.example.org", "8am to 8pm")
    assert found == [wanted]


def test_markdown_that_says_an_address_twice_and_bold_headings() -> None:
    release = read(
        f"# Ferries sail again\n\n{LEAD}\n\n**Background**\n\n"
        "The line was closed in 1987, when the last ship was sold abroad.\n\n"
        "**Contact:** Ruth Amsel | [ruth@ipo.example.org](mailto:ruth@ipo.example.org)\n",
        "r.md",
    )
    assert release.body[0].kind is BlockKind.SUBHEADING
    assert release.contacts[0].email == "ruth@ipo.example.org"
    assert "words_not_placed" not in warnings(release)


def test_html_and_footnotes_are_pointed_at() -> None:
    release = read(f"# News today\n\n{LEAD}\n\nIt is <b>bold</b>.[^1]\n\n{CONTACT}", "r.md")
    assert {"html_as_text", "footnote_mark"} <= set(warnings(release))


@pytest.mark.parametrize(
    ("heading", "about", "language", "issuer"),
    [
        ("O Fundacji", "Fundacja Otwarta Szkoła działa od 2009 roku i prowadzi programy.", "pl",
         "Fundacja Otwarta Szkoła"),
        ("Über das Ministerium", "Das Ministerium besteht seit 2025 und ist groß.", "de", None),
        ("About the foundation", "It was founded in 1987 and gives grants to schools.", "en", None),
    ],
)  # fmt: skip
def test_a_common_noun_is_no_issuer(
    heading: str, about: str, language: str, issuer: str | None
) -> None:
    release = read(
        f"---\nlanguage: {language}\nheadline: News\n---\nSome text stands here for the lead.\n\n"
        f"## {heading}\n\n{about}\n",
        "r.md",
    )
    assert (release.issuer.name if release.issuer else None) == issuer


def test_a_table_keeps_its_cells_and_which_are_numbers() -> None:
    """C7: rows and cells, the first row the heads; not a word of them lost."""
    release = read(
        f"# News today\n\n{LEAD}\n\n| River | Sensors |\n|---|--:|\n| Tejo | 1,204 |\n\n{CONTACT}",
        "r.md",
    )
    (table,) = release.body
    cells = [[(cell.text, cell.level) for cell in row.children] for row in table.children]
    assert cells == [[("River", 0), ("Sensors", 1)], [("Tejo", 0), ("1,204", 1)]]


def test_an_address_does_not_turn_a_paragraph_round() -> None:
    """B19: Hebrew with one long Latin address is still Hebrew."""
    release = read(
        "הודעה לעיתונות\n\nעמותה משיקה מפה פתוחה של איכות המים בישראל\n\n"
        "העמותה השיקה היום מפה מקוונת המציגה את איכות המים בכל רחבי הארץ.\n\n"
        "המפה זמינה בכתובת https://water.example.org/map/of/all.\n"
    )
    assert [block.direction for block in release.body] == [None]


def test_the_speaker_below_a_quotation_keeps_his_line() -> None:
    """D15: markdown joins lines; the one that a dash begins says who spoke."""
    release = read(
        f"# News today\n\n{LEAD}\n\n> Rivers belong to everyone.\n> — Ana Silva, officer\n\n"
        f"{CONTACT}",
        "r.md",
    )
    assert body(release)[0] == "Rivers belong to everyone.\n— Ana Silva, officer"
    assert [(quote.speaker, quote.role) for quote in release.quotes] == [("Ana Silva", "officer")]
