"""Files are read as they were, unless somebody looked at the change and accepted it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release.golden import differences, files, reading


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_reading_is_the_one_that_was_accepted(path: Path) -> None:
    """`python -m tests.release.golden --diff` shows this, `--accept` keeps the new one."""
    assert differences(path) == ""
    assert "MISSING" not in reading(path)
