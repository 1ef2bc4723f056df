"""Messages are what they were, unless somebody looked at the change and accepted it."""

from __future__ import annotations

import pytest

from tests.message.golden import differences
from tests.message.samples import RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_the_message_is_the_one_that_was_accepted(name: str) -> None:
    """`python -m tests.message.golden --diff` shows this, `--accept` keeps the new one."""
    assert differences(name) == ""
