"""Countries, languages and time zones as lists write them, brought to one form.

Names come from CLDR (through Babel) in many languages, zones and their old names from the IANA
data of the `tzdata` package. What is not understood comes out as "" and the caller warns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from importlib import resources

from babel import Locale
from babel.core import get_global

from mailer.audience.text import fold

_CLDR_LANGUAGES = """
    en de fr es it pl nl pt cs uk ru sk be bg sr hr sl mk bs sq ro hu el tr fi sv da nb nn is et
    lv lt ga cy eu ca gl mt lb hy ka az kk uz ky he ar fa ur hi bn ta te mr ne si th vi id ms ja
    ko zh zh_Hant am sw af zu yo mi mn my km lo
    """.split()  # noqa: SIM905
"""Languages whose names of countries and languages are understood; the first to have one wins."""

_NOT_COUNTRIES = {
    "AC",
    "CP",
    "CQ",
    "DG",
    "EA",
    "EU",
    "EZ",
    "IC",
    "QO",
    "TA",
    "UN",
    "XA",
    "XB",
    "ZZ",
}

_OTHER_COUNTRY_NAMES = {
    "uk": "GB", "u.k.": "GB", "great britain": "GB", "britain": "GB", "england": "GB",
    "scotland": "GB", "wales": "GB", "northern ireland": "GB", "usa": "US", "u.s.": "US",
    "u.s.a.": "US", "united states of america": "US", "america": "US", "éire": "IE", "eire": "IE",
    "republic of ireland": "IE", "aotearoa": "NZ", "holland": "NL", "the netherlands": "NL",
    "czech republic": "CZ", "česká republika": "CZ", "turkey": "TR", "turkiye": "TR",
    "viet nam": "VN", "korea": "KR", "republic of korea": "KR", "russian federation": "RU",
    "рф": "RU", "macedonia": "MK", "swaziland": "SZ", "burma": "MM", "ivory coast": "CI",
    "cape verde": "CV", "east timor": "TL", "kosovo": "XK", "rzeczpospolita polska": "PL",
    "rp": "PL", "brd": "DE", "bundesrepublik deutschland": "DE", "臺灣": "TW", "台灣": "TW",
    "uae": "AE", "suid-afrika": "ZA", "ประเทศไทย": "TH",
}  # fmt: skip

_MAIN_ZONES = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago",
    "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil",
    "ES": "Europe/Madrid", "FM": "Pacific/Pohnpei", "GL": "America/Nuuk", "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa", "KZ": "Asia/Almaty", "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby", "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/New_York",
    "UZ": "Asia/Tashkent", "XK": "Europe/Belgrade",
}  # fmt: skip
"""Where a country has several zones: the one most of its newsrooms keep."""

_ABBREVIATED = {
    "CET", "CST6CDT", "EET", "EST", "EST5EDT", "GMT", "GMT0", "Greenwich", "HST", "MET", "MST",
    "MST7MDT", "PST8PDT", "UCT", "UTC", "Universal", "WET", "Zulu",
}  # fmt: skip
"""Not taken for a place: whoever writes "CET" in July may mean another offset."""


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """ISO 3166-1 alpha-2 code of a country given as code or name in many languages; "" unknown."""
    wanted = fold(text)
    if not wanted:
        return ""
    if len(wanted) == 2 and wanted.isascii() and wanted.upper() in _countries():
        return wanted.upper()
    if found := _OTHER_COUNTRY_NAMES.get(wanted):
        return found
    if re.fullmatch("[a-z]{2,3}", wanted):
        aliases = get_global("territory_aliases").get(wanted.upper(), [])
        if len(aliases) == 1 and aliases[0] in _countries():
            return str(aliases[0])
    return _COUNTRY_NAMES.find(wanted)


@lru_cache(maxsize=4096)
def language_tag(text: str) -> tuple[str, bool]:
    """(BCP 47 tag, whether it was written as one); ("", False) when it is no known language.

    Of several languages in one cell the first counts.
    """
    written = fold(text)
    first = re.split(r"[;,/|&+ ]+|\bor\b|\band\b", written)[0] if written else ""
    for candidate in dict.fromkeys((written, first)):
        tag = _tag(candidate)
        if tag:
            return tag, candidate == written and tag == text.strip()
        if name := _LANGUAGE_NAMES.find(candidate):
            return name, False
    return "", False


@lru_cache(maxsize=4096)
def zone_name(text: str) -> tuple[str, bool]:
    """(IANA zone, whether it was written so); ("", False) for offsets, abbreviations, unknowns.

    Old names (`Europe/Kiev`, `US/Eastern`) become today's.
    """
    written = text.strip()
    zones, links = _zones()
    name = zones.get(written.casefold())
    if name:
        return name, name == written
    return links.get(written.casefold(), ""), False


@cache
def zone_of_country(country: str) -> str:
    """The zone of most newsrooms in a country (ISO code); "" when the country is unknown."""
    if country in _MAIN_ZONES:
        return _MAIN_ZONES[country]
    return _country_zones().get(country, "")


@cache
def _countries() -> frozenset[str]:
    names = map(str, Locale("en").territories)
    return frozenset(
        code for code in names if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_COUNTRIES
    )


class _Names:
    """Names in all languages, learnt language by language until one is found.

    Loading all of them takes a second, and most lists need English and one other.
    """

    def __init__(self, names_of: Callable[[Locale], Iterable[tuple[str, str]]]) -> None:
        self._names_of = names_of
        self._found: dict[str, str] = {}
        self._unread = list(reversed(_CLDR_LANGUAGES))

    def find(self, wanted: str) -> str:
        while wanted not in self._found and self._unread:
            for name, code in self._names_of(Locale.parse(self._unread.pop())):
                self._found.setdefault(fold(name), code)
        return self._found.get(wanted, "")


def _countries_in(locale: Locale) -> Iterator[tuple[str, str]]:
    for code, name in locale.territories.items():
        if code in _countries():
            yield name, code


def _languages_in(locale: Locale) -> Iterator[tuple[str, str]]:
    for code, name in locale.languages.items():
        if tag := _tag(code.replace("_", "-")):
            yield name, tag


_COUNTRY_NAMES = _Names(_countries_in)
_LANGUAGE_NAMES = _Names(_languages_in)


@lru_cache(maxsize=4096)
def _tag(text: str) -> str:
    parts = text.replace("_", "-").split("-")
    if not re.fullmatch("[a-z]{2,3}", parts[0]) or len(parts) > 4:
        return ""
    language = parts[0]
    if language not in Locale("en").languages:
        aliases = get_global("language_aliases")
        language = str(aliases.get(language, "")).partition("_")[0]
        if not language:
            return ""
    elif len(language) == 3:
        language = str(get_global("language_aliases").get(language, language)).partition("_")[0]
    elif language in ("iw", "in", "ji"):
        language = {"iw": "he", "in": "id", "ji": "yi"}[language]
    tag = [language]
    for part in parts[1:]:
        if re.fullmatch("[a-z]{4}", part):
            tag.append(part.title())
        elif re.fullmatch("[a-z]{2}", part) and part.upper() in _countries():
            tag.append(part.upper())
        elif re.fullmatch("[0-9]{3}|[a-z0-9]{5,8}|[0-9][a-z0-9]{3}", part):
            tag.append(part)
        else:
            return ""
    return "-".join(tag)


@cache
def _zones() -> tuple[dict[str, str], dict[str, str]]:
    """(today's zones, older names) by lower-case name."""
    zones = {name.casefold(): name for names in _places().values() for name in names}
    targets: dict[str, str] = {}
    for line in _read("tzdata.zi").splitlines():
        if line.startswith("L "):
            _, target, name = line.split()
            targets[name] = target
    links: dict[str, str] = {}
    for name, target in targets.items():
        while target.casefold() not in zones and target in targets:
            target = targets[target]
        if name not in _ABBREVIATED and target.casefold() in zones:
            links[name.casefold()] = target
    return zones, {name: target for name, target in links.items() if name not in zones}


@cache
def _country_zones() -> dict[str, str]:
    return {country: names[0] for country, names in _places().items()}


@cache
def _places() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _read("zone.tab").splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return found


def _read(name: str) -> str:
    return resources.files("tzdata.zoneinfo").joinpath(name).read_text("utf-8")
