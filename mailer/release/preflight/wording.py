"""Checks of the words: what was left to be filled in, doubled, repeated or in another language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.release.model import BlockKind
from mailer.release.preflight import doubles
from mailer.release.preflight.look import Hit, Look, Passage, clip
from mailer.release.read import dates
from mailer.release.read.language import detect_surely, has_list, hits, is_small_word, script_of

_TEMPLATE_MARK = re.compile(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}", re.DOTALL)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|em|strong|div|span|img|table|t[rdh]|ul|ol|li|h[1-6]|font|center|script|"
    r"style|iframe|sup|sub|small|blockquote)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,20}\]")

# What stands in brackets to be filled in, by its first or only word.
_FILL_IN = (
    r"insert|your|add|name|first name|last name|surname|date|time|tbc|tbd|tba|tk|link|"
    r"url|place|city|"
    r"location|quote|company|organisation|organization|title|job title|role|"
    r"spokesperson|phone|email|"
    r"number|amount|xx+|placeholder|to be (?:confirmed|added|announced)|"
    r"einfügen|hier einfügen|datum|ort|titel|vorname|nachname|zitat|firma|platzhalter|"
    r"nom|prénom|lieu|ville|citation|insérer|à (?:compléter|confirmer)|"
    r"nombre|fecha|lugar|ciudad|cita|insertar|por confirmar|"
    r"nome|cognome|luogo|città|citazione|inserire|da confermare|data|"
    r"imię|nazwisko|miejsce|miasto|cytat|wstaw|do uzupełnienia|"
    r"имя|фамилия|дата|место|город|цитата|вставить|уточнить|"
    r"ім['’ʼ]?я|прізвище|місце|місто|вставити|уточнити|"
    r"שם|תאריך|מקום|עיר|ציטוט|להשלים|"
    r"الاسم|اسم|التاريخ|تاريخ|المكان|المدينة|اقتباس|أدخل|"
    r"姓名|名字|日期|地点|地點|城市|待定|插入|氏名|名前|日付|場所|引用|未定|挿入"
)
_LEFTOVER = re.compile(
    rf"[\[［【](?:{_FILL_IN})(?:[\s:…._-][^\]］】]{{0,80}})?[\]］】](?!\()|"
    r"<insert[^>]*>|<<[^<>]{1,60}>>|\$\{[\w. ]{1,40}\}|\*\|[A-Z_:]{2,40}\|\*|%%[\w. ]{2,40}%%|"
    r"\blorem ipsum\b|\bdolor sit amet\b|"
    r"(?<![\w/.@-])(?-i:XX+|TBC|TBD|TBA|TKTK)(?![\w@-]|\.\w)",
    re.IGNORECASE,
)
_LONG_X = re.compile(r"(?<![\w/.@-])(?:[xX]{3,12}|[хХ]{3,12}|\?{3,}|_{4,}|\.{6,})(?![\w@])")
# "Super Bowl XX", "the XX Congress", "XX wieku": a number, by what goes before or after.
_ROMAN = re.compile(
    r"(?:[A-ZÀ-ÞА-Я][\w'’]*|century|siècle|secolo|siglo|século|veacul|wieku?|века?|століття|"
    r"vol\.?|chapter|part|no\.?|n[º°.]?|art\.?|title|tom)\s+$"
)
_NO_NAME = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Monsieur|Madame|Sig|Sr|Sra|Pan|Pani)\.?\s+$"
)
_ROMAN_AFTER = re.compile(
    r"\s*(?:century|siècle|secolo|wieku?|века?|столетия|столітт[яі]|w\.|в\.|ст\.|e\b|lat\b)"
)
_CAPITAL_AFTER = re.compile(r"\.?\s+[A-ZÀ-ÞА-Я][\w]+")
_SICKNESS = re.compile(r"tubercul|tuberk|gruźlic|туберк", re.IGNORECASE)
_EXPLAINED = re.compile(
    r"withheld|changed|redacted|omitted|geändert|gekürzt|modifié|cambiado|cambiato|"
    r"zmienion|изменен|змінен",
    re.IGNORECASE,
)


def template_mark(look: Look) -> Iterator[Hit]:
    """Marks of a template language anywhere in the text: never sent (D16)."""
    for text, line in look.words():
        for match in _TEMPLATE_MARK.finditer(text):
            yield look.hit(
                f"The template mark “{clip(match.group())}” was left in the text.",
                "Fill it in or delete it.",
                line,
                match.group(),
                text[: match.start()],
            )


def placeholder(look: Look) -> Iterator[Hit]:
    """What its author meant to fill in (D16)."""
    texts = [*look.others, *((each.plain, each.line) for each in look.passages)]
    for text, line in texts:
        spans: list[tuple[int, int]] = []
        for match in (*_LEFTOVER.finditer(text), *_LONG_X.finditer(text)):
            if _is_meant(text, match, look.language) or any(
                a < match.end() and match.start() < b for a, b in spans
            ):
                continue
            spans.append(match.span())
            yield look.hit(
                f"“{clip(match.group())}” looks like something still to be filled in.",
                "Fill it in or delete it.",
                line,
                match.group(),
                text[: match.start()],
            )


def _is_meant(text: str, match: re.Match[str], language: str) -> bool:
    """Whether what looks like a placeholder is what its author wanted to write."""
    word, before, after = match.group(), text[: match.start()], text[match.end() :]
    if re.fullmatch("X{2,3}", word):
        return _is_numeral(before[-40:], after[:40], language)
    if word == "TBC":
        return _SICKNESS.search(text) is not None
    if word[0] in "[［【":
        # Inside a quotation brackets are its editor's: "we love this [city]".
        opened = sum(before.count(mark) for mark in "“„«「") - sum(map(before.count, "”»」"))
        in_quote = opened > 0 or before.count('"') % 2 == 1
        return bool(_EXPLAINED.search(word)) or (in_quote and word[1:-1].islower())
    return False


def _is_numeral(before: str, after: str, language: str) -> bool:
    """Whether XX between these words is twenty: a century, a congress, a pope."""
    if _ROMAN_AFTER.match(after):
        return True
    months = _months(language)
    following = [word.strip(".,;").lower() for word in after.split()[:2]]
    if any(word in months for word in following):
        return False
    named = (before.split() or [""])[-1].lower().rstrip(".")
    if named and _ROMAN.search(before) and not _NO_NAME.search(before):
        if named in months:
            return False
        if not is_small_word(named, language):
            return True  # "Am XX", "On XX": capitals of a sentence's beginning name nobody.
    if language == "de" and not after.startswith("."):
        return False  # All nouns have capitals: "XX Euro".
    return _CAPITAL_AFTER.match(after) is not None


def _months(language: str) -> frozenset[str]:
    return dates.months(language) | dates.months("en")


def html_as_text(look: Look) -> Iterator[Hit]:
    yield from _first(
        look, _TAG, "HTML", "Take the tags out, or write Markdown: **bold**, *slanted*."
    )


def footnote_mark(look: Look) -> Iterator[Hit]:
    yield from _first(look, _FOOTNOTE, "A footnote's mark", "Write the note into the text.")


def _first(look: Look, pattern: re.Pattern[str], what: str, advice: str) -> Iterator[Hit]:
    for passage in look.passages:
        match = pattern.search(passage.plain)
        if match:
            message = f"{what} in the text is sent as it stands: “{match.group()[:40]}”."
            yield look.hit(message, advice, passage.line, match.group())
            return


def doubled_word(look: Look) -> Iterator[Hit]:
    for passage in look.passages:
        language = look.language
        for match in re.finditer(
            r"(?<![\w'’ʼ-])([^\W\d_]{2,}(?:['’ʼ][^\W\d_]+)?)[^\S\n]+\1(?![\w'’ʼ-])", passage.plain
        ):
            word = match.group(1)
            # A capital is a name: "Bora Bora", "Duran Duran".
            if word[0].isupper() or doubles.rightly(word, _spoken(passage, language)):
                continue
            yield look.hit(
                f"“{clip(match.group())}” says a word twice.",
                f"Write “{clip(word)}”.",
                passage.line,
                match.group(),
                passage.plain[: match.start()],
            )
    yield from _across_case(look)


def _across_case(look: Look) -> Iterator[Hit]:
    """ "The the" at a sentence's beginning, for words that no name is made of."""
    for passage in look.passages:
        for match in re.finditer(
            r"(?<![\w'’-])(The|A|An|And|Of|To|In|Der|Das|Und|Le|La|Les|El|Los|Il|Gli|I|На|И|"
            r"В)[^\S\n]+"
            r"(the|a|an|and|of|to|in|der|das|und|le|la|les|el|los|il|gli|на|и|в)(?![\w'’-])",
            passage.plain,
        ):
            first, second = match.groups()
            if first.lower() == second and not doubles.rightly(second, look.language):
                yield look.hit(
                    f"“{match.group()}” says a word twice.",
                    f"Write “{first}”.",
                    passage.line,
                    match.group(),
                )


