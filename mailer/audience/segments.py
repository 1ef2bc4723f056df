"""Segments: named condition trees, read from segments.toml or from one line of text.

In the file a segment has `all`, `any` and `none`, lists of tables `{ field = [values] }`. Values of
one field are alternatives, fields of one table hold together, and so do the three parts: every
table of `all`, at least one of `any`, no one of `none`. A table may hold such lists itself, and so
on; `segment = ["name"]` in a table puts another segment in. `first = 500` takes only those who fit
best. Values are compared as `facet_value` gives them, so "Poland", "PL" and "pl" are one country.

The line of text is that of `mailer/audience/compact.py`; both become one tree.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.audience import compact, conditions
from mailer.audience.compact import MOST_FIRST, suggest
from mailer.audience.conditions import (
    DEEPEST,
    FIELDS,
    Contrary,
    Facets,
    Has,
    Node,
    Non,
    Some,
    all_of,
    any_of,
    check_size,
    leaf,
    leaves,
    none_of,
)
from mailer.audience.text import fold
from mailer.errors import InputError, NotFound, UsageError

LIST_PREFIX = "list:"
"""`list:NAME` is the segment of everybody on one list."""

_PARTS = ("all", "any", "none")


@dataclass(frozen=True, slots=True)
class Segment:
    """A named condition tree. With `first` only so many of those whom the tree selects and who may
    be written to: who has most of the beats asked for, of equals who joined last, then by id."""

    name: str
    title: str
    tree: Node
    first: int | None = None

    def matches(self, facets: Facets) -> bool:
        """Does the tree select a journalist who is on at least one list and has these facets?"""
        return conditions.matches(self.tree, facets)

    @property
    def lists(self) -> tuple[str, ...]:
        """Lists that the segment asks for by name, in order; deliveries are attributed to the
        first of them that a journalist belongs to."""
        return self._asked("list")

    @property
    def beats(self) -> tuple[str, ...]:
        """Beats that the segment asks for, which `first` counts."""
        return self._asked("beat")

    @property
    def nobody(self) -> str:
        """Why nobody can match, "" when somebody may."""
        return conditions.nobody(self.tree)

    def as_text(self) -> str:
        """The segment in its compact form."""
        return compact.print_tree(self.tree, self.first)

    def as_json(self) -> dict[str, Any]:
        """The condition as it is stored with a distribution, in the file's form."""
        parts: dict[str, Any] = {"title": self.title, **_table(self.tree, top=True)}
        if self.first is not None:
            parts["first"] = self.first
        return parts

    def _asked(self, field: str) -> tuple[str, ...]:
        found = (
            value
            for has, asked in leaves(self.tree)
            if asked and has.field == field
            for value in has.values
        )
        return tuple(dict.fromkeys(found))


def from_json(name: str, parts: Mapping[str, Any]) -> Segment:
    """The segment that `Segment.as_json` was made from."""
    return Segment(name, parts["title"], _tree(parts), parts.get("first"))


def list_segment(name: str, title: str = "") -> Segment:
    """Everybody on one list: what `--to list:NAME` means."""
    return Segment(f"{LIST_PREFIX}{name}", title or name, Has("list", (fold(name),)))


def find(
    segments: Mapping[str, Segment], wanted: str, where: str, lists: Collection[str] = ()
) -> Segment:
    """The segment of that name, `list:NAME`, or what a text in the compact form means.

    `lists` are the folded names of lists there are: `list:NAME` needs no quotation marks for one of
    them. Raises NotFound with the nearest names, and UsageError with the column of what is wrong.
    """
    wanted = wanted.strip()
    by_name = {fold(name): segment for name, segment in segments.items()}
    if found := by_name.get(fold(wanted)):
        return found
    if wanted[:5].lower() == LIST_PREFIX:
        name = wanted[5:].strip()
        if not name:
            raise UsageError('"list:" needs the name of a list.', hint="Write list:NAME.")
        if fold(name) in lists or not re.search(r'[:,()"“”„«»]| (?:or|not) | -', name):
            return list_segment(name)
    if re.search(r'[:()"“”„«»]', wanted):
        return from_text(wanted, segments)
    raise NotFound(
        f'there is no segment called "{wanted}".',
        where=where,
        hint=suggest(fold(wanted), by_name)
        or (
            f"There are {', '.join(sorted(segments))}; a list is named list:NAME."
            if segments
            else "The file defines none; a list is named list:NAME."
        ),
    )


