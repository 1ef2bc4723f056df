"""Each check of the text, true and false, in the languages where its wording matters."""

from __future__ import annotations

from datetime import date

import pytest
from mailer.release import check
from mailer.release.model import Finding, Severity
from mailer.release.preflight import CHECKS, ORDER, Setting

from tests.release.reading import read

TODAY = date(2025, 3, 1)


def findings(
    text: str,
    language: str = "en",
    *,
    front: str = "",
    contact: str = "Ann Bee, ann@example.org",
    domain: str = "example.org",
) -> list[Finding]:
    """What is found in a release that has everything, with `text` as its body."""
    source = (
        f"---\nlanguage: {language}\n{front}---\n# Foundation welcomes water law\n\n"
        f"Brussels, 3 March 2025 – Lead sentence here.\n\n{text}\n\n## About Example Foundation\n\n"
        f"The Example Foundation works for water.\n\nMedia contact:\n\n{contact}\n"
    )
    release = read(source, "a.md", today=TODAY, zone="Europe/Brussels")
    setting = Setting(today=TODAY, zone="Europe/Brussels", domain=domain, source=source)
    return list(check(release, setting=setting))


def coded(code: str, text: str, language: str = "en", **options: str) -> list[Finding]:
    return [found for found in findings(text, language, **options) if found.code == code]


def test_the_table_has_each_code_once_per_severity() -> None:
    rows = [(row.code, row.severity) for row in CHECKS]
    assert len(rows) == len(set(rows)) and len(ORDER) == len({code for code, _ in rows})


WEEKDAYS = [
    ("en", "We meet on Tuesday, 3 March 2025 there.", "We meet on Monday 3 March 2025."),
    ("de", "Wir treffen uns am Dienstag, den 3. März 2025.", "Am Montag, 3.3.2025, dort."),
    ("fr", "Rendez-vous le mardi 3 mars 2025 à Paris.", "Rendez-vous le lundi 3 mars 2025."),
    ("es", "Será el martes, 3 de marzo de 2025, allí.", "Será el lunes 3 de marzo de 2025."),
    ("it", "Si terrà martedì 3 marzo 2025 a Roma.", "Si terrà lunedì 3 marzo 2025 a Roma."),
    ("pt", "Será na terça-feira, 3 de março de 2025.", "Na segunda-feira, 3 de março de 2025."),
    ("nl", "Het is op dinsdag 3 maart 2025.", "Het is op maandag 3 maart 2025."),
    ("pl", "Spotkanie w środę, 3 marca 2025 r.", "W środę 5 marca 2025 r. w Warszawie."),
    ("cs", "Sejdeme se v úterý 3. března 2025.", "Sejdeme se po 4. březnu 2025, v pondělí 3."),
    ("uk", "Зустріч у середу, 3 березня 2025 року.", "Зустріч у п’ятницю, 7 березня 2025 року."),
    ("ru", "Встреча в среду, 3 марта 2025 года.", "Встреча в пятницу, 7 марта 2025 года."),
    ("ar", "يعقد يوم الثلاثاء 3 مارس 2025 في بروكسل.", "يعقد يوم الاثنين 3 مارس 2025 هنا."),
    ("he", "המפגש ביום שלישי, 3 במרץ 2025 בירושלים.", "המפגש ביום שני, 3 במרץ 2025."),
    ("zh", "会议将于2025年3月3日星期二在北京举行。", "会议将于2025年3月3日（星期一）举行。"),
    ("ja", "会議は2025年3月3日（火）に開かれます。", "会議は2025年3月3日（月）に開かれます。"),
    ("ko", "회의는 2025년 3월 3일(화) 열린다.", "회의는 2025년 3월 3일(월) 열린다."),
    ("sv", "Mötet är tisdag den 3 mars 2025.", "Mötet är måndag den 3 mars 2025."),
    ("tr", "Toplantı 3 Mart 2025 Salı, Ankara.", "Toplantı 3 Mart 2025 Pazartesi, Ankara."),
]


@pytest.mark.parametrize(("language", "wrong", "right"), WEEKDAYS, ids=[w[0] for w in WEEKDAYS])
def test_a_weekday_that_is_not_the_dates(language: str, wrong: str, right: str) -> None:
    """D5."""
    [found] = coded("weekday_mismatch", wrong, language)
    assert found.severity is Severity.WARNING and "Monday" in found.message
    assert found.line == 8 and (found.column or 0) > 1
    assert coded("weekday_mismatch", right, language) == []


@pytest.mark.parametrize(
    "text",
    [
        "It runs Monday–Wednesday, 3–5 March 2025.",
        "Between Tuesday, 4 and Friday, 7 March 2025 it rains.",
        "Open 3–7 March 2025, Monday to Friday.",
    ],
)
def test_weekdays_that_are_right_or_not_certain(text: str) -> None:
    assert coded("weekday_mismatch", text) == []


