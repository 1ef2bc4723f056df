"""Templates in which a journalist's fields can be printed and nothing else.

A template is rendered once for all journalists, so a field has no value yet: what stands in its
place is a mark. `{% if journalist.outlet %}` would be true for everybody and `|upper` would spoil
the mark without a word (both really happen with plain Jinja2). So a field, here a `Slot`, may be
printed, also with `|fallback("…")`, and handed to a macro; everything else is an error with file
and line. Four fences, since none is enough alone: the template's syntax tree, the object's own
methods, filters and tests that look at what they are given, and captured text (macro results,
`{% set %}` blocks) that refuses to be looked at while it holds a mark. At the end every mark
printed must be found exactly once (`compile.py`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import FrameType
from typing import Any, NoReturn, Self

from jinja2 import BaseLoader, BytecodeCache, StrictUndefined, nodes
from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Macro
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from mailer.message.values import SLOTS

USE = "A field can only be printed, or printed with |fallback(“…”)."


BELOW = "\0"
"""Parts a template's name from the number of the layer below which it was looked for."""


def plain_name(name: str) -> str:
    """A template's name as people know it."""
    return name.partition(BELOW)[0]


class SlotMisuse(TemplateRuntimeError):
    """A template does something with a field that cannot come out right for every journalist."""

    def __init__(self, slot: str, what: str, line: int | None = None) -> None:
        super().__init__(f"{what} cannot be used on the field {slot}.")
        self.line = line
        self.template: str | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """One printing of a slot: its mark, which field it was, and where the template did it."""

    mark: str
    slot: str
    fallback: str
    template: str
    line: int


class Slot:
    """A field of a journalist in a template: opaque, good for printing only."""

    __slots__ = ("fallback", "name")

    def __init__(self, name: str, fallback: str = "") -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "fallback", fallback)

    name: str
    fallback: str

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise SlotMisuse(self.name, "Setting an attribute")


def _forbid(method: str, what: str) -> None:
    def refuse(self: Slot, *_args: object, **_kwargs: object) -> NoReturn:
        raise SlotMisuse(self.name, what)

    setattr(Slot, method, refuse)


_METHODS = {
    "A condition": "bool",
    "A comparison": "eq ne lt le gt ge hash contains",
    "Joining or formatting text": "str repr html format add radd mod rmod mul rmul concat",
    "Arithmetic": "sub rsub truediv rtruediv floordiv rfloordiv pow rpow neg pos abs",
    "A number": "int float index",
    "A loop": "iter len reversed getitem",
    "A call": "call",
}
for _what, _methods in _METHODS.items():
    for _method in _methods.split():
        _forbid(f"__{_method}__", _what)


