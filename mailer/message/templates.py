"""Where templates come from, and how their errors are said to people.

The newsroom's folder is asked first, then the package's: `mailer templates eject` copies a file
from the second to the first, and from then on the copy counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import FileSystemLoader
from jinja2.exceptions import (
    SecurityError,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)

from mailer.errors import CheckFailed, MailerError
from mailer.message.slots import USE, SlotEnvironment, SlotMisuse


class TemplateSource:
    """Folders of templates, the first one that has a file wins. Holds `email/NAME.html` …"""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(Path(folder) for folder in folders)

    def find(self, name: str) -> Path | None:
        """The file that counts for a template's name ("email/release.html").

        Raises CheckFailed where nobody may look.
        """
        for folder in self.folders:
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
        return SlotEnvironment(FileSystemLoader([str(folder) for folder in self.folders]), nonce)

    def name_of(self, filename: str) -> str:
        """A file's name as people know it: below the templates folder."""
        path = Path(filename)
        for folder in self.folders:
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return filename


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
        folders = " or ".join(str(folder) for folder in source.folders)
        raise CheckFailed(f"There is no template {name} in {folders}.")
    try:
        return str.__str__(environment.get_template(name).render(context))
    except MailerError:
        raise
    except RecursionError as error:
        raise CheckFailed("The templates include each other without end.", where=name) from error
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
        return error.name or name, error.lineno
    file, line = name, 0
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        # Jinja2 rewrites tracebacks: frames of template code carry its file name and line.
        if "__jinja_exception__" in traceback.tb_frame.f_globals:
            file = source.name_of(traceback.tb_frame.f_code.co_filename)
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, SlotMisuse) and error.line:
        return error.template or file, error.line
    return file, line