DOUBLES = [
    ("en", "It is the the law.", "He said that that is so, and had had it. Bora Bora is far."),
    ("de", "Das ist ist gut.", "Leute, die die Arbeit machen, sind sehr sehr gut."),
    ("fr", "Il vote la la loi.", "Nous nous voyons et vous vous trompez."),
    ("es", "Es la la ley.", "Es muy muy grande."),
    ("it", "È la la legge.", "Va piano piano, quasi quasi."),
    ("pt", "É uma uma lei.", "É muito muito grande."),
    ("pl", "To jest jest ustawa.", "To bardzo bardzo dobre."),
    ("uk", "Це закон закон новий.", "Дуже дуже добре."),
    ("ru", "Это закон закон новый.", "Очень очень хорошо."),
    ("ar", "هذا القانون القانون الجديد.", "هذا جيد جدا جدا هنا."),
    ("he", "זה החוק החוק החדש.", "לאט לאט זה טוב."),
    ("nl", "Het is een een wet.", "Mensen die die wet kennen."),
    ("tr", "Bu kanun kanun yeni.", "Çok çok güzel, yavaş yavaş."),
]


@pytest.mark.parametrize(("language", "wrong", "right"), DOUBLES, ids=[d[0] for d in DOUBLES])
def test_words_twice(language: str, wrong: str, right: str) -> None:
    [found] = coded("doubled_word", wrong, language)
    assert found.line == 8 and (found.column or 0) > 1
    assert coded("doubled_word", right, language) == []


@pytest.mark.parametrize("language", ["ms", "id", "sw", "mi", "tl"])
def test_where_doubling_makes_words_nothing_is_said(language: str) -> None:
    assert coded("doubled_word", "Kanak kanak bermain di sekolah.", language) == []


def test_a_double_at_a_sentences_beginning() -> None:
    assert coded("doubled_word", "The the law is good.")
    assert coded("doubled_word", "That that is so is known.") == []


PLACEHOLDERS = [
    ("en", "On March XX we meet.", "Super Bowl XX, the XX Congress and the XX century."),
    ("en", "[NAME] says so.", "“We love this [city],” he said. [name withheld]"),
    ("en", "The price is TBC.", "She fell ill with tuberculosis (TBC)."),
    ("en", "Lorem ipsum dolor.", "Call the number 1 hit."),
    ("en", "Dear ${first_name}, hello.", "It costs $20."),
    ("de", "Am XX. März zahlt er.", "Im XX. Jahrhundert gab es XXL."),
    ("de", "Es kostet XX Euro.", "Das XX. Treffen."),
    ("de", "[Name einfügen] sagt das.", "Er sagt das [1]."),
    ("fr", "[à compléter] dit cela.", "Au XX siècle."),
    ("es", "El XX de marzo.", "El siglo XX y el XX Congreso."),
    ("it", "[da confermare] dice.", "Nel secolo XX."),
    ("pl", "[imię i nazwisko] mówi.", "W XX wieku i w XX w. było."),
    ("ru", "[ИМЯ] сказал это.", "В этом веке."),
    ("uk", "[ім’я] сказав це.", "У цьому столітті."),
    ("he", "[שם] אמר את זה.", "הוא אמר את זה."),
    ("ar", "[الاسم] قال ذلك.", "قال ذلك."),
    ("zh", "【待定】", "这是一个句子。"),
    ("ja", "[氏名]は語った。", "これは文です。"),
]


@pytest.mark.parametrize(
    ("language", "wrong", "right"), PLACEHOLDERS, ids=[f"{p[0]} {p[1]}" for p in PLACEHOLDERS]
)
def test_what_was_to_be_filled_in(language: str, wrong: str, right: str) -> None:
    """D16."""
    [found] = coded("leftover_mark", wrong, language)
    assert found.severity is Severity.WARNING
    assert coded("leftover_mark", right, language) == []


def test_a_template_mark_is_an_error_with_its_place() -> None:
    """D16, contract."""
    [found] = coded("leftover_mark", "It is {{ first_name }} here.")
    assert (found.severity, found.line, found.column) == (Severity.ERROR, 8, 7)


@pytest.mark.parametrize(
    "text",
    [
        "See [more] (https://a.example/x).",
        "See [more](https://a.example/x",
        "See [[https://a.example more]].",
        "See [url=https://a.example]this.",
        "See https//a.example now.",
        "See htpp://a.example now.",
        "See [x](https://a,example) now.",
        "See [x](https://intranet/y) now.",
        "See [x](mailto:foo) now.",
    ],
)
def test_broken_links(text: str) -> None:
    assert coded("broken_link", text)


