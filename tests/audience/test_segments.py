"""The segment language: what segments.toml may say, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from mailer.audience.compact import print_tree, read
from mailer.audience.conditions import Has, Node, facet_value, facets_of, matches, nobody
from mailer.audience.journalist import Journalist
from mailer.audience.segments import Segment, find, from_json, from_text, list_segment, parse
from mailer.errors import InputError, NotFound, UsageError

from tests.audience.trees import DAY_VALUES, trees

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


ODD = (
    *("eu", "Daily X", 'say "x"', "back\\slash", "a,b", "(x)", "-x", "or", "a:b", "“q”", "日本"),
    ">=1",
)
VALUES = {
    "beat": ODD,
    "outlet": ODD,
    "country": ("BE", "Poland"),
    "list": ODD,
    "tag": ODD,
    "joined": DAY_VALUES,
    "accepted": DAY_VALUES,
    "got": ("a-release",),
    "replied": ("ever", "never"),
}
PEOPLE = [
    {"beat": frozenset({"eu", "or"}), "country": frozenset({"be"}), "list": frozenset({"a,b"}),
     "joined": frozenset({"2025-02-01"})},
    {"outlet": frozenset({"daily x"}), "list": frozenset({"eu"}), "replied": frozenset({"ever"}),
     "joined": frozenset({"2025-04-01"}), "accepted": frozenset({"2025-01-01", "2025-06-01"})},
    {"tag": frozenset({"(x)"}), "joined": frozenset({"2024-01-01"}),
     "got": frozenset({"a-release"})},
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trees(VALUES))
def test_what_is_printed_reads_back(tree: Node) -> None:
    """Contract, the compact form and segments.toml: any tree is the same tree after its text, and
    after JSON; and what is said to be a contradiction matches nobody."""
    assert read(print_tree(tree), (), lambda name: Has("tag", (name,))) == (tree, None)
    assert read(print_tree(tree, 7), (), lambda name: Has("tag", (name,))) == (tree, 7)
    assert from_json("s", Segment("s", "S", tree, 3).as_json()).tree == tree
    if nobody(tree):
        assert not any(matches(tree, person) for person in PEOPLE)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trees(VALUES), trees(VALUES))
def test_words_between_conditions(one: Node, other: Node) -> None:
    """Side by side both must hold, with `or` one of them, with `-` the opposite."""
    left, right = print_tree(one), print_tree(other)
    for person in PEOPLE:
        a, b = matches(one, person), matches(other, person)
        for text, expected in (
            (f"({left}) ({right})", a and b),
            (f"({left}) and not ({right})", a and not b),
            (f"({left}) or ({right})", a or b),
            (f"-(({left}) or -({right}))", not (a or not b)),
        ):
            assert matches(from_text(text, {}).tree, person) is expected, text


def test_the_compact_form_means_what_the_file_says() -> None:
    """The same condition in both forms is one tree; segments stand in by name."""
    text = """
[segments.eu]
all = [{ beat = ["eu"] },
  { any = [{ country = ["BE", "FR"] }, { none = [{ language = ["en"] }] }] }]
