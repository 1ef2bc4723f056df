"""A newsroom on each database, for tests that send nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.config import Config
from mailer.distribution.context import Newsroom

from tests.distribution.room import make_config, open_room


@pytest.fixture
def config(store_url: str, tmp_path: Path) -> Config:
    """Its configuration."""
    return make_config(tmp_path / "newsroom", port=2525, store=store_url)


@pytest.fixture
def room(config: Config) -> Iterator[Newsroom]:
    """It itself, open."""
    with open_room(config) as room:
        yield room
