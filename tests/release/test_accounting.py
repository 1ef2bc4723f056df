"""Nothing is lost: every word of the source is somewhere, counted, whatever the release."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailer.errors import InputError
from mailer.release import from_json, read_release, source_text, to_json
from mailer.release.account import account
from mailer.release.describe import describe

from tests.release.reading import DATA, SAMPLE, sample

_WORDS = (
    "Anna water report of the and Brussels 12 March 2025 said was not-yet NATO ENDS 00-580 "
    "+3225551212 a@example.org https://example.org/x_y Foundation « » – - * ** _x_ ` # ### > 1. "
    'About Contact: Embargo: [a](#) [b](https://example.org) Über żółw права שלום 水 "hello" “ok”'
)
_WORD = st.sampled_from(_WORDS.split())
_LINE = st.lists(_WORD, min_size=1, max_size=12).map(" ".join)
_PARAGRAPH = st.one_of(
    st.lists(_LINE, min_size=1, max_size=4).map("\n".join),
    _LINE.map(lambda line: line + "."),
    st.sampled_from(
        [
            "FOR IMMEDIATE RELEASE",
            "PRESS RELEASE",
            "EMBARGOED UNTIL Monday 3 March 2025, 09:00 CET",
            "Warsaw, 12 October 2015",
            "### ",
            "ENDS",
            "* * *",
            "---",
            "About Example",
            "Notes to editors",
            "Media contact:",
            "Ann Bee – ann@example.org – +32 2 555 12 12",
            "Brussels Office\nRue de la Loi 1,\n1040 Brussels, Belgium\nT: +32 2 555 12 12",
            "Page 2 of 3",
            "OPEN DOOR",
            "- one\n- two\n- three",
            "1. one\n2. two",
            "| a | b |\n|---|---|\n| c | d |",
            "```python\nprint(1)\n```",
            "> quoted words of somebody\n> — Ann Bee, director",
            "It was so, said Ann Bee, director of water.",
            "and it goes on in lower case as after a page break.",
            "A sentence that stops in the middle and never",
            "[x]: https://example.org/x 'Title words'",
            '![alt words](https://example.org/p.png "caption")',
        ]
    ),
)
_RELEASES = st.lists(_PARAGRAPH, min_size=1, max_size=14).map("\n\n".join)
_FRONT = st.sampled_from(
    ["", "---\ntitle: Some title of it\nlang: en\n---\n", "+++\nissuer = 'Example'\n+++\n"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FRONT, _RELEASES, st.sampled_from(["a.txt", "a.md", "a"]))
def test_composed_releases_lose_no_word(front: str, text: str, name: str) -> None:
    data = (front + text).encode()
    if not text.strip():
        return
    try:
        release = read_release(data, name=name)
    except InputError as error:
        # A rule on top and "Contact:" below it look like front matter, and are said to be broken.
        assert text.startswith("---") and "front matter" in error.message
        return
    assert account(source_text(data, name=name), release) == []
    assert release.slug
    assert describe(release)
    assert from_json(json.loads(json.dumps(to_json(release)))) == release
    placed = [removed for removed in release.removed if removed.reason == "not_placed"]
    assert placed == []


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=300), st.sampled_from(["a.txt", "a.md"]))
def test_any_text_reads_or_says_why_not(text: str, name: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    try:
        release = read_release(data, name=name)
    except InputError as error:
        assert error.where
        return
    assert account(source_text(data, name=name), release) == []


def test_the_sample_and_what_a_loss_looks_like() -> None:
    """The account can fail: take a paragraph away and its words are missing."""
    text = SAMPLE.read_text("utf-8")
    release = sample()
    assert account(text, release) == []
    assert account(text + " extra words", release) == ["extra", "words"]
    poorer = replace(release, body=release.body[:-1])
    assert len(account(text, poorer)) == len(release.body[-1].text.split())
    assert "OPEN" in account(text, replace(release, removed=()))


def test_json_holds_everything() -> None:
    for path in sorted(DATA.iterdir()):
        if path.suffix in {".txt", ".md"} and path.name != "README.md":
            release = read_release(path.read_bytes(), name=path.name)
            assert from_json(json.loads(json.dumps(to_json(release)))) == release


def test_description_shows_structure_and_doubts() -> None:
    """`release show`: what was found and what is doubtful, no word of it styled."""
    sections = dict(describe(sample()))
    assert ("Issuer", "Open Dialog Foundation (inferred)") in sections["Issuer and offices"]
    assert ("lines 18–32", "page_furniture") in sections["Left out"]
    speakers = dict(sections["Quotes"])
    assert "proposed" in speakers["Yevgeniy Zhovtis"]
    assert len(sections["Doubtful"]) == len(sample().findings)
