"""The segment language: what segments.toml may say, and what it means."""

from __future__ import annotations

import pytest
from mailer.audience.conditions import facet_value, facets_of
from mailer.audience.journalist import Journalist
from mailer.audience.segments import find, list_segment, parse
from mailer.errors import InputError, NotFound, UsageError

EXAMPLE = """
[segments.eu-affairs]
title = "EU affairs, Brussels"
all  = [{ beat = ["eu", "foreign affairs"] }, { country = ["BE", "FR"] }]
any  = [{ list = ["EU-affairs", "press"] }, { outlet_type = ["agency"] }]
none = [{ outlet = ["Daily X"] }]

[segments.poland]
all = [{ country = ["Poland"], language = ["pl"] }]
"""


def facets(**values: list[str]) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(facet_value(name, value) for value in found)
        for name, found in values.items()
    }


def test_the_contracts_example() -> None:
    """Contract, lists/segments.toml: read with title, lists in order, and kept as JSON."""
    segments = parse(EXAMPLE, "segments.toml")
    eu = segments["eu-affairs"]
    assert list(segments) == ["eu-affairs", "poland"]
    assert (eu.name, eu.title) == ("eu-affairs", "EU affairs, Brussels")
    assert eu.lists == ("eu-affairs", "press")
    assert set(eu.as_json()) == {"title", "all", "any", "none"}
    assert eu.as_json()["all"][0] == {"beat": ["eu", "foreign affairs"]}
    assert segments["poland"].title == "poland"


@pytest.mark.parametrize(
    ("person", "selected"),
    [
        ({"beat": ["EU"], "country": ["BE"], "list": ["Press"]}, True),
        ({"beat": ["EU"], "country": ["BE"], "outlet_type": ["news agency"]}, True),
        ({"beat": ["EU"], "country": ["BE"]}, False),
        ({"beat": ["EU"], "country": ["PL"], "list": ["press"]}, False),
        ({"beat": ["Sport"], "country": ["BE"], "list": ["press"]}, False),
        ({"beat": ["EU"], "country": ["BE"], "list": ["press"], "outlet": ["DAILY X"]}, False),
    ],
)
def test_who_is_meant(person: dict[str, list[str]], selected: bool) -> None:
    """All of `all`, one of `any`, nothing of `none`; capitals do not matter."""
    eu = parse(EXAMPLE, "segments.toml")["eu-affairs"]
    assert eu.matches(facets(**person)) is selected


def test_fields_of_one_table_go_together() -> None:
    """Contract: values of one field are alternatives, fields of one table are not."""
    poland = parse(EXAMPLE, "segments.toml")["poland"]
    assert poland.matches(facets(country=["PL"], language=["pl"]))
    assert not poland.matches(facets(country=["PL"], language=["en"]))


def test_facets_of_a_journalist_are_what_values_are_compared_with() -> None:
    person = Journalist(
        "ada@example.org", outlet="Daily ÉTÉ", beats=("EU Affairs",), country="BE", language="fr",
        timezone="Europe/Brussels", outlet_type="daily",
    )  # fmt: skip
    assert facets_of(person) == {
        ("outlet", facet_value("outlet", "daily été")),
        ("beat", "eu affairs"),
        ("country", facet_value("country", "Belgium")),
        ("language", "fr"),
        ("zone", facet_value("zone", "europe/brussels")),
        ("outlet_type", facet_value("outlet_type", "Daily newspaper")),
    }


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("[segments.a]\nall = [{ beats = ['x'] }]", "s.toml, line 2", 'Did you mean "beat"?'),
        ("[segments.a]\ntitel = 'A'\nall = [{ beat = ['x'] }]", "line 2", '"title"'),
        ("[segments.a]\ntitle = 'A'", "line 1", "everybody"),
        ("[segments.a]\nall = []", "line 1", "everybody"),
        ("[segments.a]\n\nall = { beat = ['x'] }", "line 3", "list of tables"),
        ("[segments.a]\nall = [{}]", "line 2", "empty table"),
        ("[segments.a]\nall = [{ beat = 'x' }]", "line 2", '["x"]'),
        ("[segments.a]\nall = [{ beat = [] }]", "line 2", "nobody"),
        ("[segments.a]\nall = [{ beat = [1] }]", "line 2", "texts"),
        ("[segments.'list:a']\nall = [{ beat = ['x'] }]", "line 1", "names a list"),
        ("[segment.a]\nall = [{ beat = ['x'] }]", "line 1", "[segments.NAME]"),
        ("[segments.a]\nall = [{ beat = ['x' }]", "line 2, column", "not valid TOML"),
    ],
)
def test_faults_are_told_with_their_place(text: str, where: str, words: str) -> None:
    """A slip in segments.toml is named with file, line and what was meant."""
    with pytest.raises(InputError) as caught:
        parse(text, "s.toml")
    assert where in caught.value.where
    assert words in str(caught.value)


def test_finding_by_name() -> None:
    """`--to`: a segment by its name, a list as list:NAME, else the nearest names."""
    segments = parse(EXAMPLE, "segments.toml")
    assert find(segments, "Poland", "s.toml") is segments["poland"]
    assert find(segments, "list:Tech", "s.toml").lists == list_segment("tech").lists
    with pytest.raises(NotFound, match="poland"):
        find(segments, "polnad", "s.toml")
    with pytest.raises(UsageError):
        find(segments, "list:", "s.toml")
