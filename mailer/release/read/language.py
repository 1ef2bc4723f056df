"""Which language a text is in: by its script, then by its commonest small words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_STOP_WORDS = {
    "en": "the of and to in is that for it as was with be by on are this which has have from "
    "an its will",
    "de": "der die und den von zu das mit sich des auf für ist im dem nicht ein eine als auch "
    "es werden wird",
    "fr": "le la les de des et du en un une est que pour dans qui sur au par avec pas plus ce aux",
    "es": "el la los las de que y en un una por con para del se su al lo como más es ha",
    "it": "il la di che e un una per in del della con non sono da i gli le al dei delle è",
    "pt": "o a os as de que e do da em um uma para com não por no na dos das ao é mais",
    "nl": "de het een en van in is dat op te zijn voor met die niet aan er door om ook wordt",
    "pl": "w i na z do nie się że jest o to dla oraz przez po od jako przy są był jej ich",
    "cs": "a v se na je že o s z do i pro jako to ve za byl jsou podle který při od",
    "sk": "a v sa na je že o s z do aj pre ako to vo za bol sú podľa ktorý pri od",
    "sv": "och att det i en som på är av för med den till inte om ett har de vi från säger efter "
    "mot mellan utan genom sig",
    "da": "og at det i en som på er af for med den til ikke om et har de vi fra blev siger efter "
    "mod mellem uden gennem sig",
    "nb": "og at det i en som på er av for med den til ikke om et har de vi fra ble sier etter "
    "mot mellom uten gjennom seg",
    "fi": "ja on että ei se oli hän ovat mutta myös kun sekä joka tai mukaan kuin jo ole",
    "hu": "a az és hogy nem is egy ez meg van volt de ki már csak vagy mint azt el",
    "ro": "și în de la cu pe nu este care o a din pentru un sau mai că al au ce",
    "tr": "ve bir bu da de için ile olarak çok daha olan gibi kadar ne sonra en",
    "hr": "i u je se na da za su od s o kao iz ne bi koji nije sve će",
    "lt": "ir kad į iš su yra tai bet kaip už po nuo jis ar buvo apie",
    "lv": "un ir ar no uz par kas ka tika lai bet arī pēc tiek gan jau vai savu to šo",
    "et": "ja on ei et see ka oli kui aga mis siis oma nii välja pärast ning selle või ta",
    "sl": "in je se na da za so v z s ki pa bi tudi po od pri ne kot ali bil",
    "vi": "và của là các trong cho được với có không những một người này đã từ",
    "el": "και το του η να που με για από την τον της οι στο στη σε είναι θα τα ο ότι τους",
    "he": "של את על לא הוא זה עם כי גם או אל בין כל היא אחרי ידי",
    "ar": "في من على إلى عن أن هذا هذه التي الذي مع كل بعد بين وهي وهو حتى",
    "id": "yang dan di dengan untuk dari ini pada itu dalam tidak akan adalah oleh ke",
    "ca": "el la els les de que i en un una per amb del al és com més ha dels",
    "ru": "и в не на что с по это как из за от к для о был были его её также",
    "uk": "і в не на що з та до це як за від для про у його її також є був",
    "bg": "и в на не да се за от с по като това че е са ще към при",
    "sr": "и у је се на да за су од с о као из не би који није ће",
}
_SETS = {code: frozenset(words.split()) for code, words in _STOP_WORDS.items()}
_CYRILLIC = frozenset({"ru", "uk", "bg", "sr"})
_SCRIPTS = {
    "HEBREW": "he",
    "ARABIC": "ar",
    "GREEK": "el",
    "HANGUL": "ko",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
_OWN_LETTERS = (("[іїєґ]", "uk"), ("[ыэё]", "ru"), ("[ђјљњћџ]", "sr"))
"""Cyrillic letters that only one of the languages known here has."""
_RTL = frozenset({"he", "ar", "fa", "ur", "yi", "ps"})


def is_language(code: str) -> bool:
    """Whether a code is one of a language that releases are read in."""
    return code in _SETS or code in _SCRIPTS.values() or code in ("zh", "ja", "fa", "ur")


def detect(text: str, fallback: str = "en") -> str:
    """The language of `text` as a two-letter code, `fallback` when there is too little to tell."""
    found = detect_surely(text)
    if found is None and script_of(text) == "CYRILLIC" and fallback[:2] not in _CYRILLIC:
        # Too few words to tell, yet nothing of another script: the likeliest by its letters.
        found = next((code for letters, code in _OWN_LETTERS if re.search(letters, text)), "ru")
    return found or fallback


def detect_surely(text: str) -> str | None:
    """The language of `text`, or None when its words do not say."""
    script = script_of(text)
    if script in _SCRIPTS:
        if script == "ARABIC" and re.search("[پچژگ]", text):
            return "ur" if re.search("[ٹڈڑے]", text) else "fa"
        return _SCRIPTS[script]
    if script in {"CJK", "HIRAGANA", "KATAKANA"}:
        return "ja" if re.search("[\u3040-\u30ff]", text) else "zh"
    if script not in {"LATIN", "CYRILLIC"}:
        return None
    found = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    total = sum(found.values())
    scores = {
        code: sum(found[word] for word in words)
        for code, words in _SETS.items()
        if (code in _CYRILLIC) == (script == "CYRILLIC")
    }
    if script == "CYRILLIC":
        # Letters that only one of these languages has.
        for letters, code in _OWN_LETTERS:
            if re.search(letters, text.lower()):
                scores = {code: scores[code] + 1}
                break
    ranked = sorted(scores, key=lambda code: -scores[code])
    best = ranked[0]
    enough = scores[best] >= max(2, total // 25)
    clear = len(ranked) < 2 or scores[best] > scores[ranked[1]]
    return best if enough and (clear or total > 30) else None


def hits(text: str, languages: str) -> int:
    """How many small words of the best of some languages (codes parted by spaces) `text` has."""
    found = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    return max(sum(found[word] for word in _SETS[code]) for code in languages.split())


def has_list(language: str) -> bool:
    """Whether the small words of a language (two letters) are known here."""
    return language in _SETS


def is_small_word(word: str, language: str) -> bool:
    """Whether `word` is one of the commonest of a language (two letters) or of English."""
    return any(word.lower() in _SETS.get(code, frozenset()) for code in (language, "en"))


def script_of(text: str) -> str:
    """The script of most letters of `text`, as the first word of their Unicode names."""
    counts: Counter[str] = Counter()
    for char in text[:4000]:
        if char.isalpha():
            counts[unicodedata.name(char, "?").split()[0].split("-")[0]] += 1
    return counts.most_common(1)[0][0] if counts else ""


def direction_for(language: str) -> str:
    """ "rtl" or "ltr" for a language code."""
    return "rtl" if language.split("-")[0].lower() in _RTL else "ltr"
