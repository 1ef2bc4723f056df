"""The fixed phrases of press releases in the major languages: status lines, labels, headings.

Patterns only; what a phrase means where it stands is for `assemble`.
"""

from __future__ import annotations

import re

from mailer.release.model import Kind
from mailer.release.text import UPPER, has_case


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


IMMEDIATE = _any(
    r"for immediate (release|publication|distribution|use)",
    r"(zur )?sofort(igen|ige)? (veröffentlichung|freigabe)|zur veröffentlichung frei",
    r"pour (diffusion|publication) immédiate",
    r"para (su )?(difusión|publicación|divulgación) inmediata",
    r"per (la )?(diffusione|pubblicazione) immediata",
    r"para (divulgação|publicação) imediata",
    r"do natychmiastowej publikacji",
    r"voor onmiddellijke (publicatie|verspreiding)|per direct vrij",
    r"k okamžitému (uveřejnění|zveřejnění)|na okamžité zverejnenie",
    r"för omedelbar publicering|til øjeblikkelig udsendelse|til umiddelbar publisering",
    r"azonnali közlésre|pentru publicare imediată|derhal yayımlanmak üzere",
    r"для (немедленной|срочной) публикации|для негайн(ої|ого) (публікації|поширення)",
    r"za hitnu objavu|za takojšnjo objavo|tūlītējai publicēšanai|skelbti nedelsiant|"
    r"koheseks avaldamiseks|julkaistavissa heti|heti julkaistavissa|за незабавно публикуване|"
    r"за тренутно објављивање|[άα]μεση δημοσ[ίι]ευση|untuk (disiarkan|diterbitkan) segera|"
    r"phát hành ngay|तत्काल प्रकाशन|برای انتشار فوری|فوری اشاعت|สำหรับเผยแพร่ทันที|"
    r"לפרסום מיידי|للنشر الفوري|即時発表|即日解禁|即刻发布|立即发布|即時發[佈布]|즉시 (배포|보도)",
)
# What opens an embargo line, in the languages that do not write "embargo" in our letters too.
_HELD = (
    r"embarg(?:o|oed|oes|os|ó|ado|ada|at|as|ert|oa)|ambargo(?:lu)?|[εέ]μπ[άα]ργκο|эмбарго|ембарго|"
    r"sperrfrist|gesperrt bis|sperrefrist|spærrefrist|julkaisuvapaa|frigives|"
    r"אמברגו|חסוי עד|حظر (?:ال)?نشر|محظور (?:ال)?نشر|ممنوع از انتشار|解禁|公開解禁|"
    r"(?:禁止|不得)(?:提前)?(?:发布|發布|發佈|报道|報道|公布)|엠바고|보도\s?(?:시점|유예)|प्रतिबंध(?:ित)?|"
    r"ห้ามเผยแพร่ก่อน|cấm (?:đăng|công bố) trước"
)
# "Not to be published before", never "No deal before the summer".
_NOT_BEFORE = (
    r"(?:not|nicht|ne pas|no|non|não|nie|niet|inte|ikke|nu|не|ne|nelze|ei saa|älä)\s"
    r"(?:[^.:\d]{0,25}\s)?(?:publi|releas|veröffentlich|diffus|difund|divulg|pubblic|zveřejň|"
    r"zverejň|uveřejň|julkais|közöl|yayın|публик|публік|δημοσ|objavlj|skelb)\w*\s"
    r"(?:[^.:\d]{0,25}\s)?(?:before|until|vor|avant|antes|prima|przed|voor|vóór|före|før|înainte|"
    r"до|раніше|преди|před|pred|prije|ennen)\b"
)
EMBARGO = _any(
    rf"(?<!\w)(?:strictly |strict )?(?:{_HELD})(?!\w)",
    r"\b(?:not|nicht|ne pas|niet) (?:for|to be|zur|zu|à) (?:publication|release|released|published|"
    r"veröffentlichung|veröffentlichen|publier|diffuser|publiceren)( or broadcast)? "
    r"(?:before|until|vor|avant)\b",
    r"(?:解禁|禁止发布|禁止發布|禁止發佈|엠바고|حظر النشر)",
    r"\bhold (for release )?until\b|\bfor release (on|at|after|:)",
)
_OPENS_EMBARGO = re.compile(
    r"[\W_]*(?:strict(?:ly)?|under|sous|bajo|sotto|sob|pod|unter|med|onder|под|υπό|"
    r"press release|news release|media release|pressemitteilung|communiqué(?: de presse)?)?[\W_]*"
    rf"(?:{_HELD}|not (?:for|to)|hold|for release|{_NOT_BEFORE})",
    re.IGNORECASE,
)
_LABELS: tuple[tuple[Kind, str], ...] = (
    (
        Kind.RELEASE,
        r"(joint )?(press|news|media) (release|notice|bulletin)|(gemeinsame )?presse?mitteilung|"
        r"medienmitteilung|presseinformation|presseaussendung|pressemeldung|pressenotiz|"
        r"communiqué( de presse)?( commun| conjoint)?|(comunicado|nota) de prensa|"
        r"comunicato stampa|nota (de|à) imprensa|comunicado de imprensa|persbericht|"
        r"informacja prasowa|komunikat prasowy|tisková zpráva|tlačová správa|pressmeddelande|"
        r"pressemeddelelse|pressemelding|(lehdistö)?tiedote|sajtóközlemény|comunicat de presă|"
        r"пресс-релиз|пресреліз|прес-реліз|прессъобщение|δελτίο τύπου|basın bülteni|"
        r"הודעה לעיתונות|(بيان|بلاغ) صحفي|プレスリリース|報道資料|報道発表(資料)?|ニュースリリース|"
        r"报道资料|新闻(稿|通稿|公报)|新聞(稿|公報)|보도\s?자료|"
        r"siaran (pers|media)|kenyataan media|"
        r"thông cáo báo chí|priop[ćč]enje( za (medije|javnost))?|saopštenje( za (medije|javnost))?|"
        r"саопштење( за (медије|јавност))?|соопштение за (јавност|медиуми)|"
        r"sporočilo za (javnost|medije)|pranešimas (spaudai|žiniasklaidai)|"
        r"(preses relīze|paziņojums presei)|pressiteade|fréttatilkynning|njoftim për shtyp|"
        r"komunikatë për shtyp|δελτ[ιί]ο τ[υύ]που|ανακο[ιί]νωση(?: τ[υύ]που)?|comunicat de premsa|"
        r"közlemény|sajtóanyag|basın (açıklaması|duyurusu)|съобщение за медиите|"
        r"баспасөз хабарламасы|პრეს-?რელიზი|մամուլի հաղորդագրություն|"
        r"प्रेस (विज्ञप्ति|रिलीज)|ข่าวประชาสัมพันธ์|(اطلاعیه|بیانیه) مطبوعاتی|پریس ریلیز",
    ),
    (
        Kind.STATEMENT,
        r"((press|media|public|joint) )*statement|open letter|offener brief|lettre ouverte|"
        r"carta abierta|lettera aperta|list otwarty|"
        r"(gemeinsame )?(presse)?(stellungnahme|erklärung)|"
        r"déclaration( commune| conjointe)?|declaración( conjunta)?|(wspólne )?oświadczenie|"
        r"dichiarazione( congiunta)?|(совместное )?заявление|(спільна )?заява|"
        r"(gezamenlijke )?verklaring|(společné )?prohlášení|(spoločné )?vyhlásenie|"
        r"(gemensamt )?uttalande|(fælles )?erklæring|(felles )?uttalelse|(yhteinen )?lausunto|"
        r"(közös )?nyilatkozat|declarație( comună)?|(ortak )?açıklama|(zajednička )?izjava|"
        r"(съвместна )?декларация|(κοιν[ήη] )?δ[ήη]λωση|declaração( conjunta)?|הצהרה( משותפת)?|"
        r"بيان( مشترك)?|(共同)?声明|(공동\s?)?성명(서)?|pareiškimas|avaldus|tuyên bố",
    ),
    (
        Kind.ADVISORY,
        r"(media|press) (advisory|alert|invitation)|presseeinladung|invitation presse|"
        r"zaproszenie (prasowe|dla mediów)|convocatoria de prensa|invito stampa|"
        r"convite à imprensa|persuitnodiging|pozvánka pro (média|novináře)|pozvánka pre médiá|"
        r"pressinbjudan|presseinvitation|presseinvitasjon|mediakutsu|kutsu medialle|"
        r"sajtómeghívó|invitație de presă|basın daveti|poziv (za )?medij(e|ima)|"
        r"приглашение для (прессы|сми)|запрошення для (медіа|змі)|покана за медиите|"
        r"πρ[όο]σκληση τ[ύυ]που|הזמנה לעיתונאים|دعوة (صحفية|للصحفيين)|取材案内|"
        r"媒体邀请(函)?|취재\s?요청",
    ),
    (Kind.CORRECTION, r"correction|corrected|korrektur|berichtigung|rectificatif|sprostowanie"),
    (Kind.UPDATE, r"update|updated|aktualisierung|mise à jour|aktualizacja"),
    (Kind.REFILE, r"refile|refiled"),
)
LABELS = [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _LABELS]

