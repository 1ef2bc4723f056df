"""Where templates come from, and how their errors are said to people.

The newsroom's folder is asked first, then the theme that it extends, then the package's: `mailer
templates eject` copies a file from below to the first, and from then on the copy counts. A
template that extends, includes or imports its own name means the one below it, so one block can
be changed by a file of three lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import BaseLoader, BytecodeCache, Environment
from jinja2.bccache import Bucket
from jinja2.exceptions import (
    SecurityError,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import SandboxedEnvironment

from mailer.errors import CheckFailed, MailerError
from mailer.message.slots import BELOW, USE, SlotEnvironment, SlotMisuse, plain_name
from mailer.message.theme import Theme, layers, read_theme


class TemplateSource:
    """Folders of templates, the first one that has a file wins. Holds `email/NAME.html` …"""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(Path(folder) for folder in folders)

    @cached_property
    def layers(self) -> tuple[Path, ...]:
        """The folders and the themes that they extend. Raises CheckFailed as `layers` does."""
        return layers(self.folders)

    @cached_property
    def theme(self) -> Theme:
        """What their theme.toml files say. Raises CheckFailed with file and line."""
        return read_theme(self.layers)

    def find(self, name: str, after: Path | None = None) -> Path | None:
        """The file that counts for a template's name ("email/release.html"), or the one below it
        in the layers `after` that one.

        Raises CheckFailed where nobody may look.
        """
        folders = self.layers
        if after is not None:
            folders = folders[folders.index(after) + 1 :]
        for folder in folders:
            path = folder / name
            try:
                if path.is_file():
                    return path
            except OSError as error:
                raise CheckFailed(
                    f"This template cannot be read: {(error.strerror or 'error').lower()}.",
                    where=str(path),
                    hint="Let the user who runs mailer read it.",
                ) from None
        return None

    def environment(self, nonce: str) -> SlotEnvironment:
        """A fresh environment that reads from these folders."""
        return _Layered(_Loader(self), nonce, bytecode_cache=_CODE)

    def name_of(self, filename: str) -> str:
        """A file's name as people know it: below the templates folder."""
        path = Path(filename)
        for folder in self.layers:
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return filename

    def layer_of(self, path: Path) -> Path:
        """The layer that a file found by `find` stands in."""
        # A theme's folder stands inside another layer.
        return max(
            (folder for folder in self.layers if path.is_relative_to(folder)),
            key=lambda folder: len(folder.parts),
        )


class _Loader(BaseLoader):
    """Reads from layers; a name may say below which one to look."""

    def __init__(self, source: TemplateSource) -> None:
        self._source = source

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        name, _, above = template.partition(BELOW)
        after = self._source.layers[int(above)] if above else None
        plain = Path(name)
        inside = not plain.is_absolute() and ".." not in plain.parts
        path = self._source.find(name, after) if inside else None
        if path is None:
            raise TemplateNotFound(name)
        return path.read_text("utf-8"), str(path), lambda: True


class _Layered(SlotEnvironment):
    """Understands a template's own name as the one below."""

    def join_path(self, template: str, parent: str) -> str:
        name, _, above = parent.partition(BELOW)
        if template != name:
            return template
        assert isinstance(self.loader, _Loader)
        source = self.loader._source
        after = source.layers[int(above)] if above else None
        here = source.find(name, after)
        if here is None:
            return template
        layer = source.layer_of(here)
        # At the bottom a template that asks for itself gets itself, and is told of it.
        if source.find(name, layer) is None:
            return template
        return f"{name}{BELOW}{source.layers.index(layer)}"


class _Code(BytecodeCache):
    """The compiled form of templates, kept while the program runs: their text decides."""

    MOST = 512

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self._kept) >= self.MOST:
            self._kept.clear()
        self._kept[bucket.key, bucket.checksum] = bucket.code


_CODE = _Code()


def package_templates() -> Path:
    """The templates that come with mailer: beside it in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "defaults" / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def render(
    source: TemplateSource, environment: SlotEnvironment, name: str, context: Mapping[str, Any]
) -> str:
    """The rendered template. Raises CheckFailed with file and line for whatever is wrong in it."""
    if source.find(name) is None:
        folders = " or ".join(str(folder) for folder in source.layers)
        raise CheckFailed(f"There is no template {name} in {folders}.")
    try:
        return str.__str__(environment.get_template(name).render(context))
    except MailerError:
        raise
    except RecursionError as error:
        raise CheckFailed("The templates include each other without end.", where=name) from error
    except Exception as error:
        raise _explain(source, name, error) from error


def parse(source: TemplateSource, name: str) -> None:
    """Read a template that `find` finds, without rendering it; one of `web/` as pages are read,
    where a mail's fields are names like any other. Raises CheckFailed with file and line."""
    try:
        if name.startswith("web/"):
            path = source.find(name)
            assert path is not None, "asked only of templates that are there"
            SandboxedEnvironment().compile(path.read_text("utf-8"), name, str(path))
        else:
            source.environment("").get_template(name)
    except Exception as error:
        raise _explain(source, name, error) from error


def _explain(source: TemplateSource, name: str, error: Exception) -> CheckFailed:
    file, line = _where(source, name, error)
    where = f"{file}, line {line}" if line else file
    if isinstance(error, SlotMisuse):
        hint = USE if "There is no field" not in str(error) else ""
        return CheckFailed(str(error), where=where, hint=hint)
    if isinstance(error, TemplateNotFound):
        return CheckFailed(f"The template {error.name} does not exist.", where=where)
    if isinstance(error, TemplateSyntaxError):
        return CheckFailed(f"The template cannot be read: {_sentence(error.message)}", where=where)
    if isinstance(error, UndefinedError):
        return CheckFailed(f"The template uses what is not there: {_sentence(error)}", where=where)
    if isinstance(error, SecurityError):
        return CheckFailed(f"The template may not do this: {_sentence(error)}", where=where)
    if isinstance(error, UnicodeDecodeError):
        return CheckFailed("The template is not written in UTF-8.", where=where)
    if isinstance(error, TemplateError):
        return CheckFailed(_sentence(error), where=where)
    return CheckFailed(f"The template fails here: {_sentence(error)}", where=where)


def _sentence(error: object) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith(".") else f"{text}."


def _where(source: TemplateSource, name: str, error: Exception) -> tuple[str, int]:
    if isinstance(error, TemplateSyntaxError):
        return plain_name(error.name or name), error.lineno
    file, line = name, 0
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        # Jinja2 rewrites tracebacks: frames of template code carry its file name and line.
        if "__jinja_exception__" in traceback.tb_frame.f_globals:
            file = source.name_of(traceback.tb_frame.f_code.co_filename)
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, SlotMisuse) and error.line:
        return plain_name(error.template or file), error.line
    return file, line
