"""Media contacts: who may be asked, out of the lines at the end (or top) of a release."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mailer.release.model import Contact
from mailer.release.read import marks
from mailer.release.read.phones import FAX, LABEL, find_phones
from mailer.release.text import UPPER, fold, has_case, words

# Bounded, or a long run of letters would be tried from each of them.
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
EMAIL = re.compile(
    rf"(?:mailto:)?(?<!{_LOCAL})({_LOCAL}{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+)"
)
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PARTS = re.compile(r"\s*[|•·;▪،，；]\s*|\s+[–—-]+\s+|\s*[–—]\s*|,\s+|\s{3,}|\t+|\n")
# "Press office" is who answers, "office: +32 …" is a label.
_NO_DESK = r"(?<!press )(?<!media )(?<!news )(?<!our )(?<!the )(?<!duty )(?<!relations )"
_WORD_LABEL = re.compile(
    rf"(?<!\w){_NO_DESK}(?:{LABEL}|e|e-?mail|mail|courriel|correo|posta|пошта|почта|"
    r"эл\. почта|אימייל|דוא\"ל|(?:e|電子)?メール|(?:電子)?郵件|邮箱|电邮|電郵|이메일|"
    r"البريد(?: الإلكتروني)?|بريد|"
    r"web|website|internet|twitter|x|name|nom|nombre|imię)\s*\.?\s*[:：]",
    re.IGNORECASE,
)
_TRAILING_LABEL = re.compile(
    rf"(?<!\w){_NO_DESK}(?:{LABEL}|e-?mail|mail)\s*[.:]?\s*$", re.IGNORECASE
)
_REACH = re.compile(
    r"\s+(?:at|on|via|by|per|unter|an|au|à|en|al|pod|na|under)"
    r"(?:\s+(?:e-?mail|phone|telephone|mail|telefonisch|adres(?:em|ie)?))?\s*$|"
    r"(?:^|\s+)(?:or|oder|ou|o|lub|and|und|et)(?:\s+(?:call|phone|on|at|by))*\s*$",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"^.*\b(?:contact|call|email|write to|kontaktieren sie|contactez|contacter|contacte)\s+", re.I
)
_LED = re.compile(
    r"(?:[^\W\d_]+\s+){0,5}(?:to|contact|an|bei|à|do|is|sind|ist|est)\s+"
    rf"(?=[{UPPER}][\w'’.-]+\s+[{UPPER}][\w'’.-]+$)"
)
_DAY = (
    r"(?:mon|tue|wed|thu|fri|sat|sun)(?:s|r|rs|nes|ur|day|sday|nesday|rsday|urday)?s?|week-?days?|"
    r"daily|week-?ends?|mo|di|mi|do|fr|sa|so|montags?|dienstags?|mittwochs?|donnerstags?|freitags?|"
    r"werktags|täglich|lun|mar|mer|jeu|ven|lundi|vendredi|jours ouvrables|lunes|viernes|laborables|"
    r"pn|wt|śr|czw|pt|pon|piątek|codziennie|dni robocze"
)
_HOURS = re.compile(
    rf"(?:(?<![^\W\d_])(?:{_DAY})\.?(?![^\W\d_])\s*(?:,|[-–—]|to|bis|au|à|a|do|and|und|et|i|&)?\s*)*"
    r"(?:\b\d{1,2}(?:[:.h]\d\d)?\s?(?:am|pm)?\s?(?:[-–—]|to|bis)\s?\d{1,2}(?:[:.h]\d\d)?"
    r"(?:\s?(?:am|pm|uhr|hrs|h)(?!\w))?|24/7|24 hours)(?!\w)"
    r"(?:\s*\(?(?:(?-i:[A-Z]{2,5})|UTC[+-]\d+|[\w ]{3,20} time)\)?(?!\w))?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Draft:
    name: str = ""
    roles: list[str] = field(default_factory=list)
    email: str | None = None
    phones: list[tuple[str, str | None]] = field(default_factory=list)
    hours: str | None = None

    @property
    def reachable(self) -> bool:
        return bool(self.email or self.phones)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Words of a contact line that are in no field, such as "Tel.": labels and separators."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Contacts found in some lines, web addresses, and what of the lines neither holds."""

    contacts: tuple[Contact, ...]
    leftovers: tuple[Leftover, ...]
    urls: tuple[str, ...] = ()