_NUMBERED = re.compile(
    r"[\s,:|–—-]+(?:(?:no|nr|n|num|č|№|#)[.°º]?\s*\d+(?:[/.-]\d+)*|\d+/\d+)$", re.IGNORECASE
)
"""The number that ministries give their releases: "Nr. 034/2026"."""

END_MARK = re.compile(
    r"[\W_]*(#\s*#\s*#|-+\s*30\s*-+|[—–-]\s*30\s*[—–-]|ends?|ende|fin|fim|fine|koniec|konec|"
    r"einde|slutt?|loppu|vége|sf[âa]r[șş]it|son|kraj|pabaiga|beigas|lõpp|fundi|tamat|selesai|hết|"
    r"конец|кінець|край|крај|соңы|τ[έε]λος|დასასრული|վերջ|סוף|انتهى|پایان|समाप्त|จบ|"
    r"以上|終わり|おわり|完|结束|結束|끝|이상|"
    r"end of (the )?(press |news |media )?(release|statement)|ende der (presse)?mitteilung|"
    r"ende der meldung|fin du communiqué( de presse)?|fin (del|de la) (comunicado|nota)"
    r"( de prensa)?|fine (del )?comunicato( stampa)?|fim (do|da) (comunicado|nota)"
    r"( de imprensa)?|einde (pers)?bericht|koniec (komunikatu|informacji)( prasowej)?|"
    r"konec (tiskové )?zprávy|koniec (tlačovej )?správy|slut på (press|presse)meddeland?e(t|lsen)?|"
    r"tiedote päättyy|конец (пресс-)?релиза|кінець (прес-?)?релізу|край на съобщението|"
    r"τ[έε]λος ανακο[ίι]νωσης)[\W_]*",
    re.IGNORECASE,
)
_SYMBOL_END = re.compile(r"\s*(#\s*#\s*#|-+\s*30\s*-+|[—–]\s*30\s*[—–]|\*(\s*\*){2})\s*")
MORE = re.compile(
    r"[\W_]*(more|mehr folgt|more follows|suite|continued( on (the )?next page)?)[\W_]*", re.I
)
PAGE_NUMBER = re.compile(
    r"[\W_]*((page|seite|pagina|página|strona|str\.|side|sida|стр\.?|стор\.?)\s*)?\d{1,3}"
    r"(\s*(of|/|von|de|di|z|van|av|из|з)\s*\d{1,3})?[\W_]*",
    re.IGNORECASE,
)

