"""Figures beside their targets, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One figure, its unit, and the target it is held against, if any."""

    what: str
    figure: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.at_least is None and self.at_most is None:
            return None
        low = self.at_least is None or self.figure >= self.at_least
        return low and (self.at_most is None or self.figure <= self.at_most)

    @property
    def target(self) -> str:
        """The target in words."""
        bounds = []
        if self.at_least is not None:
            bounds.append(f"≥ {_number(self.at_least)}")
        if self.at_most is not None:
            bounds.append(f"≤ {_number(self.at_most)}")
        return " ".join(bounds)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "what": self.what,
            "figure": self.figure,
            "unit": self.unit,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.met,
        }


def table(rows: Iterable[Row]) -> str:
    """A line per figure."""
    words = {True: "met", False: "NOT MET", None: ""}
    lines = [f"{'':46}{'measured':>14}  {'target':>16}"]
    for row in rows:
        figure = f"{_number(row.figure)} {row.unit}"
        lines.append(f"{row.what:46}{figure:>14}  {row.target:>16}  {words[row.met]}".rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
