"""What speaks against an address that is well formed: a desk's, a throw-away one, a slip.

Nothing here decides: an officer reads it beside the name. A suggestion is only ever shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from disposable_email_domains import blocklist

from mailer.audience.address import AddressError, normalise
from mailer.audience.lookalikes import mixed_scripts
from mailer.audience.text import fold

__all__ = ["Doubt", "doubts_about", "intended_domain"]

Kind = Literal["syntax", "scripts", "typo", "disposable", "role", "robot", "domain"]
Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One finding about an address. `error`: mail cannot arrive; `warning`: look at it; `note`:
    good to know. `suggestion` is the address that may be meant, "" for none."""

    kind: Kind
    level: Level
    text: str
    suggestion: str = ""


def doubts_about(email: str) -> tuple[Doubt, ...]:
    """Everything that can be told without asking anybody, the worst first."""
    try:
        address = normalise(email).email
    except AddressError as error:
        return (Doubt("syntax", "error", error.reason),)
    found = []
    if reason := mixed_scripts(address):
        found.append(Doubt("scripts", "warning", reason))
    local, _, domain = address.rpartition("@")
    if meant := intended_domain(domain):
        text = f"“{domain}” looks like a slip for “{meant}”"
        found.append(Doubt("typo", "warning", text, f"{local}@{meant}"))
    # Lists of throw-away domains name many slips too.
    elif _is_disposable(domain):
        found.append(Doubt("disposable", "warning", f"{domain} gives addresses to throw away"))
    name = fold(local.partition("+")[0])
    bare = name.replace(".", "").replace("-", "").replace("_", "")
    if bare in _ROBOTS:
        found.append(Doubt("robot", "warning", "nobody reads what is sent to such an address"))
    elif name in _ROLES or bare in _ROLES:
        found.append(Doubt("role", "note", "a desk's address, not a person's"))
    return tuple(found)


@lru_cache(maxsize=65536)
def intended_domain(domain: str) -> str:
    """The big mail domain that this one is a slip of a finger away from, "" for none.

    One letter more, less, other or two changed over; names of less than five letters are too near
    to others for that, so of those only the ending is looked at.
    """
    if domain in _BIG or domain in _REAL:
        return ""
    name, _, ending = domain.partition(".")
    for big in _BIG:
        big_name, _, big_ending = big.partition(".")
        if name == big_name:
            if _is_slip(ending, big_ending) and ending not in _ENDINGS:
                return big
            continue
        near = ending == big_ending and _is_slip(name, big_name)
        if len(big_name) > 4 and (near or domain == big.replace(".", "")):
            return big
    head, _, last = domain.rpartition(".")
    if meant := _ENDING_SLIPS.get(last):
        return f"{head}.{meant}"
    return ""


def _is_slip(text: str, meant: str) -> bool:
    """Is it one insertion, removal, exchange or change of places away?"""
    if text == meant or abs(len(text) - len(meant)) > 1:
        return False
    start = 0
    while start < min(len(text), len(meant)) and text[start] == meant[start]:
        start += 1
    left, right = text[start:], meant[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def _is_disposable(domain: str) -> bool:
    while "." in domain:
        if domain in blocklist:
            return True
        domain = domain.partition(".")[2]
    return False


_BIG = tuple(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr hotmail.it hotmail.es
    live.com msn.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.es yahoo.it yahoo.co.jp
    icloud.com me.com aol.com protonmail.com proton.me gmx.de gmx.net gmx.at gmx.ch web.de
    t-online.de freenet.de posteo.de mailbox.org orange.fr wanadoo.fr laposte.net free.fr sfr.fr
    libero.it virgilio.it tiscali.it telefonica.net skynet.be telenet.be proximus.be ziggo.nl
    xs4all.nl planet.nl bluewin.ch wp.pl onet.pl interia.pl poczta.onet.pl gazeta.pl o2.pl
    seznam.cz centrum.cz azet.sk freemail.hu citromail.hu ukr.net mail.ru yandex.ru rambler.ru
    btinternet.com comcast.net verizon.net sapo.pt terra.com.br uol.com.br abv.bg
    """.split()  # noqa: SIM905
)
# Real ones that stand near to a big one, or share its name under another ending.
_REAL = frozenset(
    """
    mail.com ymail.com email.com hotmail.de hotmail.be hotmail.nl hotmail.se hotmail.dk hotmail.ca
    hotmail.com.br hotmail.com.tr hotmail.gr live.fr live.de live.nl live.be live.it live.se live.dk
    live.co.uk live.ca yahoo.ca yahoo.com.br yahoo.com.au yahoo.co.in yahoo.in yahoo.ro yahoo.pl
    yahoo.gr yahoo.se yahoo.dk yahoo.no yahoo.ie yahoo.com.ar yahoo.com.mx yahoo.com.hk yahoo.com.tw
    yahoo.com.sg rocketmail.com outlook.fr outlook.de outlook.es outlook.it outlook.be outlook.pt
    outlook.dk outlook.com.br outlook.com.au outlook.jp outlook.hu outlook.cz outlook.ie gmx.com
    gmx.fr gmx.es gmx.eu gmx.org gmx.co.uk gmx.us gmx.info gmx.li aol.de aol.fr aol.it aol.co.uk
    protonmail.ch proton.ch pm.me mac.com mailbox.de orange.com orange.be orange.pl orange.es
    orange.ro free.com sfr.com web.com t-online.com t-online.hu terra.com terra.es freemail.com
    freemail.de libero.com telenet.com planet.com yandex.com yandex.ua rambler.com sapo.com
    uol.com free.org interia.eu onet.eu gazeta.ru gazeta.com gmail.ru email.cz email.de
    """.split()  # noqa: SIM905
)
# Endings under which anybody may have the same name as a big one.
_ENDINGS = frozenset(
    """
    com net org eu de fr it es pl nl be ch at cz sk hu ro ru uk se dk no fi pt gr us info co.uk
    """.split()  # noqa: SIM905
)
_ENDING_SLIPS = {
    "con": "com", "cmo": "com", "ocm": "com", "comm": "com", "vom": "com", "xom": "com",
    "cpm": "com", "clm": "com", "coom": "com", "nett": "net", "ent": "net", "ogr": "org",
    "rog": "org", "orgg": "org",
}  # fmt: skip

_ROLES = frozenset(
    """
    info contact kontakt contacto contatto contato contacts office biuro sekretariat secretariat
    hello mail post admin administrator webmaster postmaster support service redaktion redaction
    rédaction redazione redaccion redacción redakcja redacao redação redactie redakce redakcia
    redakcio szerkesztoseg redactia redactie redaksjon redaksjonen redaktionen toimitus uutiset
    newsdesk news newsroom desk editor editors editorial editorialoffice nachrichten nyheter tips
    tip tipps press presse prensa stampa prasa pers imprensa tisk media medien politik politics
    politique politica politika wirtschaft economy economie economia gospodarka kultur culture
    kultura sport sports online web lokal lokales letters leserbriefe letterstotheeditor
    chefredaktion sekretariatredakcji planung planningdesk forwardplanning assignmentdesk
    foreigndesk foreign international zagranica kraj europe brussels culturedesk studio radio tv
    team all everyone marketing sales ads anzeigen hr jobs abuse privacy datenschutz rodo gdpr legal
    """.split()  # noqa: SIM905
)
_ROBOTS = frozenset(
    """
    noreply donotreply nepasrepondre noresponder nienapisz nichtantworten mailerdaemon bounce
    bounces nobody devnull noanswer automailer
    """.split()  # noqa: SIM905
)