NOTES = _any(
    r"(background )?notes? (to|for) (the )?(editors?|media|journalists|newsrooms?)",
    r"editor'?’?s?'? notes?|editorial notes?|background notes?",
    r"(hinweise?|anmerkung(en)?) (an|für) (die )?redaktion(en)?|redaktionelle hinweise",
    r"notes? (aux|à l[’']attention des) (rédactions?|rédacteurs|journalistes)",
    r"notas? (para|a) (los )?(editores|redactores|la redacción)",
    r"notas? (aos|para( os)?) editores",
    r"note? (per|ai|alla) (la )?(redazion[ei]|redattori)",
    r"(informacj[ae]|not[ay]|uwag[ai]) dla (redakcji|redaktorów|mediów)",
    r"no(ot|ten) (voor|aan) (de )?(redacties?|redacteuren)",
    r"poznámk[ay] pro (redakce|editory)",
    r"примечани[ея] для редактор(ов|а)|примітк[аи] для редактор(ів|а)",
    r"poznámk[ay] pre (redakcie|editorov)|(till|noter till) redaktionen|"
    r"(note|bemærkning|merknad)(er)? til redaktionen|merknader til redaksjonen|"
    r"huomautus toimitukselle|(megjegyzés|jegyzet)(ek)? a szerkesztők(nek|höz)|"
    r"note pentru redacți[ei]|editöre not(lar)?|napomen[ae] za (urednike|redakcije)|"
    r"pastabos redaktoriams|бележк[аи] за редактор(ите|а)?|σημει[ώω]σεις για (τους )?συντ[άα]κτες|"
    r"הערות לעורך|ملاحظات (للمحررين|للناشرين)|編集者への注記|编者注|编辑注意|편집자 주",
)
LINKS = _any(
    r"(useful |related |further )?links?|multimedia|further reading|resources|downloads?|"
    r"photos?( and videos?)?|pictures|weiterführende links|links und quellen|"
    r"liens( utiles)?|enlaces|collegamenti|linki|odnośniki|ссылки|посилання|קישורים|روابط|リンク"
)
CONTACT = _any(
    r"(press|media|news|public relations|pr|editorial|journalist)?\s*contacts?( (information|"
    r"details|persons?))?",
    r"(press|media) (enquiries|inquiries|office|officer|relations|team)|"
    r"(enquiries|inquiries)|contact for (press|media|journalists)",
    r"(for|to arrange) [^.]{0,60}?(please )?(contact|call|email|write to|get in touch with)( us)?",
    r"please contact|contact us",
    r"(presse|medien)?-?kontakte?( für (die )?(presse|medien|journalisten))?|ansprechpartner(in)?|"
    r"(presse|rück|weitere )?(an)?fragen|pressestelle|für rückfragen[^.]{0,60}|rückfragehinweise?",
    r"contacts? (presse|médias?|de presse)|pour (tout |plus d)[^.]{0,60}contacte[rz][^.:]{0,20}|"
    r"relations? presse|service de presse",
    r"contactos?( (de|para) (la )?(prensa|medios))?|para (más|mayor) información[^.:]{0,40}",
    r"contat(to|ti)( (per la )?(stampa|media))?|ufficio stampa|per (ulteriori |"
    r"maggiori )?informazioni[^.:]{0,40}",
    r"contatos?( (para|de|à) (a )?imprensa)?|assessoria de imprensa|"
    r"para mais informações[^.:]{0,40}",
    r"kontakt( (dla|do) (mediów|prasy))?|biuro prasowe|(po )?więcej informacji[^.:]{0,40}|"
    r"dodatkow(e|ych) informacj[ei][^.:]{0,40}|osob[ay] do kontaktu",
    r"(pers)?contact(persoon)?( voor (de )?(pers|media))?|voor meer informatie[^.:]{0,40}|"
    r"perscontact",
    r"kontakt(ní osoba|y)?( pro média)?|(press)?kontakt(er)?|för mer information[^.:]{0,40}|"
    r"yderligere oplysninger|lisätietoja|yhteystiedot|sajtókapcsolat|további információ|"
    r"contact( de| pentru)? (presă|media|mass-media)|(basın )?iletişim( bilgileri)?|basın irtibatı|"
    r"kontakt(ná osoba|y)? (pre|za) (médiá|medije|novinare)|kontakti? za (medije|novinarje)|"
    r"(medie|presse?)kontakt(er)?|(yhteystiedot|yhteyshenkilö) (medialle|lehdistölle)|"
    r"(kontaktai|kontaktas)( (žiniasklaidai|spaudai))?|kontakti? (presei|medijiem)|"
    r"kontakt (meediale|ajakirjanikele)|sajtóinformáció|liên hệ( báo chí)?|"
    r"kontak (media|pers)|narahubung( media)?|मीडिया संपर्क|ติดต่อสื่อมวลชน|تماس رسانه‌ای",
    r"контакт(ы|и|ти)?( (для|за) (прессы|сми|змі|преси|медіа|медиите|медије|пресата))?|"
    r"(за )?(дополнительной|додатковою) (информацией|інформацією)[^.:]{0,40}|пресс-служба|"
    r"пресслужба",
    r"επικοινων[ίι]α( (για τον τ[ύυ]πο|τ[ύυ]που|μ[έε]σων))?|"
    r"פרטי קשר|לפרטים( נוספים)?|(איש|אשת) קשר( לתקשורת)?|ליצירת קשר|"
    r"للتواصل( (الإعلامي|الصحفي|مع الإعلام))?|(جهة|مسؤول) الاتصال( الإعلامي)?|للاتصال|"
    r"الاتصال (الصحفي|الإعلامي)|للاستفسارات الصحفية|"
    r"[^。]{0,20}お問い?合わ?せ先?|問い合わせ先|(媒体|新闻|新聞|媒體)?(联系|聯絡|联络)(人|方式|窗口)|媒体联系|"
    r"(언론|보도|취재|미디어)?\s?(문의|담당자|연락처)(처)?",
)
_PRESS = _any(
    r"press|presse|media|médias?|medien|journalist|prensa|stampa|imprensa|pers|pras|mediów|"
    r"mediální|sajtó|presă|basın|прес|сми|змі|медиа|τύπο|עיתונ|תקשורת|صحاف|إعلام|報道|媒体|언론|보도",
)
_ABOUT = re.compile(
    rf"about\b.+|boilerplate"
    rf"|über\s+.+|zum unternehmen|qui sommes[- ]nous.*|[àa] propos( d[eu’'].+)?"
    rf"|acerca de.+|sobre\s+.+|quiénes somos|quem somos|informazioni su.+|chi siamo|a proposito d.+"
    rf"|over\s+.+|o\s+.+|om\s+.+|despre\s+.+|tietoa\s+.+|about us"
    rf"|про\s+.+|об?\s+[{UPPER}«\"].*|о (нас|компании|фонде|проекте|партнёре).*|за\s+[{UPPER}].*"
    rf"|σχετικά με.+|.+ hakkında|אודות.*|(حول|عن|نبذة عن)\s.+|.+について|.+概要|关于.+|關於.+"
    rf"|.+ 소개|.+ 개요|az?\s+.+r[óő]l|apie\s+.+|par\s+.+|о нама|rreth\s+.+|um\s+.+"
    rf"|tentang\s+.+|về\s+.+|.+ के बारे में|เกี่ยวกับ.+",
    re.IGNORECASE,
)
# Prepositions so short that they open any heading: only in their own languages.
_ABOUT_LANGUAGES = {
    "over": {"nl"},
    "o": {"pl", "cs", "sk", "sl", "hr"},
    "om": {"sv", "da", "no", "nb"},
    "sobre": {"es", "pt", "ca", "gl"},
    "про": {"uk"},
    "о": {"ru", "sr"},
    "a": {"hu"},
    "az": {"hu"},
    "par": {"lv"},
    "um": {"is"},
    "rreth": {"sq"},
    "apie": {"lt"},
    "об": {"ru"},
    "за": {"bg", "mk"},
    "über": {"de"},
}


