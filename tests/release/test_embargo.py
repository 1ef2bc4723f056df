"""Embargo lines in words: the instant for certain, or an error that says why not."""

from __future__ import annotations

import pytest
from mailer.clock import to_datetime
from mailer.release.model import Severity

from tests.release.reading import errors, read, warnings

REST = "\n\nThe headline of it\n\nThe lead is a sentence.\n\nContact: Ann Bee, a@example.org\n"


@pytest.mark.parametrize(
    ("line", "instant"),
    [
        ("EMBARGOED UNTIL Monday 3 March 2025, 09:00 CET", "2025-03-03T08:00"),
        ("STRICTLY EMBARGOED UNTIL 00:01 GMT, 3 March 2025", "2025-03-03T00:01"),
        ("Embargo: 3 July 2025, 00:01 BST", "2025-07-02T23:01"),
        ("EMBARGOED until March 3, 2025 at 9 a.m. ET", "2025-03-03T14:00"),
        ("Hold until Tuesday, July 1, 2025, 12:01 a.m. Eastern Time", "2025-07-01T04:01"),
        ("EMBARGOED UNTIL 3 March 2025, noon Brussels time", "2025-03-03T11:00"),
        ("Under embargo until 3 March 2025 09:00 (New York)", "2025-03-03T14:00"),
        ("EMBARGOED UNTIL 3 March 2025 0900 hrs UTC+2", "2025-03-03T07:00"),
        ("EMBARGO 2025-03-03T09:00+01:00", "2025-03-03T08:00"),
        ("EMBARGO 2025-03-03 09:00 Europe/Warsaw", "2025-03-03T08:00"),
        ("SPERRFRIST: Montag, 3. März 2025, 9.00 Uhr MEZ", "2025-03-03T08:00"),
        ("Sous embargo jusqu’au lundi 3 mars 2025, 9h00, heure de Paris", "2025-03-03T08:00"),
        ("EMBARGO do poniedziałku 3 marca 2025, godz. 9:00 CET", "2025-03-03T08:00"),
        ("Not for publication before 30 March 2025, 03:30 CEST", "2025-03-30T01:30"),
    ],
)
def test_lines_that_are_certain(line: str, instant: str) -> None:
    """D2, D5."""
    language = {"SPERR": "de", "Sous ": "fr", "EMBARGO do": "pl"}
    code = next((lang for start, lang in language.items() if line.startswith(start)), "en")
    release = read(f"---\nlanguage: {code}\n---\n{line}{REST}")
    assert release.embargo is not None
    assert to_datetime(release.embargo.instant).strftime("%Y-%m-%dT%H:%M") == instant
    assert release.embargo.text == line
    assert errors(release) == []


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("EMBARGOED UNTIL 3 March 2025, 09:00", "embargo_without_zone", "no time zone"),
        ("EMBARGOED UNTIL 3 March 2025, 09:00 local time", "embargo_without_zone", "no time zone"),
        ("EMBARGOED UNTIL 3 March 2025, 09:00 IST", "embargo_without_zone", "India"),
        ("EMBARGOED UNTIL 3 March 2025 CET", "embargo_without_zone", "no time of day"),
        ("EMBARGOED", "embargo_without_zone", "no date"),
        ("EMBARGOED UNTIL Tuesday 3 March 2025, 09:00 CET", "embargo_weekday_mismatch", "Monday"),
        ("EMBARGO until 30 March 2025, 02:30 Brussels time", "embargo_in_gap", "does not exist"),
        ("EMBARGO until 26 October 2025, 02:30 Brussels time", "embargo_in_fold", "happens twice"),
        ("EMBARGO 2025-03-09 02:30 America/New_York", "embargo_in_gap", "does not exist"),
        ("EMBARGO 9999-12-31T23:59:00Z", "embargo_without_zone", "no date"),
        ("EMBARGO 9999-12-31 23:59 America/New_York", "embargo_without_zone", "no date"),
        ("EMBARGO until 31 December 9999, 24:00 CET", "embargo_without_zone", "no date"),
    ],
)
def test_lines_that_are_not(line: str, code: str, words: str) -> None:
    """D5, H2; contract: these are errors and block a queue; nothing is guessed."""
    release = read(line + REST, zone="Europe/Brussels")
    assert release.embargo is None
    assert errors(release) == [code]
    (finding,) = [f for f in release.findings if f.severity is Severity.ERROR]
    assert words in finding.message
    assert finding.line == 1 and finding.suggestion


def test_winter_time_written_in_summer_takes_the_later_reading() -> None:
    """An embargo is never lifted early by our reading."""
    release = read("EMBARGOED UNTIL 3 July 2025, 09:00 CET" + REST)
    assert release.embargo is not None
    assert to_datetime(release.embargo.instant).hour == 8
    assert "embargo_zone_season" in warnings(release)


def test_embargo_wrapped_over_two_lines() -> None:
    release = read("EMBARGOED UNTIL Monday 3 March 2025,\n09:00 CET" + REST)
    assert release.embargo is not None and errors(release) == []


def test_past_embargo_is_a_warning() -> None:
    """D5: past ones are warned about."""
    release = read("EMBARGOED UNTIL Monday 3 March 2025, 09:00 CET" + REST)
    assert "embargo_in_the_past" in warnings(release)


@pytest.mark.parametrize(
    "headline",
    [
        "No compromise before the election, says the minister",
        "Not before 2030: the ministry puts off its bridge",
        "Keine neuen Stellen vor dem Sommer",
        "Nie będzie mostu przed zimą",
    ],
)
def test_headlines_that_only_sound_like_an_embargo(headline: str) -> None:
    release = read(f"{headline}\n\nWarsaw, 3 March 2025 – It was said by the ministry today.\n")
    assert release.headline == headline
    assert release.embargo is None
    assert not [finding for finding in release.findings if finding.code.startswith("embargo")]


@pytest.mark.parametrize(
    "line",
    [
        "NOT FOR PUBLICATION BEFORE 3 March 2025, 09:00 CET",
        "Nicht veröffentlichen vor 3. März 2025, 9.00 Uhr MEZ",
        "Ne pas publier avant le 3 mars 2025, 9 h 00 CET",
        "No publicar antes del 3 de marzo de 2025, 09:00 CET",
        "Nie publikować przed 3 marca 2025, 9:00 CET",
        "Не публиковать до 3 марта 2025, 9:00 CET",
    ],
)
def test_lines_that_say_embargo_in_other_words(line: str) -> None:
    text = {"N": "The report was published today by the ministry and it is for all of us."}
    words = {
        "Nicht": "Das Ministerium hat heute den Bericht über die Flüsse und die Seen vorgestellt.",
        "Ne": "Le ministère a publié aujourd’hui le rapport sur les rivières et les lacs du pays.",
        "No": "El ministerio ha publicado hoy el informe sobre los ríos y los lagos de la región.",
        "Nie": "Ministerstwo opublikowało dziś raport o rzekach i jeziorach, który jest dla nas.",
        "Не": "Министерство опубликовало сегодня доклад о реках и озёрах, который у нас есть.",
    }
    lead = words.get(line.split()[0], text["N"])
    release = read(f"{line}\n\nA Headline of It\n\n{lead}\n")
    assert release.embargo is not None
    assert release.embargo.instant == 1_740_988_800_000_000
