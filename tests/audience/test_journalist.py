"""From cells to fields: what nobody meant is taken off, what people wrote stays."""

from __future__ import annotations

import unicodedata
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.audience.journalist import (
    clean_beats,
    clean_country,
    clean_date,
    clean_language,
    clean_name,
    clean_zone,
    outlet_type_of,
    split_comma_name,
    split_full_name,
)


@pytest.mark.parametrize(
    "name",
    [
        "ANNA NOWAK",
        "van 't Veer",
        "O’Neill",
        "d'Aubigné",
        "Юлія",
        "佐藤",
        "بنعلي",
        "Ifẹ́olúwa",
        "<b>Ann</b>",
        "{{7*7}} Ann",
        "=1+1",
        "نمونه\u200cشهر",
    ],
)
def test_names_stay_as_people_write_them(name: str) -> None:
    """E7: capitals, scripts, apostrophes and joiners are the person's own."""
    assert clean_name(unicodedata.normalize("NFC", name)) == (
        unicodedata.normalize("NFC", name),
        (),
    )


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\u00ad", "\ufeff", "\u200f", " ", "\u00a0"])
def test_invisible_characters_come_off(mark: str) -> None:
    """E7"""
    assert clean_name(f"{mark}Nowak") == ("Nowak", ())
    assert clean_name(f"Nowak{mark}") == ("Nowak", ())


@pytest.mark.parametrize(
    "text",
    [
        "Ann\r\nBcc: all@example.com",
        "Ann\nSubject: hello",
        "Ann\r\n\r\n<p>x</p>",
        "Ann\u2028Bcc: all@example.com",
        "Ann\u0085Bcc: all@example.com",
        "Ann%0ACc:x@example.net",
        "Ann%0d%0aCc:x@example.net",
    ],
)
def test_injected_headers_are_cut_off_and_told(text: str) -> None:
    """B11: a line end in a name never reaches a header, nor does what follows it."""
    name, warnings = clean_name(text)
    assert name == "Ann"
    assert warnings == ("there was a line end inside the name: what followed it was cut off",)


@given(st.text())
def test_no_name_holds_what_a_header_must_not(text: str) -> None:
    """B11: no control, no line end of any kind, in NFC."""
    name, _ = clean_name(text)
    assert not any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in name)
    assert name == unicodedata.normalize("NFC", name)
    assert name == name.strip()
    assert clean_name(name)[0] == name


def test_decomposed_names_are_the_composed_ones() -> None:
    """E7"""
    assert clean_name(unicodedata.normalize("NFD", "Müller")) == ("Müller", ())


@pytest.mark.parametrize("text", ["MÃ¼ller", "FranÃ§ois", "Å\ufffdukasz", "Ð\u2022Ð»ÐµÐ½Ð°"])
def test_garbled_names_are_told_not_mended(text: str) -> None:
    """E7"""
    name, warnings = clean_name(text)
    assert name == text
    assert warnings == (f"the name “{text}” looks garbled by a wrong encoding",)


@pytest.mark.parametrize(
    ("text", "name", "warning"),
    [
        ("?", "", "the name “?” has no letter and was left out"),
        ("-", "", "the name “-” has no letter and was left out"),
        ("????", "", "letters of the name “????” were lost (they are “?” now)"),
        ("?ukasz", "?ukasz", "letters of the name “?ukasz” were lost (they are “?” now)"),
    ],
)
def test_nobody_is_greeted_by_question_marks(text: str, name: str, warning: str) -> None:
    """E7: what a code page lost is told, and no name is better than none of its letters."""
    assert clean_name(text) == (name, (warning,))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Nowak, Anna", "Anna", "Nowak"),
        ("van der Berg, Jan", "Jan", "van der Berg"),
        ("Smith, Jr.", "", "Smith, Jr."),
        ("Nowak, Anna, editor", "", "Nowak, Anna, editor"),
        ("Nowak,", "", "Nowak,"),
        ("Anna Nowak", "", "Anna Nowak"),
    ],
)
def test_a_comma_divides_last_from_first_name(text: str, first: str, last: str) -> None:
    """B10, E7"""
    assert split_comma_name(text) == (first, last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Arjun Sharma", "Arjun", "Sharma"),
        ("Sharma, Arjun", "Arjun", "Sharma"),
        ("Anna van der Berg", "Anna", "van der Berg"),
        ("Jean-Baptiste de La Tour", "Jean-Baptiste", "de La Tour"),
        ("José Ortiz y Pino", "José", "Ortiz y Pino"),
        ("María José García", "María José", "García"),
        ("John Smith Jr.", "John", "Smith Jr."),
        ("Suharti", "", "Suharti"),
        ("佐藤美咲", "", "佐藤美咲"),
    ],
)
def test_one_column_of_names_is_divided(text: str, first: str, last: str) -> None:
    """E7"""
    assert split_full_name(text) == (first, last)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1, max_size=6))
def test_dividing_a_name_loses_nothing(words: list[str]) -> None:
    """E7"""
    first, last = split_full_name(" ".join(words))
    assert f"{first} {last}".strip() == " ".join(words)
    assert last


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PL", "PL"),
        ("pl", "PL"),
        ("Poland", "PL"),
        ("Polska", "PL"),
        ("UK", "GB"),
        ("Éire", "IE"),
        ("臺灣", "TW"),
        ("台湾", "TW"),
        ("대한민국", "KR"),
        ("Suid-Afrika", "ZA"),
        ("Türkiye", "TR"),
        ("Viet Nam", "VN"),
        ("საქართველო", "GE"),
        ("DEUTSCHLAND", "DE"),
        ("Allemagne", "DE"),
        ("Німеччина", "DE"),
    ],
)
def test_countries_are_understood_in_many_languages(text: str, code: str) -> None:
    """E7"""
    assert clean_country(text) == (code, ())