_NO_NAMES = frozenset(
    ["us", "uns", "nous", "nosotros", "nas", "会社", "当社", "弊社", "公司", "회사"]
)


def end_mark(raw: str) -> str | None:
    """The end mark that the source lines `raw` are, or None."""
    text = raw.strip()
    if len(text) > 40 or "\n" in text:
        return None
    if _SYMBOL_END.fullmatch(text):
        return text
    word = re.sub(r"[\W_]+", "", text)
    # "ends" in small letters may be a word of a list; as a line's own capital it is the mark.
    sure = text[0] in "-—–[(*#~" or not word.islower() or not word.isascii()
    if END_MARK.fullmatch(text) and sure:
        return text.strip("*_ ") or text
    return None


def label(text: str) -> Kind | None:
    """The kind of publication that a label such as "PRESS RELEASE" names, or None."""
    bare = text.strip(" \t*_#[]()|–—-:.•").strip()
    bare = _NUMBERED.sub("", bare)
    for kind, pattern in LABELS:
        if pattern.fullmatch(bare):
            return kind
    return None


def is_status(text: str) -> bool:
    """Whether a short line says "for immediate release"."""
    return len(text) <= 120 and IMMEDIATE.search(text) is not None


def is_embargo(text: str) -> bool:
    """Whether a short line, standing above the headline, is an embargo line."""
    return len(text) <= 220 and (
        EMBARGO.search(text) is not None or _OPENS_EMBARGO.match(text) is not None
    )