def test_whole_links_and_brackets_are_none() -> None:
    text = (
        "See https://a.example/x, [t](https://a.example/y(z)) and (see [1]) [2], https://b.example."
    )
    assert coded("broken_link", text) == []


def test_pictures_without_words_or_credit() -> None:
    """C10, D14."""
    bare = "![](https://example.org/a.jpg)\n\nThe text goes on here."
    assert coded("picture_without_alt", bare) and coded("picture_without_credit", bare)
    for text in (
        "![A river](https://example.org/b.png)\n\nPhoto: Ann Bee / Agency",
        "https://example.org/b.jpg – The bridge at dawn. © Ann Bee",
        "Bild der Brücke: https://example.org/b.jpg (Foto: Ann Bee)",
        "Zdjęcie mostu: https://example.org/b.jpg, fot. Ann Bee",
        "Мост: https://example.org/b.jpg (фото: Анна Пчела)",
        "橋の様子 https://example.org/b.jpg 撮影：例太郎",
    ):
        assert coded("picture_without_alt", text) == [], text
        assert coded("picture_without_credit", text) == [], text


def test_each_of_several_pictures_needs_its_credit() -> None:
    text = (
        "![One](https://example.org/a.jpg)\n\nPhoto: Ann Bee\n\nA long way off.\n\nAnd on.\n\n"
        "![Two](https://example.org/b.jpg)\n\nThe end of it."
    )
    [found] = coded("picture_without_credit", text)
    assert "b.jpg" in found.message


QUOTES = [
    ("en", "“We are happy with the law, which helps everybody.”",
     "“We are happy with the law, which helps everybody,” said Ann Bee, head of water."),
    ("de", "„Wir freuen uns sehr über dieses neue Gesetz.“",
     "„Wir freuen uns sehr über dieses neue Gesetz“, sagte Anna Biene."),
    ("fr", "« Nous sommes très heureux de cette loi. »",
     "« Nous sommes très heureux de cette loi », a déclaré Anne Abeille."),
    ("es", "«Estamos muy contentos con esta ley nueva.»",
     "«Estamos muy contentos con esta ley nueva», dijo Ana Abeja."),
    ("it", "«Siamo molto felici di questa nuova legge.»",
     "«Siamo molto felici di questa nuova legge», ha dichiarato Anna Ape."),
    ("pl", "„Bardzo się cieszymy z tej nowej ustawy.”",
     "„Bardzo się cieszymy z tej nowej ustawy” – powiedziała Anna Pszczoła."),
    ("ru", "«Мы очень рады этому новому закону сегодня.»",
     "«Мы очень рады этому новому закону сегодня», — сказала Анна Пчела."),
    ("uk", "«Ми дуже раді цьому новому закону сьогодні.»",
     "«Ми дуже раді цьому новому закону сьогодні», — сказала Анна Бджола."),
    ("he", "\"אנחנו שמחים מאוד על החוק החדש הזה.\"",
     "\"אנחנו שמחים מאוד על החוק החדש הזה\", אמרה אנה דבורה."),
    ("ar", "«نحن سعداء جدا بهذا القانون الجديد هنا.»",
     "«نحن سعداء جدا بهذا القانون الجديد هنا»، قالت آنا."),
    ("zh", "“我们对这项法律感到非常高兴，它将帮助所有人。”",
     "安娜表示：“我们对这项法律感到非常高兴，它将帮助所有人。”"),
    ("ja", "「私たちはこの法律をとてもうれしく思います。」",
     "「私たちはこの法律をとてもうれしく思います。」とアンナ氏は述べた。"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "wrong", "right"), QUOTES, ids=[q[0] for q in QUOTES])
def test_quotations_without_a_speaker(language: str, wrong: str, right: str) -> None:
    """D15."""
    [found] = coded("quote_without_speaker", f"{wrong}\n\n2025.", language)
    assert found.line == 8
    assert coded("quote_without_speaker", f"{right}\n\n2025.", language) == []


@pytest.mark.parametrize(
    "text",
    [
        "The film “A long title of a film that nobody saw” won the Golden Bear.",
        "According to Ann Bee, “we are happy with the law which helps everybody.”",
        "Ann Bee welcomes it:\n\n“We are happy with the law, which helps everybody.”",
        "“We are happy,” said Ann Bee.\n\n“The law helps everybody who drinks water at all.”",
    ],
)
def test_quotations_whose_speaker_stands_beside(text: str) -> None:
    assert coded("quote_without_speaker", text) == []


EMBARGO = "embargo: 2025-03-08T10:00 Europe/Brussels\n"  # a Saturday


