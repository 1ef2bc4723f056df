"""What speaks against well-formed addresses: slips, throw-away domains, desks, robots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.audience.doubts import doubts_about, intended_domain
from mailer.audience.lookalikes import mixed_scripts


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmailcom.com", ""),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotnail.fr", "hotmail.fr"),
        ("yaho.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("gmx.ed", "gmx.de"),
        ("seznam.cx", "seznam.cz"),
        ("daily.example.con", "daily.example.com"),
        # Real ones, however near.
        ("mail.com", ""),
        ("ymail.com", ""),
        ("gmx.com", ""),
        ("gmx.fr", ""),
        ("hotmail.de", ""),
        ("yahoo.ca", ""),
        ("gmail.com", ""),
        ("example.org", ""),
        ("wb.de", ""),
        ("orange.es", ""),
    ],
)
def test_slips_of_big_domains(domain: str, meant: str) -> None:
    """A28: suggested, never mended; what stands near but is real is left alone."""
    assert intended_domain(domain) == meant


@pytest.mark.parametrize(
    ("email", "kinds"),
    [
        ("anna.nowak@example.org", []),
        ("redakcja@example.org", ["role"]),
        ("Letters.to.the.Editor@example.org", ["role"]),
        ("news+press@example.org", ["role"]),
        ("no-reply@example.org", ["robot"]),
        ("anna@mailinator.com", ["disposable"]),
        ("anna@sub.mailinator.com", ["disposable"]),
        ("info@gmial.com", ["typo", "role"]),
        ("аnna@example.org", ["scripts"]),
        ("anna@@example.org", ["syntax"]),
    ],
)
def test_doubts_about_addresses(email: str, kinds: list[str]) -> None:
    """E7, A28"""
    assert [doubt.kind for doubt in doubts_about(email)] == kinds


def test_a_slip_comes_with_the_whole_address() -> None:
    """A28"""
    (doubt,) = doubts_about("Anna.Nowak@gmial.com")
    assert (doubt.level, doubt.suggestion) == ("warning", "Anna.Nowak@gmail.com")


@given(st.text(max_size=40))
def test_any_text_is_looked_at(text: str) -> None:
    """H14"""
    assert all(doubt.text for doubt in doubts_about(text))


@pytest.mark.parametrize(
    ("email", "doubted"),
    [
        ("सुनीता.iyer@a.example.org", False),
        ("خديجة.aïtbenhaddou@a.example.net", False),
        ("anna.ковальська@a.example.org", False),
        ("аnna@a.example.org", True),
        ("аса.nowak@a.example.org", True),
    ],
)
def test_names_may_be_in_two_scripts_but_not_pretend(email: str, doubted: bool) -> None:
    """E9: a word in a script of its own is a name; one that looks like the others' is a trick."""
    assert bool(mixed_scripts(email)) == doubted
