"""The segment language: named conditions over lists and facets, read from segments.toml.

A segment has `all`, `any` and `none`, lists of tables `{ field = [values] }`. Values of one field
are alternatives, fields of one table hold together, and so do the three parts: every table of
`all`, at least one of `any`, no one of `none`. Values are compared as `facet_value` gives them, so
"Poland", "PL" and "pl" are one country.

`Segment.matches` says for one journalist what the store's SQL says for all.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mailer.audience.journalist import Journalist
from mailer.audience.kinds import outlet_type_of
from mailer.audience.places import country_code, language_tag, zone_name
from mailer.audience.text import fold
from mailer.errors import InputError, NotFound, UsageError

FIELDS = ("list", "beat", "country", "language", "outlet", "outlet_type", "zone", "tag")
"""What a condition can ask for."""

LIST_PREFIX = "list:"
"""`list:NAME` is the segment of everybody on one list."""

Facets = Mapping[str, frozenset[str]]
"""Values of one journalist by field, as `facet_value` gives them."""

_PARTS = ("all", "any", "none")


@dataclass(frozen=True, slots=True)
class Condition:
    """One table: each of `fields` must have at least one of its values (both in order of the
    file, values as `facet_value` gives them)."""

    fields: tuple[tuple[str, tuple[str, ...]], ...]

    def matches(self, facets: Facets) -> bool:
        nothing: frozenset[str] = frozenset()
        return all(
            not facets.get(field, nothing).isdisjoint(values) for field, values in self.fields
        )

    def as_json(self) -> dict[str, list[str]]:
        return {field: list(values) for field, values in self.fields}


@dataclass(frozen=True, slots=True)
class Segment:
    """A named condition. Empty parts ask for nothing."""

    name: str
    title: str
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    def matches(self, facets: Facets) -> bool:
        """Does it select a journalist who is on at least one list and has these facets?"""
        return (
            all(condition.matches(facets) for condition in self.all)
            and (not self.any or any(condition.matches(facets) for condition in self.any))
            and not any(condition.matches(facets) for condition in self.none)
        )

    @property
    def lists(self) -> tuple[str, ...]:
        """Lists that the segment asks for by name, in order; deliveries are attributed to the
        first of them that a journalist belongs to."""
        found = (
            value
            for condition in (*self.all, *self.any)
            for field, values in condition.fields
            if field == "list"
            for value in values
        )
        return tuple(dict.fromkeys(found))

    def as_json(self) -> dict[str, Any]:
        """The condition as it is stored with a distribution."""
        parts: dict[str, Any] = {"title": self.title}
        for part in _PARTS:
            conditions: tuple[Condition, ...] = getattr(self, part)
            if conditions:
                parts[part] = [condition.as_json() for condition in conditions]
        return parts


def from_json(name: str, parts: Mapping[str, Any]) -> Segment:
    """The segment that `Segment.as_json` was made from."""
    conditions = {
        part: tuple(
            Condition(tuple((field, tuple(values)) for field, values in table.items()))
            for table in parts.get(part, ())
        )
        for part in _PARTS
    }
    return Segment(name, parts["title"], **conditions)


def list_segment(name: str, title: str = "") -> Segment:
    """Everybody on one list: what `--to list:NAME` means."""
    everybody = Condition((("list", (fold(name),)),))
    return Segment(f"{LIST_PREFIX}{name}", title or name, all=(everybody,))


def find(segments: Mapping[str, Segment], wanted: str, where: str) -> Segment:
    """The segment of that name, or `list:NAME`; NotFound tells the nearest names."""
    wanted = wanted.strip()
    if wanted[:5].lower() == LIST_PREFIX:
        name = wanted[5:].strip()
        if not name:
            raise UsageError('"list:" needs the name of a list.', hint="Write list:NAME.")
        return list_segment(name)
    by_name = {fold(name): segment for name, segment in segments.items()}
    if found := by_name.get(fold(wanted)):
        return found
    raise NotFound(
        f'there is no segment called "{wanted}".',
        where=where,
        hint=_suggest(fold(wanted), list(by_name))
        or (
            f"There are {', '.join(sorted(segments))}; a list is named list:NAME."
            if segments
            else "The file defines none; a list is named list:NAME."
        ),
    )


def facet_value(field: str, text: str) -> str:
    """What is compared for one value of a field: one form, case-folded; "" for nothing."""
    folded = fold(text)
    if not folded:
        return ""
    if field == "country":
        folded = country_code(text) or folded
    elif field == "language":
        folded = language_tag(text)[0] or folded
    elif field == "zone":
        folded = zone_name(text)[0] or folded
    elif field == "outlet_type":
        folded = outlet_type_of(text)
    return fold(folded)


def facets_of(journalist: Journalist) -> set[tuple[str, str]]:
    """(field, value) of everything a segment can ask of a journalist, lists and tags aside."""
    found = {("beat", fold(beat)) for beat in journalist.beats}
    found.update(
        (field, fold(value))
        for field, value in (
            ("country", journalist.country),
            ("language", journalist.language),
            ("outlet", journalist.outlet),
            ("outlet_type", journalist.outlet_type),
            ("zone", journalist.timezone),
        )
        if value
    )
    return {(field, value) for field, value in found if value}


def parse(text: str, where: str) -> dict[str, Segment]:
    """The segments of a segments.toml text; `where` names the file in errors (InputError)."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(error, text, where) from error
    place = _Place(text, where)
    for name in document:
        if name != "segments":
            raise InputError(
                f'"{name}" is not known here; segments stand under [segments.NAME].',
                where=place.of(name),
                hint="Write [segments.NAME] above title, all, any and none.",
            )
    tables = document.get("segments", {})
    if not isinstance(tables, dict):
        raise InputError('"segments" must be a table.', where=place.of("segments"))
    return {name: _segment(name, table, place) for name, table in tables.items()}


