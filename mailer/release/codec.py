"""A release as JSON and back, complete: the store keeps revisions in this form."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any, cast

from mailer.errors import InputError
from mailer.release.model import Release

FORMAT = 1
"""Raised when the meaning of a field changes; fields added with defaults do not raise it."""


def to_json(release: Release) -> dict[str, Any]:
    """The release as plain dicts, lists, strings, numbers; empty and default fields left out."""
    return {"format": FORMAT, **cast("dict[str, Any]", _plain(release))}


def from_json(data: dict[str, Any]) -> Release:
    """The release that `to_json` wrote. Unknown keys (of a later version) are passed over.

    Raises InputError when the data is no release.
    """
    if data.get("format") != FORMAT:
        raise InputError(
            f"a stored release has format {data.get('format')!r}, this mailer reads {FORMAT}.",
            hint="Use the version of mailer that wrote it, or a later one.",
        )
    try:
        return cast(Release, _build(Release, data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the stored release is broken: {error}.") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        result = {}
        for item in dataclasses.fields(value):
            own = getattr(value, item.name)
            if item.default is dataclasses.MISSING or own != item.default:
                result[item.name] = _plain(own)
        return result
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def _build(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        if value is None:
            return None
        return _build(next(arg for arg in typing.get_args(kind) if arg is not type(None)), value)
    if origin is tuple:
        args = typing.get_args(kind)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in value)
        return tuple(_build(arg, item) for arg, item in zip(args, value, strict=True))
    if dataclasses.is_dataclass(kind):
        hints = _hints(cast(type, kind))
        names = {item.name for item in dataclasses.fields(kind)}
        return cast(type, kind)(
            **{name: _build(hints[name], own) for name, own in value.items() if name in names}
        )
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is date:
        return date.fromisoformat(value)
    if kind in {str, int, bool} and not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
