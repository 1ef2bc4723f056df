"""What commands print, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.cli.output import Column, emit, line, printable
from mailer.distribution.textrows import defused
from mailer.distribution.words import look
from mailer.store.states import DeliveryState, DistributionState, WaveState
from rich.cells import cell_len

COLUMNS = [
    Column("name", "NAME", weight=1, least=8),
    Column("state", "STATE", state=True),
    Column("count", "PEOPLE", number=True),
]


def _emitted(rows: list[dict[str, Any]], form: str, columns: list[Column] = COLUMNS) -> str:
    out = io.StringIO()
    emit(rows, columns, form, out=out)
    return out.getvalue()


def test_table_aligns_numbers_and_names_states() -> None:
    """Numbers end below each other; a state is a sign and a word."""
    text = _emitted(
        [
            {"name": "Anna", "state": "accepted", "count": 1284},
            {"name": "Łukasz 北京", "state": "in_doubt", "count": 3},
        ],
        "table",
    )
    head, first, second = text.splitlines()
    assert head.endswith("PEOPLE") and first.endswith(" 1,284") and second.endswith("      3")
    assert "✓ accepted" in first and "? in_doubt" in second
    assert len({cell_len(row) for row in (head, first, second)}) == 1
    assert "\x1b" not in text


def test_every_state_of_the_ledger_has_a_look() -> None:
    """No state is shown without its own sign, and none by colour alone."""
    words = [state.word for state in DeliveryState]
    words += [state.value for kind in (DistributionState, WaveState) for state in kind]
    assert all(look(word).sign != "·" for word in words)
    signs: dict[str, str] = {}
    for word in words:
        shown = look(word)
        assert signs.setdefault(shown.sign, shown.tone) == shown.tone


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": st.text(max_size=300), "state": st.just("queued"), "count": st.integers(0, 9)}
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_table_fits_80_columns(rows: list[dict[str, Any]]) -> None:
    """Whatever the cells hold, a row is one line of at most 80 columns."""
    lines = _emitted(rows, "table").split("\n")
    assert len(lines) == len(rows) + 2
    assert all(cell_len(text) <= 80 for text in lines)


def test_csv_is_defused() -> None:
    """H18: cells that a spreadsheet would calculate are made text; the rest is RFC 4180."""
    rows = [{"name": "=cmd()", "state": "queued", "count": -3}, {"name": 'a "b",\nc', "count": 1}]
    text = _emitted(rows, "csv")
    parsed = list(csv.reader(io.StringIO(text, newline="")))
    assert parsed[0] == ["name", "state", "count"]
    assert parsed[1] == ["'=cmd()", "queued", "-3"]
    assert parsed[2] == ['a "b",\nc', "", "1"]
    assert "\r" not in text
    for sign in "=+-@\t\r":
        assert defused(f"{sign}1").startswith("'")


def test_json_is_one_document_and_jsonl_one_a_line() -> None:
    """--json is a document even without rows; user text stays as it is."""
    rows = [{"name": "Zażółć [red]x[/red]", "count": 1}, {"name": "b", "count": None}]
    assert json.loads(_emitted(rows, "json")) == rows
    assert json.loads(_emitted([], "json")) == []
    assert [json.loads(row) for row in _emitted(rows, "jsonl").splitlines()] == rows
    assert "Zażółć [red]" in _emitted(rows, "json")


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_rows_are_streamed(form: str) -> None:
    """A long log is printed while it is read."""
    out = io.StringIO()
    seen = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(5000):
            if number % 1000 == 0:
                seen.append(len(out.getvalue()))
            yield {"name": "a", "state": "queued", "count": number}

    emit(rows(), COLUMNS, form, out=out)
    assert seen == sorted(seen) and seen[4] > seen[1] > 0


def test_controls_cannot_reach_the_terminal() -> None:
    """An escape sequence in a list file is shown, not obeyed."""
    assert printable("a\x1b[2Jb\u202e") == "a\\x1b[2Jb\\u202e"
    assert "\x1b" not in _emitted([{"name": "\x1b]0;x\x07", "state": "queued"}], "table")


def test_long_sentences_are_folded_behind_their_state() -> None:
    """A finding is folded at 80 columns, its lines standing below each other."""
    out = io.StringIO()
    line("word " * 40, begin="warning", out=out)
    rows = out.getvalue().splitlines()
    assert rows[0].startswith("! warning   word") and rows[1].startswith(" " * 12 + "word")
    assert all(len(row) <= 80 for row in rows)
