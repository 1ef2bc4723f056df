"""Segments in one line, for the command line and the search box.

    beat:eu country:be,fr -outlet:"Daily X" (list:press or type) joined:>2025-01-01 first:500

`FIELD:VALUE,VALUE` asks for one of these values. What stands side by side must hold together,
`or` separates alternatives and binds less, `-` or `not` excludes what follows, brackets group.
Values with spaces, commas, brackets or quotation marks stand in quotation marks, in which a
backslash stands before `"` and a backslash. `segment:NAME`, or a segment's bare name, puts another
segment in; `first:N`, outside brackets, takes only the N who fit best.

`print_tree` writes a tree so that `read` gives the same one back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mailer.audience.conditions import (
    DEEPEST,
    FIELDS,
    All,
    Contrary,
    Has,
    Node,
    Non,
    Resolver,
    Some,
    all_of,
    any_of,
    check_size,
    leaf,
    none_of,
)
from mailer.audience.text import fold
from mailer.errors import NotFound, UsageError

MOST_CHARACTERS = 1_000_000
"""Longest text that is read at all."""

MOST_FIRST = 100_000_000
"""Most people that `first:` may ask for."""


def read(text: str, names: Iterable[str], resolve: Resolver) -> tuple[Node, int | None]:
    """The tree that a text means, and how many it takes at most (None: all).

    `names` are the segments there are, `resolve` gives the tree of one. Raises UsageError with the
    column of what is wrong, and what `resolve` raises.
    """
    return _Reader(text, names, resolve).whole()


def print_tree(node: Node, first: int | None = None) -> str:
    """The tree as a text that `read` understands."""
    text = _print(node, 0)
    return text if first is None else f"{text} first:{first}"


def suggest(word: str, known: Iterable[str]) -> str:
    """ "Did you mean …?" for a word that is nearly one of those known, else ""."""
    near = get_close_matches(word, list(known), 1)
    return f'Did you mean "{near[0]}"?' if near else ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


_QUOTES = {'"': '"', "“": "”", "„": "”“", "«": "»"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\)) | (?P<comma>,)
      | (?P<field>[^\W\d][\w-]*):(?!/)
      | (?P<minus>-(?=\S))
      | (?P<word>[^\s(),"“”„«»]+)""",
    re.VERBOSE,
)
_BARE = re.compile(r"""[^\s(),"“”„«»]+""")


