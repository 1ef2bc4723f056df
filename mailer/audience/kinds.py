"""Kinds of outlets in the one spelling that segments use, whatever a list calls them."""

from __future__ import annotations

from functools import lru_cache

from mailer.audience.words import key

__all__ = ["outlet_type_of"]


@lru_cache(maxsize=4096)
def outlet_type_of(text: str) -> str:
    """The kind in its one spelling ("daily", "agency"); as given where it is not known."""
    return _KINDS.get(key(text), text)


_WORDS = {
    "daily": """
        daily newspaper|daily paper|newspaper|dailies|national daily|dziennik|gazeta
        gazeta codzienna|tageszeitung|zeitung|quotidien|presse quotidienne|diario
        periódico|quotidiano|dagblad|krant|diário|jornal|deník|noviny|щоденна газета
        газета|ежедневная газета
    """,
    "online": """
        www|web|website|web site|internet|portal|online media|online newspaper
        news site|digital|serwis|portal internetowy|strona|onlinemedium|webseite|site
        site web|en ligne|sitio web|digital medio|sito|sito web|webzine|nieuwssite
        site de notícias|internetový portál|онлайн|сайт|портал|інтернет видання
        интернет издание
    """,
    "weekly": """
        weekly newspaper|weekly paper|weekly magazine|tygodnik|wochenzeitung|wochenblatt
        hebdomadaire|hebdo|semanario|semanal|settimanale|weekblad|semanário|týdeník
        тижневик|еженедельник
    """,
    "magazine": """
        monthly|monthly magazine|periodical|magazyn|miesięcznik|czasopismo|magazin
        zeitschrift|monatszeitschrift|revue|mensuel|revista|mensual|rivista|mensile
        tijdschrift|maandblad|časopis|měsíčník|журнал
    """,
    "radio": """
        radio station|public radio|rozgłośnia|radiosender|hörfunk|rundfunk
        station de radio|emisora|emittente radiofonica|radiozender|rádio
        estação de rádio|радіо|радио
    """,
    "tv": """
        television|television station|tv station|broadcast tv|broadcaster|telewizja
        fernsehen|fernsehsender|télévision|télé|chaîne de télévision|televisión
        televisione|televisie|televisão|televize|телебачення|тб|телевидение
    """,
    "agency": """
        news agency|press agency|wire|newswire|wire service|newsagency|agencja
        agencja prasowa|nachrichtenagentur|presseagentur|agentur|agence|agence de presse
        agencia|agencia de noticias|agenzia|agenzia di stampa|persbureau|agência
        agência de notícias|tisková agentura|zpravodajská agentura|agentura|агентство
        інформаційне агентство|інформагентство|информагентство|информационное агентство
    """,
    "freelance": """
        freelancer|free lance|freelance journalist|self employed|independent
        wolny strzelec|niezależny|niezależna|freier journalist|freie journalistin|frei
        freiberuflich|freiberufler|pigiste|indépendant|indépendante|autónomo
        independiente|libero professionista|freelancejournalist|independente
        na volné noze|nezávislý|фрілансер|фрилансер|вільний журналіст
    """,
    "trade": """
        trade press|trade magazine|trade journal|trade publication|specialist
        specialist press|b2b|business press|prasa branżowa|branżowe|branżowy|fachpresse
        fachzeitschrift|fachmagazin|presse spécialisée|presse professionnelle
        prensa especializada|revista especializada|stampa specializzata|stampa di settore
        vakblad|vakpers|imprensa especializada|odborný tisk|odborný časopis
        галузеве видання|отраслевое издание
    """,
    "podcast": """
        podcasts|podkast|подкаст|podcaster
    """,
    "blog": """
        weblog|blogger|blogs|newsletter blog|блог|bloger|blogueur
    """,
    "local": """
        local paper|local newspaper|local press|regional|regional paper
        regional newspaper|community paper|prasa lokalna|gazeta lokalna|lokalna|lokalne
        regionalna|lokalzeitung|regionalzeitung|lokalpresse|lokal|presse locale
        presse régionale|journal local|prensa local|periódico local|stampa locale
        giornale locale|locale|regionale|lokale krant|regionale krant|streekkrant
        imprensa local|jornal local|regionální tisk|místní noviny|regionální deník
        місцева газета|местная газета|региональная газета
    """,
}

_KINDS = {
    key(word): kind
    for kind, text in _WORDS.items()
    for line in (kind, *text.strip().splitlines())
    for word in line.split("|")
}
