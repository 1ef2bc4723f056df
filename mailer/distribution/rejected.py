"""Rows of a list file that were not taken, kept for the officer to mend and import again."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mailer.audience.lists import Row
from mailer.distribution.textrows import defused
from mailer.errors import StoreUnavailable


class RejectedFile:
    """`rejected/LIST-IMPORT.csv` in the newsroom's folder: line, reason, the cells as read.

    Readable by its owner only; it exists from the first row that is added.
    """

    def __init__(self, home: Path, list_name: str, number: int, header: Sequence[str]) -> None:
        plain = re.sub(r"[^\w.-]+", "-", list_name).strip(".-") or "list"
        path = _folder(home) / f"{plain}-{number}.csv"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"the rejected rows cannot be kept ({(error.strerror or 'error').lower()}); "
                "nothing was imported.",
                where=str(path.parent),
                hint="Let the user who runs mailer write there.",
            ) from None
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["line", "reason", *map(defused, header)])

    def add(self, row: Row) -> None:
        """Keep one row with its reasons."""
        reason = "; ".join(row.reasons)
        self._writer.writerow([row.line, defused(reason), *map(defused, row.cells)])

    def flushed(self) -> Path:
        """The file, with all that was added so far."""
        self._file.flush()
        return self.path

    def close(self, *, keep: bool) -> None:
        """End the file; without `keep` it goes."""
        self._file.close()
        if not keep:
            self.path.unlink(missing_ok=True)


def rejected_files(home: Path, number: int) -> Iterator[Path]:
    """What an import of that number left there."""
    return _folder(home).glob(f"*-{number}.csv")


def _folder(home: Path) -> Path:
    return home / "rejected"
