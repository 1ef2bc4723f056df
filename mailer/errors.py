"""The errors that mailer shows to people: one sentence, a place, a way out, an exit code.

Every layer raises these; the command line prints them and leaves with `exit_code`, the web
turns them into pages. They know nothing of either. A message says what is wrong, where (file,
line, column when known) and what to do, and never needs a traceback to be understood.
"""

from __future__ import annotations

from typing import ClassVar


class MailerError(Exception):
    """Base of all errors meant for a person.

    `message` is one plain sentence; `where` is a place such as "config.toml, line 3";
    `hint` says what to do next. `exit_code` is the one of the contract.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.hint}" if self.hint else text


class CheckFailed(MailerError):
    """A check found errors (`release check`, `doctor`, `store check`), or a template does."""

    exit_code = 1


class UsageError(MailerError):
    """The command was called wrongly."""

    exit_code = 2


class ConfigError(MailerError):
    """The configuration cannot be used."""

    exit_code = 3


class InputError(MailerError):
    """A file given by the user cannot be read as what it should be."""

    exit_code = 4


class NotFound(MailerError):
    """What was named does not exist."""

    exit_code = 5


class Refused(MailerError):
    """A safety rule forbids it."""

    exit_code = 6


class StoreUnavailable(MailerError):
    """The store or the disk cannot be used now (locked, full, away): nothing was done."""

    exit_code = 75
