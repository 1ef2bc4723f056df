"""The labels of an invitation to the press, in the languages that newsrooms write: WHAT, WHEN …

Patterns only; what stands behind a label is for `event`.
"""

from __future__ import annotations

import re

_LABELS = {
    "what": r"what|event|was|anlass|veranstaltung|quoi|objet|évènement|événement|qué|evento|"
    r"(che )?cosa|wat|co|wydarzenie|o quê|que|что|мероприятие|що|подія|ماذا|ما|الحدث|الفعالية|"
    r"מה|האירוע|内容|活动|活動|什么|何を",
    "when": r"when|date (and|&) time|time (and|&) date|wann|termin|zeitpunkt|"
    r"datum und (uhr)?zeit|quand|date et heure|cuándo|fecha y hora|quando|data e ora|wanneer|"
    r"datum en tijd|kiedy|data i godzina|data e hora|когда|дата и время|коли|дата [іт]а? час|متى|"
    r"الموعد|الزمان|التاريخ والوقت|מתי|מועד|日時|日时|时间|時間|いつ",
    "date": r"date|datum|fecha|data|дата|التاريخ|תאריך|日期|日付",
    "time": r"time|uhrzeit|beginn|heure|hora|ora|tijd|godzina|время|час|الوقت|الساعة|שעה",
    "where": r"where|venue|location|place|address|wo|ort|veranstaltungsort|où|lieu|dónde|lugar|"
    r"dove|luogo|sede|waar|locatie|plaats|gdzie|miejsce|onde|local|где|место( проведения)?|де|"
    r"місце( проведення)?|أين|المكان|איפה|היכן|מקום|場所|会場|地点|地點|どこで",
    "who": r"who|speakers?|participants|wer|teilnehmer(innen)?|mit|es sprechen|podium|qui|"
    r"intervenants?|participants?|avec|quién(es)?|intervienen|participan|ponentes|chi|relatori|"
    r"intervengono|wie|sprekers|kto|uczestnicy|quem|participantes|кто|участники|спикеры|хто|"
    r"учасники|спікери|من|المشاركون|المتحدثون|מי|משתתפים|דוברים|登壇者|出席者|嘉宾|嘉賓|出席|誰が",
    "access": r"r\.?s\.?v\.?p\.?|registration|accreditation|(how )?to attend|to register|"
    r"(media )?access|anmeldung|akkreditierung|um anmeldung wird gebeten|inscriptions?|"
    r"accréditations?|s'inscrire|confirmación( de asistencia)?|acreditaci(ón|ones)|"
    r"inscripción|accredit(o|i|amento|amenti)|conferma|iscrizion[ei]|aanmeld(en|ing)|"
    r"accreditatie|akredytacj[ae]|zgłoszenia|rejestracja|potwierdzenie|credencia(ção|mento)|"
    r"acreditação|confirmação|inscrição|аккредитация|регистрация|акредитація|реєстрація|"
    r"الاعتماد|التسجيل|تأكيد الحضور|הרשמה|אישור הגעה|取材申込|参加申込|申込(方法)?|报名|報名",
    "photo": r"photo(graph)?s?|photo[- ]?(opportunit(y|ies)|op|opp|call)s?|visuals|"
    r"(photo|picture) opportunit(y|ies)|foto(termin|möglichkeit|s)?|bildtermin|"
    r"(possibilités? de )?photos?|séance photos?|oportunidad(es)? (fotográficas?|de fotos?)|"
    r"foto(grafie)?|opportunità fotografiche|fotomoment|okazja do zdjęć|zdjęcia|"
    r"oportunidade de fotos?|фото(съемка|съёмка|зйомка)?|التصوير|צילום|撮影|拍照",
    "online": r"online|(live ?)?stream|livestream|webcast|watch (live|online)|zoom|en ligne|"
    r"en direct|en línea|en directo|(in )?diretta( streaming)?|transmisja( online)?|ao vivo|"
    r"трансляция|онлайн|трансляція|البث المباشر|عبر الإنترنت|שידור חי|配信|オンライン|线上|直播",
    "languages": r"languages?|interpretation|sprachen?|dolmetsch(en|ung)|langues?|interprétation|"
    r"idiomas?|interpretación|lingu[ae]|interpretariato|ta(al|len)|vertolking|języki?|"
    r"tłumaczenie|línguas?|interpretação|языки?|перевод|мов[аи]|переклад|اللغ(ة|ات)|الترجمة|"
    r"שפ(ה|ות)|תרגום|言語|语言|語言",
    "deadline": r"deadline|(registration )?closes|anmeldeschluss|anmeldefrist|date limite|"
    r"fecha límite|scadenza|uiterlijk|termin zgłoszeń|prazo|срок|термін",
}
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _LABELS.items())
# A label, its mark and what follows: "WHEN: …", "Wann – …"; a bare word is one by itself.
_OPENS = re.compile(
    r"[\s*_•·▪–—-]*(?P<word>[^\W\d_][^:：\n|]{0,40}?)[\s*_?¿]*(?:[:：|]|\s[–—-]\s)[\s*_]*"
)
_INVITES = re.compile(
    r"press (conference|briefing|call|visit|event|tour)|media (briefing|event|call|day|visit|"
    r"advisory|alert|opportunity)|photo ?-?call|briefing for journalists|invit(e|ation|ación|o)\b|"
    r"save the date|advisory|press(e|everanstaltung)?konferenz|presse(termin|gespräch|frühstück)|"
    r"pressegespräch|einladung|fototermin|conférence de presse|point (de )?presse|point-presse|"
    r"voyage de presse|rueda de prensa|conferencia de prensa|convocatoria|invitación|"
    r"conferenza stampa|invito|persconferentie|persmoment|uitnodiging|konferencj[aię] prasow|"
    r"briefing prasow|zaproszenie|zaprasza|conferência de imprensa|coletiva de imprensa|convite|"
    r"convida|пресс-конференци|брифинг|приглаша|приглашени|прес-конференці|брифінг|запрошу|"
    r"запрошенн|مؤتمر صح[فا]|دعوة|يدعو|תדרוך|מסיבת עיתונאים|הזמנה|מזמי|記者会見|記者発表|説明会|"
    r"新闻发布会|新聞發布會|记者会|記者會|发布会|邀请",
    re.IGNORECASE,
)


def label(text: str) -> str | None:
    """What a label alone, such as "WHEN", "Wo?" or "Photo opportunity:", stands for, or None."""
    bare = " ".join(text.split()).strip(" *_•·▪-–—:：?¿|[]()")
    if not 1 <= len(bare) <= 42:
        return None
    return next((name for name, pattern in _PATTERNS if pattern.fullmatch(bare)), None)


def opening(text: str) -> tuple[str, str] | None:
    """The label that opens a line, and what stands behind it: "WHEN: noon" is when and "noon"."""
    match = _OPENS.match(text)
    name = label(match["word"]) if match else None
    return (name, text[match.end() :].strip()) if match and name else None


def invites(headline: str) -> bool:
    """Whether a headline reads like that of an invitation to journalists."""
    return _INVITES.search(headline) is not None
