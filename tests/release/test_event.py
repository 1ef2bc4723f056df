"""Invitations: the event in the front matter, and behind WHAT, WHEN, WHERE in the text."""

from __future__ import annotations

from datetime import date

import pytest
from mailer.clock import to_datetime
from mailer.release import check, from_json, to_json
from mailer.release.account import account
from mailer.release.describe import describe
from mailer.release.diff import differences
from mailer.release.model import Event, Kind, Moment, Release
from mailer.release.preflight import Setting

from tests.release.reading import errors, read

TODAY = date(2026, 11, 20)
END = "\n\nMedia contact: Ann Bee, press officer, ann@harbour.example, Mon-Fri 12:00-17:00 CET\n"
LEAD = "\n\nThe Harbour Trust invites journalists to see how the tide is measured.\n\n"

TEXTS = {
    "en": ("Media advisory: the tide laboratory opens", "WHAT: A tour\nWHEN: Tuesday 1 December "
           "2026, 10:00–11:30 CET (09:00 GMT)\nWHERE: Tide House, Quay 14, 1040 Brussels"),
    "fr": ("Invitation presse : le laboratoire ouvre", "Quoi : une visite\nQuand : mardi 1er "
           "décembre 2026, de 10h00 à 11h30\nOù : Maison des marées, rue de Berlin 3, 75007 Paris"),
    "de": ("Einladung zur Pressekonferenz: das Labor öffnet", "Was: Führung\nWann: Dienstag, "
           "1. Dezember 2026, 10 bis 11.30 Uhr\nWo: Gezeitenhaus, Kai 14, 10117 Berlin"),
    "es": ("Convocatoria de prensa: abre el laboratorio", "Qué: visita\nCuándo: martes, 1 de "
           "diciembre de 2026, 10:00 h\nDónde: Casa de las Mareas, 28004 Madrid"),
    "it": ("Invito stampa: apre il laboratorio", "Cosa: visita\nQuando: martedì 1 dicembre 2026, "
           "ore 10.00\nDove: Casa delle Maree, via del Porto 14, 00184 Roma"),
    "nl": ("Persuitnodiging: het lab opent", "Wat: rondleiding\nWanneer: dinsdag 1 december 2026, "
           "10.00 uur\nWaar: Getijdenhuis, Kade 14, 1011 AB Amsterdam"),
    "pl": ("Zaproszenie dla mediów: laboratorium otwarte", "Co: zwiedzanie\nKiedy: wtorek, "
           "1 grudnia 2026 r., godz. 10:00\nGdzie: Dom Pływów, ul. Portowa 14, 00-123 Warszawa"),
    "pt": ("Convite à imprensa: abre o laboratório", "O quê: visita\nQuando: terça-feira, 1 de "
           "dezembro de 2026, 10h00\nOnde: Casa das Marés, rua do Porto 14, Lisboa"),
    "ru": ("Приглашение для СМИ: лаборатория открыта", "Что: экскурсия\nКогда: вторник, 1 декабря "
           "2026 года, 10:00 МСК\nГде: Дом приливов, Портовая ул., 14"),
    "uk": ("Запрошення для медіа: лабораторію відкрито", "Що: екскурсія\nКоли: вівторок, 1 грудня "
           "2026 року, 10:00\nДе: Дім припливів, вул. Портова, 14, Київ"),
    "ar": ("دعوة صحفية: مختبر المد يفتح أبوابه", "ماذا: جولة\nمتى: الثلاثاء 1 ديسمبر 2026، 10:00 "
           "بتوقيت غرينتش\nأين: بيت المد، شارع الميناء 14"),
    "he": ("הזמנה לעיתונאים: המעבדה נפתחת", "מה: סיור\nמתי: יום שלישי, 1 בדצמבר 2026, 10:00 "
           "שעון ישראל\nאיפה: בית הגאות, רחוב הנמל 14, תל אביב"),
    "zh": ("媒体邀请函：潮汐实验室开放", "内容：参观\n时间：2026年12月1日（星期二）上午10时 "
           "北京时间\n地点：潮汐馆，港口路14号"),
    "ja": ("記者説明会のお知らせ：潮汐研究所を公開", "内容：見学\n日時：2026年12月1日（火）午前10時"
           "（日本時間）\n場所：潮汐館、港通り14"),
}  # fmt: skip
STARTS = {
    **dict.fromkeys(("en", "fr", "de", "es", "it", "nl", "pl"), "09:00"),
    **{"pt": "10:00", "ru": "07:00", "uk": "08:00", "ar": "10:00", "he": "08:00"},
    **{"zh": "02:00", "ja": "01:00"},
}


def invitation(text: str, name: str = "advisory.txt") -> Release:
    """Read a text as of some days before the event."""
    return read(text, name, today=TODAY)


