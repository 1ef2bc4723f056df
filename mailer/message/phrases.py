"""The fixed words of a message, in the languages of its readers.

Everything that the program itself says in a message stands here and nowhere else. A language
that is missing, or lacks a phrase, speaks English. `{…}` are filled by the functions below.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

FALLBACK = "en"

RTL = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "ckb", "dv", "ug"})
"""Languages written from right to left."""


def base_language(tag: str) -> str:
    """The language of a BCP 47 tag without region and script: "de" for "de-AT"."""
    return tag.replace("_", "-").partition("-")[0].lower()


@lru_cache(maxsize=1024)
def phrases(language: str) -> Mapping[str, str]:
    """All phrases for a language, English where it has none of its own."""
    return _complete(base_language(language))


def phrase_language(language: str) -> str:
    """The language in which `phrases(language)` really speaks: it may be the fallback."""
    base = base_language(language)
    return base if base in _PHRASES else FALLBACK


def greeting(language: str, first_name: str, last_name: str) -> str:
    """How a journalist is addressed: by name only where that is right for every name.

    Polish and Ukrainian decline names in address, so they greet without; nobody is addressed by
    a surname alone.
    """
    words = phrases(language)
    name = f"{first_name} {last_name}".strip() if first_name else ""
    return words["greeting"].format(name=name) if name else words["greeting_plain"]


@lru_cache(maxsize=4096)
def reason(
    language: str, newsroom: str, title: str, kind: str, source: str, source_date: str
) -> str:
    """One or two sentences: why he gets this, from which list, where the address came from.

    In right-to-left sentences what is filled in is isolated, else a Latin list name would carry
    the punctuation and numbers after it to its wrong side.
    """
    words = phrases(language)
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


def kind_label(language: str, kind: str) -> str:
    """The word in the kind line: "Press release", "Withdrawn" …; `kind` is a `Kind`'s value."""
    return phrases(language)[f"kind_{kind}"]


_PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "kind_release": "Press release",
        "kind_statement": "Statement",
        "kind_advisory": "Media advisory",
        "kind_update": "Update",
        "kind_correction": "Correction",
        "kind_refile": "Refiled",
        "kind_hold": "Hold – do not use",
        "kind_embargo-change": "Embargo changed",
        "kind_kill": "Withdrawn – do not use",
        "immediate": "For immediate release",
        "embargoed": "Embargoed until",
        "not_for_publication": "Not for publication",
        "prefix_embargo": "EMBARGO",
        "prefix_update": "UPDATE",
        "prefix_correction": "CORRECTION",
        "prefix_refile": "REFILED",
        "prefix_hold": "HOLD",
        "prefix_embargo-change": "EMBARGO CHANGED",
        "prefix_kill": "WITHDRAWN",
        "prefix_advisory": "ADVISORY",
        "contacts": "Media contacts",
        "notes": "Notes to editors",
        "links": "Links",
        "read_online": "Read online",
        "unsubscribe": "Unsubscribe",
        "preferences": "Choose what you get",
        "name": "Name",
        "phone": "Telephone",
        "email": "Email",
        "hours": "Hours",
        "end_mark": "ENDS",
        "list": "List",
        "sent_by": "Sent by {newsroom}",
        "privacy": "No tracking: this message holds no hidden pixel and no rewritten link.",
        "to_stop": "To stop these messages",
        "to_choose": "To choose what you get",
        "greeting": "Dear {name},",
        "greeting_plain": "Hello,",
        "reason_press": "You get this because the press office of {newsroom} keeps you on its list"
        " “{list}”.",
        "reason_topic": "You get this because you signed up to “{list}” of {newsroom}.",
        "reason_trusted": "You get this because you are on the embargo list “{list}” of"
        " {newsroom}.",
        "reason_internal": "You get this copy because you are on the internal list “{list}” of"
        " {newsroom}.",
        "source_and_date": "Where your address is from: {source}, {date}.",
        "source_only": "Where your address is from: {source}.",
    },
    "de": {
        "kind_release": "Pressemitteilung",
        "kind_statement": "Stellungnahme",
        "kind_advisory": "Terminhinweis",
        "kind_update": "Aktualisierung",
        "kind_correction": "Berichtigung",
        "kind_refile": "Neufassung",
        "kind_hold": "Sperre – nicht verwenden",
        "kind_embargo-change": "Sperrfrist geändert",
        "kind_kill": "Zurückgezogen – nicht verwenden",
        "immediate": "Zur sofortigen Veröffentlichung",
        "embargoed": "Sperrfrist bis",
        "not_for_publication": "Nicht zur Veröffentlichung",
        "prefix_embargo": "SPERRFRIST",
        "prefix_update": "AKTUALISIERUNG",
        "prefix_correction": "BERICHTIGUNG",
        "prefix_refile": "NEUFASSUNG",
        "prefix_hold": "SPERRE",
        "prefix_embargo-change": "SPERRFRIST GEÄNDERT",
        "prefix_kill": "ZURÜCKGEZOGEN",
        "prefix_advisory": "TERMIN",
        "contacts": "Pressekontakt",
        "notes": "Hinweise für Redaktionen",
        "links": "Links",
        "read_online": "Online lesen",
        "unsubscribe": "Abbestellen",
        "preferences": "Auswählen, was Sie erhalten",
        "name": "Name",
        "phone": "Telefon",
        "email": "E-Mail",
        "hours": "Erreichbar",
        "end_mark": "– Ende –",
        "list": "Verteiler",
        "sent_by": "Gesendet von {newsroom}",
        "privacy": "Kein Tracking: keine Zählpixel, keine umgeschriebenen Links.",
        "to_stop": "Abbestellen",
        "to_choose": "Auswählen, was Sie erhalten",
        "greeting": "Guten Tag {name},",
        "greeting_plain": "Guten Tag,",
        "reason_press": "Sie erhalten diese Nachricht, weil die Pressestelle von {newsroom} Sie in"
        " ihrem Verteiler „{list}“ führt.",
        "reason_topic": "Sie erhalten diese Nachricht, weil Sie „{list}“ von {newsroom} bestellt"
        " haben.",
        "reason_trusted": "Sie erhalten diese Nachricht, weil Sie im Sperrfrist-Verteiler „{list}“"
        " von {newsroom} stehen.",
        "reason_internal": "Sie erhalten diese Kopie, weil Sie im internen Verteiler „{list}“ von"
        " {newsroom} stehen.",
        "source_and_date": "Herkunft Ihrer Adresse: {source}, {date}.",
        "source_only": "Herkunft Ihrer Adresse: {source}.",
    },
    "fr": {
        "kind_release": "Communiqué de presse",
        "kind_statement": "Déclaration",
        "kind_advisory": "Avis aux médias",
        "kind_update": "Mise à jour",
        "kind_correction": "Rectificatif",
        "kind_refile": "Nouvelle version",
        "kind_hold": "Suspendu – ne pas utiliser",
        "kind_embargo-change": "Embargo modifié",
        "kind_kill": "Retiré – ne pas utiliser",
        "immediate": "Pour diffusion immédiate",
        "embargoed": "Sous embargo jusqu’au",
        "not_for_publication": "Ne pas publier",
        "prefix_embargo": "EMBARGO",
        "prefix_update": "MISE À JOUR",
        "prefix_correction": "RECTIFICATIF",
        "prefix_refile": "NOUVELLE VERSION",
        "prefix_hold": "SUSPENDU",
        "prefix_embargo-change": "EMBARGO MODIFIÉ",
        "prefix_kill": "RETIRÉ",
        "prefix_advisory": "AVIS",
        "contacts": "Contacts presse",
        "notes": "Notes à la rédaction",
        "links": "Liens",
        "read_online": "Lire en ligne",
        "unsubscribe": "Se désabonner",
        "preferences": "Choisir ce que vous recevez",
        "name": "Nom",
        "phone": "Téléphone",
        "email": "E-mail",
        "hours": "Horaires",
        "end_mark": "– Fin –",
        "list": "Liste",
        "sent_by": "Envoyé par {newsroom}",
        "privacy": "Sans pistage : ni pixel caché, ni lien réécrit.",
        "to_stop": "Se désabonner",
        "to_choose": "Choisir ce que vous recevez",
        "greeting": "Bonjour {name},",
        "greeting_plain": "Bonjour,",
        "reason_press": "Vous recevez ce message parce que le service de presse de {newsroom} vous"
        " a inscrit sur sa liste « {list} ».",
        "reason_topic": "Vous recevez ce message parce que vous vous êtes abonné à « {list} » de"
        " {newsroom}.",
        "reason_trusted": "Vous recevez ce message parce que vous êtes sur la liste sous embargo"
        " « {list} » de {newsroom}.",
        "reason_internal": "Vous recevez cette copie parce que vous êtes sur la liste interne"
        " « {list} » de {newsroom}.",
        "source_and_date": "Origine de votre adresse : {source}, {date}.",
        "source_only": "Origine de votre adresse : {source}.",
    },
    "pl": {
        "kind_release": "Informacja prasowa",
        "kind_statement": "Oświadczenie",
        "kind_advisory": "Zaproszenie dla mediów",
        "kind_update": "Aktualizacja",
        "kind_correction": "Sprostowanie",
        "kind_refile": "Nowa wersja",
        "kind_hold": "Wstrzymane – nie wykorzystywać",
        "kind_embargo-change": "Zmiana embarga",
        "kind_kill": "Wycofane – nie wykorzystywać",
        "immediate": "Do natychmiastowej publikacji",
        "embargoed": "Embargo do",
        "not_for_publication": "Nie do publikacji",
        "prefix_embargo": "EMBARGO",
        "prefix_update": "AKTUALIZACJA",
        "prefix_correction": "SPROSTOWANIE",
        "prefix_refile": "NOWA WERSJA",
        "prefix_hold": "WSTRZYMANE",
        "prefix_embargo-change": "ZMIANA EMBARGA",
        "prefix_kill": "WYCOFANE",
        "prefix_advisory": "ZAPROSZENIE",
        "contacts": "Kontakt dla mediów",
        "notes": "Informacje dla redakcji",
        "links": "Odnośniki",
        "read_online": "Czytaj w sieci",
        "unsubscribe": "Wypisz się",
        "preferences": "Wybierz, co dostajesz",
        "name": "Imię i nazwisko",
        "phone": "Telefon",
        "email": "E-mail",
        "hours": "Godziny",
        "end_mark": "– koniec –",
        "list": "Lista",
        "sent_by": "Wysyła {newsroom}",
        "privacy": "Bez śledzenia: żadnych ukrytych pikseli ani zmienionych odnośników.",
        "to_stop": "Aby się wypisać",
        "to_choose": "Aby wybrać, co dostajesz",
        "greeting": "Dzień dobry,",
        "greeting_plain": "Dzień dobry,",
        "reason_press": "Dostajesz tę wiadomość, ponieważ biuro prasowe {newsroom} ma Cię na liście"
        " „{list}”.",
        "reason_topic": "Dostajesz tę wiadomość, ponieważ zapisano Cię na Twoją prośbę na listę"
        " „{list}” ({newsroom}).",
        "reason_trusted": "Dostajesz tę wiadomość, ponieważ jesteś na liście embargowej „{list}”"
        " ({newsroom}).",
        "reason_internal": "Dostajesz tę kopię, ponieważ jesteś na liście wewnętrznej „{list}”"
        " ({newsroom}).",
        "source_and_date": "Skąd mamy Twój adres: {source}, {date}.",
        "source_only": "Skąd mamy Twój adres: {source}.",
    },
    "uk": {
        "kind_release": "Пресреліз",
        "kind_statement": "Заява",
        "kind_advisory": "Анонс для медіа",
        "kind_update": "Оновлення",
        "kind_correction": "Виправлення",
        "kind_refile": "Нова редакція",
        "kind_hold": "Призупинено – не використовувати",
        "kind_embargo-change": "Зміна ембарго",
        "kind_kill": "Відкликано – не використовувати",
        "immediate": "Для негайної публікації",
        "embargoed": "Ембарго до",
        "not_for_publication": "Не для публікації",
        "prefix_embargo": "ЕМБАРГО",
        "prefix_update": "ОНОВЛЕННЯ",
        "prefix_correction": "ВИПРАВЛЕННЯ",
        "prefix_refile": "НОВА РЕДАКЦІЯ",
        "prefix_hold": "ПРИЗУПИНЕНО",
        "prefix_embargo-change": "ЗМІНА ЕМБАРГО",
        "prefix_kill": "ВІДКЛИКАНО",
        "prefix_advisory": "АНОНС",
        "contacts": "Контакти для медіа",
        "notes": "Примітки для редакцій",
        "links": "Посилання",
        "read_online": "Читати онлайн",
        "unsubscribe": "Відписатися",
        "preferences": "Вибрати, що отримувати",
        "name": "Ім’я",
        "phone": "Телефон",
        "email": "Електронна пошта",
        "hours": "Години",
        "end_mark": "– Кінець –",
        "list": "Список",
        "sent_by": "Надсилає {newsroom}",
        "privacy": "Без стеження: жодних прихованих пікселів і змінених посилань.",
        "to_stop": "Щоб відписатися",
        "to_choose": "Щоб вибрати, що отримувати",
        "greeting": "Добрий день,",
        "greeting_plain": "Добрий день,",
        "reason_press": "Ви отримали це повідомлення, бо пресслужба {newsroom} має вас у списку"
        " «{list}».",
        "reason_topic": "Ви отримали це повідомлення, бо підписалися на «{list}» ({newsroom}).",
        "reason_trusted": "Ви отримали це повідомлення, бо ви у списку ембарго «{list}»"
        " ({newsroom}).",
        "reason_internal": "Ви отримали цю копію, бо ви у внутрішньому списку «{list}»"
        " ({newsroom}).",
        "source_and_date": "Звідки ваша адреса: {source}, {date}.",
        "source_only": "Звідки ваша адреса: {source}.",
    },
    "ru": {
        "kind_release": "Пресс-релиз",
        "kind_statement": "Заявление",
        "kind_advisory": "Анонс для СМИ",
        "kind_update": "Обновление",
        "kind_correction": "Исправление",
        "kind_refile": "Новая редакция",
        "kind_hold": "Приостановлено – не использовать",
        "kind_embargo-change": "Изменение эмбарго",
        "kind_kill": "Отозвано – не использовать",
        "immediate": "Для немедленной публикации",
        "embargoed": "Эмбарго до",
        "not_for_publication": "Не для публикации",
        "prefix_embargo": "ЭМБАРГО",
        "prefix_update": "ОБНОВЛЕНИЕ",
        "prefix_correction": "ИСПРАВЛЕНИЕ",
        "prefix_refile": "НОВАЯ РЕДАКЦИЯ",
        "prefix_hold": "ПРИОСТАНОВЛЕНО",
        "prefix_embargo-change": "ИЗМЕНЕНИЕ ЭМБАРГО",
        "prefix_kill": "ОТОЗВАНО",
        "prefix_advisory": "АНОНС",
        "contacts": "Контакты для СМИ",
        "notes": "Примечания для редакций",
        "links": "Ссылки",
        "read_online": "Читать онлайн",
        "unsubscribe": "Отписаться",
        "preferences": "Выбрать, что получать",
        "name": "Имя",
        "phone": "Телефон",
        "email": "Электронная почта",
        "hours": "Часы",
        "end_mark": "– Конец –",
        "list": "Список",
        "sent_by": "Отправитель: {newsroom}",
        "privacy": "Без слежения: никаких скрытых пикселей и изменённых ссылок.",
        "to_stop": "Чтобы отписаться",
        "to_choose": "Чтобы выбрать, что получать",
        "greeting": "Добрый день, {name},",
        "greeting_plain": "Добрый день,",
        "reason_press": "Вы получили это письмо, потому что пресс-служба {newsroom} включила вас в"
        " список «{list}».",
        "reason_topic": "Вы получили это письмо, потому что подписались на «{list}» ({newsroom}).",
        "reason_trusted": "Вы получили это письмо, потому что вы в списке эмбарго «{list}»"
        " ({newsroom}).",
        "reason_internal": "Вы получили эту копию, потому что вы во внутреннем списке «{list}»"
        " ({newsroom}).",
        "source_and_date": "Откуда ваш адрес: {source}, {date}.",
        "source_only": "Откуда ваш адрес: {source}.",
    },
    "he": {
        "kind_release": "הודעה לעיתונות",
        "kind_statement": "הצהרה",
        "kind_advisory": "הזמנה לתקשורת",
        "kind_update": "עדכון",
        "kind_correction": "תיקון",
        "kind_refile": "נוסח חדש",
        "kind_hold": "מעוכב – לא לשימוש",
        "kind_embargo-change": "שינוי אמברגו",
        "kind_kill": "בוטל – לא לשימוש",
        "immediate": "לפרסום מיידי",
        "embargoed": "אמברגו עד",
        "not_for_publication": "לא לפרסום",
        "prefix_embargo": "אמברגו",
        "prefix_update": "עדכון",
        "prefix_correction": "תיקון",
        "prefix_refile": "נוסח חדש",
        "prefix_hold": "מעוכב",
        "prefix_embargo-change": "שינוי אמברגו",
        "prefix_kill": "בוטל",
        "prefix_advisory": "הזמנה",
        "contacts": "אנשי קשר לתקשורת",
        "notes": "הערות לעורכים",
        "links": "קישורים",
        "read_online": "לקריאה באתר",
        "unsubscribe": "הסרה מהרשימה",
        "preferences": "לבחור מה לקבל",
        "name": "שם",
        "phone": "טלפון",
        "email": "דוא״ל",
        "hours": "שעות",
        "end_mark": "– סוף –",
        "list": "רשימה",
        "sent_by": "נשלח מאת {newsroom}",
        "privacy": "ללא מעקב: אין בהודעה פיקסל נסתר או קישור משוכתב.",
        "to_stop": "להסרה מהרשימה",
        "to_choose": "לבחור מה לקבל",
        "greeting": "שלום {name},",
        "greeting_plain": "שלום,",
        "reason_press": "קיבלת הודעה זו כי משרד הדוברות של {newsroom} כלל אותך ברשימה “{list}”.",
        "reason_topic": "קיבלת הודעה זו כי נרשמת אל “{list}” של {newsroom}.",
        "reason_trusted": "קיבלת הודעה זו כי שמך ברשימת האמברגו “{list}” של {newsroom}.",
        "reason_internal": "קיבלת עותק זה כי שמך ברשימה הפנימית “{list}” של {newsroom}.",
        "source_and_date": "מקור הכתובת: {source}, {date}.",
        "source_only": "מקור הכתובת: {source}.",
    },
}


@lru_cache(maxsize=64)
def _complete(base: str) -> Mapping[str, str]:
    return {**_PHRASES[FALLBACK], **_PHRASES.get(base, {})}
