"""Destination groups: domains whose mail is taken by one provider, with one temper.

A provider that says "too fast" means all its domains, so back-off and limits count per group,
not per address domain (H12, G11). What stands in no group is a group of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

PROVIDERS: dict[str, tuple[str, ...]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": ("outlook.*", "hotmail.*", "live.*", "msn.com", "passport.com", "windowslive.com"),
    "yahoo": (
        "yahoo.*",
        "ymail.com",
        "rocketmail.com",
        "aol.*",
        "aim.com",
        "myyahoo.com",
        "netscape.net",
        "verizon.net",
        "cs.com",
    ),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "gmx": ("gmx.*", "web.de", "mail.com", "caramail.com"),
    "t-online": ("t-online.de", "magenta.de"),
    "freenet": ("freenet.de",),
    "orange": ("orange.fr", "wanadoo.fr", "voila.fr"),
    "sfr": ("sfr.fr", "neuf.fr", "cegetel.net", "club-internet.fr", "numericable.fr"),
    "free": ("free.fr", "aliceadsl.fr"),
    "laposte": ("laposte.net",),
    "proximus": ("proximus.be", "skynet.be", "belgacom.net"),
    "telenet": ("telenet.be", "pandora.be"),
    "libero": ("libero.it", "iol.it", "inwind.it", "blu.it"),
    "tim": ("tim.it", "alice.it", "virgilio.it", "tin.it"),
    "wp": ("wp.pl", "o2.pl", "tlen.pl", "go2.pl"),
    "onet": ("onet.pl", "onet.eu", "op.pl", "vp.pl", "poczta.onet.pl", "autograf.pl"),
    "interia": ("interia.pl", "interia.eu", "poczta.fm", "intmail.pl"),
    "seznam": ("seznam.cz", "email.cz", "post.cz", "spoluzaci.cz"),
    "ukr.net": ("ukr.net",),
    "mail.ru": ("mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru", "xmail.ru"),
    "yandex": ("yandex.*", "ya.ru"),
    "rambler": ("rambler.ru", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru"),
    "bt": ("btinternet.com", "btopenworld.com", "talk21.com"),
    "virgin": ("virginmedia.com", "ntlworld.com", "blueyonder.co.uk", "virgin.net"),
    "comcast": ("comcast.net",),
    "att": ("att.net", "sbcglobal.net", "bellsouth.net", "pacbell.net", "ameritech.net"),
    "charter": ("charter.net", "spectrum.net", "rr.com", "twc.com"),
    "cox": ("cox.net",),
    "proton": ("proton.me", "protonmail.*", "pm.me"),
    "zoho": ("zoho.*", "zohomail.*"),
    "fastmail": ("fastmail.*", "messagingengine.com"),
    "tencent": ("qq.com", "foxmail.com", "vip.qq.com"),
    "netease": ("163.com", "126.com", "yeah.net", "vip.163.com"),
    "sina": ("sina.com", "sina.cn"),
    "naver": ("naver.com",),
    "daum": ("daum.net", "hanmail.net", "kakao.com"),
    "docomo": ("docomo.ne.jp",),
    "au": ("ezweb.ne.jp", "au.com"),
    "softbank": ("softbank.ne.jp", "i.softbank.jp"),
    "rediff": ("rediffmail.com", "rediff.com"),
    "uol": ("uol.com.br", "bol.com.br"),
    "terra": ("terra.com.br", "terra.es"),
}
"""Group → its domains; "name.*" is that name under any public ending ("yahoo.co.uk")."""


class Destinations:
    """Which group a domain belongs to, with a newsroom's own groups before the known ones.

    `own` is group → domains; a known provider's name adds its domains to the newsroom's.
    """

    def __init__(self, own: Mapping[str, Sequence[str]] | None = None) -> None:
        self._exact: dict[str, str] = {}
        self._names: dict[str, str] = {}
        for groups in (PROVIDERS, own or {}):
            for group, domains in groups.items():
                for domain in domains:
                    name = domain.lower().rstrip(".")
                    if name.endswith(".*"):
                        self._names[name.removesuffix(".*")] = group
                    else:
                        self._exact[name] = group
        self.group_of = lru_cache(maxsize=65_536)(self._group_of)

    def _group_of(self, domain: str) -> str:
        """The group of a recipient's domain (A-labels, any case); itself when in none."""
        name = domain.lower().rstrip(".")
        if found := self._exact.get(name):
            return found
        head, dot, ending = name.partition(".")
        # "yahoo.co.uk" is Yahoo's, "yahoo.example.com" is somebody else's.
        if dot and head in self._names and _is_public_ending(ending):
            return self._names[head]
        return name


def _is_public_ending(ending: str) -> bool:
    """Whether this is what a country's registry sells under: "de", "co.uk", "com.br"."""
    parts = ending.split(".")
    if len(parts) == 1:
        return 2 <= len(parts[0]) <= 3
    return len(parts) == 2 and len(parts[1]) == 2 and parts[0] in ("co", "com", "net", "org", "ne")
