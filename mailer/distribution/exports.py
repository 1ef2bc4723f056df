"""Large parts of the ledger as files: what can be exported, and how it is written (E22, H18)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mailer.clock import to_datetime
from mailer.distribution import lists, log, suppressions
from mailer.distribution.context import Newsroom
from mailer.distribution.textrows import as_json, csv_table, write_private
from mailer.errors import UsageError
from mailer.store.core import add_event

FORMATS = ("csv", "jsonl")

_SUPPRESSIONS = ("email", "scope", "reason", "since", "actor", "text")


def _journalists(room: Newsroom, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rows = lists.export_list(room, asked.get("list") or "")
    keys = next(rows)
    for row in rows:
        yield dict(zip(keys, row, strict=True))


def _log(room: Newsroom, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = ("distribution", "state", "since")
    return log.log(room, **{name: asked.get(name) for name in names})


KINDS: Mapping[str, tuple[Callable[..., Iterator[dict[str, Any]]], tuple[str, ...]]] = {
    "log": (_log, log.LOG_COLUMNS),
    "journalists": (_journalists, lists.EXPORT_COLUMNS),
    "suppressions": (lambda room, _: suppressions.ls(room), _SUPPRESSIONS),
}
"""What can be exported, each with its columns."""


def checked(what: str, asked: Mapping[str, Any]) -> None:
    """Refuse (UsageError) what is no export, or has another's conditions."""
    if what not in KINDS:
        raise UsageError(f'"{what}" cannot be exported.', hint=f"Use {', '.join(KINDS)}.")
    fits = {"log": ("distribution", "state", "since"), "journalists": ("list",)}.get(what, ())
    for name in ("distribution", "state", "since", "list"):
        if asked.get(name) is not None and name not in fits:
            raise UsageError(f"an export of {what} takes no {name}.")
    if asked["format"] not in FORMATS:
        raise UsageError(f'"{asked["format"]}" is no format.', hint=f"Use {', '.join(FORMATS)}.")


def lines(room: Newsroom, what: str, asked: Mapping[str, Any]) -> Iterator[str]:
    """The file, line by line, as the store gives its rows. Raises what reading them does, such as
    NotFound for a distribution, before the first line."""
    read, columns = KINDS[what]
    rows = read(room, asked)
    if asked["format"] == "jsonl":
        return (as_json(row) + "\n" for row in rows)
    return csv_table(rows, columns)


def file_name(room: Newsroom, what: str, format: str) -> str:
    """What an export made now is called when nobody named it."""
    return f"{what}-{to_datetime(room.clock.now()):%Y%m%d-%H%M%S}.{format}"


def folder(room: Newsroom) -> Path:
    """Where exports go when nobody said where."""
    return room.config.home / "exports"


def default_path(room: Newsroom, name: str) -> Path:
    """A file of that name in the folder of exports, which is made if need be."""
    folder(room).mkdir(mode=0o700, exist_ok=True)
    return folder(room) / name


def export(room: Newsroom, what: str, asked: Mapping[str, Any], path: Path, actor: str) -> int:
    """Write an export here and now: whole or not at all, for its owner only; how many rows."""
    count = write_private(path, (text.encode() for text in lines(room, what, asked)))
    rows = count - int(asked["format"] == "csv")
    with room.store.write() as tx:
        add_event(tx, "exported", actor, data={"what": what, "rows": rows})
    return rows
