"""Telephone numbers in lists: for who cannot be told by mail."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailer.audience.lists import read_list


@pytest.mark.parametrize(
    ("header", "cells", "phone"),
    [
        ("Phone", "+32 2 555 01 00", "+32 2 555 01 00"),
        ("Telefonnummer", "'+49 30 5550100", "+49 30 5550100"),
        ("Téléphone", "on request", ""),
        ("Phone,Mobile", "+32 2 555 01 00,+32 470 55 01 00", "+32 2 555 01 00"),
        ("電話番号", "03-5555-0100", "03-5555-0100"),
    ],
)
def test_a_number_is_kept(tmp_path: Path, header: str, cells: str, phone: str) -> None:
    """D11: of several columns the first counts, and words are no number."""
    path = tmp_path / "list.csv"
    path.write_text(f"Email,{header}\na@example.org,{cells}\n", "utf-8")
    [row] = read_list(path)
    assert row.journalist is not None and row.journalist.phone == phone
