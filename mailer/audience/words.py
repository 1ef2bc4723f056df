"""What people write in lists: names of columns, reasons why one may write, wishes to be left alone.

Plain tables, compared case-folded and without punctuation, in the languages our offices keep
their lists in. Adding a spelling here is all it takes to understand it.
"""

from __future__ import annotations

import re

from mailer.audience.text import fold

FIELDS = (
    "email",
    "first_name",
    "last_name",
    "outlet",
    "outlet_type",
    "beats",
    "country",
    "language",
    "timezone",
    "consent_basis",
    "source",
    "source_date",
    "notes",
    "phone",
)
"""Columns of an exported list, in order; `name` (both names in one) is understood beside them."""

_HEADERS = {
    "email": """
        email|e mail|mail|email address|e mail address|mail address|email adress|address email
        e mail adresse|email adresse|mailadresse|emailadresse|adresse e mail|adresse email
        adresse mail|courriel|adresse courriel|adresse electronique|adresse électronique|mel
        correo|correo electrónico|correo electronico|dirección de correo|email del contacto
        posta elettronica|indirizzo email|indirizzo e mail|indirizzo di posta elettronica
        adres e mail|adres email|adres mailowy|poczta elektroniczna|adres poczty elektronicznej
        e mailadres|emailadres|mailadres|endereço de email|endereço de e mail|endereço eletrónico
        correio eletrónico|correio eletrônico|emailová adresa|e mailová adresa|mailová adresa
        e mailcím|sähköposti|e postadress|e post|epost|adresă de email|e posta
        електронна пошта|електронна адреса|ел пошта|пошта|имейл|емейл|е мейл|мейл
        электронная почта|электронный адрес|эл почта|почта|адрес электронной почты
        ηλεκτρονικό ταχυδρομείο
        contact email|work email|primary email|business email|email 1 value|email1|e mail 1 value
        דוא"ל|דואל|דוא״ל|דואר אלקטרוני|אימייל|מייל|כתובת דוא"ל|כתובת מייל|כתובת אימייל
        البريد الإلكتروني|البريد الالكتروني|بريد إلكتروني|الإيميل|ايميل|عنوان البريد الإلكتروني
        メールアドレス|メール|電子メール|eメール|电子邮件|电子邮箱|邮箱|邮件地址|電子郵件|電郵|信箱
        이메일|이메일 주소|전자우편
    """,
    "first_name": """
        first name|firstname|first|given name|given names|forename|christian name|vorname|rufname
        prénom|prenom|nombre|nombre de pila|nome proprio|nome próprio|primeiro nome|imię|imiona
        voornaam|jméno|křestní jméno|meno|keresztnév|utónév|etunimi|förnamn|fornavn|prenume|ad
        ім'я|імя|ім’я|имя|име|όνομα
        שם פרטי|الاسم الأول|الاسم الاول|名|名字|이름
    """,
    "last_name": """
        last name|lastname|last|surname|family name|nachname|familienname|zuname|nom|nom de famille
        apellido|apellidos|cognome|nazwisko|achternaam|familienaam|apelido|sobrenome|último nome
        příjmení|priezvisko|vezetéknév|sukunimi|efternamn|efternavn|etternavn|nume de familie|soyad
        прізвище|фамилия|фамилия имя|επώνυμο
        שם משפחה|اسم العائلة|اللقب|اسم الأسرة|姓|苗字|姓氏|성
    """,
    "name": """
        name|full name|fullname|contact|contact name|journalist|reporter|person|display name
        vollständiger name|ansprechpartner|journalistin|nom complet|nom et prénom|prénom et nom
        nom prénom|nombre completo|nombre y apellidos|nome completo|nome e cognome|nome|naam
        volledige naam|imię i nazwisko|nazwisko i imię|dziennikarz|celé jméno|jméno a příjmení
        teljes név|név|namn|navn|nimi|nume|піб|журналіст|прізвище та ім'я|фио|журналист
        повне ім'я|полное имя
        שם|שם מלא|עיתונאי|الاسم|الاسم الكامل|اسم الصحفي|氏名|名前|お名前|姓名|记者|記者|성명
    """,
    "outlet": """
        outlet|media outlet|media|medium|publication|organisation|organization|company|newspaper
        employer|title of publication|redaktion|zeitung|publikation|firma|organisatie|média
        rédaction
        journal|titre|support|entreprise|medio|medio de comunicación|publicación|empresa|testata
        giornale|redazione|azienda|redakcja|gazeta|tytuł|organizacja|krant|redactie|publicatie
        medium naam|veículo|meio|órgão|publicação|redação|redakce|médium|noviny|organizace
        видання|редакція|змі|медіа|издание|редакция|сми|организация|організація|tidning|lehti
        zeitschrift|sender|mediennamen|nazwa redakcji|nazwa medium
        כלי תקשורת|עיתון|ארגון|גוף תקשורת|الصحيفة|الوسيلة الإعلامية|المؤسسة|وسيلة الإعلام|جهة العمل
        媒体|媒体名|媒體|会社|会社名|新聞社|报社|매체|소속|언론사
    """,
    "outlet_type": """
        outlet type|type of outlet|media type|medium type|type of media|kind|type|category
        medientyp|medienart|art|art des mediums|gattung|type de média|type de media|type de support
        tipo de medio|tipo di media|tipo|tipologia|rodzaj|rodzaj mediów|rodzaj medium|typ|typ medium
        typ mediów|soort|soort medium|type medium|mediatype|tipo de meio|tipo de mídia|typ média
        druh média|druh|тип зми|тип змі|тип медіа|вид|тип видання|тип|тип сми|тип издания
    """,
    "beats": """
        beats|beat|topics|topic|subjects|subject|interests|coverage|covers|themen|thema|ressort
        ressorts|schwerpunkte|fachgebiet|sujets|thèmes|themes|thématiques|rubriques|rubrique|domaines
        temas|tema|secciones|ámbitos|argomenti|temi|settori|tematy|temat|tematyka|dział|onderwerpen
        onderwerp|themas|thema's|assuntos|áreas|témata|téma|rubriky|oblasti|теми|тема|тематика
        темы|тематика|рубрики|ämnen|emner|aiheet
        תחום|תחומים|נושאים|المواضيع|الموضوع|مجال التغطية|分野|担当|主题|领域|分野名|분야
    """,
    "country": """
        country|country code|nation|land|länderkennung|pays|país|pais|paese|nazione|kraj|państwo
        země|stát|krajina|ország|maa|country/region|країна|страна|държава|țară|țara|ülke|χώρα
        מדינה|ארץ|الدولة|البلد|国|国名|国家|國家|국가
    """,
    "language": """
        language|lang|preferred language|locale|sprache|korrespondenzsprache|langue|idioma|lengua
        lingua|język|jezyk|taal|voertaal|língua|jazyk|nyelv|kieli|språk|sprog|limba|dil|мова|язык
        език|γλώσσα
        שפה|اللغة|言語|语言|語言|언어
    """,
    "timezone": """
        timezone|time zone|tz|zone|zeitzone|fuseau horaire|fuseau|zona horaria|huso horario
        fuso orario|strefa czasowa|strefa|tijdzone|fuso horário|fuso|časové pásmo|pásmo|időzóna
        aikavyöhyke|tidszon|tidssone|часовий пояс|часовой пояс|часовая зона
    """,
    "consent_basis": """
        consent basis|basis|legal basis|lawful basis|consent|consent status|permission|gdpr basis
        rechtsgrundlage|grundlage|einwilligung|base légale|base juridique|consentement|base legal
        base jurídica|consentimiento|base giuridica|consenso|podstawa|podstawa prawna|zgoda
        grondslag|rechtsgrond|toestemming|consentimento|fundamento|právní základ|právní důvod
        souhlas|jogalap|підстава|правова підстава|згода|основание|правовое основание|согласие
    """,
    "source": """
        source|from where|where from|origin|obtained from|data source|contact source|provenance
        quelle|herkunft|provenance du contact|origine|fuente|origen|procedencia|fonte|provenienza
        źródło|zrodlo|pochodzenie|skąd|bron|herkomst|origem|zdroj|původ|forrás|джерело|звідки
        источник|откуда|källa|kilde|lähde
        מקור|المصدر|出典|来源|來源|출처
    """,
    "source_date": """
        source date|date|added|added on|date added|created|date of source|obtained|obtained on
        datum|quelldatum|erfasst am|hinzugefügt|date de collecte|date d'ajout|ajouté le|fecha
        fecha de alta|data|data di raccolta|aggiunto il|data dodania|data pozyskania|dodano|dodany
        toegevoegd|toegevoegd op|adicionado|data de recolha|přidáno|datum přidání|dátum
        дата|додано|дата додавання|добавлено|дата добавления
    """,
    "notes": """
        notes|note|comment|comments|remarks|remark|memo|notizen|notiz|bemerkung|bemerkungen
        anmerkung|anmerkungen|kommentar|remarque|remarques|commentaire|commentaires|notas|nota
        observaciones|comentarios|osservazioni|commenti|uwagi|uwaga|notatki|komentarz|opmerkingen
        opmerking|notities|observações|comentários|poznámky|poznámka|megjegyzés|примітки|примітка
        коментар|нотатки|примечания|примечание|комментарий|заметки|anteckningar|huomautukset
        הערות|הערה|ملاحظات|备注|備註|備考|メモ|비고
    """,
    "phone": """
        phone|telephone|tel|phone number|telephone number|mobile|mobile phone|cell|cell phone
        direct line|telefon|telefonnummer|tel nr|mobil|mobiltelefon|handy|handynummer|durchwahl
        rufnummer|téléphone|telephone portable|portable|numéro de téléphone|tél|teléfono
        telefono|móvil|cellulare|numero di telefono|número de teléfono|telefoon|telefoonnummer
        mobiel|gsm|telefone|telemóvel|celular|nr telefonu|numer telefonu|telefon komórkowy
        komórka|puhelin|matkapuhelin|tlf|telefoni|telefonszám|телефон|номер телефону|мобільний
        номер телефона|мобильный|τηλέφωνο|κινητό|טלפון|נייד|الهاتف|هاتف|رقم الهاتف|الجوال|电话
        電話|手机|手機|電話番号|携帯電話|전화|전화번호|휴대폰
    """,
}

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
    | \b(?:nie\ (?:wysyłać|wysylac|pisać|kontaktować|przysyłać|mailować)
        |nie\ chce\ (?:\w+\ )?(?:e?-?maili|wiadomości|otrzymywać|dostawać|komunikatów
        |korespondencji)|proszę\ (?:o\ )?(?:usun\w+|wypisa\w+
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


def _table(text: str) -> list[str]:
    return [key(word) for line in text.strip().splitlines() for word in line.split("|")]


HEADERS = {word: field for field, text in _HEADERS.items() for word in _table(text)}
"""Field of every known column name."""

for _field in FIELDS:
    HEADERS[key(_field)] = _field

_COMPACT = {word.replace(" ", ""): field for word, field in HEADERS.items()}

BASES = {word: basis for basis, text in _BASES.items() for word in (key(basis), *_table(text))}
"""The canonical legal basis of every known wording."""

OBJECTIONS = frozenset(_table(_OBJECTIONS))
"""Wordings, in the basis column, of a person who said no."""

UNCERTAIN = frozenset(_table(_UNCERTAIN))
"""Wordings, in basis or source, that leave open whether one may write (E9)."""


def field_of(header: str) -> str:
    """The field that a column of this name holds, "" if none; "firstName" is "first name"."""
    words = key(header)
    return HEADERS.get(words) or _COMPACT.get(words.replace(" ", ""), "")


def asks_for_removal(notes: str) -> bool:
    """Do the notes say that the person wants no mail? Better one too many: it is only held."""
    return bool(notes) and _REMOVAL.search(notes) is not None
