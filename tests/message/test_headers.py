"""Header fields at the edge of a line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.message.headers import unstructured


@settings(max_examples=200)
@given(st.lists(st.text("abcXY", min_size=1, max_size=40), min_size=1, max_size=20))
def test_words_fold_at_78(words: list[str]) -> None:
    """B6: no line over 78 columns where a space allows it, nothing lost."""
    field = unstructured("Subject", " ".join(words))
    assert all(len(line) <= 78 for line in field.split("\r\n"))
    assert field.replace("\r\n", "") == "Subject: " + " ".join(words)


@pytest.mark.parametrize("length", range(60, 75))
def test_the_space_of_a_fold_counts(length: int) -> None:
    """B6: the second line has one column more than its words."""
    field = unstructured("Subject", f"{'a' * 60} {'b' * length} {'c' * (77 - length)}")
    assert max(map(len, field.split("\r\n"))) <= 78
