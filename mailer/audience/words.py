"""What people write in lists: reasons why one may write, wishes to be left alone.

Plain tables, compared case-folded and without punctuation, in the languages our offices keep
their lists in. Adding a spelling here is all it takes to understand it.
"""

from __future__ import annotations

import re

from mailer.audience.text import fold

_BASES = {
    "legitimate_interest": """
        legitimate interest|legitimate interests|li|berechtigtes interesse|intérêt légitime
        interés legítimo|interesse legittimo|legittimo interesse|uzasadniony interes
        prawnie uzasadniony interes|gerechtvaardigd belang|interesse legítimo|oprávněný zájem
        законний інтерес|законный интерес|art 6 1 f|gdpr art 6 1 f|6 1 f
    """,
    "public_contact": """
        public contact|public|published|published address|published contact|publicly available
        impressum|masthead|öffentlich|public address|kontakt publiczny|contact public
    """,
    "opt_in": """
        opt in|optin|consent|consented|subscribed|subscriber|signed up|double opt in|einwilligung
        consentement|consentimiento|consenso|zgoda|toestemming|consentimento|souhlas|згода|согласие
        art 6 1 a|6 1 a|yes|true|tak|ja|oui|sí|sì|sim|ano|так|да
    """,
    "existing_relationship": """
        existing relationship|existing contact|relationship|existing customer|customer|soft opt in
        personal contact|bestandskontakt|relation existante|relación existente|stały kontakt
    """,
}

_OBJECTIONS = """
    objected|objection|objects|opt out|optout|opted out|opt outed|do not mail|do not email
    do not contact|do not send|dnc|withdrawn|withdrew|consent withdrawn|revoked|unsubscribed
    unsubscribe|remove|removed|stop|no mail|refused|declined|blocked|suppressed
    widersprochen|widerspruch|widerrufen|abgemeldet|nicht schreiben|opposé|opposition|refusé
    désabonné|désinscrit|retiré|opuesto|baja|dado de baja|revocado|rechazado|revocato|opposto
    disiscritto|sprzeciw|wycofana|wycofano|wycofał|wycofała|cofnięta|cofnął|wypisany|wypisana
    zrezygnował|bezwaar|ingetrokken|uitgeschreven|afgemeld|oposição|retirado|cancelado|námitka
    odvoláno|odhlášen|заперечив|відкликано|відписаний|відписка|возражение|отозвано|отписан
"""

_UNCERTAIN = """
    unknown|n a|na|none|nil|null|not known|tbd|tbc|to be checked|bought|purchased|rented|bought list
    purchased list|rented list|bought data|list broker|scraped|harvested|unbekannt|gekauft|keine
    gekaufte liste|inconnu|inconnue|acheté|achetée|liste achetée|aucun|desconocido|comprado
    comprada|lista comprada|sconosciuto|acquistato|acquistata|nieznane|nieznana|nieznany|kupiona
    kupione|zakupiona|brak|lista kupiona|zakupiona baza|onbekend|gekocht|gekochte lijst|geen
    desconhecido|neznámý|koupený|невідомо|куплено|куплена|неизвестно|купленная|куплен
"""

