"""Front matter: what the author states outright, in TOML between `+++` or YAML between `---`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any

import yaml

from mailer.errors import InputError

_ALIASES = {
    "id": "id slug identifier",
    "kind": "kind type",
    "headline": "headline title",
    "headline_suggestion": "headline_suggestion",
    "headline_language": "headline_language title_language",
    "subject": "subject email_subject",
    "subhead": "subhead subheadline subheading subtitle deck standfirst",
    "language": "language lang locale",
    "direction": "direction dir",
    "date": "date release_date published",
    "city": "city place location",
    "dateline": "dateline",
    "embargo": "embargo embargo_until embargoed_until embargoed",
    "timezone": "timezone time_zone zone tz",
    "status_line": "status_line status",
    "contacts": "contacts contact media_contact media_contacts press_contact",
    "contact_intro": "contact_intro",
    "boilerplate": "boilerplate about",
    "boilerplate_heading": "boilerplate_heading about_heading",
    "media": "media photos pictures images photo picture image",
    "issuer": "issuer organisation organization newsroom company",
    "notes": "notes notes_to_editors",
    "end_mark": "end_mark",
    "variants": "variants languages translations",
    "translates": "translates translation_of",
    "event": "event",
}
NAMES = {alias: key for key, aliases in _ALIASES.items() for alias in aliases.split()}
# What may have lines and paragraphs; all else is one line, whatever the file makes of it.
_PARAGRAPHS = frozenset({"boilerplate", "notes"})
CONTACT_FIELDS = frozenset({"name", "role", "email", "phone", "hours"})
_CONTACT_ALIASES = {
    "title": "role",
    "position": "role",
    "mail": "email",
    "e-mail": "email",
    "telephone": "phone",
    "tel": "phone",
    "mobile": "phone",
}
MEDIA_FIELDS = frozenset({"file", "url", "caption", "alt", "credit", "licence"})
_MEDIA_ALIASES = {
    "src": "file",
    "path": "file",
    "link": "url",
    "href": "url",
    "title": "caption",
    "description": "alt",
    "alt_text": "alt",
    "photographer": "credit",
    "copyright": "credit",
    "license": "licence",
    "rights": "licence",
}
_EVENT_ALIASES = {
    "start": "start begin begins when starts",
    "end": "end ends until",
    "zone": "zone timezone time_zone tz",
    "what": "what",
    "place": "place where venue location address",
    "online": "online url link stream livestream webcast",
    "who": "who speakers speaker with",
    "access": "access rsvp accreditation registration",
    "access_email": "access_email rsvp_email email",
    "access_phone": "access_phone rsvp_phone phone telephone",
    "deadline": "deadline rsvp_by register_by",
    "photo": "photo photos photo_opportunity photocall",
    "languages": "languages language interpretation",
    "note": "note notes",
}
_EVENT_NAMES = {alias: key for key, aliases in _EVENT_ALIASES.items() for alias in aliases.split()}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Values by canonical key, all text (`contacts`: tables or lines; `media`: tables of text);
    `raw` is what was there.

    `lines` is the number of source lines the block takes; `places` the line of each key, those of
    tables as "event.start";
    `unknown` are keys that mean nothing here, with their line and a known key like them.
    """

    values: dict[str, Any] = field(default_factory=dict)
    raw: str = ""
    lines: int = 0
    first: int = 1
    places: dict[str, int] = field(default_factory=dict)
    unknown: tuple[tuple[str, int, str | None], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str | None:
        """A text value, or None when absent or empty."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value.strip() else None


def split(text: str, name: str) -> tuple[FrontMatter, str, int]:
    """Part a file into front matter, the rest, and the number of the rest's first line.

    Raises InputError with file, line and column for front matter that cannot be read.
    """
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip()), 0)
    fence = lines[start].rstrip()
    if fence not in {"+++", "---"}:
        return FrontMatter(), text, 1
    closers = {"+++"} if fence == "+++" else {"---", "..."}
    end = next((i for i in range(start + 1, len(lines)) if lines[i].rstrip() in closers), None)
    if end is None or (fence == "---" and not _has_keys(lines[start + 1 : end])):
        if fence == "+++":
            raise InputError(
                "the front matter that begins here never ends.",
                where=f"{name}, line {start + 1}, column 1",
                hint="Close it with a line '+++'.",
            )
        if end is None and _has_keys(lines[start + 1 : start + 2]):
            raise InputError(
                "the front matter that begins here never ends.",
                where=f"{name}, line {start + 1}, column 1",
                hint="Close it with a line '---'.",
            )
        return FrontMatter(), text, 1
    body = "\n".join(lines[start + 1 : end])
    offset = start + 1
    read = _toml if fence == "+++" else _yaml
    values, places = read(body, name, offset)
    front = _named(values, places, name, "\n".join(lines[start : end + 1]), start, end)
    return front, "\n".join(lines[end + 1 :]), end + 2


def _has_keys(lines: list[str]) -> bool:
    """Whether the first line that says something is a key: else the fence is a rule."""
    first = next((line for line in lines if line.strip() and line.lstrip()[0] != "#"), "")
    return re.match(r"[\w-]+\s*:(\s|$)", first) is not None


def _toml(body: str, name: str, offset: int) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        values = tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        match = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)", text)
        line, column = body.count("\n") + 1, len(body.rsplit("\n", 1)[-1]) + 1
        if match and match.group(1):
            line, column = int(match.group(1)), int(match.group(2))
        reason = text[: match.start()] if match else text
        raise _broken(name, line + offset, column, "TOML", reason) from None
    places: dict[str, int] = {}
    table = ""
    for index, row in enumerate(body.split("\n")):
        match = re.match(r"\s*(\[*)\s*[\"']?([\w-]+)[\"']?\s*(\]|=)", row)
        if match:
            places.setdefault(match[2], index + 1 + offset)
            table = f"{match[2]}." if match[1] else table
            places.setdefault(f"{table}{match[2]}", index + 1 + offset)
    return values, places


def _yaml(body: str, name: str, offset: int) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        # BaseLoader keeps every scalar as written: "no" stays a word and 007 an id.
        node = yaml.compose(body, Loader=yaml.BaseLoader)
        values = yaml.load(body, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _broken(name, line + offset, column, "YAML", error.problem or "broken") from None
    except yaml.YAMLError as error:
        raise _broken(name, 1 + offset, 1, "YAML", str(error).split("\n")[0]) from None
    if values is None:
        return {}, {}
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise _broken(name, 1 + offset, 1, "YAML", "it is not a table of 'key: value' lines")
    places: dict[str, int] = {}
    for key, inner in node.value:
        if key.value in places:
            mark = key.start_mark
            reason = f"'{key.value}' stands twice"
            raise _broken(name, mark.line + 1 + offset, mark.column + 1, "YAML", reason)
        places[str(key.value)] = key.start_mark.line + 1 + offset
        if isinstance(inner, yaml.MappingNode):
            for own, _ in inner.value:
                places[f"{key.value}.{own.value}"] = own.start_mark.line + 1 + offset
    return {str(key): value for key, value in values.items()}, places


def _named(
    values: dict[str, Any], places: dict[str, int], name: str, raw: str, start: int, end: int
) -> FrontMatter:
    known: dict[str, Any] = {}
    lines: dict[str, int] = {}
    unknown: list[tuple[str, int, str | None]] = []
    metadata: list[tuple[str, str]] = []
    for key, value in values.items():
        line = places.get(key, start + 1)
        metadata.append((key, "; ".join(_flatten(value))))
        canonical = NAMES.get(key.strip().lower().replace("-", "_"))
        if canonical is None:
            close = get_close_matches(key.lower(), list(NAMES), 1, 0.75)
            unknown.append((key, line, close[0] if close else None))
            continue
        if canonical in known:
            raise InputError(
                f"'{key}' says again what an earlier key said.",
                where=f"{name}, line {line}, column 1",
                hint="Keep one of them.",
            )
        lines[canonical] = line
        if canonical == "event" and isinstance(value, dict):
            known[canonical] = _event(key, value, name, places, lines)
            continue
        known[canonical] = _checked(canonical, key, value, f"{name}, line {line}, column 1")
    return FrontMatter(
        known, raw, end - start + 1, start + 1, lines, tuple(unknown), tuple(metadata)
    )


def _checked(canonical: str, key: str, value: Any, where: str) -> Any:
    if canonical == "contacts":
        return _contacts(value, where)
    if canonical == "media":
        return _media(value, where)
    if canonical == "event":  # A time alone: all else is in the text.
        return {"start": " ".join("; ".join(_flatten(value)).split())}
    if canonical == "variants":
        return " ".join(_flatten(value)).replace(",", " ")
    if isinstance(value, dict | list):
        raise InputError(f"'{key}' must be one text.", where=where, hint=f'Write {key} = "…".')
    text = _scalar(value)
    return text if canonical in _PARAGRAPHS else " ".join(text.split())


def _contacts(value: Any, where: str) -> list[dict[str, str] | str]:
    entries = value if isinstance(value, list) else [value]
    contacts: list[dict[str, str] | str] = []
    for entry in entries:
        if not isinstance(entry, dict):
            contacts.append(_scalar(entry))
            continue
        contact: dict[str, str] = {}
        for key, item in entry.items():
            wanted = _CONTACT_ALIASES.get(str(key).lower(), str(key).lower())
            if wanted not in CONTACT_FIELDS or isinstance(item, dict | list):
                raise InputError(
                    f"a contact cannot have '{key}'.",
                    where=where,
                    hint="A contact has name, role, email, phone and hours.",
                )
            contact[wanted] = _scalar(item)
        contacts.append(contact)
    return contacts


def _media(value: Any, where: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for entry in value if isinstance(value, list) else [value]:
        medium: dict[str, str] = {}
        for key, item in (entry if isinstance(entry, dict) else {"file": entry}).items():
            name = str(key).lower().replace("-", "_")
            wanted = _MEDIA_ALIASES.get(name, name)
            if wanted not in MEDIA_FIELDS or isinstance(item, dict | list):
                raise InputError(
                    f"a picture or file cannot have '{key}'.",
                    where=where,
                    hint="It has file, caption, alt, credit, licence, and url instead of file.",
                )
            medium[wanted] = " ".join(_scalar(item).split())
        if not medium.get("file") and not medium.get("url"):
            raise InputError(
                "a picture or file has neither 'file' nor 'url'.",
                where=where,
                hint="Name its file beside this one.",
            )
        if "://" in medium.get("file", ""):
            medium["url"] = medium.get("url") or medium["file"]
            medium["file"] = ""
        url = medium.get("url", "")
        if url and not url.lower().startswith(("https://", "http://")):
            raise InputError(
                f"'{url[:80]}' is no web address.", where=where, hint="Write https://…."
            )
        found.append(medium)
    return found


def _event(
    table: str, value: dict[str, Any], name: str, places: dict[str, int], lines: dict[str, int]
) -> dict[str, str]:
    """The fields of an event; what has several lines keeps them. Fills in `lines`."""
    found: dict[str, str] = {}
    for key, item in value.items():
        line = places.get(f"{table}.{key}", lines["event"])
        field_name = _EVENT_NAMES.get(str(key).strip().lower().replace("-", "_").replace(" ", "_"))
        if isinstance(item, dict) and field_name == "access":
            item = {
                {"text": "access", "by": "deadline"}.get(str(one), str(one)): own
                for one, own in item.items()
            }
            inner = {f"{table}.{one}": line for one in item}
            found |= _event(table, item, name, inner, lines)
            continue
        if field_name is None or isinstance(item, dict) or field_name in found:
            known = ", ".join(_EVENT_ALIASES)
            raise InputError(
                f"an event cannot have '{key}' twice."
                if field_name in found
                else f"an event cannot have '{key}'.",
                where=f"{name}, line {line}, column 1",
                hint=f"An event has {known}.",
            )
        lines[f"event.{field_name}"] = line
        rows = "\n".join(_flatten(item)).split("\n")
        text = "\n".join(filter(None, (" ".join(row.split()) for row in rows)))
        if text:
            found[field_name] = text
    return found


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _flatten(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _flatten(item)
    elif isinstance(value, list):
        for item in value:
            yield from _flatten(item)
    else:
        yield _scalar(value)


def _broken(name: str, line: int, column: int, kind: str, reason: str) -> InputError:
    return InputError(
        f"the front matter is not valid {kind}: {reason.strip().rstrip('.')}.",
        where=f"{name}, line {line}, column {column}",
        hint="Correct that line.",
    )
