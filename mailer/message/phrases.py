"""The fixed words of a message and of a journalist's pages, in the languages of their readers.

Everything that the program itself says there stands in the gettext catalogues of `locale/` and
nowhere else: English in `messages.pot` (messages) and `pages.pot` (pages, and the mails that bring
their links), each other language in files of its own. A language that is missing, or lacks a
phrase, speaks English. `{…}` are filled by the functions below. A newsroom may word a phrase of its
messages otherwise (`own_words`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from mailer.errors import ConfigError

FALLBACK = "en"

OwnWords = tuple[tuple[str, str, str], ...]
"""What a newsroom words otherwise: (language, name of the phrase, text)."""

RTL = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "ckb", "dv", "ug"})
"""Languages written from right to left."""


def base_language(tag: str) -> str:
    """The language of a BCP 47 tag without region and script: "de" for "de-AT"."""
    return tag.replace("_", "-").partition("-")[0].lower()


@lru_cache(maxsize=1024)
def phrases(language: str, own: OwnWords = ()) -> Mapping[str, str]:
    """All phrases for a language, English where it has none of its own; `own` goes before both."""
    base = base_language(language)
    words = {**_catalogue(FALLBACK), **(_catalogue(base) if base in languages() else {})}
    return {**words, **{name: text for code, name, text in own if code == base}}


@cache
def languages() -> frozenset[str]:
    """The languages that have a catalogue, the fallback among them."""
    folders = resources.files("mailer.message").joinpath("locale").iterdir()
    return frozenset([FALLBACK, *(folder.name for folder in folders if folder.is_dir())])


@cache
def page_languages() -> frozenset[str]:
    """The languages in which pages speak, the fallback among them."""
    folder = resources.files("mailer.message").joinpath("locale")
    with_pages = (tag for tag in languages() if _file_of(folder, tag, "pages").is_file())
    return frozenset([FALLBACK, *with_pages])


def page_phrase(language: str, name: str, **values: object) -> str:
    """One phrase of the pages, filled; KeyError for a name that is none.

    In right-to-left languages what is filled in is isolated, as in `reason`.
    """
    base = base_language(language)
    if base not in page_languages():
        base = FALLBACK
    text = _catalogue(base, "pages").get(name) or _catalogue(FALLBACK, "pages")[name]
    if not values:
        return text
    if base in RTL:
        values = {key: f"\u2068{value}\u2069" for key, value in values.items()}
    return text.format(**values)


def own_words(files: Iterable[tuple[str, str]]) -> OwnWords:
    """A newsroom's own phrases from its files (name such as "fr.po", text).

    Raises ConfigError for a file that cannot be read, an unknown phrase and a `{…}` that the
    phrase does not fill.
    """
    found = []
    for name, text in sorted(files):
        language = base_language(name.partition(".")[0])
        for key, words in _read_po(text, name).items():
            if key not in _catalogue(FALLBACK):
                raise ConfigError(
                    f'there is no phrase "{key}".',
                    where=f"templates/phrases/{name}",
                    hint="Its msgctxt must be one of mailer/message/locale/messages.pot.",
                )
            strange = placeholders(words) - placeholders(_catalogue(FALLBACK)[key])
            if strange:
                raise ConfigError(
                    f'the phrase "{key}" has nothing to fill {", ".join(sorted(strange))} with.',
                    where=f"templates/phrases/{name}",
                )
            found.append((language, key, words))
    return tuple(found)


def placeholders(text: str) -> set[str]:
    """The places of a phrase that are filled in, and lone braces, which would fill nothing."""
    return set(re.findall(r"\{\w+\}", text)) | set(
        re.findall(r"[{}]", re.sub(r"\{\w+\}", "", text))
    )


def own_name(language: str) -> str:
    """A language's name as its readers write it ("Deutsch"); a tag nobody knows as it is."""
    from babel import Locale, UnknownLocaleError

    try:
        name = Locale.parse(language.replace("-", "_")).get_display_name()
    except (UnknownLocaleError, ValueError):
        return language
    return str(name) if name else language


def phrase_language(language: str) -> str:
    """The language in which `phrases(language)` really speaks: it may be the fallback."""
    base = base_language(language)
    return base if base in languages() else FALLBACK


