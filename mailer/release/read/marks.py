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
    r"לפרסום מיידי|للنشر الفوري|即時発表|即刻发布|即時發佈|즉시 (배포|보도)",
)
EMBARGO = _any(
    r"\b(strictly |strict )?embargo(ed|es|s)?\b",
    r"\bsperrfrist\b|\bgesperrt bis\b",
    r"\bnot (for|to be) (publication|release|released|published)( or broadcast)? (before|until)\b",
    r"\bhold (for release )?until\b|\bfor release (on|at|after|:)",
    r"\bэмбарго\b|\bембарго\b|אמברגו|حظر النشر|解禁|엠바고",
)
_LABELS: tuple[tuple[Kind, str], ...] = (
    (
        Kind.RELEASE,
        r"(joint )?(press|news|media) (release|notice)|(gemeinsame )?presse?mitteilung|"
        r"medienmitteilung|presseinformation|presseaussendung|pressemeldung|pressenotiz|"
        r"communiqué( de presse)?( commun| conjoint)?|(comunicado|nota) de prensa|"
        r"comunicato stampa|nota (de|à) imprensa|comunicado de imprensa|persbericht|"
        r"informacja prasowa|komunikat prasowy|tisková zpráva|tlačová správa|pressmeddelande|"
        r"pressemeddelelse|pressemelding|(lehdistö)?tiedote|sajtóközlemény|comunicat de presă|"
        r"пресс-релиз|пресреліз|прес-реліз|прессъобщение|δελτίο τύπου|basın bülteni|"
        r"הודעה לעיתונות|بيان صحفي|プレスリリース|报道资料|新闻稿|新聞稿|보도자료|siaran pers|"
        r"thông cáo báo chí",
    ),
    (
        Kind.STATEMENT,
        r"((press|media|public|joint) )*statement|open letter|offener brief|lettre ouverte|"
        r"carta abierta|lettera aperta|list otwarty|"
        r"(gemeinsame )?(presse)?(stellungnahme|erklärung)|"
        r"déclaration( commune| conjointe)?|declaración( conjunta)?|(wspólne )?oświadczenie|"
        r"dichiarazione( congiunta)?|(совместное )?заявление|(спільна )?заява|"
        r"(gezamenlijke )?verklaring",
    ),
    (
        Kind.ADVISORY,
        r"(media|press) (advisory|alert|invitation)|presseeinladung|invitation presse|"
        r"zaproszenie (prasowe|dla mediów)|convocatoria de prensa|invito stampa",
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
    r"[\W_]*(#\s*#\s*#|-+\s*30\s*-+|[—–-]\s*30\s*[—–-]|ends?|ende|fin|fine|koniec|einde|slut|loppu|"
    r"vége|sfârșit|son|конец|кінець|край|סוף|انتهى|end of (the )?(press |news |media )?release|"
    r"ende der (presse)?mitteilung)[\W_]*",
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
    r"הערות לעורך|ملاحظات للمحررين|編集者への注記|编者注",
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
    r"contact( de)? presă|basın iletişim|iletişim",
    r"контакт(ы|и)?( для (прессы|сми|змі|преси|медіа))?|"
    r"(за )?(дополнительной|додатковою) (информацией|інформацією)[^.:]{0,40}|пресс-служба|"
    r"пресслужба",
    r"επικοινωνία|פרטי קשר|לפרטים( נוספים)?|איש קשר|ליצירת קשר|للتواصل|جهة الاتصال|للاتصال|"
    r"[^。]{0,20}お問い?合わ?せ先?|問い合わせ先|联系(人|方式)|聯絡人|媒体联系|문의",
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
    rf"|.+ 소개|tentang\s+.+|về\s+.+|.+ के बारे में|เกี่ยวกับ.+",
    re.IGNORECASE,
)
# Prepositions so short that they open any heading: only in their own languages.
_ABOUT_LANGUAGES = {
    "over": {"nl"},
    "o": {"pl", "cs", "sk", "sl", "hr"},
    "om": {"sv", "da", "no", "nb"},
    "sobre": {"es", "pt", "ca", "gl"},
    "про": {"uk"},
    "о": {"ru"},
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
    return len(text) <= 220 and EMBARGO.search(text) is not None


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
    about = len(first) > 2 and _ABOUT.fullmatch(bare) is not None and bare[0].isupper()
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
