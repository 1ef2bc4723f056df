"""The warnings of every real sample, looked at one by one: what is right is pinned here."""

from __future__ import annotations

from datetime import date

import pytest
from mailer.release import check, source_text
from mailer.release.preflight import Setting

from tests.release.reading import DATA, read

FOUND = {
    # The README beside the sample says why (points 2, 3, 5, 6, 10, 11, 14, 15, 19).
    "000_0b2022afc5ecdcac.txt": (
        "headline_all_caps headline_longer_than_subject duplicate_dateline placeholder_link "
        "placeholder_link page_furniture_removed sentence_joined unmarked_quote unmarked_quote "
        "editor_insertion_in_quote contact_address_name_mismatch contact_outside_domain "
        "no_boilerplate date_in_the_past"
    ),
    "american-en.txt": "contact_outside_domain date_in_the_past",
    "association-fr.txt": "duplicate_dateline date_in_the_past",
    "pages-en.txt": (
        "page_furniture_removed page_furniture_removed page_furniture_removed "
        "contact_outside_domain no_boilerplate date_in_the_past"
    ),
    "project-en.txt": "no_date contact_outside_domain no_issuer no_boilerplate",
    # Its headline is English.
    "release-he.txt": "other_language date_in_the_past",
    "report-ja.txt": "date_in_the_past",
    "report-ru.txt": "date_in_the_past",
    "statement-pl.txt": "date_in_the_past",
    # Under an embargo without hours; a MEZ that was in use that night.
    "study-de.txt": (
        "contact_without_hours no_issuer no_boilerplate embargo_in_the_past date_in_the_past"
    ),
    "water-de.md": "embargo_in_gap date_in_the_past",
    "wrapped-en.txt": (
        "headline_longer_than_subject word_broken_at_line_end contact_without_hours "
        "embargo_in_the_past date_in_the_past"
    ),
}


def test_each_sample_is_pinned() -> None:
    files = {path.name for path in DATA.iterdir() if path.suffix in (".txt", ".md")}
    assert files - {"README.md"} == set(FOUND)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_what_a_real_release_is_told(name: str) -> None:
    """No false alarm: each of these was looked at."""
    data = (DATA / name).read_bytes()
    release = read(data, name, today=date(2026, 11, 24), zone="Europe/Brussels")
    setting = Setting(
        today=date(2026, 11, 24),
        zone="Europe/Brussels",
        domain="example.org",
        source=source_text(data, name=name),
    )
    found = check(release, setting=setting)
    assert [each.code for each in found] == FOUND[name].split()
    for each in found:
        assert each.line is None or each.column is not None
