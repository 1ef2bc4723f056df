"""The catalogues of the program's own words: complete, current, and open to a newsroom's own."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest
from babel.messages.pofile import read_po
from mailer.errors import ConfigError
from mailer.message.compile import compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.phrases import (
    languages,
    own_name,
    own_words,
    page_languages,
    page_phrase,
    phrases,
    placeholders,
    reason,
)

from tests.message.samples import SENDER, TEMPLATES, english, preview_parts, values

WANTED = {"en", "fr", "de", "es", "it", "pl", "uk", "ru", "ar", "he", "zh", "ja", "hi", "th"}
LOCALE = resources.files("mailer.message").joinpath("locale")


def test_the_languages_are_there() -> None:
    """D21: the program speaks at least these languages; another one gets English."""
    assert languages() >= WANTED
    assert phrases("xx")["contacts"] == "Media contacts"
    assert phrases("pt-BR") == phrases("en")
    assert phrases("de-AT")["contacts"] == "Pressekontakt"


@pytest.mark.parametrize("language", sorted(WANTED - {"en"}))
def test_a_catalogue_is_whole_and_current(language: str) -> None:
    """D21: no phrase is missing, none is left from before, the English beside it is today's, and
    the same places are filled in; Babel reads what our reader reads."""
    with (LOCALE / "messages.pot").open("rb") as file:
        english_words = {each.context: each.id for each in read_po(file) if each.id}
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    found = {each.context: each for each in catalogue if each.id}
    assert {name: each.id for name, each in found.items()} == english_words
    ours = phrases(language)
    assert english_words == phrases("en")
    for name, each in found.items():
        assert each.string and not each.fuzzy, (language, name)
        assert ours[str(name)] == each.string
        assert "!" not in str(each.string)
        places = placeholders(str(each.string))
        if str(name).startswith("greeting"):
            assert places <= {"{name}"}
        else:
            assert places == placeholders(str(each.id)), (language, name)


PAGES = WANTED - {"hi", "th"}


@pytest.mark.parametrize("language", sorted(PAGES - {"en"}))
def test_a_catalogue_of_pages_is_whole_and_current(language: str) -> None:
    """F17, GDPR art. 12(2): as of messages, and what is filled in is isolated right to left."""
    with (LOCALE / "pages.pot").open("rb") as file:
        english_words = {each.context: each.id for each in read_po(file) if each.id}
    with (LOCALE / language / "LC_MESSAGES" / "pages.po").open("rb") as file:
        found = {each.context: each for each in read_po(file, locale=language) if each.id}
    assert {name: each.id for name, each in found.items()} == english_words
    for name, each in found.items():
        text = str(each.string)
        assert text and not each.fuzzy and "!" not in text, (language, name)
        assert placeholders(text) == placeholders(str(each.id)), (language, name)
    assert page_languages() >= PAGES
    filled = page_phrase(language, "stop_ask", newsroom="ODF")
    assert ("\u2068ODF\u2069" in filled) == (language in ("ar", "he"))
    assert page_phrase("th", "save") == "Save" and page_phrase("de-AT", "save") == "Speichern"


def test_a_newsroom_words_a_phrase_otherwise() -> None:
    """Its own words go before ours, in the message and in what it says to one person, and are kept
    with the compiled message."""
    own = own_words(
        [
            (
                "en.po",
                'msgctxt "contacts"\nmsgid "Media contacts"\nmsgstr "Press "\n"desk"\n\n'
                'msgctxt "reason_press"\nmsgid ""\nmsgstr "{newsroom} writes to “{list}”."\n',
            ),
            ("fr.po", '#, fuzzy\nmsgctxt "links"\nmsgid "Links"\nmsgstr "Toile"\n'),
        ]
    )
    sender = replace(SENDER, own_words=own)
    template = compile_release(english(), sender, TEMPLATES)
    kept = MergeTemplate.from_bytes(template.to_bytes())
    assert kept == template
    text = preview_parts(kept, values()).text
    assert "Press desk" in text and "Media contacts" not in text
    said = reason("en", "Us", "List", "press", "", "", own)
    assert said == "Us writes to “List”."
    assert phrases("fr", own)["links"] == "Liens"
    assert b"own_words" not in compile_release(english(), SENDER, TEMPLATES).to_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('msgctxt "contact"\nmsgid "x"\nmsgstr "y"\n', 'no phrase "contact"'),
        ('msgctxt "sent_by"\nmsgid "x"\nmsgstr "By {name}"\n', "{name}"),
        ('msgctxt "sent_by"\nmsgid "x"\nmsgstr "By {newsroom"\n', "nothing to fill"),
        ('msgctxt "sent_by"\nmsgid "x"\nmsgstr By\n', "line 3"),
    ],
)
def test_a_wrong_phrase_of_its_own_is_refused(text: str, said: str) -> None:
    """An unknown phrase, a place that nothing fills and a broken file are said with their place."""
    with pytest.raises(ConfigError) as caught:
        own_words([("de.po", text)])
    assert said in str(caught.value) and "de.po" in str(caught.value)


def test_languages_are_named_in_themselves() -> None:
    """D21: a link to another language is written for those who read it."""
    assert [own_name(each) for each in ("de", "fr", "ja", "ar", "xx-odd")] == [
        *("Deutsch", "français", "日本語", "العربية"),
        "xx-odd",
    ]
