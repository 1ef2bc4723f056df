"""What the author states in the front matter, checked and as parts of a release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import PurePath

from mailer.errors import InputError
from mailer.release.model import (
    Block,
    BlockKind,
    Boilerplate,
    Contact,
    Dateline,
    Issuer,
    Kind,
    Medium,
)
from mailer.release.read import contacts, dateline, dates, marks
from mailer.release.read.frontmatter import FrontMatter
from mailer.release.read.inline import light
from mailer.release.read.language import is_language
from mailer.release.read.phones import e164
from mailer.release.read.pieces import tidy
from mailer.release.read.source import Source
from mailer.release.text import slugify

_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,118}[a-z0-9])?")


def own_dateline(source: Source, front: FrontMatter, language: str) -> Dateline | None:
    """The dateline that front matter states. Raises InputError when its date is none."""
    text, written, city = front.get("dateline"), front.get("date"), front.get("city")
    day: date | None = None
    if written:
        found = dates.find(written, language, source.today)
        if found is None:
            raise bad_value(
                source, front, "date", f"'{written}' is no date", "Write it as 2025-03-03."
            )
        day = found.date
    if text:
        parsed = dateline.parse_line(text, language, source.today)
        return Dateline(
            text,
            city or (parsed.city if parsed else None),
            day or (parsed.date if parsed else None),
        )
    if city or written:
        return Dateline(", ".join(part for part in (city, written) if part), city, day)
    return None


def own_contacts(source: Source, front: FrontMatter) -> list[Contact]:
    """The contacts that front matter states. Raises InputError for one nobody can reach."""
    people: list[Contact] = []
    line = front.places.get("contacts", 1)
    for entry in front.values.get("contacts", []):
        if isinstance(entry, str):
            people += contacts.parse([[(line, entry)]]).contacts
            continue
        name = entry.get("name") or entry.get("email") or entry.get("phone") or ""
        if not (entry.get("email") or entry.get("phone")):
            raise bad_value(
                source,
                front,
                "contacts",
                f"contact '{name}' has neither email nor phone",
                "Add one.",
            )
        email, phone = entry.get("email"), entry.get("phone")
        if email and not contacts.EMAIL.fullmatch(email.strip()):
            raise bad_value(
                source, front, "contacts", f"'{email}' is no email address", "Correct it."
            )
        warning = None
        if email and contacts.looks_mistyped(name, email):
            warning = "surname in the address is spelled differently from the name"
        people.append(
            Contact(
                name,
                entry.get("role"),
                email.strip() if email else None,
                phone,
                e164(phone) if phone else None,
                None,
                entry.get("hours"),
                warning,
            )
        )
    return people


def own_media(front: FrontMatter, shown: Sequence[Medium]) -> tuple[Medium, ...]:
    """The pictures and files of the text, in its order, then those that only the front matter
    names. What both name is one, and what the text leaves open the front matter says."""
    line = front.places.get("media")
    stated = [Medium(**{"file": "", **entry}, line=line) for entry in front.values.get("media", [])]
    found: list[Medium] = []
    for medium in shown:
        if any(each.file == medium.file for each in found):
            continue
        said = next((each for each in stated if each.file == medium.file), None)
        if said is not None:
            medium = replace(
                said,
                line=medium.line,
                alt=medium.alt or said.alt,
                caption=medium.caption or said.caption,
            )
        found.append(medium)
    known = {(each.file, each.url) for each in found} | {(each.file, "") for each in found}
    return (*found, *(each for each in stated if not known & {(each.file, each.url)}))


def kind_of(source: Source, front: FrontMatter, found: Kind | None, headline: str) -> Kind:
    """The kind: as stated, as labelled above the headline (`found`), or as it begins.

    Raises InputError for a kind that does not exist.
    """
    declared = front.get("kind")
    if declared:
        try:
            return Kind(declared.strip().lower().replace("_", "-"))
        except ValueError:
            kinds = ", ".join(kind.value for kind in Kind)
            raise bad_value(
                source, front, "kind", f"'{declared}' is no kind of release", f"Use one of {kinds}."
            ) from None
    if found is not None:
        return found
    prefix = headline.split(":", 1)[0] if ":" in headline else ""
    return (marks.label(prefix) if prefix else None) or Kind.RELEASE


def slug_of(source: Source, front: FrontMatter, headline: str) -> str:
    """The identity: the stated id, else made from the headline, else from the file name.

    Raises InputError for an id that cannot stand in an address.
    """
    declared = front.get("id")
    if declared:
        plain = declared.strip().lower()
        if not _ID.fullmatch(plain):
            raise bad_value(
                source,
                front,
                "id",
                f"the id '{declared}' may hold only letters a-z, digits, dots and hyphens",
                f"Write '{slugify(declared)}'.",
            )
        return plain
    stem = PurePath(source.name.replace("\\", "/")).stem
    language = language_of_name(source.name)
    if language:
        # slug.en.md and slug.fr.md are one release: a headline would differ by language.
        stem = stem[: -len(language) - 1]
        return slugify(stem, fallback=stem)
    return slugify(headline or stem, fallback=stem)


def language_of_name(name: str) -> str:
    """The language that a file's name states: "fr" for news.fr.md; "" when it states none."""
    suffixes = PurePath(name.replace("\\", "/")).suffixes
    tag = suffixes[-2][1:] if len(suffixes) > 1 else ""
    found = re.fullmatch(r"([a-z]{2,3})(?:-[A-Za-z0-9]{2,8})*", tag)
    return tag if found and is_language(found[1]) else ""


def own_boilerplate(front: FrontMatter, issuer: Issuer | None) -> Boilerplate:
    """The boilerplate that front matter states."""
    heading = front.get("boilerplate_heading") or (f"About {issuer.name}" if issuer else "About")
    return Boilerplate(heading, _paragraphs(front.get("boilerplate") or ""))


def own_notes(front: FrontMatter) -> tuple[Block, ...]:
    """Notes to editors that front matter states."""
    return _paragraphs(front.get("notes") or "")


def _paragraphs(text: str) -> tuple[Block, ...]:
    rows = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]
    return tuple(Block(BlockKind.PARAGRAPH, tidy(light(row))) for row in rows)


def bad_value(source: Source, front: FrontMatter, key: str, reason: str, hint: str) -> InputError:
    """The error for a value of the front matter that means nothing."""
    where = f"{source.name}, line {front.places.get(key, 1)}, column 1"
    return InputError(f"{reason}.", where=where, hint=hint)
