"""Which provider takes a domain's mail."""

from __future__ import annotations

import pytest
from mailer.smtp.destinations import Destinations


@pytest.mark.parametrize(
    ("domain", "group"),
    [("gmail.com", "gmail"), ("GoogleMail.com.", "gmail"), ("yahoo.co.uk", "yahoo"),
     ("yahoo.fr", "yahoo"), ("yahoo.com.br", "yahoo"), ("yahoo.example.com", "yahoo.example.com"),
     ("hotmail.be", "microsoft"), ("mail.hotmail.be", "mail.hotmail.be"),
     ("notgmail.com", "notgmail.com"), ("example.org", "example.org"), ("yahoo", "yahoo"),
     ("web.de", "gmx"), ("gmx.at", "gmx")],
)  # fmt: skip
def test_known_providers(domain: str, group: str) -> None:
    """H12: per provider, not per domain; what looks alike is somebody else's."""
    assert Destinations().group_of(domain) == group


def test_the_newsrooms_own_groups_come_first() -> None:
    """H12: an own name adds its domains, a known one's domains can be moved."""
    own = Destinations({"paper": ["example.net", "sub.example.org"], "gmail": ["example.com"]})
    assert own.group_of("example.net") == "paper"
    assert own.group_of("sub.example.org") == "paper"
    assert own.group_of("example.org") == "example.org"
    assert own.group_of("example.com") == own.group_of("gmail.com") == "gmail"