def _spoken(passage: Passage, language: str) -> str:
    """The language of a passage: a quotation may be in another than the release."""
    return detect_surely(passage.plain) or language if passage.quoted else language


def repeated_paragraph(look: Look) -> Iterator[Hit]:
    seen: dict[str, int | None] = {}
    for passage in look.passages:
        if len(passage.plain) > 60 or (len(passage.plain) > 24 and not _cased(passage.plain)):
            if passage.plain in seen:
                yield look.hit(
                    f"This paragraph stands already at line {seen[passage.plain]}.",
                    "Delete one of the two.",
                    passage.line,
                )
            seen.setdefault(passage.plain, passage.line)


def _cased(text: str) -> bool:
    return text.lower() != text.upper()


# Another language --------------------------------------------------------------------

_LEAST_WORDS = 10
_NEAR = (
    frozenset(["nb", "nn", "no", "da", "sv"]),
    frozenset(["hr", "sr", "bs", "sl"]),
    frozenset(["cs", "sk"]),
    frozenset(["id", "ms"]),
    frozenset(["es", "pt", "ca", "gl"]),
    frozenset(["ru", "uk", "bg", "sr", "mk", "be"]),
    frozenset(["fa", "ur", "ar"]),
)
"""Languages that share so many small words that only much text can tell them apart."""
_SCRIPT = {
    **{"he": "HEBREW", "yi": "HEBREW", "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC"},
    **{"el": "GREEK", "ko": "HANGUL", "hi": "DEVANAGARI", "th": "THAI", "ka": "GEORGIAN"},
    **{"ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC", "be": "CYRILLIC", "mk": "CYRILLIC"},
    **{"hy": "ARMENIAN", "zh": "CJK", "ja": "HIRAGANA"},
}
_LETTERS = {
    **{"HEBREW": "[\u0590-\u05ff]", "ARABIC": "[\u0600-\u06ff]", "GREEK": "[\u0370-\u03ff]"},
    **{"HANGUL": "[\uac00-\ud7af]", "DEVANAGARI": "[\u0900-\u097f]", "THAI": "[\u0e00-\u0e7f]"},
    **{"GEORGIAN": "[\u10a0-\u10ff]", "CYRILLIC": "[\u0400-\u04ff]", "ARMENIAN": "[\u0530-\u058f]"},
    "CJK": "[\u3040-\u30ff\u3400-\u9fff]",
}
_CJK = frozenset({"CJK", "HIRAGANA", "KATAKANA"})
_QUOTED = re.compile(
    r"[“„«‹「『][^“”„«»‹›「」『』]{3,}[”“»›」』]|(?<!\w)\"[^\"]{3,}\"(?!\w)", re.DOTALL
)
_FIXED = re.compile(
    r"for immediate release|press release|media contacts?|press contacts?|notes? to editors?|"
    r"about\s+\S.*|for (?:more|further) information.*|ends|embargoed until.*",
    re.IGNORECASE,
)


