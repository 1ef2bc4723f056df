"""Who said what: quotations with and without quotation marks.

Only proposals: the text is never touched. Where the text cannot decide how much is quoted, a part
has what is surely the speaker's (`text_min`) and what may be (`text_max`) - README point 10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from mailer.release.model import Block, BlockKind, Finding, Quote, QuotePart, Severity
from mailer.release.text import UPPER, has_case, sentences

_VERBS = {
    "en": "said|says|added|adds|explained|explains|stated|states|noted|notes|commented|"
    "comments|stressed|"
    "emphasi[sz]ed|warned|warns|concluded|concludes|continued|continues|remarked|declared|"
    "underlined",
    "de": "sagte|sagt|erklärte?|betonte?|ergänzte?|meinte?|kommentierte?|so|unterstrich|fügte|"
    "resümierte",
    "fr": "a déclaré|déclare|a ajouté|ajoute|a expliqué|explique|a affirmé|affirme|a souligné|"
    "souligne|a dit|dit|commente|conclut|a-t-(?:il|elle) (?:ajouté|déclaré|expliqué|conclu)|"
    "ajoute-t-(?:il|elle)",
    "es": "dijo|afirmó|señaló|declaró|añadió|explicó|agregó|aseguró|destacó|manifestó|"
    "ha (?:declarado|señalado|afirmado|añadido|explicado)",
    "it": "ha (?:dichiarato|detto|affermato|aggiunto|spiegato|commentato|concluso)|dichiara|"
    "afferma|aggiunge|spiega|commenta|conclude",
    "pt": "disse|afirmou|declarou|acrescentou|explicou|afirma|diz|destacou",
    "nl": "zei|zegt|aldus|verklaarde|benadrukte?|stelt|vertelt|voegde",
    "pl": "powiedział[a]?|mówi|dodał[a]?|dodaje|podkreślił[a]?|podkreśla|stwierdził[a]?|"
    "zaznaczył[a]?|zaznacza|skomentował[a]?|komentuje|wyjaśnił[a]?|wyjaśnia|ocenia|tłumaczy",
    "cs": "řekl[a]?|uvedl[a]?|dodal[a]?|dodává|říká|vysvětlil[a]?|vysvětluje",
    "sk": "povedal[a]?|uviedol|uviedla|dodal[a]?|hovorí",
    "sv": "säger|sade|sa|tillägger",
    "da": "siger|sagde|tilføjer",
    "nb": "sier|sa|uttaler|legger",
    "ro": "a declarat|a spus|a adăugat|a afirmat",
    "hu": "mondta|nyilatkozta|közölte",
    "uk": "сказа(?:в|ла)|зазначи(?:в|ла)|дода(?:в|ла)|наголоси(?:в|ла)|поясни(?:в|ла)|"
    "підкресли(?:в|ла)|заяви(?:в|ла)|каже",
    "ru": "сказал[а]?|отметил[а]?|добавил[а]?|подчеркнул[а]?|заявил[а]?|пояснил[а]?|"
    "говорит|считает",
    "he": "אמרה?|הוסיפה?|ציינה?|מסרה?|הסבירה?|הדגישה?|לדברי",
    "ar": "قالت?|وقالت?|أضافت?|وأضافت?|صرحت?|أكدت?|وأكدت?",
}
_PRONOUNS = {
    "en": "he|she|they",
    "de": "er|sie",
    "fr": "il|elle",
    "es": "él|ella",
    "it": "lui|lei",
    "pt": "ele|ela",
    "nl": "hij|zij|ze",
    "pl": "on|ona",
    "cs": "on|ona",
    "sk": "on|ona",
    "sv": "han|hon",
    "da": "han|hun",
    "nb": "han|hun",
    "ro": "el|ea",
    "uk": "він|вона",
    "ru": "он|она",
    "he": "הוא|היא",
    "ar": "هو|هي",
}
# Verbs that name the speaker by their form alone: "dodała", "a-t-elle ajouté".
_ALONE = {
    "fr": r"a-t-(?:il|elle) [^\W\d_]+|[^\W\d_]+-t-(?:il|elle)|[^\W\d_]+t-(?:il|elle)",
    **{code: _VERBS[code] for code in ("pl", "cs", "sk", "es", "it", "pt", "ro", "hu", "ru", "uk")},
}
_PARTICLE = r"(?:(?:de|van|von|der|den|del|la|le|al|el|bin|ibn|da|di|du|dos|ter|ten|af|av)\s+)*"
_TITLE = (
    r"(?:(?:Dr|dr|Prof|prof|mgr|inż|dott|Cllr|Mr|Mrs|Ms|Mx|St|Rev|Hon|Sen|Rep|Gov|Gen)\.?\s+|"
    r"Sir\s+|Dame\s+|Lady\s+)*"
)
# A full stop is part of a name behind an initial ("J. Doe", "St. John") and nowhere else.
_WORD = (
    rf"[{UPPER}](?:[^\W\d_]|['’-](?=[^\W\d_])|\.(?=[{UPPER}])|"
    rf"(?:(?<=[{UPPER}])(?<![^\W\d_][{UPPER}])|(?<=\bSt))\.(?=\s[{UPPER}]))*"
)
_CASED_NAME = rf"{_TITLE}{_WORD}(?:[ \n]+{_PARTICLE}{_WORD}){{0,4}}"
# A quotation mark between letters belongs to a Hebrew acronym.
_PLAIN = r"(?:[^\s,.:;\"“”«»]|(?<=[^\W\d_])\"(?=[^\W\d_]))"
_PLAIN_NAME = rf"[^\W\d_]{_PLAIN}*(?:\s+{_PLAIN}+){{0,3}}"
_LED_NAME = (
    rf"(?P<role5>(?!(?:dr|prof|mgr|inż|dott)(?!\w))(?:[^\W\d_{UPPER}][\w'’.-]*|{_WORD}['’]s?)\s+(?:[\w'’.-]+,?\s+){{0,6}}?)"
    rf"(?P<n5>{_WORD}(?:[ \n]+{_PARTICLE}{_WORD}){{1,3}})"
)
"""A role without a comma before the name: "said the foundation's head Jane Doe"."""
_OPENERS = "“„«‹「『"
_CLOSING = {
    "“": '”"“',
    "„": '“”"',
    "«": "»",
    "‹": "›",
    "「": "」",
    "『": "』",
    "»": "«",
    '"': '"”“',
    "”": "”",
}
_EDITOR = re.compile(
    r"[(\[][^()\[\]]{0,200}?(?:[–—-]\s*|\b)(?:red|ed|editor(?:’s|'s)? note|ndlr|n\.d\.l\.r|"
    r"ndr|n\.d\.r|przyp\. red|"
    r"anm\. d\. red|anm\. der red\w*|d\. red|nota del editor|n\. ?del ?e|ред|прим\. ред|"
    r"pozn\. red|замітка ред)\.?\s*[)\]]",
    re.IGNORECASE,
)
_LEAST_WORDS = 3
_REACH = 300
"""Characters from a quotation in which its speaker is looked for."""


@dataclass(frozen=True, slots=True)
class _Said:
    """An attribution: `start`–`end` in the text; `name` None for a pronoun."""

    start: int
    end: int
    name: str | None
    role: str | None


def find(lead: Block | None, body: tuple[Block, ...], language: str) -> tuple[Quote, ...]:
    """The quotations of a release in reading order, speakers and roles as written."""
    quotes: list[Quote] = []
    if lead is not None:
        _paragraph(quotes, -1, lead, language)
    before = lead
    for index, block in enumerate(body):
        if block.kind in {BlockKind.PARAGRAPH, BlockKind.QUOTE}:
            _paragraph(quotes, index, block, language)
            if before is not None:
                _going_on(quotes, index, before, block)
        before = block
    return tuple(_with_roles(quotes))


def findings(quotes: tuple[Quote, ...], lines: dict[int, int | None]) -> list[Finding]:
    """What the author should look at; `lines` gives each paragraph's line."""
    found: list[Finding] = []
    for quote in quotes:
        line = lines.get(quote.paragraph)
        if not quote.marked_in_source:
            short = quote.parts[0].text_min
            found.append(
                Finding(
                    "unmarked_quote",
                    Severity.WARNING,
                    f"Words of {quote.speaker} stand without quotation marks.",
                    line,
                    1,
                    f"Put marks around “{_clip(short)}” if these are the words spoken.",
                )
            )
    for quote in quotes:
        if quote.editor_insertion:
            found.append(
                Finding(
                    "editor_insertion_in_quote",
                    Severity.WARNING,
                    f"{quote.editor_insertion} stands inside words of {quote.speaker} but is an "
                    "editor's insertion.",
                    lines.get(quote.paragraph),
                    1,
                    "Keep it in brackets, or take it out of the quotation.",
                )
            )
    return found


