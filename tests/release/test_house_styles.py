"""Releases in the manner of charities, ministries, projects and other languages' press offices."""

from __future__ import annotations

import pytest
from mailer.release import check
from mailer.release.model import BlockKind, Severity

from tests.release.reading import body, errors, lead, read, warnings

LEAD = "Oslo, 24 November 2026 - The lead says what happened and to whom."
CONTACT = "Contact: Ann Bee, ann@example.org\n"


def test_hours_and_zone_of_a_contact_are_no_role() -> None:
    """D13: hours stand for themselves, whole, in brackets or behind a comma."""
    release = read(
        f"Water is clean again\n\n{LEAD}\n\nMedia contacts\n"
        "Ann Bee, Head of Media, +32 2 555 01 23 (Mon-Fri 9:00-17:30 CET), ann@example.org\n\n"
        "Bo Lie\n+49 30 5550 1234 (weekdays, 9–17 CET)\n\n"
        "Press office, 028 9555 0147, 9am to 5pm or desk@example.org\n"
    )
    found = [(c.name, c.role, c.hours) for c in release.contacts]
    assert found == [
        ("Ann Bee", "Head of Media", "Mon-Fri 9:00-17:30 CET"),
        ("Bo Lie", None, "weekdays, 9–17 CET"),
        ("Press office", None, "9am to 5pm"),
    ]


def test_the_name_above_the_label_is_letterhead() -> None:
    """D1: "Department / PRESS RELEASE / headline", as ministries write it."""
    release = read(
        "EMBARGOED UNTIL 00:01 GMT THURSDAY 3 DECEMBER 2026\n\nDepartment for Ports\n"
        f"PRESS RELEASE\n\nNew ferry link to create 240 jobs\n\n{LEAD}\n\n{CONTACT}"
    )
    assert release.headline == "New ferry link to create 240 jobs"
    assert release.wordmark == "Department for Ports"
    assert release.subhead is None


def test_a_label_below_the_headline_makes_it_no_letterhead() -> None:
    release = read(f"New ferry link to create jobs\n\nPress release\n\n{LEAD}\n\n{CONTACT}")
    assert release.headline == "New ferry link to create jobs"


def test_headline_and_subhead_on_two_lines() -> None:
    """D1: there was room on the first line, so the break was meant."""
    first = "One in three European rivers fails basic health test, new audit finds"
    second = "Rivers Without Borders calls on ministers to act before the Council on 2 December"
    release = read(f"{first}\n{second}\n\n{LEAD}\n\n{CONTACT}")
    assert (release.headline, release.subhead) == (first, second)


@pytest.mark.parametrize(
    "rows",
    [
        ("Foundation welcomes the vote of", "the parliament on the water law"),
        (
            "Global Coalition of Water Charities Warns Ministers in Brussels Again",
            "That Rivers in Fourteen European Countries Fail the Most Basic Health Test",
        ),
    ],
)
def test_a_wrapped_headline_stays_whole(rows: tuple[str, str]) -> None:
    release = read("\n".join(rows) + f"\n\n{LEAD}\n\n{CONTACT}")
    assert release.headline == " ".join(rows)


@pytest.mark.parametrize("year", ["2030", "1999"])
def test_a_year_at_the_end_of_a_headline_is_no_postcode(year: str) -> None:
    """A headline must never be taken for a page's footer."""
    head = f"Verband fordert 2.000 Kilometer neue Wege\nKommunen brauchen Sicherheit bis {year}"
    release = read(
        f"Pressemitteilung\n\n{head}\n\nBerlin, 27. November 2026 – Der Verband fordert von der "
        "Regierung ein Programm für neue Wege in allen Ländern, und zwar sofort und auf Dauer, "
        "damit die Kommunen planen können. Das sagte er heute in Berlin vor der Presse.\n\n"
        "Pressekontakt:\nJörg Weiß, presse@example.org\n"
    )
    assert release.headline == head.replace("\n", " ")
    assert release.offices == ()


def test_a_headline_is_not_joined_to_a_lead_in_small_letters() -> None:
    """ "eBay" begins a lead; the headline above it stays a headline."""
    release = read(
        f"Auction house opens a new office in Oslo\n\neBay said on Monday it will do so.\n\n"
        f"It did not say when.\n\n{CONTACT}"
    )
    assert release.headline == "Auction house opens a new office in Oslo"
    assert lead(release) == "eBay said on Monday it will do so."


@pytest.mark.parametrize(
    "mark", ["Ends", "ENDS", "End of release", "###", "-30-", "Ende", "KONIEC"]
)
def test_end_marks(mark: str) -> None:
    """D8: also where only the first letter is a capital."""
    release = read(f"Water is clean again\n\n{LEAD}\n\nIt will stay so.\n\n{mark}\n\n{CONTACT}")
    assert release.end_mark == mark
    assert body(release) == ["It will stay so."]