def other_language(look: Look) -> Iterator[Hit]:
    """Passages left in another language than the release's; quotations may be in any."""
    release = look.release
    if release.headline_language and not _same(release.headline_language, look.language):
        yield look.hit(
            f"The headline seems to be in another language ({release.headline_language}) than the "
            f"text ({release.language}).",
            "Translate it, or leave it if it is a name.",
            release.headline_line,
            release.headline,
        )
    for passage in look.passages:
        if not passage.prose or passage.quoted:
            continue
        found = _foreign(_QUOTED.sub(" ", passage.plain), look.language)
        if found:
            yield look.hit(
                f"This passage seems to be in another language ({found}) than the release "
                f"({release.language}): “{clip(passage.plain, 50)}”.",
                "Translate it, or put it in quotation marks if somebody says it.",
                passage.line,
                passage.plain[:40],
            )
    if look.language != "en":
        yield from _fixed_words(look)


def _fixed_words(look: Look) -> Iterator[Hit]:
    """English headings and labels around a text in another language."""
    release = look.release
    places = [
        release.status_line,
        release.boilerplate.heading if release.boilerplate else None,
        release.contact_intro,
        *(
            "".join(inline.text for inline in block.inlines)
            for block in look.blocks
            if block.kind is BlockKind.SUBHEADING
        ),
    ]
    for text in places:
        if text and _FIXED.fullmatch(text.strip(" *_:#")):
            yield look.hit(
                f"“{clip(text)}” is English in a release in {release.language}.",
                "Write it in the language of the text.",
                None,
                text,
            )


def _foreign(text: str, language: str) -> str | None:
    """The language of `text` when it is surely not `language`."""
    letters = sum(map(str.isalpha, text))
    script, own = script_of(text), _SCRIPT.get(language, "LATIN")
    words = re.findall(r"[^\W\d_]+", text)
    if (
        script
        and _family(script) != _family(own)
        and not (language == "sr" and script == "CYRILLIC")
    ):
        # Latin names inside other scripts are no passage: most letters must be of the other.
        enough = letters >= 12 if _family(script) in _CJK else len(words) >= _LEAST_WORDS
        if script == "LATIN" and len(re.findall(_LETTERS[_family(own)], text)) * 6 > letters:
            return None  # Its own words are there, among names and terms of the other script.
        found = detect_surely(text)
        sure = found or _family(script) != "LATIN"
        return (found or script.title()) if enough and sure and letters else None
    if own not in {"LATIN", "CYRILLIC"} or len(words) < _LEAST_WORDS:
        return None
    found = detect_surely(text)
    if found is None or _same(found, language):
        return None
    theirs = hits(text, found)
    if not has_list(language):  # The other must be plain.
        return found if theirs * 4 >= len(words) and len(words) >= 2 * _LEAST_WORDS else None
    ours = hits(text, language)
    near = any({found, language} <= group for group in _NEAR)
    if near and (len(words) < 25 or ours * 3 > theirs):
        return None
    return found if theirs >= 3 and theirs * 9 >= len(words) and theirs >= 2 * ours + 1 else None


def _family(script: str) -> str:
    return "CJK" if script in _CJK else script


def _same(one: str, other: str) -> bool:
    first, second = (code.split("-")[0].lower() for code in (one, other))
    norwegian = {"nb", "nn", "no"}
    return first == second or {first, second} <= norwegian or {first, second} <= {"sr", "hr", "bs"}