def _paragraph(quotes: list[Quote], index: int, block: Block, language: str) -> None:
    text = _without_code(block)
    if block.kind is BlockKind.QUOTE:
        _block_quote(quotes, index, text)
        return
    spans = _marked_spans(text)
    said = [found for span in spans for found in (_beside(text, span, language),) if found]
    if spans and said:
        _marked(quotes, index, text, spans, language)
    elif not any(_long(text[a:b]) for a, b in spans):
        _unmarked(quotes, index, text, language)


def _going_on(quotes: list[Quote], index: int, before: Block, block: Block) -> None:
    """A quotation over several paragraphs, each opening with a mark and only the last closed:
    what goes on is the same speaker's."""
    last = quotes[-1] if quotes else None
    if last is None or last.paragraph != index - 1 or not last.marked_in_source:
        return
    if {before.kind, block.kind} != {BlockKind.PARAGRAPH}:
        return
    unclosed, text = _without_code(before), _without_code(block)
    spans, here = _marked_spans(unclosed), _marked_spans(text)
    opened = unclosed[spans[-1][0]] if spans else ""
    if not here or spans[-1:] == [] or text[: here[0][0]].strip() or text[here[0][0]] != opened:
        return
    # An unclosed quotation runs to its paragraph's end and ends there without a mark.
    if spans[-1][1] < len(unclosed) or unclosed.rstrip()[-1] in _CLOSING.get(opened, opened):
        return
    start, end = here[0]
    closers = _CLOSING.get(opened, opened)
    words = text[start + 1 : end - (text[end - 1] in closers)].strip().rstrip(",").strip()
    part = QuotePart(words, words, "")
    _add(quotes, index, _Said(end, end, None, None), part, True)


