"""Choosing a way out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from mailer.smtp.routes import pick


@dataclass(frozen=True)
class Way:
    """All that choosing asks of a route."""

    name: str
    domains: tuple[str, ...] = ()
    order: int = 0


DEFAULT = Way("default")
AGENCIES = Way("agencies", domains=("example.net", ".example.org"), order=5)
SPARE = Way("spare", order=9)


@pytest.mark.parametrize(
    ("domain", "name"),
    [("example.net", "agencies"), ("EXAMPLE.NET.", "agencies"), ("sub.example.net", "default"),
     ("example.org", "agencies"), ("a.b.example.org", "agencies"), ("badexample.org", "default"),
     ("example.com", "default")],
)  # fmt: skip
def test_pick(domain: str, name: str) -> None:
    """A route that names the domain comes before one for all; then by order."""
    found = pick([SPARE, DEFAULT, AGENCIES], domain)
    assert found is not None
    assert found.name == name


def test_resting_routes() -> None:
    """A route that rests is passed over; when all rest there is none."""
    routes = [DEFAULT, AGENCIES, SPARE]
    assert pick(routes, "example.com", without=["default"]) == SPARE
    assert pick(routes, "example.net", without=["agencies"]) == DEFAULT
    assert pick(routes, "example.com", without=["default", "spare"]) is None