class _Place:
    """Finds the line of a key, for messages; TOML readers do not tell it."""

    def __init__(self, text: str, where: str) -> None:
        self._lines = text.splitlines()
        self._where = where

    def of(self, key: str, segment: str = "") -> str:
        start = 0
        if segment:
            name = rf"(?:{re.escape(segment)}|[\"']{re.escape(segment)}[\"'])"
            start = self._first(rf"\s*\[\s*segments\s*\.\s*{name}\s*\]|\s*{name}\s*[=.]", 0)
        word = rf"(?:^|[\s\[{{,.\"'])(?:{re.escape(key)})(?=[\s\]=.\"',])"
        line = self._first(rf".*{word}", start) if key else start
        return f"{self._where}, line {line + 1}"

    def _first(self, pattern: str, start: int) -> int:
        matcher = re.compile(pattern)
        for number in range(start, len(self._lines)):
            if matcher.match(self._lines[number]):
                return number
        return start


def _segment(name: str, table: Any, place: _Place) -> Segment:
    if not isinstance(table, dict):
        raise InputError(f'segment "{name}" must be a table.', where=place.of(name))
    if fold(name).startswith(LIST_PREFIX) or not fold(name):
        raise InputError(
            f'a segment cannot be called "{name}"; "list:" names a list.', where=place.of("", name)
        )
    parts: dict[str, tuple[Condition, ...]] = {}
    for key, value in table.items():
        if key in _PARTS:
            parts[key] = _conditions(name, key, value, place)
        elif key == "title":
            if not isinstance(value, str):
                raise _wrong(f'the title of segment "{name}" must be text.', place, name, key)
        else:
            hint = _suggest(key, ["title", *_PARTS]) or "Keys are title, all, any and none."
            raise _wrong(f'segment "{name}" has no key "{key}".', place, name, key, hint)
    if not any(parts.values()):
        raise _wrong(
            f'segment "{name}" has no condition, so it would select everybody.',
            place,
            name,
            "",
            "Give it all, any or none.",
        )
    return Segment(name, table.get("title", name), **parts)


def _conditions(name: str, part: str, value: Any, place: _Place) -> tuple[Condition, ...]:
    example = f'Write {part} = [{{ country = ["BE"] }}].'
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise _wrong(f'"{part}" of segment "{name}" must be a list of tables.', place, name, part,
                     example)  # fmt: skip
    if not all(value):
        raise _wrong(f'"{part}" of segment "{name}" has an empty table.', place, name, part,
                     example)  # fmt: skip
    return tuple(
        Condition(
            tuple((field, _values(name, field, values, place)) for field, values in table.items())
        )
        for table in value
    )


def _values(name: str, field: str, values: Any, place: _Place) -> tuple[str, ...]:
    if field not in FIELDS:
        hint = _suggest(field, FIELDS) or f"Fields are {', '.join(FIELDS)}."
        raise _wrong(f'segment "{name}" asks for "{field}", which is no field.', place, name,
                     field, hint)  # fmt: skip
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise _wrong(
            f'the values of "{field}" in segment "{name}" must be a list.',
            place,
            name,
            field,
            f'Write {field} = ["{values}"].',
        )
    if not values:
        raise _wrong(f'"{field}" in segment "{name}" has no value, so it would select nobody.',
                     place, name, field)  # fmt: skip
    if not all(isinstance(value, str) and fold(value) for value in values):
        raise _wrong(f'the values of "{field}" in segment "{name}" must be texts.', place, name,
                     field, f'Write {field} = ["…"].')  # fmt: skip
    return tuple(dict.fromkeys(facet_value(field, value) for value in values))


def _wrong(message: str, place: _Place, segment: str, key: str, hint: str = "") -> InputError:
    return InputError(message, where=place.of(key, segment), hint=hint)


def _syntax(error: tomllib.TOMLDecodeError, text: str, where: str) -> InputError:
    words = re.sub(r" \(at (?:line \d+, column \d+|end of document)\)$", "", str(error))
    position = re.search(r"line (\d+), column (\d+)", str(error))
    if position:
        where = f"{where}, line {position[1]}, column {position[2]}"
    else:
        where = f"{where}, line {text.count(chr(10)) + 1}"
    return InputError(
        f"this is not valid TOML: {words[:1].lower()}{words[1:]}.",
        where=where,
        hint="Mend the line; texts stand in quotation marks, lists in square brackets.",
    )


def _suggest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), 1)
    return f'Did you mean "{near[0]}"?' if near else ""