class _Reader:
    """Reads one text from left to right; errors name the column, counted from 1."""

    def __init__(self, text: str, names: Iterable[str], resolve: Resolver) -> None:
        self._text = text
        self._names = {fold(name): name for name in names}
        self._resolve = resolve
        self._first: int | None = None
        if len(text) > MOST_CHARACTERS:
            raise UsageError(
                f"a segment of more than {MOST_CHARACTERS:,} characters is not read.",
                hint="Put its values into lists/segments.toml, or make a list of these people.",
            )
        self._tokens = self._split()
        self._at = 0

    def whole(self) -> tuple[Node, int | None]:
        node = self._alternatives(0)
        token = self._token()
        if token.kind == "close":
            raise self._wrong(token, "this bracket was never opened.")
        if token.kind != "end":
            raise self._wrong(token, f'"{token.text}" was not expected here.')
        if node is None:
            raise UsageError(
                "there is no condition in it, so it would select everybody.",
                where=self._where(self._tokens[0]),
                hint="Write FIELD:VALUE, such as beat:eu.",
            )
        try:
            check_size(node)
        except Contrary as error:
            raise UsageError(f"{error}.", hint="Split it into several segments.") from None
        return node, self._first

    def _alternatives(self, level: int) -> Node | None:
        """Parts with `or` between them; None when there is nothing but `first:`."""
        if level > DEEPEST:
            raise self._wrong(
                self._token(), f"brackets are nested more than {DEEPEST} levels deep."
            )
        parts = [self._together(level)]
        while self._is_word("or"):
            word = self._next()
            parts.append(self._together(level))
            if parts[-1] is None or parts[-2] is None:
                raise self._wrong(word, '"or" needs a condition on both sides.')
        return any_of([part for part in parts if part is not None]) if parts[0] else None

    def _together(self, level: int) -> Node | None:
        parts: list[Node] = []
        token = self._token()
        while not (token.kind in ("end", "close") or self._is_word("or")):
            if self._is_word("and"):
                self._next()
                if not parts:
                    raise self._wrong(token, '"and" needs a condition on both sides.')
            else:
                part = self._term(level)
                if part is not None:
                    parts.append(part)
            token = self._token()
        return all_of(parts) if parts else None

    def _term(self, level: int) -> Node | None:
        token = self._next()
        if token.kind == "minus" or (token.kind == "word" and token.text.lower() == "not"):
            after = self._token()
            if level > DEEPEST:
                raise self._wrong(token, f"it is nested more than {DEEPEST} levels deep.")
            if after.kind in ("end", "close", "comma") or self._is_word("or"):
                raise self._wrong(token, f'"{token.text}" has nothing to exclude.')
            if after.kind == "field" and after.text.lower() == "first":
                raise self._wrong(after, '"first" cannot be excluded.')
            part = self._term(level + 1)
            return None if part is None else none_of([part])
        if token.kind == "open":
            inner = self._alternatives(level + 1)
            closing = self._next()
            if closing.kind != "close":
                raise self._wrong(token, "this bracket is not closed.")
            if inner is None:
                raise self._wrong(token, "there is nothing in these brackets.")
            return inner
        if token.kind == "field":
            return self._condition(token, level)
        if token.kind == "comma":
            raise self._wrong(token, "a comma stands between values of one field only.")
        return self._named(token, token.text)

    def _condition(self, field: _Token, level: int) -> Node | None:
        name = field.text.lower()
        values = [self._value(field)]
        while self._token().kind == "comma":
            self._next()
            values.append(self._value(field))
        if name == "first":
            self._take_first(field, values, level)
            return None
        if name == "segment":
            return any_of([self._named(field, value) for value in values])
        if name not in FIELDS:
            known = (*FIELDS, "segment", "first")
            raise self._wrong(
                field,
                f'"{field.text}" is no field.',
                suggest(name, known) or f"Fields are {', '.join(known)}.",
            )
        try:
            return leaf(name, values)
        except Contrary as error:
            raise self._wrong(field, f"{error}.") from None

    def _take_first(self, field: _Token, values: list[str], level: int) -> None:
        number = values[0].replace("_", "")
        if len(values) > 1 or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise self._wrong(field, "first needs one whole number.", "Write it as first:500.")
        if not 0 < int(number) <= MOST_FIRST:
            raise self._wrong(field, f"first is between 1 and {MOST_FIRST:,}.")
        if level:
            raise self._wrong(field, "first stands outside brackets, since it limits the whole.")
        if self._first is not None:
            raise self._wrong(field, "first stands there twice.")
        self._first = int(number)

    def _value(self, field: _Token) -> str:
        token = self._token()
        # What looks like a field or a minus is a value only where it touches the colon or comma.
        touches = self._text[token.column - 2] in ":,"
        if token.kind not in ("word", "quoted") and not (
            touches and token.kind in ("field", "minus")
        ):
            raise self._wrong(
                field,
                f'"{field.text}:" has no value.',
                f'Write {field.text}:VALUE, or {field.text}:"two words".',
            )
        if token.kind in ("word", "quoted"):
            self._next()
            value = token.text
        else:
            value = self._bare_from(token)
        if not fold(value):
            raise self._wrong(token, f'a value of "{field.text}" is empty.')
        return value

    def _bare_from(self, token: _Token) -> str:
        """A bare value that looks like something else, such as `outlet:a:b` or `tag:-x`."""
        start = token.column - 1
        match = _BARE.match(self._text, start)
        assert match is not None
        while self._tokens[self._at].column - 1 < match.end() and self._token().kind != "end":
            self._at += 1
        return match[0]

    def _named(self, token: _Token, name: str) -> Node:
        known = self._names.get(fold(name))
        if known is not None:
            return self._resolve(known)
        if token.kind == "field":
            raise NotFound(
                f'there is no segment called "{name}".',
                where=self._where(token),
                hint=suggest(fold(name), self._names) or "`mailer segments ls` names them.",
            )
        hint = suggest(fold(name), [*self._names, *(f"{field}:" for field in FIELDS)])
        raise self._wrong(
            token,
            f'"{name}" stands there without a field, and no segment is called so.',
            hint or f'Write FIELD:VALUE, such as outlet:"{name}".',
        )

    def _is_word(self, word: str) -> bool:
        token = self._token()
        return token.kind == "word" and token.text.lower() == word

    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _split(self) -> list[_Token]:
        text, found, at = self._text, [], 0
        while at < len(text):
            if text[at] in _QUOTES:
                value, end = self._quoted(at)
                found.append(_Token("quoted", value, at + 1))
                at = end
                continue
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._wrong(
                    _Token("", text[at], at + 1), f"{text[at]} opens no quotation here."
                )
            kind = match.lastgroup or ""
            if kind != "space":
                found.append(_Token(kind, match[kind], at + 1))
            at = match.end()
        return [*found, _Token("end", "", len(text) + 1)]

    def _quoted(self, start: int) -> tuple[str, int]:
        closing, value, at = _QUOTES[self._text[start]], [], start + 1
        while at < len(self._text):
            char = self._text[at]
            if char == "\\" and self._text[at + 1 : at + 2] in ('"', "\\", *closing):
                value.append(self._text[at + 1])
                at += 2
            elif char in closing:
                return "".join(value), at + 1
            else:
                value.append(char)
                at += 1
        raise self._wrong(_Token("", "", start + 1), "this quotation mark is not closed.")

    def _where(self, token: _Token) -> str:
        text = " ".join(self._text.split())
        shown = text if len(text) <= 60 else f"{text[:57]}…"
        return f"{shown}, column {token.column}"

    def _wrong(self, token: _Token, message: str, hint: str = "") -> UsageError:
        return UsageError(message, where=self._where(token), hint=hint)


_PRECEDENCE: Mapping[type, int] = {Some: 0, All: 1, Non: 1, Has: 2}


def _print(node: Node, binding: int) -> str:
    """`binding`: 0 where anything may stand, 1 beside others, 2 behind a minus."""
    if isinstance(node, Has):
        return f"{node.field}:{','.join(_value_text(value) for value in node.values)}"
    if isinstance(node, Some):
        text = " or ".join(_print(part, 0) for part in node.parts)
    elif isinstance(node, Non):
        text = " ".join(f"-{_print(part, 2)}" for part in node.parts)
    else:
        text = " ".join(_print(part, 1) for part in node.parts)
    return text if _PRECEDENCE[type(node)] >= binding else f"({text})"


def _value_text(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