def test_a_short_description_right_below_its_heading() -> None:
    """D1: "About X" without an empty line, however short the text."""
    release = read(
        f"Water is clean\n\n{LEAD}\n\n###\n\nAbout Foo\nFoo is a club in Oslo.\n\n{CONTACT}"
    )
    assert release.boilerplate is not None
    assert release.boilerplate.heading == "About Foo"
    assert [block.text for block in release.boilerplate.blocks] == ["Foo is a club in Oslo."]


def test_a_sentence_that_begins_with_about_stays_in_the_text() -> None:
    text = "About forty people from all over the\ncountry came to see it. They were glad."
    release = read(f"Water is clean\n\n{LEAD}\n\n{text}\n\n{CONTACT}")
    assert release.boilerplate is None


def test_a_note_to_newsrooms_behind_the_contacts_is_no_contact() -> None:
    release = read(
        "Wasser ist wieder sauber\n\nBerlin, 27. November 2026 – Das Wasser ist wieder sauber.\n\n"
        "Pressekontakt:\nJörg Weiß, presse@example.org\n\n"
        "Hinweis für Redaktionen: Bilder unter https://example.org/bilder\n"
    )
    assert [contact.name for contact in release.contacts] == ["Jörg Weiß"]
    assert [note.text for note in release.notes] == [
        "Hinweis für Redaktionen: Bilder unter https://example.org/bilder"
    ]


def test_the_text_completes_the_contact_of_the_front_matter() -> None:
    """Same address, one person: name, number and hours come from where they stand."""
    release = read(
        f"---\ncontact: press@example.org\n---\n\n# Version 9 released\n\n{LEAD}\n\n"
        "## Press contact\n\nHanna Okafor <press@example.org>\n"
        "+49 30 5550 1234 (weekdays, 9–17 CET)\n",
        "a.md",
    )
    (contact,) = release.contacts
    assert (contact.name, contact.email, contact.phone) == (
        "Hanna Okafor",
        "press@example.org",
        "+49 30 5550 1234",
    )
    assert contact.hours == "weekdays, 9–17 CET"
    assert "words_not_placed" not in warnings(release)


def test_one_line_of_front_matter_is_one_line() -> None:
    """B11: no line end of a value reaches a heading or header."""
    release = read(
        '---\nheadline: "A\\nBcc: x@example.org"\n---\n\nText it is.\n\n' + CONTACT, "a.md"
    )
    assert release.headline == "A Bcc: x@example.org"


@pytest.mark.parametrize(
    ("text", "headline", "city", "about", "name"),
    [
        (
            "ПРЕСРЕЛІЗ\n\nУ Харкові відкрили підземну школу на 900 учнів\n\n"
            "Харків, 23 листопада 2026 року – У місті запрацювала п’ята підземна школа.\n\n"
            "Будівництво тривало вісім місяців.\n\nПро фонд «Освіта поруч»\n"
            "Фонд працює з 2015 року.\n\n"
            "Контакти для преси:\nІрина Ґудзь, +380 44 555 01 47, press@example.org\n",
            "У Харкові відкрили підземну школу на 900 учнів",
            "Харків",
            "Про фонд «Освіта поруч»",
            "Ірина Ґудзь",
        ),
        (
            "بيان صحفي\n\nإطلاق أول محطة شمسية عائمة في البحر الأحمر\n\n"
            "القاهرة، 24 نوفمبر 2026 – أعلنت المؤسسة اليوم إطلاق أول محطة شمسية عائمة.\n\n"
            "وستوفر المحطة الكهرباء.\n\nعن مؤسسة الطاقة النظيفة\nتأسست المؤسسة عام 2011.\n\n"
            "للتواصل:\nليلى حسن، press@example.org، +20 2 5550 1234\n",
            "إطلاق أول محطة شمسية عائمة في البحر الأحمر",
            "القاهرة",
            "عن مؤسسة الطاقة النظيفة",
            "ليلى حسن",
        ),
        (
            "報道関係者各位\nプレスリリース\n2026年11月24日\n\n海洋データ財団、全国の潮位を無料公開\n\n"
            "海洋データ財団は24日、全国312か所の潮位データを無料で公開した。\n\n"
            "データは10分ごとに更新される。\n\n海洋データ財団について\n"
            "2003年設立。海の観測データを公開している。\n\n"
            "お問い合わせ先：\n広報室 山田太郎\n電話：03-5550-0147\nメール：press@example.org\n",
            "海洋データ財団、全国の潮位を無料公開",
            None,
            "海洋データ財団について",
            "広報室 山田太郎",
        ),
        (
            "新闻稿\n\n江南气象联盟发布首份城市内涝地图\n\n杭州，2026年11月24日——江南气象联盟今日发布地图。\n\n"
            "地图每五分钟更新一次。\n\n关于江南气象联盟\n联盟成立于2014年。\n\n"
            "联系方式：\n陈晓岚，press@example.org，+86 571 5550 0147\n",
            "江南气象联盟发布首份城市内涝地图",
            "杭州",
            "关于江南气象联盟",
            "陈晓岚",
        ),
    ],
)
def test_other_scripts(text: str, headline: str, city: str | None, about: str, name: str) -> None:
    """D1, D7: punctuation, labels and years as these languages write them."""
    release = read(text)
    assert release.headline == headline
    assert release.dateline is not None and release.dateline.city == city
    assert release.boilerplate is not None and release.boilerplate.heading == about
    (contact,) = release.contacts
    assert (contact.name, contact.email) == (name, "press@example.org")
    assert contact.phone is not None
    assert not lead(release).startswith(("—", "–", " "))


