"""A browser without anything a browser brings, on the public pages of a test's `office`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from mailer.web.public import public_app

from tests.web.serving import Room, bare, serving


@pytest.fixture
def client(office: Room) -> Iterator[httpx.Client]:
    """Asks the pages over a real connection."""
    with serving(public_app(office)) as address, bare(address) as client:
        yield client
