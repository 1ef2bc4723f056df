"""Makes list files for the tests, with what is known to be wrong in each row."""

from __future__ import annotations

import csv
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

_MAKER = Path(__file__).parent / "data" / "make_lists.py"


class Truth(NamedTuple):
    """What the maker knows of one row: number, defect, canonical address, row repeated."""

    row: int
    defect: str
    address: str
    of_row: str


@cache
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_lists", _MAKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make(folder: Path, count: int, seed: int, dialect: str) -> tuple[Path, list[Truth]]:
    """A list of `count` rows and the truth about every one; `xlsx` is the same as a spreadsheet."""
    path, truth = folder / f"{dialect}.csv", folder / f"{dialect}.truth.csv"
    made = maker()
    written = "utf8" if dialect == "xlsx" else dialect
    made.write_list(str(path), made.Maker(seed), count, written, truth=str(truth))
    if dialect == "xlsx":
        path = as_sheet(path)
    with truth.open(encoding="utf-8", newline="") as file:
        rows = [Truth(int(r[0]), r[1], r[2], r[3]) for r in list(csv.reader(file))[1:]]
    return path, rows


def as_sheet(path: Path) -> Path:
    """The rows of a CSV file as a spreadsheet, every cell as text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Press")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            cells = []
            for text in row:
                cell = WriteOnlyCell(sheet, value=text)
                # As Excel keeps what was typed with an apostrophe before it.
                cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    target = path.with_suffix(".xlsx")
    book.save(target)
    return target


def samples(folder: Path) -> Path:
    """The folder with the three small lists as three people keep them."""
    maker().write_samples(str(folder))
    return folder