def _unmarked(quotes: list[Quote], index: int, text: str, language: str) -> None:
    begin = 0
    dash_led = re.match(r"\s*[–—-]\s*", text)
    for start, end in sentences(text):
        sentence = text[start:end]
        said = _closing(sentence, language, dash_led is not None)
        if said is None:
            continue
        low = text[start : start + said.start].strip(" ,–—-\n")
        high = text[begin : start + said.start].strip(" ,–—-\n")
        attribution = (sentence[said.end :] and sentence[said.start : said.end]) or sentence[
            said.start :
        ]
        part = QuotePart(low, high, attribution.strip(" ,–—-").rstrip(".!?"))
        if len(low.split()) >= _LEAST_WORDS and _add(
            quotes, index, said, part, dash_led is not None
        ):
            begin = end + (len(text[end:]) - len(text[end:].lstrip()))


def _marked(
    quotes: list[Quote], index: int, text: str, spans: list[tuple[int, int]], language: str
) -> None:
    for start, end in spans:
        inner = text[start + 1 : end - 1 if text[end - 1 : end] in '”"“»›」』«' else end]
        words = inner.strip().rstrip(",").strip()
        said = _beside(text, (start, end), language)
        same = quotes and quotes[-1].paragraph == index
        if said is None and (not same or len(inner.split()) < 3):
            continue
        attribution = text[said.start : said.end].strip(" ,–—-:.") if said else ""
        part = QuotePart(words, words, attribution)
        _add(quotes, index, said or _Said(end, end, None, None), part, True)