def codes(release: Release) -> list[str]:
    """The codes of all findings on an invitation."""
    setting = Setting(today=TODAY, zone="Europe/Brussels")
    return [one.code for one in check(release, setting=setting)]


@pytest.mark.parametrize("language", TEXTS)
def test_labels_in_the_languages_of_newsrooms(language: str) -> None:
    """D9: the event is read, the words stay in the body, the kind is said."""
    title, block = TEXTS[language]
    text = f"---\nlanguage: {language}\n---\n{title}\n\n{block}{END}"
    release = invitation(text)
    event = release.event
    assert release.kind is Kind.ADVISORY
    assert release.headline == title
    assert event is not None and event.start.instant is not None, release.findings
    assert to_datetime(event.start.instant).strftime("%Y-%m-%d %H:%M") == (
        f"2026-12-01 {STARTS[language]}"
    )
    assert event.place and event.what
    shown = "\n".join(part.text for part in (release.lead, *release.body) if part)
    assert all(line in shown for line in block.split("\n"))
    assert account(text, release) == []
    assert "event_recognised" in codes(release)
    assert from_json(to_json(release)) == release


@pytest.mark.parametrize(
    ("when", "start", "end"),
    [
        ("Tuesday 1 December 2026, 10 to 11:30 am CET", "09:00", "10:30"),
        ("1 December 2026, 10:00-11:30 Brussels time", "09:00", "10:30"),
        ("December 1, 2026 at 11 am – noon ET", "16:00", "17:00"),
        ("1 December 2026 at 15:00 (Kyiv)", "13:00", None),
        ("10:00 CET / 04:00 EST, 1 December 2026", "09:00", None),
        ("1 December 2026, 22:00–02:00 CET", "21:00", "01:00"),
        ("2026-12-01 10:00 Europe/Warsaw", "09:00", None),
    ],
)
def test_times_that_are_certain(when: str, start: str, end: str | None) -> None:
    """D9, D5: ranges, several zones that say the same instant, ISO."""
    event = invitation(f"MEDIA ADVISORY\n\nA tour{LEAD}WHEN: {when}\nWHERE: Tide House{END}").event
    assert event is not None and event.start.instant is not None
    assert f"{to_datetime(event.start.instant):%H:%M}" == start
    shown = event.end and event.end.instant and f"{to_datetime(event.end.instant):%H:%M}"
    assert shown == end


def test_the_zone_of_the_front_matter_counts_where_the_text_names_none() -> None:
    """D9, D5: a city that is no zone's name leaves it open; `timezone` says it."""
    text = f"MEDIA ADVISORY\n\nA tour{LEAD}WHEN: 1 December 2026, 10:00\nWHERE: 20095 Hamburg{END}"
    assert invitation(text).event is None
    event = invitation(f"---\ntimezone: Europe/Berlin\n---\n{text}").event
    assert event is not None and event.start.instant is not None
    assert f"{to_datetime(event.start.instant):%H:%M}" == "09:00"
    strange = invitation(f"---\ntimezone: Europe/Hamburg\n---\n{text}")
    assert "Hamburg' is not a known time zone" in str(strange.findings)


@pytest.mark.parametrize(
    ("where", "zone"),
    [
        ("Main Library, 12 Park Road, London", "Europe/London"),
        ("Main Library, London WC2N 5DN, United Kingdom", "Europe/London"),
        ("Town Hall, London, UK", "Europe/London"),
        ("Town Hall, Paris, France", "Europe/Paris"),
        ("Town Hall, Istanbul, Türkiye", "Asia/Istanbul"),
        ("Main Library, London, Ontario", None),
        ("Main Library, London, Canada", None),
        ("Town Hall, Paris, Texas 75460, USA", None),
    ],
)
def test_the_zone_of_a_city_that_is_surely_meant(where: str, zone: str | None) -> None:
    """D5: a city has namesakes; what stands behind it must be its country, or the zone is asked."""
    text = f"MEDIA ADVISORY\n\nA tour{LEAD}WHEN: 1 December 2026, 10:00\nWHERE: {where}{END}"
    event = invitation(text).event
    assert (event and event.zone) == zone


@pytest.mark.parametrize(
    ("when", "days"),
    [
        ("Tuesday 1 December 2026", (1, None)),
        ("1–3 December 2026", (1, 3)),
        ("from 1 December 2026 to 3 December 2026", (1, 3)),
    ],
)
def test_whole_days(when: str, days: tuple[int, int | None]) -> None:
    """D9: an event without a time of day."""
    event = invitation(f"MEDIA ADVISORY\n\nA tour{LEAD}WHEN: {when}\nWHERE: Tide House{END}").event
    assert event is not None and event.start == Moment(date(2026, 12, days[0]))
    assert event.end == (Moment(date(2026, 12, days[1])) if days[1] else None)