def opens_embargo(text: str) -> bool:
    """Whether a text begins as an embargo line does, and is no headline that speaks of one."""
    return _OPENS_EMBARGO.match(text) is not None


def is_notes(text: str) -> bool:
    """Whether `text` is the heading "Notes to editors"."""
    return NOTES.fullmatch(_heading(text)) is not None


def notes_label(text: str) -> bool:
    """Whether a paragraph begins with a label such as "Note to editors: …"."""
    match = re.match(r"[*_\s]*([^:：]{3,70})[*_]*\s*[:：]\s*\S", text)
    return match is not None and is_notes(match.group(1))


def is_links(text: str) -> bool:
    """Whether `text` is the heading of a list of links."""
    return LINKS.fullmatch(_heading(text)) is not None


def is_contact(text: str) -> bool:
    """Whether `text` introduces contacts: a heading, or a line ending in a colon."""
    bare = _heading(text)
    if CONTACT.fullmatch(bare):
        return True
    return (
        len(bare) <= 120 and text.rstrip().endswith((":", "：")) and CONTACT.match(bare) is not None
    )


def is_press_contact(text: str) -> bool:
    """Whether `text` is the heading of contacts for the press, and not of a shop or a form."""
    return is_contact(text) and _PRESS.search(text) is not None


def contact_label(text: str) -> int:
    """Length of a label such as "Media contact:" that opens `text`, 0 when there is none."""
    match = re.match(r"[*_\s]*([^:：@\d]{3,80}?)[*_]*\s*[:：]\s*[*_]*\s*", text)
    if match and CONTACT.fullmatch(_heading(match.group(1))):
        return match.end()
    return 0