def _add(quotes: list[Quote], index: int, said: _Said, part: QuotePart, marked: bool) -> bool:
    """Add a part: to the quote at hand when its speaker goes on, else as a new quote."""
    insertion = _EDITOR.search(part.text_max)
    last = quotes[-1] if quotes else None
    near = last is not None and index - last.paragraph <= 1
    if last is not None and near and last.paragraph == index and said.name in {None, last.speaker}:
        quotes[-1] = replace(
            last,
            parts=(*last.parts, part),
            role=last.role or said.role,
            editor_insertion=last.editor_insertion or (insertion.group() if insertion else None),
        )
        return True
    if said.name is None and (last is None or not near):
        return False
    name = said.name or (last.speaker if last else "")
    role = said.role or (last.role if last and said.name is None else None)
    quotes.append(
        Quote(name, role, index, (part,), marked, insertion.group() if insertion else None)
    )
    return True


def _block_quote(quotes: list[Quote], index: int, text: str) -> None:
    """A block quotation whose last line says who spoke: "— Jane Doe, director"."""
    match = re.search(rf"(?:^|\n)\s*[–—-]+\s*({_CASED_NAME})(?:,\s*([^\n]+))?\s*$", text)
    if match:
        words = text[: match.start()].strip().strip('"“”„«»')
        attribution = match.group().strip(" \n–—-")
        role = match.group(2).strip(" .") if match.group(2) else None
        part = QuotePart(words, words, attribution)
        quotes.append(Quote(match.group(1), role, index, (part,), True))


def _closing(sentence: str, language: str, dashes: bool) -> _Said | None:
    """The attribution that ends a sentence after a comma: ", said Jane Doe, head of research."."""
    begin = max(0, len(sentence) - _REACH)
    tail = sentence[begin:]
    separator = r"(?:,|[?!]|[–—]|\s-)" if dashes else r"(?:,|\s[–—])"
    for verbs, name, pronouns, alone in _grammars(language):
        pattern = re.compile(
            rf"{separator}\s*(?P<said>(?:{verbs})\s+(?P<n1>{name})|(?P<n2>{name})\s+(?:{verbs})"
            rf"|(?:{verbs})\s+(?:{pronouns})(?!\w)|(?:{pronouns})\s+(?:{verbs})"
            rf"|(?P<n3>{name}),\s(?P<role>[^,.:;]{{3,90}}),\s(?:{verbs})|(?P<alone>{alone}))"
            rf"(?P<rest>(?:,\s+[^:]{{3,200}})?)[.!…]?\s*$"
        )
        for match in pattern.finditer(tail):
            speaker = match["n1"] or match["n2"] or match["n3"]
            rest = match["rest"].lstrip(", ").rstrip(" .!…")
            if speaker is None and rest:
                continue
            role = match["role"] or rest or None
            return _Said(begin + match.start("said"), begin + match.end(), speaker, role)
    return None


def _beside(text: str, span: tuple[int, int], language: str) -> _Said | None:
    """The attribution right after or right before a marked quotation."""
    after = text[span[1] : span[1] + _REACH]
    begin = max(0, span[0] - _REACH)
    before = text[begin : span[0]]
    for verbs, name, pronouns, alone in _grammars(language):
        pattern = re.compile(
            rf"\s*[,.]?\s*[–—-]?\s*(?P<said>(?:{verbs})\s+{_LED_NAME}|"
            rf"(?:{verbs})\s+(?P<n1>{name})|"
            rf"(?P<n2>{name})\s+(?:{verbs})(?!\w)"
            rf"|(?:{verbs})\s+(?:{pronouns})(?!\w)|(?:{pronouns})\s+(?:{verbs})(?!\w)"
            rf"|(?P<n3>{name}),\s(?P<role>[^.:;\"“„«]{{3,120}}?),\s(?:{verbs})(?!\w)|"
            rf"(?P<alone>{alone})(?=\s*(?:[.,;]|$)))"
        )
        match = pattern.match(after)
        if match:
            speaker = match["n1"] or match["n2"] or match["n3"] or match["n5"]
            role = match["role"] or (match["role5"] or "").strip(" ,\n") or None
            end = match.end()
            if speaker and role is None:
                role, end = _role(after, end)
            return _Said(span[1] + match.start("said"), span[1] + end, speaker, role)
        lead_in = re.compile(
            rf"(?:^|[.!?]\s+|,\s+|"
            rf"\s)(?P<said>(?P<n1>{name})"
            rf"(?:(?:,\s|\s(?:of|from|at|vom|von|z|із?)\s)(?P<role>[^.:;\"“„«]{{3,120}}?),?)?\s(?:{verbs})"
            rf"|(?:{verbs})\s(?P<n2>{name})|(?P<n3>{name}),\s(?P<role2>[^.:;\"“„«]{{3,120}})(?=:))"
            rf"\s*[:,]?\s*(?:that\s*)?$"
        )
        match = lead_in.search(before)
        if match and re.search(r"[:,]\s*$", before):
            role = match["role"] or match["role2"]
            return _Said(
                begin + match.start("said"),
                begin + match.end("said"),
                match["n1"] or match["n2"] or match["n3"],
                role,
            )
    return None


