"""What all commands share: the options that stand anywhere, the actor, the open newsroom.

`Commands` is a Typer application whose commands all take `--json`, `--config` and `--officer`,
before and after the command's name. `current()` is what the user chose. Heavy modules are
imported inside the functions, so that `mailer --help` and usage errors are quick.
"""

from __future__ import annotations

import functools
import getpass
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.errors import NotFound

if TYPE_CHECKING:
    from mailer.config import Config
    from mailer.distribution.context import Newsroom

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CONFIG = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration (MAILER_CONFIG)."),
]
OFFICER = Annotated[
    str | None,
    typer.Option("--officer", metavar="NAME", help="Who acts (MAILER_OFFICER)."),
]
FORMAT = Annotated[
    str,
    typer.Option("--format", metavar="FORMAT", help="table, json, jsonl or csv."),
]


@dataclass(slots=True)
class Choices:
    """What the options that stand anywhere say in this call."""

    json: bool = False
    config: Path | None = None
    officer: str | None = None
    loaded: Config | None = None

    @property
    def actor(self) -> str:
        """Who acts: --officer, MAILER_OFFICER, else the system's user."""
        named = self.officer or os.environ.get("MAILER_OFFICER")
        if named:
            return named
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return f"uid {os.getuid()}"

    def configuration(self) -> Config:
        """The configuration, read once; its warnings go to stderr."""
        if self.loaded is None:
            from mailer import config

            self.loaded = config.load(self.config)
            for warning in self.loaded.warnings:
                say(f"Warning: {warning}")
        return self.loaded

    def newsroom(self) -> Newsroom:
        """The open newsroom; use it in a `with` block."""
        from mailer.distribution.context import open_newsroom

        return open_newsroom(self.configuration())

    def format(self, given: str = "table") -> str:
        """The output format: --json wins over --format."""
        if given not in ("table", "json", "jsonl", "csv"):
            raise typer.BadParameter(
                "it is one of table, json, jsonl and csv", param_hint="--format"
            )
        return "json" if self.json else given


_current = Choices()


def current() -> Choices:
    """The choices of this call."""
    return _current


def start() -> Choices:
    """Forget the choices of an earlier call in this process."""
    global _current
    _current = Choices()
    return _current


def say(text: str) -> None:
    """A line for a person, on stderr, exactly as it is."""
    print(text, file=sys.stderr)  # noqa: T201


def existing(number: int | None) -> int | None:
    """A distribution's number that can be one; databases know no larger integers."""
    if number is not None and not 0 < number < 2**31:
        raise NotFound(f"There is no distribution {number}.", hint="`mailer status` lists them.")
    return number


class Commands(typer.Typer):
    """A Typer application that gives every command the options that stand anywhere."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
            **settings,
        )

    def add(self, name: str, function: Callable[..., Any]) -> None:
        """Make `function` the command `name`; its docstring is the help."""
        self.command(name)(_with_choices(function))


def choose(json: bool, config: Path | None, officer: str | None) -> None:
    """Take the options of one level over; a deeper level only adds."""
    _current.json = _current.json or json
    _current.config = config or _current.config
    _current.officer = officer or _current.officer


def _with_choices(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, json: bool, config: Path | None, officer: str | None, **own: Any) -> Any:
        choose(json, config, officer)
        return function(*args, **own)

    own = inspect.signature(function, eval_str=True)
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, default, kind in (
            ("json", False, JSON),
            ("config", None, CONFIG),
            ("officer", None, OFFICER),
        )
    ]
    run.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*own.parameters.values(), *shared]
    )
    run.__annotations__ = {
        parameter.name: parameter.annotation for parameter in (*own.parameters.values(), *shared)
    }
    return run