def has_details(text: str) -> bool:
    """Whether a line holds an email address or a telephone number."""
    return EMAIL.search(text) is not None or bool(find_phones(text, loose=True))


def parse(groups: list[list[tuple[int, str]]], *, default_name: str = "") -> Parsed:
    """Contacts from groups of (line number, text); groups are parted by empty lines.

    A new contact begins with the first name after an address or number. Numbers that are no phone
    numbers and words that fit nowhere stay with the contact as part of the role.
    """
    drafts: list[_Draft] = []
    leftovers: list[Leftover] = []
    urls: list[str] = []
    for group in groups:
        fresh = True
        for number, text in _continued(group):
            found = [match.group().rstrip(".,;)>") for match in _URL.finditer(text)]
            urls += found
            used = _line(drafts, text, fresh)
            rest = _unused(text, " ".join([used, *found]))
            if rest:
                leftovers.append(Leftover(number, rest))
            fresh = False
    contacts = tuple(
        _finish(draft, default_name) for draft in drafts if draft.name or draft.reachable
    )
    return Parsed(contacts, tuple(leftovers), tuple(urls))


def _continued(group: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines with those joined that a comma at their end continues."""
    rows: list[tuple[int, str]] = []
    for number, text in group:
        if rows and rows[-1][1].rstrip().endswith(","):
            rows[-1] = (rows[-1][0], f"{rows[-1][1].rstrip()} {text.strip()}")
        else:
            rows.append((number, text))
    return rows


def looks_mistyped(name: str, email: str) -> bool:
    """Whether the address spells the surname almost, but not quite, as the name does (point 14)."""
    surname = next((word for word in reversed(name.split()) if len(fold(word)) >= 5), "")
    local = fold(email.split("@")[0])
    variants = {fold(surname), fold(_german(surname))}
    if not surname or any(variant in local for variant in variants):
        return False
    return any(_near(variant, local) for variant in variants)


def _line(drafts: list[_Draft], text: str, fresh: bool) -> str:
    """Take one line apart into the drafts; return the text that went into fields."""
    used: list[str] = []
    label_end = marks.contact_label(text)
    label_text = text[:label_end].strip(" *_:：")
    body = text[label_end:]
    if FAX.search(body) and not EMAIL.search(body):
        return " ".join(used)
    emails = [(m.start(), m.end(), m.group(1).rstrip(".")) for m in EMAIL.finditer(body)]
    masked = _mask(body, [(start, end) for start, end, _ in emails])
    masked = _mask(masked, [match.span() for match in _URL.finditer(masked)])
    phones = find_phones(masked, loose=True)
    masked = _mask(masked, [(phone.start, phone.end) for phone in phones])
    masked, hours = _without_hours(masked)
    fragments = _fragments(masked)
    new_wanted = (
        bool(drafts)
        and drafts[-1].reachable
        and (bool(fragments) or (fresh and bool(emails) and drafts[-1].email is not None))
    )
    if not drafts or new_wanted or (fresh and drafts[-1].reachable and label_end):
        drafts.append(_Draft())
    draft = drafts[-1]
    if label_end and not fragments and (emails or phones) and not draft.name:
        fragments = [label_text]
    for fragment in fragments:
        if not draft.name:
            draft.name = fragment
        else:
            draft.roles.append(fragment)
        used.append(fragment)
    if hours:
        draft.hours = "; ".join(filter(None, (draft.hours, hours)))
        used.append(hours)
    for _, _, email in emails:
        if draft.email is not None and email != draft.email:
            drafts.append(_Draft(name=draft.name if not fragments else ""))
            draft = drafts[-1]
        if draft.email is None:
            draft.email = email
            used.append(email)
    for phone in phones:
        draft.phones.append((phone.text, phone.e164))
        used.append(phone.text)
    return " ".join(used)


def _without_hours(masked: str) -> tuple[str, str | None]:
    """When somebody answers, and the line without it: whole brackets, or days, hours and zone."""
    for match in re.finditer(r"\(([^()\x00]{3,60})\)", masked):
        if _HOURS.search(match.group(1)):
            return _mask(masked, [match.span()]), match.group(1).strip()
    found = _HOURS.search(masked)
    if found is None:
        return masked, None
    return _mask(masked, [found.span()]), found.group().strip(" ,–—-")


def _fragments(masked: str) -> list[str]:
    """Names and roles: the text between separators, without labels and "at … or on …"."""
    masked = _WORD_LABEL.sub("\x00", masked)
    fragments: list[str] = []
    for stretch in re.split(r"\x00+", masked):
        call = _CALL.match(stretch)
        if (
            call
            and has_case(stretch[call.end() :])
            and stretch[call.end() : call.end() + 1].isupper()
        ):
            stretch = stretch[call.end() :]
        stretch = _REACH.sub("", _TRAILING_LABEL.sub("", stretch.rstrip(" (<[,;–—-")))
        bracket = re.fullmatch(r"\s*([^()]+?)\s*\(([^()]{3,60})\)?\s*", stretch)
        rows = [bracket.group(1), bracket.group(2)] if bracket else [stretch]
        for row in rows:
            parts = _PARTS.split(row)
            for part in parts:
                bare = part.strip(" \t,،，;:：.()<>[]*_/|–—-&")
                led = _LED.match(bare)
                bare = bare[led.end() :] if led else bare
                if bare and any(char.isalnum() for char in bare) and not _is_noise(bare):
                    fragments.append(bare)
    return fragments


def _is_noise(text: str) -> bool:
    return bool(
        re.fullmatch(
            rf"{LABEL}|e-?mail|mail|e|or|and|oder|und|et|ou|lub|at|on|via|by|"
            r"available|reachable|erreichbar|joignable|disponible",
            text,
            re.I,
        )
    ) or (text.isdigit() and len(text) < 3)


def _finish(draft: _Draft, default_name: str) -> Contact:
    phone = " / ".join(text for text, _ in draft.phones) or None
    e164 = next((value for _, value in draft.phones if value), None)
    name = draft.name or default_name or draft.email or phone or ""
    contact = Contact(
        name, ", ".join(draft.roles) or None, draft.email, phone, e164, None, draft.hours
    )
    if draft.email and looks_mistyped(name, draft.email):
        warning = "surname in the address is spelled differently from the name"
        return replace(contact, warning=warning)
    return contact


def _unused(text: str, used: str) -> str:
    """The words of a line that went into no field."""
    have = list(words(used))
    rest: list[str] = []
    for word in words(text):
        if word in have:
            have.remove(word)
        else:
            rest.append(word)
    return " ".join(rest)


def _mask(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + "\x00" * (end - start) + text[end:]
    return text


def _german(name: str) -> str:
    pairs = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ø", "oe"), ("å", "aa"))
    lowered = name.lower()
    for letter, written in pairs:
        lowered = lowered.replace(letter, written)
    return lowered


def _near(word: str, text: str) -> bool:
    """Whether some stretch of `text` differs from `word` in one or two letters (Sellers 1980)."""
    if len(word) < 5:
        return False
    row = [0] * (len(text) + 1)
    for index, letter in enumerate(word, 1):
        previous, row = row, [index] + [0] * len(text)
        for place, char in enumerate(text, 1):
            row[place] = min(
                previous[place] + 1, row[place - 1] + 1, previous[place - 1] + (letter != char)
            )
    return min(row) <= (2 if len(word) >= 9 else 1)