_REMOVAL = re.compile(
    r"""
    \b(?:asked|asks|wants|wishes|wished|requested|requests|wish|request|please|pls)\b.{0,25}
        \b(?:remov\w+|delet\w+|unsubscrib\w+|taken\ off|take\ (?:me|him|her|them)\ off|opt\ out)\b
    | ^\W*(?:remove|delete|unsubscribe|stop|opt[\ -]?out)\b\W*(?:me|him|her|them|please)?\W*$
    | \bremove!+
    | \b(?:please\ )?(?:remove|delete|unsubscribe)\ (?:me|him|her|them)\b
    | \bunsubscribed\b | \bopt(?:ed)?[\ -]out\b
    | \b(?:do\ not|don['’]?t|never|no\ longer|stop|not\ to)\ (?:\w+\ )?
        (?:e-?mail|mail|contact|write|send|sending|mailing)\w*\b
        (?!\ (?:attachments?|pdfs?|before|after|on|until|in|to\ the|at)\b)
    | \bdoes\ not\ (?:want|wish)\b.{0,30}\b(?:mail|e-?mails?|releases?|contact\w*|anything)\b
    | \bno\ more\ (?:e-?mails?|mails?|releases?|messages?)\b
    | \b(?:wider(?:spricht|spruch|sprochen)|abmelden|abgemeldet|austragen
        |nicht\ mehr\ (?:an)?schreiben|bitte\ (?:keine|nicht)
        \ (?:weiteren\ |mehr\ )?(?:e-?mails?|mails?|nachrichten|schreiben|senden|anschreiben)
        |keine\ (?:weiteren\ )?(?:e-?mails?|mails?)\b|bitte\ löschen|aus\ dem\ verteiler)
    | \b(?:ne\ plus\ (?:envoyer|écrire|contacter|recevoir)|se\ désabonner|désabonn\w+|désinscri\w+
        |retirée?\ de\ la\ liste
        |ne\ pas\ (?:contacter|envoyer|écrire)|retirer\ de\ la\ liste|à\ retirer|supprimer\ de)
    | \b(?:no\ enviar|no\ contactar|no\ escribir|darse?\ de\ baja|dar\ de\ baja
        |quitar\ de\ la\ lista
        |pidió\ la\ baja)
    | \b(?:non\ (?:inviare|scrivere|contattare)|cancellare\ dalla\ lista|disiscri\w+
        |non\ ricevere\ più
        |togliere\ dalla)
    | \b(?:nie\ (?:wysy[ł?]a[ć?]|wysylac|pisać|kontaktować|przysyłać|mailować)
        |nie\ chce\ (?:\w+\ )?(?:e?-?maili|wiadomości|otrzymywać|dostawać|komunikatów
        |korespondencji)|prosz[ę?]\ (?:o\ )?(?:usun\w+|wypisa\w+
        |nie\ )
        |wypisa[ćłn]\w*|usunąć\ z\ listy|prosi\w*\ o\ (?:usunięcie|wypisanie|niewysyłanie))
    | \b(?:niet\ meer\ (?:mailen|schrijven|sturen)|niet\ mailen|geen\ (?:e-?)?mails?\ meer
        |wil\ geen\ (?:e-?)?mails?|uitschrijven|afmelden
        |van\ de\ lijst)
    | \b(?:não\ (?:enviar|contactar|escrever)|remover\ da\ lista|cancelar\ (?:a\ )?subscrição)
    | \b(?:neposílat|nepsat|nekontaktovat|odhlásit|vyřadit\ ze\ seznamu|smazat\ ze\ seznamu)
    | \b(?:не\ (?:надсилати|писати|слати|присылать|писать|слать|отправлять|турбувати)|відписати\w*
        |отписать\w*|видалити\ зі\ списку|удалить\ из\ (?:списка|рассылки))
    """,
    re.IGNORECASE | re.VERBOSE,
)


def key(text: str) -> str:
    """The text as the tables are compared: folded, punctuation and underscores as single spaces."""
    return " ".join(re.sub(r"[^\w'’]+|_", " ", fold(text)).split())


def spellings(text: str) -> list[str]:
    """The words of a table, lines and bars between them, as `key` gives them."""
    return [key(word) for line in text.strip().splitlines() for word in line.split("|")]


BASES = {word: basis for basis, text in _BASES.items() for word in (key(basis), *spellings(text))}
"""The canonical legal basis of every known wording."""

OBJECTIONS = frozenset(spellings(_OBJECTIONS))
"""Wordings, in the basis column, of a person who said no."""

UNCERTAIN = frozenset(spellings(_UNCERTAIN))
"""Wordings, in basis or source, that leave open whether one may write (E9)."""


ASKS_OUT = "the notes say that no mail is wanted"
"""The doubt about somebody of whose notes `asks_for_removal`."""


def asks_for_removal(notes: str) -> bool:
    """Do the notes say that the person wants no mail? Better one too many: it is only held."""
    return bool(notes) and _REMOVAL.search(notes) is not None