class SlotEnvironment(SandboxedEnvironment):
    """A sandboxed Jinja2 environment that knows slots; made anew for each compilation.

    `printed` grows while templates render. `nonce` goes into the marks and must occur nowhere in
    the texts that templates are given.
    """

    def __init__(
        self, loader: BaseLoader, nonce: str, bytecode_cache: BytecodeCache | None = None
    ) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=lambda name: bool(name and name.endswith((".html", ".htm", ".xml"))),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=self._finalize,
            cache_size=64,
            auto_reload=False,
            bytecode_cache=bytecode_cache,
        )
        self.nonce = nonce
        self.printed: list[Printed] = []
        watched: dict[str, Callable[..., Any]] = dict(self.filters)
        self.filters = {
            name: self._watch(name, function, "filter") for name, function in watched.items()
        }
        self.filters["fallback"] = _fallback
        asked: Any = self.tests
        self.tests = {name: self._watch(name, test, "test") for name, test in asked.items()}

    def marks(self) -> re.Pattern[str]:
        """What a mark looks like, unspoilt."""
        return re.compile(f"Zq{self.nonce}x[0-9]{{4}}Qz")

    def slot_names(self) -> Mapping[str, object]:
        """What templates get: `journalist` and the slots without a dot."""
        names: dict[str, object] = {"journalist": Journalist()}
        names.update({name: Slot(name) for name in SLOTS if "." not in name})
        return names

    def holds_mark(self, value: object) -> bool:
        """True for text in which a slot was already printed."""
        return isinstance(value, str) and f"Zq{self.nonce}x" in str.__str__(value)

    # Jinja2's documented extension points ------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Journalist):
            return _field_of(obj, attribute)
        self._refuse(obj, f"“.{attribute}”")
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Journalist):
            return _field_of(obj, argument)
        self._refuse(obj, "“[…]”")
        self._refuse(argument, "“[…]”")
        return super().getitem(obj, argument)

    def call(self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        self._refuse(__obj, "A call")
        if not isinstance(__obj, Macro) and not getattr(__obj, "takes_slots", False):
            for argument in [*args, *kwargs.values()]:
                self._refuse(argument, "A function call")
        return super().call(__context, __obj, *args, **kwargs)

    def concat(self, pieces: Iterable[str]) -> str:
        """Join output; what holds a mark comes back as text that refuses to be looked at."""
        return self.captured("".join(pieces))

    def captured(self, text: str) -> str:
        return _CapturedText(text) if self.holds_mark(text) else text

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        try:
            _check_tree(tree)
        except SlotMisuse as error:
            error.template = name
            raise
        return tree

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        # The result of a macro or {% set %} block becomes `Markup(concat(…))` in the generated
        # module: let that name be one that keeps the refusal. On the same line, because line
        # numbers are mapped back to the template.
        code = super()._generate(source, name, filename, defer_init)
        line, end, rest = code.partition("\n")
        return f"{line}; from mailer.message.slots import captured_markup as Markup{end}{rest}"

    # -------------------------------------------------------------------------------------

    def _finalize(self, value: Any) -> Any:
        if isinstance(value, Slot):
            return self._print(value)
        if value is None:
            raise TemplateRuntimeError("This prints nothing: the value is missing (None).")
        return value

    def _print(self, slot: Slot) -> Markup:
        mark = f"Zq{self.nonce}x{len(self.printed):04d}Qz"
        template, line = _place(sys._getframe(1))
        self.printed.append(Printed(mark, slot.name, slot.fallback, template, line))
        return Markup(mark)

    def _refuse(self, value: object, what: str) -> None:
        if isinstance(value, Slot):
            raise SlotMisuse(value.name, what)
        if self.holds_mark(value):
            raise SlotMisuse(self._slot_in(str(value)), what)

    def _slot_in(self, text: str) -> str:
        marks = set(self.marks().findall(text))
        return next((each.slot for each in self.printed if each.mark in marks), "in this text")

    def _watch(self, name: str, function: Callable[..., Any], sort: str) -> Callable[..., Any]:
        @wraps(function)  # keeps jinja_pass_arg, by which Jinja2 knows what to pass first
        def watched(*args: Any, **kwargs: Any) -> Any:
            if not (sort == "filter" and name in ("safe", "e", "escape", "map")):
                for value in [*args, *kwargs.values()]:
                    self._refuse(value, f"The {sort} “{name}”")
            elif args and isinstance(args[-1], Slot):
                raise SlotMisuse(args[-1].name, f"The {sort} “{name}”")
            return function(*args, **kwargs)

        return watched


class Journalist:
    """`journalist` in templates; its fields are slots. Reached only through the environment."""

    __slots__ = ()


def captured_markup(text: object = "") -> Markup:
    """`Markup` for generated template code: keeps captured text refusing what it refuses."""
    return _CapturedMarkup(text) if isinstance(text, _CapturedText) else Markup(text)


def _refuse_captured(self: str, *_args: object) -> NoReturn:
    raise SlotMisuse("printed in this text", "Looking at captured text")


class _CapturedText(str):
    __slots__ = ()


class _CapturedMarkup(Markup):
    __slots__ = ()

    def __html__(self) -> Self:
        return self


for _name in ("bool", "len", "eq", "ne", "lt", "le", "gt", "ge", "contains", "iter", "hash"):
    setattr(_CapturedText, f"__{_name}__", _refuse_captured)
    setattr(_CapturedMarkup, f"__{_name}__", _refuse_captured)


def _field_of(_journalist: Journalist, attribute: object) -> Slot:
    name = f"journalist.{attribute}"
    if name not in SLOTS:
        known = ", ".join(slot for slot in SLOTS if slot.startswith("journalist."))
        raise TemplateRuntimeError(f"There is no field {name}; there are {known}.")
    return Slot(name)


def _fallback(value: object, text: object = None) -> object:
    """The only filter for fields: what to write where the journalist has none."""
    if not isinstance(text, str) or not text.isprintable():
        raise TemplateRuntimeError("A fallback is one line of plain text.")
    if isinstance(value, Slot):
        return Slot(value.name, str(text))
    return value or text


def _place(frame: FrameType | None) -> tuple[str, int]:
    """Template and line that the running code was generated from."""
    while frame is not None:
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            return plain_name(template.name or ""), template.get_corresponding_lineno(
                frame.f_lineno
            )
        frame = frame.f_back
    return "", 0


# The syntax tree: what is plainly wrong is found even where a branch is never taken.

_EXPRESSIONS: dict[type[nodes.Node], str] = {
    nodes.Compare: "A comparison",
    nodes.Operand: "A comparison",
    nodes.Not: "“not”",
    nodes.And: "“and”",
    nodes.Or: "“or”",
    nodes.Concat: "“~”",
    nodes.Add: "“+”",
    nodes.Sub: "“-”",
    nodes.Mul: "“*”",
    nodes.Div: "“/”",
    nodes.FloorDiv: "“//”",
    nodes.Mod: "“%”",
    nodes.Pow: "“**”",
    nodes.Neg: "“-”",
    nodes.Pos: "“+”",
    nodes.Getattr: "An attribute",
    nodes.Getitem: "“[…]”",
    nodes.Slice: "“[…]”",
    nodes.For: "A loop",
    nodes.Include: "{% include %}",
    nodes.Extends: "{% extends %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
}


def _check_tree(tree: nodes.Node) -> None:
    for parent in _walk(tree):
        for child in parent.iter_child_nodes():
            slot = _slot_name(child)
            if slot is None:
                continue
            line = getattr(child, "lineno", None)
            if slot.startswith("journalist.") and slot not in SLOTS:
                # Said by the environment at run time too; here with the line for certain.
                raise _unknown_field(slot, line)
            what = _misuse(parent, child)
            if what:
                raise SlotMisuse(slot, what, line)


def _walk(node: nodes.Node) -> Iterable[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _misuse(parent: nodes.Node, child: nodes.Node) -> str | None:
    if isinstance(parent, nodes.Filter):
        if parent.node is not child:
            return f"The filter “{parent.name}”"
        return None if parent.name == "fallback" else f"The filter “{parent.name}”"
    if isinstance(parent, nodes.Test):
        return f"The test “is {parent.name}”"
    if isinstance(parent, nodes.If | nodes.CondExpr) and parent.test is child:
        return "A condition"
    if isinstance(parent, nodes.Call) and parent.node is child:
        return "A call"
    return _EXPRESSIONS.get(type(parent))


def _slot_name(node: nodes.Node) -> str | None:
    """The slot that this expression plainly is, with or without a fallback."""
    if isinstance(node, nodes.Filter) and node.name == "fallback" and node.node is not None:
        return _slot_name(node.node)
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name in SLOTS:
        return node.name
    if isinstance(node, nodes.Getattr) and _is_journalist(node.node):
        return f"journalist.{node.attr}"
    if (
        isinstance(node, nodes.Getitem)
        and _is_journalist(node.node)
        and isinstance(node.arg, nodes.Const)
    ):
        return f"journalist.{node.arg.value}"
    return None


def _is_journalist(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "journalist"


def _unknown_field(slot: str, line: int | None) -> SlotMisuse:
    error = SlotMisuse(slot, "Printing", line)
    known = ", ".join(name for name in SLOTS if name.startswith("journalist."))
    error.args = (f"There is no field {slot}; there are {known}.",)
    return error
