"""The page of checks tells them all."""

from __future__ import annotations

import re
from pathlib import Path

from mailer.release.preflight import CHECKS

PAGE = Path(__file__).parents[1] / "docs" / "preflight.md"


def test_each_code_stands_under_its_severity() -> None:
    text = PAGE.read_text("utf-8")
    errors, _, warnings = text.partition("## Warnings")
    for row in CHECKS:
        where = errors if row.severity == "error" else warnings
        assert f"`{row.code}`" in where, row.code
    told = set(re.findall(r"`([a-z]+_[a-z_]+|template)`", text))
    assert told <= {row.code for row in CHECKS}
