"""Words that a language rightly sets twice: "that that", "nous nous", "die die", reduplication.

Lists of words by language, lower case. Only words that stand twice in good prose are here; what
follows a comma or a line's end is no double anyway.
"""

from __future__ import annotations

_TWICE = {
    # Grammar: "the fact that that is", "had had", "what it is is", "gave her her book".
    "en": "that had is her so very really much many more far long no now there bye knock "
    "blah boo aye hear ha tut chop pom can yes well hush pretty again over out big "
    "same",
    # Relative pronoun and article: "die, die die" without the comma that some leave out.
    "de": "die der das den dem des denen sie ihr sich so sehr viel zu ganz weit lange ja nein",
    "fr": "nous vous en très bien plus oui non si peu est-ce",
    "es": "muy no sí ya poco bla más casi todo",
    "it": "piano poco molto ancora via quasi appena così proprio ben su giù mano passo "
    "adagio lì là no sì si fianco zitto",
    "pt": "muito não sim logo quase já pouco nos vos bem",
    "nl": "die dat zij ze had was is er te heel zeer zo ja nee veel haar het u",
    "sv": "det den de är var i så mycket jag",
    "da": "det den de er var så meget der",
    "nb": "det den de er var så mye der",
    "fi": "se on ei hyvin ja niin kun pian yhä",
    "pl": "bardzo tak nie już że się to co i coraz krok ledwo no",
    "cs": "velmi moc ne ano se si že to už a co jen tak",
    "sk": "veľmi nie áno sa si že to už a čo len tak",
    "sl": "zelo se je ne da",
    "hr": "vrlo jako se ne da što malo",
    "sr": "врло јако се не да што мало vrlo se ne da",
    "ro": "foarte nu da cât mult când repede",
    "hu": "egy igen nem nagyon már más sok egyre alig",
    "ca": "molt no sí",
    "tr": "çok yavaş ayrı tek sık az bir güzel sıra adım zaman yer iki ne birer tane "
    "kat hızlı uzun "
    "kısa teker şey an gün sabah akşam ev kapı",
    "ru": "очень вот да нет еле чуть мало много давно долго едва только не где кто всё",
    "uk": "дуже ось так ні ледь мало багато давно довго тільки не де хто все",
    "bg": "много да не едва само",
    "el": "πολύ σιγά λίγο ναι όχι του των της τον τους στο πρώτα μόλις",
    "he": "מאוד כן לא לאט יום שבוע שנה אט כל אחד אחת שניים רק חזק מהר טוב מיד פעם איש זה",
    "ar": "جدا جداً نعم لا شيئا شيئًا قليلا قليلاً يوما يومًا صفا رويدا رويداً خطوة واحدا هو هي من "
    "دكا كلا وجها مرة",
    "fa": "خیلی کم آرام یک نه بله تک روز قطره",
    "hi": "बहुत धीरे कभी जब क्या कौन अलग बार साथ दूर घर अपने अपनी जगह जैसे बड़े छोटे",
}
_SETS = {code: frozenset(words.split()) for code, words in _TWICE.items()}

# Doubling makes the plural or a new word: nothing can be said against any word there.
_REDUPLICATING = frozenset(
    ["id", "ms", "jv", "su", "tl", "fil", "mi", "haw", "sm", "to", "fj", "ty", "sw", "zu", "xh",
     "st", "tn", "rw", "vi", "th", "km", "lo", "my", "zh", "ja", "ko", "ta", "te", "kn", "ml", "bn",
     "ht", "tpi", "bi", "yo", "ig", "ha", "af"]
)  # fmt: skip


def rightly(word: str, language: str) -> bool:
    """Whether good prose in `language` (two letters) may say `word` twice."""
    return language in _REDUPLICATING or word.lower() in _SETS.get(language, frozenset())