@pytest.mark.parametrize(
    "when",
    [
        "Monday 1 December 2026, 10:00 CET",
        "1 December 2026, 10:00",
        "1 December 2026, 10:00 CET; doors open at 09:30 CET",
        "1 December 2026, 10:00 IST",
        "1 December 2026, midnight CET",
        "early next year",
        "1 and 2 December 2026, 10:00 CET",
        "1 July 2026, 10:00 CET",
        "1 December 2026, 10:00–9:00 CET",
        "31 December 9999, 11 pm – 1 am CET",
    ],
)
def test_times_that_are_not_certain_are_left_to_the_author(when: str) -> None:
    """D5: never a guess; a finding says how to give it."""
    release = invitation(f"MEDIA ADVISORY\n\nA tour{LEAD}WHEN: {when}\nWHERE: Tide House{END}")
    assert release.kind is Kind.ADVISORY and release.event is None
    finding = next(one for one in release.findings if one.code == "event_not_read")
    assert finding.line == 7 and "event:" in (finding.suggestion or "")


def test_shapes_of_the_block() -> None:
    """D9: bold labels, headings, a list and a table are the same block."""
    rows = {
        "When": "Tuesday 1 December 2026, 10:00 CET",
        "Where": "Tide House, Brussels",
        "RSVP": "by 27 November 2026 to press@harbour.example, +32 2 555 01 20",
        "Photo opportunity": "the first wave",
    }
    shapes = [
        "\n\n".join(f"**{name}:** {text}" for name, text in rows.items()),
        "\n\n".join(f"## {name}\n\n{text}" for name, text in rows.items()),
        "\n".join(f"- **{name}**: {text}" for name, text in rows.items()),
        "| | |\n|---|---|\n" + "\n".join(f"| {n} | {text} |" for n, text in rows.items()),
    ]
    events = []
    for shape in shapes:
        release = invitation(f"# Press conference on tides{LEAD}{shape}{END}", "a.md")
        assert release.kind is Kind.ADVISORY
        assert release.event is not None, shape
        events.append(release.event)
        assert [contact.name for contact in release.contacts] == ["Ann Bee"]
    for event in events:
        assert (event.start, event.place) == (events[0].start, ("Tide House, Brussels",))
        assert event.access_email == "press@harbour.example"
        assert event.access_phone == "+32 2 555 01 20"
        assert event.deadline == Moment(date(2026, 11, 27))
        assert event.photo == "the first wave"


def test_date_and_time_on_lines_of_their_own_and_a_contact_right_below() -> None:
    """D9: what belongs together is read together, and no more."""
    block = "Date: Tuesday, 1 December 2026\nTime: 10.00–11.00 (CET)\nVenue: Quay 14, Brussels"
    contact = "Media contact: Ann Bee, ann@harbour.example"
    release = invitation(f"MEDIA ADVISORY\n\nA tour{LEAD}{block}\n{contact}\n")
    assert release.event is not None and release.event.start.instant is not None
    assert f"{to_datetime(release.event.start.instant):%H:%M}" == "09:00"
    assert [one.name for one in release.contacts] == ["Ann Bee"]


def test_other_texts_are_no_invitations() -> None:
    """D9: a release may have such lines too, and one without a place is none."""
    block = "WHEN: 1 December 2026, 10:00 CET\nWHERE: Tide House, Brussels"
    release = invitation(f"PRESS RELEASE\n\nInvitation to tender{LEAD}{block}{END}")
    assert (release.kind, release.event) == (Kind.RELEASE, None)
    release = invitation(f"Water rises by a metre{LEAD}{block}{END}")
    assert (release.kind, release.event) == (Kind.RELEASE, None)
    dated = "Date: 1 December 2026\nLocation: Brussels"
    release = invitation(f"PRESS RELEASE\n\n{dated}\n\nWater rises by a metre{LEAD}{END}")
    assert release.event is None and release.dateline is not None
    release = invitation(f"Press conference{LEAD}WHEN: 1 December 2026, 10:00 CET{END}")
    assert (release.kind, release.event) == (Kind.RELEASE, None)


FULL = """---
event:
  what: A tour of the laboratory
  start: 2026-12-01 10:00
  end: "11:30"
  zone: Europe/Brussels
  place: [Tide House, "Quay 14, 1040 Brussels"]
  online: https://harbour.example/live
  who: [Dr Ines Okafor, Prof. Lars Holm]
  rsvp: {text: Seats are few, email: rsvp@harbour.example, by: 2026-11-27}
  photo opportunity: The first wave
  languages: [en, uk]
---
# The tide laboratory opens

The Harbour Trust opens its laboratory on the quay to everybody who asks.
"""


