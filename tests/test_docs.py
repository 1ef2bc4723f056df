"""The documentation keeps pace: every command, option, library and configuration key is in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from mailer.cli.main import app

REPOSITORY = Path(__file__).parent.parent
ANYWHERE = {"--json", "--config", "--officer", "--help", "-h", "--format"}


def _commands(command: Any, words: tuple[str, ...] = ("mailer",)) -> Iterator[tuple[str, Any]]:
    for name, below in getattr(command, "commands", {}).items():
        if hasattr(below, "commands"):
            yield from _commands(below, (*words, name))
        else:
            yield " ".join((*words, name)), below


COMMANDS = dict(_commands(typer.main.get_command(app)))


def _sections() -> dict[str, str]:
    text = (REPOSITORY / "docs" / "commands.md").read_text("utf-8")
    parts = re.split(r"^### `([^`]+)`\n", text, flags=re.MULTILINE)
    named = {}
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        words = re.split(r" (?=[A-Z\[-])", heading)[0]
        named[words] = f"{heading}\n{body}"
    return named


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_documented(name: str) -> None:
    """A command has a section in docs/commands.md that names all its options, and a help text."""
    assert COMMANDS[name].help
    section = _sections()[name]
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    missing = {o for o in options - ANYWHERE if o.startswith("-") and f"{o}" not in section}
    assert missing == set()


def test_no_command_is_documented_that_does_not_exist() -> None:
    """A command stands in the documentation once it is built."""
    assert set(_sections()) == set(COMMANDS)


@pytest.mark.parametrize(
    "page", ["README.md", *(p.name for p in (REPOSITORY / "docs").glob("*.md"))]
)
def test_commands_in_examples_exist(page: str) -> None:
    """Every `mailer …` in a block of code or between backticks can be called."""
    path = REPOSITORY / page if page == "README.md" else REPOSITORY / "docs" / page
    text = path.read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    spans = "\n".join(re.findall(r"`(mailer [^`]+)`", text))
    for words in re.findall(r"(?:^|&& )mailer ([a-z-]+(?: [a-z-]+)?)", f"{blocks}\n{spans}", re.M):
        first, _, second = words.partition(" ")
        assert f"mailer {first}" in COMMANDS or f"mailer {first} {second}" in COMMANDS, words


def test_links_between_pages_lead_somewhere() -> None:
    """No page points at a file that is not there."""
    for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_library_is_explained() -> None:
    """docs/dependencies.md names each requirement of pyproject.toml, and no other."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\s\[<>=!;]", requirement)[0] for requirement in required}
    text = (REPOSITORY / "docs" / "dependencies.md").read_text("utf-8")
    explained = set(re.findall(r"^\| ([A-Za-z][\w-]*) \| (?!why)", text, re.MULTILINE))
    assert explained == names


def test_no_library_is_carried_for_nothing() -> None:
    """What a plain install brings is imported, except what others need at a certain version."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\s\[<>=!;]", each)[0] for each in project["dependencies"]}
    called = {
        "dnspython": "dns",
        "pyyaml": "yaml",
        "markdown-it-py": "markdown_it",
        "pillow": "PIL",
    }
    called |= {"python-docx": "docx", "dnspython": "dns"}
    source = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "mailer").rglob("*.py"))
    idle = {
        name
        for name in names - {"lxml", "tzdata"}
        if not re.search(
            rf"^\s*(import|from) {called.get(name, name.replace('-', '_'))}\b", source, re.MULTILINE
        )
    }
    assert idle == set()
