"""Who is probably the same person at two addresses: keys that such people share.

Nobody is compared with everybody: each person gives a few keys, and whoever shares one is proposed.
What is proposed is for an officer to judge, never merged by itself: two people of one name do work
at one newspaper.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mailer.audience.text import fold

NAME_AND_OUTLET = "same name and outlet"
NAME_AND_PHONE = "same name and telephone"
ADDRESS = "the address is a variety of the other"


def keys(
    *, first_name: str, last_name: str, outlet: str, phone: str, email: str
) -> Iterator[tuple[str, str]]:
    """(why, key) of one person; who shares a key with somebody is probably him.

    A name of one word ("Newsroom", a family name alone) is no name here. Linear in the text.
    """
    name = folded_name(first_name, last_name)
    if name:
        at = _plain(outlet)
        if at:
            yield NAME_AND_OUTLET, f"{name}\n{at}"
        number = _number(phone)
        if number:
            yield NAME_AND_PHONE, f"{name}\n{number}"
    variety = folded_address(email)
    if variety:
        yield ADDRESS, variety


@lru_cache(maxsize=65536)
def folded_name(first_name: str, last_name: str) -> str:
    """A name without case, accents and order of its words; "" where it has only one."""
    words = sorted(_WORDS.findall(_plain(f"{first_name} {last_name}")))
    return " ".join(words) if len(words) > 1 else ""


def folded_address(email: str) -> str:
    """What the varieties of one address share: no plus tag, no dots or dashes before the @, a
    domain without its slips of the pen. Different people may share it: it only proposes."""
    local, _, domain = email.rpartition("@")
    local = _SEPARATORS.sub("", fold(local).partition("+")[0])
    return f"{local}@{_domain_key(domain.lower())}" if local and domain else ""


@lru_cache(maxsize=65536)
def _domain_key(domain: str) -> str:
    """The domain it is a slip of, if that is a big one; then its letters in order, since most
    slips are two letters that changed places."""
    domain = _ALIASES.get(domain, domain)
    if domain not in _BIG:
        near = [big for big in _BIG if abs(len(big) - len(domain)) <= 1 and _one_slip(domain, big)]
        domain = near[0] if len(near) == 1 else domain
    return "".join(sorted(domain))


def _one_slip(text: str, meant: str) -> bool:
    """One letter too many, too few or wrong, or two that changed places."""
    if len(text) > len(meant):
        text, meant = meant, text
    start = 0
    while start < len(text) and text[start] == meant[start]:
        start += 1
    rest, other = text[start:], meant[start:]
    if len(text) < len(meant):
        return rest == other[1:]
    return rest[1:] == other[1:] or (rest[2:] == other[2:] and rest[:2] == other[:2][::-1])


def _plain(text: str) -> str:
    if text.isascii():
        return fold(text)
    parts = unicodedata.normalize("NFKD", fold(text))
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).translate(_STROKES)


def _number(phone: str) -> str:
    """The end of a telephone number: country code and the zero in its place differ in lists."""
    digits = re.sub(r"\D", "", phone)
    return digits[-8:] if len(digits) >= 7 else ""


_WORDS = re.compile(r"\w+")
_SEPARATORS = re.compile(r"[._-]")
_STROKES = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ı": "i"})

_ALIASES = {"googlemail.com": "gmail.com", "protonmail.com": "proton.me", "pm.me": "proton.me"}
_BIG = (
    *("gmail.com", "yahoo.com", "yahoo.fr", "yahoo.co.uk", "hotmail.com", "hotmail.fr"),
    *("outlook.com", "live.com", "icloud.com", "aol.com", "gmx.de", "gmx.net", "web.de"),
    *("t-online.de", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "libero.it"),
    *("wp.pl", "onet.pl", "interia.pl", "o2.pl", "mail.ru", "yandex.ru", "ukr.net"),
    *("seznam.cz", "proton.me", "skynet.be", "telenet.be", "hotmail.co.uk", "btinternet.com"),
)
