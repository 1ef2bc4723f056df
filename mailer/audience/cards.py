"""Visiting cards (vCard 2.1, 3.0 and 4.0; RFC 2426, RFC 6350), one at a time.

The cards are told apart here, so that a broken one costs nothing but itself and a file of any
length is read in little memory; vobject reads what stands in each.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import vobject
from vobject.base import VObjectError

from mailer.audience.tables import Lines, Record
from mailer.audience.text import clean_line, fold

__all__ = ["Cards", "begins_card"]

# It would write of lines left out to standard error; they are told as remarks here.
logging.getLogger("vobject.base").disabled = True

_FIELDS = (
    "email", "first_name", "last_name", "name", "outlet", "beats", "country", "language",
    "timezone", "notes", "phone",
)  # fmt: skip
# Octets of one line, and characters of one card without its pictures: more is no card.
_LINE_MOST = 1 << 20
_CARD_MOST = 1 << 18
# Pictures, sounds and keys: large, and nothing that a list needs.
_LARGE = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})


def begins_card(line: str) -> bool:
    """Does a file that begins with this line hold cards?"""
    return fold(line).replace(" ", "") == "begin:vcard"


class Cards(Lines):
    """An open file of cards. Raises InputError for one that cannot be read."""

    format = "vcard"
    fields: tuple[str, ...] = _FIELDS

    def _read(self) -> Iterator[Record]:
        card: list[str] = []
        first = depth = size = 0
        skipping = False
        number = 0
        for number, line in enumerate(_lines(self._file, self.encoding), 1):
            bare = line.strip()
            word = bare.upper().replace(" ", "")
            if word == "BEGIN:VCARD" and (not depth or not _holds_card(card)):
                if depth:
                    yield _card(first, card, "its end is missing")
                card, first, depth, size, skipping = [line], number, 1, 0, False
                continue
            if not depth:
                if bare:
                    yield Record(number, (line[:1000],), "this line stands outside of any card")
                continue
            # What goes on a line begins with a space; after a 2.1 picture an empty line ends it.
            if skipping and (line[:1] in " \t" or not _names_property(bare)):
                continue
            skipping = _property(bare) in _LARGE
            if skipping:
                continue
            size += len(line)
            if size <= _CARD_MOST:
                card.append(line)
            depth += (word == "BEGIN:VCARD") - (word == "END:VCARD")
            if depth == 0:
                if size > _CARD_MOST:
                    yield Record(first, (card[1][:1000],), "this card is too long to be one")
                else:
                    yield _card(first, card, "")
                card = []
        if depth:
            yield _card(first, card, "its end is missing")


def _lines(file: Any, encoding: str) -> Iterator[str]:
    """Lines without their ends, those past all bounds cut."""
    if encoding.startswith("utf-16"):
        # Its line ends are no single octets.
        yield from file.read().decode(encoding, "replace").splitlines()
        return
    while line := file.readline(_LINE_MOST):
        yield line.decode(encoding, "replace").rstrip("\r\n")


def _property(line: str) -> str:
    name = line.partition(":")[0].partition(";")[0].upper()
    return name.rpartition(".")[2]


def _names_property(line: str) -> bool:
    name = _property(line)
    return ":" in line and name.replace("-", "").isalnum() and name[:1].isalpha()


def _holds_card(card: Sequence[str]) -> bool:
    """Is the last line one that another card belongs to (an assistant's, of version 2.1)?"""
    return bool(card) and _property(card[-1]) == "AGENT"


def _card(line: int, lines: Sequence[str], doubt: str) -> Record:
    """The record of one card."""
    text = "\r\n".join([*lines, "END:VCARD"] if doubt else lines) + "\r\n"
    remarks = [f"card: {doubt}"] if doubt else []
    shown = next((clean_line(each) for each in lines if _property(each) == "FN"), "")
    card: Any = None
    # In quoted-printable a line goes on after "=", whatever the next one begins with.
    printable = "VERSION:2.1" in text.upper()
    for tolerant in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                card = vobject.readOne(text, ignoreUnreadable=tolerant, allowQP=printable)
            break
        except VObjectError:
            if not tolerant:
                remarks.append("card: a line of it could not be read")
        except Exception:
            # Values that vobject takes apart without care: an unknown encoding, half an octet.
            break
    if card is None:
        return Record(line, (shown or lines[0],), "this card cannot be read", tuple(remarks))
    kind = _first(card, "kind")
    if fold(kind) in ("group", "location"):
        return Record(line, (shown,), f"this is the card of a {fold(kind)}, not of a person")
    cells = _cells(card, remarks)
    if not cells["email"]:
        return Record(line, tuple(cells.values()), "there is no address on the card")
    return Record(line, tuple(cells.values()), "", tuple(remarks))


def _cells(card: Any, remarks: list[str]) -> dict[str, str]:
    cells = dict.fromkeys(_FIELDS, "")
    emails = _ranked(card, "email")
    if emails:
        cells["email"] = emails[0]
        others = [each for each in dict.fromkeys(emails[1:]) if fold(each) != fold(emails[0])]
        if others:
            remarks.append(
                f"card: there is another address on it, “{'”, “'.join(others[:5])}”: the preferred "
                "or first one was taken"
            )
    for part in card.contents.get("n", ())[:1]:
        cells["first_name"] = _joined(getattr(part.value, "given", ""))
        cells["last_name"] = _joined(getattr(part.value, "family", ""))
    cells["name"] = _first(card, "fn")
    outlet = card.contents.get("org", ())
    if outlet:
        value = outlet[0].value
        cells["outlet"] = _joined(value[0] if isinstance(value, list) and value else value)
    for part in card.contents.get("adr", ()):
        cells["country"] = cells["country"] or _joined(getattr(part.value, "country", ""))
    for part in card.contents.get("categories", ()):
        value = part.value if isinstance(part.value, list) else [part.value]
        # "* myContacts" is a folder of the program it came from.
        beats = [text for text in map(_joined, value) if text and not text.startswith("*")]
        cells["beats"] = "; ".join(filter(None, [cells["beats"], *beats]))
    cells["language"] = next(iter(_ranked(card, "lang")), "")
    zone = _first(card, "tz")
    cells["timezone"] = zone if "/" in zone else ""
    notes = [_joined(part.value) for part in card.contents.get("note", ())]
    cells["notes"] = "\n".join(filter(None, notes))
    phone = next(iter(_ranked(card, "tel")), "")
    cells["phone"] = phone.removeprefix("tel:")
    return cells


def _ranked(card: Any, name: str) -> list[str]:
    """The values of a property, the preferred ones first (PREF=1, TYPE=pref, of 2.1 PREF)."""
    found = []
    for place, part in enumerate(card.contents.get(name, ())):
        words = [*part.params.get("TYPE", ()), *getattr(part, "singletonparams", ())]
        rank = next((int(text) for text in part.params.get("PREF", ()) if text.isdecimal()), 101)
        if any(word.upper() == "PREF" for word in words):
            rank = 1
        value = _joined(part.value).strip()
        if value:
            found.append((rank, place, value))
    return [value for _, _, value in sorted(found)]


def _first(card: Any, name: str) -> str:
    part = next(iter(card.contents.get(name, ())), None)
    return "" if part is None else _joined(part.value)


def _joined(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(_joined, value)))
    return value if isinstance(value, str) else ""