def is_about(text: str, language: str) -> bool:
    """Whether `text` is the heading of a boilerplate in `language` or in English."""
    bare = _heading(text)
    if not 3 <= len(bare) <= 90 or len(bare.split()) > 10 or not _ABOUT.fullmatch(bare):
        return False
    languages = _ABOUT_LANGUAGES.get(bare.split()[0].lower())
    if languages is not None and language.split("-")[0] not in languages:
        return False
    return not re.match(r"about\s+(\d|the same|to)\b", bare, re.IGNORECASE)


def opens_section(text: str) -> bool:
    """Whether a line, whatever its language, reads like a boilerplate's or notes' heading."""
    bare = _heading(text)
    if not 3 <= len(bare) <= 70 or len(bare.split()) > 8 or text.rstrip()[-1:] in ".,;!?":
        return False
    first = bare.split()[0].lower()
    # The shortest prepositions open too many lines to mean anything without knowing the language.
    about = (
        len(first) > 2
        and first != "par"
        and _ABOUT.fullmatch(bare) is not None
        and bare[0].isupper()
    )
    return about or NOTES.fullmatch(bare) is not None


def about_name(heading: str) -> str:
    """The organisation in "About X", best effort; empty when the heading names none."""
    bare = _heading(heading)
    rest = re.sub(
        r"^(about|über( die| das| den)?|[àa] propos (de |du |d[’'])(la |l[’'])?|acerca de(l|"
        r" la)?|sobre"
        r"( o| a| el| la)?|informazioni su|over( de| het)?|o|om|despre|про|об?|за|tentang|"
        r"אודות|حول|عن|نبذة عن|关于|關於)\s*",
        "",
        bare,
        flags=re.IGNORECASE,
    )
    rest = re.sub(r"(\s*hakkında|について|概要|\s*소개)$", "", rest, flags=re.IGNORECASE)
    named = re.sub(r"^the\s+", "", rest, flags=re.IGNORECASE)
    article = named != rest or re.match(
        r"über (die|das|den) |[àa] propos (du |de la |de l)|sobre (o|a|el|la) |over (de|het) ",
        bare,
        re.IGNORECASE,
    )
    rest = named
    if len(rest.split()) == 1 and has_case(rest) and (article or rest[0].islower()):
        return ""  # "About the foundation" says what it is, not how it is called.
    return "" if rest == bare or rest.lower() in _NO_NAMES else rest


def _heading(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" \t*_#[]:：.-–—|■□◆◇●○").strip()