none = [{ outlet = ["Daily X"] }]
[segments.recent]
title = "New ones"
first = 500
all = [{ segment = ["EU"] }, { joined = [">2025-01-01"] }, { complained = ["never"] }]
"""
    segments = parse(text, "s.toml")
    eu = 'beat:eu (country:be,fr or -language:en) -outlet:"Daily X"'
    assert find(segments, eu, "s.toml").tree == segments["eu"].tree
    recent = find(segments, "segment:eu joined:>2025-01-01 complained:never first:500", "s.toml")
    assert (recent.tree, recent.first) == (segments["recent"].tree, 500)
    assert find(segments, "eu -country:be", "s.toml").lists == ()
    assert from_text("list:b,a -list:c", {}).lists == ("b", "a")


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("baet:eu", 1, 'Did you mean "beat"?'),
        ("beat:eu contry:be", 9, 'Did you mean "country"?'),
        ("beat:eu (country:be", 9, "not closed"),
        ("beat:eu country:be)", 19, "never opened"),
        ('beat:eu outlet:"Daily X', 16, "not closed"),
        ("beat:eu brussels", 9, 'outlet:"brussels"'),
        ("beat:eu eu-afairs", 9, 'Did you mean "eu-affairs"?'),
        ("beat: country:be", 1, "no value"),
        ("beat:a,", 1, "no value"),
        ("beat:x or", 8, "both sides"),
        ("joined:2025-01-01", 1, "joined:>=2025-01-31"),
        ("joined:>2025-13-01", 1, "2025-01-31"),
        ("joined:>9999-12-31", 1, "no day"),
        ("complained:maybe", 1, "ever or never"),
        ("beat:x (first:3)", 9, "outside brackets"),
        ("first:3", 1, "everybody"),
        ("beat:x first:x", 8, "whole number"),
        ("beat:x first:1 first:2", 16, "twice"),
        ("beat:x -first:3", 9, "excluded"),
        ("(" * 1000 + "beat:x" + ")" * 1000, 52, "50 levels"),
        ("-" * 1000 + "beat:x", 52, "50 levels"),
        ("beat:x ”", 8, "opens no quotation"),
        ("beat:x (, y)", 9, "between values"),
        ("beat:x ()", 8, "nothing in these brackets"),
    ],
)
def test_slips_are_told_with_their_column(text: str, column: int, words: str) -> None:
    """Bad input: the column of what is wrong, and the nearest that may have been meant."""
    eu = {"eu-affairs": from_text("beat:eu", {})}
    with pytest.raises(UsageError) as caught:
        from_text(text, eu)
    assert caught.value.where.endswith(f"column {column}")
    assert words in str(caught.value)


def test_what_is_too_much() -> None:
    """Bad input: 10,000 values are read, 30,000 and 600 conditions refused with their number."""
    assert len(from_text(f"beat:{','.join(map(str, range(10_000)))}", {}).beats) == 10_000
    with pytest.raises(UsageError, match="30,000 values"):
        from_text(f"beat:{','.join(map(str, range(30_000)))}", {})
    with pytest.raises(UsageError, match="600 conditions"):
        from_text(" or ".join(f"beat:{n} country:be" for n in range(300)), {})
    deep = "{ any = [" * 1000 + "{ beat = ['x'] }" + "] }" * 1000
    with pytest.raises(InputError, match="50 levels"):
        parse(f"[segments.a]\nall = [{deep}]", "s.toml")


def test_segments_that_name_each_other() -> None:
    """A segment may name another one, wherever it stands; a circle is an error with its way."""
    text = "[segments.{}]\nnone = [{{ segment = ['{}'] }}]\n"
    assert parse(text.format("a", "b") + "[segments.b]\nall = [{ beat = ['x'] }]", "s.toml")["a"]
    with pytest.raises(InputError, match="a → b → c → a"):
        parse("".join(text.format(*pair) for pair in ("ab", "bc", "ca")), "s.toml")
    with pytest.raises(InputError, match="no segment is called so") as caught:
        parse("[segments.poland]\nall = [{ segment = ['polnad'] }]", "s.toml")
    assert "poland" in caught.value.hint
    limited = "[segments.b]\nfirst = 3\nall = [{ beat = ['x'] }]\n" + text.format("a", "b")
    with pytest.raises(InputError, match="first 3"):
        parse(limited, "s.toml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("beat:x -beat:x,y", "both asked for and excluded"),
        ("country:be country:fr,nl", "nobody has country"),
        ("country:be,fr country:fr,nl", ""),
        ("beat:be beat:fr", ""),
        ("joined:>2025-01-01 joined:<2025-01-01", "nobody joined"),
        ("joined:>=2025-01-01 joined:<=2025-01-01", ""),
        ("joined:>2025-01-01 -joined:>2024-01-01", "nobody joined"),
        ("accepted:>=2025-01-01 -accepted:>=2024-01-01", "excluded as well"),
        ("accepted:>=2024-01-01 -accepted:>=2025-01-01", ""),
        ("(country:be or country:fr) -country:be,fr", "both asked for"),
        ("complained:never complained:ever", "both asked for"),
        ("-(country:be or -country:be)", "both asked for"),
    ],
)
def test_contradictions_are_told(text: str, why: str) -> None:
    """Bad input: a segment that nobody can match says why."""
    reason = from_text(text, {}).nobody
    assert (why in reason) if why else not reason