def _role(after: str, end: int) -> tuple[str | None, int]:
    """The apposition behind a speaker's name, up to the sentence's end or the next quotation."""
    if not after[end:].startswith(","):
        return None, end
    stops = (
        match.start()
        for match in re.finditer(r"[\"“„«:;]", after[end:])
        if match.group() != '"' or not _inside_word(after, end + match.start())
    )
    stop = next(stops, None)
    limit = len(after) if stop is None else end + stop
    spans = sentences(after[end:limit])
    last = end + spans[0][1] if spans else limit
    role = after[end:last].strip(" ,.")
    return (role or None), end + len(after[end:last].rstrip(" .,"))


def _with_roles(quotes: list[Quote]) -> list[Quote]:
    """A speaker named again by surname or without role is the same person: complete him."""
    known: dict[str, Quote] = {}
    result: list[Quote] = []
    for quote in quotes:
        same = known.get(quote.speaker.split()[-1]) if quote.speaker else None
        if same and same.speaker.endswith(quote.speaker):
            quote = replace(quote, speaker=same.speaker, role=quote.role or same.role)
        elif quote.speaker:
            known[quote.speaker.split()[-1]] = quote
        result.append(quote)
    return result


def _marked_spans(text: str) -> list[tuple[int, int]]:
    """Stretches inside quotation marks, marks included; an unclosed one runs to the end."""
    spans: list[tuple[int, int]] = []
    place = 0
    while place < len(text):
        char = text[place]
        opens = char in _OPENERS or (char in '"”' and _may_open(text, place))
        if not opens:
            place += 1
            continue
        closers = _CLOSING.get(char, char)
        end = next(
            (
                i
                for i in range(place + 1, len(text))
                if text[i] in closers and not _inside_word(text, i)
            ),
            None,
        )
        stop = len(text) if end is None else end + 1
        spans.append((place, stop))
        place = stop
    return spans


def _may_open(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return (
        (not before or before.isspace() or before in "([–—-")
        and bool(after)
        and not after.isspace()
    )


def _inside_word(text: str, place: int) -> bool:
    """Hebrew writes acronyms with a quotation mark between letters."""
    return text[place - 1 : place].isalpha() and text[place + 1 : place + 2].isalpha()


def _without_code(block: Block) -> str:
    """The block's text with code blanked out: quotation marks in it quote nobody."""
    parts = []
    for inline in block.inlines:
        parts.append(re.sub(r"[\"“”„«»]", "\x00", inline.text) if inline.code else inline.text)
    parts += ["\n" + child.text for child in block.children]
    return "".join(parts).strip("\n")


def _long(text: str) -> bool:
    return len(text.split()) >= 4 or (not has_case(text) and len(text) >= 16)


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57].rsplit(" ", 1)[0] + " …"


@lru_cache(maxsize=32)
def _grammars(language: str) -> tuple[tuple[str, str, str, str], ...]:
    """Verbs, names, pronouns and verbs that stand alone, of the language and of English."""
    codes = [code for code in dict.fromkeys((language.split("-")[0], "en")) if code in _VERBS]
    never = r"(?!)"
    return tuple(
        (
            _VERBS[code],
            _PLAIN_NAME if code in {"he", "ar"} else _CASED_NAME,
            _PRONOUNS.get(code, never),
            _ALONE.get(code, never),
        )
        for code in codes
    )