def test_front_matter_states_all() -> None:
    """D9: the author's own words, in YAML."""
    release = invitation(FULL + END, "a.md")
    event = release.event
    assert release.kind is Kind.ADVISORY and event is not None
    assert event.start.instant is not None and event.end is not None
    assert f"{to_datetime(event.start.instant):%H:%M}" == "09:00"
    assert event.place == ("Tide House", "Quay 14, 1040 Brussels")
    assert event.who == ("Dr Ines Okafor", "Prof. Lars Holm")
    assert (event.access, event.access_email) == ("Seats are few", "rsvp@harbour.example")
    assert event.deadline == Moment(date(2026, 11, 27)) and event.languages == "en, uk"
    assert event.stated and event.line == 2
    assert "Tide House" in str(describe(release))
    moved = invitation(FULL.replace("10:00", "10:15") + END, "a.md")
    assert [one.part for one in differences(release, moved)] == ["event"]


def test_front_matter_in_toml_and_as_one_line() -> None:
    """D9."""
    toml = invitation(
        '+++\n[event]\nstart = 2026-12-01T10:00:00\nzone = "Europe/Kyiv"\n+++\n# A b\n'
    )
    line = invitation("---\nevent: Tuesday 1 December 2026, 10:00 Kyiv time\n---\n# A b\n")
    assert toml.event is not None and line.event is not None
    assert toml.event.start == line.event.start
    assert toml.event.zone == line.event.zone == "Europe/Kyiv"


@pytest.mark.parametrize(
    ("event", "code", "line"),
    [
        ("what: x", "event_without_start", 2),
        ("start: 2026-12-01 10:00", "event_without_zone", 3),
        ("start: 2026-12-01 10:00 Europe/Brusels", "event_without_zone", 3),
        ("start: 2027-03-28 02:30\n  zone: Europe/Brussels", "event_in_gap", 3),
        ("zone: Europe/Brussels\n  start: 2027-10-31 02:30", "event_in_fold", 4),
        ("start: Monday 1 December 2026, 10:00 CET", "event_weekday_mismatch", 3),
        ("start: 2026-13-01", "event_without_start", 3),
        ("start: 9999-12-31", "event_without_start", 3),
        ("start: 9999-12-31 23:59\n  zone: America/New_York", "event_without_zone", 3),
        ("start: 2026-12-01 99:99\n  zone: UTC", "event_without_start", 3),
        ("start: 2026-12-01 10:00 UTC\n  end: 25:00", "event_without_start", 4),
        (
            "start: 2026-12-01 10:00 UTC\n  deadline: 27 November 2026 at 6",
            "event_without_start",
            4,
        ),
        ("start: 2026-12-01\n  end: 2026-12-01 12:00 UTC", "event_without_start", 4),
        (
            "zone: UTC\n  start: 2026-12-01 10:00\n  end: 2026-12-01 09:00",
            "event_ends_before_start",
            2,
        ),
    ],
)
def test_front_matter_that_is_wrong(event: str, code: str, line: int) -> None:
    """D9, H2: an error with its line, never a guess."""
    release = invitation(f"---\nevent:\n  {event}\n---\n# A b\n\nThe lead is here.{END}", "a.md")
    found = [one for one in check(release, today=TODAY) if one.severity == "error"]
    assert [(one.code, one.line) for one in found] == [(code, line)]


def test_checks_of_an_event() -> None:
    """D9: past, place, last day, contact at the door, embargo."""
    text = FULL.replace("---\nevent", "---\nembargo: 2026-11-30 09:00 CET\nevent") + END
    assert {"contact_off_at_event", "advisory_under_embargo"} <= set(codes(invitation(text)))
    assert "event_in_the_past" not in codes(invitation(text))
    for old, new, code in (
        ("2026-12-01 10", "2026-11-02 10", "event_in_the_past"),
        ("by: 2026-11-27", "by: 2026-11-19", "event_deadline"),
        ("by: 2026-11-27", "by: 2026-12-02", "event_deadline"),
    ):
        assert code in codes(invitation(text.replace(old, new))), code
    bare = "---\nevent: 2026-12-01 12:00 CET\n---\n# A b\n\nThe lead is here."
    assert "event_without_place" in codes(invitation(bare + END))
    assert "contact_off_at_event" not in codes(invitation(bare + END))
    assert "event_not_read" in codes(invitation(f"---\nkind: advisory\n---\n# A b\n\nLead.{END}"))
    assert not errors(invitation(bare + END))


def test_an_event_is_a_value() -> None:
    """Model: only the start is needed."""
    assert Event(Moment(TODAY), "UTC").place == ()