@pytest.mark.parametrize(
    ("contact", "off"),
    [
        ("Ann Bee, ann@example.org, Mon–Fri 9:00–17:00 CET", True),
        ("Ann Bee, ann@example.org, weekdays 9-5", True),
        ("Ann Bee, +1 212 555 1234, ann@example.org, 9:00–17:00", True),
        ("Ann Bee, ann@example.org, Mo–Fr 9–17 Uhr", True),
        ("Ann Bee, ann@example.org, daily 9am-5pm CET", False),
        ("Ann Bee, ann@example.org, 24/7", False),
        ("Ann Bee, ann@example.org, Sa 9–12 Uhr", False),
        ("Ann Bee, +1 212 555 1234, ann@example.org, 03:00–17:00", False),
    ],
)
def test_contacts_at_the_lift_in_their_own_zone(contact: str, off: bool) -> None:
    """D13: 10:00 in Brussels is 04:00 in New York, where +1 212 rings."""
    assert bool(coded("contact_off_at_lift", "It is.", front=EMBARGO, contact=contact)) is off
    assert coded("contact_without_hours", "It is.", front=EMBARGO, contact=contact) == []


def test_hours_are_asked_for_under_an_embargo_alone() -> None:
    assert coded("contact_without_hours", "It is.", front=EMBARGO)
    assert coded("contact_without_hours", "It is.") == []


def test_one_contact_who_answers_is_enough() -> None:
    contact = "Ann Bee, ann@example.org, Mon–Fri 9–17 CET\n\nBob Cee, bob@example.org, 24/7"
    assert coded("contact_off_at_lift", "It is.", front=EMBARGO, contact=contact) == []


@pytest.mark.parametrize(
    ("address", "domain", "outside"),
    [
        ("ann@gmail.example", "example.org", True),
        ("ann@example.org", "example.org", False),
        ("ann@press.example.org", "example.org", False),
        ("ann@example.org", "news.example.org", False),
        ("ann@a.example.org", "b.example.org", False),
        ("ann@a.co.uk", "b.co.uk", True),
        ("ann@notexample.org", "example.org", True),
    ],
)
def test_contacts_at_another_domain(address: str, domain: str, outside: bool) -> None:
    """D13."""
    found = coded("contact_outside_domain", "It.", contact=f"Ann Bee, {address}", domain=domain)
    assert bool(found) is outside


GERMAN = "Die Stiftung begrüßt, dass das neue Gesetz für alle in der Stadt gilt und sofort wirkt."
ENGLISH = (
    "The foundation welcomes that the new law is in force for all people of the city from today on."
)
RUSSIAN = (
    "Фонд приветствует новый закон, который действует для всех жителей города с сегодняшнего дня."
)
HEBREW = "הקרן מברכת על החוק החדש שנכנס היום לתוקף עבור כל תושבי העיר והאזור כולו."
POLISH = (
    "Fundacja cieszy się, że nowa ustawa jest w mocy dla wszystkich i że to się stało już od dziś."
)
JAPANESE = "財団は本日、市民のための新しい法律が施行されたことを歓迎しました。"
UKRAINIAN = "Фонд вітає новий закон, який діє для всіх мешканців міста вже з сьогоднішнього дня."
PASSAGES = {"de": GERMAN, "en": ENGLISH, "ru": RUSSIAN, "he": HEBREW, "pl": POLISH, "ja": JAPANESE}


@pytest.mark.parametrize("language", PASSAGES)
@pytest.mark.parametrize("other", PASSAGES)
def test_a_passage_in_another_language(language: str, other: str) -> None:
    said = [each for each in coded("other_language", PASSAGES[other], language) if each.line == 8]
    assert bool(said) is (language != other)


def test_what_somebody_says_may_be_in_any_language() -> None:
    assert not [
        each
        for each in coded("other_language", f"„{ENGLISH}“, sagte Anna Biene.", "de")
        if each.line == 8
    ]
    assert not [e for e in coded("other_language", f"> {ENGLISH}", "de") if e.line == 8]


def test_latin_names_in_another_script_are_no_passage() -> None:
    text = "PostgreSQL 14 ו-PostgreSQL Global Development Group תומכים ב-JSON וב-SQL."
    assert not [e for e in coded("other_language", text, "he") if e.line == 8]


def test_english_headings_around_another_language() -> None:
    said = " ".join(each.message for each in coded("other_language", GERMAN, "de"))
    assert "About Example Foundation" in said and "Media contact" in said
    assert coded("other_language", ENGLISH, "en") == []


def test_near_languages_are_not_taken_for_each_other() -> None:
    assert not [e for e in coded("other_language", UKRAINIAN, "ru") if e.line == 8]