def from_text(text: str, segments: Mapping[str, Segment]) -> Segment:
    """The segment that a text in the compact form means. Raises UsageError with the column of what
    is wrong, NotFound for another segment that it names."""

    def resolve(name: str) -> Node:
        if segments[name].first is not None:
            raise UsageError(
                f'segment "{name}" takes only the first {segments[name].first:,}, so it cannot be '
                "part of another one.",
                hint="Name it alone.",
            )
        return segments[name].tree

    tree, first = compact.read(text, segments, resolve)
    shown = compact.print_tree(tree, first)
    return Segment(shown, shown, tree, first)


def parse(text: str, where: str) -> dict[str, Segment]:
    """The segments of a segments.toml text; `where` names the file in errors (InputError)."""
    place = _Place(text, where)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(error, text, where) from error
    except RecursionError:
        raise InputError(
            f"conditions are nested more than {DEEPEST} levels deep.",
            where=where,
            hint="Put the inner ones into segments of their own.",
        ) from None
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
    return _File(tables, place).segments()


class _File:
    """Reads the segments of one file, each once, those that others name first."""

    def __init__(self, tables: Mapping[str, Any], place: _Place) -> None:
        self._tables = tables
        self._place = place
        self._names = {fold(name): name for name in tables}
        self._done: dict[str, Segment] = {}
        self._open: list[str] = []
        self._segment = ""

    def segments(self) -> dict[str, Segment]:
        for name in self._tables:
            self._read(name)
        return {name: self._done[name] for name in self._tables}

    def _read(self, name: str) -> Segment:
        if name in self._done:
            return self._done[name]
        if name in self._open:
            circle = [*self._open[self._open.index(name) :], name]
            raise self._wrong(
                f"segments name each other in a circle: {' → '.join(circle)}.", "segment",
                "Take one of these names out.",
            )  # fmt: skip
        if len(self._open) > DEEPEST:
            raise self._wrong(
                f"segments name each other more than {DEEPEST} levels deep.", "segment"
            )
        self._open.append(name)
        before, self._segment = self._segment, name
        self._done[name] = found = self._whole(name, self._tables[name])
        self._open.pop()
        self._segment = before
        return found

    def _whole(self, name: str, table: Any) -> Segment:
        if not isinstance(table, dict):
            raise InputError(f'segment "{name}" must be a table.', where=self._place.of(name))
        if fold(name).startswith(LIST_PREFIX) or not fold(name):
            raise self._wrong(f'a segment cannot be called "{name}"; "list:" names a list.', "")
        for key, value in table.items():
            if key == "title":
                if not isinstance(value, str):
                    raise self._wrong(f'the title of segment "{name}" must be text.', key)
            elif key == "first":
                if type(value) is not int or not 0 < value <= MOST_FIRST:
                    raise self._wrong(
                        f'"first" of segment "{name}" must be a whole number above 0.', key
                    )
            elif key not in _PARTS:
                known = ["title", "first", *_PARTS]
                hint = suggest(key, known) or "Keys are title, all, any, none and first."
                raise self._wrong(f'segment "{name}" has no key "{key}".', key, hint)
        parts = self._parts(table, 1)
        if not parts:
            raise self._wrong(
                f'segment "{name}" has no condition, so it would select everybody.', "",
                "Give it all, any or none.",
            )  # fmt: skip
        tree = all_of(parts)
        try:
            check_size(tree)
        except Contrary as error:
            raise self._wrong(
                f'segment "{name}": {error}.', "", "Split it into several segments."
            ) from None
        return Segment(name, table.get("title", name), tree, table.get("first"))

    def _parts(self, table: Mapping[str, Any], level: int) -> list[Node]:
        """What `all`, `any` and `none` of a table ask for, in the order of the file."""
        if level > DEEPEST:
            raise self._wrong(f"conditions are nested more than {DEEPEST} levels deep.", "")
        parts: list[Node] = []
        for key, value in table.items():
            if key in _PARTS:
                inner = [self._line(each, level) for each in self._lines(key, value)]
                if inner:
                    parts.append({"all": all_of, "any": any_of, "none": none_of}[key](inner))
        return parts

    def _lines(self, part: str, value: Any) -> list[dict[str, Any]]:
        example = f'Write {part} = [{{ country = ["BE"] }}].'
        name = self._segment
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise self._wrong(f'"{part}" of segment "{name}" must be a list of tables.', part,
                              example)  # fmt: skip
        if not all(value):
            raise self._wrong(f'"{part}" of segment "{name}" has an empty table.', part, example)
        return value

    def _line(self, table: dict[str, Any], level: int) -> Node:
        parts = [
            self._field(field, values) for field, values in table.items() if field not in _PARTS
        ]
        inner = self._parts(table, level + 1)
        if not parts and not inner:
            raise self._wrong(f'a table of segment "{self._segment}" has no condition.', "")
        return all_of([*parts, *inner])

    def _field(self, field: str, values: Any) -> Node:
        name = self._segment
        if field not in FIELDS and field != "segment":
            known = (*FIELDS, "segment")
            hint = suggest(field, (*known, *_PARTS)) or f"Fields are {', '.join(known)}."
            raise self._wrong(f'segment "{name}" asks for "{field}", which is no field.', field,
                              hint)  # fmt: skip
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise self._wrong(
                f'the values of "{field}" in segment "{name}" must be a list.', field,
                f'Write {field} = ["{values}"].',
            )  # fmt: skip
        if not values:
            raise self._wrong(
                f'"{field}" in segment "{name}" has no value, so it would select nobody.', field
            )
        if not all(isinstance(value, str) and fold(value) for value in values):
            raise self._wrong(f'the values of "{field}" in segment "{name}" must be texts.', field,
                              f'Write {field} = ["…"].')  # fmt: skip
        if field == "segment":
            return any_of([self._other(value) for value in values])
        try:
            return leaf(field, values)
        except Contrary as error:
            raise self._wrong(f'segment "{name}": {error}.', field) from None

    def _other(self, name: str) -> Node:
        known = self._names.get(fold(name))
        if known is None:
            raise self._wrong(
                f'segment "{self._segment}" names "{name}", and no segment is called so.',
                "segment",
                suggest(fold(name), self._names),
            )
        other = self._read(known)
        if other.first is not None:
            raise self._wrong(
                f'segment "{known}" takes only the first {other.first:,}, so it cannot be part of '
                "another one.",
                "segment",
            )
        return other.tree

    def _wrong(self, message: str, key: str, hint: str = "") -> InputError:
        return InputError(message, where=self._place.of(key, self._segment), hint=hint)


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


def _table(node: Node, *, top: bool = False) -> dict[str, Any]:
    """A tree as a table of the file's form. Where it is the `top` fields stand in `all`."""
    if isinstance(node, Has):
        return {"all": [_table(node)]} if top else {node.field: list(node.values)}
    if isinstance(node, Some):
        return {"any": [_table(part) for part in node.parts]}
    if isinstance(node, Non):
        return {"none": [_table(part) for part in node.parts]}
    some = [part for part in node.parts if isinstance(part, Some)]
    found: dict[str, Any] = {}
    for part in node.parts:
        if isinstance(part, Non) or some == [part]:
            found.update(_table(part))
        else:
            found.setdefault("all", []).append(_table(part))
    return found


def _tree(table: Mapping[str, Any]) -> Node:
    """The tree of a table that was checked when it was read first."""
    parts: list[Node] = []
    for key, value in table.items():
        if key in _PARTS:
            make = {"all": all_of, "any": any_of, "none": none_of}[key]
            parts.append(make([_tree(each) for each in value]))
        elif key in FIELDS:
            parts.append(Has(key, tuple(value)))
    return all_of(parts)


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