def test_a_hebrew_acronym_does_not_end_a_role() -> None:
    release = read(
        'קרן נתונים פתוחים משיקה מאגר\n\nתל אביב, 24 בנובמבר 2026 – הקרן השיקה היום מאגר. "זה יום '
        'גדול לשקיפות", אמרה רונית לוי, מנכ"לית הקרן.\n\nפרטי קשר:\nרונית לוי, press@example.org\n'
    )
    (quote,) = release.quotes
    assert (quote.speaker, quote.role) == ("רונית לוי", 'מנכ"לית הקרן')


@pytest.mark.parametrize(
    "text",
    [
        f"Dear {{{{ first_name }}}}\n\n{LEAD}\n\n{CONTACT}",
        f"Water is clean\n\n{LEAD} {{% raw %}}\n\n{CONTACT}",
        f"Water is clean\n\n{LEAD}\n\n- one\n- {{{{ 7*7 }}}}\n\n{CONTACT}",
        f"Water is clean\n\n{LEAD}\n\nContact: {{{{ name }}}}, ann@example.org\n",
    ],
)
def test_template_marks_block(text: str) -> None:
    """D16: wherever in the text they stand."""
    assert "leftover_mark" in errors(read(text))


def test_what_was_found_is_told_briefly() -> None:
    found = check(read(f"Water is clean\n\n{LEAD}\n\n{'X' * 40_000}\n\n{CONTACT}"))
    (mark,) = [each for each in found if each.code == "leftover_mark"]
    assert mark.severity is Severity.WARNING
    assert len(mark.message) < 200


def test_a_list_survives_around_headings() -> None:
    """Parting a heading from its text leaves all else alone."""
    release = read(
        f"Water is clean\n\n{LEAD}\n\nWhat is new:\n\n* one thing\n* two things\n\n{CONTACT}"
    )
    assert [block.kind for block in release.body] == [BlockKind.PARAGRAPH, BlockKind.BULLETS]


def test_the_fuller_dateline_is_shown() -> None:
    """D7: the day alone on top, city and day in the lead."""
    release = read(
        f"18 November 2026\n\nWater is clean again\n\n"
        f"BERGEN, 18 November 2026 - It is.\n\n{CONTACT}"
    )
    assert release.dateline is not None
    assert release.dateline.text == "BERGEN, 18 November 2026"
    assert release.dateline.repeated == "18 November 2026"
    assert lead(release) == "It is."


def test_a_person_named_on_top_and_at_the_end_is_one_contact() -> None:
    release = read(
        "Contact: Ann Bee, Head of Media\nTel: +32 2 555 01 23 (Mon-Fri 9:00-17:30)\n"
        f"Email: ann@example.org\n\nWater is clean again\n\n{LEAD}\n\n"
        "Media contacts\nAnn Bee, Head of Media (Brussels), +32 2 555 01 23, ann@example.org\n"
        "Bo Lie, press officer, ann@example.org\n"
    )
    assert [(c.name, c.role, c.hours) for c in release.contacts] == [
        ("Ann Bee", "Head of Media, Brussels", "Mon-Fri 9:00-17:30"),
        ("Bo Lie", "press officer", None),
    ]


@pytest.mark.parametrize("marks", ["“”", '""', "«»"])
def test_a_quotation_over_several_paragraphs_is_one_speakers(marks: str) -> None:
    """D6: each paragraph opens with a mark, only the last is closed; what follows is not his."""
    left, right = marks
    release = read(
        f"# Town hall opens again\n\n{LEAD}\n\n"
        f"{left}It took two years of hard work,{right} said Jane Doe, mayor. "
        f"{left}It was worth every single day.\n\n"
        f"{left}The roof alone cost more than we had.\n\n"
        f"{left}Yet we are glad of it today.{right}\n\n"
        f"{left}This is nobody we can name{right} stood on a banner.\n\n{CONTACT}",
        name="a.md",
    )
    assert [(q.speaker, q.paragraph, q.parts[-1].text_max) for q in release.quotes] == [
        ("Jane Doe", 0, "It was worth every single day."),
        ("Jane Doe", 1, "The roof alone cost more than we had."),
        ("Jane Doe", 2, "Yet we are glad of it today."),
    ]
