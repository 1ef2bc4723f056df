"""Whom the law of his country protects from advertising (E15 to E19)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.audience.advertising import Person, barred, is_impersonal, rule_of

BASES = ("opt_in", "existing_relationship", "public_contact", "legitimate_interest", "")


@pytest.mark.parametrize(
    ("country", "bases", "desk", "at_work"),
    [
        ("PL", {"opt_in"}, False, False),
        ("BE", {"opt_in", "existing_relationship"}, True, False),
        ("DE", {"opt_in", "existing_relationship"}, False, False),
        ("IT", {"opt_in", "existing_relationship"}, False, False),
        ("FR", {"opt_in", "existing_relationship"}, True, True),
        ("GB", {"opt_in", "existing_relationship"}, True, True),
        ("CA", {"opt_in", "existing_relationship", "public_contact"}, False, False),
        ("AU", {"opt_in", "existing_relationship", "public_contact"}, False, False),
        ("US", set(BASES) - {""}, True, True),
        ("JP", {"opt_in"}, False, False),
        ("", {"opt_in"}, False, False),
    ],
)  # fmt: skip
def test_by_country(country: str, bases: set[str], desk: bool, at_work: bool) -> None:
    """E15 to E19: consent where it is needed, the strictest where the country is not known."""
    for basis in BASES:
        person = Person("ada@example.com", country, basis)
        assert (barred(person) == "") == (basis in bases), (country, basis)
    assert (barred(Person("redakcja@example.com", country)) == "") == desk
    assert (barred(Person("ada@daily.example", country, outlet="Daily")) == "") == at_work
    assert barred(Person("ada@example.com", country, signed_up=True)) == ""


def test_freelances_and_private_mailboxes_are_individuals() -> None:
    """E16: a sole trader or a private mailbox is no company's."""
    for more in ({"outlet_type": "Freelance"}, {"email": "ada@gmail.com"}, {"outlet": ""}):
        facts = {"email": "ada@daily.example", "country": "GB", "outlet": "Daily", **more}
        assert "must have consented" in barred(Person(**facts))


@given(st.text(max_size=3), st.sampled_from(BASES))
def test_consent_is_enough_everywhere(country: str, basis: str) -> None:
    """And what is kept back is so with a reason and its source."""
    assert barred(Person("a@example.com", country, "opt_in")) == ""
    rule = rule_of(country)
    assert rule.because and rule.source
    assert not is_impersonal("anna.nowak@example.com") and is_impersonal("Press+x@example.com")
