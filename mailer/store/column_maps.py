"""How officers mapped the columns of list files, by the set of column names, in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.store.base import Tx


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One remembered mapping: field to column name; `file` was read so at `updated_at` (UTC
    microseconds) by `actor`."""

    columns: Mapping[str, str]
    file: str
    actor: str
    updated_at: int


def get(tx: Tx, header: str) -> ColumnMap | None:
    """The mapping for a header's key, None when there is none."""
    row = tx.one("column_maps.get", header=header)
    if row is None:
        return None
    return ColumnMap(json.loads(row["columns"]), row["file"], row["actor"], row["updated_at"])


def keep(tx: Tx, header: str, columns: Mapping[str, str], *, file: str, actor: str) -> None:
    """Remember a mapping; one for the same header goes."""
    tx.run(
        "column_maps.keep",
        header=header,
        columns=json.dumps(dict(columns), ensure_ascii=False),
        file=file,
        actor=actor,
        now=tx.now(),
    )


def forget(tx: Tx, header: str) -> bool:
    """No mapping for this header any more; whether there was one."""
    return bool(tx.run("column_maps.forget", header=header))
