"""Telephone numbers in running text and contact lines (parsed by phonenumbers)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

LABEL = (
    r"(?:t|tel|telephone|phone|ph|m|mob|mobile|mobil|cell|cellphone|handy|telefon|tél|téléphone|"
    r"portable|teléfono|móvil|telefono|cell|telefone|telemóvel|telefoon|kom|tel\.?\s?kom|direct|office|"
    r"тел|телефон|моб|טלפון|טל|נייד|هاتف|電話|电话|전화)"
)
FAX = re.compile(r"\b(?:fax|faks|факс|télécopie)\b", re.IGNORECASE)
_LABELLED = re.compile(
    rf"(?<!\w){LABEL}\s?\.?\s*[:.]?\s*(?P<number>\(?\+?\(?\d[\d\s()./\-–]{{5,22}}\d)", re.IGNORECASE
)
_BARE = re.compile(r"(?<![\w/.:+-])(?P<number>\(?0?\d{2,4}\)?[\s/.-]\d[\d\s/.-]{4,14}\d)(?![\w/-])")
_INTERNATIONAL = re.compile(
    r"(?<![\w+])(?P<number>\(?(?:\+|00)\s?\d[\d\s()./\-–]{6,22}\d)(?P<ext>\s*(?:ext\.?|x|Durchwahl)\s?\d{1,5})?(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Phone:
    """A number as written, its E.164 form where the country is known, and its place."""

    text: str
    e164: str | None
    start: int
    end: int
    labelled: bool


def find_phones(text: str, *, loose: bool = False) -> list[Phone]:
    """The telephone numbers in `text`, in order.

    Without `loose` only international numbers and labelled ones count ("Tel."): postcodes, years
    and house numbers are no phones. Nothing is guessed about the country of a national number.
    """
    found: list[Phone] = []
    patterns = [(_INTERNATIONAL, False), (_LABELLED, True)] + ([(_BARE, False)] if loose else [])
    for pattern, labelled in patterns:
        for match in pattern.finditer(text):
            start, end = match.span("number")
            number = match.group("number").strip()
            digits = sum(char.isdigit() for char in number)
            overlaps = any(start < phone.end and phone.start < end for phone in found)
            if overlaps or not 6 <= digits <= 15 or re.fullmatch(r"\d{4}-\d\d-\d\d", number):
                continue
            if number.startswith("(") and ")" not in number:
                number, start = number[1:], start + 1
            found.append(Phone(number, e164(number), start, end, labelled))
    return sorted(found, key=lambda phone: phone.start)


def e164(number: str) -> str | None:
    """The dialable form of an international number, None for a national or impossible one."""
    written = re.sub(r"^\(?00\s?", "+", number.strip()).replace("–", "-")
    written = re.sub(r"\(0\)", "", written)
    if not written.lstrip("(").startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(written.lstrip("("), None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
