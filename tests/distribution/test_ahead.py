"""Rows judged by a second process: the same rows, the same errors, and no process left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from mailer.audience.lists import Row, read_list
from mailer.distribution import ahead
from mailer.distribution.ahead import Judged
from mailer.errors import InputError

from tests.audience.lists_of import make


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every file is worth a second process; those that were started."""
    monkeypatch.setattr(ahead, "WORTH", 0)
    monkeypatch.setattr("mailer.distribution.ahead.threading.active_count", lambda: 1)
    started, fork = [], os.fork

    def counted() -> int:
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(os, "fork", counted)
    return started


def gone(child: int) -> bool:
    """Whether a child ended and was looked after."""
    try:
        os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def shown(rows: Iterator[tuple[Row, bytes]]) -> list[Any]:
    """Rows without the cells that only those of rejected ones are asked for."""
    return [
        (r.number, r.line, r.verdict, r.journalist, r.reasons, r.warnings, hash)
        + ((r.cells,) if r.journalist is None else ())
        for r, hash in rows
    ]


@pytest.mark.parametrize("dialect", ["utf8", "xlsx"])
def test_the_same_rows(tmp_path: Path, children: list[int], dialect: str) -> None:
    """Nothing of a list depends on who judged it (E9)."""
    path, _ = make(tmp_path, 1200, 5, dialect)
    apart = Judged(read_list(path), b"key")
    rows = shown(iter(apart))
    assert len(children) == 1 and gone(children[0])
    assert apart.bytes_read == path.stat().st_size
    assert rows == shown(Judged(read_list(path), b"key")._here())
    assert {each[2] for each in rows} == {"take", "hold", "reject", "objection"}


def test_what_ends_early(
    tmp_path: Path, children: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the reader is the import's; a process that was ended says so; whoever looks at no
    more rows leaves none behind."""
    path, _ = make(tmp_path, 20_000, 5, "utf8")
    rows = iter(Judged(read_list(path), b"key"))
    assert len(list(islice(rows, 10))) == 10
    rows.close()
    rows = iter(Judged(read_list(path), b"key"))
    next(rows)
    os.kill(children[1], signal.SIGKILL)
    with pytest.raises(InputError, match="was ended"):
        list(rows)

    def broken(self: Any) -> Iterator[Row]:
        raise InputError("the file could not be read to its end: no such disk.", where="here")
        yield

    monkeypatch.setattr("mailer.audience.lists.ListReader.__iter__", broken)
    with pytest.raises(InputError, match="no such disk") as found:
        list(Judged(read_list(path), b"key"))
    assert found.value.where == "here"
    assert len(children) == 3 and all(map(gone, children))
