"""A newsroom folder of its own for each test, and the command line called in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mailer.cli.main import run


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Mailer = Callable[..., Result]


@pytest.fixture
def mailer(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Mailer:
    """Call the command line; MAILER_ variables from outside do not count."""
    for name in list(os.environ):
        if name.startswith("MAILER_"):
            monkeypatch.delenv(name)

    def call(*arguments: str | Path) -> Result:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def room(mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A freshly laid out newsroom folder, and the working directory."""
    folder = tmp_path / "room"
    assert mailer("init", folder).code == 0
    monkeypatch.chdir(folder)
    return folder
