"""Whether somebody may be sent advertising, by the law of his country (requirements E15 to E19).

A table of rules with their sources, not legal advice. It matters only for kinds of release that
the newsroom itself has called advertising (`[advertising]`); press information mostly is none.
Where the country is not known, or stands in no rule, the strictest holds: prior consent.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.audience.text import fold

CONSENT = "opt_in"
CUSTOMER = "existing_relationship"
PUBLISHED = "public_contact"


@dataclass(frozen=True, slots=True)
class Person:
    """What the rules ask of somebody: `country` as ISO code, "" unknown; `basis` as lists say it;
    `signed_up`: on a topic list that he asked for himself and confirmed."""

    email: str
    country: str = ""
    basis: str = ""
    outlet: str = ""
    outlet_type: str = ""
    signed_up: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What one law asks. `bases`: any of these will do; `impersonal`: so will an address of a desk;
    `at_work`: so will any address at an outlet, opt-out open. `because` ends a sentence."""

    because: str
    source: str
    bases: frozenset[str] = frozenset({CONSENT})
    impersonal: bool = False
    at_work: bool = False

    def allows(self, person: Person) -> bool:
        """Whether this law lets advertising go to him."""
        if person.signed_up or person.basis in self.bases:
            return True
        if self.impersonal and is_impersonal(person.email):
            return True
        return self.at_work and _works_at_an_outlet(person)


def rule_of(country: str) -> Rule:
    """The rule for a country's ISO code; the strictest for one that is unknown."""
    return _RULES.get(country.upper(), STRICTEST if country else UNKNOWN)


def barred(person: Person) -> str:
    """Why somebody may not be sent advertising, to follow "because"; "" where he may."""
    rule = rule_of(person.country)
    return "" if rule.allows(person) else f"{rule.because} ({rule.source})"


def is_impersonal(email: str) -> bool:
    """Whether an address is that of a desk rather than of a person."""
    return fold(email.partition("@")[0]).partition("+")[0] in _DESKS


def _works_at_an_outlet(person: Person) -> bool:
    """Not a freelance, who is a natural person before these laws, nor at a private mailbox."""
    domain = person.email.rpartition("@")[2].lower()
    freelance = "freelance" in fold(person.outlet_type) or "freelance" in fold(person.outlet)
    return bool(person.outlet) and not freelance and domain not in _PRIVATE


_ANY = frozenset({CONSENT, CUSTOMER, PUBLISHED})
_SOFT = frozenset({CONSENT, CUSTOMER})

STRICTEST = Rule(
    "prior consent is needed, the strictest rule, as theirs is not in the table", "E15"
)
UNKNOWN = Rule("the country is not known, and the strictest rule is prior consent", "E15, E17")
_EU = Rule(
    "prior consent is needed, or that they are own customers",
    "ePrivacy Directive 2002/58/EC art. 13(1), (2)",
    _SOFT,
)
_EEA = "BG CY CZ DK EE ES FI GR HR HU IE IS IT LI LT LU LV MT NL NO PT RO SE SI SK"

_RULES: dict[str, Rule] = {
    **dict.fromkeys(_EEA.split(), _EU),
    "PL": Rule("prior consent is needed since 10 November 2024, of companies too", "PKE art. 398"),
    "BE": Rule(
        "consent is needed, save for impersonal addresses and own customers",
        "CEL art. XII.13; Royal Decree of 4 April 2003",
        _SOFT,
        impersonal=True,
    ),
    "DE": Rule(
        "prior express consent is needed, of companies too, save from own customers",
        "UWG section 7(2), (3)",
        _SOFT,
    ),
    "AT": Rule("prior consent is needed, save from own customers", "TKG 2021 section 174", _SOFT),
    "FR": Rule(
        "consent is needed, save at work on the matter of that work",
        "CPCE art. L34-5; CNIL on prospecting professionals",
        _SOFT,
        impersonal=True,
        at_work=True,
    ),
    "GB": Rule(
        "individuals, sole traders and freelances must have consented",
        "PECR reg. 22; ICO guidance",
        _SOFT,
        impersonal=True,
        at_work=True,
    ),
    "CH": Rule("consent is needed, save from own customers", "UWG art. 3(1)(o)", _SOFT),
    "CA": Rule(
        "express or implied consent is needed, such as a published work address",
        "CASL s 6, 10(9)",
        _ANY,
    ),
    "AU": Rule(
        "express or inferred consent is needed, such as a published work address",
        "Spam Act 2003 s 16",
        _ANY,
    ),
    "US": Rule(
        "they must be able to opt out",
        "15 USC 7704(a)",
        frozenset({*_ANY, "legitimate_interest"}),
        impersonal=True,
        at_work=True,
    ),
}

_DESKS = frozenset(
    (
        *("info", "contact", "kontakt", "office", "press", "presse", "prensa", "stampa"),
        *("prasa", "redaktion", "redaction", "redakcja", "redaccion", "redazione"),
        *("redactie", "redaksjon", "redakcia", "redakce", "news", "newsroom", "newsdesk"),
        *("desk", "nieuws", "nachrichten", "editor", "editors", "editorial", "mail", "post"),
        *("hello", "tips", "secretariat", "sekretariat", "studio", "politik", "politics"),
        *("economy", "wirtschaft", "culture", "kultur", "sport", "sports", "foreign"),
        "ausland",
    )
)
_PRIVATE = frozenset(
    (
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.co.uk"),
        *("live.com", "yahoo.com", "yahoo.co.uk", "yahoo.fr", "icloud.com", "me.com"),
        *("aol.com", "gmx.de", "gmx.net", "web.de", "t-online.de", "proton.me"),
        *("protonmail.com", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr"),
        *("btinternet.com", "wp.pl", "onet.pl", "o2.pl"),
    )
)
