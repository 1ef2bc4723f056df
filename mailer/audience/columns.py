"""Which field a column holds, by what stands above it, in the languages lists are kept in.

Compared case-folded and without punctuation, and where nothing is found, without accents either:
capitals often lose them ("TELEFONO", "PRENOM"). Adding a spelling here is all it takes.
"""

from __future__ import annotations

import unicodedata

from mailer.audience.words import key, spellings

__all__ = ["FIELDS", "field_of"]

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
        メールアドレス|メール|電子メール|eメール|电子邮件|电子邮箱|邮箱|邮件地址|電子郵件|電郵
        信箱
        이메일|이메일 주소|전자우편
        e mail cím|email cím|emailcím|elektronikus levélcím|drótposta|villámposta|levelezési cím
        adresa de email|adresă e mail|poșta electronică|posta electronica|adresa e mail
        mail adresă|elektronická pošta|adresa elektronickej pošty|emailový kontakt
        e posta adresi|eposta|eposta adresi|elektronik posta|mail adresi|διεύθυνση email
        διεύθυνση e mail|διεύθυνση ηλεκτρονικού ταχυδρομείου|ηλ ταχυδρομείο|μέιλ|e postadresse
        epostadresse|epostadress|mejl|mejladress|mailadress|e mailadresse|sähköpostiosoite
        s posti|sposti|meiliosoite|adresse de courriel|adresse de messagerie
        dirección de correo electrónico|dirección email|email de contacto|casella di posta
        recapito email|endereço eletrônico|correio electrónico|e mail de contato
        elektronische post|elektroniczna poczta|скринька|адреса електронної пошти|адреса е пошти
        e mail адреса|адрес эл почты|email адрес|e mail адрес|עיתונאי אימייל|כתובת דואר אלקטרוני
        דואל של העיתונאי|بريد|عنوان البريد|بريد الكتروني|البريد|الايميل|电邮|电子邮件地址|邮件
        电子信箱|電子郵件地址
        電子信箱|eメールアドレス|メアド|メルアド
    """,
    "first_name": """
        first name|firstname|first|given name|given names|forename|christian name|vorname|rufname
        prénom|prenom|nombre|nombre de pila|nome proprio|nome próprio|primeiro nome|imię|imiona
        voornaam|jméno|křestní jméno|meno|keresztnév|utónév|etunimi|förnamn|fornavn|prenume|ad
        ім'я|імя|ім’я|имя|име|όνομα
        שם פרטי|الاسم الأول|الاسم الاول|名|名字|이름
        eesnimi|křestní|rodné meno|krstné meno|keresztneve|utóneve|adı|isim|ön ad|önad
        βαφτιστικό|μικρό όνομα|tilltalsnamn|dopnavn|kutsumanimi|prenumele|nom de baptême|prénoms
        nombres|nome di battesimo|given|i name|imie|власне ім'я|имя журналиста|השם הפרטי
        الاسم الشخصي|الإسم الأول|名前 名|本名 名|下の名前
    """,
    "last_name": """
        last name|lastname|last|surname|family name|nachname|familienname|zuname|nom
        nom de famille
        apellido|apellidos|cognome|nazwisko|achternaam|familienaam|apelido|sobrenome|último nome
        příjmení|priezvisko|vezetéknév|sukunimi|efternamn|efternavn|etternavn|nume de familie
        soyad
        прізвище|фамилия|фамилия имя|επώνυμο
        שם משפחה|اسم العائلة|اللقب|اسم الأسرة|姓|苗字|姓氏|성
        családnév|vezeték név|családi név|nume familie|numele de familie|soyadı|soy ad|soyisim
        επίθετο|οικογενειακό όνομα|släktnamn|slægtsnavn|familienavn|familjenamn|rodinné jméno
        priezvisko novinára|family|last names|segundo apellido|primer apellido
        nazwisko dziennikarza|фамілія|שם המשפחה|العائلة|اسم العائله|الكنية|名字 姓|名前 姓|姓 名字
    """,
    "name": """
        name|full name|fullname|contact|contact name|journalist|reporter|person|display name
        vollständiger name|ansprechpartner|journalistin|nom complet|nom et prénom|prénom et nom
        nom prénom|nombre completo|nombre y apellidos|nome completo|nome e cognome|nome|naam
        volledige naam|imię i nazwisko|nazwisko i imię|dziennikarz|celé jméno|jméno a příjmení
        teljes név|név|namn|navn|nimi|nume|піб|журналіст|прізвище та ім'я|фио|журналист
        повне ім'я|полное имя
        שם|שם מלא|עיתונאי|الاسم|الاسم الكامل|اسم الصحفي|氏名|名前|お名前|姓名|记者|記者|성명
        meno a priezvisko|priezvisko a meno|celé meno|novinář|novinár|redaktor|redaktorka
        újságíró|újságíró neve|kapcsolattartó|jurnalist|ziarist|nume complet|nume și prenume
        numele și prenumele|ad soyad|adı soyadı|ad soyadı|isim soyisim|gazeteci|muhabir
        ονοματεπώνυμο|ονομα επώνυμο|δημοσιογράφος|πλήρες όνομα|fullständigt namn
        för och efternamn|fulde navn|fullt navn|journalisten|toimittaja|koko nimi
        etunimi sukunimi|nimi ja sukunimi|naam journalist|nome do jornalista|jornalista
        periodista|giornalista|nominativo|persona de contacto|contacto|contatto|osoba
        osoba kontaktowa|kontakt|kontaktní osoba|kontaktperson|contactpersoon|vor und nachname
        name vorname|nachname vorname|vorname nachname|вчене ім'я|контактна особа
        контактное лицо|прізвище ім'я|имя фамилия|имя и фамилия|фамилия и имя|ім'я та прізвище
        שם העיתונאי|איש קשר|שם ושם משפחה|الصحفي|اسم الشخص|الصحافي|担当者|担当者名|记者姓名
        联系人|聯絡人|記者名|記者氏名
        全名
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
        כלי תקשורת|עיתון|ארגון|גוף תקשורת|الصحيفة|الوسيلة الإعلامية|المؤسسة|وسيلة الإعلام
        جهة العمل
        媒体|媒体名|媒體|会社|会社名|新聞社|报社|매체|소속|언론사
        medien|presse|presseorgan|haus|medienhaus|nom du média|nom du media|organe de presse
        journal média|nombre del medio|cabecera|periódico|diario|nome testata|organo di stampa
        nome do veículo|jornal|veículo de comunicação|órgão de comunicação|orgaan|mediabedrijf
        médium název|název média|vydavatel|názov média|médiá|redakcia|denník|sajtó|sajtótermék
        szerkesztőség|lap|médium neve|újság|média neve|instituție media|publicație|publicația
        redacția|redacție|ziar|ziarul|presă|instituția|mecra|yayın|gazete|medya|kurum|kuruluş
        basın kuruluşu|μέσο|μέσο ενημέρωσης|εφημερίδα|οργανισμός|έντυπο|medier|mediehus
        mediebolag|tidningen|redaktionen|avis|medie|mediet|publikationen|julkaisu|media nimi
        mediatalo|organisaatio|yritys|найменування змі|назва видання|назва змі|название сми
        название издания|агентство|газета|שם כלי התקשורת|מערכת|اسم الوسيلة|وسيلة إعلامية|الجريدة
        المؤسسة الإعلامية|媒体名称|媒體名稱|单位|單位|机构|所属媒体|媒体社|所属|所属先|報道機関
    """,
    "outlet_type": """
        outlet type|type of outlet|media type|medium type|type of media|kind|type|category
        medientyp|medienart|art|art des mediums|gattung|type de média|type de media
        type de support
        tipo de medio|tipo di media|tipo|tipologia|rodzaj|rodzaj mediów|rodzaj medium|typ
        typ medium
        typ mediów|soort|soort medium|type medium|mediatype|tipo de meio|tipo de mídia|typ média
        druh média|druh|тип зми|тип змі|тип медіа|вид|тип видання|тип|тип сми|тип издания
        druh médiá|typ médiá|média típusa|sajtó típusa|típus|jelleg|tip media|tip de media
        tipul media|tipul publicației|tür|türü|medya türü|yayın türü|τύπος μέσου|είδος μέσου
        τύπος|medietyp|typ av medium|medietype|type medie|slags medie|mediatyyppi|median tyyppi
        tyyppi|categoria|catégorie|categoría|kategorie|categorie|kategoria|kategori|сегмент змі
        סוג|סוג כלי תקשורת|סוג המדיום|نوع الوسيلة|النوع|نوع الإعلام|نوع وسيلة الإعلام|媒体类型
        媒體類型
        类型|類型|类别|媒体種別|種別|媒体の種類|タイプ
    """,
    "beats": """
        beats|beat|topics|topic|subjects|subject|interests|coverage|covers|themen|thema|ressort
        ressorts|schwerpunkte|fachgebiet|sujets|thèmes|themes|thématiques|rubriques|rubrique
        domaines
        temas|tema|secciones|ámbitos|argomenti|temi|settori|tematy|temat|tematyka|dział
        onderwerpen
        onderwerp|themas|thema's|assuntos|áreas|témata|téma|rubriky|oblasti|теми|тема|тематика
        темы|тематика|рубрики|ämnen|emner|aiheet
        תחום|תחומים|נושאים|المواضيع|الموضوع|مجال التغطية|分野|担当|主题|领域|分野名|분야
        témy|tematika|oblasť|oblasti záujmu|rubrika|rovat|témakör|témakörök|szakterület
        téma szerint|domenii|domeniu|teme|subiecte|rubrica|konu|konular|konuları|ilgi alanı
        ilgi alanları|alan|uzmanlık alanı|θέματα|θέμα|ρεπορτάζ|τομέας|τομείς|αντικείμενο|ämne
        ämnesområden|bevakning|bevakningsområde|områden|emneområder|stofområde|stofområder
        dækker|område|aihe|aihepiiri|aihepiirit|aihealueet|erikoisala|interessegebieten
        rubrieken|aandachtsgebied|interessen|gebiete|spécialité|spécialités|domaine|especialidad
        materias|áreas de interés|aree di interesse|ambiti|interessi|áreas de interesse|editoria
        specjalizacja|tematyka zainteresowań|obszar|obszary|спеціалізація|напрямок|специализация
        направление|תחומי סיקור|תחומי עניין|נושא|التخصص|مجالات الاهتمام|المجال|المجالات
        الاهتمامات|报道领域|报道方向|关注领域|專長|報導領域|條線|条线|担当分野|専門分野|テーマ
        ジャンル|関心分野
    """,
    "country": """
        country|country code|nation|land|länderkennung|pays|país|pais|paese|nazione|kraj|państwo
        země|stát|krajina|ország|maa|country/region|країна|страна|държава|țară|țara|ülke|χώρα
        מדינה|ארץ|الدولة|البلد|国|国名|国家|國家|국가
        kraj pochodzenia|krajina pôvodu|štát|állam|országkód|țări|tara|statul|ülkesi|memleket
        χώρες|κράτος|lande|landkod|landekode|valtio|maakoodi|landcode|code pays|código de país
        código país|codice paese|código do país|kod kraju|kód země|код країни|код страны
        ארץ מגורים|הארץ|بلد|دولة|بلد الإقامة|国家地区|国家或地区|國家地區|国 地域|居住国|所在国
    """,
    "language": """
        language|lang|preferred language|locale|sprache|korrespondenzsprache|langue|idioma|lengua
        lingua|język|jezyk|taal|voertaal|língua|jazyk|nyelv|kieli|språk|sprog|limba|dil|мова|язык
        език|γλώσσα
        שפה|اللغة|言語|语言|語言|언어
        nyelve|nyelvkód|kommunikációs nyelv|limbă|limba de contact|limba preferată|dili
        iletişim dili|γλώσσα επικοινωνίας|språkkod|sprogkode|äidinkieli|asiointikieli|kielikoodi
        contacttaal|taalcode|langue de contact|langue préférée|idioma preferido
        idioma de contacto|lingua preferita|língua preferida|idioma preferencial
        język korespondencji|jazyk komunikace|jazyk komunikácie|preferovaný jazyk
        мова спілкування|язык общения|языки|мови|שפת התקשרות|לשון|لغة|اللغة المفضلة|لغة التواصل
        语种|語種|首选语言|使用言語|連絡言語|ことば
    """,
    "timezone": """
        timezone|time zone|tz|zone|zeitzone|fuseau horaire|fuseau|zona horaria|huso horario
        fuso orario|strefa czasowa|strefa|tijdzone|fuso horário|fuso|časové pásmo|pásmo|időzóna
        aikavyöhyke|tidszon|tidssone|часовий пояс|часовой пояс|часовая зона
        időzónája|fus orar|fusul orar|zonă orară|saat dilimi|zaman dilimi|ζώνη ώρας|ωριαία ζώνη
        tidzone|tidszone|tidzon|časové pásmo novinára|časová zóna|časová zona|zona de tiempo
        zona oraria|huso|aikavyohyke|часова зона|часовой пояс журналиста|אזור זמן
        المنطقة الزمنية|التوقيت|时区|時區|タイムゾーン|時間帯
    """,
    "consent_basis": """
        consent basis|basis|legal basis|lawful basis|consent|consent status|permission|gdpr basis
        rechtsgrundlage|grundlage|einwilligung|base légale|base juridique|consentement|base legal
        base jurídica|consentimiento|base giuridica|consenso|podstawa|podstawa prawna|zgoda
        grondslag|rechtsgrond|toestemming|consentimento|fundamento|právní základ|právní důvod
        souhlas|jogalap|підстава|правова підстава|згода|основание|правовое основание|согласие
        právny základ|právny dôvod|súhlas|jogi alap|hozzájárulás|adatkezelés jogalapja
        temei legal|temeiul legal|bază legală|consimțământ|acord|temei juridic|hukuki dayanak
        yasal dayanak|onay|rıza|açık rıza|izin|νομική βάση|συγκατάθεση|συναίνεση|rättslig grund
        laglig grund|samtycke|retsgrundlag|samtykke|hjemmel|behandlingsgrundlag|oikeusperuste
        suostumus|käsittelyperuste|wettelijke grondslag|fondement juridique|fondement
        base legale|fundamento jurídico|fundamento legal|legitimación|base jurídica rgpd
        podstawa przetwarzania|podstawa rodo|правовая основа|законное основание|правова основа
        законна підстава|בסיס חוקי|בסיס משפטי|הסכמה|الأساس القانوني|السند القانوني|الموافقة
        موافقة|法律依据|法律依據|合法依据|同意|授权依据|法的根拠|根拠|同意状況
    """,
    "source": """
        source|from where|where from|origin|obtained from|data source|contact source|provenance
        quelle|herkunft|provenance du contact|origine|fuente|origen|procedencia|fonte|provenienza
        źródło|zrodlo|pochodzenie|skąd|bron|herkomst|origem|zdroj|původ|forrás|джерело|звідки
        источник|откуда|källa|kilde|lähde
        מקור|المصدر|出典|来源|來源|출처
        pôvod|odkiaľ|zdroj kontaktu|honnan|adatforrás|adat forrása|sursă|sursa|proveniență
        de unde|kaynak|kaynağı|nereden|πηγή|προέλευση|από πού|ursprung|källan|varifrån
        oprindelse|kilden|hvorfra|alkuperä|mistä|tietolähde|lähteen|afkomst|waar vandaan|woher
        provenance des données|d'où|de dónde|da dove|origine dati|de onde|odkud|pozyskano z
        źródło kontaktu|звідки контакт|походження|происхождение|откуда контакт|מאיפה|מקור המידע
        مصدر|من أين|مصدر البيانات|资料来源|数据来源|資料來源|入手元|情報源|取得元
    """,
    "source_date": """
        source date|date|added|added on|date added|created|date of source|obtained|obtained on
        datum|quelldatum|erfasst am|hinzugefügt|date de collecte|date d'ajout|ajouté le|fecha
        fecha de alta|data|data di raccolta|aggiunto il|data dodania|data pozyskania|dodano|dodany
        toegevoegd|toegevoegd op|adicionado|data de recolha|přidáno|datum přidání|dátum
        дата|додано|дата додавання|добавлено|дата добавления
        dátum pridania|pridané|hozzáadva|felvétel dátuma|dátum forrás|data adăugării|adăugat
        adăugat la|tarih|eklenme tarihi|eklendi|ημερομηνία|ημερομηνία προσθήκης|προστέθηκε
        tillagd|tillagt|datum tillagd|dato|tilføjet|tilføjet den|dato tilføjet|päivämäärä
        lisätty|lisäyspäivä|pvm|datum toegevoegd|sinds|date d'obtention|date de création
        fecha de obtención|añadido|añadido el|data inserimento|data aggiunta|data de inclusão
        data de adição|adicionado em|data wpisu|data źródła|дата отримання|дата получения
        добавлен|доданий|תאריך|תאריך הוספה|التاريخ|تاريخ الإضافة|日期|添加日期|新增日期
        加入日期|登録日|追加日|日付
    """,
    "notes": """
        notes|note|comment|comments|remarks|remark|memo|notizen|notiz|bemerkung|bemerkungen
        anmerkung|anmerkungen|kommentar|remarque|remarques|commentaire|commentaires|notas|nota
        observaciones|comentarios|osservazioni|commenti|uwagi|uwaga|notatki|komentarz|opmerkingen
        opmerking|notities|observações|comentários|poznámky|poznámka|megjegyzés|примітки|примітка
        коментар|нотатки|примечания|примечание|комментарий|заметки|anteckningar|huomautukset
        הערות|הערה|ملاحظات|备注|備註|備考|メモ|비고
        poznámky k osobe|megjegyzések|jegyzet|jegyzetek|observații|observatii|note interne
        mențiuni|notlar|açıklama|açıklamalar|σημειώσεις|σημείωση|παρατηρήσεις|σχόλια|anmärkning
        anmärkningar|kommentarer|noter|bemærkning|bemærkninger|merknad|merknader|huomautus
        kommentit|kommentti|lisätiedot|muistiinpanot|hinweise|hinweis|observations|note libre
        anotaciones|comentario|annotazioni|commento|anotações|observação|comentário|nota interna
        toelichting|komentarze|adnotacje|komentář|komentáre|komentár|зауваження|замітки
        замечания|הערה חופשית|ملاحظة|تعليقات|التعليقات|注释|评论|说明|附註|説明|コメント|注記|摘要
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
        telefónne číslo|telefón|mobilný telefón|mobilní telefon|telefonní číslo|tel číslo
        mobiltelefonszám|mobilszám|telefonja|număr de telefon|numar de telefon|mobil număr
        telefon mobil|cep telefonu|cep|telefon numarası|gsm no|τηλ|αριθμός τηλεφώνου
        κινητό τηλέφωνο|telefonnr|mobilnummer|mobilnr|mobilen|telefonnumre|puhelinnumero|puh
        gsm numero|matkapuhelinnumero|mobiele telefoon|mobiel nummer|vast nummer|n de téléphone
        numéro|tel portable|ligne directe|tel móvil|teléfono móvil|n de teléfono
        recapito telefonico|tel cellulare|nº de telefone|telemovel|contacto telefónico|kom
        tel kom|tel komórkowy|mob|mob tel|моб телефон|тел|мобільний телефон|мобильный телефон
        טלפון נייד|מספר טלפון|פלאפון|تليفون|موبايل|جوال|رقم الجوال|رقم الموبايل|رقم هاتف|手机号
        手机号码|联系电话|聯絡電話|携帯|携帯番号|tel番号
    """,
}


def field_of(header: str) -> str:
    """The field that a column of this name holds, "" if none; "firstName" is "first name"."""
    words = key(header)
    if not words:
        return ""
    return (
        _KNOWN.get(words)
        or _COMPACT.get(words.replace(" ", ""))
        or _BARE.get(_bare(words).replace(" ", ""), "")
    )


def _bare(words: str) -> str:
    """Without accents, and with the plain letter for those that are letters of their own."""
    parts = unicodedata.normalize("NFD", words.translate(_LETTERS))
    return "".join(char for char in parts if not unicodedata.combining(char))


_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe"})


def _without_accents() -> dict[str, str]:
    """By the spelling without accents, where that leaves one meaning."""
    found: dict[str, set[str]] = {}
    for word, field in _KNOWN.items():
        found.setdefault(_bare(word).replace(" ", ""), set()).add(field)
    return {word: fields.pop() for word, fields in found.items() if len(fields) == 1}


_KNOWN = {word: field for field, text in _HEADERS.items() for word in spellings(text)}
for _field in FIELDS:
    _KNOWN[key(_field)] = _field
_COMPACT = {word.replace(" ", ""): field for word, field in _KNOWN.items()}
_BARE = _without_accents()
