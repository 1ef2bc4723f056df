"""E-mail addresses as lists have them: repaired where the meaning is certain, else refused.

Ordinary addresses pass a regular expression of our own; whatever it does not know goes to
email-validator, which judges by RFC 5321, 6531 and UTS 46. Nothing is ever sent to find out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

from mailer.audience.text import INVISIBLE, LINE_END


class AddressError(ValueError):
    """The text is no address that can be written to; `reason` is a sentence for the officer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it stands in RCPT TO, and what had to be repaired to get it.

    The local part is as the person writes it (RFC 5321 section 2.4), the domain in lower-case
    A-labels (A28).
    """

    email: str
    repairs: tuple[str, ...] = ()


def normalise(text: str) -> Address:
    """The address meant by one cell of a list; raises AddressError.

    Two addresses in one cell, line ends, spaces and misplaced dots are refused: guessing could
    write to a stranger.
    """
    match = _PLAIN.fullmatch(text)
    if match and match.end(1) <= _LOCAL_MOST and len(text) <= _MOST:
        return Address(f"{match[1]}@{match[2].lower()}")
    repairs: list[str] = []
    bare = _unwrap(text, repairs)
    _refuse_obvious(bare)
    return Address(_judge(bare), tuple(dict.fromkeys(repairs)))


def identity(email: str) -> str:
    """What two spellings of one mailbox share: NFC, lower case, A-label domain (version 1).

    Servers may tell capitals in the local part apart; none that press mail meets does. The input
    should be an address that `normalise` gave; anything else is lowered as it is.
    """
    if email.isascii():
        return email.lower()
    local, _, domain = email.rpartition("@")
    if not domain.isascii():
        try:
            domain = _ascii_domain(domain)
        except AddressError:
            domain = unicodedata.normalize("NFC", domain)
    return f"{unicodedata.normalize('NFC', unicodedata.normalize('NFC', local).lower())}@" + (
        domain.lower()
    )


def as_written(email: str) -> str:
    """The address as people write it: the domain in its own letters (RFC 5891, U-labels)."""
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{idna.decode(domain)}"
    except idna.IDNAError:
        return email


_LOCAL_MOST = 64
"""Octets before the @ (RFC 5321 section 4.5.3.1.1)."""
_MOST = 254
"""Octets of a whole address (RFC 5321 section 4.5.3.1.3, without the angle brackets)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}))")
_PLAIN_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"@(.+)', re.DOTALL)

_LABELLED = re.compile(
    r"(?:e-?mail|mail|adres e-?mail|e-?mail-?adresse|adresse|address|courriel|correo|mailto)"
    r"\s*:\s*",
    re.IGNORECASE,
)
_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFE6B: 0x40}
_SPELT_AT = re.compile(r"[(\[{]\s*(?:at|a|@|małpa|arobase|chiocciola)\s*[)\]}]|\s+at\s+", re.I)
_JOINERS = "\u200c\u200d"
_PAIRS = {'"': '"', "'": "'", "‘": "’", "“": "”", "„": "”", "«": "»", "[": "]", "(": ")"}


def _unwrap(text: str, repairs: list[str]) -> str:
    """Take off what is certainly not part of the address, layer by layer, noting each repair."""
    bare = text.strip()
    if "\ufffd" in bare:
        raise AddressError("a letter of it was lost (it is “\ufffd” now)")
    if LINE_END.search(bare):
        raise AddressError(
            "there are two addresses in it"
            if bare.count("@") > 1
            else "there is a line end inside the address"
        )
    if bare != text:
        repairs.append("spaces around it taken off")
    if (visible := _visible(bare)) != bare:
        bare = visible
        repairs.append("invisible characters taken off")
    if (narrow := bare.translate(_FULLWIDTH)) != bare:
        bare = narrow
        repairs.append("full-width characters written as ordinary ones")
    before = ""
    while before != bare:
        before = bare
        bare = _peel(bare, repairs)
    return bare


def _visible(text: str) -> str:
    """Without invisible characters; joiners stay inside a domain, where they tell two apart."""
    local, at, domain = INVISIBLE.sub("", text).rpartition("@")
    domain = domain.strip(_JOINERS)
    if domain.isascii() or any(f"{joiner}." in domain for joiner in _JOINERS):
        domain = domain.replace(_JOINERS[0], "").replace(_JOINERS[1], "")
    bare = f"{local.replace(_JOINERS[0], '').replace(_JOINERS[1], '')}{at}{domain}"
    return bare.strip()