def greeting(language: str, first_name: str, last_name: str, own: OwnWords = ()) -> str:
    """How a journalist is addressed: by name only where that is right for every name.

    Polish and Ukrainian decline names in address, so they greet without; nobody is addressed by
    a surname alone.
    """
    words = phrases(language, own)
    name = f"{first_name} {last_name}".strip() if first_name else ""
    return words["greeting"].format(name=name) if name else words["greeting_plain"]


@lru_cache(maxsize=4096)
def reason(
    language: str,
    newsroom: str,
    title: str,
    kind: str,
    source: str,
    source_date: str,
    own: OwnWords = (),
) -> str:
    """One or two sentences: why he gets this, from which list, where the address came from.

    In right-to-left sentences what is filled in is isolated, else a Latin list name would carry
    the punctuation and numbers after it to its wrong side.
    """
    words = phrases(language, own)
    day = long_date(source_date, language)
    if phrase_language(language) in RTL:
        newsroom, title, source, day = (
            f"\u2068{each}\u2069" if each else "" for each in (newsroom, title, source, day)
        )
    sentence = words.get(f"reason_{kind}", words["reason_press"])
    text = sentence.format(newsroom=newsroom, list=title)
    if source and day:
        return f"{text} {words['source_and_date'].format(source=source, date=day)}"
    if source:
        return f"{text} {words['source_only'].format(source=source)}"
    return text


@lru_cache(maxsize=1024)
def long_date(text: str, language: str) -> str:
    """An ISO date written out for readers ("7 March 2026"); other text is given back as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    # Loaded late: a sender meets few dates, and babel costs it five megabytes.
    from babel.dates import format_date

    return str(format_date(day, "long", locale=babel_locale(language)))


def babel_locale(language: str) -> str:
    """The locale for dates. English is British, as is everything the program says."""
    from babel import Locale, UnknownLocaleError

    spoken = phrase_language(language)
    if spoken == FALLBACK and base_language(language) != FALLBACK:
        return "en_GB"
    tag = language.replace("-", "_")
    if tag.lower() in ("en", "en_gb"):
        return "en_GB"
    try:
        return str(Locale.parse(tag))
    except (UnknownLocaleError, ValueError):
        return "en_GB" if spoken == FALLBACK else spoken


def kind_label(language: str, kind: str, own: OwnWords = ()) -> str:
    """The word in the kind line: "Press release", "Withdrawn" …; `kind` is a `Kind`'s value."""
    return phrases(language, own)[f"kind_{kind}"]


@cache
def _catalogue(language: str, kind: str = "messages") -> Mapping[str, str]:
    """A language's phrases by name; of English the template, whose msgids are the words."""
    file = _file_of(resources.files("mailer.message").joinpath("locale"), language, kind)
    source = language == FALLBACK
    name = file.name if source else f"{language}/{file.name}"
    return _read_po(file.read_text("utf-8"), name, source=source)


def _file_of(folder: Traversable, language: str, kind: str) -> Traversable:
    if language == FALLBACK:
        return folder / f"{kind}.pot"
    return folder / language / "LC_MESSAGES" / f"{kind}.po"


def _read_po(text: str, name: str, *, source: bool = False) -> dict[str, str]:
    """The messages of a PO file by their msgctxt; those not translated yet, or marked fuzzy, are
    left out. With `source` their msgids.

    Read here because a sender needs no more than this, and Babel would cost it five megabytes. No
    compiled catalogues stand beside the sources, so none can be older than its source.
    """
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    field, fuzzy = "", False

    def close() -> None:
        nonlocal entry, fuzzy
        words = entry.get("msgid" if source else "msgstr", "")
        if entry.get("msgctxt") and words and not fuzzy:
            found[entry["msgctxt"]] = words
        entry, fuzzy = {}, False

    for number, row in enumerate(text.splitlines(), start=1):
        line = row.strip()
        if not line or line.startswith("#"):
            if "msgstr" in entry:
                close()
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        match = _PO_LINE.fullmatch(line)
        if match is None:
            raise ConfigError(
                f"line {number} is none of a PO file.", where=f"templates/phrases/{name}"
            )
        if match["field"]:
            if match["field"] in entry:
                close()
            field = match["field"]
        entry[field] = entry.get(field, "") + str(ast.literal_eval(match["text"]))
    close()
    return found


_PO_LINE = re.compile(r'(?:(?P<field>msgctxt|msgid|msgstr)\s+)?(?P<text>"(?:[^"\\]|\\["\\nt])*")')
