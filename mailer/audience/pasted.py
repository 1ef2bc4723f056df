"""Addresses out of text that was pasted: a line of a mail's recipients, a page, a signature.

Each address is a record of its own. What stands before it on its line is read as the person's
name and outlet only where it looks like that; everything else is kept as a note. Nothing is taken
from one line for the address of another.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from mailer.audience.tables import Lines, Record
from mailer.audience.text import clean_line, fold

__all__ = ["Pasted"]

_LINE_MOST = 1 << 20
_NOTES_MOST = 2000
_FIELDS = ("email", "name", "outlet", "phone", "notes")

_ADDRESS = re.compile(
    r"""
    <\s*(?:mailto:)?(?P<framed>[^<>@]*@[^<>@]*)>
    # Tried only where a word begins, so that a long one costs no more than its length.
    | (?<![^\s,;<>()\[\]|"]) (?:mailto:)?(?P<bare>
        (?:"[^"@]{1,64}"|[^\s,;<>()\[\]|"]+)@[^\s,;<>()\[\]|"]+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?:\b(?:tel|phone|mob|fon|ph|t|m)\b\.?:?\s*)?([+(0][\d\s().\-/–]{6,28}\d)", re.I
)
_BULLET = re.compile(r"^\s*(?:[-–—*•·‣▪>]+|\d{1,4}[.)])\s+")
_LABEL = re.compile(
    r"^\s*(?:to|cc|bcc|from|an|von|kopie|à|de|do|dw|para|a|da|e-?mail|mail|contact|kontakt|name"
    r"|adres|courriel)\s*:\s*",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?:[,;|\t]|\s[-–—/]\s)\s*")
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_JOBS = re.compile(
    r"\b(?:editor|reporter|journalist|correspondent|producer|freelance|redakteur|journaliste"
    r"|rédact|redaktor|dziennikarz|periodista|giornalista|redacteur|chief|head of|desk)",
    re.IGNORECASE,
)


class Pasted(Lines):
    """An open file of text. Raises InputError for one that cannot be read or is no text."""

    format = "text"
    fields: tuple[str, ...] = _FIELDS

    def _read(self) -> Iterator[Record]:
        text = io.TextIOWrapper(self._file, encoding=self.encoding, errors="replace")
        number = 0
        while line := text.readline(_LINE_MOST):
            number += 1
            if not line.strip():
                continue
            yield from _records(number, line)


def _records(number: int, line: str) -> Iterator[Record]:
    found = list(_ADDRESS.finditer(line))
    if not found:
        yield Record(number, (line.rstrip()[:1000],), "there is no address in this line")
        return
    start = 0
    for match in found:
        before = line[start : match.start()]
        start = match.end()
        # Behind the only address of a line stands what is said of it.
        after = line[start:] if len(found) == 1 else ""
        email = (match["framed"] or match["bare"]).strip()
        yield Record(number, _cells(email, before, after))


def _words(text: str) -> str:
    return clean_line(_LABEL.sub("", _BULLET.sub("", text))).strip(" ,;:|<>\"'-–—")


def _cells(email: str, before: str, after: str) -> tuple[str, ...]:
    """The cells of one address: email, name, outlet, phone, notes."""
    phone, notes = "", []
    parts: list[str] = []
    outlet = ""
    for text in (before, after):
        if number := _PHONE.search(text):
            phone = phone or clean_line(number[1])
            text = text.replace(number[0], " , ")
        text = " ".join(text.replace("\t", " , ").split())
        text = _LABEL.sub("", _BULLET.sub("", text))
        quoted = re.match(r'\s*"([^"@]+)"\s*$', text)
        if quoted and not parts:
            # "Nowak, Anna" <anna@…>: mail programs quote what is one name.
            parts.append(clean_line(quoted[1]))
            continue
        for inside in _IN_BRACKETS.findall(text):
            if "@" not in inside and not outlet:
                outlet = clean_line(inside)
        text = _IN_BRACKETS.sub(" , ", text)
        parts += [part for each in _PARTS.split(text) if (part := _words(each)) and "@" not in part]
    if len(parts) == 2 and _is_turned_name(parts, email):
        parts = [", ".join(parts)]
    name = parts.pop(0) if parts and _is_name(parts[0]) else ""
    for part in parts:
        if not outlet and name and len(part) <= 60 and not _JOBS.search(part):
            outlet = part
        else:
            notes.append(part)
    return email, name, outlet, phone, ", ".join(notes)[:_NOTES_MOST]


def _is_turned_name(parts: list[str], email: str) -> bool:
    """Is "Nowak, Anna" one name, not a person and an outlet? The address tells: both are in it."""
    local = fold(email.partition("@")[0])
    return all(" " not in part and len(part) > 1 and fold(part) in local for part in parts)


def _is_name(text: str) -> bool:
    """Can this be what a person is called? Few words, no figures, no small letter to begin with."""
    return (
        len(text) <= 60
        and len(text.split()) <= 5
        and not any(map(str.isdigit, text))
        and not text[0].islower()
        and any(map(str.isalpha, text))
        and not text.endswith((":", "!", "?"))
    )