def _peel(bare: str, repairs: list[str]) -> str:
    """One layer less of what people and programs put around an address."""
    if label := _LABELLED.match(bare):
        bare = bare[label.end() :]
        if label[0].lower().startswith("mailto"):
            bare = bare.partition("?")[0]
        repairs.append("label in front taken off")
    # One mark is how a sentence or a list goes on; two are a slip that could hide anything.
    if bare[-1:] in (",", ";", ".") and bare[-2:-1] not in (",", ";", ".", ""):
        bare = bare[:-1].rstrip()
        repairs.append("punctuation behind it taken off")
    if bare.endswith(">"):
        bare = _inside_brackets(bare)
        repairs.append("address taken out of its angle brackets")
    if len(bare) > 2 and "@" in bare and _PAIRS.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
        repairs.append("quotation marks around it taken off")
    return bare


def _inside_brackets(text: str) -> str:
    head, _, inner = text[:-1].rpartition("<")
    inner = inner.strip()
    head = head.strip().strip("\"'").strip()
    if "<" in head or ("@" in head and head.lower() != inner.lower()):
        raise AddressError("there are two addresses in it")
    return inner


def _refuse_obvious(bare: str) -> None:
    """The common faults, each in words that say what to mend."""
    if not bare:
        raise AddressError("there is no address")
    if "@" not in bare:
        raise AddressError(
            "there are words in place of the @"
            if _SPELT_AT.search(bare)
            else "there is no @ in the address"
        )
    if match := _QUOTED.fullmatch(bare):
        local, domain = match[1], match[2]
        if not local:
            raise AddressError("nothing stands before the @")
        spaced = False
    else:
        local, _, domain = bare.rpartition("@")
        if "@" in local:
            several = re.search(r"[,;/|\s]", bare)
            raise AddressError(
                "there are two addresses in it" if several else "there is more than one @"
            )
        spaced = bool(re.search(r"\s", bare))
    if bare.count('"') % 2:
        raise AddressError("a quotation mark is not closed")
    if spaced:
        raise AddressError("there is a space inside the address")
    if not local:
        raise AddressError("nothing stands before the @")
    if not domain:
        raise AddressError("nothing stands after the @")
    if domain.startswith("["):
        raise AddressError("a mail server's number stands in the place of a domain")
    if "…" in domain or domain.startswith(".") or domain.endswith(".") or ".." in domain:
        raise AddressError("a dot stands in the wrong place after the @")
    if "." not in domain and "。" not in domain:
        raise AddressError("the domain after the @ is not complete")


def _judge(bare: str) -> str:
    local, _, domain = bare.rpartition("@")
    if _PLAIN_LOCAL.fullmatch(local):
        if len(local) > _LOCAL_MOST:
            raise AddressError("more than 64 characters stand before the @")
    else:
        local = _judge_local(local)
    domain = _ascii_domain(domain)
    if len(local.encode("utf-8")) + 1 + len(domain) > _MOST:
        raise AddressError("the address is longer than 254 characters")
    return f"{local}@{domain}"


def _judge_local(local: str) -> str:
    # Loaded for the first address that is not ordinary: most processes never meet one.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(
            f"{local}@example.org",
            check_deliverability=False,
            allow_quoted_local=True,
            allow_smtputf8=True,
            strict=True,
        )
    except EmailNotValidError as error:
        if not local.startswith('"') and (local[:1] == "." or local[-1:] == "." or ".." in local):
            raise AddressError("a dot stands in the wrong place before the @") from None
        raise AddressError(_sentence(error)) from None
    judged: str = found.local_part
    if len(judged.encode("utf-8")) > _LOCAL_MOST:
        raise AddressError("more than 64 characters stand before the @")
    return judged


@lru_cache(maxsize=8192)
def _ascii_domain(domain: str) -> str:
    """The domain in lower-case A-labels by UTS 46, non-transitional; raises AddressError."""
    from email_validator import EmailNotValidError, validate_email

    if joined := _with_joiners(domain):
        return joined
    try:
        # Special-use names are right here: what may be written to is decided where it is sent.
        found = validate_email(
            f"x@{domain}", check_deliverability=False, globally_deliverable=False
        )
    except (EmailNotValidError, UnicodeError) as error:
        raise AddressError(_sentence(error)) from None
    ascii_domain: str = found.ascii_domain.lower()
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(labels) or not re.search("[a-z]", labels[-1]):
        raise AddressError("the domain after the @ is not complete")
    return ascii_domain


def _with_joiners(domain: str) -> str:
    """A domain with zero-width joiners as A-labels, "" if it has none.

    They are letters there (RFC 5892 appendix A); email-validator takes them for a trick.
    """
    try:
        spelt = idna.decode(domain, uts46=True) if "xn--" in domain.lower() else domain
        if not any(joiner in spelt for joiner in _JOINERS):
            return ""
        return idna.encode(spelt, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""


def _sentence(error: Exception) -> str:
    """The validator's words as a reason that can follow "row 7: "."""
    words = str(error).strip().rstrip(".")
    return f"{words[:1].lower()}{words[1:]}".replace("@-sign", "@")
