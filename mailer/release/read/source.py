"""What is known about a release file while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(slots=True)
class Source:
    """What is known about the file: its text, its name, how it was encoded."""

    text: str
    name: str
    encoding: str
    today: date | None
    zone: str
    default_language: str = "en"
    whole: str | None = None
    """The words to account for where they are not simply `text`."""

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")