@pytest.mark.parametrize("text", ["Europe", "XX", "UK/IE", "EU", "Czechoslovakia", "?", "48"])
def test_what_is_no_country_is_told(text: str) -> None:
    """E7"""
    assert clean_country(text) == ("", (f"the country “{text}” is not known",))


@pytest.mark.parametrize("tag", ["pl", "pt-BR", "zh-Hant", "es-MX", "fr-CA", "nb", "zh-Hans"])
def test_language_tags_pass(tag: str) -> None:
    """E7"""
    assert clean_language(tag) == (tag, ())


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("PL", "pl"),
        ("zh_CN", "zh-CN"),
        ("Deutsch", "de"),
        ("english", "en"),
        ("fr;en", "fr"),
        ("Polish/English", "pl"),
        ("pt-br", "pt-BR"),
        ("українська", "uk"),
    ],
)
def test_languages_otherwise_written_are_read_and_told(text: str, tag: str) -> None:
    """E7"""
    assert clean_language(text) == (tag, (f"the language “{text}” was read as “{tag}”",))


@pytest.mark.parametrize("text", ["xx", "?", "48"])
def test_what_is_no_language_is_told(text: str) -> None:
    """E7"""
    assert clean_language(text) == ("", (f"the language “{text}” is not known",))


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Warsaw", "Europe/Warsaw"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("US/Eastern", "America/New_York"),
        ("GB", "Europe/London"),
        ("Japan", "Asia/Tokyo"),
        ("Poland", "Europe/Warsaw"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Pacific/Chatham", "Pacific/Chatham"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("Atlantic/Reykjavik", "Atlantic/Reykjavik"),
        ("europe/warsaw", "Europe/Warsaw"),
    ],
)
def test_zones_and_their_old_names_are_one(text: str, zone: str) -> None:
    """E7: an alias is the same zone."""
    assert clean_zone(text, "") == (zone, ())


@pytest.mark.parametrize(
    "text",
    ["CET", "GMT+1", "UTC+02:00", "Europe/Wroclaw", "EST5", "+01:00", "Central European Time"],
)
def test_offsets_fall_back_to_the_country(text: str) -> None:
    """E7: an offset does not say when the clocks change."""
    zone, warnings = clean_zone(text, "PL")
    assert zone == "Europe/Warsaw"
    assert warnings == (f"the time zone “{text}” is no zone of a place: Europe/Warsaw was taken",)
    assert clean_zone(text, "") == ("", (f"the time zone “{text}” is no zone of a place",))


def test_no_zone_falls_back_to_the_country() -> None:
    """E7"""
    assert clean_zone("", "UA") == ("Europe/Kyiv", ())
    assert clean_zone("", "BR") == ("America/Sao_Paulo", ())
    assert clean_zone("", "") == ("", ())


@pytest.mark.parametrize(
    "code", ["PL", "US", "RU", "AU", "CA", "CL", "NZ", "KZ", "ID", "XK", "AQ", "VA", "CN", "CD"]
)
def test_the_zone_of_a_country_is_one_that_programs_know(code: str) -> None:
    """E7"""
    zone, _ = clean_zone("", code)
    assert zoneinfo.ZoneInfo(zone).key == zone


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2020-12-31", "2020-12-31"),
        ("2020-12-31T10:00:00Z", "2020-12-31"),
        ("2020/12/31", "2020-12-31"),
        ("31.12.2020", "2020-12-31"),
        ("1.2.2020", "2020-02-01"),
        ("31-12-2020", "2020-12-31"),
        ("12/31/2020", "2020-12-31"),
        ("31/12/2020", "2020-12-31"),
        ("44196", "2020-12-31"),
        ("44196.5", "2020-12-31"),
        ("2020", "2020"),
        ("", ""),
    ],
)
def test_dates_are_read_in_the_forms_lists_have(text: str, date: str) -> None:
    """E7: the date of the source is evidence."""
    assert clean_date(text) == (date, ())


def test_dates_that_are_none_stay_and_are_told() -> None:
    """E7"""
    assert clean_date("31.02.2020") == ("31.02.2020", ("there is no such date as “31.02.2020”",))
    assert clean_date("spring") == ("spring", ("the date “spring” is not understood",))
    assert clean_date("03/04/2020") == (
        "2020-03-04",
        ("the date “03/04/2020” was read as month, day, year",),
    )


@pytest.mark.parametrize(
    ("text", "beats"),
    [
        ("human rights; EU affairs", ("human rights", "EU affairs")),
        ("human rights;EU affairs;", ("human rights", "EU affairs")),
        ("human rights, EU affairs", ("human rights", "EU affairs")),
        ("arms, trade; EU affairs", ("arms, trade", "EU affairs")),
        ("eu  affairs", ("eu affairs",)),
        ("AI; ai; Ai", ("AI",)),
        ("", ()),
        (" ; ,", (",",)),
    ],
)
def test_beats_are_divided(text: str, beats: tuple[str, ...]) -> None:
    """E7"""
    assert clean_beats(text) == beats


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("daily", "daily"),
        ("Daily newspaper", "daily"),
        ("www", "online"),
        ("news agency", "agency"),
        ("trade press", "trade"),
        ("local paper", "local"),
        ("tygodnik", "weekly"),
        ("Nachrichtenagentur", "agency"),
        ("newsletter of a parish", "newsletter of a parish"),
        ("", ""),
    ],
)
def test_kinds_of_outlets_have_one_spelling(text: str, kind: str) -> None:
    """E7: segments choose by kind."""
    assert outlet_type_of(text) == kind
